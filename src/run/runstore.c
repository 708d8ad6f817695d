#include "run/runstore.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "run/platform.h"
#include "run/state.h"

/* A test's own folder, TEMP/gwNNN/tNNNNNN, has to stay within 60 bytes. */
enum { TEMP_DIR_MOST = 44 };

char *runstore_path(const struct runstore *r, const char *name)
{
    return path_join(r->dir, name);
}

static bool make_temp(struct runstore *r, struct error *err)
{
    const char *base = getenv("TMPDIR");
    if (!base || base[0] != '/' || strlen(base) + sizeof "/rl-XXXXXX" > TEMP_DIR_MOST)
        base = "/tmp";
    r->temp = xasprintf("%s/rl-XXXXXX", base);
    if (mkdtemp(r->temp))
        return true;
    error_errno(err, EXIT_INTERNAL, "%s: no temporary folder can be made; set TMPDIR", base);
    free(r->temp);
    r->temp = NULL;
    return false;
}

/* Makes .rowlock/runs/ID with the first free ID of this second. */
static bool make_dir(struct runstore *r, struct error *err)
{
    static const char advice[] = "runs are kept there, so .rowlock has to be a writable folder";
    if (!file_mkdirs(".rowlock/runs", err) || (access(".rowlock/.gitignore", F_OK) != 0 &&
                                               !file_write(".rowlock/.gitignore", "*\n", 2, err)))
        return error_advise(err, advice);
    char stamp[32];
    time_t now = time(NULL);
    struct tm tm;
    strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", gmtime_r(&now, &tm));
    for (int i = 0; i < 1000; i++) {
        r->id = xasprintf("%s-%ld-%d", stamp, (long)getpid(), i);
        r->dir = xasprintf(".rowlock/runs/%s", r->id);
        if (mkdir(r->dir, 0777) == 0)
            return true;
        int saved = errno;
        if (saved != EEXIST) {
            error_errno(err, EXIT_INTERNAL, "%s: cannot be created", r->dir);
            error_advise(err, advice);
        }
        free(r->id);
        free(r->dir);
        r->id = r->dir = NULL;
        if (saved != EEXIST)
            return false;
    }
    return error_set(err, EXIT_INTERNAL, ".rowlock/runs: no name is free for a new run");
}

static bool write_owner(const struct runstore *r, pid_t owner, struct error *err)
{
    char text[64];
    int n = snprintf(text, sizeof text, "%ld %llu\n", (long)owner, platform_start_time(owner));
    char *path = runstore_path(r, "owner");
    bool ok = file_write(path, text, (size_t)n, err);
    free(path);
    return ok;
}

bool runstore_create(struct runstore *r, pid_t owner, struct error *err)
{
    unsigned char random[16];
    memset(r, 0, sizeof *r);
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return error_errno(err, EXIT_INTERNAL, "getrandom");
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(r->uid + 2 * i, 3, "%02x", random[i]);
    if (!make_dir(r, err))
        return false;
    char *slots = runstore_path(r, "slots");
    bool ok = make_temp(r, err) && file_mkdirs(slots, err) && write_owner(r, owner, err);
    free(slots);
    if (!ok)
        runstore_close(r, true);
    return ok;
}

bool runstore_write_state(const struct runstore *r, uint32_t n_tests, uint32_t n_slots,
                          uint32_t maxfail, bool standalone, struct error *err)
{
    char *path = runstore_path(r, "state");
    struct state s;
    bool ok = state_create(path, n_tests, n_slots, err) && state_open(&s, path, err);
    if (ok) {
        snprintf(s.run->temp_dir, sizeof s.run->temp_dir, "%s", r->temp);
        snprintf(s.run->run_uid, sizeof s.run->run_uid, "%s", r->uid);
        s.run->maxfail = maxfail;
        s.run->standalone = standalone;
        state_close(&s);
    }
    free(path);
    return ok;
}

bool runstore_publish(const struct runstore *r, const char *exec_program, struct error *err)
{
    char *last = xasprintf("runs/%s", r->id), *makefile = xasprintf("runs/%s/tests.mk", r->id);
    bool ok = file_symlink(exec_program, ".rowlock/rowlock-exec", err) &&
              file_symlink(last, ".rowlock/last", err) &&
              file_symlink(makefile, ".rowlock/tests.mk", err);
    free(last);
    free(makefile);
    return ok;
}

void runstore_release(struct runstore *r)
{
    free(r->id);
    free(r->dir);
    free(r->temp);
    r->id = r->dir = r->temp = NULL;
}

void runstore_close(struct runstore *r, bool drop)
{
    if (r->temp)
        file_remove_tree(AT_FDCWD, r->temp);
    if (drop && r->dir) {
        file_remove_tree(AT_FDCWD, r->dir);
        /* Only if this was the first run. */
        if (rmdir(".rowlock/runs") == 0 && unlink(".rowlock/.gitignore") == 0)
            rmdir(".rowlock");
    }
    runstore_release(r);
}

bool runstore_owner_lives(const char *dir)
{
    char *path = path_join(dir, "owner");
    long pid = 0;
    unsigned long long start = 0;
    FILE *f = fopen(path, "re");
    bool read = f && fscanf(f, "%ld %llu", &pid, &start) == 2;
    if (f)
        fclose(f);
    free(path);
    return read && pid > 0 && start && platform_start_time((pid_t)pid) == start;
}

/* Removes the temporary folder that a dead run left, if its name is one of ours. */
static void remove_temp_of(const char *dir)
{
    char *path = path_join(dir, "state");
    struct error err = ERROR_INIT;
    struct state s;
    if (state_open(&s, path, &err)) {
        char temp[sizeof s.run->temp_dir + 1];
        memcpy(temp, s.run->temp_dir, sizeof s.run->temp_dir);
        temp[sizeof s.run->temp_dir] = '\0';
        state_close(&s);
        struct stat st;
        if (temp[0] == '/' && strncmp(path_basename(temp), "rl-", 3) == 0 &&
            lstat(temp, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid())
            file_remove_tree(AT_FDCWD, temp);
    }
    error_release(&err);
    free(path);
}

/* The run that .rowlock/tests.mk belongs to is needed for as long as someone may type
 * `make -f .rowlock/tests.mk`. */
static bool is_published(const char *dir)
{
    char target[256];
    ssize_t n = readlink(".rowlock/tests.mk", target, sizeof target - 1);
    if (n <= 0)
        return false;
    target[n] = '\0';
    char *makefile = path_join(path_basename(dir), path_basename(target));
    bool same = strncmp(target, "runs/", 5) == 0 && strcmp(target + 5, makefile) == 0;
    free(makefile);
    return same;
}

void runstore_prune(int keep)
{
    struct strv runs = STRV_INIT;
    DIR *d = opendir(".rowlock/runs");
    for (struct dirent *e; d && (e = readdir(d)) != NULL;)
        if (e->d_name[0] != '.')
            strv_push(&runs, e->d_name);
    if (d)
        closedir(d);
    strv_sort(&runs);
    for (size_t i = 0; i < runs.n; i++) {
        char *dir = path_join(".rowlock/runs", runs.v[i]);
        if (!runstore_owner_lives(dir)) {
            remove_temp_of(dir);
            if (runs.n - i > (size_t)keep && !is_published(dir))
                file_remove_tree(AT_FDCWD, dir);
        }
        free(dir);
    }
    strv_release(&runs);
}
