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
#include "base/error.h"
#include "base/json.h"
#include "cli/explain.h"
#include "event/event.h"
#include "rules/rules_load.h"

static const char rules_text[] =
    "guards:\n"
    "  - name: buying-signal\n"
    "    when: {reply: '\\b(call me|send (me )?pricing)\\b'}\n"
    "    except: [{auto_reply: true, because: they say whom to call}]\n"
    "rules:\n"
    "  - name: out-of-office\n"
    "    when:\n"
    "      subject: ['automatic reply', 'out of (the )?office']\n"
    "      not: {tag: {is: [interested, meeting_booked]}}\n"
    "    except:\n"
    "      - {domain: {is: big.com}, because: shared mailbox}\n"
    "  - name: opt-out\n"
    "    state: shadow\n"
    "    when: {reply: 'stop'}\n"
    "  - name: three\n"
    "    when:\n"
    "      reply: 'remove|unsubscribe'\n"
    "      subject: '^re:'\n"
    "      tag: {is: not_interested}\n";

/* One with more conditions than are worth reading, and a pattern as long as those of packs. */
static const char large_text[] =
    "rules:\n"
    "  - name: large\n"
    "    when:\n"
    "      subject: 'the first words|the second words|the third words|the fourth words|the fifth "
    "words'\n"
    "      any:\n"
    "        - all: [{reply: a1}, {reply: a2}]\n"
    "        - all: [{reply: b1}, {reply: b2}]\n"
    "        - all: [{reply: c1}, {reply: c2}]\n";

static struct ruleset *rules, *large;

static struct ruleset *load(const char *text)
{
    const struct rule_file file = { .path = "r.yaml", .bytes = text, .len = strlen(text) };
    const struct rules_source src = { .now_ms = 0 };
    scoped(diags_done) struct diags d = DIAGS_INIT;
    struct ruleset *rs = rules_load_files(&file, 1, &src, &d);
    diags_print(&d, stderr);
    return rs;
}

static int setup(void **state)
{
    (void)state;
    rules = load(rules_text);
    large = load(large_text);
    return rules && large ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    ruleset_unref(rules);
    ruleset_unref(large);
    return 0;
}

static struct event *event(const char *subject, const char *body)
{
    struct event *ev = event_new();
    if (subject)
        event_set(ev, FIELD_SUBJECT, subject, strlen(subject));
    event_set_body(ev, body, strlen(body), TEXT_PLAIN);
    return ev;
}

static char *explained_by(const struct ruleset *rs, const struct event *ev, bool all, bool colour)
{
    static const struct match_options opt = { .now_ms = 1000 };
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    scoped(explained_done) struct explained x = { .steps = NULL };
    explain_event(&x, rs, ev, &opt);
    const struct explain_style style = { .to = to, .all = all, .colour = colour };
    explain_print(&x, &style);
    fclose(to);
    return text;
}

static char *explained(const struct event *ev, bool all, bool colour)
{
    return explained_by(rules, ev, all, colour);
}

static void check(const struct event *ev, const char *want)
{
    scoped(freep) char *got = explained(ev, false, false);
    assert_string_equal(got, want);
}

static void test_match(void **state)
{
    (void)state;
    scoped(event_freep) struct event *ev = event("自動 out of office, I am", "I am\naway.");
    event_set_unknown(ev, FIELD_COMPANY);
    check(
        ev,
        "marked: rule out-of-office matched subject 'out of office'\n"
        "  at r.yaml:6:11\n"
        "\n"
        "fields\n"
        "  subject      自動 out of office, I am\n"
        "  reply        I am away.\n"
        "  company      (unknown)\n"
        "\n"
        "guards\n"
        "  no  buying-signal  r.yaml:2\n"
        "      no  reply has '\\b(call me|send (me )?pricing)\\b'\n"
        "\n"
        "rules\n"
        "  yes out-of-office  r.yaml:6\n"
        "      yes subject has 'automatic reply' or 'out of (the )?office'; found by 'out of (the "
        ")?office' in line 8\n"
        "          自動 out of office, I am\n"
        "               ^^^^^^^^^^^^^\n"
        "      yes not\n"
        "          no  tag is 'interested' or 'meeting_booked' (tag is absent)\n"
        "      no  except (shared mailbox)\n"
        "          no  domain is 'big.com' (domain is absent)\n"
        "  (2 more not looked at: it was decided; --all shows them)\n");
}

