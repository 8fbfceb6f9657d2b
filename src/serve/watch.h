/* watch.h - whether files and folders changed, whoever changed them and however.
 *
 * A look takes the state of every path and, for folders, of every file in them: inode,
 * size, time of change, and where symbolic links lead. That survives editors that rename
 * over a file, git pull, and the symlink swap of a Kubernetes ConfigMap, works on every
 * file system, and costs a few stat calls, where inotify loses its watch with the inode.
 * A change counts once two looks in a row agree, so that a half-written folder is not
 * loaded. One thread. */
#ifndef AUTOMARK_SERVE_WATCH_H
#define AUTOMARK_SERVE_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct watch {
    char **paths;
    size_t npaths;
    uint64_t settled; /* what the last load saw */
    uint64_t last;    /* what the last look saw */
};

/* Starts from the paths as they are now. Copies them; a path may appear twice. */
void watch_reset(struct watch *w, const char *const *paths, size_t npaths);
/* One look. True once for each change, when it holds still. */
bool watch_changed(struct watch *w);
void watch_done(struct watch *w);

#endif
