"""Configuration: several workspaces, overrides, modes, refusals, secrets that stay secret."""

import re

import pytest
from daemon import RULES, write_rules
from sandboxed import KEY, SECRET
from wait import eventually

PLEASE = "Please unsubscribe me."


def config(sandbox, workspaces, defaults="", top=""):
    return f"""
rules: ['{RULES}']
{top}
defaults:
  api_url: '{sandbox.url if sandbox else "http://127.0.0.1:9"}'
  api_key: {{env: THE_KEY}}
  webhook: {{secrets: [{{env: THE_SECRET}}]}}
{defaults}
workspaces:
{workspaces}
"""


ENV = {"THE_KEY": KEY, "THE_SECRET": SECRET}


def refused(daemons, text, env=None, args=()):
    """The words with which serve refuses to start."""
    daemon = daemons(None, config=text, env=env or ENV, args=args, start=False).launch()
    eventually(lambda: daemon.process.poll() is not None, lambda: "it ends; " + daemon.log())
    assert daemon.process.returncode in (1, 2, 3), daemon.process.returncode
    assert not daemon.store.exists() or "listening" not in daemon.log()
    return daemon.log()


def test_several_workspaces(daemons, sandbox, folder):
    """Each has its hook, its key and secret from files named after it, its rules; none sees another's."""
    for name in ("acme", "globex"):
        (folder / f"{name}.key").write_text(f"sk_key_of_{name}\n")
        (folder / f"{name}.secret").write_text(f"secret-of-{name}-0123456789\n")
        sandbox.set_key(f"sk_key_of_{name}", workspace=f"ws_{name}")
    only = write_rules(folder / "globex-rules", {"g.yaml": "rules:\n  - name: own\n    when: {reply: 'zebra'}\n"})
    daemon = daemons(sandbox, config=f"""
rules: ['{RULES}']
defaults:
  api_url: '{sandbox.url}'
  api_key: {{file: '{folder}/{{workspace}}.key'}}
  webhook: {{preset: sendkit, secrets: [{{file: '{folder}/{{workspace}}.secret'}}]}}
workspaces:
  acme: {{}}
  globex:
    rules: ['{only}']
""")
    ids = {name: sandbox.conversation(workspace=f"ws_{name}") for name in ("acme", "globex")}
    say = lambda name, text, by=None: daemon.reply(ids[name], text, path=f"/hooks/{name}",
                                                   secret=f"secret-of-{by or name}-0123456789")
    assert say("acme", PLEASE, by="globex").status == 401
    assert say("acme", "zebra").is_ == (200, "kept")
    assert daemon.reply("c_1", PLEASE).status == 404  # there is no `default`
    for one in ids.values():
        sandbox.reply(one, text=PLEASE, deliver=False)
    assert say("globex", "zebra").is_ == (202, "queued")
    other = sandbox.conversation(workspace="ws_acme")
    sandbox.reply(other, text=PLEASE, deliver=False)
    assert daemon.reply(other, PLEASE, path="/hooks/acme", secret="secret-of-acme-0123456789").is_ == (202, "queued")
    sandbox.wait_read([ids["globex"], other])
    keys = {c["headers"]["x-api-key"]: c["json"]["conversationIds"] for c in sandbox.marks()}
    assert keys == {"sk_key_of_globex": [ids["globex"]], "sk_key_of_acme": [other]}
    for name in ("acme", "globex"):
        assert f"secret-of-{name}" not in daemon.log() and f"sk_key_of_{name}" not in daemon.log()


def test_one_refused_key_does_not_stop_another_workspace(daemons, sandbox):
    sandbox.set_key("sk_second", workspace="ws_two")
    daemon = daemons(sandbox, env=ENV | {"SECOND": "sk_second", "BAD": "sk_bad"}, config=config(sandbox, """
  good: {api_key: {env: SECOND}}
  bad: {api_key: {env: BAD}}
"""))
    one = sandbox.conversation(workspace="ws_two")
    sandbox.reply(one, text=PLEASE, deliver=False)
    assert daemon.reply("c_bad", PLEASE, path="/hooks/bad").is_ == (202, "queued")
    eventually(lambda: [c for c in sandbox.calls() if c["status"] == 401], "the refusal")
    assert daemon.reply(one, PLEASE, path="/hooks/good").is_ == (202, "queued")
    sandbox.wait_read(one)
    assert daemon.job("c_bad")["state"] == "pending"


