"""The zygote is the controller: what reporting plugins and the cache see there."""

import json
from xml.etree import ElementTree

MIXED = """
    import pytest
    def test_pass(record_property): record_property("color", "blue")
    def test_fail():
        print("some output")
        assert 0, "on purpose"
    def test_skip(): pytest.skip("why not")
    @pytest.mark.xfail
    def test_xfail(): assert 0
    @pytest.fixture
    def broken(): raise ValueError("set-up")
    def test_error(broken): pass
"""


def test_the_cache_remembers_failures_of_all_workers(suite):
    suite(test_m=MIXED, test_n=MIXED)
    with suite.zygote() as zygote:
        zygote.run(*range(5), slot=0)
        zygote.run(*range(5, 10), slot=1)
        zygote.finish()
    cache = suite.path / ".pytest_cache" / "v" / "cache" / "lastfailed"
    assert sorted(json.loads(cache.read_text())) == [
        "test_m.py::test_error",
        "test_m.py::test_fail",
        "test_n.py::test_error",
        "test_n.py::test_fail",
    ]
    suite(test_m=MIXED.replace("assert 0, ", "assert 1, "))
    with suite.zygote("--lf") as zygote:
        assert len(zygote.ids) == 4
        zygote.run_all()
        zygote.finish()
    assert sorted(json.loads(cache.read_text())) == [
        "test_m.py::test_error",
        "test_n.py::test_error",
        "test_n.py::test_fail",
    ]


def test_junitxml_is_written_once_and_whole(suite):
    suite(test_m=MIXED, test_n=MIXED)
    with suite.zygote("--junitxml=out/junit.xml", "-o", "junit_logging=all") as zygote:
        zygote.run(*range(5), slot=0)
        zygote.run(*range(5, 10), slot=1)
        assert not (suite.path / "out").exists()
        assert zygote.finish()[0] == 1
    root = ElementTree.parse(str(suite.path / "out" / "junit.xml")).getroot()
    (testsuite,) = root.iter("testsuite")
    counts = {name: testsuite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "10", "failures": "2", "errors": "2", "skipped": "4"}
    names = [case.get("name") for case in root.iter("testcase")]
    assert len(names) == len(set(zip(names, [c.get("classname") for c in root.iter("testcase")])))
    assert len(list(root.iter("property"))) == 2
    assert "some output" in "".join(out.text for out in root.iter("system-out"))


def test_junitxml_has_a_late_teardown_error_on_its_test(suite):
    text = """
        import pytest
        @pytest.fixture(scope="module")
        def broken():
            yield
            raise ValueError("too late")
        def test_a(broken): pass
    """
    with suite(test_m=text).zygote("--junitxml=junit.xml") as zygote:
        zygote.run(0)
        zygote.finish()
    root = ElementTree.parse(str(suite.path / "junit.xml")).getroot()
    (case,) = root.iter("testcase")
    (error,) = case.iter("error")
    assert "too late" in error.text


HOOKS = """
    import os
    def note(config, *words):
        name = getattr(config, "workerinput", {}).get("workerid", "controller")
        with open("notes-" + name, "a") as f:
            f.write(" ".join(str(word) for word in words) + "\\n")
    CONFIG = []
    def pytest_configure(config): CONFIG.append(config)
    def pytest_runtest_logstart(nodeid, location): note(CONFIG[0], "start", nodeid, location[2])
    def pytest_runtest_logreport(report):
        note(CONFIG[0], report.when, report.outcome, report.nodeid,
             getattr(report, "worker_id", None), getattr(report, "testrun_uid", None),
             sorted(k for k in report.keywords if k.startswith("mark_")), report.duration >= 0)
    def pytest_runtest_logfinish(nodeid): note(CONFIG[0], "finish", nodeid)
    def pytest_terminal_summary(terminalreporter):
        note(CONFIG[0], {k: len(v) for k, v in sorted(terminalreporter.stats.items()) if k})
"""


def test_hooks_hear_of_each_phase_once_and_in_order(suite):
    text = """
        import pytest
        @pytest.mark.mark_static
        def test_a(request): request.node.add_marker("mark_dynamic")
        def test_b(): assert 0
    """
    suite(conftest=HOOKS, test_m=text)
    with suite.zygote("-W", "ignore") as zygote:
        zygote.run(0, slot=1)
        zygote.run(1, slot=1)
        zygote.finish()
    a, b = "test_m.py::test_a", "test_m.py::test_b"
    notes = (suite.path / "notes-controller").read_text().splitlines()
    tail = "gw1 uid-of-this-run"
    static, both = "['mark_static'] True", "['mark_dynamic', 'mark_static'] True"
    assert notes[0] == f"start {a} test_a"
    assert notes[1] in (f"setup passed {a} {tail} {static}", f"setup passed {a} {tail} {both}")
    assert notes[2:] == [
        f"call passed {a} {tail} {both}",
        f"teardown passed {a} {tail} {both}",
        f"finish {a}",
        f"start {b} test_b",
        f"setup passed {b} {tail} [] True",
        f"call failed {b} {tail} [] True",
        f"teardown passed {b} {tail} [] True",
        f"finish {b}",
        "{'failed': 1, 'passed': 1}",
    ]
    assert len((suite.path / "notes-gw1").read_text().splitlines()) == 10


