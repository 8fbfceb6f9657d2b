"""The schemas of editors and `automark check`: the same keys, the same verdict on every sample, line by line."""

import json
import re

import pytest
import yaml
from daemon import DATA
from jsonschema import Draft7Validator, Draft202012Validator
from schemas import (ALL, CONFIG, RULES, TESTS, TOP, Document, Spot, blamed, every_property, leaves, lines_of, schema,
                     schema_for, used, validator)
from wait import SANITIZED

SHIPPED = sorted(TOP.glob("rules/*.yaml"))
GOOD = sorted([*DATA.glob("rules/good/*.yaml"), *DATA.glob("rules/lint/*.yaml"), *DATA.glob("rules/tests/*.yaml"),
               *DATA.glob("rules-e2e/*.yaml"), *DATA.glob("config/good/*.yaml"),
               *DATA.glob("config/good/workspaces.d/*.yaml")])
BAD = sorted([*DATA.glob("rules/bad/*.yaml"), *DATA.glob("rules/badtests/*.yaml"), *DATA.glob("config/bad/*.yaml")])

# Hundreds of processes that go the way of the sample files, which the sanitizer sees.
many = pytest.mark.skipif(SANITIZED, reason="the sample files are enough for a sanitizer")

# What a schema cannot know, by file, line and reason. Line 0 is the file as a whole.
PCRE, GROUP, OTHER_RULE = "the pattern's own syntax", "which groups are defined", "which rules there are"
PARTS, TWICE = "what parts of a webhook need of each other", "a key or name that stands twice"
UNKNOWABLE = {
    "config/bad/duplicate-key.yaml": {3: TWICE},
    "config/bad/include-missing.yaml": {0: "which files are there"},
    "config/bad/sizes.yaml": {11: "how long a duration is"},
    "config/bad/syntax.yaml": {3: "YAML's syntax"},
    "config/bad/verify.yaml": {4: "what listen says"},
    "config/bad/webhook-parts.yaml": {8: PARTS, 9: PARTS, 10: PARTS, 11: PARTS, 12: PARTS},
    "rules/bad/bad-define.yaml": {10: GROUP, 14: PCRE},
    "rules/bad/dates.yaml": {11: "which of two days is the first"},
    "rules/bad/duplicate-name.yaml": {6: TWICE},
    "rules/bad/duplicate-with-guard.yaml": {6: TWICE},
    "rules/bad/empty-file.yaml": {0: "other files of the folder; in an empty one nothing can be underlined"},
    "rules/bad/list-file.yaml": {6: "which files are there"},
    "rules/bad/missing-group.yaml": {7: GROUP, 8: GROUP},
    "rules/bad/pattern-double.yaml": {5: PCRE},
    "rules/bad/pattern-folded.yaml": {7: PCRE},
    "rules/bad/pattern-literal.yaml": {8: PCRE},
    "rules/bad/pattern-plain.yaml": {4: PCRE},
    "rules/bad/pattern-quoted.yaml": {4: PCRE},
    "rules/bad/syntax-and-no-more.yaml": {5: "YAML's syntax"},
    "rules/bad/tests.yaml": {15: OTHER_RULE, 16: OTHER_RULE, 17: OTHER_RULE, 20: "what stands in two keys"},
    "rules/bad/yaml-refusals.yaml": {4: "anchors", 5: "aliases", 6: TWICE},
    "rules/bad/active-order.yaml": {5: "which of two days is the first"},
    "rules/bad/anchor.yaml": {3: "anchors"},
    "rules/bad/define-dup.yaml": {4: TWICE},
    "rules/bad/dup-key.yaml": {5: TWICE},
    "rules/bad/in-dotdot.yaml": {5: "where a list file may lie"},
    "rules/bad/in-missing.yaml": {5: "which files are there"},
    "rules/bad/pattern-ref-python.yaml": {5: GROUP},
    "rules/bad/pattern-ref.yaml": {5: GROUP},
    "rules/bad/tag.yaml": {3: "tags"},
    "rules/bad/tests-none.yaml": {5: OTHER_RULE},
    "rules/bad/tests-unknown-rule.yaml": {5: OTHER_RULE},
    "rules/badtests/expects.test.yaml": {12: OTHER_RULE, 13: OTHER_RULE, 15: OTHER_RULE, 17: OTHER_RULE},
}
# Files whose only mistake is in a pattern's own syntax.
BAD_PATTERNS = {f"rules/bad/{name}.yaml" for name in """
    cjk-before combining-before crlf define-bad define-lookahead emoji-before group-by-python pattern-backref
    pattern-class pattern-dupname pattern-escape-u pattern-escape-unknown pattern-lookbehind-star
    pattern-lookbehind pattern-nojit pattern-paren-close pattern-paren pattern-posix pattern-prop pattern-quant-big
    pattern-quant-order pattern-quant pattern-verb-unknown style-crlf-folded style-double-esc-at style-double-esc
    style-double-multi style-except style-flow-multi style-folded-strip style-folded style-list-item
    style-list-literal style-literal-header-comment style-literal-keep style-literal style-plain-flow
    style-plain-multi style-plain-multi3 style-plain style-single-esc style-single-multi style-whole
""".split()}
# check does not say that 'when' is missing where another key was clearly meant for it.
SAID_ONCE = {"rules/bad/missing-blank-after-colon.yaml", "rules/bad/unknown-key-if.yaml",
             "rules/bad/unknown-key-in-rule.yaml"}
