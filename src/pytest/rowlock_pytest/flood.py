"""Output without end: a test that prints a gigabyte takes neither the disk nor the memory.

pytest captures into files. The zygote, which has descriptors of the same files, frees the
middle of one that has grown too long while its test still runs; the worker, or a child of
it, reads of such a file the beginning and the end only.
"""

import os

from rowlock_pytest import procfs

KEPT = 1 << 20  # bytes of a long file that are read: half from each end
LONGEST = 16 << 20  # a file may have so many before its middle goes
LOOK_SECONDS = 0.1
_BLOCK = 1 << 16


def read_cut(fd, limit=KEPT):
    """The file's bytes; of a long one its beginning and end around a note."""
    size = os.fstat(fd).st_size
    if size <= limit:
        return os.pread(fd, size, 0)
    half = (limit - 64) // 2
    note = b"\n[... %d bytes left out ...]\n" % (size - 2 * half)
    return os.pread(fd, half, 0) + note + os.pread(fd, half, size - half)


def bound(capture):
    """Makes a capture of pytest's read its file in this way."""
    whole = capture.snap
    file = capture.tmpfile
    fd = file.fileno()
    binary = isinstance(capture.EMPTY_BUFFER, bytes)

    def snap():
        if os.fstat(fd).st_size <= KEPT:
            return whole()
        file.flush()
        data = read_cut(fd)
        file.seek(0)
        file.truncate()
        return data if binary else data.decode("utf-8", "replace")

    capture.snap = snap


class Watch:
    """The zygote's look at the files of one worker."""

    def __init__(self):
        self.freed = {}  # fd: the offset up to which its middle is gone

    def look(self, fds):
        for fd in fds:
            try:
                size = os.fstat(fd).st_size
                if size > LONGEST:
                    self.free_middle(fd, size)
                else:
                    self.freed.pop(fd, None)
            except OSError:
                pass

    def free_middle(self, fd, size):
        start = self.freed.get(fd, KEPT)
        end = (size - KEPT) // _BLOCK * _BLOCK
        if end < start:
            # The file began anew and is long again.
            start = KEPT
        if end - start >= LONGEST // 2 and procfs.free_range(fd, start, end - start):
            self.freed[fd] = end

