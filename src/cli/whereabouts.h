/* whereabouts.h - where the daemon's store and socket are, for the tools. */
#ifndef AUTOMARK_CLI_WHEREABOUTS_H
#define AUTOMARK_CLI_WHEREABOUTS_H

struct error;

struct whereabouts_options { /* as given on the command line; NULL: not given */
    const char *config;
    const char *store;
    const char *socket;
};

struct whereabouts {
    char *store;   /* URL */
    char *socket;  /* path */
    char *capture; /* how long events are recorded, in words: "14d", "acme 14d, beta off" */
};

/* What serve would use with the same options and environment. Mistakes of a
 * configuration file are printed; -1 with err. Release with whereabouts_done(). */
int whereabouts_find(const struct whereabouts_options *opt, struct whereabouts *out,
                     struct error *err);
void whereabouts_done(struct whereabouts *p);

#endif
