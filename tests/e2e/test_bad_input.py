"""Bad input gets one clear line that says where and what to do, the right exit code, and
leaves nothing half-written."""

import os
import re
import shutil
import subprocess

import pytest

GOOD = [
    {"id": "one", "command": ["true"], "markers": ["unit"]},
    {"id": "db/two", "command": ["true"], "markers": ["slow"]},
]
WHAT_TO_DO = re.compile(r"; .*\w|\?$")
USAGE, INTERNAL, NO_TESTS = 4, 3, 5


def snapshot(project):
    """Every file below the project's folder with its content; links with their target."""
    found = {}
    for folder, folders, files in os.walk(project.root):
        for name in folders + files:
            path = os.path.join(folder, name)
            if os.path.islink(path):
                found[path] = os.readlink(path)
            elif os.path.isfile(path):
                with open(path, "rb") as file:
                    found[path] = file.read()
            else:
                found[path] = None
    return found


def refused(project, *args, code=USAGE, lines=1, what_to_do=WHAT_TO_DO, **more):
    """Runs rowlock, which has to refuse; returns the line that it says."""
    before = snapshot(project)
    done = project.rowlock(*args, **more)
    assert done.returncode == code, done
    assert done.stdout == "", done
    assert len(done.stderr.splitlines()) == lines, done
    if lines == 1:  # those of three lines point at the place instead
        assert what_to_do.search(done.stderr), done
    assert snapshot(project) == before
    assert os.listdir(project.temp) == []
    return done.stderr


@pytest.fixture
def suite(project):
    project.manifest(*GOOD)
    return project


RUNS = [("parallel",), ("sequential",), ("generate",), ("list",)]
runs = pytest.mark.parametrize("command", RUNS, ids=[run[0] for run in RUNS])


# The command line.


@runs
def test_no_such_config(suite, command):
    assert "none.ini" in refused(suite, "-c", "none.ini", *command)


@runs
def test_no_such_manifest(suite, command):
    assert "none.json" in refused(suite, *command, "--manifest", "none.json")


def test_manifest_is_a_folder(suite):
    suite.path("folder").mkdir()
    assert "folder" in refused(suite, "parallel", "--manifest", "folder")


def test_no_such_folder(suite):
    assert "none" in refused(suite, "-C", "none", "parallel")


def test_no_such_command(suite):
    line = refused(suite, "paralel")
    assert "paralel" in line and "command" in line and "test id" in line


def test_path_without_a_value(suite):
    for option in ("-C", "-c"):
        assert option in refused(suite, option, what_to_do=re.compile("needs a"))


@pytest.mark.parametrize(
    "args, words",
    [
        (["--makers", "unit"], ["--makers", "--markers"]),
        (["--maxfial=1"], ["--maxfial", "--maxfail"]),
        (["--no-such-thing-at-all"], ["--no-such-thing-at-all", "--help"]),
        (["-n", "many"], ["-n", "many"]),
        (["-n", "-2"], ["-n", "-2"]),
        (["-n", "1e9"], ["-n", "1e9"]),
        (["-n", ""], ["-n"]),
        (["-n", "99999999999999999999"], ["-n", "99999999999999999999"]),
        (["--dist", "loadscop"], ["--dist", "loadscop", "loadscope"]),
        (["--maxfail", "x"], ["--maxfail", "x"]),
        (["--maxfail", "-1"], ["--maxfail", "-1"]),
        (["--timeout", "soon"], ["--timeout", "soon"]),
        (["--timeout", "nan"], ["--timeout", "nan"]),
        (["--timeout", "-1"], ["--timeout", "-1"]),
        (["--durations", "x"], ["--durations", "x"]),
        (["--color", "blue"], ["--color", "blue"]),
        (["--report-json"], ["--report-json"]),
        (["--junitxml"], ["--junitxml"]),
        (["-k"], ["-k"]),
    ],
    ids=lambda value: " ".join(value) if value and value[0].startswith("-") else "",
)
def test_bad_option(suite, args, words):
    line = refused(suite, "parallel", *args)
    assert all(word in line for word in words), line


@pytest.mark.parametrize("name", ["db/tow", "onee", "db/two/three", "none/at/all", "no-such.py"])
def test_no_such_test(suite, name):
    assert name in refused(suite, "parallel", name)


