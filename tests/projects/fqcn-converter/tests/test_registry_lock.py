"""Shares the lock "registry" with test_parallel_execution.py: two modules, one resource."""

from test_parallel_execution import Exclusive, linux_only

import pytest

pytestmark = [linux_only, pytest.mark.lock("registry"), pytest.mark.integration]


@pytest.mark.parametrize("number", range(3))
def test_from_another_module(number, locks_are_kept):
    with Exclusive("registry"):
        pass
