"""--forked: a process for every test."""

import os
import signal

from client import is_alive, wait_for

import pytest

NOTES = """
    import os, pytest
    def note(word):
        with open("notes", "a") as f:
            f.write("%s %d\\n" % (word, os.getpid()))
    @pytest.fixture(scope="session")
    def wide():
        note("+")
        yield
        note("-")
"""


def _run(suite, *args, **options):
    return suite.zygote("--forked", *args, **options)


def test_a_process_for_each_test_with_all_its_fixtures(suite):
    text = """
        from conftest import note
        SEEN = []
        def look(word):
            SEEN.append(word)
            note(word)
            assert SEEN == [word]
        def test_a(wide): look("a")
        def test_b(wide): look("b")
    """
    with _run(suite(conftest=NOTES, test_m=text)) as zygote:
        group = zygote.run(0, 1)
        assert group.order == "SJSJE"
        assert group.outcomes == ["passed", "passed"]
        assert (zygote.finish()[0], group.amends) == (0, [])
        notes = [line.split() for line in (suite.path / "notes").read_text().splitlines()]
        first, second = (str(pid) for _, pid in group.started)
        assert first != second
        assert notes == [
            [word, pid] for pid, name in ((first, "a"), (second, "b")) for word in ("+", name, "-")
        ]


def test_teardown_errors_of_wide_fixtures_are_each_tests_own(suite):
    text = """
        import pytest
        @pytest.fixture(scope="module")
        def broken():
            yield
            raise ValueError("at the end")
        def test_a(broken): pass
        def test_b(broken): pass
    """
    with _run(suite(test_m=text)) as zygote:
        group = zygote.run(0, 1)
        assert group.outcomes == ["error", "error"]
        assert group.results[0].call == "passed"
        assert zygote.finish()[0] == 1
        assert "2 passed, 2 errors" in zygote.log


CRASHES = """
    import os, pytest, signal, sys
    def test_before(): print("before")
    def test_dies():
        print("last words")
        print("last complaint", file=sys.stderr)
        os.kill(os.getpid(), signal.SIGSEGV)
    @pytest.mark.xfail(reason="it always does")
    def test_expected(): os._exit(3)
    def test_after():
        print("after")
        assert 0
"""


@pytest.mark.parametrize("sequential", [False, True])
def test_a_crash_takes_one_test_down(suite, sequential):
    with _run(suite(test_m=CRASHES), "--junitxml=x.xml", sequential=sequential) as zygote:
        group = zygote.run_all()
        assert group.order == "SJSJSJSJE"
        assert group.outcomes == ["passed", "crashed", "xfailed", "failed"]
        dead = group.results[1]
        assert dead.message == "the process of this test ended: killed by SIGSEGV"
        assert "in test_dies" in dead.detail
        assert (dead.stdout, dead.stderr) == ("last words\n", "last complaint\n")
        expected = group.results[2]
        assert expected.message.startswith("it always does; ")
        assert "exit status 3" in expected.message
        assert (expected.stdout, expected.detail) == ("", "")
        assert group.results[3].stdout == "after\n"
        assert zygote.finish()[0] == 1
        assert "2 failed, 1 passed, 1 xfailed" in zygote.log
        assert 'tests="4"' in (suite.path / "x.xml").read_text()


def test_where_it_died_is_told(suite):
    text = """
        import os, pytest
        @pytest.fixture
        def early(): os._exit(1)
        @pytest.fixture
        def late():
            yield
            os._exit(1)
        def test_early(early): pass
        def test_late(late): pass
    """
    with _run(suite(test_m=text)) as zygote:
        records = zygote.run(0, 1).results
        assert "while the fixture 'early' was set up" in records[0].message
        assert "in its teardown" in records[1].message


def test_what_a_test_leaves_running_is_killed_after_it(suite):
    text = """
        import os, subprocess, time
        def test_leaves():
            child = subprocess.Popen(["setsid", "sleep", "1000"])
            open("pid", "w").write(str(child.pid))
        def test_next():
            pid = open("pid").read()
            while os.path.exists("/proc/" + pid): time.sleep(0.01)
    """
    with _run(suite(test_m=text)) as zygote:
        group = zygote.run(0, 1)
        assert group.outcomes == ["passed", "passed"]
        assert [line.split()[1] for line in group.results[0].leftover] in (["sleep"], ["setsid"])


