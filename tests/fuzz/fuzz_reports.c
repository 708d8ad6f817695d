/* Exercises the reports (terminal, JSON, JUnit, Markdown, TAP, GitHub) and report_plain with a run whose ids, suites,
 * markers, messages and outputs are the input. Nothing of them reaches a terminal but text, the
 * JSON is strict and gives every id back, the XML is well-formed and counts right.
 *
 * The first piece of the input chooses the style. Each piece after it begins with a letter: 'i' a
 * test of that id ('p' one of pytest), 's' its suite, 'k' a marker; 'r' a result of the test at
 * hand, 'a' an amendment, '@' a note; and any of FIELDS a field of that record. In a field the
 * byte 1 stands for a NUL. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "manifest/json.h"
#include "report/report.h"
#include "plans.h"
#include "support.h"
#include "xmlcheck.h"

enum { MOST_TESTS = 8, MOST_RECORDS = 32 };

static const char FIELDS[] = " mdoegtlyfc"; /* by enum record_field */

struct run {
    struct manifest m;
    struct {
        struct record r;
        struct buf fields;
    } records[MOST_RECORDS];
    size_t n_records;
};

static void add_test(struct run *run, const char *piece)
{
    struct error err = ERROR_INIT;
    struct test *t = NULL;
    if (run->m.n < MOST_TESTS && piece[1])
        t = manifest_add(&run->m, piece + 1, NULL, &err);
    if (t)
        t->format = piece[0] == 'p' ? FORMAT_PYTEST : FORMAT_TAP;
    error_release(&err);
}

static void add_record(struct run *run, const char *piece)
{
    if (run->n_records == MOST_RECORDS || (piece[0] != '@' && !run->m.n))
        return;
    struct record *r = &run->records[run->n_records++].r;
    *r = (struct record){
        .test = piece[0] == '@' ? UINT32_MAX : (uint32_t)run->m.n - 1,
        .kind = piece[0] == '@'   ? RECORD_NOTE
                : piece[0] == 'a' ? RECORD_AMEND
                                  : RECORD_RESULT,
        .outcome = (enum outcome)fuzz_number(piece, 1, OUTCOME_COUNT),
        .slot = (uint16_t)(fuzz_number(piece, 2, 4) - 1),
        .attempt = fuzz_number(piece, 3, 4),
        .status = (int32_t)(fuzz_number(piece, 4, 256) | fuzz_number(piece, 5, 256) << 8),
        .start_ns = (int64_t)((uint64_t)fuzz_number(piece, 6, 256) << 55),
        .wall_ns = (uint64_t)fuzz_number(piece, 7, 256) << (fuzz_number(piece, 8, 56)),
        .peak_bytes = (uint64_t)fuzz_number(piece, 9, 256) << 50,
    };
}

static void add_field(struct run *run, const char *piece)
{
    const char *tag = strchr(FIELDS + 1, piece[0]);
    if (!tag || !piece[0] || !run->n_records)
        return;
    size_t last = run->n_records - 1, n = strlen(piece + 1);
    char *text = xmemdup0(piece + 1, n);
    for (size_t i = 0; i < n; i++)
        if (text[i] == 1)
            text[i] = '\0';
    if ((*tag == 't' || *tag == 'c') && n)
        text[0] = (char)((unsigned char)text[0] % (OUTCOME_COUNT + 1));
    journal_add_field(&run->records[last].fields, (enum record_field)(tag - FIELDS), text, n);
    run->records[last].r.n_fields++;
    free(text);
}

static void run_add(struct run *run, const char *piece)
{
    struct test *t = run->m.n ? &run->m.tests[run->m.n - 1] : NULL;
    switch (piece[0]) {
    case 'i':
    case 'p':
        add_test(run, piece);
        break;
    case 's':
        if (t)
            t->suite = arena_strdup(&run->m.arena, piece + 1);
        break;
    case 'k':
        if (t)
            test_add_marker(&run->m, t, piece + 1);
        break;
    case 'r':
    case 'a':
    case '@':
        add_record(run, piece);
        break;
    default:
        add_field(run, piece);
    }
}

