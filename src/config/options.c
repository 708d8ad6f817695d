#include "config/options.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/xalloc.h"
#include "config/opttable.h"

/* A walk over the words of a command line. */
struct parser {
    struct options *o;
    char *const *argv;
    int argc;
    int at; /* the word that is parsed now */
    bool unknown; /* the word before was an option that nobody here knows */
    const char *where;
    struct error *err;
};

const char *dist_name(enum dist d)
{
    static const char *const names[] = {"",          "load",      "loadscope", "loadfile",
                                        "loadgroup", "worksteal", "each",      "no"};
    return (size_t)d < sizeof names / sizeof *names ? names[d] : "";
}

void options_init(struct options *o)
{
    memset(o, 0, sizeof *o);
    o->workers = WORKERS_UNSET;
    o->timeout = o->run_timeout = o->slow_warning = -1;
    o->reruns = -1;
    o->reruns_delay = -1;
    o->durations = -1;
    o->cov_fail_under = -1;
    o->cov_precision = -1;
    o->color = xstrdup("auto");
}

void options_release(struct options *o)
{
    free(o->markers);
    free(o->keyword);
    free(o->manifest);
    free(o->python);
    free(o->worker_start);
    free(o->junitxml);
    free(o->junit_prefix);
    free(o->report_json);
    free(o->report_markdown);
    free(o->report_tap);
    free(o->history_url);
    free(o->color);
    free(o->output);
    free(o->report_chars);
    free(o->tb);
    free(o->show_capture);
    free(o->capture);
    free(o->no_failures);
    free(o->shard_times);
    strv_release(&o->deselect);
    strv_release(&o->cov_source);
    free(o->cov_config);
    free(o->cov_context);
    strv_release(&o->cov_report);
    strv_release(&o->taps);
    strv_release(&o->ctest);
    strv_release(&o->meson);
    free(o->ctest_config);
    options_drop_words(o);
    memset(o, 0, sizeof *o);
}

void options_drop_words(struct options *o)
{
    strv_release(&o->pytest_args);
    strv_release(&o->test_paths);
    strv_release(&o->words);
    buf_release(&o->word_kinds);
}

static bool is_negative_number(const char *s)
{
    size_t whole = strspn(s + 1, "0123456789");
    if (!s[1 + whole])
        return whole > 0;
    if (s[1 + whole] != '.')
        return false;
    const char *fraction = s + 2 + whole;
    size_t len = strspn(fraction, "0123456789");
    return len > 0 && !fraction[len];
}

/* argparse's view of a word: an option, unless it is a negative number, or holds a space and
 * starts with no known short option. */
static bool is_option(const char *s)
{
    if (s[0] != '-' || !s[1] || is_negative_number(s))
        return false;
    if (s[1] != '-' && (option_row_short(s[1]) || pytest_option_short(s[1])))
        return true;
    return s[strcspn(s, "= ")] != ' ';
}

/* The next word, if there is one that can be a value. */
static const char *next_value(struct parser *p)
{
    if (p->at + 1 >= p->argc || is_option(p->argv[p->at + 1]))
        return NULL;
    return p->argv[++p->at];
}

static void add_word(struct parser *p, enum word_kind kind, const char *word)
{
    strv_push(&p->o->words, word);
    buf_addc(&p->o->word_kinds, (char)kind);
}

/* An option that Rowlock knows, as pytest wants it. */
static void pass_on(struct parser *p, const struct option_row *row, const char *value)
{
    if (!row->pytest || (row->value && !value && !row->bare))
        return;
    char *word = value ? xasprintf("%s=%s", row->pytest, value) : xstrdup(row->pytest);
    if (row->pytest[0])
        add_word(p, WORD_OPTION, word);
    else
        add_word(p, WORD_PATH, value);
    free(word);
}

