#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "config_priv.h"
#include "serve/address.h"

#define FILE_MAX (1 << 20)
#define WORKSPACES_MAX 1000
#define SOCKET_PATH_MAX 107 /* of sockaddr_un */
#define BODY_MAX ((size_t)16 << 20)
#define DAY (INT64_C(86400) * 1000)

/* One load. The documents live as long, because what includes say comes in pieces. */
struct loader {
    const struct config_options *opt;
    struct config *cfg;
    struct diags *d;
    struct yaml_doc **docs;
    size_t ndocs;
    const struct yaml_node *defaults;
    struct named {
        char *name;
        struct place place;
        const struct yaml_node *node;
        const char *file, *folder;
    } * named; /* workspaces, as the files have them */
    size_t nnamed;
    struct strings rules; /* of all workspaces */
    struct strings includes;
    struct secret_ref token;
    const char *main_file, *main_folder;
    const struct yaml_node *capture, *admin_listen;
};

/* ---- files --------------------------------------------------------------------------------- */

static int read_bytes(const char *path, struct buf *out, struct diags *d)
{
    char words[128];
    struct stat st;
    scoped(closep) const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    errno = fd < 0 ? errno : 0;
    const bool regular = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    if (regular && buf_read_fd(out, fd, FILE_MAX) == 0)
        return 0;
    diags_add(d, DIAG_ERROR, path, 0, 0, NULL, "cannot be read: %s",
              fd >= 0 && !regular ? "it is no regular file"
              : errno == EFBIG    ? "it is longer than 1 MiB"
                                  : strerror_r(errno, words, sizeof(words)));
    return -1;
}

static void hide_lines(struct diags *d, size_t from)
{
    for (size_t i = from; i < d->count; i++) {
        free(d->list[i].source);
        d->list[i].source = NULL;
        d->list[i].caret = 0;
    }
}

/* What cannot be parsed may hold a secret anywhere: its lines are not repeated. */
static struct yaml_doc *load_doc(struct loader *l, const char *path)
{
    scoped(buf_free) struct buf bytes = BUF_INIT;
    const size_t before = l->d->count;
    if (read_bytes(path, &bytes, l->d) < 0)
        return NULL;
    struct yaml_doc *doc = yaml_parse(path, buf_str(&bytes), bytes.len, l->d);
    if (!doc) {
        hide_lines(l->d, before);
        return NULL;
    }
    l->docs = xreallocarray(l->docs, l->ndocs + 1, sizeof(struct yaml_doc *));
    l->docs[l->ndocs++] = doc;
    return doc;
}

/* "" (the current one) becomes NULL. */
static char *folder_of(struct arena *a, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return NULL;
    return arena_text(a, path, slash == path ? 1 : (size_t)(slash - path));
}

/* ---- the keys at the top ----------------------------------------------------------------------
 */

static void read_listen(struct reader *r, const char *name, const struct yaml_node *v, void *into)
{
    struct error err = ERROR_INIT;
    struct loader *l = into;
    char *text = read_text(r, name, v);
    if (text && address_check(text, &err) < 0)
        read_error(r, name, v, "%s", err.msg);
    else if (text)
        l->cfg->listen = text;
}

static void read_store(struct reader *r, const char *name, const struct yaml_node *v, void *into)
{
    struct error err = ERROR_INIT;
    struct loader *l = into;
    char *text = read_text(r, name, v);
    if (text && value_store(text, &err) < 0)
        read_error(r, name, v, "%s", err.msg);
    else if (text)
        l->cfg->store = value_store_path(r->arena, r->folder, text);
}

static void read_rules(struct reader *r, const char *name, const struct yaml_node *v, void *into)
{
    struct strings got;
    if (read_paths(r, name, v, &got))
        ((struct loader *)into)->rules = got;
}

static void read_include(struct reader *r, const char *name, const struct yaml_node *v, void *into)
{
    struct strings got;
    if (read_paths(r, name, v, &got))
        ((struct loader *)into)->includes = got;
}

