"""The fixture run_once: set up once for the whole run, torn down after its last user."""

import os
import signal
import subprocess
import sys
import textwrap

from client import PATIENCE, SOURCE, is_alive, run_plain, wait_for

import pytest

pytestmark = pytest.mark.slow  # each case runs whole sessions, more than once

NOTES = """
    import os, pathlib, pytest, subprocess, sys, time

    HERE = pathlib.Path(__file__).parent

    def note(word):
        with open(HERE / "notes", "a") as f:
            f.write(word + "\\n")

    def wait_for(*names):
        while not all((HERE / name).exists() for name in names):
            time.sleep(0.005)

    def service():
        process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
        note("up")
        yield {"pid": process.pid, "keeper": os.getpid()}
        note("down" if process.poll() is None else "down, but it had died")
        process.kill()
        process.wait()

    @pytest.fixture(scope="session")
    def db(run_once):
        note("+db")
        yield run_once("db", service)
        note("-db")
"""

USERS = """
    import os
    from conftest import *
    def test_1(db):
        os.kill(db["pid"], 0)
        note("pid %d" % db["pid"])
    def test_2(db): os.kill(db["pid"], 0)
    def test_3(db): os.kill(db["pid"], 0)
    def test_other(): pass
    def test_crash(db): os._exit(9)
    def test_killed(db): os.kill(os.getpid(), 9)
"""


def _notes(suite):
    path = suite.path / "notes"
    return path.read_text().splitlines() if path.exists() else []


def _number(suite, word):
    """The number behind that word in the notes."""
    return int(next(n for n in _notes(suite) if n.startswith(word + " ")).split()[1])


def _check_once(suite):
    """The service was set up once and torn down once, after all fixtures."""
    notes = _notes(suite)
    assert notes.count("up") == notes.count("down") == 1, notes
    assert notes[-1] == "down"
    assert notes.count("+db") >= notes.count("-db") > 0
    assert not is_alive(_number(suite, "pid"))


def test_one_service_for_all_workers(suite):
    with suite(conftest=NOTES, test_m=USERS).zygote(workers=3) as zygote:
        for slot in range(3):
            group = zygote.run("test_1", "test_2", slot=slot)
            assert group.outcomes == ["passed", "passed"]
            assert [r.leftover for r in group.records] == [[], []]
        notes = _notes(suite)
        assert notes.count("up") == 1
        assert len({n for n in notes if n.startswith("pid")}) == 1
        assert "down" not in notes
        assert zygote.finish()[0] == 0
    _check_once(suite)
    assert _notes(suite).count("-db") == 3


def test_sequential(suite):
    with suite(conftest=NOTES, test_m=USERS).zygote(sequential=True) as zygote:
        assert zygote.run("test_1", "test_other").outcomes == ["passed", "passed"]
        assert "down" not in _notes(suite)
        assert zygote.finish()[0] == 0
    _check_once(suite)


def test_plain_run(suite):
    suite(conftest=NOTES, test_m=USERS)
    status, output = run_plain(suite.path, "-k", "not crash and not killed")
    assert status == 0, output
    _check_once(suite)
    assert [n for n in _notes(suite) if n[:3] != "pid"] == ["+db", "up", "-db", "down"]


def test_under_xdist(suite):
    pytest.importorskip("xdist")
    text = """
        import os, pytest
        from conftest import *
        @pytest.mark.parametrize("n", range(4))
        def test_it(db, n):
            os.kill(db["pid"], 0)
            note("pid %d" % db["pid"])
            note("worker " + os.environ["PYTEST_XDIST_WORKER"])
    """
    suite(conftest=NOTES, test_a=text, test_b=text)
    args = ("-p", "xdist.plugin", "-n", "2", "--dist", "loadfile")
    status, output = run_plain(suite.path, *args)
    assert status == 0, output
    _check_once(suite)
    assert {n for n in _notes(suite) if n[:6] == "worker"} == {"worker gw0", "worker gw1"}


def test_xdist_says_what_its_teardown_raised(suite):
    pytest.importorskip("xdist")
    text = """
        def factory():
            yield 1
            raise OSError("does not stop")
        def test_a(run_once): assert run_once("n", factory) == 1
    """
    status, output = run_plain(suite(test_m=text).path, "-p", "xdist.plugin", "-n", "2")
    assert status == 1, output
    assert "ERROR at teardown of run_once('n')" in output
    assert "OSError: does not stop" in output


