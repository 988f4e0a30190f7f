"""Synthetic people whose every word carries a mark, a form that asks for all of them, and a search for the marks.

A mark stands in no code, no definition and no key, so a single one found anywhere but in schema identity is a
person in the wrong place, whoever it is. Each mark is looked for in the ways a program may write it.
"""
import base64
import os
import subprocess
import unicodedata
import urllib.parse

DEFINITION = "http://hl7.org/fhir/StructureDefinition/Patient#Patient."
OURS = "https://sluice.example/fhir/StructureDefinition/"
# Birth dates are a few that stand nowhere else; the other marks are parts of every value of their kind.
BORN = [f"19{20 + 3 * n}-{1 + n % 12:02}-{1 + n:02}" for n in range(20)]
MARKS = ["Qvärnolf", "Zimtstörk", "Gänseblümelweg", "Quarkhausen", "4915170707", "015170707", "wunschpost", "QXZ70707",
         "QVRNPIX", "Tantolga", "Droptexxt", "Spitznämchen", *BORN]


def suffix(n):
    """A number as letters: part of words that are one person's alone."""
    return "".join("abcdefghij"[int(d)] for d in f"{n:04}")


def person(n):
    return {"name": f"Qvärnolf{suffix(n)} Zimtstörk{suffix(n)}", "address": f"Gänseblümelweg {n}{suffix(n)}, 70707 Quarkhausen",
            "phone": f"+4915170707{n:04}", "born": BORN[n % len(BORN)], "mail": f"qvaernolf.{n}@wunschpost.example",
            "passport": f"QXZ70707{n:04}", "secret": f"Droptexxt{suffix(n)}", "nick": {"text": f"Spitznämchen{suffix(n)}"},
            "photo": {"contentType": "image/png", "data": base64.b64encode(f"PNG QVRNPIX{suffix(n)} PNG".encode()).decode()},
            "kin": [{"kinName": f"Tantolga{suffix(n)}", "kinPhone": f"+4915170707{n:04}1"}, {"kinName": f"Tantolgaus {n}"}]}


def words(n):
    """What is this person's alone."""
    p = person(n)
    return [*p["name"].split(), f"{n}{suffix(n)}", p["phone"], p["mail"], p["passport"], p["secret"], f"Tantolga{suffix(n)}",
            f"QVRNPIX{suffix(n)}", p["nick"]["text"]]


def identifier(kind, action="encrypt"):
    return {"extension": [{"url": OURS + "identifier", "extension": [
        {"url": "kind", "valueCode": kind}, {"url": "action", "valueCode": action}]}]}


def form():
    def item(link, type="string", **more):
        return {"linkId": link, "type": type, "text": link, **more}

    def rule(id, severity, value, **more):
        parts = [{"url": "id", "valueId": id}, {"url": "item", "valueString": "pain"}, {"url": "op", "valueCode": ">="},
                 {"url": "value", "valueDecimal": value}, {"url": "severity", "valueCode": severity}]
        return {"url": OURS + "alert", "extension": parts + [{"url": "always", "valueBoolean": True}]}

    return {"resourceType": "Questionnaire", "url": "https://example.org/contact", "version": "1", "name": "contact",
            "status": "active", "extension": [rule("pain-high", "urgent", 7), rule("pain-some", "info", 3)], "item": [
                item("name", definition=DEFINITION + "name", maxLength=60), item("address", "text", definition=DEFINITION + "address"),
                item("phone", definition=DEFINITION + "telecom"), item("born", "date", **identifier("birthDate", "year")),
                item("mail", **identifier("email")), item("passport", **identifier("identifier")),
                item("secret", **identifier("other", "drop")),
                item("nick", "open-choice", answerOption=[{"valueCoding": {"code": "none"}}], **identifier("other")),
                item("photo", "attachment", definition=DEFINITION + "photo"),
                item("kin", "group", repeats=True, item=[item("kinName", definition=DEFINITION + "contact", **identifier("other")),
                                                         item("kinPhone", **identifier("other"))]),
                item("pain", "integer", required=True), item("notes", "text")]}


VALUES = {"born": "valueDate", "pain": "valueInteger", "photo": "valueAttachment"}


def resource(subject, answers, **more):
    """The same as a QuestionnaireResponse, with a person in every place where FHIR has one for it."""
    name = answers.get("name", "")

    def item(link, value):
        if link == "kin":
            return [{"linkId": "kin", "text": name, "item": sum([item(k, v) for k, v in one.items()], [])} for one in value]
        if link == "nick":
            value = value["text"]
        return [{"linkId": link, "text": name, "answer": [{VALUES.get(link, "valueString"): value}]}]

    return {"resourceType": "QuestionnaireResponse", "questionnaire": "contact|1", "status": "completed",
            "authored": "2026-11-22T08:00:00+01:00", "subject": {"reference": f"Patient/{subject}", "display": name},
            "author": {"display": name}, "source": {"display": name},
            "text": {"status": "generated", "div": f"<div xmlns=\"http://www.w3.org/1999/xhtml\">{name}</div>"},
            "contained": [{"resourceType": "Patient", "id": "p", "name": [{"text": name}]}],
            "item": sum([item(k, v) for k, v in answers.items()], []), **more}


def encodings(word):
    """Bytes by which a program might write a word."""
    for text in {word, word.lower(), word.upper(), word.replace(" ", ""), unicodedata.normalize("NFD", word)}:
        plain = text.encode()
        yield from (plain, text.encode("latin-1", "ignore"))
        yield from (plain.hex().encode(), plain.hex().upper().encode())
        yield urllib.parse.quote(text).encode()
        escaped = "".join(c if c.isascii() else f"\\u{ord(c):04x}" for c in text)
        yield from (escaped.encode(), escaped.replace("\\", "\\\\").encode(), plain.hex(" ").encode())
        yield "".join(chr(b) if b < 128 else f"\\x{b:02x}" for b in plain).encode()
        yield "".join(chr(b) if b < 128 else f"\\{b:03o}" for b in plain).encode()
        for offset in range(3):  # base64 has three ways to begin; the characters that neighbours change are left out
            code = base64.b64encode(b"\0" * offset + plain)
            yield code[(0, 2, 3)[offset]:len(code.rstrip(b"=")) - (1 if (offset + len(plain)) % 3 else 0)]
            yield base64.urlsafe_b64encode(b"\0" * offset + plain)[(0, 2, 3)[offset]:-4]


def search(words_, *folders, without=()):
    """file: what was found, for all files below folders; without: names of files that are our own input."""
    patterns = {p for w in words_ for p in encodings(w) if len(p) > 6}
    found = subprocess.run(["grep", "-raoFf", "/dev/stdin", *(f"--exclude={n}" for n in without), *folders],
                           input=b"\n".join(sorted(patterns)) + b"\n", capture_output=True, env={**os.environ, "LC_ALL": "C"})
    assert found.returncode in (0, 1), found.stderr
    return sorted({line.decode("latin-1") for line in found.stdout.splitlines()})
