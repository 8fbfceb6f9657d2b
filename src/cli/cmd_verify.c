/* verify - a captured request and a secret: which scheme, which reading, or what is off. */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/http_request.h"
#include "cli/webhook_yaml.h"
#include "config.h"
#include "serve/doctor.h"

static const char usage[] =
    "usage: automark verify BODY --secret-file FILE... --header 'Name: value'... [OPTION...]\n"
    "       automark verify --raw REQUEST --secret-file FILE... [OPTION...]\n"
    "\n"
    "Says how a captured webhook is signed: which scheme, which encoding and which reading of\n"
    "the secret fit, and the configuration that accepts it; or what is off: a body that was\n"
    "changed, a secret that is read in another way, a missing header. Nothing is sent, and no\n"
    "secret or expected signature is printed.\n"
    "\n"
    "  BODY                    the body, byte by byte as it arrived; - : standard input\n"
    "  --header 'Name: value'  a header of the request, may be repeated\n"
    "  --raw REQUEST           instead of both: a whole request, from its first line on\n"
    "  --secret-file FILE      a secret to try, may be repeated\n"
    "  --config FILE, --workspace NAME   also say what that workspace would answer\n"
    "  --now TIME              date or RFC 3339, for time windows; default: now\n"
    "  --format FORMAT         text (default) or json\n"
    "\n"
    "exit status: 0 it passes, 1 it does not, 2 wrong use, 3 trouble\n";

#define BODY_MAX (16u * 1024 * 1024)
#define SECRET_MAX 65536

enum { OPT_HEADER = 256, OPT_RAW, OPT_SECRET, OPT_CONFIG, OPT_WORKSPACE, OPT_NOW, OPT_FORMAT };
enum { OPT_HELP = OPT_FORMAT + 1 };

static const struct option longs[] = {
    { "header", required_argument, NULL, OPT_HEADER },
    { "raw", required_argument, NULL, OPT_RAW },
    { "secret-file", required_argument, NULL, OPT_SECRET },
    { "config", required_argument, NULL, OPT_CONFIG },
    { "workspace", required_argument, NULL, OPT_WORKSPACE },
    { "now", required_argument, NULL, OPT_NOW },
    { "format", required_argument, NULL, OPT_FORMAT },
    { "help", no_argument, NULL, OPT_HELP },
    { NULL, 0, NULL, 0 },
};

struct options {
    const char *body, *raw, *config, *workspace;
    struct http_request request; /* of --raw, or of BODY and --header */
    const char *secret_files[DOCTOR_SECRETS_MAX];
    struct buf secret_texts[DOCTOR_SECRETS_MAX];
    size_t nsecrets;
    int64_t now_ms;
    bool json;
};

static void options_done(struct options *o)
{
    http_request_done(&o->request);
    for (size_t i = 0; i < o->nsecrets; i++) {
        if (o->secret_texts[i].data)
            explicit_bzero(o->secret_texts[i].data, o->secret_texts[i].len);
        buf_free(&o->secret_texts[i]);
    }
}

/* ---- options --------------------------------------------------------------------------- */

/* -1: fine; else the exit code. */
static int add_header(struct options *o, const char *line)
{
    struct error err = ERROR_INIT;
    if (http_request_add_header(&o->request, line, strlen(line), &err) == 0)
        return -1;
    return cli_usage(usage, "--header '%s': %s", line, err.msg);
}

static int add_secret(struct options *o, const char *file)
{
    if (o->nsecrets == DOCTOR_SECRETS_MAX)
        return cli_usage(usage, "at most %d secrets are tried", DOCTOR_SECRETS_MAX);
    o->secret_files[o->nsecrets++] = file;
    return -1;
}

static int take_option(struct options *o, int c, char **argv)
{
    switch (c) {
    case OPT_HEADER:
        return add_header(o, optarg);
    case OPT_SECRET:
        return add_secret(o, optarg);
    case OPT_RAW:
        o->raw = optarg;
        return -1;
    case OPT_CONFIG:
        o->config = optarg;
        return -1;
    case OPT_WORKSPACE:
        o->workspace = optarg;
        return -1;
    case OPT_FORMAT:
        return cli_json_wanted(optarg, &o->json) ? -1 : EXIT_USAGE;
    case OPT_NOW:
        return cli_now(usage, optarg, &o->now_ms);
    case OPT_HELP:
        return cli_help(usage);
    default:
        return cli_bad_option(usage, argv);
    }
}

