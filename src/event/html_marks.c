#include "event/html_marks.h"

#include "base/cleanup.h"

const char *const html_attr_names[ATTR_COUNT] = {
    [ATTR_ID] = "id",
    [ATTR_CLASS] = "class",
    [ATTR_STYLE] = "style",
    [ATTR_NAME] = "name",
    [ATTR_TYPE] = "type",
    [ATTR_CITE] = "cite",
    [ATTR_MARKER] = "data-marker",
    [ATTR_SIGNATURE] = "data-signatureblock",
    [ATTR_SIZE] = "size",
    [ATTR_WIDTH] = "width",
    [ATTR_HIDDEN] = "hidden",
};

#define QUOTED ZONE_QUOTED
#define REST ZONE_REST
#define SIG ZONE_SIGNATURE

/* The first that fits decides. */
const struct html_mark html_marks[] = {
    /* Gmail; the class on a blockquote alone proves nothing: people use it for their own */
    { "blockquote", ATTR_CLASS, HOW_SUFFIX, "gmail_quote", ZONE_INDENT, "gmail_quote" },
    { "", ATTR_CLASS, HOW_SUFFIX, "gmail_quote", QUOTED, "gmail_quote" },
    { "", ATTR_CLASS, HOW_WORD, "gmail_quote_container", QUOTED, "gmail_quote" },
    { "", ATTR_CLASS, HOW_SUFFIX, "gmail_attr", QUOTED, "gmail_attr" },
    { "", ATTR_CLASS, HOW_PREFIX, "gmail_signature", SIG, "gmail_signature" },
    /* Outlook on the web, new Outlook, its mobile apps */
    { "", ATTR_ID, HOW_WORD, "divrplyfwdmsg", REST, "Outlook divRplyFwdMsg" },
    { "", ATTR_ID, HOW_PREFIX, "divrpf", REST, "Outlook Web divRpF" },
    { "", ATTR_ID, HOW_WORD, "appendonsend", REST, "Outlook appendonsend" },
    { "", ATTR_ID, HOW_WORD, "mail-editor-reference-message-container", REST,
      "Outlook reference message" },
    { "", ATTR_ID, HOW_WORD, "signature", SIG, "Outlook signature" },
    { "", ATTR_ID, HOW_WORD, "ms-outlook-mobile-signature", SIG, "Outlook mobile signature" },
    { "", ATTR_CLASS, HOW_WORD, "ms-outlook-mobile-reference-message", REST,
      "Outlook mobile reference message" },
    { "", ATTR_CLASS, HOW_WORD, "outlookmessageheader", REST, "Outlook message header" },
    /* Outlook 2007 to 365: a line above the header block, in any colour */
    { "div", ATTR_STYLE, HOW_INSIDE, "border-top:solid|1.0pt;padding:3.0pt0", REST,
      "Outlook border" },
    { "div", ATTR_STYLE, HOW_INSIDE, "border-top:1.0ptsolid|padding:3.0pt0", REST,
      "Outlook border" },
    { "div", ATTR_STYLE, HOW_INSIDE, "border-top:1ptsolid|padding:3pt0", REST, "Outlook border" },
    { "div", ATTR_STYLE, HOW_INSIDE, "border-style:solidnonenone|padding:3ptmedium0", REST,
      "Outlook border" },
    { "div", ATTR_STYLE, HOW_INSIDE, "border-width:1ptmediummedium|padding:3pt0", REST,
      "Outlook border" },
    /* Outlook for Mac, Hotmail, Windows Mail */
    { "", ATTR_ID, HOW_WORD, "olk_src_body_section", REST, "Outlook for Mac" },
    { "", ATTR_ID, HOW_WORD, "mac_outlook_style_block", QUOTED, "Outlook for Mac" },
    { "hr", ATTR_ID, HOW_WORD, "stopspelling", REST, "Hotmail stopSpelling" },
    { "div", ATTR_STYLE, HOW_INSIDE, "padding-top:5px|border-top-color:rgb(229,229,229)", REST,
      "Windows Mail border" },
    { "", ATTR_SIGNATURE, HOW_ANY, "", SIG, "Windows Mail signature" },
    /* Apple Mail */
    { "blockquote", ATTR_TYPE, HOW_WORD, "cite", QUOTED, "blockquote type=cite" },
    { "", ATTR_ID, HOW_PREFIX, "applemailsignature", SIG, "Apple Mail signature" },
    /* Yahoo and AOL put random letters in front */
    { "", ATTR_CLASS, HOW_INSIDE, "yahoo_quoted", QUOTED, "yahoo_quoted" },
    { "", ATTR_ID, HOW_INSIDE, "yahoo_quoted", QUOTED, "yahoo_quoted" },
    { "", ATTR_CLASS, HOW_SUFFIX, "yahoo-signature", SIG, "Yahoo signature" },
    { "", ATTR_CLASS, HOW_SUFFIX, "signature_yahoo", SIG, "Yahoo signature" },
    { "", ATTR_CLASS, HOW_INSIDE, "ydp|signature", SIG, "Yahoo signature" },
    { "", ATTR_ID, HOW_SUFFIX, "mail_android_signature", SIG, "Yahoo signature" },
    { "", ATTR_ID, HOW_WORD, "yahoo_android_signature", SIG, "Yahoo signature" },
    /* Thunderbird */
    { "", ATTR_CLASS, HOW_WORD, "moz-cite-prefix", QUOTED, "moz-cite-prefix" },
    { "", ATTR_CLASS, HOW_WORD, "moz-forward-container", REST, "moz-forward-container" },
    { "", ATTR_CLASS, HOW_WORD, "moz-email-headers-table", REST, "moz-email-headers-table" },
    { "", ATTR_CLASS, HOW_WORD, "moz-signature", SIG, "moz-signature" },
    { "blockquote", ATTR_CITE, HOW_ANY, "", QUOTED, "blockquote cite" },
    /* Zimbra */
    { "", ATTR_MARKER, HOW_WORD, "__divider__", REST, "Zimbra divider" },
    { "", ATTR_MARKER, HOW_WORD, "__headers__", REST, "Zimbra headers" },
    { "", ATTR_MARKER, HOW_WORD, "__quoted_text__", QUOTED, "Zimbra quoted text" },
    { "", ATTR_MARKER, HOW_PREFIX, "__sig_", SIG, "Zimbra signature" },
    /* Proton, Tutanota */
    { "", ATTR_CLASS, HOW_PREFIX, "protonmail_signature", SIG, "Proton signature" },
    { "", ATTR_CLASS, HOW_PREFIX, "protonmail_", QUOTED, "Proton quote" },
    { "", ATTR_CLASS, HOW_WORD, "tutanota_quote", QUOTED, "Tutanota quote" },
    /* Spark, Front, Newton, Airmail, Mailbird, Missive, Zoho, Superhuman */
    { "", ATTR_NAME, HOW_WORD, "messagereplysection", QUOTED, "Spark reply section" },
    { "", ATTR_NAME, HOW_WORD, "messagesignaturesection", SIG, "Spark signature section" },
    { "", ATTR_CLASS, HOW_WORD, "spark_quote", QUOTED, "Spark quote" },
    { "", ATTR_CLASS, HOW_PREFIX, "front-signature", SIG, "Front signature" },
    { "", ATTR_CLASS, HOW_WORD, "front-blockquote", QUOTED, "Front quote" },
    { "", ATTR_CLASS, HOW_WORD, "front-quote", QUOTED, "Front quote" },
    { "", ATTR_CLASS, HOW_PREFIX, "cm_sig", SIG, "Newton signature" },
    { "", ATTR_ID, HOW_PREFIX, "cm_sig", SIG, "Newton signature" },
    { "", ATTR_CLASS, HOW_PREFIX, "cm_footer", SIG, "Newton footer" },
    { "", ATTR_ID, HOW_PREFIX, "cm_footer", SIG, "Newton footer" },
    { "", ATTR_CLASS, HOW_PREFIX, "cm_repl", QUOTED, "Newton quote" },
    { "", ATTR_ID, HOW_PREFIX, "cm_repl", QUOTED, "Newton quote" },
    { "", ATTR_CLASS, HOW_PREFIX, "cm_quote", QUOTED, "Newton quote" },
    { "", ATTR_ID, HOW_PREFIX, "cm_quote", QUOTED, "Newton quote" },
    { "", ATTR_CLASS, HOW_WORD, "airmail_on", QUOTED, "Airmail attribution" },
    { "", ATTR_CLASS, HOW_PREFIX, "airmail_ext_on", QUOTED, "Airmail attribution" },
    { "blockquote", ATTR_CLASS, HOW_WORD, "clean_bq", QUOTED, "Airmail quote" },
    { "", ATTR_CLASS, HOW_PREFIX, "bloop_sign", SIG, "Airmail signature" },
    { "", ATTR_ID, HOW_PREFIX, "bloop_sign", SIG, "Airmail signature" },
    { "", ATTR_CLASS, HOW_WORD, "mb_sig", SIG, "Mailbird signature" },
    { "", ATTR_CLASS, HOW_PREFIX, "missive_quote", QUOTED, "Missive quote" },
    { "", ATTR_CLASS, HOW_WORD, "zmail_extra", QUOTED, "Zoho quote" },
    { "", ATTR_CLASS, HOW_PREFIX, "zmail_extra", QUOTED, "Zoho quote" },
    { "", ATTR_ID, HOW_WORD, "zmail_signature", SIG, "Zoho signature" },
    { "", ATTR_ID, HOW_WORD, "zm-_id_-sgn", SIG, "Zoho signature" },
    { "", ATTR_ID, HOW_WORD, "signature_old", SIG, "eM Client signature" },
    { "", ATTR_CLASS, HOW_WORD, "sh-signature", SIG, "Superhuman signature" },
    { "", ATTR_CLASS, HOW_WORD, "mimestream-quote", QUOTED, "Mimestream quote" },
    /* GMX and web.de, mail.ru, NetEase, QQ, Roundcube, Samsung */
    { "", ATTR_NAME, HOW_WORD, "quote", QUOTED, "GMX quote" },
    { "", ATTR_ID, HOW_PREFIX, "mail-app-auto-quote", QUOTED, "mail.ru quote" },
    { "", ATTR_CLASS, HOW_PREFIX, "mail-quote-collapse", QUOTED, "mail.ru quote" },
    { "", ATTR_ID, HOW_WORD, "isreplycontent", QUOTED, "NetEase quote" },
    { "", ATTR_ID, HOW_WORD, "isforwardcontent", REST, "NetEase forward" },
    { "", ATTR_ID, HOW_WORD, "reply-intro", QUOTED, "Roundcube attribution" },
    { "", ATTR_ID, HOW_WORD, "composer_signature", SIG, "Samsung signature" },
};
const size_t html_marks_count = ARRAY_LEN(html_marks);

const char *const html_comment_marks[] = { "originalmessage" };
const size_t html_comment_marks_count = ARRAY_LEN(html_comment_marks);
