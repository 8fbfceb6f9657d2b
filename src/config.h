/* config.h - YAML, environment and flags -> struct config, checked as strictly as rules.
 *
 * Precedence: flag, environment, file, default. All mistakes are reported at once, with
 * file:line:col where there is a file. Paths in a file that are not absolute start at
 * that file's folder; those of flags and variables at the current one.
 *
 * A config is read-only after loading, except the secrets, which config_reload_secrets()
 * replaces and workspace_secrets() hands out counted. Any thread may read it. Strings
 * belong to the config. Nobody but serve/ and cli/ includes this file. */
#ifndef AUTOMARK_CONFIG_H
#define AUTOMARK_CONFIG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/event.h"
#include "rules/rules_load.h"
#include "serve/verify.h"

struct arena;
struct diags;
struct json_object;

enum workspace_mode {
    MODE_LIVE,
    MODE_SHADOW, /* nothing is marked, whatever rules say */
    MODE_PAUSED, /* jobs are parked */
};

enum look_mode { LOOK_AUTO, LOOK_NEVER };          /* until looks are built, auto is never */
enum confirm_mode { CONFIRM_API, CONFIRM_MEMORY }; /* until built, api is memory */

/* How the sender talks for one workspace. */
struct config_send {
    size_t batch;         /* jobs per call, 1 to 5000 */
    size_t max_in_flight; /* calls at once per API key, 1 to 16 */
    int64_t give_up_ms;
};

/* The secrets of a workspace as they are now. Counted; wiped with the last reference. */
struct workspace_secrets {
    char *api_key;           /* NULL when there is none (mode: shadow without one) */
    struct verify_key *keys; /* of the webhook; none with verify: none */
    size_t nkeys;
    atomic_int refs; /* private to config_secret.c */
};

struct workspace_config {
    char *name; /* POST /hooks/NAME; [A-Za-z0-9_-], at most 64 */
    enum workspace_mode mode;
    char *api_url;      /* without a slash at its end */
    char *workspace_id; /* X-Workspace-Id, or NULL */
    struct verify_scheme *verify;
    struct field_map *fields;
    char **rules; /* files and folders, the common ones first */
    size_t nrules;
    struct rule_override *overrides;
    size_t noverrides;
    char **require_guards;
    size_t nrequire_guards;
    struct place *require_places; /* where each of them stands */
    struct config_send send;
    int64_t hold_ms;
    int64_t settle_ms;
    int64_t max_per_hour;       /* marks of one rule, sliding; 0: no limit */
    int64_t max_marks_per_hour; /* of all rules; 0: no limit */
    int64_t capture_ms;         /* how long the fields of events are kept; 0: off */
    enum look_mode look;
    enum confirm_mode confirm;
    struct workspace_private *priv; /* secrets and where they come from */
};

struct config_admin {
    char *socket; /* path of the Unix socket */
    char *group;  /* of the socket, or NULL */
    char *listen; /* TCP as well, or NULL */
    char *token;  /* bearer token of the TCP listener, or NULL (loopback only) */
    char **open;  /* names that need no token: healthz, readyz, metrics */
    size_t nopen;
};

struct config {
    char *file;      /* NULL when there is none */
    char *listen;    /* 127.0.0.1:8085 */
    char *store;     /* sqlite:/var/lib/automark/automark.db */
    bool watch;      /* rules are loaded when they change */
    bool prefilter;  /* of rules: see rules_load.h */
    size_t max_body; /* bytes */
    int64_t retention_ms;
    struct config_admin admin;
    struct workspace_config *workspaces; /* at least one */
    size_t nworkspaces;
    char **notices; /* lines to say at start: what is accepted and not built yet */
    size_t nnotices;
    struct arena *arena; /* owns the strings and arrays above; private */
};

struct config_options {
    const char *file;   /* --config; NULL: AUTOMARK_CONFIG, or no file */
    const char *listen; /* flags; NULL: not given */
    const char *store;
    const char *api_url;
    const char *mode;
    const char *const *rules;
    size_t nrules;
    bool read_secrets; /* serve: secrets are read, and must be there. Else only their form is
                        * checked, so that a file can be checked where the secrets are not */
};

/* 0 and *out, to be released with config_free(); warnings may be in d. -1: errors are. */
int config_load(const struct config_options *opt, struct config **out, struct diags *d);
/* Wipes the secrets that nobody holds any more. NULL is fine. */
void config_free(struct config *c);
void config_freep(struct config **c);

/* NULL when there is no such workspace. */
const struct workspace_config *config_workspace(const struct config *c, const char *name);
const char *workspace_mode_name(enum workspace_mode m);

/* What holds now; never NULL after a load with read_secrets. The caller unrefs. Any thread. */
struct workspace_secrets *workspace_secrets(const struct workspace_config *w);
void workspace_secrets_unref(struct workspace_secrets *s);
void workspace_secrets_unrefp(struct workspace_secrets **s);

struct secrets_report {
    size_t read;    /* read again from files */
    size_t changed; /* of these */
    size_t fixed;   /* variables and credentials: a restart is needed to change them */
};
/* Reads the secrets' files again: all workspaces, or none when any of them is bad (-1,
 * errors in d). Any thread, one at a time. */
int config_reload_secrets(struct config *c, struct secrets_report *report, struct diags *d);
/* Where the API key comes from: "file /etc/automark/keys/acme.key", "variable
 * SENDKIT_API_KEY"; "none". Those of the webhook: struct verify_key, source. */
const char *workspace_api_key_source(const struct workspace_config *w);

/* What holds, secrets as their source, for `config show`. name NULL: everything. The
 * caller frees with json_free(). */
struct json_object *config_show(const struct config *c, const char *workspace);

/* 64KiB, 1MiB, 1000000; also kB, MB. false when malformed or over 1 GiB. */
bool config_parse_size(const char *s, size_t *bytes);

#endif
