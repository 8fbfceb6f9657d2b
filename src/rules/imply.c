#include "rules/imply.h"

#include <string.h>

#include "base/cleanup.h"
#include "rules/pattern.h"

#define PAIRS_MAX 250000 /* more are not compared: what is not seen is not claimed */

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

/* ---- what a pattern finds in a literal -------------------------------------------------- */

static bool is_ascii(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s >= 0x80)
            return false;
    return true;
}

/* A pattern may turn off that case does not matter, or ask for upper case by property. */
static bool has_options(const char *source)
{
    if (strstr(source, "\\p") || strstr(source, "\\P") || strstr(source, "[:upper:") ||
        strstr(source, "[:lower:"))
        return true;
    for (const char *p = strstr(source, "(?"); p; p = strstr(p + 2, "(?"))
        if (!strchr(":=!<>&#|P'", p[2]))
            return true;
    return false;
}

/* The literal is the whole field, in whatever case. */
static enum answer in_literal(struct match_scratch *s, const struct alternative *literal,
                              const struct alternative *y)
{
    if (!s || !is_ascii(literal->source) || has_options(y->source) || y->groups)
        return ANSWER_UNDECIDED;
    return pattern_match(y->pattern, s, literal->literal, literal->literal_len, NULL);
}

/* Looks at nothing but the characters it takes, and gives back what it took. */
static bool is_free_of_context(const char *source)
{
    static const char *const signs[] = { "^",   "$",   "\\b", "\\B", "\\A", "\\z",
                                         "\\Z", "\\G", "\\K", "(?=", "(?!", "(?<",
                                         "(?>", "(*",  "++",  "*+",  "?+",  "}+" };
    for (size_t i = 0; i < ARRAY_LEN(signs); i++)
        if (strstr(source, signs[i]))
            return false;
    return !has_options(source);
}

#define BLANKS_MAX 4

/* A text that holds x holds what y finds: x is tried with each of its blanks as a line break
 * as well, which it may be in the text. */
static bool always_found_in(struct match_scratch *s, const char *x, const struct alternative *y)
{
    char text[256];
    size_t blanks[BLANKS_MAX];
    size_t nblanks = 0;
    const size_t len = strlen(x);
    if (!s || len >= sizeof(text) || !is_ascii(x) || y->groups || !is_free_of_context(y->source))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (x[i] != ' ')
            continue;
        if (nblanks == BLANKS_MAX)
            return false;
        blanks[nblanks++] = i;
    }
    for (unsigned way = 0; way < 1U << nblanks; way++) {
        memcpy(text, x, len + 1);
        for (size_t i = 0; i < nblanks; i++)
            text[blanks[i]] = way >> i & 1 ? '\n' : ' ';
        if (pattern_match(y->pattern, s, text, len, NULL) != ANSWER_YES)
            return false;
    }
    return true;
}

/* ---- leaves, again ------------------------------------------------------------------------ */

static bool alternative_implies(struct match_scratch *s, const struct cond *a,
                                const struct alternative *x, const struct cond *b,
                                const struct alternative *y)
{
    if (is_literal_test(a) && is_literal_test(b))
        return same_literal(x, y);
    if (is_literal_test(a))
        return in_literal(s, x, y) == ANSWER_YES;
    if (is_literal_test(b))
        return false;
    if (a->test == b->test && strcmp(x->source, y->source) == 0)
        return true;
    if (b->test != TEST_PATTERN || !pattern_is_plain(x->source))
        return false;
    return pattern_is_plain(y->source) ? contains(x->source, y->source)
                                       : always_found_in(s, x->source, y);
}

static bool each_implies_some(struct match_scratch *s, const struct cond *a, const struct cond *b)
{
    if (a->nalternatives * b->nalternatives > PAIRS_MAX)
        return false;
    for (size_t i = 0; i < a->nalternatives; i++) {
        bool some = false;
        for (size_t k = 0; k < b->nalternatives && !some; k++)
            some = alternative_implies(s, a, &a->alternatives[i], b, &b->alternatives[k]);
        if (!some)
            return false;
    }
    return a->nalternatives > 0;
}

