/* html_emit.h - elements and text in, lines and zones out: what html.c (gumbo's tree)
 * and html_strip.c (our own tokens) have in common. Not for others. */
#ifndef AUTOMARK_EVENT_HTML_EMIT_H
#define AUTOMARK_EVENT_HTML_EMIT_H

#include <stdbool.h>
#include <stddef.h>

#include "event/html.h"
#include "event/html_marks.h"
#include "event/split_phrase.h"

struct element {
    struct span tag;              /* lower case */
    struct span attr[ATTR_COUNT]; /* s is NULL when absent; as written */
};

struct emitter {
    struct html_text *out;
    bool keep_hidden; /* the other way gave nothing */
    bool in_line;     /* something stands in the current line */
    bool blank;       /* one is due before the next word */
    bool list_item;   /* its mark is due */
    unsigned depth;
    unsigned skip, pre; /* open elements of a kind */
    unsigned quoted, gmail, maybe, indent, signature;
    unsigned gmail_depth;  /* of the outermost Gmail quotation */
    unsigned answer_depth; /* of the Gmail quotation in which the lead answers; 0 is none */
    bool rest;
    enum zone_kind zone; /* of the last line written */
    const char *mark[ZONE_REST + 1];
};

/* Each open is followed by its close, unless the element is void. */
void emit_open(struct emitter *em, const struct element *el);
void emit_close(struct emitter *em, const struct element *el);
/* Decoded text. */
void emit_text(struct emitter *em, struct span text);
void emit_comment(struct emitter *em, struct span text);
/* All that follows is the original. */
void emit_rest(struct emitter *em, const char *mark);

/* What kind of container an element is; ZONE_OWN is none. */
enum zone_kind html_container(const struct element *el, const char **mark);

bool html_is_void(struct span tag);
/* Elements whose content is no text: style, script, title and so on. */
bool html_is_raw(struct span tag);
/* "<ada@host>", "<https://...>": text that looks like a tag. whole includes < and >. */
bool html_is_text_tag(struct span tag, struct span whole);

/* Our own way, for what gumbo should not see. */
void html_strip(struct emitter *em, const char *html, size_t len);
/* May gumbo see it? Scans tags once. */
bool html_is_tame(const char *html, size_t len);

#endif
