"""What a fork of a process that has imported a project would share or lose: auto notices,
and spawned workers have it as their own."""

import os
import signal
from pathlib import Path
from textwrap import dedent

import pytest

pytestmark = pytest.mark.slow  # each case runs whole sessions, more than once

THREAD = """
    import threading
    EVENT, ANSWERS = threading.Event(), []
    def serve():
        EVENT.wait()
        ANSWERS.append("here")
    SERVER = threading.Thread(target=serve, name="my-server", daemon=True)
    SERVER.start()
    def test_thread():
        assert SERVER.is_alive()
        EVENT.set()
        SERVER.join(100)
        assert ANSWERS == ["here"]
"""

DATABASE = """
    import sqlite3
    DB = sqlite3.connect("app.db", isolation_level=None)
    DB.execute("create table if not exists notes (word)")
    def test_database(worker_id):
        with DB:
            DB.execute("insert into notes values (?)", [worker_id])
"""

CONNECTION = """
    import os, socket
    CLIENT = socket.create_connection(("127.0.0.1", int(os.environ["SERVER_PORT"])))
    def test_connection():
        CLIENT.sendall(b"x")
        assert CLIENT.recv(100) == b"x1"  # the first that this connection has heard
"""

LISTENER = """
    import socket
    SERVER = socket.socket()
    SERVER.bind(("127.0.0.1", 0))
    SERVER.listen()
    PORT = SERVER.getsockname()[1]
    def test_port(worker_id):
        with open("port-" + worker_id, "w") as f:
            f.write(str(PORT))
"""

PROCESS = """
    import atexit, subprocess, sys
    CHILD = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    atexit.register(CHILD.kill)
    def test_process():
        assert CHILD.poll() is None
        CHILD.communicate(b"\\n", 100)
        assert CHILD.returncode == 0
"""

# A loop that another process wakes up misses what it was to be woken up for.
LOOP = """
    import asyncio
    LOOP = asyncio.new_event_loop()
    def test_loop():
        one = LOOP.run_in_executor(None, int, "1")
        assert LOOP.run_until_complete(one) == 1
"""

FOLDER = """
    import os, tempfile
    FOLDER = tempfile.mkdtemp()
    def test_folder(): os.mkdir(FOLDER + "/mine")
"""

NUMBER = """
    import uuid
    NAME = uuid.uuid4().hex
    def test_name():
        with open("name-" + NAME, "x"): pass
"""

PID = """
    import os
    PID = os.getpid()
    def test_pid(): assert PID == os.getpid()
"""


@pytest.fixture
def echo_server():
    """Answers each connection's messages with the message and its number."""
    import socketserver
    import threading

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            count = 0
            while True:
                data = self.request.recv(100)
                if not data:
                    return
                count += 1
                self.request.sendall(data + b"%d" % count)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


HAZARDS = {
    "thread": (THREAD, "thread 'my-server', started in test_x.py:8, runs after the collection"),
    "database": (DATABASE, "the SQLite database app.db is open after the collection"),
    "connection": (CONNECTION, "a connection to 127.0.0.1:"),
    "listener": (LISTENER, "test_x.py:4 binds a socket"),
    "process": (PROCESS, "process "),
    "loop": (LOOP, "an event loop's epoll is open after the collection"),
    "folder": (FOLDER, "test_x.py:3 makes a temporary file or folder"),
    "number": (NUMBER, "test_x.py:3 makes a random value"),
    "pid": (PID, "test_x.py:3 asks for its process id"),
}


def test_what_a_forked_process_makes_is_its_own(suite):
    """As the server of a multiprocessing.Manager makes a folder."""
    text = """
        import os, tempfile
        if os.fork() == 0:
            os.rmdir(tempfile.mkdtemp())
            os._exit(0)
        STATUS = os.wait()[1]
        def test_status(): assert STATUS == 0
    """
    with suite(test_x=text).zygote() as zygote:
        assert zygote.json["worker_start"] == "fork"
        assert zygote.run(0).outcomes == ["passed"]


@pytest.mark.parametrize("name", HAZARDS)
def test_auto_spawns_and_each_worker_has_its_own(suite, name, echo_server):
    text, why = HAZARDS[name]
    env = {"SERVER_PORT": str(echo_server), "ROWLOCK_COLLECTORS": "2"}
    with suite(test_x=text).zygote(env=env) as zygote:
        data = zygote.json
        assert data["worker_start"] == "spawn"
        assert data["worker_start_note"].startswith(why)
        for slot in (0, 1):
            group = zygote.run(0, slot=slot)
            assert group.outcomes == ["passed"], group.records[0].detail
        assert zygote.finish()[0] == 0
    if name == "listener":
        ports = {path.read_text() for path in suite.path.glob("port-*")}
        assert len(ports) == 2


