#include "base/yaml_walk.h"

#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/utf8.h"

/* r runs through the file, v through the value; emit() moves v only past bytes that agree. */
struct walk {
    const struct yaml_scalar *s;
    size_t r, v;
    size_t at, found;
};

size_t yaml_break(const char *raw, size_t raw_len, size_t at)
{
    if (at >= raw_len)
        return 0;
    if (raw[at] == '\n')
        return 1;
    if (raw[at] != '\r')
        return 0;
    return at + 1 < raw_len && raw[at + 1] == '\n' ? 2 : 1;
}

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

static size_t break_at(const struct walk *w, size_t r)
{
    return yaml_break(w->s->raw, w->s->raw_len, r);
}

static size_t skip_blanks(const struct walk *w, size_t r)
{
    while (r < w->s->raw_len && blank(w->s->raw[r]))
        r++;
    return r;
}

static bool value_left(const struct walk *w)
{
    return w->v < w->s->value_len;
}

static bool emit(struct walk *w, char c, size_t from)
{
    if (!value_left(w) || w->s->value[w->v] != c)
        return false;
    if (w->v == w->at)
        w->found = from;
    w->v++;
    return true;
}

static bool emit_times(struct walk *w, char c, size_t times, size_t from)
{
    for (size_t i = 0; i < times && value_left(w); i++)
        if (!emit(w, c, from))
            return false;
    return true;
}

/* Behind a line break of a flow scalar: counts the empty lines, stops at the next text. */
static size_t empty_lines(struct walk *w)
{
    size_t count = 0;
    w->r = skip_blanks(w, w->r);
    for (size_t n; (n = break_at(w, w->r)) > 0; count++)
        w->r = skip_blanks(w, w->r + n);
    return count;
}

/* YAML 1.2, 6.5: a single break is a blank, each empty line after it a line feed. */
static bool fold_flow(struct walk *w)
{
    const size_t from = w->r;
    w->r += break_at(w, w->r);
    const size_t empty = empty_lines(w);
    return empty == 0 ? emit(w, ' ', from) : emit_times(w, '\n', empty, from);
}

static bool emit_code_point(struct walk *w, uint32_t cp, size_t from)
{
    scoped(buf_free) struct buf text = BUF_INIT;
    utf8_encode(&text, cp);
    for (size_t i = 0; i < text.len; i++)
        if (!emit(w, text.data[i], from))
            return false;
    return true;
}

static bool hex_escape(struct walk *w, size_t digits)
{
    uint32_t cp = 0;
    for (size_t i = 0; i < digits; i++) {
        const size_t at = w->r + 2 + i;
        const char *const all = "0123456789abcdef";
        const char *const hit =
            at < w->s->raw_len && w->s->raw[at] ? strchr(all, w->s->raw[at] | 0x20) : NULL;
        if (!hit)
            return false;
        cp = cp << 4 | (uint32_t)(hit - all);
    }
    const size_t from = w->r;
    w->r += 2 + digits;
    return emit_code_point(w, cp, from);
}

static const struct {
    char name;
    uint32_t cp;
} escapes[] = {
    { '0', 0 },   { 'a', 7 },     { 'b', 8 },    { 't', 9 },    { '\t', 9 },     { 'n', 10 },
    { 'v', 11 },  { 'f', 12 },    { 'r', 13 },   { 'e', 27 },   { ' ', ' ' },    { '"', '"' },
    { '/', '/' }, { '\\', '\\' }, { 'N', 0x85 }, { '_', 0xA0 }, { 'L', 0x2028 }, { 'P', 0x2029 },
};

static bool escape(struct walk *w)
{
    if (w->r + 1 >= w->s->raw_len)
        return false;
    const char name = w->s->raw[w->r + 1];
    if (name == 'x' || name == 'u' || name == 'U')
        return hex_escape(w, name == 'x' ? 2 : name == 'u' ? 4 : 8);
    const size_t from = w->r;
    const size_t n = break_at(w, from + 1);
    if (n > 0) { /* an escaped line break joins the lines */
        w->r += 1 + n;
        return emit_times(w, '\n', empty_lines(w), from);
    }
    w->r += 2;
    for (size_t i = 0; i < ARRAY_LEN(escapes); i++)
        if (escapes[i].name == name)
            return emit_code_point(w, escapes[i].cp, from);
    return false;
}

