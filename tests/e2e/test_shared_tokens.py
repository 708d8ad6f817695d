"""The jobserver of a make above: pipes of GNU Make 4.3, the named pipe of 4.4, and both mixed."""

import json
import os
import pathlib
import shutil
import sys

import pytest

SOURCE = pathlib.Path(os.environ.get("ROWLOCK_SRCDIR", pathlib.Path(__file__).parents[2]))
MAKE44 = SOURCE / ".tools/make/bin/make"

needs_44 = pytest.mark.skipif(
    not MAKE44.exists(), reason="no GNU Make 4.4 in .tools (./bootstrap --ci installs it)"
)
# What runs above, and what Rowlock itself runs.
PAIRS = [
    pytest.param((["make"], "make"), id="system"),
    pytest.param(([str(MAKE44)], str(MAKE44)), id="fifo", marks=needs_44),
    pytest.param(([str(MAKE44)], "make"), id="fifo-above-system", marks=needs_44),
    pytest.param(
        ([str(MAKE44), "--jobserver-style=pipe"], str(MAKE44)), id="pipe", marks=needs_44
    ),
    pytest.param((["make"], str(MAKE44)), id="system-above-44", marks=needs_44),
]

# Shows itself in a folder while it runs, and notes whom it sees there.
JOB = "mkdir jobs/{name}; {work}; echo $(ls jobs) >> seen; rmdir jobs/{name}"


@pytest.fixture(params=PAIRS)
def outer_make(project, request):
    """Runs the outer make with these words."""
    outer, inner = request.param

    def run(*words):
        return project.run([*outer, "-k", *words], env={"ROWLOCK_MAKE": inner})

    run.inner = inner
    return run


def seen_by_jobs(project):
    """What each job has noted since this was called last."""
    lines = project.path("seen").read_text().splitlines()
    project.path("seen").unlink()
    return [line.split() for line in lines]


def test_compilation_and_tests_share_the_jobs(project, outer_make):
    cc = shutil.which("cc") or shutil.which("gcc")
    if cc is None:
        pytest.skip("there is no C compiler")
    project.path("jobs").mkdir()
    tests = []
    for i in range(20):
        weight = 3 if i % 7 == 3 else 1
        names = [f"t{i}-{k}" for k in range(weight)]
        folders = " ".join(f"jobs/{n}" for n in names)
        script = JOB.format(name=names[0], work=f"mkdir -p {folders}; sleep 0.04")
        script += "".join(f"; rmdir jobs/{n}" for n in names[1:])
        tests.append({"id": f"t{i}", "command": ["sh", "-c", script], "weight": weight})
    project.write("tests.json", json.dumps({"rowlock": 1, "tests": tests}))
    for i in range(12):
        project.write(f"x{i}.c", f"int x{i}(int a) {{ return a + {i}; }}\n")
    compile_one = JOB.replace("$", "$$").format(name="$@", work=f"{cc} -c $< && sleep 0.04")
    project.write(
        "Makefile",
        f"all: check {' '.join(f'x{i}.o' for i in range(12))}\n"
        f"%.o: %.c; @{compile_one}\n"
        "check: ; +rowlock parallel\n",
    )
    made = outer_make("-j4", "all")
    assert made.returncode == 0 and "20 passed" in made.stdout, made
    assert "INTERNAL" not in made.stderr, made
    # A test that sees no other one at work for half a second starts with fewer tokens than its
    # weight: the compiler may have them all.
    seen = [{name.split("-")[0] for name in names} for names in seen_by_jobs(project)]
    assert len(seen) == 32 and 1 < max(map(len, seen)) <= 4
    made = outer_make("-j4", "check")
    assert made.returncode == 0 and "20 passed" in made.stdout, made
    seen = seen_by_jobs(project)
    assert len(seen) == 20 and 1 < max(map(len, seen)) <= 4


def test_who_collects_takes_tokens_that_are_to_spare(project, outer_make):
    """One for each further worker that collects, back when all is collected."""
    for i in range(4):
        project.write(f"test_{i}.py", "def test(): pass\n")
    project.write("count.py", COUNT)
    project.write(
        "Makefile",
        "spare: both; +@" + sys.executable + " count.py\n"
        "both: ; +@rowlock parallel -v -n 3 --parallel-collect\n"
        "all: busy one\n"
        "busy: ; @until [ -e done ]; do sleep 0.02; done\n"
        "one: ; +@rowlock parallel -v -n 3 --parallel-collect; touch done\n",
    )
    made = outer_make("-j4", "spare")
    assert made.returncode == 0 and "4 passed" in made.stdout, made
    assert "tokens: 3" in made.stdout and "INTERNAL" not in made.stderr, made
    assert "one process has collected" not in made.stderr
    collected = json.loads(project.path(".rowlock/last/pytest.json").read_text())
    assert sum(n for n, _ in collected["collected_by"]) == 4
    made = outer_make("-j2", "all")
    assert made.returncode == 0 and "4 passed" in made.stdout, made
    assert "INTERNAL" not in made.stderr, made
    assert "one process has collected all tests: the outer make had no token" in made.stderr


