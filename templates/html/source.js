// The page of a source file: going through what was not run. The page shows all without it.
"use strict";
(() => {
  const { key, recall, remember } = window.rowlock;
  const source = document.getElementById("source");
  const header = document.getElementById("top");
  const place = document.getElementById("place");
  const line = (number) => document.getElementById(String(number));
  const numberOf = (li) => +li.id;

  // ---- Runs of lines that were not run or partly run
  const gaps = [];
  for (const li of source.querySelectorAll("li.m, li.p")) {
    const last = gaps[gaps.length - 1], number = numberOf(li);
    if (last && last.end === number - 1) last.end = number;
    else gaps.push({ start: number, end: number });
  }
  let at = 0; // the current line; 0: none
  const showPlace = () => {
    const index = gaps.findIndex((g) => at >= g.start && at <= g.end);
    const all = gaps.length.toLocaleString("en-US");
    place.textContent = !gaps.length ? "nothing is missing" :
      index < 0 ? all + (gaps.length === 1 ? " gap" : " gaps") : (index + 1).toLocaleString("en-US") + " of " + all;
  };
  const mark = (number) => {
    const before = source.querySelector("li.at");
    if (before) before.classList.remove("at");
    const li = line(number);
    if (!li) return null;
    at = number;
    li.classList.add("at");
    showPlace();
    return li;
  };
  const go = (number, block) => {
    const li = mark(number);
    if (!li) return;
    li.tabIndex = -1;
    li.focus({ preventScroll: true });
    li.scrollIntoView({ block });
    // Where lists above were only estimated, they have their true height now.
    requestAnimationFrame(() => li.scrollIntoView({ block }));
    try { history.replaceState(null, "", "#" + number); } catch { /* refused: no harm */ }
  };
  const gap = (by) => {
    const found = by > 0 ? gaps.find((g) => g.start > at) : gaps.filter((g) => g.end < at).pop();
    const next = found || (by > 0 ? gaps[0] : gaps[gaps.length - 1]);
    if (next) go(next.start, "center");
  };
  const step = (by) => {
    if (!at) return go(firstSeen(), "nearest");
    let li = line(at);
    const list = li.parentNode;
    const beside = (x) => (by > 0 ? x.nextElementSibling : x.previousElementSibling);
    li = beside(li) || (beside(list) && (by > 0 ? beside(list).firstElementChild : beside(list).lastElementChild));
    if (li) go(numberOf(li), "nearest");
  };
  const firstSeen = () => {
    const x = source.getBoundingClientRect().left + 30;
    const found = document.elementFromPoint(x, header.offsetHeight + 12);
    const li = found && found.closest("li[id]");
    return li ? numberOf(li) : numberOf(source.querySelector("li[id]") || { id: 0 });
  };
  const functions = document.getElementById("functions");
  const starts = functions ? [...functions.querySelectorAll("th a")].map((a) => +a.hash.slice(1)).sort((a, b) => a - b) : [];
  const toFunction = (by) => {
    const from = at || firstSeen();
    const found = by > 0 ? starts.find((s) => s > from) : starts.filter((s) => s < from).pop();
    if (found) go(found, "center");
  };

  // ---- Who ran a line: the names stand in the page once, each line has the number of its set
  const contexts = document.getElementById("contexts");
  let names = null, sets = null;
  const unpack = () => {
    names = [];
    let before = "";
    for (const row of contexts.textContent.split("\n")) {
      const space = row.indexOf(" ");
      before = before.slice(0, +row.slice(0, space)) + row.slice(space + 1);
      names.push(before);
    }
    sets = document.getElementById("sets").textContent.split("\n");
  };
  const whoRan = (li) => {
    if (!names) unpack();
    const found = [];
    for (const range of sets[+li.dataset.w].split(",")) {
      const [first, last] = range.split("-").map(Number);
      for (let i = first; i <= (last === undefined ? first : last); i++)
        found.push(names[i] || "(in no context: while modules were imported, or between tests)");
    }
    return found;
  };
  const toggleWho = (li) => {
    const shown = li.querySelector(".who");
    if (shown) return shown.remove();
    const box = document.createElement("div");
    box.className = "who";
    box.tabIndex = 0;
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", "Contexts that ran line " + li.id);
    box.textContent = whoRan(li).join("\n");
    li.append(box);
  };
  let margin = null; // where counts are drawn, from the left of a line; null: is to be measured
  const onCount = (li, x) => {
    if (!margin) {
      const style = getComputedStyle(li, "::after");
      margin = { start: parseFloat(style.left), end: parseFloat(style.left) + parseFloat(style.width) };
    }
    const at = x - li.getBoundingClientRect().left;
    return at >= margin.start && at < margin.end;
  };
  window.addEventListener("resize", () => { margin = null; });
  if (contexts) {
    key("w", "who ran this line", () => {
      if (at && line(at).dataset.w) toggleWho(line(at));
    });
    source.addEventListener("mousemove", (e) => {
      const li = e.target;
      if (!li.dataset || !li.dataset.w) return;
      if (!onCount(li, e.clientX)) return li.removeAttribute("title");
      if (li.title) return;
      const who = whoRan(li), most = 15;
      li.title = who.slice(0, most).join("\n") + (who.length > most ? "\n… " + (who.length - most) + " more" : "");
    });
  }

  // ---- Keys and clicks
  const link = (selector) => () => {
    const a = document.querySelector(selector);
    if (a) location.href = a.href;
  };
  key("n", "next lines that were not run or partly run", () => gap(1));
  key("p", "lines before that were not", () => gap(-1));
  key("j", "next line", () => step(1));
  key("k", "line before", () => step(-1));
  key("b", "branches of this line", () => {
    const details = at && line(at).querySelector("details");
    if (details) details.open = !details.open;
  });
  if (functions) {
    key("f", "next function", () => toFunction(1));
    key("F", "function before", () => toFunction(-1));
    key("l", "list of functions", () => {
      functions.open = !functions.open;
      if (functions.open) functions.scrollIntoView({ block: "center" });
    });
    functions.open = recall("functions") === "open";
    functions.addEventListener("toggle", () => remember("functions", functions.open ? "open" : "shut"));
    functions.addEventListener("click", (e) => {
      const a = e.target.closest("th a");
      if (!a) return;
      e.preventDefault();
      go(+a.hash.slice(1), "center");
    });
  }
  key("]", "next file", link("a[rel=next]"));
  key("[", "file before", link("a[rel=prev]"));
  key("u", "up to the overview", () => {
    const trail = document.querySelectorAll(".trail a");
    location.href = trail[trail.length - 1].href;
  });
  key("/", "filter the files of the overview", () => {
    try { sessionStorage.setItem("rowlock-filter", "1"); } catch { /* then without */ }
    location.href = "../index.html";
  });
  source.addEventListener("click", (e) => {
    const li = e.target.closest("li[id]");
    if (e.target === li && li.dataset.w && onCount(li, e.clientX)) {
      mark(numberOf(li));
      return toggleWho(li);
    }
    // On the number, which is drawn into the margin.
    if (e.target === li && e.clientX - li.getBoundingClientRect().left < 60) {
      mark(numberOf(li));
      try { history.replaceState(null, "", "#" + li.id); } catch { /* refused: no harm */ }
    }
  });
  document.getElementById("jump").hidden = false;
  for (const b of document.querySelectorAll("[data-key]"))
    b.addEventListener("click", () => gap(b.dataset.key === "n" ? 1 : -1));
  const ruler = document.getElementById("ruler");
  ruler.addEventListener("click", (e) => {
    const box = ruler.getBoundingClientRect();
    const last = ruler.viewBox.baseVal.height;
    const wanted = Math.max(1, Math.min(last, Math.ceil(((e.clientY - box.top) / box.height) * last)));
    // Small gaps are easier to hit than their pixel.
    const reach = (last / box.height) * 4;
    const near = gaps.find((g) => g.end >= wanted - reach && g.start <= wanted + reach);
    const number = near ? near.start : wanted;
    if (line(number)) go(number, "center");
  });

  // ---- The header's height depends on the window's width
  const measure = () => {
    document.documentElement.style.scrollPaddingTop = header.offsetHeight + 12 + "px";
    ruler.style.top = header.offsetHeight + 8 + "px";
    ruler.style.height = "calc(100vh - " + (header.offsetHeight + 24) + "px)";
  };
  measure();
  window.addEventListener("resize", measure);
  // Other reports and forges say #t10 and #L10.
  const follow = () => {
    const number = parseInt(location.hash.replace(/^#[Lt]?/, ""), 10);
    if (number > 0 && line(number)) go(number, "center");
    else showPlace();
  };
  window.addEventListener("hashchange", follow);
  follow();
})();
