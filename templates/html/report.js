// What all pages have in common: the theme, keys and their help, tables that can be sorted.
// Runs in the head, so that the page never shows in the wrong theme.
"use strict";
window.rowlock = (() => {
  const root = document.documentElement;
  // Storage may be refused, as some browsers do for pages from file://.
  const recall = (key) => { try { return localStorage.getItem("rowlock-" + key); } catch { return null; } };
  const remember = (key, value) => { try { localStorage.setItem("rowlock-" + key, value); } catch { /* for this page only */ } };

  // An element with attributes and children; text is never taken for markup.
  const make = (tag, attributes = {}, ...children) => {
    const e = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
    e.append(...children);
    return e;
  };

  // ---- Theme
  const themes = ["auto", "light", "dark"];
  let theme = themes.includes(recall("theme")) ? recall("theme") : "auto";
  let themeButton = null;
  const showTheme = () => {
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
    if (themeButton) {
      themeButton.textContent = { auto: "◐ Auto", light: "○ Light", dark: "● Dark" }[theme];
      themeButton.setAttribute("aria-label", "Theme: " + theme);
    }
  };
  const nextTheme = () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    remember("theme", theme);
    showTheme();
  };
  showTheme();

  // ---- Keys
  const keys = new Map();
  const helped = [];
  // names: "j ArrowDown"; the first ones are shown, up to one that is a word.
  const key = (names, what, action) => {
    for (const name of names.split(" ")) keys.set(name, action);
    if (what) helped.push([names.split(" ").filter((n) => n.length === 1), what]);
  };
  let dialog = null;
  const help = () => {
    if (!dialog) {
      const list = make("dl");
      for (const [names, what] of helped) {
        const dt = make("dt");
        names.forEach((n, i) => dt.append(i ? " " : "", make("kbd", {}, n)));
        list.append(dt, make("dd", {}, what));
      }
      const close = make("button", { type: "button" }, "Close");
      close.addEventListener("click", () => dialog.close());
      dialog = make("dialog", { "aria-labelledby": "help-title" }, make("h2", { id: "help-title" }, "Keys"), list, close);
      document.body.append(dialog);
    }
    if (dialog.open) dialog.close();
    else dialog.showModal();
  };
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented) return;
    if (e.target.closest("input, textarea, select")) return;
    if (dialog && dialog.open && e.key !== "?") return;
    const action = keys.get(e.key);
    if (action && action(e) !== false) e.preventDefault();
  });

  // ---- Tables
  const value = (row, column) => {
    const text = row.cells[column].textContent.trim();
    const part = /^([\d,]+)\/([\d,]+)$/.exec(text);
    if (part) return part[1].replace(/,/g, "") / part[2].replace(/,/g, "");
    const number = /^-?[\d,]+(\.\d+)?%?$/.test(text) ? parseFloat(text.replace(/,/g, "")) : null;
    return number === null ? text : number;
  };
  const compare = (a, b) => {
    if (typeof a === typeof b) return typeof a === "number" ? a - b : a < b ? -1 : a > b ? 1 : 0;
    return typeof a === "number" ? 1 : -1;
  };
  const sortTable = (table, th) => {
    const column = th.cellIndex;
    const down = th.getAttribute("aria-sort") === "ascending";
    const rows = [...table.tBodies[0].rows].map((row) => [value(row, column), row]);
    rows.sort((a, b) => (down ? -1 : 1) * compare(a[0], b[0]));
    for (const other of th.parentNode.cells) other.removeAttribute("aria-sort");
    th.setAttribute("aria-sort", down ? "descending" : "ascending");
    table.tBodies[0].append(...rows.map((pair) => pair[1]));
  };
  const makeSortable = (table) => {
    for (const th of table.tHead.rows[0].cells) {
      const button = make("button", { type: "button" }, th.textContent);
      th.replaceChildren(button);
      button.addEventListener("click", () => sortTable(table, th));
    }
  };

  document.addEventListener("DOMContentLoaded", () => {
    const tools = document.getElementById("tools");
    themeButton = make("button", { type: "button", title: "Theme (t)", id: "theme" });
    themeButton.addEventListener("click", nextTheme);
    const helpButton = make("button", { type: "button", title: "Keys (?)", "aria-label": "Keys" }, "?");
    helpButton.addEventListener("click", help);
    tools.append(themeButton, helpButton);
    showTheme();
    document.querySelectorAll("table.sortable").forEach(makeSortable);
    const up = document.getElementById("up");
    if (up) key("u", "up to the overview", () => { location.href = up.href; });
    key("t", "theme: as the system has it, light, dark", nextTheme);
    key("?", "these keys", help);
  });
  return { make, key, recall, remember };
})();
