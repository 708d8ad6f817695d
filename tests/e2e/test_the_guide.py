"""The parallel testing guide of the fqcn-converter, from top to bottom: each line that it shows,
quoted, and what the same words do behind `rowlock`. Its code examples are run by the sample
project itself (tests/projects/fqcn-converter/tests/test_guide_examples.py)."""

import importlib.util
import json
import os
import pathlib
import re
import shutil
import sys
import xml.etree.ElementTree

import python_coverage
import support

import pytest

pytestmark = pytest.mark.slow  # each case runs whole programs

ROOT = pathlib.Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "tests" / "projects" / "fqcn-converter"
PARALLEL = r"\b[2-9]\d* workers"


def prepare(project):
    """The sample project with as many of its tests as the guide's words need, and the file that
    the guide speaks of without showing it."""
    ignored = shutil.ignore_patterns(
        ".rowlock",
        "__pycache__",
        ".pytest_cache",
        "test_cli.py",
        "test_files.py",
        "test_config.py",
        "test_formatting.py",
        "test_performance.py",
        "test_mappings_unittest.py",
        "test_guide_examples.py",
        "test_structure.py",
    )
    shutil.copytree(SAMPLE, project.root, ignore=ignored, dirs_exist_ok=True)
    project.write("tests/test_specific.py", "def test_specific(worker_id): assert worker_id\n")
    project.write(
        "tests/test_speed.py",
        "import pytest\n@pytest.mark.performance\ndef test_speed(): assert sum(range(9)) == 36\n",
    )
    return project


@pytest.fixture
def sample(project):
    return prepare(project)


@pytest.fixture(scope="module")
def truth(program, tmp_path_factory):
    """What plain pytest says of each test, and the markers of each: ({id: outcome}, {id: …})."""
    project = support.Project(tmp_path_factory.mktemp("truth") / "project", program)
    try:
        plain = prepare(project).pytest_plain("-c", "pytest.ini")
        assert plain.returncode == 0, plain
        done = project.rowlock("sequential", "--report-json", "report.json")
        assert done.returncode == 0, done
        assert project.outcomes() == plain.outcomes
        return plain.outcomes, {t["id"]: t["markers"] for t in project.report()["tests"]}
    finally:
        project.close()


def typed(line):
    """The same words behind `rowlock`, without the guide's comment."""
    return re.sub(r"^(python scripts/run_tests\.py|pytest)\b", "rowlock", line.split("  #")[0])


def check_outcomes(project, truth, marker=None, under=""):
    """Exactly the tests with that marker and below that path, with plain pytest's verdicts."""
    verdicts, markers = truth
    assert project.outcomes() == {
        test: verdict
        for test, verdict in verdicts.items()
        if test.startswith(under) and (marker is None or marker in str(markers[test]))
    }


# (the guide's line, what the output has to match, the tests that run: marker, path)
COMMANDS = [
    # "Using the Test Runner Script"
    ("python scripts/run_tests.py sequential", "tests in", {}),
    ("python scripts/run_tests.py parallel", PARALLEL, {}),
    ("python scripts/run_tests.py parallel --workers 4", "4 workers", {}),
    ('python scripts/run_tests.py parallel --markers "unit"', "deselected", {"marker": "unit"}),
    (
        'python scripts/run_tests.py parallel --markers "integration"',
        "deselected",
        {"marker": "integration"},
    ),
    # "Direct pytest Commands"
    ("pytest -c pytest.ini", "passed", {}),
    ("pytest -c pytest-parallel.ini", PARALLEL, {}),
    ("pytest -c pytest-parallel.ini --numprocesses=4", "4 workers", {}),
    ("pytest -c pytest-parallel.ini --dist=loadscope  # Default", PARALLEL, {}),
    ("pytest -c pytest-parallel.ini --dist=loadfile   # File-based distribution", PARALLEL, {}),
    ("pytest -c pytest-parallel.ini --dist=worksteal  # Work-stealing distribution", PARALLEL, {}),
    # "Debugging Parallel Execution"
    ("python scripts/run_tests.py parallel --workers 2 -v", r"\[gw[01]\] .* PASSED ", {}),
    (
        "pytest -c pytest-parallel.ini tests/test_specific.py -v",
        "PASSED tests/test_specific.py::test_specific",
        {"under": "tests/test_specific.py"},
    ),
    (
        "pytest -c pytest-parallel.ini tests/test_parallel_execution.py -v",
        "PASSED tests/test_parallel_execution.py::",
        {"under": "tests/test_parallel_execution.py"},
    ),
    # "Validation Commands"
    (
        "pytest -c pytest-parallel.ini --numprocesses=2 tests/test_parallel_execution.py",
        "2 workers",
        {"under": "tests/test_parallel_execution.py"},
    ),
]


