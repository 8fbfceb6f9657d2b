/* cmd_learn.c - automark learn: a recorded reply becomes a scrubbed test of the rules. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/replace_file.h"
#include "base/yaml.h"
#include "cli/cli.h"
#include "cli/recorded.h"
#include "cli/rule_sets.h"
#include "event/event.h"
#include "rules/learned_file.h"

static const char usage[] =
    "usage: automark learn CONVERSATION --expect RULE|keep [--message ID] [--rules PATH]...\n"
    "                      [--keep WORD]... [--dry-run] [OPTION...]\n"
    "\n"
    "Makes a test of a recorded reply: this RULE shall decide it, or it shall be kept (left\n"
    "unread) by whatever. Names, addresses, numbers and links are replaced; look the test over\n"
    "before you share it, for what no greeting, address or signature names is not known to be\n"
    "a name. The test goes beside the rule or into a *.test.yaml of its folder, and is run.\n"
    "\n"
    "  --message ID, --id N   another event than the newest: by its message, or by the id that\n"
    "                         `automark events export` prints\n"
    "  --keep WORD            a name, host or number that stays as it is\n"
    "  --dry-run              say what would be written, and how it would go\n"
    "  --rules PATH           file or folder of rules; default: those of the configuration\n"
    "  --config FILE, --workspace NAME   whose rules (default: of the event's workspace)\n"
    "  --store URL, --socket PATH        where the event is (default: as serve)\n"
    "\n"
    "exit status: 0 the test passes already, 1 it fails (now change the rule), or nothing could\n"
    "be learned, 2 wrong use, 3 trouble: nothing was written\n";

enum { OPT_EXPECT = 256, OPT_MESSAGE, OPT_ID, OPT_KEEP, OPT_DRY, OPT_RULES, OPT_CONFIG };
enum { OPT_WORKSPACE = OPT_CONFIG + 1, OPT_STORE, OPT_SOCKET, OPT_HELP };

static const struct option longs[] = {
    { "expect", required_argument, NULL, OPT_EXPECT },
    { "message", required_argument, NULL, OPT_MESSAGE },
    { "id", required_argument, NULL, OPT_ID },
    { "keep", required_argument, NULL, OPT_KEEP },
    { "dry-run", no_argument, NULL, OPT_DRY },
    { "rules", required_argument, NULL, OPT_RULES },
    { "config", required_argument, NULL, OPT_CONFIG },
    { "workspace", required_argument, NULL, OPT_WORKSPACE },
    { "store", required_argument, NULL, OPT_STORE },
    { "socket", required_argument, NULL, OPT_SOCKET },
    { "help", no_argument, NULL, OPT_HELP },
    { NULL, 0, NULL, 0 },
};

struct options {
    struct recorded_wish event;
    struct whereabouts_options where;
    struct rule_sets_wish rules;
    const char **paths, **keep;
    size_t nkeep;
    const char *expect;
    bool dry;
};

/* What a run needs, from the event to the file. */
struct learning {
    const struct options *o;
    struct event_record record;
    struct rule_sets sets;
    const struct rules_source *src;
    struct ruleset *rs;
    const struct rule *expect; /* NULL: keep */
    struct learned learned;
    struct learned_file file;
};

static void learning_done(struct learning *l)
{
    learned_file_done(&l->file);
    learned_done(&l->learned);
    ruleset_unref(l->rs);
    rule_sets_done(&l->sets);
    event_record_done(&l->record);
}

/* ---- the event and the rules ----------------------------------------------------------------- */

static int find_event(struct learning *l, struct error *err)
{
    scoped(whereabouts_done) struct whereabouts where = { .store = NULL };
    return whereabouts_find(&l->o->where, &where, err) < 0 ||
                   recorded_find(&where, &l->o->event, &l->record, err) < 0
               ? -1
               : 0;
}

/* One set: of the paths, or of the event's workspace. */
static int find_rules(struct learning *l, struct diags *d, struct error *err)
{
    struct rule_sets_wish wish = l->o->rules;
    if (!wish.npaths && !wish.workspace)
        wish.workspace = event_str(l->record.event, FIELD_WORKSPACE);
    const int rc = rule_sets_find(&wish, &l->sets, d, err);
    if (rc < 0)
        return rc;
    l->src = &l->sets.list[0].src;
    l->rs = rules_load(l->src, false, d);
    return l->rs ? 0 : -1;
}

