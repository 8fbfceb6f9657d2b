#include "rules/literals.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "event/text.h"
#include "rules/pattern_tree.h"

/* Measured with the packs (src/README.md): longer literals, or more combinations of the parts
 * in a row, make more literals to search for, and hardly fewer patterns to run. What is cut
 * off has no edge behind it. */
#define PRODUCT_MAX 16
#define REPEAT_WRITTEN_MAX 8

/* The texts that a part of a pattern matches. An edge says that \b holds there. */
struct texts {
    struct literal *list;
    size_t count;
};

/* What is known of a part: all its texts, or, when these are too many or unknown (list is
 * NULL), what they need. */
struct known {
    bool exact;
    struct texts texts;
    const struct need *need; /* NULL: nothing */
};

/* What node.note points at. */
struct note {
    bool busy; /* a group that calls itself */
    struct known known;
};

struct derive {
    struct arena *arena;
};

/* ---- literals ---- */

static uint32_t written_char(uint32_t cp)
{
    return cp == '\n' ? ' ' : text_case_set(cp);
}

bool literals_write(struct buf *out, const char *s, size_t len)
{
    buf_reserve(out, len + len / 2);
    for (size_t at = 0; at < len;) {
        uint32_t cp = (unsigned char)s[at];
        size_t n = 1;
        if (cp >= 0x80 && (n = utf8_decode(s + at, len - at, &cp)) == 0)
            return false;
        const uint32_t as = written_char(cp);
        if (as < 0x80)
            buf_putc(out, (char)as);
        else
            utf8_encode(out, as);
        at += n;
    }
    return true;
}

int literal_compare(const struct literal *a, const struct literal *b)
{
    const size_t n = a->len < b->len ? a->len : b->len;
    const int order = n > 0 ? memcmp(a->bytes, b->bytes, n) : 0;
    if (order != 0)
        return order;
    if (a->len != b->len)
        return a->len < b->len ? -1 : 1;
    if (a->word_before != b->word_before)
        return a->word_before - b->word_before;
    return a->word_after - b->word_after;
}

static int compare_literals(const void *a, const void *b)
{
    return literal_compare(a, b);
}

/* Surely a word's character in every release of PCRE2, and in every Unicode. */
static bool word_char(uint32_t cp)
{
    return (cp >= '0' && cp <= '9') || (cp >= 'a' && cp <= 'z') || cp == '_' ||
           (cp >= 0xC0 && cp <= 0x24F && cp != 0xD7 && cp != 0xF7) || (cp >= 0x430 && cp <= 0x45F);
}

static uint32_t char_before(const char *s, size_t end)
{
    size_t at = end - 1;
    uint32_t cp = 0;
    while (at > 0 && ((unsigned char)s[at] & 0xC0) == 0x80)
        at--;
    return utf8_decode(s + at, end - at, &cp) > 0 ? cp : 0;
}

static uint32_t char_at(const char *s, size_t len, size_t at)
{
    uint32_t cp = 0;
    return utf8_decode(s + at, len - at, &cp) > 0 ? cp : 0;
}

bool literal_stands(const struct literal *l, const char *text, size_t len, size_t end)
{
    const size_t start = end - l->len;
    if (l->word_before && start > 0 && word_char(char_before(text, start)))
        return false;
    return !(l->word_after && end < len && word_char(char_at(text, len, end)));
}

/* \b beside what is no word's character asks for one on the other side: not looked at. */
static void keep_true_edges(struct literal *l)
{
    l->word_before = l->word_before && word_char(char_at(l->bytes, l->len, 0));
    l->word_after = l->word_after && word_char(char_before(l->bytes, l->len));
}

/* ---- texts ---- */

static struct texts sort_unique(struct texts t)
{
    if (t.count < 2)
        return t;
    qsort(t.list, t.count, sizeof(*t.list), compare_literals);
    size_t n = 1;
    for (size_t i = 1; i < t.count; i++)
        if (literal_compare(&t.list[i], &t.list[n - 1]) != 0)
            t.list[n++] = t.list[i];
    t.count = n;
    return t;
}

