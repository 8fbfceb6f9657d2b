#include "rules/coverage.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/yaml.h"
#include "rules/deciding.h"
#include "rules/eval.h"
#include "rules/test_run.h"

/* Something that a test can exercise. */
struct unit {
    enum cover_kind kind;
    const struct rule *rule;           /* NULL: in a group */
    const struct definition *group;    /* NULL: in a rule */
    const struct cond *leaf;           /* NULL: the rule itself, or in a group */
    const struct alternative *written; /* NULL: the whole condition, or in a group */
    bool inside;                       /* from start to end of its source, found by deciding.h */
    bool too_large;                    /* its alternatives cannot be told apart: never covered */
    size_t start, end;
    bool covered;
};

struct units {
    struct unit *list;
    size_t count;
};

/* A pattern of a rule with alternatives inside, its own or those of groups. */
struct use {
    const struct cond *leaf;
    struct deciding *deciding; /* other uses of the same pattern have it too */
    size_t own;                /* the unit of the first alternative of its own */
};

/* What belongs to one rule, among all units and uses. */
struct section {
    const struct rule *rule;
    size_t unit, nunits;
    size_t use, nuses;
};

struct coverage {
    const struct ruleset *rs;
    struct match_scratch *scratch;
    struct units rules; /* each rule's stand together */
    struct units groups;
    struct use *uses; /* the same */
    size_t nuses;
    struct section *sections;
    size_t nsections;
    struct deciding **patterns; /* by the number of the pattern; NULL: not made, or not to be had */
};

/* ---- what there is to cover ----------------------------------------------------------- */

static void add_unit(struct units *all, const struct unit *u)
{
    if ((all->count & (all->count + 1)) == 0) /* doubles */
        all->list = xreallocarray(all->list, (all->count + 1) * 2, sizeof(*all->list));
    all->list[all->count++] = *u;
}

/* Where the units of a group begin, which many patterns share. */
static size_t group_begins(const struct coverage *c, const struct definition *group)
{
    size_t i = 0;
    while (i < c->groups.count && c->groups.list[i].group != group)
        i++;
    return i;
}

/* Own alternatives are numbered from 0 for each use. Those of a group stand together, in the
 * same order each time, and are units when it is first met. */
static void number_ways(struct coverage *c, struct way *ways, size_t count)
{
    const struct definition *group = NULL;
    size_t next = 0;
    for (size_t i = 0; i < count; i++) {
        struct way *w = &ways[i];
        if (w->group != group)
            next = group_begins(c, w->group);
        group = w->group;
        if (w->start == w->end)
            continue;
        w->unit = next++;
        if (group && w->unit == c->groups.count)
            add_unit(&c->groups, &(struct unit){ .kind = COVER_ALTERNATIVE,
                                                 .group = group,
                                                 .inside = true,
                                                 .start = w->start,
                                                 .end = w->end });
    }
}

static struct deciding *deciding_of(struct coverage *c, const struct alternative *a, bool whole)
{
    struct deciding **d = &c->patterns[a->number];
    if (*d)
        return *d;
    size_t count = 0;
    *d = deciding_new(a, whole);
    struct way *ways = *d ? deciding_ways(*d, &count) : NULL;
    number_ways(c, ways, count);
    return *d;
}

/* How many alternatives the pattern has of its own. */
static size_t add_use(struct coverage *c, const struct unit *base)
{
    const struct alternative *a = base->written;
    const struct use use = { .leaf = base->leaf,
                             .deciding = deciding_of(c, a, base->leaf->test == TEST_WHOLE),
                             .own = c->rules.count };
    size_t count = 0;
    const struct way *ways = use.deciding ? deciding_ways(use.deciding, &count) : NULL;
    if (!use.deciding) {
        struct unit u = *base;
        u.inside = u.too_large = true;
        add_unit(&c->rules, &u);
    }
    for (size_t i = 0; i < count; i++) {
        struct unit u = *base;
        u.inside = true;
        u.start = ways[i].start;
        u.end = ways[i].end;
        if (!ways[i].group && u.start < u.end)
            add_unit(&c->rules, &u);
    }
    if (count > 1) { /* the last mark is no alternative */
        c->uses = xreallocarray(c->uses, c->nuses + 1, sizeof(*c->uses));
        c->uses[c->nuses++] = use;
    }
    return c->rules.count - use.own;
}

