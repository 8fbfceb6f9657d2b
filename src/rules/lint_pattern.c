/* Warnings about one condition on a field: what its patterns find, and how fast. */
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "rules/cheaper.h"
#include "rules/hostile.h"
#include "rules/lint.h"
#include "rules/pattern.h"
#include "rules/samples.h"

#define DOUBLES_MAX 500 /* longer lists are not compared with themselves */

int64_t lint_cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- what is found ------------------------------------------------------------------------ */

bool lint_found(const struct lint *l, const struct alternative *a, const char *text)
{
    return pattern_match(a->pattern, l->scratch, text, strlen(text), NULL) == ANSWER_YES;
}

/* Found in nine of ten ordinary values of its field, it says next to nothing. */
static bool finds_nearly_everything(const struct lint *l, const struct cond *c,
                                    const struct alternative *a)
{
    size_t count = 0;
    size_t found = 0;
    const char *const *samples = samples_of(c->field.field, &count);
    for (size_t i = 0; i < count; i++)
        found += lint_found(l, a, samples[i]);
    return found * 10 >= count * 9;
}

bool lint_finds_ordinary(const struct lint *l, const struct alternative *a)
{
    for (size_t i = 0; i < SAMPLE_REPLIES; i++)
        if (lint_found(l, a, sample_replies[i]))
            return true;
    return false;
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
    const char *field = c->field.name;
    if (c->test == TEST_PATTERN && pattern_matches_empty(a->pattern))
        lint_warn(l, &a->place,
                  "this matches the empty text, and so every %s there is; to ask whether there is "
                  "any, write %s: {present: true}",
                  field, field);
    else if (finds_nearly_everything(l, c, a))
        lint_warn(l, &a->place, "this matches nearly every %s", field);
    else if (c->test == TEST_PATTERN && field_is_exact(c->field.field) && !is_anchored(a->source))
        lint_warn(l, &a->place,
                  "a pattern matches anywhere inside: '%s' is part of other %s too; write is: "
                  "..., or ^...$",
                  a->source, c->field.field == FIELD_DOMAIN ? "domains" : "tags");
}

/* ---- how fast ----------------------------------------------------------------------------- */

/* The cheaper form, when it is one: it finds the same, and bears what the other does not. */
static bool cheaper_form(const struct lint *l, const struct cond *c, const struct alternative *a,
                         struct buf *out)
{
    size_t at = 0;
    struct hostile unused;
    if (!pattern_cheaper(a->source, c->test == TEST_WHOLE, out))
        return false;
    struct pattern *p =
        pattern_compile(buf_str(out), out->len, c->test == TEST_WHOLE, a->groups, &at, NULL);
    const bool fine = p && !hostile_hits(p, a, l->scratch, &unused) &&
                      hostile_alike(a->pattern, p, a, l->scratch);
    pattern_free(p);
    return fine;
}

/* As it stands between single quotes in YAML. */
static void put_quoted(struct buf *out, const char *s)
{
    for (; *s; s++)
        buf_puts(out, *s == '\'' ? "''" : (char[]){ *s, '\0' });
}

static void put_unit(struct buf *out, const char *unit)
{
    for (const char *p = unit; *p; p++)
        if (*p == '\n')
            buf_puts(out, "\\n");
        else
            buf_putc(out, *p);
}

static bool stood_before(const struct lint *l, const struct pattern *p)
{
    for (size_t i = 0; i < l->nfine; i++)
        if (l->fine[i] == p)
            return true;
    return false;
}

static void note_fine(struct lint *l, const struct pattern *p)
{
    if (l->nfine == l->fine_cap) {
        l->fine_cap = l->fine_cap ? 2 * l->fine_cap : 64;
        l->fine = xreallocarray(l->fine, l->fine_cap, sizeof(*l->fine));
    }
    l->fine[l->nfine++] = p;
}

