#include "command/resume.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "run/journal.h"
#include "run/state.h"

/* Maps the journal; a run that has not come to its first record has an empty one, or none. */
static bool open_journal(struct resume *r, struct error *err)
{
    char *path = path_join(r->dir, "journal");
    struct stat st = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool ok = fd >= 0 ? fstat(fd, &st) == 0 : errno == ENOENT;
    if (ok && st.st_size > 0) {
        r->size = (size_t)st.st_size;
        r->data = mmap(NULL, r->size, PROT_READ, MAP_PRIVATE, fd, 0);
        ok = r->data != MAP_FAILED;
        if (!ok)
            r->data = NULL;
    }
    if (!ok)
        error_errno(err, EXIT_USAGE, "%s: cannot be read; run again without --resume", path);
    if (fd >= 0)
        close(fd);
    free(path);
    return ok;
}

/* Is the record one of a test that the old plan has? */
static bool is_of_test(const struct resume *r, const struct record *rec)
{
    return rec->kind != RECORD_NOTE && rec->kind != RECORD_COLLECT &&
           rec->test < r->map.head->n_tests;
}

static void read_tests(struct resume *r)
{
    uint32_t n = r->map.head->n_tests;
    size_t pos = 0, torn = 0;
    struct record rec;
    r->ended = xcalloc(n + 1u, sizeof *r->ended);
    r->next = xmalloc((n + 1u) * sizeof *r->next);
    while (journal_parse(r->data, r->size, &pos, &rec, true, &torn))
        if (is_of_test(r, &rec) && (rec.kind == RECORD_RESULT || rec.kind == RECORD_VOID))
            r->ended[rec.test] = rec.kind == RECORD_RESULT && !journal_has_field(&rec, FIELD_CUT);
    for (uint32_t i = n; i-- > 0;) {
        size_t before =
            map_put(&r->first, plan_map_str(&r->map, plan_map_test(&r->map, i)->id), i);
        r->next[i] = before == MAP_NONE ? UINT32_MAX : (uint32_t)before;
    }
}

bool resume_open(struct resume *r, struct error *err)
{
    char target[256];
    memset(r, 0, sizeof *r);
    ssize_t n = readlink(".rowlock/last", target, sizeof target - 1);
    if (n <= 0)
        return true;
    target[n] = '\0';
    r->dir = path_join(".rowlock", target);
    if (runstore_owner_lives(r->dir))
        return error_set(err, EXIT_USAGE,
                         "%s: that run is still going on; wait for its end, or stop it", r->dir);
    char *plan = path_join(r->dir, "plan");
    bool ok = plan_map_open(&r->map, plan, err);
    free(plan);
    if (!ok) {
        char *why = err->msg;
        err->msg = NULL;
        error_set(err, EXIT_USAGE, "the last run cannot be resumed: %s; run again without --resume",
                  why);
        free(why);
        return false;
    }
    if (!open_journal(r, err))
        return false;
    read_tests(r);
    return true;
}

void resume_release(struct resume *r)
{
    if (r->data)
        munmap(r->data, r->size);
    if (r->map.base)
        plan_map_close(&r->map);
    map_release(&r->first);
    free(r->ended);
    free(r->next);
    free(r->dir);
    memset(r, 0, sizeof *r);
}

bool resume_has(const struct resume *r, const char *id)
{
    size_t at = r->dir ? map_get(&r->first, id) : MAP_NONE;
    if (at == MAP_NONE)
        return false;
    for (uint32_t i = (uint32_t)at; i != UINT32_MAX; i = r->next[i])
        if (!r->ended[i])
            return false;
    return true;
}

static const struct test *test_of(const struct plan *p, uint32_t i)
{
    return &p->manifest->tests[p->tests[i]];
}

/* For each test of the new plan its counterpart in the old one if that has ended, else
 * UINT32_MAX. Tests of the same id (--dist each) are paired in their order. */
static uint32_t *pair_tests(const struct resume *r, const struct plan *p)
{
    uint32_t *old_of = xmalloc((p->n_tests + 1u) * sizeof *old_of);
    uint32_t *unpaired = xmalloc((r->map.head->n_tests + 1u) * sizeof *unpaired);
    for (uint32_t i = 0; i < r->map.head->n_tests; i++)
        unpaired[i] = i;
    for (uint32_t i = 0; i < p->n_tests; i++) {
        size_t first = map_get(&r->first, test_of(p, i)->id);
        uint32_t old = first == MAP_NONE ? UINT32_MAX : unpaired[first];
        if (old != UINT32_MAX)
            unpaired[first] = r->next[old];
        old_of[i] = old != UINT32_MAX && r->ended[old] ? old : UINT32_MAX;
    }
    free(unpaired);
    return old_of;
}

