"""Tests that kill, hang, close, fork or delete what they run in, and how a run stops."""

import os
import signal
import socket
import struct
import time

from client import is_alive, wait_for

import pytest

pytestmark = pytest.mark.slow  # each case runs a whole session, and many wait


def test_a_segfault(suite):
    text = """
        import ctypes, sys
        def test_segfault():
            print("last words")
            print("last complaint", file=sys.stderr)
            sys.stdout.flush()
            ctypes.string_at(0)
    """
    with suite(test_m=text, test_ok="def test_ok(): pass\n").zygote() as zygote:
        group = zygote.run(0, 1)
        assert group.order == "SX"
        assert os.WTERMSIG(group.wait_status) == signal.SIGSEGV
        trace = (zygote.temp / "gw0.crash").read_text()
        assert "Fatal Python error: Segmentation fault" in trace
        assert "in test_segfault" in trace
        assert (zygote.temp / "gw0.out").read_bytes() == b"last words\n"
        assert (zygote.temp / "gw0.err").read_bytes() == b"last complaint\n"
        again = zygote.run(1)
        assert again.outcomes == ["passed"]
        assert again.pid != group.pid
        assert zygote.finish()[0] == 1
        assert "worker 'gw0' crashed while running 'test_m.py::test_segfault'" in zygote.log
        assert "SIGSEGV" in zygote.log


def test_sigabrt_writes_the_tracebacks_of_all_threads(suite):
    text = """
        import threading, time
        def waiting_thread():
            time.sleep(1000)
        def test_hang():
            threading.Thread(target=waiting_thread, daemon=True).start()
            open("hanging", "w").close()
            time.sleep(1000)
    """
    with suite(test_m=text).zygote() as zygote:
        conn = zygote.begin(0)
        _, payload = conn.read()
        pid = struct.unpack("<II", payload)[1]
        wait_for((suite.path / "hanging").exists, "the test")
        os.kill(pid, signal.SIGABRT)
        group = zygote.collect(conn)
        assert os.WTERMSIG(group.wait_status) == signal.SIGABRT
        trace = (zygote.temp / "gw0.crash").read_text()
        assert "in test_hang" in trace
        assert "in waiting_thread" in trace


@pytest.mark.parametrize("plugin", ["-pfaulthandler", "-pno:faulthandler"])
def test_a_crash_is_traced_with_and_without_pytests_plugin(suite, plugin):
    text = """
        import os
        def test_close(): os.closerange(0, 40)
        def test_abort(): os.abort()
    """
    with suite(test_m=text).zygote(plugin) as zygote:
        group = zygote.run(0, 1)
        assert os.WTERMSIG(group.wait_status) == signal.SIGABRT
        assert "in test_abort" in (zygote.temp / "gw0.crash").read_text()


def test_faulthandler_timeout_of_pytest_writes_there_too(suite):
    text = "import time\ndef test_slow(): time.sleep(0.5)\n"
    with suite(test_m=text).zygote("-o", "faulthandler_timeout=0.1") as zygote:
        assert zygote.run(0).outcomes == ["passed"]
        assert "in test_slow" in (zygote.temp / "gw0.crash").read_text()


@pytest.mark.parametrize("status", [0, 1, 77])
def test_os_exit(suite, status):
    text = f"import os\ndef test_exit(): os._exit({status})\ndef test_ok(): pass\n"
    with suite(test_m=text).zygote() as zygote:
        group = zygote.run(0, 1)
        assert group.order == "SX"
        assert os.WEXITSTATUS(group.wait_status) == status
        assert zygote.run(1).outcomes == ["passed"]


def test_records_before_a_crash_are_not_lost(suite):
    text = """
        import os, pytest
        @pytest.mark.parametrize("n", range(50))
        def test_n(n): pass
        def test_exit(): os._exit(1)
    """
    with suite(test_m=text).zygote("--junitxml=x.xml") as zygote:
        group = zygote.run_all()
        assert group.outcomes == ["passed"] * 50
        zygote.finish()
        xml = (suite.path / "x.xml").read_text()
        assert xml.count('name="test_n[') == 50
        assert 'tests="51"' in xml


def test_descendants_of_a_dead_worker_die_with_it(suite):
    text = """
        import os, subprocess
        def test_exit():
            child = subprocess.Popen(["setsid", "sleep", "1000"])
            open("pid", "w").write(str(child.pid))
            os._exit(0)
    """
    with suite(test_m=text).zygote() as zygote:
        zygote.run(0)
        pid = int((suite.path / "pid").read_text())
        wait_for(lambda: not is_alive(pid), "the end of the child")


