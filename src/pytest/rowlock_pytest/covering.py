"""pytest-cov, or coverage.py alone (measuring.py), in forked workers.

pytest-cov has a way for one process and one for pytest-xdist's workers. Here it is told of one
process: it starts to measure in the zygote, a fork goes on with what its parent has measured,
and coverage.py gives the fork a data file of its own. So a worker only has to save that file
when it ends; the zygote combines all files when its session ends, as it would with one.
"""

import functools
import os
import traceback

from rowlock_pytest import measuring


def leave_out_own_files(config):
    """What pytest-cov starts from now on measures nothing of Rowlock's plugin."""
    if not getattr(config.known_args_namespace, "cov_source", None):
        return
    try:
        from coverage import Coverage
    except ImportError:
        return
    start = Coverage.start

    @functools.wraps(start)
    def start_without(cov):
        measuring.omit_own_files(cov)
        return start(cov)

    Coverage.start = start_without


def adopt(config):
    """Tells pytest-cov that this fork is its own process now: in a stranger's, versions before
    7 would measure each test anew."""
    plugin = config.pluginmanager.get_plugin("_cov")
    if hasattr(plugin, "pid"):
        plugin.pid = os.getpid()


def _coverage(config):
    """The coverage.Coverage that measures here, or None."""
    if measuring.current is not None:
        return measuring.current
    plugin = config.pluginmanager.get_plugin("_cov")
    controller = getattr(plugin, "cov_controller", None)
    if controller is None or getattr(plugin, "_disabled", False):
        return None
    return getattr(controller, "cov", None)


def measures(config):
    """Whether coverage.py counts what runs here."""
    return _coverage(config) is not None


def _hush(cov):
    for name in ("_warn_no_data", "_warn_unimported_source", "_warn_preimported_source"):
        if hasattr(cov, name):
            setattr(cov, name, False)


def leave_to_workers(config):
    """In a zygote whose workers import the project by themselves."""
    cov = _coverage(config)
    if cov is not None:
        _hush(cov)


class WorkerCoverage:
    """In a worker."""

    def __init__(self, config):
        self.cov = _coverage(config)
        self.writes = True
        if self.cov is not None:
            self.take_own_file()
            _hush(self.cov)  # the zygote is the one to say what was not measured at all

    def take_own_file(self):
        """coverage.py makes up a new name in a fork, but versions of pytest-cov before 7 give
        it one that is the same in all."""
        data = getattr(self.cov, "_data", None)
        suffix = getattr(data, "_suffix", None)
        if isinstance(suffix, str):
            data._suffix = f"{suffix}.{os.getpid()}"

    def after_group(self):
        """Writes what has come to be counted: a test that dies with its worker takes no more
        along than what its group had counted."""
        collector = getattr(self.cov, "_collector", None)
        if collector is None or not self.writes:
            return
        try:
            collector.flush_data()
        except Exception:  # noqa: BLE001
            traceback.print_exc()
            self.writes = False

    def save(self):
        """At the worker's end."""
        cov, self.cov = self.cov, None
        if cov is None:
            return
        if cov is measuring.current:
            measuring.save(whole=False)
            return
        try:
            cov.stop()
            cov.save()
        except Exception:  # noqa: BLE001
            traceback.print_exc()
