#include "coverage/read.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"

static const struct cov_format formats[] = {
    {"an LCOV tracefile", lcov_claims, lcov_read, false},
    {"Cobertura XML", cobertura_claims, cobertura_read, false},
    {"JSON of coverage.py", cov_json_claims, cov_json_read, false},
};
enum { N_FORMATS = sizeof formats / sizeof *formats };

enum cov_language cov_language_of(const char *name)
{
    static const char *const python[] = {".py", ".pyw", ".pyx", ".pyi"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof python / sizeof *python; i++)
        if (strcmp(dot, python[i]) == 0)
            return COV_PYTHON;
    return COV_NATIVE;
}

/* The format of the file, or NULL and err. */
static const struct cov_format *choose(const char *path, struct error *err)
{
    char head[COV_HEAD];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof head);
    if (n < 0) {
        error_errno(err, EXIT_USAGE, "%s", path);
        error_advise(err, "name a file or a folder that is there");
    }
    if (fd >= 0)
        close(fd);
    if (n < 0)
        return NULL;
    for (size_t i = 0; i < N_FORMATS; i++)
        if (formats[i].claims(head, (size_t)n))
            return &formats[i];
    struct buf known = BUF_INIT;
    for (size_t i = 0; i < N_FORMATS; i++)
        buf_addf(&known, "%s%s", i == 0 ? "" : i + 1 < N_FORMATS ? ", " : " or ", formats[i].name);
    error_set(err, EXIT_USAGE, "%s: no coverage data that is known; give a folder with .gcda files, %s",
              path, known.data);
    buf_release(&known);
    return NULL;
}

bool coverage_read_file(struct coverage *c, const char *path, struct error *err)
{
    const struct cov_format *format = choose(path, err);
    struct buf data = BUF_INIT;
    if (!format || (!format->opens && !file_read(path, &data, err)))
        return false;
    struct coverage whole;
    coverage_init(&whole);
    bool ok = format->read(&whole, path, format->opens ? NULL : buf_cstr(&data), data.len, err);
    if (ok)
        coverage_merge(c, &whole);
    else if (err->code == EXIT_USAGE)
        error_advise(err, "write the report again");
    coverage_release(&whole);
    buf_release(&data);
    return ok;
}
