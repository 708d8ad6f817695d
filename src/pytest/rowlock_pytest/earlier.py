"""What a project's next run is to know of this one.

A collection that several processes have begun and one has to do over costs more than one by a
single process. Where the reason is something that the zygote sees by itself at the end, it leaves
it in RUNDIR/one-process. The next run finds that behind the driver's link `last`, has one process
collect from the start, and looks whether it is still so.
"""

import contextlib
import os

from rowlock_pytest import collect

NAME = "one-process"
LIMIT = 1000


def read(rundir):
    """The reason that the run before has left, or None."""
    path = os.path.join(os.path.dirname(os.path.dirname(rundir)), "last", NAME)
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return collect.clean(f.read(LIMIT)) or None
    except OSError:
        return None


def write(rundir, reason):
    with contextlib.suppress(OSError):
        path = os.path.join(rundir, NAME)
        with open(path + ".new", "w", encoding="utf-8", errors="backslashreplace") as f:
            f.write(reason[:LIMIT])
        os.replace(path + ".new", path)
