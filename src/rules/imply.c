#include "rules/imply.h"

#include <string.h>

bool pattern_is_plain(const char *source)
{
    for (const char *p = source; *p; p++)
        if (strchr("\\^$.|?*+()[]{}#", *p) || *p == '\n')
            return false;
    return *source != '\0';
}

static bool same_field(const struct cond *a, const struct cond *b)
{
    if (a->field.field != b->field.field)
        return false;
    return a->field.field != FIELD_POINTER || strcmp(a->field.pointer, b->field.pointer) == 0;
}

static bool is_literal_test(const struct cond *c)
{
    return c->test == TEST_IS || c->test == TEST_IN;
}

static bool same_literal(const struct alternative *a, const struct alternative *b)
{
    return a->literal_len == b->literal_len && memcmp(a->literal, b->literal, a->literal_len) == 0;
}

/* ---- leaves ------------------------------------------------------------------------ */

/* Patterns are case-insensitive; ASCII is all that a proof needs here. */
static bool contains(const char *text, const char *part)
{
    return strcasestr(text, part) != NULL;
}

static bool alternative_implies(const struct cond *a, const struct alternative *x,
                                const struct cond *b, const struct alternative *y)
{
    if (is_literal_test(a) && is_literal_test(b))
        return same_literal(x, y);
    if (is_literal_test(a) || is_literal_test(b))
        return false;
    if (a->test == b->test && strcmp(x->source, y->source) == 0)
        return true;
    return b->test == TEST_PATTERN && pattern_is_plain(x->source) && pattern_is_plain(y->source) &&
           contains(x->source, y->source);
}

static bool each_implies_some(const struct cond *a, const struct cond *b)
{
    for (size_t i = 0; i < a->nalternatives; i++) {
        bool some = false;
        for (size_t k = 0; k < b->nalternatives && !some; k++)
            some = alternative_implies(a, &a->alternatives[i], b, &b->alternatives[k]);
        if (!some)
            return false;
    }
    return a->nalternatives > 0;
}

static bool leaf_implies(const struct cond *a, const struct cond *b)
{
    if (!same_field(a, b))
        return false;
    switch (b->test) {
    case TEST_MAX_CHARS:
        return a->test == TEST_MAX_CHARS && a->number <= b->number;
    case TEST_PRESENT:
        if (a->test == TEST_PRESENT)
            return a->wanted == b->wanted;
        return b->wanted && is_literal_test(a); /* a literal is never empty */
    case TEST_FLAG:
        return a->test == TEST_FLAG && a->wanted == b->wanted;
    default:
        break;
    }
    if (a->test == TEST_MAX_CHARS || a->test == TEST_PRESENT || a->test == TEST_FLAG)
        return false;
    return each_implies_some(a, b);
}

/* ---- groups -------------------------------------------------------------------------- */

static bool all_children_imply(const struct cond *a, const struct cond *b)
{
    for (size_t i = 0; i < a->nchildren; i++)
        if (!cond_implies(&a->children[i], b))
            return false;
    return true;
}

static bool implies_all_children(const struct cond *a, const struct cond *b)
{
    for (size_t i = 0; i < b->nchildren; i++)
        if (!cond_implies(a, &b->children[i]))
            return false;
    return true;
}

static bool some_child_implies(const struct cond *a, const struct cond *b)
{
    for (size_t i = 0; i < a->nchildren; i++)
        if (cond_implies(&a->children[i], b))
            return true;
    return false;
}

static bool implies_some_child(const struct cond *a, const struct cond *b)
{
    for (size_t i = 0; i < b->nchildren; i++)
        if (cond_implies(a, &b->children[i]))
            return true;
    return false;
}

bool cond_implies(const struct cond *a, const struct cond *b)
{
    if (b->kind == COND_ALL)
        return implies_all_children(a, b);
    if (a->kind == COND_ANY)
        return all_children_imply(a, b);
    if (a->kind == COND_ALL && some_child_implies(a, b))
        return true;
    if (b->kind == COND_ANY)
        return implies_some_child(a, b);
    if (a->kind == COND_NOT && b->kind == COND_NOT)
        return cond_implies(&b->children[0], &a->children[0]);
    return a->kind == COND_FIELD && b->kind == COND_FIELD && leaf_implies(a, b);
}

/* ---- equality -------------------------------------------------------------------------- */

static bool leaf_equal(const struct cond *a, const struct cond *b)
{
    if (!same_field(a, b) || a->test != b->test || a->number != b->number ||
        a->wanted != b->wanted || a->nalternatives != b->nalternatives)
        return false;
    for (size_t i = 0; i < a->nalternatives; i++)
        if (strcmp(a->alternatives[i].source, b->alternatives[i].source) != 0)
            return false;
    return true;
}

bool cond_equal(const struct cond *a, const struct cond *b)
{
    if (a->kind != b->kind || a->nchildren != b->nchildren)
        return false;
    if (a->kind == COND_FIELD)
        return leaf_equal(a, b);
    for (size_t i = 0; i < a->nchildren; i++)
        if (!cond_equal(&a->children[i], &b->children[i]))
            return false;
    return true;
}

/* ---- contradictions ---------------------------------------------------------------------- */

static bool wants_content(const struct cond *c)
{
    return is_literal_test(c) || (c->test == TEST_PRESENT && c->wanted);
}

static bool wants_nothing(const struct cond *c)
{
    return c->test == TEST_PRESENT && !c->wanted;
}

static bool literals_disjoint(const struct cond *a, const struct cond *b)
{
    for (size_t i = 0; i < a->nalternatives; i++)
        for (size_t k = 0; k < b->nalternatives; k++)
            if (same_literal(&a->alternatives[i], &b->alternatives[k]))
                return false;
    return true;
}

static bool leaves_exclude(const struct cond *a, const struct cond *b)
{
    if (!same_field(a, b))
        return false;
    if (a->test == TEST_FLAG && b->test == TEST_FLAG)
        return a->wanted != b->wanted;
    if ((wants_content(a) && wants_nothing(b)) || (wants_nothing(a) && wants_content(b)))
        return true;
    const bool single = a->field.field != FIELD_TAGS && a->field.field != FIELD_POINTER;
    return single && is_literal_test(a) && is_literal_test(b) && literals_disjoint(a, b);
}

static bool exclude(const struct cond *a, const struct cond *b)
{
    if (b->kind == COND_NOT)
        return cond_implies(a, &b->children[0]);
    if (a->kind == COND_NOT)
        return cond_implies(b, &a->children[0]);
    return a->kind == COND_FIELD && b->kind == COND_FIELD && leaves_exclude(a, b);
}

bool cond_contradicts(const struct cond *c, const struct cond **one, const struct cond **other)
{
    for (size_t i = 0; c->kind == COND_ALL && i < c->nchildren; i++) {
        for (size_t k = i + 1; k < c->nchildren; k++) {
            if (!exclude(&c->children[i], &c->children[k]))
                continue;
            *one = &c->children[i];
            *other = &c->children[k];
            return true;
        }
    }
    for (size_t i = 0; c->kind == COND_ALL && i < c->nchildren; i++)
        if (cond_contradicts(&c->children[i], one, other))
            return true;
    return false;
}
