/* Every entry of the tables of languages and programs makes a message that is split. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "event/html_marks.h"
#include "event/split_marks.h"
#include "event/split_phrase.h"
#include "event/text.h"

#define OWN "Thanks, that is noted."

/* The reply of a message is want, and the first cut's name begins with mark. */
static void check(const char *table, const char *entry, enum text_kind kind, const char *mail,
                  const char *want, const char *mark)
{
    scoped(reply_text_done) struct reply_text t = REPLY_TEXT_INIT;
    reply_text_prepare(&t, mail, strlen(mail), kind, NULL);
    if (strcmp(buf_str(&t.reply), want) != 0)
        fail_msg("%s '%s': reply is '%s', want '%s', of:\n%s", table, entry, buf_str(&t.reply),
                 want, mail);
    if (mark && (t.ncuts == 0 || strncmp(t.cuts[0].mark, mark, strlen(mark)) != 0))
        fail_msg("%s '%s': cut by '%s', want '%s'", table, entry,
                 t.ncuts ? t.cuts[0].mark : "nothing", mark);
}

static void check_printf(const char *table, const char *entry, const char *mark, const char *fmt,
                         ...) PRINTF_LIKE(4, 5);

static void check_printf(const char *table, const char *entry, const char *mark, const char *fmt,
                         ...)
{
    char mail[2048];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(mail, sizeof(mail), fmt, ap);
    va_end(ap);
    check(table, entry, TEXT_PLAIN, mail, OWN, mark);
}

static void each(const struct phrases *table, void (*fn)(const struct phrase *))
{
    for (size_t i = 0; i < table->count; i++)
        fn(&table->list[i]);
}

static void verb(const struct phrase *p)
{
    check_printf("verbs", p->text, "attribution",
                 OWN "\n\n5.10.2016 10:30 Ada Lovelace <ada@host.example> %s:\nold words\n",
                 p->text);
    check_printf("verbs", p->text, "attribution",
                 OWN "\n\nAda Lovelace <ada@host.example> %s:\n> old words\n", p->text);
    check_printf("verbs", p->text, "attribution",
                 OWN "\n\nOn 5.10.2016 10:30 Ada Lovelace\n<ada@host.example> %s:\n\nold words\n",
                 p->text);
}

static void start(const struct phrase *p)
{
    check_printf("starts", p->text, "attribution",
                 OWN "\n\n%s 5.10.2016 10:30 one two three four five six seven eight nine ten "
                     "wrote:\n\nold words\n",
                 p->text);
}

static void date(const struct phrase *p)
{
    check_printf("dates", p->text, "attribution",
                 OWN "\n\nOn %s, 5, 2016, 10:30 one two three four five six seven eight nine ten "
                     "wrote:\n\nold words\n",
                 p->text);
}

static void filler(const struct phrase *p)
{
    check_printf("fillers", p->text, "attribution",
                 OWN "\n\nOn %s 5, 2016, 10:30 one two three four five six seven eight nine ten "
                     "wrote:\n\nold words\n",
                 p->text);
}

/* The first label of a role in a language. */
static const char *label_for(const char *lang, enum role role)
{
    for (size_t i = 0; i < split_labels.count; i++)
        if (split_labels.list[i].tag == (int)role && strcmp(split_labels.list[i].lang, lang) == 0)
            return split_labels.list[i].text;
    return "subject";
}

static void label(const struct phrase *p)
{
    const char *lang = p->lang[0] ? p->lang : "en";
    const char *name[ROLE_SUBJECT + 1];
    for (enum role r = ROLE_FROM; r <= ROLE_SUBJECT; r++)
        name[r] = p->tag == (int)r ? p->text : label_for(lang, r);
    const char *more = p->tag == ROLE_OTHER ? p->text : "cc";
    check_printf("labels", p->text, "header block",
                 OWN "\n\n%s: Ada <ada@host.example>\n%s: 5 October 2016\n%s: x\n%s: Bo\n%s: Hi\n\n"
                     "old words\n",
                 name[ROLE_FROM], name[ROLE_SENT], more, name[ROLE_TO], name[ROLE_SUBJECT]);
    if (p->tag == ROLE_OTHER)
        return;
    check_printf("labels", p->text, "header block",
                 OWN "\n\n *%s:* Hi\n *%s :* 5 October 2016\n *%s:* Bo\n *%s:* Ada\n\nold words\n",
                 name[ROLE_SUBJECT], name[ROLE_SENT], name[ROLE_TO], name[ROLE_FROM]);
    check_printf("labels", p->text, "header block",
                 OWN "\n%s: Ada <ada@host.example> %s: 5 October 2016 %s: Bo %s: Hi\nold words\n",
                 name[ROLE_FROM], name[ROLE_SENT], name[ROLE_TO], name[ROLE_SUBJECT]);
}

