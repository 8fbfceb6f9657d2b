#!/usr/bin/env python3
"""The main job on a SendKit of our own: quickstart.sh builds and starts this.

usage: quickstart.py BUILD-FOLDER [--once]

Exit code 0: every conversation ended as quickstart.json says; 1: one did not;
3: something could not be started.
"""
import json
import os
import pathlib
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unicodedata
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
COLOUR = sys.stdout.isatty() and not os.environ.get("NO_COLOR")


class Trouble(Exception):
    pass


def paint(code, text):
    return f"\033[{code}m{text}\033[0m" if COLOUR else text


def cell(text, width):
    """Cut or filled to so many columns; a CJK character takes two (UAX #11)."""
    shown, used = "", 0
    for c in text:
        wide = 2 if unicodedata.east_asian_width(c) in "WF" else 1
        if used + wide > width:
            break
        shown, used = shown + c, used + wide
    return shown + " " * (width - used)


def ask(url, body=None, key=None, timeout=20):
    request = urllib.request.Request(url, json.dumps(body).encode() if body is not None else None)
    request.add_header("Content-Type", "application/json")
    if key:
        request.add_header("X-Api-Key", key)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=timeout) as answer:
        return json.load(answer)


class Process:
    """A child whose lines go to the log; started once one of them says that it is ready."""

    def __init__(self, name, argv, ready, stream, log, env=None):
        self.name = name
        self.log = log
        self.ready = re.compile(ready)
        self.address = None
        self.said = threading.Event()
        self.seen = []
        self.process = subprocess.Popen(argv, env=env, text=True, stdin=subprocess.DEVNULL,
                                        **{stream: subprocess.PIPE}, start_new_session=True)
        lines = getattr(self.process, stream)
        threading.Thread(target=self.read, args=[lines], daemon=True).start()
        if not self.said.wait(20) or not self.address:
            self.stop()
            raise Trouble(f"{name} did not start:\n{''.join(self.seen)}")

    def read(self, lines):
        for line in lines:
            self.log.write(line)
            self.log.flush()
            if self.address:
                continue
            self.seen.append(line)
            found = self.ready.search(line)
            if found:
                self.address = found.group(1)
                self.said.set()
        self.said.set()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def start(build, folder):
    key, secret = "sk_demo_" + secrets.token_hex(12), secrets.token_hex(32)
    log = open(folder / "log.txt", "w", encoding="utf-8")
    sandbox = Process("the sandbox", [build / "automark-sandbox", "--listen", "127.0.0.1:0", "--key",
                                      key, "--secret", secret, "--with-parent"],
                      r"(http://127\.0\.0\.1:\d+)", "stdout", log)
    env = {k: v for k, v in os.environ.items() if not k.startswith(("AUTOMARK_", "SENDKIT_"))}
    env |= {"SENDKIT_API_KEY": key, "SENDKIT_WEBHOOK_SECRET": secret}
    try:
        automark = Process("automark", [build / "automark", "serve", "--listen", "127.0.0.1:0",
                                        "--store", f"sqlite:{folder}/automark.db", "--rules",
                                        HERE.parent / "rules", "--api-url", sandbox.address],
                           r'msg=listening .*address=(\S+)', "stderr", log, env)
    except Trouble:
        sandbox.stop()
        raise
    ask(sandbox.address + "/v1/webhooks", {
        "name": "quickstart", "url": f"http://{automark.address}/hooks/default", "secret": secret,
        "events": ["email.replied", "email.positive_reply"]}, key)
    return sandbox, automark, key


def deliver(api, case, message):
    facts = {"conversation": case["id"], "subject": message["subject"], "wait": True,
             "event": message.get("event", "email.replied")}
    facts["html" if message.get("html") else "text"] = message["body"]
    if "isAutoReply" in message:
        facts["isAutoReply"] = message["isAutoReply"]
    answer = ask(api + "/_sandbox/reply", facts)["deliveries"][0]
    verdict = answer["answer"]
    return json.loads(verdict) if isinstance(verdict, str) else verdict


