/* html_marks.h - elements by which mail programs mark the original and signatures, as
 * data: one line an entry. The unit test walks the table. */
#ifndef AUTOMARK_EVENT_HTML_MARKS_H
#define AUTOMARK_EVENT_HTML_MARKS_H

#include <stddef.h>

#include "event/split.h"

enum html_attr {
    ATTR_ID,
    ATTR_CLASS,
    ATTR_STYLE,
    ATTR_NAME,
    ATTR_TYPE,
    ATTR_CITE,
    ATTR_MARKER,    /* data-marker */
    ATTR_SIGNATURE, /* data-signatureblock */
    ATTR_SIZE,
    ATTR_WIDTH,
    ATTR_HIDDEN,
    ATTR_COUNT,
};
extern const char *const html_attr_names[ATTR_COUNT];

enum html_how {
    HOW_WORD,   /* one of the blank-separated words is it */
    HOW_PREFIX, /* one of them begins with it */
    HOW_SUFFIX, /* one of them ends with it */
    HOW_INSIDE, /* it occurs */
    HOW_ANY,    /* the attribute is there */
};

/* Values are lower case; styles have no blanks, and all parts between | must occur. */
struct html_mark {
    const char *tag; /* "" is any */
    enum html_attr attr;
    enum html_how how;
    const char *value;
    enum zone_kind kind;
    const char *name; /* of the cut */
};
extern const struct html_mark html_marks[];
extern const size_t html_marks_count;

/* Comments that stand right before the original. */
extern const char *const html_comment_marks[];
extern const size_t html_comment_marks_count;

#endif
