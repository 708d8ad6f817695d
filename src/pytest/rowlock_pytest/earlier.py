"""What a project's next run is to know of this one. It finds that behind the driver's link `last`.

A collection that several processes have begun and one has to do over costs more than one by a
single process. Where the reason is something that the zygote sees by itself at the end, it leaves
it in RUNDIR/one-process. The next run has one process collect from the start, and looks whether it
is still so.

RUNDIR/test-ids has, as JSON, a digest of the ids in each file where they may be others when it is
collected again (templates.py). Where two runs have the same ones, they are not made up anew.
"""

import contextlib
import json
import os

from rowlock_pytest import collect

NAME = "one-process"
DIGESTS = "test-ids"
LIMIT = 1000
MOST = 16 << 20


def _read(rundir, name, limit):
    path = os.path.join(os.path.dirname(os.path.dirname(rundir)), "last", name)
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read(limit)
    except OSError:
        return ""


def _write(rundir, name, text):
    with contextlib.suppress(OSError):
        path = os.path.join(rundir, name)
        with open(path + ".new", "w", encoding="utf-8", errors="backslashreplace") as f:
            f.write(text)
        os.replace(path + ".new", path)


def read(rundir):
    """The reason that the run before has left, or None."""
    return collect.clean(_read(rundir, NAME, LIMIT)) or None


def write(rundir, reason):
    _write(rundir, NAME, reason[:LIMIT])


def read_digests(rundir):
    """{file: digest of its ids} of the run before."""
    try:
        found = json.loads(_read(rundir, DIGESTS, MOST))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def write_digests(rundir, digests):
    if digests:
        _write(rundir, DIGESTS, json.dumps(digests))
