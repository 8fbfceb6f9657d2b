/* Adding to YAML text: every other byte stays, and what was written reads back the same. */
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
#include "base/utf8.h"
#include "base/yaml.h"
#include "base/yaml_edit.h"
#include "base/yaml_write.h"

static const char *const away[] = { "away" };
static const char *const tags[] = { "x", "y z" };
static const struct yaml_pair pairs[] = {
    { .key = "reply", .values = away, .nvalues = 1 },
    { .key = "tags", .values = tags, .nvalues = 2, .list = true, .word = true },
};
#define ITEM "{reply: 'away', tags: [x, 'y z']}"

/* The first map that has a key `name`, wherever it stands. */
static const struct yaml_node *first_rule(const struct yaml_node *n)
{
    const bool is_map = yaml_kind(n) == YAML_MAP;
    if (is_map && yaml_get(n, "name"))
        return n;
    for (size_t i = 0; i < yaml_count(n); i++) {
        const struct yaml_node *in = first_rule(is_map ? yaml_value(n, i) : yaml_item(n, i));
        if (in)
            return in;
    }
    return NULL;
}

/* Adds a test to the first rule, or to the root's tests. -1: refused. */
static int add(const char *text, struct buf *out, unsigned *line, struct error *err)
{
    scoped(diags_done) struct diags d = DIAGS_INIT;
    scoped(yaml_freep) struct yaml_doc *doc = yaml_parse("f.yaml", text, strlen(text), &d);
    if (!doc)
        return error_set(err, ERR_INPUT, "%s", d.list[0].msg);
    const struct yaml_node *rule = first_rule(yaml_root(doc));
    if (!rule)
        rule = yaml_root(doc);
    const struct yaml_node *tests = yaml_get(rule, "tests");
    return tests ? yaml_add_item(doc, tests, pairs, 2, out, line, err)
                 : yaml_add_list(doc, rule, "tests", pairs, 2, out, line, err);
}

