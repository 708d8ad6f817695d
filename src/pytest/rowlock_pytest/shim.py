"""Stands in for the package `xdist` where pytest-xdist is not installed, so that a conftest file
that asks `xdist.is_xdist_worker(request)` serves unchanged.

Only what tests, conftest files and plugins ask a running suite is there: who am I, the names of
the schedulers, and what those who write one import. Only an import statement finds it.
pytest.importorskip("xdist") and importlib.util.find_spec("xdist") go on to say that pytest-xdist
is missing: who asks like that wants to start `pytest -n` himself. A real pytest-xdist always
comes first.
"""

import functools
import importlib
import importlib.abc
import importlib.machinery
import os
import sys
import types

import _pytest.outcomes

import pytest
from rowlock_pytest import schedulers
from rowlock_pytest.settings import find_zygote

# What is served behaves as this version does.
VERSION = "3.8.0+rowlock"


def is_xdist_worker(request_or_session):
    """True in a worker."""
    return hasattr(request_or_session.config, "workerinput")


def is_xdist_controller(request_or_session):
    """True in the process that collects and reports, if there are workers beside it."""
    return (
        not is_xdist_worker(request_or_session) and request_or_session.config.option.dist != "no"
    )


def get_xdist_worker_id(request_or_session):
    """gw0, gw1, ...; "master" where there are no workers, and in the controller."""
    worker = getattr(request_or_session.config, "workerinput", None)
    return worker["workerid"] if worker is not None else "master"


API = {
    "is_xdist_worker": is_xdist_worker,
    "is_xdist_controller": is_xdist_controller,
    "is_xdist_master": is_xdist_controller,
    "get_xdist_worker_id": get_xdist_worker_id,
}


def pytest_xdist_auto_num_workers(config):
    """How many workers -n auto means where no conftest file says otherwise."""
    zygote = find_zygote(config)
    return zygote.settings.workers if zygote is not None else len(os.sched_getaffinity(0))


def parse_numprocesses(s):
    """What -n accepts."""
    return s if s in ("auto", "logical", None) else int(s)


def parse_tx_spec_config(config):
    """The workers that --tx names, one by one."""
    found = []
    for spec in config.getvalue("tx"):
        count, star, rest = spec.partition("*")
        found += [rest] * int(count) if star and count.isdigit() else [spec]
    return found


def report_collection_diff(from_collection, to_collection, from_id, to_id):
    """How two lists of test ids differ; None if they do not."""
    if list(from_collection) == list(to_collection):
        return None
    import difflib  # seldom needed

    lines = difflib.unified_diff(from_collection, to_collection, from_id, to_id, lineterm="")
    return f"Different tests were collected by {from_id} and {to_id}:\n" + "\n".join(lines)


def _plugin_names():
    from rowlock_pytest.fixtures import testrun_uid, worker_id

    own = (pytest_xdist_auto_num_workers, parse_numprocesses)
    names = {function.__name__: function for function in own}
    return dict(API, worker_id=worker_id, testrun_uid=testrun_uid, **names)


def _node_names():
    from rowlock_pytest import nodes

    return {
        "WorkerController": nodes.Node,
        "NodeManager": nodes.NodeManager,
        "parse_tx_spec_config": parse_tx_spec_config,
    }


def _controller_names():
    from rowlock_pytest import controller

    names = {"DSession": controller.DSession}
    names["TerminalDistReporter"] = controller.TerminalDistReporter
    return dict(names, **_node_names(), **_scheduler_names(*schedulers.KNOWN, "Scheduling")())


def _remote_names():
    from rowlock_pytest import nodes

    return {"Producer": nodes.Log}


def _scheduler_names(*names):
    return lambda: {name: getattr(schedulers, name) for name in names}


# Each module that can be imported, with what makes its names.
MODULES = {
    "xdist": lambda: dict(API, __version__=VERSION, __all__=["__version__", *API]),
    "xdist.plugin": _plugin_names,
    "xdist.workermanage": _node_names,
    "xdist.dsession": _controller_names,
    "xdist.remote": _remote_names,
    "xdist.report": lambda: {"report_collection_diff": report_collection_diff},
    "xdist.scheduler": _scheduler_names(*schedulers.KNOWN, "Scheduling"),
    "xdist.scheduler.protocol": _scheduler_names("Scheduling"),
    "xdist.scheduler.each": _scheduler_names("EachScheduling"),
    "xdist.scheduler.load": _scheduler_names("LoadScheduling"),
    "xdist.scheduler.loadfile": _scheduler_names("LoadFileScheduling"),
    "xdist.scheduler.loadgroup": _scheduler_names("LoadGroupScheduling"),
    "xdist.scheduler.loadscope": _scheduler_names("LoadScopeScheduling"),
    "xdist.scheduler.worksteal": _scheduler_names("WorkStealingScheduling"),
}
PACKAGES = ("xdist", "xdist.scheduler")


def _asked_by(module, function):
    """Whether that function waits for the answer. find_spec() of importlib asks the finders as
    an import statement does."""
    frame = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_name == function and frame.f_globals.get("__name__") == module:
            return True
        frame = frame.f_back
    return False


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Asked last of all."""

    def find_spec(self, fullname, path=None, target=None):
        if fullname not in MODULES or _asked_by("importlib.util", "find_spec"):
            return None
        if "." in fullname and not is_shim(sys.modules.get("xdist")):
            return None
        return importlib.machinery.ModuleSpec(
            fullname, self, origin="rowlock_pytest", is_package=fullname in PACKAGES
        )

    def create_module(self, spec):
        return types.ModuleType(spec.name, "What pytest-xdist offers here, served by Rowlock.")

    def exec_module(self, module):
        module.__dict__.update(MODULES[module.__name__]())


class Plugin:
    """Stands in for the plugin `xdist` in a run with workers: plugins that implement its hooks
    register these only where pluginmanager.hasplugin("xdist") says so."""


def register(pluginmanager):
    if not pluginmanager.hasplugin("xdist") and not pluginmanager.is_blocked("xdist"):
        pluginmanager.register(Plugin(), "xdist")


def is_shim(module):
    """Whether this is our stand-in, not pytest-xdist's own."""
    return isinstance(getattr(module, "__loader__", None), Finder)


def _importorskip(original):
    """pytest.importorskip for which the stand-in is not there."""

    @functools.wraps(original)
    def importorskip(modname, minversion=None, reason=None, **kwargs):
        __tracebackhide__ = True
        if modname in MODULES and is_shim(importlib.import_module(modname)):
            raise pytest.skip.Exception(
                reason or f"could not import {modname!r}: pytest-xdist is not installed",
                allow_module_level=True,
            )
        return original(modname, minversion, reason, **kwargs)

    return importorskip


def install():
    """Makes the stand-in importable, once in a process."""
    if any(isinstance(finder, Finder) for finder in sys.meta_path):
        return
    sys.meta_path.append(Finder())
    pytest.importorskip = _pytest.outcomes.importorskip = _importorskip(pytest.importorskip)
