#include "rules/samples.h"

#include "base/cleanup.h"

#define AT_LENGTH                                                                                  \
    "Thank you for writing. We looked at what you sent us and talked about it in the team. At "    \
    "the "                                                                                         \
    "moment we work with another company, and the contract runs until the end of the year.\n\n"    \
    "What we would like to know is how long it takes until all is set up, who of you would be "    \
    "our "                                                                                         \
    "contact, and whether 40 seats are a number for which there is another price. If you can "     \
    "answer that by Friday, we can talk about it in the next meeting, which is on Monday.\n"

/* Folded as the daemon folds texts; short and long, several languages, several lines. */
const char *const sample_replies[SAMPLE_REPLIES] = {
    "Yes, gladly. Call me on Monday.",
    "No thanks",
    AT_LENGTH "Best,\nTom",
    "I am out of the office until 5 May.\nFor urgent matters please write to my colleague.",
    "Ich bin bis Montag nicht im Haus und lese keine Mails.",
    "Merci, mais nous avons d\xC3\xA9j\xC3\xA0 un fournisseur.",
    "Ahora no, tal vez en otro momento.",
    "Grazie, ci penso io",
    "Dank je, dat klinkt goed! Kun je meer vertellen?",
    "\xE4\xBA\x86\xE8\xA7\xA3\xE3\x81\x97\xE3\x81\xBE\xE3\x81\x97\xE3\x81\x9F",
    "\xD0\xA1\xD0\xBF\xD0\xB0\xD1\x81\xD0\xB8\xD0\xB1\xD0\xBE, \xD0\xBD\xD0\xB5 "
    "\xD0\xBD\xD0\xB0\xD0\xB4\xD0\xBE.",
    "What does it cost for 40 seats?",
    "Who are you?\n" AT_LENGTH,
    "Delivery to the following address failed: no such user",
    "We got your message. Your ticket is 4711.",
    "Vi h\xC3\xB6rs efter sommaren.",
    "Dzi\xC4\x99kuj\xC4\x99, nie jestem zainteresowany",
    "Wrong person, ask Kim.\n\n" AT_LENGTH,
    "ok",
    "Tak, m\xC3\xB4\xC5\xBE"
    "eme sa stretn\xC3\xBA\xC5\xA5.",
};

static const char *const subjects[] = {
    "Re: Quick question",
    "Automatic reply: Quick question",
    "Abwesend: Kurze Frage",
    "Undeliverable: hello",
    "AW: Angebot",
    "R\xC3\xA9ponse automatique",
    "hi",
    "Out of office",
    "Your ticket 4711",
    "Sv: ett f\xC3\xB6rslag",
    "Re: 40 seats?",
    "\xE3\x81\x94\xE8\xBF\x94\xE4\xBF\xA1",
};

static const char *const addresses[] = {
    "ada@customer.example", "tom.miller@firm.test", "info@shop.de",
    "k.ono@kaisha.jp",      "mailer-daemon@mx.net", "sales@big-corp.com",
    "x1@mail.firma.co.uk",  "joe_b@uni.edu",        "p@q.io",
    "no-reply@help.org",
};

static const char *const domains[] = {
    "customer.example", "firm.test",   "shop.de", "kaisha.jp", "mx.net",
    "big-corp.com",     "firma.co.uk", "uni.edu", "q.io",      "help.org",
};

static const char *const tags[] = {
    "interested",   "not_interested", "out_of_office", "meeting_booked",
    "wrong_person", "unsubscribe",    "bounce",        "question",
    "vip",          "later",
};

static const char *const events[] = {
    "email.replied",   "email.positive_reply", "email.sent",  "email.opened",  "email.bounced",
    "email.delivered", "lead.created",         "lead.tagged", "email.clicked", "campaign.done",
};

static const char *const names[] = {
    "Ada Byron",       "Tom",          "K. Ono",   "M\xC3\xBCller", "Jos\xC3\xA9 Ruiz", "Li",
    "Anna-Maria Vogt", "Customer Ltd", "Big Corp", "Q4 outreach",
};

static const char *const opt_outs[] = {
    "Please unsubscribe me",
    "Please remove me from your list",
    "remove me",
    "Take me off your mailing list",
    "Stop emailing me",
    "Please do not contact me again",
    "opt out",
    "I want to opt-out",
    "Bitte nehmen Sie mich aus Ihrem Verteiler",
    "Bitte l\xC3\xB6schen Sie meine Daten",
    "Bitte keine weiteren E-Mails",
    "Merci de me d\xC3\xA9sinscrire",
    "D\xC3\xA9sinscrivez-moi",
    "Por favor, darme de baja",
    "Cancellatemi dalla lista",
    "Graag uitschrijven",
};

const char *const *samples_of(enum field f, size_t *count)
{
    switch (f) {
    case FIELD_SUBJECT:
        *count = ARRAY_LEN(subjects);
        return subjects;
    case FIELD_FROM:
    case FIELD_MAILBOX:
        *count = ARRAY_LEN(addresses);
        return addresses;
    case FIELD_DOMAIN:
        *count = ARRAY_LEN(domains);
        return domains;
    case FIELD_TAG:
    case FIELD_TAGS:
        *count = ARRAY_LEN(tags);
        return tags;
    case FIELD_EVENT:
        *count = ARRAY_LEN(events);
        return events;
    case FIELD_REPLY:
    case FIELD_TEXT:
    case FIELD_QUOTED:
    case FIELD_SIGNATURE:
        *count = SAMPLE_REPLIES;
        return sample_replies;
    default:
        *count = ARRAY_LEN(names);
        return names;
    }
}

const char *const *samples_opt_out(size_t *count)
{
    *count = ARRAY_LEN(opt_outs);
    return opt_outs;
}
