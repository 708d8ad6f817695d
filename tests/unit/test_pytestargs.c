/* Words for pytest: what options_parse keeps of them, @FILE, PYTEST_ADDOPTS, and the folders. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/file.h"
#include "command/pytestargs.h"
#include "config/argfile.h"

enum { MOST_WORDS = 12 };

static char folder[] = "/tmp/rl-args-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) && chdir(folder) == 0 && mkdir("a", 0777) == 0 &&
                   mkdir("a/b", 0777) == 0 && mkdir("ab", 0777) == 0
               ? 0
               : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return chdir("/") == 0 && file_remove_tree(AT_FDCWD, folder) ? 0 : -1;
}

static void put(const char *path, const char *text)
{
    struct error err = ERROR_INIT;
    assert_true(file_write(path, text, strlen(text), &err));
}

static char *joined(const struct strv *words)
{
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < words->n; i++)
        buf_addf(&b, "%s%s", i ? "|" : "", words->v[i]);
    buf_adds(&b, "");
    return buf_detach(&b);
}

static void assert_joined(struct strv *words, const char *expected)
{
    char *text = joined(words);
    assert_string_equal(text, expected);
    free(text);
    strv_release(words);
}

static void parse(struct options *o, const char *const *words)
{
    char *argv[MOST_WORDS];
    int argc = 0;
    struct error err = ERROR_INIT;
    while (argc < MOST_WORDS && words[argc]) {
        argv[argc] = (char *)words[argc];
        argc++;
    }
    options_init(o);
    if (!options_parse(o, argc, argv, "command line", &err))
        fail_msg("%s", err.msg);
}

static void test_words(void **state)
{
    (void)state;
    static const struct {
        const char *words[MOST_WORDS], *pytest, *kinds;
    } cases[] = {
        {{"-n", "2", "t"}, "--numprocesses=2|t", "op"},
        {{"--workers=auto", "--distribution", "load"}, "--numprocesses=auto|--dist=load", "oo"},
        {{"-xvs", "-q"}, "--exitfirst|--verbose|--capture=no|--quiet", "oooo"},
        {{"t", "--mine", "word", "-k", "a b"}, "t|--mine|word|-k=a b", "po?o"},
        {{"--mine=word", "t"}, "--mine=word|t", "op"},
        {{"-Z", "word", "t"}, "-Z|word|t", "o?p"},
        {{"--tb", "short", "t"}, "--tb=short|t", "op"},
        {{"--markers"}, "", ""},
        {{"-m", "slow"}, "-m=slow", "o"},
        {{"--test-path", "t"}, "t", "p"},
        {{"--junitxml", "x.xml"}, "--junit-xml=x.xml", "o"},
        {{"--python=x", "--manifest", "y", "--dry-run", "--timeout=3"}, "", ""},
        {{"--mine", "--", "-x"}, "--mine|--|-x", "oop"},
        {{"-d", "--tx", "3*popen", "--maxprocesses=2"}, "-d|--tx=3*popen|--maxprocesses=2", "ooo"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct options o;
        parse(&o, cases[i].words);
        assert_string_equal(buf_cstr(&o.word_kinds), cases[i].kinds);
        assert_joined(&o.words, cases[i].pytest);
        options_release(&o);
    }
}

static void test_numbers_of_workers(void **state)
{
    (void)state;
    struct options o;
    parse(&o, (const char *const[]){"--tx=popen", "--tx", "2*popen//id=a", NULL});
    assert_int_equal(o.tx_workers, 3);
    assert_false(o.distload);
    options_release(&o);
}

static void test_values(void **state)
{
    (void)state;
    struct options o;
    parse(&o, (const char *const[]){"-o", "addopts=-x", "-oaddopts=-n 2", "-o", "key=1", "-cx.ini",
                                    "--config-file=y.ini", "--configuration", NULL});
    assert_string_equal(pytestargs_override(&o.pytest_args, "addopts"), "-n 2");
    assert_string_equal(pytestargs_override(&o.pytest_args, "key"), "1");
    assert_null(pytestargs_override(&o.pytest_args, "ke"));
    assert_string_equal(pytestargs_value(&o.pytest_args, 'c', "config-file"), "y.ini");
    assert_null(pytestargs_value(&o.pytest_args, 0, "nothing"));
    options_release(&o);
}

static void test_files(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"", ""},
        {"-n\n2\n", "-n|2"},
        {"a b\r\nc\rd", "a b|c|d"},
        {"one\n\ntwo", "one||two"},
        {"@other\nlast", "x|y|last"},
        {"@none", "@none"},
        {"@a", "@a"}, /* a folder */
    };
    put("other", "x\ny\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *words[] = {(char *)"@file"};
        struct strv out = STRV_INIT;
        put("file", cases[i].text);
        argfile_expand(&out, words, 1);
        assert_joined(&out, cases[i].expected);
    }
    char *words[] = {(char *)"@file"};
    struct strv out = STRV_INIT;
    put("file", "@file\nx\n");
    argfile_expand(&out, words, 1); /* ends */
    assert_true(out.n > 1 && out.n < 100);
    strv_release(&out);
}

