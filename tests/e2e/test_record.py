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


# ---- explain, of what was recorded ----------------------------------------------------------


def explain(daemon, automark, *args):
    return automark("explain", "--rules", daemon.rules, *where(daemon), *args)


def test_a_recorded_event_is_explained(daemon, automark):
    daemon.reply("c_1", "Thanks a lot!", message="m_1")
    daemon.reply("c_2", "Please call me", message="m_2")
    wait_export(daemon, automark, 2)
    for running in True, False:
        done = explain(daemon, automark, "--recorded", "c_1")
        assert done.returncode == 0 and "thanks" in done.stdout and "'Thanks'" in done.stdout, done
        assert done.stderr == ""
        told = json.loads(explain(daemon, automark, "--recorded", "c_2", "--format", "json").stdout)
        assert told["verdict"] == "no-match"
        if running:
            daemon.stop()


def test_the_newest_of_several_is_explained_and_the_others_are_named(daemon, automark):
    for n in 1, 2, 3:
        daemon.reply("c_1", "Thanks" if n == 1 else f"reply {n}", message=f"m_{n}")
    ids = [r["id"] for r in wait_export(daemon, automark, 3)]
    newest = explain(daemon, automark, "--recorded", "c_1")
    assert newest.returncode == 0 and "reply 3" in newest.stdout
    assert "3 events of conversation c_1" in newest.stderr and "--message ID or --id N" in newest.stderr
    assert f"--id {ids[0]}  message m_1" in newest.stderr and "m_3" not in newest.stderr
    for choice in ["--message", "m_1"], ["--id", ids[0]]:
        first = explain(daemon, automark, "--recorded", "c_1", *choice)
        assert "Thanks" in first.stdout and "reply 3" not in first.stdout and first.stderr == "", first
    changed = explain(daemon, automark, "--recorded", "c_1", "--reply", "Thanks then")
    assert "'Thanks'" in changed.stdout


def test_what_is_not_recorded_is_said_with_what_is_kept(daemon, automark):
    none = explain(daemon, automark, "--recorded", "c_1")
    assert none.returncode == 1 and "None is kept at all" in none.stderr and "capture: 14d" in none.stderr, none
    daemon.reply("c_1", "Thanks", message="m_1")
    wait_export(daemon, automark, 1)
    other = explain(daemon, automark, "--recorded", "c_9")
    assert other.returncode == 1 and "'c_9'" in other.stderr and "The oldest that is kept came at 20" in other.stderr
    message = explain(daemon, automark, "--recorded", "c_1", "--message", "m_9")
    assert message.returncode == 1 and "m_9" in message.stderr


def test_explaining_a_record_wrongly_used(daemon, automark, folder):
    assert explain(daemon, automark, "--recorded", "c_1", "event.json").returncode == 2
    assert explain(daemon, automark, "--reply", "x").returncode == 2  # --store belongs to --recorded
    assert explain(daemon, automark, "--recorded", "c_1", "--id", "x").returncode == 2
    gone = automark("explain", "--rules", daemon.rules, "--recorded", "c_1", "--store", f"sqlite:{folder}/none.db")
    assert gone.returncode == 3


# ---- import -----------------------------------------------------------------------------------


def imported(daemon, automark, text, *args):
    return automark("events", "import", *where(daemon), *args, stdin=text)


def exported_text(daemon, automark):
    return automark("events", "export", *where(daemon)).stdout


def without_ids(rows):
    return [{k: v for k, v in r.items() if k != "id"} for r in rows]


