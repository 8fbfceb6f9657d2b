/* DESIGN's sentences about rules, from YAML to the verdict. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "event/event.h"
#include "rules/match.h"
#include "rules/rules_load.h"

#define BIG "/big/" /* a value that is longer than any field */

struct set {
    const char *first, *second, *list; /* r/10.yaml, r/20.yaml, r/list.txt */
};

static const struct set plain = { .first = "define:\n"
                                           "  weekday: 'mon|tues|wednes'\n"
                                           "  back on: 'x'\n" };

static const struct set design = {
    .first = "define:\n"
             "  weekday: 'mon|tues|wednes|thurs|fri|satur|sun'\n"
             "  day: '(?&weekday)day'\n"
             "guards:\n"
             "  - name: buying-signal\n"
             "    when: {reply: '\\b(call me|send (me )?pricing)\\b'}\n"
             "    except: [{auto_reply: true, because: absence notes say whom to call}]\n"
             "rules:\n"
             "  - name: out-of-office\n"
             "    when:\n"
             "      subject: ['automatic reply', 'out of (the )?office']\n"
             "      not: {tag: {is: [interested, meeting_booked]}}\n"
             "    except:\n"
             "      - {domain: {is: bigcustomer.com}, because: shared, until: 2027-03-01}\n"
             "  - name: summer\n"
             "    active: {from: 2026-08-01, until: 2026-09-30}\n"
             "    when: {reply: holiday}\n"
             "  - name: shadowed\n"
             "    state: shadow\n"
             "    when: {reply: remove}\n"
             "  - name: drafted\n"
             "    state: draft\n"
             "    when: {reply: remove}\n",
    .second = "guards:\n"
              "  - name: late-guard\n"
              "    when: {text: 'contract'}\n"
              "rules:\n"
              "  - name: stay\n"
              "    then: keep\n"
              "    when: {campaign: vip}\n"
              "  - name: any-list\n"
              "    when:\n"
              "      - {reply: 'remove', subject: '^re:'}\n"
              "      - any: [{mailbox: {is: 'a@x.org'}}, {name: {whole: 'no.?one'}}]\n"
              "  - name: back\n"
              "    when: {reply: '(b)ack on (?&day)\\1?'}\n"
              "  - name: listed\n"
              "    when: {domain: {in: list.txt}}\n"
              "  - name: short\n"
              "    when: {reply: {max_chars: 3, present: true}, company: {present: false}}\n"
              "  - name: by-pointer\n"
              "    when: {/data/custom/plan: {is: Free}}\n"
              "  - name: exact\n"
              "    when: {reply: '(?-i)STOP Now'}\n"
              "  - name: quoted-words\n"
              "    when: {reply: “don’t contact us”}\n"
              "  - name: block\n"
              "    when:\n"
              "      reply: >\n"
              "        wrong\n"
              "        person\n",
    .list = "# partners\nPartner.org\n\nother.org\n",
};

static struct ruleset *load(const struct set *s, const struct rule_override *o, size_t n)
{
    const struct rule_file files[] = {
        { .path = "r/10.yaml", .bytes = s->first, .len = strlen(s->first) },
        { .path = "r/20.yaml",
          .bytes = s->second ? s->second : "",
          .len = s->second ? strlen(s->second) : 0 },
        { .path = "r/list.txt",
          .bytes = s->list ? s->list : "",
          .len = s->list ? strlen(s->list) : 0 },
    };
    const struct rules_source src = { .overrides = o, .noverrides = n };
    scoped(diags_done) struct diags d = DIAGS_INIT;
    struct ruleset *rs = rules_load_files(files, s->list ? 3 : s->second ? 2 : 1, &src, &d);
    if (!rs && s != &plain)
        diags_print(&d, stderr);
    return rs;
}

