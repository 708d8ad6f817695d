"""The fixtures of the guide, under the zygote and in a plain run of pytest."""

import os
import sys

from client import run_plain

import pytest

GUIDE = """
    import os, pytest, threading
    from pathlib import Path

    def test_worker_identification(worker_id):
        assert worker_id in ["master", "gw0", "gw1"]

    def test_file_operations(isolated_temp_dir):
        assert isinstance(isolated_temp_dir, Path)
        test_file = isolated_temp_dir / "test.txt"
        test_file.write_text("test content")
        assert test_file.exists()
        before, found, below = str(isolated_temp_dir).rpartition("/rl-")
        assert not found or len("/tmp/rl-" + below) <= 60

    def test_environment_setup(parallel_safe_environment):
        env = parallel_safe_environment
        assert env["worker_id"] == os.environ["FQCN_TEST_WORKER_ID"]
        assert str(env["temp_dir"]) == os.environ["FQCN_TEST_TEMP_DIR"]
        assert env["mode"] == os.environ["FQCN_TEST_MODE"]
        assert env["is_parallel"] == (env["worker_id"] != "master")
        for name in ("FQCN_CONFIG_DIR", "FQCN_CACHE_DIR", "FQCN_TEST_TEMP_DIR"):
            assert os.path.isdir(os.environ[name])
        os.environ["LEFT_BY_A_TEST"] = "1"

    def test_environment_is_restored():
        assert "LEFT_BY_A_TEST" not in os.environ
        assert "PYTEST_CURRENT_TEST" in os.environ

    def test_execution_info(test_execution_context, worker_id):
        context = test_execution_context
        assert context["worker_id"] == worker_id
        assert context["thread_id"] == threading.get_ident()
        assert context["process_id"] == os.getpid()
        assert context["temp_dir"].is_dir()
        assert context["is_parallel"] == (worker_id != "master")

    @pytest.mark.serial
    def test_exclusive_resource(serial_test_lock):
        with serial_test_lock:
            assert serial_test_lock.locked
            with serial_test_lock:
                pass
            assert serial_test_lock.locked
        assert not serial_test_lock.locked
        assert serial_test_lock.acquire(blocking=False)
        serial_test_lock.release()
        with pytest.raises(RuntimeError):
            serial_test_lock.release()

    def test_lock_left_behind(serial_test_lock):
        serial_test_lock.acquire()

    def test_config_operations(mock_config_manager):
        mappings = mock_config_manager.load_default_mappings()
        assert isinstance(mappings, dict)
        assert mappings["copy"] == "ansible.builtin.copy"
        mappings["copy"] = "changed"
        assert mock_config_manager.get_mapping("copy") == "ansible.builtin.copy"
        mock_config_manager.set_mapping("mine", "my.own.module")
        assert mock_config_manager.has_mapping("mine")
        mock_config_manager.set("key", "value")
        assert mock_config_manager.get("key") == "value"
        assert mock_config_manager.get("absent", 7) == 7

    def test_config_is_fresh(mock_config_manager):
        assert not mock_config_manager.has_mapping("mine")
        assert mock_config_manager.get("key") is None

    def test_config_from_threads(mock_config_manager):
        def work(n):
            for i in range(100): mock_config_manager.set_mapping("m%d_%d" % (n, i), "x.y.z")
        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        assert len(mock_config_manager.load_custom_mappings()) == 400
"""


@pytest.mark.parametrize("sequential", [False, True], ids=["parallel", "sequential"])
def test_examples_under_the_zygote(suite, sequential):
    with suite(test_guide=GUIDE).zygote(sequential=sequential) as zygote:
        group = zygote.run_all()
        assert set(group.outcomes) == {"passed"}, [r.detail for r in group.records]
        assert zygote.finish()[0] == 0


def test_examples_in_a_plain_run(suite):
    suite(test_guide=GUIDE)
    status, output = run_plain(suite.path)
    assert status == 0, output
    assert "10 passed" in output


