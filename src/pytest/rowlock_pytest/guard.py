"""The guard: the process that the driver started. It forks the zygote and watches.

The zygote may hang in an import or be killed at any time, so that what it promises (nothing
stays behind, and everything ends with the watched process) is kept by its parent. The guard
never imports pytest or a project's code.
"""

import os
import select
import signal
import time

from rowlock_pytest import procfs

FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def supervise(watch_pid, grace):
    """Forks. The child returns and goes on as the zygote; the parent never returns."""
    procfs.become_subreaper()
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        procfs.die_with_parent(parent)
        return
    _close_inherited()
    status = _Guard(child, watch_pid, grace).watch()
    procfs.kill_children()
    if os.WIFSIGNALED(status):
        os._exit(128 + os.WTERMSIG(status))
    os._exit(os.WEXITSTATUS(status))


def _close_inherited():
    """Keeps 0, 1 and 2 only: above all not the descriptor that says whether we are ready."""
    try:
        fds = [int(fd) for fd in os.listdir("/dev/fd")]
    except OSError:
        fds = range(3, 256)
    for fd in fds:
        if fd > 2:
            try:
                os.close(fd)
            except OSError:
                pass


class _Guard:
    def __init__(self, child, watch_pid, grace):
        self.child = child
        self.watch_pid = watch_pid
        self.grace = grace
        self.kill_at = None
        for number in FORWARDED:
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self.forward)
        self.poll = select.poll()
        self.child_fd = procfs.pidfd_open(child)
        self.watch_fd = procfs.pidfd_open(watch_pid)
        for fd in (self.child_fd, self.watch_fd):
            if fd >= 0:
                self.poll.register(fd, select.POLLIN)

    def forward(self, number, frame):
        """A signal for us is one for the zygote, which ends its workers first."""
        procfs.kill(self.child, number)
        if self.kill_at is None and number != signal.SIGINT:
            self.kill_at = time.monotonic() + self.grace + 2

    def watched_is_gone(self, ready):
        if self.watch_fd >= 0:
            return self.watch_fd in ready
        return not procfs.alive(self.watch_pid)

    def watch(self):
        """Returns the zygote's wait status."""
        wait = 1000 if self.child_fd >= 0 and self.watch_fd >= 0 else 50
        while True:
            ready = [fd for fd, _ in self.poll.poll(wait)]
            pid, status = os.waitpid(self.child, os.WNOHANG)
            if pid:
                return status
            if self.kill_at is None and self.watched_is_gone(ready):
                self.forward(signal.SIGTERM, None)
                if self.watch_fd >= 0:
                    self.poll.unregister(self.watch_fd)
            if self.kill_at is not None and time.monotonic() >= self.kill_at:
                procfs.kill(self.child, signal.SIGKILL)
