"""Fixtures that live longer than a test, over the groups that a worker runs."""

from client import run_plain

TRACE = """
    import pytest
    def note(word):
        with open("notes", "a") as f:
            f.write(word + "\\n")
    @pytest.fixture(scope="session")
    def session_fixture():
        note("+session")
        yield
        note("-session")
"""

MODULE = """
    import pytest
    from conftest import note
    NAME = __name__[-1]

    @pytest.fixture(scope="module", autouse=True)
    def module_fixture(session_fixture):
        note("+module " + NAME)
        yield
        note("-module " + NAME)

    class TestOne:
        @pytest.fixture(scope="class", autouse=True)
        def class_fixture(self):
            note("+class One " + NAME)
            yield
            note("-class One " + NAME)
        def test_1(self): note("test " + NAME + " One 1")
        def test_2(self): note("test " + NAME + " One 2")

    class TestTwo:
        def setup_method(self): note("+method")
        def teardown_method(self): note("-method")
        def test_1(self): note("test " + NAME + " Two 1")

    def test_last(): note("test " + NAME + " last")
"""


def _notes(suite):
    path = suite.path / "notes"
    if not path.exists():
        return []
    notes = path.read_text().splitlines()
    path.unlink()
    return notes


def test_fixtures_stay_for_the_next_group_that_needs_them(suite):
    suite(conftest=TRACE, test_a=MODULE, test_b=MODULE)
    with suite.zygote() as zygote:
        zygote.run("test_a.py::TestOne::test_1")
        assert _notes(suite) == ["+session", "+module a", "+class One a", "test a One 1"]
        zygote.run("test_a.py::TestOne::test_2")
        assert _notes(suite) == ["test a One 2"]
        zygote.run("test_a.py::TestTwo::test_1")
        assert _notes(suite) == ["-class One a", "+method", "test a Two 1", "-method"]
        zygote.run("test_b.py::test_last", "test_b.py::TestOne::test_1")
        assert _notes(suite) == [
            "-module a",
            "+module b",
            "test b last",
            "+class One b",
            "test b One 1",
        ]
        status, group = zygote.finish()
        assert _notes(suite) == ["-class One b", "-module b", "-session"]
        assert (status, group.records) == (0, [])


def test_in_one_group_all_is_as_in_a_plain_run(suite):
    suite(conftest=TRACE, test_a=MODULE, test_b=MODULE)
    with suite.zygote() as zygote:
        assert set(zygote.run_all().outcomes) == {"passed"}
        zygote.finish()
    together = _notes(suite)
    status, output = run_plain(suite.path)
    assert status == 0
    assert "8 passed" in output
    assert together == _notes(suite)


def test_one_group_per_test_gives_the_same_lifetimes(suite):
    suite(conftest=TRACE, test_a=MODULE, test_b=MODULE)
    with suite.zygote() as zygote:
        zygote.run_all()
        zygote.finish()
    together = _notes(suite)
    with suite.zygote() as zygote:
        for index in range(len(zygote.ids)):
            assert zygote.run(index).outcomes == ["passed"]
        zygote.finish()
    assert together == _notes(suite)


def test_each_worker_has_its_own_session_fixtures(suite):
    suite(conftest=TRACE, test_a=MODULE)
    with suite.zygote() as zygote:
        zygote.run("test_last", slot=0)
        zygote.run("test_last", slot=1)
        zygote.finish()
        notes = _notes(suite)
        assert notes.count("+session") == notes.count("-session") == 2


def test_a_parametrized_module_fixture(suite):
    text = """
        import pytest
        from conftest import note
        @pytest.fixture(scope="module", params=["x", "y"])
        def param(request):
            note("+" + request.param)
            yield request.param
            note("-" + request.param)
        def test_a(param): note("a " + param)
        def test_b(param): note("b " + param)
    """
    with suite(conftest=TRACE, test_m=text).zygote() as zygote:
        assert zygote.ids == [f"test_m.py::test_{t}[{p}]" for p in "xy" for t in "ab"]
        for index in range(4):
            assert zygote.run(index).outcomes == ["passed"]
        zygote.finish()
        assert _notes(suite) == ["+x", "a x", "b x", "-x", "+y", "a y", "b y", "-y"]


FAILING = """
    import logging, pytest
    @pytest.fixture(scope="module")
    def broken(request):
        yield
        print("on the way down")
        logging.getLogger("x").warning("a log line")
        raise ValueError("teardown of %s" % __name__)
    def test_first(broken): print("first")
    def test_second(broken): pass
"""


def test_an_error_between_groups_amends_the_last_test(suite):
    suite(test_a=FAILING, test_b="def test_b(): pass\n")
    with suite.zygote() as zygote:
        assert zygote.run(0).amends == []
        assert zygote.run(1).amends == []
        group = zygote.run("test_b")
        assert group.order == "DJSJE"
        (amend,) = group.amends
        assert (amend.index, amend.outcome) == (1, "error")
        assert amend.message == "ValueError: teardown of test_a"
        assert amend.location == "test_a.py:8"
        assert "raise ValueError" in amend.detail
        assert amend.stdout == "on the way down\n"
        assert "a log line" in amend.log
        assert group.results[2].outcome == "passed"
        assert zygote.finish()[0] == 1
        assert zygote.log.count("ERROR at teardown of test_second") == 1
        assert "3 passed, 1 error" in zygote.log


def test_a_plugin_that_wants_a_running_test(suite):
    conftest = """
        import pytest
        @pytest.hookimpl(hookwrapper=True)
        def pytest_runtest_makereport(item, call):
            item.funcargs["request"]
            yield
    """
    text = FAILING.replace("(broken)", "(broken, request)")
    with suite(conftest=conftest, test_a=text).zygote() as zygote:
        assert zygote.run(0).outcomes == ["passed"]
        (amend,) = zygote.finish()[1].amends
        assert amend.message == "ValueError: teardown of test_a"