/* "subject=hello|tag=?": ? is unknown. */
static struct event *make_event(const char *text)
{
    struct event *ev = event_new();
    scoped(freep) char *copy = strdup(text);
    char *rest = NULL;
    for (char *w = strtok_r(copy, "|", &rest); w; w = strtok_r(NULL, "|", &rest)) {
        char *equals = strchr(w, '=');
        assert_non_null(equals);
        *equals = '\0';
        const char *value = equals + 1;
        const enum field f = field_by_name(w);
        if (f == FIELD_COUNT) {
            event_set_pointer(ev, w, value, strlen(value));
        } else if (strcmp(value, "?") == 0) {
            event_set_unknown(ev, f);
        } else if (strcmp(value, BIG) == 0) {
            scoped(freep) char *big = calloc(1, TEXT_MAX_LONG + 2);
            memset(big, 'z', TEXT_MAX_LONG + 1);
            event_set(ev, f, big, TEXT_MAX_LONG + 1);
        } else {
            event_set(ev, f, value, strlen(value));
        }
    }
    return ev;
}

static const struct {
    const char *says, *event, *now;
    enum verdict_kind kind;
    const char *rule;
    bool look;
} rows[] = {
    { "a list of patterns: any of them", "subject=I am out of office", NULL, VERDICT_MARK,
      "out-of-office", false },
    { "a map: all must hold", "subject=out of office|tag=Interested", NULL, VERDICT_NONE, NULL,
      false },
    { "is: case-insensitive, the entire field", "subject=out of office|tag=not interested", NULL,
      VERDICT_MARK, "out-of-office", false },
    { "an exception", "subject=out of office|from=a@BigCustomer.com", "2027-03-01T23:59:59Z",
      VERDICT_NONE, NULL, false },
    { "until: last day inclusive, UTC", "subject=out of office|from=a@bigcustomer.com",
      "2027-03-02T00:00:00Z", VERDICT_MARK, "out-of-office", false },
    { "not below the domain", "subject=out of office|from=a@sub.bigcustomer.com", NULL,
      VERDICT_MARK, "out-of-office", false },
    { "a guard first", "subject=out of office|reply=Please send me\npricing", NULL, VERDICT_GUARD,
      "buying-signal", false },
    { "a guard's exception", "subject=out of office|reply=call me|auto_reply=true", NULL,
      VERDICT_MARK, "out-of-office", false },
    { "guards of all files come first", "subject=out of office|text=the contract", NULL,
      VERDICT_GUARD, "late-guard", false },
    { "active from", "reply=holiday", "2026-07-31T23:59:59Z", VERDICT_NONE, NULL, false },
    { "active: first day", "reply=holiday", "2026-08-01T00:00:00Z", VERDICT_MARK, "summer", false },
    { "active: last day inclusive", "reply=holiday", "2026-09-30T23:59:59Z", VERDICT_MARK, "summer",
      false },
    { "active until", "reply=holiday", "2026-10-01T00:00:00Z", VERDICT_NONE, NULL, false },
    { "shadow and draft are passed over", "reply=remove me|subject=Re: x", NULL, VERDICT_MARK,
      "any-list", false },
    { "a list: any, its items: all", "reply=remove me", NULL, VERDICT_NONE, NULL, false },
    { "any nests", "mailbox=A@X.org", NULL, VERDICT_MARK, "any-list", false },
    { "whole: the entire field", "name=No one", NULL, VERDICT_MARK, "any-list", false },
    { "whole: no part of it", "name=No one here", NULL, VERDICT_NONE, NULL, false },
    { "then: keep", "campaign=VIP 2026|mailbox=a@x.org", NULL, VERDICT_KEEP, "stay", false },
    { "definitions of earlier files", "reply=Back\non Fridayb", NULL, VERDICT_MARK, "back", false },
    { "in: a list file", "from=x@PARTNER.org", NULL, VERDICT_MARK, "listed", false },
    { "in: not its comment", "domain=# partners", NULL, VERDICT_NONE, NULL, false },
    { "max_chars in characters", "reply=äöü", NULL, VERDICT_MARK, "short", false },
    { "max_chars: one more", "reply=äöüs", NULL, VERDICT_NONE, NULL, false },
    { "present: not without a reply", "subject=x", NULL, VERDICT_NONE, NULL, false },
    { "present: false", "reply=ok|company=X", NULL, VERDICT_NONE, NULL, false },
    { "a JSON pointer", "/data/custom/plan=FREE", NULL, VERDICT_MARK, "by-pointer", false },
    { "(?-i)", "reply=please stop now", NULL, VERDICT_NONE, NULL, false },
    { "(?-i): the same case, across lines", "reply=please STOP\nNow", NULL, VERDICT_MARK, "exact",
      false },
    { "typographic quotes in a pattern", "reply=Said: \"DON'T contact us\"", NULL, VERDICT_MARK,
      "quoted-words", false },
    { "a block scalar", "reply=The wrong person", NULL, VERDICT_MARK, "block", false },
    { "an undecided guard keeps", "subject=out of office|text=" BIG, NULL, VERDICT_GUARD_UNDECIDED,
      "late-guard", false },
    { "an undecided keep ends the search", "campaign=" BIG "|mailbox=a@x.org", NULL,
      VERDICT_KEEP_UNDECIDED, "stay", false },
    { "an undecided mark rule is passed over", "subject=" BIG "|mailbox=a@x.org", NULL,
      VERDICT_MARK, "any-list", false },
    { "not of could-not-tell", "subject=out of office|tag=" BIG, NULL, VERDICT_NONE, NULL, false },
    { "an unknown that decides", "subject=out of office|tag=?", NULL, VERDICT_NONE, NULL, true },
    { "an unknown that does not", "subject=hello|tag=?", NULL, VERDICT_NONE, NULL, false },
    { "an unknown, and a guard that matches", "reply=call me|tag=?|subject=out of office", NULL,
      VERDICT_GUARD, "buying-signal", false },
    { "an unknown subject", "subject=?|reply=hello", NULL, VERDICT_NONE, NULL, true },
    { "an unknown that a keep rule waits for", "campaign=?|mailbox=a@x.org", NULL,
      VERDICT_KEEP_UNDECIDED, "stay", true },
};

