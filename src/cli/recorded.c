#include "cli/recorded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "cli/reach.h"
#include "event/event.h"
#include "serve/events_api.h"

#define PAGE_EVENTS 1000
#define SHOWN 5 /* others that are named */

/* ---- pages ----------------------------------------------------------------------------- */

struct paging {
    struct event_filter *f;
    bool (*fn)(void *ctx, const struct buf *page);
    void *ctx;
};

/* The id that the next page comes after: that of the last line. */
static int64_t last_id(const struct buf *page)
{
    static const char start[] = "{\"id\":";
    const char *from = page->data, *end = page->data + page->len - 1; /* the line break */
    const char *before = end > from ? memrchr(from, '\n', (size_t)(end - from)) : NULL;
    const char *line = before ? before + 1 : from;
    return strncmp(line, start, strlen(start)) == 0 ? strtoll(line + strlen(start), NULL, 10) : 0;
}

/* False when it was the last one. */
static bool hand_over(struct paging *p, const struct buf *page)
{
    if (!page->len)
        return false;
    const int64_t id = last_id(page);
    const bool more = id > p->f->after_id;
    p->f->after_id = id;
    return p->fn(p->ctx, page) && more;
}

static enum admin_reach page_of_daemon(void *ctx, const char *socket, struct error *err)
{
    struct paging *p = ctx;
    enum admin_reach reached;
    bool more = true;
    do {
        scoped(buf_free) struct buf page = BUF_INIT;
        char after[24], limit[24];
        snprintf(after, sizeof(after), "%lld", (long long)p->f->after_id);
        snprintf(limit, sizeof(limit), "%zu", p->f->limit ? p->f->limit : PAGE_EVENTS);
        const struct admin_param params[] = { { "workspace", p->f->workspace },
                                              { "conversation", p->f->conversation },
                                              { "after", after },
                                              { "limit", limit },
                                              { NULL, NULL } };
        reached = admin_ask_text(socket, "GET", "/api/events", params, &page, err);
        more = reached == ADMIN_ANSWERED && hand_over(p, &page);
    } while (more);
    return reached;
}

static int page_of_store(void *ctx, struct store *st, struct error *err)
{
    struct paging *p = ctx;
    int rc = 0;
    for (bool more = true; more;) {
        scoped(buf_free) struct buf page = BUF_INIT;
        rc = events_page(st, p->f, &page, err);
        more = rc == 0 && hand_over(p, &page);
    }
    return rc;
}

int recorded_pages(const struct whereabouts *where, struct event_filter *f,
                   bool (*fn)(void *ctx, const struct buf *page), void *ctx, struct error *err)
{
    static const struct reach_ways ways = { page_of_daemon, page_of_store };
    struct paging p = { .f = f, .fn = fn, .ctx = ctx };
    return reach(where, &ways, &p, err);
}

/* ---- one event -------------------------------------------------------------------------- */

struct choice {
    int64_t id, arrived_at_ms;
    char *message; /* or NULL */
};

struct search {
    const struct recorded_wish *wish;
    struct event_record newest;
    size_t found;
    struct choice shown[SHOWN + 1]; /* the newest ones, in a ring */
    int rc;
    struct error *err;
};

static void remember(struct search *s, const struct event_record *r)
{
    struct choice *c = &s->shown[s->found % (SHOWN + 1)];
    const char *message = event_str(r->event, FIELD_MESSAGE);
    free(c->message);
    *c = (struct choice){ .id = r->id,
                          .arrived_at_ms = r->arrived_at_ms,
                          .message = message ? xstrdup(message) : NULL };
    s->found++;
}

static bool as_wished(const struct recorded_wish *w, const struct event_record *r)
{
    const char *message = event_str(r->event, FIELD_MESSAGE);
    return (!w->id || w->id == r->id) &&
           (!w->message || (message && strcmp(w->message, message) == 0));
}

