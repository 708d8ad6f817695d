"""A worker with an interpreter of its own: a pytest session that collects by itself, as a
worker of pytest-xdist does, and then serves the zygote like a forked one."""

import os
import traceback

import pytest
from rowlock_pytest import (
    channel,
    collect,
    covering,
    forked,
    isolate,
    logfiles,
    measuring,
    nodes,
    options,
    pairing,
    records,
    replay,
    shim,
)
from rowlock_pytest.plugin import ZygotePlugin
from rowlock_pytest.worker import Worker

EXIT_INTERNAL = 3


class SpawnedWorker(Worker):
    """A Worker in the process that was spawned for it."""

    errors = ()
    ids = ()
    paired = False

    def find_test(self, name):
        if name not in self.tests and not self.paired:
            self.paired = True
            planned = pairing.planned_ids(self.settings.rundir)
            pairs = pairing.pair(planned, self.ids)
            self.tests = {records.encode(n): number for n, number in pairs.items()}
            pairing.warn(self, planned, self.ids, pairs)
        return self.tests.get(name)

    def become(self, base, random_state, signals):
        """Most of what a fork undoes has not been done here."""
        send_output_to(self.config, os.path.join(self.settings.rundir, "zygote.log"))
        fds = isolate.restart_capture(self.config, self.attach)
        isolate.trace_crashes(self.config, self.settings.trace_path(self.slot, "crash"))
        isolate.drop_controller_plugins(self.config)
        if self.live is None:
            logfiles.keep_lines_whole(self.config, self.settings.worker_name(self.slot))
        return os.environ["TMPDIR"], fds

    def refuse(self, index, name):
        Worker.refuse(self, index, name)
        self.tell(channel.MISSING, replay.encode(name.decode("utf-8", "replace")))

    def explain_missing(self, name):
        text = f"worker {self.settings.worker_name(self.slot)} collected by itself and did not"
        text += f" find this test: {name!r}"
        if self.errors:
            first = self.errors[0]
            return f"{text}; {first['id']}: {first['message']}"
        return text + "; it has another id, or is not there, in each new process"


def send_output_to(config, path):
    """From here on this process prints where the zygote does."""
    manager = config.pluginmanager.get_plugin("capturemanager")
    if manager is not None:
        manager.stop_global_capturing()
    isolate.flush_streams()
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    if manager is not None:
        manager.start_global_capturing()
        manager.suspend_global_capture(in_=False)


class SpawnedPlugin(ZygotePlugin):
    """Registered before any other plugin in a spawned worker's session."""

    def __init__(self, orders):
        ZygotePlugin.__init__(self, orders.settings)
        self.orders = orders
        self.reports = []
        self.warnings = []

    @pytest.hookimpl(hookwrapper=True)
    def pytest_load_initial_conftests(self, early_config):
        self.look_like_worker(early_config)
        covering.leave_out_own_files(early_config)
        yield

    @pytest.hookimpl(hookwrapper=True)
    def pytest_cmdline_main(self, config):
        self.asked = self.look_like_worker(config)
        forked.take_over(config)
        if self.orders.base is not None:
            name = self.settings.worker_name(self.orders.slot)
            config.option.basetemp = os.path.join(self.orders.base, "popen-" + name)
        yield

    def look_like_worker(self, config):
        asked = options.stop_distribution(config.known_args_namespace)
        asked = options.stop_distribution(config.option) or asked
        if not hasattr(config, "workerinput"):
            self.workerinput = nodes.unpack(self.orders.packed_input)
            self.settings.tx = asked.get("tx") or self.settings.tx
        nodes.enter_worker(config, self.settings, self.workerinput)
        return asked

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config):
        shim.register(config.pluginmanager)
        logfiles.choose_file(
            config, self.settings.worker_name(self.orders.slot), self.orders.restarted
        )

    def pytest_collectreport(self, report):
        ZygotePlugin.pytest_collectreport(self, report)
        if self.orders.collector and not report.passed:
            self.reports.append(report)

    def pytest_warning_recorded(self, warning_message, when, nodeid, location):
        if self.worker is not None:
            self.worker.warning_recorded(warning_message, when, nodeid, location)
        elif self.orders.collector:
            self.warnings.append(replay.pack_warning(warning_message, when, nodeid, location))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        option = session.config.option
        self.asked["maxfail"] = option.maxfail
        option.maxfail = 0
        ids = collect.unique_ids(session.items)
        worker = self.make_worker(session, ids)
        worker.tell(channel.COLLECTED, replay.encode(self.describe_collection(session, ids)))
        for data in self.warnings:
            worker.tell(channel.WARNING, data)
        if self.orders.collector:
            failed = session.testsfailed and not option.continue_on_collection_errors
            if failed or not session.items:
                return None  # the zygote's own loop says why
        self.worker = worker
        session.testsfailed = 0
        session.shouldstop = session.shouldfail = False
        worker.run(None, self.seeds.stop(), None)  # --forked makes forks of this process
        return True

    def make_worker(self, session, ids):
        orders = self.orders
        tests = {records.encode(name): number for number, name in enumerate(ids)}
        worker = SpawnedWorker(
            session,
            self.settings,
            orders.slot,
            orders.ctl_fd,
            tests,
            orders.page,
            orders.stop_flag,
        )
        worker.errors, worker.ids = self.errors, ids
        return worker

    def describe_collection(self, session, ids):
        if not self.orders.collector:
            return {"ids": ids}
        config = session.config
        pack = config.hook.pytest_report_to_serializable
        return {
            "session": self.describe(session),
            "items": [[i.nodeid, i.location, list(i.keywords)] for i in session.items],
            "reports": [pack(config=config, report=report) for report in self.reports],
        }


def run_worker(orders):
    """Runs the session. Returns pytest's status where it ends before it has served."""
    plugin = SpawnedPlugin(orders)
    try:
        status = pytest.main(
            list(orders.arguments),
            plugins=["rowlock_pytest", plugin, *measuring.plugins()],
        )
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
        status = EXIT_INTERNAL
    isolate.flush_streams()
    return int(status)
