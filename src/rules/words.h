/* words.h - what things are called elsewhere, and what they are called here.
 *
 * For words that are no slip of a finger but another program's name for the same thing
 * ("if" for when, "body" for reply): there "did you mean" needs a table. Pure. */
#ifndef AUTOMARK_RULES_WORDS_H
#define AUTOMARK_RULES_WORDS_H

#include <stdbool.h>
#include <stddef.h>

enum word_place {
    WORD_FILE_KEY,
    WORD_RULE_KEY,
    WORD_CONDITION, /* a field, all, any, not */
    WORD_FORM,      /* is, whole, ...; %s in the advice stands for the field */
    WORD_EXCEPTION,
    WORD_ACTIVE,
    WORD_STATE,
    WORD_THEN,
    WORD_EXPECT,
};

/* The rest of a sentence behind "; ", or NULL. Upper case and _ for - do not count. */
const char *word_advice(enum word_place place, const char *written);
/* A name as its author may have meant it: small letters, digits, and sep for all else. False when
 * nothing is left, or nothing changed. */
bool word_as_name(const char *written, char sep, size_t max, char *out);

#endif
