/* Cobertura XML as coverage.py lays it out, valid by Cobertura's coverage-04.dtd: a package for each
 * folder, a class for each file, its functions as methods, its statements as lines. Rates have four
 * significant digits; a line with branches says how many of them were taken. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/map.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "coverage/demangle.h"
#include "coverage/escape.h"
#include "coverage/write.h"

struct writer {
    FILE *out;
    const struct cov_xml *how;
    bool branches; /* any file has them */
};

static void put_rate(FILE *out, const char *name, uint64_t hit, uint64_t n)
{
    double rate = n ? (double)hit / (double)n : 1;
    /* Rounding makes nothing whole, and nothing vanish. */
    if (hit && hit < n)
        rate = rate < 0.0001 ? 0.0001 : rate > 0.9999 ? 0.9999 : rate;
    fprintf(out, " %s=\"%.4g\"", name, rate);
}

static void put_rates(const struct writer *w, const struct cov_totals *t)
{
    put_rate(w->out, "line-rate", t->lines_hit, t->lines);
    if (w->branches)
        put_rate(w->out, "branch-rate", t->arms_hit, t->arms);
    else
        fputs(" branch-rate=\"0\"", w->out);
    fputs(" complexity=\"0\"", w->out);
}

static void put_attribute(FILE *out, const char *name, const char *value)
{
    fprintf(out, " %s=\"", name);
    cov_put_xml(out, value);
    putc('"', out);
}

/* How many ways a line has, and how many of them were taken. */
static size_t count_arms(const struct cov_file *f, uint32_t line, size_t *taken)
{
    size_t n, counted = 0;
    const struct cov_arm *arms = cov_find_arms(f, line, &n);
    *taken = 0;
    for (size_t i = 0; i < n; i++) {
        if (arms[i].flags & COV_ARM_EXTRA)
            continue;
        counted++;
        *taken += cov_arm_taken(&arms[i]);
    }
    return counted;
}

/* What coverage.py adds to the DTD. */
static void put_missing(FILE *out, const struct cov_file *f, uint32_t line)
{
    size_t n, missing = 0;
    const struct cov_arm *arms = cov_find_arms(f, line, &n);
    for (size_t i = 0; i < n; i++) {
        if (!arms[i].to || cov_arm_taken(&arms[i]))
            continue;
        fputs(missing++ ? "," : " missing-branches=\"", out);
        if (arms[i].to > 0)
            fprintf(out, "%d", arms[i].to);
        else
            fputs("exit", out);
    }
    if (missing)
        putc('"', out);
}

static void put_line(const struct writer *w, const struct cov_file *f, const struct cov_line *line,
                     const char *indent)
{
    size_t taken, arms = count_arms(f, line->line, &taken);
    fprintf(w->out, "%s<line number=\"%u\" hits=\"%lld\"", indent, line->line,
            (long long)(line->count > 0 ? line->count : line->count < 0));
    if (arms)
        fprintf(w->out, " branch=\"true\" condition-coverage=\"%zu%% (%zu/%zu)\"",
                100 * taken / arms, taken, arms);
    if (arms && f->language == COV_PYTHON)
        put_missing(w->out, f, line->line);
    fputs("/>\n", w->out);
}

/* A native function: its rates are those of its lines. */
static void put_method(const struct writer *w, const struct cov_file *f,
                       const struct cov_function *fn)
{
    struct cov_totals t = {0};
    size_t taken;
    for (size_t i = cov_line_from(f, fn->start_line); i < f->n_lines; i++) {
        const struct cov_line *l = &f->lines[i];
        if (l->line > fn->end_line)
            break;
        if (!cov_line_counts(l))
            continue;
        t.lines++;
        t.lines_hit += l->count != 0;
        t.arms += count_arms(f, l->line, &taken);
        t.arms_hit += taken;
    }
    fputs("\t\t\t\t\t\t<method", w->out);
    put_attribute(w->out, "name", cov_shown_name(fn));
    fputs(" signature=\"\"", w->out);
    put_rates(w, &t);
    fprintf(w->out,
            ">\n\t\t\t\t\t\t\t<lines>\n\t\t\t\t\t\t\t\t<line number=\"%u\" hits=\"%lld\"/>\n"
            "\t\t\t\t\t\t\t</lines>\n\t\t\t\t\t\t</method>\n",
            fn->start_line, (long long)(fn->count > 0 ? fn->count : fn->count < 0));
}

