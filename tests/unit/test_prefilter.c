/* The prefilter against PCRE2 alone: random patterns of all constructs, and texts made of
 * their own pieces. What the prefilter rules out must not match. And the shipped packs over
 * the corpus, with it and without: the same verdicts.
 *
 * AUTOMARK_SEED and AUTOMARK_CASES (batches) repeat a run, or make a long one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <glob.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"
#include "rules/match.h"
#include "rules/pattern.h"
#include "rules/prefilter.h"
#include "rules/rules_load.h"
#include "rules/test_run.h"

/* ---- chance ---- */

static uint64_t state64;

static unsigned chance(unsigned below)
{
    state64 ^= state64 << 13; /* xorshift64 */
    state64 ^= state64 >> 7;
    state64 ^= state64 << 17;
    return (unsigned)((state64 >> 11) % below);
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *given = getenv(name);
    return given ? strtoull(given, NULL, 10) : otherwise;
}

/* ---- a random pattern, and a text that it may match ---- */

static const char *const letters[] = {
    "a",      "b",      "e", "k",      "K", "\u212A", "s",      "S",      "\u017F", "i",  "I",
    "\u0130", "\u0131", "o", "n",      "t", "ß",      "\u1E9E", "σ",      "ς",      "Σ",  "µ",
    "μ",      "å",      "Å", "\u212B", "é", "É",      "я",      "Я",      "要",     "没", "か",
    "7",      "0",      "_", "-",      "'", "@",      "\u0301", "\u01C5", "\u01C4",
};

/* Several of one case set, to write a character of the text otherwise than the pattern does. */
static const char *const sets[][4] = {
    { "a", "A" },
    { "b", "B" },
    { "e", "E" },
    { "k", "K", "\u212A" },
    { "s", "S", "\u017F" },
    { "i", "I" },
    { "o", "O" },
    { "n", "N" },
    { "t", "T" },
    { "ß", "\u1E9E" },
    { "σ", "ς", "Σ" },
    { "µ", "μ", "Μ" },
    { "å", "Å", "\u212B" },
    { "é", "É" },
    { "я", "Я" },
    { " ", "\n" },
    { "\u01C5", "\u01C4", "\u01C6" },
};

struct made {
    struct buf pattern, text;
    unsigned captures;
};

static const char *pick(const char *const *list, size_t count)
{
    return list[chance((unsigned)count)];
}
#define PICK(list) pick(list, ARRAY_LEN(list))

static const char *any_letter(void)
{
    return PICK(letters);
}

static void put_both(struct made *m, const char *s)
{
    buf_puts(&m->pattern, s);
    buf_puts(&m->text, s);
}

static void make_word(struct made *m)
{
    for (unsigned n = 1 + chance(4); n > 0; n--)
        put_both(m, any_letter());
    if (chance(3) == 0)
        put_both(m, " ");
    if (chance(6) == 0)
        put_both(m, "-");
}

static void make_class(struct made *m)
{
    static const char *const odd[] = { "a-e", "\\d", "\\w", "[:alpha:]", "\\x{6b}", "\\-", "]" };
    const bool negated = chance(6) == 0;
    buf_puts(&m->pattern, negated ? "[^" : "[");
    for (unsigned n = 1 + chance(3); n > 0; n--) {
        const char *s = any_letter();
        if (s[0] == '-')
            continue;
        buf_puts(&m->pattern, s);
        if (n == 1 && !negated)
            buf_puts(&m->text, s);
    }
    if (chance(3) == 0)
        buf_puts(&m->pattern, odd[chance(ARRAY_LEN(odd) - 1)]);
    buf_puts(&m->pattern, chance(6) == 0 ? "-]" : "]");
    if (negated)
        buf_puts(&m->text, "x");
}