static void check_row(const struct ruleset *rs, struct match_scratch *s, size_t i)
{
    struct match_options opt = { .now_ms = 0 };
    assert_true(clock_parse(rows[i].now ? rows[i].now : "2026-01-15", &opt.now_ms));
    scoped(event_freep) struct event *ev = make_event(rows[i].event);
    struct verdict v;
    match_event(rs, s, ev, &opt, &v);
    const char *name = v.rule ? v.rule->name : "";
    scoped(buf_free) struct buf words = BUF_INIT;
    verdict_describe(&words, &v);
    if (v.kind != rows[i].kind || strcmp(name, rows[i].rule ? rows[i].rule : "") != 0)
        fail_msg("%s: %s", rows[i].says, buf_str(&words));
    if (v.hangs_on_unknown != rows[i].look)
        fail_msg("%s: look %d; %s", rows[i].says, v.hangs_on_unknown, buf_str(&words));
}

static void test_design(void **state)
{
    (void)state;
    scoped(ruleset_unrefp) struct ruleset *rs = load(&design, NULL, 0);
    assert_non_null(rs);
    struct match_scratch *s = match_scratch_new();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check_row(rs, s, i);
    match_scratch_free(s);
}

static void test_overrides(void **state)
{
    (void)state;
    const struct rule_override o[] = {
        { .rule = "any-list", .state = RULE_OFF, .hold_ms = -1, .max_per_hour = -1 },
        { .rule = "shadowed", .state = RULE_LIVE, .hold_ms = 3600000, .max_per_hour = -1 },
    };
    scoped(ruleset_unrefp) struct ruleset *rs = load(&design, o, ARRAY_LEN(o));
    assert_non_null(rs);
    struct match_scratch *s = match_scratch_new();
    scoped(event_freep) struct event *ev = make_event("reply=remove me|subject=Re: x");
    scoped(event_freep) struct event *off = make_event("mailbox=a@x.org");
    const struct match_options opt = { .now_ms = 1 };
    struct verdict v;
    match_event(rs, s, ev, &opt, &v);
    assert_int_equal(v.kind, VERDICT_MARK);
    assert_string_equal(v.rule->name, "shadowed");
    assert_int_equal(v.rule->hold_ms, 3600000);
    match_event(rs, s, off, &opt, &v);
    assert_int_equal(v.kind, VERDICT_NONE);
    match_scratch_free(s);
}

static void test_all_or_nothing(void **state)
{
    (void)state;
    assert_null(load(&plain, NULL, 0)); /* one bad name of a group, and no set */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_design),
        cmocka_unit_test(test_overrides),
        cmocka_unit_test(test_all_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
