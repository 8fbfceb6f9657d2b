#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "rules/rules_load.h"
#include "rules_wants.h"

#define DATA TEST_DATA "/rules/"

static int64_t now_ms(void)
{
    int64_t at = 0;
    assert_true(clock_parse("2026-08-01", &at));
    return at;
}

static struct ruleset *load(const char *path, struct diags *d)
{
    const struct rules_source src = { .paths = &path, .npaths = 1, .now_ms = now_ms() };
    return rules_load(&src, false, d);
}

/* ---- files with mistakes say themselves what must be found ----------------------- */

static void check_bad_file(const char *path)
{
    scoped(diags_done) struct diags d = DIAGS_INIT;
    scoped(ruleset_unrefp) struct ruleset *rs = load(path, &d);
    check_wants(path, &d);
    if ((rs == NULL) != (d.errors > 0))
        fail_msg("%s: a set with errors, or none without", path);
}

static void test_mistakes(void **state)
{
    (void)state;
    DIR *dir = opendir(DATA "bad");
    assert_non_null(dir);
    size_t files = 0;
    for (struct dirent *e; (e = readdir(dir));) {
        if (e->d_name[0] == '.')
            continue;
        scoped(freep) char *path = xasprintf(DATA "bad/%s", e->d_name);
        check_bad_file(path);
        files++;
    }
    closedir(dir);
    assert_true(files > 20);
}

static void test_all_mistakes_of_a_folder(void **state)
{
    (void)state;
    scoped(diags_done) struct diags d = DIAGS_INIT;
    assert_null(load(DATA "bad", &d));
    assert_true(d.errors > 60);
}

/* ---- what a good file becomes ------------------------------------------------------- */

static const struct rule *rule_of(const struct ruleset *rs, const char *name)
{
    const struct rule *r = ruleset_find(rs, name);
    if (!r)
        fail_msg("no rule %s", name);
    return r;
}

static void check_conditions(const struct ruleset *rs)
{
    const struct rule *r = rule_of(rs, "out-of-office");
    assert_int_equal(r->when.kind, COND_ALL);
    assert_int_equal(r->when.nchildren, 2);
    const struct cond *subject = &r->when.children[0];
    assert_int_equal(subject->kind, COND_FIELD);
    assert_int_equal(subject->test, TEST_PATTERN);
    assert_int_equal(subject->nalternatives, 2);
    assert_string_equal(subject->alternatives[1].source, "out of (the )?office");
    assert_int_equal(subject->alternatives[1].place.line, 19);
    assert_int_equal(subject->alternatives[1].place.col, 37);
    const struct cond *not_tag = &r->when.children[1];
    assert_int_equal(not_tag->kind, COND_NOT);
    assert_int_equal(not_tag->children[0].test, TEST_IS);
    assert_int_equal(not_tag->children[0].field.field, FIELD_TAG);
    assert_string_equal(not_tag->children[0].alternatives[1].literal, "meeting_booked");
}

static void check_nesting(const struct ruleset *rs)
{
    const struct cond *when = &rule_of(rs, "short-thanks")->when;
    assert_int_equal(when->kind, COND_ANY);
    assert_int_equal(when->nchildren, 2);
    const struct cond *first = &when->children[0];
    assert_int_equal(first->kind, COND_ALL);
    assert_int_equal(first->children[0].kind, COND_ALL); /* both forms of reply */
    assert_int_equal(first->children[0].children[0].number, 40);
    assert_int_equal(first->children[0].children[1].test, TEST_WHOLE);
    assert_int_equal(first->children[1].test, TEST_PRESENT);
    const struct cond *all = &when->children[1];
    assert_int_equal(all->kind, COND_ALL);
    assert_int_equal(all->nchildren, 3);
    assert_int_equal(all->children[1].kind, COND_ANY);
    assert_string_equal(all->children[1].children[0].children[0].field.pointer,
                        "/data/custom/plan");
    assert_int_equal(all->children[1].children[0].children[1].test, TEST_FLAG);
    assert_false(all->children[1].children[0].children[1].wanted);
    assert_int_equal(all->children[2].children[0].kind, COND_ANY);
}

