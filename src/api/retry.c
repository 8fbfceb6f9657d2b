#include "api/retry.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"

#define DELAY_LEAST_MS 100 /* even full jitter is no reason to hammer */

uint64_t retry_random(uint64_t *seed)
{
    uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

int64_t retry_jitter_ms(int64_t most, uint64_t *seed)
{
    return most <= 0 ? 0 : (int64_t)(retry_random(seed) % ((uint64_t)most + 1));
}

int64_t retry_ceiling_ms(unsigned failures)
{
    int64_t ceiling = RETRY_BASE_MS;
    for (unsigned i = 1; i < failures && ceiling < RETRY_CAP_MS; i++)
        ceiling *= 2;
    return ceiling < RETRY_CAP_MS ? ceiling : RETRY_CAP_MS;
}

int64_t retry_delay_ms(unsigned failures, uint64_t *seed)
{
    return DELAY_LEAST_MS + retry_jitter_ms(retry_ceiling_ms(failures) - DELAY_LEAST_MS, seed);
}

int64_t retry_spent_ms(unsigned attempts)
{
    int64_t spent = 0;
    unsigned i = 1;
    for (; i <= attempts && retry_ceiling_ms(i) < RETRY_CAP_MS; i++)
        spent += retry_ceiling_ms(i) / 2;
    if (i <= attempts)
        spent += (int64_t)(attempts - i + 1) * (RETRY_CAP_MS / 2);
    return spent;
}

static int64_t clamp(int64_t ms)
{
    if (ms < RETRY_AFTER_MIN_MS)
        return RETRY_AFTER_MIN_MS;
    return ms > RETRY_AFTER_MAX_MS ? RETRY_AFTER_MAX_MS : ms;
}

/* Digits and nothing else; more than an hour of them is an hour. */
static bool parse_seconds(const char *s, int64_t *ms)
{
    int64_t n = 0;
    if (!isdigit((unsigned char)*s))
        return false;
    for (; isdigit((unsigned char)*s); s++)
        if (n < RETRY_AFTER_MAX_MS)
            n = n * 10 + (*s - '0');
    *ms = n * 1000;
    return *s == '\0';
}

static int month_number(const char *name)
{
    static const char *const names[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    for (int i = 0; i < (int)ARRAY_LEN(names); i++)
        if (strcmp(name, names[i]) == 0)
            return i;
    return -1;
}

/* RFC 9110 5.6.7. The three forms differ in order and in the digits of the year. */
static bool parse_date(const char *s, int64_t *at_ms)
{
    struct tm tm = { 0 };
    char month[4] = "";
    int year = 0, end = 0;
    if (sscanf(s, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &tm.tm_mday, month, &year,
               &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &end) == 6 &&
        end > 0) {
        tm.tm_year = year - 1900;
    } else if (sscanf(s, "%*[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT%n", &tm.tm_mday, month,
                      &year, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &end) == 6 &&
               end > 0) {
        tm.tm_year = year < 70 ? year + 100 : year;
    } else if (sscanf(s, "%*3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d%n", month, &tm.tm_mday,
                      &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &year, &end) == 6 &&
               end > 0) {
        tm.tm_year = year - 1900;
    } else {
        return false;
    }
    tm.tm_mon = month_number(month);
    if (s[end] || tm.tm_mon < 0)
        return false;
    *at_ms = (int64_t)timegm(&tm) * 1000;
    return true;
}

bool retry_after_parse(const char *value, int64_t now_wall_ms, int64_t *wait_ms)
{
    int64_t ms, at_ms;
    if (parse_seconds(value, &ms))
        *wait_ms = clamp(ms);
    else if (parse_date(value, &at_ms))
        *wait_ms = clamp(at_ms - now_wall_ms);
    else
        return false;
    return true;
}
