/* The command line of a run. One table (options.c) serves the parser, --help and the nearest
 * known option for a mistyped one. */
#ifndef CONFIG_OPTIONS_H
#define CONFIG_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/strv.h"
#include "config/values.h"

/* What a word for pytest is. Those of WORD_PATH and WORD_MAYBE stand in test_paths too, in the same
 * order. */
enum word_kind {
    WORD_OPTION = 'o', /* or the value of one */
    WORD_PATH = 'p',
    WORD_MAYBE = '?' /* a path, or the value of the option before it, which nobody here knows */
};

enum dist {
    DIST_DEFAULT, /* not given */
    DIST_LOAD,
    DIST_LOADSCOPE,
    DIST_LOADFILE,
    DIST_LOADGROUP,
    DIST_WORKSTEAL,
    DIST_EACH,
    DIST_NO
};
const char *dist_name(enum dist d);

enum { WORKERS_UNSET = -1, WORKERS_AUTO = -2, WORKERS_LOGICAL = -3 };

struct options {
    int workers; /* >= 0, or one of the above */
    enum dist dist;
    char *markers;     /* -m; NULL: not given. "" selects everything */
    char *keyword;     /* -k; likewise */
    bool list_markers; /* -m or --markers without an argument */
    int maxfail;       /* 0: none */
    bool forked;
    bool strict_markers;    /* --strict-markers or --strict */
    bool strict;            /* --strict: a pytest suite has to get it too */
    char *manifest;         /* --manifest FILE */
    struct strv taps;       /* --tap GLOB */
    struct strv ctest;      /* --ctest DIR: CMake build folders */
    struct strv meson;      /* --meson DIR: Meson build folders */
    char *ctest_config;     /* --ctest-config NAME; NULL: not given */
    struct strv test_paths; /* --test-path and the positional arguments: paths or test ids */
    char *python;
    char *worker_start; /* --worker-start; NULL: as the ini says */
    bool parallel_collect;
    bool no_parallel_collect; /* has the last word */
    double timeout; /* seconds; < 0: not given */
    double run_timeout; /* likewise */
    double slow_warning; /* likewise */
    struct memory_floor memory;
    bool memory_given;
    int reruns;     /* -1: not given */
    double reruns_delay; /* seconds; < 0: not given */
    bool fail_on_flaky;
    int durations;  /* -1: not given; 0: all */
    char *junitxml;
    char *junit_prefix; /* before each class name in it; NULL: nothing */
    char *report_json;
    char *report_markdown;
    char *report_tap;
    bool report_github;
    bool no_report_github; /* has the last word */
    bool dry_run;
    bool coverage;          /* --coverage */
    struct strv cov_report; /* --cov-report: KIND[:PATH]; pytest-cov gets them, too */
    double cov_fail_under;  /* percent; < 0: not given */
    int count; /* how often each test runs; 0: not given */
    bool until_fail;
    bool resume;
    char *history_url; /* not checked; NULL: not given; "": none, whatever the ini says */
    int verbose;  /* -v minus -q */
    char *color;  /* "yes", "no" or "auto" */
    char *report_chars; /* -r; NULL: not given, as with the next three */
    char *tb;
    char *show_capture;
    char *capture; /* "no": what tests print appears at once (-s) */
    bool no_header;
    bool no_summary;
    char *output; /* --output FILE: where `generate` writes; -o is pytest's --override-ini */
    struct strv deselect;
    bool cov;               /* --cov, with or without a path; pytest-cov gets it, too, as the next */
    struct strv cov_source; /* the paths and packages of --cov */
    bool cov_branch;
    bool cov_append;
    bool no_cov;            /* measure nothing, whatever asks for it */
    bool no_cov_on_fail;    /* no reports of coverage if a test failed */
    int cov_precision;      /* decimals of percentages; -1: not given */
    char *cov_config;       /* NULL: not given */
    char *cov_context;      /* likewise */
    uint32_t shard;      /* --shard I/N: I, from 1 to N; 0: not given */
    uint32_t shards;     /* N */
    char *shard_times;   /* --shard-times FILE; NULL: not given */
    bool random_order;
    bool random_seed_given;
    uint64_t random_seed; /* of --random-order=SEED */
    bool last_failed;    /* --lf, as the next two for pytest suites too */
    bool failed_first;   /* --ff */
    bool new_first;      /* --nf */
    char *no_failures;   /* --lfnf: "all" or "none"; NULL: not given */
    struct strv pytest_args; /* options Rowlock does not know, with the values of those that pytest
                                is known to take one: they go to pytest, in order */
    struct strv words;       /* all that means something to pytest, in the order in which it was
                                written; what Rowlock knows under pytest's name and with "=" */
    struct buf word_kinds;   /* of each of words: an enum word_kind */
    bool distload;           /* -d */
    int maxprocesses;        /* 0: no limit */
    int tx_workers;          /* of all --tx */
    bool help;
    const char *only; /* set before parsing: the group of options that alone are accepted, as --help
                         names it; NULL: all */
};

void options_init(struct options *o);
void options_release(struct options *o);
/* Parses argv[0..argc) (no program name) on top of what o holds. Long options take
 * "--name=value" or "--name value", "--na" is no abbreviation; short ones "-n4", "-n=4" or
 * "-n 4", and may stand together ("-xvs"). A word that starts with "-" is no value unless it
 * stands behind "=" (argparse's rule, as in pytest). Everything behind "--" is positional.
 * where names the source for messages ("command line", "pytest.ini: addopts"). An unknown option
 * goes to pytest_args: whether it is an error (no pytest suite) is the caller's to say with
 * options_unknown. EXIT_USAGE on failure. */
bool options_parse(struct options *o, int argc, char *const *argv, const char *where,
                   struct error *err);
/* Forgets what is for pytest, which reads addopts by itself; keeps what is stored otherwise. */
void options_drop_words(struct options *o);
/* The long option of ours that a mistyped one is near, without its dashes; NULL: none. */
const char *options_nearest(const char *option);
/* "unknown option --makers; did you mean --markers? 'rowlock --help' lists them all", or for an
 * option of pytest's that it is for pytest suites only. Always false. */
bool options_unknown(const char *option, struct error *err);
/* The options part of --help, wrapped to width columns; of one group alone if only names it. */
void options_help(FILE *out, int width, const char *only);

#endif
