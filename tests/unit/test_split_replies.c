/* Mails of many programs and languages, from tests/data/replies; and a search for leaks:
 * small print below the original must never show in the reply, whatever the program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "event/text.h"

/* ---- the data ---- */

struct entry {
    char *name, *text;
};

struct entries {
    struct entry list[600];
    size_t count;
    char *file;
};

static char *read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("%s: cannot be opened", path);
    struct buf b = BUF_INIT;
    char piece[4096];
    for (size_t n = 0; f && (n = fread(piece, 1, sizeof(piece), f)) > 0;)
        buf_append(&b, piece, n);
    if (f)
        fclose(f);
    buf_putc(&b, '\0');
    return b.data;
}

static void strip_newlines(char *s)
{
    size_t n = strlen(s);
    while (n > 0 && s[n - 1] == '\n')
        s[--n] = '\0';
}

/* Blocks that begin with "== name". */
static void read_entries(struct entries *e, const char *name)
{
    scoped(freep) char *path = xasprintf("%s/replies/%s", TEST_DATA, name);
    e->file = read_file(path);
    e->count = 0;
    for (char *at = strstr(e->file, "\n== "); at; at = strstr(at, "\n== ")) {
        *at = '\0';
        at += 4;
        char *end = strchr(at, '\n');
        if (!end || e->count == ARRAY_LEN(e->list)) {
            fail_msg("%s: an entry has no text, or there are too many", path);
            return;
        }
        *end = '\0';
        e->list[e->count++] = (struct entry){ at, end + 1 };
        *end = '\0';
        at = end + 1;
    }
    for (size_t i = 0; i < e->count; i++)
        strip_newlines(e->list[i].text);
    assert_in_range(e->count, 1, ARRAY_LEN(e->list));
}

static void free_entries(struct entries *e)
{
    free(e->file);
}

/* ---- one mail ---- */

static char *reply_of(const char *mail, enum text_kind kind)
{
    scoped(reply_text_done) struct reply_text t = REPLY_TEXT_INIT;
    reply_text_prepare(&t, mail, strlen(mail), kind, NULL);
    return xstrdup(buf_str(&t.reply));
}

static void check(const char *name, const char *mail, enum text_kind kind, const char *want)
{
    scoped(freep) char *got = reply_of(mail, kind);
    if (strcmp(got, want) != 0)
        fail_msg("%s: reply is '%s', want '%s', of:\n%s", name, got, want, mail);
}

/* Mail and expectation, parted by "=>". */
static void check_mails(const char *file, enum text_kind kind)
{
    struct entries e;
    read_entries(&e, file);
    for (size_t i = 0; i < e.count; i++) {
        char *arrow = strstr(e.list[i].text, "\n=>");
        if (!arrow) {
            fail_msg("%s: no =>", e.list[i].name);
            continue;
        }
        *arrow = '\0';
        const char *want = arrow[3] ? arrow + 4 : "";
        check(e.list[i].name, e.list[i].text, kind, want);
    }
    free_entries(&e);
}

static void test_plain(void **state)
{
    (void)state;
    check_mails("plain.txt", TEXT_PLAIN);
}

static void test_html(void **state)
{
    (void)state;
    check_mails("html.txt", TEXT_HTML);
}

