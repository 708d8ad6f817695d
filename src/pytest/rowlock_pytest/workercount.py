"""What a project's conftest decides about the run as a whole, for the driver: how many workers
-n auto means, and in which way tests are spread."""

import pytest
from rowlock_pytest import again, collect, schedulers
from rowlock_pytest.nodes import Log

DISTS = ("load", "loadscope", "loadfile", "loadgroup", "worksteal", "each")


def _without_xdist(config, name):
    """The hook without pytest-xdist's own answer: the driver knows better (cgroup quotas)."""
    manager = config.pluginmanager
    own = [p for p in manager.get_plugins() if getattr(p, "__name__", "") == "xdist.plugin"]
    return manager.subset_hook_caller(name, own)


def _ask_project(config, word):
    """What the project says that -n auto or -n logical means; None if it says nothing."""
    caller = _without_xdist(config, "pytest_xdist_auto_num_workers")
    before = getattr(config.option, "numprocesses", None)
    config.option.numprocesses = word
    try:
        count = caller(config=config)
    finally:
        config.option.numprocesses = before
    return None if count is None else max(0, int(count))


def choose(config, settings, asked, typed):
    """Settles how many workers there are, before pytest is configured, as pytest-xdist does.
    asked: the options now; typed: those of the command line, by which the driver went."""
    count = None
    if settings.choice and asked.get("numprocesses") != typed.get("numprocesses"):
        count = _count(config, settings, asked["numprocesses"])
    elif settings.auto and not settings.sequential:
        count = _ask_project(config, settings.auto)
    dist = "load" if asked.get("distload") else asked.get("dist")
    if settings.choice and dist in DISTS and dist != typed.get("dist"):
        settings.dist = settings.asked_dist = dist
    if count is None:
        return
    most = getattr(config.option, "maxprocesses", None)
    count = min(count, most) if most else count
    if count and settings.sequential:
        again.start(settings, count)
    settings.asked_workers = count
    settings.workers = max(1, count)
    settings.sequential = count == 0


def _count(config, settings, number):
    """What a conftest file has put into config.option.numprocesses, as a number."""
    if number in settings.choice:
        count = _ask_project(config, number)
        return settings.choice[number] if count is None else count
    if number is None:
        return 0
    if isinstance(number, int) and number >= 0:
        return number
    raise pytest.UsageError(
        f"config.option.numprocesses is {number!r}, which a conftest file or a plugin has set;"
        " it takes a number from 0 on, 'auto' or 'logical'"
    )


def ask_scheduler(config, settings, items, tests):
    """Changes the scope of the tests that go to the driver. Returns what else is for it."""
    if settings.sequential:
        return {}
    caller = config.hook.pytest_xdist_make_scheduler
    if not caller.get_hookimpls():
        return {}
    scheduler = caller(config=config, log=Log("sched", config.getoption("debug", False)))
    if scheduler is None:
        return {}
    choice = schedulers.choose(scheduler)
    if choice.split is not None:
        for item, test in zip(items, tests):
            name = item.nodeid
            if test["group"] is not None and settings.dist == "loadgroup":
                name += "@" + test["group"]  # as pytest-xdist has it
            test["scope"] = collect.clean(str(choice.split(name)))
    data = {}
    if choice.dist is not None:
        data["dist"] = settings.dist = choice.dist
        config.option.dist = choice.dist
    if choice.warning:
        data["notes"] = [choice.warning]
    return data
