"""A reader of server-sent events over a plain socket: what came, and where to go on."""
import json
import socket


class Stream:
    """with Stream(port, token, last="…") as s: s.status, s.headers, s.next() → alert, s.ids (every id seen)."""

    def __init__(self, port, token, last=None, query="", timeout=10, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect(("127.0.0.1", port))
        resume = f"Last-Event-ID: {last}\r\n" if last is not None else ""
        self.socket.sendall(f"GET /api/v1/alerts/stream{query} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n"
                            f"{resume}\r\n".encode())
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self.headers = {}
        while (line := self.file.readline().strip()):
            name, value = line.decode().split(":", 1)
            self.headers[name.lower()] = value.strip()
        self.ids, self.comments = [], 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.file.close()
        self.socket.close()

    def block(self):
        """The fields up to the next empty line; None: the stream ended."""
        fields = {}
        while True:
            line = self.file.readline()
            if not line:
                return None
            line = line.decode().rstrip("\n")
            if not line:
                return fields
            if line.startswith(":"):
                self.comments += 1
                continue
            name, value = line.split(": ", 1)
            fields[name] = value

    def begin(self):
        """The id that the stream itself says at its start."""
        fields = self.block()
        assert set(fields) == {"retry", "id"}, fields
        self.ids.append(int(fields["id"]))
        return self.ids[-1]

    def next(self):
        """The next alert; its id is the last one of ids. None: the stream ended."""
        while (fields := self.block()) is not None:
            if "id" in fields:
                self.ids.append(int(fields["id"]))
            if "data" in fields:
                assert fields["event"] == "alert"
                alert = json.loads(fields["data"])
                assert alert["seq"] == self.ids[-1]
                return alert
        return None
