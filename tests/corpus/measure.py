#!/usr/bin/env python3
"""Measure the shipped packs on the corpus: precision and recall per class, batch and part.

Sends every entry as a signed webhook to an `automark serve` of its own, and compares the
rule that decided (a shadow rule counts as if it were live) with the entry's class.
Prints a table in Markdown for each batch and one for all, then how many replies for people
(and how many `human` ones among them) live rules marked. Those false hits are listed for the
part `dev`; of `held-out` only the numbers are shown, so that nobody tunes on it.
Exit status: 0 fine, 1 a live rule marked a reply that a person should read, 3 trouble.
usage: measure.py [--automark PATH] [--rules PATH] [--batch N] [--misses]
"""
import argparse
import collections
import contextlib
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SECRET = "of-this-measurement-alone"
PARTS = ("dev", "held-out")
CLASSES = ("absence auto-ack bounce-hard bounce-soft bounce-blocked left-company "
           "opt-out not-interested wrong-person human").split()
LIVE = CLASSES[:5]      # what live rules are for; all else is for people
HUMAN, OTHER = CLASSES[-1:], CLASSES[5:-1]
CLASS_OF = {name: name for name in CLASSES} | {"receipt": "auto-ack", "challenge": "auto-ack"}


def class_of(rule):
    """The class that a rule of the packs stands for."""
    return CLASS_OF.get(rule, "absence") if rule else "human"


def event_of(entry):
    return {"event": "email.replied",
            "data": {"conversationId": entry["id"], "messageId": entry["id"],
                     "leadEmail": entry["from"], "subject": entry["subject"],
                     "replyText": entry["body"]}}


class Daemon:
    """automark serve in shadow mode, asked about one entry after another over its socket."""

    def __init__(self, automark, rules):
        self.folder = tempfile.TemporaryDirectory(prefix="automark-measure-")
        log = pathlib.Path(self.folder.name, "log")
        command = ["setpriv", "--pdeathsig", "KILL", automark, "serve", "--mode", "shadow", "--listen", "127.0.0.1:0",
                   "--store", f"sqlite:{self.folder.name}/store.db", "--rules", rules]
        environment = {"PATH": os.environ["PATH"], "SENDKIT_API_KEY": "sk_none", "SENDKIT_WEBHOOK_SECRET": SECRET}
        with open(log, "wb") as to:
            self.process = subprocess.Popen(command, stdout=to, stderr=to, env=environment)
        self.http = http.client.HTTPConnection("127.0.0.1", self._port(log), timeout=60)

    def _port(self, log):
        for _ in range(600):
            said = re.search(r"msg=listening address=127\.0\.0\.1:(\d+)", log.read_text("utf-8", "replace"))
            if said:
                return int(said.group(1))
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError(f"automark serve does not listen:\n{log.read_text('utf-8', 'replace')}")

    def __call__(self, entry):
        """(live rule that would mark or None, class of the rule that decided)."""
        body = json.dumps(event_of(entry)).encode()
        signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        self.http.request("POST", "/hooks/default", body,
                          {"Content-Type": "application/json", "X-Webhook-Signature": signature})
        said = json.loads(self.http.getresponse().read())
        if said["status"] == "error":
            raise RuntimeError(f"{entry['id']}: {said['error']}")
        if said["status"] != "shadow":
            return None, "human"
        live = said["rule"] if said["reason"] == "workspace-in-shadow" else None
        return live, class_of(said["rule"])

    def close(self):
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()


def read_corpus(batch=None):
    for path in sorted(HERE.glob("*.ndjson")):
        for line in path.read_text("utf-8").split("\n")[:-1]:
            entry = json.loads(line)
            if batch in (None, entry["batch"]):
                yield entry


def percent(hits, of):
    return f"{100 * hits / of:.0f} % ({hits}/{of})" if of else "-"


