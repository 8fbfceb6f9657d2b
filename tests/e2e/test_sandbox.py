"""The sandbox is what SendKit's pages say: everything else here stands on that."""

import http.client
import http.server
import json
import os
import signal
import socket
import subprocess
import threading
import time

import pytest
import wire
from sandboxed import KEY, MARK_READ, SECRET, Sandbox
from wait import eventually


@pytest.fixture
def hook():
    """A receiver on loopback: what it got, and what it is going to answer."""

    class Receiver(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with server.lock:
                server.got.append((dict((k.lower(), v) for k, v in self.headers.items()), body))
                status, wait = server.answers.pop(0) if server.answers else (200, 0)
            server.stop.wait(wait)
            self.send_response(status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *args):
            pass

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

    server = Server(("127.0.0.1", 0), Receiver)
    server.lock, server.stop = threading.Lock(), threading.Event()
    server.got, server.answers = [], []
    server.url = f"http://127.0.0.1:{server.server_port}/hooks/default"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.stop.set()
    server.shutdown()
    server.server_close()


def unread(sandbox, count=1, **spec):
    ids = sandbox.conversations(count)
    sandbox.replies([{"conversation": i, "text": "hello", **spec} for i in ids])
    return ids


# ---- keys and workspaces ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers, status",
    [
        ({"X-Api-Key": KEY}, 200),
        ({"Authorization": "Bearer " + KEY}, 200),
        ({"X-Api-Key": KEY, "Authorization": "Bearer " + KEY}, 200),
        ({"X-Api-Key": KEY, "Authorization": "Bearer sk_other"}, 401),
        ({"X-Api-Key": "sk_other"}, 401),
        ({"Authorization": KEY}, 401),
        ({}, 401),
        ({"X-Api-Key": KEY, "X-Workspace-Id": "664a000000000000000000a1"}, 400),
    ],
)
def test_a_workspace_key_opens_its_workspace(sandbox, headers, status):
    answer = sandbox.api("GET", "/v1/inbox", headers=headers, key=False)
    assert answer.status == status
    if status != 200:
        assert answer.json["code"] == status and answer.json["error"] and answer.json["message"]


def test_a_platform_key_needs_a_workspace(sandbox):
    sandbox.set_key("sk_user_all")
    sandbox.conversation(workspace="ws_b")
    call = lambda **h: sandbox.api("GET", "/v1/inbox", headers={"X-Api-Key": "sk_user_all", **h}, key=False)
    assert call().status == 400
    assert call(**{"X-Workspace-Id": "ws_b"}).status == 200
    assert call(**{"X-Workspace-Id": "ws_none"}).status == 403
    account = sandbox.api("GET", "/v1/account", headers={"X-Api-Key": "sk_user_all"}, key=False)
    assert account.status == 200 and account.json["success"] is True


def test_workspaces_do_not_see_each_other(sandbox):
    theirs = sandbox.conversation(workspace="ws_b")
    sandbox.reply(theirs, text="hello")
    assert sandbox.api("GET", "/v1/inbox/" + theirs).status == 404
    assert sandbox.api("POST", MARK_READ, {"conversationIds": [theirs]}).json["data"]["modified"] == 0
    assert sandbox.api("POST", MARK_READ, {"selectAll": True}).json["data"]["modified"] == 0
    assert not sandbox.is_read(theirs)


def test_a_revoked_key_is_refused(sandbox):
    sandbox.set_key(KEY, revoke=True)
    assert sandbox.api("GET", "/v1/account").status == 401


# ---- mark-read ----------------------------------------------------------------------------------


def test_mark_read_by_ids(sandbox):
    one, two, three = unread(sandbox, 3)
    sandbox.reply(one, text="and another thing")
    answer = sandbox.api("POST", MARK_READ, {"conversationIds": [one, two, "no-such-id"]})
    assert answer.status == 200
    assert answer.json == {"success": True, "data": {"modified": 3}}  # replies, not conversations
    again = sandbox.api("POST", MARK_READ, {"conversationIds": [one, two]})
    assert again.json == {"success": True, "data": {"modified": 0}}
    state = sandbox.state()
    assert state[one]["isRead"] and state[one]["unreadCount"] == 0 and state[two]["isRead"]
    assert state[three]["unreadCount"] == 1 and not state[three]["isRead"]


