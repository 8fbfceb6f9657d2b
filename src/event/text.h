/* text.h - reply text made ready for matching: Unicode folded, and split into the
 * lead's own words, the signature and the quoted history.
 *
 * Everything here is pure and thread-safe, runs in time linear in its input, and
 * takes any bytes. What folding does:
 *   - invisible characters (zero-width, soft hyphen, BOM, direction marks, variation
 *     selectors, controls) are removed;
 *   - NFKC (Unicode Standard Annex #15);
 *   - quotes (also ´ and `), dashes and spaces become ' " - and blank;
 *   - CR LF, CR and the Unicode line ends become LF; runs of blanks become one,
 *     blanks at the end of a line go.
 * Folding is idempotent. Lines are neither joined nor dropped. */
#ifndef AUTOMARK_EVENT_TEXT_H
#define AUTOMARK_EVENT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define TEXT_MAX_LONG (64 * 1024)        /* bytes kept of the fields text and quoted */
#define TEXT_MAX_SHORT (16 * 1024)       /* bytes kept of every other field */
#define TEXT_MAX_INPUT (2 * 1024 * 1024) /* bytes of a body looked at; the rest is cut */
#define TEXT_MAX_CUTS 64                 /* marks remembered; the first ones */

/* Appends the folded text to out. s should be well formed UTF-8; anything else is
 * replaced by U+FFFD. */
void text_fold(struct buf *out, const char *s, size_t len);

/* Appends s, well formed UTF-8, in lower case, byte for byte in the same place: a letter
 * whose lower case takes another number of bytes stays as it is, and I with a dot above
 * becomes the dotless one. For looking things up, not for reading. */
void text_lower(struct buf *out, const char *s, size_t len);

/* Prepares the source of a pattern for matching folded text, and changes neither its
 * ASCII characters nor its syntax: typographic quotes, dashes and spaces become ASCII
 * (a dash inside a class an escaped one), accents written apart are composed, letters
 * that exist for width or compatibility only become plain ones. Blanks, line breaks
 * and invisible characters stay. For literals, which have no syntax, use text_fold(). */
void text_fold_pattern(struct buf *out, const char *s, size_t len);

/* False when no folded text ever holds cp, as U+2019, U+00AD or U+FF21: a pattern
 * that asks for it waits in vain. */
bool text_can_contain(uint32_t cp);

/* Appends folded text with differences of case taken out (Unicode's full case folding:
 * ß becomes ss), for comparing, not for reading. */
void text_fold_case(struct buf *out, const char *s, size_t len);

/* The representative of cp's case set: two characters that PCRE2 takes for the same when
 * case does not matter have the same one. (So may two that it tells apart, as i and the
 * dotless ı.) For searching, not for reading. */
uint32_t text_case_set(uint32_t cp);

enum text_kind {
    TEXT_GUESS,
    TEXT_PLAIN,
    TEXT_HTML,
};

/* One place where the splitter found a mark, for people who ask why. */
struct cut {
    enum cut_what { CUT_QUOTED, CUT_FORWARD, CUT_SIGNATURE } what;
    const char *mark; /* static: "attribution (de)", "gmail_quote", "device line (fr)" */
    unsigned line;    /* of the mark, from 1, in the field text */
};

/* Every buf is folded, well formed UTF-8, and holds at most its cap; the bool beside
 * it says that there was more. text is everything, in the order of the mail; reply,
 * signature and quoted share its lines out among themselves. */
struct reply_text {
    struct buf reply, signature, quoted, text;
    bool reply_cut, signature_cut, quoted_cut, text_cut;
    struct cut cuts[TEXT_MAX_CUTS];
    size_t ncuts;
    bool was_html;
};

#define REPLY_TEXT_INIT                                                                            \
    {                                                                                              \
        .ncuts = 0                                                                                 \
    }

/* Fills out, which must be initialised and empty. body may be any bytes. own_text is
 * what we had sent, as plain text, or NULL: its lines are quoted wherever they stand.
 * reply stays empty when all of the mail is quoted: it never falls back to the whole. */
void reply_text_prepare(struct reply_text *out, const char *body, size_t len, enum text_kind kind,
                        const char *own_text);
/* Shortens folded text to at most max bytes, at a character, without blanks at the end. */
void text_cut(struct buf *b, size_t max);
void reply_text_done(struct reply_text *t);

/* The word for people and JSON: quoted, forward, signature. */
const char *cut_what_name(enum cut_what what);

#endif
