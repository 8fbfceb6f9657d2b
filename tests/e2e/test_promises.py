"""P1 nothing accepted is lost, P2 no kept reply is swept along, P3 a decision is made once: also across kill -9."""

import json
import random
import threading
import time

import pytest
import wire
from daemon import RULES, at, reply_event
from sandboxed import Sandbox
from wait import eventually, stays

PLEASE = "Please unsubscribe me."
HUMAN = "Could we talk about this next week?"
AWAY = {"subject": "Automatic reply: Quick question", "text": "I am away."}
POSITIVE = ("email.positive_reply",)


# ---- P1 -----------------------------------------------------------------------------------------------------


class Load:
    """Senders that keep posting new replies until told to stop; what was acknowledged is known."""

    def __init__(self, daemon, sandbox, threads=4):
        self.daemon, self.sandbox = daemon, sandbox
        self.port = daemon.port
        self.acknowledged, self.lock, self.over = [], threading.Lock(), threading.Event()
        self.threads = [threading.Thread(target=self.run) for _ in range(threads)]
        for t in self.threads:
            t.start()

    def run(self):
        while not self.over.is_set():
            for one in self.sandbox.conversations(20):
                if self.over.is_set():
                    return
                self.sandbox.reply(one, text=PLEASE, deliver=False)
                body = json.dumps(reply_event(one, PLEASE)).encode()
                headers = wire.signed_headers(body, self.daemon.secret)
                try:
                    answer = wire.request(self.port, "POST", "/hooks/default", body, headers)
                except Exception:  # the daemon was killed in the middle: not acknowledged
                    self.over.wait(0.02)
                    continue
                if answer.status == 202:
                    with self.lock:
                        self.acknowledged.append(one)

    def stop(self):
        self.over.set()
        for t in self.threads:
            t.join()


def kill_again_and_again(daemon, sandbox, rounds):
    """kill -9 under load at odd moments; every acknowledged mark is sent in the end."""
    seed = random.randrange(1 << 30)
    print("seed", seed)
    dice = random.Random(seed)
    sandbox.trouble({"latencyMs": 30, "times": 0})
    load = Load(daemon, sandbox)
    try:
        for _ in range(rounds):
            before = len(load.acknowledged)
            wanted = before + dice.randrange(1, 30)
            eventually(lambda: len(load.acknowledged) >= wanted, f"{wanted} acknowledged replies", 20)
            daemon.kill()
            daemon.start()
            load.port = daemon.port
    finally:
        load.stop()
    assert len(load.acknowledged) > rounds
    sandbox.wait_read(load.acknowledged, 30)
    for one in load.acknowledged[-3:]:
        daemon.wait_job(one, "done")
    return load.acknowledged


@pytest.mark.threads
def test_kill_under_load_quickly(daemon, sandbox):
    kill_again_and_again(daemon, sandbox, 4)


@pytest.mark.slow
def test_kill_under_load_25_times(daemon, sandbox):
    kill_again_and_again(daemon, sandbox, 25)


def test_a_mark_survives_an_api_that_is_down(daemons, build, folder):
    """No API at all: acknowledged, kept over a kill, sent when it is there."""
    away = Sandbox(build)
    daemon = daemons(away)
    one = away.conversation(id="c_down")
    away.stop()
    assert daemon.reply(one, PLEASE).is_ == (202, "queued")
    daemon.kill()
    back = Sandbox(build, args=["--listen", f"127.0.0.1:{away.port}"])
    try:
        back.conversation(id="c_down")
        back.reply("c_down", text=PLEASE, deliver=False)
        daemon.start()
        back.wait_read("c_down", 20)
    finally:
        back.stop()


def test_a_call_in_flight_at_the_kill_is_repeated(daemon, sandbox):
    sandbox.trouble({"latencyMs": 3000})
    (one,) = sandbox.conversations(1)
    daemon.says(one, PLEASE)
    eventually(lambda: sandbox.counters()["calls"]["inFlight"] == 1, "the call on its way")
    daemon.kill()
    daemon.start()
    sandbox.wait_read(one)
    daemon.wait_job(one, "done")


