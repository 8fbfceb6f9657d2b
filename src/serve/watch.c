#include "serve/watch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

/* FNV-1a (draft-eastlake-fnv): a change is to be noticed, nobody is to be kept out. */
static uint64_t mix(uint64_t h, const void *data, size_t len)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * UINT64_C(1099511628211);
    return h;
}

static uint64_t mix_stat(uint64_t h, const char *name, const struct stat *st)
{
    h = mix(h, name, strlen(name));
    h = mix(h, &st->st_dev, sizeof(st->st_dev));
    h = mix(h, &st->st_ino, sizeof(st->st_ino));
    h = mix(h, &st->st_mode, sizeof(st->st_mode));
    h = mix(h, &st->st_size, sizeof(st->st_size));
    h = mix(h, &st->st_mtim, sizeof(st->st_mtim));
    return mix(h, &st->st_ctim, sizeof(st->st_ctim));
}

/* The folder's own times are left out: a reader's temporary file is no change, the
 * files in it are. Sums do not depend on the order in which a folder lists its files. */
static uint64_t look_into(int folder, const char *path)
{
    DIR *dir = fdopendir(folder);
    if (!dir) {
        close(folder);
        return 1;
    }
    uint64_t sum = mix(0, path, strlen(path));
    for (const struct dirent *e; (e = readdir(dir));) {
        struct stat st;
        if (e->d_name[0] == '.')
            continue;
        if (fstatat(dirfd(dir), e->d_name, &st, 0) == 0)
            sum += mix_stat(UINT64_C(14695981039346656037), e->d_name, &st);
    }
    closedir(dir);
    return sum;
}

static uint64_t look_at(const char *path)
{
    struct stat st;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) < 0) {
        if (fd >= 0)
            close(fd);
        return mix(2, path, strlen(path));
    }
    if (S_ISDIR(st.st_mode))
        return look_into(fd, path);
    close(fd);
    return mix_stat(3, path, &st);
}

static uint64_t look(const struct watch *w)
{
    uint64_t h = 0;
    for (size_t i = 0; i < w->npaths; i++) {
        const uint64_t one = look_at(w->paths[i]);
        h = mix(h, &one, sizeof(one));
    }
    return h;
}

void watch_reset(struct watch *w, const char *const *paths, size_t npaths)
{
    watch_done(w);
    w->paths = xcalloc(npaths, sizeof(*w->paths));
    for (; w->npaths < npaths; w->npaths++)
        w->paths[w->npaths] = xstrdup(paths[w->npaths]);
    w->settled = w->last = look(w);
}

bool watch_changed(struct watch *w)
{
    const uint64_t now = look(w);
    const bool still = now == w->last;
    w->last = now;
    if (!still || now == w->settled)
        return false;
    w->settled = now;
    return true;
}

void watch_done(struct watch *w)
{
    for (size_t i = 0; i < w->npaths; i++)
        free(w->paths[i]);
    free(w->paths);
    *w = (struct watch){ .paths = NULL };
}
