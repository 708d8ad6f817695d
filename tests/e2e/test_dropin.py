"""The command line of pytest and pytest-xdist, typed with rowlock in place of pytest.

Each case runs in one small project twice, through plain pytest and through rowlock, and compares
every test's verdict and the exit code. What pytest-xdist does with its own options was looked up
with pytest-xdist 3.8.0 and stands here as expectations, so that it need not be installed.
"""

import os
import sys

from compare import run, same

import pytest

pytestmark = pytest.mark.slow  # each case runs whole programs, more than once

PASS, FAIL, USAGE, NO_TESTS = 0, 1, 4, 5

CONFTEST = """
import pytest

def pytest_addoption(parser):
    parser.addoption("--my-option", default="unset")
    parser.addoption("--my-flag", action="store_true")
    parser.addoption("-Z", dest="my_letter", default="unset")
    parser.addini("my_key", "a key of this project", default="unset")

@pytest.fixture
def option(request):
    return request.config.option
"""
SUITE = """
import pytest

def test_pass(): pass
def test_fail(): assert 0, "as it should"
def test_skip(): pytest.skip("not here")
@pytest.mark.xfail
def test_xfail(): assert 0
@pytest.mark.xfail
def test_xpass(): pass
@pytest.mark.slow
@pytest.mark.parametrize("i", range(3))
def test_many(i): assert i != 2
class TestClass:
    def test_method(self): pass
    def test_error(self, no_such_fixture): pass
"""
DOC = '''
def double(n):
    """
    >>> double(2)
    4
    >>> double(3)
    7
    """
    return 2 * n
'''
INI = "[pytest]\nmarkers =\n    slow: takes long\n"


@pytest.fixture
def suite(project):
    project.write("conftest.py", CONFTEST)
    project.write("pytest.ini", INI)
    project.write("test_one.py", SUITE)
    project.write("sub/test_two.py", "def test_other(): pass\ndef test_name(): assert 0\n")
    return project


# How many workers. The numbers are pytest-xdist's.

