"""Where mappings come from: the built-in ones, and a file of the user's own."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from .mappings import default_mappings, is_task_keyword

CONFIG_NAME = "mappings.json"
_SHORT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_FULL = re.compile(r"[a-z_][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*){2,}\Z")


class ConfigError(ValueError):
    """A mappings file that cannot be used; the message names the file."""


class ConfigManager:
    """Loads mappings of short module names to fully qualified ones.

    A file of one's own is a JSON object {"short": "namespace.collection.module"}. It is looked
    for in config_dir, else in the folder that FQCN_CONFIG_DIR names, under "mappings.json".
    """

    def __init__(self, config_dir: str | os.PathLike[str] | None = None) -> None:
        folder = config_dir if config_dir is not None else os.environ.get("FQCN_CONFIG_DIR")
        self.config_dir = Path(folder) if folder else None

    def load_default_mappings(self) -> dict[str, str]:
        """The built-in mappings, in a dictionary that the caller may change."""
        return default_mappings()

    def load_custom_mappings(self, path: str | os.PathLike[str]) -> dict[str, str]:
        """Reads and checks one file. Raises ConfigError."""
        try:
            data = json.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror or error}") from error
        except json.JSONDecodeError as error:
            raise ConfigError(f"{path}:{error.lineno}:{error.colno}: {error.msg}") from error
        except UnicodeDecodeError as error:
            raise ConfigError(f"{path}: not UTF-8 (byte {error.start})") from error
        if not isinstance(data, dict):
            raise ConfigError(f"{path}: expected an object of short and full names")
        for short, full in data.items():
            _check(path, short, full)
        return data

    def load_mappings(self, path: str | os.PathLike[str] | None = None) -> dict[str, str]:
        """The built-in mappings and, above them, those of path or of the config folder."""
        mappings = self.load_default_mappings()
        if path is None and self.config_dir is not None:
            found = self.config_dir / CONFIG_NAME
            path = found if found.exists() else None
        if path is not None:
            mappings.update(self.load_custom_mappings(path))
        return mappings


def _check(path: str | os.PathLike[str], short: str, full: object) -> None:
    if not _SHORT.match(short):
        raise ConfigError(f"{path}: {short!r} is no short module name")
    if is_task_keyword(short):
        raise ConfigError(f"{path}: {short!r} is a keyword of tasks, not a module")
    if not isinstance(full, str) or not _FULL.match(full):
        raise ConfigError(
            f"{path}: {short!r} must map to namespace.collection.module, not {full!r}"
        )
