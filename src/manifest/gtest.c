#include "manifest/gtest.h"

#include <stdlib.h>
#include <string.h>

#include "base/subprocess.h"
#include "base/text.h"
#include "base/xalloc.h"

/* LIST_SECONDS: a program that does not know the option runs, and may never end. */
enum { MOST_OUTPUT = 256 << 20, LIST_SECONDS = 60, SHOWN = 200 };
#define FILTER "--gtest_filter="

/* What is ours to say when the program runs. */
static const char *const ours[] = {FILTER,
                                   "--gtest_list_tests",
                                   "--gtest_color",
                                   "--gtest_brief",
                                   "--gtest_print_time",
                                   "--gtest_output",
                                   "--gtest_repeat",
                                   "--gtest_shuffle",
                                   "--gtest_random_seed",
                                   "--gtest_fail_fast",
                                   "--gtest_stream_result_to"};

/* Without the comment and the spaces at its end. */
static size_t without_comment(const char *s, size_t len)
{
    const char *comment = memmem(s, len, "  # ", 4);
    len = comment ? (size_t)(comment - s) : len;
    while (len && (s[len - 1] == ' ' || s[len - 1] == '\r'))
        len--;
    return len;
}

void gtest_list_read(const char *text, size_t len, struct strv *names)
{
    struct buf suite = BUF_INIT;
    struct map seen = MAP_INIT;
    struct strv all = STRV_INIT;
    for (const char *s = text, *end = text + len, *next; s < end; s = next) {
        const char *newline = memchr(s, '\n', (size_t)(end - s));
        next = newline ? newline + 1 : end;
        size_t n = (size_t)((newline ? newline : end) - s);
        bool indented = n > 2 && s[0] == ' ' && s[1] == ' ' && s[2] != ' ';
        size_t bare = without_comment(s + 2 * indented, n - 2 * indented);
        if (memchr(s, '\0', n)) {
            buf_clear(&suite);
        } else if (!indented) {
            buf_clear(&suite);
            if (bare > 1 && s[0] != ' ' && s[bare - 1] == '.')
                buf_add(&suite, s, bare);
        } else if (suite.len && bare) {
            strv_pushf(&all, "%s%.*s", suite.data, (int)bare, s + 2);
        }
    }
    for (size_t i = 0; i < all.n; i++)
        if (map_put(&seen, all.v[i], 1) == MAP_NONE)
            strv_push(names, all.v[i]);
    map_release(&seen);
    strv_release(&all);
    buf_release(&suite);
}

/* The last line that it printed, for a message. */
static void add_last_line(struct buf *b, const struct buf *said)
{
    size_t end = said->len;
    while (end && strchr(" \t\r\n", said->data[end - 1]))
        end--;
    size_t start = end;
    while (start && said->data[start - 1] != '\n')
        start--;
    if (start == end)
        return;
    buf_adds(b, ": ");
    text_escape(b, said->data + start, end - start, SHOWN);
}

bool gtest_list_ask(const struct test *like, struct strv *names, char **why)
{
    static const char *const unwanted[] = {"GTEST_FILTER",       "GTEST_OUTPUT",
                                           "GTEST_SHARD_INDEX",  "GTEST_TOTAL_SHARDS",
                                           "TESTBRIDGE_TEST_ONLY", "XML_OUTPUT_FILE"};
    struct strv argv = STRV_INIT, env = STRV_INIT;
    struct buf out = BUF_INIT, said = BUF_INIT, message = BUF_INIT;
    bool timed_out;
    strv_push_all(&argv, like->command);
    strv_push(&argv, "--gtest_list_tests");
    for (size_t i = 0; i < sizeof unwanted / sizeof *unwanted; i++)
        strv_push(&env, unwanted[i]);
    strv_push_all(&env, like->env);
    struct subprocess what = {
        .argv = argv.v, .dir = like->cwd, .env = env.v, .seconds = LIST_SECONDS};
    int code = subprocess_run(&what, &out, &said, MOST_OUTPUT, &timed_out);
    size_t before = names->n;
    if (code == 0)
        gtest_list_read(buf_cstr(&out), out.len, names);
    bool ok = names->n > before;
    if (timed_out)
        buf_addf(&message, "it did not list its tests within %d s; is it made with Google Test?",
                 LIST_SECONDS);
    else if (code == 127 && !said.len)
        buf_adds(&message, "its tests cannot be listed, as it does not start; build it, or correct "
                           "its path");
    else if (code != 0) {
        buf_addf(&message, "its tests cannot be listed: --gtest_list_tests ended with exit code %d",
                 code);
        add_last_line(&message, said.len ? &said : &out);
    } else if (!ok) {
        buf_adds(&message, "--gtest_list_tests lists no tests; is it made with Google Test?");
    }
    *why = buf_detach(&message);
    if (ok) {
        free(*why);
        *why = NULL;
    }
    buf_release(&out);
    buf_release(&said);
    strv_release(&argv);
    strv_release(&env);
    return ok;
}

