"""A client of the zygote's protocol (src/run/zygote.h), as rowlock-exec and the driver are."""

import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

SOURCE = Path(os.environ.get("ROWLOCK_SRCDIR") or Path(__file__).parents[2]).resolve()
BUILD = Path(os.environ.get("ROWLOCK_BUILDDIR") or SOURCE).resolve()
ENTRY = SOURCE / "src" / "pytest" / "zygote.py"
PATIENCE = 120  # seconds for anything to happen; reached only if something is broken

OUTCOMES = ("", "passed", "failed", "skipped", "xfailed", "xpassed", "error", "crashed")
KINDS = {1: "result", 2: "amend", 3: "note", 5: "attempt"}
FIELDS = {
    1: "message",
    2: "detail",
    3: "stdout",
    4: "stderr",
    5: "log",
    7: "leftover",
    8: "property",
    9: "location",
    10: "call",
    11: "doing",
    12: "title",
    13: "place",
}
REPEATED = ("leftover", "property", "title")
JOINED = ("detail", "stdout", "stderr", "log")
RECORD = struct.Struct("<IBBqQQQQI")


class Record:
    """An 'J' frame."""

    def __init__(self, payload):
        head = RECORD.unpack_from(payload, 0)
        self.index, kind, outcome, self.start_ns = head[:4]
        self.wall_ns, self.user_ns, self.sys_ns, self.peak, count = head[4:]
        self.kind = KINDS[kind]
        self.outcome = OUTCOMES[outcome]
        self.fields = {name: [] for name in REPEATED}
        at = RECORD.size
        for _ in range(count):
            tag, length = struct.unpack_from("<II", payload, at)
            data = payload[at + 8 : at + 8 + length]
            assert len(data) == length
            at += 8 + length
            name = FIELDS[tag]
            if name == "call":
                value = OUTCOMES[data[0]]
            else:
                value = data.decode("utf-8")
            if name in REPEATED:
                self.fields[name].append(value)
            elif name in JOINED and name in self.fields:
                before = self.fields[name]
                self.fields[name] = before + ("" if before.endswith("\n") else "\n") + value
            else:
                assert name not in self.fields
                self.fields[name] = value
        assert at == len(payload)

    def __getattr__(self, name):
        if name in FIELDS.values():
            return self.fields.get(name, "")
        raise AttributeError(name)


class Connection:
    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(PATIENCE)
        folder = os.open(path, os.O_RDONLY)
        try:
            self.sock.connect(f"/proc/self/fd/{folder}/zygote")
        finally:
            os.close(folder)
        self.data = b""

    def send(self, kind, payload=b""):
        self.sock.sendall(struct.pack("<IB", len(payload), ord(kind)) + payload)

    def send_run(self, slot, tests, reruns=0):
        """tests: [(index, id), ...]"""
        parts = [struct.pack("<III", slot, 0, len(tests))]
        for index, name in tests:
            encoded = name.encode("utf-8")
            parts.append(struct.pack("<III", index, reruns, len(encoded)) + encoded)
        self.send("R", b"".join(parts))

    def read(self):
        """The next frame as (kind, payload); None at the end."""
        while True:
            if len(self.data) >= 5:
                size, kind = struct.unpack_from("<IB", self.data)
                if len(self.data) >= 5 + size:
                    payload = self.data[5 : 5 + size]
                    self.data = self.data[5 + size :]
                    return chr(kind), payload
            part = self.sock.recv(1 << 16)
            if not part:
                assert not self.data, "torn frame"
                return None
            self.data += part

    def read_until(self, kind):
        """Frames up to and including the first of that kind."""
        found = []
        while True:
            frame = self.read()
            assert frame is not None, f"end of connection instead of {kind!r}: {found}"
            found.append(frame)
            if frame[0] == kind:
                return found

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.close()


class Group:
    """What came back for one 'R'."""

    def __init__(self, frames):
        self.frames = frames
        self.order = "".join(kind for kind, _ in frames)
        self.started = [struct.unpack("<II", p) for kind, p in frames if kind == "S"]
        self.records = [Record(p) for kind, p in frames if kind == "J"]
        self.results = {r.index: r for r in self.records if r.kind == "result"}
        self.amends = [r for r in self.records if r.kind == "amend"]
        ends = [struct.unpack("<I", p)[0] for kind, p in frames if kind == "E"]
        exits = [struct.unpack_from("<i", p)[0] for kind, p in frames if kind == "X"]
        self.left_out = ends[0] if ends else None
        self.wait_status = exits[0] if exits else None
        self.doing = b"".join(p[4:] for kind, p in frames if kind == "X").decode()

    @property
    def outcomes(self):
        return [self.results[index].outcome for index in sorted(self.results)]

    @property
    def pid(self):
        return self.started[0][1]


