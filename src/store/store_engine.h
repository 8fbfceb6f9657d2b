/* store_engine.h - what the store asks of a database, and nothing of how it does it.
 *
 * An engine remembers and finds; it decides nothing: dedupe, P2, caps and the course of
 * a job are in commit.c, which is written against this file alone. SQLite implements it
 * (store_sqlite*.c); a second engine would turn these functions into a table.
 *
 * One thread at a time (the writer). All functions but open and close run inside
 * engine_begin() .. engine_commit(). Errors, by kind:
 *   ERR_INPUT  this one item cannot be stored; the transaction can go on
 *   ERR_AGAIN  the disk is full; the transaction is lost, the next one may succeed
 *   ERR_FATAL  I/O error or damage: the engine must not be used again, because a
 *              repeated fsync may report false success; only engine_close() is left. */
#ifndef AUTOMARK_STORE_STORE_ENGINE_H
#define AUTOMARK_STORE_STORE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/job.h"
#include "store/store.h"

struct engine;
struct error;

/* The file and its directory exist, and are ours alone (store_files.h). */
struct engine *engine_open(const char *path, struct error *err);
/* broken: touch the disk no more. NULL is fine. */
void engine_close(struct engine *e, bool broken);

/* ---- transactions ------------------------------------------------------------------- */

int engine_begin(struct engine *e, struct error *err);
int engine_commit(struct engine *e, struct error *err); /* durable when it returns 0 */
void engine_rollback(struct engine *e);
/* One item within a transaction: keep what was done since engine_item(), or undo it. */
int engine_item(struct engine *e, struct error *err);
int engine_item_keep(struct engine *e, struct error *err);
int engine_item_undo(struct engine *e, struct error *err);

/* Bytes of log not yet folded into the database, and folding it; outside transactions. */
int64_t engine_log_bytes(const struct engine *e);
int engine_fold_log(struct engine *e, bool shrink, struct error *err);

/* Running counts, right at any moment inside and outside of transactions. */
struct tally {
    size_t jobs[2][6]; /* [kind][state] */
    size_t decisions;
    size_t events; /* recorded ones */
    int64_t events_bytes;
};
const struct tally *engine_tally(const struct engine *e);

/* ---- the memory of replies ---------------------------------------------------------- */

struct reply {
    const char *workspace, *dedupe, *conversation;
    const char *message; /* NULL: none */
    const char *rule;    /* NULL: none */
    enum outcome outcome;
    bool kept, by_guard;
    int64_t received_at_ms, arrived_at_ms;
};

int engine_reply_known(struct engine *e, const char *workspace, const char *dedupe, bool *known,
                       struct error *err);
int engine_reply_add(struct engine *e, const struct reply *r, struct error *err);
/* Is there a kept reply of the conversation that arrived at or after since_ms? */
int engine_kept(struct engine *e, const char *workspace, const char *conversation, int64_t since_ms,
                bool *kept, struct error *err);
/* Did a guard keep this message? */
int engine_guarded(struct engine *e, const char *workspace, const char *message, bool *guarded,
                   struct error *err);
/* The conversations of the newest marks decided for this message, at most max. */
struct names {
    char **list;
    size_t count;
};
int engine_marked_in(struct engine *e, const char *workspace, const char *message, size_t max,
                     struct names *out, struct error *err);
void names_done(struct names *n);
/* Marks queued after since_ms, the oldest max of them; rule NULL: of all rules. */
int engine_marks(struct engine *e, const char *workspace, const char *rule, int64_t since_ms,
                 int64_t max, int64_t *count, int64_t *oldest_ms, struct error *err);

/* ---- jobs --------------------------------------------------------------------------- */

/* What a mark that is being sent owes once its call has ended. */
enum {
    OWED_CANCEL = 1, /* a kept reply came: never send it again */
    OWED_UNREAD = 2, /* another attempt may have reached: un-read whatever the answer */
    OWED_AGAIN = 4,  /* ... and that one's outcome is unknown: once more settle_ms later */
};

struct stored_job {
    struct job job;
    enum job_state was; /* the state that the engine has */
    bool again;         /* unread: the second one, `settle` after an unknown outcome */
    unsigned owed;
    int64_t settle_ms;  /* with owed */
    int64_t wait_ms;    /* due - now when due was set: see engine_clamp_due() */
    int64_t sent_at_ms; /* start of the last attempt */
    int64_t lost_at_ms; /* end of the last attempt whose outcome is unknown; 0: none */
};
struct stored_jobs {
    struct stored_job *list;
    size_t count;
};
void stored_job_done(struct stored_job *j);
void stored_jobs_done(struct stored_jobs *l);

