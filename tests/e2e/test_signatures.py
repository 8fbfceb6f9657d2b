"""Who may speak to the listener: signature presets, forgeries, several secrets, time windows."""

import base64
import hashlib
import hmac
import json
import pathlib
import tempfile
import time

import pytest
import wire
from daemon import RULES, Daemon, remove, reply_event
from sandboxed import SECRET
from wait import eventually

BODY = json.dumps(reply_event("c_1", "Nothing special", message="m_signed")).encode()
HEX = wire.sign(BODY, SECRET)


def post(daemon, headers, path="/hooks/default", body=BODY):
    """headers is a list of lines, so that one name may come twice."""
    lines = [f"POST {path} HTTP/1.1", "Host: automark", "Connection: close", "Content-Type: application/json",
             f"Content-Length: {len(body)}", *headers]
    got = wire.raw(daemon.port, "\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    (status,) = wire.statuses(got)
    return status, got.split(b"\r\n\r\n", 1)[1].decode()


@pytest.mark.parametrize(
    "line",
    [
        f"x-sendkit-signature: sha256={HEX}",
        f"x-sendkit-signature: {HEX}",
        f"x-sendkit-signature: sha256={HEX.upper()}",
        f"X-SendKit-Signature: SHA256={HEX}",
        f"X-Webhook-Signature: {HEX}",
        f"X-Webhook-Signature: sha256={HEX}",
        f"x-webhook-signature: {HEX.upper()}",
    ],
)
def test_good_forms(shared, line):
    status, text = post(shared, [line])
    assert status == 200, text


def test_both_headers_at_once(shared):
    status, text = post(shared, [f"x-sendkit-signature: sha256={HEX}", f"X-Webhook-Signature: {HEX}"])
    assert status == 200, text


WRONG = wire.sign(BODY, "another-secret-0123456789")


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["x-sendkit-signature:"],
        ["x-sendkit-signature: sha256="],
        [f"x-sendkit-signature: sha256={WRONG}"],
        [f"x-sendkit-signature: sha256={HEX[:-1]}"],
        [f"x-sendkit-signature: sha256={HEX}0"],
        [f"x-sendkit-signature: sha256={HEX[:-2]}zz"],
        [f"x-sendkit-signature: sha1={HEX}"],
        [f"x-sendkit-signature: sha256={'0' * 64}"],
        [f"x-sendkit-signature: sha256={wire.sign(b'', SECRET)}"],
        [f"x-sendkit-signature: sha256={wire.sign(BODY + bytes([10]), SECRET)}"],
        [f"x-sendkit-signature: sha256={wire.sign(BODY.replace(b': ', b':'), SECRET)}"],
        ["x-sendkit-signature: sha256=" + hmac.new(bytes.fromhex("00" * 32), BODY, "sha256").hexdigest()],
        ["x-sendkit-signature: sha256=" + hashlib.sha256(BODY).hexdigest()],
        ["x-sendkit-signature: " + base64.b64encode(bytes.fromhex(HEX)).decode()],
        ["x-sendkit-signature: sha512=" + hmac.new(SECRET.encode(), BODY, "sha512").hexdigest()],
        [f"x-hub-signature-256: sha256={HEX}"],
        [f"Authorization: sha256={HEX}"],
        [f"x-sendkit-signature: sha256={WRONG}", f"x-sendkit-signature: sha256={HEX}"],
        [f"x-sendkit-signature: sha256={HEX}", f"x-sendkit-signature: sha256={WRONG}"],
        [f"x-sendkit-signature: sha256={HEX}", f"X-Webhook-Signature: {WRONG}"],
        [f"x-sendkit-signature: sha256={HEX},sha256={WRONG}"],
        [f"x-sendkit-signature: sha256={' '.join(HEX[i:i + 8] for i in range(0, 64, 8))}"],
    ],
)
def test_forgeries(shared, lines):
    status, text = post(shared, lines)
    assert status == 401, text
    assert json.loads(text)["status"] == "error"
    assert HEX not in text.lower() and SECRET not in text and WRONG not in text.lower()
    assert SECRET not in shared.log() and HEX not in shared.log()


def test_the_refusal_says_which(shared):
    said = [post(shared, lines)[1] for lines in
            ([], ["x-sendkit-signature: sha256=zz"], [f"x-sendkit-signature: sha256={WRONG}"])]
    assert "missing" in said[0].lower() and len(set(said)) == 3, said


def test_a_forged_body_is_not_even_parsed(shared):
    status, text = post(shared, [f"x-sendkit-signature: sha256={WRONG}"], body=b"{broken")
    assert status == 401 and "JSON" not in text


# ---- the other presets -----------------------------------------------------------------------------------

KEY32 = bytes(range(32))


def mac(key, data, how="sha256"):
    return hmac.new(key, data, how)


def standard(now, body, prefix="webhook"):
    signed = b"msg_1." + str(now).encode() + b"." + body
    value = "v1," + base64.b64encode(mac(KEY32, signed).digest()).decode()
    return [f"{prefix}-id: msg_1", f"{prefix}-timestamp: {now}", f"{prefix}-signature: {value}"]


def svix(now, body):
    return standard(now, body, "svix")


def standard_list(now, body):
    lines = standard(now, body)
    lines[2] = lines[2].replace(": v1,", ": v1,AAAA v2,zzzz v1,")
    return lines


def github(now, body):
    return ["X-Hub-Signature-256: sha256=" + mac(SECRET.encode(), body).hexdigest()]


def stripe(now, body):
    good = mac(SECRET.encode(), f"{now}.".encode() + body).hexdigest()
    return [f"Stripe-Signature: t={now},v1={'0' * 64},v1={good},v0=zz"]


