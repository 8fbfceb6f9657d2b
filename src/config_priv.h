/* config_priv.h - what the config_*.c files share.
 *
 * config.c          files, environment, flags and defaults, in their order
 * config_read.c     a YAML map read by a table of keys
 * config_workspace.c  the keys of a workspace
 * config_webhook.c  the keys of webhook: a struct verify_scheme
 * config_secret.c   where secrets come from; reading them, again too
 * config_value.c    single values, wherever they are from (pure)
 * config_show.c     what holds, as JSON */
#ifndef AUTOMARK_CONFIG_PRIV_H
#define AUTOMARK_CONFIG_PRIV_H

#include <pthread.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/yaml.h"
#include "config.h"

/* ---- places and secrets ---- */

enum secret_kind { SECRET_NOWHERE, SECRET_FILE, SECRET_VARIABLE, SECRET_CREDENTIAL };

struct secret_ref {
    enum secret_kind kind;
    const char *name;   /* path, variable, credential */
    struct place place; /* file NULL: from the environment */
    enum verify_secret_form form;
    int64_t until_ms;
};

struct workspace_private {
    pthread_mutex_t lock;              /* guards the pointer below */
    struct workspace_secrets *secrets; /* NULL until read */
    struct secret_ref api_key;
    char *api_key_source; /* for people */
    struct secret_ref *hooks;
    size_t nhooks;
    struct place place;         /* of the workspace */
    struct place webhook_place; /* of webhook or verify; file NULL: none */
    bool tolerance_given;
    bool scheme_implied; /* nobody named a preset or a header: sendkit's */
};

/* Reads them all. NULL when any is bad, with errors in d. */
struct workspace_secrets *secrets_read(const struct workspace_config *w, struct diags *d);
/* One alone, for the caller to wipe and free. NULL with errors in d. */
char *secret_text(const struct secret_ref *ref, struct diags *d);
/* "file /etc/x"; the caller frees it. */
char *secret_describe(const struct secret_ref *ref);

/* ---- single values ---- */

/* Kept short; the caller puts the name of the key, flag or variable in front. */
int value_store(const char *s, struct error *err);
int value_api_url(const char *s, struct error *err);
int value_mode(const char *s, enum workspace_mode *out, struct error *err);
int value_workspace_name(const char *s, struct error *err);
int value_int(const char *s, int64_t min, int64_t max, int64_t *out, struct error *err);
/* path below folder, unless it is absolute or there is no folder. */
char *value_path(struct arena *a, const char *folder, const char *path);
/* The same for what stands behind sqlite: */
char *value_store_path(struct arena *a, const char *folder, const char *store);

/* ---- maps ---- */

struct reader {
    struct diags *d;
    struct arena *arena;
    const char *file;
    const char *folder;    /* of file; NULL: the current one */
    const char *workspace; /* what {workspace} stands for, or NULL */
};

enum key_type {               /* what stands at the offset; most keys are custom */
                KEY_DURATION, /* int64_t, ms */
                KEY_RATE,     /* int64_t */
                KEY_COUNT,    /* size_t */
                KEY_CUSTOM,
};

struct strings {
    char **list;
    size_t count;
};

struct key {
    const char *name;
    enum key_type type;
    size_t offset;
    int64_t min, max;
    void (*custom)(struct reader *r, const char *name, const struct yaml_node *v, void *into);
};

/* Reads map by keys into the struct at `into`. Anything that is no key of it is an error;
 * one that is a key of elsewhere (may be NULL) gets words that say where it belongs. */
struct key_set {
    const char *where; /* "a workspace" */
    const struct key *keys;
    size_t count;
    const struct key_set *elsewhere;
};
void read_map(struct reader *r, const struct key_set *set, const struct yaml_node *map, void *into);

/* NULL, with an error, when v is no text. {workspace} is replaced. In the arena. */
char *read_text(struct reader *r, const char *name, const struct yaml_node *v);
/* A list of texts, or one text. */
bool read_texts(struct reader *r, const char *name, const struct yaml_node *v, struct strings *out);
/* The same, each below the file's folder unless absolute. */
bool read_paths(struct reader *r, const char *name, const struct yaml_node *v, struct strings *out);
void read_duration(struct reader *r, const char *name, const struct yaml_node *v, int64_t min,
                   int64_t max, int64_t *out);
/* The index of the text in names[], or -1 with an error. */
int read_choice(struct reader *r, const char *name, const struct yaml_node *v,
                const char *const *names, size_t count);
void read_bool(struct reader *r, const char *name, const struct yaml_node *v, bool *out);
/* An error at v: "name: words". */
void read_error(struct reader *r, const char *name, const struct yaml_node *v, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* The same without showing the line, which may hold a secret. */
void read_error_hidden(struct reader *r, const char *name, const struct yaml_node *v,
                       const char *fmt, ...) __attribute__((format(printf, 4, 5)));
struct place read_place(const struct reader *r, const struct yaml_node *v);
void strings_add(struct arena *a, struct strings *s, char *text);

/* {file: ...}, {env: ...} or {credential: ...}; for_hook allows secret_form and until. */
void read_secret(struct reader *r, const char *name, const struct yaml_node *v, bool for_hook,
                 struct secret_ref *out);
/* webhook and verify of a workspace; into is a struct workspace_config. */
void read_webhook(struct reader *r, const char *name, const struct yaml_node *v, void *into);
void read_verify(struct reader *r, const char *name, const struct yaml_node *v, void *into);

/* capture: off, or {events: 14d}; into is a struct workspace_config. */
void workspace_capture(struct reader *r, const char *name, const struct yaml_node *v, void *into);

extern const struct key_set workspace_keys, top_keys;
/* Built-in defaults. */
void workspace_init(struct workspace_config *w, struct arena *a, const char *name);
void workspace_done(struct workspace_config *w);

#endif
