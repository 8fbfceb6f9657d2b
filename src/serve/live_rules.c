#include "serve/live_rules.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "rules/pattern.h"
#include "rules/rules_load.h"
#include "serve/rules_api.h"
#include "serve/watch.h"
#include "store/store.h"

struct slot {
    const struct workspace_config *cfg;
    bool prefilter;        /* wished for */
    struct ruleset *rules; /* guarded by the lock */
    char *trouble;         /* guarded by the lock; NULL: runs what is in the folders */
};

struct live_rules {
    struct store *store;
    struct watch watch;
    struct slot *slots;
    size_t nslots;
    pthread_mutex_t lock;
};

/* ---- the stored last good set ------------------------------------------------------------ */

static void save_good(struct live_rules *lr, const struct slot *s, const struct ruleset *rules)
{
    struct error err = ERROR_INIT;
    scoped(json_freep) struct json_object *o = rules_to_json(rules);
    scoped(buf_free) struct buf b = BUF_INIT;
    json_write(&b, o, JSON_COMPACT);
    if (store_rules_save(lr->store, s->cfg->name, rules->version, b.data, b.len, &err) < 0)
        log_warn("rules not kept as last good set", LOG_STR("workspace", s->cfg->name),
                 LOG_STR("error", err.msg));
}

static struct rules_source source_of(const struct slot *s)
{
    return (struct rules_source){
        .paths = (const char *const *)s->cfg->rules,
        .npaths = s->cfg->nrules,
        .overrides = s->cfg->overrides,
        .noverrides = s->cfg->noverrides,
        .require_guards = (const char *const *)s->cfg->require_guards,
        .nrequire_guards = s->cfg->nrequire_guards,
        .require_places = s->cfg->require_places,
        .prefilter = s->prefilter,
        .now_ms = clock_wall_ms(),
    };
}

static struct ruleset *load_good(struct live_rules *lr, const struct slot *s)
{
    scoped(freep) char *blob = NULL;
    size_t len = 0;
    struct error err = ERROR_INIT;
    if (store_rules_load(lr->store, s->cfg->name, &blob, &len, &err) < 0 || !blob)
        return NULL;
    scoped(json_freep) struct json_object *o =
        json_parse_max(blob, len, RULES_JSON_NODES_MAX, &err);
    scoped(rules_kept_done) struct rules_kept kept = { .files = NULL };
    if (!o || rules_from_json(o, &kept, &err) < 0)
        return NULL;
    scoped(diags_done) struct diags d = DIAGS_INIT;
    const struct rules_source src = source_of(s);
    return rules_load_files(kept.files, kept.nfiles, &src, &d);
}

/* ---- loading and swapping ------------------------------------------------------------------ */

static void swap(struct live_rules *lr, struct slot *s, struct ruleset *rules, char *trouble)
{
    pthread_mutex_lock(&lr->lock);
    struct ruleset *old = s->rules;
    char *old_trouble = s->trouble;
    if (rules)
        s->rules = rules;
    s->trouble = trouble;
    pthread_mutex_unlock(&lr->lock);
    if (rules)
        ruleset_unref(old);
    free(old_trouble);
}

static void park_orphans(struct live_rules *lr, const struct slot *s)
{
    struct error err = ERROR_INIT;
    const char **live = xcalloc(s->rules->nrules, sizeof(*live));
    size_t n = 0, parked = 0;
    for (size_t i = 0; i < s->rules->nrules; i++)
        if (s->rules->rules[i].state == RULE_LIVE)
            live[n++] = s->rules->rules[i].name;
    if (store_park_orphans(lr->store, s->cfg->name, live, n, &parked, &err) < 0)
        log_warn("marks of rules that are gone not parked", LOG_STR("workspace", s->cfg->name),
                 LOG_STR("error", err.msg));
    else if (parked)
        log_warn("marks parked: their rule is gone or no longer live",
                 LOG_STR("workspace", s->cfg->name), LOG_INT("jobs", parked));
    free(live);
}

static void accept_rules(struct live_rules *lr, struct slot *s, struct ruleset *rules,
                         const char *msg)
{
    save_good(lr, s, rules);
    if (rules->prefilter_trouble)
        log_warn("no prefilter: every pattern is run for every reply",
                 LOG_STR("workspace", s->cfg->name), LOG_STR("error", rules->prefilter_trouble));
    swap(lr, s, rules, NULL);
    park_orphans(lr, s);
    log_info(msg, LOG_STR("workspace", s->cfg->name), LOG_INT("rules", rules->nrules),
             LOG_INT("guards", rules->nguards), LOG_INT("files", rules->nfiles),
             LOG_STR("version", rules->version),
             LOG_STR("mode", workspace_mode_name(s->cfg->mode)));
}

/* The first mistake in one line; the whole list goes to standard error. */
static char *describe(const struct diags *d)
{
    for (size_t i = 0; i < d->count; i++) {
        const struct diag *g = &d->list[i];
        if (g->level == DIAG_ERROR)
            return g->file && g->line
                       ? xasprintf("%s:%u:%u: %s", g->file, g->line, g->col, g->msg)
                       : xasprintf("%s%s%s", g->file ? g->file : "", g->file ? ": " : "", g->msg);
    }
    return xstrdup("no rules");
}

static struct ruleset *load(const struct slot *s, char **trouble)
{
    scoped(diags_done) struct diags d = DIAGS_INIT;
    const struct rules_source src = source_of(s);
    struct ruleset *rules = rules_load(&src, false, &d);
    if (!rules) {
        diags_sort(&d);
        diags_print(&d, stderr);
        *trouble = describe(&d);
    }
    return rules;
}

