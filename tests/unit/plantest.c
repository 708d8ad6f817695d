#include "plantest.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/xalloc.h"

char *plantest_enter(void)
{
    const char *tmp = getenv("TMPDIR");
    char *dir = xasprintf("%s/plantest-XXXXXX", tmp && tmp[0] ? tmp : "/tmp");
    assert_non_null(mkdtemp(dir));
    assert_int_equal(chdir(dir), 0);
    return dir;
}

void plantest_leave(char *dir)
{
    assert_int_equal(chdir("/"), 0);
    assert_true(file_remove_tree(AT_FDCWD, dir));
    free(dir);
}

void plantest_write(const char *path, const char *text)
{
    struct error err = ERROR_INIT;
    char *dir = path_dirname(path);
    if (!file_mkdirs(dir, &err) || !file_write(path, text, strlen(text), &err))
        fail_msg("%s", err.msg);
    free(dir);
}

char *plantest_read(const char *path)
{
    struct buf b = BUF_INIT;
    struct error err = ERROR_INIT;
    file_read(path, &b, &err);
    error_release(&err);
    return buf_detach(&b);
}

uint64_t plantest_random(uint64_t *seed)
{
    uint64_t z = *seed += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint32_t plantest_below(uint64_t *seed, uint32_t n)
{
    return (uint32_t)(plantest_random(seed) % n);
}

static char **keep(struct manifest *m, const struct strv *s)
{
    return s->n ? arena_strv(&m->arena, s->v, s->n) : NULL;
}

/* The value of word if its key is that; else NULL. */
static const char *value_of(const char *word, const char *key)
{
    size_t n = strlen(key);
    return strncmp(word, key, n) == 0 && word[n] == '=' ? word + n + 1 : NULL;
}

static void set_scalar(struct manifest *m, struct test *t, const char *word)
{
    const char *v;
    if ((v = value_of(word, "weight")) != NULL)
        t->weight = (unsigned)atoi(v);
    else if ((v = value_of(word, "timeout")) != NULL)
        t->timeout = atof(v);
    else if ((v = value_of(word, "expected")) != NULL)
        t->expected = atof(v);
    else if ((v = value_of(word, "suite")) != NULL)
        t->suite = arena_strdup(&m->arena, v);
    else if ((v = value_of(word, "cwd")) != NULL)
        t->cwd = arena_strdup(&m->arena, v);
    else if ((v = value_of(word, "marker")) != NULL)
        test_add_marker(m, t, v);
    else if ((v = value_of(word, "scope")) != NULL)
        t->scope = arena_strdup(&m->arena, v);
    else if ((v = value_of(word, "file")) != NULL)
        t->file = arena_strdup(&m->arena, v);
    else if ((v = value_of(word, "group")) != NULL)
        t->group = arena_strdup(&m->arena, v);
    else if (strcmp(word, "serial") == 0)
        t->serial = true;
    else if (strcmp(word, "tap") == 0)
        t->format = FORMAT_TAP;
    else
        fail_msg("plantest_add: what is %s?", word);
}

struct test *plantest_add(struct manifest *m, const char *id, const char *const *words)
{
    struct error err = ERROR_INIT;
    struct strv locks = STRV_INIT, depends = STRV_INIT, needs = STRV_INIT, command = STRV_INIT;
    struct test *t = manifest_add(m, id, NULL, &err);
    if (!t) {
        fprintf(stderr, "plantest_add: %s\n", err.msg);
        abort();
    }
    for (; *words; words++) {
        const char *v;
        if ((v = value_of(*words, "locks")) != NULL)
            strv_push(&locks, v);
        else if ((v = value_of(*words, "depends")) != NULL)
            strv_push(&depends, v);
        else if ((v = value_of(*words, "needs")) != NULL)
            strv_push(&needs, v);
        else if ((v = value_of(*words, "command")) != NULL)
            strv_push(&command, v);
        else
            set_scalar(m, t, *words);
    }
    if (!command.n)
        strv_push(&command, "./program");
    if (t->scope || t->file || t->group)
        t->format = FORMAT_PYTEST;
    else
        t->command = keep(m, &command);
    t->depends = keep(m, &depends);
    t->needs = keep(m, &needs);
    manifest_set_locks(m, t, &locks);
    strv_release(&locks);
    strv_release(&depends);
    strv_release(&needs);
    strv_release(&command);
    return t;
}

struct plan_settings plantest_settings(void)
{
    return (struct plan_settings){.dist = DIST_LOADSCOPE,
                                  .n_slots = 4,
                                  .run_id = PLANTEST_ID,
                                  .root = "/nowhere",
                                  .env_prefix = "FQCN",
                                  .program = "/nowhere/rowlock"};
}

void plantest_plan(struct plan *p, const struct manifest *m, const struct plan_settings *s)
{
    struct error err = ERROR_INIT;
    size_t *all = xcalloc(m->n, sizeof *all);
    for (size_t i = 0; i < m->n; i++)
        all[i] = i;
    if (!plan_make(p, m, all, m->n, s, &err))
        fail_msg("%s", err.msg);
    free(all);
}

static char *this_program(void)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    assert_true(n > 0);
    return xmemdup0(path, (size_t)n);
}

