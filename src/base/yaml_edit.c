#include "base/yaml_edit.h"

#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/yaml_walk.h"
#include "base/yaml_write.h"

/* Pieces that go into the file's text at offsets that rise. */
struct edit {
    const char *raw;
    size_t len;
    const char *newline;
    const struct yaml_pair *pairs;
    size_t npairs;
    size_t at[2];
    struct buf piece[2];
    size_t count;
    struct error *err;
};

static int doubt(struct edit *e, const char *what)
{
    return error_set(e->err, ERR_INPUT, "it is not sure where in the file it belongs: %s", what);
}

static struct buf *insert_at(struct edit *e, size_t at)
{
    e->at[e->count] = at;
    return &e->piece[e->count++];
}

/* ---- lines -------------------------------------------------------------------------------- */

static size_t line_start(const struct edit *e, size_t at)
{
    while (at > 0 && e->raw[at - 1] != '\n' && e->raw[at - 1] != '\r')
        at--;
    return at;
}

static size_t line_stop(const struct edit *e, size_t at)
{
    while (at < e->len && yaml_break(e->raw, e->len, at) == 0)
        at++;
    return at;
}

static const char *newline_of(const char *raw, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const size_t n = yaml_break(raw, len, i);
        if (n > 0)
            return n == 2 ? "\r\n" : raw[i] == '\r' ? "\r" : "\n";
    }
    return "\n";
}

static void blanks(struct buf *out, size_t n)
{
    while (n--)
        buf_putc(out, ' ');
}

/* Whole lines below the one in which something ended; behind its last byte the file may end
 * without a line break, and then it goes on doing so. */
static void insert_below(struct edit *e, size_t end, const struct buf *lines)
{
    const bool broken = end > 0 && strchr("\r\n", e->raw[end - 1]);
    const size_t stop = broken ? end : line_stop(e, end);
    const size_t brk = broken ? 0 : yaml_break(e->raw, e->len, stop);
    struct buf *piece = insert_at(e, stop + brk);
    if (!broken && brk == 0)
        buf_puts(piece, e->newline);
    buf_append(piece, lines->data, lines->len);
    if (broken || brk > 0)
        buf_puts(piece, e->newline);
}

/* ---- maps as text -------------------------------------------------------------------------- */

static void put_value(struct buf *out, const struct yaml_pair *p)
{
    if (p->list)
        buf_putc(out, '[');
    for (size_t i = 0; i < p->nvalues; i++) {
        buf_puts(out, i ? ", " : "");
        if (p->word)
            yaml_write_word(out, p->values[i], strlen(p->values[i]));
        else
            yaml_write_text(out, p->values[i], strlen(p->values[i]));
    }
    if (p->list)
        buf_putc(out, ']');
}

static void put_pair(struct buf *out, const struct yaml_pair *p)
{
    yaml_write_word(out, p->key, strlen(p->key));
    buf_puts(out, ": ");
    put_value(out, p);
}

void yaml_write_flow_map(struct buf *out, const struct yaml_pair *pairs, size_t n)
{
    buf_putc(out, '{');
    for (size_t i = 0; i < n; i++) {
        buf_puts(out, i ? ", " : "");
        put_pair(out, &pairs[i]);
    }
    buf_putc(out, '}');
}

static void put_block_map(struct buf *out, const struct edit *e, size_t indent)
{
    for (size_t i = 0; i < e->npairs; i++) {
        if (i) {
            buf_puts(out, e->newline);
            blanks(out, indent);
        }
        put_pair(out, &e->pairs[i]);
    }
}

/* ---- lists --------------------------------------------------------------------------------- */

/* "    -  " in front of an item, and nothing else. */
static bool dash_before(const struct edit *e, const struct yaml_node *item, size_t *indent,
                        size_t *gap)
{
    const size_t at = yaml_offset(item), start = line_start(e, at);
    const char quote = at > start ? e->raw[at - 1] : ' ';
    const size_t stop = quote == '\'' || quote == '"' ? at - 1 : at;
    size_t i = start;
    while (i < stop && e->raw[i] == ' ')
        i++;
    *indent = i - start;
    if (i >= stop || e->raw[i++] != '-')
        return false;
    const size_t behind = i;
    while (i < stop && e->raw[i] == ' ')
        i++;
    *gap = i - behind;
    return i == stop && *gap > 0;
}

