"""The webhook listener: DESIGN's table of answers, smuggling, slow clients."""

import concurrent.futures
import json
import select
import socket
import time

import pytest
import wire
from daemon import reply_event
from sandboxed import SECRET
from wait import PATIENCE, SANITIZED

BODY = json.dumps(reply_event("c_plain", "Hello there")).encode()


def head(method="POST", path="/hooks/default", body=BODY, extra=(), length=True):
    """A request's head, with a good signature, as bytes to mangle."""
    lines = [f"{method} {path} HTTP/1.1", "Host: automark", "Content-Type: application/json",
             "x-sendkit-signature: sha256=" + wire.sign(body, SECRET), *extra]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


# ---- the table ------------------------------------------------------------------------------------


def test_every_decision_has_its_answer(daemon, sandbox):
    ids = sandbox.conversations(8)
    expect = [
        (daemon.reply(ids[0], "Please unsubscribe me."), (202, "queued")),
        (daemon.reply(ids[1], "Please send me pricing."), (200, "kept")),
        (daemon.reply(ids[2], "A question about the invoice."), (200, "kept")),
        (daemon.reply(ids[3], "Nothing that any rule knows."), (200, "kept")),
        (daemon.reply(ids[4], "This is only a shadow."), (200, "shadow")),
        (daemon.reply(ids[5], "Yes!", event="email.positive_reply"), (200, "kept")),
        (daemon.post({"event": "test", "data": {"message": "hello"}}), (200, "ignored")),
        (daemon.post({"event": "lead.created", "data": {"id": "x"}}), (200, "ignored")),
    ]
    for answer, wanted in expect:
        assert answer.is_ == wanted, answer
    for answer, _ in expect[1:4]:
        assert answer.json["reason"], answer
    again = reply_event(ids[6], "Please remove me", message="m_1")
    assert daemon.post(again).is_ == (202, "queued")
    assert daemon.post(again).is_ == (200, "duplicate")


@pytest.mark.parametrize(
    "method, path, headers, body, status",
    [
        ("POST", "/", {}, BODY, 404),
        ("POST", "/hooks", {}, BODY, 404),
        ("POST", "/hooks/", {}, BODY, 404),
        ("POST", "/hooks/nobody", {}, BODY, 404),
        ("POST", "/hooks/default/", {}, BODY, 404),
        ("POST", "/hooks/default/more", {}, BODY, 404),
        ("POST", "//hooks/default", {}, BODY, 404),
        ("POST", "/hooks/%64efault", {}, BODY, 404),
        ("POST", "/hooks/../hooks/default", {}, BODY, 404),
        ("POST", "/hooks/%2e%2e/hooks/default", {}, BODY, 404),
        ("POST", "/hooks/default%00", {}, BODY, 404),
        ("POST", "/healthz", {}, BODY, 404),
        ("GET", "/hooks/default", {}, b"", 405),
        ("PUT", "/hooks/default", {}, BODY, 405),
        ("HEAD", "/hooks/default", {}, b"", 405),
        ("DELETE", "/hooks/default", {}, b"", 405),
        ("POST", "/hooks/default", {"Content-Type": "text/plain"}, BODY, 415),
        ("POST", "/hooks/default", {"Content-Type": "application/x-www-form-urlencoded"}, BODY, 415),
        ("POST", "/hooks/default", {"Content-Encoding": "gzip"}, BODY, 415),
        ("POST", "/hooks/default", {"Content-Encoding": "identity"}, BODY, 200),
        ("POST", "/hooks/default", {"Content-Type": "application/json; charset=utf-8"}, BODY, 200),
        ("POST", "/hooks/default", {"Content-Type": "APPLICATION/JSON"}, BODY, 200),
        ("POST", "/hooks/default", {}, b"{", 400),
        ("POST", "/hooks/default", {}, b"", 400),
        ("POST", "/hooks/default", {"x-sendkit-signature": "sha256=00"}, BODY, 401),
    ],
)
def test_refusals(shared, method, path, headers, body, status):
    sent = wire.signed_headers(body, SECRET) | headers
    answer = wire.request(shared.port, method, path, body, sent, fresh=True)
    assert answer.status == status, answer
    if status != 200:
        assert answer.headers.get("connection", "").lower() == "close"
        if method != "HEAD":
            assert answer.json["status"] == "error" and len(answer.body) > 30, answer
    if status == 405:
        assert answer.headers["allow"] == "POST"


def test_a_missing_content_type_is_taken_for_json(shared):
    data = head(extra=["Connection: close"]).replace(b"Content-Type: application/json\r\n", b"") + BODY
    assert wire.statuses(wire.raw(shared.port, data)) == [200]


