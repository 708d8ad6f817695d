/* validate: GNU Make, and whether its jobserver works. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "command/validation.h"
#include "run/driver.h"

enum { JOBS = 3, RECIPES = 4, LIMIT = 120 };

/* A recipe marked '+' takes all tokens that are to be had, and returns them. */
static void check_tokens(struct validation *v)
{
    static const char makefile[] = "all:\n\t+@\"$$ROWLOCK_PROBE\" __probe tokens\n";
    struct error err = ERROR_INIT;
    struct buf out = BUF_INIT, errors = BUF_INIT;
    char *path = path_join(v->temp, "tokens.mk");
    char *const argv[] = {v->make, "-s", "-j3", "-f", path, NULL};
    int code = file_write(path, makefile, sizeof makefile - 1, &err)
                   ? validation_run(argv, LIMIT, &out, &errors)
                   : 127;
    bool ok = code == 0 && strcmp(buf_cstr(&out), "2") == 0;
    validation_add(v, ok ? CHECK_OK : CHECK_FAILED, "jobserver",
                   "look whether MAKEFLAGS or a wrapper around make disturbs it",
                   ok ? "under make -j3 a recipe can take %s%s more tokens"
                      : "expected 2 tokens, got: %s%s",
                   buf_cstr(&out), ok ? "" : buf_cstr(&errors));
    error_release(&err);
    buf_release(&out);
    buf_release(&errors);
    free(path);
}

/* Two makes below one, each with more jobs than there are tokens. */
static void write_nested(struct buf *b)
{
    static const char *const names[] = {"one", "two"};
    buf_adds(b, "all: one two\none two:\n\t+@$(MAKE) -s -f $(firstword $(MAKEFILE_LIST)) $@-jobs\n");
    for (int i = 0; i < 2; i++) {
        buf_addf(b, "%s-jobs:", names[i]);
        for (int k = 0; k < RECIPES; k++)
            buf_addf(b, " %s%d", names[i], k);
        buf_addc(b, '\n');
        for (int k = 0; k < RECIPES; k++)
            buf_addf(b, "%s%d:\n\t@\"$$ROWLOCK_PROBE\" __probe hold \"$$ROWLOCK_PROBE_DIR\" %d\n",
                     names[i], k, JOBS);
    }
}

static void check_nested(struct validation *v)
{
    struct error err = ERROR_INIT;
    struct buf makefile = BUF_INIT, out = BUF_INIT, errors = BUF_INIT;
    char *path = path_join(v->temp, "nested.mk"), *dir = path_join(v->temp, "held");
    char *over = path_join(dir, "over");
    char *const argv[] = {v->make, "-s", "-k", "-j3", "-f", path, NULL};
    write_nested(&makefile);
    setenv("ROWLOCK_PROBE_DIR", dir, 1);
    int code = 127;
    if (file_mkdirs(dir, &err) && file_write(path, makefile.data, makefile.len, &err))
        code = validation_run(argv, LIMIT, &out, &errors);
    bool exceeded = access(over, F_OK) == 0;
    bool ok = code == 0 && !exceeded;
    static const char remedy[] =
        "look whether MAKEFLAGS or a wrapper around make sets -j for each make anew";
    const char *said = errors.len ? buf_cstr(&errors) : buf_cstr(&out);
    if (ok)
        validation_add(v, CHECK_OK, "shared tokens", "",
                       "%d jobs at once, never more, of two makes below make -j%d", JOBS, JOBS);
    else if (exceeded)
        validation_add(v, CHECK_FAILED, "shared tokens", remedy,
                       "more than %d jobs at once of two makes below make -j%d", JOBS, JOBS);
    else
        validation_add(v, CHECK_FAILED, "shared tokens", remedy,
                       "fewer than %d jobs at once of two makes below make -j%d\n%s", JOBS, JOBS,
                       err.msg ? err.msg : said);
    unsetenv("ROWLOCK_PROBE_DIR");
    error_release(&err);
    buf_release(&makefile);
    buf_release(&out);
    buf_release(&errors);
    free(over);
    free(path);
    free(dir);
}

/* The scratch folder of all checks; TMPDIR, where it can be used. */
static void make_temp(struct validation *v)
{
    const char *places[] = {getenv("TMPDIR"), "/tmp"};
    for (int i = 0; i < 2 && !v->temp; i++) {
        if (!places[i] || !places[i][0])
            continue;
        v->temp = xasprintf("%s/rl-validate-XXXXXX", places[i]);
        if (!mkdtemp(v->temp)) {
            free(v->temp);
            v->temp = NULL;
        }
    }
}

void validate_make(struct validation *v)
{
    struct error err = ERROR_INIT;
    char *version = NULL;
    validation_begins(v, "GNU Make");
    bool ok = driver_find_make(&v->make, &version, &err);
    validation_add(v, ok ? CHECK_OK : CHECK_FAILED, "GNU Make",
                   "install GNU Make 4.0 or newer, or name it in ROWLOCK_MAKE", "%s",
                   ok ? version : err.msg);
    free(version);
    error_release(&err);
    make_temp(v);
    setenv("ROWLOCK_PROBE", v->program.rowlock, 1);
    if (ok && v->temp) {
        check_tokens(v);
        check_nested(v);
    } else {
        validation_add(v, CHECK_SKIPPED, "jobserver", "", "%s",
                       ok ? "needs a temporary folder" : "needs GNU Make");
    }
}
