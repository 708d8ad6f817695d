"""A plain pytest with Rowlock's plugin hands runs with workers to Rowlock, where pytest-xdist is
not installed."""

import importlib.util
import os
import shutil
import sys
import venv
from xml.etree import ElementTree

import pytest

pytestmark = pytest.mark.slow  # each case runs whole programs, more than once

FAILED, USAGE = 1, 4

needs_no_xdist = pytest.mark.skipif(
    importlib.util.find_spec("xdist") is not None, reason="pytest-xdist is installed"
)

SUITE = """
import os, pytest
def test_worker(worker_id, testrun_uid):
    assert worker_id == os.environ.get("PYTEST_XDIST_WORKER", "master")
    open(worker_id, "w").close()
@pytest.mark.parametrize("i", range(4))
def test_some(i): assert i != 2
"""
INI = "[pytest]\naddopts = --dist=loadscope --strict-markers\nmarkers =\n    slow: takes long\n"
# As the program pytest that pip installs, and as IDEs do it.
AS_PROGRAM = (
    "import sys; sys.path.pop(0); sys.argv[0] = 'pytest'; import pytest; sys.exit(pytest.main())"
)
WAYS = {"program": ["-c", AS_PROGRAM], "module": ["-m", "pytest"]}
ways = pytest.mark.parametrize("way", sorted(WAYS))


def plugin_folder(project):
    return os.path.join(os.path.dirname(project.program), "share", "pytest")


def pytest_run(project, *args, way="module", env=None, cwd=None):
    """Runs pytest with the plugin."""
    env = dict({"PYTHONPATH": plugin_folder(project)}, **(env or {}))
    command = [sys.executable, *WAYS[way], "-p", "rowlock_pytest", *args]
    return project.run(command, env=env, cwd=cwd)


@pytest.fixture
def suite(project):
    project.write("pytest-parallel.ini", INI)
    project.write("tests/test_one.py", SUITE)
    return project


def was_rowlock(done):
    return any(line.startswith("rowlock 0") for line in done.stdout.splitlines())


@needs_no_xdist
@ways
def test_as_the_guide_types_it(suite, way):
    options = ["-c", "pytest-parallel.ini", "--numprocesses=4", "--junitxml=out.xml"]
    done = pytest_run(suite, *options, way=way)
    assert done.returncode == FAILED, done
    assert was_rowlock(done) and "4 workers" in done.stdout
    assert suite.path("gw0").exists() and not suite.path("master").exists()
    cases = list(ElementTree.parse(suite.path("out.xml")).iter("testcase"))
    assert len(cases) == 5
    done = pytest_run(suite, *options, "-k", "some", "--deselect=tests/test_one.py::test_some[2]")
    assert done.returncode == 0, done
    assert len(list(ElementTree.parse(suite.path("out.xml")).iter("testcase"))) == 3


@needs_no_xdist
def test_as_an_ide_does_it(suite):
    options = [f"--rootdir={suite.root}", "-c", str(suite.path("pytest-parallel.ini"))]
    options += ["-n", "2", f"--junitxml={suite.path('out.xml')}", "-o", "junit_family=xunit1"]
    path = str(suite.path("tests/test_one.py")) + "::test_some"
    done = pytest_run(suite, *options, path, cwd=suite.temp)
    assert done.returncode == FAILED, done
    assert was_rowlock(done)
    names = {case.get("name") for case in ElementTree.parse(suite.path("out.xml")).iter("testcase")}
    assert names == {f"test_some[{i}]" for i in range(4)}


@needs_no_xdist
@pytest.mark.parametrize("where", ["addopts", "PYTEST_ADDOPTS", "tx", "auto"])
def test_wherever_workers_are_asked_for(suite, where):
    env, args = {}, []
    if where == "addopts":
        suite.write("pytest.ini", INI.replace("addopts = ", "addopts = -n 2 "))
    elif where == "PYTEST_ADDOPTS":
        env["PYTEST_ADDOPTS"] = "-n 2"
    else:
        args = ["-d", "--tx", "2*popen"] if where == "tx" else ["-n", "auto"]
    done = pytest_run(suite, *args, env=env)
    assert (done.returncode, was_rowlock(done)) == (FAILED, True), done


