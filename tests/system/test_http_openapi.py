"""The API description says what the tables of client/edge say: routes, members, problems."""
import json
import os
import re

import pytest
import yaml

import openapi

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
    paths = description()["paths"]
    problems = {status for _, status, _, _, _ in rows("problems.def", "PROBLEM")} - {"405", "505"}
    corrections = {"412", "428"}
    assert problems - corrections <= set(paths["/api/v1/subjects/{subjectId}/questionnaires"]["post"]["responses"])
    assert corrections <= set(paths["/api/v1/submissions/{id}"]["put"]["responses"])
    known = problems | {"200", "201", "202", "304"}
    for path, methods in paths.items():
        for method, operation in methods.items():
            assert set(operation["responses"]) <= known, f"{method} {path}"


def test_bodies():
    """What a route takes: the media types, and whether it needs a token and a body."""
    whole = description()
    kinds = {(path, method): body for _, _, method, path, body, _ in rows("routes.def", "ROUTE")}
    for path, methods in whole["paths"].items():
        for method, operation in methods.items():
            body = operation.get("requestBody")
            taken = set(body["content"]) if body else set()
            wanted = {"OPEN": set(), "TOKEN": set(), "JSON": {"application/json"}, "OPTIONAL": {"application/json"},
                      "EITHER": {"application/json", "application/fhir+json"}}[kinds[shape(path), method.upper()]]
            assert taken == wanted, f"{method} {path}"
            if body:
                assert body.get("required", False) == (kinds[shape(path), method.upper()] != "OPTIONAL")
            open_route = kinds[shape(path), method.upper()] == "OPEN"
            assert open_route == (operation.get("security", whole["security"]) == []), f"{method} {path}"


def test_what_outcomes_carry():
    """Every member that is passed on from a worker stands in the receipt."""
    receipt = description()["components"]["schemas"]["Receipt"]["properties"]
    shown = {key for _, key, where in rows("outcome_payload.def", "PAYLOAD_MEMBER") if where == "SHOWN"}
    assert shown <= set(receipt)


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


def test_the_checker_of_answers_finds_faults():
    """openapi.check stands behind the other tests: it must see what they rely on it to see."""
    class Answer:
        def __init__(self, status, body, media="application/json"):
            self.status, self.body, self.headers = status, json.dumps(body).encode(), {"Content-Type": media}

    target, id = "/api/v1/submissions/batch", "12345678-1234-4234-8234-123456789abc"
    result = {"status": 201, "body": {"id": id, "status": "stored"}}
    openapi.check("POST", target, Answer(200, {"results": [result]}))
    for wrong in (Answer(200, {}), Answer(200, []), Answer(200, {"results": {}}), Answer(200, {"results": [{"status": 201}]}),
                  Answer(200, {"results": [{**result, "status": "201"}]}), Answer(201, {"results": []}),
                  Answer(200, {"results": [{**result, "body": {"id": id, "status": "lost"}}]}),
                  Answer(200, {"results": []}, "application/problem+json")):
        with pytest.raises(AssertionError):
            openapi.check("POST", target, wrong)
    assert openapi.operation_of("POST", target)["operationId"] == "submitBatch"
    assert openapi.operation_of("PUT", f"/api/v1/submissions/{id}?x=1")["operationId"] == "correct"
    assert openapi.operation_of("POST", "/nowhere") is None
    assert openapi.faults({"type": "object", "unheard": 1}, {}) == [": keyword unheard is not known to this test"]
