"""Whatever is no module name stays byte for byte."""

import logging

from fqcn_converter.scanner import ScanError, Scanner

import pytest

pytestmark = [pytest.mark.unit, pytest.mark.parallel_safe]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["unix", "dos", "old mac"])
def test_line_ends(converter, end):
    lines = ["---", "- copy: a", "", "- file: b", ""]
    result = converter.convert_content(end.join(lines))
    lines[1], lines[3] = "- ansible.builtin.copy: a", "- ansible.builtin.file: b"
    assert result.content == end.join(lines)


def test_no_newline_at_the_end(convert):
    assert convert("- copy: a") == "- ansible.builtin.copy: a"


def test_byte_order_mark(converter):
    assert converter.convert_content("\ufeff- copy: a\n").content == (
        "\ufeff- ansible.builtin.copy: a\n"
    )


def test_spaces_and_comments(convert):
    text = "#  one\n\n\n-   copy:    a   #  two  \n    #three\n    when:   x  \n \n"
    assert convert(text) == text.replace("copy", "ansible.builtin.copy")


@pytest.mark.parametrize("indicator", ["|", ">", "|-", ">+", "|2", "|+ # note"])
def test_block_scalars(convert, indicator):
    text = f"- shell: {indicator}\n    - copy: x\n\n    file: y\n     'open\n  when: z\n- ping:\n"
    expected = text.replace("shell", "ansible.builtin.shell")
    assert convert(text) == expected.replace("ping", "ansible.builtin.ping")


@pytest.mark.parametrize(
    "value",
    [
        '"a\n    - copy: b\n    file: c"',
        "'it''s\n    copy: b'",
        "{a: b,\n    copy: c,\n    d: [e,\n    file: f]}",
        '[a, "]",\n    copy: b]  # ]',
        '"back\\"slash\n  copy: a"',
        "{a: don't,\n  copy: b}",
    ],
    ids=["double", "single", "flow", "list", "escape", "apostrophe"],
)
def test_values_over_several_lines(convert, value):
    text = f"- debug: {value}\n  register: x\n- ping:\n"
    expected = text.replace("debug", "ansible.builtin.debug")
    assert convert(text) == expected.replace("ping", "ansible.builtin.ping")


@pytest.mark.parametrize("char", ["\x0b", "\x0c", "\x85", "\u2028"])
def test_characters_that_only_look_like_line_ends(convert, char):
    assert convert(f"- debug: a{char}- copy: b\n") == (
        f"- ansible.builtin.debug: a{char}- copy: b\n"
    )


def test_any_language(convert):
    text = "- name: Кириллица 日本語 🎉\n  copy: ünïcode\n"
    assert convert(text) == text.replace("copy", "ansible.builtin.copy")


@pytest.mark.parametrize(
    "text, line, what",
    [
        ("- copy:\n\tsrc: a\n", 2, "tab"),
        ("- name: 'open\n  copy: a\n", 1, "quote"),
        ('- a: b\n- name: "open\n', 2, "quote"),
        ("- copy: {a: b\n", 1, "'}'"),
        ("- copy: [a, {b: c}\n\n", 1, "']'"),
    ],
)
def test_broken_files(converter, text, line, what):
    result = converter.convert_content(text)
    assert not result.success and not result.changed
    assert result.content == text
    assert result.errors[0].startswith(f"line {line}: ") and what in result.errors[0]


def test_scan_error_knows_its_line():
    with pytest.raises(ScanError, match="line 3") as caught:
        Scanner(["a:\n", "  b:\n", "\tc: d\n"]).scan()
    assert caught.value.line == 3


def test_conversion_logs_nothing(converter, caplog):
    with caplog.at_level(logging.DEBUG):
        converter.convert_content("- copy: a\n")
    assert caplog.records == []


@pytest.mark.xfail(reason="flow mappings are not converted yet", strict=True)
def test_flow_task(convert):
    assert "ansible.builtin.copy" in convert("- {name: x, copy: {src: a}}\n")


@pytest.mark.xfail(reason="complex keys ('? key') are not understood", raises=AssertionError)
def test_complex_key(convert):
    assert "ansible.builtin.copy" in convert("- ? copy\n  : src=a\n")