/* A list file is data, not logic: its entries need no tests. */
static void add_alternatives(struct coverage *c, const struct rule *r, const struct cond *leaf)
{
    for (size_t i = 0; leaf->test != TEST_IN && i < leaf->nalternatives; i++) {
        const struct alternative *a = &leaf->alternatives[i];
        const struct unit u = { .kind = COVER_ALTERNATIVE,
                                .rule = r,
                                .leaf = leaf,
                                .written = a,
                                .end = strlen(a->source) };
        const size_t inside = a->pattern ? add_use(c, &u) : 0;
        if (inside == 0 && leaf->nalternatives > 1)
            add_unit(&c->rules, &u);
    }
}

static void add_cond(struct coverage *c, const struct rule *r, const struct cond *cond)
{
    if (cond->kind == COND_FIELD) {
        const struct unit u = { .kind = COVER_CONDITION, .rule = r, .leaf = cond };
        add_unit(&c->rules, &u);
        add_alternatives(c, r, cond);
    }
    for (size_t i = 0; i < cond->nchildren; i++)
        add_cond(c, r, &cond->children[i]);
}

static void add_rule(struct coverage *c, const struct rule *r)
{
    struct section s = { .rule = r, .unit = c->rules.count, .use = c->nuses };
    add_unit(&c->rules, &(struct unit){ .kind = COVER_RULE, .rule = r });
    add_cond(c, r, &r->when);
    for (size_t k = 0; k < r->nexcept; k++)
        add_cond(c, r, &r->except[k].cond);
    s.nunits = c->rules.count - s.unit;
    s.nuses = c->nuses - s.use;
    c->sections = xreallocarray(c->sections, c->nsections + 1, sizeof(*c->sections));
    c->sections[c->nsections++] = s;
}

static void add_rules(struct coverage *c, const struct rule *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].state != RULE_OFF)
            add_rule(c, &list[i]);
}

struct coverage *coverage_new(const struct ruleset *rs, struct match_scratch *scratch)
{
    struct coverage *c = xcalloc(1, sizeof(*c));
    c->rs = rs;
    c->scratch = scratch;
    c->patterns = xcalloc(rs->npatterns + 1, sizeof(struct deciding *));
    add_rules(c, rs->guards, rs->nguards);
    add_rules(c, rs->rules, rs->nrules);
    return c;
}

void coverage_free(struct coverage *c)
{
    if (!c)
        return;
    for (size_t i = 0; i <= c->rs->npatterns; i++)
        deciding_free(c->patterns[i]);
    free(c->patterns);
    free(c->rules.list);
    free(c->groups.list);
    free(c->uses);
    free(c->sections);
    free(c);
}

/* ---- what a test covers ----------------------------------------------------------------- */

static bool says_yes(struct eval *e, const struct unit *u)
{
    struct cond asked = *u->leaf;
    struct alternative alone;
    if (u->written) {
        alone = *u->written;
        asked.alternatives = &alone;
        asked.nalternatives = 1;
    }
    eval_next(e);
    return eval_cond(e, &asked, NULL) == CAN_YES;
}

struct asking {
    struct coverage *c;
    const struct use *use;
};

static struct unit *unit_of(void *ctx, const struct way *w)
{
    const struct asking *a = ctx;
    return w->group ? &a->c->groups.list[w->unit] : &a->c->rules.list[a->use->own + w->unit];
}

static bool is_wanted(void *ctx, const struct way *w)
{
    return !unit_of(ctx, w)->covered;
}

static void is_covered(void *ctx, const struct way *w)
{
    unit_of(ctx, w)->covered = true;
}

static const struct section *section_of(const struct coverage *c, const struct rule *r)
{
    for (size_t i = 0; i < c->nsections; i++)
        if (c->sections[i].rule == r)
            return &c->sections[i];
    return NULL; /* it is off */
}

static void cover_rule(struct coverage *c, const struct rule *r, struct eval *e, bool ended_with_it)
{
    const struct section *s = section_of(c, r);
    for (size_t i = 0; s && i < s->nunits; i++) {
        struct unit *u = &c->rules.list[s->unit + i];
        if (!u->covered && !u->inside)
            u->covered = u->kind == COVER_RULE ? ended_with_it : says_yes(e, u);
    }
    for (size_t i = 0; s && i < s->nuses; i++) {
        struct asking asking = { .c = c, .use = &c->uses[s->use + i] };
        deciding_ask(asking.use->deciding, &(struct deciding_question){ .leaf = asking.use->leaf,
                                                                        .ev = e->ev,
                                                                        .scratch = c->scratch,
                                                                        .now_ms = e->now_ms,
                                                                        .wanted = is_wanted,
                                                                        .decides = is_covered,
                                                                        .ctx = &asking });
    }
}

