#include "event/scrub.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/utf8.h"
#include "event/scrub_priv.h"
#include "event/text.h"

#define NAMES_MAX 256   /* known; more are not learned */
#define CHANGES_MAX 512 /* remembered */
#define WORD_MAX 64

/* A word that names somebody. */
struct name {
    char *word; /* lower case */
    char *to;   /* in title case */
    const char *what;
    bool sure; /* also where it begins with a small letter */
};

struct host {
    char *host; /* lower case */
    char *to;
};

struct scrub {
    char **keep; /* lower case */
    size_t nkeep;
    struct name *names;
    size_t nnames;
    struct host *hosts;
    size_t nhosts;
    size_t npeople, ncompanies, nothers; /* stand-ins that were given */
    struct scrub_change *changes;
    size_t nchanges;
};

struct scrub *scrub_new(void)
{
    return xcalloc(1, sizeof(struct scrub));
}

void scrub_free(struct scrub *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->nkeep; i++)
        free(s->keep[i]);
    for (size_t i = 0; i < s->nnames; i++) {
        free(s->names[i].word);
        free(s->names[i].to);
    }
    for (size_t i = 0; i < s->nhosts; i++) {
        free(s->hosts[i].host);
        free(s->hosts[i].to);
    }
    for (size_t i = 0; i < s->nchanges; i++) {
        free(s->changes[i].from);
        free(s->changes[i].to);
    }
    free(s->keep);
    free(s->names);
    free(s->hosts);
    free(s->changes);
    free(s);
}

void scrub_freep(struct scrub **s)
{
    scrub_free(*s);
    *s = NULL;
}

/* ---- small things --------------------------------------------------------------------------- */

char *scrub_lower(const char *s, size_t len)
{
    struct buf b = BUF_INIT;
    buf_reserve(&b, 1);
    text_lower(&b, s, len);
    return buf_take(&b);
}

void scrub_keep(struct scrub *s, const char *word)
{
    s->keep = xreallocarray(s->keep, s->nkeep + 1, sizeof(*s->keep));
    s->keep[s->nkeep++] = scrub_lower(word, strlen(word));
}

static bool kept(const struct scrub *s, const char *low)
{
    for (size_t i = 0; i < s->nkeep; i++)
        if (strcmp(s->keep[i], low) == 0)
            return true;
    return false;
}

static bool kept_as_is(const struct scrub *s, const char *text, size_t len)
{
    scoped(freep) char *low = scrub_lower(text, len);
    return kept(s, low);
}

static void note(struct scrub *s, const char *what, const char *from, size_t from_len,
                 const char *to, size_t to_len)
{
    for (size_t i = 0; i < s->nchanges; i++)
        if (strlen(s->changes[i].from) == from_len &&
            memcmp(s->changes[i].from, from, from_len) == 0)
            return;
    if (s->nchanges >= CHANGES_MAX)
        return;
    s->changes = xreallocarray(s->changes, s->nchanges + 1, sizeof(*s->changes));
    s->changes[s->nchanges++] = (struct scrub_change){ .from = xmemdup0(from, from_len),
                                                       .to = xmemdup0(to, to_len),
                                                       .what = what };
}

const struct scrub_change *scrub_changes(const struct scrub *s, size_t *count)
{
    *count = s->nchanges;
    return s->changes;
}

/* Appends to instead of from, and remembers that. */
static void replace(struct scrub *s, struct buf *out, const char *what, const char *from,
                    size_t len, const char *to)
{
    buf_puts(out, to);
    if (strlen(to) == len && memcmp(to, from, len) == 0)
        return; /* a number that was made up, perhaps */
    note(s, what, from, len, to, strlen(to));
}

/* ---- letter case ------------------------------------------------------------------------------
 */

