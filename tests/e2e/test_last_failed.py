"""--lf, --ff and --nf where there are native tests, alone and beside pytest's."""

import pytest

pytestmark = pytest.mark.slow  # each case runs whole programs, more than once

FAIL, PASS, NO_TESTS, USAGE = 1, 0, 5, 4
HEAD = "run-last-failure: "


def run(project, *options):
    """The outcomes of a run, with its exit code and what --lf says in its heading."""
    project.path("order").unlink(missing_ok=True)
    project.path("report.json").unlink(missing_ok=True)
    done = project.rowlock(*options, "--report-json", "report.json")
    said = [line[len(HEAD) :] for line in done.stdout.splitlines() if line.startswith(HEAD)]
    outcomes = project.outcomes() if project.path("report.json").exists() else {}
    return done, outcomes, said


def native(name, body="true"):
    return {"id": name, "command": ["sh", "-c", f"echo {name} >> order; {body}"]}


def order(project):
    return project.path("order").read_text().split()


@pytest.fixture
def mixed(project):
    """Two native tests and two of pytest's, of which one each fails until its file is there."""
    project.manifest(
        native("n/good"),
        native("n/bad", "test -e native-ok"),
        suites=[{"name": "py", "format": "pytest", "paths": ["test_p.py"]}],
    )
    project.write(
        "test_p.py",
        "import os\n"
        "def note(name):\n"
        "    with open('order', 'a') as f: f.write(name + '\\n')\n"
        "def test_good(): note('good')\n"
        "def test_bad():\n"
        "    note('bad')\n"
        "    assert os.path.exists('pytest-ok')\n",
    )
    return project


@pytest.mark.parametrize("command", [["parallel", "-n", "2"], ["sequential"]], ids=lambda c: c[0])
def test_mixed(mixed, command):
    """Each step is a run whose failures the next one is to remember, whatever their format."""
    both = {"n/bad": "failed", "test_p.py::test_bad": "failed"}
    done, outcomes, said = run(mixed, *command, "--lf")
    assert (len(outcomes), said) == (4, ["no previously failed tests, not deselecting items."])
    done, outcomes, said = run(mixed, *command, "--lf")
    assert (outcomes, said) == (both, ["rerun previous 2 failures"])
    assert "2 failed, 2 deselected" in done.stdout

    # What a selection leaves out stays failed; if nothing of it failed, all of it runs.
    done, outcomes, said = run(mixed, *command, "--lf", "-k", "good")
    assert (done.returncode, len(outcomes)) == (PASS, 2)
    assert said == ["2 known failures not in selected tests"]

    mixed.write("pytest-ok", "")
    assert run(mixed, *command, "--lf")[1] == {**both, "test_p.py::test_bad": "passed"}
    done, outcomes, said = run(mixed, *command, "--lf", "--lfnf=none")
    assert (outcomes, said) == ({"n/bad": "failed"}, ["rerun previous 1 failure"])
    done, outcomes, said = run(mixed, *command, "--lf")  # pytest by itself would run all
    assert (outcomes, said) == ({"n/bad": "failed"}, ["rerun previous 1 failure"])
    assert "1 failed, 3 deselected" in done.stdout
    listed = mixed.rowlock("list", "--last-failed")
    assert (listed.stdout, listed.stderr) == ("n/bad\n", "")

    mixed.path("pytest-ok").unlink()
    assert len(run(mixed, *command)[1]) == 4
    mixed.write("native-ok", "")
    assert run(mixed, *command, "--lf", "n")[1] == {"n/bad": "passed"}
    assert run(mixed, *command, "--lf")[1] == {"test_p.py::test_bad": "failed"}
    mixed.write("pytest-ok", "")
    assert run(mixed, *command, "--lf")[0].returncode == PASS
    done, outcomes, said = run(mixed, *command, "--lf", "--lfnf=none")
    assert (done.returncode, outcomes) == (NO_TESTS, {})
    assert "no previously failed tests, deselecting all items." in done.stderr
    assert len(run(mixed, *command, "--lf")[1]) == 4


@pytest.mark.parametrize("command", [["parallel", "-n", "1"], ["sequential"]], ids=lambda c: c[0])
def test_mixed_order(mixed, command):
    """Groups with failures first, then those without; -x stops at the first of them."""
    run(mixed, *command)
    done, _, said = run(mixed, *command, "--ff")
    assert sorted(order(mixed)[:2]) == ["bad", "n/bad"]
    assert said == ["rerun previous 2 failures first"]
    done, _, _ = run(mixed, *command, "--failed-first", "-x")
    assert order(mixed) == ["n/bad"]
    mixed.write("native-ok", "")
    run(mixed, *command, "--lf")
    run(mixed, *command, "--ff", "-x")
    assert order(mixed) == ["bad"]


def test_native_alone(project):
    """Without a test of pytest's the same words hold; pytest is not even looked for."""
    tests = [native("a"), native("b", "false"), native("c", "sleep 0.01; exit 77")]
    project.manifest(*tests)
    options = ["-n", "1", "--python", "/nonexistent"]
    assert run(project, *options)[1] == {"a": "passed", "b": "failed", "c": "skipped"}
    assert run(project, *options, "--lf")[1] == {"b": "failed"}
    project.manifest(*tests, native("new"))
    run(project, *options, "--nf")
    assert order(project) == ["new", "a", "b", "c"]
    run(project, *options, "--new-first", "--ff")
    assert order(project) == ["b", "a", "c", "new"]
    # A change of the time that a test takes changes nothing of this order.
    run(project, *options)
    assert order(project)[0] == "c"
    done = project.rowlock("--lf", "--lfnf=some")
    assert done.returncode == USAGE
    assert "--lfnf: 'some' is not accepted; give all or none" in done.stderr
    done = project.rowlock(*options, "--sw")
    assert done.returncode == USAGE
    assert "--sw is for pytest" in done.stderr


def test_a_long_group_starts_behind_one_with_a_failure(project):
    """Without durations the group of most tests would come first."""
    note = "    with open('order', 'a') as f: f.write(request.node.name + '\\n')\n"
    project.write(
        "test_a.py", "".join(f"def test_a{i}(request):\n{note}" for i in range(9)) + "\n"
    )
    project.write("test_b.py", f"def test_b(request):\n{note}    assert 0\n")
    assert run(project, "parallel", "-n", "1")[0].returncode == FAIL
    run(project, "parallel", "-n", "1", "--ff")
    assert order(project)[:2] == ["test_b", "test_a0"]
    done = project.rowlock("parallel", "-n", "1", "--sw")
    assert "--stepwise" not in done.stderr
    project.manifest(native("n"), suites=[{"name": "p", "format": "pytest", "paths": ["."]}])
    done = project.rowlock("parallel", "-n", "1", "--sw")
    assert "--stepwise is for pytest tests; the 1 native tests all run" in done.stderr