static void marker(const struct phrase *p)
{
    const char *mark = p->tag & MARKER_FORWARD ? "forward" : "marker";
    check_printf("markers", p->text, mark, OWN "\n\n-----%s-----\nold words\n", p->text);
    check_printf("markers", p->text, mark, OWN "\n\n*---------- %s ---------*\nold words\n",
                 p->text);
    if (p->tag & MARKER_INSIDE)
        check_printf("markers", p->text, mark, OWN "\n\n##- Please %s -##\nold words\n", p->text);
    if (p->tag & MARKER_FRAMED)
        check_printf("markers", p->text, mark, OWN "\n\n## Please %s, thanks ##\nold words\n",
                     p->text);
    if (p->tag & MARKER_BARE)
        check_printf("markers", p->text, mark, OWN "\n\n%s:\n\nold words\n", p->text);
}

static void device_link(const struct phrase *p)
{
    check_printf("links", p->text, "device line", OWN "\n\nBrought by <https://x.%s/y>\n", p->text);
}

static void gadget(const struct phrase *p)
{
    check_printf("gadgets", p->text, "device line", OWN "\n\nSent from %s%s\n", p->text,
                 p->tag == WORD_STEM ? "xyz" : "");
}

static void excuse(const struct phrase *p)
{
    check_printf("excuses", p->text, "device line", OWN "\n\nSent from my phone, please %s\n",
                 p->text);
}

/* A mail that begins with an attribution may be the lead's, unless it holds small print. */
static void footer(const struct phrase *p)
{
    char mail[512];
    snprintf(mail, sizeof(mail), "On 5.10.2016 10:30 Ada <ada@host.example> wrote:\n\nHi %s\n",
             p->text);
    check("footers", p->text, TEXT_PLAIN, mail, "", "attribution");
}

static void print(const struct phrase *p)
{
    check_printf("small print", p->text, "quote marks", "> old words\n\n" OWN "\n\nFoo. %s bar\n",
                 p->text);
}

static void pronoun(const struct phrase *p)
{
    char mail[512];
    snprintf(mail, sizeof(mail), "On 5 October 2016 at 10:30 %s:\nwe are fine.", p->text);
    check("pronouns", p->text, TEXT_PLAIN, mail, mail, NULL);
}

/* No mark of the original but that somebody greets again, above small print. */
static void greeting(const struct phrase *p)
{
    check_printf("greetings", p->text, "greeting above small print",
                 OWN "\n\n%s Bo,\n\nold words\n\nUnsubscribe here.\n", p->text);
}

static void banner(const struct phrase *p)
{
    check_printf("banners", p->text, "header block",
                 OWN "\n\nThis: %s.\nFrom: Ada <ada@host.example>\nSent: 5 May 2025\nSubject: "
                     "Hi\n\nold words\n",
                 p->text);
}

/* What follows the mark stays, up to the small print. */
static void answer(const struct phrase *p)
{
    char mail[512];
    char want[512];
    snprintf(mail, sizeof(mail),
             "Ada, %s.\n\nFrom: Ada <ada@host.example>\nSent: 5 May 2025\nSubject: Hi\n\n"
             "How many? Seven.\n\nUnsubscribe here.\n",
             p->text);
    snprintf(want, sizeof(want), "Ada, %s.\n\nHow many? Seven.", p->text);
    check("answers", p->text, TEXT_PLAIN, mail, want, "header block");
}

static void test_phrases(void **state)
{
    (void)state;
    each(&split_verbs, verb);
    each(&split_starts, start);
    each(&split_dates, date);
    each(&split_fillers, filler);
    each(&split_labels, label);
    each(&split_markers, marker);
    each(&split_device_links, device_link);
    each(&split_gadgets, gadget);
    each(&split_excuses, excuse);
    each(&split_footers, footer);
    each(&split_small_print, print);
    each(&split_pronouns, pronoun);
    each(&split_answers, answer);
    each(&split_greetings, greeting);
    each(&split_banners, banner);
}

