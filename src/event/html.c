#include "event/html.h"

#include <gumbo.h>
#include <stdlib.h>
#include <string.h>

#include "event/html_emit.h"

#define TAG_MAX 64

/* ---- gumbo's tree, walked without recursion ---- */

static struct span string_piece(GumboStringPiece p)
{
    return (struct span){ p.data, p.length };
}

/* The name of an element that HTML does not know stands only in the source. */
static struct span tag_name(const GumboElement *e, char *copy)
{
    if (e->tag != GUMBO_TAG_UNKNOWN) {
        const char *name = gumbo_normalized_tagname(e->tag);
        return (struct span){ name, strlen(name) };
    }
    GumboStringPiece piece = e->original_tag;
    gumbo_tag_from_original_text(&piece);
    size_t n = 0;
    for (; n < piece.length && n < TAG_MAX; n++)
        copy[n] = piece.data[n] >= 'A' && piece.data[n] <= 'Z' ? (char)(piece.data[n] + 32)
                                                               : piece.data[n];
    return (struct span){ copy, n };
}

static struct element element_of(const GumboElement *e, char *copy)
{
    struct element el = { .tag = tag_name(e, copy) };
    for (size_t i = 0; i < ATTR_COUNT; i++) {
        const GumboAttribute *a = gumbo_get_attribute(&e->attributes, html_attr_names[i]);
        if (a)
            el.attr[i] = (struct span){ a->value, strlen(a->value) };
    }
    return el;
}

static const GumboVector *children_of(const GumboNode *n)
{
    if (n->type == GUMBO_NODE_DOCUMENT)
        return &n->v.document.children;
    if (n->type == GUMBO_NODE_ELEMENT || n->type == GUMBO_NODE_TEMPLATE)
        return &n->v.element.children;
    return NULL;
}

static void enter(struct emitter *em, const GumboNode *n)
{
    char copy[TAG_MAX];
    if (n->type == GUMBO_NODE_ELEMENT || n->type == GUMBO_NODE_TEMPLATE) {
        const struct element el = element_of(&n->v.element, copy);
        const struct span whole = string_piece(n->v.element.original_tag);
        if (n->v.element.tag == GUMBO_TAG_UNKNOWN && html_is_text_tag(el.tag, whole))
            emit_text(em, whole);
        emit_open(em, &el);
    } else if (n->type == GUMBO_NODE_COMMENT) {
        emit_comment(em, (struct span){ n->v.text.text, strlen(n->v.text.text) });
    } else if (n->type != GUMBO_NODE_DOCUMENT) {
        emit_text(em, (struct span){ n->v.text.text, strlen(n->v.text.text) });
    }
}

static void leave(struct emitter *em, const GumboNode *n)
{
    char copy[TAG_MAX];
    if (n->type != GUMBO_NODE_ELEMENT && n->type != GUMBO_NODE_TEMPLATE)
        return;
    const struct element el = element_of(&n->v.element, copy);
    if (!html_is_void(el.tag))
        emit_close(em, &el);
}

static void walk(struct emitter *em, const GumboNode *root)
{
    const GumboNode *n = root;
    enter(em, n);
    for (;;) {
        const GumboVector *below = children_of(n);
        if (below && below->length > 0) {
            n = below->data[0];
            enter(em, n);
            continue;
        }
        for (;;) {
            leave(em, n);
            if (n == root)
                return;
            const GumboVector *beside = children_of(n->parent);
            const size_t next = n->index_within_parent + 1;
            if (next < beside->length) {
                n = beside->data[next];
                enter(em, n);
                break;
            }
            n = n->parent;
        }
    }
}

static void parse(struct emitter *em, const char *html, size_t len)
{
    GumboOptions options = kGumboDefaultOptions;
    options.max_errors = 0;
    GumboOutput *tree = gumbo_parse_with_options(&options, html, len);
    walk(em, tree->document);
    gumbo_destroy_output(&options, tree);
}

/* ---- the door ---- */

static bool is_blank(const struct buf *b)
{
    return strspn(buf_str(b), " \n") == b->len;
}

static void convert(struct html_text *out, const char *html, size_t len, bool tame, bool hidden)
{
    struct emitter em = { .out = out, .keep_hidden = hidden };
    html_text_done(out);
    if (tame)
        parse(&em, html, len);
    else
        html_strip(&em, html, len);
}

void html_to_text(struct html_text *out, const char *html, size_t len)
{
    const bool tame = html_is_tame(html, len);
    convert(out, html, len, tame, false);
    if (is_blank(&out->text))
        convert(out, html, len, tame, true);
    if (is_blank(&out->text) && tame)
        convert(out, html, len, false, true);
}

void html_text_done(struct html_text *t)
{
    buf_free(&t->text);
    free(t->zones);
    *t = (struct html_text)HTML_TEXT_INIT;
}

/* Plain text holds <ada@host> and perhaps <http://...>, and one day a lone <b>. */
bool html_is_likely(const char *s, size_t len)
{
    static const char *const signs[] = { "<html",     "<body",       "<div",   "<p>",
                                         "<p ",       "<br",         "<table", "<span",
                                         "<!doctype", "<blockquote", "<meta",  "</p>",
                                         "</div>",    "</a>",        "<ul>",   "<font" };
    unsigned found = 0;
    for (size_t i = 0; i < len && found < 2; i++) {
        if (s[i] != '<')
            continue;
        for (size_t k = 0; k < sizeof(signs) / sizeof(signs[0]); k++) {
            const size_t n = strlen(signs[k]);
            if (len - i >= n && strncasecmp(s + i, signs[k], n) == 0) {
                found += k < 2 || signs[k][1] == '!' ? 2 : 1;
                break;
            }
        }
    }
    return found >= 2;
}