def test_random_parameters_are_the_same_in_all_workers(suite):
    text = """
        import pytest, uuid
        NAMES = [uuid.uuid4().hex, str(uuid.uuid4())]
        @pytest.mark.parametrize("name", NAMES)
        def test_name(name): pass
    """
    with suite(test_x=text).zygote() as zygote:
        assert (zygote.json["worker_start"], zygote.json["worker_start_note"]) == (
            "fork",
            "test_x.py:3 makes a random value: it is the same in all workers, as test ids"
            " depend on it",
        )
        for slot in (0, 1):
            assert zygote.run_all(slot=slot).outcomes == ["passed", "passed"]
        assert zygote.finish()[0] == 0


def test_doubts_are_settled_before_all_is_collected(suite):
    count = 'with open(__file__ + ".imports", "a") as f: f.write("x")'
    text = """
        import pytest, uuid
        NAME = uuid.uuid4().hex
        {count}
        @pytest.mark.parametrize("n", {values})
        def test_n(n): open(NAME, "x").close()
    """
    env = {"ROWLOCK_COLLECTORS": "2"}
    for folder, values, how in (("one", "[1]", "spawn"), ("other", "[NAME]", "fork")):
        tests = suite().path / folder
        tests.mkdir()
        (tests / "test_a.py").write_text(dedent(text.format(values=values, count=count)))
        (tests / "test_b.py").write_text(f"{count}\ndef test_b(): pass\n")
        with suite.zygote(folder, env=env) as zygote:
            data = zygote.json
            assert data["worker_start"] == how, data["worker_start_note"]
            assert "test_a.py:3 makes a random value" in data["worker_start_note"]
            assert zygote.run_all(slot=1).outcomes == ["passed", "passed"]
            first = "passed" if how == "spawn" else "failed"  # that file is there
            assert zygote.run_all(slot=0).outcomes == [first, "passed"]
        # The zygote has left the second file to the workers, or has collected it after them.
        assert (tests / "test_a.py.imports").read_text() == "xxx"
        second = (tests / "test_b.py.imports").read_text()
        assert second == ("xx" if how == "spawn" else "xxx")


def test_a_unique_parameter_of_one_test_does_no_harm(suite):
    text = """
        import os, pytest, uuid
        @pytest.mark.parametrize(
            "name",
            [
                uuid.uuid4(),
                os.getpid(),
            ],
        )
        def test_name(name): assert name
    """
    with suite(test_x=text).zygote() as zygote:
        assert (zygote.json["worker_start"], zygote.json["worker_start_note"]) == ("fork", None)
        assert zygote.run_all(slot=1).outcomes == ["passed", "passed"]


@pytest.mark.parametrize(
    "head",
    [
        '@pytest.mark.parametrize("n", [1, 2])',
        "@pytest.fixture(params=[1, 2])\n        def n(request): pass",
        'pytestmark = pytest.mark.parametrize("n", [1, 2])',
    ],
)
def test_a_unique_parameter_of_several_tests_is_each_workers_own(suite, head):
    text = f"""
        import pytest, uuid
        {head}
        @pytest.mark.parametrize("name", [uuid.uuid4()])
        def test_name(name, n): open(name.hex, "x").close()
    """
    with suite(test_x=text).zygote() as zygote:
        assert zygote.json["worker_start"] == "spawn"
        assert "makes a random value" in zygote.json["worker_start_note"]
        assert zygote.run(0, slot=0).outcomes == ["passed"]
        assert zygote.run(1, slot=1).outcomes == ["passed"]


def test_a_unique_parameter_of_tests_that_were_chosen_or_imported(suite):
    text = """
        import pytest, uuid
        @pytest.mark.parametrize("n", [1, 2])
        def test_other(n): pass
        @pytest.fixture(params=[1, 2])
        def n(request): return request.param
        @pytest.mark.parametrize("name, kind", [(uuid.uuid4(), "a"), (uuid.uuid4(), "b")])
        def test_name(name, kind, n): open(name.hex, "x").close()
    """
    imports = "from common import test_name, n\n"
    for files, chosen in (
        ({"test_x": text}, "test_name and name0"),
        ({"common": text, "test_x": imports, "test_y": imports}, "1-name0"),
    ):
        with suite(**files).zygote("-k", chosen) as zygote:
            assert zygote.json["worker_start"] == "spawn", zygote.json
            assert "makes a random value" in zygote.json["worker_start_note"]
            assert len(zygote.json["tests"]) == 2
            assert zygote.run(0, slot=0).outcomes == ["passed"]
            assert zygote.run(1, slot=1).outcomes == ["passed"]


