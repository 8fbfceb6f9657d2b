/* kill -9 while a process stores events and sends jobs, again and again on one file.
 *
 * The child writes a line for each answer it got and for each call that it makes; the
 * parent, once the child is dead, opens the store, sends what is left and compares:
 * nothing answered is lost, and no kept reply was swept along. */
#include "store_help.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/clock.h"

#define ROUNDS 25
#define PER_ROUND 400

static struct {
    bool marked, human_tried, human, read;
} inbox[ROUNDS][PER_ROUND];

static int pipe_to_parent;

static void tell(char what, int round, int number)
{
    char line[32];
    const int len = snprintf(line, sizeof(line), "%c %d %d\n", what, round, number);
    if (write(pipe_to_parent, line, (size_t)len) != len)
        _exit(1);
}

/* ---- the child ---------------------------------------------------------------------- */

struct note {
    int round, number;
};

static void on_marked(void *ctx, const struct receipt *r, const struct error *err)
{
    (void)r;
    const struct note *n = ctx;
    if (!err)
        tell('M', n->round, n->number);
}

static void names(const struct note *n, char what, char conversation[32], char key[32])
{
    snprintf(conversation, 32, "%d-%d", n->round, n->number);
    snprintf(key, 32, "%c-%d-%d", what, n->round, n->number);
}

static void child_sends(struct store *st, enum job_kind kind)
{
    scoped(job_list_done) struct job_list l = { 0 };
    if (store_claim(st, "w", kind, 0, 7, START, &l, NULL) < 0)
        _exit(1);
    for (size_t i = 0; i < l.count; i++) {
        int round, number;
        if (sscanf(l.jobs[i].conversation, "%d-%d", &round, &number) != 2)
            _exit(1);
        tell(kind == JOB_READ ? 'R' : 'U', round, number);
    }
    for (size_t i = 0; i < l.count; i++)
        finish(st, l.jobs[i].id, JOB_DONE, REACH_DONE);
}

static void child(const struct place *p, int round)
{
    static struct note notes[PER_ROUND];
    struct error err = ERROR_INIT;
    struct store *st = open_here(p, &err);
    if (!st)
        _exit(2);
    for (int i = 0; i < PER_ROUND; i++) {
        char conversation[32], key[32];
        notes[i] = (struct note){ round, i };
        names(&notes[i], 'm', conversation, key);
        struct submission s = event(conversation, key, DECISION_MARK);
        if (store_submit(st, &s, on_marked, &notes[i], &err) < 0)
            _exit(3);
        if (i % 5 == 4) {
            struct note n = { round, i - (i / 5) % 5 };
            struct receipt r;
            names(&n, 'h', conversation, key);
            s = event(conversation, key, DECISION_KEEP);
            tell('T', round, n.number);
            if (submit(st, &s, &r, &err) < 0)
                _exit(4);
            tell('H', round, n.number);
        }
        if (i % 4 == 3) {
            child_sends(st, JOB_UNREAD);
            child_sends(st, JOB_READ);
        }
    }
    for (;;)
        pause();
}

/* ---- the parent --------------------------------------------------------------------- */

static void hear(const char *line)
{
    char what;
    int round, number;
    assert_int_equal(sscanf(line, "%c %d %d", &what, &round, &number), 3);
    assert_true(round >= 0 && round < ROUNDS && number >= 0 && number < PER_ROUND);
    switch (what) {
    case 'M':
        inbox[round][number].marked = true;
        break;
    case 'T':
        inbox[round][number].human_tried = true;
        break;
    case 'H':
        inbox[round][number].human = true;
        break;
    default:
        inbox[round][number].read = what == 'R';
        break;
    }
}

static void listen_until_killed(int from, pid_t pid, unsigned after_lines, unsigned more_us)
{
    FILE *f = fdopen(from, "r");
    char line[64];
    unsigned lines = 0;
    assert_non_null(f);
    while (fgets(line, sizeof(line), f)) {
        hear(line);
        if (++lines == after_lines) {
            usleep(more_us);
            kill(pid, SIGKILL);
        }
    }
    fclose(f);
    if (lines < after_lines)
        kill(pid, SIGKILL);
}

static void one_life(const struct place *p, int round, unsigned after_lines, unsigned more_us)
{
    int ends[2], status;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    fflush(NULL);
    const pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        pipe_to_parent = ends[1];
        alarm(60);
        child(p, round);
    }
    close(ends[1]);
    listen_until_killed(ends[0], pid, after_lines, more_us);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
        fail_msg("the child ended by itself, status %d", status);
}

static size_t send_all(struct store *st, enum job_kind kind)
{
    scoped(job_list_done) struct job_list l = { 0 };
    assert_int_equal(store_claim(st, "w", kind, 0, 100, test_clock(), &l, NULL), 0);
    for (size_t i = 0; i < l.count; i++) {
        int round, number;
        assert_int_equal(sscanf(l.jobs[i].conversation, "%d-%d", &round, &number), 2);
        inbox[round][number].read = kind == JOB_READ;
        finish(st, l.jobs[i].id, JOB_DONE, REACH_DONE);
    }
    return l.count;
}

static void check_round(struct store *st, int round)
{
    for (int i = 0; i < PER_ROUND; i++) {
        const struct note n = { round, i };
        char conversation[32], key[32];
        if (inbox[round][i].human && inbox[round][i].read)
            fail_msg("%d-%d: a kept reply was swept along", round, i);
        if (inbox[round][i].marked && !inbox[round][i].human_tried && !inbox[round][i].read)
            fail_msg("%d-%d: an answered mark was lost", round, i);
        if (!inbox[round][i].marked)
            continue;
        names(&n, 'm', conversation, key);
        if (say(st, conversation, key, DECISION_MARK).outcome != OUTCOME_DUPLICATE)
            fail_msg("%d-%d: an answered event is not remembered", round, i);
    }
}

static void test_kill_9(void **state)
{
    (void)state;
    struct place p;
    unsigned seed = (unsigned)clock_wall_ms();
    print_message("seed %u\n", seed);
    place_make(&p);
    for (int round = 0; round < ROUNDS; round++) {
        one_life(&p, round, 1 + (unsigned)rand_r(&seed) % 700, (unsigned)rand_r(&seed) % 2000);
        struct store *st = must_open(&p);
        while (send_all(st, JOB_UNREAD) + send_all(st, JOB_READ) > 0)
            ;
        pass(SETTLE);
        while (send_all(st, JOB_UNREAD) + send_all(st, JOB_READ) > 0)
            ;
        pass(-SETTLE);
        check_round(st, round);
        store_close(st);
    }
    place_remove(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_kill_9) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
