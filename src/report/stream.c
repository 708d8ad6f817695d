#include "report/stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { FLOW_SIZE = 64 * 1024 };

bool stream_open(struct stream *s, const char *path, struct error *err)
{
    buf_init(&s->b);
    s->errnum = 0;
    char *dir = path_dirname(path);
    bool ok = file_mkdirs(dir, err) && outfile_open(&s->file, path, err);
    free(dir);
    return ok;
}

static void drain(struct stream *s)
{
    if (s->b.len && !s->errnum && fwrite(s->b.data, 1, s->b.len, s->file.f) != s->b.len)
        s->errnum = errno ? errno : EIO;
    buf_clear(&s->b);
}

void stream_flow(struct stream *s)
{
    if (s->b.len >= FLOW_SIZE)
        drain(s);
}

bool stream_close(struct stream *s, struct error *err)
{
    drain(s);
    buf_release(&s->b);
    if (!s->errnum)
        return outfile_commit(&s->file, err);
    errno = s->errnum;
    error_errno(err, EXIT_INTERNAL, "%s: cannot be written", s->file.path);
    outfile_drop(&s->file);
    return false;
}
