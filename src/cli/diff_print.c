/* diff_print.c - what a comparison found: for people, programs and pull requests. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/diff.h"

static bool beyond(const struct diff_result *r, long long max_new)
{
    return max_new >= 0 && r->counts[DIFF_NEWLY] > (size_t)max_new;
}

static void put_outcome(struct buf *b, const struct diff_outcome *o)
{
    buf_puts(b, o->word);
    if (o->rule)
        buf_printf(b, " by %s", o->rule);
}

/* "of 2026-08-01 to 2026-08-14", or nothing. */
static void put_period(struct buf *b, const struct diff_result *r)
{
    char first[CLOCK_TEXT], last[CLOCK_TEXT];
    if (r->first_ms == 0)
        return;
    clock_format(r->first_ms, first);
    clock_format(r->last_ms, last);
    buf_printf(b, " of %.10s to %.10s", first, last);
}

static void put_summary(struct buf *b, const struct diff_result *r)
{
    buf_printf(b, "%zu replies", r->total);
    put_period(b, r);
    if (r->equal) {
        buf_puts(b, ": the rules are the same on both sides");
        return;
    }
    buf_printf(b, ": %zu newly marked, %zu no longer marked, %zu otherwise decided",
               r->counts[DIFF_NEWLY], r->counts[DIFF_NO_LONGER], r->counts[DIFF_OTHERWISE]);
}

/* ---- for people ---------------------------------------------------------------------------- */

static void print_sample(const struct diff_sample *s)
{
    printf("            %s", s->conversation);
    if (s->text)
        printf("  %s", s->text);
    if (s->words)
        printf("  [%s]", s->words);
    putchar('\n');
}

static void print_group(const struct diff_group *g)
{
    scoped(buf_free) struct buf b = BUF_INIT;
    put_outcome(&b, &g->old);
    buf_puts(&b, " -> ");
    put_outcome(&b, &g->new);
    printf("  %6zu  %s\n", g->count, buf_str(&b));
    for (size_t i = 0; i < g->nsamples; i++)
        print_sample(&g->samples[i]);
}

static void print_limits(const struct diff_result *r)
{
    for (size_t i = 0; i < r->nlimited; i++)
        printf("%s could not tell of %zu replies (limits, or a field that was cut)\n",
               r->limited[i].rule, r->limited[i].count);
    if (r->ungrouped)
        printf("%zu more in other ways\n", r->ungrouped);
}

static void print_text(const struct diff_result *r, long long max_new)
{
    scoped(buf_free) struct buf summary = BUF_INIT;
    put_summary(&summary, r);
    puts(buf_str(&summary));
    for (enum diff_kind k = 0; k < DIFF_KINDS; k++) {
        if (r->counts[k])
            puts(diff_kind_words[k]);
        for (size_t i = 0; i < r->ngroups; i++)
            if (r->groups[i].kind == k)
                print_group(&r->groups[i]);
    }
    print_limits(r);
    if (beyond(r, max_new))
        printf("too many: %zu newly marked, %lld are allowed\n", r->counts[DIFF_NEWLY], max_new);
}

/* ---- for pull requests ------------------------------------------------------------------------
 */

/* In a cell of a table, what others wrote means nothing. */
static void put_cell(struct buf *b, const char *s)
{
    for (; s && *s; s++) {
        if (strchr("\\`*_{}[]<>()#+!|~&@", *s))
            buf_printf(b, "&#%d;", (unsigned char)*s);
        else
            buf_putc(b, *s);
    }
}

static void put_outcome_cell(struct buf *b, const struct diff_outcome *o)
{
    buf_printf(b, " %s", o->word);
    if (o->rule)
        buf_printf(b, " by `%s`", o->rule); /* names of rules are plain */
    buf_puts(b, " |");
}

static void put_table(struct buf *b, const struct diff_result *r)
{
    buf_puts(b, "\n| replies | before | after |\n|---:|---|---|\n");
    for (size_t i = 0; i < r->ngroups; i++) {
        buf_printf(b, "| %zu |", r->groups[i].count);
        put_outcome_cell(b, &r->groups[i].old);
        put_outcome_cell(b, &r->groups[i].new);
        buf_putc(b, '\n');
    }
}