# PyYAML reads YAML 1.1, where a plain text in brackets has no question mark.
UNREADABLE = {"rules/tests/coverage.yaml"}


def name_of(path):
    return str(path.relative_to(DATA if DATA in path.parents else TOP))


def samples(paths):
    return pytest.mark.parametrize("path", paths, ids=name_of)


def check_args(path):
    if schema_for(path) == CONFIG:
        return ["--config", path]
    if "badtests" in path.parts:  # their rules
        return [DATA / "rules/tests/pass.yaml", path]
    return [path.parent if schema_for(path) == TESTS else path]


@pytest.fixture
def check(automark):
    """All that `automark check` has to say of a file."""

    def call(path, *args):
        done = automark("check", "--format", "json", *(args or check_args(path)))
        return [d for d in json.loads(done.stdout) if d["file"] == str(path) and d["severity"] == "error"]

    return call


def document(path):
    """None when it has no value to be judged: an editor's YAML parser marks the mistake by itself."""
    try:
        doc = Document(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        return None
    return None if doc.empty else doc


def mistakes(path, doc):
    return list(validator(schema_for(path)).iter_errors(doc.value))


# ---- the schemas by themselves ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ALL, ids=name_of)
def test_it_is_a_schema(path):
    """Of 2020-12, and of draft-07, by which some editors still judge a schema."""
    Draft202012Validator.check_schema(schema(path))
    Draft7Validator.check_schema(schema(path))


def parts(node):
    """All maps of a schema that are schemas or hold some."""
    if isinstance(node, dict):
        yield node
        for key, value in node.items():
            if key not in ("examples", "default", "enum"):
                yield from parts(value)
    elif isinstance(node, list):
        for value in node:
            yield from parts(value)


@pytest.mark.parametrize("path", ALL, ids=name_of)
def test_old_editors_decide_alike(path):
    """Beside $ref stand only words for people; nothing is used that draft-07 does not know."""
    text = json.dumps(schema(path))
    for word in ("unevaluated", "dependent", "prefixItems", "minContains", "$anchor", "$id"):
        assert f'"{word}' not in text
    for node in parts(schema(path)):
        if isinstance(node.get("$ref"), str):
            assert set(node) <= {"$ref", "description", "examples", "default", "$comment"}, node


def properties(keys_of=ALL):
    return [(text, name, spot) for path in keys_of for text, (name, spot) in every_property(path).items()]


def by_text(entry):
    return pytest.param(*entry[1:], id=entry[0])


@pytest.mark.parametrize("name, spot", map(by_text, properties()))
def test_every_key_is_described(name, spot):
    """In one line that helps in a completion popup, and with something to insert."""
    if name is None and "description" not in spot.node:
        return  # a name of one's own, and what stands under it is described
    words = spot.node["description"]
    assert 8 <= len(words) <= 160 and words.endswith("."), words
    target = spot.target().node
    inserts = [key for key in ("default", "enum", "examples") if key in spot.node or key in target]
    assert inserts or not name or "boolean" in target["type"], "an example, a default or a choice"
    choices = target.get("enumDescriptions")
    assert choices is None or len(choices) == len(target["enum"])


# ---- the same verdict ---------------------------------------------------------------------------------------------


def test_samples_are_found():
    assert len(GOOD) >= 10 and len(BAD) >= 55 and len(SHIPPED) >= 10
    names = {name_of(path) for path in GOOD + BAD}
    assert set(UNKNOWABLE) | UNREADABLE <= names


@pytest.mark.slow
def test_the_shipped_rules_are_valid(automark):
    assert automark("check", TOP / "rules").returncode == 0
    for path in SHIPPED:
        assert mistakes(path, document(path)) == [], path


@samples(GOOD)
def test_good_files_are_good_to_both(check, path):
    assert check(path) == []
    doc = document(path)
    assert (doc is None) == (name_of(path) in UNREADABLE)
    if doc:
        assert mistakes(path, doc) == []
        assert validator(schema_for(path), Draft7Validator).is_valid(doc.value)


@samples(BAD)
def test_bad_files_are_bad_to_both_in_the_same_lines(check, path):
    unknowable = UNKNOWABLE.get(name_of(path), {})
    said = {}
    for one in check(path):
        said.setdefault(one.get("line", 0), []).append(one["message"])
    assert set(unknowable) <= set(said)  # some files are only warned of
    doc = document(path)
    if doc is None or name_of(path) in BAD_PATTERNS:
        unknowable = dict.fromkeys(said, PCRE) | unknowable
    shown = [lines_of(doc, error) for error in mistakes(path, doc)] if doc else []
    for line, words in said.items():
        seen = any(line in lines for lines in shown)
        assert seen or line in unknowable, f"line {line}: check says {words}, the schema nothing"
        assert not (seen and line in unknowable), f"line {line}: the schema knows it after all"
    for lines in shown:
        assert lines & set(said) or name_of(path) in SAID_ONCE, f"the schema alone refuses lines {sorted(lines)}"
    if doc:
        assert validator(schema_for(path), Draft7Validator).is_valid(doc.value) == (not shown)


# ---- ways to write a value ----------------------------------------------------------------------------------------

RULE = "rules: [{name: a, when: {subject: x}, @}]"
WHEN = "rules: [{name: a, when: {@}}]"
NAMED = "rules: [{when: {subject: x}, @}]"
TEST = "rules: [{name: a, when: {subject: x}, tests: [{subject: x, @}]}]"
TOPMOST, DEFAULTS = "@", "defaults: {@}"
HOOK = "defaults: {webhook: {header: X-S, @}}"
# In which file, what both accept, what both refuse.
WRITTEN = [
    (RULE, """
        hold: 0 | hold: 5m | hold: '5m' | hold: 500ms | hold: 3650d
    """, """
        hold: 5 | hold: 5 m | hold: 1w | hold: 5M | hold: 1h30m | hold: 1e3 | hold: -5m | hold: soon | hold: true
    """),
    (RULE, """
        max_per_hour: 80 | max_per_hour: '80' | max_per_hour: 0 | max_per_hour: 1000000
    """, """
        max_per_hour: -1 | max_per_hour: 1.5 | max_per_hour: 1000001 | max_per_hour: many | max_per_hour: true
    """),
    (RULE, """
        about: 12 | about: yes | about: true | about: 1.5 | labels: {a: true, b: 12, 3: c}
    """, """
        about: '' | about: [a] | labels: {a: ''} | labels: {a: [b]} | labels: [a]
    """),
    (RULE, """
        active: {from: 2027-03-01} | active: {until: '2027-03-01'}
    """, """
        active: {from: 2027-3-1} | active: {from: 20270301} | active: {from: 2027-02-30}
        active: {until: 2027-13-01} | active: {} | active: 2027-03-01
    """),
    (RULE, """
        except: [{domain: {is: x.com}, until: 2027-03-01}] | except: [{/data/x: y}]
    """, """
        except: [] | except: [{because: x}] | except: [{}] | except: [{domain: x, because: ''}]
        except: {domain: x}
    """),
    (NAMED, """
        name: a-1 | name: 404 | name: '404' | name: true
    """, """
        name: A | name: a_b | name: '' | name: 1.5 | name: [a] | name: look | name: no-match
        name: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    """),
    (WHEN, """
        subject: 12 | subject: true | subject: 1.5 | subject: yes | subject: [1, a] | subject: 2027-03-01
    """, """
        subject: '' | subject: | subject: [] | subject: [''] | subject: [[a]] | subject: {} | subject: {is: }
        subject: {is: []} | 'subject': "\\bx"
    """),
    (WHEN, """
        auto_reply: true | auto_reply: False | auto_reply: 'true' | auto_reply: {present: TRUE}
    """, """
        auto_reply: yes | auto_reply: on | auto_reply: 1 | auto_reply: [true] | auto_reply: {is: true}
        auto_reply: tRUE | auto_reply: {}
    """),
    (WHEN, """
        reply: {max_chars: 80} | reply: {max_chars: '80'} | reply: {present: False} | tag: {is: [1, true]}
        reply: {whole: 5}
    """, """
        reply: {max_chars: 65537} | reply: {max_chars: -1} | reply: {present: off} | reply: {in: a.yaml}
        reply: {in: [a]} | reply: {has: x}
    """),
    (WHEN, """
        /data/x: true | /: x | /a~1b: x | not: [{subject: a}, {reply: b}] | all: [[{subject: a}], {not: {reply: b}}]
        any: {subject: a, reply: b}
    """, """
        data/x: a | /a~2: x | not: {} | not: a | all: [] | all: a | any: {not: {subject: x}}
        any: [{not: {subject: x}}] | not: [{not: {subject: x}}] | any: [a]
    """),
    (TEST, """
        now: 2026-08-01 | now: '2026-08-01T09:00:00Z' | now: 2026-08-01 09:00:00+02:00
        now: 2026-08-01t09:00:00.123z
    """, """
        now: tomorrow | now: 2026-08-01T09:00 | now: 2026-08-01T25:00:00Z | now: 12 | now: '09:00' | now: ''
    """),
    (TEST, """
        reply: '' | reply: 12 | tags: vip | tags: [1, a] | unknown: tag | unknown: [tag, reply] | expect: a
        expect: {kept-by: b} | kept-by: b | /data/x: false
    """, """
        reply: | reply: [a] | reply: {is: a} | tags: {is: a} | unknown: tog | unknown: [/data/x] | expect: {}
        expect: [a] | expect: {kept: b} | expect: | auto_reply: yes
    """),
    (TOPMOST, """
        listen: 127.0.0.1:80 | listen: '[::1]:80' | listen: localhost:80 | admin: {listen: '127.0.0.1:1'}
    """, """
        listen: 8085 | listen: localhost | listen: example.com:80 | listen: '::1:80' | listen: [a] | listen: ''
    """),
    (TOPMOST, """
        max_body: 4096 | max_body: '4096' | max_body: 512KiB | max_body: 1MB | max_body: 2M
    """, """
        max_body: 1 MiB | max_body: 1GiB | max_body: 100 | max_body: 1mib | max_body: -1 | max_body: true
        max_body: 1.5MiB
    """),
    (TOPMOST, """
        watch: true | watch: False | watch: 'false'
    """, """
        watch: yes | watch: off | watch: 1 | watch: tRue
    """),
    (TOPMOST, """
        capture: off | capture: {events: 7d} | capture: {}
    """, """
        capture: on | capture: false | capture: 7d | capture: {events: 7} | capture: [off] | capture: 
    """),
    (TOPMOST, """
        retention: 30d | store: sqlite:a.db | workspaces: {A_b-9: } | workspaces: {1: {mode: live}}
        admin: {open: healthz} | admin: {open: [metrics]}
    """, """
        retention: 30 | store: a.db | store: 'sqlite:' | store: sqlite:a/ | store: 'sqlite::memory:'
        workspaces: {a.b: {}} | workspaces: [a] | workspaces: {a: []} | admin: {open: ready} | admin: {open: {a: b}}
        defaults: 
    """),
    (DEFAULTS, """
        api_url: https://x | api_url: 'https://[::1]:9/a/b' | api_url: 'https://{workspace}.x.com:443/'
        api_url: http://127.0.0.2:80 | api_url: http://LOCALHOST/x
    """, """
        api_url: http://x | api_url: ftp://x | api_url: https:// | api_url: https://a@x | api_url: 'https://x/?a'
        api_url: https://x:0 | api_url: https://x:65536 | api_url: 'https://x y' | api_url: 'http://[::2]'
        api_url: 'https://x/#'
    """),
    (DEFAULTS, """
        overrides: {a: off} | overrides: {a: {hold: 0}} | overrides: {a: {}}
    """, """
        overrides: {a: on} | overrides: {a: false} | overrides: {a: } | overrides: {a: [off]} | overrides: [a]
    """),
    (DEFAULTS, """
        api_key: {file: a} | api_key: {env: A} | api_key: {credential: a.b} | workspace_id: 12 | workspace_id: ws_1
    """, """
        api_key: abc | api_key: {} | api_key: {file: ''} | api_key: {file: a, env: b} | api_key: {credential: a/b}
        api_key: {credential: .a} | api_key: {file: a, until: 2027-01-01} | workspace_id: a b | workspace_id: ä
        workspace_id: [a]
    """),
    (DEFAULTS, """
        send: {batch: 1} | send: {batch: '5000'} | max_per_hour: 0 | fields: {reply: /a}
        fields: {name: ['/a /b~1', /]} | fields: {reply: []} | require_guards: [] | rules: [a, b] | rules: []
    """, """
        send: {batch: 0} | send: {max_in_flight: 17} | send: 5 | max_per_hour: 1000000001 | fields: {reply: a}
        fields: {reply: /a~2} | fields: {reply: '/a  /b'} | fields: {workspace: /a} | rules: {a: b} | rules: [[a]]
        rules: ''
    """),
    (HOOK, """
        signed: 'a{body}' | prefix: '' | prefix: 5 | prefix_optional: True
        tolerance: 5m, signed: '{timestamp}.{body}', timestamp_header: X-T | secrets: []
        secrets: [{file: a, until: 2027-03-01, secret_form: hex}]
        secrets: [{env: A, until: '2027-03-01T00:00:00Z'}]
    """, """
        signed: '{raw}' | signed: 'a}{body}' | prefix: [a] | prefix_optional: yes | tolerance: soon
        secrets: {file: a} | secrets: [a] | secrets: [{until: 2027-03-01}] | secrets: [{file: a, env: b}]
        secrets: [{file: a, until: soon}] | id_header: a b | separator: ';'
    """),
]


def written():
    for form, *both in WRITTEN:
        for accepted, texts in zip((True, False), both):
            for text in filter(None, map(str.strip, re.split(r" \| |\n", texts))):
                yield pytest.param(form, text, accepted, id=f"{'good' if accepted else 'bad'}: {text[:40]}")


def judge(check, folder, form, text):
    """What both say of one small file."""
    configuration = form in (TOPMOST, DEFAULTS, HOOK)
    path = folder / ("config" if configuration else "rules") / "a.yaml"
    path.parent.mkdir()
    path.write_text(form.replace("@", text))
    foreign = re.compile(r"there is no rule|cannot be opened|marks and cannot keep")
    found = check(path, *(["--config", path] if configuration else [path]))
    return [d["message"] for d in found if not foreign.match(d["message"])], mistakes(path, document(path))


@many
@pytest.mark.slow
@pytest.mark.parametrize("form, text, accepted", written())
def test_ways_to_write_it(check, folder, form, text, accepted):
    said, shown = judge(check, folder, form, text)
    assert (said == []) == accepted, said
    assert (shown == []) == accepted, shown


# Where they differ, and why that is right or cannot be helped.
DIFFERENT = [
    (RULE, "about: null", True, False, "a bare null or ~ is nothing to YAML tools: it wants quotes"),
    (WHEN, "subject: ~", True, False, "the same"),
    (RULE, "active: {from: 2027-02-29}", False, True, "no pattern knows leap years"),
    (RULE, "hold: 0x0", False, True, "editors hand over numbers, not how they were written"),
    (TOPMOST, "retention: 1s", False, True, "how long a duration is"),
    (TOPMOST, "listen: 999.0.0.1:80", False, True, "what an address may be"),
]


@pytest.mark.parametrize("form, text, to_check, to_schema, why", DIFFERENT, ids=[d[1] for d in DIFFERENT])
def test_known_differences(check, folder, form, text, to_check, to_schema, why):
    said, shown = judge(check, folder, form, text)
    assert (said == [], shown == []) == (to_check, to_schema), why


# ---- the same keys ------------------------------------------------------------------------------------------------

A_RULE = {"name": "a", "when": {"subject": "x"}}
A_TEST = {"subject": "x"}
SOURCES = {"file", "env", "credential"}


def rule(**more):
    return {"rules": [{**A_RULE, **more}]}


def hook(keys):
    return {"defaults": {"webhook": {"header": "X-S", "signed": "{body}", **keys}}}


# Where keys can stand: how a file is made that has some there.
PLACES = {
    (RULES, ""): lambda keys: {**rule(), **keys},
    (RULES, "rule"): lambda keys: rule(**keys),
    (RULES, "guard"): lambda keys: {"guards": [{**A_RULE, **keys}]},
    (RULES, "active"): lambda keys: rule(active=keys),
    (RULES, "conditions"): lambda keys: rule(when=keys),
    (RULES, "exception"): lambda keys: rule(**{"except": [{"domain": "x", **keys}]}),
    (RULES, "question"): lambda keys: rule(when={"subject": keys}),
    (RULES, "flag"): lambda keys: rule(when={"auto_reply": keys}),
    (RULES, "test"): lambda keys: rule(tests=[{**A_TEST, **keys}]),
    (RULES, "test/properties/expect"): lambda keys: rule(tests=[{**A_TEST, "expect": keys}]),
    (CONFIG, ""): lambda keys: keys,
    (CONFIG, "workspace"): lambda keys: {"workspaces": {"a": keys}},
    (CONFIG, "admin"): lambda keys: {"admin": keys},
    (CONFIG, "webhook"): hook,
    (CONFIG, "send"): lambda keys: {"defaults": {"send": keys}},
    (CONFIG, "capture"): lambda keys: {"capture": keys},
    (CONFIG, "override"): lambda keys: {"defaults": {"overrides": {"a": keys}}},
    (CONFIG, "fields"): lambda keys: {"defaults": {"fields": keys}},
    (CONFIG, "secret"): lambda keys: {"defaults": {"api_key": keys}},
    (CONFIG, "hookSecret"): lambda keys: hook({"secrets": [keys if SOURCES & set(keys) else {"file": "x", **keys}]}),
}
REFUSED = re.compile(r"has no '|there is no field '|belongs (under|to) |a guard has no |auto_reply takes|has no pointers|"
                     r": a secret can have")
LISTED = re.compile(r"it can have (.*)|it can be (.*)|or (is, .*)|can have (file, .*)")
STRANGE = "zqxjvkzqxjvk"


def place_spot(place):
    path, name = place
    return Spot(path, ["$defs", *name.split("/")] if name else [])


def complaints(check, folder, place, keys):
    """{key: message} for each of keys that check does not know at a place."""
    path = folder / place[0].name.replace(".schema.json", "-probe.yaml")
    text = json.dumps(PLACES[place]({key: "1" for key in keys}), indent=1)
    path.write_text(text)
    lines = text.split("\n")
    args = ["--config", path] if place[0] == CONFIG else [path]
    found = {}
    for one in check(path, *args):
        key = re.match(r' *"(.*?)":|', lines[one.get("line", 1) - 1]).group(1)
        if key in keys and REFUSED.search(one["message"]) and "no field '1'" not in one["message"]:
            found[key] = one["message"]
    return found


def listed(message):
    words = next(filter(None, LISTED.search(message).groups()))
    return {word for word in re.split(r"[, ]+", words) if word not in ("or", "and")}


def chunks(keys, size=25):
    keys = sorted(keys)
    return [keys[i:i + size] for i in range(0, len(keys), size)]


@many
@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES, ids=lambda p: f"{p[0].name}#{p[1]}")
def test_both_know_the_same_keys(check, folder, place):
    """Every key of any schema, and every key that check itself names, is tried at every place."""
    named = set().union(*(listed(complaints(check, folder, other, [STRANGE])[STRANGE]) for other in PLACES))
    candidates = named | {name for _, name, _ in properties() if name} | {STRANGE}
    refused = {}
    for keys in chunks(candidates):
        refused.update(complaints(check, folder, place, keys))
    known = candidates - set(refused)
    assert known == {name for name, _, _ in place_spot(place).children() if name}


