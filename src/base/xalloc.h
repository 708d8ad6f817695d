/* Allocation that does not return on failure: the process says so and exits 3. */
#ifndef BASE_XALLOC_H
#define BASE_XALLOC_H

#include <stdarg.h>
#include <stddef.h>

/* Each returns memory that the caller frees with free(). */
void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
/* Grows or shrinks p to n elements of the given size; checks the product for overflow. */
void *xreallocarray(void *p, size_t n, size_t size);
/* Makes room for one more element behind the n of p, an array that has room for *cap of that size. */
static inline void *xgrow(void *p, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return p;
    *cap = *cap ? 2 * *cap : 16;
    return xreallocarray(p, *cap, size);
}
char *xstrdup(const char *s);
/* Copies exactly len bytes and adds a NUL. */
char *xmemdup0(const void *data, size_t len);
/* sprintf into fresh memory. */
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
char *xvasprintf(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));

#endif
