"""rules/README.md, followed literally: what it shows is what is printed."""

import json
import pathlib
import re

from daemon import write_rules
from wait import eventually

GUIDE = (pathlib.Path(__file__).parents[2] / "rules/README.md").read_text(encoding="utf-8")
GUARDS = """guards:
  - name: positive-reply
    about: SendKit itself calls this reply positive.
    when: {event: {is: email.positive_reply}}
    tests:
      - {event: email.positive_reply, reply: 'Yes, gladly.'}
"""
ABSENCE = """rules:
  - name: out-of-office
    about: Absence notes carry no intent.
    when:
      subject: ['automatic reply', 'out of (the )?office']
    tests:
      - {subject: 'Automatic reply: Quick question', reply: 'I am away until Monday.'}
"""
ABSENCE_SHORT = """rules:
  - name: out-of-office
    when: {subject: 'automatic reply|abwesenheit'}
    tests:
      - {subject: 'Automatic reply: hi'}
"""
NOTE = "Ich bin bis 14.08.2026 im Urlaub.\n\nMit freundlichen Grüßen\nJonas Keller\n+49 170 1234567"
# Two more tests, the last of which fails: line 10.
MORE_TESTS = """      - {subject: 'Re: Absence of mind', expect: no-match}
      - {subject: 'Automatic reply: hi', event: email.positive_reply}
"""
BAD = """rules:
  - name: bounces
    wehn:
      from: 'mailer-daemon'
  - name: bounces
    when:
      reply: "\\bundeliverable\\b"
      domain: example.com
"""
REPLY = {
    "event": "email.replied",
    "timestamp": "2026-08-03T07:12:00Z",
    "data": {
        "conversationId": "conv_481",
        "messageId": "msg_9",
        "leadEmail": "jonas@example.com",
        "subject": "Abwesend: Quick question",
        "receivedAt": "2026-08-03T07:11:58Z",
        "replyText": "Guten Tag,\n\nich bin bis Montag nicht im Büro.\n\n-- \nJonas Weber, ext. 42",
    },
}


def blocks(kind):
    return [b for k, b in re.findall(r"^```(\w*)\n(.*?)^```$", GUIDE, re.M | re.S) if k == kind]


def consoles():
    """(command, what it prints) of each block that begins with a prompt."""
    return [tuple(b[2:].split("\n", 1)) for b in blocks("") if b.startswith("$ automark ")]


def plain(text):
    text = re.sub(r"of \d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d", "of some days", text)
    return re.sub(r"\(\d+ ms\)", "(0 ms)", text).strip()


def replay(automark, folder, console, env=None):
    command, wanted = console
    done = automark(*command.split()[1:], cwd=folder, env=env)
    got = plain(done.stderr + done.stdout)
    wanted = plain(wanted)
    if wanted.endswith("\n..."):
        wanted = wanted[: -len("\n...")]
        got = got[: len(wanted)]
    assert got == wanted, command


OTHERS = [  # conversation, subject, reply
    ("conv_477", "Automatic reply: Quick question", "I am away until Monday."),
    ("conv_502", "Abwesenheitsnotiz: Re: Quick question", "Ich bin bis 14. August im Urlaub. Vertretung: Frau Amann."),
    ("conv_503", "Re: Quick question", "Sounds good, call me on Tuesday."),
]


def test_the_five_commands(automark, folder, daemons):
    """From the recorded reply to the comparison with what runs; edits are those that the guide shows."""
    for name in "live", "rules":
        write_rules(folder / name, {"10-guards.yaml": GUARDS, "20-absence.yaml": ABSENCE})
    daemon = daemons(None, rules=folder / "live")
    daemon.post(REPLY)
    for conversation, subject, text in OTHERS:
        daemon.reply(conversation, text, subject=subject)
    tools = {"AUTOMARK_STORE": f"sqlite:{daemon.store}"}
    eventually(lambda: len(automark("events", "export", env=tools).stdout.splitlines()) == 4, "recorded")
    explain, learn, check, test, diff = consoles()[:5]
    replay(automark, folder, explain, tools)
    replay(automark, folder, learn, tools)
    edited = next(b for b in blocks("yaml") if "babwesen" in b)
    learned = (folder / "rules/20-absence.yaml").read_text()
    assert edited.replace(", '\\babwesen(d|heit'", "") == learned
    write_rules(folder / "rules", {"20-absence.yaml": edited})
    replay(automark, folder, check)
    write_rules(folder / "rules", {"20-absence.yaml": edited.replace("babwesen(d|heit'", "babwesen(d|heit)'")})
    said = automark("check", "rules", cwd=folder).stdout.strip()
    assert f"it says `{said}`" in GUIDE
    replay(automark, folder, test)
    replay(automark, folder, diff, tools)
    (folder / "reply.json").write_text(json.dumps(REPLY))
    now = automark("explain", "--rules", "rules", "reply.json", cwd=folder).stdout
    assert now.startswith("marked: rule out-of-office matched subject 'Abwesend'"), now


def test_a_failing_test_and_bad_files(automark, folder):
    fixed = next(b for b in blocks("yaml") if "babwesen" in b).replace("babwesen(d|heit'", "babwesen(d|heit)'")
    write_rules(folder / "rules", {"10-guards.yaml": GUARDS, "20-absence.yaml": fixed + MORE_TESTS})
    (folder / "bad.yaml").write_text(BAD)
    failing, _, bad = consoles()[5:]
    replay(automark, folder, failing)
    replay(automark, folder, bad)


def test_a_reply_is_learned(automark, folder, daemons):
    write_rules(folder / "rules", {"20-absence.yaml": ABSENCE_SHORT})
    daemon = daemons(None, rules=folder / "rules")
    daemon.reply("c_81", NOTE, subject="Abwesend: Ersatzteile", leadName="Jonas Keller", leadEmail="jonas.keller@zollmann-mb.de")
    daemon.stop()  # records what waits
    replay(automark, folder, consoles()[6], {"AUTOMARK_STORE": f"sqlite:{daemon.store}"})


def test_every_example_loads(automark, folder):
    """Whole files as they stand; conditions, exceptions and tests inside a rule."""
    words = "define: {weekday: mon}\nguards: [{name: buying-signal, when: {reply: call me}}]\n"
    rule = "rules:\n  - {name: bounces, when: {subject: undeliverable}}\n  - name: example\n"
    when = "    when: {subject: automatic reply}\n"
    (folder / "partners.txt").write_text("ann@example.com\n")
    count = 0
    for block in blocks("yaml"):
        for part in block.split("---\n"):
            whole = part.startswith(("rules:", "define:"))
            body = re.sub("^", "    ", part, flags=re.M)
            text = part if whole else words + rule + ("" if part.startswith("when:") else when) + body
            text = text.replace("babwesen(d|heit'", "babwesen(d|heit)'")
            (folder / "example.yaml").write_text(text)
            done = automark("check", "example.yaml", cwd=folder)
            assert done.returncode == 0, text + done.stderr
            count += 1
    assert count >= 7
