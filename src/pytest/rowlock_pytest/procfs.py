"""What only the operating system knows about processes: children, deaths, parents.

Everything Linux-only stands here, each with a fallback that is slower or does less.
"""

import contextlib
import ctypes
import fcntl
import os
import signal
import time

from rowlock_pytest import realtime

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
SYS_PIDFD_OPEN = 434
FALLOC_FL_KEEP_SIZE = 1
FALLOC_FL_PUNCH_HOLE = 2
HIGH_FD = 100
HELPERS = (b"resource_tracker", b"semaphore_tracker", b"multiprocessing.forkserver")

_libc = None


def exempt():
    """The pids of children that are nobody's to end but the run's. Replaced by who has any."""
    return set()


def _c_library():
    global _libc
    if _libc is None:
        _libc = ctypes.CDLL(None, use_errno=True)
    return _libc


def _prctl(option, value):
    prctl = getattr(_c_library(), "prctl", None)
    if prctl is not None:
        prctl(option, ctypes.c_ulong(value), 0, 0, 0)


def die_with_parent(parent):
    """SIGKILL for this process as soon as its parent, whose pid is given, ends."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def become_subreaper(yes=True):
    """Orphans among this process's descendants become its children, or do so no longer."""
    _prctl(PR_SET_CHILD_SUBREAPER, int(yes))


def flush_c_streams():
    """What C code left in stdio buffers must not be written by every fork again."""
    _c_library().fflush(None)


def return_memory():
    """Gives back to the system what was freed in this process, where glibc keeps it."""
    trim = getattr(_c_library(), "malloc_trim", None)
    if trim is not None:
        trim(0)


def free_range(fd, offset, size):
    """Frees a part of a file; the rest stays where it is. False where that cannot be done."""
    try:
        fallocate = _c_library().fallocate64
    except AttributeError:
        return False
    mode = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE
    return fallocate(fd, mode, ctypes.c_int64(offset), ctypes.c_int64(size)) == 0


def pidfd_open(pid):
    """A descriptor that becomes readable when pid ends; -1 where there is none to get."""
    try:
        if hasattr(os, "pidfd_open"):
            return os.pidfd_open(pid)
        fd = _c_library().syscall(SYS_PIDFD_OPEN, pid, 0)
    except (OSError, AttributeError):
        return -1
    if fd >= 0:
        os.set_inheritable(fd, False)
    return fd


def alive(pid):
    """False for a pid that is gone; a zombie that nobody has reaped is gone, too."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return state(pid) != "Z"


def _stat_fields(pid):
    """The fields of /proc/PID/stat behind the name: state, ppid, ..."""
    with open(f"/proc/{pid}/stat", "rb") as f:
        return f.read().rpartition(b")")[2].split()


def state(pid):
    """The one-letter state of a process, "" if there is none."""
    try:
        return _stat_fields(pid)[0].decode("ascii")
    except (OSError, IndexError):
        return ""


def start_time(pid):
    """In clock ticks since the system's start: with the pid it names a process for good. 0 for
    a pid that is gone."""
    try:
        return int(_stat_fields(pid)[19])
    except (OSError, IndexError, ValueError):
        return 0


def name(pid):
    try:
        with open(f"/proc/{pid}/comm", "rb") as f:
            return f.read().rstrip(b"\n").decode("utf-8", "backslashreplace")
    except OSError:
        return ""


def is_helper(pid):
    """True for the helpers that multiprocessing (or loky) keeps for the whole process."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            line = f.read()
    except OSError:
        return False
    return any(word in line for word in HELPERS)


def has_children():
    """Whether this process has any child, dead or alive. Reaps nothing; about 2 us."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def children():
    """The pids of this process's children, zombies among them."""
    tasks = "/proc/self/task"
    found = set()
    try:
        for task in os.listdir(tasks):
            try:
                with open(f"{tasks}/{task}/children", "rb") as f:
                    found.update(int(pid) for pid in f.read().split())
            except ProcessLookupError:
                continue
    except FileNotFoundError:
        return _children_by_parent(os.getpid())
    return found


def _children_by_parent(parent):
    """The same from the ppid of every process, for kernels without the children files."""
    found = set()
    try:
        entries = os.listdir("/proc")
    except OSError:
        return found
    for entry in entries:
        if entry.isdigit():
            try:
                if int(_stat_fields(int(entry))[1]) == parent:
                    found.add(int(entry))
            except (OSError, IndexError):
                continue
    return found


def threads():
    """The ids of this process's threads, as the kernel has them."""
    try:
        return {int(name) for name in os.listdir("/proc/self/task")}
    except OSError:
        return set()


def native_threads(python_ids):
    """The names of this process's threads that Python does not know."""
    names = []
    try:
        tasks = os.listdir("/proc/self/task")
    except OSError:
        return names
    for task in tasks:
        if int(task) not in python_ids:
            try:
                with open(f"/proc/self/task/{task}/comm", "rb") as f:
                    names.append(f.read().rstrip(b"\n").decode("utf-8", "backslashreplace"))
            except OSError:
                continue
    return names


def kill(pid, number):
    """Sends a signal; a process that is gone is no error."""
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def kill_children(spare=(), patience=1.0):
    """Kills and reaps this process's children, and what becomes its child by that.

    spare: pids to leave alone, beside those of exempt(). Helpers of multiprocessing get the
    patience to end by themselves first: they clean up what their process has left in shared
    memory.
    """
    spare = set(spare)
    start = realtime.monotonic()
    while has_children():
        doomed = children() - spare - exempt()
        if not doomed:
            return
        waited = realtime.monotonic() - start
        for pid in doomed:
            if waited > patience or not is_helper(pid):
                kill(pid, signal.SIGKILL)
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                pass
        if waited > 2 * patience:
            return
        time.sleep(0.001 if waited < 0.05 else 0.01)


def raise_fd(fd):
    """Moves a descriptor out of the way of tests that close the low ones."""
    try:
        high = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, HIGH_FD)
    except OSError:
        os.set_inheritable(fd, False)
        return fd
    os.close(fd)
    return high


@contextlib.contextmanager
def high_descriptors():
    """What is opened inside gets descriptors that no test closes by chance."""
    fillers = []
    try:
        fd = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        fillers.append(fd)
        while fillers[-1] < HIGH_FD - 1:
            fillers.append(os.dup(fd))
    except OSError:
        pass  # few are allowed here
    try:
        yield
    finally:
        for fd in fillers:
            os.close(fd)


def identity(fd):
    """What tells an open file from another one that has got its descriptor; None: closed."""
    try:
        found = os.fstat(fd)
    except OSError:
        return None
    return found.st_dev, found.st_ino


class PeakMemory:
    """Peak resident memory from one reset to the next.

    /proc/self/clear_refs resets the mark that getrusage reports. Where it cannot be written
    the peak is that of the process's whole life.
    """

    def __init__(self):
        self.fd = -1
        try:
            self.fd = raise_fd(os.open("/proc/self/clear_refs", os.O_WRONLY | os.O_CLOEXEC))
            self.identity = identity(self.fd)
        except OSError:
            pass

    def reset(self):
        if self.fd >= 0:
            try:
                if identity(self.fd) == self.identity:
                    os.write(self.fd, b"5")
            except OSError:
                self.fd = -1
