#include "rules/branches.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"

#define NONE ((size_t)-1)
#define NEST_MAX 50

/* A group, or the whole pattern: alternatives between | signs. */
struct group {
    size_t parent; /* index of the part that holds it, or NONE */
    size_t start, end;
    size_t parts; /* how many */
    bool counts;  /* its alternatives are ways to match (not: what must not follow) */
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
    bool strange; /* something that is not understood here */
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
    const size_t parent = p->depth > 0 ? p->stack[p->depth - 1] : NONE;
    const bool inside = parent == NONE || p->groups[p->parts[parent].group].counts;
    p->groups = xreallocarray(p->groups, p->ngroups + 1, sizeof(*p->groups));
    p->groups[p->ngroups] =
        (struct group){ .parent = parent, .start = start, .counts = counts && inside };
    p->depth++;
    open_part(p, p->ngroups++, start);
}

static void close_part(struct parse *p)
{
    p->parts[p->stack[p->depth - 1]].end = p->at;
}

static void close_group(struct parse *p)
{
    close_part(p);
    p->groups[p->parts[p->stack[p->depth - 1]].group].end = p->at;
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
            skip_to(p, ")");
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

/* ---- one way through ---------------------------------------------------------------------- */

/* Marks for deletion all parts beside those that lead to part i. */
static void mark_others(const struct parse *p, size_t i, char *gone)
{
    for (size_t part = i; part != NONE; part = p->groups[p->parts[part].group].parent) {
        const struct group *g = &p->groups[p->parts[part].group];
        memset(gone + g->start, 1, p->parts[part].start - g->start);
        memset(gone + p->parts[part].end, 1, g->end - p->parts[part].end);
    }
}

static char *only_branch(const struct parse *p, size_t i)
{
    const size_t len = strlen(p->s);
    scoped(freep) char *gone = xcalloc(len + 1, 1);
    struct buf out = BUF_INIT;
    mark_others(p, i, gone);
    for (size_t at = 0; at < len; at++)
        if (!gone[at])
            buf_putc(&out, p->s[at]);
    return buf_take(&out);
}

static void collect(struct branches *b, const struct parse *p)
{
    for (size_t i = 0; i < p->nparts; i++) {
        const struct part *part = &p->parts[i];
        const struct group *g = &p->groups[part->group];
        if (g->parts < 2 || !g->counts || part->start == part->end)
            continue;
        b->list = xreallocarray(b->list, b->count + 1, sizeof(*b->list));
        b->list[b->count++] =
            (struct branch){ .start = part->start, .end = part->end, .only = only_branch(p, i) };
    }
}

void branches_find(struct branches *b, const char *source)
{
    struct parse p = { .s = source };
    open_group(&p, 0, true);
    while (source[p.at] && !p.strange)
        step(&p);
    if (!p.strange && p.depth == 1) {
        close_group(&p);
        collect(b, &p);
    }
    free(p.groups);
    free(p.parts);
}

void branches_done(struct branches *b)
{
    for (size_t i = 0; i < b->count; i++)
        free(b->list[i].only);
    free(b->list);
    *b = (struct branches){ .list = NULL };
}
