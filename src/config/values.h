/* Values as people write them in options and ini files. Each function is true if all of the
 * text is one such value, which is stored then. */
#ifndef CONFIG_VALUES_H
#define CONFIG_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "2", "0.5", "1e-3": finite and not negative. */
bool value_seconds(const char *s, double *seconds);
/* "4096", "64K", "10m", "1G": bytes, the suffixes being powers of 1024. */
bool value_bytes(const char *s, size_t *bytes);
/* y, yes, t, true, on, 1 and n, no, f, false, off, 0 in upper or lower case, as pytest has it. */
bool value_bool(const char *s, bool *yes);
/* Something that can start the name of an environment variable. */
bool value_is_variable(const char *s);
/* auto, fork or spawn. */
bool value_is_worker_start(const char *s);

/* A limit of time for the tests that have a marker. */
struct marker_timeout {
    char *marker;
    double seconds; /* 0: none */
};
/* "slow: 300, unit: 5", parted by commas or line ends; adds them to *list, of *n, which is the
 * caller's. On failure some may have been added. */
bool value_timeouts(const char *s, struct marker_timeout **list, size_t *n);
void marker_timeouts_free(struct marker_timeout *list, size_t n);

/* How much memory has to be free. */
struct memory_floor {
    uint32_t share; /* ten-thousandths of all memory; 0: bytes say it */
    size_t bytes;   /* 0: there is no floor */
};
/* "10%", "12.5%", or bytes such as "2G"; 0 is no floor. */
bool value_memory_floor(const char *s, struct memory_floor *floor);

/* How often a test that fails runs again: a number from 0 to 200. */
bool value_reruns(const char *s, int *n);

#endif
