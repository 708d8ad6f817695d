"""What a test can do to the process that runs it, case by case.

A case is one test file: test_before, the tests that `body` defines, test_after. `expected`
names the outcome of each test of the body; test_before and test_after always pass. In `forked`
stands what --forked makes different: there every test has all its fixtures for itself.
"""

import sys
import textwrap

BEFORE = """
import ctypes, os, pytest, signal, subprocess, sys, tempfile, threading, time

def waiting_thread():
    time.sleep(3333)

def patiently(condition):
    end = time.monotonic() + 120
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    assert condition()

def test_before(tmp_path, capfd):
    print("before")
    assert capfd.readouterr().out == "before\\n"

"""
AFTER = """

def test_after(tmp_path):
    print("after")
    subprocess.run(["true"], check=True)
    (tmp_path / "x").write_text("x")
    with tempfile.TemporaryFile() as f:
        f.write(b"x")
"""


class Case:
    def __init__(self, body, forked=None, words=None, leftover=None, **expected):
        self.body = textwrap.dedent(body)
        self.expected = expected
        self.forked = forked or {}
        self.words = words or {}  # key of the report: what stands there of the first test
        self.leftover = leftover

    def text(self):
        return BEFORE + self.body + AFTER

    def outcomes(self, forked):
        found = dict({"test_before": "passed", "test_after": "passed"}, **self.expected)
        return dict(found, **(self.forked if forked else {}))


# Newer interpreters have a limit of their own for the C stack, and may be the first to notice.
OVERFLOW = "crashed" if sys.version_info < (3, 12) else ("crashed", "failed")
GONE = "killed by SIGKILL"

