#include "event/text.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/utf8.h"
#include "event/html.h"
#include "event/split.h"

/* ---- one character ---- */

#define GONE 0u /* what plain_char says of an invisible character */

/* Characters that folding replaces by an ASCII one, or drops; sorted. Applied before
 * NFKC, because NFKC takes ´ apart into a blank and an accent, and after it, because
 * it makes new ones (a fullwidth quote). */
static const struct {
    uint32_t from, to;
    uint32_t as;
} plain_table[] = {
    { 0x0000, 0x0008, GONE },   { 0x0009, 0x0009, ' ' },    { 0x000B, 0x000C, '\n' },
    { 0x000E, 0x001F, GONE },   { 0x0060, 0x0060, '\'' },   { 0x007F, 0x0084, GONE },
    { 0x0085, 0x0085, '\n' },   { 0x0086, 0x0090, GONE }, /* C1, or Windows-1252 mislabelled: */
    { 0x0091, 0x0092, '\'' },   { 0x0093, 0x0094, '"' },    { 0x0095, 0x0095, GONE },
    { 0x0096, 0x0097, '-' },    { 0x0098, 0x009F, GONE },   { 0x00A0, 0x00A0, ' ' },
    { 0x00AB, 0x00AB, '"' },    { 0x00AD, 0x00AD, GONE },   { 0x00B4, 0x00B4, '\'' },
    { 0x00BB, 0x00BB, '"' },    { 0x02B9, 0x02B9, '\'' },   { 0x02BA, 0x02BA, '"' },
    { 0x02BB, 0x02BD, '\'' },   { 0x02EE, 0x02EE, '"' },    { 0x034F, 0x034F, GONE },
    { 0x055A, 0x055A, '\'' },   { 0x058A, 0x058A, '-' },    { 0x05BE, 0x05BE, '-' },
    { 0x05F3, 0x05F3, '\'' },   { 0x05F4, 0x05F4, '"' },    { 0x061C, 0x061C, GONE },
    { 0x115F, 0x1160, GONE },   { 0x1680, 0x1680, ' ' },    { 0x17B4, 0x17B5, GONE },
    { 0x180B, 0x180F, GONE },   { 0x2000, 0x200A, ' ' },    { 0x200B, 0x200F, GONE },
    { 0x2010, 0x2015, '-' },    { 0x2018, 0x201B, '\'' },   { 0x201C, 0x201F, '"' },
    { 0x2028, 0x2029, '\n' },   { 0x202A, 0x202E, GONE },   { 0x202F, 0x202F, ' ' },
    { 0x2032, 0x2032, '\'' },   { 0x2033, 0x2033, '"' },    { 0x2035, 0x2035, '\'' },
    { 0x2036, 0x2036, '"' },    { 0x2039, 0x203A, '\'' },   { 0x2043, 0x2043, '-' },
    { 0x205F, 0x205F, ' ' },    { 0x2060, 0x206F, GONE },   { 0x2212, 0x2212, '-' },
    { 0x275B, 0x275C, '\'' },   { 0x275D, 0x275E, '"' },    { 0x2800, 0x2800, ' ' },
    { 0x2E3A, 0x2E3B, '-' },    { 0x3000, 0x3000, ' ' },    { 0x301D, 0x301F, '"' },
    { 0x3164, 0x3164, GONE },   { 0xFE00, 0xFE0F, GONE },   { 0xFE31, 0xFE32, '-' },
    { 0xFE58, 0xFE58, '-' },    { 0xFE63, 0xFE63, '-' },    { 0xFEFF, 0xFEFF, GONE },
    { 0xFF02, 0xFF02, '"' },    { 0xFF07, 0xFF07, '\'' },   { 0xFF0D, 0xFF0D, '-' },
    { 0xFF40, 0xFF40, '\'' },   { 0xFFA0, 0xFFA0, GONE },   { 0xFFF0, 0xFFFC, GONE },
    { 0x1BCA0, 0x1BCA3, GONE }, { 0x1D173, 0x1D17A, GONE }, { 0xE0000, 0xE0FFF, GONE },
};

