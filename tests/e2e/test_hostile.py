"""Ids, commands, paths, markers and values that hold whatever they like: each test runs with
its true bytes, is reported under its own name, and neither Make nor a shell expands a thing."""

import os
import pathlib
import re
import xml.etree.ElementTree as ET

import support
from hostile import FILE_NAMES, TEXTS

import pytest

# Writes its argument and a variable as they arrived, and where it ran.
RECORD = """#!/bin/sh
printf '%s' "$2" >"$OUT/$1.argument"
printf '%s' "$HOSTILE" >"$OUT/$1.variable"
pwd >"$OUT/$1.folder"
"""
SPY = '#!/bin/sh\nprintf "%s\\n" "$PWD: $*" >>"$SPY_LOG"\n'
CUT_AT = 100  # lines of progress show at least that many characters of a name


def with_spy(project):
    """Whoever calls touch, in whatever folder, is written down."""
    project.write("spy/touch", SPY, executable=True)
    project.env["PATH"] = f"{project.path('spy')}{os.pathsep}{project.env['PATH']}"
    project.env["SPY_LOG"] = str(project.path("touched"))
    return project


def assert_nothing_expanded(project):
    assert not project.path("touched").exists(), project.path("touched").read_text()
    for top in (project.root, project.temp):
        for folder, _, files in os.walk(os.fsencode(top)):
            assert b"pwned" not in files, folder


def names(texts):
    return pytest.mark.parametrize("name", list(texts))


def screen_of(done):
    return "\n" + "\n".join(support.shown(line) for line in done.stdout.split("\n"))


LETTERS = dict(zip("\a\b\t\n\v\f\r", ("\\" + letter for letter in "abtnvfr")))


def in_a_line(char):
    """How the lines of progress show a character."""
    if char in LETTERS:
        return LETTERS[char]
    return f"\\x{ord(char):02x}" if 0x80 <= ord(char) < 0xA0 else support.shown(char)


def assert_on_screen(screen, text, before="", after=""):
    """The name stands there, control bytes as \\x0a or as \\n; the lines of progress cut it."""
    forms = {support.shown(text), "".join(map(in_a_line, text))}
    if any(before + form + after in screen for form in forms):
        return
    cut = re.findall(re.escape(before) + r"(.*?)(?:\.\.\.)?" + re.escape(after), screen)
    assert any(len(part) >= CUT_AT and form.startswith(part) for part in cut for form in forms), (
        f"{support.shown(text)[:200]} is not on the screen"
    )


def native_tests(project):
    """One test for each text, which is its id, its argument, its variable and its marker."""
    record, out = str(project.path("record")), str(project.path("out"))
    project.write("record", RECORD, executable=True)
    project.path("out").mkdir()
    return [
        {
            "id": text,
            "command": [record, str(number), text],
            "env": {"HOSTILE": text, "OUT": out},
            "markers": [text],
            "timeout": 60,
        }
        for number, text in enumerate(TEXTS.values())
    ]


def junit_cases(project):
    return list(ET.parse(project.path("junit.xml")).getroot().iter("testcase"))


def junit_name(case):
    """The id. That of a test in a suite, "tests/x", stands in two attributes; tests listed
    singly count as the suite "tests"."""
    name, suite = case.get("name"), case.get("classname")
    return support.shown(f"tests/{name}" if f"{suite}/{name}" in TEXTS.values() else name)


class Run:
    """One run of all of them."""

    def __init__(self, project, done):
        self.project = project
        self.done = done
        self.recorded = {
            path.name: path.read_bytes() for path in sorted(project.path("out").iterdir())
        }
        self.screen = screen_of(done)
        self.tests, self.cases = {}, {}

    def arrived(self, name, kind):
        return self.recorded.get(f"{list(TEXTS).index(name)}.{kind}")


@pytest.fixture(scope="module")
def hostile_project(program, tmp_path_factory):
    project = with_spy(support.Project(tmp_path_factory.mktemp("hostile") / "project", program))
    project.manifest(*native_tests(project))
    yield project
    project.close()