static bool begins_with(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* Will the program run its disabled tests when told so by the suite? */
static bool runs_disabled(const struct test *like)
{
    for (char **arg = like->command; *arg; arg++)
        if (begins_with(*arg, "--gtest_also_run_disabled_tests") && !strstr(*arg, "=0"))
            return true;
    for (char **var = like->env; var && *var; var++)
        if (begins_with(*var, "GTEST_ALSO_RUN_DISABLED_TESTS=") && !strstr(*var, "=0"))
            return true;
    return false;
}

/* Google Test's "DISABLED_*:*\/DISABLED_*", on either part of the name. */
static bool is_disabled(const char *name)
{
    const char *dot = strrchr(name, '.');
    return begins_with(name, "DISABLED_") || strstr(name, "/DISABLED_") ||
           (dot && begins_with(dot + 1, "DISABLED_"));
}

static char **command_of(struct manifest *m, const struct test *like, const char *name)
{
    struct strv argv = STRV_INIT;
    for (char **arg = like->command; *arg; arg++) {
        bool drop = false;
        for (size_t i = 0; i < sizeof ours / sizeof *ours && arg > like->command; i++)
            drop = drop || begins_with(*arg, ours[i]);
        if (!drop)
            strv_push(&argv, *arg);
    }
    strv_pushf(&argv, FILTER "%s", name);
    char **command = arena_strv(&m->arena, argv.v, argv.n);
    strv_release(&argv);
    return command;
}

/* Adds a test that has all that like has, but for its id. */
static struct test *add_like(struct manifest *m, const struct test *like, const char *id,
                             struct error *err)
{
    struct test *t = manifest_add(m, id, like->origin, err);
    if (!t)
        return NULL;
    const char *own_id = t->id, *origin = t->origin;
    *t = *like;
    t->id = own_id;
    t->origin = origin;
    return t;
}

bool gtest_add_names(struct manifest *m, const struct test *like, const struct strv *names,
                     struct error *err)
{
    bool off = !runs_disabled(like), ok = true;
    for (size_t i = 0; i < names->n && ok; i++) {
        char *id = xasprintf("%s::%s", like->id, names->v[i]);
        struct test *t = add_like(m, like, id, err);
        free(id);
        ok = t != NULL;
        if (!ok)
            break;
        t->format = FORMAT_GTEST;
        t->command = command_of(m, like, names->v[i]);
        t->scope = like->id;
        if (!t->disabled && off && is_disabled(names->v[i])) {
            t->hindrance = "disabled in the program (DISABLED_)";
            t->disabled = true;
        }
    }
    return ok;
}

bool gtest_list(const struct manifest *m, const struct test *like, struct strv *names, char **why)
{
    if (m->ask)
        return m->ask(like, names, why);
    *why = xstrdup("its tests were not listed");
    return false;
}

bool gtest_add(struct manifest *m, const struct test *like, struct error *err)
{
    struct strv names = STRV_INIT;
    char *why = NULL;
    bool ok;
    if (gtest_list(m, like, &names, &why)) {
        ok = gtest_add_names(m, like, &names, err);
    } else {
        struct test *t = add_like(m, like, like->id, err);
        ok = t != NULL;
        if (ok)
            t->format = FORMAT_EXEC;
        if (ok && !t->hindrance)
            t->hindrance = arena_strdup(&m->arena, why);
    }
    free(why);
    strv_release(&names);
    return ok;
}
