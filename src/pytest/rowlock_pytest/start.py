"""How workers start: forked from the zygote, or as interpreters of their own.

Forks are cheap, as the project is imported once. They differ from the workers of
pytest-xdist where a project finds out, while it is imported, which worker it is, or holds
something then that a fork would share or lose. worker_start = auto forks unless it sees
such a thing, and says what it was.
"""

import json
import os
import select
import signal
import sys
import time

import pytest
from rowlock_pytest import channel, collect, hazards, identity, procfs, replay, spawn

EXIT_INTERNAL = 3


class ItemStandIn:
    """A test that a worker has collected for the zygote, which has no item of its own."""

    def __init__(self, config, session, nodeid, location, keywords):
        self.config = config
        self.session = session
        self.nodeid = nodeid
        self.location = tuple(location)
        self.keywords = dict.fromkeys(keywords, 1)
        self.ihook = config.hook

    @property
    def id(self):
        """What pytest 9.2 and later know a test by."""
        from _pytest.nodeid import coerce_node_id

        return coerce_node_id(self.nodeid)


def end_with(outcome, error):
    """Raises error out of a hook whose wrapper has got outcome."""
    if not hasattr(outcome, "force_exception"):
        raise error  # pluggy before 1.1
    outcome.force_exception(error)


class WorkerStart:
    """Registered in the zygote before any other plugin."""

    def __init__(self, settings, arguments):
        self.settings = settings
        self.arguments = list(arguments)
        self.how = "fork" if settings.sequential else settings.worker_start
        self.note = None
        self.watch = identity.Watch(settings.prefix) if self.how == "auto" else None
        self.excused = hazards.Census()
        self.conftests_loaded = None
        self.environ = None
        self.spawner = None
        self.children = []  # a Child for each worker that has been spawned by now
        self.foreign = set()  # the processes below this one that were there before
        self.asked_others = False  # whether other processes had to settle a doubt
        self.told = None  # by the first of them, where it has collected for the zygote
        self.description = None  # of the session, from there
        self.prepare = None  # Spawner.prepare
        self.together = None  # the Together of this session
        if self.watch is not None:
            self.watch.shares_nothing = settings.dist == "each"
            self.watch.start()

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_load_initial_conftests(self, early_config):
        if self.watch is not None:
            self.watch.origins.add_root(early_config.rootpath)
            self.watch.origins.add_root(early_config.invocation_params.dir)
        self.excused = hazards.Census()
        yield
        self.conftests_loaded = hazards.Census()

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection(self, session):
        self.excuse_plugins()
        self.environ = dict(os.environb)
        if session.config.option.collectonly or self.settings.sequential:
            self.stop_watching()  # a conftest may have chosen the latter
        elif self.watch is not None and self.watch.reason is None:
            self.watch.collecting = True
        outcome = yield
        if self.watch is not None:
            self.watch.collecting = False
        if self.together is not None and (self.together.done or self.together.in_worker()):
            self.stop_watching()
            return
        if self.collects_elsewhere(session):
            outcome.force_result(True)
            try:
                self.collect_elsewhere(session)
            except pytest.exit.Exception as error:
                end_with(outcome, error)
        elif outcome.excinfo is None and not session.config.option.collectonly:
            self.look_for_hazards(session)
        self.stop_watching()

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_make_collect_report(self, collector):
        if self.watch is not None and self.watch.collecting and self.watch.doubt is not None:
            self.settle_doubt(collector.session)
        outcome = yield
        # pytest 7 makes a report of whatever was raised.
        if self.watch is not None and self.watch.collecting and self.watch.reason is not None:
            end_with(outcome, identity.Abandon(self.watch.reason))

    def stop_watching(self):
        if self.watch is not None:
            self.watch.stop()

    def collects_elsewhere(self, session):
        """True where the zygote is not to collect, or has stopped halfway."""
        if session.config.option.collectonly or self.settings.sequential:
            return False
        return self.how == "spawn" or (self.watch is not None and self.watch.reason is not None)

    def excuse_plugins(self):
        """What came up when pytest was configured is most likely a plugin's, which may be
        there for the controller alone."""
        if self.conftests_loaded is not None:
            self.excused.excuse(self.conftests_loaded, hazards.Census())

    # What the decision is.

    def look_for_hazards(self, session):
        threads = self.watch.project_threads() if self.watch is not None else {}
        found = hazards.find(self.excused, threads)
        if session.testsfailed or not session.items:
            return
        if found is None:
            doubtful = self.watch is not None and self.watch.doubt_of(session.items) is not None
            if doubtful and not self.settings.sequential:
                self.try_to_spawn(session)
        elif self.settings.sequential:
            self.note = f"{found}; the tests run in a fork of that process"
        elif self.how == "auto":
            self.spawn_because(found)
            self.start_workers(session, False)
        else:
            self.note = f"workers are forked although {found}"

    def settle_doubt(self, session):
        """Leaves the collection to workers as soon as a random value was made, if all of them
        find the same tests: it is not among their parameters then."""
        if self.asked_others or self.count_starts() < 2:
            return  # try_to_spawn sees to it
        if session.testsfailed or self.together.in_worker():
            return
        self.start_workers(session, True)
        told = [self.wait_for(child) for child in self.children]
        ids = {frozenset(child.ids or ()) for child in self.children}
        if None in told or len(ids) > 1:
            self.same_for_all()
            return
        self.told = told[0]
        self.spawn_because(self.watch.doubt)
        raise identity.Abandon(self.watch.doubt)

    def try_to_spawn(self, session):
        """A worker of its own collects as well. If it finds the same tests, workers are
        spawned, starting with this one."""
        self.stop_watching()
        if self.asked_others:
            return
        self.start_workers(session, False)
        first = self.children[0]
        same = self.wait_for(first) is not None
        if same and set(first.ids) == set(collect.unique_ids(session.items)):
            self.spawn_because(self.watch.doubt)
        else:
            self.same_for_all()

    def same_for_all(self):
        self.asked_others = True
        self.drop_workers()
        self.note = f"{self.watch.doubt}: it is the same in all workers, as test ids depend on it"

    def spawn_because(self, reason):
        self.how = "spawn"
        self.note = collect.clean(
            f"{reason}: workers start as interpreters of their own, and each collects;"
            " worker_start = fork under [rowlock] forbids it"
        )

    def make_spawner(self, session):
        config = session.config
        factory = getattr(config, "_tmp_path_factory", None)
        self.spawner = spawn.Spawner(
            self.settings,
            self.arguments,
            self.environ,
            str(config.invocation_params.dir),
            factory.getbasetemp() if factory is not None else None,
        )
        self.spawner.prepare = self.prepare

    def count_starts(self):
        return max(1, min(self.settings.workers, self.settings.collectors))

    def start_workers(self, session, first_collects):
        """Starts as many as may collect at once, side by side as those of pytest-xdist."""
        self.make_spawner(session)
        self.foreign = procfs.children()
        procfs.become_subreaper()
        for slot in range(self.count_starts()):
            self.children.append(self.spawner.start(slot, first_collects and slot == 0))

    def drop_workers(self):
        for child in self.children:
            child.close()
        procfs.kill_children(self.foreign)
        self.children = []
        self.spawner = None

    # The collection in a worker.

    def collect_elsewhere(self, session):
        """Has the first worker collect, as the zygote's controller would be told under
        pytest-xdist."""
        self.stop_watching()
        if self.how == "auto":
            self.spawn_because(self.watch.reason)
        session.items = []
        session.testscollected = 0
        data = self.told
        if data is None:
            self.start_workers(session, True)
            data = self.wait_for(self.children[0])
        if data is None:
            child = self.children[0]
            self.say_why(child)
            status = os.WEXITSTATUS(child.status) if os.WIFEXITED(child.status) else 0
            self.drop_workers()
            pytest.exit(
                f"worker {child.name} did not start: {child.describe_end()}",
                returncode=status or EXIT_INTERNAL,
            )
        self.take_in(session, data)

    def wait_for(self, child):
        """What the worker has collected; None if it ended before it had."""
        poll = select.poll()
        poll.register(child.ctl.fileno(), select.POLLIN)
        while True:
            open_ = child.inbox.read(child.ctl)
            frames = child.inbox.frames()
            if frames and frames[0][0] == channel.COLLECTED:
                data = json.loads(frames[0][1])
                child.early = frames[1:]
                if "ids" in data:
                    child.ids = data["ids"]
                else:
                    child.ids = [test["id"] for test in data["session"]["tests"]]
                return data
            if not open_:
                self.wait_for_end(child)
                return None
            poll.poll(1000)

    def wait_for_end(self, child):
        """A worker that has closed its socket is of no use, even if it lives."""
        deadline = time.monotonic() + self.settings.grace
        while not child.has_ended():
            if time.monotonic() > deadline:
                procfs.kill(child.pid, signal.SIGKILL)
            time.sleep(0.005)

    def say_why(self, child):
        print(self.spawner.printed(child.slot), file=sys.stderr)

    def take_in(self, session, data):
        config = session.config
        self.description = data["session"]
        for nodeid, location, keywords in data["items"]:
            session.items.append(ItemStandIn(config, session, nodeid, location, keywords))
        session.testscollected = len(session.items)
        for packed in data["reports"]:
            report = config.hook.pytest_report_from_serializable(config=config, data=packed)
            replay.restore_tuples(report)
            config.hook.pytest_collectreport(report=report)


class Elsewhere:
    """Keeps pytest from collecting in the zygote. An object of its own as WorkerStart has a
    wrapper around the same hook."""

    def __init__(self, start):
        self.start = start

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session):
        return True if self.start.collects_elsewhere(session) else None
