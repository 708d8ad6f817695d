"""A worker: runs groups of tests, one after the other, and keeps fixtures between them."""

import contextlib
import functools
import mmap
import os
import resource
import signal
import struct
import sys
import traceback

from _pytest.runner import CallInfo

import pytest
from rowlock_pytest import (
    channel,
    covering,
    forked,
    garbage,
    instrumented,
    isolate,
    live,
    nodes,
    procfs,
    realtime,
    records,
    replay,
    reruns,
    runonce,
)
from rowlock_pytest.channel import Gone
from rowlock_pytest.leftovers import Leftovers
from rowlock_pytest.records import Fields, Usage
from rowlock_pytest.verdict import Verdict, add_sections, add_teardown, describe, message

WIDE_SECONDS = 0.02
STOP_OFFSET = 16  # stop, failures and maxfail, each an u32
WIDE_OFFSET = 160  # wide_ms
SHARE_OFFSET = 168  # share_ms

# What the session stops over where a test raises one.
INTERRUPT = {"kind": "interrupt", "message": "KeyboardInterrupt", "detail": ""}


class StandIn:
    """Takes the place of the test that follows a group's last one, which nobody knows yet.

    It looks like that last test, but only the collectors above it are needed for it, so
    that pytest tears down what belongs to the test itself and keeps all else.
    """

    def __init__(self, item):
        self.__dict__["_item"] = item

    @property
    def __class__(self):
        return type(self._item)

    def __getattr__(self, name):
        return getattr(self._item, name)

    def listchain(self):
        return self._item.listchain()[:-1] + [self]


class Clock:
    """Measures one test."""

    def __init__(self, peak):
        self.peak = peak
        peak.reset()
        self.start = realtime.time_ns()
        self.times = self._times()
        self.wall = realtime.monotonic_ns()

    def _times(self):
        own = resource.getrusage(resource.RUSAGE_SELF)
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.resident = own.ru_maxrss
        return own.ru_utime + children.ru_utime, own.ru_stime + children.ru_stime

    def usage(self):
        wall = realtime.monotonic_ns() - self.wall
        user, system = self._times()
        scale = 1 if sys.platform == "darwin" else 1024
        return Usage(
            self.start,
            wall,
            max(0, int((user - self.times[0]) * 1e9)),
            max(0, int((system - self.times[1]) * 1e9)),
            self.resident * scale,
        )


class StopFlags:
    """Whether the run is to stop: the state file says so (src/run/state.h), or the zygote."""

    def __init__(self, settings, flag):
        self.path = os.path.join(settings.rundir, "state")
        self.flag = flag
        self.state = None
        self.failures = 0

    def open(self):
        """The driver may write the file later than it starts the zygote."""
        if self.state is not None:
            return
        try:
            with open(self.path, "rb") as f:
                self.state = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError):
            return
        if len(self.state) < STOP_OFFSET + 12:
            self.state = None

    def set(self):
        if self.flag[0]:
            return True
        if self.state is None:
            return False
        stop, failures, most = struct.unpack_from("=3I", self.state, STOP_OFFSET)
        return bool(stop or (most and max(failures, self.failures) >= most))

    def tell_most(self, offset, milliseconds):
        """How long something has taken here, if it is the longest so far."""
        milliseconds = min(int(milliseconds), 1 << 30)
        with contextlib.suppress(OSError, struct.error), open(self.path, "r+b") as f:
            f.seek(offset)
            (most,) = struct.unpack("=I", f.read(4))
            if milliseconds > most:
                os.pwrite(f.fileno(), struct.pack("=I", milliseconds), offset)

    def count(self, outcome):
        """Counts what has failed here: the state file hears of it later than the next test
        starts."""
        self.failures += outcome in (records.FAILED, records.ERROR)