def test_mark_read_by_selection(sandbox):
    plain = unread(sandbox, 2)
    tagged = unread(sandbox, 2, aiTag="interested")
    body = {"selectAll": True, "filters": {"tag": "interested"}, "excludeIds": [tagged[1]]}
    assert sandbox.api("POST", MARK_READ, body).json["data"]["modified"] == 1
    state = sandbox.state()
    assert state[tagged[0]]["isRead"] and not state[tagged[1]]["isRead"]
    assert not any(state[i]["isRead"] for i in plain)
    assert sandbox.api("POST", MARK_READ, {"selectAll": True}).json["data"]["modified"] == 3


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"conversationIds": []},
        {"conversationIds": "664a"},
        {"conversationIds": [1]},
        {"conversationIds": ["a"], "selectAll": True},
        {"conversationIds": ["a"], "filters": {}},
        {"conversationIds": ["a"] * 5001},
        {"selectAll": False},
        {"selectAll": True, "filters": {"mood": "good"}},
        b"{",
        b"[]",
        b"",
    ],
    ids=str,
)
def test_mark_read_refuses(sandbox, body):
    answer = sandbox.api("POST", MARK_READ, body)
    assert answer.status == 400
    assert set(answer.json) == {"error", "message", "code"} and answer.json["code"] == 400


def test_mark_read_needs_json(sandbox):
    answer = sandbox.api("POST", MARK_READ, b"conversationIds=a", {"Content-Type": "text/plain"})
    assert answer.status == 415


def test_five_thousand_ids_are_fine(sandbox):
    assert sandbox.api("POST", MARK_READ, {"conversationIds": ["a"] * 5000}).status == 200


# ---- one conversation ----------------------------------------------------------------------------


def test_patch_reads_and_unreads(sandbox):
    (one,) = unread(sandbox)
    path = "/v1/inbox/" + one
    for patch, read in (({"isRead": True}, True), ({"isRead": False}, False), ({"markRead": True}, True)):
        answer = sandbox.api("PATCH", path, patch)
        assert answer.status == 200 and answer.json["success"] is True
        assert answer.json["data"]["isRead"] is read and sandbox.is_read(one) is read
    assert sandbox.state()[one]["timesUnread"] == 1


def test_patch_tags(sandbox):
    (one,) = unread(sandbox)
    path = "/v1/inbox/" + one
    data = sandbox.api("PATCH", path, {"aiTag": "interested", "tags": ["hot"]}).json["data"]
    assert data["aiTag"] == "interested" and data["tags"] == ["hot"] and data["isRead"] is False
    assert sandbox.api("PATCH", path, {"aiTag": None}).json["data"]["aiTag"] is None
    assert sandbox.api("PATCH", path, {"aiTag": 7}).status == 400
    assert sandbox.api("PATCH", path, {"isRead": "yes"}).status == 400
    assert sandbox.api("PATCH", path, {}).status == 400
    assert sandbox.api("PATCH", "/v1/inbox/none", {"isRead": True}).status == 404


def test_a_thread_has_its_messages(sandbox):
    one = sandbox.conversation(email="ada@lovelace.example", firstName="Ada")
    sandbox.control("POST", "sent", {"conversation": one, "subject": "Quick question", "body": "Hi Ada"})
    sandbox.reply(one, subject="Re: Quick question", text="Away.", html="<p>Away.</p>", isAutoReply=True,
                  receivedAt="2026-03-01T10:00:00Z")
    data = sandbox.api("GET", "/v1/inbox/" + one).json["data"]
    assert data["lead"]["email"] == "ada@lovelace.example" and data["lead"]["_id"]
    assert data["unreadCount"] == 1 and data["messageCount"] == 2 and data["repliedAt"] == "2026-03-01T10:00:00.000Z"
    assert data["lastMessage"]["content"] == "Away." and data["lastMessage"]["isFromLead"] is True
    sent, reply = data["messages"]
    assert sent["type"] == "sent" and sent["body"] == "Hi Ada" and sent["sentAt"] and sent["sequenceStep"] == 1
    assert reply == {
        "type": "reply", "from": "ada@lovelace.example", "to": "us@sender.example",
        "subject": "Re: Quick question", "content": "Away.", "htmlContent": "<p>Away.</p>",
        "receivedAt": "2026-03-01T10:00:00.000Z", "isFromLead": True, "isAutoReply": True, "read": False,
    }