CASES = {
    "segfault": Case(
        """
        def test_it():
            print("last words", flush=True)
            print("last complaint", file=sys.stderr, flush=True)
            threading.Thread(target=waiting_thread, daemon=True).start()
            ctypes.string_at(0)
        """,
        test_it="crashed",
        words={
            "message": "killed by SIGSEGV",
            "detail": ["Segmentation fault", "in test_it", "in waiting_thread"],
            "stdout": "last words\n",
            "stderr": "last complaint\n",
        },
    ),
    "exit-0": Case(
        "def test_it(): os._exit(0)", test_it="crashed", words={"message": "exit status 0"}
    ),
    "exit-1": Case(
        "def test_it(): os._exit(1)", test_it="crashed", words={"message": "exit status 1"}
    ),
    "exec": Case(
        "def test_it(): os.execvp('true', ['true'])",
        test_it="crashed",
        words={"message": "exit status 0"},
    ),
    "kill-itself": Case(
        """
        def test_it():
            os.write(1, b"last words")
            os.kill(os.getpid(), signal.SIGKILL)
        """,
        test_it="crashed",
        words={"message": GONE, "stdout": "last words"},
    ),
    "kill-its-group": Case(
        "def test_it(): os.killpg(0, signal.SIGKILL)", test_it="crashed", words={"message": GONE}
    ),
    "crash-in-set-up": Case(
        """
        @pytest.fixture
        def deadly(): os.abort()
        def test_it(deadly): pass
        """,
        test_it="crashed",
        words={"message": ["SIGABRT", "while the fixture 'deadly' was set up"]},
    ),
    "crash-in-teardown": Case(
        """
        @pytest.fixture
        def deadly():
            yield
            os.abort()
        def test_it(deadly): pass
        """,
        test_it="crashed",
        words={"message": ["SIGABRT", "in its teardown"]},
    ),
    "no-memory": Case(
        """
        import resource
        def test_it():
            limits = resource.getrlimit(resource.RLIMIT_AS)
            with open("/proc/self/statm") as f:
                size = int(f.read().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (size + (64 << 20), limits[1]))
            try:
                bytearray(1 << 30)
            finally:
                resource.setrlimit(resource.RLIMIT_AS, limits)
        """,
        test_it="failed",
        words={"message": "MemoryError"},
    ),
    "sleeps": Case(
        """
        @pytest.mark.timeout(2)
        def test_it():
            threading.Thread(target=waiting_thread, daemon=True).start()
            time.sleep(3333)
        """,
        test_it="timeout",
        words={
            "message": "timed out after 2 s",
            "detail": ["in test_it", "in waiting_thread"],
        },
    ),
    "holds-the-gil": Case(
        """
        @pytest.mark.timeout(2)
        def test_it():
            print("last words", flush=True)
            ctypes.PyDLL(None).sleep(3333)
        """,
        test_it="timeout",
        words={"message": "timed out after 2 s", "detail": "in test_it", "stdout": "last words"},
    ),
    "stops-itself": Case(
        """
        @pytest.mark.timeout(2)
        def test_it(): os.kill(os.getpid(), signal.SIGSTOP)
        """,
        test_it="timeout",
    ),
    "hangs-in-set-up": Case(
        """
        @pytest.fixture(scope="session")
        def endless(): time.sleep(3333)
        @pytest.mark.timeout(2)
        def test_it(endless): pass
        """,
        test_it="timeout",
        words={
            "message": "timed out after 2 s while the fixture 'endless' was set up",
            "detail": "in endless",
        },
    ),
    "hangs-in-teardown": Case(
        """
        @pytest.fixture
        def endless():
            yield
            time.sleep(3333)
        @pytest.mark.timeout(3)
        def test_it(endless): pass
        """,
        test_it="timeout",
        words={"message": "timed out after 3 s in its teardown", "detail": "in endless"},
    ),
    # Torn down on the way to the next file, and so behind the last test of this one.
    "hangs-in-module-teardown": Case(
        """
        pytestmark = pytest.mark.timeout(5)
        @pytest.fixture(scope="module")
        def endless():
            yield
            time.sleep(3333)
        def test_it(endless): pass
        """,
        test_it="passed",
        test_after="error",
        forked={"test_it": "timeout", "test_after": "passed"},
    ),
    "floods-stdout": Case(
        """
        def test_it():
            block = b"x" * (1 << 20)
            os.write(1, b"first words")
            for _ in range(8):
                for _ in range(128):
                    os.write(1, block)
                # Whoever bounds the file must do so while the test runs.
                patiently(lambda: os.fstat(1).st_blocks * 512 < 64 << 20)
            os.write(1, b"last words")
            assert 0
        """,
        test_it="failed",
        words={
            "message": "assert 0",
            "stdout": ["first words", "bytes left out", "last words"],
        },
    ),
    "closes-1": Case("def test_it(): os.close(1)", test_it="passed"),
    "closes-0-to-20": Case("def test_it(): os.closerange(0, 21)", test_it="passed"),
    "closes-everything": Case("def test_it(): os.closerange(0, 4096)", test_it="crashed"),
    "daemon": Case(
        """
        def test_it():
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    os.execvp("sleep", ["sleep", "3333"])
                os._exit(0)
            os.wait()
        """,
        test_it="passed",
        leftover="sleep",
    ),
    # Whoever ends as Python does waits for these two.
    "process-of-multiprocessing": Case(
        """
        import multiprocessing
        def sleep(named):
            ctypes.CDLL(None).prctl(15, b"sleeper")
            named.set()
            time.sleep(3333)
        def test_it():
            named = multiprocessing.Event()
            multiprocessing.Process(target=sleep, args=[named]).start()
            assert named.wait(120)
        """,
        test_it="passed",
        leftover="sleeper",
    ),
    "pool-of-processes": Case(
        """
        from concurrent.futures import ProcessPoolExecutor
        POOL = ProcessPoolExecutor(1)
        def name(): ctypes.CDLL(None).prctl(15, b"pooled")
        def test_it(): POOL.submit(name).result()
        """,
        test_it="passed",
        leftover="pooled",
    ),
    "changes-directory": Case("def test_it(): os.chdir('/')", test_it="passed"),
    "deletes-its-directory": Case(
        """
        def test_it(tmp_path):
            os.chdir(tmp_path)
            tmp_path.rmdir()
        """,
        test_it="passed",
    ),
    "deletes-the-temporary-folder": Case(
        """
        import shutil
        def test_it(tmp_path_factory):
            shutil.rmtree(tempfile.gettempdir())
            shutil.rmtree(tmp_path_factory.getbasetemp())
        """,
        test_it="passed",
    ),
    "raises-in-teardown": Case(
        """
        @pytest.fixture
        def of_test():
            yield
            raise RuntimeError("of the test")
        @pytest.fixture(scope="class")
        def of_class():
            yield
            raise RuntimeError("of the class")
        def test_it(of_test): pass
        class TestClass:
            def test_first(self, of_class): pass
            def test_last(self, of_class): pass
        """,
        test_it="error",
        words={"message": "RuntimeError: of the test"},
        test_first="passed",
        test_last="error",
        forked={"test_first": "error"},
    ),
    "sys-exit": Case(
        "def test_it(): sys.exit(3)", test_it="failed", words={"message": "SystemExit: 3"}
    ),
    "ignores-signals": Case(
        """
        def test_it():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
                signal.signal(number, signal.SIG_IGN)
        def test_next(): signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        """,
        test_it="passed",
        test_next="passed",
    ),
    "ignores-every-signal": Case(
        """
        @pytest.mark.timeout(2)
        def test_it():
            for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
                signal.signal(number, signal.SIG_IGN)
            while True:
                time.sleep(3333)
        """,
        test_it="timeout",
    ),
    "threads": Case(
        """
        def test_it():
            threading.Thread(target=waiting_thread, daemon=True).start()
            threading.Thread(target=waiting_thread).start()
        """,
        test_it="passed",
    ),
    "recursion": Case(
        """
        def test_it(): test_it()
        """,
        test_it="failed",
        words={"message": "RecursionError"},
    ),
    "stack-overflow": Case(
        """
        def test_it():
            kind = ctypes.CFUNCTYPE(None)
            def deeper(): callback()
            callback = kind(deeper)
            sys.setrecursionlimit(1 << 30)
            callback()
        """,
        test_it=OVERFLOW,
    ),
    "exit-handler": Case(
        """
        import atexit
        def test_it(): atexit.register(os._exit, 3)
        """,
        test_it="passed",
    ),
}
