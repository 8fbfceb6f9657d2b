#include "base/yaml_syntax.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "base/yaml_walk.h"

#define INDENTED                                                                                   \
    "this line is indented as a part of the text above: is its indentation right? A text with a "  \
    "colon in it needs single quotes"
#define TAB_LINES 2 /* so far from the place a tab may be to blame */

/* ---- around a place --------------------------------------------------------------- */

static bool is_break(const struct yaml_trouble *t, size_t at)
{
    return yaml_break(t->raw, t->len, at) > 0;
}

static size_t line_start(const struct yaml_trouble *t, size_t at)
{
    while (at > 0 && t->raw[at - 1] != '\n' && t->raw[at - 1] != '\r')
        at--;
    return at == 0 && t->len >= 3 && memcmp(t->raw, "\xEF\xBB\xBF", 3) == 0 ? 3 : at;
}

static size_t line_stop(const struct yaml_trouble *t, size_t at)
{
    while (at < t->len && !is_break(t, at))
        at++;
    return at;
}

static size_t skip_blanks(const struct yaml_trouble *t, size_t at)
{
    while (at < t->len && (t->raw[at] == ' ' || t->raw[at] == '\t'))
        at++;
    return at;
}

/* The first character that is no blank, on the line of at. */
static size_t first_of_line(const struct yaml_trouble *t, size_t at)
{
    return skip_blanks(t, line_start(t, at));
}

static size_t indent_of(const struct yaml_trouble *t, size_t at)
{
    return first_of_line(t, at) - line_start(t, at);
}

static bool only_blanks_follow(const struct yaml_trouble *t, size_t at)
{
    while (at < t->len && strchr(" \t\r\n", t->raw[at]))
        at++;
    return at >= t->len;
}

/* The first character of the next line that has any. */
static size_t next_line(const struct yaml_trouble *t, size_t at)
{
    for (at = line_stop(t, at); at < t->len; at = line_stop(t, at)) {
        at = skip_blanks(t, at + yaml_break(t->raw, t->len, at));
        if (at < t->len && !is_break(t, at) && t->raw[at] != '#')
            return at;
    }
    return t->len;
}

static unsigned line_number(const struct yaml_trouble *t, size_t at)
{
    unsigned line = 1;
    for (size_t i = 0; i < at; i++)
        line += t->raw[i] == '\n' || (t->raw[i] == '\r' && t->raw[i + 1] != '\n');
    return line;
}

static unsigned column_number(const struct yaml_trouble *t, size_t at)
{
    const size_t start = line_start(t, at);
    return (unsigned)utf8_count(t->raw + start, at - start) + 1;
}

static char byte_at(const struct yaml_trouble *t, size_t at)
{
    return at < t->len ? t->raw[at] : '\0';
}

static char byte_before(const struct yaml_trouble *t, size_t at)
{
    return at > 0 && at <= t->len ? t->raw[at - 1] : '\0';
}

/* ---- characters that look like others ----------------------------------------------- */

static const struct {
    const char *bytes, *name;
} lookalikes[] = {
    { "\xC2\xA0", "a no-break space (U+00A0)" },
    { "\xE2\x80\xAF", "a narrow no-break space (U+202F)" },
    { "\xE3\x80\x80", "an ideographic space (U+3000)" },
    { "\xE2\x80\x83", "an em space (U+2003)" },
    { "\xE2\x80\x82", "an en space (U+2002)" },
    { "\xE2\x80\x8B", "a zero-width space (U+200B)" },
    { "\xEF\xBC\x9A", "a full-width colon (U+FF1A)" },
    { "\xEF\xBC\x8C", "a full-width comma (U+FF0C)" },
};

const char *yaml_lookalike(const char *s, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(lookalikes); i++) {
        const size_t n = strlen(lookalikes[i].bytes);
        if (len >= n && memcmp(s, lookalikes[i].bytes, n) == 0)
            return lookalikes[i].name;
    }
    return NULL;
}

const char *yaml_lookalike_in(const char *s, size_t len, size_t *at)
{
    for (size_t i = 0; i < len; i++) {
        const char *name = yaml_lookalike(s + i, len - i);
        if (name) {
            *at = i;
            return name;
        }
    }
    return NULL;
}

/* ---- tabs ----------------------------------------------------------------------------- */

