#include "rules/pattern_tree.h"

#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/utf8.h"
#include "event/text.h"

#define DEPTH_MAX 64     /* more than pattern.c lets PCRE2 have */
#define RANGE_MAX 64     /* characters of a range in a class that are looked at */
#define REPEAT_MAX 65535 /* PCRE2's */

struct named {
    const char *name;
    size_t len;
    struct node *content;
};

struct parse {
    struct arena *arena;
    const char *s;
    size_t len, at;
    struct named *groups;
    size_t ngroups;
    struct node **calls;
    size_t ncalls;
    size_t depth;
    bool strange; /* something that is not understood here */
};

/* ---- reading ---- */

static bool looking_at(const struct parse *p, const char *word)
{
    const size_t n = strlen(word);
    return p->at <= p->len && p->len - p->at >= n && memcmp(p->s + p->at, word, n) == 0;
}

/* The byte so far ahead, or NUL behind the end: no pattern holds one. */
static char peek(const struct parse *p, size_t ahead)
{
    return p->at <= p->len && p->len - p->at > ahead ? p->s[p->at + ahead] : '\0';
}

static bool take(struct parse *p, const char *word)
{
    if (!looking_at(p, word))
        return false;
    p->at += strlen(word);
    return true;
}

static uint32_t take_char(struct parse *p)
{
    uint32_t cp = 0;
    const size_t n = utf8_decode(p->s + p->at, p->len - p->at, &cp);
    if (n == 0 || cp == 0)
        p->strange = true;
    p->at += n ? n : 1;
    return cp;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static struct node *node(struct parse *p, enum node_kind kind)
{
    struct node *n = arena_alloc(p->arena, sizeof(*n));
    n->kind = kind;
    return n;
}

static struct node *give_up(struct parse *p)
{
    p->strange = true;
    return node(p, NODE_ANY);
}

static void add_part(struct parse *p, struct node *n, struct node *part)
{
    n->parts = arena_grow(p->arena, n->parts, n->nparts, sizeof(struct node *));
    n->parts[n->nparts++] = part;
}

/* ---- characters ---- */

static void add_char(struct parse *p, struct node *n, uint32_t cp)
{
    const uint32_t c = text_case_set(cp);
    size_t at = 0;
    while (at < n->nchars && n->chars[at] < c)
        at++;
    if (at < n->nchars && n->chars[at] == c)
        return;
    n->chars = arena_grow(p->arena, n->chars, n->nchars, sizeof(uint32_t));
    memmove(n->chars + at + 1, n->chars + at, (n->nchars - at) * sizeof(uint32_t));
    n->chars[at] = c;
    n->nchars++;
}

static struct node *one_char(struct parse *p, uint32_t cp)
{
    struct node *n = node(p, NODE_CHARS);
    add_char(p, n, cp);
    return n;
}

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* \x has been read: {h...}, or exactly two digits. */
static uint32_t hex_char(struct parse *p)
{
    const bool braces = take(p, "{");
    uint32_t cp = 0;
    size_t n = 0;
    for (; hex_value(peek(p, 0)) >= 0 && n < (braces ? 6 : 2); n++)
        cp = cp * 16 + (uint32_t)hex_value(p->s[p->at++]);
    if ((braces && (n == 0 || !take(p, "}"))) || (!braces && n != 2) || cp == 0 || cp > 0x10FFFF)
        p->strange = true;
    return cp;
}

static const struct {
    char letter;
    char means;
} controls[] = { { 't', '\t' }, { 'n', '\n' }, { 'r', '\r' },
                 { 'f', '\f' }, { 'e', 27 },   { 'a', '\a' } };

/* Behind a backslash: a character, or 0 when it is none (at stays). */
static uint32_t escaped_char(struct parse *p)
{
    const char c = peek(p, 0);
    if (!is_digit(c) && !is_letter(c) && c != '\0')
        return take_char(p);
    if (take(p, "x"))
        return hex_char(p);
    for (size_t i = 0; i < ARRAY_LEN(controls); i++)
        if (controls[i].letter == c) {
            p->at++;
            return (uint32_t)controls[i].means;
        }
    return 0;
}

/* ---- classes ---- */

struct set {
    struct node *chars;
    bool open;      /* holds more than is in chars */
    uint32_t begin; /* the character that may begin a range, or 0 */
};

static void class_range(struct parse *p, struct set *c, uint32_t to)
{
    if (to < c->begin || to - c->begin >= RANGE_MAX)
        c->open = true; /* also [a-\d], where the dash is one */
    else
        for (uint32_t cp = c->begin; cp <= to; cp++)
            add_char(p, c->chars, cp);
    c->begin = 0;
}

/* \d and its like, \p{...}: many characters. */
static bool skip_kind(struct parse *p)
{
    const char c = peek(p, 0);
    if (c == '\0' || !strchr("dDwWsShHvVpP", c))
        return false;
    p->at++;
    if (c != 'p' && c != 'P')
        return true;
    const char *end = peek(p, 0) == '{' ? memchr(p->s + p->at, '}', p->len - p->at) : NULL;
    if (end)
        p->at = (size_t)(end - p->s) + 1;
    else if (is_letter(peek(p, 0)))
        p->at++;
    else
        p->strange = true;
    return true;
}

/* [:alpha:] inside of a class. [:<:] is something else altogether. */
static void class_posix(struct parse *p, struct set *c)
{
    c->open = true;
    p->at += 2;
    (void)take(p, "^");
    if (!is_letter(peek(p, 0)))
        p->strange = true;
    while (is_letter(peek(p, 0)))
        p->at++;
    if (!take(p, ":]"))
        p->strange = true;
}

static uint32_t class_char(struct parse *p, struct set *c)
{
    if (!take(p, "\\"))
        return take_char(p);
    if (skip_kind(p)) {
        c->open = true;
        return 0;
    }
    const uint32_t cp = escaped_char(p);
    if (cp == 0)
        p->strange = true;
    return cp;
}

static bool at_posix(const struct parse *p)
{
    return looking_at(p, "[:") || looking_at(p, "[.") || looking_at(p, "[=");
}

static void class_item(struct parse *p, struct set *c)
{
    if (at_posix(p)) {
        class_posix(p, c);
        c->begin = 0;
        return;
    }
    if (c->begin != 0 && peek(p, 0) == '-' && peek(p, 1) != ']') {
        p->at++;
        p->strange = p->strange || at_posix(p);
        class_range(p, c, class_char(p, c));
        return;
    }
    c->begin = class_char(p, c);
    if (c->begin != 0)
        add_char(p, c->chars, c->begin);
}

/* At "[". */
static struct node *read_class(struct parse *p)
{
    struct set c = { .chars = node(p, NODE_CHARS) };
    p->at++;
    c.open = take(p, "^");
    if (peek(p, 0) == ']')
        class_item(p, &c);
    while (!p->strange && peek(p, 0) != ']')
        if (p->at < p->len)
            class_item(p, &c);
        else
            p->strange = true;
    (void)take(p, "]");
    return c.open || c.chars->nchars > TREE_CHARS_MAX ? node(p, NODE_ANY) : c.chars;
}

/* ---- escapes ---- */

/* \Q has been read: its characters but the last go into cat, for a quantifier behind \E is
 * the last one's. */
static struct node *read_quote(struct parse *p, struct node *cat)
{
    const char *end = memmem(p->s + p->at, p->len - p->at, "\\E", 2);
    const size_t stop = end ? (size_t)(end - p->s) : p->len;
    struct node *last = NULL;
    while (p->at < stop) {
        if (last)
            add_part(p, cat, last);
        last = one_char(p, take_char(p));
    }
    p->at = end ? stop + 2 : stop;
    return last ? last : give_up(p);
}

/* \1 to \9, \k{name}, \g{1}: text from elsewhere. \g<1> and \g'1' are calls, \12 may be
 * a character. */
static struct node *read_backreference(struct parse *p)
{
    const char what = peek(p, 0);
    if (is_digit(what)) {
        p->at++;
        return what == '0' || is_digit(peek(p, 0)) ? give_up(p) : node(p, NODE_ANY);
    }
    p->at++;
    const char *end = peek(p, 0) == '{' ? memchr(p->s + p->at, '}', p->len - p->at) : NULL;
    if (!end)
        return give_up(p);
    p->at = (size_t)(end - p->s) + 1;
    return node(p, NODE_ANY);
}

static struct node *read_escape(struct parse *p, struct node *cat)
{
    p->at++;
    const uint32_t cp = escaped_char(p);
    if (cp != 0)
        return one_char(p, cp);
    const char what = peek(p, 0);
    if (take(p, "Q"))
        return read_quote(p, cat);
    if (is_digit(what) || what == 'k' || what == 'g')
        return read_backreference(p);
    if (skip_kind(p))
        return node(p, NODE_ANY);
    if (what == '\0')
        return give_up(p);
    p->at++;
    if (what == 'b')
        return node(p, NODE_EDGE);
    if (strchr("BAZzGK", what))
        return node(p, NODE_NOTHING);
    if (strchr("NRX", what) && peek(p, 0) != '{')
        return node(p, NODE_ANY);
    return give_up(p); /* also \E by itself, and \N{...} */
}

/* ---- groups ---- */

static struct node *read_alternatives(struct parse *p);

/* What is in a group, and the bracket that closes it. */
static struct node *read_inside(struct parse *p)
{
    if (p->depth >= DEPTH_MAX)
        return give_up(p);
    p->depth++;
    struct node *n = read_alternatives(p);
    p->depth--;
    if (!take(p, ")"))
        p->strange = true;
    return n;
}

static bool take_name(struct parse *p, char end, const char **name, size_t *len)
{
    const char *stop = memchr(p->s + p->at, end, p->len - p->at);
    if (!stop || stop == p->s + p->at) {
        p->strange = true;
        return false;
    }
    *name = p->s + p->at;
    *len = (size_t)(stop - *name);
    p->at += *len + 1;
    return true;
}

static struct named *find_named(const struct parse *p, const char *name, size_t len)
{
    for (size_t i = 0; i < p->ngroups; i++)
        if (p->groups[i].len == len && memcmp(p->groups[i].name, name, len) == 0)
            return &p->groups[i];
    return NULL;
}

static struct node *read_named(struct parse *p, char end)
{
    struct named g = { .content = NULL };
    if (!take_name(p, end, &g.name, &g.len))
        return node(p, NODE_ANY);
    g.content = read_inside(p);
    if (find_named(p, g.name, g.len))
        p->strange = true; /* (?J): a call may mean either */
    p->groups = arena_grow(p->arena, p->groups, p->ngroups, sizeof(*p->groups));
    p->groups[p->ngroups++] = g;
    return g.content;
}

static struct node *read_call(struct parse *p)
{
    struct node *n = node(p, NODE_CALL);
    if (!take_name(p, ')', &n->name, &n->name_len))
        return n;
    p->calls = arena_grow(p->arena, p->calls, p->ncalls, sizeof(struct node *));
    p->calls[p->ncalls++] = n;
    return n;
}

/* What is looked at is parsed for the names in it; whether it is there is not asked. */
static struct node *read_lookaround(struct parse *p)
{
    (void)read_inside(p);
    return node(p, NODE_NOTHING);
}

/* (?i) and (?i: , but for x, under which blanks and # mean something else. */
static struct node *read_options(struct parse *p)
{
    while (peek(p, 0) != '\0' && strchr("imnsJU^-", peek(p, 0)))
        p->at++;
    if (take(p, ")"))
        return node(p, NODE_NOTHING);
    return take(p, ":") ? read_inside(p) : give_up(p);
}

/* (?R), (?1), (?+1), (?-1): the whole, or a group by its number. */
static struct node *read_recursion(struct parse *p)
{
    if (peek(p, 0) == 'R' || peek(p, 0) == '+' || peek(p, 0) == '-')
        p->at++;
    while (is_digit(peek(p, 0)))
        p->at++;
    return take(p, ")") ? node(p, NODE_ANY) : give_up(p);
}

static bool at_recursion(const struct parse *p)
{
    const char c = peek(p, 0);
    return c == 'R' || is_digit(c) || ((c == '+' || c == '-') && is_digit(peek(p, 1)));
}

/* Behind "(?". */
static struct node *read_special(struct parse *p)
{
    if (take(p, ":") || take(p, "|") || take(p, ">"))
        return read_inside(p);
    if (take(p, "=") || take(p, "!") || take(p, "<=") || take(p, "<!"))
        return read_lookaround(p);
    if (take(p, "&") || take(p, "P>"))
        return read_call(p);
    if (take(p, "(DEFINE)"))
        return read_lookaround(p);
    if (looking_at(p, "<*"))
        return give_up(p);
    if (take(p, "<") || take(p, "P<"))
        return read_named(p, '>');
    if (take(p, "'"))
        return read_named(p, '\'');
    if (at_recursion(p))
        return read_recursion(p);
    return read_options(p);
}

static struct node *read_group(struct parse *p)
{
    p->at++;
    if (take(p, "?"))
        return read_special(p);
    return peek(p, 0) == '*' ? give_up(p) : read_inside(p);
}

/* ---- repetition ---- */

static uint32_t take_number(struct parse *p)
{
    uint32_t n = 0;
    while (is_digit(peek(p, 0)) && n <= REPEAT_MAX)
        n = n * 10 + (uint32_t)(p->s[p->at++] - '0');
    if (n > REPEAT_MAX)
        p->strange = true;
    return n;
}

/* {n}, {n,}, {n,m}. Other braces are text, but what looks like a quantifier (blanks, or no
 * first number) is one in some releases of PCRE2. */
static bool take_braces(struct parse *p, uint32_t *min, uint32_t *max)
{
    if (peek(p, 0) != '{')
        return false;
    if (!is_digit(peek(p, 1))) {
        p->strange = p->strange || !is_letter(peek(p, 1));
        return false;
    }
    p->at++;
    *min = take_number(p);
    *max = *min;
    if (take(p, ","))
        *max = is_digit(peek(p, 0)) ? take_number(p) : TREE_REPEAT_MANY;
    if (!take(p, "}"))
        p->strange = true;
    return true;
}

static bool take_quantifier(struct parse *p, uint32_t *min, uint32_t *max)
{
    *min = 0;
    *max = TREE_REPEAT_MANY;
    if (take(p, "?"))
        *max = 1;
    else if (take(p, "+"))
        *min = 1;
    else if (!take(p, "*") && !take_braces(p, min, max))
        return false;
    (void)(take(p, "?") || take(p, "+")); /* lazy, possessive */
    return true;
}

static struct node *with_quantifiers(struct parse *p, struct node *part)
{
    uint32_t min = 0;
    uint32_t max = 0;
    while (!p->strange && take_quantifier(p, &min, &max)) {
        struct node *n = node(p, NODE_REPEAT);
        add_part(p, n, part);
        n->min = min;
        n->max = max;
        part = n;
    }
    return part;
}

/* ---- the whole ---- */

/* May put what comes before the part into cat. */
static struct node *read_one(struct parse *p, struct node *cat)
{
    switch (peek(p, 0)) {
    case '\\':
        return read_escape(p, cat);
    case '[':
        return read_class(p);
    case '(':
        return read_group(p);
    case '.':
        p->at++;
        return node(p, NODE_ANY);
    case '^':
    case '$':
        p->at++;
        return node(p, NODE_NOTHING);
    case '*':
    case '+':
    case '?':
        return give_up(p);
    case '{': /* take_braces() has seen it, unless it comes first */
        return is_letter(peek(p, 1)) ? one_char(p, take_char(p)) : give_up(p);
    default:
        return one_char(p, take_char(p));
    }
}

static struct node *read_sequence(struct parse *p)
{
    struct node *cat = node(p, NODE_CAT);
    while (!p->strange && p->at < p->len && peek(p, 0) != '|' && peek(p, 0) != ')') {
        struct node *part = read_one(p, cat);
        add_part(p, cat, with_quantifiers(p, part));
    }
    return cat;
}

static struct node *read_alternatives(struct parse *p)
{
    struct node *first = read_sequence(p);
    if (peek(p, 0) != '|')
        return first;
    struct node *alt = node(p, NODE_ALT);
    add_part(p, alt, first);
    while (!p->strange && take(p, "|"))
        add_part(p, alt, read_sequence(p));
    return alt;
}

/* A group may be called before it is defined. */
static void resolve_calls(struct parse *p)
{
    for (size_t i = 0; i < p->ncalls; i++) {
        const struct named *g = find_named(p, p->calls[i]->name, p->calls[i]->name_len);
        add_part(p, p->calls[i], g ? g->content : NULL);
    }
}

struct node *pattern_tree(struct arena *a, const char *source, size_t len)
{
    struct parse p = { .arena = a, .s = source, .len = len };
    struct node *whole = read_alternatives(&p);
    if (p.strange || p.at < p.len)
        return NULL;
    resolve_calls(&p);
    return whole;
}
