/* scrub_priv.h - what scrub.c, scrub_find.c, scrub_learn.c and scrub_words.c share. */
#ifndef AUTOMARK_EVENT_SCRUB_PRIV_H
#define AUTOMARK_EVENT_SCRUB_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- scrub_words.c: tables, all in lower case ---------------------------------------------- */

struct scrub_words {
    const char *const *list;
    size_t count;
};

extern const struct scrub_words scrub_greetings, scrub_closings;
extern const struct scrub_words scrub_titles;   /* beside names, and no names: "dr", "von" */
extern const struct scrub_words scrub_nobodies; /* addressed, and nobody: "customer" */
extern const struct scrub_words scrub_common;   /* names that are words as well: "will" */
extern const struct scrub_words scrub_forms;    /* of companies: "gmbh" */
extern const struct scrub_words scrub_roles;    /* mailboxes of no person: "info" */
extern const struct scrub_words scrub_hosts;    /* that many people use: "gmail.com" */
extern const struct scrub_words scrub_tlds;     /* a host without a scheme ends with one */
/* Stand-ins, in title case. */
extern const struct scrub_words scrub_people, scrub_people_cyrillic, scrub_people_han;
extern const struct scrub_words scrub_companies;

bool scrub_has(const struct scrub_words *w, const char *s, size_t len);
/* The name of a device or mail program is in it: "Sent from my iPhone". */
bool scrub_names_a_gadget(const char *s, size_t len);
/* A month or weekday of any language. */
bool scrub_is_date_word(const char *s, size_t len);

/* ---- scrub_find.c: what begins at s[at]; lengths in bytes, 0 for nothing ------------------- */

/* A letter of any script, of a name. */
bool scrub_letter(uint32_t cp);
/* Length of the run of letters. */
size_t scrub_word_at(const char *s, size_t len, size_t at);
/* True when nothing that a word, number or address could go on from stands before at. */
bool scrub_begins(const char *s, size_t at);

struct scrub_link {
    size_t host, host_len; /* offsets from the link's start */
    size_t rest_len;       /* behind the host */
};
size_t scrub_link_at(const char *s, size_t len, size_t at, struct scrub_link *out);
size_t scrub_address_at(const char *s, size_t len, size_t at, size_t *local_len);
size_t scrub_host_at(const char *s, size_t len, size_t at);
/* A date, a time of day, the status code of a bounce: what stays. */
size_t scrub_date_at(const char *s, size_t len, size_t at);
/* Digits with separators. *whole: long enough to be somebody's. */
size_t scrub_number_at(const char *s, size_t len, size_t at, bool *whole);
/* Letters with digits. *random: so long that its letters mean nothing either. */
size_t scrub_id_at(const char *s, size_t len, size_t at, bool *random);

/* ---- scrub.c: for scrub_learn.c -------------------------------------------------------------- */

#define NAME_LINE_MAX 60 /* bytes of a line that is a name */

struct scrub;
enum letter_case { CASE_LOWER, CASE_TITLE, CASE_UPPER };
/* Of a word, by comparing it with its lower case. */
enum letter_case scrub_case_of(const char *s, size_t len);
/* The caller frees. */
char *scrub_lower(const char *s, size_t len);
/* Each word of text as a "name" or "company"; sure: also where it begins with a small letter. */
void scrub_learn_words(struct scrub *s, const char *text, const char *what, bool sure);
/* The names in a mailbox, anna.schmidt. */
void scrub_learn_local(struct scrub *s, const char *local, size_t len);

#endif
