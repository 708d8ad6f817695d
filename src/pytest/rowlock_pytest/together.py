"""Collection by several processes at once.

The zygote begins to collect alone. When it comes to the second file with tests, it forks the
collectors, which go on from there: each of them walks through all folders, takes files from a
common counter, collects those and passes over the others. The zygote passes over all files that
are left. At the end of its walk it takes in what the collectors tell of their tests, and has
stand-ins for them in its session. What it had imported by then is shared by all.

No test runs in a collector: workers are forked from it (template.py, templates.py).

All this is done only where nobody can tell. Where something is not as expected, in whatever
process, the collectors are ended, the zygote collects the files that it has passed over, and the
list is what it would have been; the reason is told under -v.
"""

import contextlib
import json
import mmap
import os
import random
import select
import signal
import struct
import sys
import traceback
import warnings

import pytest
from rowlock_pytest import (
    channel,
    collect,
    earlier,
    garbage,
    hazards,
    isolate,
    procfs,
    realtime,
    records,
    replay,
    safe,
    sockets,
    template,
)
from rowlock_pytest.child import Child
from rowlock_pytest.shares import (
    Claims,
    digest_of,
    empty_report,
    is_test_file,
    key_of,
    LazyStandIn,
    mark_of,
    search_path_of,
    TestFile,
    TimeAlone,
    Told,
)
from rowlock_pytest.templates import Templates

ALONE, CONTROLLER, COLLECTOR, WORKER = range(4)
_SIZE = struct.Struct("<I")

ANOTHER = "another worker has given up"
RANDOM = "random numbers were used or seeded while tests were collected"


class Unshared(BaseException):
    """A worker cannot go on collecting; the zygote is to collect by itself."""


def reason_of(error):
    """Why a worker does not go on, by what has ended its collection. An Unshared may have become
    another error in a wrapper of pytest's or a plugin's: pluggy warns of what is raised there, and
    warnings may be errors."""
    found = error
    while found is not None and not isinstance(found, Unshared):
        found = found.__cause__ or found.__context__
    return records.first_line(str(found or error)) or type(error).__name__


