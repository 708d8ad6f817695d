"""--history-url: what runs have shown goes through a web server from one machine to the next."""

import http.server
import json
import os
import pathlib
import shutil
import socket
import sqlite3
import threading

import pytest

NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")

CONFIG = """
daemon off;
worker_processes 1;
pid {dir}/pid;
error_log {dir}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    client_max_body_size 100m;
    server {{
        listen 127.0.0.1:{port};
        root {dir}/files;
        location / {{ dav_methods PUT; create_full_put_path on; }}
        location /secret/ {{
            dav_methods PUT;
            create_full_put_path on;
            auth_basic ci;
            auth_basic_user_file {dir}/users;
        }}
    }}
}}
"""


@pytest.fixture
def nginx(project, wait_until):
    """The address of an nginx with WebDAV, and the folder of its files."""
    if NGINX is None:
        pytest.skip("nginx is not installed (./bootstrap --ci installs it)")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = project.temp / "nginx"
    (folder / "files").mkdir(parents=True)
    for path in (folder.parent, folder, folder / "files"):
        path.chmod(0o777)  # workers of nginx drop root
    (folder / "users").write_text("ci:{PLAIN}pass%word\n")
    (folder / "conf").write_text(CONFIG.format(dir=folder, port=port))
    project.spawn([NGINX, "-p", folder, "-e", folder / "start.log", "-c", folder / "conf"])

    def answers():
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0

    assert wait_until(answers, timeout=30), (folder / "start.log").read_text()
    return f"http://127.0.0.1:{port}", folder / "files"


def suite(project, *names):
    tests = [{"id": name, "command": ["true"]} for name in names]
    project.write("tests.json", json.dumps({"rowlock": 1, "tests": tests}))


def names_in(path):
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        return {row[0] for row in db.execute("SELECT name FROM test")}


def run(project, url, *more, code=0):
    done = project.rowlock("parallel", "-n", "2", "--history-url", url, *more)
    assert done.returncode == code, done
    return done


def has_curl(project):
    done = project.rowlock("parallel", "--history-url", "http://127.0.0.1:9/x", "--dry-run")
    return "without libcurl" not in done.stderr and "not installed" not in done.stderr


@pytest.fixture(autouse=True)
def needs_curl(project):
    suite(project, "a")
    if not has_curl(project):
        pytest.skip("this rowlock has no libcurl")
    shutil.rmtree(project.path(".rowlock"), ignore_errors=True)


def test_machines_share_what_they_know(project, nginx):
    url, files = nginx
    where = f"{url}/ci/main/history.db"
    suite(project, "first", "both")
    done = run(project, where)
    assert done.stderr == ""  # that there is nothing yet is no news
    assert names_in(files / "ci/main/history.db") == {"first", "both"}

    # Another machine begins empty, and knows at once what the first has seen.
    other = project.other()
    suite(other, "both", "second", "first")
    with sqlite3.connect(files / "ci/main/history.db") as db:
        slow = "(SELECT id FROM test WHERE name = 'first')"
        db.execute(f"UPDATE result SET seconds = 77 WHERE test = {slow}")
    order = other.rowlock("parallel", "-n", "1", "--history-url", where, "--dry-run")
    assert order.stdout.index("first") < order.stdout.index("both"), order
    assert run(other, where).stderr == ""
    assert names_in(files / "ci/main/history.db") == {"first", "both", "second"}
    # What that run has seen counts with what came: the mean is theirs.
    with sqlite3.connect(files / "ci/main/history.db") as db:
        seconds = db.execute(
            "SELECT seconds, runs FROM result JOIN test ON test.id = test WHERE name = 'first'"
        ).fetchall()
    assert seconds[0][1] == 2 and 40 < seconds[0][0] < 77

    # From the ini file, too; an empty option switches it off.
    other.write("pytest.ini", f"[pytest]\n[rowlock]\nhistory_url = {where}\n")
    suite(other, "third")
    assert other.rowlock("parallel", "--history-url", "").returncode == 0
    assert "third" not in names_in(files / "ci/main/history.db")
    assert other.rowlock("parallel").returncode == 0
    assert "third" in names_in(files / "ci/main/history.db")


def test_machines_that_end_at_the_same_time(project, nginx):
    url, files = nginx
    machines = [project] + [project.other() for _ in range(3)]
    for i, machine in enumerate(machines):
        suite(machine, *(f"m{i}-{k}" for k in range(50)))
    where = f"{url}/history.db"
    children = [m.start("parallel", "-n", "2", "--history-url", where) for m in machines]
    for child in children:
        assert child.wait(timeout=120) == 0
    # nginx does not look at If-Match: who was overwritten looks again, and if that fell together,
    # too, the next run brings what is missing.
    for machine in machines:
        run(machine, where)
    assert len(names_in(files / "history.db")) == 200


def test_passwords_are_not_shown(project, nginx):
    url, files = nginx
    host = url.split("//")[1]
    good = f"http://ci:pass%25word@{host}/secret/history.db"
    done = run(project, good)
    assert done.stderr == "" and names_in(files / "secret/history.db") == {"a"}
    for bad in (f"http://ci:hunter22@{host}/secret/history.db?token=hunter22",
                "http://ci:hunter22@127.0.0.1:1/secret/history.db?token=hunter22"):
        done = run(project, bad, "-v")
        assert "hunter22" not in done.stdout + done.stderr
        assert "/secret/history.db: " in done.stderr and done.stderr.count("\n") == 1, done
    for odd in ("ftp://ci:hunter22@host/file", "http://", "http://ci:hunter22@/x", "history.db",
                "http://ho st/hunter22"):
        done = project.rowlock("parallel", "--history-url", odd)
        assert done.returncode == 4 and "hunter22" not in done.stderr and "URL" in done.stderr
    saved = list(pathlib.Path(project.path(".rowlock")).rglob("*"))
    assert not [p for p in saved if p.is_file() and b"hunter22" in p.read_bytes()]