def test_all_ask_at_the_same_time(suite):
    text = """
        from conftest import *
        @pytest.mark.parametrize("n", range(3))
        def test_it(run_once, n):
            (HERE / f"here{n}").touch()
            wait_for("here0", "here1", "here2")
            assert run_once("x", lambda: note("called") or 5) == 5
    """
    with suite(conftest=NOTES, test_m=text).zygote(workers=3) as zygote:
        conns = [zygote.begin(n, slot=n) for n in range(3)]
        for conn in conns:
            assert zygote.collect(conn).outcomes == ["passed"]
    assert _notes(suite) == ["called"]


KINDS = """
    import contextlib, pathlib, threading
    from conftest import *

    @contextlib.contextmanager
    def manager():
        note("enter")
        yield "managed"
        note("exit")

    class Object:
        def __enter__(self):
            return "entered"
        def __exit__(self, *exc_info):
            note("left " + repr(exc_info))

    def test_kinds(run_once, tmp_path):
        assert run_once("function", lambda: [1, 2]) == [1, 2]
        assert run_once("nothing", lambda: None) is None
        assert run_once("path", lambda: tmp_path) == tmp_path
        assert run_once("manager", manager) == "managed"
        assert run_once("object", Object) == "entered"
        assert run_once("any name: ü/..\\n\\0", lambda: 7) == 7

    def test_same_object_in_one_worker(run_once):
        first = run_once("list", lambda: [])
        assert run_once("list", lambda: 1 / 0) is first

    def test_threads(run_once):
        got = []
        def ask(): got.append(run_once("threads", lambda: note("called") or 3))
        threads = [threading.Thread(target=ask) for _ in range(5)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        assert got == [3] * 5

    @pytest.mark.parametrize("name, factory", [("", int), (1, int), ("x", None), ("x", 5)])
    def test_wrong_arguments(run_once, name, factory):
        with pytest.raises(TypeError, match="run_once"): run_once(name, factory)
"""


@pytest.mark.parametrize("mode", ["parallel", "sequential", "plain"])
def test_kinds_of_factories(suite, mode):
    suite(conftest=NOTES, test_m=KINDS)
    if mode == "plain":
        status, output = run_plain(suite.path)
        assert status == 0, output
    else:
        with suite.zygote(sequential=mode == "sequential") as zygote:
            group = zygote.run_all()
            assert set(group.outcomes) == {"passed"}, [r.detail for r in group.records]
            assert zygote.finish()[0] == 0
    # What was ready last goes first.
    assert _notes(suite) == ["enter", "called", "left (None, None, None)", "exit"]


ERRORS = """
    import threading
    from conftest import *

    def broken():
        note("tried")
        print("on the way")
        raise ConnectionError("nobody answers")

    class Odd(Exception):
        def __init__(self, one, two): Exception.__init__(self, "odd")
    def odd(): raise Odd(1, 2)

    def skipping(): pytest.skip("no server here")

    def unpicklable():
        yield threading.Lock()
        note("cleaned up")

    def empty():
        return
        yield

    def itself(run_once): return run_once("itself", lambda: itself(run_once))

    @pytest.mark.parametrize("n", range(2))
    class TestErrors:
        def test_broken(self, n, run_once): run_once("broken", broken)
        def test_odd(self, n, run_once): run_once("odd", odd)
        def test_skip(self, n, run_once): run_once("skip", skipping)
        def test_lock(self, n, run_once): run_once("lock", unpicklable)
        def test_empty(self, n, run_once): run_once("empty", empty)
        def test_itself(self, n, run_once): itself(run_once)
        def test_dies(self, n, run_once): run_once("dies", lambda: os._exit(3))
        def test_type(self, n, run_once):
            with pytest.raises(ConnectionError, match="nobody"): run_once("broken", broken)
"""

MESSAGES = {
    "test_broken": "ConnectionError: nobody answers",
    "test_odd": "rowlock_pytest.keeper.RunOnceError: run_once('odd'): test_m.Odd: odd",
    "test_skip": "no server here",
    "test_lock": "RunOnceError: the value cannot be handed to other processes",
    "test_empty": "RunOnceError: the factory did not yield a value",
    "test_itself": "RunOnceError: run_once('itself'): its own factory asks for it",
    "test_dies": "RunOnceError: run_once('dies'): the process that set it up died",
}


