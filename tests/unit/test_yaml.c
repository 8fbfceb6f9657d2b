#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/utf8.h"
#include "base/yaml.h"

static struct yaml_doc *parse(const char *text, struct diags *d)
{
    return yaml_parse("t.yaml", text, strlen(text), d);
}

static struct yaml_doc *parse_fine(const char *text)
{
    scoped(diags_done) struct diags d = DIAGS_INIT;
    struct yaml_doc *doc = parse(text, &d);
    if (!doc)
        fail_msg("%s\n%u:%u: %s", text, d.list[0].line, d.list[0].col, d.list[0].msg);
    return doc;
}

/* Each document is a map with the key k; where stands the value's character `what`? */
static const struct {
    const char *text, *value;
    char what;
    unsigned line, col;
} places[] = {
    { "k: plain teXt\n", "plain teXt", 'X', 1, 12 },
    { "k: x\n", "x", 'x', 1, 4 },
    { "k: 'it''s X'\n", "it's X", 'X', 1, 11 },
    { "k: '\xC3\xA9\xC3\xA9X'\n", "\xC3\xA9\xC3\xA9X", 'X', 1, 7 },
    { "k: \"a\\x41\\tX\"\n", "aA\tX", 'X', 1, 12 },
    { "k: \"a\\u00e9X\"\n", "a\xC3\xA9X", 'X', 1, 12 },
    { "k: \"a\\x58\"\n", "aX", 'X', 1, 6 },
    { "k: one\n  two\n\n  thXee\n", "one two\nthXee", 'X', 4, 5 },
    { "k: 'one  \n\n\n   twoX'\n", "one\n\ntwoX", 'X', 4, 7 },
    { "k: \"one\\\n     tXwo\"\n", "onetXwo", 'X', 2, 7 },
    { "k: \"one \\\n\n     tXwo\"\n", "one \ntXwo", 'X', 3, 7 },
    { "k: |\n  one\n   tXwo\n", "one\n tXwo\n", 'X', 3, 5 },
    { "k: |\n  Xone\n", "Xone\n", 'X', 2, 3 },
    { "k: |-\n\n\n  oXne\n\nz: 1\n", "\n\noXne", 'X', 4, 4 },
    { "k: |2\n   oneX\n", " oneX\n", 'X', 2, 7 },
    { "k: |+ # comment\n  one\n\n  X\n\n", "one\n\nX\n\n", 'X', 4, 3 },
    { "k: >\n  one\n  two\n\n  thrXee\n", "one two\nthrXee\n", 'X', 5, 6 },
    { "k: >-\n  one\n    more\n    even\n  X\n", "one\n  more\n  even\nX", 'X', 5, 3 },
    { "k: >-\n\n  one\n\n    more\n\n\n  X\n\n", "\none\n\n  more\n\n\nX", 'X', 8, 3 },
    { "k: |\r\n  one\r\n  X\r\n", "one\nX\n", 'X', 3, 3 },
    { "k: |\n  one\n  X", "one\nX\n", 'X', 3, 3 },
    { "\xEF\xBB\xBFk: X\n", "X", 'X', 1, 4 },
    { "# \xE2\x82\xAC\n# two\nk:   [a, b] \n", NULL, 0, 3, 6 },
    { "k: {a: 'X'}\n", NULL, 0, 1, 4 },
    { "k:\n  - a\n", NULL, 0, 2, 3 },
    { "k:\n  a: 1\n", NULL, 0, 2, 3 },
    { "z: 1\nk:\n", NULL, 0, 2, 1 },
};

static void test_places(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        scoped(yaml_freep) struct yaml_doc *doc = parse_fine(places[i].text);
        const struct yaml_node *n = yaml_get(yaml_root(doc), "k");
        unsigned line = 0;
        unsigned col = 0;
        if (places[i].value) {
            const char *value = yaml_str(n, NULL);
            if (strcmp(value, places[i].value) != 0)
                fail_msg("%s: value '%s'", places[i].text, value);
            yaml_place(n, (size_t)(strchr(value, places[i].what) - value), &line, &col);
        } else {
            yaml_start(n, &line, &col);
        }
        if (line != places[i].line || col != places[i].col)
            fail_msg("%s: got %u:%u, want %u:%u", places[i].text, line, col, places[i].line,
                     places[i].col);
    }
}

