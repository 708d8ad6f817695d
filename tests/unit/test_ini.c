/* config/ini: what is accepted, refused and understood is what the iniconfig package (2.3)
 * answers; the answers below were obtained by running it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "config/ini.h"

/* dump: "[section]@line" and "name=value@line" for each, lines of a value joined by "|". */
struct ini_case {
    const char *what;
    const char *text;
    const char *dump; /* NULL: refused */
    unsigned error_line;
    const char *message; /* what iniconfig's message starts with */
};

static const struct ini_case cases[] = {
    {"empty file", "", "", 0, NULL},
    {"bare section", "[pytest]\n", "[pytest]@1\n", 0, NULL},
    {"one value", "[pytest]\naddopts = -v\n", "[pytest]@1\naddopts=-v@2\n", 0, NULL},
    {"no newline at the end", "[pytest]\naddopts=-v", "[pytest]@1\naddopts=-v@2\n", 0, NULL},
    {"colon", "[pytest]\naddopts: -v\n", "[pytest]@1\naddopts=-v@2\n", 0, NULL},
    {"equals first", "[pytest]\na = b : c\n", "[pytest]@1\na=b : c@2\n", 0, NULL},
    {"colon first", "[pytest]\na : b = c\n", "[pytest]@1\na=b = c@2\n", 0, NULL},
    {"mixed", "[pytest]\na:b\nc=d:e\nf:g=h\n", "[pytest]@1\na=b@2\nc=d:e@3\nf=g=h@4\n", 0, NULL},
    {"multi-line", "[pytest]\nmarkers =\n    slow: takes long\n    unit: small\n",
     "[pytest]@1\nmarkers=slow: takes long|unit: small@2\n", 0, NULL},
    {"blank lines inside a value", "[pytest]\nmarkers = first\n\n    second\n\n\n\tthird\n",
     "[pytest]@1\nmarkers=first|second|third@2\n", 0, NULL},
    {"comments inside a value",
     "[pytest]\nmarkers = first\n# a comment\n    second\n  ; another\n    third\n",
     "[pytest]@1\nmarkers=first|second|third@2\n", 0, NULL},
    {"inline comments stay", "[pytest]\na = 1 # no comment\nb = 2 ; neither\n",
     "[pytest]@1\na=1 # no comment@2\nb=2 ; neither@3\n", 0, NULL},
    {"comment behind a header", "[pytest] # comment\na = 1\n", "[pytest]@1\na=1@2\n", 0, NULL},
    {"semicolon behind a header", "[pytest] ; comment\na = 1\n", "[pytest]@1\na=1@2\n", 0, NULL},
    {"header cut by a comment", "[pytest ; x] # y\na = 1\n", NULL, 1,
     "unexpected value continuation"},
    {"comments at the top", "# top\n; top\n\n[pytest]\na = 1\n", "[pytest]@4\na=1@5\n", 0, NULL},
    {"no header", "a = 1\n", NULL, 1, "no section header defined"},
    {"no header, continued", "a = 1\n  more\n[pytest]\n", NULL, 1, "no section header defined"},
    {"continuation at the top", "  indented\n", NULL, 1, "unexpected value continuation"},
    {"continuation below a header", "[pytest]\n  indented\n", NULL, 2,
     "unexpected value continuation"},
    {"no mark", "[pytest]\nnonsense\n", NULL, 2, "unexpected line"},
    {"unreadable line wins over the missing header", "a = 1\nnonsense\n", NULL, 2,
     "unexpected line"},
    {"duplicate name", "[pytest]\na = 1\na = 2\n", NULL, 3, "duplicate name 'a'"},
    {"same name in two sections", "[pytest]\na = 1\n[other]\na = 2\n",
     "[pytest]@1\na=1@2\n[other]@3\na=2@4\n", 0, NULL},
    {"duplicate section", "[pytest]\na = 1\n[pytest]\nb = 2\n", NULL, 3,
     "duplicate section 'pytest'"},
    {"unreadable line wins over the duplicate section", "[pytest]\n[pytest]\nbad\n", NULL, 3,
     "unexpected line"},
    {"empty section name", "[]\n", NULL, 1, "empty section name"},
    {"blank section name", "[ ]\na=1\n", "[ ]@1\na=1@2\n", 0, NULL},
    {"spaces inside the brackets stay", "[ pytest ]\na=1\n", "[ pytest ]@1\na=1@2\n", 0, NULL},
    {"open bracket alone", "[pytest\n", NULL, 1, "unexpected value continuation"},
    {"open bracket goes on with the value", "[pytest]\na = 1\n[b\n", "[pytest]@1\na=1|[b@2\n", 0,
     NULL},
    {"text behind the bracket goes on with the value", "[pytest]\na =\n[x] y\n",
     "[pytest]@1\na=[x] y@2\n", 0, NULL},
    {"text behind the bracket below a header", "[pytest]\n[x] y\n", NULL, 2,
     "unexpected value continuation"},
    {"two closing brackets", "[a]]\nx=1\n", "[a]]@1\nx=1@2\n", 0, NULL},
    {"empty name", "[pytest]\n= 1\n", "[pytest]@1\n=1@2\n", 0, NULL},
    {"empty name, colon", "[pytest]\n: 1\n", "[pytest]@1\n=1@2\n", 0, NULL},
    {"empty value", "[pytest]\na =\n", "[pytest]@1\na=@2\n", 0, NULL},
    {"empty value, then another name", "[pytest]\na =\nb = 2\n", "[pytest]@1\na=@2\nb=2@3\n", 0,
     NULL},
    {"value stripped", "[pytest]\na =   spaced   \n", "[pytest]@1\na=spaced@2\n", 0, NULL},
    {"space in a name", "[pytest]\nlong name = 1\n", "[pytest]@1\nlong name=1@2\n", 0, NULL},
    {"CRLF", "[pytest]\r\na = 1\r\n   2\r\n", "[pytest]@1\na=1|2@2\n", 0, NULL},
    {"CR alone", "[pytest]\ra = 1\rb = 2\r", "[pytest]@1\na=1@2\nb=2@3\n", 0, NULL},
    {"vertical tab and form feed end lines", "[pytest]\na = 1\x0b  2\x0c  3\n",
     "[pytest]@1\na=1|2|3@2\n", 0, NULL},
    {"file separator ends a line", "[pytest]\na = 1\x1c  2\n", "[pytest]@1\na=1|2@2\n", 0, NULL},
    {"NEL and LINE SEPARATOR end lines", "[pytest]\na = 1\xc2\x85  2\xe2\x80\xa8  3\n",
     "[pytest]@1\na=1|2|3@2\n", 0, NULL},
    {"byte order mark", "\xef\xbb\xbf[pytest]\na = 1\n", "[pytest]@1\na=1@2\n", 0, NULL},
    {"two byte order marks", "\xef\xbb\xbf\xef\xbb\xbf[pytest]\na = 1\n", NULL, 1,
     "unexpected line"},
    {"no-break space indents",
     "[pytest]\n\xc2\xa0"
     "a = 1\n",
     NULL, 2, "unexpected value continuation"},
    {"Unicode spaces stripped",
     "[pytest]\na =\xe3\x80\x80"
     "1\xe2\x80\x83\n",
     "[pytest]@1\na=1@2\n", 0, NULL},
    {"non-ASCII", "[pytest]\nn\xc3\xa4me = w\xc3\xa9rt\n",
     "[pytest]@1\nn\xc3\xa4me=w\xc3\xa9rt@2\n", 0, NULL},
    {"setup.cfg", "[tool:pytest]\naddopts = -ra\n[flake8]\nignore = E1\n",
     "[tool:pytest]@1\naddopts=-ra@2\n[flake8]@3\nignore=E1@4\n", 0, NULL},
    {"line of blanks inside a value", "[pytest]\na = 1\n   \t \n  2", "[pytest]@1\na=1|2@2\n", 0,
     NULL},
    {"a backslash is no mark", "[pytest]\na = 1\n\\\n", NULL, 3, "unexpected line"},
    {"quotes stay", "[pytest]\na = \"quoted\"\nb = 'x'\n", "[pytest]@1\na=\"quoted\"@2\nb='x'@3\n",
     0, NULL},
    {"nothing is expanded", "[pytest]\na = [x]\nb = %(a)s ${b}\n",
     "[pytest]@1\na=[x]@2\nb=%(a)s ${b}@3\n", 0, NULL},
    {"comment among the lines", "[pytest]\naddopts =\n    -v\n    # -x\n    -q\n",
     "[pytest]@1\naddopts=-v|-q@2\n", 0, NULL},
    {"marks as values", "[pytest]\na = =\nb = ::\n", "[pytest]@1\na==@2\nb=::@3\n", 0, NULL},
    {"names tell upper from lower case", "[pytest]\nA = 1\na = 2\n", "[pytest]@1\nA=1@2\na=2@3\n",
     0, NULL},
    {"an empty section between", "[pytest]\na = 1\n\n[empty]\n\n[last]\nz = 26\n",
     "[pytest]@1\na=1@2\n[empty]@4\n[last]@6\nz=26@7\n", 0, NULL},
    {"an indented name is text", "[pytest]\na = 1\n b = 2\n", "[pytest]@1\na=1|b = 2@2\n", 0, NULL},
    {"an indented header is a continuation", " [pytest]\na = 1\n", NULL, 1,
     "unexpected value continuation"},
    {"an indented header inside a value", "[pytest]\nb = 1\n [x]\n", "[pytest]@1\nb=1|[x]@2\n", 0,
     NULL},
    {"a comment inside the brackets", "[#]\na = 1\n", NULL, 1, "unexpected value continuation"},
    {"unit separator is a space but ends no line", "[pytest]\na\x1f= 1\n", "[pytest]@1\na=1@2\n", 0,
     NULL},
    {"zero width space is no space",
     "[pytest]\na = \xe2\x80\x8b"
     "1\n",
     "[pytest]@1\na=\xe2\x80\x8b"
     "1@2\n",
     0, NULL},
};

