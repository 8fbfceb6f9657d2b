/* upkeep.h - what the writer does between commits, and how it stands with the disk.
 *
 * Looks at free space, folds the log into the database, forgets what is old, in slices
 * of at most 10 ms. Keeps the two states that trouble leads to: low (new events are
 * refused, all else goes on; ends by itself) and broken (for good). The writer's own. */
#ifndef AUTOMARK_STORE_UPKEEP_H
#define AUTOMARK_STORE_UPKEEP_H

#include "store/store_engine.h"
#include "store/store_files.h"

struct upkeep {
    struct engine *engine; /* borrowed */
    struct store_files files;
    int64_t retention_ms;
    int64_t (*wall_ms)(void);
    int64_t fold_bytes;
    int64_t looked_mono_ms, worked_mono_ms, forget_mono_ms;
    bool low, broken;
    char words[256]; /* of what is wrong, or empty */
};

/* Takes over files; the caller closes them when all is done. */
void upkeep_init(struct upkeep *u, struct engine *e, const struct store_files *files,
                 int64_t retention_ms, int64_t (*wall_ms)(void));
/* ERR_FATAL: broken. ERR_AGAIN (disk full): low, and the ballast is given up. */
void upkeep_trouble(struct upkeep *u, const struct error *why);
/* Looks at the disk, at most once a second. */
void upkeep_look(struct upkeep *u);
/* A batch was stored just now: the log is not folded for idleness yet. */
void upkeep_worked(struct upkeep *u);
void upkeep_fold(struct upkeep *u, bool shrink);
/* One slice of all there is to do; idle: nobody waits. */
void upkeep_between(struct upkeep *u, bool idle);
/* Monotonic time of the next slice, should nothing else happen. */
int64_t upkeep_wake_at(const struct upkeep *u);

#endif
