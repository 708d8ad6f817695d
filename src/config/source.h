/* One configuration file, read but not yet applied: for config.c alone. */
#ifndef CONFIG_SOURCE_H
#define CONFIG_SOURCE_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/error.h"
#include "config/config.h"
#include "config/ini.h"

enum source_kind {
    SOURCE_PYTEST_TOML, /* [pytest], [rowlock]; counts without a section too */
    SOURCE_PYTEST_INI,  /* likewise */
    SOURCE_PYPROJECT,   /* [tool.pytest] or [tool.pytest.ini_options], [tool.rowlock] */
    SOURCE_INI,         /* [pytest], [rowlock] */
    SOURCE_CFG,         /* [tool:pytest], [rowlock] */
    SOURCE_CUSTOM_TOML  /* any of the TOML tables above */
};

struct source {
    char *path; /* NULL: nothing was opened */
    enum source_kind kind;
    struct buf text;
    struct ini ini;
    cJSON *toml;         /* NULL for the ini kinds; owns the tables below */
    const cJSON *pytest; /* the pytest table, NULL if there is none */
    const cJSON *rowlock;
    bool native; /* the pytest table holds native TOML types: lists have to be lists */
    bool has_pytest, has_rowlock;
};

/* Reads the file. EXIT_USAGE on failure; s is released then. */
bool source_open(struct source *s, const char *path, enum source_kind kind, const char *python,
                 struct error *err);
/* Stores what the file says in c, whose root is set. */
bool source_apply(const struct source *s, struct config *c, struct error *err);
void source_release(struct source *s);

/* source_apply for a TOML file (sourcetoml.c). */
bool source_apply_toml(const struct source *s, struct config *c, struct error *err);
/* Finds the tables of a TOML file. */
bool source_choose_tables(struct source *s, struct error *err);

#endif
