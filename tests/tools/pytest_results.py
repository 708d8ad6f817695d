"""A pytest plugin: writes {node id: outcome} to the file that ROWLOCK_CHECK_RESULTS names.

The outcomes have the names that Rowlock's own reports use. Loaded by check.py with -p.
"""

import json
import os


def pytest_configure(config):
    path = os.environ.get("ROWLOCK_CHECK_RESULTS")
    # Only for the run that check.py started: a pytest that a test starts has its own verdicts.
    os.environ.pop("ROWLOCK_CHECK_RESULTS", None)
    if path:
        config.pluginmanager.register(Results(path), "rowlock-check-results")


class Results:
    def __init__(self, path):
        self.path = path
        self.names = {}
        self.outcomes = {}

    def pytest_runtest_logstart(self, nodeid):
        """A second test of the same node id becomes ID@2, as in Rowlock's reports."""
        again = self.names.get(nodeid)
        count = again[1] + 1 if again else 1
        self.names[nodeid] = (nodeid if count == 1 else f"{nodeid}@{count}", count)

    def pytest_runtest_logreport(self, report):
        name = self.names[report.nodeid][0]
        outcome = self.outcome(report)
        if outcome and self.outcomes.get(name) != "error":
            self.outcomes[name] = outcome

    @staticmethod
    def outcome(report):
        """What the report of one phase makes of its test; None: nothing."""
        if report.failed:
            return "failed" if report.when == "call" else "error"
        if report.skipped:
            return "xfailed" if hasattr(report, "wasxfail") else "skipped"
        if report.when == "call":
            return "xpassed" if hasattr(report, "wasxfail") else "passed"
        return None

    def pytest_sessionfinish(self):
        with open(self.path, "w", encoding="utf-8") as stream:
            json.dump(self.outcomes, stream)
