#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "rules/eval.h"
#include "rules/match.h"

/* ---- a workshop: everything made here lives until shop_clear() ---- */

static struct match_scratch *scratch;
static void *made[4096];
static size_t nmade;
static struct pattern *patterns[1024];
static size_t npatterns;

static void *make(size_t bytes)
{
    assert_true(nmade < ARRAY_LEN(made));
    return made[nmade++] = xcalloc(1, bytes);
}

static void shop_clear(void)
{
    while (nmade > 0)
        free(made[--nmade]);
    while (npatterns > 0)
        pattern_free(patterns[--npatterns]);
}

static int setup(void **state)
{
    (void)state;
    scratch = match_scratch_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    shop_clear();
    match_scratch_free(scratch);
    return 0;
}

static struct pattern *pattern(const char *source, bool whole)
{
    size_t at = 0;
    struct error err = ERROR_INIT;
    struct pattern *p = pattern_compile(source, strlen(source), whole, NULL, &at, &err);
    if (!p)
        fail_msg("%s: %s", source, err.msg);
    assert_true(npatterns < ARRAY_LEN(patterns));
    return patterns[npatterns++] = p;
}

static char *text(const char *s)
{
    char *copy = make(strlen(s) + 1);
    memcpy(copy, s, strlen(s));
    return copy;
}

/* ---- events ---- */

static void put(struct event *ev, enum field f, const char *s)
{
    struct field_value *v = &ev->field[f];
    struct field_text *items = make((v->count + 1) * sizeof(*items));
    if (v->count)
        memcpy(items, v->items, v->count * sizeof(*items));
    items[v->count] = (struct field_text){ .data = text(s), .len = strlen(s) };
    v->items = items;
    v->count++;
    v->presence = PRESENT;
}

static struct event *event(const char *subject, const char *reply)
{
    struct event *ev = make(sizeof(*ev));
    if (subject)
        put(ev, FIELD_SUBJECT, subject);
    if (reply)
        put(ev, FIELD_REPLY, reply);
    return ev;
}

/* ---- conditions: field, test, then words ended by NULL ---- */

static struct cond *leaf(enum field f, enum cond_test test, ...)
{
    struct cond *c = make(sizeof(*c));
    *c = (struct cond){ .kind = COND_FIELD,
                        .field = { .field = f, .name = f == FIELD_SUBJECT ? "subject" : "reply" },
                        .test = test };
    c->alternatives = make(8 * sizeof(*c->alternatives));
    va_list ap;
    va_start(ap, test);
    for (const char *s = va_arg(ap, const char *); s; s = va_arg(ap, const char *)) {
        struct alternative *a = &c->alternatives[c->nalternatives++];
        a->source = s;
        if (test == TEST_PATTERN || test == TEST_WHOLE) {
            a->pattern = pattern(s, test == TEST_WHOLE);
            continue;
        }
        struct buf b = BUF_INIT;
        literal_fold(&b, s, strlen(s));
        a->literal = text(buf_str(&b));
        a->literal_len = b.len;
        buf_free(&b);
    }
    va_end(ap);
    return c;
}

static struct cond *subject(const char *source)
{
    return leaf(FIELD_SUBJECT, TEST_PATTERN, source, NULL);
}

static struct cond *reply(const char *source)
{
    return leaf(FIELD_REPLY, TEST_PATTERN, source, NULL);
}

static struct cond *wanted(enum field f, enum cond_test test, bool value)
{
    struct cond *c = leaf(f, test, NULL);
    c->wanted = value;
    return c;
}

static struct cond *max_chars(int64_t n)
{
    struct cond *c = leaf(FIELD_REPLY, TEST_MAX_CHARS, NULL);
    c->number = n;
    return c;
}

static struct cond *tree(enum cond_kind kind, const struct cond *a, const struct cond *b,
                         const struct cond *d)
{
    struct cond *c = make(sizeof(*c));
    c->kind = kind;
    c->children = make(3 * sizeof(*c->children));
    const struct cond *const list[] = { a, b, d };
    for (size_t i = 0; i < 3 && list[i]; i++)
        c->children[c->nchildren++] = *list[i];
    return c;
}

#define ALL(...) tree3(COND_ALL, __VA_ARGS__, NULL, NULL, NULL)
#define ANY(...) tree3(COND_ANY, __VA_ARGS__, NULL, NULL, NULL)
#define NOT(a) tree(COND_NOT, a, NULL, NULL)
#define tree3(kind, a, b, d, ...) tree(kind, a, b, d)

/* ---- rules ---- */

static struct rule *add(struct rule *list, size_t *n, const char *name, const struct cond *when)
{
    struct rule *r = &list[(*n)++];
    r->name = name;
    r->when = *when;
    r->hold_ms = -1;
    return r;
}

static struct ruleset *ruleset(void)
{
    struct ruleset *rs = make(sizeof(*rs));
    rs->guards = make(8 * sizeof(*rs->guards));
    rs->rules = make(8 * sizeof(*rs->rules));
    return rs;
}

static struct rule *guard(struct ruleset *rs, const char *name, const struct cond *when)
{
    struct rule *r = add(rs->guards, &rs->nguards, name, when);
    r->guard = true;
    r->then = THEN_KEEP;
    return r;
}

static struct rule *rule(struct ruleset *rs, const char *name, const struct cond *when)
{
    return add(rs->rules, &rs->nrules, name, when);
}

static struct rule *keep(struct ruleset *rs, const char *name, const struct cond *when)
{
    struct rule *r = rule(rs, name, when);
    r->then = THEN_KEEP;
    return r;
}