/* The name below the source folder that holds the file (*source: which one), else below root
 * (*source: n_sources). Points into f->name. */
static const char *name_of(const struct cov_xml *how, const struct cov_file *f, size_t *source)
{
    char *path = path_join(how->root, f->name);
    const char *name = f->name;
    size_t i = 0;
    for (; i < how->n_sources; i++) {
        const char *whole = how->sources[i][0] == '/' ? path : f->name;
        size_t n = strlen(how->sources[i]);
        if (strncmp(whole, how->sources[i], n) == 0 && whole[n] == '/') {
            name = f->name + strlen(f->name) - strlen(whole + n + 1);
            break;
        }
    }
    free(path);
    if (source)
        *source = i;
    return name;
}

/* The folder that is the package of files in it or, if that is deeper than packages may be, below it.
 * Caller frees. */
static char *folder_of(const struct cov_xml *how, const struct cov_file *f)
{
    char *folder = path_dirname(name_of(how, f, NULL));
    int depth = how->package_depth;
    for (char *p = folder; depth > 0 && *p; p++)
        if (*p == '/' && --depth == 0)
            *p = '\0';
    return folder;
}

/* Its name from that folder on. */
static const char *class_name(const struct cov_xml *how, const struct cov_file *f)
{
    const char *name = name_of(how, f, NULL);
    char *folder = folder_of(how, f);
    size_t n = strlen(folder);
    bool below = n && strncmp(name, folder, n) == 0 && name[n] == '/';
    free(folder);
    return below ? name + n + 1 : path_basename(name);
}

static void put_class(const struct writer *w, const struct cov_file *f)
{
    struct cov_totals t = {0};
    bool any = false;
    cov_file_totals(f, &t);
    fputs("\t\t\t\t<class", w->out);
    put_attribute(w->out, "name", class_name(w->how, f));
    put_attribute(w->out, "filename", name_of(w->how, f, NULL));
    put_rates(w, &t);
    fputs(">\n", w->out);
    for (size_t i = 0; i < f->n_functions; i++) {
        const struct cov_function *fn = &f->functions[i];
        if (fn->kind != COV_FUNCTION || fn->count == -1 || !fn->start_line)
            continue;
        if (!any)
            fputs("\t\t\t\t\t<methods>\n", w->out);
        any = true;
        put_method(w, f, fn);
    }
    fputs(any ? "\t\t\t\t\t</methods>\n\t\t\t\t\t<lines>\n"
              : "\t\t\t\t\t<methods/>\n\t\t\t\t\t<lines>\n",
          w->out);
    for (size_t i = 0; i < f->n_lines; i++)
        if (cov_line_counts(&f->lines[i]))
            put_line(w, f, &f->lines[i], "\t\t\t\t\t\t");
    fputs("\t\t\t\t\t</lines>\n\t\t\t\t</class>\n", w->out);
}

/* "a.b" for files of a/b, "." for those of no folder. */
static char *package_of(const struct cov_xml *how, const struct cov_file *f)
{
    char *name = folder_of(how, f);
    for (char *p = name; *p; p++)
        if (*p == '/')
            *p = '.';
    return name;
}

/* In place of a package. */
#define LEFT_OUT "/"

static bool is_left_out(const struct cov_xml *how, const struct cov_file *f)
{
    struct cov_totals t = {0};
    cov_file_totals(f, &t);
    return how->skip_empty && !t.lines;
}

