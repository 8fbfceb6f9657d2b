/* lane_state.h - the inside of a lane, for lane.c (its state), lane_next.c (what is sent
 * next) and lane_answer.c (what an answer means). Nobody else's business. */
#ifndef AUTOMARK_API_LANE_STATE_H
#define AUTOMARK_API_LANE_STATE_H

#include "api/lane.h"

#define WATCH_MAX 64 /* jobs whose lone calls are remembered; older ones start anew */
#define STACK_MAX 32 /* parts to do next; what does not fit is found in the store */

/* Calls of one kind of job. Success of one kind proves nothing about the other. */
struct track {
    unsigned failures;     /* in a row */
    unsigned wide;         /* those of them that no single job explains */
    int64_t until_mono_ms; /* back-off */
    int64_t streak_job;    /* all failures in a row were of this job alone; 0: they were not */
    uint64_t successes;
    int64_t last_success_at_ms;
};

/* A job that failed or was refused when sent alone. */
struct suspect {
    int64_t job;
    enum job_kind kind;
    bool refused;          /* put aside with a later due time; claimed by its part */
    bool asking;           /* its call is on its way */
    int64_t part;          /* holds this job and no other; 0: none */
    int64_t due_at_ms;     /* what the store has */
    int64_t refused_at_ms; /* first refusal */
    uint64_t successes;    /* of the track when it was last sent */
};

enum source { SOURCE_NONE, SOURCE_PART, SOURCE_LOOSE };
enum stop { STOP_NOT, STOP_KEY, STOP_REFUSED };

struct lane {
    struct lane_config cfg;
    uint64_t seed;
    unsigned in_flight;
    size_t cap;   /* marks per call; lowered by 413 */
    size_t limit; /* the same, lowered while calls fail */
    struct track tracks[2];
    int64_t seen_wall_ms;

    int64_t stack[STACK_MAX]; /* parts still to do, next one last */
    size_t depth;
    enum source avoid; /* the last call of this source failed: others first */

    struct suspect watch[WATCH_MAX]; /* oldest first */
    size_t watched;
    unsigned doubt; /* ids refused alone since a mark last succeeded */
    bool clear;     /* since then every answer was a success or a refusal */

    enum stop stop;
    unsigned probes; /* that led to nothing */
    int64_t probe_mono_ms;
    bool trial; /* the probe allows one call */
    char words[ANSWER_WORDS];
};

/* Forgets successes when the wall clock goes back. First thing in everything that compares
 * times. */
void lane_note_time(struct lane *l, struct lane_time now);

/* NULL when the job is none. */
struct suspect *lane_suspect(struct lane *l, int64_t job);
/* The job is a suspect no more. */
void lane_clear(struct lane *l, int64_t job);
/* Puts it last; the oldest makes room. */
void lane_suspects_put(struct lane *l, const struct suspect *s);
/* May this refused id be asked a second time, and be failed when refused again? Only if
 * another id succeeded since its first refusal: since its own last call, or else just
 * before it, with nothing but refusals since and no other id refused alone. The second
 * half is for the last id of a bisection, which has nobody left to be compared with. */
bool lane_ripe(const struct lane *l, const struct suspect *s, int64_t wall_ms);

/* Everything waits; when the trial call of a stop failed, the next probe is later. */
void lane_stop(struct lane *l, enum stop why, struct lane_time now);
void lane_start(struct lane *l);
/* Sets the time of the next probe. */
void lane_probe_later(struct lane *l, struct lane_time now);

#endif
