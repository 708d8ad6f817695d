/* From the command line to a plan on disk: what parallel, sequential, generate and list share. */
#ifndef COMMAND_SUITE_H
#define COMMAND_SUITE_H

#include <stdbool.h>

#include "command/command.h"
#include "command/program.h"
#include "command/remember.h"
#include "command/resume.h"
#include "config/config.h"
#include "config/options.h"
#include "manifest/manifest.h"
#include "manifest/pytestjson.h"
#include "manifest/testsjson.h"
#include "plan/plan.h"
#include "plan/select.h"
#include "run/jobserver.h"
#include "run/runstore.h"
#include "run/zygote_host.h"

struct suite {
    struct options options;
    struct config config;
    struct program program;
    struct jobserver outer; /* the jobserver of a make above us */
    char *make;             /* the program; NULL where none is needed */
    char *make_version;
    struct runstore store;
    struct manifest manifest;
    struct testsjson json;
    struct pytest_info pytest;
    struct selection selection;
    struct plan plan;
    struct resume resume; /* --resume: the last run */
    struct zygote_host zygote; /* pid > 0 while it runs */
    struct strv zygote_argv;   /* empty without pytest tests */
    bool *is_pytest_path;      /* for options.test_paths */
    char *root;                /* the current folder, absolute */
    char *config_file;         /* -c, or what a parallel run takes by itself; NULL: searched for */
    bool sequential;
    bool lists;    /* standard output is for a list of tests: pytest's words go to standard error,
                      and it tells the lines of tests */
    bool expects_shared; /* the tests' `shared` says how long they take, not the history */
    bool no_tokens; /* one process collects, as the outer make has no token to spare */
    bool stepwise; /* --stepwise: only pytest knows what it does */
    unsigned workers;
    uint64_t deadline_ms; /* CLOCK_MONOTONIC: when the run's time is over; 0: never */
    struct remote_history remote;
    const char *auto_workers; /* "auto" or "logical" where the number was not given; or NULL */
    int choice[2]; /* what auto and logical mean where a conftest file may choose; 0, 0: it may not */
    char *alone; /* the option for which pytest runs alone; NULL */
    int ended;   /* >= 0: pytest itself ended the run with this exit code and was shown */
};

enum suite_mode { SUITE_PARALLEL, SUITE_SEQUENTIAL, SUITE_AS_PYTEST };

void suite_init(struct suite *s);
/* Ends the zygote, removes the temporary folder. With drop the run's folder goes too. */
void suite_release(struct suite *s, bool drop);
/* What a command without a run ends with: prints err if there is one, releases both. Returns the exit
 * code: that of pytest if it has ended the run, of err if there is one, else code. */
int suite_finish(struct suite *s, int code, bool drop, struct error *err);
/* Reads configuration and options; what is parallel takes pytest-parallel.ini unless -c is given. */
bool suite_configure(struct suite *s, const struct invocation *inv, enum suite_mode mode,
                     struct error *err);
/* Seconds for the run as a whole; 0: no limit. */
double suite_run_timeout(const struct suite *s);
/* Reads the manifest file and the build folders named, if there are any; *has tells. */
bool suite_read_manifest(struct suite *s, bool *has, struct error *err);
/* Makes the run's folder and reads all tests: the manifest, and what pytest collects. False with
 * s->ended >= 0 when pytest has ended the run: its own words have been printed. */
bool suite_load(struct suite *s, struct error *err);
/* Selects and plans. EXIT_NO_TESTS if nothing is left, unless only this shard has nothing. */
bool suite_plan(struct suite *s, struct error *err);
/* Writes plan, tests.mk and state and points .rowlock/ to them. */
bool suite_write(struct suite *s, struct error *err);
/* Once all is written and said: frees what is known of single tests, which the plan file has from
 * here on, and hands the memory back. Numbers of tests stay. */
void suite_forget_tests(struct suite *s);

#endif
