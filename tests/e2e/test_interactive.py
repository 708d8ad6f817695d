"""--pdb and --trace: pytest talks with its user in the terminal, and there are no workers."""

import os
import pty
import select
import subprocess
import time

import pytest

pytestmark = pytest.mark.slow  # each case runs whole programs, more than once

FAILED, INTERRUPTED, USAGE = 1, 2, 4

SUITE = """
def test_good(worker_id): assert worker_id == "master"
def test_bad():
    local = "marmalade"
    assert not local
def test_other(): pass
"""


class Terminal:
    """A program in a terminal of its own."""

    def __init__(self, project, *args):
        self.master, slave = pty.openpty()
        env = {key: str(value) for key, value in project.env.items()}
        self.child = subprocess.Popen(
            [project.program, *args],
            cwd=project.root,
            env=dict(env, TERM="dumb"),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.text = ""

    def read(self, wanted, timeout=120):
        """Reads until the text appears; None: to the end."""
        deadline = time.monotonic() + timeout
        before = len(self.text)
        while wanted is None or wanted not in self.text[before:]:
            assert time.monotonic() < deadline, self.text
            if not select.select([self.master], [], [], 1)[0]:
                continue
            try:
                data = os.read(self.master, 4096)
            except OSError:
                data = b""  # nobody has the other end any more
            self.text += data.decode("utf-8", "replace")
            if not data:
                break
        assert wanted is None or wanted in self.text[before:], self.text

    def write(self, line):
        os.write(self.master, line.encode() + b"\n")

    def wait(self):
        self.read(None)
        return self.child.wait(timeout=120)


@pytest.fixture
def terminal(project):
    project.write("test_x.py", SUITE)
    opened = []

    def start(*args):
        opened.append(Terminal(project, *args))
        return opened[-1]

    yield start
    for one in opened:
        one.child.kill()
        one.child.wait()
        os.close(one.master)


@pytest.mark.parametrize("args", [[], ["-n", "auto"], ["-n0"], ["parallel"]], ids=" ".join)
def test_debugger_after_a_failure(terminal, args):
    session = terminal(*args, "--pdb")
    session.read("(Pdb)")
    session.write("p local.upper()")
    session.read("'MARMALADE'")
    session.write("c")
    assert session.wait() == FAILED
    assert "1 failed, 2 passed" in session.text


def test_quitting_the_debugger(terminal):
    session = terminal("--pdb")
    session.read("(Pdb)")
    session.write("q")
    assert session.wait() == INTERRUPTED
    assert "1 failed, 1 passed" in session.text


def test_trace(terminal):
    session = terminal("--trace", "-n", "auto", "-k", "good")
    session.read("(Pdb)")
    session.write("c")
    assert session.wait() == 0
    assert "1 passed" in session.text


def test_addopts_may_ask_for_workers(project, terminal):
    project.write("pytest.ini", "[pytest]\naddopts = -n auto --dist loadscope\n")
    session = terminal("--pdb", "--pdbcls", "pdb:Pdb")
    session.read("(Pdb)")
    session.write("c")
    assert session.wait() == FAILED


@pytest.mark.parametrize("option", ["--pdb", "--trace"])
@pytest.mark.parametrize(
    "workers", [["-n", "2"], ["parallel", "-n2"], ["-d", "--tx", "2*popen"]], ids=" ".join
)
def test_no_debugger_in_workers(project, workers, option):
    """pytest-xdist refuses --pdb in these words; --trace would hang there."""
    project.write("test_x.py", SUITE)
    done = project.rowlock(*workers, option)
    assert done.returncode == USAGE, done
    words = f"{option} is incompatible with distributing tests; try using -n0 or -nauto."
    assert words in done.stderr


def test_native_tests_are_named_as_left_out(project):
    project.write("test_x.py", SUITE)
    project.manifest(
        {"id": "native", "command": ["true"]},
        suites=[{"name": "py", "format": "pytest", "paths": ["test_x.py"]}],
    )
    done = project.rowlock("--pdb", "-k", "good")
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done
    assert "left out" in done.stderr


def test_native_tests_know_no_debugger(project):
    project.manifest({"id": "native", "command": ["true"]})
    done = project.rowlock("--pdb")
    assert done.returncode == USAGE, done
    assert "--pdb" in done.stderr and "pytest" in done.stderr
