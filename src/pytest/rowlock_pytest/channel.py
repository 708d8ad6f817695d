"""The two kinds of sockets of a worker: one to the zygote for as long as it lives, one to
the client of the group that it runs."""

import array
import mmap
import os
import select
import struct

from rowlock_pytest import procfs, realtime, records, sockets

_poll = select.poll  # a project may have put something else in its place

# From the zygote to a worker: one byte each.
GROUP, TEAR_DOWN, END_ONCE, LEAVE = b"R", b"F", b"O", b"B"
AGAIN = b"A"  # GROUP, with a frame behind it: the request that another worker has handed back

# From the zygote to a worker that has collected: a frame.
LAYOUT = b"Y"  # JSON: which tests there are in which file

# From a worker to the zygote: frames.
TEST = b"T"  # JSON: the reports of a test
HELD = b"H"  # JSON: the report that replaces the one kept back, or null
WARNING = b"W"  # JSON
DONE = b"D"  # the group is done
HALT = b"K"  # JSON: a test or a plugin wants the session to stop
AMENDED = b"J"  # the payload of a record, for the client of 'F'
DOWN = b"L"  # all fixtures are torn down
OUTPUT = b"C"  # comes with the descriptors of the files that capture output
CRASH = b"X"  # JSON: a test's own process has died (--forked)
GOODBYE = b"Y"  # JSON: what the worker leaves behind
COLLECTED = b"I"  # JSON: what a worker with an interpreter of its own has collected
UNSHARED = b"U"  # JSON: why a worker cannot go on collecting
HANDED_BACK = b"G"  # which collector's fork is to run the group, an u32, and the request
MISSING = b"N"  # JSON: the id of a test that it was to run and has not collected

_FDS = 4


class SharedPage:
    """Memory of a worker that the zygote can read when it has died: what it was doing, and
    what it had not sent yet."""

    # phase, index in the plan, number of the item, whether these two mean anything
    ACTIVITY = struct.Struct("<IIII")
    LEFT = struct.Struct("<I")
    # the position of the unsent bytes in all that the worker ever sent, and how many
    UNSENT = struct.Struct("<QQ")
    INTERRUPTED_AT = 32
    LEFT_AT = 36  # how often the test may run again
    UNSENT_AT = 64
    DOING_AT = 80
    DATA_AT = 128
    CAPACITY = (1 << 16) - DATA_AT

    # step of the test, name of the fixture that is being set up
    DOING = struct.Struct("<B40p")

    IDLE, TESTING, TEARING_DOWN = range(3)
    SETUP, CALL, TEARDOWN = range(3)

    SIZE = DATA_AT + CAPACITY

    def __init__(self, fd=-1):
        """fd: of memory that another process has, too; without, forks share it."""
        self.memory = mmap.mmap(fd, self.SIZE)

    def begin_test(self, index, number, left=0):
        self.LEFT.pack_into(self.memory, self.LEFT_AT, left)
        self.ACTIVITY.pack_into(self.memory, 0, self.TESTING, index, number, 1)
        self.begin_step(self.SETUP)

    def reruns_left(self):
        return self.LEFT.unpack_from(self.memory, self.LEFT_AT)[0]

    def _change(self, phase):
        _, index, number, known = self.activity()
        self.ACTIVITY.pack_into(self.memory, 0, phase, index, number, known)

    def begin_teardown(self):
        """Of what the last test has left set up."""
        self._change(self.TEARING_DOWN)

    def be_idle(self):
        """The last test is still known."""
        self._change(self.IDLE)

    def begin_step(self, step):
        self.DOING.pack_into(self.memory, self.DOING_AT, step, b"")

    def begin_fixture(self, name):
        """Returns what end_fixture takes."""
        before = self.DOING.unpack_from(self.memory, self.DOING_AT)
        self.DOING.pack_into(self.memory, self.DOING_AT, before[0], records.encode(name))
        return before

    def end_fixture(self, before):
        self.DOING.pack_into(self.memory, self.DOING_AT, *before)

    def describe(self):
        """What a worker, or the child that ran its test, was at; "" where it was the test."""
        phase = self.activity()[0]
        if phase == self.TEARING_DOWN:
            return "while fixtures were torn down behind it"
        if phase == self.IDLE:
            return ""
        step, name = self.DOING.unpack_from(self.memory, self.DOING_AT)
        if name:
            name = records.first_line(name.decode("utf-8", "replace"))
            return f"while the fixture {name!r} was set up"
        return ("in its set-up", "", "in its teardown")[step]

    def activity(self):
        return self.ACTIVITY.unpack_from(self.memory, 0)

    def interrupt(self):
        """The zygote's word that it has sent a SIGINT: the worker is to end."""
        self.memory[self.INTERRUPTED_AT] = 1

    def interrupted(self):
        return self.memory[self.INTERRUPTED_AT] != 0

    def keep(self, position, size, data):
        """Puts data behind the size unsent bytes that are there."""
        start = self.DATA_AT + size
        self.memory[start : start + len(data)] = data
        self.UNSENT.pack_into(self.memory, self.UNSENT_AT, position, size + len(data))

    def sent(self, position):
        self.UNSENT.pack_into(self.memory, self.UNSENT_AT, position, 0)

    def unsent(self, received):
        """The bytes behind the first received ones."""
        position, size = self.UNSENT.unpack_from(self.memory, self.UNSENT_AT)
        data = self.memory[self.DATA_AT : self.DATA_AT + size]
        skip = received - position
        return data[skip:] if 0 <= skip <= size else b""

    def close(self):
        self.memory.close()


