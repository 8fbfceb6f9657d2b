/* clock.h - wall time for people and records, monotonic time for intervals.
 *
 * Code that decides takes its time as a parameter; only threads' main loops ask
 * these functions. Units are milliseconds throughout. Thread-safe. */
#ifndef AUTOMARK_BASE_CLOCK_H
#define AUTOMARK_BASE_CLOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

int64_t clock_wall_ms(void);
int64_t clock_mono_ms(void);

/* RFC 3339 in UTC with milliseconds: 2026-08-01T12:00:00.000Z. Always ends with NUL. */
#define CLOCK_TEXT 32
void clock_format(int64_t at_ms, char out[CLOCK_TEXT]);

/* RFC 3339 with a zone (Z or +hh:mm; lower case and a blank for T accepted), or
 * a bare date YYYY-MM-DD, which is its first instant in UTC. false when it is neither. */
bool clock_parse(const char *s, int64_t *at_ms);

/* 500ms, 30s, 5m, 2h, 7d; a bare 0 too. At most 3650d. false when malformed. */
bool duration_parse(const char *s, int64_t *ms);

/* A condition on CLOCK_MONOTONIC, and a wait until that clock's mono_ms.
 * Returns 0, or ETIMEDOUT; wakes early at will, as conditions do. */
void cond_init_mono(pthread_cond_t *cond);
int cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t mono_ms);

#endif
