#include "report/place.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/xalloc.h"
#include "manifest/manifest.h"
#include "report/placescan.h"

enum {
    MOST_FILES = 50000, /* of the project are looked at, to find one by its name */
    MOST_DEPTH = 16,
    MOST_LOOKS = 500,    /* names in one test's output are looked for */
    PLACE_TWICE = INT_MAX
};

static char *folder_of(const char *variable, const char *otherwise)
{
    const char *given = getenv(variable);
    if (!given || given[0] != '/')
        return xstrdup(otherwise);
    char *real = realpath(given, NULL);
    if (!real)
        return xstrdup(otherwise);
    char *copy = xstrdup(real);
    free(real);
    return copy;
}

void places_init(struct places *p, const struct results *r)
{
    memset(p, 0, sizeof *p);
    p->r = r;
    p->root = path_absolute(plan_map_str(r->plan, r->plan->head->root));
    char *gitlab = folder_of("CI_PROJECT_DIR", p->root);
    p->base = folder_of("GITHUB_WORKSPACE", gitlab);
    free(gitlab);
    p->on_server = getenv("GITHUB_WORKSPACE") || getenv("CI_PROJECT_DIR");
}

void places_release(struct places *p)
{
    free(p->root);
    free(p->base);
}

struct project_files *project_files_new(void)
{
    return xcalloc(1, sizeof(struct project_files));
}

void project_files_free(struct project_files *f)
{
    if (!f)
        return;
    map_release(&f->by_name);
    strv_release(&f->paths);
    free(f);
}

/* The part of path below folder; NULL if it is not below it. */
static const char *below(const char *path, const char *folder)
{
    size_t n = strlen(folder);
    if (strcmp(folder, "/") == 0)
        return path[1] ? path + 1 : NULL;
    return strncmp(path, folder, n) == 0 && path[n] == '/' && path[n + 1] ? path + n + 1 : NULL;
}

static bool is_ours(const struct places *p, const char *path)
{
    const char *part = below(path, p->root);
    if (!part)
        part = below(path, p->base);
    return part && strncmp(part, ".rowlock/", 9) != 0 && !strstr(part, "site-packages/") &&
           !strstr(part, "dist-packages/");
}

/* The absolute path of a file of the project that folder and name make; NULL if there is none. */
static char *existing(const struct places *p, const char *folder, const char *name)
{
    struct stat st;
    char *joined = path_join(folder, name), *path = path_absolute(joined);
    free(joined);
    if (is_ours(p, path) && stat(path, &st) == 0 && S_ISREG(st.st_mode))
        return path;
    free(path);
    return NULL;
}

static void walk(struct strv *paths, const char *folder, int depth)
{
    DIR *d = depth < MOST_DEPTH ? opendir(folder) : NULL;
    const struct dirent *e;
    while (d && paths->n < MOST_FILES && (e = readdir(d)) != NULL) {
        if (e->d_name[0] == '.' || strcmp(e->d_name, "node_modules") == 0)
            continue;
        char *path = path_join(folder, e->d_name);
        if (e->d_type == DT_DIR)
            walk(paths, path, depth + 1);
        else if (e->d_type == DT_REG)
            strv_push(paths, path);
        free(path);
    }
    if (d)
        closedir(d);
}

/* Valgrind and others name a file without its folder: it is meant if only one bears that name. */
static char *by_name(const struct places *p, const char *name)
{
    struct project_files *f = p->r->files;
    if (!f->walked) {
        f->walked = true;
        walk(&f->paths, p->root, 0);
        for (size_t i = 0; i < f->paths.n; i++) {
            const char *last = path_basename(f->paths.v[i]);
            if (map_intern(&f->by_name, last, i) != i)
                map_put(&f->by_name, last, PLACE_TWICE);
        }
    }
    size_t i = map_get(&f->by_name, name);
    return i < f->paths.n ? xstrdup(f->paths.v[i]) : NULL;
}