void coverage_add(struct coverage *c, const struct rule *own, const struct rule_test *t,
                  int64_t now_ms, bool passed)
{
    const struct rule *subject = rule_test_subject(c->rs, own, t);
    const bool ends = passed && (t->expect == EXPECT_THIS || t->expect == EXPECT_RULE ||
                                 t->expect == EXPECT_KEPT_BY);
    scoped(event_freep) struct event *ev = rule_test_event(t);
    match_budget_start(c->scratch, 0);
    struct eval e = { .ev = ev, .scratch = c->scratch, .now_ms = now_ms };
    if (subject)
        cover_rule(c, subject, &e, ends);
    if (own && own != subject)
        cover_rule(c, own, &e, false);
}

/* ---- the report --------------------------------------------------------------------------- */

static const struct yaml_node *scalar_at(const struct yaml_node *n, const struct place *p)
{
    unsigned line = 0;
    unsigned col = 0;
    if (yaml_kind(n) == YAML_SCALAR) {
        yaml_start(n, &line, &col);
        return line == p->line && col == p->col ? n : NULL;
    }
    const struct yaml_node *hit = NULL;
    for (size_t i = 0; i < yaml_count(n) && !hit; i++)
        hit = scalar_at(yaml_kind(n) == YAML_MAP ? yaml_value(n, i) : yaml_item(n, i), p);
    return hit;
}

/* Rules keep where a scalar begins; where its bytes stand, only the file can say. */
struct reader {
    const struct ruleset *rs;
    struct yaml_doc *doc;
};

static const struct yaml_doc *doc_of(struct reader *r, const char *file)
{
    if (r->doc && strcmp(yaml_file(r->doc), file) == 0)
        return r->doc;
    yaml_freep(&r->doc);
    scoped(diags_done) struct diags d = DIAGS_INIT;
    for (size_t i = 0; i < r->rs->nfiles && !r->doc; i++)
        if (strcmp(r->rs->files[i].path, file) == 0)
            r->doc = yaml_parse(file, r->rs->files[i].bytes, r->rs->files[i].len, &d);
    return r->doc;
}

static struct place place_of(struct reader *r, const struct unit *u)
{
    struct place p = u->group     ? u->group->place
                     : u->written ? u->written->place
                     : u->leaf    ? u->leaf->place
                                  : u->rule->place;
    if (u->start == 0)
        return p;
    const struct yaml_doc *doc = doc_of(r, p.file);
    const struct yaml_node *n = doc && yaml_root(doc) ? scalar_at(yaml_root(doc), &p) : NULL;
    if (n)
        yaml_place(n, u->start, &p.line, &p.col);
    return p;
}

static char *words_of(const struct unit *u)
{
    if (u->kind == COVER_RULE)
        return xasprintf("%s '%s'", u->rule->guard ? "guard" : "rule", u->rule->name);
    if (u->too_large)
        return xasprintf("pattern of %s: too large to tell its alternatives apart; use fewer or "
                         "smaller groups",
                         u->rule->name);
    if (u->kind == COVER_CONDITION)
        return xasprintf("condition '%s' of %s", u->leaf->field.name, u->rule->name);
    const char *source = u->group ? u->group->source : u->written->source;
    return xasprintf("alternative '%.*s' of %s%s", (int)(u->end - u->start), source + u->start,
                     u->group ? "group " : "", u->group ? u->group->name : u->rule->name);
}

static void add_gap(struct coverage_report *out, struct reader *r, const struct unit *u)
{
    out->gaps = xreallocarray(out->gaps, out->ngaps + 1, sizeof(*out->gaps));
    out->gaps[out->ngaps++] = (struct cover_gap){
        .kind = u->kind,
        .rule = u->rule,
        .group = u->group,
        .place = place_of(r, u),
        .what = words_of(u),
    };
}

static void count_units(struct coverage_report *out, struct reader *r, const struct units *all)
{
    for (size_t i = 0; i < all->count; i++) {
        const struct unit *u = &all->list[i];
        out->of[u->kind].total++;
        out->of[u->kind].covered += u->covered;
        if (!u->covered)
            add_gap(out, r, u);
    }
}

void coverage_finish(const struct coverage *c, struct coverage_report *out)
{
    struct reader reader = { .rs = c->rs };
    *out = (struct coverage_report){ .gaps = NULL };
    count_units(out, &reader, &c->rules);
    count_units(out, &reader, &c->groups);
    const size_t all = c->rules.count + c->groups.count;
    out->percent = all > 0 ? (unsigned)((all - out->ngaps) * 100 / all) : 100;
    yaml_freep(&reader.doc);
}

void coverage_report_done(struct coverage_report *r)
{
    for (size_t i = 0; i < r->ngaps; i++)
        free(r->gaps[i].what);
    free(r->gaps);
    *r = (struct coverage_report){ .gaps = NULL };
}
