#include "base/yaml.h"

#include <libfyaml.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/utf8.h"
#include "base/yaml_syntax.h"
#include "base/yaml_walk.h"

#define SOURCE_LINE_MAX 240 /* bytes of a source line that a diagnostic shows */

struct yaml_node {
    const struct yaml_doc *doc;
    enum yaml_kind kind;
    enum yaml_style style;
    size_t start; /* file offset of the first character of content */
    size_t from;  /* scalars: where yaml_walk() begins */
    size_t end;   /* [..] and {..}: behind the closing bracket; 0: not known */
    bool walks;   /* the walk agrees with the value: positions inside are known */
    const char *value;
    size_t value_len;
    size_t count;
    const struct yaml_node **keys; /* maps */
    const struct yaml_node **items;
};

struct spot {
    size_t line, offset; /* the line counts from 0 */
    unsigned col;
};

struct yaml_doc {
    struct arena *arena;
    const char *file;
    const char *raw;
    size_t raw_len;
    size_t *lines; /* offset of each line's first byte */
    size_t nlines;
    const struct yaml_node *root;
    struct spot *last_spot; /* see locate(); a document belongs to one thread */
};

/* An open list or map while events come in. */
struct frame {
    struct yaml_node *node;
    const struct yaml_node *key; /* a map's key that waits for its value */
    bool skip_value;             /* the key was refused, so its value counts for nothing */
};

struct builder {
    struct yaml_doc *doc;
    struct diags *diags;
    struct frame stack[YAML_DEPTH_MAX];
    size_t depth;
    size_t skipped;     /* open collections below one that is too deep or a key */
    size_t last_end;    /* file offset behind the last token seen */
    size_t last_closed; /* of the [ or { that was closed last, or YAML_NOWHERE */
    bool documents_over;
    bool stop;
};

/* ---- positions ---------------------------------------------------------- */

