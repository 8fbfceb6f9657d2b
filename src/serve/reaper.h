/* reaper.h - cuts connections that are past their deadline.
 *
 * libmicrohttpd's time-out counts silence only: a byte now and then holds a connection
 * for ever. Each connection has one deadline here; the reaper's thread shuts its socket
 * down when it passes, which the server then sees as the peer's end. A descriptor is
 * shut down under the lock under which reaper_forget() runs, before it is closed, so
 * that never a reused descriptor is hit. Thread-safe. */
#ifndef AUTOMARK_SERVE_REAPER_H
#define AUTOMARK_SERVE_REAPER_H

#include <stdint.h>

struct error;
struct reaper;

struct reaper *reaper_new(struct error *err);
void reaper_free(struct reaper *r);

/* Sets or moves a descriptor's deadline, in milliseconds from now; -1: none. */
void reaper_set(struct reaper *r, int fd, int64_t in_ms);
/* Before the descriptor is closed. */
void reaper_forget(struct reaper *r, int fd);

#endif
