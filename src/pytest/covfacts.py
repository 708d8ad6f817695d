"""What the sources of a Python project say about its coverage: statements, excluded lines, the
ways that branches can go, functions and classes.

    PYTHON covfacts.py [--rcfile FILE] [--source PATH]... PATHS
    PYTHON covfacts.py --match NUMBER NAMES

PATHS is a file with the paths that data files have, each ended by a NUL. NAMES is one with so many
regular expressions, then the names of contexts; the answer is a byte for each name, 1 if one of
the expressions is found in it, as coverage.py asks.

coverage.py decides all of it, so that the figures are those of its own reports. The sources are
parsed, never run. The answer on standard output is read by src/coverage/pyfacts.c, which keeps it:
native 32-bit integers; a text is its length and its bytes, filled up with NULs to whole integers.

    text version of coverage.py, text a file of it, config, then a record for each path in order
    config: precision, flags (1 skip_covered, 2 skip_empty, 4 show_missing, 8 ignore_errors,
            16 branch, 32 relative_files, 64 show_contexts of JSON, 128 of HTML), package depth
            of the XML report, text fail_under, text sort, text format, number of source folders,
            text each, number of regular expressions that contexts have to match, text each
    record: length of the rest, text path as asked, text source file, text name in reports,
            text error, flags (1 is reported, 2 the error is none if it is no Python at all,
            4 executed branches list impossible ones, too). If it is reported and has no error:
            number of lines of the source, then lists, each with the number of its integers before
            it: statements; excluded; (line, first line of its statement);
            (from, to, better from, better to; 0 0: none); (from, to, other from, other to, kind:
            0 where there is the one, the other is not, 1 it is); (from, to, kind: 0 a branch's
            way, 1 to an excluded line, 2 never counted as missing); number of regions, each:
            kind (0 function, 1 class), text name, start line, list of (first, last)
"""

import os
import sys
from array import array

SKIP_COVERED, SKIP_EMPTY, SHOW_MISSING, IGNORE_ERRORS, BRANCH, RELATIVE = 1, 2, 4, 8, 16, 32
JSON_CONTEXTS, HTML_CONTEXTS = 64, 128
REPORTED, NO_PYTHON, LISTS_ALL = 1, 2, 4
COUNTS, TO_EXCLUDED, NEVER_MISSING = 0, 1, 2
GOES, COMES = 0, 1
EXIT_NO_COVERAGE, EXIT_CONFIG = 3, 4
FILES_EACH = 24  # for which another process pays


def integers(*values):
    return array("i", values).tobytes()


def text(value):
    data = value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")
    return integers(len(data)) + data + bytes(-len(data) % 4)


def numbers(values):
    data = array("i", values)
    return integers(len(data)) + data.tobytes()


def flat(rows):
    return numbers(number for row in sorted(rows) for number in row)


def split_jumps(fixers):
    """What coverage.py does about arcs that leave with statements, in two lists. Its versions from
    7.17 on have for each arc a better one or None; those before have for each that jumps back to
    its with statement two more, and replace whole chains of them."""
    better, jumps = [], []
    for arc, instead in fixers.items():
        if instead is None or isinstance(instead[0], int):
            better.append((*arc, *(instead or (0, 0))))
            continue
        gone = {arc}
        start_next, end_next = instead
        while start_next in fixers and start_next not in gone:
            gone.add(start_next)
            start_next, end_next = fixers[start_next]
            gone.add(end_next)
        gone.add(start_next)
        jumps += [(*arc, *other, GOES) for other in gone]
        jumps.append((*arc, arc[0], end_next[1], COMES))
    return better, jumps


def ranges(lines):
    found = []
    for line in sorted(lines):
        if found and found[-1] == line - 1:
            found[-1] = line
        else:
            found += [line, line]
    return numbers(found)