def why(verdict):
    if verdict.get("reason") == "kept-reply":
        return f"{verdict.get('rule')}, but the conversation holds a kept reply"
    return verdict.get("rule") or verdict.get("reason") or verdict.get("error") or "-"


def show_decision(case, message, verdict):
    word, colour = {"queued": ("mark", "36"), "kept": ("keep", "32"),
                    "shadow": ("shadow", "33")}.get(verdict.get("status"), ("?", "31"))
    print(f"  {paint(colour, cell(word, 6))}  {cell(case['email'], 26)}  "
          f"{cell(message['subject'], 40)}  {why(verdict)}", flush=True)


def wait_settled(api, cases):
    """Marks are sent within a moment; what is not sent by then counts as it stands."""
    deadline = time.monotonic() + 15
    while True:
        state = ask(api + "/_sandbox/state")
        state = state.get("conversations", state)
        settled = all(state[c["id"]]["isRead"] == (c["expect"] == "read") for c in cases)
        if settled or time.monotonic() > deadline:
            return state
        time.sleep(0.1)


def row(*cells):
    print("  ".join(cell(text, width) for text, width in zip(cells, (8, 23, 37, 7, 16))), cells[5])


def table(cases, verdicts, state):
    bad = 0
    print()
    row("ID", "SENDER", "SUBJECT", "VERDICT", "RULE", " AT SENDKIT")
    for case in cases:
        verdict = verdicts[case["id"]]
        now = "read" if state[case["id"]]["isRead"] else "unread"
        bad += now != case["expect"]
        note = "" if now == case["expect"] else paint("31", f"  should be {case['expect']}")
        row(case["id"], case["email"], case["replies"][-1]["subject"], verdict.get("status", "?"),
            verdict.get("rule") or verdict.get("reason") or "-", f" {now}{note}")
    read = sum(1 for c in cases if state[c["id"]]["isRead"])
    print(f"\n{read} conversations marked as read, {len(cases) - read} left for a person"
          + (f"; {bad} NOT AS THEY SHOULD BE" if bad else ", all as they should be"))
    return bad


def demo(api, cases):
    ask(api + "/_sandbox/conversations", {"conversations": [
        {"id": c["id"], "email": c["email"], "firstName": c["name"]} for c in cases]})
    verdicts = {}
    print("Replies come in:", flush=True)
    for case in cases:
        for message in case["replies"]:
            verdict = deliver(api, case, message)
            show_decision(case, message, verdict)
            verdicts[case["id"]] = verdict
            time.sleep(0.1)
    return table(cases, verdicts, wait_settled(api, cases))


def stay(api, cases, folder):
    print(f"""
Still running; Ctrl-C ends it. The log: {folder}/log.txt
Send a reply of your own, and read the answer:

    curl -s {api}/_sandbox/reply -d '{{"conversation":"{cases[0]["id"]}","subject":"Re: hello","text":"Sounds good, call me tomorrow","wait":true}}'
""", flush=True)
    while True:
        time.sleep(3600)


def main():
    if len(sys.argv) not in (2, 3) or (len(sys.argv) == 3 and sys.argv[2] != "--once"):
        print(__doc__, file=sys.stderr)
        return 2
    # Also where a shell started this with SIGINT ignored; both end what was started here.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    cases = json.loads((HERE / "quickstart.json").read_text(encoding="utf-8"))["conversations"]
    processes = []
    with tempfile.TemporaryDirectory(prefix="automark-quickstart-") as name:
        try:
            folder = pathlib.Path(name)
            sandbox, automark, _ = start(pathlib.Path(sys.argv[1]).resolve(), folder)
            processes = [automark, sandbox]
            print(f"SendKit sandbox on {sandbox.address}, automark on http://{automark.address}, "
                  "rules from rules/\n")
            bad = demo(sandbox.address, cases)
            if len(sys.argv) == 2:
                stay(sandbox.address, cases, folder)
            return 1 if bad else 0
        except KeyboardInterrupt:
            print("\nstopping")
            return 0
        except (Trouble, urllib.error.URLError) as trouble:
            print(f"quickstart: {trouble}", file=sys.stderr)
            return 3
        finally:
            for process in processes:
                process.stop()


sys.exit(main())
