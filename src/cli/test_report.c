#include "cli/test_report.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "cli/cli.h"

bool test_format_read(const char *word, enum test_format *out)
{
    static const char *const names[] = { "text", "tap", "junit", "json" };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(names[i], word) == 0) {
            *out = (enum test_format)i;
            return true;
        }
    }
    return false;
}

static const char *rule_name(const struct test_result *r)
{
    if (r->own)
        return r->own->name;
    if (r->test->other)
        return r->test->other;
    return r->test->expect == EXPECT_KEPT ? "keep" : "no-match";
}

/* "acme: " in front of everything that is said of a workspace's rules. */
static void print_workspace(const struct test_result *r)
{
    if (r->workspace)
        printf("%s: ", r->workspace);
}

bool test_coverage_too_low(const struct test_results *t)
{
    return t->coverage && t->coverage->percent < t->min_coverage;
}

static void print_coverage(const struct test_results *t, const char *mark)
{
    static const char *const kinds[] = { "rules", "conditions", "alternatives" };
    const struct coverage_report *r = t->coverage;
    if (!t->coverage)
        return;
    for (size_t i = 0; i < r->ngaps; i++)
        printf("%s%s:%u:%u: untested: %s\n", mark, r->gaps[i].place.file, r->gaps[i].place.line,
               r->gaps[i].place.col, r->gaps[i].what);
    printf("%scoverage %u %%:", mark, r->percent);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        printf("%s %zu of %zu %s", i > 0 ? "," : "", r->of[i].covered, r->of[i].total, kinds[i]);
    putchar('\n');
    if (test_coverage_too_low(t))
        printf("%scoverage is below --min-coverage %u\n", mark, t->min_coverage);
}

static void print_text(const struct test_results *t)
{
    for (size_t i = 0; i < t->count; i++) {
        const struct test_result *r = &t->list[i];
        if (r->passed)
            continue;
        print_workspace(r);
        printf("%s:%u:%u: failed: %s: expected %s; got %s\n", r->test->place.file,
               r->test->place.line, r->test->place.col, rule_name(r), r->expected, r->got);
    }
    if (t->count == 0)
        printf("no tests%s%s\n", t->filter ? " that fit --filter " : "",
               t->filter ? t->filter : "");
    else if (t->failed > 0)
        printf("%zu of %zu tests failed\n", t->failed, t->count);
    else
        printf("%zu test%s passed (%lld ms)\n", t->count, t->count == 1 ? "" : "s",
               (long long)t->took_ms);
    print_coverage(t, "");
}

static void print_tap(const struct test_results *t)
{
    printf("TAP version 13\n1..%zu\n", t->count);
    for (size_t i = 0; i < t->count; i++) {
        const struct test_result *r = &t->list[i];
        printf("%sok %zu - ", r->passed ? "" : "not ", i + 1);
        print_workspace(r);
        printf("%s %s:%u:%u\n", rule_name(r), r->test->place.file, r->test->place.line,
               r->test->place.col);
        if (!r->passed)
            printf("# expected %s\n# got %s\n", r->expected, r->got);
    }
    print_coverage(t, "# ");
}

/* XML 1.0, attribute values; control characters are not allowed even as references. */
static void put_xml(const char *s)
{
    for (; *s; s++) {
        if (*s == '&')
            fputs("&amp;", stdout);
        else if (*s == '<')
            fputs("&lt;", stdout);
        else if (*s == '"')
            fputs("&quot;", stdout);
        else if ((unsigned char)*s < 0x20)
            fputs(*s == '\n' || *s == '\t' ? " " : "?", stdout);
        else
            putchar(*s);
    }
}

static void print_junit_case(const struct test_result *r)
{
    fputs("  <testcase classname=\"", stdout);
    if (r->workspace) {
        put_xml(r->workspace);
        putchar('.');
    }
    put_xml(rule_name(r));
    fputs("\" name=\"", stdout);
    put_xml(r->test->place.file);
    printf(":%u:%u\"", r->test->place.line, r->test->place.col);
    if (r->passed) {
        puts("/>");
        return;
    }
    fputs("><failure message=\"expected ", stdout);
    put_xml(r->expected);
    fputs("; got ", stdout);
    put_xml(r->got);
    puts("\"/></testcase>");
}

static void print_junit(const struct test_results *t)
{
    printf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
           "<testsuite name=\"automark\" tests=\"%zu\" failures=\"%zu\" errors=\"0\">\n",
           t->count, t->failed);
    for (size_t i = 0; i < t->count; i++)
        print_junit_case(&t->list[i]);
    puts("</testsuite>");
}

static struct json_object *result_json(const struct test_result *r)
{
    struct json_object *o = json_new_object();
    if (r->workspace)
        json_put_str(o, "workspace", r->workspace);
    json_put_str(o, "rule", rule_name(r));
    json_put_str(o, "file", r->test->place.file);
    json_put_int(o, "line", r->test->place.line);
    json_put_int(o, "col", r->test->place.col);
    json_put_bool(o, "passed", r->passed);
    if (!r->passed) {
        json_put_str(o, "expected", r->expected);
        json_put_str(o, "got", r->got);
    }
    return o;
}

static struct json_object *coverage_json(const struct coverage_report *r)
{
    static const char *const kinds[] = { "rules", "conditions", "alternatives" };
    struct json_object *o = json_new_object();
    struct json_object *gaps = json_new_array();
    json_put_int(o, "percent", r->percent);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct json_object *k = json_new_object();
        json_put_int(k, "covered", (int64_t)r->of[i].covered);
        json_put_int(k, "total", (int64_t)r->of[i].total);
        json_put(o, kinds[i], k);
    }
    for (size_t i = 0; i < r->ngaps; i++) {
        struct json_object *g = json_new_object();
        if (r->gaps[i].rule)
            json_put_str(g, "rule", r->gaps[i].rule->name);
        else
            json_put_str(g, "group", r->gaps[i].group->name);
        json_put_str(g, "file", r->gaps[i].place.file);
        json_put_int(g, "line", r->gaps[i].place.line);
        json_put_int(g, "col", r->gaps[i].place.col);
        json_put_str(g, "untested", r->gaps[i].what);
        json_push(gaps, g);
    }
    json_put(o, "untested", gaps);
    return o;
}

static void print_json(const struct test_results *t)
{
    scoped(json_freep) struct json_object *o = json_new_object();
    struct json_object *list = json_new_array();
    json_put_int(o, "tests", (int64_t)t->count);
    json_put_int(o, "failed", (int64_t)t->failed);
    for (size_t i = 0; i < t->count; i++)
        json_push(list, result_json(&t->list[i]));
    json_put(o, "results", list);
    if (t->coverage)
        json_put(o, "coverage", coverage_json(t->coverage));
    cli_print_json(o);
}

void test_report(enum test_format format, const struct test_results *t)
{
    static void (*const printers[])(const struct test_results *) = { print_text, print_tap,
                                                                     print_junit, print_json };
    printers[format](t);
}
