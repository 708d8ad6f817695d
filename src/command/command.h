/* The command line of rowlock: `rowlock [-C DIR] [-c FILE] COMMAND …`. Each command is a row of the
 * table in command.c and a file of its own. */
#ifndef COMMAND_COMMAND_H
#define COMMAND_COMMAND_H

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"
#include "base/strv.h"

#ifndef ROWLOCK_VERSION
#define ROWLOCK_VERSION "0.1.0"
#endif

/* What a command gets. */
struct invocation {
    const char *command;     /* its name; "" without one */
    const char *config_file; /* -c, or NULL */
    struct strv args;        /* the words behind the command, without -C and -c */
};

struct command {
    const char *name;
    const char *summary;                      /* one line for --help; NULL: not listed */
    const char *usage;                        /* behind the name */
    int (*run)(const struct invocation *inv); /* returns the exit code */
    bool has_run_options;                     /* --help prints the options of a run too */
    void (*help)(FILE *out);                  /* NULL, or prints the command's own options */
};

int command_parallel(const struct invocation *inv);
int command_sequential(const struct invocation *inv);
int command_coverage(const struct invocation *inv);
int command_performance(const struct invocation *inv);
int command_default(const struct invocation *inv); /* without a command, as pytest would */
int command_generate(const struct invocation *inv);
int command_list(const struct invocation *inv);
int command_report(const struct invocation *inv);
int command_validate(const struct invocation *inv);
int command_plugin(const struct invocation *inv);
int command_collect(const struct invocation *inv);
int command_init(const struct invocation *inv);
int command_complete(const struct invocation *inv); /* __complete: for completions/ */
int command_begin(
    const struct invocation *inv); /* __begin and __end: from tests.mk without driver */
int command_end(const struct invocation *inv);
int command_probe(const struct invocation *inv); /* __probe: what validate runs as its tests */

void command_collect_help(FILE *out);
void command_init_help(FILE *out);
void command_report_help(FILE *out);
void command_validate_help(FILE *out);
void command_performance_help(FILE *out);

/* For docs/reference.md: the ith row of the table; NULL behind the last. */
const struct command *command_row(size_t i);
/* The row of that name, hidden ones too; NULL if there is none. */
const struct command *command_find(const char *name);

/* Everything; returns the process's exit code. */
int command_main(int argc, char **argv);
/* Prints the row's help. */
void command_help(const struct command *c);
/* Prints "rowlock: MESSAGE" on standard error, in one line. Names of files and tests may be in it: a
 * terminal must not take them for commands. */
void command_say(const char *message);
/* The same for an error, which may have several lines; returns its code and releases it. */
int command_fail(struct error *err);

#endif
