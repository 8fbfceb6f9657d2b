#include "rules/prefilter.h"

#include <hs.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "rules/literals.h"
#include "rules/pattern.h"
#include "rules/rule.h"

/* What a pattern needs, as struct need, but a choice of literals is the number of a bit. */
struct step {
    enum need_kind kind;
    size_t choice;       /* NEED_ONE_OF */
    size_t first, count; /* of its parts in steps; they stand behind it */
};

/* What is searched for: bytes, which may be a literal of several choices. */
struct sought {
    size_t first, count; /* in uses */
};

struct use {
    struct literal literal; /* its bytes are gone when the database is there */
    size_t choice;
};

struct prefilter {
    unsigned long serial; /* never given again, as addresses are */
    hs_database_t *db;
    struct arena *arena; /* of all below */
    struct step *steps;
    size_t nsteps;
    size_t *roots; /* by a pattern's number: its step; 0: must be run */
    size_t nroots;
    struct sought *sought;
    size_t nsought;
    struct use *uses; /* sorted by literal */
    size_t nuses;
    size_t nchoices;
    struct askers {
        unsigned *patterns; /* numbers of those that need the choice, at least among others */
        size_t count;
    } * askers; /* by choice */
    size_t always;
};

/* ---- the choices of all patterns ---- */

/* Many patterns use the same definitions, and so need the same. */
struct choice {
    const struct need *need;
    uint64_t hash;
};

struct build {
    struct prefilter *f;
    struct arena *arena;    /* of the needs, until the database is there */
    struct choice *choices; /* a hash table, its capacity a power of two */
    size_t *numbers;
    size_t cap;
    bool *seen; /* by a pattern's number */
};

static uint64_t hash_bytes(uint64_t h, const void *data, size_t len)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < len; i++)
        h = (h ^ bytes[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
    return h;
}

static uint64_t hash_choice(const struct need *n)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < n->nliterals; i++) {
        const struct literal *l = &n->literals[i];
        const char edges = (char)('0' + l->word_before * 2 + l->word_after);
        h = hash_bytes(h, l->bytes, l->len);
        h = hash_bytes(h, &edges, 1);
    }
    return h ^ (h >> 32);
}

/* What the table holds of a need, which goes with its pattern. */
static const struct need *keep_choice(struct build *b, const struct need *n)
{
    struct need *own = arena_alloc(b->arena, sizeof(*own));
    struct literal *list = arena_array(b->arena, n->nliterals, sizeof(*list));
    for (size_t i = 0; i < n->nliterals; i++) {
        list[i] = n->literals[i];
        list[i].bytes = arena_text(b->arena, list[i].bytes, list[i].len);
    }
    *own = *n;
    own->literals = list;
    return own;
}

static bool same_choice(const struct need *a, const struct need *b)
{
    if (a->nliterals != b->nliterals)
        return false;
    for (size_t i = 0; i < a->nliterals; i++)
        if (literal_compare(&a->literals[i], &b->literals[i]) != 0)
            return false;
    return true;
}

/* Where the choice is in the table, or belongs. */
static size_t place_of(const struct build *b, const struct need *n, uint64_t hash)
{
    size_t at = (size_t)hash & (b->cap - 1);
    while (b->choices[at].need &&
           (b->choices[at].hash != hash || !same_choice(b->choices[at].need, n)))
        at = (at + 1) & (b->cap - 1);
    return at;
}

static void grow_table(struct build *b)
{
    const struct build old = *b;
    b->cap = old.cap ? old.cap * 2 : 64;
    b->choices = xcalloc(b->cap, sizeof(*b->choices));
    b->numbers = xcalloc(b->cap, sizeof(*b->numbers));
    for (size_t i = 0; i < old.cap; i++) {
        if (!old.choices[i].need)
            continue;
        const size_t at = place_of(b, old.choices[i].need, old.choices[i].hash);
        b->choices[at] = old.choices[i];
        b->numbers[at] = old.numbers[i];
    }
    free(old.choices);
    free(old.numbers);
}

static void add_uses(struct prefilter *f, const struct need *n, size_t choice)
{
    for (size_t i = 0; i < n->nliterals; i++) {
        f->uses = arena_grow(f->arena, f->uses, f->nuses, sizeof(*f->uses));
        f->uses[f->nuses++] = (struct use){ .literal = n->literals[i], .choice = choice };
    }
}