static void find_lines(struct yaml_doc *doc)
{
    const size_t bom = doc->raw_len >= 3 && memcmp(doc->raw, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    doc->lines = arena_grow(doc->arena, doc->lines, doc->nlines, sizeof(*doc->lines));
    doc->lines[doc->nlines++] = bom;
    for (size_t i = bom; i < doc->raw_len;) {
        const size_t n = yaml_break(doc->raw, doc->raw_len, i);
        i += n > 0 ? n : 1;
        if (n == 0)
            continue;
        doc->lines = arena_grow(doc->arena, doc->lines, doc->nlines, sizeof(*doc->lines));
        doc->lines[doc->nlines++] = i;
    }
}

static size_t line_of(const struct yaml_doc *doc, size_t offset)
{
    size_t low = 0;
    size_t high = doc->nlines;
    while (high - low > 1) {
        const size_t mid = low + (high - low) / 2;
        if (doc->lines[mid] <= offset)
            low = mid;
        else
            high = mid;
    }
    return low;
}

static size_t line_end(const struct yaml_doc *doc, size_t offset)
{
    while (offset < doc->raw_len && yaml_break(doc->raw, doc->raw_len, offset) == 0)
        offset++;
    return offset;
}

/* Columns are counted on from the last place asked for, so that a file in one line does not
 * take a time that grows with the square of its size. */
static void locate(const struct yaml_doc *doc, size_t offset, unsigned *line, unsigned *col)
{
    const size_t at = line_of(doc, offset);
    struct spot *last = doc->last_spot;
    if (last->col == 0 || last->line != at || last->offset > offset ||
        last->offset < doc->lines[at])
        *last = (struct spot){ .line = at, .offset = doc->lines[at], .col = 1 };
    if (offset > last->offset) {
        last->col += (unsigned)utf8_count(doc->raw + last->offset, offset - last->offset);
        last->offset = offset;
    }
    *line = (unsigned)at + 1;
    *col = offset < doc->lines[at] ? 1 : last->col;
}

/* end: the offset behind the thing; when that is on another line, or not behind, it is unknown. */
static void diag_offset(struct diags *d, int level, const struct yaml_doc *doc, size_t offset,
                        size_t end, const char *msg)
{
    unsigned line = 0;
    unsigned col = 0;
    locate(doc, offset, &line, &col);
    const size_t start = doc->lines[line - 1];
    const size_t stop = line_end(doc, start);
    const size_t len = utf8_cut(doc->raw + start, stop - start, SOURCE_LINE_MAX);
    scoped(freep) char *source = xmemdup0(doc->raw + start, len);
    const bool shown = offset <= start + len;
    diags_add(d, (enum diag_level)level, doc->file, line, col, shown ? source : NULL, "%s", msg);
    if (end > offset && end <= stop)
        diags_add_end(d, col + (unsigned)utf8_count(doc->raw + offset, end - offset));
}

static void refuse(struct builder *b, size_t offset, const char *fmt, ...) PRINTF_LIKE(3, 4);

static void refuse(struct builder *b, size_t offset, const char *fmt, ...)
{
    if (!diags_wants(b->diags, DIAG_ERROR)) {
        diags_count(b->diags, DIAG_ERROR);
        return;
    }
    scoped(freep) char *msg = NULL;
    va_list ap;
    va_start(ap, fmt);
    if (vasprintf(&msg, fmt, ap) < 0)
        abort();
    va_end(ap);
    diag_offset(b->diags, DIAG_ERROR, b->doc, offset, 0, msg);
}

/* ---- where a scalar really begins --------------------------------------- */

static bool line_is_blank(const struct yaml_doc *doc, size_t line)
{
    for (size_t i = doc->lines[line]; i < doc->raw_len; i++) {
        if (yaml_break(doc->raw, doc->raw_len, i) > 0)
            break;
        if (doc->raw[i] != ' ')
            return false;
    }
    return true;
}

static bool walks_from(const struct yaml_node *n, size_t from, size_t *start)
{
    const struct yaml_scalar s = { .raw = n->doc->raw,
                                   .raw_len = n->doc->raw_len,
                                   .from = from,
                                   .style = n->style,
                                   .value = n->value,
                                   .value_len = n->value_len };
    return yaml_walk(&s, 0, start, NULL);
}

/* libfyaml marks a block scalar's first line, its header, or a line between, by version
 * and content. The lines around the mark are tried until one agrees with the value. */
static size_t settle_block(struct yaml_node *n, size_t mark)
{
    const struct yaml_doc *doc = n->doc;
    size_t line = line_of(doc, mark);
    const size_t below = line + 1 < doc->nlines ? doc->lines[line + 1] : doc->raw_len;
    n->walks = walks_from(n, below, &n->start);
    if (n->walks)
        return below;
    for (;; line--) {
        n->walks = walks_from(n, doc->lines[line], &n->start);
        if (n->walks || line == 0 || !line_is_blank(doc, line - 1))
            return doc->lines[line];
    }
}

static size_t settle_flow(struct yaml_node *n, size_t mark)
{
    n->walks = walks_from(n, mark, &n->start);
    if (n->walks || n->style == YAML_PLAIN || mark + 1 > n->doc->raw_len)
        return mark;
    n->walks = walks_from(n, mark + 1, &n->start); /* the mark may be the quote itself */
    return n->walks ? mark + 1 : mark;
}

static void settle(struct yaml_node *n, size_t mark)
{
    n->start = mark;
    if (n->style == YAML_LITERAL || n->style == YAML_FOLDED)
        n->from = settle_block(n, mark);
    else
        n->from = settle_flow(n, mark);
    if (!n->walks)
        n->start = mark;
}

/* ---- from events to nodes ----------------------------------------------- */

static size_t token_start(const struct builder *b, struct fy_token *token)
{
    const struct fy_mark *mark = token ? fy_token_start_mark(token) : NULL;
    return mark && mark->input_pos <= b->doc->raw_len ? mark->input_pos : b->last_end;
}

/* Anchors and aliases are marked behind their & and *, tags at the !. */
static size_t sigil_start(const struct builder *b, struct fy_token *token)
{
    const size_t at = token_start(b, token);
    return at > 0 && strchr("&*!", b->doc->raw[at - 1]) ? at - 1 : at;
}

static void note_end(struct builder *b, struct fy_token *token)
{
    const struct fy_mark *mark = token ? fy_token_end_mark(token) : NULL;
    if (mark && mark->input_pos <= b->doc->raw_len && mark->input_pos > b->last_end)
        b->last_end = mark->input_pos;
}

static struct yaml_node *node_new(struct builder *b, enum yaml_kind kind, size_t start)
{
    struct yaml_node *n = arena_alloc(b->doc->arena, sizeof(*n));
    n->doc = b->doc;
    n->kind = kind;
    n->start = start;
    n->value = "";
    return n;
}

static enum yaml_style style_of(struct fy_token *token)
{
    switch (fy_token_scalar_style(token)) {
    case FYSS_SINGLE_QUOTED:
        return YAML_SINGLE_QUOTED;
    case FYSS_DOUBLE_QUOTED:
        return YAML_DOUBLE_QUOTED;
    case FYSS_LITERAL:
        return YAML_LITERAL;
    case FYSS_FOLDED:
        return YAML_FOLDED;
    default:
        return YAML_PLAIN;
    }
}

/* libfyaml 0.7.12 gets folded lines that begin with a tab wrong (too few line feeds,
 * bytes behind the end), and two doubled single quotes side by side (text is lost behind
 * them), so those are refused. */
static struct yaml_node *scalar_new(struct builder *b, struct fy_token *token)
{
    size_t len = 0;
    const char *text = token ? fy_token_get_text(token, &len) : NULL;
    const enum yaml_style style = style_of(token);
    if (!text || (len == 0 && style == YAML_PLAIN))
        return node_new(b, YAML_EMPTY, b->last_end);
    struct yaml_node *n = node_new(b, YAML_SCALAR, 0);
    n->style = style;
    n->value = arena_text(b->doc->arena, text, len);
    n->value_len = len;
    settle(n, token_start(b, token));
    if (style == YAML_FOLDED && strstr(n->value, "\n\t"))
        refuse(b, n->start, "a line of this folded text begins with a tab; use blanks");
    else if (style == YAML_SINGLE_QUOTED && !n->walks && memmem(n->value, len, "''", 2))
        refuse(b, n->start,
               "this text is read wrongly behind two doubled single quotes ('''') side by side; "
               "write it in double quotes");
    else if (memchr(text, '\0', len))
        refuse(b, n->start, "a NUL character cannot be part of a text");
    return n;
}

static void *append(struct builder *b, const struct yaml_node **list, size_t count,
                    const struct yaml_node *item)
{
    list = arena_grow(b->doc->arena, list, count, sizeof(const struct yaml_node *));
    list[count] = item;
    return list;
}

/* An item that is not there is known only by where the text before it ended; the sign
 * that announces it comes next, behind blanks and comments. */
static size_t sign_from(const struct yaml_doc *doc, size_t at, char sign)
{
    for (size_t i = at; i < doc->raw_len; i++) {
        if (doc->raw[i] == '#')
            i = line_end(doc, i);
        else if (doc->raw[i] == sign)
            return i;
        else if (!strchr(" \t\r\n", doc->raw[i]))
            break;
    }
    return at;
}

static void add_to_map(struct builder *b, struct frame *f, struct yaml_node *n)
{
    if (f->skip_value) {
        f->skip_value = false;
    } else if (f->key) {
        struct yaml_node *map = f->node;
        if (n->kind == YAML_EMPTY)
            n->start = f->key->start;
        map->keys = append(b, map->keys, map->count, f->key);
        map->items = append(b, map->items, map->count, n);
        map->count++;
        f->key = NULL;
    } else if (n->kind == YAML_SCALAR) {
        f->key = n;
    } else {
        refuse(b, n->kind == YAML_EMPTY ? sign_from(b->doc, n->start, ':') : n->start,
               "a key must be a name, not %s", yaml_kind_name(n->kind));
        f->skip_value = true;
    }
}

/* Hands a node that has begun to what is open around it. */
static void add(struct builder *b, struct yaml_node *n)
{
    if (b->depth == 0) {
        b->doc->root = n->kind == YAML_EMPTY ? NULL : n;
        return;
    }
    struct frame *f = &b->stack[b->depth - 1];
    if (f->node->kind == YAML_MAP) {
        add_to_map(b, f, n);
        return;
    }
    if (n->kind == YAML_EMPTY)
        n->start = sign_from(b->doc, n->start, '-');
    f->node->items = append(b, f->node->items, f->node->count, n);
    f->node->count++;
}

static bool waits_for_key(const struct builder *b)
{
    if (b->depth == 0)
        return false;
    const struct frame *f = &b->stack[b->depth - 1];
    return f->node->kind == YAML_MAP && !f->key && !f->skip_value;
}

static void open_collection(struct builder *b, enum yaml_kind kind, struct fy_token *token)
{
    const bool is_key = waits_for_key(b);
    struct yaml_node *n = node_new(b, kind, token_start(b, token));
    if (b->skipped == 0)
        add(b, n);
    if (b->skipped > 0 || is_key) {
        b->skipped++;
    } else if (b->depth == YAML_DEPTH_MAX) {
        refuse(b, n->start, "nested more than %d deep", YAML_DEPTH_MAX);
        b->stop = true;
    } else {
        b->stack[b->depth++] = (struct frame){ .node = n };
    }
}

static int by_name(const void *a, const void *b)
{
    const struct yaml_node *const *x = a;
    const struct yaml_node *const *y = b;
    const int order = strcmp((*x)->value, (*y)->value);
    if (order != 0)
        return order;
    return (*x)->start < (*y)->start ? -1 : (*x)->start > (*y)->start;
}

static void refuse_duplicates(struct builder *b, const struct yaml_node *map)
{
    if (map->count < 2)
        return;
    scoped(freep) const struct yaml_node **sorted =
        xcalloc(map->count, sizeof(const struct yaml_node *));
    memcpy(sorted, map->keys, map->count * sizeof(const struct yaml_node *));
    qsort(sorted, map->count, sizeof(const struct yaml_node *), by_name);
    for (size_t i = 1; i < map->count; i++) {
        if (strcmp(sorted[i - 1]->value, sorted[i]->value) != 0)
            continue;
        unsigned line = 0;
        unsigned col = 0;
        locate(b->doc, sorted[i - 1]->start, &line, &col);
        refuse(b, sorted[i]->start, "'%s' stands twice in this map, first in line %u%s",
               sorted[i]->value, line,
               sorted[i - 1] == map->keys[0] && line_of(b->doc, sorted[i]->start) + 1 > line
                   ? "; a new item of a list begins with a -"
                   : "");
    }
}

/* The mark is in front of the bracket or behind it, by version. */
static size_t bracket_end(const struct builder *b, const struct yaml_node *n,
                          struct fy_token *token)
{
    const struct fy_mark *mark = token ? fy_token_end_mark(token) : NULL;
    const struct yaml_doc *doc = b->doc;
    if (!mark || mark->input_pos > doc->raw_len || !yaml_is_flow(n))
        return 0;
    const char close = n->kind == YAML_LIST ? ']' : '}';
    const size_t at = mark->input_pos;
    if (at > n->start + 1 && doc->raw[at - 1] == close)
        return at;
    return at < doc->raw_len && doc->raw[at] == close ? at + 1 : 0;
}

static bool is_bracket(const struct yaml_doc *doc, size_t at)
{
    return at < doc->raw_len && strchr("[{", doc->raw[at]);
}

static void close_collection(struct builder *b, struct fy_token *token)
{
    if (b->skipped > 0) {
        b->skipped--;
        return;
    }
    if (b->depth == 0)
        return;
    struct yaml_node *n = b->stack[--b->depth].node;
    n->end = bracket_end(b, n, token);
    if (is_bracket(b->doc, n->start))
        b->last_closed = n->start;
    if (n->kind == YAML_MAP)
        refuse_duplicates(b, n);
}

static void refuse_decorations(struct builder *b, struct fy_event *e)
{
    struct fy_token *anchor = e->type == FYET_ALIAS ? NULL : fy_event_get_anchor_token(e);
    struct fy_token *tag = e->type == FYET_ALIAS ? NULL : fy_event_get_tag_token(e);
    if (anchor)
        refuse(b, sigil_start(b, anchor),
               "anchors (&name) are not part of this format; a text that begins with & "
               "needs single quotes");
    if (tag)
        refuse(b, sigil_start(b, tag),
               "tags (!name) are not part of this format; a text that begins with ! "
               "needs single quotes");
}

static void alias(struct builder *b, struct fy_token *token)
{
    if (b->skipped > 0)
        return;
    struct yaml_node *n = node_new(b, YAML_EMPTY, sigil_start(b, token));
    refuse(b, n->start,
           "aliases (*name) are not part of this format; a text that begins with * needs "
           "single quotes");
    if (waits_for_key(b))
        b->stack[b->depth - 1].skip_value = true;
    else
        add(b, n);
}

static void document_start(struct builder *b, struct fy_token *token)
{
    if (!b->documents_over)
        return;
    refuse(b, token_start(b, token), "a second document begins here; only one is allowed");
    b->stop = true;
}

static void take_event(struct builder *b, struct fy_event *e)
{
    struct fy_token *token = fy_event_get_token(e);
    refuse_decorations(b, e);
    switch (e->type) {
    case FYET_DOCUMENT_START:
        document_start(b, token);
        break;
    case FYET_DOCUMENT_END:
        b->documents_over = true;
        break;
    case FYET_MAPPING_START:
        open_collection(b, YAML_MAP, token);
        break;
    case FYET_SEQUENCE_START:
        open_collection(b, YAML_LIST, token);
        break;
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END:
        close_collection(b, token);
        break;
    case FYET_SCALAR:
        if (b->skipped == 0)
            add(b, scalar_new(b, token));
        break;
    case FYET_ALIAS:
        alias(b, token);
        break;
    default:
        break;
    }
    note_end(b, token);
}

/* ---- syntax errors ------------------------------------------------------ */

static size_t offset_of(const struct yaml_doc *doc, int line, int col)
{
    if (line < 1 || (size_t)line > doc->nlines)
        return doc->raw_len;
    size_t at = doc->lines[line - 1];
    for (int i = 1; i < col && at < doc->raw_len; i++) {
        if (yaml_break(doc->raw, doc->raw_len, at) > 0)
            break;
        const size_t n = utf8_decode(doc->raw + at, doc->raw_len - at, NULL);
        at += n > 0 ? n : 1;
    }
    return at;
}

/* The innermost open [ or {. */
static size_t open_bracket(const struct builder *b)
{
    if (b->depth == 0)
        return YAML_NOWHERE;
    const size_t start = b->stack[b->depth - 1].node->start;
    return is_bracket(b->doc, start) ? start : YAML_NOWHERE;
}

static void syntax_error(struct builder *b, struct fy_diag *diag)
{
    void *iter = NULL;
    const struct fy_diag_error *e = fy_diag_errors_iterate(diag, &iter);
    const struct yaml_trouble t = { .raw = b->doc->raw,
                                    .len = b->doc->raw_len,
                                    .theirs = e && e->msg ? e->msg : "unreadable",
                                    .at = e ? offset_of(b->doc, e->line, e->column) : b->last_end,
                                    .open_at = open_bracket(b),
                                    .closed_at = b->last_closed };
    scoped(buf_free) struct buf words = BUF_INIT;
    const size_t at = yaml_syntax(&t, &words);
    refuse(b, at, "%s", buf_str(&words));
}

static void run_parser(struct builder *b)
{
    struct fy_diag_cfg quiet;
    fy_diag_cfg_default(&quiet);
    quiet.fp = NULL;
    struct fy_diag *diag = fy_diag_create(&quiet);
    if (!diag)
        abort();
    fy_diag_set_collect_errors(diag, true);
    const struct fy_parse_cfg cfg = {
        .flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE,
        .diag = diag,
    };
    struct fy_parser *parser = fy_parser_create(&cfg);
    if (!parser || fy_parser_set_string(parser, b->doc->raw, b->doc->raw_len) != 0)
        abort();
    for (struct fy_event *e; !b->stop && (e = fy_parser_parse(parser));) {
        take_event(b, e);
        fy_parser_event_free(parser, e);
    }
    if (!b->stop && fy_parser_get_stream_error(parser))
        syntax_error(b, diag);
    fy_parser_destroy(parser);
    fy_diag_destroy(diag);
}

/* ---- the document ------------------------------------------------------- */

/* With its mark in front, or with a NUL for every second byte, as an editor on Windows
 * may write it. */
static bool is_utf16(const struct yaml_doc *doc)
{
    const char *s = doc->raw;
    if (doc->raw_len < 4)
        return false;
    if (memcmp(s, "\xFF\xFE", 2) == 0 || memcmp(s, "\xFE\xFF", 2) == 0)
        return true;
    return (s[0] == '\0') != (s[1] == '\0') && (s[2] == '\0') != (s[3] == '\0');
}

static bool bytes_are_fine(struct builder *b)
{
    const struct yaml_doc *doc = b->doc;
    size_t bad = 0;
    if (doc->raw_len > YAML_BYTES_MAX) {
        diags_add(b->diags, DIAG_ERROR, doc->file, 0, 0, NULL,
                  "the file has %zu bytes; %zu are the limit", doc->raw_len, YAML_BYTES_MAX);
        return false;
    }
    if (is_utf16(doc)) {
        diags_add(b->diags, DIAG_ERROR, doc->file, 1, 1, NULL,
                  "this file is UTF-16; save it as UTF-8");
        return false;
    }
    if (!utf8_valid(doc->raw, doc->raw_len, &bad)) {
        unsigned line = 0;
        unsigned col = 0;
        locate(doc, bad, &line, &col);
        diags_add(b->diags, DIAG_ERROR, doc->file, line, col, NULL,
                  "this byte (0x%02x) is not UTF-8; save the file as UTF-8",
                  (unsigned char)doc->raw[bad]);
        return false;
    }
    for (size_t i = 0; i < doc->raw_len; i++) {
        const unsigned char c = (unsigned char)doc->raw[i];
        if ((c < 0x20 && !strchr("\t\n\r", c)) || c == 0 || c == 0x7F) {
            refuse(b, i,
                   c == 0 ? "a NUL byte stands here; is this a text file in UTF-8?"
                          : "a control character (0x%02x) stands here",
                   c);
            return false;
        }
    }
    return true;
}

struct yaml_doc *yaml_parse(const char *file, const char *bytes, size_t len, struct diags *d)
{
    struct yaml_doc *doc = xcalloc(1, sizeof(*doc));
    doc->arena = arena_new();
    doc->last_spot = arena_alloc(doc->arena, sizeof(*doc->last_spot));
    doc->file = arena_strdup(doc->arena, file);
    struct builder b = { .doc = doc, .diags = d, .last_closed = YAML_NOWHERE };
    const size_t errors = d->errors;

    doc->raw_len = len;
    if (len <= YAML_BYTES_MAX) {
        doc->raw = arena_text(doc->arena, bytes, len);
        find_lines(doc);
    }
    if (bytes_are_fine(&b) && len > 0)
        run_parser(&b);
    if (d->errors == errors)
        return doc;
    yaml_free(doc);
    return NULL;
}

void yaml_free(struct yaml_doc *doc)
{
    if (!doc)
        return;
    arena_free(doc->arena);
    free(doc);
}

void yaml_freep(struct yaml_doc **doc)
{
    yaml_free(*doc);
    *doc = NULL;
}

const char *yaml_file(const struct yaml_doc *doc)
{
    return doc->file;
}

const struct yaml_node *yaml_root(const struct yaml_doc *doc)
{
    return doc->root;
}

enum yaml_kind yaml_kind(const struct yaml_node *n)
{
    return n->kind;
}

const char *yaml_kind_name(enum yaml_kind k)
{
    static const char *const names[] = { "a text", "a list", "a map", "nothing" };
    return (size_t)k < ARRAY_LEN(names) ? names[k] : "something else";
}

size_t yaml_count(const struct yaml_node *n)
{
    return n->count;
}

const struct yaml_node *yaml_item(const struct yaml_node *list, size_t i)
{
    return i < list->count ? list->items[i] : NULL;
}

const struct yaml_node *yaml_key(const struct yaml_node *map, size_t i)
{
    return map->kind == YAML_MAP && i < map->count ? map->keys[i] : NULL;
}

const struct yaml_node *yaml_value(const struct yaml_node *map, size_t i)
{
    return map->kind == YAML_MAP && i < map->count ? map->items[i] : NULL;
}

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
    if (map->kind != YAML_MAP)
        return NULL;
    for (size_t i = 0; i < map->count; i++)
        if (strcmp(map->keys[i]->value, key) == 0)
            return map->items[i];
    return NULL;
}

