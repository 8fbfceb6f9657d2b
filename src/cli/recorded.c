#include "cli/recorded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/error.h"
#include "cli/admin_client.h"
#include "serve/events_api.h"

#define PAGE "1000"
/* The tool only looks: forgetting what is old is left to the daemon. */
#define RETENTION_FOREVER_MS (INT64_C(3650) * 86400 * 1000)

struct recorded {
    const char *socket, *url;
    struct event_filter filter;
    bool without_daemon; /* known by now */
    struct store *store; /* opened then */
};

struct recorded *recorded_new(const char *socket, const char *url,
                              const struct event_filter *filter)
{
    struct recorded *r = xcalloc(1, sizeof(*r));
    *r = (struct recorded){ .socket = socket, .url = url, .filter = *filter };
    return r;
}

void recorded_free(struct recorded *r)
{
    if (!r)
        return;
    store_close(r->store);
    free(r);
}

void recorded_freep(struct recorded **r)
{
    recorded_free(*r);
}

/* The id that the next page comes after: that of the last line. */
static int64_t last_id(const char *page, size_t len)
{
    static const char start[] = "{\"id\":";
    const char *end = page + len - 1; /* the line break */
    const char *before = end > page ? memrchr(page, '\n', (size_t)(end - page)) : NULL;
    const char *line = before ? before + 1 : page;
    return strncmp(line, start, strlen(start)) == 0 ? strtoll(line + strlen(start), NULL, 10) : 0;
}

static enum admin_reach ask_daemon(struct recorded *r, struct buf *out, struct error *err)
{
    char after[24];
    snprintf(after, sizeof(after), "%lld", (long long)r->filter.after_id);
    const struct admin_param params[] = { { "workspace", r->filter.workspace },
                                          { "conversation", r->filter.conversation },
                                          { "after", after },
                                          { "limit", PAGE },
                                          { NULL, NULL } };
    return admin_ask_text(r->socket, "GET", "/api/events", params, out, err);
}

static int ask_store(struct recorded *r, struct buf *out, struct error *err)
{
    const struct store_config cfg = {
        .url = r->url, .must_exist = true, .retention_ms = RETENTION_FOREVER_MS, .ballast_bytes = -1
    };
    if (!r->store)
        r->store = store_open(&cfg, err);
    return r->store ? events_page(r->store, &r->filter, out, err) : -1;
}

int recorded_next(struct recorded *r, struct buf *out, bool *more, struct error *err)
{
    const size_t from = out->len;
    if (!r->without_daemon) {
        const enum admin_reach reach = ask_daemon(r, out, err);
        if (reach == ADMIN_FAILED)
            return -1;
        r->without_daemon = reach == ADMIN_NOT_THERE;
    }
    if (r->without_daemon && ask_store(r, out, err) < 0)
        return -1;
    const int64_t id = out->len > from ? last_id(out->data + from, out->len - from) : 0;
    *more = id > r->filter.after_id;
    r->filter.after_id = id;
    return 0;
}
