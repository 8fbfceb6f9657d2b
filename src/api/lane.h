/* lane.h - what a workspace sends next, and what an answer means for each job. Pure.
 *
 * A lane is asked lane_next() whenever a call could start, and told lane_answer() when
 * one ended. It touches neither store, network nor clock: what the store holds, the
 * time and part numbers are given to it, so that whole outages can be simulated.
 *
 * Its two laws: a bad job never blocks the others, and a bad service never condemns a
 * good job. It tells them apart by whether other jobs succeed:
 *
 *   answer     several jobs                     one job
 *   refused    split in halves, each a part     asked twice, with a success of another id
 *              of its own, depth first          since its first refusal: failed. Else put
 *                                               aside: others are tried, one by one;
 *                                               none or three refused too: stop
 *   again      back off; from the third on      back off; if others succeeded since it
 *              smaller batches; if others       last failed, the job alone backs off,
 *              succeeded since a job of it      burns an attempt, and fails in the end
 *              first failed: split at once
 *   stop       stop
 *   limited    wait as told (pace.h)
 *
 * Stopped, nothing is lost: every job stays pending. The key is probed after 5, 10, 20,
 * 40, 60, 60 ... s; unless the probe says that the key is refused or the service down,
 * one job is tried, and its success ends the stop. Unread jobs are never failed, come
 * before all marks, and keep a back-off of their own.
 *
 * Used from one thread. Times are milliseconds. */
#ifndef AUTOMARK_API_LANE_H
#define AUTOMARK_API_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/batch.h"
#include "store/job.h"
#include "store/store.h" /* struct job_result: what an answer comes down to */

struct lane;

struct lane_config {
    size_t batch;       /* marks per call, at least 1 */
    int64_t give_up_ms; /* 0: never */
    uint64_t seed;      /* of jitter */
};

/* Wall time for what the store keeps, monotonic time for waits. */
struct lane_time {
    int64_t wall_ms;
    int64_t mono_ms;
};

/* What the store has for this lane; see store_due() and store_next_part(). */
struct lane_view {
    size_t unread;          /* due now */
    size_t read;            /* due now, with or without a part */
    int64_t part;           /* smallest part with due marks; 0: none */
    int64_t next_due_at_ms; /* earliest pending job; 0: none */
    bool no_loose;          /* a claim of marks without a part came back empty */
    bool no_reads;          /* marks may not be sent (paused) */
};

enum lane_what { LANE_WAIT, LANE_SEND, LANE_PROBE };

struct lane_step {
    enum lane_what what;
    int64_t until_mono_ms; /* LANE_WAIT: ask again then, or when the store has news; INT64_MAX:
                              when the call in flight ends or the store has news */
    enum job_kind kind;    /* LANE_SEND: claim this... */
    int64_t part;          /* ...of this part... */
    size_t max;            /* ...so many at most... */
    int64_t claim_at_ms;   /* ...due at this time */
};

/* A number for a new part, never used before; 0 when there is none to be had. */
struct lane_parts {
    int64_t (*next)(void *ctx);
    void *ctx;
};

struct lane *lane_new(const struct lane_config *cfg);
void lane_free(struct lane *l);

/* When a look at the store is worth the trouble: now or earlier means now; INT64_MAX means
 * when a call ends. */
int64_t lane_look_mono_ms(const struct lane *l, struct lane_time now);
struct lane_step lane_next(struct lane *l, const struct lane_view *view, struct lane_time now);
/* The claim of a step gave no job. view is corrected so that lane_next() can be asked
 * again. */
void lane_nothing(struct lane *l, const struct lane_step *step, struct lane_view *view);
/* A call with so many claimed jobs, or the probe, is on its way. */
void lane_sent(struct lane *l, const struct lane_step *step, size_t count);
/* The call ended. Writes one result per job; their notes point into a. */
void lane_answer(struct lane *l, const struct lane_step *step, const struct job *jobs, size_t count,
                 const struct answer *a, struct lane_time now, const struct lane_parts *parts,
                 struct job_result *results);
void lane_probed(struct lane *l, const struct answer *a, struct lane_time now);
/* Keys were reloaded, or somebody says so: try at once. */
void lane_resume(struct lane *l);

enum lane_state { LANE_RUNNING, LANE_BACKING_OFF, LANE_STOPPED };
struct lane_status {
    enum lane_state state;
    int64_t until_mono_ms;      /* backing off: the next try; stopped: the next probe */
    int64_t last_success_at_ms; /* wall; 0: none since start */
    unsigned failures;          /* calls in a row without success */
    char words[ANSWER_WORDS];   /* of the last trouble; "" when running */
};
void lane_status(const struct lane *l, struct lane_time now, struct lane_status *out);

#endif
