/* reach.h - the one way of the tools to what the daemon keeps: through its socket while one
 * runs, else by opening the store themselves (SQLite has one owner). */
#ifndef AUTOMARK_CLI_REACH_H
#define AUTOMARK_CLI_REACH_H

#include "cli/admin_client.h"
#include "cli/whereabouts.h"
#include "store/store.h"

/* The same question, put both ways; ctx is the caller's. */
struct reach_ways {
    enum admin_reach (*daemon)(void *ctx, const char *socket, struct error *err);
    int (*store)(void *ctx, struct store *st, struct error *err); /* 0 or -1 */
};

/* Asks in one of the ways. A store that is not there is an error, and none is made. 0, or -1
 * with err. */
int reach(const struct whereabouts *where, const struct reach_ways *ways, void *ctx,
          struct error *err);

#endif
