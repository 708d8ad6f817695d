/* Annotations of GitHub Actions: workflow commands on standard output, which the runner makes into
 * notes at a file and a line. Form and escapes as in the documentation of workflow commands and in
 * the runner (src/Runner.Common/ActionCommand.cs): %, CR and LF everywhere, ':' and ',' in
 * properties, too. */
#include <stdio.h>
#include <string.h>

#include "report/place.h"
#include "report/report.h"
#include "report/screen.h"
#include "report/show.h"

enum {
    MOST_ANNOTATIONS = 10, /* of each kind; GitHub shows no more in a step */
    MOST_DETAIL = 3000,    /* bytes of a failure text in one */
    MOST_MESSAGE = 1000,
    MOST_TITLE = 250
};

static void add_escaped(struct buf *b, const char *text, size_t len, bool property)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '%' || c == '\r' || c == '\n' || (property && (c == ':' || c == ',')))
            buf_addf(b, "%%%02X", c);
        else
            buf_addc(b, (char)c);
    }
}

/* One line of text, made printable, as a property. */
static void add_property(struct buf *b, const char *name, const char *text, size_t len)
{
    struct buf plain = BUF_INIT;
    size_t fit;
    show_text(&plain, text, len, false, COLORS_STRIP);
    fit = show_fit(buf_cstr(&plain), plain.len, MOST_TITLE);
    if (fit) {
        buf_addf(b, "%s=", name);
        add_escaped(b, plain.data, fit, true);
    }
    buf_release(&plain);
}

/* The end of a failure text, in whole lines where they are short enough. */
static void add_detail(struct buf *b, const char *text, size_t len)
{
    struct buf plain = BUF_INIT;
    size_t start = len > MOST_DETAIL ? len - MOST_DETAIL : 0;
    const char *newline = start ? memchr(text + start, '\n', len - start) : NULL;
    if (newline)
        start = (size_t)(newline + 1 - text);
    report_output(&plain, text + start, len - start, false);
    add_escaped(b, buf_cstr(&plain), plain.len, false);
    buf_release(&plain);
}

/* What one annotation says. */
struct note {
    const char *kind; /* error, warning or notice */
    const struct place *at; /* NULL: nowhere */
    enum outcome outcome;
    const char *name;
    const struct result_text *message, *detail;
};

static void print_note(FILE *out, const struct note *n)
{
    struct buf b = BUF_INIT, title = BUF_INIT, message = BUF_INIT;
    buf_addf(&b, "::%s ", n->kind);
    if (n->at && n->at->file.len) {
        add_property(&b, "file", n->at->file.data, n->at->file.len);
        if (n->at->line)
            buf_addf(&b, ",line=%u", n->at->line);
        buf_addc(&b, ',');
    }
    buf_addf(&title, "%s %s", screen_short_word(n->outcome), n->name);
    add_property(&b, "title", buf_cstr(&title), title.len);
    buf_adds(&b, "::");
    size_t len = n->message->len ? strcspn(n->message->data, "\n") : 0;
    show_text(&message, n->message->data, len < MOST_MESSAGE ? len : MOST_MESSAGE, false,
              COLORS_STRIP);
    add_escaped(&b, buf_cstr(&message), message.len, false);
    if (n->detail && n->detail->len) {
        buf_adds(&b, message.len ? "%0A%0A" : "");
        add_detail(&b, n->detail->data, n->detail->len);
    } else if (!message.len) {
        buf_adds(&b, screen_outcome(n->outcome));
    }
    buf_addc(&b, '\n');
    fwrite(b.data, 1, b.len, out);
    buf_release(&b);
    buf_release(&title);
    buf_release(&message);
}

static void note_error(FILE *out, struct places *p, const struct result_file *e)
{
    struct place at = {.file = BUF_INIT};
    place_of_module(p, e->name, strcspn(e->name, ":"), &at);
    print_note(out, &(struct note){.kind = "error",
                                   .at = &at,
                                   .outcome = OUTCOME_ERROR,
                                   .name = e->name,
                                   .message = &e->message,
                                   .detail = &e->detail});
    buf_release(&at.file);
}

static void note_test(FILE *out, struct places *p, uint32_t i, const char *kind)
{
    const struct result *t = &p->r->tests[i];
    struct place at = {.file = BUF_INIT};
    bool known = place_of_failure(p, i, &at);
    print_note(out, &(struct note){.kind = kind,
                                   .at = known && at.file.data[0] != '/' ? &at : NULL,
                                   .outcome = t->outcome,
                                   .name =
                                       plan_map_str(p->r->plan, plan_map_test(p->r->plan, i)->id),
                                   .message = &t->message,
                                   .detail = &t->detail});
    buf_release(&at.file);
}

static void note_rest(FILE *out, size_t n, const char *what)
{
    if (n > MOST_ANNOTATIONS)
        fprintf(out, "::notice title=Rowlock::%zu more %s: GitHub shows %d in a step; all are in "
                     "the log\n", n - MOST_ANNOTATIONS, what, MOST_ANNOTATIONS);
}

void report_github(FILE *out, const struct results *r)
{
    struct places p;
    size_t failed = 0, flaky = 0;
    places_init(&p, r);
    for (size_t k = 0; k < r->n_errors; k++)
        if (failed++ < MOST_ANNOTATIONS)
            note_error(out, &p, &r->errors[k]);
    for (uint32_t i = 0; i < r->plan->head->n_tests; i++) {
        enum outcome o = r->tests[i].outcome;
        if (!plan_map_test(r->plan, i))
            continue;
        if (outcome_is_failure(o) && failed++ < MOST_ANNOTATIONS)
            note_test(out, &p, i, "error");
        else if (o == OUTCOME_FLAKY && flaky++ < MOST_ANNOTATIONS)
            note_test(out, &p, i, "warning");
    }
    note_rest(out, failed, "tests failed");
    note_rest(out, flaky, "tests were flaky");
    places_release(&p);
}
