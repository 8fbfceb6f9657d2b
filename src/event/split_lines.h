/* split_lines.h - a mail as lines with what one look at each tells; the common ground
 * of the files split*.c. Not for others. */
#ifndef AUTOMARK_EVENT_SPLIT_LINES_H
#define AUTOMARK_EVENT_SPLIT_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "event/split.h"
#include "event/split_phrase.h"

enum line_class { LINE_OWN, LINE_QUOTED, LINE_SIGNATURE };

/* Facts of a line, as bits. */
enum {
    LINE_BLANK = 1,        /* nothing, or quote marks alone */
    LINE_RULE = 2,         /* dashes and the like */
    LINE_MAY_END = 4,      /* an attribution could end here */
    LINE_HINT = 8,         /* holds a digit or an @ */
    LINE_OURS = 16,        /* we had sent it */
    LINE_NAMED = 32,       /* quoted as "Ada> ..." or "| ..." */
    LINE_PIECE = 64,       /* continues the line of the text that the line before began */
    LINE_ATTRIBUTED = 128, /* an attribution stood right above this quotation */
    LINE_CODE = 256,       /* between two code fences */
    LINE_FLAT = 512,       /* the original seems to begin here, in text without line breaks */
};

struct line {
    uint32_t at, len; /* in text and low alike */
    uint32_t number;  /* in the field text, from 1 */
    uint16_t label;   /* 1 + its entry in split_labels, when it begins with one */
    uint8_t zone;     /* enum zone_kind */
    uint8_t level;    /* of > marks */
    uint8_t prefix;   /* bytes of them */
    uint8_t class;    /* enum line_class */
    uint16_t facts;
};

struct mail {
    const char *text;
    struct buf low; /* text in lower case, byte for byte at the same place */
    struct line *line;
    size_t count, cap;
    bool flat; /* much text in a line or two: it lost its line breaks */
    const struct split_index *ix;
};

/* Blank lines in a row that are kept apart; more of them are as good as none. */
#define BLANKS_MAX 4

void mail_read(struct mail *m, const char *text, size_t len, const struct zone *zones,
               size_t nzones);
void mail_done(struct mail *m);
/* Marks the lines that own_text has as well with LINE_OURS: a long line that equals one of
 * ours is ours; a short one only right below such. */
void mail_find_ours(struct mail *m, const char *own_text);

/* The line in lower case, without blanks around and, unless raw, without quote marks. */
struct span mail_low(const struct mail *m, size_t i);
struct span mail_raw(const struct mail *m, size_t i);
bool line_is(const struct mail *m, size_t i, unsigned facts);
/* The first line at or behind i that is not blank, within BLANKS_MAX blank lines;
 * count when there is none. */
size_t mail_next(const struct mail *m, size_t i);
/* True when the next line that is not blank is a quotation: marked by > or by HTML. */
bool mail_quotes_at(const struct mail *m, size_t i);
/* ---- marks; each returns the name of what begins at line i, or NULL ---- */

/* "On ... wrote:", wrapped over a few lines; *end is the line behind it. */
const char *attribution_at(const struct mail *m, size_t i, size_t *end);
/* "Ada Lovelace wrote:" alone in a line: no proof by itself. */
bool may_be_attribution(const struct mail *m, size_t i);
/* "From: ... Sent: ... To: ..."; *end is the line behind it. */
const char *headers_at(const struct mail *m, size_t i, size_t *end);
/* The same below "---- words ----", in a language that the tables do not know. */
const char *foreign_block_at(const struct mail *m, size_t i, size_t *end);
/* The same as Lotus Notes writes it: each label and each value in a line of its own. */
const char *notes_table_at(const struct mail *m, size_t i, size_t *end);
/* "---- Original Message ----". */
const char *marker_at(const struct mail *m, size_t i, bool *forward);
/* "Sent from my phone". */
const char *device_at(const struct mail *m, size_t i);

/* Where one of the first three stands inside a line that holds more: the bytes from
 * up to to, in low. */
bool attribution_inside(const struct mail *m, size_t i, size_t *from, size_t *to);
bool headers_inside(const struct mail *m, size_t i, size_t *from, size_t *to);
bool marker_inside(const struct mail *m, size_t i, size_t *from, size_t *to);
/* The one that begins first. */
bool mark_inside(const struct mail *m, size_t i, size_t *from, size_t *to);

/* In line i up to byte stop, without a mark: the byte from which on it seems to be the
 * original, because signs of a mark stand close together and small print behind them. */
bool flat_original_inside(const struct mail *m, size_t i, size_t stop, size_t *from);

/* Does the text hold what looks like an address, a time of day, a year or date? */
struct evidence {
    bool address, time, year, date;
};
struct evidence evidence_in(struct span s, const struct split_index *ix);

#endif
