#!/usr/bin/env python3
"""Compares what the plain runners and Rowlock say of the same tests, test by test.

    compare_results.py [--of-plain] check-results.json REPORT.json [PREFIX=REPORT.json]...

The first file is check.py's, the others are Rowlock's --report-json; PREFIX stands before the
ids of that report's tests in the first file ("sample:"). Exit 0 only if both know the same tests
and agree on every one, and there was at least one. With --of-plain the plain runners may have run
fewer.
"""

import json
import sys


def read(path):
    try:
        with open(path, encoding="utf-8") as stream:
            return json.load(stream)
    except (OSError, ValueError) as error:
        sys.exit(f"{path}: cannot be read ({error}); run make check and make test-parallel first")


def main():
    words = [word for word in sys.argv[1:] if word != "--of-plain"]
    if len(words) < 2:
        sys.exit(__doc__)
    plain = read(words[0])["tests"]
    rowlock = {}
    for argument in words[1:]:
        prefix, _, path = argument.rpartition("=")
        for test in read(path)["tests"]:
            rowlock[prefix + ":" + test["id"] if prefix else test["id"]] = test["outcome"]

    if len(words) < len(sys.argv) - 1:
        rowlock = {name: outcome for name, outcome in rowlock.items() if name in plain}
    nothing = "did not run it"
    lines = []
    for name in sorted(set(plain) | set(rowlock)):
        one, other = plain.get(name, nothing), rowlock.get(name, nothing)
        if one != other:
            lines.append(f"  {name}: plain runner: {one}, Rowlock: {other}")
    same = len(set(plain) | set(rowlock)) - len(lines)
    if lines:
        print(f"{len(lines)} tests have other verdicts through Rowlock than with plain runners:")
        print("\n".join(lines[:100]))
        if len(lines) > 100:
            print(f"  and {len(lines) - 100} more")
    elif not same:
        print("neither the plain runners nor Rowlock ran a test")
    else:
        print(f"the same verdict for all {same} tests with plain runners and through Rowlock")
    return 1 if lines or not same else 0


if __name__ == "__main__":
    sys.exit(main())
