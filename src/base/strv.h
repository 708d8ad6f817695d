/* A growing, NULL-terminated vector of strings. */
#ifndef BASE_STRV_H
#define BASE_STRV_H

#include <stdbool.h>
#include <stddef.h>

struct strv {
    char **v; /* NULL while empty; else v[n] is NULL */
    size_t n;
    size_t cap;
};

#define STRV_INIT {NULL, 0, 0}

void strv_init(struct strv *s);
/* Frees the strings too. */
void strv_release(struct strv *s);
/* Copies str. */
void strv_push(struct strv *s, const char *str);
/* Takes over str, which must come from malloc. */
void strv_push_nodup(struct strv *s, char *str);
void strv_pushf(struct strv *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Copies every string of a NULL-terminated array (NULL counts as empty). */
void strv_push_all(struct strv *s, char *const *from);
/* Appends copies of the words of text, between blanks and ends of lines. */
void strv_push_words(struct strv *s, const char *text);
bool strv_has(const struct strv *s, const char *str);
/* qsort by strcmp. */
void strv_sort(struct strv *s);

#endif
