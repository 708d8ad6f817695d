"""A project that freezes time, for as long as pytest runs, does not freeze the run."""

FREEZE = """
    import sys
    import time

    def freeze():
        # As freezegun does it: in time itself, and in what has taken it from there.
        for name in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter"):
            real, frozen = getattr(time, name), (lambda value: lambda: value)(getattr(time, name)())
            for module in list(sys.modules.values()):
                for key, value in list(getattr(module, "__dict__", {}).items()):
                    if value is real:
                        setattr(module, key, frozen)
"""
TEST = """
    import pytest
    import time

    @pytest.mark.parametrize("i", range(4))
    def test_x(i):
        assert time.monotonic() == time.monotonic()
        end = time.clock_gettime(time.CLOCK_MONOTONIC) + 0.05
        while time.clock_gettime(time.CLOCK_MONOTONIC) < end:
            pass
"""


def run_all(zygote):
    for number in range(4):
        group = zygote.run(number, slot=number % 2)
        assert group.outcomes == ["passed"]
        assert group.records[0].wall_ns >= 50_000_000
    status, _ = zygote.finish()
    assert status == 0


def test_time_frozen_while_collecting(suite):
    conftest = FREEZE + "    freeze()\n"
    with suite(conftest=conftest, test_x=TEST).zygote(workers=2) as zygote:
        run_all(zygote)


def test_time_frozen_by_a_session_fixture(suite):
    conftest = FREEZE + """
    import pytest
    @pytest.fixture(scope="session", autouse=True)
    def frozen():
        freeze()
    """
    with suite(conftest=conftest, test_x=TEST).zygote(workers=2) as zygote:
        run_all(zygote)