static void read_defaults(struct reader *r, const char *name, const struct yaml_node *v, void *into)
{
    (void)r, (void)name;
    ((struct loader *)into)->defaults = v;
}

static const struct named *find_named(const struct loader *l, const char *name)
{
    for (size_t i = 0; i < l->nnamed; i++)
        if (strcmp(l->named[i].name, name) == 0)
            return &l->named[i];
    return NULL;
}

static void add_named(struct loader *l, struct reader *r, const struct yaml_node *key,
                      const struct yaml_node *node)
{
    struct error err = ERROR_INIT;
    const char *name = yaml_str(key, NULL);
    const struct named *other = find_named(l, name);
    if (value_workspace_name(name, &err) < 0)
        yaml_diag(r->d, DIAG_ERROR, key, "%s", err.msg);
    else if (other)
        yaml_diag(r->d, DIAG_ERROR, key, "the workspace '%s' is at %s:%u already", name,
                  other->place.file, other->place.line);
    else if (l->nnamed == WORKSPACES_MAX)
        yaml_diag(r->d, DIAG_ERROR, key, "more than %d workspaces", WORKSPACES_MAX);
    else {
        l->named = arena_grow(r->arena, l->named, l->nnamed, sizeof(*l->named));
        l->named[l->nnamed++] = (struct named){ .name = arena_strdup(r->arena, name),
                                                .place = read_place(r, key),
                                                .node = node,
                                                .file = r->file,
                                                .folder = r->folder };
    }
}

static void read_workspaces(struct reader *r, const char *name, const struct yaml_node *v,
                            void *into)
{
    if (yaml_kind(v) != YAML_MAP) {
        read_error(r, name, v, "a map is wanted here, with a key for each workspace");
        return;
    }
    for (size_t i = 0; i < yaml_count(v); i++)
        add_named(into, r, yaml_key(v, i), yaml_value(v, i));
}

/* ---- admin -------------------------------------------------------------------------------------
 */

static void read_socket(struct reader *r, const char *name, const struct yaml_node *v, void *into)
{
    struct loader *l = into;
    const char *text = read_text(r, name, v);
    char *path = text ? value_path(r->arena, r->folder, text) : NULL;
    if (path && strlen(path) > SOCKET_PATH_MAX)
        read_error(r, name, v, "the path of a socket has at most %d bytes", SOCKET_PATH_MAX);
    else if (path)
        l->cfg->admin.socket = path;
}

static void read_group(struct reader *r, const char *name, const struct yaml_node *v, void *into)
{
    ((struct loader *)into)->cfg->admin.group = read_text(r, name, v);
}

static void read_admin_listen(struct reader *r, const char *name, const struct yaml_node *v,
                              void *into)
{
    struct error err = ERROR_INIT;
    struct loader *l = into;
    char *text = read_text(r, name, v);
    if (!text)
        return;
    if (address_check(text, &err) < 0) {
        read_error(r, name, v, "%s", err.msg);
        return;
    }
    l->cfg->admin.listen = text;
    l->admin_listen = v;
}

static void read_token(struct reader *r, const char *name, const struct yaml_node *v, void *into)
{
    read_secret(r, name, v, false, &((struct loader *)into)->token);
}

static void read_open(struct reader *r, const char *name, const struct yaml_node *v, void *into)
{
    static const char *const names[] = { "healthz", "readyz", "metrics" };
    struct loader *l = into;
    struct strings got;
    if (!read_texts(r, name, v, &got))
        return;
    for (size_t i = 0; i < got.count; i++)
        read_choice(r, name, yaml_kind(v) == YAML_LIST ? yaml_item(v, i) : v, names,
                    ARRAY_LEN(names));
    l->cfg->admin.open = got.list;
    l->cfg->admin.nopen = got.count;
}

static const struct key admin_list[] = {
    { "socket", KEY_CUSTOM, 0, 0, 0, read_socket },
    { "group", KEY_CUSTOM, 0, 0, 0, read_group },
    { "listen", KEY_CUSTOM, 0, 0, 0, read_admin_listen },
    { "token", KEY_CUSTOM, 0, 0, 0, read_token },
    { "open", KEY_CUSTOM, 0, 0, 0, read_open },
};
static const struct key_set admin_keys = { "admin", admin_list, ARRAY_LEN(admin_list), NULL };

