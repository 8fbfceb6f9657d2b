#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "config.h"
#include "rules/rules_load.h"

static const char *const variables[] = {
    "AUTOMARK_CONFIG",  "AUTOMARK_LISTEN",
    "AUTOMARK_STORE",   "AUTOMARK_RULES",
    "AUTOMARK_API_URL", "AUTOMARK_MODE",
    "SENDKIT_API_KEY",  "SENDKIT_WEBHOOK_SECRET",
    "STATE_DIRECTORY",  "CREDENTIALS_DIRECTORY",
    "ADMIN_TOKEN",      "RUNTIME_DIRECTORY",
    "GAMMA_SECRET",     "GAMMA_OLD",
};

static int clean(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(variables); i++)
        unsetenv(variables[i]);
    return 0;
}

static char *diags_text(const struct diags *d)
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    diags_print(d, to);
    fclose(to);
    return text;
}

static struct config *must_load(const struct config_options *opt)
{
    scoped(diags_done) struct diags d = DIAGS_INIT;
    struct config *c = NULL;
    if (config_load(opt, &c, &d) < 0) {
        scoped(freep) char *text = diags_text(&d);
        fail_msg("%s", text);
    }
    return c;
}

/* Fails to load, with words in the messages. */
static void must_refuse(const struct config_options *opt, const char *words)
{
    scoped(diags_done) struct diags d = DIAGS_INIT;
    struct config *c = NULL;
    const int rc = config_load(opt, &c, &d);
    scoped(freep) char *text = diags_text(&d);
    if (rc == 0)
        fail_msg("loaded, want '%s'", words);
    if (!strstr(text, words))
        fail_msg("got %s, want '%s'", text, words);
}

/* ---- bad files --------------------------------------------------------------------------- */

/* Each "# want LINE:COL words" of the file must be among the errors. */
static size_t check_wants(const char *path, const struct diags *d)
{
    FILE *f = fopen(path, "re");
    char line[512];
    size_t wants = 0;
    assert_non_null(f);
    while (fgets(line, sizeof(line), f)) {
        unsigned row, col;
        int at = 0;
        bool found = false;
        if (sscanf(line, "# want %u:%u %n", &row, &col, &at) != 2)
            continue;
        wants++;
        line[strcspn(line, "\n")] = '\0';
        for (size_t i = 0; i < d->count; i++)
            found |= d->list[i].level == DIAG_ERROR && d->list[i].line == row &&
                     d->list[i].col == col && strstr(d->list[i].msg, line + at);
        if (!found) {
            scoped(freep) char *text = diags_text(d);
            fail_msg("%s: want %s, got\n%s", path, line, text);
        }
    }
    fclose(f);
    return wants;
}

static void test_bad_files(void **state)
{
    (void)state;
    const char *folder = TEST_DATA "/config/bad";
    DIR *dir = opendir(folder);
    size_t files = 0;
    assert_non_null(dir);
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        scoped(diags_done) struct diags d = DIAGS_INIT;
        if (e->d_name[0] == '.')
            continue;
        scoped(freep) char *path = xasprintf("%s/%s", folder, e->d_name);
        const struct config_options opt = { .file = path };
        struct config *c = NULL;
        assert_int_equal(config_load(&opt, &c, &d), -1);
        scoped(freep) char *text = diags_text(&d);
        if (check_wants(path, &d) != d.errors)
            fail_msg("%s: other errors than wanted:\n%s", path, text);
        if (strstr(text, "sesame"))
            fail_msg("%s: a secret is told:\n%s", path, text);
        files++;
    }
    closedir(dir);
    assert_true(files >= 20);
}

/* ---- good ones ------------------------------------------------------------------------------ */

