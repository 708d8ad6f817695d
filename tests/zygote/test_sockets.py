"""What a project does to Python's sockets does not reach those of the zygote."""

TEST = """
    import socket
    import pytest

    def test_a():
        with pytest.raises(RuntimeError):
            socket.socket()
    def test_b():
        with pytest.raises(RuntimeError):
            socket.socketpair()
"""


def run_all(zygote, count):
    """Each test in a worker of its own, then the end of the session."""
    for number in range(count):
        group = zygote.run(number, slot=number)
        assert group.outcomes == ["passed"], group.records[0].fields
    status, _ = zygote.finish()
    assert status == 0


def test_sockets_blocked_for_the_whole_session(suite):
    conftest = """
        import socket
        class Blocked(socket.socket):
            def __new__(cls, *args, **kwargs):
                raise RuntimeError("no sockets here")
        socket.socket = Blocked
    """
    with suite(conftest=conftest, test_x=TEST).zygote(workers=2) as zygote:
        run_all(zygote, 2)


def test_sockets_blocked_by_a_test(suite):
    conftest = """
        import socket
        import pytest
        def blocked(*args, **kwargs):
            raise RuntimeError("no sockets here")
        @pytest.fixture(scope="session", autouse=True)
        def no_sockets():
            socket.socket = blocked
    """
    with suite(conftest=conftest, test_x=TEST).zygote() as zygote:
        for number in (0, 1):
            assert zygote.run(number).outcomes == ["passed"]
        status, _ = zygote.finish()
        assert status == 0


def test_a_default_timeout(suite):
    text = """
        import socket, time
        socket.setdefaulttimeout(0.001)
        def test_a(): time.sleep(0.2)
        def test_b(): assert socket.getdefaulttimeout() == 0.001
    """
    with suite(test_x=text).zygote(workers=2) as zygote:
        run_all(zygote, 2)


def test_an_end_in_the_middle_of_what_a_worker_says(suite):
    """Another worker may have been telling what it has collected when the session ends."""
    text = """
        import socket
        from rowlock_pytest import channel
        def test_a():
            ours, theirs = socket.socketpair()
            ours.sendall(b"nobody reads this")
            theirs.close()
            assert channel.receive(ours, 1) == (b"", [])
    """
    with suite(test_x=text).zygote() as zygote:
        assert zygote.run_all().outcomes == ["passed"]
