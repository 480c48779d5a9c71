"""The real link: a client's socket, or a stream that was given, under an asyncio transport.

Reading stops while more than READ_AHEAD octets wait unread, and `drain` waits while more than WRITE_HIGH are unsent.
One task may read while another one drains.

Must not know: any protocol, how a connection is made.
"""

import asyncio
import contextlib
import socket
import ssl
from typing import cast

from .base import Certificate, LinkLost, NetError, Target, TlsMode, TooSlow, Untrusted
from .client_tls import ClientTlsLink, client_context, named, near, settled, shown_by
from .distrust import explain, no_tls
from .pins import certificate_of
from .stream import UNKNOWN, Peer, TlsFacts
from .tls_link import TlsLink
from .waits import Wait

READ_AHEAD = 256 * 1024
"""Octets that may wait unread before the server is no longer read from."""

ENOUGH = 64
"""Octets that a wait must bring, or several together, to count as an answer: who sends one octet after the other, each
before the time is over, would never be too slow."""

WRITE_HIGH = 256 * 1024
WRITE_LOW = 64 * 1024
"""Unsent octets above which `drain` waits, and below which it goes on."""


class SocketLink(asyncio.Protocol):
    """A Link over a transport, which calls it. `is_relayed`: the transport's peer is a proxy and not the server."""

    __slots__ = (
        "_closing", "_come", "_is_ended", "_is_lost", "_is_reading", "_is_writable", "_owner", "_reading", "_received",
        "_target", "_transport", "_trouble", "_writing", "certificate", "is_relayed", "peer", "tls",
    )  # fmt: skip

    def __init__(self, target: Target, *, is_relayed: bool = False) -> None:
        self._target = target
        self._transport: asyncio.Transport | TlsLink | None = None
        self._received = b""
        self._come = ENOUGH  # octets since something was said, or since the time to wait began anew
        self._is_reading = True
        self._is_ended = False  # the server has closed its side
        self._is_lost = False
        self._is_writable = True
        self._trouble: Exception | None = None
        self._reading = Wait(target.timeout, f"{target} has said nothing")
        self._writing = Wait(target.timeout, f"{target} has not taken what is sent to it")
        self._closing: Wait | None = None
        self._owner: object = None
        self.is_relayed = is_relayed
        self.peer = Peer(UNKNOWN)
        self.tls: TlsFacts | None = None
        self.certificate: Certificate | None = None

    # What the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=WRITE_HIGH, low=WRITE_LOW)
        address = transport.get_extra_info("peername")
        if isinstance(address, tuple):
            self.peer = Peer(str(address[0]), int(address[1]))
            with contextlib.suppress(OSError, AttributeError):  # a transport of somebody else may have no socket
                transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        elif _is_unix(transport):
            self.peer = Peer("unix")
        if self.is_relayed:
            self.peer = Peer(UNKNOWN, speaker=self.peer)

    def data_received(self, data: bytes) -> None:
        self._received = self._received + data if self._received else data
        self._come += len(data)
        if len(self._received) > READ_AHEAD and self._is_reading and self._transport is not None:
            self._is_reading = False
            self._transport.pause_reading()
        self._reading.wake()

    def eof_received(self) -> bool:
        self._is_ended = True
        self._reading.wake()
        return self.tls is None  # half-closed: what is still to be said may be said

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_lost = True
        self._trouble = self._trouble or exc
        self._reading.end()
        self._writing.end()
        if self._closing is not None:
            self._closing.end()

    def pause_writing(self) -> None:
        self._is_writable = False

    def resume_writing(self) -> None:
        self._is_writable = True
        self._writing.wake()

    # What the house calls

    @property
    def is_private(self) -> bool:
        """See Link."""
        return self.tls is not None or (self.peer.is_loopback and not self.is_relayed)

    @property
    def is_writable(self) -> bool:
        """See Link."""
        return self._is_writable and not self._is_lost

    async def read(self) -> bytes:
        """See Link."""
        while (octets := self.read_now()) is None:
            goes_on = self._come < ENOUGH
            if not goes_on:
                self._come = 0
            await self._reading.wait(goes_on=goes_on)
        return octets

    def read_now(self) -> bytes | None:
        """See Link."""
        octets = self._received
        if not octets:
            if self._is_ended:
                return b""
            if self._is_lost:
                raise self._loss()
            return None
        self._received = b""
        if not self._is_reading and self._transport is not None:
            self._is_reading = True
            self._transport.resume_reading()
        return octets

    def write(self, octets: bytes) -> None:
        """See Link."""
        self._come = ENOUGH
        if self._transport is not None and not self._is_lost:
            self._transport.write(octets)

    async def drain(self) -> None:
        """See Link."""
        while not self._is_writable and not self._is_lost:
            await self._writing.wait()
        if self._is_lost:
            raise self._loss()

    async def start_tls(self) -> None:
        """See Link."""
        try:
            if self._transport is None or self._is_lost:
                raise self._loss()
            if self.tls is not None:
                raise Untrusted(f"{self._target}: TLS has begun already")
            self._refuse_early()
            context = await asyncio.to_thread(client_context, near(self._target.tls, self.peer))
            self._refuse_early()
            await self._shake_hands(context)
        except BaseException:
            self.abort()
            raise

    async def close(self) -> None:
        """See Link."""
        if self._transport is None or self._is_lost or self._closing is not None:
            return
        self._closing = Wait(self._target.timeout, f"{self._target} has not taken what is sent to it")
        self._transport.close()
        try:
            await self._closing.wait()
        except TooSlow:
            pass
        finally:
            self.abort()

    def abort(self) -> None:
        """See Link."""
        if self._transport is not None and not self._is_lost:
            self._transport.abort()

    def keep(self, owner: object) -> None:
        """Hold on to whom the transport was taken from: asyncio's writer closes it when nobody has that any more."""
        self._owner = owner

    def over_tls(self, secured: ssl.SSLObject | ssl.SSLSocket) -> None:
        """The transport speaks TLS already: tell what it has settled. Raises Untrusted where a pin does not fit."""
        self.tls, self.certificate = settled(cast(ssl.SSLObject, secured), self._target)

    def _refuse_early(self) -> None:
        """RFC 2595 s4 and RFC 3207 s4.2: what came before the handshake is not for anybody."""
        if not self._received:
            return
        self._received = b""
        if self._target.tls.mode is TlsMode.IMPLICIT:
            raise Untrusted(no_tls(self._target))
        raise Untrusted(f"{self._target} has sent octets before the TLS handshake, which somebody else may have put in")

    async def _shake_hands(self, context: ssl.SSLContext) -> None:
        transport = cast(asyncio.Transport, self._transport)
        link = self._transport = ClientTlsLink(context, transport, self, self._reading.wake)
        try:
            link.begin(named(self._target.host))
            while not link.is_complete and not self._is_lost and not self._is_ended:
                await self._reading.wait()
        except ValueError as error:  # a name that no certificate can be for
            raise Untrusted(f"{self._target.host!r} is no name for TLS: {error}") from None
        except TooSlow:
            seconds = self._target.timeout
            raise TooSlow(f"the TLS handshake with {self._target} took longer than {seconds:g} s") from None
        if not link.is_complete or link.secured is None:
            raise self._failure(link)
        self.over_tls(link.secured)
        link.flush()

    def _failure(self, link: ClientTlsLink) -> NetError:
        if link.is_clear:
            return Untrusted(no_tls(self._target))
        if link.error is not None:
            der = shown_by(link.secured)
            return Untrusted(explain(self._target, link.error, None if der is None else certificate_of(der)))
        return LinkLost(f"{self._target} has closed the connection in the middle of the TLS handshake")

    def _loss(self) -> LinkLost:
        if isinstance(self._transport, ClientTlsLink) and self._transport.error is not None:
            return LinkLost(explain(self._target, self._transport.error, None))
        if self._trouble is not None:
            return LinkLost(f"{self._target} has broken the connection off: {_words(self._trouble)}")
        return LinkLost(f"the connection with {self._target} is closed")


def _is_unix(transport: asyncio.BaseTransport) -> bool:
    """Whether it leads to this machine; one that cannot tell may lead anywhere."""
    family = getattr(transport.get_extra_info("socket"), "family", None)
    return family is not None and family == getattr(socket, "AF_UNIX", None)


def _words(error: Exception) -> str:
    words = error.strerror if isinstance(error, OSError) else None
    return (words or str(error) or type(error).__name__).lower()
