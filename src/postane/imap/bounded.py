"""The library's client, with bounds: what a server answers to one command is held in memory, and a literal may be
announced with any size (RFC 9051 s4.3).

Must not know: what is asked.
"""

import imaplib
from typing import TYPE_CHECKING, Any

from imapclient import IMAPClient
from imapclient.imap4 import IMAP4WithTimeout
from imapclient.tls import IMAP4_TLS

LITERAL = 8 * 1024 * 1024
"""Octets of one literal: more than is asked for of a message at once, and than a header part has."""

ANSWER = 64 * 1024 * 1024
"""Octets of all that a server says to one command."""


class Unbounded(Exception):
    """The server gives more than can be meant; nothing can be asked any more. None of the library's errors, which it
    would make others of."""


if TYPE_CHECKING:
    _Base = imaplib.IMAP4
else:
    _Base = object


class _Bounded(_Base):
    """What a connection reads, counted from one command to the next."""

    _answered = 0

    def read(self, size: int) -> bytes:
        if size > LITERAL:
            raise Unbounded(f"the server announces {size} octets at once, which is more than was asked for")
        self._count(size)
        return super().read(size)

    def readline(self) -> bytes:
        line = super().readline()
        self._count(len(line))
        return line

    def send(self, data: Any) -> None:
        self._answered = 0
        super().send(data)

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
