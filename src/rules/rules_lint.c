#include "rules/rules_lint.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "rules/imply.h"
#include "rules/lint.h"
#include "rules/loader.h"
#include "rules/pattern.h"
#include "rules/samples.h"

#define OPT_OUT_LEAST 4
#define DOUBLES_MAX 500 /* longer lists are not compared with themselves */
#define PAIRS_MS 2000   /* CPU time for that */
#define TRIALS_MS 4000  /* CPU time for hostile texts, all patterns together */

void lint_warn(const struct lint *l, const struct place *place, const char *fmt, ...)
{
    char words[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(words, sizeof(words), fmt, ap);
    va_end(ap);
    rules_diag(l->rs, l->diags, DIAG_WARNING, place, "%s", words);
}

/* ---- conditions -------------------------------------------------------------------------- */

static void lint_cond(struct lint *l, const struct cond *c)
{
    if (c->kind == COND_FIELD)
        lint_leaf(l, c);
    for (size_t i = 0; i < c->nchildren; i++) {
        for (size_t k = 0; k < i && c->nchildren <= DOUBLES_MAX; k++) {
            if (!cond_same(l->scratch, &c->children[i], &c->children[k]))
                continue;
            lint_warn(l, &c->children[i].place, "the same condition stands in line %u already",
                      c->children[k].place.line);
            break;
        }
        lint_cond(l, &c->children[i]);
    }
}

/* ---- what may never match ------------------------------------------------------------------ */

static void lint_never(const struct lint *l, const struct rule *r)
{
    const struct cond *one = NULL;
    const struct cond *other = NULL;
    if (cond_contradicts(l->scratch, &r->when, &one, &other))
        lint_warn(l, &other->place, "'%s' can never match: this contradicts line %u, column %u",
                  r->name, one->place.line, one->place.col);
    for (size_t i = 0; i < r->nexcept; i++) {
        if (r->except[i].until_ms != 0 || !cond_implies(l->scratch, &r->when, &r->except[i].cond))
            continue;
        lint_warn(l, &r->except[i].place,
                  "'%s' can never match: this exception holds whenever its condition does",
                  r->name);
    }
}

/* True when `first`, which is asked earlier, decides whatever `second` would match. */
static bool always_wins(const struct lint *l, const struct rule *first, const struct rule *second)
{
    return !first->broken && first->state == RULE_LIVE && first->nexcept == 0 &&
           first->active_from_ms == 0 && first->active_until_ms == 0 &&
           cond_implies(l->scratch, &second->when, &first->when);
}

static void lint_overtaken(const struct lint *l, const struct rule *r, const struct rule *list,
                           size_t count)
{
    if (r->state == RULE_DRAFT || r->state == RULE_OFF || r->broken)
        return;
    for (size_t i = 0; i < count; i++) {
        if (!always_wins(l, &list[i], r))
            continue;
        lint_warn(
            l, &r->place, "'%s' can never match: %s '%s' (%s:%u) always comes first%s", r->name,
            list[i].guard ? "guard" : "rule", list[i].name, list[i].place.file, list[i].place.line,
            cond_same(l->scratch, &list[i].when, &r->when) ? ", with the same condition" : "");
        return;
    }
}

static void lint_same_condition(const struct lint *l, const struct rule *r, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        const struct rule *other = &l->rs->rules[i];
        if (other->broken || r->broken || always_wins(l, other, r) ||
            !cond_same(l->scratch, &other->when, &r->when))
            continue;
        lint_warn(l, &r->when.place, "'%s' asks the same as '%s' (%s:%u)", r->name, other->name,
                  other->place.file, other->place.line);
        return;
    }
}

/* ---- what belongs to a careful set ------------------------------------------------------------
 */

static bool speaks_of_opt_out(const char *s)
{
    return s && (strcasestr(s, "unsubscri") || strcasestr(s, "opt-out") ||
                 strcasestr(s, "opt out") || strcasestr(s, "remove me"));
}

/* By what it finds, for such words are written in many ways; a few letters are no word. */
static bool finds_opt_out(const struct lint *l, const struct alternative *a)
{
    size_t count = 0;
    struct match_span span = { .start = 0 };
    const char *const *texts = samples_opt_out(&count);
    for (size_t i = 0; a->pattern && i < count; i++)
        if (pattern_match(a->pattern, l->scratch, texts[i], strlen(texts[i]), &span) ==
                ANSWER_YES &&
            span.end - span.start >= OPT_OUT_LEAST)
            return !lint_finds_ordinary(l, a);
    return false;
}