@pytest.mark.parametrize("row", COMMANDS, ids=[row[0].split("  #")[0] for row in COMMANDS])
def test_commands(sample, truth, row):
    line, shows, tests = row
    # auto is the number of processors, of which there may be one.
    env = {"PYTEST_XDIST_AUTO_NUM_WORKERS": "3"}
    more = "" if "parallel" in line or "sequential" in line else " -n 0"
    command = f"{typed(line)}{more} --report-json report.json"
    if line.endswith("run_tests.py parallel"):
        command += " -n 3"
    done = sample.run(["sh", "-c", command], env=env)
    assert done.returncode == 0, done
    assert re.search(shows, done.stdout), done
    check_outcomes(sample, truth, **tests)


# "Load Balancing: Intelligent test distribution across workers using different strategies",
# "Distribution Strategies": what stays on one worker. The first tests of the two files wait for
# each other, so that both workers have something.
SPREAD = """
import pathlib, time, pytest
class TestOne:
    def test_first(self):
        pathlib.Path(__file__ + ".up").touch()
        while len(list(pathlib.Path(__file__).parent.glob("*.up"))) < 2:
            time.sleep(0.01)
    @pytest.mark.parametrize("i", range(4))
    def test_a(self, i): pass
class TestTwo:
    @pytest.mark.parametrize("i", range(4))
    def test_b(self, i): pass
"""
STRATEGIES = {
    "--dist=loadscope": "loadscope** (default): Distributes tests by scope (class, module)",
    "": "loadscope** (default)",
    "--dist=loadfile": "loadfile**: Distributes entire test files to workers",
    "--dist=worksteal": "worksteal**: Dynamic work stealing for better load balancing",
}


def test_distribution_strategies(project):
    project.write("pytest-parallel.ini", "[pytest]\naddopts = -n 2 --dist loadscope\n")
    for name in ("test_x.py", "test_y.py"):
        project.write(name, SPREAD)
    for option, said in STRATEGIES.items():
        for command in (["parallel"], ["-c", "pytest-parallel.ini"]):
            words = [*command, *option.split(), "-n", "2", "--timeout", "60"]
            assert project.rowlock(*words, "--report-json", "report.json").returncode == 0
            for up in project.root.glob("*.up"):
                up.unlink()
            workers = {}
            for test in project.report()["tests"]:
                scope = test["id"].rsplit("::", 2 if "file" in said else 1)[0]
                workers.setdefault(scope, set()).add(test["worker"])
            everybody = set().union(*workers.values())
            assert everybody == {"gw0", "gw1"}, (words, workers)
            assert len(workers) == (2 if "file" in said else 4)
            if "steal" not in said:
                assert all(len(names) == 1 for names in workers.values()), (words, workers)
    # "`--dist=STRATEGY`: Distribution strategy (loadscope, loadfile, worksteal)"
    done = project.rowlock("parallel", "--dist=STRATEGY")
    assert done.returncode == 4 and "loadscope, loadfile, " in done.stderr, done
    assert "worksteal" in done.stderr and "STRATEGY" in done.stderr, done


# "Coverage configuration", "Parallel-specific coverage reporting", as pytest-cov has them.
MEASURING = {
    "pytest.ini": "--cov=src --cov-report=term-missing",
    "pytest-parallel.ini": "-n 2 --cov=src --cov-report=xml:coverage-parallel.xml "
    "--cov-report=json:coverage-parallel.json --cov-report=html:htmlcov/parallel",
}


