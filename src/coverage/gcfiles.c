#include "coverage/gcfiles.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/xalloc.h"

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n > m && strcmp(s + n - m, end) == 0;
}

/* Where links to notes lead. A tree of GCOV_PREFIX for each process has them for other tools, and a
 * thousand trees lead to the same few files. */
struct links {
    struct map by_target; /* absolute targets, as the links say them */
    struct strv targets, real;
};

static void links_release(struct links *l)
{
    map_release(&l->by_target);
    strv_release(&l->targets);
    strv_release(&l->real);
}

static char *resolve(const char *path)
{
    char *real = realpath(path, NULL), *copy = real ? xstrdup(real) : NULL;
    free(real);
    return copy;
}

/* The notes themselves where path is a link to them: all that link to the same ones are one object.
 * NULL if there are none. Caller frees. */
static char *real_notes(struct links *l, const char *path)
{
    char target[PATH_MAX];
    ssize_t n = readlink(path, target, sizeof target - 1);
    if (n < 0)
        return errno == EINVAL ? xstrdup(path) : NULL; /* EINVAL: there, and no link */
    target[n] = '\0';
    if (target[0] != '/')
        return resolve(path);
    size_t at = map_get(&l->by_target, target);
    if (at == MAP_NONE) {
        char *real = resolve(target);
        if (!real)
            return NULL;
        at = l->real.n;
        strv_push_nodup(&l->real, real);
        strv_push(&l->targets, target);
        map_put(&l->by_target, l->targets.v[at], at);
    }
    return xstrdup(l->real.v[at]);
}

/* All .gcda and .gcno files at or below path, links to folders not followed. */
static void walk(char *path, struct strv *data, struct strv *notes, struct strv *problems)
{
    struct stat st;
    if (ends_with(path, ".gcda"))
        return strv_push(data, path);
    if (ends_with(path, ".gcno"))
        return strv_push(notes, path);
    DIR *d = opendir(path);
    if (!d) {
        strv_pushf(problems, "%s: %s", path, strerror(errno));
        return;
    }
    struct dirent *e;
    while ((e = readdir(d)) != NULL) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        bool folder = e->d_type == DT_DIR, file = e->d_type == DT_REG || e->d_type == DT_LNK;
        bool wanted = ends_with(e->d_name, ".gcda") || ends_with(e->d_name, ".gcno");
        if (!folder && !(file && wanted) && e->d_type != DT_UNKNOWN)
            continue;
        char *inner = path_join(path, e->d_name);
        if (e->d_type == DT_UNKNOWN)
            folder = lstat(inner, &st) == 0 && S_ISDIR(st.st_mode);
        if (folder || wanted)
            walk(inner, data, notes, problems);
        free(inner);
    }
    closedir(d);
}

static void sort_unique(struct strv *s)
{
    size_t n = 0;
    strv_sort(s);
    for (size_t i = 0; i < s->n; i++) {
        if (n && strcmp(s->v[n - 1], s->v[i]) == 0)
            free(s->v[i]);
        else
            s->v[n++] = s->v[i];
    }
    s->n = n;
    if (s->v)
        s->v[n] = NULL;
}

/* The object of these notes, made if there is none. */
static struct gc_object *object_of(struct gc_files *f, const char *notes)
{
    size_t at = map_get(&f->by_notes, notes);
    if (at != MAP_NONE)
        return &f->objects[at];
    if (f->n_objects == f->cap_objects) {
        f->cap_objects = f->cap_objects ? f->cap_objects * 2 : 64;
        f->objects = xreallocarray(f->objects, f->cap_objects, sizeof *f->objects);
    }
    char *copy = xstrdup(notes);
    strv_push_nodup(&f->notes, copy);
    map_put(&f->by_notes, copy, f->n_objects);
    struct gc_object *o = &f->objects[f->n_objects++];
    *o = (struct gc_object){copy, STRV_INIT};
    return o;
}

/* ---- The notes below --objects ------------------------------------------------------------------ */

/* Orders paths by what stands behind their last slash. */
static int compare_basenames(const void *va, const void *vb)
{
    const char *a = *(char *const *)va, *b = *(char *const *)vb;
    int c = strcmp(path_basename(a), path_basename(b));
    return c ? c : strcmp(a, b);
}

/* How many components at the end of both paths are the same. */
static size_t same_tail(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b), count = 0;
    while (n && m && a[n - 1] == b[m - 1]) {
        n--;
        m--;
        count += a[n] == '/';
    }
    return count;
}

/* Version and stamp are words 1 and 2 of both kinds of file. */
static bool same_build(const char *notes, const char *data)
{
    unsigned char a[12], b[12];
    FILE *f = fopen(notes, "re"), *g = fopen(data, "re");
    bool same = f && g && fread(a, 1, sizeof a, f) == sizeof a &&
                fread(b, 1, sizeof b, g) == sizeof b && memcmp(a + 4, b + 4, 8) == 0;
    if (f)
        fclose(f);
    if (g)
        fclose(g);
    return same;
}

