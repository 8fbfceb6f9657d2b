#include "event/split_phrase.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

static struct split_index the_index;

static void index_build(struct phrase_index *ix, const struct phrases *table)
{
    assert(table->count <= PHRASES_MAX);
    ix->table = table;
    for (size_t i = table->count; i-- > 0;) {
        const unsigned char first = (unsigned char)table->list[i].text[0];
        ix->next[i] = ix->head[first];
        ix->head[first] = (uint16_t)(i + 1);
        ix->lang[i] = (uint8_t)lang_number(table->list[i].lang);
    }
}

static void build_all(void)
{
    index_build(&the_index.starts, &split_starts);
    index_build(&the_index.verbs, &split_verbs);
    index_build(&the_index.fillers, &split_fillers);
    index_build(&the_index.dates, &split_dates);
    index_build(&the_index.labels, &split_labels);
    index_build(&the_index.markers, &split_markers);
    index_build(&the_index.device_links, &split_device_links);
    index_build(&the_index.gadgets, &split_gadgets);
    index_build(&the_index.excuses, &split_excuses);
    index_build(&the_index.footers, &split_footers);
    index_build(&the_index.small_print, &split_small_print);
    index_build(&the_index.pronouns, &split_pronouns);
    index_build(&the_index.answers, &split_answers);
    index_build(&the_index.greetings, &split_greetings);
    index_build(&the_index.banners, &split_banners);
}

const struct split_index *split_index(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, build_all);
    return &the_index;
}

struct span span_from(struct span s, size_t at)
{
    return at < s.len ? (struct span){ s.s + at, s.len - at } : (struct span){ s.s + s.len, 0 };
}

struct span span_trim(struct span s)
{
    while (s.len > 0 && s.s[0] == ' ')
        s = span_from(s, 1);
    while (s.len > 0 && s.s[s.len - 1] == ' ')
        s.len--;
    return s;
}

bool span_is(struct span s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.s, text, s.len) == 0;
}

bool span_begins(struct span s, const char *text)
{
    const size_t n = strlen(text);
    return s.len >= n && memcmp(s.s, text, n) == 0;
}

bool span_ends(struct span s, const char *text)
{
    const size_t n = strlen(text);
    return s.len >= n && memcmp(s.s + s.len - n, text, n) == 0;
}

bool is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (unsigned char)c >= 0x80;
}

size_t digit_at(struct span s, size_t at)
{
    if (at >= s.len)
        return 0;
    const unsigned char *c = (const unsigned char *)s.s + at;
    const size_t left = s.len - at;
    if (c[0] >= '0' && c[0] <= '9')
        return 1;
    if (left >= 2 && ((c[0] == 0xD9 && c[1] >= 0xA0 && c[1] <= 0xA9) ||
                      (c[0] == 0xDB && c[1] >= 0xB0 && c[1] <= 0xB9)))
        return 2;
    return left >= 3 && c[0] == 0xE0 && (c[1] == 0xA5 || c[1] == 0xA7) && c[2] >= 0xA6 &&
                   c[2] <= 0xAF
               ? 3
               : 0;
}

/* Chinese, Japanese, Korean and Thai do not part words by blanks. E1 is left out:
 * Vietnamese, Georgian, Greek with marks. */
static bool is_unspaced(char c)
{
    const unsigned char b = (unsigned char)c;
    return b == 0xE0 || (b >= 0xE3 && b <= 0xED);
}

static bool ends_word(struct span s, size_t at)
{
    return at >= s.len || !is_word_byte(s.s[at]) || !is_word_byte(s.s[at - 1]) ||
           is_unspaced(s.s[0]) || is_unspaced(s.s[at]);
}

static bool starts_word(struct span s, size_t at)
{
    return at == 0 || !is_word_byte(s.s[at - 1]) || is_unspaced(s.s[at]);
}

const struct phrase *phrase_at(const struct phrase_index *ix, struct span s, size_t *len)
{
    const struct phrase *best = NULL;
    if (s.len == 0)
        return NULL;
    for (uint16_t i = ix->head[(unsigned char)s.s[0]]; i != 0; i = ix->next[i - 1]) {
        const struct phrase *p = &ix->table->list[i - 1];
        if (!span_begins(s, p->text))
            continue;
        const size_t n = strlen(p->text);
        if (ends_word(s, n) && (!best || n > *len)) {
            best = p;
            *len = n;
        }
    }
    return best;
}

const struct phrase *phrase_find(const struct phrase_index *ix, struct span s, size_t from,
                                 size_t *at, size_t *len)
{
    for (size_t i = from; i < s.len; i++) {
        if (ix->head[(unsigned char)s.s[i]] == 0 || !starts_word(s, i))
            continue;
        const struct phrase *p = phrase_at(ix, span_from(s, i), len);
        if (p) {
            *at = i;
            return p;
        }
    }
    return NULL;
}

const struct phrase *phrase_stem_at(const struct phrase_index *ix, struct span s)
{
    if (s.len == 0)
        return NULL;
    for (uint16_t i = ix->head[(unsigned char)s.s[0]]; i != 0; i = ix->next[i - 1]) {
        const struct phrase *p = &ix->table->list[i - 1];
        const size_t n = strlen(p->text);
        if (span_begins(s, p->text) && (p->tag == WORD_STEM || n >= s.len || !is_word_byte(s.s[n])))
            return p;
    }
    return NULL;
}

bool phrase_inside_at(const struct phrase_index *ix, struct span s)
{
    if (s.len == 0)
        return false;
    for (uint16_t k = ix->head[(unsigned char)s.s[0]]; k != 0; k = ix->next[k - 1])
        if (span_begins(s, ix->table->list[k - 1].text))
            return true;
    return false;
}

bool phrase_inside(const struct phrase_index *ix, struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (phrase_inside_at(ix, span_from(s, i)))
            return true;
    return false;
}

unsigned lang_number(const char *code)
{
    for (size_t i = 0; i < split_langs_count; i++)
        if (strcmp(split_langs[i].code, code) == 0)
            return (unsigned)i;
    return LANGS_MAX;
}

const struct lang *lang_by_code(const char *code)
{
    const unsigned i = lang_number(code);
    return i < LANGS_MAX ? &split_langs[i] : NULL;
}
