/* The scanner of marker and keyword expressions: for expr.c alone. */
#ifndef CONFIG_EXPRSCAN_H
#define CONFIG_EXPRSCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum token_type {
    TOKEN_LPAREN,
    TOKEN_RPAREN,
    TOKEN_OR,
    TOKEN_AND,
    TOKEN_NOT,
    TOKEN_IDENT,
    TOKEN_END,
    TOKEN_EQUAL,
    TOKEN_STRING, /* its quotes included */
    TOKEN_COMMA
};
/* As pytest calls it in its messages. */
const char *token_name(enum token_type t);

struct token {
    enum token_type type;
    size_t at, len; /* bytes of the text */
};

struct exprscan {
    const char *option; /* "-m", for messages */
    const char *text;
    size_t len;
    size_t at; /* where the token behind the current one is looked for */
    struct token current;
    struct error *err;
};

/* Scans the first token. Like the calls below, false with err set where there is none. */
bool exprscan_start(struct exprscan *s, const char *option, const char *text, struct error *err);
/* Goes to the next token (TOKEN_END repeats). */
bool exprscan_next(struct exprscan *s);
/* Goes past the current token, which has to be of the given type; it is stored in *t. */
bool exprscan_take(struct exprscan *s, enum token_type type, struct token *t);
/* Sets err to the three lines of a message about byte `at` of the text; returns false. */
bool exprscan_fail(const struct exprscan *s, size_t at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
