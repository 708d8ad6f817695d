"""The HTML report in headless Chromium, opened from the disk. Skipped where ./bootstrap --ci has
not put Playwright and a Chromium; `make check-html` takes pictures, too."""

import json
import os

import browser
import pytest
from test_html_report import NAMES, placed, shown

CHROMIUM = browser.find()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium; ./bootstrap --ci installs it"),
]

FILES = {"src/base/a.c": 10, "src/base/b.c": 4, "src/run/c.c": 7, "src/run/deep/d.c": 0,
         "lib/e.py": 10, "lib/tests/f.py": 9}


@pytest.fixture(scope="module")
def chromium():
    with browser.start(CHROMIUM) as started:
        yield started


def source(covered):
    """Ten statements, of which so many are covered, and a branch at line 2."""
    lines = ["int f(int x)", "{ if (x) // a comment 'with quotes"]
    lines += [f"    call_{n}(x, \"text\", {n});" for n in range(3, 13)] + ["}"]
    data = [f"FN:1,f\nFNDA:{covered},f", f"BRDA:2,0,0,{covered}", "BRDA:2,0,1,0"]
    data += [f"DA:{n},{1 if n < 3 + covered else 0}" for n in range(3, 13)]
    data += [f"DA:2,{covered}"]
    return "\n".join(lines) + "\n", "\n".join(data)


@pytest.fixture
def report(project):
    trace = ""
    for name, covered in FILES.items():
        text, data = source(covered)
        project.write(name, text)
        trace += f"SF:{name}\n{data}\nend_of_record\n"
    project.write("t.info", trace)
    done = project.rowlock("collect", "-q", "--html", "out", "t.info")
    assert done.returncode == 0, done
    return project.path("out")


def arrive(page, name):
    """Waits for the page of a file and its script."""
    page.wait_for_selector(f"h1:text-is('{name}')")
    page.wait_for_selector("#jump:visible")


def rows(page):
    """The rows of the overview: names with their depth."""
    return page.evaluate("""[...document.querySelectorAll("#files tbody tr")].map((tr) =>
        "  ".repeat((tr.getAttribute("aria-level") || 1) - 1) +
        tr.querySelector(".fold, a").textContent)""")


def names(page):
    return [row.strip() for row in rows(page)]


def wait_until(page, condition):
    """Waits in the page itself: wait_for_function() asks again with eval(), which pages forbid."""
    page.evaluate(f"""new Promise((done) => {{
        const look = () => {condition} ? done() : setTimeout(look, 10);
        look();
    }})""")


def sorted_by(page):
    return page.evaluate("""[...document.querySelectorAll("th[aria-sort]")].map((th) =>
        th.textContent + " " + th.ariaSort).join()""")


def test_overview(chromium, report):
    tab = browser.Tab(chromium, report)
    page = tab.open("index.html")
    tree = ["lib", "  tests", "    f.py", "  e.py", "src", "  base", "    a.c", "    b.c", "  run",
            "    deep", "      d.c", "    c.c"]
    assert rows(page) == tree
    tab.screenshot("overview-light")
    # Sorting, by mouse and by key; a second time the other way round.
    page.click("th[data-sort=missing] button")
    assert sorted_by(page) == "Missing descending"
    page.keyboard.press("v")
    assert names(page)[:3] == ["src/run/deep/d.c", "src/base/b.c", "src/run/c.c"]
    for key, by in (("4", "Missing ascending"), ("2", "Coverage ascending"),
                    ("5", "Branches ascending"), ("6", "Functions ascending"),
                    ("3", "Lines descending"), ("1", "Name ascending"), ("1", "Name descending")):
        page.keyboard.press(key)
        assert sorted_by(page) == by
    assert names(page) == sorted(FILES, reverse=True)
    # What is set stays when one comes back.
    page.reload()
    assert (sorted_by(page), names(page)) == ("Name descending", sorted(FILES, reverse=True))
    page.click("#languages [data-language=python]")
    assert names(page) == ["lib/tests/f.py", "lib/e.py"]
    page.click("#languages [data-language=all]")
    # The filter.
    page.keyboard.press("1")
    page.keyboard.press("/")
    page.keyboard.type("SRC /D")
    page.wait_for_selector("mark")
    assert names(page) == ["src/run/deep/d.c"]
    assert page.inner_text("#shown") == "1 of 6 files, 0%"
    page.keyboard.type("zzz")
    page.wait_for_selector("#nothing:visible")
    page.keyboard.press("Escape")
    assert names(page) == sorted(FILES)
    # Folders, by keys.
    page.keyboard.press("v")
    page.keyboard.press("c")
    assert rows(page) == ["lib", "src"]
    page.keyboard.press("j")
    page.keyboard.press("ArrowRight")
    assert rows(page) == ["lib", "  tests", "  e.py", "src"]
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    assert rows(page)[3:] == ["src", "  base", "  run"]
    page.keyboard.press("ArrowLeft")
    assert rows(page)[3:] == ["src"]
    page.keyboard.press("e")
    assert rows(page) == tree
    # Keys are told.
    page.keyboard.press("?")
    assert "next row" in page.inner_text("dialog[open]")
    tab.screenshot("help")
    page.keyboard.press("Escape")
    # To a file, and back up to its folder.
    page.click("text=d.c")
    arrive(page, "d.c")
    page.keyboard.press("u")
    assert page.inner_text("tr.at .fold") == "deep"
    page.keyboard.press("j")
    page.keyboard.press("o")
    arrive(page, "d.c")
    page.keyboard.press("/")
    page.wait_for_selector("#filter:focus")
    tab.check()