@pytest.fixture(scope="module")
def driven(hostile_project):
    done = hostile_project.rowlock(
        "parallel", "-n", "3", "-v", "--report-json", "report.json", "--junitxml", "junit.xml"
    )
    run = Run(hostile_project, done)
    for test in hostile_project.report()["tests"]:
        run.tests.setdefault(support.shown(test["id"]), []).append(test)
    for case in junit_cases(hostile_project):
        run.cases.setdefault(junit_name(case), []).append(case)
    return run


@pytest.fixture(scope="module")
def by_make(driven):
    """The same tests by GNU Make alone."""
    project = driven.project
    for path in project.path("out").iterdir():
        path.unlink()
    generated = project.rowlock("generate")
    assert generated.returncode == 0, generated
    return Run(project, project.make("-f", ".rowlock/tests.mk", "-j4"))


class TestDriver:
    def test_all_pass_and_nothing_is_expanded(self, driven):
        assert driven.done.returncode == 0, driven.done
        assert_nothing_expanded(driven.project)
        assert f"{len(TEXTS)} passed" in driven.done.stdout

    @names(TEXTS)
    def test_bytes_arrive(self, driven, name):
        expected = support.encode(TEXTS[name])
        assert driven.arrived(name, "argument") == expected
        assert driven.arrived(name, "variable") == expected

    @names(TEXTS)
    def test_json(self, driven, name):
        wanted = support.shown(TEXTS[name])
        (test,) = driven.tests[wanted]
        assert test["outcome"] == "passed"
        if not re.search("[\udc80-\udcff]", TEXTS[name]):
            assert test["id"] == TEXTS[name]  # JSON can hold it as it is
        assert [support.shown(marker) for marker in test["markers"]] == [wanted]

    @names(TEXTS)
    def test_junit(self, driven, name):
        (case,) = driven.cases[support.shown(TEXTS[name])]
        assert not case.findall("failure") and not case.findall("error")

    @names(TEXTS)
    def test_terminal(self, driven, name):
        assert_on_screen(driven.screen, TEXTS[name], "%] PASSED ", "\n")

    def test_output_is_text_without_control_bytes(self, driven):
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\udc80-\udcff]", driven.done.stdout)


class TestMakeAlone:
    def test_all_pass_and_nothing_is_expanded(self, by_make):
        assert by_make.done.returncode == 0, by_make.done
        assert_nothing_expanded(by_make.project)

    @names(TEXTS)
    def test_bytes_arrive(self, by_make, name):
        expected = support.encode(TEXTS[name])
        assert by_make.arrived(name, "argument") == expected
        assert by_make.arrived(name, "variable") == expected

    @names(TEXTS)
    def test_terminal(self, by_make, name):
        assert_on_screen(by_make.screen, TEXTS[name], "\nPASSED ", " (gw")

    def test_dry_run_of_make_expands_nothing(self, by_make):
        assert by_make.project.make("-n", "-f", ".rowlock/tests.mk").returncode == 0
        assert_nothing_expanded(by_make.project)

    def test_report_of_the_run(self, by_make):
        done = by_make.project.rowlock("report", "--report-json", "again.json")
        assert done.returncode == 0, done
        reported = {
            support.shown(test["id"]) for test in by_make.project.report("again.json")["tests"]
        }
        assert reported == {support.shown(text) for text in TEXTS.values()}


@pytest.mark.parametrize("command", [("list",), ("parallel", "--dry-run")], ids=["list", "dry-run"])
def test_listing_shows_every_name(hostile_project, command):
    done = hostile_project.rowlock(*command)
    assert done.returncode == 0, done
    screen = screen_of(done)
    for text in TEXTS.values():
        assert_on_screen(screen, text)
    assert_nothing_expanded(hostile_project)


SELECTED = [
    "dollar-paren",
    "backquotes",
    "single-quotes",
    "semicolon",
    "hash",
    "percent",
    "colon",
    "final-backslash",
    "newline",
    "tab",
    "dash",
    "long-option",
    "invalid-utf8",
    "64-KiB",
]


