"""Finds the keys of a YAML file with their exact places, without loading the document.

Only as much of YAML is understood as it takes to know which lines hold keys of block
mappings: comments, quoted and flow values (over several lines too), block scalars. What the
scanner yields is enough to rename a key and leave every other byte of the file alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PROPERTIES = re.compile(r"(?:[&!][^\s]*(?:\s+|\Z))+")
_BLOCK_SCALAR = re.compile(r"[|>][0-9+-]{0,2}\s*(?:#.*)?\Z")
_COMMENT = re.compile(r"[ \t]#")
_KEY_END_OR_COMMENT = re.compile(r":(?=[ \t]|\Z)|(?<=[ \t])#")
_DOCUMENT = re.compile(r"(?:---|\.\.\.)(?=\s|\Z)")
_QUOTED_KEY = re.compile(r"""(?:"((?:[^"\\]|\\.)*)"|'((?:[^']|'')*)')\s*:(?=\s|\Z)""")


class ScanError(ValueError):
    """What stands in the way of reading the file, with its line."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line


@dataclass
class Entry:
    """One key, or one item of a list, that begins on a line of its own."""

    line: int  # index of the line, from 0
    dash: int | None  # column of the "-" in front of it
    column: int  # of the key, or of the item's text
    key: str | None  # None: a list item that is no mapping
    start: int = 0  # where the key's text stands in its line, quotes not included
    end: int = 0
    value: str = ""  # what follows the colon on the same line, without comment and properties
    value_at: int = 0

    @property
    def left(self) -> int:
        return self.column if self.dash is None else self.dash


class Scanner:
    """Splits lines into documents, each a list of entries."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.documents: list[list[Entry]] = [[]]
        self._open = ""  # closing characters that are still awaited, innermost last
        self._open_line = 0
        self._scalar: int | None = None  # a block scalar below this column is being read

    def scan(self) -> list[list[Entry]]:
        for number, line in enumerate(self.lines):
            self._scan_line(number, line.rstrip("\r\n"))
        if self._open:
            what = "quote" if self._open[-1] in "'\"" else f"'{self._open[-1]}'"
            raise ScanError(self._open_line + 1, f"this value is never closed ({what} missing)")
        return self.documents

    def _scan_line(self, number: int, line: str) -> None:
        if self._open:
            self._open = _balance(line, 0, self._open)
            return
        text = line.lstrip(" ")
        indent = len(line) - len(text)
        if self._scalar is not None:
            if not text.strip() or indent > self._scalar:
                return
            self._scalar = None
        if not text.strip() or text.startswith("#"):
            return
        if text.startswith("\t"):
            if text.strip().startswith("#"):
                return
            raise ScanError(number + 1, "a tab is used for indentation; use spaces")
        if indent == 0 and _DOCUMENT.match(line):
            self.documents.append([])
            if not line[3:].strip() or line[3:].strip().startswith("#"):
                return
            line = "   " + line[3:]
            indent = len(line) - len(line.lstrip(" "))
        elif indent == 0 and line.startswith("%") and not self.documents[-1]:
            return
        self._scan_entries(number, line, indent)

    def _scan_entries(self, number: int, line: str, column: int) -> None:
        dash = None
        while line[column : column + 2] in ("-", "- "):
            rest = column + 1 + _spaces(line, column + 1)
            if dash is not None:
                self._add(Entry(number, dash, column, None))
            dash, column = column, rest
            if column >= len(line) or line[column] == "#":
                self._add(Entry(number, dash, dash + 1, None))
                return
        entry = self._entry(number, line, dash, column)
        self._add(entry)
        self._begin_value(entry)

    def _entry(self, number: int, line: str, dash: int | None, column: int) -> Entry:
        begin = column
        properties = _PROPERTIES.match(line, column)
        if properties:
            begin = properties.end()
        quoted = _QUOTED_KEY.match(line, begin)
        if quoted:
            key = quoted.group(1) if quoted.group(1) is not None else quoted.group(2)
            entry = Entry(number, dash, column, key, begin + 1, begin + 1 + len(key))
            return self._with_value(entry, line, quoted.end())
        if line[begin : begin + 1] not in tuple("'\"{[|>?"):
            colon = _key_end(line, begin)
            if colon > begin:
                key = line[begin:colon].rstrip()
                entry = Entry(number, dash, column, key, begin, begin + len(key))
                return self._with_value(entry, line, colon + 1)
        return self._with_value(Entry(number, dash, column, None), line, begin)

    @staticmethod
    def _with_value(entry: Entry, line: str, at: int) -> Entry:
        at += _spaces(line, at)
        properties = _PROPERTIES.match(line, at)
        if properties:
            at = properties.end()
        entry.value_at = at
        entry.value = _strip_comment(line, at)
        return entry

    def _begin_value(self, entry: Entry) -> None:
        value = entry.value
        if _BLOCK_SCALAR.match(value):
            in_item = entry.key is None and entry.dash is not None
            self._scalar = entry.dash if in_item else entry.column
        elif value[:1] in tuple("'\"{["):
            self._open = _balance(value, 0, "")
            self._open_line = entry.line

    def _add(self, entry: Entry) -> None:
        self.documents[-1].append(entry)


def _spaces(line: str, at: int) -> int:
    return len(line[at:]) - len(line[at:].lstrip(" \t"))


def _key_end(line: str, begin: int) -> int:
    """The index of the colon that ends a plain key which begins there, or -1."""
    found = _KEY_END_OR_COMMENT.search(line, begin + 1)
    return found.start() if found and found.group() == ":" else -1


def _strip_comment(line: str, at: int) -> str:
    """What is left of line from at on without a comment at its end."""
    if line[at : at + 1] in ("'", '"', "{", "["):
        return line[at:]
    if line[at : at + 1] == "#":
        return ""
    return _COMMENT.split(line[at:], maxsplit=1)[0].rstrip()


def _balance(text: str, at: int, awaited: str) -> str:
    """Follows quotes and brackets through text and returns the closers still awaited.

    >>> _balance('{a: [1, "x]"', 0, "")
    '}]'
    >>> _balance(']} # }', 0, "}]")
    ''
    """
    closers = {"{": "}", "[": "]", '"': '"', "'": "'"}
    fresh = True  # a quote opens a string only at the beginning of a value
    while at < len(text):
        char = text[at]
        if awaited[-1:] == '"':
            at += char == "\\"
            if char == '"':
                awaited = awaited[:-1]
        elif awaited[-1:] == "'":
            if text[at : at + 2] == "''":
                at += 1
            elif char == "'":
                awaited = awaited[:-1]
        elif char == "#" and (at == 0 or text[at - 1] in " \t"):
            break
        elif char in "{[" or (char in "'\"" and fresh):
            awaited += closers[char]
        elif awaited and char == awaited[-1]:
            awaited = awaited[:-1]
        if not awaited:
            break
        fresh = char in "{[,:" or (fresh and char in " \t")
        at += 1
    return awaited
