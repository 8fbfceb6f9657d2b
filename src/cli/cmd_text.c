/* automark text: what a rule will see of a mail. */
#include <getopt.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "cli/cli.h"
#include "event/text.h"

static const char usage[] =
    "usage: automark text [--plain|--html] [--field reply|quoted|signature|text] [--why]\n"
    "                     [--format text|json] [FILE|-]\n"
    "Prints what a rule will see of the mail in FILE or on standard input (default: the\n"
    "reply, the lead's own words). Guesses plain text or HTML. --why also tells which\n"
    "mark cut what, and in which line of the text.\n";

#define INPUT_MAX (64u * 1024 * 1024) /* bytes read; text.h says how many count */

struct options {
    enum text_kind kind;
    const char *field;
    bool why, json;
};

enum { OPT_PLAIN = 256, OPT_HTML, OPT_FIELD, OPT_WHY, OPT_FORMAT, OPT_HELP };

static const struct option long_options[] = {
    { "plain", no_argument, NULL, OPT_PLAIN },
    { "html", no_argument, NULL, OPT_HTML },
    { "field", required_argument, NULL, OPT_FIELD },
    { "why", no_argument, NULL, OPT_WHY },
    { "format", required_argument, NULL, OPT_FORMAT },
    { "help", no_argument, NULL, OPT_HELP },
    { NULL, 0, NULL, 0 },
};

static const struct buf *field_of(const struct reply_text *t, const char *name)
{
    const struct {
        const char *name;
        const struct buf *value;
    } fields[] = { { "reply", &t->reply },
                   { "quoted", &t->quoted },
                   { "signature", &t->signature },
                   { "text", &t->text } };
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (strcmp(fields[i].name, name) == 0)
            return fields[i].value;
    return NULL;
}

/* -1: go on; else the exit code. */
static int read_options(int argc, char **argv, struct options *o)
{
    static const struct reply_text no_text;
    int opt = 0;
    opterr = 0;
    optind = 1;
    while ((opt = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
        if (opt == OPT_PLAIN || opt == OPT_HTML)
            o->kind = opt == OPT_PLAIN ? TEXT_PLAIN : TEXT_HTML;
        else if (opt == OPT_FIELD)
            o->field = optarg;
        else if (opt == OPT_WHY)
            o->why = true;
        else if (opt == OPT_HELP)
            return cli_help(usage);
        else if (opt != OPT_FORMAT)
            return cli_bad_option(usage, argv);
        else if (!cli_json_wanted(optarg, &o->json))
            return EXIT_USAGE;
    }
    if (!field_of(&no_text, o->field))
        return cli_usage(usage, "no field is called '%s'", o->field);
    if (argc - optind > 1)
        return cli_usage(usage, "one file at a time");
    return -1;
}

static void print_text(const struct reply_text *t, const struct options *o)
{
    const struct buf *value = field_of(t, o->field);
    fwrite(buf_str(value), 1, value->len, stdout);
    if (value->len > 0 && value->data[value->len - 1] != '\n')
        putchar('\n');
    if (!o->why)
        return;
    printf("-- why --\n%s\n", t->was_html ? "read as HTML" : "read as plain text");
    for (size_t i = 0; i < t->ncuts; i++)
        printf("line %u: %s: %s\n", t->cuts[i].line, cut_what_name(t->cuts[i].what),
               t->cuts[i].mark);
    if (t->ncuts == 0)
        puts("no mark found: all of it is the reply");
}

static void print_json(const struct reply_text *t)
{
    scoped(json_freep) struct json_object *out = json_new_object();
    json_put_str(out, "reply", buf_str(&t->reply));
    json_put_str(out, "signature", buf_str(&t->signature));
    json_put_str(out, "quoted", buf_str(&t->quoted));
    json_put_str(out, "text", buf_str(&t->text));
    json_put_bool(out, "html", t->was_html);
    json_put_bool(out, "cut", t->reply_cut || t->signature_cut || t->quoted_cut || t->text_cut);
    struct json_object *cuts = json_new_array();
    for (size_t i = 0; i < t->ncuts; i++) {
        struct json_object *cut = json_new_object();
        json_put_int(cut, "line", t->cuts[i].line);
        json_put_str(cut, "what", cut_what_name(t->cuts[i].what));
        json_put_str(cut, "mark", t->cuts[i].mark);
        json_push(cuts, cut);
    }
    json_put(out, "cuts", cuts);
    cli_print_json(out);
}

int cmd_text(int argc, char **argv)
{
    struct options o = { .kind = TEXT_GUESS, .field = "reply" };
    const int done = read_options(argc, argv, &o);
    if (done >= 0)
        return done;

    struct error err = ERROR_INIT;
    scoped(buf_free) struct buf in = BUF_INIT;
    if (cli_read(argv[optind], INPUT_MAX, &in, &err) < 0)
        return cli_trouble(&err);

    scoped(reply_text_done) struct reply_text t = REPLY_TEXT_INIT;
    reply_text_prepare(&t, buf_str(&in), in.len, o.kind, NULL);
    if (o.json)
        print_json(&t);
    else
        print_text(&t, &o);
    return fflush(stdout) == 0 ? EXIT_FINE : EXIT_TROUBLE;
}