@names(SELECTED)
def test_selected_by_its_id(hostile_project, name):
    done = hostile_project.rowlock(
        "parallel", "-n", "2", "--report-json", "one.json", "--", TEXTS[name]
    )
    assert done.returncode == 0, done
    (test,) = hostile_project.report("one.json")["tests"]
    assert support.shown(test["id"]) == support.shown(TEXTS[name])
    assert_nothing_expanded(hostile_project)


@names(SELECTED)
def test_named_goal(hostile_project, name):
    """make -f .rowlock/tests.mk tN for the test that bears the name."""
    assert hostile_project.rowlock("generate").returncode == 0
    number = list(TEXTS).index(name)
    out = hostile_project.path(f"out/{number}.argument")
    if out.exists():
        out.unlink()
    done = hostile_project.make("-f", ".rowlock/tests.mk", f"t{number + 1}")
    assert done.returncode == 0, done
    assert out.read_bytes() == support.encode(TEXTS[name])
    assert_nothing_expanded(hostile_project)
    # What cleaned up behind make ends on its own.
    assert support.wait_until(lambda: hostile_project.processes() == [])


def failing_project(project):
    """Every test fails and prints its own name: what a failure shows is hostile too."""
    with_spy(project)
    project.script("fail", 'printf "%s\\n" "$1"; printf "%s\\n" "$1" >&2; exit 1')
    project.manifest(
        *[{"id": text, "command": ["./fail", text], "markers": [text]} for text in TEXTS.values()]
    )
    return project


def test_failures_are_reported_under_their_names(project):
    failing_project(project)
    done = project.rowlock(
        "parallel", "-n", "2", "--report-json", "report.json", "--junitxml", "junit.xml"
    )
    assert done.returncode == 1, done
    outcomes = {support.shown(test): out for test, out in project.outcomes().items()}
    assert outcomes == {support.shown(text): "failed" for text in TEXTS.values()}
    cases = junit_cases(project)
    assert {junit_name(case) for case in cases} == set(outcomes)
    assert all(case.find("failure") is not None for case in cases)
    screen = screen_of(done)
    for text in TEXTS.values():
        assert_on_screen(screen, text)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\udc80-\udcff]", done.stdout)
    assert_nothing_expanded(project)


def test_failures_by_make_alone(project):
    failing_project(project)
    assert project.rowlock("generate").returncode == 0
    done = project.make("-f", ".rowlock/tests.mk", "-j4")
    assert done.returncode != 0
    screen = screen_of(done)
    for text in TEXTS.values():
        assert_on_screen(screen, text)
    assert_nothing_expanded(project)


def test_commands_and_folders(project):
    """The program and the current folder of a test bear hostile names."""
    with_spy(project)
    project.path("out").mkdir()
    tests = []
    for number, (name, text) in enumerate(FILE_NAMES.items()):
        command = project.write(f"commands/{text}", RECORD, executable=True)
        folder = pathlib.Path(
            os.fsdecode(os.path.join(os.fsencode(project.root), b"folders", support.encode(text)))
        )
        folder.mkdir(parents=True)
        env = {"OUT": str(project.path("out"))}
        for kind, program, cwd in (
            ("relative", f"commands/{text}", "."),
            ("absolute", os.fsencode(command).decode("utf-8", "surrogateescape"), "."),
            ("folder", f"../../commands/{text}", f"folders/{text}"),
        ):
            tests.append(
                {
                    "id": f"{kind}/{name}",
                    "command": [program, f"{kind}-{number}", text],
                    "cwd": cwd,
                    "env": env,
                }
            )
    project.manifest(*tests)
    done = project.rowlock("parallel", "-n", "3", "--report-json", "report.json")
    assert done.returncode == 0, done
    assert project.report()["summary"]["passed"] == len(tests)
    for number, text in enumerate(FILE_NAMES.values()):
        for kind in ("relative", "absolute", "folder"):
            argument = project.path(f"out/{kind}-{number}.argument").read_bytes()
            assert argument == support.encode(text)
        folder = project.path(f"out/folder-{number}.folder").read_bytes()
        assert folder.endswith(b"/folders/" + support.encode(text) + b"\n")
    assert project.make("-f", ".rowlock/tests.mk", "-j4").returncode == 0
    assert_nothing_expanded(project)