static void check_keys(const struct ruleset *rs)
{
    const struct rule *r = rule_of(rs, "out-of-office");
    int64_t at = 0;
    assert_int_equal(r->state, RULE_SHADOW);
    assert_int_equal(r->hold_ms, 300000);
    assert_int_equal(r->max_per_hour, 500);
    assert_string_equal(r->labels[1].value, "OPS-12");
    assert_true(clock_parse("2026-10-01", &at));
    assert_int_equal(r->active_until_ms, at);
    assert_true(clock_parse("2027-03-02", &at));
    assert_int_equal(r->except[0].until_ms, at);
    assert_string_equal(r->except[0].because, "they answer from a shared mailbox");
    assert_int_equal(r->except[0].cond.nchildren, 1);
    const struct cond *in = &r->except[1].cond.children[0];
    assert_int_equal(in->test, TEST_IN);
    assert_int_equal(in->nalternatives, 2);
    assert_int_equal(in->alternatives[1].place.line, 4);
    assert_string_equal(in->alternatives[0].literal, "ann@example.com");
    assert_int_equal(rule_of(rs, "keep-these")->then, THEN_KEEP);
    assert_int_equal(rule_of(rs, "keep-these")->hold_ms, -1);
    assert_true(rule_of(rs, "buying-signal")->guard);
}

static void check_tests(const struct ruleset *rs)
{
    static const enum test_expect want[] = { EXPECT_THIS,    EXPECT_NO_MATCH, EXPECT_LOOK,
                                             EXPECT_KEPT_BY, EXPECT_KEPT_BY,  EXPECT_RULE,
                                             EXPECT_THIS };
    const struct rule *r = rule_of(rs, "out-of-office");
    assert_int_equal(r->ntests, ARRAY_LEN(want));
    for (size_t i = 0; i < r->ntests; i++)
        assert_int_equal(r->tests[i].expect, want[i]);
    assert_string_equal(r->tests[0].now, "2026-08-02");
    assert_true(r->tests[2].fields[1].unknown);
    assert_int_equal(r->tests[3].nfields, 4); /* two tags */
    assert_string_equal(r->tests[3].other, "buying-signal");
    assert_string_equal(r->tests[5].other, "short-thanks");
}

static void test_model(void **state)
{
    (void)state;
    scoped(diags_done) struct diags d = DIAGS_INIT;
    scoped(ruleset_unrefp) struct ruleset *rs = load(DATA "good/everything.yaml", &d);
    diags_print(&d, stderr);
    assert_non_null(rs);
    assert_int_equal(d.count, 0);
    check_conditions(rs);
    check_nesting(rs);
    check_keys(rs);
    check_tests(rs);
}

/* ---- from kept bytes ------------------------------------------------------------------- */

static void test_kept_bytes(void **state)
{
    (void)state;
    scoped(diags_done) struct diags d = DIAGS_INIT;
    scoped(ruleset_unrefp) struct ruleset *rs = load(DATA "good/everything.yaml", &d);
    assert_int_equal(rs->nfiles, 2);
    struct rule_file moved[2] = { rs->files[1], rs->files[0] }; /* in any order */
    const struct rules_source src = { .now_ms = now_ms() };
    scoped(ruleset_unrefp) struct ruleset *again = rules_load_files(rs->files, 2, &src, &d);
    assert_non_null(again);
    assert_string_equal(again->version, rs->version);
    assert_int_equal(again->nrules, rs->nrules);
    scoped(ruleset_unrefp) struct ruleset *other = rules_load_files(moved, 2, &src, &d);
    assert_non_null(other);
    assert_null(rules_load_files(moved + 1, 1, &src, &d)); /* the list is missing */
}

/* ---- overrides, required guards ----------------------------------------------------------- */

