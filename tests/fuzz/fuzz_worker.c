/* Exercises what a pytest worker and a zygote may send: pygroup_run, and with an odd first byte
 * zygote_finish_at, talk to a thread of ours that answers every connection with the next part of
 * the input (parts end with "\xff" "CUT") and then hangs up. Whatever comes, both return, the
 * journal is whole, and it has one verdict at most for each test. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "run/job.h"
#include "run/journal.h"
#include "run/pygroup.h"
#include "run/zygote.h"
#include "run/zygote_host.h"
#include "plans.h"
#include "support.h"

enum { TESTS = 3 };

/* ---- The other side ------------------------------------------------------------------------ */

struct server {
    pthread_t thread;
    int fd;
    const uint8_t *p, *end; /* what is left of the input */
};

static void answer(struct server *s, int fd)
{
    static const char cut[] = "\xff"
                              "CUT";
    struct frame_reader r;
    struct frame f;
    frame_reader_init(&r, fd);
    CHECK(frame_read(&r, &f) == 1 && (f.type == 'R' || f.type == 'F'));
    size_t left = (size_t)(s->end - s->p);
    const uint8_t *at = left ? memmem(s->p, left, cut, sizeof cut - 1) : NULL;
    size_t n = at ? (size_t)(at - s->p) : left;
    for (size_t sent = 0; sent < n;) {
        ssize_t rc = send(fd, s->p + sent, n - sent, MSG_NOSIGNAL);
        if (rc < 0)
            break;
        sent += (size_t)rc;
    }
    s->p += at ? n + sizeof cut - 1 : n;
    frame_reader_release(&r);
}

static void *serve(void *arg)
{
    struct server *s = arg;
    int fd;
    while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
        answer(s, fd);
        close(fd);
    }
    return NULL;
}

static void server_start(struct server *s, const uint8_t *data, size_t size)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    char *path = path_join(fuzz_folder(), "zygote");
    CHECK(strlen(path) < sizeof sa.sun_path);
    memcpy(sa.sun_path, path, strlen(path) + 1);
    unlink(path);
    s->p = data;
    s->end = size ? data + size : data;
    s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(s->fd >= 0 && bind(s->fd, (struct sockaddr *)&sa, sizeof sa) == 0);
    CHECK(listen(s->fd, 8) == 0);
    CHECK(pthread_create(&s->thread, NULL, serve, s) == 0);
    free(path);
}

static void server_stop(struct server *s)
{
    shutdown(s->fd, SHUT_RDWR);
    CHECK(pthread_join(s->thread, NULL) == 0);
    close(s->fd);
}

/* ---- Our side ------------------------------------------------------------------------------ */

static const struct plan_map *plan(void)
{
    static struct plan_map map;
    static const char *const ids[TESTS] = {"a.py::x", "a.py::y", "b.py::z"};
    struct manifest m;
    struct error err = ERROR_INIT;
    if (map.base)
        return &map;
    manifest_init(&m);
    for (size_t i = 0; i < TESTS; i++) {
        struct test *t = manifest_add(&m, ids[i], NULL, &err);
        CHECK(t);
        t->format = FORMAT_PYTEST;
    }
    fuzz_map_plan(&m, &map);
    manifest_release(&m);
    return &map;
}

/* A run's files as the driver makes them; the journal is empty. */
static void job_make(struct job *j, struct job_progress *progress)
{
    static uint32_t tests[TESTS] = {0, 1, 2};
    struct error err = ERROR_INIT;
    char *state = path_join(fuzz_folder(), "state");
    memset(j, 0, sizeof *j);
    memset(progress, 0, sizeof *progress);
    j->plan = *plan();
    j->dir = path_join(fuzz_folder(), "");
    j->journal_path = path_join(fuzz_folder(), "journal");
    unlink(j->journal_path);
    j->journal = journal_open(j->journal_path, &err);
    CHECK(state_create(state, TESTS, 1, &err) && state_open(&j->state, state, &err));
    CHECK(strlen(fuzz_folder()) < sizeof j->state.run->temp_dir);
    memcpy(j->state.run->temp_dir, fuzz_folder(), strlen(fuzz_folder()) + 1);
    fuzz_check_error(&err, j->journal >= 0, 0);
    j->group = plan_map_group(&j->plan, 0);
    j->group_number = 1;
    j->tests = tests;
    j->n_tests = TESTS;
    j->slot.fd = -1;
    j->progress = progress;
    free(state);
}

