"""Notices what a project does while it is imported that forked workers would share, and
workers with an interpreter of their own would not.

`DB = "db_" + os.environ["PYTEST_XDIST_WORKER"]` at module level has one value in a process
that imports once and forks. Who asks for a worker's identity at that time, or makes a name
or a number that is to be unique, needs workers that import for themselves.
"""

import os
import socket
import sys
import sysconfig
import tempfile
import threading
import weakref

from rowlock_pytest import controller, harmless
from rowlock_pytest.settings import XDIST_VARIABLES

PARTS = ("_TEST_WORKER_ID", "_TEST_TEMP_DIR", "_TEST_MODE", "_CONFIG_DIR", "_CACHE_DIR")
INPUTS = ("workerinput", "workeroutput")
# How one asks for the controller's plugins beside get_plugin().
ASKING = ("has_plugin", "hasplugin", "getplugin")
PACKAGES = frozenset(("site-packages", "dist-packages"))

PROJECT, PYTEST, LIBRARY, PYTHON = range(4)


class Abandon(KeyboardInterrupt):
    """Ends a collection that is to be done in the workers. Raised where the project asks for
    a worker's identity, before it can do anything with the answer."""


class Origins:
    """Tells from a file's name whose code it is."""

    def __init__(self):
        import _pytest
        import pluggy

        self.known = {}
        self.roots = []
        self.add_root(os.getcwd())
        ours = [os.path.dirname(module.__file__) for module in (_pytest, pluggy)]
        here = os.path.dirname(os.path.abspath(__file__))
        self.pytest = _prefixes(ours + [here])
        # These ask in the name of others.
        self.known_libraries = [os.path.join(here, name) for name in ("shim.py", "redecide.py")]
        paths = sysconfig.get_paths()
        self.python = _prefixes([paths["stdlib"], paths["platstdlib"]])

    def add_root(self, folder):
        """Code below it is the project's, unless it is installed there."""
        for path in (str(folder), os.path.realpath(str(folder))):
            if path not in self.roots:
                self.roots.append(path)
        self.known.clear()

    def of(self, name):
        kind = self.known.get(name)
        if kind is None:
            kind = self.known[name] = self.look(name)
        return kind

    def look(self, name):
        if name.startswith("<"):
            return PYTHON  # frozen importlib, or code made by a library of Python's
        path = os.path.abspath(name)
        if path in self.known_libraries:
            return LIBRARY
        if path.startswith(self.pytest):
            return PYTEST
        installed = not PACKAGES.isdisjoint(path.split(os.sep))
        if path.startswith(self.python) and not installed:
            return PYTHON
        for root in self.roots:
            if path.startswith(os.path.join(root, "")):
                inner = path[len(root) :].split(os.sep)
                return PROJECT if PACKAGES.isdisjoint(inner) else LIBRARY
        return LIBRARY

    def relative(self, name):
        path = os.path.abspath(name)
        for root in reversed(self.roots):
            if path.startswith(os.path.join(root, "")):
                return path[len(os.path.join(root, "")) :]
        return path


def _prefixes(folders):
    found = []
    for folder in folders:
        found += [os.path.join(path, "") for path in (folder, os.path.realpath(folder))]
    return tuple(found)


