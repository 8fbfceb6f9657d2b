#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define BAR 30
#define EVERY_MS 100

void progress_start(struct progress *p, const char *unit, uint64_t total)
{
    const int64_t now = clock_mono_ms();
    *p = (struct progress){ .unit = unit,
                            .total = total,
                            .shown = isatty(STDERR_FILENO) != 0,
                            .start_mono_ms = now,
                            .told_mono_ms = now };
}

void progress_line(char *out, size_t room, const struct progress *p, uint64_t done, size_t count,
                   int64_t elapsed_ms)
{
    const uint64_t rate = elapsed_ms > 0 ? (uint64_t)count * 1000 / (uint64_t)elapsed_ms : 0;
    if (p->total == 0) {
        snprintf(out, room, "%zu %s, %" PRIu64 " a second", count, p->unit, rate);
        return;
    }
    char bar[BAR + 1];
    const uint64_t whole = done < p->total ? done : p->total;
    const size_t full = (size_t)(whole * BAR / p->total);
    memset(bar, '#', full);
    memset(bar + full, '.', BAR - full);
    bar[BAR] = '\0';
    snprintf(out, room, "[%s] %3" PRIu64 " %%  %zu %s, %" PRIu64 " a second", bar,
             whole * 100 / p->total, count, p->unit, rate);
}

void progress_show(struct progress *p, uint64_t done, size_t count)
{
    const int64_t now = clock_mono_ms();
    char line[160];
    if (!p->shown || now - p->told_mono_ms < EVERY_MS)
        return;
    p->told_mono_ms = now;
    progress_line(line, sizeof(line), p, done, count, now - p->start_mono_ms);
    fprintf(stderr, "\r%s\033[K", line);
}

void progress_end(struct progress *p)
{
    if (p->shown)
        fputs("\r\033[K", stderr);
    p->shown = false;
}
