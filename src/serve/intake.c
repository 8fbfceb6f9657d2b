#include "serve/intake.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "event/event.h"
#include "event/event_record.h"
#include "rules/match.h"
#include "serve/verify.h"
#include "store/store.h"

#define RETRY_AFTER_S 10
#define REFUSALS_LOGGED_MS 1000 /* one line about refused requests in so long */

struct intake {
    const struct config *cfg;
    struct live_rules *rules;
    struct store *store;

    pthread_mutex_t lock; /* guards the scratches */
    struct match_scratch **scratches;
    size_t nscratches;

    atomic_size_t unauthorized, malformed, ignored, refused, limited, not_recorded;
    atomic_size_t unsaid; /* refusals since the last line about one */
    _Atomic int64_t said_mono_ms;
};

/* What the answer needs when the writer calls back, long after the event is gone. */
struct pending {
    struct ticket *ticket;
    char *workspace, *conversation, *message, *event, *rule;
    int64_t start_mono_ms;
};

/* ---- answers ------------------------------------------------------------------------- */

static void answer_json(struct ticket *t, unsigned status, struct json_object *o)
{
    struct buf b = BUF_INIT;
    json_write(&b, o, JSON_COMPACT);
    buf_putc(&b, '\n');
    json_free(o);
    ticket_answer(t, &(struct http_answer){ .status = status,
                                            .body = buf_take(&b),
                                            .retry_after_s = status == 503 ? RETRY_AFTER_S : 0 });
}

static void answer_words(struct ticket *t, unsigned status, const char *word, const char *key,
                         const char *words)
{
    struct json_object *o = json_new_object();
    json_put_str(o, "status", word);
    json_put_str(o, key, words);
    answer_json(t, status, o);
}

/* Refusals cost an attacker nothing: one line a second, and how many were not said. */
static void log_refusal(struct intake *in, const struct hook_request *req, unsigned status,
                        const char *words)
{
    const int64_t now = clock_mono_ms();
    int64_t said = atomic_load(&in->said_mono_ms);
    if (now - said < REFUSALS_LOGGED_MS ||
        !atomic_compare_exchange_strong(&in->said_mono_ms, &said, now)) {
        atomic_fetch_add(&in->unsaid, 1);
        return;
    }
    log_warn("request refused", LOG_STR("workspace", req->workspace), LOG_INT("status", status),
             LOG_STR("error", words), LOG_INT("unsaid", atomic_exchange(&in->unsaid, 0)));
}

static void refuse(struct intake *in, const struct hook_request *req, struct ticket *t,
                   unsigned status, const char *words)
{
    atomic_fetch_add(status == 401   ? &in->unauthorized
                     : status == 503 ? &in->refused
                                     : &in->malformed,
                     1);
    log_refusal(in, req, status, words);
    answer_words(t, status, "error", "error", words);
}

/* ---- after the commit ------------------------------------------------------------------ */

static const struct {
    unsigned status;
    const char *word;
} outcomes[] = {
    [OUTCOME_QUEUED] = { 202, "queued" },       [OUTCOME_PARKED] = { 202, "parked" },
    [OUTCOME_KEPT] = { 200, "kept" },           [OUTCOME_SHADOW] = { 200, "shadow" },
    [OUTCOME_DUPLICATE] = { 200, "duplicate" },
};

static void pending_free(struct pending *p)
{
    free(p->workspace);
    free(p->conversation);
    free(p->message);
    free(p->event);
    free(p->rule);
    free(p);
}

static void log_decision(const struct pending *p, const struct receipt *r)
{
    const char *word = outcomes[r->outcome].word;
    log_info("event decided", LOG_STR("workspace", p->workspace), LOG_STR("event", p->event),
             LOG_STR("conversation", p->conversation), LOG_STR("message", p->message),
             LOG_STR("status", word), LOG_STR("reason", r->reason[0] ? r->reason : NULL),
             LOG_STR("rule", p->rule), LOG_INT("decision", r->decision), LOG_INT("job", r->job),
             LOG_INT("cancelled", r->cancelled), LOG_INT("unread", r->unread),
             LOG_INT("ms", clock_mono_ms() - p->start_mono_ms));
}

