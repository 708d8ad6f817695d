"""Frames, connections and the zygote's own life."""

import os
import platform
import signal
import struct
import subprocess
import sys
import time

from client import ENTRY, PATIENCE, is_alive, wait_for

import pytest

TWO = """
    def test_one(): print("one speaks")
    def test_two(): assert [1] == [2], "two differs"
"""


def test_a_group_gives_start_and_record_per_test_then_the_end(suite):
    before = time.time_ns()
    with suite(test_x=TWO).zygote() as zygote:
        group = zygote.run(0, 1)
        assert group.order == "SJSJE"
        assert group.left_out == 0
        assert [index for index, _ in group.started] == [0, 1]
        first, second = group.records
        assert (first.index, first.kind, first.outcome) == (0, "result", "passed")
        assert first.stdout == "one speaks\n"
        assert (second.index, second.outcome) == (1, "failed")
        assert second.message.startswith("AssertionError: two differs")
        assert second.location == "test_x.py:3"
        assert "assert [1] == [2]" in second.detail
        for record in group.records:
            assert before < record.start_ns < time.time_ns()
            assert 0 < record.wall_ns < PATIENCE * 10**9
            assert 1 << 20 < record.peak < 1 << 34
        assert zygote.finish()[0] == 1


def test_the_index_is_the_clients_own(suite):
    with suite(test_x=TWO).zygote() as zygote:
        conn = zygote.connect()
        conn.send_run(0, [(4000000000, zygote.ids[1]), (7, zygote.ids[0])])
        group = zygote.collect(conn)
        assert [r.index for r in group.records] == [4000000000, 7]
        assert [r.outcome for r in group.records] == ["failed", "passed"]


def test_one_worker_serves_all_groups_of_its_slot(suite):
    with suite(test_x=TWO).zygote() as zygote:
        first = zygote.run(0)
        second = zygote.run(1)
        other = zygote.run(0, slot=1)
        assert first.pid == second.pid != other.pid
        assert is_alive(first.pid)
        zygote.finish()
        assert not is_alive(first.pid)
        assert not is_alive(other.pid)


def test_two_slots_run_side_by_side(suite):
    text = """
        import os, time
        HERE = os.path.dirname(__file__)
        def meet(mine, other):
            open(os.path.join(HERE, mine), "w").close()
            while not os.path.exists(os.path.join(HERE, other)):
                time.sleep(0.01)
        def test_a(): meet("a", "b")
        def test_b(): meet("b", "a")
    """
    with suite(test_x=text).zygote() as zygote:
        one = zygote.begin(0, slot=0)
        two = zygote.begin(1, slot=1)
        assert zygote.collect(one).outcomes == ["passed"]
        assert zygote.collect(two).outcomes == ["passed"]


def test_ping_is_answered_at_once_and_the_connection_stays(suite):
    with suite(test_x=TWO).zygote() as zygote, zygote.connect() as conn:
        for _ in range(2):
            conn.send("P")
            assert conn.read() == ("Q", struct.pack("<i", 0))
        conn.send_run(0, [(0, zygote.ids[0])])
        assert zygote.collect(conn).outcomes == ["passed"]


def test_finish_without_a_worker(suite):
    with suite(test_x=TWO).zygote() as zygote:
        status, group = zygote.finish()
        assert (status, group.order) == (0, "Q")


def test_a_frame_may_come_in_pieces(suite):
    with suite(test_x=TWO).zygote() as zygote, zygote.connect() as conn:
        name = zygote.ids[0].encode()
        payload = struct.pack("<IIIIII", 0, 0, 1, 5, 0, len(name)) + name
        for byte in struct.pack("<IB", len(payload), ord("R")) + payload:
            conn.sock.sendall(bytes([byte]))
            time.sleep(0.001)
        group = zygote.collect(conn)
        assert group.outcomes == ["passed"]
        assert group.records[0].index == 5


@pytest.mark.parametrize(
    "frame",
    [
        struct.pack("<IB", 0, ord("?")),
        struct.pack("<IB", 4, ord("P")) + b"abcd",
        struct.pack("<IBI", 4, ord("R"), 5000),
        b"GET / HTTP/1.0\r\n\r\n",
    ],
    ids=["unknown", "ping-with-payload", "slot-too-high", "http"],
)
def test_a_bad_client_is_dropped_and_harms_nobody(suite, frame):
    with suite(test_x=TWO).zygote() as zygote:
        with zygote.connect() as conn:
            conn.sock.sendall(frame)
            try:
                assert conn.read() is None
            except ConnectionResetError:
                pass
        assert zygote.run(0).outcomes == ["passed"]


def test_a_truncated_run_frame_costs_its_worker_only(suite):
    with suite(test_x=TWO).zygote() as zygote:
        conn = zygote.connect()
        conn.send("R", struct.pack("<III", 0, 0, 3))
        group = zygote.collect(conn)
        assert group.records == []
        assert group.wait_status is not None
        assert zygote.run(0).outcomes == ["passed"]


