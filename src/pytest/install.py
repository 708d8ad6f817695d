"""Makes Rowlock's plugin known to the pytest of the Python that runs this.

    PYTHON install.py install|uninstall VERSION

A link to the plugin and an entry point beside it go into the site-packages of that Python, so
that `pytest -n 4` finds it without a word in any file of the project.
"""

import importlib.util
import os
import shutil
import site
import sys
import sysconfig

# Not resolved: in a build tree it is the link that rowlock lies beside.
HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE = "rowlock_pytest"
EXIT_OK = 0
EXIT_FAILED = 3
EXIT_USAGE = 4
METADATA = """Metadata-Version: 2.1
Name: rowlock-pytest
Version: {version}
Summary: Hands parallel runs of pytest to Rowlock
"""
ENTRY_POINTS = """[pytest11]
rowlock_pytest = rowlock_pytest
"""


class Refused(Exception):
    """What cannot be done, and what to do about it."""


def candidates():
    """The folders that Python looks for packages in and that are for additions."""
    folders = [sysconfig.get_path("purelib")]
    if site.ENABLE_USER_SITE:
        folders.append(site.getusersitepackages())
    return folders


def target():
    for folder in candidates():
        try:
            os.makedirs(folder, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    raise Refused(
        "{} is not writable; use the Python of a virtual environment (--python)".format(
            candidates()[0]
        )
    )


def write(path, text):
    """The whole file or none of it."""
    temporary = f"{path}.{os.getpid()}"
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(temporary, path)


def is_ours(link):
    return os.path.islink(link) and os.path.basename(os.readlink(link)) == PACKAGE


def remove(folder):
    """Removes what an install has put there. True if there was something."""
    link = os.path.join(folder, PACKAGE)
    found = is_ours(link)
    if found:
        os.unlink(link)
    if os.path.isdir(folder):
        for name in os.listdir(folder):
            if name.startswith(PACKAGE + "-") and name.endswith(".dist-info"):
                shutil.rmtree(os.path.join(folder, name))
                found = True
    return found


def install(version):
    if importlib.util.find_spec("pytest") is None:
        raise Refused(f"{sys.executable} has no pytest; name the one that has (--python)")
    folder = target()
    link = os.path.join(folder, PACKAGE)
    if os.path.lexists(link) and not is_ours(link):
        raise Refused(f"{link} is in the way; remove it")
    remove(folder)
    info = os.path.join(folder, f"{PACKAGE}-{version}.dist-info")
    os.makedirs(info)
    write(os.path.join(info, "METADATA"), METADATA.format(version=version))
    write(os.path.join(info, "INSTALLER"), "rowlock pytest-plugin\n")
    write(os.path.join(info, "entry_points.txt"), ENTRY_POINTS)
    os.symlink(os.path.join(HERE, PACKAGE), link)
    print(f"pytest of {sys.executable} hands parallel runs to Rowlock: {link}")


def uninstall():
    found = [folder for folder in candidates() if remove(folder)]
    if not found:
        raise Refused(f"the plugin is not installed for {sys.executable}; nothing to remove")
    print(f"removed from {', '.join(found)}")


def main():
    # Like the link, the rest is looked for where pytest looks: not beside this file.
    here = os.path.realpath(HERE)
    sys.path[:] = [path for path in sys.path if os.path.realpath(path or ".") != here]
    try:
        if sys.argv[1:2] == ["install"] and len(sys.argv) == 3:
            install(sys.argv[2])
        elif sys.argv[1:2] == ["uninstall"]:
            uninstall()
        else:
            raise Refused("usage: install.py install|uninstall VERSION")
    except Refused as error:
        print(f"rowlock: {error}", file=sys.stderr)
        return EXIT_USAGE
    except OSError as error:
        print(f"rowlock: {error.filename}: {error.strerror}", file=sys.stderr)
        return EXIT_FAILED
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
