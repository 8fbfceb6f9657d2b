#include "base/replace_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"

struct replacing {
    char *path; /* of the file itself, not of a link to it */
    char *folder;
    char *beside; /* the new file while it is written */
    const char *old;
    size_t old_len;
    struct stat st; /* of the old file */
};

static void replacing_done(struct replacing *r)
{
    free(r->path);
    free(r->folder);
    free(r->beside);
}

static int find_path(struct replacing *r, const char *path, struct error *err)
{
    r->path = r->old ? realpath(path, NULL) : xstrdup(path);
    if (!r->path) {
        error_sys(err, errno, "'%s' cannot be found", path);
        return -1;
    }
    const char *slash = strrchr(r->path, '/');
    const char *name = slash ? slash + 1 : r->path;
    r->folder =
        slash ? xmemdup0(r->path, slash > r->path ? (size_t)(slash - r->path) : 1) : xstrdup(".");
    r->beside = xasprintf("%s/.%s.XXXXXX", r->folder, name);
    return 0;
}

static int check_file(struct replacing *r, struct error *err)
{
    if (stat(r->path, &r->st) < 0 || access(r->path, W_OK) < 0)
        return error_sys(err, errno, "'%s' may not be changed", r->path);
    if (!S_ISREG(r->st.st_mode))
        return error_set(err, ERR_FATAL, "'%s' is not a regular file", r->path);
    if (r->st.st_nlink > 1)
        return error_set(err, ERR_FATAL, "'%s' has several names (hard links)", r->path);
    return 0;
}

/* Somebody may have saved the file in an editor just now. */
static int still_the_same(const struct replacing *r, struct error *err)
{
    scoped(buf_free) struct buf now = BUF_INIT;
    scoped(closep) int fd = open(r->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || buf_read_fd(&now, fd, r->old_len) < 0 || now.len != r->old_len ||
        memcmp(buf_str(&now), r->old, r->old_len) != 0)
        return error_set(err, ERR_INPUT, "'%s' was changed meanwhile; nothing was written",
                         r->path);
    return 0;
}

static int write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        const ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        bytes += n;
        len -= (size_t)n;
    }
    return 0;
}

static int take_over(const struct replacing *r, int fd)
{
    struct stat mine;
    if (!r->old) {
        const mode_t mask = umask(0);
        umask(mask);
        return fchmod(fd, 0664 & ~mask);
    }
    if (fstat(fd, &mine) < 0)
        return -1;
    if ((mine.st_uid != r->st.st_uid || mine.st_gid != r->st.st_gid) &&
        fchown(fd, r->st.st_uid, r->st.st_gid) < 0)
        return -1;
    return fchmod(fd, r->st.st_mode & 07777);
}

static int put_in_place(const struct replacing *r, struct error *err)
{
    if (!r->old) { /* fails when there is one by now */
        if (link(r->beside, r->path) < 0)
            return error_sys(err, errno, "making '%s'", r->path);
        (void)unlink(r->beside);
        return 0;
    }
    if (still_the_same(r, err) < 0)
        return -1;
    return rename(r->beside, r->path) == 0 ? 0 : error_sys(err, errno, "replacing '%s'", r->path);
}

static int write_beside(struct replacing *r, const char *bytes, size_t len, struct error *err)
{
    scoped(closep) int fd = mkostemp(r->beside, O_CLOEXEC);
    if (fd < 0)
        return error_sys(err, errno, "writing in the folder '%s'", r->folder);
    if (take_over(r, fd) < 0)
        error_sys(err, errno, "keeping owner and mode of '%s'", r->path);
    else if (write_all(fd, bytes, len) < 0 || fsync(fd) < 0)
        error_sys(err, errno, "writing '%s'", r->beside);
    else if (put_in_place(r, err) == 0)
        return 0;
    unlink(r->beside);
    return -1;
}

int replace_file(const char *path, const char *old, size_t old_len, const char *bytes, size_t len,
                 struct error *err)
{
    scoped(replacing_done) struct replacing r = { .old = old, .old_len = old_len };
    if (find_path(&r, path, err) < 0 || (old && check_file(&r, err) < 0) ||
        write_beside(&r, bytes, len, err) < 0)
        return -1;
    scoped(closep) int folder = open(r.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0)
        (void)fsync(folder); /* the file is whole either way */
    return 0;
}