static bool finds_in_nothing(struct match_scratch *s, const struct cond *c)
{
    for (size_t i = 0; i < c->nalternatives; i++)
        if (!s || pattern_match(c->alternatives[i].pattern, s, "", 0, NULL) != ANSWER_NO)
            return true;
    return false;
}

/* Holds only for a field that is there and not empty. */
static bool wants_content(struct match_scratch *s, const struct cond *c)
{
    if (c->test == TEST_PATTERN || c->test == TEST_WHOLE)
        return !finds_in_nothing(s, c);
    return is_literal_test(c) || (c->test == TEST_PRESENT && c->wanted); /* no literal is empty */
}

static bool leaf_implies(struct match_scratch *s, const struct cond *a, const struct cond *b)
{
    if (!same_field(a, b))
        return false;
    switch (b->test) {
    case TEST_MAX_CHARS:
        return a->test == TEST_MAX_CHARS && a->number <= b->number;
    case TEST_PRESENT:
        if (a->test == TEST_PRESENT)
            return a->wanted == b->wanted;
        return b->wanted && wants_content(s, a);
    case TEST_FLAG:
        return a->test == TEST_FLAG && a->wanted == b->wanted;
    default:
        break;
    }
    if (a->test == TEST_MAX_CHARS || a->test == TEST_PRESENT || a->test == TEST_FLAG)
        return false;
    return each_implies_some(s, a, b);
}

/* ---- groups -------------------------------------------------------------------------- */

static bool all_children_imply(struct match_scratch *s, const struct cond *a, const struct cond *b)
{
    for (size_t i = 0; i < a->nchildren; i++)
        if (!cond_implies(s, &a->children[i], b))
            return false;
    return true;
}

static bool implies_all_children(struct match_scratch *s, const struct cond *a,
                                 const struct cond *b)
{
    for (size_t i = 0; i < b->nchildren; i++)
        if (!cond_implies(s, a, &b->children[i]))
            return false;
    return true;
}

static bool some_child_implies(struct match_scratch *s, const struct cond *a, const struct cond *b)
{
    for (size_t i = 0; i < a->nchildren; i++)
        if (cond_implies(s, &a->children[i], b))
            return true;
    return false;
}

static bool implies_some_child(struct match_scratch *s, const struct cond *a, const struct cond *b)
{
    for (size_t i = 0; i < b->nchildren; i++)
        if (cond_implies(s, a, &b->children[i]))
            return true;
    return false;
}

