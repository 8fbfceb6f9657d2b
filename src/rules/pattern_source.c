#include "rules/pattern_source.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/utf8.h"
#include "event/text.h"

#define BLANK "[ \n]"
#define GROUPS_MAX 64 /* more than PCRE2 is told to allow */

struct scan {
    struct pattern_source *p;
    const char *s;
    size_t len, at;
    bool extended; /* (?x) holds here */
    size_t depth;
    struct open_group {
        size_t at;
        bool extended; /* held where the group began */
    } open[GROUPS_MAX];
};

static bool looking_at(const struct scan *c, size_t ahead, const char *word)
{
    const size_t n = strlen(word);
    return c->len - c->at >= ahead + n && memcmp(c->s + c->at + ahead, word, n) == 0;
}

/* The byte so far ahead, or NUL behind the end. */
static char peek(const struct scan *c, size_t ahead)
{
    return c->len - c->at > ahead ? c->s[c->at + ahead] : '\0';
}

static void emit(struct scan *c, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        c->p->origin[c->p->out.len + i] = c->at;
    buf_append(&c->p->out, text, len);
}

static void copy(struct scan *c, size_t n)
{
    for (; n > 0 && c->at < c->len; n--) {
        emit(c, c->s + c->at, 1);
        c->at++;
    }
}

/* Copies up to and with the word; false when it does not come. */
static bool copy_through(struct scan *c, const char *word)
{
    const char *end = memmem(c->s + c->at, c->len - c->at, word, strlen(word));
    copy(c, end ? (size_t)(end - (c->s + c->at)) + strlen(word) : c->len - c->at);
    return end != NULL;
}

static void refuse(struct scan *c, const char *why)
{
    if (c->p->refused)
        return;
    c->p->refused = why;
    c->p->refused_at = c->at;
}

static void never_closed(struct scan *c, const char *opener, size_t at)
{
    c->p->opener = opener;
    c->p->opener_at = at;
}

/* Remembers the name that begins so far ahead and ends before `end`. */
static void name_seen(struct scan *c, size_t ahead, char end, bool reference)
{
    const char first = peek(c, ahead);
    const char *name = c->s + c->at + ahead;
    if (first == '\0' || strchr("0123456789+-=!", first))
        return; /* a group's number, or a lookbehind */
    const char *stop = memchr(name, end, c->len - c->at - ahead);
    if (!stop)
        return;
    struct pattern_source *p = c->p;
    p->names = xreallocarray(p->names, p->nnames + 1, sizeof(*p->names));
    p->names[p->nnames++] = (struct pattern_name){ .at = c->at + ahead,
                                                   .len = (size_t)(stop - name),
                                                   .reference = reference };
}

/* ---- escapes ---- */

static void scan_quote(struct scan *c)
{
    copy(c, 2);
    c->p->quote_open = !copy_through(c, "\\E");
}

/* \p{...}, \x{...} and their like, whose blanks, if any, are syntax. */
static void scan_braced_escape(struct scan *c)
{
    if (peek(c, 1) == 'g' && peek(c, 2) == '<')
        name_seen(c, 3, '>', true);
    if (peek(c, 1) == 'g' && peek(c, 2) == '\'')
        name_seen(c, 3, '\'', true);
    if (peek(c, 2) == '{')
        copy_through(c, "}");
    else
        copy(c, 2);
}

static void scan_escape(struct scan *c)
{
    const char what = peek(c, 1);
    if (what == 'Q') {
        scan_quote(c);
    } else if (what == 'G') {
        emit(c, "\\A", 2);
        c->at += 2;
    } else if (what == 'c') {
        copy(c, 3);
    } else if (what != '\0' && strchr("pPxoNgk", what)) {
        scan_braced_escape(c);
    } else {
        if (what == 'C')
            refuse(c, "\\C, a single byte, is not allowed: it would cut characters apart");
        copy(c, 2);
    }
}

/* ---- classes ---- */

/* Length of [:alpha:], [.x.] or [=x=] here, or 0: as PCRE2's check_posix_syntax(). */
static size_t posix_name(const struct scan *c)
{
    const char mark = peek(c, 1);
    if (mark != ':' && mark != '.' && mark != '=')
        return 0;
    for (size_t i = 2; peek(c, i + 1) != '\0'; i++) {
        if (peek(c, i) == mark && peek(c, i + 1) == ']')
            return i + 2;
        if (peek(c, i) == ']' || (peek(c, i) == '[' && peek(c, i + 1) == mark))
            return 0;
        if (peek(c, i) == '\\' && (peek(c, i + 1) == ']' || peek(c, i + 1) == '\\'))
            i++;
    }
    return 0;
}

