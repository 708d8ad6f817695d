"""The server's part for workers that start as interpreters of their own."""

import json
import sys
import time

from rowlock_pytest import channel, covering, pairing, records
from rowlock_pytest.child import Child

MOST_FAILURES = 3
REQUEST_SECONDS = 10


class Spawning:
    """children: a Child for each worker that was started while the zygote collected."""

    def __init__(self, server, spawner, children):
        self.server = server
        self.spawner = spawner
        self.children = children
        self.failures = {}  # slot -> [how often its worker did not start, what to say]
        server.foreign.difference_update(child.pid for child in children)

    def open(self):
        covering.leave_to_workers(self.server.session.config)
        for child in self.children:
            self.server.adopt(child, [])
            if child.ids is not None:
                self.collected(child, child.ids)
            for kind, payload in child.early:
                self.server.heard(child, kind, payload)

    def start(self, slot, waiting):
        count, said = self.failures.get(slot, (0, None))
        if count >= MOST_FAILURES:
            for conn in waiting:
                self.refuse(conn, *said)
            return
        for conn in waiting:
            self.server.send(conn, records.wait_frame(True))
        self.server.adopt(self.spawner.start(slot), waiting)

    def heard(self, child, kind, payload):
        if kind == channel.COLLECTED:
            self.collected(child, json.loads(payload)["ids"])
        elif kind == channel.MISSING:
            self.server.guarded(self.missing, child, json.loads(payload))

    def collected(self, child, ids):
        """The worker is ready. Its tests have numbers of its own."""
        planned = self.server.ids
        if ids != planned:
            child.numbers = [None] * len(ids)
            for number, place in enumerate(map(pairing.pair(planned, ids).get, planned)):
                if place is not None:
                    child.numbers[place] = number
        self.failures.pop(child.slot, None)
        if child.state == Child.STARTING:
            child.state = Child.IDLE
            self.server.ready(child)
            for conn in child.waiting:
                self.server.send(conn, records.wait_frame(False))
            self.server.advance(child)

    def missing(self, child, name):
        """The client has been told; the hooks of the controller are told here."""
        number = self.server.tests.get(records.encode(name))
        if number is not None:
            text = "collected by itself and did not find this test"
            self.server.replayer.not_started(number, child.name, text)

    # Workers that do not start.

    def failed(self, child):
        text = f"did not start: {child.describe_end()}"
        printed = self.spawner.printed(child.slot)
        print(f"worker {child.name} {text}\n{printed}", file=sys.stderr)
        count, _ = self.failures.get(child.slot, (0, None))
        said = (child.name, text, printed)
        self.failures[child.slot] = (count + 1, said)
        while child.waiting:
            self.refuse(child.waiting.popleft(), *said)

    def refuse(self, conn, name, text, printed):
        """Says of each test that a client wants why it cannot run."""
        conn.settimeout(REQUEST_SECONDS)
        link = channel.Channel(conn.detach())
        try:
            _, payload = link.read_frame()
            _, _, wanted = records.parse_run(payload)
            for index, test, _ in wanted:
                fields = records.Fields()
                fields.add(records.MESSAGE, f"worker {name} {text}")
                fields.add_text(records.DETAIL, printed)
                usage = records.Usage(time.time_ns())
                link.send(records.record_frame(index, records.RESULT, records.ERROR, usage, fields))
                number = self.server.tests.get(test)
                if number is not None:
                    said = f"{text}\n{printed}"
                    self.server.guarded(self.server.replayer.not_started, number, name, said)
            link.send(records.end_frame(False))
        except (channel.Gone, records.BadFrame, OSError):
            pass  # a client that is gone has nothing to hear
        link.close()
