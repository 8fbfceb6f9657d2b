/* store.h - what is kept: decisions, the memory of replies, jobs. One writer thread.
 *
 * The writer thread alone touches the engine and alone applies dedupe and P2, in
 * commit order: whatever waits when it looks goes into one transaction (group commit),
 * and nobody hears of an outcome before the transaction that holds it is on disk.
 * Every function may be called from any thread; those marked "waits" block until
 * their transaction is committed, and are not for listener threads.
 *
 * An engine (SQLite here) sits behind store_engine.h; nothing of it shows in this file.
 * After an I/O error of the engine the store is broken for good: everything fails with
 * ERR_FATAL, and serve ends the process, because retrying a failed fsync may report
 * false success. Disk full is not that: submissions get ERR_AGAIN, jobs go on draining. */
#ifndef AUTOMARK_STORE_STORE_H
#define AUTOMARK_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/job.h"

struct error;
struct store;

#define STORE_MEMORY_MS (INT64_C(30) * 86400 * 1000)  /* of kept replies, at least */
#define STORE_DEDUPE_MS (INT64_C(400) * 86400 * 1000) /* of what was decided before */
#define STORE_ANY_AGE_MS (INT64_C(1) << 60)           /* no event is too old */

struct store_config {
    const char *url;          /* sqlite:/var/lib/automark/automark.db */
    int64_t retention_ms;     /* of decisions; finished jobs stay STORE_MEMORY_MS at least */
    size_t waiting_max;       /* submissions that may wait; more get ERR_AGAIN; 0: 4096 */
    bool must_exist;          /* a store that is not there is an error, and none is made */
    int64_t events_rows_max;  /* recorded events kept at most; 0: 200000 */
    int64_t events_bytes_max; /* ... and bytes of them; 0: 512 MiB or 1/8 of a small disk */
    int64_t ballast_bytes;    /* -1: the default, 32 MiB or 1/8 of a small disk; 0: none */
    int64_t (*wall_ms)(void); /* NULL: clock_wall_ms; tests set their own */
};

/* Locks, opens, migrates, recovers (jobs that were being sent: outcome unknown), starts
 * the writer. NULL with err: a second owner is "... is in use by automark with pid N". */
struct store *store_open(const struct store_config *cfg, struct error *err);
/* Commits what waits, joins the writer, closes. NULL is fine. */
void store_close(struct store *st);

/* ---- events ------------------------------------------------------------------------- */

enum decision {
    DECISION_MARK,   /* a live mark rule won, workspace live */
    DECISION_SHADOW, /* would mark, but rule or workspace is in shadow: kept */
    DECISION_KEEP,   /* guard, keep, undecided, nothing matched */
};

/* One decided event. Strings are borrowed until store_submit() returns; NULL is fine
 * where said. */
struct submission {
    const char *workspace;
    const char *conversation;
    const char *message; /* may be NULL */
    const char *event;
    const char *dedupe;     /* hex SHA-256 */
    const char *from;       /* may be NULL */
    const char *subject;    /* may be NULL */
    int64_t received_at_ms; /* 0: missing; a time in the future counts as arrival */
    int64_t age_max_ms;     /* older by received_at: kept as too-old; 0: STORE_MEMORY_MS */
    int64_t arrived_at_ms;
    enum decision decision;
    bool by_guard;      /* DECISION_KEEP: a guard matched or could not tell */
    const char *rule;   /* may be NULL */
    const char *reason; /* one word or so: guard, keep, undecided, no-match, shadow */
    const char *detail; /* JSON: file, line, field, words, ruleset version, near miss; NULL */
    bool park;          /* workspace paused: the job is parked */
    int64_t hold_ms;
    int64_t settle_ms;
    int64_t rule_cap;      /* marks per sliding hour of this rule in this workspace; 0: none */
    int64_t workspace_cap; /* the same of all rules; 0: none */
    const char *record;    /* the event's fields (event_record.h), kept when there is time and
                            * room and the event is no duplicate; NULL: not kept */
    int64_t record_ms;     /* how long from arrival on */
};

