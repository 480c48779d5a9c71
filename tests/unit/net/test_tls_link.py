"""TLS between a transport and a stream, without a socket: the client's side is the standard library's."""

import asyncio
import contextlib
import ssl
from pathlib import Path

import pytest

from postane.net.tls import server_tls
from postane.net.tls_link import PIECE, TlsLink
from support.certificates import Authority, Wish


class Wire:
    """A transport that keeps what is written to it."""

    def __init__(self) -> None:
        self.written = b""
        self.did: list[str] = []

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.did.append("set protocol")

    def write(self, octets: bytes) -> None:
        self.written += octets

    def writelines(self, octets: list[bytes]) -> None:
        self.written += b"".join(octets)

    def is_closing(self) -> bool:
        return "close" in self.did

    def close(self) -> None:
        self.did.append("close")

    def write_eof(self) -> None:
        self.did.append("eof")


class Heard(asyncio.Protocol):
    """The stream behind the link."""

    def __init__(self) -> None:
        self.octets: list[bytes] = []
        self.did: list[str] = []

    def data_received(self, data: bytes) -> None:
        self.octets.append(data)

    def eof_received(self) -> bool:
        self.did.append("eof")
        return True

    def pause_writing(self) -> None:
        self.did.append("pause")

    def resume_writing(self) -> None:
        self.did.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.did.append("lost")


class Line:
    """A link with a client at its other end."""

    def __init__(self, context: ssl.SSLContext, version: ssl.TLSVersion) -> None:
        self.wire, self.heard = Wire(), Heard()
        self.completed = 0
        self.link = TlsLink(context, self.wire, self.heard, self._complete)  # type: ignore[arg-type]
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        trusting.maximum_version = version
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = trusting.wrap_bio(self._incoming, self._outgoing)

    def _complete(self) -> None:
        self.completed += 1

    def said(self) -> bytes:
        """What the client sends now."""
        return self._outgoing.read()

    def hear(self) -> None:
        """The client takes what was written."""
        octets, self.wire.written = self.wire.written, b""
        self._incoming.write(octets)

    def shake_hands(self) -> None:
        while not self.link.is_complete:
            self._try_handshake()
            self.link.data_received(self.said())
            self.hear()
        self.link.flush()
        self.hear()
        self._try_handshake()

    def _try_handshake(self) -> None:
        with contextlib.suppress(ssl.SSLWantReadError):
            self.client.do_handshake()

    def read(self) -> bytes:
        """All that the client can read."""
        said = b""
        while True:
            try:
                piece = self.client.read(PIECE)
            except ssl.SSLWantReadError:
                return said
            if not piece:
                return said + b"(end)"
            said += piece


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    folder: Path = tmp_path_factory.mktemp("authority")
    return server_tls([Authority(folder).issue("server", Wish(dns=["localhost"]))]).context


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def line(request: pytest.FixtureRequest, context: ssl.SSLContext) -> Line:
    return Line(context, request.param)


def test_nothing_is_made_before_the_first_octet(line: Line) -> None:
    assert line.link.secured is None
    line.link.flush()
    line.link.close()
    assert line.wire.written == b""
    assert line.wire.did == ["set protocol", "close"]


def test_what_is_said_before_the_handshake_is_over_is_dropped(line: Line) -> None:
    """Whoever is sent away, or waited for too long, in the midst of it is told so by the protocol's desk."""
    line.link.write(b"421 4.4.2 too long silent\r\n")
    line._try_handshake()
    line.link.data_received(line.said()[:20])
    line.link.write(b"421 4.4.2 too long silent\r\n")
    assert line.wire.written == b"", "nothing in clear"
    assert line.link.trouble is None
    line.link.close()
    assert line.wire.did == ["set protocol", "close"]


def test_octets_both_ways(line: Line) -> None:
    line.shake_hands()
    assert line.link.secured is not None
    assert line.completed == 1
    assert line.link.secured.version() == line.client.version()
    line.client.write(b"CAPA\r\n")
    line.link.data_received(line.said())
    assert line.heard.octets == [b"CAPA\r\n"]
    line.link.write(b"+OK\r\n")
    line.hear()
    assert line.read() == b"+OK\r\n"