static char *dump(const struct ini *ini)
{
    struct buf b = BUF_INIT;
    for (size_t s = 0; s < ini->n_sections; s++) {
        buf_addf(&b, "[%s]@%u\n", ini->sections[s].name, ini->sections[s].line);
        for (size_t i = 0; i < ini->n; i++) {
            const struct ini_entry *e = &ini->entries[i];
            if (strcmp(e->section, ini->sections[s].name) != 0)
                continue;
            buf_addf(&b, "%s=", e->name);
            for (const char *v = e->value; *v; v++)
                buf_addc(&b, *v == '\n' ? '|' : *v);
            buf_addf(&b, "@%u\n", e->line);
        }
    }
    return buf_detach(&b);
}

static void check_case(const struct ini_case *c)
{
    struct ini ini;
    struct error err = ERROR_INIT;
    /* exactly as long as the text, so that a read past its end is caught */
    size_t len = strlen(c->text);
    char *text = xmalloc(len);
    memcpy(text, c->text, len);
    bool ok = ini_parse(&ini, "x.ini", text, len, &err);
    free(text);
    if (ok != (c->dump != NULL))
        fail_msg("%s: %s", c->what, ok ? "accepted" : err.msg);
    if (ok) {
        char *got = dump(&ini);
        if (strcmp(got, c->dump) != 0)
            fail_msg("%s: got\n%s", c->what, got);
        free(got);
        ini_release(&ini);
        return;
    }
    char *start = xasprintf("x.ini:%u:", c->error_line);
    assert_int_equal(err.code, EXIT_USAGE);
    if (strncmp(err.msg, start, strlen(start)) != 0 || !strstr(err.msg, c->message))
        fail_msg("%s: expected %s… %s, got %s", c->what, start, c->message, err.msg);
    assert_null(strchr(err.msg, '\n'));
    free(start);
    error_release(&err);
}