COUNTED = """
import os, pytest

@pytest.mark.parametrize("i", range(12))
def test_workers(i, record_property):
    print("workers", os.environ.get("PYTEST_XDIST_WORKER_COUNT", "none"))
    assert os.environ.get("PYTEST_XDIST_WORKER_COUNT", "none") == os.environ["EXPECTED"]
"""
AUTO = {"PYTEST_XDIST_AUTO_NUM_WORKERS": "3"}
NOBODY = "none"  # no workers: the tests run as in plain pytest, their worker is "master"
workers = pytest.mark.parametrize(
    "args, env, expected",
    [
        (["-n", "2"], {}, "2"),
        (["-n2"], {}, "2"),
        (["-n=2"], {}, "2"),
        (["-n1"], {}, "1"),
        (["-n", "0"], {}, NOBODY),
        (["-n0"], {}, NOBODY),
        (["--numprocesses=4"], {}, "4"),
        (["--numprocesses", "4"], {}, "4"),
        (["--workers", "4"], {}, "4"),
        (["-n", "4", "-n", "2"], {}, "2"),
        (["-n", "4", "--maxprocesses", "2"], {}, "2"),
        (["--maxprocesses=2", "-n", "auto"], AUTO, "2"),
        (["-n", "1", "--maxprocesses", "2"], {}, "1"),
        (["-n", "2", "--maxprocesses", "0"], {}, "2"),
        (["--maxprocesses", "2"], {}, NOBODY),
        (["-n", "auto"], AUTO, "3"),
        (["-n", "logical"], AUTO, "3"),
        (["-n", "auto"], {"PYTEST_XDIST_AUTO_NUM_WORKERS": "0"}, NOBODY),
        (["-n", "2"], AUTO, "2"),
        ([], AUTO, NOBODY),
        (["--dist", "load", "--tx", "2*popen"], {}, "2"),
        (["--dist=loadfile", "--tx=popen", "--tx", "popen//id=second"], {}, "2"),
        (["-d", "--tx", "3*popen"], {}, "3"),
        (["--tx", "3*popen"], {}, NOBODY),
        (["--tx", "3*popen", "-n", "2"], {}, "2"),
        (["--tx", "3*popen", "--dist=load", "-n0"], {}, NOBODY),
        (["-d"], {}, NOBODY),
        (["--dist", "load"], {}, NOBODY),
        (["-d", "-n", "2"], {}, "2"),
        ([], {"PYTEST_ADDOPTS": "-n 2"}, "2"),
        (["-n", "3"], {"PYTEST_ADDOPTS": "-n 2"}, "3"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)


@pytest.mark.exhaustive
@workers
def test_number_of_workers(project, args, env, expected):
    project.write("test_count.py", COUNTED)
    done = run(project, *args, env=dict(env, EXPECTED=expected))
    assert done.returncode == PASS, done
    if expected == NOBODY:
        assert done.workers == {"master"}
    else:
        assert done.workers <= {f"gw{i}" for i in range(int(expected))}


def test_auto_is_what_the_machine_has(project):
    project.write("test_x.py", "def test_x(): pass\n")
    for asked in ("auto", "logical"):
        done = run(project, "-n", asked)
        assert (done.returncode, done.workers) == (PASS, {"gw0"})


def test_auto_ignores_what_is_no_number(project):
    """pytest-xdist warns "PYTEST_XDIST_AUTO_NUM_WORKERS is not a number: …. Ignoring it."."""
    project.write("test_x.py", "def test_x(): pass\n")
    done = run(project, "-n", "auto", env={"PYTEST_XDIST_AUTO_NUM_WORKERS": "many"})
    assert (done.returncode, done.workers) == (PASS, {"gw0"})
    assert "PYTEST_XDIST_AUTO_NUM_WORKERS is not a number: 'many'. Ignoring it." in done.stderr


OTHER_WORKERS = ["ssh=host", "socket=host:8888", "x*popen", "0*popen", "", "popen//chdir=sub"]
OTHER_WORKERS += ["2*popen//id=a//python=python3.8", "popen//via=x", "popen//env:A=b", "popenx"]


@pytest.mark.parametrize("value", OTHER_WORKERS)
def test_workers_that_are_no_processes_here(suite, value):
    """pytest-xdist could start them on other machines; saying so beats doing something else."""
    done = run(suite, "-d", "--tx", value)
    assert done.returncode == USAGE, done
    assert "--tx" in done.stderr and "N*popen" in done.stderr


def test_waiting_for_changes_is_pytest_xdists(suite):
    """-f, --looponfail: pytest runs alone, and says what it says where pytest-xdist is missing."""
    for word in ("-f", "--looponfail"):
        done = run(suite, "-n2", word, "-p", "no:xdist.looponfail")
        assert done.returncode == USAGE, done
        assert f"unrecognized arguments: {word}" in done.stderr


# Options of pytest-xdist that change no verdict.


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "args",
    [
        ["--dist", "load"],
        ["--dist", "loadscope"],
        ["--dist", "loadfile"],
        ["--dist", "loadgroup"],
        ["--dist", "worksteal"],
        ["--dist", "each"],
        ["--dist", "no"],
        ["--max-worker-restart", "2", "--max-worker-restart=0"],
        ["--maxschedchunk", "1"],
        ["--dist=loadscope", "--no-loadscope-reorder"],
        ["--dist=loadscope", "--loadscope-reorder"],
        ["--testrunuid", "mine"],
        ["--rsyncdir", "sub", "--rsyncignore=*.pyc", "--px", "popen"],
        ["-p", "no:cacheprovider"],
        ["-p", "no:xdist"],
    ],
    ids=" ".join,
)
def test_options_of_xdist(suite, args):
    plain = suite.pytest_plain()
    done = run(suite, "-n", "2", *args)
    assert done.returncode == plain.returncode == FAIL, (done, plain)
    if args != ["--dist", "each"]:
        assert done.outcomes == plain.outcomes


def test_options_of_xdist_reach_pytest(suite):
    """Plugins look them up; xdist's workers see dist="no" and no numprocesses."""
    suite.write(
        "conftest.py",
        "def pytest_report_header(config): pass\n"
        "def pytest_load_initial_conftests(): pass\n"
        "def pytest_configure(config):\n"
        "    o = config.option\n"
        "    config.seen = (o.dist, o.numprocesses, o.maxprocesses, o.testrunuid)\n",
    )
    suite.write(
        "test_one.py",
        "def test_seen(request):\n"
        "    o = request.config.option\n"
        "    seen = (o.dist, o.numprocesses, o.maxprocesses, o.testrunuid)\n"
        "    assert seen == ('no', None, None, 'mine')\n"
        "    # The hook has run in the controller.\n"
        "    assert request.config.seen == ('loadfile', 2, 7, 'mine')\n",
    )
    options = ["--dist", "loadfile", "-n", "2", "--maxprocesses", "7", "--testrunuid", "mine"]
    assert run(suite, *options, "test_one.py").returncode == PASS


# Where options may stand.


@pytest.mark.parametrize(
    "name, head, text",
    [
        ("pytest.ini", "[pytest]", "-n 2 --dist loadscope -k 'test_pass or test_fail'"),
        ("tox.ini", "[pytest]", "--numprocesses=2 --dist=load -k 'test_pass or test_fail'"),
        ("setup.cfg", "[tool:pytest]", "-n2 --max-worker-restart 1 -k 'test_pass or test_fail'"),
        (
            "pyproject.toml",
            "[tool.pytest.ini_options]",
            "-n 2 --cov=. --cov-report=term -k 'test_pass or test_fail' test_one.py",
        ),
    ],
    ids=["pytest.ini", "tox.ini", "setup.cfg", "pyproject.toml"],
)
def test_addopts(suite, name, head, text):
    suite.path("pytest.ini").unlink()
    suite.write(name, f"{head}\naddopts = " + (f'"{text}"' if name.endswith(".toml") else text))
    done = run(suite, "-W", "ignore")
    assert done.returncode == FAIL, done
    assert set(done.outcomes) == {"test_one.py::test_pass", "test_one.py::test_fail"}
    assert done.workers <= {"gw0", "gw1"}


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "env, args, tests",
    [
        ("-n 2 -k test_pass", [], ["pass"]),
        ("-n 2 -k test_pass", ["-k", "skip"], ["skip"]),
        ("'-k test_pass or skip' -n 2", [], ["pass", "skip"]),
        ("--deselect test_one.py::test_pass -n2", ["-k", "test_pass or skip"], ["skip"]),
        ("-x -n 2 -k test_pass", [], ["pass"]),
        ("-n 2 -o addopts= test_one.py::test_pass", [], ["pass"]),
        ("-n 2 -c other.ini", [], ["skip"]),
        ("-n 2 -o addopts='-k xpass'", [], ["xpass"]),
        ("", ["-n", "2", "-o", "addopts=-k test_pass"], ["pass"]),
        ("", ["-n", "2", "-oaddopts=-k test_pass"], ["pass"]),
        ("", ["-n", "2", "--override-ini=addopts=", "test_one.py::test_skip"], ["skip"]),
    ],
)
def test_environment(suite, env, args, tests):
    suite.write("pytest.ini", INI + "addopts = -k xfail\n")
    suite.write("other.ini", INI + "addopts = -k skip\n")
    done = run(suite, *args, env={"PYTEST_ADDOPTS": env})
    plain = suite.pytest_plain(
        *[word for word in args if word not in ("-n", "2")],
        env={"PYTEST_ADDOPTS": env.replace("-n 2", "").replace("-n2", "")},
    )
    assert done.returncode == plain.returncode, (done, plain)
    assert done.outcomes == plain.outcomes
    assert {name.split("test_")[-1] for name in done.outcomes} == set(tests)
    assert done.workers <= {"gw0", "gw1"}


