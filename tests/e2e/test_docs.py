"""Every command that README.md, docs/*.md and the manual pages show is run, or has its reason not
to be."""

import json
import os
import pathlib
import re
import shutil
import sys

import doc_commands
import python_coverage

import pytest

BUILD = pathlib.Path(os.environ.get("ROWLOCK_BUILDDIR") or doc_commands.ROOT).resolve()

# ---- The projects that commands are run in ---------------------------------------------------

INI = "[pytest]\nmarkers =\n    slow: takes long\n    unit: one part\n"
PARALLEL = INI + "addopts = -n auto --dist loadscope\n"
MODULE = "def double(n):\n    if n > 100:\n        return 0\n    return 2 * n\n"
TEST_A = """
import pytest
@pytest.mark.unit
def test_http(): pass
@pytest.mark.slow
def test_slow(worker_id): assert worker_id
"""
TEST_B = """
def test_one(isolated_temp_dir): assert isolated_temp_dir.is_dir()
def test_ftp(): pass
"""
TEST_U = "class TestUnit:\n    def test_u(self): pass\n    def test_v(self): pass\n"
SUITES = [
    {"name": "py", "format": "pytest", "paths": ["tests"]},
    {"name": "native", "format": "exec", "glob": "build/tests/test_*", "markers": ["unit"]},
    {"name": "sh", "format": "exec", "glob": "*.sh"},
]


def pytest_files(project):
    project.write("pytest.ini", INI)
    project.write("pytest-parallel.ini", PARALLEL)
    project.write("tests/test_a.py", TEST_A)
    project.write("tests/test_b.py", TEST_B)
    project.write("tests/unit/test_u.py", TEST_U)


def scripts(project):
    """What needs no pytest to be shown takes a tenth of the time without."""
    project.manifest(suites=SUITES[1:])
    project.script("build/tests/test_x", "echo fine")
    project.script("build/tests/test_y", "exit 77")
    project.script("a.sh", "test -n \"$FQCN_TEST_WORKER_ID\"")


def mixed(project):
    scripts(project)
    pytest_files(project)
    project.manifest(suites=SUITES)


def plain(project):
    pytest_files(project)


def failing(project):
    """The second run of the README."""
    project.manifest(
        {
            "id": "db/migrate",
            "command": [
                "sh",
                "-c",
                "echo applying 0007_users.sql; echo 'column \"mail\" exists' >&2; exit 3",
            ],
        },
        {"id": "db/daemon", "command": ["sh", "-c", "setsid sleep 600 & exit 0"]},
        {"id": "net/fetch", "command": ["sleep", "600"], "timeout": 1},
    )


def sample(project):
    shutil.copytree(
        doc_commands.ROOT / "tests" / "projects" / "fqcn-converter",
        project.root,
        ignore=shutil.ignore_patterns(".rowlock", "__pycache__", ".pytest_cache"),
        dirs_exist_ok=True,
    )


def ctest(project):
    if not (shutil.which("cmake") and shutil.which("ctest")):
        pytest.skip("cmake is not installed")
    project.write(
        "CMakeLists.txt",
        "cmake_minimum_required(VERSION 3.18)\nproject(x NONE)\nenable_testing()\n"
        "add_test(NAME net COMMAND true)\nadd_test(NAME db COMMAND true)\n"
        "add_test(NAME slow COMMAND true)\nset_tests_properties(net PROPERTIES LABELS unit)\n",
    )
    assert project.run(["cmake", "-B", "build"]).returncode == 0


def meson(project):
    if not (shutil.which("meson") and shutil.which("ninja")):
        pytest.skip("meson is not installed")
    project.write(
        "meson.build",
        "project('x')\nt = find_program('true')\n"
        "test('net', t, suite: 'fast')\ntest('db', t)\n",
    )
    assert project.run(["meson", "setup", "build"]).returncode == 0


