"""Plays, blocks, handlers and files that hold no tasks at all."""

import textwrap

from fqcn_converter import FQCNConverter

import pytest

pytestmark = [pytest.mark.unit, pytest.mark.parallel_safe]


@pytest.fixture(scope="module")
def shared_converter():
    """One converter for the whole module: it keeps nothing between two texts."""
    return FQCNConverter()


def names_of(converter, text):
    result = converter.convert_content(textwrap.dedent(text))
    assert result.errors == []
    return [change.old for change in result.changes]


@pytest.fixture(scope="class")
def play():
    """A play without tasks, made once for each class."""
    return "- hosts: all\n  vars:\n    copy: a\n  roles:\n    - file\n    - role: mount\n"


class TestPlays:
    def test_vars_and_roles_are_left_alone(self, shared_converter, play):
        assert names_of(shared_converter, play) == []

    @pytest.mark.parametrize("key", ["tasks", "pre_tasks", "post_tasks", "handlers"])
    def test_task_lists(self, shared_converter, play, key):
        text = play + f"  {key}:\n    - copy: a\n    - name: file\n      service: b\n"
        assert names_of(shared_converter, text) == ["copy", "service"]

    def test_list_at_the_column_of_its_key(self, shared_converter, play):
        text = play + "  tasks:\n  - copy: a\n  - file: b\n  become: true\n"
        assert names_of(shared_converter, text) == ["copy", "file"]

    def test_hosts_behind_the_tasks(self, shared_converter):
        text = "- tasks:\n    - ping:\n  hosts: all\n  file: no task here\n"
        assert names_of(shared_converter, text) == ["ping"]

    def test_several_plays_and_an_import(self, shared_converter, play):
        text = "- import_playbook: a.yml\n" + play + "  tasks:\n    - ping:\n" + play
        assert names_of(shared_converter, text) == ["import_playbook", "ping"]

    def test_tasks_that_are_no_list(self, shared_converter, play):
        assert names_of(shared_converter, play + "  tasks: '{{ copy }}'\n") == []


def test_nested_blocks(shared_converter):
    text = """
        - name: outer
          block:
            - copy: a
            - block:
              - file: b
              rescue:
              - shell: c
              always:
              - debug: d
              when: copy is defined
          rescue:
            - command: e
        - service: f
    """
    found = names_of(shared_converter, text)
    assert found == ["copy", "file", "shell", "debug", "command", "service"]


def test_dash_on_a_line_of_its_own(shared_converter):
    assert names_of(shared_converter, "-\n  name: a\n  copy: b\n-\n  file: c\n") == ["copy", "file"]


def test_name_need_not_come_first(shared_converter):
    text = "- when: a\n  tags: [copy]\n  copy:\n    file: x\n  name: file\n"
    assert names_of(shared_converter, text) == ["copy"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n# copy: only a comment\n",
        "copy: a\nfile:\n  service: b\n",
        "---\n...\n",
        "- just\n- a\n- list: of words\n",
        "- - copy: nested list\n",
        "- [copy, file]\n",
        "plain text\n",
    ],
    ids=["empty", "comment", "vars", "markers", "words", "nested", "flow", "plain"],
)
def test_files_without_tasks(shared_converter, text):
    assert names_of(shared_converter, text) == []


def test_several_documents(shared_converter):
    text = "%YAML 1.2\n---\n- copy: a\n---\nfile: b\n...\n--- # next\n- service: c\n"
    assert names_of(shared_converter, text) == ["copy", "service"]


def test_flow_tasks_are_left_alone(shared_converter):
    assert names_of(shared_converter, "- {copy: {src: a}}\n- file: x\n") == ["file"]
