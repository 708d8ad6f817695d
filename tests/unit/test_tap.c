/* run/tap: verdicts as Perl's prove gives them (and checked against it where there is one),
 * points, and bounded memory. */
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

#include "base/error.h"
#include "base/file.h"
#include "base/xalloc.h"
#include "run/journal.h"
#include "run/tap.h"

struct tap_case {
    const char *what;
    const char *text;
    int status;
    enum outcome outcome;
    const char *message;
    const char *points; /* a letter each: p f s x (xfailed) X (xpassed) */
    bool ours;          /* prove (3.44) says otherwise, or does not know it */
};

static const struct tap_case cases[] = {
    {"plan first", "1..2\nok 1\nok 2\n", 0, OUTCOME_PASSED, "", "pp", false},
    {"plan last", "ok 1 - a\nok 2 - b\n1..2\n", 0, OUTCOME_PASSED, "", "pp", false},
    {"no numbers", "1..2\nok\nok with words\n", 0, OUTCOME_PASSED, "", "pp", false},
    {"no newline at the end", "1..1\nok 1", 0, OUTCOME_PASSED, "", "p", false},
    {"CRLF", "1..1\r\nok 1\r\n", 0, OUTCOME_PASSED, "", "p", false},
    {"version 13", "TAP version 13\n1..1\nok 1\n", 0, OUTCOME_PASSED, "", "p", false},
    {"version 14", "TAP version 14\n1..1 # all\nok 1\n", 0, OUTCOME_PASSED, "", "p", true},
    {"version 15", "TAP version 15\n1..1\nok 1\n", 0, OUTCOME_FAILED,
     "TAP version 15 is not known; 13 and 14 are, and 12 without a line", "p", false},
    {"version 12 named", "TAP version 12\n1..1\nok 1\n", 0, OUTCOME_FAILED,
     "TAP version 12 is not known; 13 and 14 are, and 12 without a line", "p", false},
    {"version late", "1..1\nTAP version 13\nok 1\n", 0, OUTCOME_FAILED,
     "the TAP version is not in the first line", "p", false},
    {"version behind a comment", "# hi\nTAP version 13\n1..1\nok\n", 0, OUTCOME_PASSED, "", "p",
     false},
    {"one fails", "1..3\nok 1\nnot ok 2 - why\nok 3\n", 0, OUTCOME_FAILED,
     "1 of 3 points failed, the first: 2 - why", "pfp", false},
    {"fails and status", "1..1\nnot ok 1\n", 1, OUTCOME_FAILED,
     "1 of 1 points failed, the first: 1; exit status 1", "f", false},
    {"status alone", "1..1\nok 1\n", 3, OUTCOME_FAILED, "exit status 3", "p", false},
    {"too few", "1..3\nok 1\nok 2\n", 0, OUTCOME_FAILED, "planned 3 points, ran 2", "pp", false},
    {"too many", "1..1\nok 1\nok 2\n", 0, OUTCOME_FAILED,
     "1 of 2 points failed, the first: 2; planned 1 points, ran 2", "pf", false},
    {"no plan", "ok 1\nok 2\n", 0, OUTCOME_FAILED, "no plan (1..N) in its output", "pp", false},
    {"nothing", "", 0, OUTCOME_FAILED, "no plan (1..N) in its output", "", false},
    {"no TAP at all", "hello\n", 0, OUTCOME_FAILED, "no plan (1..N) in its output", "", false},
    {"two plans", "1..1\n1..1\nok 1\n", 0, OUTCOME_FAILED, "more than one plan", "p", false},
    {"two plans at the end", "ok 1\n1..1\n1..1\n", 0, OUTCOME_FAILED, "more than one plan", "p",
     false},
    {"plan in the middle", "ok 1\n1..2\nok 2\n", 0, OUTCOME_FAILED,
     "the plan stands neither at the beginning nor at the end", "pp", false},
    {"out of order", "1..2\nok 2\nok 1\n", 0, OUTCOME_FAILED, "point 2 came where 1 was due", "pp",
     false},
    {"twice the same", "1..2\nok 1\nok 1\n", 0, OUTCOME_FAILED, "point 1 came where 2 was due",
     "pp", false},
    {"skip all", "1..0 # SKIP no database\n", 0, OUTCOME_SKIPPED, "no database", "", false},
    {"skip all, no reason", "1..0\n", 0, OUTCOME_SKIPPED, "the script says no reason", "", false},
    {"skip all, skipped", "1..0 # Skipped: no net\n", 0, OUTCOME_SKIPPED, "no net", "", false},
    {"skip all but status", "1..0 # SKIP x\n", 1, OUTCOME_FAILED, "exit status 1", "", false},
    {"skip all but a point", "1..0 # SKIP x\nok 1\n", 0, OUTCOME_FAILED,
     "1 of 1 points failed, the first: 1; planned 0 points, ran 1", "f", false},
    {"skip", "1..2\nok 1 # SKIP no net\nok 2 # skip\n", 0, OUTCOME_PASSED, "", "ss", false},
    {"not ok skip", "1..1\nnot ok 1 # SKIP no net\n", 0, OUTCOME_FAILED,
     "1 of 1 points failed, the first: 1", "f", false},
    {"skipped is no directive", "1..1\nnot ok 1 # SKIPPED x\n", 0, OUTCOME_FAILED,
     "1 of 1 points failed, the first: 1 - # SKIPPED x", "f", false},
    {"todo fails", "1..1\nnot ok 1 - a # TODO later\n", 0, OUTCOME_PASSED, "", "x", false},
    {"todo passes", "1..1\nok 1 - a # todo\n", 0, OUTCOME_PASSED, "", "X", false},
    {"todo as a word", "1..1\nnot ok 1 TODO later\n", 0, OUTCOME_FAILED,
     "1 of 1 points failed, the first: 1 - TODO later", "f", false},
    {"escaped hash", "1..1\nnot ok 1 - a \\# TODO b\n", 0, OUTCOME_FAILED,
     "1 of 1 points failed, the first: 1 - a \\# TODO b", "f", false},
    {"second hash", "1..1\nnot ok 1 - a # b # TODO c\n", 0, OUTCOME_FAILED,
     "1 of 1 points failed, the first: 1 - a # b # TODO c", "f", false},
    {"todo in the plan", "1..2 todo 2\nok 1\nnot ok 2\n", 0, OUTCOME_PASSED, "", "px", false},
    {"words behind the plan", "1..1 tests\nok 1\n", 0, OUTCOME_FAILED,
     "no plan (1..N) in its output", "p", false},
    {"bail out", "1..3\nok 1\nBail out! no disk \n", 0, OUTCOME_FAILED, "Bail out! no disk", "p",
     false},
    {"bail out, no reason", "1..1\nok 1\nBail out!\nnot ok 2\n", 0, OUTCOME_FAILED, "Bail out!",
     "p", false},
    {"bail out of a subtest", "1..1\n    Bail out! x\nok 1\n", 0, OUTCOME_FAILED, "Bail out! x", "",
     false},
    {"subtest", "1..1\n    ok 1\n    not ok 2\n    1..2\nok 1 - sub\n", 0, OUTCOME_PASSED, "", "p",
     false},
    {"subtest of version 14",
     "TAP version 14\n# Subtest: s\n    1..1\n    not ok 1\n"
     "not ok 1 - s\n1..1\n",
     0, OUTCOME_FAILED, "1 of 1 points failed, the first: 1 - s", "f", true},
    {"other output", "starting\n1..1\nokay\nnot okay\n ok 1\nok 1\n> done\n\n", 0, OUTCOME_PASSED,
     "", "p", false},
    {"yaml", "TAP version 13\n1..1\nok 1\n  ---\n  got: not ok 2\n  ...\n", 0, OUTCOME_PASSED, "",
     "p", false},
    {"bail out in yaml", "TAP version 14\n1..1\nok 1\n  ---\n  Bail out! x\n  ...\n", 0,
     OUTCOME_PASSED, "", "p", true},
    {"not on a line of its own", "1..2\nnot \nok 1\nok 2\n", 0, OUTCOME_FAILED,
     "1 of 2 points failed, the first: 1", "fp", false},
    {"not and no more", "1..1\nok 1\nnot \n", 0, OUTCOME_PASSED, "", "p", false},
    {"notok", "1..1\nnot\nok 1\nok 1\n", 0, OUTCOME_PASSED, "", "p", false},
    {"plan skips in version 12", "1..2 # SKIP why\nok 1\nok 2\n", 0, OUTCOME_FAILED,
     "no plan (1..N) in its output", "pp", false},
    {"plan skips in version 13", "TAP version 13\n1..2 # SKIP why\n", 0, OUTCOME_FAILED,
     "planned 2 points, ran 0", "", false},
    {"skipped in version 13", "TAP version 13\n1..0 # Skipped: x\n", 0, OUTCOME_FAILED,
     "no plan (1..N) in its output", "", false},
    {"skip all in version 13", "TAP version 13\n1..0 # skip x\n", 0, OUTCOME_SKIPPED, "x", "",
     false},
    {"words behind 1..0", "1..0 nothing to do\n", 0, OUTCOME_SKIPPED, "the script says no reason",
     "", false},
    {"todo without numbers", "1..1 todo x\nok 1\n", 0, OUTCOME_FAILED,
     "no plan (1..N) in its output", "p", false},
    {"todo beyond the plan", "1..1\nok 1\nnot ok 2 # TODO x\n", 0, OUTCOME_FAILED, NULL, "pf",
     false},
    {"zeros", "1..2\nok 001\nok 02\n", 0, OUTCOME_PASSED, "", "pp", false},
    {"point 0", "1..1\nok 0\n", 0, OUTCOME_FAILED, "point 0 came where 1 was due", "p", false},
    {"number and letters", "1..1\nok 1x\n", 0, OUTCOME_PASSED, "", "p", false},
    {"two blanks", "1..2\nok  1\nnot  ok 2\n", 0, OUTCOME_FAILED, "planned 2 points, ran 1", "p",
     false},
    {"directive without a blank", "1..2\nok 1 #SKIP\nnot ok 2 #todo\n", 0, OUTCOME_PASSED, "", "sx",
     false},
    {"two backslashes", "1..1\nnot ok 1 - a \\\\# TODO b\n", 0, OUTCOME_PASSED, "", "x", false},
    {"binary", "\x01\xff\xfe\n1..1\n\x80\nok 1 - \xff\xc3\n", 0, OUTCOME_PASSED, "", "p", false},
    {"status under a pragma", "TAP version 13\npragma +ignore_exit\n1..1\nok 1\n", 3,
     OUTCOME_PASSED, "", "p", false},
    {"pragma of version 12", "pragma +strict\n1..1\nok 1\nnoise\n", 0, OUTCOME_PASSED, "", "p",
     false},
    {"strict", "TAP version 13\npragma +strict\n1..1\nok 1\nnoise\n", 0, OUTCOME_FAILED,
     "under pragma +strict a line that is no TAP: noise", "p", false},
    {"strict and empty", "TAP version 13\npragma +strict\n1..1\n\nok 1\n", 0, OUTCOME_FAILED,
     "under pragma +strict a line that is no TAP: ", "p", false},
    {"strict and a subtest", "TAP version 13\npragma +strict\n1..1\n    ok 1\nok 1\n", 0,
     OUTCOME_FAILED, "under pragma +strict a line that is no TAP:     ok 1", "p", false},
    {"strict and a subtest of 14", "TAP version 14\npragma +strict\n1..1\n\n    ok 1\nok 1\n", 0,
     OUTCOME_PASSED, "", "p", true},
    {"strict no more", "TAP version 13\npragma +strict , +foo\npragma -strict\n1..1\nok 1\nx\n", 0,
     OUTCOME_PASSED, "", "p", false},
    {"bad pragma", "TAP version 13\npragma +strict,\n1..1\nok 1\nx\n", 0, OUTCOME_PASSED, "", "p",
     false},
    {"bail out in yaml of 13", "TAP version 13\n1..1\nok 1\n  ---\n  a: Bail out!\n  ...\n", 0,
     OUTCOME_PASSED, "", "p", false},
    {"bail out in yaml of 12", "1..1\nok 1\n  ---\n  Bail out! x\n  ...\n", 0, OUTCOME_FAILED,
     "Bail out! x", "p", false},
    {"yaml without an end", "TAP version 13\n1..2\nok 1\n  ---\n  a: b\nok 2\n", 0, OUTCOME_FAILED,
     NULL, "p", false},
    {"yaml until the end", "TAP version 13\n1..1\nok 1\n  ---\n  a: b\n", 0, OUTCOME_FAILED,
     "a YAML block without its end (...)", "p", false},
    {"yaml first", "TAP version 13\n  ---\n  a: b\n  ...\n1..1\nok 1\n", 0, OUTCOME_PASSED, "", "p",
     false},
    {"yaml with an empty line", "TAP version 13\n1..1\nok 1\n  ---\n  a: b\n\n  c: d\n  ...\n", 0,
     OUTCOME_FAILED, NULL, "p", false},
    {"dashes are no yaml in 14", "TAP version 14\n1..1\nok 1\n  -----\n", 0, OUTCOME_PASSED, "",
     "p", true},
    {"lower case only", "1..1\nOK 1\n", 0, OUTCOME_FAILED, "planned 1 points, ran 0", "", false},
    {"ok and a dash", "1..1\nok-1\n", 0, OUTCOME_PASSED, "", "p", false},
    {"huge numbers", "1..99999999999999999999999\nok 99999999999999999999999\n", 0, OUTCOME_FAILED,
     NULL, "p", false},
};
enum { N_CASES = sizeof cases / sizeof cases[0] };

