"""The zygote's loop: clients come in over TEMP/zygote, workers are forked and watched."""

import collections
import functools
import heapq
import json
import mmap
import os
import select
import signal
import sys
import time
import traceback
import warnings

from rowlock_pytest import (
    channel,
    flood,
    garbage,
    isolate,
    procfs,
    realtime,
    records,
    replay,
    runonce,
    sockets,
)
from rowlock_pytest.child import Child
from rowlock_pytest.spawning import Spawning
from rowlock_pytest.worker import Worker

HANG_UP = getattr(select, "POLLRDHUP", 0)
DRAIN_SECONDS = 0.02
HEADER_SECONDS = 0.01
MAX_SLOT = 4096
EXIT_SECONDS = 60.0  # for a worker's exit handlers, where tests have no time limit
# The guard (src/run/guard.c) waits two seconds longer than the grace.
RUN_ONCE_SECONDS = 1.0


class Forked(BaseException):
    """Unwinds the loop in a process that has just been forked."""

    def __init__(self, worker):
        BaseException.__init__(self)
        self.worker = worker


class Server:
    """session: collected, with its items; ids: theirs, in the same order."""

    def __init__(self, session, settings, ids, random_state, nodes, start):
        self.session = session
        self.settings = settings
        self.ids = ids
        self.random_state = random_state
        self.basetemp = None
        self.nodes = nodes
        self.ended_well = False  # whether a worker has run the hooks of its end without error
        self.replayer = replay.Replayer(session, settings, nodes)
        self.children = {}  # slot -> Child
        self.clients = set()  # connections that have not said yet what they want
        self.requests = {}  # connection -> what a worker has read of it and handed back
        self.handlers = {}  # fd -> function of the events
        self.poll = select.poll()
        self.timers = []
        self.timer_count = 0
        self.finishing = None  # the connection that sent 'F'
        self.finish_wanted = False
        self.terminated = False
        self.failure = None  # what pytest is to raise once all workers have ended
        self.exit_limit = EXIT_SECONDS
        self.final_status = None  # of a sequential session, which ends in its worker
        self.run_once_ended = False
        self.spawning = None
        self.foreign = procfs.children()
        self.together = start.together
        if self.together.done:
            self.stop_flag = self.together.stop_flag
        elif start.spawner is None:
            self.stop_flag = mmap.mmap(-1, mmap.PAGESIZE)
        else:
            self.stop_flag = start.spawner.stop_flag
            start.spawner.prepare = self.prepare_node
            self.spawning = Spawning(self, start.spawner, start.children)
        self.listener = None
        self.wake_read = self.wake_write = None
        self.signals = None

    @functools.cached_property
    def tests(self):
        """{id: number of its item}. Where several processes have collected, it is seldom asked
        for."""
        return {records.encode(name): number for number, name in enumerate(self.ids)}

    # Setting up.

    def open(self):
        """Gets ready for clients and says so to the driver."""
        factory = getattr(self.session.config, "_tmp_path_factory", None)
        if factory is not None and not self.settings.sequential:
            self.basetemp = factory.getbasetemp()
        procfs.become_subreaper()
        runonce.open_run(self.settings.temp)
        self.listener = sockets.listen(self.settings.temp)
        self.watch(self.listener.fileno(), select.POLLIN, self.accept)
        self.wake_read, self.wake_write = sockets.pair()
        for sock in (self.wake_read, self.wake_write):
            sock.setblocking(False)
        self.watch(self.wake_read.fileno(), select.POLLIN, self.woken)
        self.signals = isolate.Signals(self.terminate, self.wake_write.fileno())
        # The driver plans while this gets ready to fork; whoever comes early waits in the queue.
        os.write(self.settings.ready_fd, b"\1")
        os.close(self.settings.ready_fd)
        if self.spawning is None:
            isolate.flush_files(self.session.config)
            procfs.return_memory()
            garbage.freeze()
            if self.together.done:
                self.together.templates.open(self)
                procfs.return_memory()  # of what the collectors had told
        else:
            self.spawning.open()
        garbage.be_strict()  # not earlier: it would look at everything once more
        self.together.templates.welcome(self)

    def watch(self, fd, events, handler):
        self.poll.register(fd, events)
        self.handlers[fd] = handler

    def unwatch(self, fd):
        if self.handlers.pop(fd, None) is not None:
            self.poll.unregister(fd)

    def later(self, seconds, action):
        self.timer_count += 1
        heapq.heappush(self.timers, (realtime.monotonic() + seconds, self.timer_count, action))

    def terminate(self, number, frame):
        self.terminated = True

    def woken(self, events):
        try:
            while self.wake_read.recv(4096):
                pass
        except BlockingIOError:
            pass

    # The loop.

    def serve(self):
        """Serves until 'F' or a signal has ended it. Returns None, or, in a process that was
        forked, the Worker that it is to be."""
        try:
            self.loop()
        except Forked as forked:
            return forked.worker
        except BaseException:
            if not isinstance(sys.exc_info()[1], KeyboardInterrupt):
                traceback.print_exc()
            self.end_children()
            raise
        self.listener.close()
        self.together.templates.end_all()
        self.together.templates.reap()
        if not self.terminated:
            self.end_run_once_here(lambda: self.terminated)
        if self.terminated:
            self.end_children()
            self.signals.restore()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            isolate.flush_streams()
            os.kill(os.getpid(), signal.SIGTERM)
        self.signals.restore()
        return None

    def loop(self):
        while not (self.terminated or (self.finish_wanted and not self.children)):
            for fd, events in self.poll.poll(self.poll_timeout()):
                handler = self.handlers.get(fd)
                if handler is not None:
                    handler(events)
            while self.timers and self.timers[0][0] <= realtime.monotonic():
                heapq.heappop(self.timers)[2]()

    def poll_timeout(self):
        if not self.timers:
            return None
        return max(0, (self.timers[0][0] - realtime.monotonic()) * 1000) + 0.5

    def end_children(self):
        """Ends all workers: fixtures get the grace to tear down."""
        for child in list(self.children.values()):
            child.interrupt()
        deadline = realtime.monotonic() + self.settings.grace
        for child in list(self.children.values()):
            while realtime.monotonic() < deadline and not child.has_ended():
                child.inbox.read(child.ctl)
                time.sleep(0.005)
            procfs.kill(child.pid, signal.SIGKILL)
        deadline += RUN_ONCE_SECONDS
        self.end_run_once_here(lambda: realtime.monotonic() > deadline)
        procfs.kill_children(self.foreign)

    # Clients.

    def accept(self, events):
        while True:
            try:
                conn = sockets.accept(self.listener)
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            self.clients.add(conn)
            self.await_request(conn)

    def await_request(self, conn):
        self.watch(conn.fileno(), select.POLLIN | HANG_UP, lambda events: self.request(conn))

    def drop(self, conn):
        self.unwatch(conn.fileno())
        self.clients.discard(conn)
        conn.close()
        if conn is self.finishing:
            # Whoever asked for the end does not wait for it.
            self.finishing = None
            for child in list(self.children.values()):
                self.interrupt(child)

    def request(self, conn):
        """Looks at the next frame without taking it: 'R' is for a worker to read."""
        try:
            data = conn.recv(records.HEAD.size + 4, sockets.MSG_PEEK | sockets.MSG_DONTWAIT)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data or conn is self.finishing:
            self.drop(conn)
            return
        size, kind = records.HEAD.unpack(data[:5]) if len(data) >= 5 else (0, -1)
        kind = bytes([kind]) if kind >= 0 else b""
        if not kind or (kind == records.RUN and len(data) < 9):
            # The rest is on its way; polling on what is there would spin.
            self.unwatch(conn.fileno())
            self.later(HEADER_SECONDS, lambda: self.await_request(conn))
        elif kind == records.RUN:
            self.unwatch(conn.fileno())
            self.clients.discard(conn)
            self.dispatch(conn, int.from_bytes(data[5:9], "little"))
        elif kind == records.PING and size == 0:
            conn.recv(records.HEAD.size)
            self.send(conn, records.quit_frame(0))
        elif kind == records.FINISH and size in (0, 8):
            data = conn.recv(records.HEAD.size + size)
            limit = int.from_bytes(data[records.HEAD.size :], "little")
            self.finish(conn, limit / 1000)
        else:
            self.drop(conn)

    def send(self, conn, data):
        """Sends without waiting; a client that is gone is noticed elsewhere."""
        try:
            conn.send(data, sockets.MSG_DONTWAIT)
        except OSError:
            pass

    def dispatch(self, conn, slot):
        """Hands an 'R' to the worker of its slot."""
        if slot > MAX_SLOT or self.finish_wanted:
            conn.close()
            return
        child = self.children.get(slot)
        if child is None:
            self.start_worker(slot, [conn])
            return
        self.drain(child)
        child.waiting.append(conn)
        if child.state == Child.STARTING:
            self.send(conn, records.wait_frame(True))
        self.advance(child)

    def advance(self, child):
        """Gives an idle worker the next client that waits for it."""
        if child.state != Child.IDLE or not child.waiting:
            return
        conn = child.waiting.popleft()
        request = self.requests.get(conn)
        try:
            if request is None:
                channel.send_with_fds(child.ctl, channel.GROUP, [conn.fileno()])
            else:
                channel.send_with_fds(child.ctl, channel.AGAIN, [conn.fileno()])
                channel.send_all(child.ctl, records.frame(channel.AGAIN, request))
        except channel.Gone:
            # It has just died; its end will be noticed, and a new one forked.
            child.waiting.appendleft(conn)
            child.state = Child.DYING
            return
        self.requests.pop(conn, None)
        child.state = Child.BUSY
        child.conn = conn
        self.watch(conn.fileno(), HANG_UP, lambda events: self.hung_up(child, conn))

    def hung_up(self, child, conn):
        """A client has closed, or the worker that is done with it."""
        self.drain(child)
        if child.conn is conn and child.state == Child.BUSY:
            self.close_client(child)
            self.interrupt(child)

    def close_client(self, child):
        conn, child.conn = child.conn, None
        if conn is not None:
            self.unwatch(conn.fileno())
            conn.close()

    def interrupt(self, child):
        """SIGINT, then SIGKILL after the grace; it gets no more work."""
        child.interrupt()
        self.later(self.settings.grace, lambda: self.insist(child))

    def insist(self, child):
        if self.children.get(child.slot) is child:
            procfs.kill(child.pid, signal.SIGKILL)

    # The end.

    def finish(self, conn, limit):
        """limit: seconds that each worker may take, 0 for any time."""
        self.finishing = conn
        self.finish_wanted = True
        self.exit_limit = max(limit, self.settings.grace) if limit else EXIT_SECONDS
        self.together.templates.end_all()
        for child in self.children.values():
            while child.waiting:
                child.waiting.popleft().close()
            if child.state == Child.STARTING:
                self.interrupt(child)
            elif child.state != Child.DYING:
                child.command(channel.TEAR_DOWN)
                self.listen_to(child)
                if limit:
                    self.limit_step(child, limit)
        self.leave_together()

    def limit_step(self, child, limit):
        """SIGABRT, which writes the tracebacks of all threads, for a worker that hangs."""
        state = child.state

        def look():
            if self.children.get(child.slot) is child and child.state == state:
                child.timed_out = limit
                procfs.kill(child.pid, signal.SIGABRT)
                self.later(self.settings.grace, lambda: self.insist(child))

        self.later(limit, look)

    def leave_together(self):
        """No worker runs the hooks of its end while fixtures of another are torn down."""
        children = list(self.children.values())
        if self.finish_wanted and all(c.state in (Child.DOWN, Child.DYING) for c in children):
            if self.end_run_once(children):
                return
            for child in children:
                if child.state == Child.DOWN:
                    child.state = Child.LEAVING
                    child.command(channel.LEAVE)

    def end_run_once(self, children):
        """Lets one worker, in the name of all, end what run_once has set up. True as long as
        the others are to wait."""
        if self.run_once_ended or not runonce.has_entries(self.settings.temp):
            return False
        if any(child.state == Child.DYING for child in children):
            return True  # it may have fixtures yet; its end calls leave_together
        able = [child for child in children if child.page.activity()[3]]
        if not able:
            return False
        self.run_once_ended = True
        able[0].state = Child.ENDING_ONCE
        able[0].command(channel.END_ONCE)
        return True

    def end_run_once_here(self, hurry):
        """The same where no worker is left to do it: an error belongs to the test that asked
        for the value first."""
        for entry, failure in runonce.end_all(runonce.folder_of(self.settings.temp), hurry):
            print(f"{failure.summary}\n{failure.text}", file=sys.stderr)
            if entry.asker is not None:
                self.guarded(self.report_run_once, failure, *entry.asker)

    def report_run_once(self, failure, index, name):
        number = self.tests[records.encode(name)]
        data, fields = runonce.late_report(self.session, number, failure)
        usage = records.Usage(realtime.time_ns())
        frame = records.record_frame(index, records.AMEND, records.ERROR, usage, fields)
        if self.finishing is not None:
            self.send(self.finishing, frame)
        self.replayer.late(number, data, "master")

    # Workers.

    def start_worker(self, slot, waiting):
        if self.spawning is not None:
            self.spawning.start(slot, waiting)
            return
        child = self.together.templates.start_worker(self, slot)
        if child is None:
            self.fork(slot, waiting)
        else:
            self.adopt(child, waiting)

    def fork(self, slot, waiting):
        ours, theirs = sockets.pair()
        page = channel.SharedPage()
        node = self.prepare_node(slot)
        tests = self.tests  # which all forks share
        isolate.flush_streams()
        procfs.flush_c_streams()
        parent = os.getpid()
        self.signals.hold()
        with warnings.catch_warnings():
            # Python 3.12 warns where there are threads; pytest.json has named them.
            warnings.simplefilter("ignore")
            pid = os.fork()
        if pid == 0:
            procfs.die_with_parent(parent)
            self.close_in_worker([ours] + waiting)
            raise Forked(self.make_worker(node, tests, theirs, page))
        self.signals.release()
        theirs.close()
        child = Child(slot, self.settings.worker_name(slot), pid, ours, page)
        child.node = node
        self.adopt(child, waiting)

    def adopt(self, child, waiting):
        """Listens to a new worker from here on, and gives it its first client."""
        child.waiting = collections.deque(waiting)
        self.children[child.slot] = child
        self.listen_to(child)
        if child.pidfd >= 0:
            self.watch(child.pidfd, select.POLLIN, lambda events: self.check_end(child))
        if child.state != Child.STARTING:
            self.ready(child)
        self.advance(child)

    def ready(self, child):
        """A worker knows its tests."""
        self.guarded(self.nodes.started, child.node, child.pid, self.session.items)

    def prepare_node(self, slot):
        """The node of a worker to be. If a plugin fails over it, the run ends, but in order."""
        made = []
        self.guarded(lambda: made.append(self.nodes.prepare(slot)))
        return made[0] if made else self.nodes.make(slot)

    def make_worker(self, node, tests, ctl, page):
        try:
            worker = Worker(
                self.session,
                self.settings,
                node.slot,
                ctl.detach(),
                tests,
                page,
                self.stop_flag,
            )
            worker.node = node
            self.together.templates.enter_fork(worker)
            return worker
        except BaseException:  # noqa: BLE001
            # Nothing of the zygote's stack is for this process to unwind.
            traceback.print_exc()
            os._exit(3)

    def close_in_worker(self, sockets):
        """A worker keeps nothing of the zygote's; least of all the clients of others."""
        for child in self.children.values():
            child.close()
        sockets += [self.listener, self.wake_read, self.wake_write]
        for sock in sockets + list(self.clients):
            sock.close()
        self.children.clear()
        self.clients.clear()
        self.handlers.clear()
        del self.timers[:]

    def readable(self, child):
        """Takes what a worker says, then leaves it alone for a moment: a wake-up per test
        would cost more than the reports themselves."""
        open_ = self.drain(child)
        if self.children.get(child.slot) is not child:
            return
        if open_ and self.finish_wanted:
            return  # what is left to be said is waited for
        self.unwatch(child.ctl.fileno())
        if open_:
            self.later(DRAIN_SECONDS, lambda: self.listen_to(child))
        elif child.pidfd < 0:
            self.later(DRAIN_SECONDS, lambda: self.check_end(child))

    def listen_to(self, child):
        """Has readable() called when the worker says something, if that is not so already."""
        fd = child.ctl.fileno()
        if self.children.get(child.slot) is child and fd not in self.handlers:
            self.watch(fd, select.POLLIN, lambda events: self.readable(child))

    def drain(self, child, unsent=None):
        """Takes in what a worker has said; unsent: where to find what it could not say."""
        open_ = child.inbox.read(child.ctl)
        if unsent is not None:
            child.inbox.add(unsent(child.inbox.received))
        for kind, payload in child.inbox.frames():
            self.heard(child, kind, payload)
        return open_

    def heard(self, child, kind, payload):
        if kind == channel.TEST:
            self.guarded(self.replay_test, child, json.loads(payload))
        elif kind == channel.HELD:
            self.guarded(self.replay_held, child, json.loads(payload))
        elif kind == channel.CRASH:
            self.guarded(self.replay_crash, child, json.loads(payload))
        elif kind == channel.WARNING:
            self.guarded(self.replayer.warning, json.loads(payload))
        elif kind == channel.DONE:
            self.close_client(child)
            if child.state == Child.BUSY:
                child.state = Child.IDLE
                self.advance(child)
        elif kind == channel.HANDED_BACK:
            self.handed_back(child, payload)
        elif kind == channel.HALT:
            self.halt(json.loads(payload))
        elif kind == channel.AMENDED:
            if self.finishing is not None:
                self.send(self.finishing, records.frame(records.RECORD, payload))
        elif kind == channel.DOWN:
            child.state = Child.DOWN
            self.leave_together()
        elif kind == channel.OUTPUT:
            child.output_fds, child.inbox.fds = child.inbox.fds, []
            self.bound_output(child)
        elif kind == channel.GOODBYE:
            child.goodbye = json.loads(payload)
            self.limit_step(child, self.exit_limit)
        elif self.spawning is not None:
            self.spawning.heard(child, kind, payload)

    def handed_back(self, child, payload):
        """The group is for the next worker of that slot, as soon as this one has left."""
        self.together.templates.hand_over(child.slot, int.from_bytes(payload[:4], "little"))
        conn, child.conn = child.conn, None
        if conn is not None:
            self.unwatch(conn.fileno())
            self.requests[conn] = payload[4:]
            child.waiting.appendleft(conn)
        if child.state == Child.BUSY:
            child.state = Child.LEAVING
            child.command(channel.LEAVE)

    def bound_output(self, child):
        """Frees the disk of a worker whose test prints without end."""
        if self.children.get(child.slot) is child:
            if child.state == Child.BUSY:
                child.flood.look(child.output_fds)
            self.later(flood.LOOK_SECONDS, lambda: self.bound_output(child))

    def guarded(self, action, *args):
        """Runs hooks of the controller. A plugin that fails there ends the session as it
        would in a plain run, but not before all that runs has ended."""
        try:
            action(*args)
        except BaseException as error:  # noqa: BLE001
            # None is ours, as nothing is forked in there.
            traceback.print_exc()
            self.fail(error)
        if self.session.shouldstop or self.session.shouldfail:
            self.stop_flag[0] = 1

    def fail(self, error):
        self.failure = self.failure or error
        self.stop_flag[0] = 1

    def replay_test(self, child, data):
        number = data["item"] = child.number(data["item"])
        self.together.templates.note_run(number)
        self.replay_held(child, None)
        child.held = self.replayer.test(data, child.name)

    def replay_crash(self, child, data):
        data["item"] = child.number(data["item"])
        self.replayer.process_crash(data, child.name)

    def replay_held(self, child, data):
        held, child.held = child.held, None
        report = data["report"] if data else None
        if held is not None:
            self.replayer.finish(held, report, child.name)
        elif report is not None:
            self.replayer.late(child.number(data["item"]), report, child.name)

    def halt(self, data):
        """A worker has met something that ends the whole session in a plain run."""
        import pytest

        self.stop_flag[0] = 1
        kind = data["kind"]
        if kind == "exit":
            self.fail(pytest.exit.Exception(data["reason"], data["status"]))
        elif kind == "interrupt":
            self.fail(KeyboardInterrupt())
        elif kind == "internal":
            self.fail(RuntimeError("{}\n{}".format(data["message"], data["detail"])))
        else:
            setattr(self.session, kind, getattr(self.session, kind) or data["reason"])

    def check_end(self, child):
        if self.children.get(child.slot) is not child:
            return
        if not child.has_ended():
            if child.pidfd < 0:
                self.later(DRAIN_SECONDS, lambda: self.check_end(child))
            return
        self.ended(child)

    def ended(self, child):
        """A worker is gone, and with it goes all that it has started."""
        starting = child.state == Child.STARTING
        interrupted = child.state == Child.DYING
        self.drain(child, child.page.unsent)
        self.unwatch(child.ctl.fileno())
        if child.pidfd >= 0:
            self.unwatch(child.pidfd)
        del self.children[child.slot]
        procfs.kill_children(self.foreign | {c.pid for c in self.children.values()})
        self.guarded(self.replay_held, child, None)
        if starting:
            self.spawning.failed(child)
        elif child.goodbye is None and not interrupted:
            self.explain_crash(child)
        elif child.timed_out:
            self.guarded(self.replayer.warning, self.late_exit(child))
        output = child.goodbye["output"] if child.goodbye is not None else None
        self.guarded(self.nodes.ended, child.node, output, interrupted)
        if child.goodbye is not None and child.goodbye["ended_well"]:
            self.ended_well = True
        if child.goodbye is not None and self.settings.sequential:
            self.final_status = child.goodbye["status"]
        waiting, child.waiting = child.waiting, collections.deque()
        self.close_client(child)
        child.close()
        if waiting and not self.finish_wanted:
            self.start_worker(child.slot, list(waiting))
        self.leave_together()

    def explain_crash(self, child):
        """Tells the client, and the hooks, about a worker that died on its own."""
        child.save_output([self.settings.trace_path(child.slot, kind) for kind in ("out", "err")])
        phase, index, number, known = child.page.activity()
        text = child.describe_end()
        doing = child.page.describe()
        print(f"worker {child.name} died: {text}", file=sys.stderr)
        client = child.conn or (self.finishing if self.finish_wanted else None)
        if phase == channel.SharedPage.TESTING:
            again = child.page.reruns_left() and not self.stop_flag[0]
            self.together.templates.note_run(child.number(number))
            self.guarded(self.replayer.crash, child.number(number), child.name, text, again)
        elif known and client is not None and phase == channel.SharedPage.TEARING_DOWN:
            fields = records.Fields()
            message = f"worker {child.name} died while fixtures were torn down ({text})"
            if child.timed_out:
                message = f"timed out after {child.timed_out:g} s {doing}"
            fields.add(records.MESSAGE, message)
            fields.add_text(records.DETAIL, self.crash_text(child))
            usage = records.Usage(realtime.time_ns())
            self.send(
                client,
                records.record_frame(index, records.AMEND, records.ERROR, usage, fields),
            )
        if child.conn is not None:
            self.send(child.conn, records.exit_frame(child.status, doing))

    def late_exit(self, child):
        """The warning about a worker whose exit handlers did not end."""
        text = (
            f"worker {child.name} had done its work and was ended {child.timed_out:g} s later:"
            f" an exit handler, or a process that it waits for, did not end\n"
        )
        return replay.worker_warning(text + self.crash_text(child))

    def crash_text(self, child):
        """What faulthandler wrote when it died."""
        try:
            with open(self.settings.trace_path(child.slot, "crash"), "rb") as f:
                return f.read(records.FIELD_LIMIT).decode("utf-8", "replace")
        except OSError:
            return ""
