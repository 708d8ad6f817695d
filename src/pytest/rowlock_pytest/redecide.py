"""What plugins decide when pytest is configured, decided again in a forked worker.

pytest-xdist's workers configure pytest themselves, and many plugins ask for
`config.workerinput` then, or for the plugin "dsession", which is the controller's: a reporter
writes its file in the controller only. A forked worker inherits what was decided in the zygote,
which is the controller. So while pytest is configured and the session starts, it is recorded
which implementation of these two hooks has looked for one of the two, and what it left behind:
plugins that it registered, clean-ups, attributes of config, hooks that it declared. In the worker
all that is taken back, and the implementation runs once more, now with workerinput there. Who has
not looked is left alone: a worker of pytest-xdist would have decided the same.
"""

import functools
import traceback

import pytest
from rowlock_pytest import controller

WATCHED = ("workerinput", "workeroutput", "slaveinput", "slaveoutput")
CONFIGURE, START = HOOKS = ("pytest_configure", "pytest_sessionstart")
# The hooks at the end of a session; they run in each worker and then in the zygote.
ENDS = ("pytest_sessionfinish", "pytest_unconfigure")
# isolate.py and covering.py see to these.
EXEMPT = ("_pytest.", "rowlock_pytest.", "xdist.", "pytest_cov.")

_NOTHING = object()


def _is_exempt(plugin):
    module = getattr(plugin, "__name__", None) or type(plugin).__module__
    return f"{module}.".startswith(EXEMPT)


def _implementations(config, name):
    """Of that hook, those that others than pytest and Rowlock bring; no wrappers."""
    return [
        impl
        for impl in getattr(config.pluginmanager.hook, name).get_hookimpls()
        if not (impl.hookwrapper or getattr(impl, "wrapper", False) or _is_exempt(impl.plugin))
    ]


class _Cleanup:
    """A clean-up that a worker can be told to leave to the zygote."""

    def __init__(self, function):
        self.function = function
        self.active = True

    def __call__(self):
        if self.active:
            self.function()


class _Call:
    """One call of one implementation, and what it left behind."""

    def __init__(self, config, hook, impl):
        self.config = config
        self.hook = hook
        self.plugin = impl.plugin
        self.asked = False
        self.has_terminal = False  # it has put another reporter in the place of pytest's
        self.plugins = []
        self.cleanups = []
        self.before = self.look()
        self.specs = []
        self.changes = []

    def look(self):
        callers = vars(self.config.pluginmanager.hook).values()
        specs = [caller for caller in callers if getattr(caller, "spec", None)]
        return specs, [dict(mapping) for mapping in self.mappings()]

    def mappings(self):
        return [self.config.__dict__, getattr(self.config.stash, "_storage", {})]

    def end(self):
        specs, mappings = self.look()
        self.specs = [c for c in specs if c not in self.before[0]]
        for old, new in zip(self.before[1], mappings):
            changed = [key for key in new if old.get(key, _NOTHING) is not new[key]]
            self.changes.append({key: old.get(key, _NOTHING) for key in changed})
        self.before = None

    def undo(self):
        """All but the plugins."""
        for cleanup in self.cleanups:
            cleanup.active = False
        for caller in self.specs:
            caller.spec = None
            if hasattr(caller, "_call_history"):
                caller._call_history = None
        for mapping, changes in zip(self.mappings(), self.changes):
            for key, value in changes.items():
                if value is _NOTHING:
                    mapping.pop(key, None)
                else:
                    mapping[key] = value


