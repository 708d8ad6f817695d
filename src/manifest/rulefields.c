#include "manifest/rulefields.h"

#include <regex.h>
#include <string.h>

#include "manifest/fields.h"

static bool read_truth(const struct json *j, const cJSON *object, const char *key, bool *to,
                       struct error *err)
{
    const cJSON *value = fields_get(object, key);
    if (value && !cJSON_IsBool(value))
        return json_error(j, value, err, "\"%s\" must be true or false, not %s; correct it", key,
                          json_kind(value));
    *to = cJSON_IsTrue(value);
    return true;
}

static bool read_code(const struct json *j, const cJSON *object, int *to, struct error *err)
{
    const cJSON *value = fields_get(object, "skip_code");
    double n = cJSON_IsNumber(value) ? value->valuedouble : -1;
    if (!value)
        return true;
    if (!(n >= 0 && n <= 255) || n != (int)n)
        return json_error(j, value, err,
                          "\"skip_code\" must be a whole number from 0 to 255; correct it");
    *to = (int)n;
    return true;
}

static bool check_expression(const struct json *j, const cJSON *value, const char *key,
                             struct error *err)
{
    regex_t compiled;
    char why[200];
    int bad = regcomp(&compiled, value->valuestring, REG_EXTENDED | REG_NOSUB);
    if (bad) {
        regerror(bad, &compiled, why, sizeof why);
        return json_error(j, value, err, "\"%s\" is no extended regular expression (%s); correct it",
                          key, why);
    }
    regfree(&compiled);
    return true;
}

static bool read_list(struct manifest *m, const struct json *j, const cJSON *object,
                      const char *key, bool expressions, char ***to, struct error *err)
{
    const cJSON *value = fields_get(object, key);
    struct strv list = STRV_INIT;
    bool ok = fields_strings(j, value, key, true, false, &list, err);
    const cJSON *c = ok && cJSON_IsArray(value) ? value->child : value;
    for (size_t i = 0; expressions && i < list.n && ok; i++, c = c->next)
        ok = check_expression(j, c, key, err);
    if (ok && list.n)
        *to = arena_strv(&m->arena, list.v, list.n);
    strv_release(&list);
    return ok;
}

bool rulefields_read(struct manifest *m, struct test *t, const struct json *j, const cJSON *object,
                     struct error *err)
{
    struct verdict_rules *r = &t->rules;
    bool ok = read_truth(j, object, "will_fail", &r->will_fail, err) &&
              read_truth(j, object, "disabled", &t->disabled, err) &&
              read_code(j, object, &r->skip_code, err) &&
              read_list(m, j, object, "pass_regex", true, &r->pass_regex, err) &&
              read_list(m, j, object, "fail_regex", true, &r->fail_regex, err) &&
              read_list(m, j, object, "skip_regex", true, &r->skip_regex, err) &&
              read_list(m, j, object, "required_files", false, &t->required_files, err);
    if (t->disabled)
        t->hindrance = "disabled";
    return ok;
}