static void test_everything(void **state)
{
    (void)state;
    const struct config_options opt = { .file = TEST_DATA "/config/good/all.yaml" };
    scoped(config_freep) struct config *c = must_load(&opt);
    assert_string_equal(c->listen, "127.0.0.1:8086");
    assert_string_equal(c->store, "sqlite:" TEST_DATA "/config/good/data/automark.db");
    assert_string_equal(c->admin.socket, TEST_DATA "/config/good/run/a.sock");
    assert_string_equal(c->admin.group, "automark");
    assert_string_equal(c->admin.listen, "127.0.0.1:9085");
    assert_int_equal(c->admin.nopen, 2);
    assert_false(c->watch);
    assert_false(c->prefilter);
    assert_int_equal(c->max_body, 512 * 1024);
    assert_int_equal(c->retention_ms, INT64_C(60) * 86400000);
    assert_int_equal(c->nnotices, 0);
    assert_int_equal(c->nworkspaces, 3);

    const struct workspace_config *w = config_workspace(c, "acme");
    assert_int_equal(w->mode, MODE_LIVE);
    assert_string_equal(w->api_url, "https://api.sendkit.ai");
    assert_string_equal(w->workspace_id, "ws_123");
    assert_string_equal(workspace_api_key_source(w),
                        "file " TEST_DATA "/config/good/keys/acme.key");
    assert_int_equal(w->nrules, 2);
    assert_string_equal(w->rules[0], TEST_DATA "/config/good/common");
    assert_string_equal(w->rules[1], TEST_DATA "/config/good/clients/acme");
    assert_int_equal(w->noverrides, 3);
    assert_int_equal(w->overrides[0].state, RULE_OFF);
    assert_int_equal(w->overrides[0].place.line, 31);
    assert_int_equal(w->overrides[1].state, RULE_OFF);
    assert_int_equal(w->overrides[2].hold_ms, 3600000);
    assert_int_equal(w->overrides[2].max_per_hour, 7);
    assert_int_equal(w->send.batch, 50);
    assert_int_equal(w->send.max_in_flight, 2);
    assert_int_equal(w->send.give_up_ms, 86400000);
    assert_int_equal(w->hold_ms, 60000);
    assert_int_equal(w->settle_ms, 600000);
    assert_int_equal(w->max_per_hour, 200);
    assert_int_equal(w->max_marks_per_hour, 2000);
    assert_int_equal(w->capture_ms, 0);
    assert_int_equal(w->nrequire_guards, 1);
    assert_string_equal(w->fields->field[FIELD_REPLY].list[0], "/data/body/plain");
    assert_string_equal(w->verify->preset, "sendkit");

    w = config_workspace(c, "beta");
    assert_int_equal(w->mode, MODE_SHADOW);
    assert_int_equal(w->nrules, 1);
    assert_int_equal(w->capture_ms, INT64_C(7) * 86400000);
    assert_int_equal(w->noverrides, 2);
    assert_null(workspace_secrets(w));

    w = config_workspace(c, "gamma");
    assert_string_equal(w->api_url, "http://127.0.0.1:9");
    assert_int_equal(w->verify->hash, VERIFY_SHA512);
    assert_int_equal(w->verify->nsets, 1);
    assert_string_equal(w->verify->sets[0].timestamp, "X-Time");
    assert_int_equal(w->verify->separator, ',');
    assert_int_equal(w->verify->tolerance_ms, 600000);
    assert_null(config_workspace(c, "delta"));
}

static void test_defaults(void **state)
{
    (void)state;
    const struct config_options opt = { .file = NULL };
    scoped(config_freep) struct config *c = must_load(&opt);
    assert_string_equal(c->listen, "127.0.0.1:8085");
    assert_string_equal(c->store, "sqlite:/var/lib/automark/automark.db");
    assert_string_equal(c->admin.socket, "/var/lib/automark/automark.sock");
    assert_true(c->watch);
    assert_true(c->prefilter);
    assert_int_equal(c->max_body, 1 << 20);
    assert_int_equal(c->retention_ms, INT64_C(30) * 86400000);
    assert_int_equal(c->nnotices, 2);
    assert_int_equal(c->nworkspaces, 1);
    const struct workspace_config *w = &c->workspaces[0];
    assert_string_equal(w->name, "default");
    assert_int_equal(w->mode, MODE_LIVE);
    assert_string_equal(w->api_url, "https://api.sendkit.ai");
    assert_string_equal(w->rules[0], "/etc/automark/rules");
    assert_int_equal(w->send.batch, 100);
    assert_int_equal(w->send.max_in_flight, 1);
    assert_int_equal(w->send.give_up_ms, INT64_C(3) * 86400000);
    assert_int_equal(w->hold_ms, 0);
    assert_int_equal(w->settle_ms, 300000);
    assert_int_equal(w->max_per_hour, 50000);
    assert_int_equal(w->max_marks_per_hour, 50000);
    assert_string_equal(w->verify->preset, "sendkit");
    assert_string_equal(workspace_api_key_source(w), "none");
}

