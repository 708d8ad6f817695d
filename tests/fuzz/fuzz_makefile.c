/* Exercises planning and both writers with tests whose ids, needs, locks, groups and dependencies
 * are the input. Every line of the makefile has one of a few forms, and `$` stands only where our
 * own text has it; a prerequisite is one of the needs, escaped. The plan file gives every string
 * back. Groups that share a lock or depend on each other never run side by side.
 *
 * The first piece of the input chooses the distribution, the workers and the mode. Each piece
 * after it begins with a letter: 'i' a test of that id ('p' one of pytest), and for the test at
 * hand 'n' a need, 'l' a lock, 'd' a test that it depends on (by number below 0x30, else by id),
 * 'g', 'f', 'c' group, file and scope, 'w' weight and time, 's' serial. */
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "plans.h"
#include "support.h"

enum { MOST_TESTS = 24 };

/* ---- The tests ----------------------------------------------------------------------------- */

static void append(struct manifest *m, char ***list, const char *s)
{
    size_t n = 0;
    while (*list && (*list)[n])
        n++;
    char **grown = arena_alloc(&m->arena, (n + 2) * sizeof *grown);
    for (size_t i = 0; i < n; i++)
        grown[i] = (*list)[i];
    grown[n] = arena_strdup(&m->arena, s);
    *list = grown;
}

static void add_lock(struct manifest *m, struct test *t, const char *name)
{
    struct strv names = STRV_INIT;
    strv_push_all(&names, t->locks);
    strv_push(&names, name);
    manifest_set_locks(m, t, &names);
    strv_release(&names);
}

static void add_depends(struct manifest *m, struct test *t, const char *piece)
{
    unsigned i = fuzz_number(piece, 1, 256);
    append(m, &t->depends, i < 0x30 ? m->tests[i % m->n].id : piece + 1);
}

static void add_test(struct manifest *m, const char *piece)
{
    static char *command[] = {(char *)"./run", (char *)"$(x) `y`\n", NULL};
    struct error err = ERROR_INIT;
    struct test *t = NULL;
    if (m->n < MOST_TESTS && piece[1])
        t = manifest_add(m, piece + 1, "tests.json:1", &err);
    if (t) {
        t->format = piece[0] == 'p' ? FORMAT_PYTEST : FORMAT_EXEC;
        t->command = piece[0] == 'p' ? NULL : command;
    }
    error_release(&err);
}

static void describe(struct manifest *m, struct test *t, const char *piece)
{
    const char *text = arena_strdup(&m->arena, piece + 1);
    switch (piece[0]) {
    case 'n':
        append(m, &t->needs, text);
        break;
    case 'l':
        add_lock(m, t, text);
        break;
    case 'd':
        add_depends(m, t, piece);
        break;
    case 'g':
        t->group = text;
        break;
    case 'f':
        t->file = text;
        break;
    case 'c':
        t->scope = text;
        break;
    case 'w':
        t->weight = 1 + fuzz_number(piece, 1, 8);
        t->expected = (double)fuzz_number(piece, 2, 256) - 1;
        break;
    case 's':
        t->serial = true;
        break;
    default:
        break;
    }
}

/* ---- What the makefile may hold ------------------------------------------------------------ */

/* A word of a rule: a numbered target or one of our own names. */
#define TARGET  "(t[0-9]+|g[0-9]+|q[0-9]+|w[0-9]+|rowlock-(end|begin|phase-[0-9]+))"
#define TARGETS TARGET "( " TARGET ")*"
#define ENCODED "([]A-Za-z0-9._/:[-]|%[0-9A-F][0-9A-F])"

