/* scrub_words.c - the tables of scrub.c: one place to teach it a language. */
#include "event/scrub_priv.h"

#include <string.h>

#include "base/cleanup.h"
#include "event/split_marks.h"

#define WORDS(name, ...)                                                                           \
    static const char *const name##_list[] = { __VA_ARGS__ };                                      \
    const struct scrub_words name = { name##_list, ARRAY_LEN(name##_list) };

/* clang-format off */
WORDS(scrub_greetings,
    "hi", "hello", "hey", "dear", "good morning", "good afternoon", "good day",
    "hallo", "liebe", "lieber", "guten tag", "guten morgen", "moin", "servus", "grüezi",
    "sehr geehrte frau", "sehr geehrter herr", "sehr geehrter", "sehr geehrte",
    "bonjour", "bonsoir", "salut", "cher", "chère", "madame", "monsieur",
    "hola", "estimado", "estimada", "buenos días", "buenas tardes",
    "ciao", "buongiorno", "salve", "gentile", "egregio", "caro", "cara",
    "olá", "ola", "bom dia", "boa tarde", "prezado", "prezada", "caro",
    "beste", "hoi", "geachte", "dag", "goedemorgen", "goedemiddag",
    "hej", "hei", "kære", "kjære", "hyvä", "moi", "god dag",
    "cześć", "dzień dobry", "szanowny pan", "szanowna pani", "drogi", "droga",
    "dobrý den", "ahoj", "vážený pane", "vážená paní", "merhaba", "sayın",
    "здравствуйте", "добрый день", "уважаемый", "уважаемая", "привет")

WORDS(scrub_closings,
    "mit freundlichen grüßen", "mit freundlichen grüssen", "mit freundlichem gruß",
    "mit besten grüßen", "mit den besten grüßen", "mit herzlichen grüßen",
    "freundliche grüße", "freundliche grüsse", "viele grüße", "viele grüsse", "beste grüße",
    "beste grüsse", "liebe grüße", "liebe grüsse", "herzliche grüße", "schöne grüße", "grüße",
    "gruß", "mfg", "lg", "vg", "bg", "danke", "vielen dank",
    "best regards", "kind regards", "warm regards", "many thanks", "kindest regards", "regards",
    "best wishes", "best", "yours sincerely", "sincerely", "yours faithfully", "yours", "cheers",
    "thanks", "thank you", "br", "rgds",
    "bien cordialement", "cordialement", "bien à vous", "salutations", "sincères salutations",
    "meilleures salutations", "amicalement", "merci",
    "un saludo", "saludos cordiales", "cordiales saludos", "saludos", "atentamente", "gracias",
    "cordiali saluti", "distinti saluti", "un saluto", "saluti", "grazie",
    "atenciosamente", "com os melhores cumprimentos", "cumprimentos", "abraço", "obrigado",
    "obrigada", "met vriendelijke groet", "met vriendelijke groeten", "vriendelijke groet",
    "groeten", "groet", "bedankt", "med vänliga hälsningar", "vänliga hälsningar", "hälsningar",
    "mvh", "med venlig hilsen", "venlig hilsen", "med vennlig hilsen", "vennlig hilsen",
    "hilsen", "ystävällisin terveisin", "terveisin", "pozdrawiam", "z poważaniem",
    "s pozdravem", "s pozdravom", "üdvözlettel", "cu stimă", "saygılarımla", "iyi çalışmalar",
    "с уважением", "с наилучшими пожеланиями", "敬具", "よろしくお願いいたします")

WORDS(scrub_titles,
    "dr", "prof", "mr", "mrs", "ms", "miss", "mx", "sir", "herr", "herrn", "frau", "dipl", "ing",
    "mag", "msc", "bsc", "mba", "phd", "von", "vom", "van", "der", "den", "de", "del", "della",
    "di", "da", "dos", "das", "du", "la", "le", "el", "al", "bin", "ter", "ten", "zu", "zur",
    "and", "und", "et", "y", "e", "i.a", "i.v", "ppa", "jr", "sr", "mme", "mlle", "sra", "señor",
    "señora", "pan", "pani", "signor", "signora", "the", "from", "for")

WORDS(scrub_nobodies,
    "customer", "customers", "sender", "sir", "madam", "all", "team", "everyone", "everybody",
    "folks", "guys", "there", "client", "user", "colleague", "colleagues", "friend", "friends",
    "partner", "applicant", "kunde", "kundin", "kunden", "absender", "damen", "herren",
    "zusammen", "alle", "kollegen", "kollegin", "kollege", "leute", "madame", "monsieur",
    "messieurs", "client", "clients", "tous", "cliente", "clientes", "todos", "equipo", "tutti",
    "allemaal", "iedereen", "alla", "alle", "kaikki", "państwo", "коллеги", "клиент",
    "i", "we", "ich", "wir", "no", "yes", "please", "stop", "thanks", "unsubscribe", "sent",
    "sales", "support", "info", "re", "automatic", "out", "gesendet", "envoyé", "enviado")

/* Replaced only beside another name, or alone on a line. */
WORDS(scrub_common,
    "will", "mark", "may", "an", "do", "so", "bill", "rich", "frank", "grant", "hope", "joy",
    "grace", "dawn", "chase", "max", "art", "rose", "long", "young", "best", "king", "day",
    "page", "price", "good", "wood", "hall", "free", "love", "power", "little", "short", "green",
    "brown", "black", "white", "gray", "grey", "stone", "field", "bell", "ford", "rush", "way",
    "see", "sun", "lee", "ray", "guy", "sue", "pat", "drew", "don", "gene", "jack", "lance",
    "miles", "nick", "rob", "rusty", "skip", "ward", "wade", "worth", "call", "store", "sales",
    "klein", "groß", "lang", "kurz", "frei", "fröhlich", "wolf", "koch", "sommer", "winter",
    "herbst", "ernst", "gut", "neu", "alt", "rot", "weiß", "schwarz", "braun", "bitte", "morgen",
    "tag", "mann", "kaufmann", "berg", "bach", "stark", "schnell", "petit", "grand", "blanc",
    "noir", "legrand", "rossi", "bianchi", "mar", "sol", "cruz", "rico", "bueno", "nunca",
    "mai", "april", "august", "can", "are", "you", "out", "off", "away", "not", "now", "new",
    "office", "group", "global", "digital", "international", "solutions", "services", "systems",
    "software", "consulting", "marketing", "media", "energy", "health", "data", "cloud", "food",
    "trade", "trading", "logistics", "technology", "technologies", "company", "partners",
    "holding", "design", "studio", "security", "insurance", "bank", "first", "one", "smart")

WORDS(scrub_forms,
    "gmbh", "mbh", "ag", "kg", "kgaa", "ohg", "ug", "se", "gbr", "ev", "ltd", "limited", "llc",
    "llp", "lp", "inc", "incorporated", "corp", "corporation", "plc", "co", "bv", "nv", "sa",
    "sas", "sarl", "srl", "spa", "sl", "slu", "lda", "ltda", "ab", "aps", "as", "oy", "oyj",
    "sro", "kft", "zrt", "pte", "pty", "kk", "ооо", "зао")

WORDS(scrub_roles,
    "info", "sales", "support", "office", "hello", "contact", "kontakt", "mail", "email", "team",
    "admin", "hr", "jobs", "careers", "noreply", "no-reply", "no_reply", "keine-antwort", "nicht-antworten", "ne-pas-repondre",
    "nepasrepondre", "no-responder", "noresponder", "non-rispondere", "nao-responda", "donotreply",
    "do-not-reply", "do_not_reply", "mailer-daemon", "mailerdaemon", "mail-daemon", "mdaemon",
    "postmaster", "bounce", "bounces", "abuse", "service", "services", "help", "helpdesk",
    "billing", "accounts", "accounting", "invoice", "invoices", "marketing", "press", "privacy",
    "datenschutz", "reception", "orders", "order", "einkauf", "vertrieb", "buchhaltung",
    "zentrale", "post", "welcome", "enquiries", "inquiries", "feedback", "newsletter",
    "unsubscribe", "notifications", "notification", "system", "root", "webmaster", "security",
    "purchasing", "procurement", "it", "contacto", "ventas", "commercial", "compras", "lead")

WORDS(scrub_hosts,
    "gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com",
    "yahoo.com", "yahoo.de", "yahoo.fr", "yahoo.co.uk", "icloud.com", "me.com", "mac.com",
    "aol.com", "gmx.de", "gmx.net", "gmx.at", "gmx.ch", "web.de", "t-online.de", "freenet.de",
    "orange.fr", "free.fr", "laposte.net", "libero.it", "mail.ru", "yandex.ru", "qq.com",
    "163.com", "naver.com", "proton.me", "protonmail.com", "example.com", "example.org",
    "example.net", "calendly.com", "cal.com", "meetings.hubspot.com", "zoom.us", "meet.google.com",
    "teams.microsoft.com", "outlook.office.com", "outlook.office365.com", "linkedin.com",
    "www.linkedin.com", "aka.ms", "docs.google.com", "forms.gle", "support.google.com")

WORDS(scrub_tlds,
    "com", "net", "org", "io", "de", "fr", "es", "nl", "ch", "uk", "eu", "pl", "cz", "se", "dk",
    "fi", "pt", "ru", "jp", "cn", "kr", "br", "au", "ca", "ai", "info", "biz", "app", "dev",
    "tech", "shop", "online", "cloud", "gmbh")

WORDS(scrub_people,
    "Robin", "Sander", "Kim", "Merten", "Toni", "Falk", "Noel", "Brandis", "Mika", "Velten",
    "Luca", "Harms", "Sascha", "Odell", "Jona", "Quint", "Lenn", "Tamm", "Bente", "Rieck",
    "Elia", "Vance", "Nico", "Zander")
WORDS(scrub_people_cyrillic, "Саша", "Орлов", "Женя", "Лапин", "Валя", "Зимин", "Шура", "Носов")
WORDS(scrub_people_han, "山田", "佐藤", "鈴木", "高橋")
WORDS(scrub_companies, "Norda", "Velta", "Umbra", "Kelvo", "Tarsis", "Ombra", "Lumio", "Orvex")
/* clang-format on */

bool scrub_has(const struct scrub_words *w, const char *s, size_t len)
{
    for (size_t i = 0; i < w->count; i++)
        if (strlen(w->list[i]) == len && memcmp(w->list[i], s, len) == 0)
            return true;
    return false;
}

bool scrub_names_a_gadget(const char *s, size_t len)
{
    for (size_t i = 0; i < split_gadgets.count; i++)
        if (memmem(s, len, split_gadgets.list[i].text, strlen(split_gadgets.list[i].text)))
            return true;
    return false;
}

bool scrub_is_date_word(const char *s, size_t len)
{
    for (size_t i = 0; i < split_dates.count; i++) {
        const char *text = split_dates.list[i].text;
        if (strlen(text) == len && memcmp(text, s, len) == 0)
            return true;
    }
    return false;
}
