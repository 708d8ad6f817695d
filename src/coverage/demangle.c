#include "coverage/demangle.h"

#include <setjmp.h>
#include <string.h>

#include "base/buf.h"

#ifdef ROWLOCK_DEMANGLER

/* A name may refer to parts of itself, those to others, and so be longer than any memory. */
enum { LONGEST = 1 << 16 };

/* Of libstdc++, that is GCC's cp-demangle.c, which gcov has as well; hands the result on in pieces
 * and returns 0 if the name is none. Unlike __cxa_demangle, what it is in the middle of can be
 * left: it has no memory but the stack. */
int __gcclibcxx_demangle_callback(const char *mangled,
                                  void (*piece)(const char *s, size_t len, void *opaque),
                                  void *opaque);

struct demangled {
    struct buf text;
    jmp_buf too_long;
};

static void add_piece(const char *s, size_t len, void *opaque)
{
    struct demangled *d = opaque;
    if (len > LONGEST - d->text.len)
        longjmp(d->too_long, 1);
    buf_add(&d->text, s, len);
}

/* Fills d->text, which is cleared before. */
static bool demangle(struct demangled *d, const char *name)
{
    buf_clear(&d->text);
    if (setjmp(d->too_long))
        return false;
    return __gcclibcxx_demangle_callback(name, add_piece, d) == 0;
}

void cov_demangle(struct coverage *c)
{
    struct demangled d = {.text = BUF_INIT};
    for (size_t i = 0; i < c->n_files; i++) {
        struct cov_file *f = c->files[i];
        for (size_t k = 0; k < f->n_functions && f->language != COV_PYTHON; k++) {
            struct cov_function *fn = &f->functions[k];
            const char *colon = strrchr(fn->name, ':'); /* clang: "file.cc:NAME" if it is static */
            const char *name = colon ? colon + 1 : fn->name;
            /* What does not begin so would be taken for the name of a type: "i" is int. */
            if (!fn->demangled && strncmp(name, "_Z", 2) == 0 && demangle(&d, name))
                fn->demangled = coverage_intern(c, buf_cstr(&d.text));
        }
    }
    buf_release(&d.text);
}

#else

void cov_demangle(struct coverage *c)
{
    (void)c;
}

#endif

const char *cov_shown_name(const struct cov_function *fn)
{
    return fn->demangled ? fn->demangled : fn->name;
}

const char *cov_shown_owner(const struct cov_file *f, const char *name, uint32_t line)
{
    size_t low = 0, high = f->n_functions; /* the first that starts behind the line */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (f->functions[middle].start_line <= line)
            low = middle + 1;
        else
            high = middle;
    }
    while (low-- > 0)
        if (strcmp(f->functions[low].name, name) == 0)
            return cov_shown_name(&f->functions[low]);
    return name;
}
