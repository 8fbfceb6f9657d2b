#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"

#define BYTES(s) s, sizeof(s) - 1

/* What must be refused, with what the message must say. The first block are bytes that
 * json-c's own strict mode lets pass. */
static const struct {
    const char *text;
    size_t len;
    const char *words;
} bad[] = {
    { BYTES("{\"a\":\"\xC0\x80\"}"), "offset 6: byte 0xC0 is not well formed UTF-8" },
    { BYTES("{\"a\":\"\xE0\x80\x80\"}"), "offset 6: byte 0xE0 is not well formed UTF-8" },
    { BYTES("{\"a\":\"\xED\xA0\x80\"}"), "offset 6: byte 0xED is not well formed UTF-8" },
    { BYTES("{\"a\":\"\xF4\x90\x80\x80\"}"), "offset 6: byte 0xF4 is not well formed UTF-8" },
    { BYTES("{\"\xFF\":1}"), "offset 2: byte 0xFF" },
    { BYTES("{\"id\":1,\"id\":2}"), "offset 8: duplicate key \"id\"" },
    { BYTES("{\"id\":1,\"\\u0069d\":2}"), "offset 8: duplicate key \"id\"" },
    { BYTES("{\"a\":{\"x\":1,\"y\":2,\"x\":3}}"), "offset 18: duplicate key \"x\"" },
    { BYTES("{\"id\\u0000x\":1}"), "offset 1: a key must not contain \\u0000" },
    { BYTES("{\"a\":NaN}"), "offset 5: NaN is no JSON number" },
    { BYTES("{\"a\":Infinity}"), "offset 5: Infinity is no JSON number" },
    { BYTES("{\"a\":-Infinity}"), "Infinity is no JSON number" },
    { BYTES("{\"a\":-01}"), "offset 5: a number must not begin with a superfluous 0" },
    { BYTES("{\"a\":01}"), "superfluous 0" },
    { BYTES("{\"a\":1.}"), "offset 5: a digit must follow the decimal point" },
    { BYTES("{\"a\":\"x\ny\"}"), "offset 7: a raw line break in a string: write \\n" },
    { BYTES("{\"a\":\"x\ty\"}"), "offset 7: the raw control character 0x09 in a string" },
    { BYTES("{\"a\":\"x\0y\"}"), "offset 7: the raw control character 0x00" },
    { BYTES("{'a':1}"), "offset 1: JSON strings stand in double quotes" },
    { BYTES("{\"a\":1}\0"), "offset 7: nothing may follow the value, but byte 0x00 does" },
    { BYTES("{\"a\":1}\0{}"), "offset 7: nothing may follow" },
    { BYTES("{\"a\":1e999}"), "offset 5: a number that is too large" },

    { BYTES(""), "offset 0: the text is empty" },
    { BYTES("  "), "offset 2: a value was expected, not the end of the text" },
    { BYTES("{"), "offset 1: a key in double quotes was expected, not the end of the text" },
    { BYTES("{\"a\""), "offset 4: ':' after the key was expected, not the end of the text" },
    { BYTES("{\"a\":"), "offset 5: a value was expected, not the end" },
    { BYTES("{\"a\":1"), "offset 6: ',' or '}' was expected, not the end" },
    { BYTES("{\"a\":\"x"), "offset 7: the text ends inside the string that begins at offset 5" },
    { BYTES("{\"a\":\"x\\"), "the text ends inside a string, after a backslash" },
    { BYTES("[1,2"), "',' or ']' was expected" },
    { BYTES("[1,]"), "offset 3: another value was expected (there is a comma too many)" },
    { BYTES("{\"a\":1,}"), "offset 7: another key (there is a comma too many)" },
    { BYTES("[1 2]"), "offset 3: ',' or ']' was expected, not '2'" },
    { BYTES("{\"a\":1 \"b\":2}"), "offset 7: ',' or '}' was expected" },
    { BYTES("{\"a\" 1}"), "offset 5: ':' after the key was expected, not '1'" },
    { BYTES("{a:1}"), "offset 1: a key in double quotes was expected, not 'a'" },
    { BYTES("{\"a\":1}}"), "offset 7: nothing may follow the value, but '}' does" },
    { BYTES("{\"a\":1} x"), "offset 8: nothing may follow" },
    { BYTES("{} {}"), "offset 3: nothing may follow" },
    { BYTES("not json"), "offset 0: a value was expected, not 'n'" },
    { BYTES("a=1&b=2"), "offset 0: a value was expected, not 'a'" },
    { BYTES("<xml/>"), "offset 0: a value was expected, not '<'" },
    { BYTES("{\"a\":True}"), "lower case" },
    { BYTES("{\"a\":None}"), "null is meant" },
    { BYTES("{\"a\":undefined}"), "null is meant" },
    { BYTES("{\"a\":1} // x"), "nothing may follow" },
    { BYTES("{/* x */\"a\":1}"), "JSON has no comments" },
    { BYTES("{\"a\":+1}"), "begins with a digit" },
    { BYTES("{\"a\":.5}"), "begins with a digit" },
    { BYTES("{\"a\":-}"), "a digit must follow '-'" },
    { BYTES("{\"a\":1e}"), "a digit must follow the exponent" },
    { BYTES("{\"a\":1e+}"), "a digit must follow the exponent" },
    { BYTES("{\"a\":0x10}"), "',' or '}' was expected, not 'x'" },
    { BYTES("{\"a\":tru}"), "offset 5: a value was expected" },
    { BYTES("{\"a\":truex}"), "offset 9: ',' or '}' was expected" },
    { BYTES("{\"a\":\"\\x41\"}"), "offset 6: a backslash before 'x' means nothing" },
    { BYTES("{\"a\":\"\\u12G4\"}"), "offset 6: \\u needs four hexadecimal digits" },
    { BYTES("{\"a\":\"\\u12\"}"), "\\u needs four hexadecimal digits" },
    { BYTES("{\"a\":\"\\uD83D\"}"), "offset 6: \\uD83D is the first half of a surrogate pair" },
    { BYTES("{\"a\":\"\\uD83Dx\"}"), "first half" },
    { BYTES("{\"a\":\"\\uD83D\\u0041\"}"), "first half" },
    { BYTES("{\"a\":\"\\uDE00\\uD83D\"}"), "offset 6: \\uDE00 is the second half" },
    { BYTES("\xEF\xBB\xBF{}"), "offset 0: a byte order mark is not allowed" },
    { BYTES("null"), "null stands there alone" },
    { BYTES("[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]"), "offset 16: nested more than 16 levels" },
};

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct error err = ERROR_INIT;
        struct json_object *v = json_parse(bad[i].text, bad[i].len, &err);
        if (v || !strstr(err.msg, bad[i].words) || strncmp(err.msg, "JSON offset ", 12) != 0)
            fail_msg("%s: got '%s', want '%s'", bad[i].text, err.msg, bad[i].words);
        assert_int_equal(err.kind, ERR_INPUT);
    }
}

