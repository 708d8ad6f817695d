"""`rowlock parallel --coverage`: what native tests cover of programs built with gcc --coverage."""

import json
import shutil

import pytest

pytestmark = pytest.mark.skipif(not shutil.which("gcc"), reason="no gcc")

LIBRARY = """
int half(int n);
int half(int n)
{
    if (n % 2)
        return -1;
    return n / 2;
}
"""
PROGRAM = """
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int half(int n);
int main(int argc, char **argv)
{
    int n = half(atoi(argv[1]));
    if (argc > 2 && strcmp(argv[2], "crash") == 0)
        abort();
    if (argc > 2 && strcmp(argv[2], "hang") == 0)
        for (;;)
            pause();
    return n < 0;
}
"""


@pytest.fixture
def built(project):
    project.write("src/library.c", LIBRARY)
    project.write("src/program.c", PROGRAM)
    (project.root / "build").mkdir()
    for name in ("library", "program"):
        command = ["gcc", "--coverage", "-c", f"../src/{name}.c", "-o", f"{name}.o"]
        assert project.run(command, cwd=project.root / "build").returncode == 0
    command = ["gcc", "--coverage", "library.o", "program.o", "-o", "program"]
    assert project.run(command, cwd=project.root / "build").returncode == 0
    return project


def suite(project, *extra):
    """Tests of which none fails; each runs in a group of its own."""
    tests = [{"id": f"even/{n}", "command": ["build/program", str(2 * n)]} for n in range(12)]
    project.manifest(*tests, *extra)


def test_reports_are_those_of_a_sequential_run(built):
    suite(built)
    done = built.rowlock("parallel", "-n2", "--coverage")
    assert done.returncode == 0, done
    assert done.stderr == ""
    assert "src/library.c 4 1 2 1 75%" in " ".join(done.stdout.split()), done
    assert not list(built.root.glob("**/*.gcda"))
    for n in range(12):
        assert built.run(["build/program", str(2 * n)]).returncode == 0
    same = built.rowlock("collect", "--compare", "build", "coverage-parallel.json")
    assert same.stdout.startswith("no difference in 2 files"), same
    assert 'filename="src/library.c"' in (built.root / "coverage-parallel.xml").read_text()
    assert (built.root / "htmlcov/parallel/index.html").exists()
    for data in built.root.glob("build/*.gcda"):
        data.unlink()
    done = built.rowlock("coverage", "--cov-report=lcov", "--cov-report=json:one.json")
    assert done.returncode == 0, done
    assert "library.c" not in done.stdout
    same = built.rowlock("collect", "--compare", "one.json", "coverage-sequential.info")
    assert same.returncode == 0, same
    same = built.rowlock("collect", "--compare", "one.json", "coverage-parallel.json")
    assert same.returncode == 0, same
    assert not (built.root / "coverage-sequential.xml").exists()


def test_a_crash_loses_its_own_counters_only(built):
    suite(
        built,
        {"id": "odd", "command": ["build/program", "3"]},
        {"id": "crash", "command": ["build/program", "2", "crash"]},
        {"id": "hang", "command": ["build/program", "2", "hang"], "timeout": 1},
    )
    done = built.rowlock(
        "parallel", "-n2", "--coverage", "--cov-report", "json", "--cov-fail-under=1"
    )
    assert done.returncode == 1, done
    assert "12 passed" in done.stdout
    files = json.loads((built.root / "coverage-parallel.json").read_text())["files"]
    assert files["src/library.c"]["hits"] == {"3": 13, "5": 13, "6": 1, "7": 12}
    assert "less than" not in done.stderr


def test_too_little_and_nothing(built):
    suite(built)
    done = built.rowlock(
        "parallel", "--coverage", "--cov-report=term-missing", "--cov-fail-under=99"
    )
    assert done.returncode == 1, done
    assert "12 passed" in done.stdout
    row = "src/library.c 4 1 2 1 75% 5 (1 of 2 branches), 6"
    assert row in " ".join(done.stdout.split()), done
    assert "is covered, less than --fail-under 99" in done.stderr
    assert not (built.root / "coverage-parallel.xml").exists()
    wrong = built.rowlock("parallel", "--coverage", "--cov-report", "pdf")
    assert (wrong.returncode, "--cov-report 'pdf': give term" in wrong.stderr) == (4, True), wrong
    built.manifest({"id": "plain", "command": ["true"]})
    done = built.rowlock("parallel", "--coverage")
    assert done.returncode == 0, done
    assert "no test has left coverage data" in done.stderr
    assert built.rowlock("parallel", "--coverage", "--cov-fail-under", "1").returncode == 1


EXTENSION = """int at_import(int n) { return n; }
int in_a(int n) { return n; }
int in_b(int n) { return n; }
int nowhere(int n) { return n; }
"""
CALLS = "import extension\ndef test_it(): assert extension.library.in_{0}(5) == 5\n"
COUNTED = {"sequential": (1, 1), "-n2": (1, 3), "-n2 --forked": (1, 6)}
COUNTED["-n2 --worker-start=spawn"] = (1, 2)


@pytest.mark.parametrize("how", COUNTED)
def test_what_python_loads_counts_once_for_each_process(project, how):
    """A trap: what was counted at import is in each fork, and a worker that leaves without exit
    handlers loses it all. pytest-xdist has it once for each worker; so do we, or once more for
    each process that a test or a worker had. What tests have called is exact."""
    project.write("counted.c", EXTENSION)
    command = ["gcc", "--coverage", "-shared", "-fPIC", "counted.c", "-o", "counted.so"]
    assert project.run(command).returncode == 0
    load = "import ctypes\nlibrary = ctypes.CDLL('./counted.so')\nlibrary.at_import(1)\n"
    project.write("extension.py", load)
    project.write("conftest.py", "")
    for name in "ab":
        project.write(f"test_{name}.py", CALLS.format(name))
    words = how.split() if how == "sequential" else ["parallel", *how.split()]
    done = project.rowlock(*words, "--timeout=100")
    assert done.returncode == 0, done
    assert list(project.root.glob("*.gcda"))  # as after pytest
    done = project.rowlock("collect", "--json", "out.json", ".")
    hits = json.loads(project.path("out.json").read_text())["files"]["counted.c"]["hits"]
    least, most = COUNTED[how]
    assert least <= hits.pop("1") <= most
    assert hits == {"2": 1, "3": 1, "4": 0}
