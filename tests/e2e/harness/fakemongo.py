"""A server that says of itself what a test wants MongoDB to say, and refuses every login and command."""
import contextlib
import socketserver
import struct
import threading

from .mongo import pymongo  # which knows where it is installed, its bson with it

import bson

OP_REPLY, OP_QUERY, OP_MSG = 1, 2004, 2013
HELLO = {"ismaster": True, "maxBsonObjectSize": 16777216, "maxMessageSizeBytes": 48000000, "maxWriteBatchSize": 100000, "minWireVersion": 0,
         "maxWireVersion": 17, "readOnly": False, "ok": 1.0}
REFUSED = {"ok": 0.0, "errmsg": "Authentication failed.", "code": 18, "codeName": "AuthenticationFailed"}
assert pymongo


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        with contextlib.suppress(ConnectionError):
            while head := self.rfile.read(16):
                size, request, _, op = struct.unpack("<iiii", head)
                self.answer(request, op, self.rfile.read(size - 16))

    def answer(self, request, op, body):
        """OP_QUERY: flags, name, two numbers, document; OP_MSG: flags, a kind, document."""
        asked = bson.decode(body[body.index(b"\0", 4) + 9:] if op == OP_QUERY else body[5:])
        reply = bson.encode(self.server.hello if next(iter(asked)).lower() in ("ismaster", "hello") else REFUSED)
        front = struct.pack("<iqii", 8, 0, 0, 1) if op == OP_QUERY else struct.pack("<ib", 0, 0)
        kind = OP_REPLY if op == OP_QUERY else OP_MSG
        self.wfile.write(struct.pack("<iiii", 16 + len(front) + len(reply), 1, request, kind) + front + reply)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


@contextlib.contextmanager
def fake(**hello):
    """Its port."""
    with Server(("127.0.0.1", 0), Handler) as server:
        server.hello = HELLO | hello
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