static void test_as_iniconfig(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_case(&cases[i]);
}

static void assert_refused(const char *text, size_t len, const char *message)
{
    struct ini ini;
    struct error err = ERROR_INIT;
    assert_false(ini_parse(&ini, "a.ini", text, len, &err));
    assert_string_equal(err.msg, message);
    assert_int_equal(err.code, EXIT_USAGE);
    error_release(&err);
}

static void test_messages(void **state)
{
    (void)state;
    assert_refused("[a]\n\xc3\xa4 = \xff\n", 10,
                   "a.ini:2:5: the byte 0xff is not UTF-8; save the "
                   "file as UTF-8");
    assert_refused("[a]\nx = \0y\n", 11, "a.ini:2:5: a NUL byte; remove it");
    assert_refused(
        "[a]\n   b\n", 9,
        "a.ini:2:4: unexpected value continuation; only a line below \"name = value\" may "
        "be indented, and a section header ends with ]");
    assert_refused("[a]\n\x1b[31m\n", 10,
                   "a.ini:2:1: unexpected line: '\\x1b[31m'; write \"name = value\", or indent the "
                   "line to go on with the value above");
    assert_refused("[a]\nb=1\n\n[a]\n", 13,
                   "a.ini:4:1: duplicate section 'a'; it began in line 1: "
                   "move its lines there");
    assert_refused("[a]\nb=1\n\nb=1\n", 13,
                   "a.ini:4:1: duplicate name 'b'; it stands in line 2 "
                   "too: remove one of them");
    /* of two mistakes in what the lines mean, the first */
    assert_refused("[a]\nb=1\nb=1\n[a]\n", 16,
                   "a.ini:3:1: duplicate name 'b'; it stands in line 2 too: remove one of them");
}

