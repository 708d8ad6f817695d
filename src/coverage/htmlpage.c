/* The page of a source file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "coverage/demangle.h"
#include "coverage/htmllines.h"
#include "coverage/htmlreport.h"

/* ---- Its name ---------------------------------------------------------------------------------- */

enum { SLUG_LONGEST = 60 };

/* FNV-1a, 64 bits. */
static uint64_t hash_of(const char *s)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 0x100000001b3u;
    return h;
}

char *html_page_name(const char *file, bool (*taken)(const char *name, void *arg), void *arg)
{
    const char *base = path_basename(file);
    char slug[SLUG_LONGEST + 1];
    size_t n = 0;
    for (; n < SLUG_LONGEST && base[n]; n++) {
        char c = base[n];
        bool safe = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || (c == '.' && n);
        slug[n] = (char)(safe ? c : c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : '_');
    }
    slug[n] = '\0';
    char *name = xasprintf("%s-%016llx", slug, (unsigned long long)hash_of(file));
    for (unsigned k = 2; taken(name, arg); k++) {
        free(name);
        name = xasprintf("%s-%016llx-%u", slug, (unsigned long long)hash_of(file), k);
    }
    return name;
}

/* ---- Its head ---------------------------------------------------------------------------------- */

/* "src / coverage / model.c", the folders as links to the overview. */
static void add_trail(struct buf *b, const char *name)
{
    const char *s = name;
    buf_adds(b, "<a href=\"../index.html\">All files</a>");
    for (const char *slash; (slash = strchr(s, '/')) != NULL; s = slash + 1) {
        char *folder = xmemdup0(name, (size_t)(slash - name) + (slash == name));
        char *part = xmemdup0(s, (size_t)(slash - s) + (slash == name));
        if (part[0]) {
            buf_adds(b, "<span class=\"sep\">/</span><a href=\"../index.html#dir=");
            html_fragment(b, folder);
            buf_adds(b, "\">");
            html_name(b, part);
            buf_adds(b, "</a>");
        }
        free(folder);
        free(part);
    }
    buf_adds(b, "<span class=\"sep\">/</span><h1>");
    html_name(b, *s ? s : name);
    buf_adds(b, "</h1>");
}

static void add_neighbour(struct buf *b, const struct html_report *r, size_t i, const char *rel,
                          const char *text)
{
    if (i >= r->c->n_files)
        return;
    buf_addf(b, "<a rel=\"%s\" class=\"button\" href=\"%s.html\" title=\"", rel, r->pages[i]);
    html_name(b, r->c->files[i]->name);
    buf_addf(b, "\">%s</a>", text);
}

static void add_note(struct buf *b, const char *text)
{
    buf_addf(b, "<p class=\"note\" role=\"note\">%s</p>\n", text);
}

static void add_notes(struct buf *b, enum html_source_state state, bool newer,
                      const struct html_lines *lines)
{
    if (state == HTML_SOURCE_NOT_FOUND)
        add_note(b, "The source was not found below the source root. Shown are the lines that the "
                    "data tells of; <code>--source-root DIR</code> says where the sources lie.");
    if (state == HTML_SOURCE_OUTSIDE)
        add_note(b, "The source lies outside of the source root, so it is not shown. "
                    "<code>--source-root DIR</code> names another root.");
    if (state == HTML_SOURCE_UNREADABLE)
        add_note(b, "The source cannot be read. Shown are the lines that the data tells of.");
    if (newer)
        add_note(b, "The source was changed after the data was written. What is shown may stand "
                    "beside the wrong lines.");
    if (lines->beyond) {
        char text[256];
        snprintf(text, sizeof text,
                 "The data tells of lines behind the end of the source, from line %u on: this is not "
                 "the source that was measured.",
                 lines->beyond);
        add_note(b, text);
    }
}

