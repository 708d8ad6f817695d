/* The overview: figures of the whole, the data of all files for the script that shows them as a
 * tree, and the same as a plain table. */
#include <stdio.h>
#include <string.h>

#include "coverage/htmlreport.h"

/* ---- The data for the script ------------------------------------------------------------------- */

static void add_numbers(struct buf *b, const struct cov_totals *t)
{
    const uint64_t v[] = {t->lines,     t->lines_hit,     t->arms,     t->arms_hit,
                          t->functions, t->functions_hit, t->excluded, t->covered,
                          t->coverable};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++)
        buf_addf(b, ",%llu", (unsigned long long)v[i]);
}

void html_overview_data(struct buf *b, const struct html_report *r)
{
    buf_addf(b,
             "// name, page, Python, lines, run, branches, taken, functions, run, excluded, covered, "
             "of\n\"use strict\";window.rowlockReport={\"low\":%.6g,\"high\":%.6g,\"files\":[\n",
             r->how->low, r->how->high);
    for (size_t i = 0; i < r->c->n_files; i++) {
        const struct cov_file *f = r->c->files[i];
        struct cov_totals t = {0};
        cov_file_totals(f, &t);
        buf_adds(b, i ? ",\n[" : "[");
        html_js_string(b, f->name);
        buf_addf(b, ",\"%s\",%d", r->pages[i], f->language == COV_PYTHON);
        add_numbers(b, &t);
        buf_addc(b, ']');
    }
    buf_adds(b, "\n]};\n");
}

/* ---- The figures of the whole ------------------------------------------------------------------ */

static void add_summary(struct buf *b, const struct html_report *r)
{
    struct cov_totals all = coverage_totals(r->c), part[2] = {{0}};
    size_t n[2] = {0};
    for (size_t i = 0; i < r->c->n_files; i++) {
        bool python = r->c->files[i]->language == COV_PYTHON;
        cov_file_totals(r->c->files[i], &part[python]);
        n[python]++;
    }
    if (all.coverable != all.lines)
        html_figure(b, r->how, "Coverage", all.covered, all.coverable);
    html_figures(b, r->how, &all);
    if (!n[0] || !n[1])
        return;
    html_figure(b, r->how, "C and C++", part[0].covered, part[0].coverable);
    html_figure(b, r->how, "Python", part[1].covered, part[1].coverable);
}

static void add_count(struct buf *b, size_t n)
{
    html_number(b, n);
    buf_adds(b, n == 1 ? " file" : " files");
}

bool html_overview(struct buf *b, const struct html_report *r, const struct html_template *t,
                   struct error *err)
{
    struct buf figures = BUF_INIT, count = BUF_INIT;
    add_summary(&figures, r);
    add_count(&count, r->c->n_files);
    const struct html_place places[] = {{"TITLE", &r->title},
                                        {"FOOT", &r->foot},
                                        {"FIGURES", &figures},
                                        {"COUNT", &count},
                                        {NULL, NULL}};
    bool ok = html_template_fill(b, t, places, err);
    buf_release(&figures);
    buf_release(&count);
    return ok;
}

/* ---- The plain table --------------------------------------------------------------------------- */

static void add_cell(struct buf *b, uint64_t hit, uint64_t all)
{
    buf_adds(b, "<td>");
    if (all)
        buf_addf(b, "%llu/%llu", (unsigned long long)hit, (unsigned long long)all);
    buf_adds(b, "</td>");
}

static void add_row(struct buf *b, const struct html_report *r, const struct cov_totals *t)
{
    buf_adds(b, "</th><td>");
    html_percent(b, r->how, t->covered, t->coverable);
    buf_adds(b, "</td>");
    add_cell(b, t->lines_hit, t->lines);
    buf_addf(b, "<td>%llu</td>", (unsigned long long)(t->lines - t->lines_hit));
    add_cell(b, t->arms_hit, t->arms);
    add_cell(b, t->functions_hit, t->functions);
    buf_adds(b, "</tr>\n");
}

bool html_list(struct buf *b, const struct html_report *r, const struct html_template *t,
               struct error *err)
{
    struct buf rows = BUF_INIT, total = BUF_INIT, count = BUF_INIT;
    struct cov_totals all = coverage_totals(r->c);
    for (size_t i = 0; i < r->c->n_files; i++) {
        struct cov_totals own = {0};
        cov_file_totals(r->c->files[i], &own);
        buf_addf(&rows, "<tr><th scope=\"row\"><a href=\"f/%s.html\">", r->pages[i]);
        html_name(&rows, r->c->files[i]->name);
        buf_adds(&rows, "</a>");
        add_row(&rows, r, &own);
    }
    buf_adds(&total, "<tr><th scope=\"row\">All");
    add_row(&total, r, &all);
    add_count(&count, r->c->n_files);
    const struct html_place places[] = {{"TITLE", &r->title}, {"FOOT", &r->foot},
                                        {"ROWS", &rows},      {"TOTAL", &total},
                                        {"COUNT", &count},    {NULL, NULL}};
    bool ok = html_template_fill(b, t, places, err);
    buf_release(&rows);
    buf_release(&total);
    buf_release(&count);
    return ok;
}