/* A name in a test's output, as seen from where it ran or from where its program was built. */
static char *resolve(struct places *p, const struct plan_test *pt, const char *name)
{
    const char *command = plan_map_list_str(p->r->plan, pt->command, 0);
    char *cwd = path_join(p->root, plan_map_str(p->r->plan, pt->cwd));
    char *found = existing(p, cwd, name);
    if (!found)
        found = existing(p, p->root, name);
    if (!found && command && strchr(command, '/')) {
        char *program = path_join(cwd, command), *folder = path_dirname(program);
        found = existing(p, folder, name);
        free(folder);
        free(program);
    }
    const char *rest = name;
    while (strncmp(rest, "../", 3) == 0)
        rest += 3;
    if (!found && rest != name)
        found = existing(p, p->root, rest);
    if (!found && !strchr(name, '/') && pt->format != FORMAT_PYTEST)
        found = by_name(p, name);
    free(cwd);
    return found;
}

static void set_file(const struct places *p, const char *path, struct place *at)
{
    const char *part = below(path, p->base);
    buf_clear(&at->file);
    buf_adds(&at->file, part ? part : path);
}

void place_of_module(const struct places *p, const char *path, size_t len, struct place *at)
{
    char *name = xmemdup0(path, len), *joined = path_join(p->root, name);
    char *whole = path_absolute(joined);
    at->line = 0;
    set_file(p, whole, at);
    free(whole);
    free(joined);
    free(name);
}

/* What is looked through for one test. */
struct search {
    struct places *p;
    const struct plan_test *pt;
    struct place *at;
    bool found, strong;
    unsigned looks;
};

static bool take(void *arg, const struct placescan_hit *hit)
{
    struct search *s = arg;
    bool better = !s->found || hit->traceback || (hit->strong && !s->strong);
    if (!better)
        return true;
    if (s->looks++ >= MOST_LOOKS)
        return false;
    char *name = xmemdup0(hit->name, hit->len);
    char *path = strlen(name) == hit->len ? resolve(s->p, s->pt, name) : NULL;
    if (path) {
        set_file(s->p, path, s->at);
        s->at->line = hit->line;
        s->found = true;
        s->strong = hit->strong;
    }
    free(path);
    free(name);
    return !(s->strong && !hit->traceback);
}

/* "file:line" of the journal; the file's name may hold anything. */
static bool take_location(struct search *s, const struct result_text *location)
{
    const char *colon = location->len ? memrchr(location->data, ':', location->len) : NULL;
    unsigned long line = colon ? strtoul(colon + 1, NULL, 10) : 0;
    if (!colon || line == 0 || line > INT_MAX)
        return false;
    take(s, &(struct placescan_hit){.name = location->data,
                                    .len = (size_t)(colon - location->data),
                                    .line = (uint32_t)line});
    return s->found;
}

static bool search_texts(struct search *s, const struct result *t)
{
    const struct result_text *const texts[] = {&t->detail, &t->message, &t->err, &t->out};
    bool pytest = s->pt->format == FORMAT_PYTEST;
    if (take_location(s, &t->location))
        return true;
    for (size_t i = 0; i < (pytest ? 1 : sizeof texts / sizeof *texts) && !s->strong; i++)
        placescan(texts[i]->data, texts[i]->len, pytest, take, s);
    return s->found;
}

static bool is_script(const char *path)
{
    char head[2] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool yes = fd >= 0 && read(fd, head, 2) == 2 && head[0] == '#' && head[1] == '!';
    if (fd >= 0)
        close(fd);
    return yes;
}

bool place_of_test(struct places *p, const struct plan_test *pt, struct place *at)
{
    const struct plan_map *plan = p->r->plan;
    at->line = 0;
    buf_clear(&at->file);
    const char *id = plan_map_str(plan, pt->id), *word;
    if (pt->format == FORMAT_PYTEST) {
        const char *colons = strstr(id, "::");
        place_of_module(p, id, colons ? (size_t)(colons - id) : strlen(id), at);
        return true;
    }
    bool found = false;
    char *cwd = path_join(p->root, plan_map_str(plan, pt->cwd));
    for (uint64_t k = 0; !found && (word = plan_map_list_str(plan, pt->command, k)) != NULL; k++) {
        char *path = word[0] == '-' ? NULL : existing(p, cwd, word);
        found = path && is_script(path);
        if (found)
            set_file(p, path, at);
        free(path);
    }
    free(cwd);
    return found;
}

bool place_of_failure(struct places *p, uint32_t test, struct place *at)
{
    const struct plan_test *pt = plan_map_test(p->r->plan, test);
    struct search s = {.p = p, .pt = pt, .at = at};
    at->line = 0;
    buf_clear(&at->file);
    return pt && (search_texts(&s, &p->r->tests[test]) || place_of_test(p, pt, at));
}
