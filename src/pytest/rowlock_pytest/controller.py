"""The plugins "dsession" and "terminaldistreporter" of pytest-xdist's controller, as stand-ins.

Conftest files and plugins tell by `config.pluginmanager.hasplugin("dsession")` that they are in
the process that starts the workers. Here that is the zygote: while pytest is configured, and
from the end of the collection on. What collects is a worker under pytest-xdist, so the two are
not there while the zygote does it, nor in workers.
"""

import functools
import sys
import types

import pytest
from rowlock_pytest import nodes, options, workercount

NAME = "dsession"
REPORTER = "terminaldistreporter"
NAMES = (NAME, REPORTER)


class TerminalDistReporter:
    """Rowlock's driver prints what becomes of the workers; this says nothing."""

    def __init__(self, config):
        self.config = config

    def write_line(self, msg):
        """Not printed."""

    def ensure_show_status(self):
        """Not printed."""

    def getstatus(self):
        return ""


class DSession:
    """What others may see of the controller. Nothing in Rowlock calls its methods."""

    def __init__(self, config):
        self.config = config
        self.log = nodes.Log("dsession", config.getoption("debug", False))
        self.nodes = None  # Nodes, once the session has started
        self.session = None
        self.sched = None
        self.trdist = TerminalDistReporter(config)
        self.terminal = config.pluginmanager.get_plugin("terminalreporter")

    def begin(self, session, nodes):
        self.session = session
        self.nodes = nodes
        self.sched = nodes.scheduler

    @property
    def nodemanager(self):
        return None if self.nodes is None else self.nodes.manager

    @property
    def shouldstop(self):
        """Set, it ends the run as session.shouldstop does."""
        return False if self.session is None else self.session.shouldstop

    @shouldstop.setter
    def shouldstop(self, reason):
        if self.session is not None:
            self.session.shouldstop = reason

    @property
    def _active_nodes(self):
        return set() if self.sched is None else set(self.sched.nodes)


class Last:
    """Shows the two when pytest-xdist does, behind most plugins that are trylast, too: one that
    cannot go with them would refuse a run that pytest-xdist lets it have."""

    def __init__(self, controller):
        self.controller = controller

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config):
        if self.controller.dsession is not None:
            self.controller.show(config)


class Controller:
    """Registers the two in the zygote, once a run with workers is sure."""

    def __init__(self, settings, zygote):
        self.settings = settings
        self.zygote = zygote
        self.dsession = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self, config):
        """Called when pytest-xdist's would be: behind those of conftest files that have to be
        before it."""
        if hasattr(config, "workerinput"):
            return
        settings, option = self.settings, config.option
        asked = self.zygote.asked = options.stop_distribution(option)
        workercount.choose(config, settings, asked, self.zygote.typed)
        if settings.sequential:
            options.settle_distribution(option, asked)
        else:
            settings.tx = asked.get("tx") or []
            options.settle_distribution(option, asked, settings.workers, settings.dist)

    def announce(self, config):
        """Before others are configured."""
        self.dsession = DSession(config)
        for impl in of_xdist(config, "pytest_configure"):
            impl.function = self.without_sessions(impl.function)

    def without_sessions(self, configure):
        """pytest-xdist's pytest_configure, which would start workers itself. Its controller and
        all schedulers are not even imported."""
        name = "xdist.dsession"

        @functools.wraps(configure)
        def pytest_configure(config):
            for plugin in NAMES:
                config.pluginmanager.set_blocked(plugin)
            there = name in sys.modules
            if not there:
                sys.modules[name] = stand_in = types.ModuleType(name)
                stand_in.DSession = DSession
            try:
                return configure(config)
            finally:
                if not there:
                    del sys.modules[name]
                self.show(config)

        return pytest_configure

    @pytest.hookimpl(tryfirst=True)
    def pytest_load_initial_conftests(self, early_config):
        """What is registered last is configured last."""
        early_config.pluginmanager.register(Last(self))

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection(self, session):
        if self.dsession is None:
            yield
            return
        hide(session.config)
        yield
        if not hasattr(session.config, "workerinput"):
            self.show(session.config)

    def show(self, config):
        for name, plugin in ((NAME, self.dsession), (REPORTER, self.dsession.trdist)):
            _unblock(config.pluginmanager, name)
            if config.pluginmanager.get_plugin(name) is None:
                config.pluginmanager.register(plugin, name)


def hide(config):
    for name in NAMES:
        if config.pluginmanager.get_plugin(name) is not None:
            config.pluginmanager.unregister(name=name)


def of_xdist(config, hook):
    """pytest-xdist's own implementations of that hook."""
    for impl in getattr(config.pluginmanager.hook, hook).get_hookimpls():
        if getattr(impl.plugin, "__name__", None) == "xdist.plugin":
            yield impl


def keep_xdist_from(config, hook):
    for impl in of_xdist(config, hook):
        impl.function = lambda *args: None


def _unblock(manager, name):
    if manager.is_blocked(name):
        del manager._name2plugin[name]  # unblock() of pluggy 1.4
