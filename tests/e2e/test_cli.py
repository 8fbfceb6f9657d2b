"""The command line as a newcomer meets it: check, test, text, explain, queue; exit codes and messages."""

import json
import os
import re

import pytest
from daemon import DATA, RULES, reply_event, write_rules

PLEASE = "Please unsubscribe me."
GOOD = "rules:\n  - name: yellow\n    when: {reply: 'yellow'}\n    tests:\n      - {reply: 'all yellow'}\n"


@pytest.fixture
def rules(folder):
    """Makes a rules folder of one file and gives its path."""

    def make(text, name="10.yaml"):
        return write_rules(folder / "rules", {name: text})

    return make


# ---- the program -------------------------------------------------------------------------------------------


def test_help_and_version(automark):
    done = automark("--help")
    assert done.returncode == 0 and done.stderr == ""
    for command in ("serve", "check", "test", "text", "explain", "queue"):
        assert re.search(rf"^\s*{command}\s", done.stdout, re.M), command
        own = automark(command, "--help")
        assert own.returncode == 0 and f"automark {command}" in own.stdout and own.stderr == ""
    version = automark("--version")
    assert version.returncode == 0 and re.match(r"automark \d+\.\d+", version.stdout)
    for library in ("libmicrohttpd", "curl", "json-c", "pcre2", "sqlite"):
        assert library in version.stdout.lower(), library


@pytest.mark.parametrize("args", [[], ["chekc"], ["check", "--nonsense"], ["check"], ["queue"], ["queue", "lst"],
                                  ["queue", "list", "--state", "odd"], ["text", "--field", "odd"],
                                  ["serve", "extra"], ["serve", "--mode", "odd"], ["test", "--format", "odd", "x"]],
                         ids=" ".join)
def test_wrong_use_is_2(automark, args):
    done = automark(*args)
    assert done.returncode == 2 and done.stdout == "" and len(done.stderr) > 20, done


# ---- check ----------------------------------------------------------------------------------------------------


def test_check_good_rules(automark):
    done = automark("check", RULES)
    assert done.returncode == 0, done


def test_check_the_shipped_rules(automark):
    done = automark("check", DATA.parent.parent / "rules")
    assert done.returncode == 0 and "error" not in done.stderr, done


MISTAKES = [
    ("rules:\n  - name: a\n    when: {reply: '(green'}\n", 3, None, "parenthes"),
    ("rules:\n  - name: a\n    when:\n      reply: 'ab(c'\n", 4, 17, "parenthes"),
    ("rules:\n  - nmae: a\n    when: {reply: 'x'}\n", 2, 5, "name"),
    ("rules:\n  - name: a\n    when: {replie: 'x'}\n", 3, 12, "reply"),
    ("rulez:\n  - name: a\n    when: {reply: 'x'}\n", 1, 1, "rules"),
    ("rules:\n  - name: A b\n    when: {reply: 'x'}\n", 2, 11, "name"),
    ("rules:\n  - name: a\n    when: {reply: 'x'}\n  - name: a\n    when: {reply: 'y'}\n", 4, 11, "a"),
    ("rules:\n  - name: a\n    when: {reply: 'x'}\n    hold: soon\n", 4, 11, "soon"),
    ("rules:\n  - name: a\n    when: {reply: 'x'}\n    state: lively\n", 4, 12, "live"),
    ("rules:\n  - name: a\n    when: {reply: 'x'}\n    then: delete\n", 4, 11, "mark-read"),
    ("rules:\n  - name: a\n    when: {reply: '(?&weekday)'}\n", 3, None, "weekday"),
    ("rules:\n  - name: a\n    when: {reply: \"\\bx\\b\"}\n", 3, None, "single quotes"),
    ("rules:\n  - name: a\n    when: [{reply: 'x'}, {not: {reply: 'y'}}]\n", 3, None, "not"),
    ("rules:\n  - name: a\n    when: {reply: '(*NO_JIT)x'}\n", 3, None, "(*"),
    ("rules:\n  - name: a\n    when: {reply: 'a\\C'}\n", 3, None, "\\C"),
    ("rules:\n  - name: a\n    when: {reply: '(?C1)x'}\n", 3, None, "callout"),
    ("rules:\n  - name: a\n    when: {reply: 'x'}\n    except: [{domain: {is: x.com}, until: tomorrow}]\n", 4, None,
     "tomorrow"),
    ("rules:\n  - name: a\n    when: {reply: 'x'}\n    active: {from: 2026-13-01}\n", 4, None, "2026-13-01"),
    ("rules:\n  - name: a\n", 2, None, "when"),
    ("rules:\n  - when: {reply: 'x'}\n", 2, None, "name"),
    ("rules:\n  - name: a\n    when: {reply: 'x'\n", None, None, ""),
    ("rules: &x\n  - name: a\n    when: {reply: 'x'}\n", 1, None, "anchor"),
    ("rules:\n  - name: a\n    when: {reply: {max_chars: many}}\n", 3, None, "many"),
    ("rules:\n  - name: a\n    when: {reply: {in: nowhere.txt}}\n", 3, None, "nowhere.txt"),
    ("rules:\n  - name: a\n    when: {auto_reply: perhaps}\n", 3, None, "perhaps"),
    ("guards:\n  - name: g\n    when: {reply: 'x'}\n    hold: 5m\n", 4, None, "hold"),
    ("define:\n  w: '(x'\nrules:\n  - name: a\n    when: {reply: '(?&w)'}\n", 2, None, "parenthes"),
]