@pytest.mark.parametrize("mode", ["parallel", "sequential"])
def test_errors_reach_every_user(suite, mode):
    suite(conftest=NOTES, test_m=ERRORS)
    with suite.zygote(sequential=mode == "sequential") as zygote:
        slots = (0, 0) if mode == "sequential" else (0, 1)
        for n, slot in enumerate(slots):
            for name, message in MESSAGES.items():
                group = zygote.run(f"{name}[{n}]", slot=slot)
                (record,) = group.records
                assert record.outcome == ("skipped" if name == "test_skip" else "failed")
                assert message in record.message, (name, record.message, record.detail)
                if name == "test_broken":
                    assert "In the process of run_once('broken')" in record.detail
                    assert "in broken" in record.detail
                    assert record.location.startswith("test_m.py:")
                    assert record.stdout == ("" if n else "on the way\n")
            assert zygote.run(f"test_type[{n}]", slot=slot).outcomes == ["passed"]
        # The users have had the errors: nothing is left to complain about in the end.
        assert zygote.finish()[1].records == []
    assert sorted(_notes(suite)) == ["cleaned up", "tried"]


@pytest.mark.parametrize("test, status", [("test_crash", 9 << 8), ("test_killed", 9)])
def test_the_worker_that_asked_first_dies(suite, test, status):
    with suite(conftest=NOTES, test_m=USERS).zygote() as zygote:
        assert zygote.run("test_1", slot=0).outcomes == ["passed"]
        assert zygote.run(test, slot=0).wait_status == status
        assert is_alive(_number(suite, "pid"))
        # The worker's successor, and another one.
        assert zygote.run("test_2", slot=0).outcomes == ["passed"]
        assert zygote.run("test_3", slot=1).outcomes == ["passed"]
        zygote.finish()
    _check_once(suite)


def test_a_timeout_while_it_is_set_up(suite):
    text = """
        from conftest import *
        def slow():
            note("begun %d" % os.getpid())
            wait_for("go")
            note("done")
            return 4
        def test_a(run_once): run_once("slow", slow)
        def test_b(run_once): assert run_once("slow", slow) == 4
    """
    with suite(conftest=NOTES, test_m=text).zygote() as zygote:
        conn = zygote.begin("test_a", slot=0)
        wait_for(lambda: _notes(suite))
        conn.close()  # as rowlock-exec does at a timeout
        conn = zygote.begin("test_b", slot=0)
        assert conn.read()[0] == "S"  # the first worker is gone
        (suite.path / "go").touch()
        assert zygote.collect(conn).outcomes == ["passed"]
        assert zygote.finish()[0] is not None
    assert _notes(suite)[1:] == ["done"]


def test_the_keeper_is_killed(suite):
    text = """
        from conftest import *
        def test_a(db):
            note("keeper %d" % db["keeper"])
            note("pid %d" % db["pid"])
        def test_same_worker(run_once): run_once("db", service)
        def test_other_worker(run_once): run_once("db", service)
    """
    with suite(conftest=NOTES, test_m=text).zygote() as zygote:
        zygote.run("test_a", slot=0)
        keeper = _number(suite, "keeper")
        os.kill(keeper, signal.SIGKILL)
        wait_for(lambda: not is_alive(keeper), "its end")
        for slot, name in enumerate(["test_same_worker", "test_other_worker"]):
            (record,) = zygote.run(name, slot=slot).records
            assert record.outcome == "failed"
            assert "run_once('db'): the process that keeps it died" in record.message
        status, group = zygote.finish()
        (amend,) = group.amends
        assert "died before it was torn down" in amend.message
        assert status == 1
        # Nothing of it is left.
        wait_for(lambda: not is_alive(_number(suite, "pid")), "the service's end")


BAD_END = """
    import os
    def factory():
        yield 1
        print("trying to stop")
        raise OSError("does not stop")
    def twice():
        yield 1
        yield 2
    def test_first(run_once): run_once("n", factory)
    def test_twice(run_once): run_once("n", twice)
    def test_last(): pass
    def test_crash(): os._exit(1)
"""


@pytest.mark.parametrize("sequential", [False, True], ids=["parallel", "sequential"])
def test_an_error_at_the_end(suite, sequential):
    with suite(test_m=BAD_END).zygote(sequential=sequential) as zygote:
        assert zygote.run("test_first", "test_last").outcomes == ["passed", "passed"]
        _, group = zygote.finish()
        (amend,) = group.amends
        # As with a session fixture: an error of the test that ran last.
        assert (amend.index, amend.outcome) == (2, "error")
        assert amend.message == "OSError: does not stop"
        assert "In the process of run_once('n')" in amend.detail
        assert "trying to stop" in amend.detail


