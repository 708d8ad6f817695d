"""Contexts of coverage.py, which tests ran a line: what is reported is what coverage.py reports."""

import html
import importlib.machinery
import json
import os
import re
import sys

import python_coverage
from python_coverage import coverage

import pytest

pytestmark = pytest.mark.slow  # each case runs whole programs, more than once

CONFIG = """[run]
branch = {branch}
source = .
dynamic_context = test_function
{more}
"""
# Lines that are no statements of their own, classes, and odd names of tests.
MODULE = '''"""A module
of more."""


def choose(
    value,
    other=None,
):
    if value:
        return {
            1: "one",
            2: other,
        }[value]
    return other


class Outer:
    limit = 3

    def method(self):
        return [
            x
            for x in range(self.limit)
        ]

    def never(self):
        return 1
'''
FIRST = """import unittest
import pytest
import module


def test_one():
    assert module.choose(1) == "one"


class TestTwo(unittest.TestCase):
    def setUp(self):
        self.outer = module.Outer()

    def test_method(self):
        assert self.outer.method() == [0, 1, 2]
"""
SECOND = """import module
import pytest


@pytest.fixture
def outer():
    yield module.Outer()
    module.choose(2)


@pytest.mark.parametrize("name", ["<b>&amp;", "ünïcode \\u2028", 'quo"te', "a,b"])
def test_names(outer, name):
    assert module.choose(0, name) == name
"""


@pytest.fixture
def sample(project):
    python_coverage.prepare(project)
    project.write("pytest.ini", "[pytest]\npythonpath = .\n")
    project.write("module.py", MODULE)
    project.write("test_first.py", FIRST)
    project.write("test_second.py", SECOND)
    return project


def measure(project, *runs):
    """A data file for each of the runs of coverage.py; their names."""
    names = [f"part.{i}" for i in range(len(runs))]
    for name, args in zip(names, runs):
        project.env["COVERAGE_FILE"] = f"{project.root}/{name}"
        coverage(project, "run", *args)
    del project.env["COVERAGE_FILE"]
    return names


def on_page(project, name="module.py"):
    """{"LINE": names} of a page of an HTML report."""
    (page,) = (project.root / "html" / "f").glob(f"{name}-*.html")
    text = page.read_text()
    hidden = [re.search(f'<div id="{part}" hidden>(.*?)</div>', text, re.DOTALL).group(1)
              for part in ("contexts", "sets")]
    names, before = [], ""
    for row in html.unescape(hidden[0]).split("\n"):
        n, rest = row.split(" ", 1)
        before = before[: int(n)] + rest
        names.append(before)
    found = {}
    for line, number in re.findall(r"<li id=(\d+) class=[hp] data-w=(\d+)", text):
        found[line] = []
        for part in hidden[1].split("\n")[int(number)].split(","):
            ends = [int(end) for end in part.split("-")]
            found[line] += names[ends[0] : ends[-1] + 1]
    return found


@pytest.mark.parametrize("branch", [True, False])
def test_json_is_that_of_coverage_py(sample, branch):
    sample.write(".coveragerc", CONFIG.format(branch=branch, more=""))
    pytest_run = ["-m", "pytest", "-qp", "no:cacheprovider"]
    parts = measure(
        sample,
        [*pytest_run, "test_first.py"],
        ["--context=second", *pytest_run, "test_second.py"],
        pytest_run,
    )
    coverage(sample, "combine", "--keep", "-q", *parts)
    coverage(sample, "json", "-q", "--show-contexts", "-o", "theirs.json")
    done = sample.rowlock("collect", "-q", "--show-contexts", "--json=ours.json", *parts)
    assert (done.returncode, done.stderr) == (0, ""), done
    theirs, ours = sample.root / "theirs.json", sample.root / "ours.json"
    assert python_coverage.json_differences(theirs, ours) == []
    contexts = json.loads(ours.read_text())["files"]["module.py"]["contexts"]
    assert contexts["5"] == ["", "second"]
    assert contexts["1"] == ["", "second"] and "test_first.test_one" in contexts["9"]
    # The configuration says the same as the option, and a report that is read has them, too.
    again = sample.root / "again.json"
    for more, inputs in (("[json]\nshow_contexts = true", parts), ("", ["ours.json"])):
        sample.write(".coveragerc", CONFIG.format(branch=branch, more=more))
        option = [] if more else ["--show-contexts"]
        done = sample.rowlock("collect", "-q", *option, "--json=again.json", *inputs)
        assert (done.returncode, done.stderr) == (0, ""), done
        assert python_coverage.json_differences(theirs, again) == []
        os.remove(again)
    # A page has those of statements.
    sample.write(".coveragerc", CONFIG.format(branch=branch, more="[html]\nshow_contexts = true"))
    done = sample.rowlock("collect", "-q", "--html=html", *parts)
    assert (done.returncode, done.stderr) == (0, ""), done
    run = json.loads(ours.read_text())["files"]["module.py"]["executed_lines"]
    assert on_page(sample) == {n: contexts[n] for n in map(str, run)}
    done = sample.rowlock("collect", "-q", "--json=again.json", *parts)
    plain = json.loads(again.read_text())
    assert plain["meta"]["show_contexts"] is False
    assert "contexts" not in plain["files"]["module.py"]
    done = sample.rowlock("collect", "--show-contexts", *parts)
    assert done.returncode == 4 and "goes with --json or --html" in done.stderr, done
    # Nobody has measured any.
    coverage(sample, "run", "--rcfile=/dev/null", "module.py")
    done = sample.rowlock("collect", "-q", "--html=html", ".coverage")
    assert done.returncode == 0 and "no contexts were measured; run" in done.stderr, done