/* before, what is added between, after; an addition in two places has a second one. */
static const struct {
    const char *name, *before, *added, *after, *added_too, *end;
    unsigned line;
} rows[] = {
    { "a block list of flow maps", "rules:\n  - name: a\n    tests:\n      - {reply: 'x'}\n",
      "      - " ITEM "\n", "", NULL, NULL, 5 },
    { "a comment behind the last item, one below, another rule",
      "rules:\n  - name: a\n    tests:\n      - {reply: 'x'}   # why\n", "      - " ITEM "\n",
      "      # below\n\n  - name: b\n", NULL, NULL, 5 },
    { "no line break at the end", "- name: a\n  tests:\n    - {reply: x}", "\n    - " ITEM, "",
      NULL, NULL, 4 },
    { "no line break at the end, behind a comment", "- name: a\n  tests:\n    - {reply: x} # c",
      "\n    - " ITEM, "", NULL, NULL, 4 },
    { "CR LF", "- name: a\r\n  tests:\r\n    - {reply: x}\r\n", "    - " ITEM "\r\n",
      "- name: b\r\n", NULL, NULL, 4 },
    { "a list not indented, wide dashes", "- name: a\n  tests:\n  -   {reply: x}\n",
      "  -   " ITEM "\n", "  when: z\n", NULL, NULL, 4 },
    { "block maps", "- name: a\n  tests:\n    - reply: x\n      expect: y # z\n",
      "    - reply: 'away'\n      tags: [x, 'y z']\n", "# end\n", NULL, NULL, 5 },
    { "block maps that end with a literal",
      "- name: a\n  tests:\n    - reply: |\n        x\n        y\n",
      "    - reply: 'away'\n      tags: [x, 'y z']\n", "\n- name: b\n", NULL, NULL, 6 },
    { "a literal that keeps its empty lines",
      "- name: a\n  tests:\n    - reply: |+\n        x\n\n\n",
      "    - reply: 'away'\n      tags: [x, 'y z']\n", "- name: b\n", NULL, NULL, 7 },
    { "a map over several lines",
      "- name: a\n  tests:\n    - {reply: x,\n       subject: 'a\n       b'}\n", "    - " ITEM "\n",
      "- name: b\n", NULL, NULL, 6 },
    { "a flow list", "- name: a\n  tests: [{reply: x}", ", " ITEM, "] # c\n", NULL, NULL, 2 },
    { "an empty flow list", "- name: a\n  tests: [", ITEM, "]\n", NULL, NULL, 2 },
    { "a flow list with a comma too many", "- name: a\n  tests: [{reply: x}", ", " ITEM, ", ]\n",
      NULL, NULL, 2 },
    { "a flow list over lines, comma", "- name: a\n  tests: [\n    {reply: x},  # c",
      "\n    " ITEM ",", "\n    ]\n", NULL, NULL, 4 },
    { "a flow list over lines, no comma", "- name: a\n  tests: [\n    {reply: x}", ",", "  # c, {",
      "\n    " ITEM, "\n    ]\n", 4 },
    { "a flow list over lines that closes at once", "- name: a\n  tests: [\n    {reply: '}'}",
      ", " ITEM, "]\n", NULL, NULL, 3 },
    { "a rule without tests", "rules:\n  - name: a\n    when: {reply: x} # c\n",
      "    tests:\n      - " ITEM "\n", "\n  # about b\n  - name: b\n", NULL, NULL, 5 },
    { "a rule without tests that ends the file",
      "- name: a\n  when:\n    all:\n      - x\n      - 'y'", "\n  tests:\n    - " ITEM, "", NULL,
      NULL, 7 },
    { "a rule without tests, plain text over lines",
      "- about: some\n    words\n  name: a b\n   c\n", "  tests:\n    - " ITEM "\n", "", NULL, NULL,
      6 },
    { "a rule without tests, folded", "- name: a\n  about: >-\n    some\n    words\n",
      "  tests:\n    - " ITEM "\n", "\n\n- name: b\n", NULL, NULL, 6 },
    { "a flow rule", "rules: [{name: a, when: {reply: x}", ", tests: [" ITEM "]", "}]\n", NULL,
      NULL, 1 },
    { "a test file", "# c\ntests:\n  - {reply: x, expect: a}\n", "  - " ITEM "\n", "# end", NULL,
      NULL, 4 },
    { "a byte order mark", "\xEF\xBB\xBFtests:\n- {reply: \"\xC3\xA4\"}\n", "- " ITEM "\n", "",
      NULL, NULL, 3 },
};

static void test_every_other_byte_stays(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        scoped(buf_free) struct buf text = BUF_INIT;
        scoped(buf_free) struct buf want = BUF_INIT;
        scoped(buf_free) struct buf got = BUF_INIT;
        struct error err = ERROR_INIT;
        unsigned line = 0;
        const char *too = rows[i].added_too ? rows[i].added_too : "";
        const char *end = rows[i].end ? rows[i].end : "";
        buf_printf(&text, "%s%s%s", rows[i].before, rows[i].after, end);
        buf_printf(&want, "%s%s%s%s%s", rows[i].before, rows[i].added, rows[i].after, too, end);
        if (add(buf_str(&text), &got, &line, &err) < 0)
            fail_msg("%s: %s", rows[i].name, err.msg);
        if (strcmp(buf_str(&got), buf_str(&want)) != 0)
            fail_msg("%s: got\n%s\nwant\n%s", rows[i].name, buf_str(&got), buf_str(&want));
        if (line != rows[i].line)
            fail_msg("%s: line %u, want %u", rows[i].name, line, rows[i].line);
    }
}

static const struct {
    const char *name, *text, *words;
} refusals[] = {
    { "a tab as indentation", "- name: a\n  tests:\n\t- {reply: x}\n", "tab" },
    { "a tab behind the dash", "- name: a\n  tests:\n    -\t{reply: x}\n", "not sure where" },
    { "a dash by itself", "- name: a\n  tests:\n    -\n      {reply: x}\n", "not sure where" },
    { "an item without a value", "- name: a\n  tests:\n    - reply:\n", "not sure where" },
    { "no list", "- name: a\n  tests: x\n", "not sure where" },
};