static void job_drop(struct job *j)
{
    close(j->journal);
    state_close(&j->state);
    free(j->dir);
    free(j->journal_path);
}

/* Nothing in the journal is damaged; where verdicts count, there is one for every test that has
 * ended and none for another. */
static void check_journal(const struct job *j, bool verdicts)
{
    struct buf b = BUF_INIT;
    struct error err = ERROR_INIT;
    struct record r;
    size_t pos = 0, torn = 0, found[TESTS] = {0};
    CHECK(file_read(j->journal_path, &b, &err));
    while (journal_parse((const unsigned char *)b.data, b.len, &pos, &r, true, &torn))
        if (r.kind == RECORD_RESULT && r.test < TESTS)
            found[r.test]++;
    CHECK(torn == 0 && pos == b.len);
    for (uint32_t i = 0; verdicts && i < TESTS; i++)
        CHECK(found[i] == (state_outcome(&j->state, i) != OUTCOME_NONE));
    buf_release(&b);
}

static void check_group(struct server *s, struct job *j)
{
    struct error err = ERROR_INIT;
    CHECK(pygroup_run(j, &err) == GROUP_DONE);
    server_stop(s);
    fuzz_check_error(&err, true, 0);
    check_journal(j, true);
}

static void check_finish(struct server *s, struct job *j)
{
    struct error err = ERROR_INIT;
    int status = 0;
    bool ok = zygote_finish_at(fuzz_folder(), 0, 5, j->journal, &status, &err);
    server_stop(s);
    fuzz_check_error(&err, ok, 1);
    check_journal(j, false);
}

/* Appends a frame. */
static void put(struct buf *b, char type, const struct buf *payload)
{
    buf_add_u32(b, (uint32_t)payload->len);
    buf_addc(b, type);
    buf_add(b, payload->data, payload->len);
}

static void put_start(struct buf *b, uint32_t test)
{
    struct buf p = BUF_INIT;
    buf_add_u32(&p, test);
    buf_add_u32(&p, 4711);
    put(b, 'S', &p);
    buf_release(&p);
}

static void put_record(struct buf *b, uint32_t test, enum record_kind kind, enum outcome o)
{
    struct buf p = BUF_INIT;
    buf_add_u32(&p, test);
    buf_addc(&p, (char)kind);
    buf_addc(&p, (char)o);
    for (int i = 0; i < 5; i++)
        buf_add_u64(&p, 1000000);
    buf_add_u32(&p, 1);
    journal_add_field(&p, FIELD_MESSAGE, "said", 4);
    put(b, 'J', &p);
    buf_release(&p);
}

static void put_number(struct buf *b, char type, uint32_t number)
{
    struct buf p = BUF_INIT;
    buf_add_u32(&p, number);
    put(b, type, &p);
    buf_release(&p);
}

/* 0: all three tests; 1: a worker that dies, then another; 2: the end of a session; 3: the same
 * with a record that is none. */
bool fuzz_seed(unsigned k, struct buf *b)
{
    buf_addc(b, k >= 2 ? 1 : 0);
    for (uint32_t i = 0; k == 0 && i < TESTS; i++) {
        put_start(b, i);
        put_record(b, i, RECORD_RESULT, i ? OUTCOME_FAILED : OUTCOME_PASSED);
    }
    if (k == 0) {
        put_record(b, 0, RECORD_AMEND, OUTCOME_ERROR);
        put_number(b, 'E', 0);
    }
    if (k == 1) {
        put_start(b, 0);
        put_number(b, 'X', 11);
        buf_adds(b, "\xff"
                    "CUT");
        put_start(b, 1);
        put_record(b, 1, RECORD_RESULT, OUTCOME_SKIPPED);
        put_record(b, 2, RECORD_NOTE, OUTCOME_NONE);
        put_number(b, 'E', 1);
    }
    if (k == 3)
        put_record(b, 0, (enum record_kind)9, OUTCOME_COUNT);
    if (k >= 2) {
        put_record(b, 2, RECORD_AMEND, OUTCOME_ERROR);
        put_number(b, 'Q', 1);
    }
    return k < 4;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct server s;
    struct job j;
    struct job_progress progress;
    if (!size)
        return 0;
    job_make(&j, &progress);
    server_start(&s, data + 1, size - 1);
    if (data[0] % 2)
        check_finish(&s, &j);
    else
        check_group(&s, &j);
    job_drop(&j);
    return 0;
}
