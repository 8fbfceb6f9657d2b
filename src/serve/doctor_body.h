/* doctor_body.h - what may have happened to a body between its signing and its capture.
 *
 * Each change, undone, gives bytes that may have been signed. Pure. */
#ifndef AUTOMARK_SERVE_DOCTOR_BODY_H
#define AUTOMARK_SERVE_DOCTOR_BODY_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

enum body_change {
    BODY_AS_IS,
    BODY_LF_ADDED, /* a line break at its end */
    BODY_CRLF_ADDED,
    BODY_LF_LOST,
    BODY_CRLF_LOST,
    BODY_CR_LOST,  /* CR LF became LF */
    BODY_CR_ADDED, /* LF became CR LF */
    BODY_BOM_ADDED,
    BODY_WAS_COMPACT, /* JSON that was written anew; these say how it was signed */
    BODY_WAS_COMPACT_SLASHES,
    BODY_WAS_COMPACT_ASCII,
    BODY_WAS_COMPACT_ASCII_SLASHES,
    BODY_WAS_SPACED,
    BODY_WAS_SPACED_ASCII,
    BODY_WAS_PRETTY_2,
    BODY_WAS_PRETTY_4,
    BODY_CHANGES
};

/* Writes to out the bytes before that change. False when it cannot have happened to this
 * body, or would leave it as it is. */
bool body_undo(enum body_change change, const char *body, size_t len, struct buf *out);
/* "a line break was added at its end", for a sentence about the body. */
const char *body_change_words(enum body_change change);

#endif