def errors_of(coverage):
    """The class of all errors of coverage.py: old versions have one above the public one, for that
    of a wrong configuration, too."""
    base = coverage.CoverageException.__base__
    return coverage.CoverageException if base is Exception else base


class Project:
    """What coverage.py thinks of files, under one configuration."""

    def __init__(self, rcfile, sources):
        import coverage
        from coverage import files, python

        self.files = files
        self.python = python
        self.version = coverage.version_info
        options = {"data_file": None, "config_file": rcfile if rcfile is not None else True}
        if sources:
            options["source"] = sources
        self.coverage = coverage.Coverage(**options)
        self.config = self.coverage.config
        files.set_relative_directory()
        self.aliases = self.make_aliases()
        self.include = self.matcher(self.config.report_include)
        self.omit = self.matcher(self.config.report_omit)

    def make_aliases(self):
        if not self.config.paths and not self.config.relative_files:
            return None
        try:
            aliases = self.files.PathAliases(relative=self.config.relative_files)
        except TypeError:  # coverage.py 5
            aliases = self.files.PathAliases()
        for paths in self.config.paths.values():
            for pattern in paths[1:]:
                aliases.add(pattern, paths[0])
        return aliases

    def matcher(self, patterns):
        if not patterns:
            return None
        prepare = self.files.prep_patterns
        make = getattr(self.files, "GlobMatcher", None) or self.files.FnmatchMatcher
        return make(prepare(patterns))

    def head(self):
        config = self.config
        flags = SKIP_COVERED if config.skip_covered else 0
        flags |= SKIP_EMPTY if config.skip_empty else 0
        flags |= SHOW_MISSING if config.show_missing else 0
        flags |= IGNORE_ERRORS if config.ignore_errors else 0
        flags |= BRANCH if config.branch else 0
        flags |= RELATIVE if config.relative_files else 0
        flags |= JSON_CONTEXTS if getattr(config, "json_show_contexts", False) else 0
        flags |= HTML_CONTEXTS if config.show_contexts else 0
        folders = set()
        for path in config.source or []:
            if os.path.exists(path):
                relative = config.relative_files
                folders.add(path.rstrip("/") if relative else self.files.canonical_filename(path))
        from coverage import version

        return b"".join(
            [
                text(version.__version__),
                text(os.path.abspath(version.__file__)),
                integers(config.precision, flags, min(config.xml_package_depth, 1 << 20)),
                text(str(config.fail_under)),
                text(config.sort or ""),
                text(getattr(config, "format", None) or ""),
                integers(len(folders)),
                *map(text, sorted(folders)),
                integers(len(config.report_contexts or [])),
                *map(text, config.report_contexts or []),
            ]
        )

    def record(self, asked):
        path = os.fsdecode(asked)
        source = name = error = ""
        flags = 0
        body = b""
        try:
            mapped = self.aliases.map(path) if self.aliases else path
            reporter = self.python.PythonFileReporter(mapped, self.coverage)
            source, name = os.path.abspath(reporter.filename), reporter.relative_filename()
            wanted = self.include is None or self.include.match(reporter.filename)
            if wanted and self.omit is not None:
                wanted = not self.omit.match(reporter.filename)
            if wanted:
                flags |= REPORTED
                body = self.facts(reporter)
                if self.version < (7, 6, 2):
                    flags |= LISTS_ALL
        except Exception as problem:  # noqa: BLE001
            # Whatever one file does to coverage.py, the others are to be reported.
            error = str(problem) or type(problem).__name__
            flags |= NO_PYTHON * (not self.should_be_python(path))
            body = b""
        data = text(asked) + text(source) + text(name) + text(error) + integers(flags) + body
        return integers(len(data)) + data

    @staticmethod
    def should_be_python(path):
        ending = os.path.splitext(path)[1]
        return ending.startswith(".py") or not ending

    def facts(self, reporter):
        statements, excluded = reporter.lines(), reporter.excluded_lines()
        arcs, counts = reporter.arcs(), reporter.exit_counts()
        never_missing = reporter.no_branch_lines()
        parser = reporter.parser
        firsts = getattr(parser, "multiline_map", None) or getattr(parser, "_multiline", {})
        better, jumps = split_jumps(getattr(parser, "_with_jump_fixers", {}))
        arms = []
        for start, end in arcs:
            if counts.get(start, 0) < 2:
                continue
            if end in excluded:
                kind = TO_EXCLUDED
            else:
                kind = NEVER_MISSING if start in never_missing else COUNTS
            arms.append((start, end, kind))
        return b"".join(
            [
                integers(len(reporter.source().splitlines())),
                numbers(sorted(statements)),
                numbers(sorted(excluded)),
                flat((line, first) for line, first in firsts.items() if line != first),
                flat(better),
                flat(jumps),
                flat(arms),
                self.regions(reporter),
            ]
        )

    @staticmethod
    def regions(reporter):
        if not hasattr(reporter, "code_regions"):
            return integers(0)
        found = reporter.code_regions()
        parts = [integers(len(found))]
        for region in sorted(found, key=lambda region: region.start):
            kind = 1 if region.kind == "class" else 0
            parts += [integers(kind), text(region.name), integers(region.start)]
            parts.append(ranges(region.lines))
        return b"".join(parts)


