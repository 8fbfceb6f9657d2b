#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "config_priv.h"

#define SECRET_MAX 4096 /* bytes of a secret */
#define DAY_MS INT64_C(86400000)

/* ---- where it is ----------------------------------------------------------------------- */

static const struct {
    const char *key;
    enum secret_kind kind;
} kinds[] = {
    { "file", SECRET_FILE },
    { "env", SECRET_VARIABLE },
    { "credential", SECRET_CREDENTIAL },
};

static enum secret_kind kind_by_key(const char *key)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i].key, key) == 0)
            return kinds[i].kind;
    return SECRET_NOWHERE;
}

static void read_source(struct reader *r, const char *name, const struct yaml_node *v,
                        enum secret_kind kind, struct secret_ref *out)
{
    if (out->kind != SECRET_NOWHERE) {
        read_error_hidden(r, name, v, "a secret is in one place: file, env or credential");
        return;
    }
    if (yaml_kind(v) != YAML_SCALAR) {
        read_error_hidden(r, name, v, "a text is wanted here, not %s",
                          yaml_kind_name(yaml_kind(v)));
        return;
    }
    const char *text = read_text(r, name, v);
    if (!text)
        return;
    if (kind == SECRET_CREDENTIAL && (strchr(text, '/') || text[0] == '.'))
        read_error_hidden(r, name, v, "the name of a credential has no slash and no dot in front");
    out->kind = kind;
    out->name = kind == SECRET_FILE ? value_path(r->arena, r->folder, text) : text;
}

static void read_form(struct reader *r, const struct yaml_node *v, struct secret_ref *out)
{
    static const char *const names[] = { "auto", "text", "base64", "hex" };
    const int n = read_choice(r, "secret_form", v, names, ARRAY_LEN(names));
    if (n >= 0)
        out->form = (enum verify_secret_form)n;
}

/* A bare date is its whole day. */
static void read_until(struct reader *r, const struct yaml_node *v, struct secret_ref *out)
{
    const char *text = read_text(r, "until", v);
    if (!text)
        return;
    if (!clock_parse(text, &out->until_ms))
        read_error(r, "until", v, "'%s' is no date: 2026-08-31 would be right", text);
    else if (strlen(text) == strlen("2026-08-31"))
        out->until_ms += DAY_MS;
}

static void read_part(struct reader *r, const char *name, const struct yaml_node *key,
                      const struct yaml_node *v, bool for_hook, struct secret_ref *out)
{
    const char *written = yaml_str(key, NULL);
    const enum secret_kind kind = kind_by_key(written);
    if (kind != SECRET_NOWHERE)
        read_source(r, name, v, kind, out);
    else if (for_hook && strcmp(written, "secret_form") == 0)
        read_form(r, v, out);
    else if (for_hook && strcmp(written, "until") == 0)
        read_until(r, v, out);
    else /* what is written may be the secret itself */
        read_error_hidden(r, name, key, "a secret can have file, env or credential%s",
                          for_hook ? ", and secret_form and until" : "");
}

void read_secret(struct reader *r, const char *name, const struct yaml_node *v, bool for_hook,
                 struct secret_ref *out)
{
    struct secret_ref ref = { .place = read_place(r, v) };
    const size_t errors = r->d->errors;
    if (yaml_kind(v) == YAML_SCALAR) {
        read_error_hidden(r, name, v,
                          "a secret never stands in the configuration itself: put it "
                          "into a file of its own and write {file: PATH} (or {env: "
                          "NAME}, {credential: NAME})");
        return;
    }
    if (yaml_kind(v) != YAML_MAP) {
        read_error_hidden(r, name, v,
                          "{file: PATH}, {env: NAME} or {credential: NAME} is wanted "
                          "here, not %s",
                          yaml_kind_name(yaml_kind(v)));
        return;
    }
    for (size_t i = 0; i < yaml_count(v); i++)
        read_part(r, name, yaml_key(v, i), yaml_value(v, i), for_hook, &ref);
    if (ref.kind == SECRET_NOWHERE && r->d->errors == errors)
        read_error_hidden(r, name, v,
                          "where is it? {file: PATH}, {env: NAME} or {credential: "
                          "NAME} is wanted");
    *out = ref;
}

char *secret_describe(const struct secret_ref *ref)
{
    static const char *const words[] = { "none", "file ", "variable ", "credential " };
    return xasprintf("%s%s", words[ref->kind], ref->name ? ref->name : "");
}

/* ---- reading it -------------------------------------------------------------------------- */

/* The bytes of a secret while it is being read; wiped when out of scope. */
struct bytes {
    char text[SECRET_MAX + 1];
    size_t len;
};

static void bytes_done(struct bytes *b)
{
    explicit_bzero(b, sizeof(*b));
}

