/* cmd_diff.c - automark diff: which recorded replies would change their verdict. */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"
#include "cli/cli.h"
#include "event/event_record.h"
#include "rules/match.h"
#include "rules/rules_load.h"

static const char usage[] =
    "usage: automark diff OLD NEW [--events FILE] [--max-new-marks N] [--no-text]\n"
    "                     [--format text|json]\n"
    "\n"
    "Says which replies would change their verdict if the rules OLD became the rules NEW (each\n"
    "a file or a folder): newly marked, no longer marked, and otherwise decided, by rule.\n"
    "\n"
    "  --events FILE        replies, as `automark events export` prints them; default, and -:\n"
    "                       standard input\n"
    "  --max-new-marks N    more newly marked replies than that are too many (exit status 1)\n"
    "  --no-text            no words of replies in the output\n"
    "  --format FORMAT      text (default) or json\n"
    "\n"
    "exit status: 0 within the limit, 1 beyond it or mistakes in rules, 2 wrong use, 3 trouble\n";

#define CHUNK 4096 /* replies in memory at once */
#define THREADS_MAX 16
#define SAMPLES 3
#define SAMPLE_BYTES 72

enum { OPT_EVENTS = 256, OPT_MAX, OPT_NO_TEXT, OPT_FORMAT, OPT_HELP };

static const struct option longs[] = {
    { "events", required_argument, NULL, OPT_EVENTS },
    { "max-new-marks", required_argument, NULL, OPT_MAX },
    { "no-text", no_argument, NULL, OPT_NO_TEXT },
    { "format", required_argument, NULL, OPT_FORMAT },
    { "help", no_argument, NULL, OPT_HELP },
    { NULL, 0, NULL, 0 },
};

struct options {
    const char *events;
    long long max_new; /* -1: no limit */
    bool no_text, json;
};

/* What rules would do with a reply; both strings belong to the rules. */
struct outcome {
    const char *word; /* mark, shadow, kept */
    const char *rule; /* or NULL */
};

struct reply {
    char *line;
    size_t len;
    int rc;
    struct error err;
    struct outcome old, new;
    char *sample; /* where they differ: conversation and words */
};

enum kind { NEWLY, NO_LONGER, OTHERWISE, KINDS };
static const char *const kind_words[KINDS] = { "newly marked", "no longer marked",
                                               "otherwise decided" };
static const char *const kind_keys[KINDS] = { "newly_marked", "no_longer_marked",
                                              "otherwise_decided" };

struct group {
    enum kind kind;
    struct outcome old, new;
    size_t count;
    char *samples[SAMPLES];
};

struct diff {
    const struct options *opt;
    struct ruleset *old, *new;
    int64_t now_ms;
    struct reply replies[CHUNK];
    size_t nreplies, total, counts[KINDS];
    atomic_size_t next; /* of replies[], for the threads */
    struct group *groups;
    size_t ngroups;
};

/* ---- one reply, on any thread ---------------------------------------------------------- */

