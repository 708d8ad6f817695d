/* One file on a web server: fetched, and put back. Needs libcurl, which is loaded when it is first
 * used, so that runs without a server do not pay for it. */
#ifndef HISTORY_HTTP_H
#define HISTORY_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTP_TAG_MAX = 256 };

struct http {
    const char *url;     /* http:// or https:// */
    int64_t deadline_ms; /* CLOCK_MONOTONIC; for all calls together */
    size_t limit;        /* bytes; a longer answer is refused */
    bool (*stop)(void);  /* asked now and then: give up? May be NULL */
};

enum http_end {
    HTTP_DONE,
    HTTP_NONE,    /* GET: there is no such file */
    HTTP_CHANGED, /* PUT: it is not what tag says */
    HTTP_FAILED   /* *why */
};

/* True if url is one that http_get takes: printable, and of one of the two schemes with a host. */
bool http_is_url(const char *url);
/* The URL without what may be secret: user, password, query. Caller frees. */
char *http_shown(const char *url);

/* Writes the file to path. tag, of HTTP_TAG_MAX bytes, is its ETag, "" if it has none that can be
 * compared. why, which the caller frees, is one line without the URL. Redirects are not followed. */
enum http_end http_get(const struct http *h, const char *path, char *tag, char **why);
/* Replaces the file by that at path, if it still is what tag says ("": whatever it is; NULL: if
 * there is none), as far as the server looks at that. */
enum http_end http_put(const struct http *h, const char *path, const char *tag, char **why);

#endif
