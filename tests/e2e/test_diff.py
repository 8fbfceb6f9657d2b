"""automark diff: which recorded replies would change their verdict."""

import json

import pytest
from daemon import write_rules
from wait import eventually

OLD = """
rules:
  - name: thanks
    when: {reply: 'thanks'}
  - name: bye
    when: {reply: 'bye'}
  - name: same
    when: {reply: 'same'}
"""
NEW = """
guards:
  - name: price
    when: {reply: 'price'}
rules:
  - name: thank-you
    when: {reply: 'thanks'}
  - name: receipt
    when: {reply: 'received'}
  - name: same
    when: {reply: 'same'}
  - name: new-idea
    state: shadow
    when: {reply: 'idea'}
"""


def record(n, reply):
    return json.dumps({"workspace": "w", "conversation": f"c_{n}", "fields": {"reply": reply}})


REPLIES = ["thanks", "thanks, price?", "bye", "received", "received it", "same", "an idea", "nothing"]


@pytest.fixture
def diff(automark, folder):
    old = write_rules(folder / "old", {"10.yaml": OLD})
    new = write_rules(folder / "new", {"10.yaml": NEW})
    events = folder / "events.ndjson"
    events.write_text("".join(record(n, r) + "\n" for n, r in enumerate(REPLIES)) + "\n")
    return lambda *args, **more: automark("diff", old, new, "--events", events, *args, **more)


def test_counts_by_rule_with_samples(diff):
    done = diff("--format", "json")
    assert done.returncode == 0, done
    said = json.loads(done.stdout)
    assert (said["replies"], said["newly_marked"], said["no_longer_marked"], said["otherwise_decided"]) == (8, 2, 2, 2)
    groups = {(g["old"].get("rule"), g["new"].get("rule")): g for g in said["groups"]}
    assert set(groups) == {("thanks", "thank-you"), ("thanks", "price"), ("bye", None), (None, "receipt"),
                           (None, "new-idea")}
    assert groups[None, "receipt"]["count"] == 2
    assert groups[None, "receipt"]["samples"] == ["c_3  received", "c_4  received it"]
    assert groups["thanks", "price"]["new"]["verdict"] == "kept"
    assert groups[None, "new-idea"]["new"]["verdict"] == "shadow"


def test_the_limit_decides_the_exit_code(diff):
    assert diff("--max-new-marks", "2").returncode == 0
    done = diff("--max-new-marks", "1")
    assert done.returncode == 1 and "2 newly marked" in done.stdout


def test_no_text(diff):
    done = diff("--no-text")
    assert "c_4" in done.stdout and "received it" not in done.stdout
    assert "received it" in diff().stdout


def test_wrong_use_and_trouble(diff, automark, folder):
    assert diff("--max-new-marks", "some").returncode == 2
    assert automark("diff", folder / "old").returncode == 2
    assert automark("diff", folder / "old", folder / "none").returncode == 3
    bad = automark("diff", folder / "old", folder / "new", stdin=record(1, "thanks") + "\n{\n")
    assert bad.returncode == 3 and "event 2" in bad.stderr
    write_rules(folder / "new", {"20.yaml": "rules:\n  - name: x\n    when: {reply: '(x'}\n"})
    broken = diff()
    assert broken.returncode == 1 and "20.yaml:3:" in broken.stderr


def test_on_what_the_daemon_recorded(daemons, sandbox, automark, folder):
    """The verdict on a recorded reply is the one that the daemon had."""
    daemon = daemons(sandbox, rules={"10.yaml": OLD})
    for n, text in enumerate(REPLIES):
        daemon.reply(f"c_{n}", text)

    def export():
        return automark("events", "export", "--store", f"sqlite:{daemon.store}", "--socket", daemon.socket).stdout

    eventually(lambda: len(export().splitlines()) == len(REPLIES), lambda: export(), 10)
    new = write_rules(folder / "new", {"10.yaml": NEW})
    said = json.loads(automark("diff", daemon.rules, new, "--format", "json", stdin=export()).stdout)
    assert (said["replies"], said["newly_marked"], said["no_longer_marked"]) == (8, 2, 2)
    same = json.loads(automark("diff", daemon.rules, daemon.rules, "--format", "json", stdin=export()).stdout)
    assert same["replies"] == 8 and same["groups"] == []
