#include "base/error.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static void fill(struct error *err, enum error_kind kind, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

static void fill(struct error *err, enum error_kind kind, const char *fmt, va_list ap)
{
    *err = (struct error)ERROR_INIT;
    err->kind = kind;
    vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
}

int error_set(struct error *err, enum error_kind kind, const char *fmt, ...)
{
    if (!err)
        return -1;
    va_list ap;
    va_start(ap, fmt);
    fill(err, kind, fmt, ap);
    va_end(ap);
    return -1;
}

int error_sys(struct error *err, int errnum, const char *fmt, ...)
{
    if (!err)
        return -1;
    va_list ap;
    va_start(ap, fmt);
    fill(err, ERR_FATAL, fmt, ap);
    va_end(ap);
    char words[128];
    const size_t used = strlen(err->msg);
    snprintf(err->msg + used, sizeof(err->msg) - used, ": %s",
             strerror_r(errnum, words, sizeof(words)));
    return -1;
}

void error_at(struct error *err, const char *file, unsigned line, unsigned col)
{
    if (!err)
        return;
    snprintf(err->file, sizeof(err->file), "%s", file ? file : "");
    err->line = line;
    err->col = col;
}

int error_prefix(struct error *err, const char *fmt, ...)
{
    if (!err)
        return -1;
    char old[sizeof(err->msg)];
    memcpy(old, err->msg, sizeof(old));
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
    va_end(ap);
    const size_t used = strlen(err->msg);
    snprintf(err->msg + used, sizeof(err->msg) - used, "%s", old);
    return -1;
}

const char *diag_level_name(enum diag_level level)
{
    return level == DIAG_ERROR ? "error" : level == DIAG_WARNING ? "warning" : "note";
}

static void diag_done(struct diag *g)
{
    free(g->file);
    free(g->msg);
    free(g->source);
}

/* The last of those that matter least goes, when it matters less than the new one. */
static bool make_room(struct diags *d, enum diag_level level)
{
    size_t least = d->count - 1;
    for (size_t i = d->count - 1; i > 0; i--)
        if (d->list[i - 1].level > d->list[least].level)
            least = i - 1;
    if (d->list[least].level <= level)
        return false;
    diag_done(&d->list[least]);
    memmove(&d->list[least], &d->list[least + 1], (d->count - least - 1) * sizeof(*d->list));
    d->count--;
    return true;
}

void diags_add(struct diags *d, enum diag_level level, const char *file, unsigned line,
               unsigned col, const char *source, const char *fmt, ...)
{
    if (level == DIAG_ERROR)
        d->errors++;
    else if (level == DIAG_WARNING)
        d->warnings++;
    d->last = NULL;
    if (d->count >= DIAGS_MAX) {
        d->dropped++;
        if (!make_room(d, level))
            return;
    }
    d->list = xreallocarray(d->list, d->count + 1, sizeof(*d->list));
    char *msg = NULL;
    va_list ap;
    va_start(ap, fmt);
    if (vasprintf(&msg, fmt, ap) < 0)
        msg = xstrdup(fmt);
    va_end(ap);
    d->last = &d->list[d->count++];
    *d->last = (struct diag){
        .level = level,
        .file = file ? xstrdup(file) : NULL,
        .line = line,
        .col = col,
        .msg = msg,
        .source = source ? xstrdup(source) : NULL,
        .caret = source ? col : 0,
    };
}

bool diags_wants(const struct diags *d, enum diag_level level)
{
    if (d->count < DIAGS_MAX)
        return true;
    for (size_t i = 0; i < d->count; i++)
        if (d->list[i].level > level)
            return true;
    return false;
}

void diags_count(struct diags *d, enum diag_level level)
{
    d->errors += level == DIAG_ERROR;
    d->warnings += level == DIAG_WARNING;
    d->dropped++;
    d->last = NULL;
}

void diags_add_end(struct diags *d, unsigned end)
{
    if (d->last)
        d->last->end = end;
}

void diags_add_error(struct diags *d, const struct error *err)
{
    diags_add(d, DIAG_ERROR, err->file[0] ? err->file : NULL, err->line, err->col, NULL, "%s",
              err->msg);
}

/* A diag is put in its place by insertion: at most DIAGS_MAX, mostly in order. */
static int diag_order(const struct diag *a, const struct diag *b)
{
    const int by_file = strcmp(a->file ? a->file : "", b->file ? b->file : "");
    if (by_file != 0)
        return by_file;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    if (a->col != b->col)
        return a->col < b->col ? -1 : 1;
    return 0;
}

void diags_sort(struct diags *d)
{
    for (size_t i = 1; i < d->count; i++) {
        const struct diag moving = d->list[i];
        size_t at = i;
        for (; at > 0 && diag_order(&d->list[at - 1], &moving) > 0; at--)
            d->list[at] = d->list[at - 1];
        d->list[at] = moving;
    }
    d->last = NULL;
}

static void drop(struct diags *d, size_t at)
{
    d->errors -= d->list[at].level == DIAG_ERROR;
    d->warnings -= d->list[at].level == DIAG_WARNING;
    diag_done(&d->list[at]);
}

void diags_unique(struct diags *d)
{
    size_t kept = 0;
    diags_sort(d);
    for (size_t i = 0; i < d->count; i++) {
        bool twin = false; /* equal places stand together */
        for (size_t k = kept; k > 0 && !twin && diag_order(&d->list[k - 1], &d->list[i]) == 0; k--)
            twin = strcmp(d->list[k - 1].msg, d->list[i].msg) == 0;
        if (twin)
            drop(d, i);
        else
            d->list[kept++] = d->list[i];
    }
    d->count = kept;
    d->last = NULL;
}

/* A tab before the caret is repeated, so that the caret stands right whatever
 * width tabs have. */
static void print_caret(const struct diag *g, FILE *to)
{
    unsigned left = g->caret - 1;
    fputs("    ", to);
    for (const char *p = g->source; left > 0 && *p; p++) {
        if (((unsigned char)*p & 0xC0) == 0x80)
            continue;
        fputc(*p == '\t' ? '\t' : ' ', to);
        left--;
    }
    fprintf(to, "%*s^\n", (int)left, "");
}

void diags_print(const struct diags *d, FILE *to)
{
    for (size_t i = 0; i < d->count; i++) {
        const struct diag *g = &d->list[i];
        if (g->file)
            fprintf(to, "%s:", g->file);
        if (g->line)
            fprintf(to, "%u:", g->line);
        if (g->line && g->col)
            fprintf(to, "%u:", g->col);
        fprintf(to, "%s%s: %s\n", g->file || g->line ? " " : "", diag_level_name(g->level), g->msg);
        if (g->source) {
            fprintf(to, "    %s\n", g->source);
            if (g->caret)
                print_caret(g, to);
        }
    }
    if (d->dropped)
        fprintf(to, "and %zu more\n", d->dropped);
}

void diags_done(struct diags *d)
{
    for (size_t i = 0; i < d->count; i++)
        diag_done(&d->list[i]);
    free(d->list);
    *d = (struct diags)DIAGS_INIT;
}
