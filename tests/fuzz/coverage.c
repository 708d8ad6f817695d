#include "coverage.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "coverage/compare.h"
#include "coverage/demangle.h"
#include "coverage/write.h"
#include "support.h"

static void check_file(const struct cov_file *f)
{
    for (size_t i = 0; i < f->n_lines; i++) {
        CHECK(f->lines[i].line && (i == 0 || f->lines[i - 1].line < f->lines[i].line));
        CHECK(cov_find_line(f, f->lines[i].line) == &f->lines[i]);
        CHECK(cov_line_counts(&f->lines[i]) || f->lines[i].count == 0);
    }
    for (size_t i = 0; i < f->n_arms; i++) {
        CHECK(f->arms[i].line && (i == 0 || f->arms[i - 1].line <= f->arms[i].line));
        CHECK(f->has_branches);
    }
    for (size_t i = 0; i < f->n_functions; i++) {
        const struct cov_function *fn = &f->functions[i];
        CHECK(fn->name && (i == 0 || fn[-1].start_line <= fn->start_line));
        for (size_t k = 1; k < fn->n_lines; k++)
            CHECK(fn->lines[k - 1] < fn->lines[k]);
    }
    for (size_t i = 0; i < f->n_contexts; i++) {
        const struct cov_context *context = &f->contexts[i];
        CHECK(i == 0 || strcmp(context[-1].name, context->name) < 0);
        for (size_t k = 1; k < context->n_lines; k++)
            CHECK(context->lines[k - 1] < context->lines[k]);
    }
}

void fuzz_check_coverage(const struct coverage *c)
{
    for (size_t i = 0; i < c->n_files; i++) {
        CHECK(c->files[i]->name[0]);
        CHECK(i == 0 || strcmp(c->files[i - 1]->name, c->files[i]->name) < 0);
        CHECK(coverage_find(c, c->files[i]->name) == c->files[i]);
        check_file(c->files[i]);
    }
    struct cov_totals t = coverage_totals(c);
    CHECK(t.lines_hit <= t.lines && t.arms_hit + t.partial <= t.arms);
    CHECK(t.functions_hit <= t.functions && t.covered <= t.coverable);
}

/* What is written can be read again and has the same lines. JSON holds counts up to 2^53. */
static void check_written(const struct coverage *c, const char *path)
{
    struct error err = ERROR_INIT;
    struct coverage back;
    coverage_init(&back);
    if (!coverage_read_file(&back, path, &err))
        CHECK(c->n_files == 0);
    coverage_finish(&back);
    fuzz_check_coverage(&back);
    struct cov_totals t = coverage_totals(c), u = coverage_totals(&back);
    CHECK(back.n_files == c->n_files || t.lines >= u.lines); /* names may fall together */
    error_release(&err);
    coverage_release(&back);
}

void fuzz_coverage_reader(bool (*read)(struct coverage *c, const char *path, const char *data,
                                       size_t len, struct error *err),
                          const uint8_t *data, size_t size)
{
    struct coverage c;
    struct error err = ERROR_INIT;
    char *text = xmemdup0(data, size);
    coverage_init(&c);
    bool ok = read(&c, "input", text, size, &err);
    CHECK(ok || strncmp(err.msg, "input:", 6) == 0);
    error_release(&err);
    coverage_finish(&c);
    cov_demangle(&c);
    fuzz_check_coverage(&c);
    if (ok) {
        char *path = path_join(fuzz_folder(), "report");
        struct cov_json json = {NULL, 2, true};
        CHECK(lcov_write(&c, path, &err));
        check_written(&c, path);
        struct cov_xml xml = {.root = "/"};
        CHECK(cobertura_write(&c, path, &xml, &err));
        check_written(&c, path);
        CHECK(cov_json_write(&c, path, &json, &err));
        check_written(&c, path);
        FILE *sink = fopen("/dev/null", "we");
        struct cov_table table = {.missing = true, .decimals = 1};
        cov_table_write(&c, &table, sink);
        CHECK(cov_compare(&c, &c, "a", "b", true, sink) == 0);
        fclose(sink);
        free(path);
    }
    coverage_release(&c);
    free(text);
}
