#include "history/http.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/xalloc.h"

static const char *rest_of(const char *url)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (strncasecmp(url, schemes[i], strlen(schemes[i])) == 0)
            return url + strlen(schemes[i]);
    return NULL;
}

/* What follows user and password. */
static const char *host_of(const char *rest)
{
    const char *end = rest + strcspn(rest, "/?#"), *host = rest;
    for (const char *p = rest; p < end; p++)
        if (*p == '@')
            host = p + 1;
    return host;
}

bool http_is_url(const char *url)
{
    for (const char *p = url; *p; p++)
        if (!isgraph((unsigned char)*p))
            return false;
    const char *rest = rest_of(url);
    return rest && !strchr("/?#:", *host_of(rest));
}

char *http_shown(const char *url)
{
    const char *rest = rest_of(url);
    struct buf b = BUF_INIT;
    if (rest) {
        const char *host = host_of(rest);
        buf_add(&b, url, (size_t)(rest - url));
        buf_add(&b, host, strcspn(host, "?#"));
    }
    return b.len ? buf_detach(&b) : xstrdup("the URL");
}

#ifdef ROWLOCK_CURL

#include <curl/curl.h>
#include <dlfcn.h>

enum { CONNECT_MS = 5000 };

/* What is used of libcurl; see its own manual pages. */
static struct {
    CURLcode (*global_init)(long);
    CURL *(*init)(void);
    CURLcode (*setopt)(CURL *, CURLoption, ...);
    CURLcode (*perform)(CURL *);
    CURLcode (*getinfo)(CURL *, CURLINFO, ...);
    void (*cleanup)(CURL *);
    const char *(*error)(CURLcode);
    struct curl_slist *(*append)(struct curl_slist *, const char *);
    void (*free_all)(struct curl_slist *);
} lib;

/* dlsym yields an object pointer; ISO C has no cast from that to a function's. */
static bool find(void *handle, const char *name, void *function)
{
    void *p = dlsym(handle, name);
    memcpy(function, &p, sizeof p);
    return p != NULL;
}

static bool load(char **why)
{
    static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4", "libcurl.4.dylib",
                                        "libcurl.so"};
    void *h = NULL;
    if (lib.perform)
        return true;
    for (size_t i = 0; i < sizeof names / sizeof *names && !h; i++)
        h = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    bool ok = h && find(h, "curl_global_init", &lib.global_init) &&
              find(h, "curl_easy_init", &lib.init) && find(h, "curl_easy_setopt", &lib.setopt) &&
              find(h, "curl_easy_getinfo", &lib.getinfo) &&
              find(h, "curl_easy_cleanup", &lib.cleanup) &&
              find(h, "curl_easy_strerror", &lib.error) &&
              find(h, "curl_slist_append", &lib.append) &&
              find(h, "curl_slist_free_all", &lib.free_all) &&
              lib.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK &&
              find(h, "curl_easy_perform", &lib.perform);
    if (!ok)
        *why = xstrdup("libcurl is not installed (Debian: apt-get install libcurl4)");
    return ok;
}

struct transfer {
    const struct http *h;
    CURL *curl;
    FILE *file;
    size_t got;
    bool too_long;
    bool full; /* the disk */
    char *tag; /* may be NULL */
};

static size_t on_data(char *data, size_t size, size_t n, void *ctx)
{
    struct transfer *t = ctx;
    n *= size;
    t->got += n;
    if (t->got > t->h->limit) {
        t->too_long = true;
        return 0;
    }
    if (t->file && fwrite(data, 1, n, t->file) != n) {
        t->full = true;
        return 0;
    }
    return n;
}

/* Keeps a strong ETag of moderate length. */
static size_t on_header(char *data, size_t size, size_t n, void *ctx)
{
    struct transfer *t = ctx;
    n *= size;
    if (t->tag && n > 5 && strncasecmp(data, "etag:", 5) == 0) {
        size_t from = 5, end = n;
        while (from < end && isspace((unsigned char)data[from]))
            from++;
        while (end > from && isspace((unsigned char)data[end - 1]))
            end--;
        bool strong = end - from >= 2 && end - from < HTTP_TAG_MAX && data[from] == '"';
        for (size_t i = from; i < end; i++)
            strong = strong && isgraph((unsigned char)data[i]);
        snprintf(t->tag, HTTP_TAG_MAX, "%.*s", strong ? (int)(end - from) : 0, data + from);
    }
    return n;
}

static int on_progress(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const struct transfer *t = ctx;
    (void)a, (void)b, (void)c, (void)d;
    return t->h->stop && t->h->stop();
}

static size_t on_upload(char *data, size_t size, size_t n, void *ctx)
{
    return fread(data, size, n, ((struct transfer *)ctx)->file);
}

/* The answer must not go to standard output, whatever it is. */
static size_t on_answer(char *data, size_t size, size_t n, void *ctx)
{
    (void)data, (void)ctx;
    return size * n;
}