def test_the_summary_counts_tests_that_nobody_listened_to(suite):
    text = "".join(f"def test_{i}(): pass\n" for i in range(30)) + "def test_f(): assert 0\n"
    with suite(test_m=text).zygote("--durations=3", "-vv") as zygote:
        zygote.run_all()
        zygote.finish()
        assert "1 failed, 30 passed" in zygote.log
        assert "slowest 3 durations" in zygote.log


def test_warnings_reach_the_summary(suite):
    text = """
        import warnings
        class MyWarning(UserWarning):
            def __init__(self, code, text):
                super().__init__(code, text)
        def test_a(): warnings.warn("old style", DeprecationWarning)
        def test_b(): warnings.warn(MyWarning(7, "two arguments"))
    """
    with suite(test_m=text).zygote() as zygote:
        assert zygote.run_all().outcomes == ["passed", "passed"]
        zygote.finish()
        assert "DeprecationWarning: old style" in zygote.log
        assert "two arguments" in zygote.log
        assert "2 passed, 2 warnings" in zygote.log


def test_warnings_as_errors(suite):
    text = "import warnings\ndef test_a(): warnings.warn('oh')\ndef test_b(): pass\n"
    with suite(test_m=text).zygote("-W", "error") as zygote:
        assert zygote.run_all().outcomes == ["failed", "passed"]


def test_stepwise(suite):
    text = "def test_a(): pass\ndef test_b(): assert 0\ndef test_c(): pass\n"
    suite(test_m=text)
    with suite.zygote("--stepwise") as zygote:
        group = zygote.run_all()
        assert group.outcomes == ["passed", "failed"]
        assert group.left_out == 1
        assert zygote.finish()[0] == 2
    with suite.zygote("--stepwise") as zygote:
        assert zygote.ids == ["test_m.py::test_b", "test_m.py::test_c"]


def test_reports_that_json_cannot_hold(suite):
    conftest = """
        import pytest
        @pytest.hookimpl(hookwrapper=True)
        def pytest_runtest_makereport(item, call):
            report = (yield).get_result()
            report.thing = object()
            report.user_properties.append(("set", {1, 2}))
            if item.name == "test_loop":
                loop = []
                loop.append(loop)
                report.loop = loop
    """
    text = "def test_a(): pass\ndef test_loop(): assert 0, 'looped'\n"
    with suite(conftest=conftest, test_m=text).zygote("--junitxml=x.xml") as zygote:
        assert zygote.run_all().outcomes == ["passed", "failed"]
        assert zygote.finish()[0] == 1
        assert "1 failed, 1 passed" in zygote.log
        assert "looped" in zygote.log


def test_large_reports_and_many_of_them(suite):
    text = """
        import pytest
        @pytest.mark.parametrize("n", range(60))
        def test_big(n):
            print("x" * 100000)
            assert n % 3
    """
    with suite(test_m=text).zygote("--junitxml=x.xml", "-o", "junit_logging=all") as zygote:
        conns = [
            zygote.begin(*range(30), slot=0),
            zygote.begin(*range(30, 60), slot=1),
        ]
        outcomes = [o for conn in conns for o in zygote.collect(conn).outcomes]
        assert outcomes.count("failed") == 20
        assert zygote.finish()[0] == 1
    text = (suite.path / "x.xml").read_text()
    assert 'tests="60"' in text
    assert text.count("x" * 100000) >= 60


def test_sequential_reports_are_those_of_a_plain_run(suite):
    suite(conftest=HOOKS, test_m=MIXED)
    with suite.zygote("--junitxml=x.xml", sequential=True) as zygote:
        zygote.run_all()
        assert zygote.finish()[0] == 1
        assert zygote.log.count("short test summary info") == 1
    root = ElementTree.parse(str(suite.path / "x.xml")).getroot()
    assert len(list(root.iter("testcase"))) == 5
    cache = suite.path / ".pytest_cache" / "v" / "cache" / "lastfailed"
    assert len(json.loads(cache.read_text())) == 2
