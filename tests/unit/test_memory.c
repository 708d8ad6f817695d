/* run/platform_linux_memory and run/gate: what the kernel's files say, and what follows. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "config/values.h"
#include "run/gate.h"
#include "run/platform.h"

enum { MB = 1024 * 1024 };
static char *root;

static int set_up(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    root = path_join(tmp && *tmp ? tmp : "/tmp", "memory-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    bool gone = file_remove_tree(AT_FDCWD, root);
    free(root);
    return gone ? 0 : -1;
}

static void put(const char *name, const char *text)
{
    struct error err = ERROR_INIT;
    char *path = xasprintf("%s%s", root, name), *dir = path_dirname(path);
    if (!file_mkdirs(dir, &err) || !file_write(path, text, strlen(text), &err))
        fail_msg("%s", err.msg);
    free(dir);
    free(path);
}

static void expect(uint64_t total_mb, uint64_t available_mb)
{
    struct platform_memory m;
    assert_true(platform_memory(root, &m));
    assert_int_equal(m.total / MB, total_mb);
    assert_int_equal(m.available / MB, available_mb);
}

static void put_machine(void)
{
    put("/proc/meminfo", "MemTotal:       1048576 kB\nMemFree:          1024 kB\n"
                         "MemAvailable:     524288 kB\n");
}

static void test_machine(void **state)
{
    (void)state;
    struct platform_memory m;
    assert_false(platform_memory(root, &m));
    put("/proc/meminfo", "MemTotal: 1048576 kB\nMemFree: 1024 kB\n"); /* before Linux 3.14 */
    assert_false(platform_memory(root, &m));
    put_machine();
    expect(1024, 512);
    assert_true(platform_memory(root, &m) && m.pressure < 0);
    put("/proc/pressure/memory", "some avg10=30.25 avg60=1.00 avg300=0.00 total=12\n"
                                 "full avg10=2.00 avg60=0.00 avg300=0.00 total=1\n");
    assert_true(platform_memory(root, &m));
    assert_true(m.pressure > 30.2 && m.pressure < 30.3);
    put("/proc/pressure/memory", "nothing known\n");
    assert_true(platform_memory(root, &m) && m.pressure < 0);
    assert_true(platform_memory("", &m) && m.total > 0 && m.available <= m.total);
}

static void test_version_2(void **state)
{
    (void)state;
    put_machine();
    put("/proc/self/cgroup", "0::/ci/job\n");
    expect(1024, 512); /* no files */
    put("/sys/fs/cgroup/ci/job/memory.max", "max\n");
    put("/sys/fs/cgroup/ci/job/memory.current", "1000\n");
    expect(1024, 512);
    /* The group above has a limit: 256 MB, 200 used, 50 of them files that can be dropped. */
    put("/sys/fs/cgroup/ci/memory.max", "268435456\n");
    put("/sys/fs/cgroup/ci/memory.current", "209715200\n");
    expect(256, 56);
    put("/sys/fs/cgroup/ci/memory.stat", "anon 1\ninactive_file 52428800\nactive_file 3\n");
    expect(256, 106);
    /* Above its limit; and damaged files. */
    put("/sys/fs/cgroup/ci/memory.current", "999999999\n");
    expect(256, 0);
    put("/sys/fs/cgroup/ci/memory.max", "-1\n");
    expect(1024, 512);
    put("/sys/fs/cgroup/ci/memory.max", "");
    expect(1024, 512);
}

static void test_version_1(void **state)
{
    (void)state;
    put_machine();
    put("/proc/self/cgroup", "12:cpu,cpuacct:/other\n5:memory:/a\n1:name=systemd:/x\n");
    put("/sys/fs/cgroup/memory/other/memory.limit_in_bytes", "1\n");
    put("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "9223372036854771712\n");
    put("/sys/fs/cgroup/memory/a/memory.usage_in_bytes", "1000000\n");
    expect(1024, 512);
    put("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "104857600\n");
    put("/sys/fs/cgroup/memory/a/memory.usage_in_bytes", "104857600\n");
    put("/sys/fs/cgroup/memory/a/memory.stat", "inactive_file 7\ntotal_inactive_file 31457280\n");
    expect(100, 30);
    /* Version 2 beside it: the smaller limit counts, wherever it is. */
    put("/proc/self/cgroup", "5:memory:/a\n0::/b/job\n");
    put("/sys/fs/cgroup/unified/b/job/memory.max", "max\n");
    put("/sys/fs/cgroup/unified/b/memory.max", "20971520\n");
    put("/sys/fs/cgroup/unified/b/memory.current", "5242880\n");
    expect(20, 15);
}

static void test_judge(void **state)
{
    (void)state;
    struct plan_head head = {.memory_share = 1000};
    struct platform_memory m = {.total = 1000ull * MB, .available = 99ull * MB, .pressure = -1};
    assert_int_equal(gate_judge(&head, &m), GATE_FLOOR);
    m.available = 101ull * MB;
    assert_int_equal(gate_judge(&head, &m), GATE_OPEN);
    m.pressure = 26;
    assert_int_equal(gate_judge(&head, &m), GATE_PRESSURE);
    m.pressure = 24;
    head = (struct plan_head){.memory_floor = 102ull * MB};
    assert_int_equal(gate_judge(&head, &m), GATE_FLOOR);
    head.memory_floor = 100ull * MB;
    assert_int_equal(gate_judge(&head, &m), GATE_OPEN);
}

static void test_values(void **state)
{
    (void)state;
    struct memory_floor f = {1, 1};
    static const char *const bad[] = {"", "%", "10 %", "-1%", "100%", "x", "1T", "1.5G", "10%%"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(value_memory_floor(bad[i], &f));
    assert_true(f.share == 1 && f.bytes == 1);
    assert_true(value_memory_floor("12.5%", &f) && f.share == 1250 && f.bytes == 0);
    assert_true(value_memory_floor("2G", &f) && f.share == 0 && f.bytes == 2048ull * MB);
    assert_true(value_memory_floor("0", &f) && f.share == 0 && f.bytes == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_machine, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_version_2, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_version_1, set_up, tear_down),
        cmocka_unit_test(test_judge),
        cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