def test_override_of_addopts_counts_for_the_number_of_workers(suite):
    suite.write("pytest.ini", INI + "addopts = -n 2\n")
    assert run(suite).workers <= {"gw0", "gw1"}
    assert run(suite, "-o", "addopts=").workers == {"master"}


def test_files_of_arguments(suite):
    """pytest 8.2 and newer; rowlock understands them whatever pytest is there."""
    suite.write("args.txt", "-n\n2\n-k\ntest_pass or skip\n@more.txt\n")
    suite.write("more.txt", "test_one.py\n--deselect=test_one.py::test_xpass")
    for done in (run(suite, "@args.txt"), run(suite, env={"PYTEST_ADDOPTS": "@args.txt"})):
        assert done.returncode == PASS, done
        assert set(done.outcomes) == {"test_one.py::test_pass", "test_one.py::test_skip"}
        assert done.workers <= {"gw0", "gw1"}


def test_plugins_of_the_environment(suite):
    suite.write("plugin_a.py", "import pytest\n@pytest.fixture\ndef from_a(): return 1\n")
    suite.write("test_one.py", "def test_a(from_a): assert from_a\n")
    env = {"PYTEST_PLUGINS": "plugin_a", "PYTHONPATH": str(suite.root)}
    for autoload in ({}, {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}):
        done = run(suite, "-n", "2", "test_one.py", env=dict(env, **autoload))
        assert done.returncode == PASS, done


