"""What workers that collect side by side share out and tell: files, and the tests in them."""

import fcntl
import hashlib
import json
import mmap
import os
import struct
import sys

import pytest
from rowlock_pytest import procfs, realtime, spawn

_SIZE = struct.Struct("<I")
_COUNTER = struct.Struct("<II")  # the next file, whether all are to stop


class Claims:
    """Hands out files by their number, in memory that all have, and tells all to stop."""

    def __init__(self, folder, first):
        self.fd = procfs.raise_fd(spawn.shared_memory(folder, mmap.PAGESIZE))
        self.memory = mmap.mmap(self.fd, mmap.PAGESIZE)
        _COUNTER.pack_into(self.memory, 0, first, 0)

    def take(self):
        """The number of the next file. A lock that its holder's death ends."""
        fcntl.lockf(self.fd, fcntl.LOCK_EX)
        try:
            number, stop = _COUNTER.unpack_from(self.memory, 0)
            _COUNTER.pack_into(self.memory, 0, number + 1, stop)
        finally:
            fcntl.lockf(self.fd, fcntl.LOCK_UN)
        return number

    def stop(self):
        _SIZE.pack_into(self.memory, _SIZE.size, 1)

    def stopped(self):
        return _SIZE.unpack_from(self.memory, _SIZE.size)[0] != 0

    def close(self):
        self.memory.close()
        os.close(self.fd)


class TestFile:
    """A file with tests, known by the first part of their ids. number: in the order of the
    walk; nodes: its collectors, where it was passed over; path: sys.path at that time."""

    def __init__(self, key, number):
        self.key = key
        self.number = number
        self.here = True  # collected in this process, or in one that this is a fork of
        self.nodes = []
        self.path = None
        self.owner = None  # the slot of the process that has collected it; None: the zygote
        self.first = self.count = 0  # its tests' numbers
        self.mark = None  # a hash of its tests' ids
        self.problem = None  # why it cannot be collected here
        self.told = None  # in the zygote: what its owner told of it
        self.items, self.ids = [], []  # its tests, where it is here


class LazyStandIn:
    """A test that a worker has collected, in the zygote. Looks up what is rarely asked for."""

    __slots__ = ("nodeid", "told", "place", "__dict__", "__weakref__")

    def __init__(self, nodeid, told, place):
        self.nodeid = nodeid
        self.told = told
        self.place = place

    @property
    def config(self):
        return self.told.session.config

    @property
    def session(self):
        return self.told.session

    @property
    def ihook(self):
        return self.told.hook

    @property
    def location(self):
        return self.told.location(self.place)

    @property
    def keywords(self):
        return self.told.keywords(self.place)

    @property
    def id(self):
        """What pytest 9.2 and later know a test by."""
        from _pytest.nodeid import coerce_node_id

        return coerce_node_id(self.nodeid)


class Told:
    """What a worker has told about the tests of one file."""

    def __init__(self, ids, nodeids, details, tests, session, hook):
        self.ids = ids
        self.nodeids = nodeids or ids
        self.details = details  # JSON, until somebody wants to know
        self.tests = tests  # JSON: their descriptions, joined by commas
        self.session = session
        self.hook = hook
        self.known = None

    def take_tests(self):
        tests, self.tests = self.tests, None
        return tests

    def _of(self, place):
        if self.known is None:
            self.known = json.loads(self.details)
        return self.known[place]

    def location(self, place):
        return tuple(self._of(place)[0])

    def keywords(self, place):
        return dict.fromkeys(self._of(place)[1], 1)


def digest_of(items, ids):
    """What a later run compares ids with that may be others when a file is collected again; None
    where they are the names of functions and nothing else."""
    if all(isinstance(i, pytest.Function) and not hasattr(i, "callspec") for i in items):
        return None
    return hashlib.blake2b("\n".join(ids).encode("utf-8"), digest_size=8).hexdigest()


class TimeAlone:
    """How long one process collects before others help. What they cost, processes and workers
    that have some of the files, a short collection does not bring in. A busy machine makes none
    longer; one that waits for something else may be."""

    def __init__(self, limit):
        self.limit = limit
        self.cpu, self.wall = realtime.cpu(), realtime.monotonic()
        self.words = f"that took less than {limit:g} s"

    def is_over(self):
        spent = realtime.cpu() - self.cpu
        return spent >= self.limit or realtime.monotonic() - self.wall >= 3 * self.limit


def is_test_file(node):
    """What is claimed as a whole: pytest 7 has packages that are files, too."""
    return isinstance(node, pytest.File) and not isinstance(node, pytest.Package)


def key_of(nodeid):
    return nodeid.split("::", 1)[0]


def empty_report(node):
    return pytest.CollectReport(getattr(node, "id", node.nodeid), "passed", None, [])


def search_path_of(node):
    """The folder that an import of this file puts into sys.path, and where; or None."""
    mode = node.config.getoption("importmode")
    if mode not in ("prepend", "append") or node.path.suffix != ".py":
        return None
    folder = node.path.parent
    while (folder / "__init__.py").is_file() and folder.parent != folder:
        folder = folder.parent
    return str(folder), 0 if mode == "prepend" else len(sys.path)


def set_variables(values):
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def mark_of(ids):
    """The same in all forks of one process."""
    return hash(tuple(ids))


def merge_warnings(lists):
    """Each warning as often as the worker has seen it that has seen it most often: modules
    that several files import are imported once in a plain run."""
    counts = {}
    for found in lists:
        seen = {}
        for data in found:
            key = json.dumps([data[k] for k in ("text", "category", "filename", "lineno")])
            seen[key] = seen.get(key, 0) + 1
            if seen[key] > counts.get(key, 0):
                counts[key] = seen[key]
                yield data


def current_folder():
    """None where a test has removed it."""
    try:
        return os.getcwd()
    except OSError:
        return None
