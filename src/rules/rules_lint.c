#include "rules/rules_lint.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "rules/imply.h"
#include "rules/loader.h"
#include "rules/pattern.h"

#define HOSTILE_MS 100
#define PAIRS_RULES_MAX 3000 /* comparing every two rules of more would take seconds */

struct lint {
    const struct ruleset *rs;
    struct diags *diags;
    struct match_scratch *scratch;
};

static void warn(const struct lint *l, const struct place *place, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

static void warn(const struct lint *l, const struct place *place, const char *fmt, ...)
{
    char words[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(words, sizeof(words), fmt, ap);
    va_end(ap);
    rules_diag(l->rs, l->diags, DIAG_WARNING, place, "%s", words);
}

/* ---- single patterns ------------------------------------------------------------------- */

static bool matches(const struct lint *l, const struct alternative *a, const char *text, size_t len)
{
    return pattern_match(a->pattern, l->scratch, text, len, NULL) == ANSWER_YES;
}

/* A pattern that any of most single letters satisfies says next to nothing. */
static bool matches_nearly_everything(const struct lint *l, const struct alternative *a)
{
    unsigned hits = 0;
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    for (const char *c = letters; *c; c++)
        hits += matches(l, a, c, 1);
    return hits > 13;
}

static bool field_is_exact(enum field f)
{
    return f == FIELD_DOMAIN || f == FIELD_TAG || f == FIELD_TAGS;
}

static bool is_anchored(const char *source)
{
    return strpbrk(source, "^$") || strstr(source, "\\b") || strstr(source, "\\A") ||
           strstr(source, "\\z") || strstr(source, "\\Z");
}

static void lint_pattern(const struct lint *l, const struct cond *c, const struct alternative *a)
{
    if (c->test == TEST_PATTERN && pattern_matches_empty(a->pattern))
        warn(l, &a->place, "this matches the empty text, and so every %s there is", c->field.name);
    else if (c->test == TEST_PATTERN && matches_nearly_everything(l, a))
        warn(l, &a->place, "this matches nearly every %s", c->field.name);
    else if (c->test == TEST_PATTERN && field_is_exact(c->field.field) && !is_anchored(a->source))
        warn(l, &a->place,
             "a pattern matches anywhere inside: '%s' is part of other %s%s too; write is: ..., or "
             "^...$",
             a->source, c->field.name, c->field.field == FIELD_TAGS ? "" : "s");
}

/* Repeats of what the pattern itself is made of: where nested repeats explode. */
static void hostile_text(struct buf *out, const char *source, unsigned kind)
{
    char unit[64];
    size_t n = 0;
    for (const char *p = source; *p && n + 2 < sizeof(unit); p++) {
        const bool escaped = p > source && p[-1] == '\\';
        if (strchr("\\^$.|?*+()[]{}", *p) || escaped || (unsigned char)*p >= 0x80)
            continue;
        unit[n++] = *p;
        if (kind == 0)
            break;
    }
    if (n == 0 || kind == 2)
        unit[n++] = kind == 2 ? ' ' : 'a';
    while (out->len + n < 8000)
        buf_append(out, unit, n);
    buf_puts(out, "\x01!");
}

static void lint_speed(const struct lint *l, const struct alternative *a)
{
    for (unsigned kind = 0; kind < 3; kind++) {
        scoped(buf_free) struct buf text = BUF_INIT;
        hostile_text(&text, a->source, kind);
        match_budget_start(l->scratch, HOSTILE_MS);
        const enum answer got =
            pattern_match(a->pattern, l->scratch, buf_str(&text), text.len, NULL);
        match_budget_start(l->scratch, 0);
        const char *limit = pattern_limit(l->scratch);
        if (got != ANSWER_UNDECIDED || strcmp(limit, "long text") == 0)
            continue;
        warn(l, &a->place,
             "slow: on %zu hostile characters this hits its %s; a repeat inside a repeat, as in "
             "(a+)+, is the usual cause, and a bound such as {1,20} helps",
             text.len, limit);
        return;
    }
}

static void lint_doubles(const struct lint *l, const struct cond *c)
{
    if (c->test == TEST_IN || c->nalternatives > 500)
        return;
    for (size_t i = 0; i < c->nalternatives; i++) {
        for (size_t k = 0; k < i; k++) {
            if (strcmp(c->alternatives[i].source, c->alternatives[k].source) != 0)
                continue;
            warn(l, &c->alternatives[i].place, "this stands twice in the list, first in line %u",
                 c->alternatives[k].place.line);
            break;
        }
    }
}

static void lint_leaf(const struct lint *l, const struct cond *c)
{
    lint_doubles(l, c);
    for (size_t i = 0; i < c->nalternatives; i++) {
        if (!c->alternatives[i].pattern)
            continue;
        lint_pattern(l, c, &c->alternatives[i]);
        lint_speed(l, &c->alternatives[i]);
    }
}

/* ---- conditions -------------------------------------------------------------------------- */

static void lint_cond(const struct lint *l, const struct cond *c)
{
    if (c->kind == COND_FIELD)
        lint_leaf(l, c);
    for (size_t i = 0; i < c->nchildren; i++) {
        for (size_t k = 0; k < i; k++) {
            if (!cond_equal(&c->children[i], &c->children[k]))
                continue;
            warn(l, &c->children[i].place, "the same condition stands in line %u already",
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
    if (cond_contradicts(&r->when, &one, &other))
        warn(l, &other->place, "'%s' can never match: this contradicts line %u, column %u", r->name,
             one->place.line, one->place.col);
    for (size_t i = 0; i < r->nexcept; i++) {
        if (r->except[i].until_ms != 0 || !cond_implies(&r->when, &r->except[i].cond))
            continue;
        warn(l, &r->except[i].place,
             "'%s' can never match: this exception holds whenever its condition does", r->name);
    }
}

/* True when `first`, which is asked earlier, decides whatever `second` would match. */
static bool always_wins(const struct rule *first, const struct rule *second)
{
    return first->state == RULE_LIVE && first->nexcept == 0 && first->active_from_ms == 0 &&
           first->active_until_ms == 0 && cond_implies(&second->when, &first->when);
}

static void lint_overtaken(const struct lint *l, const struct rule *r, const struct rule *list,
                           size_t count)
{
    if (r->state == RULE_DRAFT || r->state == RULE_OFF)
        return;
    for (size_t i = 0; i < count; i++) {
        if (!always_wins(&list[i], r))
            continue;
        warn(l, &r->place, "'%s' can never match: %s '%s' (%s:%u) always comes first%s", r->name,
             list[i].guard ? "guard" : "rule", list[i].name, list[i].place.file, list[i].place.line,
             cond_equal(&list[i].when, &r->when) ? ", with the same condition" : "");
        return;
    }
}

static void lint_same_condition(const struct lint *l, const struct rule *r, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        const struct rule *other = &l->rs->rules[i];
        if (always_wins(other, r) || !cond_equal(&other->when, &r->when))
            continue;
        warn(l, &r->when.place, "'%s' asks the same as '%s' (%s:%u)", r->name, other->name,
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

static bool cond_speaks_of_opt_out(const struct cond *c)
{
    if (c->kind == COND_NOT)
        return false;
    for (size_t i = 0; i < c->nalternatives; i++)
        if (speaks_of_opt_out(c->alternatives[i].source))
            return true;
    for (size_t i = 0; i < c->nchildren; i++)
        if (cond_speaks_of_opt_out(&c->children[i]))
            return true;
    return false;
}

static void lint_opt_out(const struct lint *l, const struct rule *r)
{
    if (r->guard || r->state != RULE_LIVE || r->then != THEN_MARK_READ)
        return;
    if (speaks_of_opt_out(r->name) || cond_speaks_of_opt_out(&r->when))
        warn(l, &r->place,
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
        if (a->pattern ? matches(l, a, event, sizeof(event) - 1) : strcmp(a->literal, event) == 0)
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
        warn(l, &rs->rules[i].place,
             "no guard asks for event: email.positive_reply, so a reply that SendKit itself calls "
             "positive could be marked by this rule or another");
        return;
    }
}

static void lint_rule(const struct lint *l, const struct rule *r)
{
    if (r->ntests == 0 && r->state != RULE_OFF)
        warn(l, &r->place, "'%s' has no tests", r->name);
    lint_cond(l, &r->when);
    for (size_t i = 0; i < r->nexcept; i++)
        lint_cond(l, &r->except[i].cond);
    lint_never(l, r);
    lint_opt_out(l, r);
}

void rules_lint(const struct ruleset *rs, bool whole_set, struct diags *d)
{
    struct lint l = { .rs = rs, .diags = d, .scratch = match_scratch_new() };
    for (size_t i = 0; i < rs->nguards; i++)
        lint_rule(&l, &rs->guards[i]);
    for (size_t i = 0; i < rs->nrules; i++)
        lint_rule(&l, &rs->rules[i]);
    for (size_t i = 0; i < rs->nrules && rs->nrules <= PAIRS_RULES_MAX; i++) {
        lint_overtaken(&l, &rs->rules[i], rs->guards, rs->nguards);
        lint_overtaken(&l, &rs->rules[i], rs->rules, i);
        lint_same_condition(&l, &rs->rules[i], i);
    }
    if (whole_set)
        lint_positive_guard(&l);
    match_scratch_free(l.scratch);
}
