#include "cli/events_bring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "cli/reach.h"
#include "serve/events_api.h"

#define CALL_EVENTS (IMPORT_EVENTS_MAX / 2)
#define KEEP "14d"
#define INPUT_BYTES_MAX ((off_t)4 << 30)

/* ---- reading ----------------------------------------------------------------------------- */

/* One line without its break, and where it stands. */
struct line {
    char *text;
    size_t room, len;
    size_t number; /* from 1 */
    off_t offset;
};

static void line_done(struct line *l)
{
    free(l->text);
}

static bool next_line(FILE *from, struct line *l, off_t *read)
{
    const ssize_t got = getline(&l->text, &l->room, from);
    if (got <= 0)
        return false;
    l->offset = *read;
    l->number++;
    *read += got;
    l->len = (size_t)got;
    while (l->len && strchr("\r\n", l->text[l->len - 1]))
        l->len--;
    l->text[l->len] = '\0';
    return true;
}

static bool blank(const struct line *l)
{
    return strspn(l->text, " \t") == l->len;
}

static int check_line(const struct line *l, struct error *err)
{
    struct recorded_event ev = { 0 };
    if (import_line(l->text, l->len, clock_wall_ms(), &ev, err) < 0)
        return error_prefix(err, "line %zu (byte %lld): ", l->number, (long long)l->offset);
    free(ev.workspace);
    free(ev.conversation);
    free(ev.record);
    return 0;
}

/* Reads to the end, checking; what cannot be read twice is copied on the way. */
static int check_all(FILE *from, FILE *copy, const char *name, struct error *err)
{
    scoped(line_done) struct line l = { .text = NULL };
    off_t read = 0;
    while (next_line(from, &l, &read)) {
        if (!blank(&l) && check_line(&l, err) < 0)
            return error_prefix(err, "%s: ", name);
        if (read > INPUT_BYTES_MAX)
            return error_set(err, ERR_INPUT, "%s: more than %lld bytes", name,
                             (long long)INPUT_BYTES_MAX);
        if (copy && (fwrite(l.text, 1, l.len, copy) != l.len || putc('\n', copy) == EOF))
            return error_sys(err, errno, "copying %s to a temporary file", name);
    }
    return ferror(from) ? error_sys(err, errno, "reading %s", name) : 0;
}

/* ---- adding ----------------------------------------------------------------------------- */

struct bringing {
    FILE *from;
    const char *keep;
    struct events_imported *done;
};

/* The lines of the next call; empty at the end. */
static void gather(FILE *from, struct buf *lines)
{
    scoped(line_done) struct line l = { .text = NULL };
    off_t read = 0;
    for (size_t n = 0; n < CALL_EVENTS && lines->len < IMPORT_BYTES_MAX / 2;) {
        if (!next_line(from, &l, &read))
            return;
        if (blank(&l))
            continue;
        buf_append(lines, l.text, l.len);
        buf_putc(lines, '\n');
        n++;
    }
}

static size_t number_of(const struct json_object *o, const char *key)
{
    int64_t n = 0;
    json_int(json_get(o, key), &n);
    return n > 0 ? (size_t)n : 0;
}

static void add_up(struct events_imported *sum, size_t added, size_t known, size_t dropped)
{
    sum->added += added;
    sum->known += known;
    sum->dropped += dropped;
}

static enum admin_reach bring_to_daemon(void *ctx, const char *socket, struct error *err)
{
    struct bringing *b = ctx;
    const struct admin_param params[] = { { "keep", b->keep }, { NULL, NULL } };
    for (;;) {
        scoped(buf_free) struct buf lines = BUF_INIT;
        scoped(json_freep) struct json_object *answer = NULL;
        const off_t at = ftello(b->from);
        gather(b->from, &lines);
        if (!lines.len && at > 0)
            return ADMIN_ANSWERED;
        const enum admin_reach reached =
            admin_send(socket, "/api/events", params, &lines, &answer, err);
        if (reached == ADMIN_NOT_THERE && at > 0) {
            error_set(err, ERR_FATAL, "the daemon at %s is gone", socket);
            return ADMIN_FAILED;
        }
        if (reached == ADMIN_NOT_THERE)
            rewind(b->from);
        if (reached != ADMIN_ANSWERED)
            return reached;
        add_up(b->done, number_of(answer, "added"), number_of(answer, "known"),
               number_of(answer, "dropped"));
        if (!lines.len)
            return ADMIN_ANSWERED;
    }
}

static int bring_to_store(void *ctx, struct store *st, struct error *err)
{
    struct bringing *b = ctx;
    int64_t keep_ms = 0;
    if (import_keep(b->keep, &keep_ms, err) < 0)
        return -1;
    for (;;) {
        scoped(buf_free) struct buf lines = BUF_INIT;
        struct events_added done = { 0 };
        gather(b->from, &lines);
        if (!lines.len)
            return 0;
        if (events_import(st, buf_str(&lines), lines.len, keep_ms, &done, err) < 0)
            return -1;
        add_up(b->done, done.added, done.known, done.dropped);
    }
}

static int bring(const struct whereabouts *where, FILE *from, const char *keep,
                 struct events_imported *done, struct error *err)
{
    static const struct reach_ways ways = { bring_to_daemon, bring_to_store };
    struct bringing b = { .from = from, .keep = keep ? keep : KEEP, .done = done };
    rewind(from);
    const int rc = reach(where, &ways, &b, err);
    if (rc < 0 && err->kind == ERR_INPUT) /* all lines were fine: not the user's mistake */
        err->kind = ERR_FATAL;
    return rc;
}

static bool can_be_read_twice(FILE *f)
{
    struct stat st;
    return fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode) && ftello(f) == 0;
}

int events_bring(const struct whereabouts *where, const char *file, const char *keep,
                 struct events_imported *done, struct error *err)
{
    const bool standard = !file || strcmp(file, "-") == 0;
    const char *name = standard ? "standard input" : file;
    scoped(fclosep) FILE *opened = standard ? NULL : fopen(file, "re");
    FILE *from = standard ? stdin : opened;
    if (!from)
        return error_sys(err, errno, "opening %s", name);
    const bool twice = can_be_read_twice(from);
    scoped(fclosep) FILE *copy = twice ? NULL : tmpfile();
    if (!twice && !copy)
        return error_sys(err, errno, "making a temporary file");
    if (check_all(from, copy, name, err) < 0)
        return -1;
    return bring(where, copy ? copy : from, keep, done, err);
}