static struct texts one_text(struct derive *d, const char *bytes, size_t len)
{
    struct texts t = { .list = arena_alloc(d->arena, sizeof(*t.list)), .count = 1 };
    *t.list = (struct literal){ .bytes = arena_text(d->arena, bytes, len), .len = len };
    return t;
}

/* t and count literals more. */
static struct texts join_texts(struct derive *d, const struct texts *t, const struct literal *more,
                               size_t count)
{
    struct texts all = { .list = arena_array(d->arena, t->count + count, sizeof(*all.list)) };
    for (size_t i = 0; i < t->count; i++)
        all.list[all.count++] = t->list[i];
    for (size_t i = 0; i < count; i++)
        all.list[all.count++] = more[i];
    return sort_unique(all);
}

/* An edge in between is forgotten, unless there is nothing on its other side. */
static struct literal append(struct derive *d, const struct literal *a, const struct literal *b)
{
    char *bytes = arena_alloc(d->arena, a->len + b->len + 1);
    memcpy(bytes, a->bytes, a->len);
    memcpy(bytes + a->len, b->bytes, b->len);
    return (struct literal){
        .bytes = bytes,
        .len = a->len + b->len,
        .word_before = a->word_before || (a->len == 0 && b->word_before),
        .word_after = b->word_after || (b->len == 0 && a->word_after),
    };
}

static struct texts multiply(struct derive *d, const struct texts *a, const struct texts *b)
{
    struct texts t = { .list = arena_array(d->arena, a->count * b->count, sizeof(*t.list)) };
    for (size_t i = 0; i < a->count; i++)
        for (size_t k = 0; k < b->count; k++)
            t.list[t.count++] = append(d, &a->list[i], &b->list[k]);
    return sort_unique(t);
}

static size_t longest(const struct texts *t)
{
    size_t most = 0;
    for (size_t i = 0; i < t->count; i++)
        most = t->list[i].len > most ? t->list[i].len : most;
    return most;
}

/* A single text more makes no more of them. */
static bool can_multiply(const struct texts *a, const struct texts *b)
{
    const size_t count = a->count * b->count;
    return (a->count == 1 || b->count == 1 ? count <= LITERALS_MAX : count <= PRODUCT_MAX) &&
           longest(a) + longest(b) <= (size_t)4 * LITERAL_BYTES_MAX;
}

/* ---- needs ---- */

/* Occurs in too many texts to tell anything. */
static bool too_common(const struct literal *l)
{
    const size_t chars = utf8_count(l->bytes, l->len);
    if (chars == 0 || strspn(l->bytes, " ") == l->len)
        return true;
    if (chars == 1)
        return l->len == 1 && !(l->word_before && l->word_after);
    return false;
}

static void shorten(struct literal *l)
{
    if (l->len <= LITERAL_BYTES_MAX)
        return;
    l->len = utf8_cut(l->bytes, l->len, LITERAL_BYTES_MAX);
    l->word_after = false;
}

/* a is wherever b is. */
static bool contained(const struct literal *a, const struct literal *b)
{
    return b->len >= a->len && memcmp(a->bytes, b->bytes, a->len) == 0 &&
           (!a->word_before || b->word_before) &&
           (!a->word_after || (a->len == b->len && b->word_after));
}

/* Without those that begin with another one. */
static struct texts without_longer(struct texts t)
{
    size_t n = 0;
    for (size_t i = 0; i < t.count; i++) {
        bool needless = false;
        for (size_t k = n; k > 0 && !needless; k--) {
            needless = contained(&t.list[k - 1], &t.list[i]);
            if (t.list[k - 1].bytes[0] != t.list[i].bytes[0])
                break;
        }
        if (!needless)
            t.list[n++] = t.list[i];
    }
    t.count = n;
    return t;
}

/* One of the texts; NULL when they do not tell enough. Does not change t. */
static const struct need *need_one_of(struct derive *d, const struct texts *t)
{
    if (t->count == 0 || t->count > LITERALS_MAX)
        return NULL;
    struct texts own = { .list = arena_array(d->arena, t->count, sizeof(*own.list)),
                         .count = t->count };
    memcpy(own.list, t->list, t->count * sizeof(*own.list));
    for (size_t i = 0; i < own.count; i++) {
        shorten(&own.list[i]);
        if (own.list[i].len == 0)
            return NULL;
        keep_true_edges(&own.list[i]);
        if (too_common(&own.list[i]))
            return NULL;
    }
    own = without_longer(sort_unique(own));
    struct need *n = arena_alloc(d->arena, sizeof(*n));
    *n = (struct need){ .kind = NEED_ONE_OF, .literals = own.list, .nliterals = own.count };
    return n;
}