@pytest.mark.parametrize("text, line, col, word", MISTAKES, ids=range(len(MISTAKES)))
def test_check_finds_the_place(automark, rules, text, line, col, word):
    done = automark("check", rules(text))
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    found = re.search(r"10\.yaml:(\d+):(\d+): error: (.+)", said)
    assert found, said
    if line:
        assert int(found[1]) == line, said
    if col:
        assert int(found[2]) == col, said
    assert word in said, said


def test_check_reports_all_mistakes_in_one_run(automark, folder):
    write_rules(folder / "rules", {
        "10.yaml": "rules:\n  - name: a\n    when: {reply: '(x'}\n  - nmae: b\n    hold: odd\n    when: {reply: 'y'}\n",
        "20.yaml": "rules:\n  - name: c\n    when: {replie: 'x'}\n"})
    done = automark("check", folder / "rules")
    said = done.stdout + done.stderr
    assert done.returncode == 1 and len(re.findall(r"error:", said)) >= 4, said
    assert re.search(r"10\.yaml:3:", said) and re.search(r"10\.yaml:4:", said) and re.search(r"20\.yaml:3:", said)


def test_check_shows_the_line_with_a_caret(automark, rules):
    done = automark("check", rules("rules:\n  - name: a\n    when:\n      reply: 'ab(c'\n"))
    said = done.stdout + done.stderr
    assert re.search(r"^.*reply: 'ab\(c'\n *(\| *)?\s*\^", said, re.M), said


def test_check_names_ignored_files(automark, rules, folder):
    path = rules(GOOD)
    (path / "notes.txt").write_text("hello")
    (path / "sub").mkdir()
    done = automark("check", path)
    assert done.returncode == 0 and "notes.txt" in done.stdout + done.stderr


def test_check_in_json(automark, rules):
    done = automark("check", "--format", "json", rules("rules:\n  - nmae: a\n    when: {reply: 'ü(x', domain: x.com}\n"))
    assert done.returncode == 1 and done.stderr == ""
    name, paren, part = json.loads(done.stdout)
    assert name["file"].endswith("10.yaml") and (name["line"], name["col"], name["endCol"]) == (2, 5, 9)
    assert name["severity"] == "error" and "'name'" in name["message"]
    assert (paren["line"], paren["col"]) == (3, 21) and "endCol" not in paren
    assert part["severity"] == "warning" and "x.com" in part["message"]  # errors hide no warnings


def test_check_reads_test_files_beside_broken_rules(automark, rules):
    path = rules("rules:\n  - name: a\n    when: {reply: '(x'}\n")
    (path / "extra.test.yaml").write_text("tests:\n  - {replie: x, expect: a}\n")
    done = automark("check", path)
    assert "10.yaml:3:20: error" in done.stderr and "extra.test.yaml:2:6: error" in done.stderr, done


def test_strict_makes_warnings_count(automark, rules):
    path = rules("rules:\n  - name: a\n    when: {domain: x.com}\n    tests: [{domain: x.com}]\n")
    assert automark("check", path).returncode == 0
    assert automark("check", "--strict", path).returncode == 1


def test_what_check_says_is_bounded(automark, rules):
    many = "".join(f"    k{i}: 1\n" for i in range(50000))
    path = rules("rules:\n  - name: a\n    when: {reply: x}\n" + many)
    done = automark("check", path)
    assert done.returncode == 1 and len(done.stderr) < 100_000 and "50000 errors" in done.stdout
    assert done.stderr.endswith("and 49800 more\n")
    listed = json.loads(automark("check", "--format", "json", path).stdout)
    assert len(listed) == 201 and listed[-1]["message"] == "and 49800 more"


