"""A zygote that was to run without workers starts again to have some.

What a run without workers differs in begins before conftest files are loaded (variables, what is
watched while they are imported). So where one of them asks for workers after all, the process
becomes a new zygote, with the words and the environment of the first one.
"""

import os
import sys

_words, _environ = [], {}


def keep(words, environ):
    """What start() begins with; before anything is taken out of it."""
    _words[:] = words
    _environ.update(environ)


def start(settings, workers):
    """Does not return."""
    _environ[b"ROWLOCK_MODE"] = b"parallel"
    _environ[b"ROWLOCK_WORKERS"] = b"%d" % workers
    os.set_inheritable(settings.ready_fd, True)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, [sys.executable, *_words], _environ)
