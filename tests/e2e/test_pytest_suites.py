"""pytest suites through the driver: the verdicts of plain pytest, fixtures, distribution."""

import json
import re
import signal

import pytest

MIXED = '''
import unittest
import pytest

def test_pass(): pass
def test_fail(): assert [1, 2] == [1, 3]
@pytest.mark.skip(reason="later")
def test_skip(): pass
def test_skip_inside(): pytest.skip("no network")
@pytest.mark.xfail(reason="known")
def test_xfail(): assert 0
@pytest.mark.xfail
def test_xpass(): pass
@pytest.mark.xfail(strict=True)
def test_xpass_strict(): pass
@pytest.fixture
def broken(): raise RuntimeError("set-up")
def test_error(broken): pass
@pytest.fixture
def late():
    yield
    raise RuntimeError("teardown")
def test_late(late): pass
@pytest.mark.parametrize("x", ["a b", "ü", "c[d]", 1.5])
def test_param(x): assert x != 1.5

class TestUnit(unittest.TestCase):
    def test_one(self): self.assertEqual(1, 1)
    def test_two(self): self.assertEqual(1, 2)
    @unittest.expectedFailure
    def test_three(self): self.fail()
'''


def outcomes(project):
    return {t["id"]: t["outcome"] for t in project.report()["tests"]}


def test_verdicts_equal_plain_pytest(project):
    project.write("test_mixed.py", MIXED)
    plain = project.pytest_plain()
    for command in (("parallel", "-n", "2"), ("sequential",)):
        done = project.rowlock(*command, "--report-json", "report.json")
        assert done.returncode == plain.returncode == 1
        assert outcomes(project) == plain.outcomes
    assert "assert [1, 2] == [1, 3]" in done.stdout
    assert "RuntimeError: teardown" in done.stdout


WIDE = '''
import os
import pytest

def log(word):
    with open("log", "a") as f:
        name = os.environ.get("PYTEST_XDIST_WORKER", "master")
        f.write("%s %s\\n" % (word, "%s-%d" % (name, os.getpid())))

@pytest.fixture(scope="session")
def session():
    log("session+")
    yield
    log("session-")

@pytest.fixture(scope="module")
def module(session, request):
    log("module+" + request.module.__name__)
    yield
    log("module-" + request.module.__name__)

@pytest.fixture(scope="class")
def klass(module, request):
    log("class+")
    yield
    log("class-")
'''
USES = '''
class TestA:
    def test_1(self, klass): pass
    def test_2(self, klass): pass
class TestB:
    def test_3(self, klass): pass
def test_4(module): pass
def test_5(session): pass
'''


def test_wide_fixtures_live_once_per_worker(project):
    project.write("conftest.py", WIDE)
    for name in "abcd":
        project.write(f"test_{name}.py", USES)
    for dist in ("load", "loadscope", "loadfile", "loadgroup"):
        if project.path("log").exists():
            project.path("log").unlink()
        done = project.rowlock("parallel", "-n", "2", "--dist", dist)
        assert done.returncode == 0, done.stdout
        lines = project.path("log").read_text().split("\n")[:-1]
        workers = {line.split()[1] for line in lines}
        for worker in workers:
            words = [line.split()[0] for line in lines if line.endswith(" " + worker)]
            assert words.count("session+") == words.count("session-") <= 1
            assert words[-1] == "session-"
            for word in set(words):
                other = word.replace("+", "-") if "+" in word else word.replace("-", "+")
                assert words.count(word) == words.count(other)
        if dist == "loadfile":
            assert sum("module+" in line for line in lines) == 4


def test_loadscope_keeps_a_scope_on_one_worker(project):
    body = (
        "import os, pytest\n"
        "@pytest.mark.parametrize('i', range(20))\n"
        "class TestX:\n"
        "    def test(self, i):\n"
        "        with open('ran', 'a') as f:\n"
        "            f.write(__name__ + ' ' + os.environ['PYTEST_XDIST_WORKER'] + '\\n')\n"
    )
    for i in range(6):
        project.write(f"test_{i}.py", body)
    assert project.rowlock("parallel", "-n", "3").returncode == 0
    rows = set(project.path("ran").read_text().split("\n")[:-1])
    assert len(rows) == 6


