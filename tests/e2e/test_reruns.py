"""--reruns: tests that fail run again, and one that passes then is flaky, whatever its format."""

import importlib.util
import json
import os
import pathlib
import xml.etree.ElementTree as ET

import pytest

SOURCE = pathlib.Path(os.environ.get("ROWLOCK_SRCDIR", pathlib.Path(__file__).parents[2]))
PLUGIN = SOURCE / ".tools" / "rerunfailures"

pytestmark = pytest.mark.slow  # each case runs whole programs, more than once

ONCE = 'if test -e {0}; then exit 0; fi; touch {0}; echo "first time of {0}"; '


def once(test_id, how="exit 3", **more):
    """Fails the first time only."""
    return dict({"id": test_id, "command": ["sh", "-c", ONCE.format(test_id) + how]}, **more)


def by_id(project):
    return {t["id"]: t for t in project.report()["tests"]}


def run(project, *args):
    return project.rowlock("parallel", "-n", "2", "--report-json", "report.json", *args)


def test_native_by_id_all_kinds(project):
    project.manifest(
        once("fails"),
        once("crashes", "kill -SEGV $$"),
        once("hangs", "sleep 60", timeout=0.3),
        once("says-none", reruns=0),
        once("marked", markers=["flaky"]),
        {"id": "never", "command": ["sh", "-c", "echo again >>never; exit 1"], "reruns": 3},
        {"id": "good", "command": ["true"]},
        {"id": "after", "command": ["true"], "depends": ["fails"]},
    )
    done = run(project, "--reruns", "1", "--junitxml", "junit.xml")
    tests = by_id(project)
    assert {name: t["outcome"] for name, t in tests.items()} == {
        "fails": "flaky",
        "crashes": "flaky",
        "hangs": "flaky",
        "says-none": "failed",
        "marked": "flaky",
        "never": "failed",
        "good": "passed",
        "after": "passed",
    }
    assert done.returncode == 1
    assert [t["attempts"] for t in tests.values()] == [2, 2, 2, 1, 2, 4, 1, 1]
    assert [t["outcome"] for t in tests["hangs"]["failed_attempts"]] == ["timeout"]
    first = tests["fails"]["failed_attempts"][0]
    assert (first["outcome"], first["message"]) == ("failed", "exit status 3")
    assert first["stdout"] == "first time of fails\n"
    assert project.path("never").read_text().count("again") == 4
    summary = project.report()["summary"]
    assert (summary["flaky"], summary["failed"], summary["total"]) == (4, 2, 8)
    assert "] RERUN never" in done.stdout and "attempt 3: failed after" in done.stdout
    assert "FLAKY crashes - " in done.stdout
    assert "2 failed, 2 passed, 4 flaky, 7 rerun in" in done.stdout

    cases = {c.get("name"): c for c in ET.parse(project.path("junit.xml")).iter("testcase")}
    flaky = cases["fails"].find("flakyFailure")
    assert (
        flaky.get("message") == "exit status 3" and "exit status 3" in flaky.find("stackTrace").text
    )
    assert flaky.find("system-out").text == "first time of fails\n"
    assert cases["crashes"].find("flakyError").get("type") == "crashed"
    assert cases["fails"].find("failure") is None
    assert len(cases["never"].findall("failure")) == 1
    assert len(cases["never"].findall("rerunFailure")) == 3

    # The last run once more says the same.
    again = project.rowlock("report")
    assert again.returncode == 1
    assert "2 failed, 2 passed, 4 flaky, 7 rerun in" in again.stdout


def test_exit_codes_and_maxfail(project):
    project.manifest(
        once("a"), once("b"), *[{"id": f"t{i}", "command": ["true"]} for i in range(8)]
    )
    done = project.rowlock("sequential", "-x", "--reruns=1", "--reruns-delay", "0.05")
    assert done.returncode == 0
    assert "8 passed, 2 flaky, 2 rerun" in done.stdout
    for name in "ab":
        project.path(name).unlink()
    done = project.rowlock("sequential", "-x", "--reruns=1", "--fail-on-flaky")
    assert done.returncode == 1
    assert "8 passed, 2 flaky" in done.stdout
    assert project.rowlock("report").returncode == 1