static struct outcome decide(const struct diff *d, const struct ruleset *rs,
                             struct match_scratch *scratch, const struct event *ev)
{
    const struct match_options opt = { .now_ms = d->now_ms };
    struct verdict v;
    match_event(rs, scratch, ev, &opt, &v);
    const char *rule = v.rule ? v.rule->name : NULL;
    if (v.kind == VERDICT_MARK)
        return (struct outcome){ "mark", rule };
    if (v.kind == VERDICT_NONE && v.shadow)
        return (struct outcome){ "shadow", v.shadow->name };
    return (struct outcome){ "kept", rule };
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same(const struct outcome *a, const struct outcome *b)
{
    return strcmp(a->word, b->word) == 0 && same_text(a->rule, b->rule);
}

/* In one line, without what a terminal would obey. */
static char *make_sample(const struct diff *d, const struct event *ev)
{
    struct buf b = BUF_INIT;
    const char *words = event_str(ev, FIELD_REPLY);
    buf_puts(&b, event_str(ev, FIELD_CONVERSATION));
    if (words && !d->opt->no_text) {
        buf_puts(&b, "  ");
        buf_append(&b, words, utf8_cut(words, strlen(words), SAMPLE_BYTES));
    }
    for (size_t i = 0; i < b.len; i++)
        if ((unsigned char)b.data[i] < ' ' || b.data[i] == 0x7f)
            b.data[i] = ' ';
    return buf_take(&b);
}

static void look_at(struct diff *d, struct match_scratch *scratch, struct reply *r)
{
    scoped(event_record_done) struct event_record rec = { .event = NULL };
    r->rc = event_record_read(r->line, r->len, &rec, &r->err);
    if (r->rc < 0)
        return;
    r->old = decide(d, d->old, scratch, rec.event);
    r->new = decide(d, d->new, scratch, rec.event);
    if (!same(&r->old, &r->new))
        r->sample = make_sample(d, rec.event);
}

static void *worker(void *arg)
{
    struct diff *d = arg;
    struct match_scratch *scratch = match_scratch_new();
    for (size_t i; (i = atomic_fetch_add(&d->next, 1)) < d->nreplies;)
        look_at(d, scratch, &d->replies[i]);
    match_scratch_free(scratch);
    return NULL;
}

static void look_at_all(struct diff *d)
{
    pthread_t threads[THREADS_MAX];
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t n = 0;
    atomic_store(&d->next, 0);
    while (n < THREADS_MAX && (long)n + 1 < cores &&
           pthread_create(&threads[n], NULL, worker, d) == 0)
        n++;
    worker(d);
    for (size_t i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
}

/* ---- adding up ------------------------------------------------------------------------- */

static enum kind kind_of(const struct reply *r)
{
    const bool before = strcmp(r->old.word, "mark") == 0;
    const bool after = strcmp(r->new.word, "mark") == 0;
    return before == after ? OTHERWISE : after ? NEWLY : NO_LONGER;
}

static struct group *group_of(struct diff *d, const struct reply *r)
{
    for (size_t i = 0; i < d->ngroups; i++)
        if (same(&d->groups[i].old, &r->old) && same(&d->groups[i].new, &r->new))
            return &d->groups[i];
    d->groups = xreallocarray(d->groups, d->ngroups + 1, sizeof(*d->groups));
    struct group *g = &d->groups[d->ngroups++];
    *g = (struct group){ .kind = kind_of(r), .old = r->old, .new = r->new };
    return g;
}

static void count(struct diff *d, struct reply *r)
{
    d->total++;
    if (!r->sample)
        return;
    struct group *g = group_of(d, r);
    d->counts[g->kind]++;
    if (g->count < SAMPLES) {
        g->samples[g->count] = r->sample;
        r->sample = NULL;
    }
    g->count++;
}

static int count_all(struct diff *d, struct error *err)
{
    int rc = 0;
    for (size_t i = 0; i < d->nreplies; i++) {
        struct reply *r = &d->replies[i];
        if (rc == 0 && r->rc < 0) {
            *err = r->err;
            rc = error_prefix(err, "event %zu: ", d->total + 1);
        }
        if (rc == 0)
            count(d, r);
        free(r->line);
        free(r->sample);
        *r = (struct reply){ .line = NULL };
    }
    d->nreplies = 0;
    return rc;
}

/* ---- reading --------------------------------------------------------------------------- */

static bool read_line(FILE *from, struct reply *r)
{
    size_t room = 0;
    const ssize_t len = getline(&r->line, &room, from);
    r->len = len > 0 ? (size_t)len : 0;
    return len > 0;
}

static void read_chunk(struct diff *d, FILE *from)
{
    while (d->nreplies < CHUNK && read_line(from, &d->replies[d->nreplies])) {
        struct reply *r = &d->replies[d->nreplies];
        if (r->len == strspn(r->line, " \t\r\n")) {
            free(r->line);
            *r = (struct reply){ .line = NULL };
            continue;
        }
        d->nreplies++;
    }
    if (d->nreplies < CHUNK) { /* what getline took for the line that is not there */
        free(d->replies[d->nreplies].line);
        d->replies[d->nreplies].line = NULL;
    }
}

static int read_all(struct diff *d, FILE *from, struct error *err)
{
    const bool show = isatty(STDERR_FILENO);
    int rc = 0;
    for (bool more = true; more && rc == 0;) {
        read_chunk(d, from);
        more = d->nreplies > 0;
        look_at_all(d);
        rc = count_all(d, err);
        if (show)
            fprintf(stderr, "\r%zu replies", d->total);
    }
    if (show)
        fputs("\r\033[K", stderr);
    return rc == 0 && ferror(from) ? error_sys(err, errno, "reading the events") : rc;
}

/* ---- telling --------------------------------------------------------------------------- */

static void print_outcome(const struct outcome *o)
{
    printf("%s%s%s", o->word, o->rule ? " by " : "", o->rule ? o->rule : "");
}

static void print_group(const struct group *g)
{
    printf("  %6zu  ", g->count);
    print_outcome(&g->old);
    fputs(" -> ", stdout);
    print_outcome(&g->new);
    putchar('\n');
    for (size_t i = 0; i < SAMPLES && g->samples[i]; i++)
        printf("            %s\n", g->samples[i]);
}

static void print_text(const struct diff *d)
{
    printf("%zu replies: %zu newly marked, %zu no longer marked, %zu otherwise decided\n", d->total,
           d->counts[NEWLY], d->counts[NO_LONGER], d->counts[OTHERWISE]);
    for (enum kind k = 0; k < KINDS; k++) {
        if (d->counts[k])
            printf("%s\n", kind_words[k]);
        for (size_t i = 0; i < d->ngroups; i++)
            if (d->groups[i].kind == k)
                print_group(&d->groups[i]);
    }
}

static struct json_object *outcome_json(const struct outcome *o)
{
    struct json_object *j = json_new_object();
    json_put_str(j, "verdict", o->word);
    if (o->rule)
        json_put_str(j, "rule", o->rule);
    return j;
}

static struct json_object *group_json(const struct group *g)
{
    struct json_object *j = json_new_object(), *samples = json_new_array();
    json_put_str(j, "kind", kind_keys[g->kind]);
    json_put(j, "old", outcome_json(&g->old));
    json_put(j, "new", outcome_json(&g->new));
    json_put_int(j, "count", (int64_t)g->count);
    for (size_t i = 0; i < SAMPLES && g->samples[i]; i++)
        json_push_str(samples, g->samples[i]);
    json_put(j, "samples", samples);
    return j;
}

static void print_json(const struct diff *d)
{
    scoped(json_freep) struct json_object *o = json_new_object();
    struct json_object *groups = json_new_array();
    json_put_int(o, "replies", (int64_t)d->total);
    for (enum kind k = 0; k < KINDS; k++)
        json_put_int(o, kind_keys[k], (int64_t)d->counts[k]);
    for (size_t i = 0; i < d->ngroups; i++)
        json_push(groups, group_json(&d->groups[i]));
    json_put(o, "groups", groups);
    cli_print_json(o);
}

/* ---- all of it --------------------------------------------------------------------------- */

static struct ruleset *load(const char *path)
{
    scoped(diags_done) struct diags diags = DIAGS_INIT;
    const struct rules_source src = {
        .paths = &path, .npaths = 1, .prefilter = true, .now_ms = clock_wall_ms()
    };
    struct ruleset *rs = rules_load(&src, false, &diags);
    if (!rs) {
        diags_sort(&diags);
        diags_print(&diags, stderr);
    }
    return rs;
}

static void diff_free(struct diff *d)
{
    for (size_t i = 0; i < d->ngroups; i++)
        for (size_t k = 0; k < SAMPLES; k++)
            free(d->groups[i].samples[k]);
    free(d->groups);
    ruleset_unref(d->old);
    ruleset_unref(d->new);
    free(d);
}

static int compare(struct diff *d, FILE *from)
{
    struct error err = ERROR_INIT;
    if (read_all(d, from, &err) < 0)
        return cli_trouble(&err);
    if (d->opt->json)
        print_json(d);
    else
        print_text(d);
    if (fflush(stdout) != 0)
        return EXIT_TROUBLE;
    const bool beyond = d->opt->max_new >= 0 && d->counts[NEWLY] > (size_t)d->opt->max_new;
    return beyond ? EXIT_MISTAKES : EXIT_FINE;
}

static int run(const struct options *o, const char *old, const char *new)
{
    struct error err = ERROR_INIT;
    const char *const paths[] = { old, new };
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        if (access(paths[i], R_OK) < 0) {
            error_sys(&err, errno, "'%s' cannot be read", paths[i]);
            return cli_trouble(&err);
        }
    const bool standard = !o->events || strcmp(o->events, "-") == 0;
    FILE *from = standard ? stdin : fopen(o->events, "re");
    if (!from) {
        error_sys(&err, errno, "opening %s", o->events);
        return cli_trouble(&err);
    }
    struct diff *d = xcalloc(1, sizeof(*d));
    d->opt = o;
    d->now_ms = clock_wall_ms();
    d->old = load(old);
    d->new = load(new);
    const int code = d->old && d->new ? compare(d, from) : EXIT_MISTAKES;
    diff_free(d);
    if (!standard)
        fclose(from);
    return code;
}

/* -1: fine; else the exit code. */
static int take_option(struct options *o, int c, char **argv)
{
    char *end = NULL;
    if (c == OPT_HELP || c == 'h')
        return cli_help(usage);
    if (c == '?' || c == ':')
        return cli_bad_option(usage, argv);
    if (c == OPT_FORMAT && !cli_json_wanted(optarg, &o->json))
        return EXIT_USAGE;
    if (c == OPT_EVENTS)
        o->events = optarg;
    if (c == OPT_NO_TEXT)
        o->no_text = true;
    if (c != OPT_MAX)
        return -1;
    errno = 0;
    o->max_new = strtoll(optarg, &end, 10);
    if (end == optarg || *end || errno || o->max_new < 0)
        return cli_usage(usage, "diff: --max-new-marks is '%s': a number would be right", optarg);
    return -1;
}

int cmd_diff(int argc, char **argv)
{
    struct options o = { .max_new = -1 };
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":h", longs, NULL)) != -1;) {
        const int done = take_option(&o, c, argv);
        if (done >= 0)
            return done;
    }
    if (argc - optind != 2)
        return cli_usage(usage, "diff: two sets of rules are compared, OLD and NEW");
    return run(&o, argv[optind], argv[optind + 1]);
}