def test_file(chromium, report):
    tab = browser.Tab(chromium, report, viewport={"width": 1280, "height": 300})
    page = tab.open("index.html")
    page.click("text=c.c")
    arrive(page, "c.c")
    assert page.inner_text("#place") == "2 gaps"
    current = "document.querySelector('li.at').id + ' ' + document.activeElement.id"
    seen = """(() => { const box = document.querySelector("li.at").getBoundingClientRect();
        const above = document.getElementById("top").offsetHeight;
        return box.top >= above && box.bottom <= innerHeight; })()"""
    for key, line, place in (("n", 2, "1 of 2"), ("n", 10, "2 of 2"), ("n", 2, "1 of 2"),
                             ("p", 10, "2 of 2"), ("k", 9, "2 gaps"), ("j", 10, "2 of 2"),
                             ("j", 11, "2 of 2"), ("F", 1, "2 gaps")):
        page.keyboard.press(key)
        assert page.evaluate(current) == f"{line} {line}"
        assert page.inner_text("#place") == place
        assert page.evaluate(seen)
    # Colours: of a comment that holds a quote, ten strings, and keywords.
    wait_until(page, "CSS.highlights.get('string').size === 10")
    assert page.evaluate("CSS.highlights.get('comment').size") == 1
    assert page.evaluate("[...CSS.highlights.get('keyword')].map((r) => "
                         "r.startContainer.data.slice(r.startOffset, r.endOffset)).join()") == (
        "int,int,if")
    # Branches: by key and by mouse.
    page.keyboard.press("n")
    page.keyboard.press("b")
    assert "branch 0 taken 7 times" in page.inner_text("li[id='2'] details")
    tab.screenshot("branches")
    page.click("li[id='2'] summary b")
    assert not page.is_visible("text=branch 0 taken 7 times")
    # What is copied is the source.
    page.evaluate("getSelection().selectAllChildren(document.getElementById('source'))")
    copied = page.evaluate("getSelection().toString()").strip().splitlines()
    assert [line.strip() for line in copied] == [
        line.strip() for line in source(7)[0].splitlines()]
    # Functions, the next file, a line that the address names, the ruler.
    page.keyboard.press("l")
    page.click("#functions th a")
    assert page.evaluate(current) == "1 1"
    page.keyboard.press("]")
    arrive(page, "d.c")
    page.keyboard.press("[")
    arrive(page, "c.c")
    for fragment in ("#L11", "#t13", "#12"):
        page.goto(page.url.split("#")[0] + fragment)
        number = fragment.strip("#Lt")
        assert page.evaluate(current) == f"{number} {number}" and page.evaluate(seen)
    box = page.locator("#ruler").bounding_box()
    page.mouse.click(box["x"] + 7, box["y"] + box["height"] * 9.5 / 13)
    assert page.evaluate(current) == "10 10"
    tab.check()


# Names that a page must not take for anything but text.
TESTS = ["", "a</div><img src=x onerror=alert(1)>|run", "a<b>&amp;|run", "a|run", "two\nlines",
         "é|run", "é|setup"]