def test_check_waits_for_no_fifo(automark, rules):
    path = rules(GOOD)
    os.mkfifo(path / "20.yaml")
    (path / "30.yaml").mkdir()
    (path / "40.yaml").symlink_to("/dev/zero")
    done = automark("check", path)
    assert done.returncode == 1
    for name in ("20.yaml", "40.yaml"):
        assert re.search(rf"{name}: error: .*not a regular file", done.stderr), done
    assert "30.yaml: note: ignored: subfolders are not read" in done.stderr


@pytest.mark.parametrize("data, place, words", [
    ("rules: []\n".encode("utf-16"), ":1:1:", "UTF-16"),
    ("rules: []\n".encode("utf-16-be"), ":1:1:", "UTF-16"),
    ("rules:\n  - name: ü für\n".encode("latin-1"), ":2:11:", "0xfc"),
    (b"rules:\n  - about: \xc3\xbc\x00\n", ":2:13:", "NUL"),
    ("\ufeffruels: []\n".encode(), ":1:1:", "'rules'"),
    (b"rules:\r  - name: a\r    wehn: {reply: x}\r", ":3:5:", "'when'"),
], ids=["utf16", "utf16be", "latin1", "nul", "bom", "cr"])
def test_check_of_odd_bytes(automark, rules, data, place, words):
    path = rules("")
    (path / "10.yaml").write_bytes(data)
    done = automark("check", path)
    assert done.returncode == 1 and f"10.yaml{place} error:" in done.stderr and words in done.stderr, done


def test_a_required_guard_that_is_missing_is_told_in_the_configuration(automark, rules, folder):
    config = folder / "c.yaml"
    config.write_text(
        f"rules: [{rules(GOOD)}]\nworkspaces:\n  acme:\n    webhook: {{preset: sendkit, secrets: [{{env: X}}]}}\n"
        "    api_key: {env: Y}\n    require_guards: [yelow]\n")
    done = automark("check", "--config", config)
    assert done.returncode == 1 and "c.yaml:6:22: error: the guard 'yelow' is required" in done.stderr, done
    assert "did you mean 'yellow'?" in done.stderr


def test_check_of_nothing_is_3(automark, folder):
    done = automark("check", folder / "none")
    assert done.returncode in (1, 3) and "none" in done.stderr, done


# ---- test -----------------------------------------------------------------------------------------------------


def test_test_passes(automark):
    done = automark("test", RULES)
    assert done.returncode == 0, done


def test_the_shipped_rules_pass_their_tests(automark):
    done = automark("test", DATA.parent.parent / "rules", seconds=60)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_coverage_names_what_no_test_hangs_on(automark):
    path = DATA / "rules/tests/coverage.yaml"
    done = automark("test", "--coverage", path)
    assert done.returncode == 0, done
    assert f"{path}:1:59: untested: alternative 'said' of group speaker\n" in done.stdout, done
    assert "coverage 63 %: 6 of 7 rules, 8 of 11 conditions, 15 of 28 alternatives\n" in done.stdout, done
    assert automark("test", "--min-coverage", "63", path).returncode == 0
    done = automark("test", "--min-coverage", "64", path)
    assert done.returncode == 1 and "coverage is below --min-coverage 64\n" in done.stdout, done


def test_coverage_as_json(automark):
    done = automark("test", "--coverage", "--format", "json", DATA / "rules/tests/coverage.yaml")
    coverage = json.loads(done.stdout)["coverage"]
    assert coverage["alternatives"] == {"covered": 15, "total": 28}
    first, last = coverage["untested"][0], coverage["untested"][-1]
    assert (first["rule"], first["line"], first["col"], "group" in first) == ("away", 5, 39, False)
    assert (last["group"], last["line"], last["col"], "rule" in last) == ("speaker", 1, 65, False)


def test_coverage_tells_of_a_pattern_too_large_to_look_into(automark, folder):
    path = folder / "a.yaml"
    groups = "".join(f"  g{i}: '{'|'.join(['ab'] * 1000)}'\n" for i in range(9))
    names = "".join(f"(?&g{i})" for i in range(9))
    path.write_text(f"define:\n{groups}rules:\n  - name: big\n    when: {{reply: '{names}'}}\n"
                    f"    tests: [{{reply: {'ab' * 9}}}]\n")
    done = automark("test", "--coverage", path)
    assert "1 test passed" in done.stdout and "pattern of big: too large to tell its alternatives apart" in done.stdout


