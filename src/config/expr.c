/* An expression is compiled in one pass, by operator precedence, into a list of instructions
 * that set, negate and test one truth value: neither compiling nor matching recurses, so no
 * depth of nesting is too much. "a and not b" becomes: ident a; jump to the end if false;
 * ident b; not. */
#include "config/expr.h"

#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <wctype.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "config/exprscan.h"

enum op_kind { OP_IDENT, OP_NOT, OP_JUMP_IF_FALSE, OP_JUMP_IF_TRUE };
struct op {
    enum op_kind kind;
    size_t arg; /* index of the identifier, or of the instruction to go to */
};

struct ident {
    const char *name; /* for -k in lower case */
    struct marker_arg *args;
    size_t n_args;
};

struct expr {
    struct arena arena;
    struct op *ops;
    size_t n_ops, cap_ops;
    struct ident *idents;
    size_t n_idents, cap_idents;
    bool keywords;   /* compiled for -k */
    locale_t locale; /* for lower case beyond ASCII; 0 where there is none */
};

/* An operator that waits for its right-hand side. */
struct pending {
    enum token_type type; /* LPAREN, NOT, AND or OR */
    size_t jump;          /* AND, OR: the jump over the right-hand side */
};

struct compiler {
    struct expr *e;
    struct exprscan scan;
    struct pending *stack;
    size_t n, cap;
    size_t open; /* LPARENs on the stack */
    /* Python's own compiler looks at keyword arguments after all of the expression was parsed:
     * the first mistake there is kept until the end. */
    struct error late;
};

static void emit(struct expr *e, enum op_kind kind, size_t arg)
{
    if (e->n_ops == e->cap_ops) {
        e->cap_ops = e->cap_ops ? e->cap_ops * 2 : 16;
        e->ops = xreallocarray(e->ops, e->cap_ops, sizeof *e->ops);
    }
    e->ops[e->n_ops++] = (struct op){kind, arg};
}

static void push(struct compiler *c, enum token_type type)
{
    if (c->n == c->cap) {
        c->cap = c->cap ? c->cap * 2 : 16;
        c->stack = xreallocarray(c->stack, c->cap, sizeof *c->stack);
    }
    c->stack[c->n++] = (struct pending){type, c->e->n_ops};
    if (type == TOKEN_AND)
        emit(c->e, OP_JUMP_IF_FALSE, 0);
    else if (type == TOKEN_OR)
        emit(c->e, OP_JUMP_IF_TRUE, 0);
    else if (type == TOKEN_LPAREN)
        c->open++;
}

/* NOT binds closer than AND, AND than OR. */
static int rank(enum token_type type)
{
    return type == TOKEN_NOT ? 3 : type == TOKEN_AND ? 2 : type == TOKEN_OR ? 1 : 0;
}

/* Completes the operators on top of the stack that bind at least as close as lowest. */
static void reduce(struct compiler *c, int lowest)
{
    while (c->n && rank(c->stack[c->n - 1].type) >= lowest) {
        struct pending p = c->stack[--c->n];
        if (p.type == TOKEN_NOT)
            emit(c->e, OP_NOT, 0);
        else
            c->e->ops[p.jump].arg = c->e->n_ops;
    }
}

/* Lower case as Python's str.lower has it, for one character after another. */
static void add_lower(struct buf *b, const char *s, locale_t locale)
{
    size_t len = strlen(s);
    int32_t cp;
    for (size_t i = 0; i < len;) {
        size_t n = text_char(s + i, len - i, &cp);
        if (cp >= 'A' && cp <= 'Z')
            buf_addc(b, (char)(cp - 'A' + 'a'));
        else if (cp < 0x80 || !locale)
            buf_add(b, s + i, n);
        else
            text_add_char(b, (int32_t)towlower_l((wint_t)cp, locale));
        i += n;
    }
}

/* What Python's str.isidentifier says, every byte from 0x80 up being a letter. */
static bool is_identifier(const char *s)
{
    if (*s >= '0' && *s <= '9')
        return false;
    for (; *s; s++)
        if (strchr(":+-.[]\\/", *s))
            return false;
    return true;
}