static void test_systemd_folders(void **state)
{
    (void)state;
    setenv("STATE_DIRECTORY", "/var/lib/a:/var/lib/b", 1);
    setenv("RUNTIME_DIRECTORY", "/run/a", 1);
    const struct config_options opt = { .file = NULL };
    scoped(config_freep) struct config *c = must_load(&opt);
    assert_string_equal(c->store, "sqlite:/var/lib/a/automark.db");
    assert_string_equal(c->admin.socket, "/run/a/automark.sock");
}

/* ---- a folder of its own for files that tests write ---------------------------------------------
 */

static char folder[] = "/tmp/automark-config-XXXXXX";

static char *in_folder(const char *name)
{
    return xasprintf("%s/%s", folder, name);
}

static char *write_file(const char *name, mode_t mode, const char *text)
{
    char *path = in_folder(name);
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
    return path;
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int drop_folder(void **state)
{
    (void)state;
    DIR *dir = opendir(folder);
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        scoped(freep) char *path = in_folder(e->d_name);
        if (e->d_name[0] != '.')
            unlink(path);
    }
    closedir(dir);
    return rmdir(folder);
}

/* ---- precedence
 * ----------------------------------------------------------------------------------- */

static void test_precedence(void **state)
{
    (void)state;
    scoped(freep) char *file =
        write_file("c.yaml", 0644,
                   "listen: 127.0.0.1:1\nrules: [/file]\ndefaults: {mode: paused, api_url: "
                   "'https://file'}\nworkspaces: {solo: {rules: [own]}}\n");
    struct config_options opt = { .file = file };
    struct config *c = must_load(&opt);
    assert_string_equal(c->listen, "127.0.0.1:1");
    assert_int_equal(c->workspaces[0].mode, MODE_PAUSED);
    assert_string_equal(c->workspaces[0].api_url, "https://file");
    config_free(c);

    setenv("AUTOMARK_LISTEN", "127.0.0.1:2", 1);
    setenv("AUTOMARK_MODE", "shadow", 1);
    setenv("AUTOMARK_API_URL", "https://env", 1);
    setenv("AUTOMARK_RULES", "/env1::/env2", 1);
    setenv("AUTOMARK_STORE", "sqlite:env.db", 1);
    c = must_load(&opt);
    assert_string_equal(c->listen, "127.0.0.1:2");
    assert_string_equal(c->store, "sqlite:env.db");
    assert_string_equal(c->admin.socket, "env.sock");
    assert_int_equal(c->workspaces[0].mode, MODE_SHADOW);
    assert_string_equal(c->workspaces[0].api_url, "https://env");
    assert_int_equal(c->workspaces[0].nrules, 3);
    assert_string_equal(c->workspaces[0].rules[1], "/env2");
    config_free(c);

    const char *const rules[] = { "flag" };
    opt = (struct config_options){ .file = file,
                                   .listen = "127.0.0.1:3",
                                   .mode = "live",
                                   .api_url = "http://127.0.0.1:5/",
                                   .store = "sqlite:/flag.db",
                                   .rules = rules,
                                   .nrules = 1 };
    c = must_load(&opt);
    assert_string_equal(c->listen, "127.0.0.1:3");
    assert_string_equal(c->store, "sqlite:/flag.db");
    assert_int_equal(c->workspaces[0].mode, MODE_LIVE);
    assert_string_equal(c->workspaces[0].api_url, "http://127.0.0.1:5");
    assert_int_equal(c->workspaces[0].nrules, 2);
    assert_string_equal(c->workspaces[0].rules[0], "flag");
    config_free(c);

    setenv("AUTOMARK_CONFIG", file, 1);
    opt = (struct config_options){ .mode = "live" };
    c = must_load(&opt);
    assert_string_equal(c->file, file);
    config_free(c);
}

static void test_outside_mistakes(void **state)
{
    (void)state;
    const struct config_options bad = {
        .listen = "nowhere", .store = "mysql:x", .mode = "lively", .api_url = "http://example.com"
    };
    must_refuse(&bad, "--listen: 'nowhere' is no address");
    must_refuse(&bad, "--store: 'mysql:x' is no store");
    must_refuse(&bad, "--mode: 'lively' is none of");
    must_refuse(&bad, "--api-url: 'http://example.com' must be https");
    setenv("AUTOMARK_MODE", "x", 1);
    const struct config_options none = { .file = NULL };
    must_refuse(&none, "AUTOMARK_MODE: 'x' is none of");
    clean(NULL);
    const struct config_options missing = { .file = "/nonexistent/automark.yaml" };
    must_refuse(&missing, "/nonexistent/automark.yaml: error: cannot be read: No such file");
    const struct config_options dir = { .file = "/tmp" };
    must_refuse(&dir, "it is no regular file");

    scoped(freep) char *file = write_file("two.yaml", 0644, "workspaces: {a: {}, b: {}}\n");
    struct config_options opt = { .file = file, .mode = "live" };
    must_refuse(&opt, "--mode is for one workspace, but ");
    opt.mode = NULL;
    setenv("SENDKIT_API_KEY", "sk_x", 1);
    must_refuse(&opt, "SENDKIT_API_KEY is for one workspace");
}

