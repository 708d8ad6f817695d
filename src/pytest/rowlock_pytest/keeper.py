"""The process that keeps what run_once has set up, and the files that tell others about it.

Whoever asks for a name first forks a keeper. It calls the factory, leaves the value (or the
error) in a file, waits for the end of the run and tears down. So no worker owns the value:
one that ends, crashes or is killed for a timeout takes nothing away from the others.

A folder of the run holds for each name, called by a hash of it:
  KEY.lock    locked by the one who looks whether there is a keeper, and forks it if not
  KEY.keeper  JSON: the name, pid and start time of the keeper, the test that asked first
  KEY.result  pickled: ("value", when, pickled value) or ("error", when, Failure)
  KEY.end     a FIFO; a byte in it is the word to tear down
  KEY.down    pickled: None or the Failure of the teardown
  KEY.log     what the factory and the processes it started have printed
"""

import contextlib
import errno
import fcntl
import hashlib
import inspect
import json
import logging
import os
import pathlib
import pickle
import select
import signal
import sys
import tempfile
import time
import traceback
import warnings

import pytest
from rowlock_pytest import procfs, realtime

FIRST_WAIT, LONGEST_WAIT = 0.0005, 0.02
ROOT_SECONDS = 1.0  # how often to look after the run where the kernel does not tell
GRACE = 5.0  # for a factory that still runs when everything ends
LOG_LIMIT = 16 << 10
EXIT_BROKEN = 70
HELD_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)


# pytest's own cannot be pickled, as they say that they are builtins.
OUTCOMES = {
    "skip": pytest.skip.Exception,
    "fail": pytest.fail.Exception,
    "exit": pytest.exit.Exception,
}


class RunOnceError(Exception):
    """Something about run_once that no exception of the factory stands for."""


class FactoryTraceback(Exception):
    """The cause of an exception that comes from a keeper: where it was raised there."""

    def __str__(self):
        return '\n"""\nIn the process of run_once({!r}):\n{}"""'.format(*self.args)


class Failure:
    """An exception on its way from a keeper to whoever is to see it."""

    def __init__(self, error, name):
        trace = _user_frames(error.__traceback__)
        self.has_trace = trace is not None
        self.text = "".join(traceback.format_exception(type(error), error, trace))
        summary = "".join(traceback.format_exception_only(type(error), error)).strip()
        self.name = name
        self.summary = f"run_once({name!r}): {summary}"
        self.pickled = self.outcome = None
        for kind, known in OUTCOMES.items():
            if isinstance(error, known):
                self.outcome = (kind, error.msg, getattr(error, "returncode", None))
        # A KeyboardInterrupt was for the keeper alone.
        if not isinstance(error, KeyboardInterrupt):
            with contextlib.suppress(Exception):
                data = pickle.dumps(error)
                if type(pickle.loads(data)) is type(error):
                    self.pickled = data

    def exception(self):
        """A new one like the original, whose cause shows the original traceback."""
        error = None
        if self.outcome is not None:
            kind, text, status = self.outcome
            more = (status,) if kind == "exit" else ()
            error = OUTCOMES[kind](text, *more)
        elif self.pickled is not None:
            with contextlib.suppress(Exception):
                error = pickle.loads(self.pickled)
        if error is None:
            error = RunOnceError(self.summary)
        if self.has_trace:
            error.__cause__ = FactoryTraceback(self.name, self.text)
        return error


def _user_frames(trace):
    """The part of a traceback that begins behind our own frames, None if there is none."""
    own = os.path.abspath(__file__)
    at = trace
    while at is not None and os.path.abspath(at.tb_frame.f_code.co_filename) == own:
        at = at.tb_next
    return at


def write_file(path, data):
    """Nobody sees half of it."""
    temporary = f"{path}.{os.getpid()}"
    with open(temporary, "wb") as f:
        f.write(data)
    os.replace(temporary, path)