static void read_admin(struct reader *r, const char *name, const struct yaml_node *v, void *into)
{
    struct loader *l = into;
    (void)name;
    read_map(r, &admin_keys, v, l);
    if (l->admin_listen && !address_is_loopback(l->cfg->admin.listen) &&
        l->token.kind == SECRET_NOWHERE)
        read_error(r, "listen", l->admin_listen,
                   "the admin interface on %s is open to others: give admin a token",
                   l->cfg->admin.listen);
}

/* ---- the top of the file
 * ------------------------------------------------------------------------- */

static void read_watch(struct reader *r, const char *name, const struct yaml_node *v, void *into)
{
    read_bool(r, name, v, &((struct loader *)into)->cfg->watch);
}

static void read_prefilter(struct reader *r, const char *name, const struct yaml_node *v,
                           void *into)
{
    static const char *const names[] = { "off", "on" };
    const int n = read_choice(r, name, v, names, 2);
    if (n >= 0)
        ((struct loader *)into)->cfg->prefilter = n == 1;
}

static void read_max_body(struct reader *r, const char *name, const struct yaml_node *v, void *into)
{
    size_t bytes;
    const char *text = read_text(r, name, v);
    if (!text)
        return;
    if (!config_parse_size(text, &bytes))
        read_error(r, name, v, "'%s' is no size: 512KiB or 1MiB would be right", text);
    else if (bytes < 1024 || bytes > BODY_MAX)
        read_error(r, name, v, "'%s' is out of range: 1KiB to 16MiB", text);
    else
        ((struct loader *)into)->cfg->max_body = bytes;
}

static void read_retention(struct reader *r, const char *name, const struct yaml_node *v,
                           void *into)
{
    read_duration(r, name, v, DAY / 24, 3650 * DAY, &((struct loader *)into)->cfg->retention_ms);
}

/* Of all workspaces; one may have its own. */
static void read_capture(struct reader *r, const char *name, const struct yaml_node *v, void *into)
{
    (void)r, (void)name;
    ((struct loader *)into)->capture = v;
}

static const struct key top_list[] = {
    { "listen", KEY_CUSTOM, 0, 0, 0, read_listen },
    { "store", KEY_CUSTOM, 0, 0, 0, read_store },
    { "rules", KEY_CUSTOM, 0, 0, 0, read_rules },
    { "watch", KEY_CUSTOM, 0, 0, 0, read_watch },
    { "prefilter", KEY_CUSTOM, 0, 0, 0, read_prefilter },
    { "admin", KEY_CUSTOM, 0, 0, 0, read_admin },
    { "max_body", KEY_CUSTOM, 0, 0, 0, read_max_body },
    { "retention", KEY_CUSTOM, 0, 0, 0, read_retention },
    { "capture", KEY_CUSTOM, 0, 0, 0, read_capture },
    { "include", KEY_CUSTOM, 0, 0, 0, read_include },
    { "defaults", KEY_CUSTOM, 0, 0, 0, read_defaults },
    { "workspaces", KEY_CUSTOM, 0, 0, 0, read_workspaces },
};
const struct key_set top_keys = { "the configuration", top_list, ARRAY_LEN(top_list),
                                  &workspace_keys };

static const struct key include_list[] = {
    { "workspaces", KEY_CUSTOM, 0, 0, 0, read_workspaces },
};
static const struct key_set include_keys = { "an included file", include_list, 1, &top_keys };

static void read_file(struct loader *l, const char *path, const struct key_set *keys)
{
    struct arena *a = l->cfg->arena;
    struct reader r = {
        .d = l->d, .arena = a, .file = arena_strdup(a, path), .folder = folder_of(a, path)
    };
    const struct yaml_doc *doc = load_doc(l, path);
    if (doc && yaml_root(doc))
        read_map(&r, keys, yaml_root(doc), l);
    if (keys == &top_keys) {
        l->main_file = r.file;
        l->main_folder = r.folder;
    }
}

