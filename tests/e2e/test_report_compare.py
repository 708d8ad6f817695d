"""rowlock report --compare: where the verdicts of two runs differ."""

import json

FAIL, USAGE, NO_TESTS = 1, 4, 5


def write(project, name, tests, **more):
    """A report of a run: {id: outcome}, or {id: {…} of which outcome is one}."""
    rows = [
        {"id": test, **(said if isinstance(said, dict) else {"outcome": said})}
        for test, said in tests.items()
    ]
    project.write(name, json.dumps({"summary": {}, "tests": rows, **more}))


def compare(project, *words):
    return project.rowlock("report", "--compare", "a.json", "b.json", *words)


A = {
    "same": {"outcome": "passed", "duration": 1, "worker": "gw0", "attempts": 1},
    "both\n::fail": "failed",
    "worse": "passed",
    "gone": "skipped",
    "shaky": "passed",
    "t/a.t": {
        "outcome": "failed",
        "points": [
            {"outcome": "passed", "description": "one"},
            {"outcome": "failed", "description": "two \x1b[31m"},
        ],
    },
}
B = {
    "new\x1b]0;x": {"outcome": "failed", "message": "why"},
    "late": "passed",
    "same": {"outcome": "passed", "duration": 9, "worker": "gw5", "attempts": 3},
    "both\n::fail": "failed",
    "worse": {"outcome": "failed", "message": "m" * 300},
    "shaky": {"outcome": "flaky", "message": "once"},
    "t/a.t": {
        "outcome": "failed",
        "points": [
            {"outcome": "failed", "description": "one"},
            {"outcome": "passed", "description": "two \x1b[31m"},
            {"outcome": "passed", "description": None},
        ],
    },
}


def test_every_difference(project):
    write(project, "a.json", A, not_run=["late", "never"])
    write(project, "b.json", B, not_run=["never"])
    done = compare(project)
    assert done.returncode == FAIL and done.stderr == "", done
    assert done.stdout.splitlines() == [
        "gone: only in a.json, skipped",
        "late: not run in a.json, passed in b.json",
        "new\\x1b]0;x: only in b.json, failed - why",
        "shaky: passed in a.json, flaky in b.json - once",
        "t/a.t: point 1 (one): passed in a.json, failed in b.json",
        "t/a.t: point 2 (two \\x1b[31m): failed in a.json, passed in b.json",
        "t/a.t: point 3: none in a.json, passed in b.json",
        f"worse: passed in a.json, failed in b.json - {'m' * 200}...",
        "3 of 6 tests differ, 1 only in a.json, 1 only in b.json; 1 flaky, which counts as passed; "
        "1 ran in neither",
    ]
    found = json.loads(compare(project, "--json").stdout)
    rows = {row["id"]: (row["a"], row["b"]) for row in found["tests"]}
    assert rows["gone"] == ("skipped", None) and rows["new\x1b]0;x"] == (None, "failed")
    assert rows["late"] == ("not run", "passed") and rows["worse"] == ("passed", "failed")
    assert rows["shaky"] == ("passed", "flaky") and len(rows) == 6
    points = [row["points"] for row in found["tests"] if row["id"] == "t/a.t"][0]
    assert points[1] == {
        "point": 2, "description": "two \x1b[31m", "a": "failed", "b": "passed"
    }
    assert found["a"] == {"file": "a.json", "tests": 8, "interrupted": False}
    counts = ("compared", "same", "verdicts", "only_a", "only_b", "flaky", "not_run")
    assert [found[key] for key in counts] == [6, 3, 3, 1, 1, 1, 1]