/* ---- secrets
 * ---------------------------------------------------------------------------------------- */

static void test_only_environment(void **state)
{
    (void)state;
    const struct config_options opt = { .api_url = "http://127.0.0.1:9", .read_secrets = true };
    must_refuse(&opt, "has no webhook secret");
    must_refuse(&opt, "has no API key");
    setenv("SENDKIT_API_KEY", "sk_key\n", 1);
    setenv("SENDKIT_WEBHOOK_SECRET", "0123456789012345678901234", 1);
    scoped(config_freep) struct config *c = must_load(&opt);
    scoped(workspace_secrets_unrefp) struct workspace_secrets *s =
        workspace_secrets(&c->workspaces[0]);
    assert_string_equal(s->api_key, "sk_key");
    assert_int_equal(s->nkeys, 1);
    assert_int_equal(s->keys[0].len, 25);
    assert_string_equal(s->keys[0].source, "variable SENDKIT_WEBHOOK_SECRET");
    assert_string_equal(workspace_api_key_source(&c->workspaces[0]), "variable SENDKIT_API_KEY");
}

#define KEYED(rest)                                                                                \
    "defaults: {api_key: {file: key}, webhook: {secrets: [{file: hook}]}}\nworkspaces: {a: {" rest \
    "}}\n"

static const struct {
    const char *name, *config, *key, *hook, *words; /* NULL: fine; "warning: ...": nearly */
} keyed[] = {
    { "plain", KEYED(""), "sk_1\n", "0123456789012345678901234\n", NULL },
    { "own prefix", KEYED(""), "key-1", "0123456789012345678901234", "warning: file" },
    { "short hook", KEYED(""), "sk_1", "01234567890123456789012", "warning: file" },
    { "platform key", KEYED("workspace_id: w"), "sk_user_1", "0123456789012345678901234", NULL },
    { "platform key alone", KEYED(""), "sk_user_1", "x", "needs workspace_id" },
    { "workspace key with id", KEYED("workspace_id: w"), "sk_1", "x", "leave workspace_id out" },
    { "two words", KEYED(""), "sk_1 sk_2", "x", "one word of visible ASCII" },
    { "two lines", KEYED(""), "sk_1\nX-Evil: 1", "x", "one word of visible ASCII" },
    { "empty key", KEYED(""), "", "x", "is empty" },
    { "empty hook", KEYED(""), "sk_1", "\n", "is empty" },
    { "not base64", KEYED("webhook: {preset: standard}"), "sk_1", "whsec_!!", "not written in" },
    { "form not named", KEYED("webhook: {preset: standard}"), "sk_1", "AAAA", "say secret_form" },
    { "no key file", KEYED("api_key: {file: nothing}"), "sk_1", "x", "No such file" },
    { "no variable", KEYED("api_key: {env: GAMMA_OLD}"), "sk_1", "x", "GAMMA_OLD: is not set" },
    { "no credential", KEYED("api_key: {credential: x}"), "sk_1", "x", "there are no credentials" },
    { "a folder", KEYED("api_key: {file: /tmp}"), "sk_1", "x", "is no regular file" },
};

static void test_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(keyed); i++) {
        scoped(diags_done) struct diags d = DIAGS_INIT;
        scoped(freep) char *file = write_file("c.yaml", 0644, keyed[i].config);
        scoped(freep) char *key __attribute__((unused)) = write_file("key", 0600, keyed[i].key);
        scoped(freep) char *hook __attribute__((unused)) = write_file("hook", 0600, keyed[i].hook);
        const struct config_options opt = { .file = file, .read_secrets = true };
        struct config *c = NULL;
        const int rc = config_load(&opt, &c, &d);
        scoped(freep) char *text = diags_text(&d);
        const char *words = keyed[i].words;
        const bool loads = !words || strncmp(words, "warning", 7) == 0;
        if ((rc == 0) != loads || (words && !strstr(text, words)))
            fail_msg("%s: %s", keyed[i].name, text);
        if (!words && d.warnings)
            fail_msg("%s: %s", keyed[i].name, text);
        config_free(c);
    }
}

