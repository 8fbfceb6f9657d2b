/* control.h - how tests steer the sandbox: /_sandbox/... (listed in main.c). No key. */
#ifndef SANDBOX_CONTROL_H
#define SANDBOX_CONTROL_H

struct request;
struct sandbox;

/* Fills r->resp, or suspends r until deliveries are through. */
void control_handle(struct sandbox *sb, struct request *r);

#endif