def test_coverage_in_the_configuration_files(project):
    python_coverage.prepare(project)
    project.write("src/mine.py", "def f(a):\n    if a:\n        return 1\n")
    project.write("tests/test_f.py", "from mine import f\ndef test_f(): f(0)\n")
    for name, words in MEASURING.items():
        project.write(name, f"[pytest]\npythonpath = src\naddopts = {words}\n")
    done = project.rowlock("sequential", "--coverage")
    assert done.returncode == 0 and re.search(r"src/mine\.py +3 +1 .* 3\n", done.stdout), done
    assert not project.path("htmlcov").exists()
    done = project.rowlock("parallel", "--coverage")
    assert done.returncode == 0, done
    for name in ("coverage-parallel.xml", "coverage-parallel.json", "htmlcov/parallel/index.html"):
        assert project.path(name).stat().st_size > 0


def test_pytest_itself(sample):
    """ "pytest -c pytest-parallel.ini --numprocesses=4", typed as it stands."""
    words = ["-c", "pytest-parallel.ini", "--numprocesses=4", "-p", "rowlock_pytest"]
    env = {"PYTHONPATH": str(ROOT / "src" / "pytest")}
    done = sample.run([sys.executable, "-m", "pytest", *words], env=env)
    assert done.returncode == 0, done
    if importlib.util.find_spec("xdist") is None:
        assert done.stdout.startswith("rowlock ") and "4 workers" in done.stdout, done


# "GitHub Actions Example", but for the commands.
WORKFLOW = """\
- name: Run tests in parallel
- name: Upload parallel coverage
  uses: codecov/codecov-action@v3
  with:
    file: ./coverage-parallel.xml
    flags: parallel-tests
"""


def test_workflow(sample):
    """The steps that init writes, and those of docs/guide.md; the first of them is run."""
    python_coverage.prepare(sample)
    sample.write(".coveragerc", "[run]\nsource = src\n")
    assert sample.rowlock("init", "--github").returncode == 0
    written = sample.path(".github/workflows/rowlock.yml").read_text()
    ours = (ROOT / "docs" / "guide.md").read_text()
    for text in (written, ours):
        step = text.split("- name: Run tests in parallel\n")[1]
        command = re.match(r" +run: (rowlock parallel --coverage.*)", step)[1]
        upload = step.split("- name: Upload parallel coverage\n")[1].split("\n\n")[0]
        file = re.search(r"^ +files?: (\./coverage-parallel\.xml)$", upload, re.M)[1]
        assert re.search(r"^ +(?:- )?uses: codecov/codecov-action@v\d$", upload, re.M), upload
        assert re.search(r"^ +flags: parallel-tests$", upload, re.M), upload
        sample.path(file).unlink(missing_ok=True)
        done = sample.run(["sh", "-c", command])
        assert done.returncode == 0, done
        assert xml.etree.ElementTree.parse(sample.path(file)).getroot().tag == "coverage"
    steps = [line for line in WORKFLOW.splitlines() if not line.startswith("- name: Run")]
    assert "\n".join("    " + line for line in steps) in ours


# Also the step "Run tests in parallel" of "GitHub Actions Example".
COVERAGE = "python scripts/run_tests.py parallel --coverage"


def test_coverage(sample):
    """ "Coverage Configuration": "Parallel execution generates separate coverage files"."""
    python_coverage.prepare(sample)
    done = sample.run(["sh", "-c", typed(COVERAGE) + " --cov=src"])
    assert done.returncode == 0, done
    # "`coverage-parallel.xml`: XML format for CI/CD"; "file: ./coverage-parallel.xml"
    cobertura = xml.etree.ElementTree.parse(sample.path("./coverage-parallel.xml"))
    assert any("converter.py" in c.get("filename") for c in cobertura.iter("class"))
    # "`coverage-parallel.json`: JSON format for analysis"
    assert json.loads(sample.path("coverage-parallel.json").read_text())["totals"]
    # "`htmlcov/parallel/`: HTML coverage report"
    assert sample.path("htmlcov/parallel/index.html").exists()


LOGS = """
import logging
def test_logs():
    logging.getLogger("mine").warning("seen")
    assert False
"""


