"""Messages that break mail stores: each has a line that says what is odd. No file of them is kept; they are made anew."""
import base64
import random

HEAD = b"From: a@example.net\r\nTo: b@example.com\r\nSubject: odd\r\nMIME-Version: 1.0\r\n"


def part(body, head=b"Content-Type: text/plain\r\n", boundary=b"b"):
    return b"--" + boundary + b"\r\n" + head + b"\r\n" + body + b"\r\n"


def multipart(*parts, boundary=b"b", end=True, kind=b"mixed", preamble=b"", epilogue=b""):
    return (HEAD + b"Content-Type: multipart/" + kind + b'; boundary="' + boundary + b'"\r\n\r\n' + preamble + b"".join(parts)
            + (b"--" + boundary + b"--" if end else b"") + epilogue)


def base64_part(encoded):
    return multipart(part(encoded, b"Content-Type: application/octet-stream; name=x.bin\r\nContent-Transfer-Encoding: base64\r\n"), epilogue=b"\r\n")


def lines_of(data, length, end=b"\r\n"):
    text = base64.b64encode(data)
    return end.join(text[i:i + length] for i in range(0, len(text), length))


def base64_layouts():
    """A 4,000-byte file in every odd base64 layout."""
    data = random.Random(7).randbytes(4000)
    text = base64.b64encode(data)
    for length in (1, 2, 3, 4, 57, 60, 72, 75, 76, 77, 78, 100, 998, 10000):
        yield f"lines of {length}", lines_of(data, length)
    for ends in (1, 2, 3, 7):
        yield f"{ends} empty lines at the end", lines_of(data, 76) + b"\r\n" * ends
    yield "no padding", lines_of(data[:3998], 76).rstrip(b"=")
    yield "two blocks in a row", lines_of(data[:100], 76) + b"\r\n" + lines_of(data[100:200], 76)
    yield "padding in the middle of a line", base64.b64encode(b"a") + base64.b64encode(b"b") + b"\r\n"
    yield "unused bits set", b"QUJDRA==".replace(b"RA", b"RB")
    yield "bare LF lines", lines_of(data, 76, b"\n")
    yield "lone CR lines", lines_of(data, 76, b"\r")
    yield "mixed line ends", lines_of(data[:300], 76) + b"\n" + lines_of(data[300:600], 76)
    yield "one long first line", text[:100] + b"\r\n" + lines_of(data[75:], 76)
    yield "a short line inside", text[:76] + b"\r\n" + text[76:80] + b"\r\n" + text[80:156]
    yield "blanks at line ends", b" \r\n".join(text[i:i + 76] for i in range(0, 400, 76))
    yield "a foreign character", text[:40] + b"*" + text[40:76] + b"\r\n"
    yield "only line ends", b"\r\n\r\n\r\n"
    yield "empty", b""
    yield "only padding", b"===="


