"""Requests that are no HTTP, or mean one thing to a proxy and another to the receiver behind it."""

import json

from tests.e2e.harness import make_report

FIRST = b"POST /agent/report HTTP/1.1\r\nHost: receiver\r\n"
CHUNKED = b"Transfer-Encoding: chunked"
END = b"0\r\n\r\n"


def _plain(*lines: bytes, body: bytes = b"{}") -> bytes:
    return FIRST + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


def _chunked(*chunks: bytes, head: bytes = CHUNKED) -> bytes:
    return _plain(head, body=b"".join(chunks))


LENGTHS = {
    "two lengths": _plain(b"Content-Length: 2", b"Content-Length: 5"),
    "the same length twice": _plain(b"Content-Length: 2", b"Content-Length: 2"),
    "a list of lengths": _plain(b"Content-Length: 2, 2"),
    "a negative length": _plain(b"Content-Length: -2"),
    "a length with its sign": _plain(b"Content-Length: +2"),
    "a hexadecimal length": _plain(b"Content-Length: 0x2"),
    "a length with an underscore": _plain(b"Content-Length: 0_2"),
    "a length with a fraction": _plain(b"Content-Length: 2.0"),
    "a length with a gap": _plain(b"Content-Length: 0 2"),
    "no length after its name": _plain(b"Content-Length: "),
    "a length in other digits": _plain("Content-Length: ٢".encode()),
    "a length beyond counting": _plain(b"Content-Length: " + b"9" * 30),
    "a length as long as a page": _plain(b"Content-Length: " + b"9" * 5000),
    "a gap before the colon of a length": _plain(b"Content-Length : 2"),
    "a length on the next line": _plain(b"Content-Length:", b" 2"),
}
CODINGS = {
    "length, then chunked": _plain(b"Content-Length: 2", CHUNKED, body=END),
    "chunked, then length": _plain(CHUNKED, b"Content-Length: 2", body=END),
    "gzip": _plain(b"Transfer-Encoding: gzip"),
    "identity": _plain(b"Transfer-Encoding: identity"),
    "gzip, chunked": _chunked(b"2\r\n{}\r\n", END, head=b"Transfer-Encoding: gzip, chunked"),
    "chunked, gzip": _chunked(END, head=b"Transfer-Encoding: chunked, gzip"),
    "chunked, chunked": _chunked(END, head=b"Transfer-Encoding: chunked, chunked"),
    "chunked twice": _chunked(END, head=CHUNKED + b"\r\n" + CHUNKED),
    "a coding that only looks like it": _chunked(END, head=b"Transfer-Encoding: xchunked"),
    "chunked after a vertical tab": _chunked(END, head=b"Transfer-Encoding:\x0bchunked"),
    "a gap before the colon of a coding": _chunked(END, head=b"Transfer-Encoding : chunked"),
    "chunked in HTTP/1.0": _chunked(END).replace(b"HTTP/1.1", b"HTTP/1.0", 1),
}
CHUNKS = {
    "a size that is no number": _chunked(b"zz\r\n"),
    "a negative size": _chunked(b"-1\r\n"),
    "a size with its sign": _chunked(b"+2\r\n{}\r\n", END),
    "a size with 0x": _chunked(b"0x2\r\n{}\r\n", END),
    "a size with an underscore": _chunked(b"0_2\r\n{}\r\n", END),
    "a size before a gap": _chunked(b"2 \r\n{}\r\n", END),
    "a size beyond counting": _chunked(b"f" * 40 + b"\r\n"),
    "no size": _chunked(b"\r\n{}\r\n", END),
    "a chunk that does not end": _chunked(b"2\r\n{}", END),
    "chunks with bare line feeds": _chunked(b"2\n{}\n0\n\n"),
    "an extension with a line feed": _chunked(b"2;a\nb\r\n{}\r\n", END),
    "a trailer without a colon": _chunked(b"0\r\ntrailer\r\n\r\n"),
    "a length in a trailer": _chunked(b"0\r\nContent-Length: 5\r\n\r\n"),
    "trailers without end": _chunked(b"0\r\n" + b"X: y\r\n" * 20_000),
}
HEADERS = {
    "a folded line": _plain(b"X: a", b" b", b"Content-Length: 2"),
    "a folded first line": FIRST[:-18] + b" X: y\r\nContent-Length: 2\r\n\r\n{}",
    "bare line feeds": _plain(b"Content-Length: 2").replace(b"\r\n", b"\n"),
    "one bare line feed": _plain(b"X: a\nY: b", b"Content-Length: 2"),
    "a bare carriage return": _plain(b"X: a\rY: b", b"Content-Length: 2"),
    "a NUL in a value": _plain(b"X: a\0b", b"Content-Length: 2"),
    "a NUL in a name": _plain(b"X\0: a", b"Content-Length: 2"),
    "a bell": _plain(b"X: a\x07b", b"Content-Length: 2"),
    "no colon": _plain(b"X", b"Content-Length: 2"),
    "no name": _plain(b": x", b"Content-Length: 2"),
    "a name with a gap": _plain(b"X y: z", b"Content-Length: 2"),
    "a name beyond ASCII": _plain("Ü: z".encode(), b"Content-Length: 2"),
    "a huge value": _plain(b"X: " + b"x" * 20_000),
    "a huge name": _plain(b"X" * 20_000 + b": y"),
    "too many of them": _plain(*[b"X%d: y" % number for number in range(500)], b"Content-Length: 2"),
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
}
FIRST_LINES = {
    "no version": b"GET /healthz\r\n\r\n",
    "a version to come": b"GET /healthz HTTP/9.9\r\nHost: a\r\n\r\n",
    "a version that is none": b"GET /healthz HTTP/x\r\nHost: a\r\n\r\n",
    "HTTP in small letters": b"GET /healthz http/1.1\r\nHost: a\r\n\r\n",
    "a gap in the target": b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
    "a NUL in the target": b"GET /\0healthz HTTP/1.1\r\nHost: a\r\n\r\n",
    "a target without end": b"GET /" + b"a" * 100_000,
    "a target that is no URL": b"GET http://[::1 HTTP/1.1\r\nHost: a\r\n\r\n",
    "a method that is none": b"GE(T /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
    "a huge method": b"A" * 5000 + b" / HTTP/1.1\r\nHost: a\r\n\r\n",
}
OTHERS = {
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "an HTTP answer": b"HTTP/1.1 200 OK\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 200,
    "SSH": b"SSH-2.0-OpenSSH_9\r\n",
    "SMTP": b"EHLO receiver\r\n",
    "Redis": b"*1\r\n$4\r\nPING\r\n",
    "remote desktop": b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0",
    "zeros": b"\0" * 300,
}
BROKEN = {
    f"{kind}: {name}": request
    for kind, group in (
        ("length", LENGTHS),
        ("coding", CODINGS),
        ("chunks", CHUNKS),
        ("headers", HEADERS),
        ("first line", FIRST_LINES),
        ("protocol", OTHERS),
    )
    for name, request in group.items()
}


def report_request(key: str, *lines: bytes, body: bytes | None = None) -> bytes:
    """Return a good report as it goes over the wire, with further header lines, or another body."""
    body = json.dumps(make_report(key)).encode() if body is None else body
    return _plain(b"Content-Length: %d" % len(body), *lines, body=body)
