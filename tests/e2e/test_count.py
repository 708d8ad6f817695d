"""--count: each test several times; --until-fail: all of them until one fails."""

import pytest

pytestmark = pytest.mark.slow  # each case runs whole programs, more than once

PASS, FAIL, USAGE = 0, 1, 4


def sh(test_id, script, **more):
    return dict({"id": test_id, "command": ["sh", "-c", f"echo {test_id} >>ran; {script}"]}, **more)


SUITE = """
import os, unittest, pytest
def note(name):
    with open('ran', 'a') as f: f.write(name + '\\n')
    return open('ran').read().split().count(name)
@pytest.fixture(scope='module')
def module(): note('module')
@pytest.fixture
def fresh(): return []
@pytest.mark.parametrize('i', [1, 2])
def test_params(module, fresh, i):
    fresh.append(1)
    assert len(fresh) == 1
    note(f'params{i}')
class TestUnit(unittest.TestCase):
    def test_unit(self): note('unit')
def test_fails(module): assert note('fails') != 2
@pytest.fixture(scope='module')
def broken():
    if note('broken') == 1: raise ValueError('not yet')
def test_broken(broken): pass
"""


def ran(project):
    lines = project.path("ran").read_text().split()
    project.path("ran").unlink()
    return {name: lines.count(name) for name in lines}


@pytest.mark.parametrize("how", [["-n2"], ["-n0"], ["-n2", "--dist=load", "--forked"]])
def test_count(project, how):
    """Results are single, ids distinct; function fixtures are fresh, wider ones stay."""
    project.write("test_a.py", SUITE)
    project.manifest(
        sh("native", "true"),
        sh("odd", "test $(grep -c odd ran) -ne 3"),
        suites=[{"name": "py", "format": "pytest", "paths": ["test_a.py"]}],
    )
    done = project.rowlock("parallel", *how, "--count", "3", "--report-json", "report.json")
    assert done.returncode == FAIL, done
    outcomes = project.outcomes()
    names = ["native", "odd"] + [
        f"test_a.py::{name}"
        for name in ("test_params[1]", "test_params[2]", "TestUnit::test_unit", "test_fails",
                     "test_broken")
    ]
    assert set(outcomes) == {name + end for name in names for end in ("", "#2", "#3")}
    bad = {name for name, outcome in outcomes.items() if outcome != "passed"}
    failed = {name for name in bad if name.startswith("test_a.py::test_fails")}
    assert len(failed) == 1 and {name.partition("#")[0] for name in bad} == {
        "odd", "test_a.py::test_fails", "test_a.py::test_broken"
    }
    counts = ran(project)
    for name in ("native", "odd", "params1", "params2", "unit", "fails"):
        assert counts[name] == 3
    if how == ["-n0"]:
        assert counts["module"] == 1 and failed == {"test_a.py::test_fails#2"}
    # The history knows tests, not their copies; a copy that failed is enough for --lf.
    listed = project.rowlock("list", "--lf", "odd", "native").stdout.split()
    assert "odd" in listed and "native" not in listed and "odd#2" not in listed


def test_fixtures_stay_single(project):
    project.write(
        "CTestTestfile.cmake",
        'add_test(up "sh" "-c" "echo up >>ran")\n'
        'set_tests_properties(up PROPERTIES FIXTURES_SETUP db)\n'
        'add_test(use "sh" "-c" "test ! -e down; echo use >>ran")\n'
        'set_tests_properties(use PROPERTIES FIXTURES_REQUIRED db)\n'
        'add_test(down "sh" "-c" "touch down; echo down >>ran")\n'
        'set_tests_properties(down PROPERTIES FIXTURES_CLEANUP db)\n',
    )
    done = project.rowlock("parallel", "-n", "3", "--ctest", ".", "--count", "4")
    assert done.returncode == PASS, done
    assert ran(project) == {"up": 1, "use": 4, "down": 1}


def test_a_plugin_that_counts(project):
    """As pytest-repeat does: then that is what repeats pytest tests."""
    project.write(
        "conftest.py",
        "def pytest_addoption(parser): parser.addoption('--count', type=int, default=1)\n"
        "def pytest_generate_tests(metafunc):\n"
        "    metafunc.fixturenames.append('step')\n"
        "    metafunc.parametrize('step', range(metafunc.config.option.count))\n",
    )
    project.write("test_a.py", "def test_a(): pass\n")
    project.manifest(
        sh("native", "true"), suites=[{"name": "py", "format": "pytest", "paths": ["test_a.py"]}]
    )
    done = project.rowlock("parallel", "--count", "2", "--report-json", "report.json")
    assert done.returncode == PASS, done
    assert set(project.outcomes()) == {
        "native", "native#2", "test_a.py::test_a[0]", "test_a.py::test_a[1]"
    }


def test_until_fail(project):
    project.write("test_a.py", SUITE[: SUITE.index("@pytest.fixture(scope='module')\ndef broken")])
    project.manifest(
        sh("native", "true"),
        sh("flaky", "test $(grep -c flaky ran) -ne 4", markers=["flaky"]),
        suites=[{"name": "py", "format": "pytest", "paths": ["test_a.py"]}],
    )
    words = ["parallel", "-n", "2", "--until-fail", "--report-json", "report.json"]
    done = project.rowlock(*words, "-k", "not test_fails")
    assert done.returncode == FAIL, done
    assert "--until-fail: 3 whole rounds of 5 tests passed, then one failed" in done.stdout
    assert project.outcomes()["flaky"] == "failed"
    counts = ran(project)
    assert counts["flaky"] == 4 and 3 <= counts["native"] <= 4 and 3 <= counts["unit"] <= 4
    # At most so many rounds; a failure in one of them ends it.
    words = ["parallel", "-n", "1", "--until-fail", "--count", "3"]
    done = project.rowlock(*words, "-k", "unit or native")
    assert done.returncode == PASS, done
    assert "--until-fail: 3 whole rounds of 2 tests passed" in done.stdout
    assert "2 passed" in done.stdout and ran(project) == {"native": 3, "unit": 3}
    done = project.rowlock(*words, "-k", "fails")
    assert done.returncode == FAIL and "1 whole round of 1 tests passed, then" in done.stdout, done
    # The limit of the run ends it, too, and is no failure.
    done = project.rowlock("parallel", "-n", "2", "--until-fail", "--run-timeout", "3", "native")
    assert done.returncode == PASS, done
    assert "passed, then the run's time was over" in done.stdout
    done = project.rowlock("parallel", "--until-fail", "--resume")
    assert done.returncode == USAGE and "run it without --resume" in done.stderr