def test_each_test_has_a_fresh_folder_of_its_worker(suite):
    text = """
        import os, pytest
        @pytest.mark.parametrize("n", range(2))
        def test_dir(n, isolated_temp_dir, worker_id):
            assert list(isolated_temp_dir.iterdir()) == []
            assert str(isolated_temp_dir).startswith(os.environ["FQCN_TEST_TEMP_DIR"])
            assert worker_id in str(isolated_temp_dir)
            (isolated_temp_dir / "x").write_text("x")
            with open("dirs", "a") as f: f.write(str(isolated_temp_dir) + "\\n")
    """
    with suite(test_m=text).zygote() as zygote:
        assert zygote.run(0, 1).outcomes == ["passed", "passed"]
        dirs = (suite.path / "dirs").read_text().splitlines()
        assert len(set(dirs)) == 2
        assert not any(os.path.exists(path) for path in dirs)


def test_a_conftest_takes_precedence(suite):
    conftest = """
        import pytest
        @pytest.fixture
        def worker_id(): return "mine"
        @pytest.fixture
        def isolated_temp_dir(tmp_path): return tmp_path
    """
    text = """
        def test_a(worker_id, isolated_temp_dir, tmp_path, test_execution_context):
            assert worker_id == "mine"
            assert isolated_temp_dir == tmp_path
            assert test_execution_context["temp_dir"] == tmp_path
    """
    with suite(conftest=conftest, test_m=text).zygote() as zygote:
        # A session fixture of ours must not be asked to use theirs.
        assert zygote.run(0).outcomes == ["passed"]


def test_the_lock_holds_between_workers(suite):
    text = """
        import os, pytest, time
        @pytest.mark.parametrize("n", range(2))
        def test_hold(n, serial_test_lock):
            open("here%d" % n, "w").close()
            while not os.path.exists("here%d" % (1 - n)): time.sleep(0.001)
            for _ in range(5):
                with serial_test_lock:
                    fd = os.open("exclusive", os.O_CREAT | os.O_EXCL)
                    time.sleep(0.005)
                    os.close(fd)
                    os.unlink("exclusive")
    """
    with suite(test_m=text).zygote() as zygote:
        conns = [zygote.begin(n, slot=n) for n in range(2)]
        for conn in conns:
            assert zygote.collect(conn).outcomes == ["passed"]


def test_a_forked_child_does_not_keep_the_lock(suite):
    text = """
        import os, time
        def test_a(serial_test_lock):
            with serial_test_lock:
                read, write = os.pipe()
                pid = os.fork()
                if pid == 0:
                    os.close(write)
                    os.read(read, 1)
                    os._exit(0)
            assert serial_test_lock.acquire(blocking=False)
            os.write(write, b"x")
            os.waitpid(pid, 0)
    """
    with suite(test_m=text).zygote() as zygote:
        assert zygote.run(0).outcomes == ["passed"]


@pytest.mark.parametrize("name", ["pytest.ini", "setup.cfg", "pyproject.toml"])
def test_the_prefix_of_the_ini_in_a_plain_run(suite, name):
    if name.endswith("toml") and sys.version_info < (3, 11):
        pytest.skip("needs tomllib")
    text = """
        import os
        def test_a(parallel_safe_environment): assert "ACME_TEST_MODE" in os.environ
    """
    content = {
        "pytest.ini": "[pytest]\n[rowlock]\nenv_prefix = ACME\n",
        "setup.cfg": "[tool:pytest]\n[rowlock]\nenv_prefix = ACME\n",
        "pyproject.toml": '[tool.pytest.ini_options]\n[tool.rowlock]\nenv_prefix = "ACME"\n',
    }
    suite(test_m=text)
    (suite.path / name).write_text(content[name])
    status, output = run_plain(suite.path)
    assert status == 0, output