static int find_expected(struct learning *l, struct error *err)
{
    const char *name = l->o->expect;
    if (strcmp(name, "keep") == 0)
        return 0;
    l->expect = ruleset_find(l->rs, name);
    if (l->expect)
        return 0;
    const struct ruleset *rs = l->rs;
    const size_t n = rs->nguards + rs->nrules;
    scoped(freep) const char **names = xcalloc(n + 1, sizeof(*names));
    for (size_t i = 0; i < n; i++)
        names[i] = i < rs->nguards ? rs->guards[i].name : rs->rules[i - rs->nguards].name;
    const char *near = yaml_nearest(name, names, n);
    return error_set(err, ERR_INPUT, "there is no rule '%.64s'%s%s%s; 'keep' means: by whatever",
                     name, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* ---- telling -----------------------------------------------------------------------------------
 */

static void print_snippet(const struct learning *l)
{
    scoped(learned_pairs_done) struct learned_pairs p = { .list = NULL };
    scoped(buf_free) struct buf b = BUF_INIT;
    learned_pairs(&l->learned, l->file.own || !l->file.path ? NULL : l->file.expect, &p);
    yaml_write_flow_map(&b, p.list, p.count);
    printf("  - %s\n", buf_str(&b));
}

static void print_changes(const struct learning *l)
{
    size_t n = 0;
    const struct scrub_change *c = scrub_changes(l->learned.scrub, &n);
    if (n)
        puts("replaced:");
    for (size_t i = 0; i < n; i++)
        printf("  %-8s %s -> %s\n", c[i].what, c[i].from, c[i].to);
}

/* The way in which the test would lie. Nothing is written. */
static int scrubbing_changed_it(const struct learning *l)
{
    const struct learned *d = &l->learned;
    scoped(buf_free) struct buf before = BUF_INIT;
    scoped(buf_free) struct buf after = BUF_INIT;
    verdict_describe(&before, &d->verdict);
    verdict_describe(&after, &d->scrubbed);
    fprintf(stderr,
            "automark: nothing was written: the test would not say what the reply says\n"
            "  the reply: %s\n  the test:  %s\n",
            buf_str(&before), buf_str(&after));
    if (d->incomplete)
        fputs("  a test cannot hold all of this event (a field was cut, or has several values)\n",
              stderr);
    for (size_t i = 0; i < d->nculprits; i++)
        fprintf(stderr, "  it is the replacement of '%s': --keep '%s' leaves it\n", d->culprits[i],
                d->culprits[i]);
    if (!d->incomplete && !d->nculprits)
        fputs("  several replacements together do it; they are listed here\n", stderr);
    print_changes(l);
    print_snippet(l);
    return EXIT_MISTAKES;
}

/* On any doubt: what to paste, and where. */
static int left_to_people(const struct learning *l, const struct error *err)
{
    cli_trouble(err);
    fprintf(stderr, "automark: nothing was written; this line can be pasted into %s%s%s:\n",
            l->file.own ? "the tests of " : "the tests of ", l->file.own ? l->file.own->name : "",
            l->file.own    ? ""
            : l->file.path ? l->file.path
                           : "a test file");
    print_snippet(l);
    return EXIT_TROUBLE;
}

/* The paths that were given name the test file, or the folder that it is in. */
static bool is_named(const struct rule_sets_wish *w, const char *file)
{
    for (size_t i = 0; i < w->npaths; i++) {
        size_t len = strlen(w->paths[i]);
        while (len > 1 && w->paths[i][len - 1] == '/')
            len--;
        const bool begins = strncmp(file, w->paths[i], len) == 0;
        if (begins && (!file[len] || (file[len] == '/' && strrchr(file, '/') <= file + len + 1)))
            return true;
    }
    return false;
}

static void print_command(const struct learning *l, bool passes)
{
    const struct rule_sets_wish *w = &l->o->rules;
    printf("automark test");
    if (!passes)
        printf(" --filter %s", l->expect ? l->expect->name : l->file.path);
    for (size_t i = 0; i < w->npaths; i++)
        printf(" %s", w->paths[i]);
    if (w->npaths && l->file.is_test_file && !is_named(w, l->file.path))
        printf(" %s", l->file.path);
    if (w->config)
        printf(" --config %s", w->config);
    if (!w->npaths)
        printf(" --workspace %s", l->sets.list[0].workspace);
    putchar('\n');
}

static int run_test(const struct learning *l, struct error *err)
{
    scoped(buf_free) struct buf expected = BUF_INIT;
    scoped(buf_free) struct buf got = BUF_INIT;
    bool passes = false;
    if (learned_file_run(l->rs, l->src, &l->file, l->src->now_ms, &passes, &expected, &got, err) <
        0)
        return left_to_people(l, err);
    if (passes) {
        printf("it passes: %s\nnext: ", buf_str(&expected));
    } else {
        printf("it fails: expected %s, got %s\nnow change the rule", buf_str(&expected),
               buf_str(&got));
        const struct rule *r = l->expect ? l->expect : l->learned.verdict.rule;
        if (r)
            printf(" (%s, %s:%u)", r->name, r->place.file, r->place.line);
        printf(", then: ");
    }
    print_command(l, passes);
    return fflush(stdout) != 0 ? EXIT_TROUBLE : passes ? EXIT_FINE : EXIT_MISTAKES;
}

/* ---- all of it
 * ------------------------------------------------------------------------------------ */

static int write_file(const struct learning *l, struct error *err)
{
    const struct learned_file *f = &l->file;
    return replace_file(f->path, f->is_new ? NULL : buf_str(&f->old), f->old.len, buf_str(&f->text),
                        f->text.len, err);
}

static int write_and_run(struct learning *l)
{
    struct error err = ERROR_INIT;
    struct learned_file *f = &l->file;
    if (learned_file_choose(l->rs, &l->learned, l->expect, f, &err) < 0 ||
        learned_file_add(l->rs, l->src, &l->learned, f, &err) < 0 ||
        (!f->known && !l->o->dry && write_file(l, &err) < 0))
        return left_to_people(l, &err);
    const char *done = f->known ? "there already" : l->o->dry ? "would be added" : "added";
    printf("%s:%u: %s\n", f->path, f->line, done);
    print_snippet(l);
    print_changes(l);
    return run_test(l, &err);
}

static int mistake(const struct error *err)
{
    const int code = cli_trouble(err);
    return err->kind == ERR_INPUT ? EXIT_MISTAKES : code;
}

static int run(struct learning *l)
{
    struct error err = ERROR_INIT;
    scoped(diags_done) struct diags d = DIAGS_INIT;
    if (find_event(l, &err) < 0)
        return mistake(&err);
    const int rc = find_rules(l, &d, &err);
    if (rc == -2)
        return mistake(&err);
    if (rc < 0) {
        diags_unique(&d);
        diags_print(&d, stderr);
        return EXIT_MISTAKES;
    }
    if (find_expected(l, &err) < 0)
        return cli_usage(usage, "learn: %s", err.msg);
    const struct learned_wish wish = { .rs = l->rs,
                                       .expect = l->expect,
                                       .keep = l->o->keep,
                                       .nkeep = l->o->nkeep,
                                       .now_ms = l->src->now_ms };
    learned_make(&wish, l->record.event, &l->learned);
    return l->learned.same ? write_and_run(l) : scrubbing_changed_it(l);
}

/* ---- options
 * ------------------------------------------------------------------------------------------ */

/* -1: fine; else the exit code. */
static int take_option(struct options *o, int c, char **argv)
{
    switch (c) {
    case OPT_EXPECT:
        o->expect = optarg;
        return -1;
    case OPT_MESSAGE:
        o->event.message = optarg;
        return -1;
    case OPT_ID:
        return cli_count_wanted("--id", optarg, &o->event.id) ? -1 : EXIT_USAGE;
    case OPT_KEEP:
        o->keep[o->nkeep++] = optarg;
        return -1;
    case OPT_DRY:
        o->dry = true;
        return -1;
    case OPT_RULES:
        o->paths[o->rules.npaths++] = optarg;
        return -1;
    case OPT_CONFIG:
        o->rules.config = o->where.config = optarg;
        return -1;
    case OPT_WORKSPACE:
        o->rules.workspace = o->event.workspace = optarg;
        return -1;
    case OPT_STORE:
        o->where.store = optarg;
        return -1;
    case OPT_SOCKET:
        o->where.socket = optarg;
        return -1;
    case OPT_HELP:
    case 'h':
        return cli_help(usage);
    default:
        return cli_bad_option(usage, argv);
    }
}

static int read_options(int argc, char **argv, struct options *o)
{
    opterr = 0;
    optind = 1;
    for (int c; (c = getopt_long(argc, argv, ":h", longs, NULL)) != -1;) {
        const int done = take_option(o, c, argv);
        if (done >= 0)
            return done;
    }
    o->rules.paths = o->paths;
    if (argc - optind != 1)
        return cli_usage(usage, "learn: of which conversation? one at a time");
    o->event.conversation = argv[optind];
    if (!o->expect)
        return cli_usage(usage, "learn: --expect says which rule shall decide it, or keep");
    if (o->rules.npaths && o->rules.config)
        return cli_usage(usage, "learn: either --rules or --config, not both");
    if (!rule_sets_wanted(&o->rules))
        return cli_usage(usage, "learn: which rules? --rules PATH, or --config FILE");
    return -1;
}

int cmd_learn(int argc, char **argv)
{
    struct options o = { .paths = xcalloc((size_t)argc + 1, sizeof(*o.paths)),
                         .keep = xcalloc((size_t)argc + 1, sizeof(*o.keep)) };
    int code = read_options(argc, argv, &o);
    if (code < 0) {
        scoped(learning_done) struct learning l = { .o = &o };
        code = run(&l);
    }
    free(o.paths);
    free(o.keep);
    return code;
}
