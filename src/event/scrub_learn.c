/* scrub_learn.c - names that a text tells of: greetings, closing words, signatures, addresses. */
#include "event/scrub.h"

#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/utf8.h"
#include "event/scrub_priv.h"

#define CLOSING_LINES 6 /* from the end: below that a short line is a name */

struct line {
    const char *s;
    size_t len;
};

static bool next_line(const char **rest, struct line *out)
{
    if (!**rest)
        return false;
    const size_t len = strcspn(*rest, "\n");
    *out = (struct line){ .s = *rest, .len = len };
    while (out->len && strchr(" \t*_", out->s[0]))
        out->s++, out->len--;
    while (out->len && strchr(" \t*_", out->s[out->len - 1]))
        out->len--;
    *rest += len + ((*rest)[len] == '\n');
    return true;
}

/* The longest phrase that the line begins with, ending at a word's end. */
static size_t starts_with(const struct scrub_words *w, const char *low, size_t len)
{
    size_t best = 0;
    for (size_t i = 0; i < w->count; i++) {
        const size_t n = strlen(w->list[i]);
        if (n > best && n <= len && memcmp(low, w->list[i], n) == 0 &&
            scrub_word_at(low, len, n) == 0)
            best = n;
    }
    return best;
}

/* One to four words, each with a capital or in a script without, and nothing else. */
static bool looks_like_a_name(const char *s, size_t len, size_t words_max)
{
    size_t words = 0;
    while (len && strchr(" ,.-!", s[len - 1]))
        len--;
    if (len == 0 || len > NAME_LINE_MAX)
        return false;
    scoped(freep) char *all = scrub_lower(s, len);
    if (scrub_names_a_gadget(all, len))
        return false;
    for (size_t i = 0; i < len;) {
        const size_t n = scrub_word_at(s, len, i);
        if (n == 0 && !strchr(" .-'", s[i]))
            return false;
        scoped(freep) char *low = n ? scrub_lower(s + i, n) : NULL;
        uint32_t cp = 0;
        utf8_decode(s + i, len - i, &cp);
        const bool title = low && scrub_has(&scrub_titles, low, n);
        if (n && !title && cp < 0x590 && scrub_case_of(s + i, n) == CASE_LOWER)
            return false;
        words += n > 0 && !title;
        i += n > 0 ? n : 1;
    }
    return words > 0 && words <= words_max;
}

static void learn_name_line(struct scrub *s, const char *text, size_t len)
{
    scoped(freep) char *name = xmemdup0(text, len);
    scrub_learn_words(s, name, "name", false);
}

/* "Hi Ada," "Sehr geehrter Herr Dr. Keller, danke": the words with capitals up to the comma. */
static void learn_greeting(struct scrub *s, const struct line *l)
{
    scoped(freep) char *low = scrub_lower(l->s, l->len);
    const size_t n = starts_with(&scrub_greetings, low, l->len);
    if (!n)
        return;
    size_t end = n;
    while (end < l->len && !strchr(",!;:(", l->s[end]))
        end++;
    if (looks_like_a_name(l->s + n, end - n, 3))
        learn_name_line(s, l->s + n, end - n);
}

/* True when the line is closing words and no more, so that a name may follow. */
static bool learn_closing(struct scrub *s, const struct line *l)
{
    scoped(freep) char *low = scrub_lower(l->s, l->len);
    const size_t n = starts_with(&scrub_closings, low, l->len);
    size_t at = n;
    if (!n)
        return false;
    while (at < l->len && strchr(" ,.!-", l->s[at]))
        at++;
    const bool apart = at > n && memchr(l->s + n, ',', at - n);
    if (at < l->len && apart && looks_like_a_name(l->s + at, l->len - at, 3))
        learn_name_line(s, l->s + at, l->len - at);
    return at == l->len;
}

static size_t count_lines(const char *rest)
{
    size_t count = 0;
    struct line l;
    while (next_line(&rest, &l))
        count += l.len > 0;
    return count;
}

static void learn_addresses(struct scrub *s, const char *text)
{
    const size_t len = strlen(text);
    size_t local = 0;
    for (size_t i = 0; i < len; i++) {
        const size_t n = scrub_address_at(text, len, i, &local);
        if (n)
            scrub_learn_local(s, text + i, local);
        i += n;
    }
}

/* "Ada" below a text of several lines, without closing words. */
static void learn_last_line(struct scrub *s, const struct line *l)
{
    scoped(freep) char *low = scrub_lower(l->s, l->len);
    const size_t first = scrub_word_at(l->s, l->len, 0);
    const bool ends =
        scrub_word_at(l->s, l->len, l->len - 1) == 0 && (unsigned char)l->s[l->len - 1] < 0x80;
    if (!ends && first > 0 && scrub_case_of(l->s, first) == CASE_TITLE &&
        !starts_with(&scrub_closings, low, l->len) && looks_like_a_name(l->s, l->len, 2))
        learn_name_line(s, l->s, l->len);
}

void scrub_learn_text(struct scrub *s, const char *text)
{
    const char *rest = text;
    const size_t lines = count_lines(text);
    size_t left = lines;
    bool closed = false;
    struct line l;
    learn_addresses(s, text);
    while (next_line(&rest, &l)) {
        if (l.len == 0)
            continue;
        if (closed && left <= CLOSING_LINES && looks_like_a_name(l.s, l.len, 3))
            learn_name_line(s, l.s, l.len);
        learn_greeting(s, &l);
        closed = learn_closing(s, &l);
        if (--left == 0 && lines > 1)
            learn_last_line(s, &l);
    }
}

static bool names_a_company(const struct line *l)
{
    for (size_t i = 0; i < l->len;) {
        const size_t n = scrub_word_at(l->s, l->len, i);
        scoped(freep) char *low = n ? scrub_lower(l->s + i, n) : NULL;
        if (low && i > 0 && n > 1 && scrub_case_of(l->s + i, n) != CASE_LOWER &&
            scrub_has(&scrub_forms, low, n))
            return l->len <= NAME_LINE_MAX;
        i += n > 0 ? n : 1;
    }
    return false;
}

void scrub_learn_signature(struct scrub *s, const char *text)
{
    const char *rest = text;
    size_t number = 0;
    struct line l;
    scrub_learn_text(s, text);
    while (next_line(&rest, &l)) {
        if (l.len == 0 || l.s[0] == '-')
            continue;
        scoped(freep) char *line = xmemdup0(l.s, l.len);
        if (names_a_company(&l))
            scrub_learn_company(s, line);
        else if (number++ == 0 && looks_like_a_name(l.s, l.len, 4))
            scrub_learn_words(s, line, "name", false);
    }
}