static bool flow_step(struct walk *w)
{
    const enum yaml_style style = w->s->style;
    const char c = w->s->raw[w->r];
    if (break_at(w, w->r) > 0)
        return fold_flow(w);
    if (blank(c) && break_at(w, skip_blanks(w, w->r)) > 0) {
        w->r = skip_blanks(w, w->r); /* blanks at a line's end are no content */
        return true;
    }
    if (style == YAML_DOUBLE_QUOTED && c == '\\')
        return escape(w);
    if (style == YAML_DOUBLE_QUOTED && c == '"')
        return false;
    const size_t from = w->r++;
    if (style == YAML_SINGLE_QUOTED && c == '\'') {
        if (w->r >= w->s->raw_len || w->s->raw[w->r] != '\'')
            return false;
        w->r++;
    }
    return emit(w, c, from);
}

static bool walk_flow(struct walk *w)
{
    while (value_left(w))
        if (w->r >= w->s->raw_len || !flow_step(w))
            return false;
    return true;
}

/* Blanks (' ') in front of the first other character that is not a line break, counted on
 * its line; false when there is none. */
static bool first_indent(const char *text, size_t len, size_t from, size_t *indent)
{
    size_t spaces = 0;
    for (size_t i = from; i < len; i++) {
        if (text[i] == ' ') {
            spaces++;
        } else if (text[i] == '\n' || text[i] == '\r') {
            spaces = 0;
        } else {
            *indent = spaces;
            return true;
        }
    }
    return false;
}

/* Skips a block line's indentation. True when the line is empty. */
static bool skip_indent(struct walk *w, size_t indent)
{
    size_t spaces = 0;
    while (spaces < indent && w->r < w->s->raw_len && w->s->raw[w->r] == ' ') {
        spaces++;
        w->r++;
    }
    return break_at(w, w->r) > 0;
}

static bool copy_line(struct walk *w)
{
    while (value_left(w) && w->r < w->s->raw_len && break_at(w, w->r) == 0) {
        if (!emit(w, w->s->raw[w->r], w->r))
            return false;
        w->r++;
    }
    return true;
}

/* A line that begins with a blank (behind the indentation) keeps its breaks. */
static bool starts_blank(const struct walk *w)
{
    return w->r < w->s->raw_len && blank(w->s->raw[w->r]);
}

/* From a break of a folded scalar to the next line with content (YAML 1.2, 8.1.3). */
static bool fold_block(struct walk *w, size_t indent, bool kept_before)
{
    const size_t from = w->r;
    size_t empty = 0;
    w->r += break_at(w, w->r);
    while (skip_indent(w, indent)) {
        w->r += break_at(w, w->r);
        empty++;
    }
    if (!value_left(w))
        return true;
    if (empty == 0 && !kept_before && !starts_blank(w) && w->s->value[w->v] == ' ')
        return emit(w, ' ', from);
    size_t feeds = 0;
    while (w->v + feeds < w->s->value_len && w->s->value[w->v + feeds] == '\n')
        feeds++;
    const bool tail = w->v + feeds == w->s->value_len; /* chomping may have cut it */
    if (feeds > empty + 1 || (feeds < empty && !tail))
        return false;
    return emit_times(w, '\n', feeds, from);
}

static bool walk_block(struct walk *w)
{
    const struct yaml_scalar *s = w->s;
    size_t in_file = 0;
    size_t in_value = 0;
    if (!first_indent(s->raw, s->raw_len, s->from, &in_file) ||
        !first_indent(s->value, s->value_len, 0, &in_value) || in_value > in_file)
        return false;
    const size_t indent = in_file - in_value;
    while (skip_indent(w, indent)) { /* empty lines ahead are kept in both styles */
        if (!emit(w, '\n', w->r))
            return false;
        w->r += break_at(w, w->r);
    }
    while (value_left(w)) {
        const bool kept = starts_blank(w);
        if (!copy_line(w))
            return false;
        if (w->r >= s->raw_len) /* the parser ends a last line that has no break */
            return emit_times(w, '\n', 1, w->r) && !value_left(w);
        if (!value_left(w))
            break;
        if (s->style == YAML_FOLDED) {
            if (!fold_block(w, indent, kept))
                return false;
        } else {
            if (!emit(w, '\n', w->r))
                return false;
            w->r += break_at(w, w->r);
            skip_indent(w, indent);
        }
    }
    return true;
}

bool yaml_walk(const struct yaml_scalar *s, size_t at, size_t *offset, size_t *end)
{
    struct walk w = { .s = s, .r = s->from, .at = at, .found = s->from };
    if (s->from > s->raw_len)
        return false;
    const bool is_block = s->style == YAML_LITERAL || s->style == YAML_FOLDED;
    if (is_block ? !walk_block(&w) : !walk_flow(&w))
        return false;
    if (offset)
        *offset = at >= s->value_len ? w.r : w.found;
    if (end)
        *end = w.r;
    return true;
}
