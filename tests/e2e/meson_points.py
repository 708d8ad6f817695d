"""What tests print that Meson reads as TAP or as the words of Rust's tests: lines, "|" between
them, behind "exit N|" for another exit status. Each runs with and without should_fail."""

import re

POINTS = {
    "tap": [
        "1..1|ok 1 # TODO x",
        "1..2|ok 1",
        "1..1|ok 1|ok 2",
        "1..2|ok 1 # SKIP a|ok 2 # skipped b",
        "1..1|not ok 1 # SKIP a",
        "1..2 # SKIP no|ok 1|ok 2",
        "1..1 # TODO no|ok 1",
        "1..0",
        "ok 1",
        "ok 1|ok 2|1..2",
        "ok 1|1..1|ok 2",
        "not ok|Bail out! x|1..9",
        "1..1|ok 1|Bail out!",
        "1..1|Bail out! x|not ok 1",
        "1..1|1..1|ok 1",
        "1..2|ok 2|ok 2",
        "1..3|ok 1|ok 3",
        "words|okay|  not ok 3|pragma +strict",
        "TAP version 13|1..1|ok 1|  ---|  a: b|  ...",
        "TAP version 13|1..1|ok 1|  ---|  not ok 2|ok 2",
        "TAP version 13|1..1|ok 1|  ---",
        "TAP version 12|1..1|ok 1",
        "1..1|TAP version 13|ok 1",
        "1..1|ok 1 # TODO: x|",
        "1..1|not ok 1 # todon't",
        "",
        "exit 3|1..1|ok 1",
        "exit 3|1..1|ok 1 # SKIP",
        "exit 3|1..1|not ok 1",
        "exit 3|1..2|not ok 1",
        "exit 3",
    ],
    "rust": [
        "running 1 test|test a ... ok|test result: ok. 1 passed",
        "test a::b ... FAILED|test c ... ok",
        "test a ... ignored",
        "test a ... ok|test b ... ignored",
        "test a ... unheard|test b ... FAILED",
        "exit 101|test a ... FAILED",
        "",
    ],
}


def tests():
    """Lines of meson.build, where `sh` is the shell."""
    all_lines = []
    for protocol, texts in POINTS.items():
        for i, text in enumerate(texts):
            status = re.match(r"exit (\d+)\|?", text)
            printed = text[status.end() if status else 0 :].replace("'", r"\'").split("|")
            words = " ".join(f'"{line}"' for line in printed)
            script = f'printf "%s\\\\n" {words}; exit {status[1] if status else 0}'
            all_lines += [
                f"test('{protocol}_{i}_{bad}', sh, args: ['-c', '{script}'], "
                f"protocol: '{protocol}', should_fail: {bad})"
                for bad in ("false", "true")
            ]
    return "\n".join(all_lines)