class Worker:
    """ctl: the socket to the zygote; page: the SharedPage; stop_flag: one
    byte that all share; tests: {id: number of its item}."""

    node = None  # what the zygote knows of this worker, in a forked one
    decisions = None  # what plugins are to decide again here, if any
    coverage = None
    share = None  # the Share of the files, where several processes have collected
    pristine = True  # whether nothing has run here yet

    def __init__(self, session, settings, slot, ctl_fd, tests, page, stop_flag):
        self.session = session
        self.config = session.config
        self.settings = settings
        self.slot = slot
        self.ctl = channel.Channel(ctl_fd)
        self.outbox = channel.Outbox(self.ctl, page)
        self.tests = tests
        self.page = page
        self.stop_flags = StopFlags(settings, stop_flag)
        self.pid = os.getpid()
        self.rootdir = str(self.config.rootpath)
        self.peak = procfs.PeakMemory()
        self.leftovers = Leftovers()
        procfs.exempt = functools.partial(runonce.keepers, settings.temp)
        self.verdict = None
        # Which tests have run here, by number: under --count one runs again.
        self.ran = bytearray(len(session.items))
        self.last = None  # (index in the plan, number, item) of the test that ran last
        self.halted = None  # what has ended the session
        self.item = None  # of the test that runs
        self.left = 0  # how often that may run again
        self.again = False  # whether it is to
        self.reruns_by_plugin = reruns.has_plugin(self.config)
        self.wide = 0.0  # seconds that fixtures of the session have taken
        self.held = False  # whether the zygote keeps its last report back
        self.client = None
        self.unsaid = b""  # frames for the client that go out with the next one
        self.folders = []  # that all tests put theirs into
        self.forker = None  # under --forked: runs each test in a child
        self.live = None  # the LivePipe, where what tests print goes to the driver at once

    # Hooks; the plugin passes them on.

    def count_wide(self, seconds):
        """A fixture of the session has been set up. Where several workers have collected, it is
        taken into account before this one is replaced (src/run/affinity.h)."""
        self.wide += seconds
        if self.share is not None and self.wide > WIDE_SECONDS:
            self.stop_flags.tell_most(WIDE_OFFSET, self.wide * 1000)

    def logreport(self, report):
        if self.verdict is not None:
            if report.failed and self.left:
                self.reconsider(report)
            self.verdict.add(report)
            in_setup = report.when == "setup" and report.passed
            self.page.begin_step(self.page.CALL if in_setup else self.page.TEARDOWN)

    def reconsider(self, report):
        """A test that may run again has failed. Whoever hears of it next sees what
        pytest-rerunfailures would show: the outcome rerun."""
        if not self.again:
            self.again = not self.must_stop() and reruns.counts(self.item, message(report))
            if not self.again:
                self.left = 0
                return
        report.outcome = "rerun"
        # Who hears of reports first of all has counted it by now.
        self.session.testsfailed = max(0, self.session.testsfailed - 1)

    def warning_recorded(self, message, when, nodeid, location):
        if self.pid == os.getpid():
            self.tell(channel.WARNING, replay.pack_warning(message, when, nodeid, location))

    def name_of(self, number):
        """The id of the test of that number."""
        return next(name for name, at in self.tests.items() if at == number).decode("utf-8")

    # The life of a worker.

    def run(self, base, random_state, signals):
        """Serves until the zygote says leave. In sequential mode it returns then, so that
        pytest ends the session in this process; otherwise it does not return."""
        garbage.be_strict()
        try:
            tmp, fds = self.become(base, random_state, signals)
            self.folders = isolate.folders_of_tests(self.config, self.settings, tmp)
            if fds:
                self.tell_with_fds(channel.OUTPUT, fds)
            if forked.is_wanted(self.config):
                self.forker = forked.Forker(self, random_state, fds)
            covering.adopt(self.config)
            if not self.settings.sequential:
                # Counted in the zygote before this worker started.
                self.session.testsfailed = 0
                self.coverage = covering.WorkerCoverage(self.config)
                self.decide_again()
            self.serve()
        except (KeyboardInterrupt, Gone):
            self.abort(2)
        except BaseException:  # noqa: BLE001
            traceback.print_exc()
            self.abort(3)
        if not self.settings.sequential:
            self.end_session()

    def decide_again(self):
        """Lets plugins see that this is a worker. One that fails over it ends the session, as
        under pytest-xdist."""
        try:
            if self.decisions is not None:
                self.decisions.decide_again(self.session)
        except Exception as error:  # noqa: BLE001
            self.session.shouldstop = "a plugin failed while a worker started"
            self.report_halt(self.internal_halt(error))

    def become(self, base, random_state, signals):
        """Returns (the folder for temporary files, capture descriptors)."""
        signals.restore()
        return isolate.become_worker(
            self.config,
            self.settings,
            self.slot,
            base,
            random_state,
            self.attach,
            self.node,
        )

    def attach(self):
        self.live = live.attach(self.config, self.settings, self.slot)
        return self.live is not None

    def serve(self):
        while True:
            if self.page.interrupted():
                raise KeyboardInterrupt
            command, fds = channel.receive(self.ctl.sock, 1)
            if command in (channel.GROUP, channel.AGAIN) and fds:
                self.client = channel.Channel(fds[0])
                left_out = self.run_group(self.read_request(command))
                if self.client is None:
                    continue  # handed back
                if self.coverage is not None:
                    self.coverage.after_group()
                self.tell(channel.DONE)
                self.say(records.end_frame(left_out))
                self.client.close()
                self.client = None
            elif command == channel.TEAR_DOWN:
                self.tear_down(None)
                self.tell(channel.DOWN)
            elif command == channel.END_ONCE:
                self.end_run_once()
                self.tell(channel.DOWN)
            elif command == channel.LEAVE:
                return
            else:
                raise Gone("the zygote is gone")

    def say(self, data):
        """Sends the client what was to be said, and data."""
        data, self.unsaid = self.unsaid + data, b""
        self.client.send(data)

    def tell(self, kind, payload=b"", at_once=True):
        self.outbox.put(records.frame(kind, payload), at_once)

    def tell_with_fds(self, kind, fds):
        data = records.frame(kind)
        self.ctl.send_fds(data, fds)
        self.outbox.position += len(data)

    def abort(self, status):
        """Tears down and leaves without a word: nobody listens any more."""
        with contextlib.suppress(KeyboardInterrupt):
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        if os.getpid() == self.pid:
            try:
                self.session._setupstate.teardown_exact(None)
            except BaseException:  # noqa: BLE001
                traceback.print_exc()
            if self.coverage is not None:
                self.coverage.save()
            self.leftovers.end()
            isolate.run_exit_handlers()
        isolate.flush_streams()
        os._exit(status)

    def end_session(self):
        """The hooks that pytest-xdist runs at a worker's end, then the end itself."""
        status = 1 if self.session.testsfailed else 0
        self.session.exitstatus = status
        ended_well = False
        self.coverage.save()
        try:
            self.config.hook.pytest_sessionfinish(session=self.session, exitstatus=status)
            self.config._ensure_unconfigure()
            ended_well = True
        except BaseException:  # noqa: BLE001
            traceback.print_exc()
        if os.getpid() == self.pid:
            self.say_goodbye(status, ended_well)
            self.leftovers.end()
        isolate.trace_exit()
        isolate.run_exit_handlers()
        isolate.flush_streams()
        instrumented.leave(self.settings, 0)

    def say_goodbye(self, status, ended_well=False):
        with contextlib.suppress(Gone):
            output = nodes.final_output(self.config, self.session, status)
            data = {"status": int(status), "output": output, "ended_well": ended_well}
            self.tell(channel.GOODBYE, replay.encode(data))

    # Groups.

    def read_request(self, command):
        if command == channel.GROUP:
            return self.client.read_frame()[1]
        self.say(records.wait_frame(False))
        return self.ctl.read_frame()[1]

    def hand_back(self, owner, payload):
        """Lets a fork of another process run the group, and has nothing to do any more."""
        self.tear_down(None)
        self.say(records.wait_frame(True))
        self.tell(channel.HANDED_BACK, struct.pack("<I", owner) + payload)
        self.client.sock.close()
        self.client = None

    def run_group(self, payload):
        """Runs what the client asks for. True if tests were left out."""
        _, delay, wanted = records.parse_run(payload)
        self.stop_flags.open()
        if self.share is not None and not self.must_stop():
            owner = self.share.better([name for _, name, _ in wanted], self.pristine)
            if owner is not None:
                return self.hand_back(owner, payload)
            if self.pristine:
                self.stop_flags.tell_most(SHARE_OFFSET, self.share.cost_ms)
                self.share.prepare(self, [name for _, name, _ in wanted])
        self.pristine = False
        group = []
        for index, name, left in wanted:
            number = self.find_test(name)
            if number is None:
                self.refuse(index, name)
            else:
                group.append((index, number, self.session.items[number], left))
        if group and not self.must_stop():
            self.tear_down(group[0][2])
        for at, (index, number, item, left) in enumerate(group):
            if self.must_stop():
                return True
            if self.ran[number]:
                reruns.make_ready(item)
            self.ran[number] = 1
            following = group[at + 1][2] if at + 1 < len(group) else None
            last = following is None
            if last or following is item:
                following = StandIn(item)
            while True:
                if self.forker is not None:
                    goes_on = self.forker.run_test(index, number, item, left)
                else:
                    goes_on = self.run_test(index, number, item, following, last, left)
                if not goes_on:
                    return at + 1 < len(group)
                if not self.again:
                    break
                left -= 1
                reruns.make_ready(item)
                reruns.wait(self, reruns.delay_of(item, delay / 1000))
                if self.page.interrupted():
                    raise KeyboardInterrupt
        return False

    def find_test(self, name):
        """The number of the test of that id; None if it was not collected."""
        if self.share is not None:
            return self.share.find(self, name)
        return self.tests.get(name)

    def must_stop(self):
        return bool(
            self.stop_flags.set()
            or self.page.interrupted()
            or self.session.shouldstop
            or self.session.shouldfail
        )

    def refuse(self, index, name):
        fields = Fields()
        text = self.explain_missing(name.decode("utf-8", "replace"))
        fields.add(records.MESSAGE, text)
        usage = Usage(realtime.time_ns())
        self.say(records.record_frame(index, records.RESULT, records.ERROR, usage, fields))

    def explain_missing(self, name):
        problem = self.share.problem_of(name) if self.share is not None else None
        if problem is not None:
            return f"{name!r} was not found when its file was collected again: {problem}"
        return f"pytest did not collect this test: {name!r}"

    def run_test(self, index, number, item, following, last, left):
        """Runs one test and reports it; left: how often it may run again, which it is to do if
        self.again is set then. False if the session is to stop after it."""
        for folder in self.folders:
            if not os.path.isdir(folder):
                os.makedirs(folder, mode=0o700, exist_ok=True)
        self.page.begin_test(index, number, left)
        self.item, self.again = item, False
        self.left = 0 if self.reruns_by_plugin else left
        self.say(records.start_frame(index, self.pid))
        before = replay.marks_of(item)
        self.verdict = verdict = Verdict(self.rootdir)
        clock = Clock(self.peak)
        halt = self.run_protocol(item, following)
        usage = clock.usage()
        self.leave_if_forked()
        if self.live is not None:
            self.live.end_test()
        self.verdict = None
        self.again = self.again and halt is None
        self.report_plugin_attempts(index, verdict)
        self.last = (index, number, item)
        outcome, fields = verdict.result()
        if halt is not None:
            outcome = records.ERROR
            fields = Fields()
            fields.add(records.MESSAGE, halt["message"])
            fields.add_text(records.DETAIL, halt["detail"])
        if not self.again:
            self.stop_flags.count(outcome)
        for line in self.leftovers.after_test():
            fields.add(records.LEFTOVER, line)
        kind = records.ATTEMPT if self.again else records.RESULT
        self.unsaid += records.record_frame(index, kind, outcome, usage, fields)
        changed = replay.marks_of(item) != before
        self.held = last and halt is None and not self.again
        self.tell(
            channel.TEST,
            replay.pack_test(self.config, number, verdict.reports, changed, self.held),
            at_once=outcome != records.PASSED,
        )
        self.page.be_idle()
        return self.report_halt(halt)

    def report_plugin_attempts(self, index, verdict):
        """Attempts that pytest-rerunfailures has made are ours to record."""
        for outcome, fields, reports in verdict.earlier:
            wall = int(sum(getattr(report, "duration", 0) for report in reports) * 1e9)
            start = int(getattr(reports[0], "start", 0) * 1e9)
            usage = Usage(start or realtime.time_ns(), wall)
            self.unsaid += records.record_frame(index, records.ATTEMPT, outcome, usage, fields)

    def run_protocol(self, item, following):
        """None, or what is to stop the whole session."""
        try:
            self.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            return None
        except KeyboardInterrupt:
            if self.page.interrupted():
                raise
            return dict(INTERRUPT)
        except pytest.exit.Exception as error:
            return self.exit_halt(error)
        except BaseException as error:  # noqa: BLE001
            return self.internal_halt(error)

    @staticmethod
    def internal_halt(error):
        return {
            "kind": "internal",
            "message": "internal error of pytest or a plugin: "
            + records.first_line(f"{type(error).__name__}: {error}"),
            "detail": traceback.format_exc(),
        }

    @staticmethod
    def exit_halt(error):
        return {
            "kind": "exit",
            "message": f"pytest.exit: {records.first_line(str(error.msg))}",
            "detail": "",
            "reason": str(error.msg),
            "status": error.returncode,
        }

    def leave_if_forked(self):
        """Ends a child that a test has forked and that has come back from the test."""
        if os.getpid() != self.pid:
            isolate.flush_streams()
            os._exit(0)

    def report_halt(self, halt):
        if halt is None:
            for kind in ("shouldstop", "shouldfail"):
                reason = getattr(self.session, kind)
                if reason:
                    halt = {"kind": kind, "reason": str(reason)}
        if halt is None:
            return True
        self.halted = halt
        self.tell(channel.HALT, replay.encode(halt))
        return False

    def end_loop(self):
        """In sequential mode, what pytest's own loop would raise at its end."""
        kind = self.halted["kind"] if self.halted is not None else ""
        if kind == "exit":
            raise pytest.exit.Exception(self.halted["reason"], self.halted["status"])
        if kind == "interrupt":
            raise KeyboardInterrupt
        if kind == "internal":
            raise RuntimeError(self.halted["message"])
        if self.session.shouldfail:
            raise self.session.Failed(self.session.shouldfail)
        if self.session.shouldstop:
            raise self.session.Interrupted(self.session.shouldstop)

    # What lives longer than a test.

    def tear_down(self, following):
        """Tears down what the following test, or nothing (None), does not need. An error
        there belongs to the test that ran last."""
        if self.last is None:
            return
        index, number, item = self.last
        stack = self.session._setupstate.stack
        chain = following.listchain() if following is not None else []
        data = None
        if list(stack) != chain[: len(stack)]:
            self.page.begin_teardown()
            if self.client is not None:
                self.say(records.teardown_frame(index, self.pid))
            clock = Clock(self.peak)
            teardown = functools.partial(self.session._setupstate.teardown_exact, following)
            report = self.report_teardown(item, teardown)
            self.leave_if_forked()
            if report.failed:
                self.amend(index, report, clock.usage())
                data = replay.pack_report(self.config, report, True)
            self.page.be_idle()
        if data is not None or self.held:
            self.tell(channel.HELD, replay.encode({"item": number, "report": data}))
            self.held = False

    def end_run_once(self):
        """Ends what run_once has set up, for all workers. An error there belongs to the test
        that ran last, like that of a session fixture in a plain run."""
        if self.last is None:
            return
        index, number, item = self.last
        folder = runonce.folder_of(self.settings.temp)
        self.page.begin_teardown()
        clock = Clock(self.peak)
        report = self.report_teardown(item, functools.partial(runonce.end_all_or_raise, folder))
        if report.failed:
            self.amend(index, report, clock.usage())
            data = replay.pack_report(self.config, report, True)
            self.tell(channel.HELD, replay.encode({"item": number, "report": data}))
        self.page.be_idle()

    def amend(self, index, report, usage):
        fields = Fields()
        describe(fields, report, self.rootdir)
        add_teardown(fields, report)
        add_sections(fields, report.sections)
        payload = records.record_payload(index, records.AMEND, records.ERROR, usage, fields)
        if self.client is not None:
            self.say(records.frame(records.RECORD, payload))
        else:
            self.tell(channel.AMENDED, payload)

    def report_teardown(self, item, action):
        """Runs a teardown as a phase of item, with its output captured."""
        del item._report_sections[:]
        caught = []

        def teardown():
            with self.captured(item):
                # pytest 7's capture does not collect what was written if it sees an error.
                try:
                    action()
                except BaseException as error:  # noqa: BLE001
                    caught.append((error, error.__traceback__.tb_next))
            if caught:
                raise caught[0][0]

        os.environ["PYTEST_CURRENT_TEST"] = item.nodeid.replace("\0", "(null)") + " (teardown)"
        call = CallInfo.from_call(teardown, when="teardown")
        os.environ.pop("PYTEST_CURRENT_TEST", None)
        if call.excinfo is not None and isinstance(call.excinfo.value, KeyboardInterrupt):
            if self.page.interrupted():
                raise call.excinfo.value
            self.report_halt(dict(INTERRUPT))
        if caught:
            error, trace = caught[0]
            # Without our own frames, which mean nothing to the reader.
            call.excinfo = pytest.ExceptionInfo.from_exc_info(
                (type(error), error.with_traceback(trace), trace)
            )
            if isinstance(error, pytest.exit.Exception):
                self.report_halt(self.exit_halt(error))
        return self.make_report(item, call)

    @staticmethod
    def make_report(item, call):
        """A report, even where a plugin expects the state of a running test."""
        if call.excinfo is None:
            # Nobody is told of it.
            return pytest.TestReport.from_item_and_call(item, call)
        for make in (item.ihook.pytest_runtest_makereport, pytest.TestReport.from_item_and_call):
            try:
                return make(item=item, call=call)
            except Exception:  # noqa: BLE001
                text = traceback.format_exc()
        return pytest.TestReport(item.nodeid, item.location, {}, "failed", text, "teardown")

    @contextlib.contextmanager
    def captured(self, item):
        manager = self.config.pluginmanager.get_plugin("capturemanager")
        with contextlib.ExitStack() as stack:
            if manager is not None and manager._global_capturing is not None:
                stack.enter_context(manager.item_capture("teardown", item))
            logs = self.config.pluginmanager.get_plugin("logging-plugin")
            if logs is not None:
                stack.enter_context(self.captured_logs(logs, item))
            yield

    @contextlib.contextmanager
    def captured_logs(self, plugin, item):
        from _pytest.logging import LogCaptureHandler, catching_logs

        handler = LogCaptureHandler()
        handler.setFormatter(plugin.formatter)
        with catching_logs(handler, level=plugin.log_level):
            yield
        item.add_report_section("teardown", "log", handler.stream.getvalue().strip())
