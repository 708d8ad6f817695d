"""The reports of tests that passed, as pytest's terminal keeps them, in little memory.

The terminal holds on to the report of every test until the end of the run, and nobody reads
most of them. Here such a report takes 40 bytes, and is built when somebody asks for it; until
then its item is not touched either, whose memory the zygote shares with the workers.
"""

import array
import math
import weakref

PHASES = ("setup", "call", "teardown")


class PassedReports(list):
    """Looks like a list of reports. build(number, worker, data) makes one of what remember() was
    told; who holds one gets the same one again. What does more than read or append turns it
    into a plain list."""

    def __init__(self, reports, build):
        list.__init__(self)
        self._build = build
        self._tests = array.array("q")  # number of the test * 3 + phase; -1 - n: _others[n]
        self._workers = []
        self._times = array.array("d")  # three of each: duration, start, stop
        self._others = []
        self._made = weakref.WeakValueDictionary()
        self.extend(reports)

    def remember(self, number, worker, data):
        """data: [when, duration, start, stop], with None for what this pytest does not tell."""
        when, *times = data
        self._tests.append(number * len(PHASES) + PHASES.index(when))
        self._workers.append(worker)
        self._times.extend(math.nan if time is None else time for time in times)

    def append(self, report):
        self._others.append(report)
        self._tests.append(-len(self._others))
        self._workers.append(None)
        self._times.extend((0, 0, 0))

    def extend(self, reports):
        for report in reports:
            self.append(report)

    def __len__(self):
        return len(self._tests)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return [self._get(i) for i in range(*index.indices(len(self)))]
        return self._get(range(len(self))[index])

    def __iter__(self):
        index = 0
        while index < len(self):
            yield self._get(index)
            index += 1

    def _get(self, index):
        test = self._tests[index]
        if test < 0:
            return self._others[-1 - test]
        report = self._made.get(index)
        if report is None:
            number, phase = divmod(test, len(PHASES))
            times = self._times[3 * index : 3 * index + 3]
            data = [PHASES[phase], *(None if math.isnan(time) else time for time in times)]
            report = self._made[index] = self._build(number, self._workers[index], data)
        return report


class PlainReports(list):
    """What has become of one."""

    # As much room in memory as its counterpart's, or Python would not let it change.
    def __init__(self):
        raise TypeError("made of PassedReports only")


def _plainly(name):
    method = getattr(list, name)

    def call(self, *args, **kwargs):
        reports = [self._get(i) for i in range(len(self))]
        self.__class__ = PlainReports
        self.__dict__.clear()
        list.extend(self, reports)
        return getattr(list, name)(self, *args, **kwargs)

    call.__name__ = method.__name__
    return call


def _added_to(self, other):
    return other + list(self)


for _name in (
    "__add__ __contains__ __delitem__ __eq__ __ge__ __gt__ __iadd__ __imul__ __le__ __lt__ __mul__"
    " __ne__ __reduce_ex__ __repr__ __reversed__ __rmul__ __setitem__ clear copy count index insert"
    " pop remove reverse sort"
).split():
    setattr(PassedReports, _name, _plainly(_name))
PassedReports.__radd__ = _added_to
