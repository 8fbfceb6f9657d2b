#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "event/text.h"

struct row {
    const char *name, *mail, *reply;
};

/* What other splitters are known to get wrong, and must not be cut. */
static const struct row kept[] = {
    { "a day and an address in a sentence",
      "I will be back on Monday 20 July 2026, write to <anna@x.example>:\n\nthanks",
      "I will be back on Monday 20 July 2026, write to <anna@x.example>:\n\nthanks" },
    { "a day, and an address with a number behind it",
      "I am away until Monday 20 July 2026. Urgent: \"anna@x.example\": +49 170 1234567\n\nBest",
      "I am away until Monday 20 July 2026. Urgent: \"anna@x.example\": +49 170 1234567\n\nBest" },
    { "a dash before a word is no signature", "-Fine by me\n- and by Bob\n-- most likely\n",
      "-Fine by me\n- and by Bob\n-- most likely" },
    { "a list of dashes", "We need:\n- ten seats\n- a price\n* a date",
      "We need:\n- ten seats\n- a price\n* a date" },
    { "a command with a dash", "Run this:\nls -l\ntar -xf a.tar",
      "Run this:\nls -l\ntar -xf a.tar" },
    { "a hyphenated word at the start of a line", "our state of the\n-art system",
      "our state of the\n-art system" },
    { "two dashes in a sentence", "Yes -- call me\ntomorrow -- at ten",
      "Yes -- call me\ntomorrow -- at ten" },
    { "a rule parts two sections",
      "Part one\n----------\nPart two, please call.\n\n______________\nPart three",
      "Part one\n----------\nPart two, please call.\n\n______________\nPart three" },
    { "a rule of signs", "Part one\n\n=====\n\nPart two\n\n***\n\nPart three",
      "Part one\n\n=====\n\nPart two\n\n***\n\nPart three" },
    { "comment lines in code", "See:\n\n#### setup\nmake\n####\nmake test\n\nDoes it work?",
      "See:\n\n#### setup\nmake\n####\nmake test\n\nDoes it work?" },
    { "the lead's own first line begins with >", ">no, only one\nwe take it",
      ">no, only one\nwe take it" },
    { "an own first line with one >", "> 50 seats\nis what we need",
      "> 50 seats\nis what we need" },
    { "on the other hand he wrote", "On the other hand, my boss wrote:\nwe should talk.",
      "On the other hand, my boss wrote:\nwe should talk." },
    { "a date and wrote in prose", "On Monday I wrote to your colleague. No answer!\nPlease call.",
      "On Monday I wrote to your colleague. No answer!\nPlease call." },
    { "said in prose", "On Friday, 5 May, he said:\nlet us meet.",
      "On Friday, 5 May, he said:\nlet us meet." },
    { "a travel plan is no header block",
      "From: Berlin\nTo: Munich\nDate: 5 May 2025\nWould that suit you?",
      "From: Berlin\nTo: Munich\nDate: 5 May 2025\nWould that suit you?" },
    { "labels in a form", "Name: Ada\nDate: 5 May\nSubject: a demo\nPlease call.",
      "Name: Ada\nDate: 5 May\nSubject: a demo\nPlease call." },
    { "sent from in a sentence", "Sent from our office last week, did you get it?",
      "Sent from our office last week, did you get it?" },
    { "get outlook in a sentence", "We will get the phone.\nLet us talk.",
      "We will get the phone.\nLet us talk." },
    { "from my phone, but a sentence", "I write this from my phone so be short",
      "I write this from my phone so be short" },
    { "a table with bars", "| a | b |\n| 1 | 2 |\nwhich of them?",
      "| a | b |\n| 1 | 2 |\nwhich of them?" },
    { "a prompt", "bash> make\nand it fails", "bash> make\nand it fails" },
    { "an arrow", "-> yes\n=> fine", "-> yes\n=> fine" },
    { "a smiley", ":> fine\n<3", ":> fine\n<3" },
    { "the word original between dashes, in prose", "our -- original message -- was clear",
      "our -- original message -- was clear" },
    { "closing formulas stay", "Yes.\n\nBest regards,\nAda", "Yes.\n\nBest regards,\nAda" },
    { "wants to unsubscribe", "> Hello\n> Bob\n\nI want to unsubscribe from this list.",
      "I want to unsubscribe from this list." },
    { "complains about unsubscribing",
      "Hello.\n\nI tried to unsubscribe three times, how to unsubscribe here?",
      "Hello.\n\nI tried to unsubscribe three times, how to unsubscribe here?" },
    { "the lead's own unsubscribe", "Please unsubscribe me.", "Please unsubscribe me." },
    { "unsubscribe below a quotation",
      "> Hello Ada,\n> shall we talk?\n\nNo. Unsubscribe me please.",
      "No. Unsubscribe me please." },
};