static bool is_python_keyword(const char *s)
{
    static const char *const words[] = {"False",    "None",    "True",  "and",   "as",
                                        "assert",   "async",   "await", "break", "class",
                                        "continue", "def",     "del",   "elif",  "else",
                                        "except",   "finally", "for",   "from",  "global",
                                        "if",       "import",  "in",    "is",    "lambda",
                                        "nonlocal", "not",     "or",    "pass",  "raise",
                                        "return",   "try",     "while", "with",  "yield"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(s, words[i]) == 0)
            return true;
    return false;
}

static const char *text_of(struct compiler *c, struct token t)
{
    return arena_memdup0(&c->e->arena, c->scan.text + t.at, t.len);
}

/* A message about a word of the expression, which is quoted in it. */
static bool fail_word(struct compiler *c, struct token t, const char *before, const char *behind)
{
    struct buf word = BUF_INIT;
    text_escape(&word, c->scan.text + t.at, t.len, 60);
    exprscan_fail(&c->scan, t.at, "%s%s%s", before, word.data, behind);
    buf_release(&word);
    return false;
}

static bool parse_number(const char *s, struct marker_arg *arg)
{
    const char *digits = s + (*s == '-');
    if (!*digits || digits[strspn(digits, "0123456789")])
        return false;
    errno = 0;
    arg->integer = strtoll(s, NULL, 10);
    arg->type = errno ? ARG_OTHER : ARG_INT; /* no marker of the manifest holds larger ones */
    return true;
}

static bool parse_value(struct compiler *c, struct marker_arg *arg)
{
    struct token t;
    if (c->scan.current.type == TOKEN_STRING) {
        if (!exprscan_take(&c->scan, TOKEN_STRING, &t))
            return false;
        arg->type = ARG_STR;
        arg->str = arena_memdup0(&c->e->arena, c->scan.text + t.at + 1, t.len - 2);
        return true;
    }
    if (!exprscan_take(&c->scan, TOKEN_IDENT, &t))
        return false;
    const char *s = text_of(c, t);
    if (parse_number(s, arg))
        return true;
    bool yes = strcmp(s, "True") == 0;
    if (!yes && strcmp(s, "False") != 0 && strcmp(s, "None") != 0)
        return fail_word(c, t, "unexpected character/s \"", "\"");
    arg->type = *s == 'N' ? ARG_NONE : ARG_BOOL;
    arg->integer = yes;
    return true;
}

/* name "=" value; *t is where the name stands. */
static bool parse_kwarg(struct compiler *c, struct marker_arg *arg, struct token *t)
{
    memset(arg, 0, sizeof *arg);
    if (!exprscan_take(&c->scan, TOKEN_IDENT, t))
        return false;
    arg->name = text_of(c, *t);
    if (!is_identifier(arg->name))
        return fail_word(c, *t, "not a valid python identifier ", "");
    if (is_python_keyword(arg->name))
        return fail_word(c, *t, "unexpected reserved python keyword `", "`");
    struct token equal;
    return exprscan_take(&c->scan, TOKEN_EQUAL, &equal) && parse_value(c, arg);
}

/* Looks for what Python's compiler refuses, in the order in which it looks. */
static void check_kwargs(struct compiler *c, const struct marker_arg *args,
                         const struct token *tokens, size_t n)
{
    struct map seen = MAP_INIT;
    size_t first = MAP_NONE, again = 0, reserved = MAP_NONE;
    for (size_t i = 0; i < n; i++) {
        size_t before = map_intern(&seen, args[i].name, i);
        if (before != i && (first == MAP_NONE || before < first)) {
            first = before;
            again = i;
        }
        if (reserved == MAP_NONE && strcmp(args[i].name, "__debug__") == 0)
            reserved = i;
    }
    map_release(&seen);
    if (c->late.msg)
        return;
    struct error *err = c->scan.err;
    c->scan.err = &c->late;
    if (reserved != MAP_NONE && (first == MAP_NONE || reserved <= first))
        exprscan_fail(&c->scan, tokens[reserved].at, "cannot assign to __debug__");
    else if (first != MAP_NONE)
        fail_word(c, tokens[again], "keyword argument repeated: ", "");
    c->scan.err = err;
}