static void answer_receipt(const struct pending *p, const struct receipt *r)
{
    struct json_object *o = json_new_object();
    json_put_str(o, "status", outcomes[r->outcome].word);
    if (r->reason[0])
        json_put_str(o, "reason", r->reason);
    if (p->rule)
        json_put_str(o, "rule", p->rule);
    json_put_str(o, "conversation", p->conversation);
    if (r->decision)
        json_put_int(o, "decision", r->decision);
    if (r->job)
        json_put_int(o, "job", r->job);
    answer_json(p->ticket, outcomes[r->outcome].status, o);
}

/* From the writer thread, after the transaction that holds the event is on disk. */
static void on_stored(void *ctx, const struct receipt *r, const struct error *err)
{
    struct pending *p = ctx;
    if (err) {
        log_error("event not stored", LOG_STR("workspace", p->workspace),
                  LOG_STR("conversation", p->conversation), LOG_STR("error", err->msg));
        answer_words(p->ticket, 503, "error", "error", err->msg);
    } else {
        log_decision(p, r);
        answer_receipt(p, r);
    }
    pending_free(p);
}

/* ---- the verdict, and what it means for the store ---------------------------------------- */

static struct match_scratch *take_scratch(struct intake *in)
{
    struct match_scratch *s = NULL;
    pthread_mutex_lock(&in->lock);
    if (in->nscratches > 0)
        s = in->scratches[--in->nscratches];
    pthread_mutex_unlock(&in->lock);
    return s ? s : match_scratch_new();
}

static void give_scratch(struct intake *in, struct match_scratch *s)
{
    pthread_mutex_lock(&in->lock);
    in->scratches =
        xreallocarray(in->scratches, in->nscratches + 1, sizeof(struct match_scratch *));
    in->scratches[in->nscratches++] = s;
    pthread_mutex_unlock(&in->lock);
}

static void put_reason(struct json_object *o, const struct match_reason *r)
{
    if (!r->cond)
        return;
    json_put_str(o, "field", r->cond->field.name);
    if (r->words[0])
        json_put_str(o, "words", r->words);
}

static void put_rule(struct json_object *o, const struct rule *r)
{
    json_put_str(o, "rule", r->name);
    json_put_str(o, "file", r->place.file);
    json_put_int(o, "line", r->place.line);
}

/* What `why` and reports show later: P6. */
static char *detail_json(const struct ruleset *rules, const struct verdict *v)
{
    scoped(json_freep) struct json_object *o = json_new_object();
    json_put_str(o, "version", rules->version);
    const struct rule *decided = v->rule ? v->rule : v->shadow;
    if (decided) {
        put_rule(o, decided);
        put_reason(o, v->rule ? &v->reason : &v->shadow_reason);
    }
    if (v->limited) {
        json_put_str(o, "passed_over", v->limited->name);
        json_put_str(o, "limit", v->limit);
    }
    if (v->near.rule) {
        struct json_object *near = json_new_object();
        put_rule(near, v->near.rule);
        json_put_int(near, "held", v->near.held);
        json_put_int(near, "of", v->near.of);
        json_put(o, "near", near);
    }
    struct buf b = BUF_INIT;
    json_write(&b, o, JSON_COMPACT);
    return buf_take(&b);
}

static const char *keep_reason(const struct verdict *v)
{
    switch (v->kind) {
    case VERDICT_GUARD:
        return "guard";
    case VERDICT_GUARD_UNDECIDED:
    case VERDICT_KEEP_UNDECIDED:
        return "undecided";
    case VERDICT_KEEP:
        return "keep";
    case VERDICT_MARK:
    case VERDICT_NONE:
        break;
    }
    return v->limited ? "undecided" : "no-match";
}