class Odd(http.server.BaseHTTPRequestHandler):
    """A server that answers as its class says."""

    body, status, etag = b"", 200, None
    puts = []

    def do_GET(self):  # noqa: N802
        self.send_response(self.status)
        if self.etag:
            self.send_header("ETag", self.etag)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def do_PUT(self):  # noqa: N802
        data = self.rfile.read(int(self.headers["Content-Length"]))
        self.puts.append((self.headers.get("If-Match"), self.headers.get("If-None-Match"), data))
        self.answer_put(data)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def answer_put(self, data):
        self.send_response(500)

    def log_message(self, *args):
        pass


@pytest.fixture
def serve():
    servers = []

    def start(**attributes):
        handler = type("Handler", (Odd,), dict(attributes, puts=[]))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}/history.db", handler

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def foreign(project, sql):
    path = project.temp / "foreign.db"
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as db:
        db.executescript(sql)
    db.close()
    return path.read_bytes()


def test_what_comes_is_not_trusted(project, serve):
    assert project.rowlock("parallel").returncode == 0
    with sqlite3.connect(project.path(".rowlock/history.db")) as db:
        declared = db.execute("SELECT sql FROM sqlite_master WHERE sql NOT NULL")
        tables = ";".join(row[0] for row in declared)
    db.close()
    good = project.path(".rowlock/history.db").read_bytes()
    bodies = {
        "garbage": b"<html>Not found</html>" * 1000,
        "empty": b"",
        "torn": good[: len(good) // 2],
        "flipped": good[:4096] + bytes(b ^ 0xFF for b in good[4096:20480]) + good[20480:],
        "later": foreign(project, "PRAGMA user_version = 99"),
        "view": foreign(
            project,
            "CREATE TABLE machine (id, kind); CREATE TABLE test (id, name); CREATE VIEW result AS"
            " WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT x FROM r",
        ),
        "trigger": foreign(
            project,
            f"{tables}; CREATE TRIGGER t AFTER INSERT ON test BEGIN DELETE FROM result; END",
        ),
        "long": b"\0" * (65 * 1024 * 1024),
    }
    for name, body in bodies.items():
        url, handler = serve(body=body)
        done = run(project, url)
        assert done.stderr.count("\n") == 1 and f"history from {url}: " in done.stderr, (name, done)
        assert handler.puts == [], name  # what is none of ours is never replaced
        assert names_in(project.path(".rowlock/history.db")) == {"a"}, name
    for status, word in ((500, "500"), (301, "redirects"), (401, "credentials")):
        url, handler = serve(status=status)
        done = run(project, url)
        assert word in done.stderr and done.stderr.count("\n") == 1 and handler.puts == []

    # Rows that no run writes are left out, whatever else is good.
    rows = "; ".join(
        f"INSERT INTO test VALUES ({i}, {name}); INSERT INTO result VALUES ({i}, 1, {values})"
        for i, (name, values) in enumerate(
            [
                ("'fine'", "3, 5.0, 'passed', 0, 7, unixepoch()"),
                ("'endless'", "1, 9e999, 'passed', 0, 0, unixepoch()"),
                ("'negative'", "1, -1, 'passed', 0, 0, unixepoch()"),
                ("'future'", "1, 1, 'passed', 0, 0, unixepoch() + 1000000"),
                ("'odd word'", "1, 1, 'PASSED\x1b[31m', 0, 0, unixepoch()"),
                ("'never'", "0, 1, 'passed', 0, 0, unixepoch()"),
                ("x'ff00fe'", "1, 1, 'passed', 0, 0, unixepoch()"),
                ("printf('%100000d', 1)", "1, 1, 'passed', 0, 0, unixepoch()"),
            ]
        )
    )
    url, _ = serve(
        body=foreign(
            project,
            f"{tables}; PRAGMA user_version = 1; INSERT INTO machine VALUES (1, 'abacus'); {rows}",
        )
    )
    run(project, url)
    assert names_in(project.path(".rowlock/history.db")) == {"a", "fine"}


def test_who_was_faster_is_merged(project, serve):
    """A server that looks at If-Match."""
    content = {}
    rival = project.other()
    suite(rival, "rival")
    assert rival.rowlock("parallel").returncode == 0
    theirs = rival.path(".rowlock/history.db").read_bytes()

    def do_get(self):
        self.body = content.get("body", b"")
        self.status = 200 if content else 404
        self.etag = content.get("etag")
        Odd.do_GET(self)

    def answer_put(self, data):
        if not content and len(self.puts) == 1:
            content.update(body=theirs, etag='"1"')  # somebody else came first
        match, none = self.puts[-1][:2]
        changed = none == "*" and content or match and match != content.get("etag")
        if not changed:
            content.update(body=data, etag=f'"{len(self.puts)}"')
        self.send_response(412 if changed else 204)

    url, handler = serve(do_GET=do_get, answer_put=answer_put)
    assert run(project, url).stderr == ""
    assert [put[:2] for put in handler.puts] == [(None, "*"), ('"1"', None)]
    got = project.write("got.db", content["body"])
    assert names_in(got) == {"a", "rival"}


@pytest.mark.slow
def test_a_server_that_hangs(project):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/history.db"
        done = run(project, url)
    assert "no answer in time" in done.stderr and done.stderr.count("\n") == 1