static bool has_wildcard(const char *pattern)
{
    return strpbrk(pattern, "*?[") != NULL;
}

static void read_included(struct loader *l, const char *pattern)
{
    glob_t found = { .gl_pathc = 0 };
    const int rc = glob(pattern, 0, NULL, &found);
    if (rc != 0 && (rc != GLOB_NOMATCH || !has_wildcard(pattern)))
        diags_add(l->d, DIAG_ERROR, l->main_file, 0, 0, NULL, "include: %s is not there", pattern);
    else if (rc != 0)
        diags_add(l->d, DIAG_WARNING, l->main_file, 0, 0, NULL, "include: no file matches %s",
                  pattern);
    for (size_t i = 0; rc == 0 && i < found.gl_pathc; i++)
        read_file(l, found.gl_pathv[i], &include_keys);
    globfree(&found);
}

static void read_files(struct loader *l, const char *path)
{
    l->cfg->file = arena_strdup(l->cfg->arena, path);
    read_file(l, path, &top_keys);
    for (size_t i = 0; i < l->includes.count; i++)
        read_included(l, l->includes.list[i]);
}

/* ---- flags and environment
 * ------------------------------------------------------------------------ */

/* What a flag says, or else the variable; *name is which. NULL when neither is given. */
static const char *outside(const char *flag_value, const char *flag, const char *variable,
                           const char **name)
{
    *name = flag_value ? flag : variable;
    if (flag_value)
        return flag_value;
    const char *value = getenv(variable);
    return value && *value ? value : NULL;
}

static void outside_error(struct loader *l, const char *name, const struct error *err)
{
    diags_add(l->d, DIAG_ERROR, NULL, 0, 0, NULL, "%s: %s", name, err->msg);
}

static void outside_rules(struct loader *l)
{
    const char *variable = getenv("AUTOMARK_RULES");
    struct arena *a = l->cfg->arena;
    struct strings got = { .count = 0 };
    for (size_t i = 0; i < l->opt->nrules; i++)
        strings_add(a, &got, arena_strdup(a, l->opt->rules[i]));
    if (got.count == 0 && variable) {
        char *rest = arena_strdup(a, variable);
        for (char *one = strsep(&rest, ":"); one; one = strsep(&rest, ":"))
            if (*one)
                strings_add(a, &got, one);
    }
    if (got.count > 0)
        l->rules = got;
}

static void outside_top(struct loader *l)
{
    struct error err = ERROR_INIT;
    struct arena *a = l->cfg->arena;
    const char *name;
    const char *listen = outside(l->opt->listen, "--listen", "AUTOMARK_LISTEN", &name);
    if (listen && address_check(listen, &err) < 0)
        outside_error(l, name, &err);
    else if (listen)
        l->cfg->listen = arena_strdup(a, listen);
    const char *store = outside(l->opt->store, "--store", "AUTOMARK_STORE", &name);
    if (store && value_store(store, &err) < 0)
        outside_error(l, name, &err);
    else if (store)
        l->cfg->store = arena_strdup(a, store);
    outside_rules(l);
}

static void outside_secret(struct loader *l, const char *variable, struct secret_ref *out)
{
    *out = (struct secret_ref){ .kind = SECRET_VARIABLE,
                                .name = arena_strdup(l->cfg->arena, variable) };
}

