/* api.h - makes calls to SendKit. The one door to libcurl.
 *
 * One struct api belongs to one thread, which starts calls and runs them; only
 * api_wake() may come from elsewhere. What is always true of a call: HTTPS with checked
 * certificates (plain HTTP for loopback addresses alone), no redirects, no proxy, no
 * netrc, time-outs on everything, answers of at most 256 KiB and 64 header lines. Keys
 * are in no message, and are overwritten when released.
 *
 * libcurl repeats a request by itself when a kept connection dies before the first byte
 * of an answer (Curl_retry_request): every call here may be made twice. */
#ifndef AUTOMARK_API_API_H
#define AUTOMARK_API_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/batch.h"

struct api;
struct api_target;
struct error;

/* ---- where to, and with which key ------------------------------------------------ */

struct api_target_config {
    const char *url;          /* https://api.sendkit.ai; a path is kept, in front of ours */
    const char *key;          /* sk_... or sk_user_... */
    const char *workspace_id; /* with sk_user_ keys, and only with them; else NULL */
};

/* Copies and checks cfg. NULL with err (ERR_INPUT), which never quotes the key. */
struct api_target *api_target_new(const struct api_target_config *cfg, struct error *err);
/* NULL is fine. Calls that were started with it go on. */
void api_target_free(struct api_target *t);
void api_target_freep(struct api_target **t);
/* Do both use the same key at the same place? Then they share its rate limits. */
bool api_target_same_key(const struct api_target *a, const struct api_target *b);

/* ---- calls ----------------------------------------------------------------------- */

struct api_config {
    int64_t connect_ms; /* 0: 5000 */
    int64_t total_ms;   /* 0: 20000 */
};

/* NULL with err. The first one initialises libcurl: not while other threads start. */
struct api *api_new(const struct api_config *cfg, struct error *err);
/* Calls still in flight end as api_abandon() says. NULL is fine. */
void api_free(struct api *api);

/* a is only valid during the call. May start other calls. */
typedef void (*api_done_fn)(void *ctx, const struct answer *a);
/* Copies all it needs of t and r. done is called once, from api_run() or api_abandon(). */
void api_start(struct api *api, const struct api_target *t, const struct request *r,
               api_done_fn done, void *ctx);
size_t api_in_flight(const struct api *api);
/* Moves calls on, calls done for those that ended; returns then, when woken, or after
 * timeout_ms. */
void api_run(struct api *api, int timeout_ms);
/* Ends api_run() soon, or the next one. From any thread; never blocks. */
void api_wake(struct api *api);
/* Ends every call now: done hears of trouble, reach unknown where the request may have left. */
void api_abandon(struct api *api);

/* One call, waited for; for the command line. */
int api_once(const struct api_target *t, const struct request *r, struct answer *a,
             struct error *err);

#endif
