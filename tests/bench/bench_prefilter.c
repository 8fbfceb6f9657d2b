/* What the prefilter is worth: microseconds a reply with and without it, and milliseconds
 * to load.
 *
 *   bench_prefilter RULES EVENTS.ndjson [EVENTS.ndjson...]
 *
 * measures the rule folder over the events (lines with `subject`, and `body` or `reply`), and
 * then 50 and 1,000 generated rules over the same. It ends with 1 when the prefilter makes
 * the folder's rules less than FASTER_MIN times faster, or when 1,000 rules cost more than
 * MANY_MAX times what 50 do. */
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
#include "rules/match.h"
#include "rules/prefilter.h"
#include "rules/rules_load.h"

#define FASTER_MIN 4.0
#define MANY_MAX 15.0
#define ROUNDS 5

static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1000 + (double)t.tv_nsec / 1000000;
}

/* ---- events ---- */

struct events {
    struct event **list;
    size_t count;
};

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
    scoped(fclosep) FILE *f = fopen(path, "re");
    scoped(freep) char *line = NULL;
    size_t cap = 0;
    for (ssize_t n; f && (n = getline(&line, &cap, f)) > 0;)
        add_event(e, line, (size_t)n);
}

/* ---- measuring ---- */

static double microseconds_a_reply(const struct ruleset *rs, const struct events *e)
{
    struct match_scratch *s = match_scratch_new();
    const struct match_options opt = { .now_ms = clock_wall_ms(), .budget_ms = MATCH_BUDGET_MS };
    const double began = cpu_ms();
    for (int r = 0; r < ROUNDS; r++)
        for (size_t i = 0; i < e->count; i++) {
            struct verdict v;
            match_event(rs, s, e->list[i], &opt, &v);
        }
    const double took = cpu_ms() - began;
    match_scratch_free(s);
    return took * 1000 / ROUNDS / (double)e->count;
}

typedef struct ruleset *load_fn(const void *what, bool prefilter, struct diags *d);

/* Microseconds a reply with the prefilter; *faster is how many times more it is without. */
static double measure(const char *name, load_fn *load, const void *what, const struct events *e,
                      double *faster)
{
    double us[2];
    double ms[2];
    struct prefilter_size size = { .filtered = 0 };
    for (int on = 0; on < 2; on++) {
        scoped(diags_done) struct diags d = DIAGS_INIT;
        const double began = cpu_ms();
        scoped(ruleset_unrefp) struct ruleset *rs = load(what, on, &d);
        ms[on] = cpu_ms() - began;
        diags_print(&d, stderr);
        if (!rs || (on && !rs->prefilter))
            exit(EXIT_FAILURE);
        us[on] = microseconds_a_reply(rs, e);
        if (on)
            size = prefilter_size(rs->prefilter);
    }
    *faster = us[0] / us[1];
    printf("%-12s %8.1f us a reply, %7.1f without: %4.1f times; loads in %4.0f ms, %4.0f "
           "without\n             %zu patterns, %zu always run; %zu literals, %zu KiB\n",
           name, us[1], us[0], *faster, ms[1], ms[0], size.filtered + size.always, size.always,
           size.literals, size.bytes / 1024);
    return us[1];
}

/* ---- rules ---- */

static struct ruleset *load_folder(const void *path, bool prefilter, struct diags *d)
{
    const char *const paths[] = { path };
    const struct rules_source src = {
        .paths = paths, .npaths = 1, .prefilter = prefilter, .now_ms = clock_wall_ms()
    };
    return rules_load(&src, false, d);
}

/* Phrases such as people write, of words that do not come in the events. */
static void write_rule(struct buf *out, unsigned n)
{
    static const char *const start[] = { "out of",   "away on",  "closed for",    "please stop",
                                         "nicht im", "en congé", "de vacaciones", "fuori per" };
    buf_printf(out, "  - name: rule-%u\n    when:\n", n);
    buf_printf(out, "      subject: ['\\b%s the q%ux\\b', 'notice (?:number )?%u[0-9]{3}']\n",
               start[n % ARRAY_LEN(start)], n, n);
    buf_printf(out, "      reply: ['(?:i am|we are) %s (?:the |my )?z%uk', 'w%u(?:v|y)?u']\n",
               start[n % ARRAY_LEN(start)], n, n);
}

static struct ruleset *load_generated(const void *count, bool prefilter, struct diags *d)
{
    scoped(buf_free) struct buf yaml = BUF_INIT;
    buf_puts(&yaml, "rules:\n");
    for (unsigned i = 0; i < *(const unsigned *)count; i++)
        write_rule(&yaml, i);
    const struct rule_file file = { .path = "made.yaml", .bytes = yaml.data, .len = yaml.len };
    const struct rules_source src = { .prefilter = prefilter, .now_ms = clock_wall_ms() };
    return rules_load_files(&file, 1, &src, d);
}

int main(int argc, char **argv)
{
    static const unsigned few = 50;
    static const unsigned many = 1000;
    struct events e = { .list = NULL };
    double faster = 0;
    double ignored = 0;
    for (int i = 2; i < argc; i++)
        read_events(&e, argv[i]);
    if (e.count == 0) {
        fputs("usage: bench_prefilter RULES EVENTS.ndjson...\n", stderr);
        return EXIT_FAILURE;
    }
    (void)measure("folder", load_folder, argv[1], &e, &faster);
    const double of_few = measure("50 rules", load_generated, &few, &e, &ignored);
    const double of_many = measure("1,000 rules", load_generated, &many, &e, &ignored);
    printf("%zu replies; 1,000 rules cost %.1f times what 50 do\n", e.count, of_many / of_few);
    for (size_t i = 0; i < e.count; i++)
        event_free(e.list[i]);
    free(e.list);
    return faster >= FASTER_MIN && of_many <= of_few * MANY_MAX ? EXIT_SUCCESS : EXIT_FAILURE;
}
