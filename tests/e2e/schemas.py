"""The JSON Schemas that editors complete from, and YAML read the way editors read it."""

import functools
import json
import pathlib
import re
import warnings

import yaml
from jsonschema import Draft7Validator, Draft202012Validator

with warnings.catch_warnings():  # its successor is not in Debian 12
    warnings.simplefilter("ignore", DeprecationWarning)
    from jsonschema import RefResolver

TOP = pathlib.Path(__file__).parents[2]
RULES, TESTS, CONFIG = (TOP / name for name in ("rules/rules.schema.json", "rules/tests.schema.json",
                                                "deploy/automark.schema.json"))
ALL = (RULES, TESTS, CONFIG)

# ---- YAML ---------------------------------------------------------------------------------------------------------

# The core schema of YAML 1.2 (chapter 10.3.2), which editors use: dates, yes, no and off are strings.
CORE = [
    (re.compile(r"null|Null|NULL|~|"), lambda text: None),
    (re.compile(r"true|True|TRUE"), lambda text: True),
    (re.compile(r"false|False|FALSE"), lambda text: False),
    (re.compile(r"[-+]?[0-9]+"), int),
    (re.compile(r"0o[0-7]+"), lambda text: int(text[2:], 8)),
    (re.compile(r"0x[0-9a-fA-F]+"), lambda text: int(text, 16)),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
    (re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"), lambda text: float(text.replace(".", ""))),
]


def scalar(node):
    if node.style is None:
        for form, make in CORE:
            if form.fullmatch(node.value):
                return make(node.value)
    return node.value


class Document:
    """A file's value, and the lines of each key and value by its path."""

    def __init__(self, text):
        self.lines = {}
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        self.empty = node is None
        self.value = None if self.empty else self.build(node, (), None)

    def build(self, node, path, key):
        line = node.start_mark.line + 1
        self.lines[path] = {line} | ({key} if key else set())
        if isinstance(node, yaml.ScalarNode):
            if node.style in ("|", ">"):  # automark means the first line of content
                self.lines[path].add(line + 1)
            return scalar(node)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, path + (i,), None) for i, item in enumerate(node.value)]
        return {k.value: self.build(v, path + (k.value,), k.start_mark.line + 1) for k, v in node.value}


# ---- schemas ------------------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=None)
def schema(path):
    return json.loads(path.read_text(encoding="utf-8"))


@functools.lru_cache(maxsize=None)
def validator(path, draft=Draft202012Validator):
    store = {one.as_uri(): schema(one) for one in ALL}
    return draft(schema(path), resolver=RefResolver(path.as_uri(), schema(path), store=store))


def schema_for(path):
    if path.name.endswith((".test.yaml", ".test.yml")):
        return TESTS
    return CONFIG if "config" in path.parts or "deploy" in path.parts else RULES


class Spot:
    """A place in a schema: the file, the pointer as keys, and what stands there."""

    def __init__(self, path, keys=()):
        self.path, self.keys = path, tuple(keys)
        self.node = schema(path)
        for key in self.keys:
            self.node = self.node[key]

    def __str__(self):
        return f"{self.path.name}#/{'/'.join(map(str, self.keys))}"

    def step(self, *keys):
        return Spot(self.path, self.keys + keys)

    def follow(self):
        file, pointer = self.node["$ref"].split("#")
        return Spot(self.path.with_name(file) if file else self.path, pointer.split("/")[1:])

    def target(self):
        """Where $ref leads in the end, or the spot itself."""
        return self.follow().target() if isinstance(self.node, dict) and "$ref" in self.node else self

    def same(self):
        """A property that is nothing but another one, by $ref, is that one."""
        only_ref = isinstance(self.node, dict) and set(self.node) == {"$ref"}
        return self.follow().same() if only_ref and "/properties/" in self.node["$ref"] else self

    def children(self):
        """Properties and patternProperties that stand here: (key or None, pattern or None, spot)."""
        for name, sub in self.node.get("properties", {}).items():
            if sub is not False:
                yield name, None, self.step("properties", name)
        for pattern in self.node.get("patternProperties", {}):
            yield None, pattern, self.step("patternProperties", pattern)

    def branches(self):
        """Schemas for the very same value."""
        for key in ("allOf", "anyOf", "oneOf"):
            for i, _ in enumerate(self.node.get(key, [])):
                yield self.step(key, i)


def every_property(path):
    """All keys that a schema offers, by name: {text of spot: (key or None, spot)}."""
    found = {}

    def walk(spot):
        if isinstance(spot.node, list):
            for i, _ in enumerate(spot.node):
                walk(spot.step(i))
        if not isinstance(spot.node, dict):
            return
        for name, _, child in spot.children():
            found[str(child.same())] = (name, child.same())
        for key in spot.node:
            if key not in ("not", "examples", "default", "enum"):
                walk(spot.step(key))

    walk(Spot(path))
    return {text: entry for text, entry in found.items() if entry[1].path == path}


def used(spot, value, found):
    """Adds to found the text of each property that value, valid under spot, has."""
    spot = spot.target()
    if not isinstance(spot.node, dict):
        return found
    for branch in spot.branches():
        used(branch, value, found)
    if isinstance(value, list) and isinstance(spot.node.get("items"), dict):
        for item in value:
            used(spot.step("items"), item, found)
    if isinstance(value, dict):
        for key, item in value.items():
            for name, pattern, child in spot.children():
                if key == name or (pattern and re.search(pattern, key)):
                    found.add(str(child.same()))
                    used(child, item, found)
    return found


def leaves(error):
    """The error, and those of the alternatives below it."""
    yield error
    for inner in error.context:
        yield from leaves(inner)


def blamed(path, error):
    """The text of the innermost property whose value the error is about, or None."""
    spot, found, before = Spot(path), None, None
    for step in error.absolute_schema_path:
        spot = spot.target().step(step)
        if before in ("properties", "patternProperties"):
            spot = spot.same()
            found = str(spot)
        before = step
    return found


def lines_of(document, error):
    """The lines at which an editor would show it."""
    found = set()
    for leaf in leaves(error):
        path = tuple(leaf.absolute_path)
        found |= document.lines[path]
        if leaf.validator == "additionalProperties" and isinstance(leaf.instance, dict):
            known = leaf.schema.get("properties", {})
            patterns = leaf.schema.get("patternProperties", {})
            for key in leaf.instance:
                if key not in known and not any(re.search(p, key) for p in patterns):
                    found |= document.lines[path + (key,)]
    return found
