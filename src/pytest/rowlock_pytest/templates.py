"""The templates of a run, as the zygote sees them: which slot has forks of which one, and when one
is done with.

A test that runs writes to every page of its item (reference counts). So workers end with copies of
what their template has collected, and a template that stays is one copy too many. It ends once
each of its slots has a worker. A slot that needs another one after that, because its worker has
died or other files are to be run there, gets a fork of the zygote, which collects that share again
before anything runs in it (togetherworker.py).

Templates stay until the run ends where that would save little, and where a second collection might
find other tests: where there are ids that the run before did not have, and that say more than the
names of functions.
"""

import contextlib
import sys

from rowlock_pytest import channel, earlier, replay, template
from rowlock_pytest.shares import merge_warnings


# For each collector: fewer tests than that take too little memory for it to be worth a collection.
MANY_TESTS = 1000


class Templates:
    def __init__(self, together):
        self.together = together
        self.alive = {}  # slot of the collector -> Template
        self.ended = []  # those that are to be reaped
        self.origins = {}  # slot -> that of the template whose forks it is to have
        self.unserved = {}  # slot of the collector -> the slots that have had no worker yet
        self.stay = False
        self.ran = bytearray()  # by the number of a test: whether it has run

    def open(self, server):
        """The collectors become templates, and are asked for a worker each."""
        together = self.together
        children, together.children = together.children, []
        self.ran = bytearray(len(together.ids))
        few = len(together.ids) < MANY_TESTS * together.shares
        self.stay = self.has_new_ids(children) or few
        if not self.stay:
            together.cost_ms = max(child.told["cost_ms"] for child in children)
        files = together.files.values()
        layout = {
            "total": len(together.ids),
            "files": {f.key: [f.first, f.count, f.mark, f.owner] for f in files},
            "cost_ms": together.cost_ms,
        }
        data = replay.encode(layout)
        for slot in range(together.settings.workers):
            self.unserved.setdefault(slot % together.shares, set()).add(slot)
        for child in children:
            made = template.Template(together.settings, child)
            with contextlib.suppress(channel.Gone):
                made.send(channel.LAYOUT, data)
                made.order(child.slot, server.prepare_node(child.slot))
            self.alive[child.slot] = made
        for message in merge_warnings([child.told["warnings"] for child in children]):
            server.guarded(server.replayer.warning, message)
        for child in children:
            child.told = None

    def has_new_ids(self, children):
        """Tells the next run of the ids of this one."""
        rundir = self.together.settings.rundir
        told = [each for child in children for each in child.told["files"]]
        digests = {each["key"]: each["digest"] for each in told if each["digest"]}
        before = earlier.read_digests(rundir)
        earlier.write_digests(rundir, digests)
        return any(before.get(key) != digest for key, digest in digests.items())

    def welcome(self, server):
        """The workers that open() has asked for."""
        for made in list(self.alive.values()):
            child = self.finish(made)
            if child is not None:
                server.adopt(child, [])

    def finish(self, made):
        """The worker that was asked for; without a template if that is of no use any more."""
        try:
            if made.waiting is None:
                raise channel.Gone("not there")
            child = made.finish()
        except channel.Gone as error:
            print(f"a process that has collected is gone: {error}", file=sys.stderr)
            self.end(made)
            return None
        waiting = self.unserved[made.child.slot]
        waiting.discard(child.slot)
        if not waiting and not self.stay:
            self.end(made)
        return child

    def end(self, made):
        del self.alive[made.child.slot]
        self.ended.append(made)
        made.end(self.together.session.config)

    def origin_of(self, slot):
        return self.origins.get(slot, slot % self.together.shares)  # as in src/run/affinity.c

    def hand_over(self, slot, owner):
        """That slot is to have workers with the files of that collector from now on."""
        if self.origin_of(slot) == owner:
            self.ran = bytearray(len(self.ran))  # tests run again: nothing is to be left out
        self.origins[slot] = owner

    def start_worker(self, server, slot):
        """A new worker for the slot; None if the zygote is to fork one."""
        if not self.together.done:
            return None
        made = self.alive.get(self.origin_of(slot))
        if made is None:
            return None
        with contextlib.suppress(channel.Gone):
            made.order(slot, server.prepare_node(slot))
        return self.finish(made)

    def enter_fork(self, worker):
        """A worker that the zygote forks has collected only what the zygote has."""
        if self.together.done:
            from rowlock_pytest.togetherworker import Share

            self.together.become_worker()
            for made in [*self.alive.values(), *self.ended]:
                made.child.close()
            worker.share = Share(self.together, None, self.origin_of(worker.slot))

    def note_run(self, number):
        """The test of that number has run."""
        if self.ran:
            self.ran[number] = 1

    def has_run_all(self, file):
        """Whether all tests of a file have run by now."""
        return 0 not in self.ran[file.first : file.first + file.count]

    def end_all(self):
        """No more workers will be wanted."""
        for made in list(self.alive.values()):
            self.end(made)

    def reap(self):
        for made in self.ended:
            made.reap(self.together.settings.grace)
        self.ended = []
