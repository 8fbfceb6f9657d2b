/* serve.h - builds, wires, runs and stops the daemon's parts.
 *
 * Order of the data: store, rules, sender, intake and listener come up in that order and
 * go down in the other, so that nothing is accepted that cannot be kept, and what was
 * accepted is on disk before the store closes. */
#ifndef AUTOMARK_SERVE_SERVE_H
#define AUTOMARK_SERVE_SERVE_H

struct config;
struct error;

/* Runs until SIGTERM or SIGINT; SIGHUP reloads rules and secrets. Returns 0 after a clean
 * stop, -1 with err when it could not start, or had to stop because the store broke. */
int serve_run(struct config *cfg, struct error *err);

#endif
