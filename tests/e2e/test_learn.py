"""learn: a reply that the daemon received becomes a scrubbed test that `automark test` runs."""

import os
import stat

import pytest
from daemon import write_rules
from wait import eventually

RULES = """\
# Absence notes.   Kept by hand: every blank counts.
guards:
  - name: question
    when: {reply: '[?]'}   # anything with a question mark

rules:
  - name: absence
    about:   "who is away"
    when: {subject: 'automatic reply', reply: 'out of the office'}
    tests:
      - {subject: 'Automatic reply: x', reply: 'I am out of the office.'}   # plain

  # nobody tests this one yet
  - name: bounce
    when: {from: '^postmaster@'}
"""

NOTE = """\
Hi Lena,

I am out of the office until Monday 20 July 2026. Urgent: "anna.schmidt@zollmann-mb.de": +49 170 1234567

Mit freundlichen Grüßen
Jonas Keller
"""


@pytest.fixture
def daemon(daemons, sandbox):
    return daemons(sandbox, rules={"20.yaml": RULES})


@pytest.fixture
def learn(daemon, automark):
    def call(*args, rules=None):
        return automark("learn", *args, "--rules", rules or daemon.rules, "--store", f"sqlite:{daemon.store}",
                        "--socket", daemon.socket)

    return call


def receive(daemon, conversation, text, **more):
    """Answered, and recorded."""
    answer = daemon.reply(conversation, text, leadName="Jonas Keller", companyName="Zollmann Maschinenbau GmbH",
                          **{"leadEmail": "jonas.keller@zollmann-mb.de"} | more)
    eventually(lambda: conversation in daemon.cli("events", "export", "--conversation", conversation).stdout,
               lambda: f"{conversation} in the record", 10)
    return answer


def line_of(text, words):
    return next(i for i, line in enumerate(text.splitlines(), 1) if words in line)


def test_a_received_reply_becomes_a_test_that_runs(daemon, learn, automark):
    assert receive(daemon, "c_1", NOTE, subject="Automatic reply: hi").is_ == (202, "queued")
    file = daemon.rules / "20.yaml"
    os.chmod(file, 0o640)
    before = file.read_text()
    done = learn("c_1", "--expect", "absence")
    assert done.returncode == 0 and "it passes: absence" in done.stdout, done
    after = file.read_text()
    added = [line for line in after.splitlines(True) if line not in before.splitlines(True)]
    assert len(added) == 1 and after.replace(added[0], "", 1) == before  # every other byte stays
    assert added[0].startswith('      - {subject: ') and f"20.yaml:{line_of(after, 'Monday 20 July 2026')}: added" in done.stdout
    for secret in "Jonas", "Keller", "Lena", "Anna", "schmidt", "zollmann", "170 1234567":
        assert secret not in after, added
    for kept in "Monday 20 July 2026", "Mit freundlichen Grüßen", "customer.example", "\\n":
        assert kept in added[0], added
    assert stat.S_IMODE(file.stat().st_mode) == 0o640 and sorted(os.listdir(daemon.rules)) == ["20.yaml"]
    said = done.stdout.splitlines()[-1]
    assert said == f"next: automark test {daemon.rules}"
    test = automark(*said.split()[2:])
    assert test.returncode == 0 and "2 tests" in test.stdout, test
    again = learn("c_1", "--expect", "absence")
    assert again.returncode == 0 and "there already" in again.stdout and file.read_text() == after
    assert daemon.jobs() and len(daemon.jobs()) == 1  # nothing was decided by it


def test_a_rule_without_tests_gets_its_first_and_fails(daemon, learn, automark):
    receive(daemon, "c_1", "550 5.1.1 unknown user", leadEmail="mailer-daemon@mx.zollmann-mb.de")
    daemon.stop()  # the store is opened without it
    done = learn("c_1", "--expect", "bounce")
    file = daemon.rules / "20.yaml"
    line = line_of(RULES, "name: bounce")
    assert done.returncode == 1 and f"now change the rule (bounce, {file}:{line})" in done.stdout, done
    assert "it fails: expected bounce, got " in done.stdout
    assert file.read_text() == RULES + "    tests:\n      - {reply: '550 5.1.1 unknown user', from: 'mailer-daemon@customer.example'}\n"
    said = done.stdout.splitlines()[-1].split("then: ")[1]
    assert automark(*said.split()[1:]).returncode == 1
    file.write_text(file.read_text().replace("'^postmaster@'", "'^(postmaster|mailer-daemon)@'"))
    assert automark(*said.split()[1:]).returncode == 0