static const struct {
    const char *pattern, *text;
} bits[] = {
    { "\\d", "7" },
    { "\\w", "b" },
    { "\\s", " " },
    { ".", "." },
    { ".*", "ab cd" },
    { ".{0,5}?", "ab" },
    { "\\W*", ", " },
    { "\\b", "" },
    { "\\B", "" },
    { "^", "" },
    { "$", "" },
    { "\\A", "" },
    { "\\z", "" },
    { "\\Z", "" },
    { "\\K", "" },
    { "\\x{6b}", "K" },
    { "\\x41", "a" },
    { "\\.", "." },
    { "\\n", "\n" },
    { "\\t", "\t" },
    { "\\Qa.b\\E", "a.b" },
    { "\\Qas\\E+", "ass" },
    { "\\R", "\n" },
    { "\\h", " " },
    { "\\p{Lu}", "A" },
    { "\\pL", "a" },
    { "\\N", "a" },
    { "(?#note)", "" },
    { "(?i)", "" },
    { "(?-i)", "" },
    { "(?s)", "" },
    { "(?x) ", "" },
    { "(?^)", "" },
    { "(?m)", "" },
    { "(?=a)", "" },
    { "(?!b)", "" },
    { "(?<=a)", "" },
    { "(?<!b)", "" },
    { "(?=.*k)", "" },
    { "(?<=[ \\n])", "" },
    { "(*SKIP)", "" },
    { "(*PRUNE)", "" },
    { "(*THEN)", "" },
    { "(*ACCEPT)", "" },
    { "(*FAIL)|", "" },
    { "(?R)?", "" },
    { "(?1)?", "" },
    { "(?&one)", "once" },
    { "(?&two)", "two" },
    { "(?P>three)", "ok" },
    { "(?&four)", "sast" },
    { "(?:)", "" },
    { "(?(1)a|b)", "a" },
    { "(?(?=a)a|k)", "a" },
    { "{", "{" },
    { "{n}", "{n}" },
    { "}", "}" },
    { "]", "]" },
    { "#", "#" },
    { "\\ ", " " },
    { "\\E", "" },
    { "(*atomic:ab)", "ab" },
    { "(?|(a)|(b))", "a" },
    { "(?U)", "" },
    { "\\X", "a" },
    { "\\12", "" },
    { "(?<n>k)\\k{n}", "kk" },
    { "\\bno\\b", "no" },
    { "\\bi\\b", "i" },
    { "(?:|a)", "" },
    { "(?:a|b|)", "b" },
    { "[[:<:]]", "" },
};

static const char definitions[] = "(?<one>once|uno|(?&two) k)(?<two>two|zwei\\b)"
                                  "(?<three>o(?&three)?k)(?<four>s(?:a|e)st?|\\bik\\b)";

static void make_alternatives(struct made *m, unsigned depth);

static void make_group(struct made *m, unsigned depth)
{
    static const char *const opened[] = { "(?:", "(?:",  "(?:",   "(",  "(",
                                          "(?>", "(?i:", "(?-i:", "(?|" };
    const char *open = PICK(opened);
    if (strcmp(open, "(") == 0)
        m->captures++;
    buf_puts(&m->pattern, open);
    make_alternatives(m, depth + 1);
    buf_puts(&m->pattern, ")");
}

/* What was added to the text from `from` on, once more. */
static void again(struct made *m, size_t from)
{
    const size_t len = m->text.len - from;
    scoped(freep) char *piece = xmemdup0(buf_str(&m->text) + from, len);
    buf_append(&m->text, piece, len);
}

static void make_quantifier(struct made *m, size_t from)
{
    static const struct {
        const char *sign;
        unsigned least, most;
    } q[] = { { "?", 0, 1 },   { "*", 0, 2 },      { "+", 1, 3 },     { "{2}", 2, 2 },
              { "{0}", 0, 0 }, { "{1,3}", 1, 3 },  { "{0,2}", 0, 2 }, { "{2,}", 2, 3 },
              { "{1}", 1, 1 }, { "{10,12}", 3, 3 } };
    static const char *const kinds[] = { "", "", "?", "+" };
    const unsigned i = chance(ARRAY_LEN(q));
    buf_puts(&m->pattern, q[i].sign);
    buf_puts(&m->pattern, PICK(kinds));
    const unsigned times = q[i].least + chance(q[i].most - q[i].least + 1);
    if (times == 0)
        buf_truncate(&m->text, from);
    for (unsigned n = 1; n < times; n++)
        again(m, from);
}

static void make_piece(struct made *m, unsigned depth)
{
    const size_t from = m->text.len;
    const unsigned what = chance(20);
    if (what < 9) {
        make_word(m);
    } else if (what < 11) {
        make_class(m);
    } else if (what < 14 && depth < 4) {
        make_group(m, depth);
    } else if (what == 14 && m->captures > 0) {
        buf_puts(&m->pattern, "\\1");
    } else if (what == 15) {
        buf_puts(&m->pattern, "\\b");
    } else {
        const unsigned i = chance(ARRAY_LEN(bits));
        buf_puts(&m->pattern, bits[i].pattern);
        buf_puts(&m->text, bits[i].text);
    }
    if (chance(4) == 0)
        make_quantifier(m, from);
}