def test_tag_and_dnc(sandbox):
    one, two = unread(sandbox, 2)
    sandbox.api("POST", "/v1/inbox/tag", {"conversationIds": [one], "tag": "later"})
    sandbox.api("POST", "/v1/inbox/dnc", {"selectAll": True, "excludeIds": [one]})
    state = sandbox.state()
    assert state[one]["tags"] == ["later"] and not state[one]["dnc"] and state[two]["dnc"]
    assert sandbox.api("POST", "/v1/inbox/tag", {"conversationIds": [one]}).status == 400


# ---- lists ------------------------------------------------------------------------------------------


def pages(sandbox, query):
    """Every page of a listing, by cursor."""
    cursor, out = "", []
    while True:
        answer = sandbox.api("GET", f"/v1/inbox?{query}&cursor={cursor}")
        assert answer.status == 200, answer
        out.append(answer.json)
        if not answer.json["pagination"]["hasMore"]:
            return out
        cursor = answer.json["pagination"]["nextCursor"]


def test_cursor_paging_gives_each_once_newest_first(sandbox):
    ids = unread(sandbox, 25)
    got = pages(sandbox, "limit=10")
    assert [len(p["data"]) for p in got] == [10, 10, 5]
    assert [c["id"] for p in got for c in p["data"]] == ids[::-1]
    assert got[0]["pagination"]["total"] == 25 and got[-1]["pagination"]["nextCursor"] is None


def test_pages_may_be_empty_while_there_is_more(sandbox):
    ids = unread(sandbox, 12)
    sandbox.api("POST", MARK_READ, {"conversationIds": ids[4:]})
    sandbox.settings(emptyPages=True)
    got = pages(sandbox, "limit=4&status=unread")
    assert [len(p["data"]) for p in got] == [0, 0, 4]


def test_the_older_paging(sandbox):
    ids = unread(sandbox, 5)
    answer = sandbox.api("GET", "/v1/inbox?limit=2&page=2").json
    assert [c["id"] for c in answer["data"]] == ids[::-1][2:4]
    assert answer["pagination"] == {"limit": 2, "total": 5, "page": 2, "pages": 3}


@pytest.mark.parametrize(
    "query, which",
    [
        ("status=unread", "abc"), ("status=read", "d"), ("status=", "abcd"), ("tag=interested", "b"),
        ("tag=hot", "c"), ("campaign_id=c_7", "d"), ("search=LOVELACE", "a"), ("search=zebra", "c"),
    ],
)
def test_filters(sandbox, query, which):
    ids = {
        "a": sandbox.conversation(lastName="Lovelace"),
        "b": sandbox.conversation(aiTag="interested"),
        "c": sandbox.conversation(tags=["hot"]),
        "d": sandbox.conversation(campaign={"_id": "c_7", "name": "Seven"}),
    }
    for name, one in ids.items():
        sandbox.reply(one, text="a zebra" if name == "c" else "hello")
    sandbox.api("PATCH", "/v1/inbox/" + ids["d"], {"isRead": True})
    got = {c["id"] for p in pages(sandbox, query) for c in p["data"]}
    assert got == {ids[w] for w in which}


def test_bad_lists(sandbox):
    for query in ("limit=0", "limit=x", "status=odd", "cursor=nonsense"):
        assert sandbox.api("GET", "/v1/inbox?" + query).status == 400, query


# ---- limits and errors --------------------------------------------------------------------------------


def test_unknown_paths_have_the_documented_error(sandbox):
    answer = sandbox.api("GET", "/v1/nothing")
    assert answer.status == 404
    assert answer.json == {"error": "Not Found", "message": "The requested resource was not found", "code": 404}


