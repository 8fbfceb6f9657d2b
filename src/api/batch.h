/* batch.h - jobs -> the exact request, and what an answer means. Pure. */
#ifndef AUTOMARK_API_BATCH_H
#define AUTOMARK_API_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/pace.h"
#include "store/job.h"

/* ---- requests ------------------------------------------------------------------- */

struct request {
    const char *method; /* static */
    char *path;         /* from the root, percent-encoded */
    char *body;         /* JSON, or NULL */
    char idempotency[40];
};

/* POST /v1/inbox/mark-read with the conversations of all jobs. */
void request_read(struct request *r, const struct job *jobs, size_t count);
/* PATCH /v1/inbox/{id} with isRead:false. */
void request_unread(struct request *r, const struct job *job);
/* GET /v1/account: is the key good? Changes nothing. */
void request_account(struct request *r);
void request_done(struct request *r);

/* ---- answers -------------------------------------------------------------------- */

enum answer_kind {
    ANSWER_DONE,    /* 2xx with success:true */
    ANSWER_REFUSED, /* 400 404 410 413 422: something in this request */
    ANSWER_STOP,    /* 401 403 3xx and the like: nothing will work until somebody acts */
    ANSWER_LIMITED, /* 429 */
    ANSWER_AGAIN,   /* network, 5xx, any other 2xx: try later */
};

#define ANSWER_WORDS 256

struct answer {
    enum answer_kind kind;
    enum job_reach reach;   /* whether the call may have taken effect */
    int status;             /* HTTP; 0: there was none */
    int64_t retry_after_ms; /* 429; -1: not said */
    struct pace_hints pace;
    int64_t modified; /* data.modified; -1: not said */
    int64_t took_ms;
    char words[ANSWER_WORDS]; /* one line, UTF-8, no control characters; "" when all is well */
};

const char *answer_kind_name(enum answer_kind k);

/* Fills kind, reach, status, modified and words from a complete HTTP answer. Headers'
 * part (retry_after_ms, pace) and took_ms are the caller's. */
void answer_from_http(struct answer *a, int status, const char *body, size_t len);
/* The same for a call that ended without an answer; sent: the request may have left. */
void answer_from_trouble(struct answer *a, bool sent, const char *words);
/* Overwrites a secret in a body before it is read: a server may echo what it was sent. */
void answer_hide(char *body, size_t len, const char *secret);

#endif
