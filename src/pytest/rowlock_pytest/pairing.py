"""Tests whose ids differ in a second collection: parameters that are drawn, read from a folder that
changes, or taken in the order of a set.

Nobody can tell then which test was meant. In pytest-xdist all workers collect, and such a suite
runs no test at all; here the run has one list, and each test of it is run as the one that stands
in its place.
"""

import collections
import json
import os
import warnings

import pytest

NAMED = 3  # in a warning


def planned_ids(rundir, first=0, count=None):
    """The ids that the run's tests have, from that number on; [] where they are not to be had."""
    try:
        with open(os.path.join(rundir, "pytest.json"), encoding="utf-8") as f:
            tests = json.load(f)["tests"]
        return [test["id"] for test in tests[first:][:count]]
    except (OSError, ValueError, RecursionError, LookupError, TypeError):
        return []


def _function_of(name):
    file, _, rest = name.partition("::")
    return file, rest.split("[", 1)[0]


def _file_of(name):
    return name.split("::", 1)[0]


def _sort(names, key):
    groups = collections.defaultdict(list)
    for name in names:
        groups[key(name)].append(name)
    return groups


def pair(planned, found):
    """{planned id: place in found}: that of the same id, else the next one of the same function
    that is left, else the next one of the file, if it has as many left as there are to be."""
    places = {name: place for place, name in enumerate(found)}
    pairs = {name: places.pop(name) for name in planned if name in places}
    for key in (_function_of, _file_of):
        left = _sort(places, key)
        missing = _sort((name for name in planned if name not in pairs), key)
        for group, names in missing.items():
            others = left.get(group, [])
            if key is _function_of or len(others) == len(names):
                pairs.update((name, places.pop(other)) for name, other in zip(names, others))
    return pairs


def warn(worker, planned, found, pairs):
    """Tells the run which tests are others than it knows."""
    changed = [name for name in planned if name in pairs and found[pairs[name]] != name]
    if not changed:
        return
    named = [f"{name} runs as {found[pairs[name]]}" for name in changed[:NAMED]]
    more = [f"and {len(changed) - NAMED} more"] if len(changed) > NAMED else []
    text = "tests have other ids when they are collected again: " + ", ".join(named + more)
    kind, file = pytest.PytestCollectionWarning, _file_of(changed[0])
    message = warnings.WarningMessage(kind(text), kind, file, 1)
    worker.warning_recorded(message, "collect", file, None)
