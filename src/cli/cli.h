/* cli.h - what the subcommands share. Only cli/ writes to stdout.
 *
 * A subcommand is int cmd_xxx(int argc, char **argv), argv[0] being its name: it reads
 * its options (getopt_long), does one thing and chooses the exit code. */
#ifndef AUTOMARK_CLI_CLI_H
#define AUTOMARK_CLI_CLI_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct buf;
struct error;
struct diags;
struct json_object;

enum {
    EXIT_FINE = 0,
    EXIT_MISTAKES = 1, /* found something: failed test, error in a rule, differing verdicts */
    EXIT_USAGE = 2,
    EXIT_TROUBLE = 3, /* could not do it: I/O, network */
};

/* Prints the words, the forms of the command (the first lines of usage, which begins
 * "usage: automark NAME") and where to read more to stderr; returns EXIT_USAGE. */
int cli_usage(const char *usage, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Prints the usage to stdout; returns EXIT_FINE. For --help. */
int cli_help(const char *usage);
/* "automark: file:line:col: words" to stderr; returns EXIT_TROUBLE. */
int cli_trouble(const struct error *err);

/* For getopt_long's '?' and ':' (opterr is off): names the option that is unknown or
 * lacks its value, then the usage. */
int cli_bad_option(const char *usage, char **argv);

/* --format text|json. false (with a message) when it is neither. */
bool cli_json_wanted(const char *format, bool *json);
/* --now, as an option's outcome: -1, or EXIT_USAGE with a message. */
int cli_now(const char *usage, const char *word, int64_t *now_ms);
/* A number from 1. false (with a message) when it is none. */
bool cli_count_wanted(const char *option, const char *word, int64_t *out);
/* Pretty JSON and a line break to stdout. */
void cli_print_json(const struct json_object *v);
/* Diagnostics as a JSON list on stdout. */
void cli_print_diags_json(const struct diags *d);

/* A terminal, and NO_COLOR not set (no-color.org). */
bool cli_colour(FILE *to);

/* The whole of FILE, or of standard input for "-" or NULL, at most max bytes. */
int cli_read(const char *path, size_t max, struct buf *out, struct error *err);

int cmd_serve(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_test(int argc, char **argv);
int cmd_text(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_queue(int argc, char **argv);
int cmd_events(int argc, char **argv);
int cmd_diff(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_learn(int argc, char **argv);

#endif