static const struct {
    const char *text;
    unsigned line, col;
    const char *words;
} mistakes[] = {
    { "a: \"x\n", 1, 4, "closing double quote" },
    { "a: 'x\n", 1, 4, "closing single quote" },
    { "a: [1, 2\n", 1, 4, "closing ]" },
    { "a: {b: [1, 2]\n", 1, 4, "closing }" },
    { "a: 1\n b: 2\n", 2, 2, "indentation" },
    { "a:\n\tb: 1\n", 2, 1, "tab" },
    { "a: &x 1\n", 1, 4, "anchors" },
    { "a: *x\n", 1, 4, "aliases" },
    { "a: !t x\n", 1, 4, "tags" },
    { "a: 1\nb: 2\na: 3\n", 3, 1, "twice in this map, first in line 1" },
    { "? [a]\n: b\n", 1, 3, "a key must be a name" },
    { "a: 1\n---\nb: 2\n", 2, 1, "second document" },
    { "a: [[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]\n", 1, 19, "nested more than 16" },
    { "a: {b: c\nd: e\n", 1, 4, "closing } is missing" },
    { "a: >\n  x\n  \ty\n", 2, 3, "begins with a tab" },
    { "a: 'x''''y'\n", 1, 5, "side by side" },
    { "a: \xFF\n", 1, 4, "not UTF-8" },
    { "a: \xC3\xBC\xFF\n", 1, 5, "not UTF-8" },
    { "a: \x01\n", 1, 4, "control character" },
    { "a: \"x\\0y\"\n", 1, 5, "NUL" },
    { "a: \"\\d\"\n", 1, 5, "single quotes" },
    { "a: @x\n", 1, 4, "use single quotes" },
    { "a: `x`\n", 1, 4, "use single quotes" },
    { "a: [a-z]+ x\n", 1, 4, "begins with [ or {" },
    { "a: re: x\n", 1, 6, "put the text in single quotes" },
    { "a: 'it's'\n", 1, 8, "written twice" },
    { "a:\n  - \"x\nb: 1\n", 2, 5, "closing double quote" },
    { "a: - x\n", 1, 4, "begins with - needs" },
    { "a: > x\n", 1, 4, "begins with > or |" },
    { "a: *\n", 1, 4, "begins with *" },
    { "a:b\nc: d\n", 1, 1, "blank is missing behind the colon of 'a:'" },
    { "a:\n  -b: c\n    d: e\n", 2, 3, "blank is missing behind this -" },
    { "a: ['x' 'y']\n", 1, 9, "comma is missing" },
    { "a: {b: 'can't'}\n", 1, 13, "written twice" },
    { "a: {b: \"say \"hi\"\"}\n", 1, 14, "written \\\"" },
    { "a: [b, c}\n", 1, 9, "this } cannot close the [ of line 1, column 4" },
    { "a: {b: c, d: e: f}\n", 1, 15, "make a key of what is before" },
    { "a:\n  - b: [c\n  - d: e\n", 2, 8, "closing ] is missing" },
    { "a:\xC2\xA0"
      "b\nc: d\n",
      1, 1, "no-break space" },
    { "a:\n  b: 1\n - c\n", 3, 2, "fits nowhere" },
    { "a: {b: c}}\n", 1, 10, "no opening one" },
    { "a: \"say \"hi\"\"\n", 1, 10, "written \\\"" },
    { "a: 'b',\n", 1, 7, "this , has no meaning here" },
    { "a: 'b' | 'c'\n", 1, 8, "one pair of single quotes" },
    { "a:\n  b: |\n    x\n   y\n", 4, 4, "fits nowhere" },
    { "a: 1\n<<<<<<< HEAD\nb: 2\n", 2, 1, "not merged" },
    { "a: 1\n: 2\n", 2, 1, "a key must be a name" },
    { "# some\n  words\n  about it\na: 1\n", 2, 3, "colon" },
    { "  - a: b\n     c d\ne:\n  - f\n", 2, 6, "or the # before a comment" },
    { "a: b\n  c\n  d: e\n", 3, 3, "colon" },
    { "a:\n  - b: 1\n    b: 2\n", 3, 5, "a new item of a list begins with a -" },
    { "a: [b, - c]\n", 1, 8, "a value was expected here" },
    { "a: 1\nb\nc: 2\n", 2, 1, "colon or an indentation" },
};

