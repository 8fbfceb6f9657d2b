#include "event/html_emit.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"

#define VALUE_MAX 512 /* bytes of an attribute that are looked at */

/* ---- kinds of elements ---- */

static bool is_one_of(struct span tag, const char *const *names)
{
    for (; *names; names++)
        if (span_is(tag, *names))
            return true;
    return false;
}

bool html_is_void(struct span tag)
{
    static const char *const names[] = { "br",    "hr",   "img",     "meta",     "link",  "input",
                                         "area",  "base", "col",     "embed",    "param", "source",
                                         "track", "wbr",  "bgsound", "basefont", "frame", NULL };
    return is_one_of(tag, names);
}

bool html_is_raw(struct span tag)
{
    static const char *const names[] = { "style", "script",  "title",    "iframe",
                                         "xmp",   "noembed", "noframes", NULL };
    return is_one_of(tag, names);
}

static bool is_skipped(struct span tag)
{
    static const char *const names[] = { "head", "template", "object", "xml", NULL };
    return html_is_raw(tag) || is_one_of(tag, names);
}

static bool is_block(struct span tag)
{
    static const char *const names[] = {
        "div",     "p",       "blockquote", "table",   "tr",     "ul",      "ol",      "li",
        "dl",      "dt",      "dd",         "h1",      "h2",     "h3",      "h4",      "h5",
        "h6",      "pre",     "hr",         "center",  "form",   "address", "article", "aside",
        "section", "header",  "footer",     "main",    "nav",    "figure",  "caption", "thead",
        "tbody",   "tfoot",   "fieldset",   "details", "legend", "summary", "body",    "html",
        "option",  "listing", "dir",        "menu",    NULL
    };
    return is_one_of(tag, names);
}

bool html_is_text_tag(struct span tag, struct span whole)
{
    if (memchr(tag.s, '@', tag.len) || span_begins(tag, "mailto:") || span_begins(tag, "http:") ||
        span_begins(tag, "https:"))
        return true;
    return memchr(whole.s, '@', whole.len) && !memchr(whole.s, '=', whole.len) &&
           !html_is_void(tag) && !is_block(tag);
}

/* ---- which container an element is ---- */

/* Lower case; styles without blanks. */
static struct span clean_value(struct span value, bool style, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < value.len && n < VALUE_MAX; i++) {
        const char c = value.s[i];
        const bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
        if (!(style && blank))
            out[n++] = blank ? ' ' : c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
    return (struct span){ out, n };
}

/* Outlook on the web puts x_ before the names of what it embeds. */
static bool word_fits(struct span word, enum html_how how, const char *value)
{
    while (span_begins(word, "x_"))
        word = span_from(word, 2);
    return how == HOW_PREFIX   ? span_begins(word, value)
           : how == HOW_SUFFIX ? span_ends(word, value)
                               : span_is(word, value);
}

/* All parts between | occur, in any order. */
static bool holds_parts(struct span s, const char *parts)
{
    while (*parts) {
        const size_t n = strcspn(parts, "|");
        if (!memmem(s.s, s.len, parts, n))
            return false;
        parts += n + (parts[n] == '|');
    }
    return true;
}

static bool value_fits(struct span s, enum html_how how, const char *value)
{
    if (how == HOW_ANY)
        return true;
    if (how == HOW_INSIDE)
        return holds_parts(s, value);
    for (size_t at = 0; at < s.len;) {
        size_t end = at;
        while (end < s.len && s.s[end] != ' ')
            end++;
        if (word_fits((struct span){ s.s + at, end - at }, how, value))
            return true;
        at = end + 1;
    }
    return false;
}

/* Outlook 2003: a rule across the page. */
static bool is_outlook_rule(const struct element *el)
{
    return span_is(el->tag, "hr") && el->attr[ATTR_SIZE].s && el->attr[ATTR_WIDTH].s &&
           (span_is(el->attr[ATTR_SIZE], "3") || span_is(el->attr[ATTR_SIZE], "2")) &&
           span_is(el->attr[ATTR_WIDTH], "100%");
}