class Gone(Exception):
    """The other side is not there any more."""


def send_with_fds(sock, data, fds):
    rights = array.array("i", fds)
    try:
        sock.sendmsg([data], [(sockets.SOL_SOCKET, sockets.SCM_RIGHTS, rights)])
    except OSError as error:
        raise Gone(str(error)) from None


def send_all(sock, data):
    try:
        sock.sendall(data)
    except OSError as error:
        raise Gone(str(error)) from None


def receive(sock, size, flags=0):
    """(bytes, descriptors); no bytes where the other side has closed."""
    rights = array.array("i")
    try:
        data, ancillary, _, _ = sock.recvmsg(
            size, sockets.CMSG_SPACE(_FDS * rights.itemsize), flags
        )
    except ConnectionResetError:
        return b"", []  # it has closed without having read all of what we said
    for level, kind, content in ancillary:
        if level == sockets.SOL_SOCKET and kind == sockets.SCM_RIGHTS:
            rights.frombytes(content[: len(content) - len(content) % rights.itemsize])
    for fd in rights:
        os.set_inheritable(fd, False)
    return data, list(rights)


def wait_readable(sock):
    """Sleeps until there is something to read, or the other end is closed."""
    poll = _poll()
    poll.register(sock.fileno(), select.POLLIN)
    poll.poll()


class Channel:
    """A blocking socket of a worker, known by its inode: where a test has closed our
    descriptor and opened something else in its place, nothing of ours gets written there."""

    def __init__(self, fd):
        self.sock = sockets.from_fd(procfs.raise_fd(fd))
        self.identity = procfs.identity(self.sock.fileno())

    def send(self, data):
        if procfs.identity(self.sock.fileno()) != self.identity:
            raise Gone("a test has closed the descriptor")
        try:
            self.sock.sendall(data)
        except OSError as error:
            raise Gone(str(error)) from None

    def send_fds(self, data, fds):
        send_with_fds(self.sock, data, fds)

    def read_exactly(self, size):
        parts = []
        while size:
            try:
                part = self.sock.recv(min(size, 1 << 20))
            except OSError as error:
                raise Gone(str(error)) from None
            if not part:
                raise Gone("closed")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def read_frame(self):
        size, kind = records.HEAD.unpack(self.read_exactly(records.HEAD.size))
        if size > records.FRAME_LIMIT:
            raise records.BadFrame(f"a frame of {size} bytes")
        return bytes([kind]), self.read_exactly(size)

    def close(self):
        """Closes it for those, too, who have inherited a copy."""
        if procfs.identity(self.sock.fileno()) != self.identity:
            return
        try:
            self.sock.shutdown(sockets.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()


class Outbox:
    """A worker's frames to the zygote. Small ones wait for each other for a moment, in the
    shared page, so that a crash loses none."""

    PATIENCE_NS = 50 * 1000 * 1000

    def __init__(self, link, page):
        self.link = link
        self.page = page
        self.position = 0  # bytes sent
        self.size = 0  # bytes that wait
        self.since = 0

    def put(self, data, at_once=True):
        if self.size + len(data) > self.page.CAPACITY:
            self.flush()
        if len(data) > self.page.CAPACITY:
            self.link.send(data)
            self.position += len(data)
            self.page.sent(self.position)
            return
        now = realtime.monotonic_ns()
        if self.size == 0:
            self.since = now
        self.page.keep(self.position, self.size, data)
        self.size += len(data)
        if at_once or now - self.since > self.PATIENCE_NS:
            self.flush()

    def flush(self):
        if self.size:
            start = self.page.DATA_AT
            self.link.send(self.page.memory[start : start + self.size])
            self.position += self.size
            self.size = 0
            self.page.sent(self.position)


class Inbox:
    """Frames out of a stream of bytes, as they arrive."""

    def __init__(self):
        self.data = bytearray()
        self.fds = []
        self.received = 0

    def read(self, sock):
        """Takes what is there without waiting. False where the other side has closed."""
        while True:
            try:
                data, fds = receive(sock, 1 << 18, sockets.MSG_DONTWAIT)
            except (BlockingIOError, InterruptedError):
                return True
            except OSError:
                return False
            if not data:
                return False
            self.add(data)
            self.fds += fds

    def add(self, data):
        self.data += data
        self.received += len(data)

    def frames(self):
        """The whole frames that have arrived: [(kind, payload), ...]."""
        found = []
        head = records.HEAD.size
        at = 0
        while len(self.data) - at >= head:
            size, kind = records.HEAD.unpack_from(self.data, at)
            if len(self.data) - at < head + size:
                break
            found.append((bytes([kind]), bytes(self.data[at + head : at + head + size])))
            at += head + size
        del self.data[:at]
        return found
