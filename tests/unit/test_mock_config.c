/* The configuration manager of librowlock. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixturecase.h"
#include "fixtures/rowlock/fixtures.h"

static struct rowlock_mock_config *shared_config;

static void *use_config(void *arg)
{
    const char *own = arg;
    for (int i = 0; i < 200; i++) {
        CHECK(rowlock_mock_config_set_mapping(shared_config, own, own));
        CHECK(rowlock_mock_config_set(shared_config, "both", own));
        char *value = rowlock_mock_config_get_mapping(shared_config, own, NULL);
        CHECK(value && strcmp(value, own) == 0);
        free(value);
        value = rowlock_mock_config_get(shared_config, "both", NULL);
        CHECK(value && value[0] && !value[1]);
        free(value);
        struct rowlock_mappings *all =
            rowlock_mock_config_merge_mappings(shared_config, NULL, 0);
        CHECK(all && rowlock_mappings_get(all, own) && rowlock_mappings_get(all, "copy"));
        rowlock_mappings_free(all);
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    static char names[3][2] = {"a", "b", "c"};
    pthread_t t[3];
    shared_config = rowlock_mock_config_new();
    for (int i = 0; i < 3; i++)
        CHECK(pthread_create(&t[i], NULL, use_config, names[i]) == 0);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    rowlock_mock_config_free(shared_config);
}

static void test_mappings(void **state)
{
    (void)state;
    struct rowlock_mock_config *c = rowlock_mock_config_new();
    struct rowlock_mappings *defaults = rowlock_mock_config_load_default_mappings(c), *own, *all;
    CHECK(defaults->n > 50);
    for (size_t i = 1; i < defaults->n; i++)
        CHECK(strcmp(defaults->v[i - 1].name, defaults->v[i].name) < 0);
    CHECK(strcmp(rowlock_mappings_get(defaults, "yum"), "ansible.builtin.yum") == 0);
    CHECK(strcmp(rowlock_mappings_get(defaults, "acl"), "ansible.posix.acl") == 0);
    CHECK(!rowlock_mappings_get(defaults, "") && !rowlock_mappings_get(defaults, "zzz"));
    CHECK(rowlock_mock_config_set_mapping(c, "copy", "my.copy") &&
          rowlock_mock_config_set_mapping(c, "new", "my.new"));
    CHECK(rowlock_mock_config_has_mapping(c, "new") && !rowlock_mock_config_has_mapping(c, "old"));
    own = rowlock_mock_config_load_custom_mappings(c);
    CHECK(own->n == 2 && strcmp(own->v[0].name, "copy") == 0);
    all = rowlock_mock_config_merge_mappings(c, NULL, 0);
    CHECK(all->n == defaults->n + 1);
    CHECK(strcmp(rowlock_mappings_get(all, "copy"), "my.copy") == 0);
    rowlock_mappings_free(all);
    const struct rowlock_mappings *both[] = {own, defaults};
    all = rowlock_mock_config_merge_mappings(c, both, 2);
    CHECK(strcmp(rowlock_mappings_get(all, "copy"), "ansible.builtin.copy") == 0);
    char *value = rowlock_mock_config_get_mapping(c, "copy", NULL);
    CHECK(strcmp(value, "my.copy") == 0);
    free(value);
    value = rowlock_mock_config_get_mapping(c, "old", "fallback");
    CHECK(strcmp(value, "fallback") == 0);
    free(value);
    CHECK(!rowlock_mock_config_get(c, "key", NULL) && rowlock_mock_config_set(c, "key", ""));
    value = rowlock_mock_config_get(c, "key", "fallback");
    CHECK(strcmp(value, "") == 0);
    free(value);
    rowlock_mock_config_reset(c);
    CHECK(!rowlock_mock_config_has_mapping(c, "new") && !rowlock_mock_config_get(c, "key", NULL));
    CHECK(rowlock_mock_config_has_mapping(c, "copy"));
    rowlock_mappings_free(defaults);
    rowlock_mappings_free(own);
    rowlock_mappings_free(all);
    rowlock_mock_config_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mappings),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
