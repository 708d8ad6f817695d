"""The wire format of src/run/zygote.h: frames, and the journal records inside them."""

import struct

RUN, FINISH, PING = b"R", b"F", b"P"
START, RECORD, END, EXIT, QUIT, WAIT = b"S", b"J", b"E", b"X", b"Q", b"W"
TEARDOWN = b"D"

RESULT, AMEND, NOTE, ATTEMPT = 1, 2, 3, 5

NONE, PASSED, FAILED, SKIPPED, XFAILED, XPASSED, ERROR, CRASHED = range(8)

MESSAGE = 1
DETAIL = 2
STDOUT = 3
STDERR = 4
LOG = 5
LEFTOVER = 7
PROPERTY = 8
LOCATION = 9
CALL = 10
DOING = 11
TITLE = 12
PLACE = 13

TEARDOWN_TITLE = "teardown: "  # the TITLE of a DETAIL, before its message

FIELD_LIMIT = 1 << 20
FRAME_LIMIT = 256 << 20
HEAD = struct.Struct("<IB")
_RECORD = struct.Struct("<IBBqQQQQI")
_FIELD = struct.Struct("<II")
_NUMBER = struct.Struct("<I")
_RUN = struct.Struct("<III")
_TEST = struct.Struct("<II")
_WANTED = struct.Struct("<III")


class Usage:
    """When a test ran and what it took; times in nanoseconds, memory in bytes."""

    __slots__ = ("peak", "start", "system", "user", "wall")

    def __init__(self, start=0, wall=0, user=0, system=0, peak=0):
        self.start = start
        self.wall = wall
        self.user = user
        self.system = system
        self.peak = peak


def encode(text):
    """Any text as bytes: what is not UTF-8 gets backslash escapes."""
    return text.encode("utf-8", "backslashreplace")


def cut_middle(data, limit=FIELD_LIMIT):
    """data, or its beginning and end around a note of how much was left out."""
    if len(data) <= limit:
        return data
    half = (limit - 64) // 2
    note = b"\n[... %d bytes left out ...]\n" % (len(data) - 2 * half)
    return data[:half] + note + data[-half:]


def first_line(text):
    """The first line that says something; FIELD_MESSAGE is one line."""
    for line in text.splitlines():
        if line.strip():
            return line.strip()
    return ""


class Fields:
    """The fields of one record, in the journal's form."""

    def __init__(self):
        self.count = 0
        self.parts = []

    def add(self, tag, data):
        if isinstance(data, str):
            data = encode(data)
        data = cut_middle(data)
        self.parts.append(_FIELD.pack(tag, len(data)))
        self.parts.append(data)
        self.count += 1

    def add_text(self, tag, text, title=None):
        """Adds nothing where there is nothing to say."""
        if text:
            if title:
                self.add(TITLE, title)
            self.add(tag, text)


def frame(kind, payload=b""):
    return HEAD.pack(len(payload), kind[0]) + payload


def start_frame(index, pid):
    return HEAD.pack(8, START[0]) + _TEST.pack(index, pid)


def teardown_frame(index, pid):
    return HEAD.pack(8, TEARDOWN[0]) + _TEST.pack(index, pid)


def end_frame(left_out):
    return frame(END, _NUMBER.pack(1 if left_out else 0))


def wait_frame(waiting):
    return frame(WAIT, _NUMBER.pack(1 if waiting else 0))


def exit_frame(wait_status, doing=""):
    return frame(EXIT, struct.pack("<i", wait_status) + encode(doing))


def quit_frame(status):
    return frame(QUIT, struct.pack("<i", status))


def record_payload(index, kind, outcome, usage, fields):
    head = _RECORD.pack(
        index,
        kind,
        outcome,
        usage.start,
        usage.wall,
        usage.user,
        usage.system,
        usage.peak,
        fields.count,
    )
    return head + b"".join(fields.parts)


def record_frame(index, kind, outcome, usage, fields):
    return frame(RECORD, record_payload(index, kind, outcome, usage, fields))


class BadFrame(Exception):
    """The client sent what the protocol does not have."""


def parse_run(payload):
    """(slot, milliseconds before a rerun, [(index, id, reruns), ...]) of an 'R' frame's
    payload."""
    try:
        slot, delay, count = _RUN.unpack_from(payload, 0)
        at = _RUN.size
        tests = []
        for _ in range(count):
            index, reruns, length = _WANTED.unpack_from(payload, at)
            at += _WANTED.size
            name = bytes(payload[at : at + length])
            if len(name) != length:
                raise BadFrame("a test id runs over the end of its frame")
            tests.append((index, name, reruns))
            at += length
    except struct.error as error:
        raise BadFrame(f"a run frame is too short: {error}") from None
    return slot, delay, tests
