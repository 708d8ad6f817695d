"""Processes that a test leaves running.

A server that a session or module fixture has started is meant to outlive the test, and so
are multiprocessing's helpers. Anything else is reported with the test that it shows up
after, once; it ends with the worker.
"""

import signal
import time

from rowlock_pytest import procfs

SETTLE_SECONDS = (0.002, 0.008, 0.02)


class Leftovers:
    def __init__(self):
        self.known = set()
        self.told = set()  # what was reported

    def before_fixture(self):
        """Call it before a fixture wider than function scope is set up."""
        return procfs.children() if procfs.has_children() else set()

    def after_fixture(self, before):
        """Exempts what that fixture has started; before: from before_fixture."""
        if procfs.has_children():
            self.known |= procfs.children() - before

    def _running(self, pids):
        return {pid for pid in pids if procfs.state(pid) not in ("Z", "X", "")}

    def after_test(self):
        """["pid name", ...] of what was not there before. Costs next to nothing while there
        are no child processes at all."""
        if not procfs.has_children():
            return []
        children = procfs.children()
        self.known &= children
        found = self._running(children - self.known)
        for seconds in SETTLE_SECONDS:
            if not found:
                return []
            # It may be about to end: a test that has killed its child need not wait for it.
            time.sleep(seconds)
            found = self._running(found)
        found -= procfs.exempt()
        self.known |= found
        found = {pid for pid in found if not procfs.is_helper(pid)}
        self.told |= found
        return [f"{pid} {procfs.name(pid)}" for pid in sorted(found)]

    def end(self):
        """Kills what was reported: an exit handler would wait for it."""
        for pid in self.told & procfs.children():
            procfs.kill(pid, signal.SIGKILL)
