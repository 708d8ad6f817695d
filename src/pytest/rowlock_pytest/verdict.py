"""From the reports that pytest makes about one test to its record."""

import io
import os

from _pytest._io import TerminalWriter

from rowlock_pytest import records

SUBTEST_TYPES = ("SubtestReport", "SubTestReport")


def is_subtest(report):
    """Reports of the subtests fixture and of unittest's subTest, of pytest 9 and of
    pytest-subtests before it."""
    return type(report).__name__ in SUBTEST_TYPES


def long_text(report):
    """The whole failure text; never raises, whatever a plugin has made of longrepr. Unlike
    longreprtext it keeps the indentation of the first line and the empty one before it."""
    try:
        file = io.StringIO()
        writer = TerminalWriter(file)
        writer.hasmarkup = False
        report.toterminal(writer)
        return file.getvalue().rstrip()
    except Exception as error:  # noqa: BLE001
        return f"<no text for this failure: {error!r}>"


def _crash(report):
    crash = getattr(report.longrepr, "reprcrash", None)
    return crash if hasattr(crash, "message") else None


def failed(report):
    """Also where the test is to run again for it."""
    return report.failed or report.outcome == "rerun"


def skip_reason(report):
    """The reason of a skip, without the word that pytest puts before it."""
    longrepr = report.longrepr
    reason = longrepr[2] if isinstance(longrepr, tuple) and len(longrepr) == 3 else ""
    if not reason:
        crash = _crash(report)
        reason = crash.message if crash else long_text(report)
    reason = str(reason)
    return reason[len("Skipped: ") :] if reason.startswith("Skipped: ") else reason


def message(report):
    """One line that says why a phase did not pass."""
    if hasattr(report, "wasxfail"):
        reason = str(report.wasxfail)
        return records.first_line(
            reason[len("reason: ") :] if reason.startswith("reason: ") else reason
        )
    if report.skipped:
        return records.first_line(skip_reason(report))
    crash = _crash(report)
    if crash is not None:
        return records.first_line(str(crash.message))
    if isinstance(report.longrepr, str):
        return records.first_line(report.longrepr)
    lines = long_text(report).splitlines()
    for line in lines:
        if line.startswith("E  "):
            return line[1:].strip()
    return records.first_line("\n".join(reversed(lines)))


def location(report, rootdir):
    """"file:line" of a failure or a skip, relative to rootdir; "" if it is not known."""
    crash = _crash(report)
    if crash is not None:
        path, line = str(crash.path), crash.lineno
    elif isinstance(report.longrepr, tuple) and len(report.longrepr) == 3:
        path, line = str(report.longrepr[0]), report.longrepr[1]
    else:
        return ""
    if path.startswith(rootdir + os.sep):
        path = path[len(rootdir) + 1 :]
    return f"{path}:{line}"


def place(report, rootdir):
    """The file of a skip that a mark has asked for: pytest's summary counts those of a file
    together, whatever their lines."""
    keywords = getattr(report, "keywords", {})
    if report.when != "setup" or "skip" not in keywords or "pytestmark" in keywords:
        return ""
    return location(report, rootdir).rpartition(":")[0]


def subtest_title(report):
    try:
        return report.head_line
    except Exception:  # noqa: BLE001
        return report.nodeid


