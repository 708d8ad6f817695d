/* report/junit.c: the text of the sample run, names as pytest gives them, hostile bytes, and what
 * xmllint says to it by the schema in data/junit-10.xsd. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "report_fixture.h"

static bool without_prefix(const char *path, const struct results *r, struct error *err)
{
    return report_junit(path, NULL, r, err);
}

/* Writes the report and returns its text, the name of the host taken out; the caller frees. */
static char *junit(const struct fixture *f, const char *name)
{
    struct error err = ERROR_INIT;
    char *path = fixture_path(f, name);
    if (!report_junit(path, NULL, &f->results, &err))
        fail_msg("%s", err.msg);
    char *text = fixture_slurp(path);
    free(path);
    char *to = text;
    for (const char *from = text; *from;) {
        static const char host[] = " hostname=\"";
        if (strncmp(from, host, sizeof host - 1) == 0)
            from = strchr(from + sizeof host - 1, '"') + 1;
        else
            *to++ = *from++;
    }
    *to = '\0';
    return text;
}

static const char sample[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<testsuites name=\"rowlock\" tests=\"14\" failures=\"2\" errors=\"3\" time=\"3.214\">\n"
    "<testsuite name=\"py\" tests=\"7\" failures=\"1\" errors=\"1\" skipped=\"3\" "
    "time=\"0.340\" timestamp=\"2023-11-14T22:13:20+00:00\">\n"
    "<testcase classname=\"tests.test_math.TestAdd\" name=\"test_small[a::b/c.py]\" "
    "time=\"0.012\"><properties><property name=\"ticket\" value=\"ABC-1 &amp; "
    "&lt;more&gt;\"/></properties></testcase>\n"
    "<testcase classname=\"tests.test_math.TestAdd\" name=\"test_large\" "
    "time=\"0.340\"><failure type=\"failed\" message=\"AssertionError: assert 3 == 4\">    "
    "def test_large(self):\n"
    "&gt;       assert add(1, 2) == 4\n"
    "E       AssertionError: assert 3 == 4\n"
    "\n"
    "tests/test_math.py:12: AssertionError</failure><system-out>adding 1 and 2\n"
    "--- Captured log ---\n"
    "INFO math:math.py:3 adding\n"
    "</system-out><system-err>a warning\n"
    "</system-err></testcase>\n"
    "<testcase classname=\"tests.test_db\" name=\"test_fixture\" time=\"0.002\"><error "
    "type=\"error\" message=\"OSError: cannot close\">E   OSError: cannot close\n"
    "tests/conftest.py:9: OSError</error></testcase>\n"
    "<testcase classname=\"tests.test_db\" name=\"test_skipped\" time=\"0.001\"><skipped "
    "type=\"pytest.skip\" message=\"needs a database\">tests/test_db.py:7: needs a "
    "database</skipped></testcase>\n"
    "<testcase classname=\"tests.test_db\" name=\"test_todo\" time=\"0.001\"><skipped "
    "type=\"pytest.xfail\" message=\"known bug\"/></testcase>\n"
    "<testcase classname=\"tests.test_db\" name=\"test_network\" "
    "time=\"0.001\"><flakyFailure type=\"failed\" message=\"connection refused\">"
    "<stackTrace>connection refused</stackTrace></flakyFailure></testcase>\n"
    "<testcase classname=\"tests.test_db\" name=\"test_never\" time=\"0.000\"><skipped "
    "type=\"not-run\" message=\"did not run\"/></testcase>\n"
    "</testsuite>\n"
    "<testsuite name=\"tests\" tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\" "
    "time=\"2.000\" timestamp=\"2023-11-14T22:13:20+00:00\">\n"
    "<testcase classname=\"tests\" name=\"db/migrate\" time=\"2.000\"><error "
    "type=\"crashed\" message=\"ended by signal 11 (Segmentation fault)\">ended by signal 11 "
    "(Segmentation fault)</error><system-err>about to migrate\n"
    "</system-err></testcase>\n"
    "</testsuite>\n"
    "<testsuite name=\"native\" tests=\"2\" failures=\"0\" errors=\"1\" skipped=\"0\" "
    "time=\"123.000\" timestamp=\"2023-11-14T22:13:20+00:00\">\n"
    "<testcase classname=\"native\" name=\"slow\" time=\"123.000\"><error type=\"timeout\" "
    "message=\"timed out after 123.0 s\">timed out after 123.0 s</error><system-err>left "
    "running: 4711 sleep\n"
    "</system-err></testcase>\n"
    "<testcase classname=\"native\" name=\"build/daemon\" time=\"0.001\"><system-err>left "
    "running: 4712 server\n"
    "left running: 4713 sh\n"
    "</system-err></testcase>\n"
    "</testsuite>\n"
    "<testsuite name=\"shell\" tests=\"4\" failures=\"1\" errors=\"0\" skipped=\"2\" "
    "time=\"0.001\" timestamp=\"2023-11-14T22:13:20+00:00\">\n"
    "<testcase classname=\"t/basic.t\" name=\"1 - adds\" time=\"0.000\"></testcase>\n"
    "<testcase classname=\"t/basic.t\" name=\"2 - subtracts\" time=\"0.001\"><failure "
    "type=\"failed\" message=\"subtracts\">#   Failed test 'subtracts'\n"
    "</failure></testcase>\n"
    "<testcase classname=\"t/basic.t\" name=\"3 - divides\" time=\"0.000\"><skipped "
    "type=\"skipped\" message=\"divides\"/></testcase>\n"
    "<testcase classname=\"t/basic.t\" name=\"4\" time=\"0.000\"><skipped "
    "type=\"pytest.xfail\" message=\"\"/></testcase>\n"
    "</testsuite>\n"
    "</testsuites>\n";

static void test_sample(void **state)
{
    struct fixture f;
    (void)state;
    fixture_sample(&f);
    char *text = junit(&f, "new/folder/report.xml");
    assert_string_equal(text, sample);
    free(text);
    fixture_close(&f);
}

/* What pytest 9.2's own junitxml makes of the same ids. */
static void test_pytest_names(void **state)
{
    static const struct {
        const char *id, *classname, *name;
    } cases[] = {
        {"tests/test_mod.py::TestClass::test_x[param]", "tests.test_mod.TestClass",
         "test_x[param]"},
        {"test_mod.py::test_x", "test_mod", "test_x"},
        {"a/b.c/d.py::A::B::t[x::y/z.py[1]]", "a.b.c.d.A.B", "t[x::y/z.py[1]]"},
        {"a[1]/b.py::t", "a[1].b", "t"},
        {"README.rst::README.rst", "README.rst", "README.rst"},
        {"tests/data.yaml", "", "tests.data.yaml"},
        {"tests/x.py", "", "tests.x"},
        {"a.py::", "a", ""},
        {"a.py::b:::c", "a.b", ":c"},
        {"::t", "", "t"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct fixture_test test = {cases[i].id, "", FORMAT_PYTEST, {NULL}};
        struct fixture f;
        fixture_open(&f, &test, 1, 0);
        fixture_begin(&f, 0, OUTCOME_PASSED);
        fixture_end(&f);
        fixture_read(&f);
        char *text = junit(&f, "junit.xml");
        char *want = xasprintf("\n<testcase classname=\"%s\" name=\"%s\" time=", cases[i].classname,
                               cases[i].name);
        if (!strstr(text, want))
            fail_msg("no %s in %s", want, text);
        free(want);
        free(text);
        fixture_close(&f);
    }
}

static void test_hostile_bytes(void **state)
{
    static const char attribute[] =
        "a&quot;b'&lt;&amp;&gt;]]&gt;\\&#10;&#9;&#13;\\x1b[31m\\x07\\x7f"
        "\\xff\\xc0\\xaf\\xed\\xa0\\x80\\xef\\xbf\\xbe$(x)`y`\xc3\xa9\"";
    static const char element[] =
        "<system-err>a\"b'&lt;&amp;&gt;]]&gt;\\\n\t&#13;\\x1b[31m\\x07\\x7f"
        "\\xff\\xc0\\xaf\\xed\\xa0\\x80\\xef\\xbf\\xbe$(x)`y`\xc3\xa9\n";
    struct fixture f;
    (void)state;
    fixture_hostile(&f);
    char *text = junit(&f, "junit.xml");
    char *want = xasprintf("<testsuite name=\"%s tests=\"1\"", attribute);
    assert_non_null(strstr(text, want));
    free(want);
    want = xasprintf("<failure type=\"failed\" message=\"%s>", attribute);
    assert_non_null(strstr(text, want));
    free(want);
    assert_non_null(strstr(text, element));
    assert_non_null(strstr(text, "<system-out>before\\x00after\n"));
    assert_null(strstr(text, "]]>"));
    free(text);
    fixture_close(&f);
}

static void test_script_that_counts_too(void **state)
{
    static const struct fixture_test test = {"t.t", "s", FORMAT_TAP, {NULL}};
    struct fixture f;
    (void)state;
    fixture_open(&f, &test, 1, 0);
    fixture_begin(&f, 0, OUTCOME_CRASHED);
    f.rec.status = 9;
    fixture_point(&f, OUTCOME_PASSED, "one");
    fixture_point(&f, OUTCOME_FAILED, "two");
    fixture_text(&f, FIELD_STDOUT, "ok 1");
    fixture_end(&f);
    fixture_read(&f);
    char *text = junit(&f, "junit.xml");
    /* The script counts beside its points, and carries time and output. */
    assert_non_null(strstr(text, " tests=\"3\" failures=\"1\" errors=\"1\" skipped=\"0\""));
    assert_non_null(strstr(text, "<testcase classname=\"s\" name=\"t.t\" time=\"0.001\"><error "
                                 "type=\"crashed\" message=\"ended by signal 9 (Killed)\">"));
    assert_non_null(strstr(text, "<testcase classname=\"t.t\" name=\"2 - two\" time=\"0.000\">"
                                 "<failure type=\"failed\" message=\"two\"/></testcase>"));
    free(text);
    fixture_close(&f);
}

/* As pytest writes it: before the module, before a script, and before nothing at all. */
static void test_prefix(void **state)
{
    struct fixture f;
    struct error err = ERROR_INIT;
    (void)state;
    fixture_sample(&f);
    char *path = fixture_path(&f, "prefix.xml");
    assert_true(report_junit(path, "ci<1>", &f.results, &err));
    char *text = fixture_slurp(path);
    assert_non_null(strstr(text, "<testcase classname=\"ci&lt;1&gt;.tests.test_math.TestAdd\""));
    for (const char *at = text; (at = strstr(at, "classname=\"")); at++)
        assert_memory_equal(at, "classname=\"ci&lt;1&gt;", 22);
    free(text);
    free(path);
    fixture_close(&f);
}

static void test_unwritable(void **state)
{
    struct fixture f;
    (void)state;
    fixture_sample(&f);
    fixture_expect_unwritable(&f, without_prefix);
    fixture_close(&f);
}

/* Exit status of xmllint on the file; its complaints are the test's own output. */
static int lint(const char *schema, const char *path)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (schema)
            execlp("xmllint", "xmllint", "--huge", "--noout", "--schema", schema, path,
                   (char *)NULL);
        else
            execlp("xmllint", "xmllint", "--huge", "--noout", path, (char *)NULL);
        _exit(127);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static char *schema_path(void)
{
    const char *src = getenv("ROWLOCK_SRCDIR");
    return path_join(src && *src ? src : ".", "tests/unit/data/junit-10.xsd");
}

static void strip_properties(struct fixture *f)
{
    for (uint32_t i = 0; i < f->map.head->n_tests; i++)
        f->results.tests[i].n_properties = 0;
}

static void test_schema(void **state)
{
    struct fixture f;
    (void)state;
    if (!path_executable("xmllint")) {
        print_message("xmllint is not there (package libxml2-utils)\n");
        skip();
    }
    char *schema = schema_path();
    for (int hostile = 0; hostile < 2; hostile++) {
        if (hostile)
            fixture_hostile(&f);
        else
            fixture_sample(&f);
        f.results.wall_seconds = 12345.678;
        char *path = fixture_path(&f, "junit.xml");
        free(junit(&f, "junit.xml"));
        assert_int_equal(lint(NULL, path), 0);
        strip_properties(&f); /* the schema has no place for a test's properties */
        free(junit(&f, "junit.xml"));
        assert_int_equal(lint(schema, path), 0);
        free(path);
        fixture_close(&f);
    }
    free(schema);
}

/* The schema has to be one that can say no. */
static void test_schema_refuses(void **state)
{
    static const char *const wrong[] = {
        "<testsuites><testsuite name='x' tests='1' failures='0'/></testsuites>",
        "<testsuites><testsuite name='x' tests='1' failures='0' errors='0' time='1.2345'/>"
        "</testsuites>",
        "<testsuites><testsuite name='x' tests='1' failures='0' errors='0'><testcase/></testsuite>"
        "</testsuites>",
        "<testsuites><testsuite name='x' tests='1' failures='0' errors='0'>"
        "<testcase name='n' file='f'/></testsuite></testsuites>",
        "<testsuites><testcase name='n'/></testsuites>",
    };
    struct error err = ERROR_INIT;
    struct fixture f;
    (void)state;
    if (!path_executable("xmllint"))
        skip();
    fixture_sample(&f);
    char *schema = schema_path(), *path = fixture_path(&f, "wrong.xml");
    int log = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY);
    dup2(null, STDERR_FILENO);
    int status[sizeof wrong / sizeof *wrong];
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        status[i] = file_write(path, wrong[i], strlen(wrong[i]), &err) ? lint(schema, path) : -1;
    dup2(log, STDERR_FILENO);
    close(log);
    close(null);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(status[i], 3); /* xmllint: does not validate */
    free(schema);
    free(path);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sample),         cmocka_unit_test(test_pytest_names),
        cmocka_unit_test(test_hostile_bytes),  cmocka_unit_test(test_script_that_counts_too),
        cmocka_unit_test(test_prefix),         cmocka_unit_test(test_unwritable),
            cmocka_unit_test(test_schema),
        cmocka_unit_test(test_schema_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
