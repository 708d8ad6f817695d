/* Prints the tables from which the program's own help comes, as JSON, for reference.py. */
#include <stdio.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

#include "command/command.h"
#include "config/config.h"
#include "config/opttable.h"
#include "config/registry.h"
#include "config/settings.h"
#include "manifest/suites.h"
#include "manifest/testsjson.h"

/* An object with the string under key, NULL as null, added to the array. */
static cJSON *add_row(cJSON *array, const char *key, const char *value)
{
    cJSON *row = cJSON_CreateObject();
    cJSON_AddItemToArray(array, row);
    cJSON_AddStringToObject(row, key, value);
    return row;
}

static void add_text(cJSON *row, const char *key, const char *text)
{
    if (text)
        cJSON_AddStringToObject(row, key, text);
    else
        cJSON_AddNullToObject(row, key);
}

static void add_options(cJSON *root)
{
    enum { MOST_NAMES = sizeof option_rows->names / sizeof *option_rows->names };
    cJSON *rows = cJSON_AddArrayToObject(root, "options");
    for (const struct option_row *o = option_rows; o->group; o++) {
        cJSON *row = add_row(rows, "group", o->group);
        cJSON *names = cJSON_AddArrayToObject(row, "names");
        if (o->letter) {
            char shortened[] = {'-', o->letter, '\0'};
            cJSON_AddItemToArray(names, cJSON_CreateString(shortened));
        }
        for (size_t i = 0; i < MOST_NAMES && o->names[i]; i++) {
            char name[80];
            snprintf(name, sizeof name, "--%s", o->names[i]);
            cJSON_AddItemToArray(names, cJSON_CreateString(name));
        }
        add_text(row, "value", o->value);
        add_text(row, "accepts", o->accepts);
        add_text(row, "help", o->help);
    }
}

static void add_commands(cJSON *root)
{
    cJSON *rows = cJSON_AddArrayToObject(root, "commands");
    const struct command *c;
    for (size_t i = 0; (c = command_row(i)); i++) {
        if (!c->summary)
            continue;
        cJSON *row = add_row(rows, "name", c->name);
        add_text(row, "summary", c->summary);
        add_text(row, "usage", c->usage);
        cJSON_AddBoolToObject(row, "run_options", c->has_run_options);
    }
}

static void add_settings(cJSON *root)
{
    cJSON *rows = cJSON_AddArrayToObject(root, "settings");
    const char *key, *accepts;
    for (size_t i = 0; (key = settings_key(i, &accepts)); i++)
        add_text(add_row(rows, "key", key), "accepts", accepts);
}

static void add_markers(cJSON *root)
{
    cJSON *rows = cJSON_AddArrayToObject(root, "markers");
    struct config c = {.root = NULL};
    registry_add_built_in(&c);
    for (size_t i = 0; i < c.n_markers; i++)
        cJSON_AddItemToArray(rows, cJSON_CreateString(c.markers[i].description));
    config_release(&c);
}

static void add_keys(cJSON *rows, const struct key_set *set)
{
    for (; set->object; set++) {
        cJSON *keys = cJSON_AddArrayToObject(add_row(rows, "object", set->object), "keys");
        for (size_t i = 0; set->keys[i]; i++)
            cJSON_AddItemToArray(keys, cJSON_CreateString(set->keys[i]));
    }
}

int main(void)
{
    cJSON *root = cJSON_CreateObject();
    add_options(root);
    add_commands(root);
    add_settings(root);
    add_markers(root);
    cJSON *keys = cJSON_AddArrayToObject(root, "keys");
    add_keys(keys, testsjson_keys);
    add_keys(keys, suites_keys);
    char *text = cJSON_Print(root);
    puts(text);
    free(text);
    cJSON_Delete(root);
    return fflush(stdout) == 0 ? 0 : 1;
}