def tap(project):
    for name in ("t/a.t", "t/basic.t", "t/sub/b.t"):
        project.script(name, "echo ok 1; echo ok 2; echo 1..2")
    project.write("lib/Mine.pm", "package Mine; 1;\n")
    project.write(
        "t/perl.t",
        "print qq{1..1\\n}, (grep { $_ eq 'lib' || $_ eq 'blib/lib' } @INC) ? '' : 'not ', "
        "qq{ok 1\\n};\n",
    )


def gtest(project):
    """A stand-in that speaks as Google Test does, which need not be installed."""
    project.script(
        "build/net_unittest",
        """
case $1 in
--gtest_list_tests) printf 'Socket.\\n  Opens\\nOther.\\n  Test\\n'; exit;;
--gtest_filter=*) names=${1#*=};;
esac
for name in $(echo "$names" | tr : ' '); do
    echo "[ RUN      ] $name"; echo "[       OK ] $name (0 ms)"
done
echo "[==========] 1 test from 1 test suite ran. (0 ms total)"
echo "[  PASSED  ] 1 test."
rm -f "$TEST_PREMATURE_EXIT_FILE"
""",
    )
    project.manifest(suites=[{"name": "unit", "format": "gtest", "glob": "build/*_unittest"}])


def native_coverage(project):
    project.write("main.c", "int part(int);\nint main(void)\n{\n    return part(1) - 1;\n}\n")
    project.write("part.c", "int part(int n)\n{\n    if (n > 7)\n        n = 3;\n    return n;\n}")
    project.write("other.info", "TN:\nSF:main.c\nDA:4,2\nLF:1\nLH:1\nend_of_record\n")
    project.write("src/__init__.py", MODULE)
    project.write("tests/test_src.py", "import src\ndef test_d(): assert src.double(2) == 4\n")
    project.write("conftest.py", "")
    project.write(".coveragerc", "[run]\nsource = src\n")
    project.manifest(
        {"id": "program", "command": ["./program"]},
        suites=[{"name": "py", "format": "pytest", "paths": ["tests"]}],
    )
    python_coverage.prepare(project)
    python_coverage.coverage(project, "run", "--source=src", "-p", "-m", "pytest", "tests")


def fresh(project):
    """A project that has tests and no configuration."""
    project.write("tests/test_a.py", TEST_A.replace("@pytest.mark.slow\n", ""))


def build(project):
    """Nothing: the commands are for the folder in which Rowlock was built."""


PROJECTS = [
    mixed, scripts, plain, failing, sample, ctest, meson, tap, gtest, native_coverage, fresh, build,
]

# ---- The commands -----------------------------------------------------------------------------

PASSED = r"={3,} .*\b\d+ passed.* in \d+\.\d\ds ={3,}"


class Case:
    """text: the command as the documentation has it; in: the project; typed: what is typed instead
    (in a word, why); status; shows: what its output has to match."""

    def __init__(self, where, text, status=0, shows=None, typed=None):
        self.where = where
        self.text = text
        self.status = status
        self.shows = shows
        self.typed = typed or text


