#include "rules/cheaper.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"

#define NEST_MAX 50
#define ENDLESS (-1)

/* One thing that may be repeated: a character, class, escape or assertion as written, or a
 * group with its alternatives. */
struct item {
    const char *text; /* a leaf's; a group's opening, as "(?:" */
    size_t len;
    bool group;
    bool plain; /* a group: nothing but alternatives, "(" or "(?:" */
    struct branch_items {
        struct item *items;
        size_t count;
    } * branches;
    size_t nbranches;
    long min, max;
    char manner; /* behind the quantifier: '?', or '\0' */
};

struct reader {
    struct arena *arena;
    const char *s;
    size_t at;
    size_t depth;
    bool strange;
};

/* ---- reading --------------------------------------------------------------------------- */

static void read_branches(struct reader *r, struct item *group);

static void read_class(struct reader *r)
{
    r->at++;
    if (r->s[r->at] == '^')
        r->at++;
    if (r->s[r->at] == ']')
        r->at++;
    while (r->s[r->at] && r->s[r->at] != ']') {
        if (r->s[r->at] == '[' && r->s[r->at + 1] == ':') {
            const char *end = strstr(r->s + r->at, ":]");
            r->at = end ? (size_t)(end - r->s) + 2 : r->at + 1;
        } else {
            r->at += r->s[r->at] == '\\' && r->s[r->at + 1] ? 2 : 1;
        }
    }
    r->strange |= r->s[r->at] != ']';
    r->at += r->s[r->at] == ']';
}

/* \1, \g, \k refer to groups, whose content may change; \Q changes how all is read. */
static void read_escape(struct reader *r)
{
    const char what = r->s[r->at + 1];
    r->strange |= what == '\0' || strchr("123456789gkQEKGC", what) != NULL;
    r->at += what ? 2 : 1;
    if (what && strchr("pPxoN", what) && r->s[r->at] == '{') {
        const char *end = strchr(r->s + r->at, '}');
        r->at = end ? (size_t)(end - r->s) + 1 : strlen(r->s);
    } else if (what == 'x' || what == 'p' || what == 'P' || what == 'c' || what == '0') {
        r->strange = true; /* how far it goes is a matter of its own */
    }
}

static const char *const openings[] = { "(?:", "(?=", "(?!", "(?<=", "(?<!", "(" };

static void read_group(struct reader *r, struct item *it)
{
    const char *s = r->s + r->at;
    if (strncmp(s, "(?&", 3) == 0) { /* a call is a leaf */
        const char *end = strchr(s, ')');
        r->at += end ? (size_t)(end - s) + 1 : strlen(s);
        r->strange |= !end;
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(openings); i++) {
        const size_t len = strlen(openings[i]);
        if (strncmp(s, openings[i], len) != 0)
            continue;
        it->text = openings[i];
        it->len = len;
        it->group = true;
        it->plain = i == 0 || len == 1;
        r->strange |= len == 1 && (s[1] == '?' || s[1] == '*');
        r->at += len;
        read_branches(r, it);
        return;
    }
}

static void read_quantifier(struct reader *r, struct item *it)
{
    const char *s = r->s + r->at;
    int used = 0;
    long low = 0;
    long high = 0;
    it->min = it->max = 1;
    if (*s == '*' || *s == '+' || *s == '?') {
        it->min = *s == '+';
        it->max = *s == '?' ? 1 : ENDLESS;
        used = 1;
    } else if (*s == '{' && isdigit((unsigned char)s[1])) {
        char *end = NULL;
        low = high = strtol(s + 1, &end, 10);
        if (*end == ',')
            high = end[1] == '}' ? (end++, (long)ENDLESS) : strtol(end + 1, &end, 10);
        if (*end != '}')
            return; /* text, then */
        it->min = low;
        it->max = high;
        used = (int)(end + 1 - s);
    }
    r->at += (size_t)used;
    r->strange |= used > 0 && r->s[r->at] == '+'; /* what it takes, it keeps: (?>...) too */
    if (used > 0 && r->s[r->at] == '?')
        it->manner = r->s[r->at++];
}