/* [ and all behind it that leaves a ] an ordinary character. */
static void scan_class_start(struct scan *c)
{
    copy(c, 1);
    for (bool negated = false;;) {
        if (looking_at(c, 0, "\\Q\\E")) {
            copy(c, 4);
        } else if (looking_at(c, 0, "\\E")) {
            copy(c, 2);
        } else if (peek(c, 0) == '^' && !negated) {
            negated = true;
            copy(c, 1);
        } else {
            break;
        }
    }
    if (peek(c, 0) == ']')
        copy(c, 1);
}

static void scan_class(struct scan *c)
{
    const size_t start = c->at;
    scan_class_start(c);
    while (c->at < c->len) {
        if (peek(c, 0) == ']') {
            copy(c, 1);
            return;
        }
        if (looking_at(c, 0, "\\Q"))
            scan_quote(c);
        else if (peek(c, 0) == '\\')
            copy(c, peek(c, 1) == 'c' ? 3 : 2);
        else if (peek(c, 0) == '[' && posix_name(c) > 0)
            copy(c, posix_name(c));
        else
            copy(c, 1);
    }
    never_closed(c, "[", start);
}

/* ---- groups ---- */

static void group_begin(struct scan *c)
{
    if (c->depth < GROUPS_MAX)
        c->open[c->depth] = (struct open_group){ .at = c->at, .extended = c->extended };
    c->depth++;
}

static void group_end(struct scan *c)
{
    copy(c, 1);
    if (c->depth == 0)
        return; /* one too many: PCRE2's business */
    c->depth--;
    if (c->depth < GROUPS_MAX)
        c->extended = c->open[c->depth].extended;
}

/* (*VERB), or (*pla: and the other assertions in words. */
static void scan_verb(struct scan *c)
{
    if (c->at == 0)
        refuse(c, "settings in front of a pattern, (*...), are not allowed");
    const char first = peek(c, 2);
    if (first >= 'a' && first <= 'z') {
        group_begin(c);
        copy(c, 2);
        return;
    }
    if (looking_at(c, 2, "SKIP") || looking_at(c, 2, "COMMIT"))
        c->p->steers = true;
    copy_through(c, ")");
}

/* (?flags) and (?flags: and the rest of what starts with a question mark. */
static void scan_options(struct scan *c)
{
    bool extended = c->extended;
    bool on = true;
    size_t i = 2;
    for (; peek(c, i) != '\0' && strchr("imnsxJU^-", peek(c, i)); i++) {
        if (peek(c, i) == '^')
            extended = false;
        if (peek(c, i) == '-')
            on = false;
        if (peek(c, i) == 'x')
            extended = on;
    }
    if (peek(c, i) != ')' || i == 2)
        group_begin(c); /* (?x: ends with its group, (?x) with the one around it */
    if (peek(c, i) == ')' || peek(c, i) == ':')
        c->extended = extended;
    copy(c, peek(c, i) == ')' && i > 2 ? i + 1 : i);
}

static void scan_comment(struct scan *c)
{
    const size_t start = c->at;
    if (!copy_through(c, ")"))
        never_closed(c, "(?#", start);
}

/* (?(condition)yes|no): a name or a number in the condition has no blanks. */
static void scan_condition(struct scan *c)
{
    group_begin(c);
    copy(c, 2);
    if (peek(c, 1) != '?' && peek(c, 1) != '*')
        copy_through(c, ")");
}

static void scan_names(struct scan *c)
{
    if (looking_at(c, 2, "<"))
        name_seen(c, 3, '>', false);
    else if (looking_at(c, 2, "'"))
        name_seen(c, 3, '\'', false);
    else if (looking_at(c, 2, "P<"))
        name_seen(c, 4, '>', false);
    else if (looking_at(c, 2, "&"))
        name_seen(c, 3, ')', true);
    else if (looking_at(c, 2, "P>"))
        name_seen(c, 4, ')', true);
}