def test_what_a_reading_brings_forth_is_sent_at_once(line: Line) -> None:
    """A refusal to negotiate again: whoever asked for it waits for that."""
    line.shake_hands()
    line.client.write(b"NOOP\r\n")
    octets = line.said()
    line.link._outgoing.write(b"an alert")
    line.link.data_received(octets)
    assert line.wire.written == b"an alert"


def test_octet_by_octet_it_is_the_same(line: Line) -> None:
    while not line.link.is_complete:
        line._try_handshake()
        for octet in line.said():
            line.link.data_received(bytes([octet]))
        line.hear()
    line.link.flush()
    line.hear()
    line._try_handshake()
    line.client.write(b"QUIT\r\n")
    for octet in line.said():
        line.link.data_received(bytes([octet]))
    assert b"".join(line.heard.octets) == b"QUIT\r\n"
    assert all(line.heard.octets), "nobody is woken for nothing"


def test_many_records_at_once_are_one_reading(line: Line) -> None:
    line.shake_hands()
    body = bytes(range(256)) * 1024
    for start in range(0, len(body), 10_000):
        line.client.write(body[start : start + 10_000])
    line.link.data_received(line.said())
    assert line.heard.octets == [body]


@pytest.mark.parametrize("count", [0, 1, PIECE, PIECE + 1, 5 * PIECE + 7])
def test_a_body_of_any_size_arrives_whole(line: Line, count: int) -> None:
    line.shake_hands()
    body = bytes(i % 251 for i in range(count))
    line.link.write(body)
    line.hear()
    assert line.read() == body


def test_the_end_is_said_and_heard(line: Line) -> None:
    line.shake_hands()
    line.client.write(b"last words")
    with pytest.raises(ssl.SSLWantReadError):
        line.client.unwrap()
    line.link.data_received(line.said())
    assert line.heard.octets == [b"last words"]
    assert line.heard.did == ["eof"]
    line.link.write(b"bye")
    line.link.close()
    assert line.wire.did == ["set protocol", "close"]
    line.hear()


def test_our_own_end_is_said_first(line: Line) -> None:
    line.shake_hands()
    line.link.write(b"enough")
    line.link.write_eof()
    line.hear()
    assert line.read() == b"enough(end)"
    line.link.close()
    assert line.wire.written == b"", "once"


@pytest.mark.parametrize(
    ("octets", "alert"),
    [(b"this is no handshake\r\n", b""), (b"\x16\x03\x01\x00\x05hello", b"\x15")],  # an alert
)
def test_what_is_no_handshake_ends_the_connection(line: Line, octets: bytes, alert: bytes) -> None:
    line.link.data_received(octets)
    assert line.link.trouble is not None
    assert line.link.trouble.startswith("TLS: ")
    assert not line.link.is_complete
    assert line.wire.did == ["set protocol", "close"]
    assert line.wire.written[:1] == alert


def test_octets_that_nobody_has_encrypted_end_the_connection(line: Line) -> None:
    line.shake_hands()
    line.client.write(b"CAPA\r\n")
    octets = bytearray(line.said())
    octets[-1] ^= 1
    line.link.data_received(bytes(octets))
    assert line.heard.octets == []
    assert line.link.trouble is not None
    assert line.wire.is_closing()
    line.link.write(b"+OK\r\n")  # into the void
    assert line.wire.did.count("set protocol") == 1


def test_the_stream_is_told_what_the_transport_tells(line: Line) -> None:
    line.link.pause_writing()
    line.link.resume_writing()
    assert not line.link.eof_received()
    line.link.connection_lost(None)
    assert line.heard.did == ["pause", "resume", "eof", "lost"]


def test_the_last_octets_and_the_last_word_are_one_write(line: Line) -> None:
    line.shake_hands()
    line.link.close(b"+OK bye\r\n")
    line.hear()
    assert line.read() == b"+OK bye\r\n(end)"
    assert line.wire.did[-1] == "close"


def test_a_stream_may_stay_the_transports_protocol(context: ssl.SSLContext) -> None:
    wire, opened = Wire(), []
    TlsLink(context, wire, Heard(), lambda: None, opened.append)  # type: ignore[arg-type]
    assert wire.did == []