static const struct {
    const char *text, *back;
} good[] = {
    { "{}", "{}" },
    { " \t\r\n[ ]\n", "[]" },
    { "[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]", "[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]" },
    { "17", "17" },
    { "-0", "0" },
    { "true", "true" },
    { "\"x\"", "\"x\"" },
    { "[0,-1,1.5,1e3,1E-2,0.0]", "[0,-1,1.5,1000,0.01,0]" },
    { "[9223372036854775807,-9223372036854775808,18446744073709551615]",
      "[9223372036854775807,-9223372036854775808,18446744073709551615]" },
    { "[true,false,null]", "[true,false,null]" },
    { "{\"a\":{\"x\":1},\"b\":{\"x\":1},\"x\":1}", "{\"a\":{\"x\":1},\"b\":{\"x\":1},\"x\":1}" },
    { "{\"\":1,\"a\":2}", "{\"\":1,\"a\":2}" },
    { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\"", "\"\\\"\\\\/\\b\\f\\n\\r\\tA\"" },
    { "\"\\uD83D\\ude00 \\u0000\\u001f\"", "\"\xF0\x9F\x98\x80 \\u0000\\u001f\"" },
    { "\"caf\xC3\xA9\"", "\"caf\xC3\xA9\"" },
};

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct error err = ERROR_INIT;
        scoped(buf_free) struct buf out = BUF_INIT;
        scoped(json_freep) struct json_object *v =
            json_parse(good[i].text, strlen(good[i].text), &err);
        if (!v)
            fail_msg("%s: %s", good[i].text, err.msg);
        json_write(&out, v, JSON_COMPACT);
        assert_string_equal(buf_str(&out), good[i].back);
    }
}

