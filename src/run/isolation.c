#include "run/isolation.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/xalloc.h"

extern char **environ;

/* Make's own variables and those that steer a run are none of a test's business: a test may
 * run Make or Rowlock itself. */
static bool is_ours(const char *var)
{
    static const char *const names[] = {"MFLAGS=", "GNUMAKEFLAGS=", "ROWLOCK_GOALS=",
                                        "ROWLOCK_RUN=", ISOLATION_COVERAGE "="};
    if (strncmp(var, "MAKE", 4) == 0)
        return true;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strncmp(var, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

/* The index of NAME in env, n being the length of "NAME="; env->n if it is not there. */
static size_t env_find(const struct strv *env, const char *var, size_t n)
{
    size_t i = 0;
    while (i < env->n && strncmp(env->v[i], var, n) != 0)
        i++;
    return i;
}

/* Puts "NAME=value" in place of what NAME was. Takes var over. */
static void env_put(struct strv *env, char *var)
{
    char *eq = strchr(var, '=');
    if (!eq || eq == var) {
        free(var);
        return;
    }
    size_t i = env_find(env, var, (size_t)(eq - var) + 1);
    if (i == env->n) {
        strv_push_nodup(env, var);
        return;
    }
    free(env->v[i]);
    env->v[i] = var;
}

static void env_unset(struct strv *env, const char *name)
{
    char *var = xasprintf("%s=", name);
    size_t i = env_find(env, var, strlen(var));
    free(var);
    if (i == env->n)
        return;
    free(env->v[i]);
    env->v[i] = env->v[--env->n];
    env->v[env->n] = NULL;
}

void isolation_worker_name(char *out, size_t size, uint32_t slot, bool sequential)
{
    if (sequential)
        snprintf(out, size, "master");
    else
        snprintf(out, size, "gw%u", slot);
}

static void make_base(struct isolation *iso, const struct isolation_settings *s)
{
    struct strv *env = &iso->base;
    for (char **var = environ; var && *var; var++)
        if (!is_ours(*var))
            env_put(env, xstrdup(*var));
    char worker[16];
    isolation_worker_name(worker, sizeof worker, s->slot, s->sequential);
    const char *prefix = s->env_prefix;
    env_put(env, xasprintf("%s_TEST_WORKER_ID=%s", prefix, worker));
    env_put(env, xasprintf("%s_TEST_TEMP_DIR=%s/tmp", prefix, iso->worker_dir));
    env_put(env, xasprintf("%s_TEST_MODE=%s", prefix, s->sequential ? "sequential" : "parallel"));
    env_put(env, xasprintf("%s_CONFIG_DIR=%s/config", prefix, iso->worker_dir));
    env_put(env, xasprintf("%s_CACHE_DIR=%s/cache", prefix, iso->worker_dir));
    if (s->sequential)
        env_unset(env, "PYTEST_XDIST_WORKER");
    else
        env_put(env, xasprintf("PYTEST_XDIST_WORKER=%s", worker));
    env_put(env, xasprintf("PYTEST_XDIST_WORKER_COUNT=%u", s->n_slots));
    env_put(env, xasprintf("PYTEST_XDIST_TESTRUNUID=%s", s->run_uid));
    env_put(env, xasprintf("ROWLOCK_TEST_PREFIX=%s", prefix));
    env_put(env, xasprintf("ROWLOCK_SHARED_DIR=%s", s->temp_dir));
}

/* A process that was killed may be followed by another one for the same group: its number tells
 * their folders apart. */
static void put_coverage(struct isolation *iso)
{
    if (!iso->coverage)
        return;
    env_put(&iso->base, xasprintf("GCOV_PREFIX=%s/%u-%ld-%u", iso->coverage, iso->group,
                                  (long)getpid(), iso->coverage_n));
    env_put(&iso->base, xasprintf("GCOV_ERROR_FILE=%s/messages", iso->coverage));
}

void isolation_renew_coverage(struct isolation *iso)
{
    iso->coverage_n++;
    put_coverage(iso);
}

static bool make_dir(const char *path, struct error *err)
{
    return mkdir(path, 0777) == 0 || errno == EEXIST ||
           error_errno(err, EXIT_INTERNAL, "%s: cannot be created", path);
}

static bool make_dirs(struct isolation *iso, struct error *err)
{
    static const char *const names[] = {"tmp", "config", "cache"};
    struct stat st;
    bool ok = make_dir(iso->worker_dir, err);
    if (ok && stat(iso->worker_dir, &st) == 0)
        iso->mode = st.st_mode & 07777;
    for (size_t i = 0; ok && i < sizeof names / sizeof names[0]; i++) {
        char *path = path_join(iso->worker_dir, names[i]);
        ok = make_dir(path, err);
        free(path);
    }
    return ok;
}

bool isolation_init(struct isolation *iso, const struct isolation_settings *s, struct error *err)
{
    memset(iso, 0, sizeof *iso);
    iso->worker_dir = xasprintf("%s/gw%u", s->temp_dir, s->slot);
    iso->spare = path_join(iso->worker_dir, "spare");
    const char *coverage = getenv(ISOLATION_COVERAGE);
    iso->coverage = coverage ? xstrdup(coverage) : NULL;
    iso->group = s->group;
    make_base(iso, s);
    put_coverage(iso);
    return make_dirs(iso, err);
}

void isolation_release(struct isolation *iso)
{
    isolation_end(iso);
    free(iso->worker_dir);
    free(iso->spare);
    free(iso->coverage);
    iso->coverage = NULL;
    iso->worker_dir = iso->spare = NULL;
    strv_release(&iso->base);
    strv_release(&iso->env);
}

/* An empty folder, whatever an earlier run of the test left there. */
static bool make_fresh(const struct isolation *iso, struct error *err)
{
    const char *path = iso->test_dir;
    if (rename(iso->spare, path) == 0 || mkdir(path, 0777) == 0)
        return true;
    if (errno == EEXIST && file_remove_tree(AT_FDCWD, path) && mkdir(path, 0777) == 0)
        return true;
    return error_errno(err, EXIT_INTERNAL, "%s: cannot be created", path);
}

static bool is_empty(int fd)
{
    DIR *d = fdopendir(fd);
    if (!d) {
        close(fd);
        return false;
    }
    size_t n = 0;
    while (n <= 2 && readdir(d))
        n++;
    closedir(d);
    return n <= 2; /* "." and ".." */
}

/* Is the folder as it was made? */
static bool is_fresh(const struct isolation *iso)
{
    struct stat st;
    int fd = open(iso->test_dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return false;
    if (fstat(fd, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & 07777) == iso->mode)
        return is_empty(fd);
    close(fd);
    return false;
}

bool isolation_begin(struct isolation *iso, uint32_t number, const char *const *vars, size_t n,
                     struct error *err)
{
    strv_release(&iso->env);
    free(iso->test_dir);
    iso->test_dir = xasprintf("%s/t%u", iso->worker_dir, number);
    strv_push_all(&iso->env, iso->base.v);
    env_put(&iso->env, xasprintf("TMPDIR=%s", iso->test_dir));
    for (size_t i = 0; i < n; i++) {
        if (strchr(vars[i], '='))
            env_put(&iso->env, xstrdup(vars[i]));
        else
            env_unset(&iso->env, vars[i]);
    }
    return make_fresh(iso, err);
}

void isolation_end(struct isolation *iso)
{
    if (iso->test_dir && (!is_fresh(iso) || rename(iso->test_dir, iso->spare) != 0))
        file_remove_tree(AT_FDCWD, iso->test_dir);
    free(iso->test_dir);
    iso->test_dir = NULL;
}
