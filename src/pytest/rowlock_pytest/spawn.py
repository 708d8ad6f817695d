"""Workers with an interpreter of their own: how the zygote starts one, and what such a
process does before it imports pytest.

The new process inherits one socket. Its orders come over it, with descriptors of the memory
that it shares with the zygote; from then on it is the socket that every worker has.
"""

import json
import mmap
import os
import signal
import socket
import sys
import tempfile

from rowlock_pytest import channel, procfs, records
from rowlock_pytest.child import Child
from rowlock_pytest.settings import Settings

ENTRY = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "zygote.py")
OUTPUT_LIMIT = 1 << 18
ORDERS = b"O"


def shared_memory(folder, size):
    """A descriptor of zeroed memory that other processes can map, too."""
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create("rowlock", os.MFD_CLOEXEC)
    else:
        fd, path = tempfile.mkstemp(dir=folder)
        os.unlink(path)
    os.ftruncate(fd, size)
    return fd


def output_path(settings, slot):
    """What a worker prints before it has collected."""
    return settings.trace_path(slot, "start")


class Spawner:
    """environ: the workers' environment; folder: where pytest was started; base: the
    controller's folder for tmp_path, or None."""

    def __init__(self, settings, arguments, environ, folder, base):
        self.settings = settings
        self.arguments = arguments
        self.environ = environ
        self.folder = folder
        self.base = base
        self.prepare = None  # of a slot: the node of a worker that is about to start
        self.stop_fd = shared_memory(settings.temp, mmap.PAGESIZE)
        self.stop_flag = mmap.mmap(self.stop_fd, mmap.PAGESIZE)

    def start(self, slot, collector=False):
        """Starts the worker of a slot. collector: it collects for the zygote."""
        from rowlock_pytest import nodes  # which needs pytest: not so early in a worker

        node = self.prepare(slot)
        ours, theirs = socket.socketpair()
        page_fd = shared_memory(self.settings.temp, channel.SharedPage.SIZE)
        try:
            pid = self.execute(slot, theirs)
            orders = {
                "settings": self.settings.plain(),
                "slot": slot,
                "collector": collector,
                "arguments": self.arguments,
                "folder": self.folder,
                "base": None if self.base is None else str(self.base),
                "parent": os.getpid(),
                "workerinput": nodes.pack(node.workerinput),
                "restarted": node.restarted,
            }
            data = json.dumps(orders).encode("ascii")
            try:
                head = records.HEAD.pack(len(data), ORDERS[0])
                channel.send_with_fds(ours, head, [page_fd, self.stop_fd])
                ours.sendall(data)
            except (channel.Gone, OSError):
                pass  # it has died; that is noticed as for any worker
            page = channel.SharedPage(page_fd)
        finally:
            os.close(page_fd)
            theirs.close()
        child = Child(slot, self.settings.worker_name(slot), pid, ours, page)
        child.node = node
        child.state = Child.STARTING
        return child

    def execute(self, slot, sock):
        path = output_path(self.settings, slot)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, path, flags, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
        fd = procfs.raise_fd(sock.detach())
        os.set_inheritable(fd, True)
        try:
            return os.posix_spawn(
                sys.executable,
                [sys.executable, ENTRY, "--rowlock-spawned", str(fd)],
                self.environ,
                file_actions=actions,
                setpgroup=0,
                setsigmask=(),
                setsigdef=(signal.SIGINT,),
            )
        finally:
            os.close(fd)

    def printed(self, slot):
        """What a worker that did not come up has printed."""
        try:
            with open(output_path(self.settings, slot), "rb") as f:
                data = f.read()
        except OSError:
            return ""
        data = records.cut_middle(data, OUTPUT_LIMIT)
        return data.decode("utf-8", "backslashreplace").strip()


class Orders:
    """What a spawned process was told."""

    def __init__(self, fd):
        link = channel.Channel(fd)
        head, fds = channel.receive(link.sock, records.HEAD.size)
        if len(head) < records.HEAD.size or len(fds) != 2:
            raise channel.Gone("no orders")
        size, _ = records.HEAD.unpack(head)
        data = json.loads(link.read_exactly(size))
        self.settings = Settings.from_plain(data["settings"])
        self.slot = data["slot"]
        self.collector = data["collector"]
        self.arguments = data["arguments"]
        self.folder = data["folder"]
        self.base = data["base"]
        self.parent = data["parent"]
        self.packed_input = data["workerinput"]
        self.restarted = data["restarted"]
        self.ctl_fd = link.sock.detach()
        self.page = channel.SharedPage(fds[0])
        self.stop_flag = mmap.mmap(fds[1], mmap.PAGESIZE)
        for number in fds:
            os.close(number)


def take_orders(fd):
    """Makes this process a worker that dies with the zygote; the Orders, or None."""
    try:
        orders = Orders(fd)
    except (channel.Gone, OSError, ValueError):
        return None
    procfs.die_with_parent(orders.parent)
    procfs.become_subreaper()
    os.chdir(orders.folder)
    return orders