static void test_devices(void **state)
{
    (void)state;
    for (size_t i = 0; i < split_devices_count; i++) {
        const struct device *d = &split_devices[i];
        check_printf("devices", d->head[0] ? d->head : d->tail, "device line",
                     OWN "\n\n%s iPhone %s\n", d->head, d->tail);
    }
}

/* Each entry is folded and lower case, and its language is known: else it never matches. */
static void check_form(const char *table, const char *lang, const char *text)
{
    scoped(buf_free) struct buf folded = BUF_INIT;
    scoped(buf_free) struct buf low = BUF_INIT;
    text_fold(&folded, text, strlen(text));
    text_lower(&low, buf_str(&folded), folded.len);
    if (strcmp(buf_str(&low), text) != 0)
        fail_msg("%s '%s': write it as '%s'", table, text, buf_str(&low));
    if (lang[0] && !lang_by_code(lang))
        fail_msg("%s '%s': no language '%s'", table, text, lang);
}

static void test_form(void **state)
{
    (void)state;
    const struct phrases *const tables[] = {
        &split_starts,   &split_verbs,   &split_fillers,   &split_dates,   &split_labels,
        &split_markers,  &split_gadgets, &split_excuses,   &split_footers, &split_small_print,
        &split_pronouns, &split_answers, &split_greetings, &split_banners,
    };
    for (size_t t = 0; t < ARRAY_LEN(tables); t++)
        for (size_t i = 0; i < tables[t]->count; i++)
            check_form("table", tables[t]->list[i].lang, tables[t]->list[i].text);
    for (size_t i = 0; i < split_devices_count; i++) {
        check_form("devices", split_devices[i].lang, split_devices[i].head);
        check_form("devices", split_devices[i].lang, split_devices[i].tail);
    }
}

/* Every language knows at least an attribution, a header block or a marker. */
static void test_languages(void **state)
{
    (void)state;
    for (size_t i = 0; i < split_langs_count; i++) {
        const char *code = split_langs[i].code;
        size_t verbs = 0;
        size_t labels = 0;
        for (size_t k = 0; k < split_verbs.count; k++)
            verbs += strcmp(split_verbs.list[k].lang, code) == 0;
        for (size_t k = 0; k < split_labels.count; k++)
            labels += strcmp(split_labels.list[k].lang, code) == 0;
        if (verbs == 0 || labels < 4)
            fail_msg("%s: %zu verbs, %zu labels", code, verbs, labels);
    }
}

/* ---- HTML ---- */

static void html_element(struct buf *b, const struct html_mark *m, bool strip)
{
    scoped(freep) char *value = xstrdup(m->value);
    for (char *c = value; *c; c++)
        if (*c == '|')
            *c = ';';
    const char *tag = m->tag[0] ? m->tag : "div";
    const char *before = m->how == HOW_SUFFIX || m->how == HOW_INSIDE ? "x" : "";
    const char *after = m->how == HOW_PREFIX || m->how == HOW_INSIDE ? "x" : "";
    /* Something that gumbo is not shown: the other way must agree. */
    buf_printf(b, "<p>" OWN "</p>%s<%s %s=\"%s%s%s\"><p>old words</p>",
               strip ? "<select></select>" : "", tag, html_attr_names[m->attr], before, value,
               after);
    if (strcmp(tag, "hr") != 0)
        buf_printf(b, "</%s>", tag);
}

static void test_html_marks(void **state)
{
    (void)state;
    for (size_t i = 0; i < html_marks_count; i++) {
        const struct html_mark *m = &html_marks[i];
        if (m->kind == ZONE_INDENT)
            continue;
        for (int strip = 0; strip < 2; strip++) {
            scoped(buf_free) struct buf mail = BUF_INIT;
            html_element(&mail, m, strip != 0);
            check("html_marks", m->value, TEXT_HTML, buf_str(&mail), OWN, m->name);
        }
    }
}

static void test_html_comments(void **state)
{
    (void)state;
    for (size_t i = 0; i < html_comment_marks_count; i++) {
        scoped(freep) char *mail =
            xasprintf("<p>" OWN "</p><!-- %s --><p>old words</p>", html_comment_marks[i]);
        check("comments", html_comment_marks[i], TEXT_HTML, mail, OWN, "comment");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_form),       cmocka_unit_test(test_phrases),
        cmocka_unit_test(test_devices),    cmocka_unit_test(test_languages),
        cmocka_unit_test(test_html_marks), cmocka_unit_test(test_html_comments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