def test_suite_of_files_with_hostile_names(project):
    """A glob finds them; the suite's own name is hostile too."""
    with_spy(project)
    for text in FILE_NAMES.values():
        project.write(f"files/{text}", "#!/bin/sh\nexit 0\n", executable=True)
    suite = "$(touch pwned)`'\"#%:"
    project.manifest(suites=[{"name": suite, "format": "exec", "glob": "files/*"}])
    done = project.rowlock(
        "parallel", "-n", "3", "-v", "--report-json", "report.json", "--junitxml", "junit.xml"
    )
    assert done.returncode == 0, done
    ids = {support.shown(test["id"]) for test in project.report()["tests"]}
    assert ids == {support.shown(f"{suite}/{text}") for text in FILE_NAMES.values()}
    ET.parse(project.path("junit.xml"))
    assert_nothing_expanded(project)


def test_needed_files(project):
    """What Make can express is a prerequisite; what it cannot is still no reason to expand it."""
    with_spy(project)
    tests = []
    for name, text in FILE_NAMES.items():
        project.write(f"needs/{text}", "")
        tests.append({"id": name, "command": ["true"], "needs": [f"needs/{text}"]})
    project.manifest(*tests)
    done = project.rowlock("parallel", "-n", "2", "--report-json", "report.json")
    assert done.returncode == 0, done
    assert project.report()["summary"]["passed"] == len(tests)
    project.write("Makefile", "all: rowlock-all\ninclude .rowlock/tests.mk\n")
    included = project.make("-j2")
    assert included.returncode == 0, included
    assert_nothing_expanded(project)


ROOTS = [
    "dollar-paren",
    "make-shell",
    "backquotes",
    "all-quotes",
    "semicolon",
    "hash",
    "percent",
    "colon",
    "final-backslash",
    "newline",
    "tab",
    "dash",
    "leading-space",
    "final-space",
    "glob",
    "invalid-utf8",
    "wide",
    "equals",
    "subshell",
]


def hostile_folder(parent, text):
    path = os.path.join(os.fsencode(parent), support.encode(text))
    os.makedirs(path)
    return os.fsdecode(path)


@names(ROOTS)
def test_project_in_a_folder_with_a_hostile_name(program, tmp_path, name):
    project = support.Project(hostile_folder(tmp_path, TEXTS[name]), program)
    try:
        with_spy(project)
        project.manifest({"id": "t", "command": ["sh", "-c", "pwd >where"]})
        done = project.rowlock("parallel", "-n", "2", "--report-json", "report.json")
        assert done.returncode == 0, done
        assert project.outcomes() == {"t": "passed"}
        project.path("where").unlink()
        assert project.rowlock("generate").returncode == 0
        done = project.make("-f", ".rowlock/tests.mk", "-j2")
        assert done.returncode == 0, done
        assert project.path("where").read_bytes() == os.fsencode(project.root) + b"\n"
        assert_nothing_expanded(project)
    finally:
        project.close()


@names(ROOTS)
def test_change_to_a_folder_with_a_hostile_name(project, name):
    with_spy(project)
    folder = os.path.basename(hostile_folder(project.root, TEXTS[name]))
    project.write(
        f"{TEXTS[name]}/tests.json",
        support.json_bytes({"rowlock": 1, "tests": [{"id": "t", "command": ["true"]}]}),
    )
    target = support.decode(os.fsencode(f"./{folder}"))
    done = project.rowlock("-C", target, "parallel", "-n", "1", "--report-json", "report.json")
    assert done.returncode == 0, done
    assert_nothing_expanded(project)