def test_near_test_is_named(suite):
    assert "db/two" in refused(suite, "parallel", "db/tow")


@pytest.mark.parametrize(
    "option, text, column",
    [
        ("-m", "unit and", 9),
        ("-m", "(unit", 6),
        ("-m", "unit slow", 6),
        ("-m", "unit and and slow", 10),
        ("-m", "not", 4),
        ("-m", "unit)", 5),
        ("-m", "unit & slow", 6),
        ("-m", "lock(name=)", 11),
        ("-m", "lock(name='x'", 14),
        ("-k", "a b", 3),
        ("-k", "a or", 5),
        ("-k", "(((a)", 6),
    ],
)
def test_bad_expression(suite, option, text, column):
    lines = refused(suite, "parallel", option, text, lines=3).split("\n")
    assert option in lines[0] and f"column {column}" in lines[0]
    assert lines[1].strip() == text
    assert lines[2].index("^") == lines[1].index(text) + column - 1
    assert lines[2].strip() == "^"


# The configuration.


@pytest.mark.parametrize(
    "text, place, words",
    [
        ("[pytest\nmarkers = x\n", "1:1", []),
        ("markers = x\n", "1:1", []),
        ("[pytest]\njust words\n", "2:1", []),
        ("[pytest]\n  indented = x\n", "2:", []),
        ("[pytest]\naddopts = 'open\n", "2:", ["addopts"]),
        ("[pytest]\naddopts = -x\naddopts = -v\n", "3:1", ["addopts"]),
        ("[pytest]\n[pytest]\n", "2:", ["pytest"]),
        ("[pytest]\n[rowlock]\ntimeuot = 3\n", "3:1", ["timeuot", "timeout"]),
        ("[pytest]\n[rowlock]\ntimeout = soon\n", "3:", ["timeout", "soon"]),
        ("[pytest]\n[rowlock]\ntimeout = -1\n", "3:", ["timeout", "-1"]),
        ("[pytest]\n[rowlock]\ngrace = x\n", "3:", ["grace", "x"]),
        ("[pytest]\n[rowlock]\noutput_limit = much\n", "3:", ["output_limit", "much"]),
        ("[pytest]\n[rowlock]\nworker_start = later\n", "3:", ["worker_start", "later"]),
        ("[pytest]\n[rowlock]\nenv_prefix = A B\n", "3:", ["env_prefix"]),
        ("[pytest]\naddopts = -n many\n", "", ["addopts", "-n", "many"]),
        ("[pytest]\naddopts = --dist nothing\n", "", ["addopts", "--dist", "nothing"]),
    ],
)
def test_bad_ini(suite, text, place, words):
    suite.write("pytest.ini", text)
    line = refused(suite, "parallel")
    assert f"pytest.ini:{place}" in line, line
    assert all(word in line for word in words), line


def test_bad_ini_that_is_named(suite):
    suite.write("other.ini", "[pytest]\n[rowlock]\nx = 1\n")
    assert re.search(r"other\.ini:3:1: .*; ", refused(suite, "-c", "other.ini", "parallel"))


@pytest.mark.parametrize(
    "ini",
    [
        "[pytest\nmarkers = x\n",
        "[pytest]\naddopts = --no-such-option\n",
        "[pytest]\naddopts = 'open\n",
        "[pytest]\nminversion = 99.0\n",
        "[pytest]\nrequired_plugins = no-such-plugin\n",
        "[pytest]\naddopts = -p no_such_plugin_at_all\n",
    ],
    ids=["section", "option", "quote", "minversion", "required-plugin", "missing-plugin"],
)
def test_configuration_of_a_pytest_suite(project, ini):
    """The exit code is pytest's, and so is the message where pytest has one to tell."""
    project.write("pytest.ini", ini)
    project.write("test_x.py", "def test_x(): pass\n")
    plain = project.pytest_plain("-p", "no:cacheprovider")
    done = project.rowlock("parallel", "-n", "2")
    assert done.returncode == plain.returncode != 0, (done, plain)
    said = done.stdout + done.stderr
    assert "pytest.ini" in said or plain.stderr.strip().splitlines()[-1] in said
    assert not project.path(".rowlock/tests.mk").exists()


