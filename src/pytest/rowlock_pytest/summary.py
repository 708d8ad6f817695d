"""What pytest's own terminal has to say, for the driver to print at the right place.

The driver prints the failures, the short summary and the last line for all formats of tests.
All else that a pytest run says at its end (the warnings, the sections of plugins, "Generated
html report") goes to RUNDIR/summary: lines of "key value", an empty line, then the text. What
it says at its start goes to RUNDIR/header, if the driver wants it.
"""

import os
import sys

import pytest
from rowlock_pytest import collect, isolate, verdict

# Of these the driver keeps count itself, or gets the count by name.
COUNTED = frozenset(
    (
        "",
        "passed",
        "failed",
        "error",
        "skipped",
        "xfailed",
        "xpassed",
        "deselected",
        "warnings",
        "rerun",
    )
)
# A plugin may count a test under a word of its own; then it does not count as one of these.
INSTEAD = ("passed", "failed", "skipped")
# What the driver prints itself; and what it prints where summary_passes is called.
TAKEN = (
    "summary_errors",
    "summary_failures",
    "summary_xpasses",
    "short_test_summary",
    "summary_stats",
)


def _nothing(*args, **kwargs):
    return None


def _write_whole(path, parts):
    """Writes a file as a whole or not at all."""
    with open(path + ".new", "wb") as f:
        for part in parts:
            f.write(part)
    os.rename(path + ".new", path)


def _is_verdict(report, outcome):
    """Whether it is the report by which pytest would have counted a test."""
    return (
        getattr(report, "when", None) == "call"
        and getattr(report, "outcome", None) == outcome
        and not hasattr(report, "wasxfail")
        and not verdict.is_subtest(report)
    )


class SummaryPlugin:
    """zygote: the ZygotePlugin, which knows what this process is."""

    def __init__(self, settings, zygote):
        self.settings = settings
        self.zygote = zygote
        self.path = os.path.join(settings.rundir, "summary")
        self.log = os.path.join(settings.rundir, "zygote.log")
        self.terminal = None
        self.before = None  # where 1 and 2 led
        self.passes = 0  # how much of the text comes before the output of tests that passed
        self.text = None  # the descriptor of the file that they lead to now

    # At the start.

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session):
        """The terminal's width and colours are those of the driver, which prints it all."""
        self.terminal = session.config.pluginmanager.get_plugin("terminalreporter")
        writer = getattr(self.terminal, "_tw", None)
        if writer is None or not self.settings.columns:
            return
        writer.fullwidth = self.settings.columns
        writer.hasmarkup = self.settings.color

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        """All is collected: the header is complete."""
        if self.zygote.together.in_worker():
            return
        option = session.config.option
        # Without pytest's terminal (-p no:terminal) there is no such option, and no header.
        if getattr(option, "verbose", 0) > 0 and not option.collectonly:
            isolate.flush_streams()
            with open(self.log, "rb") as f:
                _write_whole(os.path.join(self.settings.rundir, "header"), [f.read()])

    # At the end.

    def ends_here(self):
        """Whether this process is the one in which the session ends after its tests, and there
        is a driver that prints what is said then."""
        zygote = self.zygote
        if not self.settings.columns:
            return False
        return zygote.server is not None and (zygote.worker is None or self.settings.sequential)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session):
        if self.ends_here() and self.text is None:
            if hasattr(self.terminal, "ensure_newline"):
                self.terminal.ensure_newline()
            self.redirect()
            if self.terminal is not None:
                self.take_over()
            # The driver has a table of its own, of all formats.
            session.config.option.durations = None
        yield

    def take_over(self):
        for name in TAKEN:
            setattr(self.terminal, name, _nothing)
        self.terminal.summary_passes = self.note_passes

    def redirect(self):
        """What is printed from here on, with print() too, is the summary."""
        isolate.flush_streams()
        self.text = os.open(
            self.path + ".text", os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
        )
        os.unlink(self.path + ".text")
        self.before = [os.dup(1), os.dup(2)]
        os.dup2(self.text, 1)
        os.dup2(self.text, 2)

    def note_passes(self):
        """Here the driver shows the output of tests that passed, if that is asked for."""
        isolate.flush_streams()
        self.passes = os.fstat(self.text).st_size

    def counts(self):
        """What the last line counts and only pytest knows."""
        yield f"passes {self.passes}\n"
        stats = getattr(self.terminal, "stats", {})
        for key, reports in list(stats.items()):
            if key in COUNTED and key != "warnings":
                continue  # nor looked at: reports of tests that passed would have to be made first
            shown = [r for r in reports if getattr(r, "count_towards_summary", True)]
            if key == "warnings":
                yield f"warnings {len(shown)}\n"
            elif shown:
                name = " ".join(str(key).split())
                yield f"count {len(shown)} {name}\n"
                for outcome in INSTEAD:
                    number = sum(_is_verdict(report, outcome) for report in shown)
                    yield f"instead {number} {outcome}\n" if number else ""

    def finish(self):
        """The session has ended: writes the file. Says nothing where there was no session."""
        if self.text is None:
            return
        text = self.restore()
        head = "".join(self.counts()).encode("utf-8", "backslashreplace")
        try:
            _write_whole(self.path, [head, b"\n", text])
        except OSError as error:
            sys.stderr.write(f"{self.path}: {error}\n")

    def give_up(self):
        """The session has ended with an exception: its words belong into the log."""
        if self.text is not None:
            os.write(2, self.restore())

    def restore(self):
        """1 and 2 lead again where they did; returns what was written meanwhile."""
        isolate.flush_streams()
        for fd, before in enumerate(self.before, 1):
            os.dup2(before, fd)
            os.close(before)
        with open(self.text, "rb") as f:
            self.text = None
            f.seek(0)
            return f.read()


# How the JUnit file is to be: the key of an ini file, and pytest's default.
JUNIT_KEYS = (
    ("junit_suite_name", "pytest"),
    ("junit_family", "xunit2"),
    ("junit_logging", "no"),
    ("junit_log_passing_tests", True),
)


def tell_junit(config, rundir):
    """For whoever writes a JUnit file of this run: RUNDIR/junit, lines "key value"."""
    lines = []
    for name, default in JUNIT_KEYS:
        try:
            value = config.getini(name)
        except (KeyError, ValueError):
            continue  # the plugin is blocked
        if value != default:
            value = int(value) if isinstance(value, bool) else collect.clean(str(value))
            line = "{} {}\n".format(name, str(value).replace("\n", " "))
            lines.append(line.encode("utf-8"))
    if lines:
        _write_whole(os.path.join(rundir, "junit"), lines)