static void read_item(struct reader *r, struct item *it)
{
    const size_t start = r->at;
    *it = (struct item){ .text = r->s + start };
    if (r->s[r->at] == '\\')
        read_escape(r);
    else if (r->s[r->at] == '[')
        read_class(r);
    else if (r->s[r->at] == '(')
        read_group(r, it);
    else
        do
            r->at++;
        while (((unsigned char)r->s[r->at] & 0xC0) == 0x80);
    if (!it->group)
        it->len = r->at - start;
    read_quantifier(r, it);
}

static void read_branch(struct reader *r, struct branch_items *b)
{
    while (r->s[r->at] && r->s[r->at] != '|' && r->s[r->at] != ')' && !r->strange) {
        b->items = arena_grow(r->arena, b->items, b->count, sizeof(*b->items));
        read_item(r, &b->items[b->count++]);
    }
}

/* Up to and with the closing parenthesis, or to the end of the pattern. */
static void read_branches(struct reader *r, struct item *group)
{
    if (++r->depth > NEST_MAX)
        r->strange = true;
    for (bool more = true; more && !r->strange;) {
        group->branches =
            arena_grow(r->arena, group->branches, group->nbranches, sizeof(*group->branches));
        struct branch_items *b = &group->branches[group->nbranches++];
        *b = (struct branch_items){ .count = 0 };
        read_branch(r, b);
        more = r->s[r->at] == '|';
        r->at += more;
    }
    r->depth--;
    if (r->depth > 0 && r->s[r->at] == ')')
        r->at++;
    else if (r->depth > 0 || r->s[r->at])
        r->strange = true;
}

/* ---- writing ------------------------------------------------------------------------------ */

static void write_branches(struct buf *out, const struct item *group);

static void write_quantifier(struct buf *out, const struct item *it)
{
    if (it->min == 1 && it->max == 1)
        return;
    if (it->max == ENDLESS && it->min <= 1)
        buf_putc(out, it->min == 0 ? '*' : '+');
    else if (it->min == 0 && it->max == 1)
        buf_putc(out, '?');
    else if (it->max == ENDLESS)
        buf_printf(out, "{%ld,}", it->min);
    else if (it->min == it->max)
        buf_printf(out, "{%ld}", it->min);
    else
        buf_printf(out, "{%ld,%ld}", it->min, it->max);
    if (it->manner)
        buf_putc(out, it->manner);
}

static void write_item(struct buf *out, const struct item *it)
{
    buf_append(out, it->text, it->len);
    if (it->group) {
        write_branches(out, it);
        buf_putc(out, ')');
    }
    write_quantifier(out, it);
}

static void write_branches(struct buf *out, const struct item *group)
{
    for (size_t i = 0; i < group->nbranches; i++) {
        if (i > 0)
            buf_putc(out, '|');
        for (size_t k = 0; k < group->branches[i].count; k++)
            write_item(out, &group->branches[i].items[k]);
    }
}

/* ---- what is what ---------------------------------------------------------------------------- */

static bool is_leaf(const struct item *it, const char *text)
{
    return !it->group && it->len == strlen(text) && memcmp(it->text, text, it->len) == 0;
}

