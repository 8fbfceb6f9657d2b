#!/usr/bin/env python3
"""Is splitting linear? Times `automark text` on inputs of half and full size.

    tests/bench/text_linear.py BUILD/automark [KIBIBYTES]

Prints for each kind of input the seconds for both sizes and their ratio: about 2
is linear, 4 quadratic. Exit 1 when a ratio is above 3 with more than 0.2 s, or when
a mebibyte takes more than 3 seconds.
"""
import subprocess
import sys
import time

NEST = "".join("%s On Mon, 5 May 2025 at 10:30, Ada <ada@host.example> wrote:\n" % (">" * (i % 30 + 1))
               for i in range(30))
PLAIN = {
    "nested attributions": NEST,
    "base64": "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0\n",
    "base64 in one line": "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAx",
    "empty lines": "\n",
    "colons": "5:\n",
    "colons in one line": "to:from:",
    "labels and dates in one line": "to: 10:30 from:",
    "labels": "From: x\n",
    "labels, all of them": "From: a@b.c 10:30\nx\nTo: y\nx\nCc: z\nx\n",
    "half labels in one line": "from: to: x@y.z date: ",
    "verbs in one line": "On 5 May 10:30 a@b.c wrote: ",
    "verbs without a date": "On 5 x wrote: ",
    "verbs and names in one line": "schrieb Ada <a@b.c> x ",
    "long windows": ("On 5 " + "word " * 40 + "wrote x\n"),
    "half attributions": "On 5 May wrote Ada:\n",
    "answers": "> old words\nyes\n",
    "addresses in one line": "5 May x. y <a@b.c>: ",
    "colons behind addresses": "a@b.c: ",
    "colons far from verbs": "wrote x " * 10 + "5:30 ",
    "names in one line": "Ada <a@b.c> wrote 5/5/2025 (x: y ",
    "marks alone": "> On 5 May 2025 10:30 a@b.c wrote:\nyes\n",
    "blocks alone": "> From: a@b.c\n> Sent: 5 May 2025\nyes\n",
    "labels quoted": "> From: x\n",
    "code fences": "```\n> x\n",
    "frames in one line": "##- x -- == ",
    "banners": "[external]\n",
    "dashes": "--- ",
    "dashes in a run": "-",
    "devices": "Sent from my phone, but\n",
    "quote marks": ">",
    "marks on a letter": "e\u0301\u0323",
    "long decompositions": "\ufdfa",
    "flattened originals": "----- forwarded by ",
    "jokes": "From: us\nTo: you\nSubject: x\n" + "words\n" * 150 + "On 5 May 2025 10:30 Ada <a@b.c> wrote\n",
    "jokes one after the other": "From: us\nTo: you\nSubject: x\nwords\n",
    "answered quotations": "Ada wrote:\nada> x\n" + "yes\n" * 30,
    "stamps": "Ada ---5/5/2025 10:30 x ",
    "marks in one line": "On 5 May 2025 10:30 > x <a@b.c> wrote: ",
    "brackets": "[Ada, 2025-05-05]\nx\n",
    "greetings": "Hello Bo,\n\n",
    "greetings and small print": "Hello Bo,\n\nunsubscribe\n\n",
    "Notes tables": "5/5/2025 10:30\n\nTo\nx\n",
    "dashed lines over labels": "--- x ---\na: a@b.c\nb: 5/5/2025 10:30\n",
    "signs in one line": "wrote x 10:30 y ",
    "small print in one line": "unsubscribe > x ",
    "advertisements with a link": "x get outlook for ios aka.ms/x\n",
    "top marks": "On 5 May 2025 10:30 Ada <a@b.c> wrote:\n",
    "words": "some words of a usual mail, with a full stop. ",
}
HTML = {
    "divs": "<div>",
    "closed divs": "<div>x</div>",
    "paragraphs": "<p>words",
    "bold paragraphs": "<b><p>x",
    "bold with attributes": "<b id=%d><p>x",
    "links": "<a href=x><div>",
    "tables": "<table><tr><td>",
    "cells": "<td>x",
    "lists": "<ul><li>",
    "blockquotes": "<blockquote>x",
    "quotes and answers": "<blockquote>x</blockquote>y",
    "attributes": "<p a=1 b=2 c=3 d=4 e=5 f=6>",
    "one tag": " a%d=1",
    "comments": "<!-- x -->",
    "open comments": "<!--",
    "open styles": "<style>",
    "open quotes": "<a href=\"x",
    "addresses": "<ada@host.example> ",
    "misnested": "<b><i></b></i><p></div>",
    "entities": "&amp;&#39;&",
    "ends": "</div></p></b>",
    "less-than": "<",
    "breaks": "<br>",
    "gmail": "<div class=gmail_quote><blockquote>x</blockquote>y</div>",
    "forms": "<form><button><p>",
    "svg": "<svg><p>",
    "selects": "<select><option>",
    "unknown": "<x%d>",
}


def repeat(piece, size):
    if "%d" in piece:
        return "".join(piece % i for i in range(size // (len(piece) + 3)))[:size]
    return (piece * (size // len(piece.encode()) + 1))


def seconds(program, flag, text):
    best = 1e9
    for _ in range(2):
        start = time.monotonic()
        subprocess.run([program, "text", flag], input=text.encode(), stdout=subprocess.DEVNULL,
                       check=True, timeout=300)
        best = min(best, time.monotonic() - start)
    return best


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    size = int(sys.argv[2]) * 1024 if len(sys.argv) > 2 else 1024 * 1024
    bad = 0
    for flag, kinds in (("--plain", PLAIN), ("--html", HTML)):
        for name, piece in kinds.items():
            head = "<p" if name == "one tag" else ""
            half = seconds(sys.argv[1], flag, head + repeat(piece, size // 2))
            full = seconds(sys.argv[1], flag, head + repeat(piece, size))
            wrong = (full > 3 * half and full > 0.2) or full > 3 * size / 1048576
            bad += wrong
            print("%-8s %-28s %7.3f %7.3f %5.1f%s" % (flag, name, half, full, full / half,
                                                      "  <--" if wrong else ""), flush=True)
    sys.exit(1 if bad else 0)


main()
