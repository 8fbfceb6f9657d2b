"""automark diff: which recorded replies would change their verdict."""

import contextlib
import json
import os
import pty
import subprocess

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
    assert groups[None, "receipt"]["samples"] == [
        {"conversation": "c_3", "words": "received", "reply": "received"},
        {"conversation": "c_4", "words": "received", "reply": "received it"}]
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
    bad = automark("diff", folder / "old", folder / "new", "--events", "-", stdin=record(1, "thanks") + "\n{\n")
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
    said = json.loads(automark("diff", daemon.rules, new, "--format", "json", "--events", "-", stdin=export()).stdout)
    assert (said["replies"], said["newly_marked"], said["no_longer_marked"]) == (8, 2, 2)
    touched = write_rules(folder / "touched", {"10.yaml": OLD + "# one more line\n"})
    same = json.loads(automark("diff", daemon.rules, touched, "--format", "json", "--events", "-", stdin=export()).stdout)
    assert same["replies"] == 8 and same["groups"] == []


# ---- sides by name ---------------------------------------------------------------------------


def git(repo, *words):
    env = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    env.update(HOME=str(repo), GIT_CONFIG_NOSYSTEM="1")
    done = subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.invalid", *words],
                          cwd=repo, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def repo(folder):
    """Two commits: OLD, then NEW; the folder holds NEW. A list file and a subfolder beside it."""
    top = folder / "repo"
    write_rules(top / "rules", {"10.yaml": OLD, "vips.txt": "ada@x.example\n",
                                "20.yaml": "guards:\n  - name: vip\n    when: {from: {in: vips.txt}}\n"})
    git(folder / "repo", "init", "-q")
    git(top, "add", ".")
    git(top, "commit", "-q", "-m", "old")
    write_rules(top / "rules", {"10.yaml": NEW})
    write_rules(top / "rules" / "sub", {"99.yaml": "rules: ["})
    git(top, "add", ".")
    git(top, "commit", "-q", "-m", "new")
    (folder / "events.ndjson").write_text("".join(record(n, r) + "\n" for n, r in enumerate(REPLIES)))
    return top


def test_git_revisions(automark, folder, repo):
    def diff(old, new, cwd=repo):
        return automark("diff", old, new, "--events", folder / "events.ndjson", cwd=cwd)

    summary = "8 replies: 2 newly marked, 2 no longer marked, 2 otherwise decided\n"
    assert diff("HEAD~1:rules", "rules").stdout.startswith(summary)
    assert diff("HEAD~1:rules", "HEAD:rules").stdout.startswith(summary)
    assert diff("HEAD~1:rules/10.yaml", "HEAD:rules/10.yaml").stdout.startswith(summary)
    assert "8 replies: the rules are the same on both sides\n" == diff("HEAD:rules", "rules").stdout
    for old, words in [("HEAD~9:rules", "'HEAD~9:rules' is no path here"), ("HEAD:none", "none"),
                       ("nothing", "REV:PATH, running or configured")]:
        done = diff(old, "rules")
        assert done.returncode in (2, 3) and words in done.stderr, (old, done.stderr)
    outside = diff("HEAD:rules", repo / "rules", cwd=folder)
    assert outside.returncode == 3 and "not a git repository" in outside.stderr
    missing = automark("diff", "HEAD:rules", "rules", "--events", "-", stdin="", cwd=repo, env={"PATH": "/nowhere"})
    assert missing.returncode == 3 and "git is not installed" in missing.stderr


def test_mistakes_in_a_revision_have_their_place(automark, repo, folder):
    write_rules(repo / "rules", {"10.yaml": "rules:\n  - name: x\n    when: {reply: '(x'}\n"})
    git(repo, "commit", "-q", "-a", "-m", "broken")
    done = automark("diff", "HEAD~1:rules", "HEAD:rules", "--events", folder / "events.ndjson", cwd=repo)
    assert done.returncode == 1 and "HEAD:rules/10.yaml:3:" in done.stderr, done.stderr


CONFIG = """
defaults: {mode: shadow, api_key: {file: key}, webhook: {secrets: [{file: hook}]}}
workspaces:
  acme: {rules: [live], overrides: {receipt: off}}
  other: {rules: [live]}
"""


