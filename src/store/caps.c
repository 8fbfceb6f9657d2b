#include "store/caps.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"

#define SLOTS 256

struct slot {
    char *name; /* workspace, line break, rule; NULL: nothing known */
    int64_t cap, counted_at_ms, at_most, full_until_ms;
};

struct caps {
    struct slot slots[SLOTS];
};

struct caps *caps_new(void)
{
    return xcalloc(1, sizeof(struct caps));
}

void caps_forget(struct caps *c)
{
    for (size_t i = 0; i < SLOTS; i++) {
        free(c->slots[i].name);
        c->slots[i] = (struct slot){ .name = NULL };
    }
}

void caps_free(struct caps *c)
{
    if (c)
        caps_forget(c);
    free(c);
}

static char *name_of(const char *workspace, const char *rule)
{
    return xasprintf("%s\n%s", workspace, rule ? rule : "");
}

/* FNV-1a: names come from the configuration, not from outside. */
static size_t slot_of(const char *name)
{
    uint32_t hash = UINT32_C(2166136261);
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * UINT32_C(16777619);
    return hash % SLOTS;
}

static bool is_about(const struct slot *s, const char *name)
{
    return s->name && strcmp(s->name, name) == 0;
}

enum caps_answer caps_ask(const struct caps *c, const char *workspace, const char *rule,
                          int64_t cap, int64_t now_ms)
{
    scoped(freep) char *name = name_of(workspace, rule);
    const struct slot *s = &c->slots[slot_of(name)];
    if (!is_about(s, name) || s->cap != cap || now_ms < s->counted_at_ms)
        return CAPS_COUNT;
    if (s->at_most < cap)
        return CAPS_UNDER;
    return now_ms < s->full_until_ms ? CAPS_OVER : CAPS_COUNT;
}

void caps_counted(struct caps *c, const char *workspace, const char *rule, int64_t cap,
                  int64_t now_ms, int64_t count, int64_t oldest_ms)
{
    char *name = name_of(workspace, rule);
    struct slot *s = &c->slots[slot_of(name)];
    free(s->name);
    *s = (struct slot){
        .name = name,
        .cap = cap,
        .counted_at_ms = now_ms,
        .at_most = count,
        .full_until_ms = count >= cap ? oldest_ms + CAPS_WINDOW_MS : 0,
    };
}

static void one_more(struct caps *c, const char *workspace, const char *rule)
{
    scoped(freep) char *name = name_of(workspace, rule);
    struct slot *s = &c->slots[slot_of(name)];
    if (is_about(s, name))
        s->at_most++;
}

void caps_queued(struct caps *c, const char *workspace, const char *rule)
{
    one_more(c, workspace, NULL);
    if (rule)
        one_more(c, workspace, rule);
}
