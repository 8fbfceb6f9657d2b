/* api.h - SendKit's own interface: /v1/... */
#ifndef SANDBOX_API_H
#define SANDBOX_API_H

struct request;
struct sandbox;

/* Checks key and workspace, acts, fills r->resp; a test delivery suspends r and calls
 * api_finished() when it is done. */
void api_handle(struct sandbox *sb, struct request *r);
/* main.c's: a suspended call has its answer. */
void api_finished(struct sandbox *sb, struct request *r);

#endif