static void test_devices(void **state)
{
    (void)state;
    scoped(freep) char *path = xasprintf("%s/replies/devices.txt", TEST_DATA);
    scoped(freep) char *file = read_file(path);
    char *save = NULL;
    for (char *l = strtok_r(file, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
        if (*l == '#')
            continue;
        scoped(freep) char *mail = xasprintf("Yes, call me.\n\n%s\n", l);
        check(l, mail, TEXT_PLAIN, "Yes, call me.");
    }
}

/* ---- marks of the original, with all around them ---- */

static const char *const originals[] = { "attributions.txt", "blocks.txt" };

static const char *const own[] = {
    "Yes, call me.",
    "Thanks, that works for us.\nPlease send the contract.\n\nAlan",
    "No.\n\n- too late\n- too much\n\nBest regards\nAlan Turing",
    "Danke, passt.\n\nAlan",
    "好的",
};

static const char *const bodies[] = {
    "Hi Alan,\n\nshall we talk?\n\nGrace",
    "Hi Alan,\nthe price is ten.\n\n- first\n- second\n\n-- \nGrace Hopper\nNavy Ltd",
    "Dear Alan, a short question: who decides?\n\nOn Monday I wrote to Joan.",
    "Hallo Alan,\n\nam 5. Mai um 10:30 schrieb ich Ihnen.\n\nGrace",
};

/* None of the words above has it, so "unsubscribe" in a reply is a leak. */
static const char *const prints[] = {
    "To unsubscribe from these mails, click here.",
    "unsubscribe",
    "Unsubscribe: https://navy.example/unsubscribe",
    "Not for you? Reply \"remove me\" (unsubscribe).",
    "If you'd rather not hear from me, let me know. unsubscribe",
    "Navy Ltd, 1 Main Street | unsubscribe | Privacy",
    "<https://navy.example/unsubscribe>",
};

static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

#define PICK(list, seed) ((list)[next_random(seed) % ARRAY_LEN(list)])

static uint32_t first_seed(void)
{
    const char *given = getenv("SEED");
    uint32_t seed =
        given ? (uint32_t)strtoul(given, NULL, 10) : (uint32_t)(uintptr_t)&given * 2654435761u;
    seed |= 1u;
    print_message("seed %u (SEED=%u runs it again)\n", seed, seed);
    return seed;
}

enum style { STYLE_BARE, STYLE_TIGHT, STYLE_QUOTED, STYLE_ALL_QUOTED, STYLE_CRLF, STYLES };

static void put_lines(struct buf *b, const char *text, const char *before)
{
    for (const char *at = text; *at;) {
        const size_t n = strcspn(at, "\n");
        buf_puts(b, before);
        buf_append(b, at, n);
        buf_putc(b, '\n');
        at += n + (at[n] == '\n');
    }
}

static void put_original(struct buf *b, const char *mark, const char *body, const char *print,
                         enum style style)
{
    const char *quote = style == STYLE_QUOTED || style == STYLE_ALL_QUOTED ? "> " : "";
    put_lines(b, mark, style == STYLE_ALL_QUOTED ? "> " : "");
    if (style != STYLE_TIGHT)
        put_lines(b, "\n", style == STYLE_ALL_QUOTED ? "> " : "");
    put_lines(b, body, quote);
    put_lines(b, "\n", quote);
    put_lines(b, print, quote);
}

static void use_crlf(struct buf *b)
{
    scoped(buf_free) struct buf copy = *b;
    *b = (struct buf)BUF_INIT;
    for (size_t i = 0; i < copy.len; i++) {
        if (copy.data[i] == '\n')
            buf_putc(b, '\r');
        buf_putc(b, copy.data[i]);
    }
}

static void put_html(struct buf *b, const char *text)
{
    buf_puts(b, "<div>");
    for (; *text; text++) {
        if (*text == '\n')
            buf_puts(b, text[1] == '\n' ? "</div><div><br>" : "</div><div>");
        else if (*text == '<' || *text == '>' || *text == '&')
            buf_puts(b, *text == '<' ? "&lt;" : *text == '>' ? "&gt;" : "&amp;");
        else
            buf_putc(b, *text);
    }
    buf_puts(b, "</div>");
}

/* True when a and b hold the same but for blanks. */
static bool same_words(const char *a, const char *b)
{
    for (;; a++, b++) {
        while (*a == ' ' || *a == '\n')
            a++;
        while (*b == ' ' || *b == '\n')
            b++;
        if (*a != *b)
            return false;
        if (!*a)
            return true;
    }
}

static void check_kept(const char *name, const struct buf *mail, enum text_kind kind,
                       const char *want, uint32_t seed)
{
    scoped(freep) char *got = reply_of(buf_str(mail), kind);
    if (strstr(got, "unsubscribe"))
        fail_msg("seed %u, %s: LEAK in '%s' of:\n%s", seed, name, got, buf_str(mail));
    if (!same_words(got, want))
        fail_msg("seed %u, %s: reply is '%s', want '%s', of:\n%s", seed, name, got, want,
                 buf_str(mail));
}

static void check_style(const struct entry *e, enum style style, uint32_t *seed)
{
    const uint32_t start = *seed;
    const char *mine = PICK(own, seed);
    scoped(buf_free) struct buf mail = BUF_INIT;
    put_lines(&mail, mine, "");
    if (style != STYLE_TIGHT)
        buf_putc(&mail, '\n');
    put_original(&mail, e->text, PICK(bodies, seed), PICK(prints, seed), style);
    scoped(buf_free) struct buf html = BUF_INIT;
    put_html(&html, buf_str(&mail));
    if (style == STYLE_CRLF)
        use_crlf(&mail);
    check_kept(e->name, &mail, TEXT_PLAIN, mine, start);
    check_kept(e->name, &html, TEXT_HTML, mine, start);
}

/* Without words of the lead's the reply is empty; it never falls back to the original. */
static void check_empty(const struct entry *e, enum style style, uint32_t *seed)
{
    const uint32_t start = *seed;
    scoped(buf_free) struct buf mail = BUF_INIT;
    put_original(&mail, e->text, PICK(bodies, seed), PICK(prints, seed), style);
    check_kept(e->name, &mail, TEXT_PLAIN, "", start);
}

static void check_below(const struct entry *e, uint32_t *seed)
{
    const uint32_t start = *seed;
    const char *mine = PICK(own, seed);
    scoped(buf_free) struct buf mail = BUF_INIT;
    put_original(&mail, e->text, PICK(bodies, seed), PICK(prints, seed), STYLE_QUOTED);
    buf_putc(&mail, '\n');
    put_lines(&mail, mine, "");
    check_kept(e->name, &mail, TEXT_PLAIN, mine, start);
}

static void test_no_leak(void **state)
{
    (void)state;
    uint32_t seed = first_seed();
    for (size_t f = 0; f < ARRAY_LEN(originals); f++) {
        struct entries e;
        read_entries(&e, originals[f]);
        for (size_t i = 0; i < e.count; i++) {
            for (enum style style = STYLE_BARE; style < STYLES; style++) {
                check_style(&e.list[i], style, &seed);
                check_empty(&e.list[i], style, &seed);
            }
            if (f == 0)
                check_below(&e.list[i], &seed);
        }
        free_entries(&e);
    }
}

/* A thread: the original answers an original of another program, and so on. */
static void test_no_leak_in_threads(void **state)
{
    (void)state;
    uint32_t seed = first_seed();
    struct entries e[ARRAY_LEN(originals)];
    for (size_t f = 0; f < ARRAY_LEN(originals); f++)
        read_entries(&e[f], originals[f]);
    for (int round = 0; round < 3000; round++) {
        const uint32_t start = seed;
        const char *mine = PICK(own, &seed);
        scoped(buf_free) struct buf mail = BUF_INIT;
        put_lines(&mail, mine, "");
        for (uint32_t n = next_random(&seed) % 3 + 1; n > 0; n--) {
            const struct entries *from = &PICK(e, &seed);
            buf_putc(&mail, '\n');
            put_original(&mail, from->list[next_random(&seed) % from->count].text,
                         PICK(bodies, &seed), PICK(prints, &seed),
                         (enum style)(next_random(&seed) % STYLE_CRLF));
        }
        check_kept("a thread", &mail, TEXT_PLAIN, mine, start);
    }
    for (size_t f = 0; f < ARRAY_LEN(originals); f++)
        free_entries(&e[f]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_html),
        cmocka_unit_test(test_devices),
        cmocka_unit_test(test_no_leak),
        cmocka_unit_test(test_no_leak_in_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
