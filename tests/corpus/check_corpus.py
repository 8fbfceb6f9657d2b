#!/usr/bin/env python3
"""Check the reply corpus beside this file: fields, counts, languages, unique ids and texts, the split.

Prints every violation, then a table of counts; exit code 1 when anything is wrong.
usage: check_corpus.py [DIRECTORY]
"""
import collections
import json
import pathlib
import sys
import zlib

LANGS = "en de fr es it pt nl sv da no fi pl cs tr ru ja zh ko".split()
CLASSES = ("absence auto-ack bounce-hard bounce-soft bounce-blocked left-company "
           "opt-out not-interested wrong-person human").split()
FIELDS = {"id": str, "lang": str, "class": str, "part": str, "batch": int, "from": str, "subject": str,
          "html": bool, "body": str}
BATCHES = (1, 2, 3, 4, 5, 6)
MIN_TOTAL, MIN_PER_LANG, MIN_HUMAN, MIN_ABSENCE, MIN_EN = 1500, 50, 30, 12, 340
HUMAN_SHARE = 0.5                   # the costly mistakes are made on these, so they are at least half
HELD_OUT_SHARE = (0.25, 0.42)       # a third, give or take what a hash does
INVENTED = (".example", "@example.com", "@example.org", "@example.net")


def part_of(ident):
    """The split rule: nobody chooses, the id does."""
    return "held-out" if zlib.crc32(ident.encode()) % 3 == 0 else "dev"


def read(path, complain):
    """Yield (where, entry) for each line that is a JSON object."""
    for number, line in enumerate(path.read_text("utf-8").split("\n")[:-1], 1):
        where = f"{path.name}:{number}"
        try:
            entry = json.loads(line)
        except ValueError as error:
            complain(where, f"not JSON: {error}")
            continue
        if isinstance(entry, dict):
            yield where, entry
        else:
            complain(where, "not an object")


def check_entry(where, entry, path, complain):
    """Check one entry by itself; False when its fields cannot be relied on."""
    wrong = [k for k, t in FIELDS.items() if not isinstance(entry.get(k), t)]
    if wrong:
        complain(where, f"missing or of the wrong type: {', '.join(wrong)}")
        return False
    unknown = set(entry) - set(FIELDS) - {"note"}
    if unknown:
        complain(where, f"unknown fields: {', '.join(sorted(unknown))}")
    if entry["class"] not in CLASSES:
        complain(where, f"unknown class {entry['class']!r}")
    if entry["batch"] not in BATCHES:
        complain(where, f"{entry['id']}: unknown batch {entry['batch']!r}")
    if entry["lang"] != path.stem:
        complain(where, f"lang {entry['lang']!r} in a file named {path.name}")
    if entry["part"] != part_of(entry["id"]):
        complain(where, f"{entry['id']}: part is {entry['part']!r}, the rule says {part_of(entry['id'])!r}")
    if not entry["body"].strip():
        complain(where, f"{entry['id']}: empty body")
    if not entry["from"].isascii() or not entry["from"].endswith(INVENTED):
        complain(where, f"{entry['id']}: {entry['from']!r} is not an invented address")
    return True


def check_whole(entries, complain):
    """Check what only shows over all entries: counts, balance, repetitions."""
    total, human = len(entries), sum(e["class"] == "human" for e in entries)
    held = sum(e["part"] == "held-out" for e in entries)
    if total < MIN_TOTAL:
        complain("corpus", f"{total} entries, at least {MIN_TOTAL} wanted")
    if human < HUMAN_SHARE * total:
        complain("corpus", f"{human} of {total} are human, at least {HUMAN_SHARE:.0%} wanted")
    if total and not HELD_OUT_SHARE[0] <= held / total <= HELD_OUT_SHARE[1]:
        complain("corpus", f"{held} of {total} are held out, about a third wanted")
    for what in ("id", "body"):
        for value, count in collections.Counter(e[what] for e in entries).items():
            if count > 1:
                complain("corpus", f"{what} {value[:60]!r} occurs {count} times")
    for name in set(CLASSES) - {e["class"] for e in entries}:
        complain("corpus", f"no entry of class {name}")


def check_languages(entries, complain):
    count = collections.Counter((e["lang"], e["class"]) for e in entries)
    for lang in LANGS:
        total = sum(n for (l, _), n in count.items() if l == lang)
        wanted = MIN_EN if lang == "en" else MIN_PER_LANG
        for what, got, least in (("entries", total, wanted),
                                 ("human", count[lang, "human"], MIN_HUMAN),
                                 ("absence", count[lang, "absence"], MIN_ABSENCE)):
            if got < least:
                complain(lang, f"{got} {what}, at least {least} wanted")


def table(entries):
    """Counts by class and part, by batch, and by language."""
    by = collections.Counter((e["class"], e["part"]) for e in entries)
    print(f"{'class':<16}{'dev':>6}{'held-out':>10}")
    for name in CLASSES:
        print(f"{name:<16}{by[name, 'dev']:>6}{by[name, 'held-out']:>10}")
    parts = collections.Counter(e["part"] for e in entries)
    print(f"{'all':<16}{parts['dev']:>6}{parts['held-out']:>10}   ({len(entries)})")
    for batch in BATCHES:
        of = [e["class"] == "human" for e in entries if e["batch"] == batch]
        print(f"batch {batch}: {len(of)}, of these {sum(of)} human")
    langs = collections.Counter(e["lang"] for e in entries)
    print(" ".join(f"{lang} {langs[lang]}" for lang in LANGS))


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
    found = []

    def complain(where, what):
        found.append(what)
        print(f"{where}: {what}", file=sys.stderr)

    entries = []
    for path in sorted(folder.glob("*.ndjson")):
        if path.stem not in LANGS:
            complain(path.name, "not one of the corpus's languages")
        entries += [e for where, e in read(path, complain) if check_entry(where, e, path, complain)]
    check_whole(entries, complain)
    check_languages(entries, complain)
    table(entries)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
