"""The history of runs in .rowlock/history.db, written and read by real runs."""

import contextlib
import json
import sqlite3

DAY = 24 * 3600


@contextlib.contextmanager
def database(project):
    db = sqlite3.connect(project.path(".rowlock/history.db"))
    with contextlib.closing(db), db:
        yield db


def rows(project, sql):
    with database(project) as db:
        return db.execute(sql).fetchall()


def durations(project):
    """What a run would expect, as rowlock list tells it."""
    done = project.rowlock("list", "--json")
    assert done.returncode == 0 and done.stderr == ""
    return {t["id"]: t["duration"] for t in json.loads(done.stdout)["tests"]}


def order(project):
    done = project.rowlock("parallel", "-n", "2", "--dry-run")
    return [line.split()[1] for line in done.stdout.splitlines() if line.startswith("    t")]


def test_runs_remember_per_test_and_machine_and_forget(project):
    names = ["a", "b", "c", "d"]
    project.manifest(*[{"id": n, "command": ["sh", "-c", "exit $((0))"]} for n in names])
    assert project.rowlock("parallel").returncode == 0
    known = rows(
        project,
        "SELECT name, runs, outcome, failed, peak > 0, seconds > 0 FROM result"
        " JOIN test ON test.id = test ORDER BY name",
    )
    assert known == [(n, 1, "passed", 0, 1, 1) for n in names]
    # On another kind of machine all took long, c longest of all.
    with database(project) as db:
        db.execute("UPDATE result SET seconds = 1 + 0.1 * test")
        db.execute("INSERT INTO machine (kind) VALUES ('another')")
        db.execute(
            "INSERT INTO result SELECT test, 2, 7, CASE name WHEN 'c' THEN 90 ELSE 50 END,"
            " outcome, failed, peak, at + 5 FROM result JOIN test ON test.id = test"
        )
        # Only there anybody has run d.
        db.execute(
            "DELETE FROM result WHERE machine = 1 AND test = (SELECT id FROM test WHERE name = 'd')"
        )
        ids = dict(db.execute("SELECT name, id FROM test"))
    assert durations(project) == {
        "a": 1 + 0.1 * ids["a"],
        "b": 1 + 0.1 * ids["b"],
        "c": 1 + 0.1 * ids["c"],
        "d": 50,
    }
    assert order(project)[0] == "d"
    # Here nothing is known any more: what the other machine has shown is better than nothing.
    with database(project) as db:
        db.execute("DELETE FROM result WHERE machine = 1")
    assert durations(project) == {"a": 50, "b": 50, "c": 90, "d": 50}
    assert order(project)[0] == "c"
    # c and d are gone from the project; c was last seen 91 days ago, d 89.
    with database(project) as db:
        for name, days in (("a", 91), ("c", 91), ("d", 89)):
            db.execute(
                "UPDATE result SET at = strftime('%s') - ? WHERE test = ?", (days * DAY, ids[name])
            )
    project.manifest(*[{"id": n, "command": ["true"]} for n in ("a", "b")])
    assert project.rowlock("parallel").returncode == 0
    left = rows(
        project,
        "SELECT name, machine FROM result JOIN test ON test.id = test ORDER BY name, machine",
    )
    assert left == [("a", 1), ("b", 1), ("b", 2), ("d", 2)]
    assert rows(project, "SELECT name FROM test ORDER BY name") == [("a",), ("b",), ("d",)]


def test_runs_at_once_write_one_history(project):
    """Two loops of runs side by side, the same tests and others: every run counts."""
    names = [f"t{i}" for i in range(60)]
    project.manifest(*[{"id": n, "command": ["true"]} for n in names])
    loop = 'for i in 1 2 3 4 5; do "$0" "$@" || exit; done'
    program = str(project.program)
    halves = [("-k", "t1 or t2"), ("-k", "t2 or t3"), ()]
    started = [
        project.spawn(["sh", "-c", loop, program, "parallel", "-q", "-n", "2", *words])
        for words in halves
    ]
    for child in started:
        out, err = child.communicate(timeout=120)
        assert child.returncode == 0 and err == b"", (out, err)
    runs = dict(rows(project, "SELECT name, runs FROM result JOIN test ON test.id = test"))
    expected = {
        n: 5 * (1 + any(c in n for c in ("t1", "t2")) + any(c in n for c in ("t2", "t3")))
        for n in names
    }
    assert runs == expected
    assert rows(project, "PRAGMA integrity_check") == [("ok",)]


def test_a_damaged_history_is_set_aside(project):
    """Whatever is wrong with it: the run goes on and says so once, and nothing is thrown away."""
    project.manifest({"id": "a", "command": ["true"]})
    history = project.path(".rowlock/history.db")
    assert project.rowlock("parallel").returncode == 0
    good = history.read_bytes()
    damages = {
        "no database": b"not a database at all " * 100,
        "cut": good[: len(good) // 2],
        "torn page": good[:4096] + b"\xa5" * 4096 + good[8192:],
        "a later version": good[:60] + (99).to_bytes(4, "big") + good[64:],
    }
    for what, damage in damages.items():
        history.write_bytes(damage)
        done = project.rowlock("parallel")
        assert done.returncode == 0 and "1 passed" in done.stdout, (what, done)
        assert done.stderr.count("it was set aside as") == 1, (what, done.stderr)
        [aside] = project.path(".rowlock").glob("history.db.damaged-*")
        assert aside.read_bytes() == damage, what
        aside.unlink()
        assert rows(project, "SELECT runs FROM result") == [(1,)], what
        assert project.rowlock("parallel").stderr == ""
