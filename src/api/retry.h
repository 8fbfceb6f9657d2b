/* retry.h - how long to wait before the next attempt. Pure.
 *
 * Randomness comes from a seed that the caller keeps, so that a simulation can be
 * run again. Everything is in milliseconds. */
#ifndef AUTOMARK_API_RETRY_H
#define AUTOMARK_API_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#define RETRY_BASE_MS INT64_C(1000)
#define RETRY_CAP_MS INT64_C(300000)
#define RETRY_AFTER_MIN_MS INT64_C(1000)
#define RETRY_AFTER_MAX_MS INT64_C(3600000)

/* The next number of the sequence that *seed stands in (splitmix64). Not for secrets. */
uint64_t retry_random(uint64_t *seed);
/* Evenly between 0 and most. */
int64_t retry_jitter_ms(int64_t most, uint64_t *seed);

/* The longest wait after that many failures in a row (from 1): 1 s, 2 s, 4 s ... 5 min. */
int64_t retry_ceiling_ms(unsigned failures);
/* Full jitter (AWS Architecture, "Exponential Backoff And Jitter"): anywhere between
 * nearly nothing and the ceiling, so that many clients do not come back as one. */
int64_t retry_delay_ms(unsigned failures, uint64_t *seed);
/* What that many attempts have waited, on average. Attempts are only counted while other
 * jobs succeed, so this is the time that counts towards give_up, and needs no record
 * beside the number of attempts. */
int64_t retry_spent_ms(unsigned attempts);

/* Retry-After (RFC 9110 10.2.3): seconds, or a date in any of the three forms that a
 * recipient must accept. The wait is clamped to 1 s .. 1 h. false when it is neither. */
bool retry_after_parse(const char *value, int64_t now_wall_ms, int64_t *wait_ms);

#endif