def slack(now, body):
    good = mac(SECRET.encode(), f"v0:{now}:".encode() + body).hexdigest()
    return [f"X-Slack-Request-Timestamp: {now}", f"X-Slack-Signature: v0={good}"]


def own(now, body):
    good = base64.b64encode(mac(SECRET.encode(), f"{now}|".encode() + body, "sha512").digest()).decode()
    return [f"X-Own-Time: {now}", f"X-Own-Signature: v9={good}"]


SCHEMES = [("standard", standard, True), ("standard", svix, True), ("standard", standard_list, True),
           ("github", github, False), ("stripe", stripe, True), ("slack", slack, True), ("own", own, True)]


@pytest.fixture(scope="module")
def preset_daemon(build):
    """One workspace for each preset."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="automark-e2e-"))
    (folder / "text").write_text(SECRET)
    (folder / "whsec").write_text("whsec_" + base64.b64encode(KEY32).decode() + "\n")
    text = f"{{file: {folder}/text}}"
    config = f"""
rules: ['{RULES}']
defaults:
  mode: shadow
  api_key: {{env: PRESETS_KEY}}
workspaces:
  standard:
    webhook: {{preset: standard, secrets: [{{file: {folder}/whsec}}]}}
  github:
    webhook: {{preset: github, secrets: [{text}]}}
  stripe:
    webhook: {{preset: stripe, secrets: [{text}]}}
  slack:
    webhook: {{preset: slack, secrets: [{text}]}}
  own:
    webhook:
      header: X-Own-Signature
      timestamp_header: X-Own-Time
      prefix: 'v9='
      signed: '{{timestamp}}|{{body}}'
      hash: sha512
      encoding: base64
      tolerance: 60s
      secrets: [{text}]
"""
    daemon = Daemon(build, folder, config=config, env={"PRESETS_KEY": "sk_presets"}).start()
    yield daemon
    daemon.stop()
    remove(folder)


@pytest.mark.parametrize("name, scheme, timed", SCHEMES, ids=[s[1].__name__ for s in SCHEMES])
def test_presets(preset_daemon, name, scheme, timed):
    now, path = int(time.time()), "/hooks/" + name
    body = json.dumps(reply_event("c_1", "Nothing special")).encode()
    status, text = post(preset_daemon, scheme(now, body), path, body)
    assert status == 200, text
    status, text = post(preset_daemon, scheme(now, body + b" "), path, body)
    assert status == 401, text
    for off in (-400, 400):
        status, text = post(preset_daemon, scheme(now + off, body), path, body)
        assert status == (401 if timed else 200), text
    lines = scheme(now, body)
    for missing in range(len(lines)):
        status, text = post(preset_daemon, lines[:missing] + lines[missing + 1:], path, body)
        assert status == 401, text


def test_a_time_outside_the_window_is_named(preset_daemon):
    status, text = post(preset_daemon, stripe(int(time.time()) - 4000, BODY), "/hooks/stripe")
    assert status == 401 and ("window" in text or "time" in text), text


def test_a_scheme_is_never_guessed(preset_daemon):
    now = int(time.time())
    for name, scheme, _ in SCHEMES:
        for other in {s[0] for s in SCHEMES} - {name}:
            status, text = post(preset_daemon, scheme(now, BODY), "/hooks/" + other)
            assert status == 401, (name, other, text)


# ---- several secrets -------------------------------------------------------------------------------------------


def test_two_secrets_and_their_exchange(daemons, sandbox, folder):
    """Both count at once; after a reload of the file, the new one and no longer the old."""
    (folder / "one").write_text("first-secret-0123456789abcdef\n")
    (folder / "two").write_text("second-secret-0123456789abcdef\n")
    daemon = daemons(sandbox, config=f"""
rules: ['{RULES}']
defaults: {{api_url: '{sandbox.url}', api_key: {{env: SENDKIT_API_KEY}}}}
workspaces:
  default:
    webhook: {{preset: sendkit, secrets: [{{file: {folder}/one}}, {{file: {folder}/two}}]}}
""", env={"SENDKIT_API_KEY": sandbox.key})
    say = lambda secret: daemon.reply("c_1", "Nothing special", secret=secret).status
    assert say("first-secret-0123456789abcdef") == say("second-secret-0123456789abcdef") == 200
    assert say("third-secret-0123456789abcdef") == 401
    (folder / "one").write_text("third-secret-0123456789abcdef\n")
    daemon.hup()
    eventually(lambda: say("third-secret-0123456789abcdef") == 200, lambda: "new secret\n" + daemon.log())
    assert say("first-secret-0123456789abcdef") == 401
    assert say("second-secret-0123456789abcdef") == 200
    assert "third-secret" not in daemon.log()


def test_a_platform_key_names_its_workspace(daemons, sandbox):
    """sk_user_ keys send X-Workspace-Id, and both key headers as always."""
    sandbox.set_key("sk_user_e2e")
    one = sandbox.conversation(workspace="ws_acme")
    daemon = daemons(sandbox, config=f"""
rules: ['{RULES}']
workspaces:
  acme:
    api_url: '{sandbox.url}'
    api_key: {{env: PLATFORM_KEY}}
    workspace_id: ws_acme
    webhook: {{secrets: [{{env: HOOK_SECRET}}]}}
""", env={"PLATFORM_KEY": "sk_user_e2e", "HOOK_SECRET": SECRET})
    sandbox.reply(one, text="remove me", deliver=False)
    assert daemon.reply(one, "Please remove me", path="/hooks/acme").is_ == (202, "queued")
    sandbox.wait_read(one)
    (call,) = sandbox.marks()
    assert call["headers"]["x-workspace-id"] == "ws_acme"
    assert call["headers"]["x-api-key"] == "sk_user_e2e"
    assert call["headers"]["authorization"] == "Bearer sk_user_e2e"