def test_kept_replies_go_into_a_test_file(daemon, learn, automark):
    receive(daemon, "c_1", "I am out of the office. Call me.", subject="Automatic reply: hi")
    wrong = learn("c_1", "--expect", "keep")
    assert wrong.returncode == 1 and "expected kept, got marked: rule absence" in wrong.stdout, wrong
    file = daemon.rules / "learned.test.yaml"
    assert file.read_text().endswith("tests:\n  - {subject: 'Automatic reply: hi', reply: 'I am out of the office. "
                                     "Call me.', from: 'robin.sander@customer.example', expect: keep}\n")
    receive(daemon, "c_2", "Really?")
    right = learn("c_2", "--expect", "keep")
    assert right.returncode == 0 and f"{file}:4: added" in right.stdout, right
    test = automark("test", daemon.rules)
    assert test.returncode == 1 and "1 of 3 tests failed" in test.stdout and "failed: keep: expected kept" in test.stdout, test
    rules = daemon.rules / "20.yaml"
    rules.write_text(RULES.replace("'[?]'", "'[?]|call me'"))  # a guard, or the rule: either will do
    assert automark("test", daemon.rules).returncode == 0
    assert learn("c_1", "--expect", "keep").returncode == 0 and file.read_text().count("Call me") == 1


def test_a_test_file_that_has_tests_of_the_rule_is_used(daemon, learn):
    bounces = daemon.rules / "bounces.test.yaml"
    bounces.write_text("tests:\r\n- from: postmaster@x.example\r\n  expect: bounce  # first")
    receive(daemon, "c_1", "no such user: it's #1", leadEmail="postmaster@gmail.com")
    done = learn("c_1", "--expect", "bounce")
    assert done.returncode == 0 and f"{bounces}:4: added" in done.stdout, done
    assert bounces.read_bytes().decode() == (
        "tests:\r\n- from: postmaster@x.example\r\n  expect: bounce  # first\r\n"
        "- reply: \"no such user: it's #1\"\r\n  from: 'postmaster@gmail.com'\r\n  expect: bounce")
    assert (daemon.rules / "20.yaml").read_text() == RULES


def test_a_replacement_that_changes_the_verdict_is_named_and_nothing_is_written(daemon, learn, folder):
    rules = write_rules(folder / "more", {"10.yaml": "rules:\n  - name: keller\n    when: {reply: 'keller'}\n"})
    receive(daemon, "c_1", "Write to Jonas Keller, 12345678 or 87654321.")
    before = (rules / "10.yaml").read_text()
    done = learn("c_1", "--expect", "keller", rules=rules)
    assert done.returncode == 1 and "it is the replacement of 'Keller': --keep 'Keller'" in done.stderr, done
    assert "'Jonas'" not in done.stderr and (rules / "10.yaml").read_text() == before
    kept = learn("c_1", "--expect", "keller", "--keep", "Keller", rules=rules)
    assert kept.returncode == 0 and "reply: 'Write to Robin Keller, " in (rules / "10.yaml").read_text(), kept


def test_dry_run_and_choice_of_the_event(daemon, learn):
    for n, text in enumerate(["I am out of the office.", "Really?"]):
        receive(daemon, "c_1", text, subject="Automatic reply: hi", message=f"m_{n}")
        eventually(lambda: f"m_{n}" in daemon.cli("events", "export").stdout, lambda: "recorded", 10)
    newest = learn("c_1", "--expect", "question", "--dry-run")
    assert newest.returncode == 0 and "would be added" in newest.stdout and "--message ID or --id N" in newest.stderr, newest
    older = learn("c_1", "--expect", "absence", "--message", "m_0", "--dry-run")
    assert older.returncode == 0 and "reply: 'I am out of the office.'" in older.stdout and not older.stderr, older
    assert (daemon.rules / "20.yaml").read_text() == RULES