/* Sets j->job.id. */
int engine_job_add(struct engine *e, struct stored_job *j, struct error *err);
/* Writes all that may change: not kind, workspace, conversation, rule, created_at. */
int engine_job_save(struct engine *e, struct stored_job *j, struct error *err);
/* *found is false when there is none. */
int engine_job_get(struct engine *e, int64_t id, struct stored_job *out, bool *found,
                   struct error *err);
/* Pending, sending and parked jobs of a conversation, of both kinds, oldest first. */
int engine_open_jobs(struct engine *e, const char *workspace, const char *conversation,
                     struct stored_jobs *out, struct error *err);
/* Of the conversation's marks: is one known done at or after done_since_ms? Is there one
 * that may have reached and is not known done, or an attempt lost since lost_since_ms? */
int engine_reached(struct engine *e, const char *workspace, const char *conversation,
                   int64_t done_since_ms, int64_t lost_since_ms, bool *done, bool *unknown,
                   struct error *err);
int engine_in_flight(struct engine *e, const char *workspace, const char *conversation, bool *yes,
                     struct error *err);
/* Due jobs whose conversation has no job in flight, oldest first; as store_claim(). */
int engine_due_jobs(struct engine *e, const char *workspace, enum job_kind kind, int64_t part,
                    size_t max, int64_t now_ms, struct stored_jobs *out, struct error *err);
/* Counts saturate at STORE_DUE_MAX. */
#define STORE_DUE_MAX 1000
int engine_due(struct engine *e, const char *workspace, int64_t now_ms, struct store_due *out,
               struct error *err);
int engine_next_part(struct engine *e, const char *workspace, int64_t now_ms, int64_t *part,
                     struct error *err);
/* Jobs that were being sent, ids above after_id. */
int engine_sending(struct engine *e, int64_t after_id, size_t max, struct stored_jobs *out,
                   struct error *err);
/* No pending job waits longer from now on than was meant when its due time was set:
 * repairs what a clock that was wrong left behind. */
int engine_clamp_due(struct engine *e, int64_t now_ms, struct error *err);
/* One bounded look: matching jobs of ids above *after_id, at most max; *after_id becomes
 * the last id looked at, *end says that there are no more. */
int engine_jobs(struct engine *e, const struct job_filter *f, size_t max, int64_t *after_id,
                bool *end, struct stored_jobs *out, struct error *err);
/* Due time of the oldest unread job that is not finished; 0: none. */
int engine_oldest_unread(struct engine *e, int64_t *due_at_ms, struct error *err);

/* ---- the rest ----------------------------------------------------------------------- */

/* The event as it came, what became of it (r) and when it was received for our purposes. */
int engine_decision_add(struct engine *e, const struct submission *s, const struct receipt *r,
                        int64_t received_at_ms, int64_t *id, struct error *err);
/* Newest first, ids below before_id (0: from the newest). */
int engine_decisions(struct engine *e, const char *workspace, const char *conversation,
                     int64_t before_id, size_t max, struct decision_list *out, struct error *err);
/* Recorded events; the oldest max go with engine_events_drop(). */
int engine_event_add(struct engine *e, const struct recorded_event *ev, struct error *err);
/* Is the same record of the same time there already? */
int engine_event_known(struct engine *e, const struct recorded_event *ev, bool *known,
                       struct error *err);
int engine_events(struct engine *e, const struct event_filter *f, int64_t after_id, size_t max,
                  size_t bytes_max, struct recorded_events *out, struct error *err);
int engine_events_drop(struct engine *e, int max, struct error *err);
/* Forgets at most max rows of each kind that are older; *gone says how many went. */
struct horizon {
    int64_t replies_ms, jobs_ms, decisions_ms;
    int64_t events_ms; /* recorded events that were kept until before this */
};
int engine_forget(struct engine *e, const struct horizon *before, int max, int *gone,
                  struct error *err);
/* 1, 2, 3 ..., never twice, also across restarts. */
int engine_next_number(struct engine *e, const char *name, int64_t *number, struct error *err);
int engine_rules_save(struct engine *e, const char *workspace, const char *version,
                      const char *blob, size_t len, int64_t now_ms, struct error *err);
int engine_rules_load(struct engine *e, const char *workspace, char **blob, size_t *len,
                      struct error *err);

#endif