static void outside_workspace(struct loader *l, struct workspace_config *w)
{
    struct error err = ERROR_INIT;
    const char *name;
    const char *url = outside(l->opt->api_url, "--api-url", "AUTOMARK_API_URL", &name);
    if (url && value_api_url(url, &err) < 0)
        outside_error(l, name, &err);
    else if (url)
        w->api_url = arena_strdup(l->cfg->arena, url);
    const char *mode = outside(l->opt->mode, "--mode", "AUTOMARK_MODE", &name);
    if (mode && value_mode(mode, &w->mode, &err) < 0)
        outside_error(l, name, &err);
    if (outside(NULL, "", "SENDKIT_API_KEY", &name))
        outside_secret(l, name, &w->priv->api_key);
    if (!outside(NULL, "", "SENDKIT_WEBHOOK_SECRET", &name))
        return;
    w->priv->hooks = arena_alloc(l->cfg->arena, sizeof(*w->priv->hooks));
    w->priv->nhooks = 1;
    outside_secret(l, name, &w->priv->hooks[0]);
    if (w->verify && w->verify->none) {
        verify_scheme_free(w->verify);
        w->verify = NULL;
    }
}

/* With several workspaces nobody could tell which one is meant. */
static void refuse_outside(struct loader *l)
{
    const struct {
        const char *value, *flag, *variable;
    } all[] = {
        { l->opt->api_url, "--api-url", "AUTOMARK_API_URL" },
        { l->opt->mode, "--mode", "AUTOMARK_MODE" },
        { NULL, "", "SENDKIT_API_KEY" },
        { NULL, "", "SENDKIT_WEBHOOK_SECRET" },
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        const char *name;
        if (outside(all[i].value, all[i].flag, all[i].variable, &name))
            diags_add(l->d, DIAG_ERROR, NULL, 0, 0, NULL,
                      "%s is for one workspace, but %s names %zu: say it there, under workspaces "
                      "or defaults",
                      name, l->main_file, l->nnamed);
    }
}

/* ---- workspaces
 * ------------------------------------------------------------------------------------ */

/* The defaults are read for each workspace, because of {workspace}, but complained about once. */
static void apply_defaults(struct loader *l, struct workspace_config *w, bool first)
{
    struct diags unheard = DIAGS_INIT;
    struct reader r = { .d = first ? l->d : &unheard,
                        .arena = l->cfg->arena,
                        .file = l->main_file,
                        .folder = l->main_folder,
                        .workspace = w->name };
    if (l->capture)
        workspace_capture(&r, "capture", l->capture, w);
    if (l->defaults)
        read_map(&r, &workspace_keys, l->defaults, w);
    diags_done(&unheard);
}

static void apply_own(struct loader *l, struct workspace_config *w, const struct named *n)
{
    struct reader r = { .d = l->d,
                        .arena = l->cfg->arena,
                        .file = n->file,
                        .folder = n->folder,
                        .workspace = w->name };
    w->priv->place = n->place;
    if (yaml_kind(n->node) != YAML_EMPTY) /* "acme:" alone is a workspace made of defaults */
        read_map(&r, &workspace_keys, n->node, w);
}

/* Those of all workspaces come first; where there are none at all, the usual folder. */
static void join_rules(struct loader *l, struct workspace_config *w)
{
    struct arena *a = l->cfg->arena;
    struct strings all = { .count = 0 };
    for (size_t i = 0; i < l->rules.count; i++)
        strings_add(a, &all, l->rules.list[i]);
    for (size_t i = 0; i < w->nrules; i++)
        strings_add(a, &all, w->rules[i]);
    if (all.count == 0)
        strings_add(a, &all, arena_strdup(a, "/etc/automark/rules"));
    w->rules = all.list;
    w->nrules = all.count;
}