const char *yaml_str(const struct yaml_node *scalar, size_t *len)
{
    if (len)
        *len = scalar->value_len;
    return scalar->value;
}

enum yaml_style yaml_style(const struct yaml_node *scalar)
{
    return scalar->style;
}

bool yaml_bool(const struct yaml_node *n, bool *out)
{
    static const char *const words[] = { "false", "true", "False", "True", "FALSE", "TRUE" };
    if (n->kind != YAML_SCALAR)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcmp(n->value, words[i]) != 0)
            continue;
        *out = i % 2 == 1;
        return true;
    }
    return false;
}

/* ---- what people are told ----------------------------------------------- */

static struct yaml_scalar scalar_of(const struct yaml_node *n)
{
    return (struct yaml_scalar){ .raw = n->doc->raw,
                                 .raw_len = n->doc->raw_len,
                                 .from = n->from,
                                 .style = n->style,
                                 .value = n->value,
                                 .value_len = n->value_len };
}

static size_t place_offset(const struct yaml_node *n, size_t at)
{
    size_t offset = n->start;
    if (n->kind == YAML_SCALAR && n->walks && at > 0) {
        const struct yaml_scalar s = scalar_of(n);
        yaml_walk(&s, at, &offset, NULL);
    }
    return offset;
}

void yaml_start(const struct yaml_node *n, unsigned *line, unsigned *col)
{
    locate(n->doc, n->start, line, col);
}