def test_configuration_files(sample):
    """ "pytest-parallel.ini": "Enhanced logging with worker identification"; "pytest.ini": "The
    main pytest configuration file with sequential execution defaults"."""
    sample.write("tests/test_logs.py", LOGS)
    done = sample.rowlock("-c", "pytest-parallel.ini", "-n", "2", "tests/test_logs.py")
    assert done.returncode == 1, done
    assert re.search(r"\d\d:\d\d:\d\d \[gw[01]\] WARNING mine: seen", done.stdout), done
    done = sample.rowlock("-c", "pytest.ini", "tests/test_logs.py")
    assert done.returncode == 1, done
    assert re.search(r"\d\d:\d\d:\d\d WARNING mine: seen", done.stdout), done
    assert "workers" not in done.stdout, done


# The modes of the guide's script, and which of the two files each of them reads.
MODES = {
    "sequential": "pytest.ini",
    "coverage": "pytest.ini",
    "parallel": "pytest-parallel.ini",
    "performance -m ''": "pytest-parallel.ini",
    "-n 2": "pytest.ini",
    "-c pytest.ini parallel": "pytest.ini",
    "parallel -c pytest.ini": "pytest.ini",
    "-c pytest-parallel.ini sequential": "pytest-parallel.ini",
}
USED = """
import pathlib
def test_used(pytestconfig):
    assert pytestconfig.rootpath == pathlib.Path(__file__).parents[1]
    pathlib.Path(__file__).with_name("used").write_text(pytestconfig.inipath.name)
"""


def test_which_configuration(project):
    """ "python scripts/run_tests.py parallel" reads pytest-parallel.ini without being told;
    "Flexible Configuration: Support for both sequential and parallel execution modes"."""
    python_coverage.prepare(project)
    project.write("pytest.ini", "[pytest]\n")
    project.write("pytest-parallel.ini", "[pytest]\naddopts = -n 2\n")
    project.write("sub/test_u.py", USED)
    used = project.path("sub/used")
    for words, file in MODES.items():
        done = project.run(["sh", "-c", f"rowlock {words}"])
        assert (done.returncode, used.read_text()) == (0, file), (words, done)
        used.unlink()
    for words in ("parallel -v", "parallel -v ../sub", "generate -v", "list -v"):
        done = project.run(["sh", "-c", f"rowlock {words}"], cwd=project.path("sub"))
        assert done.returncode == 0, done
        assert re.search(r"^rowlock: configuration: .*-parallel\.ini;", done.stderr, re.M), done
    done = project.make("-C", "sub", "-f", ".rowlock/tests.mk")
    assert (done.returncode, used.read_text()) == (0, "pytest-parallel.ini"), done
    # What is wrong in it is told with its name, by validate too.
    project.write("pytest-parallel.ini", "[pytest]\naddopts = -n many\n")
    assert "pytest-parallel.ini" in project.rowlock("parallel").stderr
    assert project.rowlock("sequential").returncode == 0
    project.write("pytest-parallel.ini", "[pytest]\nrequired_plugins = pytest-of-nobody\n")
    done = project.rowlock("validate")
    assert done.returncode == 1 and "pytest-of-nobody" in done.stdout, done


def test_validate(sample):
    """ "python scripts/run_tests.py validate"."""
    done = sample.run(["sh", "-c", typed("python scripts/run_tests.py validate")])
    assert done.returncode == 0, done
    assert "GNU Make" in done.stdout and "jobserver" in done.stdout, done


# "Environment Variables": each with what the guide says of it.
VARIABLES = {
    "FQCN_TEST_WORKER_ID": "Current worker ID",
    "FQCN_TEST_TEMP_DIR": "Worker-specific temporary directory",
    "FQCN_TEST_MODE": "'parallel' or 'sequential'",
    "FQCN_CONFIG_DIR": "Worker-specific config directory",
    "FQCN_CACHE_DIR": "Worker-specific cache directory",
}
# Two tests that wait for each other, so that two workers have one each; then a lone one.
WAITING = """
import json, os, pathlib, time, pytest

@pytest.mark.parametrize("me, other", [("a", "b"), ("b", "a")])
def test_meet(me, other):
    pathlib.Path(me).write_text(json.dumps(dict(os.environ)))
    while not pathlib.Path(other).exists():
        time.sleep(0.01)
"""


