/* Which lines of a mail we had sent ourselves: needs no language and no mark. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "event/split_lines.h"

#define OURS_MIN 16 /* bytes of a line that proves to be ours by itself */

struct own_lines {
    struct span *list;
    size_t count;
};

static int compare_spans(const void *a, const void *b)
{
    const struct span *x = a;
    const struct span *y = b;
    const int c = memcmp(x->s, y->s, x->len < y->len ? x->len : y->len);
    return c ? c : (x->len > y->len) - (x->len < y->len);
}

static void own_lines_read(struct own_lines *own, const struct mail *sent)
{
    own->list = xreallocarray(NULL, sent->count + 1, sizeof(*own->list));
    own->count = 0;
    for (size_t i = 0; i < sent->count; i++)
        if (!line_is(sent, i, LINE_BLANK))
            own->list[own->count++] = mail_low(sent, i);
    qsort(own->list, own->count, sizeof(*own->list), compare_spans);
}

void mail_find_ours(struct mail *m, const char *own_text)
{
    struct mail sent;
    struct own_lines own;
    mail_read(&sent, own_text, strlen(own_text), NULL, 0);
    own_lines_read(&own, &sent);
    bool below = false;
    for (size_t i = 0; i < m->count; i++) {
        const struct span s = mail_low(m, i);
        if (s.len == 0)
            continue;
        const bool same = bsearch(&s, own.list, own.count, sizeof(s), compare_spans) != NULL;
        below = same && (below || s.len >= OURS_MIN);
        if (below)
            m->line[i].facts |= LINE_OURS;
    }
    free(own.list);
    mail_done(&sent);
}