static void make_sequence(struct made *m, unsigned depth)
{
    for (unsigned n = 1 + chance(4); n > 0; n--)
        make_piece(m, depth);
}

/* The text follows one of them. */
static void make_alternatives(struct made *m, unsigned depth)
{
    const unsigned count = chance(3) == 0 ? 2 + chance(3) : 1;
    const unsigned taken = chance(count);
    for (unsigned i = 0; i < count; i++) {
        const size_t from = m->text.len;
        if (i > 0)
            buf_puts(&m->pattern, "|");
        make_sequence(m, depth);
        if (i != taken)
            buf_truncate(&m->text, from);
    }
}

/* ---- texts ---- */

static void put_other_case(struct buf *out, const char *s, size_t n)
{
    for (size_t i = 0; i < ARRAY_LEN(sets); i++)
        for (size_t k = 0; k < ARRAY_LEN(sets[i]) && sets[i][k]; k++) {
            if (strlen(sets[i][k]) != n || memcmp(sets[i][k], s, n) != 0)
                continue;
            const char *other = sets[i][chance(ARRAY_LEN(sets[i]))];
            buf_puts(out, other ? other : sets[i][k]);
            return;
        }
    buf_append(out, s, n);
}

/* The piece with its cases changed, and now and then a character lost or put in. */
static void put_changed(struct buf *out, const struct buf *piece)
{
    const bool damage = chance(4) == 0;
    for (size_t at = 0; at < piece->len;) {
        const size_t n = utf8_decode(piece->data + at, piece->len - at, NULL);
        assert_true(n > 0);
        if (!damage || chance(6) != 0)
            put_other_case(out, piece->data + at, n);
        if (damage && chance(8) == 0)
            buf_puts(out, any_letter());
        at += n;
    }
}

static void make_text(struct buf *out, const struct made *all, size_t count)
{
    static const char *const between[] = { "", "", " ", "\n", ". ", "x", "a", "!", " once ", "ok" };
    buf_puts(out, PICK(between));
    for (unsigned n = 1 + chance(3); n > 0; n--) {
        put_changed(out, &all[chance((unsigned)count)].text);
        buf_puts(out, PICK(between));
    }
}

/* ---- one batch: a set of patterns, and texts ---- */

enum { PATTERNS = 16, TEXTS = 24 };

struct counts {
    size_t cases, matched, ruled_out;
};

struct batch {
    struct made made[PATTERNS];
    struct alternative alternatives[PATTERNS];
    struct cond when;
    struct rule rule;
    struct ruleset rs;
};

static void make_pattern(struct batch *b, size_t i)
{
    struct alternative *a = &b->alternatives[i];
    struct made *m = &b->made[i];
    while (!a->pattern) {
        size_t at = 0;
        buf_truncate(&m->pattern, 0);
        buf_truncate(&m->text, 0);
        m->captures = 0;
        make_alternatives(m, 0);
        a->pattern =
            pattern_compile(buf_str(&m->pattern), m->pattern.len, false, definitions, &at, NULL);
    }
    a->source = buf_str(&m->pattern);
    a->groups = definitions;
    a->number = (unsigned)i + 1;
}

static void batch_make(struct batch *b)
{
    memset(b, 0, sizeof(*b));
    for (size_t i = 0; i < PATTERNS; i++)
        make_pattern(b, i);
    b->when = (struct cond){ .kind = COND_FIELD,
                             .alternatives = b->alternatives,
                             .nalternatives = PATTERNS };
    b->rule.when = b->when;
    b->rs.rules = &b->rule;
    b->rs.nrules = 1;
    b->rs.npatterns = PATTERNS;
}

static void batch_done(struct batch *b)
{
    for (size_t i = 0; i < PATTERNS; i++) {
        pattern_free(b->alternatives[i].pattern);
        buf_free(&b->made[i].pattern);
        buf_free(&b->made[i].text);
    }
}