/* The letters of the points, and the descriptions behind each other in *descriptions. */
static char *points_of(const struct tap *t, struct buf *descriptions)
{
    struct record r = {.n_fields = t->n_points,
                       .fields = (const unsigned char *)t->points.data,
                       .fields_len = t->points.len};
    struct buf b = BUF_INIT;
    struct field_iter it;
    uint32_t tag;
    const unsigned char *data;
    size_t n;
    journal_fields(&it, &r);
    while (journal_next_field(&it, &tag, &data, &n)) {
        assert_int_equal(tag, FIELD_POINT);
        assert_true(n >= 1);
        buf_addc(&b, " pfsxX"[data[0] < 6 ? data[0] : 0]);
        if (descriptions)
            buf_addf(descriptions, "<%.*s>", (int)n - 1, (const char *)data + 1);
    }
    return buf_detach(&b);
}

/* In pieces of every size: where a piece ends makes no difference. */
static void test_verdicts(void **state)
{
    (void)state;
    for (int i = 0; i < N_CASES; i++) {
        const struct tap_case *c = &cases[i];
        size_t len = strlen(c->text);
        for (size_t piece = 1; piece <= len + 1; piece++) {
            struct tap t;
            struct buf message = BUF_INIT;
            tap_init(&t);
            for (size_t at = 0; at < len; at += piece)
                tap_feed(&t, c->text + at, len - at < piece ? len - at : piece);
            enum outcome o = tap_finish(&t, c->status, &message);
            char *points = points_of(&t, NULL);
            if (o != c->outcome || strcmp(points, c->points) != 0 ||
                (c->message && strcmp(buf_cstr(&message), c->message) != 0))
                fail_msg("%s (pieces of %zu): %s \"%s\" %s", c->what, piece, outcome_name(o),
                         buf_cstr(&message), points);
            free(points);
            buf_release(&message);
            tap_release(&t);
        }
    }
}

