"""`rowlock collect --html`: what is on the pages, that nothing in names or sources means anything
to a browser, and that no folder of the user's is lost."""

import html.parser
import json
import os
import pathlib
import urllib.parse

import pytest

VOID = {"meta", "link", "input", "rect"}
SOURCE = """int f(int x)
{
\tif (x < 1 && "a" > 'b')
\t\treturn 2; </script><script>alert(1)</script>
\treturn 3;
}
"""
TRACE = """SF:src/one.c
FN:1,6,f
FNDA:7,f
BRDA:3,0,0,7
BRDA:3,0,1,0
DA:3,123456789
DA:4,0
DA:5,7
end_of_record
SF:lib/two.py
DA:1,1
end_of_record
"""


class Page(html.parser.HTMLParser):
    """What is on a page: start tags with their attributes, text, and the lines of the source."""

    def __init__(self, path):
        super().__init__()
        self.path = path
        self.tags, self.text, self.open = [], [], []
        self.lines = {}
        self.line = None
        self.feed(path.read_text("utf-8"))
        self.close()

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (self.path, tag, attrs)
        attrs = dict(attrs)
        self.tags.append((tag, attrs))
        if tag == "li" and "id" in attrs:
            self.line = int(attrs["id"])
            self.lines[self.line] = [attrs, "", []]
        if tag not in VOID and tag != "li":
            self.open.append(tag)

    def handle_endtag(self, tag):
        self.line = None if tag == "ol" else self.line
        self.line = None if tag == "li" and "details" not in self.open else self.line
        if tag not in ("rect", "li"):
            assert self.open.pop() == tag, (self.path, tag, self.open)

    def handle_data(self, data):
        self.text.append(data)
        if self.line:
            self.lines[self.line][2 if "details" in self.open else 1] += (
                [data] if "details" in self.open else data
            )

    def attributes(self, *names):
        return [attrs[n] for _, attrs in self.tags for n in names if n in attrs]


def check_page(path, root):
    """Closed elements, no code of its own, no address that leads out of the report."""
    page = Page(path)
    assert page.open == [], path
    for tag, attrs in page.tags:
        assert tag not in ("style", "iframe", "object", "embed", "base", "form"), path
        assert not [n for n in attrs if n.startswith("on") or n in ("style", "srcset")], path
        assert tag != "script" or "src" in attrs, path
    policies = [a["content"] for t, a in page.tags if a.get("http-equiv")]
    assert len(policies) == 1 and "default-src 'none'" in policies[0]
    assert "unsafe" not in policies[0]
    for address in page.attributes("href", "src"):
        parts = urllib.parse.urlsplit(address)
        assert not parts.scheme and not parts.netloc and not parts.query, (path, address)
        target = path.parent / urllib.parse.unquote(parts.path) if parts.path else path
        assert target.is_file() and root in target.resolve().parents, (path, address)
    return page


def check_report(root):
    """Every page; returns {name of file as shown: page}."""
    text = (root / "files.js").read_text("utf-8")
    data = json.loads(text[text.index("{") : text.rindex("}") + 1])
    assert "<" not in text and text.isprintable() is False  # the only unprintable are newlines
    assert text.replace("\n", "").isprintable()
    pages = {}
    for name, page, *numbers in data["files"]:
        assert len(numbers) == 10
        path = root / "f" / f"{page}.html"
        pages[name] = check_page(path, root)
        assert pages[name].open == []
    assert len(data["files"]) == len(os.listdir(root / "f"))
    for name in ("index.html", "list.html"):
        check_page(root / name, root)
    assert len({p.lower() for p in os.listdir(root / "f")}) == len(data["files"])
    return pages


@pytest.fixture
def traced(project):
    project.write("t.info", TRACE)
    project.write("src/one.c", SOURCE)
    return project


def collect(project, *args, **more):
    return project.rowlock("collect", "-q", "--html", "out", *args, **more)


