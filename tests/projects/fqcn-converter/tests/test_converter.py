"""FQCNConverter on single tasks: what is renamed and what is left alone."""

from fqcn_converter import Change, FQCNConverter
from fqcn_converter.mappings import BLOCK_KEYS, TASK_KEYWORDS

import pytest

pytestmark = [pytest.mark.unit, pytest.mark.parallel_safe]


@pytest.mark.parametrize(
    "short, full",
    [
        ("copy", "ansible.builtin.copy"),
        ("template", "ansible.builtin.template"),
        ("service", "ansible.builtin.service"),
        ("import_tasks", "ansible.builtin.import_tasks"),
        ("include_role", "ansible.builtin.include_role"),
        ("meta", "ansible.builtin.meta"),
        ("authorized_key", "ansible.posix.authorized_key"),
        ("ufw", "community.general.ufw"),
        ("x509_certificate", "community.crypto.x509_certificate"),
        ("docker_container", "community.docker.docker_container"),
        ("mysql_db", "community.mysql.mysql_db"),
        ("k8s", "kubernetes.core.k8s"),
    ],
)
def test_module_is_renamed(convert, short, full):
    assert convert(f"- {short}:\n    a: b\n") == f"- {full}:\n    a: b\n"


@pytest.mark.parametrize(
    "keyword", ["name", "when", "register", "loop", "vars", "args", "environment", "notify", "tags"]
)
def test_keyword_is_left_alone(keyword):
    converter = FQCNConverter(mappings={keyword: "wrong.wrong.wrong", "copy": "a.b.copy"})
    text = f"- copy: x\n  {keyword}: y\n"
    assert converter.convert_content(text).content == f"- a.b.copy: x\n  {keyword}: y\n"


def test_no_keyword_is_ever_renamed():
    for keyword in TASK_KEYWORDS - {"action", "local_action"}:
        converter = FQCNConverter(mappings={keyword: "wrong.wrong.wrong"})
        assert not converter.convert_content(f"- {keyword}: y\n").changed


@pytest.mark.parametrize("loop", ["with_items", "with_dict", "with_fileglob", "with_my_lookup"])
def test_with_lookup_is_left_alone(loop):
    converter = FQCNConverter(mappings={loop: "wrong.wrong.wrong"})
    assert not converter.convert_content(f"- {loop}: y\n").changed


@pytest.mark.parametrize("word", ["copy", "file", "group", "user", "service", "script", "mount"])
def test_argument_with_the_name_of_a_module_is_left_alone(convert, word):
    text = f"- ansible.builtin.debug:\n    {word}: x\n    nested:\n      {word}: y\n"
    assert convert(text) == text


@pytest.mark.parametrize(
    "line",
    [
        "copy: src=a dest=b",
        "copy:   src=a   # comment: with colon",
        "copy : src=a",
        "copy: {src: a, dest: b}",
        "copy: 'quoted: value'",
        "copy: &anchor",
        "copy: !unsafe src=a",
        "copy:",
    ],
)
def test_rest_of_the_line_is_kept(convert, line):
    assert convert(f"- {line}\n") == f"- ansible.builtin.{line}\n"


@pytest.mark.parametrize("quote", ["'", '"'])
def test_quotes_around_the_name_stay(convert, quote):
    text = f"- name: x\n  {quote}copy{quote}: src=a\n"
    assert convert(text) == text.replace("copy", "ansible.builtin.copy")


@pytest.mark.parametrize(
    "action, expected",
    [
        ("action: copy src=a", "action: ansible.builtin.copy src=a"),
        ("action: 'copy src=a'", "action: 'ansible.builtin.copy src=a'"),
        ('local_action: "command ls"', 'local_action: "ansible.builtin.command ls"'),
        ("local_action: ping", "local_action: ansible.builtin.ping"),
        ("action:   debug msg=copy # copy", "action:   ansible.builtin.debug msg=copy # copy"),
        ("action: ansible.builtin.copy a", "action: ansible.builtin.copy a"),
        ("action: '{{ module }} a'", "action: '{{ module }} a'"),
        ("action: copy.x a", "action: copy.x a"),
    ],
)
def test_action_value(convert, action, expected):
    assert convert(f"- {action}\n") == f"- {expected}\n"


@pytest.mark.parametrize("key", ["action", "local_action"])
def test_action_mapping(convert, key):
    text = f"- {key}:\n    module: copy\n    src: module\n    copy: x\n"
    assert convert(text) == text.replace("module: copy", "module: ansible.builtin.copy")


@pytest.mark.parametrize(
    "text",
    [
        "- copy: a\n- name: b\n  file:\n    path: c\n",
        "- block:\n    - copy: a\n  rescue:\n    - debug: b\n",
        "- hosts: all\n  tasks:\n    - action: copy a\n",
    ],
)
def test_second_conversion_changes_nothing(converter, text):
    once = converter.convert_content(text)
    assert once.changed
    twice = converter.convert_content(once.content)
    assert (twice.content, twice.changes) == (once.content, [])


def test_changes_say_where(converter):
    result = converter.convert_content("- name: x\n  copy: a\n\n- action: ping\n")
    assert result.changes == [
        Change(2, 3, "copy", "ansible.builtin.copy"),
        Change(4, 11, "ping", "ansible.builtin.ping"),
    ]
    assert str(result.changes[0]) == "2:3: copy -> ansible.builtin.copy"


def test_unknown_module_is_a_warning(converter):
    result = converter.convert_content("- frobnicate: x\n- acme.tools.frob: y\n")
    assert result.success and not result.changed
    assert result.warnings == ["line 1: no mapping for 'frobnicate'"]


@pytest.mark.parametrize("key", sorted(BLOCK_KEYS))
def test_tasks_in_blocks(convert, key):
    assert convert(f"- {key}:\n    - ping:\n") == f"- {key}:\n    - ansible.builtin.ping:\n"


def test_own_mappings_replace_the_default_ones():
    converter = FQCNConverter(mappings={"copy": "acme.files.copy"})
    result = converter.convert_content("- copy: a\n- file: b\n")
    assert result.content == "- acme.files.copy: a\n- file: b\n"


def test_mappings_are_copied():
    mappings = {"copy": "a.b.copy"}
    converter = FQCNConverter(mappings=mappings)
    mappings.clear()
    assert converter.convert_content("- copy: x\n").changed


def test_defaults_come_from_the_config_manager(mock_config_manager):
    FQCNConverter(config_manager=mock_config_manager)
    assert isinstance(mock_config_manager.load_default_mappings(), dict)
