"""Reads a run's journal; src/run/journal.h specifies it."""

import collections
import struct

Record = collections.namedtuple("Record", "test kind outcome slot start end")

_HEAD = struct.Struct("<4sIIBBHIiqQQQQI")
_OUTCOMES = ["", "passed", "failed", "skipped", "xfailed", "xpassed", "error", "crashed", "timeout"]
RESULT = 1


def records(path):
    """All records of the journal, times in nanoseconds."""
    data = path.read_bytes()
    found, at = [], 0
    while at < len(data):
        magic, size, test, kind, outcome, slot, _, _, start, wall, *_ = _HEAD.unpack_from(data, at)
        assert magic == b"RLJ1" and size >= _HEAD.size + 4
        name = _OUTCOMES[outcome] if outcome < len(_OUTCOMES) else str(outcome)
        found.append(Record(test, kind, name, slot, start, start + wall))
        at += size
    assert at == len(data)
    return found
