"""Tests that run again when they fail: how often, and which failures count.

Where pytest-rerunfailures is in use, it is the one that runs a failed test again, as in a plain
run of pytest: with its own conditions, and before the test's record is written. Rowlock then
records its attempts, and runs again what that plugin cannot: tests that crashed or timed out.
"""

import re
import select
import warnings

from rowlock_pytest import realtime, records

MOST = 200
PAUSE_SECONDS = 0.02
_select = select.select  # a project may have put something else in the place of time.sleep


def find_plugin(config):
    """The module of pytest-rerunfailures if it is in use."""
    for _, plugin in config.pluginmanager.list_name_plugin():
        if getattr(plugin, "__name__", "") == "pytest_rerunfailures":
            return plugin
    return None


def has_plugin(config):
    """Whether pytest-rerunfailures is in use here. Where pytest-xdist is not installed, it would
    keep its attempts to itself in a worker: it looks for the version."""
    plugin = find_plugin(config)
    works = getattr(plugin, "works_with_current_xdist", None)
    if works is not None and works() is None:
        plugin.works_with_current_xdist = lambda: True
    return plugin is not None


def add_ini(parser):
    """The ini key `reruns` of pytest-rerunfailures, where nothing else has it."""
    if "reruns" not in getattr(parser, "_inidict", ()):
        parser.addini("reruns", "how often a test that fails runs again")


def _number(value):
    """A count; None for what says nothing."""
    try:
        value = int(value)
    except (TypeError, ValueError):
        return None
    return min(value, MOST) if value >= 0 else None


def _mark(marks):
    """The closest flaky mark that speaks of reruns; the plugin "flaky" has one of that name."""
    for mark in marks:
        if mark.name == "flaky" and not {"max_runs", "min_passes"} & set(mark.kwargs):
            return mark
    return None


def _applies(item, mark):
    """What the mark's condition says."""
    if "condition" not in mark.kwargs:
        return True
    condition = mark.kwargs["condition"]
    if not isinstance(condition, str):
        return bool(condition)
    try:
        from _pytest.skipping import evaluate_condition

        return bool(evaluate_condition(item, mark, condition)[0])
    except BaseException:  # noqa: BLE001
        return True  # a condition that cannot be told, or a pytest that keeps it elsewhere


class Limits:
    """How often the tests of a session run again."""

    def __init__(self, config):
        self.of_ini = None
        if getattr(config.option, "rowlock_reruns", getattr(config.option, "reruns", None)) is None:
            try:
                self.of_ini = _number(config.getini("reruns"))
            except (KeyError, ValueError):
                pass

    def of(self, item, marks):
        """A number; None for the run's own."""
        mark = _mark(marks)
        if mark is None:
            return self.of_ini
        if not _applies(item, mark):
            return 0
        count = mark.args[0] if mark.args else mark.kwargs.get("reruns", 1)
        return _number(count)


def _patterns(value):
    return [value] if isinstance(value, str) else list(value or ())


def _matches(patterns, text):
    try:
        return any(re.search(pattern, text) for pattern in patterns)
    except (re.error, TypeError):
        return False


def counts(item, message):
    """Whether a failure with this message is one to run the test again for."""
    mark = _mark(item.iter_markers())
    if mark is None:
        return True
    only, never = (_patterns(mark.kwargs.get(name)) for name in ("only_rerun", "rerun_except"))
    return (not only or _matches(only, message)) and not _matches(never, message)


def delay_of(item, seconds):
    """How long to wait before item runs again; seconds: what the run says."""
    mark = _mark(item.iter_markers())
    value = mark.kwargs.get("reruns_delay", seconds) if mark is not None else seconds
    return value if isinstance(value, (int, float)) and 0 < value < 1e6 else 0


def wait(worker, seconds):
    """Waits, unless the run is to stop meanwhile. Nobody's clock runs."""
    if seconds <= 0:
        return
    worker.say(records.wait_frame(True))
    end = realtime.monotonic() + seconds
    while realtime.monotonic() < end and not worker.must_stop():
        _select([], [], [], min(PAUSE_SECONDS, max(0, end - realtime.monotonic())))


def _finish(definition, item):
    """Tears down what a fixture had done when it failed: pytest would at the end of its scope."""
    try:
        definition.finish(item._request)
    except Exception as error:  # noqa: BLE001
        warnings.warn(
            f"{item.nodeid}: the fixture {definition.argname} failed, and so did its teardown"
            f" before the test ran again: {type(error).__name__}: {error}",
            stacklevel=1,
        )
    definition.cached_result = None


def make_ready(item):
    """Forgets what pytest remembers of an attempt that failed: an exception of a fixture that
    lives on, failed subtests."""
    info = getattr(item, "_fixtureinfo", None)
    for definitions in getattr(info, "name2fixturedefs", {}).values():
        for definition in definitions:
            result = getattr(definition, "cached_result", None)
            if result is not None and result[2] is not None:
                _finish(definition, item)
    try:
        from _pytest.subtests import failed_subtests_key
    except ImportError:
        return
    failed = item.config.stash.get(failed_subtests_key, {})
    for key in (item.nodeid, getattr(item, "id", None)):
        try:
            failed.pop(key, None)
        except TypeError:
            pass