@pytest.mark.parametrize("where", ["above", "inside", "elsewhere"])
def test_ini_file_of_the_paths(suite, where):
    """pytest looks for it from the common folder of its paths, not from where it was started."""
    suite.write("sub/pytest.ini", "[pytest]\naddopts = -n 2 -k other\n")
    path = suite.path("sub/test_two.py")
    cwd = {"above": suite.root, "inside": path.parent, "elsewhere": suite.temp}[where]
    word = {"above": "sub/test_two.py", "inside": "test_two.py"}.get(where, str(path))
    done = run(suite, word, cwd=cwd)
    assert done.returncode == PASS, done
    assert done.outcomes == {"test_two.py::test_other": "passed"}
    assert done.workers == {"gw0"}


# Options of pytest: which tests, and what becomes of them.


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "args",
    [
        ["-k", "pass or many"],
        ["-m", "not slow", "--strict-markers", "--strict-config", "--import-mode", "importlib"],
        ["test_one.py::TestClass::test_method", "sub"],
        ["test_one.py::test_many[1]", "test_one.py::TestClass"],
        ["--deselect=test_one.py::test_fail", "--deselect", "sub/"],
        ["--ignore", "sub", "-o", "xfail_strict=true"],
        ["--ignore=test_one.py", "--import-mode=append"],
        ["--ignore-glob", "*two*", "--runxfail"],
        ["-o", "python_functions=test_p*"],
        ["--override-ini=python_files=*_two.py"],
        ["-Werror", "-W", "ignore::DeprecationWarning"],
        ["-p", "no:cacheprovider", "-p", "no:doctest", "-p", "no:xdist"],
        ["-p", "no:terminal", "sub"],
        ["--doctest-modules", "--doctest-glob=*.md"],
        ["--rootdir=sub", "sub"],
        ["--confcutdir=sub", "--noconftest", "sub"],
        ["-c", "pytest.ini"],
        ["--config-file=other.ini"],
        ["-qq", "-ra", "--tb=short", "-l", "--durations=2", "--no-header", "-s"],
        ["--capture", "sys", "--setup-show", "sub"],
        ["--basetemp", "base", "--assert=plain", "--cache-clear", "-vv"],
        ["--pyargs", "sub.test_two"],
        ["--keep-duplicates", "sub", "sub"],
        ["--maxfail=100"],
        ["--my-option", "value", "sub"],
        ["--my-flag", "sub"],
        ["-Z", "value", "sub"],
        ["--", "sub"],
    ],
    ids=" ".join,
)
def test_options_of_pytest(suite, args):
    suite.write("module.py", DOC)
    suite.write("text.md", ">>> 1 + 1\n2\n")
    suite.write("other.ini", "[pytest]\nmarkers =\n    slow: slow\npython_files = test_o*.py\n")
    suite.write("sub/__init__.py", "")
    same(suite, *args, more=["-n", "2"] if "--" not in args else [])


@pytest.mark.parametrize(
    "args",
    [
        ["-k", "nothing_is_called_so"],
        ["--ignore=sub", "--ignore=test_one.py"],
        ["--no-such-option", "value"],
        ["-m", "and"],
        ["-o", "x"],
        ["--maxfail=x"],
        ["--import-mode=nosuch"],
        ["-W", "nosuch"],
        ["--rootdir=nosuch"],
        ["--pyargs", "no.such.package"],
    ],
    ids=" ".join,
)
def test_refused(suite, args):
    plain = suite.pytest_plain("-p", "no:cacheprovider", *args)
    done = run(suite, "-n", "2", *args)
    assert done.returncode == plain.returncode in (USAGE, NO_TESTS), (done, plain)


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "args, expressions",
    [
        (
            ["-v", "--tb", "line", "-l", "-rA", "--durations", "3", "--color=yes", "-x"],
            [
                "option.verbose == 1",
                "option.tbstyle == 'line'",
                "option.showlocals",
                "option.reportchars == 'A'",
                "option.durations == 3",
                "option.color == 'yes'",
            ],
        ),
        (
            ["-vv", "-q", "--tb=long", "-k", "value", "-m", "not slow", "-o", "my_key=value"],
            [
                "option.verbose == 1",
                "option.tbstyle == 'long'",
                "option.keyword == 'value'",
                "option.markexpr == 'not slow'",
                "request.config.getini('my_key') == 'value'",
            ],
        ),
        (
            ["--my-option", "value", "--my-flag", "-Z", "letter", "--markers", "not slow", "-qq"],
            [
                "option.my_option == 'value'",
                "option.my_flag is True",
                "option.my_letter == 'letter'",
                "option.markexpr == 'not slow'",
                "option.verbose == -2",
            ],
        ),
        (
            ["--my-option=a b", "--verbosity=2"],
            ["(option.my_option, option.verbose) == ('a b', 2)"],
        ),
    ],
    ids=["output", "selection", "unknown", "joined"],
)
def test_options_get_through(suite, args, expressions):
    lines = "".join(f"    assert {expression}\n" for expression in expressions)
    suite.write("test_one.py", f"def test_value(request, option):\n{lines}")
    done = run(suite, "-n", "2", *args, "test_one.py")
    assert done.returncode == PASS, done
    assert done.outcomes == {"test_one.py::test_value": "passed"}
    # Behind the path, too, as pytest has it.
    assert run(suite, "test_one.py", *args, "-n", "2").returncode == PASS