static void test_guard(void **state)
{
    (void)state;
    scoped(event_freep) struct event *ev =
        event(NULL, "Sure, and when you are back from your long trip,\nplease send me\npricing!\n"
                    "\nOn Tue, Jan 6, 2026 at 3:14 PM Ada <ada@x.com> wrote:\n> stop\n");
    check(ev, "kept: guard buying-signal matched reply 'send me pricing'\n"
              "  at r.yaml:2:11\n"
              "\n"
              "fields\n"
              "  reply        Sure, and when you are back from your long trip, please send me "
              "pricing!\n"
              "  quoted       On Tue, Jan 6, 2026 at 3:14 PM Ada <ada@x.com> wrote: > stop\n"
              "\n"
              "cut off from the reply\n"
              "  from line 5: quoted, by attribution (en)\n"
              "\n"
              "guards\n"
              "  yes buying-signal  r.yaml:2\n"
              "      yes reply has '\\b(call me|send (me )?pricing)\\b'\n"
              "          ...are back from your long trip, please send me pricing!\n"
              "                                                  ^^^^^^^^^^^^^^^\n"
              "      no  except (they say whom to call)\n"
              "          no  auto_reply is true (auto_reply is absent)\n"
              "\n"
              "rules\n"
              "  (3 more not looked at: it was decided; --all shows them)\n");
}

static void test_nearest(void **state)
{
    (void)state;
    scoped(event_freep) struct event *ev = event("Re: hi", "Stop, remove me");
    event_set_unknown(ev, FIELD_TAG);
    scoped(freep) char *got = explained(ev, false, false);
    static const char *const parts[] = {
        "no-match: nothing matched; in shadow, rule opt-out matched reply 'Stop'; nearest was rule "
        "three: 2 of 3 conditions held; missing: tag is 'not_interested'\n"
        "  nearest at r.yaml:19:13\n"
        "  hangs on a field that is unknown: a look at the conversation would decide\n",
        "\n  yes opt-out  r.yaml:12  shadow\n",
        "\n  ?   three  r.yaml:15 (field is unknown)\n",
        "\n      ?   tag is 'not_interested' (field is unknown)\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (!strstr(got, parts[i]))
            fail_msg("no '%s' in:\n%s", parts[i], got);
}

static void test_large(void **state)
{
    (void)state;
    scoped(event_freep) struct event *ev = event("Re: hi", "b1");
    scoped(freep) char *brief = explained_by(large, ev, false, false);
    assert_non_null(strstr(brief, "\n      no  subject has 'the first words|the second words|the "
                                  "third words|the fourth words|the fifth word...'\n"
                                  "      no  any of\n\nOf large rules"));
    scoped(freep) char *all = explained_by(large, ev, true, false);
    assert_non_null(strstr(all, "yes reply has 'b1'"));
    assert_null(strstr(all, "Of large rules"));
}

static void test_style(void **state)
{
    (void)state;
    scoped(event_freep) struct event *ev = event("out of office", "x");
    event_set(ev, FIELD_MESSAGE, "m\033[2J\n", 6);
    scoped(freep) char *colour = explained(ev, false, true);
    assert_non_null(strstr(colour, "\033[1;4mout of office\033[0m"));
    assert_null(strstr(colour, "^^^"));
    scoped(freep) char *all = explained(ev, true, false);
    assert_non_null(strstr(all, "three"));
    assert_null(strchr(all, '\033')); /* what others wrote steers no terminal */
}

static void test_json(void **state)
{
    (void)state;
    scoped(event_freep) struct event *ev = event("Out of office", "x\n> y");
    static const struct match_options opt = { .now_ms = 1000 };
    scoped(explained_done) struct explained x = { .steps = NULL };
    explain_event(&x, rules, ev, &opt);
    scoped(json_freep) struct json_object *o = explain_json(&x);
    static const struct {
        const char *at, *want;
    } rows[] = {
        { "/verdict", "mark" },
        { "/rule/name", "out-of-office" },
        { "/rule/file", "r.yaml" },
        { "/reason/field", "subject" },
        { "/reason/words", "Out of office" },
        { "/reason/alternative", "out of (the )?office" },
        { "/fields/reply/values/0", "x" },
        { "/cuts/0/what", "quoted" },
        { "/steps/0/name", "buying-signal" },
        { "/steps/0/answer", "no" },
        { "/steps/1/conditions/1/answer", "yes" },
        { "/steps/1/conditions/1/asks", "subject has 'automatic reply' or 'out of (the )?office'" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *got = json_str(json_at(o, rows[i].at), NULL);
        if (!got || strcmp(got, rows[i].want) != 0)
            fail_msg("%s: '%s'", rows[i].at, got ? got : "nothing");
    }
    bool looked = true;
    assert_true(json_bool(json_at(o, "/steps/3/looked_at"), &looked));
    assert_false(looked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_match), cmocka_unit_test(test_guard), cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_large), cmocka_unit_test(test_style), cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
