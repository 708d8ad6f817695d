"""The command line, in this process and in one of its own."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import fqcn_converter
from fqcn_converter import cli

import pytest

pytestmark = pytest.mark.integration

SOURCE = str(Path(fqcn_converter.__file__).parents[1])


@pytest.fixture
def run():
    """Runs python -m fqcn_converter."""

    def run_program(*args, **kwargs):
        env = dict(os.environ, PYTHONPATH=SOURCE)
        command = [sys.executable, "-m", "fqcn_converter", *map(str, args)]
        return subprocess.run(
            command, env=env, capture_output=True, text=True, timeout=60, check=False, **kwargs
        )

    return run_program


class TestInProcess:
    def test_converts_in_place(self, playbook, capsys):
        assert cli.main([str(playbook)]) == 0
        assert "ansible.builtin.copy:" in playbook.read_text()
        assert capsys.readouterr().out == f"{playbook}: changed 1 name\n"

    def test_check(self, playbook, capsys):
        before = playbook.read_text()
        assert cli.main(["--check", str(playbook)]) == 1
        assert playbook.read_text() == before
        assert "would change 1 name" in capsys.readouterr().out

    def test_check_of_a_converted_file(self, playbook, capsys):
        cli.main([str(playbook)])
        capsys.readouterr()
        assert cli.main(["--check", str(playbook)]) == 0
        assert capsys.readouterr().out == ""

    def test_diff(self, playbook, capsys):
        assert cli.main(["--check", "--diff", str(playbook)]) == 1
        out = capsys.readouterr().out
        assert "-      copy:\n+      ansible.builtin.copy:\n" in out
        assert out.startswith(f"--- a/{playbook}\n")

    @pytest.mark.parametrize("check, code", [([], 0), (["--check"], 1)])
    def test_folder(self, tmp_path, capsys, check, code):
        (tmp_path / "a").mkdir()
        for name in ("a/one.yml", "two.yaml", "three.txt"):
            (tmp_path / name).write_text("- copy: x\n")
        assert cli.main([*check, str(tmp_path)]) == code
        assert len(capsys.readouterr().out.splitlines()) == 2
        assert (tmp_path / "three.txt").read_text() == "- copy: x\n"

    def test_errors_do_not_stop_the_others(self, playbook, capsys):
        assert cli.main(["none.yml", str(playbook)]) == 2
        captured = capsys.readouterr()
        assert captured.err == "error: none.yml: No such file or directory\n"
        assert "changed 1 name" in captured.out

    @pytest.mark.parametrize("verbose", [False, True])
    def test_warnings(self, playbook, capsys, verbose):
        playbook.write_text("- frob: x\n")
        assert cli.main([str(playbook)] + ["-v"] * verbose) == 0
        assert ("no mapping for 'frob'" in capsys.readouterr().err) == verbose

    def test_standard_input(self, monkeypatch, capsys):
        monkeypatch.setattr("sys.stdin", io.StringIO("- copy: a\n"))
        assert cli.main(["-"]) == 0
        assert capsys.readouterr().out == "- ansible.builtin.copy: a\n"

    def test_config(self, playbook, tmp_path):
        config = tmp_path / "own.json"
        config.write_text(json.dumps({"copy": "acme.files.copy"}))
        assert cli.main(["--config", str(config), str(playbook)]) == 0
        assert "acme.files.copy:" in playbook.read_text()

    def test_bad_config(self, playbook, tmp_path, capsys):
        config = tmp_path / "own.json"
        config.write_text("{")
        assert cli.main(["--config", str(config), str(playbook)]) == 2
        assert capsys.readouterr().err.startswith(f"error: {config}:1:2: ")

    @pytest.mark.parametrize("args, code", [([], 2), (["--help"], 0), (["--no-such-option"], 2)])
    def test_usage(self, capsys, args, code):
        with pytest.raises(SystemExit) as caught:
            cli.main(args)
        assert caught.value.code == code
        assert "usage:" in "".join(capsys.readouterr())

    def test_counts_are_logged(self, playbook, caplog):
        with caplog.at_level("DEBUG", logger="fqcn_converter.cli"):
            cli.main([str(playbook)])
        assert [record.getMessage() for record in caplog.records] == [f"{playbook}: 1 names"]


@pytest.mark.slow
class TestProcess:
    def test_converts(self, run, playbook):
        done = run(playbook)
        assert (done.returncode, done.stderr) == (0, "")
        assert "ansible.builtin.copy:" in playbook.read_text()

    def test_check_and_diff(self, run, playbook):
        done = run("--check", "--diff", playbook)
        assert done.returncode == 1
        assert "+      ansible.builtin.copy:" in done.stdout

    def test_pipe(self, run):
        done = run("-", input="- copy: a\n")
        assert (done.returncode, done.stdout) == (0, "- ansible.builtin.copy: a\n")

    def test_error(self, run, tmp_path):
        done = run("none.yml", cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == "error: none.yml: No such file or directory\n"

    def test_version(self, run):
        assert run("--version").stdout == f"fqcn_converter {fqcn_converter.__version__}\n"
