"""--forked: every test in a process of its own, forked from the worker for it.

As under pytest-forked the child sets up all that its test needs, session and module fixtures
too, runs it, and tears all of it down again; the worker keeps nothing set up. What the child
has to say crosses to the worker when the test is over, in one piece: a child that dies takes
its test along and nothing else.
"""

import json
import os
import select
import signal
import struct
import sys
import time
import traceback
import warnings

from rowlock_pytest import (
    channel,
    flood,
    instrumented,
    isolate,
    measuring,
    nodes,
    procfs,
    realtime,
    records,
    replay,
    sockets,
)
from rowlock_pytest.leftovers import Leftovers

# What a child sends: the sizes of what is for the client and for the zygote, how many of its
# tests failed, whether the session is to go on and whether the test is to run again; then these
# bytes.
_HEAD = struct.Struct("<QQII")
_GOES_ON, _AGAIN = 1, 2
_READ_SIZE = 1 << 18
_TICK_SECONDS = 0.02  # between two looks at a child, where the kernel has no pidfd
_TEXT_LIMIT = 1 << 18
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


def is_wanted(config):
    return bool(getattr(config.option, "forked", False))


def take_over(config):
    """Keeps pytest-forked, where it is installed, from forking once more."""
    if not is_wanted(config):
        return
    for _, plugin in config.pluginmanager.list_name_plugin():
        if getattr(plugin, "__name__", "") == "pytest_forked":
            try:
                config.hook.pytest_runtest_protocol._remove_plugin(plugin)
            except (AttributeError, ValueError):
                pass  # it has no such hook


class _Collector:
    """Stands in for the worker's sockets in a child: keeps what was said."""

    def __init__(self):
        self.parts = []

    def send(self, data):
        self.parts.append(bytes(data))

    def put(self, data, at_once=True):
        self.parts.append(bytes(data))

    def data(self):
        return b"".join(self.parts)