def test_loadgroup_keeps_a_group_on_one_worker(project):
    body = (
        "import os, pytest\n"
        "@pytest.mark.xdist_group('g')\n"
        "@pytest.mark.parametrize('i', range(4))\n"
        "def test(i):\n"
        "    with open('ran', 'a') as f: f.write(os.environ['PYTEST_XDIST_WORKER'] + '\\n')\n"
    )
    for i in range(4):
        project.write(f"test_{i}.py", body)
    assert project.rowlock("parallel", "-n", "3", "--dist", "loadgroup").returncode == 0
    lines = project.path("ran").read_text().split()
    assert len(lines) == 16 and len(set(lines)) == 1


def test_worksteal_takes_the_tail_of_a_busy_worker(project):
    """The first test of a worker's stretch waits for the last one of the same stretch: only
    somebody else can run that."""
    project.write(
        "test_a.py",
        "import os, time, pytest\n"
        "@pytest.mark.parametrize('i', range(20))\n"
        "def test(i, worker_id):\n"
        "    open(f'ran-{i}-{worker_id}', 'w').close()\n"
        "    while i == 0 and not os.path.exists('last'): time.sleep(0.01)\n"
        "    if i == 9: open('last', 'w').close()\n"
        "@pytest.mark.xdist_group('g')\n"
        "@pytest.mark.parametrize('i', range(6))\n"
        "def test_group(i, worker_id):\n"
        "    open(f'group-{i}-{worker_id}', 'w').close()\n",
    )
    done = project.rowlock("parallel", "-n", "2", "--dist", "worksteal", "--timeout", "100")
    assert done.returncode == 0 and "26 passed" in done.stdout
    ran = [p.name.split("-") for p in project.path(".").glob("ran-*")]
    worker = {int(i): name for _, i, name in ran}
    assert len(ran) == 20 and worker[0] != worker[9]
    assert len({p.name.split("-")[2] for p in project.path(".").glob("group-*")}) == 1


def test_each_runs_every_test_on_every_worker(project):
    project.write(
        "test_a.py",
        "import pytest\n"
        "@pytest.fixture(scope='module')\n"
        "def module(worker_id):\n"
        "    with open('set-up', 'a') as f: f.write(worker_id + '\\n')\n"
        "@pytest.mark.parametrize('i', range(6))\n"
        "def test(i, worker_id, module):\n"
        "    with open(f'ran-{i}', 'a') as f: f.write(worker_id + '\\n')\n"
        "    assert (i, worker_id) != (3, 'gw1')\n"
        "@pytest.mark.serial\n"
        "def test_serial(): pass\n",
    )
    done = project.rowlock("parallel", "-n", "3", "--dist", "each", "--report-json", "report.json")
    assert done.returncode == 1 and "1 failed, 18 passed" in done.stdout
    for name in (*(f"ran-{i}" for i in range(6)), "set-up"):
        assert sorted(project.path(name).read_text().split()) == ["gw0", "gw1", "gw2"]
    failed = [t for t in project.report()["tests"] if t["outcome"] == "failed"]
    assert [(t["id"], t["worker"]) for t in failed] == [("test_a.py::test[3]", "gw1")]


KILLS_RECIPES = """\
import os, pathlib, signal, time

def test_kill():
    killed = pathlib.Path("killed")
    if killed.exists():
        return
    killed.touch()
    recipes = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\\0")
            here = os.readlink(process / "cwd") == os.getcwd()
        except OSError:
            continue
        if here and words[0].endswith(b"rowlock-exec") and words[2:3] == [b"take"]:
            recipes.append(int(process.name))
    killed.write_text(str(recipes))
    for recipe in recipes:
        os.kill(recipe, signal.SIGKILL)
    time.sleep(60)
"""


def test_killed_recipes_leave_what_they_have_not_taken(project):
    """A recipe runs group after group. With two that are killed go the tests that ran; the others
    run, in those that are left."""
    for i in range(12):
        project.write(f"test_{i:02}.py", "def test_it():\n    pass\n")
    project.write("test_05.py", KILLS_RECIPES)
    project.rowlock(
        "parallel", "-n", "2", "--dist", "loadfile", "--report-json", "report.json", timeout=60
    )
    assert len(project.path("killed").read_text().split(",")) >= 2
    outcomes = {t["id"]: t["outcome"] for t in project.report()["tests"]}
    assert len(outcomes) == 12 and outcomes.pop("test_05.py::test_kill") == "crashed"
    others = sorted(outcomes.values())
    assert others[:1] in (["crashed"], ["passed"]) and set(others[1:]) == {"passed"}


