"""rowlock validate: each check in a set-up where it fails, and all of them where nothing does."""

import json
import os
import shutil

import pytest

pytestmark = pytest.mark.slow  # each case runs several suites; test_screen.py has a quick one

MAKE = shutil.which("make")
QUICK = {"ROWLOCK_PROBE_PATIENCE": "300"}  # milliseconds to wait for workers that cannot come


@pytest.fixture
def validate(project):
    """Runs `rowlock validate --json WORDS`; returns {name: [check, …]}, the exit code checked."""

    def run(*words, env=None, before=""):
        command = ["bash", "-c", before + 'exec "$@"', "bash", project.program]
        done = project.run([*command, "validate", "-n", "2", "--json", *words], env=env)
        report = json.loads(done.stdout)
        assert done.returncode == (0 if report["ok"] else 1), done
        checks = {}
        for check in report["checks"]:
            assert set(check) == {"name", "status", "ok", "detail", "remedy"}
            bad = check["status"] in ("failed", "warning")
            assert bool(check["remedy"]) == bad, check
            assert check["ok"] == (check["status"] != "failed")
            checks.setdefault(check["name"], []).append(check)
        assert report["ok"] == all(c["ok"] for c in report["checks"])
        return checks

    return run


def failed(checks):
    return {name for name, found in checks.items() if not all(c["ok"] for c in found)}


def tools(project, **scripts):
    """Programs that go before those of the same name on PATH."""
    for name, body in scripts.items():
        project.script(f"tools/{name}", body)
    return {"PATH": f"{project.path('tools')}{os.pathsep}{project.env['PATH']}"}


def test_an_empty_folder(project):
    done = project.rowlock("validate", "-n", "3")
    assert done.returncode == 0, done
    assert "FAIL" not in done.stdout and "\033" not in done.stdout
    folders = "3 workers at once, 9 temp, config and cache folders of their own"
    assert f"ok    isolation          {folders}\n" in done.stdout
    assert f"ok    isolation, pytest  {folders}\n" in done.stdout
    assert "ok    serial tests       ran alone, one at a time\n" in done.stdout
    assert "ok    serial, pytest     ran alone, one at a time\n" in done.stdout
    assert "skip  tests              there are none here\n" in done.stdout
    assert done.stdout.splitlines()[-1].endswith(" skipped")
    assert done.stderr == ""
    assert list(project.temp.glob("rl-*")) == []


def test_words(project):
    for words in (["-n", "0"], ["--jsn"], ["-n"], ["--free", "x"], ["tests"]):
        done = project.rowlock("validate", *words)
        assert done.returncode == 4 and words[-1] in done.stderr, done
    assert "--free SIZE" in project.rowlock("validate", "--help").stdout


def test_an_old_make(project, validate):
    old = "echo 'GNU Make 3.81'"
    checks = validate(env=tools(project, make=old, gmake=old))
    assert failed(checks) == {"GNU Make"}
    assert 'make is "GNU Make 3.81"' in checks["GNU Make"][0]["detail"]
    assert checks["isolation"][0]["status"] == "skipped"


def test_makes_that_do_not_share(project, validate):
    one = tools(project, make=f'exec {MAKE} "$@" -j1')
    checks = validate(env=dict(one, **QUICK))
    assert {"jobserver", "shared tokens", "isolation", "isolation, pytest"} <= failed(checks)
    assert "expected 2 tokens" in checks["jobserver"][0]["detail"]
    assert "fewer than 3" in checks["shared tokens"][0]["detail"]
    assert "other workers did not start" in checks["isolation"][0]["detail"]
    assert "other workers did not start" in checks["isolation, pytest"][0]["detail"]
    each = f'unset MAKEFLAGS\ncase "$*" in *nested.mk*) exec {MAKE} "$@" -j3 MAKE="$0" ;; esac\n'
    each = tools(project, make=f'{each}exec {MAKE} "$@"')
    checks = validate(env=dict(each, ROWLOCK_PROBE_PATIENCE="500000"))
    assert failed(checks) == {"shared tokens"}
    assert "more than 3" in checks["shared tokens"][0]["detail"]


def test_workers_that_are_not_alone(project, validate):
    """Somebody else holds what serial tests want for themselves, or writes to a worker's folder."""
    make = f'[ -d seen ] && exec 9>>seen/alone && flock -s 9\nexec {MAKE} "$@"'
    checks = validate(env=tools(project, make=make))
    assert failed(checks) == {"serial tests", "serial, pytest"}
    assert "not alone" in checks["serial tests"][0]["detail"]
    make = f'[ -d seen ] && ln -s "$PWD/seen" seen/worker-gw1 && mkdir seen/full\nexec {MAKE} "$@"'
    checks = validate(env=tools(project, make=make))
    assert failed(checks) == {"isolation", "isolation, pytest"}


def test_a_suite_that_does_not_run(project, validate):
    make = f'[ ! -d seen ] || exit 7\nexec {MAKE} "$@"'
    checks = validate(env=tools(project, make=make, gmake=make))
    names = {"isolation", "serial tests", "isolation, pytest", "serial, pytest"}
    assert failed(checks) == names
    said = "2 workers, 0 folders of their own\nthe suite ended with exit code 4\n"
    assert checks["isolation"][0]["detail"].startswith(said)