@pytest.mark.slow
def test_rate_limits_are_told_and_enforced(sandbox):
    sandbox.settings(rateLimit={"limit": 2, "windowMs": 1000, "style": "both"})
    first = sandbox.api("GET", "/v1/account")
    assert (first.headers["ratelimit-limit"], first.headers["ratelimit-remaining"]) == ("2", "1")
    assert first.headers["x-ratelimit-remaining"] == "1" and first.headers["ratelimit-reset"] == "1"
    sandbox.api("GET", "/v1/account")
    third = sandbox.api("GET", "/v1/account")
    assert third.status == 429 and third.headers["retry-after"] == "1" and third.json["code"] == 429
    eventually(lambda: sandbox.api("GET", "/v1/account").status == 200, "the window never ended", 5)


# ---- webhooks ----------------------------------------------------------------------------------------------


def test_webhooks_are_registered_listed_and_shown(sandbox, hook):
    made = sandbox.api("POST", "/v1/webhooks", {"name": "w", "url": hook.url, "events": ["email.replied"]})
    data = made.json["data"]
    assert made.json["success"] and data["url"] == hook.url and data["status"] == "active"
    assert len(bytes.fromhex(data["secret"])) == 32 and data["workspaceId"] and data["timeoutMs"] == 10000
    assert sandbox.api("GET", "/v1/webhooks").json["data"] == [data]
    assert sandbox.api("GET", "/v1/webhooks/" + data["_id"]).json["data"] == data
    assert sandbox.api("GET", "/v1/webhooks/none").status == 404


@pytest.mark.parametrize(
    "change",
    [{"name": ""}, {"url": None}, {"events": []}, {"retryAttempts": 11}, {"timeoutMs": 999},
     {"url": "http://192.0.2.1/x"}, {"retryAttempts": "3"}],
    ids=str,
)
def test_bad_webhooks_are_refused(sandbox, hook, change):
    body = {"name": "w", "url": hook.url, "events": ["email.replied"]} | change
    assert sandbox.api("POST", "/v1/webhooks", body).status == 400


def test_a_test_delivery(sandbox, hook):
    made = sandbox.api("POST", "/v1/webhooks",
                       {"name": "w", "url": hook.url, "events": ["email.replied"], "secret": "s" * 32})
    path = f"/v1/webhooks/{made.json['data']['_id']}/test"
    assert sandbox.api("POST", path).json["data"] == {"statusCode": 200, "delivered": True}
    headers, body = hook.got[0]
    assert headers["x-webhook-event"] == "test" and headers["content-type"] == "application/json"
    assert headers["x-sendkit-signature"] == "sha256=" + wire.sign(body, "s" * 32)
    hook.answers.append((500, 0))
    assert sandbox.api("POST", path).json["data"] == {"statusCode": 500, "delivered": False}
    assert len(hook.got) == 2  # a test is not retried


def test_a_reply_is_delivered_signed(sandbox, hook):
    sandbox.webhook(hook.url)
    one = sandbox.conversation()
    facts, deliveries = sandbox.reply(one, text="hello", subject="Re: hi")
    headers, body = hook.got[0]
    assert [d["status"] for d in deliveries] == [200] and deliveries[0]["delivered"] is True
    assert headers["x-webhook-event"] == "email.replied"
    assert headers["x-sendkit-signature"] == "sha256=" + wire.sign(body, SECRET)
    assert "x-webhook-signature" not in headers
    data = json.loads(body)["data"]
    assert data["conversationId"] == one and data["replyText"] == "hello" and data["subject"] == "Re: hi"
    assert data["messageId"] == facts["message"] and data["leadEmail"] == facts["from"]
    assert sandbox.state()[one]["unreadCount"] == 1


@pytest.mark.parametrize("style, names", [("webhook", {"x-webhook-signature"}), ("none", set()),
                                          ("both", {"x-webhook-signature", "x-sendkit-signature"})])
def test_signature_headers(sandbox, hook, style, names):
    sandbox.webhook(hook.url)
    sandbox.reply(sandbox.conversation(), text="hello", sign=style)
    assert {h for h in hook.got[0][0] if h.endswith("signature")} == names


def test_failed_deliveries_are_retried(sandbox, hook):
    sandbox.webhook(hook.url, retryAttempts=2)
    sandbox.settings(retryDelayMs=20)
    hook.answers += [(500, 0), (302, 0)]
    _, deliveries = sandbox.reply(sandbox.conversation(), text="hello")
    assert deliveries[0]["attempts"] == 3 and deliveries[0]["delivered"] is True
    assert len({body for _, body in hook.got}) == 1
    hook.answers += [(500, 0)] * 3
    _, deliveries = sandbox.reply(sandbox.conversation(), text="hello")
    assert deliveries[0]["attempts"] == 3 and deliveries[0]["delivered"] is False
    assert len(hook.got) == 6 and not hook.answers


