"""How long a test may take, as rowlock-exec is to enforce it.

Where pytest-timeout is in use, it is the one that ends a test, as in a plain run of pytest:
with its own message, with its own method, and where it can so that fixtures are torn down and
the worker lives on. Rowlock's clock stands behind it, for what pytest-timeout cannot end (a
test that never lets go of the interpreter), and so runs for a grace longer.
"""

from rowlock_pytest.settings import find_zygote

UNLIMITED = 1e9  # seconds: what stands for "no limit, whatever the run's own is"
NAMES = ("seconds", "timeout", "s")


def add_ini(parser):
    """The ini key `timeout` of pytest-timeout, where nothing else has it."""
    if "timeout" not in getattr(parser, "_inidict", ()):
        parser.addini("timeout", "seconds that a test may take")


def _number(value):
    """A limit in seconds; None for what says nothing, UNLIMITED for 0."""
    try:
        value = float(value)
    except (TypeError, ValueError):
        return None
    if not 0 <= value < UNLIMITED:
        return None
    return value or UNLIMITED


def of_marks(marks):
    """What the closest mark says."""
    for mark in marks:
        if mark.name == "timeout":
            value = mark.args[0] if mark.args else None
            for name in NAMES:
                value = mark.kwargs.get(name, value)
            return _number(value)
    return None


class Limits:
    """The limits of all tests of a session."""

    def __init__(self, config):
        zygote = find_zygote(config)
        self.grace = zygote.settings.grace if zygote is not None else 0
        self.plugin = None
        for _, plugin in config.pluginmanager.list_name_plugin():
            if getattr(plugin, "__name__", "") == "pytest_timeout":
                self.plugin = plugin
        self.of_ini = None
        if getattr(config.option, "rowlock_timeout", None) is None and self.plugin is None:
            try:
                self.of_ini = _number(config.getini("timeout"))
            except (KeyError, ValueError):
                pass

    @staticmethod
    def is_weak(marks):
        """Whether the limit is that of all tests, not one of the test's own."""
        return of_marks(marks) is None

    def of(self, item, marks):
        """Seconds; None for the run's own limit."""
        if self.plugin is not None:
            try:
                return self.behind_plugin(self.plugin._get_item_settings(item))
            except Exception:  # noqa: BLE001
                pass  # another version of it, or a mark that it will complain of itself
        limit = of_marks(marks)
        return self.of_ini if limit is None else limit

    def behind_plugin(self, settings):
        limit = _number(settings.timeout)
        if limit is None or limit == UNLIMITED:
            return limit
        # A limit for the function alone says nothing of its fixtures.
        return UNLIMITED if settings.func_only else limit + self.grace
