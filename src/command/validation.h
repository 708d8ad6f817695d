/* What the checks of `rowlock validate` share. Each check is a function that adds one or more points;
 * validate.c prints them as they come. */
#ifndef COMMAND_VALIDATION_H
#define COMMAND_VALIDATION_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/strv.h"
#include "command/program.h"
#include "config/config.h"

/* A warning and a skipped point do not make the exit code 1. */
enum check_status { CHECK_OK, CHECK_WARNING, CHECK_SKIPPED, CHECK_FAILED };

struct check {
    enum check_status status;
    char *name;
    char *detail;       /* may have several lines; untrusted bytes */
    const char *remedy; /* what to do about a warning or a failure */
};

struct validation {
    struct check *checks;
    size_t n;
    void (*added)(void *ctx, const struct check *c); /* NULL, or called for each point */
    void (*begins)(void *ctx, const char *name);     /* NULL, or before what takes some time */
    void *ctx;
    /* What is asked for. */
    const char *config_file; /* -c, or NULL */
    const char *python_asked; /* --python, or NULL */
    unsigned workers;
    bool workers_given;
    uint64_t free_bytes; /* so much has to be free on disks */
    /* What earlier checks have found. */
    struct program program;
    struct config config; /* of the file that counts; defaults if none can be read */
    char *config_chosen;  /* the file that parallel runs take by themselves; NULL: none */
    bool config_ok;
    bool wants_pytest;  /* the project has a pytest suite */
    bool has_tests_json, tests_json_ok;
    struct strv builds; /* suites whose markers are a build tool's labels */
    char *python;
    bool pytest_ok;     /* pytest runs, with the project's configuration; */
    const char *lacks;  /* else what that needs */
    struct strv markers; /* that pytest and its plugins declare */
    char *make;          /* NULL: none that will do */
    char *temp;          /* a scratch folder; NULL: none can be made */
    bool state_ok;       /* .rowlock can be written */
};

/* Adds a point. remedy "" where there is nothing to do. */
void validation_add(struct validation *v, enum check_status status, const char *name,
                    const char *remedy, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void validation_begins(struct validation *v, const char *name);
/* Runs a program, at most so many seconds (0: no limit), in the current folder, without what the
 * environment says to pytest; its two streams go to out and errors, a final newline is cut off.
 * Returns its exit code as subprocess_output does. */
int validation_run(char *const argv[], unsigned seconds, struct buf *out, struct buf *errors);
/* The string at key of an object; "" if it has none. Borrowed. */
const char *validation_string(const cJSON *object, const char *key);
/* The last line of text that is not blank. Caller frees. */
char *validation_last_line(const char *text);

/* The checks, in the order in which they have to run. */
void validate_make(struct validation *v);    /* GNU Make, jobserver */
void validate_config(struct validation *v);  /* all files of the project that configure a run */
void validate_disk(struct validation *v);    /* temporary folder, state folder */
void validate_pytest(struct validation *v);  /* pytest, plugins */
void validate_tests(struct validation *v);   /* all tests can be listed; their markers */
void validate_workers(struct validation *v); /* isolation, serial tests; native and pytest */
void validate_coverage(struct validation *v);
void validate_limits(struct validation *v); /* open files, processes */
/* Processors, memory, processes of the control group; root is "", or what stands before /proc and
 * /sys. */
void validate_quotas(struct validation *v, const char *root);

#endif