@pytest.mark.slow
def test_a_slow_receiver_times_out(sandbox, hook):
    sandbox.webhook(hook.url, timeoutMs=1000, retryAttempts=0)
    hook.answers.append((200, 30))
    _, deliveries = sandbox.reply(sandbox.conversation(), text="hello")
    assert deliveries[0]["status"] == 0 and deliveries[0]["delivered"] is False


def test_only_wanted_events_and_own_workspace(sandbox, hook):
    sandbox.webhook(hook.url, events=["email.positive_reply"])
    one = sandbox.conversation()
    assert sandbox.reply(one, text="hello")[1] == []
    events = ["email.replied", "email.positive_reply"]
    assert len(sandbox.reply(one, text="yes", events=events)[1]) == 1
    assert sandbox.reply(sandbox.conversation(workspace="ws_b"), text="yes", events=events)[1] == []


def test_deliver_n_times(sandbox, hook):
    sandbox.webhook(hook.url)
    _, deliveries = sandbox.reply(sandbox.conversation(), text="hello", times=50)
    assert len(deliveries) == 50 and len(hook.got) == 50 and len({b for _, b in hook.got}) == 1


def test_fourteen_shapes_all_name_the_conversation(sandbox, hook):
    shapes = sandbox.control("GET", "shapes")
    assert len(shapes) == 14
    sandbox.webhook(hook.url)
    one = sandbox.conversation()
    for shape in shapes:
        sandbox.reply(one, text="the very words", shape=shape)
    bodies = {body for _, body in hook.got}
    assert len(bodies) == 14
    assert all(one.encode() in b and b"the very words" in b for b in bodies)
    events = [next((k for k in ("event", "type", "eventType") if k in json.loads(b)), None) for _, b in hook.got]
    assert events.count("event") == 11 and {"type", "eventType", None} < set(events)


# ---- trouble --------------------------------------------------------------------------------------------------


def mark(sandbox, ids):
    return sandbox.api("POST", MARK_READ, {"conversationIds": ids})


def test_trouble_is_taken_in_order_and_used_up(sandbox):
    (one,) = unread(sandbox)
    sandbox.trouble({"status": 500}, {"status": 429, "headers": {"Retry-After": "7"}, "message": "slow down"})
    assert mark(sandbox, [one]).status == 500
    second = mark(sandbox, [one])
    assert second.status == 429 and second.headers["retry-after"] == "7" and second.json["message"] == "slow down"
    assert not sandbox.is_read(one)
    assert mark(sandbox, [one]).status == 200 and sandbox.is_read(one)
    assert [c["status"] for c in sandbox.marks()] == [500, 429, 200]
    assert [c["applied"] for c in sandbox.marks()] == [False, False, True]


@pytest.mark.parametrize("when, read", [("before", False), ("after", True)])
def test_dropped_connections(sandbox, when, read):
    (one,) = unread(sandbox)
    sandbox.trouble({"drop": when})
    with pytest.raises((http.client.HTTPException, OSError)):
        wire.request(sandbox.port, "POST", MARK_READ, json.dumps({"conversationIds": [one]}).encode(),
                     {"X-Api-Key": KEY, "Content-Type": "application/json"}, fresh=True)
    assert sandbox.is_read(one) is read
    assert [(c["status"], c["applied"]) for c in sandbox.marks()] == [(0, read)]


@pytest.mark.parametrize("kind", ["malformed", "html", "success-false", "no-modified", "empty"])
def test_strange_bodies(sandbox, kind):
    (one,) = unread(sandbox)
    sandbox.trouble({"reply": kind})
    answer = mark(sandbox, [one])
    assert answer.status == 200 and not sandbox.is_read(one)
    if kind in ("malformed", "html", "empty"):
        assert answer.json is None
    else:
        assert answer.json["success"] is (kind == "no-modified")


