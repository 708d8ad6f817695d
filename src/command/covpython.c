#include "command/covpython.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

void covpython_ask(struct strv *argv, const struct options *o)
{
    if (!o->coverage && !o->cov)
        return;
    cJSON *ask = cJSON_CreateObject(), *sources = cJSON_CreateArray();
    for (size_t i = 0; i < o->cov_source.n; i++)
        cJSON_AddItemToArray(sources, cJSON_CreateString(o->cov_source.v[i]));
    cJSON_AddBoolToObject(ask, "asked", o->coverage);
    cJSON_AddItemToObject(ask, "source", sources);
    cJSON_AddBoolToObject(ask, "branch", o->cov_branch);
    cJSON_AddItemToObject(ask, "config",
                          o->cov_config ? cJSON_CreateString(o->cov_config) : cJSON_CreateNull());
    cJSON_AddItemToObject(ask, "context",
                          o->cov_context ? cJSON_CreateString(o->cov_context) : cJSON_CreateNull());
    char *text = cJSON_PrintUnformatted(ask);
    strv_push(argv, "--rowlock-coverage");
    strv_push(argv, text);
    free(text);
    cJSON_Delete(ask);
}

bool covpython_inputs(struct strv *words, const struct suite *s, const char *folder)
{
    struct strv names = STRV_INIT;
    char *path = path_join(folder, "python");
    DIR *d = opendir(path);
    const struct dirent *e;
    while (d && (e = readdir(d)) != NULL)
        if (strncmp(e->d_name, ".coverage.", 10) == 0)
            strv_push(&names, e->d_name);
    if (d)
        closedir(d);
    bool any = names.n > 0;
    strv_sort(&names);
    if (any) {
        strv_push(words, "--python");
        strv_push(words, s->zygote_argv.v[0]);
        if (s->options.cov_config) {
            strv_push(words, "--cov-config");
            strv_push(words, s->options.cov_config);
        }
    }
    for (size_t i = 0; i < names.n; i++)
        strv_push_nodup(words, path_join(path, names.v[i]));
    free(path);
    strv_release(&names);
    return any;
}