static void test_environment(void **state)
{
    (void)state;
    struct strv words = STRV_INIT;
    struct error err = ERROR_INIT;
    put("env", "-k\na b\n");
    setenv("PYTEST_ADDOPTS", "-n 2 '-m a and b' @env", 1);
    assert_true(pytestargs_environment(&words, &err));
    assert_joined(&words, "-n|2|-m a and b|-k|a b");
    setenv("PYTEST_ADDOPTS", "-n 'open", 1);
    assert_false(pytestargs_environment(&words, &err));
    assert_int_equal(err.code, EXIT_USAGE);
    assert_non_null(strstr(err.msg, "PYTEST_ADDOPTS"));
    error_release(&err);
    unsetenv("PYTEST_ADDOPTS");
    assert_true(pytestargs_environment(&words, &err));
    assert_int_equal(words.n, 0);
    strv_release(&words);
}

static void test_folders(void **state)
{
    (void)state;
    static const struct {
        const char *words[MOST_WORDS], *expected; /* relative to folder */
    } cases[] = {
        {{NULL}, ""},
        {{"a"}, "/a"},
        {{"a/b", "none", "a/file"}, "/a|/a/b|/a"},
        {{"a/file::test[x::y]"}, "/a"},
        {{"a", "ab"}, "|/a|/ab"},
        {{"ab", "a"}, "|/ab|/a"},
        {{"a/b", "a"}, "/a|/a/b|/a"},
        {{"none::x"}, ""},
        {{"a/../a/b/"}, "/a/b"},
        {{"/", "a"}, NULL},
    };
    put("a/file", "");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct strv words = STRV_INIT, folders = STRV_INIT;
        for (size_t k = 0; cases[i].words[k]; k++)
            strv_push(&words, cases[i].words[k]);
        pytestargs_folders(&words, &folders);
        if (!cases[i].expected)
            assert_string_equal(folders.v[0], "/");
        struct buf b = BUF_INIT;
        for (size_t k = 0; cases[i].expected && k < folders.n; k++)
            buf_addf(&b, "%s%s", k ? "|" : "", folders.v[k] + strlen(folder));
        if (cases[i].expected)
            assert_string_equal(buf_cstr(&b), cases[i].expected);
        buf_release(&b);
        strv_release(&words);
        strv_release(&folders);
    }
}

static void test_settled(void **state)
{
    (void)state;
    struct manifest m;
    struct options o;
    manifest_init(&m);
    parse(&o, (const char *const[]){"--mine", "value", "a", "--mine", "a/b", "none", NULL});
    assert_string_equal(buf_cstr(&o.word_kinds), "o?po?p");
    pytestargs_settle(&o, &m);
    assert_string_equal(buf_cstr(&o.word_kinds), "oopo?p");
    char *paths = joined(&o.test_paths);
    assert_string_equal(paths, "a|a/b|none");
    free(paths);
    struct strv argv = STRV_INIT;
    pytestargs_add(&argv, &o, (const bool[]){true, false, true});
    assert_joined(&argv, "--mine|value|a|--mine|none");
    options_release(&o);
    manifest_release(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),       cmocka_unit_test(test_numbers_of_workers),
        cmocka_unit_test(test_values),      cmocka_unit_test(test_files),
        cmocka_unit_test(test_environment), cmocka_unit_test(test_folders),
        cmocka_unit_test(test_settled),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
