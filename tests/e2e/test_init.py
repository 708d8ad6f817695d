"""rowlock init: what it finds, what it writes, what it leaves alone, and that it runs then."""

import json
import os
import pathlib
import re
import shutil
import sys

import needs
import pytest
import python_coverage

SOURCE = pathlib.Path(os.environ.get("ROWLOCK_SRCDIR", pathlib.Path(__file__).parents[2]))
sys.path.append(str(SOURCE / ".tools" / "yaml"))
try:
    import yaml
except ImportError:
    yaml = None
ACTIONLINT = shutil.which("actionlint") or shutil.which("actionlint", path=SOURCE / ".tools/bin")

PYTEST = {"tests/test_a.py": "def test_one():\n    pass\n\n\ndef test_two():\n    pass\n"}
CMAKE = {
    "CMakeLists.txt": "cmake_minimum_required(VERSION 3.16)\nproject(p LANGUAGES NONE)\n"
    "enable_testing()\nadd_test(NAME one COMMAND true)\n"
}
MESON = {"meson.build": "project('p')\ntest('one', find_program('true'))\n"}
SCRIPTS = {"t/a.t": "#!/bin/sh\necho 1..1\necho ok 1\n", "tests/test_b.sh": "#!/bin/sh\nexit 0\n"}
# As a release has it: the Makefile.in is there, and no Automake is needed.
AUTOTOOLS = {
    "configure.ac": "AC_INIT([p], [1])\nAC_CONFIG_FILES([Makefile])\nAC_OUTPUT\n",
    "Makefile.am": "check_SCRIPTS = one.sh\nTESTS = $(check_SCRIPTS) \\\n  two.sh # why\n"
    "TESTS += $(wildcard x*)\nXFAIL_TESTS = two.sh\n",
    "Makefile.in": "all:\ncheck: all\n",
    "one.sh": "#!/bin/sh\nexit 0\n",
    "two.sh": "#!/bin/sh\nexit 1\n",
}

KINDS = [
    pytest.param("pytest", PYTEST, [], 2, id="pytest"),
    pytest.param(
        "CMake",
        CMAKE,
        [["cmake", "-S", ".", "-B", "build"], ["cmake", "--build", "build"]],
        1,
        id="cmake",
        marks=needs.cmake,
    ),
    pytest.param(
        "Meson",
        MESON,
        [["meson", "setup", "build"], ["meson", "compile", "-C", "build"]],
        1,
        id="meson",
        marks=needs.meson,
    ),
    pytest.param(
        "Automake",
        AUTOTOOLS,
        [["autoconf"], ["./configure", "-q"], ["make", "check", "TESTS="]],
        2,
        id="autotools",
        marks=needs.autoconf,
    ),
    pytest.param("TAP scripts, shell scripts", SCRIPTS, [], 2, id="scripts"),
    pytest.param("pytest, TAP scripts, shell scripts", dict(PYTEST, **SCRIPTS), [], 4, id="mixed"),
]


def fill(project, files):
    for name, text in files.items():
        project.write(name, text, executable=text.startswith("#!"))


def snapshot(project):
    return {
        str(p.relative_to(project.root)): (p.read_bytes(), p.stat().st_mtime_ns)
        for p in project.root.rglob("*")
        if p.is_file()
    }


@pytest.mark.parametrize("kind, files, build, n", KINDS)
def test_sets_up(project, kind, files, build, n):
    fill(project, files)
    before = snapshot(project)

    shown = project.rowlock("init", "--dry-run", "--github")
    assert shown.returncode == 0 and "would write tests.json" in shown.stdout, shown
    assert '| \t"rowlock":\t1' in shown.stdout, shown
    assert snapshot(project) == before

    done = project.rowlock("init")
    assert done.returncode == 0, done
    assert f"this project: {kind}\n" in done.stdout
    written = set(re.findall(r"^  wrote +(\S+)$", done.stdout, re.M))
    assert written == set(snapshot(project)) - set(before)
    assert ("pytest.ini" in written) == ("pytest" in kind)

    after = snapshot(project)
    again = project.rowlock("init")
    assert again.returncode == 0 and "nothing to do: all is up to date" in again.stdout, again
    assert snapshot(project) == after

    for command in build:
        step = project.run(command)
        assert step.returncode == 0, step
    run = project.rowlock("parallel", "-n", "2", "--report-json", "report.json")
    assert run.returncode == 0, run
    outcomes = project.outcomes()
    assert len(outcomes) == n and set(outcomes.values()) == {"passed"}, run
    made = project.make("test-parallel")
    assert made.returncode == 0 and f"{n} passed" in made.stdout, made


