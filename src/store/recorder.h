/* recorder.h - puts the fields of events into the store when nothing else wants the writer.
 *
 * What waits is bounded in bytes: beyond that events are not recorded, and counted. The
 * writer's own; a slice takes about 5 ms and a commit. A record that is lost is a loss for
 * tools only, so nothing waits for it. */
#ifndef AUTOMARK_STORE_RECORDER_H
#define AUTOMARK_STORE_RECORDER_H

#include "store/store_engine.h"
#include "store/upkeep.h"

#define RECORDER_BYTES_MAX ((size_t)8 << 20) /* that wait, all told */

struct recording; /* one event, on its way */

/* Copies what s says; NULL when it says nothing. */
struct recording *recording_new(const struct submission *s);
void recording_free(struct recording *r);
size_t recording_bytes(const struct recording *r);

struct recorder {
    struct engine *engine; /* borrowed */
    int64_t rows_max, bytes_max;
    struct recording *first, **end;
    int64_t slice_mono_ms; /* end of the last slice */
    size_t bytes_done;     /* of what left the queue since the owner looked */
    size_t lost;           /* ... and events among it that were not stored */
};

/* Bounds of 0 are the defaults. */
void recorder_init(struct recorder *r, struct engine *e, int64_t rows_max, int64_t bytes_max,
                   const struct store_files *files);
void recorder_done(struct recorder *r);
/* Takes over rec. */
void recorder_add(struct recorder *r, struct recording *rec);
/* One slice, when idle or long enough after the last one; last: all that waits. */
void recorder_between(struct recorder *r, struct upkeep *u, bool idle, bool last);
/* Stores within the bounds, in the open transaction. */
int recorder_store(const struct recorder *r, const struct recorded_event *ev, struct error *err);
/* Monotonic time of the next slice, or later_ms. */
int64_t recorder_wake_at(const struct recorder *r, int64_t later_ms);

#endif
