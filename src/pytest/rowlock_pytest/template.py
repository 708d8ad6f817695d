"""A process that has collected a share of the files, and stays as it is then: workers are
forked from it, for whichever slot the zygote says.

So no test has run in any process that collects, and a worker finds what it would find in a fork
of the zygote. The new process is a child of the zygote's, as all workers are: the process in
between ends at once, and the zygote takes the orphan in.
"""

import contextlib
import json
import os
import select
import signal
import struct
import time
import warnings

from rowlock_pytest import channel, covering, isolate, nodes, procfs, records, sockets, spawn
from rowlock_pytest.child import Child

FORK, END = b"F", b"E"  # from the zygote, with JSON, and two descriptors or none
FORKED = b"P"  # to the zygote: the pid of the new worker
ANSWER_SECONDS = 60
_PID = struct.Struct("<q")


class Template:
    """What the zygote has of it. child: the Child that has collected."""

    def __init__(self, settings, child):
        self.settings = settings
        self.pid = child.pid
        self.child = child
        self.link = child.ctl
        self.waiting = None  # the Child whose pid is not known yet

    def send(self, kind, data=b"", fds=()):
        frame = records.frame(kind, data)
        head = records.HEAD.size
        try:
            if fds:
                channel.send_with_fds(self.link, frame[:head], fds)
                frame = frame[head:]
            self.link.sendall(frame)
        except OSError as error:
            raise channel.Gone(str(error)) from None

    def order(self, slot, node):
        """Asks for a worker; finish() returns it. Raises Gone where the process is not there."""
        ours, theirs = sockets.pair()
        page_fd = spawn.shared_memory(self.settings.temp, channel.SharedPage.SIZE)
        orders = {
            "slot": slot,
            "workerinput": nodes.pack(node.workerinput),
            "restarted": node.restarted,
            "parent": os.getpid(),
        }
        try:
            data = json.dumps(orders).encode("ascii")
            self.send(FORK, data, [theirs.fileno(), page_fd])
            self.waiting = (slot, node, ours, channel.SharedPage(page_fd))
        except channel.Gone:
            ours.close()
            raise
        finally:
            os.close(page_fd)
            theirs.close()

    def finish(self):
        """The Child that was asked for. Raises Gone."""
        (slot, node, ours, page), self.waiting = self.waiting, None
        try:
            pid = self.read_pid()
        except channel.Gone:
            ours.close()
            page.close()
            raise
        child = Child(slot, self.settings.worker_name(slot), pid, ours, page)
        child.node = node
        return child

    def read_pid(self):
        data = b""
        size = records.HEAD.size + _PID.size
        deadline = time.monotonic() + ANSWER_SECONDS
        poll = select.poll()
        poll.register(self.link.fileno(), select.POLLIN)
        while len(data) < size:
            left = deadline - time.monotonic()
            if left <= 0 or not poll.poll(left * 1000):
                raise channel.Gone("no answer")
            try:
                part = self.link.recv(size - len(data))
            except OSError as error:
                raise channel.Gone(str(error)) from None
            if not part:
                raise channel.Gone("closed")
            data += part
        return _PID.unpack(data[records.HEAD.size :])[0]

    def end(self, config):
        """It is not needed any more. What coverage.py has counted in it is written first."""
        try:
            if covering.measures(config):
                self.send(END)
                return
        except channel.Gone:
            pass
        procfs.kill(self.pid, signal.SIGKILL)

    def reap(self, grace):
        deadline = time.monotonic() + grace
        while not self.child.has_ended():
            if time.monotonic() > deadline:
                procfs.kill(self.pid, signal.SIGKILL)
            time.sleep(0.002)
        self.child.close()


class Orders:
    """What a new worker was told."""

    def __init__(self, data, fds):
        orders = json.loads(data)
        self.ctl_fd, page_fd = fds
        self.page = channel.SharedPage(page_fd)
        os.close(page_fd)
        self.node = nodes.Plain(
            slot=orders["slot"],
            workerinput=nodes.unpack(orders["workerinput"]),
            restarted=orders["restarted"],
        )
        self.parent = orders["parent"]


def serve(link, config):
    """Forks what the zygote asks for. Returns only in a new worker: its Orders."""
    procfs.become_subreaper(False)  # the zygote is the one to take the workers in
    while True:
        head, fds = channel.receive(link.sock, records.HEAD.size)
        if len(head) < records.HEAD.size:
            os._exit(0)  # the zygote is gone
        size, kind = records.HEAD.unpack(head)
        data = link.read_exactly(size)
        if bytes([kind]) != FORK or len(fds) != 2:
            covering.WorkerCoverage(config).save()
            os._exit(0)
        pid = fork_orphan()
        if pid == 0:
            link.sock.close()
            orders = Orders(data, fds)
            procfs.die_with_parent(orders.parent)
            os.setpgid(0, 0)
            procfs.become_subreaper()
            return orders
        for fd in fds:
            os.close(fd)
        link.send(records.frame(FORKED, _PID.pack(pid)))


def fork_orphan():
    """The pid of a new process whose parent is not this one; 0 in that process."""
    readable, writable = os.pipe()
    isolate.flush_streams()
    procfs.flush_c_streams()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python 3.12 warns where there are threads
        middle = os.fork()
        if middle == 0:
            fork_and_leave(writable)
            os.close(readable)
            os.close(writable)
            return 0
    os.close(writable)
    data = os.read(readable, _PID.size)
    os.close(readable)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(middle, 0)
    if len(data) < _PID.size:
        raise OSError("the process in between could not fork")
    return _PID.unpack(data)[0]


def fork_and_leave(writable):
    """Returns in the new process, and only once its parent is gone."""
    middle = os.getpid()
    try:
        pid = os.fork()
    except OSError:
        os._exit(1)
    if pid:
        os.write(writable, _PID.pack(pid))
        os._exit(0)
    while os.getppid() == middle:
        time.sleep(0.0002)