BAD_END = """
import os
def pytest_sessionfinish(session):
    if os.path.isdir("seen") and not hasattr(session.config, "workerinput"):
        session.exitstatus = 9
"""


def test_a_suite_that_ends_badly(project, validate):
    """All of its tests have passed, and still the run is none that has."""
    project.write("plugins/bad_end.py", BAD_END)
    checks = validate(env={"PYTHONPATH": project.path("plugins"), "PYTEST_PLUGINS": "bad_end"})
    assert failed(checks) == {"isolation, pytest"}
    detail = checks["isolation, pytest"][0]["detail"]
    assert detail.startswith("2 workers, 6 folders of their own\nthe suite ended with exit code 9")


def test_broken_files(project, validate):
    project.write("pytest.ini", "[pytest]\n[rowlock]\ntimeuot = 3\n")
    project.write("pytest-parallel.ini", "[pytest]\naddopts = -n many\n")
    project.write("tests.json", '{"rowlock": 1,\n "tests": [{"id": "a", "comand": ["true"]}]}')
    checks = validate()
    assert failed(checks) == {"configuration"}
    details = [c["detail"] for c in checks["configuration"]]
    assert len(details) == 3
    assert details[0].split("/")[-1].startswith("pytest.ini:3:1:") and "timeout" in details[0]
    assert details[1].startswith("pytest-parallel.ini: addopts:") and "many" in details[1]
    assert details[2].startswith("tests.json:2:") and "command" in details[2]
    for name in ("plugins", "isolation, pytest"):
        assert checks[name][0]["detail"] == "needs a configuration that can be read"
    shown = project.rowlock("validate").stdout
    assert "      what to do: correct the file at that place\n" in shown


def test_markers(project, validate):
    project.write("pytest.ini", "[pytest]\nmarkers =\n    smoke: quick\n    net: wants a network\n")
    project.write(
        "test_a.py",
        "import pytest\n@pytest.mark.smok\n@pytest.mark.usefixtures()\ndef test_a(): pass\n"
        "@pytest.mark.smok\n@pytest.mark.smoke\ndef test_b(): pass\n",
    )
    checks = validate()
    assert failed(checks) == {"markers"}
    details = [c["detail"] for c in checks["markers"]]
    wrong = "smok is not declared: test_a.py::test_a and 1 more; did you mean smoke?"
    assert details == [wrong, "3 in use\ndeclared, and on no test: net"]
    project.manifest({"id": "n", "command": ["true"], "markers": ["nat\x1bive", "net"]})
    checks = validate()
    assert [c["detail"] for c in checks["markers"]] == [
        "nat\x1bive is not declared: n",
        "2 in use\ndeclared, and on no test: smoke",
    ]
    assert "\x1b" not in project.rowlock("validate").stdout


def test_a_pytest_that_refuses(project, validate):
    ini = "[pytest]\nrequired_plugins = pytest-of-nobody\naddopts = --cov=src\n"
    project.write("pytest.ini", ini)
    project.write("test_a.py", "def test_a(): pass\n")
    project.write("stubs/coverage.py", "raise ImportError('none')\n")
    checks = validate(env={"PYTHONPATH": str(project.path("stubs"))})
    assert failed(checks) == {"plugins", "coverage.py"}
    assert "pytest-of-nobody" in checks["plugins"][0]["detail"]
    assert checks["isolation, pytest"][0]["status"] == "skipped"
    project.write("stubs/coverage.py", "__version__ = '4.5.1'\n")
    checks = validate(env={"PYTHONPATH": str(project.path("stubs"))})
    assert "has coverage 4.5.1, which is too old" in checks["coverage.py"][0]["detail"]
    checks = validate("--python", "/nowhere/python3")
    assert failed(checks) == {"pytest"}
    project.write("pytest.ini", "[pytest]\n")
    project.write("test_a.py", "import nothing_of_that_name\n")
    checks = validate()
    assert failed(checks) == {"tests"}
    assert "ERROR test_a.py" in checks["tests"][0]["detail"]
    assert "nothing_of_that_name" in checks["tests"][0]["detail"]


def test_the_machine(project, validate):
    checks = validate("--free", "900000G", before="ulimit -n 90; ulimit -u 20; ")
    assert {"temporary folder", "state folder", "open files", "processes"} <= failed(checks)
    assert checks["open files"][0]["detail"] == "limit 90, 2 workers need 96"
    project.write(".rowlock", "")
    checks = validate(env={"TMPDIR": str(project.path("nowhere"))})
    assert failed(checks) >= {"temporary folder", "state folder"}
    assert checks["tests"][0]["status"] == "skipped"


def test_gcov(project, validate):
    gcc, other = "echo 'gcc (X 1) 99.1.0'", "echo 'gcov (X 1) 12.2.0'"
    checks = validate(env=tools(project, gcc=gcc, gcov=other))
    assert failed(checks) == {"gcov"}
    assert "data of gcc 99 need its gcov; here is gcov (X 1) 12.2.0" in checks["gcov"][0]["detail"]
    checks = validate(env=tools(project, gcc="echo 'gcc (X 1) 11.1.0'", gcov=other))
    assert failed(checks) == set() and checks["gcov"][0]["status"] == "warning"
