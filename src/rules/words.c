#include "rules/words.h"

#include <ctype.h>
#include <string.h>

#include "base/cleanup.h"

#define MEAN(word) "did you mean '" word "'?"

static const struct {
    enum word_place place;
    const char *written, *advice;
} words[] = {
    { WORD_FILE_KEY, "definitions", MEAN("define") },
    { WORD_FILE_KEY, "defs", MEAN("define") },
    { WORD_FILE_KEY, "patterns", MEAN("define") },
    { WORD_FILE_KEY, "tests", "tests stand under their rule, or in a file called NAME.test.yaml" },
    { WORD_FILE_KEY, "name", "a rule stands in the list under 'rules:', behind a -" },
    { WORD_FILE_KEY, "when", "a rule stands in the list under 'rules:', behind a -" },

    { WORD_RULE_KEY, "if", MEAN("when") },
    { WORD_RULE_KEY, "match", MEAN("when") },
    { WORD_RULE_KEY, "matches", MEAN("when") },
    { WORD_RULE_KEY, "condition", MEAN("when") },
    { WORD_RULE_KEY, "conditions", MEAN("when") },
    { WORD_RULE_KEY, "where", MEAN("when") },
    { WORD_RULE_KEY, "action", MEAN("then") },
    { WORD_RULE_KEY, "actions", MEAN("then") },
    { WORD_RULE_KEY, "do", MEAN("then") },
    { WORD_RULE_KEY, "enabled", "write state: live, shadow or draft" },
    { WORD_RULE_KEY, "disabled", "write state: live, shadow or draft" },
    { WORD_RULE_KEY, "status", MEAN("state") },
    { WORD_RULE_KEY, "mode", MEAN("state") },
    { WORD_RULE_KEY, "description", MEAN("about") },
    { WORD_RULE_KEY, "desc", MEAN("about") },
    { WORD_RULE_KEY, "comment", MEAN("about") },
    { WORD_RULE_KEY, "note", MEAN("about") },
    { WORD_RULE_KEY, "because", "that is for an exception; why the rule exists stands in 'about'" },
    { WORD_RULE_KEY, "exceptions", MEAN("except") },
    { WORD_RULE_KEY, "unless", MEAN("except") },
    { WORD_RULE_KEY, "not", "it belongs under 'when': is its indentation right?" },
    { WORD_RULE_KEY, "all", "it belongs under 'when': is its indentation right?" },
    { WORD_RULE_KEY, "any", "it belongs under 'when': is its indentation right?" },
    { WORD_RULE_KEY, "until", "write active: {until: ...}" },
    { WORD_RULE_KEY, "expires", "write active: {until: ...}" },
    { WORD_RULE_KEY, "id", MEAN("name") },
    { WORD_RULE_KEY, "title", MEAN("name") },
    { WORD_RULE_KEY, "rule", MEAN("name") },
    { WORD_RULE_KEY, "delay", MEAN("hold") },
    { WORD_RULE_KEY, "wait", MEAN("hold") },
    { WORD_RULE_KEY, "limit", MEAN("max_per_hour") },
    { WORD_RULE_KEY, "rate", MEAN("max_per_hour") },
    { WORD_RULE_KEY, "tags", MEAN("labels") },
    { WORD_RULE_KEY, "examples", MEAN("tests") },
    { WORD_RULE_KEY, "priority", "rules are asked in the order in which they stand" },
    { WORD_RULE_KEY, "order", "rules are asked in the order in which they stand" },
    { WORD_RULE_KEY, "weight", "rules are asked in the order in which they stand" },

    { WORD_CONDITION, "because", "it stands in an exception, beside its conditions" },
    { WORD_CONDITION, "until", "it stands in an exception beside its conditions, or in 'active'" },
    { WORD_CONDITION, "and", MEAN("all") },
    { WORD_CONDITION, "or", MEAN("any") },
    { WORD_CONDITION, "none", MEAN("not") },
    { WORD_CONDITION, "unless", MEAN("not") },
    { WORD_CONDITION, "body", MEAN("reply") },
    { WORD_CONDITION, "content", MEAN("reply") },
    { WORD_CONDITION, "message_text", MEAN("reply") },
    { WORD_CONDITION, "title", MEAN("subject") },
    { WORD_CONDITION, "topic", MEAN("subject") },
    { WORD_CONDITION, "sender", MEAN("from") },
    { WORD_CONDITION, "email", MEAN("from") },
    { WORD_CONDITION, "address", MEAN("from") },
    { WORD_CONDITION, "sender_email", MEAN("from") },
    { WORD_CONDITION, "sender_name", MEAN("name") },
    { WORD_CONDITION, "sender_domain", MEAN("domain") },
    { WORD_CONDITION, "label", MEAN("tag") },
    { WORD_CONDITION, "sentiment", MEAN("tag") },
    { WORD_CONDITION, "category", MEAN("tag") },
    { WORD_CONDITION, "to", MEAN("mailbox") },
    { WORD_CONDITION, "organisation", MEAN("company") },
    { WORD_CONDITION, "organization", MEAN("company") },
    { WORD_CONDITION, "quote", MEAN("quoted") },
    { WORD_CONDITION, "history", MEAN("quoted") },
    { WORD_CONDITION, "date", MEAN("received_at") },
    { WORD_CONDITION, "time", MEAN("received_at") },
    { WORD_CONDITION, "out_of_office", MEAN("auto_reply") },
    { WORD_CONDITION, "automatic", MEAN("auto_reply") },

    { WORD_FORM, "equals", MEAN("is") },
    { WORD_FORM, "equal", MEAN("is") },
    { WORD_FORM, "eq", MEAN("is") },
    { WORD_FORM, "exact", MEAN("is") },
    { WORD_FORM, "one_of", MEAN("is") },
    { WORD_FORM, "full", MEAN("whole") },
    { WORD_FORM, "entire", MEAN("whole") },
    { WORD_FORM, "file", MEAN("in") },
    { WORD_FORM, "exists", MEAN("present") },
    { WORD_FORM, "max_length", MEAN("max_chars") },
    { WORD_FORM, "max_len", MEAN("max_chars") },
    { WORD_FORM, "empty", "write present: false" },
    { WORD_FORM, "missing", "write present: false" },
    { WORD_FORM, "absent", "write present: false" },
    { WORD_FORM, "min_chars", "for at least N characters write not: {%s: {max_chars: N-1}}" },
    { WORD_FORM, "min_length", "for at least N characters write not: {%s: {max_chars: N-1}}" },
    { WORD_FORM, "starts_with", "a pattern that begins with ^ does that: %s: '^...'" },
    { WORD_FORM, "begins_with", "a pattern that begins with ^ does that: %s: '^...'" },
    { WORD_FORM, "prefix", "a pattern that begins with ^ does that: %s: '^...'" },
    { WORD_FORM, "ends_with", "a pattern that ends with $ does that: %s: '...$'" },
    { WORD_FORM, "suffix", "a pattern that ends with $ does that: %s: '...$'" },
    { WORD_FORM, "not", "turn it around: not: {%s: ...}" },
    { WORD_FORM, "is_not", "turn it around: not: {%s: {is: ...}}" },
    { WORD_FORM, "isnt", "turn it around: not: {%s: {is: ...}}" },
    { WORD_FORM, "not_in", "turn it around: not: {%s: {in: ...}}" },
    { WORD_FORM, "not_equals", "turn it around: not: {%s: {is: ...}}" },
    { WORD_FORM, "not_contains", "turn it around: not: {%s: '...'}" },
    { WORD_FORM, "any", "a list of patterns means any of them: %s: ['...', '...']" },
    { WORD_FORM, "or", "a list of patterns means any of them: %s: ['...', '...']" },
    { WORD_FORM, "all", "to ask for several patterns write all: [{%s: ...}, {%s: ...}]" },

    { WORD_EXCEPTION, "reason", MEAN("because") },
    { WORD_EXCEPTION, "why", MEAN("because") },
    { WORD_EXCEPTION, "about", MEAN("because") },
    { WORD_EXCEPTION, "comment", MEAN("because") },
    { WORD_EXCEPTION, "note", MEAN("because") },
    { WORD_EXCEPTION, "expires", MEAN("until") },
    { WORD_EXCEPTION, "when", "its conditions stand directly in the exception, without 'when'" },

    { WORD_ACTIVE, "to", MEAN("until") },
    { WORD_ACTIVE, "end", MEAN("until") },
    { WORD_ACTIVE, "start", MEAN("from") },
    { WORD_ACTIVE, "since", MEAN("from") },

    { WORD_STATE, "on", MEAN("live") },
    { WORD_STATE, "true", MEAN("live") },
    { WORD_STATE, "enabled", MEAN("live") },
    { WORD_STATE, "active", MEAN("live") },
    { WORD_STATE, "disabled", MEAN("draft") },
    { WORD_STATE, "false", MEAN("draft") },
    { WORD_STATE, "inactive", MEAN("draft") },
    { WORD_STATE, "test", MEAN("draft") },
    { WORD_STATE, "dry_run", MEAN("shadow") },

    { WORD_THEN, "read", MEAN("mark-read") },
    { WORD_THEN, "mark", MEAN("mark-read") },
    { WORD_THEN, "mark_as_read", MEAN("mark-read") },
    { WORD_THEN, "archive", "automark can only mark as read" },
    { WORD_THEN, "delete", "automark can only mark as read" },
    { WORD_THEN, "unread", MEAN("keep") },
    { WORD_THEN, "ignore", MEAN("keep") },
    { WORD_THEN, "skip", MEAN("keep") },

    { WORD_EXPECT, "none", MEAN("no-match") },
    { WORD_EXPECT, "false", MEAN("no-match") },
    { WORD_EXPECT, "no", MEAN("no-match") },
    { WORD_EXPECT, "nothing", MEAN("no-match") },
    { WORD_EXPECT, "unread", MEAN("no-match") },
    { WORD_EXPECT, "keep", "write no-match, or kept-by: NAME" },
    { WORD_EXPECT, "kept", "write no-match, or kept-by: NAME" },
    { WORD_EXPECT, "true", "without 'expect' a test must end with its own rule" },
    { WORD_EXPECT, "match", "without 'expect' a test must end with its own rule" },
    { WORD_EXPECT, "mark-read", "without 'expect' a test must end with its own rule" },
};

static int plain(char c)
{
    return c == '_' || c == ' ' ? '-' : tolower((unsigned char)c);
}

static bool same(const char *a, const char *b)
{
    for (; *a && *b; a++, b++)
        if (plain(*a) != plain(*b))
            return false;
    return *a == *b;
}

const char *word_advice(enum word_place place, const char *written)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (words[i].place == place && same(words[i].written, written))
            return words[i].advice;
    return NULL;
}

bool word_as_name(const char *written, char sep, size_t max, char *out)
{
    size_t n = 0;
    for (const char *p = written; *p; p++) {
        const bool fits = isalnum((unsigned char)*p) && (unsigned char)*p < 0x80;
        if ((unsigned char)*p >= 0x80)
            return false; /* how to spell that is the author's choice */
        if (fits)
            out[n++] = (char)tolower((unsigned char)*p);
        else if (n > 0 && out[n - 1] != sep)
            out[n++] = sep;
        if (n > max)
            return false;
    }
    while (n > 0 && out[n - 1] == sep)
        n--;
    out[n] = '\0';
    return n > 0 && strcmp(out, written) != 0;
}
