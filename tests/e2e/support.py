"""Helpers of the end-to-end tests: a project in a folder of its own, and the real program.

The program is $ROWLOCK_BUILDDIR/rowlock, or the nearest one in a folder above this file.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid

HERE = pathlib.Path(__file__).resolve().parent
VERDICTS_PLUGIN = HERE.parent / "compat" / "plugin"

# What the runner of these tests puts into the environment must not reach the program: they may
# be started by make, by pytest and by Rowlock itself.
FOREIGN = (
    "MAKE",
    "MFLAGS",
    "GNUMAKEFLAGS",
    "ROWLOCK_",
    "PYTEST_",
    "FQCN_",
    "GCOV_",
    "GITHUB_",
    "CI_",
    "GITLAB_",
)


def find_program(name="rowlock"):
    """The built program as an absolute path, or None."""
    given = os.environ.get("ROWLOCK_BUILDDIR")
    folders = [pathlib.Path(given)] if given else HERE.parents
    for folder in folders:
        path = folder.resolve() / name
        if path.is_file() and os.access(path, os.X_OK):
            return path
    return None


def is_configured(word):
    """Does the word stand in what ./configure has decided about this build?"""
    program = find_program()
    return program is None or word in (program.parent / "config.status").read_text()


def hear_signals():
    """Lets what is started hear Ctrl-C and a hangup where we are not to: below nohup, and in a
    shell's background. We go on without them; a handler, unlike SIG_IGN, ends with exec."""
    for sig in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        if signal.getsignal(sig) == signal.SIG_IGN:
            signal.signal(sig, lambda *_: None)


