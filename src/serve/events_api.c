#include "serve/events_api.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"

#define PAGE_EVENTS 5000 /* at most */

static int parse_count(const char *key, const char *value, int64_t *n, struct error *err)
{
    char *end = NULL;
    errno = 0;
    const long long got = strtoll(value, &end, 10);
    if (!isdigit((unsigned char)value[0]) || *end || errno)
        return error_set(err, ERR_INPUT, "%s is '%s': a number from 0 would be right", key, value);
    *n = got;
    return 0;
}

static int parse_limit(struct event_filter *f, const char *value, struct error *err)
{
    int64_t n = 0;
    if (parse_count("limit", value, &n, err) < 0)
        return -1;
    f->limit = n > PAGE_EVENTS ? PAGE_EVENTS : (size_t)n;
    return 0;
}

int events_param(struct event_filter *f, const char *key, const char *value, struct error *err)
{
    if (strcmp(key, "workspace") == 0)
        f->workspace = value;
    else if (strcmp(key, "conversation") == 0)
        f->conversation = value;
    else if (strcmp(key, "after") == 0)
        return parse_count(key, value, &f->after_id, err);
    else if (strcmp(key, "limit") == 0)
        return parse_limit(f, value, err);
    else
        return error_set(err, ERR_INPUT, "there is no parameter '%s'", key);
    return 0;
}

int events_page(struct store *st, const struct event_filter *f, struct buf *out, struct error *err)
{
    scoped(recorded_events_done) struct recorded_events page = { .count = 0 };
    if (store_events(st, f, &page, err) < 0)
        return -1;
    for (size_t i = 0; i < page.count; i++) {
        const struct recorded_event *ev = &page.list[i];
        if (ev->len < 2 || ev->record[0] != '{')
            continue;
        buf_printf(out, "{\"id\":%lld,", (long long)ev->id);
        buf_append(out, ev->record + 1, ev->len - 1);
        buf_putc(out, '\n');
    }
    return 0;
}