static void check_text(const struct batch *b, const struct prefilter *f, struct match_scratch *s,
                       struct buf *text, uint64_t seed, struct counts *c)
{
    const struct field_text t = { .data = text->data, .len = text->len };
    prefilter_begin(match_scratch_prefilter(s), f);
    for (size_t i = 0; i < PATTERNS; i++) {
        const struct alternative *a = &b->alternatives[i];
        const bool may = prefilter_may_match(match_scratch_prefilter(s), 0, &t, a->number);
        const enum answer answer = pattern_match(a->pattern, s, t.data, t.len, NULL);
        c->cases++;
        c->matched += answer == ANSWER_YES;
        c->ruled_out += !may;
        if (answer == ANSWER_YES && !may)
            fail_msg("seed %llu: /%s/ matches '%s', which the prefilter rules out",
                     (unsigned long long)seed, a->source, text->data);
    }
}

static struct prefilter *batch_begin(struct batch *b, uint64_t seed)
{
    struct error err = ERROR_INIT;
    state64 = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    batch_make(b);
    struct prefilter *f = prefilter_new(&b->rs, &err);
    if (!f)
        fail_msg("seed %llu: %s", (unsigned long long)seed, err.msg);
    return f;
}

static void check_one_text(const struct batch *b, const struct prefilter *f,
                           struct match_scratch *s, uint64_t seed, struct counts *c)
{
    scoped(buf_free) struct buf text = BUF_INIT;
    make_text(&text, b->made, PATTERNS);
    buf_reserve(&text, 1); /* never NULL */
    check_text(b, f, s, &text, seed, c);
}

static void run_batch(uint64_t seed, struct match_scratch *s, struct counts *c)
{
    struct batch b;
    struct prefilter *f = batch_begin(&b, seed);
    for (size_t i = 0; i < TEXTS; i++)
        check_one_text(&b, f, s, seed, c);
    prefilter_free(f);
    batch_done(&b);
}

/* As a listener's thread goes from workspace to workspace. */
static void test_sets_in_turn(void **state)
{
    (void)state;
    enum { SETS = 80 }; /* more than a scratch remembers */
    struct match_scratch *s = match_scratch_new();
    struct batch *b = xcalloc(SETS, sizeof(*b));
    struct prefilter *f[SETS];
    struct counts c = { 0 };
    for (uint64_t i = 0; i < SETS; i++)
        f[i] = batch_begin(&b[i], i);
    for (size_t i = 0; i < 3 * (size_t)SETS; i++)
        check_one_text(&b[i % SETS], f[i % SETS], s, i % SETS, &c);
    assert_true(c.ruled_out > c.cases / 20);
    for (size_t i = 0; i < SETS; i++) {
        prefilter_free(f[i]);
        batch_done(&b[i]);
    }
    free(b);
    match_scratch_free(s);
}

static void test_random_patterns(void **state)
{
    (void)state;
    const uint64_t seed = setting("AUTOMARK_SEED", (uint64_t)time(NULL));
    const uint64_t batches = setting("AUTOMARK_CASES", 60);
    struct match_scratch *s = match_scratch_new();
    struct counts c = { 0 };
    for (uint64_t i = 0; i < batches; i++)
        run_batch(seed + i, s, &c);
    match_scratch_free(s);
    printf("seed %llu: %zu cases, %zu matched, %zu ruled out\n", (unsigned long long)seed, c.cases,
           c.matched, c.ruled_out);
    assert_true(c.matched > c.cases / 20);
    assert_true(c.ruled_out > c.cases / 20);
}

/* ---- the packs ---- */

static struct ruleset *load_packs(bool prefilter)
{
    scoped(diags_done) struct diags d = DIAGS_INIT;
    static const char *const path = SOURCE_DIR "/rules";
    const struct rules_source src = { .paths = &path, .npaths = 1, .prefilter = prefilter };
    struct ruleset *rs = rules_load(&src, false, &d);
    diags_print(&d, stderr);
    assert_non_null(rs);
    assert_true(prefilter == (rs->prefilter != NULL));
    return rs;
}

static const char *name_of(const struct rule *r)
{
    return r ? r->name : "none";
}

static void put_reason(struct buf *out, const struct match_reason *r)
{
    if (r->cond)
        buf_printf(out, " %s %u:%u %zu-%zu '%s'", r->cond->field.name,
                   r->alternative ? r->alternative->place.line : 0,
                   r->alternative ? r->alternative->place.col : 0, r->span.start, r->span.end,
                   r->words);
}

