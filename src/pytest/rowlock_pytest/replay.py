"""Reports cross from the workers to the zygote, whose hooks see them as in a plain run.

The zygote is the controller in pytest-xdist's sense: the cache, junit and reporting plugins
live there. A worker sends one message per test, JSON, in which a phase that passed without
output takes four numbers: the zygote has the same items and builds the report again.
"""

import json
import sys
import warnings

import pytest

from rowlock_pytest.passed import PassedReports

PLAIN_KEYS = frozenset(
    (
        "nodeid",
        "_id",
        "location",
        "keywords",
        "outcome",
        "longrepr",
        "when",
        "user_properties",
        "sections",
        "duration",
        "start",
        "stop",
    )
)


_encoder = json.JSONEncoder(default=repr, separators=(",", ":"))


def encode(data):
    """JSON, whatever data holds."""
    return _encoder.encode(data).encode("ascii")


def _is_plain(report):
    return (
        type(report) is pytest.TestReport
        and report.outcome == "passed"
        and report.longrepr is None
        and not report.sections
        and not report.user_properties
        and PLAIN_KEYS.issuperset(report.__dict__)
    )


def marks_of(item):
    """A fingerprint of what a running test may add to its item's keywords."""
    return len(item.own_markers), len(item.extra_keyword_matches)


def pack_report(config, report, changed=False):
    """A report as something that json takes."""
    if not changed and _is_plain(report):
        data = report.__dict__
        return [report.when, report.duration, data.get("start"), data.get("stop")]
    return config.hook.pytest_report_to_serializable(config=config, report=report)


def pack_test(config, number, reports, changed, held):
    """The message about one test. number: of its item; held: more may come to light about
    its last report, keep that back."""
    packed = []
    for report in reports:
        try:
            data = pack_report(config, report, changed)
            if isinstance(data, dict):
                encode(data)
        except Exception as error:  # noqa: BLE001
            data = _stand_in(config, report, error)
        packed.append(data)
    return encode({"item": number, "held": held, "reports": packed})


def _stand_in(config, report, error):
    """A report that cannot be written down keeps its outcome and its text."""
    plain = pytest.TestReport(
        report.nodeid,
        report.location,
        {},
        report.outcome,
        f"{report.longrepr}\n(this report could not be passed on whole: {error!r})",
        report.when,
    )
    return config.hook.pytest_report_to_serializable(config=config, report=plain)


def restore_tuples(report):
    """JSON has made lists of them, and pytest's own hooks tell a skip's reason by its type."""
    if isinstance(report.longrepr, list):
        report.longrepr = tuple(report.longrepr)
    for name in ("sections", "user_properties"):
        pairs = getattr(report, name, None)
        if pairs:
            setattr(report, name, [tuple(p) if isinstance(p, list) else p for p in pairs])


class Replayer:
    """The zygote's side."""

    def __init__(self, session, settings, nodes):
        self.session = session
        self.config = session.config
        self.settings = settings
        self.nodes = nodes
        self.has_ids = hasattr(pytest.TestReport, "id")
        self.quick = QuickReplay(self)

    def unpack_report(self, number, data, worker):
        item = self.session.items[number]
        if isinstance(data, list):
            report = self.passed_report(item, *data)
        else:
            report = self.config.hook.pytest_report_from_serializable(
                config=self.config, data=data
            )
            restore_tuples(report)
        self.nodes.decorate(report, worker, number)
        return report

    def key(self, node):
        """What pytest knows a test (or its report) by: since 9.2 an object, not its text."""
        return node.id if self.has_ids else node.nodeid

    def passed_report(self, item, when, duration, start, stop):
        times = {} if start is None else {"start": start, "stop": stop}
        return pytest.TestReport(
            self.key(item),
            item.location,
            dict.fromkeys(item.keywords, 1),
            "passed",
            None,
            when,
            (),
            duration,
            **times
        )

    def test(self, data, worker):
        """Replays a test, or keeps all of it back where the worker says that it is held.
        Returns what finish() takes then, else None."""
        held = data["item"], data["reports"]
        if data["held"]:
            return held
        self.finish(held, None, worker)
        return None

    def finish(self, held, amended, worker):
        """Replays a test; amended: the data of the report that replaces its last one."""
        number, reports = held
        if amended is None and self.quick.test(number, reports, worker):
            return
        item = self.session.items[number]
        if amended is not None:
            reports = reports[:-1] + [amended]
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for data in reports:
            self.log(item, self.unpack_report(number, data, worker))
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)

    def late(self, number, data, worker):
        """A report about a test that has been replayed before."""
        item = self.session.items[number]
        self.log(item, self.unpack_report(number, data, worker))

    def log(self, item, report):
        if type(report).__name__ == "SubtestReport" and report.failed:
            self.count_failed_subtest(report)
        item.ihook.pytest_runtest_logreport(report=report)

    def count_failed_subtest(self, report):
        """pytest counts them where the test runs, and its terminal wants to know here."""
        try:
            from _pytest.subtests import failed_subtests_key
        except ImportError:
            return
        counts = self.config.stash[failed_subtests_key]
        counts[self.key(report)] += 1

    def crash(self, number, worker, text, again=False):
        """A test whose worker died; the report looks as under pytest-xdist. again: it is to run
        once more."""
        item = self.session.items[number]
        words = f"worker {worker!r} crashed while running {item.nodeid!r} ({text})"
        report = self.crash_report(item, words)
        self.nodes.decorate(report, worker, number)
        if again:
            report.outcome = "rerun"
        elif not self.settings.sequential:
            self.nodes.crashed(report, item.nodeid)
        item.ihook.pytest_runtest_logreport(report=report)

    def process_crash(self, data, worker):
        """A test whose own process died (--forked). Where a failure was expected it is one,
        as under pytest-forked."""
        item = self.session.items[data["item"]]
        words = f"the process of {item.nodeid!r} on {worker!r} ended: {data['text']}"
        report = self.crash_report(item, words)
        self.nodes.decorate(report, worker, data["item"])
        reason = data["xfail"]
        if data["again"]:
            report.outcome = "rerun"
        if reason is not None:
            report.outcome = "skipped"
            report.wasxfail = f"reason: {reason}; {words}" if reason else words
        item.ihook.pytest_runtest_logreport(report=report)

    @staticmethod
    def crash_report(item, words):
        path = item.nodeid.split("::", 1)[0]
        return pytest.TestReport(item.nodeid, (path, None, path), {}, "failed", words, "???")

    def not_started(self, number, worker, text):
        """A test that its worker could not even begin."""
        item = self.session.items[number]
        report = pytest.TestReport(
            self.key(item), item.location, {}, "failed", f"worker {worker!r}: {text}", "setup"
        )
        item.ihook.pytest_runtest_logreport(report=report)

    def warning(self, data):
        """A warning that a worker has recorded goes to the controller's summary."""
        category = _find_category(data["module"], data["category"])
        try:
            message = category(data["text"])
        except Exception:  # noqa: BLE001
            category = UserWarning
            message = UserWarning(data["text"])
        recorded = warnings.WarningMessage(
            message, category, data["filename"], data["lineno"]
        )
        self.config.hook.pytest_warning_recorded.call_historic(
            kwargs={
                "warning_message": recorded,
                "when": data["when"],
                "nodeid": data["nodeid"],
                "location": tuple(data["location"]) if data["location"] else None,
            }
        )


