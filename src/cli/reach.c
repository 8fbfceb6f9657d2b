#include "cli/reach.h"

/* The tools only look: forgetting what is old is left to the daemon. */
#define RETENTION_FOREVER_MS (INT64_C(3650) * 86400 * 1000)

static int open_and_ask(const char *url, const struct reach_ways *ways, void *ctx,
                        struct error *err)
{
    const struct store_config cfg = {
        .url = url, .must_exist = true, .retention_ms = RETENTION_FOREVER_MS, .ballast_bytes = -1
    };
    struct store *st = store_open(&cfg, err);
    if (!st)
        return -1;
    const int rc = ways->store(ctx, st, err);
    store_close(st);
    return rc;
}

int reach(const struct whereabouts *where, const struct reach_ways *ways, void *ctx,
          struct error *err)
{
    switch (ways->daemon(ctx, where->socket, err)) {
    case ADMIN_ANSWERED:
        return 0;
    case ADMIN_FAILED:
        return -1;
    case ADMIN_NOT_THERE:
        break;
    }
    return open_and_ask(where->store, ways, ctx, err);
}