/* The character that stands for cp in folded text, or GONE. */
static uint32_t plain_char(uint32_t cp)
{
    if (cp >= 0x20 && cp < 0x7F && cp != '`')
        return cp;
    size_t lo = 0;
    size_t hi = ARRAY_LEN(plain_table);
    while (lo < hi) {
        const size_t mid = (lo + hi) / 2;
        if (cp < plain_table[mid].from)
            hi = mid;
        else if (cp > plain_table[mid].to)
            lo = mid + 1;
        else
            return plain_table[mid].as;
    }
    return cp;
}

static unsigned combining_class(int32_t cp)
{
    return (unsigned)utf8proc_get_property(cp)->combining_class;
}

/* ---- runs of characters that may compose with each other ---- */

/* UAX #15, "Stream-Safe Text Format": nobody writes more marks on one letter, and
 * ordering longer runs would cost quadratic time. The rest of a run is dropped. */
#define MARKS_MAX 30
#define DECOMPOSED_MAX 32 /* U+FDFA has 18, the most */

struct run {
    int32_t *cp;
    size_t len, cap;
    unsigned marks; /* at the end */
};

static void run_put(struct run *r, int32_t cp)
{
    const unsigned class = combining_class(cp);
    if (class == 0)
        r->marks = 0;
    else if (++r->marks > MARKS_MAX)
        return;
    if (r->len == r->cap) {
        r->cap = r->cap ? r->cap * 2 : 256;
        r->cp = xreallocarray(r->cp, r->cap, sizeof(*r->cp));
    }
    size_t at = r->len++;
    for (; class > 0 && at > 0 && combining_class(r->cp[at - 1]) > class; at--)
        r->cp[at] = r->cp[at - 1]; /* canonical order */
    r->cp[at] = cp;
}

static void run_decompose(struct run *r, uint32_t cp, utf8proc_option_t how)
{
    if (cp < 0x80) {
        run_put(r, (int32_t)cp);
        return;
    }
    int32_t parts[DECOMPOSED_MAX];
    int unused = 0;
    const utf8proc_ssize_t n =
        utf8proc_decompose_char((int32_t)cp, parts, DECOMPOSED_MAX, how, &unused);
    if (n < 0 || n > DECOMPOSED_MAX) /* cannot be: the table's longest is shorter */
        run_put(r, 0xFFFD);
    for (utf8proc_ssize_t i = 0; i < n && n <= DECOMPOSED_MAX; i++)
        run_put(r, parts[i]);
}

