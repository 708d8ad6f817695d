"""What a project's conftest decides about the run as a whole, for the driver: how many workers
-n auto means, and in which way tests are spread."""

from rowlock_pytest import collect, schedulers
from rowlock_pytest.nodes import Log


def _without_xdist(config, name):
    """The hook without pytest-xdist's own answer: the driver knows better (cgroup quotas)."""
    manager = config.pluginmanager
    own = [p for p in manager.get_plugins() if getattr(p, "__name__", "") == "xdist.plugin"]
    return manager.subset_hook_caller(name, own)


def ask_workers(config, settings):
    """For -n auto and -n logical, asks the project; before pytest is configured, as
    pytest-xdist does."""
    if settings.sequential or not settings.auto:
        return
    caller = _without_xdist(config, "pytest_xdist_auto_num_workers")
    before = getattr(config.option, "numprocesses", None)
    config.option.numprocesses = settings.auto
    try:
        count = caller(config=config)
    finally:
        config.option.numprocesses = before
    if count is None:
        return
    count = max(0, int(count))
    most = getattr(config.option, "maxprocesses", None)
    settings.asked_workers = min(count, most) if most else count
    settings.workers = max(1, settings.asked_workers)
    settings.sequential = settings.asked_workers == 0


def go_without(settings):
    """The project wants no workers in this run, whatever was asked for."""
    settings.asked_workers, settings.workers, settings.sequential = 0, 1, True


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
