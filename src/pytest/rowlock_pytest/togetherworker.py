"""Workers of a run in which several processes have collected.

A worker has the files that its template has collected, or the zygote. It collects others only
as long as it has run nothing: what tests do to their process may show in a module that is
imported after them. Later on it hands a group back that has tests of other files, and leaves; the
slot gets a new worker, of the template that has collected those, or, where that has ended, of the
zygote. Such a worker first collects what the template had.
"""

import collections
import contextlib
import os
import sys
import tempfile
import traceback
import warnings

from rowlock_pytest import channel, collect, garbage, identity, isolate, pairing, records
from rowlock_pytest.settings import XDIST_VARIABLES
from rowlock_pytest.shares import current_folder, key_of, mark_of, set_variables
from rowlock_pytest.worker import Worker


class TogetherWorker(Worker):
    """A fork of a template: half of what becoming a worker takes was done before it
    collected."""

    def become(self, base, random_state, signals):
        # Only with its first group does a forked worker begin: by then the driver has made the
        # pipe for its live output.
        channel.wait_readable(self.ctl.sock)
        found = isolate.settle(
            self.config,
            self.settings,
            self.slot,
            base,
            random_state,
            self.attach,
            self.node,
        )
        isolate.trace_crashes(self.config, self.settings.trace_path(self.slot, "crash"))
        return found


class Share:
    """The files that a worker has, and how it gets others. origin: the slot of the collector
    that it is a fork of; None: it is one of the zygote, and likely to need the files of the
    collector `likely`."""

    def __init__(self, together, origin, likely=None):
        self.together = together
        self.settings = together.settings
        self.files = together.files
        self.origin = origin
        self.likely = likely
        self.cost_ms = together.cost_ms

    def file_of(self, name):
        return self.files.get(key_of(name.decode("utf-8", "replace")))

    def better(self, names, pristine):
        """The collector one of whose forks is to run these tests instead of this worker; None
        if it is this worker. pristine: nothing has run here yet."""
        best = self.main_owner(names)
        return None if pristine and self.origin in (None, best) else best

    def main_owner(self, names):
        """The collector that has most of these tests; None if all are here."""
        files = [file for file in map(self.file_of, names) if file is not None]
        if all(file.here for file in files):
            return None
        owners = collections.Counter(f.owner for f in files if f.owner is not None)
        return max(sorted(owners), key=lambda slot: (owners[slot], slot == self.origin))

    def prepare(self, worker, names):
        """What a worker does before it runs its first tests: one that the zygote has forked
        collects a share, without the files whose tests have all run."""
        if self.origin is not None:
            return
        owner = self.main_owner(names)
        self.origin = self.likely if owner is None else owner
        ran_all = self.together.templates.has_run_all
        missing = [
            file
            for file in self.files.values()
            if not file.here and file.owner == self.origin and not ran_all(file)
        ]
        if not missing:
            return
        worker.client.send(records.wait_frame(True))
        garbage.relax()
        for file in missing:
            if not worker.must_stop():
                self.collect_now(worker, file)
        garbage.freeze()
        garbage.be_strict()
        worker.client.send(records.wait_frame(False))

    def find(self, worker, name):
        """The number of the test of that id, which is collected first if need be; or None."""
        file = self.file_of(name)
        if file is None:
            return None
        if not file.here:
            worker.client.send(records.wait_frame(True))
            self.collect_now(worker, file)
            worker.client.send(records.wait_frame(False))
        return worker.tests.get(name)

    def problem_of(self, name):
        file = self.files.get(key_of(name))
        return file.problem if file is not None else None

    def collect_now(self, worker, file):
        session, zygote = worker.session, self.together.zygote
        file.here = True
        items, before = [], session.testsfailed
        errors = len(zygote.errors)
        try:
            with self.as_in_zygote(session, file):
                for node in file.nodes:
                    items.extend(session.genitems(node))
                session.config.hook.pytest_collection_modifyitems(
                    session=session, config=session.config, items=items
                )
        except Exception as error:  # noqa: BLE001
            traceback.print_exc()
            self.leave_out(worker, file, f"{type(error).__name__}: {error}")
            return
        finally:
            session.testsfailed = before
            session.shouldstop = session.shouldfail = False
        ids = collect.unique_ids(items)
        if len(zygote.errors) > errors:
            self.leave_out(worker, file, zygote.errors[-1]["message"])
            return
        if mark_of(ids) != file.mark:
            ids, items = self.pair(worker, file, ids, items)
        for place, name in enumerate(ids):
            if items[place] is not None:
                session.items[file.first + place] = items[place]
                worker.tests[records.encode(name)] = file.first + place

    def pair(self, worker, file, found, items):
        """The ids that the run knows, and the items that are to be run for them."""
        # The zygote's forks know the ids; those of templates know their own files'.
        planned = file.ids or pairing.planned_ids(self.settings.rundir, file.first, file.count)
        self.leave_out(worker, file, "its tests have other ids here")
        pairs = pairing.pair(planned, found)
        pairing.warn(worker, planned, found, pairs)
        return planned, [items[pairs[name]] if name in pairs else None for name in planned]

    @staticmethod
    def leave_out(worker, file, problem):
        """Of that file only those tests are here that are found again."""
        file.problem = problem
        for name in file.ids:
            worker.tests.pop(records.encode(name), None)

    @contextlib.contextmanager
    def as_in_zygote(self, session, file):
        """What a module finds when it is imported is what it finds in the zygote."""
        prefix = self.settings.prefix
        names = [prefix + part for part in identity.PARTS] + ["TMPDIR", *XDIST_VARIABLES]
        own = {name: os.environ.get(name) for name in names}
        path, folder, temp = list(sys.path), current_folder(), tempfile.tempdir
        set_variables({name: self.together.environ.get(name) for name in names})
        tempfile.tempdir = None
        sys.path[:] = file.path or path
        try:
            os.chdir(str(session.config.invocation_params.dir))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # another process has told of them
                yield
        finally:
            added = [p for p in sys.path if p not in path and p not in (file.path or ())]
            sys.path[:] = added + path
            tempfile.tempdir = temp
            set_variables(own)
            if folder is not None:
                os.chdir(folder)