/* The same, where something must be cut. */
static const struct row cut[] = {
    { "a real attribution below prose with on",
      "On your remote host, run it at 10:30.\nOn Mon, 5 May 2025 at 10:30, Ada <ada@host.example> "
      "wrote:\n\n> old\n",
      "On your remote host, run it at 10:30." },
    { "a long address wraps the attribution",
      "Yes.\n\nOn Mon, May 5, 2025 at 10:30 AM Ada Augusta Byron King Lovelace "
      "<\nada.augusta.byron.king.lovelace@very-long-department.host.example> wrote:\n\n> old",
      "Yes." },
    { "wrapped, German",
      "Ja.\n\nAm Mo., 5. Mai 2025 um 10:30 Uhr schrieb Ada Lovelace "
      "<\nada.lovelace@sehr-langer-name.example>:\n\nalt",
      "Ja." },
    { "wrapped, Swedish",
      "Ja.\n\nDen mån 5 maj 2025 kl 10:30 skrev Ada Lovelace "
      "<\nada.lovelace@mycket-langt.example>:\n\ngammalt",
      "Ja." },
    { "wrapped, French",
      "Oui.\n\nLe lun. 5 mai 2025 à 10:30, Ada Lovelace <\nada.lovelace@tres-long.example> "
      "a\nécrit :\n\nvieux",
      "Oui." },
    { "wrapped, Spanish",
      "Sí.\n\nEl lun, 5 may 2025 a las 10:30, Ada Lovelace (<\nada.lovelace@muy-largo.example>) "
      "escribió:\n\nviejo",
      "Sí." },
    { "Gmail, Portuguese",
      "Sim.\n\nEm seg., 5 de mai. de 2025 às 10:30, Ada Lovelace "
      "<ada@host.example>\nescreveu:\n\nvelho",
      "Sim." },
    { "Gmail, Italian",
      "Sì.\n\nIl giorno lun 5 mag 2025 alle ore 10:30 Ada Lovelace <ada@host.example>\nha "
      "scritto:\n\nvecchio",
      "Sì." },
    { "Gmail, Dutch",
      "Ja.\n\nOp ma 5 mei 2025 om 10:30 schreef Ada Lovelace <ada@host.example>:\n\noud", "Ja." },
    { "Gmail, Finnish",
      "Kyllä.\n\nma 5. toukok. 2025 klo 10.30 Ada Lovelace (ada@host.example) kirjoitti:\n\nvanha",
      "Kyllä." },
    { "Gmail, Danish",
      "Ja.\n\nman. 5. maj 2025 kl. 10.30 skrev Ada Lovelace <ada@host.example>:\n\ngammelt",
      "Ja." },
    { "Gmail, Polish",
      "Tak.\n\npon., 5 maj 2025 o 10:30 Ada Lovelace <ada@host.example> napisał(a):\n\nstare",
      "Tak." },
    { "Gmail, Czech",
      "Ano.\n\npo 5. 5. 2025 v 10:30 odesílatel Ada Lovelace <ada@host.example> napsal:\n\nstaré",
      "Ano." },
    { "Gmail, Hungarian",
      "Igen.\n\nAda Lovelace <ada@host.example> ezt írta (időpont: 2025. máj. 5., H, "
      "10:30):\n\nrégi",
      "Igen." },
    { "Gmail, Romanian",
      "Da.\n\nÎn lun., 5 mai 2025 la 10:30, Ada Lovelace <ada@host.example> a scris:\n\nvechi",
      "Da." },
    { "Gmail, Turkish",
      "Evet.\n\nAda Lovelace <ada@host.example>, 5 May 2025 Pzt, 10:30 tarihinde şunu "
      "yazdı:\n\neski",
      "Evet." },
    { "Gmail, Russian",
      "Да.\n\nпн, 5 мая 2025 г. в 10:30, Ада Лавлейс <ada@host.example>:\n\nстарое", "Да." },
    { "Gmail, Ukrainian",
      "Так.\n\nпн, 5 трав. 2025 р. о 10:30 Ада Лавлейс <ada@host.example> пише:\n\nстаре", "Так." },
    { "Gmail, Chinese",
      "好的。\n\nAda Lovelace <ada@host.example> 于2025年5月5日周一 10:30写道：\n\n旧", "好的。" },
    { "Gmail, Taiwan",
      "好的。\n\nAda Lovelace <ada@host.example> 於 2025年5月5日 週一 上午10:30寫道：\n\n舊",
      "好的。" },
    { "Gmail, Japanese",
      "はい。\n\n2025年5月5日(月) 10:30 Ada Lovelace <ada@host.example>:\n\n古い", "はい。" },
    { "Gmail, Korean",
      "네.\n\n2025년 5월 5일 (월) 오전 10:30, Ada Lovelace <ada@host.example>님이 작성:\n\n옛",
      "네." },
    { "Gmail, Vietnamese",
      "Vâng.\n\nVào Th 2, 5 thg 5, 2025 vào lúc 10:30 Ada Lovelace <ada@host.example>\nđã "
      "viết:\n\ncũ",
      "Vâng." },
    { "Apple Mail, French",
      "Oui.\n\n> Le 5 mai 2025 à 10:30, Ada Lovelace <ada@host.example> a écrit :\n> \n> vieux",
      "Oui." },
    { "Apple Mail, Norwegian",
      "Ja.\n\n5. mai 2025 kl. 10:30 skrev Ada Lovelace <ada@host.example>:\n\n> gammelt", "Ja." },
    { "Thunderbird, German", "Ja.\n\nAm 05.05.25 um 10:30 schrieb Ada Lovelace:\n> alt\n> alt",
      "Ja." },
    { "Thunderbird, Hungarian",
      "Igen.\n\n2025. 05. 05. 10:30 keltezéssel, Ada Lovelace írta:\n> régi", "Igen." },
    { "Thunderbird, Croatian",
      "Da.\n\nDana 5. 5. 2025. u 10:30, Ada Lovelace je napisao/la:\n> staro", "Da." },
    { "verb before name and date behind",
      "Ja.\n\nAda Lovelace <ada@host.example> schrieb am Mo., 5. Mai 2025, 10:30:\n\nalt", "Ja." },
    { "Zoho",
      "Yes.\n\n\n---- On Mon, 05 May 2025 10:30:00 +0000 Ada <ada@host.example> wrote ---\n\nold",
      "Yes." },
    { "Polymail", "Yes.\n\nOn May 5, 2025 at 10:30 AM, Ada <ada@host.example> wrote:\n\nold",
      "Yes." },
    { "no colon", "Yes.\n\nOn 5 May 2025, 3:15 PM -0800, Ada <ada@host.example>, wrote\n> old",
      "Yes." },
    { "ISO date without a verb",
      "Yes.\n\n2025-05-05 11:28 GMT+03:00 Ada Lovelace <ada@host.example>:\n\nold", "Yes." },
    { "slashes without a verb", "Yes.\n\n2025/5/5 Ada Lovelace <ada@host.example>\n\nold", "Yes." },
    { "a language that is not known, above a quotation",
      "Ie.\n\nAr 5 Mai 2025 10:30, ysgrifennodd Ada <ada@host.example>:\n> hen", "Ie." },
    { "Outlook block starts with the subject",
      "Yes.\n\nSubject: Hello\nFrom: Ada <ada@host.example>\nDate: 5 May 2025\nTo: Bob\n\nold",
      "Yes." },
    { "Outlook for Mac without a rule",
      "Yes.\n\nFrom: Ada <ada@host.example>\nDate: Monday, 5 May 2025 at 10:30\nTo: Bob "
      "<bob@host.example>\nSubject: Hello\n\nold",
      "Yes." },
    { "Outlook with underscores",
      "Yes.\n\n________________________________\nFrom: Ada <ada@host.example>\nSent: Monday, May "
      "5, 2025 10:30 AM\nTo: Bob\nSubject: Hello\n\nold",
      "Yes." },
    { "bold labels",
      "Ja.\n\n**Von:** Ada <ada@host.example>\n**Gesendet:** Montag, 5. Mai 2025\n**An:** "
      "Bob\n**Betreff:** Hallo\n\nalt",
      "Ja." },
    { "double spaced block",
      "Oui.\n\nDe : Ada <ada@host.example>\n\nEnvoyé : lundi 5 mai 2025\n\nÀ : Bob\n\nObjet : "
      "Bonjour\n\nvieux",
      "Oui." },
    { "fullwidth colons",
      "好的\n\n发件人： Ada\n发送时间： 2025年5月5日\n收件人： Bob\n主题： 你好\n\n旧", "好的" },
    { "Yahoo in one line",
      "Yes.\n\nFrom: Ada <ada@host.example> To: bob@host.example Sent: Monday, May 5, 2025 "
      "Subject: Hello\n\nold",
      "Yes." },
    { "wrapped header values",
      "Yes.\n\nFrom: Ada <ada@host.example>\nSent: Monday, May 5, 2025\nTo: Bob; Cy;\n Dan; "
      "Eve\nSubject: a very long subject that\n goes on\n\nold",
      "Yes." },
    { "Exchange, Japanese",
      "はい\n\n差出人: Ada <ada@host.example>\n送信日時: 2025年5月5日\n宛先: Bob\n件名: "
      "こんにちは\n\n古い",
      "はい" },
    { "QQ Mail",
      "好的\n\n\n------------------ 原始邮件 ------------------\n发件人: \"Ada\" "
      "<ada@host.example>;\n\n旧",
      "好的" },
    { "QQ Mail in English",
      "ok\n\n\n------------------ Original ------------------\nFrom: \"Ada\"\n\nold", "ok" },
    { "Samsung",
      "Yes.\n\n\n-------- Original message --------\nFrom: Ada <ada@host.example>\nDate: "
      "5/5/25\n\nold",
      "Yes." },
    { "forwarded by Gmail",
      "FYI\n\n---------- Forwarded message ---------\nFrom: Ada <ada@host.example>\nDate: Mon, May "
      "5, 2025\nSubject: Hello\nTo: Bob\n\nunsubscribe",
      "FYI" },
    { "forwarded by Apple",
      "FYI\n\nBegin forwarded message:\n\nFrom: Ada <ada@host.example>\nSubject: Hello\n\nold",
      "FYI" },
    { "forwarded by Lotus Notes",
      "FYI\n----- Forwarded by Ada Lovelace/London/Host on 05/05/2025 10:30 -----\n\nold", "FYI" },
    { "nothing but a forward",
      "---------- Forwarded message ---------\nFrom: Ada <ada@host.example>\n\nold", "" },
    { "answers between quoted lines",
      "> Who are you?\n\nI am Bob.\n\n> What do you need?\n> And when?\n\nA price.\nToday.\n\n> "
      "Ada",
      "I am Bob.\n\nA price.\nToday." },
    { "an answer below",
      "On 5 May 2025, at 10:30, Ada wrote:\n> Shall we talk?\n> Ada\n\nYes, call me.",
      "Yes, call me." },
    { "quoted with bars",
      "Yes.\n\n2025/5/5 Ada <ada@host.example>\n\n| old\n| words\n|\n| unsubscribe", "Yes." },
    { "quoted with initials", "Yes.\n\nAL> old words\nAL> and more\n\nFine.", "Yes.\n\nFine." },
    { "a wrapped quoted line",
      "Yes.\n\nOn Mon, 5 May 2025 10:30 Ada <ada@host.example> wrote:\n> if you do not like this "
      "you can always\nunsubscribe here\n> or write back",
      "Yes." },
    { "a footer below the quotation",
      "Yes.\n\n> old\n> words\n\nTo unsubscribe from this group write to us.", "Yes." },
    { "a flattened mail",
      "Yes please, call me. On Mon, May 5, 2025 at 10:30 AM Ada Lovelace <ada@host.example> wrote: "
      "Hi Bob, shall we talk? Unsubscribe",
      "Yes please, call me." },
    { "a flattened mail with a header block",
      "Yes please. From: Ada <ada@host.example> Sent: Monday, May 5, 2025 10:30 AM To: Bob "
      "<bob@host.example> Subject: Hello Hi Bob, unsubscribe here",
      "Yes please." },
    { "a flattened mail with a marker",
      "Yes please. -----Original Message----- From: Ada Hi Bob, unsubscribe", "Yes please." },
    { "a flattened German mail",
      "Ja gern, danke. Am Mo., 5. Mai 2025 um 10:30 Uhr schrieb Ada Lovelace <ada@host.example>: "
      "Hallo, hier abmelden",
      "Ja gern, danke." },
    { "empty reply above an attribution",
      "On Mon, 5 May 2025 at 10:30, Ada <ada@host.example> wrote:\n\n> Hi Bob,\n> unsubscribe",
      "" },
    { "empty reply, the original unmarked",
      "On Mon, 5 May 2025 at 10:30, Ada <ada@host.example> wrote:\n\nHi Bob,\nshall we "
      "talk?\n\nUnsubscribe here",
      "" },
    { "empty reply, device line",
      "Sent from my iPhone\n\nOn 5 May 2025, at 10:30, Ada <ada@host.example> wrote:\n\nHi "
      "Bob,\nUnsubscribe here",
      "" },
    { "empty reply, device line, no small print",
      "Sent from my iPhone\n\nOn 5 May 2025, at 10:30, Ada <ada@host.example> wrote:\n\nHi "
      "Bob,\nshall we talk?",
      "" },
    { "small print below a mark that nobody knows",
      "Ie.\n\nWele isod\nHi Bob\n\nTo unsubscribe from these mails, click here.",
      "Ie.\n\nWele isod\nHi Bob" },
    { "an unknown verb behind name and address",
      "Ie.\n\nAda Lovelace <ada@host.example> ysgrifennodd 5.5.2025 10:30:\n\nhen", "Ie." },
    { "reply above this line", "Yes.\n\n##- Please type your reply above this line -##\n\nold",
      "Yes." },
    { "Outlook mobile in a language that is not known",
      "Ie.\n\nCael Outlook ar gyfer "
      "iOS<https://aka.ms/o0ukef>\n________________________________\nFrom: Ada "
      "<ada@host.example>\nSent: Monday, May 5, 2025\nTo: Bob\nSubject: Hello\n\nhen",
      "Ie." },
    { "a body with its own headers on top",
      "Od: Jan <jan@host.example>\nWysłano: środa, 5 maja 2025\nTemat: Oferta\n\nProszę o telefon.",
      "Proszę o telefon." },
    { "a signature", "Yes.\n-- \nAda Lovelace\nunsubscribe from my own newsletter", "Yes." },
    { "a signature, then the original", "Yes.\n--\nAda\n\nAm 05.05.25 um 10:30 schrieb Bob:\n> alt",
      "Yes." },
    { "device line after the signature", "Yes.\n\nSent from my iPhone, please excuse typos",
      "Yes." },
    { "device line right above the original",
      "Oui.\n\nEnvoyé de mon iPhone\nLe 5 mai 2025 à 10:30, Ada <ada@host.example> a écrit "
      ":\n\nvieux",
      "Oui." },
    { "Outlook mobile",
      "Ja.\n\nOutlook für iOS<https://aka.ms/o0ukef> "
      "herunterladen\n________________________________\nVon: Ada <ada@host.example>\nGesendet: "
      "Montag, 5. Mai 2025\nAn: Bob\nBetreff: Hallo\n\nalt",
      "Ja." },
};