enum zone_kind html_container(const struct element *el, const char **mark)
{
    char copy[ATTR_COUNT][VALUE_MAX];
    struct span value[ATTR_COUNT] = { { NULL, 0 } };
    for (size_t a = 0; a < ATTR_COUNT; a++)
        if (el->attr[a].s)
            value[a] = clean_value(el->attr[a], a == ATTR_STYLE, copy[a]);
    for (size_t i = 0; i < html_marks_count; i++) {
        const struct html_mark *m = &html_marks[i];
        if (!value[m->attr].s || (m->tag[0] && !span_is(el->tag, m->tag)) ||
            !value_fits(value[m->attr], m->how, m->value))
            continue;
        *mark = m->name;
        return m->kind;
    }
    *mark = "blockquote";
    if (span_is(el->tag, "blockquote"))
        return ZONE_MAYBE;
    *mark = "Outlook rule";
    return is_outlook_rule(el) ? ZONE_REST : ZONE_OWN;
}

static bool is_hidden(const struct element *el)
{
    char copy[VALUE_MAX];
    if (el->attr[ATTR_HIDDEN].s)
        return true;
    if (!el->attr[ATTR_STYLE].s)
        return false;
    const struct span style = clean_value(el->attr[ATTR_STYLE], true, copy);
    return memmem(style.s, style.len, "display:none", 12) != NULL;
}

/* ---- lines ---- */

static void new_line(struct emitter *em)
{
    buf_putc(&em->out->text, '\n');
    em->in_line = false;
    em->blank = false;
}

static void end_line(struct emitter *em)
{
    if (em->in_line)
        new_line(em);
    em->blank = false;
}

static void end_paragraph(struct emitter *em)
{
    const struct buf *b = &em->out->text;
    end_line(em);
    if (b->len >= 2 && b->data[b->len - 2] != '\n')
        new_line(em);
}

static enum zone_kind zone_now(const struct emitter *em)
{
    if (em->rest)
        return ZONE_REST;
    if (em->quoted > 0 && !(em->answer_depth > 0 && em->quoted == em->gmail))
        return ZONE_QUOTED;
    if (em->signature > 0)
        return ZONE_SIGNATURE;
    return em->maybe > 0 ? ZONE_MAYBE : em->indent > 0 ? ZONE_INDENT : ZONE_OWN;
}

/* Called before something is written: a new zone starts in a line of its own. */
static void enter_zone(struct emitter *em)
{
    const enum zone_kind zone = zone_now(em);
    if (zone == em->zone)
        return;
    end_line(em);
    em->zone = zone;
    struct html_text *out = em->out;
    if (out->nzones % 64 == 0)
        out->zones = xreallocarray(out->zones, out->nzones + 64, sizeof(*out->zones));
    out->zones[out->nzones++] =
        (struct zone){ .at = out->text.len, .kind = zone, .mark = em->mark[zone] };
}

static void put_char(struct emitter *em, char c)
{
    struct buf *b = &em->out->text;
    if (em->list_item && !em->in_line)
        buf_puts(b, "- ");
    em->list_item = false;
    if (em->blank && em->in_line)
        buf_putc(b, ' ');
    em->blank = false;
    em->in_line = true;
    buf_putc(b, c);
}

void emit_text(struct emitter *em, struct span text)
{
    if (em->skip > 0)
        return;
    bool entered = false;
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.s[i];
        if (c == '\n' && em->pre > 0) {
            new_line(em);
        } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
            em->blank = true;
        } else {
            if (!entered)
                enter_zone(em);
            entered = true;
            put_char(em, c);
        }
    }
}

void emit_rest(struct emitter *em, const char *mark)
{
    if (!em->rest)
        em->mark[ZONE_REST] = mark;
    em->rest = true;
}

void emit_comment(struct emitter *em, struct span text)
{
    char copy[VALUE_MAX];
    const struct span s = span_trim(clean_value(text, false, copy));
    for (size_t i = 0; i < html_comment_marks_count; i++)
        if (span_is(s, html_comment_marks[i]) && em->quoted == 0)
            emit_rest(em, "comment originalMessage");
}

