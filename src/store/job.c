#include "store/job.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static const char *const kinds[] = { [JOB_READ] = "read", [JOB_UNREAD] = "unread" };
static const char *const states[] = {
    [JOB_PENDING] = "pending", [JOB_SENDING] = "sending",     [JOB_DONE] = "done",
    [JOB_FAILED] = "failed",   [JOB_CANCELLED] = "cancelled", [JOB_PARKED] = "parked",
};

/* may[from][to]. A parked job leaves by a person's hand alone, a failed one by retry;
 * what a kept reply cancels may be pending, parked or (after its call) sending. */
static const bool may[ARRAY_LEN(states)][ARRAY_LEN(states)] = {
    [JOB_PENDING] = { [JOB_SENDING] = true, [JOB_CANCELLED] = true, [JOB_PARKED] = true },
    [JOB_SENDING] = { [JOB_DONE] = true,
                      [JOB_FAILED] = true,
                      [JOB_PENDING] = true,
                      [JOB_CANCELLED] = true },
    [JOB_FAILED] = { [JOB_PENDING] = true, [JOB_CANCELLED] = true },
    [JOB_PARKED] = { [JOB_PENDING] = true, [JOB_CANCELLED] = true },
    [JOB_DONE] = { false },
    [JOB_CANCELLED] = { false },
};

static int by_name(const char *const *names, size_t count, const char *s)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], s) == 0)
            return (int)i;
    return -1;
}

const char *job_kind_name(enum job_kind k)
{
    return kinds[k];
}

const char *job_state_name(enum job_state s)
{
    return states[s];
}

int job_kind_by_name(const char *s)
{
    return by_name(kinds, ARRAY_LEN(kinds), s);
}

int job_state_by_name(const char *s)
{
    return by_name(states, ARRAY_LEN(states), s);
}

bool job_may_become(enum job_state from, enum job_state to)
{
    return may[from][to];
}

void job_done(struct job *j)
{
    free(j->workspace);
    free(j->conversation);
    free(j->rule);
    free(j->note);
    *j = (struct job){ 0 };
}

void job_list_done(struct job_list *l)
{
    for (size_t i = 0; i < l->count; i++)
        job_done(&l->jobs[i]);
    free(l->jobs);
    *l = (struct job_list){ 0 };
}