def contexts(lines, names):
    """A JSON report of coverage.py, with the contexts of some lines."""
    data = {"executed_lines": [n for n in lines if lines[n] is not None], "excluded_lines": [],
            "missing_lines": [n for n in lines if lines[n] is None],
            "contexts": {n: [names[i] for i in lines[n] or []] for n in lines}}
    meta = {"format": 3, "branch_coverage": False, "show_contexts": True}
    return json.dumps({"meta": meta, "files": {"a.py": data}})


def test_who_ran_a_line(chromium, project):
    many = [f"tests/test_{n // 100:03}.py::test_{n:05}|run" for n in range(20000)]
    names = TESTS + many
    lines = {1: [0], 2: range(7), 3: [3], 4: None, 5: range(7, len(names)), 6: [4, 6, 9]}
    project.write("a.py", "".join(f"call({n})\n" for n in lines))
    project.write("c.json", contexts(lines, names))
    project.write("plain.json", contexts({n: [] for n in lines}, names))
    done = project.rowlock("collect", "-q", "--show-contexts", "--html", "out", "c.json")
    assert (done.returncode, done.stderr) == (0, ""), done
    (made,) = (project.root / "out" / "f").glob("*.html")
    assert made.stat().st_size < 20000 * 30  # each name once, and of it what differs from the last
    tab = browser.Tab(chromium, project.path("out"))
    page = tab.open("index.html")
    page.click("text=a.py")
    arrive(page, "a.py")
    assert "20,006 contexts" in page.inner_text(".legend")
    drawn = "[...document.querySelectorAll('.source li')].map((li) => li.dataset.c || '')"
    assert page.evaluate(drawn) == ["", "6", "1", "no", "20000", "3"]
    outside = "(in no context: while modules were imported, or between tests)"
    shown = [outside, *TESTS[1:4], "two␊lines", *TESTS[5:]]
    box = page.locator("li[id='2']").bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 9)
    assert page.get_attribute("li[id='2']", "title").split("\n") == shown
    page.mouse.move(box["x"] + 300, box["y"] + 9)
    assert page.get_attribute("li[id='2']", "title") is None
    page.mouse.click(box["x"] + 100, box["y"] + 9)
    assert page.text_content("li[id='2'] .who").split("\n") == shown
    tab.screenshot("contexts")
    page.keyboard.press("w")
    assert page.query_selector(".who") is None
    some = [many[2], "two␊lines", "é|setup"]
    for number, expected in ((1, [outside]), (3, ["a|run"]), (5, many), (6, some)):
        page.goto(page.url.split("#")[0] + f"#{number}")
        wait_until(page, f"document.querySelector('li.at').id === '{number}'")
        page.keyboard.press("w")
        assert page.text_content(f"li[id='{number}'] .who").split("\n") == expected
    page.keyboard.press("p")
    page.keyboard.press("w")  # nobody ran it
    assert page.query_selector("li[id='4'] .who") is None
    assert page.evaluate(CONTRAST) == []
    page.set_viewport_size({"width": 400, "height": 800})
    assert not page.evaluate(TOO_WIDE)
    box = page.locator("li[id='2']").bounding_box()
    page.mouse.click(box["x"] + 60, box["y"] + 9)
    assert page.text_content("li[id='2'] .who").split("\n") == shown
    tab.check()
    # Pages have nothing of it where it is not asked for, or nobody knows.
    for words in (["c.json"], ["--show-contexts", "plain.json"]):
        done = project.rowlock("collect", "-q", "--html", "out", *words)
        assert (done.returncode, done.stderr) == (0, ""), done
        (made,) = (project.root / "out" / "f").glob("*.html")
        assert "contexts" not in made.read_text() and "data-w" not in made.read_text()


