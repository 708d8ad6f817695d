"""Plugins from PyPI that tests of this folder use where they are there: installed, or in the
source tree's .tools/plugins, where ./bootstrap --ci puts them for these tests alone."""

import importlib.metadata
import sys

import client

import pytest

FOLDER = client.SOURCE / ".tools" / "plugins"


def major_version(name):
    """Of that package; 0 where it is not there."""
    path = [str(FOLDER), *sys.path]
    for found in importlib.metadata.distributions(name=name, path=path):
        return int(found.version.split(".")[0])
    return 0


def need(name, version=1):
    """Skips the test where the package is not there, or older."""
    if major_version(name) < version:
        pytest.skip(f"needs {name} {version} or newer")


def environment():
    """What makes them importable."""
    return {"PYTHONPATH": str(FOLDER)} if FOLDER.is_dir() else {}