/* The text need not end with a NUL, and what is behind its end is never looked at. */
static void test_length(void **state)
{
    (void)state;
    const char text[] = "{\"a\":12345}";
    for (size_t len = 0; len < sizeof(text) - 1; len++) {
        char *exact = malloc(len ? len : 1);
        memcpy(exact, text, len);
        assert_null(json_parse(exact, len, NULL));
        free(exact);
    }
}

static void test_limits(void **state)
{
    (void)state;
    scoped(buf_free) struct buf text = BUF_INIT;
    struct error err = ERROR_INIT;
    buf_puts(&text, "[0");
    for (size_t i = 1; i < JSON_NODES_MAX - 1; i++)
        buf_puts(&text, ",0");
    buf_puts(&text, "]");
    struct json_object *v = json_parse(text.data, text.len, &err);
    assert_non_null(v);
    assert_int_equal(json_count(v), JSON_NODES_MAX - 1);
    json_free(v);
    buf_truncate(&text, text.len - 1);
    buf_puts(&text, ",{}]");
    assert_null(json_parse(text.data, text.len, &err));
    assert_non_null(strstr(err.msg, "more than 4096 values"));
    v = json_parse_max(text.data, text.len, JSON_NODES_MAX + 1, &err);
    assert_non_null(v);
    json_free(v);
}

/* A quadratic search for duplicates would take minutes here. */
static void test_many_keys(void **state)
{
    (void)state;
    scoped(buf_free) struct buf text = BUF_INIT;
    struct error err = ERROR_INIT;
    buf_puts(&text, "{\"k\":0");
    for (unsigned i = 0; i < 200000; i++)
        buf_printf(&text, ",\"k%u\":0", i);
    const int64_t start = clock_mono_ms();
    buf_puts(&text, "}");
    struct json_object *v = json_parse_max(text.data, text.len, 300000, &err);
    assert_non_null(v);
    json_free(v);
    buf_truncate(&text, text.len - 1);
    buf_puts(&text, ",\"k7\":1}");
    assert_null(json_parse_max(text.data, text.len, 300000, &err));
    assert_non_null(strstr(err.msg, "duplicate key \"k7\""));
    assert_true(clock_mono_ms() - start < 20000);
}

static const struct {
    const char *pointer, *want; /* want NULL: nothing there */
} pointers[] = {
    { "", "{" },
    { "/a", "1" },
    { "/b/0", "\"x\"" },
    { "/b/1/c", "true" },
    { "/b/2", NULL },
    { "/b/00", NULL },
    { "/b/-", NULL },
    { "/b/", NULL },
    { "/~1x", "2" },
    { "/~0y", "3" },
    { "/~01", "4" },
    { "/", "5" },
    { "/nothing", NULL },
    { "/zip", NULL },
    { "/a/b", NULL },
    { "a", NULL },
    { "/~2", NULL },
    { "/b/1/c/", NULL },
    { "/b/99999999999", NULL },
};