class Watch:
    """Watches from its start to its stop. reason: the first thing of that kind, or None.
    doubt: the same for random values, which may be names that one process is to have alone, or
    parameters of tests, which are to be the same in all."""

    def __init__(self, prefix):
        self.names = frozenset(XDIST_VARIABLES) | {prefix + part for part in PARTS}
        self.origins = Origins()
        self.reason = None
        self.doubt = None
        self.shares_nothing = False  # each worker runs all tests, on values of its own
        self.parameters = {}  # (file, function) -> what is unique among its parameters
        self.collecting = False
        self.asleep = False
        self.undo = []
        self.decided_again = None  # whether what runs now runs again in each worker
        self.getpid = os.getpid  # before it is watched
        self.pid = self.getpid()
        self.threads = []  # [(a weak reference to it, who has started it), ...]

    def start(self):
        self.watch_environment()
        self.watch_config()
        self.watch_plugins()
        self.watch_unique_values()
        self.watch_threads()

    def adopt(self):
        """Goes on in a fork of ours."""
        self.pid = self.getpid()

    def stop(self):
        self.asleep = True  # a project may have kept one of our functions
        while self.undo:
            self.undo.pop()()

    def replace(self, owner, name, value):
        """Sets an attribute; stop() puts back what was there, or that nothing was."""
        there = name in vars(owner)
        before = vars(owner).get(name)

        def put_back():
            if vars(owner).get(name) is not value:
                return  # somebody else's by now
            if there:
                setattr(owner, name, before)
            else:
                delattr(owner, name)

        self.undo.append(put_back)
        setattr(owner, name, value)

    # What is watched.

    def watch_environment(self):
        """All reads end in __getitem__: get, getenv, `in`, pop, setdefault, environb."""
        kind = type(os.environ)
        getitem, iterate = kind.__getitem__, kind.__iter__
        names = self.names

        def __getitem__(mapping, key):
            text = os.fsdecode(key) if isinstance(key, bytes) else key
            if text in names:
                self.asked(f"reads {text}", through_libraries=True)
            return getitem(mapping, key)

        def __iter__(mapping):
            # dict() takes the keys' view; a loop over the names is nothing to us.
            if _caller_is("__iter__"):
                self.asked("copies os.environ", through_libraries=False)
            return iterate(mapping)

        self.replace(kind, "__getitem__", __getitem__)
        self.replace(kind, "__iter__", __iter__)

    def watch_config(self):
        from _pytest.config import Config

        before = vars(Config).get("__getattr__")

        def __getattr__(config, name):
            if name in INPUTS:
                self.asked("asks for config." + name, through_libraries=True)
            if before is not None:
                return before(config, name)
            raise AttributeError(f"'{type(config).__name__}' object has no attribute {name!r}")

        self.replace(Config, "__getattr__", __getattr__)

    def watch_plugins(self):
        from _pytest.config import PytestPluginManager

        before = PytestPluginManager.get_plugin

        def get_plugin(manager, name):
            if name in controller.NAMES:
                inside = sys._getframe(1).f_code.co_name in ASKING
                self.asked(f"asks for the plugin {name}", through_libraries=True, skip=inside)
            return before(manager, name)

        self.replace(PytestPluginManager, "get_plugin", get_plugin)

    def watch_unique_values(self):
        """Names and numbers that are made to be had by one process alone."""
        urandom, getpid = os.urandom, os.getpid
        following = tempfile._RandomNameSequence.__next__
        bind = socket.socket.bind

        def watched_urandom(size):
            self.asked("makes a random value", doubtful=True, unique=True)
            return urandom(size)

        def watched_getpid():
            if self.origins.of(sys._getframe(1).f_code.co_filename) == PROJECT:
                self.asked("asks for its process id", unique=True)
            return getpid()

        def watched_following(sequence):
            # gettempdir() tries names out to see where it may write.
            if sys._getframe(1).f_code.co_name != "_get_default_tempdir":
                self.asked("makes a temporary file or folder")
            return following(sequence)

        def watched_bind(sock, address):
            self.asked("binds a socket")
            return bind(sock, address)

        self.replace(os, "urandom", watched_urandom)
        self.replace(os, "getpid", watched_getpid)
        self.replace(tempfile._RandomNameSequence, "__next__", watched_following)
        self.replace(socket.socket, "bind", watched_bind)

    def watch_threads(self):
        """A thread does no harm if it ends in time, so its start is only remembered."""
        start = threading.Thread.start

        def watched_start(thread):
            place = self.find_project(True, 2)
            if place is not None and not self.asleep:
                self.threads.append((weakref.ref(thread), place))
            return start(thread)

        self.replace(threading.Thread, "start", watched_start)

    def project_threads(self):
        """The threads that run and that the project has started: {thread: "file:line"}."""
        alive = threading.enumerate()
        started = [(reference(), place) for reference, place in self.threads]
        return {thread: place for thread, place in started if thread in alive}

    # What is made of it.

    def asked(self, what, through_libraries=False, doubtful=False, unique=False, skip=0):
        """skip: how many frames there are between who asks and our caller."""
        if self.asleep or (doubtful and self.doubt) or self.getpid() != self.pid:
            return  # the last: in a process that the project has forked, a manager's, say
        frame = self.find_frame(through_libraries, 3 + skip)
        if frame is None:
            return
        place = self.place_of(frame)
        if unique and self.is_harmless(frame, f"{place} {what}"):
            return
        if doubtful:
            self.doubt = f"{place} {what}"
            return
        if through_libraries and self.decided_again is not None and self.decided_again():
            return
        if self.reason is None:
            self.reason = f"{place} {what}"
        if self.collecting and threading.current_thread() is threading.main_thread():
            raise Abandon(self.reason)

    def is_harmless(self, frame, what):
        """Whether forks may share a unique value; of a parameter that is to be seen once all
        tests are there (doubt_of)."""
        if self.shares_nothing:
            return False
        name = harmless.find_parametrized(frame.f_code, frame.f_lineno)
        if name is not None:
            self.parameters[frame.f_code.co_filename, name] = what
        return name is not None or harmless.is_made_anew(frame.f_code, frame.f_lineno)

    def doubt_of(self, items):
        """The doubt, now that these tests are there: a unique value is a parameter of several."""
        found = {}
        for item in items if self.parameters else ():
            for key in harmless.keys_of(item) & self.parameters.keys():
                found.setdefault(key, []).append(item)
        for key, tests in found.items():
            if not harmless.has_each_value_once(tests):
                self.doubt = self.doubt or self.parameters[key]
        return self.doubt

    def find_project(self, through_libraries, depth):
        """The project's code that has called, as "file:line", or None."""
        frame = self.find_frame(through_libraries, depth + 1)
        return None if frame is None else self.place_of(frame)

    def place_of(self, frame):
        return f"{self.origins.relative(frame.f_code.co_filename)}:{frame.f_lineno}"

    def find_frame(self, through_libraries, depth):
        """The frame of the project's code that has called, or None.

        What pytest and its plugins ask for their own ends does not count: between them and
        any code of the project stands a frame of pytest. A library that the project calls or
        imports may do so on its behalf. A module of Python itself that is being imported does
        not: multiprocessing has a random key from the start.
        """
        frame = sys._getframe(depth)
        while frame is not None:
            kind = self.origins.of(frame.f_code.co_filename)
            if kind == PROJECT:
                return frame
            if kind == PYTEST or (kind == LIBRARY and not through_libraries):
                return None
            if kind == PYTHON and is_import(frame.f_code):
                return None
            frame = frame.f_back
        return None


def is_import(code):
    """Of a file, not of a text that somebody executes."""
    return code.co_name == "<module>" and not code.co_filename.startswith("<")


def _caller_is(name):
    """Whether a function of that name, other than the project's, has called our caller."""
    code = sys._getframe(2).f_code
    return code.co_name == name and "abc" in code.co_filename
