/* versions.h - automark's version and those of the libraries that are really loaded. */
#ifndef AUTOMARK_CLI_VERSIONS_H
#define AUTOMARK_CLI_VERSIONS_H

#include <stddef.h>

/* "libmicrohttpd 0.9.75, libcurl 7.88.1, ...": written to out, cut when too long. */
void versions_libraries(char *out, size_t size);

/* For --version: "automark 0.1.0" and the libraries. Returns EXIT_FINE. */
int versions_print(void);

#endif
