/* Exercises automake_tests with the bytes of a Makefile.am. Each word of TESTS is a test or is named in
 * a note, and what `rowlock init` would write of it tests.json's own reader takes. */
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "command/automake.h"
#include "manifest/testsjson.h"
#include "support.h"

/* Nobody reads a thousand notes: one line each, and not too many. */
static void check_notes(const struct strv *notes)
{
    CHECK(notes->n <= 20);
    for (size_t i = 0; i < notes->n; i++)
        CHECK(fuzz_is_clean(notes->v[i], strlen(notes->v[i]), ""));
}

/* The tests as tests.json gives them back. */
static void check_tests(const cJSON *tests)
{
    struct manifest m;
    struct testsjson t;
    struct error err = ERROR_INIT;
    cJSON *root = cJSON_CreateObject();
    cJSON_AddNumberToObject(root, "rowlock", 1);
    cJSON_AddItemReferenceToObject(root, "tests", (cJSON *)(uintptr_t)tests);
    char *text = cJSON_Print(root);
    manifest_init(&m);
    if (!testsjson_read(&m, &t, "tests.json", text, strlen(text), fuzz_folder(), &err))
        fuzz_fail(__FILE__, __LINE__, err.msg);
    CHECK(m.n == (size_t)cJSON_GetArraySize(tests));
    size_t i = 0;
    const cJSON *test;
    cJSON_ArrayForEach(test, tests) {
        const char *command = m.tests[i].command[0];
        CHECK(strcmp(cJSON_GetStringValue(cJSON_GetObjectItem(test, "id")), m.tests[i].id) == 0);
        CHECK(command[0] == '/' || (strncmp(command, "./", 2) == 0 && command[2] != '/'));
        CHECK(!strpbrk(command, " \t\n$`"));
        i++;
    }
    testsjson_release(&t);
    manifest_release(&m);
    free(text);
    cJSON_Delete(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cJSON *tests = cJSON_CreateArray();
    struct strv notes = STRV_INIT;
    automake_tests(fuzz_file(data, size), tests, &notes);
    check_notes(&notes);
    check_tests(tests);
    strv_release(&notes);
    cJSON_Delete(tests);
    return 0;
}