def test_exit_handlers_run_and_cannot_change_the_verdict(suite):
    text = """
        import atexit, os, time
        def test_note(): atexit.register(lambda: open("handled", "w").close())
        def test_exits(): atexit.register(os._exit, 3)
        def test_hangs(): atexit.register(time.sleep, 1000)
    """
    with _run(suite(test_m=text), env={"ROWLOCK_GRACE": "0.3"}) as zygote:
        assert zygote.run_all().outcomes == ["passed"] * 3
        assert (suite.path / "handled").exists()


@pytest.mark.parametrize("sequential", [False, True])
def test_warnings_and_properties_come_through(suite, sequential):
    text = """
        import warnings
        def test_warns(record_property):
            record_property("key", "value")
            warnings.warn("beware")
    """
    with _run(suite(test_m=text), sequential=sequential) as zygote:
        group = zygote.run_all()
        assert group.outcomes == ["passed"]
        assert group.results[0].property == ["key\0value"]
        assert zygote.finish()[0] == 0
        assert zygote.log.count("UserWarning: beware") == 1
        assert "1 passed, 1 warning" in zygote.log


def test_what_stops_the_session_comes_through(suite):
    text = """
        import pytest
        def test_stops(): pytest.exit("enough", returncode=42)
        def test_never(): pass
    """
    with _run(suite(test_m=text)) as zygote:
        group = zygote.run_all()
        assert group.outcomes == ["error"]
        assert group.left_out == 1
        assert zygote.finish()[0] == 42


def test_a_client_that_closes_ends_the_test(suite):
    text = """
        import pytest, time
        @pytest.fixture
        def slow():
            yield
            open("torn-down", "w").close()
        def test_sleep(slow):
            open("sleeping", "w").close()
            time.sleep(1000)
        def test_ok(): pass
    """
    with _run(suite(test_m=text)) as zygote:
        conn = zygote.begin(0)
        pid = int.from_bytes(conn.read()[1][4:], "little")
        wait_for((suite.path / "sleeping").exists, "the test")
        conn.close()
        assert zygote.run(1).outcomes == ["passed"]
        assert not is_alive(pid)
        assert (suite.path / "torn-down").exists()
        assert zygote.finish()[0] == 0


def test_a_worker_that_dies_takes_its_test_along(suite):
    text = """
        import os, signal, time
        def test_kill():
            open("pid", "w").write(str(os.getpid()))
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(1000)
    """
    with _run(suite(test_m=text)) as zygote:
        group = zygote.run(0)
        assert os.WTERMSIG(group.wait_status) == signal.SIGKILL
        pid = int((suite.path / "pid").read_text())
        wait_for(lambda: not is_alive(pid), "the end of the test")


def test_pytest_forked_does_not_fork_once_more(suite):
    plugin = """
        import pytest
        def pytest_addoption(parser):
            parser.addoption("--forked", action="store_true", dest="forked")
        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_protocol(item):
            open("it-ran", "w").close()
    """
    suite(pytest_forked=plugin, test_m="def test_a(): pass\n")
    (suite.path / "pytest.ini").write_text("[pytest]\npythonpath = .\n")
    with _run(suite, "-p", "pytest_forked", env={"PYTHONPATH": str(suite.path)}) as zygote:
        assert zygote.ready, zygote.log
        assert zygote.run(0).outcomes == ["passed"]
        assert not (suite.path / "it-ran").exists()


def test_random_numbers_and_folders_are_each_tests_own(suite):
    text = """
        import random
        def say(word):
            with open("said", "a") as f: f.write(word + "\\n")
        def test_a(tmp_path): say("%s %s" % (random.random(), tmp_path))
        def test_b(tmp_path): say("%s %s" % (random.random(), tmp_path))
    """
    with _run(suite(test_m=text)) as zygote:
        assert zygote.run(0, 1).outcomes == ["passed", "passed"]
        said = [line.split() for line in (suite.path / "said").read_text().splitlines()]
        assert said[0][0] != said[1][0]
        assert said[0][1] != said[1][1]
        assert os.path.dirname(said[0][1]) == os.path.dirname(said[1][1])
