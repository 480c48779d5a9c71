"""The whole network as one small interface, and what is known of a peer.

The read loop and the client speak to a `Stream`; `tcp.SocketStream` is the real one, `memory.MemoryStream` the shipped
fake. Time-outs live here: a stream has one deadline, and whoever waits past it gets TimeoutError.

Must not know: any protocol.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

UNKNOWN = "unknown"
"""The host of a peer that another one speaks for without saying where it is."""


class StreamClosed(Exception):
    """The connection is gone: reset, aborted, or closed by our own side."""


class NotSecured(StreamClosed):
    """A TLS handshake failed, or octets came before it; the text says why. The connection is closed."""


class BadIntroduction(StreamClosed):
    """A proxy did not tell who the client is; the text says why. The connection is closed."""


@dataclass(frozen=True, slots=True)
class TlsFacts:
    """What a TLS handshake settled, with us or with a proxy in front of us.

    `bindings` are the channel bindings by their registered names (RFC 5929, RFC 9266); `client` is the account name
    that a client's certificate bears, where one was shown and checked, else None.
    """

    version: str
    cipher: str
    bindings: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    client: str | None = None

    def relayed(self) -> "TlsFacts":
        """What is left of it where the peer speaks for somebody else: it is encrypted, and nobody is proven by it."""
        return replace(self, bindings={}, client=None)


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end. `host` is an address, "unix", or UNKNOWN; `port` is 0 where there is none.

    `speaker` is who told that, where it is not the connection's own address: a proxy, a mail server in front.
    """

    host: str
    port: int = 0
    speaker: "Peer | None" = None

    @property
    def address(self) -> str:
        """Its address; "" where it has none, or none that is known."""
        return "" if self.host in ("unix", UNKNOWN) else self.host

    @property
    def is_loopback(self) -> bool:
        """Whether the octets never leave this machine; with a speaker on another one they do, whatever it tells."""
        is_near = self.host == "unix" or self.host == "::1" or self.host.startswith(("127.", "::ffff:127."))
        return is_near and (self.speaker is None or self.speaker.is_loopback)

    def __str__(self) -> str:
        return self.host


class Stream(Protocol):
    """Octets both ways.

    `read` gives b"" when the peer has closed its side. `write` never blocks and never fails: what was lost is told
    by the next `read` or `drain`. `drain` waits until little is unsent, so that a slow reader is not written to faster
    than it reads. Both raise TimeoutError when the deadline passes and StreamClosed when the connection is gone.

    Before its first octet a connection is introduced and secured; both do nothing where there is nothing to do, which
    is so wherever it `stands` already.
    """

    @property
    def stands(self) -> bool:
        """Whether it is introduced and secured."""
        ...

    @property
    def peer(self) -> Peer: ...

    @property
    def is_probe(self) -> bool:
        """Whether a proxy came for itself, to see whether the server lives."""
        ...

    def speak_for(self, client: Peer) -> None:
        """The peer, which is trusted with it, speaks for a client from now on: `peer` is the client, and what TLS has
        proven of the peer itself is not said of the client."""
        ...

    @property
    def is_encrypted(self) -> bool: ...

    @property
    def tls(self) -> TlsFacts | None: ...

    @property
    def can_start_tls(self) -> bool:
        """Whether a handshake is possible from now on."""
        ...

    @property
    def begins_with_tls(self) -> bool:
        """Whether nothing can be said before the handshake."""
        ...

    @property
    def is_introduced(self) -> bool:
        """Whether `introduce` has nothing to do."""
        ...

    def secure_now(self) -> bool:
        """What `secure` does, without waiting: whether it is done. There is news for `attend` when it is to be asked
        again. Raises what `secure` raises; not before it is introduced."""
        ...

    async def introduce(self) -> None:
        """Learn who the peer is, where a proxy tells. Raises BadIntroduction, StreamClosed, TimeoutError."""
        ...

    async def secure(self) -> None:
        """Hold the TLS handshake that a connection begins with. Raises NotSecured, StreamClosed, TimeoutError."""
        ...

    async def start_tls(self, last_words: bytes) -> None:
        """Say `last_words` in clear and hold the TLS handshake. Octets that came before it are never given: they raise
        NotSecured (RFC 2595 s4, RFC 3207 s4.2). Raises NotSecured, StreamClosed, TimeoutError besides."""
        ...

    def set_deadline(self, seconds: float | None) -> None:
        """From now on, waits end `seconds` from now with TimeoutError; None: never."""
        ...

    async def read(self) -> bytes: ...

    def read_now(self) -> bytes | None:
        """What `read` would give without waiting; None where nothing has come. Raises what `read` raises."""
        ...

    def attend(self, call: Callable[[], None] | None) -> None:
        """From now on, call when there is news for `read_now` or `is_gone`; None: no more. Nobody waits meanwhile."""
        ...

    def write(self, octets: bytes) -> None: ...

    @property
    def is_writable(self) -> bool:
        """Whether `drain` would not wait."""
        ...

    async def drain(self) -> None: ...

    async def close(self, *, is_peer_sending: bool = False) -> None:
        """Send what is unsent, as far as the peer takes it before the deadline, then close. Raises nothing.

        `is_peer_sending`: the peer may be in the middle of sending; the last word must reach it all the same.
        """
        ...

    def leave(self, last_octets: bytes = b"") -> None:
        """Write these and begin to close as `close` does, and wait for nothing. Raises nothing."""
        ...

    @property
    def is_gone(self) -> bool:
        """Whether the connection is closed, or lost."""
        ...

    def abort(self) -> None:
        """Close at once, unsent octets are lost. Raises nothing."""
        ...