def test_sigterm_finishes_what_is_in_flight(daemon, sandbox):
    sandbox.trouble({"latencyMs": 1500})
    (one,) = sandbox.conversations(1)
    daemon.says(one, PLEASE)
    eventually(lambda: sandbox.counters()["calls"]["inFlight"] == 1, "the call on its way")
    assert daemon.stop() == 0
    assert sandbox.is_read(one)
    daemon.start()
    daemon.wait_job(one, "done")
    stays(lambda: len(sandbox.marks()) == 1, "it was sent again", 0.5)


@pytest.mark.slow
@pytest.mark.threads
def test_sigterm_under_load(daemon, sandbox):
    """Stopped in the middle of a stream of replies, several times: exit 0, nothing lost."""
    load = Load(daemon, sandbox)
    try:
        for _ in range(4):
            wanted = len(load.acknowledged) + 40
            eventually(lambda: len(load.acknowledged) >= wanted, "replies", 20)
            assert daemon.stop() == 0
            daemon.start()
            load.port = daemon.port
    finally:
        load.stop()
    sandbox.wait_read(load.acknowledged, 30)


def test_a_second_daemon_on_the_store_is_refused(daemon, daemons, sandbox):
    second = daemons(sandbox, start=False)
    second.args[second.args.index("--store") + 1] = f"sqlite:{daemon.store}"
    second.launch()
    eventually(lambda: second.process.poll() is not None, "the second one ends", 5)
    assert second.process.returncode == 3
    assert str(daemon.process.pid) in second.log() and "use" in second.log()
    (one,) = sandbox.conversations(1)
    assert daemon.says(one, PLEASE).is_ == (202, "queued")
    sandbox.wait_read(one)


def quiet(daemon):
    """Nothing is on its way or waits to be."""
    busy = lambda: [j for j in daemon.jobs() if j["state"] in ("pending", "sending")]
    eventually(lambda: not busy(), lambda: f"still busy: {busy()[:3]}", 20, 0.1)


# ---- P2 ------------------------------------------------------------------------------------------------------------


def slowly(sandbox, ms=1500):
    """The next mark-read takes its time, and takes effect at its end."""
    sandbox.trouble({"latencyMs": ms})


def in_flight(sandbox, one):
    eventually(lambda: sandbox.counters()["calls"]["inFlight"] >= 1, f"the mark of {one} on its way")


def test_a_human_reply_cancels_a_pending_mark(daemon, sandbox):
    (one,) = sandbox.conversations(1)
    assert daemon.says(one, "Please hold this one.").is_ == (202, "queued")
    assert daemon.says(one, HUMAN).is_ == (200, "kept")
    assert daemon.wait_job(one, "cancelled")
    assert sandbox.calls() == [] and not sandbox.is_read(one)


def test_also_with_kill_right_behind_its_200(daemon, sandbox):
    ids = sandbox.conversations(5)
    for one in ids:
        assert daemon.says(one, "Please hold this one.").is_ == (202, "queued")
        assert daemon.says(one, HUMAN).is_ == (200, "kept")
        daemon.kill()
        assert daemon.start().job(one)["state"] == "cancelled"
    assert sandbox.calls() == []


@pytest.mark.slow
def test_a_mark_that_waits_for_trouble_is_cancelled(daemon, sandbox):
    """Retrying, the outcome of the last attempt unknown: cancelled, and un-read in case it had landed."""
    sandbox.trouble({"drop": "after"}, {"status": 500, "times": 0})
    (one,) = sandbox.conversations(1)
    daemon.says(one, PLEASE)
    sandbox.wait_read(one)
    assert daemon.says(one, HUMAN).is_ == (200, "kept")
    sandbox.wait_unread(one)
    eventually(lambda: sandbox.unreads(one), "an un-read")
    sandbox.no_trouble()
    stays(lambda: not sandbox.is_read(one), "it was marked after all", 2)


