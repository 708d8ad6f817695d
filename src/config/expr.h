/* Marker (-m) and keyword (-k) expressions with pytest's grammar and precedence:
 *
 *     expression: or_expr | nothing         (nothing selects no test; callers skip empty strings)
 *     or_expr: and_expr ("or" and_expr)*
 *     and_expr: not_expr ("and" not_expr)*
 *     not_expr: "not" not_expr | "(" or_expr ")" | ident kwargs?
 *     ident: (\w | ":" | "+" | "-" | "." | "[" | "]" | "\" | "/")+
 *     kwargs: "(" name "=" value ("," name "=" value)* ")"
 *     value: 'string' | "string" | integer | True | False | None
 *
 * as in pytest's _pytest/mark/expression.py (8.3 and later for kwargs). Every byte from 0x80 up
 * counts as \w. There is no limit to length or nesting. */
#ifndef CONFIG_EXPR_H
#define CONFIG_EXPR_H

#include <stdbool.h>

#include "base/error.h"
#include "manifest/manifest.h"

struct expr;

/* Compiles text. On failure NULL, and err (EXIT_USAGE) holds a message of three lines: what is
 * wrong and at which column of which option ("-m"), the text, and a caret below the place; of a
 * long text the part around the place. For "-k", leading white space is dropped first, and an
 * expression of nothing else selects every test, as in pytest. */
struct expr *expr_compile(const char *option, const char *text, struct error *err);
/* NULL is fine. */
void expr_free(struct expr *e);
/* Does the expression select a test with these markers? An identifier is true if the test has
 * a marker of exactly that name; with kwargs, if one such marker has all of them. */
bool expr_match_markers(const struct expr *e, const struct marker *markers, size_t n);
/* An identifier is true if it is a substring, without regard to case, of any of the names
 * (NULL-terminated; a NULL array counts as empty). Kwargs are refused when -k is compiled. */
bool expr_match_keywords(const struct expr *e, const char *const *names);

#endif