class Decisions:
    """Watches in the zygote, decides in a worker."""

    def __init__(self):
        self.config = None
        self.calls = []
        self.current = None  # the call that runs now
        self.wrapped = []
        self.getter = self.previous = None

    # In the zygote.

    def watch(self, config):
        """Before pytest is configured."""
        self.config = config
        self.wrap()
        self.previous = previous = pytest.Config.__dict__.get("__getattr__")

        def getter(config, name):
            if name in WATCHED:
                self.looks()
            if previous is not None:
                return previous(config, name)
            raise AttributeError(f"{type(config).__name__!r} object has no attribute {name!r}")

        self.getter = pytest.Config.__getattr__ = getter
        get_plugin = config.pluginmanager.get_plugin

        def watched_get_plugin(name):
            if name in controller.NAMES:
                self.looks()
            return get_plugin(name)

        config.pluginmanager.get_plugin = watched_get_plugin
        add_cleanup = config.add_cleanup

        def tracked(func):
            cleanup = _Cleanup(func)
            if self.current is not None:
                self.current.cleanups.append(cleanup)
            add_cleanup(cleanup)

        config.add_cleanup = tracked

    def looks(self):
        """Somebody looks for what makes a worker. True if what he decides will be decided again
        in each worker."""
        if self.current is None:
            return False
        self.current.asked = True
        return True

    def registered(self, plugin):
        """A plugin has been registered."""
        if self.getter is not None:
            if self.current is not None:
                self.current.plugins.append(plugin)
                if self.config.pluginmanager.get_name(plugin) == "terminalreporter":
                    self.current.has_terminal = True
            self.wrap()

    def wrap(self):
        known = {id(impl) for impl, _ in self.wrapped}
        for name in HOOKS:
            for impl in _implementations(self.config, name):
                if id(impl) not in known:
                    self.wrapped.append((impl, impl.function))
                    impl.function = self.recorder(name, impl)

    def recorder(self, hook, impl):
        function = impl.function

        @functools.wraps(function)
        def record(*args):
            if self.current is not None:
                return function(*args)
            call = self.current = _Call(self.config, hook, impl)
            try:
                return function(*args)
            finally:
                self.current = None
                call.end()
                self.calls.append(call)

        return record

    def stop(self):
        """Once the session has started."""
        if self.getter is None:
            return
        for impl, function in self.wrapped:
            impl.function = function
        del self.wrapped[:]
        if pytest.Config.__dict__.get("__getattr__") is self.getter:
            if self.previous is None:
                del pytest.Config.__getattr__
            else:
                pytest.Config.__getattr__ = self.previous
        self.config.__dict__.pop("add_cleanup", None)
        self.config.pluginmanager.__dict__.pop("get_plugin", None)
        self.getter = None

    # In a worker.

    def decide_again(self, session):
        """config.workerinput is there by now."""
        manager = self.config.pluginmanager
        # In workers nothing is printed, whatever would print it (isolate.drop_controller_plugins).
        asked = [call for call in self.calls if call.asked and not call.has_terminal]
        gone = self.take_back(asked)
        known = {id(plugin) for plugin in manager.get_plugins()}

        def run(hook, arguments, plugins):
            # In the order in which pluggy would call them.
            for impl in reversed(_implementations(self.config, hook)):
                if id(impl.plugin) in plugins:
                    impl.function(*[arguments[name] for name in impl.argnames])

        asking = {call.hook: set() for call in asked}
        for call in asked:
            if id(call.plugin) not in gone:
                asking[call.hook].add(id(call.plugin))
        run(CONFIGURE, {"config": self.config}, asking.get(CONFIGURE, ()))
        # New ones have been configured when they were registered, but know of no session.
        new = {id(plugin) for plugin in manager.get_plugins()} - known
        starting = new.union(*asking.values()) if asking else new
        run(START, {"session": session}, starting)

    def take_back(self, asked):
        """Undoes those calls; returns the ids of the plugins that are gone."""
        manager = self.config.pluginmanager
        gone = set()
        for call in reversed(asked):
            for plugin in reversed(call.plugins):
                gone.add(id(plugin))
                if manager.is_registered(plugin):
                    manager.unregister(plugin)
        for call in reversed(self.calls):
            if call.asked or id(call.plugin) in gone:
                call.undo()
        return gone

    # At the end, in the zygote.

    def tolerate_ends(self):
        """The workers have run the hooks of their end without an error. Where one of the same
        hooks fails here, it may well be because it has run before, on the same files."""
        own = {id(p) for call in self.calls if call.asked for p in call.plugins}
        for name in ENDS:
            for impl in _implementations(self.config, name):
                if id(impl.plugin) not in own:
                    impl.function = self.tolerant(name, impl)

    def tolerant(self, name, impl):
        function = impl.function

        @functools.wraps(function)
        def end(*args):
            try:
                return function(*args)
            except Exception as error:  # noqa: BLE001
                traceback.print_exc()
                warning = pytest.PytestWarning(
                    f"{name} of {impl.plugin_name} ran in the workers and then failed where"
                    f" their results are put together: {type(error).__name__}: {error}"
                )
                self.config.issue_config_time_warning(warning, stacklevel=2)
                return None

        return end
