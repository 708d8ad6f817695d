"""Source packages of Debian built with gcc --coverage, and what makes them run."""

import glob
import os
import shutil
import subprocess

LUA = """
local t = {} for i = 1, 2000 do t[i] = (i * 7919) % 1000 end table.sort(t)
local s = string.rep("hello world ", 50):gsub("o", "0"):upper()
print(#s, select('#', s:find("W0RLD")), string.format("%5.2f %q %x", 3.14159, "a\\nb", 255))
local co = coroutine.wrap(function(a) for i = 1, 10 do a = coroutine.yield(a + i) end return a end)
local x = 1 for i = 1, 10 do x = co(x) end
print(pcall(error, {code = 1})) print(pcall(string.rep)) goto e
::e:: local mt = setmetatable({}, {__index = function(_, k) return k .. "!" end})
print(mt.foo, load("return 1 + 2")(), math.max(1, 2, 3), os.time() > 0, utf8.char(228))
for k, v in pairs({a = 1, b = 2}) do collectgarbage() end
"""
SQL = """
CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c REAL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<500)
  INSERT INTO t SELECT i, 'x'||i, i*1.5 FROM n;
CREATE INDEX tb ON t(b);
SELECT count(*), sum(c), max(b) FROM t WHERE b LIKE 'x1%' GROUP BY a%7 HAVING count(*)>1
  ORDER BY 2 DESC LIMIT 3;
CREATE VIRTUAL TABLE f USING fts5(x); INSERT INTO f VALUES('hello world'),('foo bar');
SELECT * FROM f WHERE f MATCH 'hello OR foo';
CREATE VIRTUAL TABLE r USING rtree(id,x0,x1); INSERT INTO r VALUES(1,0,1);
SELECT json_extract('{"a":[1,2]}','$.a[1]'), datetime(0,'unixepoch');
UPDATE t SET c=c+1 WHERE a BETWEEN 3 AND 9; DELETE FROM t WHERE a>400; VACUUM;
PRAGMA integrity_check; EXPLAIN QUERY PLAN SELECT * FROM t JOIN f; .schema
"""


def sh(command, cwd, stdin=None, check=True):
    """Runs a command of this machine quietly; input is text."""
    return subprocess.run(
        command,
        cwd=cwd,
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=check,
    )


class Build:
    """A package built in a folder of its own, by a compilers.Gcc: programs, notes beside the
    objects."""

    def __init__(self, source, folder, gcc, flags=("-O0",)):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(source, folder, symlinks=True)
        self.folder, self.gcc, self.flags = folder, gcc, list(flags)
        self.make()

    def compile(self, sources, *options, cwd):
        running = []
        for source in sources:
            command = ["gcc", *self.flags, "-w", "--coverage", *options, "-c", source]
            running.append(subprocess.Popen(self.gcc.words(*command, cwd=cwd), cwd=cwd))
            if len(running) == (os.cpu_count() or 1):
                assert running.pop(0).wait() == 0, source
        assert all(child.wait() == 0 for child in running)

    def link(self, program, objects, *options, cwd):
        command = ["gcc", "--coverage", *objects, "-o", program, *options]
        sh(self.gcc.words(*command, cwd=cwd), cwd)

    def start(self, *command, **how):
        """Runs a program of the build in its folder."""
        return subprocess.run(self.gcc.words(*command, cwd=self.folder), cwd=self.folder, **how)

    def notes(self):
        return sorted(glob.glob(os.path.join(self.folder, "**/*.gcno"), recursive=True))


class Lua(Build):
    package = "lua5.4"

    def make(self):
        cwd = os.path.join(self.folder, "src")
        with open(os.path.join(cwd, "lua5.4-deb-multiarch.h"), "w", encoding="utf-8") as file:
            file.write('#define DEB_HOST_MULTIARCH "none"\n')  # as debian/rules writes it
        sources = sorted(os.path.basename(p) for p in glob.glob(os.path.join(cwd, "*.c")))
        self.compile(sources, "-DLUA_USE_LINUX", cwd=cwd)
        objects = [s[:-2] + ".o" for s in sources if s != "luac.c"]
        self.link("lua", objects, "-lm", "-ldl", cwd=cwd)

    def run(self, env=None):
        quiet = {"stdout": subprocess.DEVNULL, "check": True}
        self.start("src/lua", "-", input=LUA.encode(), env=env, **quiet)


class Zlib(Build):
    package = "zlib"

    def make(self):
        sources = sorted(os.path.basename(p) for p in glob.glob(os.path.join(self.folder, "*.c")))
        self.compile(sources, "-D_LARGEFILE64_SOURCE=1", "-DHAVE_HIDDEN", cwd=self.folder)
        objects = [s[:-2] + ".o" for s in sources]
        for name in ("example", "minigzip"):
            self.compile([f"test/{name}.c"], "-I.", cwd=self.folder)
            self.link(name, [f"{name}.o", *objects], cwd=self.folder)

    def run(self, env=None):
        self.start("./example", stdout=subprocess.DEVNULL, check=True)
        with open(os.path.join(self.folder, "ChangeLog"), "rb") as file:
            packed = self.start("./minigzip", stdin=file, stdout=subprocess.PIPE, check=True)
        quiet = {"stdout": subprocess.DEVNULL, "check": True}
        self.start("./minigzip", "-d", input=packed.stdout, **quiet)


class Sqlite(Build):
    package = "sqlite3"

    def make(self):
        sh(["./configure", "--disable-tcl", "--disable-shared"], self.folder)  # makes one file
        sh(["make", "sqlite3.c", "shell.c"], self.folder)
        self.compile(
            ["sqlite3.c", "shell.c"],
            *("-DSQLITE_ENABLE_FTS5", "-DSQLITE_ENABLE_RTREE", "-DSQLITE_THREADSAFE=0"),
            "-DSQLITE_OMIT_LOAD_EXTENSION",
            cwd=self.folder,
        )
        self.link("sql", ["sqlite3.o", "shell.o"], "-lm", cwd=self.folder)

    def run(self, env=None):
        for stale in glob.glob(os.path.join(self.folder, "workload.db*")):
            os.unlink(stale)
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.start("./sql", "workload.db", input=SQL.encode(), **quiet)


PACKAGES = [Lua, Zlib, Sqlite]
