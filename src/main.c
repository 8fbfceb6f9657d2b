/* main.c - the whole program on one screen: commands and global options. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/versions.h"

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} commands[] = {
    { "serve", cmd_serve, "the daemon: replies in, marks out" },
    { "queue", cmd_queue, "marks that wait, were sent or failed: list, retry, cancel, release" },
    { "events", cmd_events, "what rules saw of recent replies, as the daemon recorded it" },
    { "check", cmd_check, "mistakes in rule files, by file, line and column" },
    { "test", cmd_test, "runs the rules' own tests" },
    { "diff", cmd_diff, "which recorded replies would change their verdict under other rules" },
    { "explain", cmd_explain, "why an event has the verdict that it has" },
    { "learn", cmd_learn, "makes a recorded reply a scrubbed test of a rule" },
    { "text", cmd_text, "what a rule will see of a mail: reply, signature, quoted history" },
    { "verify", cmd_verify, "how a captured webhook is signed, or what is wrong with it" },
    { "version", NULL, "of automark and the libraries that it runs with; also --version" },
    { "help", NULL, "this page; 'automark COMMAND --help' tells about one command" },
};

static void print_help(FILE *to)
{
    fputs("automark marks replies that carry no intent as read, and leaves the rest for people.\n\n"
          "usage: automark COMMAND [OPTION...]\n\n",
          to);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].summary);
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    if (strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        print_help(stdout);
        return EXIT_FINE;
    }
    if (strcmp(word, "version") == 0 || strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
        return versions_print();
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (commands[i].run && strcmp(word, commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    if (word[0])
        fprintf(stderr, "automark: unknown command '%s'\n", word);
    print_help(stderr);
    return EXIT_USAGE;
}
