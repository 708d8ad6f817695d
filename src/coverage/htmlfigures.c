/* Percentages and their bars. */
#include "coverage/htmlreport.h"

/* The class of a percentage: its colour. */
static const char *grade(const struct cov_html *how, double percent)
{
    return percent < how->low ? "bad" : percent < how->high ? "fair" : "good";
}

/* A bar is empty or full only if the percentage is 0 or 100. */
static int bar_width(double percent)
{
    if (percent > 0 && percent < 1)
        return 1;
    return percent > 99 && percent < 100 ? 99 : (int)(percent + 0.5);
}

static void add_bar(struct buf *b, const struct cov_html *how, double percent)
{
    buf_addf(b, "<span class=\"bar %s\" aria-hidden=\"true\"><i class=\"w%d\"></i></span>",
             grade(how, percent), bar_width(percent));
}

void html_percent(struct buf *b, const struct cov_html *how, uint64_t covered, uint64_t coverable)
{
    char text[COV_PERCENT_MAX];
    double percent = cov_percent(covered, coverable);
    if (!coverable) {
        buf_adds(b, "<span class=\"none\">–</span>");
        return;
    }
    add_bar(b, how, percent);
    buf_addf(b, "<span class=\"pc %s\">%s%%</span>", grade(how, percent),
             cov_percent_text(text, percent, percent > 0 && percent < 100));
}

void html_figure(struct buf *b, const struct cov_html *how, const char *what, uint64_t covered,
                 uint64_t coverable)
{
    buf_addf(b, "<div class=\"figure\"><dt>%s</dt><dd>", what);
    html_percent(b, how, covered, coverable);
    buf_adds(b, "<span class=\"of\">");
    html_number(b, covered);
    buf_adds(b, " of ");
    html_number(b, coverable);
    buf_adds(b, "</span></dd></div>\n");
}

void html_figures(struct buf *b, const struct cov_html *how, const struct cov_totals *t)
{
    html_figure(b, how, "Lines", t->lines_hit, t->lines);
    if (t->arms)
        html_figure(b, how, "Branches", t->arms_hit, t->arms);
    if (t->functions)
        html_figure(b, how, "Functions", t->functions_hit, t->functions);
}
