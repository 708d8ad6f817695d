/* A test program that uses every fixture of librowlock, as a project would; also compiled as C++. */
#include <rowlock/fixtures.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CHECK(what)                                                                                \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #what, rowlock_error());        \
            return 1;                                                                              \
        }                                                                                          \
    } while (0)

static bool is_folder(const char *path)
{
    struct stat st;
    return path && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Who runs this, as the variables say it too. */
static int identity(void)
{
    const char *worker = getenv("FQCN_TEST_WORKER_ID"), *mode = getenv("FQCN_TEST_MODE");
    struct rowlock_context *context = rowlock_context_new();
    CHECK(context && is_folder(context->temp_dir));
    CHECK(strcmp(rowlock_worker_id(), worker ? worker : "master") == 0);
    CHECK(strcmp(context->worker_id, rowlock_worker_id()) == 0);
    CHECK(strcmp(context->mode, mode ? mode : "sequential") == 0);
    CHECK(rowlock_is_parallel() == (mode && strcmp(mode, "parallel") == 0));
    printf("worker %s of %u, %s\n", context->worker_id, context->worker_count, context->mode);
    rowlock_context_free(context);
    return 0;
}

static int files(void)
{
    char *folder = rowlock_temp_dir_new(), *other = rowlock_temp_dir_new();
    CHECK(folder && other && strcmp(folder, other) != 0);
    char *file = rowlock_temp_file(folder, "sub/input.yml", "- copy:\n", 8);
    struct stat st;
    CHECK(file && stat(file, &st) == 0 && st.st_size == 8);
    rowlock_temp_dir_free(folder);
    CHECK(stat(file, &st) != 0 && is_folder(other));
    free(file);
    rowlock_temp_dir_free(other);
    return 0;
}

static int environment(void)
{
    const char *before = getenv("FQCN_CONFIG_DIR");
    char *saved = before ? strdup(before) : NULL;
    struct rowlock_environment *env = rowlock_environment_new();
    CHECK(env && is_folder(env->config_dir) && is_folder(env->cache_dir));
    CHECK(strcmp(getenv("FQCN_CONFIG_DIR"), env->config_dir) == 0);
    CHECK(strcmp(getenv("FQCN_TEST_WORKER_ID"), env->worker_id) == 0);
    rowlock_environment_free(env);
    const char *after = getenv("FQCN_CONFIG_DIR");
    CHECK(saved ? after && strcmp(after, saved) == 0 : !after);
    free(saved);
    return 0;
}

/* A counter in a file that each process of the run reads, and writes one higher. */
static int lock(void)
{
    const char *path = getenv("COUNTER");
    int n = 0;
    CHECK(rowlock_serial_lock());
    if (path) {
        FILE *f = fopen(path, "r");
        if (f) {
            CHECK(fscanf(f, "%d", &n) == 1);
            fclose(f);
        }
        f = fopen(path, "w");
        CHECK(f && fprintf(f, "%d\n", n + 1) > 0 && fclose(f) == 0);
    }
    CHECK(rowlock_serial_trylock() == 1 && rowlock_serial_unlock());
    CHECK(rowlock_serial_unlock() && !rowlock_serial_unlock());
    return 0;
}

static int ports(void)
{
    int a = rowlock_port_new(), b = rowlock_port_new();
    CHECK(a > 0 && b > 0 && a != b);
    printf("port %d\nport %d\n", a, b);
    rowlock_port_free(a);
    return 0;
}

static int config(void)
{
    struct rowlock_mock_config *manager = rowlock_mock_config_new();
    CHECK(manager);
    struct rowlock_mappings *all = rowlock_mock_config_load_default_mappings(manager);
    CHECK(all && all->n > 0);
    const char *copy = rowlock_mappings_get(all, "copy");
    CHECK(copy && strcmp(copy, "ansible.builtin.copy") == 0);
    if (getenv("LIST_MAPPINGS"))
        for (size_t i = 0; i < all->n; i++)
            printf("%s %s\n", all->v[i].name, all->v[i].value);
    rowlock_mappings_free(all);
    CHECK(rowlock_mock_config_set_mapping(manager, "mine", "my.own.mine"));
    char *mine = rowlock_mock_config_get_mapping(manager, "mine", NULL);
    CHECK(mine && strcmp(mine, "my.own.mine") == 0);
    free(mine);
    rowlock_mock_config_free(manager);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(void);
    } tests[] = {{"identity", identity}, {"files", files}, {"environment", environment},
                 {"lock", lock},         {"ports", ports}, {"config", config}};
    int ran = 0;
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        if (argc > 1 && strcmp(argv[1], tests[i].name) != 0)
            continue;
        ran++;
        if (tests[i].run() != 0)
            return 1;
    }
    return ran == 0;
}