@pytest.mark.threads
def test_a_mark_on_the_wire_is_undone(daemon, sandbox):
    (one,) = sandbox.conversations(1)
    slowly(sandbox)
    daemon.says(one, PLEASE)
    in_flight(sandbox, one)
    assert daemon.says(one, HUMAN).is_ == (200, "kept")
    eventually(lambda: sandbox.unreads(one), "an un-read")
    assert not sandbox.is_read(one)
    assert sandbox.state()[one]["timesRead"] == 1


@pytest.mark.slow
def test_a_mark_on_the_wire_is_undone_also_after_a_kill(daemon, sandbox):
    (one,) = sandbox.conversations(1)
    slowly(sandbox, 2500)
    daemon.says(one, PLEASE)
    in_flight(sandbox, one)
    assert daemon.says(one, HUMAN).is_ == (200, "kept")
    daemon.kill()
    daemon.start()
    eventually(lambda: sandbox.unreads(one), "an un-read", 15)
    eventually(lambda: sandbox.counters()["calls"]["inFlight"] == 0, "the slow call ends")


def one_workspace(sandbox, defaults):
    """Options for a daemon with a configuration file."""
    return {
        "config": f"""
rules: ['{RULES}']
defaults: {{{defaults}, api_url: '{sandbox.url}', api_key: {{env: SENDKIT_KEY}}}}
workspaces:
  default: {{webhook: {{secrets: [{{env: HOOK_SECRET}}]}}}}
""",
        "env": {"SENDKIT_KEY": sandbox.key, "HOOK_SECRET": sandbox.secret},
    }


@pytest.mark.slow
def test_a_lost_answer_is_undone_twice(daemons, sandbox):
    """The outcome of the mark is unknown: un-read at once, and once more `settle` later."""
    daemon = daemons(sandbox, **one_workspace(sandbox, "settle: 2s"))
    sandbox.trouble({"latencyMs": 1000, "drop": "after"})
    (one,) = sandbox.conversations(1)
    daemon.says(one, PLEASE)
    in_flight(sandbox, one)
    daemon.says(one, HUMAN)
    eventually(lambda: len(sandbox.unreads(one)) == 2, lambda: f"two un-reads: {len(sandbox.unreads(one))}", 10)
    first, second = sandbox.unreads(one)
    assert second["at"] - first["at"] >= 1900
    assert not sandbox.is_read(one)


def test_a_human_reply_just_after_the_mark_is_undone(daemon, sandbox):
    """Done, but not known done more than `settle` before the reply was received."""
    (one,) = sandbox.conversations(1)
    daemon.says(one, PLEASE)
    daemon.wait_job(one, "done")
    assert daemon.says(one, HUMAN).is_ == (200, "kept")
    eventually(lambda: sandbox.unreads(one), "an un-read")
    assert not sandbox.is_read(one)


def test_a_time_in_the_future_counts_as_arrival(daemon, sandbox):
    (one,) = sandbox.conversations(1)
    daemon.says(one, PLEASE)
    daemon.wait_job(one, "done")
    later = at(3600)
    daemon.says(one, HUMAN, receivedAt=later)
    eventually(lambda: sandbox.unreads(one), "an un-read")


@pytest.mark.slow
def test_a_human_reply_long_after_the_mark_needs_nothing(daemons, sandbox):
    """Known done more than `settle` before: the mark cannot have swept it."""
    daemon = daemons(sandbox, **one_workspace(sandbox, "settle: 1s"))
    (one,) = sandbox.conversations(1)
    daemon.says(one, PLEASE)
    daemon.wait_job(one, "done")
    time.sleep(2)  # the distance between the two is what this is about
    assert daemon.says(one, HUMAN).is_ == (200, "kept")
    stays(lambda: not sandbox.unreads(one), "a needless un-read", 1)


def test_an_absence_note_after_a_human_reply_is_kept(daemon, sandbox):
    (one,) = sandbox.conversations(1)
    assert daemon.says(one, HUMAN).is_ == (200, "kept")
    answer = daemon.says(one, **AWAY)
    assert answer.is_ == (200, "kept"), answer
    assert answer.json["reason"] == "kept-reply", answer
    assert sandbox.calls() == [] and not sandbox.is_read(one)


