"""--resume: what has ended is not run again, and both parts are reported as one."""

import os
import signal

PASS, FAIL, INTERRUPTED, USAGE = 0, 1, 2, 4
STAY = "touch up.$$; test -e repaired || exec sleep 3333"


def sh(test_id, script, **more):
    return dict({"id": test_id, "command": ["sh", "-c", f"echo {test_id} >>ran; {script}"]}, **more)


def write_native(project):
    quick = [sh(f"quick{i}", "true") for i in range(6)]
    ids = [t["id"] for t in quick]
    project.manifest(
        *quick,
        sh("fails", "echo why; exit 3", depends=ids),
        sh("stay0", STAY, depends=ids),
        sh("stay1", STAY, depends=ids),
        sh("last", "true", depends=["stay0"]),
        sh("behind", "true", depends=["fails"]),
    )


def write_mixed(project):
    """The module fixture is torn down, and fails, when its run is interrupted or ends."""
    project.write(
        "test_a.py",
        "import os, pathlib, time, pytest\n"
        "def note(name):\n"
        "    with open('ran', 'a') as f: f.write(name + '\\n')\n"
        "@pytest.mark.parametrize('i', range(4))\n"
        "def test_quick(i): note(f'py{i}')\n"
        "def test_fails():\n"
        "    note('pyfails')\n"
        "    assert 0\n"
        "def test_stays():\n"
        "    note('pystays')\n"
        "    pathlib.Path(f'up.{os.getpid()}').touch()\n"
        "    if not os.path.exists('repaired'): time.sleep(3333)\n"
        "@pytest.mark.flaky(reruns=2)\n"
        "def test_after(): note('pyafter')\n",
    )
    project.manifest(
        sh("native", "true"),
        sh("stay0", STAY, depends=["native"]),
        sh("serial", "true", markers=["serial"]),
        suites=[{"name": "py", "format": "pytest", "paths": ["test_a.py"]}],
    )


def ran(project):
    lines = project.path("ran").read_text().split()
    return {name: lines.count(name) for name in lines}


def ups(project):
    return sum(p.name.startswith("up.") for p in project.path(".").iterdir())


def begin(project, wait_until, *args):
    """Starts a run; when its two tests that stay run, everything else that can has ended."""
    child = project.start("parallel", "-n", "2", "--dist", "loadfile", *args)
    assert wait_until(lambda: ups(project) == 2), "the tests that stay start"
    return child


def resume(project, *args):
    project.write("repaired", "")
    words = ["--resume", "--report-json", "report.json", "--junitxml", "report.xml"]
    return project.rowlock("parallel", *words, *args)


def test_after_ctrl_c(project, wait_until):
    """Another number of workers, and another -k: what is new runs, what is gone is said."""
    write_mixed(project)
    child = begin(project, wait_until)
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=60)
    assert child.returncode == INTERRUPTED
    before = ran(project)
    assert "pyafter" not in before and "serial" not in before
    done = resume(project, "-n", "3")
    assert done.returncode == FAIL, done
    names = ["native", "stay0", "serial", "pyfails", "pystays", "pyafter"]
    expected = dict.fromkeys(names + [f"py{i}" for i in range(4)], 1)
    assert ran(project) == dict(expected, stay0=2, pystays=2)
    outcomes = project.outcomes()
    assert outcomes.pop("test_a.py::test_fails") == "failed"
    assert set(outcomes.values()) == {"passed"} and len(outcomes) == 9
    assert "resuming the last run: 6 of 10 tests ended there" in done.stdout
    assert "assert 0" in done.stdout, "a failure of the first part is shown in full"
    assert "1 failed, 9 passed" in done.stdout
    assert 'failures="1"' in project.path("report.xml").read_text()
    # Now it is complete: nothing runs, and the exit code is that of the run.
    done = resume(project, "-n", "2")
    assert done.returncode == FAIL, done
    assert "the last run was complete: there is nothing to resume" in done.stdout
    assert "1 failed, 9 passed" in done.stdout
    assert sum(ran(project).values()) == 12
    assert project.rowlock("report").stdout.splitlines()[-1].split(" in ")[0].endswith("9 passed")
    done = resume(project, "-n", "2", "-k", "native")
    assert done.returncode == PASS, done
    assert "not selected now, and left out of the report: 9 that ended there" in done.stdout
    assert project.outcomes() == {"native": "passed"}


def test_after_kill_9_of_the_driver(project, wait_until):
    """A failure of the first part does not count for -x, but for the exit code and for what
    depends on it."""
    write_native(project)
    child = begin(project, wait_until, "-n", "3")
    journal = project.path(".rowlock/last/journal")
    assert wait_until(lambda: b"exit status 3" in journal.read_bytes())
    child.kill()
    child.communicate(timeout=60)
    assert wait_until(lambda: project.processes() == [])
    done = resume(project, "-n", "1", "-x")
    assert done.returncode == FAIL, done
    assert {name: n for name, n in ran(project).items() if n != 1} == {"stay0": 2, "stay1": 2}
    assert project.outcomes() == dict(
        {f"quick{i}": "passed" for i in range(6)},
        fails="failed",
        stay0="passed",
        stay1="passed",
        last="passed",
        behind="skipped",
    )


def test_fixtures_are_set_up_again(project):
    """Those that a test needs which is still to run."""
    project.write(
        "CTestTestfile.cmake",
        'add_test(up "sh" "-c" "echo up >>ran")\n'
        'set_tests_properties(up PROPERTIES FIXTURES_SETUP db)\n'
        'add_test(first "sh" "-c" "echo first >>ran; exit 1")\n'
        'set_tests_properties(first PROPERTIES FIXTURES_REQUIRED db COST 9)\n'
        'add_test(second "sh" "-c" "echo second >>ran")\n'
        'set_tests_properties(second PROPERTIES FIXTURES_REQUIRED db DEPENDS first)\n'
        'add_test(other "sh" "-c" "echo other >>ran")\n'
        'set_tests_properties(other PROPERTIES COST 99)\n',
    )
    words = ["parallel", "-n", "1", "--ctest", ".", "--dist", "load"]
    assert project.rowlock(*words, "-x").returncode == FAIL
    assert set(ran(project)) == {"other", "up", "first"}
    done = project.rowlock(*words, "--resume")
    assert done.returncode == FAIL, done
    assert ran(project) == {"other": 1, "up": 2, "first": 1, "second": 1}
    assert "1 failed, 3 passed" in done.stdout


def test_what_cannot_be_resumed(project, wait_until):
    write_native(project)
    project.write("repaired", "")
    done = project.rowlock("parallel", "--resume", "-n", "2")
    assert done.returncode == FAIL, done
    assert "no earlier run is recorded here: all tests run" in done.stdout
    # A plan that power loss has cut, a journal that ends in the middle of a record.
    last = project.path(".rowlock/last")
    whole = (last / "journal").read_bytes()
    (last / "journal").write_bytes(whole[: len(whole) - 10])
    done = project.rowlock("parallel", "--resume", "-n", "2")
    assert "resuming the last run: 10 of 11 tests ended there" in done.stdout, done
    plan = last / "plan"
    os.truncate(plan, plan.stat().st_size // 2)
    done = project.rowlock("parallel", "--resume")
    assert done.returncode == USAGE, done
    assert "cannot be resumed" in done.stderr and "without --resume" in done.stderr
    # A run that still goes on.
    project.path("repaired").unlink()
    for old in project.path(".").glob("up.*"):
        old.unlink()
    child = begin(project, wait_until)
    done = project.rowlock("parallel", "--resume")
    assert done.returncode == USAGE and "still going on" in done.stderr, done
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=60)