def test_closed_standard_output(suite):
    text = """
        import os
        def test_close():
            os.close(1)
            os.close(2)
        def test_after(): print("again")
    """
    with suite(test_m=text).zygote() as zygote:
        group = zygote.run_all()
        assert group.order.startswith("S")
        # As in a plain run pytest's capture may or may not get over it; nothing hangs.
        assert zygote.run("test_after").order[-1] in "EX"


def test_closed_descriptors(suite):
    text = """
        import os, socket
        KEPT = []  # has all the numbers that were ours
        def connect():
            sock = socket.socket(socket.AF_UNIX)
            sock.connect("listener")
            return sock
        def test_close_low(): os.closerange(3, 60)
        def test_close_all():
            os.closerange(3, 1024)
            KEPT.extend(connect() for i in range(120))
        def test_ok(): pass
    """
    with suite(test_m=text).zygote("--capture=sys") as zygote:
        with socket.socket(socket.AF_UNIX) as listener:
            folder = os.open(str(suite.path), os.O_RDONLY)
            listener.bind(f"/proc/self/fd/{folder}/listener")
            os.close(folder)
            listener.listen(200)
            assert zygote.run("test_close_low").outcomes == ["passed"]
            group = zygote.run("test_close_all", "test_ok")
            assert group.results == {}
            assert group.wait_status is not None
            for _ in range(120):
                conn = listener.accept()[0]
                assert conn.recv(100) == b"", "a frame of ours went to the test's own socket"
                conn.close()
        assert zygote.run("test_ok").outcomes == ["passed"]


def test_a_forked_child_that_comes_back_from_its_test(suite):
    text = """
        import os
        def test_fork():
            pid = os.fork()
            open("who%d" % bool(pid), "w").write(str(os.getpid()))
            if pid: os.waitpid(pid, 0)
        def test_after():
            open("after", "a").write("x")
    """
    with suite(test_m=text).zygote() as zygote:
        group = zygote.run(0, 1)
        assert group.order == "SJSJE"
        assert group.outcomes == ["passed", "passed"]
        assert (suite.path / "after").read_text() == "x"
        assert (suite.path / "who0").exists()
        assert zygote.finish()[0] == 0


def test_a_forked_child_that_fails(suite):
    text = """
        import os, sys
        def test_fork():
            pid = os.fork()
            if not pid: sys.exit("child")
            assert os.waitpid(pid, 0)[1] == 0
    """
    with suite(test_m=text).zygote() as zygote:
        assert zygote.run(0).order == "SJE"


def test_a_changed_directory_and_environment_stay_in_the_worker(suite):
    text = """
        import os
        def test_change():
            os.chdir("/")
            os.environ["TMPDIR"] = "/nowhere"
        def test_after(): assert os.getcwd() == "/"
    """
    with suite(test_m=text).zygote() as zygote:
        assert zygote.run(0, 1).outcomes == ["passed", "passed"]
        assert zygote.run(1, slot=1).outcomes == ["failed"]
        assert zygote.finish()[0] == 1


def test_leftovers(suite):
    text = """
        import os, subprocess, time, pytest
        CHILDREN = []
        def start():
            child = subprocess.Popen(["sleep", "1000"])
            CHILDREN.append(child)
            return child.pid
        @pytest.fixture(scope="module")
        def server():
            yield start()
        @pytest.fixture
        def own():
            yield start()
        def test_clean(): subprocess.check_call(["true"])
        def test_server(server): pass
        def test_leaves(server): open("left", "w").write(str(start()))
        def test_next(server): pass
        def test_fixture(own): pass
        def test_killed():
            pid = start()
            CHILDREN[-1].kill()
        def test_zombie():
            child = subprocess.Popen(["true"])
            CHILDREN.append(child)
            while os.path.exists("/proc/%d/exe" % child.pid):
                try: os.readlink("/proc/%d/exe" % child.pid)
                except OSError: break
        def test_pool():
            import multiprocessing
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                assert pool.apply(len, ([1],)) == 1
        def test_statuses():
            assert [c.poll() for c in CHILDREN][:2] == [None, None]
            assert subprocess.call(["false"]) == 1
    """
    with suite(test_m=text).zygote() as zygote:
        group = zygote.run_all()
        assert set(group.outcomes) == {"passed"}
        names = [name.split("::")[1] for name in zygote.ids]
        left = {names[i]: r.leftover for i, r in group.results.items() if r.leftover}
        assert sorted(left) == ["test_fixture", "test_leaves"]
        pid = (suite.path / "left").read_text()
        assert left["test_leaves"] == [f"{pid} sleep"]
        assert is_alive(int(pid))
        zygote.finish()
        assert not is_alive(int(pid))


