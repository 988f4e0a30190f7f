"""The hostile input itself: requests whose framing lies, JSON that must not pass, answers of wrong types.

Only tables; what must come of each stands in the tests that read them. MARK stands for a submitted value.
"""
import json

from fleet import DIARY, TOKEN
from hostile import MARK

PATH = "/api/v1/subjects/SUB123/questionnaires"
BODY = {"subjectId": "SUB123", "questionnaire": "daily-diary", "version": "1.0",
        "submitAt": "2026-11-22T08:00:00+01:00", "answers": {**DIARY, "notes": MARK}}
TEXT = json.dumps(BODY)
BEGIN = f"POST {PATH} HTTP/1.1\r\n"
HOST = "Host: sluice\r\n"
REST = f"Authorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n"
HEAD = BEGIN + HOST + REST
CHUNKS = f"{len(TEXT):x}\r\n{TEXT}\r\n0\r\n\r\n"
CHUNKED = HEAD + "Transfer-Encoding: chunked\r\n\r\n"
ANSWERS = ('{"subjectId":"SUB123","questionnaire":"daily-diary","submitAt":"2026-11-22T08:00:00Z",'
           '"answers":%s}')
LONE = r'"\ud800"'

# Each is ambiguous or malformed: refused once, the connection closed.
SMUGGLING = {
    "content-length twice": HEAD + f"Content-Length: {len(TEXT)}\r\nContent-Length: 0\r\n\r\n" + TEXT,
    "content-length twice, equal":
        HEAD + f"Content-Length: {len(TEXT)}\r\nContent-Length: {len(TEXT)}\r\n\r\n" + TEXT,
    "content-length list": HEAD + f"Content-Length: {len(TEXT)}, {len(TEXT)}\r\n\r\n" + TEXT,
    "content-length plus sign": HEAD + f"Content-Length: +{len(TEXT)}\r\n\r\n" + TEXT,
    "content-length negative": HEAD + "Content-Length: -1\r\n\r\n" + TEXT,
    "content-length hexadecimal": HEAD + f"Content-Length: {len(TEXT):#x}\r\n\r\n" + TEXT,
    "content-length of nothing": HEAD + "Content-Length:\r\n\r\n" + TEXT,
    "content-length with a space inside": HEAD + "Content-Length: 1 0\r\n\r\n" + TEXT,
    "content-length past 64 bits": HEAD + f"Content-Length: {2**64 + len(TEXT)}\r\n\r\n" + TEXT,
    "content-length in other digits": HEAD + "Content-Length: \u0661\u0662\r\n\r\n" + TEXT,
    "length and chunked": HEAD + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
    "chunked and length": HEAD + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n" + CHUNKS,
    "coding xchunked": HEAD + "Transfer-Encoding: xchunked\r\n\r\n" + CHUNKS,
    "coding chunked, identity": HEAD + "Transfer-Encoding: chunked, identity\r\n\r\n" + CHUNKS,
    "coding identity": HEAD + "Transfer-Encoding: identity\r\n\r\n" + CHUNKS,
    "coding gzip, chunked": HEAD + "Transfer-Encoding: gzip, chunked\r\n\r\n" + CHUNKS,
    "coding chunked twice": HEAD + "Transfer-Encoding: chunked, chunked\r\n\r\n" + CHUNKS,
    "coding header twice":
        HEAD + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + CHUNKS,
    "coding in quotes": HEAD + 'Transfer-Encoding: "chunked"\r\n\r\n' + CHUNKS,
    "coding with a parameter": HEAD + "Transfer-Encoding: chunked;q=1\r\n\r\n" + CHUNKS,
    "coding behind a vertical tab": HEAD + "Transfer-Encoding: \x0bchunked\r\n\r\n" + CHUNKS,
    "coding of nothing": HEAD + "Transfer-Encoding:\r\n\r\n" + CHUNKS,
    "space before the colon": HEAD + "Transfer-Encoding : chunked\r\n\r\n" + CHUNKS,
    "tab before the colon": HEAD + "Content-Length\t: 5\r\n\r\n" + TEXT,
    "space before a name": HEAD + " Transfer-Encoding: chunked\r\n\r\n" + CHUNKS,
    "folded line": HEAD + "X-Note: a\r\n Transfer-Encoding: chunked\r\n\r\n" + CHUNKS,
    "folded first line": BEGIN + " X: 1\r\n" + HOST + REST + "\r\n",
    "null in a name": HEAD + "Transfer\x00-Encoding: chunked\r\n\r\n" + CHUNKS,
    "null in a value": HEAD + "X-Note: a\x00b\r\n\r\n",
    "carriage return alone in a value": HEAD + "X-Note: a\rTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
    "line feed alone": HEAD.replace("\r\n", "\n") + f"Content-Length: {len(TEXT)}\n\n" + TEXT,
    "one line feed alone": HEAD + f"X: 1\nContent-Length: {len(TEXT)}\r\n\r\n" + TEXT,
    "carriage returns doubled": HEAD + f"X: 1\r\r\nContent-Length: {len(TEXT)}\r\n\r\n" + TEXT,
    "no host": BEGIN + REST + f"Content-Length: {len(TEXT)}\r\n\r\n" + TEXT,
    "two hosts": BEGIN + HOST + HOST + REST + f"Content-Length: {len(TEXT)}\r\n\r\n" + TEXT,
    "host of nothing": BEGIN + "Host:\r\n" + REST + f"Content-Length: {len(TEXT)}\r\n\r\n" + TEXT,
    "host with a path": BEGIN + "Host: a/b@c\r\n" + REST + f"Content-Length: {len(TEXT)}\r\n\r\n" + TEXT,
    "1.0 with a coding": HEAD.replace("1.1", "1.0") + "Transfer-Encoding: chunked\r\n\r\n" + CHUNKS,
    "header without a name": HEAD + ": x\r\n\r\n",
    "header without a colon": HEAD + "X-Note\r\n\r\n",
    "name with a space": HEAD + "Content Length: 5\r\n\r\n" + TEXT,
    "name in brackets": HEAD + "(Content-Length): 5\r\n\r\n" + TEXT,
    "two tokens": HEAD + f"Authorization: Bearer {TOKEN}\r\nContent-Length: {len(TEXT)}\r\n\r\n" + TEXT,
    "two keys":
        HEAD + f"Idempotency-Key: a\r\nIdempotency-Key: b\r\nContent-Length: {len(TEXT)}\r\n\r\n" + TEXT,
    "two content types": HEAD + f"Content-Type: text/plain\r\nContent-Length: {len(TEXT)}\r\n\r\n" + TEXT,
    "two spaces": HEAD.replace("POST ", "POST  ") + f"Content-Length: {len(TEXT)}\r\n\r\n" + TEXT,
    "tab in the request line":
        HEAD.replace(" HTTP", "\tHTTP") + f"Content-Length: {len(TEXT)}\r\n\r\n" + TEXT,
    "version of old": HEAD.replace(" HTTP/1.1", "") + "\r\n",
    "absolute target":
        HEAD.replace(PATH, "http://evil" + PATH) + f"Content-Length: {len(TEXT)}\r\n\r\n" + TEXT,
    "target with a fragment": HEAD.replace(PATH, PATH + "#x") + f"Content-Length: {len(TEXT)}\r\n\r\n" + TEXT,
    "target in 8 bit": HEAD.replace(PATH, PATH + "\u00e9") + f"Content-Length: {len(TEXT)}\r\n\r\n" + TEXT,
    "lower-case method": HEAD.replace("POST", "post") + f"Content-Length: {len(TEXT)}\r\n\r\n" + TEXT,
    "unheard-of method": HEAD.replace("POST", "SMUGGLE") + f"Content-Length: {len(TEXT)}\r\n\r\n" + TEXT,
    "tunnel": "CONNECT evil:443 HTTP/1.1\r\nHost: evil\r\n\r\n",
    "http/2's preface": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "another protocol": "HELO sluice\r\nMAIL FROM:<a@b>\r\n\r\n",
}