def test_and_also_across_a_kill(daemon, sandbox):
    (one,) = sandbox.conversations(1)
    assert daemon.says(one, HUMAN).is_ == (200, "kept")
    daemon.kill()
    daemon.start()
    assert daemon.says(one, **AWAY).is_ == (200, "kept")
    assert sandbox.calls() == []


def test_a_shadow_match_counts_as_kept(daemon, sandbox):
    (one,) = sandbox.conversations(1)
    assert daemon.says(one, "This is only a shadow.").is_ == (200, "shadow")
    assert daemon.says(one, **AWAY).is_ == (200, "kept")


def test_a_reply_older_than_the_memory_is_kept(daemon, sandbox):
    (one,) = sandbox.conversations(1)
    answer = daemon.says(one, PLEASE, receivedAt="2020-01-01T00:00:00Z")
    assert answer.is_ == (200, "kept") and answer.json["reason"] == "too-old", answer


def test_other_conversations_are_not_concerned(daemon, sandbox):
    one, two = sandbox.conversations(2)
    daemon.says(one, HUMAN)
    assert daemon.says(two, **AWAY).is_ == (202, "queued")
    sandbox.wait_read(two)


@pytest.mark.threads
def test_both_orders_end_unread_under_load(daemon, sandbox):
    """A human reply and an absence note at the same moment, in 60 conversations."""
    sandbox.trouble({"latencyMs": 100, "times": 0})
    ids = sandbox.conversations(60)

    def both(one):
        text = [(HUMAN, {}), ("I am away.", {"subject": "Automatic reply: hi"})]
        random.Random(one).shuffle(text)
        return wire.in_parallel(lambda t: daemon.says(one, t[0], **t[1]).status, text, 2)

    wire.in_parallel(both, ids, threads=8)
    quiet(daemon)
    eventually(lambda: not any(s["isRead"] for s in sandbox.state().values()),
               lambda: [i for i, s in sandbox.state().items() if s["isRead"]], 15)


# ---- P2 by a guard on the same message ------------------------------------------------------------------------------


def test_positive_reply_later_un_reads_its_message(daemon, sandbox):
    (one,) = sandbox.conversations(1)
    assert daemon.says(one, message="m_1", **AWAY).is_ == (202, "queued")
    daemon.wait_job(one, "done")
    assert daemon.reply(one, "I am away.", message="m_1", event="email.positive_reply").is_ == (200, "kept")
    eventually(lambda: sandbox.unreads(one), "an un-read")
    assert not sandbox.is_read(one)


@pytest.mark.slow
def test_positive_reply_later_un_reads_at_any_age(daemons, sandbox):
    """Even when the mark was done more than `settle` before: it is the same message. Also across a kill."""
    daemon = daemons(sandbox, **one_workspace(sandbox, "settle: 1s"))
    (one,) = sandbox.conversations(1)
    assert daemon.says(one, message="m_1", **AWAY).is_ == (202, "queued")
    daemon.wait_job(one, "done")
    time.sleep(2)  # the age is what this is about
    daemon.kill()
    daemon.start()
    daemon.reply(one, "I am away.", message="m_1", event="email.positive_reply")
    eventually(lambda: sandbox.unreads(one), "an un-read")
    assert not sandbox.is_read(one)


def test_events_of_one_message_may_name_different_conversations(daemon, sandbox):
    """The message counts: a guard's keep holds for it wherever the other event puts it."""
    one, two, three, four = sandbox.conversations(4)
    assert daemon.says(one, message="m_1", events=POSITIVE, **AWAY).is_ == (200, "kept")
    assert daemon.says(two, message="m_1", **AWAY).is_ == (200, "kept")
    assert daemon.says(three, message="m_2", **AWAY).is_ == (202, "queued")
    daemon.wait_job(three, "done")
    assert daemon.reply(four, "I am away.", message="m_2", event="email.positive_reply").is_ == (200, "kept")
    eventually(lambda: sandbox.unreads(three), "an un-read")


