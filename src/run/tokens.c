#include "run/tokens.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "run/signals.h"

/* Another recipe that make has just started may not be seen at once. */
enum { LOOK_AROUND_NS = 50 * 1000 * 1000, LOOKS = 10 };

/* Make's own descriptor is shared with all its children, so that O_NONBLOCK cannot be set there:
 * it is opened once more. */
static void open_ends(struct tokens *t, const struct jobserver *j)
{
    char path[64];
    if (j->state != JOBSERVER_OPEN)
        return;
    if (strncmp(j->auth, "fifo:", 5) == 0) {
        t->in = open(j->auth + 5, O_RDWR | O_NONBLOCK | O_CLOEXEC);
        t->out = t->in;
        return;
    }
    snprintf(path, sizeof path, "/proc/self/fd/%d", j->fds[0]);
    t->in = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    t->out = j->fds[1];
}

static bool open_store(struct tokens *t, struct error *err)
{
    void *p =
        mmap(NULL, sizeof *t->store, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return error_errno(err, EXIT_INTERNAL, "memory");
    t->store = p;
    return true;
}

/* Takes what is there now, up to n in all. */
static void grab(struct tokens *t, uint32_t n)
{
    uint32_t have = atomic_load(&t->store->n);
    while (have < n) {
        ssize_t got = read(t->in, t->store->bytes + have, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got != 1)
            return;
        atomic_store(&t->store->n, ++have);
    }
}

enum lock_result tokens_take(struct tokens *t, const struct jobserver *j, uint32_t weight,
                             bool (*others)(void *), void *ctx, struct error *err)
{
    if (j->jobs > 0 && weight > (uint32_t)j->jobs)
        weight = (uint32_t)j->jobs;
    uint32_t n = weight - 1 < TOKENS_MAX ? weight - 1 : TOKENS_MAX;
    if (weight < 2)
        return LOCK_TAKEN;
    open_ends(t, j);
    if (t->in < 0)
        return LOCK_TAKEN;
    if (!open_store(t, err))
        return LOCK_BROKEN;
    for (int alone = 0; alone < LOOKS;) {
        grab(t, n);
        if (atomic_load(&t->store->n) == n)
            return LOCK_TAKEN;
        struct pollfd fd = {t->in, POLLIN, 0};
        int ready = signals_poll(&fd, 1, LOOK_AROUND_NS);
        if (signals_stop())
            return LOCK_STOPPED;
        if (!ready)
            alone = others(ctx) ? 0 : alone + 1;
    }
    return LOCK_TAKEN;
}

uint32_t tokens_try(struct tokens *t, const struct jobserver *j, uint32_t n)
{
    struct error err = ERROR_INIT;
    open_ends(t, j);
    if (!n || t->in < 0 || !open_store(t, &err)) {
        error_release(&err);
        return 0;
    }
    grab(t, n < TOKENS_MAX ? n : TOKENS_MAX);
    return atomic_load(&t->store->n);
}

void tokens_return(struct tokens *t)
{
    uint32_t n = t->store ? atomic_exchange(&t->store->n, 0) : 0;
    for (uint32_t done = 0; done < n;) {
        ssize_t put = write(t->out, t->store->bytes + done, n - done);
        if (put > 0)
            done += (uint32_t)put;
        else if (put < 0 && errno == EAGAIN)
            poll(&(struct pollfd){t->out, POLLOUT, 0}, 1, 100);
        else if (put == 0 || errno != EINTR)
            return; /* Make is gone */
    }
}

void tokens_release(struct tokens *t)
{
    tokens_return(t);
    if (t->store)
        munmap(t->store, sizeof *t->store);
    if (t->in >= 0)
        close(t->in);
    t->store = NULL;
    t->in = t->out = -1;
}
