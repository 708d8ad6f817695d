/* Exercises cov_demangle: each line of the input is the name of a function. What comes out is bounded,
 * and the same for the same name. */
#include <stdlib.h>
#include <string.h>

#include "coverage.h"
#include "coverage/demangle.h"
#include "support.h"

static void fill(struct coverage *c, char *names)
{
    struct cov_file *f = coverage_file(c, "a.cc");
    f->language = COV_NATIVE;
    uint32_t line = 0;
    for (char *name; (name = strsep(&names, "\n")) != NULL;) {
        struct cov_function fn = {.name = coverage_intern(c, name), .start_line = ++line};
        cov_add_function(f, &fn);
    }
    coverage_finish(c);
    cov_demangle(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { LONGEST = 1 << 16 };
    struct coverage once, twice;
    char *names = strndup((const char *)data, size), *again = strdup(names);
    coverage_init(&once);
    coverage_init(&twice);
    fill(&once, names);
    fill(&twice, again);
    fuzz_check_coverage(&once);
    const struct cov_file *f = once.files[0], *g = twice.files[0];
    CHECK(f->n_functions == g->n_functions);
    for (size_t i = 0; i < f->n_functions; i++) {
        const char *shown = f->functions[i].demangled, *other = g->functions[i].demangled;
        CHECK(!shown == !other);
        CHECK(!shown || (strlen(shown) <= LONGEST && strcmp(shown, other) == 0));
        CHECK(!shown || strstr(f->functions[i].name, "_Z"));
        CHECK(cov_shown_owner(f, f->functions[i].name, (uint32_t)i + 1));
    }
    coverage_release(&once);
    coverage_release(&twice);
    free(names);
    free(again);
    return 0;
}
