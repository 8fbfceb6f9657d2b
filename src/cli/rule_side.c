#include "cli/rule_side.h"

#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "cli/git_rules.h"
#include "cli/reach.h"
#include "config.h"
#include "serve/rules_api.h"

/* ---- what the daemon runs ------------------------------------------------------------------ */

struct question {
    const char *workspace; /* NULL: the only one */
    const char *store;     /* for words */
    struct json_object *answer;
};

static enum admin_reach running_of_daemon(void *ctx, const char *socket, struct error *err)
{
    struct question *q = ctx;
    const struct admin_param params[] = { { "workspace", q->workspace }, { NULL, NULL } };
    return admin_ask(socket, "GET", "/api/rules", params, &q->answer, err);
}

/* The last good set, which the daemon keeps; overrides are not part of it. */
static int running_of_store(void *ctx, struct store *st, struct error *err)
{
    struct question *q = ctx;
    const char *workspace = q->workspace ? q->workspace : "default";
    scoped(freep) char *blob = NULL;
    size_t len = 0;
    if (store_rules_load(st, workspace, &blob, &len, err) < 0)
        return -1;
    if (!blob)
        return error_set(err, ERR_INPUT,
                         "no daemon runs, and none kept rules of workspace '%s' in %s", workspace,
                         q->store);
    q->answer = json_parse_max(blob, len, RULES_JSON_NODES_MAX, err);
    return q->answer ? 0 : -1;
}

static struct json_object *ask_running(const struct rule_sides *s, struct error *err)
{
    static const struct reach_ways ways = { running_of_daemon, running_of_store };
    scoped(whereabouts_done) struct whereabouts where = { .store = NULL };
    if (whereabouts_find(&s->where, &where, err) < 0)
        return NULL;
    struct question q = { .workspace = s->workspace, .store = where.store };
    return reach(&where, &ways, &q, err) == 0 ? q.answer : NULL;
}

/* ---- sources ----------------------------------------------------------------------------------
 */

static const struct workspace_config *choose(const struct rule_sides *s, struct error *err)
{
    const struct config *c = s->config;
    const struct workspace_config *w =
        s->workspace ? config_workspace(c, s->workspace) : &c->workspaces[0];
    if (!w)
        error_set(err, ERR_INPUT, "the configuration has no workspace '%s'", s->workspace);
    else if (!s->workspace && c->nworkspaces > 1)
        error_set(err, ERR_INPUT, "which workspace? the configuration has %zu: --workspace NAME",
                  c->nworkspaces);
    return err->kind == ERR_NONE ? w : NULL;
}

static int read_config(struct rule_sides *s, struct diags *d)
{
    const struct config_options opt = { .file = s->where.config, .store = s->where.store };
    return s->config ? 0 : config_load(&opt, &s->config, d);
}

/* What a workspace makes of shared rules holds for every side that is compared, as far as
 * the side has such rules: an older one may well lack some. */
static int base_source(struct rule_sides *s, bool own_paths, struct rules_source *out,
                       struct diags *d, struct error *err)
{
    *out =
        (struct rules_source){ .now_ms = s->now_ms, .prefilter = true, .overrides_may_miss = true };
    if (!s->configured && !own_paths)
        return 0;
    if (read_config(s, d) < 0)
        return -1;
    const struct workspace_config *w = choose(s, err);
    if (!w)
        return -1;
    out->overrides = w->overrides;
    out->noverrides = w->noverrides;
    if (own_paths) {
        out->paths = (const char *const *)w->rules;
        out->npaths = w->nrules;
        out->overrides_may_miss = false;
        out->require_guards = (const char *const *)w->require_guards;
        out->nrequire_guards = w->nrequire_guards;
    }
    return 0;
}

static struct ruleset *load_running(struct rule_sides *s, struct diags *d, struct error *err)
{
    struct rules_source src;
    scoped(rules_kept_done) struct rules_kept kept = { .files = NULL };
    if (!s->running)
        s->running = ask_running(s, err);
    if (!s->running || rules_from_json(s->running, &kept, err) < 0 ||
        base_source(s, false, &src, d, err) < 0)
        return NULL;
    if (!s->configured) {
        src.overrides = kept.overrides;
        src.noverrides = kept.noverrides;
    }
    return rules_load_files(kept.files, kept.nfiles, &src, d);
}

static struct ruleset *load_revision(struct rule_sides *s, const char *side, struct diags *d,
                                     struct error *err)
{
    struct rules_source src;
    scoped(git_rules_done) struct git_rules g = { .files = NULL };
    if (base_source(s, false, &src, d, err) < 0 || git_rules_read(side, &g, err) < 0)
        return NULL;
    return rules_load_files(g.files, g.nfiles, &src, d);
}

static struct ruleset *load_path(struct rule_sides *s, const char *side, struct diags *d,
                                 struct error *err)
{
    struct rules_source src;
    scoped(rules_kept_done) struct rules_kept kept = { .files = NULL };
    if (base_source(s, false, &src, d, err) < 0)
        return NULL;
    if (s->running && !s->configured && rules_from_json(s->running, &kept, err) == 0) {
        src.overrides = kept.overrides; /* compared with what runs: as it would run */
        src.noverrides = kept.noverrides;
    }
    src.paths = &side;
    src.npaths = 1;
    return rules_load(&src, false, d);
}

static struct ruleset *load_configured(struct rule_sides *s, struct diags *d, struct error *err)
{
    struct rules_source src;
    return base_source(s, true, &src, d, err) < 0 ? NULL : rules_load(&src, false, d);
}

struct ruleset *rule_side_load(struct rule_sides *s, const char *side, struct diags *d,
                               struct error *err)
{
    if (access(side, F_OK) == 0)
        return load_path(s, side, d, err);
    if (strcmp(side, "running") == 0 || strcmp(side, "running:") == 0)
        return load_running(s, d, err);
    if (strcmp(side, "configured") == 0)
        return load_configured(s, d, err);
    if (git_rules_named(side))
        return load_revision(s, side, d, err);
    error_set(err, ERR_FATAL,
              "there is no '%s': a path, REV:PATH, running or configured would be right", side);
    return NULL;
}

void rule_sides_done(struct rule_sides *s)
{
    json_free(s->running);
    config_free(s->config);
    s->running = NULL;
    s->config = NULL;
}

/* ---- equality ----------------------------------------------------------------------------------
 */

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool same_state(const struct ruleset *a, const struct ruleset *b)
{
    for (size_t i = 0; i < a->nrules; i++)
        if (a->rules[i].state != b->rules[i].state)
            return false;
    for (size_t i = 0; i < a->nguards; i++)
        if (a->guards[i].state != b->guards[i].state)
            return false;
    return true;
}

bool rule_sides_equal(const struct ruleset *a, const struct ruleset *b)
{
    if (a->nfiles != b->nfiles || a->nrules != b->nrules || a->nguards != b->nguards)
        return false;
    for (size_t i = 0; i < a->nfiles; i++)
        if (a->files[i].len != b->files[i].len ||
            memcmp(a->files[i].bytes, b->files[i].bytes, a->files[i].len) != 0 ||
            strcmp(last_part(a->files[i].path), last_part(b->files[i].path)) != 0)
            return false;
    return same_state(a, b);
}