def test_contexts_choose_what_counts(sample):
    """--contexts and [report] contexts: regular expressions of Python, looked for anywhere."""
    sample.write(".coveragerc", CONFIG.format(branch=True, more="[report]\nshow_missing = true"))
    parts = measure(
        sample,
        ["-m", "pytest", "-qp", "no:cacheprovider", "test_first.py"],
        ["--context=second", "-m", "pytest", "-qp", "no:cacheprovider", "test_second.py"],
    )
    coverage(sample, "combine", "--keep", "-q", *parts)
    theirs, ours = sample.root / "theirs.json", sample.root / "ours.json"
    tables = set()
    for regexes in (r"test_one$", r"^$,^second\|.*(?<!u)ter$", "no such test"):
        more = ["--show-contexts", f"--contexts={regexes}"]
        coverage(sample, "json", "-q", *more, "-o", "theirs.json")
        done = sample.rowlock("collect", *more, "--json=ours.json", *parts)
        assert done.returncode == 0, done
        assert ("no context of the data matches" in done.stderr) == (regexes == "no such test")
        assert python_coverage.json_differences(theirs, ours) == []
        listed = coverage(sample, "report", f"--contexts={regexes}").stdout
        assert python_coverage.table(done.stdout) == python_coverage.table(listed)
        tables.add(listed)
        by_config = "[report]\ncontexts =\n    " + regexes.replace(",", "\n    ")
        sample.write("by-config.cfg", CONFIG.format(branch=True, more=by_config))
        done = sample.rowlock("collect", "--missing", "--rcfile=by-config.cfg", *parts)
        assert python_coverage.table(done.stdout) == python_coverage.table(listed)
    assert len(tables) == 3
    done = sample.rowlock("collect", "--contexts=test_one", "ours.json")
    assert done.returncode == 0 and "of reports everything counts" in done.stderr, done
    done = sample.rowlock("collect", "--contexts=test_(", *parts)
    assert (done.returncode, done.stdout) == (4, ""), done
    assert "no regular expression: 'test_('" in done.stderr, done


# ---- Runs ---------------------------------------------------------------------------------------

RUN_CONFIG = """[run]
branch = true
source = .
[json]
show_contexts = true
"""


def without_pytest_cov(project):
    """Leaves coverage.py alone on the path."""
    path = [str(python_coverage.PLUGINS), *sys.path]
    found = importlib.machinery.PathFinder.find_spec("coverage", path)
    (project.root / "only").mkdir()
    os.symlink(os.path.dirname(found.origin), project.root / "only" / "coverage")
    project.env["PYTHONPATH"] = str(project.root / "only")
    if project.run([sys.executable, "-c", "import pytest_cov"]).returncode == 0:
        pytest.skip("pytest-cov is installed")


def contexts_of(project, report="coverage-parallel.json"):
    files = json.loads((project.root / report).read_text())["files"]
    return {name: files[name]["contexts"] for name in ("module.py", "test_first.py")}


def same_contexts(theirs, ours):
    return python_coverage.differences(theirs, ours, "/contexts/") == []


def test_runs_name_tests_as_pytest_cov_does(sample):
    """With --coverage, and with --cov where pytest-cov is and where it is not; the tests of forked
    workers have contexts of their own, and what the import ran has none."""
    if sample.run([sys.executable, "-c", "import pytest_cov"]).returncode:
        pytest.skip("needs pytest-cov")
    sample.write(".coveragerc", RUN_CONFIG)
    words = ["--cov", "--cov-context=test"]
    tests = ["test_first.py", "test_second.py"]
    pytest_cov = [sys.executable, "-m", "pytest", "-qp", "no:cacheprovider", "-p", "no:xdist"]
    done = sample.run([*pytest_cov, *words, "--cov-report=json:theirs.json", *tests])
    assert done.returncode == 0, done
    theirs = contexts_of(sample, "theirs.json")
    assert "test_first.py::test_one|run" in theirs["module.py"]["9"]
    assert "test_second.py::test_names[a,b]|teardown" in theirs["module.py"]["9"]
    assert theirs["module.py"]["1"] == [""]
    for how in ("fork", "spawn"):
        more = [*words, "-n2", "--dist=load", f"--worker-start={how}", "--cov-report=json"]
        done = sample.rowlock("parallel", "--coverage", *more, *tests)
        assert (done.returncode, done.stderr) == (0, ""), done
        assert same_contexts(theirs, contexts_of(sample)), how
        (sample.root / "coverage-parallel.json").unlink()
        done = sample.rowlock("parallel", *more, *tests)
        assert done.returncode == 0, done
        coverage(sample, "json", "-q", "-o", "kept.json")
        assert same_contexts(theirs, contexts_of(sample, "kept.json")), how
    without_pytest_cov(sample)
    more = [*words, "--cov-append", "--forked", "--cov-report=json"]
    for test in tests:
        done = sample.rowlock("parallel", *more, test)
        assert (done.returncode, done.stderr) == (0, ""), done
    assert same_contexts(theirs, contexts_of(sample))
    done = sample.rowlock("parallel", *words, "--cov-report=xml", *tests)
    assert "note: --cov-context: no report shows which test ran what" in done.stderr, done