static int check_options(struct options *o, int argc, char **argv)
{
    if (argc - optind > 1)
        return cli_usage(usage, "one body at a time: '%s' is too much", argv[optind + 1]);
    o->body = argc > optind ? argv[optind] : NULL;
    if (o->raw && (o->body || o->request.nheaders > 0))
        return cli_usage(usage, "--raw has body and headers in it: leave BODY and --header out");
    if (!o->raw && !o->body)
        return cli_usage(usage, "which body? a file, - for standard input, or --raw REQUEST");
    if (!o->raw && o->request.nheaders == 0)
        return cli_usage(usage, "which headers? the signature stands in one: --header 'Name: "
                                "value'");
    if (o->nsecrets == 0)
        return cli_usage(usage, "which secret? --secret-file FILE");
    return -1;
}

static int read_options(struct options *o, int argc, char **argv)
{
    opterr = 0;
    optind = 1;
    for (int c; (c = getopt_long(argc, argv, ":", longs, NULL)) != -1;) {
        const int done = take_option(o, c, argv);
        if (done >= 0)
            return done;
    }
    return check_options(o, argc, argv);
}

/* ---- what is read ------------------------------------------------------------------------ */

static int read_request(struct options *o, struct error *err)
{
    if (!o->raw)
        return cli_read(o->body, BODY_MAX, &o->request.body, err);
    scoped(buf_free) struct buf raw = BUF_INIT;
    if (cli_read(o->raw, BODY_MAX, &raw, err) < 0)
        return -1;
    if (http_request_parse(&o->request, buf_str(&raw), raw.len, err) == 0)
        return 0;
    return error_prefix(err, "%s: ", o->raw);
}

static int read_secrets(struct options *o, struct error *err)
{
    for (size_t i = 0; i < o->nsecrets; i++)
        if (cli_read(o->secret_files[i], SECRET_MAX, &o->secret_texts[i], err) < 0)
            return -1;
    return 0;
}

/* ---- what is said -------------------------------------------------------------------------- */

static const char *hash_name(enum verify_hash hash)
{
    static const char *const names[] = {
        [VERIFY_SHA256] = "SHA-256", [VERIFY_SHA512] = "SHA-512", [VERIFY_SHA1] = "SHA-1"
    };
    return names[hash];
}

static void describe_scheme(struct buf *b, const struct verify_scheme *s)
{
    scoped(freep) char *signs = doctor_template(s);
    const bool own = strcmp(s->preset, "own") == 0;
    buf_printf(b, "%s%s: HMAC-%s of %s, in %s", own ? "a scheme of its own" : "preset ",
               own ? "" : s->preset, hash_name(s->hash), signs,
               s->encoding == VERIFY_HEX ? "hex" : "base64");
}

static void print_match(const struct options *o, const struct doctor_report *r)
{
    scoped(buf_free) struct buf scheme = BUF_INIT;
    describe_scheme(&scheme, r->scheme);
    printf("  scheme  %s\n", buf_str(&scheme));
    printf("  secret  %s, read %s\n", o->secret_files[r->secret], doctor_reading_words(r->reading));
    if (r->time.class == VERIFY_TIME)
        printf("  time    %s\n          For a capture that is normal; the daemon refuses it now.\n",
               r->time.msg);
}

static void print_reading(const struct doctor_report *r)
{
    if (r->reading_usual)
        return;
    if (r->reading <= READ_HEX)
        printf("note: the sender reads the secret %s, which is unusual for this scheme: "
               "secret_form says so\n",
               doctor_reading_words(r->reading));
    else
        printf("the sender reads the secret %s: write the file so, with `secret_form: text`\n",
               doctor_reading_words(r->reading));
}

static void print_configuration(const struct options *o, const struct doctor_report *r)
{
    scoped(buf_free) struct buf yaml = BUF_INIT;
    webhook_yaml(&yaml, r, o->secret_files[r->secret]);
    printf("\nconfiguration that accepts it:\n  %s\n", buf_str(&yaml));
}

static void print_report(const struct options *o, const struct doctor_report *r)
{
    if (!r->scheme) {
        printf("does not pass: nothing that was tried (%zu ways) gives this signature\n", r->tried);
        for (size_t i = 0; i < r->nnotes; i++)
            printf("  %s\n", r->notes[i]);
        return;
    }
    if (doctor_passes(r)) {
        puts("passes");
        print_match(o, r);
        print_reading(r);
        print_configuration(o, r);
        return;
    }
    puts(r->change != BODY_AS_IS ? "does not pass: the body is not the one that was signed"
                                 : "does not pass: the secret is read in another way");
    if (r->change != BODY_AS_IS)
        printf("  body    %s\n", body_change_words(r->change));
    print_match(o, r);
    print_reading(r);
}

static const char *outcome_word(const struct doctor_report *r)
{
    if (!r->scheme)
        return "no-match";
    if (doctor_passes(r))
        return "passes";
    return r->change != BODY_AS_IS ? "body-changed" : "secret-misread";
}

