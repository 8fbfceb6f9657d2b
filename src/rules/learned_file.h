/* learned_file.h - the file in which a learned test belongs, and its text with the test in it.
 *
 * Reads files and writes none. */
#ifndef AUTOMARK_RULES_LEARNED_FILE_H
#define AUTOMARK_RULES_LEARNED_FILE_H

#include "base/buf.h"
#include "rules/learned.h"

struct error;

struct learned_file {
    char *path;
    bool is_test_file;
    bool is_new;
    struct buf old;           /* its bytes now */
    const struct rule *own;   /* beside which the test goes, or NULL; borrowed from the rules */
    struct rules_tests tests; /* of a test file that is there */
    const char *expect;       /* word that the test must say, or NULL */
    const struct rule_test *known; /* the same test, which is there already */
    struct buf text;               /* the new bytes */
    unsigned line;                 /* of the new test, or of the known one */
};

/* A rule's own tests; the test file beside it that has tests of it; else its tests begin with
 * this one. Keep: the test file that has tests of what decided (v), else learned.test.yaml of
 * that folder, which may have to be made. -1 with err. out is to be released. */
int learned_file_choose(const struct ruleset *rs, const struct learned *l,
                        const struct rule *expect, struct learned_file *out, struct error *err);
/* Fills text and line, unless the test is known. What comes out was loaded with all the other
 * files of rs; any doubt is -1 with err. */
int learned_file_add(const struct ruleset *rs, const struct rules_source *src,
                     const struct learned *l, struct learned_file *f, struct error *err);
/* Runs the test as it stands in text (or is known). True when it passes; what was expected and
 * what happened are appended. -1 with err when it does not load. */
int learned_file_run(const struct ruleset *rs, const struct rules_source *src,
                     const struct learned_file *f, int64_t now_ms, bool *passes,
                     struct buf *expected, struct buf *got, struct error *err);
void learned_file_done(struct learned_file *f);

#endif
