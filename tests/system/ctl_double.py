"""A broker's double for sluicectl: it answers admin requests as a test wishes."""
import threading

import msgpack
import zmq


class Double(threading.Thread):
    """A broker that answers each request by a function (verb, header) -> frames behind the routing id, or None."""

    def __init__(self, path, answer):
        super().__init__(daemon=True)
        self.answer, self.endpoint = answer, f"ipc://{path}"
        self.socket = zmq.Context.instance().socket(zmq.ROUTER)
        self.socket.linger = 0
        self.socket.bind(self.endpoint)
        self.ended = threading.Event()

    def run(self):
        while not self.ended.is_set():
            if self.socket.poll(50):
                peer, _, _, header = self.socket.recv_multipart()[:4]
                header = msgpack.unpackb(header)
                frames = self.answer(header["verb"], header)
                if frames is not None:
                    self.socket.send_multipart([peer, *frames])
        self.socket.close()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()


def reply(header, rows, **more):
    head = {"request": header["request"], "status": "ok", "more": False, **more}
    return [b"SLU\x01", b"\x41", msgpack.packb(head), rows if isinstance(rows, bytes) else msgpack.packb(rows)]
