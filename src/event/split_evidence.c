/* Does a piece of text hold an address, a time of day, a date? In the digits and words
 * of all languages. */
#include <string.h>

#include "event/split_candidate.h"

bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

size_t digits_at(struct span s, size_t at, size_t max)
{
    size_t n = 0;
    while (at + n < s.len && is_digit(s.s[at + n]))
        n++;
    return n <= max ? n : 0;
}

static bool is_address_at(struct span s, size_t at)
{
    return at > 0 && at + 1 < s.len && is_word_byte(s.s[at - 1]) && is_word_byte(s.s[at + 1]);
}

/* 10:30, 10.30, 10h30, 10時, 오전 9:00, 下午8:45; not 2.5. */
static bool is_time_at(struct span s, size_t at)
{
    const size_t h = digits_at(s, at, 2);
    if (h == 0 || at + h + 1 >= s.len)
        return false;
    const char sep = s.s[at + h];
    return (sep == ':' || sep == 'h' || sep == '.') && digits_at(s, at + h + 1, 2) == 2;
}

static bool is_year_at(struct span s, size_t at)
{
    return digits_at(s, at, 4) == 4 &&
           (span_begins(span_from(s, at), "19") || span_begins(span_from(s, at), "20"));
}

/* 5/10, 5-10-, 5.10., 5年. */
static bool is_date_at(struct span s, size_t at)
{
    const size_t n = digits_at(s, at, 4);
    if (n == 0)
        return false;
    const struct span rest = span_from(s, at + n);
    if (span_begins(rest, "年") || span_begins(rest, "月") || span_begins(rest, "년") ||
        span_begins(rest, "월"))
        return true;
    return rest.len > 1 && strchr("/-.", rest.s[0]) && is_digit(rest.s[1]) && n <= 2;
}

const struct phrase *date_word_at(struct span s, const struct split_index *ix)
{
    return phrase_stem_at(&ix->dates, s);
}

/* Digits of other scripts: a run of four is a year, a colon or slash behind a run makes
 * a time or date. The place behind the run. */
static size_t read_other_digits(struct span s, size_t at, struct evidence *e)
{
    size_t n = 0;
    for (size_t bytes = digit_at(s, at); bytes > 0; bytes = digit_at(s, at), n++)
        at += bytes;
    const bool more = digit_at(s, at + 1) > 0;
    e->year = e->year || n == 4;
    e->time = e->time || (more && s.s[at] == ':');
    e->date = e->date || (more && (s.s[at] == '/' || s.s[at] == '.'));
    return at;
}

struct evidence evidence_in(struct span s, const struct split_index *ix)
{
    struct evidence e = { .address = false };
    bool number = false;
    bool word = false;
    for (size_t i = 0; i < s.len; i++) {
        if (digit_at(s, i) > 1) {
            number = true;
            i = read_other_digits(s, i, &e) - 1;
            continue;
        }
        e.address = e.address || (s.s[i] == '@' && is_address_at(s, i));
        if (i > 0 && is_word_byte(s.s[i - 1]) && is_digit(s.s[i - 1]) == is_digit(s.s[i]) &&
            (unsigned char)s.s[i - 1] < 0x80)
            continue;
        if (is_digit(s.s[i])) {
            number = true;
            e.time = e.time || is_time_at(s, i);
            e.year = e.year || is_year_at(s, i);
            e.date = e.date || is_date_at(s, i);
        } else if (!word && is_word_byte(s.s[i])) {
            word = date_word_at(span_from(s, i), ix) != NULL;
        }
    }
    e.date = e.date || (number && word);
    return e;
}

size_t word_end(struct span s, size_t at)
{
    while (at < s.len && s.s[at] != ' ')
        at++;
    return at;
}

bool begins_with_date(struct span s, const struct split_index *ix)
{
    for (int i = 0; i < 5 && s.len > 0; i++) {
        while (s.len > 0 && strchr("(,. \"", s.s[0]))
            s = span_from(s, 1);
        size_t n = 0;
        if (digit_at(s, 0) > 0)
            return true;
        const struct phrase *word = date_word_at(s, ix);
        if (!word && !phrase_at(&ix->fillers, s, &n))
            return false;
        n = word ? strlen(word->text) : n;
        s = span_trim(span_from(s, word_end(s, n)));
    }
    return false;
}

bool has_full_date(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        size_t at = i;
        int parts = 0;
        while (parts < 3 && digits_at(s, at, 4) > 0) {
            at += digits_at(s, at, 4);
            parts++;
            if (parts < 3 && at < s.len && strchr("./-", s.s[at]))
                at++;
            else
                break;
        }
        if (parts == 3)
            return true;
    }
    return false;
}

/* Bytes of what may stand in a date at the start of s: a number, a month, "the". */
static size_t date_piece(struct span s, const struct split_index *ix)
{
    size_t n = 0;
    if (digit_at(s, 0) > 0)
        return word_end(s, 0);
    const struct phrase *word = date_word_at(s, ix);
    if (word)
        return word_end(s, strlen(word->text));
    if (phrase_at(&ix->starts, s, &n) || phrase_at(&ix->fillers, s, &n))
        return n;
    return 0;
}

#define SHORT_WORD 5 /* bytes, with its full stop */

static size_t short_word(struct span s)
{
    const char *stop = memchr(s.s, '.', s.len < SHORT_WORD ? s.len : SHORT_WORD);
    return stop ? (size_t)(stop - s.s) : 0;
}

bool is_only_date(struct span s, const struct split_index *ix)
{
    bool number = false;
    while (s.len > 0) {
        number = number || digit_at(s, 0) > 0;
        size_t n = strchr("-*_(,. ", s.s[0]) ? 1 : date_piece(s, ix);
        if (n == 0 && number) /* "г." */
            n = short_word(s);
        if (n == 0)
            return false;
        s = span_from(s, n);
    }
    return true;
}
