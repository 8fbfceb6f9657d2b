/* bench_match - what the limits cost: PCRE2 in slices against PCRE2 in one go, hostile
 * patterns against their budget, and a whole rule set against replies.
 *
 *   bench_match [RULES [EVENTS.ndjson]]
 *
 * Prints a table; exits with 1 when slices cost more than SLICES_MAX times one go over
 * all, or a hostile pattern takes longer than HOSTILE_MAX_MS. Built by
 * `cmake --build build --target bench_match`; use a release build. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "event/event.h"
#include "rules/match.h"
#include "rules/rules_load.h"

#define SLICES_MAX 2.5
#define HOSTILE_MAX_MS 300

static int64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- slices ---------------------------------------------------------------------------- */

static const char *const usual[] = {
    "out of (the )?office",
    "\\b(call me|send (me )?pricing)\\b",
    "^(automatic|auto)[- ]?(reply|response)",
    "unsubscribe|remove me|opt[ -]?out|stop (emailing|contacting)",
    "(?<!not )interested",
    "\\bbis (zum )?\\d{1,2}\\.\\s?\\d{1,2}\\.",
    "[^\\x00-\\x7f]{30}",
    "(?i)delivery (status )?notification|undeliverable|mail delivery failed",
    "ich bin .{0,40}(nicht|erst) .{0,30}(im büro|erreichbar)",
    "$",
};

static void prose(struct buf *b, size_t bytes)
{
    static const char *const words[] = { "hello",  "I",     "would", "office", "call",  "the",
                                         "out",    "of",    "mail",  "please", "ich",   "bin",
                                         "nicht",  "büro",  "and",   "notice", "stop",  "auto",
                                         "thanks", "reach", "until", "we",     "ready", "deliver" };
    unsigned seed = 7;
    for (size_t line = 0; b->len < bytes;) {
        const char *w = words[(unsigned)rand_r(&seed) % ARRAY_LEN(words)];
        line += strlen(w) + 1;
        buf_printf(b, "%s%c", w, line > 70 ? '\n' : ' ');
        line = line > 70 ? 0 : line;
    }
}

static pcre2_code *plain_code(const char *source)
{
    int code = 0;
    size_t at = 0;
    pcre2_code *c = pcre2_compile((PCRE2_SPTR)source, strlen(source),
                                  PCRE2_UTF | PCRE2_UCP | PCRE2_CASELESS | PCRE2_MULTILINE |
                                      PCRE2_MATCH_INVALID_UTF,
                                  &code, &at, NULL);
    if (!c)
        abort();
    (void)pcre2_jit_compile(c, PCRE2_JIT_COMPLETE);
    return c;
}

static double time_plain(const char *source, const struct buf *text, int rounds)
{
    pcre2_code *c = plain_code(source);
    pcre2_match_data *d = pcre2_match_data_create(1, NULL);
    const int64_t began = cpu_ns();
    for (int i = 0; i < rounds; i++)
        (void)pcre2_match(c, (PCRE2_SPTR)text->data, text->len, 0, 0, d, NULL);
    const int64_t took = cpu_ns() - began;
    pcre2_match_data_free(d);
    pcre2_code_free(c);
    return (double)took / rounds / 1000;
}

static double time_sliced(const char *source, const struct buf *text, int rounds)
{
    size_t at = 0;
    struct pattern *p = pattern_compile(source, strlen(source), false, NULL, &at, NULL);
    struct match_scratch *s = match_scratch_new();
    match_budget_start(s, 3600 * 1000);
    const int64_t began = cpu_ns();
    for (int i = 0; i < rounds; i++)
        (void)pattern_match(p, s, text->data, text->len, NULL);
    const int64_t took = cpu_ns() - began;
    match_scratch_free(s);
    pattern_free(p);
    return (double)took / rounds / 1000;
}

static double compare_slices(size_t bytes)
{
    scoped(buf_free) struct buf text = BUF_INIT;
    prose(&text, bytes);
    const int rounds = (int)(4000000 / bytes) + 1;
    double plain = 0;
    double sliced = 0;
    printf("\n%zu bytes of prose, microseconds      one go    slices\n", bytes);
    for (size_t i = 0; i < ARRAY_LEN(usual); i++) {
        const double a = time_plain(usual[i], &text, rounds);
        const double b = time_sliced(usual[i], &text, rounds);
        printf("  %-40.40s %8.2f  %8.2f\n", usual[i], a, b);
        plain += a;
        sliced += b;
    }
    printf("  %-40s %8.2f  %8.2f   ratio %.2f\n", "all", plain, sliced, sliced / plain);
    return sliced / plain;
}

/* ---- hostile patterns -------------------------------------------------------------------- */

static const struct {
    const char *pattern, *unit;
} hostile[] = {
    { "^(a+)+$", "a" },
    { "(a|aa)+$", "a" },
    { "(a*)*b", "a" },
    { "(.*)(.*)(.*)(.*)(.*)[yz]", "x" },
    { "x{1,300}x{1,290}[yz]", "x" },
    { "(?:x|w)+[yz]", "x" },
    { "(?s)x.*[yz]", "x" },
    { "(\\w+\\s?)+:", "ab " },
    { "\\s+$", "  \n a" },
    { "(x+x+)+y", "x" },
};

