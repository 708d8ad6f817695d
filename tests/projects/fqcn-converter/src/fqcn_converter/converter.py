"""The conversion itself: which keys of a file name modules, and what they become.

A file whose top level is a list is a playbook (its items are plays when they name hosts or
import a playbook) or a list of tasks, as in the tasks/ and handlers/ folders of a role. Any
other file, variables for example, is left alone, however much its keys look like modules.
"""

from __future__ import annotations

import io
import os
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from .config import ConfigManager
from .mappings import BLOCK_KEYS, PLAY_TASK_KEYS, is_task_keyword
from .scanner import Entry, ScanError, Scanner

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?=\s|\Z|['\"])")
_ACTIONS = frozenset(["action", "local_action"])


@dataclass(frozen=True)
class Change:
    """One name that was replaced."""

    line: int  # from 1
    column: int  # from 1
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.line}:{self.column}: {self.old} -> {self.new}"


@dataclass
class ConversionResult:
    """What came of one text or file."""

    content: str = ""
    changes: list[Change] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    original: str = ""

    @property
    def success(self) -> bool:
        return not self.errors

    @property
    def changed(self) -> bool:
        return bool(self.changes)


@dataclass
class _Node:
    """A key of a mapping and what is indented below it."""

    entry: Entry
    children: list[Entry]


class FQCNConverter:
    """Replaces short module names by fully qualified ones.

    >>> result = FQCNConverter().convert_content("- copy: src=a dest=b  # as is\\n")
    >>> print(result.content, end="")
    - ansible.builtin.copy: src=a dest=b  # as is
    >>> [str(change) for change in result.changes]
    ['1:3: copy -> ansible.builtin.copy']
    """

    def __init__(self, config_manager=None, mappings: dict[str, str] | None = None) -> None:
        self.config_manager = ConfigManager() if config_manager is None else config_manager
        if mappings is None:
            mappings = self.config_manager.load_default_mappings()
        self.mappings = dict(mappings)

    def convert_content(self, text: str) -> ConversionResult:
        """Converts the text of a playbook or a list of tasks. Never raises for what it holds:
        result.errors says what is wrong, and the content is then the original."""
        result = ConversionResult(content=text, original=text)
        mark = text[:1] if text.startswith("\ufeff") else ""
        lines = split_lines(text[len(mark) :])
        try:
            documents = Scanner(lines).scan()
            for entries in documents:
                if entries and entries[0].dash is not None:
                    self._convert_top_level(entries, result)
        except ScanError as error:
            result.errors.append(str(error))
            return result
        except RecursionError:
            result.errors.append("blocks are nested too deeply")
            result.changes.clear()
            return result
        _apply(lines, result)
        result.content = mark + result.content
        return result

    def convert_file(self, input_path, output_path=None) -> ConversionResult:
        """Converts one file, in place unless output_path is given. A file appears whole or not
        at all, and one in which nothing changes is not written again."""
        result = self.preview_file(input_path)
        if not result.success or (output_path is None and not result.changed):
            return result
        target = input_path if output_path is None else output_path
        try:
            _write(target, result.content, like=input_path)
        except OSError as error:
            result.errors.append(f"{target}: {_reason(error)}")
        return result

    def preview_file(self, path) -> ConversionResult:
        """What convert_file would make of the file; writes nothing."""
        try:
            with open(path, encoding="utf-8", newline="") as file:
                text = file.read()
        except (OSError, UnicodeDecodeError) as error:
            return ConversionResult(errors=[f"{path}: {_reason(error)}"])
        result = self.convert_content(text)
        result.errors = [f"{path}: {error}" for error in result.errors]
        return result

    def _convert_top_level(self, entries: list[Entry], result: ConversionResult) -> None:
        for item in _items(entries):
            nodes = _mapping(item)
            keys = {node.entry.key for node in nodes}
            if "hosts" in keys:
                self._convert_play(nodes, result)
            else:
                self._convert_task(nodes, result)

    def _convert_play(self, nodes: list[_Node], result: ConversionResult) -> None:
        for node in nodes:
            if node.entry.key in PLAY_TASK_KEYS:
                self._convert_tasks(node, result)

    def _convert_tasks(self, node: _Node, result: ConversionResult) -> None:
        if node.entry.value or not node.children or node.children[0].dash is None:
            return
        for item in _items(node.children):
            self._convert_task(_mapping(item), result)

    def _convert_task(self, nodes: list[_Node], result: ConversionResult) -> None:
        for node in nodes:
            key = node.entry.key
            if key in BLOCK_KEYS:
                self._convert_tasks(node, result)
            elif key in _ACTIONS:
                self._convert_action(node, result)
            elif not is_task_keyword(key):
                entry = node.entry
                self._rename(entry.line, entry.start, entry.end, key, result)

    def _convert_action(self, node: _Node, result: ConversionResult) -> None:
        """Both "action: copy src=a" and "action:" with a "module: copy" below it."""
        entry = node.entry
        if not entry.value:
            for child in _mapping(node.children):
                if child.entry.key == "module" and child.entry.value:
                    self._rename_word(child.entry, result)
            return
        self._rename_word(entry, result)

    def _rename_word(self, entry: Entry, result: ConversionResult) -> None:
        """The first word of a value; a template or a flow mapping has none."""
        skip = len(entry.value) - len(entry.value.lstrip("'\" "))
        word = _WORD.match(entry.value, skip)
        if word:
            start = entry.value_at + skip
            self._rename(entry.line, start, start + len(word.group()), word.group(), result)

    def _rename(self, line: int, start: int, end: int, name: str, result) -> None:
        if name in self.mappings:
            result.changes.append(Change(line + 1, start + 1, name, self.mappings[name]))
        elif re.match(r"[A-Za-z_][A-Za-z0-9_]*\Z", name):
            result.warnings.append(f"line {line + 1}: no mapping for {name!r}")


