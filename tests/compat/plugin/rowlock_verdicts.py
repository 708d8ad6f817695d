"""A pytest plugin that writes the verdict of every test to a file: pytest -p rowlock_verdicts,
with ROWLOCK_VERDICTS naming the file. Runs of plain pytest and of pytest-xdist load it, to be
compared with."""

import json
import os


class Verdicts:
    def __init__(self, path):
        self.path = path
        self.seen = {}  # node id → how many tests of that id have begun
        self.running = {}  # (worker, node id) → which of them it runs
        self.phases = {}  # name → [(phase, outcome), …], in the order in which tests ran

    def name(self, report):
        """The node id; the second test of the same id is "id@2"."""
        worker = getattr(report, "worker_id", None)
        if report.when == "setup":
            self.seen[report.nodeid] = self.seen.get(report.nodeid, 0) + 1
            self.running[worker, report.nodeid] = self.seen[report.nodeid]
        count = self.running.get((worker, report.nodeid), 1)
        return report.nodeid if count == 1 else f"{report.nodeid}@{count}"

    def pytest_runtest_logreport(self, report):
        if hasattr(report, "context") and not report.failed:
            return  # a subtest: a part of its test, which counts once
        outcome = report.outcome
        if hasattr(report, "wasxfail"):
            outcome = "xpassed" if report.passed else "xfailed"
        self.phases.setdefault(self.name(report), []).append((report.when, outcome))

    def pytest_sessionfinish(self):
        verdicts = {name: verdict(phases) for name, phases in self.phases.items()}
        with open(self.path, "w", encoding="utf-8") as file:
            json.dump(verdicts, file, indent=1)


def verdict(phases):
    """One word for what the phases of a test reported."""
    outcomes = dict(reversed(phases))  # of several reports of a phase the first counts
    failed = [phase for phase, outcome in phases if outcome == "failed"]
    if "???" in failed:
        return "crashed"  # pytest-xdist's report for it
    if "setup" in failed or "teardown" in failed:
        return "error"
    if failed:
        return "failed"
    if outcomes.get("setup") in ("skipped", "xfailed"):
        return outcomes["setup"]
    return outcomes.get("call", "error")


def pytest_configure(config):
    # Not for the tests' eyes: they may run pytest again.
    path = os.environ.pop("ROWLOCK_VERDICTS", None)
    if path is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Verdicts(path), "rowlock-verdicts")