static int start_slot(struct live_rules *lr, struct slot *s, struct error *err)
{
    char *trouble = NULL;
    struct ruleset *rules = load(s, &trouble);
    if (rules) {
        accept_rules(lr, s, rules, "rules loaded");
        return 0;
    }
    rules = load_good(lr, s);
    if (!rules) {
        error_set(err, ERR_INPUT, "workspace %s has no rules that load, and none from before: %s",
                  s->cfg->name, trouble);
        free(trouble);
        return -1;
    }
    log_error("rules do not load: running on the last good set", LOG_STR("workspace", s->cfg->name),
              LOG_STR("version", rules->version), LOG_INT("rules", rules->nrules),
              LOG_STR("mistake", trouble));
    swap(lr, s, rules, trouble);
    return 0;
}

static void reload_slot(struct live_rules *lr, struct slot *s)
{
    char *trouble = NULL;
    struct ruleset *rules = load(s, &trouble);
    if (rules) {
        accept_rules(lr, s, rules, "rules reloaded");
        return;
    }
    log_error("rules do not load: the running set stays", LOG_STR("workspace", s->cfg->name),
              LOG_STR("version", s->rules->version), LOG_STR("mistake", trouble));
    swap(lr, s, NULL, trouble);
}

/* Every folder and file named, and every file that took part (lists of `in:` too). */
static void rewatch(struct live_rules *lr)
{
    const char **paths = NULL;
    size_t n = 0;
    for (size_t i = 0; i < lr->nslots; i++) {
        const struct slot *s = &lr->slots[i];
        paths = xreallocarray(paths, n + s->cfg->nrules + s->rules->nfiles, sizeof(*paths));
        for (size_t j = 0; j < s->cfg->nrules; j++)
            paths[n++] = s->cfg->rules[j];
        for (size_t j = 0; j < s->rules->nfiles; j++)
            paths[n++] = s->rules->files[j].path;
    }
    watch_reset(&lr->watch, paths, n);
    free(paths);
}

/* Without compiled patterns (MemoryDenyWriteExecute, some kernels) everything still holds,
 * but matching is slower by orders of magnitude and more rules hit their limits. */
static void warn_without_jit(void)
{
    size_t at;
    struct pattern *p = pattern_compile("a+b", 3, false, NULL, &at, NULL);
    if (!p || !pattern_has_jit(p))
        log_warn("patterns are not compiled to machine code here: matching is slow, and rules may "
                 "hit their limits; a unit's MemoryDenyWriteExecute=yes does that");
    pattern_free(p);
}

struct live_rules *live_rules_new(const struct config *cfg, struct store *store, struct error *err)
{
    struct live_rules *lr = xcalloc(1, sizeof(*lr));
    warn_without_jit();
    pthread_mutex_init(&lr->lock, NULL);
    lr->store = store;
    lr->slots = xcalloc(cfg->nworkspaces, sizeof(*lr->slots));
    for (; lr->nslots < cfg->nworkspaces; lr->nslots++) {
        struct slot *s = &lr->slots[lr->nslots];
        s->cfg = &cfg->workspaces[lr->nslots];
        s->prefilter = cfg->prefilter;
        if (start_slot(lr, s, err) < 0) {
            live_rules_free(lr);
            return NULL;
        }
    }
    rewatch(lr);
    return lr;
}

void live_rules_free(struct live_rules *lr)
{
    if (!lr)
        return;
    for (size_t i = 0; i < lr->nslots; i++) {
        ruleset_unref(lr->slots[i].rules);
        free(lr->slots[i].trouble);
    }
    watch_done(&lr->watch);
    pthread_mutex_destroy(&lr->lock);
    free(lr->slots);
    free(lr);
}

struct ruleset *live_rules_get(struct live_rules *lr, size_t i)
{
    pthread_mutex_lock(&lr->lock);
    struct ruleset *rules = ruleset_ref(lr->slots[i].rules);
    pthread_mutex_unlock(&lr->lock);
    return rules;
}

struct json_object *live_rules_json(struct live_rules *lr, const char *workspace, struct error *err)
{
    size_t at = 0;
    while (workspace && at < lr->nslots && strcmp(lr->slots[at].cfg->name, workspace) != 0)
        at++;
    if (at == lr->nslots) {
        error_set(err, ERR_INPUT, "there is no workspace '%s'", workspace);
        return NULL;
    }
    if (!workspace && lr->nslots > 1) {
        error_set(err, ERR_INPUT, "which workspace? the daemon has %zu", lr->nslots);
        return NULL;
    }
    const struct workspace_config *cfg = lr->slots[at].cfg;
    scoped(ruleset_unrefp) struct ruleset *rules = live_rules_get(lr, at);
    struct json_object *o = rules_to_json(rules);
    json_put_str(o, "workspace", cfg->name);
    rules_put_overrides(o, cfg->overrides, cfg->noverrides);
    return o;
}

void live_rules_reload(struct live_rules *lr)
{
    for (size_t i = 0; i < lr->nslots; i++)
        reload_slot(lr, &lr->slots[i]);
    rewatch(lr);
}

bool live_rules_changed(struct live_rules *lr)
{
    return watch_changed(&lr->watch);
}

void live_rules_warn(struct live_rules *lr, struct json_object *warnings)
{
    pthread_mutex_lock(&lr->lock);
    for (size_t i = 0; i < lr->nslots; i++) {
        const struct slot *s = &lr->slots[i];
        if (!s->trouble)
            continue;
        scoped(freep) char *words =
            xasprintf("workspace %s does not run the rules in its folders (version %s runs): %s",
                      s->cfg->name, s->rules->version, s->trouble);
        json_push_str(warnings, words);
    }
    pthread_mutex_unlock(&lr->lock);
}
