#include "cli/whereabouts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "config.h"

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
    return 0;
}

void whereabouts_done(struct whereabouts *p)
{
    free(p->store);
    free(p->socket);
    *p = (struct whereabouts){ .store = NULL };
}