/* What prove's own parser says of each file: a letter a point, and the verdict. */
static const char parser[] =
    "use TAP::Parser;\n"
    "for (@ARGV) {\n"
    "  my $p = TAP::Parser->new({exec => ['sh', $_]}); my ($s, $bail) = ('', 0);\n"
    "  while (my $r = $p->next) {\n"
    "    if ($r->is_bailout) { $bail = 1; last }\n"
    "    next unless $r->is_test;\n"
    "    $s .= !$r->is_ok ? 'f' : $r->has_todo ? ($r->is_actual_ok ? 'X' : 'x')\n"
    "        : $r->has_skip ? 's' : 'p';\n"
    "  }\n"
    "  print \"$s \", $bail || $p->has_problems ? 'failed' : defined $p->skip_all ? 'skipped'\n"
    "      : 'passed', \"\\n\";\n"
    "}\n";

static void write_script(const char *path, const struct tap_case *c)
{
    struct error err = ERROR_INIT;
    struct buf b = BUF_INIT;
    buf_adds(&b, "printf '");
    for (const char *s = c->text; *s; s++)
        buf_addf(&b, "\\%03o", (unsigned char)*s);
    buf_addf(&b, "'\nexit %d\n", c->status);
    assert_true(file_write(path, b.data, b.len, &err));
    buf_release(&b);
}