def test_a_client_that_closes_ends_the_worker(suite):
    text = """
        import os, pytest, time
        @pytest.fixture(scope="module")
        def module_fixture():
            yield
            open("torn-down", "w").close()
        @pytest.fixture
        def own():
            yield
            open("own-torn-down", "w").close()
        def test_sleep(module_fixture, own):
            open("sleeping", "w").close()
            time.sleep(1000)
        def test_ok(): pass
    """
    with suite(test_m=text).zygote() as zygote:
        conn = zygote.begin(0)
        _, payload = conn.read()
        pid = struct.unpack("<II", payload)[1]
        wait_for((suite.path / "sleeping").exists, "the test")
        conn.close()
        group = zygote.run(1)
        assert group.outcomes == ["passed"]
        assert group.pid != pid
        assert not is_alive(pid), "the old worker was gone before the slot was used again"
        assert (suite.path / "torn-down").exists()
        assert (suite.path / "own-torn-down").exists()
        assert zygote.finish()[0] == 0


def test_a_worker_that_ignores_the_interrupt_is_killed_after_the_grace(suite):
    text = """
        import signal, time
        def test_stubborn():
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            open("sleeping", "w").close()
            time.sleep(1000)
        def test_ok(): pass
    """
    with suite(test_m=text).zygote(env={"ROWLOCK_GRACE": "0.3"}) as zygote:
        conn = zygote.begin(0)
        wait_for((suite.path / "sleeping").exists, "the test")
        conn.close()
        start = time.monotonic()
        assert zygote.run(1).outcomes == ["passed"]
        assert time.monotonic() - start >= 0.25


def test_a_finish_client_that_closes_ends_the_teardowns(suite):
    text = """
        import pytest, time
        @pytest.fixture(scope="session")
        def endless():
            yield
            open("tearing", "w").close()
            time.sleep(1000)
        def test_a(endless): pass
    """
    with suite(test_m=text).zygote(env={"ROWLOCK_GRACE": "1"}) as zygote:
        zygote.run(0)
        with zygote.connect() as conn:
            conn.send("F")
            wait_for((suite.path / "tearing").exists, "the teardown")
        zygote.status()


def _write_state(zygote, stop):
    data = b"RLSTATE1" + struct.pack("<IIII", 3, 1, stop, 0) + bytes(100)
    path = zygote.rundir / "state"
    if path.exists():
        with open(str(path), "r+b") as f:
            f.write(data)
    else:
        path.write_bytes(data)


def test_the_state_file_stops_a_group(suite):
    text = """
        import os, struct, time
        def test_a(): open("started", "w").close()
        def test_b():
            while not os.path.exists("go"): time.sleep(0.01)
        def test_c(): pass
    """
    with suite(test_m=text).zygote() as zygote:
        _write_state(zygote, 0)
        conn = zygote.begin(0, 1, 2)
        wait_for((suite.path / "started").exists, "the first test")
        _write_state(zygote, 1)
        (suite.path / "go").touch()
        group = zygote.collect(conn)
        assert group.left_out == 1
        assert 2 not in group.results
        later = zygote.run(2)
        assert (later.order, later.left_out) == ("E", 1)
        assert zygote.finish()[0] == 0


@pytest.mark.parametrize("content", [None, b"", b"short"])
def test_no_proper_state_file_counts_as_go_on(suite, content):
    with suite(test_m="def test_a(): pass\n").zygote() as zygote:
        if content is not None:
            (zygote.rundir / "state").write_bytes(content)
        assert zygote.run(0).outcomes == ["passed"]


def test_pytest_exit_stops_the_session(suite):
    text = """
        import pytest
        def test_a(): pass
        def test_exit(): pytest.exit("enough of this", returncode=42)
        def test_c(): pass
    """
    with suite(test_m=text).zygote() as zygote:
        group = zygote.run(0, 1, 2)
        assert group.outcomes == ["passed", "error"]
        assert group.results[1].message == "pytest.exit: enough of this"
        assert group.left_out == 1
        other = zygote.run(2, slot=1)
        assert (other.order, other.left_out) == ("E", 1)
        assert zygote.finish()[0] == 42
        assert "enough of this" in zygote.log


