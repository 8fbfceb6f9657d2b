/* rule.h - the model: plain structs, no behaviour.
 *
 * rules_load.c builds them from YAML, match.c reads them, and nobody changes them
 * afterwards: a ruleset is immutable and counted, so a reload swaps a pointer and
 * each event uses the set that it began with. All strings belong to the ruleset. */
#ifndef AUTOMARK_RULES_RULE_H
#define AUTOMARK_RULES_RULE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/event.h"

struct gates;     /* gates.h */
struct pattern;   /* pattern.h */
struct prefilter; /* prefilter.h */

struct place {
    const char *file;
    unsigned line; /* from 1 */
    unsigned col;  /* from 1, in characters */
};

struct field_ref {
    enum field field;    /* FIELD_POINTER: see pointer */
    const char *pointer; /* "/data/custom/plan", or NULL */
    const char *name;    /* as the author wrote it */
};

/* A named group of `define`. One with a mistake stands in as an empty group, so that the
 * patterns which use it are not blamed. */
struct definition {
    struct place place; /* of its pattern */
    const char *name;
    const char *source; /* as the author wrote it */
    size_t len;
    bool broken;
};

enum cond_kind { COND_ALL, COND_ANY, COND_NOT, COND_FIELD };

/* What a COND_FIELD asks of its field. The first four have alternatives, any of which
 * suffices; for a field with several values any value suffices. */
enum cond_test {
    TEST_PATTERN,   /* a pattern occurs */
    TEST_WHOLE,     /* a pattern matches the entire field, but for blanks around it */
    TEST_IS,        /* a literal equals it, case folded */
    TEST_IN,        /* the same, literals from a list file */
    TEST_MAX_CHARS, /* at most so many characters; an absent field has none */
    TEST_PRESENT,   /* present (and not empty), or absent */
    TEST_FLAG,      /* auto_reply: true or false; absent is false */
};

struct alternative {
    struct place place;                   /* of the scalar */
    const char *source;                   /* as the author wrote it */
    struct pattern *pattern;              /* TEST_PATTERN, TEST_WHOLE; else NULL */
    const char *groups;                   /* the definitions compiled into it, or NULL */
    const struct definition *const *uses; /* the same one by one, in that order */
    size_t nuses;
    unsigned number;     /* of the pattern in its set, from 1; 0: of no set */
    const char *literal; /* TEST_IS, TEST_IN: folded for comparison by literal_fold() */
    size_t literal_len;
};

struct cond {
    enum cond_kind kind;
    struct place place;
    struct cond *children; /* COND_ALL and COND_ANY: any number (empty all is yes, empty any
                            * is no); COND_NOT: one */
    size_t nchildren;
    struct field_ref field; /* the rest: COND_FIELD */
    enum cond_test test;
    struct alternative *alternatives;
    size_t nalternatives;
    const char *list_file; /* TEST_IN: as written */
    int64_t number;        /* TEST_MAX_CHARS */
    bool wanted;           /* TEST_PRESENT, TEST_FLAG */
};

struct exception {
    struct place place;
    struct cond cond;
    const char *because; /* may be NULL */
    int64_t until_ms;    /* first instant at which it no longer holds; 0: no end */
};

enum rule_state { RULE_LIVE, RULE_SHADOW, RULE_DRAFT, RULE_OFF /* by a workspace's override */ };
enum rule_action { THEN_MARK_READ, THEN_KEEP };

enum test_expect {
    EXPECT_THIS,     /* ends with this rule (a guard: is kept by it) */
    EXPECT_NO_MATCH, /* neither guard nor rule */
    EXPECT_KEPT,     /* not marked, whatever it is that keeps it */
    EXPECT_KEPT_BY,  /* kept by the guard or keep rule `other` */
    EXPECT_LOOK,     /* hangs on an unknown field */
    EXPECT_RULE,     /* ends with the rule (or is kept by the guard) `other` */
};

struct rule_test {
    struct place place;
    struct rule_test_field {
        struct field_ref ref;
        const char *value;
        bool unknown;
    } * fields;
    size_t nfields;
    enum test_expect expect;
    const char *other; /* EXPECT_KEPT_BY, EXPECT_RULE */
    const char *of;    /* the rule to which it belongs; NULL: that beside which it stands, if any */
    const char *now;   /* RFC 3339 or date, or NULL: today */
};

struct rule {
    struct place place;
    const char *name;
    const char *about; /* may be NULL */
    bool guard;
    enum rule_state state;
    struct cond when;
    struct exception *except;
    size_t nexcept;
    int64_t active_from_ms;  /* 0: always */
    int64_t active_until_ms; /* first instant after it; 0: no end */
    enum rule_action then;   /* a guard: THEN_KEEP */
    int64_t hold_ms;         /* -1: the workspace's */
    int64_t max_per_hour;    /* -1: the workspace's; 0: no limit */
    struct label {
        const char *key, *value;
    } * labels;
    size_t nlabels;
    struct rule_test *tests;
    size_t ntests;
    bool broken; /* has a mistake: such a set is looked at by check and never used */
    _Atomic unsigned limit_hits; /* the one thing that changes: see match.h, quarantine */
};

/* A file that took part, so that the last good set can be kept and loaded again. */
struct rule_file {
    const char *path;
    const char *bytes;
    size_t len;
};

struct ruleset {
    atomic_int refs;
    char version[17]; /* hex, over the files' names and bytes and the overrides */
    struct rule *guards;
    size_t nguards;
    struct rule *rules; /* in file-name order, then as written */
    size_t nrules;
    struct rule_file *files;
    size_t nfiles;
    unsigned npatterns;            /* different ones: the highest number of an alternative */
    struct prefilter *prefilter;   /* prefilter.h; NULL: every pattern is run */
    const char *prefilter_trouble; /* why it cannot be had; NULL: it is there, or not wished for */
    struct gates *gates;           /* gates.h; NULL without a prefilter */
    struct arena *arena;           /* owns every string and struct above; private to rules_load.c */
};

#endif
