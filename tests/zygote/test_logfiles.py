"""log_file and log_cli with several workers."""

import re

SUITE = """
    import logging
    import os
    import pytest
    log = logging.getLogger("suite")
    log.warning("imported")
    @pytest.mark.parametrize("n", range(20))
    def test_log(n, worker_id):
        log.warning("%s says %d %s", worker_id, n, "x" * 5000)
"""
OPTIONS = ("-o", "log_file=logs/tests.log", "-o", "log_file_format=%(message)s")


def lines(path):
    return path.read_text().splitlines()


def run_two(zygote):
    conns = [zygote.begin(*range(n, 20, 2), slot=n) for n in range(2)]
    for conn in conns:
        assert zygote.collect(conn).outcomes == ["passed"] * 10
    assert zygote.finish()[0] == 0


def test_each_worker_has_a_log_file_of_its_own(suite):
    with suite(test_m=SUITE).zygote(*OPTIONS) as zygote:
        run_two(zygote)
    logs = suite.path / "logs"
    assert sorted(path.name for path in logs.iterdir()) == [
        "tests-gw0.log",
        "tests-gw1.log",
        "tests.log",
    ]
    assert lines(logs / "tests.log") == ["imported"]
    for worker in range(2):
        wanted = [f"gw{worker} says {n} {'x' * 5000}" for n in range(worker, 20, 2)]
        assert lines(logs / f"tests-gw{worker}.log") == wanted


def test_a_replaced_worker_goes_on_in_its_file(suite):
    text = """
        import logging
        import os
        def test_dies():
            logging.warning("dies")
            os._exit(1)
        def test_lives(): logging.warning("lives")
    """
    with suite(test_m=text).zygote(*OPTIONS) as zygote:
        zygote.run(0)
        assert zygote.run(1).outcomes == ["passed"]
    assert lines(suite.path / "logs" / "tests-gw0.log") == ["dies", "lives"]


def test_a_sequential_run_has_one_log_file(suite):
    with suite(test_m=SUITE).zygote(*OPTIONS, sequential=True) as zygote:
        assert zygote.run_all().outcomes == ["passed"] * 20
        zygote.finish()
    logs = suite.path / "logs"
    assert [path.name for path in logs.iterdir()] == ["tests.log"]
    assert len(lines(logs / "tests.log")) == 21


def test_live_log_lines_name_their_worker_and_stay_whole(suite):
    options = ("-o", "log_cli=true", "-o", "log_cli_format=%(message)s\n  second line")
    with suite(test_m=SUITE).zygote(*options) as zygote:
        run_two(zygote)
        found = re.findall(r"^\[(gw\d)\] (.*)$", zygote.log, re.MULTILINE)
    for worker in ("gw0", "gw1"):
        # The terminal's own lines: [gw0] [ 5%] PASSED ...
        mine = [text for name, text in found if name == worker and "PASSED" not in text]
        wanted = []
        for n in range(int(worker[2:]), 20, 2):
            wanted += [f"{worker} says {n} {'x' * 5000}", "  second line"]
        assert mine == wanted