/* Of a word, by comparing it with its lower case. */
enum letter_case scrub_case_of(const char *s, size_t len)
{
    scoped(freep) char *low = scrub_lower(s, len);
    size_t letters = 0, capitals = 0;
    for (size_t i = 0; i < len; letters++) {
        size_t n = utf8_decode(s + i, len - i, NULL);
        n = n > 0 ? n : 1;
        capitals += memcmp(s + i, low + i, n) != 0;
        i += n;
    }
    if (capitals == 0)
        return CASE_LOWER;
    return capitals == letters && letters > 1 ? CASE_UPPER : CASE_TITLE;
}

/* Stand-ins are Latin, Cyrillic (both with capitals at a fixed distance) or have no case. */
static void put_upper(struct buf *out, const char *s, size_t len)
{
    for (size_t i = 0; i < len;) {
        uint32_t cp = 0;
        const size_t n = utf8_decode(s + i, len - i, &cp);
        if ((cp >= 'a' && cp <= 'z') || (cp >= 0x430 && cp <= 0x44F))
            cp -= 0x20;
        utf8_encode(out, cp);
        i += n > 0 ? n : 1;
    }
}

static char *in_case(const char *stand_in, enum letter_case c)
{
    struct buf b = BUF_INIT;
    buf_reserve(&b, 1);
    if (c == CASE_LOWER)
        text_lower(&b, stand_in, strlen(stand_in));
    else if (c == CASE_UPPER)
        put_upper(&b, stand_in, strlen(stand_in));
    else
        buf_puts(&b, stand_in);
    return buf_take(&b);
}

/* ---- names that are known
 * ------------------------------------------------------------------------ */

static struct name *find_name(const struct scrub *s, const char *low)
{
    for (size_t i = 0; i < s->nnames; i++)
        if (strcmp(s->names[i].word, low) == 0)
            return &s->names[i];
    return NULL;
}

static const struct scrub_words *people_like(const char *low)
{
    uint32_t cp = 0;
    utf8_decode(low, strlen(low), &cp);
    if (cp >= 0x400 && cp < 0x530)
        return &scrub_people_cyrillic;
    return cp >= 0x3005 && cp < 0xD7B0 ? &scrub_people_han : &scrub_people;
}

/* Not one that is a name here by itself. */
static char *next_stand_in(struct scrub *s, const struct scrub_words *from, size_t *given)
{
    while (*given < from->count) {
        const char *to = from->list[(*given)++];
        scoped(freep) char *low = scrub_lower(to, strlen(to));
        if (!find_name(s, low))
            return xstrdup(to);
    }
    return xasprintf("%s%zu", from->list[0], ++*given);
}

static struct name *add_name(struct scrub *s, const char *low, const char *what, bool sure)
{
    struct name *old = find_name(s, low);
    if (old)
        old->sure |= sure;
    if (old || s->nnames >= NAMES_MAX)
        return old;
    const bool company = strcmp(what, "company") == 0;
    char *to = company ? next_stand_in(s, &scrub_companies, &s->ncompanies)
                       : next_stand_in(s, people_like(low), &s->npeople);
    s->names = xreallocarray(s->names, s->nnames + 1, sizeof(*s->names));
    s->names[s->nnames] =
        (struct name){ .word = xstrdup(low), .to = to, .what = what, .sure = sure };
    return &s->names[s->nnames++];
}

static bool names_nobody(const char *low, size_t len)
{
    return scrub_has(&scrub_titles, low, len) || scrub_has(&scrub_nobodies, low, len) ||
           scrub_has(&scrub_forms, low, len) || scrub_is_date_word(low, len);
}

/* Letters that are written without blanks have no words: the whole is one name. */
static void learn_word(struct scrub *s, const char *word, size_t len, const char *what, bool sure)
{
    scoped(freep) char *low = scrub_lower(word, len);
    if (utf8_count(low, len) < 2 || names_nobody(low, len))
        return;
    add_name(s, low, what, sure && !scrub_has(&scrub_common, low, len));
}

