#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "fixturecase.h"

char case_dir[4096];
int case_talk[2];

int case_set_up(void **state)
{
    (void)state;
    static const char *const names[] = {"ROWLOCK_TEST_PREFIX", "ROWLOCK_SHARED_DIR",
                                        "FQCN_TEST_WORKER_ID", "FQCN_TEST_MODE",
                                        "FQCN_TEST_TEMP_DIR",  "FQCN_CONFIG_DIR",
                                        "FQCN_CACHE_DIR",      "PYTEST_XDIST_WORKER",
                                        "PYTEST_XDIST_WORKER_COUNT"};
    static char outer[2048];
    if (!outer[0])
        snprintf(outer, sizeof outer, "%s", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    snprintf(case_dir, sizeof case_dir, "%s/fixtures-XXXXXX", outer);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
    if (!mkdtemp(case_dir) || pipe2(case_talk, O_CLOEXEC) != 0)
        return -1;
    return setenv("TMPDIR", case_dir, 1);
}

int case_tear_down(void **state)
{
    (void)state;
    close(case_talk[0]);
    close(case_talk[1]);
    return file_remove_tree(AT_FDCWD, case_dir) ? 0 : -1;
}

pid_t case_start(void (*body)(void))
{
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid)
        return pid;
    body();
    exit(0);
}

void case_finish(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

void case_run(void (*body)(void))
{
    case_finish(case_start(body));
}

void case_say(const char *text)
{
    char line[512] = "";
    snprintf(line, sizeof line, "%s", text);
    CHECK(write(case_talk[1], line, sizeof line) == (ssize_t)sizeof line);
}

char *case_hear(void)
{
    char line[512];
    assert_int_equal(read(case_talk[0], line, sizeof line), sizeof line);
    return xstrdup(line);
}
