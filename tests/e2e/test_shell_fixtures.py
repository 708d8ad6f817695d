"""The fixtures for shell scripts: the sample project tests/projects/shell-fixtures in each shell
that is there, run in parallel, in sequence and by itself; what crosses languages; what a script
leaves."""

import fcntl
import os
import re
import shutil
import signal

import doc_commands
import pytest
from support import HERE
from test_librowlock import SOURCE, compile_sample, is_sanitized

SAMPLE = HERE.parent / "projects" / "shell-fixtures"
SCRIPTS = sorted(path.stem for path in SAMPLE.glob("t/*.t"))
# sh is one of the others, or one more.
SHELLS = {
    os.path.realpath(shutil.which(shell[0])): shell
    for shell in (["sh"], ["dash"], ["bash"], ["busybox", "sh"])
    if shutil.which(shell[0])
}.values()
SOURCING = '. "$(rowlock --shell-fixtures)"\n'


@pytest.fixture
def sample(project):
    shutil.copytree(SAMPLE, project.root, dirs_exist_ok=True)
    project.env["COUNTER"] = str(project.root / "counter")
    return project


@pytest.fixture(params=SHELLS, ids="-".join)
def shell(request):
    return request.param


def left_in(folder):
    """What lies below it, but for what stays: the user's folder and locks."""
    return [
        path.name
        for path in folder.rglob("*")
        if not path.name.endswith(".lock") and path.name != f"rowlock-{os.geteuid()}"
    ]


def test_in_parallel_and_in_sequence(sample):
    """Every fixture does its work in each shell on each worker, and the lock loses no increment."""
    tests = [
        {"id": f"{shell[-1]}/{shell[0]}/{script}", "format": "tap"}
        | {"command": [*shell, f"t/{script}.t"]}
        for shell in SHELLS
        for script in SCRIPTS
    ]
    sample.manifest(*tests)
    for how in (["parallel", "-n", "4", "--dist", "load"], ["sequential"]):
        (sample.root / "counter").unlink(missing_ok=True)
        result = sample.rowlock(*how, "--report-json=report.json")
        assert result.returncode == 0 and "left running" not in result.stdout, result
        assert len(SCRIPTS) == 6 and sample.report()["summary"]["failed"] == 0
        ran = {test["id"].split("/")[2] for test in sample.report()["tests"]}
        assert ran == set(SCRIPTS)
        assert int((sample.root / "counter").read_text()) == len(SHELLS), how


def test_the_sample_as_it_is(sample):
    result = sample.rowlock("parallel", "-n", "2")
    assert result.returncode == 0, result


def test_alone(sample, shell):
    """Outside of Rowlock it is the worker master, and leaves nothing in TMPDIR, odd as that is."""
    temp = sample.root / "te mp\n'$(touch pwned)"
    temp.mkdir()
    for script in SCRIPTS:
        ran = sample.run([*shell, f"t/{script}.t"], env={"TMPDIR": temp})
        assert ran.returncode == 0 and "not ok" not in ran.stdout, ran
        if script == "identity":
            assert "# worker master, sequential\n" in ran.stdout
    assert left_in(temp) == []
    assert not (sample.root / "pwned").exists()


def test_the_same_mappings_as_in_c(sample):
    """Those of C are those of Python, see test_librowlock.py."""
    shutil.copy(SOURCE, sample.root)
    compile_sample(sample.root, "cc", ["-std=gnu11", "test_all.c"], "test_c")
    in_c = sample.run(["./test_c", "config"], env={"LIST_MAPPINGS": "1"}).stdout.splitlines()
    shown = sample.run(["sh", "t/config.t"], env={"LIST_MAPPINGS": "1"}).stdout
    assert re.findall(r"^# map (.*)$", shown, re.M) == in_c and len(in_c) > 10


def test_the_guide(project, shell):
    """The script of docs/guide.md, with a program for its ./server and nothing for its dots."""
    guide = (HERE.parents[1] / "docs/guide.md").read_text()
    section = guide.split("\n### In shell scripts\n")[1].split("\n## ")[0]
    lines = [line[4:] for line in section.splitlines() if line.startswith("    ")]
    assert "rowlock_serial_unlock" in lines
    project.script("server", 'test "$2" -gt 0 && test -d "$4" && cp "$5" copy')
    project.write("t.sh", "\n".join(line for line in lines if line != "…") + "\nwait $!\n")
    ran = project.run([*shell, "-eu", "t.sh"])
    assert ran.returncode == 0 and ran.stderr == "", ran
    assert project.path("copy").read_text() == "- copy:" and left_in(project.temp) == []