def clean_environment():
    """This process's environment without what belongs to the runner of the tests. The Python
    of these tests is the one that the program finds."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN)}
    # ARGS: make hands on what stood on its command line, as in make check ARGS=…
    for name in ("PYTHONPATH", "VIRTUAL_ENV", "COLUMNS", "CI", "ARGS", "SUITE_ARGS"):
        env.pop(name, None)
    env["PATH"] = os.path.dirname(sys.executable) + os.pathsep + env.get("PATH", os.defpath)
    if sys.prefix != sys.base_prefix:
        env["VIRTUAL_ENV"] = sys.prefix
    env["NO_COLOR"] = "1"
    return env


def encode(text):
    """Bytes of a str in which bytes that are no UTF-8 stand as surrogates, as os.fsencode has
    it whatever the locale."""
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


def decode(data):
    return data.decode("utf-8", "surrogateescape")


def json_bytes(value):
    """JSON with every string as raw bytes, invalid UTF-8 included."""
    return encode(json.dumps(value, ensure_ascii=False, indent=1))


def shown(text):
    """The canonical form of a name in a report. Where a format cannot hold a byte, reports show
    it as \\xNN; control bytes may stand as they are (JSON) or so (terminal, XML). Both the name
    that a report gives and the true name are put into this form to be compared."""
    out = []
    for char in text:
        code = ord(char)
        if 0xDC80 <= code <= 0xDCFF:
            out.append(f"\\x{code - 0xDC00:02x}")
        elif code < 0x20 or code == 0x7F:
            out.append(f"\\x{code:02x}")
        elif 0x80 <= code < 0xA0 or code in (0xFFFE, 0xFFFF):
            out.append("".join(f"\\x{byte:02x}" for byte in char.encode()))
        else:
            out.append(char)
    return "".join(out)


def wait_until(predicate, timeout=120.0, interval=0.02):
    """Asks until the answer is true or the time is over; returns the last answer."""
    deadline = time.monotonic() + timeout
    while True:
        answer = predicate()
        if answer or time.monotonic() > deadline:
            return answer
        time.sleep(interval)


def processes_with(marker):
    """The processes that have marker in their environment or command line, as "PID name"; this
    process is not among them, nor are zombies."""
    wanted = encode(marker)
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            with open(f"/proc/{entry}/environ", "rb") as file:
                text = file.read()
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                text += b"\0" + file.read()
            if wanted in text:
                with open(f"/proc/{entry}/comm", "rb") as file:
                    found.append(f"{entry} {decode(file.read()).strip()}")
        except OSError:
            continue  # it ended, or it is another user's
    return found


class Result:
    """How a program ended and what it wrote."""

    def __init__(self, args, returncode, stdout, stderr):
        self.args = args
        self.returncode = returncode
        self.stdout = decode(stdout)
        self.stderr = decode(stderr)
        self.outcomes = None  # of Project.pytest_plain: {node id: outcome}

    def __repr__(self):
        return (
            f"<{' '.join(map(str, self.args))[:300]}: exit {self.returncode}\n"
            f"--- stdout\n{self.stdout[-4000:]}\n--- stderr\n{self.stderr[-4000:]}>"
        )


class Project:
    """A project in a folder of its own, with the means to run things in it."""

    def __init__(self, root, program):
        self.root = pathlib.Path(root)
        self.root.mkdir(parents=True, exist_ok=True)
        self.program = str(program)
        self.mark = f"mark-{uuid.uuid4().hex}"  # for processes_with
        self.env = clean_environment()
        self.env["PATH"] = os.path.dirname(self.program) + os.pathsep + self.env["PATH"]
        # What is left behind lies in here and goes with the project. Not below the TMPDIR of
        # these tests: Rowlock takes a short one only, as sockets have to lie in it.
        shared = "/tmp" if os.access("/tmp", os.W_OK) else None
        self.temp = pathlib.Path(tempfile.mkdtemp(prefix="re-", dir=shared))
        self.env["TMPDIR"] = str(self.temp)
        self._owner = f"owner-{uuid.uuid4().hex}"
        self.env["E2E_OWNER"] = self._owner
        self._started = []
        self._others = []

    def close(self):
        """Ends what was started and still runs; removes the temporary folder."""
        for child in self._started:
            if child.poll() is None:
                _kill_session(child)
        for other in self._others:
            other.close()
        for process in self.processes():
            try:
                os.kill(int(process.split()[0]), signal.SIGKILL)
            except ProcessLookupError:
                pass
        for child in self._started:
            child.wait()
            for stream in (child.stdin, child.stdout, child.stderr):
                if stream:
                    stream.close()
        shutil.rmtree(self.temp, ignore_errors=True)

    def processes(self):
        """Everything of this project that runs now, as "PID name"."""
        return processes_with(self._owner)

    # Files.

    def path(self, name):
        return self.root / name

    def write(self, path, text, executable=False):
        """Writes a file, its folders too; returns its path."""
        target = pathlib.Path(os.fsdecode(os.path.join(os.fsencode(self.root), encode(path))))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(encode(text))
        if executable:
            target.chmod(0o755)
        return target

    def script(self, path, body):
        """Writes an executable shell script: a native test."""
        return self.write(path, "#!/bin/sh\n" + body + "\n", executable=True)

    def manifest(self, *tests, **more):
        """Writes tests.json; strings in it may hold surrogates for invalid UTF-8."""
        return self.write("tests.json", json_bytes(dict({"rowlock": 1, "tests": tests}, **more)))

    def other(self):
        """One more, empty project."""
        other = Project(self.root.with_name(f"{self.root.name}-{len(self._others)}"), self.program)
        self._others.append(other)
        return other

    # Programs.

    def run(self, command, env=None, timeout=120, cwd=None, stdin=None):
        """Runs any command in the project's folder, to its end."""
        child = self.spawn(command, env=env, cwd=cwd, stdin=stdin)
        try:
            out, err = child.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            _kill_session(child)
            out, err = child.communicate()
            done = Result(command, child.returncode, out, err)
            raise AssertionError(f"not done after {timeout} s: {done!r}") from None
        return Result(command, child.returncode, out, err)

    def spawn(self, command, env=None, cwd=None, stdin=None, **more):
        """Starts any command in a session of its own; close() ends it at the latest."""
        child = subprocess.Popen(
            [encode(str(word)) for word in command],
            cwd=self.root if cwd is None else cwd,
            env={encode(k): encode(str(v)) for k, v in dict(self.env, **(env or {})).items()},
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            **more,
        )
        self._started.append(child)
        return child

    def rowlock(self, *args, env=None, timeout=120, cwd=None):
        return self.run([self.program, *args], env=env, timeout=timeout, cwd=cwd)

    def make(self, *args, env=None, timeout=120):
        return self.run(["make", *args], env=env, timeout=timeout)

    def start(self, *args, env=None):
        """Starts rowlock; a Popen whose streams are text."""
        return self.spawn([self.program, *args], env=env, encoding="utf-8", errors="replace")

    def start_make(self, *args, env=None):
        return self.spawn(["make", *args], env=env, encoding="utf-8", errors="replace")

    def pytest_plain(self, *args, env=None, timeout=120):
        """Runs plain pytest; the result's outcomes are what it said of each test, in the words
        of --report-json."""
        output = self.temp / "verdicts.json"
        output.unlink(missing_ok=True)
        paths = [str(VERDICTS_PLUGIN)] + [p for p in [(env or {}).get("PYTHONPATH")] if p]
        more = dict(env or {}, PYTHONPATH=os.pathsep.join(paths), ROWLOCK_VERDICTS=str(output))
        command = [sys.executable, "-c", _PYTEST, "-p", "rowlock_verdicts", *args]
        done = self.run(command, env=more, timeout=timeout)
        if output.exists():
            done.outcomes = json.loads(output.read_text())
        return done

    # Results.

    def report(self, name="report.json"):
        """What --report-json wrote."""
        return json.loads(decode(self.path(name).read_bytes()))

    def outcomes(self, name="report.json"):
        return {test["id"]: test["outcome"] for test in self.report(name)["tests"]}


# As the pytest program: unlike python -m pytest, it does not put the current folder on sys.path.
_PYTEST = "import sys; sys.path.pop(0); import pytest; sys.exit(pytest.console_main())"


def _kill_session(child):
    """Kills the process group that child leads and child itself."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        child.kill()