class Forker:
    """Runs the tests of one worker, each in its own child."""

    def __init__(self, worker, random_state, capture_fds):
        self.worker = worker
        self.random_state = random_state
        self.capture_fds = capture_fds
        self.trace_path = worker.settings.trace_path(worker.slot, "crash")
        self.spare = procfs.children()
        self.name = worker.settings.worker_name(worker.slot)
        known = nodes.Nodes(worker.config, worker.settings)
        self.replayer = replay.Replayer(worker.session, worker.settings, known)
        factory = getattr(worker.config, "_tmp_path_factory", None)
        if factory is not None:
            # One folder for all children, not one for each that asks for it first.
            factory.getbasetemp()

    def run_test(self, index, number, item, left):
        """Runs a test and reports it. False if the session is to stop after it."""
        worker = self.worker
        worker.outbox.flush()
        worker.page.begin_test(index, number, left)
        left = 0 if worker.must_stop() else left
        trace_start = _size_of(self.trace_path)
        start = realtime.time_ns()
        clock = realtime.monotonic_ns()
        child = self.fork(index, number, item, left)
        try:
            worker.say(records.start_frame(index, child.pid))
            child.wait(worker.settings.grace)
        except KeyboardInterrupt:
            # The zygote wants this worker to end: fixtures get their time to tear down.
            child.interrupt(worker.settings.grace)
            raise
        finally:
            child.close()
            procfs.kill_children(self.spare)
        message = child.message()
        if message is None:
            usage = child.usage(start, realtime.monotonic_ns() - clock)
            message = self.crashed(child, index, number, item, usage, trace_start, left)
        self.forget_output()
        to_client, to_zygote, failed, flags = message
        goes_on, worker.again = bool(flags & _GOES_ON), bool(flags & _AGAIN)
        worker.unsaid += to_client
        if worker.settings.sequential:
            to_zygote = self.replay(to_zygote)
        else:
            worker.session.testsfailed += failed
        worker.outbox.put(to_zygote, failed > 0 or not goes_on)
        worker.page.be_idle()
        worker.last = (index, number, item)
        return goes_on

    def replay(self, frames):
        """This worker is the one that ends the session and writes its reports: its own hooks
        have to hear of the test. Returns the frames that the zygote still has to get."""
        inbox = channel.Inbox()
        inbox.add(frames)
        left = []
        for kind, payload in inbox.frames():
            if kind == channel.WARNING:
                self.replayer.warning(json.loads(payload))  # which tells the zygote, too
                continue
            if kind == channel.TEST:
                self.replayer.test(json.loads(payload), self.name)
            elif kind == channel.CRASH:
                self.replayer.process_crash(json.loads(payload), self.name)
            left.append(records.frame(kind, payload))
        return b"".join(left)

    # The child.

    def fork(self, index, number, item, left):
        ours, theirs = sockets.pair()
        isolate.flush_streams()
        procfs.flush_c_streams()
        parent = os.getpid()
        held = isolate.Signals.HELD
        # No signal hits a child that is not ready for it, or finds a child that nobody knows.
        signal.pthread_sigmask(signal.SIG_BLOCK, held)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                pid = os.fork()
            if pid == 0:
                self.be_child(ours, theirs, parent, (index, number, item, left))
            theirs.close()
            return _Child(pid, ours)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, held)

    def be_child(self, ours, theirs, parent, test):
        """Does not return."""
        status = 0
        try:
            procfs.die_with_parent(parent)
            ours.close()
            link = channel.Channel(theirs.detach())
            self.become_child()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, isolate.Signals.HELD)
            message = self.run_in_child(*test)
            measuring.save(whole=False)
            link.send(message)
            link.close()
            isolate.run_exit_handlers()
        except KeyboardInterrupt:
            status = 2
        except BaseException:  # noqa: BLE001
            # Nothing of the worker's stack is for this process to unwind.
            traceback.print_exc()
            status = 3
        isolate.flush_streams()
        instrumented.leave(self.worker.settings, status)

    def become_child(self):
        """A process group of its own, so that a test that kills its group kills no worker, and
        a subreaper, so that it learns of what its test has left running."""
        worker = self.worker
        os.setpgid(0, 0)
        procfs.become_subreaper()
        isolate.set_random(self.random_state)
        for link in (worker.client, worker.ctl):
            link.sock.close()
        worker.client, worker.outbox = _Collector(), _Collector()
        worker.unsaid = b""
        worker.pid = os.getpid()
        worker.peak = procfs.PeakMemory()
        worker.leftovers = Leftovers()

    def run_in_child(self, index, number, item, left):
        worker = self.worker
        before = worker.session.testsfailed
        try:
            goes_on = worker.run_test(index, number, item, None, False, left)
        finally:
            if worker.session._setupstate.stack:
                # An interrupt has skipped the teardown.
                try:
                    worker.session._setupstate.teardown_exact(None)
                except BaseException:  # noqa: BLE001
                    traceback.print_exc()
        # The first frame says that the test has started; the worker has said so, too.
        to_client = b"".join(worker.client.parts[1:]) + worker.unsaid
        to_zygote = worker.outbox.data()
        failed = worker.session.testsfailed - before
        flags = (_GOES_ON if goes_on else 0) | (_AGAIN if worker.again else 0)
        head = _HEAD.pack(len(to_client), len(to_zygote), failed, flags)
        return head + to_client + to_zygote

    # A child that has died.

    def crashed(self, child, index, number, item, usage, trace_start, left):
        """What takes the place of a dead child's message."""
        doing = self.worker.page.describe()
        when = f" {doing}" if doing else ""
        how = f"the process of this test ended{when}: {describe_status(child.status)}"
        expected = _expected_reason(item)
        outcome = records.CRASHED
        text = how
        if expected is not None:
            # As pytest-forked has it: who expects a failure gets one.
            outcome = records.XFAILED
            text = f"{expected}; {how}" if expected else how
        fields = records.Fields()
        fields.add(records.MESSAGE, records.first_line(text))
        fields.add_text(records.DOING, doing)
        fields.add_text(records.DETAIL, self.trace(trace_start))
        for tag, fd in zip((records.STDOUT, records.STDERR), self.capture_fds):
            data = flood.read_cut(fd)
            if data:
                fields.add(tag, data)
        again = left > 0 and expected is None
        kind = records.ATTEMPT if again else records.RESULT
        record = records.record_frame(index, kind, outcome, usage, fields)
        text = describe_status(child.status)
        report = {"item": number, "text": text, "xfail": expected, "again": again}
        frame = records.frame(channel.CRASH, replay.encode(report))
        flags = _GOES_ON | (_AGAIN if again else 0)
        return record, frame, int(expected is None and not again), flags

    def trace(self, start):
        """What faulthandler wrote for this child."""
        try:
            with open(self.trace_path, "rb") as f:
                f.seek(start)
                return f.read(_TEXT_LIMIT).decode("utf-8", "replace")
        except OSError:
            return ""

    def forget_output(self):
        """The files of captured output are the same for all children."""
        for fd in self.capture_fds:
            try:
                if os.fstat(fd).st_size:
                    os.ftruncate(fd, 0)
                os.lseek(fd, 0, os.SEEK_SET)
            except OSError:
                pass


