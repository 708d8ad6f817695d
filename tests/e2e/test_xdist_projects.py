"""What suites expect of pytest-xdist beyond the command line, through the whole program."""

import json
import pathlib
import shutil

import pytest

pytestmark = pytest.mark.slow  # each case runs whole programs

SAMPLE = pathlib.Path(__file__).parents[1] / "projects" / "fqcn-converter"

SAY_WORKERS = """
import json
def test_workers(request):
    worker = getattr(request.config, "workerinput", {"workercount": 0})
    with open("workers", "w") as f:
        json.dump(worker["workercount"], f)
"""


def workers(project):
    return json.loads(project.path("workers").read_text())


def test_a_project_says_what_auto_means(project):
    project.write("test_m.py", SAY_WORKERS)
    project.write("conftest.py", "def pytest_xdist_auto_num_workers(config): return 3\n")
    done = project.rowlock("-n", "auto")
    assert done.returncode == 0, done
    assert workers(project) == 3
    # A number on the command line stands, and so does the environment without the hook.
    assert project.rowlock("-n", "2").returncode == 0
    assert workers(project) == 2
    assert project.rowlock("parallel", env={"PYTEST_XDIST_AUTO_NUM_WORKERS": "5"}).returncode == 0
    assert workers(project) == 3
    project.write("conftest.py", "def pytest_xdist_auto_num_workers(config): return 0\n")
    assert project.rowlock("-n", "auto").returncode == 0
    assert workers(project) == 0
    project.path("conftest.py").unlink()
    env = {"PYTEST_XDIST_AUTO_NUM_WORKERS": "5"}
    assert project.rowlock("-n", "auto", env=env).returncode == 0
    assert workers(project) == 5


CHOOSE = """
import pytest
@pytest.hookimpl({how})
def pytest_cmdline_main(config):
    with open("asked", "w") as f:
        f.write(str(config.option.numprocesses))
    config.option.numprocesses = {number}
    {more}
"""


def test_a_project_chooses_how_many_workers_there_are(project):
    """As under pytest-xdist, whose own hook comes behind a tryfirst one and all wrappers."""
    project.write("test_m.py", SAY_WORKERS)
    env = {"PYTEST_XDIST_AUTO_NUM_WORKERS": "5"}

    def run(number, *words, how="tryfirst=True", more="", said="None"):
        project.write("conftest.py", CHOOSE.format(how=how, number=number, more=more))
        done = project.rowlock(*words, env=env)
        assert done.returncode == 0, done
        assert project.path("asked").read_text() == said
        return workers(project)

    assert run(0, "-n", "2", said="2") == 0
    assert run(3, "-n", "2", said="2") == 3
    assert run(3, "-n", "auto", how="hookwrapper=True", more="yield", said="auto") == 3
    assert run(3, how="hookwrapper=True", more="yield") == 3
    assert run("'auto'", "--maxprocesses=4") == 4
    assert run("'logical'", "parallel") == 5
    assert run(3, "sequential") == 0
    assert run(None, "-n", "2", said="2") == 0
    project.write("conftest.py", CHOOSE.format(how="tryfirst=True", number=-1, more=""))
    done = project.rowlock("-n2")
    assert done.returncode == 4 and "config.option.numprocesses is -1" in done.stdout, done


def test_a_project_chooses_how_tests_are_spread(project):
    project.write("test_m.py", "def test_a(): pass\ndef test_b(): pass\ndef test_c(): pass\n")
    project.write(
        "conftest.py",
        CHOOSE.format(how="tryfirst=True", number=2, more="config.option.dist = 'loadfile'"),
    )
    done = project.rowlock()
    assert done.returncode == 0 and "3 tests in 1 group, 2 workers" in done.stdout, done


SCHEDULER = """
from xdist.scheduler import LoadScopeScheduling

class ByLetter(LoadScopeScheduling):
    def _split_scope(self, nodeid):
        return nodeid.rsplit("::", 1)[1].split("_")[1]

def pytest_xdist_make_scheduler(config, log):
    return ByLetter(config, log)
"""


def test_a_scheduler_of_its_own_keeps_its_units_together(project):
    names = [f"test_{letter}_{n}" for n in range(6) for letter in "abcd"]
    project.write("test_m.py", "".join(f"def {name}(): pass\n" for name in names))
    project.write("conftest.py", SCHEDULER)
    done = project.rowlock("-n2", "--dist=load", "--report-json=report.json")
    assert done.returncode == 0, done
    found = {}
    for test in project.report()["tests"]:
        found.setdefault(test["id"].split("_")[2], set()).add(test["worker"])
    assert sorted(found) == ["a", "b", "c", "d"]
    assert all(len(worker) == 1 for worker in found.values())