def test_events_go_to_another_machine_and_mark_nothing_there(daemons, sandbox, automark, folder):
    there = daemons(None, rules=RULES)
    there.reply("c_1", "Thanks!\n\nOn Mon, 3 Aug 2026, Ada wrote:\n> our price", custom={"plan": "gold"})
    there.reply("c_2", "Please call me")
    rows = wait_export(there, automark, 2)
    text = exported_text(there, automark)
    here = daemons(sandbox, rules=RULES)
    for running in True, False:
        first = imported(here, automark, text)
        assert (first.returncode, first.stdout) == (0, "2 events imported, 0 were there already\n"
                                                    if running else "0 events imported, 2 were there already\n"), first
        assert without_ids(export(here, automark)) == without_ids(rows)
        if running:
            again = imported(here, automark, text + text)
            assert again.stdout == "0 events imported, 4 were there already\n"
            assert here.jobs() == [] and sandbox.calls() == []
            here.stop()
    done = explain(here, automark, "--recorded", "c_1")
    assert done.returncode == 0 and "'Thanks'" in done.stdout
    (folder / "n.yaml").write_text("rules:\n  - {name: calls, when: {reply: 'call me'}}\n")
    diff = automark("diff", here.rules / "10.yaml", folder / "n.yaml", "--events", "-", stdin=exported_text(here, automark))
    assert diff.stdout.startswith("2 replies of ") and ": 1 newly marked" in diff.stdout, diff
    # the store that was closed gives its events to a daemon again, and nothing was decided by them
    here.start()
    assert here.jobs() == [] and len(export(here, automark)) == 2
    assert here.reply("c_1", "Thanks").is_ == (202, "queued")  # no kept reply stands in the way


def test_a_wrong_line_is_named_and_nothing_is_added(daemon, automark, folder):
    daemon.reply("c_1", "Thanks")
    wait_export(daemon, automark, 1)
    (good,) = exported_text(daemon, automark).splitlines()
    other = good.replace('"c_1"', '"c_2"')
    wrong = [
        ("{", "JSON offset"),
        (good.replace('"fields"', '"felds"'), "'felds'"),
        (good.replace('"reply":"Thanks"', '"reply":7'), "'reply'"),
        (good.replace('"c_1"', '"c 1"'), "'conversation'"),
        (good.replace('"workspace":"default"', '"workspace":"../x"'), "'workspace'"),
        (good.replace('"decision":"mark"', '"decision":"maybe"'), "'decision'"),
        (good.replace('"arrived_at":"20', '"arrived_at":"30'), "'arrived_at'"),
        (good.replace('"reply":"Thanks"', '"reply":"' + "x" * 300000 + '"'), "longer than"),
    ]
    for line, words in wrong:
        done = imported(daemon, automark, f"{other}\n\n{line}\n{good}\n")
        assert done.returncode == 1 and f"line 3 (byte {len(other) + 2}): " in done.stderr, done
        assert words in done.stderr and done.stdout == "", done
    assert len(export(daemon, automark)) == 1
    (folder / "e").write_text(f"{other}\r\n{good}")  # a file, CR LF, no line break at the end
    done = automark("events", "import", folder / "e", *where(daemon), "--keep", "2d")
    assert done.stdout == "1 events imported, 1 were there already\n", done


def test_many_events_are_imported_in_bounded_calls(daemon, automark):
    daemon.reply("c_1", "Thanks")
    wait_export(daemon, automark, 1)
    (good,) = exported_text(daemon, automark).splitlines()
    lines = [good.replace('"c_1"', f'"d_{n}"') for n in range(2000)]
    lines[7] = lines[7].replace('"reply":"Thanks"', '"reply":"' + "x" * 16000 + '"')
    done = imported(daemon, automark, "\n".join(lines) + "\n")
    assert done.stdout == "2000 events imported, 0 were there already\n", done
    assert len(export(daemon, automark)) == 2001


def test_importing_wrongly_used(daemon, automark, folder):
    assert imported(daemon, automark, "", "--keep", "9").returncode == 2
    assert imported(daemon, automark, "", "--conversation", "c_1").returncode == 2
    assert automark("events", "import", folder / "none", *where(daemon)).returncode == 3
    assert imported(daemon, automark, "").stdout == "0 events imported, 0 were there already\n"


def test_the_admin_socket_refuses_what_is_no_import(daemon):
    def post(body, kind="application/x-ndjson", query=""):
        return daemon.admin_post("/api/events" + query, body, {"Content-Type": kind})

    assert post(b"", "text/plain").status == 415  # what a page in a browser could send
    assert post(b"x" * (2 << 20)).status == 413
    assert post(b"{}\n").status == 400
    assert post(b"", query="?keep=0").status == 400