def test_overrides(daemons, sandbox):
    daemon = daemons(sandbox, env=ENV, config=config(sandbox, """
  default:
    overrides: {unsubscribe: off, in-shadow: {state: live}, out-of-office: {state: shadow}, held-back: {hold: 0s}}
"""))
    a, b, c, d = sandbox.conversations(4)
    assert daemon.says(a, PLEASE).is_ == (200, "kept")
    assert daemon.says(b, "This is only a shadow.").is_ == (202, "queued")
    assert daemon.says(c, "Away", subject="Automatic reply: hi").is_ == (200, "shadow")
    assert daemon.says(d, "Please hold this one.").is_ == (202, "queued")
    sandbox.wait_read([b, d])


def test_shadow_mode_marks_nothing(daemons, sandbox):
    daemon = daemons(sandbox, args=["--mode", "shadow"])
    one = sandbox.conversation()
    assert daemon.says(one, PLEASE).is_ == (200, "shadow")
    assert sandbox.calls() == [] and daemon.jobs() == []


def test_paused_mode_parks(daemons, sandbox):
    daemon = daemons(sandbox, args=["--mode", "paused"])
    one = sandbox.conversation()
    assert daemon.says(one, PLEASE).is_ == (202, "parked")
    assert daemon.job(one)["state"] == "parked" and sandbox.calls() == []


def test_a_flag_wins_over_the_environment_and_that_over_the_file(daemons, sandbox):
    one = sandbox.conversation()
    text = config(sandbox, "  default: {mode: shadow}")
    daemon = daemons(sandbox, env=ENV | {"AUTOMARK_MODE": "paused"}, config=text)
    assert daemon.says(one, PLEASE).is_ == (202, "parked")
    daemon.stop()
    daemon.args += ["--mode", "live"]
    daemon.start()
    two = sandbox.conversation()
    assert daemon.says(two, PLEASE).is_ == (202, "queued")
    sandbox.wait_read(two)


def test_the_environment_alone_is_enough(daemons, sandbox):
    daemon = daemons(sandbox, start=False)
    daemon.env |= {"AUTOMARK_LISTEN": "127.0.0.1:0", "AUTOMARK_STORE": f"sqlite:{daemon.store}",
                   "AUTOMARK_RULES": str(RULES), "AUTOMARK_API_URL": sandbox.url}
    daemon.args = []
    daemon.start()
    one = sandbox.conversation()
    assert daemon.says(one, PLEASE).is_ == (202, "queued")
    sandbox.wait_read(one)


@pytest.mark.slow
def test_batches_and_limits_of_the_file(daemons, sandbox):
    daemon = daemons(sandbox, env=ENV, config=config(sandbox, "  default: {}", "  send: {batch: 5}\n  hold: 1s",
                                                     "max_body: 4KiB"))
    sandbox.trouble({"latencyMs": 300})
    ids = sandbox.conversations(20)
    for one in ids:
        assert daemon.says(one, PLEASE).is_ == (202, "queued")
    sandbox.wait_read(ids)
    assert max(len(c["json"]["conversationIds"]) for c in sandbox.marks()) == 5
    assert daemon.reply("c_1", "x" * 5000).status == 413


def test_fields_of_ones_own(daemons, sandbox):
    daemon = daemons(sandbox, env=ENV, config=config(sandbox, """
  default:
    fields: {conversation: [/thread/key], reply: [/mail/plain], event: [/what]}
"""))
    one = sandbox.conversation()
    body = {"what": "email.replied", "thread": {"key": one}, "mail": {"plain": PLEASE}}
    assert daemon.post(body).is_ == (202, "queued")


def test_required_guards(daemons, sandbox):
    ok = daemons(sandbox, env=ENV, config=config(sandbox, "  default: {require_guards: [buying-signal]}"))
    assert ok.stop() == 0
    said = refused(daemons, config(sandbox, "  default: {require_guards: [no-such-guard]}"))
    assert "no-such-guard" in said


