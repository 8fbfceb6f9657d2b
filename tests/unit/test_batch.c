#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/batch.h"
#include "base/cleanup.h"
#include "base/utf8.h"

static struct job job(int64_t id, char *conversation)
{
    return (struct job){ .id = id, .conversation = conversation };
}

static void test_request_read(void **state)
{
    (void)state;
    char a[] = "664a1b2c3d4e5f6a7b8c9d0e", b[] = "b\"\\c";
    const struct job jobs[] = { job(1, a), job(2, b) };
    struct request r;
    request_read(&r, jobs, 1);
    assert_string_equal(r.method, "POST");
    assert_string_equal(r.path, "/v1/inbox/mark-read");
    assert_string_equal(r.body, "{\"conversationIds\":[\"664a1b2c3d4e5f6a7b8c9d0e\"]}");
    request_done(&r);
    request_read(&r, jobs, 2);
    assert_string_equal(r.body,
                        "{\"conversationIds\":[\"664a1b2c3d4e5f6a7b8c9d0e\",\"b\\\"\\\\c\"]}");
    request_done(&r);
}

static void test_request_unread(void **state)
{
    (void)state;
    static const struct {
        const char *id, *path;
    } rows[] = {
        { "664a1b", "/v1/inbox/664a1b" },
        { "a.b_c-d~e", "/v1/inbox/a.b_c-d~e" },
        { "..", "/v1/inbox/%2E%2E" },
        { "a/b?c#d%e", "/v1/inbox/a%2Fb%3Fc%23d%25e" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char id[32];
        snprintf(id, sizeof(id), "%s", rows[i].id);
        const struct job j = job(1, id);
        struct request r;
        request_unread(&r, &j);
        assert_string_equal(r.method, "PATCH");
        assert_string_equal(r.path, rows[i].path);
        assert_string_equal(r.body, "{\"isRead\":false}");
        request_done(&r);
    }
}

static void key_of(char out[40], const struct job *jobs, size_t n)
{
    struct request r;
    request_read(&r, jobs, n);
    snprintf(out, 40, "%s", r.idempotency);
    request_done(&r);
}

static void test_idempotency(void **state)
{
    (void)state;
    char a[] = "aa", b[] = "bb", first[40], other[40];
    const struct job two[] = { job(1, a), job(2, b) }, later[] = { job(3, a), job(4, b) };
    key_of(first, two, 2);
    assert_int_equal(strlen(first), 5 + 32);
    key_of(other, two, 2);
    assert_string_equal(first, other);
    key_of(other, two, 1);
    assert_string_not_equal(first, other);
    key_of(other, later, 2); /* the same conversations, another day */
    assert_string_not_equal(first, other);
}

static const struct {
    int status;
    const char *body;
    enum answer_kind kind;
    enum job_reach reach;
    int64_t modified;
    const char *words;
} answers[] = {
    { 200, "{\"success\":true,\"data\":{\"modified\":3}}", ANSWER_DONE, REACH_DONE, 3, "" },
    { 202, "{\"success\":true}", ANSWER_DONE, REACH_DONE, -1, "" },
    { 200, "{\"success\":true,\"data\":{\"modified\":\"3\"}}", ANSWER_DONE, REACH_DONE, -1, "" },
    { 200, "{\"success\":false,\"message\":\"not today\"}", ANSWER_AGAIN, REACH_UNKNOWN, -1,
      "HTTP 200: not today" },
    { 200, "{\"success\":\"true\"}", ANSWER_AGAIN, REACH_UNKNOWN, -1,
      "HTTP 200 without success:true" },
    { 200, "<html>hello</html>", ANSWER_AGAIN, REACH_UNKNOWN, -1,
      "HTTP 200 with a body that is not JSON" },
    { 200, "{\"success\":true", ANSWER_AGAIN, REACH_UNKNOWN, -1,
      "HTTP 200 with a body that is not JSON" },
    { 204, "", ANSWER_AGAIN, REACH_UNKNOWN, -1, "HTTP 204 with a body that is not JSON" },
    { 400, "{\"error\":\"Bad Request\",\"message\":\"Invalid conversation id\",\"code\":400}",
      ANSWER_REFUSED, REACH_NO, -1, "HTTP 400: Invalid conversation id" },
    { 404, "{\"error\":\"Not Found\"}", ANSWER_REFUSED, REACH_NO, -1, "HTTP 404: Not Found" },
    { 413, "too large", ANSWER_REFUSED, REACH_NO, -1, "HTTP 413" },
    { 422, "{\"error\":{\"message\":\"a\\u0000b\\nlevel=error\\u009b\\u001b[31m\"}}",
      ANSWER_REFUSED, REACH_NO, -1, "HTTP 422" },
    { 422, "{\"error\":{\"message\":\"a\\nlevel=error\\u009b\\u001b[31m\"}}", ANSWER_REFUSED,
      REACH_NO, -1, "HTTP 422: a level=error   [31m" },
    { 401, "{\"message\":\"Invalid API key\"}", ANSWER_STOP, REACH_NO, -1,
      "HTTP 401: Invalid API key" },
    { 403, "", ANSWER_STOP, REACH_NO, -1, "HTTP 403" },
    { 301, "", ANSWER_STOP, REACH_NO, -1, "HTTP 301" },
    { 405, "", ANSWER_STOP, REACH_NO, -1, "HTTP 405" },
    { 408, "", ANSWER_AGAIN, REACH_UNKNOWN, -1, "HTTP 408" },
    { 429, "{\"message\":\"slow down\"}", ANSWER_LIMITED, REACH_NO, -1, "HTTP 429: slow down" },
    { 500, "{\"success\":true}", ANSWER_AGAIN, REACH_UNKNOWN, -1, "HTTP 500" },
    { 502, "<html>", ANSWER_AGAIN, REACH_UNKNOWN, -1, "HTTP 502" },
};

static void test_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct answer a;
        answer_from_http(&a, answers[i].status, answers[i].body, strlen(answers[i].body));
        if (a.kind != answers[i].kind || a.reach != answers[i].reach ||
            a.modified != answers[i].modified || a.status != answers[i].status)
            fail_msg("%d %s: %s, reach %d, modified %lld", answers[i].status, answers[i].body,
                     answer_kind_name(a.kind), a.reach, (long long)a.modified);
        /* A NUL in a string makes json-c's wrapper refuse it, or the words be cut: both do. */
        if (!strstr(answers[i].body, "u0000"))
            assert_string_equal(a.words, answers[i].words);
    }
}

