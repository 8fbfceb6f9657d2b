#include "rules/branches.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "rules/pattern.h"

#define NEST_MAX 50

/* A group, or the whole pattern: alternatives between | signs. */
struct group {
    size_t parent;     /* index of the part that holds it, or BRANCH_NONE */
    size_t opened;     /* its ( */
    size_t end;        /* its ) */
    size_t quantified; /* behind the quantifier that lets it be left out; 0: there is none */
    size_t parts;      /* how many */
    bool counts;       /* its alternatives are ways to match (not: what must not follow) */
    bool holds;        /* branches */
};

struct part {
    size_t group;
    size_t start, end;
};

struct parse {
    const char *s;
    size_t at;
    struct group *groups;
    size_t ngroups;
    struct part *parts;
    size_t nparts;
    size_t stack[NEST_MAX]; /* the open part of each open group */
    size_t depth;
    size_t opened; /* the last ( */
    bool forbids;  /* see struct branches */
    bool strange;  /* something that is not understood here */
};

/* ---- reading -------------------------------------------------------------------------- */

static void open_part(struct parse *p, size_t group, size_t start)
{
    if (p->nparts >= BRANCHES_MAX) {
        p->strange = true;
        return;
    }
    p->parts = xreallocarray(p->parts, p->nparts + 1, sizeof(*p->parts));
    p->parts[p->nparts] = (struct part){ .group = group, .start = start };
    p->groups[group].parts++;
    p->stack[p->depth - 1] = p->nparts++;
}

static void open_group(struct parse *p, size_t start, bool counts)
{
    if (p->depth == NEST_MAX || p->nparts >= BRANCHES_MAX) {
        p->strange = true;
        return;
    }
    const size_t parent = p->depth > 0 ? p->stack[p->depth - 1] : BRANCH_NONE;
    const bool inside = parent == BRANCH_NONE || p->groups[p->parts[parent].group].counts;
    p->groups = xreallocarray(p->groups, p->ngroups + 1, sizeof(*p->groups));
    p->groups[p->ngroups] =
        (struct group){ .parent = parent, .opened = p->opened, .counts = counts && inside };
    p->depth++;
    open_part(p, p->ngroups++, start);
}

static void close_part(struct parse *p)
{
    p->parts[p->stack[p->depth - 1]].end = p->at;
}

/* ? * {0,3} with what may follow, ?? *+; 0 for what asks for one at least. */
static size_t optional_quantifier(const char *s)
{
    size_t len = *s == '?' || *s == '*';
    if (strncmp(s, "{0,", 3) == 0) {
        len = 3 + strspn(s + 3, "0123456789");
        len = s[len] == '}' ? len + 1 : 0;
    }
    return len > 0 && (s[len] == '?' || s[len] == '+') ? len + 1 : len;
}

static void close_group(struct parse *p)
{
    close_part(p);
    struct group *g = &p->groups[p->parts[p->stack[p->depth - 1]].group];
    const size_t quantifier = p->s[p->at] ? optional_quantifier(p->s + p->at + 1) : 0;
    g->end = p->at;
    g->quantified = quantifier > 0 ? p->at + 1 + quantifier : 0;
    p->depth--;
}

static void next_part(struct parse *p)
{
    close_part(p);
    open_part(p, p->parts[p->stack[p->depth - 1]].group, p->at + 1);
}

static void skip_to(struct parse *p, const char *end)
{
    const char *hit = strstr(p->s + p->at, end);
    p->strange = p->strange || !hit;
    p->at = hit ? (size_t)(hit - p->s) + strlen(end) : strlen(p->s);
}

static void skip_escape(struct parse *p)
{
    if (p->s[p->at + 1] == 'Q')
        skip_to(p, "\\E");
    else
        p->at += p->s[p->at + 1] ? 2 : 1;
}

/* [...]: a ] that comes first is one of its characters, and [:alpha:] may be inside. */
static void skip_class(struct parse *p)
{
    p->at++;
    if (p->s[p->at] == '^')
        p->at++;
    if (p->s[p->at] == ']')
        p->at++;
    while (p->s[p->at] && p->s[p->at] != ']') {
        if (p->s[p->at] == '\\')
            skip_escape(p);
        else if (p->s[p->at] == '[' && p->s[p->at + 1] == ':')
            skip_to(p, ":]");
        else
            p->at++;
    }
    if (p->s[p->at])
        p->at++;
}