bool cond_implies(struct match_scratch *s, const struct cond *a, const struct cond *b)
{
    if (a->nchildren * b->nchildren > PAIRS_MAX)
        return false;
    if (b->kind == COND_ALL)
        return implies_all_children(s, a, b);
    if (a->kind == COND_ANY)
        return all_children_imply(s, a, b);
    if (a->kind == COND_ALL && some_child_implies(s, a, b))
        return true;
    if (b->kind == COND_ANY)
        return implies_some_child(s, a, b);
    if (a->kind == COND_NOT && b->kind == COND_NOT)
        return cond_implies(s, &b->children[0], &a->children[0]);
    return a->kind == COND_FIELD && b->kind == COND_FIELD && leaf_implies(s, a, b);
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

bool cond_same(struct match_scratch *s, const struct cond *a, const struct cond *b)
{
    return cond_equal(a, b) || (cond_implies(s, a, b) && cond_implies(s, b, a));
}

/* ---- contradictions ---------------------------------------------------------------------- */

static bool wants_nothing(const struct cond *c)
{
    return c->test == TEST_PRESENT && !c->wanted;
}

static bool literals_disjoint(const struct cond *a, const struct cond *b)
{
    if (a->nalternatives * b->nalternatives > PAIRS_MAX)
        return false;
    for (size_t i = 0; i < a->nalternatives; i++)
        for (size_t k = 0; k < b->nalternatives; k++)
            if (same_literal(&a->alternatives[i], &b->alternatives[k]))
                return false;
    return true;
}

/* No pattern of b is found in any literal of a. */
static bool never_found_in(struct match_scratch *s, const struct cond *a, const struct cond *b)
{
    if (a->nalternatives * b->nalternatives > PAIRS_MAX)
        return false;
    for (size_t i = 0; i < a->nalternatives; i++)
        for (size_t k = 0; k < b->nalternatives; k++)
            if (in_literal(s, &a->alternatives[i], &b->alternatives[k]) != ANSWER_NO)
                return false;
    return a->nalternatives > 0;
}

static bool has_patterns(const struct cond *c)
{
    return c->test == TEST_PATTERN || c->test == TEST_WHOLE;
}

static bool excluded_literals(struct match_scratch *s, const struct cond *a, const struct cond *b)
{
    if (is_literal_test(a) && is_literal_test(b))
        return literals_disjoint(a, b);
    if (is_literal_test(a) && has_patterns(b))
        return never_found_in(s, a, b);
    return is_literal_test(b) && has_patterns(a) && never_found_in(s, b, a);
}

/* Each alternative takes more characters than max_chars allows. */
static bool too_long_for(const struct cond *c, const struct cond *limit)
{
    if (limit->test != TEST_MAX_CHARS || c->nalternatives == 0)
        return false;
    for (size_t i = 0; i < c->nalternatives; i++) {
        const struct alternative *a = &c->alternatives[i];
        const size_t least = a->pattern            ? pattern_least_chars(a->pattern)
                             : is_ascii(a->source) ? a->literal_len
                                                   : 0;
        if ((int64_t)least <= limit->number)
            return false;
    }
    return true;
}

static bool leaves_exclude(struct match_scratch *s, const struct cond *a, const struct cond *b)
{
    if (!same_field(a, b))
        return false;
    if (a->test == TEST_FLAG && b->test == TEST_FLAG)
        return a->wanted != b->wanted;
    if ((wants_content(s, a) && wants_nothing(b)) || (wants_nothing(a) && wants_content(s, b)))
        return true;
    if (too_long_for(a, b) || too_long_for(b, a))
        return true;
    const bool single = a->field.field != FIELD_TAGS && a->field.field != FIELD_POINTER;
    return single && excluded_literals(s, a, b);
}

static bool exclude(struct match_scratch *s, const struct cond *a, const struct cond *b);

/* An `any` and another cannot hold together when none of its members can. */
static bool each_excludes(struct match_scratch *s, const struct cond *any, const struct cond *b)
{
    for (size_t i = 0; i < any->nchildren; i++)
        if (!exclude(s, &any->children[i], b))
            return false;
    return any->nchildren > 0;
}

static bool exclude(struct match_scratch *s, const struct cond *a, const struct cond *b)
{
    if (b->kind == COND_NOT)
        return cond_implies(s, a, &b->children[0]);
    if (a->kind == COND_NOT)
        return cond_implies(s, b, &a->children[0]);
    if (a->kind == COND_ANY || b->kind == COND_ANY)
        return each_excludes(s, a->kind == COND_ANY ? a : b, a->kind == COND_ANY ? b : a);
    return a->kind == COND_FIELD && b->kind == COND_FIELD && leaves_exclude(s, a, b);
}

bool cond_contradicts(struct match_scratch *s, const struct cond *c, const struct cond **one,
                      const struct cond **other)
{
    if (c->nchildren * c->nchildren > PAIRS_MAX)
        return false;
    for (size_t i = 0; c->kind == COND_ALL && i < c->nchildren; i++) {
        for (size_t k = i + 1; k < c->nchildren; k++) {
            if (!exclude(s, &c->children[i], &c->children[k]))
                continue;
            *one = &c->children[i];
            *other = &c->children[k];
            return true;
        }
    }
    for (size_t i = 0; c->kind == COND_ALL && i < c->nchildren; i++)
        if (cond_contradicts(s, &c->children[i], one, other))
            return true;
    return false;
}