static void test_overrides(void **state)
{
    (void)state;
    const char *path = DATA "good/everything.yaml";
    const struct rule_override fine[] = {
        { .rule = "out-of-office", .state = RULE_LIVE, .hold_ms = 1000, .max_per_hour = -1 },
        { .rule = "short-thanks", .state = RULE_OFF, .hold_ms = -1, .max_per_hour = 7 },
    };
    const char *guards[] = { "buying-signal" };
    struct rules_source src = { .paths = &path,
                                .npaths = 1,
                                .overrides = fine,
                                .noverrides = 2,
                                .require_guards = guards,
                                .nrequire_guards = 1,
                                .now_ms = now_ms() };
    scoped(diags_done) struct diags d = DIAGS_INIT;
    scoped(ruleset_unrefp) struct ruleset *plain = load(path, &d);
    scoped(ruleset_unrefp) struct ruleset *rs = rules_load(&src, false, &d);
    assert_non_null(rs);
    assert_string_not_equal(rs->version, plain->version);
    assert_int_equal(rule_of(rs, "out-of-office")->state, RULE_LIVE);
    assert_int_equal(rule_of(rs, "out-of-office")->hold_ms, 1000);
    assert_int_equal(rule_of(rs, "out-of-office")->max_per_hour, 500);
    assert_int_equal(rule_of(rs, "short-thanks")->state, RULE_OFF);
    assert_int_equal(rule_of(rs, "short-thanks")->max_per_hour, 7);
}

static void test_bad_overrides(void **state)
{
    (void)state;
    const char *path = DATA "good/everything.yaml";
    const struct rule_override bad[] = {
        { .rule = "out-of-ofice",
          .state = -1,
          .hold_ms = -1,
          .max_per_hour = -1,
          .place = { .file = "automark.yaml", .line = 7, .col = 3 } },
        { .rule = "buying-signal", .state = RULE_SHADOW, .hold_ms = -1, .max_per_hour = -1 },
    };
    const char *guards[] = { "legal-threat" };
    const struct rules_source src = { .paths = &path,
                                      .npaths = 1,
                                      .overrides = bad,
                                      .noverrides = 2,
                                      .require_guards = guards,
                                      .nrequire_guards = 1,
                                      .now_ms = now_ms() };
    scoped(diags_done) struct diags d = DIAGS_INIT;
    assert_null(rules_load(&src, false, &d));
    assert_int_equal(d.errors, 3);
    assert_string_equal(d.list[0].file, "automark.yaml");
    assert_non_null(strstr(d.list[0].msg, "did you mean 'out-of-office'?"));
    assert_non_null(strstr(d.list[1].msg, "only turn it off"));
    assert_non_null(strstr(d.list[2].msg, "legal-threat"));
}

/* ---- folders -------------------------------------------------------------------------------- */

static char folder[] = "/tmp/automark-rules-XXXXXX";

static void put(const char *name, const char *text)
{
    scoped(freep) char *path = xasprintf("%s/%s", folder, name);
    scoped(fclosep) FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
}