enum outcome { OUTCOME_QUEUED, OUTCOME_PARKED, OUTCOME_KEPT, OUTCOME_SHADOW, OUTCOME_DUPLICATE };

struct receipt {
    enum outcome outcome;
    char
        reason[64]; /* no-match, guard, kept-reply, too-old, rule-cap, workspace-cap, paused, ... */
    int64_t decision; /* id of the decision record */
    int64_t job;      /* 0: none */
    size_t cancelled; /* marks that this kept reply cancelled */
    size_t unread;    /* unread jobs that it caused */
};

/* Called once from the writer thread, after the commit; err is NULL on success. Must
 * not block and not call the store. */
typedef void (*store_answer_fn)(void *ctx, const struct receipt *r, const struct error *err);

/* Waits for nothing. -1 with ERR_AGAIN (too many waiting, disk nearly full) or
 * ERR_FATAL: then fn is not called. */
int store_submit(struct store *st, const struct submission *s, store_answer_fn fn, void *ctx,
                 struct error *err);

/* ---- jobs, for the sender ----------------------------------------------------------- */

/* Called from the writer thread after a commit that made or changed jobs. Set before
 * the first submission. Must not block. */
void store_on_jobs(struct store *st, void (*fn)(void *ctx), void *ctx);

struct store_due {
    size_t unread, read;             /* due now and not held up by a call; at most 1000 told */
    int64_t oldest_unread_due_at_ms; /* 0: none */
    int64_t next_due_at_ms;          /* earliest pending job of either kind; 0: none */
};
/* What is due in a workspace at now_ms. Waits. */
int store_due(struct store *st, const char *workspace, int64_t now_ms, struct store_due *out,
              struct error *err);

/* Takes due jobs of a kind, marks them sending (durable before this returns, so that a
 * crash knows they may have reached SendKit) and returns them, oldest due first, at most
 * max. part > 0 takes just that part; part 0 takes jobs of no part. unread jobs of a
 * conversation whose read job is being sent are not due, and the other way about. Waits. */
int store_claim(struct store *st, const char *workspace, enum job_kind kind, int64_t part,
                size_t max, int64_t now_ms, struct job_list *out, struct error *err);
/* The smallest part with pending jobs that are due, 0 when there is none. Waits. */
int store_next_part(struct store *st, const char *workspace, int64_t now_ms, int64_t *part,
                    struct error *err);

/* What became of one claimed job; one that is not being sent is passed over. An unread
 * that failed is tried again a minute later, whatever the state says. A mark that a kept reply
 * cancelled while it was being sent is cancelled (or done) whatever `again` says, and its unread
 * jobs are freed: at once, and once more `settle` later when the outcome is unknown. */
struct job_result {
    int64_t id;
    enum job_state state; /* JOB_DONE, JOB_FAILED, or JOB_PENDING to try again */
    enum job_reach reach; /* of this attempt */
    int64_t due_at_ms;    /* JOB_PENDING */
    bool burn;            /* counts as an attempt */
    int64_t part;         /* JOB_PENDING: 0, or the part it belongs to from now on */
    bool refused;         /* SendKit refused the call that held it */
    const char *note;     /* SendKit's words, may be NULL */
};
/* All in one transaction. Waits. */
int store_finish(struct store *st, const struct job_result *results, size_t count,
                 int64_t settle_ms, struct error *err);
/* A part number never used before (also across restarts). Waits. */
int store_new_part(struct store *st, int64_t *part, struct error *err);

/* ---- jobs, for people --------------------------------------------------------------- */

struct job_filter {
    const char *workspace;    /* NULL: any */
    const char *rule;         /* NULL: any */
    const char *conversation; /* NULL: any */
    int state;                /* enum job_state, or -1: any */
    int kind;                 /* enum job_kind, or -1: any */
    int64_t id;               /* 0: any */
    int64_t after_id;         /* paging: ids above this */
    size_t limit;             /* 0: 1000 */
};
/* Waits. */
int store_jobs(struct store *st, const struct job_filter *f, struct job_list *out,
               struct error *err);

