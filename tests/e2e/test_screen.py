"""What a person sees: progress on a terminal of any width, plain lines elsewhere, help."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios

import pytest


def sh(test_id, script, **more):
    return dict({"id": test_id, "command": ["sh", "-c", script]}, **more)


def on_terminal(project, columns, *args):
    """Runs rowlock on a terminal of that width; returns its exit code and what was written."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    env = dict(project.env, TERM="xterm")
    env.pop("NO_COLOR", None)
    child = subprocess.Popen(
        [project.program, *args], cwd=project.path("."), env=env,
        stdin=theirs, stdout=theirs, stderr=theirs,
    )
    os.close(theirs)
    out = b""
    while True:
        try:
            chunk = os.read(ours, 65536)
        except OSError:
            break
        if not chunk:
            break
        out += chunk
    os.close(ours)
    return child.wait(), out.decode("utf-8", "replace")


def render(text, columns):
    """The lines that stay on the screen: cursor up, erase below and carriage return are obeyed."""
    lines, row = [""], 0
    for part in re.split(r"(\x1b\[[0-9;]*[A-Za-z]|\r|\n)", text):
        if part == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif part == "\r" or part == "":
            pass
        elif re.fullmatch(r"\x1b\[(\d+)A", part):
            row -= int(part[2:-1])
        elif part in ("\x1b[J", "\x1b[K"):
            lines[row:] = [""] if part.endswith("J") else [""] + lines[row + 1:]
        elif not part.startswith("\x1b"):
            lines[row] += part
            assert len(lines[row]) <= columns or "=" not in lines[row][:1], lines[row]
    return lines


def test_progress_is_live_and_leaves_no_trace(project):
    tests = [sh(f"a/rather/long/name/for/a/test/{i}", "sleep 0.3") for i in range(4)]
    project.write("tests.json", json.dumps({"rowlock": 1, "tests": tests + [sh("bad", "exit 1")]}))
    for columns in (100, 40):
        code, out = on_terminal(project, columns, "parallel", "-n", "2")
        assert code == 1
        assert re.search(r"gw[01]  ", out), "it says what each worker runs"
        assert re.search(r"\d+%  \d/5", out)
        screen = render(out, columns)
        assert not any(re.match(r" *\d+%  \d/5", line) for line in screen)
        assert sum("FAILED bad" in line for line in screen) >= 1
        assert any("4 passed" in line and "1 failed" in line for line in screen)
        assert "\x1b[3" in out, "in colour"


def test_piped_output_has_no_escapes_but_progress(project):
    tests = [sh(f"t{i}", "sleep 0.05") for i in range(40)]
    project.write("tests.json", json.dumps({"rowlock": 1, "tests": tests}))
    out = project.rowlock("parallel", "-n", "2").stdout
    assert "\x1b" not in out and "\r" not in out
    assert re.search(r"^ *\d+%  \d+/40", out, re.M)


def test_help_answers(project):
    for words in (["--help"], ["parallel", "--help"], ["generate", "-h"], ["report", "--help"]):
        done = project.rowlock(*words)
        assert done.returncode == 0 and "usage: rowlock" in done.stdout
        assert "__begin" not in done.stdout
    text = project.rowlock("--help", env={"COLUMNS": "60"}).stdout
    assert "--maxfail" in text and "--dist" in text and "parallel" in text
    assert re.fullmatch(r"rowlock \d+\.\d+\.\d+\n", project.rowlock("--version").stdout)


def test_mistyped_words(project):
    project.write("tests.json", json.dumps({"rowlock": 1, "tests": [sh("t", "true")]}))
    done = project.rowlock("paralel")
    assert done.returncode == 4 and "paralel" in done.stderr and "--help" in done.stderr
    done = project.rowlock("parallel", "--makers", "unit")
    assert done.returncode == 4 and "--markers" in done.stderr
    done = project.rowlock("parallel", "-n", "many")
    assert done.returncode == 4 and "many" in done.stderr
    done = project.rowlock("parallel", "--dist", "loadscop")
    assert done.returncode == 4 and "loadscope" in done.stderr
    # Where there is a pytest suite, it might be an option of a plugin's: pytest refuses it.
    project.write("test_a.py", "def test_a():\n    pass\n")
    project.write("tests.json", '{"rowlock": 1, "suites": [{"name": "py", "format": "pytest"}]}')
    done = project.rowlock("parallel", "--wrokers=4", "--zzz")
    assert done.returncode == 4 and "unrecognized arguments: --wrokers=4 --zzz" in done.stdout
    assert done.stderr.count("did you mean") == 1
    assert "rowlock: '--wrokers=4': did you mean --workers?\n" in done.stderr


def test_markers_are_listed(project):
    project.write("pytest.ini", "[pytest]\nmarkers =\n    net: needs the network\n")
    out = project.rowlock("--markers").stdout
    assert "@pytest.mark.net: needs the network" in out
    assert "@pytest.mark.serial" in out and "@pytest.mark.xdist_group(name)" in out


@pytest.mark.slow
def test_validate(project):
    done = project.rowlock("validate", "-n", "3")
    assert done.returncode == 0, done.stdout
    assert "FAIL" not in done.stdout
    assert "3 workers at once, 9 temp, config and cache folders" in done.stdout
    report = json.loads(project.rowlock("validate", "--json").stdout)
    assert report["ok"] is True
    assert {"GNU Make", "jobserver", "isolation", "serial tests"} <= {
        c["name"] for c in report["checks"]
    }
    project.write("pytest.ini", "[pytest]\n[rowlock]\ntimeuot = 3\n")
    broken = project.rowlock("validate")
    assert broken.returncode == 1
    assert "timeuot" in broken.stdout and "what to do" in broken.stdout


def test_output_to_a_closed_pipe_does_not_stop_the_tests(project):
    tests = [sh(f"t{i}", f"sleep 0.02; touch ran.{i}") for i in range(20)]
    project.write("tests.json", json.dumps({"rowlock": 1, "tests": tests}))
    child = project.start("parallel", "-v", "-n", "2")
    child.stdout.close()
    child.wait(timeout=60)
    assert len(list(project.path(".").glob("ran.*"))) == 20