static void test_long_lines(void **state)
{
    (void)state;
    enum { LONG = 64 * 1024 };
    struct buf b = BUF_INIT;
    buf_adds(&b, "[pytest]\nx = ");
    for (int i = 0; i < LONG; i++)
        buf_addc(&b, 'v');
    buf_adds(&b, "\n  ; comment\n  end ; of it\n");
    struct ini ini;
    struct error err = ERROR_INIT;
    assert_true(ini_parse(&ini, "x.ini", b.data, b.len, &err));
    const struct ini_entry *e = ini_get(&ini, "pytest", "x");
    assert_non_null(e);
    assert_int_equal(strlen(e->value), LONG + strlen("\nend ; of it"));
    ini_release(&ini);
    buf_release(&b);

    /* one line of 64 KiB without a mark: the message stays short */
    for (int i = 0; i < LONG; i++)
        buf_addc(&b, 'n');
    assert_false(ini_parse(&ini, "x.ini", b.data, b.len, &err));
    assert_true(strlen(err.msg) < 250);
    error_release(&err);
    buf_release(&b);
}

static void test_places(void **state)
{
    (void)state;
    static const char text[] = "[a]\nx =  1\n\xc3\xa4 = 2\ny =\n\n    3\n    4\nz =\n";
    struct ini ini;
    struct error err = ERROR_INIT;
    assert_true(ini_parse(&ini, "x.ini", text, sizeof text - 1, &err));
    static const struct {
        const char *name;
        unsigned line, value_line, value_column;
    } want[] = {{"x", 2, 2, 6}, {"\xc3\xa4", 3, 3, 5}, {"y", 4, 6, 5}, {"z", 8, 8, 3}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        const struct ini_entry *e = ini_get(&ini, "a", want[i].name);
        assert_non_null(e);
        assert_int_equal(e->line, want[i].line);
        assert_int_equal(e->value_line, want[i].value_line);
        assert_int_equal(e->value_column, want[i].value_column);
    }
    assert_null(ini_get(&ini, "a", "X"));
    assert_null(ini_get(&ini, "b", "x"));
    assert_true(ini_has_section(&ini, "a"));
    assert_false(ini_has_section(&ini, "A"));
    ini_release(&ini);
}

/* Of many names and sections none is lost or taken for another. */
static void test_many_names(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    for (int s = 0; s < 200; s++) {
        buf_addf(&b, "[s%d]\n", s);
        for (int i = 0; i < 100; i++)
            buf_addf(&b, "n%d = %d\n", i, s * i);
    }
    struct ini ini;
    struct error err = ERROR_INIT;
    assert_true(ini_parse(&ini, "x.ini", b.data, b.len, &err));
    assert_int_equal(ini.n, 20000);
    assert_int_equal(ini.n_sections, 200);
    assert_string_equal(ini_get(&ini, "s199", "n99")->value, "19701");
    ini_release(&ini);
    /* names and sections that run together stay apart */
    static const char crafted[] = "[a]\n1]b = 1\n[a1]\nb = 2\n[2]a1]\nb = 3\n";
    assert_true(ini_parse(&ini, "x.ini", crafted, sizeof crafted - 1, &err));
    assert_int_equal(ini.n, 3);
    ini_release(&ini);
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_iniconfig), cmocka_unit_test(test_messages),
        cmocka_unit_test(test_long_lines),   cmocka_unit_test(test_places),
        cmocka_unit_test(test_many_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