static double time_hostile(size_t i, bool interpret, char limit[32])
{
    scoped(buf_free) struct buf text = BUF_INIT;
    while (text.len < 65500)
        buf_puts(&text, hostile[i].unit);
    buf_puts(&text, "!");
    size_t at = 0;
    struct pattern *p =
        pattern_compile(hostile[i].pattern, strlen(hostile[i].pattern), false, NULL, &at, NULL);
    struct match_scratch *s = match_scratch_new();
    if (interpret)
        match_scratch_interpret(s);
    const int64_t began = cpu_ns();
    match_budget_start(s, MATCH_BUDGET_MS);
    const enum answer a = pattern_match(p, s, text.data, text.len, NULL);
    const int64_t took = cpu_ns() - began;
    (void)snprintf(limit, 32, "%s", a == ANSWER_UNDECIDED ? pattern_limit(s) : "answered");
    match_scratch_free(s);
    pattern_free(p);
    return (double)took / 1000000;
}

static double measure_hostile(void)
{
    double worst = 0;
    printf(
        "\n64 KiB of hostile text, milliseconds          compiled                 interpreted\n");
    for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
        char jit[32];
        char slow[32];
        const double a = time_hostile(i, false, jit);
        const double b = time_hostile(i, true, slow);
        printf("  %-36s %8.2f %-15s %8.2f %s\n", hostile[i].pattern, a, jit, b, slow);
        worst = a > worst ? a : worst;
        worst = b > worst ? b : worst;
    }
    return worst;
}

/* ---- a whole set --------------------------------------------------------------------------- */

struct events {
    struct event **list;
    size_t count;
};

/* Lines with `subject`, and `body` or `reply`; what else is in them does not matter here. */
static void add_event(struct events *e, const char *line, size_t len)
{
    scoped(json_freep) struct json_object *o = json_parse(line, len, NULL);
    const char *body = json_str(json_get(o, "body"), NULL);
    const char *subject = json_str(json_get(o, "subject"), NULL);
    if (!body)
        body = json_str(json_get(o, "reply"), NULL);
    if (!body)
        return;
    struct event *ev = event_new();
    event_set_body(ev, body, strlen(body), TEXT_GUESS);
    if (subject)
        event_set(ev, FIELD_SUBJECT, subject, strlen(subject));
    e->list = xreallocarray(e->list, e->count + 1, sizeof(*e->list));
    e->list[e->count++] = ev;
}

static void read_events(struct events *e, const char *path)
{
    FILE *f = fopen(path, "re");
    char *line = NULL;
    size_t cap = 0;
    for (ssize_t n; f && (n = getline(&line, &cap, f)) > 0;)
        add_event(e, line, (size_t)n);
    free(line);
    if (f)
        fclose(f);
}

static void measure_set(const char *rules_path, const char *events_path)
{
    scoped(diags_done) struct diags d = DIAGS_INIT;
    const struct rules_source src = { .paths = &rules_path,
                                      .npaths = 1,
                                      .now_ms = clock_wall_ms() };
    scoped(ruleset_unrefp) struct ruleset *rs = rules_load(&src, false, &d);
    struct events e = { .list = NULL };
    read_events(&e, events_path);
    if (!rs || e.count == 0) {
        printf("\nno whole set: %s\n", rs ? "no events" : "rules do not load");
        return;
    }
    struct match_scratch *s = match_scratch_new();
    const struct match_options opt = { .now_ms = clock_wall_ms(), .budget_ms = MATCH_BUDGET_MS };
    size_t kinds[VERDICT_NONE + 1] = { 0 };
    const int rounds = 5;
    const int64_t began = cpu_ns();
    for (int r = 0; r < rounds; r++)
        for (size_t i = 0; i < e.count; i++) {
            struct verdict v;
            match_event(rs, s, e.list[i], &opt, &v);
            kinds[v.kind]++;
        }
    const double took = (double)(cpu_ns() - began) / 1000 / rounds / (double)e.count;
    printf("\n%zu guards, %zu rules, %zu replies: %.1f microseconds a reply\n", rs->nguards,
           rs->nrules, e.count, took);
    for (size_t k = 0; k <= VERDICT_NONE; k++)
        printf("  %-16s %zu\n", verdict_kind_name((enum verdict_kind)k), kinds[k] / (size_t)rounds);
    match_scratch_free(s);
    for (size_t i = 0; i < e.count; i++)
        event_free(e.list[i]);
    free(e.list);
}

int main(int argc, char **argv)
{
    static const size_t sizes[] = { 500, 4000, 16000, 65000 };
    double worst = 0;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        const double ratio = compare_slices(sizes[i]);
        worst = ratio > worst ? ratio : worst;
    }
    const double ms = measure_hostile();
    if (argc > 2)
        measure_set(argv[1], argv[2]);
    printf("\nslices cost %.2f times one go at worst, hostile patterns %.0f ms\n", worst, ms);
    return worst <= SLICES_MAX && ms <= HOSTILE_MAX_MS ? EXIT_SUCCESS : EXIT_FAILURE;
}