def test_our_own_frames_are_not_in_a_traceback(suite):
    conftest = """
        import pytest
        @pytest.fixture(scope="session")
        def broken():
            yield
            raise ValueError("from a conftest file")
    """
    with suite(conftest=conftest, test_a="def test_a(broken): pass\n").zygote() as zygote:
        zygote.run(0)
        (amend,) = zygote.finish()[1].amends
        assert "from a conftest file" in amend.detail
        assert amend.location == "conftest.py:6"
        assert "worker.py" not in amend.detail


def test_an_error_at_the_end_comes_with_finish(suite):
    with suite(test_a=FAILING).zygote() as zygote:
        zygote.run(1)
        status, group = zygote.finish()
        assert status == 1
        assert group.order == "JQ"
        (amend,) = group.amends
        assert (amend.index, amend.outcome) == (1, "error")
        assert amend.message == "ValueError: teardown of test_a"


def test_an_error_inside_a_group_is_the_tests_own(suite):
    suite(test_a=FAILING, test_b="def test_b(): pass\n")
    with suite.zygote() as zygote:
        group = zygote.run(0, 1, 2)
        assert group.outcomes == ["passed", "error", "passed"]
        assert group.amends == []
        record = group.results[1]
        assert record.call == "passed"
        assert record.message == "ValueError: teardown of test_a"
        assert zygote.finish()[0] == 1


def test_an_error_in_an_early_fixture_does_not_hide_the_others(suite):
    conftest = """
        import pytest
        from pathlib import Path
        @pytest.fixture(scope="session")
        def outer():
            yield
            Path("outer-down").touch()
            raise RuntimeError("outer breaks")
    """
    text = """
        import pytest
        @pytest.fixture(scope="module")
        def inner(outer):
            yield
            raise RuntimeError("inner breaks")
        def test_a(inner): pass
    """
    with suite(conftest=conftest, test_a=text).zygote() as zygote:
        zygote.run(0)
        _, group = zygote.finish()
        (amend,) = group.amends
        assert "inner breaks" in amend.detail
        assert (suite.path / "outer-down").exists()


def test_xunit_style_and_unittest_classes(suite):
    text = """
        import unittest
        from conftest import note
        def setup_module(): note("+module")
        def teardown_module(): note("-module")
        class TestCase(unittest.TestCase):
            @classmethod
            def setUpClass(cls): note("+class")
            @classmethod
            def tearDownClass(cls): note("-class")
            def setUp(self): note("+test")
            def tearDown(self): note("-test")
            def test_a(self): note("a")
            def test_b(self): note("b")
    """
    with suite(conftest=TRACE, test_u=text).zygote() as zygote:
        assert zygote.run(0).outcomes == ["passed"]
        assert zygote.run(1).outcomes == ["passed"]
        assert zygote.run(0).outcomes == ["passed"]
        zygote.finish()
        one = ["+test", "a", "-test"]
        assert _notes(suite) == [
            "+module",
            "+class",
            *one,
            "+test",
            "b",
            "-test",
            *one,
            "-class",
            "-module",
        ]


def test_a_set_up_that_failed_fails_again_in_the_next_group(suite):
    text = """
        import pytest
        from conftest import note
        @pytest.fixture(scope="module")
        def broken():
            note("+broken")
            raise ValueError("no set-up")
        def test_a(broken): pass
        def test_b(broken): pass
    """
    with suite(conftest=TRACE, test_m=text).zygote() as zygote:
        assert zygote.run(0).outcomes == ["error"]
        assert zygote.run(1).outcomes == ["error"]
        zygote.finish()
        assert _notes(suite) == ["+broken"]


def test_the_next_item_that_hooks_see(suite):
    conftest = """
        import pytest
        def note(word):
            with open("notes", "a") as f:
                f.write(word + "\\n")
        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_teardown(item, nextitem):
            assert nextitem is not None
            assert isinstance(nextitem, pytest.Function)
            note("%s %s %s" % (item.name, nextitem.name, nextitem.parent is item.parent))
            nextitem.config, nextitem.nodeid, nextitem.getparent(pytest.Module)
    """
    text = "def test_a(): pass\ndef test_b(): pass\n"
    with suite(conftest=conftest, test_m=text).zygote() as zygote:
        assert zygote.run(0, 1).outcomes == ["passed", "passed"]
        zygote.finish()
        assert _notes(suite) == ["test_a test_b True", "test_b test_b True"]


def test_a_worker_that_is_replaced_sets_up_anew(suite):
    text = """
        import os
        from conftest import note
        def test_a(session_fixture): note("a")
        def test_crash(session_fixture): os._exit(7)
    """
    with suite(conftest=TRACE, test_m=text).zygote() as zygote:
        zygote.run(0)
        zygote.run(1)
        zygote.run(0)
        zygote.finish()
        assert _notes(suite) == ["+session", "a", "+session", "a", "-session"]


def test_a_session_fixture_that_kills_its_worker_at_the_end(suite):
    text = """
        import os, pytest, signal
        @pytest.fixture(scope="session")
        def deadly():
            yield
            os.kill(os.getpid(), signal.SIGKILL)
        def test_a(deadly): pass
    """
    with suite(test_m=text).zygote() as zygote:
        assert zygote.run(0).outcomes == ["passed"]
        _, group = zygote.finish()
        (amend,) = group.amends
        assert (amend.index, amend.outcome) == (0, "error")
        assert "SIGKILL" in amend.message
