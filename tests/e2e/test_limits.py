"""Limits: of the run as a whole, of tests that have a marker, and of memory."""

import re

PASS, FAIL = 0, 1


def sh(test_id, script, **more):
    return dict({"id": test_id, "command": ["sh", "-c", script]}, **more)


def test_the_run_has_a_limit(project, wait_until):
    """Stubborn tests and what has left their sessions are killed; the rest does not run."""
    project.write("pytest.ini", "[pytest]\n[rowlock]\nrun_timeout = 3\ngrace = 0.1\n")
    stay = "trap '' TERM; setsid sleep 3333 & echo started; while :; do sleep 0.1; done"
    project.manifest(
        sh("quick", "true"),
        sh("stay0", stay, depends=["quick"]),
        sh("stay1", "exec sleep 3333", depends=["quick"]),
        sh("late", "true", depends=["stay0"]),
    )
    done = project.rowlock("parallel", "-n", "2", "--report-json", "report.json")
    assert done.returncode == FAIL, done
    assert project.outcomes() == {
        "quick": "passed",
        "stay0": "timeout",
        "stay1": "timeout",
    }
    assert project.report()["summary"]["not_run"] == 1
    assert "TIMEOUT stay0 - stopped when the run's time limit of 3 s was over" in done.stdout
    assert "!! the run's time limit of 3 s was over !!" in done.stdout
    assert "!! the run's time limit of 3 s was over !!" in project.rowlock("report").stdout
    assert wait_until(lambda: project.processes() == [])
    # The command line has the last word.
    project.manifest(sh("quick", "sleep 0.2"))
    assert project.rowlock("parallel", "--run-timeout", "0").returncode == PASS


def test_the_limit_of_the_run_holds_for_the_collection(project, wait_until):
    project.write("conftest.py", "import time\ntime.sleep(3333)\n")
    project.write("test_a.py", "def test_a(): pass\n")
    done = project.rowlock("parallel", "-n", "2", "--run-timeout", "0.5")
    assert done.returncode == FAIL, done
    assert "the run's time limit of 0.5 s was over while pytest collected" in done.stderr
    assert wait_until(lambda: project.processes() == [])


def test_limits_of_markers(project):
    """A test's own limit goes first, then the first marker that fits, then the run's own."""
    project.write(
        "pytest.ini",
        "[pytest]\ntimeout = 3333\nmarkers =\n    unit\n    slow\n"
        "[rowlock]\ntimeouts = unit: 0.3, slow: 3333\n    slwo: 5\n",
    )
    project.write(
        "test_a.py",
        "import pytest, time\n"
        "@pytest.mark.unit\n@pytest.mark.slow\n"
        "def test_unit(): time.sleep(3333)\n"
        "@pytest.mark.unit\n@pytest.mark.timeout(3333)\n"
        "def test_own(): time.sleep(0.5)\n"
        "@pytest.mark.slow\n"
        "def test_slow(): time.sleep(0.5)\n",
    )
    project.manifest(
        sh("native", "exec sleep 3333", markers=["unit"]),
        sh("native-own", "sleep 0.5", markers=["unit"], timeout=3333),
        suites=[{"name": "py", "format": "pytest", "paths": ["test_a.py"]}],
    )
    done = project.rowlock("parallel", "-n", "4", "--report-json", "report.json")
    assert done.returncode == FAIL, done
    assert project.outcomes() == {
        "native": "timeout",
        "native-own": "passed",
        "test_a.py::test_unit": "timeout",
        "test_a.py::test_own": "passed",
        "test_a.py::test_slow": "passed",
    }
    assert "timeouts: no test has the marker 'slwo'; did you mean slow?" in done.stderr


def test_a_slow_test_is_named_while_it_runs(project):
    project.write("pytest.ini", "[pytest]\n[rowlock]\nslow_warning = 0.1\n")
    project.manifest(sh("slow", "until test -e seen; do sleep 0.05; done"), sh("quick", "true"))
    child = project.start("parallel", "-n", "2")
    lines = []
    for line in child.stdout:
        lines.append(line)
        if re.fullmatch(r"still running after [^:]+: slow \[gw[01]\]\n", line):
            project.write("seen", "")
    assert child.wait() == PASS, lines
    assert project.path("seen").exists() and not any(": quick" in line for line in lines)
    done = project.rowlock("parallel", "-n", "2", "--slow-warning", "0")
    assert "still running" not in done.stdout


def test_want_of_memory_leaves_one_test_at_a_time(project):
    """A floor that no machine keeps: all tests run, none beside another, and it is said why."""
    project.write("pytest.ini", "[pytest]\n[rowlock]\nmemory_floor = 99%\n")
    project.write(
        "test_a.py",
        "import os, time\n"
        "def test_a():\n"
        "    os.mkdir('alone')\n    time.sleep(0.2)\n    os.rmdir('alone')\n",
    )
    project.write("test_b.py", project.path("test_a.py").read_text())
    alone = "mkdir alone && sleep 0.2 && rmdir alone"
    project.manifest(
        *[sh(f"n{i}", alone) for i in range(3)],
        suites=[{"name": "py", "format": "pytest", "paths": ["test_a.py", "test_b.py"]}],
    )
    done = project.rowlock("parallel", "-n", "3")
    assert done.returncode == PASS, done
    assert "5 passed" in done.stdout and " for memory: " in done.stdout
    done = project.rowlock("parallel", "-n", "1", "--memory-floor", "0")
    assert done.returncode == PASS and " for memory" not in done.stdout, done
    done = project.rowlock("parallel", "--memory-floor", "much")
    assert "--memory-floor: 'much' is not accepted; give a share of all memory" in done.stderr