AWARE = """
    import os
    class Names:
        def __init__(self): {first}
        def make(self): self.pid, self.salt = os.getpid(), os.urandom(8).hex()
        def close(self):
            if self.pid == os.getpid(): del self.salt
        def next(self):
            {before_use}
            return self.salt
    NAMES = Names()
    def test_name(): open("name-" + NAMES.next(), "x").close()
"""
MADE_ANEW = {
    "forks are noticed": ("self.make()", "if self.pid != os.getpid(): self.make()", "fork"),
    "not compared": ("self.make()", "if self.pid < os.getpid(): self.make()", "spawn"),
    "compared in another function": ("self.make()", "", "spawn"),
}


@pytest.mark.parametrize("row", MADE_ANEW.values(), ids=MADE_ANEW)
def test_names_that_are_made_anew_after_a_fork(suite, row):
    first, before_use, how = row
    with suite(test_x=AWARE.format(first=first, before_use=before_use)).zygote() as zygote:
        assert zygote.json["worker_start"] == how
        for slot in (0, 1):
            assert zygote.run(0, slot=slot).outcomes == ["passed"]
    assert len(list(suite.path.glob("name-*"))) == 2


def test_random_names_do_not_depend_on_the_order_of_tests(suite):
    text = """
        import pytest, uuid
        NAME = uuid.uuid4().hex
        NUMBERS = [1, 2] if NAME < uuid.uuid4().hex else [2, 1]
        @pytest.mark.parametrize("n", NUMBERS)
        def test_n(n, request):
            assert request.node.name == "test_n[%d]" % n
            open("%s-%d" % (NAME, n), "x").close()
    """
    with suite(test_x=text).zygote() as zygote:
        assert zygote.json["worker_start"] == "spawn"
        for slot in (0, 1):
            assert zygote.run_all(slot=slot).outcomes == ["passed", "passed"]
        assert zygote.finish()[0] == 0


def test_a_thread_of_a_conftest_is_the_projects_whenever_it_starts(suite):
    conftest = """
        import threading
        def pytest_configure(config):
            config.done = threading.Event()
            config.server = threading.Thread(target=config.done.wait, daemon=True)
            config.server.start()
    """
    text = "def test_a(request): assert request.config.server.is_alive()\n"
    with suite(conftest=conftest, test_x=text).zygote() as zygote:
        assert zygote.json["worker_start"] == "spawn"
        assert ", started in conftest.py:6, runs" in zygote.json["worker_start_note"]
        assert zygote.run(0, slot=1).outcomes == ["passed"]


def test_what_a_plugin_starts_for_the_controller_does_not_count(suite):
    plugin = """
import socket, subprocess, sys, threading
def pytest_configure(config):
    config.server = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    config.child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
def pytest_unconfigure(config):
    config.child.kill()
    config.child.wait()
"""
    suite(test_x="def test_a(): pass\n")
    folder = suite.path / "lib" / "site-packages"
    folder.mkdir(parents=True)
    (folder / "someplugin.py").write_text(plugin)
    env = {"PYTHONPATH": str(folder)}
    with suite.zygote("-p", "someplugin", "test_x.py", env=env) as zygote:
        assert (zygote.json["worker_start"], zygote.json["worker_start_note"]) == ("fork", None)
        assert zygote.run(0, slot=1).outcomes == ["passed"]


def test_workers_that_must_be_forked_come_with_a_warning(suite):
    text = THREAD.partition("def test_thread")[0]
    text += "def test_thread(): assert not SERVER.is_alive()\n"
    with suite(test_x=text).zygote(start="fork") as zygote:
        data = zygote.json
        assert data["worker_start"] == "fork"
        assert data["worker_start_note"] == (
            "workers are forked although thread 'my-server' runs after the collection"
        )
        assert zygote.run(0).outcomes == ["passed"]


def test_what_a_fork_does_no_harm_to(suite):
    text = """
        import multiprocessing.process, socket, sqlite3, subprocess, sys, threading
        DB = sqlite3.connect(":memory:")
        DB.execute("create table notes (word)")
        PAIR = socket.socketpair()
        LOGGER = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        LOGGER.connect(("127.0.0.1", 9))
        CLOSED = sqlite3.connect("closed.db")
        CLOSED.execute("create table notes (word)")
        CLOSED.close()
        THREAD = threading.Thread(target=print)
        THREAD.start()
        THREAD.join()
        subprocess.run([sys.executable, "-c", ""], check=True)
        FILE = open(__file__)
        def test_a(): assert DB.execute("select * from notes").fetchall() == []
    """
    with suite(test_x=text).zygote() as zygote:
        assert (zygote.json["worker_start"], zygote.json["worker_start_note"]) == ("fork", None)
        assert zygote.run(0, slot=0).outcomes == ["passed"]
        assert zygote.run(0, slot=1).outcomes == ["passed"]


