"""Random suites in real runs: what the journal says must agree with what the tests ask for.

The seed of a suite is part of the test's id. More of them, and others:

    ROWLOCK_PLANS=200 ROWLOCK_SEED=7000 python3 -m pytest tests/e2e/test_random_plans.py
"""

import json
import os
import random

import journal

import pytest

FIRST = int(os.environ.get("ROWLOCK_SEED", "1"))
COUNT = int(os.environ.get("ROWLOCK_PLANS", "8"))
DISTS = ["load", "load", "worksteal", "loadgroup"]


def make_test(rng, names, workers):
    pause = f"{rng.choice([0, 0.003, 0.01, 0.03]):.3f}"
    fails = rng.random() < 0.05
    test = {"id": f"t{len(names)}", "markers": ["chosen"] if rng.random() < 0.9 else []}
    if rng.random() < 0.4:
        test["format"] = "tap"
        word = "not ok" if fails else "ok"
        test["command"] = ["sh", "-c", f"echo 1..2; sleep {pause}; echo ok 1; echo {word} 2"]
    elif fails:
        test["command"] = ["sh", "-c", f"sleep {pause}; exit 1"]
    else:
        test["command"] = ["sleep", pause]
    if rng.random() < 0.4:
        test["locks"] = rng.sample(["db", "net", "gpu", "disk"], rng.randint(1, 2))
    if rng.random() < 0.2:
        test["weight"] = rng.randint(2, workers + 1)
    if rng.random() < 0.1:
        test["markers"].append("serial")
    if names and rng.random() < 0.25:
        test["depends"] = rng.sample(names, min(len(names), rng.randint(1, 2)))
    return test


def make_suite(seed):
    rng = random.Random(seed)
    workers = rng.randint(1, 4)
    tests = []
    for _ in range(rng.randint(5, 40)):
        tests.append(make_test(rng, [t["id"] for t in tests], workers))
    rng.shuffle(tests)
    return tests, workers, rng.choice(DISTS)


def is_serial(test):
    return "serial" in test.get("markers", ())


def overlap(a, b):
    return a.start < b.end and b.start < a.end


def check(tests, workers, records):
    """tests: those selected, in the manifest's order; test i has the number i."""
    by_id = {}
    for record in records:
        if record.kind == journal.RESULT:
            test_id = tests[record.test]["id"]
            assert test_id not in by_id, f"{test_id} ran twice"
            by_id[test_id] = record
    assert sorted(by_id) == sorted(t["id"] for t in tests), "each selected test runs once"
    # Those that were skipped for what they depend on have not run.
    ran = [(t, by_id[t["id"]]) for t in tests if by_id[t["id"]].outcome != "skipped"]
    for i, (a, one) in enumerate(ran):
        for b, two in ran[:i]:
            pair = f"{a['id']} and {b['id']}"
            if overlap(one, two):
                assert not set(a.get("locks", ())) & set(b.get("locks", ())), f"{pair} share a lock"
                assert not is_serial(a) and not is_serial(b), f"{pair}: one is serial"
                assert one.slot != two.slot, f"{pair} are one worker's"
        for name in a.get("depends", ()):
            if name in by_id:
                assert by_id[name].outcome == "passed", f"{a['id']} ran without {name}"
                assert by_id[name].end <= one.start, f"{a['id']} did not wait for {name}"
        # The sum is largest at the start of some test.
        weights = [
            min(b.get("weight", 1), workers)
            for b, two in ran
            if two.start <= one.start < two.end or b is a
        ]
        assert sum(weights) <= workers, f"{sum(weights)} of {workers} when {a['id']} starts"
    for test in tests:
        if by_id[test["id"]].outcome == "skipped":
            before = [by_id[n].outcome for n in test.get("depends", ()) if n in by_id]
            assert any(outcome != "passed" for outcome in before), f"{test['id']} is skipped"


@pytest.mark.parametrize("seed", range(FIRST, FIRST + COUNT))
def test_a_run_keeps_its_promises(project, seed):
    tests, workers, dist = make_suite(seed)
    project.write("tests.json", json.dumps({"rowlock": 1, "tests": tests}))
    chosen = [t for t in tests if "chosen" in t["markers"]]
    # The first run knows no durations, the second one does.
    for _ in range(2):
        done = project.rowlock("parallel", "-n", str(workers), "--dist", dist, "-m", "chosen")
        assert done.returncode in (0, 1), done
        check(chosen, workers, journal.records(project.path(".rowlock/last/journal")))


def test_the_checks_can_fail():
    def record(test, start, end, slot=0):
        return journal.Record(test, journal.RESULT, "passed", slot, start, end)

    both = [record(0, 0, 10), record(1, 5, 15, 1)]
    for tests in (
        [{"id": "a", "locks": ["x"]}, {"id": "b", "locks": ["x", "y"]}],
        [{"id": "a", "markers": ["serial"]}, {"id": "b"}],
        [{"id": "a", "weight": 2}, {"id": "b"}],
        [{"id": "a"}, {"id": "b", "depends": ["a"]}],
    ):
        with pytest.raises(AssertionError):
            check(tests, 2, both)
    plain = [{"id": "a"}, {"id": "b"}]
    check(plain, 2, both)
    for records in (both[:1], [*both, record(1, 20, 30)], [both[0], record(1, 5, 15)]):
        with pytest.raises(AssertionError):
            check(plain, 2, records)
