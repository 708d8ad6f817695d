"""Plugins that many projects have, with workers: what they write is what a plain run writes.

Each test is skipped where its plugin is not installed (./bootstrap --ci installs them).
"""

import contextlib
import json
import os
import re
import sqlite3
import subprocess
import sys
from html.parser import HTMLParser
from xml.etree import ElementTree

import plugins

import pytest

TESTS = """
    import logging
    import sys
    import pytest
    def test_pass(record_property):
        record_property("color", "blue")
        print("printed")
    def test_fail():
        print("before", file=sys.stderr)
        logging.warning("logged")
        assert [1] == [2]
    def test_skip(): pytest.skip("why not")
    @pytest.mark.xfail
    def test_xfail(): assert 0
    @pytest.mark.xfail
    def test_xpass(): pass
    @pytest.fixture
    def broken():
        yield
        raise ValueError("teardown")
    def test_error(broken): pass
    @pytest.mark.parametrize("n", range(3))
    def test_n(n): pass
"""


def plain(suite, *args):
    """Plain pytest on the same suite."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *args]
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    env.update(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1", PYTHONDONTWRITEBYTECODE="1")
    env.update(plugins.environment())
    done = subprocess.run(
        command,
        cwd=str(suite.path),
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def spread(zygote, workers=2):
    """All tests, over that many workers."""
    count = len(zygote.ids)
    conns = [zygote.begin(*range(n, count, workers), slot=n) for n in range(workers)]
    groups = [zygote.collect(conn) for conn in conns]
    return zygote.finish()[0], groups


class Rows(HTMLParser):
    """The data of a report of pytest-html: JSON in an attribute."""

    data = None

    def handle_starttag(self, tag, attrs):
        self.data = dict(attrs).get("data-jsonblob") or self.data


def html_report(path):
    parser = Rows()
    text = path.read_text()
    parser.feed(text)
    tests = {}
    for name, runs in json.loads(parser.data)["tests"].items():
        for run in runs:
            log = re.sub(r"\[gw\d\] .*\n", "", run["log"])  # which worker; as under pytest-xdist
            log = re.sub(r":\d+: \w+|0x[0-9a-f]+", "", log)
            log = log.strip() or "No log output captured."
            tests.setdefault(name, []).append((run["result"], run["testId"], log))
    counts = re.findall(r'<span class="(\w+)">\s*(\d+ [^<]*?)[,\s]*</span>', text)
    assert len(counts) >= 6
    return tests, counts


def test_pytest_html(suite):
    plugins.need("pytest-html", 4)
    load = ("-p", "pytest_metadata.plugin", "-p", "pytest_html.plugin")
    suite(test_m=TESTS, test_n=TESTS)
    assert plain(suite, *load, "--html=plain.html")[0] == 1
    with suite.zygote(*load, "--html=ours.html", env=plugins.environment()) as zygote:
        assert spread(zygote)[0] == 1
        assert "INTERNALERROR" not in zygote.log
        assert zygote.log.count("Generated html report") == 1
    ours, wanted = (html_report(suite.path / name) for name in ("ours.html", "plain.html"))
    assert ours[1] == wanted[1]
    for name in wanted[0]:
        assert ours[0][name] == wanted[0][name]
    assert ours[0].keys() == wanted[0].keys()


def json_report(path):
    data = json.loads(path.read_text())
    tests = {}
    for test in data["tests"]:
        phases = {
            when: {
                key: test[when].get(key)
                for key in ("outcome", "crash", "traceback", "stdout", "stderr")
            }
            for when in ("setup", "call", "teardown")
            if when in test
        }
        keys = ("outcome", "lineno", "keywords", "user_properties", "metadata")
        tests[test["nodeid"]] = ({key: test.get(key) for key in keys}, phases)
    return data["summary"], data["exitcode"], data["collectors"], tests


def test_pytest_json_report(suite):
    plugins.need("pytest-json-report")
    conftest = """
        def pytest_json_runtest_metadata(item, call):
            return {"phase_" + call.when: item.name}
    """
    load = ("-p", "pytest_metadata.plugin", "-p", "pytest_jsonreport.plugin", "--json-report")
    suite(test_m=TESTS, test_n=TESTS, conftest=conftest)
    assert plain(suite, *load, "--json-report-file=plain.json")[0] == 1
    with suite.zygote(*load, "--json-report-file=ours.json", env=plugins.environment()) as zygote:
        assert spread(zygote)[0] == 1
        assert "INTERNALERROR" not in zygote.log
        assert "PluggyTeardownRaisedWarning" not in zygote.log
        assert zygote.log.count("report saved to") == 1
    ours, wanted = (json_report(suite.path / name) for name in ("ours.json", "plain.json"))
    assert ours[:3] == wanted[:3]
    for name in wanted[3]:
        assert ours[3][name] == wanted[3][name]
    assert ours[3].keys() == wanted[3].keys()


def test_allure(suite):
    plugins.need("allure-pytest")
    load = ("-p", "allure_pytest.plugin")
    suite(test_m=TESTS, test_n=TESTS)
    assert plain(suite, *load, "--alluredir=plain")[0] == 1
    with suite.zygote(*load, "--alluredir=ours", env=plugins.environment()) as zygote:
        assert spread(zygote)[0] == 1
        assert "INTERNALERROR" not in zygote.log

    def read(folder):
        files = (suite.path / folder).glob("*-result.json")
        data = [json.loads(path.read_text()) for path in files]
        return sorted((test["fullName"], test["name"], test["status"]) for test in data)

    assert len(read("plain")) == 18
    assert read("ours") == read("plain")


def test_junitxml_names_no_test_twice(suite):
    suite(test_m=TESTS, test_n=TESTS)
    plain(suite, "--junitxml=plain.xml")
    with suite.zygote("--junitxml=ours.xml", env=plugins.environment()) as zygote:
        spread(zygote)

    def read(name):
        root = ElementTree.parse(str(suite.path / name)).getroot()
        (testsuite,) = root.iter("testsuite")
        cases = [
            (case.get("classname"), case.get("name"), [child.tag for child in case])
            for case in root.iter("testcase")
        ]
        counts = [testsuite.get(key) for key in ("tests", "errors", "failures", "skipped")]
        return counts, sorted(cases)

    assert read("ours.xml") == read("plain.xml")


# pytest-cov

CODE = """
    import sys

    def both(flag):
        if flag:
            return "yes"
        return "no"

    def in_setup():
        return 1

    def in_session():
        return 1

    def never():
        return 2

    if "pytest" in sys.modules:
        imported = True
    else:
        imported = False
