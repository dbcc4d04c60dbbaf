"""A small client of wd-store in Python: the .proto files, protobuf and a socket are all that it takes.

    store = wdrpc.Client("ipc:///run/wd/store.ipc", service_token=token)
    reply = store.call("wd.v1.Mailboxes.Create", path=b"Archive", session_token=session)
    print(reply.id)

    events = wdrpc.Subscriber("ipc:///run/wd/events.ipc", topics=range(16))
    frame = events.receive(timeout=5)          # (topic, EventFrame)

The wire is nng's (nanomsg's) SP: 8 bytes of greeting, then messages with their length in front. A request starts with
a 4-byte id that the reply repeats; then come the length of the envelope, the envelope and the message.
"""
import importlib
import os
import secrets
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time

try:
    import google.protobuf  # noqa: F401
except ModuleNotFoundError:  # another interpreter than the system's: take Debian's python3-protobuf all the same
    sys.path.append("/usr/lib/python3/dist-packages")

PROTO_DIR = os.environ.get("WD_PROTO_DIR") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../proto")
MAX_MESSAGE = 1280 * 1024
REQ, SUB = 0x30, 0x21
_generated = None


def modules():
    """The generated modules by name; protoc runs once per process."""
    global _generated
    if _generated is None:
        directory = tempfile.TemporaryDirectory(prefix="wd-proto.")
        files = sorted(f"wd/v1/{name}" for name in os.listdir(os.path.join(PROTO_DIR, "wd/v1")) if name.endswith(".proto"))
        subprocess.run(["protoc", f"--proto_path={PROTO_DIR}", f"--python_out={directory.name}", *files], check=True)
        sys.path.insert(0, directory.name)
        try:
            _generated = {f[6:-6]: importlib.import_module(f"wd.v1.{f[6:-6]}_pb2") for f in files}
        finally:
            sys.path.remove(directory.name)
        _generated["directory"] = directory  # lives as long as the process
    return _generated


def _message_class(descriptor):
    from google.protobuf import message_factory
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(descriptor)
    return message_factory.MessageFactory().GetPrototype(descriptor)


def _method(name):
    service_name, method_name = name.rsplit(".", 1)
    for module in modules().values():
        services = getattr(getattr(module, "DESCRIPTOR", None), "services_by_name", {})
        for service in services.values():
            if service.full_name == service_name:
                return service.methods_by_name[method_name]
    raise KeyError(name)


class RpcError(Exception):
    """A call that the store refused, or that got no answer (status None)."""

    def __init__(self, status, reason, name, text):
        super().__init__(f"{name}: {text}")
        self.status, self.reason, self.name, self.text = status, reason, name, text


class _Socket:
    """One SP connection."""

    def __init__(self, url, protocol, timeout, context=None, server_name=None):
        scheme, rest = url.split("://", 1)
        self.is_ipc = scheme == "ipc"
        if self.is_ipc:
            self.s = socket.socket(socket.AF_UNIX)
            self.s.settimeout(timeout)
            self.s.connect(rest)
        else:
            host, port = rest.rsplit(":", 1)
            self.s = socket.create_connection((host.strip("[]"), int(port)), timeout)
            if scheme == "tls+tcp":
                self.s = context.wrap_socket(self.s, server_hostname=server_name or host)
        self.s.sendall(b"\0SP\0" + struct.pack(">HH", protocol, 0))
        greeting = self.read(8)
        if greeting[:4] != b"\0SP\0":
            raise ConnectionError(f"not an SP peer: {greeting!r}")

    def read(self, n):
        parts = bytearray()
        while len(parts) < n:
            part = self.s.recv(n - len(parts))
            if not part:
                raise ConnectionError("closed by the store")
            parts += part
        return bytes(parts)

    def send(self, message):
        self.s.sendall((b"\1" if self.is_ipc else b"") + struct.pack(">Q", len(message)) + message)

    def receive(self):
        if self.is_ipc and self.read(1) != b"\1":
            raise ConnectionError("unknown kind of IPC message")
        (length,) = struct.unpack(">Q", self.read(8))
        if length > MAX_MESSAGE + 64:
            raise ConnectionError(f"message of {length} bytes")
        return self.read(length)

    def close(self):
        self.s.close()


