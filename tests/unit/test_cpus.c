/* run/cpus: the CPU quota of cgroups, both versions, from files as kernels show them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/xalloc.h"
#include "run/cpus.h"
#include "sysfiles.h"

enum { MOST_FILES = 8 };

/* Writes the files below a new root and asks for the quota. */
static int quota_of(const struct sysfile *files)
{
    char root[] = "/tmp/rl-cpus-XXXXXX";
    sysfiles_make(root, files);
    int quota = cpus_quota(root);
    sysfiles_remove(root);
    return quota;
}

#define SELF "proc/self/cgroup"
#define SYS "sys/fs/cgroup/"

static void test_quota(void **state)
{
    (void)state;
    static const struct {
        struct sysfile files[MOST_FILES];
        int cpus;
    } cases[] = {
        {{{NULL}}, 0},
        /* Version 2. */
        {{{SELF, "0::/\n"}, {SYS "cpu.max", "200000 100000\n"}}, 2},
        {{{SELF, "0::/\n"}, {SYS "cpu.max", "150000 100000\n"}}, 2},
        {{{SELF, "0::/\n"}, {SYS "cpu.max", "50000 100000\n"}}, 1},
        {{{SELF, "0::/\n"}, {SYS "cpu.max", "max 100000\n"}}, 0},
        {{{SELF, "0::/\n"}}, 0},
        {{{SELF, "0::/a/b\n"}, {SYS "a/b/cpu.max", "400000 100000\n"}}, 4},
        {{{SELF, "0::/a/b\n"},
          {SYS "a/b/cpu.max", "400000 100000\n"},
          {SYS "a/cpu.max", "300000 100000\n"},
          {SYS "cpu.max", "500000 100000\n"}},
         3},
        {{{SELF, "0::/a\n"}, {SYS "a/cpu.max", "max\n"}, {SYS "cpu.max", "20000 10000\n"}}, 2},
        /* Version 1, alone and beside version 2. */
        {{{SELF, "4:cpu,cpuacct:/\n"},
          {SYS "cpu/cpu.cfs_quota_us", "300000\n"},
          {SYS "cpu/cpu.cfs_period_us", "100000\n"}},
         3},
        {{{SELF, "4:cpuacct,cpu:/a\n"},
          {SYS "cpu/a/cpu.cfs_quota_us", "25000\n"},
          {SYS "cpu/a/cpu.cfs_period_us", "10000\n"}},
         3},
        {{{SELF, "4:cpu:/docker/0123\n"}, /* the host's name of the group, seen from inside */
          {SYS "cpu/cpu.cfs_quota_us", "200000\n"},
          {SYS "cpu/cpu.cfs_period_us", "100000\n"}},
         2},
        {{{SELF, "4:cpu:/\n"},
          {SYS "cpu/cpu.cfs_quota_us", "-1\n"},
          {SYS "cpu/cpu.cfs_period_us", "100000\n"}},
         0},
        {{{SELF, "5:cpuset:/a\n4:memory:/\n"}, {SYS "cpu/a/cpu.cfs_quota_us", "100000\n"}}, 0},
        {{{SELF, "4:cpu:/a\n1:name=systemd:/a\n0::/a\n"},
          {SYS "cpu/a/cpu.cfs_quota_us", "400000\n"},
          {SYS "unified/a/cpu.max", "200000 100000\n"}},
         2},
        /* What no kernel writes. */
        {{{SELF, "0::/\n"}, {SYS "cpu.max", "100000 0\n"}}, 0},
        {{{SELF, "0::/\n"}, {SYS "cpu.max", "x\n"}}, 0},
        {{{SELF, "0::/\n"}, {SYS "cpu.max", ""}}, 0},
        {{{SELF, "nothing\n:\n0:\n\n"}, {SYS "cpu.max", "100000 100000\n"}}, 0},
        {{{SELF, "0::/\n"}, {SYS "cpu.max", "9223372036854775807 1\n"}}, INT32_MAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (quota_of(cases[i].files) != cases[i].cpus)
            fail_msg("case %zu: not %d", i, cases[i].cpus);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_quota)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