def test_keeps_what_is_there(project):
    fill(project, PYTEST)
    mine = "[pytest]\npython_functions = test_*\naddopts = -ra\nmarkers =\n    mine: of mine\n"
    project.write("pytest.ini", mine)
    project.write("tests.json", '{"rowlock": 1}\n')
    project.write("Makefile", "all:\n")
    done = project.rowlock("init")
    assert done.returncode == 0, done
    assert re.search(r"^  kept +tests\.json \(it exists and differs; --force", done.stdout, re.M)
    assert project.path("pytest.ini").read_text() == mine
    assert project.path("tests.json").read_text() == '{"rowlock": 1}\n'
    parallel = project.path("pytest-parallel.ini").read_text()
    assert "python_functions = test_*\n" in parallel and "    mine: of mine\n" in parallel
    assert re.search(
        r"^addopts =\n    -ra\n(    #.*\n)?    -n auto\n    --dist loadscope\n", parallel, re.M
    )

    only = project.rowlock("init", "--force", "tests.json")
    assert only.returncode == 0 and "replaced    tests.json" in only.stdout, only
    assert project.path("pytest.ini").read_text() == mine
    assert json.loads(project.path("tests.json").read_text())["suites"][0]["format"] == "pytest"

    assert "replaced    pytest.ini" in project.rowlock("init", "--force").stdout
    assert "testpaths = tests" in project.path("pytest.ini").read_text()
    # A Makefile that init has not written is nobody's to replace.
    assert project.path("Makefile").read_text() == "all:\n"


CONFIGS = {
    "pyproject.toml": '[tool.pytest.ini_options]\naddopts = ["-k", "not two"]\n'
    'markers = ["serial: mine"]\nxfail_strict = true\n',
    "tox.ini": "[tox]\nenvlist = py\n[pytest]\naddopts = -k 'not two'\n"
    "[rowlock]\ntimeouts =\n    slow: 300,\n    unit: 5\n",
    "setup.cfg": "[metadata]\nname = x\n[tool:pytest]\naddopts = -k 'not two'\n",
}


@pytest.mark.parametrize("name", CONFIGS)
def test_configured_elsewhere(project, name):
    """A pytest.ini would silently take the place of what the project has."""
    fill(project, PYTEST)
    project.write(name, CONFIGS[name])
    if name == "pyproject.toml":
        python = project.run(["python3", "-c", "import tomllib"])
        if python.returncode != 0:
            pytest.skip("this Python has no tomllib")
    done = project.rowlock("init")
    assert done.returncode == 0 and f"as it is    {name}" in done.stdout, done
    assert not project.path("pytest.ini").exists()
    assert project.path(name).read_text() == CONFIGS[name]
    for words in (["-c", "pytest-parallel.ini"], ["parallel"]):
        run = project.rowlock(*words, "--report-json", "report.json")
        assert run.returncode == 0, run
        assert list(project.outcomes().values()) == ["passed"]
    below = project.rowlock("-C", "tests", "init")
    assert below.returncode == 4 and "in that folder" in below.stderr, below


