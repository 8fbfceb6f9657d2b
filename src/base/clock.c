#include "base/clock.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t now_ms(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t clock_wall_ms(void)
{
    return now_ms(CLOCK_REALTIME);
}

int64_t clock_mono_ms(void)
{
    return now_ms(CLOCK_MONOTONIC);
}

void clock_format(int64_t at_ms, char out[CLOCK_TEXT])
{
    int64_t ms = at_ms % 1000;
    time_t seconds = (time_t)(at_ms / 1000);
    if (ms < 0) {
        ms += 1000;
        seconds--;
    }
    struct tm tm;
    char text[64];
    if (!gmtime_r(&seconds, &tm) || strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm) == 0 ||
        strlen(text) > 25) {
        snprintf(out, CLOCK_TEXT, "out-of-range");
        return;
    }
    snprintf(out, CLOCK_TEXT, "%.25s.%03dZ", text, (int)ms);
}

/* Reads exactly n digits. */
static bool digits(const char **s, int n, int *value)
{
    *value = 0;
    for (int i = 0; i < n; i++, (*s)++) {
        if (!isdigit((unsigned char)**s))
            return false;
        *value = *value * 10 + (**s - '0');
    }
    return true;
}

static bool literal(const char **s, const char *one_of)
{
    if (!**s || !strchr(one_of, **s))
        return false;
    (*s)++;
    return true;
}

static bool parse_date(const char **s, struct tm *tm)
{
    if (!digits(s, 4, &tm->tm_year) || !literal(s, "-") || !digits(s, 2, &tm->tm_mon) ||
        !literal(s, "-") || !digits(s, 2, &tm->tm_mday))
        return false;
    static const int month_days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    if (tm->tm_mon < 1 || tm->tm_mon > 12 || tm->tm_mday < 1 ||
        tm->tm_mday > month_days[tm->tm_mon - 1])
        return false;
    const int y = tm->tm_year;
    const bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    if (tm->tm_mon == 2 && tm->tm_mday == 29 && !leap)
        return false;
    tm->tm_year -= 1900;
    tm->tm_mon -= 1;
    return true;
}

static bool parse_time(const char **s, struct tm *tm, int *ms)
{
    if (!digits(s, 2, &tm->tm_hour) || !literal(s, ":") || !digits(s, 2, &tm->tm_min) ||
        !literal(s, ":") || !digits(s, 2, &tm->tm_sec))
        return false;
    if (tm->tm_hour > 23 || tm->tm_min > 59 || tm->tm_sec > 60)
        return false;
    *ms = 0;
    if (literal(s, ".")) {
        int scale = 100;
        if (!isdigit((unsigned char)**s))
            return false;
        for (; isdigit((unsigned char)**s); (*s)++, scale /= 10)
            *ms += (**s - '0') * scale;
    }
    return true;
}

static bool parse_zone(const char **s, int *minutes)
{
    *minutes = 0;
    if (literal(s, "Zz"))
        return true;
    const int sign = **s == '-' ? -1 : 1;
    int h, m;
    if (!literal(s, "+-") || !digits(s, 2, &h) || !literal(s, ":") || !digits(s, 2, &m))
        return false;
    *minutes = sign * (h * 60 + m);
    return h <= 23 && m <= 59;
}

bool clock_parse(const char *s, int64_t *at_ms)
{
    struct tm tm = { 0 };
    int ms = 0, zone = 0;
    if (!parse_date(&s, &tm))
        return false;
    if (*s && (!literal(&s, "Tt ") || !parse_time(&s, &tm, &ms) || !parse_zone(&s, &zone)))
        return false;
    if (*s)
        return false;
    const time_t t = timegm(&tm);
    *at_ms = ((int64_t)t - (int64_t)zone * 60) * 1000 + ms;
    return true;
}

bool duration_parse(const char *s, int64_t *ms)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {
        { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 },
    };
    if (strcmp(s, "0") == 0) {
        *ms = 0;
        return true;
    }
    int64_t n = 0;
    const char *p = s;
    for (; isdigit((unsigned char)*p); p++)
        if ((n = n * 10 + (*p - '0')) > INT64_C(400000000000))
            return false;
    if (p == s)
        return false;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(p, units[i].name) != 0)
            continue;
        if (n > INT64_C(3650) * 86400000 / units[i].ms)
            return false;
        *ms = n * units[i].ms;
        return true;
    }
    return false;
}

void cond_init_mono(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
}

int cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t mono_ms)
{
    const struct timespec until = {
        .tv_sec = (time_t)(mono_ms / 1000),
        .tv_nsec = (long)(mono_ms % 1000) * 1000000,
    };
    return pthread_cond_timedwait(cond, lock, &until);
}