static char *slurp(const char *path, size_t *len)
{
    struct buf b = BUF_INIT;
    struct error err = ERROR_INIT;
    CHECK(file_read(path, &b, &err));
    *len = b.len;
    return buf_detach(&b);
}

/* Text for a terminal: lines of clean text, with colour sequences if they are wanted. */
static void check_screen(const char *text, size_t len, bool color)
{
    struct buf plain = BUF_INIT;
    for (size_t i = 0; i < len; i++) {
        size_t n = 0;
        if (color && text[i] == '\033' && text[i + 1] == '[') {
            n = 2 + strspn(text + i + 2, "0123456789;:");
            CHECK(text[i + n] == 'm');
            i += n;
        } else {
            buf_addc(&plain, text[i]);
        }
    }
    CHECK(fuzz_is_clean(buf_cstr(&plain), plain.len, "\n\t"));
    CHECK(!len || text[len - 1] == '\n');
    buf_release(&plain);
}

static void check_terminal(const struct results *r, const char *style_piece)
{
    struct report_style style = {
        .width = (int)fuzz_number(style_piece, 0, 200),
        .color = fuzz_number(style_piece, 1, 2),
        .verbose = (int)fuzz_number(style_piece, 2, 4) - 1,
        .durations = (int)fuzz_number(style_piece, 3, 4) - 1,
    };
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    CHECK(out);
    report_terminal(out, r, &style);
    CHECK(fclose(out) == 0);
    check_screen(text, len, style.color);
    free(text);
}

static void check_json_test(const cJSON *node, const struct results *r)
{
    const char *id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(node, "id"));
    const char *said = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(node, "outcome"));
    struct buf shown = BUF_INIT;
    bool found = false;
    CHECK(id && said);
    for (uint32_t i = 0; i < r->plan->head->n_tests && !found; i++) {
        buf_clear(&shown);
        fuzz_add_shown(&shown, plan_map_str(r->plan, plan_map_test(r->plan, i)->id));
        found = strcmp(buf_cstr(&shown), id) == 0 &&
                strcmp(outcome_name(r->tests[i].outcome), said) == 0;
    }
    CHECK(found);
    buf_release(&shown);
}

static void check_json(const struct results *r)
{
    struct error err = ERROR_INIT;
    struct json j;
    size_t len, ran = 0;
    char *path = path_join(fuzz_folder(), "report.json");
    CHECK(report_json(path, r, &err));
    char *text = slurp(path, &len);
    CHECK(fuzz_is_clean(text, len, "\n"));
    CHECK(json_parse(&j, path, text, len, EXIT_INTERNAL, false, &err));
    const cJSON *tests = cJSON_GetObjectItemCaseSensitive(j.root, "tests");
    for (uint32_t i = 0; i < r->plan->head->n_tests; i++)
        ran += r->tests[i].outcome != OUTCOME_NONE;
    CHECK(cJSON_IsArray(tests) && (size_t)cJSON_GetArraySize(tests) == ran);
    for (const cJSON *c = tests->child; c; c = c->next)
        check_json_test(c, r);
    json_release(&j);
    free(text);
    free(path);
}

static void check_junit(const struct results *r)
{
    struct error err = ERROR_INIT;
    size_t len, counted = 0;
    char *path = path_join(fuzz_folder(), "junit.xml");
    CHECK(report_junit(path, "pre<fix", r, &err));
    char *text = slurp(path, &len);
    for (int o = 0; o < OUTCOME_COUNT; o++)
        counted += r->counts[o];
    CHECK(xml_check(text, len, "testcase") == counted);
    free(text);
    free(path);
}

/* Markdown and TAP are lines of clean text; TAP has a line for each test. */
static void check_texts(const struct results *r)
{
    struct error err = ERROR_INIT;
    size_t len, points = 0;
    char *path = path_join(fuzz_folder(), "report.txt");
    CHECK(report_markdown(path, r, &err));
    char *text = slurp(path, &len);
    CHECK(fuzz_is_clean(text, len, "\n\t"));
    free(text);
    CHECK(report_tap(path, r, &err));
    text = slurp(path, &len);
    CHECK(fuzz_is_clean(text, len, "\n\t"));
    for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        points += strncmp(line, "ok ", 3) == 0 || strncmp(line, "not ok ", 7) == 0;
    CHECK(points == r->plan->head->n_tests);
    free(text);
    free(path);
}

