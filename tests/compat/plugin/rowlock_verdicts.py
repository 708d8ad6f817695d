"""A pytest plugin that writes the verdict of every test to a file: pytest -p rowlock_verdicts,
with ROWLOCK_VERDICTS naming the file. Plain pytest runs load it, to be compared with."""

import json
import os


class Verdicts:
    def __init__(self):
        self.seen = {}  # node id → how many tests of that id have begun
        self.phases = {}  # name → [(phase, outcome), …], in the order in which tests ran

    def name(self, nodeid):
        """The node id; the second test of the same id is "id@2"."""
        count = self.seen.get(nodeid, 1)
        return nodeid if count == 1 else f"{nodeid}@{count}"

    def pytest_runtest_logreport(self, report):
        if report.when == "setup":
            self.seen[report.nodeid] = self.seen.get(report.nodeid, 0) + 1
        elif hasattr(report, "context") and not report.failed:
            return  # a subtest: a part of its test, which counts once
        outcome = report.outcome
        if hasattr(report, "wasxfail"):
            outcome = "xpassed" if report.passed else "xfailed"
        self.phases.setdefault(self.name(report.nodeid), []).append((report.when, outcome))

    def pytest_sessionfinish(self):
        verdicts = {name: verdict(phases) for name, phases in self.phases.items()}
        with open(os.environ["ROWLOCK_VERDICTS"], "w", encoding="utf-8") as file:
            json.dump(verdicts, file, indent=1)


def verdict(phases):
    """One word for what the phases of a test reported."""
    outcomes = dict(reversed(phases))  # of several reports of a phase the first counts
    failed = [phase for phase, outcome in phases if outcome == "failed"]
    if "setup" in failed or "teardown" in failed:
        return "error"
    if failed:
        return "failed"
    if outcomes.get("setup") in ("skipped", "xfailed"):
        return outcomes["setup"]
    return outcomes.get("call", "error")


def pytest_configure(config):
    config.pluginmanager.register(Verdicts(), "rowlock-verdicts")