void yaml_place(const struct yaml_node *scalar, size_t at, unsigned *line, unsigned *col)
{
    locate(scalar->doc, place_offset(scalar, at), line, col);
}

size_t yaml_offset(const struct yaml_node *n)
{
    return n->start;
}

bool yaml_is_flow(const struct yaml_node *n)
{
    const struct yaml_doc *doc = n->doc;
    return (n->kind == YAML_LIST || n->kind == YAML_MAP) && n->start < doc->raw_len &&
           doc->raw[n->start] == (n->kind == YAML_LIST ? '[' : '{');
}

/* The offset behind a scalar's content, or 0. */
static size_t content_end(const struct yaml_node *n)
{
    const struct yaml_scalar s = scalar_of(n);
    size_t end = 0;
    return n->kind == YAML_SCALAR && n->walks && yaml_walk(&s, 0, NULL, &end) ? end : 0;
}

static bool scalar_end(const struct yaml_node *n, size_t *end)
{
    const struct yaml_scalar s = scalar_of(n);
    size_t at = content_end(n);
    if (at == 0)
        return false;
    if (n->style == YAML_SINGLE_QUOTED || n->style == YAML_DOUBLE_QUOTED) {
        const char quote = n->style == YAML_SINGLE_QUOTED ? '\'' : '"';
        if (at >= s.raw_len || s.raw[at] != quote)
            return false;
        at++;
    }
    *end = at;
    return true;
}

