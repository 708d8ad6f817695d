"""rowlock performance, and rowlock sequential and coverage as what it is compared with."""

import json
import os
import signal

from support import wait_until

import pytest

SUITE = """
import os, pytest
class TestClass:
    def test_x(self): pass
    def test_y(self): pass
@pytest.mark.performance
def test_fast(): pass
@pytest.mark.serial
def test_last(): pass
def test_where(): assert os.environ["FQCN_TEST_MODE"] == "sequential"
"""
TIMES = {"TestClass::test_x": 4, "TestClass::test_y": 2, "test_fast": 6, "test_last": 2}


def times(project):
    values = {f"test_a.py::{name}": seconds for name, seconds in TIMES.items()}
    project.write("times.json", json.dumps(values))
    return ["--times", "times.json"]


def test_a_run(project):
    project.write("pytest.ini", "[pytest]\naddopts = -n 7\n")
    project.write("test_a.py", SUITE)
    done = project.rowlock("performance", "--report-json", "report.json")
    few = max(1, min(4, len(os.sched_getaffinity(0)) // 2))
    assert done.returncode == 0 and f", {few} worker" in done.stdout, done
    assert "slowest durations" in done.stdout
    assert project.outcomes() == {"test_a.py::test_fast": "passed"}
    assert "3 workers" in project.rowlock("performance", "-n", "3", "-k", "test_x", "-m", "").stdout
    bad = project.rowlock("performance", "--json")
    assert bad.returncode == 4 and "--compare" in bad.stderr


def test_compare_from_durations(project):
    project.write("test_a.py", SUITE)
    words = ["performance", "--compare", "-m", "", "-n", "2", *times(project)]
    done = project.rowlock(*words, "--json")
    assert done.returncode == 0, done
    r = json.loads(done.stdout)
    assert (r["tests"], r["workers"], r["unknown"]) == (5, 2, 1)
    assert r["sequential"] == {"wall": None, "cpu": None, "computed": 14}
    assert r["parallel"]["computed"] == 8  # 4 + 2 beside 6, then 2
    assert (r["speedup"], r["efficiency"]) == (1.75, 0.875)
    path = r["critical_path"]
    assert path["seconds"] == 8 and [g["seconds"] for g in path["groups"]] == [6, 2]
    assert path["groups"][1] == {
        "seconds": 2, "n_tests": 1, "tests": ["test_a.py::test_last"], "serial": True, "locks": [],
    }
    assert [w["seconds"] for w in r["by_workers"]] == [14, 8, 8, 8, 8, 8, 8]
    assert r["useful_workers"] == 2
    gains = {(a["kind"], a["what"]): a["gain"] for a in r["advice"]}
    assert gains[("slow", "test_a.py::test_last")] == 2
    assert not project.path(".rowlock/last").exists()  # nothing ran
    shown = project.rowlock(*words).stdout
    assert "critical path: 8.0 s" in shown and "speed-up 1.75, efficiency 88 %" in shown
    project.write("times.json", '{"a": "b"}')
    bad = project.rowlock(*words)
    assert bad.returncode == 4 and "times.json:1" in bad.stderr


@pytest.mark.slow
def test_compare_runs(project):
    project.write("test_a.py", SUITE)
    done = project.rowlock("performance", "--compare", "-m", "", "-n", "2", "--json")
    assert done.returncode == 1, done
    r = json.loads(done.stdout)
    assert r["differences"] == [
        {"id": "test_a.py::test_where", "sequential": "passed", "parallel": "failed"}
    ]
    assert r["sequential"]["wall"] > 0 and r["parallel"]["cpu"] > 0 and r["unknown"] == 0
    assert "5 passed" in done.stderr and "1 failed, 4 passed" in done.stderr
    assert list(project.temp.glob("rl-*")) == []
    one = project.rowlock("performance", "--compare", "-n", "2")
    assert one.returncode == 0 and "1 passed" in one.stdout, one
    project.write("test_a.py", "def test_a(): pass\n")
    everything = project.rowlock("performance", "--compare", "-n", "2")
    assert "no test is marked performance: all are compared" in everything.stderr
    assert everything.returncode == 0 and "critical path" in everything.stdout


def test_compare_runs_of_other_tests(project):
    """A test that only one run has is a difference; one that was flaky is none."""
    project.write("pytest.ini", "[pytest]\ntestpaths = a\n")
    project.write("pytest-parallel.ini", "[pytest]\ntestpaths = a b\naddopts = --reruns 1\n")
    project.write(
        "a/test_a.py",
        "import os, pathlib\ndef test_a():\n"
        "    once = pathlib.Path(__file__ + os.environ['FQCN_TEST_MODE'])\n"
        "    again = once.exists() or 'sequential' in once.name\n    once.touch()\n"
        "    assert again\n",
    )
    project.write("b/test_b.py", "def test_b(): pass\n")
    done = project.rowlock("performance", "--compare", "-m", "", "-n", "2", "--json")
    assert done.returncode == 1 and "1 flaky" in done.stderr, done
    assert json.loads(done.stdout)["differences"] == [
        {"id": "b/test_b.py::test_b", "sequential": "not there", "parallel": "passed"}
    ]


def test_interrupted(project):
    """Ctrl-C ends the run that is on its way, and the comparison with it."""
    project.write(
        "test_a.py",
        "import pathlib, time\n"
        "def test_a():\n    pathlib.Path('runs').touch()\n    time.sleep(300)\n",
    )
    child = project.start("performance", "--compare")
    assert wait_until(project.path("runs").exists)
    os.killpg(child.pid, signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 2, (out, err)
    assert "the sequential run ended with exit code 2" in err
    assert wait_until(lambda: not list(project.temp.glob("rl-*")))
    assert project.processes() == []


def test_sequential(project):
    """One process, worker master, the order and verdicts of plain pytest."""
    project.write(
        "test_b.py",
        "import os, pytest\nSEEN = []\n"
        "GIVEN = os.environ.get\n"
        "@pytest.mark.serial\ndef test_z():\n    SEEN.append(os.getpid())\n"
        "    assert GIVEN('FQCN_TEST_WORKER_ID', 'master') == 'master'\n"
        "    assert 'PYTEST_XDIST_WORKER' not in os.environ\n"
        "class TestA:\n    def test_b(self): assert SEEN == [os.getpid()]\n"
        "    def test_a(self): assert GIVEN('FQCN_TEST_MODE', 'sequential') == 'sequential'\n"
        "@pytest.mark.xfail\ndef test_x(): assert 0\ndef test_f(): assert 0\n",
    )
    done = project.rowlock("sequential", "--report-json", "report.json")
    plain = project.pytest_plain()
    assert done.returncode == plain.returncode == 1
    tests = project.report()["tests"]
    ran = sorted(tests, key=lambda t: t["start"])
    names = [t["id"].split("::", 1)[1] for t in ran]
    assert names == ["test_z", "TestA::test_b", "TestA::test_a", "test_x", "test_f"]
    assert {t["worker"] for t in tests} == {"master"}
    assert project.outcomes() == plain.outcomes