static void set_common(struct transfer *t, int64_t left)
{
    CURL *c = t->curl;
    lib.setopt(c, CURLOPT_URL, t->h->url);
#if LIBCURL_VERSION_NUM >= 0x075500
    lib.setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
#endif
    lib.setopt(c, CURLOPT_NOSIGNAL, 1L);
    lib.setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_OPTIONAL);
    lib.setopt(c, CURLOPT_USERAGENT, "rowlock/" ROWLOCK_VERSION);
    lib.setopt(c, CURLOPT_TIMEOUT_MS, (long)left);
    lib.setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)(left < CONNECT_MS ? left : CONNECT_MS));
    lib.setopt(c, CURLOPT_NOPROGRESS, 0L);
    lib.setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    lib.setopt(c, CURLOPT_XFERINFODATA, t);
    lib.setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    lib.setopt(c, CURLOPT_HEADERDATA, t);
    lib.setopt(c, CURLOPT_WRITEDATA, t);
}

/* Performs what was set; the status, or 0 and *why. */
static long perform(struct transfer *t, char **why)
{
    long status = 0;
    CURLcode rc = lib.perform(t->curl);
    if (t->too_long)
        *why = xasprintf("the answer is longer than %zu MiB", t->h->limit >> 20);
    else if (t->full)
        *why = xstrdup("the answer cannot be written to the disk");
    else if (rc == CURLE_OPERATION_TIMEDOUT)
        *why = xstrdup("no answer in time");
    else if (rc == CURLE_ABORTED_BY_CALLBACK)
        *why = xstrdup("interrupted");
    else if (rc != CURLE_OK)
        *why = xstrdup(lib.error(rc));
    else
        lib.getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

static char *explain(long status)
{
    const char *remedy = status == 401 || status == 403   ? "; it wants other credentials"
                         : status == 404 || status == 409 ? "; its folder may be missing there"
                         : status == 405                  ? "; it does not allow this method"
                         : status / 100 == 3 ? "; give the address that it redirects to"
                                             : "";
    return xasprintf("it answered %ld%s", status, remedy);
}

static bool begin(struct transfer *t, const struct http *h, char **why)
{
    int64_t left = h->deadline_ms - clock_monotonic_ms();
    *why = NULL;
    t->h = h;
    if (!load(why))
        return false;
    if (left <= 0)
        *why = xstrdup("no answer in time");
    else if (!(t->curl = lib.init()))
        *why = xstrdup("libcurl has no memory");
    else
        set_common(t, left);
    return t->curl != NULL;
}

enum http_end http_get(const struct http *h, const char *path, char *tag, char **why)
{
    struct transfer t = {.tag = tag};
    enum http_end end = HTTP_FAILED;
    tag[0] = '\0';
    if (!begin(&t, h, why))
        return HTTP_FAILED;
    t.file = fopen(path, "we");
    lib.setopt(t.curl, CURLOPT_WRITEFUNCTION, on_data);
    lib.setopt(t.curl, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)h->limit);
    long status = perform(&t, why);
    bool written = t.file && fclose(t.file) == 0;
    if (status == 404 || status == 410)
        end = HTTP_NONE;
    else if (status && status != 200)
        *why = explain(status);
    else if (status && !written)
        *why = xasprintf("%s cannot be written", path);
    else if (status)
        end = HTTP_DONE;
    lib.cleanup(t.curl);
    return end;
}

enum http_end http_put(const struct http *h, const char *path, const char *tag, char **why)
{
    struct transfer t = {.tag = NULL};
    enum http_end end = HTTP_FAILED;
    if (!begin(&t, h, why))
        return HTTP_FAILED;
    t.file = fopen(path, "re");
    if (t.file && fseek(t.file, 0, SEEK_END) == 0) {
        struct curl_slist *headers = lib.append(NULL, "Expect:");
        char *match = !tag ? xstrdup("If-None-Match: *")
                           : xasprintf("If-Match: %s", *tag ? tag : "*");
        if (!tag || *tag)
            headers = lib.append(headers, match);
        lib.setopt(t.curl, CURLOPT_UPLOAD, 1L);
        lib.setopt(t.curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)ftell(t.file));
        rewind(t.file);
        lib.setopt(t.curl, CURLOPT_READFUNCTION, on_upload);
        lib.setopt(t.curl, CURLOPT_READDATA, &t);
        lib.setopt(t.curl, CURLOPT_WRITEFUNCTION, on_answer);
        lib.setopt(t.curl, CURLOPT_HTTPHEADER, headers);
        long status = perform(&t, why);
        if (status == 412)
            end = HTTP_CHANGED;
        else if (status / 100 == 2)
            end = HTTP_DONE;
        else if (status)
            *why = explain(status);
        lib.free_all(headers);
        free(match);
    } else {
        *why = xasprintf("%s cannot be read", path);
    }
    if (t.file)
        fclose(t.file);
    lib.cleanup(t.curl);
    return end;
}

#else

static enum http_end refuse(char **why)
{
    *why = xstrdup("this rowlock was built without libcurl (./configure --without-curl)");
    return HTTP_FAILED;
}

enum http_end http_get(const struct http *h, const char *path, char *tag, char **why)
{
    (void)h, (void)path;
    tag[0] = '\0';
    return refuse(why);
}

enum http_end http_put(const struct http *h, const char *path, const char *tag, char **why)
{
    (void)h, (void)path, (void)tag;
    return refuse(why);
}

#endif
