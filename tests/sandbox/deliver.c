#include "deliver.h"

#include <curl/curl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "js.h"
#include "timers.h"

#define THREADS 16
#define LOG_MAX 20000
#define ANSWER_MAX 16384

struct group {
    size_t left; /* guarded by deliver.lock, as results */
    struct json_object *results;
    delivered_fn fn;
    void *ctx;
};

struct job {
    struct job *next;
    struct deliver *owner;
    struct delivery what;
    struct group *group;
    int attempt; /* from 1 */
};

struct deliver {
    pthread_t threads[THREADS];
    struct timers *timers;
    pthread_mutex_t lock;   /* guards the rest */
    pthread_cond_t changed; /* a job came */
    struct job *first, **last;
    int64_t retry_delay_ms;
    struct json_object *log;
    int64_t attempts, delivered, gave_up, waiting;
};

struct attempt {
    long status; /* 0: no answer */
    int64_t ms;
    struct buf answer;
};

/* ---- one attempt ---------------------------------------------------------------------- */

static void sign(const char *secret, const char *body, char out[65])
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)body, strlen(body), mac,
         &len);
    for (unsigned i = 0; i < len && i < 32; i++)
        snprintf(out + (size_t)2 * i, 3, "%02x", mac[i]);
}

static struct curl_slist *make_headers(const struct delivery *d)
{
    char hex[65] = "";
    sign(d->hook.secret, d->body, hex);
    scoped(freep) char *event = xasprintf("X-Webhook-Event: %s", d->event);
    scoped(freep) char *sendkit = xasprintf("x-sendkit-signature: sha256=%s", hex);
    scoped(freep) char *webhook = xasprintf("X-Webhook-Signature: %s", hex);
    struct curl_slist *list = curl_slist_append(NULL, "Content-Type: application/json");
    list = curl_slist_append(list, "Expect:");
    list = curl_slist_append(list, "User-Agent: SendKit-Webhooks/1.0 (sandbox)");
    list = curl_slist_append(list, event);
    if (d->style & SIGN_SENDKIT)
        list = curl_slist_append(list, sendkit);
    if (d->style & SIGN_WEBHOOK)
        list = curl_slist_append(list, webhook);
    return list;
}

static size_t keep_answer(char *data, size_t size, size_t count, void *ctx)
{
    struct buf *b = ctx;
    const size_t len = size * count;
    if (b->len + len <= ANSWER_MAX)
        buf_append(b, data, len);
    return len;
}

static void post(CURL *curl, const struct delivery *d, struct attempt *a)
{
    struct curl_slist *headers = make_headers(d);
    const int64_t begin = clock_mono_ms();
    curl_easy_setopt(curl, CURLOPT_URL, d->hook.url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)d->hook.timeout_ms);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)strlen(d->body));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, d->body);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep_answer);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &a->answer);
    if (curl_easy_perform(curl) == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &a->status);
    a->ms = clock_mono_ms() - begin;
    curl_slist_free_all(headers);
}

/* ---- after an attempt ------------------------------------------------------------------- */

static bool is_success(const struct attempt *a)
{
    return a->status >= 200 && a->status < 300;
}

static struct json_object *attempt_json(const struct job *j, const struct attempt *a)
{
    struct json_object *o = json_object_new_object();
    js_put_str(o, "webhook", j->what.hook.id);
    js_put_str(o, "url", j->what.hook.url);
    js_put_str(o, "event", j->what.event);
    js_put_int(o, "status", a->status);
    js_put_int(o, "ms", a->ms);
    js_put_str(o, "answer", buf_str(&a->answer));
    return o;
}

static void log_attempt(struct deliver *d, const struct job *j, const struct attempt *a)
{
    struct json_object *o = attempt_json(j, a);
    js_put_int(o, "attempt", j->attempt);
    js_put_int(o, "at", clock_wall_ms());
    js_put_str(o, "payload", j->what.body);
    pthread_mutex_lock(&d->lock);
    d->attempts++;
    d->delivered += is_success(a);
    js_put_int(o, "n", d->attempts);
    if (json_object_array_length(d->log) < LOG_MAX)
        json_object_array_add(d->log, o);
    else
        json_object_put(o);
    pthread_mutex_unlock(&d->lock);
}

static void enqueue(struct deliver *d, struct job *j)
{
    pthread_mutex_lock(&d->lock);
    j->next = NULL;
    *d->last = j;
    d->last = &j->next;
    pthread_cond_signal(&d->changed);
    pthread_mutex_unlock(&d->lock);
}

static void try_again(void *ctx)
{
    struct job *j = ctx;
    enqueue(j->owner, j);
}

static void job_free(struct job *j)
{
    hook_done(&j->what.hook);
    free(j->what.event);
    free(j->what.body);
    free(j);
}