void scrub_learn_words(struct scrub *s, const char *text, const char *what, bool sure)
{
    const size_t len = strlen(text);
    for (size_t i = 0; i < len;) {
        const size_t n = scrub_word_at(text, len, i);
        if (n > 0)
            learn_word(s, text + i, n, what, sure);
        i += n > 0 ? n : 1;
    }
}

static void learn_address_in(struct scrub *s, const char *name);

void scrub_learn_person(struct scrub *s, const char *name)
{
    if (strchr(name, '@')) /* an address where a name should be */
        learn_address_in(s, name);
    else
        scrub_learn_words(s, name, "name", true);
}

void scrub_learn_company(struct scrub *s, const char *name)
{
    scrub_learn_words(s, name, "company", false);
}

/* ---- hosts
 * ------------------------------------------------------------------------------------------ */

static bool below(const char *host, const char *domain)
{
    const size_t len = strlen(host), end = strlen(domain);
    return len > end && host[len - end - 1] == '.' && strcmp(host + len - end, domain) == 0;
}

static bool is_public(const char *host)
{
    const size_t len = strlen(host);
    if (scrub_has(&scrub_hosts, host, len) || below(host, "example") ||
        below(host, "example.com") || below(host, "invalid"))
        return true;
    return strncmp(host, "www.", 4) == 0 && scrub_has(&scrub_hosts, host + 4, len - 4);
}

static void add_host(struct scrub *s, const char *low, const char *to)
{
    s->hosts = xreallocarray(s->hosts, s->nhosts + 1, sizeof(*s->hosts));
    s->hosts[s->nhosts++] = (struct host){ .host = xstrdup(low), .to = xstrdup(to) };
}

/* The host itself, or one that it belongs to. */
static const struct host *known_host(const struct scrub *s, const char *low)
{
    for (size_t i = 0; i < s->nhosts; i++)
        if (strcmp(s->hosts[i].host, low) == 0 || below(low, s->hosts[i].host))
            return &s->hosts[i];
    return NULL;
}

static const char *host_stand_in(struct scrub *s, const char *low)
{
    const struct host *h = known_host(s, low);
    if (h)
        return h->to;
    scoped(freep) char *to =
        s->nothers ? xasprintf("other%zu.example", s->nothers + 1) : xstrdup("other.example");
    s->nothers++;
    add_host(s, low, to);
    return s->hosts[s->nhosts - 1].to;
}

static void put_host(struct scrub *s, struct buf *out, const char *host, size_t len)
{
    scoped(freep) char *low = scrub_lower(host, len);
    const bool www = strncmp(low, "www.", 4) == 0;
    const char *bare = www ? low + 4 : low;
    if (is_public(low) || kept(s, low) || kept(s, bare)) {
        buf_append(out, host, len);
        return;
    }
    buf_append(out, host, www ? 4 : 0);
    replace(s, out, "host", host + (www ? 4 : 0), strlen(bare), host_stand_in(s, bare));
}

/* ---- mailboxes
 * --------------------------------------------------------------------------------------- */

/* Calls back for each part between . _ - + of a mailbox. */
static void each_part(const char *local, size_t len,
                      void (*fn)(void *ctx, const char *part, size_t len, char separator),
                      void *ctx)
{
    size_t from = 0;
    for (size_t i = 0; i <= len; i++) {
        const bool end = i == len || strchr("._-+=%'", local[i]);
        if (!end)
            continue;
        fn(ctx, local + from, i - from, i < len ? local[i] : '\0');
        from = i + 1;
    }
}

static void learn_part(void *ctx, const char *part, size_t len, char separator)
{
    (void)separator;
    scoped(freep) char *low = scrub_lower(part, len);
    if (len < 3 || scrub_word_at(part, len, 0) != len || scrub_has(&scrub_roles, low, len))
        return;
    learn_word(ctx, part, len, "name", false);
}

static bool is_role(const char *local, size_t len)
{
    scoped(freep) char *low = scrub_lower(local, len);
    return scrub_has(&scrub_roles, low, len);
}