def test_a_test_can_belong_to_a_rule_of_another_file(automark, folder):
    (folder / "a.yaml").write_text("rules:\n  - name: away\n    when: {subject: out|off}\n")
    tests = folder / "a.test.yaml"
    tests.write_text("tests:\n  - {subject: out, of: away}\n  - {subject: 'on', of: away, expect: no-match}\n")
    done = automark("test", "--filter", "away", "--coverage", folder)
    assert done.returncode == 0 and "2 tests passed" in done.stdout and "1 of 2 alternatives" in done.stdout, done
    tests.write_text("tests:\n  - {subject: 'on', of: away}\n")
    done = automark("test", folder)
    assert done.returncode == 1 and "a.test.yaml:2:5: failed: away: expected away; got no-match" in done.stdout, done


@pytest.mark.parametrize(
    "line, passes",
    [
        ("{reply: 'all yellow'}", True),
        ("{reply: 'all green'}", False),
        ("{reply: 'all green', expect: no-match}", True),
        ("{reply: 'all yellow', expect: no-match}", False),
        ("{reply: 'yellow pricing', kept-by: pricing}", True),
        ("{reply: 'yellow pricing', expect: {kept-by: pricing}}", True),
        ("{reply: 'all yellow', kept-by: pricing}", False),
        ("{reply: 'yellow pricing', kept-by: yellow}", False),
    ],
)
def test_test_verdicts(automark, rules, line, passes):
    text = ("guards:\n  - name: pricing\n    when: {reply: 'pricing'}\n    tests: [{reply: 'pricing'}]\n"
            f"rules:\n  - name: yellow\n    when: {{reply: 'yellow'}}\n    tests:\n      - {line}\n")
    done = automark("test", rules(text))
    assert done.returncode == (0 if passes else 1), done
    if not passes:
        assert re.search(r"10\.yaml:9", done.stdout + done.stderr), done


# ---- text -------------------------------------------------------------------------------------------------------


def test_text_reads_a_mail(automark):
    mail = "Yes, gladly.\n-- \nAda\n\nOn Mon, 2 Mar 2026 at 10:00, Us <us@sender.example> wrote:\n> Hello\n"
    assert automark("text", stdin=mail).stdout.strip() == "Yes, gladly."
    assert "Ada" in automark("text", "--field", "signature", stdin=mail).stdout
    assert "Hello" in automark("text", "--field", "quoted", stdin=mail).stdout
    html = automark("text", "--html", stdin="<p>Yes,&nbsp;<b>glad</b>ly.</p><blockquote type=cite>Hello</blockquote>")
    assert html.stdout.strip() == "Yes, gladly." and html.returncode == 0


# ---- explain ------------------------------------------------------------------------------------------------------


def explain(automark, folder, event):
    path = folder / "event.json"
    path.write_text(json.dumps(event))
    return automark("explain", "--rules", RULES, path)


def test_explain_names_rule_place_and_words(automark, folder):
    done = explain(automark, folder, reply_event("c_1", "Could you please unsubscribe me?"))
    assert done.returncode == 0, done
    assert "unsubscribe" in done.stdout and re.search(r"20-rules\.yaml:\d+", done.stdout)
    kept = explain(automark, folder, reply_event("c_1", "Please send me pricing"))
    assert "buying-signal" in kept.stdout and "send me pricing" in kept.stdout.replace("\n", " ")


def test_explain_reads_standard_input_and_speaks_json(automark):
    event = json.dumps(reply_event("c_1", PLEASE))
    done = automark("explain", "--rules", RULES, "--format", "json", "-", stdin=event)
    assert done.returncode == 0 and "unsubscribe" in json.dumps(json.loads(done.stdout))


def test_explain_of_a_broken_event(automark):
    done = automark("explain", "--rules", RULES, "-", stdin='{"event": "email.replied", "data": {"x": 1}}')
    assert done.returncode in (1, 3) and "conversation" in (done.stdout + done.stderr)


# ---- queue ----------------------------------------------------------------------------------------------------------