/* The last of a group tells the caller. */
static void finish(struct deliver *d, struct job *j, const struct attempt *a)
{
    struct json_object *o = attempt_json(j, a);
    js_put_int(o, "attempts", j->attempt);
    js_put_bool(o, "delivered", is_success(a));
    struct group *g = j->group;
    pthread_mutex_lock(&d->lock);
    d->gave_up += !is_success(a);
    d->waiting--;
    json_object_array_add(g->results, o);
    const bool last = --g->left == 0;
    pthread_mutex_unlock(&d->lock);
    job_free(j);
    if (!last)
        return;
    if (g->fn)
        g->fn(g->ctx, g->results);
    else
        json_object_put(g->results);
    free(g);
}

static void run(struct deliver *d, CURL *curl, struct job *j)
{
    struct attempt a = { .answer = BUF_INIT };
    j->attempt++;
    post(curl, &j->what, &a);
    log_attempt(d, j, &a);
    const bool more = !j->what.once && j->attempt <= j->what.hook.retry_attempts;
    if (is_success(&a) || !more) {
        finish(d, j, &a);
    } else {
        pthread_mutex_lock(&d->lock);
        const int64_t delay = d->retry_delay_ms;
        pthread_mutex_unlock(&d->lock);
        timers_add(d->timers, delay, try_again, j);
    }
    buf_free(&a.answer);
}

static struct job *next_job(struct deliver *d)
{
    pthread_mutex_lock(&d->lock);
    while (!d->first)
        pthread_cond_wait(&d->changed, &d->lock);
    struct job *j = d->first;
    d->first = j->next;
    if (!d->first)
        d->last = &d->first;
    pthread_mutex_unlock(&d->lock);
    return j;
}

static void *deliver_main(void *arg)
{
    struct deliver *d = arg;
    CURL *curl = curl_easy_init();
    for (;;)
        run(d, curl, next_job(d));
    return NULL;
}

/* ---- the outside ---------------------------------------------------------------------------- */

struct deliver *deliver_new(struct timers *timers)
{
    struct deliver *d = xcalloc(1, sizeof(*d));
    pthread_mutex_init(&d->lock, NULL);
    pthread_cond_init(&d->changed, NULL);
    d->timers = timers;
    d->last = &d->first;
    d->retry_delay_ms = 200;
    d->log = json_object_new_array();
    for (size_t i = 0; i < THREADS; i++)
        if (pthread_create(&d->threads[i], NULL, deliver_main, d) != 0)
            abort();
    return d;
}

void deliver_set_retry_delay(struct deliver *d, int64_t ms)
{
    pthread_mutex_lock(&d->lock);
    d->retry_delay_ms = ms;
    pthread_mutex_unlock(&d->lock);
}

void deliver_send(struct deliver *d, const struct delivery *list, size_t count, delivered_fn fn,
                  void *ctx)
{
    struct json_object *results = json_object_new_array();
    if (count == 0) {
        if (fn)
            fn(ctx, results);
        else
            json_object_put(results);
        return;
    }
    struct group *g = xmalloc(sizeof(*g));
    *g = (struct group){ .left = count, .results = results, .fn = fn, .ctx = ctx };
    pthread_mutex_lock(&d->lock);
    d->waiting += (int64_t)count;
    pthread_mutex_unlock(&d->lock);
    for (size_t i = 0; i < count; i++) {
        struct job *j = xmalloc(sizeof(*j));
        *j = (struct job){ .owner = d, .what = list[i], .group = g };
        enqueue(d, j);
    }
}

struct json_object *deliver_log(struct deliver *d, int64_t after)
{
    struct json_object *out = json_object_new_array();
    pthread_mutex_lock(&d->lock);
    for (size_t i = 0; i < json_object_array_length(d->log); i++) {
        struct json_object *o = json_object_array_get_idx(d->log, i);
        if (js_int(o, "n", 0) > after)
            json_object_array_add(out, js_copy(o));
    }
    pthread_mutex_unlock(&d->lock);
    return out;
}

void deliver_reset(struct deliver *d)
{
    pthread_mutex_lock(&d->lock);
    json_object_put(d->log);
    d->log = json_object_new_array();
    d->attempts = d->delivered = d->gave_up = 0;
    pthread_mutex_unlock(&d->lock);
}

struct json_object *deliver_counters(struct deliver *d)
{
    struct json_object *o = json_object_new_object();
    pthread_mutex_lock(&d->lock);
    js_put_int(o, "attempts", d->attempts);
    js_put_int(o, "delivered", d->delivered);
    js_put_int(o, "gaveUp", d->gave_up);
    js_put_int(o, "waiting", d->waiting);
    pthread_mutex_unlock(&d->lock);
    return o;
}