static void complain_at(struct loader *l, const struct place *p, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Once a place, though several workspaces may share it. */
static void complain_at(struct loader *l, const struct place *p, const char *fmt, ...)
{
    char words[640];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(words, sizeof(words), fmt, ap);
    va_end(ap);
    for (size_t i = 0; i < l->d->count; i++) {
        const struct diag *had = &l->d->list[i];
        if (p->file && had->file && strcmp(had->file, p->file) == 0 && had->line == p->line &&
            had->col == p->col && strcmp(had->msg, words) == 0)
            return;
    }
    diags_add(l->d, DIAG_ERROR, p->file, p->line, p->col, NULL, "%s", words);
}

static void check_webhook(struct loader *l, struct workspace_config *w)
{
    struct error err = ERROR_INIT;
    const struct place *p = &w->priv->webhook_place;
    if (!w->verify)
        w->verify = verify_preset("sendkit");
    if (w->verify->none && !address_is_loopback(l->cfg->listen))
        complain_at(l, p,
                    "verify: none takes every request for true, so it is only allowed while "
                    "listening on loopback; this listens on %s",
                    l->cfg->listen);
    if (verify_scheme_check(w->verify, &err) < 0)
        complain_at(l, p, "webhook: %s", err.msg);
    else if (w->priv->tolerance_given && !verify_signs_time(w->verify))
        complain_at(l, p, "webhook: tolerance means nothing where no time is signed");
}

/* A mistake in a secret is said already; these are about secrets that nobody named. */
static void check_secrets(struct loader *l, struct workspace_config *w)
{
    const struct place *p = &w->priv->place;
    if (!w->verify->none && w->priv->nhooks == 0)
        complain_at(l, p,
                    "workspace '%s' has no webhook secret, so anybody could post to it: name one "
                    "under webhook, secrets, or set SENDKIT_WEBHOOK_SECRET (or say verify: none, "
                    "on loopback)",
                    w->name);
    if (w->priv->api_key.kind == SECRET_NOWHERE && w->mode != MODE_SHADOW)
        complain_at(l, p,
                    "workspace '%s' has no API key: name one under api_key, or set "
                    "SENDKIT_API_KEY (mode: shadow needs none)",
                    w->name);
}

static void trim_url(struct loader *l, struct workspace_config *w)
{
    size_t len = strlen(w->api_url);
    while (len > 0 && w->api_url[len - 1] == '/')
        len--;
    w->api_url = arena_text(l->cfg->arena, w->api_url, len);
}

static void name_key_source(struct loader *l, struct workspace_config *w)
{
    scoped(freep) char *source = secret_describe(&w->priv->api_key);
    w->priv->api_key_source = arena_strdup(l->cfg->arena, source);
}

static void build_workspace(struct loader *l, size_t i)
{
    struct config *c = l->cfg;
    struct workspace_config *w = &c->workspaces[i];
    const struct named *n = i < l->nnamed ? &l->named[i] : NULL;
    workspace_init(w, c->arena, n ? n->name : "default");
    w->priv->place.file = l->main_file;
    apply_defaults(l, w, i == 0);
    if (n)
        apply_own(l, w, n);
    if (c->nworkspaces == 1)
        outside_workspace(l, w);
    trim_url(l, w);
    name_key_source(l, w);
    join_rules(l, w);
    check_webhook(l, w);
    if (l->opt->read_secrets)
        check_secrets(l, w);
}

static void build_workspaces(struct loader *l)
{
    struct config *c = l->cfg;
    c->nworkspaces = l->nnamed ? l->nnamed : 1;
    c->workspaces = arena_array(c->arena, c->nworkspaces, sizeof(*c->workspaces));
    for (size_t i = 0; i < c->nworkspaces; i++)
        build_workspace(l, i);
    if (l->nnamed > 1)
        refuse_outside(l);
}

/* ---- defaults and notices
 * ---------------------------------------------------------------------------- */

/* The first of a list of folders that systemd gives, or NULL. */
static char *systemd_folder(struct arena *a, const char *variable)
{
    const char *value = getenv(variable);
    const size_t len = value ? strcspn(value, ":") : 0;
    return len ? arena_text(a, value, len) : NULL;
}

static void fill_defaults(struct config *c)
{
    struct arena *a = c->arena;
    const char *state = systemd_folder(a, "STATE_DIRECTORY");
    scoped(freep) char *store =
        xasprintf("sqlite:%s/automark.db", state ? state : "/var/lib/automark");
    c->listen = arena_strdup(a, "127.0.0.1:8085");
    c->store = arena_strdup(a, store);
    c->watch = true;
    c->prefilter = true;
    c->max_body = 1 << 20;
    c->retention_ms = 30 * DAY;
}

/* /run/automark/automark.sock under systemd; else beside the store and named like it, so
 * that two stores in one folder do not fight for one socket. */
static void default_socket(struct config *c)
{
    const char *run = systemd_folder(c->arena, "RUNTIME_DIRECTORY");
    if (c->admin.socket)
        return;
    if (run) {
        c->admin.socket = value_path(c->arena, run, "automark.sock");
        return;
    }
    const char *path = strchr(c->store, ':') + 1;
    const size_t len = strlen(path);
    const bool db = len > 3 && strcmp(path + len - 3, ".db") == 0;
    scoped(freep) char *socket = xasprintf("%.*s.sock", (int)(db ? len - 3 : len), path);
    c->admin.socket = arena_strdup(c->arena, socket);
}

static void add_notices(struct config *c)
{
    struct strings notices = { .count = 0 };
    bool look = false, confirm = false;
    for (size_t i = 0; i < c->nworkspaces; i++) {
        look |= c->workspaces[i].look == LOOK_AUTO;
        confirm |= c->workspaces[i].confirm == CONFIRM_API;
    }
    if (look)
        strings_add(c->arena, &notices,
                    arena_strdup(c->arena, "look: auto is not built yet and acts as never: fields "
                                           "that an event lacks count as absent"));
    if (confirm)
        strings_add(c->arena, &notices,
                    arena_strdup(c->arena, "confirm: api is not built yet and acts as memory: "
                                           "only replies that came through here count as kept"));
    c->notices = notices.list;
    c->nnotices = notices.count;
}

/* ---- loading
 * ------------------------------------------------------------------------------------------- */

static void load_secrets(struct loader *l)
{
    struct config *c = l->cfg;
    for (size_t i = 0; i < c->nworkspaces; i++)
        c->workspaces[i].priv->secrets = secrets_read(&c->workspaces[i], l->d);
    if (l->token.kind != SECRET_NOWHERE)
        c->admin.token = secret_text(&l->token, l->d);
}

/* Lines that may hold a secret, because one was written where only its place belongs, are
 * not repeated in messages. */
static void hide_secrets(struct diags *d, size_t from)
{
    static const char *const words[] = { "api_key", "secret", "token", "api_url" };
    for (size_t i = from; i < d->count; i++)
        for (size_t k = 0; k < ARRAY_LEN(words) && d->list[i].source; k++)
            if (strcasestr(d->list[i].source, words[k])) {
                free(d->list[i].source);
                d->list[i].source = NULL;
                d->list[i].caret = 0;
            }
}

static void load(struct loader *l)
{
    const char *name;
    const char *path = outside(l->opt->file, "--config", "AUTOMARK_CONFIG", &name);
    fill_defaults(l->cfg);
    if (path)
        read_files(l, path);
    outside_top(l);
    build_workspaces(l);
    default_socket(l->cfg);
    add_notices(l->cfg);
}

int config_load(const struct config_options *opt, struct config **out, struct diags *d)
{
    const size_t errors = d->errors;
    const size_t count = d->count;
    struct config *c = xcalloc(1, sizeof(*c));
    c->arena = arena_new();
    struct loader l = { .opt = opt, .cfg = c, .d = d };
    load(&l);
    if (opt->read_secrets && d->errors == errors)
        load_secrets(&l);
    hide_secrets(d, count);
    for (size_t i = 0; i < l.ndocs; i++)
        yaml_free(l.docs[i]);
    free(l.docs);
    if (d->errors == errors) {
        *out = c;
        return 0;
    }
    config_free(c);
    return -1;
}

void config_free(struct config *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->nworkspaces; i++)
        workspace_done(&c->workspaces[i]);
    if (c->admin.token)
        explicit_bzero(c->admin.token, strlen(c->admin.token));
    free(c->admin.token);
    arena_free(c->arena);
    free(c);
}

void config_freep(struct config **c)
{
    config_free(*c);
}

const struct workspace_config *config_workspace(const struct config *c, const char *name)
{
    for (size_t i = 0; i < c->nworkspaces; i++)
        if (strcmp(c->workspaces[i].name, name) == 0)
            return &c->workspaces[i];
    return NULL;
}
