#include "plan/planfile.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* True if n elements of the given size at off lie within the file. */
static bool within(const struct plan_map *p, uint64_t off, uint64_t n, uint64_t size)
{
    return off <= p->size && n <= (p->size - off) / size;
}

static bool section_ok(const struct plan_map *p, uint64_t off, uint64_t n, uint64_t size)
{
    return off % 8 == 0 && within(p, off, n, size);
}

static bool head_ok(const struct plan_map *p)
{
    const struct plan_head *h = p->head;
    return memcmp(h->magic, PLAN_MAGIC, sizeof h->magic) == 0 && h->size == p->size &&
           section_ok(p, h->off_tests, h->n_tests, sizeof(struct plan_test)) &&
           section_ok(p, h->off_groups, h->n_groups, sizeof(struct plan_group)) &&
           section_ok(p, h->off_members, h->n_members, sizeof(uint32_t)) &&
           h->n_queued <= h->n_groups;
}

bool plan_map_open(struct plan_map *p, const char *path, struct error *err)
{
    struct stat st;
    memset(p, 0, sizeof *p);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        error_errno(err, EXIT_INTERNAL, "%s: the plan cannot be read", path);
        if (fd >= 0)
            close(fd);
        return false;
    }
    bool ok = S_ISREG(st.st_mode) && (uint64_t)st.st_size >= sizeof(struct plan_head);
    if (ok) {
        void *base = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (base == MAP_FAILED) {
            error_errno(err, EXIT_INTERNAL, "%s: the plan cannot be mapped", path);
            close(fd);
            return false;
        }
        p->base = base;
        p->size = (size_t)st.st_size;
        p->head = base;
        ok = head_ok(p);
    }
    close(fd);
    if (ok)
        return true;
    plan_map_close(p);
    return error_set(err, EXIT_INTERNAL,
                     "%s: this is no plan of this version of rowlock; run 'rowlock generate' anew",
                     path);
}

void plan_map_close(struct plan_map *p)
{
    if (p->base)
        munmap((void *)(uintptr_t)p->base, p->size);
    memset(p, 0, sizeof *p);
}

const struct plan_test *plan_map_test(const struct plan_map *p, uint32_t i)
{
    if (i >= p->head->n_tests)
        return NULL;
    return (const struct plan_test *)(const void *)(p->base + p->head->off_tests) + i;
}

const struct plan_group *plan_map_group(const struct plan_map *p, uint32_t i)
{
    if (i >= p->head->n_groups)
        return NULL;
    return (const struct plan_group *)(const void *)(p->base + p->head->off_groups) + i;
}

uint32_t plan_map_member(const struct plan_map *p, const struct plan_group *g, uint32_t k)
{
    uint64_t at = (uint64_t)g->first + k;
    if (k >= g->count || at >= p->head->n_members)
        return UINT32_MAX;
    uint32_t test;
    memcpy(&test, p->base + p->head->off_members + at * sizeof test, sizeof test);
    return test < p->head->n_tests ? test : UINT32_MAX;
}

const char *plan_map_str(const struct plan_map *p, struct plan_str s)
{
    if (s.len >= p->size || s.off >= p->size - s.len || p->base[s.off + s.len] != '\0')
        return "";
    return (const char *)p->base + s.off;
}

const char *plan_map_list_str(const struct plan_map *p, struct plan_list l, uint64_t k)
{
    struct plan_str s;
    if (k >= l.n || !within(p, l.off, l.n, sizeof s))
        return NULL;
    memcpy(&s, p->base + l.off + k * sizeof s, sizeof s);
    return plan_map_str(p, s);
}

uint32_t plan_map_list_u32(const struct plan_map *p, struct plan_list l, uint64_t k)
{
    uint32_t v;
    if (k >= l.n || !within(p, l.off, l.n, sizeof v))
        return UINT32_MAX;
    memcpy(&v, p->base + l.off + k * sizeof v, sizeof v);
    return v;
}
