"""Helper processes and sockets that tests commonly use, in a worker's own folders."""

import pytest

TEXT = """
    import multiprocessing, os, socket, tempfile

    def test_manager():
        with multiprocessing.Manager() as manager:
            shared = manager.dict()
            shared["a"] = 1
            assert dict(shared) == {"a": 1}

    def double(number): return 2 * number
    def test_pool():
        with multiprocessing.get_context("fork").Pool(2) as pool:
            assert pool.map(double, [1, 2]) == [2, 4]

    def test_socket(isolated_temp_dir):
        for folder in (str(isolated_temp_dir), tempfile.mkdtemp()):
            with socket.socket(socket.AF_UNIX) as server:
                server.bind(os.path.join(folder, "a-rather-long-name.sock"))
"""


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_managers_pools_and_sockets(suite, start):
    with suite(test_x=TEXT).zygote(start=start) as zygote:
        group = zygote.run_all(slot=11)
        assert group.outcomes == ["passed"] * 3, [r.detail for r in group.records]
        assert [r.leftover for r in group.records] == [[], [], []]
