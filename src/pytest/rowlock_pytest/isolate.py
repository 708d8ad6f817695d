"""What makes a forked process a worker of its own: its environment, its temporary folders,
its captured output, its random numbers, its exit handlers.

Each function here undoes one thing that fork(2) shares and a fresh interpreter would not.
"""

import atexit
import contextlib
import faulthandler
import fcntl
import io
import os
import random
import shutil
import signal
import stat
import sys
import tempfile
import threading
import weakref

from rowlock_pytest import controller, flood, garbage, logfiles, nodes, procfs


class SeedWatch:
    """Knows whether a project has seeded `random` while it was imported.

    Python seeds `random` anew in every fork. A project that seeds it at import time would
    find its own state in every fresh interpreter, so that state is kept.
    """

    def __init__(self):
        self.original = random.seed
        self.seeded = False
        random.seed = self.seed

    def seed(self, *args, **kwargs):
        self.seeded = bool(args or kwargs) and args[:1] != (None,)
        return self.original(*args, **kwargs)

    def stop(self):
        """Returns the state to restore in workers, or None. Tests get the original back,
        unless something else has replaced it."""
        if random.seed == self.seed:
            random.seed = self.original
        return random.getstate() if self.seeded else None


def set_random(state):
    """Gives this process the random numbers of a fresh interpreter."""
    if state is not None:
        random.setstate(state)
    numpy_random = sys.modules.get("numpy.random")
    try:
        bits = numpy_random.mtrand._rand._bit_generator
        sequence = getattr(bits, "seed_seq", getattr(bits, "_seed_seq", None))
        if sequence is not None:
            # numpy forgets the sequence when a project seeds it, so nobody has.
            numpy_random.seed()
    except AttributeError:
        pass


class Signals:
    """The signals that the zygote needs for itself while it serves."""

    OURS = (signal.SIGTERM, signal.SIGHUP)
    HELD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self, handler, wake_fd):
        self.before = {}
        for number in self.OURS:
            self.before[number] = signal.getsignal(number)
            if self.before[number] != signal.SIG_IGN:
                signal.signal(number, handler)
        signal.set_wakeup_fd(wake_fd, warn_on_full_buffer=False)

    def hold(self):
        """Signals wait, so that none hits a fork that is not a worker yet."""
        signal.pthread_sigmask(signal.SIG_BLOCK, self.HELD)

    def release(self):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, self.HELD)

    def restore(self):
        """Everything as the project had it, except that SIGINT interrupts."""
        signal.set_wakeup_fd(-1)
        for number, handler in self.before.items():
            if handler is not None:
                signal.signal(number, handler)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self.release()


def announce_worker(settings, slot):
    """Makes the worker's folders, and variables that name them. Returns the folders."""
    folder = settings.worker_dir(slot)
    name = settings.worker_name(slot)
    paths = {part: os.path.join(folder, part) for part in ("tmp", "config", "cache")}
    for path in paths.values():
        os.makedirs(path, mode=0o700, exist_ok=True)
    if not settings.sequential:
        os.environ["PYTEST_XDIST_WORKER"] = name
        os.environ["PYTEST_XDIST_WORKER_COUNT"] = str(settings.workers)
        os.environ["PYTEST_XDIST_TESTRUNUID"] = settings.run_uid
    os.environ[settings.prefix + "_TEST_WORKER_ID"] = name
    os.environ[settings.prefix + "_TEST_TEMP_DIR"] = paths["tmp"]
    os.environ[settings.prefix + "_TEST_MODE"] = settings.mode
    os.environ[settings.prefix + "_CONFIG_DIR"] = paths["config"]
    os.environ[settings.prefix + "_CACHE_DIR"] = paths["cache"]
    # What the fixtures of a program in C or a script go by that a test starts.
    os.environ["ROWLOCK_TEST_PREFIX"] = settings.prefix
    os.environ["ROWLOCK_SHARED_DIR"] = settings.temp
    return paths


def set_environment(settings, slot):
    """Tells tests about the worker's folders, which are made afresh; not so in sequential
    mode, where a module may have put something there when it was imported."""
    if not settings.sequential:
        shutil.rmtree(settings.worker_dir(slot), ignore_errors=True)
    paths = announce_worker(settings, slot)
    os.environ["TMPDIR"] = paths["tmp"]
    tempfile.tempdir = None
    return paths["tmp"]