def test_mistakes(project):
    empty = project.rowlock("init")
    assert empty.returncode == 5 and "write a test first" in empty.stderr, empty
    fill(project, SCRIPTS)
    typo = project.rowlock("init", "--gihub")
    assert typo.returncode == 4 and "did you mean --github?" in typo.stderr, typo
    other = project.rowlock("init", "nothing")
    assert other.returncode == 4 and "it would write tests.json" in other.stderr, other
    project.path("tests.json").mkdir()
    folder = project.rowlock("init")
    assert folder.returncode == 4 and "tests.json: is not a file" in folder.stderr, folder
    help_ = project.rowlock("init", "--help")
    assert help_.returncode == 0 and "--dry-run" in help_.stdout


def test_names_of_all_kinds(project):
    """Names of tests and folders are data: they reach tests.json as they are, and no Makefile."""
    fill(
        project,
        dict(AUTOTOOLS, **{"Makefile.am": "TESTS = a'b $(shell touch$IFS$9hit) é.sh a$(B)\n"}),
    )
    project.script("é.sh", "exit 0")
    done = project.rowlock("init")
    assert done.returncode == 0, done
    assert [t["id"] for t in json.loads(project.path("tests.json").read_text())["tests"]] == [
        "é.sh"
    ]
    assert "which only Make can tell" in done.stdout
    lists = project.other()
    fill(
        lists,
        dict(
            AUTOTOOLS,
            **{
                "Makefile.am": "EMPTY =\nA = $(B) $(B)\nB = $(A) $(A) one.sh\nSUBDIRS = . sub\n"
                "TESTS = $(EMPTY) $(A) sub/x.sh /bin/true $(X1) $(X2) $(X3) $(X4) $(X5) $(X6) $(X7)"
                " $(X8) $(X9) $(X10)\n",
                "sub/Makefile.am": "TESTS = x.sh\n",
            },
        ),
    )
    lists.script("sub/x.sh", "exit 0")
    done = lists.rowlock("init")
    assert done.returncode == 0, done
    found = json.loads(lists.path("tests.json").read_text())["tests"]
    assert [t["id"] for t in found] == ["one.sh", "sub/x.sh", "/bin/true"]
    assert found[2]["command"] == ["/bin/true"]
    assert done.stdout.count("which only Make can tell") == 10, done
    assert "Makefile.am: and 1 more" in done.stdout and "EMPTY" not in done.stdout, done
    other = project.other()
    fill(other, CMAKE)
    other.write("$(touch hit)/CMakeCache.txt", "")
    other.write("two words/CMakeCache.txt", "")
    assert other.rowlock("init").returncode == 0
    assert json.loads(other.path("tests.json").read_text())["suites"][0]["build"] == "build"


def commands(text, key):
    """The shell commands of a workflow file of ours, which uses two notations only."""
    found = re.findall(rf"^( *){key}(\|\n(?:(?:\1 {{2,}}.*)?\n)+|(?!\|).*\n)", text, re.M)
    return [c.removeprefix("|\n").strip().strip('"') for _, c in found]


@pytest.mark.parametrize("kind, files, build, n", KINDS)
def test_workflows(project, kind, files, build, n):
    fill(project, files)
    done = project.rowlock("init", "--github", "--gitlab")
    assert done.returncode == 0, done
    github = project.path(".github/workflows/rowlock.yml").read_text()
    gitlab = project.path(".gitlab-ci.yml").read_text()
    for text, key in ((github, "run: "), (gitlab, "- ")):
        steps = commands(text, key)
        assert any(s.startswith("rowlock parallel --coverage") for s in steps), steps
        assert "@" not in re.sub(r"@v\d", "", text) and "%" not in re.sub(r"%\$/", "", text)
        for step in steps:
            checked = project.run(["sh", "-nc", step])
            assert checked.returncode == 0, (step, checked)
    assert "files: ./coverage-parallel.xml" in github and "path: coverage-parallel.xml" in gitlab
    if kind.startswith("TAP"):  # needs no network: Rowlock is there, and nothing to build
        for step in commands(gitlab.split("script:")[1].split("coverage:")[0], "- "):
            ran = project.run(["sh", "-ec", step])
            assert ran.returncode == 0, ran
        assert project.path("junit.xml").exists()