# Reads all tokens that make has to give, and puts them back. Waits for those that are still out.
COUNT = """
import os, re, sys, time
auth = re.findall(r"--jobserver-(?:auth|fds)=(\\S+)", os.environ["MAKEFLAGS"])[-1]
if auth.startswith("fifo:"):
    into = out = os.open(auth[5:], os.O_RDWR | os.O_NONBLOCK)
else:
    r, w = auth.split(",")
    into, out = os.open(f"/proc/self/fd/{r}", os.O_RDONLY | os.O_NONBLOCK), int(w)
for _ in range(250):
    tokens = b""
    try:
        while len(tokens) < 100:
            tokens += os.read(into, 1)
    except BlockingIOError:
        pass
    os.write(out, tokens) if tokens else None
    if len(tokens) >= 3:
        break
    time.sleep(0.02)
print("tokens:", len(tokens))
"""

PARENT = "read -r a b c pp rest < /proc/{of}/stat; "
ENDS = {
    "fails": "exit 1",
    "crashes": "kill -SEGV $$",
    "runs too long": "sleep 60",
    "kills its rowlock-exec": "kill -9 $PPID; sleep 60",
    "kills the outer one": PARENT.format(of="$PPID") + "kill -9 $pp; sleep 60",
    "kills both": PARENT.format(of="$PPID") + "kill -STOP $PPID; kill -9 $pp $PPID; sleep 60",
    "terminates rowlock": PARENT.format(of="$PPID")
    + PARENT.format(of="$pp")
    + PARENT.format(of="$pp")
    + "kill -TERM $pp; sleep 60",
    "kills rowlock": PARENT.format(of="$PPID")
    + PARENT.format(of="$pp")
    + PARENT.format(of="$pp")
    + "kill -9 $pp; sleep 60",
}


@pytest.mark.parametrize("end", [e for e in ENDS if e != "kills both"])
@pytest.mark.parametrize("outer_make", [PAIRS[0], PAIRS[1]], indirect=True)
def test_tokens_come_back(project, outer_make, end):
    heavy = {"id": "heavy", "command": ["sh", "-c", ENDS[end]], "weight": 3, "timeout": 0.5}
    more = [{"id": f"fine{i}", "command": ["true"]} for i in range(4)]
    project.write("tests.json", json.dumps({"rowlock": 1, "tests": [heavy, *more]}))
    project.write("count.py", COUNT)
    project.write(
        "Makefile",
        "count: check; +@" + sys.executable + " count.py\n"
        "check: ; -+@rowlock parallel -n 4\n"
        "again: count; +@rowlock parallel -k fine\n",
    )
    made = outer_make("-j4", "again")
    assert made.returncode == 0, made
    assert made.stdout.count("4 passed") in (1, 2), made  # of the second run at least
    assert "tokens: 3" in made.stdout and "INTERNAL" not in made.stderr, made
    assert [p for p in project.processes() if "sleep" in p] == []


def test_nothing_hangs_when_nobody_can_return_them(project):
    """Both processes that hold a heavy group's tokens are killed."""
    heavy = {"id": "heavy", "command": ["sh", "-c", ENDS["kills both"]], "weight": 3}
    more = [{"id": f"fine{i}", "command": ["true"]} for i in range(20)]
    more += [{"id": f"heavy{i}", "command": ["true"], "weight": 4} for i in range(2)]
    project.write("tests.json", json.dumps({"rowlock": 1, "tests": [heavy, *more]}))
    done = project.rowlock("parallel", "-n", "4", "--report-json", "report.json", timeout=60)
    assert done.returncode == 1
    outcomes = project.outcomes()
    assert outcomes.pop("heavy") == "crashed" and set(outcomes.values()) == {"passed"}
    done = project.rowlock("parallel", "-n", "4", "-k", "fine", timeout=60)
    assert done.returncode == 0 and "20 passed" in done.stdout