/* The keyword arguments and their closing parenthesis. */
static bool parse_kwargs(struct compiler *c, struct ident *ident)
{
    struct marker_arg *args = NULL;
    struct token *tokens = NULL, t;
    size_t n = 0, cap = 0;
    bool ok = true;
    do {
        if (n == cap) {
            cap = cap ? cap * 2 : 4;
            args = xreallocarray(args, cap, sizeof *args);
            tokens = xreallocarray(tokens, cap, sizeof *tokens);
        }
        ok = parse_kwarg(c, &args[n], &tokens[n]);
        n++;
    } while (ok && c->scan.current.type == TOKEN_COMMA && (ok = exprscan_next(&c->scan)));
    ok = ok && exprscan_take(&c->scan, TOKEN_RPAREN, &t);
    if (ok) {
        check_kwargs(c, args, tokens, n);
        ident->args = arena_alloc(&c->e->arena, n * sizeof *args);
        memcpy(ident->args, args, n * sizeof *args);
        ident->n_args = n;
    }
    free(args);
    free(tokens);
    return ok;
}

static bool parse_ident(struct compiler *c)
{
    struct expr *e = c->e;
    struct ident ident = {0};
    struct token t, paren;
    if (!exprscan_take(&c->scan, TOKEN_IDENT, &t))
        return false;
    ident.name = text_of(c, t);
    if (e->keywords) {
        struct buf lower = BUF_INIT;
        add_lower(&lower, ident.name, e->locale);
        ident.name = arena_memdup0(&e->arena, buf_cstr(&lower), lower.len);
        buf_release(&lower);
    }
    if (c->scan.current.type == TOKEN_LPAREN) {
        if (!exprscan_take(&c->scan, TOKEN_LPAREN, &paren) || !parse_kwargs(c, &ident))
            return false;
        if (e->keywords && !c->late.msg) {
            struct error *err = c->scan.err;
            c->scan.err = &c->late;
            exprscan_fail(&c->scan, paren.at,
                          "keyword expressions do not support call parameters; "
                          "select by markers with -m");
            c->scan.err = err;
        }
    }
    if (e->n_idents == e->cap_idents) {
        e->cap_idents = e->cap_idents ? e->cap_idents * 2 : 8;
        e->idents = xreallocarray(e->idents, e->cap_idents, sizeof *e->idents);
    }
    e->idents[e->n_idents] = ident;
    emit(e, OP_IDENT, e->n_idents++);
    return true;
}

/* What may stand where a truth value is wanted: any number of "not" and "(", then an identifier. */
static bool parse_operand(struct compiler *c)
{
    for (;;) {
        enum token_type type = c->scan.current.type;
        if (type == TOKEN_IDENT)
            return parse_ident(c);
        if (type != TOKEN_NOT && type != TOKEN_LPAREN)
            return exprscan_fail(&c->scan, c->scan.current.at,
                                 "expected not OR left parenthesis OR identifier; got %s",
                                 token_name(type));
        push(c, type);
        if (!exprscan_next(&c->scan))
            return false;
    }
}

/* What may stand behind a truth value. *more: another operand follows. */
static bool parse_operator(struct compiler *c, bool *more)
{
    *more = false;
    for (;;) {
        enum token_type type = c->scan.current.type;
        if (type == TOKEN_AND || type == TOKEN_OR) {
            reduce(c, rank(type));
            push(c, type);
            *more = true;
            return exprscan_next(&c->scan);
        }
        if (type == TOKEN_END && !c->open)
            return true;
        if (type != TOKEN_RPAREN || !c->open)
            return exprscan_fail(&c->scan, c->scan.current.at, "expected %s; got %s",
                                 token_name(c->open ? TOKEN_RPAREN : TOKEN_END), token_name(type));
        reduce(c, 1);
        c->n--;
        c->open--;
        if (!exprscan_next(&c->scan))
            return false;
    }
}

