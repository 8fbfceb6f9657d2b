/* A second greeting, below the lead's words and above small print: there the original
 * begins, though no mark of it is known. */
#include <string.h>

#include "event/split_priv.h"

#define NAME_BYTES 60 /* from the greeting to the comma behind the name */
#define CALL_BYTES 24 /* "Hal," */
#define SAID_LINES 60 /* that are looked at for the lead's words */

/* "Dear Els, may I ask ...", "您好", "Hello" alone. */
static bool is_greeting(const struct mail *m, size_t i)
{
    const struct span s = mail_low(m, i);
    if (line_is(m, i, LINE_BLANK) || !phrase_inside_at(&m->ix->greetings, s))
        return false;
    size_t len = 0;
    const bool whole = phrase_at(&m->ix->greetings, s, &len) != NULL;
    if (!whole)
        return (unsigned char)s.s[0] >= 0x80; /* scripts without blanks */
    const size_t room = s.len < NAME_BYTES ? s.len : NAME_BYTES;
    while (len < room && !strchr(",!:.", s.s[len]))
        len++;
    return len < room || s.len <= NAME_BYTES || (unsigned char)s.s[0] >= 0x80;
}

static bool is_alone(const struct mail *m, size_t i)
{
    return i > 0 && line_is(m, i - 1, LINE_BLANK | LINE_RULE);
}

/* "Hal," below the line "Thx, Hal" that ended the lead's words, with some blank lines. */
static bool calls_by_name(const struct mail *m, size_t i)
{
    const struct span s = mail_low(m, i);
    if (i < 2 || !line_is(m, i - 2, LINE_BLANK) || s.len < 3 || s.len > CALL_BYTES ||
        s.s[s.len - 1] != ',' || memchr(s.s, ' ', s.len))
        return false;
    size_t last = i;
    while (last > 0 && line_is(m, last - 1, LINE_BLANK))
        last--;
    const struct span above = last > 0 ? mail_low(m, last - 1) : (struct span){ s.s, 0 };
    return memmem(above.s, above.len, s.s, s.len - 1) != NULL;
}

/* Did the lead say more than a greeting above line i? */
static bool said_something(const struct mail *m, size_t i)
{
    for (size_t k = 0; k < i && k < SAID_LINES; k++)
        if (m->line[k].class == LINE_OWN && !line_is(m, k, LINE_BLANK | LINE_RULE) &&
            !is_greeting(m, k) && !phrase_inside(&m->ix->banners, mail_low(m, k)))
            return true;
    return false;
}

/* Notes of absence greet once in each of their languages, and these words are small print
 * too (split_footers). */
static bool speaks_of_absence(struct span s)
{
    static const char *const words[] = { "out of office", "out of the office" };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (memmem(s.s, s.len, words[i], strlen(words[i])))
            return true;
    return false;
}

bool greets_again(struct splitter *sp, size_t i)
{
    const struct mail *m = &sp->mail;
    return sp->own_words && sp->out->ncuts == 0 && is_alone(m, i) &&
           (is_greeting(m, i) || calls_by_name(m, i)) && footer_behind(sp, i + 1) &&
           !speaks_of_absence(mail_low(m, sp->footer - 1)) &&
           next_mark(m, i + 1, sp->footer) == sp->footer && said_something(m, i);
}
