/* replace_file.h - new bytes for a file, all of them or none.
 *
 * Written beside it, flushed, and renamed over it; mode and owner stay, a symbolic link stays
 * one and its target is replaced. Extended attributes and access lists are not carried over. */
#ifndef AUTOMARK_BASE_REPLACE_FILE_H
#define AUTOMARK_BASE_REPLACE_FILE_H

#include <stddef.h>

struct error;

/* old is what the file must still hold; NULL: it must not exist, and is made. -1 with err: the
 * file is as it was (ERR_INPUT when somebody changed it meanwhile). */
int replace_file(const char *path, const char *old, size_t old_len, const char *bytes, size_t len,
                 struct error *err);

#endif
