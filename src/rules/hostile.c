#include "rules/hostile.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/utf8.h"
#include "rules/pattern.h"
#include "rules/rule.h"
#include "rules/samples.h"

#define CHARS 4000
#define TEXT_MS 60    /* for one text; the daemon has 20 for an event, on a machine unknown */
#define PATTERN_MS 80 /* for all texts of one pattern */
#define UNITS_MAX 14

struct units {
    char list[UNITS_MAX][24];
    size_t count;
};

static int64_t cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- what to repeat -------------------------------------------------------------------- */

/* Only what prepared text can be a repeat of: in it a run of blanks is one, and no line
 * ends with any. */
static void add_unit(struct units *u, const char *s, size_t len)
{
    while (len > 0 && s[0] == ' ')
        s++, len--;
    if (u->count == UNITS_MAX || len == 0 || len >= sizeof(u->list[0]) || memmem(s, len, " \n", 2))
        return;
    for (size_t i = 0; i < u->count; i++)
        if (strlen(u->list[i]) == len && memcmp(u->list[i], s, len) == 0)
            return;
    memcpy(u->list[u->count], s, len);
    u->list[u->count++][len] = '\0';
}

static bool is_syntax(char c)
{
    return strchr("\\^$.|?*+()[]{}", c) != NULL;
}

/* The characters of the pattern that stand for themselves. */
static void literals(struct buf *out, const char *source)
{
    for (const char *p = source; *p; p++) {
        if (*p == '\\' && p[1]) {
            p++;
            if (strchr("nts", *p))
                buf_putc(out, *p == 'n' ? '\n' : ' ');
            else if (is_syntax(*p))
                buf_putc(out, *p);
        } else if (!is_syntax(*p) && (unsigned char)*p >= 0x20) {
            buf_putc(out, *p);
        }
    }
}

/* The signs first, each alone: a repeat of one is what hurts most. */
static void find_units(struct units *u, const struct buf *own)
{
    static const char *const usual[] = { "a", "a ", "0", "\n", "a.", "a-", "ab", "a@" };
    for (size_t i = 0; i < ARRAY_LEN(usual); i++)
        add_unit(u, usual[i], strlen(usual[i]));
    const size_t all = utf8_cut(buf_str(own), own->len, sizeof(u->list[0]) - 1);
    add_unit(u, buf_str(own), all);
    for (size_t i = 0; i < own->len && u->count < UNITS_MAX;) {
        const size_t n = utf8_decode(own->data + i, own->len - i, NULL);
        add_unit(u, own->data + i, n > 0 ? n : 1);
        i += n > 0 ? n : 1;
    }
}

/* Its end holds all that the pattern may ask for, in a line of its own, so that it does not
 * give up at once for want of a character: backwards, so that it is no match itself. */
static void make_text(struct buf *out, const char *unit, size_t times, const struct buf *own)
{
    for (size_t i = 0; i < times; i++)
        buf_puts(out, unit);
    buf_puts(out, times > 1 ? "~!" : "");
    buf_putc(out, '\n');
    for (size_t i = own->len; i > 0; i--)
        if ((unsigned char)own->data[i - 1] < 0x80)
            buf_putc(out, own->data[i - 1]);
}

/* ---- trying ------------------------------------------------------------------------------- */

static enum answer try_text(const struct pattern *p, struct match_scratch *s,
                            const struct buf *text, int64_t ms)
{
    match_budget_start(s, ms);
    const enum answer got = pattern_match(p, s, buf_str(text), text->len, NULL);
    match_budget_start(s, 0);
    return got;
}

/* (*SKIP) and (*COMMIT) are undecided on any long text: that is no matter of speed. */
static bool was_limit(const struct match_scratch *s, enum answer got)
{
    return got == ANSWER_UNDECIDED && strcmp(pattern_limit(s), "long text") != 0;
}

static bool report(struct hostile *out, const struct match_scratch *s, const char *unit,
                   size_t chars)
{
    *out = (struct hostile){ .chars = chars, .any_text = unit[0] == '\0' };
    (void)snprintf(out->unit, sizeof(out->unit), "%s", unit);
    (void)snprintf(out->limit, sizeof(out->limit), "%s", pattern_limit(s));
    return true;
}