def test_what_installed_libraries_do_for_themselves_does_not_count(suite):
    library = """
import os, tempfile, uuid
IDENTITY = os.getpid(), uuid.uuid4(), tempfile.mkdtemp()
"""
    suite(test_x="import lib\ndef test_a(): pass\n")
    folder = suite.path / "lib" / "site-packages"
    folder.mkdir(parents=True)
    (folder / "lib.py").write_text(library)
    with suite.zygote("test_x.py", env={"PYTHONPATH": str(folder)}) as zygote:
        assert zygote.json["worker_start"] == "fork"


def test_the_threads_of_numpy_do_no_harm(suite):
    numpy = pytest.importorskip("numpy")
    site = str(Path(numpy.__file__).parents[1])
    text = """
        import numpy
        A = numpy.ones((300, 300)) @ numpy.ones((300, 300))
        def test_a(): assert ((A @ A)[0] == 300**3).all()
        def test_random(worker_id):
            with open("random-" + worker_id, "w") as f:
                f.write(str(numpy.random.random()))
    """
    with suite(test_x=text).zygote(env={"PYTHONPATH": site}) as zygote:
        assert zygote.json["worker_start"] == "fork", zygote.json["worker_start_note"]
        for slot in (0, 1):
            assert zygote.run(0, 1, slot=slot).outcomes == ["passed", "passed"]
    numbers = {path.read_text() for path in suite.path.glob("random-*")}
    assert len(numbers) == 2


def test_numpys_seed_set_at_import_stays(suite):
    numpy = pytest.importorskip("numpy")
    site = str(Path(numpy.__file__).parents[1])
    expected = numpy.random.RandomState(7).random_sample()
    text = f"""
        import numpy
        numpy.random.seed(7)
        def test_a(): assert numpy.random.random() == {expected!r}
    """
    with suite(test_x=text).zygote(env={"PYTHONPATH": site}) as zygote:
        assert zygote.run(0, slot=0).outcomes == ["passed"]
        assert zygote.run(0, slot=1).outcomes == ["passed"]


def test_what_was_buffered_at_import_is_written_once(suite):
    text = """
        import ctypes, sys
        OUT = open("notes", "a", buffering=1 << 16)
        OUT.write("from the import\\n")
        RAW = open("notes", "ab")
        RAW.write(b"from the import, too\\n")
        ctypes.CDLL(None).printf(b"from C\\n")
        sys.stdout.write("from Python\\n")
        def test_a(worker_id):
            OUT.write(worker_id + "\\n")
            OUT.flush()
            RAW.flush()
    """
    with suite(test_x=text).zygote("-s", start="fork") as zygote:
        assert zygote.run(0, slot=0).outcomes == ["passed"]
        assert zygote.run(0, slot=1).outcomes == ["passed"]
        assert zygote.finish()[0] == 0
        assert zygote.log.count("from C\n") == 1
        assert zygote.log.count("from Python\n") == 1
    notes = (suite.path / "notes").read_text().splitlines()
    assert sorted(notes) == ["from the import", "from the import, too", "gw0", "gw1"]


def test_a_pipe_that_nobody_reads_does_not_stop_the_start(suite):
    text = """
        import os
        READ, WRITE = os.pipe()
        os.set_blocking(WRITE, False)
        while True:
            try:
                os.write(WRITE, b"x" * 4096)
            except BlockingIOError:
                break
        os.set_blocking(WRITE, True)
        PIPE = open(WRITE, "wb")
        PIPE.write(b"waits")
        def test_a(): pass
    """
    with suite(test_x=text).zygote(start="fork") as zygote:
        assert zygote.run(0).outcomes == ["passed"]
        os.kill(zygote.process.pid, signal.SIGKILL)  # it could not flush that at its end


def test_a_sequential_run_names_what_its_fork_has_lost(suite):
    text = THREAD.partition("def test_thread")[0] + "def test_a(): pass\n"
    with suite(test_x=text).zygote(sequential=True) as zygote:
        assert zygote.json["worker_start_note"] == (
            "thread 'my-server' runs after the collection; the tests run in a fork of that process"
        )
        assert zygote.run(0).outcomes == ["passed"]
