#include "cli/whereabouts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "config.h"

static void put_duration(struct buf *out, int64_t ms)
{
    static const struct {
        int64_t ms;
        char unit;
    } units[] = { { 86400000, 'd' }, { 3600000, 'h' }, { 60000, 'm' }, { 1000, 's' } };
    size_t i = 0;
    while (i + 1 < ARRAY_LEN(units) && ms % units[i].ms)
        i++;
    if (ms > 0)
        buf_printf(out, "%lld%c", (long long)(ms / units[i].ms), units[i].unit);
    else
        buf_puts(out, "off");
}

static char *capture_words(const struct config *c)
{
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < c->nworkspaces; i++) {
        buf_puts(&b, i ? ", " : "");
        if (c->nworkspaces > 1)
            buf_printf(&b, "%s ", c->workspaces[i].name);
        put_duration(&b, c->workspaces[i].capture_ms);
    }
    return buf_take(&b);
}

int whereabouts_find(const struct whereabouts_options *opt, struct whereabouts *out,
                     struct error *err)
{
    scoped(diags_done) struct diags d = DIAGS_INIT;
    scoped(config_freep) struct config *cfg = NULL;
    const struct config_options options = { .file = opt->config, .store = opt->store };
    if (config_load(&options, &cfg, &d) < 0) {
        diags_sort(&d);
        diags_print(&d, stderr);
        return error_set(err, ERR_INPUT, "the configuration does not say where the store is");
    }
    out->store = xstrdup(cfg->store);
    out->socket = xstrdup(opt->socket ? opt->socket : cfg->admin.socket);
    out->capture = capture_words(cfg);
    return 0;
}

void whereabouts_done(struct whereabouts *p)
{
    free(p->store);
    free(p->socket);
    free(p->capture);
    *p = (struct whereabouts){ .store = NULL };
}