def test_conftest_that_cannot_be_imported(project):
    project.write("conftest.py", "import no_such_module_at_all\n")
    project.write("test_x.py", "def test_x(): pass\n")
    plain = project.pytest_plain("-p", "no:cacheprovider")
    done = project.rowlock("parallel", "-n", "2")
    assert done.returncode == plain.returncode == 4
    assert "no_such_module_at_all" in done.stdout + done.stderr


def test_module_that_cannot_be_imported(project):
    project.write("test_x.py", "import no_such_module_at_all\n")
    project.write("test_y.py", "def test_y(): pass\n")
    plain = project.pytest_plain("-p", "no:cacheprovider")
    done = project.rowlock("parallel", "-n", "2")
    assert done.returncode == plain.returncode == 2
    assert "no_such_module_at_all" in done.stdout + done.stderr
    assert not project.path(".rowlock/tests.mk").exists()


def test_no_such_python(project):
    project.write("test_x.py", "def test_x(): pass\n")
    done = project.rowlock("parallel", "--python", "/no/such/python")
    assert done.returncode in (USAGE, INTERNAL), done
    assert "/no/such/python" in done.stderr
    assert len(done.stderr.splitlines()) == 1


# tests.json.

TRUE = '"command": ["true"]'


@pytest.mark.parametrize(
    "text, place, words",
    [
        ("", "1:1", ["empty"]),
        ("\n\n", "", ["empty"]),
        ("nothing", "1:1", []),
        ("[]", "1:1", ["object"]),
        ('{"rowlock": 1, "tests": [', "1:", ["closed"]),
        ('{"rowlock": 1,\n "tests": [{"id": "a", ' + TRUE + "},]}", "2:", ["comma"]),
        ('{"rowlock": 1,\n "tests": [{"id" "a"}]}', "2:18", [":"]),
        ('{"rowlock": 1,\n "tests": [{\'id\': "a"}]}', "2:13", ["quotes"]),
        ('{"rowlock": 1,\n "tests": [{"id": "a\n"}]}', "2:", []),
        ('{"rowlock": 1,\n "tests": [{"id": "\\x"}]}', "2:20", []),
        ('{"rowlock": 1,\n "tests": [{"id": "\\u00"}]}', "2:20", []),
        ('{"rowlock": 1,\n "tests": [{"id": "a\\u0000b", ' + TRUE + "}]}", "2:", ["NUL"]),
        ('{"rowlock": 01}', "1:13", []),
        ('{"rowlock": 1} x', "1:16", []),
        ('{"rowlock": 1, "rowlock": 1}', "1:16", ["rowlock"]),
        ('{"tests": []}', "1:1", ["rowlock"]),
        ('{"rowlock": 2, "tests": []}', "1:13", ["1"]),
        ('{"rowlock": "1", "tests": []}', "1:13", ["1"]),
        ('{"rowlock": 1, "test": []}', "1:16", ["test", "tests"]),
        ('{"rowlock": 1, "tests": {}}', "1:25", ["tests", "array"]),
        ('{"rowlock": 1, "tests": ["a"]}', "1:26", ["object"]),
        ('{"rowlock": 1, "tests": [{' + TRUE + "}]}", "1:26", ["id"]),
        ('{"rowlock": 1, "tests": [{"id": ""}]}', "1:33", ["id"]),
        ('{"rowlock": 1, "tests": [{"id": 3}]}', "1:33", ["id"]),
        ('{"rowlock": 1, "tests": [{"id": "a"}]}', "1:26", ["command"]),
    ],
)
def test_bad_manifest(project, text, place, words):
    project.write("tests.json", text)
    line = refused(project, "parallel")
    assert re.search(rf"tests\.json:{re.escape(place)}[\d:]*: .*; .", line + "."), line
    assert all(word in line for word in words), line


TEST = '{"rowlock": 1,\n "tests": [\n  {"id": "a",\n   "command": ["true"],\n   %s}\n ]\n}\n'


