"""Clients that are exact on the wire: what was sent and what came back, byte for byte."""
import re
import socket
import ssl


class Line:
    """A TCP connection that is read by lines and by counts."""

    def __init__(self, port, host="127.0.0.1", timeout=30, tls=False):
        self.sock = socket.create_connection((host, port), timeout=timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buf = bytearray()
        if tls:
            self.start_tls()

    def start_tls(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.sock = context.wrap_socket(self.sock)

    def send(self, data):
        self.sock.sendall(data)

    def _more(self):
        data = self.sock.recv(262144)
        if not data:
            raise ConnectionError("closed by the server")
        self.buf += data

    def line(self):
        """One line without its CRLF."""
        start = 0
        while (end := self.buf.find(b"\n", start)) < 0:
            start = len(self.buf)
            self._more()
        line = bytes(self.buf[:end])
        del self.buf[:end + 1]
        assert line.endswith(b"\r"), line
        return line[:-1]

    def exactly(self, n):
        while len(self.buf) < n:
            self._more()
        data = bytes(self.buf[:n])
        del self.buf[:n]
        return data

    def lines_to_the_end(self):
        """Until the server closes."""
        lines = []
        try:
            while True:
                lines.append(self.line())
        except ConnectionError:
            return lines

    def closed(self):
        """Reads to the end; true when the server closed."""
        try:
            while True:
                self._more()
        except ConnectionError:
            return True
        except TimeoutError:
            return False

    def close(self):
        self.sock.close()


class Lmtp(Line):
    def __init__(self, port, lhlo="client.example.net", **kw):
        super().__init__(port, **kw)
        assert self.reply()[0].startswith(b"220 ")
        self.extensions = self.command("LHLO " + lhlo) if lhlo else []

    def reply(self):
        lines = []
        while True:
            lines.append(self.line())
            if lines[-1][3:4] != b"-":
                return lines

    def command(self, text):
        self.send(text.encode() + b"\r\n")
        return self.reply()

    def expect(self, text, code):
        got = self.command(text)
        assert got[-1].startswith(code.encode()), (text, got)
        return got

    def deliver(self, message, recipients, sender="sender@example.net"):
        """One transaction; the last reply line of every recipient."""
        self.expect(f"MAIL FROM:<{sender}>", "250")
        for recipient in recipients:
            self.expect(f"RCPT TO:<{recipient}>", "250")
        return self.data(message, len(recipients))

    def data(self, message, replies):
        """DATA can only carry lines: a message without a final CRLF gets one."""
        self.expect("DATA", "354")
        self.send(stuffed(message) + b".\r\n")
        return [self.reply()[-1] for _ in range(replies)]

    def bdat(self, message, recipients, sender="sender@example.net", chunk=None):
        """CHUNKING (RFC 3030): any bytes, unchanged."""
        self.expect(f"MAIL FROM:<{sender}> BODY=BINARYMIME" if b"250-BINARYMIME" in self.extensions else f"MAIL FROM:<{sender}>", "250")
        for recipient in recipients:
            self.expect(f"RCPT TO:<{recipient}>", "250")
        chunk = chunk or max(1, len(message))
        at = 0
        while len(message) - at > chunk:
            self.send(b"BDAT %d\r\n" % chunk + message[at:at + chunk])
            assert self.reply()[-1].startswith(b"250")
            at += chunk
        self.send(b"BDAT %d LAST\r\n" % (len(message) - at) + message[at:])
        return [self.reply()[-1] for _ in recipients]


def stuffed(message):
    """RFC 5321 §4.5.2; lines end at CRLF."""
    if not message.endswith(b"\r\n"):
        message += b"\r\n"
    return re.sub(rb"(?m)(\A|\r\n)\.", rb"\1..", message)


class Pop3Error(Exception):
    """-ERR; .line is the status line."""

    def __init__(self, command, line):
        super().__init__(f"{command!r}: {line!r}")
        self.line = line


class Pop3(Line):
    """Exact about line ends: a multi-line response is read to CRLF "." CRLF and nothing else ends it."""

    def __init__(self, port, user=None, password="pass", **kw):
        super().__init__(port, **kw)
        self.greeting = self.line()
        if user:
            self.ok(f"USER {user}")
            self.ok(f"PASS {password}")

    def command(self, text):
        """The status line."""
        self.send((text if isinstance(text, bytes) else text.encode()) + b"\r\n")
        return self.line()

    def ok(self, text):
        line = self.command(text)
        if not line.startswith(b"+OK"):
            raise Pop3Error(text, line)
        return line

    def err(self, text):
        line = self.command(text)
        assert line.startswith(b"-ERR "), (text, line)
        return line

    def body(self):
        """What follows a status line: the bytes before the final dot line, with the doubled dots taken away."""
        seen = 0
        while not self.buf.startswith(b".\r\n") and (end := self.buf.find(b"\r\n.\r\n", seen)) < 0:
            seen = max(0, len(self.buf) - 4)
            self._more()
        if self.buf.startswith(b".\r\n"):
            return self.exactly(3)[3:]
        data = self.exactly(end + 5)[:-3]
        return re.sub(rb"(\A|\n)\.", rb"\1", data)

    def lines(self, text):
        self.ok(text)
        return self.body().decode().splitlines()

    def list(self):
        """{number: octets}"""
        return {int(n): int(size) for n, size in (line.split() for line in self.lines("LIST"))}

    def uidl(self):
        """{number: unique-id}"""
        return {int(n): uid for n, uid in (line.split() for line in self.lines("UIDL"))}

    def retr(self, number):
        """The stored bytes: as many as the status line says. A message that does not end with CRLF is followed by one."""
        status = self.ok(f"RETR {number}")
        octets = int(re.fullmatch(rb"\+OK (\d+) octets", status).group(1))
        data = self.body()
        assert data[octets:] in ((b"",) if data[:octets].endswith(b"\r\n") or not octets else (b"\r\n",)), (octets, len(data), data[-20:])
        return data[:octets]

    def quit(self):
        """The answer to QUIT; the connection is at its end."""
        line = self.command("QUIT")
        assert self.closed()
        self.close()
        return line


class ImapError(Exception):
    """NO or BAD; .line is the tagged line."""

    def __init__(self, command, line):
        super().__init__(f"{command!r}: {line!r}")
        self.line = line


class Imap(Line):
    """Responses are lists of pieces: text as bytes, literals as Literal."""

    def __init__(self, port, user=None, password="pass", box=None, **kw):
        super().__init__(port, **kw)
        self.tags = 0
        self.greeting = self.line()
        if user:
            self.ok(f'LOGIN "{user}" "{password}"')
        if box:
            self.ok(f'SELECT "{box}"')

    def response(self):
        """One response: its bytes, with literals in place, and the literals apart."""
        whole, literals = b"", []
        while True:
            line = self.line()
            whole += line + b"\r\n"
            m = re.search(rb"\{(\d+)\}$", line)
            if not m:
                return whole[:-2], literals
            literals.append(self.exactly(int(m.group(1))))
            whole += literals[-1]

    def start(self, command):
        self.tags += 1
        self.tag = b"a%d" % self.tags
        self.sent = command if isinstance(command, bytes) else command.encode()
        self.send(self.tag + b" " + self.sent + b"\r\n")

    def finish(self):
        """All untagged responses and the tagged line of the command that was started."""
        untagged = []
        while True:
            whole, literals = self.response()
            if whole.startswith(self.tag + b" "):
                return untagged, whole[len(self.tag) + 1:]
            untagged.append((whole, literals))

    def command(self, command):
        self.start(command)
        return self.finish()

    def ok(self, command):
        """The untagged responses; ImapError for NO and BAD."""
        untagged, tagged = self.command(command)
        self.tagged = tagged
        if not tagged.upper().startswith(b"OK"):
            raise ImapError(command, tagged)
        return untagged

    def lines(self, command):
        return [whole for whole, _ in self.ok(command)]

    def append(self, box, message, flags="", date="", plus=True):
        """The UID; with LITERAL+, or waiting for the continuation."""
        head = f'APPEND "{box}" ' + (f"({flags}) " if flags else "") + (f'"{date}" ' if date else "")
        self.tags += 1
        self.tag = b"a%d" % self.tags
        self.send(self.tag + b" " + head.encode() + b"{%d%s}\r\n" % (len(message), b"+" if plus else b""))
        if not plus:
            line = self.line()
            while line.startswith(b"* "):
                line = self.line()
            if not line.startswith(b"+"):
                raise ImapError(head, line[len(self.tag) + 1:])
        self.send(message + b"\r\n")
        untagged, tagged = self.finish()
        self.untagged = untagged
        if not tagged.startswith(b"OK"):
            raise ImapError(head, tagged)
        return int(re.search(rb"\[APPENDUID \d+ (\d+)\]", tagged).group(1))

    def body(self, uid, section="", peek=True):
        """A section as bytes; None when the message is not there."""
        item = f"BODY{'.PEEK' if peek else ''}[{section}]"
        for whole, literals in self.ok(f"UID FETCH {uid} ({item})"):
            if re.search(rb"\bUID %d\b" % uid, whole.replace(literals[0], b"") if literals and literals[0] else whole):
                return literals[0] if literals else b""
        return None

    def partial(self, uid, offset, count):
        for whole, literals in self.ok(f"UID FETCH {uid} (BODY.PEEK[]<{offset}.{count}>)"):
            if literals:
                return literals[0]
            return b""

    def fetch(self, numbers, items, uid=False):
        """{number: response bytes} of the FETCH responses."""
        got = {}
        for whole, _ in self.ok(f"{'UID ' if uid else ''}FETCH {numbers} {items}"):
            m = re.match(rb"\* (\d+) FETCH ", whole)
            if m:
                got[int(m.group(1))] = whole
        return got

    def size(self, uid):
        (line,) = [w for w in self.lines(f"UID FETCH {uid} (RFC822.SIZE)") if b"RFC822.SIZE" in w]
        return int(re.search(rb"RFC822\.SIZE (\d+)", line).group(1))

    def status(self, box, items="MESSAGES"):
        (line,) = [w for w in self.lines(f'STATUS "{box}" ({items})') if w.startswith(b"* STATUS")]
        return {k.decode(): int(v) for k, v in re.findall(rb"([A-Z]+) (\d+)", line[line.rindex(b"("):])}

    def uids(self):
        (line,) = [w for w in self.lines("UID SEARCH ALL") if w.startswith(b"* SEARCH")]
        return [int(n) for n in line.split()[2:]]

    def logout(self):
        try:
            self.command("LOGOUT")
        finally:
            self.close()