def test_without_the_driver(project):
    project.manifest(once("a"), once("b", "kill -KILL $PPID; sleep 9"))
    assert project.rowlock("generate", "--reruns", "2").returncode == 0
    done = project.make("-f", ".rowlock/tests.mk", "-j2")
    assert done.returncode == 0, done
    assert "RERUN a (gw" in done.stdout and "FLAKY a (gw" in done.stdout
    assert "FLAKY b (gw" in done.stdout
    assert "2 flaky" in done.stdout


@pytest.mark.parametrize(
    "words, where",
    [
        (["--reruns", "many"], "--reruns"),
        (["--reruns", "201"], "a number from 0 to 200"),
        (["--reruns-delay", "-1"], "--reruns-delay"),
        (["--fail-on-flaky=yes"], "takes no value"),
    ],
)
def test_bad_values(project, words, where):
    project.manifest(once("a"))
    done = project.rowlock("parallel", *words)
    assert done.returncode == 4
    assert where in done.stderr and len(done.stderr.splitlines()) == 1


def test_bad_keys(project):
    project.manifest(once("a", reruns=1.5))
    done = project.rowlock("parallel")
    assert done.returncode == 4
    assert '"reruns" must be a whole number from 0 to 200' in done.stderr
    project.manifest(once("a", markers=["flaky(reruns=2)"]))
    assert 'write "reruns": N' in project.rowlock("parallel").stderr
    project.manifest(once("a"))
    project.write("pytest.ini", "[pytest]\n[rowlock]\nreruns = often\n")
    assert "pytest.ini:3:10: reruns: 'often' is not accepted" in project.rowlock("parallel").stderr


SUITE = '''
import os, time
import pytest

def first(name):
    """Whether this is the first call for the name, in whatever process."""
    path = os.path.join(os.path.dirname(__file__), "seen-" + name)
    with open(path, "a") as f:
        f.write("x")
    return os.path.getsize(path) == 1

@pytest.fixture(scope="module")
def wide():
    print("wide up")
    yield first("wide")

@pytest.fixture(scope="module")
def broken_once():
    if first("broken_once"):
        raise OSError("not yet")
    return 1

@pytest.fixture
def narrow():
    first("narrow-up")
    yield
    first("narrow-down")

def test_call(wide, narrow):
    assert wide
    assert not first("call"), "the first time"

def test_setup(broken_once):
    assert broken_once == 1

@pytest.fixture
def bad_end():
    yield
    assert not first("bad_end")

def test_teardown(bad_end):
    pass

def test_crash():
    if first("crash"):
        os._exit(9)

@pytest.mark.timeout(1)
def test_hang():
    if first("hang"):
        time.sleep(60)

@pytest.mark.flaky(reruns=3)
def test_never():
    first("never")
    assert 0

@pytest.mark.flaky(reruns=0)
def test_not_at_all():
    assert not first("not_at_all")

@pytest.mark.flaky(reruns=2, only_rerun="OSError")
def test_only_some():
    first("only")
    assert 0

@pytest.mark.xfail
def test_expected():
    first("expected")
    assert 0

@pytest.mark.skip(reason="no")
def test_skipped():
    pass

def test_good(wide):
    pass
'''

EXPECTED = {
    "test_call": ("flaky", 2),
    "test_setup": ("flaky", 2),
    "test_teardown": ("flaky", 2),
    "test_crash": ("flaky", 2),
    "test_hang": ("flaky", 2),
    "test_never": ("failed", 4),
    "test_not_at_all": ("failed", 1),
    "test_only_some": ("failed", 1),
    "test_expected": ("xfailed", 1),
    "test_skipped": ("skipped", 1),
}


