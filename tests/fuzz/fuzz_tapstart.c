/* Exercises tapstart_command with the first bytes of a TAP script, which decide how it is started. */
#include <string.h>
#include <sys/stat.h>

#include "manifest/tapstart.h"
#include "support.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char *const env[] = {"PERL5LIB=/a::b:", "HARNESS_PERL=/opt/perl", NULL};
    const char *path = fuzz_file(data, size);
    for (int run = 0; run < 2; run++) {
        struct strv argv = STRV_INIT;
        CHECK(chmod(path, run ? 0700 : 0600) == 0);
        tapstart_command(path, "t/name.t", env, &argv);
        CHECK(argv.n >= 1 && argv.n <= 16);
        for (size_t i = 0; i < argv.n; i++)
            CHECK(argv.v[i][0] && !strchr(argv.v[i], '\n'));
        CHECK(strstr(argv.v[argv.n - 1], "t/name.t"));
        strv_release(&argv);
    }
    return 0;
}
