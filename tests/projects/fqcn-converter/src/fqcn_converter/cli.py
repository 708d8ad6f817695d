"""The command line: python -m fqcn_converter [--check] [--diff] FILE…"""

from __future__ import annotations

import argparse
import difflib
import logging
import sys
from pathlib import Path

from .config import ConfigError, ConfigManager
from .converter import ConversionResult, FQCNConverter, split_lines

EXIT_OK, EXIT_WOULD_CHANGE, EXIT_ERROR = 0, 1, 2
log = logging.getLogger(__name__)


def build_parser() -> argparse.ArgumentParser:
    from . import __version__

    parser = argparse.ArgumentParser(
        prog="fqcn_converter",
        description="Convert short Ansible module names to fully qualified ones, in place.",
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="file or folder; - for stdin")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if any would")
    parser.add_argument("--diff", action="store_true", help="print what changes")
    parser.add_argument("--config", metavar="FILE", help="a JSON file of more mappings")
    parser.add_argument("-v", "--verbose", action="store_true", help="also print warnings")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    return parser


def find_files(names: list[str]) -> list[str]:
    """The files that names mean: a folder stands for every YAML file below it."""
    found: list[str] = []
    for name in names:
        if name != "-" and Path(name).is_dir():
            paths = sorted(p for p in Path(name).rglob("*") if p.suffix in (".yml", ".yaml"))
            found.extend(str(path) for path in paths if path.is_file())
        else:
            found.append(name)
    return found


def diff(name: str, result: ConversionResult) -> str:
    old, new = split_lines(result.original), split_lines(result.content)
    return "".join(difflib.unified_diff(old, new, f"a/{name}", f"b/{name}"))


def run_one(converter: FQCNConverter, name: str, args: argparse.Namespace) -> ConversionResult:
    if name == "-":
        result = converter.convert_content(sys.stdin.read())
        result.errors = [f"<stdin>: {error}" for error in result.errors]
        if result.success and not args.check:
            sys.stdout.write(result.content)
        return result
    return converter.preview_file(name) if args.check else converter.convert_file(name)


def report(name: str, result: ConversionResult, args: argparse.Namespace) -> None:
    for error in result.errors:
        print(f"error: {error}", file=sys.stderr)
    if args.verbose:
        for warning in result.warnings:
            print(f"warning: {name}: {warning}", file=sys.stderr)
    if not result.success or name == "-":
        return
    log.debug("%s: %d names", name, len(result.changes))
    if args.diff:
        sys.stdout.write(diff(name, result))
    if result.changed:
        verb = "would change" if args.check else "changed"
        names = "name" if len(result.changes) == 1 else "names"
        print(f"{name}: {verb} {len(result.changes)} {names}")


def main(argv: list[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    manager = ConfigManager()
    try:
        converter = FQCNConverter(manager, mappings=manager.load_mappings(args.config))
    except ConfigError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_ERROR
    failed = changed = False
    for name in find_files(args.files):
        result = run_one(converter, name, args)
        report(name, result, args)
        failed = failed or not result.success
        changed = changed or result.changed
    if failed:
        return EXIT_ERROR
    return EXIT_WOULD_CHANGE if args.check and changed else EXIT_OK
