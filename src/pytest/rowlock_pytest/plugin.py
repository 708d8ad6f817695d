"""The plugin object that turns a pytest process into the zygote."""

import os
import sys
import traceback

import pytest
from rowlock_pytest import (
    collect,
    controller,
    covering,
    forked,
    garbage,
    instrumented,
    isolate,
    logfiles,
    measuring,
    nodes,
    options,
    procfs,
    realtime,
    records,
    replay,
    shim,
    summary,
    workercount,
)
from rowlock_pytest.redecide import Decisions
from rowlock_pytest.server import Server
from rowlock_pytest.start import Elsewhere, WorkerStart
from rowlock_pytest.summary import SummaryPlugin
from rowlock_pytest.together import Together
from rowlock_pytest.verdict import location, long_text, message

EXIT_INTERNAL = 3


class ZygotePlugin:
    """Registered before any other plugin; passes the hooks on to whatever this process is:
    the zygote while it collects, then the server, or after a fork a worker."""

    def __init__(self, settings, start=None):
        self.settings = settings
        self.start = start
        self.typed = {}  # how the run is spread by the command line
        self.asked = {}  # and by the time that conftest files have had their say
        self.deselected = 0
        self.errors = []
        self.skips = []
        self.root = ""
        self.server = None
        self.worker = None
        self.pid = os.getpid()
        self.seeds = isolate.SeedWatch()
        self.decisions = Decisions()
        self.nodes = None
        self.controller = controller.Controller(settings, self)
        self.together = Together(settings, self, start)
        if start is not None:
            start.together = self.together

    # While pytest starts.

    @pytest.hookimpl(hookwrapper=True)
    def pytest_load_initial_conftests(self, early_config):
        self.typed = options.stop_distribution(early_config.known_args_namespace)
        covering.leave_out_own_files(early_config)
        yield

    @pytest.hookimpl(hookwrapper=True)
    def pytest_cmdline_main(self, config):
        controller.keep_xdist_from(config, "pytest_cmdline_main")
        forked.take_over(config)
        self.settings.run_uid = config.getoption("testrunuid", None) or self.settings.run_uid
        self.decisions.watch(config)
        yield

    def pytest_plugin_registered(self, plugin):
        self.decisions.registered(plugin)

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config):
        if not (self.settings.sequential or hasattr(config, "workerinput")):
            shim.register(config.pluginmanager)
            self.controller.announce(config)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self, session):
        config = session.config
        self.root = str(config.rootpath)
        self.decisions.stop()
        if hasattr(config, "workerinput"):
            return
        self.nodes = nodes.Nodes(config, self.settings)
        if not self.settings.sequential:
            logfiles.enter_zygote(config)
            self.nodes.set_up()
            self.controller.dsession.begin(session, self.nodes)
        self.start.prepare = self.nodes.prepare

    def pytest_deselected(self, items):
        self.deselected += len(items)

    def pytest_collectreport(self, report):
        if report.passed:
            return
        told = {"id": collect.clean(report.nodeid), "message": collect.clean(message(report))}
        if report.failed:
            self.errors.append(dict(told, detail=collect.clean(long_text(report))))
        else:
            where = location(report, self.root)
            self.skips.append(dict(told, place=collect.clean(where)))

    # Instead of running the tests here.

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        config = session.config
        if self.together.in_worker():
            return self.together.serve(session)
        if session.testsfailed and not config.option.continue_on_collection_errors:
            return None  # pytest's own loop has the words for it
        if config.option.collectonly or not session.items:
            return None
        self.asked["maxfail"] = config.option.maxfail
        config.option.maxfail = 0
        if self.settings.reports:
            isolate.drop_junit(config)  # without tests it is pytest that writes the file
        summary.tell_junit(config, self.settings.rundir)
        ids = self.write_session(session)
        self.server = Server(
            session, self.settings, ids, self.seeds.stop(), self.nodes, self.start
        )
        self.server.open()
        self.worker = self.server.serve()
        if self.worker is not None:
            server = self.server
            self.worker.decisions = self.decisions
            self.worker.run(server.basetemp, server.random_state, server.signals)
            self.worker.end_loop()
        else:
            self.end_loop(session)
        return True

    def write_session(self, session):
        """Writes pytest.json. Returns the ids of its tests."""
        together = self.together
        if together.done:
            data = self.describe(session, ())
        else:
            data = self.start.description or self.describe(session)
        data["options"] = collect.plain_options(session.config, self.asked)
        if not together.done:
            data.update(
                workercount.ask_scheduler(
                    session.config, self.settings, session.items, data["tests"]
                )
            )
        if self.settings.asked_workers is not None:
            data["workers"] = self.settings.asked_workers
        if self.settings.asked_dist is not None:
            data.setdefault("dist", self.settings.asked_dist)
        data["worker_start"] = "spawn" if self.start.spawner is not None else "fork"
        data["worker_start_note"] = self.start.note
        # pytest-repeat, say: what its option --count does is done.
        data["repeats"] = not hasattr(session.config.option, "rowlock_count")
        data["collect_note"] = together.reason or None
        path = os.path.join(self.settings.rundir, "pytest.json")
        if together.done:
            data["collected_by"] = together.runs
            collect.write_json(path, data, together.describe_tests(session))
            return together.ids
        collect.write_json(path, data)
        return [test["id"] for test in data["tests"]]

    def describe(self, session, ids=None):
        if ids is None:
            ids = collect.unique_ids(session.items)
        data = collect.describe_session(session, ids, self.asked, self.deselected)
        return dict(data, errors=self.errors, skips=self.skips)

    def end_loop(self, session):
        """What pytest's own loop would raise at its end."""
        if self.server.ended_well:
            self.decisions.tolerate_ends()
        if self.server.final_status is not None:
            self.leave(self.server.final_status)
        if self.server.failure is not None:
            raise self.server.failure
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)

    def leave(self, status):
        """Ends the zygote without its own exit handlers: a worker has run them."""
        self.answer(status)
        procfs.kill_children()
        isolate.flush_streams()
        os._exit(status)

    def answer(self, status):
        """The last word, for the client that asked for the end."""
        conn = self.server.finishing if self.server is not None else None
        if conn is not None:
            self.server.send(conn, records.quit_frame(int(status)))
            conn.close()

    # In a worker.

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report):
        if self.worker is not None:
            self.worker.logreport(report)

    def pytest_warning_recorded(self, warning_message, when, nodeid, location):
        if self.together.collects():
            packed = replay.pack_warning(warning_message, when, nodeid, location)
            self.together.warnings.append(packed)
        elif self.worker is not None:
            self.worker.warning_recorded(warning_message, when, nodeid, location)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_fixture_setup(self, fixturedef):
        if self.worker is None:
            yield
            return
        page = self.worker.page
        doing = page.begin_fixture(fixturedef.argname)
        if fixturedef.scope == "function":
            yield
        else:
            before = self.worker.leftovers.before_fixture()
            start = realtime.monotonic()
            yield
            self.worker.leftovers.after_fixture(before)
            if fixturedef.scope == "session":
                self.worker.count_wide(realtime.monotonic() - start)
        page.end_fixture(doing)