def set_config(config, settings, slot, node=None, labelled=False):
    """Lets plugins see a worker of pytest-xdist. node: where plugins may have added to its
    workerinput; labelled: the driver puts the worker's name before what is printed."""
    workerinput = node.workerinput if node is not None else None
    nodes.enter_worker(config, settings, workerinput or nodes.build_workerinput(settings, slot))
    controller.hide(config)
    restarted = node is not None and node.restarted
    logfiles.enter_worker(config, settings.worker_name(slot), restarted, labelled)


def drop_controller_plugins(config):
    """Reports are written by the zygote alone."""
    manager = config.pluginmanager
    terminal = manager.get_plugin("terminalreporter")
    if terminal is not None:
        manager.unregister(terminal)
        # It hears no more of the run, but those who ask for it by name still find it.
        manager._name2plugin["terminalreporter"] = terminal
    drop_junit(config)


def drop_junit(config):
    """Somebody else writes the file."""
    try:
        from _pytest.junitxml import xml_key
    except ImportError:
        return
    xml = config.stash.get(xml_key, None)
    if xml is not None:
        del config.stash[xml_key]
        config.pluginmanager.unregister(xml)


def set_basetemp(config, base, name):
    """Puts tmp_path below the controller's folder, where pytest-xdist has it. base: that of
    the controller, or None to leave everything as in a plain run."""
    factory = getattr(config, "_tmp_path_factory", None)
    if factory is None or base is None:
        return
    path = base / ("popen-" + name)
    path.mkdir(mode=0o700, exist_ok=True)
    factory._given_basetemp = path
    factory._basetemp = path
    if hasattr(factory, "_exit_stack"):
        factory._exit_stack = contextlib.ExitStack()


def folders_of_tests(config, settings, tmp):
    """Where all tests of a worker make theirs, and which one of them may remove."""
    factory = getattr(config, "_tmp_path_factory", None)
    if factory is None or settings.sequential:
        return [tmp]
    return [tmp, str(factory.getbasetemp())]


def restart_capture(config, uncaptured):
    """New files for captured output; uncaptured() is called while there are none. Returns the
    descriptors of those that hold what a test writes to 1 and 2, as far as there are any."""
    manager = config.pluginmanager.get_plugin("capturemanager")
    if manager is None:
        uncaptured()
        return []
    manager.stop_global_capturing()
    uncaptured()
    with procfs.high_descriptors():
        manager.start_global_capturing()
    manager.suspend_global_capture(in_=False)
    fds = []
    for stream in (manager._global_capturing.out, manager._global_capturing.err):
        try:
            fds.append(stream.tmpfile.fileno())
            flood.bound(stream)
        except (AttributeError, OSError, ValueError):
            return []
    return fds


def _faulthandler_fd(config):
    """The descriptor that pytest's faulthandler plugin writes to, or -1."""
    import _pytest.faulthandler as plugin

    for name in ("fault_handler_stderr_fd_key", "fault_handler_stderr_key"):
        key = getattr(plugin, name, None)
        if key is not None and key in config.stash:
            value = config.stash[key]
            return value if isinstance(value, int) else value.fileno()
    return -1


_trace_fds = []  # where this process traces crashes; more only while that changes


def trace_crashes(config, path):
    """A crash writes the traceback of all threads to path, through a descriptor that no test
    closes by chance.

    pytest's plugin, if it is there, keeps its descriptor, which leads to path from now on:
    so whatever it does with it later, for faulthandler_timeout say, lands there, too.
    """
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600)
    fd = procfs.raise_fd(fd)
    _trace_fds.append(fd)
    theirs = _faulthandler_fd(config)
    if theirs >= 0:
        os.dup2(fd, theirs, inheritable=False)
    faulthandler.enable(file=fd, all_threads=True)
    while _trace_fds[0] != fd:
        os.close(_trace_fds.pop(0))


def trace_exit():
    """Goes on with it when pytest's plugin has ended."""
    if _trace_fds:
        faulthandler.enable(file=_trace_fds[-1], all_threads=True)


def forget_exit_handlers():
    """What was registered before the fork belongs to the zygote, which runs it once.

    Removing a folder that a module made when it was imported must not happen when the first
    of several workers ends.
    """
    atexit._clear()
    for finalizer in list(weakref.finalize._registry):
        finalizer.atexit = False
    if weakref.finalize._registered_with_atexit:
        atexit.register(weakref.finalize._exitfunc)
    logging = sys.modules.get("logging")
    if logging is not None:
        atexit.register(logging.shutdown)
    multiprocessing = sys.modules.get("multiprocessing.util")
    if multiprocessing is not None:
        # Its finalizers know the process that they were made for.
        atexit.register(multiprocessing._exit_function)


