"""The library's client against a server that gives more than can be meant."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from postane.imap import bounded
from postane.imap.bounded import LITERAL, BoundedClient, Unbounded
from support.certificates import LOCALHOST, Authority

GREETING = b"* OK [CAPABILITY IMAP4rev1] ready\r\n"


@contextmanager
def serving(greeting: bytes, answer: bytes = b"TAG OK done\r\n") -> Iterator[int]:
    """A server that says what it can, and gives this answer to all else: one without TAG again and again."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(greeting)
            given = b"* CAPABILITY IMAP4rev1\r\nTAG OK done\r\n"
            try:
                while tag := connection.recv(1000).split(b" ")[0]:
                    connection.sendall(given.replace(b"TAG", tag))
                    given = answer
                    while b"TAG" not in given:
                        connection.sendall(given)
            except OSError:
                pass

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()
        thread.join()


@contextmanager
def asked(port: int) -> Iterator[BoundedClient]:
    client = BoundedClient("127.0.0.1", port, ssl=False, timeout=10)
    try:
        yield client
    finally:
        client.shutdown()


def test_a_literal_of_any_size_is_not_read():
    answer, words = b"* 1 FETCH (UID 1 BODY[] {10000000000}\r\n", "announces 10000000000 octets at once"
    with serving(GREETING, answer) as port, asked(port) as client, pytest.raises(Unbounded, match=words):
        client._imap.noop()


def test_not_even_in_the_greeting():
    with serving(b"* OK {10000000000}\r\n") as port, pytest.raises(Unbounded, match="announces"):
        BoundedClient("127.0.0.1", port, ssl=False, timeout=10)


@pytest.mark.parametrize(
    "answer", [b"* OK still here\r\n" * 1000, b"* 1 FETCH (X {10000}\r\n" + b"x" * 10000 + b")\r\n"]
)
def test_an_answer_has_an_end(monkeypatch, answer):
    monkeypatch.setattr(bounded, "ANSWER", 100_000)
    with serving(GREETING, answer) as port, asked(port) as client, pytest.raises(Unbounded, match="no end"):
        client._imap.noop()


def test_each_command_has_its_own_measure(monkeypatch):
    monkeypatch.setattr(bounded, "ANSWER", 5000)
    with serving(GREETING, b"* OK %s\r\nTAG OK done\r\n" % (b"x" * 2000)) as port, asked(port) as client:
        for _ in range(5):
            assert client._imap.noop()[0] == "OK"


def test_what_is_asked_for_fits():
    from postane.fetch.header_part import LIMIT
    from postane.imap.session import CHUNK

    assert max(CHUNK, LIMIT) < LITERAL


@contextmanager
def dripping(pieces: list[bytes], seconds: float) -> Iterator[int]:
    """A server that gives these as its greeting, one after the other with so much time before each."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            try:
                for piece in pieces:
                    time.sleep(seconds)
                    connection.sendall(piece)
                tag = connection.recv(1000).split(b" ")[0]
                connection.sendall(b"* CAPABILITY IMAP4rev1\r\n" + tag + b" OK done\r\n")
            except OSError:
                pass

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()
        thread.join()


@pytest.mark.parametrize("greeting", [b"* OK ready\r\n", b"* OK {8}\r\nxxxxxxxx\r\n"])
def test_one_octet_just_before_each_time_is_over_is_too_slow(greeting):
    octets = [bytes([each]) for each in greeting]
    with dripping(octets, 0.1) as port, pytest.raises(TimeoutError, match="too slowly"):
        BoundedClient("127.0.0.1", port, ssl=False, timeout=0.5)


def test_an_answer_that_takes_longer_and_comes_is_waited_for():
    pieces = [b"* OK " + b"x" * 60, *([b"x" * 64] * 4), b"\r\n"]
    with dripping(pieces, 0.25) as port:
        BoundedClient("127.0.0.1", port, ssl=False, timeout=1.2).shutdown()


def test_a_line_has_an_end():
    with serving(b"* OK " + b"x" * 1_000_000 + b"\r\n") as port, pytest.raises(Unbounded, match="a line of more"):
        BoundedClient("127.0.0.1", port, ssl=False, timeout=10)


def test_octets_before_the_handshake_are_nobodys(tmp_path):
    pair = Authority(tmp_path).issue("server", LOCALHOST)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(pair.chain, pair.key)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"* OK ready\r\n")
            while b"STARTTLS" not in (command := connection.recv(1000)):
                connection.sendall(b"* CAPABILITY IMAP4rev1 STARTTLS\r\n%s OK done\r\n" % command.split(b" ")[0])
            connection.sendall(command.split(b" ")[0] + b" OK begin\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n")
            with suppress(OSError), tls.wrap_socket(connection, server_side=True) as secured:
                secured.recv(1000)

    thread = threading.Thread(target=serve)
    thread.start()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    client = BoundedClient("127.0.0.1", listener.getsockname()[1], ssl=False, timeout=10)
    try:
        with pytest.raises(Unbounded, match="before the TLS handshake"):
            client.starttls(context)
    finally:
        client.shutdown()
        listener.close()
        thread.join()
