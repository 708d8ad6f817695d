"""Sockets that a project has no say in: it may have put something else in the place of
socket.socket, which raises, or have set a default timeout."""

import os

import _socket

SUN_PATH_LIMIT = 100
SOL_SOCKET = _socket.SOL_SOCKET
SCM_RIGHTS = _socket.SCM_RIGHTS
MSG_DONTWAIT = _socket.MSG_DONTWAIT
MSG_PEEK = _socket.MSG_PEEK
SHUT_RDWR = _socket.SHUT_RDWR
CMSG_SPACE = _socket.CMSG_SPACE


def from_fd(fd):
    """The blocking UNIX stream socket of that descriptor."""
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, fd)
    sock.settimeout(None)
    return sock


def unix_stream():
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    sock.settimeout(None)
    return sock


def pair():
    both = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_STREAM)
    for sock in both:
        sock.settimeout(None)
    return both


def listen(temp):
    """The listening socket TEMP/zygote, however long TEMP is."""
    sock = unix_stream()
    path = os.path.join(temp, "zygote")
    folder = os.open(temp, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if os.path.lexists(path):
            os.unlink(path)
        if len(os.fsencode(path)) > SUN_PATH_LIMIT:
            path = f"/proc/self/fd/{folder}/zygote"
        sock.bind(path)
    finally:
        os.close(folder)
    sock.listen(128)
    sock.setblocking(False)
    return sock


def accept(listener):
    """The next client of a socket that does not wait."""
    fd, _ = listener._accept()
    return from_fd(fd)