def test_worksteal_by_make_alone_and_after_a_kill(project):
    """A worker that dies in the middle of its queue: the next round runs what it had taken."""
    project.write(
        "tests.json",
        json.dumps(
            {
                "rowlock": 1,
                "tests": [
                    {"id": f"t{i}", "command": ["sh", "-c", f"echo >> ran-{i}"]} for i in range(40)
                ]
                + [
                    {
                        "id": "killer",
                        "command": [
                            "sh",
                            "-c",
                            "p=$(sed 's/.*) //' /proc/$PPID/stat | cut -d' ' -f2);"
                            " kill -9 $p; sleep 99",
                        ],
                        "timeout": 60,
                    }
                ],
            }
        ),
    )
    done = project.rowlock(
        "parallel", "-n", "2", "--dist", "worksteal", "--report-json", "report.json"
    )
    assert done.returncode == 1
    outcomes = project.outcomes()
    assert outcomes.pop("killer") == "crashed"
    assert set(outcomes.values()) == {"passed"} and len(outcomes) == 40
    assert all(project.path(f"ran-{i}").read_text() == "\n" for i in range(40))
    project.manifest(*({"id": f"t{i}", "command": ["true"]} for i in range(40)))
    assert project.rowlock("generate", "-n", "2", "--dist", "worksteal").returncode == 0
    for jobs in ("-j1", "-j2", "-j5"):
        made = project.make("-f", ".rowlock/tests.mk", jobs)
        assert made.returncode == 0 and "40 passed" in made.stdout
    named = project.make("-f", ".rowlock/tests.mk", "t3")
    assert named.returncode == 0 and named.stdout.count("PASSED") == 1


def test_serial_tests_run_alone_and_last(project):
    project.write(
        "test_order.py",
        "import os, time, pytest\n"
        "def visit(word):\n"
        "    os.mkdir('in-%s-%d' % (word, os.getpid())); time.sleep(0.02)\n"
        "    here = [n for n in os.listdir('.') if n.startswith('in-')]\n"
        "    os.rmdir('in-%s-%d' % (word, os.getpid()))\n"
        "    with open('order', 'a') as f: f.write(word + '\\n')\n"
        "    return here\n"
        "@pytest.mark.serial\n"
        "@pytest.mark.parametrize('i', range(3))\n"
        "def test_serial(i): assert len(visit('serial')) == 1\n"
        "@pytest.mark.parametrize('i', range(12))\n"
        "def test_parallel(i): visit('parallel')\n",
    )
    done = project.rowlock("parallel", "-n", "3", "--dist", "load")
    assert done.returncode == 0, done.stdout
    assert project.path("order").read_text().split() == ["parallel"] * 12 + ["serial"] * 3


