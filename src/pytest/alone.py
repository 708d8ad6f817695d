"""pytest as it is, in this process and this terminal, for what Rowlock leaves to it.

    PYTHON alone.py PYTEST_ARGS...

A debugger needs the terminal; --collect-only, --fixtures and the like print something and end.
Only the options of Rowlock's plugin are there beside pytest's own, and nothing is distributed.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
if os.path.realpath(sys.path[0] or ".") != os.path.realpath(HERE):  # python -P and PYTHONSAFEPATH
    sys.path.insert(0, HERE)

from zygote import (  # noqa: E402
    EXIT_USAGE,
    find_pytest,
    finish_package,
    look_like_pytest,
    make_package,
)


def make_plugin():
    """Keeps pytest-xdist, where it is installed, from starting workers."""
    import pytest
    from rowlock_pytest import options

    class Alone:
        @pytest.hookimpl(tryfirst=True)
        def pytest_load_initial_conftests(self, early_config):
            options.stop_distribution(early_config.known_args_namespace)

        @pytest.hookimpl(tryfirst=True)
        def pytest_cmdline_main(self, config):
            asked = options.stop_distribution(config.option)
            options.settle_distribution(config.option, asked)

    return Alone()


def main():
    arguments = sys.argv[1:]
    look_like_pytest(arguments)
    sys.modules.pop("zygote")  # a project may have a module of that name
    package = make_package()
    if find_pytest() is None:
        return EXIT_USAGE
    finish_package(package)
    import pytest

    try:
        code = pytest.main(arguments, plugins=["rowlock_pytest", make_plugin()])
        sys.stdout.flush()
        return int(code)
    except BrokenPipeError:
        # As pytest's own program: whoever read has seen enough.
        sys.stdout = None
        return 1


if __name__ == "__main__":
    sys.exit(main())
