"""rowlock-exec --guard: nothing of what it has started outlives it or the watched process."""

import os
import signal
import subprocess
import sys

from client import BUILD, PATIENCE, is_alive, take_hangups, wait_for

import pytest

EXEC = str(BUILD / "rowlock-exec")
# Says that it is up, and with what it was ended.
WAITING = """
import os, signal, sys, time
def ended(number, frame):
    print("got", signal.Signals(number).name, flush=True)
    sys.exit(7)
for name in ("SIGTERM", "SIGINT", "SIGHUP"):
    signal.signal(getattr(signal, name), ended)
print(os.getpid(), flush=True)
time.sleep(1000)
"""
DEAF = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(os.getpid(), flush=True)
while True: time.sleep(1000)
"""
PARENT = """
import os, subprocess, sys
child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
print(child.pid, flush=True)
os._exit(3)
"""


def guarded(code, watch=None, grace="60000", **more):
    return subprocess.Popen(
        [EXEC, "--guard", str(watch or os.getpid()), grace, sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=take_hangups,
        **more,
    )


def test_what_it_leaves_ends_with_it():
    with guarded(PARENT) as guard:
        left = int(guard.stdout.readline())
        assert guard.wait(PATIENCE) == 3
        assert not is_alive(left)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_signals_go_on(name):
    with guarded(WAITING) as guard:
        assert guard.stdout.readline()
        guard.send_signal(getattr(signal, name))
        assert guard.stdout.readline() == f"got {name}\n"
        assert guard.wait(PATIENCE) == 7


def test_the_watched_process_takes_it_along():
    with subprocess.Popen(["sleep", "1000"]) as watched, guarded(WAITING, watched.pid) as guard:
        assert guard.stdout.readline()
        watched.kill()
        assert guard.stdout.readline() == "got SIGTERM\n"
        assert guard.wait(PATIENCE) == 7


def test_a_watched_process_that_has_gone_already():
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    with guarded(WAITING, gone.pid) as guard:
        assert guard.wait(PATIENCE) != 0


def test_what_does_not_end_is_killed():
    with guarded(DEAF, grace="0") as guard:
        pid = int(guard.stdout.readline())
        guard.send_signal(signal.SIGTERM)
        assert guard.wait(PATIENCE) == 128 + signal.SIGKILL
        assert not is_alive(pid)


def test_kill_9_takes_it_along():
    with guarded(DEAF) as guard:
        pid = int(guard.stdout.readline())
        guard.kill()
        wait_for(lambda: not is_alive(pid), "the end of what it has started")


def test_descriptors_go_on_and_do_not_stay():
    read_fd, write_fd = os.pipe()
    code = f"import os, time\nos.write({write_fd}, b'here')\nos.close({write_fd})\n" + WAITING
    with guarded(code, pass_fds=[write_fd]) as guard:
        os.close(write_fd)
        with open(read_fd, "rb") as pipe:
            assert pipe.read() == b"here"
        assert guard.stdout.readline()
        guard.terminate()
        assert guard.wait(PATIENCE) == 7


def run(*words):
    return subprocess.run([EXEC, *words], capture_output=True, text=True, check=False)


def test_what_cannot_be_started():
    done = run("--guard", str(os.getpid()), "0", "./no such program")
    assert done.returncode == 127
    assert done.stderr == "./no such program: No such file or directory\n"


@pytest.mark.parametrize("words", [["x", "0"], ["0", "0"], ["1", "-1"], ["1", ""], ["1", "1s"]])
def test_wrong_words(words):
    done = run("--guard", *words, "true")
    assert done.returncode == 4
    assert "--guard needs a process and a number of milliseconds" in done.stderr