bool yaml_end(const struct yaml_node *n, size_t *end)
{
    if (n->kind == YAML_SCALAR)
        return scalar_end(n, end);
    if (n->kind == YAML_EMPTY)
        return false;
    *end = n->end;
    if (yaml_is_flow(n))
        return n->end > 0;
    return n->count > 0 && yaml_end(n->items[n->count - 1], end);
}

const char *yaml_bytes(const struct yaml_doc *doc, size_t *len)
{
    *len = doc->raw_len;
    return doc->raw;
}

/* The first word of a text that a person may have meant as a key. */
static size_t first_word(const char *s)
{
    size_t n = 0;
    while ((s[n] >= 'a' && s[n] <= 'z') || (s[n] >= 'A' && s[n] <= 'Z') || s[n] == '_' ||
           s[n] == '-')
        n++;
    return s[n] == ' ' ? n : 0;
}

void yaml_map_hint(const struct yaml_node *n, struct buf *words)
{
    scoped(buf_free) struct buf hint = BUF_INIT;
    if (n->kind != YAML_SCALAR || n->style != YAML_PLAIN)
        return;
    const size_t word = first_word(n->value);
    if (yaml_blank_missing(n->value, n->value_len, &hint))
        buf_printf(words, "; %s", buf_str(&hint));
    else if (word > 0)
        buf_printf(words, "; is a colon missing behind '%.*s'?", (int)word, n->value);
}

