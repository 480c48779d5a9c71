"""TLS between a transport and a stream: to the one it is a protocol, to the other a transport.

The event loops' own TLS keeps a read buffer and a dozen objects for each connection, and pays for an exception at the
end of each read; this is as little as the standard library allows.

Must not know: certificates, any protocol.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable

from .stream import NotSecured, StreamClosed

PIECE = 64 * 1024
"""What is encrypted at a time: the buffer behind it keeps for good the size that it once had."""


class TlsLink(asyncio.Protocol):
    """The server's side of one connection's TLS: from now on the transport's protocol, and what the stream writes to.

    Nothing is made before the first octet of the handshake: who says nothing costs nothing. `secured` is there from
    then on. `is_complete` tells that the handshake is over, and `on_complete` is called then; `trouble` is what broke
    it, or what came after it. With a `receive`, which what was opened is given to, the stream stays the transport's
    protocol and hands on what comes: to take its place costs two calls of the system.
    """

    __slots__ = (
        "_context", "_incoming", "_on_complete", "_outgoing", "_receive", "_stream", "_transport", "is_complete",
        "secured", "trouble",
    )  # fmt: skip

    def __init__(
        self,
        context: ssl.SSLContext,
        transport: asyncio.Transport,
        stream: asyncio.Protocol,
        on_complete: Callable[[], None],
        receive: Callable[[bytes], None] | None = None,
    ) -> None:
        self._context = context
        self._transport = transport
        self._stream = stream
        self._on_complete = on_complete
        self.secured: ssl.SSLObject | None = None
        self.is_complete = False
        self.trouble: str | None = None
        self._receive = receive or stream.data_received
        if receive is None:
            transport.set_protocol(self)

    # What the transport calls

    def data_received(self, data: bytes) -> None:
        secured = self.secured or self._begin()
        self._incoming.write(data)
        try:
            if self.is_complete:
                self._read(secured)
                self.flush()  # what a reading brings forth: new keys, a refusal to negotiate again
                return
            secured.do_handshake()
            self.is_complete = True
            self._on_complete()  # what is said now takes the tickets along
            self._read(secured)
        except ssl.SSLWantReadError:  # the handshake goes on
            self.flush()
        except ssl.SSLError as error:
            self._give_up(error)

    def _read(self, secured: ssl.SSLObject) -> None:
        """Hand on what there is. It is asked first: to be told that there is no more costs an exception."""
        incoming, parts = self._incoming, []
        is_ended = False
        with contextlib.suppress(ssl.SSLWantReadError):
            while not is_ended and (count := incoming.pending or secured.pending()):
                parts.append(secured.read(count))
                is_ended = not parts[-1]
        if octets := b"".join(parts):
            self._receive(octets)
        if is_ended:
            self._stream.eof_received()

    def eof_received(self) -> bool:
        self._stream.eof_received()
        return False  # TLS has no half-closed state

    def connection_lost(self, exc: Exception | None) -> None:
        self._stream.connection_lost(exc)

    def pause_writing(self) -> None:
        self._stream.pause_writing()

    def resume_writing(self) -> None:
        self._stream.resume_writing()

    # What the stream calls

    def failure(self, error: StreamClosed | TimeoutError) -> Exception:
        """What a handshake ends with that this ended; who never began one has no trouble with TLS."""
        if self.secured is None:
            return error
        what = "took too long" if isinstance(error, TimeoutError) else "was broken off"
        return NotSecured(self.trouble or f"TLS: the handshake {what}")

    def write(self, data: bytes) -> None:
        """Say these octets, and before them what waits to be said by TLS itself. While the handshake goes on they are
        dropped: what is said to whom is sent away in the midst of it has no way to them."""
        secured = self.secured
        if secured is None or not self.is_complete:
            return
        outgoing = self._outgoing
        try:
            if len(data) <= PIECE:
                secured.write(data)
                self._transport.write(outgoing.read())
                return
            sealed = []
            with memoryview(data) as view:
                for start in range(0, len(data), PIECE):
                    secured.write(view[start : start + PIECE])
                    sealed.append(outgoing.read())
            self._transport.writelines(sealed)
        except ssl.SSLError as error:
            self._give_up(error)

    def flush(self) -> None:
        """Send what waits to be said by TLS itself: parts of the handshake, tickets, alerts."""
        if self.secured is not None and self._outgoing.pending and not self._transport.is_closing():
            self._transport.write(self._outgoing.read())

    def close(self, last_octets: bytes = b"") -> None:
        """End it, after these octets: TLS's own last word goes with them."""
        self._say_last_word(last_octets)
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()

    def can_write_eof(self) -> bool:
        return self._transport.can_write_eof()

    def write_eof(self) -> None:
        self._say_last_word()
        self._transport.write_eof()

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def get_write_buffer_size(self) -> int:
        return self._transport.get_write_buffer_size()

    def _begin(self) -> ssl.SSLObject:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.secured = self._context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        return self.secured

    def _say_last_word(self, last_octets: bytes = b"") -> None:
        """TLS's `close_notify`, whether or not the peer has said its own."""
        if self.secured is not None and self.is_complete and self.trouble is None:
            with contextlib.suppress(ssl.SSLError):  # it would wait for the peer's
                if last_octets:
                    self.secured.write(last_octets)
                self.secured.unwrap()
        self.flush()

    def _give_up(self, error: ssl.SSLError) -> None:
        """An alert tells the peer why; that the connection is lost is told to the stream a moment later."""
        self.trouble = f"TLS: {(error.reason or str(error)).replace('_', ' ').lower()}"
        self.flush()
        self._transport.close()
