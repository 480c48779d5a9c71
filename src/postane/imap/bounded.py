"""The library's client, with bounds: what a server answers to one command is held in memory, a literal may be
announced with any size (RFC 9051 s4.3), and an octet just before each time is over would go on for ever.

It reads from the socket, and not from the library's file: `open`, `read` and `readline` are what the library has others
replace, and its file keeps what came before a TLS handshake.

Must not know: what is asked.
"""

import imaplib
import socket
import time
from typing import TYPE_CHECKING, Any

from imapclient import IMAPClient
from imapclient.imap4 import IMAP4WithTimeout
from imapclient.tls import IMAP4_TLS

LITERAL = 8 * 1024 * 1024
"""Octets of one literal: more than is asked for of a message at once, and than a header part has."""

ANSWER = 64 * 1024 * 1024
"""Octets of all that a server says to one command."""


LINE = 1_000_000
"""Octets of one line, as the library has it: an answer to SEARCH is one."""

AT_ONCE = 8 * 1024
"""Octets that are asked of the socket at a time; what is left of them is copied for each line."""

ENOUGH = 64
"""Octets that must come, together, in the time that a server has for one."""


class Unbounded(Exception):
    """The server gives more than can be meant; nothing can be asked any more. None of the library's errors, which it
    would make others of."""


if TYPE_CHECKING:
    _Base = imaplib.IMAP4
else:
    _Base = object


class _Bounded(_Base):
    """What a connection reads, counted from one command to the next. Times are of a clock that only goes on."""

    _answered = 0
    _ahead = b""  # what came and was not asked for yet
    _come = 0  # octets since `_began`
    _began = 0.0
    _source: socket.socket | None = None

    def read(self, size: int) -> bytes:
        if size > LITERAL:
            raise Unbounded(f"the server announces {size} octets at once, which is more than was asked for")
        self._count(size)
        pieces, missing = [], size
        while missing and self._has_more():
            piece, self._ahead = self._ahead[:missing], self._ahead[missing:]
            pieces.append(piece)
            missing -= len(piece)
        return b"".join(pieces)

    def readline(self) -> bytes:
        if (end := self._ahead.find(b"\n") + 1) and self._source is self.sock:  # so are nearly all
            line, self._ahead = self._ahead[:end], self._ahead[end:]
            self._count(end)
            return line
        pieces, octets = list[bytes](), 0
        while self._has_more():
            end = self._ahead.find(b"\n") + 1 or len(self._ahead)
            piece, self._ahead = self._ahead[:end], self._ahead[end:]
            pieces.append(piece)
            self._count(end)
            if (octets := octets + end) > LINE:
                raise Unbounded(f"the server gives a line of more than {LINE} octets")
            if piece.endswith(b"\n"):
                break
        return b"".join(pieces)

    def send(self, data: Any) -> None:
        self._answered = 0
        super().send(data)
        self._come, self._began = 0, time.monotonic()

    def _has_more(self) -> bool:
        """Whether there is something to read; waits for it. Raises TimeoutError where it comes too slowly."""
        if self._source is not self.sock:  # it is new, or speaks TLS from now on
            if self._ahead:  # RFC 2595 s4: somebody may have put that in
                raise Unbounded("the server has sent octets before the TLS handshake")
            self._source, self._come, self._began = self.sock, 0, time.monotonic()
        if self._ahead:
            return True
        self._ahead = self.sock.recv(AT_ONCE)
        self._come += len(self._ahead)
        limit, now = self.sock.gettimeout(), time.monotonic()
        if self._come >= ENOUGH:
            self._come, self._began = 0, now
        elif limit is not None and now - self._began > limit:
            raise TimeoutError("what the server says comes too slowly")
        return bool(self._ahead)

    def _count(self, octets: int) -> None:
        self._answered += octets
        if self._answered > ANSWER:
            raise Unbounded(f"the server answers with more than {ANSWER} octets, and no end")


class _BoundedClear(_Bounded, IMAP4WithTimeout):  # type: ignore[misc]
    pass


class _BoundedTls(_Bounded, IMAP4_TLS):  # type: ignore[misc]
    pass


class BoundedClient(IMAPClient):  # type: ignore[misc]
    """See IMAPClient; what goes beyond the bounds raises Unbounded."""

    def _create_IMAP4(self) -> imaplib.IMAP4:  # noqa: N802 - the library's name
        timeout = self._timeout.connect
        if self.ssl:
            made: imaplib.IMAP4 = _BoundedTls(self.host, self.port, self.ssl_context, timeout)  # type: ignore[call-arg]
        else:
            made = _BoundedClear(self.host, self.port, timeout)
        return made
