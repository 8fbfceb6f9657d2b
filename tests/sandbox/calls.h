/* calls.h - the record of every API call, for the tests. One lock, inside; any thread. */
#ifndef SANDBOX_CALLS_H
#define SANDBOX_CALLS_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

struct calls;
struct request;

struct calls *calls_new(void);
void calls_reset(struct calls *c);

void calls_begin(struct calls *c, const struct request *r);
/* status 0: dropped without an answer. */
void calls_end(struct calls *c, const struct request *r, unsigned status, bool applied);
/* [{n, at, method, path, query{}, headers{} (names in lower case), body, status, applied,
 * ms}] in the order in which they ended, n above `after`; path NULL: all. */
struct json_object *calls_list(struct calls *c, int64_t after, const char *path);
/* {total, inFlight, maxInFlight, "METHOD PATH": n, ...}; ids in paths are {id}. */
struct json_object *calls_counters(struct calls *c);

#endif
