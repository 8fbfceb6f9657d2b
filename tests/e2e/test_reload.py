"""Rules change while the daemon runs: on SIGHUP and by themselves, all or nothing, never to an empty set."""

import os
import shutil

import pytest
from daemon import write_rules
from wait import eventually, stays

YELLOW = "rules:\n  - name: yellow\n    when: {reply: 'yellow'}\n"
GREEN = "rules:\n  - name: green\n    when: {reply: 'green'}\n"
BROKEN = "rules:\n  - name: green\n    when: {reply: '(green'}\n"


def knows(daemon, word):
    """Whether a rule marks that word."""
    return daemon.reply("c_" + os.urandom(8).hex(), f"this is {word}").status == 202


@pytest.fixture
def daemon(daemons, sandbox):
    return daemons(sandbox, rules={"10.yaml": YELLOW})


def wait_knows(daemon, word, seconds=10):
    eventually(lambda: knows(daemon, word), lambda: f"{word} is known\n{daemon.log()[-2000:]}", seconds, 0.1)


def still_knows(daemon, word, seconds=1.5):
    stays(lambda: knows(daemon, word), f"{word} was forgotten", seconds)


def replace_in_place(path, text):
    path.write_text(text)


def replace_by_rename(path, text):
    other = path.with_suffix(".tmp")
    other.write_text(text)
    os.rename(other, path)


def replace_like_an_editor(path, text):
    """vim: the old file is moved away, a new one written, the old removed."""
    backup = path.with_name(path.name + "~")
    os.rename(path, backup)
    path.write_text(text)
    backup.unlink()


@pytest.mark.parametrize("how", [replace_in_place, replace_by_rename, replace_like_an_editor])
@pytest.mark.threads
def test_a_change_is_noticed(daemon, how):
    assert knows(daemon, "yellow") and not knows(daemon, "green")
    how(daemon.rules / "10.yaml", GREEN)
    wait_knows(daemon, "green")
    assert not knows(daemon, "yellow")


@pytest.mark.slow
def test_a_new_file_and_a_removed_file_are_noticed(daemon):
    (daemon.rules / "20.yml").write_text(GREEN)
    wait_knows(daemon, "green")
    (daemon.rules / "10.yaml").unlink()
    eventually(lambda: not knows(daemon, "yellow"), "yellow is gone", 10, 0.1)
    assert knows(daemon, "green")


@pytest.mark.slow
def test_sighup_without_watching(daemons, sandbox, folder):
    rules = write_rules(folder / "r", {"10.yaml": YELLOW})
    daemon = daemons(sandbox, config=f"""
rules: ['{rules}']
watch: false
defaults: {{api_url: '{sandbox.url}', api_key: {{env: SENDKIT_KEY}}}}
workspaces: {{default: {{webhook: {{secrets: [{{env: HOOK_SECRET}}]}}}}}}
""", env={"SENDKIT_KEY": sandbox.key, "HOOK_SECRET": sandbox.secret})
    (rules / "10.yaml").write_text(GREEN)
    still_knows(daemon, "yellow")
    daemon.hup()
    wait_knows(daemon, "green")


@pytest.mark.threads
def test_a_broken_change_keeps_the_running_set(daemon):
    (daemon.rules / "10.yaml").write_text(BROKEN)
    daemon.wait_log(r"10\.yaml")
    still_knows(daemon, "yellow", 0.5)
    ready = daemon.admin("/readyz")
    assert ready.status == 200 and "10.yaml" in ready.body.decode(), ready
    (daemon.rules / "10.yaml").write_text(GREEN)
    wait_knows(daemon, "green")
    eventually(lambda: "10.yaml" not in daemon.admin("/readyz").body.decode(), "the warning is over")


@pytest.mark.slow
def test_one_broken_file_stops_the_whole_change(daemon):
    (daemon.rules / "05.yaml").write_text(GREEN.replace("green", "blue"))
    wait_knows(daemon, "blue")
    (daemon.rules / "10.yaml").write_text(BROKEN)
    (daemon.rules / "05.yaml").write_text(GREEN.replace("green", "red"))
    daemon.hup()
    daemon.wait_log(r"10\.yaml")
    assert knows(daemon, "blue") and knows(daemon, "yellow") and not knows(daemon, "red")