def test_the_examples_of_the_manual(project):
    """rowlock-fixtures(3) has the same test in C and in shell."""
    in_c, in_shell = doc_commands.manual_examples("rowlock-fixtures.3")
    project.write("t.c", "\n".join([*in_c[1], ""]))
    compile_sample(project.root, "cc", ["-std=gnu11", "t.c"], "test_c")
    project.write("t.sh", "\n".join(in_shell[1]))
    for command in (["./test_c"], ["sh", "t.sh"]):
        ran = project.run(command)
        assert re.fullmatch(r"/.*/in/a\.yml \d+\n", ran.stdout), ran
    assert left_in(project.temp) == []


# A test takes ports, says so, and ends when all others have: nobody's port is free before.
SHELL_TEST = (
    SOURCING
    + """
set -eu
i=0
while [ $i -lt 5 ]; do
    port=$(rowlock_port_new)
    echo "$port" >>"$1"
    i=$((i + 1))
    rowlock_serial_lock
    read -r n <"$COUNTER"
    echo $((n + 1)) >"$COUNTER"
    rowlock_serial_unlock
done
mv "$1" "$1.done"
until [ "$(ls ./*.done | wc -l)" = 12 ]; do sleep 0.05; done
"""
)
PYTHON_TEST = """
import ctypes, os, pathlib, time, pytest
# A library with sanitizers cannot be loaded into a program without.
port_new = ctypes.CDLL(os.environ["LIBRARY"]).rowlock_port_new if os.environ["LIBRARY"] else None

@pytest.mark.parametrize("i", range(4))
def test_it(serial_test_lock, i):
    counter = pathlib.Path(os.environ["COUNTER"])
    ports = []
    for _ in range(5):
        ports.append(port_new() if port_new else f"none {i}")
        with serial_test_lock:
            counter.write_text(f"{int(counter.read_text()) + 1}\\n")
    pathlib.Path(f"py{i}").write_text("".join(f"{port}\\n" for port in ports))
    os.rename(f"py{i}", f"py{i}.done")
    while len(list(pathlib.Path().glob("*.done"))) < 12:
        time.sleep(0.05)
"""
C_TEST = r"""
#include <rowlock/fixtures.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static int count(const char *path)
{
    int n = -1;
    FILE *f = fopen(path, "r+");
    if (f && fscanf(f, "%d", &n) == 1) {
        rewind(f);
        fprintf(f, "%d\n", n + 1);
    }
    return f && fclose(f) == 0 && n >= 0;
}
int main(int argc, char **argv)
{
    char done[64];
    FILE *f = argc > 1 ? fopen(argv[1], "w") : NULL;
    for (int i = 0; f && i < 5; i++) {
        fprintf(f, "%d\n", rowlock_port_new());
        if (!rowlock_serial_lock() || !count(getenv("COUNTER")) || !rowlock_serial_unlock())
            return 1;
    }
    snprintf(done, sizeof done, "%s.done", argv[1]);
    if (!f || fclose(f) != 0 || rename(argv[1], done) != 0)
        return 1;
    for (glob_t g;; usleep(50000)) {
        size_t n = glob("*.done", 0, NULL, &g) == 0 ? g.gl_pathc : 0;
        globfree(&g);
        if (n == 12)
            return 0;
    }
}
"""


def test_one_lock_and_one_table_of_ports_for_all_languages(project, program):
    """Twelve tests at once, in shell, C and Python, that change one number and take ports."""
    project.write("c.c", C_TEST)
    compile_sample(project.root, "cc", ["-std=gnu11", "c.c"], "test_c")
    project.write("t.sh", SHELL_TEST)
    project.write("test_py.py", PYTHON_TEST)
    counter = project.write("counter", "0\n")
    tests = [{"id": f"c/{i}", "command": ["./test_c", f"c{i}"]} for i in range(4)]
    tests += [{"id": f"sh/{i}", "command": ["sh", "t.sh", f"sh{i}"]} for i in range(4)]
    project.manifest(*tests, suites=[{"name": "py", "format": "pytest", "paths": ["test_py.py"]}])
    library = "" if is_sanitized() else os.path.join(os.path.dirname(program), "librowlock.so")
    env = {"COUNTER": counter, "LIBRARY": library}
    result = project.rowlock("parallel", "-n", "12", "--dist", "load", "--timeout=100", env=env)
    assert result.returncode == 0, result
    assert int(counter.read_text()) == 60
    ports = [line for path in project.root.glob("*.done") for line in path.read_text().splitlines()]
    assert len(ports) == 60 and "-1" not in ports
    numbers = [port for port in ports if port.isdigit()]
    assert len(set(numbers)) == len(numbers) == (60 if library else 40)