/* All of a verdict, but for the addresses in it. */
static void put_verdict(struct buf *out, const struct verdict *v)
{
    buf_printf(out, "%s %s", verdict_kind_name(v->kind), name_of(v->rule));
    put_reason(out, &v->reason);
    buf_printf(out, " shadow %s", name_of(v->shadow));
    put_reason(out, &v->shadow_reason);
    buf_printf(out, " hangs %d limited %s near %s %u/%u", v->hangs_on_unknown, name_of(v->limited),
               name_of(v->near.rule), v->near.held, v->near.of);
    if (v->near.missing)
        buf_printf(out, " missing %u:%u", v->near.missing->place.line, v->near.missing->place.col);
}

struct pair {
    struct ruleset *plain, *quick;
    struct match_scratch *scratch;
    size_t events;
};

static void compare_verdicts(struct pair *p, const struct event *ev)
{
    const struct match_options opt = { .now_ms = INT64_C(1790000000000) };
    struct verdict v;
    scoped(buf_free) struct buf plain = BUF_INIT;
    scoped(buf_free) struct buf quick = BUF_INIT;
    match_event(p->plain, p->scratch, ev, &opt, &v);
    put_verdict(&plain, &v);
    match_event(p->quick, p->scratch, ev, &opt, &v);
    put_verdict(&quick, &v);
    p->events++;
    assert_string_equal(buf_str(&plain), buf_str(&quick));
}

static void compare_tests(struct pair *p, const struct rule_test *tests, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct event *ev = rule_test_event(&tests[i]);
        compare_verdicts(p, ev);
        event_free(ev);
    }
}

static void compare_all_tests(struct pair *p)
{
    static const char *const path = SOURCE_DIR "/rules";
    const struct rules_source src = { .paths = &path, .npaths = 1 };
    scoped(diags_done) struct diags d = DIAGS_INIT;
    scoped(rules_tests_done) struct rules_tests files = { .tests = NULL };
    const struct ruleset *rs = p->quick;
    for (size_t i = 0; i < rs->nguards; i++)
        compare_tests(p, rs->guards[i].tests, rs->guards[i].ntests);
    for (size_t i = 0; i < rs->nrules; i++)
        compare_tests(p, rs->rules[i].tests, rs->rules[i].ntests);
    assert_int_equal(rules_tests_load(&src, rs, &files, &d), 0);
    compare_tests(p, files.tests, files.ntests);
}

static void compare_line(struct pair *p, const char *line, size_t len)
{
    scoped(json_freep) struct json_object *o = json_parse(line, len, NULL);
    const char *body = json_str(json_get(o, "body"), NULL);
    const char *subject = json_str(json_get(o, "subject"), NULL);
    const char *from = json_str(json_get(o, "from"), NULL);
    struct event *ev = event_new();
    assert_non_null(body);
    event_set_body(ev, body, strlen(body), TEXT_GUESS);
    if (subject)
        event_set(ev, FIELD_SUBJECT, subject, strlen(subject));
    if (from)
        event_set(ev, FIELD_FROM, from, strlen(from));
    compare_verdicts(p, ev);
    event_free(ev);
}

static void compare_corpus(struct pair *p)
{
    glob_t files;
    assert_int_equal(glob(SOURCE_DIR "/tests/corpus/*.ndjson", 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        scoped(fclosep) FILE *f = fopen(files.gl_pathv[i], "re");
        scoped(freep) char *line = NULL;
        size_t cap = 0;
        assert_non_null(f);
        for (ssize_t n; (n = getline(&line, &cap, f)) > 0;)
            compare_line(p, line, (size_t)n);
    }
    globfree(&files);
}

static void test_packs(void **state)
{
    (void)state;
    struct pair p = { .plain = load_packs(false),
                      .quick = load_packs(true),
                      .scratch = match_scratch_new() };
    const struct prefilter_size size = prefilter_size(p.quick->prefilter);
    assert_true(size.always * 10 < size.filtered);
    compare_all_tests(&p);
    compare_corpus(&p);
    printf("%zu events\n", p.events);
    assert_true(p.events > 4000);
    match_scratch_free(p.scratch);
    ruleset_unref(p.plain);
    ruleset_unref(p.quick);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_patterns),
        cmocka_unit_test(test_sets_in_turn),
        cmocka_unit_test(test_packs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