static size_t choice_number(struct build *b, const struct need *n)
{
    struct prefilter *f = b->f;
    if ((f->nchoices + 1) * 2 > b->cap)
        grow_table(b);
    const uint64_t hash = hash_choice(n);
    const size_t at = place_of(b, n, hash);
    if (!b->choices[at].need) {
        f->askers = arena_grow(f->arena, f->askers, f->nchoices, sizeof(*f->askers));
        b->choices[at] = (struct choice){ .need = keep_choice(b, n), .hash = hash };
        b->numbers[at] = f->nchoices++;
        add_uses(f, b->choices[at].need, b->numbers[at]);
    }
    return b->numbers[at];
}

/* The step's number. Its parts stand together, their own parts behind them. */
static size_t new_steps(struct prefilter *f, size_t count)
{
    const size_t first = f->nsteps;
    for (size_t i = 0; i < count; i++)
        f->steps = arena_grow(f->arena, f->steps, f->nsteps++, sizeof(*f->steps));
    return first;
}

static void add_asker(struct prefilter *f, size_t choice, unsigned pattern)
{
    struct askers *a = &f->askers[choice];
    a->patterns = arena_grow(f->arena, a->patterns, a->count, sizeof(*a->patterns));
    a->patterns[a->count++] = pattern;
}

static void fill_step(struct build *b, size_t at, const struct need *n, unsigned pattern)
{
    struct step s = { .kind = n->kind };
    if (n->kind == NEED_ONE_OF) {
        s.choice = choice_number(b, n);
        add_asker(b->f, s.choice, pattern);
    } else {
        s.count = n->nparts;
        s.first = new_steps(b->f, n->nparts);
        for (size_t i = 0; i < n->nparts; i++)
            fill_step(b, s.first + i, n->parts[i], pattern);
    }
    b->f->steps[at] = s;
}

/* ---- all patterns of a rule set ---- */

static void add_pattern(struct build *b, const struct alternative *a)
{
    struct prefilter *f = b->f;
    if (a->number == 0 || a->number >= f->nroots || b->seen[a->number])
        return;
    b->seen[a->number] = true;
    scoped(buf_free) struct buf source = BUF_INIT;
    scoped(arena_freep) struct arena *own = arena_new();
    pattern_source_joined(&source, a->source, a->groups);
    const struct need *need = literals_needed(own, buf_str(&source), source.len);
    if (!need) {
        f->always++;
        return;
    }
    f->roots[a->number] = new_steps(f, 1);
    fill_step(b, f->roots[a->number], need, a->number);
}

static void add_condition(struct build *b, const struct cond *c)
{
    for (size_t i = 0; c->kind == COND_FIELD && i < c->nalternatives; i++)
        if (c->alternatives[i].pattern)
            add_pattern(b, &c->alternatives[i]);
    for (size_t i = 0; i < c->nchildren; i++)
        add_condition(b, &c->children[i]);
}

static void add_rules(struct build *b, const struct rule *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        add_condition(b, &list[i].when);
        for (size_t k = 0; k < list[i].nexcept; k++)
            add_condition(b, &list[i].except[k].cond);
    }
}

/* ---- the database ---- */

static int compare_uses(const void *a, const void *b)
{
    const struct use *x = a;
    const struct use *y = b;
    return literal_compare(&x->literal, &y->literal);
}

