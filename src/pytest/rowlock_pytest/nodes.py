"""The workers as plugins for pytest-xdist know them: a node each in the controller, and
config.workerinput and config.workeroutput in the worker.

The zygote calls the hooks of pytest-xdist's controller here. A node is made, and passed through
pytest_configure_node, when its worker is about to start; so each node that a plugin has seen
ends in pytest_testnodedown. A replacement for a dead worker is a new node of the same name.
"""

import base64
import os
import socket
import sys
import traceback

import pytest

DEAD = "Not properly terminated"


def build_workerinput(settings, slot):
    """What a worker learns before pytest_configure_node adds to it."""
    return {
        "workerid": settings.worker_name(slot),
        "workercount": settings.workers,
        "testrunuid": settings.run_uid,
        "mainargv": list(sys.argv),
    }


def enter_worker(config, settings, workerinput):
    """Makes this process look like a worker of pytest-xdist to all that see its config."""
    config.workerinput = workerinput
    config.workeroutput = {}
    option = config.option
    for name, value in (
        ("loadgroup", settings.dist == "loadgroup"),
        ("looponfail", False),
        ("usepdb", False),
        ("dist", "no"),
        ("distload", False),
        ("numprocesses", None),
        ("maxprocesses", None),
        ("tx", list(settings.tx)),
    ):
        setattr(option, name, value)
    factory = getattr(config, "_tmp_path_factory", None)
    if getattr(factory, "_given_basetemp", None) is not None:
        option.basetemp = str(factory._given_basetemp)


# What passes between the processes: plain values, as with execnet, told apart in JSON.


def pack(value):
    """A plain value as something that JSON keeps; what is not plain becomes its repr."""
    if value is None or isinstance(value, (bool, int, float, str)):
        # A subclass, an enum say, arrives as the plain value.
        for kind in (bool, int, float, str):
            if isinstance(value, kind):
                return kind(value)
        return None
    if isinstance(value, dict):
        return {"dict": [[pack(k), pack(v)] for k, v in value.items()]}
    if isinstance(value, (bytes, bytearray)):
        return {"bytes": base64.b64encode(value).decode("ascii")}
    for kind in (list, tuple, set, frozenset):
        if isinstance(value, kind):
            return {kind.__name__: [pack(v) for v in value]}
    return repr(value)


SEQUENCES = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}


def unpack(data):
    if not isinstance(data, dict):
        return data
    ((kind, content),) = data.items()
    if kind == "dict":
        return {unpack(k): unpack(v) for k, v in content}
    if kind == "bytes":
        return base64.b64decode(content)
    return SEQUENCES[kind](unpack(v) for v in content)


class Plain:
    """An object that only has attributes."""

    def __init__(self, *_, **values):
        self.__dict__.update(values)

    def __repr__(self):
        return f"<{type(self).__name__} {self.__dict__}>"


class Spec:
    """Where a worker runs, in execnet's words; what does not apply is None."""

    def __init__(self, name):
        self.id = name
        self.popen = True
        self.execmodel = "main_thread_only"
        self.env = {}

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return None

    def __str__(self):
        return f"execmodel=main_thread_only//popen//id={self.id}"

    def __repr__(self):
        return f"<XSpec {str(self)!r}>"


class Gateway:
    """The way to a worker; nothing can be run through it."""

    def __init__(self, spec):
        self.spec = spec
        self.id = spec.id
        self.pid = os.getpid()

    def _rinfo(self, update=False):
        return Plain(
            executable=sys.executable,
            version_info=tuple(sys.version_info),
            platform=sys.platform,
            cwd=os.getcwd(),
            pid=self.pid,
        )

    def remote_exec(self, *args, **kwargs):
        raise NotImplementedError("Rowlock's workers run tests only")

    def exit(self):
        """The zygote ends its workers by itself."""

    def __repr__(self):
        return f"<Gateway id={self.id!r}>"


class Log:
    """What hooks get to print traces with; silent, as pytest-xdist's is without --debug."""

    def __init__(self, name, enabled=False):
        self.name = name
        self.enabled = enabled

    def __call__(self, *args, **kwargs):
        if self.enabled:
            print(f"[{self.name}]", *args, file=sys.stderr, **kwargs)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(self)(name, self.enabled)


class NodeManager:
    def __init__(self, config, settings):
        self.config = config
        self.testrunuid = settings.run_uid
        self.specs = [Spec(settings.worker_name(slot)) for slot in range(settings.workers)]
        self.roots = []
        self.rsyncoptions = {}