static bool is_free_text(const struct cond *c)
{
    return c->kind == COND_FIELD &&
           (c->field.field == FIELD_REPLY || c->field.field == FIELD_TEXT ||
            c->field.field == FIELD_SUBJECT);
}

static bool cond_speaks_of_opt_out(const struct lint *l, const struct cond *c)
{
    if (c->kind == COND_NOT)
        return false;
    for (size_t i = 0; i < c->nalternatives && c->test != TEST_IN; i++)
        if (speaks_of_opt_out(c->alternatives[i].source) ||
            (is_free_text(c) && finds_opt_out(l, &c->alternatives[i])))
            return true;
    for (size_t i = 0; i < c->nchildren; i++)
        if (cond_speaks_of_opt_out(l, &c->children[i]))
            return true;
    return false;
}

static void lint_opt_out(const struct lint *l, const struct rule *r)
{
    if (r->guard || r->broken || r->state != RULE_LIVE || r->then != THEN_MARK_READ)
        return;
    if (speaks_of_opt_out(r->name) || cond_speaks_of_opt_out(l, &r->when))
        lint_warn(
            l, &r->place,
            "'%s' seems to mark requests to be removed, and is live: make sure that somebody or "
            "something else acts on them, else use state: shadow",
            r->name);
}

static bool looks_at_positive(const struct lint *l, const struct cond *c)
{
    static const char event[] = "email.positive_reply";
    for (size_t i = 0;
         c->kind == COND_FIELD && c->field.field == FIELD_EVENT && i < c->nalternatives; i++) {
        const struct alternative *a = &c->alternatives[i];
        if (a->pattern ? lint_found(l, a, event) : strcmp(a->literal, event) == 0)
            return true;
    }
    for (size_t i = 0; c->kind != COND_NOT && i < c->nchildren; i++)
        if (looks_at_positive(l, &c->children[i]))
            return true;
    return false;
}

static void lint_positive_guard(const struct lint *l)
{
    const struct ruleset *rs = l->rs;
    for (size_t i = 0; i < rs->nguards; i++)
        if (rs->guards[i].state != RULE_OFF && looks_at_positive(l, &rs->guards[i].when))
            return;
    for (size_t i = 0; i < rs->nrules; i++) {
        if (rs->rules[i].state != RULE_LIVE || rs->rules[i].then != THEN_MARK_READ)
            continue;
        lint_warn(
            l, &rs->rules[i].place,
            "no guard asks for event: email.positive_reply, so a reply that SendKit itself calls "
            "positive could be marked by this rule or another");
        return;
    }
}

static void lint_rule(struct lint *l, const struct rule *r)
{
    if (r->ntests == 0 && r->state != RULE_OFF && !r->broken)
        lint_warn(l, &r->place, "'%s' has no tests", r->name);
    lint_cond(l, &r->when);
    for (size_t i = 0; i < r->nexcept; i++)
        lint_cond(l, &r->except[i].cond);
    if (!r->broken)
        lint_never(l, r);
    lint_opt_out(l, r);
}

static void lint_order(const struct lint *l)
{
    const struct ruleset *rs = l->rs;
    const int64_t until = lint_cpu_ms() + PAIRS_MS;
    size_t i = 0;
    for (; i < rs->nrules && lint_cpu_ms() < until; i++) {
        lint_overtaken(l, &rs->rules[i], rs->guards, rs->nguards);
        lint_overtaken(l, &rs->rules[i], rs->rules, i);
        lint_same_condition(l, &rs->rules[i], i);
    }
    if (i < rs->nrules)
        diags_add(
            l->diags, DIAG_NOTE, NULL, 0, 0, NULL,
            "whether an earlier rule always wins was looked at for %zu of %zu rules, for that "
            "took %d s already",
            i, rs->nrules, PAIRS_MS / 1000);
}

void rules_lint(const struct ruleset *rs, bool whole_set, struct diags *d)
{
    struct lint l = { .rs = rs,
                      .diags = d,
                      .scratch = match_scratch_new(),
                      .trials_until_ms = lint_cpu_ms() + TRIALS_MS };
    for (size_t i = 0; i < rs->nguards; i++)
        lint_rule(&l, &rs->guards[i]);
    for (size_t i = 0; i < rs->nrules; i++)
        lint_rule(&l, &rs->rules[i]);
    lint_order(&l);
    if (whole_set)
        lint_positive_guard(&l);
    if (l.untried > 0)
        diags_add(d, DIAG_NOTE, NULL, 0, 0, NULL,
                  "%zu patterns were not tried on hostile text, for that took %d s already; check "
                  "their files one by one",
                  l.untried, TRIALS_MS / 1000);
    match_scratch_free(l.scratch);
    free(l.fine);
}