static void add_legend(struct buf *b, const struct html_lines *l, const struct html_who *who)
{
    static const struct {
        enum html_state state;
        const char *class, *text;
    } items[] = {{HTML_HIT, "h", "run"},
                 {HTML_MISSED, "m", "not run"},
                 {HTML_PARTIAL, "p", "partly run"},
                 {HTML_EXCLUDED, "x", "excluded"}};
    for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
        if (!l->state[items[i].state] && items[i].state == HTML_EXCLUDED)
            continue;
        buf_addf(b, "<span class=\"key %s\"><b>", items[i].class);
        html_number(b, l->state[items[i].state]);
        buf_addf(b, "</b> %s</span>", items[i].text);
    }
    if (!who->named)
        return;
    buf_adds(b, "<span class=\"key\" title=\"Beside a line: how many contexts, as a rule tests, "
                "have run it. Click on the number (w) for their names.\"><b>");
    html_number(b, who->named);
    buf_addf(b, "</b> context%s</span>", who->named == 1 ? "" : "s");
}

/* ---- Its functions ----------------------------------------------------------------------------- */

struct figures {
    uint64_t lines, hit;
    bool run;
};

static void count_line(struct figures *g, const struct cov_line *line)
{
    if (!line || !cov_line_counts(line))
        return;
    g->lines++;
    g->hit += line->count != 0;
}

static struct figures function_figures(const struct cov_file *f, const struct cov_function *fn)
{
    struct figures g = {0};
    for (size_t i = 0; i < fn->n_lines; i++)
        count_line(&g, cov_find_line(f, fn->lines[i]));
    if (!fn->lines && fn->start_line && fn->end_line >= fn->start_line)
        for (size_t i = cov_line_from(f, fn->start_line);
             i < f->n_lines && f->lines[i].line <= fn->end_line; i++)
            count_line(&g, &f->lines[i]);
    g.run = fn->count != -1 ? fn->count != 0 : g.hit != 0;
    return g;
}

static void add_function(struct buf *b, const struct html_report *r, const struct cov_file *f,
                         const struct cov_function *fn)
{
    struct figures g = function_figures(f, fn);
    buf_adds(b, g.run ? "<tr><th scope=\"row\">" : "<tr class=\"never\"><th scope=\"row\">");
    if (fn->start_line)
        buf_addf(b, "<a href=\"#%u\">", fn->start_line);
    html_name(b, cov_shown_name(fn));
    buf_addf(b, "%s%s</th><td>", fn->start_line ? "</a>" : "",
             fn->kind == COV_CLASS ? " <small>class</small>" : "");
    if (fn->start_line)
        buf_addf(b, "%u", fn->start_line);
    buf_adds(b, "</td><td>");
    if (fn->count == -1)
        buf_adds(b, g.run ? "yes" : "no");
    else {
        buf_adds(b, fn->count < 0 ? "-" : "");
        html_number(b, fn->count < 0 ? 0 - (uint64_t)fn->count : (uint64_t)fn->count);
    }
    buf_addf(b, "</td><td>");
    if (g.lines)
        buf_addf(b, "%llu/%llu", (unsigned long long)g.hit, (unsigned long long)g.lines);
    buf_adds(b, "</td><td>");
    if (g.lines)
        html_percent(b, r->how, g.hit, g.lines);
    else
        html_percent(b, r->how, fn->blocks_run, fn->blocks);
    buf_adds(b, "</td></tr>\n");
}

