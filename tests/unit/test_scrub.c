/* What names a person goes, what rules match stays. */
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
#include "base/utf8.h"
#include "event/scrub.h"

/* Of everybody: Jonas Keller of Keller Maschinenbau GmbH answers Lena of ours. */
static struct scrub *knowing(void)
{
    struct scrub *s = scrub_new();
    scrub_learn_person(s, "Jonas Keller");
    scrub_learn_company(s, "Zollmann Maschinenbau GmbH");
    scrub_learn_address(s, SCRUB_LEAD, "jonas.keller@zollmann-mb.de");
    scrub_learn_address(s, SCRUB_OURS, "lena@outreach-firm.com");
    return s;
}

static const struct {
    const char *name, *text, *want;
} rows[] = {
    { "a German signature", "Mit freundlichen Grüßen\nJonas Keller\n+49 170 1234567",
      "Mit freundlichen Grüßen\nRobin Sander\n+12 345 6789012" },
    { "letter case", "JONAS KELLER, jonas keller, Jonas", "ROBIN SANDER, robin sander, Robin" },
    { "a genitive", "Kellers Büro", "Sanders Büro" },
    { "inside a word is no name", "Kellerei, Jonasson", "Kellerei, Jonasson" },
    { "a company, its form stays", "Zollmann Maschinenbau GmbH", "Norda Velta GmbH" },
    { "the lead's address", "Write to jonas.keller@zollmann-mb.de.",
      "Write to robin.sander@customer.example." },
    { "a host of the lead's, below", "mail@mx.zollmann-mb.de <www.zollmann-mb.de>",
      "mail@customer.example <www.customer.example>" },
    { "ours, and the name in it", "Hi Lena, you wrote as lena@outreach-firm.com",
      "Hi Kim, you wrote as kim@seller.example" },
    { "another's address gives a name, too", "Ask Anna Schmidt: anna.schmidt@other-firm.fr",
      "Ask Merten Toni: merten.toni@other.example" },
    { "roles and public hosts stay", "postmaster@gmail.com, info@zollmann-mb.de",
      "postmaster@gmail.com, info@customer.example" },
    { "a bounce", "<jonas.keller@zollmann-mb.de>: 550 5.1.1 User unknown (in reply to RCPT TO)",
      "<robin.sander@customer.example>: 550 5.1.1 User unknown (in reply to RCPT TO)" },
    { "a bounce in brackets", "(550 5.7.133 access denied (AS 4.4.316))",
      "(550 5.7.133 access denied (AS 4.4.316))" },
    { "a host before another script's full stop", "请写信至info@foo.cn。谢谢",
      "请写信至info@other.example。谢谢" },
    { "a telephone behind another script", "电话13812345678,", "电话12345678901," },
    { "a name without closing words", "No need.\n\nEleanor", "No need.\n\nMerten" },
    { "the last word is no name", "No need.\nSTOP", "No need.\nSTOP" },
    { "nor is the only one", "Abmelden", "Abmelden" },
    { "a device is nobody", "Cheers,\nGet Outlook for iOS", "Cheers,\nGet Outlook for iOS" },
    { "a link", "See https://zollmann-mb.de/team/jonas?x=1.", "See https://customer.example/x." },
    { "a link that many use", "Book: https://calendly.com/jkeller/30min",
      "Book: https://calendly.com/x" },
    { "an unknown host", "(http://foo.bar.io) and baz.com",
      "(http://other.example) and other2.example" },
    { "no host", "e.g. this.that, Node.js, 3.5 and i.d.R.",
      "e.g. this.that, Node.js, 3.5 and i.d.R." },
    { "telephones", "Tel: 030/1234567, (212) 555-0199, +1 (415) 555.2671",
      "Tel: 012/3456789, (123) 456-7890, +1 (234) 567.8901" },
    { "dates and times stay", "01.08.-14.08.2026, 2026-08-03 10:00, 8/14/26, 24.12., 10:30-17:00",
      "01.08.-14.08.2026, 2026-08-03 10:00, 8/14/26, 24.12., 10:30-17:00" },
    { "a range of days", "vom 10.-14.08.2026 im Urlaub", "vom 10.-14.08.2026 im Urlaub" },
    { "weekdays and short numbers stay", "Back on Monday 20 July 2026, 24/7, 3-4 weeks, 2025-2026",
      "Back on Monday 20 July 2026, 24/7, 3-4 weeks, 2025-2026" },
    { "long numbers", "Order 4500123987, 80331 Munich", "Order 1234567890, 12345 Munich" },
    { "ids", "[CASE-48213] a1b2c3d4e5f6a7b8", "[CASE-12345] x1x2x3x4x5x6x7x8" },
    { "no ids", "COVID-19, Q3, B2B, 15th, H1-2026, ISO9001",
      "COVID-19, Q3, B2B, 15th, H1-2026, ISO9001" },
    { "an ip address", "from [192.168.10.25]", "from [123.456.78.90]" },
    { "a greeting", "Dear Mr. Brubaker,\nBrubaker said no.", "Dear Mr. Merten,\nMerten said no." },
    { "a greeting of nobody", "Dear Customer,\nHello there,\nHi all",
      "Dear Customer,\nHello there,\nHi all" },
    { "French", "Bonjour Mme Lefebvre,\nje suis absent.\nCordialement,\nÉlodie Marchand",
      "Bonjour Mme Merten,\nje suis absent.\nCordialement,\nToni Falk" },
    { "Spanish, in one line", "No, gracias.\nUn saludo, Íñigo", "No, gracias.\nUn saludo, Merten" },
    { "Russian", "Здравствуйте, я в отпуске.\nС уважением,\nИван ПЕТРОВ",
      "Здравствуйте, я в отпуске.\nС уважением,\nЛапин ВАЛЯ" },
    { "words that are names, too", "Will Stone will call. Will you?\n\nBest,\nWill Stone",
      "Merten Toni will call. Will you?\n\nBest,\nMerten Toni" },
    { "closing words and then a sentence", "Thanks,\nPlease remove me",
      "Thanks,\nPlease remove me" },
    { "punctuation and lines stay", "!?\n\n- a,  b;\n\t\"c\"", "!?\n\n- a,  b;\n\t\"c\"" },
    { "nothing", "", "" },
};

