#include "rules/pattern_mistake.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"

/* PCRE2's offset is where it stopped reading. Where that is behind what it complains of,
 * people look at the wrong place; these are the bytes at which to look instead. */
size_t pattern_blamed(const struct pattern_source *src, int code, size_t at)
{
    static const struct {
        int code;
        const char *begins;
    } before[] = {
        { PCRE2_ERROR_END_BACKSLASH, "\\" },
        { PCRE2_ERROR_UNKNOWN_ESCAPE, "\\" },
        { PCRE2_ERROR_QUANTIFIER_OUT_OF_ORDER, "{" },
        { PCRE2_ERROR_QUANTIFIER_TOO_BIG, "{" },
        { PCRE2_ERROR_QUANTIFIER_INVALID, "*+?{" },
        { PCRE2_ERROR_UNMATCHED_CLOSING_PARENTHESIS, ")" },
        { PCRE2_ERROR_MALFORMED_UNICODE_PROPERTY, "\\" },
        { PCRE2_ERROR_UNKNOWN_UNICODE_PROPERTY, "\\" },
        { PCRE2_ERROR_VERB_UNKNOWN, "(" },
        { PCRE2_ERROR_BACKSLASH_K_IN_LOOKAROUND, "\\" },
        { PCRE2_ERROR_DUPLICATE_SUBPATTERN_NAME, "<'" },
        { PCRE2_ERROR_BAD_SUBPATTERN_REFERENCE, "\\(&" },
        { PCRE2_ERROR_UNSUPPORTED_ESCAPE_SEQUENCE, "\\" },
        { PCRE2_ERROR_CODE_POINT_TOO_BIG, "\\" },
        { PCRE2_ERROR_INVALID_OCTAL, "\\" },
        { PCRE2_ERROR_INVALID_HEXADECIMAL, "\\" },
        { PCRE2_ERROR_UNICODE_DISALLOWED_CODE_POINT, "\\" },
        { PCRE2_ERROR_BACKSLASH_G_SYNTAX, "\\" },
        { PCRE2_ERROR_BACKSLASH_K_SYNTAX, "\\" },
        { PCRE2_ERROR_BACKSLASH_O_MISSING_BRACE, "\\" },
    };
    const char *s = buf_str(&src->folded);
    if (src->opener &&
        (code == PCRE2_ERROR_MISSING_CLOSING_PARENTHESIS ||
         code == PCRE2_ERROR_MISSING_SQUARE_BRACKET || code == PCRE2_ERROR_MISSING_COMMENT_CLOSING))
        return src->opener_at;
    for (size_t i = 0; i < ARRAY_LEN(before); i++) {
        if (before[i].code != code)
            continue;
        for (size_t back = at; back < src->folded.len + 1 && at - back < 128; back--)
            if (back < src->folded.len && strchr(before[i].begins, s[back]))
                return back + (strchr("<'&", s[back]) != NULL); /* the name itself */
    }
    return at;
}

/* What to write instead, where PCRE2's words leave that open. */
const char *pattern_advice(int code)
{
    static const struct {
        int code;
        const char *words;
    } all[] = {
        { PCRE2_ERROR_MISSING_CLOSING_PARENTHESIS, "to find the sign itself, write \\(" },
        { PCRE2_ERROR_UNMATCHED_CLOSING_PARENTHESIS, "to find the sign itself, write \\)" },
        { PCRE2_ERROR_MISSING_SQUARE_BRACKET, "to find the sign itself, write \\[" },
        { PCRE2_ERROR_QUANTIFIER_INVALID,
          "there is nothing to repeat before it; anything is .*, and the signs themselves are \\* "
          "\\+ \\?" },
        { PCRE2_ERROR_QUANTIFIER_OUT_OF_ORDER, "the smaller number comes first" },
        { PCRE2_ERROR_QUANTIFIER_TOO_BIG, "65535 is the limit" },
        { PCRE2_ERROR_CLASS_RANGE_ORDER, "the smaller character comes first; a - itself is \\-" },
        { PCRE2_ERROR_CLASS_INVALID_RANGE, "a - itself is \\-" },
        { PCRE2_ERROR_END_BACKSLASH, "a backslash itself is \\\\" },
        { PCRE2_ERROR_UNKNOWN_ESCAPE, "this letter has no meaning behind a backslash" },
        { PCRE2_ERROR_UNSUPPORTED_ESCAPE_SEQUENCE, "a character by its number is \\x{e9}" },
        { PCRE2_ERROR_POSIX_CLASS_NOT_IN_CLASS, "write it as [[:alpha:]]" },
        { PCRE2_ERROR_UNKNOWN_POSIX_CLASS, "there are alpha, digit, alnum, lower, upper, space, "
                                           "punct and others" },
        { PCRE2_ERROR_UNKNOWN_UNICODE_PROPERTY,
          "there are \\p{L}, \\p{Lu}, \\p{Greek} and others" },
        { PCRE2_ERROR_MALFORMED_UNICODE_PROPERTY, "write it as \\p{L}" },
        { PCRE2_ERROR_LOOKBEHIND_NOT_FIXED_LENGTH, "* and + and ? cannot stand in it" },
        { PCRE2_ERROR_BAD_SUBPATTERN_REFERENCE, "no group has this number or name" },
        { PCRE2_ERROR_UNRECOGNIZED_AFTER_QUERY_P, "a named group is (?<name>...)" },
        { PCRE2_ERROR_MISSING_NAME_TERMINATOR, "a named group is (?<name>...)" },
        { PCRE2_ERROR_INVALID_AFTER_PARENS_QUERY, "a group without a number is (?:...)" },
        { PCRE2_ERROR_DUPLICATE_SUBPATTERN_NAME, "give it another name" },
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (all[i].code == code)
            return all[i].words;
    return NULL;
}