def split_lines(text: str) -> list[str]:
    """The lines of text with their ends, "\\r\\n" included; a form feed ends no line.

    >>> split_lines("a\\r\\nb\\x0cc\\nd")
    ['a\\r\\n', 'b\\x0cc\\n', 'd']
    """
    return io.StringIO(text, newline="").readlines()


def _items(entries: list[Entry]) -> list[list[Entry]]:
    """Splits the entries of a list into those of its items."""
    items: list[list[Entry]] = []
    dash = entries[0].dash
    for entry in entries:
        if entry.dash == dash:
            items.append([entry])
        elif entry.left > dash:
            items[-1].append(entry)
        else:
            break  # less indented than the list: not a document that Ansible would load
    return items


def _mapping(entries: list[Entry]) -> list[_Node]:
    """The keys of the mapping that entries begin, each with what lies below it."""
    if entries and entries[0].key is None and not entries[0].value:
        entries = entries[1:]  # a "-" alone on its line, unless a list in the list follows
        if entries and entries[0].dash is not None:
            return []
    if not entries or entries[0].key is None:
        return []
    nodes: list[_Node] = []
    first = entries[0]
    for entry in entries:
        is_sibling = entry is first or entry.dash is None
        if is_sibling and entry.key is not None and entry.column == first.column:
            nodes.append(_Node(entry, []))
        elif nodes:
            nodes[-1].children.append(entry)
    return nodes


def _apply(lines: list[str], result: ConversionResult) -> None:
    """Puts the new names in, from the end so that earlier places stay valid."""
    result.changes.sort(key=lambda change: (change.line, change.column))
    for change in reversed(result.changes):
        line = lines[change.line - 1]
        at = change.column - 1
        lines[change.line - 1] = line[:at] + change.new + line[at + len(change.old) :]
    result.content = "".join(lines)


def _write(path, text: str, like) -> None:
    """Writes beside the target, then renames; the mode is that of the file it comes from."""
    target = Path(path)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        os.chmod(temporary, os.stat(like).st_mode & 0o7777)
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8 (byte {error.start})"
    return getattr(error, "strerror", None) or str(error)
