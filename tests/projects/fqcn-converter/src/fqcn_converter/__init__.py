"""Converts short Ansible module names to fully qualified collection names (FQCN)."""

from .config import ConfigError, ConfigManager
from .converter import Change, ConversionResult, FQCNConverter

__version__ = "0.3.0"
__all__ = [
    "Change",
    "ConfigError",
    "ConfigManager",
    "ConversionResult",
    "FQCNConverter",
    "__version__",
]
