"""The requests as flood_load reads them (the format stands at its top), byte for byte as they go out."""
import struct

from morning.mix import instant

LITERAL = 0xFFFFFFFF


def envelope(submission, start_s, due_us, with_id):
    """A submission's JSON up to its content."""
    sent = instant(start_s + due_us / 1e6, submission.clock_s)
    name = f'"id":"{submission.id}",' if with_id else ""
    return (f'{{"subjectId":"{submission.subject}","study":"{submission.study}","questionnaire":"{submission.questionnaire}",'
            f'"version":"{submission.version}",{name}"submitAt":"{submission.submit_at}","sentAt":"{sent}",')


def pieces_of(request, start_s, host, token):
    """[literal bytes or a content's text] of one request."""
    body = []
    if request.batch:
        body.append('{"submissions":[')
        for n, submission in enumerate(request.submissions):
            body += ["," * (n > 0) + envelope(submission, start_s, request.due_us, True), submission.content]
        body.append("]}")
        path, key = "/api/v1/submissions/batch", ""
    else:
        submission = request.submissions[0]
        by_key = int(submission.id[0], 16) < 8  # half of the apps name their submission in the header
        body = [envelope(submission, start_s, request.due_us, not by_key), submission.content]
        path = f"/api/v1/subjects/{submission.subject}/questionnaires"
        key = f"Idempotency-Key: {submission.id}\r\n" if by_key else ""
    size = sum(len(piece if isinstance(piece, str) else piece.text) for piece in body)
    head = (f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n{key}"
            f"Content-Type: application/json\r\nContent-Length: {size}\r\n\r\n")
    return [head + body[0]] + body[1:]


def write(path, requests, start_s, host, token):
    contents = {id(s.content): s.content for request in requests for s in request.submissions}
    numbers = {key: n for n, key in enumerate(contents)}
    with open(path, "wb") as f:
        f.write(b"FLD1" + struct.pack("<II", len(contents), len(requests)))
        for content in contents.values():
            f.write(struct.pack("<I", len(content.text)) + content.text.encode("ascii"))
        for request in requests:
            pieces = pieces_of(request, start_s, host, token)
            out = [struct.pack("<qI", request.due_us, len(pieces))]
            for piece in pieces:
                if isinstance(piece, str):
                    out.append(struct.pack("<II", LITERAL, len(piece)) + piece.encode("ascii"))
                else:
                    out.append(struct.pack("<I", numbers[id(piece)]))
            f.write(b"".join(out))