# What a job of GitLab may have (https://docs.gitlab.com/ci/yaml/), as far as ours could need it.
JOB = {"image", "script", "before_script", "after_script", "coverage", "artifacts", "stage"}
JOB |= {"variables", "cache", "tags", "needs", "timeout", "retry", "allow_failure", "rules"}
ARTIFACTS = {"paths", "exclude", "expire_in", "expose_as", "name", "reports", "untracked", "when"}
GLOBAL = {"default", "include", "stages", "variables", "workflow", "spec"}


def gitlab_faults(text):
    """What GitLab would refuse in a .gitlab-ci.yml of one job or more."""
    jobs = {name: job for name, job in yaml.safe_load(text).items() if name not in GLOBAL}
    faults = [] if jobs else ["no job"]
    for name, job in jobs.items():
        faults += [f"{name}: {key}" for key in set(job) - JOB]
        script = job.get("script")
        # "- a: b" is a mapping, "- true" no string.
        if not isinstance(script, list) or not all(isinstance(c, str) and c for c in script):
            faults.append(f"{name}: script")
        if not re.fullmatch(r"/.+/", job.get("coverage", "/x/")):
            faults.append(f"{name}: coverage")
        artifacts = job.get("artifacts", {})
        faults += [f"{name}: artifacts: {key}" for key in set(artifacts) - ARTIFACTS]
        if artifacts.get("when", "always") not in ("always", "on_success", "on_failure"):
            faults.append(f"{name}: artifacts: when")
        if not all(isinstance(path, str) for path in artifacts.get("paths", [])):
            faults.append(f"{name}: artifacts: paths")
        reports = artifacts.get("reports", {})
        faults += [f"{name}: reports: {k}" for k in set(reports) - {"junit", "coverage_report"}]
        if not isinstance(reports.get("junit", ""), str):
            faults.append(f"{name}: junit")
        covered = reports.get("coverage_report", {"coverage_format": "cobertura", "path": "x"})
        if set(covered) != {"coverage_format", "path"} or covered["coverage_format"] not in (
            "cobertura",
            "jacoco",
        ):
            faults.append(f"{name}: coverage_report")
    return faults


@pytest.mark.skipif(not yaml, reason="no PyYAML (./bootstrap --ci puts it into .tools)")
@pytest.mark.parametrize("kind, files, build, n", KINDS)
def test_yaml(project, kind, files, build, n):
    """What a parser of YAML finds in the workflow files: GitLab's keys, and the commands."""
    fill(project, files)
    assert project.rowlock("init", "--github", "--gitlab").returncode == 0
    text = project.path(".gitlab-ci.yml").read_text()
    assert gitlab_faults(text) == []
    (job,) = yaml.safe_load(text).values()
    assert [c.strip() for c in job["script"]] == [
        re.sub(r"^ {6}", "", c, flags=re.M) for c in commands(text.split("coverage:")[0], "- ")
    ]
    written = job["artifacts"]["reports"]
    assert written["junit"] in job["script"][-1]
    assert written["coverage_report"]["path"] == "coverage-parallel.xml"
    assert job["artifacts"]["paths"] == ["htmlcov/parallel/"]
    # The last line of the table that a run prints.
    total = re.search(job["coverage"][1:-1], "TOTAL    40    10    75%", re.M)
    assert total and total[1] == "75"
    workflow = yaml.safe_load(project.path(".github/workflows/rowlock.yml").read_text())
    (job,) = workflow["jobs"].values()
    steps = job["steps"]
    assert all(("uses" in step) != ("run" in step) for step in steps), steps
    assert any(step.get("run", "").startswith("rowlock parallel --coverage") for step in steps)
    for good, bad, said in (
        ("script:", "scripts:", "script"),
        ("- rowlock validate", "- rowlock: validate", "script"),
        ("junit: junit.xml", "junit: 1", "junit"),
        ("cobertura", "coburtura", "coverage_report"),
        ("when: always", "when: alway", "when"),
        ("'/^TOTAL", "'^TOTAL", "coverage"),
    ):
        assert good in text
        assert any(said in fault for fault in gitlab_faults(text.replace(good, bad))), bad