def test_every_place_with_keys_is_among_them():
    spots = {str(place_spot(place)) for place in PLACES}
    for path in (RULES, CONFIG):
        for name, node in schema(path)["$defs"].items():
            own = [key for key, sub in node.get("properties", {}).items() if sub is not False]
            assert not own or f"{path.name}#/$defs/{name}" in spots, name


def test_a_test_file_has_one_key(automark, folder):
    assert list(schema(TESTS)["properties"]) == ["tests"]
    (folder / "a.yaml").write_text(json.dumps(rule()))
    for name in ("a", "tests", "rules"):
        (folder / "a.test.yaml").write_text(json.dumps({"tests": [], **({} if name == "tests" else {name: []})}))
        assert (automark("check", folder).returncode == 0) == (name == "tests")


def examples():
    for place in PLACES:
        for name, _, spot in place_spot(place).children():
            node = {**spot.target().node, **spot.node}
            values = node.get("examples", []) + node.get("enum", []) + ([node["default"]] if "default" in node else [])
            for value in values if name else []:
                yield pytest.param(place, name, value, id=f"{place[1]}.{name}: {json.dumps(value)[:40]}")


@many
@pytest.mark.slow
@pytest.mark.parametrize("place, name, value", examples())
def test_what_is_offered_is_right(check, folder, place, name, value):
    """Each example, choice and default, put into a file; what other keys and files would have to say is left out."""
    path = folder / ("config" if place[0] == CONFIG else "rules") / "a.yaml"
    path.parent.mkdir()
    (path.parent / "partners.txt").write_text("ann@example.com\n")
    whole = PLACES[place]({name: value})
    path.write_text(json.dumps(whole))
    foreign = re.compile(r"there is no rule|include: .* is not there|webhook: .*(header|signed|field)|.* is required")
    said = check(path, *(["--config", path] if place[0] == CONFIG else [path]))
    assert [d["message"] for d in said if not foreign.match(d["message"])] == []
    assert list(validator(place[0]).iter_errors(whole)) == []