static void test_on_any_doubt_nothing_is_done(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        scoped(buf_free) struct buf got = BUF_INIT;
        struct error err = ERROR_INIT;
        unsigned line = 0;
        if (add(refusals[i].text, &got, &line, &err) == 0)
            fail_msg("%s: not refused, but\n%s", refusals[i].name, buf_str(&got));
        if (!strstr(err.msg, refusals[i].words))
            fail_msg("%s: %s", refusals[i].name, err.msg);
        assert_int_equal(got.len, 0);
    }
}

static const struct {
    const char *text, *want;
} texts[] = {
    { "", "''" },
    { "plain", "'plain'" },
    { "a: b # c", "'a: b # c'" },
    { "I'm away", "\"I'm away\"" },
    { "''", "\"''\"" },
    { "it's \"it\"", "'it''s \"it\"'" },
    { "two\nlines", "\"two\\nlines\"" },
    { "a\\b\n\"c\"\t", "\"a\\\\b\\n\\\"c\\\"\\t\"" },
    { " blanks ", "' blanks '" },
    { "\xC2\x85\xE2\x80\xA8\xEF\xBB\xBF", "\"\\x85\\u2028\\uFEFF\"" },
    { "no", "'no'" },
    { "Gr\xC3\xBC\xC3\x9F"
      "e",
      "'Gr\xC3\xBC\xC3\x9F"
      "e'" },
};

static void test_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        scoped(buf_free) struct buf out = BUF_INIT;
        yaml_write_text(&out, texts[i].text, strlen(texts[i].text));
        assert_string_equal(buf_str(&out), texts[i].want);
    }
}

static uint64_t seed;

static uint32_t below(uint32_t n)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % n;
}

/* Mostly what YAML gives a meaning, now and then any character at all. */
static void random_text(struct buf *out)
{
    static const char special[] = ":#'\"\\{}[],&*!|>%@`?-~= \n\t\r \n  a1.<^$()+/";
    const uint32_t len = below(24);
    for (uint32_t i = 0; i < len; i++) {
        if (below(8) > 0) {
            buf_putc(out, special[below(sizeof(special) - 1)]);
            continue;
        }
        uint32_t cp = below(2) ? 1 + below(0x2FFF) : 1 + below(0x10FFFF);
        if (cp >= 0xD800 && cp < 0xE000)
            cp = 0xFFFF;
        utf8_encode(out, cp);
    }
}

static void round_trip(const char *base, const char *text)
{
    const char *const values[] = { text }, *const list[] = { text, text };
    const struct yaml_pair p[] = {
        { .key = "reply", .values = values, .nvalues = 1 },
        { .key = text[0] ? text : "x", .values = values, .nvalues = 1, .word = true },
        { .key = "tags", .values = list, .nvalues = 2, .list = true },
    };
    scoped(diags_done) struct diags d = DIAGS_INIT;
    scoped(buf_free) struct buf out = BUF_INIT;
    struct error err = ERROR_INIT;
    unsigned line = 0;
    scoped(yaml_freep) struct yaml_doc *doc = yaml_parse("f.yaml", base, strlen(base), &d);
    assert_non_null(doc);
    if (strcmp(text, "reply") == 0 || strcmp(text, "tags") == 0)
        return;
    /* yaml_add_item() itself compares what is read with what was to be written */
    if (yaml_add_item(doc, yaml_get(yaml_root(doc), "tests"), p, 3, &out, &line, &err) < 0)
        fail_msg("'%s': %s\n(seed %llu)", text, err.msg, (unsigned long long)seed);
}

static void test_any_text_is_read_back(void **state)
{
    (void)state;
    const char *given = getenv("AUTOMARK_SEED");
    seed = given ? strtoull(given, NULL, 10) : 20260801;
    printf("seed %llu\n", (unsigned long long)seed);
    for (int i = 0; i < 20000; i++) {
        scoped(buf_free) struct buf text = BUF_INIT;
        random_text(&text);
        round_trip("tests:\n  - {reply: x}\n", buf_str(&text));
        round_trip("tests:\n  - reply: x\n", buf_str(&text));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_other_byte_stays),
        cmocka_unit_test(test_on_any_doubt_nothing_is_done),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_any_text_is_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
