"""convert_file: in place, to another file, and what can go wrong."""

import pytest

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A role on disk, made once for the module; tests only read it."""
    root = tmp_path_factory.mktemp("role")
    for name, task in (("tasks", "copy"), ("handlers", "service"), ("other", "apt")):
        (root / name).mkdir()
        (root / name / "main.yml").write_text(f"---\n- name: {name}\n  {task}: x=y\n")
    (root / "defaults.yml").write_text("copy: x\n")
    return root


@pytest.mark.parallel_safe
@pytest.mark.parametrize(
    "name, count",
    [
        ("tasks/main.yml", 1),
        ("handlers/main.yml", 1),
        ("other/main.yml", 1),
        ("defaults.yml", 0),
    ],
)
def test_role(converter, corpus, tmp_path, name, count):
    result = converter.convert_file(corpus / name, tmp_path / "out.yml")
    assert result.success and len(result.changes) == count
    assert (tmp_path / "out.yml").read_text() == result.content
    assert "ansible" not in (corpus / name).read_text()


def test_in_place(converter, playbook):
    before = playbook.read_text()
    result = converter.convert_file(playbook)
    assert result.success and result.original == before
    assert playbook.read_text() == before.replace("copy:", "ansible.builtin.copy:")


def test_unchanged_file_is_not_written(converter, playbook):
    converter.convert_file(playbook)
    before = playbook.stat()
    assert not converter.convert_file(playbook).changed
    after = playbook.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_no_temporary_files_are_left(converter, playbook):
    converter.convert_file(playbook)
    converter.convert_file(playbook, playbook.parent / "no folder" / "x.yml")
    assert [path.name for path in playbook.parent.iterdir()] == [playbook.name]


def test_preview_writes_nothing(converter, playbook):
    before = playbook.read_bytes()
    assert converter.preview_file(playbook).changed
    assert playbook.read_bytes() == before


@pytest.mark.parametrize("output", [None, "out.yml"])
def test_missing_file(converter, tmp_path, output):
    result = converter.convert_file(tmp_path / "none.yml", output and tmp_path / output)
    assert not result.success
    assert "No such file" in result.errors[0] and "none.yml" in result.errors[0]
    assert list(tmp_path.iterdir()) == []


def test_folder_instead_of_a_file(converter, tmp_path):
    assert "directory" in converter.convert_file(tmp_path).errors[0]


def test_output_folder_is_missing(converter, playbook):
    result = converter.convert_file(playbook, playbook.parent / "none" / "out.yml")
    assert not result.success and "none" in result.errors[0]


def test_file_that_is_not_utf8(converter, playbook):
    playbook.write_bytes(b"- copy: \xff\n")
    result = converter.convert_file(playbook)
    assert result.errors == [f"{playbook}: not UTF-8 (byte 8)"]
    assert playbook.read_bytes() == b"- copy: \xff\n"


def test_broken_file_is_left_alone(converter, playbook):
    playbook.write_text("- copy: 'open\n")
    result = converter.convert_file(playbook)
    assert result.errors[0].startswith(f"{playbook}: line 1: ")
    assert playbook.read_text() == "- copy: 'open\n"
