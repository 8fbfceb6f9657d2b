/* cmd_serve.c - automark serve: reads the configuration and runs the daemon. */
#include <getopt.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/versions.h"
#include "config.h"
#include "serve/serve.h"

static const char usage[] =
    "usage: automark serve [OPTION...]\n"
    "\n"
    "Receives replies at POST /hooks/WORKSPACE, decides by the rules, marks through the API.\n"
    "\n"
    "  --config FILE       configuration with workspaces        AUTOMARK_CONFIG\n"
    "  --listen ADDR:PORT  default 127.0.0.1:8085               AUTOMARK_LISTEN\n"
    "  --store URL         sqlite:FILE                          AUTOMARK_STORE\n"
    "  --rules PATH        file or folder, repeatable           AUTOMARK_RULES\n"
    "  --api-url URL       default https://api.sendkit.ai       AUTOMARK_API_URL\n"
    "  --mode MODE         live, shadow or paused               AUTOMARK_MODE\n"
    "  --log-format FMT    logfmt or json, default logfmt\n"
    "  --log-level LEVEL   debug, info, warn or error, default info\n"
    "\n"
    "Without a configuration file there is one workspace, 'default'; its API key and webhook\n"
    "secret are SENDKIT_API_KEY and SENDKIT_WEBHOOK_SECRET. A flag wins over a variable, a\n"
    "variable over the file. SIGHUP reads rules and secrets again, SIGTERM stops.\n";

static const struct option longs[] = {
    { "config", required_argument, NULL, 'c' },
    { "listen", required_argument, NULL, 'l' },
    { "store", required_argument, NULL, 's' },
    { "rules", required_argument, NULL, 'r' },
    { "api-url", required_argument, NULL, 'a' },
    { "mode", required_argument, NULL, 'm' },
    { "log-format", required_argument, NULL, 'f' },
    { "log-level", required_argument, NULL, 'L' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

struct options {
    struct config_options config;
    const char **rules;
    enum log_format format;
    enum log_level level;
};

/* The index of word in names, or -1. */
static int find(const char *word, const char *const *names, int count)
{
    int i = 0;
    while (i < count && strcmp(word, names[i]) != 0)
        i++;
    return i < count ? i : -1;
}

static bool take_log_option(struct options *o, int c)
{
    static const char *const formats[] = { "logfmt", "json" };
    static const char *const levels[] = { "debug", "info", "warn", "error" };
    const int at = c == 'f' ? find(optarg, formats, 2) : find(optarg, levels, 4);
    if (at < 0)
        return false;
    if (c == 'f')
        o->format = (enum log_format)at;
    else
        o->level = (enum log_level)at;
    return true;
}

static void take_option(struct options *o, int c)
{
    if (c == 'c')
        o->config.file = optarg;
    else if (c == 'l')
        o->config.listen = optarg;
    else if (c == 's')
        o->config.store = optarg;
    else if (c == 'a')
        o->config.api_url = optarg;
    else if (c == 'm')
        o->config.mode = optarg;
    else if (c == 'r')
        o->rules[o->config.nrules++] = optarg;
}

static int run(const struct options *o)
{
    scoped(diags_done) struct diags d = DIAGS_INIT;
    scoped(config_freep) struct config *cfg = NULL;
    const int rc = config_load(&o->config, &cfg, &d);
    diags_sort(&d);
    diags_print(&d, stderr);
    if (rc < 0)
        return EXIT_USAGE;
    log_setup(o->format, o->level);
    char libraries[512];
    versions_libraries(libraries, sizeof(libraries));
    log_info("starting", LOG_STR("version", AUTOMARK_VERSION), LOG_STR("libraries", libraries));
    struct error err = ERROR_INIT;
    const int served = serve_run(cfg, &err);
    if (served == 0)
        return EXIT_FINE;
    log_error("not serving", LOG_STR("error", err.msg));
    return err.kind == ERR_INPUT ? EXIT_MISTAKES : EXIT_TROUBLE;
}

int cmd_serve(int argc, char **argv)
{
    scoped(freep) const char **rules = xcalloc((size_t)argc, sizeof(*rules));
    struct options o = { .config = { .read_secrets = true },
                         .rules = rules,
                         .format = LOG_LOGFMT,
                         .level = LOG_LEVEL_INFO };
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":h", longs, NULL)) != -1;) {
        if (c == 'h')
            return cli_help(usage);
        if (c == '?' || c == ':')
            return cli_bad_option(usage, argv);
        if ((c == 'f' || c == 'L') && !take_log_option(&o, c))
            return cli_usage(usage, "serve: '%s' is no %s", optarg,
                             c == 'f' ? "log format" : "log level");
        take_option(&o, c);
    }
    if (optind < argc)
        return cli_usage(usage, "serve: '%s' is too much", argv[optind]);
    o.config.rules = rules;
    return run(&o);
}