@pytest.mark.parametrize(
    "member, place, words",
    [
        ('"marker": ["unit"]', "5:4", ["marker", "markers"]),
        ('"Command": ["x"]', "5:4", ["Command"]),
        ('"comand": ["x"]', "5:4", ["comand", "command"]),
        ('"markers": "unit"', "5:15", ["markers", "array"]),
        ('"markers": [1]', "5:16", ["markers"]),
        ('"markers": [""]', "5:16", ["markers"]),
        ('"locks": {"db": 1}', "5:13", ["locks"]),
        ('"locks": [""]', "5:14", ["locks"]),
        ('"weight": 0', "5:14", ["weight"]),
        ('"weight": 1.5', "5:14", ["weight"]),
        ('"weight": "2"', "5:14", ["weight"]),
        ('"timeout": -1', "5:15", ["timeout"]),
        ('"timeout": "1 s"', "5:15", ["timeout"]),
        ('"env": ["A=b"]', "5:11", ["env"]),
        ('"env": {"A": 1}', "5:17", ["string"]),
        ('"env": {"A=B": "x"}', "5:12", ["="]),
        ('"env": {"": "x"}', "5:12", ["name"]),
        ('"cwd": 1', "5:11", ["cwd"]),
        ('"needs": "file"', "5:13", ["needs"]),
        ('"depends": "b"', "5:15", ["depends"]),
        ('"format": "exe"', "5:14", ["exe", "exec"]),
        ('"format": "pytest"', "5:14", ["pytest", "suite"]),
        ('"format": 1', "5:14", ["format"]),
    ],
)
def test_bad_member_of_a_test(project, member, place, words):
    project.write("tests.json", TEST % member)
    line = refused(project, "parallel")
    assert re.search(rf"tests\.json:{place}: .*; ", line), line
    assert all(word in line for word in words), line


SUITE = '{"rowlock": 1,\n "suites": [\n  {"name": "s", %s}\n ]\n}\n'


@pytest.mark.parametrize(
    "members, place, words",
    [
        ('"format": "exec"', "3:3", ["glob"]),
        ('"format": "exec", "glob": "none/*"', "3:43", ["none/*"]),
        ('"format": "exec", "glob": 1', "3:43", ["glob"]),
        ('"format": "exec", "globs": "x"', "3:35", ["globs", "glob"]),
        ('"format": "exce", "glob": "x"', "3:27", ["exce", "exec"]),
        ('"format": "pytest", "paths": "tests"', "3:46", ["paths"]),
    ],
)
def test_bad_suite(project, members, place, words):
    project.write("tests.json", SUITE % members)
    line = refused(project, "parallel")
    assert re.search(rf"tests\.json:{place}: .*; ", line), line
    assert all(word in line for word in words), line


def test_duplicate_ids(project):
    project.write(
        "tests.json",
        '{"rowlock": 1, "tests": [\n {"id": "same", "command": ["true"]},\n'
        ' {"id": "other", "command": ["true"]},\n {"id": "same", "command": ["true"]}]}\n',
    )
    line = refused(project, "parallel")
    assert re.search(r"tests\.json:4:9: .*'same'.*tests\.json:2\b.*; ", line), line


def test_duplicate_id_of_a_suite(project):
    project.script("files/x", "exit 0")
    project.manifest(
        {"id": "s/x", "command": ["true"]},
        suites=[{"name": "s", "format": "exec", "glob": "files/*"}],
    )
    line = refused(project, "parallel")
    assert "'s/x'" in line and "tests.json:" in line


def test_dependency_that_does_not_exist(project):
    project.manifest(
        {"id": "start", "command": ["true"]}, {"id": "a", "command": ["true"], "depends": ["strat"]}
    )
    line = refused(project, "parallel")
    assert re.search(r"tests\.json:\d+.*'a'.*'strat'.*start.*\?", line), line


def test_circle_of_dependencies(project):
    project.manifest(
        {"id": "a", "command": ["true"], "depends": ["c"]},
        {"id": "b", "command": ["true"], "depends": ["a"]},
        {"id": "c", "command": ["true"], "depends": ["b"]},
    )
    line = refused(project, "parallel")
    assert all(f"'{name}'" in line or name in line.split() for name in "abc"), line
    assert "; " in line


@pytest.mark.parametrize("by_ini", [True, False], ids=["ini", "option"])
def test_unknown_marker_when_strict(project, by_ini):
    project.manifest({"id": "a", "command": ["true"], "markers": ["slwo"]})
    addopts = "addopts = --strict-markers\n" if by_ini else ""
    project.write("pytest.ini", f"[pytest]\n{addopts}markers =\n    slow: takes long\n")
    line = refused(project, "parallel", *([] if by_ini else ["--strict-markers"]))
    assert re.search(r"tests\.json:\d+.*'slwo'.*'slow'", line), line


