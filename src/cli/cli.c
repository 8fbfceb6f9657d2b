#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"

/* usage: automark NAME ... -> NAME */
static int name_in_usage(const char *usage, const char **name)
{
    *name = strstr(usage, "automark ") + strlen("automark ");
    return (int)strcspn(*name, " \n");
}

/* The mistake must not be buried under a page of options: the forms, and where more is. */
int cli_usage(const char *usage, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("automark: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);

    const char *name;
    const int len = name_in_usage(usage, &name);
    const char *forms_end = strstr(usage, "\n\n");
    const size_t forms = forms_end ? (size_t)(forms_end - usage) + 1 : strlen(usage);
    fprintf(stderr, "%.*s'automark %.*s --help' tells more\n", (int)forms, usage, len, name);
    return EXIT_USAGE;
}

int cli_help(const char *usage)
{
    fputs(usage, stdout);
    return EXIT_FINE;
}

int cli_trouble(const struct error *err)
{
    fputs("automark: ", stderr);
    if (err->file[0])
        fprintf(stderr, "%s:", err->file);
    if (err->line)
        fprintf(stderr, "%u:", err->line);
    if (err->line && err->col)
        fprintf(stderr, "%u:", err->col);
    fprintf(stderr, "%s%s\n", err->file[0] ? " " : "", err->msg);
    return EXIT_TROUBLE;
}

int cli_bad_option(const char *usage, char **argv)
{
    const char *word = optind > 0 ? argv[optind - 1] : "";
    if (optopt && word[0] == '-' && word[1] == '-')
        return cli_usage(usage, "option '%s' needs a value, or takes none", word);
    if (optopt)
        return cli_usage(usage, "option '-%c' is unknown or lacks its value", optopt);
    return cli_usage(usage, "unknown option '%s'", word);
}

bool cli_json_wanted(const char *format, bool *json)
{
    *json = format && strcmp(format, "json") == 0;
    if (!format || *json || strcmp(format, "text") == 0)
        return true;
    fprintf(stderr, "automark: --format is '%s': text or json would be right\n", format);
    return false;
}

int cli_now(const char *usage, const char *word, int64_t *now_ms)
{
    if (clock_parse(word, now_ms))
        return -1;
    return cli_usage(usage, "--now is '%s': 2026-08-01, or RFC 3339, would be right", word);
}

bool cli_count_wanted(const char *option, const char *word, int64_t *out)
{
    char *end = NULL;
    errno = 0;
    const long long n = strtoll(word, &end, 10);
    *out = n;
    if (*word >= '0' && *word <= '9' && !*end && !errno && n > 0)
        return true;
    fprintf(stderr, "automark: %s is '%s': a number from 1 would be right\n", option, word);
    return false;
}

void cli_print_json(const struct json_object *v)
{
    scoped(buf_free) struct buf b = BUF_INIT;
    json_write(&b, v, JSON_PRETTY);
    puts(buf_str(&b));
}

static struct json_object *diag_json(const struct diag *g)
{
    struct json_object *o = json_new_object();
    json_put_str(o, "file", g->file);
    if (g->line)
        json_put_int(o, "line", g->line);
    if (g->col)
        json_put_int(o, "col", g->col);
    if (g->end)
        json_put_int(o, "endCol", g->end);
    json_put_str(o, "severity", diag_level_name(g->level));
    json_put_str(o, "message", g->msg);
    if (g->source)
        json_put_str(o, "source", g->source);
    return o;
}

void cli_print_diags_json(const struct diags *d)
{
    scoped(json_freep) struct json_object *list = json_new_array();
    for (size_t i = 0; i < d->count; i++)
        json_push(list, diag_json(&d->list[i]));
    if (d->dropped > 0) {
        scoped(freep) char *words = xasprintf("and %zu more", d->dropped);
        json_push(list, diag_json(&(struct diag){ .level = DIAG_NOTE, .msg = words }));
    }
    cli_print_json(list);
}

bool cli_colour(FILE *to)
{
    const char *no = getenv("NO_COLOR");
    return isatty(fileno(to)) && !(no && *no);
}

int cli_read(const char *path, size_t max, struct buf *out, struct error *err)
{
    const bool standard = !path || strcmp(path, "-") == 0;
    const char *name = standard ? "standard input" : path;
    const int opened = standard ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    scoped(closep) int fd = opened;
    if (!standard && fd < 0)
        return error_sys(err, errno, "opening %s", name);
    if (buf_read_fd(out, standard ? STDIN_FILENO : fd, max) == 0)
        return 0;
    if (errno == EFBIG)
        return error_set(err, ERR_INPUT, "%s is longer than %zu bytes", name, max);
    return error_sys(err, errno, "reading %s", name);
}
