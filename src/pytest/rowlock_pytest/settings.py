"""What the driver tells the zygote: its command line and the ROWLOCK_* variables."""

import os
import uuid

DEFAULT_PREFIX = "FQCN"
XDIST_VARIABLES = (
    "PYTEST_XDIST_WORKER",
    "PYTEST_XDIST_WORKER_COUNT",
    "PYTEST_XDIST_TESTRUNUID",
)


# What the driver tells the zygote and its recipes.
OWN_VARIABLES = frozenset(
    "ROWLOCK_" + name
    for name in (
        "MODE",
        "WORKERS",
        "AUTO",
        "CHOICE",
        "DIST",
        "ENV_PREFIX",
        "RUN_UID",
        "GRACE",
        "RUN",
        "GOALS",
        "COLUMNS",
        "COLOR",
        "COLLECTORS",
        "COLLECT_ALONE",
        "LINES",
        "REPORTS",
        "COVERAGE",
    )
)
# What GNU Make tells the makes below it.
MAKE_VARIABLES = frozenset(
    (
        "MAKEFLAGS",
        "MFLAGS",
        "GNUMAKEFLAGS",
        "MAKELEVEL",
        "MAKEFILES",
        "MAKEOVERRIDES",
        "MAKECMDGOALS",
        "MAKE_RESTARTS",
        "MAKE_TERMOUT",
        "MAKE_TERMERR",
    )
)


def _is_ours(name):
    return name in OWN_VARIABLES or name in MAKE_VARIABLES


class Settings:
    """Takes our variables, and those of Make, out of environ: tests see neither."""

    def __init__(self, temp, rundir, ready_fd, environ):
        self.temp = os.path.abspath(temp)
        self.rundir = os.path.abspath(rundir)
        self.ready_fd = ready_fd
        os.set_inheritable(ready_fd, False)
        taken = {name: environ.pop(name) for name in list(environ) if _is_ours(name)}
        for name in XDIST_VARIABLES:
            environ.pop(name, None)
        self.sequential = taken.get("ROWLOCK_MODE") == "sequential"
        self.workers = _number(taken.get("ROWLOCK_WORKERS"), int, 1)
        self.auto = taken.get("ROWLOCK_AUTO")  # "auto", "logical", or None for a fixed number
        # What -n auto and -n logical mean, where a conftest file may choose the workers.
        self.choice = _two_numbers(taken.get("ROWLOCK_CHOICE"))
        self.asked_workers = None  # how many the project wants
        self.asked_dist = None  # and which --dist
        self.collectors = _number(taken.get("ROWLOCK_COLLECTORS"), int, 1)
        # Seconds of CPU time for which one process collects before others help.
        self.collect_alone = _number(taken.get("ROWLOCK_COLLECT_ALONE"), float, 0.0)
        self.lines = taken.get("ROWLOCK_LINES") == "1"  # the driver wants the lines of tests
        self.reports = taken.get("ROWLOCK_REPORTS") == "1"  # are the driver's to write
        self.dist = taken.get("ROWLOCK_DIST") or "load"
        self.grace = _number(taken.get("ROWLOCK_GRACE"), float, 5.0)
        self.prefix = taken.get("ROWLOCK_ENV_PREFIX") or DEFAULT_PREFIX
        self.columns = _number(taken.get("ROWLOCK_COLUMNS"), int, 0)
        self.color = taken.get("ROWLOCK_COLOR") == "1"
        self.run_uid = taken.get("ROWLOCK_RUN_UID") or uuid.uuid4().hex
        self.tx = []  # what --tx says
        self.sys_path = []  # as pytest finds it
        self.coverage = None  # what measuring.start wants: zygote.py's --rowlock-coverage
        self.worker_start = "auto"  # or "fork", "spawn": zygote.py's --rowlock-start

    def plain(self):
        """What from_plain makes a copy of in another process."""
        return dict(vars(self), ready_fd=-1)

    @classmethod
    def from_plain(cls, values):
        settings = cls.__new__(cls)
        vars(settings).update(values)
        return settings

    @property
    def mode(self):
        return "sequential" if self.sequential else "parallel"

    def worker_name(self, slot):
        return "master" if self.sequential else f"gw{slot}"

    def worker_dir(self, slot):
        return os.path.join(self.temp, self.worker_name(slot))

    def trace_path(self, slot, kind):
        """Where a worker's last words lie: TEMP/gwN.crash, .out and .err, in any mode."""
        return os.path.join(self.temp, f"gw{slot}.{kind}")


def find_zygote(config):
    """The plugin of the zygote that this process comes from, or None. By its name: in a plain
    run it is not even imported."""
    for plugin in config.pluginmanager.get_plugins():
        if any(kind.__name__ == "ZygotePlugin" for kind in type(plugin).__mro__):
            return plugin
    return None


def _two_numbers(text):
    numbers = [_number(part, int, -1) for part in (text or "").split(",")]
    return dict(zip(("auto", "logical"), numbers)) if len(numbers) == 2 else None


def _number(text, kind, default):
    try:
        value = kind(text)
    except (TypeError, ValueError):
        return default
    return value if value >= 0 else default
