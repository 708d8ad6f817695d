"""The time as it is. A project may freeze time.time, time.monotonic and what else has taken
them from there, for a test or for good; our timers and measurements go on."""

import time


class _Real:
    """What stands in a class is not replaced where freezegun replaces what modules hold."""

    get = staticmethod(time.clock_gettime_ns)


def monotonic_ns():
    return _Real.get(time.CLOCK_MONOTONIC)


def monotonic():
    return _Real.get(time.CLOCK_MONOTONIC) / 1e9


def cpu():
    """The seconds that this process has used."""
    return _Real.get(time.CLOCK_PROCESS_CPUTIME_ID) / 1e9


def time_ns():
    return _Real.get(time.CLOCK_REALTIME)
