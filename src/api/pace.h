/* pace.h - how fast one API key may be used: calls at once, rate limits, 429. Pure.
 *
 * One struct pace serves all workspaces that share a key. The names of SendKit's
 * rate-limit headers are not documented, so the common ones are all understood:
 * RateLimit-Limit/-Remaining/-Reset and RateLimit (both shapes of the IETF drafts
 * draft-ietf-httpapi-ratelimit-headers), X-RateLimit-Limit/-Remaining/-Reset. Reset is
 * seconds to go, or a Unix time in seconds or milliseconds. Waits end within an hour. */
#ifndef AUTOMARK_API_PACE_H
#define AUTOMARK_API_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* What one answer's headers say; -1 where they say nothing. */
struct pace_hints {
    int64_t limit;
    int64_t remaining;
    int64_t reset_ms; /* from the answer on */
};

#define PACE_HINTS_INIT                                                                            \
    {                                                                                              \
        .limit = -1, .remaining = -1, .reset_ms = -1                                               \
    }

/* Takes one header line into account; other headers and nonsense change nothing. */
void pace_hint(struct pace_hints *h, const char *name, const char *value, int64_t now_wall_ms);

struct pace {
    unsigned max_in_flight; /* at least 1 */
    unsigned in_flight;
    int64_t left;          /* calls left until reset_mono_ms; -1: not known */
    int64_t reset_mono_ms; /* when left is void */
    int64_t until_mono_ms; /* 429: nothing before this */
    unsigned strikes;      /* 429 in a row */
};

void pace_init(struct pace *p, unsigned max_in_flight);
/* When the next call may start: now_mono_ms or before it means at once; INT64_MAX means
 * not before a call ends. */
int64_t pace_ready_mono_ms(const struct pace *p, int64_t now_mono_ms);
void pace_sent(struct pace *p);
/* A call ended. retry_after_ms is -1 when a 429 did not say; limited: it was a 429. */
void pace_answered(struct pace *p, const struct pace_hints *h, bool limited, int64_t retry_after_ms,
                   int64_t now_mono_ms, uint64_t *seed);

#endif