class Entry:
    """The files of one name."""

    def __init__(self, folder, key):
        base = os.path.join(folder, key)
        self.folder = folder
        self.lock_path = base + ".lock"
        self.keeper_path = base + ".keeper"
        self.result_path = base + ".result"
        self.end_path = base + ".end"
        self.down_path = base + ".down"
        self.log_path = base + ".log"
        self.temp_path = base + ".tmp"
        self.name = None
        self.pid = 0
        self.start = 0
        self.asker = None  # [index in the plan, id of the test] or None

    @classmethod
    def of_name(cls, folder, name):
        data = name.encode("utf-8", "surrogatepass")
        entry = cls(folder, hashlib.sha256(data).hexdigest()[:16])
        entry.name = name
        return entry

    @contextlib.contextmanager
    def locked(self):
        fd = os.open(self.lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)

    def register(self, pid):
        """Tells everybody that this process is the keeper."""
        self.pid = pid
        self.start = procfs.start_time(pid)
        data = {"name": self.name, "pid": pid, "start": self.start, "asker": self.asker}
        write_file(self.keeper_path, json.dumps(data).encode("ascii"))

    def load(self):
        """False while there is no keeper."""
        try:
            with open(self.keeper_path, "rb") as f:
                data = json.loads(f.read())
        except FileNotFoundError:
            return False
        self.name, self.pid = data["name"], data["pid"]
        self.start, self.asker = data["start"], data["asker"]
        return True

    def alive(self):
        if procfs.start_time(self.pid) != self.start:
            return False
        return procfs.state(self.pid) not in ("Z", "X", "")

    def read(self, path):
        """What a keeper has pickled there: (False, None) where there is nothing."""
        try:
            with open(path, "rb") as f:
                return True, pickle.loads(f.read())
        except FileNotFoundError:
            return False, None

    def wait(self):
        """The result, as soon as there is one."""
        __tracebackhide__ = True
        pause = FIRST_WAIT
        while True:
            lives = self.alive()
            found, result = self.read(self.result_path)
            if found:
                return result
            if not lives:
                raise RunOnceError(
                    f"run_once({self.name!r}): the process that set it up died{self.tail()}"
                )
            time.sleep(pause)
            pause = min(pause * 2, LONGEST_WAIT)

    def check(self):
        """Raises where the value is of no use any more."""
        __tracebackhide__ = True
        if os.path.exists(self.down_path):
            raise RunOnceError(f"run_once({self.name!r}): it has been torn down already")
        if not self.alive():
            raise RunOnceError(
                f"run_once({self.name!r}): the process that keeps it died{self.tail()}"
            )

    def output(self, start=0):
        """What was printed from that place on, its last part if it is long."""
        try:
            with open(self.log_path, "rb") as f:
                size = os.fstat(f.fileno()).st_size
                f.seek(max(start, size - LOG_LIMIT))
                return f.read().decode("utf-8", "backslashreplace")
        except OSError:
            return ""

    def tail(self, start=0):
        text = self.output(start)
        return f"; it had printed:\n{text}" if text else ""

    # The end.

    def end(self, hurry=None):
        """Has it torn down, and waits for that. Returns a Failure or None. hurry: a function;
        once it returns true, the keeper is killed."""
        found, failure = self.read(self.down_path)
        if found:
            return None  # somebody has been told
        self.tell()
        started = realtime.monotonic()
        pause = FIRST_WAIT
        while self.alive():
            if self.is_stuck(started) or (hurry is not None and hurry()):
                self.kill()
            time.sleep(pause)
            pause = min(pause * 2, LONGEST_WAIT)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, os.WNOHANG)
        found, failure = self.read(self.down_path)
        has_result, result = self.read(self.result_path)
        # Where there is no value, its users have been told why.
        if not found and has_result and result[0] == "value":
            text = f"the process that kept it died before it was torn down{self.tail()}"
            error = RunOnceError(text)
            failure = Failure(error, self.name)
            write_file(self.down_path, pickle.dumps(failure))
        return failure

    def is_stuck(self, started):
        """Whether the factory does not end although it was interrupted at that time."""
        return realtime.monotonic() - started > GRACE and not os.path.exists(self.result_path)

    def tell(self):
        """The word to tear down; a factory that still runs is interrupted."""
        if not self.alive():
            return
        if not os.path.exists(self.result_path):
            procfs.kill(self.pid, signal.SIGINT)
        try:
            fd = os.open(self.end_path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if error.errno in (errno.ENXIO, errno.ENOENT):
                return  # it has just ended
            raise
        try:
            os.write(fd, b"\1")
        finally:
            os.close(fd)

    def kill(self):
        """Its session, too: that of what it has started."""
        if self.alive():
            with contextlib.suppress(OSError):
                os.killpg(self.pid, signal.SIGKILL)
            procfs.kill(self.pid, signal.SIGKILL)


def entries(folder):
    """All names of a run that have a keeper, or had one."""
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    found = [Entry(folder, name[: -len(".keeper")]) for name in names if name.endswith(".keeper")]
    return [entry for entry in found if entry.load()]


def start(entry, factory, root, before):
    """Forks the keeper. root: the pid of the process whose end is the end of the run; before:
    what the keeper calls first. The caller has the lock."""
    with contextlib.suppress(FileExistsError):
        os.mkfifo(entry.end_path, 0o600)
    go, ready = os.pipe()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    procfs.flush_c_streams()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, HELD_SIGNALS)
    pid = -1
    try:
        with warnings.catch_warnings():
            # Python 3.12 warns where there are threads; a worker with threads may have them.
            warnings.simplefilter("ignore")
            pid = os.fork()
    finally:
        if pid != 0:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            os.close(go)
        if pid < 0:
            os.close(ready)
    if pid == 0:
        try:
            os.close(ready)
            _Keeper(entry, factory, root, mask).run(go, before)
        except BaseException:  # noqa: BLE001
            traceback.print_exc()
        finally:
            os._exit(EXIT_BROKEN)
    try:
        # Until it is known, it starts nothing that could be left behind.
        entry.register(pid)
        os.write(ready, b"\1")
    finally:
        os.close(ready)


