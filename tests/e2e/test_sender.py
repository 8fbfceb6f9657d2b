"""How marks reach SendKit: the exact call, batches, trouble of every kind, pace."""

import concurrent.futures
import time

import pytest
import wire
from daemon import DATA, reply_event
from sandboxed import KEY, MARK_READ
from wait import PATIENCE, eventually, stays

PLEASE = "Please unsubscribe me."


def queue(daemon, sandbox, count):
    """That many conversations whose replies ask to be marked; all acknowledged."""
    ids = sandbox.conversations(count)
    sandbox.replies([{"conversation": i, "text": PLEASE, "deliver": False} for i in ids])
    answers = wire.in_parallel(lambda i: daemon.reply(i, PLEASE).is_, ids)
    assert set(answers) == {(202, "queued")}
    return ids


# ---- the call ---------------------------------------------------------------------------------------------


@pytest.mark.threads
def test_the_exact_call(daemon, sandbox):
    (one,) = queue(daemon, sandbox, 1)
    sandbox.wait_read(one)
    (call,) = sandbox.calls()
    assert (call["method"], call["path"], call["query"], call["status"]) == ("POST", MARK_READ, {}, 200)
    assert call["json"] == {"conversationIds": [one]}
    headers = call["headers"]
    assert headers["x-api-key"] == KEY and headers["authorization"] == "Bearer " + KEY
    assert headers["content-type"].split(";")[0] == "application/json"
    assert "x-workspace-id" not in headers and "expect" not in headers
    assert headers["host"] == f"127.0.0.1:{sandbox.port}"
    daemon.wait_job(one, "done")


def test_a_quiet_daemon_marks_within_a_round_trip(daemon, sandbox):
    begin = time.monotonic()
    (one,) = queue(daemon, sandbox, 1)
    sandbox.wait_read(one)
    assert time.monotonic() - begin < 1.5 * PATIENCE


@pytest.mark.threads
@pytest.mark.slow
def test_many_in_few_calls_each_id_once(daemon, sandbox):
    """2,000 replies against an API that takes 300 ms a call."""
    sandbox.trouble({"latencyMs": 300, "times": 0})
    sandbox.webhook(f"http://127.0.0.1:{daemon.port}/hooks/default")
    ids = sandbox.conversations(2000)
    begin = time.monotonic()
    done = sandbox.replies([{"conversation": i, "text": PLEASE} for i in ids])
    assert {d["status"] for d in done["deliveries"]} == {202}
    sandbox.wait_read(ids, 60)
    took = time.monotonic() - begin
    calls = sandbox.marks()
    assert len(calls) <= took / 0.3 + 20, f"{len(calls)} calls in {took:.1f} s"
    named = sandbox.ids_marked()
    assert len(named) == 2000 and set(named) == set(ids)
    assert max(len(c["json"]["conversationIds"]) for c in calls) <= 100
    assert sandbox.counters()["calls"]["maxInFlight"] == 1


def test_two_matches_before_sending_are_one_job(daemons, sandbox):
    sandbox.trouble({"latencyMs": 700})
    daemon = daemons(sandbox)
    first, two = sandbox.conversations(2)
    sandbox.reply(first, text=PLEASE, deliver=False)
    daemon.reply(first, PLEASE)
    eventually(lambda: sandbox.counters()["calls"]["inFlight"], "the first call")
    for _ in range(3):
        assert daemon.says(two, PLEASE).is_ == (202, "queued")
    sandbox.wait_read([first, two])
    assert sandbox.ids_marked().count(two) == 1


# ---- trouble ------------------------------------------------------------------------------------------------