def test_pages_of_sources(traced):
    assert collect(traced, "t.info").returncode == 0
    pages = check_report(traced.path("out"))
    one = pages["src/one.c"]
    assert [one.lines[n][0].get("class") for n in range(1, 7)] == [None, None, "p", "m", "h", None]
    assert [one.lines[n][0].get("data-c") for n in range(3, 6)] == ["123M", "0", "7"]
    assert one.lines[3][0]["title"] == "123456789 times"
    assert [one.lines[n][1].rstrip("\n") for n in range(1, 7)] == SOURCE.splitlines()
    assert one.lines[3][2] == ["1/2", "branch 1 never taken", "branch 0 taken 7 times",
                               "branch 1 never taken"]
    text = " ".join(one.text)
    assert "66.7%" in text and "2 of 3" in text and "src" in text
    two = pages["lib/two.py"]
    assert any("was not found" in part for part in two.text)
    assert list(two.lines) == [1]
    listed = " ".join(Page(traced.path("out/list.html")).text)
    assert "75.0%" in listed and "lib/two.py" in listed


NAMES = [
    "<img src=x onerror=alert(1)>.c",
    "a\"b'c&d;&lt;.c",
    "50%25#x?y=1&z=2.c",
    "caf\udce9/\udcff.c",
    "</script><script>alert(1)</script>.js",
    "../../../etc/passwd",
    "/etc/passwd",
    "javascript:alert(1)",
    "n" * 300 + ".c",
    "Case.c",
    "case.c",
    "back\\slash\ttab\x1b[31m\x7f.c",
    "-->]]>*/.c",
    "evil\u202ecod.c",
    "line\u2028end.c",
    "${x}`@TITLE@.c",
    "CON.c",
    ".hidden/..",
]


def test_hostile_names_and_sources(project):
    text = "".join(f"/* {name} */ @FOOT@\n" for name in NAMES) + "\0\r\n" + "x" * 30000 + "\n\udce9"
    for name in NAMES[:4]:
        project.write(name, text)
    project.write(
        "t.info",
        "".join(f"SF:{name}\nFN:1,{name}\nFNDA:0,{name}\nBRDA:1,0,{name},1\nBRDA:1,0,z,0\n"
                "DA:1,1\nend_of_record\n" for name in NAMES),
    )
    done = collect(project, "--html-title", "<b>&\u202e", "t.info")
    assert done.returncode == 0, done
    pages = check_report(project.path("out"))
    assert set(pages) == {shown(placed(project, name)) for name in NAMES}
    assert not any("root:" in part for page in pages.values() for part in page.text)
    page = pages[NAMES[0]]
    assert len(page.lines) == len(NAMES) + 3
    for number, name in enumerate(NAMES, 1):
        visible = shown(name).replace("\u241b", "\x1b").replace("\x1b", "\u241b")
        for byte in ("\\xe9", "\\xff"):
            visible = visible.replace(byte, "\ufffd")
        assert page.lines[number][1].rstrip("\n") == f"/* {visible} */ @FOOT@", name
    assert page.lines[len(NAMES) + 1][1] == "\u2400\n"
    assert "10,000 more bytes" in page.lines[len(NAMES) + 2][1]
    assert page.lines[len(NAMES) + 3][1] == "\ufffd\n"
    everything = project.path("out/index.html").read_text("utf-8")
    assert "&lt;b&gt;&amp;[U+202E]" in everything


def placed(project, name):
    """A name of a tracefile from the project's folder on; absolute if it does not lie below it."""
    if ".." not in name.split("/"):
        return name
    return os.path.normpath(os.path.join(project.root, name))


def shown(name):
    """A name as it stands on the pages."""
    out = []
    for char in name:
        code = ord(char)
        if 0xDC80 <= code <= 0xDCFF:
            out.append(f"\\x{code - 0xDC00:02x}")
        elif code < 0x20 and char != "\t":
            out.append(chr(0x2400 + code))
        elif char in "\x7f\u202e\u2028":
            out.append(f"[U+{code:04X}]")
        else:
            out.append(char)
    return "".join(out)