class _Keeper:
    def __init__(self, entry, factory, root, mask):
        self.entry = entry
        self.factory = factory
        self.root = root
        self.mask = mask
        self.tear_down = None
        self.end_fd = -1

    def run(self, go, before):
        os.setsid()
        procfs.become_subreaper()
        self.leave_files_alone({go})
        if os.read(go, 1) != b"\1":
            os._exit(EXIT_BROKEN)
        os.close(go)
        self.end_fd = os.open(self.entry.end_path, os.O_RDWR | os.O_CLOEXEC)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
            signal.signal(number, signal.SIG_DFL)
        try:
            failure = self.set_up(before)
            if failure is None:
                self.wait_for_the_end()
                failure = self.finish()
            else:
                failure = None  # the users have it
            write_file(self.entry.down_path, pickle.dumps(failure))
        finally:
            # The run's folder may be gone, or the disk full.
            self.kill_what_is_left()
            _flush()
        os._exit(0)

    def leave_files_alone(self, spare):
        """Everything that was open before the fork leads to nowhere here: a lock, a pipe or a
        socket of the worker must not stay open because a copy of it lives on. The numbers stay
        in use, as objects that own them may close them."""
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        log = os.open(self.entry.log_path, flags, 0o600)
        for fd in _open_fds() - spare - {null, log, 0, 1, 2}:
            with contextlib.suppress(OSError):
                os.dup2(null, fd, inheritable=False)
        for fd, target in ((null, 0), (log, 1), (log, 2)):
            if fd != target:
                os.dup2(fd, target)
        for fd in (null, log):
            if fd > 2:
                os.close(fd)
        sys.stdin = open(0, closefd=False)
        sys.stdout = open(1, "w", buffering=1, closefd=False, errors="backslashreplace")
        sys.stderr = open(2, "w", buffering=1, closefd=False, errors="backslashreplace")
        logging.getLogger().addHandler(logging.StreamHandler(sys.stderr))

    def set_up(self, before):
        """Calls the factory and leaves the result. Returns a Failure or None."""
        failure = data = None
        try:
            signal.pthread_sigmask(signal.SIG_SETMASK, self.mask)
            before()
            data = self.pack(self.make())
        except BaseException as error:  # noqa: BLE001
            failure = Failure(error, self.entry.name)
            self.give_up()
            self.tear_down = None
        # From here on an interrupt comes too late; not ignored, as children inherit that.
        signal.signal(signal.SIGINT, lambda number, frame: None)
        _flush()
        now = realtime.monotonic_ns()
        result = ("value", now, data) if failure is None else ("error", now, failure)
        try:
            write_file(self.entry.result_path, pickle.dumps(result))
        except OSError:
            self.give_up()
            raise
        return failure

    def make(self):
        """The value; self.tear_down is what is to be called in the end, if anything."""
        made = self.factory()
        if inspect.isgenerator(made):
            self.tear_down = lambda: self.last_step(made)
            try:
                return next(made)
            except StopIteration:
                self.tear_down = None
                raise RunOnceError("the factory did not yield a value") from None
            except BaseException:
                self.tear_down = None
                raise
        if _is_manager(made):
            value = type(made).__enter__(made)
            self.tear_down = lambda: type(made).__exit__(made, None, None, None)
            return value
        return made

    def pack(self, value):
        try:
            return pickle.dumps(value)
        except Exception as error:  # noqa: BLE001
            raise RunOnceError(
                f"the value cannot be handed to other processes ({type(error).__name__}: {error})"
            ) from None

    @staticmethod
    def last_step(generator):
        try:
            next(generator)
        except StopIteration:
            return
        raise RunOnceError("the factory yielded more than once")

    def give_up(self):
        """The value is no use, but what was set up has to be torn down."""
        if self.tear_down is not None:
            try:
                self.tear_down()
            except BaseException:  # noqa: BLE001
                traceback.print_exc()

    def wait_for_the_end(self):
        """Returns at the word to tear down, or when the run is gone without one."""
        poll = select.poll()
        poll.register(self.end_fd, select.POLLIN)
        root_fd = procfs.pidfd_open(self.root)
        if root_fd >= 0:
            poll.register(root_fd, select.POLLIN)
        wait = None if root_fd >= 0 else ROOT_SECONDS * 1000
        while True:
            if poll.poll(wait) or not procfs.alive(self.root):
                break
        if root_fd >= 0:
            os.close(root_fd)

    def finish(self):
        if self.tear_down is None:
            return None
        _flush()
        size = os.fstat(1).st_size
        try:
            self.tear_down()
        except BaseException as error:  # noqa: BLE001
            _flush()
            failure = Failure(error, self.entry.name)
            printed = self.entry.output(size)
            if printed:
                failure.text += f"\nprinted while it was torn down:\n{printed}"
            return failure
        return None

    def kill_what_is_left(self):
        """Other keepers are not ours to end, even if a factory of ours has asked for them;
        helpers of multiprocessing end after us."""
        spare = {entry.pid for entry in entries(self.entry.folder)}
        spare |= {pid for pid in procfs.children() if procfs.is_helper(pid)}
        procfs.kill_children(spare)


def _is_manager(made):
    """A context manager. Paths were some once, until Python 3.13, but nobody enters a path."""
    kind = type(made)
    return (
        hasattr(kind, "__enter__")
        and hasattr(kind, "__exit__")
        and not isinstance(made, pathlib.PurePath)
    )


def _flush():
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()


def _open_fds():
    try:
        return {int(name) for name in os.listdir("/dev/fd")}
    except OSError:
        return set(range(3, 256))


def use_temp(entry, variables):
    """A temporary folder of its own for what the factory makes: that of the worker goes with
    the worker."""
    os.makedirs(entry.temp_path, mode=0o700, exist_ok=True)
    for name in variables:
        os.environ[name] = entry.temp_path
    tempfile.tempdir = None