/* The first tab that indents one of the lines around the place, or YAML_NOWHERE. */
static size_t tab_indent(const struct yaml_trouble *t)
{
    size_t line = line_start(t, t->at);
    for (unsigned i = 0; i < TAB_LINES && line > 0; i++)
        line = line_start(t, line - 1);
    for (unsigned i = 0; i <= TAB_LINES + 1 && line < t->len; i++) {
        size_t at = line;
        while (byte_at(t, at) == ' ')
            at++;
        const size_t text = skip_blanks(t, at);
        if (byte_at(t, at) == '\t' && text < t->len && !is_break(t, text))
            return at;
        line = line_stop(t, line);
        line += yaml_break(t->raw, t->len, line);
    }
    return YAML_NOWHERE;
}

/* ---- brackets ----------------------------------------------------------------------------- */

static size_t never_closed(const struct yaml_trouble *t, struct buf *words)
{
    buf_printf(words, "the closing %c is missing", t->raw[t->open_at] == '[' ? ']' : '}');
    return t->open_at;
}

/* A new line that is no deeper than the one with the bracket belongs to what is around. */
static bool bracket_is_left(const struct yaml_trouble *t)
{
    return line_start(t, t->at) > t->open_at && indent_of(t, t->at) <= indent_of(t, t->open_at);
}

/* Two texts side by side: the first ended at a quote that was meant to be part of it, or
 * a comma is missing between them. */
static size_t quote_before(const struct yaml_trouble *t, struct buf *words)
{
    const char quote = byte_before(t, t->at);
    size_t quotes = 0;
    for (size_t i = line_start(t, t->at); i + 1 < t->at; i++)
        quotes += t->raw[i] == quote;
    if (quotes % 2 == 0) { /* it opens a text */
        buf_puts(words, "a comma is missing before this text");
        return t->at - 1;
    }
    if (quote == '\'')
        buf_puts(words, "the ' before this ends the text; inside single quotes a single quote is "
                        "written twice: ''");
    else
        buf_puts(words, "the \" before this ends the text; inside double quotes a double quote is "
                        "written \\\"");
    return t->at;
}

static size_t in_bracket(const struct yaml_trouble *t, struct buf *words)
{
    const char open = t->raw[t->open_at];
    const char here = byte_at(t, t->at);
    const char closing = open == '[' ? ']' : '}';
    if (only_blanks_follow(t, t->at) || bracket_is_left(t))
        return never_closed(t, words);
    if ((here == ']' || here == '}') && here != closing) {
        buf_printf(words, "this %c cannot close the %c of line %u, column %u: its %c is missing",
                   here, open, line_number(t, t->open_at), column_number(t, t->open_at), closing);
        return t->at;
    }
    if (here == ':') {
        buf_puts(words, "a colon and a blank make a key of what is before them; put the text in "
                        "single quotes, or a comma before the key");
        return t->at;
    }
    if (byte_before(t, t->at) == '\'' || byte_before(t, t->at) == '"')
        return quote_before(t, words);
    if (here == ',') {
        buf_puts(words, "there is nothing before this comma");
        return t->at;
    }
    buf_printf(words, "a comma is missing before this, or the closing %c of line %u, column %u",
               closing, line_number(t, t->open_at), column_number(t, t->open_at));
    return t->at;
}

/* ---- keys that are none ------------------------------------------------------------------- */

bool yaml_blank_missing(const char *s, size_t len, struct buf *words)
{
    size_t word = 0;
    if (len > 1 && s[0] == '-' && !strchr("- \t", s[1])) {
        buf_puts(words, "a blank is missing behind this -");
        return true;
    }
    while (word < len && !strchr(" \t:'\"", s[word]))
        word++;
    if (word == 0 || word + 1 >= len || s[word] != ':' || strchr(" \t", s[word + 1]))
        return false;
    buf_printf(words, "a blank is missing behind the colon of '%.*s:'", (int)word, s);
    return true;
}

static bool blank_missing(const struct yaml_trouble *t, size_t at, struct buf *words)
{
    return yaml_blank_missing(t->raw + at, line_stop(t, at) - at, words);
}

static bool line_has(const struct yaml_trouble *t, size_t line, char c)
{
    return memchr(t->raw + line, c, line_stop(t, line) - line) != NULL;
}

/* The first line from the place that has a colon, or the place. */
static size_t line_with_colon(const struct yaml_trouble *t, size_t at)
{
    for (size_t line = at; line < t->len; line = next_line(t, line))
        if (line_has(t, line, ':'))
            return line;
    return at;
}