/* Behind "(?": the kinds of group, by their first characters. */
static const struct {
    const char *sign;
    enum { PLAIN, NAMED, REFUSED_INSIDE, NO_GROUP, STRANGE } kind;
} kinds[] = {
    { ":", PLAIN },     { "|", PLAIN },          { ">", PLAIN },           { "=", PLAIN },
    { "<=", PLAIN },    { "!", REFUSED_INSIDE }, { "<!", REFUSED_INSIDE }, { "<", NAMED },
    { "P<", NAMED },    { "'", NAMED },          { "&", NO_GROUP },        { "P>", NO_GROUP },
    { "P=", NO_GROUP }, { "R", NO_GROUP },       { "#", NO_GROUP },        { "(", STRANGE },
    { "C", STRANGE },
};

/* (?i) has no group, (?i: has one; with x blanks and # mean something else. */
static void open_with_options(struct parse *p)
{
    const size_t len = strspn(p->s + p->at, "^imnsxJU-+0123456789");
    if (memchr(p->s + p->at, 'x', len))
        p->strange = true;
    p->at += len;
    if (p->s[p->at] == ':')
        open_group(p, ++p->at, true);
    else if (p->s[p->at] == ')')
        p->at++;
    else
        p->strange = true;
}

/* (?&name), (?P>name), (?R), and a comment. */
static void pass_reference(struct parse *p)
{
    p->forbids = p->forbids || !p->groups[p->parts[p->stack[p->depth - 1]].group].counts;
    skip_to(p, ")");
}

static void open_special(struct parse *p)
{
    p->at += 2; /* (? */
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const size_t len = strlen(kinds[i].sign);
        if (strncmp(p->s + p->at, kinds[i].sign, len) != 0)
            continue;
        p->at += len;
        if (kinds[i].kind == NAMED)
            skip_to(p, p->s[p->at - 1] == '\'' ? "'" : ">");
        if (kinds[i].kind == NO_GROUP)
            pass_reference(p);
        else if (kinds[i].kind == STRANGE)
            p->strange = true;
        else
            open_group(p, p->at, kinds[i].kind != REFUSED_INSIDE);
        return;
    }
    open_with_options(p);
}

static void step(struct parse *p)
{
    switch (p->s[p->at]) {
    case '\\':
        skip_escape(p);
        break;
    case '[':
        skip_class(p);
        break;
    case '(':
        p->opened = p->at;
        if (p->s[p->at + 1] == '?')
            open_special(p);
        else if (p->s[p->at + 1] == '*')
            p->strange = true;
        else
            open_group(p, ++p->at, true);
        break;
    case ')':
        if (p->depth > 1)
            close_group(p);
        else
            p->strange = true;
        p->at++;
        break;
    case '|':
        next_part(p);
        p->at++;
        break;
    default:
        p->at++;
    }
}

/* ---- what was found --------------------------------------------------------------------- */

static bool is_branch(const struct parse *p, const struct part *part)
{
    const struct group *g = &p->groups[part->group];
    return g->parts > 1 && g->counts;
}

static bool may_be_left_out(const struct group *g)
{
    return g->quantified > 0 && g->holds && g->counts;
}

/* Those that end at one place: first what is taken or left out, then what is around it. */
static int by_end(const void *a, const void *b)
{
    static const int order[] = { [BRANCH_TAKEN] = 0, [BRANCH_LEFT_OUT] = 1, [BRANCH_WRITTEN] = 2 };
    const struct branch *x = a, *y = b;
    if (x->end != y->end)
        return x->end < y->end ? -1 : 1;
    return order[x->kind] - order[y->kind];
}

static struct branch *branch_at(const struct branches *b, size_t end, enum branch_kind kind)
{
    const struct branch key = { .end = end, .kind = kind };
    return bsearch(&key, b->list, b->count, sizeof(*b->list), by_end);
}

static void add_branch(struct branches *b, const struct branch *branch)
{
    b->list = xreallocarray(b->list, b->count + 1, sizeof(*b->list));
    b->list[b->count++] = *branch;
}

static void add_part(struct branches *b, struct parse *p, const struct part *part)
{
    add_branch(b, &(struct branch){ .kind = BRANCH_WRITTEN,
                                    .start = part->start,
                                    .end = part->end,
                                    .alternation = part->group });
    for (size_t g = part->group; !p->groups[g].holds;) {
        p->groups[g].holds = true;
        if (p->groups[g].parent == BRANCH_NONE)
            break;
        g = p->parts[p->groups[g].parent].group;
    }
}