def run_exit_handlers():
    """What tests have registered in this worker. Pools of processes end those in handlers that
    Python runs first; multiprocessing would wait for them. No thread is waited for."""
    first = reversed(getattr(threading, "_threading_atexits", ()))
    for handler in (f for f in first if f.__module__ != "concurrent.futures.thread"):
        _run_exit_handler(handler)
    _run_exit_handler(atexit._run_exitfuncs)


def _run_exit_handler(handler):
    try:
        handler()
    except BaseException as error:  # noqa: BLE001
        sys.stderr.write(f"an exit handler failed: {error!r}\n")


def leave(config, status):
    """Ends this process as Python would, but does not take its modules apart first: somebody
    waits for its end."""
    try:
        threading._shutdown()  # waits for threads, and runs the handlers that come first
    finally:
        _run_exit_handler(atexit._run_exitfuncs)
        flush_files(config)
        flush_streams()
        os._exit(status)


def flush_streams():
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            pass


def _descriptors_of_pytest(config):
    """The descriptors behind which nothing is held back, or is for flush_streams()."""
    own = {0, 1, 2, *_trace_fds}
    if config is None:
        return own
    own.add(_faulthandler_fd(config))
    manager = config.pluginmanager.get_plugin("capturemanager")
    capturing = getattr(manager, "_global_capturing", None)
    for name in ("in_", "out", "err"):
        stream = getattr(capturing, name, None)
        own.add(getattr(stream, "targetfd_save", -1))
        with contextlib.suppress(AttributeError, OSError, ValueError):
            own.add(stream.tmpfile.fileno())
    return own


def writes_files(config=None):
    """Whether anybody but pytest may write to a regular file. To look for such files among all
    objects takes longer than a fork. config: as soon as there is one."""
    try:
        found = [int(name) for name in os.listdir("/proc/self/fd")]
    except OSError:
        return True
    for fd in set(found) - _descriptors_of_pytest(config):
        with contextlib.suppress(OSError):  # it was that of /proc/self/fd itself
            reads = fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY
            if not reads and stat.S_ISREG(os.fstat(fd).st_mode):
                return True
    return False


def flush_files(config):
    """Writes out what a project's open files hold back: every fork would write it again. Only
    regular files, as a pipe may be full."""
    if not writes_files(config):
        return
    kinds = (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)
    found = garbage.find(kinds)
    for kind in kinds:  # text first: it flows into one of the others
        for stream in found:
            try:
                if type(stream) is kind and stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                    stream.flush()
            except (OSError, ValueError):
                pass  # closed, or opened for reading


def leave_zygote(config, settings, slot):
    """The first half of it, for a worker that collects before it runs tests."""
    os.setpgid(0, 0)
    procfs.become_subreaper()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    restart_capture(config, lambda: None)
    trace_crashes(config, settings.trace_path(slot, "crash"))
    forget_exit_handlers()
    drop_controller_plugins(config)


def settle(config, settings, slot, base, random_state, uncaptured, node):
    """The second half. Returns what become_worker returns."""
    shown = []
    set_random(random_state)
    tmp = set_environment(settings, slot)
    fds = restart_capture(config, lambda: shown.append(uncaptured()))
    set_basetemp(config, base, settings.worker_name(slot))
    set_config(config, settings, slot, node, labelled=any(shown))
    return tmp, fds


def become_worker(config, settings, slot, base, random_state, uncaptured, node=None):
    """All of the above; uncaptured: for restart_capture, true if the driver shows what is not
    captured. Returns (the worker's temporary folder, capture descriptors)."""
    shown = []
    os.setpgid(0, 0)
    procfs.become_subreaper()
    set_random(random_state)
    tmp = set_environment(settings, slot)
    fds = restart_capture(config, lambda: shown.append(uncaptured()))
    trace_crashes(config, settings.trace_path(slot, "crash"))
    if not settings.sequential:
        forget_exit_handlers()
        drop_controller_plugins(config)
        set_basetemp(config, base, settings.worker_name(slot))
        set_config(config, settings, slot, node, labelled=any(shown))
    return tmp, fds
