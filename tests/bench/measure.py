"""What one run of a command costs: wall time, CPU time, and the memory of all of its processes."""

import ctypes
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from typing import NamedTuple

PR_SET_CHILD_SUBREAPER = 36
SAMPLE_SECONDS = 0.05


class Failure(Exception):
    """A command failed; the message has the end of what it said."""


class Cost(NamedTuple):
    wall: float  # seconds
    cpu: float  # seconds, of the process and of all below it that were reaped


def adopt_orphans():
    """Processes whose parent ends become ours: their time counts, and samples find them."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap():
    """Waits for what a command has left behind."""
    try:
        while True:
            os.waitpid(-1, 0)
    except ChildProcessError:
        pass


def cpu_seconds():
    """Of all children that were reaped."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(argv, cwd, env=None, allowed=(0,)):
    """The Cost of one run. Failure, where the exit status is none of those allowed."""
    before, start = cpu_seconds(), time.monotonic()
    with tempfile.TemporaryFile() as said:
        done = subprocess.run(
            argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT
        )
        wall = time.monotonic() - start
        if done.returncode not in allowed:
            said.seek(0)
            text = said.read().decode(errors="replace")[-2000:]
            raise Failure(f"{' '.join(argv)}: status {done.returncode}\n{text}")
    reap()
    return Cost(wall, cpu_seconds() - before)


def descendants():
    """(pid, parent) of all processes below this one, from /proc."""
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    parent = int(file.read().rpartition(b")")[2].split()[1])
            except (OSError, IndexError, ValueError):
                continue
            children.setdefault(parent, []).append(int(name))
    found, todo = [], [os.getpid()]
    while todo:
        parent = todo.pop()
        below = children.get(parent, [])
        found += [(pid, parent) for pid in below]
        todo += below
    return found


def proportional_bytes(pid):
    """The proportional set size of a process (proc(5), smaps_rollup); 0 for one that has ended."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
            for line in file:
                if line.startswith(b"Pss:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def command_of(pid):
    """What a process was started as, in short; "" for one that has ended."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().decode(errors="replace").split("\0")[:-1]
    except OSError:
        return ""
    return " ".join([os.path.basename(word) for word in words[:2]] + words[2:4])[:60]


def peak_processes(argv, cwd, env=None, every=SAMPLE_SECONDS):
    """[(bytes, pid, parent, command)] of the sample of one run in which the proportional set sizes
    of all processes have the largest sum; every: seconds between two. Sampling costs time: such a
    run is not to be timed."""
    peak, most, ended = [], [0], threading.Event()

    def sample():
        while not ended.wait(every):
            seen = [(proportional_bytes(pid), pid, parent) for pid, parent in descendants()]
            total = sum(size for size, _, _ in seen)
            if total > most[0]:
                most[0] = total
                peak[:] = [(*process, command_of(process[1])) for process in seen]

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        run(argv, cwd, env, allowed=range(256))
    finally:
        ended.set()
        thread.join()
    return peak


def total(peak):
    """The bytes of all that peak_processes() has found."""
    return sum(process[0] for process in peak)


def peak_memory(argv, cwd, env=None, every=SAMPLE_SECONDS):
    """The bytes of that sample. Failure, where the command had ended before the first one."""
    found = total(peak_processes(argv, cwd, env, every))
    if not found:
        raise Failure(f"{' '.join(argv)}: ended before its memory was seen")
    return found


def medians(tools, rounds, cwd, allowed=(0,), tell=None):
    """{name: Cost of medians} of tools {name: (argv, env)}. Each round runs all of them one after
    another, so that a busy machine disturbs all alike. tell hears of each round, in words."""
    costs = {name: [] for name in tools}
    for number in range(1, rounds + 1):
        for name, (argv, env) in tools.items():
            costs[name].append(run(argv, cwd, env, allowed))
        if tell is not None:
            walls = ", ".join(f"{name} {seen[-1].wall:.2f} s" for name, seen in costs.items())
            tell(f"round {number} of {rounds}: {walls}")
    return {
        name: Cost(*(statistics.median(values) for values in zip(*seen)))
        for name, seen in costs.items()
    }