static struct need *need_of_parts(struct derive *d, enum need_kind kind)
{
    struct need *n = arena_alloc(d->arena, sizeof(*n));
    n->kind = kind;
    return n;
}

static void add_need(struct derive *d, struct need *n, const struct need *part)
{
    n->parts = arena_grow(d->arena, n->parts, n->nparts, sizeof(const struct need *));
    n->parts[n->nparts++] = part;
}

/* Both; NULL needs nothing. all is NULL or what this returned before. */
static struct need *need_also(struct derive *d, struct need *all, const struct need *more)
{
    if (!more)
        return all;
    if (!all)
        all = need_of_parts(d, NEED_ALL);
    add_need(d, all, more);
    return all;
}

static const struct need *simplest(const struct need *n)
{
    return n && n->kind != NEED_ONE_OF && n->nparts == 1 ? n->parts[0] : n;
}

static const struct need *need_of(struct derive *d, const struct known *k)
{
    return k->exact ? need_one_of(d, &k->texts) : k->need;
}

/* ---- one part of the pattern ---- */

static struct known known_of(struct derive *d, struct node *n);

static struct known anything(void)
{
    return (struct known){ .exact = false };
}

static struct known exactly(struct texts t)
{
    return (struct known){ .exact = true, .texts = t };
}

static struct known known_edge(struct derive *d)
{
    struct texts t = one_text(d, "", 0);
    t.list[0].word_before = true;
    t.list[0].word_after = true;
    return exactly(t);
}

static struct known known_chars(struct derive *d, const struct node *n)
{
    struct texts t = { .list = arena_array(d->arena, n->nchars, sizeof(*t.list)) };
    for (size_t i = 0; i < n->nchars; i++) {
        struct buf one = BUF_INIT;
        utf8_encode(&one, written_char(n->chars[i]));
        t.list[t.count++] = (struct literal){ .bytes = arena_text(d->arena, buf_str(&one), one.len),
                                              .len = one.len };
        buf_free(&one);
    }
    return exactly(sort_unique(t));
}

/* A row of parts: run holds the texts of the last of them, as far as they are known. */
struct row {
    struct texts run;
    struct need *all;
    bool broken; /* some text in it is not known */
};

static void end_run(struct derive *d, struct row *r)
{
    r->all = need_also(d, r->all, need_one_of(d, &r->run));
    r->broken = true;
}

static void add_to_row(struct derive *d, struct row *r, const struct known *k)
{
    if (k->exact && can_multiply(&r->run, &k->texts)) {
        r->run = multiply(d, &r->run, &k->texts);
        return;
    }
    end_run(d, r);
    r->run = k->exact ? k->texts : one_text(d, "", 0);
    if (!k->exact)
        r->all = need_also(d, r->all, k->need);
}

static struct known row_known(struct derive *d, struct row *r)
{
    if (!r->broken)
        return exactly(r->run);
    end_run(d, r);
    return (struct known){ .need = simplest(r->all) };
}

static struct known known_cat(struct derive *d, const struct node *n)
{
    struct row r = { .run = one_text(d, "", 0) };
    for (size_t i = 0; i < n->nparts; i++) {
        const struct known k = known_of(d, n->parts[i]);
        add_to_row(d, &r, &k);
    }
    return row_known(d, &r);
}

/* The texts of all parts, when all have them and they are not too many. */
static bool unite(struct derive *d, const struct node *n, struct texts *out)
{
    *out = (struct texts){ .count = 0 };
    for (size_t i = 0; i < n->nparts; i++) {
        const struct known k = known_of(d, n->parts[i]);
        if (!k.exact || out->count + k.texts.count > LITERALS_MAX)
            return false;
        *out = join_texts(d, out, k.texts.list, k.texts.count);
    }
    return true;
}

