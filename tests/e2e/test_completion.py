"""Completion in the shells themselves: bash, zsh and fish."""

import os
import pathlib
import pty
import shutil

import pytest
import support

pytestmark = pytest.mark.integration
COMPLETIONS = pathlib.Path(__file__).resolve().parents[2] / "completions"


@pytest.fixture
def suite(project):
    project.write("pytest.ini", "[pytest]\nmarkers =\n    nightly: runs at night\n")
    project.write("docs/readme.txt", "")
    project.script("t/a.sh", "exit 0")
    names = ["db/migrate", "db/mi grate", "x$(touch pwned)", "db/a[b]", "bad\x1bname"]
    project.manifest(*[{"id": n, "format": "exec", "command": ["true"]} for n in names])
    assert project.rowlock("parallel").returncode == 0
    return project


def ask(project, line, shell):
    """The words that the shell would put in place of the last one, without explanations."""
    if shell == "bash":
        program = (
            f'. "{COMPLETIONS}/rowlock.bash"; COMP_LINE=$1; COMP_POINT=${{#1}}; _rowlock; '
            'printf "%s\\n" "${COMPREPLY[@]}"'
        )
        done = project.run(["bash", "--norc", "-c", program, "bash", line])
    else:
        program = f"source {COMPLETIONS}/rowlock.fish; complete -C $argv[1]"
        done = project.run(["fish", "--no-config", "-c", program, line], env={"HOME": project.temp})
    assert done.returncode == 0, done
    return [word.split("\t")[0] for word in done.stdout.splitlines() if word]


@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_shell(suite, shell):
    if not shutil.which(shell):
        pytest.skip(f"needs {shell}")
    assert ask(suite, "rowlock par", shell) == ["parallel"]
    assert {"--dist", "--distribution"} <= set(ask(suite, "rowlock parallel --di", shell))
    assert set(ask(suite, "rowlock parallel -x --dist loads", shell)) == {"loadscope"}
    equal = ask(suite, "rowlock parallel --dist=works", shell)
    assert equal == (["worksteal"] if shell == "bash" else ["--dist=worksteal"])
    assert ask(suite, "rowlock parallel -m nigh", shell) == ["nightly"]
    assert "docs/" in {w.rstrip("/") + "/" for w in ask(suite, "rowlock parallel do", shell)}
    assert ask(suite, "rowlock parallel db/migr", shell) == ["db/migrate"]
    assert ask(suite, "rowlock -C docs re", shell)[0] in ("readme.txt", "report")
    assert "--html" in ask(suite, "rowlock collect --ht", shell)
    assert ask(suite, "rowlock --shell", shell) == ["--shell-fixtures"]
    assert "--report-tap" in ask(suite, "rowlock report --report-t", shell)
    # Names are words, whatever they look like.
    hostile = ask(suite, "rowlock parallel x", shell)
    assert any("touch" in w for w in hostile) and not suite.path("pwned").exists()
    assert not any("bad" in w for w in ask(suite, "rowlock parallel ba", shell))


ZSH = r"""
PS1=; fpath=({folder} $fpath); autoload -Uz compinit; compinit -u -D
report() {{ print -r -- "$BUFFER" >> {out}; BUFFER=; zle reset-prompt }}
zle -N report; bindkey '^X' report; bindkey '^I' expand-or-complete; print READY
"""


@pytest.mark.skipif(not shutil.which("zsh"), reason="needs zsh")
def test_zsh(suite):
    """In a terminal, as zsh completes nowhere else: a tab, then a key that tells the line."""
    out = suite.path("lines")
    suite.write("setup.zsh", ZSH.format(folder=COMPLETIONS, out=out))
    leader, follower = pty.openpty()
    child = suite.spawn(
        ["sh", "-c", f"exec zsh -f -i <{os.ttyname(follower)} >{os.ttyname(follower)} 2>&1"],
        env={"TERM": "dumb"},
    )
    seen = b""

    def wait_for(reached):
        nonlocal seen
        os.set_blocking(leader, False)

        def look():
            nonlocal seen
            try:
                seen += os.read(leader, 65536)
            except OSError:
                pass
            return reached() or child.poll() is not None

        support.wait_until(look, timeout=60)
        assert reached(), seen

    os.write(leader, b"source setup.zsh\n")
    wait_for(lambda: b"\nREADY" in seen)
    typed = [
        "rowlock paral",
        "rowlock parallel --dist loads",
        "rowlock parallel -m nigh",
        "rowlock parallel db/migr",
        "rowlock parallel --dist=works",
    ]
    for n, line in enumerate(typed, 1):
        os.write(leader, line.encode() + b"\t\x18")
        wait_for(lambda n=n: out.exists() and len(out.read_text().splitlines()) >= n)
    lines = [line.rstrip() for line in out.read_text().splitlines()]
    assert lines == [
        "rowlock parallel",
        "rowlock parallel --dist loadscope",
        "rowlock parallel -m nightly",
        "rowlock parallel db/migrate",
        "rowlock parallel --dist=worksteal",
    ]
    os.close(leader)
    os.close(follower)


def test_choices_are_accepted(project, program):
    """What is offered is what the option takes."""
    project.manifest({"id": "a", "format": "exec", "command": ["true"]})
    for option in (
        "--dist",
        "-n",
        "--worker-start",
        "--tb",
        "--show-capture",
        "--capture",
        "--color",
        "--lfnf",
        "--cov-context",
        "--cov-report",
    ):
        offered = project.rowlock("__complete", "--", "parallel", option, "").stdout.split()
        assert offered, option
        for word in offered:
            done = project.rowlock("parallel", "--dry-run", option, word)
            assert done.returncode == 0, (option, word, done)
