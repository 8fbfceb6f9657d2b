/* sandbox.h - the parts of the sandbox in one place. All live as long as the process. */
#ifndef SANDBOX_H
#define SANDBOX_H

#include <stdatomic.h>
#include <stdbool.h>

struct sandbox {
    struct inbox *inbox;
    struct hooks *hooks;
    struct deliver *deliver;
    struct trouble *trouble;
    struct calls *calls;
    struct access *access;
    struct timers *timers;
    const char *secret;   /* of webhooks registered through the control interface */
    atomic_int signature; /* enum signature_style */
    atomic_bool scanning; /* lists may have empty pages in the middle */
};

#endif
