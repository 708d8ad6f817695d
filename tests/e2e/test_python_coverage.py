"""Coverage of Python: the figures are those of coverage.py."""

import importlib.machinery
import json
import os
import pathlib
import sqlite3
import subprocess
import sys

import python_coverage
from python_coverage import coverage, table
from support import is_configured

import pytest

pytestmark = pytest.mark.slow  # each case runs whole programs, more than once

CONFIG = """[run]
branch = {branch}
source = src
[report]
precision = 2
skip_empty = true
omit = */mappings.py
exclude_also =
    def __repr__
    raise
partial_branches =
    no branch
    while True
    if not
"""

# Statements over several lines, branches of all kinds, what is excluded, nested regions.
ODD = '''"""A docstring
of two lines."""
import contextlib


def choose(
    value,
    other=None,
):
    with contextlib.suppress(KeyError):
        if value:
            return {
                1: "one",
            }[value]
    for item in range(3):
        if item == value:
            break
    else:
        other = [
            x
            for x in range(3)
        ]
    while value:  # pragma: no branch
        value -= 1
    if other is None:  # pragma: no cover
        other = 1
MATCH
    try:
        return other or 1 if value else lambda: 3
    finally:
        value = 1


class Outer:
    limit = 3

    class Inner:
        def method(self):
            def nested():
                return 1
            return nested()

    def __repr__(self):
        return "Outer"

    @property
    def name(self): return "x" \\
        if self.limit else "y"

    @name.setter
    def name(self, value):
        pass


choose(1), choose(2), choose(7)
Outer().name, Outer.Inner().method()
'''

MATCH = """
    match value:
        case 0:
            pass
        case _:
            other = 2
"""
ODD = ODD.replace("MATCH\n", MATCH if sys.version_info >= (3, 10) else "\n")

EXPAT = is_configured("-DROWLOCK_EXPAT")


@pytest.fixture
def sample(project):
    python_coverage.prepare(project)
    python_coverage.copy_sample(project)
    project.write("src/fqcn_converter/odd.py", ODD)
    project.write("src/fqcn_converter/empty.py", "# nothing\n")
    project.write("src/fqcn_converter/never.py", ODD)
    return project


def measure(project):
    """Three data files of three parts of the suite."""
    first = ["tests/test_config.py", "tests/test_converter.py"]
    for i, args in enumerate((first, ["tests/test_files.py"], ["-c", "import fqcn_converter.odd"])):
        project.env["COVERAGE_FILE"] = f"{project.root}/part.{i}"
        if args[0] == "-c":
            project.write("odd.py", args[1])
            project.env["PYTHONPATH"] = f"src{os.pathsep}{project.env.get('PYTHONPATH', '')}"
            coverage(project, "run", "odd.py")
        else:
            coverage(project, "run", "-m", "pytest", "-q", "-p", "no:cacheprovider", *args)
    del project.env["COVERAGE_FILE"]
    return [f"part.{i}" for i in range(3)]


@pytest.mark.parametrize("branch", [True, False])
def test_figures_are_those_of_coverage_py(sample, branch):
    sample.write(".coveragerc", CONFIG.format(branch=branch))
    parts = measure(sample)
    starts = sample.root / "starts"
    python = sample.write("count-python", f'#!/bin/sh\necho >>{starts}\nexec python3 "$@"\n')
    os.chmod(python, 0o755)
    sample.rowlock("collect", "-q", "--python", python, *parts)
    ours = sample.rowlock("collect", "--missing", "--python", python, *parts)
    assert ours.returncode == 0, ours
    assert len(starts.read_text()) == 1  # the second time all is known
    coverage(sample, "combine", "--keep", *parts)
    theirs = coverage(sample, "report", "-m").stdout
    assert table(ours.stdout) == table(theirs)
    assert "odd.py" in theirs and "empty.py" not in theirs and "mappings.py" not in theirs
    words = ["collect", "-q", "--json=ours.json", "--xml=ours.xml", "--lcov=ours.lcov"]
    sample.rowlock(*words, "--python", python, *parts)
    for kind in ("json", "xml", "lcov"):
        coverage(sample, kind, "-q", "-o", f"theirs.{kind}")
    pair = (sample.root / "theirs.json", sample.root / "ours.json")
    assert python_coverage.json_differences(*pair) == []
    pair = (sample.root / "theirs.xml", sample.root / "ours.xml")
    assert python_coverage.xml_differences(*pair) == []
    compare = ["collect", "--python", python, "--omit=*/empty.py", "--compare", "theirs.lcov"]
    # Branches that a pattern lets count as taken are in the sums of its XML, and in no list.
    more = ("theirs.xml",) if EXPAT and not branch else ()
    for other in (".coverage", "theirs.json", "ours.lcov", *more):
        same = sample.rowlock(*compare, other)
        assert (same.returncode, same.stderr) == (0, ""), (other, same)
    # A source that has changed, or a configuration, is looked at anew.
    sample.write("src/fqcn_converter/never.py", "x = 1\n")
    sample.write(".coveragerc", CONFIG.format(branch=branch) + "fail_under = 99\n")
    ours = sample.rowlock("collect", "--python", python, *parts)
    assert ours.returncode == 1, ours
    assert "less than --fail-under 99" in ours.stderr
    assert table(ours.stdout) == table(coverage(sample, "report", "--fail-under=0").stdout)


