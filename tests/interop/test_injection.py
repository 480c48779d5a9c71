"""Commands sent before the TLS handshake, against the real server: nothing of them is ever obeyed.

The man in the middle puts octets behind STLS or STARTTLS, in the same segment or in the next ones, and lets the
handshake of the victim follow. Courier (CVE-2021-38084), Dovecot (CVE-2021-33515), James (CVE-2021-38542 and
CVE-2022-28220) and many
others took those octets for the victim's, inside the encrypted connection.
"""

import poplib
import socket
import ssl
from dataclasses import dataclass

import pytest

from support.postoffice import Mailbox, PostOffice

pytestmark = pytest.mark.interop

PATIENCE = 15.0


@dataclass(frozen=True, slots=True)
class Door:
    """How a service is brought to begin TLS; `probe` is a command and the beginning of its reply."""

    service: str
    hello: bytes
    begin: bytes
    agreed: bytes
    probe: tuple[bytes, bytes]


DOORS = (
    Door("pop3", b"", b"STLS\r\n", b"+OK", (b"CAPA\r\n", b"+OK capabilities")),
    Door("smtp", b"EHLO victim.example\r\n", b"STARTTLS\r\n", b"220", (b"NOOP\r\n", b"250 2.0.0")),
    Door("lmtp", b"LHLO victim.example\r\n", b"STARTTLS\r\n", b"220", (b"NOOP\r\n", b"250 2.0.0")),
)

door = pytest.mark.parametrize("door", DOORS, ids=lambda door: door.service)


def injected(door: Door, mailbox: Mailbox) -> bytes:
    """What would do harm: mail in the victim's name, or a login into the attacker's box."""
    if door.service == "pop3":
        return b"USER %s\r\nPASS %s\r\nSTAT\r\n" % (mailbox.name.encode(), mailbox.password.encode())
    hello = door.hello.replace(b"victim", b"attacker")
    mail = b"MAIL FROM:<a@example.org>\r\nRCPT TO:<%s>\r\nDATA\r\nharm\r\n.\r\n" % mailbox.address.encode()
    return hello + mail


def connect(office: PostOffice, door: Door) -> socket.socket:
    sock = socket.create_connection(office.address(door.service), timeout=PATIENCE)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.recv(4096)
    if door.hello:
        sock.sendall(door.hello)
        sock.recv(4096)
    return sock


def shake_hands(sock: socket.socket) -> ssl.SSLSocket:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(sock)


def read_all(sock: socket.socket) -> bytes:
    heard = b""
    try:
        while octets := sock.recv(4096):
            heard += octets
    except OSError:
        pass
    return heard


@door
def test_what_it_is_meant_for_works(post_office: PostOffice, door: Door) -> None:
    """Without this the tests below would show nothing."""
    sock = connect(post_office, door)
    sock.sendall(door.begin)
    assert sock.recv(4096).startswith(door.agreed)
    with shake_hands(sock) as secured:
        secured.sendall(door.probe[0])
        assert secured.recv(4096).startswith(door.probe[1])


@door
@pytest.mark.parametrize("size", [None, 1, 7], ids=["one segment", "octet by octet", "in pieces"])
def test_in_front_of_a_handshake(post_office: PostOffice, mailbox: Mailbox, door: Door, size: int | None) -> None:
    """However the octets are cut: no handshake is held, nothing is answered, nothing is done."""
    octets = door.begin + injected(door, mailbox)
    sock = connect(post_office, door)
    for start in range(0, len(octets), size or len(octets)):
        try:
            sock.sendall(octets[start : start + (size or len(octets))])
        except OSError:
            break  # it has hung up already
    with pytest.raises((ssl.SSLError, ConnectionError)):
        shake_hands(sock)
    sock.close()
    check_nothing_was_done(post_office, mailbox)


@door
def test_between_the_agreement_and_the_handshake(post_office: PostOffice, mailbox: Mailbox, door: Door) -> None:
    sock = connect(post_office, door)
    sock.sendall(door.begin)
    assert sock.recv(4096).startswith(door.agreed)
    sock.sendall(injected(door, mailbox))
    with pytest.raises((ssl.SSLError, ConnectionError)):
        shake_hands(sock)
    sock.close()
    check_nothing_was_done(post_office, mailbox)


@door
def test_the_answer_in_clear_is_one_refusal(post_office: PostOffice, mailbox: Mailbox, door: Door) -> None:
    """Whoever only looks at what comes back in clear sees one line at most, and the end of the connection."""
    sock = connect(post_office, door)
    sock.sendall(door.begin + injected(door, mailbox))
    heard = read_all(sock)
    assert heard.count(b"\r\n") == 1
    assert heard.startswith((b"-ERR", b"554"))
    sock.close()


@pytest.mark.parametrize("door", DOORS[1:], ids=lambda door: door.service)
def test_a_transaction_does_not_cross_the_handshake(post_office: PostOffice, mailbox: Mailbox, door: Door) -> None:
    """RFC 3207 s4.2: what was said before is discarded, the hello too."""
    sock = connect(post_office, door)
    sock.sendall(door.begin)
    sock.recv(4096)
    with shake_hands(sock) as secured:
        secured.sendall(b"MAIL FROM:<a@example.org>\r\n")
        assert secured.recv(4096).startswith(b"503")
    check_nothing_was_done(post_office, mailbox)


def check_nothing_was_done(post_office: PostOffice, mailbox: Mailbox) -> None:
    """No mail came, and nobody is logged in: the lease is free."""
    pop = poplib.POP3(*post_office.pop3, timeout=PATIENCE)
    pop.user(mailbox.name)
    pop.pass_(mailbox.password)
    assert pop.stat() == (0, 0)
    pop.quit()