def test_environment_variables(project):
    project.write("test_env.py", WAITING)
    done = project.rowlock("parallel", "-n", "2", "--dist", "load", "--timeout", "60")
    assert done.returncode == 0, done
    workers = [json.loads(project.path(name).read_text()) for name in "ab"]
    for name, said in VARIABLES.items():
        values = {worker[name] for worker in workers}
        # "Each worker gets isolated temporary directories and environment variables"
        assert len(values) == (1 if "or" in said.split() else 2), (name, values)
    assert workers[0]["FQCN_TEST_MODE"] == "parallel"
    assert {w["FQCN_TEST_WORKER_ID"] for w in workers} == {"gw0", "gw1"}
    assert project.rowlock("sequential", "-k", "a-b").returncode == 0
    alone = json.loads(project.path("a").read_text())
    assert alone["FQCN_TEST_MODE"] == "sequential"
    assert alone["FQCN_TEST_WORKER_ID"] == "master"


# "pytest-xdist Options", in the words of the guide; STRATEGY stands above.
# Each worker has one failure, as both wait for the other one's.
MEETING = """
import pathlib, time, pytest
def test_first():
    pathlib.Path(__file__ + ".up").touch()
    while len(list(pathlib.Path(__file__).parent.glob("*.up"))) < 2:
        time.sleep(0.01)
    assert 0
@pytest.mark.parametrize("i", range(200))
def test_more(i): time.sleep(0.05)
"""
FAILING = "import pytest\n@pytest.mark.parametrize('i', range(6))\ndef test_f(i): assert i < 0\n"
PIDS = """
import os, pathlib, pytest
@pytest.mark.parametrize("i", range(4))
def test_p(i): pathlib.Path(f"pid-{os.getpid()}").touch()
"""


def test_options(project):
    project.write("test_f.py", FAILING)
    # "`--maxfail=N`: Stop after N failures across all workers"
    done = project.rowlock("-n", "1", "--maxfail=2", "--report-json", "report.json")
    assert done.returncode == 1, done
    assert list(project.outcomes().values()).count("failed") == 2
    across = project.other()
    for name in ("test_a.py", "test_b.py"):
        across.write(name, MEETING)
    done = across.rowlock("parallel", "-n", "2", "--maxfail=2", "--report-json", "report.json")
    assert done.returncode == 1, done
    outcomes = across.outcomes()
    assert list(outcomes.values()).count("failed") == 2
    assert len(outcomes) < 300
    other = project.other()
    other.write("test_p.py", PIDS)
    # "`--forked`: Use forked processes for better isolation"
    done = other.rowlock("--numprocesses=1", "--forked")
    assert done.returncode == 0, done
    assert len(list(other.root.glob("pid-*"))) == 4
    # "`--numprocesses=N`: Number of worker processes"
    done = other.rowlock("--numprocesses=3")
    assert "3 workers" in done.stdout, done
    # "`--numprocesses=auto`: Auto-detect optimal worker count"
    done = other.rowlock("--numprocesses=auto", "-v")
    processors = len(os.sched_getaffinity(0))
    workers = int(re.search(r"(\d+) workers?", done.stdout).group(1))
    assert done.returncode == 0 and 1 <= workers <= processors, done


# "Worker Count Optimization". Each test waits until COUNT of them run at the same time.
TOGETHER = """
import os, pathlib, time, pytest
@pytest.mark.parametrize("i", range(int(os.environ["COUNT"])))
def test_waits(i):
    pathlib.Path(f"up-{i}").touch()
    while len(list(pathlib.Path().glob("up-*"))) < int(os.environ["COUNT"]):
        time.sleep(0.01)
"""
# Tests that fail if they do not run alone.
APART = """
import os, time, pytest
@pytest.mark.parametrize("i", range(6))
def test_apart(i):
    os.mkdir("busy")
    time.sleep(0.02)
    os.rmdir("busy")
"""
# Becomes the command that its arguments are.
ON_ONE_CPU = """
import os, sys
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
os.execvp(sys.argv[1], sys.argv[1:])
"""