static void test_pointer(void **state)
{
    (void)state;
    const char text[] = "{\"a\":1,\"b\":[\"x\",{\"c\":true}],\"/x\":2,\"~y\":3,\"~1\":4,\"\":5,"
                        "\"zip\":null}";
    scoped(json_freep) struct json_object *v = json_parse(BYTES(text), NULL);
    assert_non_null(v);
    for (size_t i = 0; i < ARRAY_LEN(pointers); i++) {
        scoped(buf_free) struct buf out = BUF_INIT;
        const struct json_object *at = json_at(v, pointers[i].pointer);
        if (!at != !pointers[i].want)
            fail_msg("'%s': %s", pointers[i].pointer, at ? "something" : "nothing");
        if (!at)
            continue;
        json_write(&out, at, JSON_COMPACT);
        if (strncmp(buf_str(&out), pointers[i].want, strlen(pointers[i].want)) != 0)
            fail_msg("'%s': %s", pointers[i].pointer, buf_str(&out));
    }
    assert_true(json_pointer_valid("/a~0b"));
    assert_false(json_pointer_valid("a/b"));
    assert_false(json_pointer_valid("/a~"));
}

static void test_readers(void **state)
{
    (void)state;
    const char text[] = "{\"n\":5000000000,\"s\":\"12abc\",\"d\":1.0,\"max\":9223372036854775807,"
                        "\"big\":18446744073709551615,\"z\":\"a\\u0000b\",\"t\":true,\"nil\":null}";
    scoped(json_freep) struct json_object *v = json_parse(BYTES(text), NULL);
    int64_t n = 0;
    size_t len = 0;
    bool b = false;
    assert_true(json_int(json_get(v, "n"), &n));
    assert_int_equal(n, INT64_C(5000000000));
    assert_false(json_int(json_get(v, "s"), &n));
    assert_false(json_int(json_get(v, "d"), &n));
    assert_false(json_int(json_get(v, "max"), &n));
    assert_false(json_int(json_get(v, "big"), &n));
    assert_memory_equal(json_str(json_get(v, "z"), &len), "a\0b", 3);
    assert_int_equal(len, 3);
    assert_null(json_str(json_get(v, "n"), &len));
    assert_true(json_bool(json_get(v, "t"), &b) && b);
    assert_false(json_bool(json_get(v, "n"), &b));
    assert_null(json_get(v, "nil"));
    assert_null(json_get(NULL, "x"));
    assert_int_equal(json_kind(NULL), JSON_NULL);
    assert_int_equal(json_count(v), 0);
    assert_null(json_item(v, 0));
}

static void test_writing(void **state)
{
    (void)state;
    scoped(json_freep) struct json_object *o = json_new_object();
    struct json_object *list = json_new_array();
    json_put_str(o, "s", "a\"\n\xFF");
    json_put_str(o, "none", NULL);
    json_put_int(o, "n", -5);
    json_put_bool(o, "b", true);
    json_push_str(list, "x");
    json_push(list, json_new_object());
    json_put(o, "list", list);
    scoped(json_freep) struct json_object *copy = json_copy(o);
    json_put_int(o, "n", 6);

    scoped(buf_free) struct buf out = BUF_INIT;
    json_write(&out, copy, JSON_COMPACT);
    assert_string_equal(buf_str(&out), "{\"s\":\"a\\\"\\n\xEF\xBF\xBD\",\"none\":null,\"n\":-5,"
                                       "\"b\":true,\"list\":[\"x\",{}]}");
    buf_truncate(&out, 0);
    json_write(&out, json_get(copy, "list"), JSON_PRETTY);
    assert_string_equal(buf_str(&out), "[\n  \"x\",\n  {}\n]");
    buf_truncate(&out, 0);
    json_write_str(&out, "tab\there");
    assert_string_equal(buf_str(&out), "\"tab\\there\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad),       cmocka_unit_test(test_good),
        cmocka_unit_test(test_length),    cmocka_unit_test(test_limits),
        cmocka_unit_test(test_many_keys), cmocka_unit_test(test_pointer),
        cmocka_unit_test(test_readers),   cmocka_unit_test(test_writing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
