#include "testrun.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/xalloc.h"
#include "run/execmain.h"

enum { PATIENCE_MS = 20000 };

static void check(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "testrun: %s: %s\n", what, strerror(errno));
    abort();
}

static void check_error(bool ok, const struct error *err)
{
    if (ok)
        return;
    fprintf(stderr, "testrun: %s\n", err->msg);
    abort();
}

/* ---- The program's other lives ---------------------------------------------------------- */

static int flood(const char *amount)
{
    static char text[65536];
    memset(text, 'x', sizeof text);
    printf("first line\n");
    fflush(stdout);
    for (long long left = atoll(amount); left > 0; left -= (long long)sizeof text)
        if (file_write_all(1, text, sizeof text) != 0)
            return 1;
    printf("\nlast line\n");
    return 0;
}

/* A process of a session of its own, whose parent has ended. It holds nothing of ours. */
static int leave_daemon(const char *marker)
{
    int ready[2];
    char byte;
    check(pipe(ready) == 0, "pipe");
    if (fork() == 0) {
        setsid();
        if (fork() == 0) {
            signal(SIGTERM, SIG_IGN);
            close(ready[0]);
            char *const argv[] = {(char *)"sleep", (char *)marker, NULL};
            fcntl(ready[1], F_SETFD, FD_CLOEXEC);
            close(0);
            close(1);
            close(2);
            execvp("sleep", argv);
        }
        _exit(0);
    }
    wait(NULL);
    close(ready[1]);
    /* Ends when the daemon has become sleep. */
    return read(ready[0], &byte, 1) == 0 ? 0 : 1;
}

int testrun_main(int argc, char **argv)
{
    if (strcmp(path_basename(argv[0]), "rowlock-exec") == 0)
        return exec_main(argc, argv);
    if (argc == 3 && strcmp(argv[1], "--flood") == 0)
        return flood(argv[2]);
    if (argc == 3 && strcmp(argv[1], "--daemon") == 0)
        return leave_daemon(argv[2]);
    return -1;
}

const char *testrun_program(void)
{
    static char path[PATH_MAX];
    if (!path[0]) {
        ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
        check(n > 0, "/proc/self/exe");
        path[n] = '\0';
    }
    return path;
}

/* ---- The plan --------------------------------------------------------------------------- */

/* Lists and strings, behind everything else. */
struct pool {
    struct buf data;
    uint64_t base;
};

static struct plan_str put_str(struct pool *p, const char *s)
{
    struct plan_str str = {p->base + p->data.len, strlen(s)};
    buf_add(&p->data, s, strlen(s) + 1);
    return str;
}

static void align(struct pool *p)
{
    while (p->data.len % 8)
        buf_addc(&p->data, '\0');
}

static struct plan_list put_list(struct pool *p, const char *const *v)
{
    struct plan_str strs[64];
    size_t n = 0;
    for (; v && v[n]; n++)
        strs[n] = put_str(p, v[n]);
    align(p);
    struct plan_list l = {p->base + p->data.len, n};
    buf_add(&p->data, strs, n * sizeof strs[0]);
    return l;
}

static struct plan_list put_numbers(struct pool *p, const uint32_t *v)
{
    size_t n = 0;
    while (v && v[n] != UINT32_MAX)
        n++;
    align(p);
    struct plan_list l = {p->base + p->data.len, n};
    buf_add(&p->data, v, n * sizeof *v);
    return l;
}

static void put_test(struct pool *p, struct plan_test *t, const struct spec *s, uint32_t group)
{
    const char *shell[] = {"sh", "-c", s->script ? s->script : "exit 0", NULL};
    memset(t, 0, sizeof *t);
    t->id = put_str(p, s->id);
    t->suite = put_str(p, "");
    t->cwd = put_str(p, s->cwd ? s->cwd : "");
    t->command = put_list(p, s->command ? s->command : shell);
    t->env = put_list(p, s->env);
    t->locks = put_list(p, s->locks);
    t->depends = put_numbers(p, s->depends);
    t->format = s->format;
    t->flags = s->serial ? PLAN_SERIAL : 0;
    t->group = group;
    t->weight = 1;
    t->timeout_ms = s->timeout_ms;
}

static uint32_t fill_groups(struct plan_group *groups, const struct spec *specs, uint32_t n)
{
    uint32_t n_groups = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (i == 0 || !specs[i].same_group)
            groups[n_groups++] = (struct plan_group){.first = i,
                                                     .format = specs[i].format,
                                                     .flags = specs[i].serial ? PLAN_SERIAL : 0,
                                                     .weight = 1};
        groups[n_groups - 1].count++;
    }
    return n_groups;
}

