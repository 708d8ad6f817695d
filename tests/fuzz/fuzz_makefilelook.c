/* Exercises makefilelook_add with the bytes of a project's Makefile, which is read and not run. */
#include <string.h>

#include "command/makefilelook.h"
#include "support.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct makefilelook look = {0}, twice = {0};
    const char *path = fuzz_file(data, size);
    makefilelook_add(&look, path);
    CHECK(!look.prefix || (look.prefix[0] && !strpbrk(look.prefix, " \t\n")));
    CHECK(!look.includes || memmem(data, size, "rowlock.mk", strlen("rowlock.mk")));
    CHECK(!look.prefix || memmem(data, size, look.prefix, strlen(look.prefix)));
    /* What is said again is nothing new. */
    makefilelook_add(&twice, path);
    makefilelook_add(&twice, path);
    CHECK(twice.includes == look.includes && twice.lint == look.lint);
    CHECK(twice.sets_lint == look.sets_lint && twice.sets_coverage == look.sets_coverage);
    CHECK(!twice.prefix == !look.prefix);
    CHECK(!look.prefix || strcmp(look.prefix, twice.prefix) == 0);
    makefilelook_release(&look);
    makefilelook_release(&twice);
    return 0;
}