static void empty_folder(void)
{
    DIR *dir = opendir(folder);
    for (struct dirent *e; (e = readdir(dir));) {
        scoped(freep) char *path = xasprintf("%s/%s", folder, e->d_name);
        if (unlink(path) != 0)
            (void)rmdir(path);
    }
    closedir(dir);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int drop_folder(void **state)
{
    (void)state;
    empty_folder();
    return rmdir(folder);
}

#define RULE(name) "rules: [{name: " name ", when: {subject: x}}]\n"

static void test_order_and_ignored(void **state)
{
    (void)state;
    empty_folder();
    put("20-b.yaml", RULE("b"));
    put("10-a.yml", RULE("a"));
    put("Z.yaml", RULE("z"));
    put(".hidden.yaml", RULE("h"));
    put("10-a.yml~", RULE("h"));
    put("#10-a.yml#", RULE("h"));
    put("README.md", "words");
    put("a.test.yaml", "tests: []");
    scoped(freep) char *sub = xasprintf("%s/sub.yaml", folder);
    assert_int_equal(mkdir(sub, 0755), 0);

    const char *path = folder;
    const struct rules_source src = { .paths = &path, .npaths = 1 };
    scoped(diags_done) struct diags d = DIAGS_INIT;
    scoped(ruleset_unrefp) struct ruleset *rs = rules_load(&src, true, &d);
    assert_non_null(rs);
    assert_int_equal(rs->nrules, 3);
    assert_string_equal(rs->rules[0].name, "a");
    assert_string_equal(rs->rules[1].name, "b");
    assert_string_equal(rs->rules[2].name, "z");
    assert_int_equal(d.count, 5);
    assert_int_equal(d.warnings, 0); /* notes only */
}

static void test_definitions_reach_later_files(void **state)
{
    (void)state;
    empty_folder();
    put("10-a.yaml", "define: {day: 'mon|tues'}\n" RULE("a"));
    put("20-b.yaml", "rules: [{name: b, when: {subject: 'on (?&day)'}}]\n");
    scoped(diags_done) struct diags d = DIAGS_INIT;
    scoped(ruleset_unrefp) struct ruleset *rs = load(folder, &d);
    diags_print(&d, stderr);
    assert_non_null(rs);

    put("05-c.yaml", "rules: [{name: c, when: {subject: 'on (?&day)'}}]\n");
    assert_null(load(folder, &d)); /* an earlier file does not see it */
    assert_int_equal(d.errors, 1);

    empty_folder();
    put("10-a.yaml", "define: {day: 'mon|tues'}\n" RULE("a"));
    put("20-b.yaml", "define: {day: 'x'}\n" RULE("b"));
    assert_null(load(folder, &d));
    assert_int_equal(d.errors, 2);
}

static void test_names_over_files(void **state)
{
    (void)state;
    empty_folder();
    put("10-a.yaml", RULE("a"));
    put("20-b.yaml", RULE("a"));
    scoped(diags_done) struct diags d = DIAGS_INIT;
    assert_null(load(folder, &d));
    assert_int_equal(d.errors, 1);
    assert_non_null(strstr(d.list[0].msg, "10-a.yaml:1"));
}

static void chmod_in(const char *name, mode_t mode)
{
    scoped(freep) char *path = xasprintf("%s/%s", folder, name);
    assert_int_equal(chmod(path, mode), 0);
}

static void test_untrusted_files(void **state)
{
    (void)state;
    scoped(diags_done) struct diags d = DIAGS_INIT;
    empty_folder();
    put("a.yaml", RULE("a"));
    chmod_in("a.yaml", 0666);
    assert_null(load(folder, &d));
    assert_non_null(strstr(d.list[0].msg, "everyone may write"));
    chmod_in("a.yaml", 0644);
    chmod_in(".", 0777);
    assert_null(load(folder, &d));
    assert_non_null(strstr(d.list[1].msg, "everyone may write to this folder"));
    chmod_in(".", 0755);

    scoped(freep) char *fifo = xasprintf("%s/f.yaml", folder);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_null(load(folder, &d));
    assert_non_null(strstr(d.list[2].msg, "not a regular file"));
    assert_int_equal(unlink(fifo), 0);

    assert_int_equal(symlink("a.yaml", fifo), 0); /* links are normal; this one doubles a name */
    assert_null(load(folder, &d));
    assert_non_null(strstr(d.list[3].msg, "the name 'a' is taken"));
    assert_int_equal(unlink(fifo), 0);

    assert_int_equal(symlink("nowhere", fifo), 0);
    assert_null(load(folder, &d));
    assert_non_null(strstr(d.list[4].msg, "No such file"));
}

static void test_nothing_there(void **state)
{
    (void)state;
    scoped(diags_done) struct diags d = DIAGS_INIT;
    empty_folder();
    assert_null(load(folder, &d));
    assert_non_null(strstr(d.list[0].msg, "not a single rule"));
    assert_null(load("/tmp/automark-no-such-folder", &d));
    assert_int_equal(d.errors, 2);
    const char *path = folder;
    const struct rules_source src = { .paths = &path, .npaths = 1, .allow_empty = true };
    scoped(ruleset_unrefp) struct ruleset *rs = rules_load(&src, false, &d);
    assert_non_null(rs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_all_mistakes_of_a_folder),
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_kept_bytes),
        cmocka_unit_test(test_overrides),
        cmocka_unit_test(test_bad_overrides),
        cmocka_unit_test(test_order_and_ignored),
        cmocka_unit_test(test_definitions_reach_later_files),
        cmocka_unit_test(test_names_over_files),
        cmocka_unit_test(test_untrusted_files),
        cmocka_unit_test(test_nothing_there),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
