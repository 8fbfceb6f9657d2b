"""automark explain: what it is told, what it says, its exit codes."""

import json
import re

import pytest
from daemon import reply_event, write_rules

RULES = r"""
guards:
  - name: buying-signal
    when: {reply: '\b(call me|send (me )?pricing)\b'}
rules:
  - name: out-of-office
    when:
      subject: ['automatic reply', 'out of office']
      not: {tag: {is: interested}}
    except: [{domain: {is: big.com}, because: shared mailbox, until: 2030-01-31}]
  - name: opt-out
    when: {reply: 'unsubscribe', subject: '^re:', tag: {is: [not_interested]}}
  - name: plan
    when: {/data/custom/plan: {is: free}}
"""


@pytest.fixture
def explain(automark, folder):
    rules = write_rules(folder / "rules", {"10.yaml": RULES})
    return lambda *args, **more: automark("explain", "--rules", rules, *args, **more)


def verdict(done):
    assert done.returncode == 0, done
    return json.loads(done.stdout)


@pytest.mark.parametrize("args, kind, rule", [
    (["--subject", "Automatic reply: hi"], "mark", "out-of-office"),
    (["--subject", "Out of\noffice", "--reply", "please call\nme"], "guard", "buying-signal"),
    (["--subject", "out of office", "--tag", "Interested"], "no-match", None),
    (["--subject", "out of office", "--from", "Al <al@big.com>", "--now", "2030-01-31"], "no-match", None),
    (["--subject", "out of office", "--from", "Al <al@big.com>", "--now", "2030-02-01"], "mark", "out-of-office"),
    (["--pointer", "/data/custom/plan=Free"], "mark", "plan"),
    (["--body", "Yes.\n\nOn Tue, Jan 6, 2026 at 3:14 PM Ada <a@x.com> wrote:\n> call me\n"], "no-match", None),
], ids=lambda v: " ".join(v) if isinstance(v, list) else None)
def test_verdicts_from_flags(explain, args, kind, rule):
    told = verdict(explain("--format", "json", *args))
    assert (told["verdict"], told.get("rule", {}).get("name")) == (kind, rule)


def test_words_are_marked_in_their_context(explain):
    done = explain("--subject", "Re: I am out of office now")
    assert done.returncode == 0 and re.match(r"marked: rule out-of-office", done.stdout)
    text, carets = re.search(r"\n( +Re: I am .*)\n( +\^+)\n", done.stdout).groups()
    assert text[carets.index("^"):len(carets)] == "out of office"
    assert "\033" not in done.stdout


def test_the_nearest_miss(explain):
    done = explain("--subject", "Re: hi", "--reply", "unsubscribe")
    assert "rule opt-out: 2 of 3 conditions held; missing: tag is 'not_interested'" in done.stdout
    near = verdict(explain("--subject", "Re: hi", "--reply", "unsubscribe", "--format", "json"))["nearest"]
    assert (near["name"], near["held"], near["of"]) == ("opt-out", 2, 3)


def test_what_was_cut_off(explain):
    done = explain("--body", "No.\n\nOn Tue, Jan 6, 2026 at 3:14 PM Ada <a@x.com> wrote:\n> call me\n")
    assert "line 3: quoted" in done.stdout


def test_an_unknown_field(explain):
    told = verdict(explain("--subject", "out of office", "--unknown", "tag", "--format", "json"))
    assert told["verdict"] == "no-match" and told["hangs_on_unknown"] is True


def test_a_field_changed_in_an_event(explain):
    event = json.dumps(reply_event("c_1", "hello"))
    assert verdict(explain("--format", "json", "-", stdin=event))["verdict"] == "no-match"
    changed = verdict(explain("--format", "json", "--subject", "out of office", "-", stdin=event))
    assert changed["verdict"] == "mark" and changed["fields"]["reply"]["values"] == ["hello"]


def test_limits_are_named(explain, automark, folder):
    rules = write_rules(folder / "evil", {"10.yaml": "rules:\n  - name: evil\n    when: {reply: '^(a+)+$'}\n"})
    done = automark("explain", "--rules", rules, "--reply", "a" * 9000 + "!")
    assert done.returncode == 0 and "rule evil could not tell (match limit)" in done.stdout


def test_the_workspace_of_a_configuration(automark, folder):
    rules = write_rules(folder / "rules", {"10.yaml": RULES})
    config = folder / "automark.yaml"
    config.write_text(f"rules: [{rules}]\ndefaults: {{webhook: {{verify: none}}, mode: shadow}}\n"
                      "workspaces: {a: {}, b: {overrides: {out-of-office: off}}}\n")
    base = ["explain", "--config", config, "--format", "json", "--subject", "out of office"]
    assert verdict(automark(*base, "--workspace", "a"))["verdict"] == "mark"
    assert verdict(automark(*base, "--workspace", "b"))["verdict"] == "no-match"
    assert automark(*base).returncode == 2 and automark(*base, "--workspace", "c").returncode == 2


def test_exit_codes(explain, automark, folder):
    bad = write_rules(folder / "bad", {"10.yaml": "rules:\n  - name: a\n    when: {reply: 'a(b'}\n"})
    done = automark("explain", "--rules", bad, "--reply", "x")
    assert done.returncode == 1 and re.search(r"10\.yaml:3:\d+: error", done.stderr)
    assert explain("-", stdin="{").returncode == 1
    assert explain("--unknown", "colour").returncode == 2
    assert explain("--now", "soon", "--reply", "x").returncode == 2
    assert explain("one.json", "two.json").returncode == 2
    assert explain(folder / "nowhere.json").returncode == 3
    assert automark("explain", "--rules", folder / "nowhere", "--reply", "x").returncode == 3
    assert "ignored" in explain("-", stdin='{"event": "email.sent", "data": {}}').stdout
