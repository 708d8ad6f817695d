/* What the tests of manifest/ and plan/ share: a folder of their own, a manifest in few words,
 * numbers that are random and the same each time, and real runs of GNU Make. */
#ifndef TESTS_PLANTEST_H
#define TESTS_PLANTEST_H

#include <stdint.h>

#include "base/buf.h"
#include "base/strv.h"
#include "manifest/manifest.h"
#include "plan/plan.h"

/* Makes a fresh folder below $TMPDIR the current one; its absolute path. Caller frees. */
char *plantest_enter(void);
/* Leaves and removes it; frees dir. */
void plantest_leave(char *dir);
/* Writes text to path, whose folders are made. */
void plantest_write(const char *path, const char *text);
/* The content of a file of this folder; "" if there is none. Caller frees. */
char *plantest_read(const char *path);

/* splitmix64 */
uint64_t plantest_random(uint64_t *seed);
/* A number below n. */
uint32_t plantest_below(uint64_t *seed, uint32_t n);

/* Adds a native test; the words are "key=value": locks, depends, needs, marker, cwd, command
 * (each may come again), weight, timeout, expected, suite, serial, tap; and scope, file, group,
 * which make it a pytest test. */
struct test *plantest_add(struct manifest *m, const char *id, const char *const *words);
#define ADD(m, id, ...) plantest_add(m, id, (const char *const[]){__VA_ARGS__, NULL})
#define ADD0(m, id)     plantest_add(m, id, (const char *const[]){NULL})

/* Fit for most tests: loadscope, 4 slots. */
struct plan_settings plantest_settings(void);
/* Plans all tests of m; fails the test on an error. */
void plantest_plan(struct plan *p, const struct manifest *m, const struct plan_settings *s);

/* What a test of tests.mk works with: a folder of its own, an empty manifest, settings, and the plan
 * that plantest_case_install() has made of them. */
struct plantest_case {
    char *dir;
    struct manifest m;
    struct plan_settings s;
    struct plan p;
};
/* For cmocka: *state is the case from the one to the other. */
int plantest_set_up(void **state);
int plantest_tear_down(void **state);
/* Plans what is in the manifest by now, and installs it. */
void plantest_case_install(struct plantest_case *f);
/* The run of plantest_settings(). */
#define PLANTEST_ID "20240102-030405-67"

/* Writes plan and tests.mk into .rowlock/ as a run does, rowlock-exec being this program. */
void plantest_install(const struct plan *p);
/* The main of a program that plantest_install was called in begins with this: being called as
 * rowlock-exec it notes its words in the file "log", as "start WORDS" and "end WORDS"; in "shell"
 * too if a shell started it, and in "leaked" variables of tests.mk that it finds in its
 * environment. It fails if the folder has a file fail-WORD, WORD being its second word, and dies
 * in its middle if there is a file kill-WORD. -1 when the process is to be the test program. */
int plantest_main(int argc, char **argv);
/* Runs make with these words in the current folder and of the environment little but PATH and
 * MAKEFILES; its exit code. What it prints goes to *out (may be NULL), which the caller frees. */
int plantest_make(char **out, const char *const *words);
#define MAKE(out, ...) plantest_make(out, (const char *const[]){__VA_ARGS__, NULL})

#endif