/* As the programs write them, above an original without marks. */
static const char *const originals[] = {
    "Le 25 août 2024 à 10:00 +0200, Ada <a@b.c>, a écrit :",
    "Le mar. 5 mai 2025 à 10:30, Ada a écrit :",
    "On Apr 19, 2011 6:10 PM, \"Ada\" <a@b.c> wrote:",
    "--------------------------------------------\nOn Mon, 5/5/25, Ada <a@b.c> wrote:",
    "Ada Lovelace <ada@x.y> wrote on 05/05/2025 10:30:00 AM:",
    "In a message dated 5/5/2025 10:30:00 A.M. Eastern Daylight Time, ada@x.y writes:",
    "El lun, 5 de may. de 2025 a la(s) 10:30, Ada (ada@x.y) escribió:",
    "El dl., 5 de maig 2025, 10:30, Ada <a@b.c> va escriure:",
    "po 5. 5. 2025 o 10:30 Ada <a@b.c> napísal(a):",
    "Στις Δευ 5 Μαΐ 2025 στις 10:30 π.μ., ο χρήστης Ada <a@b.c> έγραψε:",
    "\u202Bבתאריך יום ב׳, 5 במאי 2025 ב-10:30 מאת \u202AAda\u202C\u200F "
    "<\u202Aa@b.c\u202C\u200F>:\u202C",
    "في الاثنين، 5 مايو 2025 في 10:30 ص تمت كتابة ما يلي بواسطة Ada <a@b.c>:",
    "ในวันที่ จ. 5 พ.ค. 2025 เวลา 10:30 Ada <a@b.c> เขียนว่า:",
    "Pada tanggal Sen, 5 Mei 2025 pukul 10.30 Ada <a@b.c> menulis:",
    "На пн, 5.05.2025 г. в 10:30 Ada <a@b.c> написа:",
    "Kontakt Ada (<a@b.c>) kirjutas kuupäeval E, 5. mai 2025 kell 10:30:",
    "2025-05-05, pr, 10:30 Ada <a@b.c> rašė:",
    "pirmd., 2025. g. 5. maijs, plkst. 10:30 — lietotājs Ada (<a@b.c>) rakstīja:",
    "V V pon., 5. maj 2025 ob 10:30 je oseba Ada <a@b.c> napisala:",
    "pon, 5. svi 2025. u 10:30 Ada <a@b.c> napisao je:",
    "пон, 5. мај 2025. у 10:30 Ada <a@b.c> је написао/ла:",
    "सोम, 5 मई 2025 को 10:30 am बजे को Ada <a@b.c> ने लिखा:",
    "Wiadomość napisana przez Ada <a@b.c> w dniu 05.05.2025, o godz. 10:30:",
    "5. 5. 2025 v 10:30, Ada <a@b.c>:",
    "Ada <a@b.c> kirjoitti 5.5.2025 kello 10.30:",
    "Op 5 mei 2025, om 10:30 heeft Ada <a@b.c> het volgende geschreven:",
    "5 maj 2025 kl. 10:30 skrev Ada:",
    "Ada <a@b.c> írta (2025. 5. 5. 10:30):",
    "5 мая 2025 г., в 10:30, Ada <a@b.c> написал(а):",
    "Ada <a@b.c> şunları yazdı (5 May 2025 10:30):",
    "2025/05/05 10:30、Ada <a@b.c>のメール:",
    "2025. 5. 5. 오전 10:30, Ada <a@b.c> 작성:",
    "Ada <a@b.c> escreveu no dia 05/05/2025, às 10:30:",
    "Pe 5 mai 2025, la 10:30, Ada <a@b.c> a scris:",
    "On 5/5/25, 10:30 AM, \"Ada\" <a@b.c> wrote:",
    "Am 05.05.25, 10:30 schrieb \"Ada\" <a@b.c>:",
    "On Monday, May 5th, 2025 at 10:30 AM, Ada <a@b.c> wrote:",
    "------- Original Message -------\nOn Monday, May 5th, 2025 at 10:30 AM, Ada <a@b.c> wrote:",
    "田中さんは2025年5月5日(月) 10:30に書きました:",
    "On 2025/05/05 10:30, 田中 wrote:",
    "(2025/05/05 10:30), 田中太郎 wrote:",
    "在2025-05-05 10:30:00，\"Ada\" <a@b.c> 写道：",
    "At 2025-05-05 10:30:00, \"Ada\" <a@b.c> wrote:",
    "Понедельник, 5 мая 2025, 10:30 +03:00 от Ada <a@b.c>:",
    "05.05.2025 10:30, Ада пишет:",
    "2025年5月5日(月) 10:30 田中太郎 ada@x.yz:",
    "W dniu pon., 5.05.2025 o 10:30 Ada <a@b.c> napisał(a):",
    "W dniu 5 maja 2025 10:30 użytkownik Ada Lovelace\n<a@b.c> napisał:",
    "Dňa 5. mája 2025 o 10:30 používateľ Ada <a@b.c> napísal:",
    "Dne 5.5.2025 v 10:30 Ada Lovelace napsal(a):",
    "5 Mayıs 2025 Pazartesi tarihinde Ada <a@b.c> yazdı:",
    "On Mon, May 5, 2025 at 10:30 AM Ada Lovelace (via Google Docs) <comments@x.yz>\nwrote:",
    "On Mon May 5 10:30:00 2025, ada@x.yz wrote:",
    "Quoting Ada Lovelace <ada@x.yz>:",
    "Zitat von Ada Lovelace <ada@x.yz>:",
    "Citando Ada Lovelace <ada@x.yz>:",
    "Date: Thu, 26 Jun 2014 13:53:45 +0400\nSubject: Test message\nFrom: abc@example.com\nTo: "
    "alex.l@example.com",
    "________________________________\n From: Ada <a@b.c>\nTo: Bob <b@c.d>\nSent: Monday, 5 May "
    "2025 10:30\nSubject: Hello",
    "From:\tAda\nTo:\tBob <b@x.y>\nDate:\t05/05/2025 10:30\nSubject:\tRe: Hi",
    "*Od:* Ada <a@b.c>\n*Odesláno:* pondělí 5. května 2025\n*Komu:* Bob\n*Předmět:* Ahoj",
    "Von: Ada [mailto:a@b.c]\nGesendet: Montag, 5. Mai 2025 10:30\nAn: Bob\nCc: Cy\nBetreff: Hallo",
    "De : Ada [mailto:a@b.c] \nEnvoyé : lundi 5 mai 2025 10:30\nÀ : Bob\nObjet : Re: Salut",
    "Message d'origine\nDe: Ada\nEnvoyé: lundi\nÀ: Bob\nObjet: salut",
    "-------- Message d'origine --------\nDe : Ada <a@b.c> \nDate : 05/05/2025 10:30 (GMT+01:00) "
    "\nÀ : Bob \nObjet : salut",
    "----- Mail original -----\nDe: \"Ada\" <a@b.c>\nÀ: \"Bob\"\nEnvoyé: Lundi 5 Mai 2025\nObjet: "
    "x",
    "----- Ursprüngliche Mail -----\nVon: \"Ada\" <a@b.c>\nAn: \"Bob\"",
    "========================================\nMessage date : 05 May 2025 - 10:30\nFrom : \"Ada\" "
    "<a@b.c>\nTo : Bob\nSubject : Hello",
    "----- Reply message -----\nFrom: \"Ada\" <a@b.c>\nDate: Mon, May 5, 2025",
    "----Original Message----\nFrom: ada@x.yz\nDate: 05/05/2025 10:30\nTo: Bob\nSubj: Hi",
    "Sent: Monday, May 5, 2025 at 10:30 AM\nFrom: \"Ada\" <a@b.c>\nTo: \"Bob\" <b@c.d>\nSubject: "
    "Hi",
    "Gesendet: Montag, 05. Mai 2025 um 10:30 Uhr\nVon: \"Ada\" <a@b.c>\nAn: b@c.d\nBetreff: Hi",
    ":: On 5 May 2025 10:30, Ada <a@b.c> wrote:",
    "Begin forwarded message:",
    "Anfang der weitergeleiteten Nachricht:",
    "---------- Mensaje reenviado ----------",
    ">>> Ada Lovelace <a@b.c> 5/5/2025 10:30 AM >>>",
    ">>> Ada Lovelace 05.05.2025 10:30 >>>",
    "---- Ada <a@b.c> wrote ----",
    "---- Ada wrote:",
    "El 5/5/25 a las 10:30, Ada escribió:",
    "Em 05/05/2025 10:30, Ada escreveu:",
    "Il 05/05/2025 10:30, Ada ha scritto:",
    "Op 05-05-2025 om 10:30 schreef Ada:",
    "Den 2025-05-05 kl. 10:30, skrev Ada:",
    "Den 05.05.2025 10.30, skrev Ada:",
    "5.5.2025 10.30, Ada kirjoitti:",
    "05.05.2025 10:30 tarihinde Ada yazdı:",
    "La 05.05.2025 10:30, Ada a scris:",
    "05.05.25 10:30, Ada пише:",
    "Vào 05/05/2025 10:30, Ada đã viết:",
    "于 2025/5/5 10:30, Ada 写道:",
};

