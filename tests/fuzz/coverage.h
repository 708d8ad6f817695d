/* What the targets that read coverage share. */
#ifndef FUZZ_COVERAGE_H
#define FUZZ_COVERAGE_H

#include "coverage/model.h"
#include "coverage/read.h"

/* Lets a reader of reports read data; on success checks the model, writes it in every format and
 * checks that what is written can be read. */
void fuzz_coverage_reader(bool (*read)(struct coverage *c, const char *path, const char *data,
                                       size_t len, struct error *err),
                          const uint8_t *data, size_t size);
/* Checks that a finished model is in order, and that its sums fit together. */
void fuzz_check_coverage(const struct coverage *c);

#endif