static void put_samples(struct buf *b, const struct diff_result *r)
{
    buf_puts(b, "\n<details><summary>Samples</summary>\n\n"
                "| | conversation | found | reply |\n|---|---|---|---|\n");
    for (size_t i = 0; i < r->ngroups; i++)
        for (size_t k = 0; k < r->groups[i].nsamples; k++) {
            const struct diff_sample *s = &r->groups[i].samples[k];
            buf_printf(b, "| %s | ", diff_kind_words[r->groups[i].kind]);
            put_cell(b, s->conversation);
            buf_puts(b, " | ");
            put_cell(b, s->words);
            buf_puts(b, " | ");
            put_cell(b, s->text);
            buf_puts(b, " |\n");
        }
    buf_puts(b, "\n</details>\n");
}

static void print_markdown(const struct diff_result *r, long long max_new)
{
    scoped(buf_free) struct buf b = BUF_INIT;
    buf_puts(&b, "**automark diff**: ");
    put_summary(&b, r);
    buf_putc(&b, '\n');
    if (beyond(r, max_new))
        buf_printf(&b, "\n**Too many:** %zu newly marked, %lld are allowed.\n",
                   r->counts[DIFF_NEWLY], max_new);
    if (r->ngroups > 0) {
        put_table(&b, r);
        put_samples(&b, r);
    }
    for (size_t i = 0; i < r->nlimited; i++)
        buf_printf(&b, "\n`%s` could not tell of %zu replies.\n", r->limited[i].rule,
                   r->limited[i].count);
    fputs(buf_str(&b), stdout);
}

/* ---- for programs ------------------------------------------------------------------------------
 */

static struct json_object *outcome_json(const struct diff_outcome *o)
{
    struct json_object *j = json_new_object();
    json_put_str(j, "verdict", o->word);
    if (o->rule)
        json_put_str(j, "rule", o->rule);
    return j;
}

static struct json_object *sample_json(const struct diff_sample *s)
{
    struct json_object *j = json_new_object();
    json_put_str(j, "conversation", s->conversation);
    if (s->words)
        json_put_str(j, "words", s->words);
    if (s->text)
        json_put_str(j, "reply", s->text);
    return j;
}

static struct json_object *group_json(const struct diff_group *g)
{
    struct json_object *j = json_new_object(), *samples = json_new_array();
    json_put_str(j, "kind", diff_kind_keys[g->kind]);
    json_put(j, "old", outcome_json(&g->old));
    json_put(j, "new", outcome_json(&g->new));
    json_put_int(j, "count", (int64_t)g->count);
    for (size_t i = 0; i < g->nsamples; i++)
        json_push(samples, sample_json(&g->samples[i]));
    json_put(j, "samples", samples);
    return j;
}

static void print_json(const struct diff_result *r, long long max_new)
{
    scoped(json_freep) struct json_object *o = json_new_object();
    struct json_object *groups = json_new_array(), *limited = json_new_array();
    json_put_int(o, "replies", (int64_t)r->total);
    json_put_time(o, "first", r->first_ms);
    json_put_time(o, "last", r->last_ms);
    json_put_bool(o, "equal", r->equal);
    json_put_bool(o, "beyond_limit", beyond(r, max_new));
    for (enum diff_kind k = 0; k < DIFF_KINDS; k++)
        json_put_int(o, diff_kind_keys[k], (int64_t)r->counts[k]);
    for (size_t i = 0; i < r->ngroups; i++)
        json_push(groups, group_json(&r->groups[i]));
    for (size_t i = 0; i < r->nlimited; i++) {
        struct json_object *one = json_new_object();
        json_put_str(one, "rule", r->limited[i].rule);
        json_put_int(one, "count", (int64_t)r->limited[i].count);
        json_push(limited, one);
    }
    json_put(o, "groups", groups);
    json_put(o, "could_not_tell", limited);
    cli_print_json(o);
}

void diff_print(const struct diff_result *r, enum diff_format format, long long max_new)
{
    switch (format) {
    case DIFF_TEXT:
        print_text(r, max_new);
        break;
    case DIFF_JSON:
        print_json(r, max_new);
        break;
    case DIFF_MARKDOWN:
        print_markdown(r, max_new);
        break;
    }
}
