/* store_files.h - the store's place on disk: directory, lock, space.
 *
 * Beside FILE stand FILE.lock (flock, holds the owner's pid), FILE.ballast (space that
 * is given up when the disk is full, so that jobs can drain), and SQLite's FILE-wal. */
#ifndef AUTOMARK_STORE_STORE_FILES_H
#define AUTOMARK_STORE_STORE_FILES_H

#include <stdbool.h>
#include <stdint.h>

struct error;

struct store_files {
    char *path; /* of the database */
    char *dir;
    char *ballast_path;
    int lock_fd;           /* -1: none */
    int64_t ballast_bytes; /* wanted */
    bool ballast_there;
};
#define STORE_FILES_INIT                                                                           \
    {                                                                                              \
        .lock_fd = -1                                                                              \
    }

/* Takes "sqlite:PATH" apart, makes the last directory of it when only that is missing,
 * takes the lock, makes the file (0600); with must_exist it makes nothing but the lock.
 * ballast_bytes as in struct store_config. */
int store_files_open(struct store_files *f, const char *url, int64_t ballast_bytes, bool must_exist,
                     struct error *err);
void store_files_done(struct store_files *f);

/* Is there less free space than submissions may use up? The low-water mark is the least
 * of 16 MiB and 5 % of the file system, above the ballast, or 16 inodes. Re-creates the
 * ballast when there is room for it; until then its size counts as needed. */
bool store_files_low(struct store_files *f);
/* Of the whole file system; 0 when it cannot be told. */
int64_t store_files_disk_bytes(const struct store_files *f);
/* Gives the ballast's space back to the file system. */
void store_files_drop_ballast(struct store_files *f);

#endif
