/* Names and texts of unknown origin in the formats of reports. */
#ifndef COVERAGE_ESCAPE_H
#define COVERAGE_ESCAPE_H

#include <stdio.h>

/* Writes s so that it may stand in an XML attribute or element: & < > " as entities; what XML cannot
 * hold (control characters, invalid bytes) as \xNN. */
void cov_put_xml(FILE *out, const char *s);
/* Writes s as a JSON string with its quotes; invalid bytes as \xNN. */
void cov_put_json(FILE *out, const char *s);
/* Writes the shortest decimal that reads back as v, as Python does: "75.0", "33.333333333333336". */
void cov_put_number(FILE *out, double v);

#endif
