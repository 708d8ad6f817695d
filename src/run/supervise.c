#include "run/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "run/platform.h"
#include "run/signals.h"

#define MS ((int64_t)1000000)

enum {
    LINGER_MS = 100, /* what a test leaves running may end by itself within this */
    ROUND_MS = 10,   /* between two rounds of killing */
    GIVE_UP_MS = 10000,
    LEFTOVERS_MAX = 100,
    CHUNK = 64 * 1024,
    DRAIN_MAX = 4 * 1024 * 1024, /* a pipe holds less, unless somebody keeps filling it */
    OWN_PEAK_KIB = 512,
    INHERITED_KIB = 8 * 1024 /* our own is less when we start */
};

enum phase {
    PHASE_RUN,    /* its main process lives */
    PHASE_LINGER, /* that has ended, others have not yet */
    PHASE_TERM,   /* SIGTERM was sent */
    PHASE_KILL    /* SIGKILL is sent, again and again */
};

struct watch {
    const struct supervise *what;
    struct supervised *res;
    pid_t pid;
    bool main_ended;
    bool alone; /* no child is left */
    enum phase phase;
    int64_t start, phase_since, last_kill;
    struct pollfd fds[2]; /* its standard output and error; fd -1 when closed */
};

/* Signals all children, each process group once; adds the groups to done. A child that we have
 * not reaped keeps its pid and its group's number from being used again, so that only what is
 * ours is hit. */
static void signal_children(int sig, struct pid_list *done)
{
    struct pid_list l = PID_LIST_INIT;
    platform_children(&l);
    for (size_t i = 0; i < l.n; i++) {
        pid_t group = getpgid(l.v[i]);
        if (group <= 1 || group == getpgrp()) {
            kill(l.v[i], sig);
        } else if (!pid_list_has(done, group)) {
            kill(-group, sig);
            pid_list_add(done, group);
        }
    }
    pid_list_release(&l);
}

static void kill_children(void)
{
    struct pid_list groups = PID_LIST_INIT;
    signal_children(SIGKILL, &groups);
    pid_list_release(&groups);
}

/* Asks everything to end, once each. */
static void terminate(void)
{
    struct pid_list groups = PID_LIST_INIT;
    signal_children(SIGTERM, &groups);
    platform_signal_descendants(SIGTERM, &groups);
    /* A stopped process takes no SIGTERM. */
    for (size_t i = 0; i < groups.n; i++)
        kill(-groups.v[i], SIGCONT);
    pid_list_release(&groups);
}

bool supervise_kill_children(void)
{
    int64_t start = clock_monotonic_ns();
    for (;;) {
        kill_children();
        pid_t pid;
        while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
            ;
        if (pid < 0 && errno == ECHILD)
            return true;
        if (clock_monotonic_ns() - start > GIVE_UP_MS * MS)
            return false;
        signals_poll(NULL, 0, ROUND_MS * MS);
    }
}

static uint64_t timeval_ns(struct timeval t)
{
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_usec * 1000u;
}

static void add_usage(struct supervised *res, const struct rusage *ru)
{
    res->user_ns += timeval_ns(ru->ru_utime);
    res->sys_ns += timeval_ns(ru->ru_stime);
    uint64_t peak = (uint64_t)ru->ru_maxrss * 1024;
    if (peak > res->peak_bytes)
        res->peak_bytes = peak;
}

static void reap(struct watch *w)
{
    int status;
    struct rusage ru;
    pid_t pid;
    while ((pid = wait4(-1, &status, WNOHANG, &ru)) > 0) {
        add_usage(w->res, &ru);
        if (pid != w->pid)
            continue;
        w->main_ended = true;
        w->res->status = status;
        w->res->wall_ns = (uint64_t)(clock_monotonic_ns() - w->start);
    }
    w->alone = pid < 0 && errno == ECHILD;
}

/* Reads once. Standard output is the one with a listener. */
static ssize_t read_stream(struct watch *w, int i)
{
    static char chunk[CHUNK];
    ssize_t n = read(w->fds[i].fd, chunk, sizeof chunk);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return -1;
    if (n <= 0) {
        close(w->fds[i].fd);
        w->fds[i].fd = -1;
        return 0;
    }
    capture_add(i == 0 ? &w->res->out : &w->res->err, chunk, (size_t)n);
    if (w->what->on_all)
        w->what->on_all(w->what->ctx, chunk, (size_t)n);
    if (i == 0 && w->what->on_output)
        w->what->on_output(w->what->ctx, chunk, (size_t)n);
    return n;
}

static void drain(struct watch *w)
{
    for (int i = 0; i < 2; i++) {
        ssize_t n, sum = 0;
        while (w->fds[i].fd >= 0 && sum < DRAIN_MAX && (n = read_stream(w, i)) > 0)
            sum += n;
        if (w->fds[i].fd >= 0)
            close(w->fds[i].fd);
        w->fds[i].fd = -1;
    }
}

static void enter(struct watch *w, enum phase phase)
{
    w->phase = phase;
    w->phase_since = clock_monotonic_ns();
    if (phase == PHASE_TERM)
        terminate();
}

static void report_leftovers(struct supervised *res)
{
    struct pid_list l = PID_LIST_INIT;
    platform_descendants(&l);
    for (size_t i = 0; i < l.n && i < LEFTOVERS_MAX; i++) {
        char name[64];
        platform_process_name(l.v[i], name, sizeof name);
        strv_pushf(&res->leftovers, "%ld %s", (long)l.v[i], name);
    }
    pid_list_release(&l);
}

