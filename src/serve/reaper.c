#include "serve/reaper.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"

#define TICK_MS 250
#define NO_DEADLINE INT64_MAX

struct reaper {
    pthread_t thread;
    pthread_cond_t changed;
    pthread_mutex_t lock; /* guards all below */
    bool stop;
    int64_t *deadline; /* monotonic ms by descriptor; 0: not ours */
    int count;         /* length of deadline */
};

static void *reaper_main(void *arg)
{
    struct reaper *r = arg;
    pthread_mutex_lock(&r->lock);
    while (!r->stop) {
        const int64_t now = clock_mono_ms();
        for (int fd = 0; fd < r->count; fd++) {
            if (r->deadline[fd] == 0 || r->deadline[fd] > now)
                continue;
            shutdown(fd, SHUT_RDWR);
            r->deadline[fd] = NO_DEADLINE;
        }
        cond_wait_until(&r->changed, &r->lock, now + TICK_MS);
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

struct reaper *reaper_new(struct error *err)
{
    struct reaper *r = xcalloc(1, sizeof(*r));
    pthread_mutex_init(&r->lock, NULL);
    cond_init_mono(&r->changed);
    const int rc = pthread_create(&r->thread, NULL, reaper_main, r);
    if (rc == 0)
        return r;
    error_sys(err, rc, "starting the reaper thread");
    free(r);
    return NULL;
}

void reaper_free(struct reaper *r)
{
    if (!r)
        return;
    pthread_mutex_lock(&r->lock);
    r->stop = true;
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->thread, NULL);
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
    free(r->deadline);
    free(r);
}

static void make_room(struct reaper *r, int fd)
{
    if (fd < r->count)
        return;
    const int count = fd + 64;
    r->deadline = xreallocarray(r->deadline, (size_t)count, sizeof(*r->deadline));
    for (int i = r->count; i < count; i++)
        r->deadline[i] = 0;
    r->count = count;
}

void reaper_set(struct reaper *r, int fd, int64_t in_ms)
{
    if (fd < 0)
        return;
    pthread_mutex_lock(&r->lock);
    make_room(r, fd);
    r->deadline[fd] = in_ms < 0 ? NO_DEADLINE : clock_mono_ms() + in_ms;
    pthread_mutex_unlock(&r->lock);
}

void reaper_forget(struct reaper *r, int fd)
{
    pthread_mutex_lock(&r->lock);
    if (fd >= 0 && fd < r->count)
        r->deadline[fd] = 0;
    pthread_mutex_unlock(&r->lock);
}
