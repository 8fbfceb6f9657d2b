#include "rules/deciding.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "rules/branches.h"
#include "rules/eval.h"
#include "rules/pattern.h"

#define NONE BRANCH_NONE

/* A mark's place among the others. Behind the pattern's own marks stands one more, the
 * last, at which a match that is turned back tries all other ways first; not where the
 * pattern is not understood. */
struct mark {
    size_t first;  /* of its alternation; its own number when it is that */
    size_t beside; /* the next of its alternation, or NONE */
    size_t inside; /* the mark of the alternative around it, or NONE */
};

struct deciding {
    struct pattern *pattern;
    struct way *ways; /* one a mark */
    struct mark *marks;
    size_t count;
    size_t last;   /* or NONE */
    bool forbids;  /* a group stands in what must not follow */
    bool *off;     /* what the match is turned back at */
    bool *reached; /* what it came to */
    bool *todo;    /* alternations, by their first */
};

/* ---- making it ------------------------------------------------------------------------- */

static size_t add_mark(struct deciding *d, struct way way)
{
    d->ways = xreallocarray(d->ways, d->count + 1, sizeof(*d->ways));
    d->marks = xreallocarray(d->marks, d->count + 1, sizeof(*d->marks));
    d->ways[d->count] = way;
    d->marks[d->count] = (struct mark){ .first = d->count, .beside = NONE, .inside = NONE };
    return d->count++;
}

/* The branch before i that stands beside it. */
static size_t one_beside(const struct branches *b, size_t i)
{
    for (size_t k = i; k-- > 0;)
        if (b->list[k].alternation == b->list[i].alternation)
            return k;
    return NONE;
}

/* Appends the source with its marks; false when it was not understood and has none. */
static bool add_source(struct deciding *d, struct buf *out, const char *source,
                       const struct definition *group)
{
    scoped(branches_done) struct branches b = { .list = NULL };
    const size_t base = d->count;
    branches_find(&b, source);
    d->forbids = d->forbids || b.forbids;
    for (size_t i = 0; i < b.count; i++) {
        const size_t beside = one_beside(&b, i);
        const bool written = b.list[i].kind == BRANCH_WRITTEN;
        const size_t at = add_mark(d, (struct way){ .group = group,
                                                    .start = written ? b.list[i].start : 0,
                                                    .end = written ? b.list[i].end : 0 });
        if (beside == NONE)
            continue;
        d->marks[base + beside].beside = at;
        d->marks[at].first = d->marks[base + beside].first;
    }
    for (size_t i = 0; i < b.count; i++)
        if (b.list[i].inside != NONE)
            d->marks[base + i].inside = base + b.list[i].inside;
    branches_mark(out, source, &b);
    return !b.strange;
}

static struct pattern *compile(struct deciding *d, const struct alternative *a, bool whole)
{
    scoped(buf_free) struct buf source = BUF_INIT;
    scoped(buf_free) struct buf own = BUF_INIT;
    scoped(buf_free) struct buf groups = BUF_INIT;
    const bool understood = add_source(d, &source, a->source, NULL);
    d->last = understood ? add_mark(d, (struct way){ .group = NULL }) : NONE;
    buf_puts(&own, understood ? "(?:" : "");
    buf_puts(&own, buf_str(&source));
    buf_puts(&own, understood ? ")" PATTERN_MARK : "");
    for (size_t i = 0; i < a->nuses; i++) {
        buf_printf(&groups, "(?<%s>", a->uses[i]->name);
        (void)add_source(d, &groups, a->uses[i]->source, a->uses[i]);
        buf_putc(&groups, ')');
    }
    return pattern_compile_marked(buf_str(&own), whole, a->nuses > 0 ? buf_str(&groups) : NULL);
}

struct deciding *deciding_new(const struct alternative *a, bool whole)
{
    struct deciding *d = xcalloc(1, sizeof(*d));
    d->pattern = compile(d, a, whole);
    d->off = xcalloc(d->count + 1, sizeof(*d->off));
    d->reached = xcalloc(d->count + 1, sizeof(*d->reached));
    d->todo = xcalloc(d->count + 1, sizeof(*d->todo));
    if (d->pattern && pattern_marks(d->pattern) == d->count)
        return d;
    deciding_free(d);
    return NULL;
}