TABLES = (
    "",
    "precision = 1\ninclude = */never.py",
    "precision = 2\ninclude = */ok10.py\nsort = stmts",
    "sort = -name\nshow_missing = true\nskip_covered = true",
    "sort = -cover\nskip_empty = true\nprecision = 3",
    "sort = +BrPart",
    "format = markdown\nsort = miss\nshow_missing = true\nskip_empty = true",
    "format = markdown\nprecision = 2",
    "format = total\nprecision = 2",
)


def test_tables_are_those_of_coverage_py(small):
    """Character for character: digits in names are sorted as numbers, columns are as wide."""
    for name in ("ok2", "ok10", "b_1"):
        small.write(f"{name}.py", "x = 1\n")
    small.write("empty.py", "")
    small.write(".coveragerc", "[run]\nbranch = true\nsource = .\nomit = test_*\n")
    test = "from module import one, two\nimport ok2, ok10, empty\none(), two(1)\n"
    coverage(small, "run", small.write("test_it.py", test))
    exact = tuple(map(int, coverage_version(small).split(".")[:2])) >= (7, 10)
    for settings in TABLES:
        small.write("rc", f"[report]\n{settings}\n")
        theirs = coverage(small, "report", "--rcfile=rc").stdout
        ours = small.rowlock("collect", "--rcfile=rc", ".coverage")
        assert ours.returncode == 0 and not ours.stderr, ours
        if exact:
            assert ours.stdout == theirs, settings
        else:
            assert table(ours.stdout) == table(theirs), settings
    small.write("rc", "[report]\nsort = size\n")
    done = small.rowlock("collect", "--rcfile=rc", "--sort=-miss", "--precision=1", ".coverage")
    assert done.stdout.splitlines()[2].split()[:2] == ["module.py", "14"] and not done.stderr, done
    done = small.rowlock("collect", "--rcfile=rc", ".coverage")
    assert "sort = 'size': no column; give name, " in done.stderr, done


def test_xml_of_settings_is_that_of_coverage_py(small):
    """Relative folders of sources, packages that are no deeper than asked for; and branches that a
    comment lets count make no difference between the data and what is written of it."""
    code = "def f(x):\n    while x:  # pragma: no branch\n        return x\n"
    for name in ("src/a/one.py", "src/a/b/two.py", "src/a/b/c/three.py"):
        small.write(name, code)
    test = "import a.one, a.b.two, a.b.c.three\na.one.f(1), a.b.two.f(2)\n"
    small.env["PYTHONPATH"] = f"{small.root}/src:{small.env.get('PYTHONPATH', '')}"
    for settings in ("relative_files = true", "[xml]\npackage_depth = 2"):
        small.write(".coveragerc", f"[run]\nbranch = true\nsource = src\n{settings}\n")
        coverage(small, "run", small.write("it.py", test))
        coverage(small, "xml", "-q", "-o", "theirs.xml")
        coverage(small, "lcov", "-q", "-o", "theirs.lcov")
        done = small.rowlock("collect", "--xml=ours.xml", "--lcov=ours.lcov", ".coverage")
        assert done.returncode == 0, done
        pair = (small.root / "theirs.xml", small.root / "ours.xml")
        assert python_coverage.xml_differences(*pair) == [], settings
        for other in ("theirs.lcov", "ours.lcov", *(("theirs.xml", "ours.xml") if EXPAT else ())):
            same = small.rowlock("collect", "--compare", ".coverage", other)
            assert same.returncode == 0, same
    text = (small.root / "ours.lcov").read_text()
    assert text.count("BRDA:2,") == 2 and text.count("BRF:2\n") == 3, text


def coverage_version(project):
    code = "import coverage; print(coverage.__version__)"
    return project.run([sys.executable, "-c", code]).stdout


