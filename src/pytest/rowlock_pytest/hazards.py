"""What is alive at the end of the collection and does not survive a fork, or is shared by it:
threads, connections, databases, processes."""

import os
import socket
import stat
import threading

from rowlock_pytest import collect, procfs

SQLITE_MAGIC = b"SQLite format 3\0"
# In a fork these are the same object: what one process adds to it, all wait for.
SHARED_OBJECTS = {
    "anon_inode:[eventpoll]": "an event loop's epoll",
    "anon_inode:inotify": "an inotify instance",
}
SQLITE_NAMES = (".db", ".sqlite", ".sqlite3")


class Census:
    """What this process has at one moment."""

    def __init__(self):
        self.descriptors = set(descriptors().items())
        self.threads = procfs.threads()
        self.children = procfs.children()

    def excuse(self, before, after):
        """Adds what came between two others."""
        self.descriptors |= after.descriptors - before.descriptors
        self.threads |= after.threads - before.threads
        self.children |= after.children - before.children


def descriptors():
    """The open descriptors of this process, {number: what it is linked to}."""
    found = {}
    try:
        names = os.listdir("/proc/self/fd")
    except OSError:
        return found
    for name in names:
        try:
            found[int(name)] = os.readlink("/proc/self/fd/" + name)
        except OSError:
            continue  # the one that listdir had
    return found


def find(excused, threads):
    """The first hazard in words, or None. excused: the Census of what is nobody's fault;
    threads: those that the project has started, {thread: "file:line"}."""
    found = describe_thread(excused, threads)
    if found:
        return f"{found} runs after the collection"
    for fd, link in sorted(descriptors().items()):
        if (fd, link) not in excused.descriptors:
            words = describe_descriptor(fd, link)
            if words:
                return f"{words} is open after the collection"
    for pid in sorted(procfs.children() - excused.children):
        if not procfs.is_helper(pid) and procfs.state(pid) not in ("", "Z"):
            return f"process {procfs.name(pid)!r} runs after the collection"
    return None


def describe_thread(excused, threads):
    """A thread that a fork would lose. Those of OpenBLAS are none: it starts them when numpy is
    imported, and again in each fork."""
    known = {os.getpid()} | excused.threads
    for thread in threading.enumerate():
        number = getattr(thread, "native_id", None)
        if thread in threads:
            return f"thread {collect.clean(thread.name)!r}, started in {threads[thread]},"
        if thread is not threading.main_thread() and number not in known:
            return f"thread {collect.clean(thread.name)!r}"
        known.add(number)
    native = procfs.native_threads(known)
    if len(native) > spare_threads():
        return f"thread {collect.clean(native[0])!r}"
    return None


def spare_threads():
    """How many threads the copies of OpenBLAS in this process may have started."""
    libraries = set()
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as f:
            for line in f:
                path = line.partition("/")[2].rstrip("\n")
                if "openblas" in os.path.basename(path):
                    libraries.add(path)
    except OSError:
        return 0
    return len(libraries) * ((os.cpu_count() or 1) - 1)


def describe_descriptor(fd, link):
    if link in SHARED_OBJECTS:
        return SHARED_OBJECTS[link]
    return describe_socket(fd) if link.startswith("socket:") else describe_file(fd, link)


def describe_socket(fd):
    """A stream that is connected or listens. A pair that nobody else has is neither."""
    try:
        sock = socket.socket(fileno=os.dup(fd))
    except OSError:
        return None
    with sock:
        if sock.type != socket.SOCK_STREAM:
            return None
        if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return f"a socket that listens on {_address(sock.getsockname())}"
        try:
            peer = sock.getpeername()
        except OSError:
            return None
        return f"a connection to {_address(peer)}" if peer else None


def _address(name):
    if isinstance(name, tuple):
        return f"{name[0]}:{name[1]}"
    return os.fsdecode(name).lstrip("\0") or "a socket without a name"


def describe_file(fd, link):
    """An SQLite database. It is read through its own descriptor: to close another one of the
    same file would drop the locks of this process."""
    name = os.path.basename(link)
    if name.startswith(".coverage"):
        return None  # pytest-cov's own
    try:
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode):
            return None
        new = info.st_size == 0 and name.endswith(SQLITE_NAMES)
        if not new and os.pread(fd, len(SQLITE_MAGIC), 0) != SQLITE_MAGIC:
            return None
    except OSError:
        return None  # not open for reading, for one
    return f"the SQLite database {name}"
