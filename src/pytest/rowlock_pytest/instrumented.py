"""Objects of gcc --coverage in a process of Python: C extensions, and libraries of ctypes.

They write their counters when the process ends as C has it, which workers, that leave without
delay, do not do. What was counted before a fork is in each fork, and comes out as if each had
imported for itself, as the workers of pytest-xdist do.
"""

import ctypes
import mmap
import os
import sys

from rowlock_pytest.identity import PACKAGES

SYSTEM = ("/usr/lib/", "/usr/lib64/", "/lib/", "/lib64/")
_EXECUTABLE = os.path.realpath(sys.executable)
_LIBRARY = os.path.join(os.path.dirname(os.path.realpath(os.__file__)), "")


def _mapped():
    """The paths of the code in this process."""
    found = set()
    try:
        with open("/proc/self/maps", "rb") as maps:
            for line in maps:
                fields = line.rstrip(b"\n").split(None, 5)
                if len(fields) == 6 and b"x" in fields[1] and fields[5].startswith(b"/"):
                    found.add(os.fsdecode(fields[5]))
    except OSError:
        pass
    return found


def _is_looked_at(path, everywhere):
    """Python itself takes longer to search than all else that a worker does at its end. Installed
    packages are many and large; only who measures has them looked at."""
    if path == _EXECUTABLE or os.path.basename(path).startswith("libpython"):
        return False
    if not PACKAGES.isdisjoint(path.split(os.sep)):
        return everywhere
    return not path.startswith((*SYSTEM, _LIBRARY))


def _has_counters(path):
    """Whether the names of its data files are in there."""
    try:
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return data.find(b".gcda\0") >= 0
    except (OSError, ValueError):
        return False


def prepare(settings):
    """Sees to it that counters, if there are any, go where the driver looks for them. Returns
    whether there are any."""
    measured = bool(settings.coverage and settings.coverage["asked"])
    paths = sorted(path for path in _mapped() if _is_looked_at(path, measured))
    if not any(map(_has_counters, paths)):
        return False
    if measured:
        folder = os.path.join(settings.rundir, "coverage")
        os.environ["GCOV_PREFIX"] = os.path.join(folder, f"worker-{os.getpid()}")
        os.environ["GCOV_ERROR_FILE"] = os.path.join(folder, "messages")
        os.environ.pop("GCOV_PREFIX_STRIP", None)
    return True


def leave(settings, status):
    """Ends this process at once, but for the counters."""
    if prepare(settings):
        ctypes.CDLL(None).exit(status)
    os._exit(status)