/* When the phase is over, on CLOCK_MONOTONIC; -1: not by the clock. */
static int64_t deadline(const struct watch *w)
{
    switch (w->phase) {
    case PHASE_RUN:
        if (w->what->until)
            return w->what->until(w->what->ctx);
        return w->what->timeout_ms ? w->start + (int64_t)w->what->timeout_ms * MS : -1;
    case PHASE_LINGER:
        return w->phase_since + LINGER_MS * MS;
    case PHASE_TERM:
        return signals_now() ? 0 : w->phase_since + (int64_t)w->what->grace_ms * MS;
    case PHASE_KILL:
        break;
    }
    return w->last_kill + ROUND_MS * MS;
}

static void on_deadline(struct watch *w)
{
    switch (w->phase) {
    case PHASE_RUN:
        w->res->end = SUPERVISE_TIMED_OUT;
        enter(w, PHASE_TERM);
        break;
    case PHASE_LINGER:
        report_leftovers(w->res);
        enter(w, PHASE_KILL);
        break;
    case PHASE_TERM:
        enter(w, PHASE_KILL);
        break;
    case PHASE_KILL:
        break;
    }
    if (w->phase == PHASE_KILL) {
        kill_children();
        w->last_kill = clock_monotonic_ns();
    }
}

/* One look at everything. False when there is nothing left to wait for. */
static bool step(struct watch *w)
{
    reap(w);
    if (w->alone)
        return false;
    if (signals_stop() && w->phase < PHASE_TERM) {
        /* A test that has ended keeps its verdict, whatever it left behind. */
        if (!w->main_ended)
            w->res->end = SUPERVISE_STOPPED;
        enter(w, w->main_ended ? PHASE_KILL : PHASE_TERM);
    } else if (w->main_ended && w->phase == PHASE_RUN) {
        enter(w, PHASE_LINGER);
    }
    int64_t now = clock_monotonic_ns(), until = deadline(w);
    if (until >= 0 && now >= until) {
        on_deadline(w);
        until = deadline(w);
    }
    if (w->phase == PHASE_KILL && now - w->phase_since > GIVE_UP_MS * MS)
        return false;
    int64_t wait = until < 0 ? -1 : until > now ? until - now : 0;
    signals_poll(w->fds, 2, wait);
    for (int i = 0; i < 2; i++)
        if (w->fds[i].fd >= 0 && w->fds[i].revents)
            read_stream(w, i);
    return true;
}

/* A pipe whose reading end does not block. */
static bool open_pipe(int fds[2])
{
    if (pipe2(fds, O_CLOEXEC) != 0)
        return false;
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    return true;
}

/* What an earlier test made us keep in memory would count as this one's peak. */
static void shed_peak(void)
{
    static long base;
    struct rusage ru;
    if (getrusage(RUSAGE_SELF, &ru) != 0)
        return;
    /* A large process that started us by vfork has left its own peak in ours: what is added to
     * that cannot be seen. */
    bool inherited = base > INHERITED_KIB;
    if (!base || (!inherited && ru.ru_maxrss <= base + OWN_PEAK_KIB)) {
        base = base ? base : ru.ru_maxrss;
        return;
    }
    platform_forget_peak();
    if (getrusage(RUSAGE_SELF, &ru) == 0 && ru.ru_maxrss > base)
        base = ru.ru_maxrss;
}

/* Starts the process with fresh pipes: one that a test leaves behind in a strange state (not
 * blocking, still held by somebody) does no harm to the next. */
static bool start(struct watch *w, struct error *err)
{
    const struct supervise *what = w->what;
    int out[2], err_out[2] = {-1, -1};
    if (!open_pipe(out))
        return error_errno(err, EXIT_INTERNAL, "a pipe for a test's output");
    if (!what->merge && !open_pipe(err_out)) {
        error_errno(err, EXIT_INTERNAL, "a pipe for a test's output");
        close(out[0]);
        close(out[1]);
        return false;
    }
    w->fds[0].fd = out[0];
    w->fds[1].fd = err_out[0];
    shed_peak();
    struct spawn s = {what->argv, what->envp, what->cwd, what->in, out[1],
                      what->merge ? out[1] : err_out[1]};
    w->res->start_ns = clock_realtime_ns();
    w->start = clock_monotonic_ns();
    w->pid = spawn_start(&s, &w->res->failure);
    close(out[1]);
    if (!what->merge)
        close(err_out[1]);
    return true;
}

bool supervise_run(const struct supervise *what, struct supervised *res, struct error *err)
{
    struct watch w = {.what = what, .res = res, .phase = PHASE_RUN};
    memset(res, 0, sizeof *res);
    capture_init(&res->out, what->output_limit);
    capture_init(&res->err, what->output_limit);
    for (int i = 0; i < 2; i++)
        w.fds[i] = (struct pollfd){-1, POLLIN, 0};
    if (!start(&w, err))
        return false;
    if (w.pid < 0) {
        res->end = SUPERVISE_NOT_STARTED;
    } else {
        res->end = SUPERVISE_ENDED;
        if (what->on_start)
            what->on_start(what->ctx, w.pid);
        while (step(&w))
            ;
        if (!w.main_ended)
            res->wall_ns = (uint64_t)(clock_monotonic_ns() - w.start);
    }
    drain(&w);
    return true;
}

void supervised_release(struct supervised *res)
{
    capture_release(&res->out);
    capture_release(&res->err);
    strv_release(&res->leftovers);
}