def test_unknown_marker_of_a_pytest_suite_when_strict(project):
    project.write("pytest.ini", "[pytest]\naddopts = --strict-markers\n")
    project.write("test_x.py", "import pytest\n@pytest.mark.slwo\ndef test_x(): pass\n")
    plain = project.pytest_plain("-p", "no:cacheprovider")
    done = project.rowlock("parallel", "-n", "2")
    assert done.returncode == plain.returncode == 2
    assert "'slwo' not found in `markers`" in done.stdout + done.stderr


def test_error_leaves_the_last_run_alone(suite):
    """Files of a run before stay as they are: tests.mk still runs."""
    assert suite.rowlock("parallel", "--report-json", "report.json").returncode == 0
    good = suite.path("tests.json").read_text()
    suite.write("tests.json", "{")
    refused(suite, "parallel", "--report-json", "report.json")
    suite.write("tests.json", good)
    refused(suite, "parallel", "-m", "unit and", lines=3)
    assert suite.make("-f", ".rowlock/tests.mk").returncode == 0
    assert suite.report()["summary"]["passed"] == 2


# Nothing to run.


@pytest.mark.parametrize(
    "args", [["-m", "nope"], ["-k", "nope"], ["-m", "unit and slow"], ["-k", "not one", "one"]]
)
def test_nothing_selected(suite, args):
    assert "no tests" in refused(suite, "parallel", *args, code=NO_TESTS)


def test_no_tests_at_all(project):
    project.manifest()
    refused(project, "parallel", code=NO_TESTS)


def test_empty_folder(project):
    done = project.rowlock("parallel")
    assert done.returncode == NO_TESTS, done
    assert not project.path(".rowlock/tests.mk").exists()


def test_nothing_selected_of_a_pytest_suite(project):
    project.write("test_x.py", "def test_x(): pass\n")
    assert project.pytest_plain("-k", "nope").returncode == NO_TESTS
    assert project.rowlock("parallel", "-k", "nope").returncode == NO_TESTS


# Make.


def fake_make(project, body):
    """A make, gmake and all, in front of the real one."""
    for name in ("make", "gmake"):
        project.script(f"fake/{name}", body)
    return {"PATH": f"{project.path('fake')}{os.pathsep}{project.env['PATH']}"}


@pytest.mark.parametrize(
    "body, words",
    [
        ("echo 'GNU Make 3.81'", ["GNU Make 3.81", "4.0"]),
        ("echo 'GNU Make 3.82'; echo 'Built for x'", ["GNU Make 3.82", "4.0"]),
        ("echo 'make: unknown option -- -' >&2; exit 2", ["GNU Make"]),
        ("echo 'bmake 20200710'", ["GNU Make"]),
        ("exit 0", ["GNU Make"]),
        ("kill -SEGV $$", ["GNU Make"]),
    ],
    ids=["3.81", "3.82", "BSD", "bmake", "silent", "crashing"],
)
def test_make_that_will_not_do(suite, body, words):
    env = fake_make(suite, body)
    line = refused(suite, "parallel", env=env)
    assert all(word in line for word in words), line
    assert "; " in line


def test_no_make(suite):
    suite.path("empty").mkdir()
    line = refused(suite, "parallel", env={"PATH": str(suite.path("empty"))})
    assert "make" in line and "install" in line


def test_program_of_a_test_is_missing(project):
    """Not a reason to run nothing: Make may have yet to build it. The test is in error."""
    project.manifest(
        {"id": "absent", "command": ["./no-such-program"]},
        {"id": "elsewhere", "command": ["true"], "cwd": "no-such-folder"},
        {"id": "plain-file", "command": ["./tests.json"]},
        {"id": "fine", "command": ["true"]},
    )
    done = project.rowlock("parallel", "-n", "2", "--report-json", "report.json")
    assert done.returncode == 1
    assert project.outcomes() == {
        "absent": "error",
        "elsewhere": "error",
        "plain-file": "error",
        "fine": "passed",
    }
    messages = {test["id"]: test["message"] for test in project.report()["tests"]}
    assert "no-such-program" in messages["absent"]
    assert "no-such-folder" in messages["elsewhere"]
    assert "Permission denied" in messages["plain-file"]


