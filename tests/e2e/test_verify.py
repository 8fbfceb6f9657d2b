"""automark verify: a captured request and a secret, by hand as an operator would."""

import base64
import hashlib
import hmac
import json

import pytest

BODY = b'{"type":"email.replied","data":{"conversationId":"c_1"}}'
WHSEC = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
SECRET = "automark-test-secret"
NOW = "2023-11-14T22:13:20Z"  # 1700000000

STANDARD = ["webhook-id: msg_automark_001", "webhook-timestamp: 1700000000"]
CASES = {
    "standard": (WHSEC, [*STANDARD, "webhook-signature: v1,N8Ud3MZmSqCrkPNp4aEy2ZboeyDWZyU9Q4EwIKPo8FE="]),
    "standard-text": (WHSEC, [*STANDARD, "webhook-signature: v1,DM1Gkaqo3TMBUsPXVo6JVj4/pkJSFVgfGFdPPKJ/dOI="]),
    "github": (SECRET, ["X-Hub-Signature-256: sha256=74100a6da0ce5372ff5d0b221398343fce468af639eda20a8db85bfde194ceca"]),
    "base64": (SECRET, ["X-Shop-Hmac: dBAKbaDOU3L/XQsiE5g0P85GivY57aIKjbhb/eGUzso="]),
    "stripe": (SECRET, ["Stripe-Signature: t=1700000000,"
                        "v1=f8a7511c0ad4adf62f7d36f3d50be447cac3a025d86b1af4147d8419479c82ac"]),
    "slack": (SECRET, ["X-Slack-Signature: v0=4feb6904fa0437f04ed469a92527b6ce84929fe8a3663a1298678560e380aa7d",
                       "X-Slack-Request-Timestamp: 1700000000"]),
}


@pytest.fixture
def doctor(automark, folder):
    """Runs verify on a body, headers and a secret; more arguments behind."""

    def call(body, headers, secret, *more, now=NOW):
        (folder / "body").write_bytes(body)
        (folder / "secret").write_text(secret)
        flags = [word for h in headers for word in ("--header", h)]
        return automark("verify", "body", "--secret-file", "secret", *flags, "--now", now, *more, cwd=folder)

    return call


@pytest.mark.parametrize("name", CASES)
def test_the_configuration_that_it_prints_accepts_the_request(doctor, folder, name):
    secret, headers = CASES[name]
    done = doctor(BODY, headers, secret + "\n", "--format", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    (folder / "key").write_text("sk_1")
    (folder / "a.yaml").write_text(
        "workspaces:\n  acme:\n    rules: [rules]\n    api_key: {file: key}\n    " + json.loads(done.stdout)["configuration"] + "\n")
    again = doctor(BODY, headers, secret, "--config", "a.yaml")
    assert again.returncode == 0 and "workspace acme accepts it" in again.stdout, again.stdout + again.stderr
    changed = doctor(BODY + b"\n", headers, secret, "--config", "a.yaml")
    assert changed.returncode == 1 and "workspace acme refuses it: " in changed.stdout


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("mistake, words", [
    (BODY + b"\n", "a line break was added at its end"),
    (json.dumps(json.loads(BODY)).encode(), "its JSON was written anew; signed was the compact form"),
])
def test_a_changed_body_is_named(doctor, name, mistake, words):
    secret, headers = CASES[name]
    done = doctor(mistake, headers, secret)
    assert done.returncode == 1
    assert done.stdout.startswith("does not pass: the body is not the one that was signed\n"), done.stdout
    assert words in done.stdout and secret not in done.stdout


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_whole_request(automark, folder, ending):
    secret, headers = CASES["slack"]
    lines = ["POST /hooks/acme HTTP/1.1", "Host: h", f"Content-Length: {len(BODY)}", *headers, "", ""]
    (folder / "raw").write_bytes(ending.join(lines).encode() + BODY + b"\n")
    (folder / "secret").write_text(secret)
    done = automark("verify", "--raw", "raw", "--secret-file", "secret", "--now", NOW, cwd=folder)
    assert done.returncode == 0 and "preset slack" in done.stdout, done.stdout + done.stderr


def test_an_old_capture_passes_and_is_called_old(doctor):
    secret, headers = CASES["stripe"]
    done = doctor(BODY, headers, secret, now="2023-11-15")
    assert done.returncode == 0
    assert "6400 s in the past" in done.stdout and "For a capture that is normal" in done.stdout


def test_nothing_fits(doctor):
    secret, headers = CASES["github"]
    done = doctor(BODY, headers, "another-secret")
    assert done.returncode == 1
    assert "nothing that was tried" in done.stdout and "the secret is another one" in done.stdout
    expected = hmac.new(b"another-secret", BODY, hashlib.sha256)
    for shown in (expected.hexdigest(), base64.b64encode(expected.digest()).decode(), "another-secret"):
        assert shown not in done.stdout + done.stderr


@pytest.mark.parametrize("args, words", [
    ([], "which body?"),
    (["body"], "which headers?"),
    (["body", "--header", "A: b"], "which secret?"),
    (["body", "--header", "A b"], "has no colon"),
    (["body", "more", "--header", "A: b"], "'more' is too much"),
    (["--raw", "raw", "body", "--secret-file", "secret"], "leave BODY and --header out"),
    (["body", "--now", "noon"], "--now is 'noon'"),
    (["body", "--bogus"], "unknown option '--bogus'"),
])
def test_wrong_use(automark, args, words):
    done = automark("verify", *args)
    assert done.returncode == 2 and words in done.stderr, done.stderr
    assert "'automark verify --help' tells more" in done.stderr


def test_what_cannot_be_read(automark, folder):
    (folder / "raw").write_text("{}")
    (folder / "secret").write_text("x")
    missing = automark("verify", "nobody", "--header", "A: b", "--secret-file", "secret", cwd=folder)
    assert missing.returncode == 3 and "nobody" in missing.stderr
    broken = automark("verify", "--raw", "raw", "--secret-file", "secret", cwd=folder)
    assert broken.returncode == 1 and "raw: line 1: a request begins with" in broken.stderr
