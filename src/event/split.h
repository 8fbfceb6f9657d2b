/* split.h - which lines of a mail are the lead's own, the signature, or history.
 *
 * Pure and linear: lines are looked at once, marks in windows of a few lines. The
 * knowledge about languages and programs is data, in split_marks.c. */
#ifndef AUTOMARK_EVENT_SPLIT_H
#define AUTOMARK_EVENT_SPLIT_H

#include <stddef.h>

struct reply_text;

/* What HTML knows of a stretch of text. */
enum zone_kind {
    ZONE_OWN,       /* nothing: the lines decide */
    ZONE_QUOTED,    /* in a container that holds the original */
    ZONE_MAYBE,     /* in a blockquote that the lead may have made */
    ZONE_INDENT,    /* the same, and less likely the original */
    ZONE_SIGNATURE, /* in a signature container */
    ZONE_REST,      /* behind a mark after which all is the original */
};

struct zone {
    size_t at; /* first byte in the text; valid up to the next zone */
    enum zone_kind kind;
    const char *mark; /* static name for the cut */
};

/* text is folded and stays the caller's; zones are sorted and start at line starts.
 * Fills reply, signature, quoted and the cuts of out. own_text is folded, or NULL. */
void split(struct reply_text *out, const char *text, size_t len, const struct zone *zones,
           size_t nzones, const char *own_text);

#endif
