#include "store/commit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/error.h"

#define DUE_MAX_MS (INT64_C(3650) * 86400 * 1000) /* nothing waits longer: sums stay sane */
#define UNREAD_RETRY_MS (INT64_C(60) * 1000)      /* of one that the sender gave up on */
#define MARKED_IN_MAX 16                          /* conversations that one guard's keep un-reads */

static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void set_due(struct commit *c, struct stored_job *j, int64_t due_ms)
{
    j->job.due_at_ms = min64(due_ms, c->now_ms + DUE_MAX_MS);
    j->wait_ms = max64(0, j->job.due_at_ms - c->now_ms);
}

static void set_note(struct stored_job *j, const char *note)
{
    free(j->job.note);
    j->job.note = note ? xstrdup(note) : NULL;
}

static int save(struct commit *c, struct stored_job *j, struct error *err)
{
    j->job.updated_at_ms = c->now_ms;
    return engine_job_save(c->engine, j, err);
}

static int end_as(struct commit *c, struct stored_job *j, enum job_state state, const char *note,
                  struct error *err)
{
    j->job.state = state;
    set_note(j, note);
    return save(c, j, err);
}

/* ---- unread jobs -------------------------------------------------------------------- */

/* A conversation to be set unread, and why. */
struct unread {
    const char *workspace, *conversation;
    const char *why; /* kept-reply, guard */
};

enum which { FIRST, AGAIN };

/* At most one pending of each per conversation: a second wish joins the first. *made
 * counts new jobs. */
static int add_unread(struct commit *c, const struct unread *u, enum which which, int64_t due_ms,
                      size_t *made, struct error *err)
{
    scoped(stored_jobs_done) struct stored_jobs open = { 0 };
    if (engine_open_jobs(c->engine, u->workspace, u->conversation, &open, err) < 0)
        return -1;
    c->jobs_changed = true;
    for (size_t i = 0; i < open.count; i++) {
        struct stored_job *j = &open.list[i];
        if (j->job.kind != JOB_UNREAD || j->job.state != JOB_PENDING ||
            j->again != (which == AGAIN))
            continue;
        set_due(c, j, min64(j->job.due_at_ms, due_ms));
        return save(c, j, err);
    }
    scoped(stored_job_done) struct stored_job new = {
        .job = { .kind = JOB_UNREAD,
                 .state = JOB_PENDING,
                 .workspace = xstrdup(u->workspace),
                 .conversation = xstrdup(u->conversation),
                 .rule = xstrdup(u->why),
                 .created_at_ms = c->now_ms,
                 .updated_at_ms = c->now_ms },
        .again = which == AGAIN,
    };
    set_due(c, &new, due_ms);
    *made += 1;
    return engine_job_add(c->engine, &new, err);
}

/* reached: a mark took effect or may have. unknown: one of which nobody knows whether,
 * so that it may still take effect up to `settle` from now. */
static int unread_after(struct commit *c, const struct unread *u, bool reached, bool unknown,
                        int64_t settle_ms, size_t *made, struct error *err)
{
    if (!reached && !unknown)
        return 0;
    if (add_unread(c, u, FIRST, c->now_ms, made, err) < 0)
        return -1;
    return unknown ? add_unread(c, u, AGAIN, c->now_ms + settle_ms, made, err) : 0;
}

/* ---- P2: a kept reply --------------------------------------------------------------- */

/* Pending and parked marks are cancelled; *flying becomes the one that is being sent,
 * which stays in `open`. */
static int cancel_marks(struct commit *c, struct stored_jobs *open, const char *note,
                        struct stored_job **flying, size_t *cancelled, struct error *err)
{
    for (size_t i = 0; i < open->count; i++) {
        struct stored_job *j = &open->list[i];
        if (j->job.kind != JOB_READ)
            continue;
        *cancelled += j->owed & OWED_CANCEL ? 0 : 1;
        if (j->job.state == JOB_SENDING)
            *flying = j;
        else if (end_as(c, j, JOB_CANCELLED, note, err) < 0)
            return -1;
    }
    return 0;
}

/* No mark of the conversation stays, and what may have reached SendKit is taken back: any
 * mark not known done before since_ms, and any lost call that may still land, though its
 * mark was done by a later one. While a call is in flight its end decides
 * (commit_result); until then the flying job carries what is owed. */