class Verdict:
    """Collects the reports of one test as they are logged."""

    def __init__(self, rootdir):
        self.rootdir = rootdir
        self.reports = []
        self.earlier = []  # what a plugin has run again: (outcome, fields, reports)
        self.forget()

    def forget(self):
        self.phases = {}
        self.subtests = []
        self.failed_subtests = []

    def add(self, report):
        self.reports.append(report)
        if is_subtest(report):
            self.subtests.append(report)
            if failed(report):
                self.failed_subtests.append(report)
            return
        if report.when == "setup":
            # The first phase again: a plugin runs the test once more, the last run counts.
            self.note_attempt()
            self.forget()
        self.phases[report.when] = report

    def note_attempt(self):
        """What was reported so far is an attempt of pytest-rerunfailures."""
        reports = list(self.phases.values())
        if any(report.outcome == "rerun" for report in reports):
            self.earlier.append(self.result() + (reports,))

    def before_teardown(self):
        """The outcome of set-up and call, and the report that decided it."""
        setup = self.phases.get("setup")
        call = self.phases.get("call")
        if setup is not None and not setup.passed:
            if failed(setup):
                return records.ERROR, setup
            return (records.XFAILED if hasattr(setup, "wasxfail") else records.SKIPPED), setup
        if call is not None and failed(call):
            return records.FAILED, call
        if self.failed_subtests:
            return records.FAILED, call
        if call is not None:
            expected = hasattr(call, "wasxfail")
            if call.skipped:
                return (records.XFAILED if expected else records.SKIPPED), call
            return (records.XPASSED if expected else records.PASSED), call
        for report in self.phases.values():
            if failed(report) and report.when != "teardown":
                return records.FAILED, report
        return (records.PASSED if setup is not None else records.NONE), setup

    def result(self):
        """(outcome, Fields) of the test."""
        fields = records.Fields()
        outcome, report = self.before_teardown()
        if outcome == records.NONE:
            outcome = records.SKIPPED
            fields.add(records.MESSAGE, "no report was made for it: a plugin has taken it over")
        elif outcome in (records.FAILED, records.ERROR) or not self.teardown_failed():
            self.explain(fields, outcome, report)
        if self.teardown_failed():
            teardown = self.phases["teardown"]
            fields.add(records.CALL, bytes([outcome]))
            if outcome not in (records.FAILED, records.ERROR):
                describe(fields, teardown, self.rootdir)
            outcome = records.ERROR
        self.add_details(fields, outcome, report)
        if self.teardown_failed():
            add_teardown(fields, self.phases["teardown"])
        self.add_sections(fields)
        return outcome, fields

    def teardown_failed(self):
        return "teardown" in self.phases and failed(self.phases["teardown"])

    def explain(self, fields, outcome, report):
        if outcome == records.PASSED:
            return
        if self.failed_subtests and (report is None or not failed(report)):
            first = self.failed_subtests[0]
            text = f"{subtest_title(first)}: {message(first)}"
            fields.add_text(records.MESSAGE, records.first_line(text))
            fields.add_text(records.LOCATION, location(first, self.rootdir))
        else:
            describe(fields, report, self.rootdir)

    def add_details(self, fields, outcome, report):
        """The failure texts, those of subtests under their names."""
        for subtest in self.failed_subtests:
            fields.add_text(records.DETAIL, long_text(subtest), subtest_title(subtest))
        shown = outcome in (records.FAILED, records.ERROR, records.XFAILED)
        if shown and report is not None and report.longrepr is not None:
            fields.add_text(records.DETAIL, long_text(report))

    def add_sections(self, fields):
        """The captured output of all phases: each report repeats those before it, so the
        last one has everything."""
        last = None
        for report in self.phases.values():
            last = report
        sections = list(last.sections) if last is not None else []
        for report in self.subtests:
            sections.extend(s for s in report.sections if s not in sections)
        add_sections(fields, sections)
        if last is not None:
            for name, value in getattr(last, "user_properties", ()):
                fields.add(records.PROPERTY, "{}\0{}".format(str(name).replace("\0", ""), value))


def describe(fields, report, rootdir):
    """The message and the place of a report that did not pass."""
    fields.add_text(records.MESSAGE, message(report))
    if failed(report) or report.skipped:
        fields.add_text(records.LOCATION, location(report, rootdir))
    if report.skipped:
        fields.add_text(records.PLACE, place(report, rootdir))


def add_teardown(fields, report):
    """What the teardown has to say of its failure."""
    text = "error at teardown:\n" + long_text(report)
    fields.add_text(records.DETAIL, text, records.TEARDOWN_TITLE + message(report))


def add_sections(fields, sections):
    """One field each, in their order, with its heading. Those of plugins are logs to us."""
    for title, text in sections:
        tag = records.LOG
        if title.startswith("Captured stdout"):
            tag = records.STDOUT
        elif title.startswith("Captured stderr"):
            tag = records.STDERR
        fields.add_text(tag, str(text), str(title))