/* Every case as a script for prove: does it pass, fail or skip, and each of its points? */
static void test_as_prove(void **state)
{
    (void)state;
    if (!path_executable("prove"))
        skip();
    const char *tmp = getenv("TMPDIR");
    char *dir = xasprintf("%s/tap-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(dir));
    char *program = path_join(dir, "parse.pl"), *output = path_join(dir, "output");
    struct error err = ERROR_INIT;
    struct buf b = BUF_INIT;
    assert_true(file_write(program, parser, sizeof parser - 1, &err));
    for (int i = 0; i < N_CASES; i++) {
        char *script = xasprintf("%s/%03d.t", dir, i);
        write_script(script, &cases[i]);
        free(script);
    }
    char *line = xasprintf("cd '%s' && perl parse.pl *.t >output 2>errors", dir);
    assert_int_equal(system(line), 0);
    assert_true(file_read(output, &b, &err));
    const char *said = b.data;
    for (int i = 0; i < N_CASES; i++) {
        const struct tap_case *c = &cases[i];
        size_t n = strcspn(said, "\n");
        char *ours = xasprintf("%s %s", c->points, outcome_name(c->outcome));
        if (!c->ours && (strlen(ours) != n || memcmp(ours, said, n) != 0))
            fail_msg("%s: prove says %.*s, we say %s", c->what, (int)n, said, ours);
        free(ours);
        said += n + (said[n] == '\n');
    }
    buf_release(&b);
    assert_true(file_remove_tree(AT_FDCWD, dir));
    free(program);
    free(output);
    free(line);
    free(dir);
}

static void test_descriptions(void **state)
{
    (void)state;
    static const char text[] =
        "1..6\nok 1 - plain\nok 2 no dash\nok 3\nok 4 - a\\#b # SKIP why not\n"
        "not ok 5 # TODO\nok 6 - \xff\t(c)\n";
    struct tap t;
    struct buf message = BUF_INIT, descriptions = BUF_INIT;
    tap_init(&t);
    tap_feed(&t, text, sizeof text - 1);
    assert_int_equal(tap_finish(&t, 0, &message), OUTCOME_PASSED);
    free(points_of(&t, &descriptions));
    assert_string_equal(descriptions.data, "<plain><no dash><><a\\#b # SKIP why not><><\xff\t(c)>");
    assert_int_equal(t.skipped, 1);
    assert_int_equal(t.xfailed, 1);
    buf_release(&message);
    buf_release(&descriptions);
    tap_release(&t);
}

static void test_detail(void **state)
{
    (void)state;
    static const char text[] = "TAP version 14\n1..4\nok 1\n# of no failure\n"
                               "not ok 2 - a\n  ---\n  got: 1\n\n  want: 2\n  ...\n# because\n"
                               "noise\n# no more\nok 3\n  ---\n  fine: yes\n  ...\n"
                               "not ok 4 - b # TODO x\n# known\n";
    struct tap t;
    struct buf message = BUF_INIT;
    tap_init(&t);
    tap_feed(&t, text, sizeof text - 1);
    assert_int_equal(tap_finish(&t, 0, &message), OUTCOME_FAILED);
    assert_string_equal(t.detail.data,
                        "not ok 2 - a\n  ---\n  got: 1\n\n  want: 2\n  ...\n# because\n");
    buf_release(&message);
    tap_release(&t);
}

/* A flood of anything costs bounded memory, and the counts stay right. */
static void test_bounded(void **state)
{
    (void)state;
    struct tap t;
    struct buf message = BUF_INIT, line = BUF_INIT;
    tap_init(&t);
    for (int i = 0; i < 30000; i++)
        tap_feed(&t, "ok\n", 3);
    for (int i = 0; i < 30000; i++)
        tap_feed(&t, "not ok - bad\n# diagnostics\n", 27);
    assert_int_equal(t.n_points, TAP_FAILURES_MAX);
    tap_feed(&t, "1..60000\n", 9);
    assert_int_equal(tap_finish(&t, 0, &message), OUTCOME_FAILED);
    assert_string_equal(message.data, "30000 of 60000 points failed, the first: 30001 - bad");
    tap_release(&t);

    tap_init(&t);
    static char chunk[65536];
    memset(chunk, 'y', sizeof chunk);
    tap_feed(&t, "1..1\nok 1 - ", 12);
    for (int i = 0; i < 1000; i++)
        tap_feed(&t, chunk, sizeof chunk);
    assert_true(t.line.cap <= 4 * TAP_LINE_MAX);
    buf_clear(&message);
    assert_int_equal(tap_finish(&t, 0, &message), OUTCOME_PASSED);
    assert_true(t.points.len <= TAP_LINE_MAX + 16);
    tap_release(&t);

    tap_init(&t);
    buf_adds(&line, "ok ");
    buf_add(&line, chunk, 30000);
    buf_addc(&line, '\n');
    for (int i = 0; i < 5000; i++)
        tap_feed(&t, line.data, line.len);
    assert_true(t.points.len < TAP_POINTS_BYTES + 2 * TAP_LINE_MAX + 5000 * 16);
    assert_true(t.detail.len <= TAP_DETAIL_BYTES);
    tap_release(&t);
    buf_release(&message);
    buf_release(&line);
}

/* Versions of Meson differ: all of them against the verdicts of theirs (see also the end-to-end test
 * of build folders, which asks the Meson that is there). */
static void test_versions_of_meson(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int status;
        enum outcome old, newest;
        const char *message; /* of the newest */
    } table[] = {
        {"1..1\nnot ok 1\n", 1, OUTCOME_ERROR, OUTCOME_FAILED,
         "1 of 1 points failed, the first: 1"},
        {"1..1\nok 1 # TODO\n", 0, OUTCOME_FAILED, OUTCOME_FAILED,
         "1 of 1 points passed, though marked TODO"},
        {"1..2\nnot ok 1\n", 0, OUTCOME_ERROR, OUTCOME_ERROR, "planned 2 points, ran 1"},
        {"1..2\nok 2\nok 1\n", 0, OUTCOME_ERROR, OUTCOME_PASSED, ""},
        {"1..2\nok 1\nok 1\n", 0, OUTCOME_ERROR, OUTCOME_ERROR,
         "numbers of points are missing, or there twice"},
        {"Bail out! why\n", 0, OUTCOME_SKIPPED, OUTCOME_ERROR, "Bail out! why"},
        {"1..0 # SKIP why\n", 0, OUTCOME_SKIPPED, OUTCOME_SKIPPED, "why"},
        {"", 2, OUTCOME_ERROR, OUTCOME_ERROR, "exit status 2"},
    };
    for (size_t i = 0; i < 2 * sizeof table / sizeof *table; i++) {
        struct tap t;
        struct buf message = BUF_INIT;
        bool old = i & 1;
        tap_init(&t);
        t.meson.version = old ? 1000 : 1012;
        tap_feed(&t, table[i / 2].text, strlen(table[i / 2].text));
        enum outcome o = tap_finish(&t, table[i / 2].status, &message);
        if (o != (old ? table[i / 2].old : table[i / 2].newest) ||
            (!old && strcmp(buf_cstr(&message), table[i / 2].message) != 0))
            fail_msg("%s%s: %s", table[i / 2].text, old ? " (old)" : "", buf_cstr(&message));
        buf_release(&message);
        tap_release(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),     cmocka_unit_test(test_as_prove),
        cmocka_unit_test(test_descriptions), cmocka_unit_test(test_detail),
        cmocka_unit_test(test_bounded),      cmocka_unit_test(test_versions_of_meson),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