/* The last line of a mail. */
static const char *const device_lines[] = {
    "Sent from my T-Mobile 4G LTE Device",
    "Sent from Samsung Mobile.",
    "Sent on the new Sprint Network from my Samsung Galaxy S®4.",
    "Sent via the Samsung Galaxy S®6, an AT&T 4G LTE smartphone",
    "Von meinem Samsung Galaxy Smartphone gesendet.",
    "Sent with [Proton Mail](https://proton.me/) secure email.",
    "Sent with Proton Mail secure email.",
    "Sent via Superhuman ( https://sprh.mn/?vip=x@y.z )",
    "Sent from Yahoo Mail for iPhone",
    "Sent from Yahoo Mail on Android<https://go.onelink.me/1>",
    "Obtenir Outlook pour iOS<https://aka.ms/o0ukef>",
    "Get Outlook for Android<https://aka.ms/ghei36>",
    "Outlook für Android<https://aka.ms/x> herunterladen",
    "Gesendet mit der GMX Mail App",
    "Diese Nachricht wurde von meinem Android-Gerät mit K-9 Mail gesendet.",
    "Envoyé depuis mon téléphone Orange",
    "Envoyé de mon iPad",
    "Télécharger Outlook pour Android",
    "Enviado desde mi Huawei",
    "Enviado desde Yahoo Mail para Android",
    "Inviato da iPhone",
    "Inviato dal mio dispositivo Android",
    "Enviado do meu iPhone",
    "Enviado do Yahoo Mail no Android",
    "Verzonden vanaf mijn iPad",
    "Verstuurd vanaf mijn iPhone",
    "Skickat från min iPhone",
    "Sendt fra min iPhone",
    "Lähetetty iPhonesta",
    "Lähetetty laitteesta Windowsin Sähköposti",
    "Wysłane z iPhone'a",
    "Wysłano z iPhone’a",
    "Wysłane z telefonu Samsung Galaxy",
    "Odesláno z iPhonu",
    "Odoslané z iPhonu",
    "Elküldve az iPhone-omról",
    "Trimis de pe iPhone-ul meu",
    "Poslano s mog iPhonea",
    "iPhone'umdan gönderildi",
    "Отправлено с iPhone",
    "Отправлено из мобильной Яндекс.Почты",
    "Надіслано з iPhone",
    "发自我的iPhone",
    "从我的 iPhone 发送",
    "iPhoneから送信",
    "나의 iPhone에서 보냄",
    "Đã gửi từ iPhone của tôi",
    "Sent from Mail for Windows",
    "Provenance : Courrier pour Windows",
    "Enviado desde Correo para Windows",
    "Verzonden vanuit Mail voor Windows",
    "*Sent from my iPhone*",
    "[Sent from my iPhone]",
    "Sent from my iPhone - sorry for typos",
    "Sent from my mobile. Please excuse brevity and errors.",
    "Sent from my Android phone with K-9 Mail. Please excuse my brevity.",
    "Typed with thumbs on my iPhone",
    "Sent from Gmail Mobile",
    "Sent from Outlook for iOS",
    "Gesendet von Outlook für iOS",
    "Gesendet von Mail für Windows 10",
    "Envoyé à partir de Outlook pour Android",
    "Skickat från Outlook för Android",
    "Sendt fra Outlook til iOS",
    "Wysłano z programu Poczta systemu Windows",
};

