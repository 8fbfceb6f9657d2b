/* rules_wants.h - rule files that say themselves which mistakes must be found in them.
 *
 * A line "# want LINE:COLUMN LEVEL: WORDS" asks for a diagnostic that begins so; FILE in
 * WORDS stands for the file's path. There must be no others. Include after cmocka.h. */
#ifndef AUTOMARK_TESTS_RULES_WANTS_H
#define AUTOMARK_TESTS_RULES_WANTS_H

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "rules/rules_load.h"

static inline bool wanted_found(const struct diags *d, unsigned line, unsigned col,
                                const char *words, const char *path)
{
    for (size_t i = 0; i < d->count; i++) {
        const struct diag *g = &d->list[i];
        scoped(freep) char *whole = xasprintf("%s: %s", diag_level_name(g->level), g->msg);
        scoped(buf_free) struct buf plain = BUF_INIT;
        const char *hit = strstr(whole, path); /* FILE stands for the path */
        if (hit)
            buf_printf(&plain, "%.*sFILE%s", (int)(hit - whole), whole, hit + strlen(path));
        else
            buf_puts(&plain, whole);
        if (g->line == line && g->col == col && strncmp(buf_str(&plain), words, strlen(words)) == 0)
            return true;
    }
    return false;
}

static inline void check_wants(const char *path, const struct diags *d)
{
    scoped(fclosep) FILE *f = fopen(path, "r");
    char line[512];
    size_t wants = 0;
    while (f && fgets(line, sizeof(line), f)) {
        unsigned row = 0;
        unsigned col = 0;
        int used = 0;
        line[strcspn(line, "\r\n")] = '\0';
        if (sscanf(line, "# want %u:%u %n", &row, &col, &used) != 2)
            continue;
        wants++;
        if (!wanted_found(d, row, col, line + used, path)) {
            diags_print(d, stderr);
            fail_msg("%s: not found: %s", path, line);
        }
    }
    if (wants == 0)
        fail_msg("%s: wants nothing", path);
    if (d->count != wants) {
        diags_print(d, stderr);
        fail_msg("%s: %zu found, %zu wanted", path, d->count, wants);
    }
}

#endif