static void complain(struct diags *d, enum diag_level level, const struct secret_ref *ref,
                     const char *words)
{
    scoped(freep) char *what = secret_describe(ref);
    diags_add(d, level, ref->place.file, ref->place.line, ref->place.col, NULL, "%s: %s", what,
              words);
}

static int read_all(int fd, struct bytes *out)
{
    while (out->len < sizeof(out->text)) {
        const ssize_t n = read(fd, out->text + out->len, sizeof(out->text) - out->len);
        if (n == 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return -1;
        out->len += n > 0 ? (size_t)n : 0;
    }
    errno = EFBIG;
    return -1;
}

static int read_file(const struct secret_ref *ref, const char *path, struct bytes *out,
                     struct diags *d)
{
    char words[128];
    struct stat st;
    /* a FIFO must not make the start hang */
    scoped(closep) const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) < 0) {
        complain(d, DIAG_ERROR, ref, strerror_r(errno, words, sizeof(words)));
        return -1;
    }
    if (!S_ISREG(st.st_mode)) {
        complain(d, DIAG_ERROR, ref, "is no regular file");
        return -1;
    }
    if (st.st_mode & S_IROTH)
        complain(d, DIAG_WARNING, ref, "everybody on this machine can read it; chmod 640 it");
    if (st.st_mode & S_IWOTH)
        complain(d, DIAG_WARNING, ref, "everybody on this machine can write it; chmod 640 it");
    if (read_all(fd, out) < 0) {
        complain(d, DIAG_ERROR, ref,
                 errno == EFBIG ? "is too long for a secret"
                                : strerror_r(errno, words, sizeof(words)));
        return -1;
    }
    return 0;
}

static int read_variable(const struct secret_ref *ref, struct bytes *out, struct diags *d)
{
    const char *value = getenv(ref->name);
    const size_t len = value ? strlen(value) : 0;
    if (len == 0 || len > SECRET_MAX) {
        complain(d, DIAG_ERROR, ref, len ? "is too long for a secret" : "is not set");
        return -1;
    }
    memcpy(out->text, value, len);
    out->len = len;
    return 0;
}

static int read_credential(const struct secret_ref *ref, struct bytes *out, struct diags *d)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    if (!folder || !*folder) {
        complain(d, DIAG_ERROR, ref,
                 "there are no credentials: systemd gives them (LoadCredential=) and did not "
                 "start this");
        return -1;
    }
    scoped(freep) char *path = xasprintf("%s/%s", folder, ref->name);
    return read_file(ref, path, out, d);
}

static int read_bytes(const struct secret_ref *ref, struct bytes *out, struct diags *d)
{
    int rc = -1;
    if (ref->kind == SECRET_FILE)
        rc = read_file(ref, ref->name, out, d);
    else if (ref->kind == SECRET_VARIABLE)
        rc = read_variable(ref, out, d);
    else if (ref->kind == SECRET_CREDENTIAL)
        rc = read_credential(ref, out, d);
    while (rc == 0 && out->len > 0 && strchr("\r\n", out->text[out->len - 1]) &&
           out->text[out->len - 1])
        out->len--;
    if (rc == 0 && out->len == 0) {
        complain(d, DIAG_ERROR, ref, "is empty");
        return -1;
    }
    return rc;
}

char *secret_text(const struct secret_ref *ref, struct diags *d)
{
    scoped(bytes_done) struct bytes b = { .len = 0 };
    return read_bytes(ref, &b, d) < 0 ? NULL : xmemdup0(b.text, b.len);
}

/* A key goes into a header, so it must not be able to end one. */
static bool visible(const struct bytes *b)
{
    for (size_t i = 0; i < b->len; i++)
        if (b->text[i] <= ' ' || b->text[i] >= 0x7F)
            return false;
    return true;
}

static bool begins(const struct bytes *b, const char *prefix)
{
    return b->len >= strlen(prefix) && memcmp(b->text, prefix, strlen(prefix)) == 0;
}

static int read_api_key(const struct workspace_config *w, struct workspace_secrets *s,
                        struct diags *d)
{
    const struct secret_ref *ref = &w->priv->api_key;
    scoped(bytes_done) struct bytes b = { .len = 0 };
    const char *words = NULL;
    if (ref->kind == SECRET_NOWHERE)
        return 0;
    if (read_bytes(ref, &b, d) < 0)
        return -1;
    if (!visible(&b))
        words = "an API key is one word of visible ASCII characters";
    else if (begins(&b, "sk_user_") && !w->workspace_id)
        words = "a key sk_user_... needs workspace_id, which says for which workspace it acts";
    else if (begins(&b, "sk_") && !begins(&b, "sk_user_") && w->workspace_id)
        words = "a key sk_... belongs to one workspace already: leave workspace_id out";
    if (words) {
        complain(d, DIAG_ERROR, ref, words);
        return -1;
    }
    if (!begins(&b, "sk_"))
        complain(d, DIAG_WARNING, ref, "does not begin with sk_, as SendKit's API keys do");
    s->api_key = xmemdup0(b.text, b.len);
    return 0;
}

