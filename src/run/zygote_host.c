#include "run/zygote_host.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/strv.h"
#include "manifest/manifest.h"
#include "run/interrupts.h"
#include "run/journal.h"
#include "run/platform.h"
#include "run/zygote.h"

extern char **environ;

static void zygote_arguments(const struct zygote_host *z, int ready, struct strv *argv)
{
    enum { LONGEST = 1000000 }; /* seconds */
    char *dir = realpath(z->store->dir, NULL);
    strv_push(argv, z->exec);
    strv_push(argv, "--guard");
    strv_pushf(argv, "%ld", (long)z->watch);
    strv_pushf(argv, "%.0f", 1000 * (z->grace < LONGEST ? z->grace : LONGEST));
    strv_push(argv, z->argv[0]);
    strv_push(argv, z->argv[1]);
    char *const *rest = z->argv + 2;
    while (rest[0] && rest[1] && strncmp(rest[0], "--rowlock-", 10) == 0) {
        strv_push(argv, *rest++);
        strv_push(argv, *rest++);
    }
    strv_push(argv, "--rowlock-temp");
    strv_push(argv, z->store->temp);
    strv_push(argv, "--rowlock-run");
    strv_push(argv, dir ? dir : z->store->dir);
    strv_push(argv, "--rowlock-ready");
    strv_pushf(argv, "%d", ready);
    strv_push(argv, "--");
    strv_push_all(argv, rest);
    free(dir);
}

static void zygote_environment(const struct zygote_host *z, struct strv *env)
{
    static const char *const own[] = {
        "ROWLOCK_MODE=", "ROWLOCK_WORKERS=",    "ROWLOCK_AUTO=",   "ROWLOCK_DIST=",
        "ROWLOCK_GRACE=", "ROWLOCK_ENV_PREFIX=", "ROWLOCK_RUN_UID=",
        "ROWLOCK_COLUMNS=", "ROWLOCK_COLOR=",   "ROWLOCK_COLLECTORS=",
        "ROWLOCK_LINES=", "ROWLOCK_COLLECT_ALONE=",
        "ROWLOCK_CHOICE=", "ROWLOCK_REPORTS="};
    for (char **e = environ; *e; e++) {
        bool keep = true;
        for (size_t i = 0; i < sizeof own / sizeof *own && keep; i++)
            keep = strncmp(*e, own[i], strlen(own[i])) != 0;
        if (keep)
            strv_push(env, *e);
    }
    strv_pushf(env, "ROWLOCK_MODE=%s", z->sequential ? "sequential" : "parallel");
    strv_pushf(env, "ROWLOCK_WORKERS=%u", z->workers);
    strv_pushf(env, "ROWLOCK_COLLECTORS=%u", z->collectors);
    strv_pushf(env, "ROWLOCK_COLLECT_ALONE=%g", z->collect_alone);
    if (z->reports)
        strv_push(env, "ROWLOCK_REPORTS=1");
    if (z->lines)
        strv_push(env, "ROWLOCK_LINES=1");
    if (z->auto_workers)
        strv_pushf(env, "ROWLOCK_AUTO=%s", z->auto_workers);
    if (z->choice && (z->choice[0] || z->choice[1]))
        strv_pushf(env, "ROWLOCK_CHOICE=%d,%d", z->choice[0], z->choice[1]);
    if (z->dist)
        strv_pushf(env, "ROWLOCK_DIST=%s", z->dist);
    strv_pushf(env, "ROWLOCK_ENV_PREFIX=%s", z->env_prefix);
    strv_pushf(env, "ROWLOCK_RUN_UID=%s", z->store->uid);
    strv_pushf(env, "ROWLOCK_GRACE=%g", z->grace);
    if (z->columns > 0) {
        strv_pushf(env, "ROWLOCK_COLUMNS=%d", z->columns);
        strv_pushf(env, "ROWLOCK_COLOR=%d", z->color);
    }
}

bool zygote_start(struct zygote_host *z, int *ready_fd, struct error *err)
{
    int ready[2];
    if (pipe2(ready, O_CLOEXEC) != 0)
        return error_errno(err, EXIT_INTERNAL, "pipe");
    struct strv argv = STRV_INIT, env = STRV_INIT;
    zygote_arguments(z, ready[1], &argv);
    zygote_environment(z, &env);
    char *log = runstore_path(z->store, "zygote.log");
    z->pid = fork();
    if (z->pid == 0) {
        setsid();
        interrupts_reset();
        int in = open("/dev/null", O_RDONLY);
        int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0666);
        dup2(in, 0);
        dup2(out, 1);
        dup2(out, 2);
        /* Nothing else of ours, an outer make's jobserver among it, goes along. */
        platform_cloexec_from(3);
        fcntl(ready[1], F_SETFD, 0);
        execvpe(argv.v[0], argv.v, env.v);
        dprintf(2, "%s: %s\n", argv.v[0], strerror(errno));
        _exit(127);
    }
    close(ready[1]);
    strv_release(&argv);
    strv_release(&env);
    free(log);
    *ready_fd = ready[0];
    if (z->pid > 0)
        return true;
    close(ready[0]);
    return error_errno(err, EXIT_INTERNAL, "the pytest process cannot be started");
}

