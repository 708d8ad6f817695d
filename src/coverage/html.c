#include "coverage/html.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/map.h"
#include "base/xalloc.h"
#include "coverage/htmlreport.h"

/* ---- Which folders are reports ----------------------------------------------------------------- */

#define MARKER "rowlock-report.txt"
static const char marker_text[] = "A coverage report of Rowlock. The next one replaces this folder.\n";
/* What a report holds beside the pages of files in "f". */
static const char *const assets[] = {"report.css", "report.js", "overview.js", "source.js",
                                     "highlight.js", "icon.svg"};
static const char *const made[] = {MARKER, ".gitignore", "index.html", "list.html", "files.js", "f"};
enum { N_ASSETS = sizeof assets / sizeof *assets, N_MADE = sizeof made / sizeof *made };

static bool known(const char *name)
{
    for (size_t i = 0; i < N_ASSETS; i++)
        if (strcmp(name, assets[i]) == 0)
            return true;
    for (size_t i = 0; i < N_MADE; i++)
        if (strcmp(name, made[i]) == 0)
            return true;
    return false;
}

static bool is_page(const char *name)
{
    size_t n = strlen(name);
    return n > 5 && strcmp(name + n - 5, ".html") == 0;
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* The first entry of dir that fits does not hold for, or NULL. Caller frees. *n counts entries. */
static char *stranger(const char *dir, bool (*fits)(const char *name), size_t *n)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    char *found = NULL;
    *n = 0;
    while (d && !found && (e = readdir(d)) != NULL) {
        if (is_dots(e->d_name))
            continue;
        ++*n;
        if (!fits(e->d_name))
            found = path_join(dir, e->d_name);
    }
    if (d)
        closedir(d);
    return found;
}

static bool has_marker(const char *dir)
{
    char *path = path_join(dir, MARKER), start[sizeof marker_text] = "";
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(start, 1, sizeof marker_text - 1, f) : 0;
    if (f)
        fclose(f);
    free(path);
    return n == sizeof marker_text - 1 && memcmp(start, marker_text, n) == 0;
}

/* May the folder be replaced? *exists: there is one. */
static bool may_replace(const char *dir, bool *exists, struct error *err)
{
    struct stat st;
    size_t n;
    *exists = lstat(dir, &st) == 0;
    if (!*exists)
        return errno == ENOENT || error_errno(err, EXIT_USAGE, "%s", dir);
    if (!S_ISDIR(st.st_mode))
        return error_set(err, EXIT_USAGE, "%s is no folder; the report needs one of its own", dir);
    char *other = stranger(dir, known, &n);
    if (!other && n) {
        char *pages = path_join(dir, "f");
        size_t ignored;
        other = stranger(pages, is_page, &ignored);
        free(pages);
    }
    bool ours = has_marker(dir);
    if (!ours && n)
        error_set(err, EXIT_USAGE,
                  "%s is not empty and no report of Rowlock's; name another folder, or remove it", dir);
    else if (other)
        error_set(err, EXIT_USAGE,
                  "%s is no part of a report, and replacing the report would lose it; move it away, "
                  "or name another folder",
                  other);
    free(other);
    return !err->msg;
}

/* ---- Writing ----------------------------------------------------------------------------------- */

