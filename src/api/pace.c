#include "api/pace.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "api/retry.h"

#define UNSAID_RESET_MS 1000 /* none left, and no word of when there will be more */
#define EPOCH_S 1e9          /* from here on a reset is a point in time */
#define EPOCH_MS 1e12

/* Digits with an optional fraction at the start of s. */
static bool number(const char *s, double *n)
{
    while (*s == ' ' || *s == '\t')
        s++;
    if (!isdigit((unsigned char)*s))
        return false;
    double v = 0, place = 0.1;
    for (; isdigit((unsigned char)*s); s++)
        v = v < 1e17 ? v * 10 + (*s - '0') : v;
    if (*s == '.')
        for (s++; isdigit((unsigned char)*s); s++, place /= 10)
            v += place * (*s - '0');
    *n = v;
    return true;
}

static int64_t reset_ms(double v, int64_t now_wall_ms)
{
    if (v >= EPOCH_MS)
        v -= (double)now_wall_ms;
    else if (v >= EPOCH_S)
        v = v * 1000 - (double)now_wall_ms;
    else
        v *= 1000;
    if (v < 0)
        return 0;
    return v > (double)RETRY_AFTER_MAX_MS ? RETRY_AFTER_MAX_MS : (int64_t)v;
}

static int64_t whole(double v)
{
    return v > 1e15 ? INT64_C(1000000000000000) : (int64_t)v;
}

/* The number behind key= in the first len bytes of s, where a key begins a word. */
static bool member(const char *s, size_t len, const char *key, double *n)
{
    const size_t klen = strlen(key);
    for (size_t i = 0; i + klen < len; i++) {
        const bool begins = i == 0 || !isalnum((unsigned char)s[i - 1]);
        if (begins && strncasecmp(s + i, key, klen) == 0 && s[i + klen] == '=')
            return number(s + i + klen + 1, n);
    }
    return false;
}

/* Of two windows the one with less left is the one to obey. */
static void take_window(struct pace_hints *h, double left, bool has_reset, double reset,
                        int64_t now_wall_ms)
{
    if (h->remaining >= 0 && h->remaining <= whole(left))
        return;
    h->remaining = whole(left);
    if (has_reset)
        h->reset_ms = reset_ms(reset, now_wall_ms);
}

/* RateLimit: limit=10, remaining=4, reset=9     (drafts up to 07)
 * RateLimit: "burst";r=4;t=9, "day";r=900;t=80  (drafts from 08) */
static void take_combined(struct pace_hints *h, const char *value, int64_t now_wall_ms)
{
    double left, reset = 0;
    const size_t all = strlen(value);
    if (member(value, all, "remaining", &left)) {
        const bool has = member(value, all, "reset", &reset);
        take_window(h, left, has, reset, now_wall_ms);
        return;
    }
    for (const char *s = value; *s;) {
        const size_t len = strcspn(s, ",");
        if (member(s, len, "r", &left)) {
            const bool has = member(s, len, "t", &reset);
            take_window(h, left, has, reset, now_wall_ms);
        }
        s += len + (s[len] ? 1 : 0);
    }
}

void pace_hint(struct pace_hints *h, const char *name, const char *value, int64_t now_wall_ms)
{
    if (strncasecmp(name, "x-", 2) == 0)
        name += 2;
    if (strcasecmp(name, "ratelimit") == 0) {
        take_combined(h, value, now_wall_ms);
        return;
    }
    double v;
    if (strncasecmp(name, "ratelimit-", 10) != 0 || !number(value, &v))
        return;
    name += 10;
    if (strcasecmp(name, "limit") == 0)
        h->limit = whole(v);
    else if (strcasecmp(name, "remaining") == 0 && (h->remaining < 0 || whole(v) < h->remaining))
        h->remaining = whole(v);
    else if (strcasecmp(name, "reset") == 0)
        h->reset_ms = reset_ms(v, now_wall_ms);
}

void pace_init(struct pace *p, unsigned max_in_flight)
{
    *p = (struct pace){ .max_in_flight = max_in_flight ? max_in_flight : 1, .left = -1 };
}

int64_t pace_ready_mono_ms(const struct pace *p, int64_t now_mono_ms)
{
    if (p->in_flight >= p->max_in_flight)
        return INT64_MAX;
    if (p->until_mono_ms > now_mono_ms)
        return p->until_mono_ms;
    if (p->left == 0 && p->reset_mono_ms > now_mono_ms)
        return p->reset_mono_ms;
    return now_mono_ms;
}

void pace_sent(struct pace *p)
{
    p->in_flight++;
    if (p->left > 0)
        p->left--;
}

static void later(int64_t *at, int64_t than)
{
    if (*at < than)
        *at = than;
}

void pace_answered(struct pace *p, const struct pace_hints *h, bool limited, int64_t retry_after_ms,
                   int64_t now_mono_ms, uint64_t *seed)
{
    if (p->in_flight > 0)
        p->in_flight--;
    p->left = -1;
    if (h->remaining >= 0) {
        p->left = h->remaining > p->in_flight ? h->remaining - p->in_flight : 0;
        p->reset_mono_ms = now_mono_ms + (h->reset_ms > 0 ? h->reset_ms : UNSAID_RESET_MS);
    }
    if (!limited) {
        p->strikes = 0;
        return;
    }
    p->strikes++;
    if (retry_after_ms < 0)
        retry_after_ms = RETRY_AFTER_MIN_MS + retry_delay_ms(p->strikes, seed);
    /* A little later than told, so that those who were told the same do not meet again. */
    const int64_t spread = retry_after_ms / 20;
    later(&p->until_mono_ms,
          now_mono_ms + retry_after_ms + retry_jitter_ms(spread < 1000 ? spread : 1000, seed));
}
