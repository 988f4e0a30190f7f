"""Holds answers against schemas/api/openapi.yaml: the rig of the HTTP tests asks about each that it gets.

Only as much of JSON Schema as the description uses; a keyword that is not known here is an error, so that nothing
is described that is never looked at.
"""
import functools
import json
import os
import re

import yaml

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EVERYWHERE = {405, 505}  # what no route lists: the method is not there, or the version
KINDS = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
NOTES = {"description", "format"}


@functools.cache
def description():
    with open(os.path.join(ROOT, "schemas/api/openapi.yaml")) as f:
        return yaml.safe_load(f)


def resolved(node):
    while "$ref" in node:
        at = description()
        for step in node["$ref"].removeprefix("#/").split("/"):
            at = at[step]
        node = at
    return node


def is_kind(value, kind):
    if isinstance(kind, list):
        return any(is_kind(value, k) for k in kind)
    if kind in ("integer", "number"):
        return isinstance(value, int if kind == "integer" else (int, float)) and not isinstance(value, bool)
    return isinstance(value, KINDS[kind])


def faults(schema, value, at=""):
    """What is wrong with the value, as texts; none: it fits."""
    schema, wrong = resolved(schema), []
    for keyword, said in schema.items():
        if keyword == "type":
            wrong += [] if is_kind(value, said) else [f"{at}: no {said}"]
        elif keyword == "const":
            wrong += [] if value == said else [f"{at}: not {said!r}"]
        elif keyword == "enum":
            wrong += [] if value in said else [f"{at}: {value!r} is none of {said}"]
        elif keyword == "pattern":
            wrong += [] if not isinstance(value, str) or re.search(said, value) else [f"{at}: not {said}"]
        elif keyword == "required":
            wrong += [f"{at}: no {name}" for name in said if isinstance(value, dict) and name not in value]
        elif keyword == "properties":
            for name in said:
                if isinstance(value, dict) and name in value:
                    wrong += faults(said[name], value[name], f"{at}/{name}")
        elif keyword == "additionalProperties":
            for name in value if isinstance(value, dict) else ():
                if name not in schema.get("properties", {}):
                    wrong += [f"{at}: {name} is not described"] if said is False else \
                        faults(said, value[name], f"{at}/{name}") if isinstance(said, dict) else []
        elif keyword == "items":
            for i, v in enumerate(value if isinstance(value, list) else ()):
                wrong += faults(said, v, f"{at}/{i}")
        elif keyword in ("minItems", "maxItems", "minLength", "maxLength"):
            if isinstance(value, (list, str)):
                wrong += [] if (len(value) >= said if keyword[:3] == "min" else len(value) <= said) else [f"{at}: {keyword}"]
        elif keyword in ("minimum", "maximum"):
            if is_kind(value, "number"):
                wrong += [] if (value >= said if keyword == "minimum" else value <= said) else [f"{at}: {keyword}"]
        elif keyword == "allOf":
            for part in said:
                wrong += faults(part, value, at)
        elif keyword in ("oneOf", "anyOf"):
            wrong += [] if any(not faults(part, value, at) for part in said) else [f"{at}: fits none of the {keyword}"]
        elif keyword not in NOTES:
            wrong.append(f"{at}: keyword {keyword} is not known to this test")
    return wrong


@functools.cache
def templates():
    """Paths without a hole go first, as the edge has it."""
    paths = sorted(description()["paths"], key=lambda p: "{" in p)
    return [(re.compile("".join("[^/]+" if part[0] == "{" else re.escape(part) for part in re.split(r"(\{.*?\})", p) if part)), p)
            for p in paths]


def operation_of(method, target):
    path = target.split("?")[0]
    for pattern, template in templates():
        if pattern.fullmatch(path):
            return description()["paths"][template].get("get" if method == "HEAD" else method.lower())
    return None


def check(method, target, answer):
    """Fails when an answer is not as its route describes it."""
    operation = operation_of(method, target)
    if operation is None or answer.status in EVERYWHERE:
        return
    told = operation["responses"].get(str(answer.status))
    assert told is not None, f"{method} {target}: {answer.status} is not described: {answer.body[:300]}"
    content = resolved(told).get("content", {})
    if method == "HEAD" or not answer.body:
        return
    media = answer.headers["Content-Type"].split(";")[0]
    assert media in content, f"{method} {target}: {answer.status} as {media} is not described"
    if media.endswith("json"):
        wrong = faults(content[media]["schema"], json.loads(answer.body))
        assert not wrong, f"{method} {target}: {answer.status}: {wrong}"