def test_configuration_in_a_folder_with_a_hostile_name(project):
    for name in ("pytest.ini", "pytest-parallel.ini"):
        project.write(f"a\nb\x1b/{name}", "[pytest]\n")
    project.write("a\nb\x1b/sub/test_a.py", "def test_a(): pass\n")
    done = project.rowlock("list", "-v", cwd=project.path("a\nb\x1b/sub"))
    assert done.returncode == 0, done
    assert "/a\\nb\\x1b/pytest-parallel.ini; -c names another one\n" in done.stderr, done


@pytest.mark.parametrize("option", ["--manifest", "--ctest", "--meson"])
def test_names_of_files_in_messages(project, option):
    done = project.rowlock("parallel", f"{option}=a\rb\x1b[2J")
    assert done.returncode == 4, done
    assert "a\\rb\\x1b[2J: " in done.stderr and "\x1b" not in done.stderr, done
    assert len(done.stderr.splitlines()) == 1, done


# Short ones: a longer TMPDIR is not used, as sockets have to lie in it.
SHORT = [
    "$(touch pwned)",
    "`touch pwned`",
    "a'b\"c",
    "a#b",
    "a%b:c",
    "a\nb",
    "a\\",
    " a ",
    "\u65e5\u672c",
]


@pytest.mark.parametrize("text", SHORT, ids=range(len(SHORT)))
def test_temporary_folder_with_a_hostile_name(project, text):
    with_spy(project)
    folder = hostile_folder(project.temp, text)
    script = 'cd "$TMPDIR" && : >x && printf %s "$TMPDIR" >"$OUT/shell"'
    python = "open(OUT, 'w').write(str(tmp_path)); open(os.environ['TMPDIR'] + '/x', 'w').close()"
    project.write(
        "test_x.py",
        f"import os\nOUT = {str(project.path('python'))!r}\ndef test_x(tmp_path): {python}\n",
    )
    project.manifest(
        {"id": "t", "command": ["sh", "-c", script], "env": {"OUT": str(project.root)}},
        suites=[{"name": "py", "format": "pytest", "paths": ["test_x.py"]}],
    )
    done = project.rowlock("parallel", "-n", "2", env={"TMPDIR": folder})
    assert done.returncode == 0, done
    assert project.path("shell").read_bytes().startswith(os.fsencode(folder) + b"/")
    assert project.path("python").exists()
    assert not [name for name in os.listdir(folder) if name.startswith("rl-")]
    assert_nothing_expanded(project)


PYTEST_SUITE = """
import os
import pytest

TEXTS = {texts!r}

@pytest.mark.parametrize("text", TEXTS, ids=TEXTS)
def test_hostile(text):
    assert os.environ["PYTEST_CURRENT_TEST"]

def test_fails():
    print({text!r})
    assert {text!r} == ""
"""


def test_pytest_suite(project):
    """Parametrized ids, the names of files and folders."""
    with_spy(project)
    texts = [text for text in TEXTS.values() if not re.search("[\udc80-\udcff\0]", text)]
    body = PYTEST_SUITE.format(texts=texts, text="$(touch pwned)\n`x` \x1b[1m <&>")
    names_of_folders = ["$(touch pwned)", "it's", "a;b#c%d", 'x"y`z', "a b", "ü"]
    for number, folder in enumerate(names_of_folders):
        project.write(f"{folder}/test_{number}.py", body if number == 0 else "def test(): pass\n")
    project.write("pytest.ini", "[pytest]\n")
    plain = project.pytest_plain("-p", "no:cacheprovider")
    done = project.rowlock(
        "parallel", "-n", "2", "--report-json", "report.json", "--junitxml", "junit.xml"
    )
    assert done.returncode == plain.returncode == 1, done
    assert project.outcomes() == plain.outcomes
    cases = junit_cases(project)
    assert len(cases) == len(plain.outcomes)
    make = project.make("-f", ".rowlock/tests.mk", "-j2")
    assert make.returncode != 0
    assert_nothing_expanded(project)