/* HTML. */
static const struct row html[] = {
    { "Gmail",
      "<div dir=\"ltr\">Yes, call me.</div><br><div class=\"gmail_quote "
      "gmail_quote_container\"><div dir=\"ltr\" class=\"gmail_attr\">On Mon, May 5, 2025 at 10:30 "
      "AM Ada &lt;<a href=\"mailto:a@b.c\">a@b.c</a>&gt; wrote:<br></div><blockquote "
      "class=\"gmail_quote\" style=\"margin:0\">Hi<br>Unsubscribe</blockquote></div>",
      "Yes, call me." },
    { "Gmail, answers between",
      "<div class=\"gmail_quote\"><div class=\"gmail_attr\">On Mon, May 5, 2025 Ada "
      "wrote:</div><blockquote class=\"gmail_quote\">Who are you?</blockquote><div>I am "
      "Bob.</div><blockquote class=\"gmail_quote\">What do you need?</blockquote><div>A "
      "price.</div><blockquote class=\"gmail_quote\">unsubscribe</blockquote></div>",
      "I am Bob.\nA price." },
    { "Gmail, a forward that ends in small print",
      "FYI<div class=\"gmail_quote\"><div class=\"gmail_attr\">---------- Forwarded message "
      "---------</div><div>old<blockquote>words</blockquote></div><div "
      "class=\"gmail_quote\"><blockquote class=\"gmail_quote\">older</blockquote>opt "
      "out</div>unsubscribe</div>",
      "FYI" },
    { "Gmail, own blockquote",
      "As you said<blockquote class=\"gmail_quote\">the price is ten</blockquote>I agree.",
      "As you said\nthe price is ten\nI agree." },
    { "Outlook on the web",
      "<div>Yes.</div><div id=\"Signature\">Bob<br>Host Ltd</div><div "
      "id=\"appendonsend\"></div><hr style=\"width:98%\"><div id=\"divRplyFwdMsg\"><b>From:</b> "
      "Ada<br><b>Sent:</b> Monday<br><b>Subject:</b> x</div><div>old, unsubscribe</div>",
      "Yes." },
    { "Outlook desktop, cm",
      "<div class=WordSection1><p class=MsoNormal>Yes.<o:p></o:p></p><p "
      "class=MsoNormal><o:p>&nbsp;</o:p></p><div><div style='border:none;border-top:solid #E1E1E1 "
      "1.0pt;padding:3.0pt 0cm 0cm 0cm'><p class=MsoNormal><b>Von:</b> Ada<br></p></div></div><p "
      "class=MsoNormal>alt<o:p></o:p></p></div>",
      "Yes." },
    { "Outlook desktop, blanks and pt",
      "<div class=WordSection1><p class=MsoNormal>Yes.</p><div style=\"border: none; border-top: "
      "solid #B5C4DF 1.0pt; padding: 3.0pt 0pt 0pt 0pt\"><p>From: Ada</p></div>old</div>",
      "Yes." },
    { "Outlook 2003",
      "<p class=MsoNormal>Yes.</p><div class=MsoNormal align=center><hr size=3 width=\"100%\" "
      "align=center tabindex=-1></div><p>From: Ada</p>old",
      "Yes." },
    { "Apple Mail",
      "<html><body>Yes.<br><div><blockquote type=\"cite\"><div>On 5 May 2025, Ada wrote:</div><br "
      "class=\"Apple-interchange-newline\"><div>old</div></blockquote></div><br></body></html>",
      "Yes." },
    { "Apple Mail, answers between",
      "<div><blockquote type=\"cite\">Who?</blockquote>Bob.<blockquote "
      "type=\"cite\">When?</blockquote>Today.</div>",
      "Bob.\nToday." },
    { "iOS, attribution outside",
      "Yes.<br><br><div dir=\"ltr\">Sent from my iPhone</div><div dir=\"ltr\"><br><blockquote "
      "type=\"cite\">On May 5, 2025, at 10:30, Ada &lt;a@b.c&gt; "
      "wrote:<br></blockquote></div><blockquote type=\"cite\">old</blockquote>",
      "Yes." },
    { "Thunderbird",
      "Yes.<br><br><div class=\"moz-cite-prefix\">Am 05.05.25 um 10:30 schrieb "
      "Ada:<br></div><blockquote type=\"cite\" cite=\"mid:x@y\">alt</blockquote><br><div "
      "class=\"moz-signature\">-- <br>Bob</div>",
      "Yes." },
    { "Yahoo",
      "<div>Yes.</div><div id=\"ydp12yahoo_quoted_99\" class=\"ydp12yahoo_quoted\"><div>On Monday, "
      "May 5, 2025, Ada wrote:</div>old</div>",
      "Yes." },
    { "GMX",
      "<div>Ja.</div><div name=\"quote\" style=\"margin:10px\"><b>Gesendet:</b> "
      "Montag<br><b>Von:</b> Ada<br>alt</div>",
      "Ja." },
    { "web mail without containers",
      "<p>Yes.</p><p>On Mon, May 5, 2025 at 10:30 AM, Ada &lt;a@b.c&gt; "
      "wrote:</p><p>old</p><p>unsubscribe</p>",
      "Yes." },
    { "an address that looks like a tag",
      "<div>Yes.</div><div>On Mon, May 5, 2025 at 10:30 AM Ada <ada@host.example> "
      "wrote:</div><div>old</div>",
      "Yes." },
    { "an address in the reply",
      "<p>Write to Ada <ada@host.example> please, or to <mailto:bob@host.example></p>",
      "Write to Ada <ada@host.example> please, or to <mailto:bob@host.example>" },
    { "header block in a table",
      "<p>Yes.</p><table><tr><td>From:</td><td>Ada &lt;a@b.c&gt;</td></tr><tr><td>Sent:</td><td>5 "
      "May 2025</td></tr><tr><td>Subject:</td><td>Hi</td></tr></table><p>old</p>",
      "Yes." },
    { "style, script, title, comments",
      "<html><head><title>Mail</title><style>p{color:red}</style></head><body><script>alert(1)</"
      "script><!-- hidden --><!--[if mso]>word<![endif]--><p>Yes.</p></body></html>",
      "Yes." },
    { "hidden parts",
      "<p>Yes.</p><div style=\"display: none\">unsubscribe preview</div><span hidden>more</span>",
      "Yes." },
    { "nothing but hidden parts", "<div style=\"display:none\">Yes.</div>", "Yes." },
    { "entities", "<p>caf&eacute; &amp; t&ecirc;te&nbsp;&#8211; &lt;ok&gt; &#x2019;s</p>",
      "café & tête - <ok> 's" },
    { "lists and breaks", "<ul><li>ten seats<li>a price</ul>and<br>a date",
      "- ten seats\n- a price\nand\na date" },
    { "table cells", "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table>",
      "a b\nc d" },
    { "preformatted text", "<pre>one\n  two\n&gt; old</pre>", "one\ntwo" },
    { "a comment that never ends", "<p>Yes <!-- please call me", "Yes please call me" },
    { "a style that never ends", "<p>Yes <style>please call me", "Yes please call me" },
    { "a tag that never ends", "<p>Yes, call me <a href=\"http://x.y/",
      "Yes, call me <a href=\"http://x.y/" },
    { "frames give their text away", "<frameset>Yes, call me", "Yes, call me" },
    { "a plain blockquote at the end", "<p>Yes.</p><blockquote>old words</blockquote>", "Yes." },
    { "one div around reply and block",
      "<div>Yes.<br><br>From: Ada &lt;a@b.c&gt;<br>Sent: 5 May 2025<br>Subject: "
      "Hi<br><br>old</div>",
      "Yes." },
    { "Zimbra",
      "<div>Yes.</div><hr id=\"zwchr\" data-marker=\"__DIVIDER__\"><div "
      "data-marker=\"__HEADERS__\"><b>From: </b>Ada<br></div>old",
      "Yes." },
    { "QQ", "<div>好的</div><div><!-- originalMessage -->旧</div>", "好的" },
    { "security note below the quotation",
      "<p>Yes.</p><blockquote type=cite>old</blockquote><p>This mail was scanned. To unsubscribe "
      "from reports click here.</p>",
      "Yes." },
    { "dashed marker in a paragraph",
      "<p>Yes.</p><p>-----Mensaje original-----<br>De: Ada</p><p>viejo</p>", "Yes." },
};

