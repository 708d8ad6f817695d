#include "command/revive.h"

#include <unistd.h>

#include "run/zygote.h"

bool revive_is_needed(struct zygote_host *z)
{
    struct error ignored = ERROR_INIT;
    if (z->pid <= 0)
        return false;
    int fd = zygote_connect(z->store->temp, &ignored);
    if (fd >= 0) {
        close(fd);
        return false;
    }
    error_release(&ignored);
    zygote_kill(z); /* its guard may still be busy with what it left */
    return true;
}

static void no_tick(void *ctx)
{
    (void)ctx;
}

bool revive_zygote(struct zygote_host *z, struct error *err)
{
    int ready, status = 0;
    if (!zygote_start(z, &ready, err))
        return false;
    switch (zygote_wait_ready(z, ready, &status, no_tick, NULL)) {
    case ZYGOTE_READY:
        return true;
    case ZYGOTE_INTERRUPTED:
        return error_set(err, EXIT_INTERRUPTED, "interrupted while pytest collected the tests");
    case ZYGOTE_LATE:
        return error_set(err, EXIT_FAILED,
                         "the pytest process was killed, and the run's time limit was over while a "
                         "new one collected the tests");
    case ZYGOTE_ENDED:
        break;
    }
    return error_set(err, EXIT_INTERNAL,
                     "the pytest process was killed, and a new one ended with status %d; its output "
                     "is in .rowlock/last/zygote.log",
                     status);
}
