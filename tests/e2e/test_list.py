"""rowlock list: what a run with the same words would run, and nothing else on standard output."""

import json

import pytest

pytestmark = pytest.mark.slow  # each case runs whole programs, more than once

FAIL, USAGE, NO_TESTS = 1, 4, 5

SUITE = """
import pytest, sys
print("noise of the import")

@pytest.mark.slow
@pytest.mark.lock("db")
@pytest.mark.timeout(7)
def test_slow(): pass

class TestC:
    @pytest.mark.serial
    @pytest.mark.parametrize("x", ["a", "b::c"])
    def test_x(self, x): pass

@pytest.mark.xdist_group("g")
@pytest.mark.weight(3)
def test_group(): print("noise of a test")
"""
CONFTEST = """
import sys
print("noise of conftest")
def pytest_sessionstart(session): print("noise of the start")
def pytest_report_header(config): return "noise of a header"
"""


@pytest.fixture
def mixed(project):
    project.script("t/a.t", "echo 1..1; echo ok 1")
    project.manifest(
        {
            "id": "db/migrate",
            "command": ["./migrate", "--all", "\udcff"],
            "markers": ["unit", "serial"],
            "locks": ["net", "db"],
            "weight": 2,
            "timeout": 60,
            "reruns": 1,
            "needs": ["migrate"],
            "depends": ["db/st\udcffart"],
        },
        {"id": "db/st\udcffart", "command": ["true"]},
        suites=[
            {"name": "shell", "format": "tap", "glob": "t/*.t", "markers": ["unit"]},
            {"name": "py", "format": "pytest", "paths": ["test_a.py"]},
        ],
    )
    project.write("conftest.py", CONFTEST)
    project.write("test_a.py", SUITE)
    project.script("migrate", "true")
    return project


def listed(project, *options):
    done = project.rowlock("list", "--json", *options)
    return done, {test["id"]: test for test in json.loads(done.stdout)["tests"]}


def test_json(mixed):
    done, tests = listed(mixed, "--timeout", "100", "--reruns", "2")
    assert done.returncode == 0
    assert "noise" not in done.stderr
    nothing = {
        "suite": "py",
        "format": "pytest",
        "file": "test_a.py",
        "line": None,
        "markers": [],
        "group": None,
        "serial": False,
        "locks": [],
        "weight": 1,
        "timeout": 100,
        "reruns": 2,
        "duration": None,
        "needs": [],
        "depends": [],
        "after": [],
    }
    native = dict(nothing, suite="", format="exec", file=None)
    expected = [
        dict(native, id="shell/a.t", suite="shell", format="tap", file="t/a.t", markers=["unit"]),
        dict(
            native,
            id="db/migrate",
            defined="tests.json:4",
            command=["./migrate", "--all", "\\xff"],
            markers=["unit", "serial"],
            serial=True,
            locks=["db", "net"],
            weight=2,
            timeout=60,
            reruns=1,
            needs=["migrate"],
            depends=["db/st\\xffart"],
        ),
        dict(native, id="db/st\\xffart", command=["true"]),
        dict(
            nothing,
            id="test_a.py::test_slow",
            line=5,
            markers=["timeout", "lock", "slow"],
            locks=["db"],
            timeout=7,
        ),
        *(
            dict(
                nothing,
                id=f"test_a.py::TestC::test_x[{x}]",
                line=11,
                markers=["parametrize", "serial"],
                serial=True,
            )
            for x in ("a", "b::c")
        ),
        dict(
            nothing,
            id="test_a.py::test_group",
            line=15,
            markers=["weight", "xdist_group"],
            group="g",
            weight=3,
        ),
    ]
    assert list(tests) == [test["id"] for test in expected]
    for test in expected:
        found = tests[test["id"]]
        if "defined" not in test and test["format"] != "pytest":
            test = dict(test, defined=found["defined"], command=found["command"])
            assert found["defined"].startswith("tests.json:") and found["command"]
        assert found == test
    # Earlier runs have shown how long a test takes.
    mixed.rowlock("parallel", "-n", "2")
    durations = [test["duration"] for test in listed(mixed)[1].values()]
    assert all(isinstance(seconds, float) and seconds < 60 for seconds in durations)
    text = mixed.rowlock("list", "-v").stdout
    assert "noise" not in text
    for words in (
        "exec, tests.json:4; markers unit, serial; locks db, net; serial; weight 2; needs mig",
        "; depends on db/st\\xffart; timeout 1 m 00 s; took ",
        "test_a.py::test_slow\n    pytest, test_a.py:5; markers timeout, lock, slow; locks db; ",
    ):
        assert words in text


@pytest.mark.parametrize(
    "options",
    [["-m", "unit"], ["-k", "x or start"], ["test_a.py::TestC", "db"], ["--deselect", "shell"]],
    ids=lambda options: options[0],
)
def test_the_selection_of_a_run(mixed, options):
    run = mixed.rowlock("parallel", "-n", "2", "--report-json", "r.json", *options)
    assert run.returncode == 0, run
    names = [test["id"] for test in mixed.report("r.json")["tests"]]
    done, tests = listed(mixed, *options)
    assert list(tests) == names != []
    assert f"{json.loads(done.stdout)['deselected']} deselected" in run.stdout + " 0 deselected"
    assert mixed.rowlock("list", *options).stdout.split("\n")[:-1] == names


def test_what_goes_wrong(mixed):
    done, tests = listed(mixed, "-k", "nothing_like_it")
    assert (done.returncode, tests) == (NO_TESTS, {})
    assert "3 deselected" in done.stderr  # native ones: pytest had nothing left and has ended
    mixed.path("tests.json").unlink()
    done, tests = listed(mixed, "-k", "nothing_like_it")
    assert (done.returncode, tests) == (NO_TESTS, {})
    assert "4 deselected" in done.stderr
    done = mixed.rowlock("list", "--json", "--nothing-like-it")
    assert (done.returncode, done.stdout) == (USAGE, "")
    done = mixed.rowlock("list", "--collect-only")
    assert (done.returncode, done.stdout) == (USAGE, "")
    assert "list and --collect-only both print something" in done.stderr
    mixed.write("test_b.py", "import nothing_of_this_name\n")
    done = mixed.rowlock("list", "--json")
    assert (done.returncode, done.stdout) == (2, "")  # pytest's code
    assert "nothing_of_this_name" in done.stderr
    done, tests = listed(mixed, "--continue-on-collection-errors")
    assert (done.returncode, len(tests)) == (FAIL, 4)
    assert "test_b.py cannot be collected: ModuleNotFoundError" in done.stderr
    errors = json.loads(done.stdout)["errors"]
    assert [error["file"] for error in errors] == ["test_b.py"]


def test_workers_that_collect_for_themselves(mixed):
    for option in "--worker-start=spawn", "--parallel-collect":
        done, tests = listed(mixed, option, "-n", "2")
        assert done.returncode == 0
        assert tests["test_a.py::test_slow"]["line"] == 5
