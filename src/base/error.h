/* error.h - what went wrong, in words a person can act on, and where.
 *
 * struct error is one failure: a function that can fail returns 0 or -1 (or a
 * pointer or NULL) and takes struct error *err last. err may be NULL when the
 * caller does not care. struct diags is a bounded list, for files that people
 * fix in one sitting. Neither is shared between threads without a lock. */
#ifndef AUTOMARK_BASE_ERROR_H
#define AUTOMARK_BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum error_kind {
    ERR_NONE,
    ERR_INPUT, /* fix what you gave */
    ERR_AGAIN, /* try later */
    ERR_FATAL, /* give up */
};

struct error {
    enum error_kind kind;
    char msg[512];
    char file[256]; /* empty when there is no source to point at */
    unsigned line;  /* from 1; 0 when unknown */
    unsigned col;   /* from 1, in characters; 0 when unknown */
};

#define ERROR_INIT                                                                                 \
    {                                                                                              \
        .kind = ERR_NONE                                                                           \
    }

/* Both return -1, so that reporting and returning are one line. */
int error_set(struct error *err, enum error_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Appends ": " and the system's words for errnum. Kind is ERR_FATAL. */
int error_sys(struct error *err, int errnum, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void error_at(struct error *err, const char *file, unsigned line, unsigned col);
/* Puts words in front of the message that is there. Returns -1. */
int error_prefix(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

enum diag_level { DIAG_ERROR, DIAG_WARNING, DIAG_NOTE /* good to know; not counted */ };

const char *diag_level_name(enum diag_level level); /* "error", "warning", "note" */

struct diag {
    enum diag_level level;
    char *file;     /* may be NULL */
    unsigned line;  /* 0 when unknown */
    unsigned col;   /* 0 when unknown */
    unsigned end;   /* column behind the thing, on the same line; 0 when unknown */
    char *msg;      /* one line */
    char *source;   /* the source line without its line break, or NULL */
    unsigned caret; /* column of the caret in source, in characters from 1; 0 is none */
};

#define DIAGS_MAX 200 /* kept, errors before warnings before notes; the rest is counted */

struct diags {
    struct diag *list;
    size_t count;
    size_t errors;   /* also those not kept */
    size_t warnings; /* also those not kept */
    size_t dropped;
    struct diag *last; /* added by the last call, or NULL when it was dropped */
};

#define DIAGS_INIT                                                                                 \
    {                                                                                              \
        .list = NULL                                                                               \
    }

/* file may be NULL; line and col may be 0; source is copied, may be NULL. The
 * caret stands at col. */
void diags_add(struct diags *d, enum diag_level level, const char *file, unsigned line,
               unsigned col, const char *source, const char *fmt, ...)
    __attribute__((format(printf, 7, 8)));
/* False when one more would only be counted: then its words need not be found. */
bool diags_wants(const struct diags *d, enum diag_level level);
/* Counts one that is not wanted. */
void diags_count(struct diags *d, enum diag_level level);
/* Where the thing ends of which the last call of diags_add() spoke. */
void diags_add_end(struct diags *d, unsigned end);
void diags_add_error(struct diags *d, const struct error *err);
/* Orders by file, line, column; stable. */
void diags_sort(struct diags *d);
/* Sorts, and drops what was said before in the same words at the same place. */
void diags_unique(struct diags *d);
/* As a compiler prints them: file:line:col: error: words, the line, a caret. */
void diags_print(const struct diags *d, FILE *to);
void diags_done(struct diags *d);

#endif
