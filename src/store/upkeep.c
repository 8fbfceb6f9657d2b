#include "store/upkeep.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/error.h"

#define LOOK_AT_DISK_MS 1000
#define FOLD_IDLE_MS 1000
#define FOLD_BYTES (INT64_C(4) << 20) /* of log; at most 1/32 of the disk */
#define SHRINK_BYTES (INT64_C(64) << 20)
#define FORGET_EVERY_MS (INT64_C(600) * 1000)
#define FORGET_SLICE_MS 5 /* leaves time for the commit: 10 ms in all */
#define FORGET_ROWS 20
#define IDLE_MS 60000
#define FOREVER_MS (INT64_C(24) * 3600 * 1000)

void upkeep_init(struct upkeep *u, struct engine *e, const struct store_files *files,
                 int64_t retention_ms, int64_t (*wall_ms)(void))
{
    const int64_t share = store_files_disk_bytes(files) / 32;
    *u = (struct upkeep){
        .engine = e,
        .files = *files,
        .retention_ms = retention_ms,
        .wall_ms = wall_ms,
        .fold_bytes = share > 0 && share < FOLD_BYTES ? share : FOLD_BYTES,
        .looked_mono_ms = clock_mono_ms() - LOOK_AT_DISK_MS,
    };
}

/* ---- trouble ------------------------------------------------------------------------ */

static void say(struct upkeep *u, const char *words)
{
    snprintf(u->words, sizeof(u->words), "%.250s", words);
}

void upkeep_trouble(struct upkeep *u, const struct error *why)
{
    say(u, why->msg);
    if (why->kind == ERR_AGAIN) {
        u->low = true;
        store_files_drop_ballast(&u->files);
        return;
    }
    u->broken = true;
}

void upkeep_look(struct upkeep *u)
{
    const int64_t mono_ms = clock_mono_ms();
    if (u->broken || mono_ms - u->looked_mono_ms < LOOK_AT_DISK_MS)
        return;
    const bool was = u->low;
    u->looked_mono_ms = mono_ms;
    u->low = store_files_low(&u->files);
    if (u->low && !was)
        say(u, "the store's disk is nearly full");
    else if (!u->low && was)
        say(u, "");
}

/* ---- the log ------------------------------------------------------------------------ */

void upkeep_worked(struct upkeep *u)
{
    u->worked_mono_ms = clock_mono_ms();
}

void upkeep_fold(struct upkeep *u, bool shrink)
{
    struct error why = ERROR_INIT;
    if (engine_fold_log(u->engine, shrink, &why) < 0)
        upkeep_trouble(u, &why);
}

static void fold_when_due(struct upkeep *u, bool idle)
{
    const int64_t bytes = engine_log_bytes(u->engine);
    const bool rested = idle && clock_mono_ms() - u->worked_mono_ms >= FOLD_IDLE_MS;
    if (bytes > u->fold_bytes || (bytes > 0 && rested))
        upkeep_fold(u, bytes > SHRINK_BYTES);
}

/* ---- forgetting --------------------------------------------------------------------- */

/* The memory is what dedupe and P2 stand on: no retention shortens it. Finished jobs
 * belong to it, since they say what may have been marked. */
static struct horizon horizon(const struct upkeep *u)
{
    const int64_t now_ms = u->wall_ms();
    const int64_t memory = u->retention_ms > STORE_MEMORY_MS ? u->retention_ms : STORE_MEMORY_MS;
    return (struct horizon){
        .replies_ms = now_ms - (memory > STORE_DEDUPE_MS ? memory : STORE_DEDUPE_MS),
        .jobs_ms = now_ms - memory,
        .decisions_ms = now_ms - u->retention_ms,
        .events_ms = now_ms,
    };
}

static int forget_rows(struct upkeep *u, bool *more, struct error *err)
{
    const struct horizon before = horizon(u);
    const int64_t until_ms = clock_mono_ms() + FORGET_SLICE_MS;
    int gone;
    do {
        if (engine_forget(u->engine, &before, FORGET_ROWS, &gone, err) < 0)
            return -1;
    } while (gone > 0 && clock_mono_ms() < until_ms);
    *more = gone > 0;
    return 0;
}

static void forget_when_due(struct upkeep *u)
{
    struct error why = ERROR_INIT;
    bool more = false;
    const int64_t mono_ms = clock_mono_ms();
    if (mono_ms < u->forget_mono_ms)
        return;
    u->forget_mono_ms = mono_ms + FORGET_EVERY_MS;
    if (engine_begin(u->engine, &why) < 0 || forget_rows(u, &more, &why) < 0 ||
        engine_commit(u->engine, &why) < 0) {
        engine_rollback(u->engine);
        upkeep_trouble(u, &why);
        return;
    }
    if (more)
        u->forget_mono_ms = mono_ms;
}

/* ---- when --------------------------------------------------------------------------- */

void upkeep_between(struct upkeep *u, bool idle)
{
    upkeep_look(u);
    if (!u->broken)
        fold_when_due(u, idle);
    if (!u->broken)
        forget_when_due(u);
}

int64_t upkeep_wake_at(const struct upkeep *u)
{
    const int64_t mono_ms = clock_mono_ms();
    if (u->broken)
        return mono_ms + FOREVER_MS;
    int64_t at_ms = mono_ms + IDLE_MS;
    if (u->low)
        at_ms = mono_ms + LOOK_AT_DISK_MS;
    else if (engine_log_bytes(u->engine) > 0)
        at_ms = mono_ms + FOLD_IDLE_MS;
    return u->forget_mono_ms < at_ms ? u->forget_mono_ms : at_ms;
}