@pytest.mark.skipif(not ACTIONLINT, reason="no actionlint (./bootstrap --ci puts one into .tools)")
@pytest.mark.parametrize("kind, files, build, n", KINDS)
def test_actionlint(project, kind, files, build, n):
    """It looks into the shell commands, too, where shellcheck is there; and it does find faults."""
    fill(project, files)
    assert project.rowlock("init", "--github").returncode == 0
    name = os.path.join(".github", "workflows", "rowlock.yml")
    checked = project.run([ACTIONLINT, "-no-color", name])
    assert checked.returncode == 0 and not checked.stdout, checked
    text = project.path(name).read_text()
    for good, bad, said in (
        ("runs-on: ubuntu-latest", "runs-on: ubuntu-latset", "ubuntu-latset"),
        ("steps:", "stepps:", '"stepps"'),
        ("${{ vars.", "${{ vras.", '"vras"'),
    ):
        assert good in text
        project.write(name, text.replace(good, bad))
        checked = project.run([ACTIONLINT, "-no-color", name])
        assert checked.returncode == 1 and said in checked.stdout, (bad, checked)


# Of each kind one that leaves coverage data behind, or has none to leave.
C_TEST = {"m.c": "int main(void)\n{\n    return 0;\n}\n"}
GATES = [
    pytest.param(
        dict(
            C_TEST,
            **{
                "CMakeLists.txt": "cmake_minimum_required(VERSION 3.16)\nproject(p LANGUAGES C)\n"
                "enable_testing()\nadd_executable(m m.c)\nadd_test(NAME one COMMAND m)\n"
            },
        ),
        id="cmake",
        marks=needs.cmake,
    ),
    pytest.param(
        dict(C_TEST, **{"meson.build": "project('p', 'c')\ntest('one', executable('m', 'm.c'))\n"}),
        id="meson",
        marks=[needs.meson, pytest.mark.slow],
    ),
    pytest.param(
        dict(
            C_TEST,
            **{
                "configure.ac": "AC_INIT([p], [1])\nAC_PROG_CC\nAC_CONFIG_FILES([Makefile])\n"
                "AC_OUTPUT\n",
                "Makefile.in": "TESTS = m\nall: m\nm: m.c\n\t@CC@ @CFLAGS@ @LDFLAGS@ -o m m.c\n",
            },
        ),
        id="autotools",
        marks=needs.autoconf,
    ),
    pytest.param(dict(PYTEST, **SCRIPTS), id="mixed", marks=pytest.mark.slow),
    pytest.param(SCRIPTS, id="scripts"),
]


@pytest.mark.parametrize("files", GATES)
def test_quality_gate(project, files):
    """It passes in a new project, with whatever prefix; there is no build folder before."""
    fill(project, files)
    words = []
    if "tests/test_a.py" in files:
        python_coverage.prepare(project)
        words = ["ARGS=--cov=tests"]
    done = project.rowlock("init")
    assert done.returncode == 0, done
    name = "GNUmakefile" if "configure.ac" in files else "Makefile"
    text = project.path(name).read_text()
    include = "include rowlock.mk\n"
    assert text.count(include) == 1
    project.write(name, text.replace(include, f"ROWLOCK_PREFIX = rl-\n{include}"))
    if "configure.ac" in files:  # as init says, but autoreconf would need Automake
        configure = re.search(r"autoreconf --install && (\./.*) && make$", done.stdout, re.M)[1]
        step = project.run(["sh", "-c", f"autoconf && {configure}"])
        assert step.returncode == 0, step
    if name == "Makefile":
        listed = project.make()
        assert listed.returncode == 0 and "  rl-test-parallel  " in listed.stdout, listed
    run = project.make("rl-test-parallel")
    assert run.returncode == 0 and " passed in " in run.stdout, run
    gate = project.make("rl-quality-gate", *words)
    assert gate.returncode == 0 and "the same verdicts in " in gate.stdout, gate
    measured = files is not SCRIPTS
    assert ("no difference in 1 file with" in gate.stdout) == measured, gate
    for least in ("", "0"):
        project.run(["find", ".", "-name", "*.gcda", "-delete"])
        gate = project.make("rl-quality-gate", f"ROWLOCK_COVERAGE={least}")
        assert gate.returncode == 0 and "the same verdicts in " in gate.stdout, gate
        assert "TOTAL" not in gate.stdout, gate
        # Data is where the compiler puts it: the variable is none of the run's.
        data = list(project.root.rglob("*.gcda"))
        assert len(data) == ("m.c" in files) and not project.path("build/0").exists(), data