/* What one of the parts needs: choices of literals become one choice. */
static const struct need *need_any(struct derive *d, const struct node *n)
{
    struct need *any = need_of_parts(d, NEED_ANY);
    struct texts choice = { .count = 0 };
    for (size_t i = 0; i < n->nparts; i++) {
        const struct known k = known_of(d, n->parts[i]);
        const struct need *need = need_of(d, &k);
        if (!need)
            return NULL;
        if (need->kind != NEED_ONE_OF) {
            add_need(d, any, need);
            continue;
        }
        if (choice.count + need->nliterals > LITERALS_MAX) {
            add_need(d, any, need_one_of(d, &choice));
            choice.count = 0;
        }
        choice = join_texts(d, &choice, need->literals, need->nliterals);
    }
    if (choice.count > 0)
        add_need(d, any, need_one_of(d, &choice));
    return simplest(any);
}

static struct known known_alt(struct derive *d, const struct node *n)
{
    struct texts all;
    if (unite(d, n, &all))
        return exactly(all);
    return (struct known){ .need = need_any(d, n) };
}

static struct known known_repeat(struct derive *d, const struct node *n)
{
    const struct known once = known_of(d, n->parts[0]);
    if (n->max == 0)
        return exactly(one_text(d, "", 0));
    if (n->min == 0 && (n->max > 1 || !once.exact))
        return anything();
    if (n->min == 0) {
        const struct texts none = one_text(d, "", 0);
        return exactly(join_texts(d, &none, once.texts.list, once.texts.count));
    }
    if (n->min != n->max || n->max > REPEAT_WRITTEN_MAX)
        return (struct known){ .need = need_of(d, &once) };
    struct row r = { .run = one_text(d, "", 0) };
    for (uint32_t i = 0; i < n->max; i++)
        add_to_row(d, &r, &once);
    return row_known(d, &r);
}

static struct known known_call(struct derive *d, const struct node *n)
{
    struct node *group = n->parts[0];
    return group ? known_of(d, group) : anything();
}

static struct known derive_node(struct derive *d, struct node *n)
{
    switch (n->kind) {
    case NODE_NOTHING:
        return exactly(one_text(d, "", 0));
    case NODE_EDGE:
        return known_edge(d);
    case NODE_CHARS:
        return known_chars(d, n);
    case NODE_CAT:
        return known_cat(d, n);
    case NODE_ALT:
        return known_alt(d, n);
    case NODE_REPEAT:
        return known_repeat(d, n);
    case NODE_CALL:
        return known_call(d, n);
    case NODE_ANY:
        break;
    }
    return anything();
}

/* Each node once, however often its group is called; one that calls itself is anything. */
static struct known known_of(struct derive *d, struct node *n)
{
    struct note *note = n->note;
    if (note)
        return note->busy ? anything() : note->known;
    note = arena_alloc(d->arena, sizeof(*note));
    n->note = note;
    note->busy = true;
    note->known = derive_node(d, n);
    note->busy = false;
    return note->known;
}

const struct need *literals_needed(struct arena *a, const char *source, size_t len)
{
    struct derive d = { .arena = a };
    struct node *tree = pattern_tree(a, source, len);
    if (!tree)
        return NULL;
    const struct known k = known_of(&d, tree);
    return need_of(&d, &k);
}

/* ---- in words ---- */

static void describe_literal(struct buf *out, const struct literal *l)
{
    if (l->word_before)
        buf_putc(out, '<');
    buf_append(out, l->bytes, l->len);
    if (l->word_after)
        buf_putc(out, '>');
}

void need_describe(struct buf *out, const struct need *n)
{
    if (!n) {
        buf_puts(out, "nothing");
        return;
    }
    const size_t count = n->kind == NEED_ONE_OF ? n->nliterals : n->nparts;
    const bool brackets = count != 1;
    if (brackets)
        buf_putc(out, '(');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_puts(out, n->kind == NEED_ALL ? " & " : "|");
        if (n->kind == NEED_ONE_OF)
            describe_literal(out, &n->literals[i]);
        else
            need_describe(out, n->parts[i]);
    }
    if (brackets)
        buf_putc(out, ')');
}