def test_an_error_at_the_end_of_a_plain_run(suite):
    status, output = run_plain(suite(test_m=BAD_END).path, "-k", "first or last")
    assert status == 1
    assert "ERROR at teardown of test_last" in output
    assert "2 passed" in output
    assert "1 error" in output


def test_a_second_yield_is_an_error(suite):
    with suite(test_m=BAD_END).zygote() as zygote:
        assert zygote.run("test_twice").outcomes == ["passed"]
        (amend,) = zygote.finish()[1].amends
        assert "RunOnceError: the factory yielded more than once" in amend.message


def test_no_worker_is_left_at_the_end(suite):
    with suite(test_m=BAD_END).zygote() as zygote:
        assert zygote.run("test_first").outcomes == ["passed"]
        assert zygote.run("test_crash").wait_status == 1 << 8
        status, group = zygote.finish()
        (amend,) = group.amends
        # Nobody else is known.
        assert (amend.index, amend.outcome) == (0, "error")
        assert "OSError: does not stop" in amend.message
        assert status == 1
        assert "ERROR at teardown of test_first" in zygote.log


def test_a_signal_ends_the_run(suite):
    with suite(conftest=NOTES, test_m=USERS).zygote() as zygote:
        zygote.run("test_1", slot=0)
        zygote.run("test_2", slot=1)
        zygote.process.send_signal(signal.SIGTERM)
        zygote.status()
    _check_once(suite)


def test_a_factory_that_never_ends_is_interrupted(suite):
    text = """
        from conftest import *
        def slow():
            try:
                note("begun %d" % os.getpid())
                wait_for("never")
            finally:
                note("interrupted")
        def test_a(run_once): run_once("slow", slow)
    """
    with suite(conftest=NOTES, test_m=text).zygote() as zygote:
        conn = zygote.begin("test_a")
        wait_for(lambda: _notes(suite))
        conn.close()
        zygote.finish()
        assert not is_alive(_number(suite, "begun"))
    assert _notes(suite)[1:] == ["interrupted"]


def test_one_factory_asks_for_another(suite):
    text = """
        from conftest import *
        def inner():
            note("+inner")
            yield 20
            note("-inner")
        def test_a(run_once):
            def outer():
                note("+outer")
                yield run_once("inner", inner) + 1
                note("-outer")
            assert run_once("outer", outer) == 21
        def test_b(run_once): assert run_once("inner", inner) == 20
    """
    with suite(conftest=NOTES, test_m=text).zygote() as zygote:
        assert zygote.run("test_a", slot=0).outcomes == ["passed"]
        assert zygote.run("test_b", slot=1).outcomes == ["passed"]
        assert zygote.finish()[0] == 0
    assert _notes(suite) == ["+outer", "+inner", "-outer", "-inner"]


def test_a_lock_of_the_test_is_not_kept(suite):
    text = """
        import fcntl
        from conftest import *
        def test_a(run_once, serial_test_lock):
            with open("lock", "a") as f, serial_test_lock:
                fcntl.flock(f, fcntl.LOCK_EX)
                run_once("x", lambda: 1)
        def test_b(serial_test_lock):
            with open("lock", "a") as f:
                fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
            assert serial_test_lock.acquire(blocking=False)
    """
    with suite(conftest=NOTES, test_m=text).zygote() as zygote:
        assert zygote.run_all().outcomes == ["passed", "passed"]


def test_what_the_factory_finds(suite):
    text = """
        import logging, tempfile
        from conftest import *
        def factory():
            print("printed")
            logging.getLogger("x").warning("logged")
            subprocess.run(["echo", "by a child"])
            return os.getcwd(), tempfile.mkdtemp(), os.environ.get("PYTEST_CURRENT_TEST")
        def test_a(run_once, tmp_path, monkeypatch):
            monkeypatch.chdir(tmp_path)
            cwd, temp, current = run_once("x", factory)
            assert cwd == str(HERE)
            assert not temp.startswith(os.environ["FQCN_TEST_TEMP_DIR"])
            note(temp)
            assert current is None
        def test_crash(): os._exit(1)
        def test_b(run_once):
            assert os.path.isdir(run_once("x", factory)[1])
            assert sys.stdout.write("mine\\n")
    """
    with suite(conftest=NOTES, test_m=text).zygote() as zygote:
        (record,) = zygote.run("test_a").records
        assert record.outcome == "passed", record.detail
        assert record.stdout == "printed\nlogged\nby a child\n"
        zygote.run("test_crash")
        # The new worker has made its own folders afresh.
        (record,) = zygote.run("test_b").records
        assert (record.outcome, record.stdout) == ("passed", "mine\n")