static void test_answer_bounds(void **state)
{
    (void)state;
    char body[4096] = "{\"message\":\"";
    for (int i = 0; i < 600; i++)
        memcpy(body + strlen(body), "é", 3);
    memcpy(body + strlen(body), "\"}", 3);
    struct answer a;
    answer_from_http(&a, 400, body, strlen(body));
    assert_true(strlen(a.words) <= 210 && strlen(a.words) > 200);
    assert_true(utf8_valid(a.words, strlen(a.words), NULL));
    char long_words[1000];
    memset(long_words, 'x', sizeof(long_words) - 1);
    long_words[sizeof(long_words) - 1] = '\0';
    answer_from_trouble(&a, true, long_words);
    assert_int_equal(strlen(a.words), ANSWER_WORDS - 1);
    assert_int_equal(a.reach, REACH_UNKNOWN);
    answer_from_trouble(&a, false, "x");
    assert_int_equal(a.reach, REACH_NO);
}

static void test_hide(void **state)
{
    (void)state;
    char body[] = "key sk_1 is bad: sk_1";
    answer_hide(body, strlen(body), "sk_1");
    assert_string_equal(body, "key **** is bad: ****");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_read),  cmocka_unit_test(test_request_unread),
        cmocka_unit_test(test_idempotency),   cmocka_unit_test(test_answers),
        cmocka_unit_test(test_answer_bounds), cmocka_unit_test(test_hide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
