/* loader.h - what the files that make up rules_load share. Private to them.
 *
 * A loader holds the set being built. Each mistake is added to diags at its place and
 * reading goes on, so that a person sees all of them; whether there were any is asked
 * once, at the end. Nothing here is thread-safe; a loader belongs to one call. */
#ifndef AUTOMARK_RULES_LOADER_H
#define AUTOMARK_RULES_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/yaml.h"
#include "rules/rule.h"
#include "rules/rules_load.h"
#include "rules/words.h"

#define RULES_FILES_MAX 1000
#define RULES_MAX 10000
#define LIST_ENTRIES_MAX 100000
#define NAME_BYTES_MAX 64

/* A pattern that was compiled. Packs ask the same of many fields and rules. */
struct shared_pattern {
    uint64_t hash;
    const char *source; /* NULL: the place is free */
    const char *groups; /* or NULL */
    const struct definition *const *uses;
    size_t nuses;
    bool whole;
    unsigned number;
};

/* A test speaks of another rule, which may stand in a file not read yet. */
enum ref_kind {
    REF_EXPECT,  /* where also no-match, keep and look can stand */
    REF_KEPT_BY, /* must keep */
    REF_OF,
};
struct name_ref {
    struct place place;
    const char *name;
    enum ref_kind kind;
};

struct loader {
    const struct rules_source *src;
    struct diags *diags;
    struct arena *arena;
    struct ruleset *rs;

    const struct rule_file *kept; /* rules_load_files: read these instead of the disk */
    size_t nkept;

    struct pattern **patterns; /* all that were compiled, to be freed with the set */
    size_t npatterns;
    struct shared_pattern *shared; /* a hash table of them; its capacity a power of two */
    size_t shared_cap;

    const struct yaml_doc *doc; /* the file being read */
    const char *file;           /* its path, as diagnostics call it */
    bool in_exception;          /* its keys are those of a condition and two more */

    const char *folder; /* whose definitions are in scope */
    struct definition **definitions;
    size_t ndefinitions;

    struct rule_test *tests; /* of test files, which stand beside no rule */
    size_t ntests;

    struct name_ref *refs;
    size_t nrefs;
    bool partly;     /* the set is wanted even with mistakes, for check */
    bool names_lost; /* a file could not be read at all: nothing is missing for sure */
};

/* loader.c: scalars and maps -------------------------------------------------- */

typedef void key_fn(struct loader *l, void *ctx, const struct yaml_node *value);
struct key_handler {
    const char *name;
    key_fn *fn;
    const char *refusal; /* instead of fn: why this key cannot stand here */
};
/* Calls the handler of each key of a map; a key without one is a mistake. */
void loader_keys(struct loader *l, const struct yaml_node *map, const struct key_handler *handlers,
                 size_t count, const char *where, void *ctx);
/* "'when' must be a map or a list, not a text" */
void loader_wrong_kind(struct loader *l, const struct yaml_node *n, const char *what,
                       const char *wanted);
/* Borrowed from the document; NULL (and a mistake) when n is no text or empty. */
const char *loader_text(struct loader *l, const struct yaml_node *n, const char *what);
/* The same, copied into the set. */
const char *loader_keep_text(struct loader *l, const struct yaml_node *n, const char *what);
bool loader_bool(struct loader *l, const struct yaml_node *n, const char *what, bool *out);
bool loader_count(struct loader *l, const struct yaml_node *n, const char *what, int64_t max,
                  int64_t *out);
/* First instant of a day, YYYY-MM-DD in UTC. */
bool loader_day(struct loader *l, const struct yaml_node *n, const char *what, int64_t *out);
struct place loader_place(const struct loader *l, const struct yaml_node *n);
/* "did you mean 'live'?" behind what is said of a wrong word; empty when nothing is near. */
void loader_meant(struct buf *out, enum word_place place, const char *written,
                  const char *const *names, size_t count);
/* A field by its name or JSON pointer; names[] of more keys may be given for "did you mean". */
bool loader_field(struct loader *l, const struct yaml_node *key, const char *const *more,
                  size_t nmore, struct field_ref *out);
/* Adds a diagnostic at a place of a file of the set, with its source line. */
void rules_diag(const struct ruleset *rs, struct diags *d, enum diag_level level,
                const struct place *place, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* rules_files.c: bytes ---------------------------------------------------------- */

/* The file's bytes, remembered in the set; NULL with err set. Refuses what is no regular
 * file, writable by everyone, or too big. */
const struct rule_file *loader_read(struct loader *l, const char *path, struct error *err);
/* path, seen from the folder of the file being read. The caller frees it. */
char *loader_beside(const struct loader *l, const char *path);
/* A rule file's name, a test file's name; neither for anything else. */
bool rules_name_is_yaml(const char *path);
bool rules_name_is_test(const char *path);
/* The rule or test files of a folder in byte order, for the caller to free with
 * loader_names_done(). */
struct loader_names {
    char **list;
    size_t count;
};
enum folder_what {
    FOLDER_RULES,
    FOLDER_TESTS,
    FOLDER_IGNORED, /* gives no names, but a note about each file that no rule needs */
};
int loader_folder(struct loader *l, const char *path, enum folder_what what,
                  struct loader_names *out);
void loader_names_done(struct loader_names *n);

/* rules_pattern.c: definitions and patterns -------------------------------------- */

void loader_define(struct loader *l, void *ctx, const struct yaml_node *value);
/* Compiles a pattern scalar into alt; false and a mistake otherwise. */
bool loader_pattern(struct loader *l, const struct yaml_node *n, bool whole,
                    struct alternative *alt);

/* pattern_traps.c: warns of a pattern that is probably not the one that was meant. */
void loader_pattern_traps(struct loader *l, const struct yaml_node *n, const char *text,
                          size_t len);

/* rules_cond.c, rules_tests.c, rules_file.c ---------------------------------------- */

/* `when` and an exception: a map (all) or a list (any). */
bool loader_condition(struct loader *l, const struct yaml_node *n, struct cond *out);
/* The map of an exception: all of its keys but because and until. */
bool loader_except_condition(struct loader *l, const struct yaml_node *map, struct cond *out);
/* The tests of a rule; in a test file rule is NULL and each test says what it expects. */
void loader_tests(struct loader *l, const struct yaml_node *list, const char *rule,
                  struct rule_test **tests, size_t *ntests);
/* All of a rule file. */
void loader_rule_file(struct loader *l, const struct yaml_node *root);
/* [a-z0-9-], at most NAME_BYTES_MAX. */
bool rule_name_valid(const char *name);

#endif