static void scan_group(struct scan *c)
{
    if (peek(c, 1) == '*') {
        scan_verb(c);
    } else if (looking_at(c, 0, "(?#")) {
        scan_comment(c);
    } else if (looking_at(c, 0, "(?(")) {
        scan_condition(c);
    } else if (looking_at(c, 0, "(?")) {
        if (peek(c, 2) == 'C')
            refuse(c, "callouts, (?C...), are not allowed");
        if (peek(c, 2) == '[')
            refuse(c, "(?[...]) is not allowed: not every release of PCRE2 knows it");
        scan_names(c);
        scan_options(c);
    } else {
        group_begin(c);
        copy(c, 1);
    }
}

/* ---- the whole ---- */

static void scan_blank(struct scan *c)
{
    emit(c, BLANK, strlen(BLANK));
    c->at++;
}

static void scan_line_comment(struct scan *c)
{
    c->p->comment_open = !copy_through(c, "\n");
}

/* {,3}: PCRE2 10.42 reads it as text, 10.43 as {0,3}. */
static void scan_brace(struct scan *c)
{
    size_t i = 2;
    while (peek(c, 1) == ',' && peek(c, i) >= '0' && peek(c, i) <= '9')
        i++;
    if (i > 2 && peek(c, i) == '}')
        refuse(c, "{,n} is not allowed, for releases of PCRE2 differ on it: write {0,n}");
    copy(c, 1);
}

static void scan_one(struct scan *c)
{
    switch (peek(c, 0)) {
    case '\\':
        scan_escape(c);
        break;
    case '[':
        scan_class(c);
        break;
    case '(':
        scan_group(c);
        break;
    case ')':
        group_end(c);
        break;
    case ' ':
        if (c->extended)
            copy(c, 1);
        else
            scan_blank(c);
        break;
    case '{':
        scan_brace(c);
        break;
    case '#':
        if (c->extended)
            scan_line_comment(c);
        else
            copy(c, 1);
        break;
    default:
        copy(c, 1);
    }
}

/* Without the line breaks at its end, which YAML's block scalars bring along: no field
 * ends with one. An escaped one stays. */
static size_t meant_length(const char *source, size_t len)
{
    while (len > 0 && source[len - 1] == '\n' && !(len > 1 && source[len - 2] == '\\'))
        len--;
    return len;
}

/* In texts ` has become ', and in patterns it is no syntax. */
static void fold_backticks(struct buf *b)
{
    for (size_t i = 0; i < b->len; i++)
        if (b->data[i] == '`')
            b->data[i] = '\'';
}

void pattern_source_read(struct pattern_source *p, const char *source, size_t len)
{
    text_fold_pattern(&p->folded, source, meant_length(source, len));
    fold_backticks(&p->folded);
    p->origin = xreallocarray(NULL, p->folded.len * strlen(BLANK) + 1, sizeof(*p->origin));
    struct scan c = { .p = p, .s = buf_str(&p->folded), .len = p->folded.len };
    while (c.at < c.len)
        scan_one(&c);
    p->origin[p->out.len] = c.len;
    p->extended = c.extended;
    if (c.depth > 0 && !p->opener)
        never_closed(&c, "(", c.open[c.depth <= GROUPS_MAX ? c.depth - 1 : GROUPS_MAX - 1].at);
}

void pattern_source_done(struct pattern_source *p)
{
    buf_free(&p->folded);
    buf_free(&p->out);
    free(p->origin);
    free(p->names);
    *p = (struct pattern_source)PATTERN_SOURCE_INIT;
}

/* Folding a longer start of the source gives a longer result, so the place is found by
 * halving: the longest start whose folded form ends at or before folded_at. */
size_t pattern_source_at(const char *source, size_t len, size_t folded_at)
{
    size_t lo = 0;
    size_t hi = len;
    while (lo < hi) {
        size_t mid = hi - (hi - lo) / 2;
        while (mid < hi && ((unsigned char)source[mid] & 0xC0) == 0x80)
            mid++; /* only whole characters fold */
        scoped(buf_free) struct buf start = BUF_INIT;
        text_fold_pattern(&start, source, mid);
        if (start.len <= folded_at)
            lo = mid;
        else
            hi = utf8_cut(source, len, mid - 1);
    }
    return lo;
}

bool pattern_source_defines(const struct pattern_source *p, const struct pattern_source *other,
                            const struct pattern_name *n)
{
    for (size_t i = 0; i < p->nnames; i++)
        if (!p->names[i].reference && p->names[i].len == n->len &&
            memcmp(p->folded.data + p->names[i].at, other->folded.data + n->at, n->len) == 0)
            return true;
    return false;
}