def _size_of(path):
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def describe_status(status):
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        try:
            return f"killed by {signal.Signals(number).name}"
        except ValueError:
            return f"killed by signal {number}"
    return f"exit status {os.WEXITSTATUS(status)}"


def _expected_reason(item):
    """The reason of an xfail mark that holds for any failure of item; None without one."""
    try:
        from _pytest.skipping import evaluate_xfail_marks

        mark = evaluate_xfail_marks(item)
    except BaseException:  # noqa: BLE001
        # A condition that cannot be told; or a pytest that keeps it elsewhere.
        return None
    return None if mark is None or mark.raises is not None else str(mark.reason)


class _Child:
    """A child as its worker sees it."""

    def __init__(self, pid, sock):
        self.pid = pid
        self.sock = sock
        self.sock.setblocking(False)
        self.fd = procfs.pidfd_open(pid)
        self.data = bytearray()
        self.status = None
        self.spent = None

    def wait(self, grace):
        """Until it has ended. One that has said all and does not end is killed after the
        grace: the verdict is known."""
        poll = select.poll()
        poll.register(self.sock.fileno(), select.POLLIN)
        if self.fd >= 0:
            poll.register(self.fd, select.POLLIN)
        deadline = None
        while True:
            wait = None if self.fd >= 0 else _TICK_SECONDS
            if deadline is not None:
                wait = min(wait or grace, max(0.0, deadline - realtime.monotonic()))
            poll.poll(None if wait is None else wait * 1000 + 1)
            # In this order: what it has said before its end must have been read after it.
            ended = self.has_ended()
            open_ = self.read()
            if ended:
                return
            if not open_ and deadline is None:
                poll.unregister(self.sock.fileno())
                deadline = realtime.monotonic() + grace
            elif deadline is not None and realtime.monotonic() >= deadline:
                procfs.kill(self.pid, signal.SIGKILL)

    def read(self):
        """Takes what is there; False once there is no more to come."""
        while True:
            try:
                part = self.sock.recv(_READ_SIZE)
            except (BlockingIOError, InterruptedError):
                return True
            except OSError:
                return False
            if not part:
                return False
            self.data += part

    def has_ended(self):
        if self.status is None:
            try:
                pid, status, spent = os.wait4(self.pid, os.WNOHANG)
            except ChildProcessError:
                # The project ignores SIGCHLD: the kernel has reaped it.
                pid, status, spent = self.pid, 0, None
            if pid == 0:
                return False
            self.status, self.spent = status, spent
        return True

    def interrupt(self, grace):
        """SIGINT, and SIGKILL after the grace."""
        if self.has_ended():
            return
        procfs.kill(self.pid, signal.SIGINT)
        deadline = realtime.monotonic() + grace
        while not self.has_ended():
            self.read()
            if realtime.monotonic() >= deadline:
                procfs.kill(self.pid, signal.SIGKILL)
            time.sleep(0.005)

    def message(self):
        """(for the client, for the zygote, failed tests, flags), or None if it
        died before it had said all of it."""
        if len(self.data) < _HEAD.size:
            return None
        client, zygote, failed, flags = _HEAD.unpack_from(self.data)
        at = _HEAD.size + client
        if len(self.data) != at + zygote:
            return None
        return bytes(self.data[_HEAD.size : at]), bytes(self.data[at:]), failed, flags

    def usage(self, start, wall):
        spent = self.spent
        if spent is None:
            return records.Usage(start, wall)
        return records.Usage(
            start,
            wall,
            int(spent.ru_utime * 1e9),
            int(spent.ru_stime * 1e9),
            spent.ru_maxrss * _RSS_UNIT,
        )

    def close(self):
        self.sock.close()
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