void deciding_free(struct deciding *d)
{
    if (!d)
        return;
    pattern_free(d->pattern);
    free(d->ways);
    free(d->marks);
    free(d->off);
    free(d->reached);
    free(d->todo);
    free(d);
}

struct way *deciding_ways(struct deciding *d, size_t *count)
{
    *count = d->count;
    return d->ways;
}

/* ---- asking ----------------------------------------------------------------------------- */

static bool come_to(void *ctx, size_t number)
{
    struct deciding *d = ctx;
    d->reached[number] = true;
    return !d->off[number];
}

static bool says_yes(struct deciding *d, const struct deciding_question *q)
{
    struct alternative alone = { .pattern = d->pattern };
    struct cond leaf = *q->leaf;
    leaf.alternatives = &alone;
    leaf.nalternatives = 1;
    /* a new one each time: it remembers what a pattern found */
    struct eval e = { .ev = q->ev, .scratch = q->scratch, .now_ms = q->now_ms };
    memset(d->reached, 0, d->count * sizeof(*d->reached));
    match_scratch_marks(q->scratch, come_to, d);
    const bool yes = eval_cond(&e, &leaf, NULL) == CAN_YES;
    match_scratch_marks(q->scratch, NULL, NULL);
    return yes;
}

static bool is_wanted(const struct deciding *d, const struct deciding_question *q, size_t i)
{
    const struct way *w = &d->ways[i];
    return w->start < w->end && q->wanted(q->ctx, w);
}

/* Leaves one of an alternation on. */
static void switch_off(struct deciding *d, size_t first, size_t but)
{
    for (size_t i = first; i != NONE; i = d->marks[i].beside)
        d->off[i] = i != but;
}

/* Those that the last match came to and that are still wanted are tried with their switch
 * the other way. */
static void turn_each(struct deciding *d, const struct deciding_question *q, size_t first,
                      bool answer)
{
    scoped(freep) bool *met = xcalloc(d->count, sizeof(*met));
    memcpy(met, d->reached, d->count * sizeof(*met));
    for (size_t i = first; i != NONE; i = d->marks[i].beside) {
        if (!met[i] || !is_wanted(d, q, i))
            continue;
        d->off[i] = !d->off[i];
        if (says_yes(d, q) != answer)
            q->decides(q->ctx, &d->ways[i]);
        d->off[i] = !d->off[i];
    }
}

static void ask_alternation(struct deciding *d, const struct deciding_question *q, size_t first)
{
    memset(d->off, 0, d->count * sizeof(*d->off));
    for (size_t i = d->marks[first].inside; i != NONE; i = d->marks[i].inside)
        switch_off(d, d->marks[i].first, i);
    switch_off(d, first, NONE);
    turn_each(d, q, first, says_yes(d, q));
    for (size_t i = first; i != NONE; i = d->marks[i].beside)
        d->off[i] = false;
    turn_each(d, q, first, says_yes(d, q));
}

/* The alternations of which something is still wanted; false when there are none. */
static bool find_wanted(struct deciding *d, const struct deciding_question *q)
{
    bool any = false;
    memset(d->todo, 0, d->count * sizeof(*d->todo));
    for (size_t i = 0; i < d->count; i++) {
        const size_t first = d->marks[i].first;
        d->todo[first] = d->todo[first] || is_wanted(d, q, i);
        any = any || d->todo[first];
    }
    return any;
}

/* Forgets those that the text does not come to at all. */
static void find_reached(struct deciding *d, const struct deciding_question *q)
{
    memset(d->off, 0, d->count * sizeof(*d->off));
    if (d->last != NONE)
        d->off[d->last] = true;
    (void)says_yes(d, q);
    for (size_t first = 0; first < d->count; first++) {
        bool reached = false;
        for (size_t i = d->todo[first] ? first : NONE; i != NONE; i = d->marks[i].beside)
            reached |= d->reached[i];
        d->todo[first] = reached;
    }
}

void deciding_ask(struct deciding *d, const struct deciding_question *q)
{
    if (!find_wanted(d, q))
        return;
    memset(d->off, 0, d->count * sizeof(*d->off));
    if (!says_yes(d, q) && !d->forbids)
        return; /* fewer alternatives find no more */
    find_reached(d, q);
    for (size_t first = 0; first < d->count; first++)
        if (d->todo[first])
            ask_alternation(d, q, first);
}