def run_session(settings, arguments):
    """Runs pytest. Returns its exit status, in the zygote and, in sequential mode, in the
    worker that ends the session in its place."""
    if settings.sequential:
        isolate.announce_worker(settings, 0)
    if not isolate.writes_files():
        garbage.freeze(collects=False)  # pytest stays: no look for garbage goes over it any more
    start = WorkerStart(settings, arguments)
    plugin = ZygotePlugin(settings, start)
    if start.watch is not None:
        start.watch.decided_again = plugin.decisions.looks
    printed = SummaryPlugin(settings, plugin)
    plugins = ["rowlock_pytest", plugin, plugin.controller, plugin.together, start]
    plugins += [Elsewhere(start), printed, *measuring.plugins()]
    try:
        status = pytest.main(list(arguments), plugins=plugins)
    except BaseException:
        printed.give_up()
        if os.getpid() != plugin.pid:
            traceback.print_exc()
            os._exit(EXIT_INTERNAL)
        raise
    printed.finish()
    measuring.save()
    if plugin.worker is not None:
        if plugin.worker.pid == os.getpid():
            plugin.worker.say_goodbye(status)
        instrumented.prepare(settings)
        return int(status)
    plugin.answer(status)
    if plugin.server is not None:
        isolate.leave(plugin.server.session.config, int(status))
    isolate.flush_streams()
    sys.stdout.flush()
    return int(status)
