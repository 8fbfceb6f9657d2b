#include "timers.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"

struct timer {
    struct timer *next;
    int64_t due_mono_ms;
    void (*fn)(void *ctx);
    void *ctx;
};

struct timers {
    pthread_t thread;
    pthread_mutex_t lock;   /* guards the rest */
    pthread_cond_t changed; /* the first timer is another */
    struct timer *first;    /* soonest first */
};

/* The first timer that is due, taken off the list; NULL when none is. */
static struct timer *take_due(struct timers *t)
{
    struct timer *first = t->first;
    if (!first || first->due_mono_ms > clock_mono_ms())
        return NULL;
    t->first = first->next;
    return first;
}

static void wait_for_change(struct timers *t)
{
    if (t->first)
        cond_wait_until(&t->changed, &t->lock, t->first->due_mono_ms);
    else
        pthread_cond_wait(&t->changed, &t->lock);
}

static void *timers_main(void *arg)
{
    struct timers *t = arg;
    pthread_mutex_lock(&t->lock);
    for (;;) {
        struct timer *due = take_due(t);
        if (due) {
            pthread_mutex_unlock(&t->lock);
            due->fn(due->ctx);
            free(due);
            pthread_mutex_lock(&t->lock);
        } else {
            wait_for_change(t);
        }
    }
    return NULL;
}

struct timers *timers_new(void)
{
    struct timers *t = xcalloc(1, sizeof(*t));
    pthread_mutex_init(&t->lock, NULL);
    cond_init_mono(&t->changed);
    if (pthread_create(&t->thread, NULL, timers_main, t) != 0)
        abort();
    return t;
}

void timers_add(struct timers *t, int64_t delay_ms, void (*fn)(void *ctx), void *ctx)
{
    struct timer *timer = xmalloc(sizeof(*timer));
    *timer = (struct timer){ .due_mono_ms = clock_mono_ms() + delay_ms, .fn = fn, .ctx = ctx };
    pthread_mutex_lock(&t->lock);
    struct timer **at = &t->first;
    while (*at && (*at)->due_mono_ms <= timer->due_mono_ms)
        at = &(*at)->next;
    timer->next = *at;
    *at = timer;
    pthread_cond_signal(&t->changed);
    pthread_mutex_unlock(&t->lock);
}
