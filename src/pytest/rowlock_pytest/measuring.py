"""--coverage: coverage.py in the zygote and its workers, without pytest-cov.

Measuring begins before pytest and the project are imported; a fork goes on with what its parent
has measured and writes a data file of its own. The driver reads all of them (src/coverage).
Nothing here needs pytest.
"""

import contextlib
import importlib.util
import os
import sys
import traceback

current = None  # the coverage.Coverage of this process
spec = None  # what the driver wants, a dict; see zygote.py

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
UNMEASURED = (
    "note: --cov: nothing is measured, as there is neither pytest-cov nor coverage.py; run"
    " '{} -m pip install coverage'\n"
)
MISSING = (
    "--coverage: coverage.py is not installed for {0}; run '{0} -m pip install coverage', or name"
    " another Python with --python"
)


def _is_installed(module):
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def start(wanted, rundir):
    """Begins to measure if that is wanted, into a folder of the run's. Returns a message if it
    cannot."""
    if wanted is None or (not wanted["asked"] and _is_installed("pytest_cov")):
        return None  # which is --cov for pytest-cov
    try:
        import coverage
    except ImportError:
        if wanted["asked"]:
            return MISSING.format(sys.executable)
        _tell_driver(rundir, UNMEASURED.format(sys.executable))
        return None
    _stop_other(coverage)
    try:
        _start(coverage, wanted, os.path.join(rundir, "coverage", "python"))
    except Exception as error:  # noqa: BLE001 (old versions have no public class of all its errors)
        return f"coverage.py: {error}"
    return None


def _tell_driver(rundir, text):
    """The driver prints it at the end (src/command/covrun.c)."""
    folder = os.path.join(rundir, "coverage")
    with contextlib.suppress(OSError):
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, "messages")
        with open(path, "w", encoding="utf-8", errors="replace") as f:
            f.write(text)


def omit_own_files(cov):
    """Before it starts: without --cov=NAME it would measure Rowlock's plugin, too."""
    cov.config.run_omit = [*(cov.config.run_omit or []), os.path.join(HERE, "*")]


def _stop_other(coverage):
    """COVERAGE_PROCESS_START has begun to measure this process, too. It holds for the processes
    that tests start; their data belong to ours."""
    other = getattr(coverage.process_startup, "coverage", None)
    if other is not None:
        other.stop()
        other._auto_save = False


def _start(coverage, wanted, folder):
    global current, spec
    path = os.path.join(folder, ".coverage")
    os.makedirs(folder, exist_ok=True)
    cov = coverage.Coverage(
        data_file=path,
        data_suffix=True,
        branch=True if wanted["branch"] else None,
        source=wanted["source"] or None,
        config_file=wanted["config"] or True,
    )
    omit_own_files(cov)
    for name in ("_warn_no_data", "_warn_unimported_source", "_warn_preimported_source"):
        setattr(cov, name, False)
    if "COVERAGE_PROCESS_START" in os.environ:
        os.environ["COVERAGE_FILE"] = path
    cov.start()
    current, spec = cov, wanted


def save(whole=True):
    """Stops and writes what this process has measured. whole: the files that nothing has
    imported, too, which one process has to look for."""
    global current
    cov, current = current, None
    if cov is None:
        return
    try:
        if not whole:
            _collect_garbage()
        cov.stop()
        if whole:
            cov.save()
        else:
            cov._collector.flush_data()
            cov._data.write()
    except Exception:  # noqa: BLE001
        traceback.print_exc()


def _collect_garbage():
    """As a session of pytest 8.4 or newer ends: what a test has left behind may run code of the
    project's when it goes. In the process that saves the whole, pytest has done so itself."""
    collect = getattr(sys.modules.get("_pytest.unraisableexception"), "gc_collect_harder", None)
    if collect is not None:
        collect(1)


class Contexts:
    """--cov-context=test: a plugin that says which test runs, as pytest-cov does."""

    def pytest_runtest_setup(self, item):
        self.switch(item, "setup")

    def pytest_runtest_call(self, item):
        self.switch(item, "run")

    def pytest_runtest_teardown(self, item):
        self.switch(item, "teardown")

    def switch(self, item, when):
        # It has stopped for a test with no_cover (standin.py), and refuses this then.
        if current is not None and getattr(current, "_started", True):
            current.switch_context(f"{item.nodeid}|{when}")


def plugins():
    """Those that a session needs. pytest-cov must not measure, too."""
    if current is None:
        return []
    from rowlock_pytest import standin

    return [*standin.modules, *([Contexts()] if spec["context"] == "test" else [])]
