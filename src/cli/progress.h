/* progress.h - how far a long command is, on a terminal. Nothing where stderr is none. */
#ifndef AUTOMARK_CLI_PROGRESS_H
#define AUTOMARK_CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
    const char *unit; /* "replies" */
    uint64_t total;   /* of what is passed as done; 0: not known */
    bool shown;       /* stderr is a terminal */
    int64_t start_mono_ms, told_mono_ms;
};

/* total: bytes of the input, or 0. */
void progress_start(struct progress *p, const char *unit, uint64_t total);
/* Draws at most some times a second. done counts like total; count is what is shown. */
void progress_show(struct progress *p, uint64_t done, size_t count);
/* Takes the line away. */
void progress_end(struct progress *p);
/* "[#####.....]  50 %  1200 replies, 600 a second", for the one line; room bytes of out. */
void progress_line(char *out, size_t room, const struct progress *p, uint64_t done, size_t count,
                   int64_t elapsed_ms);

#endif