/* The lines that depend on the tests. */
static const char *const forms[] = {
    "^$",
    "^# t[0-9]+ " ENCODED "+(\\.\\.\\.)?$",
    "^# g[0-9]+ needs what cannot be a prerequisite: " ENCODED "*(\\.\\.\\.)?$",
    "^" TARGETS ": " TARGETS "$",
    "^" TARGETS ": ?\\| ?" TARGETS "$",
    "^(t[0-9]+ )*t[0-9]+: g[0-9]+$",
    "^\\.PHONY: " TARGETS "$",
    "^g[0-9]+: \\| rowlock-begin ; \\+?@\\$\\(rowlock_ignore\\)\\$\\(rowlock_exec\\) [0-9]+ "
    "\\$\\(rowlock_goals\\)$",
    "^q[0-9]+: \\| rowlock-begin ; @-\\$\\(rowlock_exec\\) queue$",
    "^w[0-9]+: \\| rowlock-begin ; @-\\$\\(rowlock_exec\\) take$",
    "^# Workers take groups g1 to g[0-9]+ one after another\\.$",
    "^ifneq \\(\\$\\(rowlock_takes\\),\\)$",
    "^else$",
    "^# Workers take groups g1 to g[0-9]+ from their queues, and from each other's\\.$",
    "^" TARGETS ": private (SHELL := /bin/sh|\\.SHELLFLAGS := -c)$",
};

static bool has_form(const char *line)
{
    enum { N = sizeof forms / sizeof *forms };
    static regex_t compiled[N];
    static bool ready;
    for (size_t i = 0; i < N && !ready; i++)
        CHECK(regcomp(&compiled[i], forms[i], REG_EXTENDED | REG_NOSUB) == 0);
    ready = true;
    for (size_t i = 0; i < N; i++)
        if (regexec(&compiled[i], line, 0, NULL, 0) == 0)
            return true;
    return false;
}

/* The need that a prerequisite stands for; what Make could take for anything else is not in it. */
static char *unescape(const char *s)
{
    struct buf b = BUF_INIT;
    for (; *s; s++) {
        CHECK(!strchr("$;=|*?[]~'\"`()<>{}!&\t\v\f\r", *s));
        CHECK((unsigned char)*s >= 0x20 && *s != 0x7f);
        if (*s == '\\') {
            s++;
            CHECK(*s == ' ' || *s == '#' || *s == ':');
        } else {
            CHECK(*s != ' ' && *s != '#' && *s != ':');
        }
        buf_addc(&b, *s);
    }
    return buf_detach(&b);
}

/* "g3: PATH", where a test of that group needs the path. */
static bool is_need(const struct plan *p, const char *line)
{
    char *behind;
    unsigned long g = line[0] == 'g' ? strtoul(line + 1, &behind, 10) : 0;
    if (!g || g > p->n_units || strncmp(behind, ": ", 2) != 0)
        return false;
    char *path = unescape(behind + 2);
    const struct plan_unit *u = &p->units[g - 1];
    bool found = false;
    for (uint32_t k = 0; k < u->n; k++) {
        char **needs = p->manifest->tests[p->tests[u->tests[k]]].needs;
        for (; needs && *needs; needs++)
            found = found || strcmp(*needs, path) == 0;
    }
    free(path);
    return found;
}

/* The lines of the makefile of p. */
static void read_makefile(const struct plan *p, struct strv *lines)
{
    struct error err = ERROR_INIT;
    struct buf b = BUF_INIT;
    char *path = path_join(fuzz_folder(), "tests.mk");
    CHECK(plan_write_makefile(p, path, &err) && file_read(path, &b, &err));
    CHECK(b.len && strlen(b.data) == b.len && b.data[b.len - 1] == '\n');
    for (char *s = b.data, *end; *s; s = end + 1) {
        end = strchr(s, '\n');
        *end = '\0';
        strv_push(lines, s);
    }
    buf_release(&b);
    free(path);
}