static void test_warnings(void **state)
{
    (void)state;
    scoped(diags_done) struct diags d = DIAGS_INIT;
    scoped(freep) char *file = write_file("c.yaml", 0644, KEYED(""));
    scoped(freep) char *key __attribute__((unused)) = write_file("key", 0644, "sk_1");
    scoped(freep) char *hook __attribute__((unused)) = write_file("hook", 0600, "short");
    const struct config_options opt = { .file = file, .read_secrets = true };
    scoped(config_freep) struct config *c = NULL;
    assert_int_equal(config_load(&opt, &c, &d), 0);
    scoped(freep) char *text = diags_text(&d);
    assert_int_equal(d.warnings, 2);
    assert_non_null(strstr(text, "everybody on this machine can read it"));
    assert_non_null(strstr(text, "c.yaml:1:"));
    assert_non_null(strstr(text, "is shorter than the 24 bytes"));
}

static void test_reload(void **state)
{
    (void)state;
    scoped(freep) char *file =
        write_file("c.yaml", 0644,
                   "workspaces: {a: {api_key: {file: key}, webhook: {secrets: [{file: hook}, {env: "
                   "GAMMA_SECRET}]}}}\n");
    scoped(freep) char *key __attribute__((unused)) = write_file("key", 0600, "sk_1");
    scoped(freep) char *hook __attribute__((unused)) = write_file("hook", 0600, "first");
    setenv("GAMMA_SECRET", "second", 1);
    const struct config_options opt = { .file = file, .read_secrets = true };
    scoped(config_freep) struct config *c = must_load(&opt);
    scoped(workspace_secrets_unrefp) struct workspace_secrets *old =
        workspace_secrets(&c->workspaces[0]);

    free(write_file("hook", 0600, "third"));
    struct secrets_report report;
    scoped(diags_done) struct diags d = DIAGS_INIT;
    assert_int_equal(config_reload_secrets(c, &report, &d), 0);
    assert_int_equal(report.read, 2);
    assert_int_equal(report.changed, 1);
    assert_int_equal(report.fixed, 1);
    struct workspace_secrets *now = workspace_secrets(&c->workspaces[0]);
    assert_memory_equal(now->keys[0].bytes, "third", 5);
    assert_memory_equal(old->keys[0].bytes, "first", 5); /* whoever began with it has it */
    workspace_secrets_unref(now);

    free(write_file("key", 0600, "sk_user_1"));
    assert_int_equal(config_reload_secrets(c, &report, &d), -1);
    now = workspace_secrets(&c->workspaces[0]);
    assert_string_equal(now->api_key, "sk_1");
    workspace_secrets_unref(now);
}

static void test_credentials(void **state)
{
    (void)state;
    scoped(freep) char *file =
        write_file("c.yaml", 0644, "defaults: {verify: none, api_key: {credential: key}}\n");
    scoped(freep) char *key __attribute__((unused)) = write_file("key", 0600, "sk_1");
    setenv("CREDENTIALS_DIRECTORY", folder, 1);
    const struct config_options opt = { .file = file, .read_secrets = true };
    scoped(config_freep) struct config *c = must_load(&opt);
    scoped(workspace_secrets_unrefp) struct workspace_secrets *s =
        workspace_secrets(&c->workspaces[0]);
    assert_string_equal(s->api_key, "sk_1");
    assert_int_equal(s->nkeys, 0);
    assert_true(c->workspaces[0].verify->none);
    const struct config_options open = { .file = file, .listen = "0.0.0.0:1" };
    must_refuse(&open, "only allowed while listening on loopback; this listens on 0.0.0.0:1");
}

/* Secrets, their form and tolerance alone leave sendkit's scheme; a header makes one of
 * one's own. */
