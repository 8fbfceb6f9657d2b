/* store_writer.h - the one thread that touches the engine, and how work gets to it.
 *
 * Whatever waits when the writer looks goes into one transaction, each piece as an item
 * of its own; answers go out after the commit. Between commits it keeps house (upkeep.h). */
#ifndef AUTOMARK_STORE_STORE_WRITER_H
#define AUTOMARK_STORE_STORE_WRITER_H

#include "store/commit.h"
#include "store/store_files.h"

struct writer;

struct writer_config {
    int64_t retention_ms;
    size_t waiting_max;
    int64_t events_rows_max, events_bytes_max; /* as store_config */
    int64_t (*wall_ms)(void);
};

/* Takes over engine and files: writer_free() closes both. Recovers first, in the calling
 * thread. On failure both are still the caller's. */
struct writer *writer_new(const struct writer_config *cfg, struct engine *e,
                          struct store_files *files, struct error *err);
void writer_free(struct writer *w);
void writer_on_jobs(struct writer *w, void (*fn)(void *ctx), void *ctx);

/* Copies s. As store_submit(). */
int writer_submit(struct writer *w, const struct submission *s, store_answer_fn fn, void *ctx,
                  struct error *err);

/* Runs fn(c, arg) in the writer within the next transaction and waits for its commit.
 * fn may run twice (disk full): it must begin by resetting what arg holds as output. */
typedef int (*writer_fn)(struct commit *c, void *arg, struct error *err);
int writer_call(struct writer *w, writer_fn fn, void *arg, struct error *err);

/* For use inside of writer_fn only. */
struct recorder;
const struct recorder *writer_recorder(const struct writer *w);

void writer_stats(struct writer *w, struct store_stats *out);

#endif