static void decide(const struct workspace_config *w, const struct verdict *v, struct submission *s)
{
    const bool rule_shadow = v->kind == VERDICT_NONE && v->shadow;
    s->by_guard = v->kind == VERDICT_GUARD || v->kind == VERDICT_GUARD_UNDECIDED;
    s->rule = v->rule ? v->rule->name : rule_shadow ? v->shadow->name : NULL;
    if (v->kind == VERDICT_MARK && w->mode != MODE_SHADOW) {
        s->decision = DECISION_MARK;
        s->reason = "rule";
        s->park = w->mode == MODE_PAUSED;
    } else if (v->kind == VERDICT_MARK || rule_shadow) {
        s->decision = DECISION_SHADOW;
        s->reason = rule_shadow ? "rule-in-shadow" : "workspace-in-shadow";
    } else {
        s->decision = DECISION_KEEP;
        s->reason = keep_reason(v);
    }
}

/* Too large a record is not kept: tools can do without, the store's room is everybody's. */
static void put_record(struct intake *in, const struct workspace_config *w, const struct event *ev,
                       struct submission *s, struct buf *record)
{
    static const char *const words[] = {
        [DECISION_MARK] = "mark", [DECISION_SHADOW] = "shadow", [DECISION_KEEP] = "keep"
    };
    if (w->capture_ms <= 0)
        return;
    event_record_write(record, ev, s->arrived_at_ms, words[s->decision], s->rule);
    if (record->len > EVENT_RECORD_BYTES_MAX) {
        atomic_fetch_add(&in->not_recorded, 1);
        return;
    }
    s->record = buf_str(record);
    s->record_ms = w->capture_ms;
}

static void submit(struct intake *in, const struct workspace_config *w, const struct event *ev,
                   const struct ruleset *rules, const struct verdict *v, struct ticket *t,
                   const struct hook_request *req, int64_t start_mono_ms)
{
    scoped(freep) char *detail = detail_json(rules, v);
    const struct rule *r = v->rule;
    struct submission s = {
        .workspace = w->name,
        .conversation = event_str(ev, FIELD_CONVERSATION),
        .message = event_str(ev, FIELD_MESSAGE),
        .event = event_str(ev, FIELD_EVENT),
        .dedupe = ev->dedupe,
        .from = event_str(ev, FIELD_FROM),
        .subject = event_str(ev, FIELD_SUBJECT),
        .received_at_ms = ev->received_at_ms,
        /* Beyond the memory of replies nobody knows what else the conversation holds. The
         * delivery's own time stamp says nothing about the reply's age: a captured one that
         * is sent again is told by dedupe, whose memory is longer. */
        .age_max_ms = ev->time_of_delivery ? STORE_ANY_AGE_MS : STORE_MEMORY_MS,
        .arrived_at_ms = clock_wall_ms(),
        .detail = detail,
        .hold_ms = r && r->hold_ms >= 0 ? r->hold_ms : w->hold_ms,
        .settle_ms = w->settle_ms,
        .rule_cap = r && r->max_per_hour >= 0 ? r->max_per_hour : w->max_per_hour,
        .workspace_cap = w->max_marks_per_hour,
    };
    if (!s.event)
        s.event = "";
    decide(w, v, &s);
    scoped(buf_free) struct buf record = BUF_INIT;
    put_record(in, w, ev, &s, &record);
    struct pending *p = xcalloc(1, sizeof(*p));
    *p = (struct pending){ .ticket = t,
                           .workspace = xstrdup(w->name),
                           .conversation = xstrdup(s.conversation),
                           .message = s.message ? xstrdup(s.message) : NULL,
                           .event = xstrdup(s.event),
                           .rule = s.rule ? xstrdup(s.rule) : NULL,
                           .start_mono_ms = start_mono_ms };
    struct error err = ERROR_INIT;
    if (store_submit(in->store, &s, on_stored, p, &err) == 0)
        return;
    pending_free(p);
    refuse(in, req, t, 503, err.msg);
}

static void log_limit(struct intake *in, const struct workspace_config *w, const struct event *ev,
                      const struct verdict *v)
{
    if (!v->limited)
        return;
    atomic_fetch_add(&in->limited, 1);
    log_warn("rule hit a limit and could not tell", LOG_STR("workspace", w->name),
             LOG_STR("rule", v->limited->name), LOG_STR("limit", v->limit),
             LOG_STR("conversation", event_str(ev, FIELD_CONVERSATION)),
             LOG_STR("file", v->limited->place.file), LOG_INT("line", v->limited->place.line));
}