static void run(const struct row *rows, size_t n, enum text_kind kind)
{
    for (size_t i = 0; i < n; i++) {
        scoped(reply_text_done) struct reply_text t = REPLY_TEXT_INIT;
        reply_text_prepare(&t, rows[i].mail, strlen(rows[i].mail), kind, NULL);
        if (strcmp(buf_str(&t.reply), rows[i].reply) != 0)
            fail_msg("%s: reply is '%s', want '%s'", rows[i].name, buf_str(&t.reply),
                     rows[i].reply);
    }
}

static void test_kept(void **state)
{
    (void)state;
    run(kept, ARRAY_LEN(kept), TEXT_PLAIN);
    run(kept, ARRAY_LEN(kept), TEXT_GUESS);
}

static void test_cut(void **state)
{
    (void)state;
    run(cut, ARRAY_LEN(cut), TEXT_PLAIN);
    run(cut, ARRAY_LEN(cut), TEXT_GUESS);
}

static void test_originals(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(originals); i++) {
        char mail[1024];
        snprintf(mail, sizeof(mail), "Words of my own.\n\n%s\n\nold words\n", originals[i]);
        const struct row row = { originals[i], mail, "Words of my own." };
        run(&row, 1, TEXT_PLAIN);
    }
}

static void test_device_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(device_lines); i++) {
        char mail[1024];
        snprintf(mail, sizeof(mail), "Words of my own.\n\n%s\n", device_lines[i]);
        const struct row row = { device_lines[i], mail, "Words of my own." };
        run(&row, 1, TEXT_PLAIN);
    }
}