def test_links_are_followed_and_what_may_not_be_written_is_pasted(daemon, learn, folder):
    real = write_rules(folder / "git", {"r.yaml": RULES}) / "r.yaml"
    linked = folder / "linked"
    linked.mkdir()
    (linked / "20.yaml").symlink_to("../git/r.yaml")
    receive(daemon, "c_1", "Really?")
    assert learn("c_1", "--expect", "question", rules=linked).returncode == 0
    assert (linked / "20.yaml").is_symlink() and "Really?" in real.read_text()
    os.link(real, folder / "other")
    receive(daemon, "c_2", "Is it?")
    before = real.read_text()
    done = learn("c_2", "--expect", "question", rules=linked)
    assert done.returncode == 3 and "hard links" in done.stderr and "- {reply: 'Is it?'" in done.stdout, done
    assert real.read_text() == before and sorted(os.listdir(folder / "git")) == ["r.yaml"]


def test_on_doubt_a_line_to_paste(daemon, learn, folder):
    odd = "rules:\n  - name: odd\n    when: {reply: a}\n    tests:\n      -\n        {reply: a}\n"
    rules = write_rules(folder / "odd", {"10.yaml": odd})
    receive(daemon, "c_1", "a: 'b' # c")
    done = learn("c_1", "--expect", "odd", rules=rules)
    assert done.returncode == 3 and "not sure where" in done.stderr and "the tests of odd" in done.stderr, done
    assert done.stdout == "  - {reply: \"a: 'b' # c\"}\n" and (rules / "10.yaml").read_text() == odd


def test_wrong_use(daemon, learn, automark):
    receive(daemon, "c_1", "Really?")
    assert learn("c_1").returncode == 2
    near = learn("c_1", "--expect", "absense")
    assert near.returncode == 2 and "did you mean 'absence'?" in near.stderr, near
    gone = learn("c_9", "--expect", "keep")
    assert gone.returncode == 1 and "no recorded event of the conversation 'c_9'" in gone.stderr
    assert automark("learn", "c_1", "--expect", "keep").returncode == 2
    assert learn("c_1", "--expect", "keep", "--no-scrub").returncode == 2


def test_the_workspace_of_the_event_chooses_the_rules(daemons, sandbox, automark, folder):
    write_rules(folder / "a", {"10.yaml": "rules:\n  - {name: a, when: {reply: hello}}\n"})
    write_rules(folder / "b", {"10.yaml": "rules:\n  - {name: b, when: {reply: hello}}\n"})
    (folder / "key").write_text("sk_x")
    (folder / "secret").write_text("s" * 32)
    config = folder / "c.yaml"
    text = (f"defaults: {{mode: shadow, api_url: '{sandbox.url}', api_key: {{file: '{folder}/key'}},\n"
            f"  webhook: {{preset: sendkit, secrets: [{{file: '{folder}/secret'}}]}}}}\n"
            f"workspaces:\n  wa: {{rules: ['{folder}/a']}}\n  wb: {{rules: ['{folder}/b']}}\n")
    config.write_text(text)
    daemon = daemons(sandbox, config=text, secret="s" * 32)
    daemon.reply("c_1", "hello", path="/hooks/wb")
    where = ["--config", config, "--store", f"sqlite:{daemon.store}", "--socket", daemon.socket]
    eventually(lambda: "c_1" in automark("events", "export", *where).stdout, lambda: "recorded", 10)
    done = automark("learn", "c_1", "--expect", "b", *where)
    assert done.returncode == 0 and done.stdout.splitlines()[-1].endswith(f"--config {config} --workspace wb"), done
    assert (folder / "b" / "10.yaml").read_text() == (
        "rules:\n  - {name: b, when: {reply: hello}, tests: [{reply: 'hello'}]}\n")
    told = automark("explain", "--recorded", "c_1", *where)
    assert told.returncode == 0 and "rule b" in told.stdout, told
