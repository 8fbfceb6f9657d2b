#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/log.h"

/* What fn() writes to stderr, without the time, which differs each time. */
static void capture(struct buf *out, void (*fn)(void))
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    const int kept = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    fn();
    dup2(kept, STDERR_FILENO);
    close(kept);
    assert_int_equal(buf_read_fd(out, ends[0], 65536), 0);
    close(ends[0]);
}

static void hostile(void)
{
    log_info("job sent", LOG_STR("rule", "thanks"), LOG_STR("words", "a\nlevel=error \"x\"\x80"),
             LOG_STR("gone", NULL), LOG_INT("job", 412), LOG_BOOL("live", true));
}

static void test_logfmt(void **state)
{
    (void)state;
    scoped(buf_free) struct buf got = BUF_INIT;
    log_setup(LOG_LOGFMT, LOG_LEVEL_INFO);
    capture(&got, hostile);
    assert_string_equal(strchr(buf_str(&got), ' ') + 1,
                        "level=info msg=\"job sent\" rule=thanks "
                        "words=\"a\\nlevel=error \\\"x\\\"\\ufffd\" job=412 live=true\n");
}

static void test_json(void **state)
{
    (void)state;
    scoped(buf_free) struct buf got = BUF_INIT;
    log_setup(LOG_JSON, LOG_LEVEL_INFO);
    capture(&got, hostile);
    assert_string_equal(strchr(buf_str(&got), ',') + 1,
                        "\"level\":\"info\",\"msg\":\"job sent\",\"rule\":\"thanks\","
                        "\"words\":\"a\\nlevel=error \\\"x\\\"\\ufffd\",\"job\":412,"
                        "\"live\":true}\n");
}

static void quiet(void)
{
    log_debug("not heard");
}

static void test_level(void **state)
{
    (void)state;
    scoped(buf_free) struct buf got = BUF_INIT;
    log_setup(LOG_LOGFMT, LOG_LEVEL_INFO);
    capture(&got, quiet);
    assert_int_equal(got.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logfmt),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_level),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
