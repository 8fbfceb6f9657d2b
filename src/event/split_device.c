/* "Sent from my phone": the line that a device or program adds below a mail. */
#include <string.h>

#include "event/split_lines.h"

#define TAIL_WORDS 4   /* before a tail without a head: "my iPhone" */
#define REST_WORDS 10  /* in the name of a device, at most */
#define MORE_WORDS 6   /* behind a comma */
#define LINE_BYTES 160 /* device lines are short, links apart */

static struct span without_frame(struct span s)
{
    while (s.len > 0 && strchr("([<{*_\"'- ", s.s[0]))
        s = span_from(s, 1);
    while (s.len > 0 && strchr(")]>}*_\"'-. !\\", s.s[s.len - 1]))
        s.len--;
    return s;
}

/* Copies s up to its first link or address, and without markdown's brackets. */
static struct span without_links(struct span s, char *out, size_t room)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len && n < room; i++) {
        const struct span rest = span_from(s, i);
        if (span_begins(rest, "http") || span_begins(rest, "<") || span_begins(rest, "]("))
            for (; i < s.len && s.s[i] != ')' && s.s[i] != '>' && s.s[i] != ' '; i++)
                ;
        else if (s.s[i] != '[' && s.s[i] != ']')
            out[n++] = s.s[i];
    }
    return span_trim((struct span){ out, n });
}

static size_t words_in(struct span s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += s.s[i] != ' ' && (i == 0 || s.s[i - 1] == ' ');
    return n;
}

static bool names_gadget(const struct mail *m, struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((i == 0 || !is_word_byte(s.s[i - 1]) || !is_word_byte(s.s[i])) &&
            phrase_stem_at(&m->ix->gadgets, span_from(s, i)))
            return true;
    return false;
}

/* Behind a comma or full stop only an excuse may follow, or more of the name: ", an
 * AT&T 4G LTE smartphone". */
static bool is_only_device(const struct mail *m, struct span *rest)
{
    for (size_t i = 0; i + 1 < rest->len; i++) {
        if (!strchr(",.;!", rest->s[i]) || rest->s[i + 1] != ' ')
            continue;
        const struct span more = span_from(*rest, i + 2);
        rest->len = i;
        return more.len == 0 || phrase_inside(&m->ix->excuses, more) ||
               (words_in(more) <= MORE_WORDS && names_gadget(m, more) &&
                (span_begins(more, "a ") || span_begins(more, "an ") ||
                 phrase_stem_at(&m->ix->gadgets, more)));
    }
    return true;
}

static bool fits(const struct mail *m, const struct device *d, struct span s)
{
    const size_t head = strlen(d->head);
    const size_t tail = strlen(d->tail);
    if (s.len < head + tail || !span_begins(s, d->head) || !span_ends(s, d->tail))
        return false;
    if (head > 0 && s.len > head && is_word_byte(s.s[head]) && (unsigned char)s.s[head] < 0x80 &&
        is_word_byte(d->head[head - 1]) && (unsigned char)d->head[head - 1] < 0x80)
        return false;
    struct span rest = span_trim((struct span){ s.s + head, s.len - head - tail });
    if (!is_only_device(m, &rest) || words_in(rest) > (head > 0 ? REST_WORDS : TAIL_WORDS))
        return false;
    if (head == 0 && memmem(rest.s, rest.len, "。", strlen("。"))) /* a sentence before it */
        return false;
    return d->sure || names_gadget(m, rest);
}

/* "No. Get Outlook for iOS": words of the lead's in front. */
static bool begins_later(const struct mail *m, struct span s)
{
    for (size_t at = 1; at < s.len; at++)
        for (size_t k = 0; s.s[at - 1] == ' ' && k < split_devices_count; k++)
            if (split_devices[k].head[0] && fits(m, &split_devices[k], span_from(s, at)))
                return true;
    return false;
}

const char *device_at(const struct mail *m, size_t i)
{
    char copy[LINE_BYTES];
    const struct span line = mail_low(m, i);
    if (line.len == 0 || line.len > 4 * LINE_BYTES)
        return NULL;
    struct span s = without_frame(without_links(without_frame(line), copy, sizeof(copy)));
    if (s.len >= LINE_BYTES - 1 || memchr(s.s, '?', s.len))
        return NULL;
    if (phrase_inside(&m->ix->device_links, line) && words_in(s) <= REST_WORDS &&
        !begins_later(m, s))
        return "device line";
    for (size_t k = 0; k < split_devices_count; k++) {
        if (!fits(m, &split_devices[k], s))
            continue;
        const struct lang *lang = lang_by_code(split_devices[k].lang);
        return lang ? lang->device : "device line";
    }
    return NULL;
}