enum zygote_state zygote_wait_ready(struct zygote_host *z, int ready_fd, int *status,
                                    void (*tick)(void *), void *ctx)
{
    enum zygote_state result = ZYGOTE_READY;
    while (!interrupts_wait(ready_fd, 100)) {
        if (interrupts_count()) {
            zygote_kill(z);
            result = ZYGOTE_INTERRUPTED;
            break;
        }
        if (z->deadline_ms && clock_monotonic_ms() >= (int64_t)z->deadline_ms) {
            zygote_kill(z);
            result = ZYGOTE_LATE;
            break;
        }
        tick(ctx);
    }
    char byte;
    if (result == ZYGOTE_READY && read(ready_fd, &byte, 1) != 1) {
        int wait_status = 0;
        while (waitpid(z->pid, &wait_status, 0) < 0 && errno == EINTR)
            ;
        z->pid = 0;
        *status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
        result = ZYGOTE_ENDED;
    }
    close(ready_fd);
    return result;
}

/* Journals the payload of a 'J' frame, unless it is none: the journal stays whole. */
static bool journal_frame(int journal_fd, const struct frame *f, struct error *err)
{
    struct record r;
    if (!frame_record(f, &r) || r.kind == RECORD_ATTEMPT)
        return true;
    r.slot = JOURNAL_NO_SLOT;
    return journal_write(journal_fd, &r, err);
}

uint64_t zygote_finish_limit(const struct plan_map *map)
{
    uint64_t most = 0;
    for (uint32_t i = 0; i < map->head->n_tests; i++) {
        const struct plan_test *t = plan_map_test(map, i);
        if (!t || t->format != FORMAT_PYTEST)
            continue;
        if (!t->timeout_ms)
            return 0;
        if (t->timeout_ms > most)
            most = t->timeout_ms;
    }
    return most;
}

static bool send_finish(int fd, uint64_t limit_ms)
{
    struct buf b = BUF_INIT;
    buf_add_u64(&b, limit_ms);
    bool ok = zygote_send(fd, 'F', b.data, b.len);
    buf_release(&b);
    return ok;
}

/* Sleeps until there is something to read in fd or a signal has come; once nobody is there to send
 * a second signal, until grace seconds after the first at most. False: those have passed. */
static bool wait_for_end(int fd, double grace, int64_t *deadline_ms)
{
    int64_t now = clock_monotonic_ms();
    if (!interrupts_unattended()) {
        interrupts_wait(fd, -1);
        return true;
    }
    if (*deadline_ms < 0)
        *deadline_ms = now + (int64_t)(grace * 1000);
    if (now >= *deadline_ms)
        return false;
    int64_t left = *deadline_ms - now;
    interrupts_wait(fd, left < INT_MAX ? (int)left : INT_MAX);
    return true;
}

bool zygote_finish_at(const char *temp, uint64_t limit_ms, double grace, int journal_fd,
                      int *status, struct error *err)
{
    int fd = zygote_connect(temp, err);
    if (fd < 0)
        return false;
    struct frame_reader in;
    struct frame f;
    frame_reader_init(&in, fd);
    bool quit = false;
    int64_t deadline_ms = -1;
    if (send_finish(fd, limit_ms) && fcntl(fd, F_SETFL, O_NONBLOCK) == 0) {
        /* Never blocks in a read, which goes on after a signal: a hook that hangs here has to give
         * way to the second Ctrl-C. */
        while (!quit && interrupts_count() < 2) {
            int n = frame_read(&in, &f);
            if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
                if (wait_for_end(fd, grace, &deadline_ms))
                    continue;
                error_set(err, EXIT_INTERNAL,
                          "the end of the pytest session took more than %g s after the signal or "
                          "the end of the run's time and was cut off; a longer \"grace\" in "
                          "[rowlock] would wait longer",
                          grace);
                break;
            }
            if (n <= 0)
                break;
            if (f.type == 'J' && !journal_frame(journal_fd, &f, err))
                break;
            if (f.type == 'Q' && f.len >= 4) {
                *status = (int32_t)get_u32(f.payload);
                quit = true;
            }
        }
    }
    frame_reader_release(&in);
    close(fd);
    if (!quit && !err->msg)
        error_set(err, EXIT_INTERNAL,
                  "the pytest process ended early; its output is in .rowlock/last/zygote.log");
    return quit;
}

bool zygote_finish(struct zygote_host *z, uint64_t limit_ms, int journal_fd, int *status,
                   struct error *err)
{
    return zygote_finish_at(z->store->temp, limit_ms, z->grace, journal_fd, status, err);
}

void zygote_await_end(struct zygote_host *z)
{
    for (int i = 0; z->pid > 0 && i < 200; i++) {
        if (waitpid(z->pid, NULL, WNOHANG) != 0)
            z->pid = 0;
        else
            interrupts_wait(-1, 10);
    }
    zygote_kill(z);
}

void zygote_kill(struct zygote_host *z)
{
    if (z->pid <= 0)
        return;
    /* TERM first: the zygote kills its workers and what they started. */
    kill(z->pid, SIGTERM);
    for (int i = 0; i < 100; i++) {
        if (waitpid(z->pid, NULL, WNOHANG) != 0) {
            z->pid = 0;
            return;
        }
        interrupts_wait(-1, 20);
    }
    kill(z->pid, SIGKILL);
    while (waitpid(z->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    z->pid = 0;
}
