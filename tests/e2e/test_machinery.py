"""Failures of the machinery: whatever a test does to its process, it gets the right verdict,
all others run, nothing is reported twice and nothing stays behind."""

import support
from machinery import CASES

import pytest

pytestmark = pytest.mark.slow  # each case runs whole programs, more than once

INI = "[pytest]\naddopts = -p no:cacheprovider\n[rowlock]\ngrace = 2\n"


def folders(project):
    """What is left in the temporary folder; pytest keeps some of its own there."""
    names = sorted(p.name for p in project.temp.iterdir())
    return [name for name in names if not name.startswith("pytest-of-")]


class Run:
    """All cases in one run; what came of it."""

    def __init__(self, project, *args):
        for name, case in CASES.items():
            project.write(f"test_{name.replace('-', '_')}.py", case.text())
        project.write("pytest.ini", INI)
        self.done = project.rowlock(
            "parallel",
            "--dist",
            "loadfile",
            "--report-json",
            "report.json",
            *args,
            env={"RUN_MARK": project.mark},
            timeout=600,
        )
        self.left = support.wait_until(lambda: not support.processes_with(project.mark))
        self.folders = folders(project)
        self.report = project.report()

    def of(self, name):
        """{name of the test: its entries in the report} of a case."""
        found = {}
        for test in self.report["tests"]:
            file, _, rest = test["id"].partition("::")
            if file == f"test_{name.replace('-', '_')}.py":
                found.setdefault(rest.split("::")[-1], []).append(test)
        return found


@pytest.fixture(scope="module", params=["workers", "forked"])
def run(request, program, tmp_path_factory):
    project = support.Project(tmp_path_factory.mktemp("machinery") / "project", program)
    # Most of what hangs sleeps: more workers than processors save time.
    args = ["-n", "4"] + (["--forked"] if request.param == "forked" else [])
    try:
        run = Run(project, *args)
        run.forked = request.param == "forked"
        yield run
    finally:
        project.close()


@pytest.mark.parametrize("name", CASES)
def test_case(run, name):
    case = CASES[name]
    found = run.of(name)
    assert all(len(entries) == 1 for entries in found.values()), "each test is reported once"
    tests = {test: entries[0] for test, entries in found.items()}
    expected = case.outcomes(run.forked)
    assert set(tests) == set(expected), run.done
    for test, outcome in expected.items():
        allowed = outcome if isinstance(outcome, tuple) else (outcome,)
        assert tests[test]["outcome"] in allowed, (test, tests[test])
        assert tests[test]["attempts"] == 1
    for key, words in case.words.items():
        for word in [words] if isinstance(words, str) else words:
            assert word in (tests["test_it"].get(key) or ""), (key, tests["test_it"])
    left = [line.split()[1] for line in tests["test_it"].get("leftovers", [])]
    assert left == ([case.leftover] if case.leftover else [])


def test_the_run_itself(run):
    assert run.done.returncode == 1, run.done
    assert run.report["summary"]["not_run"] == 0
    assert run.left, "no process stays behind"
    assert run.folders == [], "no temporary folder stays behind"
    flood = run.of("floods-stdout")["test_it"][0]
    assert flood["peak_memory"] < 400 << 20
    assert len(flood["stdout"]) < 2 << 20


def nothing_stays(project):
    assert support.wait_until(lambda: not support.processes_with(project.mark))
    return folders(project) == []


def start_run(project, *args):
    command = ["parallel", "-n", "2", "--report-json", "report.json", *args]
    return project.rowlock(*command, env={"RUN_MARK": project.mark})


THREE = """
import os, signal, time
def test_before(): pass
def test_it(): {}
def test_after(): pass
"""


KILLED = {
    "parallel": ("parallel", "-n", "2"),
    "spawn": ("parallel", "-n", "2", "--worker-start", "spawn"),
    "sequential": ("sequential",),
}


@pytest.mark.parametrize("how", KILLED.values(), ids=KILLED)
def test_a_test_that_kills_the_zygote(project, how):
    """A new one runs the rest. What another worker was running then has crashed with it."""
    killer = THREE.format("os.kill(os.getppid(), signal.SIGKILL), time.sleep(3333)")
    project.write("test_a.py", killer)
    project.write("test_b.py", THREE.format("pass"))
    project.write("test_c.py", killer)
    more = ["--report-json", "report.json"]
    done = project.rowlock(*how, *more, env={"RUN_MARK": project.mark})
    assert done.returncode == 1, done
    assert nothing_stays(project)
    outcomes = project.outcomes()
    assert len(outcomes) == 9 and len(project.report()["tests"]) == 9
    for name in "ac":
        assert outcomes[f"test_{name}.py::test_it"] == "crashed"
    assert list(outcomes.values()).count("crashed") <= 4
    assert "was the pytest process above all workers killed" in done.stdout
    assert "a new one ran" in done.stdout


