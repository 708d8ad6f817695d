"""`rowlock collect`: coverage data of any format in, reports out."""

import pytest

TRACE = """SF:src/one.c
FN:1,main
FNDA:{calls},main
BRDA:2,0,0,{calls}
BRDA:2,0,1,0
DA:1,{calls}
DA:2,{calls}
DA:3,0
end_of_record
SF:lib/two.c
DA:1,0
end_of_record
"""


@pytest.fixture
def traces(project):
    for calls in (1, 2):
        project.write(f"{calls}.info", TRACE.format(calls=calls))
    return project


def test_tracefiles_add_up(traces):
    done = traces.rowlock("collect", "--lcov", "all.info", "--missing", "1.info", "2.info")
    assert done.returncode == 0, done
    assert done.stdout.splitlines() == [
        "Name       Stmts   Miss  Branch  BrPart  Cover   Missing",
        "--------------------------------------------------------",
        "lib/two.c      1      1       0       0     0%   1",
        "src/one.c      3      1       2       1    67%   2 (1 of 2 branches), 3",
        "--------------------------------------------------------",
        "TOTAL          4      2       2       1    50%",
    ]
    text = (traces.root / "all.info").read_text()
    assert "DA:1,3\nDA:2,3\nDA:3,0\n" in text
    assert "FNDA:3,main\n" in text
    one = traces.rowlock("collect", "-q", "--omit=lib/*", "--lcov=one.info", "all.info")
    assert (one.returncode, one.stdout) == (0, "")
    assert "two.c" not in (traces.root / "one.info").read_text()


def test_what_cannot_be_read_is_named(traces):
    traces.write("torn.info", TRACE.format(calls=1)[:40])
    traces.write("notes.txt", "hello\n")
    done = traces.rowlock("collect", "torn.info", "1.info", "notes.txt", "none.info")
    assert done.returncode == 1, done
    assert [line.split(": ")[1] for line in done.stderr.splitlines()] == [
        "torn.info:4",
        "notes.txt",
        "none.info",
    ]
    assert "src/one.c" in done.stdout
    none = traces.rowlock("collect", "--lcov", "x.info", "torn.info")
    assert none.returncode == 1, none
    assert not (traces.root / "x.info").exists()


def test_least_coverage_and_wrong_words(traces):
    assert traces.rowlock("collect", "--fail-under", "50", "1.info").returncode == 0
    less = traces.rowlock("collect", "--cov-fail-under", "50.1", "1.info")
    assert less.returncode == 1, less
    assert "50.00% is covered" in less.stderr
    for words in ([], ["--lcof", "x", "1.info"], ["--lcov"], ["--fail-under", "x"], ["-q=1"]):
        done = traces.rowlock("collect", *words)
        assert (done.returncode, done.stdout) == (4, ""), done
    assert "did you mean --lcov?" in traces.rowlock("collect", "--lcof", "x").stderr
    assert "--missing" in traces.rowlock("collect", "--help").stdout