static void except(struct rule *r, const struct cond *c, int64_t until_ms)
{
    struct exception *list = make((r->nexcept + 1) * sizeof(*list));
    if (r->nexcept)
        memcpy(list, r->except, r->nexcept * sizeof(*list));
    list[r->nexcept++] = (struct exception){ .cond = *c, .until_ms = until_ms };
    r->except = list;
}

#define NOW 1000000

static struct verdict verdict(const struct ruleset *rs, const struct event *ev)
{
    const struct match_options opt = { .now_ms = NOW };
    struct verdict v;
    match_event(rs, scratch, ev, &opt, &v);
    return v;
}

static void expect(const char *name, const struct verdict *v, enum verdict_kind kind,
                   const char *rule_name)
{
    const char *got = v->rule ? v->rule->name : "nothing";
    if (v->kind != kind || strcmp(got, rule_name ? rule_name : "nothing") != 0)
        fail_msg("%s: kind %d by %s", name, (int)v->kind, got);
}

/* ---- one field ---- */

static enum answer ask_cond(const struct cond *c, const struct event *ev)
{
    struct eval e = { .ev = ev, .scratch = scratch, .now_ms = NOW };
    return answer_of(eval_cond(&e, c, NULL));
}

static void test_field_answers(void **state)
{
    (void)state;
    struct event *ev = event("Automatic reply: hi", "  Größe\nUND mehr \n");
    put(ev, FIELD_TAG, "Interested");
    put(ev, FIELD_TAGS, "one");
    put(ev, FIELD_TAGS, "TWO");
    put(ev, FIELD_AUTO_REPLY, "true");
    put(ev, FIELD_NAME, "");
    put(ev, FIELD_COMPANY, "x");
    ev->field[FIELD_COMPANY].cut = true;
    ev->field[FIELD_CAMPAIGN].presence = UNKNOWN;
    const struct {
        const char *name;
        const struct cond *cond;
        enum answer want;
    } rows[] = {
        { "pattern", subject("^automatic"), ANSWER_YES },
        { "pattern: no", subject("^reply"), ANSWER_NO },
        { "second alternative", leaf(FIELD_SUBJECT, TEST_PATTERN, "x", "hi$", NULL), ANSWER_YES },
        { "no alternative", leaf(FIELD_SUBJECT, TEST_PATTERN, NULL), ANSWER_NO },
        { "whole", leaf(FIELD_REPLY, TEST_WHOLE, "größe und mehr", NULL), ANSWER_YES },
        { "whole: a part", leaf(FIELD_REPLY, TEST_WHOLE, "größe", NULL), ANSWER_NO },
        { "is, folded", leaf(FIELD_REPLY, TEST_IS, "GRÖSSE und Mehr", NULL), ANSWER_YES },
        { "is: a part", leaf(FIELD_REPLY, TEST_IS, "größe", NULL), ANSWER_NO },
        { "is, tag", leaf(FIELD_TAG, TEST_IS, "x", "interested", NULL), ANSWER_YES },
        { "in, any value", leaf(FIELD_TAGS, TEST_IN, "two", NULL), ANSWER_YES },
        { "pattern, any value", leaf(FIELD_TAGS, TEST_PATTERN, "^t", NULL), ANSWER_YES },
        { "no value", leaf(FIELD_TAGS, TEST_IN, "three", NULL), ANSWER_NO },
        { "max_chars in characters", max_chars(14), ANSWER_YES },
        { "max_chars: one less", max_chars(13), ANSWER_NO },
        { "present", wanted(FIELD_TAG, TEST_PRESENT, true), ANSWER_YES },
        { "present: empty", wanted(FIELD_NAME, TEST_PRESENT, true), ANSWER_NO },
        { "not present: empty", wanted(FIELD_NAME, TEST_PRESENT, false), ANSWER_YES },
        { "flag", wanted(FIELD_AUTO_REPLY, TEST_FLAG, true), ANSWER_YES },
        { "flag: false", wanted(FIELD_AUTO_REPLY, TEST_FLAG, false), ANSWER_NO },
        { "absent: pattern", leaf(FIELD_FROM, TEST_PATTERN, "", NULL), ANSWER_NO },
        { "absent: is", leaf(FIELD_FROM, TEST_IS, "", NULL), ANSWER_NO },
        { "absent: present", wanted(FIELD_FROM, TEST_PRESENT, true), ANSWER_NO },
        { "absent: not present", wanted(FIELD_FROM, TEST_PRESENT, false), ANSWER_YES },
        { "absent: flag", wanted(FIELD_FROM, TEST_FLAG, true), ANSWER_NO },
        { "absent: flag false", wanted(FIELD_FROM, TEST_FLAG, false), ANSWER_YES },
        { "cut", leaf(FIELD_COMPANY, TEST_PATTERN, "x", NULL), ANSWER_UNDECIDED },
        { "cut: is", leaf(FIELD_COMPANY, TEST_IS, "y", NULL), ANSWER_UNDECIDED },
        { "cut: not", NOT(leaf(FIELD_COMPANY, TEST_PATTERN, "x", NULL)), ANSWER_UNDECIDED },
        { "unknown", leaf(FIELD_CAMPAIGN, TEST_PATTERN, "x", NULL), ANSWER_UNDECIDED },
        { "unknown: present", wanted(FIELD_CAMPAIGN, TEST_PRESENT, true), ANSWER_UNDECIDED },
        { "empty all", tree(COND_ALL, NULL, NULL, NULL), ANSWER_YES },
        { "empty any", tree(COND_ANY, NULL, NULL, NULL), ANSWER_NO },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (ask_cond(rows[i].cond, ev) != rows[i].want)
            fail_msg("%s: not %d", rows[i].name, (int)rows[i].want);
    struct event *none = event(NULL, NULL);
    assert_int_equal(ask_cond(max_chars(0), none), ANSWER_YES);
}

static void test_literal_fold(void **state)
{
    (void)state;
    static const struct {
        const char *in, *want;
    } rows[] = { { "Meeting  Booked", "meeting booked" },
                 { " \nA\n\nb \n", "a b" },
                 { "STRASSE", "strasse" },
                 { "Straße", "strasse" },
                 { "“ÅB”", "\"åb\"" },
                 { "ΌΣΟΣ όσος", "όσοσ όσοσ" },
                 { "", "" },
                 { " ", "" } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        scoped(buf_free) struct buf b = BUF_INIT;
        literal_fold(&b, rows[i].in, strlen(rows[i].in));
        assert_string_equal(buf_str(&b), rows[i].want);
    }
}

/* ---- the walk ---- */

static struct event *cut_event(const char *s, const char *r)
{
    struct event *ev = event(s, r);
    ev->field[FIELD_REPLY].cut = true;
    return ev;
}

static struct event *unknown_event(const char *s)
{
    struct event *ev = event(s, NULL);
    ev->field[FIELD_REPLY].presence = UNKNOWN;
    return ev;
}

static void test_walk(void **state)
{
    (void)state;
    struct ruleset *rs = ruleset();
    guard(rs, "cautious", reply("careful"));
    guard(rs, "buying", subject("price"));
    rule(rs, "first", ALL(subject("away"), NOT(subject("yes"))));
    keep(rs, "stay", subject("stay"));
    rule(rs, "second", subject("."));
    const struct {
        const char *name;
        const struct event *ev;
        enum verdict_kind kind;
        const char *rule;
    } rows[] = {
        { "first match wins", event("away", NULL), VERDICT_MARK, "first" },
        { "next", event("away, yes", NULL), VERDICT_MARK, "second" },
        { "guards first", event("away, price", NULL), VERDICT_GUARD, "buying" },
        { "a keep rule", event("yes stay away", NULL), VERDICT_KEEP, "stay" },
        { "a rule before a keep rule", event("stay away", NULL), VERDICT_MARK, "first" },
        { "nothing", event(NULL, NULL), VERDICT_NONE, NULL },
        { "an undecided guard keeps", cut_event("away", "x"), VERDICT_GUARD_UNDECIDED, "cautious" },
        { "a guard that matches says more", cut_event("price", "x"), VERDICT_GUARD, "buying" },
        { "an unknown field too", unknown_event("away"), VERDICT_GUARD_UNDECIDED, "cautious" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct verdict v = verdict(rs, rows[i].ev);
        expect(rows[i].name, &v, rows[i].kind, rows[i].rule);
    }
}

static void test_undecided_rules(void **state)
{
    (void)state;
    struct ruleset *rs = ruleset();
    rule(rs, "unsure", ALL(reply("x"), subject("away")));
    rule(rs, "sure", subject("marked"));
    keep(rs, "stay", ANY(reply("y"), subject("stay")));
    rule(rs, "last", subject("."));
    struct verdict v = verdict(rs, cut_event("away marked", "x"));
    expect("an undecided mark rule is passed over", &v, VERDICT_MARK, "sure");
    assert_string_equal(v.limited->name, "unsure");
    assert_string_equal(v.limit, "field was cut");
    v = verdict(rs, cut_event("away", "x"));
    expect("an undecided keep rule ends the search", &v, VERDICT_KEEP_UNDECIDED, "stay");
    v = verdict(rs, cut_event("stay", "x"));
    expect("a yes decides any", &v, VERDICT_KEEP, "stay");
    assert_null(v.limited); /* a no decided all */
}

static void test_states(void **state)
{
    (void)state;
    struct ruleset *rs = ruleset();
    guard(rs, "shadow-guard", subject("a"))->state = RULE_SHADOW;
    guard(rs, "off-guard", subject("a"))->state = RULE_OFF;
    guard(rs, "draft-guard", subject("a"))->state = RULE_DRAFT;
    struct rule *unsure = rule(rs, "unsure-shadow", reply("a"));
    unsure->state = RULE_SHADOW;
    keep(rs, "shadow-keep", subject("a"))->state = RULE_SHADOW;
    rule(rs, "shadow-one", subject("a"))->state = RULE_SHADOW;
    rule(rs, "shadow-two", subject("a"))->state = RULE_SHADOW;
    rule(rs, "draft", subject("a"))->state = RULE_DRAFT;
    rule(rs, "off", subject("a"))->state = RULE_OFF;
    rule(rs, "live", subject("ab"));
    struct verdict v = verdict(rs, cut_event("ab", "x"));
    expect("shadow is passed over", &v, VERDICT_MARK, "live");
    assert_string_equal(v.shadow->name, "shadow-one");
    assert_string_equal(v.shadow_reason.words, "a");
    assert_null(v.limited);
    v = verdict(rs, event("a", NULL));
    expect("shadow alone", &v, VERDICT_NONE, NULL);
    assert_string_equal(v.shadow->name, "shadow-one");
    const struct match_options opt = { .now_ms = NOW, .draft = "draft" };
    match_event(rs, scratch, event("ab", NULL), &opt, &v);
    expect("a draft in its own tests", &v, VERDICT_MARK, "draft");
    const struct match_options shadow = { .now_ms = NOW, .draft = "shadow-two" };
    match_event(rs, scratch, event("ab", NULL), &shadow, &v);
    expect("a shadow rule in its own tests", &v, VERDICT_MARK, "shadow-two");
    const struct match_options off = { .now_ms = NOW, .draft = "off" };
    match_event(rs, scratch, event("a", NULL), &off, &v);
    expect("what is off stays off", &v, VERDICT_NONE, NULL);
    const struct match_options guards = { .now_ms = NOW, .draft = "draft-guard" };
    match_event(rs, scratch, event("ab", NULL), &guards, &v);
    expect("a draft guard in its own tests", &v, VERDICT_GUARD, "draft-guard");
    v = verdict(rs, unknown_event("-"));
    assert_false(v.hangs_on_unknown); /* shadow rules never cause looks */
}

static void test_times(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t from, until, except_until;
        enum verdict_kind kind;
    } rows[] = {
        { "always", 0, 0, 1, VERDICT_MARK },
        { "from now", NOW, 0, 1, VERDICT_MARK },
        { "from later", NOW + 1, 0, 1, VERDICT_NONE },
        { "until later", 0, NOW + 1, 1, VERDICT_MARK },
        { "until now", 0, NOW, 1, VERDICT_NONE },
        { "an exception for ever", 0, 0, 0, VERDICT_NONE },
        { "an exception until later", 0, 0, NOW + 1, VERDICT_NONE },
        { "an exception until now", 0, 0, NOW, VERDICT_MARK },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ruleset *rs = ruleset();
        struct rule *r = rule(rs, "r", subject("a"));
        r->active_from_ms = rows[i].from;
        r->active_until_ms = rows[i].until;
        except(r, subject("b"), rows[i].except_until);
        const struct verdict v = verdict(rs, event("ab", NULL));
        expect(rows[i].name, &v, rows[i].kind, rows[i].kind == VERDICT_MARK ? "r" : NULL);
    }
}

static void test_undecided_exception(void **state)
{
    (void)state;
    struct ruleset *rs = ruleset();
    except(rule(rs, "r", subject("a")), reply("b"), 0);
    struct verdict v = verdict(rs, cut_event("a", "x"));
    expect("an exception that could not tell", &v, VERDICT_NONE, NULL);
    assert_string_equal(v.limited->name, "r");
    rs = ruleset();
    except(guard(rs, "g", subject("a")), reply("b"), 0);
    v = verdict(rs, cut_event("a", "x"));
    expect("a guard's exception", &v, VERDICT_GUARD_UNDECIDED, "g");
}

static void test_reasons(void **state)
{
    (void)state;
    struct ruleset *rs = ruleset();
    rule(rs, "r",
         ALL(ANY(ALL(subject("aut"), reply("none")), NOT(subject("x")), subject("y")),
             leaf(FIELD_REPLY, TEST_PATTERN, "zzz", "ich bin", NULL)));
    const struct verdict v = verdict(rs, event("automatic", "Hallo,\nich\nbin weg"));
    expect("reason", &v, VERDICT_MARK, "r");
    assert_int_equal(v.reason.cond->field.field, FIELD_REPLY);
    assert_string_equal(v.reason.alternative->source, "ich bin");
    assert_string_equal(v.reason.words, "ich\nbin");
    assert_int_equal(v.reason.span.start, 7);
    assert_int_equal(v.reason.span.end, 14);

    struct event *many = event(NULL, NULL);
    put(many, FIELD_TAGS, "one");
    put(many, FIELD_TAGS, " two ");
    rs = ruleset();
    rule(rs, "t", leaf(FIELD_TAGS, TEST_IS, "TWO", NULL));
    const struct verdict w = verdict(rs, many);
    assert_int_equal(w.reason.item, 1);
    assert_string_equal(w.reason.words, "two");
    assert_int_equal(w.reason.span.start, 1);
}

/* The loader gives equal patterns of several rules one struct pattern: what it said of one
 * field, event or value is not said of another. */
static void test_shared_pattern(void **state)
{
    (void)state;
    struct cond *on_subject = subject("away");
    struct cond *on_reply = reply("away");
    struct cond *again = subject("away");
    struct cond *on_tags = leaf(FIELD_TAGS, TEST_PATTERN, "away", NULL);
    on_reply->alternatives[0].pattern = on_subject->alternatives[0].pattern;
    again->alternatives[0].pattern = on_subject->alternatives[0].pattern;
    on_tags->alternatives[0].pattern = on_subject->alternatives[0].pattern;
    struct ruleset *rs = ruleset();
    rule(rs, "both", ALL(on_subject, on_reply));
    rule(rs, "again", ALL(again, subject("Ada")));
    rule(rs, "tags", on_tags);

    const struct verdict one = verdict(rs, event("Ada away", "here"));
    expect("subject only", &one, VERDICT_MARK, "again");
    assert_int_equal(one.reason.span.start, 4);
    const struct verdict other = verdict(rs, event("here", "away"));
    expect("reply only", &other, VERDICT_NONE, NULL);
    const struct verdict both = verdict(rs, event("away", "so away"));
    expect("both", &both, VERDICT_MARK, "both");
    struct event *tagged = event("here", NULL);
    put(tagged, FIELD_TAGS, "here");
    put(tagged, FIELD_TAGS, "away");
    const struct verdict second = verdict(rs, tagged);
    expect("the second tag", &second, VERDICT_MARK, "tags");
    assert_int_equal(second.reason.item, 1);
}

static void test_long_words(void **state)
{
    (void)state;
    char *s = make(301);
    for (size_t i = 0; i < 300; i += 3)
        memcpy(s + i, "€", 3);
    struct ruleset *rs = ruleset();
    rule(rs, "r", subject("€+"));
    const struct verdict v = verdict(rs, event(s, NULL));
    assert_int_equal(v.reason.span.end, 300);
    assert_int_equal(strlen(v.reason.words), 126);
}

static void test_nearest(void **state)
{
    (void)state;
    struct ruleset *rs = ruleset();
    rule(rs, "one", ALL(subject("a"), reply("b"), NOT(subject("q"))));
    struct rule *two = rule(rs, "two", ALL(subject("c"), reply("d")));
    except(two, subject("e"), 0);
    except(two, subject("f"), NOW); /* ran out: not counted */
    rule(rs, "three", subject("z"));
    keep(rs, "four", ALL(subject("k"), reply("l")));

    struct verdict v = verdict(rs, event("a", NULL));
    assert_string_equal(v.near.rule->name, "one");
    assert_int_equal(v.near.held, 2);
    assert_int_equal(v.near.of, 3);
    assert_ptr_equal(v.near.missing, &rs->rules[0].when.children[1]);
    assert_null(v.near.excepted);

    v = verdict(rs, event("c, e", "d"));
    assert_string_equal(v.near.rule->name, "two");
    assert_int_equal(v.near.held, 2);
    assert_int_equal(v.near.of, 3);
    assert_null(v.near.missing);
    assert_ptr_equal(v.near.excepted, &rs->rules[1].except[0]);

    v = verdict(rs, event("x", "y"));
    assert_null(v.near.rule); /* one's `not` holds, but that says nothing */
    v = verdict(rs, event("k", NULL));
    assert_null(v.near.rule);

    rs = ruleset(); /* what must all hold counts one by one, in groups of groups too */
    rule(rs, "nested", ALL(reply("b"), ALL(subject("c"), subject("d"))));
    v = verdict(rs, event("c", "b"));
    assert_int_equal(v.near.held, 2);
    assert_int_equal(v.near.of, 3);
    assert_ptr_equal(v.near.missing, &rs->rules[0].when.children[1].children[1]);
}

/* ---- limits ---- */

static struct event *hostile_event(void)
{
    char *s = make(60001);
    memset(s, 'a', 59999);
    s[59999] = '!';
    return event("away", s);
}

static void test_limits(void **state)
{
    (void)state;
    struct ruleset *rs = ruleset();
    rule(rs, "evil", reply("^(a+)+$"));
    struct verdict v = verdict(rs, hostile_event());
    expect("a limit", &v, VERDICT_NONE, NULL);
    assert_string_equal(v.limited->name, "evil");
    assert_string_equal(v.limit, "match limit");
    rule(rs, "good", subject("away"));
    v = verdict(rs, hostile_event());
    expect("passed over", &v, VERDICT_MARK, "good");
    assert_int_equal(atomic_load(&rs->rules[0].limit_hits), 0); /* no budget, no counting */

    guard(rs, "evil-guard", reply("^(a+)+$"));
    v = verdict(rs, hostile_event());
    expect("a guard's limit keeps", &v, VERDICT_GUARD_UNDECIDED, "evil-guard");
    assert_string_equal(v.limited->name, "evil-guard");
}

static void test_quarantine(void **state)
{
    (void)state;
    struct ruleset *rs = ruleset();
    struct rule *g = guard(rs, "g", ANY(reply("^(a+)+$"), subject("g")));
    except(g, reply("!$"), 0); /* what it says does not matter here */
    struct rule *evil = rule(rs, "evil", ANY(subject("away"), reply("^(a+)+$")));
    struct rule *good = rule(rs, "good", subject("aw"));
    const struct match_options opt = { .now_ms = NOW, .budget_ms = 1000 };
    const struct event *bad = hostile_event();
    struct verdict v;
    for (unsigned i = 0; i < QUARANTINE_HITS; i++) {
        match_event(rs, scratch, bad, &opt, &v);
        expect("the quick alternative decides", &v, VERDICT_MARK, "evil");
    }
    assert_int_equal(atomic_load(&evil->limit_hits), 0);
    assert_int_equal(atomic_load(&g->limit_hits), QUARANTINE_HITS);
    evil->when = *ANY(reply("^(a+)+$"), subject("away"));
    for (unsigned i = 0; i < QUARANTINE_HITS; i++) {
        match_event(rs, scratch, bad, &opt, &v);
        expect("not yet", &v, VERDICT_MARK, "evil");
    }
    match_event(rs, scratch, event("away", "x"), &opt, &v);
    expect("quarantined", &v, VERDICT_MARK, "good");
    assert_string_equal(v.limited->name, "evil");
    assert_string_equal(v.limit, "quarantined");
    assert_int_equal(atomic_load(&good->limit_hits), 0);
    match_event(rs, scratch, event("g", "x"), &opt, &v);
    expect("guards never are", &v, VERDICT_GUARD, "g");
    v = verdict(rs, event("away", "x"));
    expect("tools do not know of it", &v, VERDICT_MARK, "evil");
}

/* Whoever comes when the budget is gone has done nothing wrong. */
static void test_budget_is_not_everybodys(void **state)
{
    (void)state;
    struct ruleset *rs = ruleset();
    rule(rs, "slow", reply("a{1,300}a{1,290}[yz]"));
    rule(rs, "after", subject("away"));
    guard(rs, "g", subject("no"));
    const struct match_options opt = { .now_ms = NOW, .budget_ms = 2 };
    struct verdict v;
    match_event(rs, scratch, hostile_event(), &opt, &v);
    expect("the budget is gone", &v, VERDICT_NONE, NULL);
    assert_string_equal(v.limit, "CPU budget");
    assert_string_equal(v.limited->name, "slow");
    assert_int_equal(atomic_load(&rs->rules[0].limit_hits), 1);
    assert_int_equal(atomic_load(&rs->rules[1].limit_hits), 0);
}

/* ---- threads: one set, a scratch for each ---- */

struct worker {
    pthread_t thread;
    const struct ruleset *rs;
    const struct event *quick, *bad;
    unsigned wrong;
};

static void *work(void *ctx)
{
    struct worker *w = ctx;
    const struct match_options opt = { .now_ms = NOW, .budget_ms = 1000 };
    struct match_scratch *own = match_scratch_new();
    for (unsigned i = 0; i < 50; i++) {
        struct verdict v;
        match_event(w->rs, own, w->quick, &opt, &v);
        w->wrong += v.kind != VERDICT_MARK || strcmp(v.reason.words, "away") != 0;
        match_event(w->rs, own, w->bad, &opt, &v);
        w->wrong += v.kind != VERDICT_NONE || strcmp(v.limited->name, "evil") != 0;
    }
    match_scratch_free(own);
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    struct ruleset *rs = ruleset();
    rule(rs, "evil", reply("^(a+)+$"));
    rule(rs, "good", subject("away"));
    struct event *bad = hostile_event();
    bad->field[FIELD_SUBJECT].presence = ABSENT;
    struct worker workers[4];
    for (size_t i = 0; i < ARRAY_LEN(workers); i++) {
        workers[i] = (struct worker){ .rs = rs, .quick = event("away", "x"), .bad = bad };
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(workers); i++) {
        pthread_join(workers[i].thread, NULL);
        assert_int_equal(workers[i].wrong, 0);
    }
    assert_true(atomic_load(&rs->rules[0].limit_hits) >= QUARANTINE_HITS);
}

/* ---- what hangs on an unknown field ---- */

static void test_hangs(void **state)
{
    (void)state;
    struct ruleset *rs = ruleset();
    guard(rs, "g", reply("x"));
    struct verdict v = verdict(rs, unknown_event("a"));
    assert_false(v.hangs_on_unknown); /* kept in any case: no rule */
    rule(rs, "r", subject("a"));
    v = verdict(rs, unknown_event("a"));
    expect("undecided guard", &v, VERDICT_GUARD_UNDECIDED, "g");
    assert_true(v.hangs_on_unknown);
    v = verdict(rs, unknown_event("b"));
    assert_false(v.hangs_on_unknown);
    guard(rs, "h", subject("a"));
    v = verdict(rs, unknown_event("a"));
    expect("another guard decides", &v, VERDICT_GUARD, "h");
    assert_false(v.hangs_on_unknown);

    rs = ruleset();
    rule(rs, "r", ALL(subject("a"), NOT(reply("x"))));
    v = verdict(rs, unknown_event("a"));
    assert_true(v.hangs_on_unknown);
    assert_null(v.limited);
    v = verdict(rs, unknown_event("b"));
    assert_false(v.hangs_on_unknown);
    rule(rs, "s", subject("a"));
    v = verdict(rs, unknown_event("a"));
    expect("marked in any case", &v, VERDICT_MARK, "s");
    assert_false(v.hangs_on_unknown);
}

/* ---- against a model ----
 *
 * Leaves have fixed answers: each of the undecided ones stands for itself, so Kleene's
 * answer is what all ways to decide them agree on. The model tries all ways. */

enum { LEAF_NO, LEAF_YES, LEAF_CUT, LEAF_UNKNOWN };

#define MODEL_UNDECIDED_MAX 7

struct model {
    struct event *ev;
    unsigned seed;
    struct cond *kinds[2]; /* leaves that say no, and yes */
    const struct cond *undecided[MODEL_UNDECIDED_MAX];
    bool unknown[MODEL_UNDECIDED_MAX];
    unsigned nundecided;
};

static unsigned roll(struct model *m, unsigned sides)
{
    return (unsigned)rand_r(&m->seed) % sides;
}

/* The n-th undecided leaf has the n-th field to itself. */
static void random_leaf(struct model *m, struct cond *c)
{
    const unsigned what = roll(m, 4);
    if (what <= LEAF_YES || m->nundecided == MODEL_UNDECIDED_MAX) {
        *c = *m->kinds[what & 1];
        return;
    }
    const enum field f = (enum field)(FIELD_FROM + m->nundecided);
    struct field_value *v = &m->ev->field[f];
    if (v->count == 0)
        put(m->ev, f, "x");
    v->presence = what == LEAF_UNKNOWN ? UNKNOWN : PRESENT;
    v->cut = what == LEAF_CUT;
    *c = *m->kinds[LEAF_YES];
    c->field.field = f;
    m->unknown[m->nundecided++] = what == LEAF_UNKNOWN;
}

static void random_tree(struct model *m, struct cond *c, unsigned depth)
{
    if (depth == 0 || roll(m, 4) == 0) {
        random_leaf(m, c);
        return;
    }
    *c = (struct cond){ .kind = (enum cond_kind)roll(m, 3) };
    c->nchildren = c->kind == COND_NOT ? 1 : roll(m, 4);
    c->children = make((c->nchildren + 1) * sizeof(*c->children));
    for (size_t i = 0; i < c->nchildren; i++)
        random_tree(m, &c->children[i], depth - 1);
}

/* Two-valued, the undecided leaves as the bits of `way` say. */
static bool model_bool(const struct cond *c, unsigned way)
{
    bool all = true;
    bool any = false;
    if (c->kind == COND_FIELD && c->field.field == FIELD_SUBJECT)
        return strcmp(c->alternatives[0].source, "yes") == 0;
    if (c->kind == COND_FIELD)
        return (way >> (c->field.field - FIELD_FROM)) & 1;
    for (size_t i = 0; i < c->nchildren; i++) {
        const bool one = model_bool(&c->children[i], way);
        all = all && one;
        any = any || one;
    }
    return c->kind == COND_NOT ? !any : c->kind == COND_ALL ? all : any;
}

static bool model_rule_bool(const struct rule *r, unsigned way)
{
    bool yes = model_bool(&r->when, way);
    for (size_t i = 0; i < r->nexcept; i++)
        yes = yes && !model_bool(&r->except[i].cond, way);
    return yes;
}

/* The answer when the unknown leaves are as in `known`, and the cut ones open. */
static enum answer model_answer(const struct model *m, const struct rule *r, unsigned open,
                                unsigned known)
{
    bool yes = false;
    bool no = false;
    for (unsigned way = 0; way < 1u << m->nundecided; way++) {
        if ((way & ~open) != (known & ~open))
            continue;
        *(model_rule_bool(r, way) ? &yes : &no) = true;
    }
    return yes && no ? ANSWER_UNDECIDED : yes ? ANSWER_YES : ANSWER_NO;
}

static unsigned open_leaves(const struct model *m, bool unknown_too)
{
    unsigned open = 0;
    for (unsigned i = 0; i < m->nundecided; i++)
        if (unknown_too || !m->unknown[i])
            open |= 1u << i;
    return open;
}

/* As DESIGN says it; the rule that decides in *by. */
static enum verdict_kind model_walk(const struct model *m, const struct ruleset *rs, unsigned open,
                                    unsigned known, const struct rule **by)
{
    enum verdict_kind kind = VERDICT_NONE;
    *by = NULL;
    for (size_t i = 0; i < rs->nguards && kind != VERDICT_GUARD; i++) {
        const enum answer a = model_answer(m, &rs->guards[i], open, known);
        if (a == ANSWER_NO || (kind == VERDICT_GUARD_UNDECIDED && a == ANSWER_UNDECIDED))
            continue;
        kind = a == ANSWER_YES ? VERDICT_GUARD : VERDICT_GUARD_UNDECIDED;
        *by = &rs->guards[i];
    }
    for (size_t i = 0; i < rs->nrules && kind == VERDICT_NONE; i++) {
        const struct rule *r = &rs->rules[i];
        const enum answer a = r->state == RULE_LIVE ? model_answer(m, r, open, known) : ANSWER_NO;
        if (a == ANSWER_NO || (a == ANSWER_UNDECIDED && r->then == THEN_MARK_READ))
            continue;
        kind = r->then == THEN_MARK_READ ? VERDICT_MARK
               : a == ANSWER_YES         ? VERDICT_KEEP
                                         : VERDICT_KEEP_UNDECIDED;
        *by = r;
    }
    return kind;
}

static void random_rules(struct model *m, struct ruleset *rs)
{
    struct cond *c = make(sizeof(*c));
    random_tree(m, c, 3);
    struct rule *r = roll(m, 3) == 0 && rs->nguards < 3 ? guard(rs, "g", c) : rule(rs, "r", c);
    if (!r->guard && roll(m, 4) == 0)
        r->then = THEN_KEEP;
    if (!r->guard && roll(m, 6) == 0)
        r->state = RULE_SHADOW;
    if (roll(m, 3) == 0) {
        struct cond *x = make(sizeof(*x));
        random_tree(m, x, 2);
        except(r, x, 0);
    }
}

static bool model_hangs(const struct model *m, const struct ruleset *rs)
{
    bool marked = false;
    bool kept = false;
    const struct rule *by = NULL;
    for (unsigned known = 0; known < 1u << m->nundecided; known++)
        *(model_walk(m, rs, open_leaves(m, false), known, &by) == VERDICT_MARK ? &marked : &kept) =
            true;
    return marked && kept;
}

static unsigned model_round(struct model *m, unsigned round)
{
    struct ruleset *rs = ruleset();
    m->ev = event("yes", NULL);
    m->nundecided = 0;
    for (unsigned i = 0; i < 1 + round % 5; i++)
        random_rules(m, rs);
    const struct verdict v = verdict(rs, m->ev);
    const struct rule *by = NULL;
    const enum verdict_kind want = model_walk(m, rs, open_leaves(m, true), 0, &by);
    if (v.kind != want || v.rule != by)
        fail_msg("round %u: kind %d, the model says %d", round, (int)v.kind, (int)want);
    if (v.hangs_on_unknown != model_hangs(m, rs))
        fail_msg("round %u: hangs %d, the model disagrees", round, v.hangs_on_unknown);
    return 1u << v.kind | (v.hangs_on_unknown ? 1u << 8 : 0u);
}

static void test_model(void **state)
{
    (void)state;
    const char *given = getenv("SEED");
    const unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
    print_message("SEED=%u\n", seed);
    unsigned seen = 0;
    for (unsigned round = 0; round < 3000; round++) {
        struct model m = { .seed = seed + round };
        m.kinds[LEAF_NO] = subject("no");
        m.kinds[LEAF_YES] = subject("yes");
        seen |= model_round(&m, round);
        shop_clear();
    }
    assert_int_equal(seen, 0x13F); /* every kind of verdict came up */
}

/* ---- words, and the trace ---- */

static void test_describe(void **state)
{
    (void)state;
    struct ruleset *rs = ruleset();
    guard(rs, "call", reply("call me"));
    rule(rs, "absence", ALL(subject("away"), NOT(subject("no"))));
    rule(rs, "flagged", wanted(FIELD_REPLY, TEST_FLAG, true));
    rule(rs, "never", NOT(subject(".")));
    struct rule *r = rule(rs, "excepted", subject("aware"));
    except(r, subject("ware"), 0);
    r->except->because = "they are";
    const struct {
        const struct event *ev;
        const char *want;
    } rows[] = {
        { event("I am away", ""), "marked: rule absence matched subject 'away'" },
        { event("away", "Call me"), "kept: guard call matched reply 'Call me'" },
        { cut_event("away", "x"), "kept: guard call could not tell (field was cut)" },
        { unknown_event("away"), "kept: guard call could not tell (field is unknown)" },
        { event("away, no", ""),
          "no-match: nothing matched; nearest was rule absence: 1 of 2 conditions held; missing: "
          "not subject has 'no'" },
        { event("aware", ""),
          "no-match: nothing matched; nearest was rule excepted: 1 of 2 conditions held; "
          "excepted: subject has 'ware' (they are)" },
        { event("x", ""), "no-match: nothing matched" },
        { event("x", "true"), "marked: rule flagged matched reply" },
        { event(NULL, ""), "marked: rule never matched" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        scoped(buf_free) struct buf b = BUF_INIT;
        const struct verdict v = verdict(rs, rows[i].ev);
        verdict_describe(&b, &v);
        assert_string_equal(buf_str(&b), rows[i].want);
    }
}

static void test_describe_conditions(void **state)
{
    (void)state;
    struct cond *in = leaf(FIELD_REPLY, TEST_IN, "x", NULL);
    in->list_file = "partners.txt";
    const struct {
        const struct cond *cond;
        const char *want;
    } rows[] = {
        { subject("a"), "subject has 'a'" },
        { leaf(FIELD_REPLY, TEST_WHOLE, "a", "b", NULL), "reply is wholly 'a' or 'b'" },
        { leaf(FIELD_REPLY, TEST_IS, "A", "b", "c", "d", NULL),
          "reply is 'A' or 'b' or 'c' or 'd'" },
        { leaf(FIELD_REPLY, TEST_IS, "a", "b", "c", "d", "e", NULL),
          "reply is 'a' or 'b' or 'c' or 2 more" },
        { in, "reply is in partners.txt" },
        { max_chars(9), "reply has at most 9 characters" },
        { wanted(FIELD_REPLY, TEST_PRESENT, false), "reply is absent" },
        { wanted(FIELD_REPLY, TEST_FLAG, true), "reply is true" },
        { NOT(subject("a")), "not" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        scoped(buf_free) struct buf b = BUF_INIT;
        cond_describe(&b, rows[i].cond);
        assert_string_equal(buf_str(&b), rows[i].want);
    }
}

static void write_step(void *ctx, const struct match_step *s)
{
    static const char *const kinds[] = { "all", "any", "not", "leaf" };
    struct buf *b = ctx;
    buf_printf(b, "%u %s%s %s %d", s->depth, s->exception ? "except " : "",
               s->cond ? kinds[s->cond->kind] : "rule", s->rule->name, (int)s->answer);
    if (s->reason.words[0])
        buf_printf(b, " '%s'", s->reason.words);
    if (s->why)
        buf_printf(b, " (%s)", s->why);
    buf_putc(b, '\n');
}

static void test_trace(void **state)
{
    (void)state;
    struct ruleset *rs = ruleset();
    guard(rs, "g", reply("x"));
    struct rule *r = rule(rs, "r", ALL(subject("a"), NOT(subject("b"))));
    except(r, subject("c"), 0);
    except(r, subject("a"), NOW);
    rule(rs, "d", subject("a"))->state = RULE_DRAFT;
    rule(rs, "o", subject("a"))->state = RULE_OFF;
    rule(rs, "t", subject("a"))->active_from_ms = NOW + 1;
    rule(rs, "s", subject("a"))->state = RULE_SHADOW;
    scoped(buf_free) struct buf b = BUF_INIT;
    const struct match_options opt = { .now_ms = NOW };
    match_trace(rs, scratch, unknown_event("a"), &opt, write_step, &b);
    assert_string_equal(buf_str(&b), "0 rule g 2 (field is unknown)\n"
                                     "1 leaf g 2 (field is unknown)\n"
                                     "0 rule r 1 'a'\n"
                                     "1 all r 1\n"
                                     "2 leaf r 1 'a'\n"
                                     "2 not r 1\n"
                                     "3 leaf r 0\n"
                                     "1 except leaf r 0\n"
                                     "1 except leaf r 0 (ran out)\n"
                                     "0 rule d 0 (draft)\n"
                                     "0 rule o 0 (off)\n"
                                     "0 rule t 0 (not active now)\n"
                                     "0 rule s 1 'a'\n"
                                     "1 leaf s 1 'a'\n");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_field_answers),
        TEST(test_literal_fold),
        TEST(test_walk),
        TEST(test_undecided_rules),
        TEST(test_states),
        TEST(test_times),
        TEST(test_undecided_exception),
        TEST(test_reasons),
        TEST(test_shared_pattern),
        TEST(test_long_words),
        TEST(test_nearest),
        TEST(test_limits),
        TEST(test_quarantine),
        TEST(test_budget_is_not_everybodys),
        TEST(test_threads),
        TEST(test_hangs),
        TEST(test_model),
        TEST(test_describe),
        TEST(test_describe_conditions),
        TEST(test_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
