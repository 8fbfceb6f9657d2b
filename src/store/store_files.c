#include "store/store_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/error.h"

#define MIB (INT64_C(1) << 20)
#define BALLAST_DEFAULT (32 * MIB)
#define LOW_WATER_MAX (16 * MIB)
#define LOW_INODES 16

static int parse_url(struct store_files *f, const char *url, struct error *err)
{
    static const char scheme[] = "sqlite:";
    if (!url || strncmp(url, scheme, sizeof(scheme) - 1) != 0)
        return error_set(err, ERR_INPUT, "store '%s': only sqlite:FILE is known", url ? url : "");
    const char *path = url + sizeof(scheme) - 1;
    const size_t len = strlen(path);
    if (len == 0 || path[len - 1] == '/' || path[0] == ':')
        return error_set(err, ERR_INPUT, "store '%s': sqlite: must be followed by a file's path",
                         url);
    const char *slash = strrchr(path, '/');
    f->path = xstrdup(path);
    f->ballast_path = xasprintf("%s.ballast", path);
    f->dir = !slash ? xstrdup(".") : xmemdup0(path, slash == path ? 1 : (size_t)(slash - path));
    return 0;
}

static int make_directory(const struct store_files *f, struct error *err)
{
    struct stat st;
    if (stat(f->dir, &st) == 0)
        return S_ISDIR(st.st_mode) ? 0 : error_set(err, ERR_INPUT, "%s is not a directory", f->dir);
    if (errno == ENOENT && mkdir(f->dir, 0700) == 0)
        return 0;
    if (errno == ENOENT)
        return error_set(err, ERR_INPUT,
                         "the store's directory %s does not exist, nor does the one above it: "
                         "mkdir -p -m 0700 %s",
                         f->dir, f->dir);
    const int why = errno;
    error_sys(err, why, "making the store's directory %s", f->dir);
    return -1;
}

static int open_private(const char *path, struct error *err)
{
    const int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        error_sys(err, errno, "opening %s", path);
    return fd;
}

static int in_use(const struct store_files *f, int fd, struct error *err)
{
    char pid[24] = "";
    const ssize_t got = pread(fd, pid, sizeof(pid) - 1, 0);
    if (got > 0)
        pid[strcspn(pid, "\n")] = '\0';
    return error_set(err, ERR_FATAL,
                     "%s is in use by automark with pid %s: one at a time. Ask the running one "
                     "through its admin socket, or stop it",
                     f->path, pid[0] ? pid : "unknown");
}

/* A predecessor that was just killed may take a moment to be gone. */
static int flock_patiently(int fd)
{
    for (int try = 0; try < 6; try++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return 0;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return -1;
        nanosleep(&(struct timespec){ .tv_nsec = 50 * 1000000 }, NULL);
    }
    errno = EWOULDBLOCK;
    return -1;
}

static int take_lock(struct store_files *f, struct error *err)
{
    scoped(freep) char *path = xasprintf("%s.lock", f->path);
    f->lock_fd = open_private(path, err);
    if (f->lock_fd < 0)
        return -1;
    if (flock_patiently(f->lock_fd) < 0)
        return errno == EWOULDBLOCK ? in_use(f, f->lock_fd, err)
                                    : error_sys(err, errno, "locking %s", path);
    char pid[24];
    const int len = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
    /* Only for people: a full disk is no reason not to start. */
    if (ftruncate(f->lock_fd, 0) == 0 && pwrite(f->lock_fd, pid, (size_t)len, 0) < 0)
        return 0;
    return 0;
}

/* Before SQLite opens it: closing a descriptor later would drop SQLite's own locks. The
 * -wal gets the file's mode from SQLite. */
static int make_file(const struct store_files *f, struct error *err)
{
    scoped(closep) int fd = open_private(f->path, err);
    struct stat st;
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return error_set(err, ERR_INPUT, "%s is not a plain file", f->path);
    if ((st.st_mode & 077) != 0 && fchmod(fd, 0600) < 0)
        return error_sys(err, errno, "making %s private", f->path);
    scoped(closep) int dir = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0 || fsync(dir) < 0)
        return error_sys(err, errno, "syncing %s", f->dir);
    return 0;
}

/* ---- space -------------------------------------------------------------------------- */

struct space {
    int64_t total, free;
    bool few_inodes;
};

static bool space_of(const struct store_files *f, struct space *s)
{
    struct statvfs v;
    if (statvfs(f->dir, &v) < 0)
        return false;
    s->total = (int64_t)(v.f_blocks * v.f_frsize);
    s->free = (int64_t)(v.f_bavail * v.f_frsize);
    s->few_inodes = v.f_files > 0 && v.f_favail < LOW_INODES;
    return true;
}

static int64_t low_water(const struct space *s)
{
    return s->total / 20 < LOW_WATER_MAX ? s->total / 20 : LOW_WATER_MAX;
}

static void make_ballast(struct store_files *f)
{
    struct stat st;
    if (f->ballast_bytes == 0 ||
        (stat(f->ballast_path, &st) == 0 && st.st_size >= f->ballast_bytes)) {
        f->ballast_there = true;
        return;
    }
    scoped(closep) int fd = open_private(f->ballast_path, NULL);
    f->ballast_there = fd >= 0 && posix_fallocate(fd, 0, f->ballast_bytes) == 0;
    if (!f->ballast_there)
        unlink(f->ballast_path);
}

/* A small file system must not be filled by ballast. */
static void size_ballast(struct store_files *f, int64_t wanted)
{
    struct space s;
    f->ballast_bytes = wanted >= 0 ? wanted : BALLAST_DEFAULT;
    if (wanted < 0 && space_of(f, &s) && s.total / 8 < f->ballast_bytes)
        f->ballast_bytes = s.total / 8;
}

bool store_files_low(struct store_files *f)
{
    struct space s;
    if (!space_of(f, &s))
        return false; /* the next write will say what is wrong */
    if (!f->ballast_there && s.free >= low_water(&s) + f->ballast_bytes) {
        make_ballast(f);
        if (!space_of(f, &s))
            return false;
    }
    return !f->ballast_there || s.free < low_water(&s) || s.few_inodes;
}

int64_t store_files_disk_bytes(const struct store_files *f)
{
    struct space s;
    return space_of(f, &s) ? s.total : 0;
}

void store_files_drop_ballast(struct store_files *f)
{
    if (f->ballast_bytes > 0) {
        unlink(f->ballast_path);
        f->ballast_there = false;
    }
}

static int check_there(const struct store_files *f, struct error *err)
{
    if (access(f->path, F_OK) == 0)
        return 0;
    return error_sys(err, errno, "there is no store at %s", f->path);
}

int store_files_open(struct store_files *f, const char *url, int64_t ballast_bytes, bool must_exist,
                     struct error *err)
{
    *f = (struct store_files)STORE_FILES_INIT;
    if (parse_url(f, url, err) == 0 && (!must_exist || check_there(f, err) == 0) &&
        make_directory(f, err) == 0 && take_lock(f, err) == 0 && make_file(f, err) == 0) {
        size_ballast(f, ballast_bytes);
        struct stat st;
        f->ballast_there = stat(f->ballast_path, &st) == 0; /* left by an earlier run */
        return 0;
    }
    store_files_done(f);
    return -1;
}

/* The lock file stays: unlinking it would let two owners lock two different files. */
void store_files_done(struct store_files *f)
{
    if (f->lock_fd >= 0)
        close(f->lock_fd);
    free(f->path);
    free(f->dir);
    free(f->ballast_path);
    *f = (struct store_files)STORE_FILES_INIT;
}