@pytest.mark.parametrize("disaster", ["emptied", "vanished", "hollow"])
@pytest.mark.slow
def test_an_empty_folder_never_replaces_a_good_set(daemon, disaster):
    if disaster == "emptied":
        (daemon.rules / "10.yaml").unlink()
    elif disaster == "vanished":
        shutil.rmtree(daemon.rules)
    else:
        (daemon.rules / "10.yaml").write_text("rules: []\n")
    daemon.hup()
    still_knows(daemon, "yellow")
    assert daemon.admin("/readyz").json["warnings"]
    daemon.rules.mkdir(exist_ok=True)
    (daemon.rules / "10.yaml").write_text(GREEN)
    wait_knows(daemon, "green")


@pytest.mark.slow
def test_a_swapped_symlink_is_noticed(daemons, sandbox, folder):
    """As ConfigMaps and releases do it: the folder is a link that is replaced."""
    write_rules(folder / "v1", {"10.yaml": YELLOW})
    write_rules(folder / "v2", {"10.yaml": GREEN})
    os.symlink("v1", folder / "current")
    daemon = daemons(sandbox, rules=folder / "current")
    assert knows(daemon, "yellow")
    os.symlink("v2", folder / "next")
    os.rename(folder / "next", folder / "current")
    wait_knows(daemon, "green")
    assert not knows(daemon, "yellow")
    (folder / "v2" / "10.yaml").write_text(YELLOW)
    wait_knows(daemon, "yellow")


@pytest.mark.slow
def test_a_start_with_broken_rules_runs_on_the_last_good_set(daemon):
    daemon.stop()
    (daemon.rules / "10.yaml").write_text(BROKEN)
    daemon.start()
    assert knows(daemon, "yellow")
    assert "level=error" in daemon.log(since_start=True) or "level=warn" in daemon.log(since_start=True)
    assert "10.yaml" in daemon.admin("/readyz").body.decode()
    (daemon.rules / "10.yaml").write_text(GREEN)
    wait_knows(daemon, "green")


@pytest.mark.parametrize("files", [{"10.yaml": BROKEN}, {}], ids=["broken", "empty"])
def test_a_first_start_without_good_rules_is_refused(daemons, sandbox, files):
    daemon = daemons(sandbox, rules=files, start=False).launch()
    eventually(lambda: daemon.process.poll() is not None, "it ends")
    assert daemon.process.returncode in (1, 3)
    assert ("10.yaml" if files else "rules") in daemon.log()


def test_waiting_marks_of_a_vanished_rule_are_parked(daemons, sandbox):
    held = "rules:\n  - name: yellow\n    when: {reply: 'yellow'}\n    hold: 1h\n"
    daemon = daemons(sandbox, rules={"10.yaml": held})
    one = sandbox.conversation()
    assert daemon.says(one, "yellow").is_ == (202, "queued")
    (daemon.rules / "10.yaml").write_text(GREEN)
    daemon.wait_job(one, "parked")
    assert sandbox.calls() == []


@pytest.mark.slow
def test_waiting_marks_of_a_rule_put_in_shadow_are_parked(daemons, sandbox):
    held = "rules:\n  - name: yellow\n    when: {reply: 'yellow'}\n    hold: 1h\n"
    daemon = daemons(sandbox, rules={"10.yaml": held})
    one = sandbox.conversation()
    assert daemon.says(one, "yellow").is_ == (202, "queued")
    (daemon.rules / "10.yaml").write_text(held + "    state: shadow\n")
    daemon.wait_job(one, "parked")


@pytest.mark.threads
@pytest.mark.slow
def test_reloading_under_load_never_shows_half_a_set(daemon):
    """Both files change together; every answer is by the old pair or by the new one."""
    pair = lambda word: {"10.yaml": f"rules:\n  - name: a\n    when: {{reply: '{word}'}}\n",
                         "20.yaml": "rules:\n  - name: b\n    when: {reply: 'yellow|green'}\n"}
    write_rules(daemon.rules, pair("green"))
    wait_knows(daemon, "green")
    for n in range(20):
        write_rules(daemon.rules, pair(("yellow", "green")[n % 2]))
        daemon.hup()
        for word in ("yellow", "green"):
            assert knows(daemon, word)
