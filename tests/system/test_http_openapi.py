"""The API description says what the tables of client/edge say: routes, members, problems."""
import os
import re

import yaml

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def rows(name, macro):
    with open(os.path.join(ROOT, "client/edge", name)) as f:
        return [[x.strip().strip('"') for x in re.split(r',\s*(?=(?:[^"]*"[^"]*")*[^"]*$)', line)]
                for line in re.findall(rf"^{macro}\((.*)\)$", f.read(), re.M)]


def description():
    with open(os.path.join(ROOT, "schemas/api/openapi.yaml")) as f:
        return yaml.safe_load(f)


def shape(path):
    return re.sub(r"\{.*?\}", "{}", path)


def test_routes():
    described = {(shape(path), method.upper()) for path, methods in description()["paths"].items() for method in methods}
    assert described == {(path, method) for _, _, method, path, _, _ in rows("routes.def", "ROUTE")}


def test_members():
    schema = description()["components"]["schemas"]["Submission"]
    kinds = {"STRING": ("string", None), "INSTANT": ("string", "date-time"), "OBJECT": ("object", None), "ARRAY": ("array", None)}
    members = rows("envelope.def", "ENVELOPE_MEMBER")
    assert set(schema["properties"]) == {name for _, name, _, _ in members}
    for _, name, kind, children in members:
        described = schema["properties"][name]
        assert (described["type"], described.get("format")) == kinds[kind], name
        if kind == "OBJECT" and children != "*":
            assert set(described["properties"]) == set(children.split()) and described["additionalProperties"] is False


def test_statuses():
    answers = set(description()["paths"]["/api/v1/subjects/{subjectId}/questionnaires"]["post"]["responses"])
    problems = {status for _, status, _, _ in rows("problems.def", "PROBLEM")}
    assert problems - {"405", "505"} <= answers


def test_references_resolve():
    whole = description()

    def walk(node):
        if isinstance(node, dict):
            if "$ref" in node:
                at = whole
                for step in node["$ref"].removeprefix("#/").split("/"):
                    at = at[step]
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(whole)