/* ---- elements ---- */

static unsigned *counter(struct emitter *em, enum zone_kind kind)
{
    return kind == ZONE_QUOTED      ? &em->quoted
           : kind == ZONE_MAYBE     ? &em->maybe
           : kind == ZONE_INDENT    ? &em->indent
           : kind == ZONE_SIGNATURE ? &em->signature
                                    : NULL;
}

/* Inside a Gmail quotation every blockquote is the original. */
static enum zone_kind kind_here(const struct emitter *em, const struct element *el,
                                const char **mark)
{
    const enum zone_kind kind = html_container(el, mark);
    return em->gmail > 0 && (kind == ZONE_MAYBE || kind == ZONE_INDENT) ? ZONE_QUOTED : kind;
}

static bool is_gmail_div(const struct element *el, enum zone_kind kind, const char *mark)
{
    return kind == ZONE_QUOTED && strcmp(mark, "gmail_quote") == 0 &&
           !span_is(el->tag, "blockquote");
}

static void open_zone(struct emitter *em, const struct element *el)
{
    const char *mark = NULL;
    const enum zone_kind kind = kind_here(em, el, &mark);
    unsigned *count = counter(em, kind);
    if (kind == ZONE_REST && em->quoted == 0)
        emit_rest(em, mark);
    if (!count || html_is_void(el->tag))
        return;
    if (*count == 0)
        em->mark[kind] = mark;
    ++*count;
    if (is_gmail_div(el, kind, mark) && em->gmail++ == 0)
        em->gmail_depth = em->depth;
}

static void close_zone(struct emitter *em, const struct element *el)
{
    const char *mark = NULL;
    const enum zone_kind kind = kind_here(em, el, &mark);
    unsigned *count = counter(em, kind);
    if (count && *count > 0)
        --*count;
    if (is_gmail_div(el, kind, mark) && em->gmail > 0)
        em->gmail--;
    /* What stands in the outermost Gmail quotation right behind a blockquote of it is an
     * answer; deeper down it may be the end of a forwarded mail. */
    if (em->gmail == 1 && em->quoted == 1 && em->depth == em->gmail_depth &&
        span_is(el->tag, "blockquote") && strcmp(mark, "gmail_quote") == 0)
        em->answer_depth = em->depth;
    if (em->depth < em->answer_depth)
        em->answer_depth = 0;
}

static bool is_tight(const struct element *el)
{
    char copy[VALUE_MAX];
    const struct span class = clean_value(el->attr[ATTR_CLASS], false, copy);
    if (memmem(class.s, class.len, "mso", 3))
        return true;
    const struct span style = clean_value(el->attr[ATTR_STYLE], true, copy);
    return memmem(style.s, style.len, "margin:0", 8) != NULL;
}

static void lay_out(struct emitter *em, const struct element *el, bool opens)
{
    if (em->skip > 0)
        return;
    if (span_is(el->tag, "br"))
        new_line(em);
    else if (span_is(el->tag, "td") || span_is(el->tag, "th"))
        em->blank = true;
    else if (span_is(el->tag, "p") && !is_tight(el))
        end_paragraph(em);
    else if (is_block(el->tag))
        end_line(em);
    em->list_item = opens && (em->list_item || span_is(el->tag, "li"));
}

void emit_open(struct emitter *em, const struct element *el)
{
    const bool is_void = html_is_void(el->tag);
    if (is_skipped(el->tag) || (!em->keep_hidden && !is_void && is_hidden(el)))
        em->skip++;
    if (!is_void)
        em->depth++;
    lay_out(em, el, true);
    open_zone(em, el);
    if (span_is(el->tag, "pre"))
        em->pre++;
}

void emit_close(struct emitter *em, const struct element *el)
{
    if (span_is(el->tag, "pre") && em->pre > 0)
        em->pre--;
    if (em->depth > 0)
        em->depth--;
    close_zone(em, el);
    lay_out(em, el, false);
    if (em->skip > 0 && (is_skipped(el->tag) || (!em->keep_hidden && is_hidden(el))))
        em->skip--;
}