/* The files of one package: from files[i] on. Files of a folder need not stand side by side, as
 * those of its subfolders may come between. */
static void put_package(const struct writer *w, const struct coverage *c, const char *name,
                        char *const *packages, size_t first)
{
    struct cov_totals t = {0};
    for (size_t i = first; i < c->n_files; i++)
        if (strcmp(packages[i], name) == 0)
            cov_file_totals(c->files[i], &t);
    fputs("\t\t<package", w->out);
    put_attribute(w->out, "name", name);
    put_rates(w, &t);
    fputs(">\n\t\t\t<classes>\n", w->out);
    for (size_t i = first; i < c->n_files; i++)
        if (strcmp(packages[i], name) == 0)
            put_class(w, c->files[i]);
    fputs("\t\t\t</classes>\n\t\t</package>\n", w->out);
}

static void put_source(FILE *out, const char *folder)
{
    fputs("\t\t<source>", out);
    cov_put_xml(out, folder);
    fputs("</source>\n", out);
}

/* The source folder of files that lie in none that the configuration names: the root, or, as in
 * coverage.py, an empty one where names are whole paths or are to be relative. */
static void put_own_sources(const struct writer *w, const struct coverage *c)
{
    bool below_root = !c->n_files, elsewhere = false;
    for (size_t i = 0; i < c->n_files; i++) {
        const struct cov_file *f = c->files[i];
        size_t source;
        const char *name = name_of(w->how, f, &source);
        if (source < w->how->n_sources)
            continue;
        if (f->language == COV_PYTHON && (w->how->relative || name[0] == '/'))
            elsewhere = true;
        else
            below_root = true;
    }
    if (elsewhere)
        put_source(w->out, "");
    if (below_root)
        put_source(w->out, w->how->root);
}

static void put_head(const struct writer *w, const struct coverage *c)
{
    struct timespec now;
    struct cov_totals t = coverage_totals(c);
    clock_gettime(CLOCK_REALTIME, &now);
    fprintf(w->out,
            "<?xml version=\"1.0\" ?>\n<coverage version=\"%s\" timestamp=\"%lld\" "
            "lines-valid=\"%llu\" lines-covered=\"%llu\"",
            ROWLOCK_VERSION, (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000,
            (unsigned long long)t.lines, (unsigned long long)t.lines_hit);
    fprintf(w->out, " branches-covered=\"%llu\" branches-valid=\"%llu\"",
            (unsigned long long)t.arms_hit, (unsigned long long)t.arms);
    put_rates(w, &t);
    fputs(">\n\t<sources>\n", w->out);
    for (size_t i = 0; i < w->how->n_sources; i++)
        put_source(w->out, w->how->sources[i]);
    put_own_sources(w, c);
    fputs("\t</sources>\n\t<packages>\n", w->out);
}

bool cobertura_write(const struct coverage *c, const char *path, const struct cov_xml *how,
                     struct error *err)
{
    struct outfile o;
    if (!outfile_open(&o, path, err))
        return false;
    struct writer w = {.out = o.f, .how = how};
    struct strv packages = STRV_INIT;
    struct map seen = MAP_INIT;
    for (size_t i = 0; i < c->n_files; i++) {
        w.branches |= c->files[i]->has_branches;
        strv_push_nodup(&packages, is_left_out(how, c->files[i]) ? xstrdup(LEFT_OUT)
                                                                 : package_of(how, c->files[i]));
    }
    put_head(&w, c);
    for (size_t i = 0; i < c->n_files; i++)
        if (strcmp(packages.v[i], LEFT_OUT) != 0 && map_put(&seen, packages.v[i], i) == MAP_NONE)
            put_package(&w, c, packages.v[i], packages.v, i);
    fputs("\t</packages>\n</coverage>\n", w.out);
    map_release(&seen);
    strv_release(&packages);
    return outfile_commit(&o, err);
}
