"""What is wrong with a pytest suite is pytest's to say: its message, whole, and its exit code."""

import os
import re
import sys

import pytest

pytestmark = pytest.mark.slow  # each case runs whole programs, more than once

GOOD = "def test_good(): pass\n"
FAILED, USAGE = 1, 4


ELSEWHERE = re.compile(r"=|_|platform |rootdir|configfile|plugins|collected")


def essential(text):
    """The lines of pytest's message, without what differs from run to run or has its place
    elsewhere in Rowlock's output: headings, times, counts, the place of an ini file."""
    # How these tests start pytest is deprecated.
    text = re.sub(r"<string>.*\n.*\n.*console-main\n", "", text)
    lines = [re.sub(r"0x[0-9a-f]+| in \d+\.\d+s", "", line.rstrip()) for line in text.splitlines()]
    return [
        line
        for line in lines
        if line.strip()
        and not re.match(r"=|platform |rootdir|configfile|plugins|collected|_", line)
    ]


def assert_same(project, *args, whole=True):
    """Both end with the same code, and rowlock has printed each line that pytest had to say."""
    plain = project.pytest_plain("-p", "no:cacheprovider", *args)
    done = project.rowlock("-n", "2", "-p", "no:cacheprovider", *args)
    assert done.returncode == plain.returncode != 0, (done, plain)
    said = essential(done.stdout + done.stderr)
    missing = [line for line in essential(plain.stdout + plain.stderr) if line not in said]
    assert not whole or not missing, (missing, done)
    return done


MARKED = "import pytest\n@pytest.mark.typo\ndef test_y(): pass\n"


@pytest.mark.parametrize(
    "files, args",
    [
        ({"conftest.py": "import no_such_module\n"}, []),
        ({"conftest.py": "def broken(:\n"}, []),
        ({"sub/conftest.py": "import no_such_module\n", "sub/test_y.py": GOOD}, []),
        ({"test_y.py": "import no_such_module\n"}, []),
        ({"test_y.py": "def broken(:\n"}, []),
        ({"test_y.py": "assert 0, 'in the module'\n"}, []),
        ({"a/test_y.py": GOOD, "b/test_y.py": GOOD}, []),
        ({"pytest.ini": "[pytest]\naddopts = --no-such-option\n"}, []),
        ({"pytest.ini": "[pytest]\naddopts = --tb=nosuch\n"}, []),
        ({"pytest.ini": "[pytest]\nno_such_key = 1\n"}, ["--strict-config"]),
        ({"pytest.ini": "[pytest]\nminversion = 99\n"}, []),
        ({"pytest.ini": "[pytest]\nrequired_plugins = no-such-plugin\n"}, []),
        ({"test_y.py": MARKED}, ["--strict-markers"]),
        ({}, ["--no-such-option"]),
        ({}, ["no_such_file.py"]),
        ({}, ["test_x.py::no_such_test"]),
    ],
)
def test_message_and_exit_code(project, files, args):
    project.write("test_x.py", GOOD)
    for name, text in files.items():
        project.write(name, text)
    # How many frames of an assertion in a module are shown depends on who calls pytest.
    assert_same(project, *args, whole="in the module" not in str(files))
    assert not project.path(".rowlock/tests.mk").exists()


@pytest.mark.parametrize(
    "files, args, words",
    [
        ({"conftest.py": "pytest_plugins = ['no_such_plugin']\n"}, [], "no_such_plugin"),
        ({"conftest.py": "1 / 0\n"}, [], "ZeroDivisionError"),
        ({}, ["-p", "no_such_plugin"], "no_such_plugin"),
        ({}, ["-k", "and and"], "and and"),
        ({}, ["-c", "no_such.ini"], "no_such.ini"),
    ],
)
def test_exit_code(project, files, args, words):
    """Here the message is Rowlock's own, or a traceback with the frames of who calls pytest."""
    project.write("test_x.py", GOOD)
    for name, text in files.items():
        project.write(name, text)
    done = assert_same(project, *args, whole=False)
    assert words in done.stdout + done.stderr


def test_rest_of_a_suite_with_a_file_that_fails(project):
    project.write("test_x.py", GOOD)
    project.write("test_y.py", "import no_such_module\n")
    args = ["--continue-on-collection-errors", "--report-json=report.json"]
    done = project.rowlock("-n", "2", *args)
    assert done.returncode == FAILED, done
    assert project.outcomes()["test_x.py::test_good"] == "passed"


def test_missing_fixture(project):
    project.write("test_x.py", GOOD + "def test_bad(no_such_fixture): pass\n")
    done = assert_same(project, whole=False)
    assert done.returncode == FAILED
    assert "fixture 'no_such_fixture' not found" in done.stdout
    assert "available fixtures:" in done.stdout


def fake_python(project, body):
    """A Python that finds this as its pytest, and nothing else of other people."""
    project.write("fake/pytest.py", body)
    return project.script(
        "python", f'PYTHONPATH="{project.path("fake")}" exec "{sys.executable}" -S "$@"'
    )


def test_python_without_pytest(project):
    project.write("test_x.py", GOOD)
    python = project.script("python", f'exec "{sys.executable}" -I -S "$@"')
    for options in ([], ["--collect-only"], ["--pdb"]):
        done = project.rowlock("--python", python, *options)
        assert done.returncode == USAGE, done
        assert "No module named pytest" in done.stdout + done.stderr


@pytest.mark.parametrize("version", ["6.2.5", "5.0", "2.9"])
def test_pytest_that_is_too_old(project, version):
    project.write("test_x.py", GOOD)
    python = fake_python(project, f"__version__ = '{version}'\n")
    for options in ([], ["--collect-only"]):
        done = project.rowlock("--python", python, *options)
        assert done.returncode == USAGE, done
        assert f"pytest {version} of " in done.stdout + done.stderr
        assert "needs 7.0 or newer" in done.stdout + done.stderr


def test_pytest_that_cannot_be_imported(project):
    project.write("test_x.py", GOOD)
    python = fake_python(project, "import no_such_module\n")
    done = project.rowlock("--python", python)
    assert done.returncode not in (0, 5), done
    assert "no_such_module" in done.stdout + done.stderr


@pytest.mark.parametrize("python", ["/no/such/python", "no-such-python"])
def test_python_that_is_not_there(project, python):
    project.write("test_x.py", GOOD)
    for options in ([], ["--collect-only"]):
        done = project.rowlock("--python", python, *options)
        assert done.returncode == USAGE, done
        assert python in done.stderr and "--python" in done.stderr
        assert not os.path.exists(project.path(".rowlock/last"))