def test_a_keyboard_interrupt_of_the_test_itself(suite):
    text = """
        import os, signal
        def test_a(): os.kill(os.getpid(), signal.SIGINT)
        def test_b(): pass
    """
    with suite(test_m=text).zygote() as zygote:
        group = zygote.run(0, 1)
        assert group.outcomes == ["error"]
        assert group.results[0].message == "KeyboardInterrupt"
        assert group.left_out == 1
        assert zygote.finish()[0] == 2


def test_a_plugin_that_stops_the_session(suite):
    conftest = """
        def pytest_runtest_logreport(report):
            if report.when == "call" and report.failed and SESSION:
                SESSION[0].shouldstop = "one is enough"
        SESSION = []
        def pytest_sessionstart(session): SESSION.append(session)
    """
    text = "def test_a(): assert 0\ndef test_b(): pass\ndef test_c(): pass\n"
    with suite(conftest=conftest, test_m=text).zygote() as zygote:
        group = zygote.run(0, 1)
        assert group.outcomes == ["failed"]
        assert group.left_out == 1
        assert zygote.run(2).left_out == 1
        assert zygote.finish()[0] == 2
        assert "one is enough" in zygote.log


def test_maxfail_is_the_drivers_business(suite):
    text = "def test_a(): assert 0\ndef test_b(): assert 0\ndef test_c(): pass\n"
    ini = "[pytest]\naddopts = -x\n"
    with suite(test_m=text, pytest_ini=ini).zygote() as zygote:
        assert zygote.json["options"]["maxfail"] == 1
        assert zygote.run_all().outcomes == ["failed", "failed", "passed"]
        assert zygote.finish()[0] == 1


def test_an_internal_error_of_a_plugin(suite):
    conftest = """
        import pytest
        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_protocol(item):
            if item.name == "test_b": raise RuntimeError("plugin broke")
    """
    text = "def test_a(): pass\ndef test_b(): pass\ndef test_c(): pass\n"
    with suite(conftest=conftest, test_m=text).zygote() as zygote:
        group = zygote.run(0, 1, 2)
        assert group.outcomes == ["passed", "error"]
        assert "RuntimeError: plugin broke" in group.results[1].message
        assert group.left_out == 1
        assert zygote.finish()[0] == 3
        assert "plugin broke" in zygote.log


@pytest.mark.parametrize(
    ("error", "status"), [("RuntimeError", 3), ("SystemExit", 3), ("KeyboardInterrupt", 2)]
)
def test_a_controllers_hook_that_fails_ends_the_session(suite, error, status):
    conftest = f"""
        def pytest_runtest_logreport(report):
            import os
            if "PYTEST_XDIST_WORKER" not in os.environ: raise {error}("reporter broke")
    """
    with suite(conftest=conftest, test_m="def test_a(): pass\n").zygote() as zygote:
        assert zygote.run(0).outcomes == ["passed"]
        assert zygote.finish()[0] == status
        assert "reporter broke" in zygote.log


def test_an_error_in_a_worker_session_finish_harms_nobody(suite):
    conftest = """
        def pytest_sessionfinish(session):
            if hasattr(session.config, "workerinput"): raise RuntimeError("late")
    """
    with suite(conftest=conftest, test_m="def test_a(): pass\n").zygote() as zygote:
        assert zygote.run(0).outcomes == ["passed"]
        assert zygote.finish()[0] == 0
        assert "late" in zygote.log


def test_sigint_of_the_zygote_ends_with_2(suite):
    text = """
        import pytest, time
        @pytest.fixture(scope="module")
        def module_fixture():
            yield
            open("torn-down", "w").close()
        def test_sleep(module_fixture):
            open("sleeping", "w").close()
            time.sleep(1000)
    """
    with suite(test_m=text).zygote() as zygote:
        conn = zygote.begin(0)
        wait_for((suite.path / "sleeping").exists, "the test")
        zygote.process.send_signal(signal.SIGINT)
        assert zygote.status() == 2
        assert (suite.path / "torn-down").exists()
        conn.close()


def test_a_crash_of_the_sequential_worker(suite):
    text = "import os\ndef test_a(): pass\ndef test_x(): os.abort()\ndef test_b(): pass\n"
    with suite(test_m=text).zygote("--junitxml=x.xml", sequential=True) as zygote:
        assert zygote.run(0, 1, 2).order == "SJSX"
        assert "in test_x" in (zygote.temp / "gw0.crash").read_text()
        assert zygote.run(2).outcomes == ["passed"]
        assert zygote.finish()[0] == 1
        assert 'tests="3"' in (suite.path / "x.xml").read_text()
        assert "2 passed" in zygote.log
