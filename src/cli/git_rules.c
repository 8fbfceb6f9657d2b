#include "cli/git_rules.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"

#define OUTPUT_MAX ((size_t)64 << 20)
#define WORDS_MAX ((size_t)4096)
#define FILES_MAX 1000 /* as a folder may hold */

extern char **environ;

bool git_rules_named(const char *side)
{
    const char *colon = strchr(side, ':');
    return colon && colon > side;
}

/* ---- running git -------------------------------------------------------------------------- */

struct pipes {
    int out[2], err[2];
};

static void close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void pipes_done(struct pipes *p)
{
    for (int i = 0; i < 2; i++) {
        close_end(&p->out[i]);
        close_end(&p->err[i]);
    }
}

static int start(const char *const *argv, struct pipes *p, pid_t *pid, struct error *err)
{
    posix_spawn_file_actions_t actions;
    if (pipe2(p->out, O_CLOEXEC) < 0 || pipe2(p->err, O_CLOEXEC) < 0)
        return error_sys(err, errno, "making a pipe");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, p->out[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, p->err[1], STDERR_FILENO);
    /* POSIX: argv is not changed, though its type does not say so */
    const int rc =
        posix_spawnp(pid, "git", &actions, NULL, (char *const *)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close_end(&p->out[1]);
    close_end(&p->err[1]);
    if (rc == ENOENT)
        return error_set(err, ERR_FATAL, "git is not installed, and REV:PATH needs it");
    return rc == 0 ? 0 : error_sys(err, rc, "running git");
}

/* The first line that git wrote to stderr, without its "fatal: ". */
static void first_words(const struct buf *words, char *out, size_t room)
{
    const char *s = buf_str(words);
    if (strncmp(s, "fatal: ", 7) == 0)
        s += 7;
    const size_t len = strcspn(s, "\n");
    const size_t n = len < room - 1 ? len : room - 1;
    memcpy(out, s, n);
    out[n] = '\0';
}

/* What git says is short until it is done with stdout, so one pipe after the other is fine. */
static int run(const char *const *argv, struct buf *out, struct error *err)
{
    scoped(pipes_done) struct pipes p = { { -1, -1 }, { -1, -1 } };
    scoped(buf_free) struct buf words = BUF_INIT;
    pid_t pid = -1;
    int status = 0;
    if (start(argv, &p, &pid, err) < 0)
        return -1;
    const bool read_all = buf_read_fd(out, p.out[0], OUTPUT_MAX) == 0;
    close_end(&p.out[0]); /* so that git ends, should there be more */
    (void)buf_read_fd(&words, p.err[0], WORDS_MAX);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (read_all && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    char said[256];
    first_words(&words, said, sizeof(said));
    return error_set(err, ERR_INPUT, "%s", said[0] ? said : "git failed");
}

/* ---- the files ------------------------------------------------------------------------------ */

static int add_blob(struct git_rules *g, const char *object, char *path, struct error *err)
{
    const char *const argv[] = { "git", "cat-file", "blob", object, NULL };
    struct buf bytes = BUF_INIT;
    if (run(argv, &bytes, err) < 0) {
        buf_free(&bytes);
        free(path);
        return -1;
    }
    const size_t len = bytes.len;
    g->files = xreallocarray(g->files, g->nfiles + 1, sizeof(*g->files));
    g->files[g->nfiles++] =
        (struct rule_file){ .path = path, .bytes = buf_take(&bytes), .len = len };
    return 0;
}

/* "100644 blob 9f3a...\t10-rules.yaml" */
static int add_entry(struct git_rules *g, const char *side, const char *entry, struct error *err)
{
    const char *kind = strchr(entry, ' ');
    const char *name = strchr(entry, '\t');
    if (!kind || !name || strncmp(kind, " blob ", 6) != 0)
        return 0;
    name++;
    if (name[0] == '.' || g->nfiles >= FILES_MAX)
        return 0;
    const size_t side_len = strlen(side);
    const bool slash = side[side_len - 1] == '/' || side[side_len - 1] == ':';
    scoped(freep) char *object = xmemdup0(kind + 6, (size_t)(name - 1 - (kind + 6)));
    return add_blob(g, object, xasprintf("%s%s%s", side, slash ? "" : "/", name), err);
}

static int read_tree(struct git_rules *g, const char *side, struct error *err)
{
    const char *const argv[] = { "git", "ls-tree", "-z", "--end-of-options", side, NULL };
    scoped(buf_free) struct buf list = BUF_INIT;
    if (run(argv, &list, err) < 0)
        return -1;
    for (size_t at = 0; at < list.len; at += strlen(list.data + at) + 1)
        if (add_entry(g, side, list.data + at, err) < 0)
            return -1;
    return 0;
}

int git_rules_read(const char *side, struct git_rules *out, struct error *err)
{
    const char *const argv[] = { "git", "cat-file", "-t", side, NULL };
    scoped(buf_free) struct buf type = BUF_INIT;
    *out = (struct git_rules){ .files = NULL };
    if (side[0] == '-')
        return error_set(err, ERR_INPUT, "'%s' is no revision", side);
    if (run(argv, &type, err) < 0)
        return error_prefix(err, "'%s' is no path here, and as a git revision: ", side);
    const bool tree = strcmp(buf_str(&type), "tree\n") == 0;
    const int rc = tree ? read_tree(out, side, err) : add_blob(out, side, xstrdup(side), err);
    if (rc < 0)
        git_rules_done(out);
    return rc;
}

void git_rules_done(struct git_rules *g)
{
    for (size_t i = 0; i < g->nfiles; i++) {
        free((void *)(uintptr_t)g->files[i].path);
        free((void *)(uintptr_t)g->files[i].bytes);
    }
    free(g->files);
    *g = (struct git_rules){ .files = NULL };
}