def test_queue_with_and_without_the_daemon(daemon, sandbox):
    one, two = sandbox.conversations(2)
    daemon.says(one, "Please hold this one.")
    daemon.says(two, PLEASE)
    daemon.wait_job(two, "done")
    running = daemon.jobs()
    daemon.stop()
    assert daemon.jobs() == running
    text = daemon.cli("queue", "list")
    assert text.returncode == 0 and one in text.stdout and "held-back" in text.stdout and "pending" in text.stdout
    assert daemon.cli("queue", "stats").returncode == 0
    pending = daemon.jobs("--state", "pending")
    assert [j["conversation"] for j in pending] == [one]
    shown = daemon.cli("queue", "show", str(pending[0]["id"]))
    assert shown.returncode == 0 and one in shown.stdout


@pytest.mark.parametrize("running", [True, False])
def test_queue_cancel(daemon, sandbox, running):
    (one,) = sandbox.conversations(1)
    daemon.says(one, "Please hold this one.")
    number = str(daemon.job(one)["id"])
    if not running:
        daemon.stop()
    dry = daemon.cli("queue", "cancel", number)
    assert dry.returncode == 0 and daemon.job(one)["state"] == "pending"
    assert daemon.cli("queue", "cancel", number, "--apply", "--because", "a test").returncode == 0
    assert daemon.job(one)["state"] == "cancelled" and "a test" in str(daemon.job(one))


def test_queue_retry(daemon, sandbox):
    bad, good = sandbox.conversations(2)
    sandbox.trouble({"whenId": bad, "status": 400, "times": 0, "message": "not now"})
    daemon.says(bad, PLEASE)
    daemon.says(good, PLEASE)
    job = daemon.wait_job(bad, "failed", seconds=20)
    sandbox.no_trouble()
    assert daemon.cli("queue", "retry", str(job["id"]), "--apply").returncode == 0
    sandbox.wait_read(bad)


def test_release_never_brings_a_kept_reply_down(daemons, sandbox):
    """P2 holds for people's commands, too."""
    daemon = daemons(sandbox, args=["--mode", "paused"])
    (one,) = sandbox.conversations(1)
    assert daemon.says(one, PLEASE).is_ == (202, "parked")
    assert daemon.says(one, "Could we talk?").is_ == (200, "kept")
    daemon.cli("queue", "release", "--conversation", one, "--apply")
    assert daemon.job(one)["state"] == "cancelled" and sandbox.calls() == []


def test_queue_without_a_store(automark, folder):
    done = automark("queue", "list", "--store", f"sqlite:{folder}/none/automark.db")
    assert done.returncode == 3 and len(done.stderr) > 20


# ---- service manners -------------------------------------------------------------------------------------------------


def test_start_says_what_where_and_how_many(daemon):
    log = daemon.log()
    assert "rules=" in log and str(daemon.store) in log and f"127.0.0.1:{daemon.port}" in log
    assert all(re.match(r"time=\S+ level=\w+ msg=", line) for line in log.splitlines()), log
    assert "looks" in log or "look" in log  # what is accepted but not built yet is said


def test_json_log(daemons, sandbox):
    daemon = daemons(sandbox, start=False, args=["--log-format", "json"]).launch()
    daemon.wait_log('"listening"')
    lines = [json.loads(line) for line in daemon.log().splitlines()]
    assert all({"time", "level", "msg"} <= set(line) for line in lines)
    assert daemon.stop() == 0


def test_health(daemon):
    assert daemon.admin("/healthz").status == 200
    ready = daemon.admin("/readyz")
    assert ready.status == 200 and ready.json is not None
    assert daemon.admin("/nothing").status == 404
    assert oct(os.stat(daemon.socket).st_mode & 0o777) == "0o660"


def test_reply_text_is_in_no_log(daemon, sandbox):
    daemon.says(sandbox.conversation(), "A very private zebra. Please unsubscribe me.")
    daemon.wait_log("event decided")
    assert "zebra" not in daemon.log()


def test_log_lines_cannot_be_forged(daemon):
    daemon.reply("c_1", "hi", message='m"\nlevel=error msg=forged')
    daemon.reply('c_"=x', "hi")
    assert not re.search(r"^level=error", daemon.log(), re.M)
    assert all(line.startswith("time=") for line in daemon.log().splitlines())


def test_a_port_in_use_is_said(daemon, daemons, sandbox):
    second = daemons(sandbox, start=False)
    second.args[second.args.index("--listen") + 1] = f"127.0.0.1:{daemon.port}"
    second.launch()
    second.process.wait(10)
    assert second.process.returncode == 3 and str(daemon.port) in second.log()