static int keep_conversation(struct commit *c, const struct unread *u, int64_t since_ms,
                             int64_t settle_ms, struct receipt *r, struct error *err)
{
    scoped(stored_jobs_done) struct stored_jobs open = { 0 };
    struct stored_job *flying = NULL;
    bool done, unknown;
    if (engine_open_jobs(c->engine, u->workspace, u->conversation, &open, err) < 0 ||
        cancel_marks(c, &open, u->why, &flying, &r->cancelled, err) < 0 ||
        engine_reached(c->engine, u->workspace, u->conversation, since_ms, c->now_ms - settle_ms,
                       &done, &unknown, err) < 0)
        return -1;
    if (!flying)
        return unread_after(c, u, done, unknown, settle_ms, &r->unread, err);

    flying->owed |= OWED_CANCEL;
    flying->owed |= done || unknown ? OWED_UNREAD : 0;
    flying->owed |= unknown ? OWED_AGAIN : 0;
    flying->settle_ms = max64(flying->settle_ms, settle_ms);
    set_note(flying, u->why);
    return save(c, flying, err);
}

/* A guard kept a message for which another event was decided a mark: whatever the age of
 * that mark, and under whichever conversation the other event named. */
static int keep_message(struct commit *c, const struct submission *s, struct receipt *r,
                        struct error *err)
{
    scoped(names_done) struct names in = { 0 };
    if (engine_marked_in(c->engine, s->workspace, s->message, MARKED_IN_MAX, &in, err) < 0)
        return -1;
    for (size_t i = 0; i < in.count; i++) {
        const struct unread u = { s->workspace, in.list[i], "guard" };
        if (keep_conversation(c, &u, INT64_MIN, s->settle_ms, r, err) < 0)
            return -1;
    }
    return 0;
}

/* ---- one event ---------------------------------------------------------------------- */

static bool has_message(const struct submission *s)
{
    return s->message && s->message[0];
}

static int64_t received_at(const struct submission *s)
{
    if (s->received_at_ms <= 0 || s->received_at_ms > s->arrived_at_ms)
        return s->arrived_at_ms;
    return s->received_at_ms;
}

static void conclude(struct receipt *r, enum outcome outcome, const char *reason)
{
    r->outcome = outcome;
    snprintf(r->reason, sizeof(r->reason), "%s", reason ? reason : "");
}

/* Does anything say that this conversation holds a reply that a person should see?
 * An un-read under way says so as well: it would be undone by a new mark. */
static int holds_kept(struct commit *c, const char *workspace, const char *conversation, bool *kept,
                      struct error *err)
{
    if (engine_kept(c->engine, workspace, conversation, c->now_ms - STORE_MEMORY_MS, kept, err) < 0)
        return -1;
    if (*kept)
        return 0;
    scoped(stored_jobs_done) struct stored_jobs open = { 0 };
    if (engine_open_jobs(c->engine, workspace, conversation, &open, err) < 0)
        return -1;
    for (size_t i = 0; i < open.count; i++)
        if (open.list[i].job.kind == JOB_UNREAD)
            *kept = true;
    return 0;
}

static int mark_forbidden(struct commit *c, const struct submission *s, bool *forbidden,
                          struct error *err)
{
    if (holds_kept(c, s->workspace, s->conversation, forbidden, err) < 0)
        return -1;
    if (*forbidden || !has_message(s))
        return 0;
    return engine_guarded(c->engine, s->workspace, s->message, forbidden, err);
}

static int reaches_cap(struct commit *c, const char *workspace, const char *rule, int64_t cap,
                       bool *over, struct error *err)
{
    *over = false;
    if (cap <= 0)
        return 0;
    enum caps_answer a = caps_ask(c->caps, workspace, rule, cap, c->now_ms);
    if (a == CAPS_COUNT) {
        const int64_t since = c->now_ms - CAPS_WINDOW_MS;
        int64_t count, oldest_ms;
        if (engine_marks(c->engine, workspace, rule, since, cap, &count, &oldest_ms, err) < 0)
            return -1;
        caps_counted(c->caps, workspace, rule, cap, c->now_ms, count, oldest_ms);
        a = count < cap ? CAPS_UNDER : CAPS_OVER;
    }
    *over = a == CAPS_OVER;
    return 0;
}

/* *why stays as it is within the caps. */
static int over_cap(struct commit *c, const struct submission *s, const char **why,
                    struct error *err)
{
    bool rule_full = false, all_full = false;
    if ((s->rule && reaches_cap(c, s->workspace, s->rule, s->rule_cap, &rule_full, err) < 0) ||
        reaches_cap(c, s->workspace, NULL, s->workspace_cap, &all_full, err) < 0)
        return -1;
    if (rule_full)
        *why = "rule-cap";
    else if (all_full)
        *why = "workspace-cap";
    return 0;
}

