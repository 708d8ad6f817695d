"""The fixtures of the guide. A project's own fixture of the same name takes precedence."""

import fcntl
import os
import shutil
import stat
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path

import pytest
from rowlock_pytest.settings import DEFAULT_PREFIX, find_zygote

BUILTIN_MODULES = (
    "apt",
    "assert",
    "async_status",
    "blockinfile",
    "command",
    "copy",
    "cron",
    "debug",
    "dnf",
    "fail",
    "fetch",
    "file",
    "find",
    "get_url",
    "git",
    "group",
    "hostname",
    "import_tasks",
    "include_role",
    "include_tasks",
    "include_vars",
    "lineinfile",
    "package",
    "pause",
    "ping",
    "pip",
    "raw",
    "reboot",
    "replace",
    "script",
    "service",
    "set_fact",
    "setup",
    "shell",
    "slurp",
    "stat",
    "systemd",
    "tempfile",
    "template",
    "unarchive",
    "uri",
    "user",
    "wait_for",
    "yum",
)
OTHER_MODULES = {
    "acl": "ansible.posix.acl",
    "authorized_key": "ansible.posix.authorized_key",
    "docker_container": "community.docker.docker_container",
    "docker_image": "community.docker.docker_image",
    "mount": "ansible.posix.mount",
    "mysql_db": "community.mysql.mysql_db",
    "mysql_user": "community.mysql.mysql_user",
    "postgresql_db": "community.postgresql.postgresql_db",
    "postgresql_user": "community.postgresql.postgresql_user",
    "synchronize": "ansible.posix.synchronize",
    "sysctl": "ansible.posix.sysctl",
}


def _zygote_settings(config):
    """The settings of the zygote that this process was forked from, or None."""
    plugin = find_zygote(config)
    return plugin.settings if plugin is not None else None


def _prefix_of_ini(path):
    """env_prefix of the [rowlock] section ([tool.rowlock] in a toml file), or None."""
    if path.suffix == ".toml":
        if sys.version_info < (3, 11):
            return None
        import tomllib

        with open(path, "rb") as f:
            return tomllib.load(f).get("tool", {}).get("rowlock", {}).get("env_prefix")
    import iniconfig

    ini = iniconfig.IniConfig(str(path))
    return ini.get("rowlock", "env_prefix")


def _env_prefix(config):
    settings = _zygote_settings(config)
    if settings is not None:
        return settings.prefix
    if config.inipath is not None:
        try:
            return _prefix_of_ini(Path(str(config.inipath))) or DEFAULT_PREFIX
        except Exception:  # noqa: BLE001
            # pytest itself has read the file; what it let pass is not for us to report.
            return DEFAULT_PREFIX
    return DEFAULT_PREFIX


@pytest.fixture(scope="session")
def worker_id(request):
    """The name of the worker that runs this test: gw0, gw1, ...; "master" in a sequential
    run."""
    worker = getattr(request.config, "workerinput", None)
    return worker["workerid"] if worker is not None else "master"


@pytest.fixture(scope="session")
def testrun_uid(request):
    """A name of the whole run, the same on all its workers."""
    worker = getattr(request.config, "workerinput", None)
    if worker is not None:
        return worker["testrunuid"]
    settings = _zygote_settings(request.config)
    return settings.run_uid if settings is not None else uuid.uuid4().hex


# pytest would take the fixture for a test of a module that imports it by name.
testrun_uid.__test__ = False


@pytest.fixture
def isolated_temp_dir(request, worker_id):
    """A fresh folder (pathlib.Path) inside the worker's own, removed after the test."""
    parent = os.environ.get(_env_prefix(request.config) + "_TEST_TEMP_DIR")
    if parent is None or not os.path.isdir(parent):
        parent = tempfile.gettempdir()
    path = tempfile.mkdtemp(prefix=worker_id + "-", dir=parent)
    yield Path(path)
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def parallel_safe_environment(request, isolated_temp_dir, worker_id):
    """Environment variables of this test alone; what they hold, as a dict."""
    prefix = _env_prefix(request.config)
    mode = "sequential" if worker_id == "master" else "parallel"
    config_dir = isolated_temp_dir / "config"
    cache_dir = isolated_temp_dir / "cache"
    config_dir.mkdir()
    cache_dir.mkdir()
    original = dict(os.environ)
    os.environ.update(
        {
            prefix + "_TEST_WORKER_ID": worker_id,
            prefix + "_TEST_TEMP_DIR": str(isolated_temp_dir),
            prefix + "_TEST_MODE": mode,
            prefix + "_CONFIG_DIR": str(config_dir),
            prefix + "_CACHE_DIR": str(cache_dir),
        }
    )
    yield {
        "worker_id": worker_id,
        "temp_dir": isolated_temp_dir,
        "config_dir": config_dir,
        "cache_dir": cache_dir,
        "mode": mode,
        "is_parallel": mode == "parallel",
        "original_env": original,
    }
    current = os.environ.pop("PYTEST_CURRENT_TEST", None)
    os.environ.clear()
    os.environ.update(original)
    if current is not None:
        os.environ["PYTEST_CURRENT_TEST"] = current


