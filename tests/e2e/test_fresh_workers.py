"""Workers with an interpreter of their own, in whole runs: as the workers of pytest-xdist."""

import textwrap

import pytest

pytestmark = pytest.mark.slow  # each case runs whole programs, more than once

# Each test waits for the other, so that both workers run, whatever the load.
IDENTITY = textwrap.dedent("""
    import os, time
    DB = "db_" + os.environ["PYTEST_XDIST_WORKER"]
    def meet(other):
        open("%s-" % os.getpid() + DB, "w").close()
        open("here-" + ("a" if other == "b" else "b"), "w").close()
        deadline = time.monotonic() + 100
        while not os.path.exists("here-" + other):
            assert time.monotonic() < deadline, "the other worker has not come"
            time.sleep(0.01)
    def test_a(worker_id):
        assert DB == "db_" + worker_id
        meet("b")
    def test_b(worker_id):
        assert DB == "db_" + worker_id
        meet("a")
""")


def databases(project):
    return sorted(path.name.partition("-")[2] for path in project.root.glob("*-db_*"))


def test_each_worker_has_the_database_that_its_module_names(project):
    project.write("tests/test_db.py", IDENTITY)
    done = project.rowlock("parallel", "-n", "2", "--dist", "load")
    assert done.returncode == 0, done
    assert databases(project) == ["db_gw0", "db_gw1"]
    lines = [line for line in done.stderr.splitlines() if "interpreters" in line]
    assert len(lines) == 1
    assert lines[0].startswith("rowlock: tests/test_db.py:3 reads PYTEST_XDIST_WORKER: workers")
    assert not project.processes()


def test_make_alone_starts_workers_as_the_plan_says(project):
    project.write("pytest.ini", "[pytest]\n[rowlock]\nworker_start = spawn\n")
    project.write("tests/test_db.py", IDENTITY)
    done = project.rowlock("generate", "-n", "2", "--dist", "load")
    assert done.returncode == 0, done
    done = project.make("-f", ".rowlock/tests.mk", "-j2")
    assert done.returncode == 0, done
    assert databases(project) == ["db_gw0", "db_gw1"]


def test_the_command_line_goes_before_the_ini(project):
    project.write("pytest.ini", "[pytest]\n[rowlock]\nworker_start = spawn\n")
    project.write(
        "test_x.py",
        "import os\nNAME = os.environ.get('PYTEST_XDIST_WORKER')\ndef test_a(): assert not NAME\n",
    )
    done = project.rowlock("parallel", "-n", "2")
    assert done.returncode == 1, done
    done = project.rowlock("parallel", "-n", "2", "--worker-start", "fork")
    assert done.returncode == 0, done


def test_thread_names_cannot_command_the_terminal(project):
    project.write(
        "test_x.py",
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,), name='\\x1b[2J', daemon=True).start()\n"
        "def test_a(): pass\n",
    )
    done = project.rowlock("parallel", "-n", "1")
    assert done.returncode == 0, done
    assert "runs after the collection" in done.stderr
    assert "\x1b" not in done.stderr