def test_worker_counts(project):
    project.write("test_w.py", "def test_one(): pass\ndef test_two(): pass\n")
    # "Automatic Worker Detection: Automatically detects optimal number of workers based on CPU
    # cores", "Use `--numprocesses=auto` for automatic optimization"
    for words in (["parallel"], ["--numprocesses=auto"]):
        words = ["env", "-u", "PYTEST_XDIST_AUTO_NUM_WORKERS", project.program, *words]
        done = project.run([sys.executable, "-c", ON_ONE_CPU, *words])
        assert done.returncode == 0 and re.search(r"\b1 worker\b", done.stdout), done
    # "CPU-bound tests: Use number of CPU cores"
    cores = len(os.sched_getaffinity(0))
    done = project.rowlock("parallel", f"--workers={cores}")
    assert re.search(rf"\b{cores} workers?\b", done.stdout), done
    # "I/O-bound tests: Can use more workers than CPU cores"
    project.write("test_w.py", TOGETHER)
    more = str(cores + 3)
    words = ["--workers", more, "--dist", "load", "--timeout", "60"]
    done = project.rowlock("parallel", *words, env={"COUNT": more})
    assert done.returncode == 0 and f"{more} passed" in done.stdout, done
    # "Memory-intensive tests: Use fewer workers to avoid memory pressure"
    project.write("test_w.py", APART)
    done = project.rowlock("parallel", "-n", "4", "--dist", "load", "--maxprocesses", "1")
    assert done.returncode == 0 and "6 passed" in done.stdout, done
    # Without being told: no machine has as much.
    project.write("pytest.ini", "[pytest]\n[rowlock]\nmemory_floor = 1000000G\n")
    done = project.rowlock("parallel", "-n", "4", "--dist", "load")
    assert done.returncode == 0 and "4 workers" in done.stdout, done


def test_reporting(project):
    """ "Comprehensive Reporting: Detailed coverage and performance reporting for parallel
    execution"."""
    python_coverage.prepare(project)
    project.write("src/mine.py", "def f(a):\n    if a:\n        return 1\n")
    project.write("pytest.ini", "[pytest]\npythonpath = src\n")
    project.write("test_f.py", "from mine import f\ndef test_f(): f(0)\ndef test_g(): f(0)\n")
    words = ["--coverage", "--cov=src", "--cov-report=term-missing", "--durations=2"]
    done = project.rowlock("parallel", "-n", "2", *words)
    assert done.returncode == 0 and re.search(r"src/mine\.py +3 +1 .* 3\n", done.stdout), done
    assert re.search(r" time +cpu +memory +test\n.* test_f\.py::test_[fg]\n", done.stdout), done
    done = project.rowlock("performance", "--compare", "-m", "", "-n", "2")
    assert done.returncode == 0 and "critical path" in done.stdout, done


def test_worker_id_as_it_stands(project):
    """The one example that the sample project has in other words."""
    project.write(
        "test_guide.py",
        "def test_worker_identification(worker_id):\n"
        "    assert worker_id in ['master', 'gw0', 'gw1', 'gw2', ...]\n",
    )
    for command in (["sequential"], ["parallel", "--workers", "2"]):
        assert project.rowlock(*command).returncode == 0


# "Parallel Execution Markers"
MARKED = """
import os, pathlib, time, pytest

def alone(me):
    time.sleep(0.05)
    others = [p for p in pathlib.Path("running").iterdir() if p != me]
    assert not others, others

@pytest.fixture
def running(request):
    path = pathlib.Path("running") / request.node.name
    path.touch()
    yield path
    path.unlink()

@pytest.mark.parallel_safe
@pytest.mark.parametrize("i", range(6))
def test_safe_for_parallel(i, running):
    time.sleep(0.02)

@pytest.mark.serial
@pytest.mark.parametrize("i", range(2))
def test_requires_serial_execution(i, running):
    alone(running)

@pytest.mark.resource_intensive
@pytest.mark.parallel_safe
def test_heavy_computation(running):
    pass
"""


def test_markers(project):
    """`@pytest.mark.serial`: "Tests that must run serially (not in parallel)"."""
    project.write("test_m.py", MARKED)
    project.path("running").mkdir()
    done = project.rowlock("parallel", "-n", "3", "--dist", "load", "--strict-markers")
    assert done.returncode == 0, done
    listed = json.loads(project.rowlock("list", "--json").stdout)["tests"]
    weights = {test["id"].split("::")[1].split("[")[0]: test["weight"] for test in listed}
    assert weights["test_heavy_computation"] == 2 and weights["test_safe_for_parallel"] == 1
    assert {t["serial"] for t in listed if "serial_execution" in t["id"]} == {True}