def test_what_cannot_be_reported_is_named(sample):
    sample.write("gone.py", "x = 1\n")
    sample.write("bad.py", "x = 1\n")
    sample.write("main.py", "import gone, bad\n")
    coverage(sample, "run", "--branch", "main.py")
    os.remove(sample.root / "gone.py")
    sample.write("bad.py", "x = = 1\n")
    data = (sample.root / ".coverage").read_bytes()
    (sample.root / "torn").write_bytes(data[: len(data) // 2])
    (sample.root / "lines").write_bytes(data)
    with sqlite3.connect(sample.root / "lines") as db:
        db.execute("update meta set value = '0' where key = 'has_arcs'")
    done = sample.rowlock("collect", ".coverage", "torn", "lines", "none")
    assert done.returncode == 1, done
    names = [line.split(": ")[1] for line in done.stderr.splitlines()]
    names[3:] = sorted(names[3:])
    assert names == ["torn", "lines", "none", f"{sample.root}/bad.py", f"{sample.root}/gone.py"]
    assert "main.py" in done.stdout
    sample.write(".coveragerc", "[report]\nignore_errors = true\n")
    done = sample.rowlock("collect", ".coverage")
    assert (done.returncode, done.stderr) == (0, ""), done
    # Paths of other machines.
    os.rename(sample.root / "main.py", sample.root / "src" / "main.py")
    mapping = f"[paths]\nhere =\n    {sample.root}/src\n    {sample.root}\n"
    sample.write(".coveragerc", "[report]\nignore_errors = true\n" + mapping)
    assert "src/main.py" in sample.rowlock("collect", ".coverage").stdout


def test_without_coverage_py(sample):
    sample.write("main.py", "x = 1\n")
    coverage(sample, "run", "main.py")
    python = sample.write("bare", '#!/bin/sh\nexec python3 -S -I "$@"\n')
    os.chmod(python, 0o755)
    done = sample.rowlock("collect", "--python", python, ".coverage")
    assert (done.returncode, done.stdout) == (4, ""), done
    assert "coverage.py is not installed for" in done.stderr
    assert "pip install coverage" in done.stderr
    done = sample.rowlock("collect", "--python", "no-such-python", ".coverage")
    assert done.returncode == 4, done
    assert "--python" in done.stderr
    sample.write(".coveragerc", "[run]\nbranch = perhaps\n")
    done = sample.rowlock("collect", ".coverage")
    assert done.returncode == 4, done
    assert "coverage.py: " in done.stderr and "perhaps" in done.stderr


def test_quick_facts_are_those_of_coverage_py(sample):
    """What makes it sooner changes nothing: all of asyncio, email and json of this Python."""
    scripts = python_coverage.SOURCE / "src" / "pytest"
    sample.write("plain/covfacts.py", (scripts / "covfacts.py").read_text())
    sample.write("plain/covquick.py", "def start():\n    pass\n")
    library = pathlib.Path(os.__file__).parent
    names = [*library.glob("asyncio/*.py"), *library.glob("email/*.py"), *library.glob("json/*.py")]
    names += sample.root.glob("src/**/*.py")
    sample.write("paths", "".join(f"{name}\0" for name in sorted(names)))
    answers = [
        subprocess.run(
            [sys.executable, folder / "covfacts.py", "paths"],
            cwd=sample.root,
            env=sample.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
        for folder in (scripts, sample.root / "plain")
    ]
    assert answers[0].returncode == 0, answers[0].stderr
    assert len(answers[0].stdout) > 200_000
    assert answers[0].stdout == answers[1].stdout


# ---- Runs ---------------------------------------------------------------------------------------

MODULE = """import os
LEVEL = 1
if os.environ.get("NEVER"):
    LEVEL = 2


def one():
    return 1


def two(flag):
    if flag:
        return 2
    return 3


def dies():
    os.kill(os.getpid(), 9)


def last():
    return 4
"""
TESTS = """import module


def test_one():
    assert module.one() == 1


class TestTwo:
    def test_two(self):
        assert module.two(True) == 2
"""
DEATH = """import module


def test_dies():
    module.dies()
"""
LAST = """import module


def test_last():
    assert module.last() == 4
"""


@pytest.fixture
def small(project):
    python_coverage.prepare(project)
    project.write("pytest.ini", "[pytest]\npythonpath = .\n")
    project.write("module.py", MODULE)
    project.write("test_a.py", TESTS)
    project.write("test_b.py", DEATH)
    project.write("test_c.py", LAST)
    project.write("never.py", "x = 1\n")
    return project


def missing(project, name="module.py", report="coverage-parallel.json"):
    return json.loads((project.root / report).read_text())["files"][name]["missing_lines"]


@pytest.mark.parametrize("how", ["--forked", "--worker-start=spawn", "--worker-start=fork"])
def test_a_run_measures_python(small, how):
    """Lines run by the import count, a worker that dies takes nothing along of the groups that it
    had run before, what nothing has imported is there."""
    words = ["parallel", "-n1", "--coverage", "--cov=.", "--cov-branch", how]
    done = small.rowlock(*words)
    assert done.returncode == 1, done
    assert "3 passed" in done.stdout and "1 crashed" in done.stdout, done
    assert "TOTAL" in done.stdout
    assert missing(small) == [4, 14, 18]
    assert missing(small, "never.py") == [1]
    report = json.loads((small.root / "coverage-parallel.json").read_text())
    assert report["files"]["module.py"]["missing_branches"] == [[3, 4], [12, 14]]
    assert not any("rowlock" in name for name in report["files"])
    assert (small.root / "coverage-parallel.xml").is_file()
    assert (small.root / "htmlcov" / "parallel" / "index.html").is_file()
    assert not list(small.root.glob(".rowlock/runs/*/coverage"))


def test_append_adds_to_the_report_of_the_run_before(small):
    words = ["parallel", "--coverage", "--cov-branch", "--cov=module", "--cov-append"]
    assert small.rowlock(*words, "test_a.py").returncode == 0
    assert missing(small) == [4, 14, 18, 22]
    done = small.rowlock(*words, "test_c.py")
    assert done.returncode == 0 and not done.stderr, done
    (small.root / "coverage-parallel.json").rename(small.root / "appended.json")
    assert small.rowlock(*words[:-1], "test_a.py", "test_c.py").returncode == 0
    found = python_coverage.json_differences(
        small.root / "coverage-parallel.json", small.root / "appended.json"
    )
    assert not found
    done = small.rowlock(*words, "--cov-report=xml", "test_c.py")
    assert "give --cov-report=json, too" in done.stderr, done


STARTER = """import subprocess
import sys


def test_start():
    code = "import module; module.last()"
    subprocess.run([sys.executable, "-c", code], check=True)
"""


@pytest.mark.parametrize("how", ["--forked", "--worker-start=spawn", "--worker-start=fork"])
def test_processes_of_tests_are_measured(small, how):
    """As coverage.py says: Python calls process_startup() first in each process, the zygote too."""
    small.write("sitecustomize.py", "import coverage\ncoverage.process_startup()\n")
    small.write("test_b.py", STARTER)
    small.write("test_c.py", "")
    small.write("measured.cfg", "[run]\nparallel = true\nsource = .\n")
    small.env["PYTHONPATH"] = f"{small.root}:{small.env.get('PYTHONPATH', '')}"
    words = ["parallel", "-n2", "--coverage", "--cov-config=measured.cfg", how]
    assert small.rowlock(*words).returncode == 0
    assert missing(small) == [4, 14, 18, 22]
    small.env["COVERAGE_PROCESS_START"] = str(small.root / "measured.cfg")
    done = small.rowlock(*words)
    assert done.returncode == 0 and not done.stderr, done
    assert missing(small) == [4, 14, 18]
    assert not list(small.root.glob(".coverage*"))


def test_figures_of_a_run_are_those_of_coverage_py(sample):
    """pytest-cov stays away, whatever addopts say; sequential runs count the same."""
    if sample.run([sys.executable, "-c", "import pytest_cov"]).returncode:
        pytest.skip("needs pytest-cov")
    sample.write(".coveragerc", CONFIG.format(branch=True) + "fail_under = 99.5\n")
    tests = ["tests/test_config.py", "tests/test_converter.py"]
    ini = (sample.root / "pytest.ini").read_text()
    early = "required_plugins = pytest-cov\naddopts = -p pytest_cov"
    ini = ini.replace("addopts =", f"{early} --cov=src --cov-report=term-missing")
    sample.write("pytest.ini", ini)
    coverage(sample, "run", "-m", "pytest", "-qp", "no:cacheprovider", "--no-cov", *tests)
    theirs = table(coverage(sample, "report", "-m", "--fail-under=0").stdout)
    for command, name in (("parallel", "parallel"), ("coverage", "sequential")):
        words = [command, "-c", "pytest.ini", "--coverage", "--cov-report=json"]
        done = sample.rowlock(*words, *tests)
        assert done.returncode == 1, done
        assert "less than --fail-under 99.5" in done.stderr, done
        ours = table(done.stdout)
        assert ours[-len(theirs) :] == theirs, done
        same = sample.rowlock("collect", "--compare", ".coverage", f"coverage-{name}.json")
        assert same.returncode == 0, same


def test_what_suites_use_of_pytest_cov(small):
    """A marker and fixtures; pytest-cov need not be there."""
    text = TESTS.replace("def test_one():", "@pytest.mark.no_cover\ndef test_one(no_cover):")
    text += "    def test_cov(self, cov):\n        assert cov.get_option('run:branch')\n"
    small.write("test_a.py", f"import pytest\n{text}")
    small.write("pytest.ini", "[pytest]\npythonpath = .\naddopts = --strict-markers\n")
    for how in ("fork", "spawn"):
        words = ["parallel", "-n1", "--coverage", "--cov=module", "--cov-branch", "--worker-start"]
        for more in ([], ["--cov-context=test"]):
            done = small.rowlock(*words, how, *more, "test_a.py")
            assert done.returncode == 0, done
            assert ("note: --cov-context: " in done.stderr) == bool(more), done
            assert missing(small) == [4, 8, 14, 18, 22]


def test_words_of_pytest_cov(small):
    """Those that stand in addopts or are typed: none of them is in the way of a run."""
    small.write("other.py", "x = 1\n")
    small.write("test_b.py", "import other\ndef test_b(): assert other.x == 1\n")
    addopts = "--cov=nowhere --cov-reset --cov=. --cov-report=term-missing:skip-covered"
    small.write("pytest.ini", f"[pytest]\npythonpath = .\naddopts = {addopts}\n")
    reports = ["annotate", "markdown:new/cov.md", "xml:new/deep/x.xml"]
    words = [*(f"--cov-report={word}" for word in reports), "--cov-precision=2"]
    done = small.rowlock("parallel", "--coverage", *words)
    assert done.returncode == 0, done
    assert "warning: --cov-report annotate is not written" in done.stderr, done
    rows = [line.split() for line in done.stdout.splitlines() if ".py " in line]
    assert [row[0] for row in rows] == ["module.py", "never.py"], done
    assert rows[0][3:] == ["78.57%", "4,", "14,", "18"] and "skipped due to" in done.stdout, done
    assert (small.root / "new" / "deep" / "x.xml").is_file()
    markdown = (small.root / "new" / "cov.md").read_text()
    assert markdown.startswith("| Name") and "**TOTAL**" in markdown
    small.rowlock("parallel", "--coverage", "--cov-report=markdown-append:new/cov.md")
    assert (small.root / "new" / "cov.md").read_text().startswith(f"{markdown}| Name")
    done = small.rowlock("parallel", "--coverage", "--no-cov", "--cov-report=json")
    assert done.returncode == 0 and "TOTAL" not in done.stdout, done
    assert not (small.root / "coverage-parallel.json").exists()
    small.write("test_c.py", "def test_c(): assert 0\n")
    done = small.rowlock("parallel", "--coverage", "--no-cov-on-fail", "--cov-report=json")
    assert done.returncode == 1 and "a test failed, so there is no" in done.stderr, done
    assert not (small.root / "coverage-parallel.json").exists()
    done = small.rowlock("parallel", "--coverage", "--cov-report=term:skip")
    assert done.returncode == 4 and "--cov-report 'term:skip': give " in done.stderr, done


def test_cov_without_pytest_cov(small):
    """--cov alone is for pytest-cov where it is; else Rowlock does what it says."""
    path = [str(python_coverage.PLUGINS), *sys.path]
    found = importlib.machinery.PathFinder.find_spec("coverage", path)
    only = small.root / "only"
    only.mkdir()
    os.symlink(os.path.dirname(found.origin), only / "coverage")
    small.env["PYTHONPATH"] = str(only)
    if small.run([sys.executable, "-c", "import pytest_cov"]).returncode == 0:
        pytest.skip("pytest-cov is installed")
    words = ["--cov=module", "--cov-context=test", "--cov-report=lcov", "test_a.py"]
    done = small.rowlock("parallel", *words)
    assert done.returncode == 0, done
    assert "DA:8,1\n" in (small.root / "coverage-parallel.info").read_text()
    assert "TOTAL" not in done.stdout
    (only / "coverage").unlink()
    small.write("only/coverage/__init__.py", "raise ImportError\n")
    for more in ([], ["--worker-start=spawn"]):
        done = small.rowlock("parallel", *words, *more)
        assert done.returncode == 0, done
        assert done.stderr.count("note: --cov: nothing is measured") == 1, done
    done = small.rowlock("parallel", "--coverage", *words)
    assert done.returncode == 4, done
    assert "\nrowlock: --coverage: " in f"\n{done.stdout}\n{done.stderr}", done
    assert "-m pip install coverage" in done.stdout + done.stderr, done
