"""rowlock report: the last run again, in any form that the run itself could have had."""

import re

import pytest

FAIL, USAGE = 1, 4


@pytest.fixture
def done(project):
    """A mixed run of which one test each failed, with the reports that it wrote itself."""
    project.manifest(
        {"id": "n/good", "command": ["echo", "native words"]},
        {"id": "n/bad", "command": ["sh", "-c", "echo why; exit 1"]},
        {"id": "n/skip", "command": ["sh", "-c", "exit 77"]},
        suites=[{"name": "py", "format": "pytest", "paths": ["test_a.py"]}],
    )
    project.write("test_a.py", "def test_good(): print('words')\ndef test_bad(): assert 1 == 2\n")
    options = ["-v", "-rA", "--durations=0", "--report-json=run.json", "--junitxml=run.xml"]
    project.first = project.rowlock("parallel", "-n", "2", *options)
    assert project.first.returncode == FAIL
    return project


VERDICT = re.compile(r"^\[gw\d\] \[ *\d+%\] .*$", re.M)


def parts(text):
    """What the sections of a report say, by their headings, without the figures of the clock."""
    found, now = {}, "start"
    for line in text.splitlines():
        heading = re.match(r"^=+ (.*?) =+$", line)
        if heading:
            now = re.sub(r"[\d.]+s$", "", heading.group(1))
        found.setdefault(now, []).append(line)
    return {key: lines for key, lines in found.items() if not key.endswith(("start", "starts"))}


def test_as_the_run_had_it(done):
    """The sections, the files and the exit code of the run, with the same options."""
    files = ["--report-json=a/a.json", "--junitxml=a.xml"]
    again = done.rowlock("report", "-v", "-rA", "--durations=0", *files)
    assert again.returncode == FAIL
    head = re.match(r"last run: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d, 5 tests, 2 workers\n", again.stdout)
    assert head, again
    first, second = parts(done.first.stdout), parts(again.stdout)
    verdicts = VERDICT.findall(done.first.stdout)
    assert VERDICT.findall(again.stdout) == verdicts and len(verdicts) == 5
    last = [key for key in first if "passed" in key]
    assert [first.pop(last[0])[0].split(" in ")[0]] == [second.pop(last[0])[0].split(" in ")[0]]
    assert second == first
    assert {"FAILURES", "PASSES", "slowest durations", "short test summary info"} <= set(second)
    assert done.report("a/a.json")["tests"] == done.report("run.json")["tests"]
    cases = [re.findall(r"<testcase .*?>", done.path(n).read_text()) for n in ("a.xml", "run.xml")]
    assert cases[0] == cases[1] and len(cases[0]) == 5


def test_in_other_forms(done):
    plain = done.rowlock("report")
    assert "[gw0] [" not in plain.stdout and "slowest" not in plain.stdout
    short = done.rowlock("report", "-q", "--tb=line", "-rN").stdout
    assert not short.startswith("last run") and "test_a.py:2: assert 1 == 2" in short
    assert "short test summary" not in short
    assert "FAILURES" not in done.rowlock("report", "--no-summary").stdout
    one = done.rowlock("report", "--durations", "1", "--no-header").stdout
    assert "slowest 1 durations" in one and "last run" not in one
    assert "why" not in done.rowlock("report", "--show-capture=no").stdout


def test_what_it_does_not_take(done):
    for words, message in (
        (["-n", "2"], "-n is for commands that run tests; leave it out here"),
        (["-qx"], "-x is for commands"),
        (["--lf"], "--lf is for commands"),
        (["-k", "x"], "-k is for commands"),
        (["--shard=1/2"], "--shard is for commands"),
        (["test_a.py"], "takes no paths or ids"),
        (["--reprot-json=x"], "unknown option --reprot-json; did you mean --report-json?"),
    ):
        refused = done.rowlock("report", *words)
        assert (refused.returncode, refused.stdout) == (USAGE, "")
        assert message in refused.stderr
    text = done.rowlock("report", "--help").stdout
    assert "--junitxml" in text and "--shard" not in text and "Reports:" in text


def test_where_there_is_none(project):
    project.manifest({"id": "a", "command": ["sh", "-c", "echo > started; read line < go"]})
    for _ in range(2):
        none = project.rowlock("report")
        assert (none.returncode, none.stdout) == (USAGE, "")
        assert "no run is recorded here; start one with 'rowlock parallel'" in none.stderr
        project.rowlock("generate")  # a plan is no run


def test_of_a_run_that_is_not_over(project, wait_until):
    project.manifest(
        {"id": "a", "command": ["true"]},
        {"id": "b", "command": ["sh", "-c", "echo > started; read line < go"], "depends": ["a"]},
    )
    project.run(["mkfifo", "go"])
    child = project.start("parallel", "-n", "2")
    assert wait_until(project.path("started").exists)
    report = project.rowlock("report")
    assert "it is not over: 1 of 2 tests have ended\n" in report.stdout
    assert report.returncode == FAIL
    project.run(["sh", "-c", "echo > go"])
    assert child.wait(timeout=60) == 0
    assert "not over" not in project.rowlock("report").stdout
