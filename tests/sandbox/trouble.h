/* trouble.h - scripted trouble: what the next calls shall suffer instead of success.
 *
 * A queue of entries. The first that fits a call (method, path, id in it) and is not used
 * up is taken; entries with nothing but latency add theirs to every call that they fit
 * and let the search go on. One lock, inside; any thread. */
#ifndef SANDBOX_TROUBLE_H
#define SANDBOX_TROUBLE_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

struct request;
struct trouble;

/* What one call meets. */
struct fate {
    int64_t latency_ms;        /* before the call is applied */
    int64_t late_ms;           /* after it was applied, before the answer */
    bool apply;                /* the call takes effect */
    struct json_object *entry; /* owned; NULL: normal behaviour */
};

struct trouble *trouble_new(void);
void trouble_reset(struct trouble *t);
/* NULL, or words about what is wrong with the entry. See main.c for its members. */
const char *trouble_add(struct trouble *t, struct json_object *entry);
void trouble_choose(struct trouble *t, const struct request *r, struct fate *out);
void fate_done(struct fate *f);
/* Rewrites an answer as the fate says; r->resp holds the normal one when it was applied. */
void fate_apply(const struct fate *f, struct request *r);
/* The entries that are left, with "left". */
struct json_object *trouble_list(struct trouble *t);

#endif
