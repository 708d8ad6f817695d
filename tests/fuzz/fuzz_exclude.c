/* Exercises cov_exclude, which looks for comments in sources: a source is the input, and each of its
 * lines (and some more) has a statement, two arms and a function. What goes is what a plain walk over
 * the lines says; lines do not vanish, and nothing else changes. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "coverage.h"
#include "coverage/exclude.h"
#include "support.h"

enum { LINES = 60 };

static void fill(struct coverage *c, const char *name)
{
    struct cov_file *f = coverage_file(c, name);
    f->language = COV_NATIVE;
    f->has_branches = true;
    for (uint32_t i = 1; i <= LINES; i++) {
        struct cov_arm arm = {.line = i, .count = 1};
        struct cov_function fn = {.name = coverage_intern(c, "f"), .start_line = i, .count = 1};
        cov_add_line(f, i, i, 0);
        cov_add_arm(f, &arm);
        arm.arm = 1;
        arm.flags = COV_ARM_THROW;
        cov_add_arm(f, &arm);
        cov_add_function(f, &fn);
    }
    coverage_finish(c);
}

/* Does the line have a comment of that word, under any of the three names? */
static bool has(const char *line, const char *end, const char *word)
{
    static const char *const tools[] = {"LCOV_EXCL_", "GCOV_EXCL_", "GCOVR_EXCL_"};
    for (int i = 0; i < 3; i++) {
        char whole[64];
        int n = snprintf(whole, sizeof whole, "%s%s", tools[i], word);
        if (memmem(line, (size_t)(end - line), whole, (size_t)n))
            return true;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = fuzz_file(data, size), *p = (const char *)data, *stop = p + size;
    struct coverage c;
    struct strv warnings = STRV_INIT;
    coverage_init(&c);
    fill(&c, "input");
    cov_exclude(&c, fuzz_folder(), &warnings);
    fuzz_check_coverage(&c);
    const struct cov_file *f = coverage_find(&c, path_basename(path));
    CHECK(f && f->n_lines == LINES);
    bool open = false, branches = false, throws = false;
    for (uint32_t i = 1; i <= LINES; i++) {
        const char *end = size && p < stop ? memchr(p, '\n', (size_t)(stop - p)) : NULL;
        bool inside = size && p < stop, start = false, end_here = false, one = false;
        size_t arms;
        end = end ? end : stop;
        if (inside) {
            start = has(p, end, "START");
            end_here = has(p, end, "STOP");
            one = has(p, end, "LINE");
            branches |= has(p, end, "BR_");
            throws |= has(p, end, "EXCEPTION_BR_");
            p = end + 1;
        }
        bool gone = inside && (open || one || start || end_here);
        const struct cov_line *line = cov_find_line(f, i);
        CHECK(((line->flags & COV_LINE_EXCLUDED) != 0) == gone);
        CHECK(line->count == (gone ? 0 : i));
        cov_find_arms(f, i, &arms);
        CHECK(gone ? arms == 0 : arms == 2 || branches || throws);
        if (start != end_here)
            open = start;
        else if (start) /* both: the later one counts, which this walk does not tell */
            break;
    }
    CHECK(warnings.n <= 1);
    strv_release(&warnings);
    coverage_release(&c);
    return 0;
}
