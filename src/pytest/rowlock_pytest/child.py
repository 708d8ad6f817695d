"""A worker as the zygote sees it."""

import collections
import os
import signal

from rowlock_pytest import channel, flood, procfs


class Child:
    STARTING = "starting"  # a fresh interpreter that has not collected yet
    IDLE = "idle"
    BUSY = "busy"
    DOWN = "down"  # all torn down, waits for the others
    ENDING_ONCE = "ending-once"  # ends what run_once has set up
    LEAVING = "leaving"
    DYING = "dying"  # interrupted or dead

    def __init__(self, slot, name, pid, ctl, page):
        self.slot = slot
        self.name = name
        self.pid = pid
        self.ctl = ctl
        self.page = page
        self.pidfd = procfs.pidfd_open(pid)
        self.inbox = channel.Inbox()
        self.state = self.IDLE
        self.conn = None  # the client of the group that it runs
        self.waiting = collections.deque()  # clients that want this slot
        self.held = None  # what Replayer.test kept back
        self.output_fds = []
        self.flood = flood.Watch()
        self.timed_out = 0  # the seconds that its teardown was given, once they are over
        self.goodbye = None
        self.node = None
        self.status = None
        self.ids = None  # of its tests, where it has told them before it was watched
        self.early = ()  # what else it has said by then
        self.numbers = None  # the zygote's numbers of its tests, where they differ

    def number(self, own):
        """The zygote's number of a test that this worker knows by a number of its own."""
        return own if self.numbers is None else self.numbers[own]

    def command(self, byte):
        try:
            self.ctl.send(byte)
        except OSError:
            pass

    def interrupt(self):
        """SIGINT, so that fixtures tear down; it gets no more work."""
        self.state = self.DYING
        self.page.interrupt()
        procfs.kill(self.pid, signal.SIGINT)

    def has_ended(self):
        """Reaps it if it is dead."""
        if self.status is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                # Something else in this process has reaped it.
                pid, status = self.pid, 0
            if pid == 0:
                return False
            self.status = status
        return True

    def describe_end(self):
        if os.WIFSIGNALED(self.status):
            number = os.WTERMSIG(self.status)
            try:
                return f"signal {number}, {signal.Signals(number).name}"
            except ValueError:
                return f"signal {number}"
        return f"exit status {os.WEXITSTATUS(self.status)}"

    def save_output(self, paths):
        """What its last test had printed goes to the two files."""
        for fd, path in zip(self.output_fds, paths):
            try:
                data = flood.read_cut(fd)
                with open(path, "wb") as f:
                    f.write(data)
            except OSError:
                pass

    def close(self):
        self.ctl.close()
        self.page.close()
        for fd in self.output_fds + self.inbox.fds:
            os.close(fd)
        self.output_fds = []
        self.inbox.fds = []
        if self.pidfd >= 0:
            os.close(self.pidfd)
            self.pidfd = -1
        for conn in self.waiting:
            conn.close()
        if self.conn is not None:
            self.conn.close()