# In this order: what stands below may use what an earlier one has left.
CASES = [
    # mixed
    Case(mixed, "rowlock parallel", shows=PASSED),
    Case(mixed, "rowlock list", shows=r"(?m)^native/test_x$"),
    Case(mixed, "rowlock list -m unit", shows=r"(?m)^tests/test_a.py::test_http$"),
    Case(mixed, "rowlock list --json -m unit", shows=r'"id": *"native/test_x"'),
    Case(mixed, 'rowlock parallel -m "unit and not slow"', shows=PASSED),
    Case(mixed, 'rowlock parallel -k "http or ftp"', shows=r"\b2 passed"),
    Case(mixed, "rowlock parallel tests/test_a.py tests/test_b.py::test_one", shows="3 passed"),
    Case(mixed, "rowlock parallel native", shows="1 passed, 1 skipped"),
    Case(mixed, "rowlock parallel --dry-run", shows="sh/a.sh"),
    Case(mixed, "rowlock --markers", shows="slow"),
    Case(mixed, "rowlock sequential", shows=PASSED),
    Case(
        mixed,
        "+rowlock parallel",  # a recipe
        typed="printf 'all:\\n\\t+rowlock parallel\\n' >outer.mk && make -j2 -f outer.mk",
        shows=r"2 workers[\s\S]*" + PASSED,
    ),
    Case(mixed, "rowlock parallel --lf", shows=PASSED),
    Case(mixed, "rowlock parallel --ff", shows=PASSED),
    Case(mixed, "rowlock parallel --count 20 tests/test_a.py", shows="40 passed"),
    Case(mixed, "rowlock parallel --resume", shows=PASSED),
    Case(mixed, "rowlock generate"),
    Case(mixed, "make -f .rowlock/tests.mk -j4", shows=r"\b8 passed, 1 skipped in"),
    Case(mixed, "make -f .rowlock/tests.mk t17", typed="make -f .rowlock/tests.mk t1"),
    Case(mixed, "make -f .rowlock/tests.mk", shows=r"\b8 passed, 1 skipped in"),
    Case(
        mixed,
        "rowlock report --compare sequential.json parallel.json",
        typed="rowlock sequential --report-json sequential.json && rowlock parallel "
        "--report-json parallel.json && rowlock report --compare sequential.json parallel.json",
        shows="the same verdicts in 9 tests",
    ),
    Case(mixed, "rowlock performance", status=5),
    Case(mixed, "rowlock performance --compare", shows="critical path"),
    Case(mixed, "rowlock validate", shows="0 failed"),
    # scripts: as mixed, without its pytest suite
    Case(scripts, "rowlock parallel sh/a.sh", shows="1 passed"),
    Case(scripts, "rowlock parallel ID", shows="1 passed", typed="rowlock parallel sh/a.sh"),
    Case(
        scripts,
        "rowlock parallel --until-fail -n 8 ID",
        shows="8 workers",
        typed="rowlock parallel --until-fail -n 8 sh/a.sh --count 2",
    ),
    Case(scripts, "rowlock parallel --workers 4", shows=r"4 workers[\s\S]*" + PASSED),
    Case(scripts, "rowlock parallel -n 4", shows=PASSED),
    Case(
        scripts,
        "rowlock parallel -n 4 -m unit --junitxml report.xml",
        shows=r"4 workers[\s\S]*\b1 passed, 1 skipped",
    ),
    Case(scripts, "rowlock parallel --lf --lfnf=none", status=5),
    Case(scripts, "rowlock parallel --nf", shows=PASSED),
    Case(scripts, "rowlock parallel --random-order", shows=r"random"),
    Case(scripts, "rowlock parallel --random-order=3391064583", shows="3391064583"),
    Case(scripts, "rowlock parallel --shard 1/4"),
    Case(
        scripts,
        "rowlock list --json --history-url URL > times.json",
        typed="rowlock list --json > times.json",  # no server: test_history_url.py has one
    ),
    Case(scripts, "rowlock parallel --shard 1/4 --shard-times times.json", shows="partition"),
    Case(
        scripts,
        "rowlock parallel --durations 10 --junitxml report.xml --report-json report.json",
        shows=r"slowest[\s\S]*" + PASSED,
    ),
    Case(
        scripts,
        "rowlock parallel --report-markdown summary.md --report-tap results.tap",
        shows=PASSED,
    ),
    Case(scripts, "rowlock report --report-markdown summary.md", shows=PASSED),
    Case(scripts, "rowlock report", shows=PASSED),
    Case(scripts, "rowlock parallel --until-fail --count 50", shows=PASSED),
    # Without an end of their own: one is given.
    Case(scripts, "rowlock parallel --until-fail", typed="rowlock parallel --until-fail --count 2"),
    Case(
        scripts,
        "rowlock parallel --until-fail --run-timeout 600",
        typed="rowlock parallel --until-fail --run-timeout 600 --count 2",
    ),
    Case(
        scripts,
        "rowlock parallel --history-url https://ci:$TOKEN@ci.example.org/rowlock/main.db",
        # Nobody listens there: one warning, and the exit code is that of the tests.
        typed="rowlock parallel --history-url http://ci:$TOKEN@127.0.0.1:9/rowlock/main.db",
        shows=PASSED,
    ),
    Case(scripts, "rowlock --help", shows="(?m)^Selection:"),
    Case(scripts, "rowlock performance --compare -m ''", shows="critical path"),
    Case(scripts, "rowlock performance --compare -m '' -n 4", shows="4 workers"),
    Case(scripts, "rowlock parallel --report-json times.json", shows=PASSED),
    Case(scripts, "rowlock performance --compare --times times.json -n 16", shows="16 workers"),
    Case(scripts, "rowlock validate -n 8", shows="8 workers at once"),
    Case(scripts, "rowlock validate --json", shows=r'"ok": true, "workers"'),
    # plain: a pytest suite and nothing else
    Case(plain, "rowlock -c pytest.ini parallel", shows="6 passed"),
    Case(plain, "rowlock -c pytest-parallel.ini", shows=r"worker[\s\S]*6 passed"),
    Case(
        plain,
        "rowlock -c pytest-parallel.ini --numprocesses=4",
        shows=r"4 workers[\s\S]*6 passed",
    ),
    Case(plain, "rowlock -n auto --dist loadfile --lf -x tests/unit", shows="2 passed"),
    Case(plain, "rowlock -n 4 --dist loadfile -x tests/unit", shows="2 passed"),
    Case(plain, "rowlock -n auto", shows="6 passed"),
    Case(plain, "rowlock -n 2", shows="6 passed"),
    Case(plain, "rowlock -n 4 --forked", shows="6 passed"),
    Case(plain, "rowlock -n 4 --reruns 2", shows="6 passed"),
    Case(
        plain,
        "PYTHONPATH=$(rowlock pytest-plugin path) pytest -p rowlock_pytest -n 4",
        shows="6 passed",
    ),
    Case(
        plain,
        "pytest -p rowlock_pytest",
        typed="PYTHONPATH=$(rowlock pytest-plugin path) pytest -p rowlock_pytest",
        shows="6 passed",
    ),
    # failing
    Case(failing, "rowlock parallel -n 2", status=1, shows=r"1 failed, 1 timed out, 1 passed"),
    # sample
    Case(sample, "rowlock parallel --durations 3", shows=r"slowest 3 durations[\s\S]*" + PASSED),
    # ctest
    Case(ctest, "cmake --build build && rowlock parallel --ctest build", shows="3 passed"),
    Case(ctest, "rowlock parallel --ctest build -n 4", shows="3 passed"),
    Case(ctest, "rowlock list --ctest build", shows=r"(?m)^db$"),
    Case(ctest, 'rowlock parallel --ctest build -k "net or db"', shows="2 passed"),
    Case(ctest, 'rowlock parallel --ctest build -k "not slow"', shows="2 passed"),
    Case(ctest, 'rowlock parallel --ctest build -m "unit and not gui"', shows="1 passed"),
    Case(ctest, "rowlock parallel --ctest build --ctest-config Debug", shows="3 passed"),
    Case(ctest, "rowlock parallel --ctest build --lf", shows="3 passed"),
    Case(ctest, "rowlock parallel --ctest build -x", shows="3 passed"),
    Case(ctest, "rowlock parallel --ctest build --timeout 60", shows="3 passed"),
    Case(ctest, "rowlock parallel --ctest build --reruns 2", shows="3 passed"),
    Case(ctest, "rowlock parallel --ctest build --until-fail --count 50", shows="3 passed"),
    Case(ctest, "rowlock parallel --ctest build --random-order", shows="3 passed"),
    Case(ctest, "rowlock parallel --ctest build --shard 1/4", shows="1 passed"),
    Case(ctest, "rowlock parallel --ctest build --junitxml report.xml", shows="3 passed"),
    # meson
    Case(meson, "meson compile -C build && rowlock parallel --meson build", shows="2 passed"),
    Case(meson, "rowlock parallel --meson build", shows="2 passed"),
    Case(meson, "rowlock list --meson build", shows=r"(?m)^db$"),
    Case(meson, "rowlock parallel --meson build -m fast", shows="1 passed"),
    Case(meson, 'rowlock parallel --meson build -m "not fast"', shows="1 passed"),
    Case(meson, "rowlock parallel --meson build db", shows="1 passed"),
    Case(meson, "rowlock parallel --meson build -n 4", shows="2 passed"),
    Case(meson, "rowlock parallel --meson build --count 10", shows="20 passed"),
    Case(meson, "rowlock parallel --meson build --maxfail 1", shows="2 passed"),
    # tap
    Case(tap, "PERL5LIB=lib rowlock parallel --tap t", shows="5 passed"),
    Case(tap, "PERL5LIB=blib/lib:blib/arch rowlock parallel --tap t", shows="5 passed"),
    Case(tap, "rowlock parallel --tap 't/*.t'", status=1, shows="1 failed"),
    Case(tap, "rowlock parallel --tap t --lf", status=1, shows="1 failed"),
    Case(tap, "rowlock parallel --tap t t/basic.t", shows="2 passed"),
    Case(tap, "rowlock parallel --tap t t/a.t", shows="2 passed"),
    Case(tap, "rowlock parallel -n 4 --tap t", status=1, shows="4 passed"),
    Case(tap, "rowlock parallel --tap t --tap 't/*/*.t'", status=1, shows="6 passed"),
    Case(tap, "rowlock parallel --tap t --random-order", status=1, shows="4 passed"),
    Case(tap, "rowlock parallel --tap t --durations 0", status=1, shows="slowest durations"),
    Case(tap, "rowlock parallel --tap t -v", status=1, shows="PASSED tap/a.t"),
    Case(tap, "rowlock parallel --tap t -rP", status=1, shows="(?m)^ok "),
    # gtest
    Case(gtest, "rowlock parallel unit/net_unittest::Socket", shows="1 passed"),
    # coverage
    Case(native_coverage, "gcc --coverage -o program main.c part.c && ./program"),
    Case(native_coverage, "rowlock collect .", shows=r"part\.c .*%"),
    Case(native_coverage, "rowlock collect", typed="rowlock collect .", shows=r"part\.c .*%"),
    Case(native_coverage, "rowlock collect --html htmlcov .", shows="TOTAL"),
    Case(native_coverage, "rowlock collect --lcov all.info . other.info", shows="TOTAL"),
    Case(native_coverage, "rowlock collect .coverage.*", shows=r"src/__init__\.py .*%"),
    Case(native_coverage, "rowlock parallel --coverage", shows=r"2 passed[\s\S]*part\.c"),
    Case(native_coverage, "rowlock parallel -n 4 --coverage --cov=src", shows="2 passed"),
    Case(native_coverage, "rowlock parallel -n 2 --coverage", shows="2 passed"),
    Case(
        native_coverage,
        "rowlock parallel --coverage --junitxml junit.xml --cov-report term "
        "--cov-report xml:coverage.xml",
        shows="2 passed",
    ),
    Case(native_coverage, "rowlock coverage", shows=r"2 passed[\s\S]*part\.c"),
    Case(native_coverage, "rowlock parallel --coverage", shows="2 passed"),
    Case(
        native_coverage,
        "rowlock collect --compare coverage-sequential.json coverage-parallel.json",
        shows="no difference",
    ),
    Case(
        native_coverage,
        "rowlock collect --compare A B",
        typed="rowlock collect --compare all.info all.info",
        shows="no difference",
    ),
    # fresh
    Case(fresh, "rowlock init --dry-run", shows=r"pytest-parallel\.ini"),
    Case(fresh, "rowlock init", shows=r"pytest-parallel\.ini"),
    Case(fresh, "rowlock init --github --gitlab", shows=r"\.gitlab-ci\.yml"),
    Case(fresh, "rowlock init --force tests.json", shows=r"tests\.json"),
    Case(
        fresh,
        "make test-parallel ARGS='-n 4 -v'",
        shows=r"4 workers[\s\S]*PASSED tests/test_a\.py::test_http",
    ),
    # build
    Case(build, "make help", typed=f"make -C '{BUILD}' help", shows="test-parallel"),
]

