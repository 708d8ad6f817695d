/* What plays the zygote in tests of run/pygroup: a process that takes the requests of
 * rowlock-exec and answers each as the test's script says. */
#ifndef TESTS_PYGROUPPLAY_H
#define TESTS_PYGROUPPLAY_H

#include <stdint.h>
#include <sys/types.h>

#include "testrun.h"

enum { N_TESTS = 4, REQUEST_MAX = 64 };

/* What a client asked for. */
struct request {
    int conn;
    uint32_t slot, n;
    uint32_t tests[REQUEST_MAX];
};

/* Plays one connection, the k-th (from 0). */
typedef void script(const struct request *r, int k);

struct play {
    struct testrun t;
    pid_t server;
};

uint32_t play_u32_at(const unsigned char *p);
/* Frames of the zygote. */
void play_send_start(int conn, uint32_t test, uint32_t pid);
void play_send_record(int conn, uint32_t test, int kind, int outcome, const char *message);
void play_send_end(int conn, uint32_t left_out);
/* A script: every test passes. */
void play_pass_all(const struct request *r, int k);
/* Until the client closes. */
void play_await_close(int conn);
/* A run of N_TESTS tests, with plan flags, and the process that plays the zygote. */
void play_begin_flagged(struct play *p, script *play, uint64_t timeout_ms, uint32_t flags);
void play_begin(struct play *p, script *play, uint64_t timeout_ms);
void play_end(struct play *p);
/* One letter per test, by enum outcome: "-pfsxXekt". */
void play_expect_outcomes(const struct play *p, const char *expected);
void play_expect_message_has(const struct play *p, uint32_t test, const char *part);

#endif