enum job_action {
    JOB_RETRY /* failed */,
    JOB_CANCEL /* pending, parked */,
    JOB_RELEASE /* parked */
};
/* Applies to every job that matches and may (limit is not looked at), in slices of a
 * transaction each; *count says to how many. With dry_run only
 * counts. A released or retried mark of a conversation that holds a kept reply is
 * cancelled instead and counted in *kept (P2). Waits. */
int store_change(struct store *st, const struct job_filter *f, enum job_action action,
                 const char *because, bool dry_run, size_t *count, size_t *kept, struct error *err);
/* Parks pending marks of a workspace whose rule is none of live[] (rule gone or no
 * longer live). Waits. */
int store_park_orphans(struct store *st, const char *workspace, const char *const *live,
                       size_t nlive, size_t *parked, struct error *err);

struct store_stats {
    size_t jobs[2][6]; /* [kind][state] */
    size_t decisions;
    size_t events, duplicates, kept, queued, shadow, parked; /* since start */
    size_t not_recorded;    /* since start: events whose fields were dropped, being busy */
    size_t recorded;        /* events whose fields are there */
    int64_t recorded_bytes; /* ... and their size */
    int64_t late_unread_ms; /* how late the oldest due unread job is; 0: none */
    bool disk_low;          /* below the low-water mark: submissions get ERR_AGAIN */
    bool broken;            /* after an I/O error */
    char words[256];        /* of what is wrong, or empty */
};
/* From running counters: does not wait for the writer. */
void store_stats(struct store *st, struct store_stats *out);

/* ---- decisions ---------------------------------------------------------------------- */

struct decision_record {
    int64_t id, arrived_at_ms, received_at_ms, job;
    char *workspace, *conversation, *message, *event, *from, *subject, *rule, *reason, *detail;
    enum outcome outcome;
};
struct decision_list {
    struct decision_record *records;
    size_t count;
};
void decision_list_done(struct decision_list *l);
/* Newest first; conversation may be NULL. Waits. */
int store_decisions(struct store *st, const char *workspace, const char *conversation, size_t limit,
                    struct decision_list *out, struct error *err);

/* ---- recorded events ------------------------------------------------------------------ */

struct event_filter {
    const char *workspace;    /* NULL: any */
    const char *conversation; /* NULL: any */
    int64_t after_id;         /* paging: ids above this */
    size_t limit;             /* 0: 1000 */
    size_t bytes_max;         /* of a page, but for its last event; 0: 8 MiB */
};
struct recorded_event {
    int64_t id, arrived_at_ms, until_ms;
    char *workspace, *conversation;
    char *record; /* one line of JSON, without a line break */
    size_t len;
};
struct recorded_events {
    struct recorded_event *list;
    size_t count;
};
void recorded_events_done(struct recorded_events *l);
/* Oldest first; an empty page is the end. Waits. */
int store_events(struct store *st, const struct event_filter *f, struct recorded_events *out,
                 struct error *err);
/* Adds events (id is not looked at) in one transaction, all or none, within the bounds. One
 * that is there already, word for word, is counted and not added. Makes no decisions and no
 * jobs. Waits. */
struct events_added {
    size_t added, known;
    size_t dropped; /* older ones, to make room */
};
int store_events_add(struct store *st, const struct recorded_events *events,
                     struct events_added *out, struct error *err);

/* ---- last good rules ---------------------------------------------------------------- */

/* blob is opaque here (rules' files, see serve). Waits. */
int store_rules_save(struct store *st, const char *workspace, const char *version, const char *blob,
                     size_t len, struct error *err);
/* *blob is NULL when there is none; the caller frees it. Waits. */
int store_rules_load(struct store *st, const char *workspace, char **blob, size_t *len,
                     struct error *err);

#endif