# What is not run, and why.
INSTALLS = "would install packages and build in place; continuous integration begins with it"
CHANGES = "would change the Python that runs these tests; test_handover.py does it in another one"
FOREIGN = "what is typed without Rowlock"
PART = "no command of its own, but what is spoken of"
ELSEWHERE = "test_the_guide.py runs it"
EXEMPT = {
    "make test-compare": ELSEWHERE,
    "make quality-gate": ELSEWHERE,
    "./bootstrap && make test-parallel": INSTALLS,
    "./bootstrap --no-install": INSTALLS,
    "./configure && make test-validate-parallel": INSTALLS,
    "rowlock pytest-plugin install": CHANGES,
    "rowlock pytest-plugin uninstall": CHANGES,
    "pytest -n 4": CHANGES,
    "pytest -c pytest-parallel.ini --numprocesses=4": CHANGES,
    "pytest -n auto": FOREIGN,
    "pytest -n 2": FOREIGN,
    "pytest -n 0": FOREIGN,
    "pytest -n 4 --dist loadfile -x tests/unit": FOREIGN,
    "pytest -c pytest-parallel.ini": FOREIGN,
    "pytest -n 4 --forked": FOREIGN,
    "pytest -n 4 --reruns 2": FOREIGN,
    "pytest -n 4 --cov=src": FOREIGN,
    "pytest --cov": FOREIGN,
    "rowlock __fixture": PART,
    "pytest -n": PART,
    "make -j": PART,
    "make -jN": PART,
    "make check -j4": FOREIGN,
    "make -j4 check": FOREIGN,
    "make check TESTS=a.sh": FOREIGN,
    "make check VERBOSE=1": FOREIGN,
    "make recheck": FOREIGN,
    "rowlock [-C DIR] [-c FILE] [COMMAND] [OPTION…] [PATH|ID…]": PART,
    "pytest -c FILE …": PART,
}