static void write_plan(const struct testrun *t, const struct spec *specs, uint32_t n)
{
    struct plan_group *groups = xcalloc(n, sizeof *groups);
    struct plan_test *tests = xcalloc(n, sizeof *tests);
    uint32_t *members = xcalloc(n + 1, sizeof *members), n_groups = fill_groups(groups, specs, n);
    struct plan_head h = {.magic = PLAN_MAGIC, .n_tests = n, .n_groups = n_groups, .n_members = n};
    struct pool p = {BUF_INIT, 0};
    h.off_tests = sizeof h;
    h.off_groups = h.off_tests + n * sizeof *tests;
    h.off_members = h.off_groups + n_groups * sizeof *groups;
    p.base = h.off_members + (n + (n & 1)) * sizeof *members;
    h.n_slots = t->n_slots;
    h.flags = t->flags;
    h.maxfail = t->maxfail;
    h.output_limit = t->output_limit;
    h.grace_ms = t->grace_ms;
    h.run_id = put_str(&p, RUN_ID);
    h.root = put_str(&p, t->dir);
    h.env_prefix = put_str(&p, "FQCN");
    h.program = put_str(&p, t->program ? t->program : "/nonexistent/rowlock");
    for (uint32_t i = 0, g = 0; i < n; i++) {
        members[i] = i;
        g += i > 0 && !specs[i].same_group;
        put_test(&p, &tests[i], &specs[i], g);
    }
    h.size = p.base + p.data.len;
    struct buf b = BUF_INIT;
    buf_add(&b, &h, sizeof h);
    buf_add(&b, tests, n * sizeof *tests);
    buf_add(&b, groups, n_groups * sizeof *groups);
    buf_add(&b, members, (n + (n & 1)) * sizeof *members);
    buf_add(&b, p.data.data, p.data.len);
    struct error err = ERROR_INIT;
    char *path = path_join(t->run, "plan");
    check_error(file_write(path, b.data, b.len, &err), &err);
    free(path);
    buf_release(&b);
    buf_release(&p.data);
    free(groups);
    free(tests);
    free(members);
}

/* ---- The run ---------------------------------------------------------------------------- */

void testrun_create(struct testrun *t, const struct spec *specs, uint32_t n)
{
    struct error err = ERROR_INIT;
    const char *tmp = getenv("TMPDIR");
    t->dir = xasprintf("%s/exec-XXXXXX", tmp ? tmp : "/tmp");
    check(mkdtemp(t->dir) != NULL, t->dir);
    t->run = xasprintf("%s/.rowlock/runs/%s", t->dir, RUN_ID);
    t->temp = xasprintf("%s/t", t->dir);
    check(strlen(t->temp) < sizeof t->state.run->temp_dir, "TMPDIR is too long");
    check(mkdir(t->temp, 0700) == 0, t->temp);
    check_error(file_mkdirs(t->run, &err), &err);
    char *link = xasprintf("%s/.rowlock/rowlock-exec", t->dir);
    check(symlink(testrun_program(), link) == 0, link);
    free(link);
    t->n_slots = t->n_slots ? t->n_slots : 2;
    t->grace_ms = t->grace_ms ? t->grace_ms : 300;
    t->output_limit = t->output_limit ? t->output_limit : 65536;
    t->n_tests = n;
    write_plan(t, specs, n);
    char *path = path_join(t->run, "state");
    check_error(state_create(path, n, t->n_slots, &err), &err);
    check_error(state_open(&t->state, path, &err), &err);
    free(path);
    snprintf(t->state.run->temp_dir, sizeof t->state.run->temp_dir, "%s", t->temp);
    snprintf(t->state.run->run_uid, sizeof t->state.run->run_uid, "0123456789abcdef");
    t->state.run->maxfail = t->maxfail;
}

void testrun_remove(struct testrun *t)
{
    state_close(&t->state);
    file_remove_tree(AT_FDCWD, t->dir);
    free(t->dir);
    free(t->run);
    free(t->temp);
    memset(t, 0, sizeof *t);
}

static void redirect(const struct testrun *t, const char *name, int fd)
{
    char *path = path_join(t->run, name);
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0666);
    dup2(file, fd);
    close(file);
    free(path);
}