def test_sources_that_do_not_fit(traced):
    def notes():
        page = check_report(traced.path("out"))["src/one.c"]
        return "".join(page.text), page

    source = traced.path("src/one.c")
    os.utime(traced.path("t.info"), (1000000, 1000000))
    assert collect(traced, "t.info").returncode == 0
    assert "was changed after the data was written" in notes()[0]
    assert "data of 1970-01-12 13:46 UTC" in notes()[0]
    os.utime(source, (1000000, 1000000))
    source.write_text("one line\n")
    os.utime(source, (1000000, 1000000))
    assert collect(traced, "t.info", env={"SOURCE_DATE_EPOCH": "86400"}).returncode == 0
    text, page = notes()
    assert "was changed" not in text
    assert "behind the end of the source, from line 3 on" in text
    assert "data of 1970-01-02 00:00 UTC" in text
    assert list(page.lines) == [1, 3, 4, 5]
    source.unlink()
    os.mkfifo(source)
    assert collect(traced, "t.info").returncode == 0
    assert "cannot be read" in notes()[0]
    source.unlink()
    outside = traced.other()
    outside.write("secret.c", "secret text\n")
    source.symlink_to(outside.path("secret.c"))
    assert collect(traced, "t.info").returncode == 0
    text, page = notes()
    assert "lies outside of the source root" in text and "secret" not in text


def snapshot(folder):
    return {
        str(p.relative_to(folder)): p.read_bytes() for p in pathlib.Path(folder).rglob("*")
        if p.is_file()
    }


def test_only_reports_are_replaced(traced):
    assert collect(traced, "t.info").returncode == 0
    first = snapshot(traced.path("out"))
    assert collect(traced, "t.info").returncode == 0
    assert snapshot(traced.path("out")) == first
    traced.path("new/deep").mkdir(parents=True)
    done = traced.rowlock("collect", "-q", "--html", "new/deep/", "t.info")
    assert done.returncode == 0, done
    assert snapshot(traced.path("new/deep")) == first
    # With one file less its page goes.
    assert collect(traced, "--omit=lib/*", "t.info").returncode == 0
    assert len(list(traced.path("out/f").iterdir())) == 1
    # A link stays one.
    traced.path("link").symlink_to("out")
    assert traced.rowlock("collect", "-q", "--html", "link", "t.info").returncode == 0
    assert traced.path("link").is_symlink()
    assert snapshot(traced.path("out")) == first

    traced.write("out/f/notes.txt", "mine\n")
    traced.write("mine/notes.txt", "mine\n")
    traced.write("like/index.html", "mine\n")
    traced.write("file", "mine\n")
    before = snapshot(traced.root)
    for name, said in (("out", "out/f/notes.txt is no part of a report"),
                       ("mine", "no report of Rowlock's"), ("like", "no report of Rowlock's"),
                       ("file", "is no folder"), (".", "no report of Rowlock's")):
        done = traced.rowlock("collect", "-q", "--html", name, "t.info")
        assert done.returncode == 4, done
        assert said in done.stderr
    assert snapshot(traced.root) == before
    if os.geteuid() != 0:
        traced.path("mine").chmod(0o500)
        done = traced.rowlock("collect", "-q", "--html", "mine/out", "t.info")
        traced.path("mine").chmod(0o700)
        assert done.returncode == 3, done


def test_limits_of_the_colours(traced):
    def grades(*args):
        assert collect(traced, *args, "t.info").returncode in (0, 1)
        page = check_page(traced.path("out/index.html"), traced.path("out"))
        return [a["class"].split()[1] for t, a in page.tags if a.get("class", "").startswith("pc")]

    # 75% of lines, 50% of branches, all functions; 67% of C, all of Python.
    assert grades() == ["fair", "bad", "good", "bad", "good"]
    assert grades("--fail-under", "76") == ["bad", "bad", "good", "bad", "good"]
    assert grades("--html-low=50", "--html-high=75") == ["good", "fair", "good", "fair", "good"]
    done = collect(traced, "--html-high", "20", "t.info")
    assert done.returncode == 4 and "--html-high 20 is less than what is low, 75" in done.stderr


def test_without_templates(traced):
    """An installation that lacks a part says so, and leaves nothing behind."""
    lone = traced.path("bin")
    lone.mkdir()
    program = lone / "rowlock"
    program.write_bytes(pathlib.Path(traced.program).read_bytes())
    program.chmod(0o755)
    done = traced.run([program, "collect", "-q", "--html", "out", "t.info"])
    if done.returncode == 0:  # one is installed where configure said
        return
    assert done.returncode == 3 and "run 'make' or 'make install' again" in done.stderr
    templates = lone / "share/templates/html"
    templates.mkdir(parents=True)
    done = traced.run([program, "collect", "-q", "--html", "out", "t.info"])
    assert done.returncode == 3 and "run 'make' or 'make install' again" in done.stderr
    assert [p for p in os.listdir(traced.root) if p.startswith("out")] == []