def check_suite(project, done, good):
    tests = {name.split("::")[-1]: t for name, t in by_id(project).items()}
    seen = {name: (t["outcome"], t["attempts"]) for name, t in tests.items()}
    assert seen == dict(EXPECTED, test_good=(good, 1 if good == "passed" else 2)), done
    assert done.returncode == 1
    assert len(project.path("seen-never").read_text()) == 4
    assert len(project.path("seen-expected").read_text()) == 1
    assert len(project.path("seen-narrow-up").read_text()) == 2
    assert len(project.path("seen-narrow-down").read_text()) == 2
    attempt = tests["test_call"]["failed_attempts"][0]
    assert attempt["outcome"] == "failed" and "the first time" in attempt["message"]
    assert "test_rerun.py:" in attempt["location"] and "first(" in attempt["detail"]
    assert tests["test_setup"]["failed_attempts"][0]["outcome"] == "error"
    assert tests["test_crash"]["failed_attempts"][0]["outcome"] == "crashed"
    assert tests["test_hang"]["failed_attempts"][0]["outcome"] == "timeout"
    return tests


@pytest.mark.parametrize("more", [[], ["--dist", "load"], ["--worker-start", "spawn"]])
def test_a_pytest_suite(project, more):
    project.write("test_rerun.py", SUITE)
    check_suite(project, run(project, "--reruns", "1", *more), "passed")


def test_under_forked_and_in_sequence(project):
    project.write("test_rerun.py", SUITE.replace("assert wide\n", "pass\n"))
    check_suite(project, run(project, "--reruns", "1", "--forked"), "passed")
    other = project.other()
    other.write("test_rerun.py", SUITE.replace("assert wide\n", "pass\n"))
    done = other.rowlock("sequential", "--reruns", "1", "--report-json", "report.json")
    check_suite(other, done, "passed")


def test_only_flaky_tests_end_well(project):
    """pytest's own session, its cache and the hooks of plugins agree."""
    project.write(
        "test_rerun.py",
        SUITE.split("@pytest.mark.flaky(reruns=3)")[0].replace("assert wide\n", "pass\n"),
    )
    project.write(
        "conftest.py",
        """
import os
def pytest_runtest_logreport(report):
    if "PYTEST_XDIST_WORKER" not in os.environ and report.outcome != "passed":
        with open("heard", "a") as f:
            f.write(f"{report.nodeid.split('::')[1]} {report.when} {report.outcome}\\n")
def pytest_sessionfinish(session, exitstatus):
    if "PYTEST_XDIST_WORKER" not in os.environ:
        with open("heard", "a") as f:
            f.write(f"exit {int(exitstatus)} {session.testsfailed}\\n")
""",
    )
    done = run(project, "--reruns", "1")
    assert done.returncode == 0, done
    assert "5 flaky, 5 rerun in" in done.stdout
    heard = project.path("heard").read_text().splitlines()
    assert heard[-1] == "exit 0 0"
    assert sorted(heard[:-1]) == [
        "test_call call rerun",
        "test_crash ??? rerun",
        "test_hang ??? rerun",
        "test_setup setup rerun",
        "test_teardown teardown rerun",
    ]
    cache = project.path(".pytest_cache/v/cache/lastfailed")
    assert not cache.exists() or json.loads(cache.read_text()) == {}
    for path in project.root.glob("seen-*"):
        path.unlink()
    assert run(project, "--reruns", "1", "--fail-on-flaky").returncode == 1


def test_reruns_in_the_ini(project):
    project.write("test_rerun.py", SUITE.replace("assert wide\n", "pass\n"))
    project.write("pytest.ini", "[pytest]\naddopts = --reruns 1 -n 2\n")
    done = project.rowlock("--report-json", "report.json")
    check_suite(project, done, "passed")


@pytest.mark.skipif(
    not (PLUGIN.is_dir() or importlib.util.find_spec("pytest_rerunfailures")),
    reason="no pytest-rerunfailures (./bootstrap --ci puts it into .tools)",
)
def test_beside_pytest_rerunfailures(project):
    """That plugin runs failures again, Rowlock what it cannot; neither does so twice."""
    project.env["PYTHONPATH"] = str(PLUGIN)
    project.write("test_rerun.py", SUITE.replace("assert wide\n", "pass\n"))
    tests = check_suite(project, run(project, "--reruns", "1"), "passed")
    assert len(tests["test_never"]["failed_attempts"]) == 3