def test_what_a_factory_leaves_running_ends_with_the_run(suite):
    text = """
        from conftest import *
        def daemon():
            code = "import os, time; os.setsid(); print(os.getpid(), flush=True); time.sleep(3600)"
            process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
            return int(process.stdout.readline())
        def test_a(run_once): note("pid %d" % run_once("d", daemon))
        def test_b(run_once): os.kill(run_once("d", daemon), 0)
    """
    with suite(conftest=NOTES, test_m=text).zygote() as zygote:
        for slot, name in enumerate(["test_a", "test_b"]):
            (record,) = zygote.run(name, slot=slot).records
            assert (record.outcome, record.leftover) == ("passed", [])
        assert zygote.finish()[0] == 0
        assert not is_alive(_number(suite, "pid"))


def test_pytest_itself_is_killed(suite):
    text = """
        from conftest import *
        def test_a(db):
            note("pid %d" % db["pid"])
            os.kill(os.getpid(), 9)
    """
    suite(conftest=NOTES, test_m=text)
    status, _ = run_plain(suite.path, "-s")
    assert status == -signal.SIGKILL
    wait_for(lambda: _notes(suite)[-1] == "down")
    wait_for(lambda: not is_alive(_number(suite, "pid")))


def test_the_zygote_is_killed(suite):
    with suite(conftest=NOTES, test_m=USERS).zygote() as zygote:
        worker = zygote.run("test_1").pid
        with open(f"/proc/{worker}/stat", "rb") as f:
            parent = int(f.read().rpartition(b")")[2].split()[1])
        os.kill(parent, signal.SIGKILL)
        zygote.status()
        # It may be killed before it has torn down, but nothing stays.
        wait_for(lambda: not is_alive(_number(suite, "pid")))
        # A new one in its place sets up anew.
        zygote.start()
        assert zygote.run("test_2").outcomes == ["passed"]
        assert zygote.finish()[0] == 0
    assert _notes(suite).count("up") == 2
    assert _notes(suite)[-1] == "down"


def test_the_folder_of_the_run_is_gone(suite):
    text = """
        import shutil
        from conftest import *
        def daemon(): return subprocess.Popen(["sleep", "3600"]).pid
        def test_a(run_once):
            note("pid %d" % run_once("daemon", daemon))
            shutil.rmtree(run_once.folder)
            os.kill(os.getpid(), 9)
    """
    suite(conftest=NOTES, test_m=text)
    run_plain(suite.path, "-s")
    wait_for(lambda: not is_alive(_number(suite, "pid")))


def test_fork_fails(suite):
    text = """
        import signal
        from conftest import *
        def fail(): raise BlockingIOError(11, "no more processes")
        def test_a(run_once, monkeypatch):
            before = len(os.listdir("/dev/fd"))
            mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
            with monkeypatch.context() as patch:
                patch.setattr(os, "fork", fail)
                with pytest.raises(BlockingIOError): run_once("x", lambda: 1)
            assert len(os.listdir("/dev/fd")) == before
            assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == mask
            assert run_once("x", lambda: 2) == 2
    """
    status, output = run_plain(suite(conftest=NOTES, test_m=text).path)
    assert status == 0, output


def test_ctrl_c_in_a_plain_run(suite):
    text = """
        from conftest import *
        def test_a(db):
            note("pid %d" % db["pid"])
            wait_for("never")
    """
    suite(conftest=NOTES, test_m=text)
    code = "import pytest; raise SystemExit(pytest.main(['-p', 'rowlock_pytest']))"
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=str(suite.path),
        env=dict(
            os.environ,
            PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
            PYTHONPATH=str(SOURCE / "src" / "pytest"),
        ),
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for(lambda: any(n.startswith("pid") for n in _notes(suite)))
        os.killpg(process.pid, signal.SIGINT)  # as the terminal does
        assert process.wait(PATIENCE) == 2
    finally:
        process.kill()
        process.wait()
    _check_once(suite)
    assert _notes(suite)[-2:] == ["-db", "down"]
