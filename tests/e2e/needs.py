"""Marks of tests that need a build system."""

import shutil

import pytest


def programs(*names):
    missing = not all(map(shutil.which, names))
    return pytest.mark.skipif(missing, reason=f"{names[0]} is not installed")


cmake = programs("cmake", "ctest")
meson = programs("meson", "ninja")
autoconf = programs("autoconf")
