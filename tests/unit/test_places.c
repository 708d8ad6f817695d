/* report/placescan.c and report/place.c: places in what compilers, libraries and interpreters print,
 * and which file of the project they are. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "report/place.h"
#include "report/placescan.h"
#include "report_fixture.h"

static bool note(void *arg, const struct placescan_hit *hit)
{
    struct buf *b = arg;
    buf_addf(b, "%s%.*s:%u%s", b->len ? " " : "", (int)hit->len, hit->name, hit->line,
             hit->strong ? "!" : hit->traceback ? "<" : "");
    return true;
}

static void test_scan(void **state)
{
    static const struct {
        const char *text, *places;
    } rows[] = {
        {"x: src/x.c:12: main: Assertion `a == b' failed.", "src/x.c:12!"},
        {"[  ERROR   ] --- src/x.c:7: error: Failure!", "src/x.c:7!"},
        {"../tests/x_test.cc:33: Failure\nValue of: f()", "../tests/x_test.cc:33!"},
        {"==9==    at 0x1091: f (x.c:5)\n==9==    by 0x10: main (x.c:9)", "x.c:5 x.c:9"},
        {"    #1 0x55 in main /a/b/x.c:12:5", "/a/b/x.c:12"},
        {"#   at t/a.t line 4.", "t/a.t:4"},
        {"died at t/a.t line 12, <STDIN> line 3.", "t/a.t:12"},
        {"./t/a.sh: line 3: foo: command not found", "./t/a.sh:3"},
        {"  File \"lib/a.py\", line 9, in f\n    g()\n  File \"lib/b.py\", line 2, in g",
         "lib/a.py:9< lib/b.py:2<"},
        {"thread 'main' panicked at src/main.rs:4:9:", "src/main.rs:4!"},
        {"test.cpp(31): error: in \"suite/one\"", "test.cpp:31!"},
        {"    foo_test.go:12: got 3", "foo_test.go:12"},
        {"12:30:59 at 10:20, 1:2:3, :7: (8) line 9 x:0 y:99999999999", ""},
        {"", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf b = BUF_INIT;
        placescan(rows[i].text, strlen(rows[i].text), false, note, &b);
        assert_string_equal(buf_cstr(&b), rows[i].places);
        buf_release(&b);
    }
}

/* The plan of fixture_open has "/" as its root: the fixture's folder is the workspace. */
static char *failure(struct places *p, uint32_t test)
{
    struct place at = {.file = BUF_INIT};
    char *text = place_of_failure(p, test, &at) ? xasprintf("%s:%u", at.file.data, at.line) : NULL;
    buf_release(&at.file);
    return text;
}

static void expect(struct places *p, uint32_t test, const char *want)
{
    char *got = failure(p, test);
    if (want)
        assert_string_equal(got ? got : "(none)", want);
    else
        assert_null(got);
    free(got);
}

/* A copy of from with folder for each '@'. */
static void fill(char *to, size_t size, const char *from, const char *folder)
{
    struct buf b = BUF_INIT;
    for (; *from; from++)
        if (*from == '@')
            buf_adds(&b, folder);
        else
            buf_addc(&b, *from);
    assert_true(b.len < size);
    memcpy(to, buf_cstr(&b), b.len + 1);
    buf_release(&b);
}

static void touch(const struct fixture *f, const char *name)
{
    struct error err = ERROR_INIT;
    char *path = fixture_path(f, name), *dir = path_dirname(path);
    assert_true(file_mkdirs(dir, &err) && file_write(path, "x\n", 2, &err));
    free(dir);
    free(path);
}

static void test_files(void **state)
{
    static const struct fixture_test tests[] = {
        {"here", "", FORMAT_EXEC, {NULL}},     {"strong", "", FORMAT_EXEC, {NULL}},
        {"nowhere", "", FORMAT_EXEC, {NULL}},  {"traceback", "", FORMAT_EXEC, {NULL}},
        {"a b.py::t", "", FORMAT_PYTEST, {NULL}}, {"c.py::t", "", FORMAT_PYTEST, {NULL}},
    };
    struct fixture f;
    struct places p;
    char text[1024];
    (void)state;
    fixture_open(&f, tests, sizeof tests / sizeof *tests, 0);
    touch(&f, "src/x.c");
    touch(&f, "a b.py");
    touch(&f, "lib/site-packages/y.py");
    char *real = realpath(f.dir, NULL);
    setenv("GITHUB_WORKSPACE", real, 1);
    static const char *const outputs[] = {
        "@/src/gone.c:1: x\n@/src/x.c:3: x\n@/src/x.c:4: x\n",
        "@/src/x.c:3: hello\n@/src/x.c:4: error: no\n@/src/x.c:5: error: no\n",
        "/nonexistent/x.c:3: error\n@/lib/site-packages/y.py:3: error\n@:3: error\n",
        "File \"@/src/x.c\", line 3\nFile \"@/src/x.c\", line 9\nFile \"<x>\", line 1\n",
    };
    for (uint32_t i = 0; i < 4; i++) {
        fixture_begin(&f, i, OUTCOME_FAILED);
        fill(text, sizeof text, outputs[i], real);
        fixture_text(&f, FIELD_STDERR, text);
        fixture_end(&f);
    }
    for (uint32_t i = 4; i < 6; i++) {
        fixture_begin(&f, i, OUTCOME_FAILED);
        snprintf(text, sizeof text, "%s/%s:5", real, i == 4 ? "a b.py" : "lib/site-packages/y.py");
        fixture_text(&f, FIELD_LOCATION, text);
        fill(text, sizeof text, "@/src/x.c:7: \n@/src/x.c:8: E\nz.py:9: E", real);
        fixture_text(&f, FIELD_DETAIL, text);
        fixture_end(&f);
    }
    fixture_read(&f);
    places_init(&p, &f.results);
    assert_true(p.on_server);
    expect(&p, 0, "src/x.c:3");
    expect(&p, 1, "src/x.c:4");
    expect(&p, 2, NULL);
    expect(&p, 3, "src/x.c:9");
    expect(&p, 4, "a b.py:5");
    expect(&p, 5, "src/x.c:8");
    places_release(&p);
    unsetenv("GITHUB_WORKSPACE");
    free(real);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scan),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