static bool take_line(struct search *s, const char *line, size_t len)
{
    struct event_record r = { .event = NULL };
    s->rc = event_record_read(line, len, &r, s->err);
    if (s->rc < 0)
        return false;
    if (!as_wished(s->wish, &r)) {
        event_record_done(&r);
        return true;
    }
    remember(s, &r);
    event_record_done(&s->newest);
    s->newest = r;
    return true;
}

static bool take_page(void *ctx, const struct buf *page)
{
    struct search *s = ctx;
    const char *end = page->data + page->len;
    for (const char *line = page->data; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        const size_t len = stop ? (size_t)(stop - line) : (size_t)(end - line);
        if (len && !take_line(s, line, len))
            return false;
        line += len + 1;
    }
    return true;
}

static void tell_others(const struct search *s)
{
    const size_t others = s->found - 1;
    if (!others)
        return;
    fprintf(stderr,
            "automark: note: %zu events of conversation %s are recorded, this is about the newest; "
            "--message ID or --id N choose another:\n",
            s->found, s->wish->conversation);
    for (size_t i = 0; i < others && i < SHOWN; i++) {
        const struct choice *c = &s->shown[(s->found - 2 - i) % (SHOWN + 1)];
        char at[CLOCK_TEXT];
        clock_format(c->arrived_at_ms, at);
        fprintf(stderr, "  --id %lld  message %s, of %s\n", (long long)c->id,
                c->message ? c->message : "without an id", at);
    }
    if (others > SHOWN)
        fprintf(stderr, "  and %zu older ones: automark events export --conversation %s\n",
                others - SHOWN, s->wish->conversation);
}

struct oldest {
    bool any;
    int64_t arrived_at_ms;
};

static bool take_oldest(void *ctx, const struct buf *page)
{
    struct oldest *o = ctx;
    struct event_record r = { .event = NULL };
    const char *stop = memchr(page->data, '\n', page->len);
    const size_t len = stop ? (size_t)(stop - page->data) : page->len;
    if (event_record_read(page->data, len, &r, NULL) == 0) {
        o->any = true;
        o->arrived_at_ms = r.arrived_at_ms;
        event_record_done(&r);
    }
    return false;
}

static int not_there(const struct whereabouts *where, const struct recorded_wish *w,
                     struct error *err)
{
    struct event_filter first = { .workspace = w->workspace, .limit = 1 };
    struct oldest oldest = { .any = false };
    char at[CLOCK_TEXT] = "", which[128] = "";
    if (recorded_pages(where, &first, take_oldest, &oldest, err) < 0)
        return -1;
    clock_format(oldest.arrived_at_ms, at);
    if (w->message)
        snprintf(which, sizeof(which), " with the message %.80s", w->message);
    else if (w->id)
        snprintf(which, sizeof(which), " with the id %lld", (long long)w->id);
    return error_set(err, ERR_INPUT,
                     "no recorded event of the conversation '%.128s'%s%s%.64s. %s%s. Events are "
                     "recorded for a time only (capture: %s), and not at all while there is no "
                     "room: `automark events export` prints what is there",
                     w->conversation, which, w->workspace ? " in the workspace " : "",
                     w->workspace ? w->workspace : "",
                     oldest.any ? "The oldest that is kept came at " : "None is kept at all",
                     oldest.any ? at : "", where->capture);
}

int recorded_find(const struct whereabouts *where, const struct recorded_wish *wish,
                  struct event_record *out, struct error *err)
{
    struct event_filter f = { .workspace = wish->workspace, .conversation = wish->conversation };
    struct search s = { .wish = wish, .err = err };
    int rc = recorded_pages(where, &f, take_page, &s, err);
    if (rc == 0)
        rc = s.rc;
    if (rc == 0 && !s.found)
        rc = not_there(where, wish, err);
    if (rc == 0) {
        tell_others(&s);
        *out = s.newest;
    } else {
        event_record_done(&s.newest);
    }
    for (size_t i = 0; i <= SHOWN; i++)
        free(s.shown[i].message);
    return rc;
}