# Disks. A mount namespace of its own has a full one and a read-only one.

UNSHARE = ["unshare", "--mount"] + ([] if os.getuid() == 0 else ["--map-root-user"])


def can_mount():
    script = "mount -t tmpfs none /mnt"
    try:
        return (
            subprocess.run(
                [*UNSHARE, "sh", "-c", script], stderr=subprocess.DEVNULL, check=False
            ).returncode
            == 0
        )
    except OSError:
        return False


needs_mounts = pytest.mark.skipif(not can_mount(), reason="no mount namespaces here")

# $1: folder, $2: options of its tmpfs, $3: a command run inside first; then rowlock's words.
ON_TMPFS = """
folder=$1 options=$2 first=$3
shift 3
mount -t tmpfs -o "$options" none "$folder" || exit 90
(cd "$folder" && eval "$first") || exit 91
case $options in *ro*) mount -o remount,ro "$folder" || exit 92;; esac
"$@"
status=$?
find "$folder" -mindepth 1 ! -name filler | sort >left-over
exit $status
"""
FILL = "cat /dev/zero >filler 2>/dev/null; test -s filler"


def on_tmpfs(project, folder, options, first, *args, env=None):
    """Runs rowlock with a small file system mounted at folder; the result's left tells what was
    in it at the end."""
    project.path(folder).mkdir(exist_ok=True)
    command = [*UNSHARE, "sh", "-c", ON_TMPFS, "sh", str(project.path(folder)), options, first]
    done = project.run([*command, project.program, *args], env=env)
    assert done.returncode < 90, done
    done.left = project.path("left-over").read_text().splitlines()
    return done


def assert_internal(done, *words):
    assert done.returncode == INTERNAL, done
    errors = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(errors) == 1, done
    assert all(word in errors[0] for word in words), done


def no_half_written(left):
    return [path for path in left if not path.endswith(("/.gitignore", "/runs", "/history.db"))]


@needs_mounts
@pytest.mark.parametrize("command", ["parallel", "generate"])
def test_full_disk(suite, command):
    done = on_tmpfs(suite, ".rowlock", "size=32k", FILL, command)
    assert_internal(done, ".rowlock", "No space left")
    assert no_half_written(done.left) == []


@needs_mounts
def test_no_inode_left(suite):
    done = on_tmpfs(suite, ".rowlock", "size=1m,nr_inodes=3", "true", "parallel")
    assert_internal(done, ".rowlock", "No space left")
    assert no_half_written(done.left) == []


@needs_mounts
def test_disk_that_fills_while_tests_run(project):
    """What fits is kept; no test may count as passed whose record could not be written."""
    project.script("loud", "head -c 30000 /dev/zero | tr '\\0' x; exit 1")
    project.manifest(*[{"id": f"t{i}", "command": ["./loud"]} for i in range(20)])
    done = on_tmpfs(project, ".rowlock", "size=200k", "true", "parallel", "-n", "2")
    assert done.returncode == INTERNAL, done
    assert "No space left" in done.stdout + done.stderr


@needs_mounts
@pytest.mark.parametrize("option", ["--report-json", "--junitxml"])
def test_report_on_a_full_disk(suite, option):
    done = on_tmpfs(suite, "full", "size=16k", FILL, "parallel", option, "full/report")
    assert done.returncode == INTERNAL, done
    assert "full/report" in done.stderr and "No space left" in done.stderr
    assert done.left == []
    assert "2 passed" in done.stdout  # the run itself is not lost


@needs_mounts
def test_full_temporary_folder(suite):
    full = suite.temp / "full"  # a short path: a long one is not used
    done = on_tmpfs(suite, full, "size=16k,nr_inodes=1", "true", "parallel", env={"TMPDIR": full})
    assert_internal(done, "full", "No space left")
    assert done.left == []
    assert not suite.path(".rowlock/tests.mk").exists()


@needs_mounts
@pytest.mark.parametrize("command", ["parallel", "generate"])
def test_read_only_state_folder(suite, command):
    done = on_tmpfs(suite, ".rowlock", "size=1m,ro", "true", command)
    assert_internal(done, ".rowlock", "Read-only")
    assert done.left == []


