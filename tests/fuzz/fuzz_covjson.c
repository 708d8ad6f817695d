/* Exercises the reader of the JSON of coverage.py; what it takes is written in every format and read again. */
#include "coverage.h"
#include "support.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_coverage_reader(cov_json_read, data, size);
    return 0;
}