static void test_implied_scheme(void **state)
{
    (void)state;
    scoped(freep) char *file = write_file(
        "c.yaml", 0644,
        "defaults: {mode: shadow, webhook: {secret_form: hex, secrets: [{env: X}]}}\n"
        "workspaces:\n"
        "  a: {}\n"
        "  b: {webhook: {secret_form: text}}\n"
        "  c: {webhook: {header: X-S, timestamp_header: X-T, signed: '{timestamp}.{body}'}}\n"
        "  d: {webhook: {preset: slack, tolerance: 9m}}\n");
    const struct config_options opt = { .file = file };
    scoped(config_freep) struct config *c = must_load(&opt);
    static const char *const wants[][2] = {
        { "a", "sendkit" }, { "b", "sendkit" }, { "c", "own" }, { "d", "slack" }
    };
    for (size_t i = 0; i < ARRAY_LEN(wants); i++)
        assert_string_equal(config_workspace(c, wants[i][0])->verify->preset, wants[i][1]);
    assert_int_equal(config_workspace(c, "b")->verify->secret_form, SECRET_TEXT);

    scoped(freep) char *bad =
        write_file("bad.yaml", 0644,
                   "defaults: {mode: shadow, webhook: {secrets: [{env: X}], tolerance: 5m}}\n");
    const struct config_options late = { .file = bad };
    must_refuse(&late, "tolerance means nothing where no time is signed");
}

static void test_show(void **state)
{
    (void)state;
    const struct config_options opt = { .file = TEST_DATA "/config/good/all.yaml" };
    scoped(config_freep) struct config *c = must_load(&opt);
    scoped(json_freep) struct json_object *v = config_show(c, "gamma");
    assert_non_null(json_at(v, "/workspaces/gamma"));
    assert_null(json_at(v, "/workspaces/acme"));
    assert_string_equal(json_str(json_at(v, "/workspaces/gamma/webhook/secrets/0"), NULL),
                        "variable GAMMA_SECRET");
    assert_string_equal(json_str(json_at(v, "/workspaces/gamma/settle"), NULL), "10m");
    assert_string_equal(json_str(json_at(v, "/retention"), NULL), "60d");
}

/* The file says what holds without it, and the schema that editors use says the same: see
 * test_schemas.py. */
static void test_written_defaults(void **state)
{
    (void)state;
    const struct config_options without = { .file = NULL };
    const struct config_options with = { .file = TEST_DATA "/config/good/defaults.yaml" };
    scoped(config_freep) struct config *a = must_load(&without);
    scoped(config_freep) struct config *b = must_load(&with);
    b->file = NULL;
    scoped(json_freep) struct json_object *shown_a = config_show(a, NULL);
    scoped(json_freep) struct json_object *shown_b = config_show(b, NULL);
    scoped(buf_free) struct buf text_a = BUF_INIT;
    scoped(buf_free) struct buf text_b = BUF_INIT;
    json_write(&text_a, shown_a, JSON_COMPACT);
    json_write(&text_b, shown_b, JSON_COMPACT);
    assert_string_equal(buf_str(&text_b), buf_str(&text_a));
}

static const struct {
    const char *text;
    bool ok;
    size_t bytes;
} sizes[] = {
    { "0", true, 0 },      { "1MiB", true, 1 << 20 }, { "64K", true, 65536 },
    { "2kB", true, 2000 }, { "1GiB", true, 1 << 30 }, { "2GiB", false, 0 },
    { "", false, 0 },      { "MiB", false, 0 },       { "1 MiB", false, 0 },
    { "-1", false, 0 },    { "1mib", false, 0 },      { "99999999999", false, 0 },
};

static void test_sizes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        size_t bytes = 0;
        if (config_parse_size(sizes[i].text, &bytes) != sizes[i].ok || bytes != sizes[i].bytes)
            fail_msg("'%s': %zu", sizes[i].text, bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_bad_files, clean),
        cmocka_unit_test_setup(test_everything, clean),
        cmocka_unit_test_setup(test_defaults, clean),
        cmocka_unit_test_setup(test_systemd_folders, clean),
        cmocka_unit_test_setup(test_precedence, clean),
        cmocka_unit_test_setup(test_outside_mistakes, clean),
        cmocka_unit_test_setup(test_only_environment, clean),
        cmocka_unit_test_setup(test_keys, clean),
        cmocka_unit_test_setup(test_warnings, clean),
        cmocka_unit_test_setup(test_reload, clean),
        cmocka_unit_test_setup(test_credentials, clean),
        cmocka_unit_test_setup(test_implied_scheme, clean),
        cmocka_unit_test_setup(test_show, clean),
        cmocka_unit_test_setup(test_written_defaults, clean),
        cmocka_unit_test_setup(test_sizes, clean),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