# The contrast of every text against what is behind it.
CONTRAST = """(() => {
  const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = (color) => numbers(color).slice(0, 3).map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const color = getComputedStyle(e).backgroundColor;
      if (numbers(color)[3] !== 0) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const bad = new Set();
  const look = (e, style) => {
    const [a, b] = [light(style.color), light(behind(e))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) bad.add(e.tagName + "." + e.className + " " + style.color);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode()); )
    if (node.data.trim()) look(node.parentElement, getComputedStyle(node.parentElement));
  for (const li of document.querySelectorAll(".source li[id]"))
    for (const part of ["::before", "::after"]) look(li, getComputedStyle(li, part));
  return [...bad];
})()"""
PAPER = "getComputedStyle(document.body).backgroundColor"
TOO_WIDE = "document.scrollingElement.scrollWidth > innerWidth"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_themes(chromium, report, scheme):
    tab = browser.Tab(chromium, report, color_scheme=scheme)
    pages = ["index.html", "list.html"]
    pages += [f"f/{name}" for name in os.listdir(report / "f") if name.startswith("c.c")]
    paper = {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 27)"}
    for path in pages:
        page = tab.open(path)
        assert page.evaluate(PAPER) == paper[scheme]
        page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        assert page.evaluate(CONTRAST) == []
        tab.screenshot(f"{path.split('-')[0].replace('/', '-')}-{scheme}")
    page.click("#theme")
    page.click("#theme")
    assert page.evaluate(PAPER) == paper["dark"]
    page = tab.open("index.html")
    assert page.evaluate(PAPER) == paper["dark"]
    page.keyboard.press("t")
    assert page.evaluate(PAPER) == paper[scheme]
    page.keyboard.press("t")
    assert page.evaluate(PAPER) == paper["light"]
    # A narrow window, and a window twice as large as that.
    for width in (320, 640, 2400):
        page.set_viewport_size({"width": width, "height": 700})
        for path in pages:
            page = tab.open(path)
            assert not page.evaluate(TOO_WIDE), (path, width)
            tab.screenshot(f"{path.split('-')[0].replace('/', '-')}-{scheme}-{width}")
    # Paper is light, whatever the theme.
    page.keyboard.press("t")
    assert page.evaluate(PAPER) == paper["dark"]
    page.emulate_media(media="print")
    assert page.evaluate(PAPER) == paper["light"]
    tab.screenshot(f"print-{scheme}")
    tab.check()


def test_without_scripts(chromium, report):
    tab = browser.Tab(chromium, report, java_script_enabled=False)
    page = tab.open("index.html")
    page.click("footer a")
    page.click("text=src/run/c.c")
    assert "call_12" in page.inner_text("li[id='12']")
    assert "branch 1 never taken" in page.inner_text("li[id='2'] summary")
    page.click("li[id='2'] summary b")
    assert "branch 0 taken 7 times" in page.inner_text("li[id='2']")
    page.click("text=src")
    assert page.inner_text("h1") == "Coverage"
    tab.check()


def test_nothing_runs_and_every_file_opens(chromium, project):
    attack = '<script>alert(1)</script><img src=x onerror=alert(2)>"\'`${alert(3)}'
    project.write("t.info", "".join(
        f"SF:{name}\nFN:1,{attack}\nFNDA:0,{attack}\nDA:1,0\nend_of_record\n" for name in NAMES))
    project.write(NAMES[0], f"{attack} </li></ol>\n" * 3)
    done = project.rowlock("collect", "-q", "--html", "out", "--html-title", attack, "t.info")
    assert done.returncode == 0, done
    tab = browser.Tab(chromium, project.path("out"))
    page = tab.open("index.html", "#view=list")
    all_names = sorted(shown(placed(project, name)) for name in NAMES)
    assert sorted(names(page)) == all_names
    page.fill("#filter", attack)
    page.wait_for_selector("#nothing:visible")
    page.keyboard.press("Escape")
    assert page.title() == attack
    for name in all_names:
        page = tab.open("index.html", "#view=list")
        page.locator("#files a").filter(has_text=name.split("[")[0]).first.click()
        page.wait_for_selector("#jump:visible")
        assert "/f/" in page.url
        page.keyboard.press("n")
        page.keyboard.press("u")
        page.wait_for_selector("#filter:visible")
    tab.check()


def test_thousands_of_files(chromium, project):
    all_names = [f"part{i % 37}/sub{i % 11}/file{i:04}.c" for i in range(5000)]
    project.write("t.info", "".join(
        f"SF:{name}\nDA:1,{i % 3}\nend_of_record\n" for i, name in enumerate(all_names)))
    assert project.rowlock("collect", "-q", "--html", "out", "t.info").returncode == 0
    tab = browser.Tab(chromium, project.path("out"))
    page = tab.open("index.html", "#view=list&sort=-missing")
    count = "document.querySelectorAll('#files tbody tr').length"
    assert page.evaluate(count) < 1000
    # More come when they are scrolled to.
    before = page.evaluate(count)
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    wait_until(page, f"{count} > {before}")
    missed = sorted(all_names[::3])
    assert names(page)[:before + 1] == missed[:before + 1]
    page.fill("#filter", "file4999")
    page.wait_for_selector("mark")
    assert page.evaluate(count) == 1
    page.keyboard.press("Enter")
    arrive(page, "file4999.c")
    tab.check()
