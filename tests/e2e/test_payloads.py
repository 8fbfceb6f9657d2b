"""What a webhook may look like: fourteen shapes, odd events, bodies that are wrong, text and HTML."""

import json
import uuid

import pytest

REPLY = "Please unsubscribe me."


def fresh():
    """A conversation that no other test has touched: a kept reply of one would keep the other's too."""
    return "c_" + uuid.uuid4().hex


# ---- shapes --------------------------------------------------------------------------------------------


def test_every_shape_is_understood(daemon, sandbox):
    """The sandbox sends the same reply in all fourteen shapes; each is matched and marked."""
    sandbox.webhook(f"http://127.0.0.1:{daemon.port}/hooks/default")
    shapes = sandbox.control("GET", "shapes")
    ids = sandbox.conversations(len(shapes))
    for shape, one in zip(shapes, ids):
        _, (delivery,) = sandbox.reply(one, text=REPLY, shape=shape)
        assert (delivery["status"], json.loads(delivery["answer"])["status"]) == (202, "queued"), (shape, delivery)
    sandbox.wait_read(ids)
    assert sorted(sandbox.ids_marked()) == sorted(ids)


def test_subjects_are_found_in_every_shape_that_has_one(daemon, sandbox):
    sandbox.webhook(f"http://127.0.0.1:{daemon.port}/hooks/default")
    for shape in sandbox.control("GET", "shapes"):
        if shape == "bare":
            continue
        _, (delivery,) = sandbox.reply(sandbox.conversation(), text="Back soon.", subject="Out of office", shape=shape)
        assert json.loads(delivery["answer"])["status"] == "queued", (shape, delivery)


@pytest.mark.parametrize(
    "data",
    [
        {"replyText": None, "reply": {"content": REPLY}},
        {"replyText": None, "reply": {"body": REPLY}},
        {"replyText": None, "message": {"content": REPLY}},
        {"replyText": None, "message": {"body": REPLY}},
        {"replyText": None, "content": REPLY},
        {"replyText": None, "body": REPLY},
        {"replyText": None, "text": REPLY},
        {"replyText": REPLY, "text": "the first name wins"},
    ],
    ids=str,
)
def test_text_pointers(shared, data):
    body = {"event": "email.replied", "data": {"conversationId": fresh(), **data}}
    assert shared.post(body).is_ == (202, "queued")


@pytest.mark.parametrize("name", ["conversationId", "conversation_id", "_id", "id"])
@pytest.mark.parametrize("nested", [True, False])
def test_conversation_pointers(daemon, name, nested):
    inner = {name: "c_77", "replyText": REPLY}
    body = {"event": "email.replied", "data": inner} if nested else {"event": "email.replied", **inner}
    assert daemon.post(body).is_ == (202, "queued")
    assert daemon.job("c_77"), daemon.jobs()


def test_the_event_name_may_be_in_the_header_only(shared):
    body = {"data": {"conversationId": fresh(), "replyText": REPLY}}
    assert shared.post(body, event="email.replied").is_ == (202, "queued")
    assert shared.post(body, event="email.positive_reply").is_ == (200, "kept")
    assert shared.post({"data": {"hello": "you"}}, event="test").is_ == (200, "ignored")


@pytest.mark.parametrize("name", ["campaign.finished", "email.bounced.soft", "lead.updated", "email.opened"])
def test_other_events_are_ignored(shared, name):
    assert shared.post({"event": name, "data": {"conversationId": "c_1", "replyText": REPLY}}).is_ == (200, "ignored")
    assert shared.post({"event": name, "data": {}}).is_ == (200, "ignored")


@pytest.mark.parametrize("one", ["a", "x" * 128, "664a1b2c3d4e5f6a7b8c9d0e", "!~odd/but+visible=", "0"])
def test_ids_are_opaque(daemon, sandbox, one):
    sandbox.conversation(id=one)
    assert daemon.says(one, REPLY).is_ == (202, "queued")
    sandbox.wait_read(one)
    assert sandbox.ids_marked() == [one]


# ---- bodies that are wrong ---------------------------------------------------------------------------------


def wrap(inner):
    return b'{"event":"email.replied","data":{"conversationId":"c_1",' + inner + b"}}"