def test_huge_and_cut_bodies(sandbox):
    sandbox.trouble({"reply": "huge", "hugeBytes": 3000000}, {"reply": "truncated", "apply": True})
    assert len(mark(sandbox, ["a"]).body) == 3000000
    with pytest.raises(http.client.IncompleteRead):
        mark(sandbox, ["a"])


def test_one_id_is_refused_for_ever(sandbox):
    ids = unread(sandbox, 4)
    sandbox.trouble({"whenId": ids[2], "status": 400, "times": 0, "message": "no such conversation"})
    for _ in range(2):
        assert mark(sandbox, ids).status == 400
    assert mark(sandbox, ids[:2]).status == 200
    assert mark(sandbox, [ids[2]]).json["message"] == "no such conversation"
    assert mark(sandbox, [ids[3]]).status == 200 and not sandbox.is_read(ids[2])


def test_skip_lets_calls_pass(sandbox):
    sandbox.trouble({"skip": 2, "status": 502})
    assert [mark(sandbox, ["a"]).status for _ in range(4)] == [200, 200, 502, 200]


def test_latency_blocks_nobody(sandbox):
    ids = unread(sandbox, 60)
    sandbox.trouble({"latencyMs": 500, "times": 0})
    begin = time.monotonic()
    answers = wire.in_parallel(lambda i: mark(sandbox, [i]), ids, threads=60)
    assert all(a.status == 200 for a in answers)
    assert 0.5 <= time.monotonic() - begin < 5
    assert sandbox.counters()["calls"]["maxInFlight"] > 30


@pytest.mark.parametrize("member, read", [("latencyMs", False), ("lateMs", True)])
@pytest.mark.slow
def test_latency_is_before_or_after_the_effect(sandbox, member, read):
    (one,) = unread(sandbox)
    sandbox.trouble({member: 1500})
    caller = threading.Thread(target=mark, args=(sandbox, [one]))
    caller.start()
    eventually(lambda: sandbox.counters()["calls"]["inFlight"] == 1, "the call never came")
    assert sandbox.is_read(one) is read
    caller.join()
    assert sandbox.is_read(one)


def test_unknown_trouble_is_said(sandbox):
    answer = wire.request(sandbox.port, "POST", "/_sandbox/trouble", b'{"stauts": 500}')
    assert answer.status == 400 and "unknown" in answer.json["error"]


# ---- the process ------------------------------------------------------------------------------------------------


def test_calls_are_kept_to_the_letter(sandbox):
    sandbox.api("POST", MARK_READ, b'{"conversationIds": ["x"]}', {"Idempotency-Key": "k1"})
    (call,) = sandbox.marks()
    assert call["method"] == "POST" and call["body"] == '{"conversationIds": ["x"]}'
    assert call["headers"]["idempotency-key"] == "k1" and call["headers"]["x-api-key"] == KEY
    assert sandbox.counters()["calls"]["POST /v1/inbox/mark-read"] == 1
    sandbox.reset()
    assert sandbox.marks() == []


def test_it_is_fast_enough(sandbox):
    def hundred(_):
        return [mark(sandbox, ["a"]).status for _ in range(100)]

    begin = time.monotonic()
    assert all(s == 200 for part in wire.in_parallel(hundred, range(8), 8) for s in part)
    assert time.monotonic() - begin < 5  # 800 calls; Python is the slow half


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it(build, number):
    box = Sandbox(build)
    box.process.send_signal(number)
    assert box.process.wait(5) == 0
    box.process.stdout.close()


@pytest.mark.slow
def test_port_file_and_lifetime(build, tmp_path):
    path = tmp_path / "port"
    command = [os.path.join(build, "automark-sandbox"), "--port-file", str(path), "--seconds", "1"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        eventually(path.exists, "no port file")
        with socket.create_connection(("127.0.0.1", int(path.read_text()))):
            pass
        assert process.wait(10) == 0


@pytest.mark.parametrize("args", [["--listen", "0.0.0.0:0"], ["--listen", "x"], ["--key", "abc"], ["more"]], ids=str)
def test_wrong_use(build, args):
    done = subprocess.run([os.path.join(build, "automark-sandbox"), *args], capture_output=True, text=True, timeout=10)
    assert done.returncode in (2, 3) and done.stderr
