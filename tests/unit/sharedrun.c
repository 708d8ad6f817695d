#include "sharedrun.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

void sharedrun_open(struct sharedrun *r, size_t size, uint32_t n_slots, const struct plan_head *plan,
                    size_t plan_size)
{
    r->size = size;
    r->memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(r->memory != MAP_FAILED);
    struct run_state *run = r->memory;
    run->n_slots = n_slots;
    r->state = (struct state){.run = run, .slots = (struct slot_state *)(run + 1)};
    r->map = (struct plan_map){(const unsigned char *)plan, plan_size, plan};
}

int sharedrun_tear_down(void **state)
{
    struct sharedrun *r = *state;
    munmap(r->memory, r->size);
    free(r);
    return 0;
}

void sharedrun_fork(uint32_t n, void (*work)(void *ctx, uint32_t number), void *ctx)
{
    for (uint32_t i = 0; i < n; i++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            work(ctx, i);
            _exit(0);
        }
    }
    int status;
    while (wait(&status) > 0)
        assert_int_equal(status, 0);
}