/* The notes whose path has the longest end in common with want; of several, the one of the same
 * build. sorted is by compare_basenames. */
static const char *nearest_notes(const struct strv *sorted, const char *want, const char *data)
{
    size_t low = 0, high = sorted->n, best_tail = 0;
    const char *best = NULL;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(path_basename(sorted->v[middle]), path_basename(want)) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < sorted->n && strcmp(path_basename(sorted->v[low]), path_basename(want)) == 0; low++) {
        size_t tail = same_tail(sorted->v[low], want);
        if (best && (tail < best_tail || (tail == best_tail && same_build(best, data))))
            continue;
        best = sorted->v[low];
        best_tail = tail;
    }
    return best;
}

/* ---- Matching ----------------------------------------------------------------------------------- */

/* In a tree of GCOV_PREFIX the path of the notes, from the root, is an end of the data's path. */
static char *notes_from_root(struct links *l, const char *want)
{
    for (const char *slash = strchr(want + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        char *real = real_notes(l, slash);
        if (real)
            return real;
    }
    return NULL;
}

/* The notes of a .gcda file: a path that the caller frees, or NULL. */
static char *notes_of(const char *data, const struct strv *below_objects, struct links *l)
{
    char *want = xstrdup(data), *found = NULL;
    memcpy(want + strlen(want) - 4, "gcno", 4);
    const char *near = nearest_notes(below_objects, want, data);
    if (!near)
        found = real_notes(l, want);
    /* -fprofile-dir puts the whole path into the name, with # for /. */
    const char *name = path_basename(want);
    if (!near && !found && name[0] == '#') {
        char *mangled = xstrdup(name);
        for (char *p = mangled; *p; p++)
            *p = *p == '#' ? '/' : *p;
        near = nearest_notes(below_objects, mangled, data);
        found = near ? NULL : real_notes(l, mangled);
        free(mangled);
    }
    if (near)
        found = real_notes(l, near);
    if (!found)
        found = notes_from_root(l, want);
    free(want);
    return found;
}

static void add_notes(struct gc_files *f, const struct strv *paths, struct links *l,
                      struct strv *problems)
{
    for (size_t i = 0; i < paths->n; i++) {
        char *real = real_notes(l, paths->v[i]);
        if (real)
            object_of(f, real);
        else
            strv_pushf(problems, "%s: %s", paths->v[i], strerror(errno));
        free(real);
    }
}

static int compare_objects(const void *va, const void *vb)
{
    return strcmp(((const struct gc_object *)va)->notes, ((const struct gc_object *)vb)->notes);
}

void gc_files_find(struct gc_files *f, char *const *inputs, size_t n_inputs, const char *objects,
                   struct strv *problems)
{
    struct strv data = STRV_INIT, notes = STRV_INIT, below = STRV_INIT, ignored = STRV_INIT;
    struct links links = {.by_target = MAP_INIT, .targets = STRV_INIT, .real = STRV_INIT};
    memset(f, 0, sizeof *f);
    for (size_t i = 0; i < n_inputs; i++) {
        char *path = path_absolute(inputs[i]);
        size_t before = data.n + notes.n + problems->n;
        walk(path, &data, &notes, problems);
        if (data.n + notes.n + problems->n == before)
            strv_pushf(problems, "%s: no .gcda or .gcno files below it; build with gcc --coverage, run "
                       "the program, and name the folder that it was built in", inputs[i]);
        free(path);
    }
    if (objects) {
        char *path = path_absolute(objects);
        walk(path, &ignored, &below, problems);
        free(path);
        if (below.n)
            qsort(below.v, below.n, sizeof *below.v, compare_basenames);
    }
    sort_unique(&data);
    add_notes(f, &notes, &links, problems);
    add_notes(f, &below, &links, problems);
    for (size_t i = 0; i < data.n; i++) {
        char *found = notes_of(data.v[i], &below, &links);
        if (found)
            strv_push(&object_of(f, found)->data, data.v[i]);
        else
            strv_pushf(problems, "%s: its .gcno file is not to be found; name its folder with --objects",
                       data.v[i]);
        free(found);
    }
    if (f->n_objects)
        qsort(f->objects, f->n_objects, sizeof *f->objects, compare_objects);
    strv_release(&data);
    strv_release(&notes);
    strv_release(&below);
    strv_release(&ignored);
    links_release(&links);
}

void gc_files_release(struct gc_files *f)
{
    for (size_t i = 0; i < f->n_objects; i++)
        strv_release(&f->objects[i].data);
    free(f->objects);
    map_release(&f->by_notes);
    strv_release(&f->notes);
}
