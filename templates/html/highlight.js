// Colours comments, strings and keywords of C and Python, where the browser can colour ranges of text:
// the page's elements stay as they are. Only lists of lines near the window are coloured.
"use strict";
(() => {
  if (!window.Highlight || !CSS.highlights) return;
  const name = document.querySelector("h1").textContent;
  const python = /\.py[wxi]?$/i.test(name);
  if (!python && !/\.(c|h|cc|hh|cpp|hpp|cxx|hxx|c\+\+|h\+\+|inc|ipp|tcc|m|mm)$/i.test(name)) return;

  const words = python
    ? "and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield None True False"
    : "alignas alignof auto bool break case catch char class const constexpr const_cast continue default delete do double dynamic_cast else enum explicit extern false final float for friend goto if inline int long mutable namespace new noexcept nullptr operator override private protected public register reinterpret_cast restrict return short signed sizeof static static_assert static_cast struct switch template this throw true try typedef typename union unsigned using virtual void volatile while";
  const keywords = new Set(words.split(" "));
  // What begins a token; what is between tokens is passed over.
  const token = python
    ? /#.*|"""|'''|"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?|[A-Za-z_]\w*/g
    : /\/\/.*|\/\*|"(?:\\.|[^"\\])*"?|'(?:\\.[^']*|[^'\\])'|^\s*#\s*\w+|[A-Za-z_]\w*/g;
  const ends = { "/*": "*/", '"""': '"""', "'''": "'''" };

  // Goes through a line that begins within open ("" or a key of ends); returns what is open behind it.
  const scan = (text, open, found) => {
    let at = 0;
    for (;;) {
      if (open) {
        const end = text.indexOf(ends[open], at);
        if (found) found(open === "/*" ? "comment" : "string", Math.max(0, at), end < 0 ? text.length : end + ends[open].length);
        if (end < 0) return open;
        at = end + ends[open].length;
        open = "";
      }
      token.lastIndex = at;
      const match = token.exec(text);
      if (!match) return "";
      const word = match[0], start = match.index;
      at = start + word.length;
      if (ends[word]) {
        open = word;
        if (found) found(open === "/*" ? "comment" : "string", start, at);
      } else if (found) {
        const first = word[0];
        if (first === '"' || first === "'") found("string", start, at);
        else if (python ? first === "#" : word.startsWith("//")) found("comment", start, at);
        else if (keywords.has(word) || word.trimStart()[0] === "#") found("keyword", start, at);
      }
    }
  };

  const kinds = {};
  for (const kind of ["comment", "string", "keyword"]) {
    kinds[kind] = new Highlight();
    CSS.highlights.set(kind, kinds[kind]);
  }
  const lists = [...document.querySelectorAll("#source > ol")];
  const opens = [""]; // what is open where each list begins, as far as that is known
  const each = (list, action) => {
    for (const li of list.children) {
      const text = li.firstChild;
      if (text && text.nodeType === Node.TEXT_NODE) action(text);
    }
  };
  const openAt = (index) => {
    while (opens.length <= index) {
      let open = opens[opens.length - 1];
      each(lists[opens.length - 1], (text) => { open = scan(text.data, open, null); });
      opens.push(open);
    }
    return opens[index];
  };
  const shown = new Map();
  const show = (list) => {
    const ranges = [];
    let open = openAt(lists.indexOf(list));
    each(list, (text) => {
      open = scan(text.data, open, (kind, start, end) => {
        const range = new StaticRange({ startContainer: text, startOffset: start, endContainer: text, endOffset: end });
        kinds[kind].add(range);
        ranges.push([kind, range]);
      });
    });
    shown.set(list, ranges);
  };
  const hide = (list) => {
    for (const [kind, range] of shown.get(list)) kinds[kind].delete(range);
    shown.delete(list);
  };
  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting && !shown.has(target)) show(target);
      else if (!isIntersecting && shown.has(target)) hide(target);
    }
  }, { rootMargin: "800px" });
  lists.forEach((list) => observer.observe(list));
})();