static void test_html(void **state)
{
    (void)state;
    run(html, ARRAY_LEN(html), TEXT_HTML);
}

/* ---- the other fields ---- */

static void test_fields(void **state)
{
    (void)state;
    static const char mail[] = "Yes, fine.\n"
                               "\n"
                               "-- \n"
                               "Bob, Host Ltd\n"
                               "\n"
                               "Envoyé de mon iPhone\n"
                               "\n"
                               "Le 5 mai 2025 à 10:30, Ada <ada@host.example>\n"
                               "a écrit :\n"
                               "> Bonjour,\n"
                               "> désabonner\n";
    scoped(reply_text_done) struct reply_text t = REPLY_TEXT_INIT;
    reply_text_prepare(&t, mail, strlen(mail), TEXT_GUESS, NULL);
    assert_string_equal(buf_str(&t.reply), "Yes, fine.");
    assert_string_equal(buf_str(&t.signature), "--\nBob, Host Ltd\n\nEnvoyé de mon iPhone");
    assert_string_equal(buf_str(&t.quoted), "Le 5 mai 2025 à 10:30, Ada <ada@host.example>\na "
                                            "écrit :\n> Bonjour,\n> désabonner");
    assert_false(t.was_html);
    assert_int_equal(t.ncuts, 3);
    assert_int_equal(t.cuts[0].what, CUT_SIGNATURE);
    assert_string_equal(t.cuts[0].mark, "signature dash");
    assert_int_equal(t.cuts[0].line, 3);
    assert_string_equal(t.cuts[1].mark, "device line (fr)");
    assert_int_equal(t.cuts[1].line, 6);
    assert_int_equal(t.cuts[2].what, CUT_QUOTED);
    assert_string_equal(t.cuts[2].mark, "attribution (fr)");
    assert_int_equal(t.cuts[2].line, 8);
}

/* Where only small print proves it, that is said, too. */
static void test_small_print_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *mail, *reply, *mark[2];
    } rows[] = {
        { "Sounds good, Tuesday then. sam via Forum | Hello, | here is the post. | To stop these "
          "mails | unsubscribe | .",
          "Sounds good, Tuesday then.",
          { "small print in text without line breaks" } },
        { "Ada, my answers are in red below.\n\nFrom: Ada <ada@host.example>\nSent: 5 May 2025\n"
          "Subject: Hi\n\nHow many? Seven.\n\nUnsubscribe here.",
          "Ada, my answers are in red below.\n\nHow many? Seven.",
          { "header block (en)", "small print" } },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        scoped(reply_text_done) struct reply_text t = REPLY_TEXT_INIT;
        reply_text_prepare(&t, rows[i].mail, strlen(rows[i].mail), TEXT_PLAIN, NULL);
        assert_string_equal(buf_str(&t.reply), rows[i].reply);
        for (size_t k = 0; k < 2 && rows[i].mark[k]; k++)
            assert_string_equal(t.cuts[k].mark, rows[i].mark[k]);
    }
}

static void test_forward_is_told(void **state)
{
    (void)state;
    static const char mail[] = "FYI\n\n---------- Forwarded message ---------\nold";
    scoped(reply_text_done) struct reply_text t = REPLY_TEXT_INIT;
    reply_text_prepare(&t, mail, strlen(mail), TEXT_PLAIN, NULL);
    assert_int_equal(t.ncuts, 1);
    assert_int_equal(t.cuts[0].what, CUT_FORWARD);
    assert_string_equal(cut_what_name(t.cuts[0].what), "forward");
}

/* Needs no language: what we had sent is not the lead's. */
static void test_own_text(void **state)
{
    (void)state;
    static const char sent[] =
        "Hello Bob,\n\nI saw that you are hiring in Riga.\nShall we talk?\n\nAda\n\n"
        "Write back if you want no more of this.";
    static const char mail[] = "Thanks Ada, not now.\nBob\n\nGreetings from Ada, last week:\n"
                               "I saw that you  are hiring in Riga.\nShall we talk?\n\nAda\n\n"
                               "Write back if you want no more of this.\n\nAda";
    scoped(reply_text_done) struct reply_text t = REPLY_TEXT_INIT;
    reply_text_prepare(&t, mail, strlen(mail), TEXT_PLAIN, sent);
    assert_string_equal(buf_str(&t.reply),
                        "Thanks Ada, not now.\nBob\n\nGreetings from Ada, last week:");
    assert_string_equal(t.cuts[0].mark, "our own text");
}

static void fill(struct buf *b, const char *line, size_t bytes)
{
    while (b->len < bytes)
        buf_puts(b, line);
}

static void test_caps(void **state)
{
    (void)state;
    scoped(buf_free) struct buf mail = BUF_INIT;
    fill(&mail, "Ähnlich viele Wörter, immer wieder.\n", 20000);
    buf_puts(&mail, "On Mon, 5 May 2025 at 10:30, Ada <ada@host.example> wrote:\n\n");
    fill(&mail, "alte Wörter, die niemand liest\n", 120000);
    scoped(reply_text_done) struct reply_text t = REPLY_TEXT_INIT;
    reply_text_prepare(&t, mail.data, mail.len, TEXT_PLAIN, NULL);
    assert_true(t.reply_cut && t.quoted_cut && t.text_cut);
    assert_false(t.signature_cut);
    assert_in_range(t.reply.len, TEXT_MAX_SHORT - 40, TEXT_MAX_SHORT);
    assert_in_range(t.quoted.len, TEXT_MAX_LONG - 40, TEXT_MAX_LONG);
    assert_in_range(t.text.len, TEXT_MAX_LONG - 40, TEXT_MAX_LONG);
}