static bool hits_at_once(const struct pattern *p, struct match_scratch *s)
{
    static const char *const texts[] = { "", "a" };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (was_limit(s, pattern_match(p, s, texts[i], strlen(texts[i]), NULL)))
            return true;
    return false;
}

/* A search that costs much at each place costs as much in any long text, which is no trap;
 * what grows faster than the text is one. */
static bool grows_faster(const struct pattern *p, struct match_scratch *s, const char *unit,
                         const struct buf *own)
{
    scoped(buf_free) struct buf text = BUF_INIT;
    make_text(&text, unit, CHARS / strlen(unit) / 8, own);
    const int64_t started = cpu_us();
    (void)try_text(p, s, &text, TEXT_MS);
    return (cpu_us() - started) * 8 * 3 < TEXT_MS * 1000;
}

static bool hits_on(const struct pattern *p, struct match_scratch *s, const char *unit,
                    const struct buf *own, struct hostile *out)
{
    static const struct buf nothing = BUF_INIT;
    scoped(buf_free) struct buf text = BUF_INIT;
    scoped(buf_free) struct buf bare = BUF_INIT;
    make_text(&text, unit, CHARS / strlen(unit), own);
    make_text(&bare, unit, CHARS / strlen(unit), &nothing);
    enum answer got = try_text(p, s, &text, TEXT_MS);
    if (got == ANSWER_YES) /* by what was added */
        got = try_text(p, s, &bare, TEXT_MS);
    if (!was_limit(s, got))
        return false;
    (void)report(out, s, unit, text.len);
    return strcmp(out->limit, "CPU budget") != 0 || grows_faster(p, s, unit, own);
}

/* Without a repeat there is nothing that could explode. */
static bool repeats(const char *source)
{
    return source && strpbrk(source, "*+{");
}

bool hostile_hits(const struct pattern *p, const struct alternative *a, struct match_scratch *s,
                  struct hostile *out)
{
    struct units u = { .count = 0 };
    scoped(buf_free) struct buf own = BUF_INIT;
    if (hits_at_once(p, s))
        return report(out, s, "", 0);
    if (!repeats(a->source) && !repeats(a->groups))
        return false;
    literals(&own, a->source);
    find_units(&u, &own);
    const int64_t started = cpu_us();
    for (size_t i = 0; i < u.count && cpu_us() - started < PATTERN_MS * 1000; i++)
        if (hits_on(p, s, u.list[i], &own, out))
            return true;
    return false;
}

static bool alike(const struct pattern *slow, const struct pattern *fast, struct match_scratch *s,
                  const struct buf *text)
{
    const enum answer one = try_text(slow, s, text, TEXT_MS);
    const enum answer other = try_text(fast, s, text, TEXT_MS);
    return other != ANSWER_UNDECIDED && (one == ANSWER_UNDECIDED || one == other);
}

bool hostile_alike(const struct pattern *slow, const struct pattern *fast,
                   const struct alternative *a, struct match_scratch *s)
{
    struct units u = { .count = 0 };
    scoped(buf_free) struct buf own = BUF_INIT;
    literals(&own, a->source);
    find_units(&u, &own);
    const int64_t started = cpu_us();
    for (size_t i = 0; i < u.count * 2; i++) {
        scoped(buf_free) struct buf text = BUF_INIT;
        const char *unit = u.list[i / 2];
        make_text(&text, unit, i % 2 == 1 ? 5 : CHARS / strlen(unit), &own);
        if (!alike(slow, fast, s, &text) || cpu_us() - started > 4 * PATTERN_MS * 1000)
            return false;
    }
    for (size_t i = 0; i < SAMPLE_REPLIES; i++) {
        scoped(buf_free) struct buf text = BUF_INIT;
        buf_puts(&text, sample_replies[i]);
        if (!alike(slow, fast, s, &text))
            return false;
    }
    return true;
}
