"""Gets what is run: source archives from the package index, and virtual environments."""

import os
import platform
import shutil
import signal
import subprocess
import sys
import tarfile

HERE = os.path.dirname(os.path.abspath(__file__))


class Failure(Exception):
    """Something could not be run; the message says what and why."""


def clean_environment(**more):
    """This process's environment without what would change how pytest runs."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "ROWLOCK_"))}
    for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "MAKEFLAGS", "MFLAGS", "MAKELEVEL"):
        env.pop(name, None)
    env.update(more)
    return env


def run_checked(command, what):
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        env=clean_environment(),
    )
    if done.returncode:
        lines = done.stdout.decode(errors="replace").strip().splitlines()
        said = [line for line in lines if line.startswith("ERROR")] or lines[-1:] or ["no output"]
        raise Failure(f"{what}: {said[0]}")


def run_limited(command, seconds, **how):
    """Like subprocess.call, with an end for all that it has started. None: out of time."""
    process = subprocess.Popen(command, start_new_session=True, **how)
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except OSError:
            pass
        process.wait()


def replace_folder(temporary, folder):
    shutil.rmtree(folder, ignore_errors=True)
    os.rename(temporary, folder)


def fetch(package, work, kind, command, suffix):
    """The only file of work/KIND/NAME-VERSION; pip's command puts it there."""
    folder = os.path.join(work, kind, f"{package.name}-{package.version}")
    if not os.path.isdir(folder):
        temporary = folder + ".partial"
        shutil.rmtree(temporary, ignore_errors=True)
        os.makedirs(temporary)
        run_checked(
            [sys.executable, "-m", "pip", *command(temporary)],
            f"no {suffix} of {package.name} {package.version}",
        )
        replace_folder(temporary, folder)
    found = [name for name in os.listdir(folder) if name.endswith(suffix)]
    if len(found) != 1:
        raise Failure(f"{folder}: expected one {suffix}, found {len(found)}")
    return os.path.join(folder, found[0])


def archive_of(package, work):
    """The source archive, from the work folder or through pip."""

    def command(target):
        return [
            "download",
            "--quiet",
            "--no-deps",
            "--no-binary",
            package.name,
            "--dest",
            target,
            f"{package.name}=={package.version}",
        ]

    return fetch(package, work, "archives", command, ".tar.gz")


def wheel_of(package, work):
    """Built from the archive once, so that C extensions are not compiled for each pytest."""
    archive = archive_of(package, work)

    def command(target):
        return ["wheel", "--quiet", "--no-deps", "--wheel-dir", target, archive]

    return fetch(package, work, "wheels", command, ".whl")


def environment(package, pytest, xdist, work):
    """The python of a virtual environment with the package, pytest and what its tests need."""
    wheel = wheel_of(package, work)
    tag = f"{package.name}-{package.version}-pytest-{pytest}-py{platform.python_version()}"
    folder = os.path.join(work, "environments", tag)
    python = os.path.join(folder, "bin", "python")
    stamp = os.path.join(folder, "complete")
    wanted = [f"pytest=={pytest}", f"pytest-xdist=={xdist}", *package.needs]
    if os.path.exists(stamp):
        with open(stamp, encoding="utf-8") as file:
            if file.read() == "\n".join(wanted):
                add_verdicts_plugin(python)
                return python
    shutil.rmtree(folder, ignore_errors=True)
    make_venv = [sys.executable, "-m", "venv", "--without-pip", folder]
    run_checked(make_venv, "cannot make a virtual environment")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet"]
    run_checked(
        [*pip, "--disable-pip-version-check", wheel, *wanted],
        f"cannot install {package.name} {package.version} with pytest {pytest}",
    )
    add_verdicts_plugin(python)
    with open(stamp, "w", encoding="utf-8") as file:
        file.write("\n".join(wanted))
    return python


def add_verdicts_plugin(python):
    """Makes our plugin importable there, without a variable that tests could see. Each time, as
    another source tree may have made the environment."""
    site = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        stdout=subprocess.PIPE,
        check=True,
        env=clean_environment(),
    ).stdout.decode()
    path = os.path.join(site.strip(), "rowlock-verdicts.pth")
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(os.path.join(HERE, "plugin") + "\n")
    os.replace(path + ".new", path)


def extract(archive, target):
    """A fresh copy of the archive's only folder."""
    shutil.rmtree(target, ignore_errors=True)
    os.makedirs(target)
    with tarfile.open(archive) as tar:
        if hasattr(tarfile, "data_filter"):
            tar.extractall(target, filter="data")
        else:
            tar.extractall(target)
    (name,) = os.listdir(target)
    return os.path.join(target, name)