/* A new file below the folder under construction, which is nobody else's. */
static bool put(const char *dir, const char *name, const struct buf *b, struct error *err)
{
    char *path = path_join(dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    bool ok = fd >= 0 && file_write_all(fd, buf_cstr(b), b->len) == 0;
    if (fd >= 0 && close(fd) != 0)
        ok = false;
    if (!ok)
        error_errno(err, EXIT_INTERNAL, "%s: cannot be written", path);
    free(path);
    return ok;
}

static bool put_text(const char *dir, const char *name, const char *text, struct error *err)
{
    struct buf b = BUF_INIT;
    buf_adds(&b, text);
    bool ok = put(dir, name, &b, err);
    buf_release(&b);
    return ok;
}

static bool put_assets(const struct html_report *r, const char *dir, struct error *err)
{
    bool ok = true;
    for (size_t i = 0; i < N_ASSETS && ok; i++) {
        struct html_template t;
        ok = html_template_load(&t, r->how->templates, assets[i], err) &&
             put(dir, assets[i], &t.text, err);
        html_template_release(&t);
    }
    return ok;
}

typedef bool (*page_maker)(struct buf *b, const struct html_report *r,
                           const struct html_template *t, struct error *err);

static bool put_page(const struct html_report *r, const char *dir, const char *name, page_maker make,
                     struct error *err)
{
    struct html_template t;
    struct buf b = BUF_INIT;
    bool ok = html_template_load(&t, r->how->templates, name, err) && make(&b, r, &t, err) &&
              put(dir, name, &b, err);
    buf_release(&b);
    html_template_release(&t);
    return ok;
}

static bool put_files(const struct html_report *r, const char *dir, struct error *err)
{
    struct html_template t;
    struct buf b = BUF_INIT, name = BUF_INIT;
    bool ok = html_template_load(&t, r->how->templates, "file.html", err);
    for (size_t i = 0; i < r->c->n_files && ok; i++) {
        buf_clear(&b);
        buf_clear(&name);
        buf_addf(&name, "f/%s.html", r->pages[i]);
        ok = html_page(&b, r, &t, i, err) && put(dir, name.data, &b, err);
    }
    html_template_release(&t);
    buf_release(&b);
    buf_release(&name);
    return ok;
}

static bool put_all(const struct html_report *r, const char *dir, struct error *err)
{
    struct buf data = BUF_INIT;
    char *pages = path_join(dir, "f");
    bool ok = mkdir(pages, 0777) == 0 || error_errno(err, EXIT_INTERNAL, "%s", pages);
    free(pages);
    html_overview_data(&data, r);
    ok = ok && put_text(dir, MARKER, marker_text, err) && put_text(dir, ".gitignore", "*\n", err) &&
         put(dir, "files.js", &data, err) && put_assets(r, dir, err) &&
         put_page(r, dir, "index.html", html_overview, err) &&
         put_page(r, dir, "list.html", html_list, err) && put_files(r, dir, err);
    buf_release(&data);
    return ok;
}

/* ---- The report -------------------------------------------------------------------------------- */

static bool is_taken(const char *name, void *arg)
{
    return map_get(arg, name) != MAP_NONE;
}

static void name_pages(struct html_report *r)
{
    struct map names = MAP_INIT;
    r->pages = xcalloc(r->c->n_files + 1, sizeof *r->pages);
    for (size_t i = 0; i < r->c->n_files; i++) {
        r->pages[i] = html_page_name(r->c->files[i]->name, is_taken, &names);
        map_put(&names, r->pages[i], i);
    }
    map_release(&names);
}

/* The time of the data; SOURCE_DATE_EPOCH in its place makes reports of copies equal. */
static void add_time(struct buf *b, const struct cov_html *how)
{
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    char text[64], *end = NULL;
    time_t when = how->data_time;
    struct tm tm;
    if (epoch && *epoch) {
        errno = 0;
        long long given = strtoll(epoch, &end, 10);
        if (!*end && !errno && given >= 0)
            when = (time_t)given;
    }
    if (when && gmtime_r(&when, &tm) && strftime(text, sizeof text, "%Y-%m-%d %H:%M", &tm))
        buf_addf(b, ", data of %s UTC", text);
}

static void init(struct html_report *r, const struct coverage *c, const struct cov_html *how)
{
    *r = (struct html_report){.c = c, .how = how};
    r->root = realpath(how->source_root ? how->source_root : ".", NULL);
    html_name(&r->title, how->title ? how->title : "Coverage");
    buf_adds(&r->foot, "Rowlock " ROWLOCK_VERSION);
    add_time(&r->foot, how);
    name_pages(r);
}

static void release(struct html_report *r)
{
    for (size_t i = 0; i < r->c->n_files; i++)
        free(r->pages[i]);
    free(r->pages);
    free(r->root);
    buf_release(&r->title);
    buf_release(&r->foot);
}

/* Puts temp in the place of dir, of which may_replace is true. What stood there goes. */
static bool take_place(const char *temp, const char *dir, bool exists, struct error *err)
{
    bool ok = rename(temp, dir) == 0;
    if (!ok && exists && (errno == ENOTEMPTY || errno == EEXIST)) {
        ok = renameat2(AT_FDCWD, temp, AT_FDCWD, dir, RENAME_EXCHANGE) == 0;
        if (ok)
            file_remove_tree(AT_FDCWD, temp);
        else if (errno == EINVAL || errno == ENOSYS) { /* not every file system can */
            char *old = xasprintf("%s.old", temp);
            ok = rename(dir, old) == 0 && rename(temp, dir) == 0;
            int why = errno;
            if (ok)
                file_remove_tree(AT_FDCWD, old);
            else
                rename(old, dir);
            free(old);
            errno = why;
        }
    }
    return ok || error_errno(err, EXIT_INTERNAL, "%s: cannot be replaced", dir);
}

/* dir without trailing slashes; where it leads, if it is a link. Makes the folders above it. */
static char *resolve(const char *dir, struct error *err)
{
    char *path = realpath(dir, NULL);
    if (path)
        return path;
    path = path_absolute(dir);
    char *parent = path_dirname(path);
    bool ok = file_mkdirs(parent, err);
    free(parent);
    if (!ok) {
        free(path);
        return NULL;
    }
    return path;
}

static bool build(const struct html_report *r, const char *dir, struct error *err)
{
    bool exists;
    if (!may_replace(dir, &exists, err))
        return false;
    char *temp = xasprintf("%s.XXXXXX", dir);
    bool ok = mkdtemp(temp) || error_errno(err, EXIT_INTERNAL, "%s: cannot be created", temp);
    if (ok) {
        mode_t mask = umask(0);
        umask(mask);
        chmod(temp, 0777 & ~mask);
        ok = put_all(r, temp, err) && take_place(temp, dir, exists, err);
        if (!ok)
            file_remove_tree(AT_FDCWD, temp);
    }
    free(temp);
    return ok;
}

bool html_write(const struct coverage *c, const struct cov_html *how, const char *dir,
                struct error *err)
{
    struct html_report r;
    char *path = resolve(dir, err);
    if (!path)
        return false;
    init(&r, c, how);
    bool ok = build(&r, path, err);
    release(&r);
    free(path);
    return ok;
}