class Node:
    """A worker in the controller's eyes. workerinfo is there once it has started, workeroutput
    once it has ended well."""

    def __init__(self, manager, config, settings, slot):
        self.nodemanager = manager
        self.config = config
        self.slot = slot
        self.gateway = Gateway(Spec(settings.worker_name(slot)))
        self.gateway.node = self
        self.workerinput = build_workerinput(settings, slot)
        self.log = Log("workerctl-" + self.gateway.id, config.getoption("debug", False))
        self.shutting_down = False
        self.restarted = False  # whether there was a worker of this name before

    def __repr__(self):
        return f"<WorkerController {self.gateway.id}>"

    def started(self, pid):
        self.gateway.pid = pid
        self.workerinfo = {
            "version": sys.version,
            "version_info": tuple(sys.version_info),
            "sysplatform": sys.platform,
            "platform": "-".join((os.uname().sysname, os.uname().release, os.uname().machine)),
            "executable": sys.executable,
            "cwd": os.getcwd(),
            "id": self.gateway.id,
            "spec": self.gateway.spec,
        }


class Scheduler:
    """The scheduler in the eyes of pytest_handlecrashitem, and of those who ask the controller."""

    def __init__(self, nodes):
        self.config = nodes.config
        self.log = Log("sched")
        self._nodes = nodes

    @property
    def nodes(self):
        return [node for node in self._nodes.by_name.values() if not node.shutting_down]

    def mark_test_pending(self, item):
        """Running a crashed test again is rowlock-exec's to decide, not the hook's."""
        self.config.issue_config_time_warning(
            pytest.PytestWarning(f"Rowlock does not run a crashed test again for a hook: {item}"),
            stacklevel=2,
        )


def _coverage_input(config):
    """What pytest-cov in a worker that is an interpreter of its own wants to know."""
    if config.pluginmanager.get_plugin("_cov") is None:
        return {}
    return {
        "cov_master_host": socket.gethostname(),
        "cov_master_topdir": os.fspath(config.invocation_params.dir),
        "cov_master_rsync_roots": [],
    }


class Nodes:
    """All nodes of a run, in the zygote. Errors of hooks are the caller's to handle."""

    def __init__(self, config, settings):
        self.config = config
        self.settings = settings
        self.manager = NodeManager(config, settings)
        self.by_name = {}
        self.scheduler = Scheduler(self)

    def hook(self, name):
        """The hook, without those that expect more of this run than there is: pytest-cov, which
        measures here as in a run without workers (see covering.py)."""
        manager = self.config.pluginmanager
        cov = manager.get_plugin("_cov")
        caller = getattr(manager.hook, name)
        if cov is None or hasattr(cov.cov_controller, "configure_node"):
            return caller
        return manager.subset_hook_caller(name, [cov])

    def set_up(self):
        """Once, when the session starts."""
        hook = self.config.hook
        hook.pytest_xdist_setupnodes(config=self.config, specs=self.manager.specs)

    def make(self, slot):
        """The node, without any hook."""
        node = Node(self.manager, self.config, self.settings, slot)
        node.restarted = node.gateway.id in self.by_name
        self.by_name[node.gateway.id] = node
        return node

    def prepare(self, slot):
        """Makes the node of a worker that is about to start. Returns it."""
        node = self.make(slot)
        if self.settings.sequential:
            return node
        node.workerinput.update(_coverage_input(self.config))
        hook = self.config.hook
        hook.pytest_xdist_newgateway(gateway=node.gateway)
        self.hook("pytest_configure_node")(node=node)
        return node

    def started(self, node, pid, items):
        """The worker runs and knows its tests."""
        node.started(pid)
        if self.settings.sequential:
            return
        self.config.hook.pytest_testnodeready(node=node)
        caller = self.config.hook.pytest_xdist_node_collection_finished
        if caller.get_hookimpls():
            caller(node=node, ids=[item.nodeid for item in items])

    def ended(self, node, output, interrupted):
        """The worker is gone. output: what was packed of its workeroutput, None if it died."""
        if self.settings.sequential or node is None or node.shutting_down:
            return
        node.shutting_down = True
        error = None
        if output is not None:
            node.workeroutput = unpack(output)
        else:
            error = "keyboard-interrupt" if interrupted else DEAD
        self.hook("pytest_testnodedown")(node=node, error=error)

    def crashed(self, report, node_id):
        """A worker died in a test: what plugins make of its report."""
        self.config.hook.pytest_handlecrashitem(
            crashitem=node_id, report=report, sched=self.scheduler
        )

    def decorate(self, report, worker, number):
        """A report of a worker carries what it carries under pytest-xdist."""
        if self.settings.sequential:
            return
        report.worker_id = worker
        report.testrun_uid = self.settings.run_uid
        report.item_index = number
        node = self.by_name.get(worker)
        if node is not None:
            report.node = node


def final_output(config, session, status):
    """What a worker leaves behind, ready for the zygote."""
    output = getattr(config, "workeroutput", None)
    if not isinstance(output, dict):
        output = {}
    output.setdefault("exitstatus", int(status))
    output.setdefault("shouldfail", session.shouldfail)
    output.setdefault("shouldstop", session.shouldstop)
    try:
        return pack(output)
    except RecursionError:
        traceback.print_exc()
        return pack({})