bool yaml_begins_line(const struct yaml_node *n)
{
    size_t at = n->doc->lines[line_of(n->doc, n->start)];
    while (at < n->start && n->doc->raw[at] == ' ')
        at++;
    return at == n->start;
}

bool yaml_comment_follows(const struct yaml_node *scalar)
{
    if (scalar->kind != YAML_SCALAR || scalar->style != YAML_PLAIN || !scalar->walks)
        return false;
    const struct yaml_scalar s = scalar_of(scalar);
    size_t end = 0;
    if (!yaml_walk(&s, 0, NULL, &end))
        return false;
    size_t at = end;
    while (at < s.raw_len && (s.raw[at] == ' ' || s.raw[at] == '\t'))
        at++;
    return at > end && at < s.raw_len && s.raw[at] == '#';
}

void yaml_diag(struct diags *d, int level, const struct yaml_node *n, const char *fmt, ...)
{
    if (!diags_wants(d, (enum diag_level)level)) {
        diags_count(d, (enum diag_level)level);
        return;
    }
    scoped(freep) char *msg = NULL;
    va_list ap;
    va_start(ap, fmt);
    if (vasprintf(&msg, fmt, ap) < 0)
        abort();
    va_end(ap);
    diag_offset(d, level, n->doc, n->start, content_end(n), msg);
}

void yaml_diag_at(struct diags *d, int level, const struct yaml_node *n, size_t at, const char *fmt,
                  ...)
{
    if (!diags_wants(d, (enum diag_level)level)) {
        diags_count(d, (enum diag_level)level);
        return;
    }
    scoped(freep) char *msg = NULL;
    va_list ap;
    va_start(ap, fmt);
    if (vasprintf(&msg, fmt, ap) < 0)
        abort();
    va_end(ap);
    diag_offset(d, level, n->doc, place_offset(n, at), 0, msg);
}