class QuickReplay:
    """Tests that passed, where nobody but pytest itself listens.

    Of its own plugins two remember such a test: the cache, which forgets that it failed last
    time, and the terminal, which has it in its statistics. To tell these two directly takes
    a tenth of what the five hooks take.
    """

    HOOKS = ("pytest_runtest_logstart", "pytest_runtest_logreport", "pytest_runtest_logfinish")
    CORE = frozenset(
        (
            "Session",
            "TerminalReporter",
            "LFPlugin",
            "LoggingPlugin",
            "ZygotePlugin",
            "TerminalProgressPlugin",
        )
    )
    STATUS = ("_pytest.runner", "_pytest.skipping", "_pytest.subtests", "_pytest.terminal")

    def __init__(self, replayer):
        self.replayer = replayer
        manager = replayer.config.pluginmanager
        self.cache = manager.get_plugin("lfplugin")
        self.terminal = manager.get_plugin("terminalreporter")
        self.possible = self.nobody_listens(replayer.config.hook)
        self.kept = {}  # category -> PassedReports
        # Under -rP the terminal goes through all of them for each of them.
        self.in_full = self.terminal is not None and self.terminal.hasopt("P")

    def nobody_listens(self, hook):
        for name in self.HOOKS:
            for impl in getattr(hook, name).get_hookimpls():
                kind = type(impl.plugin)
                if kind.__name__ not in self.CORE or not kind.__module__.startswith(
                    ("_pytest.", "rowlock_pytest.")
                ):
                    return False
        for impl in hook.pytest_report_teststatus.get_hookimpls():
            plugin = impl.plugin
            module = getattr(plugin, "__name__", type(plugin).__name__)
            if module not in self.STATUS:
                return False
        return self.terminal is None or hasattr(self.terminal, "_add_stats")

    def keep(self, category, number, worker, data):
        """Puts a report among the terminal's."""
        kept = self.terminal.stats.get(category)
        if type(kept) is PassedReports:
            kept.remember(number, worker, data)
        elif self.in_full or category in self.kept:
            self.terminal._add_stats(category, [self.build(number, worker, data)])
        else:
            self.terminal._add_stats(category, [])
            kept = PassedReports(self.terminal.stats[category], self.build)
            self.terminal.stats[category] = self.kept[category] = kept
            kept.remember(number, worker, data)

    def build(self, number, worker, data):
        return self.replayer.unpack_report(number, data, worker)

    def test(self, number, reports, worker):
        """False if this test has to be replayed in full."""
        if not self.possible or [r[0] if isinstance(r, list) else "" for r in reports] != [
            "setup",
            "call",
            "teardown",
        ]:
            return False
        if self.terminal is not None:
            self.terminal._tests_ran = True
            for data, category in zip(reports, ("", "passed", "")):
                self.keep(category, number, worker, data)
        lastfailed = getattr(self.cache, "lastfailed", None)
        if lastfailed:
            item = self.replayer.session.items[number]
            lastfailed.pop(self.replayer.key(item), None)
        return True


def pack_warning(message, when, nodeid, location):
    category = message.category
    data = {
        "text": str(message.message),
        "module": category.__module__,
        "category": category.__name__,
        "filename": message.filename,
        "lineno": message.lineno,
        "when": when,
        "nodeid": nodeid,
        "location": location,
    }
    return encode(data)


def worker_warning(text):
    """The same for what is to be said about a worker."""
    data = {"text": text, "module": "pytest", "category": "PytestWarning", "filename": "rowlock"}
    return dict(data, lineno=0, when="config", nodeid="", location=None)


def _find_category(module, name):
    """The warning class of that name if it is loaded here; nothing gets imported."""
    category = getattr(sys.modules.get(module), name, UserWarning)
    if isinstance(category, type) and issubclass(category, Warning):
        return category
    return UserWarning