def test_words_that_ask_for_coverage(project):
    fill(project, SCRIPTS)
    assert project.rowlock("init").returncode == 0
    for words, asked in (("-k x--cov", False), ("-k x --cov=src", True), ("--coverage", True)):
        shown = project.make("-n", "test-compare", f"ARGS={words}")
        assert ("rowlock collect --compare" in shown.stdout) == asked, shown


def test_makefile_of_the_project(project):
    """Init names the lines that it lacks, and only commands that work."""
    fill(project, SCRIPTS)
    lint = ".PHONY: lint\nlint check: ; @echo it lints\n"
    project.write("Makefile", f"all: ; @:\ntest: ; @echo mine\n{lint}# include rowlock.mk\n")
    lines = ["ROWLOCK_COVERAGE = 0", "ROWLOCK_LINT = +$(MAKE) lint", "include rowlock.mk"]
    done = project.rowlock("init")
    assert "".join(f"    {line}\n" for line in lines) in done.stdout, done
    assert "left alone" in done.stdout and "rowlock parallel\n" in done.stdout, done
    assert "make test-parallel" not in done.stdout, done
    makefile = project.path("Makefile").read_text()
    project.write("Makefile", makefile + "\n".join(["ROWLOCK_PREFIX ?= rl-", *lines, ""]))
    done = project.rowlock("init", "--gitlab")
    assert done.returncode == 0 and "left alone" not in done.stdout, done
    assert done.stdout.endswith("  make rl-test-parallel\n"), done
    run = project.make("rl-test-parallel")
    assert run.returncode == 0 and "2 passed" in run.stdout, run
    gate = project.make("-j2", "rl-quality-gate")
    assert gate.returncode == 0 and "it lints\n" in gate.stdout, gate
    assert "jobserver" not in gate.stderr, gate


@needs.autoconf
def test_checkout_without_configure(project):
    fill(project, dict(AUTOTOOLS, **{"Makefile.am": AUTOTOOLS["Makefile.am"] + "lint:\n\t:\n"}))
    project.write("two.sh", "#!/bin/sh\nexit 0\n", executable=True)
    done = project.rowlock("init", "--force")
    assert "  autoreconf --install && ./configure CFLAGS=" in done.stdout, done
    early = project.make("test-parallel")
    assert early.returncode != 0, early
    assert "run autoreconf --install && ./configure" in early.stderr, early
    step = project.run(["autoconf"])
    assert step.returncode == 0, step
    early = project.make("test-parallel")
    assert "run ./configure first" in early.stderr, early
    project.path("rowlock.mk").unlink()
    done = project.rowlock("init")
    assert "  ./configure CFLAGS=" in done.stdout and "make test-parallel" in done.stdout, done
    project.write("Makefile.in", "all:\ncheck: all\nlint:\n\t@echo it lints\n")
    assert project.run(["./configure", "-q"]).returncode == 0
    project.write("tests.json", '{"rowlock": 1, "tests": [{"id": "one", "command": ["true"]}]}')
    gate = project.make("quality-gate", "ROWLOCK_COVERAGE=0")
    assert gate.returncode == 0 and "it lints\n" in gate.stdout, gate