static bool compile(struct compiler *c)
{
    bool more = c->scan.current.type != TOKEN_END;
    while (more)
        if (!parse_operand(c) || !parse_operator(c, &more))
            return false;
    reduce(c, 1);
    if (c->late.msg)
        return error_set(c->scan.err, c->late.code, "%s", c->late.msg);
    return true;
}

struct expr *expr_compile(const char *option, const char *text, struct error *err)
{
    struct expr *e = xcalloc(1, sizeof *e);
    struct compiler c = {.e = e};
    e->keywords = strcmp(option, "-k") == 0;
    if (e->keywords) {
        text += strspn(text, " \t\n\v\f\r\x1c\x1d\x1e\x1f");
        e->locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    }
    bool ok = exprscan_start(&c.scan, option, text, err) && compile(&c);
    free(c.stack);
    error_release(&c.late);
    if (ok)
        return e;
    expr_free(e);
    return NULL;
}

void expr_free(struct expr *e)
{
    if (!e)
        return;
    if (e->locale)
        freelocale(e->locale);
    free(e->ops);
    free(e->idents);
    arena_release(&e->arena);
    free(e);
}

/* What an expression is matched against: markers, or lower-case names one behind the other. */
struct subject {
    const struct marker *markers;
    size_t n;
    const struct buf *names;
};

/* Python's ==, where True is 1 and False is 0. */
static bool same_value(const struct marker_arg *a, const struct marker_arg *b)
{
    bool numbers =
        (a->type == ARG_INT || a->type == ARG_BOOL) && (b->type == ARG_INT || b->type == ARG_BOOL);
    if (numbers)
        return a->integer == b->integer;
    if (a->type != b->type)
        return false;
    return a->type == ARG_STR ? strcmp(a->str, b->str) == 0 : a->type == ARG_NONE;
}

static bool has_args(const struct marker *m, const struct ident *ident)
{
    for (size_t i = 0; i < ident->n_args; i++) {
        bool found = false;
        for (size_t j = 0; j < m->n_args && !found; j++)
            found = strcmp(m->args[j].name, ident->args[i].name) == 0 &&
                    same_value(&m->args[j], &ident->args[i]);
        if (!found)
            return false;
    }
    return true;
}

static bool ident_matches(const struct ident *ident, const struct subject *s)
{
    if (s->names) {
        for (size_t i = 0; i < s->names->len; i += strlen(s->names->data + i) + 1)
            if (strstr(s->names->data + i, ident->name))
                return true;
        return false;
    }
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->markers[i].name, ident->name) == 0 && has_args(&s->markers[i], ident))
            return true;
    return false;
}

static bool evaluate(const struct expr *e, const struct subject *s)
{
    bool value = e->keywords && !e->n_ops; /* a blank -k is no -k */
    for (size_t i = 0; i < e->n_ops; i++) {
        const struct op *op = &e->ops[i];
        if (op->kind == OP_IDENT)
            value = ident_matches(&e->idents[op->arg], s);
        else if (op->kind == OP_NOT)
            value = !value;
        else if (value == (op->kind == OP_JUMP_IF_TRUE))
            i = op->arg - 1;
    }
    return value;
}

bool expr_match_markers(const struct expr *e, const struct marker *markers, size_t n)
{
    return evaluate(e, &(struct subject){markers, n, NULL});
}

bool expr_match_keywords(const struct expr *e, const char *const *names)
{
    struct buf lower = BUF_INIT;
    for (; names && *names; names++) {
        add_lower(&lower, *names, e->locale);
        buf_addc(&lower, '\0');
    }
    bool value = evaluate(e, &(struct subject){NULL, 0, &lower});
    buf_release(&lower);
    return value;
}
