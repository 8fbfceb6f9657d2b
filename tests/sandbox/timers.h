/* timers.h - one thread that calls functions later.
 *
 * Latency is made with it, so that a slow answer blocks no thread. Functions run
 * on the timers' thread without its lock held and must be quick. */
#ifndef SANDBOX_TIMERS_H
#define SANDBOX_TIMERS_H

#include <stdint.h>

struct timers;

struct timers *timers_new(void);
/* Any thread. */
void timers_add(struct timers *t, int64_t delay_ms, void (*fn)(void *ctx), void *ctx);

#endif
