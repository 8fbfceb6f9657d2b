#include "serve/queue_api.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"

static const char *const op_names[QUEUE_OP_COUNT] = {
    [QUEUE_LIST] = "list",     [QUEUE_SHOW] = "show",       [QUEUE_RETRY] = "retry",
    [QUEUE_CANCEL] = "cancel", [QUEUE_RELEASE] = "release", [QUEUE_STATS] = "stats",
};

const char *queue_op_name(enum queue_op op)
{
    return op_names[op];
}

enum queue_op queue_op_by_name(const char *name)
{
    size_t i = 0;
    while (i < QUEUE_OP_COUNT && strcmp(op_names[i], name) != 0)
        i++;
    return (enum queue_op)i;
}

/* ---- parameters ------------------------------------------------------------------- */

static int parse_count(const char *key, const char *value, int64_t *n, struct error *err)
{
    char *end = NULL;
    errno = 0;
    const long long got = strtoll(value, &end, 10);
    if (!isdigit((unsigned char)value[0]) || *end || errno)
        return error_set(err, ERR_INPUT, "%s is '%s': a number from 0 would be right", key, value);
    *n = got;
    return 0;
}

static int parse_state(struct queue_request *q, const char *value, struct error *err)
{
    q->filter.state = job_state_by_name(value);
    if (q->filter.state >= 0)
        return 0;
    return error_set(err, ERR_INPUT,
                     "there is no state '%s': pending, sending, done, failed, cancelled or parked "
                     "would be right",
                     value);
}

static int parse_kind(struct queue_request *q, const char *value, struct error *err)
{
    q->filter.kind = job_kind_by_name(value);
    if (q->filter.kind >= 0)
        return 0;
    return error_set(err, ERR_INPUT, "there is no kind '%s': read or unread would be right", value);
}

int queue_param(struct queue_request *q, const char *key, const char *value, struct error *err)
{
    int64_t n = 0;
    if (strcmp(key, "workspace") == 0)
        q->filter.workspace = value;
    else if (strcmp(key, "rule") == 0)
        q->filter.rule = value;
    else if (strcmp(key, "conversation") == 0)
        q->filter.conversation = value;
    else if (strcmp(key, "because") == 0)
        q->because = value;
    else if (strcmp(key, "apply") == 0)
        q->apply = strcmp(value, "true") == 0;
    else if (strcmp(key, "state") == 0)
        return parse_state(q, value, err);
    else if (strcmp(key, "kind") == 0)
        return parse_kind(q, value, err);
    else if (strcmp(key, "id") == 0)
        return parse_count(key, value, &q->filter.id, err);
    else if (strcmp(key, "after") == 0)
        return parse_count(key, value, &q->filter.after_id, err);
    else if (strcmp(key, "limit") == 0) {
        if (parse_count(key, value, &n, err) < 0)
            return -1;
        q->filter.limit = (size_t)n;
    } else {
        return error_set(err, ERR_INPUT, "there is no parameter '%s'", key);
    }
    return 0;
}

/* ---- answers ------------------------------------------------------------------------ */

static struct json_object *job_json(const struct job *j)
{
    static const char *const reach[] = { "no", "unknown", "done" };
    struct json_object *o = json_new_object();
    json_put_int(o, "id", j->id);
    json_put_str(o, "kind", job_kind_name(j->kind));
    json_put_str(o, "state", job_state_name(j->state));
    json_put_str(o, "workspace", j->workspace);
    json_put_str(o, "conversation", j->conversation);
    json_put_str(o, "rule", j->rule);
    json_put_str(o, "note", j->note);
    json_put_int(o, "attempts", j->attempts);
    json_put_str(o, "reached", reach[j->reach]);
    json_put_time(o, "created_at", j->created_at_ms);
    json_put_time(o, "due_at", j->due_at_ms);
    json_put_time(o, "updated_at", j->updated_at_ms);
    json_put_time(o, "done_at", j->done_at_ms);
    return o;
}

static struct json_object *run_list(struct store *st, const struct queue_request *q,
                                    struct error *err)
{
    scoped(job_list_done) struct job_list jobs = { .jobs = NULL };
    if (store_jobs(st, &q->filter, &jobs, err) < 0)
        return NULL;
    struct json_object *list = json_new_array();
    for (size_t i = 0; i < jobs.count; i++)
        json_push(list, job_json(&jobs.jobs[i]));
    struct json_object *o = json_new_object();
    json_put(o, "jobs", list);
    return o;
}

static struct json_object *run_show(struct store *st, const struct queue_request *q,
                                    struct error *err)
{
    scoped(job_list_done) struct job_list jobs = { .jobs = NULL };
    if (store_jobs(st, &q->filter, &jobs, err) < 0)
        return NULL;
    if (jobs.count == 0) {
        error_set(err, ERR_INPUT, "there is no job %lld", (long long)q->filter.id);
        return NULL;
    }
    struct json_object *o = json_new_object();
    json_put(o, "job", job_json(&jobs.jobs[0]));
    return o;
}

static struct json_object *run_change(struct store *st, const struct queue_request *q,
                                      enum job_action action, struct error *err)
{
    size_t count = 0, kept = 0;
    if (store_change(st, &q->filter, action, q->because, !q->apply, &count, &kept, err) < 0)
        return NULL;
    struct json_object *o = json_new_object();
    json_put_int(o, "count", (int64_t)count);
    json_put_int(o, "kept", (int64_t)kept);
    json_put_bool(o, "applied", q->apply);
    return o;
}

static struct json_object *run_stats(struct store *st)
{
    struct store_stats s;
    store_stats(st, &s);
    struct json_object *o = json_new_object();
    for (int kind = 0; kind < 2; kind++) {
        struct json_object *states = json_new_object();
        for (int state = 0; state < 6; state++)
            json_put_int(states, job_state_name((enum job_state)state),
                         (int64_t)s.jobs[kind][state]);
        json_put(o, job_kind_name((enum job_kind)kind), states);
    }
    json_put_int(o, "decisions", (int64_t)s.decisions);
    return o;
}

struct json_object *queue_run(struct store *st, const struct queue_request *q, struct error *err)
{
    switch (q->op) {
    case QUEUE_LIST:
        return run_list(st, q, err);
    case QUEUE_SHOW:
        return run_show(st, q, err);
    case QUEUE_RETRY:
        return run_change(st, q, JOB_RETRY, err);
    case QUEUE_CANCEL:
        return run_change(st, q, JOB_CANCEL, err);
    case QUEUE_RELEASE:
        return run_change(st, q, JOB_RELEASE, err);
    case QUEUE_STATS:
        return run_stats(st);
    case QUEUE_OP_COUNT:
        break;
    }
    error_set(err, ERR_INPUT, "unknown operation");
    return NULL;
}
