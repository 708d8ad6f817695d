"""Every gcc with its gcov: those of this machine, and those of other systems that lie in folders,
which are entered with chroot. Such a system is made by debootstrap where it is missing."""

import glob
import os
import re
import shutil
import subprocess
import tempfile

from environments import Failure

# What Debian's suites have besides what the current one has.
SUITES = {"bullseye": (9, 10), "trixie": (13, 14), "sid": (15, 16)}


class Gcc:
    """gcc, g++ and gcov of one version; root is the folder of their system."""

    def __init__(self, ending="", root=""):
        self.ending, self.root = ending, root
        said = self.run("gcc", "-dumpfullversion", cwd=root or "/", stdout=subprocess.PIPE)
        self.version = said.stdout.decode().strip()
        self.major = int(self.version.split(".")[0])

    def __str__(self):
        return f"GCC {self.version}"

    def words(self, *command, cwd):
        """What runs the command there; "gcc", "g++" and "gcov" are those of this version."""
        command = list(command)
        if command[0] in ("gcc", "g++", "gcov"):
            command[0] += self.ending
        if not self.root:
            return command
        inside = "/" + os.path.relpath(cwd, self.root)
        return ["chroot", self.root, "env", "-C", inside, *command]

    def run(self, *command, cwd, **how):
        return subprocess.run(self.words(*command, cwd=cwd), cwd=cwd, check=True, **how)

    def has(self, program):
        """Is there the program of this version?"""
        return shutil.which(f"{self.root}/usr/bin/{program}{self.ending}") is not None

    def folder(self):
        """A new folder that it can work in, as a context."""
        place = os.path.join(self.root, "tmp") if self.root else None
        return tempfile.TemporaryDirectory(prefix="rowlock-", dir=place)


def of_system(root=""):
    """All versions of gcc in a system that have their gcov, ascending."""
    found = []
    for path in glob.glob(f"{root}/usr/bin/gcc-*"):
        ending = re.fullmatch(r".*/gcc(-\d+)", path)
        if ending and os.path.exists(path.replace("/gcc-", "/gcov-")):
            found.append(Gcc(ending[1], root))
    return sorted(found, key=lambda gcc: gcc.major)


def make_system(folder, suite):
    """A system of that suite with its compilers, unless it is there."""
    root = os.path.join(folder, suite)
    if os.path.exists(os.path.join(root, "complete")):
        return root
    if not shutil.which("debootstrap") or os.geteuid() != 0:
        raise Failure(f"{root}: no system there; making it takes debootstrap and root")
    packages = ",".join(f"g++-{version}" for version in SUITES[suite])
    command = ["debootstrap", "--variant=minbase", f"--include={packages}", suite, root]
    print(f"making a system of {suite} in {root}", flush=True)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        last = (done.stdout.strip().splitlines() or ["no output"])[-1]
        raise Failure(f"debootstrap {suite}: {last}; see {root}/debootstrap/debootstrap.log")
    with open(os.path.join(root, "complete"), "w", encoding="utf-8"):
        return root


def find(roots, folder):
    """One gcc of each version: of this machine, then of the systems in roots, and in the folder, if
    it is not None, where those of SUITES are made first."""
    roots = list(roots)
    if folder:
        roots += [make_system(os.path.abspath(folder), suite) for suite in SUITES]
    found = {}
    for root in ["", *roots]:
        for gcc in of_system(os.path.abspath(root) if root else ""):
            found.setdefault(gcc.major, gcc)
    return [found[major] for major in sorted(found)]
