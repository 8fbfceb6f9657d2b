#include "rules/coverage.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/yaml.h"
#include "rules/branches.h"
#include "rules/eval.h"
#include "rules/test_run.h"

/* Something that a test can exercise. */
struct unit {
    enum cover_kind kind;
    const struct rule *rule;
    const struct cond *leaf;           /* NULL: the rule itself */
    const struct alternative *written; /* NULL: the whole condition */
    size_t start, end;                 /* of a branch in the alternative's source */
    struct alternative alone;          /* what is asked: the alternative, or its branch */
    struct pattern *compiled;          /* a branch's own pattern, ours to free */
    bool covered;
};

struct coverage {
    const struct ruleset *rs;
    struct match_scratch *scratch;
    struct unit *units; /* each rule's stand together */
    size_t count;
};

/* ---- what there is to cover ----------------------------------------------------------- */

static void add_unit(struct coverage *c, const struct unit *u)
{
    if ((c->count & (c->count + 1)) == 0) /* doubles */
        c->units = xreallocarray(c->units, (c->count + 1) * 2, sizeof(*c->units));
    c->units[c->count++] = *u;
}

static size_t add_branches(struct coverage *c, const struct unit *base, const struct alternative *a)
{
    scoped(branches_done) struct branches b = { .list = NULL };
    size_t added = 0;
    branches_find(&b, a->source);
    for (size_t i = 0; i < b.count; i++) {
        size_t at = 0;
        struct unit u = *base;
        const char *only = b.list[i].only;
        u.compiled =
            pattern_compile(only, strlen(only), u.leaf->test == TEST_WHOLE, a->groups, &at, NULL);
        if (!u.compiled)
            continue; /* a reference to a group that is gone: cannot be told apart */
        u.alone.pattern = u.compiled;
        u.alone.number = 0;
        u.start = b.list[i].start;
        u.end = b.list[i].end;
        add_unit(c, &u);
        added++;
    }
    return added;
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
                                .end = strlen(a->source),
                                .alone = *a };
        const size_t branches = a->pattern ? add_branches(c, &u, a) : 0;
        if (branches == 0 && leaf->nalternatives > 1)
            add_unit(c, &u);
    }
}

static void add_cond(struct coverage *c, const struct rule *r, const struct cond *cond)
{
    if (cond->kind == COND_FIELD) {
        const struct unit u = { .kind = COVER_CONDITION, .rule = r, .leaf = cond };
        add_unit(c, &u);
        add_alternatives(c, r, cond);
    }
    for (size_t i = 0; i < cond->nchildren; i++)
        add_cond(c, r, &cond->children[i]);
}

static void add_rules(struct coverage *c, const struct rule *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct rule *r = &list[i];
        if (r->state == RULE_OFF)
            continue;
        add_unit(c, &(struct unit){ .kind = COVER_RULE, .rule = r });
        add_cond(c, r, &r->when);
        for (size_t k = 0; k < r->nexcept; k++)
            add_cond(c, r, &r->except[k].cond);
    }
}

struct coverage *coverage_new(const struct ruleset *rs, struct match_scratch *scratch)
{
    struct coverage *c = xcalloc(1, sizeof(*c));
    c->rs = rs;
    c->scratch = scratch;
    add_rules(c, rs->guards, rs->nguards);
    add_rules(c, rs->rules, rs->nrules);
    return c;
}

void coverage_free(struct coverage *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->count; i++)
        pattern_free(c->units[i].compiled);
    free(c->units);
    free(c);
}

/* ---- what a test covers ----------------------------------------------------------------- */

static bool says_yes(struct eval *e, const struct unit *u)
{
    struct cond asked = *u->leaf;
    struct alternative alone = u->alone;
    if (u->written) {
        asked.alternatives = &alone;
        asked.nalternatives = 1;
    }
    eval_next(e);
    return eval_cond(e, &asked, NULL) == CAN_YES;
}

static void cover_rule(struct coverage *c, const struct rule *r, struct eval *e, bool ended_with_it)
{
    for (size_t i = 0; i < c->count; i++) {
        struct unit *u = &c->units[i];
        if (u->rule != r || u->covered)
            continue;
        u->covered = u->kind == COVER_RULE ? ended_with_it : says_yes(e, u);
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
    struct place p = u->written ? u->written->place : u->leaf ? u->leaf->place : u->rule->place;
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
    if (u->kind == COVER_CONDITION)
        return xasprintf("condition '%s' of %s", u->leaf->field.name, u->rule->name);
    return xasprintf("alternative '%.*s' of %s", (int)(u->end - u->start),
                     u->written->source + u->start, u->rule->name);
}

static void add_gap(struct coverage_report *out, struct reader *r, const struct unit *u)
{
    out->gaps = xreallocarray(out->gaps, out->ngaps + 1, sizeof(*out->gaps));
    out->gaps[out->ngaps++] = (struct cover_gap){
        .kind = u->kind, .rule = u->rule, .place = place_of(r, u), .what = words_of(u)
    };
}

void coverage_finish(const struct coverage *c, struct coverage_report *out)
{
    struct reader reader = { .rs = c->rs };
    size_t covered = 0;
    *out = (struct coverage_report){ .gaps = NULL };
    for (size_t i = 0; i < c->count; i++) {
        const struct unit *u = &c->units[i];
        out->of[u->kind].total++;
        out->of[u->kind].covered += u->covered;
        covered += u->covered;
        if (!u->covered)
            add_gap(out, &reader, u);
    }
    out->percent = c->count > 0 ? (unsigned)(covered * 100 / c->count) : 100;
    yaml_freep(&reader.doc);
}

void coverage_report_done(struct coverage_report *r)
{
    for (size_t i = 0; i < r->ngaps; i++)
        free(r->gaps[i].what);
    free(r->gaps);
    *r = (struct coverage_report){ .gaps = NULL };
}