@pytest.fixture
def running(daemons, folder, sandbox):
    """A daemon with two workspaces, on NEW; one of them without `receipt`."""
    here = folder / "d0"
    write_rules(here / "live", {"10.yaml": NEW})
    (here / "key").write_text("sk_1")
    (here / "hook").write_text("x" * 30)
    daemon = daemons(sandbox, config=CONFIG, secret="x" * 30)
    for n, text in enumerate(REPLIES):
        daemon.reply(f"c_{n}", text, path="/hooks/acme")
    return daemon


def test_against_the_running_set(automark, running, folder):
    where = ["--store", f"sqlite:{running.store}", "--socket", running.socket]
    old = write_rules(folder / "old", {"10.yaml": OLD})
    same = write_rules(folder / "same", {"10.yaml": NEW + "# the same\n"})

    def diff(*args):
        return automark("diff", *args, *where, "--workspace", "acme", "--format", "json")

    def counted(*args):
        done = diff(*args)
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        return said["replies"], said["newly_marked"], said["no_longer_marked"]

    eventually(lambda: counted("running", same)[0] == len(REPLIES), "all are recorded")
    assert counted("running", same) == (8, 0, 0)  # with acme's override: no receipts on either side
    assert counted(old, "running:") == (8, 0, 2)
    assert json.loads(diff("running", running.folder / "live").stdout)["equal"]
    which = automark("diff", "running", old, *where)
    assert which.returncode != 0 and "which workspace?" in which.stderr
    running.stop()
    assert counted(old, "running") == (8, 2, 2)  # what was kept knows the files, not the overrides
    nobody = automark("diff", "running", old, *where, "--workspace", "nobody")
    assert nobody.returncode != 0 and "nobody" in nobody.stderr


def test_a_configuration_holds_for_both_sides(automark, running, folder):
    old = write_rules(folder / "old", {"10.yaml": OLD})
    (folder / "events.ndjson").write_text("".join(record(n, r) + "\n" for n, r in enumerate(REPLIES)))

    def counted(workspace):
        done = automark("diff", old, "configured", "--config", running.folder / "automark.yaml", "--workspace", workspace,
                        "--events", folder / "events.ndjson", "--format", "json")
        return json.loads(done.stdout)["newly_marked"] if done.returncode == 0 else done.stderr

    assert counted("other") == 2
    assert counted("acme") == 0  # without `receipt`; that OLD has no such rule is no mistake


def test_markdown_means_nothing_by_itself(automark, folder):
    old = write_rules(folder / "old", {"10.yaml": "rules:\n  - name: a\n    when: {reply: nothing}\n"})
    new = write_rules(folder / "new", {"10.yaml": "rules:\n  - name: b\n    when: {reply: 'b'}\n"})
    evil = record(1, "<b>|`x` [a](http://x) @all\n# b")

    def markdown(*args):
        return automark("diff", old, new, "--events", "-", "--format", "markdown", *args, stdin=evil + "\n").stdout

    said = markdown()
    assert "| 1 | kept | mark by `b` |" in said and "<details>" in said
    for char in "<b>", "|`", "[a](", "@all":
        assert char not in said.replace("<details><summary>", "").replace("</summary>", "").replace("</details>", "")
    assert "http" not in markdown("--no-text") and "c_1" not in markdown("--no-text").replace("c&#95;1", "")
    assert "**Too many:** 1 newly marked, 0 are allowed." in markdown("--max-new-marks", "0")


def test_progress_on_a_terminal(build, folder, repo):
    """Drawn on stderr when that is a terminal, and taken away again."""
    lines = "".join(record(n, "thanks " * 200) + "\n" for n in range(20000))
    (folder / "many.ndjson").write_text(lines)
    leader, follower = pty.openpty()
    with subprocess.Popen([os.path.join(build, "automark"), "diff", "HEAD~1:rules", "rules", "--events",
                           folder / "many.ndjson"], cwd=repo, stdout=subprocess.PIPE, stderr=follower) as process:
        os.close(follower)
        out = process.stdout.read()
    drawn = b""
    with contextlib.suppress(OSError):
        while data := os.read(leader, 65536):
            drawn += data
    os.close(leader)
    assert process.returncode == 0 and out.startswith(b"20000 replies: ")
    assert b" %  " in drawn and b"replies, " in drawn and drawn.endswith(b"\r\x1b[K"), drawn[-200:]
