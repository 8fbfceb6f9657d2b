/* scrub.h - takes out of a reply what names a person and leaves the words that rules match.
 *
 * Replaced, everywhere alike: addresses and links (by ones of example domains), telephone and
 * other long numbers and ids (by other digits, as many), names of people and companies (by
 * stand-ins in the same letter case). Left alone: everything else, thus dates, weekdays, short
 * numbers, punctuation and line breaks; hosts and mailboxes that name nobody (gmail.com,
 * calendly.com, postmaster@). Names are known because they were learned; nothing guesses at
 * a name that stands nowhere near a greeting, an address or a signature, nor at a street.
 *
 * Learn first, then scrub. Text is folded, well formed UTF-8 (text.h). One thread at a time. */
#ifndef AUTOMARK_EVENT_SCRUB_H
#define AUTOMARK_EVENT_SCRUB_H

#include <stddef.h>

struct buf;
struct scrub;

struct scrub *scrub_new(void);
void scrub_free(struct scrub *s);
void scrub_freep(struct scrub **s);

/* Stays as it is, whatever it is: a name, a host, a number, in any letter case. */
void scrub_keep(struct scrub *s, const char *word);

void scrub_learn_person(struct scrub *s, const char *name);
void scrub_learn_company(struct scrub *s, const char *name);
/* Whose host becomes customer.example, or ours, seller.example. */
enum scrub_side { SCRUB_LEAD, SCRUB_OURS };
void scrub_learn_address(struct scrub *s, enum scrub_side side, const char *address);
/* The names in greetings, below closing words, in addresses. */
void scrub_learn_text(struct scrub *s, const char *text);
/* The same, and a name and a company in the lines of a signature. */
void scrub_learn_signature(struct scrub *s, const char *text);

/* Appends text with what is to go replaced. */
void scrub_text(struct scrub *s, struct buf *out, const char *text, size_t len);

/* What was replaced so far, each once. */
struct scrub_change {
    char *from; /* scrub_keep() of it undoes this one */
    char *to;
    const char *what; /* "name", "company", "host", "mailbox", "link", "number", "id" */
};
const struct scrub_change *scrub_changes(const struct scrub *s, size_t *count);

#endif
