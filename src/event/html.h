/* html.h - the text of an HTML mail, and what its elements tell about quotations.
 *
 * Pure and thread-safe. Parsed by gumbo (HTML5), unless the input is of a kind that
 * costs gumbo more than linear time, deep recursion or the text (unclosed comments):
 * then by a stripper of our own with the same idea of containers. */
#ifndef AUTOMARK_EVENT_HTML_H
#define AUTOMARK_EVENT_HTML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "event/split.h"

struct html_text {
    struct buf text; /* not folded; lines end with LF, blanks are collapsed */
    struct zone *zones;
    size_t nzones;
};

#define HTML_TEXT_INIT                                                                             \
    {                                                                                              \
        .zones = NULL                                                                              \
    }

/* html is well formed UTF-8. Fills out, which must be initialised and empty. */
void html_to_text(struct html_text *out, const char *html, size_t len);
void html_text_done(struct html_text *t);

/* Does it look like HTML: known elements, more than a stray one? */
bool html_is_likely(const char *s, size_t len);

#endif