def test_addopts_of_an_xdist_project(project):
    project.write(
        "pytest-parallel.ini",
        "[pytest]\naddopts =\n    -n 2\n    --dist loadscope\n    -m 'not slow'\n"
        "markers =\n    slow: takes long\n",
    )
    project.write(
        "test_x.py",
        "import pytest\ndef test_a(worker_id): assert worker_id in ('gw0', 'gw1')\n"
        "@pytest.mark.slow\ndef test_b(): assert 0\n",
    )
    done = project.rowlock("-c", "pytest-parallel.ini", "--report-json", "report.json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert outcomes(project) == {"test_x.py::test_a": "passed"}
    project.write("pytest.ini", "[pytest]\n")
    done = project.rowlock("-c", "pytest.ini", "--report-json", "report.json")
    assert done.returncode == 1
    assert [t["worker"] for t in project.report()["tests"]] == ["master", "master"]


@pytest.mark.slow
def test_paths_ids_and_pytest_options(project):
    project.write("a/test_a.py", "def test_one(): pass\ndef test_two(): pass\n")
    project.write("b/test_b.py", "def test_three(): pass\n")

    def ids(*args):
        return project.rowlock("list", *args).stdout.split()

    assert ids() == ["a/test_a.py::test_one", "a/test_a.py::test_two", "b/test_b.py::test_three"]
    assert ids("b") == ["b/test_b.py::test_three"]
    assert ids("a/test_a.py::test_two") == ["a/test_a.py::test_two"]
    assert ids("-k", "two or three") == ["a/test_a.py::test_two", "b/test_b.py::test_three"]
    assert ids("--ignore=a") == ["b/test_b.py::test_three"]
    assert ids("--deselect", "a/test_a.py::test_one", "-p", "no:cacheprovider") == [
        "a/test_a.py::test_two",
        "b/test_b.py::test_three",
    ]


def test_crash_timeout_and_the_rest(project):
    project.write(
        "test_bad.py",
        "import os, signal, time, pytest\n"
        "def test_before(): pass\n"
        "def test_segv(): os.kill(os.getpid(), signal.SIGSEGV)\n"
        "def test_between(): pass\n"
        "def test_exit(): os._exit(3)\n"
        "@pytest.mark.timeout(0.5)\n"
        "def test_hang(): time.sleep(600)\n"
        "def test_after(): pass\n",
    )
    for dist in ("loadscope", "load"):
        words = ["-n", "2", "--dist", dist, "--report-json", "report.json"]
        done = project.rowlock("parallel", *words)
        assert done.returncode == 1
        assert [(t["id"].split("::")[1], t["outcome"]) for t in project.report()["tests"]] == [
            ("test_before", "passed"),
            ("test_segv", "crashed"),
            ("test_between", "passed"),
            ("test_exit", "crashed"),
            ("test_hang", "timeout"),
            ("test_after", "passed"),
        ]
    assert "SIGSEGV" in done.stdout
    assert "Fatal Python error: Segmentation fault\n" in done.stdout
    assert "Timeout\n" in done.stdout and "Aborted" not in done.stdout
    # The traceback is shown, as far as it is the project's.
    assert re.search(r"in test_hang\n  … \d+ more of pytest; -v shows them\n", done.stdout), done
    assert "/_pytest/python.py" not in done.stdout
    every = project.rowlock("report", "-v").stdout
    assert "/_pytest/python.py" in every and "more of pytest" not in every


@pytest.mark.parametrize(
    ("name", "words"),
    [("SIGKILL", "short: try --no-parallel-collect, "), ("SIGSEGV", "'pytest --collect-only'")],
)
@pytest.mark.slow
def test_a_collection_that_is_killed_says_so(project, name, words):
    project.write("conftest.py", f"import os, signal\nos.kill(os.getpid(), signal.{name})\n")
    project.write("test_a.py", "def test_a(): pass\n")
    for command in (["parallel", "-n2"], ["sequential"], ["list"]):
        done = project.rowlock(*command)
        assert done.returncode == 128 + getattr(signal, name), done
        assert f"that was killed by {name}; " in done.stderr and words in done.stderr, done


def test_mixed_project_in_one_run(project):
    project.write("tests/test_py.py", "def test_a(): pass\ndef test_b(): assert 0\n")
    project.write("t/x.sh", "#!/bin/sh\nexit 0\n", executable=True)
    project.write(
        "tests.json",
        json.dumps(
            {
                "rowlock": 1,
                "suites": [
                    {"name": "py", "format": "pytest", "paths": ["tests"]},
                    {"name": "sh", "format": "exec", "glob": "t/*.sh", "markers": ["unit"]},
                ],
            }
        ),
    )
    done = project.rowlock("parallel", "-n", "2", "--report-json", "report.json")
    assert done.returncode == 1
    assert outcomes(project) == {
        "sh/x.sh": "passed",
        "tests/test_py.py::test_a": "passed",
        "tests/test_py.py::test_b": "failed",
    }
    assert project.rowlock("list", "tests/test_py.py").stdout.split() == [
        "tests/test_py.py::test_a",
        "tests/test_py.py::test_b",
    ]
    assert project.rowlock("list", "sh").stdout.split() == ["sh/x.sh"]


def test_standalone_makefile(project):
    project.write(
        "test_x.py",
        "import pytest\n@pytest.mark.parametrize('i', range(6))\ndef test(i): assert i != 4\n"
        "@pytest.mark.serial\ndef test_last(): pass\n",
    )
    assert project.rowlock("generate", "-n", "2", "--dist", "load").returncode == 0
    done = project.make("-f", ".rowlock/tests.mk", "-j2")
    assert done.returncode == 2
    assert done.stdout.count("PASSED test_x.py") == 6
    assert "FAILED test_x.py::test[4]" in done.stdout
    text = project.path(".rowlock/tests.mk").read_text()
    goal = re.search(r"^# (t\d+) test_x.py::test_last$", text, re.M).group(1)
    done = project.make("-f", ".rowlock/tests.mk", goal)
    assert done.returncode == 0
    assert done.stdout.count("PASSED") == 1


@pytest.mark.slow
def test_pytest_speaks_for_itself_when_it_refuses(project):
    project.write("test_x.py", "import nosuchmodule_xyz\n")
    plain = project.pytest_plain()
    done = project.rowlock("parallel")
    assert done.returncode == plain.returncode == 2
    assert "ModuleNotFoundError: No module named 'nosuchmodule_xyz'" in done.stdout
    assert not project.path(".rowlock").exists()
    project.write("test_x.py", "def test_a(): pass\n")
    done = project.rowlock("parallel", "--no-such-option")
    assert done.returncode == 4
    assert "--no-such-option" in done.stdout + done.stderr
    done = project.rowlock("parallel", "-m", "unit and")
    assert done.returncode == 4
    assert project.rowlock("parallel", "-k", "nothing_like_it").returncode == 5


def test_lastfailed_works_across_workers(project):
    project.write("test_x.py", "def test_a(): assert 0\ndef test_b(): pass\n")
    assert project.rowlock("parallel", "-n", "2").returncode == 1
    assert project.rowlock("list", "--lf").stdout.split() == ["test_x.py::test_a"]


def test_bytecode_of_ours_is_kept_and_none_of_the_project(project):
    """Without it, a suite under PYTHONDONTWRITEBYTECODE would compile all of us in each run."""
    project.write(
        "test_flag.py",
        "import importlib.util, os, sys\n"
        "def test_flag():\n"
        "    assert sys.dont_write_bytecode\n"
        "    ours = sys.modules['rowlock_pytest.plugin'].__file__\n"
        "    if os.access(os.path.dirname(ours), os.W_OK):\n"
        "        assert os.path.exists(importlib.util.cache_from_source(ours))\n",
    )
    done = project.rowlock("parallel", "-n", "1", env={"PYTHONDONTWRITEBYTECODE": "1"})
    assert done.returncode == 0, done.stdout
    assert not list(project.path(".").rglob("*.pyc"))


@pytest.mark.slow
def test_workers_that_collect_side_by_side(project):
    """The same ids, order and verdicts; -v says why where one process does it."""
    for i in range(8):
        project.write(f"test_{i}.py", MIXED)
    for name, option in ("alone", "--no-parallel-collect"), ("side", "--parallel-collect"):
        words = ["-n", "3", "--report-json", f"{name}.json", option]
        done = project.rowlock("parallel", "-v", *words)
        assert done.returncode == 1
        assert "one process has collected" not in done.stderr
    alone, side = (project.report(name)["tests"] for name in ("alone.json", "side.json"))
    assert [(t["id"], t["outcome"]) for t in alone] == [(t["id"], t["outcome"]) for t in side]
    collected = json.loads(project.path(".rowlock/last/pytest.json").read_text())
    assert {slot for _, slot in collected["collected_by"]} & {0, 1, 2}
    project.write("conftest.py", "def pytest_collection_modifyitems(items): pass\n")
    done = project.rowlock("parallel", "-v", "-n", "3")
    assert "conftest.py implements pytest_collection_modifyitems" in done.stderr


@pytest.mark.slow
def test_a_collection_that_has_to_be_done_over_is_not_tried_again(project):
    log = "open('log', 'a').write('x')\n"
    for i in range(4):
        project.write(f"test_{i}.py", log + "def test(): pass\n")
    random = log + "import random\nN = random.random()\ndef test(): pass\n"
    note = "one process has collected all tests: random numbers were used"
    imports = []
    for text, words, noted in (
        (random, [], True),
        (random, [], True),
        (random, ["--lf"], False),
        (random, [], True),
        (log + "def test(): pass\n", [], True),
        (log + "def test(): pass\n", [], False),
    ):
        project.write("test_2.py", text)
        project.write("log", "")
        done = project.rowlock("parallel", "-v", "-n", "2", "--parallel-collect", *words)
        assert done.returncode == 0, done
        assert (note in done.stderr) == noted, done
        imports.append(len(project.path("log").read_text()))
    assert imports[0] > 4
    assert imports[1:] == [4] * 5
    collected = json.loads(project.path(".rowlock/last/pytest.json").read_text())
    assert sum(n for n, _ in collected["collected_by"]) == 4


@pytest.mark.slow
def test_a_suite_that_runs_without_the_terminal_of_pytest(project):
    project.write("pytest.ini", "[pytest]\naddopts = -p no:terminal\n")
    project.write("test_a.py", "def test_a(): pass\ndef test_b(): assert 0\n")
    for how in (["parallel"], ["parallel", "--worker-start", "spawn"], ["sequential"]):
        done = project.rowlock(*how)
        assert done.returncode == 1 and "1 failed, 1 passed" in done.stdout, done
        assert re.search("^E +assert 0", done.stdout, re.M), done