class Zygote:
    """A zygote on a suite; a context manager that leaves nothing behind."""

    def __init__(self, suite, *args, **options):
        self.suite = suite
        self.args = args
        self.sequential = options.pop("sequential", False)
        self.workers = options.pop("workers", 2)
        self.env = options.pop("env", {})
        self.watch = options.pop("watch", None)
        self.python = options.pop("python", sys.executable)
        self.worker_start = options.pop("start", None)  # the zygote's default is auto
        self.temp = Path(tempfile.mkdtemp(prefix="rl-"))
        if options.pop("deep", False):
            self.temp_dir = self.temp / ("x" * 90) / ("y" * 90)
            self.temp_dir.mkdir(parents=True)
        else:
            self.temp_dir = self.temp
        self.state = Path(tempfile.mkdtemp(prefix="rl-run-"))
        self.rundir = self.state / "runs" / "this"
        self.rundir.mkdir(parents=True)
        last = options.pop("last", None)  # the Zygote of the run before
        if last is not None:
            (self.state / "last").symlink_to(last.rundir)
        assert not options
        self.process = None
        self.ready = None

    def __enter__(self):
        self.start()
        return self

    def environment(self):
        env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "FQCN_"))}
        env.update(
            PYTHONDONTWRITEBYTECODE="1",
            # The samples are run with pytest alone, whatever else is installed.
            PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
            ROWLOCK_MODE="sequential" if self.sequential else "parallel",
            ROWLOCK_WORKERS=str(self.workers),
            ROWLOCK_RUN_UID="uid-of-this-run",
            ROWLOCK_GRACE="10",
            MAKEFLAGS=" -j4 --jobserver-auth=3,4",
            MAKELEVEL="1",
        )
        env.update(self.env)
        return {k: v for k, v in env.items() if v is not None}

    def start(self):
        read_fd, write_fd = os.pipe()
        watch = self.watch or os.getpid()
        command = [str(BUILD / "rowlock-exec"), "--guard", str(watch), "10000"]
        command += [self.python, str(ENTRY), "--rowlock-temp", str(self.temp_dir)]
        command += ["--rowlock-run", str(self.rundir), "--rowlock-ready", str(write_fd)]
        if self.worker_start:
            command += ["--rowlock-start", self.worker_start]
        command += ["--", *self.args]
        self.process = subprocess.Popen(
            command,
            cwd=str(self.suite),
            env=self.environment(),
            pass_fds=[write_fd],
            preexec_fn=take_hangups,
        )
        os.close(write_fd)
        try:
            assert select.select([read_fd], [], [], PATIENCE)[0], "no sign of life"
            self.ready = os.read(read_fd, 10) == b"\1"
            assert not self.ready or os.read(read_fd, 10) == b"", "not closed"
        finally:
            os.close(read_fd)

    def __exit__(self, *exc_info):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if exc_info[0] is not None:
            sys.stderr.write(f"---- zygote.log\n{self.log}\n----\n")
        shutil.rmtree(str(self.temp), ignore_errors=True)
        shutil.rmtree(str(self.state), ignore_errors=True)

    @property
    def log(self):
        path = self.rundir / "zygote.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def status(self):
        """The exit status of a zygote that ends by itself."""
        return self.process.wait(PATIENCE)

    @property
    def json(self):
        return json.loads((self.rundir / "pytest.json").read_text(encoding="utf-8"))

    @property
    def ids(self):
        return [test["id"] for test in self.json["tests"]]

    def test(self, name):
        """The description of the test whose id ends with name."""
        found = [t for t in self.json["tests"] if t["id"].endswith(name)]
        assert len(found) == 1, found
        return found[0]

    def connect(self):
        return Connection(str(self.temp_dir))

    def resolve(self, names):
        """[(index, id)] of tests given by index or by the end of their id."""
        ids = self.ids
        wanted = []
        for name in names:
            if isinstance(name, int):
                wanted.append((name, ids[name]))
            else:
                found = [i for i, full in enumerate(ids) if full.endswith(name)]
                wanted.append((found[0], ids[found[0]]) if found else (9999, name))
        return wanted

    def begin(self, *names, **options):
        """Sends a group; the connection to read from."""
        conn = self.connect()
        conn.send_run(options.get("slot", 0), self.resolve(names), options.get("reruns", 0))
        return conn

    def collect(self, conn):
        frames = []
        while True:
            frame = conn.read()
            if frame is None:
                conn.close()
                return Group(frames)
            frames.append(frame)

    def run(self, *names, **options):
        """Runs a group to its end."""
        return self.collect(self.begin(*names, **options))

    def run_all(self, **options):
        return self.run(*range(len(self.ids)), **options)

    def finish(self):
        """(status of the session, the Group of what came with it)"""
        with self.connect() as conn:
            conn.send("F")
            frames = conn.read_until("Q")
            assert conn.read() is None
        status = struct.unpack("<i", frames[-1][1])[0]
        assert self.status() == status & 0xFF
        return status, Group(frames)


def write_suite(folder, **files):
    """Writes test files; names use __ for / and end without .py, or in _ini for an ini."""
    for name, text in files.items():
        if name.endswith("_ini"):
            path = folder / (name[: -len("_ini")] + ".ini")
        else:
            path = folder / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    return folder


def run_plain(folder, *args):
    """A plain run of pytest with the plugin: (exit status, what it printed)."""
    code = (
        "import sys; sys.path.insert(0, sys.argv.pop(1));"
        "import pytest; sys.exit(pytest.main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, str(SOURCE / "src" / "pytest")]
    done = subprocess.run(
        command + ["-p", "rowlock_pytest", "-p", "no:cacheprovider", *args],
        cwd=str(folder),
        env=dict(os.environ, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def take_hangups():
    """In a child: nohup has what it starts ignore them, and so would the program under test."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def wait_for(condition, what="it"):
    """Waits until condition() is true."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited too long for {what}"
        time.sleep(0.01)


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", "rb") as f:
            return f.read().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except (FileNotFoundError, ProcessLookupError):
        return False
