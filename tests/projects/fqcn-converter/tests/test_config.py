"""ConfigManager: built-in mappings, files, the environment."""

import json
import os
import stat
import sys

from fqcn_converter import ConfigError, ConfigManager
from fqcn_converter.config import CONFIG_NAME

import pytest

pytestmark = pytest.mark.unit


@pytest.fixture
def write(tmp_path):
    def write_mappings(data, name=CONFIG_NAME):
        path = tmp_path / name
        path.write_text(data if isinstance(data, str) else json.dumps(data))
        return path

    return write_mappings


@pytest.mark.parallel_safe
def test_defaults_are_a_new_dictionary_each_time():
    manager = ConfigManager()
    manager.load_default_mappings().clear()
    assert manager.load_default_mappings()["copy"] == "ansible.builtin.copy"


@pytest.mark.parallel_safe
@pytest.mark.parametrize("name", ["copy", "command", "debug", "set_fact", "yum", "uri"])
def test_default_mapping(default_mappings, name):
    assert default_mappings[name] == f"ansible.builtin.{name}"


def test_file_in_the_config_folder(write, tmp_path):
    write({"copy": "acme.files.copy", "frob": "acme.tools.frob"})
    mappings = ConfigManager(tmp_path).load_mappings()
    assert mappings["copy"] == "acme.files.copy"
    assert mappings["frob"] == "acme.tools.frob"
    assert mappings["file"] == "ansible.builtin.file"


def test_folder_from_the_environment(write, tmp_path, monkeypatch):
    write({"frob": "acme.tools.frob"})
    monkeypatch.setenv("FQCN_CONFIG_DIR", str(tmp_path))
    assert ConfigManager().load_mappings()["frob"] == "acme.tools.frob"


def test_no_folder(monkeypatch):
    monkeypatch.delenv("FQCN_CONFIG_DIR", raising=False)
    manager = ConfigManager()
    assert manager.config_dir is None
    assert manager.load_mappings() == manager.load_default_mappings()


def test_folder_without_a_file(tmp_path):
    manager = ConfigManager(tmp_path)
    assert manager.load_mappings() == manager.load_default_mappings()


def test_named_file_goes_before_the_folder(write, tmp_path):
    write({"frob": "acme.tools.frob"})
    other = write({"frob": "other.tools.frob"}, "other.json")
    assert ConfigManager(tmp_path).load_mappings(other)["frob"] == "other.tools.frob"


@pytest.mark.parametrize(
    "data, message",
    [
        ('{"copy": ', r"mappings\.json:1:10: "),
        ("{\n  copy: 1}", r"mappings\.json:2:3: "),
        (["copy"], "expected an object"),
        ({"copy": "short"}, "must map to namespace.collection.module"),
        ({"copy": "two.parts"}, "must map to"),
        ({"copy": "a..b"}, "must map to"),
        ({"copy": None}, "must map to"),
        ({"a.b": "a.b.c"}, "no short module name"),
        ({"": "a.b.c"}, "no short module name"),
        ({"when": "a.b.c"}, "keyword"),
        ({"with_items": "a.b.c"}, "keyword"),
    ],
)
def test_bad_file(write, data, message):
    with pytest.raises(ConfigError, match=message):
        ConfigManager().load_custom_mappings(write(data))


def test_missing_file(tmp_path):
    with pytest.raises(ConfigError, match="No such file"):
        ConfigManager().load_mappings(tmp_path / "none.json")


def test_file_that_is_not_text(tmp_path):
    (tmp_path / CONFIG_NAME).write_bytes(b'{"a": "\xff"}')
    with pytest.raises(ConfigError, match="not UTF-8"):
        ConfigManager(tmp_path).load_mappings()


@pytest.mark.skipif(sys.platform == "win32", reason="modes are those of POSIX")
def test_mode_of_the_file_is_kept(converter, playbook):
    os.chmod(playbook, 0o640)
    assert converter.convert_file(playbook).changed
    assert stat.S_IMODE(playbook.stat().st_mode) == 0o640


@pytest.mark.skipif(sys.platform != "win32", reason="only Windows has drive letters")
def test_drive_letters(tmp_path):
    assert ConfigManager(tmp_path).config_dir.drive


@pytest.mark.xfail(reason="fails where file names ignore case", strict=False)
def test_name_of_the_config_file_is_exact(write, tmp_path):
    write({"frob": "acme.tools.frob"}, CONFIG_NAME.upper())
    assert "frob" not in ConfigManager(tmp_path).load_mappings()