HOLDER_IN_C = r"""
#include <rowlock/fixtures.h>
#include <stdio.h>
int main(void)
{
    if (!rowlock_serial_lock() || puts("held") < 0 || fflush(stdout) != 0)
        return 1;
    getchar();
    return 0;
}
"""
ASKING_PYTHON = """
import os, subprocess, sys

def test_it(serial_test_lock):
    got = serial_test_lock.acquire(blocking=False)
    assert got == (os.environ["HELD"] == "no")
    if got:
        body = '. "$(rowlock --shell-fixtures)"; rowlock_serial_trylock'
        assert subprocess.run(["sh", "-c", body]).returncode == 1
"""


def test_one_lock_outside_of_a_run(project):
    """A holder in C or in shell keeps out a test in Python, and that keeps out them."""
    project.write("c.c", HOLDER_IN_C)
    compile_sample(project.root, "cc", ["-std=gnu11", "c.c"], "holder")
    project.write("test_py.py", ASKING_PYTHON)
    asking = ["test_py.py", "-p", "rowlock_pytest"]
    env = {"PYTHONPATH": str(HERE.parents[1] / "src" / "pytest")}

    def ask(held, **more):
        return project.pytest_plain(*asking, env={**env, "HELD": held, **more})

    in_shell = SOURCING + "rowlock_serial_lock; echo held; read -r line"
    for command in (["./holder"], ["sh", "-c", in_shell]):
        read_end, write_end = os.pipe()
        holder = project.spawn(command, stdin=read_end)
        os.close(read_end)
        assert holder.stdout.readline() == b"held\n"
        asked = ask("yes")
        os.close(write_end)
        assert holder.wait(timeout=60) in (0, 1)  # read has met the end of its input
        assert asked.returncode == 0, (command, asked)
    asked = ask("no")
    assert asked.returncode == 0, asked
    # The same rules for the folder, as test_mistakes has them for the shell.
    folder = project.temp / f"rowlock-{os.geteuid()}"
    assert {path.name for path in folder.iterdir()} == {"serial.lock"}
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o755)
    asked = ask("no")
    assert asked.returncode == 1 and "for this user alone" in asked.stdout, asked
    asked = ask("no", TMPDIR=str(project.temp / "none"))
    assert asked.returncode == 1 and "cannot be made; set TMPDIR to" in asked.stdout, asked


def test_a_script_that_is_killed(project, shell, wait_until):
    """The lock and the ports are free, and the next one removes its folders, in C too."""
    project.write(
        "t.sh",
        SOURCING + "folder=$(rowlock_temp_dir_new); rowlock_serial_lock; port=$(rowlock_port_new)\n"
        'printf "%s\\n" "$folder" "$port" >ready.new; mv ready.new ready\n'
        "while :; do read -r x <fifo; done\n",
    )
    os.mkfifo(project.path("fifo"))
    child = project.spawn([*shell, "t.sh"])
    assert wait_until(project.path("ready").exists, timeout=60)
    folder, port = project.path("ready").read_text().splitlines()
    busy = project.run(["sh", "-c", SOURCING + "rowlock_serial_trylock"])
    assert busy.returncode == 1 and os.path.isdir(folder), busy
    table = f"/tmp/rowlock-{os.geteuid()}/ports"
    assert re.search(rf"^{port} {child.pid} \d+$", open(table).read(), re.M)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert os.path.isdir(folder)
    free = project.run(
        ["sh", "-c", SOURCING + "rowlock_serial_trylock && rowlock_port_new >/dev/null"]
    )
    assert free.returncode == 0 and not os.path.exists(os.path.dirname(folder)), free
    assert not re.search(rf"^{port} {child.pid} ", open(table).read(), re.M)
    assert left_in(project.temp) == []


def waiters(project):
    """Of the project's processes, those that wait for a lock, by /proc/locks."""
    waiting = re.findall(r"-> FLOCK +\S+ +\S+ +(\d+)", open("/proc/locks").read())
    return {process.split()[0] for process in project.processes()} & set(waiting)


def test_a_lock_whose_file_is_replaced(project, wait_until):
    """Who waits for a file that is removed meanwhile waits for the new one, then."""
    project.run(["sh", "-c", SOURCING + "rowlock_serial_lock"])
    path = project.temp / f"rowlock-{os.geteuid()}" / "serial.lock"
    with open(path) as old:
        fcntl.flock(old, fcntl.LOCK_EX)
        child = project.spawn(["sh", "-c", SOURCING + "rowlock_serial_lock; : >held"])
        assert wait_until(lambda: waiters(project), timeout=60)
        path.unlink()
        with open(path, "w") as fresh:
            fcntl.flock(fresh, fcntl.LOCK_EX)
            fcntl.flock(old, fcntl.LOCK_UN)
            assert wait_until(lambda: waiters(project) or child.poll() is not None, timeout=60)
            assert child.poll() is None and not project.path("held").exists()
    assert child.wait() == 0 and project.path("held").exists()


