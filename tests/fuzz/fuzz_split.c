/* Exercises config_split, the shell-like splitter of addopts and testpaths. Words that are
 * quoted and split again stay the same; a failure leaves the vector as it was. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "support.h"

/* Quotes as a shell wants it: a single quote inside as '"'"'. */
static void quote(struct buf *b, const char *word)
{
    buf_addc(b, '\'');
    for (; *word; word++) {
        if (*word == '\'')
            buf_adds(b, "'\"'\"'");
        else
            buf_addc(b, *word);
    }
    buf_adds(b, "' ");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = xmemdup0(data, size);
    struct strv words = STRV_INIT, again = STRV_INIT;
    struct error err = ERROR_INIT;
    strv_push(&words, "before");
    bool ok = config_split(text, "pytest.ini: addopts", &words, &err);
    fuzz_check_error(&err, ok, 1);
    CHECK(words.n >= 1 && strcmp(words.v[0], "before") == 0 && !words.v[words.n]);
    CHECK(ok || words.n == 1);
    struct buf b = BUF_INIT;
    size_t total = 0;
    for (size_t i = 0; i < words.n; i++) {
        quote(&b, words.v[i]);
        total += i ? strlen(words.v[i]) : 0;
    }
    CHECK(total <= strlen(text));
    CHECK(config_split(buf_cstr(&b), "again", &again, &err));
    CHECK(again.n == words.n);
    for (size_t i = 0; i < words.n; i++)
        CHECK(strcmp(words.v[i], again.v[i]) == 0);
    buf_release(&b);
    strv_release(&words);
    strv_release(&again);
    free(text);
    return 0;
}
