/* json_scan.h - RFC 8259 and I-JSON checked to the letter, before json-c sees a byte.
 *
 * json-c's strict mode accepts duplicate keys, \u0000 in keys (and cuts them there), NaN,
 * -01, 1., raw control characters, overlong UTF-8 and more, and spends up to 264 bytes per
 * byte of input. Private to json.c. Pure, linear in len. */
#ifndef AUTOMARK_BASE_JSON_SCAN_H
#define AUTOMARK_BASE_JSON_SCAN_H

#include <stddef.h>

struct error;

/* Where the value stands, without the blanks around it. */
struct json_extent {
    size_t start, end;
};

/* -1 with err: "JSON offset 17: ...", offsets in bytes from 0. */
int json_scan(const char *text, size_t len, size_t nodes_max, struct json_extent *out,
              struct error *err);

#endif