# ---- samples of every key -----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_every_key_stands_in_a_good_file():
    found = set()
    for path in GOOD + SHIPPED:
        doc = document(path)
        if doc:
            used(Spot(schema_for(path)), doc.value, found)
    assert [text for text, _, _ in properties() if text not in found] == []


def test_every_key_is_wrong_in_a_bad_file():
    found = set()
    for path in BAD:
        doc = document(path)
        for error in mistakes(path, doc) if doc else []:
            found |= {blamed(schema_for(path), leaf) for leaf in leaves(error)}
    assert [text for text, _, _ in properties() if text not in found] == []


def test_defaults_are_written_down():
    """good/defaults.yaml spells them; test_config.c holds that file against the code."""
    doc = document(DATA / "config/good/defaults.yaml").value
    spots = {(): Spot(CONFIG), ("defaults",): Spot(CONFIG, ["$defs", "workspace"]),
             ("defaults", "send"): Spot(CONFIG, ["$defs", "send"]),
             ("defaults", "webhook"): Spot(CONFIG, ["$defs", "webhook"])}
    for keys, spot in spots.items():
        part = doc
        for key in keys:
            part = part[key]
        for name, _, child in spot.children():
            if "default" in child.node:
                assert part[name] == child.node["default"], name


# ---- files that say where their schema is ---------------------------------------------------------------------------


@samples(SHIPPED + sorted(TOP.glob("deploy/**/automark*.y*ml")))
def test_shipped_files_name_their_schema(path):
    first = path.read_text(encoding="utf-8").split("\n")[0]
    named = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
    assert named, first
    assert (path.parent / named.group(1)).resolve() == schema_for(path)


@pytest.mark.parametrize("guide", ["rules/README.md", "deploy/README.md", "README.md"])
def test_examples_of_the_guides_are_valid(guide):
    """Whole files, that is: those that begin with a key of one."""
    blocks = re.findall(r"^```yaml\n(.*?)^```$", (TOP / guide).read_text(encoding="utf-8"), re.M | re.S)
    for block in blocks:
        kind = CONFIG if re.match(r"listen:|defaults:|workspaces:", block) else RULES
        if kind == CONFIG or re.match(r"rules:|define:|guards:", block):
            assert list(validator(kind).iter_errors(Document(block).value)) == [], block
