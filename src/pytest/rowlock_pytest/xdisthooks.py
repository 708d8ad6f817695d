"""The hooks that pytest-xdist declares, with its names and arguments, for runs without it.

The zygote calls them as pytest-xdist's controller does; see nodes.py.
"""

import pytest


@pytest.hookspec()
def pytest_xdist_setupnodes(config, specs):
    """Before any worker is set up."""


@pytest.hookspec()
def pytest_xdist_newgateway(gateway):
    """A worker is about to be started."""


@pytest.hookspec()
def pytest_xdist_rsyncstart(source, gateways):
    """Never called: Rowlock copies nothing to other machines."""


@pytest.hookspec()
def pytest_xdist_rsyncfinish(source, gateways):
    """Never called."""


@pytest.hookspec(firstresult=True)
def pytest_xdist_getremotemodule():
    """Never called: a worker is no module of its own."""


@pytest.hookspec()
def pytest_configure_node(node):
    """What is put into node.workerinput here, the worker finds in config.workerinput."""


@pytest.hookspec()
def pytest_testnodeready(node):
    """A worker has been started."""


@pytest.hookspec()
def pytest_testnodedown(node, error):
    """A worker has ended. node.workeroutput is what it left in config.workeroutput; error is
    None, or says why it died."""


@pytest.hookspec()
def pytest_xdist_node_collection_finished(node, ids):
    """The ids of the tests that a worker knows."""


@pytest.hookspec(firstresult=True)
def pytest_xdist_make_scheduler(config, log):
    """The way in which tests are spread; see schedulers.py."""


@pytest.hookspec(firstresult=True)
def pytest_xdist_auto_num_workers(config):
    """The number of workers for -n auto and -n logical."""


@pytest.hookspec(firstresult=True)
def pytest_handlecrashitem(crashitem, report, sched):
    """A worker has died in the test crashitem; report may be changed."""


NAMES = tuple(name for name in globals() if name.startswith("pytest_"))


def add_missing(pluginmanager):
    """Declares those that nobody has declared: pytest-xdist, where it is in use, has."""
    callers = {name: getattr(pluginmanager.hook, name, None) for name in NAMES}
    missing = {
        name: staticmethod(globals()[name])
        for name, caller in callers.items()
        if caller is None or not caller.has_spec()
    }
    if missing:
        pluginmanager.add_hookspecs(type("XdistHooks", (), missing))