static struct stored_job *waiting_mark(struct stored_jobs *open)
{
    for (size_t i = 0; i < open->count; i++) {
        struct stored_job *j = &open->list[i];
        if (j->job.kind == JOB_READ && j->job.state != JOB_SENDING)
            return j;
    }
    return NULL;
}

/* Two matches before sending are one job with the later due time. When either is held
 * back for a person, so is the job. */
static int join_mark(struct commit *c, const struct submission *s, struct stored_job *j,
                     const char *park, struct receipt *r, struct error *err)
{
    set_due(c, j, max64(j->job.due_at_ms, c->now_ms + s->hold_ms));
    if (park && j->job.state == JOB_PENDING) {
        j->job.state = JOB_PARKED;
        set_note(j, park);
    }
    if (j->job.state == JOB_PARKED)
        conclude(r, OUTCOME_PARKED, park ? park : j->job.note);
    else
        conclude(r, OUTCOME_QUEUED, s->reason);
    r->job = j->job.id;
    return save(c, j, err);
}

static int new_mark(struct commit *c, const struct submission *s, const char *park,
                    struct receipt *r, struct error *err)
{
    scoped(stored_job_done) struct stored_job j = {
        .job = { .kind = JOB_READ,
                 .state = park ? JOB_PARKED : JOB_PENDING,
                 .workspace = xstrdup(s->workspace),
                 .conversation = xstrdup(s->conversation),
                 .rule = s->rule ? xstrdup(s->rule) : NULL,
                 .note = park ? xstrdup(park) : NULL,
                 .created_at_ms = c->now_ms,
                 .updated_at_ms = c->now_ms },
    };
    set_due(c, &j, c->now_ms + s->hold_ms);
    if (engine_job_add(c->engine, &j, err) < 0)
        return -1;
    conclude(r, park ? OUTCOME_PARKED : OUTCOME_QUEUED, park ? park : s->reason);
    r->job = j.job.id;
    return 0;
}

static int make_mark(struct commit *c, const struct submission *s, struct receipt *r,
                     struct error *err)
{
    const char *park = s->park ? "paused" : NULL;
    if (!park && over_cap(c, s, &park, err) < 0)
        return -1;
    scoped(stored_jobs_done) struct stored_jobs open = { 0 };
    if (engine_open_jobs(c->engine, s->workspace, s->conversation, &open, err) < 0)
        return -1;
    c->jobs_changed = true;
    struct stored_job *waiting = waiting_mark(&open);
    return waiting ? join_mark(c, s, waiting, park, r, err) : new_mark(c, s, park, r, err);
}

/* What becomes of the event, as a reply: kept for what reason, or marked. */
static int decide(struct commit *c, const struct submission *s, int64_t received_ms,
                  struct receipt *r, struct error *err)
{
    if (s->decision == DECISION_KEEP) {
        conclude(r, OUTCOME_KEPT, s->reason);
        return 0;
    }
    if (received_ms < c->now_ms - (s->age_max_ms ? s->age_max_ms : STORE_MEMORY_MS)) {
        conclude(r, OUTCOME_KEPT, "too-old");
        return 0;
    }
    if (s->decision == DECISION_SHADOW) {
        conclude(r, OUTCOME_SHADOW, s->reason);
        return 0;
    }
    bool forbidden;
    if (mark_forbidden(c, s, &forbidden, err) < 0)
        return -1;
    if (!forbidden)
        return make_mark(c, s, r, err);
    conclude(r, OUTCOME_KEPT, "kept-reply");
    return 0;
}

static bool is_kept(const struct receipt *r)
{
    return r->outcome == OUTCOME_KEPT || r->outcome == OUTCOME_SHADOW;
}

static int sweep_nothing_along(struct commit *c, const struct submission *s, int64_t received_ms,
                               struct receipt *r, struct error *err)
{
    const struct unread u = { s->workspace, s->conversation, s->by_guard ? "guard" : "kept-reply" };
    if (keep_conversation(c, &u, received_ms - s->settle_ms, s->settle_ms, r, err) < 0)
        return -1;
    if (!s->by_guard || !has_message(s))
        return 0;
    return keep_message(c, s, r, err);
}

