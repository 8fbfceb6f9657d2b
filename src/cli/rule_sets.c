#include "cli/rule_sets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "config.h"

bool rule_sets_wanted(const struct rule_sets_wish *wish)
{
    return wish->npaths > 0 || wish->config || getenv("AUTOMARK_CONFIG") ||
           getenv("AUTOMARK_RULES");
}

static void add(struct rule_sets *s, const struct rule_set *set)
{
    s->list = xreallocarray(s->list, s->count + 1, sizeof(*s->list));
    s->list[s->count++] = *set;
}

static int must_exist(const char *path, struct error *err)
{
    struct stat st;
    return stat(path, &st) == 0 ? 0 : error_sys(err, errno, "'%s' cannot be read", path);
}

static int add_paths(struct rule_sets *s, const struct rule_sets_wish *wish, struct error *err)
{
    for (size_t i = 0; i < wish->npaths; i++)
        if (must_exist(wish->paths[i], err) < 0)
            return -1;
    const struct rule_set set = { .src = { .paths = wish->paths,
                                           .npaths = wish->npaths,
                                           .prefilter = true,
                                           .now_ms = clock_wall_ms() } };
    add(s, &set);
    return 0;
}

static void add_workspace(struct rule_sets *s, const struct workspace_config *w)
{
    const struct rule_set set = {
        .workspace = w->name,
        .src = { .paths = (const char *const *)w->rules,
                 .npaths = w->nrules,
                 .overrides = w->overrides,
                 .noverrides = w->noverrides,
                 .require_guards = (const char *const *)w->require_guards,
                 .nrequire_guards = w->nrequire_guards,
                 .require_places = w->require_places,
                 .prefilter = s->config->prefilter,
                 .now_ms = clock_wall_ms() },
    };
    add(s, &set);
}

static int add_workspaces(struct rule_sets *s, const char *name, struct error *err)
{
    if (name && strcmp(name, "all") != 0) {
        const struct workspace_config *w = config_workspace(s->config, name);
        if (!w)
            return error_set(err, ERR_INPUT, "there is no workspace '%s'", name);
        add_workspace(s, w);
        return 0;
    }
    for (size_t i = 0; i < s->config->nworkspaces; i++)
        add_workspace(s, &s->config->workspaces[i]);
    return 0;
}

int rule_sets_find(const struct rule_sets_wish *wish, struct rule_sets *out, struct diags *d,
                   struct error *err)
{
    *out = (struct rule_sets){ .list = NULL };
    if (wish->npaths > 0 && add_paths(out, wish, err) < 0)
        return -2;
    if (wish->npaths > 0 && !wish->config)
        return 0;
    if (wish->config && must_exist(wish->config, err) < 0)
        return -2;
    const struct config_options opt = { .file = wish->config };
    if (config_load(&opt, &out->config, d) < 0)
        return -1;
    return add_workspaces(out, wish->workspace, err) < 0 ? -2 : 0;
}

void rule_sets_done(struct rule_sets *s)
{
    free(s->list);
    config_free(s->config);
    *s = (struct rule_sets){ .list = NULL };
}