static int add_to_block(struct edit *e, const struct yaml_node *list)
{
    const struct yaml_node *last = yaml_item(list, yaml_count(list) - 1);
    scoped(buf_free) struct buf lines = BUF_INIT;
    size_t indent = 0, gap = 0, end = 0;
    if (!dash_before(e, last, &indent, &gap))
        return doubt(e, "the last item of the list does not begin with '- ' on a line of its own");
    if (!yaml_end(last, &end))
        return doubt(e, "the end of the last item of the list is unclear");
    blanks(&lines, indent);
    buf_putc(&lines, '-');
    blanks(&lines, gap);
    if (yaml_kind(last) == YAML_MAP && !yaml_is_flow(last))
        put_block_map(&lines, e, indent + 1 + gap);
    else
        yaml_write_flow_map(&lines, e->pairs, e->npairs);
    insert_below(e, end, &lines);
    return 0;
}

static size_t skip_blanks(const struct edit *e, size_t at)
{
    while (at < e->len && e->raw[at] == ' ')
        at++;
    return at;
}

/* [
 *   {a: b},   # stays where it is
 *   {new: one},
 * ] */
static bool has_lines_of_its_own(const struct edit *e, size_t start, size_t end, size_t close)
{
    const size_t from = line_start(e, start);
    return skip_blanks(e, from) == start && line_stop(e, end) < close;
}

static int add_to_flow(struct edit *e, const struct yaml_node *list)
{
    size_t close = 0, end = 0;
    if (!yaml_end(list, &close))
        return doubt(e, "the closing ] of the list is not found");
    if (yaml_count(list) == 0) {
        yaml_write_flow_map(insert_at(e, close - 1), e->pairs, e->npairs);
        return 0;
    }
    const struct yaml_node *last = yaml_item(list, yaml_count(list) - 1);
    const size_t start = yaml_offset(last);
    if (!yaml_end(last, &end))
        return doubt(e, "the end of the last item of the list is unclear");
    if (!has_lines_of_its_own(e, start, end, close)) {
        struct buf *piece = insert_at(e, end);
        buf_puts(piece, ", ");
        yaml_write_flow_map(piece, e->pairs, e->npairs);
        return 0;
    }
    const bool comma = e->raw[skip_blanks(e, end)] == ',';
    if (!comma)
        buf_putc(insert_at(e, end), ',');
    struct buf *piece = insert_at(e, line_stop(e, end));
    buf_puts(piece, e->newline);
    blanks(piece, start - line_start(e, start));
    yaml_write_flow_map(piece, e->pairs, e->npairs);
    buf_puts(piece, comma ? "," : "");
    return 0;
}

/* ---- maps ------------------------------------------------------------------------------------ */

static int add_key(struct edit *e, const struct yaml_node *map, const char *key)
{
    size_t end = 0;
    if (yaml_count(map) == 0 || !yaml_end(yaml_value(map, yaml_count(map) - 1), &end))
        return doubt(e, "the end of the last value of the map is unclear");
    if (yaml_is_flow(map)) {
        struct buf *piece = insert_at(e, end);
        buf_printf(piece, ", %s: [", key);
        yaml_write_flow_map(piece, e->pairs, e->npairs);
        buf_putc(piece, ']');
        return 0;
    }
    scoped(buf_free) struct buf lines = BUF_INIT;
    const size_t at = yaml_offset(yaml_key(map, 0)), start = line_start(e, at);
    for (size_t i = start; i < at; i++)
        if (e->raw[i] != ' ' && e->raw[i] != '-')
            return doubt(e, "something stands in front of the map's first key");
    blanks(&lines, at - start);
    buf_printf(&lines, "%s:%s", key, e->newline);
    blanks(&lines, at - start + 2);
    buf_puts(&lines, "- ");
    yaml_write_flow_map(&lines, e->pairs, e->npairs);
    insert_below(e, end, &lines);
    return 0;
}

/* ---- proof --------------------------------------------------------------------------------------
 */

/* What was meant to change; everything else must be the same. */
struct change {
    const struct yaml_node *target;
    const char *key; /* NULL: an item more; else this key more */
    const struct edit *e;
    const struct yaml_node *added; /* found in the new document */
};

static bool same_text(const struct yaml_node *a, const char *s, size_t len)
{
    size_t n = 0;
    const char *text = yaml_kind(a) == YAML_SCALAR ? yaml_str(a, &n) : NULL;
    return text && n == len && memcmp(text, s, n) == 0;
}

static bool is_pair(const struct yaml_node *v, const struct yaml_pair *p)
{
    if (!p->list)
        return same_text(v, p->values[0], strlen(p->values[0]));
    if (yaml_kind(v) != YAML_LIST || yaml_count(v) != p->nvalues)
        return false;
    for (size_t i = 0; i < p->nvalues; i++)
        if (!same_text(yaml_item(v, i), p->values[i], strlen(p->values[i])))
            return false;
    return true;
}

