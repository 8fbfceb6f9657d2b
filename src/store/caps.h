/* caps.h - remembers how many marks were counted, so that few have to be counted again.
 *
 * Marks only leave a sliding hour, or join it through caps_queued(): what was counted
 * plus what was queued since is never too low, and a full hour stays full until its
 * oldest mark leaves. Within that, no counting is needed; beyond it caps_ask() says so.
 * A small fixed table: a collision costs a count. Pure; the writer thread's own. */
#ifndef AUTOMARK_STORE_CAPS_H
#define AUTOMARK_STORE_CAPS_H

#include <stdint.h>

#define CAPS_WINDOW_MS (INT64_C(3600) * 1000)

struct caps;
struct caps *caps_new(void);
void caps_free(struct caps *c);
/* After a rollback: what was queued was not. */
void caps_forget(struct caps *c);

enum caps_answer { CAPS_UNDER, CAPS_OVER, CAPS_COUNT };

/* rule NULL is the whole workspace. CAPS_COUNT: count, tell caps_counted(), ask again. */
enum caps_answer caps_ask(const struct caps *c, const char *workspace, const char *rule,
                          int64_t cap, int64_t now_ms);
/* count marks (at most cap were counted), of which the oldest was at oldest_ms. */
void caps_counted(struct caps *c, const char *workspace, const char *rule, int64_t cap,
                  int64_t now_ms, int64_t count, int64_t oldest_ms);
/* One more mark of the rule, and so of its workspace. */
void caps_queued(struct caps *c, const char *workspace, const char *rule);

#endif
