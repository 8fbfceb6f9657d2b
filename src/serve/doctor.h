/* doctor.h - why a captured request passes, or does not: the "signature doctor". Pure.
 *
 * Tries the schemes that fit the request's headers (the presets, and every header that
 * looks like a signature), each reading of the secrets, and what may have happened to the
 * body since it was signed; the likelier first. Bounded: some thousand HMACs, whatever the
 * request is. It finds out what the sender does, for people who configure: requests are
 * judged by verify.h alone, which never guesses.
 *
 * Sources: Standard Webhooks 1.0.0 and the schemes listed in verify.h; what goes wrong is
 * from reports of people who wrote receivers. */
#ifndef AUTOMARK_SERVE_DOCTOR_H
#define AUTOMARK_SERVE_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "serve/doctor_body.h"
#include "serve/http.h"
#include "serve/verify.h"

#define DOCTOR_SECRETS_MAX 16
#define DOCTOR_HEADERS_MAX 100
#define DOCTOR_NOTES_MAX 8

struct doctor_secret {
    const char *text; /* as the file holds it, its line break included */
    size_t len;
};

struct doctor_request {
    const char *body;
    size_t len;
    const struct http_header *headers; /* at most DOCTOR_HEADERS_MAX */
    size_t nheaders;
    int64_t now_ms; /* wall time */
};

/* How the sender reads the secret. The first three can be configured (secret_form). */
enum doctor_reading {
    READ_TEXT,
    READ_BASE64,
    READ_HEX,
    READ_TEXT_BARE,    /* without its whsec_ */
    READ_TEXT_TRIMMED, /* without the blanks around it */
    READ_TEXT_WHOLE,   /* with the line break at its end */
    READINGS
};

struct doctor_report {
    struct verify_scheme *scheme; /* that matches, or NULL: nothing does */
    size_t secret;                /* index */
    enum doctor_reading reading;
    bool reading_usual; /* the scheme reads secrets so unless told otherwise */
    enum body_change change;
    struct verify_result time; /* of a match: VERIFY_OK, or VERIFY_TIME with the offset */
    size_t tried;              /* HMACs computed */
    /* What stands in the way, when nothing matches: sentences about headers and secrets. */
    char notes[DOCTOR_NOTES_MAX][320];
    size_t nnotes;
};

/* out is the caller's: doctor_report_done(). */
void doctor_examine(const struct doctor_request *req, const struct doctor_secret *secrets,
                    size_t nsecrets, struct doctor_report *out);
void doctor_report_done(struct doctor_report *r);

/* A configuration accepts this very request: the body is as it was signed, and the secret
 * is read in a way that has a name. */
bool doctor_passes(const struct doctor_report *r);
/* "as text", for a sentence about the secret. */
const char *doctor_reading_words(enum doctor_reading reading);

/* ---- the schemes that fit a request (doctor_scheme.c) ---- */

#define DOCTOR_SCHEMES_MAX 128

struct doctor_schemes {
    struct verify_scheme *list[DOCTOR_SCHEMES_MAX];
    size_t count;
};

/* Presets whose header is there, then schemes made from every header that looks like a
 * signature. Released with doctor_schemes_done(). */
void doctor_schemes_find(struct doctor_schemes *out, const struct doctor_request *req);
void doctor_schemes_done(struct doctor_schemes *s);
/* "{timestamp}.{body}". The caller frees. */
char *doctor_template(const struct verify_scheme *s);

#endif