@pytest.mark.parametrize(
    "args, code",
    [
        ([], FAILED),
        (["-n0"], FAILED),
        (["--dist=load"], FAILED),
        (["-n", "2", "--collect-only"], 0),
        (["-n", "2", "--fixtures"], 0),
        (["-n", "2", "--markers"], 0),
        (["-n", "2", "--setup-plan"], 0),
        (["-n", "2", "--version"], 0),
        (["-n", "2", "-h"], 0),
        (["-n", "2", "--no-such-option"], USAGE),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
@needs_no_xdist
def test_pytest_keeps_the_rest(suite, args, code):
    done = pytest_run(suite, *args)
    if "--no-such-option" not in args:
        assert not was_rowlock(done)
        assert not suite.path(".rowlock").exists()
    assert done.returncode == code, done


@needs_no_xdist
def test_a_debugger_and_workers(suite):
    """The words are those of pytest-xdist."""
    words = "--pdb is incompatible with distributing tests; try using -n0 or -nauto."
    done = pytest_run(suite, "-n", "2", "--pdb")
    assert (done.returncode, words in done.stderr) == (USAGE, True), done
    done = pytest_run(suite, "-n", "auto", "--pdb", "-k", "worker")
    assert (done.returncode, was_rowlock(done)) == (0, False), done


@needs_no_xdist
@ways
def test_modules_are_found_as_before(suite, way):
    """python -m pytest looks into the current folder, the program does not."""
    suite.write("helper.py", "")
    suite.write("tests/test_one.py", "import helper\ndef test_a(): pass\n")
    plain = pytest_run(suite, "-p", "no:cacheprovider", way=way)
    done = pytest_run(suite, "-n", "2", way=way)
    assert done.returncode == plain.returncode, (done, plain)


@needs_no_xdist
def test_a_program_that_calls_pytest_goes_on(suite):
    suite.write(
        "run.py",
        "import pytest\n"
        "code = pytest.main(['-p', 'rowlock_pytest', '-n', '2', '-k', 'worker'])\n"
        "print('after', int(code))\n",
    )
    done = suite.run([sys.executable, "run.py"], env={"PYTHONPATH": plugin_folder(suite)})
    assert (done.returncode, was_rowlock(done)) == (0, True), done
    assert done.stdout.splitlines()[-1] == "after 0"


def test_plugins_that_are_objects_hear_of_the_tests(suite):
    suite.write(
        "run.py",
        "import pytest\n"
        "class Plugin:\n"
        "    def pytest_runtest_logreport(self, report): print('heard', report.nodeid)\n"
        "args = ['-p', 'rowlock_pytest', '-p', 'no:xdist', '-n', '2', '-k', 'worker', '-s']\n"
        "pytest.main(args, plugins=[Plugin()])\n",
    )
    done = suite.run([sys.executable, "run.py"], env={"PYTHONPATH": plugin_folder(suite)})
    assert not was_rowlock(done), done
    assert "heard tests/test_one.py::test_worker" in done.stdout


def test_where_xdist_is_installed_it_serves(project):
    """A stand-in that has its options is enough to tell."""
    project.write(
        "site/xdist/__init__.py",
        "def pytest_addoption(parser):\n"
        "    parser.getgroup('xdist')._addoption('-n', dest='numprocesses')\n"
        "    parser.addoption('--dist', default='no')\n",
    )
    project.write("test_a.py", "def test_a(worker_id): assert worker_id == 'master'\n")
    path = os.pathsep.join([str(project.path("site")), plugin_folder(project)])
    done = pytest_run(project, "-p", "xdist", "-n", "2", env={"PYTHONPATH": path})
    assert (done.returncode, was_rowlock(done)) == (0, False), done


@pytest.fixture
def copied(suite, tmp_path):
    """A copy of the plugin that no rowlock lies beside: its folder."""
    folder = tmp_path / "copy"
    shutil.copytree(os.path.join(plugin_folder(suite), "rowlock_pytest"), folder / "rowlock_pytest")
    return folder


@needs_no_xdist
def test_no_endless_loop(suite, copied):
    """A rowlock that is pytest again: the run goes on without workers."""
    suite.script("bin/rowlock", f'shift 2\nexec "{sys.executable}" -m pytest "$@"')
    path = f"{suite.path('bin')}{os.pathsep}{suite.env['PATH']}"
    env = {"PYTHONPATH": copied, "PATH": path}
    done = pytest_run(suite, "-n", "2", "-k", "worker", env=env)
    assert (done.returncode, was_rowlock(done)) == (0, False), done
    assert "1 passed" in done.stdout


@needs_no_xdist
def test_a_plugin_without_its_program_says_so(suite, copied):
    suite.path("empty").mkdir()
    env = {"PYTHONPATH": copied, "PATH": suite.path("empty")}
    done = pytest_run(suite, "-n", "2", env=env)
    assert done.returncode == USAGE, done
    assert "on PATH; install it" in done.stderr


@pytest.fixture
def environment(project, tmp_path):
    """A virtual environment that finds this one's packages; its Python."""
    folder = tmp_path / "venv"
    venv.EnvBuilder(with_pip=False, symlinks=True).create(folder)
    python = folder / "bin" / "python"
    found = project.run([str(python), "-c", "import sysconfig as s; print(s.get_path('purelib'))"])
    packages = [path for path in sys.path if path.endswith("-packages")]
    with open(os.path.join(found.stdout.strip(), "others.pth"), "w", encoding="utf-8") as file:
        file.write("\n".join(packages) + "\n")
    return str(python), found.stdout.strip()


@needs_no_xdist
def test_install_and_uninstall(suite, environment):
    python, site = environment
    before = sorted(os.listdir(site))
    command = [python, "-m", "pytest", "-n", "2", "-k", "worker"]
    assert suite.run(command).returncode == USAGE
    for _ in range(2):  # once more is no error
        done = suite.rowlock("pytest-plugin", "install", "--python", python)
        assert done.returncode == 0, done
    done = suite.run(command)
    assert (done.returncode, was_rowlock(done)) == (0, True), done
    assert f"Python {'.'.join(map(str, sys.version_info[:3]))}" in done.stdout
    # Rowlock's own run meets the same plugin.
    assert suite.rowlock("--python", python, "-n", "2", "-k", "worker").returncode == 0
    assert suite.rowlock("pytest-plugin", "uninstall", "--python", python).returncode == 0
    assert sorted(os.listdir(site)) == before
    done = suite.rowlock("pytest-plugin", "uninstall", "--python", python)
    assert (done.returncode, "not installed" in done.stderr) == (USAGE, True)


def test_install_spares_what_is_there(suite, environment):
    python, site = environment
    os.mkdir(os.path.join(site, "rowlock_pytest"))
    done = suite.rowlock("pytest-plugin", "install", "--python", python)
    assert (done.returncode, "in the way" in done.stderr) == (USAGE, True), done
    assert os.listdir(os.path.join(site, "rowlock_pytest")) == []


def test_install_without_pytest(suite, environment):
    python, site = environment
    os.unlink(os.path.join(site, "others.pth"))
    done = suite.rowlock("pytest-plugin", "install", "--python", python)
    assert (done.returncode, "no pytest" in done.stderr) == (USAGE, True), done


def test_path_of_the_plugin(suite):
    done = suite.rowlock("pytest-plugin", "path")
    assert done.returncode == 0
    assert os.path.exists(os.path.join(done.stdout.strip(), "rowlock_pytest", "__init__.py"))


@pytest.mark.parametrize("args", [[], ["instal"], ["install", "more"], ["install", "--no-such"]])
def test_wrong_words(suite, args):
    done = suite.rowlock("pytest-plugin", *args)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (USAGE, "", 1), done