/* ---- one request --------------------------------------------------------------------------- */

static bool verified(struct intake *in, const struct workspace_config *w,
                     const struct hook_request *req, struct ticket *t)
{
    scoped(workspace_secrets_unrefp) struct workspace_secrets *secrets = workspace_secrets(w);
    struct verify_result result;
    verify_request(w->verify, secrets->keys, secrets->nkeys, req->body, req->len, req->headers,
                   req->nheaders, clock_wall_ms(), &result);
    if (result.class == VERIFY_OK)
        return true;
    refuse(in, req, t, 401, result.msg);
    return false;
}

static const char *event_header(const struct hook_request *req)
{
    for (size_t i = 0; i < req->nheaders; i++)
        if (strcasecmp(req->headers[i].name, "X-Webhook-Event") == 0)
            return req->headers[i].value;
    return NULL;
}

static size_t workspace_index(const struct config *cfg, const char *name)
{
    size_t i = 0;
    while (i < cfg->nworkspaces && strcmp(cfg->workspaces[i].name, name) != 0)
        i++;
    return i;
}

static void handle(void *ctx, const struct hook_request *req, struct ticket *t)
{
    struct intake *in = ctx;
    const int64_t start = clock_mono_ms();
    const size_t at = workspace_index(in->cfg, req->workspace);
    const struct workspace_config *w = &in->cfg->workspaces[at];
    if (!verified(in, w, req, t))
        return;

    struct error err = ERROR_INIT;
    scoped(event_freep) struct event *ev =
        event_parse(req->body, req->len, event_header(req), w->name, w->fields, &err);
    if (!ev) {
        refuse(in, req, t, 400, err.msg);
        return;
    }
    if (ev->kind != EVENT_REPLY) {
        atomic_fetch_add(&in->ignored, 1);
        log_info("event ignored", LOG_STR("workspace", w->name),
                 LOG_STR("event", event_str(ev, FIELD_EVENT)),
                 LOG_STR("header", event_header(req)));
        answer_words(t, 200, "ignored", "reason",
                     ev->kind == EVENT_TEST ? "test delivery" : "not a reply event");
        return;
    }

    scoped(ruleset_unrefp) struct ruleset *rules = live_rules_get(in->rules, at);
    const struct match_options opt = { .now_ms = clock_wall_ms(), .budget_ms = MATCH_BUDGET_MS };
    struct match_scratch *scratch = take_scratch(in);
    struct verdict v;
    match_event(rules, scratch, ev, &opt, &v);
    give_scratch(in, scratch);
    log_limit(in, w, ev, &v);
    submit(in, w, ev, rules, &v, t, req, start);
}

static bool knows(void *ctx, const char *workspace)
{
    struct intake *in = ctx;
    return workspace_index(in->cfg, workspace) < in->cfg->nworkspaces;
}

struct intake *intake_new(const struct config *cfg, struct live_rules *rules, struct store *store)
{
    struct intake *in = xcalloc(1, sizeof(*in));
    in->cfg = cfg;
    in->rules = rules;
    in->store = store;
    pthread_mutex_init(&in->lock, NULL);
    atomic_store(&in->said_mono_ms, clock_mono_ms() - REFUSALS_LOGGED_MS);
    return in;
}

void intake_free(struct intake *in)
{
    if (!in)
        return;
    for (size_t i = 0; i < in->nscratches; i++)
        match_scratch_free(in->scratches[i]);
    free(in->scratches);
    pthread_mutex_destroy(&in->lock);
    free(in);
}

struct listener_handler intake_handler(struct intake *in)
{
    return (struct listener_handler){ .ctx = in, .knows = knows, .handle = handle };
}

void intake_stats(struct intake *in, struct intake_stats *out)
{
    *out = (struct intake_stats){
        .unauthorized = atomic_load(&in->unauthorized),
        .malformed = atomic_load(&in->malformed),
        .ignored = atomic_load(&in->ignored),
        .refused = atomic_load(&in->refused),
        .limited = atomic_load(&in->limited),
        .not_recorded = atomic_load(&in->not_recorded),
    };
}