static void test_mistakes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(mistakes); i++) {
        scoped(diags_done) struct diags d = DIAGS_INIT;
        scoped(yaml_freep) struct yaml_doc *doc = parse(mistakes[i].text, &d);
        if (doc || d.count != 1)
            fail_msg("%s: %zu mistakes", mistakes[i].text, d.count);
        if (d.list[0].line != mistakes[i].line || d.list[0].col != mistakes[i].col ||
            !strstr(d.list[0].msg, mistakes[i].words))
            fail_msg("%s: got %u:%u: %s", mistakes[i].text, d.list[0].line, d.list[0].col,
                     d.list[0].msg);
    }
}

static void test_all_but_syntax_is_collected(void **state)
{
    (void)state;
    scoped(diags_done) struct diags d = DIAGS_INIT;
    scoped(yaml_freep) struct yaml_doc *doc =
        parse("a: &x 1\nb: [*x, !t 2]\nc: {d: 1, d: 2}\n", &d);
    assert_null(doc);
    assert_int_equal(d.errors, 4);
}

static void test_size(void **state)
{
    (void)state;
    scoped(buf_free) struct buf text = BUF_INIT;
    for (size_t i = 0; i < YAML_BYTES_MAX / 2; i++)
        buf_puts(&text, "#\n");
    scoped(diags_done) struct diags d = DIAGS_INIT;
    scoped(yaml_freep) struct yaml_doc *doc = yaml_parse("t", text.data, text.len, &d);
    assert_non_null(doc);
    assert_null(yaml_root(doc));
    buf_putc(&text, '\n');
    assert_null(yaml_parse("t", text.data, text.len, &d));
    assert_int_equal(d.errors, 1);
}

static void test_empty(void **state)
{
    (void)state;
    const char *const texts[] = { "", "\n", "# only a comment\n", "---\n", "~x" };
    for (size_t i = 0; i < ARRAY_LEN(texts) - 1; i++) {
        scoped(yaml_freep) struct yaml_doc *doc = parse_fine(texts[i]);
        assert_null(yaml_root(doc));
    }
    scoped(yaml_freep) struct yaml_doc *doc = parse_fine("a: ''\nb:\nc: ~\n");
    assert_int_equal(yaml_kind(yaml_get(yaml_root(doc), "a")), YAML_SCALAR);
    assert_int_equal(yaml_kind(yaml_get(yaml_root(doc), "b")), YAML_EMPTY);
    assert_string_equal(yaml_str(yaml_get(yaml_root(doc), "c"), NULL), "~");
    assert_null(yaml_get(yaml_root(doc), "d"));
}

static const struct {
    const char *text;
    bool follows;
} comments[] = {
    { "k: out of office #1\n", true },  { "k: plain\n", false },
    { "k: plain#1\n", false },          { "k: 'quoted' # fine\n", false },
    { "k: two\n  lines  # x\n", true }, { "k: plain\n# below\n", false },
};

static void test_comment_follows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(comments); i++) {
        scoped(yaml_freep) struct yaml_doc *doc = parse_fine(comments[i].text);
        if (yaml_comment_follows(yaml_get(yaml_root(doc), "k")) != comments[i].follows)
            fail_msg("%s", comments[i].text);
    }
}

static void test_diag_shows_the_line(void **state)
{
    (void)state;
    scoped(diags_done) struct diags d = DIAGS_INIT;
    scoped(yaml_freep) struct yaml_doc *doc = parse_fine("a: 1\nk: 'it''s (bad'\n");
    yaml_diag_at(&d, DIAG_WARNING, yaml_get(yaml_root(doc), "k"), 5, "what is %s", "this");
    assert_int_equal(d.warnings, 1);
    assert_int_equal(d.list[0].line, 2);
    assert_int_equal(d.list[0].col, 11);
    assert_string_equal(d.list[0].source, "k: 'it''s (bad'");
    assert_string_equal(d.list[0].msg, "what is this");
}

static void test_nearest(void **state)
{
    (void)state;
    const char *const names[] = { "subject", "reply", "max_per_hour", "then" };
    assert_string_equal(yaml_nearest("subjct", names, 4), "subject");
    assert_string_equal(yaml_nearest("Replay", names, 4), "reply");
    assert_string_equal(yaml_nearest("max-per-hour", names, 4), "max_per_hour");
    assert_string_equal(yaml_nearest("thne", names, 4), "then");
    assert_null(yaml_nearest("elephant", names, 4));
    assert_null(yaml_nearest("", names, 4));
}

/* ---- random documents: every letter of a value must be found in the file --- */

static uint64_t seed;

static unsigned dice(unsigned sides)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(seed >> 33) % sides;
}

