"""A crowd of connections that one process holds: silent, or saying their words an octet at a time.

They come from many addresses of the loopback (127.x.y.z), `per_address` from each, so that the limit by address is not
what stops them, or from one, so that it is.
"""

import selectors
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass

from stage import Facts

NO_PORT_YET = 24
"""IP_BIND_ADDRESS_NO_PORT of ip(7): the port is chosen at connect, so that many addresses share all ports."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`count` connections to a service, held for `seconds`, saying an octet of `words` each `period` seconds, forever
    the same ones over again; `number` is which process of the crew this is."""

    service: str
    count: int
    seconds: float
    per_address: int = 25
    number: int = 0
    words: bytes = b""
    period: float = 1.0


class Guest:
    """One connection of the crowd."""

    __slots__ = ("heard", "is_over", "said", "socket")

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.heard = b""
        self.said = 0
        self.is_over = False


def source_of(number: int, crew: int) -> str:
    """An address of the loopback."""
    return f"127.{10 + crew}.{number // 250}.{1 + number % 250}"


def connect(port: int, source: str) -> socket.socket:
    """A connection on its way."""
    sock = socket.socket()
    sock.setsockopt(socket.IPPROTO_IP, NO_PORT_YET, 1)
    sock.bind((source, 0))
    sock.setblocking(False)
    sock.connect_ex(("127.0.0.1", port))
    return sock


def crowd(ports: Mapping[str, int], plan: Plan) -> Facts:
    """Open them, hold them, tell what became of them."""
    guests: list[Guest] = []
    begun = time.monotonic()
    with selectors.DefaultSelector() as selector:
        for number in range(plan.count):
            guest = Guest(connect(ports[plan.service], source_of(number // plan.per_address, plan.number)))
            selector.register(guest.socket, selectors.EVENT_READ, guest)
            guests.append(guest)
            if number % 50 == 49:
                _hear(selector, 0.02)
        opened = time.monotonic() - begun
        most = 0
        while time.monotonic() - begun < plan.seconds:
            until = time.monotonic() + plan.period
            _say(guests, plan.words)
            while time.monotonic() < until:
                _hear(selector, max(0.0, until - time.monotonic()))
            most = max(most, sum(map(_stands, guests)))
            if not selector.get_map():
                break
        facts = _facts(guests) | {"seconds to open (all processes)": round(opened, 1), "held at once": most}
        for guest in guests:
            guest.socket.close()
    return facts


def _stands(guest: Guest) -> bool:
    if guest.is_over:
        return False
    try:
        guest.socket.getpeername()
    except OSError:  # it is on its way still
        return False
    return True


def _say(guests: list[Guest], words: bytes) -> None:
    for guest in guests if words else ():
        if not guest.is_over:
            at = guest.said % len(words)
            try:
                guest.said += guest.socket.send(words[at : at + 1])
            except (BlockingIOError, InterruptedError):
                continue
            except OSError:
                guest.is_over = True


def _hear(selector: selectors.BaseSelector, seconds: float) -> None:
    for key, _ in selector.select(seconds):
        guest = key.data
        try:
            octets = guest.socket.recv(512)
        except (BlockingIOError, InterruptedError):
            continue
        except OSError:
            octets = b""
        guest.heard = (guest.heard + octets)[:512]
        if not octets:
            guest.is_over = True
            selector.unregister(guest.socket)


def _facts(guests: list[Guest]) -> Facts:
    refused = sum(guest.heard.startswith((b"-ERR", b"421")) for guest in guests)
    cut = sum(guest.is_over and not guest.heard for guest in guests)
    ended = sum(guest.is_over for guest in guests)
    return {
        "connections": len(guests),
        "refused": refused,
        "cut without a word": cut,
        "ended by the server in all": ended,
        "octets said one by one": sum(guest.said for guest in guests),
    }
