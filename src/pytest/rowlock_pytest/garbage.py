"""What exists before the first fork is kept out of garbage collection, so that the workers go
on sharing its memory: a full collection would write to every page of it.

Tests can tell: gc.get_objects and gc.get_referrers leave out what is frozen, and gc.collect
does not free it. So the first call of one of these puts everything back. We ourselves call the
originals: what was frozen once stays so when a process that was forked freezes what it has added.
"""

import gc
import itertools
import sys
import weakref

NAMES = ("collect", "get_objects", "get_referrers")
MANY = 50000
originals = {name: getattr(gc, name) for name in NAMES}
known = weakref.WeakSet()  # what find() has found, as it may be frozen by now
thresholds = []  # what relax() has found, and what it has set


def relax():
    """Looks for garbage rarely while much is imported and collected that stays: each look goes
    over all of it."""
    before = gc.get_threshold()
    if 0 < before[0] < MANY:
        gc.set_threshold(MANY, *before[1:])
        thresholds[:] = [before, gc.get_threshold()]


def be_strict():
    """As it was before relax(), unless the project has decided it."""
    if thresholds and gc.get_threshold() == thresholds[1]:
        gc.set_threshold(*thresholds[0])


def freeze(collects=True):
    """Call it before a fork whose child is to live long; collects: whether there may be garbage
    that matters, because it takes up memory or has finalizers."""
    if collects:
        originals["collect"]()
    gc.freeze()
    if gc.collect is originals["collect"]:
        gc.collect, gc.get_objects, gc.get_referrers = collect, get_objects, get_referrers


def find(kinds):
    """All objects of these types, which are always the same ones. Call it before each freeze."""
    things = originals["get_objects"]()
    known.update(itertools.compress(things, map(frozenset(kinds).__contains__, map(type, things))))
    return list(known)


def thaw():
    """Everything as if nothing had been frozen; what a test has put there itself stays."""
    for name, ours in zip(NAMES, (collect, get_objects, get_referrers)):
        if getattr(gc, name) is ours:
            setattr(gc, name, originals[name])
    gc.unfreeze()


def collect(generation=2):
    """pytest itself collects when a session ends, and need not look at what is shared."""
    caller = sys._getframe(1).f_globals.get("__name__") or ""
    if generation == 2 and not caller.startswith("_pytest."):
        thaw()
    return originals["collect"](generation)


def get_objects(*args, **kwargs):
    thaw()
    return originals["get_objects"](*args, **kwargs)


def get_referrers(*objs):
    thaw()
    return [found for found in originals["get_referrers"](*objs) if found is not objs]
