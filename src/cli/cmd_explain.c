/* explain - why an event has the verdict that it has. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/explain.h"
#include "cli/recorded.h"
#include "config.h"
#include "rules/rules_load.h"

static const char usage[] =
    "usage: automark explain [--rules PATH]... [OPTION...] [FILE|-]\n"
    "       automark explain [--rules PATH]... --FIELD TEXT... [OPTION...]\n"
    "       automark explain --recorded CONVERSATION [--message ID] [OPTION...]\n"
    "\n"
    "Says what rules would do with an event and why: each guard and rule that was looked\n"
    "at, what each condition answered and which words it found, what was cut off as quoted,\n"
    "and, when nothing matched, which rule came nearest. Nothing is sent anywhere.\n"
    "\n"
    "  FILE             the event as it was delivered (JSON); - or nothing: standard input\n"
    "  --FIELD TEXT     a field instead, or one that is changed in FILE: --subject, --reply,\n"
    "                   --from, --tag, --tags, --auto-reply, --text, ...\n"
    "  --body TEXT      a whole mail, which is split into reply, signature and quoted\n"
    "  --pointer /data/x=TEXT   a value that rules read by JSON pointer\n"
    "  --unknown FIELD  a field that a look at SendKit could supply\n"
    "  --event NAME     the event's name (with FILE: its X-Webhook-Event header)\n"
    "\n"
    "  --recorded CONVERSATION   its newest event, as the daemon recorded it (--conversation\n"
    "                   only changes a field); --FIELD changes that one too\n"
    "  --message ID, --id N      with --recorded: another one, by its message, or by the id\n"
    "                   that `automark events export` prints\n"
    "  --store URL, --socket PATH   with --recorded: where it is (default: as serve). Asks the\n"
    "                   daemon while one runs; opens the store itself when not\n"
    "\n"
    "  --rules PATH     file or folder of rules, may be repeated; default: those of the\n"
    "                   configuration\n"
    "  --config FILE, --workspace NAME   whose rules and fields (default: the only one)\n"
    "  --now TIME       date or RFC 3339, for rules and exceptions that run out\n"
    "  --all            also the rules behind the one that decided, and every condition\n"
    "  --format FORMAT  text (default) or json\n"
    "\n"
    "exit status: 0 explained, 1 mistakes in rules or event, 2 wrong use, 3 trouble\n";

#define EVENT_BYTES_MAX (16u * 1024 * 1024)

enum { OPT_FIELD = 1000, OPT_RULES = 2000, OPT_BODY, OPT_POINTER, OPT_UNKNOWN, OPT_CONFIG };
enum { OPT_WORKSPACE = OPT_CONFIG + 1, OPT_NOW, OPT_ALL, OPT_FORMAT, OPT_HELP };
enum { OPT_RECORDED = OPT_HELP + 1, OPT_ID, OPT_STORE, OPT_SOCKET };

/* One word of the command line that changes the event; in order. */
struct change {
    int opt; /* OPT_FIELD + field, or OPT_BODY, OPT_POINTER, OPT_UNKNOWN */
    const char *value;
};

struct options {
    const char **rules;
    size_t nrules;
    struct change *changes;
    size_t nchanges;
    const char *config, *workspace, *file;
    const char *event;             /* --event */
    struct recorded_wish recorded; /* --recorded; conversation NULL: not given */
    struct whereabouts_options where;
    int64_t now_ms;
    bool all, json;
};

static void options_done(struct options *o)
{
    free(o->rules);
    free(o->changes);
}

/* ---- options --------------------------------------------------------------------------- */

#define FIXED 17

