"""How the work grows; counted, not timed, so that a busy machine fails nothing."""

import sys

from fqcn_converter import FQCNConverter
from fqcn_converter.scanner import Scanner

import pytest

pytestmark = pytest.mark.performance

TASK = "- name: task {0}\n  copy:\n    src: a{0}\n    dest: b\n  when: x\n\n"


def text_of(count):
    return "".join(TASK.format(number) for number in range(count))


def calls(function, *args):
    """How many Python functions are called while function runs."""
    count = 0

    def profile(frame, event, arg):
        nonlocal count
        count += event == "call"

    previous = sys.getprofile()
    sys.setprofile(profile)
    try:
        function(*args)
    finally:
        sys.setprofile(previous)
    return count


@pytest.mark.slow
@pytest.mark.parametrize("count", [50, 200])
def test_work_is_linear(converter, count):
    once = calls(converter.convert_content, text_of(count))
    twice = calls(converter.convert_content, text_of(2 * count))
    assert twice < 2.1 * once


@pytest.mark.resource_intensive
@pytest.mark.parallel_safe
def test_many_tasks(converter):
    result = converter.convert_content(text_of(2000))
    assert len(result.changes) == 2000


@pytest.mark.resource_intensive
@pytest.mark.parallel_safe
def test_long_lines(converter):
    value = "x" * 200_000
    result = converter.convert_content(f"- copy: {value}\n- file: '{value}'\n")
    assert [change.new for change in result.changes] == [
        "ansible.builtin.copy",
        "ansible.builtin.file",
    ]


def test_deep_blocks():
    depth = 150
    text = "".join("  " * level + "- block:\n" for level in range(depth))
    text += "  " * depth + "- copy: a\n"
    assert FQCNConverter().convert_content(text).content.endswith("- ansible.builtin.copy: a\n")


def test_blocks_without_end(converter):
    text = "".join(" " * level + "- block:\n" for level in range(2000))
    result = converter.convert_content(text)
    assert result.errors == ["blocks are nested too deeply"]
    assert result.content == text and not result.changed


def test_one_entry_a_line():
    entries = Scanner(text_of(100).splitlines(keepends=True)).scan()[0]
    assert len(entries) == 500