# "Using Makefile Targets", "Local Development": (the guide's line, marker).
TARGETS = [
    ("make test", None),
    ("make test-parallel", None),
    ("make test-unit-parallel", "unit"),
    ("make test-integration-parallel", "integration"),
    ("make test-performance", "performance"),
    ("time make test", None),
    ("time make test-parallel", None),
    ("python scripts/run_tests.py performance", "performance"),
]


def include_targets(project, before=""):
    shutil.copy(ROOT / "templates" / "rowlock.mk", project.root)
    project.write("Makefile", f"{before}first:\n\t@echo mine\ninclude rowlock.mk\n")


def test_make_targets(sample, truth):
    include_targets(sample)
    for line, marker in TARGETS:
        words = line.removeprefix("time ")
        given = " --report-json report.json"
        words = f"{words} ARGS='{given}'" if words.startswith("make") else typed(words) + given
        done = sample.run(["sh", "-c", words])
        assert done.returncode == 0, done
        check_outcomes(sample, truth, marker)
    done = sample.make("test-validate-parallel")
    assert done.returncode == 0 and "GNU Make" in done.stdout, done
    assert sample.make().stdout == "mine\n"
    done = sample.make("-j3", "test-compare")
    assert done.returncode == 0 and "the same verdicts" in done.stdout, done
    sample.write(
        "tests/test_mode.py",
        "import os\ndef test_m(): assert os.environ['FQCN_TEST_MODE'] == 'sequential'\n",
    )
    done = sample.make("test-compare")
    assert done.returncode != 0, done
    assert "test_mode.py::test_m: passed in .rowlock/compare/sequential.json, failed" in done.stdout
    done = sample.make("test-compare", "ARGS=-k nothing-like-it")
    assert done.returncode != 0 and "differ" not in done.stdout, done


SAME = re.compile(r"^the same verdicts in \d+ tests\nno difference in \d+ files", re.M)


def test_make_coverage(sample):
    """ "make test-cov", "make test-parallel-cov", "make quality-gate": and their files."""
    python_coverage.prepare(sample)
    for name in ("test_parallel_execution.py", "test_registry_lock.py"):
        sample.path(f"tests/{name}").unlink()
    include_targets(sample, "ROWLOCK_PREFIX = my-\nROWLOCK_LINT = @echo linted\n")
    listed = sample.make("my-help").stdout
    assert "my-test-cov" in listed and "my-quality-gate" in listed
    for target in ("my-test-cov", "my-test-parallel-cov"):
        done = sample.make(target, "ARGS=--cov=src")
        assert done.returncode == 0, done
    # "Compare coverage reports"
    compared = sample.rowlock(
        "collect", "--compare", "coverage-sequential.json", "coverage-parallel.json"
    )
    assert compared.returncode == 0, compared
    assert SAME.search(sample.make("my-test-compare", "ARGS=--cov=src").stdout)
    before = sorted(path.name for path in sample.root.iterdir())
    dry = sample.make("-n", "my-quality-gate", "ARGS=--cov=src")
    assert dry.returncode == 0 and sorted(p.name for p in sample.root.iterdir()) == before, dry
    done = sample.make("my-quality-gate", "ARGS=--cov=src", "ROWLOCK_COVERAGE=20")
    assert done.returncode == 0 and SAME.search(done.stdout), done
    assert done.stdout.endswith("linted\n"), done
    assert sample.make("my-quality-gate", "ARGS=--cov=src", "ROWLOCK_COVERAGE=99").returncode
    # Lines that only one of them runs.
    sample.write(
        "src/fqcn_converter/mode.py", "def f(mode):\n    if mode == 'parallel':\n        return 1\n"
    )
    sample.write(
        "tests/test_mode.py",
        "import os\nfrom fqcn_converter.mode import f\n"
        "def test_m(): f(os.environ['FQCN_TEST_MODE'])\n",
    )
    words = "ARGS=--cov=src --cov-report=term tests/test_mode.py"
    done = sample.make("my-test-compare", words)
    assert done.returncode != 0 and "same verdicts in 1 test\n" in done.stdout, done
    assert "mode.py:3: 0 in .rowlock/compare/sequential-coverage.json, 1 in" in done.stdout, done
