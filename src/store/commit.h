/* commit.h - what automark decides when it writes: dedupe, P2, caps, the course of a job.
 *
 * This is the contract's "P2 and P3, in commit order" as code. Every function runs in
 * the writer thread within an open transaction, and is the only place where its rule
 * lives; nothing here knows of SQL, threads or files. Errors are the engine's. */
#ifndef AUTOMARK_STORE_COMMIT_H
#define AUTOMARK_STORE_COMMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/caps.h"
#include "store/store_engine.h"

struct commit {
    struct engine *engine; /* borrowed */
    struct caps *caps;     /* borrowed; to be forgotten whenever work is undone */
    int64_t now_ms;        /* wall clock, the same for a whole transaction */
    bool jobs_changed;     /* set when there may be something new to send */
};

/* One event: the first rule that applies decides (duplicate, too old, kept memory, caps). */
int commit_submission(struct commit *c, const struct submission *s, struct receipt *r,
                      struct error *err);

/* Jobs go out and come back. A result for a job that is not being sent is passed over. */
int commit_claim(struct commit *c, const char *workspace, enum job_kind kind, int64_t part,
                 size_t max, int64_t due_ms, struct job_list *out, struct error *err);
int commit_result(struct commit *c, const struct job_result *r, int64_t settle_ms,
                  struct error *err);

/* Jobs that were being sent when the process died, at most max of them: outcome unknown. */
int commit_recover(struct commit *c, size_t max, bool *more, struct error *err);

/* A person's action on one job. */
enum change { CHANGE_NONE, CHANGE_MADE, CHANGE_KEPT /* cancelled: P2 */ };
int commit_change(struct commit *c, struct stored_job *j, enum job_action action,
                  const char *because, bool dry_run, enum change *what, struct error *err);
int commit_park(struct commit *c, struct stored_job *j, const char *why, struct error *err);

#endif