void scrub_learn_local(struct scrub *s, const char *local, size_t len)
{
    if (!is_role(local, len))
        each_part(local, len, learn_part, s);
}

/* The first address in s: of "Ada <a@x.org>" a@x.org, and Ada. */
static void learn_address_in(struct scrub *s, const char *text)
{
    const size_t len = strlen(text);
    size_t local = 0;
    for (size_t i = 0; i < len; i++)
        if (scrub_address_at(text, len, i, &local)) {
            scrub_learn_local(s, text + i, local);
            return;
        }
}

void scrub_learn_address(struct scrub *s, enum scrub_side side, const char *address)
{
    learn_address_in(s, address);
    const char *at = strrchr(address, '@');
    const char *host = at ? at + 1 : address;
    scoped(freep) char *low = scrub_lower(host, strcspn(host, "> \t,;"));
    if (low[0] && strchr(low, '.') && !is_public(low) && !known_host(s, low))
        add_host(s, low, side == SCRUB_LEAD ? "customer.example" : "seller.example");
}

struct local_out {
    struct scrub *s;
    struct buf to;
};

static void put_digits(struct buf *out, const char *s, size_t len);

/* A name that is known by its stand-in, so that address and name go on belonging together. */
static void put_part(void *ctx, const char *part, size_t len, char separator)
{
    struct local_out *o = ctx;
    scoped(freep) char *low = scrub_lower(part, len);
    const size_t letters = scrub_word_at(part, len, 0);
    struct name *n = letters == len && len > 1 ? find_name(o->s, low) : NULL;
    if (letters == len && len > 2 && !n)
        n = add_name(o->s, low, "name", false);
    if (n && (unsigned char)n->to[0] < 0x80) {
        scoped(freep) char *to = in_case(n->to, scrub_case_of(part, len));
        buf_puts(&o->to, to);
    } else if (letters == 0) {
        put_digits(&o->to, part, len);
    } else {
        buf_puts(&o->to, len > 2 ? "someone" : "x");
    }
    if (separator)
        buf_putc(&o->to, separator);
}

static void put_address(struct scrub *s, struct buf *out, const char *text, size_t len,
                        size_t local_len)
{
    struct local_out o = { .s = s, .to = BUF_INIT };
    if (kept_as_is(s, text, len)) {
        buf_append(out, text, len);
        return;
    }
    if (is_role(text, local_len) || kept_as_is(s, text, local_len)) {
        buf_append(out, text, local_len);
    } else {
        each_part(text, local_len, put_part, &o);
        replace(s, out, "mailbox", text, local_len, buf_str(&o.to));
    }
    buf_putc(out, '@');
    put_host(s, out, text + local_len + 1, len - local_len - 1);
    buf_free(&o.to);
}

/* ---- links and numbers
 * -------------------------------------------------------------------------------- */

static void put_link(struct scrub *s, struct buf *out, const char *text, const struct scrub_link *l)
{
    const char *rest = text + l->host + l->host_len;
    const size_t len = l->host + l->host_len + l->rest_len;
    if (kept_as_is(s, text, len)) {
        buf_append(out, text, len);
        return;
    }
    buf_append(out, text, l->host);
    put_host(s, out, text + l->host, l->host_len);
    if (l->rest_len <= 1 || kept_as_is(s, rest, l->rest_len))
        buf_append(out, rest, l->rest_len);
    else
        replace(s, out, "link", rest, l->rest_len, rest[0] == '/' ? "/x" : "?x");
}

/* As many digits, a zero in front stays one. */
static void put_digits(struct buf *out, const char *s, size_t len)
{
    size_t k = 0;
    for (size_t i = 0; i < len; i++) {
        const bool digit = s[i] >= '0' && s[i] <= '9';
        if (!digit || (s[i] == '0' && k == 0))
            buf_putc(out, s[i]);
        else
            buf_putc(out, "1234567890"[k++ % 10]);
    }
}

