/* job.h - a job, its states, and the table of allowed transitions. Pure data. */
#ifndef AUTOMARK_STORE_JOB_H
#define AUTOMARK_STORE_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The numbers are in the database: add at the end only. */
enum job_kind { JOB_READ, JOB_UNREAD };
enum job_state { JOB_PENDING, JOB_SENDING, JOB_DONE, JOB_FAILED, JOB_CANCELLED, JOB_PARKED };

/* Whether a call of this job may have taken effect at SendKit. */
enum job_reach {
    REACH_NO,      /* never sent, or every answer was a clear refusal */
    REACH_UNKNOWN, /* an answer was lost, or unclear */
    REACH_DONE,    /* confirmed */
};

struct job {
    int64_t id;
    enum job_kind kind;
    enum job_state state;
    enum job_reach reach;
    char *workspace;
    char *conversation;
    char *rule; /* rule of the mark; of an unread: why ("kept-reply", "guard", "undo") */
    char *note; /* SendKit's words of the last refusal, why parked or cancelled; or NULL */
    int64_t created_at_ms;
    int64_t due_at_ms;
    int64_t updated_at_ms;
    int64_t reached_at_ms; /* start of the first attempt that may have reached; 0: none */
    int64_t done_at_ms;    /* when known done; 0 */
    unsigned attempts;
    int64_t part;          /* jobs of one part are sent together and alone (bisection); 0: none */
    int64_t refused_at_ms; /* first refusal of a call that held it; 0: none */
};

const char *job_kind_name(enum job_kind k);
const char *job_state_name(enum job_state s);
/* -1 when there is no such name. */
int job_kind_by_name(const char *s);
int job_state_by_name(const char *s);
/* pending -> sending -> done and so on: see the table in job.c. */
bool job_may_become(enum job_state from, enum job_state to);

void job_done(struct job *j); /* releases what it owns */

struct job_list {
    struct job *jobs;
    size_t count;
};
void job_list_done(struct job_list *l);

#endif