@pytest.mark.parametrize("command", ["parallel", "generate"])
def test_file_in_place_of_the_state_folder(suite, command):
    suite.write(".rowlock", "not a folder\n")
    assert ".rowlock" in refused(suite, command, code=INTERNAL)


def test_file_in_place_of_the_folder_of_runs(suite):
    suite.write(".rowlock/runs", "not a folder\n")
    done = suite.rowlock("parallel")
    assert_internal(done, ".rowlock")
    assert suite.path(".rowlock/runs").read_text() == "not a folder\n"
    assert not suite.path(".rowlock/tests.mk").exists()


@pytest.mark.skipif(os.getuid() == 0, reason="modes do not hold root")
def test_state_folder_without_permission(suite):
    suite.path(".rowlock").mkdir(mode=0o555)
    assert ".rowlock" in refused(suite, "parallel", code=INTERNAL)


@pytest.mark.parametrize("option", ["--report-json", "--junitxml"])
def test_report_into_a_folder_that_cannot_be_made(suite, option):
    suite.write("file", "")
    done = suite.rowlock("parallel", option, "file/report")
    assert_internal(done, "file")
    assert "2 passed" in done.stdout


def test_report_in_place_of_a_folder(suite):
    suite.path("folder").mkdir()
    done = suite.rowlock("parallel", "--report-json", "folder")
    assert done.returncode == INTERNAL, done
    assert "folder" in done.stderr
    assert list(suite.path("folder").iterdir()) == []
    assert [p.name for p in suite.root.iterdir() if p.name.startswith("folder")] == ["folder"]


def test_a_folder_without_tests(project):
    empty = project.rowlock("parallel")
    assert empty.returncode == NO_TESTS and "collected 0 items" in empty.stdout, empty
    assert "'rowlock init' writes one" in empty.stderr
    project.write("test_a.py", "def test_a():\n    pass\n")
    for words, code in ((["-k", "nothing"], NO_TESTS), (["nope.py"], USAGE)):
        chosen = project.rowlock("parallel", *words)
        assert chosen.returncode == code and "rowlock init" not in chosen.stderr, chosen


def test_words_that_are_nothing(project):
    typo = project.rowlock("paralel")
    assert typo.returncode == USAGE and "did you mean parallel? 'rowlock" in typo.stderr, typo
    hostile = project.rowlock("a\n\x1b[31m")
    assert hostile.stderr.startswith("rowlock: 'a\\n\\x1b[31m': neither a command"), hostile
    other = project.rowlock("begin")  # what is not for people is not named
    assert other.returncode == USAGE and "did you mean" not in other.stderr, other


def test_output_that_nobody_reads(project):
    """A reader that wants no more is no error; a full disk is one."""
    project.manifest(*[{"id": f"t{i}", "command": ["true"]} for i in range(2000)])
    script = '"$1" list | head -n 1; "$1" list >/dev/full; echo $?'
    done = project.run(["sh", "-c", script, "sh", project.program])
    assert done.stdout.splitlines() == ["t0", str(INTERNAL)], done
    assert done.stderr.count("standard output cannot be written: ") == 1, done


def test_limit_on_the_size_of_files(project):
    """Where there are no mounts: writes fail in the middle of the run."""
    project.script("loud", "head -c 30000 /dev/zero | tr '\\0' x; exit 1")
    project.manifest(*[{"id": f"t{i}", "command": ["./loud"]} for i in range(20)])
    script = "trap '' XFSZ; ulimit -f 200; exec \"$@\""
    done = project.run(["sh", "-c", script, "sh", project.program, "parallel", "-n", "2"])
    assert done.returncode == INTERNAL, done
    assert "cannot be written" in done.stderr


def test_program_without_its_parts(suite, tmp_path):
    """Copied away from what belongs to it, rowlock says what is missing."""
    alone = tmp_path / "rowlock"
    shutil.copy(suite.program, alone)
    done = suite.run([str(alone), "parallel"])
    if done.returncode == 0:
        pytest.skip("an installed Rowlock was found")
    assert done.returncode == INTERNAL, done
    assert "rowlock-exec" in done.stderr or "share" in done.stderr
    assert len(done.stderr.splitlines()) == 1