@pytest.fixture
def test_execution_context(request, isolated_temp_dir, worker_id):
    """Where and as what this test runs."""
    return {
        "worker_id": worker_id,
        "thread_id": threading.get_ident(),
        "process_id": os.getpid(),
        "is_parallel": worker_id != "master",
        "mode": "sequential" if worker_id == "master" else "parallel",
        "temp_dir": isolated_temp_dir,
        "test_name": request.node.name,
        "node_id": request.node.nodeid,
        "start_time": time.time(),
    }


test_execution_context.__test__ = False


class FileLock:
    """A lock between processes, and between the threads of one. A thread that holds it may
    take it again."""

    def __init__(self, path):
        self.path = path
        self._mutex = threading.RLock()
        self._depth = 0
        self._fd = -1

    def acquire(self, blocking=True):
        """True once it is held; without blocking, False if somebody else has it."""
        if not self._mutex.acquire(blocking):
            return False
        taken = self._depth > 0
        try:
            taken = taken or self._lock_file(blocking)
        finally:
            if taken:
                self._depth += 1
            else:
                self._mutex.release()
        return taken

    def _lock_file(self, blocking):
        how = fcntl.LOCK_EX if blocking else fcntl.LOCK_EX | fcntl.LOCK_NB
        while self._fd < 0:
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                fcntl.flock(fd, how)
                if self._is_file(fd):
                    self._fd = fd
            except BlockingIOError:
                return False
            finally:
                if self._fd != fd:
                    os.close(fd)
        return True

    def _is_file(self, fd):
        """False if somebody has removed or replaced it meanwhile."""
        try:
            return os.path.samestat(os.fstat(fd), os.lstat(self.path))
        except FileNotFoundError:
            return False

    def release(self):
        if self._depth == 0:
            raise RuntimeError("release of a lock that is not held")
        self._depth -= 1
        if self._depth == 0:
            # Closing it is not enough where the test has forked: the child has it open, too.
            fcntl.flock(self._fd, fcntl.LOCK_UN)
            os.close(self._fd)
            self._fd = -1
        self._mutex.release()

    @property
    def locked(self):
        return self._depth > 0

    def __enter__(self):
        self.acquire()
        return self

    def __exit__(self, *exc_info):
        self.release()


def _user_folder():
    """The user's folder in TMPDIR, made as librowlock makes it (src/fixtures/folders.c)."""
    temp = os.environ.get("TMPDIR", "")
    path = os.path.join(temp if temp.startswith("/") else "/tmp", f"rowlock-{os.geteuid()}")
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        pass
    except OSError as error:
        remedy = "set TMPDIR to a folder that can be written to"
        raise OSError(f"{path}: cannot be made; {remedy}: {error.strerror}") from None
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise PermissionError(
            f"{path}: is no folder for this user alone; remove it, or set TMPDIR to another folder"
        )
    return path


def _serial_path(config):
    """The file that tests in C and in shell lock, too (src/fixtures/lock.c)."""
    settings = _zygote_settings(config)
    shared = settings.temp if settings is not None else os.environ.get("ROWLOCK_SHARED_DIR", "")
    if not (os.path.isabs(shared) and os.path.isdir(shared)):
        shared = _user_folder()
    return os.path.join(shared, "serial.lock")


@pytest.fixture
def serial_test_lock(request):
    """A lock that one test of the whole run holds at a time, whichever worker it is on."""
    lock = FileLock(_serial_path(request.config))
    yield lock
    while lock.locked:
        lock.release()


class ConfigManagerMock:
    """Stands in for a project's configuration manager: short module names of Ansible mapped
    to their fully qualified names, and settings. Threads may share it."""

    def __init__(self, worker_id, config_dir=None):
        self.worker_id = worker_id
        self.config_dir = config_dir
        self._lock = threading.RLock()
        self._defaults = {name: "ansible.builtin." + name for name in BUILTIN_MODULES}
        self._defaults.update(OTHER_MODULES)
        self._custom = {}
        self._settings = {}

    def load_default_mappings(self):
        """A copy: what a test does to it stays with that test."""
        with self._lock:
            return dict(self._defaults)

    def load_custom_mappings(self, path=None):
        with self._lock:
            return dict(self._custom)

    def merge_mappings(self, *mappings):
        """Later ones win; without any, the defaults under what was set."""
        with self._lock:
            merged = {}
            for mapping in mappings or (self._defaults, self._custom):
                merged.update(mapping)
            return merged

    def get_mapping(self, name, default=None):
        return self.merge_mappings().get(name, default)

    def has_mapping(self, name):
        return name in self.merge_mappings()

    def set_mapping(self, name, fqcn):
        with self._lock:
            self._custom[name] = fqcn

    def get(self, key, default=None):
        with self._lock:
            return self._settings.get(key, default)

    def set(self, key, value):
        with self._lock:
            self._settings[key] = value

    def reset(self):
        with self._lock:
            self._custom.clear()
            self._settings.clear()


@pytest.fixture
def mock_config_manager(worker_id):
    """A fresh ConfigManagerMock for each test."""
    return ConfigManagerMock(worker_id)
