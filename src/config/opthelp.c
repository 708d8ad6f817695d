/* The options for people: --help, and what a mistyped one may have meant. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "config/options.h"
#include "config/opttable.h"

enum {
    MOST_NAMES = sizeof option_rows->names / sizeof *option_rows->names,
    HELP_COLUMN = 26,      /* where the explanations start */
    HELP_NARROW = 60,      /* below this width they stand on lines of their own, */
    HELP_NARROW_COLUMN = 6 /* this far in */
};

/* "-n, --numprocesses, --workers N" */
static void add_usage(struct buf *b, const struct option_row *row)
{
    const char *comma = "";
    if (row->letter) {
        buf_addf(b, "-%c", row->letter);
        comma = ", ";
    }
    for (size_t i = 0; i < MOST_NAMES && row->names[i]; i++) {
        buf_addf(b, "%s--%s", comma, row->names[i]);
        comma = ", ";
    }
    if (row->value)
        buf_addf(b, "%s%s", row->value[strspn(row->value, "[")] == '=' ? "" : " ", row->value);
}

/* Prints the words of text from the given column on; the cursor stands in column at. */
static void print_wrapped(FILE *out, const char *text, size_t at, size_t column, size_t width)
{
    bool first = true;
    for (; at < column; at++)
        fputc(' ', out);
    while (*text) {
        size_t len = strcspn(text, " ");
        if (!first && at + 1 + len > width) {
            fprintf(out, "\n%*s", (int)column, "");
            at = column;
        } else if (!first) {
            fputc(' ', out);
            at++;
        }
        fwrite(text, 1, len, out);
        at += len;
        text += len + (text[len] == ' ');
        first = false;
    }
    fputc('\n', out);
}

void options_help(FILE *out, int width, const char *only)
{
    size_t columns = width < 40 ? 40 : (size_t)width;
    size_t start = columns < HELP_NARROW ? HELP_NARROW_COLUMN : HELP_COLUMN;
    const char *group = "";
    for (const struct option_row *row = option_rows; row->group; row++) {
        if (only && strcmp(only, row->group) != 0)
            continue;
        if (strcmp(group, row->group) != 0) {
            fprintf(out, "%s%s:\n", *group ? "\n" : "", row->group);
            group = row->group;
        }
        struct buf usage = BUF_INIT;
        add_usage(&usage, row);
        fprintf(out, "  %s", usage.data);
        size_t at = 2 + usage.len;
        if (at + 2 > start) {
            fputc('\n', out);
            at = 0;
        }
        print_wrapped(out, row->help, at, start, columns);
        buf_release(&usage);
    }
}

/* Does the option mean something to pytest? */
static bool is_pytests(const char *option, size_t len)
{
    if (option[0] != '-' || len < 2)
        return false;
    if (option[1] != '-')
        return pytest_option_short(option[1]) != PYTEST_UNKNOWN;
    return pytest_option_long(option + 2, len - 2) != PYTEST_UNKNOWN;
}

const char *options_nearest(const char *option)
{
    if (option[0] != '-' || option[1] != '-')
        return NULL;
    char *name = xmemdup0(option + 2, strcspn(option + 2, "="));
    struct nearest near;
    nearest_init(&near, name);
    for (const struct option_row *row = option_rows; row->group; row++)
        for (size_t i = 0; i < MOST_NAMES && row->names[i]; i++)
            nearest_try(&near, row->names[i]);
    free(name);
    return near.best;
}

bool options_unknown(const char *option, struct error *err)
{
    size_t len = strcspn(option, "=");
    struct buf shown = BUF_INIT;
    text_escape(&shown, option, len, 60);
    if (is_pytests(option, len)) {
        error_set(err, EXIT_USAGE,
                  "option %s is for pytest, and no pytest suite is to run; "
                  "leave it out",
                  shown.data);
        buf_release(&shown);
        return false;
    }
    const char *near = options_nearest(option);
    error_set(err, EXIT_USAGE, "unknown option %s; %s%s%s'rowlock --help' lists them all",
              shown.data, near ? "did you mean --" : "", near ? near : "", near ? "? " : "");
    buf_release(&shown);
    return false;
}
