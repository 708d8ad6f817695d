"""A worker that has collected a part of the tests, and collects more of them when it gets
tests of other files."""

from rowlock_pytest import isolate
from rowlock_pytest.worker import Worker


class TogetherWorker(Worker):
    def become(self, base, random_state, signals):
        """Half of it was done before it collected."""
        return isolate.settle(
            self.config,
            self.settings,
            self.slot,
            base,
            random_state,
            self.attach,
            self.node,
        )
