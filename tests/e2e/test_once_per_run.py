"""The fixture run_once in whole runs: one service for all workers, gone when the run is."""

import pytest

pytestmark = pytest.mark.slow  # each case runs whole programs, more than once

CONFTEST = """
import os
import pathlib
import subprocess
import time
import pytest

HERE = pathlib.Path(__file__).parent

def note(word):
    with open(HERE / "notes", "a") as f:
        f.write(word + "\\n")

def service():
    process = subprocess.Popen(["sleep", "3600"])
    note("up")
    yield process.pid
    assert process.poll() is None
    process.kill()
    process.wait()
    note("down")

@pytest.fixture(scope="session")
def server(run_once):
    yield run_once("server", service)
    note("leave")
"""

# Each waits for the two others: they run at the same time, on three workers.
TEST = """
import os
import time
from conftest import HERE, note

def test_meet(server, worker_id):
    (HERE / ("here-" + worker_id)).touch()
    while len(list(HERE.glob("here-gw*"))) < 3:
        time.sleep(0.01)
    os.kill(server, 0)
    note("server %d" % server)

def test_again(server):
    os.kill(server, 0)
"""


def notes(project):
    return project.path("notes").read_text().splitlines()


def three_modules(project):
    project.write("conftest.py", CONFTEST)
    for name in "abc":
        project.write(f"test_{name}.py", TEST)


def check(project, wait_until, workers):
    seen = notes(project)
    assert seen.count("up") == seen.count("down") == 1
    assert len({word for word in seen if word.startswith("server")}) == 1
    # The service ended after its last user.
    assert seen[-workers - 1 :] == ["leave"] * workers + ["down"]
    assert wait_until(lambda: not project.processes())


def test_three_workers_share_one_service(project, wait_until):
    three_modules(project)
    done = project.rowlock("parallel", "-n", "3", "--report-json", "report.json")
    assert done.returncode == 0, done
    assert set(project.outcomes().values()) == {"passed"}
    assert {t["worker"] for t in project.report()["tests"]} == {"gw0", "gw1", "gw2"}
    assert "left running" not in done.stdout
    check(project, wait_until, 3)


def test_without_the_driver(project, wait_until):
    three_modules(project)
    assert project.rowlock("generate", "-n", "3").returncode == 0
    done = project.make("-f", ".rowlock/tests.mk", "-j3")
    assert done.returncode == 0, done
    check(project, wait_until, 3)


def test_a_timeout_on_the_worker_that_asked_first(project, wait_until):
    project.write("conftest.py", CONFTEST)
    project.write(
        "test_a.py",
        """
import os, time, pytest
@pytest.mark.timeout(2)
def test_hangs(server):
    while True: time.sleep(0.1)
def test_goes_on(server): os.kill(server, 0)
""",
    )
    done = project.rowlock("parallel", "-n", "1", "--report-json", "report.json")
    assert done.returncode == 1, done
    assert project.outcomes() == {
        "test_a.py::test_hangs": "timeout",
        "test_a.py::test_goes_on": "passed",
    }
    seen = notes(project)
    assert (seen.count("up"), seen.count("down"), seen[-1]) == (1, 1, "down")
    assert wait_until(lambda: not project.processes())


def test_interrupted(project, wait_until):
    project.write("conftest.py", CONFTEST)
    project.write(
        "test_a.py",
        """
import time
from conftest import note
def test_hangs(server):
    note("hangs")
    while True: time.sleep(0.1)
""",
    )
    run = project.start("parallel", "-n", "2")
    assert wait_until(lambda: project.path("notes").exists() and "hangs" in notes(project))
    run.send_signal(2)
    out, err = run.communicate(timeout=120)
    assert run.returncode == 2, (out, err)
    assert notes(project)[-1] == "down"
    assert wait_until(lambda: not project.processes())


def test_an_error_of_its_teardown_fails_the_run(project):
    project.write(
        "test_a.py",
        """
def factory():
    yield 1
    raise OSError("does not stop")
def test_a(run_once): assert run_once("n", factory) == 1
""",
    )
    for command in ("parallel", "sequential"):
        done = project.rowlock(command, "--report-json", "report.json")
        assert done.returncode == 1, done
        assert project.outcomes() == {"test_a.py::test_a": "error"}
        assert "OSError: does not stop" in done.stdout