static bool is_new_item(struct change *c, const struct yaml_node *n)
{
    if (yaml_kind(n) != YAML_MAP || yaml_count(n) != c->e->npairs)
        return false;
    for (size_t i = 0; i < c->e->npairs; i++) {
        const struct yaml_pair *p = &c->e->pairs[i];
        if (!same_text(yaml_key(n, i), p->key, strlen(p->key)) || !is_pair(yaml_value(n, i), p))
            return false;
    }
    c->added = n;
    return true;
}

static bool is_new_list(struct change *c, const struct yaml_node *map, size_t i)
{
    const struct yaml_node *list = yaml_value(map, i);
    return same_text(yaml_key(map, i), c->key, strlen(c->key)) && yaml_kind(list) == YAML_LIST &&
           yaml_count(list) == 1 && is_new_item(c, yaml_item(list, 0));
}

static bool same(struct change *c, const struct yaml_node *a, const struct yaml_node *b)
{
    const size_t more = a == c->target ? 1 : 0, count = yaml_count(a);
    if (yaml_kind(a) != yaml_kind(b) || yaml_count(b) != count + more)
        return false;
    if (yaml_kind(a) == YAML_SCALAR) {
        size_t len = 0;
        const char *s = yaml_str(b, &len);
        return yaml_style(a) == yaml_style(b) && same_text(a, s, len);
    }
    for (size_t i = 0; i < count; i++) {
        const bool is_map = yaml_kind(a) == YAML_MAP;
        if (is_map && !same(c, yaml_key(a, i), yaml_key(b, i)))
            return false;
        if (!same(c, is_map ? yaml_value(a, i) : yaml_item(a, i),
                  is_map ? yaml_value(b, i) : yaml_item(b, i)))
            return false;
    }
    if (!more)
        return true;
    return c->key ? is_new_list(c, b, count) : is_new_item(c, yaml_item(b, count));
}

static int prove(struct edit *e, const struct yaml_doc *doc, struct change *c,
                 const struct buf *text, unsigned *line)
{
    scoped(diags_done) struct diags d = DIAGS_INIT;
    scoped(yaml_freep) struct yaml_doc *now =
        yaml_parse(yaml_file(doc), buf_str(text), text->len, &d);
    if (!now && d.count > 0)
        return error_set(e->err, ERR_INPUT, "with it the file could not be read (line %u: %.200s)",
                         d.list[0].line, d.list[0].msg);
    if (!now || !yaml_root(now) || !same(c, yaml_root(doc), yaml_root(now)))
        return doubt(e, "with it something else in the file would change");
    unsigned col = 0;
    yaml_start(c->added, line, &col);
    return 0;
}

/* ---- all of it
 * ------------------------------------------------------------------------------------ */

static void put_together(const struct edit *e, struct buf *out)
{
    size_t from = 0;
    for (size_t i = 0; i < e->count; i++) {
        buf_append(out, e->raw + from, e->at[i] - from);
        buf_append(out, buf_str(&e->piece[i]), e->piece[i].len);
        from = e->at[i];
    }
    buf_append(out, e->raw + from, e->len - from);
}

static int run(const struct yaml_doc *doc, struct change *c, struct edit *e, struct buf *out,
               unsigned *line)
{
    scoped(buf_free) struct buf text = BUF_INIT;
    int rc = 0;
    e->raw = yaml_bytes(doc, &e->len);
    e->newline = newline_of(e->raw, e->len);
    c->e = e;
    if (yaml_kind(c->target) != (c->key ? YAML_MAP : YAML_LIST))
        return doubt(e, c->key ? "there is no map" : "there is no list");
    if (c->key)
        rc = add_key(e, c->target, c->key);
    else if (yaml_is_flow(c->target))
        rc = add_to_flow(e, c->target);
    else
        rc = add_to_block(e, c->target);
    if (rc == 0)
        put_together(e, &text);
    if (rc == 0)
        rc = prove(e, doc, c, &text, line);
    if (rc == 0)
        buf_append(out, buf_str(&text), text.len);
    buf_free(&e->piece[0]);
    buf_free(&e->piece[1]);
    return rc;
}

int yaml_add_item(const struct yaml_doc *doc, const struct yaml_node *list,
                  const struct yaml_pair *pairs, size_t n, struct buf *out, unsigned *line,
                  struct error *err)
{
    struct edit e = { .pairs = pairs, .npairs = n, .err = err };
    struct change c = { .target = list };
    return run(doc, &c, &e, out, line);
}

int yaml_add_list(const struct yaml_doc *doc, const struct yaml_node *map, const char *key,
                  const struct yaml_pair *pairs, size_t n, struct buf *out, unsigned *line,
                  struct error *err)
{
    struct edit e = { .pairs = pairs, .npairs = n, .err = err };
    struct change c = { .target = map, .key = key };
    return run(doc, &c, &e, out, line);
}