# Behind a head that says chunked.
BAD_CHUNKS = {
    "size negative": "-1\r\n",
    "size with a sign": f"+{len(TEXT):x}\r\n{TEXT}\r\n0\r\n\r\n",
    "size with 0x": f"0x{len(TEXT):x}\r\n{TEXT}\r\n",
    "size past 64 bits": f"1{len(TEXT):016x}\r\n{TEXT}\r\n0\r\n\r\n",
    "size of nothing": f"\r\n{TEXT}\r\n0\r\n\r\n",
    "size that lies short": f"5\r\n{TEXT}\r\n0\r\n\r\n",
    "size line by line feed": f"{len(TEXT):x}\n{TEXT}\n0\n\n",
    "data without its end": f"{len(TEXT):x}\r\n{TEXT}XX0\r\n\r\n",
    "space before the size": f" {len(TEXT):x}\r\n{TEXT}\r\n0\r\n\r\n",
    "extensions without end": f"{len(TEXT):x};{'x' * 40000}\r\n{TEXT}\r\n0\r\n\r\n",
    "extension with a line feed": f"{len(TEXT):x};a\nb\r\n{TEXT}\r\n0\r\n\r\n",
    "a trailer": f"{len(TEXT):x}\r\n{TEXT}\r\n0\r\nContent-Length: 5\r\n\r\n",
    "a trailer that authorizes": f"{len(TEXT):x}\r\n{TEXT}\r\n0\r\nAuthorization: Bearer {TOKEN}\r\n\r\n",
}

