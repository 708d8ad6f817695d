/* validate: the quotas of control groups, from files as kernels show them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "command/validation.h"
#include "sysfiles.h"

/* What the checks say of a machine whose /proc and /sys have these files. */
static void look(struct validation *v, unsigned workers, const struct sysfile *files)
{
    char root[] = "/tmp/rl-quota-XXXXXX";
    *v = (struct validation){.workers = workers, .workers_given = true};
    sysfiles_make(root, files);
    validate_quotas(v, root);
    sysfiles_remove(root);
}

static const struct check *find(const struct validation *v, const char *name)
{
    for (size_t i = 0; i < v->n; i++)
        if (strcmp(v->checks[i].name, name) == 0)
            return &v->checks[i];
    fail_msg("no check '%s'", name);
    return NULL;
}

static void expect(const struct validation *v, const char *name, enum check_status status,
                   const char *part)
{
    const struct check *c = find(v, name);
    if (c->status != status || !strstr(c->detail, part))
        fail_msg("%s: status %d, \"%s\"", name, (int)c->status, c->detail);
}

static void forget(struct validation *v)
{
    for (size_t i = 0; i < v->n; i++) {
        free(v->checks[i].name);
        free(v->checks[i].detail);
    }
    free(v->checks);
}

#define SELF "proc/self/cgroup"
#define SYS "sys/fs/cgroup/"
#define MEMINFO "MemTotal: 4194304 kB\nMemAvailable: 2097152 kB\n"

static void test_version_2(void **state)
{
    struct validation v;
    (void)state;
    static const struct sysfile files[] = {{SELF, "0::/ci\n"},
                                        {"proc/meminfo", MEMINFO},
                                        {SYS "ci/cpu.max", "150000 100000\n"},
                                        {SYS "ci/memory.max", "268435456\n"},
                                        {SYS "ci/memory.current", "104857600\n"},
                                        {SYS "ci/pids.max", "40\n"},
                                        {SYS "ci/pids.current", "10\n"},
                                        {NULL, NULL}};
    look(&v, 4, files);
    expect(&v, "processors", CHECK_WARNING, "quota is 2, which is less than the workers");
    expect(&v, "memory", CHECK_WARNING, "156 MB of 256 MB can be used, 39 MB by each of 4 workers");
    expect(&v, "process quota", CHECK_FAILED, "allows 30 more, 4 workers need 40");
    forget(&v);
    look(&v, 8, files);
    expect(&v, "memory", CHECK_FAILED, "19 MB by each of 8");
    forget(&v);
    look(&v, 1, files);
    expect(&v, "processors", CHECK_OK, "quota is 2");
    expect(&v, "memory", CHECK_OK, "156 MB by each");
    expect(&v, "process quota", CHECK_OK, "1 workers need 22");
    forget(&v);
}

static void test_version_1_and_none(void **state)
{
    struct validation v;
    (void)state;
    static const struct sysfile version_1[] = {{SELF, "3:pids:/a\n2:cpu:/a\n"},
                                            {"proc/meminfo", MEMINFO},
                                            {SYS "cpu/a/cpu.cfs_quota_us", "100000\n"},
                                            {SYS "cpu/a/cpu.cfs_period_us", "100000\n"},
                                            {SYS "pids/pids.max", "20\n"},
                                            {SYS "pids/a/pids.max", "max\n"},
                                            {NULL, NULL}};
    static const struct sysfile nothing[] = {{SELF, "0::/\n"}, {NULL, NULL}};
    look(&v, 2, version_1);
    expect(&v, "processors", CHECK_WARNING, "quota is 1");
    expect(&v, "process quota", CHECK_FAILED, "allows 20 more");
    forget(&v);
    look(&v, 2, nothing);
    expect(&v, "processors", CHECK_OK, "no quota");
    expect(&v, "memory", CHECK_SKIPPED, "cannot be read");
    expect(&v, "process quota", CHECK_OK, "none");
    forget(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_version_2),
        cmocka_unit_test(test_version_1_and_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
