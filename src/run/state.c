#include "run/state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "run/platform.h"

static const char magic[8] = {'R', 'L', 'S', 'T', 'A', 'T', 'E', '1'};

_Static_assert(offsetof(struct run_state, stop) == 16, "Python maps it at 16");
_Static_assert(offsetof(struct run_state, wide_ms) == 160, "Python writes it there");
_Static_assert(offsetof(struct run_state, share_ms) == 168, "Python writes it there");
_Static_assert(sizeof(struct run_state) % 8 == 0, "the slots follow at once");
_Static_assert(sizeof(struct slot_state) == 40, "part of the layout");

const char *outcome_name(enum outcome o)
{
    static const char *const names[OUTCOME_COUNT] = {
        [OUTCOME_NONE] = "",           [OUTCOME_PASSED] = "passed",   [OUTCOME_FAILED] = "failed",
        [OUTCOME_SKIPPED] = "skipped", [OUTCOME_XFAILED] = "xfailed", [OUTCOME_XPASSED] = "xpassed",
        [OUTCOME_ERROR] = "error",     [OUTCOME_CRASHED] = "crashed", [OUTCOME_TIMEOUT] = "timeout",
        [OUTCOME_FLAKY] = "flaky",
    };
    return (unsigned)o < OUTCOME_COUNT ? names[o] : "";
}

bool outcome_is_failure(enum outcome o)
{
    return o == OUTCOME_FAILED || o == OUTCOME_ERROR || o == OUTCOME_CRASHED ||
           o == OUTCOME_TIMEOUT;
}

static uint64_t size_for(uint32_t n_tests, uint32_t n_slots)
{
    return sizeof(struct run_state) + (uint64_t)n_slots * sizeof(struct slot_state) +
           3 * (uint64_t)n_tests;
}

bool state_create(const char *path, uint32_t n_tests, uint32_t n_slots, struct error *err)
{
    struct outfile o;
    if (!outfile_open(&o, path, err))
        return false;
    struct run_state head;
    memset(&head, 0, sizeof head);
    memcpy(head.magic, magic, sizeof magic);
    head.n_tests = n_tests;
    head.n_slots = n_slots;
    head.oom_kills = platform_oom_kills();
    fwrite(&head, sizeof head, 1, o.f);
    /* Written out rather than left as a hole: a store into a hole of a mapped file kills the
     * process when the disk is full. */
    static const char zeros[4096];
    for (uint64_t left = size_for(n_tests, n_slots) - sizeof head; left;) {
        size_t n = left < sizeof zeros ? (size_t)left : sizeof zeros;
        if (fwrite(zeros, 1, n, o.f) != n)
            break;
        left -= n;
    }
    return outfile_commit(&o, err);
}

/* Do the numbers in the head fit the file, and are its strings strings? */
static bool plausible(const struct run_state *r, size_t size)
{
    return memcmp(r->magic, magic, sizeof magic) == 0 && size_for(r->n_tests, r->n_slots) <= size &&
           memchr(r->temp_dir, '\0', sizeof r->temp_dir) != NULL &&
           memchr(r->run_uid, '\0', sizeof r->run_uid) != NULL;
}

bool state_open(struct state *s, const char *path, struct error *err)
{
    memset(s, 0, sizeof *s);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, EXIT_INTERNAL, "%s: cannot be opened", path);
    struct stat st;
    void *p = MAP_FAILED;
    if (fstat(fd, &st) == 0) {
        if (st.st_size < (off_t)sizeof(struct run_state)) {
            close(fd);
            return error_set(err, EXIT_INTERNAL, "%s: not the state of a run; start a new run",
                             path);
        }
        p = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    int saved = errno;
    close(fd);
    errno = saved;
    if (p == MAP_FAILED)
        return error_errno(err, EXIT_INTERNAL, "%s: cannot be mapped", path);
    if (!plausible(p, (size_t)st.st_size)) {
        munmap(p, (size_t)st.st_size);
        return error_set(err, EXIT_INTERNAL, "%s: not the state of a run; start a new run", path);
    }
    s->run = p;
    s->slots = (struct slot_state *)(s->run + 1);
    s->tests = (_Atomic unsigned char *)(s->slots + s->run->n_slots);
    s->failed_attempts = s->tests + s->run->n_tests;
    s->taken = s->failed_attempts + s->run->n_tests;
    s->size = (size_t)st.st_size;
    return true;
}

