"""run_once(name, factory): what is set up once for the whole run, whichever worker asks
first, and torn down when all of them are done.

The work is done by a process of its own, see keeper.py. Here stands what runs in the process
that asks, and who says when the run is over:
  - under Rowlock the zygote, once no worker has a fixture left (server.py),
  - in a plain run of pytest the end of the session,
  - under pytest-xdist the controller, after all its workers.
"""

import functools
import os
import shutil
import threading

import pytest
from rowlock_pytest import keeper, procfs, records, replay
from rowlock_pytest.keeper import Entry, RunOnceError
from rowlock_pytest.settings import find_zygote

FOLDER = "once"
PLAIN_FOLDER = "rowlock-once"
ROOT_FILE = "root"
_process_key = pytest.StashKey()
_ends_here_key = pytest.StashKey()


def folder_of(temp):
    """Where a run under Rowlock has its state."""
    return os.path.join(temp, FOLDER)


def open_run(temp):
    """The zygote's: makes that folder afresh, as this may be the successor of one that was
    killed; what is set up lasts as long as this process."""
    folder = folder_of(temp)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder, mode=0o700)
    keeper.write_file(os.path.join(folder, ROOT_FILE), str(os.getpid()).encode("ascii"))
    procfs.exempt = functools.partial(keepers, temp)


def keepers(temp):
    """The pids of processes that must outlive the worker that has started them."""
    return {entry.pid for entry in keeper.entries(folder_of(temp)) if entry.alive()}


def has_entries(temp):
    return bool(keeper.entries(folder_of(temp)))


def end_all(folder, hurry=None):
    """Tears everything down, what was ready last first, so that what a factory has asked for
    outlives it. Returns [(Entry, Failure), ...]."""
    found = []
    for entry in keeper.entries(folder):
        has_result, result = entry.read(entry.result_path)
        found.append((result[1] if has_result else float("inf"), entry))
    failures = []
    for _, entry in sorted(found, key=lambda pair: pair[0], reverse=True):
        failure = entry.end(hurry)
        if failure is not None:
            failures.append((entry, failure))
    return failures


def end_all_or_raise(folder):
    """The same for a place where an exception is a test's error."""
    __tracebackhide__ = True
    failures = end_all(folder)
    if len(failures) == 1:
        raise failures[0][1].exception()
    if failures:
        texts = [f"{failure.summary}\n{failure.text}" for _, failure in failures]
        raise RunOnceError("\n\n".join(texts))


def late_report(session, number, failure):
    """A failed teardown as pytest and the journal take it: (data for Replayer.late, Fields)."""
    item = session.items[number]
    text = f"{failure.summary}\n{failure.text}"
    report = pytest.TestReport(item.nodeid, item.location, {}, "failed", text, "teardown")
    fields = records.Fields()
    fields.add(records.MESSAGE, records.first_line(failure.summary))
    fields.add_text(records.DETAIL, "error at teardown:\n" + text)
    return replay.pack_report(session.config, report, True), fields


class RunOnce:
    """What the fixture gives to tests and other fixtures."""

    def __init__(self, folder, root, cwd, asker=None, temp_variables=()):
        self.folder = folder
        self.root = root
        self.cwd = cwd
        self.asker = asker  # a function: [index, id] of the test that runs
        self.temp_variables = temp_variables
        self.values = {}  # name -> (Entry, value)
        self.mutex = threading.RLock()
        self.inside = ()  # the names whose factories run in this process

    def __call__(self, name, factory):
        """The value of factory(), which is called once in the whole run."""
        __tracebackhide__ = True
        if not isinstance(name, str) or not name:
            raise TypeError(f"run_once: the name has to be a text, not {name!r}")
        if not callable(factory):
            raise TypeError(f"run_once({name!r}): the factory cannot be called: {factory!r}")
        with self.mutex:
            if name in self.values:
                entry, value = self.values[name]
                entry.check()
                return value
            return self.obtain(name, factory)

    def obtain(self, name, factory):
        __tracebackhide__ = True
        if name in self.inside:
            raise RunOnceError(f"run_once({name!r}): its own factory asks for it")
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        entry = Entry.of_name(self.folder, name)
        with entry.locked():
            mine = not entry.load()
            if mine:
                entry.asker = self.asker() if self.asker is not None else None
                keeper.start(entry, factory, self.root, lambda: self.prepare(entry))
        kind, _, data = entry.wait()
        if mine:
            # As if the factory had run here: it is captured with the rest of the test.
            print(entry.output(), end="")
        if kind == "error":
            raise data.exception()
        entry.check()
        value = keeper.pickle.loads(data)
        self.values[name] = (entry, value)
        return value

    def prepare(self, entry):
        """In the keeper, before the factory: nothing of the test that asked is to show."""
        self.mutex = threading.RLock()
        self.inside += (entry.name,)
        os.environ.pop("PYTEST_CURRENT_TEST", None)
        if os.path.isdir(self.cwd):
            os.chdir(self.cwd)
        if self.temp_variables:
            keeper.use_temp(entry, self.temp_variables)


def _under_zygote(config, plugin):
    folder = folder_of(plugin.settings.temp)
    with open(os.path.join(folder, ROOT_FILE), encoding="ascii") as f:
        root = int(f.read())

    def asker():
        worker = plugin.worker
        if worker is None:
            return None
        _, index, number, known = worker.page.activity()
        # Its number may be one of this worker's own.
        return [index, worker.name_of(number)] if known else None

    variables = ("TMPDIR", plugin.settings.prefix + "_TEST_TEMP_DIR")
    return RunOnce(folder, root, str(config.invocation_params.dir), asker, variables)


@pytest.fixture(scope="session")
def run_once(request):
    """run_once(name, factory): the value of factory(), called once in the whole run; tests on
    all workers get the same. The factory is a function, a generator function that yields the
    value and then tears down, or returns a context manager. The value has to be one that
    pickle takes."""
    __tracebackhide__ = True
    config = request.config
    plugin = find_zygote(config)
    if plugin is not None:
        yield _under_zygote(config, plugin)
        return
    pid, parent = config.stash[_process_key]
    base = request.getfixturevalue("tmp_path_factory").getbasetemp()
    is_worker = hasattr(config, "workerinput")
    folder = str((base.parent if is_worker else base) / PLAIN_FOLDER)
    ends_here = not is_worker and pid == os.getpid()
    config.stash[_ends_here_key] = ends_here
    yield RunOnce(folder, parent if is_worker else pid, str(config.invocation_params.dir))
    if ends_here:
        end_all_or_raise(folder)


class EndOfRun:
    """In the controller of pytest-xdist: ends what its workers have set up."""

    def __init__(self, config):
        self.config = config
        self.failures = []

    def pytest_sessionfinish(self, session):
        config = self.config
        base = getattr(getattr(config, "_tmp_path_factory", None), "_basetemp", None)
        foreign = hasattr(config, "workerinput") or config.stash.get(_ends_here_key, False)
        if base is None or foreign or config.stash[_process_key][0] != os.getpid():
            return
        self.failures = end_all(str(base / PLAIN_FOLDER))
        if self.failures and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter):
        for entry, failure in self.failures:
            terminalreporter.section(f"ERROR at teardown of run_once({entry.name!r})")
            terminalreporter.write_line(failure.text)


def configure(config):
    """Of the plugin, in every process that runs a session of pytest."""
    config.stash[_process_key] = (os.getpid(), os.getppid())
    if find_zygote(config) is None:
        config.pluginmanager.register(EndOfRun(config), "rowlock_run_once")