static void add_functions(struct buf *b, const struct html_report *r, const struct cov_file *f,
                          const struct cov_totals *t)
{
    if (!f->n_functions)
        return;
    bool counted = false;
    for (size_t i = 0; i < f->n_functions; i++)
        counted |= f->functions[i].count != -1;
    buf_adds(b, "<details class=\"functions\" id=\"functions\"><summary>Functions <span class=\"of\">");
    html_number(b, t->functions_hit);
    buf_adds(b, " of ");
    html_number(b, t->functions);
    buf_addf(b,
             " run</span></summary>\n<table class=\"sortable\"><thead><tr>"
             "<th scope=\"col\">Function</th><th scope=\"col\" class=\"n\">Line</th>"
             "<th scope=\"col\" class=\"n\">%s</th><th scope=\"col\" class=\"n\">Lines run</th>"
             "<th scope=\"col\" class=\"n\">Coverage</th></tr></thead>\n<tbody>\n",
             counted ? "Calls" : "Run");
    for (size_t i = 0; i < f->n_functions; i++)
        add_function(b, r, f, &f->functions[i]);
    buf_adds(b, "</tbody></table></details>\n");
}

/* ---- The whole --------------------------------------------------------------------------------- */

struct page {
    struct buf name, trail, neighbours, figures, notes, legend, functions, contexts, last;
    struct html_lines lines;
    struct html_who who;
};

/* What the script of the page needs to name who ran a line. */
static void add_contexts(struct buf *b, const struct html_who *who)
{
    buf_adds(b, "<div id=\"contexts\" hidden>");
    buf_add(b, buf_cstr(&who->names), who->names.len);
    buf_adds(b, "</div>\n<div id=\"sets\" hidden>");
    buf_add(b, buf_cstr(&who->sets), who->sets.len);
    buf_adds(b, "</div>\n");
}

static void fill_page(struct page *p, const struct html_report *r, size_t i)
{
    const struct cov_file *f = r->c->files[i];
    struct buf text = BUF_INIT;
    struct cov_totals t = {0};
    bool newer;
    enum html_source_state state = html_source(&text, r, f, &newer);
    if (r->how->contexts)
        html_who_make(&p->who, f);
    html_lines_render(&p->lines, f, state == HTML_SOURCE_READ ? &text : NULL,
                      p->who.n_lines ? &p->who : NULL);
    buf_release(&text);
    cov_file_totals(f, &t);
    html_name(&p->name, f->name);
    add_trail(&p->trail, f->name);
    add_neighbour(&p->neighbours, r, i - 1, "prev", "‹ File");
    add_neighbour(&p->neighbours, r, i + 1, "next", "File ›");
    if (t.coverable != t.lines)
        html_figure(&p->figures, r->how, "Coverage", t.covered, t.coverable);
    html_figures(&p->figures, r->how, &t);
    add_notes(&p->notes, state, newer, &p->lines);
    add_legend(&p->legend, &p->lines, &p->who);
    add_functions(&p->functions, r, f, &t);
    if (p->who.n_lines)
        add_contexts(&p->contexts, &p->who);
    buf_addf(&p->last, "%u", p->lines.last ? p->lines.last : 1);
}

bool html_page(struct buf *b, const struct html_report *r, const struct html_template *t, size_t i,
               struct error *err)
{
    struct page p;
    memset(&p, 0, sizeof p);
    fill_page(&p, r, i);
    const struct html_place places[] = {
        {"TITLE", &r->title},         {"FOOT", &r->foot},         {"NAME", &p.name},
        {"TRAIL", &p.trail},          {"NEIGHBOURS", &p.neighbours}, {"FIGURES", &p.figures},
        {"NOTES", &p.notes},          {"LEGEND", &p.legend},      {"FUNCTIONS", &p.functions},
        {"LINES", &p.lines.list},     {"RULER", &p.lines.ruler},  {"LAST", &p.last},
        {"CONTEXTS", &p.contexts},    {NULL, NULL}};
    bool ok = html_template_fill(b, t, places, err);
    struct buf *own[] = {&p.name,   &p.trail,  &p.neighbours, &p.figures,
                         &p.notes,  &p.legend, &p.functions,  &p.contexts, &p.last};
    for (size_t k = 0; k < sizeof own / sizeof *own; k++)
        buf_release(own[k]);
    html_lines_release(&p.lines);
    html_who_release(&p.who);
    return ok;
}