static void put_match(struct json_object *o, const struct options *opt,
                      const struct doctor_report *r)
{
    scoped(buf_free) struct buf yaml = BUF_INIT;
    scoped(freep) char *signs = doctor_template(r->scheme);
    json_put_str(o, "preset", r->scheme->preset);
    json_put_str(o, "signed", signs);
    json_put_str(o, "hash", hash_name(r->scheme->hash));
    json_put_str(o, "encoding", r->scheme->encoding == VERIFY_HEX ? "hex" : "base64");
    json_put_str(o, "secret", opt->secret_files[r->secret]);
    json_put_str(o, "read", doctor_reading_words(r->reading));
    json_put_str(o, "body", body_change_words(r->change));
    if (r->time.class == VERIFY_TIME)
        json_put_str(o, "time", r->time.msg);
    if (!doctor_passes(r))
        return;
    webhook_yaml(&yaml, r, opt->secret_files[r->secret]);
    json_put_str(o, "configuration", buf_str(&yaml));
}

static void print_json(const struct options *opt, const struct doctor_report *r,
                       const struct verify_result *workspace)
{
    scoped(json_freep) struct json_object *o = json_new_object();
    json_put_str(o, "outcome", outcome_word(r));
    json_put_int(o, "tried", (int64_t)r->tried);
    if (r->scheme)
        put_match(o, opt, r);
    struct json_object *notes = json_new_array();
    for (size_t i = 0; i < r->nnotes; i++)
        json_push_str(notes, r->notes[i]);
    json_put(o, "notes", notes);
    if (workspace)
        json_put_str(o, "workspace", workspace->class == VERIFY_OK ? "accepts it" : workspace->msg);
    cli_print_json(o);
}

/* ---- what a workspace would answer ------------------------------------------------------------
 */

static const struct workspace_config *choose(const struct config *cfg, const char *name)
{
    if (name)
        return config_workspace(cfg, name);
    return cfg->nworkspaces == 1 ? &cfg->workspaces[0] : NULL;
}

/* -1: fine; else the exit code. */
static int ask_workspace(const struct options *o, struct verify_result *out)
{
    scoped(diags_done) struct diags d = DIAGS_INIT;
    scoped(config_freep) struct config *cfg = NULL;
    const struct config_options opt = { .file = o->config, .read_secrets = true };
    const int rc = config_load(&opt, &cfg, &d);
    diags_print(&d, stderr);
    if (rc < 0)
        return EXIT_MISTAKES;
    const struct workspace_config *w = choose(cfg, o->workspace);
    if (!w)
        return cli_usage(usage, "which workspace? --workspace NAME, of those in the configuration");
    scoped(workspace_secrets_unrefp) struct workspace_secrets *secrets = workspace_secrets(w);
    verify_request(w->verify, secrets->keys, secrets->nkeys, buf_str(&o->request.body),
                   o->request.body.len, o->request.headers, o->request.nheaders, o->now_ms, out);
    if (!o->json && out->class == VERIFY_OK)
        printf("\nworkspace %s accepts it\n", w->name);
    else if (!o->json)
        printf("\nworkspace %s refuses it: %s\n", w->name, out->msg);
    return -1;
}

static int run(struct options *o)
{
    struct error err = ERROR_INIT;
    if (read_request(o, &err) < 0 || read_secrets(o, &err) < 0) {
        const int trouble = cli_trouble(&err);
        return err.kind == ERR_INPUT ? EXIT_MISTAKES : trouble;
    }
    struct doctor_secret secrets[DOCTOR_SECRETS_MAX];
    for (size_t i = 0; i < o->nsecrets; i++)
        secrets[i] = (struct doctor_secret){ .text = buf_str(&o->secret_texts[i]),
                                             .len = o->secret_texts[i].len };
    const struct doctor_request req = { .body = buf_str(&o->request.body),
                                        .len = o->request.body.len,
                                        .headers = o->request.headers,
                                        .nheaders = o->request.nheaders,
                                        .now_ms = o->now_ms };
    scoped(doctor_report_done) struct doctor_report r = { .scheme = NULL };
    struct verify_result workspace = { .class = VERIFY_OK };
    doctor_examine(&req, secrets, o->nsecrets, &r);
    if (!o->json)
        print_report(o, &r);
    const int early = o->config ? ask_workspace(o, &workspace) : -1;
    if (early >= 0)
        return early;
    if (o->json)
        print_json(o, &r, o->config ? &workspace : NULL);
    if (fflush(stdout) != 0)
        return EXIT_TROUBLE;
    return doctor_passes(&r) ? EXIT_FINE : EXIT_MISTAKES;
}

int cmd_verify(int argc, char **argv)
{
    scoped(options_done) struct options o = { .now_ms = clock_wall_ms() };
    const int done = read_options(&o, argc, argv);
    return done >= 0 ? done : run(&o);
}