/* Fields are options of the same name; --workspace chooses rules, and the field as well. */
static void long_options(struct option out[FIELD_COUNT + FIXED])
{
    static const struct option fixed[FIXED] = {
        { "campaign-id", required_argument, NULL, OPT_FIELD + FIELD_CAMPAIGN_ID },
        { "auto-reply", required_argument, NULL, OPT_FIELD + FIELD_AUTO_REPLY },
        { "received-at", required_argument, NULL, OPT_FIELD + FIELD_RECEIVED_AT },
        { "rules", required_argument, NULL, OPT_RULES },
        { "body", required_argument, NULL, OPT_BODY },
        { "pointer", required_argument, NULL, OPT_POINTER },
        { "unknown", required_argument, NULL, OPT_UNKNOWN },
        { "config", required_argument, NULL, OPT_CONFIG },
        { "now", required_argument, NULL, OPT_NOW },
        { "all", no_argument, NULL, OPT_ALL },
        { "format", required_argument, NULL, OPT_FORMAT },
        { "help", no_argument, NULL, OPT_HELP },
        { "recorded", required_argument, NULL, OPT_RECORDED },
        { "id", required_argument, NULL, OPT_ID },
        { "store", required_argument, NULL, OPT_STORE },
        { "socket", required_argument, NULL, OPT_SOCKET },
        { NULL, 0, NULL, 0 },
    };
    for (enum field f = 0; f < FIELD_COUNT; f++)
        out[f] = (struct option){ field_name(f), required_argument, NULL, OPT_FIELD + (int)f };
    memcpy(out + FIELD_COUNT, fixed, sizeof(fixed));
}

static void add_change(struct options *o, int opt, const char *value)
{
    o->changes = xreallocarray(o->changes, o->nchanges + 1, sizeof(*o->changes));
    o->changes[o->nchanges++] = (struct change){ .opt = opt, .value = value };
}

static void add_rules(struct options *o, const char *path)
{
    o->rules = xreallocarray(o->rules, o->nrules + 1, sizeof(*o->rules));
    o->rules[o->nrules++] = path;
}

/* -1: fine; else the exit code. */
static int take_change(struct options *o, int opt, const char *value)
{
    const char *equals = strchr(value, '=');
    if (opt == OPT_UNKNOWN && field_by_name(value) == FIELD_COUNT)
        return cli_usage(usage, "--unknown: there is no field '%s'", value);
    if (opt == OPT_POINTER && (value[0] != '/' || !equals))
        return cli_usage(usage, "--pointer is '%s': /data/name=text would be right", value);
    if (opt == OPT_FIELD + FIELD_EVENT)
        o->event = value;
    if (opt == OPT_FIELD + FIELD_WORKSPACE)
        o->workspace = value;
    else
        add_change(o, opt, value);
    return -1;
}

static int take_option(struct options *o, int opt, char **argv)
{
    switch (opt) {
    case OPT_RULES:
        add_rules(o, optarg);
        return -1;
    case OPT_CONFIG:
        o->config = o->where.config = optarg;
        return -1;
    case OPT_RECORDED:
        o->recorded.conversation = optarg;
        return -1;
    case OPT_ID:
        return cli_count_wanted("--id", optarg, &o->recorded.id) ? -1 : EXIT_USAGE;
    case OPT_STORE:
        o->where.store = optarg;
        return -1;
    case OPT_SOCKET:
        o->where.socket = optarg;
        return -1;
    case OPT_ALL:
        o->all = true;
        return -1;
    case OPT_FORMAT:
        return cli_json_wanted(optarg, &o->json) ? -1 : EXIT_USAGE;
    case OPT_NOW:
        return cli_now(usage, optarg, &o->now_ms);
    case OPT_HELP:
        return cli_help(usage);
    case '?':
    case ':':
        return cli_bad_option(usage, argv);
    default:
        return take_change(o, opt, optarg);
    }
}

/* --message chooses the event where one is recorded, and changes the field where not. */
static void choose_message(struct options *o)
{
    for (size_t i = 0; i < o->nchanges; i++)
        if (o->changes[i].opt == OPT_FIELD + FIELD_MESSAGE)
            o->recorded.message = o->changes[i].value;
}

static int check_recorded(struct options *o, bool file)
{
    const bool others = o->recorded.id || o->where.store || o->where.socket;
    if (!o->recorded.conversation)
        return others ? cli_usage(usage, "--id, --store and --socket go with --recorded "
                                         "CONVERSATION")
                      : -1;
    if (file)
        return cli_usage(usage, "either --recorded or a FILE, not both");
    choose_message(o);
    o->recorded.workspace = o->workspace;
    return -1;
}

