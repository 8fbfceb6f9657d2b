/* verify.h - the signature and the age of a raw request. Pure.
 *
 * A scheme says where the signature stands and what was signed; it is fixed by the
 * configuration and never guessed from a request. It holds no secrets: those are keys,
 * handed in beside it, so that they can be read again while requests are checked.
 * All checks happen before anyone parses the body. Thread-safe.
 *
 * Sources: Standard Webhooks 1.0.0; the pages of GitHub, Stripe and Slack about
 * signatures; SendKit's reference and what deployed receivers are sent. */
#ifndef AUTOMARK_SERVE_VERIFY_H
#define AUTOMARK_SERVE_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "serve/http.h"

struct error;

#define VERIFY_SETS_MAX 2          /* spellings of the header names */
#define VERIFY_PARTS_MAX 12        /* of the signed template */
#define VERIFY_SIGNATURES_MAX 8    /* in one request; more are refused unread */
#define VERIFY_HEADER_MAX 1024     /* bytes of a signature, time or id header */
#define VERIFY_TOLERANCE_MS 300000 /* of the presets that sign a time */
#define VERIFY_SECRET_SHORT 24     /* bytes: shorter ones are warned of */

enum verify_form { VERIFY_BARE, VERIFY_LIST, VERIFY_FIELDS };
enum verify_hash { VERIFY_SHA256, VERIFY_SHA512, VERIFY_SHA1 };
enum verify_encoding { VERIFY_HEX, VERIFY_BASE64 };
enum verify_secret_form {
    SECRET_AUTO, /* text; but base64 behind whsec_ with the preset standard, which wants the
                  * form to be named for anything else */
    SECRET_TEXT,
    SECRET_BASE64, /* a whsec_ in front is dropped */
    SECRET_HEX
};

struct verify_scheme {
    bool none;          /* verify: none; everything passes */
    char *preset;       /* name, or "own" */
    struct verify_set { /* names of headers; any set that a request uses must be good */
        char *signature, *timestamp, *id; /* the last two may be NULL */
    } sets[VERIFY_SETS_MAX];
    size_t nsets;
    char *prefix; /* in front of a signature, or NULL; letters of either case */
    bool prefix_optional;
    enum verify_form form;
    char separator;        /* VERIFY_LIST: ' ' or ',' */
    char *time_field;      /* VERIFY_FIELDS: "t"; NULL: no time among the fields */
    char *signature_field; /* VERIFY_FIELDS: "v1" */
    struct verify_part {
        enum verify_part_kind { PART_TEXT, PART_ID, PART_TIMESTAMP, PART_BODY } kind;
        char *text; /* PART_TEXT */
    } parts[VERIFY_PARTS_MAX];
    size_t nparts;
    enum verify_hash hash;
    enum verify_encoding encoding;
    enum verify_secret_form secret_form; /* of secrets that do not say */
    int64_t tolerance_ms;                /* past and future; only where the time is signed */
};

/* A secret made ready: its bytes, decoded. */
struct verify_key {
    unsigned char *bytes;
    size_t len;
    int64_t until_ms; /* first instant at which it no longer counts; 0: no end */
    char *source;     /* for people: "file /etc/automark/hooks/acme.secret" */
};

enum verify_class {
    VERIFY_OK,
    VERIFY_MISSING,     /* a header is missing, or there more than once */
    VERIFY_UNDECODABLE, /* it is there and cannot be read */
    VERIFY_TIME,        /* outside the time window */
    VERIFY_NO_MATCH,
};

struct verify_result {
    enum verify_class class;
    size_t key;    /* VERIFY_OK: index of the key that matched */
    char msg[320]; /* a sentence for the answer; never a secret or an expected value */
};

/* sendkit, standard, github, stripe, slack, hex-body, base64-body. NULL when there is no
 * such preset; the last two have no header of their own. Owned by the caller. */
struct verify_scheme *verify_preset(const char *name);
/* Everything passes. */
struct verify_scheme *verify_nothing(void);
void verify_scheme_free(struct verify_scheme *s);
void verify_scheme_freep(struct verify_scheme **s);
/* Sets parts from "{id}.{timestamp}.{body}". */
int verify_set_template(struct verify_scheme *s, const char *text, struct error *err);
/* Whether the parts fit together: the time in the template needs a source, and so on. */
int verify_scheme_check(const struct verify_scheme *s, struct error *err);
bool verify_signs_time(const struct verify_scheme *s);

/* Decodes a secret as written. One line break at its end is not part of it. An empty
 * one is refused. key is the caller's: verify_key_done(). source and until are not set. */
int verify_key_init(struct verify_key *key, const struct verify_scheme *s,
                    enum verify_secret_form form, const char *text, size_t len, struct error *err);
/* Wipes and releases. */
void verify_key_done(struct verify_key *key);

/* All keys are tried against all signatures, in constant time for each. headers are in
 * the order of the request, repeated ones repeated. now_ms is wall time. */
void verify_request(const struct verify_scheme *s, const struct verify_key *keys, size_t nkeys,
                    const char *body, size_t len, const struct http_header *headers,
                    size_t nheaders, int64_t now_ms, struct verify_result *out);

const char *verify_class_name(enum verify_class c); /* missing, undecodable, time, no-match, ok */

#endif