static void add_optional(struct branches *b, const struct parse *p, size_t i)
{
    const struct group *g = &p->groups[i];
    struct branch branch = { .kind = BRANCH_TAKEN,
                             .start = g->opened,
                             .end = g->quantified,
                             .alternation = p->ngroups + i,
                             .quantifier = g->end + 1 };
    add_branch(b, &branch);
    branch.kind = BRANCH_LEFT_OUT;
    branch.start = branch.end;
    add_branch(b, &branch);
}

/* The branch around a part that is none itself, or around a group: the nearest. */
static size_t around(const struct parse *p, const struct branches *b, size_t group, bool itself)
{
    const struct group *g = &p->groups[group];
    const struct branch *hit = NULL;
    if (itself && may_be_left_out(g))
        hit = branch_at(b, g->quantified, BRANCH_TAKEN);
    else if (g->parent == BRANCH_NONE)
        return BRANCH_NONE;
    else if (is_branch(p, &p->parts[g->parent]))
        hit = branch_at(b, p->parts[g->parent].end, BRANCH_WRITTEN);
    else
        return around(p, b, p->parts[g->parent].group, true);
    return (size_t)(hit - b->list);
}

static void collect(struct branches *b, struct parse *p)
{
    for (size_t i = 0; i < p->nparts; i++)
        if (is_branch(p, &p->parts[i]))
            add_part(b, p, &p->parts[i]);
    for (size_t i = 0; i < p->ngroups; i++)
        if (may_be_left_out(&p->groups[i]))
            add_optional(b, p, i);
    if (b->count > 0)
        qsort(b->list, b->count, sizeof(*b->list), by_end);
    for (size_t i = 0; i < b->count; i++) {
        const size_t alternation = b->list[i].alternation;
        const bool written = b->list[i].kind == BRANCH_WRITTEN;
        b->list[i].inside = around(p, b, written ? alternation : alternation - p->ngroups, written);
    }
}

void branches_find(struct branches *b, const char *source)
{
    struct parse p = { .s = source };
    open_group(&p, 0, true);
    while (source[p.at] && !p.strange)
        step(&p);
    p.strange = p.strange || p.depth != 1;
    if (!p.strange) {
        close_group(&p);
        collect(b, &p);
    }
    b->strange = p.strange;
    b->forbids = p.forbids || p.strange;
    free(p.groups);
    free(p.parts);
}

void branches_done(struct branches *b)
{
    free(b->list);
    *b = (struct branches){ .list = NULL };
}

/* ---- marks ---------------------------------------------------------------------------------- */

static void put_ends(struct buf *out, const struct branches *b, size_t at)
{
    for (size_t i = 0; i < b->count; i++) {
        if (b->list[i].end != at)
            continue;
        if (b->list[i].kind == BRANCH_LEFT_OUT)
            buf_putc(out, '|');
        buf_puts(out, PATTERN_MARK);
        if (b->list[i].kind == BRANCH_LEFT_OUT)
            buf_putc(out, ')');
    }
}

/* (...)? becomes (?:(...)|), and (...)* becomes (?:(...)+|): the same, leaving out being an
 * alternative. A possessive one, (...)?+, which never goes back, becomes (?>(...)|). */
static void put_starts(struct buf *out, const char *source, const struct branches *b, size_t at)
{
    for (size_t i = 0; i < b->count; i++)
        if (b->list[i].kind == BRANCH_TAKEN && b->list[i].start == at)
            buf_puts(out,
                     b->list[i].end - b->list[i].quantifier > 1 && source[b->list[i].end - 1] == '+'
                         ? "(?>"
                         : "(?:");
}

/* The length of the quantifier here, which is written so that it asks for one at least. */
static size_t put_quantifier(struct buf *out, const char *source, const struct branches *b,
                             size_t at)
{
    for (size_t i = 0; i < b->count; i++) {
        const struct branch *branch = &b->list[i];
        if (branch->kind != BRANCH_TAKEN || branch->quantifier != at)
            continue;
        const size_t len = branch->end - at;
        if (source[at] == '{')
            buf_printf(out, "{1%.*s", (int)len - 2, source + at + 2);
        else if (source[at] == '*')
            buf_printf(out, "+%.*s", (int)len - 1, source + at + 1);
        return len;
    }
    return 0;
}

void branches_mark(struct buf *out, const char *source, const struct branches *b)
{
    size_t at = 0;
    while (source[at]) {
        put_ends(out, b, at);
        put_starts(out, source, b, at);
        const size_t quantifier = put_quantifier(out, source, b, at);
        if (quantifier == 0)
            buf_putc(out, source[at]);
        at += quantifier > 0 ? quantifier : 1;
    }
    put_ends(out, b, at);
}
