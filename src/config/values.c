#include "config/values.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/xalloc.h"

bool value_seconds(const char *s, double *seconds)
{
    char *end;
    if (!*s || s[strspn(s, "0123456789.eE+-")])
        return false;
    double v = strtod(s, &end);
    if (*end || !isfinite(v) || v < 0)
        return false;
    *seconds = v;
    return true;
}

bool value_bytes(const char *s, size_t *bytes)
{
    static const char suffixes[] = "kmg";
    size_t digits = strspn(s, "0123456789"), unit = 1;
    if (!digits)
        return false;
    if (s[digits]) {
        const char *suffix = strchr(suffixes, tolower((unsigned char)s[digits]));
        if (!suffix || s[digits + 1])
            return false;
        unit = (size_t)1 << (10 * (suffix - suffixes + 1));
    }
    errno = 0;
    unsigned long long v = strtoull(s, NULL, 10);
    if (errno || v > SIZE_MAX / unit)
        return false;
    *bytes = (size_t)v * unit;
    return true;
}

bool value_memory_floor(const char *s, struct memory_floor *floor)
{
    size_t n = strlen(s);
    struct memory_floor f = {0, 0};
    if (n && s[n - 1] == '%') {
        double percent;
        char *number = xmemdup0(s, n - 1);
        bool ok = value_seconds(number, &percent) && percent <= 99;
        free(number);
        if (!ok)
            return false;
        f.share = (uint32_t)(percent * 100);
    } else if (!value_bytes(s, &f.bytes)) {
        return false;
    }
    *floor = f;
    return true;
}

static bool add_timeout(const char *entry, struct marker_timeout **list, size_t *n)
{
    const char *colon = strrchr(entry, ':');
    size_t len = colon ? (size_t)(colon - entry) : 0;
    double seconds;
    while (len && isspace((unsigned char)entry[len - 1]))
        len--;
    if (!len)
        return false;
    colon++;
    colon += strspn(colon, " \t");
    if (!value_seconds(colon, &seconds))
        return false;
    *list = xreallocarray(*list, *n + 1, sizeof **list);
    (*list)[(*n)++] = (struct marker_timeout){xmemdup0(entry, len), seconds};
    return true;
}

bool value_timeouts(const char *s, struct marker_timeout **list, size_t *n)
{
    bool ok = true;
    while (*s && ok) {
        s += strspn(s, " \t\r\n,");
        size_t len = strcspn(s, ",\n"), end = len;
        while (end && isspace((unsigned char)s[end - 1]))
            end--;
        char *entry = xmemdup0(s, end);
        ok = !end || add_timeout(entry, list, n);
        free(entry);
        s += len;
    }
    return ok;
}

void marker_timeouts_free(struct marker_timeout *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(list[i].marker);
    free(list);
}

bool value_reruns(const char *s, int *n)
{
    size_t digits = strspn(s, "0123456789");
    if (!digits || s[digits] || digits > 3 || atoi(s) > 200)
        return false;
    *n = atoi(s);
    return true;
}

bool value_bool(const char *s, bool *yes)
{
    static const char *const words[] = {"n",     "y",    "no",  "yes", "f", "t",
                                        "false", "true", "off", "on",  "0", "1"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(s, words[i]) == 0) {
            *yes = i % 2;
            return true;
        }
    return false;
}

bool value_is_variable(const char *s)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    return *s && !(*s >= '0' && *s <= '9') && !s[strspn(s, allowed)];
}

bool value_is_worker_start(const char *s)
{
    return strcmp(s, "auto") == 0 || strcmp(s, "fork") == 0 || strcmp(s, "spawn") == 0;
}
