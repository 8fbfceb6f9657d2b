/* describe.c - verdicts and conditions in words; see match.h. */
#include <inttypes.h>

#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "rules/eval.h"
#include "rules/match.h"

#define ALTERNATIVES_SHOWN 3
#define SOURCE_BYTES 80 /* of each */

/* ---- conditions ---- */

static void describe_source(struct buf *out, const char *source)
{
    const size_t len = strlen(source);
    const size_t shown = len <= SOURCE_BYTES ? len : utf8_cut(source, len, SOURCE_BYTES);
    buf_printf(out, "'%.*s%s'", (int)shown, source, shown < len ? "..." : "");
}

static void describe_alternatives(struct buf *out, const struct cond *c)
{
    /* one more is as short as saying that there is one more */
    const size_t shown =
        c->nalternatives <= ALTERNATIVES_SHOWN + 1 ? c->nalternatives : ALTERNATIVES_SHOWN;
    for (size_t i = 0; i < shown; i++) {
        buf_puts(out, i ? " or " : "");
        describe_source(out, c->alternatives[i].source);
    }
    if (shown < c->nalternatives)
        buf_printf(out, " or %zu more", c->nalternatives - shown);
}

static void describe_field(struct buf *out, const struct cond *c)
{
    buf_puts(out, c->field.name);
    switch (c->test) {
    case TEST_PATTERN:
        buf_puts(out, " has ");
        describe_alternatives(out, c);
        break;
    case TEST_WHOLE:
        buf_puts(out, " is wholly ");
        describe_alternatives(out, c);
        break;
    case TEST_IS:
        buf_puts(out, " is ");
        describe_alternatives(out, c);
        break;
    case TEST_IN:
        buf_printf(out, " is in %s", c->list_file ? c->list_file : "a list");
        break;
    case TEST_MAX_CHARS:
        buf_printf(out, " has at most %" PRId64 " characters", c->number);
        break;
    case TEST_PRESENT:
        buf_puts(out, c->wanted ? " is present" : " is absent");
        break;
    case TEST_FLAG:
        buf_puts(out, c->wanted ? " is true" : " is not true");
        break;
    }
}

void cond_describe(struct buf *out, const struct cond *c)
{
    switch (c->kind) {
    case COND_ALL:
        buf_puts(out, "all of");
        return;
    case COND_ANY:
        buf_puts(out, "any of");
        return;
    case COND_NOT:
        buf_puts(out, "not");
        return;
    case COND_FIELD:
        describe_field(out, c);
    }
}

/* On one line, with what is below it. */
static void describe_tree(struct buf *out, const struct cond *c)
{
    const bool group = c->kind == COND_ALL || c->kind == COND_ANY;
    if (group && c->nchildren == 1) {
        describe_tree(out, &c->children[0]);
        return;
    }
    cond_describe(out, c);
    if (c->kind == COND_FIELD)
        return;
    buf_puts(out, c->kind == COND_NOT ? " " : " (");
    for (size_t i = 0; i < c->nchildren; i++) {
        if (i > 0)
            buf_puts(out, "; ");
        describe_tree(out, &c->children[i]);
    }
    if (c->kind != COND_NOT)
        buf_putc(out, ')');
}

/* ---- verdicts ---- */

const char *verdict_kind_name(enum verdict_kind kind)
{
    static const char *const names[] = {
        [VERDICT_MARK] = "mark",     [VERDICT_GUARD] = "guard",
        [VERDICT_KEEP] = "keep",     [VERDICT_GUARD_UNDECIDED] = "guard-undecided",
        [VERDICT_NONE] = "no-match", [VERDICT_KEEP_UNDECIDED] = "keep-undecided",
    };
    return names[kind];
}

static void describe_reason(struct buf *out, const struct match_reason *r)
{
    buf_puts(out, " matched");
    if (r->cond)
        buf_printf(out, " %s", r->cond->field.name);
    if (r->words[0])
        buf_printf(out, " '%s'", r->words);
}

void near_describe(struct buf *out, const struct near_miss *near)
{
    if (near->missing) {
        buf_puts(out, "missing: ");
        describe_tree(out, near->missing);
    } else if (near->excepted) {
        buf_puts(out, "excepted: ");
        describe_tree(out, &near->excepted->cond);
        if (near->excepted->because)
            buf_printf(out, " (%s)", near->excepted->because);
    }
}

static void describe_nearest(struct buf *out, const struct near_miss *near)
{
    if (!near->rule)
        return;
    buf_printf(out, "; nearest was rule %s: %u of %u conditions held; ", near->rule->name,
               near->held, near->of);
    near_describe(out, near);
}

static void describe_none(struct buf *out, const struct verdict *v)
{
    buf_puts(out, "no-match: nothing matched");
    if (v->shadow) {
        buf_printf(out, "; in shadow, rule %s", v->shadow->name);
        describe_reason(out, &v->shadow_reason);
    }
    if (v->limited)
        buf_printf(out, "; rule %s could not tell (%s)", v->limited->name, v->limit);
    describe_nearest(out, &v->near);
}

static void describe_decided(struct buf *out, const struct verdict *v)
{
    buf_printf(out, "%s %s %s",
               v->kind == VERDICT_MARK ? "marked:" : "kept:", v->rule->guard ? "guard" : "rule",
               v->rule->name);
    if (v->kind != VERDICT_GUARD_UNDECIDED && v->kind != VERDICT_KEEP_UNDECIDED)
        describe_reason(out, &v->reason);
    else
        buf_printf(out, " could not tell (%s)", v->limited == v->rule ? v->limit : WHY_UNKNOWN);
}

void verdict_describe(struct buf *out, const struct verdict *v)
{
    if (v->kind == VERDICT_NONE)
        describe_none(out, v);
    else
        describe_decided(out, v);
}
