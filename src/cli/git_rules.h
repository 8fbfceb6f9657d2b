/* git_rules.h - rule files as a git revision holds them, without a checkout.
 *
 * Runs `git` (never a shell) in the current folder and keeps the files in memory. */
#ifndef AUTOMARK_CLI_GIT_RULES_H
#define AUTOMARK_CLI_GIT_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "rules/rule.h"

struct error;

struct git_rules {
    struct rule_file *files; /* paths as REV:PATH/name; everything is owned */
    size_t nfiles;
};

/* "HEAD~3:rules" has a colon and does not begin with it; whether it is a path is for the
 * caller to look at first. */
bool git_rules_named(const char *side);

/* All files of the folder, subfolders not, or the one file. -1 with err: git is missing,
 * this is no repository, there is no such revision or path. */
int git_rules_read(const char *side, struct git_rules *out, struct error *err);
void git_rules_done(struct git_rules *g);

#endif
