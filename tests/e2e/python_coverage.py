"""coverage.py for tests that compare with it: installed, or in the source tree's .tools/plugins,
where ./bootstrap --ci puts it for tests alone."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = pathlib.Path(os.environ.get("ROWLOCK_SRCDIR") or HERE.parents[1]).resolve()
PLUGINS = SOURCE / ".tools" / "plugins"
SAMPLE = HERE.parent / "projects" / "fqcn-converter"


def prepare(project):
    """Makes coverage.py importable in the project; skips the test where there is none."""
    if PLUGINS.is_dir():
        project.env["PYTHONPATH"] = str(PLUGINS)
    if coverage(project, "--version", check=False).returncode != 0:
        pytest.skip("needs coverage.py")


def copy_sample(project):
    shutil.copytree(SAMPLE, project.root, dirs_exist_ok=True)


def coverage(project, *args, check=True):
    """Runs coverage.py there."""
    done = subprocess.run(
        [sys.executable, "-m", "coverage", *args],
        cwd=project.root,
        env=project.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


def table(text):
    """The lines of `coverage report`, whatever the widths that its version chooses."""
    lines = [re.sub(r" +", " ", line).strip() for line in text.splitlines()]
    return [line for line in lines if line and not set(line) <= {"-"}]
