#include "command/command.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "command/fixture.h"
#include "command/program.h"
#include "command/terminal.h"
#include "config/argfile.h"
#include "config/options.h"
#include "run/jobserver.h"

static const struct command commands[] = {
    {"parallel", "run the tests in parallel", "[OPTION…] [PATH|ID…]", command_parallel, true, NULL},
    {"sequential", "run the tests one after another, as the reference", "[OPTION…] [PATH|ID…]",
     command_sequential, true, NULL},
    {"coverage", "run the tests one after another and report what they cover",
     "[OPTION…] [PATH|ID…]", command_coverage, true, NULL},
    {"performance", "run what is marked performance; compare with a sequential run",
     "[--compare [--times FILE] [--json]] [OPTION…] [PATH|ID…]", command_performance, true,
     command_performance_help},
    {"generate", "write .rowlock/tests.mk and stop", "[OPTION…] [PATH|ID…]", command_generate,
     true, NULL},
    {"list", "print the tests that would run", "[--json] [OPTION…] [PATH|ID…]", command_list, true, NULL},
    {"report", "print the last run again, or what differs between two runs",
     "[OPTION…] | --compare [--json] A B", command_report, false, command_report_help},
    {"validate", "check that parallel runs work on this machine", "[OPTION…]",
     command_validate, false, command_validate_help},
    {"collect", "turn coverage data into reports", "[OPTION…] INPUT…", command_collect, false,
     command_collect_help},
    {"init", "set a project up: pytest.ini, tests.json, rowlock.mk, CI files", "[OPTION…] [FILE…]",
     command_init, false, command_init_help},
    {"pytest-plugin", "let a plain 'pytest -n 4' run in Rowlock",
     "install|uninstall|path [--python EXE]", command_plugin, false, NULL},
    {"__complete", NULL, "-- WORD…", command_complete, false, NULL},
    {"__begin", NULL, "RUN [named]", command_begin, false, NULL},
    {"__end", NULL, "RUN", command_end, false, NULL},
    {"__probe", NULL, "WHAT…", command_probe, false, NULL},
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

static const struct command by_default = {"", "", "[OPTION…] [PATH|ID…]", command_default, true,
                                          NULL};

const struct command *command_row(size_t i)
{
    return i < N_COMMANDS ? &commands[i] : NULL;
}

void command_say(const char *message)
{
    struct buf line = BUF_INIT;
    text_escape(&line, message, strlen(message), SIZE_MAX);
    fprintf(stderr, "rowlock: %s\n", buf_cstr(&line));
    buf_release(&line);
}

int command_fail(struct error *err)
{
    const char *at = err->msg ? err->msg : "failed";
    struct buf lines = BUF_INIT;
    /* Some have several lines. */
    for (size_t n; n = strcspn(at, "\n"), text_escape(&lines, at, n, SIZE_MAX), at[n]; at += n + 1)
        buf_addc(&lines, '\n');
    fflush(stdout);
    fprintf(stderr, "rowlock: %s\n", buf_cstr(&lines));
    buf_release(&lines);
    int code = err->code ? (int)err->code : EXIT_INTERNAL;
    error_release(err);
    return code;
}

void command_help(const struct command *c)
{
    printf("usage: rowlock [-C DIR] [-c FILE] %s%s%s\n\n", c->name, c->name[0] ? " " : "",
           c->usage);
    if (c->name[0])
        printf("%c%s.\n\n", c->summary[0] - 32, c->summary + 1);
    if (c->has_run_options)
        options_help(stdout, terminal_width(stdout), NULL);
    if (c->help)
        c->help(stdout);
}

static void general_help(void)
{
    printf("usage: rowlock [-C DIR] [-c FILE] [COMMAND] [OPTION…] [PATH|ID…]\n\n"
           "Runs any test suite in parallel as a Makefile. Commands:\n\n");
    for (int i = 0; i < N_COMMANDS; i++)
        if (commands[i].summary)
            printf("  %-13s %s\n", commands[i].name, commands[i].summary);
    printf("\nWithout a command it runs what 'pytest -c FILE …' would run, in parallel when the\n"
           "configuration or -n asks for workers.\n\n"
           "  -C DIR                  change to DIR first\n"
           "  -c, --config-file FILE  read this ini file instead of searching for one\n"
           "  --version               print the version\n"
           "  --shell-fixtures        print the file that shell tests source\n\n");
    options_help(stdout, terminal_width(stdout), NULL);
    printf("\nExit codes: 0 all passed, 1 some failed, 2 interrupted, 3 internal error,\n"
           "4 usage error, 5 no tests.\n");
}

const struct command *command_find(const char *word)
{
    for (int i = 0; i < N_COMMANDS; i++)
        if (strcmp(commands[i].name, word) == 0)
            return &commands[i];
    return NULL;
}

/* Takes -C and -c out of argv (up to "--"); the other words go to inv->args. */
static bool take_globals(struct invocation *inv, int argc, char **argv, struct error *err)
{
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i], *value = NULL, *config = NULL;
        if (strcmp(a, "--") == 0) {
            for (; i < argc; i++)
                strv_push(&inv->args, argv[i]);
            break;
        }
        bool dir = strncmp(a, "-C", 2) == 0;
        if (dir || strncmp(a, "-c", 2) == 0)
            value = a + 2;
        else if (strncmp(a, "--config-file", 13) == 0 && (a[13] == '=' || !a[13]))
            value = a[13] ? a + 14 : a + 13;
        if (!value) {
            strv_push(&inv->args, a);
            continue;
        }
        if (!*value && !(value = argv[++i]))
            return error_set(err, EXIT_USAGE, "%s: needs %s behind it", a,
                             dir ? "a folder" : "a file");
        if (!dir)
            config = value;
        else if (chdir(value) != 0) {
            error_errno(err, EXIT_USAGE, "-C %s", value);
            return error_advise(err, "name a folder that exists");
        }
        if (config)
            inv->config_file = config;
    }
    return true;
}

