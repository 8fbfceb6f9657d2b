"""The git hook for users' own repositories of rules."""
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GOOD = """guards:
  - name: asks-back
    when: {reply: '\\bcall me\\b'}
    tests: [{reply: Please call me.}]
  - name: positive
    when: {event: email.positive_reply}
    tests: [{event: email.positive_reply}]
rules:
  - name: away
    when: {subject: '^automatic reply\\b'}
    tests:
      - {subject: 'Automatic reply: hi'}
      - {subject: 'Re: hi', expect: no-match}
"""


def git(repo, *words):
    env = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    env.update(HOME=str(repo), GIT_CONFIG_NOSYSTEM="1")
    return subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.invalid", *words],
                          cwd=repo, env=env, capture_output=True, text=True, timeout=60)


@pytest.fixture
def repo(tmp_path, build):
    (tmp_path / "rules").mkdir()
    assert git(tmp_path, "init", "-q").returncode == 0
    shutil.copy(ROOT / "deploy/hooks/pre-commit", tmp_path / ".git/hooks/pre-commit")
    git(tmp_path, "config", "automark.command", os.path.join(build, "automark"))
    return tmp_path


def commit(repo, text):
    (repo / "rules/10.yaml").write_text(text)
    git(repo, "add", "rules")
    return git(repo, "commit", "-q", "-m", "rules")


def test_good_rules_are_committed(repo):
    done = commit(repo, GOOD)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("old, new, words", [
    ("    when: {subject", "    wen: {subject", "rules/10.yaml:10:5: error"),
    ("'Re: hi', expect: no-match", "'Automatic reply', expect: no-match", "tests fail"),
])
def test_bad_rules_are_not(repo, old, new, words):
    assert old in GOOD
    done = commit(repo, GOOD.replace(old, new))
    assert done.returncode != 0
    assert words in done.stderr, done.stderr
    assert git(repo, "rev-parse", "-q", "--verify", "HEAD").returncode != 0


def test_the_index_counts_not_the_folder(repo):
    (repo / "rules/10.yaml").write_text("rules: [")
    git(repo, "add", "rules")
    (repo / "rules/10.yaml").write_text(GOOD)
    assert git(repo, "commit", "-q", "-m", "x").returncode != 0


def test_other_files_are_no_concern_of_it(repo):
    git(repo, "config", "automark.rules", "elsewhere")
    assert commit(repo, "rules: [").returncode == 0


def test_a_missing_program_is_said(repo):
    git(repo, "config", "automark.command", "no-such-automark")
    done = commit(repo, GOOD)
    assert done.returncode != 0 and "automark.command" in done.stderr


def test_a_commit_may_not_mark_more_than_agreed(repo):
    """The comparison runs from the second commit on, and its report says which replies."""
    events = repo / "events.ndjson"
    line = '{"workspace":"w","conversation":"c_%d","fields":{"subject":"%s"}}\n'
    events.write_text("".join(line % (n, s) for n, s in enumerate(["Automatic reply: a", "Away: b", "Away: c", "Re: d"])))
    git(repo, "config", "automark.events", str(events))
    assert commit(repo, GOOD).returncode == 0
    wider = GOOD.replace("'^automatic reply\\b'", "'^(automatic reply|away)\\b'")
    refused = commit(repo, wider)
    assert refused.returncode != 0, refused.stdout
    assert "2 newly marked" in refused.stderr and "c_2" in refused.stderr
    assert "more than 0 replies would become marked" in refused.stderr
    git(repo, "config", "automark.maxNewMarks", "2")
    assert commit(repo, wider).returncode == 0
    (events).unlink()
    broken = commit(repo, GOOD)
    assert broken.returncode != 0 and "events.ndjson" in broken.stderr