"""
COVERED = """
    import code_to_cover
    import pytest
    @pytest.fixture(scope="session", autouse=True)
    def session():
        yield
        code_to_cover.in_session()
    @pytest.fixture
    def prepared(): return code_to_cover.in_setup()
    def test_yes(): assert code_to_cover.both(True) == "yes"
    def test_prepared(prepared): pass
    def test_no(): assert code_to_cover.both(False) == "no"
"""
INI = "[pytest]\npythonpath = .\n"
COV = ("-p", "pytest_cov.plugin", "--cov=code_to_cover", "--cov-report=")


def line_of(text):
    return [line.strip() for line in CODE.splitlines()].index(text) + 1


def measured(suite, name, *args):
    """What coverage.py says of a data file, contexts included."""
    command = [sys.executable, "-m", "coverage", "json", "-q", f"--data-file={name}"]
    out = f"{name}.json"
    env = dict(os.environ, **plugins.environment())
    subprocess.run([*command, "-o", out, *args], cwd=str(suite.path), env=env, check=True)
    data = json.loads((suite.path / out).read_text())
    (file,) = data["files"].values()
    keys = ("executed_lines", "missing_lines", "executed_branches", "missing_branches")
    contexts = {line: sorted(names) for line, names in file.get("contexts", {}).items()}
    return [file["summary"], contexts, *(file.get(key) for key in keys)]


@pytest.mark.parametrize(
    "arguments",
    [(), ("--cov-branch",), ("--cov-context=test",), ("--cov-branch", "--cov-context=test")],
    ids=["lines", "branches", "contexts", "both"],
)
@pytest.mark.slow
def test_pytest_cov(suite, arguments):
    plugins.need("pytest-cov", 4)
    suite(code_to_cover=CODE, test_m=COVERED, test_n=COVERED, pytest_ini=INI)
    shown = ["--show-contexts"] if "--cov-context=test" in arguments else []
    assert plain(suite, *COV, *arguments, "--cov-fail-under=50")[0] == 0
    (suite.path / ".coverage").rename(suite.path / "plain")
    with suite.zygote(*COV, *arguments, "--cov-fail-under=50", env=plugins.environment()) as zygote:
        assert spread(zygote)[0] == 0
        assert "INTERNALERROR" not in zygote.log
        assert "CoverageWarning" not in zygote.log
    assert not list(suite.path.glob(".coverage.*"))
    (suite.path / ".coverage").rename(suite.path / "ours")
    ours, wanted = measured(suite, "ours", *shown), measured(suite, "plain", *shown)
    if shown:
        # A session fixture is torn down behind the last test, and each worker has one.
        line = str(line_of("def in_session():") + 1)
        for contexts in (ours[1], wanted[1]):
            assert contexts.pop(line)
    assert ours == wanted


@pytest.mark.parametrize("how", ["fork", "spawn"])
@pytest.mark.slow
def test_pytest_cov_measures_nothing_of_rowlock(suite, how):
    """--cov without a name is for all that is imported and not installed."""
    plugins.need("pytest-cov", 4)
    suite(code_to_cover=CODE, test_m=COVERED, pytest_ini=INI)
    everything = ["--cov" if word.startswith("--cov=") else word for word in COV]
    with suite.zygote(*everything, env=plugins.environment(), start=how) as zygote:
        assert spread(zygote)[0] == 0
    with contextlib.closing(sqlite3.connect(str(suite.path / ".coverage"))) as data:
        files = [path for (path,) in data.execute("SELECT path FROM file")]
    assert str(suite.path / "code_to_cover.py") in files
    assert [path for path in files if "rowlock_pytest" in path] == []


def test_pytest_cov_reports(suite):
    plugins.need("pytest-cov", 4)
    suite(code_to_cover=CODE, test_m=COVERED, pytest_ini=INI)
    arguments = (*COV, "--cov-report=term-missing", "--cov-report=xml", "--cov-fail-under=90")
    status, said = plain(suite, *arguments)
    assert status == 1
    line = re.compile(r"^code_to_cover\.py .*$", re.MULTILINE)
    rate = re.compile(r'<coverage [^>]*line-rate="([^"]*)"')
    wanted = rate.search((suite.path / "coverage.xml").read_text()).group(1)
    (suite.path / "coverage.xml").unlink()
    with suite.zygote(*arguments, env=plugins.environment()) as zygote:
        assert spread(zygote)[0] == 1
        assert line.search(zygote.log).group() == line.search(said).group()
        assert "FAIL Required test coverage" in zygote.log
    assert rate.search((suite.path / "coverage.xml").read_text()).group(1) == wanted


def test_pytest_cov_and_a_worker_that_dies(suite):
    """Only what that worker had counted, and not written yet, is lost."""
    plugins.need("pytest-cov", 4)
    text = COVERED + "    def test_dies():\n        import os\n        os._exit(1)\n"
    suite(code_to_cover=CODE, test_m=text, pytest_ini=INI)
    with suite.zygote(*COV, env=plugins.environment()) as zygote:
        assert zygote.run("test_yes", slot=0).outcomes == ["passed"]
        zygote.run("test_no", "test_dies", slot=1)
        assert zygote.run("test_prepared", slot=1).outcomes == ["passed"]
        assert zygote.finish()[0] == 1
    (suite.path / ".coverage").rename(suite.path / "ours")
    executed = measured(suite, "ours")[2]
    assert line_of('return "yes"') in executed
    assert line_of('return "no"') not in executed
    assert line_of("def in_setup():") + 1 in executed


def test_pytest_cov_in_a_sequential_run(suite):
    plugins.need("pytest-cov", 4)
    suite(code_to_cover=CODE, test_m=COVERED, pytest_ini=INI)
    assert plain(suite, *COV)[0] == 0
    (suite.path / ".coverage").rename(suite.path / "plain")
    with suite.zygote(*COV, sequential=True, env=plugins.environment()) as zygote:
        assert set(zygote.run_all().outcomes) == {"passed"}
        assert zygote.finish()[0] == 0
    (suite.path / ".coverage").rename(suite.path / "ours")
    assert measured(suite, "ours") == measured(suite, "plain")