static int read_options(int argc, char **argv, struct options *o)
{
    struct option longs[FIELD_COUNT + FIXED];
    long_options(longs);
    opterr = 0;
    optind = 1;
    for (int opt; (opt = getopt_long(argc, argv, ":", longs, NULL)) != -1;) {
        const int done = take_option(o, opt, argv);
        if (done >= 0)
            return done;
    }
    if (argc - optind > 1)
        return cli_usage(usage, "one event at a time, '%s' is too much", argv[optind + 1]);
    /* with fields alone there is nothing to read */
    const bool nothing = o->nchanges > 0 || o->recorded.conversation;
    o->file = argc > optind ? argv[optind] : nothing ? NULL : "-";
    return check_recorded(o, argc > optind);
}

/* ---- rules and fields ------------------------------------------------------------------ */

static const struct workspace_config *choose_workspace(const struct config *c, const char *name,
                                                       struct error *err)
{
    const struct workspace_config *w = name ? config_workspace(c, name) : &c->workspaces[0];
    if (!w)
        error_set(err, ERR_INPUT, "the configuration has no workspace '%s'", name);
    else if (!name && c->nworkspaces > 1)
        error_set(err, ERR_INPUT, "which workspace? the configuration has %zu: --workspace NAME",
                  c->nworkspaces);
    return err->kind == ERR_NONE ? w : NULL;
}

/* Rules named on the command line need no configuration; one that is named gives the rest. */
static bool needs_config(const struct options *o)
{
    return o->nrules == 0 || o->config;
}

/* What the event is explained with. */
struct basis {
    struct config *config;
    struct field_map *own_fields; /* without a configuration */
    const struct field_map *fields;
    const char *workspace;
    struct ruleset *rules;
    struct event_record recorded; /* event NULL: none was asked for, or it is taken */
};

static void basis_done(struct basis *b)
{
    ruleset_unref(b->rules);
    field_map_free(b->own_fields);
    config_free(b->config);
    event_record_done(&b->recorded);
}

/* A path that is not there is no mistake in a rule. */
static int paths_exist(const struct options *o, struct error *err)
{
    struct stat st;
    for (size_t i = 0; i < o->nrules; i++)
        if (stat(o->rules[i], &st) < 0)
            return error_sys(err, errno, "'%s' cannot be read", o->rules[i]);
    return 0;
}

static void load_plain(const struct options *o, struct basis *b, struct diags *d)
{
    const struct rules_source src = {
        .paths = o->rules, .npaths = o->nrules, .prefilter = true, .now_ms = o->now_ms
    };
    b->own_fields = field_map_new();
    b->fields = b->own_fields;
    b->workspace = o->workspace ? o->workspace : "default";
    b->rules = rules_load(&src, false, d);
}

static int load_configured(const struct options *o, struct basis *b, struct diags *d,
                           struct error *err)
{
    const struct config_options opt = { .file = o->config, .rules = o->rules, .nrules = o->nrules };
    if (config_load(&opt, &b->config, d) < 0)
        return 0; /* all in d */
    const struct workspace_config *w = choose_workspace(b->config, o->workspace, err);
    if (!w)
        return -1;
    const struct rules_source src = { .paths = (const char *const *)w->rules,
                                      .npaths = w->nrules,
                                      .overrides = w->overrides,
                                      .noverrides = w->noverrides,
                                      .require_guards = (const char *const *)w->require_guards,
                                      .nrequire_guards = w->nrequire_guards,
                                      .require_places = w->require_places,
                                      .prefilter = b->config->prefilter,
                                      .now_ms = o->now_ms };
    b->fields = w->fields;
    b->workspace = w->name;
    b->rules = rules_load(&src, false, d);
    return 0;
}

/* ---- the event --------------------------------------------------------------------------- */

static void change_pointer(struct event *ev, const char *value)
{
    const char *equals = strchr(value, '=');
    scoped(freep) char *pointer = xmemdup0(value, (size_t)(equals - value));
    event_set_pointer(ev, pointer, equals + 1, strlen(equals + 1));
}