def test_positive_reply_earlier_prevents_the_mark(daemon, sandbox):
    (one,) = sandbox.conversations(1)
    assert daemon.says(one, message="m_1", events=POSITIVE, **AWAY).is_ == (200, "kept")
    answer = daemon.reply(one, "I am away.", message="m_1", subject=AWAY["subject"])
    assert answer.is_ == (200, "kept"), answer
    assert sandbox.calls() == []


@pytest.mark.threads
def test_both_events_at_once_in_either_order(daemon, sandbox):
    ids = sandbox.conversations(40)
    events = ["email.replied", "email.positive_reply"]
    for one in ids:
        sandbox.reply(one, text="I am away.", deliver=False)

    def both(one):
        send = lambda e: daemon.reply(one, "I am away.", message="m_" + one, event=e, subject=AWAY["subject"]).status
        return wire.in_parallel(send, random.Random(one).sample(events, 2), 2)

    wire.in_parallel(both, ids, threads=8)
    quiet(daemon)
    eventually(lambda: not any(s["isRead"] for s in sandbox.state().values()),
               lambda: [i for i, s in sandbox.state().items() if s["isRead"]], 15)


@pytest.mark.slow
def test_an_unread_goes_ahead_of_the_marks_and_is_never_given_up(daemon, sandbox):
    (one,) = sandbox.conversations(1)
    daemon.says(one, message="m_1", **AWAY)
    daemon.wait_job(one, "done")
    sandbox.trouble({"path": "/v1/inbox/" + one, "status": 500, "times": 3})
    daemon.reply(one, "I am away.", message="m_1", event="email.positive_reply")
    eventually(lambda: sandbox.unreads(one), "an un-read")
    daemon.kill()
    daemon.start()
    sandbox.wait_unread(one, 30)


# ---- P3 ---------------------------------------------------------------------------------------------------------------


@pytest.mark.threads
def test_200_deliveries_of_one_event_mark_once(daemon, sandbox):
    """200 times before, and as often after a restart."""
    sandbox.webhook(f"http://127.0.0.1:{daemon.port}/hooks/default")
    one = sandbox.conversation()
    facts, deliveries = sandbox.reply(one, text=PLEASE, times=200)
    words = [json.loads(d["answer"])["status"] for d in deliveries]
    assert words.count("queued") == 1 and words.count("duplicate") == 199
    daemon.wait_job(one, "done")
    sandbox.api("PATCH", "/v1/inbox/" + one, {"isRead": False})  # a person wants it unread
    payload = json.loads(sandbox.control("GET", "deliveries")[0]["payload"])
    daemon.kill()
    daemon.start()
    answers = wire.in_parallel(lambda _: daemon.post(payload).is_, range(200))
    assert set(answers) == {(200, "duplicate")}
    assert daemon.restart().post(payload).is_ == (200, "duplicate")
    assert sandbox.ids_marked() == [one]
    assert not sandbox.is_read(one)


def test_a_duplicate_of_a_cancelled_mark_does_not_bring_it_back(daemon, sandbox):
    one = sandbox.conversation()
    body = reply_event(one, "Please hold this one.", message="m_1")
    assert daemon.post(body).is_ == (202, "queued")
    assert daemon.says(one, HUMAN).is_ == (200, "kept")
    assert daemon.post(body).is_ == (200, "duplicate")
    assert daemon.job(one)["state"] == "cancelled"


def test_duplicates_without_a_message_id(daemon, sandbox):
    one = sandbox.conversation()
    same = reply_event(one, PLEASE, message="", receivedAt=at(0), subject="Re: hi")
    other = reply_event(one, PLEASE, message="", receivedAt=at(-5), subject="Re: hi")
    assert daemon.post(same).is_ == (202, "queued")
    assert daemon.post(same).is_ == (200, "duplicate")
    assert daemon.post(other).is_ == (202, "queued")
    assert daemon.post(other).is_ == (200, "duplicate")


def test_two_events_of_one_message_are_not_duplicates(daemon, sandbox):
    one = sandbox.conversation()
    assert daemon.reply(one, HUMAN, message="m_1").is_ == (200, "kept")
    answer = daemon.reply(one, HUMAN, message="m_1", event="email.positive_reply")
    assert answer.is_ == (200, "kept"), answer