def test_include(daemons, sandbox, folder):
    (folder / "workspaces.d").mkdir()
    for name in ("acme", "globex"):
        (folder / "workspaces.d" / f"{name}.yaml").write_text(f"workspaces:\n  {name}: {{}}\n")
    text = config(sandbox, "  default: {}", top=f"include: ['{folder}/workspaces.d/*.yaml']")
    daemon = daemons(sandbox, env=ENV, config=text)
    for name in ("acme", "globex", "default"):
        assert daemon.reply("c_1", "hello", path=f"/hooks/{name}").status == 200


# ---- refusals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "workspaces, env, word",
    [
        ("  acme: {workspace_id: ws_1}", {}, "workspace_id"),
        ("  acme: {}", {"THE_KEY": "sk_user_x"}, "workspace_id"),
        ("  acme: {api_key: {env: NOT_THERE}}", {}, "NOT_THERE"),
        ("  acme: {api_key: {file: /nowhere/key}}", {}, "/nowhere/key"),
        ("  acme: {api_key: sk_inline}", {}, "api_key"),
        ("  acme: {webhook: {secrets: []}}", {}, "secret"),
        ("  acme: {mode: lively}", {}, "live"),
        ("  acme: {colour: red}", {}, "colour"),
        ("  acme: {settle: soon}", {}, "soon"),
        ("  acme: {send: {batch: 0}}", {}, "batch"),
        ("  acme: {overrides: {no-such-rule: off}}", {}, "no-such-rule"),
        ("  'a b': {}", {}, "a b"),
        ("  acme: {api_url: 'http://api.example.com'}", {}, "https"),
        ("  acme: {fields: {replie: [/x]}}", {}, "reply"),
        ("  acme: {fields: {reply: [x]}}", {}, "pointer"),
        ("  acme: {webhook: {preset: sendkitt, secrets: [{env: THE_SECRET}]}}", {}, "sendkit"),
    ],
)
def test_mistakes_are_refused_with_their_place(daemons, workspaces, env, word):
    said = refused(daemons, config(None, workspaces), ENV | env)
    assert word in said, said
    assert SECRET not in said and KEY not in said and "sk_inline" not in said


def test_a_mistake_has_file_line_and_column(daemons):
    said = refused(daemons, config(None, "  acme:\n    colour: red"))
    assert re.search(r"automark\.yaml:\d+:5: error: .*colour", said), said


def test_no_secret_no_listening(daemons, sandbox):
    daemon = daemons(sandbox, start=False)
    del daemon.env["SENDKIT_WEBHOOK_SECRET"]
    daemon.launch()
    eventually(lambda: daemon.process.poll() is not None, "it ends")
    assert daemon.process.returncode in (1, 2, 3) and "SENDKIT_WEBHOOK_SECRET" in daemon.log()


def test_no_key_no_marking(daemons, sandbox):
    daemon = daemons(sandbox, start=False)
    del daemon.env["SENDKIT_API_KEY"]
    daemon.launch()
    eventually(lambda: daemon.process.poll() is not None, "it ends")
    assert daemon.process.returncode in (1, 2, 3) and "SENDKIT_API_KEY" in daemon.log()


def test_verify_none_only_on_loopback(daemons, sandbox):
    text = config(sandbox, "  default: {webhook: {verify: none}}")
    daemon = daemons(sandbox, env=ENV, config=text)
    answer = daemon.reply("c_1", "hello", secret="whatever-it-is")
    assert answer.status == 200
    daemon.stop()
    said = refused(daemons, text, args=["--listen", "0.0.0.0:0"])
    assert "loopback" in said


def test_environment_and_several_workspaces_do_not_mix(daemons):
    said = refused(daemons, config(None, "  acme: {}\n  globex: {}"), ENV | {"SENDKIT_API_KEY": "sk_x"})
    assert "SENDKIT_API_KEY" in said


def test_secrets_are_in_no_core_and_no_output(daemon):
    status = open(f"/proc/{daemon.process.pid}/limits").read()
    assert re.search(r"Max core file size\s+0\s+0", status), status
