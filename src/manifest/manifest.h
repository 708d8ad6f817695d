/* The manifest: all tests of a project, whatever their format, before any selection.
 *
 * Every string lives in the manifest's arena, is NUL-terminated and otherwise holds
 * untrusted bytes (any byte but NUL, invalid UTF-8 included). */
#ifndef MANIFEST_MANIFEST_H
#define MANIFEST_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/map.h"
#include "base/strv.h"

enum test_format { FORMAT_EXEC, FORMAT_TAP, FORMAT_PYTEST, FORMAT_GTEST };

/* A marker as -m sees it: its name and its keyword arguments. */
struct marker_arg {
    const char *name;
    enum { ARG_STR, ARG_INT, ARG_BOOL, ARG_NONE, ARG_OTHER } type;
    const char *str;   /* ARG_STR */
    long long integer; /* ARG_INT; 0 or 1 for ARG_BOOL */
};
struct marker {
    const char *name;
    struct marker_arg *args; /* keyword arguments */
    size_t n_args;
};

/* How a native test's verdict follows from its exit status and its output, in this order: a test
 * that was ended by a signal has crashed, one that ran out of time has timed out, whatever else is
 * said here. Expressions are POSIX EREs, matched on standard output and error together; "^" and
 * "$" mean the start and the end of all of it. */
enum { AUTOMAKE_SKIP = 77, AUTOMAKE_ERROR = 99 };
struct verdict_rules {
    char **skip_regex; /* any of them matches: skipped. NULL for none, as with the others */
    int skip_code;     /* exit status that means skipped, mostly AUTOMAKE_SKIP; -1: none */
    int error_code;    /* exit status that means error; 0: none */
    char **fail_regex; /* any of them matches: failed */
    char **pass_regex; /* one of them has to match, and then the exit status does not count */
    bool will_fail;    /* passed and failed change places */
    int pass_code;     /* Meson's expected_exitcode: the exit status that means passed, before all
                          others, or minus the signal; then 0 does not */
    bool should_fail;  /* Meson's: failed and mostly crashed become xfailed, passed becomes
                          failed */
    uint32_t meson;    /* 0, or 1000 * major + minor of the Meson that the output is read like: TAP,
                          or with FORMAT_EXEC that of Rust's tests (run/tapmeson.h) */
};

/* The most that may be asked for. */
enum { MOST_RERUNS = 200 };

/* Fixtures whose parameters a test shares with others. */
enum params_of { PARAMS_SESSION, PARAMS_PACKAGE, PARAMS_MODULE, PARAMS_CLASS, PARAMS_KINDS };

struct test {
    const char *id;    /* unique in the manifest */
    const char *suite; /* the suite's name; "" for tests listed singly */
    enum test_format format;
    char **command;  /* argv, NULL-terminated; NULL for pytest; for gtest see run/gtestgroup.h */
    char **env;      /* "NAME=value", NULL-terminated; NULL for none */
    const char *cwd; /* NULL: the root */
    struct marker *markers;
    size_t n_markers;
    char **locks;       /* names, sorted, no duplicates; NULL for none */
    char **depends;     /* ids of tests that must have passed before; NULL for none */
    char **after;       /* ids of tests that must have ended before, however; NULL for none */
    char **brings;      /* ids of tests that are selected with it; NULL for none */
    bool fixtures;      /* depends holds fixtures: where one was skipped it runs all the same,
                           where one has failed it is an error */
    char **required_files; /* without one of them it is an error; NULL for none */
    const char *hindrance; /* why it cannot run, one line; NULL: it can */
    bool disabled;         /* the hindrance is the project's own wish: skipped, else an error */
    struct verdict_rules rules;
    double timeout_else; /* seconds where neither timeout nor the run says any; 0: none */
    double rank;         /* tests of a higher one start first, whatever their length; mostly 0 */
    char **needs;       /* files that Make must have brought up to date; NULL for none */
    const char *file;   /* what --dist loadfile keeps together; of a native suite the file that is
                           the test, seen from the root; NULL: nothing */
    uint32_t line;      /* of the file; 0: not known */
    const char *scope;  /* what --dist loadscope keeps together; NULL: nothing */
    const char *group;  /* what --dist loadgroup keeps together (xdist_group); NULL: nothing */
    const char *params[PARAMS_KINDS]; /* pytest: which parameters fixtures of these scopes have for
                                         it, in any form; NULL: none */
    unsigned weight;    /* jobserver slots, at least 1 */
    double timeout;     /* seconds; 0: the run's own */
    bool timeout_is_weak; /* it is that of all tests in pytest's ini file: a marker's goes before */
    int reruns;         /* how often it runs again when it fails; < 0: as the run says */
    double expected;    /* seconds it is expected to take; < 0: not known */
    uint32_t copy;      /* under --count: 2 for the second of a test, …; 0 for the first */
    uint32_t suffix;    /* so many bytes at the end of the id say that */
    double known;       /* seconds it took in earlier runs; < 0: not known */
    double logged;      /* seconds it took under its own tool, as that remembers; < 0: not known */
    double shared;      /* seconds, as all machines know it (--shard-times); < 0: not known */
    bool failed;        /* its last run has failed, as far as somebody has asked */
    bool never_ran;     /* no run is known, likewise */
    bool serial;        /* runs alone */
    uint32_t collector; /* pytest: 1 + the slot of the worker that collected its file; 0: all have
                           it, or none */
    bool imported;      /* a build tool has told of it: so its markers need not be registered */
    const char *origin; /* where it was defined, "file:line" for messages; may be NULL */
};

struct manifest {
    struct arena arena;
    struct test *tests; /* in the order in which a sequential run would run them */
    size_t n, cap;
    struct map by_id; /* id → index in tests */
    struct strv notes; /* what the user has to know of the import, a line each */
    size_t pytest_failures; /* all that pytest remembers, of tests that are here and others */
    /* Asks a program made with Google Test for its tests (manifest/gtest.h, gtest_list_ask). NULL:
     * no program is started while the manifest is read. */
    bool (*ask)(const struct test *like, struct strv *names, char **why);
};

void manifest_init(struct manifest *m);
void manifest_release(struct manifest *m);
/* The defaults of a test: weight 1, expected -1, exec; no id yet. */
void test_init(struct test *t);
/* Adds a test with the given id (copied) and the defaults.
 * The pointer is valid until the next call. A second test of the same id is refused:
 * NULL, and err says where both stand (origin may be NULL). */
struct test *manifest_add(struct manifest *m, const char *id, const char *origin,
                          struct error *err);
/* Adds the marker (name copied, no arguments) unless it has it already. */
void test_add_marker(struct manifest *m, struct test *t, const char *name);
bool test_has_marker(const struct test *t, const char *name);
/* What markers entail for a native test: serial runs alone, resource_intensive weighs 2, flaky runs
 * again once where it fails.
 * (A pytest test's come from the adapter, which knows their arguments.) Call it before the
 * test's own keys are set: those win. */
void manifest_apply_markers(struct test *t);
/* Sets the test's locks to the names, sorted and without duplicates; sorts names itself. */
void manifest_set_locks(struct manifest *m, struct test *t, struct strv *names);

#endif
