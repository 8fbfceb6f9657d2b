"""Recorded events: what rules saw of a reply is there for tools, while the daemon runs and when it does not."""

import json

import pytest
from daemon import reply_event
from wait import eventually

RULES = {"10.yaml": "rules:\n  - name: thanks\n    when: {reply: 'thanks'}\n"}


@pytest.fixture
def daemon(daemons, sandbox):
    return daemons(sandbox, rules=RULES)


def where(daemon):
    return ["--store", f"sqlite:{daemon.store}", "--socket", str(daemon.socket)]


def export(daemon, automark, *args):
    done = automark("events", "export", *where(daemon), *args)
    assert done.returncode == 0, done
    return [json.loads(line) for line in done.stdout.splitlines()]


def wait_export(daemon, automark, count):
    eventually(lambda: len(export(daemon, automark)) == count, lambda: daemon.log()[-2000:], 10)
    return export(daemon, automark)


def test_events_are_recorded_with_their_verdicts(daemon, automark):
    daemon.reply("c_1", "Thanks!\n\nOn Mon, 3 Aug 2026, Ada wrote:\n> our price", custom={"plan": "gold"})
    daemon.reply("c_2", "Please call me")
    first, second = wait_export(daemon, automark, 2)
    assert first["conversation"] == "c_1" and first["workspace"] == "default"
    assert first["fields"]["reply"].strip() == "Thanks!" and "our price" in first["fields"]["quoted"]
    assert first["pointers"]["/data/custom/plan"] == "gold"
    assert (first["decision"], first["rule"]) == ("mark", "thanks")
    assert second["decision"] == "keep" and "rule" not in second
    assert first["id"] < second["id"]


def test_a_page_and_a_filter(daemon, automark):
    for n in range(5):
        daemon.reply(f"c_{n % 2}", f"reply {n}")
    rows = wait_export(daemon, automark, 5)
    assert [r["fields"]["reply"] for r in export(daemon, automark, "--conversation", "c_1")] == ["reply 1", "reply 3"]
    assert export(daemon, automark, "--after", rows[3]["id"]) == rows[4:]
    assert export(daemon, automark, "--workspace", "other") == []


def test_a_duplicate_is_recorded_once(daemon, automark):
    body = reply_event("c_1", "Thanks", message="m_1")
    daemon.post(body)
    daemon.post(body)
    daemon.reply("c_2", "end")
    assert [r["conversation"] for r in wait_export(daemon, automark, 2)] == ["c_1", "c_2"]


def test_they_outlive_the_daemon(daemon, automark):
    daemon.reply("c_1", "Thanks")
    daemon.stop()
    assert [r["conversation"] for r in export(daemon, automark)] == ["c_1"]


def test_wrong_use(daemon, automark, folder):
    assert automark("events").returncode == 2
    assert automark("events", "export", "--after", "x").returncode == 2
    assert automark("events", "export", "--store", f"sqlite:{folder}/none.db").returncode == 3
    assert not (folder / "none.db").exists()
