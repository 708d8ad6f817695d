"""What pytest remembers from one run to the next, and where a run stops: as with plain pytest,
with and without workers."""

from compare import run, same

import pytest

pytestmark = pytest.mark.slow  # each case runs whole sessions, more than once

PASS, FAIL, INTERRUPTED, NO_TESTS = 0, 1, 2, 5

FLAKY = """
import pathlib, pytest
@pytest.mark.parametrize("i", range(8))
def test_some(i):
    assert i not in (2, 5) or pathlib.Path("repaired").exists()
"""


def ids(*numbers):
    return {f"test_some.py::test_some[{i}]" for i in numbers}


@pytest.mark.parametrize("option", ["--lf", "--last-failed"])
def test_last_failed(project, option):
    project.write("test_some.py", FLAKY)
    project.write("test_other.py", "def test_other(): pass\n")
    assert run(project, "-n", "2").returncode == FAIL
    done = run(project, "-n", "2", option)
    assert done.returncode == FAIL
    assert done.outcomes == dict.fromkeys(ids(2, 5), "failed")
    # Plain pytest goes on with what rowlock has left, and the other way round.
    assert set(project.pytest_plain(option).outcomes) == ids(2, 5)
    project.write("repaired", "")
    assert project.pytest_plain(f"{option}", "-k", "2").returncode == PASS
    done = run(project, option, "-n", "2")
    assert (done.returncode, set(done.outcomes)) == (PASS, ids(5))
    assert run(project, "-n", "2", option, "--lfnf=none").returncode == NO_TESTS
    assert len(run(project, "-n", "2", option).outcomes) == 9


@pytest.mark.parametrize("workers", ["0", "1"])
def test_failed_first(project, workers):
    """With one worker the order is pytest's; with several ones, what starts first."""
    project.write(
        "test_some.py",
        FLAKY.replace("    assert", "    open('order', 'a').write(f'{i} ')\n    assert"),
    )
    project.pytest_plain()
    for options in (["--ff"], ["--failed-first", "-x"]):
        project.path("order").unlink()
        done = run(project, *options, "-n", workers)
        assert done.returncode == FAIL
        order = project.path("order").read_text().split()
        project.path("order").unlink()
        project.pytest_plain(*options)
        assert order == project.path("order").read_text().split()


def test_new_first(project):
    project.write("test_b.py", "def test_b(): open('order', 'a').write('b')\n")
    project.pytest_plain()
    project.write("test_c.py", "def test_c(): open('order', 'a').write('c')\n")
    project.path("order").unlink()
    assert run(project, "--nf", "-n", "1").returncode == PASS
    assert project.path("order").read_text() == "cb"


@pytest.mark.parametrize("workers", ["0", "1", "2"])
def test_stepwise(project, workers):
    project.write("test_some.py", FLAKY)
    options = ["--sw", "-n", workers]
    first = run(project, *options)
    assert first.returncode == INTERRUPTED, first
    project.write("repaired", "")
    second = run(project, *options)
    assert second.returncode == PASS, second
    failed = {name for name, outcome in first.outcomes.items() if outcome == "failed"}
    assert failed <= ids(2, 5) and failed
    if workers != "2":
        assert failed == ids(2)
        assert set(second.outcomes) == ids(2, 3, 4, 5, 6, 7)


@pytest.mark.parametrize("workers", ["0", "2"])
def test_stepwise_skip(project, workers):
    project.write("test_some.py", FLAKY)
    done = run(project, "--sw-skip", "-n", workers)
    assert done.returncode == INTERRUPTED, done
    failed = [name for name, outcome in done.outcomes.items() if outcome == "failed"]
    assert set(failed) == ids(2, 5)


@pytest.mark.parametrize("option", ["-x", "--exitfirst", "--maxfail=1", "--maxfail 2"])
@pytest.mark.parametrize("workers", ["0", "1"])
def test_stop_at_failures(project, option, workers):
    """pytest-xdist exits with 2 here; pytest, and rowlock, with 1."""
    project.write("test_some.py", FLAKY)
    plain = project.pytest_plain(*option.split())
    done = run(project, *option.split(), "-n", workers)
    assert done.returncode == plain.returncode == FAIL
    ended = {name: outcome for name, outcome in done.outcomes.items() if outcome != "not run"}
    assert ended == plain.outcomes


# All but the first end once its failure stands in the state of the run, for all workers to see.
STOPPED = """
import glob, pytest, struct, time

def count_failures():
    (path,) = glob.glob(".rowlock/runs/*/state")
    with open(path, "rb") as state:
        return struct.unpack_from("=I", state.read(24), 20)[0]

@pytest.mark.parametrize("i", range(40))
def test_some(i):
    open(f"started-{i}", "w").close()
    assert i != 0
    end = time.monotonic() + 100
    while not count_failures() and time.monotonic() < end:
        time.sleep(0.01)
"""


def test_no_test_starts_behind_the_first_failure(project):
    project.write("test_some.py", STOPPED)
    done = run(project, "-x", "-n", "2", "--dist", "load")
    assert done.returncode == FAIL
    started = {path.name for path in project.root.glob("started-*")}
    assert "started-0" in started and len(started) <= 2


def test_errors_of_collection_stop_early(project):
    project.write("test_a.py", "import nothing_of_this_name\n")
    project.write("test_b.py", "import nothing_of_this_name\n")
    project.write("test_c.py", "def test_c(): pass\n")
    for options in ([], ["-x"], ["--maxfail=2"], ["--continue-on-collection-errors"]):
        done = same(project, *options, more=["-n", "2"])
        assert done.returncode in (1, 2)
        assert "continue" in str(options) or "nothing_of_this_name" in done.stdout


@pytest.mark.parametrize(
    "body, code",
    [
        ("def test_a():\n    pytest.exit('enough', 7)\n", 7),
        ("def test_a():\n    pytest.exit('enough')\n", 2),
        ("def test_a():\n    raise KeyboardInterrupt\n", 2),
        ("def test_a(request):\n    request.session.shouldstop = 'enough'\n", 2),
        ("def test_a(request):\n    request.session.shouldfail = 'enough'\n", 1),
    ],
    ids=["exit-7", "exit", "interrupt", "shouldstop", "shouldfail"],
)
def test_exit_code_of_what_ends_a_session(project, body, code):
    project.write("test_a.py", "import pytest\n" + body + "def test_b(): pass\n")
    assert project.pytest_plain().returncode == code
    assert [run(project, "-n", n).returncode for n in ("0", "2")] == [code, code]


def test_exit_code_of_a_plugin(project):
    project.write("conftest.py", "def pytest_sessionfinish(session): session.exitstatus = 42\n")
    project.write("test_a.py", "def test_a(): pass\n")
    assert project.pytest_plain().returncode == 42
    assert [run(project, "-n", n).returncode for n in ("0", "2")] == [42, 42]