def test_the_largest_body_and_one_byte_more(shared):
    def body_of(size):
        text = json.dumps(reply_event("c_big", "x")).encode()
        return text[:-1] + b" " * (size - len(text)) + text[-1:]

    assert shared.post(body_of(1 << 20)).status == 200
    over = body_of((1 << 20) + 1)
    assert wire.statuses(wire.raw(shared.port, head(body=over) + over)) == [413]


def test_413_is_said_before_the_body_is_read(shared):
    data = head(length=False, extra=["Content-Length: 900000000", "Expect: 100-continue"])
    got = wire.raw(shared.port, data)
    assert wire.statuses(got) == [413], got


def test_a_chunked_body_over_the_limit_is_cut(shared):
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    data = head(length=False, extra=["Transfer-Encoding: chunked"]) + chunk * 20 + b"0\r\n\r\n"
    assert wire.statuses(wire.raw(shared.port, data)) == [413]
    endless = head(length=False, extra=["Transfer-Encoding: chunked"]) + chunk * 2000
    assert wire.statuses(wire.raw(shared.port, endless)) in ([], [413])
    assert shared.post(BODY).status == 200


def test_chunked_is_fine(shared):
    half = len(BODY) // 2
    data = head(length=False, extra=["Transfer-Encoding: chunked", "Connection: close"])
    for piece in (BODY[:half], BODY[half:], b""):
        data += f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
    assert wire.statuses(wire.raw(shared.port, data)) == [200]


def test_a_connection_is_kept_after_success_and_pipelining_works(shared):
    one = head() + BODY
    last = head(extra=["Connection: close"]) + BODY
    assert wire.statuses(wire.raw(shared.port, one + one + last)) == [200, 200, 200]


def test_a_connection_is_closed_after_a_refusal(shared):
    """What follows a refused request is never read as a request."""
    bad = head(body=b"{") + b"{"
    good = head(extra=["Connection: close"]) + BODY
    assert wire.statuses(wire.raw(shared.port, bad + good)) == [400]


# ---- requests that proxies and servers read differently ----------------------------------------------

CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
HIDDEN = b"POST /hooks/default HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    "lines, rest",
    [
        ([f"Content-Length: {len(BODY)}", "Transfer-Encoding: chunked"], CHUNKED),
        (["Transfer-Encoding: chunked", "Content-Length: 5"], CHUNKED + HIDDEN),
        ([f"Content-Length: {len(BODY)}", "Content-Length: 5"], BODY),
        (["Content-Length: 5", f"Content-Length: {len(BODY)}"], BODY),
        ([f"Content-Length: {len(BODY)}", f"content-length: {len(BODY)}"], BODY),
        ([f"Content-Length: {len(BODY)}, {len(BODY)}"], BODY),
        ([f"Content-Length: +{len(BODY)}"], BODY),
        (["Content-Length: -1"], BODY),
        ([f"Content-Length: 0x{len(BODY):x}"], BODY),
        ([f"Content-Length: {len(BODY)} 5"], BODY),
        (["Content-Length: 99999999999999999999999"], BODY),
        (["Transfer-Encoding: gzip"], BODY),
        (["Transfer-Encoding: chunked, identity"], CHUNKED),
        (["Transfer-Encoding: gzip, chunked"], CHUNKED),
        (["Transfer-Encoding: identity"], BODY),
        (["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], CHUNKED),
        (["Transfer-Encoding: chunked", "Transfer-Encoding: identity"], CHUNKED),
        (["Transfer-Encoding: xchunked"], CHUNKED),
        (["Transfer-Encoding: \x0bchunked"], CHUNKED),
    ],
    ids=lambda v: " + ".join(v)[:60] if isinstance(v, list) else "",
)
def test_ambiguous_lengths_are_refused(shared, lines, rest):
    got = wire.raw(shared.port, head(length=False, extra=lines) + rest + HIDDEN, timeout=15)
    answers = wire.statuses(got)
    # libmicrohttpd itself writes the head of its own refusals twice: one answer all the same
    assert answers and set(answers) <= {400, 413}, got
    assert got.count(b"</html>") + got.count(b'"status"') == 1, got
    assert shared.post(BODY).status == 200


def test_two_signatures_are_one_too_many(shared):
    data = head(extra=["x-sendkit-signature: sha256=" + "0" * 64, "Connection: close"]) + BODY
    assert wire.statuses(wire.raw(shared.port, data)) == [401]


def test_endless_headers_are_refused(shared):
    data = head(extra=["X-Fill: " + "y" * 100000]) + BODY
    assert wire.statuses(wire.raw(shared.port, data)) in ([431], [400], [413], [])
    assert shared.post(BODY).status == 200


@pytest.mark.parametrize("junk", [b"\x00" * 500, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GARBAGE\r\n\r\n",
                                  b"POST /hooks/default\r\n\r\n", b"\r\n" * 200], ids=range(5))
def test_junk_does_no_harm(shared, junk):
    with socket.create_connection(("127.0.0.1", shared.port)) as s:
        s.sendall(junk)
        s.settimeout(0.3)
        try:
            got = s.recv(65536)
        except OSError:  # nothing yet: it waits for the rest, until the deadline
            got = b""
    assert not any(200 <= s < 300 for s in wire.statuses(got))
    assert shared.post(BODY).status == 200


@pytest.mark.threads
def test_many_connections_at_once(daemon, sandbox):
    """A burst of senders, each on its own connection."""
    ids = sandbox.conversations(300)
    answers = wire.in_parallel(lambda c: daemon.post(reply_event(c, "Please unsubscribe me."), fresh=True),
                               ids, threads=50)
    assert {a.is_ for a in answers} == {(202, "queued")}
    sandbox.wait_read(ids, 20)


# ---- slow clients ------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_dripping_connections_are_cut_and_others_not_slowed(daemon):
    """300 clients send a byte now and then; each is cut, and normal deliveries stay quick."""
    drips, begin = {}, time.monotonic()
    request = head() + BODY
    for _ in range(300):
        s = socket.create_connection(("127.0.0.1", daemon.port))
        s.setblocking(False)
        drips[s] = 0
    slowest = 0.0
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        normal = None
        while drips and time.monotonic() - begin < 14 * PATIENCE:
            if normal is None or normal.done():
                if normal:
                    took, status = normal.result()
                    assert status == 200
                    slowest = max(slowest, took)
                normal = pool.submit(timed_post, daemon)
            drip(drips, request)
            time.sleep(0.25)
        normal.result()
    for s in drips:
        s.close()
    assert not drips, f"{len(drips)} of 300 still open after {time.monotonic() - begin:.1f} s"
    assert slowest < 1 * PATIENCE, f"a normal delivery took {slowest:.2f} s"


def timed_post(daemon):
    begin = time.monotonic()
    status = daemon.post(BODY, fresh=True).status
    return time.monotonic() - begin, status


def drip(drips, request):
    """One more byte on each connection; those that the server closed leave."""
    readable, _, _ = select.select(list(drips), [], [], 0)
    for s in list(drips):
        try:
            over = s in readable and not s.recv(4096)
            if not over:
                s.send(request[drips[s] : drips[s] + 1])
                drips[s] += 1
        except BlockingIOError:
            over = False
        except OSError:
            over = True
        if over:
            s.close()
            del drips[s]


@pytest.mark.slow
def test_deadlines_of_silent_and_kept_connections(daemon):
    """10 s after accept, 15 s after the last answer: nothing may hold a connection longer."""
    silent = socket.create_connection(("127.0.0.1", daemon.port))
    half = socket.create_connection(("127.0.0.1", daemon.port))
    half.sendall(head() + BODY[:10])
    kept = socket.create_connection(("127.0.0.1", daemon.port))
    kept.sendall(head() + BODY)
    begin = time.monotonic()
    open_ones = {silent: 11.5, half: 11.5, kept: 16.5}
    for s, limit in open_ones.items():
        s.settimeout(max(0.1, limit * PATIENCE - (time.monotonic() - begin)))
        try:
            while s.recv(4096):
                pass
        except ConnectionResetError:
            pass
        except socket.timeout:
            raise AssertionError(f"still open after {time.monotonic() - begin:.1f} s") from None
        finally:
            s.close()


def test_waiting_senders_do_not_hold_up_the_end(daemon):
    """SIGTERM while connections are open: it ends in time, with 0."""
    idle = [socket.create_connection(("127.0.0.1", daemon.port)) for _ in range(5)]
    begin = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - begin < 10 * PATIENCE
    for s in idle:
        s.close()


def test_memory_stays_bounded(daemon):
    """The body that costs json-c most must not make the process fat."""
    daemon.post(BODY)
    before = daemon.size_kib()
    bad = b'{"event":"email.replied","data":[' + b"{}," * 300000 + b"{}]}"
    answers = wire.in_parallel(lambda _: daemon.post(bad, fresh=True).status, range(40), threads=8)
    assert set(answers) == {400}
    assert daemon.size_kib() - before < 64 * 1024 * (4 if SANITIZED else 1)  # quarantine and shadow
