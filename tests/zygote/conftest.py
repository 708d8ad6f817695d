import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from client import Zygote, write_suite


@pytest.fixture
def suite(tmp_path):
    """suite(test_x="...") writes files; suite.zygote(*args) starts a zygote on them."""

    class Suite:
        path = tmp_path / "suite"

        def __call__(self, **files):
            self.path.mkdir(exist_ok=True)
            write_suite(self.path, **files)
            return self

        def zygote(self, *args, **options):
            return Zygote(self.path, *args, **options)

    return Suite()