static int remember(struct commit *c, const struct submission *s, int64_t received_ms,
                    struct receipt *r, struct error *err)
{
    const struct reply reply = {
        .workspace = s->workspace,
        .dedupe = s->dedupe,
        .conversation = s->conversation,
        .message = has_message(s) ? s->message : NULL,
        .rule = s->rule,
        .outcome = r->outcome,
        .kept = is_kept(r),
        .by_guard = s->by_guard && is_kept(r),
        .received_at_ms = received_ms,
        .arrived_at_ms = s->arrived_at_ms,
    };
    if (engine_reply_add(c->engine, &reply, err) < 0)
        return -1;
    if (r->outcome == OUTCOME_QUEUED)
        caps_queued(c->caps, s->workspace, s->rule);
    return engine_decision_add(c->engine, s, r, received_ms, &r->decision, err);
}

int commit_submission(struct commit *c, const struct submission *s, struct receipt *r,
                      struct error *err)
{
    bool known;
    *r = (struct receipt){ 0 };
    if (engine_reply_known(c->engine, s->workspace, s->dedupe, &known, err) < 0)
        return -1;
    if (known) {
        conclude(r, OUTCOME_DUPLICATE, "duplicate");
        return 0;
    }
    const int64_t received_ms = received_at(s);
    if (decide(c, s, received_ms, r, err) < 0)
        return -1;
    if (is_kept(r) && sweep_nothing_along(c, s, received_ms, r, err) < 0)
        return -1;
    return remember(c, s, received_ms, r, err);
}

/* ---- jobs go out and come back ------------------------------------------------------ */

static void list_take(struct job_list *l, struct stored_job *j)
{
    l->jobs = xreallocarray(l->jobs, l->count + 1, sizeof(*l->jobs));
    l->jobs[l->count++] = j->job;
    j->job = (struct job){ 0 }; /* its strings have a new owner */
}

/* Two due jobs of one conversation can be in the list: the first in flight stops the other. */
static int claim_one(struct commit *c, struct stored_job *j, struct job_list *out,
                     struct error *err)
{
    bool busy;
    if (engine_in_flight(c->engine, j->job.workspace, j->job.conversation, &busy, err) < 0)
        return -1;
    if (busy)
        return 0;
    j->job.state = JOB_SENDING;
    j->sent_at_ms = c->now_ms;
    if (save(c, j, err) < 0)
        return -1;
    list_take(out, j);
    return 0;
}

int commit_claim(struct commit *c, const char *workspace, enum job_kind kind, int64_t part,
                 size_t max, int64_t due_ms, struct job_list *out, struct error *err)
{
    scoped(stored_jobs_done) struct stored_jobs due = { 0 };
    if (engine_due_jobs(c->engine, workspace, kind, part, max, due_ms, &due, err) < 0)
        return -1;
    for (size_t i = 0; i < due.count; i++)
        if (claim_one(c, &due.list[i], out, err) < 0)
            return -1;
    return 0;
}

static void note_reach(struct commit *c, struct stored_job *j, enum job_reach reach)
{
    if (reach > j->job.reach)
        j->job.reach = reach;
    if (reach != REACH_NO && j->job.reached_at_ms == 0)
        j->job.reached_at_ms = j->sent_at_ms;
    if (reach == REACH_UNKNOWN)
        j->lost_at_ms = c->now_ms;
    if (reach == REACH_DONE)
        j->job.done_at_ms = c->now_ms;
}

/* A kept reply came while the mark was being sent: never again, and taken back if it
 * may have reached. A clear refusal with nothing else owed needs no un-read. */
static int end_flagged(struct commit *c, struct stored_job *j, enum job_reach reach,
                       int64_t settle_ms, struct error *err)
{
    const struct unread u = { j->job.workspace, j->job.conversation,
                              j->job.note && strcmp(j->job.note, "guard") == 0 ? "guard"
                                                                               : "kept-reply" };
    const bool reached = reach == REACH_DONE || (j->owed & OWED_UNREAD);
    const bool unknown = reach == REACH_UNKNOWN || (j->owed & OWED_AGAIN);
    size_t made = 0;
    j->job.state = reach == REACH_DONE ? JOB_DONE : JOB_CANCELLED;
    j->owed = 0;
    if (save(c, j, err) < 0)
        return -1;
    return unread_after(c, &u, reached, unknown, settle_ms, &made, err);
}

