"""Random C and C++ programs for the comparison of `rowlock collect` with gcov: loops in loops,
switches, gotos, setjmp, functions and macros, in C++ templates, exceptions, destructors and lambdas
instead of setjmp, with line breaks at random, so that many blocks and whole cycles come to stand on
one line. Every program ends: each loop burns fuel."""

import random

PRELUDE = """#include <setjmp.h>
#include <stdlib.h>
static int fuel = 3000;
static jmp_buf place;
static volatile int sink;
#define PICK(x, y) ((x) > (y) ? (x) - (y) : (x) < 3 ? (y) : 1)
#define TWICE(s) do { s s } while (fuel-- == 9)
"""
PRELUDE_PLUS = """#include <cstdlib>
static int fuel = 3000;
static volatile int sink;
#define PICK(x, y) ((x) > (y) ? (x) - (y) : (x) < 3 ? (y) : 1)
#define TWICE(s) do { s s } while (fuel-- == 9)
struct Guard {
  int v;
  Guard(int x) : v(x) { if (x > 6) throw x; }
  ~Guard() { fuel--; sink = sink + v; }
};
template <class T> T mix(T x, T y) { if (x > y) return x - y;
  return x + 1; }
"""


class Program:
    """plus: in C++."""

    def __init__(self, seed, plus=False):
        self.plus = plus
        self.random = random.Random(seed)
        self.labels = 0
        self.breaks = self.random.choice([0.05, 0.3, 0.9])  # how often a line ends

    def expression(self, depth=0):
        pick = self.random.randrange((12 if self.plus else 9) if depth < 3 else 3)
        a = self.random.choice("abc")
        if pick == 0:
            return str(self.random.randrange(7))
        if pick in (1, 2):
            return a
        x, y = self.expression(depth + 1), self.expression(depth + 1)
        return {
            3: f"({x} + {y})",
            4: f"({x} > {y})",
            5: f"({x} && {y})",
            6: f"({x} || !{y})",
            7: f"({x} ? {y} : {a})",
            8: f"PICK({x}, {y})",
            9: f"mix<int>({x}, {y})",
            10: f"mix<long>({x}, {y})",
            11: f"[&](int q) {{ @ return q > {x} ? q : {y}; }}({a})",
        }[pick]

    def block(self, depth, inside):
        count = self.random.randrange(1, 4)
        return "{ " + " @ ".join(self.statement(depth + 1, inside) for _ in range(count)) + " }"

    def statement(self, depth, inside):
        r = self.random
        e = self.expression()
        simple = [
            f"{r.choice('abc')} = {e} % 11;",
            f"sink += {e};",
            f"if ({e}) {r.choice('abc')}++;",
            f"if ({e} == 4) return {r.choice('abc')};",
            f"TWICE(a = {e}; @ if (b > {r.randrange(5)}) b--;);",
        ]
        if "loop" in inside:
            simple += [f"if ({e}) break;", f"if ({e}) @ continue;"]
        if self.callees:
            simple += [f"{r.choice('abc')} += {r.choice(self.callees)}(+({e}), b) % 5;"] * 2
        if depth > 3 or r.random() < 0.35:
            return r.choice(simple)
        body = self.block(depth, inside | {"loop"})
        kind = r.randrange(8)
        if kind == 0:
            return f"if ({e}) {self.block(depth, inside)} @ else {self.block(depth, inside)}"
        if kind == 1:
            return f"for (int i = 0; i < {r.randrange(1, 6)} && fuel-- > 0; @ i++) {body}"
        if kind == 2:
            return f"while (fuel-- > 0 && {e}) @ {body}"
        if kind == 3:
            return f"do {body} while (fuel-- > 0 @ && {e});"
        if kind == 4:
            cases = [
                f"case {i}: @ {self.statement(depth + 1, inside)} " for i in range(r.randrange(4))
            ]
            ends = [r.choice(["break; @", "@ /* on */"]) for _ in cases]
            rest = "".join(c + end for c, end in zip(cases, ends))
            return f"switch ({e}) {{ {rest} default: {self.statement(depth + 1, inside)} }}"
        if kind == 5:
            self.labels += 1
            label = f"l{self.labels}"
            again = f"if (fuel-- > 0 && {e}) goto {label};"
            return f"{label}: {self.statement(depth + 1, inside)} @ {again}"
        if kind == 6 and self.plus:
            return r.choice(
                [
                    f"if ({e}) throw {r.choice('abc')};",
                    f"try {self.block(depth, inside)} @ catch (int e) {{ c += e; @ }}",
                    f"try {self.block(depth, inside)} catch (...) {{ c++; @ throw; }}",
                    f"{{ Guard g(a % 9); @ {self.statement(depth + 1, inside)} }}",
                ]
            )
        if kind == 6:
            return "if (fuel % 7 == 0) longjmp(place, 1 + a % 3);"
        return f"if (fuel > {r.randrange(3000)}) {self.block(depth, inside)}"

    def function(self, name):
        body = self.block(0, frozenset())
        keyword = self.random.choice(
            ["static ", "static inline ", "__attribute__((noinline)) static "]
        )
        kind = "int"
        if self.plus and self.random.random() < 0.3:
            keyword, kind = f"template <class T> {keyword}", "T"
        head = f"{keyword}{kind} {name}({kind} a, @ int b)"
        return f"{head} @ {{ int c = a; @ {body} @ return a + b + c; }} @"

    def call(self, name, i):
        """A statement of main."""
        if not self.plus:
            return f"sink += {name}({i}, 3);"
        argument = f"{i}L" if i % 2 else str(i)
        return f"try {{ sink += {name}({argument}, 3); }} @ catch (...) {{ @ sink += 1; }}"

    def text(self):
        """The program's source."""
        self.callees = []
        parts = []
        for i in range(self.random.randrange(2, 6)):
            parts.append(self.function(f"f{i}"))
            self.callees.append(f"f{i}")
        calls = " @ ".join(self.call(f, i) for i, f in enumerate(self.callees * 2))
        parts.append(
            f"int main() {{ @ {calls} return 0; }}"
            if self.plus
            else "int main(void) { @ int volatile jumps = 0; @ if (setjmp(place) && jumps++ > 3) @ "
            f"exit(0); @ {calls} return 0; }}"
        )
        text = "\n".join(parts)
        cut = "".join(
            "\n" if c == "@" and self.random.random() < self.breaks else " " if c == "@" else c
            for c in text
        )
        return (PRELUDE_PLUS if self.plus else PRELUDE) + cut + "\n"
