#include "cli/diff.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/utf8.h"
#include "event/event_record.h"
#include "rules/match.h"

#define CHUNK 4096 /* replies in memory at once */
#define THREADS_MAX 16
#define TEXT_BYTES 72

const char *const diff_kind_words[DIFF_KINDS] = { "newly marked", "no longer marked",
                                                  "otherwise decided" };
const char *const diff_kind_keys[DIFF_KINDS] = { "newly_marked", "no_longer_marked",
                                                 "otherwise_decided" };

struct reply {
    char *line;
    size_t len;
    int rc;
    struct error err;
    int64_t arrived_at_ms;
    struct diff_outcome old, new;
    const char *limited; /* rule of the new set that could not tell */
    bool differs;
    struct diff_sample sample;
};

struct diff {
    const struct ruleset *old, *new;
    bool with_text;
    int64_t now_ms;
    struct reply replies[CHUNK];
    size_t nreplies;
    atomic_size_t next; /* of replies[], for the threads */
    struct diff_result result;
};

/* ---- one reply, on any thread ---------------------------------------------------------- */

/* The verdict in a word; *words receives what the deciding rule found, or "". */
static struct diff_outcome outcome_of(const struct verdict *v, const char **words)
{
    const char *rule = v->rule ? v->rule->name : NULL;
    *words = v->reason.words;
    if (v->kind == VERDICT_MARK)
        return (struct diff_outcome){ "mark", rule };
    if (v->kind != VERDICT_NONE || !v->shadow)
        return (struct diff_outcome){ "kept", rule };
    *words = v->shadow_reason.words;
    return (struct diff_outcome){ "shadow", v->shadow->name };
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same(const struct diff_outcome *a, const struct diff_outcome *b)
{
    return strcmp(a->word, b->word) == 0 && same_text(a->rule, b->rule);
}

/* In one line, without what a terminal would obey; NULL for nothing. */
static char *one_line(const char *s)
{
    if (!s || !*s)
        return NULL;
    char *out = xmemdup0(s, utf8_cut(s, strlen(s), TEXT_BYTES));
    for (char *p = out; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = ' ';
    return out;
}

static void make_sample(const struct diff *d, struct reply *r, const struct event *ev,
                        const char *words)
{
    char *conversation = one_line(event_str(ev, FIELD_CONVERSATION));
    r->sample.conversation = conversation ? conversation : xstrdup("");
    if (!d->with_text)
        return;
    r->sample.words = one_line(words);
    r->sample.text = one_line(event_str(ev, FIELD_REPLY));
}

static void compare(const struct diff *d, struct match_scratch *scratch, struct reply *r,
                    const struct event *ev)
{
    const struct match_options opt = { .now_ms = d->now_ms, .verdict_alone = true };
    struct verdict old, new;
    const char *old_words, *new_words;
    match_event(d->old, scratch, ev, &opt, &old);
    match_event(d->new, scratch, ev, &opt, &new);
    r->old = outcome_of(&old, &old_words);
    r->new = outcome_of(&new, &new_words);
    r->limited = new.limited ? new.limited->name : NULL;
    r->differs = !same(&r->old, &r->new);
    if (r->differs)
        make_sample(d, r, ev, new_words[0] ? new_words : old_words);
}

static void look_at(const struct diff *d, struct match_scratch *scratch, struct reply *r)
{
    scoped(event_record_done) struct event_record rec = { .event = NULL };
    r->rc = event_record_read(r->line, r->len, &rec, &r->err);
    if (r->rc < 0)
        return;
    r->arrived_at_ms = rec.arrived_at_ms;
    if (!d->result.equal)
        compare(d, scratch, r, rec.event);
}

static void *worker(void *arg)
{
    struct diff *d = arg;
    struct match_scratch *scratch = match_scratch_new();
    for (size_t i; (i = atomic_fetch_add(&d->next, 1)) < d->nreplies;)
        look_at(d, scratch, &d->replies[i]);
    match_scratch_free(scratch);
    return NULL;
}

static void look_at_all(struct diff *d)
{
    pthread_t threads[THREADS_MAX];
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t n = 0;
    atomic_store(&d->next, 0);
    while (n < THREADS_MAX && (long)n + 1 < cores &&
           pthread_create(&threads[n], NULL, worker, d) == 0)
        n++;
    worker(d);
    for (size_t i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
}

/* ---- adding up ------------------------------------------------------------------------- */

static enum diff_kind kind_of(const struct reply *r)
{
    const bool before = strcmp(r->old.word, "mark") == 0;
    const bool after = strcmp(r->new.word, "mark") == 0;
    return before == after ? DIFF_OTHERWISE : after ? DIFF_NEWLY : DIFF_NO_LONGER;
}

/* NULL when there are too many. */
static struct diff_group *group_of(struct diff_result *d, const struct reply *r)
{
    for (size_t i = 0; i < d->ngroups; i++)
        if (same(&d->groups[i].old, &r->old) && same(&d->groups[i].new, &r->new))
            return &d->groups[i];
    if (d->ngroups == DIFF_GROUPS_MAX)
        return NULL;
    d->groups = xreallocarray(d->groups, d->ngroups + 1, sizeof(*d->groups));
    struct diff_group *g = &d->groups[d->ngroups++];
    *g = (struct diff_group){ .kind = kind_of(r), .old = r->old, .new = r->new };
    return g;
}

static void count_limited(struct diff_result *d, const char *rule)
{
    size_t i = 0;
    while (i < d->nlimited && strcmp(d->limited[i].rule, rule) != 0)
        i++;
    if (i == d->nlimited) {
        d->limited = xreallocarray(d->limited, i + 1, sizeof(*d->limited));
        d->limited[d->nlimited++] = (struct diff_limited){ .rule = rule };
    }
    d->limited[i].count++;
}

static void count_time(struct diff_result *d, int64_t at_ms)
{
    if (at_ms <= 0)
        return;
    if (d->first_ms == 0 || at_ms < d->first_ms)
        d->first_ms = at_ms;
    if (at_ms > d->last_ms)
        d->last_ms = at_ms;
}

static void count(struct diff_result *d, struct reply *r)
{
    d->total++;
    count_time(d, r->arrived_at_ms);
    if (r->limited)
        count_limited(d, r->limited);
    if (!r->differs)
        return;
    d->counts[kind_of(r)]++;
    struct diff_group *g = group_of(d, r);
    if (!g) {
        d->ungrouped++;
        return;
    }
    g->count++;
    if (g->nsamples == DIFF_SAMPLES)
        return;
    g->samples[g->nsamples++] = r->sample;
    r->sample = (struct diff_sample){ .text = NULL };
}

static void sample_done(struct diff_sample *s)
{
    free(s->conversation);
    free(s->words);
    free(s->text);
}

static int count_all(struct diff *d, struct error *err)
{
    int rc = 0;
    for (size_t i = 0; i < d->nreplies; i++) {
        struct reply *r = &d->replies[i];
        if (rc == 0 && r->rc < 0) {
            *err = r->err;
            rc = error_prefix(err, "event %zu: ", d->result.total + 1);
        }
        if (rc == 0)
            count(&d->result, r);
        free(r->line);
        sample_done(&r->sample);
        *r = (struct reply){ .line = NULL };
    }
    d->nreplies = 0;
    return rc;
}

/* ---- the whole --------------------------------------------------------------------------- */

struct diff *diff_new(const struct ruleset *old, const struct ruleset *new, bool with_text,
                      bool equal, int64_t now_ms)
{
    struct diff *d = xcalloc(1, sizeof(*d));
    d->old = old;
    d->new = new;
    d->with_text = with_text;
    d->now_ms = now_ms;
    d->result.equal = equal;
    return d;
}

void diff_free(struct diff *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->nreplies; i++)
        free(d->replies[i].line);
    for (size_t i = 0; i < d->result.ngroups; i++)
        for (size_t k = 0; k < d->result.groups[i].nsamples; k++)
            sample_done(&d->result.groups[i].samples[k]);
    free(d->result.groups);
    free(d->result.limited);
    free(d);
}

int diff_flush(struct diff *d, struct error *err)
{
    look_at_all(d);
    return count_all(d, err);
}

int diff_add(struct diff *d, const char *line, size_t len, struct error *err)
{
    size_t blanks = 0;
    while (blanks < len && strchr(" \t\r\n", line[blanks]) && line[blanks])
        blanks++;
    if (blanks == len)
        return 0;
    d->replies[d->nreplies++] = (struct reply){ .line = xmemdup0(line, len), .len = len };
    return d->nreplies == CHUNK ? diff_flush(d, err) : 0;
}

static int compare_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

static int by_weight(const void *pa, const void *pb)
{
    const struct diff_group *a = pa, *b = pb;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    const int by_new = compare_text(a->new.rule, b->new.rule);
    return by_new ? by_new : compare_text(a->old.rule, b->old.rule);
}

static int by_rule(const void *pa, const void *pb)
{
    const struct diff_limited *a = pa, *b = pb;
    return strcmp(a->rule, b->rule);
}

const struct diff_result *diff_result(struct diff *d)
{
    struct diff_result *r = &d->result;
    if (r->ngroups > 1)
        qsort(r->groups, r->ngroups, sizeof(*r->groups), by_weight);
    if (r->nlimited > 1)
        qsort(r->limited, r->nlimited, sizeof(*r->limited), by_rule);
    return r;
}

size_t diff_count(const struct diff *d)
{
    return d->result.total + d->nreplies;
}
