"""What tests print under -s, and live logs: they go to the driver, which prints them at once.

The driver has made a pipe for each worker, TEMP/gwN.live, and reads it for as long as it runs;
a run without a driver has none. A worker that prints faster than the driver can waits.
"""

import os
import stat

from _pytest.config import create_terminal_writer

import pytest
from rowlock_pytest import isolate, procfs

# Behind the output of each test; it stands in src/command/live.h, too.
MARK = b"\0\1rowlock: end of test\2"


def is_wanted(config):
    """Whether anything of a test's output gets past pytest's capture."""
    if config.getoption("capture", None) in ("no", "tee-sys"):
        return True
    handler = getattr(config.pluginmanager.get_plugin("logging-plugin"), "log_cli_handler", None)
    return type(handler).__name__ == "_LiveLoggingStreamHandler"


class LivePipe:
    """The writing end of a worker's pipe. Known by its inode: a test may close descriptors and
    open others in their place."""

    def __init__(self, fd):
        self.fd = procfs.raise_fd(fd)
        self.identity = procfs.identity(self.fd)

    def end_test(self):
        """What a test has printed goes out before its verdict does."""
        isolate.flush_streams()
        procfs.flush_c_streams()
        if procfs.identity(self.fd) == self.identity:
            os.write(self.fd, MARK)


class QuietProgress:
    """In a sequential run tests run where pytest's terminal is: its dots stay in the log."""

    def __init__(self, config, terminal, log_fd):
        self.terminal = terminal
        self.writer = create_terminal_writer(config, os.fdopen(log_fd, "w", errors="replace"))

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_logstart(self):
        writer, self.terminal._tw = self.terminal._tw, self.writer
        yield
        self.terminal._tw = writer

    pytest_runtest_logreport = pytest_runtest_logfinish = pytest_runtest_logstart


def open_pipe(path):
    """None where there is no driver."""
    try:
        if not stat.S_ISFIFO(os.lstat(path).st_mode):
            return None
        # Not blocking: where the driver is gone, nobody would ever open the other end.
        fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    os.set_blocking(fd, True)
    return fd


def capture_all_the_same(config):
    """Where nobody reads, -s would only fill the disk: the output goes into the records."""
    manager = config.pluginmanager.get_plugin("capturemanager")
    if getattr(manager, "_method", None) == "no":
        manager._method = "fd"


def attach(config, settings, slot):
    """Leads 1 and 2, as they are when nothing captures them, to the driver. The LivePipe, or
    None where nothing of them is to be seen."""
    fd = open_pipe(settings.trace_path(slot, "live")) if is_wanted(config) else None
    if fd is None:
        capture_all_the_same(config)
        return None
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    isolate.flush_streams()
    if terminal is not None and settings.sequential:
        quiet = QuietProgress(config, terminal, procfs.raise_fd(os.dup(1)))
        config.pluginmanager.register(quiet, "rowlock-quiet")
    elif terminal is not None and settings.workers > 1:
        # The driver puts the worker's name in front of every line of live logs.
        room = terminal._tw.fullwidth - len(f"[{settings.worker_name(slot)}] ")
        terminal._tw.fullwidth = max(20, room)
    os.dup2(fd, 1)
    os.dup2(fd, 2)
    return LivePipe(fd)
