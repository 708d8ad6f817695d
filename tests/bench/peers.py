"""The runners of pytest suites that the benchmarks compare: how each is called."""

import os
import subprocess
import sys

ZYGOTE = "pytest-zygote==0.1.1"  # its options would meet those of others: kept beside, not in


def python_path(python):
    """A path stays valid in another folder; a name is looked up there."""
    return os.path.abspath(python) if os.sep in python else python


def pytest_command(python):
    """The script, as -m puts the current folder into sys.path: there, the sources of a package
    would hide what is installed."""
    script = os.path.join(os.path.dirname(python), "pytest")
    return [script] if os.path.isfile(script) else [python, "-m", "pytest"]


def has_module(python, name):
    command = [python, "-c", f"import {name}"]
    return subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0


def zygote_folder(work):
    """Where pytest-zygote lies, from the work folder or through pip; None without a network."""
    folder = os.path.join(work, "pytest-zygote")
    if not os.path.isdir(folder):
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        command += ["--disable-pip-version-check", "--target", folder + ".partial", ZYGOTE]
        if subprocess.run(command).returncode:
            return None
        os.rename(folder + ".partial", folder)
    return folder


def runners(rowlock, python, workers, options=(), dist="load", zygote=None):
    """{name: (argv, env)} for plain pytest, pytest-xdist, pytest-zygote and Rowlock."""
    others = ("PYTEST_", "ROWLOCK_", "PYTHON")  # PYTHONDONTWRITEBYTECODE costs each start anew
    env = {k: v for k, v in os.environ.items() if not k.startswith(others)}
    for name in ("VIRTUAL_ENV", "MAKEFLAGS", "MFLAGS", "MAKELEVEL"):
        env.pop(name, None)
    plain = [*pytest_command(python), "-q", "-p", "no:cacheprovider"]
    count = str(workers)
    ours = [os.path.abspath(rowlock), "parallel", "-q", "--python", python, "--dist", dist]
    tools = {
        "rowlock": ([*ours, "-n", count, "-p", "no:cacheprovider", *options], env),
        "pytest": ([*plain, "-p", "no:xdist", *options], env),
    }
    tools["one collector"] = ([*tools["rowlock"][0], "--no-parallel-collect"], env)
    if has_module(python, "xdist"):
        tools["pytest-xdist"] = ([*plain, "-n", count, "--dist", dist, *options], env)
    if zygote is not None:
        theirs = [*plain, "-p", "no:xdist", "--workers", count]  # PYTHONPATH makes it a plugin
        tools["pytest-zygote"] = ([*theirs, *options], {**env, "PYTHONPATH": zygote})
    return tools


def own_seconds(argv, env, cwd, report):
    """The tests' own time as a plain run tells it in a JUnit file: the sum over all tests."""
    from xml.etree import ElementTree

    command = [*argv, f"--junitxml={report}", "-o", "junit_duration_report=total"]
    subprocess.run(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    root = ElementTree.parse(report).getroot()
    os.unlink(report)
    return sum(float(case.get("time", 0)) for case in root.iter("testcase"))