static void test_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        scoped(scrub_freep) struct scrub *s = knowing();
        scoped(buf_free) struct buf out = BUF_INIT;
        scrub_learn_text(s, rows[i].text);
        scrub_text(s, &out, rows[i].text, strlen(rows[i].text));
        if (strcmp(buf_str(&out), rows[i].want) != 0)
            fail_msg("%s: got '%s', want '%s'", rows[i].name, buf_str(&out), rows[i].want);
    }
}

/* What is kept stays, and only that. */
static const struct {
    const char *keep, *want;
} keeps[] = {
    { "jonas", "Jonas Sander robin.sander@customer.example/x 0123456" },
    { "ZOLLMANN-MB.DE", "Robin Sander robin.sander@zollmann-mb.de/x 0123456" },
    { "jonas.keller", "Robin Sander jonas.keller@customer.example/x 0123456" },
    { "0987654", "Robin Sander robin.sander@customer.example/x 0987654" },
};

static void test_kept_words(void **state)
{
    (void)state;
    static const char text[] = "Jonas Keller jonas.keller@zollmann-mb.de/x 0987654";
    for (size_t i = 0; i < ARRAY_LEN(keeps); i++) {
        scoped(scrub_freep) struct scrub *s = knowing();
        scoped(buf_free) struct buf out = BUF_INIT;
        scrub_keep(s, keeps[i].keep);
        scrub_text(s, &out, text, strlen(text));
        if (i == 0) /* the mailbox has the name in it: it is the whole that counts there */
            assert_non_null(strstr(buf_str(&out), "Jonas Sander "));
        else
            assert_string_equal(buf_str(&out), keeps[i].want);
    }
}