static void put_number(struct scrub *s, struct buf *out, const char *text, size_t len)
{
    scoped(buf_free) struct buf to = BUF_INIT;
    put_digits(&to, text, len);
    if (kept_as_is(s, text, len))
        buf_append(out, text, len);
    else
        replace(s, out, "number", text, len, buf_str(&to));
}

static void put_id(struct scrub *s, struct buf *out, const char *text, size_t len, bool random)
{
    scoped(buf_free) struct buf to = BUF_INIT;
    put_digits(&to, text, len);
    for (size_t i = 0; random && i < to.len; i++)
        if (scrub_word_at(to.data, to.len, i))
            to.data[i] = to.data[i] >= 'a' ? 'x' : 'X';
    if (kept_as_is(s, text, len))
        buf_append(out, text, len);
    else
        replace(s, out, "id", text, len, buf_str(&to));
}

/* ---- names in a text
 * ------------------------------------------------------------------------------------ */

struct look {
    struct scrub *s;
    const char *text;
    size_t len;
};

/* The known name at this word, or NULL; *len without a genitive's s. */
static const struct name *name_at(const struct look *l, size_t at, size_t *len)
{
    scoped(freep) char *low = scrub_lower(l->text + at, *len);
    const struct name *n = find_name(l->s, low);
    if (n || *len < 5 || low[*len - 1] != 's')
        return n;
    low[*len - 1] = '\0';
    n = find_name(l->s, low);
    *len -= n ? 1 : 0;
    return n;
}

/* Where the word that ends here begins; of a very long one, somewhere inside. */
static size_t word_start(const struct look *l, size_t end)
{
    size_t from = end;
    for (size_t i = end; i > 0 && end - i < WORD_MAX; i--) {
        if (((unsigned char)l->text[i - 1] & 0xC0) == 0x80)
            continue; /* inside a character */
        if (scrub_word_at(l->text, end, i - 1) != end - (i - 1))
            break;
        from = i - 1;
    }
    return from;
}

static bool written_as_name(const struct look *l, size_t at, size_t len)
{
    return len && name_at(l, at, &len) && scrub_case_of(l->text + at, len) != CASE_LOWER;
}

/* The word beside this one on its line is a name, too. */
static bool beside_a_name(const struct look *l, size_t at, size_t len)
{
    size_t next = at + len, before = at;
    while (next < l->len && strchr(" .-", l->text[next]))
        next++;
    if (next > at + len && written_as_name(l, next, scrub_word_at(l->text, l->len, next)))
        return true;
    while (before > 0 && strchr(" .-", l->text[before - 1]))
        before--;
    const size_t from = before < at ? word_start(l, before) : before;
    return written_as_name(l, from, before - from);
}

/* Nothing but known names on the line, which is short. */
static bool only_names_around(const struct look *l, size_t at)
{
    size_t from = at, end = at;
    while (from > 0 && l->text[from - 1] != '\n' && at - from <= NAME_LINE_MAX)
        from--;
    while (end < l->len && l->text[end] != '\n' && end - from <= NAME_LINE_MAX)
        end++;
    for (size_t i = from; i < end;) {
        const size_t word = scrub_word_at(l->text, end, i);
        size_t n = word;
        if (word ? !name_at(l, i, &n) : !strchr(" .,-", l->text[i]))
            return false;
        i += word > 0 ? word : 1;
    }
    return end - from <= NAME_LINE_MAX;
}

static bool means_the_name(const struct look *l, const struct name *n, size_t at, size_t len)
{
    const enum letter_case c = scrub_case_of(l->text + at, len);
    if (scrub_has(&scrub_common, n->word, strlen(n->word)))
        return c != CASE_LOWER && (beside_a_name(l, at, len) || only_names_around(l, at));
    uint32_t cp = 0;
    utf8_decode(n->word, strlen(n->word), &cp);
    return c != CASE_LOWER || n->sure || cp >= 0x590; /* scripts without capitals */
}

#define NAME_BYTES 256 /* no name is as long: of a longer word no more is looked at */

