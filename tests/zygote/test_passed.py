"""What the terminal has in hand of tests that passed: like a list, whoever looks."""

import copy
import importlib.util
import re

from client import SOURCE, run_plain

import pytest


def load():
    path = SOURCE / "src" / "pytest" / "rowlock_pytest" / "passed.py"
    spec = importlib.util.spec_from_file_location("passed_under_test", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Report:
    def __init__(self, number, worker, data):
        self.told = (number, worker, data)


FIRST, LAST = Report(0, "", ""), Report(1, "", "")
DATA = [["setup", 0.25, None, None], ["call", 1e-9, 1.5, 2.5], ["teardown", 3.0, 4.0, 5.0]]


@pytest.fixture
def reports():
    made = load().PassedReports([FIRST], Report)
    for number, data in enumerate(DATA):
        made.remember(2**40 + number, f"gw{number}", data)
    made.append(LAST)
    return made


def told(reports):
    return [report.told for report in reports]


EXPECTED = [
    FIRST.told,
    *((2**40 + number, f"gw{number}", data) for number, data in enumerate(DATA)),
    LAST.told,
]


def test_reading(reports):
    assert len(reports) == 5
    assert told(reports) == EXPECTED
    assert told([reports[i] for i in range(-5, 5)]) == EXPECTED * 2
    assert told(reports[3:0:-1]) == EXPECTED[3:0:-1]
    assert told(list(reports)) == told((*reports,)) == told([] + reports) == EXPECTED
    held = reports[1]
    assert next(r for r in reports if r is held) is reports[-4]
    more = [FIRST]
    more += reports
    more.extend(reports)
    assert told(more) == EXPECTED[:1] + EXPECTED * 2
    with pytest.raises(IndexError):
        reports[5]
    assert type(reports).__name__ == "PassedReports"


CHANGES = {
    "add": lambda r: r + [],
    "copy": lambda r: r.copy(),
    "copied": copy.copy,
    "reversed": lambda r: list(reversed(r))[::-1],
    "repeated": lambda r: (r * 2)[:5],
    "reverse": lambda r: r.reverse() or r[::-1],
    "sort": lambda r: r.sort(key=lambda x: x.told[0] or -1) or sorted(r, key=EXPECTED_ORDER),
    "delete": lambda r: [r.pop(0), *r],
    "set": lambda r: r.__setitem__(0, FIRST) or r,
    "insert": lambda r: r.insert(0, 1) or r[1:],
    "added": lambda r: r.__iadd__([FIRST])[:-1],
}


def EXPECTED_ORDER(report):
    return EXPECTED.index(report.told)


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_what_makes_a_plain_list(reports, name):
    held = reports[2]
    assert told(CHANGES[name](reports)) == EXPECTED
    assert type(reports).__name__ == "PlainReports"
    assert held in list(reports)
    reports.append(LAST)
    assert reports[-1] is LAST


PLUGIN = """
    def pytest_terminal_summary(terminalreporter):
        for name in ("passed", ""):
            for report in terminalreporter.stats.get(name, []):
                keywords = "/".join(sorted(report.keywords))
                terminalreporter.write_line(f"kept {name} {report.nodeid} {report.when}"
                    f" {report.outcome} {keywords} {report.duration > 0} {len(report.sections)}")
"""
MODULE = """
    import pytest
    @pytest.mark.parametrize("n", range(3))
    def test_silent(n): pass
    def test_words(): print("said")
    @pytest.fixture
    def late():
        yield
        assert 0
    def test_late(late): pass
"""


@pytest.mark.parametrize("more", [(), ("--durations=2",), ("-rA",)])
def test_plugins_find_the_reports_of_a_plain_run(suite, more):
    suite(test_m=MODULE, test_n=MODULE, conftest=PLUGIN)
    plain = kept(run_plain(suite.path, *more)[1])
    assert len(plain) >= 10
    with suite.zygote(*more, env={"ROWLOCK_COLUMNS": "200"}) as zygote:
        zygote.run_all()
        assert zygote.finish()[0] == 1
        summary = (zygote.rundir / "summary").read_text()
    assert sorted(kept(summary)) == sorted(plain)


def kept(text):
    return re.findall("^kept .*", text, re.MULTILINE)