# Targets of Rowlock's own build: long, or with a network. That there are such targets is checked.
OWN_TARGET = re.compile(r'make ([a-z-]+)(?: ARGS="[^"]*")?')


def is_own_target(text):
    match = OWN_TARGET.fullmatch(text)
    if not match:
        return False
    makefile = (doc_commands.ROOT / "Makefile.in").read_text()
    phony = re.findall(r"^\.PHONY:((?:.*\\\n)*.*)", makefile, re.M)
    return match.group(1) in " ".join(phony).replace("\\\n", " ").split()


# ---- The tests --------------------------------------------------------------------------------


def test_every_command_is_accounted_for():
    found, unknown = doc_commands.commands()
    assert not unknown, "blocks of an unknown kind; see DATA in doc_commands.py"
    known = {case.text for case in CASES} | set(EXEMPT)
    new = [f"{c.place}: {c.text}" for c in found if c.text not in known]
    new = [line for line in new if not is_own_target(line.split(": ", 1)[1])]
    assert not new, "commands of the documentation that no test runs; add them to CASES"
    gone = known - {c.text for c in found}
    assert not gone, "commands that the documentation does not show any more"


def test_messages_are_real():
    """What the guide's last section quotes in bold is what the program says."""
    guide = dict(doc_commands.pages())["docs/guide.md"]
    messages = re.findall(r'\*\*"([^"]+)"\*\*', guide.split("## When something is wrong")[1])
    sources = [p for p in (doc_commands.ROOT / "src").rglob("*") if p.suffix in (".c", ".py")]
    said = "".join(path.read_text() for path in sources)
    said = re.sub(r'"\s*\n\s*"', "", said)  # literals over two lines
    assert len(messages) > 5
    assert [m for m in messages if m not in said] == []