class Together:
    """A plugin of the zygote, and of all its forks."""

    def __init__(self, settings, zygote, start):
        self.settings = settings
        self.zygote = zygote
        self.start = start
        self.role = ALONE
        self.reason = None  # why one process collects
        self.done = False  # whether the workers have collected
        self.possible = False
        self.tried = False  # whether there was nothing against it at first
        self.session = None
        self.files = {}
        self.first_shared = 0  # the number of the first file that was left to the workers
        self.passed_over = []  # (how many tests had been collected before, file, node)
        self.collected = 0
        self.claims = None
        self.ticket = None
        self.children = []
        self.templates = Templates(self)
        self.shares = 0  # how many collectors there are
        self.cost_ms = 0  # what it takes to collect the largest share again; 0: it never is
        self.stop_flag = None
        self.base = None
        self.deselected = 0
        self.reports, self.warnings = [], []
        self.environ = None
        self.slot = self.ctl = None  # in a collector
        self.modules = ()

    def in_worker(self):
        """Whether this process was forked to collect."""
        return self.role in (COLLECTOR, WORKER)

    def collects(self):
        return self.role == COLLECTOR

    # While pytest collects.

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection(self, session):
        if self.role == ALONE and not self.start.collects_elsewhere(session):
            self.session = session
            self.reason = safe.why_one_process(session.config, self.settings, self.start)
            self.begin(self.reason is None)
        outcome = yield
        self.possible = False
        if self.role == COLLECTOR and outcome.excinfo is not None:
            self.give_up(reason_of(outcome.excinfo[1]))
        elif self.role == CONTROLLER and not self.done:
            self.end_children()
        if self.tried and self.role == ALONE:
            self.remember(session)

    def begin(self, allowed):
        """Tries it, unless that came to nothing in the run before (earlier.py)."""
        before = earlier.read(self.settings.rundir)
        self.tried = allowed
        self.possible = allowed and before is None
        self.random = random.getstate()
        self.alone = TimeAlone(self.settings.collect_alone)
        if allowed:
            self.reason = before
        elif before:
            earlier.write(self.settings.rundir, before)  # for the run after this one

    def remember(self, session):
        """Whatever of what the collectors object to is to be seen here, too."""
        reason = safe.find_hook(session.config) or self.why_not_fork()
        if reason is None and random.getstate() != self.random:
            reason = RANDOM
        if reason is None and any(map(safe.spans_files, getattr(session, "items", ()))):
            reason = "a test has a parameter of a scope wider than its file"
        if reason:
            earlier.write(self.settings.rundir, reason)
        elif len(self.files) > 1 and self.reason is None:
            self.reason = self.alone.words

    @pytest.hookimpl(tryfirst=True)
    def pytest_make_collect_report(self, collector):
        if self.role == ALONE and not self.possible or not is_test_file(collector):
            return None
        key = collect.clean(collector.nodeid)
        file = self.files.get(key)
        if file is None:
            file = TestFile(key, len(self.files))
            if self.role == ALONE and self.files and self.alone.is_over():
                self.fork_workers()
            self.files[key] = file
            if self.role == CONTROLLER:
                file.here = False
            elif self.role == COLLECTOR:
                file.here = self.claim(file.number)
        elif self.role == WORKER:
            return None
        if file.here:
            return None
        file.nodes.append(collector)
        self.passed_over.append((self.collected, file, collector))
        self.pass_over(file, collector)
        return empty_report(collector)

    def claim(self, number):
        if self.claims.stopped():
            raise Unshared(ANOTHER)
        if self.ticket is None or self.ticket < number:
            self.ticket = self.claims.take()
        return self.ticket == number

    @staticmethod
    def pass_over(file, node):
        """Leaves sys.path as if it had been imported."""
        if file.path is None:
            file.path = list(sys.path)
        place = search_path_of(node)
        if place is not None and place[0] not in sys.path:
            sys.path.insert(place[1], place[0])

    def pytest_itemcollected(self, item):
        self.collected += 1

    def pytest_collectreport(self, report):
        if self.role == COLLECTOR:
            if report.failed:
                raise Unshared(f"{report.nodeid} could not be collected")
            if not report.passed:
                self.reports.append(report)

    def pytest_deselected(self, items):
        if self.role == COLLECTOR:
            self.deselected += sum(self.is_mine(self.files.get(key_of(i.nodeid))) for i in items)

    def is_mine(self, file):
        """Whether this worker, and not the zygote before it, has collected the file."""
        return file is not None and file.here and file.number >= self.first_shared

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, session, items):
        shared = False
        if self.role == COLLECTOR:
            self.check_items(session.config, items)
        elif self.role == CONTROLLER and not self.done:
            shared = self.take_in(session, items)
        yield
        if shared:
            self.merge(session, items)
            self.done = True

    def check_items(self, config, items):
        """Whatever needs to be seen with the items of other files is not for a worker."""
        hook = safe.find_hook(config)  # of a conftest file that was found on the way
        if hook is not None:
            raise Unshared(hook)
        for item in items:
            file = self.files.get(key_of(collect.clean(item.nodeid)))
            if file is None or not file.here:
                raise Unshared(f"{item.nodeid} is a test outside of any file")
            if safe.spans_files(item):
                raise Unshared(f"{item.nodeid} has a parameter of a scope wider than its file")

    # Forking.

    def fork_workers(self):
        """Here the zygote becomes the controller, and its forks the collectors."""
        self.reason = self.why_not_now()
        self.possible = False
        if self.reason is not None:
            return
        self.first_shared = len(self.files)
        self.prepare()
        self.shares = min(self.settings.collectors, self.settings.workers)
        for slot in range(self.shares):
            if self.fork(slot):
                return
        self.role = CONTROLLER

    def why_not_now(self):
        """The project's first file has been imported by now."""
        if self.session.testsfailed or self.session.shouldstop or self.session.shouldfail:
            return "a file could not be collected"
        return self.why_not_fork()

    def why_not_fork(self):
        """What is alive in this process and would not survive a fork, or makes one show."""
        watch = self.start.watch
        if watch is not None and (watch.reason or watch.doubt_of(self.session.items)):
            return watch.reason or watch.doubt
        threads = watch.project_threads() if watch is not None else {}
        return hazards.find(self.start.excused, threads)

    def prepare(self):
        factory = getattr(self.session.config, "_tmp_path_factory", None)
        self.base = factory.getbasetemp() if factory is not None else None
        self.stop_flag = mmap.mmap(-1, mmap.PAGESIZE)
        self.claims = Claims(self.settings.temp, self.first_shared)
        self.environ = dict(os.environ)
        procfs.become_subreaper()
        isolate.flush_files(self.session.config)
        garbage.freeze()

    def fork(self, slot):
        """True in the new process."""
        ours, theirs = sockets.pair()
        isolate.flush_streams()
        procfs.flush_c_streams()
        seeded = random.getstate() if self.zygote.seeds.seeded else None
        parent = os.getpid()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pid = os.fork()
        if pid == 0:
            procfs.die_with_parent(parent)
            ours.close()
            if seeded is not None:
                random.setstate(seeded)
            self.become_collector(slot, theirs)
            return True
        theirs.close()
        name = self.settings.worker_name(slot)
        self.children.append(Child(slot, name, pid, ours, channel.SharedPage()))
        return False

    def become_collector(self, slot, ctl):
        self.role = COLLECTOR
        if self.start.watch is not None:
            self.start.watch.adopt()
        self.slot, self.ctl = slot, ctl
        for child in self.children:
            child.close()
        self.children = []
        os.close(self.settings.ready_fd)
        config = self.session.config
        isolate.leave_zygote(config, self.settings, slot)
        self.modules = frozenset(sys.modules)
        self.random = random.getstate()
        self.began = realtime.monotonic()

    def become_worker(self):
        """In a fork of the zygote that has not collected anything itself."""
        self.role = WORKER

    # In a collector.

    def give_up(self, reason):
        """Has the zygote collect instead."""
        self.claims.stop()
        with contextlib.suppress(OSError, channel.Gone):
            data = records.frame(channel.UNSHARED, replay.encode(collect.clean(reason)))
            channel.Channel(self.ctl.detach()).send(data)
        isolate.flush_streams()
        os._exit(0)

    def describe(self, session):
        """The frame that tells the zygote what was collected, and what it may object to."""
        if random.getstate() != self.random:
            raise Unshared(RANDOM)
        reason = self.why_not_fork()
        if reason is not None:
            raise Unshared(reason)
        files, order = self.sort(session.items)
        describer = collect.Describer(session.config)
        told, parts = [], []
        for key in order:
            items = files[key]
            file = self.files[key]
            ids = collect.unique_ids(items)
            nodeids = [item.nodeid for item in items]
            file.items, file.ids = items, ids
            if not self.is_mine(file):
                continue
            tests = [describer.describe(i, n) for i, n in zip(items, ids)]
            details = [[item.location, list(item.keywords)] for item in items]
            parts += [replay.encode(tests)[1:-1], replay.encode(details)]
            told.append(
                {
                    "key": key,
                    "ids": ids,
                    "nodeids": None if nodeids == ids else nodeids,
                    "digest": digest_of(items, ids),
                    "sizes": [len(part) for part in parts[-2:]],
                }
            )
        pack = session.config.hook.pytest_report_to_serializable
        head = {
            "files": told,
            "taken": [f.key for f in self.files.values() if self.is_mine(f)],
            "deselected": self.deselected,
            "modules": self.new_modules(),
            "reports": [pack(config=session.config, report=r) for r in self.reports],
            "warnings": [json.loads(w) for w in self.warnings],
            "cost_ms": int((realtime.monotonic() - self.began) * 1000) + 1,
        }
        head = replay.encode(head)
        body = b"".join([_SIZE.pack(len(head)), head, *parts])
        return records.frame(channel.COLLECTED, body)

    def sort(self, items):
        """The items by file; and the keys of the files in order."""
        files, last = {}, -1
        for item in items:
            key = key_of(collect.clean(item.nodeid))
            file = self.files.get(key)
            if file is None or file.number < last:
                raise Unshared("the tests were put into another order")
            last = file.number
            files.setdefault(key, []).append(item)
        return files, list(files)

    def new_modules(self):
        """The modules of the project that were imported here, and from where."""
        root = os.path.join(str(self.session.config.rootpath), "")
        found = {}
        for name, module in list(sys.modules.items()):
            path = getattr(module, "__file__", None)
            if name not in self.modules and isinstance(path, str) and path.startswith(root):
                found[collect.clean(name)] = collect.clean(path)
        return found

    def serve(self, session):
        """Tells what was collected, learns the numbers of all tests, and becomes a template;
        goes on in each worker that is forked from it."""
        try:
            link = self.become_template(session)
            orders = template.serve(link, session.config)
            self.role = WORKER
            self.make_worker(session, orders).run(self.base, self.random_state, None)
        except KeyboardInterrupt:
            os._exit(2)
        except BaseException:  # noqa: BLE001
            # Nothing of the zygote's stack is for this process to unwind.
            traceback.print_exc()
        os._exit(3)

    def try_to_describe(self, session):
        try:
            return self.describe(session)
        except Unshared as error:
            self.give_up(str(error))
        except Exception as error:  # noqa: BLE001
            traceback.print_exc()
            self.give_up(f"{type(error).__name__}: {error}")

    def become_template(self, session):
        data = self.try_to_describe(session)
        self.random_state = self.zygote.seeds.stop()
        link = channel.Channel(self.ctl.detach())
        try:
            link.send(data)
            data = link.read_frame()[1]
        except channel.Gone:
            os._exit(0)  # another one has given up
        layout = json.loads(data)
        self.cost_ms = layout["cost_ms"]
        self.number_tests(session, layout["files"], layout["total"])
        self.tests = self.tests_here()
        session.shouldstop = session.shouldfail = False
        self.claims.close()
        isolate.flush_files(session.config)
        procfs.return_memory()
        garbage.freeze()
        return link

    def make_worker(self, session, orders):
        from rowlock_pytest.togetherworker import Share, TogetherWorker

        worker = TogetherWorker(
            session,
            self.settings,
            orders.node.slot,
            orders.ctl_fd,
            self.tests,
            orders.page,
            self.stop_flag,
        )
        worker.node = orders.node
        worker.share = Share(self, self.slot)
        worker.decisions = self.zygote.decisions
        self.zygote.worker = worker
        return worker

    def number_tests(self, session, files, total):
        session.items = [None] * total
        session.testscollected = total
        for key, (first, count, mark, owner) in files.items():
            file = self.files[key]
            file.first, file.count, file.mark, file.owner = first, count, mark, owner
            if file.here:
                session.items[first : first + count] = file.items

    def tests_here(self):
        return {
            records.encode(name): file.first + place
            for file in self.files.values()
            if file.here and file.count
            for place, name in enumerate(file.ids)
        }

    # In the zygote.

    def take_in(self, session, items):
        """True if the workers have told all; else the rest is collected here."""
        self.reason = self.listen()
        if self.reason is None:
            self.reason = safe.why_one_process(session.config, self.settings, self.start)
        if self.reason is None:
            self.reason = self.check(items)
        if self.reason is None:
            return True
        self.end_children()
        self.collect_rest(session, items)
        return False

    def listen(self):
        """Reads what all collectors tell; what one of them objects to, or None."""
        objection = None
        poll = select.poll()
        waiting = {child.ctl.fileno(): child for child in self.children}
        for fd in waiting:
            poll.register(fd, select.POLLIN)
        while waiting:
            for fd, _ in poll.poll(1000):
                child = waiting[fd]
                open_ = child.inbox.read(child.ctl)
                for kind, payload in child.inbox.frames():
                    if kind == channel.UNSHARED:
                        objection = json.loads(payload)
                        if objection != ANOTHER:
                            return objection  # else that one is still to be heard
                    else:
                        self.heard(child, payload)
                    del waiting[fd]
                    poll.unregister(fd)
                    break
                else:
                    if not open_:
                        return f"worker {child.name} ended while it collected"
        return objection

    def heard(self, child, payload):
        (size,) = _SIZE.unpack_from(payload, 0)
        at = _SIZE.size + size
        child.told = json.loads(payload[_SIZE.size : at])
        for key in child.told["taken"]:
            if key in self.files:
                self.files[key].owner = child.slot
        for data in child.told["files"]:
            tests, details = data["sizes"]
            file = self.files.get(data["key"])
            if file is not None:
                file.told = Told(
                    data["ids"],
                    data["nodeids"],
                    payload[at + tests : at + tests + details],
                    payload[at : at + tests],
                    self.session,
                    file.nodes[0].ihook if file.nodes else self.session.config.hook,
                )
            at += tests + details

    def check(self, items):
        """What is not as it would be in one process."""
        modules = {}
        for child in self.children:
            for name, path in child.told["modules"].items():
                if modules.setdefault(name, path) != path:
                    return f"{name} is the name of two modules: {modules[name]} and {path}"
        ids = set()
        total = 0
        for file in self.files.values():
            if not file.here and file.owner is None:
                return f"no worker has found {file.key}"
            if file.told is not None:
                ids.update(file.told.ids)
                total += len(file.told.ids)
        if len(ids) != total:
            return "two files have a test of the same id"
        for item in items:
            file = self.files.get(key_of(collect.clean(item.nodeid)))
            if file is None:
                return f"{item.nodeid} is a test outside of any file"
            if safe.spans_files(item):
                return f"{item.nodeid} has a parameter of a scope wider than its file"
        return None

    def end_children(self):
        children, self.children = self.children, []
        for child in children:
            procfs.kill(child.pid, signal.SIGKILL)
        for child in children:
            if child.status is None:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(child.pid, 0)
            child.close()
        self.role = ALONE
        self.possible = False

    def collect_rest(self, session, items):
        """Collects what was passed over, into its place."""
        whole, at = [], 0
        for position, file, node in self.passed_over:
            whole += items[at:position]
            at = position
            getattr(session, "_collection_cache", {}).pop(node, None)
            file.here = True
            whole.extend(session.genitems(node))
        items[:] = whole + items[at:]

    def merge(self, session, items):
        """Puts stand-ins for the workers' tests among the zygote's own."""
        own = {}
        for item in items:
            own.setdefault(key_of(collect.clean(item.nodeid)), []).append(item)
        whole, self.ids, self.fragments, self.runs = [], [], [], []
        for file in self.files.values():
            file.first = len(whole)
            if file.here:
                added = own.get(file.key, [])
                file.ids = collect.unique_ids(added)
            elif file.told is None:
                added, file.ids = [], []
            else:
                told, file.ids = file.told, file.told.ids
                added = [LazyStandIn(n, told, k) for k, n in enumerate(told.nodeids)]
            file.count = len(added)
            file.mark = mark_of(file.ids)
            whole += added
            self.ids += file.ids
            if added:
                self.runs.append([len(added), -1 if file.owner is None else file.owner])
                self.fragments.append(added if file.here else file.told.take_tests())
        items[:] = whole
        self.tell_counts(session)
        for child in self.children:
            for packed in child.told["reports"]:
                report = session.config.hook.pytest_report_from_serializable(
                    config=session.config, data=packed
                )
                replay.restore_tuples(report)
                session.config.hook.pytest_collectreport(report=report)

    def tell_counts(self, session):
        """What pytest's terminal counts by what it hears of each test."""
        count = sum(child.told["deselected"] for child in self.children)
        if count:
            session.config.hook.pytest_deselected(items=[None] * count)
        terminal = session.config.pluginmanager.get_plugin("terminalreporter")
        if hasattr(terminal, "_numcollected"):
            told = [file.told for file in self.files.values() if file.told is not None]
            terminal._numcollected += count + sum(len(each.ids) for each in told)

    def describe_tests(self, session):
        """The descriptions of all tests, as JSON, joined by commas."""
        describer = collect.Describer(session.config)
        parts, at = [], 0
        for fragment in self.fragments:
            if isinstance(fragment, list):
                ids = self.ids[at : at + len(fragment)]
                data = [describer.describe(item, name) for item, name in zip(fragment, ids)]
                at += len(fragment)
                fragment = replay.encode(data)[1:-1]
            else:
                at += self.runs[len(parts)][0]
            parts.append(fragment)
        self.fragments = ()
        return b",".join(parts)