/* Unread jobs are never given up: failed means later. */
static void apply_result(struct commit *c, struct stored_job *j, const struct job_result *r)
{
    const bool later = r->state == JOB_FAILED && j->job.kind == JOB_UNREAD;
    j->job.state = later ? JOB_PENDING : r->state;
    if (r->note || r->state == JOB_DONE)
        set_note(j, r->note);
    if (j->job.state != JOB_PENDING)
        return;
    j->job.part = later ? 0 : r->part;
    set_due(c, j, later ? c->now_ms + UNREAD_RETRY_MS : r->due_at_ms);
}

static int job_came_back(struct commit *c, struct stored_job *j, const struct job_result *r,
                         int64_t settle_ms, struct error *err)
{
    const enum job_reach reach = r->state == JOB_DONE ? REACH_DONE : r->reach;
    c->jobs_changed = true;
    note_reach(c, j, reach);
    j->job.attempts += r->burn ? 1 : 0;
    if (r->refused && j->job.refused_at_ms == 0)
        j->job.refused_at_ms = c->now_ms;
    if (j->owed & OWED_CANCEL)
        return end_flagged(c, j, reach, max64(settle_ms, j->settle_ms), err);
    apply_result(c, j, r);
    return save(c, j, err);
}

int commit_result(struct commit *c, const struct job_result *r, int64_t settle_ms,
                  struct error *err)
{
    if (!job_may_become(JOB_SENDING, r->state) || r->state == JOB_CANCELLED)
        return error_set(err, ERR_INPUT, "job %lld cannot become %s", (long long)r->id,
                         job_state_name(r->state));
    scoped(stored_job_done) struct stored_job j = { 0 };
    bool found;
    if (engine_job_get(c->engine, r->id, &j, &found, err) < 0)
        return -1;
    if (!found || j.job.state != JOB_SENDING)
        return 0;
    return job_came_back(c, &j, r, settle_ms, err);
}

int commit_recover(struct commit *c, size_t max, bool *more, struct error *err)
{
    scoped(stored_jobs_done) struct stored_jobs lost = { 0 };
    if (engine_sending(c->engine, 0, max, &lost, err) < 0)
        return -1;
    for (size_t i = 0; i < lost.count; i++) {
        struct stored_job *j = &lost.list[i];
        const struct job_result unknown = {
            .state = JOB_PENDING,
            .reach = REACH_UNKNOWN,
            .due_at_ms = c->now_ms,
            .part = j->job.part,
        };
        if (job_came_back(c, j, &unknown, j->settle_ms, err) < 0)
            return -1;
    }
    *more = lost.count == max;
    return 0;
}

/* ---- people ------------------------------------------------------------------------- */

static bool applies(const struct stored_job *j, enum job_action action)
{
    switch (action) {
    case JOB_RETRY:
        return j->job.state == JOB_FAILED;
    case JOB_RELEASE:
        return j->job.state == JOB_PARKED;
    case JOB_CANCEL:
        return j->job.state == JOB_PENDING || j->job.state == JOB_PARKED;
    }
    return false;
}

/* A retried job starts afresh; a released one keeps what is left of its hold. */
static void send_again(struct commit *c, struct stored_job *j, enum job_action action)
{
    j->job.state = JOB_PENDING;
    if (action == JOB_RETRY) {
        j->job.attempts = 0;
        j->job.part = 0;
        j->job.refused_at_ms = 0;
    }
    set_due(c, j, action == JOB_RETRY ? c->now_ms : max64(j->job.due_at_ms, c->now_ms));
    c->jobs_changed = true;
}

int commit_change(struct commit *c, struct stored_job *j, enum job_action action,
                  const char *because, bool dry_run, enum change *what, struct error *err)
{
    *what = CHANGE_NONE;
    if (!applies(j, action))
        return 0;
    bool kept = false;
    if (action != JOB_CANCEL && j->job.kind == JOB_READ &&
        holds_kept(c, j->job.workspace, j->job.conversation, &kept, err) < 0)
        return -1;
    *what = kept ? CHANGE_KEPT : CHANGE_MADE;
    if (dry_run)
        return 0;
    if (kept)
        return end_as(c, j, JOB_CANCELLED, "kept-reply", err);
    if (action == JOB_CANCEL)
        return end_as(c, j, JOB_CANCELLED, because, err);
    send_again(c, j, action);
    set_note(j, because);
    return save(c, j, err);
}

int commit_park(struct commit *c, struct stored_job *j, const char *why, struct error *err)
{
    return end_as(c, j, JOB_PARKED, why, err);
}