def answer_in_parts(project, paths, out):
    """Each process takes a run of the paths, so that the answers stay in order."""
    import tempfile

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    n = max(1, min(cores, len(paths) // FILES_EACH))
    each = -(-len(paths) // n)
    children = []
    for i in range(1, n):
        part = tempfile.TemporaryFile()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                part.writelines(map(project.record, paths[i * each : (i + 1) * each]))
                part.flush()
                status = 0
            finally:
                os._exit(status)
        children.append((pid, part))
    out.writelines(map(project.record, paths[:each]))
    ok = True
    for pid, part in children:
        ok = os.waitpid(pid, 0)[1] == 0 and ok
        part.seek(0)
        while data := part.read(1 << 20):
            out.write(data)
    return ok


def read_names(path):
    with open(path, "rb") as file:
        return file.read().split(b"\0")[:-1]


def match(number, path):
    import re

    names = [name.decode("utf-8", "surrogateescape") for name in read_names(path)]
    patterns = []
    for pattern in names[:number]:
        try:
            patterns.append(re.compile(pattern).search)
        except re.error as error:
            print(f"contexts: no regular expression: {pattern!r}: {error}", file=sys.stderr)
            return EXIT_CONFIG
    found = (any(search(name) for search in patterns) for name in names[number:])
    sys.stdout.buffer.write(bytes(found))
    return 0


def main(arguments):
    if arguments[0] == "--match":
        return match(int(arguments[1]), arguments[2])
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, here)  # which is not there under python -I
    import covquick

    sys.path[:] = [path for path in sys.path if os.path.abspath(path or ".") != here]
    rcfile, sources = None, []
    while len(arguments) > 1:
        name, value = arguments.pop(0), arguments.pop(0)
        if name == "--rcfile":
            rcfile = value
        elif name == "--source":
            sources.append(value)
    try:
        import coverage
    except ImportError:
        print(
            f"coverage.py is not installed for {sys.executable}, and it has to say what a statement"
            f" is; run '{sys.executable} -m pip install coverage', or name another Python with"
            " --python",
            file=sys.stderr,
        )
        return EXIT_NO_COVERAGE
    sys.setrecursionlimit(10000)
    covquick.start()
    try:
        project = Project(rcfile, sources)
        head = project.head()
    except errors_of(coverage) as error:
        print(f"coverage.py: {error}", file=sys.stderr)
        return EXIT_CONFIG
    paths = read_names(arguments[0])
    out = sys.stdout.buffer
    out.write(head)
    ok = answer_in_parts(project, paths, out)
    out.flush()
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
