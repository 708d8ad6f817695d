"""pytest-xdist's schedulers, as far as a project can choose or change one.

A hook pytest_xdist_make_scheduler returns one of them, or something derived from one. Rowlock
does not run it: it takes from it what the plan can do.
"""


class _Scheduling:
    """What the hook makes; nothing here ever spreads tests."""

    def __init__(self, config, log=None):
        self.config = config
        self.log = log


Scheduling = _Scheduling  # what they have in common; a protocol in pytest-xdist


class EachScheduling(_Scheduling):
    pass


class LoadScheduling(_Scheduling):
    pass


class WorkStealingScheduling(_Scheduling):
    pass


class LoadScopeScheduling(_Scheduling):
    def _split_scope(self, nodeid):
        """The name of the unit that this test belongs to; a project may override it."""
        return nodeid.rsplit("::", 1)[0]


class LoadFileScheduling(LoadScopeScheduling):
    def _split_scope(self, nodeid):
        return nodeid.split("::", 1)[0]


class LoadGroupScheduling(LoadScopeScheduling):
    def _split_scope(self, nodeid):
        return nodeid.split("@")[-1] if nodeid.rfind("@") > nodeid.rfind("]") else nodeid


KNOWN = {
    "EachScheduling": "each",
    "LoadScheduling": "load",
    "LoadScopeScheduling": "loadscope",
    "LoadFileScheduling": "loadfile",
    "LoadGroupScheduling": "loadgroup",
    "WorkStealingScheduling": "worksteal",
}
# What a scheduler of pytest-xdist does by itself. Where a project overrides one of these, it
# wants a behaviour that no --dist has.
METHODS = frozenset(
    (
        "_assign_work_unit",
        "_pending_of",
        "_reschedule",
        "_send_tests",
        "add_node",
        "add_node_collection",
        "check_schedule",
        "collection_is_completed",
        "has_pending",
        "mark_test_complete",
        "mark_test_pending",
        "nodes",
        "remove_node",
        "remove_pending_tests_from_node",
        "schedule",
        "tests_finished",
    )
)


class Choice:
    """What a project's scheduler comes to. dist: the --dist to run, or None to keep the one
    asked for; split: a function from a node id to the name of its unit, or None; warning: what
    cannot be done, or ""."""

    def __init__(self, dist, split=None, warning=""):
        self.dist = dist
        self.split = split
        self.warning = warning


def _is_known(cls):
    # Those of pytest-xdist or ours: a project may call its own class so, too.
    return cls.__name__ in KNOWN and cls.__module__.startswith(
        ("xdist.scheduler", "rowlock_pytest.")
    )


def choose(scheduler):
    """The Choice for what pytest_xdist_make_scheduler has returned."""
    kind = type(scheduler)
    name = f"{kind.__module__}.{kind.__qualname__}"
    own = []
    for cls in kind.__mro__:
        if _is_known(cls):
            break
        own.append(cls)
    else:
        return Choice(
            None,
            warning=f"pytest_xdist_make_scheduler returned a {name}, which Rowlock cannot run;"
            " --dist decides",
        )
    changed = {key for part in own for key in vars(part)}
    split = scheduler._split_scope if "_split_scope" in changed else None
    lost = sorted(changed & METHODS)
    warning = ""
    if lost:
        warning = (
            f"{name} of pytest_xdist_make_scheduler changes {', '.join(lost)}, which Rowlock does"
            f" not call; it runs as --dist {KNOWN[cls.__name__]}"
        )
    return Choice("loadscope" if split else KNOWN[cls.__name__], split, warning)