/* The word here, or 0 when it is too long to be a name. */
static size_t name_word_at(const struct look *l, size_t at)
{
    const size_t stop = l->len - at > NAME_BYTES ? at + NAME_BYTES : l->len;
    const size_t len = scrub_word_at(l->text, stop, at);
    return stop < l->len && len + 4 > NAME_BYTES ? 0 : len; /* perhaps cut in a character */
}

/* Length that was taken, 0: no name stands there. */
static size_t put_name(const struct look *l, struct buf *out, size_t at)
{
    size_t len = name_word_at(l, at);
    const struct name *n = len ? name_at(l, at, &len) : NULL;
    if (!n || kept(l->s, n->word) || !means_the_name(l, n, at, len))
        return 0;
    scoped(freep) char *to = in_case(n->to, scrub_case_of(l->text + at, len));
    replace(l->s, out, n->what, l->text + at, len, to);
    return len;
}

/* Where no blanks stand between words, a name is found inside. */
static size_t put_inner_name(const struct look *l, struct buf *out, size_t at)
{
    for (size_t i = 0; i < l->s->nnames; i++) {
        const struct name *n = &l->s->names[i];
        const size_t len = strlen(n->word);
        uint32_t cp = 0;
        utf8_decode(n->word, len, &cp);
        if (cp < 0x3005 || l->len - at < len || memcmp(l->text + at, n->word, len) != 0 ||
            kept(l->s, n->word))
            continue;
        replace(l->s, out, n->what, n->word, len, n->to);
        return len;
    }
    return 0;
}

/* ---- all of a text
 * ------------------------------------------------------------------------------------------ */

static size_t put_host_at(const struct look *l, struct buf *out, size_t at)
{
    const size_t n = scrub_host_at(l->text, l->len, at);
    if (!n)
        return 0;
    scoped(freep) char *low = scrub_lower(l->text + at, n);
    const char *tld = strrchr(low, '.') + 1;
    if (!known_host(l->s, low) && !scrub_has(&scrub_tlds, tld, strlen(tld)))
        return 0;
    put_host(l->s, out, l->text + at, n);
    return n;
}

static size_t put_digits_at(const struct look *l, struct buf *out, size_t at)
{
    bool whole = false, random = false;
    size_t n = scrub_date_at(l->text, l->len, at);
    if (n) {
        buf_append(out, l->text + at, n);
        return n;
    }
    n = scrub_id_at(l->text, l->len, at, &random);
    if (n) {
        put_id(l->s, out, l->text + at, n, random);
        return n;
    }
    n = scrub_number_at(l->text, l->len, at, &whole);
    if (n && whole)
        put_number(l->s, out, l->text + at, n);
    else
        buf_append(out, l->text + at, n);
    return n;
}

/* Replaces what begins at this place; 0: nothing does. */
static size_t put_what_is_at(const struct look *l, struct buf *out, size_t at)
{
    struct scrub_link link;
    size_t local = 0;
    size_t n = scrub_link_at(l->text, l->len, at, &link);
    if (n) {
        put_link(l->s, out, l->text + at, &link);
        return n;
    }
    n = scrub_address_at(l->text, l->len, at, &local);
    if (n) {
        put_address(l->s, out, l->text + at, n, local);
        return n;
    }
    n = put_host_at(l, out, at);
    if (!n)
        n = put_digits_at(l, out, at);
    if (!n && scrub_begins(l->text, at))
        n = put_name(l, out, at);
    return n ? n : put_inner_name(l, out, at);
}

void scrub_text(struct scrub *s, struct buf *out, const char *text, size_t len)
{
    const struct look l = { .s = s, .text = text, .len = len };
    for (size_t i = 0; i < len;) {
        size_t n = put_what_is_at(&l, out, i);
        if (n == 0) {
            n = utf8_decode(text + i, len - i, NULL);
            n = n > 0 ? n : 1;
            buf_append(out, text + i, n);
        }
        i += n;
    }
}
