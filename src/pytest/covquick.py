"""Lets coverage.py understand sources sooner, with the same result.

Python 3.11 has a tokenizer of tokenize's, in Python, and the one of its parser, in C.
coverage.py has each source made into a syntax tree twice, and the garbage collector goes
through all of it without finding much. What this Python does not have, or coverage.py is not
known to do in that way, is left alone.
"""

import ast
import gc
import sys
import token

try:
    import _tokenize
except ImportError:  # Python 3.10 has none
    _tokenize = None

OPERATORS = frozenset(token.EXACT_TOKEN_TYPES.values())
WORDS = {getattr(token, name, None) for name in ("ASYNC", "AWAIT")}
LAYOUT = (token.NEWLINE, token.INDENT, token.DEDENT)
NEWEST = (8, 0)  # versions of coverage.py from here on may look at more
ENOUGH = 500_000  # objects more, and the collector has a look


def tokens_of_parser(text):
    """As tokenize.generate_tokens() of a source that can be parsed, but without comments, blank
    lines and columns, none of which count for coverage.py."""
    for string, kind, first, last, *_ in _tokenize.TokenizerIter(text):
        if kind in OPERATORS:
            kind = token.OP
        elif kind in WORDS:
            kind = token.NAME
        elif kind in LAYOUT:
            string = ""  # a comment behind the statement
        yield kind, string, (first, 0), (last, 0), ""


def parse_once(parse):
    """ast.parse() that gives the last tree again for the same text."""
    last = [None, None]

    def remembering(source, *args, **kwargs):
        if args or kwargs or not isinstance(source, str):
            return parse(source, *args, **kwargs)
        if last[0] != source:
            last[:] = [None, None]
            last[:] = [source, parse(source)]
        return last[1]

    return remembering


def start():
    import coverage
    from coverage import parser

    gc.set_threshold(ENOUGH)
    # Older ones tell docstrings by the kind of the token before, a comment's too.
    if not hasattr(parser, "multiline_map_from_tokens") or coverage.version_info[:2] >= NEWEST:
        return
    ast.parse = parse_once(ast.parse)
    # From Python 3.12 on tokenize does so itself.
    if _tokenize is not None and sys.version_info < (3, 12):
        parser.generate_tokens = tokens_of_parser