pid_t testrun_start(const struct testrun *t, const char *const *words)
{
    pid_t pid = fork();
    check(pid >= 0, "fork");
    if (pid)
        return pid;
    const char *argv[32] = {"rowlock-exec"};
    for (size_t i = 0; i < 30 && words[i]; i++)
        argv[i + 1] = words[i];
    check(chdir(t->dir) == 0, t->dir);
    setenv("ROWLOCK_RUN", RUN_ID, 1);
    redirect(t, "out", 1);
    redirect(t, "err", 2);
    execv(testrun_program(), (char *const *)(uintptr_t)argv);
    _exit(126);
}

int testrun_wait(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        check(errno == EINTR, "waitpid");
    return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

int testrun_run_group(const struct testrun *t, unsigned group)
{
    char number[16];
    snprintf(number, sizeof number, "%u", group);
    return testrun_wait(testrun_start(t, (const char *[]){RUN_ID, number, NULL}));
}

char *testrun_read(const struct testrun *t, const char *name)
{
    struct buf b = BUF_INIT;
    struct error err = ERROR_INIT;
    char *path = path_join(t->run, name);
    check_error(file_read(path, &b, &err), &err);
    free(path);
    return buf_detach(&b);
}

/* ---- What it recorded ------------------------------------------------------------------- */

static size_t find_records(const struct testrun *t, uint32_t test, enum record_kind kind,
                           struct record *last, struct buf *keep)
{
    struct error err = ERROR_INIT;
    char *path = path_join(t->run, "journal");
    struct record r;
    size_t pos = 0, torn = 0, found = 0;
    buf_clear(keep);
    check_error(file_read(path, keep, &err), &err);
    while (journal_parse((unsigned char *)keep->data, keep->len, &pos, &r, true, &torn)) {
        if (r.test != test || r.kind != kind)
            continue;
        found++;
        if (last)
            *last = r;
    }
    check(torn == 0, "the journal is damaged");
    free(path);
    return found;
}

bool testrun_record(const struct testrun *t, uint32_t test, enum record_kind kind, struct record *r,
                    struct buf *keep)
{
    return find_records(t, test, kind, r, keep) > 0;
}

size_t testrun_count(const struct testrun *t, uint32_t test, enum record_kind kind)
{
    struct buf keep = BUF_INIT;
    size_t n = find_records(t, test, kind, NULL, &keep);
    buf_release(&keep);
    return n;
}

char *testrun_field(const struct testrun *t, uint32_t test, enum record_field tag)
{
    struct buf keep = BUF_INIT;
    struct record r;
    char *text = NULL;
    if (testrun_record(t, test, RECORD_RESULT, &r, &keep)) {
        struct field_iter it;
        uint32_t known;
        const unsigned char *data;
        size_t n;
        journal_fields(&it, &r);
        while (!text && journal_next_field(&it, &known, &data, &n))
            if (known == tag)
                text = xmemdup0(data, n);
    }
    buf_release(&keep);
    return text ? text : xstrdup("");
}

/* ---- Waiting ---------------------------------------------------------------------------- */

static void nap(void)
{
    struct timespec t = {0, 10 * 1000 * 1000};
    nanosleep(&t, NULL);
}

/* Is the marker a word of the process's command line? */
static bool has_marker(const char *pid, const char *marker)
{
    char path[300], text[4096];
    snprintf(path, sizeof path, "/proc/%.200s/cmdline", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text);
    if (fd >= 0)
        close(fd);
    return n > 0 && memmem(text, (size_t)n, marker, strlen(marker)) != NULL;
}

static bool marker_lives(const char *marker)
{
    DIR *d = opendir("/proc");
    struct dirent *e;
    bool found = false;
    check(d != NULL, "/proc");
    while (!found && (e = readdir(d)) != NULL)
        found = isdigit((unsigned char)e->d_name[0]) && atol(e->d_name) != (long)getpid() &&
                has_marker(e->d_name, marker);
    closedir(d);
    return found;
}

bool testrun_wait_gone(const char *marker)
{
    for (int i = 0; i < PATIENCE_MS / 10; i++) {
        if (!marker_lives(marker))
            return true;
        nap();
    }
    return false;
}

bool testrun_wait_file(const char *path)
{
    for (int i = 0; i < PATIENCE_MS / 10; i++) {
        if (access(path, F_OK) == 0)
            return true;
        nap();
    }
    return false;
}