/* Stores the value of an option; name is the option as it was written, with its dashes. */
static bool apply(struct parser *p, const struct option_row *row, const char *name,
                  const char *value)
{
    if (p->o->only && strcmp(row->group, p->o->only) != 0)
        return error_set(p->err, EXIT_USAGE,
                         "%s: %s is for commands that run tests; leave it out here", p->where, name);
    if (row->value && !value && row->value[0] != '[')
        return error_set(p->err, EXIT_USAGE, "%s: %s: the value is missing; give %s", p->where,
                         name, row->accepts ? row->accepts : "an expression");
    if (!row->store(p->o, row, value)) {
        char *quoted = text_quote(value);
        error_set(p->err, EXIT_USAGE, "%s: %s: %s is not accepted; give %s", p->where, name, quoted,
                  row->accepts);
        free(quoted);
        return false;
    }
    pass_on(p, row, value);
    return true;
}

static bool refuse_value(struct parser *p, const char *name)
{
    return error_set(p->err, EXIT_USAGE, "%s: %s: takes no value; leave out the = and what follows",
                     p->where, name);
}

/* An option that is pytest's alone. */
static void add_unknown(struct parser *p, const char *word, const char *value)
{
    strv_push(&p->o->pytest_args, word);
    add_word(p, WORD_OPTION, word);
    if (!value)
        return;
    strv_push(&p->o->pytest_args, value);
    add_word(p, WORD_OPTION, value);
}

static bool parse_long(struct parser *p, const char *word)
{
    size_t len = strcspn(word, "=");
    const char *equal = word[len] ? word + len : NULL;
    const struct option_row *row = option_row_long(word + 2, len - 2);
    if (row) {
        char *name = xmemdup0(word, len);
        bool takes_next = row->value && row->value[strspn(row->value, "[")] != '=';
        const char *value = equal ? equal + 1 : takes_next ? next_value(p) : NULL;
        bool ok = equal && !row->value ? refuse_value(p, name) : apply(p, row, name, value);
        free(name);
        return ok;
    }
    enum pytest_option kind = pytest_option_long(word + 2, len - 2);
    bool takes = kind == PYTEST_VALUE || kind == PYTEST_MAYBE;
    add_unknown(p, word, !equal && takes ? next_value(p) : NULL);
    p->unknown = !equal && kind == PYTEST_UNKNOWN;
    return true;
}

/* "-x", "-n4", "-n=4", and several in one word: "-xvs". */
static bool parse_short(struct parser *p, const char *word)
{
    for (const char *c = word + 1; *c; c++) {
        const char name[] = {'-', *c, '\0'};
        const struct option_row *row = option_row_short(*c);
        enum pytest_option kind = row ? PYTEST_UNKNOWN : pytest_option_short(*c);
        if (row && row->value)
            return apply(p, row, name, c[1] ? c + 1 + (c[1] == '=') : next_value(p));
        if (!row && kind != PYTEST_FLAG) {
            char *rest = xasprintf("-%s", c);
            add_unknown(p, rest, kind == PYTEST_VALUE && !c[1] ? next_value(p) : NULL);
            free(rest);
            p->unknown = kind == PYTEST_UNKNOWN;
            return true;
        }
        if (c[1] == '=')
            return refuse_value(p, name);
        if (!row)
            add_unknown(p, name, NULL);
        else if (!apply(p, row, name, NULL))
            return false;
    }
    return true;
}

bool options_parse(struct options *o, int argc, char *const *argv, const char *where,
                   struct error *err)
{
    struct parser p = {o, argv, argc, 0, false, where, err};
    bool plain = false; /* "--" was seen */
    for (; p.at < argc; p.at++) {
        const char *word = argv[p.at];
        bool ok = true;
        bool after_unknown = p.unknown;
        p.unknown = false;
        if (plain || !is_option(word)) {
            strv_push(&o->test_paths, word);
            add_word(&p, after_unknown ? WORD_MAYBE : WORD_PATH, word);
        } else if (strcmp(word, "--") == 0) {
            plain = true;
            add_word(&p, WORD_OPTION, word);
        } else {
            ok = word[1] == '-' ? parse_long(&p, word) : parse_short(&p, word);
        }
        if (!ok)
            return false;
    }
    return true;
}