def test_tests_that_pages_name_are_there():
    """docs/migrating.md and docs/architecture.md say which test shows what."""
    named = [
        found
        for name, text in doc_commands.pages()
        for found in re.findall(r"`((?:e2e|zygote|unit)/\w+)\.(py|c)::(\w+)`", text)
    ]
    assert len(named) > 15
    for path, suffix, test in named:
        text = (doc_commands.ROOT / "tests" / f"{path}.{suffix}").read_text()
        assert re.search(rf"\b(def|void) {test}\(", text), f"{path}.{suffix}::{test}"


@pytest.mark.slow
def test_the_manifest_of_the_manual(project):
    """The example of rowlock.json(5), with the files of which it speaks."""
    (example,) = doc_commands.manual_examples("rowlock.json.5")
    project.write("tests.json", "\n".join(example[1]))
    pytest_files(project)
    tap(project)
    project.script("build/tests/test_x", "exit 0")
    project.script("start-db", "touch up")
    project.script("migrate-test", 'test -e up && test "$LANG $1" = "C --all"')
    project.path("t/perl.t").unlink()
    done = project.rowlock("parallel", "--report-json", "report.json")
    assert done.returncode == 0, done
    tests = {test["id"]: test for test in project.report()["tests"]}
    of_each = ("db/start", "db/migrate", "native/test_x", "shell/a.t", "tests/test_b.py::test_ftp")
    assert {tests[name]["outcome"] for name in of_each} == {"passed"}
    listed = {t["id"]: t for t in json.loads(project.rowlock("list", "--json").stdout)["tests"]}
    assert listed["db/migrate"]["serial"] and "unit" in listed["native/test_x"]["markers"]


