"""pytest's log_file and log_cli in workers: several processes, and no torn or mixed lines.

log_file = tests.log: the zygote writes tests.log, worker gw0 writes tests-gw0.log. A live log
goes to the zygote's own log, each line with its worker and in one write.
"""

import contextlib
import logging
import os


def worker_path(path, worker):
    """tests.log of worker gw0 is tests-gw0.log."""
    root, extension = os.path.splitext(path)
    return f"{root}-{worker}{extension}"


class WholeLines:
    """A stream that keeps a line back until it is whole: other processes write to the same
    file, and a line of theirs must not land in the middle of ours."""

    def __init__(self, stream):
        self._stream = stream
        self._rest = ""

    def write(self, text):
        lines, newline, self._rest = (self._rest + text).rpartition("\n")
        if newline:
            self._stream.write(lines + newline)
            self._stream.flush()
        return len(text)

    def flush(self):
        """Not before the end of the line."""

    def __getattr__(self, name):
        return getattr(self._stream, name)


def enter_zygote(config):
    """Before workers write live logs beside the zygote's terminal."""
    plugin = config.pluginmanager.get_plugin("logging-plugin")
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None and _is_live(getattr(plugin, "log_cli_handler", None)):
        terminal._tw._file = WholeLines(terminal._tw._file)


def _is_live(handler):
    return isinstance(handler, logging.StreamHandler)


def _own_file(plugin, worker, restarted):
    handler = getattr(plugin, "log_file_handler", None)
    path = getattr(handler, "baseFilename", os.devnull)
    if os.path.realpath(path) == os.devnull:
        return
    path = worker_path(path, worker)
    # What a worker of this name wrote before it died stays.
    mode = "a" if restarted else getattr(plugin, "log_file_mode", None) or "w"
    stream = open(path, mode, encoding="utf-8")  # noqa: SIM115
    before = handler.setStream(stream)
    handler.baseFilename = path
    if before is not None:
        before.close()


def _own_lines(plugin, worker, capture):
    handler = getattr(plugin, "log_cli_handler", None)
    if not _is_live(handler):
        return

    def emit(record):
        try:
            text = handler.format(record)
            lines = "".join(f"[{worker}] {line}\n" for line in text.splitlines())
            paused = capture.global_and_fixture_disabled() if capture else None
            with paused or contextlib.nullcontext():
                os.write(1, lines.encode("utf-8", "backslashreplace"))
        except Exception:  # noqa: BLE001
            handler.handleError(record)

    handler.emit = emit


def enter_worker(config, worker, restarted, labelled=False):
    """restarted: there was a worker of this name before; labelled: whoever reads what it prints
    names it."""
    plugin = config.pluginmanager.get_plugin("logging-plugin")
    if plugin is None:
        return
    _own_file(plugin, worker, restarted)
    if not labelled:
        _own_lines(plugin, worker, config.pluginmanager.get_plugin("capturemanager"))


def choose_file(config, worker, restarted):
    """The same for a worker that configures pytest by itself: before pytest opens the file."""
    if not config.pluginmanager.hasplugin("logging"):
        return
    path = config.option.log_file or config.getini("log_file")
    if path and os.path.realpath(path) != os.devnull:
        config.option.log_file = worker_path(path, worker)
        if restarted:
            config.option.log_file_mode = "a"


def keep_lines_whole(config, worker):
    """The same for its live log."""
    plugin = config.pluginmanager.get_plugin("logging-plugin")
    if plugin is not None:
        _own_lines(plugin, worker, config.pluginmanager.get_plugin("capturemanager"))
