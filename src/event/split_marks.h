/* split_marks.h - what mail programs write between a reply and what it answers, as
 * data: one line an entry, by language. To teach the splitter a language or a client,
 * add lines to split_marks.c; the unit test walks every table and fails for an entry
 * that no generated message exercises.
 *
 * All texts are in folded form (text.h) and lower case. Sources: what the programs
 * themselves print in their translations. */
#ifndef AUTOMARK_EVENT_SPLIT_MARKS_H
#define AUTOMARK_EVENT_SPLIT_MARKS_H

#include <stddef.h>

/* The languages; LANGS_MAX bounds bit sets of them. */
#define LANGS_MAX 64
struct lang {
    const char *code;
    const char *attribution, *headers, *marker, *forward, *device; /* names of cuts */
};
extern const struct lang split_langs[];
extern const size_t split_langs_count;

enum role { ROLE_NONE, ROLE_FROM, ROLE_SENT, ROLE_TO, ROLE_SUBJECT, ROLE_OTHER };

struct phrase {
    const char *lang; /* "" belongs to no language */
    const char *text;
    int tag; /* the meaning depends on the table */
};

struct phrases {
    const struct phrase *list;
    size_t count;
};

/* "on", "am", "le": may open an attribution, when a date follows. */
extern const struct phrases split_starts;
/* "wrote", "a ecrit": tag VERB_WEAK needs an address or a time beside it. */
enum { VERB_STRONG, VERB_WEAK };
extern const struct phrases split_verbs;
/* Words that may stand between the start word and the date. */
extern const struct phrases split_fillers;
/* Months and weekdays; tag WORD_STEM also begins longer words. */
enum { WORD_WHOLE, WORD_STEM };
extern const struct phrases split_dates;
/* "from", "betreff"; tag is the enum role. */
extern const struct phrases split_labels;
/* "original message" between dashes; tag MARKER_BARE also without them,
 * tag MARKER_INSIDE anywhere in a line of few words, tag MARKER_FRAMED anywhere in such
 * a line that begins with dashes or the like. */
enum {
    MARKER_QUOTE = 1,
    MARKER_FORWARD = 2,
    MARKER_BARE = 4,
    MARKER_INSIDE = 8,
    MARKER_FRAMED = 16
};
extern const struct phrases split_markers;

/* "sent from my ...": a whole line that begins with head and ends with tail. */
struct device {
    const char *lang;
    const char *head; /* "" anything */
    const char *tail; /* "" anything */
    int sure;         /* 0: the rest must name a device or program */
};
extern const struct device split_devices[];
extern const size_t split_devices_count;
/* Links that mail programs put into their advertisement. */
extern const struct phrases split_device_links;
/* Names of devices and mail programs; tag WORD_STEM also begins longer words. */
extern const struct phrases split_gadgets;
/* What people add to a device line: "please excuse typos"; also inside words. */
extern const struct phrases split_excuses;

/* Words of the small print under our own mail: whatever else is unclear about a part
 * of a mail, with one of these in it, it is not taken for the lead's words. */
extern const struct phrases split_footers;
/* The same, but only phrases that no lead writes: "to unsubscribe from", with tag
 * PRINT_SENTENCE only at the start of a sentence ("I want to unsubscribe from ..."). */
enum { PRINT_ANYWHERE, PRINT_SENTENCE };
extern const struct phrases split_small_print;
/* "I wrote", "ich": a sentence of the lead's, not an attribution. */
extern const struct phrases split_pronouns;
/* "my answers in red below": the lead wrote into the original. */
extern const struct phrases split_answers;
/* "hello", "sehr geehrte": how a mail begins. */
extern const struct phrases split_greetings;
/* Words of the notes that mail gateways put above a mail from outside. */
extern const struct phrases split_banners;

#endif