def shape(lines):
    """What of an output stays the same whatever the machine."""
    kept = []
    for line in lines:
        line = re.sub(r"={3,}", "=", re.sub(r"_{3,}", "_", re.sub(r"-{3,}", "-", line)))
        if re.match(r"\s*\d+%  |\[gw\d\] |\s*\d+\.?\d* m?s ", line):
            continue  # progress, a line of a table of times, whichever worker
        line = re.sub(r"\d+(\.\d+)*", "N", line)
        kept.append(re.sub(r"N workers.*", "N workers", line).strip())
    return [line for line in kept if line]


@pytest.mark.slow
@pytest.mark.parametrize("prepare", PROJECTS, ids=lambda p: p.__name__)
def test_commands(project, prepare):
    shown = {c.text: c.output for c in doc_commands.commands()[0] if c.output}
    prepare(project)
    project.env["TOKEN"] = "secret"
    program = f"#!/bin/sh\nexec '{sys.executable}' -m pytest \"$@\"\n"
    folder = project.write("../bin/pytest", program, executable=True).parent.resolve()
    project.env["PATH"] = f"{folder}{os.pathsep}{project.env['PATH']}"
    for case in CASES:
        if case.where is not prepare:
            continue
        done = project.run(["sh", "-c", case.typed])
        assert done.returncode == case.status, done
        text = done.stdout + done.stderr
        assert not case.shows or re.search(case.shows, text), (case.shows, done)
        if case.text in shown and case.typed == case.text:
            assert shape(done.stdout.splitlines()) == shape(shown[case.text]), done
    for name in ("report.json", "times.json"):
        if project.path(name).exists():
            json.loads(project.path(name).read_text())