void plantest_install(const struct plan *p)
{
    struct error err = ERROR_INIT;
    char *run = xasprintf(".rowlock/runs/%s", p->settings.run_id);
    char *plan = path_join(run, "plan"), *program = this_program();
    if (!file_mkdirs(run, &err) || !plan_write_file(p, plan, &err) ||
        !plan_write_makefile(p, ".rowlock/tests.mk", &err) ||
        !file_symlink(program, ".rowlock/rowlock-exec", &err))
        fail_msg("%s", err.msg);
    free(plan);
    free(program);
    free(run);
}

int plantest_set_up(void **state)
{
    struct plantest_case *f = xcalloc(1, sizeof *f);
    f->dir = plantest_enter();
    manifest_init(&f->m);
    f->s = plantest_settings();
    *state = f;
    return 0;
}

int plantest_tear_down(void **state)
{
    struct plantest_case *f = *state;
    plan_release(&f->p);
    manifest_release(&f->m);
    plantest_leave(f->dir);
    free(f);
    return 0;
}

void plantest_case_install(struct plantest_case *f)
{
    plan_release(&f->p);
    plantest_plan(&f->p, &f->m, &f->s);
    plantest_install(&f->p);
}

static int append(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    return fd < 0 || file_write_all(fd, text, strlen(text)) != 0 || close(fd) != 0;
}

/* Does a file of that name say what becomes of this recipe? word is "begin", "3", … */
static bool is_told(const char *what, const char *word)
{
    char *path = xasprintf("%s-%s", what, word);
    bool there = access(path, F_OK) == 0;
    free(path);
    return there;
}

/* The life of a recipe: whoever does not wait for it starts in its middle. */
static int be_rowlock_exec(int argc, char **argv)
{
    struct buf words = BUF_INIT;
    for (int i = 1; i < argc; i++)
        buf_addf(&words, " %s", argv[i]);
    char *start = xasprintf("start%s\n", buf_cstr(&words));
    char *end = xasprintf("end%s\n", buf_cstr(&words));
    int failed = append("log", start);
    if (getenv("PWD") || getenv("SHLVL") || getenv("_"))
        failed |= append("shell", start);
    for (char **e = environ; *e; e++)
        if (strncmp(*e, "rowlock_", 8) == 0)
            failed |= append("leaked", *e);
    nanosleep(&(struct timespec){0, 5000000}, NULL);
    if (argc > 2 && is_told("kill", argv[2]))
        raise(SIGKILL);
    failed |= append("log", end);
    failed |= argc > 2 && is_told("fail", argv[2]);
    free(start);
    free(end);
    buf_release(&words);
    return failed;
}

int plantest_main(int argc, char **argv)
{
    return strcmp(path_basename(argv[0]), "rowlock-exec") == 0 ? be_rowlock_exec(argc, argv) : -1;
}

int plantest_make(char **out, const char *const *words)
{
    struct strv argv = STRV_INIT, env = STRV_INIT;
    const char *path = getenv("PATH"), *sanitizer = getenv("ASAN_OPTIONS");
    const char *makefiles = getenv("MAKEFILES");
    strv_push(&argv, "make");
    strv_push_all(&argv, (char *const *)(const void *)words);
    strv_pushf(&env, "PATH=%s", path ? path : "/usr/local/bin:/usr/bin:/bin");
    if (sanitizer)
        strv_pushf(&env, "ASAN_OPTIONS=%s", sanitizer);
    if (makefiles)
        strv_pushf(&env, "MAKEFILES=%s", makefiles);
    pid_t pid = fork();
    if (pid == 0) {
        int fd = open("output", O_WRONLY | O_CREAT | O_TRUNC, 0666);
        if (fd >= 0 && dup2(fd, 1) >= 0 && dup2(fd, 2) >= 0)
            execvpe(argv.v[0], argv.v, env.v);
        _exit(127);
    }
    int status = 0;
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    if (out)
        *out = plantest_read("output");
    strv_release(&argv);
    strv_release(&env);
    return WEXITSTATUS(status);
}
