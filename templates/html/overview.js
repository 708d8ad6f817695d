// The overview: files as a tree or a list, filtered and sorted. Rows are made as they are scrolled to.
"use strict";
(() => {
  const { make, key } = window.rowlock;
  const report = window.rowlockReport;
  // The numbers of a file or folder, in the order of files.js.
  const LINES = 0, RUN = 1, ARMS = 2, TAKEN = 3, FUNCTIONS = 4, CALLED = 5, COVERED = 7, OF = 8, NUMBERS = 9;
  const files = report.files.map((f) => ({
    name: f[0], page: f[1], python: f[2] === 1, n: f.slice(3), lower: f[0].toLowerCase(),
  }));
  const table = document.getElementById("files");
  const body = table.tBodies[0];
  const filter = document.getElementById("filter");
  const BATCH = 200, FIRST_ROWS = 60;

  // ---- State: in the address, so that a link keeps it; open folders in the session
  const sorts = ["name", "percent", "lines", "missing", "branches", "functions"];
  const state = { q: "", view: "tree", language: "all", gaps: false, sort: "name", down: false };
  const place = "rowlock:" + location.pathname;
  let open = new Set(), at = null, firstVisit = true;
  const save = () => {
    const words = new URLSearchParams();
    if (state.q) words.set("q", state.q);
    if (state.view !== "tree") words.set("view", state.view);
    if (state.language !== "all") words.set("language", state.language);
    if (state.gaps) words.set("gaps", "1");
    if (state.sort !== "name" || state.down) words.set("sort", (state.down ? "-" : "") + state.sort);
    const hash = words.toString();
    try {
      history.replaceState(null, "", hash ? "#" + hash : location.pathname + location.search);
      sessionStorage.setItem(place, JSON.stringify({ open: [...open], at }));
    } catch { /* some browsers refuse it to file:// */ }
  };
  const load = () => {
    const words = new URLSearchParams(location.hash.slice(1));
    state.q = words.get("q") || "";
    state.view = words.get("view") === "list" ? "list" : "tree";
    state.language = ["native", "python"].includes(words.get("language")) ? words.get("language") : "all";
    state.gaps = words.get("gaps") === "1";
    const sort = words.get("sort") || "name";
    state.down = sort[0] === "-";
    state.sort = sorts.includes(sort.replace("-", "")) ? sort.replace("-", "") : "name";
    try {
      const kept = JSON.parse(sessionStorage.getItem(place));
      open = new Set(kept.open);
      at = kept.at;
      firstVisit = false;
    } catch { /* the first visit */ }
    const dir = words.get("dir");
    if (dir !== null) {
      state.view = "tree";
      const parts = dir.split("/");
      parts.forEach((_, i) => open.add(parts.slice(0, i + 1).join("/") || "/"));
      at = dir;
    }
  };

  // ---- The tree
  const percent = (covered, of) => (of ? (100 * covered) / of : 100);
  const newFolder = (path, name) => ({ path, name, folders: new Map(), files: [], n: new Array(NUMBERS).fill(0), count: 0 });
  const grow = (chosen) => {
    const top = newFolder("", "");
    for (const file of chosen) {
      const parts = file.name.split("/");
      file.base = parts.pop() || file.name;
      let folder = top;
      const above = [top];
      parts.forEach((part, i) => {
        const path = parts.slice(0, i + 1).join("/") || "/";
        if (!folder.folders.has(path)) folder.folders.set(path, newFolder(path, part || "/"));
        folder = folder.folders.get(path);
        above.push(folder);
      });
      folder.files.push(file);
      for (const f of above) {
        f.count++;
        for (let i = 0; i < NUMBERS; i++) f.n[i] += file.n[i];
      }
    }
    return top;
  };
  // A folder that holds nothing but one folder is shown with it, as "a/b".
  const join = (folder) => {
    while (!folder.files.length && folder.folders.size === 1) {
      const [only] = folder.folders.values();
      const name = (folder.name === "/" ? "/" : folder.name + "/") + only.name;
      folder = Object.assign({}, only, { name, outer: (folder.outer || []).concat(folder.path) });
    }
    return folder;
  };

  const rank = {
    name: null,
    percent: (n) => percent(n[COVERED], n[OF]),
    lines: (n) => n[LINES],
    missing: (n) => n[LINES] - n[RUN],
    branches: (n) => (n[ARMS] ? percent(n[TAKEN], n[ARMS]) : 101),
    functions: (n) => (n[FUNCTIONS] ? percent(n[CALLED], n[FUNCTIONS]) : 101),
  };
  const byName = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  const nameOf = (x) => (state.view === "list" ? x.name : x.base || x.name);
  const order = (a, b) => {
    const sign = state.down ? -1 : 1, by = rank[state.sort];
    if (by) return sign * (by(a.n) - by(b.n)) || byName(nameOf(a), nameOf(b));
    return (b.folders ? 1 : 0) - (a.folders ? 1 : 0) || sign * byName(nameOf(a), nameOf(b));
  };
  const isOpen = (folder) => state.q !== "" || open.has(folder.path) || (folder.outer || []).some((p) => open.has(p));
  let rows = [], top = null;
  const unfold = (folder, depth) => {
    const inside = [...folder.folders.values()].map(join).concat(folder.files).sort(order);
    for (const item of inside) {
      rows.push({ item, depth, parent: folder });
      if (item.folders && isOpen(item)) unfold(item, depth + 1);
    }
  };
  const choose = () => {
    const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
    return files.filter((f) =>
      (state.language === "all" || f.python === (state.language === "python")) &&
      (!state.gaps || f.n[COVERED] < f.n[OF] || f.n[TAKEN] < f.n[ARMS]) &&
      words.every((w) => f.lower.includes(w)));
  };
  const idOf = (item) => (item.folders ? item.path : "f/" + item.page);

  // ---- Rows
  const whole = new Intl.NumberFormat("en-US");
  // As the program writes it: 100 only if all is covered, 0 only if nothing is.
  const percentText = (covered, of) => {
    const p = percent(covered, of);
    if (p === 0 || p === 100) return p + "%";
    return (p < 0.1 ? 0.1 : p > 99.9 ? 99.9 : p).toFixed(1) + "%";
  };
  const grade = (p) => (p < report.low ? "bad" : p < report.high ? "fair" : "good");
  const barWidth = (p) => (p > 0 && p < 1 ? 1 : p > 99 && p < 100 ? 99 : Math.round(p));
  const percentCell = (covered, of, bar) => {
    const td = make("td");
    if (!of) {
      td.append(make("span", { class: "none" }, "–"));
      return td;
    }
    const p = percent(covered, of);
    if (bar) td.append(make("span", { class: "bar " + grade(p), "aria-hidden": "true" }, make("i", { class: "w" + barWidth(p) })));
    td.append(make("span", { class: "pc " + grade(p) }, percentText(covered, of)));
    if (!bar) td.append(make("span", { class: "of" }, whole.format(covered) + "/" + whole.format(of)));
    return td;
  };
  const marked = (text) => {
    const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
    const lower = text.toLowerCase(), parts = [];
    let done = 0;
    while (lower.length === text.length && words.length) {
      const found = words.map((w) => [lower.indexOf(w, done), w]).filter((f) => f[0] >= 0).sort((a, b) => a[0] - b[0])[0];
      if (!found) break;
      parts.push(text.slice(done, found[0]), make("mark", {}, text.slice(found[0], found[0] + found[1].length)));
      done = found[0] + found[1].length;
    }
    return parts.concat(text.slice(done));
  };
  const makeRow = ({ item, depth }, index) => {
    const th = make("th", { scope: "row", class: "name" });
    const tr = make("tr", { tabindex: "-1", "data-row": index }, th);
    if (item.folders) {
      tr.className = "folder";
      tr.setAttribute("aria-expanded", isOpen(item));
      const fold = make("button", { type: "button", class: "fold", tabindex: "-1" }, item.name);
      th.append(fold, make("span", { class: "of" }, " " + whole.format(item.count)));
    } else {
      th.append(make("a", { href: "f/" + item.page + ".html" }, ...marked(nameOf(item))));
      if (bothLanguages && state.language === "all") th.append(make("small", {}, item.python ? " py" : " c"));
    }
    tr.style.setProperty("--depth", depth);
    if (state.view === "tree") tr.setAttribute("aria-level", depth + 1);
    const n = item.n;
    tr.append(
      percentCell(n[COVERED], n[OF], true),
      make("td", {}, whole.format(n[LINES])),
      make("td", n[LINES] > n[RUN] ? {} : { class: "none" }, whole.format(n[LINES] - n[RUN])),
      percentCell(n[TAKEN], n[ARMS], false),
      percentCell(n[CALLED], n[FUNCTIONS], false));
    return tr;
  };
  const renderTo = (end) => {
    const batch = document.createDocumentFragment();
    for (let i = body.rows.length; i < Math.min(end, rows.length); i++) batch.append(makeRow(rows[i], i));
    body.append(batch);
  };

  // ---- The current row
  const current = () => rows.findIndex((r) => idOf(r.item) === at || (r.item.outer || []).includes(at));
  const mark = (index, focus) => {
    for (const tr of body.querySelectorAll("tr.at, tr[tabindex='0']")) {
      tr.classList.remove("at");
      tr.tabIndex = -1;
    }
    const tr = body.rows[Math.max(index, 0)];
    if (!tr) return;
    tr.tabIndex = 0;
    if (index < 0) return;
    tr.classList.add("at");
    if (focus) {
      tr.focus({ preventScroll: true });
      tr.scrollIntoView({ block: "nearest" });
    }
  };
  const go = (index) => {
    if (index < 0 || index >= rows.length) return;
    renderTo(index + 2);
    at = idOf(rows[index].item);
    mark(index, true);
    save();
  };

  const bothLanguages = files.some((f) => f.python) && files.some((f) => !f.python);
  const update = () => {
    const chosen = choose();
    rows = [];
    top = grow(chosen);
    if (state.view === "list") rows = chosen.slice().sort(order).map((item) => ({ item, depth: 0, parent: top }));
    else unfold(top, 0);
    body.replaceChildren();
    const index = current();
    renderTo(Math.max(BATCH, index + 30));
    mark(index, false);
    for (const th of table.tHead.rows[0].cells) {
      if (th.dataset.sort === state.sort) th.setAttribute("aria-sort", state.down ? "descending" : "ascending");
      else th.removeAttribute("aria-sort");
    }
    table.classList.toggle("treed", state.view === "tree" && top.folders.size > 0);
    table.setAttribute("role", state.view === "tree" ? "treegrid" : "grid");
    table.setAttribute("aria-rowcount", rows.length + 1);
    for (const b of document.querySelectorAll("[data-view]")) b.setAttribute("aria-pressed", b.dataset.view === state.view);
    for (const b of document.querySelectorAll("[data-language]")) b.setAttribute("aria-pressed", b.dataset.language === state.language);
    document.getElementById("gaps").setAttribute("aria-pressed", state.gaps);
    document.getElementById("folding").hidden = state.view === "list" || !top.folders.size;
    document.getElementById("nothing").hidden = chosen.length > 0;
    document.getElementById("shown").textContent = chosen.length === files.length ? "" :
      whole.format(chosen.length) + " of " + whole.format(files.length) + " files" +
      (chosen.length ? ", " + percentText(top.n[COVERED], top.n[OF]) : "");
    save();
  };
  const set = (changes) => {
    Object.assign(state, changes);
    update();
  };
  const sortBy = (sort) => {
    // The worst or the largest first.
    const first = sort === "lines" || sort === "missing";
    set({ sort, down: state.sort === sort ? !state.down : first });
  };
  const toggle = (folder, wanted) => {
    const was = isOpen(folder);
    if (state.q || wanted === was) return;
    for (const path of (folder.outer || []).concat(folder.path)) {
      if (was) open.delete(path);
      else open.add(path);
    }
    at = folder.path;
    update();
  };
  const foldAll = (opened) => {
    open = new Set();
    const walk = (folder) => folder.folders.forEach((f) => { open.add(f.path); walk(f); });
    if (opened) walk(top);
    update();
  };
  // For the first visit: level after level as long as all fits on a screen or two.
  const openSome = () => {
    let level = [grow(files)], shown = 0;
    while (level.length && shown <= FIRST_ROWS) {
      const next = level.flatMap((f) => [...f.folders.values()].map(join));
      shown += next.length + level.reduce((n, f) => n + f.files.length, 0);
      if (shown <= FIRST_ROWS) for (const f of level) if (f.path) open.add(f.path);
      level = next;
    }
  };
  const follow = (row) => {
    if (row.item.folders) toggle(row.item);
    else location.href = "f/" + row.item.page + ".html";
  };

  // ---- What people do
  const rowOf = (e) => {
    const tr = e.target.closest("tr[data-row]");
    return tr ? +tr.dataset.row : -1;
  };
  const refocus = () => mark(current(), true);
  body.addEventListener("click", (e) => {
    const index = rowOf(e);
    if (index < 0) return;
    at = idOf(rows[index].item);
    save();
    if (rows[index].item.folders && e.target.closest("th")) {
      toggle(rows[index].item);
      refocus();
    }
  });
  body.addEventListener("focusin", (e) => {
    const index = rowOf(e);
    if (index < 0 || idOf(rows[index].item) === at) return;
    at = idOf(rows[index].item);
    mark(index, false);
  });
  table.tHead.addEventListener("click", (e) => {
    const th = e.target.closest("th");
    if (th) sortBy(th.dataset.sort);
  });
  document.getElementById("controls").addEventListener("click", (e) => {
    const b = e.target.closest("button");
    if (!b) return;
    if (b.dataset.view) set({ view: b.dataset.view });
    if (b.dataset.language) set({ language: b.dataset.language });
    if (b.dataset.fold) foldAll(b.dataset.fold === "open");
    if (b.id === "gaps") set({ gaps: !state.gaps });
  });
  let waiting = 0;
  filter.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => set({ q: filter.value.trim() }), files.length > 2000 ? 120 : 0);
  });
  filter.addEventListener("keydown", (e) => {
    if (e.key === "Escape") {
      filter.value = "";
      set({ q: "" });
      filter.blur();
    } else if (e.key === "Enter" || e.key === "ArrowDown") {
      clearTimeout(waiting);
      set({ q: filter.value.trim() });
      const first = rows.findIndex((r) => !r.item.folders);
      if (e.key === "Enter" && first >= 0) follow(rows[first]);
      else go(first);
    } else return;
    e.preventDefault();
  });
  const onRow = (e) => e.target.closest("#files tbody tr");
  const step = (by) => go(current() < 0 ? 0 : current() + by);
  const gap = (by) => {
    for (let i = current() + by; i >= 0 && i < rows.length; i += by) {
      const { item } = rows[i];
      if (!item.folders && (item.n[COVERED] < item.n[OF] || item.n[TAKEN] < item.n[ARMS])) return go(i);
    }
  };
  key("/", "filter", () => { filter.focus(); filter.select(); });
  key("j", "next row", () => step(1));
  key("k", "row before", () => step(-1));
  key("n", "next file that is not covered whole", () => gap(1));
  key("p", "file before that is not", () => gap(-1));
  key("o", "open: a file, or a folder", () => { if (current() >= 0) { follow(rows[current()]); refocus(); } });
  key("u", "up to the folder", () => { const r = rows[current()]; if (r) go(rows.findIndex((x) => x.item.path !== undefined && x.item.path === r.parent.path)); });
  key("ArrowDown", "", (e) => (onRow(e) ? step(1) : false));
  key("ArrowUp", "", (e) => (onRow(e) ? step(-1) : false));
  key("Home", "", (e) => (onRow(e) ? go(0) : false));
  key("End", "", (e) => (onRow(e) ? go(rows.length - 1) : false));
  key("Enter", "", (e) => {
    if (!e.target.matches("tr[data-row]")) return false;
    follow(rows[rowOf(e)]);
    refocus();
  });
  key("ArrowRight", "", (e) => {
    const r = onRow(e) && rows[current()];
    if (!r || !r.item.folders) return false;
    if (isOpen(r.item)) step(1);
    else { toggle(r.item, true); refocus(); }
  });
  key("ArrowLeft", "", (e) => {
    const r = onRow(e) && rows[current()];
    if (!r) return false;
    if (r.item.folders && isOpen(r.item)) { toggle(r.item, false); refocus(); }
    else go(rows.findIndex((x) => x.item === r.parent || (x.item.path !== undefined && x.item.path === r.parent.path)));
  });
  key("v", "tree or list", () => set({ view: state.view === "tree" ? "list" : "tree" }));
  key("h", "hide what is covered", () => set({ gaps: !state.gaps }));
  key("e", "expand all folders", () => foldAll(true));
  key("c", "collapse all folders", () => foldAll(false));
  sorts.forEach((sort, i) => key(String(i + 1), "sort by " + ({ percent: "coverage", missing: "missing lines" }[sort] || sort), () => sortBy(sort)));

  // ---- Beginning
  const start = () => {
    load();
    filter.value = state.q;
    if (firstVisit && at === null) openSome();
    update();
    try {
      if (sessionStorage.getItem("rowlock-filter")) filter.focus();
      sessionStorage.removeItem("rowlock-filter");
    } catch { /* then without */ }
    if (at !== null && current() >= 0) {
      const tr = body.rows[current()];
      if (tr) tr.scrollIntoView({ block: "center" });
    }
  };
  document.getElementById("controls").hidden = false;
  document.getElementById("languages").hidden = !bothLanguages;
  table.hidden = false;
  new IntersectionObserver((entries) => {
    if (entries.some((x) => x.isIntersecting) && body.rows.length < rows.length) renderTo(body.rows.length + BATCH);
  }, { rootMargin: "1500px" }).observe(document.getElementById("more"));
  window.addEventListener("beforeprint", () => renderTo(rows.length));
  window.addEventListener("hashchange", start);
  start();
})();