static bool same_bytes(const struct literal *a, const struct literal *b)
{
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

/* One search for all uses of the same bytes. */
static void gather(struct prefilter *f)
{
    if (f->nuses > 0)
        qsort(f->uses, f->nuses, sizeof(*f->uses), compare_uses);
    for (size_t i = 0; i < f->nuses; i++) {
        if (i > 0 && same_bytes(&f->uses[i - 1].literal, &f->uses[i].literal)) {
            f->sought[f->nsought - 1].count++;
            continue;
        }
        f->sought = arena_grow(f->arena, f->sought, f->nsought, sizeof(*f->sought));
        f->sought[f->nsought++] = (struct sought){ .first = i, .count = 1 };
    }
}

/* Where an edge counts, the first place may be the wrong one. */
static unsigned flags_of(const struct prefilter *f, const struct sought *s)
{
    for (size_t i = s->first; i < s->first + s->count; i++)
        if (f->uses[i].literal.word_before || f->uses[i].literal.word_after)
            return 0;
    return HS_FLAG_SINGLEMATCH;
}

static int compile_failed(hs_error_t rc, hs_compile_error_t *e, struct error *err)
{
    error_set(err, ERR_FATAL, "Vectorscan: %s (%d)", e && e->message ? e->message : "error", rc);
    hs_free_compile_error(e);
    return -1;
}

static int compile(struct build *b, struct error *err)
{
    struct prefilter *f = b->f;
    const char **bytes = arena_array(b->arena, f->nsought, sizeof(*bytes));
    unsigned *flags = arena_array(b->arena, f->nsought, sizeof(*flags));
    unsigned *ids = arena_array(b->arena, f->nsought, sizeof(*ids));
    size_t *lens = arena_array(b->arena, f->nsought, sizeof(*lens));
    for (size_t i = 0; i < f->nsought; i++) {
        const struct literal *l = &f->uses[f->sought[i].first].literal;
        bytes[i] = l->bytes;
        lens[i] = l->len;
        flags[i] = flags_of(f, &f->sought[i]);
        ids[i] = (unsigned)i;
    }
    hs_compile_error_t *e = NULL;
    const hs_error_t rc = hs_compile_lit_multi(bytes, flags, ids, lens, (unsigned)f->nsought,
                                               HS_MODE_BLOCK, NULL, &f->db, &e);
    return rc == HS_SUCCESS ? 0 : compile_failed(rc, e, err);
}

static int build(struct build *b, const struct ruleset *rs, struct error *err)
{
    struct prefilter *f = b->f;
    f->nroots = (size_t)rs->npatterns + 1;
    f->roots = arena_array(f->arena, f->nroots, sizeof(*f->roots));
    b->seen = arena_array(b->arena, f->nroots, sizeof(*b->seen));
    (void)new_steps(f, 1); /* root 0 */
    add_rules(b, rs->guards, rs->nguards);
    add_rules(b, rs->rules, rs->nrules);
    gather(f);
    const int rc = f->nsought > 0 ? compile(b, err) : 0;
    for (size_t i = 0; i < f->nuses; i++)
        f->uses[i].literal.bytes = NULL;
    return rc;
}

static void build_done(struct build *b)
{
    free(b->choices);
    free(b->numbers);
    arena_free(b->arena);
}

struct prefilter *prefilter_new(const struct ruleset *rs, struct error *err)
{
    static atomic_ulong serial = 1;
    if (hs_valid_platform() != HS_SUCCESS) {
        error_set(err, ERR_FATAL, "Vectorscan does not run on this processor");
        return NULL;
    }
    struct prefilter *f = xcalloc(1, sizeof(*f));
    f->serial = atomic_fetch_add(&serial, 1);
    f->arena = arena_new();
    scoped(build_done) struct build b = { .f = f, .arena = arena_new() };
    if (build(&b, rs, err) == 0)
        return f;
    prefilter_free(f);
    return NULL;
}

void prefilter_free(struct prefilter *f)
{
    if (!f)
        return;
    hs_free_database(f->db);
    arena_free(f->arena);
    free(f);
}

struct prefilter_size prefilter_size(const struct prefilter *f)
{
    struct prefilter_size size = { .filtered = f->nroots - 1 - f->always,
                                   .always = f->always,
                                   .literals = f->nsought,
                                   .choices = f->nchoices };
    if (f->db && hs_database_size(f->db, &size.bytes) != HS_SUCCESS)
        size.bytes = 0;
    return size;
}

const char *prefilter_version(void)
{
    return hs_version();
}

/* ---- searching ---- */

/* What was found in one text. */
struct slot {
    bool searched;
    bool failed;             /* then everything may match */
    uint64_t *found;         /* a bit for each choice */
    uint64_t *stirred;       /* for each pattern: some choice that it asks about is there */
    size_t nfound, nstirred; /* capacities, in words */
};

/* Asking whether the scratch suffices takes as long as many verdicts do, and a thread goes
 * back and forth between the rule sets of workspaces, or of diff. */
#define READY_MAX 64

struct prefilter_scratch {
    const struct prefilter *f;
    hs_scratch_t *scratch; /* only grows, so it goes on sufficing for all that it did for */
    unsigned long ready[READY_MAX]; /* serials of prefilters for which it is known to suffice */
    unsigned next_ready;
    struct buf text; /* as literals are written */
    struct slot slots[PREFILTER_SLOTS];
};

struct prefilter_scratch *prefilter_scratch_new(void)
{
    return xcalloc(1, sizeof(struct prefilter_scratch));
}

static void slot_done(struct slot *slot)
{
    free(slot->found);
    free(slot->stirred);
}

void prefilter_scratch_free(struct prefilter_scratch *s)
{
    if (!s)
        return;
    hs_free_scratch(s->scratch);
    buf_free(&s->text);
    for (size_t i = 0; i < PREFILTER_SLOTS; i++)
        slot_done(&s->slots[i]);
    free(s);
}

void prefilter_begin(struct prefilter_scratch *s, const struct prefilter *f)
{
    s->f = f;
    for (size_t i = 0; i < PREFILTER_SLOTS; i++)
        s->slots[i].searched = false;
}

struct search {
    const struct prefilter *f;
    const struct buf *text;
    struct slot *slot;
};

static bool bit(const uint64_t *bits, size_t at)
{
    return bits[at / 64] >> (at % 64) & 1;
}

static void set_bit(uint64_t *bits, size_t at)
{
    bits[at / 64] |= UINT64_C(1) << (at % 64);
}

static void choice_found(const struct prefilter *f, struct slot *slot, size_t choice)
{
    if (bit(slot->found, choice))
        return;
    set_bit(slot->found, choice);
    for (size_t i = 0; i < f->askers[choice].count; i++)
        set_bit(slot->stirred, f->askers[choice].patterns[i]);
}

static int on_literal(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                      void *ctx)
{
    (void)from;
    (void)flags;
    struct search *s = ctx;
    const struct sought *hit = &s->f->sought[id];
    for (size_t i = hit->first; i < hit->first + hit->count; i++) {
        const struct use *u = &s->f->uses[i];
        if (literal_stands(&u->literal, s->text->data, s->text->len, (size_t)to))
            choice_found(s->f, s->slot, u->choice);
    }
    return 0;
}

static void clear_bits(uint64_t **bits, size_t *cap, size_t count)
{
    const size_t words = count / 64 + 1;
    if (*cap < words) {
        *bits = xreallocarray(*bits, words, sizeof(**bits));
        *cap = words;
    }
    memset(*bits, 0, words * sizeof(**bits));
}

static void clear_slot(struct slot *slot, const struct prefilter *f)
{
    clear_bits(&slot->found, &slot->nfound, f->nchoices);
    clear_bits(&slot->stirred, &slot->nstirred, f->nroots);
}

static bool make_ready(struct prefilter_scratch *s)
{
    for (size_t i = 0; i < READY_MAX; i++)
        if (s->ready[i] == s->f->serial)
            return true;
    if (hs_alloc_scratch(s->f->db, &s->scratch) != HS_SUCCESS)
        return false;
    s->ready[s->next_ready++ % READY_MAX] = s->f->serial;
    return true;
}

static bool search(struct prefilter_scratch *s, struct slot *slot, const struct field_text *text)
{
    buf_truncate(&s->text, 0);
    clear_slot(slot, s->f);
    if (!make_ready(s) || !literals_write(&s->text, text->data, text->len) ||
        s->text.len > UINT32_MAX)
        return false;
    struct search ctx = { .f = s->f, .text = &s->text, .slot = slot };
    return hs_scan(s->f->db, buf_str(&s->text), (unsigned)s->text.len, 0, s->scratch, on_literal,
                   &ctx) == HS_SUCCESS;
}

static bool holds(const struct prefilter *f, const uint64_t *found, const struct step *s)
{
    if (s->kind == NEED_ONE_OF)
        return bit(found, s->choice);
    const bool all = s->kind == NEED_ALL;
    for (size_t i = s->first; i < s->first + s->count; i++)
        if (holds(f, found, &f->steps[i]) != all)
            return !all;
    return all;
}

bool prefilter_may_match(struct prefilter_scratch *s, size_t slot, const struct field_text *text,
                         unsigned pattern)
{
    if (!s->f || pattern >= s->f->nroots || slot >= PREFILTER_SLOTS || s->f->roots[pattern] == 0)
        return true;
    struct slot *at = &s->slots[slot];
    if (!at->searched) {
        at->searched = true;
        at->failed = !search(s, at, text);
    }
    if (at->failed)
        return true;
    return bit(at->stirred, pattern) && holds(s->f, at->found, &s->f->steps[s->f->roots[pattern]]);
}