/* Answers may stand below a long quotation. */
static void test_answer_below_long_quotation(void **state)
{
    (void)state;
    scoped(buf_free) struct buf mail = BUF_INIT;
    fill(&mail, "> old words, unsubscribe\n", 900000);
    buf_puts(&mail, "\nYes, call me.\n");
    scoped(reply_text_done) struct reply_text t = REPLY_TEXT_INIT;
    reply_text_prepare(&t, mail.data, mail.len, TEXT_PLAIN, NULL);
    assert_string_equal(buf_str(&t.reply), "Yes, call me.");
}

/* What would overflow the parser's stack, or cost it quadratic time. */
static void test_wild_html(void **state)
{
    (void)state;
    static const char *const wild[] = {
        "<div>",    "<b><p>",       "<a href=x><div>", "<font size=1><p>x",       "<table><tr><td>",
        "<ul><li>", "<blockquote>", "<x@y.z> ",        "<div class=gmail_quote>", "</p>",
        "<!--",     "<style>"
    };
    for (size_t i = 0; i < ARRAY_LEN(wild); i++) {
        scoped(buf_free) struct buf mail = BUF_INIT;
        buf_puts(&mail, "<p>Yes, call me.</p><div class=\"gmail_quote\">unsubscribe</div>");
        fill(&mail, wild[i], 500000);
        scoped(reply_text_done) struct reply_text t = REPLY_TEXT_INIT;
        reply_text_prepare(&t, mail.data, mail.len, TEXT_HTML, NULL);
        if (strncmp(buf_str(&t.reply), "Yes, call me.", 13) != 0 ||
            strstr(buf_str(&t.reply), "unsubscribe"))
            fail_msg("%s: reply is '%.60s'", wild[i], buf_str(&t.reply));
    }
}

/* Text in containers deeper than is tracked stays quoted. */
static void test_deep_quotation(void **state)
{
    (void)state;
    scoped(buf_free) struct buf mail = BUF_INIT;
    buf_puts(&mail, "Yes.");
    fill(&mail, "<div>", 5000);
    buf_puts(&mail, "<blockquote type=cite>unsubscribe</blockquote> unsubscribe");
    scoped(reply_text_done) struct reply_text t = REPLY_TEXT_INIT;
    reply_text_prepare(&t, mail.data, mail.len, TEXT_HTML, NULL);
    assert_string_equal(buf_str(&t.reply), "Yes.");
}

/* ---- nothing is lost, nothing crashes ---- */

static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

/* How often each byte but blanks occurs: marks inside a line may part words. */
static void count_bytes(size_t counts[256], const struct buf *text)
{
    for (size_t i = 0; i < text->len; i++)
        if (text->data[i] != ' ' && text->data[i] != '\n')
            counts[(unsigned char)text->data[i]]++;
}

static void check_nothing_lost(const struct buf *mail, enum text_kind kind, uint32_t seed)
{
    scoped(reply_text_done) struct reply_text t = REPLY_TEXT_INIT;
    size_t have[256] = { 0 };
    size_t want[256] = { 0 };
    reply_text_prepare(&t, mail->data, mail->len, kind, "Shall we talk about the next five words?");
    count_bytes(have, &t.reply);
    count_bytes(have, &t.signature);
    count_bytes(have, &t.quoted);
    count_bytes(want, &t.text);
    if (memcmp(have, want, sizeof(have)) != 0)
        fail_msg("seed %u: something is lost or doubled, of:\n%s", seed, mail->data);
}

static const char *const fragments[] = {
    "Yes, call me.",
    "\n",
    "\n\n",
    "> ",
    ">> ",
    "On Mon, 5 May 2025 at 10:30, Ada <ada@host.example> wrote:",
    "Am 5.5.25 schrieb Ada:",
    "From: Ada <a@b.c>",
    "Sent: 5 May 2025",
    "Subject: x",
    "To: y",
    "-- \n",
    "--",
    "Sent from my iPhone",
    "-----Original Message-----",
    "________________",
    "<div>",
    "</div>",
    "<div class=\"gmail_quote\">",
    "<blockquote type=cite>",
    "</blockquote>",
    "<blockquote>",
    "<br>",
    "<p>",
    "<p style='display:none'>",
    "<b>",
    "</b>",
    "<!-- x -->",
    "<style>p{}</style>",
    "<ada@host.example>",
    "&amp;",
    "|",
    "AL> x\n",
    "Shall we talk about the next five words?",
    "unsubscribe",
    " ",
    "\t",
    "é",
    "e\xCC\x81",
    "\xFF",
    "2025-05-05 11:28 GMT+03:00 Ada",
    "<table><tr><td>",
    "</table>",
    "<pre>",
    "<",
    ">",
    "\"",
    "='",
    "wrote:",
    ":",
    "<div id=divRplyFwdMsg>",
    "<hr>",
    "0",
    "@",
};

static void test_random_mails(void **state)
{
    (void)state;
    uint32_t seed = (uint32_t)(uintptr_t)&state | 1u;
    print_message("seed %u\n", seed);
    for (int round = 0; round < 4000; round++) {
        const uint32_t start = seed;
        scoped(buf_free) struct buf mail = BUF_INIT;
        buf_puts(&mail, "x");
        for (uint32_t n = next_random(&seed) % 60; n > 0; n--)
            buf_puts(&mail, fragments[next_random(&seed) % ARRAY_LEN(fragments)]);
        for (enum text_kind kind = TEXT_GUESS; kind <= TEXT_HTML; kind++)
            check_nothing_lost(&mail, kind, start);
    }
}

static void test_random_bytes(void **state)
{
    (void)state;
    uint32_t seed = (uint32_t)(uintptr_t)&state | 1u;
    print_message("seed %u\n", seed);
    for (int round = 0; round < 300; round++) {
        char mail[2000];
        for (size_t i = 0; i < sizeof(mail); i++)
            mail[i] =
                (char)(next_random(&seed) % 3 ? next_random(&seed) % 96 + 32 : next_random(&seed));
        for (enum text_kind kind = TEXT_GUESS; kind <= TEXT_HTML; kind++) {
            scoped(reply_text_done) struct reply_text t = REPLY_TEXT_INIT;
            reply_text_prepare(&t, mail, sizeof(mail), kind, NULL);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_originals),
        cmocka_unit_test(test_device_lines),
        cmocka_unit_test(test_html),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_forward_is_told),
        cmocka_unit_test(test_small_print_is_told),
        cmocka_unit_test(test_own_text),
        cmocka_unit_test(test_caps),
        cmocka_unit_test(test_answer_below_long_quotation),
        cmocka_unit_test(test_wild_html),
        cmocka_unit_test(test_deep_quotation),
        cmocka_unit_test(test_random_mails),
        cmocka_unit_test(test_random_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