def test_a_test_that_kills_its_worker_under_forked(project):
    project.write("test_a.py", THREE.format("os.kill(os.getppid(), signal.SIGKILL)"))
    done = start_run(project, "--forked")
    assert done.returncode == 1, done
    assert nothing_stays(project)
    assert list(project.outcomes().values()) == ["passed", "crashed", "passed"]


@pytest.mark.parametrize("args", [(), ("--forked",)], ids=["workers", "forked"])
def test_a_keyboard_interrupt_ends_the_run_as_it_ends_pytest(project, args):
    project.write("test_a.py", THREE.format("__import__('conftest').raise_interrupt()"))
    project.write("conftest.py", "def raise_interrupt(): raise KeyboardInterrupt\n")
    done = start_run(project, *args)
    assert nothing_stays(project)
    assert done.returncode == project.pytest_plain().returncode == 2, done
    assert project.outcomes()["test_a.py::test_it"] == "error"


WIDE = """
import os, pytest, signal, time
@pytest.fixture(scope="session")
def wide():
    yield
    {}
def test_it(wide): pass
"""


@pytest.mark.parametrize(
    ("teardown", "words"),
    [
        ("raise RuntimeError('too late')", "RuntimeError: too late"),
        ("time.sleep(3333)", "timed out after 3 s while fixtures were torn down"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "died while fixtures were torn down"),
    ],
    ids=["raises", "hangs", "dies"],
)
def test_teardown_of_the_session(project, teardown, words):
    project.write("test_a.py", WIDE.format(teardown))
    done = start_run(project, "--timeout", "3")
    assert done.returncode == 1, done
    assert nothing_stays(project)
    (test,) = project.report()["tests"]
    assert (test["outcome"], test["call_outcome"]) == ("error", "passed")
    assert words in test["message"]


def test_a_keyboard_interrupt_in_the_teardown_of_the_session(project):
    project.write("test_a.py", WIDE.format("raise KeyboardInterrupt"))
    done = start_run(project)
    assert nothing_stays(project)
    assert done.returncode == project.pytest_plain().returncode == 2, done
    assert project.outcomes() == {"test_a.py::test_it": "error"}


def test_an_exit_handler_that_hangs(project):
    project.write("pytest.ini", INI)
    project.write("test_a.py", THREE.format("__import__('atexit').register(time.sleep, 3333)"))
    done = start_run(project, "--timeout", "3")
    assert done.returncode == 0, done
    assert nothing_stays(project)
    assert list(project.outcomes().values()) == ["passed"] * 3
    assert "had done its work and was ended 3 s later" in done.stdout
    assert "in run_exit_handlers" in done.stdout


PLUGIN = """
import pytest, signal
class Settings:
    timeout, func_only = 1, False
def _get_item_settings(item):
    return Settings
@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    def ring(number, frame): pytest.fail("Timeout of the plugin")
    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 1)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
"""


def test_pytest_timeout_goes_first(project):
    """It is known by its name; this one does what the real one does by default."""
    project.write("pytest_timeout.py", PLUGIN)
    project.write("pytest.ini", "[pytest]\npythonpath = .\n[rowlock]\ngrace = 2\n")
    project.write(
        "test_a.py",
        "import ctypes, pytest, signal, time\n"
        "@pytest.mark.timeout(1)\n"
        "def test_it(): time.sleep(3333)\n"
        "@pytest.mark.timeout(1)\n"
        "def test_deaf():\n"
        "    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])\n"
        "    while True: ctypes.PyDLL(None).sleep(3333)\n",
    )
    done = start_run(project, "-p", "pytest_timeout")
    assert done.returncode == 1, done
    tests = {t["id"].split("::")[1]: t for t in project.report()["tests"]}
    assert tests["test_it"]["outcome"] == "failed"
    assert "Timeout of the plugin" in tests["test_it"]["message"]
    assert tests["test_deaf"]["outcome"] == "timeout"
    assert tests["test_deaf"]["message"].startswith("timed out after 3 s")