@pytest.mark.parametrize(
    "body, status, said",
    [
        # What a script had set before stays, with its status and its words, quoted as it was.
        (
            "trap 'echo \"it'\\''s $? $1\"; echo two # none' EXIT; trap 'echo int' INT\n"
            + SOURCING
            + "rowlock_temp_dir_new >folder; kill -INT $$; exit 3\n",
            3,
            "int\nit's 3 word\ntwo\n",
        ),
        (SOURCING + "rowlock_temp_dir_new >folder; exit 4\n", 4, ""),
        ("set -eu\n" + SOURCING + SOURCING + "rowlock_temp_dir_new >folder; false\n", 1, ""),
        # One that it sets afterwards.
        (
            SOURCING + "trap 'echo mine; rowlock_cleanup' 0; rowlock_temp_dir_new >folder\n"
            "rowlock_serial_lock; rowlock_serial_lock\n",
            0,
            "mine\n",
        ),
        # An alien IFS, no globbing, all exported, names that a script may use for itself.
        (
            "IFS=/; set -f -a -C; status=s name=n file=f fd=d value=v text=t\n"
            + SOURCING
            + "rowlock_temp_dir_new >folder; rowlock_environment_new; rowlock_environment_free\n"
            "rowlock_serial_lock; rowlock_serial_unlock; echo $status$name$file$fd$value$text\n",
            0,
            "snfdvt\n",
        ),
    ],
    ids=["kept", "none", "failing", "later", "odd-settings"],
)
def test_end_of_a_script(project, shell, body, status, said):
    project.write("t.sh", body)
    ran = project.run([*shell, "t.sh", "word"])
    assert (ran.returncode, ran.stdout, ran.stderr) == (status, said, ""), ran
    assert not os.path.exists(project.path("folder").read_text().strip())
    assert left_in(project.temp) == []


def test_only_names_with_the_prefix(project, shell):
    """What sourcing adds to the shell: variables, functions; no descriptor, no background job."""
    listing = "set | sed -n 's/^\\([A-Za-z_0-9]*\\)[=( ].*/\\1/p' | sort >"
    project.write(
        "t.sh",
        f"{listing}before\n{SOURCING}rowlock_context_new; rowlock_environment_new\n"
        "rowlock_environment_free; rowlock_serial_lock; rowlock_serial_unlock\n"
        f"wait; {listing}after\n",
    )
    assert project.run([*shell, "t.sh"]).returncode == 0
    before, after = (set(project.path(n).read_text().split()) for n in ("before", "after"))
    # What bash sets itself on its way.
    new = {n for n in after - before if not n.startswith("rowlock_")} - {"PIPESTATUS", "_", "BASH"}
    assert new <= {"FUNCNAME", "BASH_REMATCH", "LINENO", "OPTIND"}, new


def test_mistakes(project, shell):
    """Each says what is wrong and what to do, on standard error."""
    rowlock = project.program
    cases = [
        (f'PATH=/nowhere; . "$({rowlock} --shell-fixtures)"', "put its folder on PATH"),
        (SOURCING + "rowlock_temp_dir_free /", "hand over what rowlock_temp_dir_new has printed"),
        (SOURCING + "rowlock_temp_file a b c d", "wants 2 to 3 words, not 4"),
        (SOURCING + "rowlock_mock_config_get / x", "rowlock_mock_config_new"),
        (SOURCING + "rowlock_environment_free", "call rowlock_environment_new first"),
        (SOURCING + "rowlock_serial_unlock", "does not hold"),
        (
            "mkdir -m 777 x; export TMPDIR=$PWD/x; mkdir $TMPDIR/rowlock-$(id -u); "
            "chmod 777 $TMPDIR/rowlock-$(id -u)\n" + SOURCING,
            "for this user alone",
        ),
    ]
    for body, words in cases:
        ran = project.run([*shell, "-c", body])
        assert ran.returncode != 0 and words in ran.stderr, (body, ran)
        assert ran.stdout == "" and ran.stderr.startswith("rowlock: "), (body, ran)
    # ROWLOCK names a program that is on no PATH, and the script may go elsewhere.
    os.symlink(rowlock, project.path("link"))
    body = 'ROWLOCK=./link; . "$(./link --shell-fixtures)"; cd /; PATH=/; rowlock_worker_id'
    ran = project.run([*shell, "-c", "PATH=/bin:/usr/bin;" + body])
    assert ran.stdout == "master\n", ran
