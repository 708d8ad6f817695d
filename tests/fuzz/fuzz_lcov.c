/* Exercises the reader of LCOV tracefiles; what it takes is written in every format and read again. */
#include "coverage.h"
#include "support.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_coverage_reader(lcov_read, data, size);
    return 0;
}