/* Every line that GitHub gets is one of our commands, and holds nothing but clean text. */
static void check_github(const struct results *r)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    CHECK(out);
    report_github(out, r);
    CHECK(fclose(out) == 0);
    CHECK(fuzz_is_clean(text, len, "\n\t"));
    for (const char *line = text; line && *line;) {
        CHECK(strncmp(line, "::error ", 8) == 0 || strncmp(line, "::warning ", 10) == 0 ||
              strncmp(line, "::notice ", 9) == 0);
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    free(text);
}

static void check_plain(const uint8_t *data, size_t size)
{
    struct buf b = BUF_INIT;
    report_plain(&b, (const char *)data, size, false);
    CHECK(fuzz_is_clean(buf_cstr(&b), b.len, ""));
    buf_clear(&b);
    report_plain(&b, (const char *)data, size, true);
    CHECK(fuzz_is_clean(buf_cstr(&b), b.len, "\n\t"));
    buf_release(&b);
}

static void check_reports(const struct run *run, const char *style)
{
    struct plan_map map;
    struct results results;
    fuzz_map_plan(&run->m, &map);
    results_init(&results, &map);
    for (size_t i = 0; i < run->n_records; i++) {
        struct record r = run->records[i].r;
        r.fields = (const unsigned char *)run->records[i].fields.data;
        r.fields_len = run->records[i].fields.len;
        results_add(&results, &r);
    }
    results.wall_seconds = 61.5;
    results.interrupted = fuzz_number(style, 4, 2);
    results_count(&results);
    CHECK(results.torn == 0);
    check_terminal(&results, style);
    check_json(&results);
    check_junit(&results);
    check_texts(&results);
    check_github(&results);
    results_release(&results);
    plan_map_close(&map);
}

bool fuzz_seed(unsigned k, struct buf *b)
{
    switch (k) {
    case 0:
        FUZZ_PIECES(b, "P\1\2\2\0pt/test_a.py::T::test_x[a::b]\0ks\0r\2\1\1\0mAssertionError: <&>\n"
                       "\0dE   assert \"1\" == 2\r\n\0oout\1\0eerr \033[31mred\033[0m \033[2J\0"
                       "fa.py:3\0yname\1value");
        return true;
    case 1:
        FUZZ_PIECES(b, "\1\0\1\0\0it/basic.t\0sshell\0r\2\1\1\0t\1one\0t\2two \xff\xfe\0"
                       "l42 sleep\0pa.py\0r\1\1\1\0a\6\1\1\0mteardown\0c\1");
        return true;
    case 2:
        FUZZ_PIECES(b, "\x28\1\1\1\1inot run \xc2\x9b \"'`$(x)\0i]]>\xef\xbf\xbf\x7f\0"
                       "r\7\0\1\x0b\0ggl\0@\0mworker died \033]0;x\7\0"
                       "ix\0r\2\1\1\0r\1\1\2");
        return true;
    case 3:
        FUZZ_PIECES(b, "\1\2\2\0pt/a.py::x\0r\7\1\1\0dFatal\n\nThread 1 (most recent call first):\n"
                       "  File \"/a/t.py\", line 1 in f\n  File \"/x/_pytest/a.py\", line 2 in g\n"
                       "  File \"/x/pluggy/a.py\", line 3 in h\n  File \"/x/_pytest/b.py\", line 4\n"
                       "\nThread 2 (most recent call first):\n  File \"/x/_pytest/c.py\", line 5 in i");
        return true;
    default:
        return false;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_pieces it;
    struct run run;
    memset(&run, 0, sizeof run);
    check_plain(data, size);
    fuzz_pieces_init(&it, data, size);
    char *style = fuzz_next_piece(&it), *piece;
    while ((piece = fuzz_next_piece(&it)) != NULL) {
        run_add(&run, piece);
        free(piece);
    }
    if (style)
        check_reports(&run, style);
    for (size_t i = 0; i < run.n_records; i++)
        buf_release(&run.records[i].fields);
    free(style);
    manifest_release(&run.m);
    return 0;
}
