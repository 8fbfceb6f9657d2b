/* payload.h - webhook bodies in the fourteen shapes that receivers have met. Pure. */
#ifndef SANDBOX_PAYLOAD_H
#define SANDBOX_PAYLOAD_H

#include <json-c/json.h>

/* The body for one reply. facts come from inbox_reply(); shape NULL is "flat". NULL when
 * there is no such shape. */
struct json_object *payload_make(struct json_object *facts, const char *event, const char *shape);
/* Array of names. */
struct json_object *payload_shapes(void);

#endif