static void word(struct buf *out)
{
    for (unsigned n = 1 + dice(4); n > 0; n--)
        buf_putc(out, (char)('a' + dice(26)));
}

static void quoted_text(struct buf *out, bool twice)
{
    for (unsigned n = 1 + dice(6); n > 0; n--) {
        word(out);
        switch (dice(7)) {
        case 0:
            buf_puts(out, "\n     ");
            break;
        case 1:
            buf_puts(out, " \t\n\n  \n  ");
            break;
        case 2:
            buf_puts(out, twice ? "\\x2e\\u00e9\\\\" : "''");
            break;
        case 3:
            buf_puts(out, twice ? " \\\n   " : "\xE2\x82\xAC");
            break;
        default:
            buf_puts(out, dice(2) ? "  " : " ");
            break;
        }
    }
    word(out);
}

static void block_text(struct buf *out)
{
    const unsigned indent = 1 + dice(4);
    const char *const chomp[] = { "", "-", "+" };
    buf_printf(out, "%c%s\n", dice(2) ? '|' : '>', chomp[dice(3)]);
    for (unsigned n = dice(3); n > 0; n--)
        buf_puts(out, "\n");
    for (unsigned lines = 1 + dice(7), i = 0; i < lines; i++) {
        buf_printf(out, "%*s", (int)indent, "");
        if (i > 0 && dice(4) == 0)
            buf_puts(out, "  ");
        word(out);
        buf_puts(out, " ");
        word(out);
        for (unsigned n = 1 + (dice(3) == 0 ? dice(3) : 0); n > 0; n--)
            buf_puts(out, "\n");
        if (dice(8) == 0)
            buf_printf(out, "%*s\n", (int)dice(indent + 1), "");
    }
}

static void document(struct buf *out)
{
    for (unsigned i = 0; i < 5; i++) {
        buf_printf(out, "k%u: ", i);
        const unsigned style = dice(4);
        if (style == 3) {
            block_text(out);
            continue;
        }
        const char *const quotes[] = { "", "'", "\"" };
        buf_puts(out, quotes[style]);
        if (style == 0) {
            for (unsigned n = 1 + dice(4); n > 0; n--) {
                word(out);
                buf_puts(out, dice(3) ? " " : "\n  ");
            }
            word(out);
        } else {
            quoted_text(out, style == 2);
        }
        buf_printf(out, "%s\n", quotes[style]);
    }
}

static char file_char(const char *text, unsigned line, unsigned col)
{
    for (unsigned l = 1; l < line; l++)
        text = strchr(text, '\n') + 1;
    for (unsigned c = 1; c < col; c++)
        text += utf8_decode(text, strlen(text), NULL);
    return *text;
}

static void check_letters(const char *text, const struct yaml_node *n, uint64_t began)
{
    size_t len = 0;
    const char *value = yaml_str(n, &len);
    for (size_t i = 0; i < len; i++) {
        unsigned line = 0;
        unsigned col = 0;
        if (value[i] < 'a' || value[i] > 'z')
            continue;
        yaml_place(n, i, &line, &col);
        if (file_char(text, line, col) != value[i])
            fail_msg("seed %llu, '%s' byte %zu placed at %u:%u in\n%s", (unsigned long long)began,
                     value, i, line, col, text);
    }
}

static void test_random_places(void **state)
{
    (void)state;
    const char *given = getenv("SEED");
    seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    for (int round = 0; round < 2000; round++) {
        const uint64_t began = seed;
        scoped(buf_free) struct buf text = BUF_INIT;
        document(&text);
        scoped(yaml_freep) struct yaml_doc *doc = parse_fine(buf_str(&text));
        for (size_t i = 0; i < yaml_count(yaml_root(doc)); i++)
            check_letters(buf_str(&text), yaml_value(yaml_root(doc), i), began);
    }
}

static void test_arena(void **state)
{
    (void)state;
    scoped(arena_freep) struct arena *a = arena_new();
    int *numbers = NULL;
    for (int i = 0; i < 5000; i++) {
        numbers = arena_grow(a, numbers, (size_t)i, sizeof(*numbers));
        numbers[i] = i;
    }
    for (int i = 0; i < 5000; i++)
        assert_int_equal(numbers[i], i);
    assert_string_equal(arena_text(a, "abc", 2), "ab");
    assert_null(arena_strdup(a, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_all_but_syntax_is_collected),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_comment_follows),
        cmocka_unit_test(test_diag_shows_the_line),
        cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_random_places),
        cmocka_unit_test(test_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