def test_a_scheduler_that_cannot_run_is_named(project):
    project.write("test_m.py", "def test_a(): pass\n")
    text = "class Mine: pass\ndef pytest_xdist_make_scheduler(config, log): return Mine()\n"
    project.write("conftest.py", text)
    done = project.rowlock("-n2")
    assert done.returncode == 0, done
    assert "conftest.Mine" in done.stderr


GUIDE = """
import logging
import os

def test_scratch(request, worker_id):
    scratch = request.config.workerinput["fqcn_scratch"]
    assert os.path.isdir(scratch)
    with open("scratch-" + worker_id, "w") as f:
        f.write(scratch)

def test_log_names_its_worker(caplog, worker_id):
    logging.getLogger("converter").warning("converted")
    assert caplog.records[0].worker_id == worker_id
    assert worker_id.startswith("gw")

"""


def test_the_configuration_of_the_guide(project):
    """pytest_xdist_config.py, as the guide names it: worker set-up and teardown, resources,
    load balancing left alone, communication with workers."""
    for name in ("pytest_xdist_config.py", "pytest-parallel.ini"):
        shutil.copy(SAMPLE / name, project.path(name))
    project.write("conftest.py", 'pytest_plugins = ["pytest_xdist_config"]\n')
    project.write("tests/test_guide.py", GUIDE + SAY_WORKERS)
    project.write("src/converter.py", '"""Empty."""\n')
    done = project.rowlock("-c", "pytest-parallel.ini", env={"FQCN_TEST_WORKERS": "3"})
    assert done.returncode == 0, done
    assert workers(project) == 3
    folders = [path.read_text() for path in project.root.glob("scratch-gw*")]
    assert folders
    assert not any(pathlib.Path(folder).exists() for folder in folders)


WAITING = """
import glob, time, pytest
@pytest.mark.parametrize("i", range(6))
def test_some(i):
    end = time.monotonic() + 100
    while i == 0 and len(glob.glob("ran-*")) < 5:
        assert time.monotonic() < end, "the others wait behind this test"
        time.sleep(0.01)
    open(f"ran-{i}", "w").close()
"""


@pytest.mark.parametrize("dist", ["load", "worksteal"])
def test_no_test_waits_behind_a_long_one(project, dist):
    """pytest-xdist gives each worker at least two tests at a time, so that this would hang."""
    project.write("test_m.py", WAITING)
    done = project.rowlock("-n2", "--dist", dist)
    assert done.returncode == 0, done


TORN_DOWN = """
import glob, time, pytest

def fixture(scope):
    @pytest.fixture(scope=scope)
    def wide(worker_id):
        open(f"{scope}-{worker_id}-up", "w").close()
        yield
        time.sleep(0.3)
        open(f"{scope}-{worker_id}-down", "w").close()
    return wide
session, module = fixture("session"), fixture("module")

@pytest.mark.parametrize("i", range(8))
def test_some(i, session, module):
    end = time.monotonic() + 100
    while len(glob.glob("module-*-up")) < 2 and time.monotonic() < end:
        time.sleep(0.01)
    assert i != 3
"""


def test_teardown_is_not_cut_short_by_a_failure_that_ends_the_run(project):
    project.write("test_m.py", TORN_DOWN)
    done = project.rowlock("-n2", "--dist=load", "-x")
    assert done.returncode == 1, done
    found = {path.name for path in project.root.glob("*-*-*")}
    levels = [f"{scope}-{worker}" for scope in ("session", "module") for worker in ("gw0", "gw1")]
    assert found == {f"{level}-{end}" for level in levels for end in ("up", "down")}


def test_workers_that_nobody_needs_are_not_started(project):
    project.write("test_m.py", "def test_a(): pass\ndef test_b(): pass\n")
    hooks = "def pytest_testnodeready(node): open('ready-' + node.gateway.id, 'w').close()\n"
    project.write("conftest.py", hooks)
    done = project.rowlock("-n6", "--dist=load")
    assert done.returncode == 0, done
    ready = {path.name for path in project.root.glob("ready-*")}
    assert ready and ready <= {"ready-gw0", "ready-gw1"}