TROUBLES = {
    "500": {"status": 500},
    "502": {"status": 502, "body": "<html>Bad gateway</html>", "contentType": "text/html"},
    "503": {"status": 503, "headers": {"Retry-After": "1"}},
    "408": {"status": 408},
    "429": {"status": 429, "headers": {"Retry-After": "2"}},
    "429 with a date": {"status": 429, "headers": {"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}},
    "429 with nonsense": {"status": 429, "headers": {"Retry-After": "soon"}},
    "429 without": {"status": 429},
    "drop before": {"drop": "before"},
    "drop after": {"drop": "after"},
    "html 200": {"reply": "html"},
    "success false": {"reply": "success-false"},
    "malformed": {"reply": "malformed"},
    "malformed but applied": {"reply": "malformed", "apply": True},
    "truncated": {"reply": "truncated", "apply": True},
    "empty 200": {"reply": "empty"},
    "204": {"status": 204, "body": ""},
    "huge": {"reply": "huge"},
    "stalled": {"lateMs": 200},
}


def test_no_single_trouble_loses_a_mark(daemons, build, folder):
    """Each kind of trouble once, each against a daemon of its own, all at the same time."""
    from sandboxed import Sandbox

    def one_kind(name):
        sandbox = Sandbox(build)
        try:
            daemon = daemons(sandbox)
            sandbox.trouble(TROUBLES[name])
            ids = queue(daemon, sandbox, 3)
            sandbox.wait_read(ids, 20)
            for one in ids:
                daemon.wait_job(one, "done", seconds=20)
            calls = sandbox.marks()
            daemon.kill()
            return name, [c["status"] for c in calls], calls
        finally:
            sandbox.stop()

    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        results = list(pool.map(one_kind, TROUBLES))
    for name, statuses, calls in results:
        assert len(calls) <= 8, (name, statuses)
    by_name = {name: calls for name, _, calls in results}
    first, second = by_name["429"][:2]
    assert second["at"] - first["at"] >= 1950, "Retry-After was not kept"


@pytest.mark.slow
def test_trouble_upon_trouble(daemon, sandbox):
    """The judges' list in a row, then everything is marked."""
    sandbox.trouble({"status": 500}, {"status": 429, "headers": {"Retry-After": "1"}}, {"drop": "before"},
                    {"drop": "after"}, {"reply": "html"}, {"reply": "success-false"})
    ids = queue(daemon, sandbox, 30)
    sandbox.wait_read(ids, 90)
    assert len(sandbox.marks()) < 25


def test_a_missing_modified_is_fine(daemon, sandbox):
    sandbox.trouble({"reply": "no-modified"})
    (one,) = queue(daemon, sandbox, 1)
    daemon.wait_job(one, "done")
    assert len(sandbox.marks()) == 1
    daemon.wait_log("modified")


@pytest.mark.threads
def test_one_refused_id_never_blocks_the_others(daemon, sandbox):
    """120 marks, one of which SendKit refuses: that one fails with SendKit's words."""
    ids = sandbox.conversations(120)
    bad = ids[57]
    sandbox.trouble({"whenId": bad, "status": 400, "times": 0, "message": "Conversation is archived"},
                    {"latencyMs": 500})
    sandbox.replies([{"conversation": i, "text": PLEASE, "deliver": False} for i in ids])
    assert {a for a in wire.in_parallel(lambda i: daemon.reply(i, PLEASE).is_, ids)} == {(202, "queued")}
    sandbox.wait_read([i for i in ids if i != bad], 30)
    job = daemon.wait_job(bad, "failed", seconds=20)
    assert "Conversation is archived" in str(job), job
    assert not sandbox.is_read(bad)
    assert len(sandbox.marks()) < 40
    named = [i for c in sandbox.marks() if c["status"] == 200 for i in c["json"]["conversationIds"]]
    assert sorted(named) == sorted(i for i in ids if i != bad)  # each exactly once
    listed = daemon.cli("queue", "list", "--state", "failed")
    assert bad in listed.stdout and "Conversation is archived" in listed.stdout


@pytest.mark.slow
def test_a_lone_refusal_waits_for_proof(daemon, sandbox):
    """One id, refused while nothing else succeeds: it must not be condemned, only kept."""
    (one,) = sandbox.conversations(1)
    sandbox.trouble({"whenId": one, "status": 404, "times": 0})
    daemon.says(one, PLEASE)
    eventually(lambda: sandbox.marks(), "the first call")
    stays(lambda: daemon.job(one)["state"] != "failed", lambda: f"condemned: {daemon.job(one)}", 1.5)
    sandbox.no_trouble()
    sandbox.wait_read(one, 40)


@pytest.mark.slow
def test_404_for_everything_condemns_nothing(daemon, sandbox):
    sandbox.trouble({"path": "/v1/*", "status": 404, "times": 0})
    ids = queue(daemon, sandbox, 40)
    eventually(lambda: sandbox.marks(), "a call")
    stays(lambda: not [j for j in daemon.jobs() if j["state"] == "failed"], "a job was condemned", 3)
    assert len(sandbox.marks()) < 40
    assert daemon.admin("/readyz").status == 200
    sandbox.no_trouble()
    sandbox.wait_read(ids, 60)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.slow
def test_a_refused_key_stops_the_calls_and_loses_nothing(daemon, sandbox, status):
    sandbox.trouble({"path": "/v1/*", "status": status, "times": 0})
    ids = queue(daemon, sandbox, 20)
    eventually(lambda: sandbox.marks(), "a call")
    stays(lambda: len(sandbox.calls()) <= 6, lambda: f"{len(sandbox.calls())} calls with a refused key", 3)
    ready = daemon.admin("/readyz")
    assert ready.status == 200 and str(status) in ready.body.decode(), ready
    assert {j["state"] for j in daemon.jobs()} <= {"pending", "sending"}
    assert daemon.reply(sandbox.conversation(), PLEASE).is_ == (202, "queued")
    sandbox.no_trouble()
    sandbox.wait_read(ids, 60)


def test_redirects_are_not_followed(daemon, sandbox):
    target = f"{sandbox.url}/v1/account"
    sandbox.trouble({"status": 302, "headers": {"Location": target}, "body": ""})
    queue(daemon, sandbox, 1)
    eventually(lambda: sandbox.marks(), "a call")
    stays(lambda: all(c["method"] == "POST" or c["path"] != "/v1/account" or "referer" not in c["headers"]
                      for c in sandbox.calls()), "followed", 0.5)
    assert sandbox.marks()[0]["status"] == 302


# ---- pace -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", ["ietf", "x"])
@pytest.mark.slow
def test_rate_limit_headers_are_obeyed_before_they_bite(daemon, sandbox, style):
    sandbox.settings(rateLimit={"limit": 3, "windowMs": 1500, "style": style})
    ids = []
    for _ in range(7):
        (one,) = queue(daemon, sandbox, 1)
        ids.append(one)
        eventually(lambda: daemon.job(one)["state"] in ("sending", "done", "pending"), "it is queued")
        if len(ids) <= 3:
            sandbox.wait_read(one)
    sandbox.wait_read(ids, 20)
    assert not [c for c in sandbox.marks() if c["status"] == 429], [c["status"] for c in sandbox.marks()]


def test_a_hold_waits(daemon, sandbox):
    one, two = sandbox.conversations(2)
    assert daemon.says(one, "Please hold this one.").is_ == (202, "queued")
    assert daemon.says(two, PLEASE).is_ == (202, "queued")
    sandbox.wait_read(two)
    assert not sandbox.is_read(one) and daemon.job(one)["state"] == "pending"


def test_a_cap_parks_what_is_over_it(daemons, sandbox):
    daemon = daemons(sandbox, rules={"r.yaml": """
rules:
  - name: few
    when: {reply: 'unsubscribe'}
    max_per_hour: 3
"""})
    ids = sandbox.conversations(5)
    answers = [daemon.says(i, PLEASE).is_ for i in ids]
    assert answers == [(202, "queued")] * 3 + [(202, "parked")] * 2
    sandbox.wait_read(ids[:3])
    assert daemon.job(ids[3])["state"] == "parked" and not sandbox.is_read(ids[3])
    assert daemon.cli("queue", "release", "--state", "parked").returncode == 0  # a dry run
    assert daemon.job(ids[4])["state"] == "parked"
    done = daemon.cli("queue", "release", "--state", "parked", "--apply")
    assert done.returncode == 0 and "2" in done.stdout, done
    sandbox.wait_read(ids)


def test_the_key_is_in_no_log_and_no_answer(daemon, sandbox):
    sandbox.trouble({"status": 401, "message": f"bad key {KEY}", "times": 2})
    queue(daemon, sandbox, 1)
    eventually(lambda: sandbox.marks(), "a call")
    for text in (daemon.admin("/readyz").body.decode(), daemon.cli("queue", "list").stdout, daemon.log()):
        assert KEY not in text


# ---- a rule that could take for ever ---------------------------------------------------------------------------------


def test_a_catastrophic_pattern_is_bounded(daemons, sandbox):
    daemon = daemons(sandbox, rules={"r.yaml": "rules:\n  - name: bad\n    when: {reply: '^(a+)+$'}\n"})
    one, two = sandbox.conversations(2)
    begin = time.monotonic()
    answer = daemon.says(one, "a" * 60000 + "!")
    assert time.monotonic() - begin < 2 * PATIENCE
    assert answer.is_ == (200, "kept"), answer
    assert not sandbox.is_read(one)
    assert daemon.says(two, "Short and human").is_ == (200, "kept")


def test_hostile_bodies_answer_in_time(daemon):
    nested = "".join("> " * n + f"On Mon, Us wrote:\n{'> ' * n}unsubscribe\n" for n in range(1, 300))
    for text in ("<div>" * 100000, "> " * 200000, "\n" * 500000, nested, "=" * 900000, "a@b.example " * 60000,
                 "<a href='" * 50000, "&amp" * 100000, "On " * 200000, "\u200b" * 150000):
        begin = time.monotonic()
        answer = daemon.post(reply_event("c_1", text))
        assert answer.status == 200, answer
        assert time.monotonic() - begin < 2 * PATIENCE, text[:40]


def test_the_shipped_rules_serve(daemons, sandbox):
    """The rules of the repository, as they are, on three plain replies."""
    daemon = daemons(sandbox, rules=DATA.parent.parent / "rules")
    away, human, both = sandbox.conversations(3)
    assert daemon.says(away, "I am out of the office until Monday with no access to email.",
                       subject="Automatic reply: Quick question").is_ == (202, "queued")
    assert daemon.says(human, "Yes, call me tomorrow.", subject="Re: Quick question").is_ == (200, "kept")
    assert daemon.says(both, "Could you send pricing? I am at the office all week.").is_ == (200, "kept")
    sandbox.wait_read(away)
    assert not sandbox.is_read(human) and not sandbox.is_read(both)
