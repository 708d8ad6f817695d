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
from rowlock_pytest.child import Child

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
        self.collector = None  # the Child that has collected, where the zygote did not
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
    def pytest_make_collect_report(self):
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
            self.make_spawner(session)
        else:
            self.note = f"workers are forked although {found}"

    def try_to_spawn(self, session):
        """A worker of its own collects as well. If it finds the same tests, the random value
        was not among their parameters, and workers are spawned, starting with this one."""
        self.stop_watching()
        own = procfs.children()
        self.make_spawner(session)
        procfs.become_subreaper()
        child = self.spawner.start(0)
        data = self.wait_for(child)
        if data is not None and set(data["ids"]) == set(collect.unique_ids(session.items)):
            child.ids = data["ids"]
            self.collector = child
            self.spawn_because(self.watch.doubt)
            return
        self.spawner = None
        child.close()
        procfs.kill_children(own)
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

    # The collection in a worker.

    def collect_elsewhere(self, session):
        """Has the first worker collect, as the zygote's controller would be told under
        pytest-xdist."""
        self.stop_watching()
        if self.how == "auto":
            self.spawn_because(self.watch.reason)
        self.make_spawner(session)
        procfs.become_subreaper()
        child = self.collector = self.spawner.start(0, collector=True)
        session.items = []
        session.testscollected = 0
        data = self.wait_for(child)
        if data is None:
            self.say_why(child)
            status = os.WEXITSTATUS(child.status) if os.WIFEXITED(child.status) else 0
            self.collector = None
            child.close()
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
                child.state = Child.IDLE
                child.early = frames[1:]
                return json.loads(frames[0][1])
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