/* The row that the first word means. A word in the table is a command; otherwise an option, a path
 * or a test id belongs to a run without command. NULL and err if it is none of these. */
static const struct command *choose(const struct invocation *inv, struct error *err)
{
    const char *word = inv->args.n ? inv->args.v[0] : "";
    const struct command *c = command_find(word);
    if (c || !word[0] || word[0] == '-' || access(word, F_OK) == 0 || strstr(word, "::"))
        return c ? c : &by_default;
    struct nearest near;
    nearest_init(&near, word);
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (commands[i].summary)
            nearest_try(&near, commands[i].name);
    char *shown = text_quote(word), *question = nearest_question(&near);
    error_set(err, EXIT_USAGE,
              "%s: neither a command nor an existing path or test id; %s'rowlock --help' lists the "
              "commands, 'rowlock list' the tests",
              shown, question);
    free(question);
    free(shown);
    return NULL;
}

/* True for -h or --help before any "--". */
static bool wants(const struct invocation *inv, const char *shortname, const char *longname)
{
    for (size_t i = 0; i < inv->args.n && strcmp(inv->args.v[i], "--") != 0; i++)
        if (strcmp(inv->args.v[i], shortname) == 0 || strcmp(inv->args.v[i], longname) == 0)
            return true;
    return false;
}

static bool is_version(const char *word)
{
    return strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0;
}

/* False, and a message, if something of what was printed is lost. A reader that has gone away, as
 * `head` does, wanted no more. */
static bool output_arrived(void)
{
    struct pollfd out = {STDOUT_FILENO, POLLOUT, 0};
    bool flushed = fflush(stdout) == 0;
    int why = flushed ? 0 : errno;
    if (flushed && !ferror(stdout))
        return true;
    if (why == EPIPE || (poll(&out, 1, 0) == 1 && out.revents & POLLERR))
        return true;
    fprintf(stderr, "rowlock: standard output cannot be written: %s\n",
            why ? strerror(why) : "a part of it is missing");
    return false;
}

/* `. "$(rowlock --shell-fixtures)"` in a script. */
static int print_shell_fixtures(void)
{
    struct error err = ERROR_INIT;
    char *path = program_shell_fixtures(&err);
    if (!path)
        return command_fail(&err);
    puts(path);
    free(path);
    return EXIT_OK;
}

int command_main(int argc, char **argv)
{
    /* Its words are values of tests: none is an option, none "@FILE", and make -n is nothing to it. */
    if (argc > 1 && strcmp(argv[1], "__fixture") == 0) {
        int status = fixture_main(argc - 2, argv + 2);
        return output_arrived() ? status : FIXTURE_FAILED;
    }
    struct invocation inv = {"", NULL, STRV_INIT};
    struct error err = ERROR_INIT;
    int code = EXIT_USAGE;
    /* Under make -n, -q and -t a recipe marked '+' runs all the same, and must do nothing. */
    if (makeflags_dry(getenv("MAKEFLAGS")))
        return EXIT_OK;
    struct strv typed = STRV_INIT;
    argfile_expand(&typed, argv, (size_t)argc);
    const struct command *c =
        take_globals(&inv, (int)typed.n, typed.v, &err) ? choose(&inv, &err) : NULL;
    if (!c) {
        code = command_fail(&err);
    } else if (wants(&inv, "-h", "--help")) {
        if (c->name[0])
            command_help(c);
        else
            general_help();
        code = EXIT_OK;
    } else if (!c->name[0] && inv.args.n && is_version(inv.args.v[0])) {
        printf("rowlock %s\n", ROWLOCK_VERSION);
        code = EXIT_OK;
    } else if (!c->name[0] && inv.args.n && strcmp(inv.args.v[0], "--shell-fixtures") == 0) {
        code = print_shell_fixtures();
    } else {
        struct strv words = STRV_INIT;
        for (size_t i = c->name[0] ? 1 : 0; i < inv.args.n; i++)
            strv_push(&words, inv.args.v[i]);
        struct invocation sub = {c->name, inv.config_file, words};
        code = c->run(&sub);
        strv_release(&words);
    }
    strv_release(&inv.args);
    strv_release(&typed);
    return output_arrived() || code != EXIT_OK ? code : EXIT_INTERNAL;
}