static void lint_speed(struct lint *l, const struct cond *c, const struct alternative *a)
{
    struct hostile h;
    scoped(buf_free) struct buf better = BUF_INIT;
    scoped(buf_free) struct buf quoted = BUF_INIT;
    scoped(buf_free) struct buf unit = BUF_INIT;
    if (stood_before(l, a->pattern))
        return;
    if (lint_cpu_ms() > l->trials_until_ms) {
        l->untried++;
        return;
    }
    if (!hostile_hits(a->pattern, a, l->scratch, &h)) {
        note_fine(l, a->pattern);
        return;
    }
    put_unit(&unit, h.unit);
    const bool has_better = !h.any_text && cheaper_form(l, c, a, &better);
    put_quoted(&quoted, buf_str(&better));
    if (h.any_text)
        lint_warn(l, &a->place,
                  "this can never tell: on even the shortest text it hits its %s, for a group "
                  "calls itself before it has read anything",
                  h.limit);
    else if (has_better)
        lint_warn(l, &a->place,
                  "slow: on a text of %zu characters that repeats '%s' this hits its %s; '%s' "
                  "finds the same and does not",
                  h.chars, buf_str(&unit), h.limit, buf_str(&quoted));
    else
        lint_warn(l, &a->place,
                  "slow: on a text of %zu characters that repeats '%s' this hits its %s; a repeat "
                  "inside a repeat, as in (a+)+, or two side by side are the usual cause, and a "
                  "bound such as {1,20} helps",
                  h.chars, buf_str(&unit), h.limit);
}

/* ---- what stands twice ----------------------------------------------------------------------- */

static bool same(const struct alternative *a, const struct alternative *b)
{
    return a->literal ? a->literal_len == b->literal_len &&
                            memcmp(a->literal, b->literal, a->literal_len) == 0
                      : strcmp(a->source, b->source) == 0;
}

static void lint_doubles(const struct lint *l, const struct cond *c)
{
    if (c->test == TEST_IN || c->nalternatives > DOUBLES_MAX)
        return;
    for (size_t i = 0; i < c->nalternatives; i++) {
        for (size_t k = 0; k < i; k++) {
            if (!same(&c->alternatives[i], &c->alternatives[k]))
                continue;
            lint_warn(l, &c->alternatives[i].place,
                      "this stands twice in the list, first in line %u",
                      c->alternatives[k].place.line);
            break;
        }
    }
}

/* ---- texts that look like patterns ---------------------------------------------------------- */

static bool looks_like_a_pattern(const char *s)
{
    const size_t len = strlen(s);
    return strstr(s, ".*") || strstr(s, "\\b") || strstr(s, "\\.") || strstr(s, "\\d") ||
           strstr(s, "\\w") || strstr(s, "\\s") || strstr(s, "(?") || s[0] == '^' ||
           (s[0] == '*' && len > 1) || (len > 1 && strchr(s, '(') && strchr(s, '|'));
}

static void lint_literal(const struct lint *l, const struct cond *c, const struct alternative *a)
{
    const enum field f = c->field.field;
    if (looks_like_a_pattern(a->source))
        lint_warn(l, &a->place,
                  "'is' compares letter by letter, and this looks like a pattern: write %s: '...' "
                  "or %s: {whole: '...'}",
                  c->field.name, c->field.name);
    else if (f == FIELD_DOMAIN && strchr(a->source, '@'))
        lint_warn(l, &a->place, "a domain has no @: it is what stands behind it");
    else if (f == FIELD_FROM && !strchr(a->source, '@'))
        lint_warn(l, &a->place,
                  "from is a whole address, with an @; for the part behind it ask domain");
}

/* A group with a mistake stands in as an empty one: what is made of it says nothing. */
static bool has_hollow_group(const struct alternative *a)
{
    return a->groups && strstr(a->groups, ">)");
}

void lint_leaf(struct lint *l, const struct cond *c)
{
    lint_doubles(l, c);
    for (size_t i = 0; c->test == TEST_IS && i < c->nalternatives; i++)
        lint_literal(l, c, &c->alternatives[i]);
    for (size_t i = 0; i < c->nalternatives; i++) {
        if (!c->alternatives[i].pattern || has_hollow_group(&c->alternatives[i]))
            continue;
        lint_pattern(l, c, &c->alternatives[i]);
        lint_speed(l, c, &c->alternatives[i]);
    }
}