class Tally:
    """What was said of the entries, kept by batch; a batch of None asks about all of them."""

    def __init__(self):
        self.seen = collections.Counter()       # (batch, part, true class, class said)
        self.marked = collections.Counter()     # (batch, part, true class), by live rules
        self.false_hits, self.misses = [], []   # (part, id, rule or class said)

    def add(self, entry, live, said):
        batch, part, true = entry["batch"], entry["part"], entry["class"]
        self.seen[batch, part, true, said] += 1
        if live:
            self.marked[batch, part, true] += 1
        if live and true not in LIVE:
            self.false_hits.append((part, entry["id"], live))
        if said != true:
            self.misses.append((part, entry["id"], said))

    def batches(self):
        return sorted({key[0] for key in self.seen})

    def count(self, batch, part, true=None, said=None):
        return sum(n for (b, p, t, s), n in self.seen.items()
                   if batch in (None, b) and p == part and true in (None, t) and said in (None, s))

    def hits(self, batch, part, classes):
        """How many entries of these classes live rules marked."""
        return sum(n for (b, p, t), n in self.marked.items()
                   if batch in (None, b) and p == part and t in classes)

    def row(self, name, batch, part):
        right = self.count(batch, part, name, name)
        return (percent(right, self.count(batch, part, None, name)),
                percent(right, self.count(batch, part, name)))

    def live_row(self, batch, part):
        right = self.hits(batch, part, LIVE)
        of = sum(self.count(batch, part, name) for name in LIVE)
        return percent(right, self.hits(batch, part, CLASSES)), percent(right, of)

    def table(self, batch):
        yield "| class | " + " | ".join(f"{p} precision | {p} recall" for p in PARTS) + " |"
        yield "|---" * 5 + "|"
        for name in CLASSES:
            cells = [c for p in PARTS for c in self.row(name, batch, p)]
            yield f"| {name} | " + " | ".join(cells) + " |"
        cells = [c for p in PARTS for c in self.live_row(batch, p)]
        yield "| **marked by live rules** | " + " | ".join(cells) + " |"

    def harm(self):
        """The costly mistakes: replies for people that live rules marked, by batch and part."""
        yield "| marked by live rules | " + " | ".join(
            f"{p} human | {p} other for people" for p in PARTS) + " |"
        yield "|---" * 5 + "|"
        for batch in self.batches() + [None]:
            cells = [f"{self.hits(batch, p, names)} of {sum(self.count(batch, p, n) for n in names)}"
                     for p in PARTS for names in (HUMAN, OTHER)]
            yield f"| {name_of(batch)} | " + " | ".join(cells) + " |"


def name_of(batch):
    return "all" if batch is None else f"batch {batch}"


def report(tally, show_misses):
    batches = tally.batches()
    for batch in batches + [None] if len(batches) > 1 else batches:
        print(f"## {name_of(batch)}\n" + "\n".join(tally.table(batch)) + "\n")
    print("## replies for people\n" + "\n".join(tally.harm()))
    for part in PARTS:
        hits = [h for h in tally.false_hits if h[0] == part]
        print(f"\nfalse hits of live rules in {part}: {len(hits)}")
        for _, ident, rule in hits if part == "dev" else []:
            print(f"  {ident}: {rule}")
    for part, ident, said in tally.misses if show_misses else []:
        if part == "dev":
            print(f"  {ident}: taken for {said}")
    return 1 if tally.false_hits else 0


def main():
    args = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    args.add_argument("--automark", default=str(ROOT / "build" / "automark"))
    args.add_argument("--rules", default=str(ROOT / "rules"))
    args.add_argument("--batch", type=int, help="measure only this batch")
    args.add_argument("--misses", action="store_true", help="list the part dev's wrong classes")
    opt = args.parse_args()
    tally = Tally()
    try:
        with contextlib.closing(Daemon(opt.automark, opt.rules)) as daemon:
            for entry in read_corpus(opt.batch):
                tally.add(entry, *daemon(entry))
    except (OSError, RuntimeError, ValueError, KeyError) as trouble:
        print(f"measure.py: {trouble}", file=sys.stderr)
        return 3
    return report(tally, opt.misses)


if __name__ == "__main__":
    sys.exit(main())
