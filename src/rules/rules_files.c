/* Reading rule files: which ones, in which order, and whether they can be trusted. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "rules/loader.h"

static bool ends_with(const char *s, const char *end)
{
    const size_t len = strlen(s);
    const size_t end_len = strlen(end);
    return len >= end_len && strcmp(s + len - end_len, end) == 0;
}

bool rules_name_is_test(const char *path)
{
    return ends_with(path, ".test.yaml") || ends_with(path, ".test.yml");
}

bool rules_name_is_yaml(const char *path)
{
    return (ends_with(path, ".yaml") || ends_with(path, ".yml")) && !rules_name_is_test(path);
}

static const struct rule_file *remember(struct loader *l, const char *path, const char *bytes,
                                        size_t len)
{
    struct ruleset *rs = l->rs;
    rs->files = arena_grow(l->arena, rs->files, rs->nfiles, sizeof(*rs->files));
    struct rule_file *f = &rs->files[rs->nfiles++];
    *f = (struct rule_file){ .path = arena_strdup(l->arena, path),
                             .bytes = arena_text(l->arena, bytes, len),
                             .len = len };
    return f;
}

/* Rules decide which replies nobody sees: a file that anyone may write is refused. */
static int check_status(int fd, const char *path, struct error *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return error_sys(err, errno, "'%s' cannot be read", path);
    if (!S_ISREG(st.st_mode))
        return error_set(err, ERR_INPUT, "'%s' is not a regular file", path);
    if (st.st_mode & S_IWOTH)
        return error_set(err, ERR_INPUT,
                         "everyone may write '%s': that is refused for rules (chmod o-w)", path);
    return 0;
}

static const struct rule_file *read_disk(struct loader *l, const char *path, struct error *err)
{
    scoped(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        error_sys(err, errno, "'%s' cannot be opened", path);
        return NULL;
    }
    if (check_status(fd, path, err) < 0)
        return NULL;
    scoped(buf_free) struct buf bytes = BUF_INIT;
    if (buf_read_fd(&bytes, fd, YAML_BYTES_MAX) < 0) {
        if (errno == EFBIG)
            error_set(err, ERR_INPUT, "'%s' is bigger than 1 MiB", path);
        else
            error_sys(err, errno, "'%s' cannot be read", path);
        return NULL;
    }
    return remember(l, path, buf_str(&bytes), bytes.len);
}

const struct rule_file *loader_read(struct loader *l, const char *path, struct error *err)
{
    for (size_t i = 0; i < l->rs->nfiles; i++)
        if (strcmp(l->rs->files[i].path, path) == 0)
            return &l->rs->files[i];
    if (l->rs->nfiles >= RULES_FILES_MAX) {
        error_set(err, ERR_INPUT, "more than %d files", RULES_FILES_MAX);
        return NULL;
    }
    if (!l->kept)
        return read_disk(l, path, err);
    for (size_t i = 0; i < l->nkept; i++)
        if (strcmp(l->kept[i].path, path) == 0)
            return remember(l, path, l->kept[i].bytes, l->kept[i].len);
    error_set(err, ERR_INPUT, "'%s' is not among the kept files", path);
    return NULL;
}

char *loader_beside(const struct loader *l, const char *path)
{
    const char *slash = strrchr(l->file, '/');
    if (path[0] == '/' || !slash)
        return xstrdup(path);
    return xasprintf("%.*s/%s", (int)(slash - l->file), l->file, path);
}

/* Why an entry of a rule folder is not read, or NULL. */
static const char *why_ignored(const char *name, const struct stat *st)
{
    if (name[0] == '.')
        return "hidden files are not read";
    if (S_ISDIR(st->st_mode))
        return "subfolders are not read";
    if (name[0] == '#' || ends_with(name, "~"))
        return "an editor's copy";
    if (!rules_name_is_yaml(name) && !rules_name_is_test(name))
        return "only .yaml and .yml are read";
    return NULL;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A list file that a rule reads is not ignored. */
static bool in_use(const struct loader *l, const char *path)
{
    for (size_t i = 0; i < l->rs->nfiles; i++)
        if (strcmp(l->rs->files[i].path, path) == 0)
            return true;
    return false;
}

static void take_entry(struct loader *l, const char *folder, const char *name,
                       enum folder_what what, struct loader_names *out)
{
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return;
    scoped(freep) char *path = xasprintf("%s%s%s", folder, ends_with(folder, "/") ? "" : "/", name);
    struct stat st = { .st_mode = 0 };
    if (stat(path, &st) < 0)
        st.st_mode = S_IFREG; /* a dangling link is opened, and that mistake reported */
    const char *why = why_ignored(name, &st);
    if (what == FOLDER_IGNORED && why && !in_use(l, path))
        diags_add(l->diags, DIAG_NOTE, path, 0, 0, NULL, "ignored: %s", why);
    if (why || what == FOLDER_IGNORED || rules_name_is_test(name) != (what == FOLDER_TESTS))
        return;
    out->list = xreallocarray(out->list, out->count + 1, sizeof(*out->list));
    out->list[out->count++] = path;
    path = NULL;
}

static int check_folder(struct loader *l, int fd, const char *path)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || !(st.st_mode & S_IWOTH))
        return 0;
    diags_add(l->diags, DIAG_ERROR, path, 0, 0, NULL,
              "everyone may write to this folder: that is refused for rules (chmod o-w)");
    return -1;
}

int loader_folder(struct loader *l, const char *path, enum folder_what what,
                  struct loader_names *out)
{
    DIR *dir = opendir(path);
    if (!dir) {
        const int why = errno;
        struct error err = ERROR_INIT;
        error_sys(&err, why, "'%s' cannot be opened", path);
        diags_add_error(l->diags, &err);
        return -1;
    }
    int result = check_folder(l, dirfd(dir), path);
    for (struct dirent *e; result == 0 && (e = readdir(dir));)
        take_entry(l, path, e->d_name, what, out);
    closedir(dir);
    if (out && out->count > 1)
        qsort(out->list, out->count, sizeof(*out->list), by_bytes);
    return result;
}

void loader_names_done(struct loader_names *n)
{
    for (size_t i = 0; i < n->count; i++)
        free(n->list[i]);
    free(n->list);
    *n = (struct loader_names){ .list = NULL };
}