/* A text that should be a key. As a value it goes on in the next line, which therefore is
 * what stands wrong. */
static size_t not_a_key(const struct yaml_trouble *t, struct buf *words)
{
    size_t first = first_of_line(t, t->at);
    size_t odd = 0;
    const char *strange = yaml_lookalike_in(t->raw + first, line_stop(t, first) - first, &odd);
    if (!strange && blank_missing(t, first, words))
        return first;
    while (byte_at(t, first) == '-' && byte_at(t, first + 1) == ' ')
        first = skip_blanks(t, first + 1);
    if (first < t->at && next_line(t, t->at) < t->len) {
        buf_puts(words, INDENTED);
        return line_with_colon(t, next_line(t, t->at));
    }
    if (strange)
        buf_printf(words, "%s stands in this line where YAML wants a plain blank, colon or comma",
                   strange);
    else if (!blank_missing(t, first, words))
        buf_puts(words, "a key and its value were expected here: is a colon or an indentation "
                        "missing?");
    return t->at;
}

/* Lines of text, and then a key: the first of the lines that have no colon is the odd one. */
static size_t text_before_a_key(const struct yaml_trouble *t, struct buf *words)
{
    size_t odd = t->at;
    for (size_t line = line_start(t, t->at); line > 0;) {
        line = line_start(t, line - 1);
        const size_t first = skip_blanks(t, line);
        if (is_break(t, first) || byte_at(t, first) == '#' || line_has(t, line, ':'))
            break;
        odd = first;
    }
    buf_puts(words, odd < t->at
                        ? "a key and its value were expected here: is a colon missing, or the "
                          "# before a comment?"
                        : INDENTED);
    return odd;
}

/* ---- all others ------------------------------------------------------------------------------ */

#define COLON                                                                                      \
    "a colon and a blank make a key of what is before them; put the text in single quotes, or a "  \
    "key into a line of its own"
#define INDENTATION "this line fits nowhere: is its indentation right?"

static const struct {
    const char *theirs, *ours;
} wordings[] = {
    { "did not find expected key", INDENTATION },
    { "did not find expected '-'", INDENTATION },
    { "invalid indentation", INDENTATION },
    { "indendation in sequence", INDENTATION },
    { "invalid scalar at the end of block sequence", INDENTATION },
    { "block sequence entries not allowed", INDENTATION },
    { "double-quoted scalar without closing", "the closing double quote is missing" },
    { "single-quoted scalar without closing", "the closing single quote is missing" },
    { "wrongly indented double-quoted", "the closing double quote is missing" },
    { "wrongly indented single-quoted", "the closing single quote is missing" },
    { "scalar cannot start with", "no text begins with this character unless it is quoted: use "
                                  "single quotes" },
    { "invalid value after mapping", "something follows the closing bracket; a text that begins "
                                     "with [ or { needs single quotes" },
    { "invalid nested block mapping", COLON },
    { "block mapping key on same line", COLON },
    { "expected node content", "a value was expected here; a text that begins with this character "
                               "needs single quotes" },
    { "block sequence on the same line", "a list begins in the line below its key; a text that "
                                         "begins with - needs single quotes" },
    { "invalid mapping key", "a text that begins with ? needs single quotes" },
    { "block scalar no linebreak", "a text that begins with > or | needs single quotes" },
    { "invalid extra closing", "this closing bracket has no opening one" },
    { "mismatched flow", "this closing bracket is not the one that is due here" },
    { "invalid escape", "in double quotes a backslash begins a YAML escape, and this is none; "
                        "write patterns in single quotes" },
    { "hex escape", "in double quotes \\x, \\u and \\U need 2, 4 and 8 hex digits; write patterns "
                    "in single quotes" },
    { "UTF8 escape", "this escape is no character; write patterns in single quotes" },
    { "invalid alias", "a text that begins with * needs single quotes" },
    { "invalid anchor", "a text that begins with & needs single quotes" },
    { "invalid tag", "a text that begins with ! needs single quotes" },
    { "directive", "a line that begins with % means something else in YAML; a text needs single "
                   "quotes" },
    { "comment without", "a blank is missing before #; a text with # in it needs single quotes" },
    { "invalid multiline", "a key must be in one line: is a colon, a quote or an indentation "
                           "missing?" },
    { "document", "--- and ... at the start of a line end the document; a text needs single "
                  "quotes" },
    { "tab", "a tab stands here; YAML wants blanks" },
    { "indent", INDENTATION },
};

