#include "pygroupplay.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "manifest/manifest.h"
#include "run/zygote.h"

/* ---- The zygote's side ------------------------------------------------------------------ */

uint32_t play_u32_at(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool read_request(int conn, struct request *r)
{
    struct frame_reader in;
    struct frame f;
    frame_reader_init(&in, conn);
    bool ok = frame_read(&in, &f) == 1 && f.type == 'R' && f.len >= 12;
    if (ok) {
        size_t at = 12;
        *r = (struct request){conn, play_u32_at(f.payload), play_u32_at(f.payload + 8), {0}};
        for (uint32_t i = 0; i < r->n && i < REQUEST_MAX; i++) {
            r->tests[i] = play_u32_at(f.payload + at);
            at += 12 + play_u32_at(f.payload + at + 8);
        }
        ok = at == f.len;
    }
    frame_reader_release(&in);
    return ok;
}

/* Serves until it is killed. */
static void serve(int listener, script *play)
{
    for (int k = 0;; k++) {
        struct request r;
        int conn = accept(listener, NULL, NULL);
        if (conn >= 0 && read_request(conn, &r))
            play(&r, k);
        close(conn);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
    }
}

void play_send_start(int conn, uint32_t test, uint32_t pid)
{
    struct buf b = BUF_INIT;
    buf_add_u32(&b, test);
    buf_add_u32(&b, pid);
    zygote_send(conn, 'S', b.data, b.len);
    buf_release(&b);
}

void play_send_record(int conn, uint32_t test, int kind, int outcome, const char *message)
{
    struct buf b = BUF_INIT;
    buf_add_u32(&b, test);
    buf_addc(&b, (char)kind);
    buf_addc(&b, (char)outcome);
    buf_add_u64(&b, 1700000000000000000);
    for (uint64_t i = 1; i <= 4; i++)
        buf_add_u64(&b, i * 1000);
    buf_add_u32(&b, 1);
    journal_add_field(&b, FIELD_MESSAGE, message, strlen(message));
    zygote_send(conn, 'J', b.data, b.len);
    buf_release(&b);
}

void play_send_end(int conn, uint32_t left_out)
{
    struct buf b = BUF_INIT;
    buf_add_u32(&b, left_out);
    zygote_send(conn, 'E', b.data, b.len);
    buf_release(&b);
}

void play_pass_all(const struct request *r, int k)
{
    (void)k;
    for (uint32_t i = 0; i < r->n; i++) {
        play_send_start(r->conn, r->tests[i], (uint32_t)getpid());
        play_send_record(r->conn, r->tests[i], RECORD_RESULT, OUTCOME_PASSED, "");
    }
    play_send_end(r->conn, 0);
}

/* Waits for the client to close. */
void play_await_close(int conn)
{
    char byte;
    while (read(conn, &byte, 1) > 0)
        ;
}

/* ---- The client's side ------------------------------------------------------------------ */

void play_begin_flagged(struct play *p, script *play, uint64_t timeout_ms, uint32_t flags)
{
    static const char *const ids[N_TESTS] = {"a", "b", "c", "d"};
    struct spec specs[N_TESTS];
    for (int i = 0; i < N_TESTS; i++)
        specs[i] = (struct spec){.id = ids[i],
                                 .format = FORMAT_PYTEST,
                                 .timeout_ms = timeout_ms,
                                 .same_group = true};
    memset(p, 0, sizeof *p);
    p->t.flags = flags;
    testrun_create(&p->t, specs, N_TESTS);
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    snprintf(sa.sun_path, sizeof sa.sun_path, "%s/zygote", p->t.temp);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&sa, sizeof sa), 0);
    p->server = fork();
    assert_true(p->server >= 0);
    if (p->server == 0) {
        /* Listens itself: who did is what the client believes to be the zygote. */
        if (listen(listener, 10) != 0)
            _exit(1);
        char *up = path_join(p->t.dir, "up");
        struct error err = ERROR_INIT;
        signal(SIGPIPE, SIG_IGN);
        file_write(up, "", 0, &err);
        serve(listener, play);
    }
    char *up = path_join(p->t.dir, "up");
    assert_true(testrun_wait_file(up));
    free(up);
    close(listener);
}

void play_begin(struct play *p, script *play, uint64_t timeout_ms)
{
    play_begin_flagged(p, play, timeout_ms, 0);
}

void play_end(struct play *p)
{
    kill(p->server, SIGKILL);
    testrun_wait(p->server);
    testrun_remove(&p->t);
}

/* The outcomes of the tests, a letter each: p f k (crashed) t e s, - for none. */
void play_expect_outcomes(const struct play *p, const char *expected)
{
    static const char letters[] = "-pfsxXekt";
    char got[N_TESTS + 1] = {0};
    for (uint32_t i = 0; i < N_TESTS; i++) {
        got[i] = letters[state_outcome(&p->t.state, i)];
        assert_int_equal(testrun_count(&p->t, i, RECORD_RESULT), got[i] != '-');
    }
    assert_string_equal(got, expected);
}

void play_expect_message_has(const struct play *p, uint32_t test, const char *part)
{
    char *text = testrun_field(&p->t, test, FIELD_MESSAGE);
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in \"%s\"", part, text);
    free(text);
}