static void run_compose(struct run *r)
{
    const utf8proc_ssize_t n = utf8proc_normalize_utf32(r->cp, (utf8proc_ssize_t)r->len,
                                                        UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    r->len = n < 0 ? 0 : (size_t)n;
}

static void run_empty(struct run *r)
{
    r->len = 0;
    r->marks = 0;
}

static void run_done(struct run *r)
{
    free(r->cp);
}

/* ---- folding of text ---- */

struct folder {
    struct buf *out;
    struct run run;
    bool blank; /* one is due before the next character of this line */
};

static void folder_write(struct folder *f, uint32_t cp)
{
    if (cp == GONE)
        return;
    if (cp == ' ') {
        f->blank = true;
        return;
    }
    if (f->blank && cp != '\n')
        buf_putc(f->out, ' ');
    f->blank = false;
    if (cp < 0x80)
        buf_putc(f->out, (char)cp);
    else
        utf8_encode(f->out, cp);
}

static void folder_flush(struct folder *f)
{
    if (f->run.len > 1 || (f->run.len == 1 && f->run.cp[0] >= 0x80))
        run_compose(&f->run);
    for (size_t i = 0; i < f->run.len; i++)
        folder_write(f, plain_char((uint32_t)f->run.cp[i]));
    run_empty(&f->run);
}

static void folder_put(struct folder *f, uint32_t cp)
{
    if (cp < 0x80) /* never composes with what is before it */
        folder_flush(f);
    run_decompose(&f->run, cp, UTF8PROC_COMPAT | UTF8PROC_COMPOSE | UTF8PROC_STABLE);
}

void text_fold(struct buf *out, const char *s, size_t len)
{
    struct folder f = { .out = out };
    buf_reserve(out, len);
    for (size_t at = 0; at < len;) {
        uint32_t cp = 0xFFFD;
        const size_t n = utf8_decode(s + at, len - at, &cp);
        at += n ? n : 1;
        if (cp == '\r') {
            cp = '\n';
            at += at < len && s[at] == '\n';
        }
        cp = cp == '\n' ? cp : plain_char(cp);
        if (cp != GONE)
            folder_put(&f, cp);
    }
    folder_flush(&f);
    run_done(&f.run);
}

static void lower_char(struct buf *out, const char *s, size_t len, uint32_t cp)
{
    const size_t start = out->len;
    const int32_t low = cp == 0x130 ? 0x131 : utf8proc_tolower((int32_t)cp);
    utf8_encode(out, (uint32_t)low);
    if (out->len - start == len)
        return;
    buf_truncate(out, start);
    buf_append(out, s, len);
}

void text_lower(struct buf *out, const char *s, size_t len)
{
    buf_reserve(out, len);
    for (size_t at = 0; at < len;) {
        uint32_t cp = 0;
        const size_t n = utf8_decode(s + at, len - at, &cp);
        if (n > 1)
            lower_char(out, s + at, n, cp);
        else
            buf_putc(out, s[at] >= 'A' && s[at] <= 'Z' ? (char)(s[at] + 32) : s[at]);
        at += n ? n : 1;
    }
}

bool text_can_contain(uint32_t cp)
{
    if (cp > 0x10FFFF || (cp >= 0xD800 && cp <= 0xDFFF))
        return false;
    if (cp == ' ' || cp == '\n')
        return true;
    scoped(buf_free) struct buf one = BUF_INIT;
    scoped(buf_free) struct buf folded = BUF_INIT;
    utf8_encode(&one, cp);
    text_fold(&folded, one.data, one.len);
    return folded.len == one.len && memcmp(folded.data, one.data, one.len) == 0;
}

/* What PCRE2 10.46 takes for the same letter and utf8proc 2.9, beside it in Debian 13, does
 * not: capitals that came with Unicode 16, and three ways to write one letter that have no
 * capital. tests/unit/test_case_sets.c says when some are missing here. */
static const struct {
    uint32_t from, to, as; /* that of from; the others follow likewise */
} late_cases[] = {
    { 0x1C89, 0x1C89, 0x1C8A }, { 0x1FD3, 0x1FD3, 0x0390 }, { 0x1FE3, 0x1FE3, 0x03B0 },
    { 0xA7CB, 0xA7CB, 0x0264 }, { 0xA7CC, 0xA7CC, 0xA7CD }, { 0xA7DA, 0xA7DA, 0xA7DB },
    { 0xA7DC, 0xA7DC, 0x019B }, { 0xFB05, 0xFB05, 0xFB06 }, { 0x10D50, 0x10D65, 0x10D70 },
};

static uint32_t small_letter(uint32_t cp)
{
    for (size_t i = 0; i < ARRAY_LEN(late_cases); i++)
        if (cp >= late_cases[i].from && cp <= late_cases[i].to)
            return late_cases[i].as + (cp - late_cases[i].from);
    return (uint32_t)utf8proc_tolower(utf8proc_toupper((int32_t)cp));
}

/* Up and down again: k, K and the Kelvin sign all come to k. From U+2E80 to the Yi
 * syllables there is no case, and most of what is written there is Chinese or Japanese. */
uint32_t text_case_set(uint32_t cp)
{
    if (cp < 0x80)
        return cp >= 'A' && cp <= 'Z' ? cp + 32 : cp;
    if (cp >= 0x2E80 && cp < 0xA490)
        return cp;
    return small_letter(cp);
}

void text_fold_case(struct buf *out, const char *s, size_t len)
{
    scoped(buf_free) struct buf folded = BUF_INIT;
    text_fold(&folded, s, len);
    for (size_t at = 0; at < folded.len;) {
        uint32_t cp = 0xFFFD;
        const size_t n = utf8_decode(folded.data + at, folded.len - at, &cp);
        at += n ? n : 1;
        int32_t parts[DECOMPOSED_MAX];
        int unused = 0;
        const utf8proc_ssize_t k =
            utf8proc_decompose_char((int32_t)cp, parts, DECOMPOSED_MAX, UTF8PROC_CASEFOLD, &unused);
        for (utf8proc_ssize_t i = 0; i < k && k <= DECOMPOSED_MAX; i++)
            utf8_encode(out, (uint32_t)parts[i]);
    }
}

/* ---- folding of patterns ---- */

struct pattern_folder {
    struct buf *out;
    struct run run;  /* a letter and the marks on it */
    size_t run_at;   /* where it stands in out */
    bool composable; /* the run may grow: its letter is no part of an escape */
    bool escape;     /* the character before was a backslash with a meaning */
    bool literal;    /* between \Q and \E */
    bool class;      /* between [ and ] */
    bool class_open; /* right behind [ or [^, where ] is an ordinary character */
};

static bool is_letter(uint32_t cp)
{
    const utf8proc_category_t c = utf8proc_category((int32_t)cp);
    return c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_LO;
}

static bool joins_letter(uint32_t cp)
{
    return combining_class((int32_t)cp) > 0 || (cp >= 0x1161 && cp <= 0x11FF); /* Hangul V, T */
}

/* Follows just so much of the syntax as tells classes and quoted parts apart. */
static void pattern_syntax(struct pattern_folder *p, uint32_t cp)
{
    const bool opening = p->class_open;
    if (p->literal) {
        p->literal = !(p->escape && cp == 'E');
        p->escape = cp == '\\';
        return;
    }
    if (p->escape) {
        p->literal = cp == 'Q';
        p->escape = false;
        p->class_open = false;
        return;
    }
    p->escape = cp == '\\';
    if (!p->class && cp == '[')
        p->class = p->class_open = true;
    else if (p->class && cp == ']' && !opening)
        p->class = false;
    else if (!(opening && cp == '^'))
        p->class_open = false;
}

/* True where an ASCII letter would become part of the syntax: \W, (?P, \p{L, \pL. */
static bool before_syntax(const struct pattern_folder *p)
{
    const char *s = buf_str(p->out);
    const size_t n = p->out->len;
    return p->escape || (n >= 1 && strchr("?*{<:", s[n - 1]) != NULL) ||
           (n >= 2 && s[n - 2] == '\\');
}

/* The plain letter for one that exists for width or compatibility; else cp. */
static uint32_t plain_letter(const struct pattern_folder *p, uint32_t cp)
{
    int32_t parts[DECOMPOSED_MAX];
    int unused = 0;
    const utf8proc_ssize_t n = utf8proc_decompose_char((int32_t)cp, parts, DECOMPOSED_MAX,
                                                       UTF8PROC_COMPAT | UTF8PROC_COMPOSE, &unused);
    if (n != 1 || !is_letter((uint32_t)parts[0]))
        return cp;
    return parts[0] < 0x80 && before_syntax(p) ? cp : (uint32_t)parts[0];
}

/* Writes the letter and its marks, composed, over what was there of them. */
static void pattern_write_run(struct pattern_folder *p)
{
    const size_t bytes = p->run.len * sizeof(*p->run.cp);
    struct run copy = { .cp = xmalloc(bytes), .len = p->run.len };
    memcpy(copy.cp, p->run.cp, bytes);
    run_compose(&copy);
    buf_truncate(p->out, p->run_at);
    for (size_t i = 0; i < copy.len; i++)
        utf8_encode(p->out, (uint32_t)copy.cp[i]);
    run_done(&copy);
}

static void pattern_join(struct pattern_folder *p, uint32_t cp)
{
    run_decompose(&p->run, cp, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    pattern_write_run(p);
    p->composable = p->run.len <= MARKS_MAX;
}

static void pattern_letter(struct pattern_folder *p, uint32_t cp)
{
    p->run_at = p->out->len;
    p->composable = !p->escape;
    run_empty(&p->run);
    run_decompose(&p->run, cp, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    pattern_write_run(p);
}

static void pattern_put(struct pattern_folder *p, uint32_t cp)
{
    if (p->composable && joins_letter(cp)) {
        pattern_join(p, cp);
        return;
    }
    p->composable = false;
    const uint32_t plain = plain_char(cp);
    if (cp >= 0x80 && plain != GONE && plain < 0x80 && plain != '\n') {
        if (plain == '-' && p->class && !p->literal && !p->escape)
            buf_putc(p->out, '\\');
        buf_putc(p->out, (char)plain);
        pattern_syntax(p, plain == '-' ? 'x' : plain); /* none of them is syntax */
        return;
    }
    if (cp >= 0x80 && is_letter(cp))
        cp = plain_letter(p, cp);
    if (is_letter(cp))
        pattern_letter(p, cp);
    else
        utf8_encode(p->out, cp);
    pattern_syntax(p, cp);
}

void text_fold_pattern(struct buf *out, const char *s, size_t len)
{
    struct pattern_folder p = { .out = out };
    for (size_t at = 0; at < len;) {
        uint32_t cp = 0xFFFD;
        const size_t n = utf8_decode(s + at, len - at, &cp);
        at += n ? n : 1;
        pattern_put(&p, cp);
    }
    run_done(&p.run);
}

/* ---- the fields of a reply ---- */

const char *cut_what_name(enum cut_what what)
{
    static const char *const names[] = { "quoted", "forward", "signature" };
    return names[what];
}

void text_cut(struct buf *b, size_t max)
{
    size_t len = utf8_cut(buf_str(b), b->len, max);
    while (len > 0 && (b->data[len - 1] == ' ' || b->data[len - 1] == '\n'))
        len--;
    buf_truncate(b, len);
}

/* Zones begin at line starts, so the pieces between them fold on their own. */
static void fold_html(struct buf *out, struct html_text *html)
{
    size_t from = 0;
    for (size_t i = 0; i < html->nzones; i++) {
        text_fold(out, buf_str(&html->text) + from, html->zones[i].at - from);
        from = html->zones[i].at;
        html->zones[i].at = out->len;
    }
    text_fold(out, buf_str(&html->text) + from, html->text.len - from);
}

static void prepare_html(struct reply_text *out, const char *body, size_t len, const char *own)
{
    scoped(html_text_done) struct html_text html = HTML_TEXT_INIT;
    html_to_text(&html, body, len);
    fold_html(&out->text, &html);
    split(out, buf_str(&out->text), out->text.len, html.zones, html.nzones, own);
    out->was_html = true;
}

void reply_text_prepare(struct reply_text *out, const char *body, size_t len, enum text_kind kind,
                        const char *own_text)
{
    scoped(buf_free) struct buf own = BUF_INIT;
    scoped(buf_free) struct buf in = BUF_INIT;
    const bool too_long = len > TEXT_MAX_INPUT;
    utf8_repair(&in, body, too_long ? utf8_cut(body, len, TEXT_MAX_INPUT) : len);
    if (own_text)
        text_fold(&own, own_text, strlen(own_text));
    const char *ours = own_text ? buf_str(&own) : NULL;
    if (kind == TEXT_HTML || (kind == TEXT_GUESS && html_is_likely(buf_str(&in), in.len))) {
        prepare_html(out, buf_str(&in), in.len, ours);
    } else {
        text_fold(&out->text, buf_str(&in), in.len);
        split(out, buf_str(&out->text), out->text.len, NULL, 0, ours);
    }
    out->text_cut = out->text.len > TEXT_MAX_LONG;
    text_cut(&out->text, TEXT_MAX_LONG);
    if (too_long)
        out->reply_cut = out->signature_cut = out->quoted_cut = out->text_cut = true;
}

void reply_text_done(struct reply_text *t)
{
    buf_free(&t->reply);
    buf_free(&t->signature);
    buf_free(&t->quoted);
    buf_free(&t->text);
    *t = (struct reply_text)REPLY_TEXT_INIT;
}
