/* A strict look at an XML document as our writers make them: no DTD, comments or CDATA. */
#ifndef FUZZ_XMLCHECK_H
#define FUZZ_XMLCHECK_H

#include <stddef.h>

/* Aborts unless text is well-formed XML 1.0 in UTF-8. Returns how many elements of that name
 * there are. */
size_t xml_check(const char *text, size_t len, const char *count);

#endif