static void test_signature(void **state)
{
    (void)state;
    static const char text[] = "-- \nAda Brightwater\nHead of Sales\nOrbitalis Foods Ltd.\n"
                               "ada@orbitalis.com | +44 20 7946 0018";
    scoped(scrub_freep) struct scrub *s = scrub_new();
    scoped(buf_free) struct buf out = BUF_INIT;
    scrub_learn_signature(s, text);
    scrub_text(s, &out, text, strlen(text));
    assert_string_equal(buf_str(&out), "-- \nRobin Sander\nHead of Sales\nNorda Velta Ltd.\n"
                                       "robin@other.example | +12 34 5678 9012");
}

static void test_changes_are_told_once(void **state)
{
    (void)state;
    static const char text[] = "Jonas, Jonas: 87654321, 12345678";
    scoped(scrub_freep) struct scrub *s = knowing();
    scoped(buf_free) struct buf out = BUF_INIT;
    scrub_text(s, &out, text, strlen(text));
    size_t n = 0;
    const struct scrub_change *c = scrub_changes(s, &n);
    assert_int_equal(n, 2);
    assert_string_equal(c[0].from, "Jonas");
    assert_string_equal(c[0].to, "Robin");
    assert_string_equal(c[0].what, "name");
}

/* What was scrubbed once has nothing left to scrub, but for digits, which stay digits. */
static void test_scrubbed_text_is_clean(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        scoped(scrub_freep) struct scrub *s = knowing();
        scoped(buf_free) struct buf out = BUF_INIT;
        scrub_learn_text(s, rows[i].text);
        scrub_text(s, &out, rows[i].text, strlen(rows[i].text));
        assert_null(strstr(buf_str(&out), "onas "));
        assert_null(strstr(buf_str(&out), "zollmann"));
        assert_true(utf8_valid(buf_str(&out), out.len, NULL));
    }
}

/* Any text at all: no crash, valid UTF-8; what takes more than time in proportion to the
 * text does not end before the runner's limit. */
static void test_any_text(void **state)
{
    (void)state;
    static const char *const bits[] = { "a",    "Jonas ", "@",    ".",       "1",     "+",
                                        "(",    "://",    "www.", "\n",      "é",     "山",
                                        " ",    "-",      "Hi ",  "Best,\n", "Will ", "s",
                                        "x.de", "é.",     "_",    "99/",     "s " };
    uint64_t seed = 7;
    for (int round = 0; round < 3000; round++) {
        scoped(scrub_freep) struct scrub *s = knowing();
        scoped(buf_free) struct buf text = BUF_INIT;
        scoped(buf_free) struct buf out = BUF_INIT;
        for (int i = 0; i < 40; i++) {
            seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            buf_puts(&text, bits[(seed >> 33) % ARRAY_LEN(bits)]);
        }
        scrub_learn_text(s, buf_str(&text));
        scrub_learn_signature(s, buf_str(&text));
        scrub_text(s, &out, buf_str(&text), text.len);
        assert_true(utf8_valid(buf_str(&out), out.len, NULL));
    }
    for (size_t b = 0; b < ARRAY_LEN(bits); b++) {
        scoped(scrub_freep) struct scrub *s = knowing();
        scoped(buf_free) struct buf text = BUF_INIT;
        scoped(buf_free) struct buf out = BUF_INIT;
        while (text.len < 262144)
            buf_puts(&text, bits[b]);
        scrub_learn_signature(s, buf_str(&text));
        scrub_text(s, &out, buf_str(&text), text.len);
        assert_true(utf8_valid(buf_str(&out), out.len, NULL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_kept_words),
        cmocka_unit_test(test_signature),
        cmocka_unit_test(test_changes_are_told_once),
        cmocka_unit_test(test_scrubbed_text_is_clean),
        cmocka_unit_test(test_any_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