static void apply(struct event *ev, const struct change *c)
{
    const size_t len = strlen(c->value);
    if (c->opt == OPT_BODY)
        event_set_body(ev, c->value, len, TEXT_GUESS);
    else if (c->opt == OPT_POINTER)
        change_pointer(ev, c->value);
    else if (c->opt == OPT_UNKNOWN)
        event_set_unknown(ev, field_by_name(c->value));
    else
        event_set(ev, (enum field)(c->opt - OPT_FIELD), c->value, len);
}

static struct event *read_event(const struct options *o, struct basis *b, struct error *err)
{
    scoped(buf_free) struct buf body = BUF_INIT;
    struct event *ev = b->recorded.event;
    b->recorded.event = NULL;
    if (o->file && cli_read(o->file, EVENT_BYTES_MAX, &body, err) < 0)
        return NULL;
    if (o->file)
        ev = event_parse(buf_str(&body), body.len, o->event, b->workspace, b->fields, err);
    else if (!ev)
        ev = event_new();
    for (size_t i = 0; ev && i < o->nchanges; i++)
        apply(ev, &o->changes[i]);
    return ev;
}

/* ---- the answer ------------------------------------------------------------------------- */

static void explain(const struct options *o, const struct basis *b, const struct event *ev)
{
    const struct match_options opt = { .now_ms = o->now_ms };
    const struct explain_style style = { .to = stdout,
                                         .all = o->all,
                                         .colour = cli_colour(stdout) };
    scoped(explained_done) struct explained x = { .steps = NULL };
    explain_event(&x, b->rules, ev, &opt);
    scoped(json_freep) struct json_object *json = o->json ? explain_json(&x) : NULL;
    if (json)
        cli_print_json(json);
    else
        explain_print(&x, &style);
}

static int not_a_reply(const struct options *o, const struct event *ev)
{
    const char *why = ev->kind == EVENT_TEST ? "test delivery" : "not a reply event";
    scoped(json_freep) struct json_object *json = json_new_object();
    json_put_str(json, "verdict", "ignored");
    json_put_str(json, "reason", why);
    if (o->json)
        cli_print_json(json);
    else
        printf("ignored: %s\n", why);
    return EXIT_FINE;
}

static int mistake(const struct error *err)
{
    const int code = cli_trouble(err);
    return err->kind == ERR_INPUT ? EXIT_MISTAKES : code;
}

/* Its workspace is the one whose rules are meant, unless another was named. */
static int find_recorded(struct options *o, struct basis *b, struct error *err)
{
    scoped(whereabouts_done) struct whereabouts where = { .store = NULL };
    if (!o->recorded.conversation)
        return 0;
    if (whereabouts_find(&o->where, &where, err) < 0 ||
        recorded_find(&where, &o->recorded, &b->recorded, err) < 0)
        return -1;
    if (!o->workspace)
        o->workspace = event_str(b->recorded.event, FIELD_WORKSPACE);
    return 0;
}

static int run(struct options *o, struct basis *b)
{
    struct error err = ERROR_INIT;
    scoped(diags_done) struct diags d = DIAGS_INIT;
    if (find_recorded(o, b, &err) < 0)
        return mistake(&err);
    if (paths_exist(o, &err) < 0)
        return cli_trouble(&err);
    if (!needs_config(o))
        load_plain(o, b, &d);
    else if (load_configured(o, b, &d, &err) < 0)
        return cli_usage(usage, "%s", err.msg);
    if (!b->rules) {
        diags_print(&d, stderr);
        return EXIT_MISTAKES;
    }
    scoped(event_freep) struct event *ev = read_event(o, b, &err);
    if (!ev)
        return mistake(&err);
    if (ev->kind != EVENT_REPLY)
        return not_a_reply(o, ev);
    explain(o, b, ev);
    return fflush(stdout) == 0 ? EXIT_FINE : EXIT_TROUBLE;
}

int cmd_explain(int argc, char **argv)
{
    scoped(options_done) struct options o = { .now_ms = clock_wall_ms() };
    const int done = read_options(argc, argv, &o);
    if (done >= 0)
        return done;
    scoped(basis_done) struct basis b = { .rules = NULL };
    return run(&o, &b);
}
