#!/usr/bin/env python3
"""Makes the samples of tests/e2e/gcov_samples: the notes and data of two small programs of every
GCC of Debian's other suites, and what its gcov says about them. tests/e2e/test_gcov_data.py
compares with them wherever those compilers are not there.

    tests/compat/samples.py DIR

makes the systems below DIR, as `make compat-coverage ARGS="--systems DIR"` does.
"""

import os
import shutil
import subprocess
import sys

import compilers

HERE = os.path.dirname(os.path.abspath(__file__))
SAMPLES = os.path.join(os.path.dirname(HERE), "e2e", "gcov_samples")
MORE = {14: "-fcondition-coverage", 15: "-fpath-coverage", 16: "-fpath-coverage"}


def make(gcc, source, name, *options):
    """The folder has the same name in every system, as it stands in the notes."""
    folder = os.path.join(gcc.root, "sample")
    shutil.rmtree(folder, ignore_errors=True)
    os.mkdir(folder)
    shutil.copy(os.path.join(SAMPLES, source), folder)
    build = ["g++" if source.endswith("cc") else "gcc", "-w", "--coverage", *options]
    gcc.run(*build, "-c", source, "-o", "t.o", cwd=folder)
    gcc.run(*build, "t.o", "-o", "t", cwd=folder)
    gcc.run("./t", cwd=folder)
    words = ["gcov", "--json-format", "--stdout", "--branch-probabilities", "t.gcno"]
    said = gcc.run(*words, cwd=folder, stdout=subprocess.PIPE).stdout
    with open(os.path.join(SAMPLES, f"{name}.json"), "wb") as file:
        file.write(said)
    shutil.copy(os.path.join(folder, "t.gcno"), f"{SAMPLES}/{name}.notes")
    shutil.copy(os.path.join(folder, "t.gcda"), f"{SAMPLES}/{name}.data")
    shutil.rmtree(folder)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for gcc in compilers.find([], sys.argv[1]):
        if not gcc.root:
            continue
        make(gcc, "t.c", f"c-{gcc.major}")
        make(gcc, "t.cc", f"cc-{gcc.major}", "-O1" if gcc.major % 2 else "-O0")
        if gcc.major in MORE:
            make(gcc, "t.c", f"c-{gcc.major}-more", MORE[gcc.major])


if __name__ == "__main__":
    main()