static bool same_leaf(const struct item *a, const struct item *b)
{
    return !a->group && !b->group && a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

static bool is_once(const struct item *it)
{
    return it->min == 1 && it->max == 1;
}

static bool is_endless(const struct item *it)
{
    return it->max == ENDLESS && it->min <= 1;
}

/* Takes a character: no assertion, whose repetition would say nothing. */
static bool is_character(const struct item *it)
{
    static const char *const assertions[] = { "^", "$", "\\b", "\\B", "\\A", "\\z", "\\Z" };
    for (size_t i = 0; i < ARRAY_LEN(assertions); i++)
        if (is_leaf(it, assertions[i]))
            return false;
    return !it->group && it->len > 0;
}

/* Never a line break, so that . takes it too. */
static bool is_under_dot(const struct item *it)
{
    return is_leaf(it, "\\w") || is_leaf(it, "\\d") || is_leaf(it, ".") ||
           (!it->group && it->len == 1 && isalnum((unsigned char)it->text[0]));
}

static bool same_branch(const struct branch_items *a, const struct branch_items *b)
{
    scoped(buf_free) struct buf one = BUF_INIT;
    scoped(buf_free) struct buf other = BUF_INIT;
    for (size_t i = 0; i < a->count; i++)
        write_item(&one, &a->items[i]);
    for (size_t i = 0; i < b->count; i++)
        write_item(&other, &b->items[i]);
    return strcmp(buf_str(&one), buf_str(&other)) == 0;
}

/* ---- steps ------------------------------------------------------------------------------------
 */

static void drop_branch(struct item *g, size_t at)
{
    memmove(&g->branches[at], &g->branches[at + 1], (g->nbranches - at - 1) * sizeof(*g->branches));
    g->nbranches--;
}

static void drop_item(struct branch_items *b, size_t at)
{
    memmove(&b->items[at], &b->items[at + 1], (b->count - at - 1) * sizeof(*b->items));
    b->count--;
}

/* (a|b|a) -> (a|b) */
static void drop_doubles(struct item *g)
{
    for (size_t i = 1; i < g->nbranches;) {
        size_t k = 0;
        while (k < i && !same_branch(&g->branches[k], &g->branches[i]))
            k++;
        if (k < i)
            drop_branch(g, i);
        else
            i++;
    }
}

/* What an alternative would be inside [...], or NULL: one character, not repeated. */
static bool put_in_class(struct buf *out, const struct branch_items *b)
{
    const struct item *it = b->count == 1 ? &b->items[0] : NULL;
    if (!it || !is_once(it) || !is_character(it) || it->text[0] == '(')
        return false;
    if (it->text[0] == '[') {
        if (strchr("^]-", it->text[1]) || it->text[it->len - 2] == '-')
            return false;
        buf_append(out, it->text + 1, it->len - 2);
        return true;
    }
    if (it->text[0] == '\\' && strchr("RXN", it->text[1]))
        return false;
    if (it->len == 1 && strchr(".-]^ ", it->text[0]))
        return false;
    buf_append(out, it->text, it->len);
    return true;
}

/* (.|\n), (\s|\S): any character at all. */
static bool is_anything(const struct item *g)
{
    bool dot = false;
    bool feed = false;
    bool blank = false;
    bool no_blank = false;
    for (size_t i = 0; i < g->nbranches; i++) {
        const struct item *it = g->branches[i].count == 1 ? &g->branches[i].items[0] : NULL;
        if (!it || !is_once(it))
            return false;
        dot |= is_leaf(it, ".");
        feed |= is_leaf(it, "\\n");
        blank |= is_leaf(it, "\\s");
        no_blank |= is_leaf(it, "\\S");
    }
    return (dot && (feed || blank)) || (blank && no_blank);
}

static void become_leaf(struct reader *r, struct item *g, const char *text, size_t len)
{
    g->text = arena_text(r->arena, text, len);
    g->len = len;
    g->group = false;
}

/* Only where it is repeated: there alternatives that overlap cost most. */
static void merge_characters(struct reader *r, struct item *g)
{
    scoped(buf_free) struct buf all = BUF_INIT;
    if (g->nbranches < 2 || g->max == 1)
        return;
    if (is_anything(g)) {
        become_leaf(r, g, "[\\s\\S]", strlen("[\\s\\S]"));
        return;
    }
    buf_putc(&all, '[');
    for (size_t i = 0; i < g->nbranches; i++)
        if (!put_in_class(&all, &g->branches[i]))
            return;
    buf_putc(&all, ']');
    become_leaf(r, g, buf_str(&all), all.len);
}

static bool rest_may_be_empty(const struct branch_items *b)
{
    for (size_t i = 1; i < b->count; i++)
        if (b->items[i].min != 0)
            return false;
    return true;
}

/* (x+y?)* -> (xy?)*, for each x may be a round of its own. */
static void unrepeat_first(struct item *g)
{
    struct branch_items *b = &g->branches[0];
    if (g->nbranches != 1 || b->count == 0 || !is_endless(g) || !rest_may_be_empty(b))
        return;
    struct item *first = &b->items[0];
    if (first->min == 1 && is_endless(first)) {
        first->max = 1;
        first->manner = '\0';
    }
}

/* (x*y?)+ -> (x|y)*, written [xy]* where they are characters. */
static void spread_optional(struct reader *r, struct item *g)
{
    struct branch_items b = g->branches[0];
    if (g->nbranches != 1 || b.count == 0 || !is_endless(g) || b.items[0].min != 0 ||
        !rest_may_be_empty(&b))
        return;
    for (size_t i = 0; i < b.count; i++)
        if (!is_character(&b.items[i]) ||
            !(b.items[i].max == 1 || (b.items[i].max == ENDLESS && b.items[i].min == 0)))
            return;
    g->min = 0;
    g->branches = arena_array(r->arena, b.count, sizeof(*g->branches));
    g->nbranches = b.count;
    for (size_t i = 0; i < b.count; i++) {
        b.items[i].min = b.items[i].max = 1;
        b.items[i].manner = '\0';
        g->branches[i] = (struct branch_items){ .items = &b.items[i], .count = 1 };
    }
}

/* (x)+ -> x+ */
static void unwrap(struct item *g)
{
    const struct branch_items *b = &g->branches[0];
    if (!g->group || g->nbranches != 1 || b->count != 1 || !is_character(&b->items[0]) ||
        !is_once(&b->items[0]))
        return;
    g->text = b->items[0].text;
    g->len = b->items[0].len;
    g->group = false;
}

/* x+x* -> x+, and x+ beside .* -> x */
static bool join(struct item *a, const struct item *b)
{
    if (!same_leaf(a, b) || !is_character(a) || is_once(a) || is_once(b) ||
        (a->max != ENDLESS && b->max != ENDLESS))
        return false;
    a->min += b->min;
    a->max = ENDLESS;
    a->manner = '\0';
    return true;
}

static void leave_to_dot(struct item *it)
{
    if (is_leaf(it, ".") || !is_under_dot(it) || it->max != ENDLESS)
        return;
    it->max = it->min;
    it->manner = '\0';
}

static bool is_dot_star(const struct item *it)
{
    return is_leaf(it, ".") && it->min == 0 && it->max == ENDLESS;
}

static void tidy(struct reader *r, struct branch_items *b);

static void tidy_group(struct reader *r, struct item *g)
{
    for (size_t i = 0; i < g->nbranches; i++)
        tidy(r, &g->branches[i]);
    if (!g->plain)
        return;
    drop_doubles(g);
    unrepeat_first(g);
    spread_optional(r, g);
    merge_characters(r, g);
    if (g->group && g->max != 1)
        unwrap(g);
}

static void tidy(struct reader *r, struct branch_items *b)
{
    for (size_t i = 0; i < b->count; i++)
        if (b->items[i].group)
            tidy_group(r, &b->items[i]);
    for (size_t i = 0; i + 1 < b->count;) {
        if (join(&b->items[i], &b->items[i + 1])) {
            drop_item(b, i + 1);
            continue;
        }
        if (is_dot_star(&b->items[i]))
            leave_to_dot(&b->items[i + 1]);
        if (is_dot_star(&b->items[i + 1]))
            leave_to_dot(&b->items[i]);
        i++;
    }
    for (size_t i = 0; i < b->count;)
        if (b->items[i].max == 0)
            drop_item(b, i);
        else
            i++;
}

/* An unanchored search finds the rest wherever it stands. "^.*" too, in multi-line mode. */
static void trim_ends(struct branch_items *b)
{
    if (b->count > 2 && is_leaf(&b->items[0], "^") && is_dot_star(&b->items[1]))
        drop_item(b, 0);
    while (b->count > 1 && is_dot_star(&b->items[0]))
        drop_item(b, 0);
    if (b->count > 2 && is_leaf(&b->items[b->count - 1], "$") &&
        is_dot_star(&b->items[b->count - 2]))
        b->count--;
    while (b->count > 1 && is_dot_star(&b->items[b->count - 1]))
        b->count--;
}

bool pattern_cheaper(const char *source, bool whole, struct buf *out)
{
    struct arena *arena = arena_new();
    struct reader r = { .arena = arena, .s = source };
    struct item all = { .group = true, .plain = true, .min = 1, .max = 1 };
    scoped(buf_free) struct buf better = BUF_INIT;
    read_branches(&r, &all);
    if (!r.strange) {
        for (size_t i = 0; i < all.nbranches; i++) {
            tidy(&r, &all.branches[i]);
            if (!whole)
                trim_ends(&all.branches[i]);
        }
        drop_doubles(&all);
        write_branches(&better, &all);
    }
    const bool changed = better.len > 0 && strcmp(buf_str(&better), source) != 0;
    if (changed)
        buf_puts(out, buf_str(&better));
    arena_free(arena);
    return changed;
}