# Bodies of well-framed requests: 400.
BAD_JSON = {
    "nothing": "",
    "blanks": " \n ",
    "a brace": "{",
    "no value": '{"subjectId":',
    "two values": TEXT + TEXT,
    "a tail": TEXT + MARK,
    "an array": f'["{MARK}"]',
    "a text": f'"{MARK}"',
    "null": "null",
    "a comment": TEXT[:-1] + f"/*{MARK}*/" + "}",
    "a comma too many": TEXT[:-1] + ",}",
    "single quotes": TEXT.replace('"', "'"),
    "NaN": ANSWERS % '{"pain":NaN}',
    "Infinity": ANSWERS % '{"pain":-Infinity}',
    "leading zero": ANSWERS % '{"pain":007}',
    "plus": ANSWERS % '{"pain":+1}',
    "dot": ANSWERS % '{"pain":.5}',
    "dot at the end": ANSWERS % '{"pain":5.}',
    "hexadecimal": ANSWERS % '{"pain":0x1F}',
    "literal in capitals": ANSWERS % '{"tookMedication":TRUE}',
    "byte order mark": b"\xef\xbb\xbf" + TEXT.encode(),
    "UTF-16": TEXT.encode("utf-16"),
    "deep arrays": ANSWERS % ('{"x":' + "[" * 5000 + "]" * 5000 + "}"),
    "deep objects": ANSWERS % ('{"a":' * 5000 + "1" + "}" * 5000),
    "deep and not closed": "[" * 60_000,
    "depth 65": ANSWERS % ('{"x":' + "[" * 65 + "]" * 65 + "}"),
    "twice": ANSWERS % f'{{"pain":1,"pain":2,"notes":"{MARK}"}}',
    "twice by escape": ANSWERS % '{"pain":1,"p\\u0061in":2}',
    "twice on top": TEXT[:-1] + f',"answers":{{"notes":"{MARK}"}}}}',
    "twice among many": ANSWERS % ("{" + ",".join(f'"k{i}":1' for i in range(3000)) + ',"k1234":2}'),
    "bad UTF-8": (ANSWERS % '{"notes":"@"}').encode().replace(b"@", MARK.encode() + b"\xff"),
    "overlong": (ANSWERS % '{"notes":"@"}').encode().replace(b"@", b"\xc0\xaf"),
    "surrogate in UTF-8": (ANSWERS % '{"notes":"@"}').encode().replace(b"@", b"\xed\xa0\x80"),
    "past Unicode": (ANSWERS % '{"notes":"@"}').encode().replace(b"@", b"\xf5\x80\x80\x80"),
    "cut UTF-8": (ANSWERS % '{"notes":"@"}').encode().replace(b"@", b"\xe2\x82"),
    "lone surrogate": ANSWERS % f'{{"notes":{LONE}}}',
    "lone low surrogate": ANSWERS % r'{"notes":"\udc00x"}',
    "surrogates swapped": ANSWERS % r'{"notes":"\udc00\ud800"}',
    "lone surrogate in a name": ANSWERS % r'{"\ud800":1}',
    "null character": ANSWERS % r'{"notes":"a\u0000b"}',
    "control character": ANSWERS % '{"notes":"a\x01b"}',
    "control by escape": ANSWERS % r'{"notes":"\u001b[31m"}',
    "raw line break": ANSWERS % f'{{"notes":"{MARK}\n"}}',
    "bad escape": ANSWERS % r'{"notes":"\x41"}',
    "cut escape": ANSWERS % r'{"notes":"\u12"}',
    "number bomb": ANSWERS % '{"pain":1e131071}',
    "small bomb": ANSWERS % '{"pain":1e-131071}',
    "exponent past all": ANSWERS % ('{"pain":1e' + "9" * 1000 + "}"),
    "35 digits": ANSWERS % ('{"temperature":1.' + "1" * 34 + "}"),
    "60,000 digits": ANSWERS % ('{"pain":' + "9" * 60_000 + "}"),
    "many bombs": ANSWERS % ('{"x":[' + ",".join(["1e131071"] * 6000) + "]}"),
    "integer past 64 bits": ANSWERS % '{"pain":18446744073709551616}',
    "unknown member": TEXT[:-1] + f',"{MARK}":1}}',
    "member __proto__": TEXT[:-1] + ',"__proto__":{}}',
    "answers as text": ANSWERS % json.dumps(json.dumps({"notes": MARK})),
    "answers as array": ANSWERS % f'["{MARK}"]',
    "answers null": ANSWERS % "null",
    "no answers": '{"subjectId":"SUB123","submitAt":"2026-11-22T08:00:00Z"}',
    "no subject": TEXT.replace('"subjectId": "SUB123", ', ""),
    "another subject": TEXT.replace("SUB123", MARK),
    "subject a number": TEXT.replace('"SUB123"', "123"),
    "questionnaire an object": TEXT.replace('"daily-diary"', f'{{"x":"{MARK}"}}'),
    "submitAt without a zone": TEXT.replace("+01:00", ""),
    "submitAt of text": TEXT.replace("2026-11-22T08:00:00+01:00", MARK),
    "submitAt on 30 February": TEXT.replace("2026-11-22T08", "2026-02-30T08"),
    "device a text": TEXT[:-1] + f',"device":"{MARK}"}}',
    "device with more": TEXT[:-1] + f',"device":{{"{MARK}":"x"}}}}',
    "id of nothing": TEXT[:-1] + ',"id":""}',
    "id too long": TEXT[:-1] + f',"id":"{"x" * 129}"}}',
}

# Well-formed, but not what the daily diary takes: 422.
WRONG_ANSWERS = [
    {"pain": MARK}, {"pain": 2.5}, {"pain": 2**40}, {"pain": [1, 2]}, {"pain": {"value": MARK}},
    {"pain": True}, {"nausea": MARK}, {"nausea": 7}, {"nausea": {"code": MARK}},
    {"tookMedication": "true"}, {"diaryDate": MARK}, {"diaryDate": "2026-02-30"},
    {"wokeAt": "2026-11-22T08:00:00"}, {"sleep": [MARK]}, {"sleep": {"a": {"b": MARK}}}, {MARK: 1},
    {"": 1}, {"a" * 5000: 1}, {"notes": ""}, {"temperature": "36.6"}, {"pain": None},
    {f"k{i}{MARK}": i for i in range(2000)}, {"notes": {"text": {"text": MARK}}},
]