def test_value_of_an_unknown_option_beside_native_tests(suite):
    """It is neither a path nor a native test: nothing is selected by it."""
    suite.manifest(
        {"id": "native", "command": ["true"]},
        suites=[{"name": "py", "format": "pytest", "paths": ["sub"]}],
    )
    expected = {"native", "sub/test_two.py::test_other", "sub/test_two.py::test_name"}
    assert set(run(suite, "--my-option", "value", "-n", "2").outcomes) == expected
    done = run(suite, "-n", "2", "--my-option", "value", "sub")
    assert set(done.outcomes) == expected - {"native"}, done
    done = run(suite, "-n", "2", "--my-flag", "native", "sub")
    assert set(done.outcomes) == expected, done


# Options that print something and end: pytest's own output, whole.


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "args",
    [
        ["--collect-only"],
        ["--collect-only", "-q"],
        ["--collect-only", "-qq", "-n", "2"],
        ["--co", "-k", "pass"],
        ["--collect-only", "nosuch.py"],
        ["--fixtures"],
        ["--funcargs", "-v"],
        ["--fixtures-per-test", "sub"],
        ["--setup-plan", "sub"],
        ["--setup-only", "sub"],
        ["--cache-show"],
        ["--cache-show=nothing*"],
        ["--markers"],
    ],
    ids=" ".join,
)
def test_print_and_end(suite, args):
    own = ["-n", "2"] if "-n" in args else []
    words = args[: len(args) - len(own)]
    program = [sys.executable, "-c", PYTEST, "-p", "rowlock_pytest", *words]
    plain = suite.run(program, env={"PYTHONPATH": plugin_folder(suite)})
    done = suite.rowlock(*args)
    assert done.returncode == plain.returncode, (done, plain)
    assert without_times(done.stdout) == without_times(plain.stdout)
    assert done.stderr == plain.stderr
    assert not suite.path(".rowlock").exists()


def test_print_and_end_in_addopts(suite):
    suite.write("pytest.ini", INI + "addopts = -n 2 --collect-only -q\n")
    done = suite.rowlock("sub", "-k", "other")
    assert done.returncode == PASS, done
    assert done.stdout.splitlines()[0] == "sub/test_two.py::test_other"


PYTEST = "import sys; sys.path.pop(0); import pytest; sys.exit(pytest.main())"


def plugin_folder(project):
    return os.path.realpath(os.path.join(os.path.dirname(project.program), "share", "pytest"))


def without_times(text):
    """The lines of text without what differs from run to run."""
    text = text.replace("/share/pytest/", "/src/pytest/")  # one is a link to the other
    lines = [line.split(" in ")[0] for line in text.splitlines()]
    return [line for line in lines if not line.startswith("plugins:")]


def test_modules_of_rowlock_are_not_in_the_way(project):
    """A project may have a module zygote of its own."""
    project.write(
        "test_a.py",
        "import sys\n"
        "def test_a(): assert not [p for p in sys.path if p.endswith('/pytest')], sys.path\n",
    )
    for options in (["-n", "1"], ["-n0"], ["--pdb"]):
        for env in ({}, {"PYTHONSAFEPATH": "1"}):
            done = project.rowlock(*options, env=env)
            assert done.returncode == PASS, done
