/* Branches on the page of a source file: which way was never taken. */
#include <string.h>

#include "coverage/demangle.h"
#include "coverage/htmllines.h"
#include "coverage/htmltext.h"

enum { ARMS_NAMED = 4 }; /* so many stand beside the line; all of them in its list */

static bool counts(const struct cov_arm *a)
{
    return !(a->flags & COV_ARM_EXTRA);
}

/* The function that starts at the line, or NULL. */
static const struct cov_function *function_at(const struct cov_file *f, uint32_t line)
{
    for (size_t i = 0; i < f->n_functions; i++)
        if (f->functions[i].start_line == line)
            return &f->functions[i];
    return NULL;
}

/* "jump to line 15", "returned from function 'f'": where the arm of Python code leads, or led. */
static void add_way(struct buf *b, const struct cov_file *f, const struct cov_arm *a, bool link)
{
    const char *ed = link && a->count ? "ed" : "";
    if (a->to > 0) {
        buf_addf(b, link ? "jump%s to <a href=#%d>line %d</a>" : "jump%s to line %d", ed, a->to, a->to);
        return;
    }
    uint32_t start = (uint32_t) - (int64_t)a->to;
    const struct cov_function *fn = function_at(f, start);
    if (fn) {
        buf_addf(b, fn->kind == COV_CLASS ? "exit%s class " : "return%s from function ", ed);
        html_name(b, fn->name);
    } else if (start == 1)
        buf_addf(b, "exit%s the module", ed);
    else
        buf_addf(b, link ? "exit%s the code that starts on <a href=#%u>line %u</a>"
                         : "exit%s the code that starts on line %u",
                 ed, start, start);
}

/* "2", "x > 0" (LCOV 2), "1.2" where the line has several blocks. */
static void add_number(struct buf *b, const struct cov_arm *a, bool blocks)
{
    if (blocks)
        buf_addf(b, "%u.", a->block);
    if (a->name)
        html_name(b, a->name);
    else
        buf_addf(b, "%u", a->arm);
}

static void add_kind(struct buf *b, const struct cov_arm *a)
{
    if (a->flags & COV_ARM_THROW)
        buf_adds(b, " (throw)");
    else if (a->flags & COV_ARM_FALLTHROUGH)
        buf_adds(b, " (fallthrough)");
}

static void add_times(struct buf *b, const struct cov_arm *a)
{
    if (a->count == 1) {
        buf_adds(b, "once");
        return;
    }
    if (a->count < 0)
        buf_addc(b, '-');
    html_number(b, a->count < 0 ? 0 - (uint64_t)a->count : (uint64_t)a->count);
    buf_adds(b, " times");
}

static void add_item(struct buf *b, const struct cov_file *f, const struct cov_arm *a, bool blocks)
{
    buf_adds(b, a->count ? "<li>" : "<li class=never>");
    if (a->to) {
        buf_addf(b, "line %u %s", a->line, a->count ? "" : "didn’t ");
        add_way(b, f, a, true);
        if (a->count > 1) {
            buf_adds(b, ", ");
            add_times(b, a);
        }
        if (!counts(a))
            buf_adds(b, " (a way that the source does not show; not counted)");
        return;
    }
    buf_adds(b, "branch ");
    add_number(b, a, blocks);
    if (a->flags & COV_ARM_UNREACHED)
        buf_adds(b, " never reached");
    else if (!a->count)
        buf_adds(b, " never taken");
    else {
        buf_adds(b, " taken ");
        add_times(b, a);
    }
    add_kind(b, a);
}

static void add_list(struct buf *b, const struct cov_file *f, const struct cov_arm *arms, size_t n,
                     bool blocks)
{
    const char *owner = NULL;
    buf_adds(b, "<ul>");
    for (size_t i = 0; i < n; i++) {
        if (arms[i].owner && arms[i].owner != owner) {
            buf_adds(b, "<li class=owner>in ");
            html_name(b, cov_shown_owner(f, arms[i].owner, arms[i].line));
        }
        owner = arms[i].owner;
        add_item(b, f, &arms[i], blocks);
    }
    buf_adds(b, "</ul>");
}

/* Beside a line that was run: the ways that were never taken. */
static void add_words(struct buf *b, const struct cov_file *f, const struct cov_arm *arms, size_t n,
                      bool blocks)
{
    size_t never = 0, throws = 0, named = 0;
    for (size_t i = 0; i < n; i++) {
        never += counts(&arms[i]) && !arms[i].count;
        throws += counts(&arms[i]) && !arms[i].count && arms[i].flags & COV_ARM_THROW;
    }
    bool python = arms[0].to != 0, all_throw = throws == never;
    if (!never || (all_throw && !python))
        return;
    if (never - throws > ARMS_NAMED) {
        buf_addf(b, "%zu ways never taken", never - throws);
        return;
    }
    if (!python)
        buf_adds(b, never - throws == 1 ? "branch " : "branches ");
    for (size_t i = 0; i < n; i++) {
        if (!counts(&arms[i]) || arms[i].count || (arms[i].flags & COV_ARM_THROW && !all_throw))
            continue;
        if (named++)
            buf_adds(b, python ? " or " : ", ");
        else if (python)
            buf_addf(b, "line %u didn’t ", arms[i].line);
        if (python)
            add_way(b, f, &arms[i], false);
        else
            add_number(b, &arms[i], blocks);
    }
    if (!python)
        buf_adds(b, " never taken");
}

void html_arms(struct buf *b, const struct cov_file *f, const struct cov_line *line,
               const struct cov_arm *arms, size_t n)
{
    size_t counted = 0, hit = 0;
    bool blocks = false;
    for (size_t i = 0; i < n; i++) {
        counted += counts(&arms[i]);
        hit += counts(&arms[i]) && arms[i].count;
        blocks |= arms[i].block != arms[0].block;
    }
    buf_addf(b, "<details><summary><b>%zu/%zu</b>", hit, counted);
    if (line && line->count)
        add_words(b, f, arms, n, blocks);
    buf_adds(b, "</summary>");
    add_list(b, f, arms, n, blocks);
    buf_adds(b, "</details>");
}