def messages():
    """(what is odd, the message) of everything that is small."""
    yield "empty message", b""
    yield "only a line end", b"\r\n"
    yield "header without an empty line", b"Subject: x\r\n"
    yield "header without a final line end", b"Subject: x"
    yield "no header", b"\r\nbody\r\n"
    yield "body without a final line end", HEAD + b"\r\nbody"
    yield "many line ends at the end", HEAD + b"\r\nbody\r\n\r\n\r\n\r\n"
    yield "bare LF everywhere", (HEAD + b"\r\nline one\r\nline two\r\n").replace(b"\r\n", b"\n")
    yield "bare LF in the body only", HEAD + b"\r\none\ntwo\r\nthree\n"
    yield "lone CR", HEAD + b"\r\none\rtwo\rthree\r\n"
    yield "CR CR LF", HEAD + b"\r\none\r\r\ntwo\r\r\n"
    yield "lone CR in the header", b"Subject: a\rb\r\nTo: c\r\n\r\nbody\r\n"
    yield "LF header, CRLF body", b"Subject: a\nTo: b\n\nbody\r\nbody\r\n"
    yield "NUL bytes", HEAD + b"\r\none\0two\0\0\r\n\0\r\n"
    yield "NUL in the header", b"Subject: a\0b\r\n\r\nbody\r\n"
    yield "8-bit header", b"Subject: caf\xe9 \xff\xfe\r\nFrom: \xd0\x90@example.net\r\n\r\nbody\r\n"
    yield "UTF-8 header", "Subject: пошта 漢字 😀\r\nFrom: \"Ärger\" <ä@exämple.net>\r\n\r\nbody\r\n".encode()
    yield "header name with blanks", b"Subject : x\r\n : y\r\nX\r\n\r\nbody\r\n"
    yield "folded with tabs and empty continuations", b"Subject: a\r\n\t\r\n b\r\n \r\nTo: c\r\n\r\nbody\r\n"
    yield "line that looks like a header in the body", HEAD + b"\r\nSubject: no\r\n\r\nbody\r\n"
    yield "starts with a continuation line", b" x\r\nSubject: y\r\n\r\nbody\r\n"
    yield "From line", b"From a@b Sat Jan  1 00:00:00 2000\r\nSubject: x\r\n\r\nbody\r\n"
    yield "dots", HEAD + b"\r\n.\r\n..\r\n...\r\n.x\r\n. \r\n.\r\n"
    yield "dot at the very start", b".x: y\r\n\r\n.\r\n"
    yield "one line of 100,000", HEAD + b"\r\n" + b"x" * 100000 + b"\r\n"
    yield "preamble and epilogue", multipart(part(b"one"), preamble=b"pre\r\namble\r\n", epilogue=b"\r\nepi\r\nlogue\r\n")
    yield "preamble of empty lines", multipart(part(b"one"), preamble=b"\r\n\r\n\r\n", epilogue=b"\r\n\r\n\r\n")
    yield "no final boundary", multipart(part(b"one"), part(b"two"), end=False)
    yield "no final boundary, no line end", multipart(part(b"one"), part(b"two"), end=False)[:-2]
    yield "blank after boundaries", multipart(part(b"one"), part(b"two")).replace(b"--b\r\n", b"--b \t\r\n")
    yield "no boundary in the text", multipart() [:-5] + b"no parts here\r\n"
    yield "boundary parameter missing", HEAD + b"Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\none\r\n--b--\r\n"
    yield "empty boundary parameter", HEAD + b'Content-Type: multipart/mixed; boundary=""\r\n\r\n--\r\n\r\none\r\n----\r\n'
    yield "parts without headers", multipart(part(b"one", b""), part(b"two", b""))
    yield "parts without anything", multipart(b"--b\r\n", b"--b\r\n", b"--b\r\n\r\n")
    yield "parts with only a header", multipart(b"--b\r\nX-A: b\r\n", b"--b\r\nX-C: d\r\n\r\n")
    yield "LF multipart", multipart(part(b"one"), part(b"two"), epilogue=b"\r\nend").replace(b"\r\n", b"\n")
    yield "LF boundaries in a CRLF message", multipart(part(b"one"), part(b"two")).replace(b"--b\r\n", b"--b\n")
    yield "boundary that begins another", multipart(part(b"x", b'Content-Type: multipart/mixed; boundary="bb"\r\n') + b"--bb\r\n\r\ninner\r\n--bb--\r\n")
    yield "outer boundary inside an open inner one", multipart(
        b'--b\r\nContent-Type: multipart/mixed; boundary="i"\r\n\r\n--i\r\n\r\nx\r\n', part(b"two"))
    yield "the same boundary inside", multipart(part(b"--b\r\n\r\nx\r\n--b--", b'Content-Type: multipart/mixed; boundary="b"\r\n'))
    yield "long boundary", multipart(part(b"x", boundary=b"z" * 300), boundary=b"z" * 300)
    inner = multipart(part(b"inside"), boundary=b"b").replace(b"--b", b"--q").replace(b'"b"', b'"q"')
    yield "message in a message", multipart(part(inner, b"Content-Type: message/rfc822\r\n"))
    yield "base64 message in a message", multipart(part(base64.encodebytes(inner).replace(b"\n", b"\r\n"), b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n"))
    yield "message/rfc822 that is empty", multipart(part(b"", b"Content-Type: message/rfc822\r\n"))
    yield "message/rfc822 at the top", HEAD + b"Content-Type: message/rfc822\r\n\r\n" + inner
    yield "the same attachment three times", multipart(*[part(lines_of(b"same" * 900, 76), b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n")] * 3)
    yield "unknown charset", HEAD + b"Content-Type: text/plain; charset=klingon-1\r\n\r\n\xa1\xa2\r\n"
    yield "utf-16 body", HEAD + b"Content-Type: text/plain; charset=utf-16\r\n\r\n" + "schön\r\n".encode("utf-16")
    yield "broken quoted-printable", HEAD + b"Content-Transfer-Encoding: quoted-printable\r\n\r\na=\r\n=ZZ=4\r\n=\r\n==\r\n"
    yield "broken encoded words", b"Subject: =?utf-8?B?*?= =?x?Q?=E4?= =?utf-8?Q?a?=b?=\r\n\r\nbody\r\n"
    yield "RFC 2231 parameters", multipart(part(b"x", b"Content-Type: text/plain;\r\n name*0*=utf-8'en'%e2%82%ac;\r\n name*1=b;" + b"".join(b"\r\n name*%d=c;" % i for i in range(2, 15)) + b"\r\n x*=iso-8859-1''%e4\r\n"))
    yield "content type gone wrong", HEAD + b"Content-Type: ; / ; = \"\r\nContent-Transfer-Encoding: \r\n\r\nbody\r\n"
    yield "content type twice", HEAD + b"Content-Type: text/html\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n"
    yield "html only", HEAD + b"Content-Type: text/html\r\n\r\n<p>a<script>x</script><b>c</b>" + b"<div>" * 3000 + b"\r\n"
    yield "1,000 recipients", b"To: " + b",\r\n ".join(b"user%d@example.net" % i for i in range(1000)) + b"\r\n\r\nbody\r\n"
    yield "2,000 header lines", b"".join(b"X-%d: y\r\n" % i for i in range(2000)) + b"\r\nbody\r\n"
    for what, encoded in base64_layouts():
        yield "base64: " + what, base64_part(encoded)
        yield "base64 alone: " + what, HEAD + b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n" + encoded


def large():
    """(what is odd, the message) of the large ones."""
    yield "2,000 parts", multipart(*[part(b"part %d" % i) for i in range(2000)])
    depth = HEAD
    for i in range(100):
        depth += b'Content-Type: multipart/mixed; boundary="d%d"\r\n\r\n--d%d\r\n' % (i, i)
    depth += b"\r\nbottom\r\n" + b"".join(b"--d%d--\r\n" % i for i in reversed(range(100)))
    yield "depth 100", depth
    yield "1 MB header line", b"X-Long: " + b"y" * 1000000 + b"\r\nSubject: x\r\n\r\nbody\r\n"
    yield "1 MB subject", b"Subject: " + b"y z" * 333333 + b"\r\n\r\nbody\r\n"
    yield "3 MB text", HEAD + b"\r\n" + b"all work and no play\r\n" * 140000
    yield "3 MB line", HEAD + b"\r\n" + b"x" * 3000000
    yield "200 KB of text and a 2 MB attachment", multipart(
        part(b"text\r\n" * 33000), part(lines_of(random.Random(1).randbytes(1500000), 76), b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n"))


def huge(size=35 * 1000 * 1000, seed=3):
    """About 35 MB: one attachment."""
    return multipart(part(b"see the attachment"), part(lines_of(random.Random(seed).randbytes(size * 57 // 78), 76),
                     b'Content-Type: application/zip; name="big.zip"\r\nContent-Transfer-Encoding: base64\r\n'), epilogue=b"\r\n")
