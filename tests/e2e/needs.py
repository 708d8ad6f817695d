"""Marks of tests that need a build system, or a part of Rowlock that may be left out."""

import shutil

import pytest

from support import is_configured


def programs(*names):
    missing = not all(map(shutil.which, names))
    return pytest.mark.skipif(missing, reason=f"{names[0]} is not installed")


cmake = programs("cmake", "ctest")
meson = programs("meson", "ninja")
autoconf = programs("autoconf")
expat = pytest.mark.skipif(not is_configured("-DROWLOCK_EXPAT"), reason="built without expat")