def tls_context(ca_file, certificate_file):
    """For tls+tcp://; the certificate file holds the key as well."""
    context = ssl.create_default_context(cafile=ca_file)
    context.load_cert_chain(certificate_file)
    return context


class Client:
    """Calls one store; not for several threads."""

    def __init__(self, url, service_token=None, timeout=30, context=None, server_name=None):
        self.url, self.service_token, self.timeout = url, service_token, timeout
        self.context, self.server_name = context, server_name
        self.socket = None

    def call(self, method, request=None, *, session_token=None, key=None, session_id=None, timeout=None, **fields):
        """The reply message of wd.v1.Service.Method. The request is a message, or its fields as keywords. A lost
        connection is made again and the request repeated with the same key until the timeout."""
        descriptor = _method(method)
        message = request if request is not None else _message_class(descriptor.input_type)(**fields)
        body = message.SerializeToString()
        key = key or secrets.token_hex(16)
        end = time.monotonic() + (timeout or self.timeout)
        while True:
            left = end - time.monotonic()
            try:
                return self._attempt(method, descriptor, body, left, session_token, key, session_id)
            except (ConnectionError, FileNotFoundError, socket.timeout) as error:
                self.close()
                if isinstance(error, socket.timeout) or time.monotonic() + 0.05 >= end:
                    raise RpcError(None, None, "UNAVAILABLE", str(error)) from error
                time.sleep(0.05)  # the pace of reconnecting

    def _attempt(self, method, descriptor, body, left, session_token, key, session_id):
        envelope = modules()["envelope"].RequestEnvelope(
            version=1, method=method, call_id=secrets.randbits(64), timeout_ms=max(1, int(left * 1000)),
            idempotency_key=key)
        for name, value in (("service_token", self.service_token), ("session_token", session_token),
                            ("session_id", session_id)):
            if value:
                setattr(envelope, name, value)
        reply, rest = self._exchange(envelope.SerializeToString(), body, max(left, 0.01))
        if reply.call_id != envelope.call_id:
            raise RpcError(None, None, "INTERNAL", "reply to another call")
        if reply.status != 0:
            raise RpcError(reply.status, reply.reason, reply.reason_name, reply.text)
        return _message_class(descriptor.output_type).FromString(rest)

    def _exchange(self, envelope, body, timeout):
        if self.socket is None:
            self.socket = _Socket(self.url, REQ, timeout, self.context, self.server_name)
        self.socket.s.settimeout(timeout)
        request_id = struct.pack(">I", 0x80000000 | secrets.randbits(31))
        self.socket.send(request_id + struct.pack(">I", len(envelope)) + envelope + body)
        while True:
            frame = self.socket.receive()
            if frame[:4] == request_id:
                break
        (n,) = struct.unpack(">I", frame[4:8])
        return modules()["envelope"].ReplyEnvelope.FromString(frame[8:8 + n]), frame[8 + n:]

    def close(self):
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Subscriber:
    """Hears the beacons of some topics."""

    def __init__(self, url, topics=range(16), timeout=10, context=None, server_name=None):
        self.topics = set(topics)
        self.socket = _Socket(url, SUB, timeout, context, server_name)

    def receive(self, timeout=10):
        """The next (topic, EventFrame); heartbeats are frames as well. socket.timeout when there is none."""
        end = time.monotonic() + timeout
        while True:
            self.socket.s.settimeout(max(0.001, end - time.monotonic()))
            message = self.socket.receive()
            if message[0] in self.topics:
                return message[0], modules()["events"].EventFrame.FromString(message[1:])

    def close(self):
        self.socket.close()