/* What fixtures have set up may be gone: those that a test which is still to run needs are to run
 * again, and what they need themselves. */
static void renew_fixtures(const struct plan *p, uint32_t *old_of)
{
    uint32_t *index_of = xmalloc((p->manifest->n + 1) * sizeof *index_of);
    uint32_t *todo = xmalloc((p->n_tests + 1u) * sizeof *todo), n = 0;
    memset(index_of, 0xff, p->manifest->n * sizeof *index_of);
    for (uint32_t i = 0; i < p->n_selected; i++)
        index_of[p->tests[i]] = i;
    for (uint32_t i = 0; i < p->n_tests; i++)
        if (old_of[i] == UINT32_MAX)
            todo[n++] = i;
    while (n) {
        const struct test *t = test_of(p, todo[--n]);
        for (char **d = t->fixtures ? t->depends : NULL; d && *d; d++) {
            size_t at = map_get(&p->manifest->by_id, *d);
            uint32_t i = at == MAP_NONE ? UINT32_MAX : index_of[at];
            if (i == UINT32_MAX || old_of[i] == UINT32_MAX)
                continue;
            old_of[i] = UINT32_MAX;
            todo[n++] = i;
        }
    }
    free(todo);
    free(index_of);
}

/* An amendment changes a verdict only for the worse. */
static void count(struct state *s, const struct record *rec)
{
    if (rec->kind == RECORD_RESULT ||
        (rec->kind == RECORD_AMEND && outcome_is_failure(rec->outcome)))
        state_end(s, rec->test, UINT32_MAX, rec->outcome);
    else if (rec->kind == RECORD_VOID)
        state_void(s, rec->test);
}

/* new_of: for each test of the old plan that of the new one that takes its records. */
static bool copy_records(const struct resume *r, const uint32_t *new_of, struct state *s,
                         int journal_fd, struct error *err)
{
    size_t pos = 0, torn = 0;
    struct record rec;
    bool ok = true;
    while (ok && journal_parse(r->data, r->size, &pos, &rec, true, &torn)) {
        if (is_of_test(r, &rec)) {
            rec.test = new_of[rec.test];
            if (rec.test == UINT32_MAX)
                continue;
        } else if (rec.kind != RECORD_NOTE) {
            continue; /* files that could not be collected are told anew */
        }
        ok = journal_write(journal_fd, &rec, err);
        if (ok && rec.kind != RECORD_NOTE)
            count(s, &rec);
    }
    return ok;
}

static bool copy(struct resume *r, const uint32_t *new_of, const struct runstore *store,
                 struct error *err)
{
    struct state s = {0};
    char *journal = runstore_path(store, "journal"), *state = runstore_path(store, "state");
    int fd = journal_open(journal, err);
    bool ok = fd >= 0 && state_open(&s, state, err) && copy_records(r, new_of, &s, fd, err);
    if (s.run) {
        atomic_store(&s.run->failures, 0);
        atomic_store(&s.run->stop, STOP_NO);
    }
    state_close(&s);
    if (fd >= 0)
        close(fd);
    free(journal);
    free(state);
    return ok;
}

static void count_gone(struct resume *r, const struct plan *p)
{
    struct map here = MAP_INIT;
    for (uint32_t i = 0; i < p->n_tests; i++)
        map_intern(&here, test_of(p, i)->id, i);
    for (uint32_t i = 0; i < r->map.head->n_tests; i++) {
        const char *id = plan_map_str(&r->map, plan_map_test(&r->map, i)->id);
        r->n_gone += r->ended[i] && map_get(&here, id) == MAP_NONE;
    }
    map_release(&here);
}

bool resume_apply(struct resume *r, const struct plan *p, const struct runstore *store,
                  struct error *err)
{
    r->n_left = p->n_tests;
    if (!r->dir)
        return true;
    uint32_t n = r->map.head->n_tests, *old_of = pair_tests(r, p);
    uint32_t *new_of = xmalloc((n + 1u) * sizeof *new_of);
    memset(new_of, 0xff, (n + 1u) * sizeof *new_of);
    renew_fixtures(p, old_of);
    for (uint32_t i = 0; i < p->n_tests; i++)
        if (old_of[i] != UINT32_MAX) {
            new_of[old_of[i]] = i;
            r->n_ended++;
        }
    r->n_left -= r->n_ended;
    count_gone(r, p);
    bool ok = copy(r, new_of, store, err);
    free(old_of);
    free(new_of);
    return ok;
}