def test_flaky(project):
    write(project, "a.json", {"t": "passed", "u": "flaky"})
    write(project, "b.json", {"t": "flaky", "u": "flaky"})
    done = compare(project)
    assert done.returncode == 0 and "same verdicts in 2 tests; 2 flaky" in done.stdout, done
    assert "t: passed in a.json, flaky in b.json" in done.stdout
    assert "counts as passed" in done.stdout
    strict = compare(project, "--fail-on-flaky")
    assert strict.returncode == FAIL and "1 of 2 tests differ" in strict.stdout, strict
    assert "; 1 flaky\n" in strict.stdout, strict
    write(project, "b.json", {"t": "failed", "u": "failed"})
    assert compare(project).stdout.count("failed in b.json") == 2


def test_ids_that_stand_twice(project):
    """As under --dist each: what counts is how often there is which verdict."""
    rows = [{"id": "t", "outcome": outcome} for outcome in ("passed", "failed", "passed")]
    project.write("a.json", json.dumps({"tests": rows}))
    project.write("b.json", json.dumps({"tests": rows[::-1]}))
    assert compare(project).returncode == 0
    project.write("b.json", json.dumps({"tests": rows[:2]}))
    done = compare(project)
    assert done.returncode == FAIL and "t: only in a.json, passed" in done.stdout, done


def test_nothing_is_no_success(project):
    write(project, "a.json", {}, not_run=["t"])
    write(project, "b.json", {}, not_run=["t"])
    done = compare(project)
    assert done.returncode == NO_TESTS and "nothing is compared" in done.stderr, done
    write(project, "b.json", {"t": "passed"}, summary={"interrupted": True})
    done = compare(project)
    assert done.returncode == FAIL and "b.json: that run was interrupted" in done.stderr, done


BAD = {
    "": "1:1: the file is empty: this is no report",
    "{": "1:1: this object is not closed",
    "[]": "1:1: this is no report of a run",
    '{"tests": 1}': "1:11: this is no report",
    '{"tests": [{"id": "t"}]}': "1:12: this is no report",
    '{"tests": [{"id": "t", "outcome": 1}]}': "1:12: this is no report",
    '{"tests": [],\n"not_run": [1]}': "2:13: this is no report",
    '{"tests": [{"id": "t", "outcome": "passed", "points": [1]}]}': "1:56: this is no report",
}


def test_bad_input(project):
    write(project, "a.json", {"t": "passed"})
    for text, said in BAD.items():
        project.write("b.json", text)
        done = compare(project)
        assert done.returncode == USAGE and f"b.json:{said}" in done.stderr, done
        assert done.stdout == ""
    missing = project.rowlock("report", "--compare", "a.json", "none.json")
    assert missing.returncode == USAGE and "none.json: cannot be read" in missing.stderr
    one = project.rowlock("report", "--compare", "a.json")
    assert one.returncode == USAGE and "two files" in one.stderr
    mistyped = compare(project, "--jsno")
    assert mistyped.returncode == USAGE and "did you mean --json?" in mistyped.stderr


SUITE = """
import os, pytest
def test_mode(): assert os.environ["FQCN_TEST_MODE"] == "sequential"
@pytest.mark.skipif(os.environ.get("MORE") != "1", reason="no more")
def test_more(): pass
"""


def test_real_runs(project):
    project.write("test_a.py", SUITE)
    project.manifest(
        {"id": "n/bad\x1b", "command": ["false"]},
        suites=[{"name": "py", "format": "pytest", "paths": ["test_a.py"]}],
    )
    first = project.rowlock("sequential", "--report-json", "a.json", env={"MORE": "1"})
    second = project.rowlock("parallel", "-n", "2", "--report-json", "b.json", "-q")
    assert first.returncode == second.returncode == FAIL
    done = compare(project)
    assert done.returncode == FAIL, done
    lines = done.stdout.splitlines()
    assert lines[0].startswith("test_a.py::test_mode: passed in a.json, failed in b.json - ")
    assert lines[1].startswith("test_a.py::test_more: passed in a.json, skipped in b.json - ")
    assert lines[2:] == ["2 of 3 tests differ"]
    same = project.rowlock("report", "--compare", "b.json", "b.json")
    assert same.returncode == 0 and same.stdout == "the same verdicts in 3 tests\n", same
