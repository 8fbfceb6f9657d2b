/* events_bring.h - exported events into the record of the daemon, or of the store. */
#ifndef AUTOMARK_CLI_EVENTS_BRING_H
#define AUTOMARK_CLI_EVENTS_BRING_H

#include <stddef.h>

struct error;
struct whereabouts;

struct events_imported {
    size_t added, known, dropped;
};

/* Checks every line of file (NULL or "-": standard input, by way of an unnamed temporary
 * file) and only then adds them, in calls of bounded size. keep may be NULL. -1 with err:
 * ERR_INPUT names line and offset and nothing was added; else *done says what was. */
int events_bring(const struct whereabouts *where, const char *file, const char *keep,
                 struct events_imported *done, struct error *err);

#endif
