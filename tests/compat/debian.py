"""Gets source packages of the distribution, with apt-get and state of its own: the machine's
sources stay as they are, and its package lists are not touched."""

import glob
import os
import re
import shutil
import subprocess

from environments import Failure, clean_environment


def source_entries():
    """The machine's entries, each asking for source packages."""
    text = []
    for path in glob.glob("/etc/apt/sources.list.d/*.sources"):
        with open(path, encoding="utf-8") as file:
            text.append(re.sub(r"(?m)^Types:.*$", "Types: deb-src", file.read()))
    lines = []
    for path in ["/etc/apt/sources.list", *glob.glob("/etc/apt/sources.list.d/*.list")]:
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                lines += re.findall(r"(?m)^deb\s.*$", file.read())
    return "\n\n".join(text), "".join(f"deb-src{line[3:]}\n" for line in lines)


class Archive:
    """Source packages, unpacked below FOLDER/src."""

    def __init__(self, folder):
        self.folder = folder
        self.src = os.path.join(folder, "src")
        self.config = os.path.join(folder, "apt.conf")

    def prepare(self):
        """Writes the configuration and gets the lists, unless they are there."""
        lists = os.path.join(self.folder, "lists")
        for name in ("lists/partial", "cache/archives/partial", "parts", "src"):
            os.makedirs(os.path.join(self.folder, name), exist_ok=True)
        blocks, lines = source_entries()
        self._write("parts/own.sources", blocks)
        self._write("parts/own.list", lines)
        self._write(
            "apt.conf",
            f'Dir::Etc::SourceList "/dev/null";\nDir::Etc::SourceParts "{self.folder}/parts";\n'
            f'Dir::State::lists "{lists}";\nDir::Cache "{self.folder}/cache";\n'
            'APT::Sandbox::User "";\nDebug::NoLocking "1";\n',
        )
        if not glob.glob(os.path.join(lists, "*Sources*")):
            self._apt("apt-get", "-q", "update")

    def unpack(self, package):
        """The package's folder and version. Fetched where that is not done yet."""
        version = self._version(package)
        name = f"{package}-{version.replace('/', '_')}"
        target = os.path.join(self.src, name)
        if not os.path.isdir(target):
            fresh = os.path.join(self.src, f"new-{package}")
            shutil.rmtree(fresh, ignore_errors=True)
            os.makedirs(fresh)
            self._apt("apt-get", "-q", "source", f"{package}={version}", cwd=fresh)
            folders = [e.path for e in os.scandir(fresh) if e.is_dir()]
            os.rename(folders[0], target)
            shutil.rmtree(fresh)
        return target, version

    def _version(self, package):
        said = self._apt("apt-cache", "showsrc", "--only-source", package)
        versions = re.findall(r"(?m)^Version: (\S+)$", said)
        if not versions:
            raise Failure(f"there is no source package {package}; do the machine's sources work?")
        best = versions[0]
        for version in versions[1:]:
            newer = ["dpkg", "--compare-versions", version, "gt", best]
            best = version if subprocess.run(newer, check=False).returncode == 0 else best
        return best

    def _write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(text)

    def _apt(self, *command, cwd=None):
        env = clean_environment(APT_CONFIG=self.config, LC_ALL="C")
        done = subprocess.run(
            command, cwd=cwd, env=env, capture_output=True, text=True, check=False
        )
        if done.returncode:
            errors = [x for x in done.stderr.splitlines() if x.startswith("E: ")] or ["no output"]
            shown = re.sub(r"\S+://\S+/", "", errors[0])
            raise Failure(f"{' '.join(command)}: {shown}")
        return done.stdout