/* The lines that every makefile has. */
static const struct strv *fixed_lines(void)
{
    static struct strv lines;
    if (lines.n)
        return &lines;
    struct manifest m;
    struct plan plan;
    struct error err = ERROR_INIT;
    manifest_init(&m);
    CHECK(plan_make(&plan, &m, NULL, 0, &fuzz_plan_settings, &err));
    read_makefile(&plan, &lines);
    plan_release(&plan);
    manifest_release(&m);
    strv_sort(&lines);
    return &lines;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void check_makefile(const struct plan *p)
{
    struct strv lines = STRV_INIT;
    const struct strv *fixed = fixed_lines();
    read_makefile(p, &lines);
    for (size_t i = 0; i < lines.n; i++) {
        char *line = lines.v[i];
        size_t n = strlen(line);
        CHECK(n == 0 || line[n - 1] != '\\' ||
              bsearch(&line, fixed->v, fixed->n, sizeof line, compare));
        if (bsearch(&line, fixed->v, fixed->n, sizeof line, compare) || has_form(line))
            continue;
        if (!is_need(p, line))
            fuzz_fail("tests.mk", (int)i + 1, line);
    }
    strv_release(&lines);
}

/* ---- What the plan and its file have to say ------------------------------------------------ */

static void check_list(const struct plan_map *map, struct plan_list l, char *const *strings)
{
    uint64_t k = 0;
    for (; strings && strings[k]; k++)
        CHECK(strcmp(plan_map_list_str(map, l, k), strings[k]) == 0);
    CHECK(l.n == k && !plan_map_list_str(map, l, k));
}

static void check_file(const struct plan *p)
{
    struct plan_map map;
    struct error err = ERROR_INIT;
    char *path = path_join(fuzz_folder(), "plan");
    CHECK(plan_write_file(p, path, &err) && plan_map_open(&map, path, &err));
    CHECK(map.head->n_tests == p->n_tests && map.head->n_groups == p->n_units);
    for (uint32_t i = 0; i < p->n_tests; i++) {
        const struct test *t = &p->manifest->tests[p->tests[i]];
        const struct plan_test *pt = plan_map_test(&map, i);
        CHECK(strcmp(plan_map_str(&map, pt->id), t->id) == 0);
        CHECK(pt->format == t->format && pt->weight == t->weight);
        check_list(&map, pt->command, t->command);
        check_list(&map, pt->locks, p->locks[i]);
        CHECK(pt->group < p->n_units);
    }
    for (uint32_t g = 0; g < p->n_units; g++) {
        const struct plan_group *pg = plan_map_group(&map, g);
        CHECK(pg->count == p->units[g].n && pg->phase == p->units[g].phase);
        for (uint32_t k = 0; k < pg->count; k++)
            CHECK(plan_map_member(&map, pg, k) == p->units[g].tests[k]);
    }
    CHECK(map.head->n_queued == p->n_queued);
    for (uint32_t s = 0; p->n_queued && s <= map.head->n_slots; s++)
        CHECK(plan_map_list_u32(&map, map.head->queues, s) == p->queues[s]);
    plan_map_close(&map);
    free(path);
}

/* Which group has to have ended before which: before[a][b]. */
static bool before[MOST_TESTS][MOST_TESTS];

static void close_order(const struct plan *p)
{
    memset(before, 0, sizeof before);
    for (uint32_t b = 0; b < p->n_units; b++)
        for (uint32_t k = 0; k < p->units[b].n_after; k++) {
            uint32_t a = p->units[b].after[k];
            CHECK(a < b);
            before[a][b] = true;
            for (uint32_t c = 0; c < a; c++)
                before[c][b] = before[c][b] || before[c][a];
        }
    for (uint32_t b = 0; b < p->n_units; b++)
        for (uint32_t a = 0; a < b; a++)
            before[a][b] =
                before[a][b] || p->units[a].phase < p->units[b].phase || p->units[b].serial;
}

static bool share_lock(const struct plan_unit *a, const struct plan_unit *b)
{
    for (char **x = a->locks; x && *x; x++)
        for (char **y = b->locks; y && *y; y++)
            if (strcmp(*x, *y) == 0)
                return true;
    return false;
}

static void check_order(const struct plan *p)
{
    uint32_t unit_of[MOST_TESTS] = {0}, place_of[MOST_TESTS] = {0}, seen = 0;
    for (uint32_t g = 0; g < p->n_units; g++)
        for (uint32_t k = 0; k < p->units[g].n; k++, seen++) {
            unit_of[p->units[g].tests[k]] = g;
            place_of[p->units[g].tests[k]] = k;
            CHECK(p->units[g].serial == p->manifest->tests[p->tests[p->units[g].tests[k]]].serial ||
                  p->settings.sequential);
        }
    CHECK(seen == p->n_tests);
    close_order(p);
    for (uint32_t a = 0; a < p->n_units; a++)
        for (uint32_t b = a + 1; b < p->n_units; b++)
            CHECK(before[a][b] || !share_lock(&p->units[a], &p->units[b]));
    for (uint32_t i = 0; i < p->n_tests; i++) {
        char **d = p->manifest->tests[p->tests[i]].depends;
        for (; d && *d; d++) {
            size_t on = map_get(&p->manifest->by_id, *d);
            if (on == MAP_NONE)
                continue;
            CHECK(unit_of[on] == unit_of[i] ? place_of[on] < place_of[i]
                                            : before[unit_of[on]][unit_of[i]]);
        }
    }
}

static void check_plan(const struct manifest *m, const char *mode)
{
    struct plan plan;
    struct plan_settings s = fuzz_plan_settings;
    struct error err = ERROR_INIT;
    size_t all[MOST_TESTS];
    s.dist = (enum dist)fuzz_number(mode, 0, DIST_NO + 1);
    s.n_slots = fuzz_number(mode, 1, 5);
    s.sequential = fuzz_number(mode, 2, 4) == 3;
    for (size_t i = 0; i < m->n; i++)
        all[i] = i;
    bool ok = plan_make(&plan, m, all, m->n, &s, &err);
    CHECK(ok || err.code == EXIT_USAGE);
    fuzz_check_error(&err, ok, 1);
    if (!ok)
        return;
    check_order(&plan);
    check_makefile(&plan);
    check_file(&plan);
    plan_release(&plan);
}

bool fuzz_seed(unsigned k, struct buf *b)
{
    switch (k) {
    case 0:
        FUZZ_PIECES(b, "\2\3\0idb/start\0ndb/a b#c:d\0n$(shell x)\0ll\0idb/$(x)\n\\\0d\1\0ldb\0"
                       "w\2\5\0izz\0s\0d\1\0iyy\0d\2");
        return true;
    case 1:
        FUZZ_PIECES(b, "\3\2\0pa.py::x\0fa.py\0ca.py\0pa.py::y\0fa.py\0ca.py\0gone\0"
                       "pb.py::z\0fb.py\0cb.py\0gone\0s\0it/x.t\0n./bin/x\0nall\0nt17\0n-lfoo");
        return true;
    case 2:
        FUZZ_PIECES(b, "\1\2\0ia\0la\0ib\0la\0lb\0ic\0lb\0id\0w\4\1\0ie\0w\3\2\0if\0w\2\3");
        return true;
    case 3:
        FUZZ_PIECES(b, "\1\2\3\0ia\0db\0ib\0dc\0ic\0da");
        return true;
    default:
        return false;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct manifest m;
    struct fuzz_pieces it;
    manifest_init(&m);
    fuzz_pieces_init(&it, data, size);
    char *mode = fuzz_next_piece(&it), *piece;
    while ((piece = fuzz_next_piece(&it)) != NULL) {
        if (piece[0] == 'i' || piece[0] == 'p')
            add_test(&m, piece);
        else if (m.n && piece[0])
            describe(&m, &m.tests[m.n - 1], piece);
        free(piece);
    }
    if (mode)
        check_plan(&m, mode);
    free(mode);
    manifest_release(&m);
    return 0;
}
