/* What is a pattern, and yet probably not the one that was meant: warnings at the place. */
#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/utf8.h"
#include "event/text.h"
#include "rules/loader.h"

/* ---- characters that no text holds ------------------------------------------------- */

static bool can_match(const char *s, size_t len)
{
    scoped(buf_free) struct buf folded = BUF_INIT;
    text_fold_pattern(&folded, s, len);
    for (size_t i = 0; i < folded.len;) {
        uint32_t cp = 0;
        const size_t n = utf8_decode(folded.data + i, folded.len - i, &cp);
        if (n == 0 || !text_can_contain(cp))
            return false;
        i += n;
    }
    return true;
}

static void impossible_characters(struct loader *l, const struct yaml_node *n, const char *text,
                                  size_t len)
{
    for (size_t i = 0; i < len;) {
        uint32_t cp = 0;
        const size_t bytes = utf8_decode(text + i, len - i, &cp);
        if (bytes == 0)
            return;
        if ((cp == '\t' || cp >= 0x80) && !can_match(text + i, bytes)) {
            yaml_diag_at(
                l->diags, DIAG_WARNING, n, i,
                "prepared text never holds this character (U+%04X), so this cannot match%s",
                (unsigned)cp, cp == '\t' ? ": tabs have become blanks" : "");
            return;
        }
        i += bytes;
    }
}

/* ---- quotes, slashes, dashes ---------------------------------------------------------- */

static const struct {
    const char *open, *close;
} typographic[] = {
    { "\xE2\x80\x98", "\xE2\x80\x99" }, /* ‘x’ */
    { "\xE2\x80\x9C", "\xE2\x80\x9D" }, /* “x” */
    { "\xE2\x80\x9E", "\xE2\x80\x9C" }, /* „x“ */
    { "\xE2\x80\x9A", "\xE2\x80\x98" }, /* ‚x‘ */
    { "\xC2\xAB", "\xC2\xBB" },         /* «x» */
};

static bool between(const char *text, size_t len, const char *open, const char *close)
{
    const size_t a = strlen(open);
    const size_t b = strlen(close);
    return len > a + b && memcmp(text, open, a) == 0 && memcmp(text + len - b, close, b) == 0;
}

static void typographic_quotes(struct loader *l, const struct yaml_node *n, const char *text,
                               size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(typographic); i++)
        if (yaml_style(n) == YAML_PLAIN &&
            between(text, len, typographic[i].open, typographic[i].close))
            yaml_diag(l->diags, DIAG_WARNING, n,
                      "these quotes are a part of the pattern; YAML knows only the straight ones: "
                      "'...'");
}

/* out of office' */
static void lone_quote(struct loader *l, const struct yaml_node *n, const char *text, size_t len)
{
    const char last = text[len - 1];
    if (yaml_style(n) != YAML_PLAIN || (last != '\'' && last != '"') || memchr(text, last, len - 1))
        return;
    yaml_diag(l->diags, DIAG_WARNING, n,
              "this ends with a quote that nothing opened: is one missing at its start?");
}

/* /out of office/i, as in other languages. */
static void slashes(struct loader *l, const struct yaml_node *n, const char *text, size_t len)
{
    size_t end = len;
    while (end > 0 && strchr("gimsuxy", text[end - 1]))
        end--;
    if (len < 4 || text[0] != '/' || end == len || end < 3 || text[end - 1] != '/')
        return;
    yaml_diag(l->diags, DIAG_WARNING, n,
              "a pattern has no / around it and no flags behind: these are looked for as they "
              "stand. Case makes no difference anyway");
}

/* -out
 * -away */
static void dash_without_blank(struct loader *l, const struct yaml_node *n, const char *text,
                               size_t len)
{
    if (yaml_style(n) == YAML_PLAIN && len > 1 && text[0] == '-' && yaml_begins_line(n))
        yaml_diag(l->diags, DIAG_WARNING, n,
                  "without a blank behind it this - begins no list: it is a part of the pattern");
}

/* ---- signs that mean something else elsewhere, or nothing ------------------------------- */

static bool is_extended(const char *text)
{
    for (const char *p = strstr(text, "(?"); p; p = strstr(p + 2, "(?"))
        if (p[2 + strspn(p + 2, "imnsJU^-")] == 'x')
            return true;
    return false;
}

static size_t class_end(const char *text, size_t len, size_t at)
{
    at++;
    if (at < len && text[at] == '^')
        at++;
    if (at < len && text[at] == ']')
        at++;
    for (; at < len && text[at] != ']'; at++)
        if (text[at] == '\\')
            at++;
        else if (text[at] == '[' && at + 1 < len && text[at + 1] == ':')
            while (at + 1 < len && !(text[at] == ':' && text[at + 1] == ']'))
                at++;
    return at;
}

static bool may_be_left_out(const char *text, size_t len, size_t at)
{
    return at < len && strchr("?*{|", text[at]) != NULL;
}

/* True when something was said: one for a pattern will do. */
static bool odd_escape(struct loader *l, const struct yaml_node *n, const char *text, size_t len,
                       size_t at)
{
    const char what = at + 1 < len ? text[at + 1] : '\0';
    if (what == '<' || what == '>')
        yaml_diag_at(l->diags, DIAG_WARNING, n, at,
                     "\\%c is a plain %c here; the start or end of a word is \\b", what, what);
    else if (what && strchr("trf", what) && !may_be_left_out(text, len, at + 2))
        yaml_diag_at(l->diags, DIAG_WARNING, n, at,
                     "prepared text never holds \\%c, so this cannot match: blanks and tabs have "
                     "become one blank, line ends \\n",
                     what);
    else
        return false;
    return true;
}

static bool two_blanks(struct loader *l, const struct yaml_node *n, const char *text, size_t len,
                       size_t at)
{
    if (at + 1 >= len || text[at] != ' ' || text[at + 1] != ' ' ||
        may_be_left_out(text, len, at + 2))
        return false;
    yaml_diag_at(l->diags, DIAG_WARNING, n, at + 1,
                 "two blanks in a row: prepared text has one, so this cannot match");
    return true;
}

static void odd_signs(struct loader *l, const struct yaml_node *n, const char *text, size_t len)
{
    const bool extended = is_extended(text);
    if (strstr(text, "\\Q"))
        return;
    for (size_t at = 0; at < len; at++) {
        if (text[at] == '[')
            at = class_end(text, len, at);
        else if (text[at] == '\\' && odd_escape(l, n, text, len, at))
            return;
        else if (text[at] == '\\')
            at++;
        else if (!extended && two_blanks(l, n, text, len, at))
            return;
    }
}

void loader_pattern_traps(struct loader *l, const struct yaml_node *n, const char *text, size_t len)
{
    if (yaml_comment_follows(n))
        yaml_diag_at(l->diags, DIAG_WARNING, n, len,
                     "the pattern ends here, for ' #' begins a comment; single quotes keep it "
                     "whole");
    impossible_characters(l, n, text, len);
    typographic_quotes(l, n, text, len);
    lone_quote(l, n, text, len);
    slashes(l, n, text, len);
    dash_without_blank(l, n, text, len);
    odd_signs(l, n, text, len);
}