def test_an_id_that_was_not_collected_is_an_error_of_that_test(suite):
    with suite(test_x=TWO).zygote() as zygote:
        conn = zygote.connect()
        conn.send_run(0, [(3, "nowhere.py::test_none"), (4, zygote.ids[0])])
        group = zygote.collect(conn)
        assert [(r.index, r.outcome) for r in group.records] == [(3, "error"), (4, "passed")]
        assert "nowhere.py::test_none" in group.records[0].message


def test_a_long_path_of_the_temporary_folder(suite):
    with suite(test_x=TWO).zygote(deep=True) as zygote:
        assert len(str(zygote.temp_dir)) > 180
        assert zygote.run(0).outcomes == ["passed"]


def test_many_groups_at_once_wait_for_their_slot(suite):
    text = "".join(f"def test_{i}(): pass\n" for i in range(20))
    with suite(test_x=text).zygote() as zygote:
        conns = [zygote.begin(i, slot=i % 2) for i in range(20)]
        groups = [zygote.collect(conn) for conn in conns]
        assert all(group.outcomes == ["passed"] for group in groups)
        assert len({group.pid for group in groups}) == 2


def test_tests_may_repeat_in_the_same_worker(suite):
    with suite(test_x=TWO).zygote() as zygote:
        for _ in range(3):
            assert zygote.run(1, 0).outcomes == ["passed", "failed"]
        assert zygote.run(0, 0, 1, 1).order == "SJSJSJSJE"


@pytest.mark.skipif(platform.system() != "Linux", reason="reads /proc")
def test_nothing_of_a_session_outlives_it(suite):
    text = """
        import os, subprocess
        def test_daemon():
            # Two sessions away from the worker, so that only a subreaper finds it.
            subprocess.call("setsid sh -c 'setsid sleep 1000 & echo $! > daemon' ", shell=True)
            while not os.path.getsize("daemon"): pass
    """
    with suite(test_x=text).zygote() as zygote:
        assert zygote.run(0).outcomes == ["passed"]
        daemon = int((suite.path / "daemon").read_text())
        assert is_alive(daemon)
        zygote.finish()
        wait_for(lambda: not is_alive(daemon), "the end of the daemon")


SLEEPER = """
    import os, subprocess, time
    def test_sleep():
        child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
        with open("pids.new", "w") as f:
            f.write("%d %d" % (os.getpid(), child.pid))
        os.rename("pids.new", "pids")
        time.sleep(1000)
"""


def _pids(suite):
    path = suite.path / "pids"
    wait_for(path.exists, "the test to start")
    return [int(pid) for pid in path.read_text().split()]


def test_the_end_of_the_watched_process_ends_everything(suite):
    watched = subprocess.Popen(["sleep", "1000"])
    try:
        with suite(test_x=SLEEPER).zygote(watch=watched.pid) as zygote:
            conn = zygote.begin(0)
            pids = _pids(suite)
            watched.kill()
            watched.wait()
            zygote.status()
            assert not any(is_alive(pid) for pid in pids)
            conn.close()
    finally:
        watched.kill()
        watched.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_zygote_ends_everything(suite, number):
    with suite(test_x=SLEEPER).zygote() as zygote:
        conn = zygote.begin(0)
        pids = _pids(suite)
        zygote.process.send_signal(number)
        assert zygote.status() != 0
        assert not any(is_alive(pid) for pid in pids)
        conn.close()


def test_kill_9_of_the_zygote_ends_everything(suite):
    with suite(test_x=SLEEPER).zygote() as zygote:
        conn = zygote.begin(0)
        pids = _pids(suite)
        children = f"/proc/{zygote.process.pid}/task/{zygote.process.pid}/children"
        with open(children) as f:
            (inner,) = f.read().split()
        os.kill(int(inner), signal.SIGKILL)
        assert zygote.status() == 128 + signal.SIGKILL
        wait_for(lambda: not any(is_alive(pid) for pid in pids), "the end of all")
        conn.close()


def test_kill_9_of_the_guard_ends_zygote_and_workers(suite):
    with suite(test_x=SLEEPER).zygote() as zygote:
        conn = zygote.begin(0)
        worker, orphan = _pids(suite)
        zygote.process.kill()
        wait_for(lambda: not is_alive(worker), "the end of the worker")
        assert conn.read() is not None
        conn.close()
        # Who starts a guard for itself, as the driver does, has to be a subreaper and end it.
        os.kill(orphan, signal.SIGKILL)


def test_the_watched_process_may_end_during_collection(suite):
    text = """
        import os, time
        open("collecting", "w").write(str(os.getpid()))
        time.sleep(1000)
    """
    suite(test_x=text)
    code = "import os, time\nwhile not os.path.exists('collecting'): time.sleep(0.01)"
    watched = subprocess.Popen([sys.executable, "-c", code], cwd=str(suite.path))
    with suite.zygote(watch=watched.pid) as zygote:
        watched.wait(PATIENCE)
        assert not zygote.ready
        assert zygote.status() != 0
        pid = (suite.path / "collecting").read_text()
        assert not pid or not is_alive(int(pid))


def test_wrong_arguments(suite):
    suite(test_x=TWO)
    command = [sys.executable, str(ENTRY), "--rowlock-temp", "x"]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 4
    assert b"usage: zygote.py" in done.stderr
