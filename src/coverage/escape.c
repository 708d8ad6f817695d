#include "coverage/escape.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

void cov_put_xml(FILE *out, const char *s)
{
    size_t len = strlen(s), n;
    int32_t cp;
    for (; len; s += n, len -= n) {
        n = text_char(s, len, &cp);
        if (cp == '&')
            fputs("&amp;", out);
        else if (cp == '<')
            fputs("&lt;", out);
        else if (cp == '>')
            fputs("&gt;", out);
        else if (cp == '"')
            fputs("&quot;", out);
        else if (cp < 32 || cp == 127 || cp == 0xfffe || cp == 0xffff)
            for (size_t i = 0; i < n; i++)
                fprintf(out, "\\x%02x", (unsigned char)s[i]);
        else
            fwrite(s, 1, n, out);
    }
}

/* How many bytes from s on mean nothing to JSON; of names nearly all. */
static size_t plain_run(const char *s)
{
    size_t n = 0;
    while (s[n] >= 32 && s[n] < 127 && s[n] != '"' && s[n] != '\\')
        n++;
    return n;
}

void cov_put_json(FILE *out, const char *s)
{
    size_t len = strlen(s), n;
    int32_t cp;
    putc('"', out);
    for (; len; s += n, len -= n) {
        n = plain_run(s);
        if (n) {
            fwrite(s, 1, n, out);
            continue;
        }
        n = text_char(s, len, &cp);
        if (cp == '"' || cp == '\\')
            fprintf(out, "\\%c", cp);
        else if (cp < 0)
            fprintf(out, "\\\\x%02x", (unsigned char)*s);
        else if (cp < 32 || cp == 127)
            fprintf(out, "\\u%04x", (unsigned)cp);
        else
            fwrite(s, 1, n, out);
    }
    putc('"', out);
}

void cov_put_number(FILE *out, double v)
{
    char text[32];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    fputs(text, out);
    if (!strpbrk(text, ".en"))
        fputs(".0", out);
}
