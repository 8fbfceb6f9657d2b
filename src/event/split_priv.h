/* split_priv.h - one walk over the lines of a mail: what the parts of it share.
 * split.c walks and writes the fields; split_original.c knows where the original begins
 * (split_greeting.c where no mark says so),
 * split_quotes.c what is marked line by line or by HTML, split_signature.c signatures and
 * small print. Not for others. */
#ifndef AUTOMARK_EVENT_SPLIT_PRIV_H
#define AUTOMARK_EVENT_SPLIT_PRIV_H

#include "event/split_lines.h"
#include "event/text.h"

struct splitter {
    struct mail mail;
    struct reply_text *out;
    const struct zone *zones;
    size_t nzones;
    bool rest;      /* all that follows is the original */
    bool answers;   /* the original has begun, with the lead's answers in it */
    bool signature; /* all that follows up to the next mark is the signature */
    bool own_words; /* some were seen */
    size_t block;   /* the line behind the last quotation; 0 is none yet */
    size_t footer;  /* the last line with small print, + 1; SIZE_MAX is not looked for yet */
    size_t maybe;   /* the last line in a ZONE_MAYBE, + 1 */
    size_t proven;  /* the last line that HTML says is the original, + 1 */
};

void split_cut(struct splitter *sp, enum cut_what what, const char *mark, size_t line);
void split_class(struct splitter *sp, size_t from, size_t to, enum line_class class);

/* ---- split_original.c ---- */

/* Does anything from line i on look like the small print below our own mail? */
bool footer_behind(struct splitter *sp, size_t i);
/* A mark with nothing before it, and nothing quoted behind it: what follows, from line
 * end on, may be all that the lead wrote. */
bool is_top_of_own_words(struct splitter *sp, size_t end);
/* All from line i on is the original, unless the lead announced answers in it. */
void rest_from(struct splitter *sp, size_t i);
/* ">> They did.", where the lead announced answers. */
bool is_marked_answer(const struct splitter *sp, size_t i);
/* A rule, a gateway's banner, labels right above a mark belong to the mark. */
void take_rule_above(struct splitter *sp, size_t i);
/* The attribution from line i to end was found: what follows is quoted line by line, or
 * all of it is the original. Returns end. */
size_t quote_from(struct splitter *sp, size_t i, size_t end, const char *name, bool may_answer);
/* The next mark of the original from line i on, before line stop; stop when there is none. */
size_t next_mark(const struct mail *m, size_t i, size_t stop);
/* A mark of the original at line i: the line behind it; i when there is none. */
size_t original_at(struct splitter *sp, size_t i);

/* ---- split_greeting.c ---- */

/* At line i the lead's words are over: somebody greets again, small print follows, and no
 * mark that is known stands between. */
bool greets_again(struct splitter *sp, size_t i);

/* ---- split_quotes.c ---- */

bool is_quote_line(const struct mail *m, size_t i);
bool in_blockquote(const struct mail *m, size_t i);
/* What HTML said of line i, as the name of a cut. */
const char *zone_mark(const struct splitter *sp, size_t i);
/* GroupWise's attribution in arrows: the line behind it; i when there is none. */
size_t arrow_attribution(const struct mail *m, size_t i);
/* Both take one quotation that begins at line i, and return the line behind it. */
size_t blockquote_from(struct splitter *sp, size_t i);
size_t block_from(struct splitter *sp, size_t i);

/* ---- split_signature.c ---- */

/* Small print at line i that is not the lead's. */
bool is_stray_small_print(const struct splitter *sp, size_t i);
/* A device line at line i, which is taken, or the line from which on all is signature. */
bool signature_at(struct splitter *sp, size_t i);
/* The signature that HTML marks from line i on; the line behind it. */
size_t zone_signature_from(struct splitter *sp, size_t i);

#endif