MALFORMED = [
    (b"", "empty"),
    (b"{", "offset"),
    (b"[]", "object"),
    (b'"text"', "object"),
    (b'{"a":1}{"b":2}', "offset"),
    (b'{"event":"email.replied",}', "offset"),
    (b"{'event':'email.replied'}", "offset"),
    (wrap(b'"replyText":"a\xff"'), "utf-8"),
    (wrap(b'"replyText":"\xc0\x80"'), "utf-8"),
    (wrap(b'"replyText":"\xed\xa0\x80"'), "utf-8"),
    (wrap(b'"replyText":"a\x00b"'), "nul"),
    (wrap(b'"replyText":"a\nb"'), "offset"),
    (wrap(b'"replyText":"\\ud800 alone"'), "surrogate"),
    (wrap(b'"conversationId":"c_2"'), "duplicate"),
    (wrap(b'"conversation\\u0049d":"c_2"'), "duplicate"),
    (wrap(b'"text\\u0000":"x"'), "offset"),
    (wrap(b'"n":NaN'), "offset"),
    (wrap(b'"n":-01'), "offset"),
    (wrap(b'"n":1.'), "offset"),
    (wrap(b'"deep":' + b"[" * 40 + b"]" * 40), "deep"),
    (wrap(b'"many":[' + b"0," * 9000 + b"0]"), "offset"),
    (b'{"event":"email.replied","data":{"replyText":"hello"}}', "conversationid"),
    (b'{"event":"email.replied","data":{"conversationId":12345}}', "conversationid"),
    (b'{"event":"email.replied","data":{"conversationId":""}}', "conversationid"),
    (b'{"event":"email.replied","data":{"conversationId":"a b"}}', "conversationid"),
    (b'{"event":"email.replied","data":{"conversationId":"' + b"x" * 129 + b'"}}', "conversationid"),
    (b'{"event":"email.replied","data":{"conversationId":"caf\xc3\xa9"}}', "conversationid"),
    (b'{"event":"email.replied","data":{"conversationId":["c_1"]}}', "conversationid"),
    (b'{"event":"email.replied"}', "conversationid"),
    (b'\xef\xbb\xbf{"event":"test"}', "offset"),
]


@pytest.mark.parametrize("body, word", MALFORMED, ids=[str(i) for i in range(len(MALFORMED))])
def test_malformed_bodies_are_explained(shared, body, word):
    answer = shared.post(body, fresh=True)
    assert answer.is_ == (400, "error"), answer
    said = answer.body.decode().lower()
    if word == "conversationid":
        assert "conversationid" in said and "conversation_id" in said or "id" in said, said
    elif word == "empty":
        assert "empty" in said or "offset 0" in said, said
    else:
        assert word in said or "offset" in said, said


# ---- what the lead wrote, and what we had written ----------------------------------------------------------------

QUOTED = [
    "Sounds interesting, tell me more.\n\nOn Mon, 2 Mar 2026 at 10:00, Us <us@sender.example> wrote:\n"
    "> Hello\n> To stop these mails, unsubscribe here.\n",
    "Yes.\n> To stop these mails, please unsubscribe\n> here.\n",
    "Gern.\n\nAm Mo., 2. März 2026 um 10:00 Uhr schrieb Us <us@sender.example>:\n\n> unsubscribe\n",
    "Avec plaisir.\n\nLe lun. 2 mars 2026 à 10:00, Us <us@sender.example> a écrit :\n\n> unsubscribe\n",
    "Claro.\n\nEl lun, 2 mar 2026 a las 10:00, Us (<us@sender.example>) escribió:\n\n> unsubscribe\n",
    "Fine with me.\n\n-----Original Message-----\nFrom: Us <us@sender.example>\nSent: Monday, March 2, 2026 10:00\n"
    "To: Lead\nSubject: Quick question\n\nClick to unsubscribe.\n",
    "<div dir=\"ltr\">Sounds good</div><br><div class=\"gmail_quote\"><div class=\"gmail_attr\">On Mon, Us wrote:<br>"
    "</div><blockquote class=\"gmail_quote\">Hello. <a href=\"x\">unsubscribe</a></blockquote></div>",
    "<html><body><p>Sounds good</p><div id=\"divRplyFwdMsg\"><b>From:</b> Us<br><b>Sent:</b> Monday<br>"
    "<b>To:</b> Lead<br><b>Subject:</b> Hi</div><div>please unsubscribe here</div></body></html>",
    "<html><body>Sounds good<br><blockquote type=\"cite\"><div>On 2 Mar 2026, at 10:00, Us wrote:</div>"
    "<div>unsubscribe</div></blockquote></body></html>",
    "<p>Fine</p><style>p { content: 'unsubscribe' }</style><script>unsubscribe()</script><!-- unsubscribe -->",
]


@pytest.mark.parametrize("text", QUOTED, ids=range(len(QUOTED)))
def test_a_quoted_footer_never_matches(shared, text):
    answer = shared.reply(fresh(), text)
    assert answer.is_ == (200, "kept") and answer.json["reason"] == "no-match", answer


MEANT = [
    "Please unsubscribe me.\n\nOn Mon, 2 Mar 2026 at 10:00, Us <us@sender.example> wrote:\n> Hello\n",
    "<div dir=\"ltr\">Please <b>unsub</b>scribe me</div><br><div class=\"gmail_quote\">On Mon, Us wrote: Hello</div>",
    "PLEASE UNSUBSCRIBE ME",
    "Please remove\nme from your list",
    "Please remove   me",
    "Please un\u00adsub\u200bscribe me",
    "\uff30lease \uff52\uff45\uff4d\uff4f\uff56\uff45 me",
    "<p>Please&nbsp;remove&nbsp;me</p>",
]


@pytest.mark.parametrize("text", MEANT, ids=range(len(MEANT)))
def test_the_leads_own_words_match(shared, text):
    assert shared.reply(fresh(), text).is_ == (202, "queued")