static int read_hook(const struct workspace_config *w, const struct secret_ref *ref,
                     struct verify_key *out, struct diags *d)
{
    struct error err = ERROR_INIT;
    scoped(bytes_done) struct bytes b = { .len = 0 };
    if (read_bytes(ref, &b, d) < 0)
        return -1;
    if (verify_key_init(out, w->verify, ref->form, b.text, b.len, &err) < 0) {
        complain(d, DIAG_ERROR, ref, err.msg);
        return -1;
    }
    if (out->len < VERIFY_SECRET_SHORT)
        complain(d, DIAG_WARNING, ref,
                 "is shorter than the 24 bytes that a webhook secret needs "
                 "to be hard to guess");
    out->until_ms = ref->until_ms;
    out->source = secret_describe(ref);
    return 0;
}

struct workspace_secrets *secrets_read(const struct workspace_config *w, struct diags *d)
{
    struct workspace_secrets *s = xcalloc(1, sizeof(*s));
    atomic_init(&s->refs, 1);
    int rc = read_api_key(w, s, d);
    s->keys = xcalloc(w->priv->nhooks, sizeof(*s->keys));
    for (size_t i = 0; i < w->priv->nhooks && !w->verify->none; i++) {
        if (read_hook(w, &w->priv->hooks[i], &s->keys[s->nkeys], d) < 0)
            rc = -1;
        else
            s->nkeys++;
    }
    if (rc == 0)
        return s;
    workspace_secrets_unref(s);
    return NULL;
}

/* ---- handing it out ------------------------------------------------------------------------ */

const char *workspace_api_key_source(const struct workspace_config *w)
{
    return w->priv->api_key_source;
}

struct workspace_secrets *workspace_secrets(const struct workspace_config *w)
{
    pthread_mutex_lock(&w->priv->lock);
    struct workspace_secrets *s = w->priv->secrets;
    if (s)
        atomic_fetch_add(&s->refs, 1);
    pthread_mutex_unlock(&w->priv->lock);
    return s;
}

void workspace_secrets_unref(struct workspace_secrets *s)
{
    if (!s || atomic_fetch_sub(&s->refs, 1) > 1)
        return;
    if (s->api_key)
        explicit_bzero(s->api_key, strlen(s->api_key));
    free(s->api_key);
    for (size_t i = 0; i < s->nkeys; i++)
        verify_key_done(&s->keys[i]);
    free(s->keys);
    free(s);
}

void workspace_secrets_unrefp(struct workspace_secrets **s)
{
    workspace_secrets_unref(*s);
}

/* ---- reading it again ------------------------------------------------------------------------ */

static bool same_key(const struct verify_key *a, const struct verify_key *b)
{
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

static void count_one(const struct secret_ref *ref, bool same, struct secrets_report *report)
{
    if (ref->kind == SECRET_FILE) {
        report->read++;
        report->changed += !same;
    } else if (ref->kind != SECRET_NOWHERE) {
        report->fixed++;
    }
}

static void count_changes(const struct workspace_config *w, const struct workspace_secrets *now,
                          struct secrets_report *report)
{
    const struct workspace_private *p = w->priv;
    const struct workspace_secrets *old = p->secrets;
    const bool both = old && old->api_key && now->api_key;
    count_one(&p->api_key, both && strcmp(old->api_key, now->api_key) == 0, report);
    for (size_t i = 0; i < now->nkeys; i++)
        count_one(&p->hooks[i], old && i < old->nkeys && same_key(&old->keys[i], &now->keys[i]),
                  report);
}

static void replace(struct workspace_private *p, struct workspace_secrets *now)
{
    pthread_mutex_lock(&p->lock);
    struct workspace_secrets *old = p->secrets;
    p->secrets = now;
    pthread_mutex_unlock(&p->lock);
    workspace_secrets_unref(old);
}

int config_reload_secrets(struct config *c, struct secrets_report *report, struct diags *d)
{
    *report = (struct secrets_report){ .read = 0 };
    struct workspace_secrets **all = xcalloc(c->nworkspaces, sizeof(struct workspace_secrets *));
    bool fine = true;
    for (size_t i = 0; i < c->nworkspaces; i++) {
        all[i] = secrets_read(&c->workspaces[i], d);
        fine &= all[i] != NULL;
    }
    for (size_t i = 0; i < c->nworkspaces; i++) {
        if (fine) {
            count_changes(&c->workspaces[i], all[i], report);
            replace(c->workspaces[i].priv, all[i]);
        } else {
            workspace_secrets_unref(all[i]);
        }
    }
    free(all);
    return fine ? 0 : -1;
}