void state_close(struct state *s)
{
    if (s->run)
        munmap(s->run, s->size);
    memset(s, 0, sizeof *s);
}

static void show_idle(struct state *s, uint32_t test, uint32_t slot)
{
    if (slot >= s->run->n_slots)
        return;
    uint32_t shown = test + 1;
    if (atomic_compare_exchange_strong(&s->slots[slot].test, &shown, 0))
        atomic_store(&s->slots[slot].pid, 0);
}

bool state_start(struct state *s, uint32_t test, uint32_t slot, uint32_t pid)
{
    if (test >= s->run->n_tests || atomic_load(&s->run->stop) != STOP_NO)
        return false;
    unsigned char was = atomic_load(&s->tests[test]);
    do {
        if (was >= TEST_ENDED)
            return false;
    } while (!atomic_compare_exchange_weak(&s->tests[test], &was, TEST_RUNNING));
    if (slot < s->run->n_slots) {
        atomic_store(&s->slots[slot].pid, pid);
        atomic_store(&s->slots[slot].since_ns, (uint64_t)clock_monotonic_ns());
        atomic_store(&s->slots[slot].test, test + 1);
    }
    return true;
}

void state_abandon(struct state *s, uint32_t test, uint32_t slot)
{
    if (test >= s->run->n_tests)
        return;
    unsigned char running = TEST_RUNNING;
    atomic_compare_exchange_strong(&s->tests[test], &running, TEST_PENDING);
    show_idle(s, test, slot);
}

void state_attempt(struct state *s, uint32_t test, uint32_t slot)
{
    if (test >= s->run->n_tests)
        return;
    if (atomic_load(&s->failed_attempts[test]) < UCHAR_MAX)
        atomic_fetch_add(&s->failed_attempts[test], 1);
    atomic_store(&s->tests[test], TEST_PENDING);
    show_idle(s, test, slot);
}

void state_void(struct state *s, uint32_t test)
{
    if (test >= s->run->n_tests)
        return;
    unsigned char was = atomic_exchange(&s->tests[test], TEST_PENDING);
    if (was < TEST_ENDED)
        return;
    atomic_fetch_sub(&s->run->ended, 1);
    if (outcome_is_failure((enum outcome)(was - TEST_ENDED)))
        atomic_fetch_sub(&s->run->failures, 1);
}

void state_restart(struct state *s)
{
    for (uint32_t i = 0; i < s->run->n_tests; i++) {
        atomic_store(&s->tests[i], TEST_PENDING);
        atomic_store(&s->failed_attempts[i], 0);
    }
    atomic_store(&s->run->ended, 0);
    atomic_store(&s->run->failures, 0);
    atomic_store(&s->run->stop, STOP_NO);
}

uint32_t state_attempts(const struct state *s, uint32_t test)
{
    return test < s->run->n_tests ? atomic_load(&s->failed_attempts[test]) : 0;
}

static void count_failure(struct run_state *r)
{
    uint32_t n = atomic_fetch_add(&r->failures, 1) + 1;
    uint32_t no = STOP_NO;
    if (r->maxfail && n >= r->maxfail)
        atomic_compare_exchange_strong(&r->stop, &no, STOP_MAXFAIL);
}

void state_end(struct state *s, uint32_t test, uint32_t slot, enum outcome o)
{
    if (test >= s->run->n_tests || o == OUTCOME_NONE || (unsigned)o >= OUTCOME_COUNT)
        return;
    unsigned char was = atomic_exchange(&s->tests[test], (unsigned char)(TEST_ENDED + o));
    show_idle(s, test, slot);
    bool ended_before = was >= TEST_ENDED;
    if (!ended_before)
        atomic_fetch_add(&s->run->ended, 1);
    bool failed_before = ended_before && outcome_is_failure((enum outcome)(was - TEST_ENDED));
    if (outcome_is_failure(o) && !failed_before)
        count_failure(s->run);
}

enum outcome state_outcome(const struct state *s, uint32_t test)
{
    if (test >= s->run->n_tests)
        return OUTCOME_NONE;
    unsigned char b = atomic_load(&s->tests[test]);
    return b >= TEST_ENDED && b < TEST_ENDED + OUTCOME_COUNT ? (enum outcome)(b - TEST_ENDED)
                                                             : OUTCOME_NONE;
}
