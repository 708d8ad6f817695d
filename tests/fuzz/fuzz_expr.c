/* Exercises expr_compile and both ways of matching (-m and -k). An expression E that compiles
 * does so within others, and their truth follows: "not (E)", "(E) and (E)", "E or not (E)". A
 * mistake is told in three lines. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "config/expr.h"
#include "support.h"

static struct marker_arg args[] = {
    {.name = "reason", .type = ARG_STR, .str = "x y"},
    {.name = "n", .type = ARG_INT, .integer = -3},
    {.name = "yes", .type = ARG_BOOL, .integer = 1},
    {.name = "none", .type = ARG_NONE},
    {.name = "odd", .type = ARG_OTHER},
};
static const struct marker markers[] = {
    {.name = "unit"},
    {.name = "slow", .args = args, .n_args = 5},
    {.name = "slow", .args = args, .n_args = 1},
    {.name = "a\xc3\xa9"},
};
static const char *const keywords[] = {"tests/test_A.py::TestB::test_c[1-\xc3\x89]", "unit", "",
                                       "\xff\xfe", NULL};

static bool match(const struct expr *e, bool keyword)
{
    if (keyword)
        return expr_match_keywords(e, keywords);
    return expr_match_markers(e, markers, sizeof markers / sizeof *markers);
}

/* The truth of an expression made of those pieces, which has to compile. */
static bool match_within(const char *option, const char *before, const char *text,
                         const char *middle, const char *again, const char *behind)
{
    struct error err = ERROR_INIT;
    char *whole = xasprintf("%s%s%s%s%s", before, text, middle, again, behind);
    struct expr *e = expr_compile(option, whole, &err);
    CHECK(e);
    fuzz_check_error(&err, true, 0);
    bool value = match(e, option[1] == 'k');
    expr_free(e);
    free(whole);
    return value;
}

static void check(const char *option, const char *text)
{
    struct error err = ERROR_INIT;
    bool keyword = option[1] == 'k';
    struct expr *e = expr_compile(option, text, &err);
    CHECK(e || (err.code == EXIT_USAGE && strncmp(err.msg, option, 2) == 0));
    fuzz_check_error(&err, e != NULL, 3);
    if (!e)
        return;
    bool value = match(e, keyword);
    CHECK(value == match(e, keyword));
    expr_match_markers(e, NULL, 0);
    if (keyword)
        expr_match_keywords(e, NULL);
    expr_free(e);
    /* Nothing at all selects no test (-m) or every one (-k), and cannot stand in parentheses. */
    if (!text[strspn(text, keyword ? " \t\n\v\f\r\x1c\x1d\x1e\x1f" : " \t")]) {
        CHECK(value == keyword);
        return;
    }
    CHECK(match_within(option, "not (", text, ")", "", "") == !value);
    CHECK(match_within(option, "(", text, ") and (", text, ")") == value);
    CHECK(match_within(option, "", text, " or not (", text, ")"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = xmemdup0(data, size);
    check("-m", text);
    /* In the middle of an expression, -k takes only blanks and tabs for space. */
    const char *start = text + strspn(text, " \t\n\v\f\r\x1c\x1d\x1e\x1f");
    check("-k", start);
    free(text);
    return 0;
}