static void wording(const char *theirs, struct buf *words)
{
    for (size_t i = 0; i < ARRAY_LEN(wordings); i++) {
        if (strstr(theirs, wordings[i].theirs)) {
            buf_puts(words, wordings[i].ours);
            return;
        }
    }
    buf_printf(words, "this is not YAML: %s", theirs);
}

/* The sign before the place that is complained of, or the place. */
static size_t sign_before(const struct yaml_trouble *t, const char *signs)
{
    for (size_t at = t->at; at > line_start(t, t->at); at--)
        if (strchr(signs, t->raw[at - 1]))
            return at - 1;
    return t->at;
}

/* A bracket was closed on the line of the place. */
static bool closed_here(const struct yaml_trouble *t)
{
    return t->closed_at != YAML_NOWHERE && t->closed_at >= line_start(t, t->at);
}

static size_t other_place(const struct yaml_trouble *t)
{
    if (strstr(t->theirs, "scalar without closing") && t->at > 0)
        return t->at - 1;
    if (strstr(t->theirs, "invalid value after mapping"))
        return t->closed_at;
    if (strstr(t->theirs, "block scalar no linebreak"))
        return sign_before(t, ">|");
    if (strstr(t->theirs, "invalid alias"))
        return sign_before(t, "*");
    if (strstr(t->theirs, "invalid anchor"))
        return sign_before(t, "&");
    if (strstr(t->theirs, "invalid tag"))
        return sign_before(t, "!");
    return t->at;
}

/* "abc", 'don't', 'a' | 'b' */
static size_t behind_a_quote(const struct yaml_trouble *t, struct buf *words)
{
    const char here = byte_at(t, t->at);
    if (here == ',' || here == ';')
        buf_printf(words, "this %c has no meaning here: a line ends without one", here);
    else if (byte_before(t, t->at) == '"')
        buf_puts(words, "something follows the closing quote; inside double quotes a double quote "
                        "is written \\\"");
    else if (byte_before(t, t->at) == '\'')
        buf_puts(words, "something follows the closing quote; inside single quotes a single quote "
                        "is written twice");
    else
        buf_puts(words, "something follows the closing quote; put all of the text into one pair of "
                        "single quotes");
    return t->at;
}

/* What git leaves of a merge that was not finished. */
static size_t conflict_mark(const struct yaml_trouble *t)
{
    static const char *const marks[] = { "<<<<<<< ", "=======\n", ">>>>>>> " };
    for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
        const size_t n = strlen(marks[i]);
        const char *hit = memmem(t->raw, t->len, marks[i], n);
        if (hit && (hit == t->raw || hit[-1] == '\n'))
            return (size_t)(hit - t->raw);
    }
    return YAML_NOWHERE;
}

static bool is_about_brackets(const struct yaml_trouble *t)
{
    return t->open_at != YAML_NOWHERE &&
           (strstr(t->theirs, "flow ") || strstr(t->theirs, "plain multiline") ||
            only_blanks_follow(t, t->at));
}

size_t yaml_syntax(const struct yaml_trouble *t, struct buf *words)
{
    const bool quote_open = strstr(t->theirs, "without closing") != NULL;
    const size_t tab = quote_open ? YAML_NOWHERE : tab_indent(t);
    if (tab != YAML_NOWHERE) {
        buf_puts(words, "a tab indents this line; YAML wants blanks");
        return tab;
    }
    const size_t conflict = conflict_mark(t);
    if (conflict != YAML_NOWHERE) {
        buf_puts(words, "git left this mark of two versions that were not merged");
        return conflict;
    }
    if (!quote_open && is_about_brackets(t))
        return in_bracket(t, words);
    if (strstr(t->theirs, "multiline plain key") ||
        strstr(t->theirs, "could not find expected ':'"))
        return not_a_key(t, words);
    if (strstr(t->theirs, "mapping in plain multiline"))
        return text_before_a_key(t, words);
    if (strstr(t->theirs, "trailing content after"))
        return behind_a_quote(t, words);
    if (strstr(t->theirs, "invalid value after mapping") && !closed_here(t)) {
        buf_puts(words, INDENTATION);
        return t->at;
    }
    wording(t->theirs, words);
    return other_place(t);
}
