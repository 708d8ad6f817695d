/* The plan file: what rowlock-exec has to know of a run, ready to be memory-mapped, so that
 * its start costs O(its group).
 *
 * Layout, all integers in the byte order of the machine that wrote it, every offset from
 * the start of the file; those of structs and lists are multiples of 8:
 *
 *     struct plan_head
 *     struct plan_test  [n_tests]     in the order of target numbers: test i is target t(i+1)
 *     struct plan_group [n_groups]    group i is target g(i+1)
 *     uint32_t members  []            indexes of tests, each group's in a row, in running order
 *     lists and strings               as they come: struct plan_str or uint32_t in a row;
 *                                     every string followed by a NUL
 *
 * A reader trusts nothing: each access checks its bounds and yields "" or an empty list for
 * what lies outside, so a torn or foreign file cannot crash it. */
#ifndef PLAN_PLANFILE_H
#define PLAN_PLANFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define PLAN_MAGIC "RLPLAN06"

struct plan_str {
    uint64_t off; /* of the first byte */
    uint64_t len; /* without the NUL */
};
struct plan_list {
    uint64_t off; /* of n struct plan_str, or of n uint32_t, as the field's comment says */
    uint64_t n;
};

enum plan_test_flags {
    PLAN_SERIAL = 1,
    PLAN_WILL_FAIL = 2,
    PLAN_OWN_CODES = 4, /* skip_code and error_code count; without it they are 77 and 99 */
    PLAN_DISABLED = 8,  /* the hindrance makes it skipped; without it an error */
    PLAN_FIXTURES = 16, /* depends are fixtures (manifest.h) */
    PLAN_REGEX = 32,    /* it has expressions */
    PLAN_SHOULD_FAIL = 64,
    PLAN_FREE = 128 /* of groups only */
};

struct plan_test {
    struct plan_str id;
    struct plan_str suite;
    struct plan_str cwd;      /* absolute, or relative to the root; "" for the root */
    struct plan_list command; /* strings; for pytest empty */
    struct plan_list env;     /* strings, NAME=value */
    struct plan_list locks;   /* strings, sorted; its xdist_group is "xdist_group:NAME" */
    struct plan_list markers; /* strings: names only */
    struct plan_list depends; /* uint32_t: indexes of tests that must have passed */
    struct plan_list pass_regex; /* strings: manifest.h, struct verdict_rules */
    struct plan_list fail_regex;
    struct plan_list skip_regex;
    struct plan_list required_files; /* strings, seen from cwd */
    struct plan_str hindrance;       /* "": it can run */
    int32_t skip_code;               /* -1: none */
    int32_t error_code;              /* 0: none */
    int32_t pass_code;               /* as in struct verdict_rules */
    uint32_t meson;                  /* likewise */
    uint32_t format;          /* enum test_format */
    uint32_t flags;           /* enum plan_test_flags */
    uint32_t group;           /* index of its group */
    uint32_t weight;
    uint64_t timeout_ms; /* 0: none */
    uint32_t reruns;     /* how often it runs again when it fails */
    uint32_t usual_ms;   /* how long it took in earlier runs; 0: not known */
    uint32_t copy;       /* under --count: 2 for the second of a test, …; 0 for the first */
    uint32_t suffix;     /* so many bytes at the end of the id say that */
};

struct plan_group {
    uint32_t first;  /* index of its first entry in members */
    uint32_t count;  /* how many entries */
    uint32_t format; /* enum test_format of all its tests: exec, tap and gtest never share
                        with pytest */
    uint32_t flags;  /* enum plan_test_flags: a serial group holds serial tests only; a free one
                        waits for none of its phase, none waits for it, and what its recipe runs
                        may as well be another free group of the phase (run/affinity.h) */
    uint32_t phase; /* 0, 1, …: groups of a phase start when those of the one before have ended */
    uint32_t weight; /* the largest of its tests */
    uint32_t collector;   /* 1 + the slot whose worker collected its first test; 0: all have it */
    uint32_t expected_ms; /* as far as the times of its tests are known */
    uint32_t n_unknown;   /* how many of its tests' times are not */
    uint32_t reserved;
};

/* PLAN_EACH: a queue is for its own slot only. PLAN_HEAVY: some group weighs more than 1.
 * PLAN_FAIL_ON_FLAKY: a flaky test makes the run fail. */
enum plan_flags {
    PLAN_SEQUENTIAL = 1,
    PLAN_FORKED = 2,
    PLAN_EACH = 4,
    PLAN_HEAVY = 8,
    PLAN_FAIL_ON_FLAKY = 16
};

struct plan_head {
    char magic[8];
    uint64_t size; /* of the whole file */
    uint32_t n_tests;
    uint32_t n_groups;
    uint32_t n_members;
    uint32_t n_slots; /* workers */
    uint32_t flags;   /* enum plan_flags */
    uint32_t maxfail; /* 0: none */
    uint32_t n_queued; /* under worksteal and each: groups 0 up to, not with, this one are in queues */
    uint32_t memory_share; /* no test starts beside others with less memory free than so many
                              ten-thousandths of all; 0: memory_floor says how much */
    uint32_t n_collectors; /* how many workers have collected; 0: one process has, for all */
    uint32_t reserved;
    uint64_t off_tests, off_groups, off_members;
    uint64_t output_limit; /* bytes kept of each output stream of a test */
    uint64_t memory_floor; /* bytes; 0: however little is free */
    uint64_t grace_ms;     /* between SIGTERM and SIGKILL */
    uint64_t run_timeout_ms;  /* for the run as a whole; 0: none. The driver watches it */
    uint64_t reruns_delay_ms; /* before a test runs again */
    struct plan_str run_id;
    struct plan_str root;       /* absolute; the current folder of every recipe */
    struct plan_str env_prefix; /* "FQCN" */
    struct plan_str pytest_root; /* from where the ids of pytest's tests are seen, absolute; or "" */
    struct plan_str program;    /* absolute path of rowlock, for begin and end */
    struct plan_list zygote;    /* strings: argv that starts the zygote; empty without pytest */
    struct plan_list queues;    /* uint32_t, n_slots + 1: queue s holds groups queues[s] up to, not
                                   with, queues[s + 1]; empty where n_queued is 0 */
};

/* A mapped plan file. */
struct plan_map {
    const unsigned char *base;
    size_t size;
    const struct plan_head *head;
};

/* Maps path and checks its head. Code EXIT_INTERNAL on failure. */
bool plan_map_open(struct plan_map *p, const char *path, struct error *err);
void plan_map_close(struct plan_map *p);
/* Test i or group i; NULL if there is none. */
const struct plan_test *plan_map_test(const struct plan_map *p, uint32_t i);
const struct plan_group *plan_map_group(const struct plan_map *p, uint32_t i);
/* The index of the k-th test of a group; UINT32_MAX if there is none. */
uint32_t plan_map_member(const struct plan_map *p, const struct plan_group *g, uint32_t k);
/* NUL-terminated, owned by the map; "" for what lies outside. */
const char *plan_map_str(const struct plan_map *p, struct plan_str s);
/* The k-th string of a list of strings; NULL past its end. */
const char *plan_map_list_str(const struct plan_map *p, struct plan_list l, uint64_t k);
/* The k-th number of a list of numbers; UINT32_MAX past its end. */
uint32_t plan_map_list_u32(const struct plan_map *p, struct plan_list l, uint64_t k);

#endif
