"""Where TCP connections come in, and those that begin with TLS or with a proxy's word are looked at first.

They are accepted as bare sockets, counted, introduced and secured one after the other; only then is there a transport
that reads. Nothing is spent on a handshake before the limits have been asked.

Must not know: any protocol.
"""

import asyncio
import errno
import socket
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from .client_names import is_unmistakable
from .deadlines import Deadlines
from .networks import Networks
from .proxy_protocol import FIXED, LENGTH_LIMIT, Header, parse_header
from .proxy_tlvs import BadHeader
from .stream import BadIntroduction, Peer, StreamClosed, TlsFacts
from .tcp import SocketStream
from .tls import ServerTls

AT_ONCE = 8
"""Connections accepted in one turn of the event loop, so that those which are open get theirs too: while one address
connects as fast as it can, another is served in a third of the time that uvloop's own listener takes."""

EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
PAUSE = 0.5
"""Seconds in which nothing is accepted after the system has run out of something."""


@dataclass(frozen=True, slots=True)
class Proxies:
    """Whose connections begin with a PROXY header, all of them, and nobody else's.

    `takes_names`: the common name of a client certificate that a proxy has verified is the name of an account.
    """

    trusted: Networks
    takes_names: bool = False


class ArrivingStream(SocketStream):
    """A SocketStream that is a bare socket at first; `begins_with_tls`: a handshake comes before everything."""

    __slots__ = ("_has_transport", "_proxies", "_socket", "_told", "begins_with_tls", "is_probe")

    def __init__(
        self,
        deadlines: Deadlines,
        on_open: Callable[[SocketStream], None],
        tls: ServerTls | None,
        *,
        begins_with_tls: bool,
        proxies: Proxies,
    ) -> None:
        super().__init__(deadlines, on_open, tls)
        self._has_transport = False
        self.is_probe = False
        self.begins_with_tls = begins_with_tls
        self._proxies = proxies
        self._socket: socket.socket | None = None
        self._told: TlsFacts | None = None  # what a proxy said of TLS between its client and itself

    def arrive(self, sock: socket.socket) -> None:
        """The connection is there."""
        self._socket = sock
        self._meet(sock.getpeername() if sock.family != socket.AF_UNIX else None)

    @property
    def stands(self) -> bool:
        """See Stream."""
        return self._has_transport

    @property
    def is_introduced(self) -> bool:
        """See Stream: somebody may have to be asked, and a transport is to be made."""
        return False

    async def introduce(self) -> None:
        """See Stream. From a trusted proxy a header must come first; nobody else's octets are looked at: whether there
        is a header is never guessed (the PROXY protocol's specification, section 5)."""
        if self._socket is not None and self.peer.host in self._proxies.trusted:
            await self._read_header(self._socket)

    def _believe(self, header: Header) -> None:
        # Version 1 has no word for it: a proxy that names itself comes for itself.
        self.is_probe = header.is_probe or header.host == self.peer.host.removeprefix("::ffff:")
        if header.host is not None and not self.is_probe:
            self.peer = Peer(header.host, header.port, speaker=self.peer)
        if header.tls is not None:
            name = header.tls.common_name if self._proxies.takes_names else None
            client = None if name is None or not is_unmistakable(name) else name.lower()
            self.tls = self._told = TlsFacts(header.tls.version, header.tls.cipher, client=client)

    async def _read_header(self, sock: socket.socket) -> None:
        """Take the header's octets, and none behind them, which are the protocol's or the handshake's.

        They are looked at before they are taken; as long as the header is not complete, all of them belong to it.
        Proxies also look whether a connection is accepted, and go away, or reset it, before they say anything.
        """
        taken = b""
        while True:
            seen = await self._peek(sock)
            self.is_probe = not seen and not taken
            if self.is_probe:
                raise StreamClosed
            if not seen:
                raise BadIntroduction("the connection ended in the PROXY header")
            try:
                header = parse_header(taken + seen)
            except BadHeader as error:
                raise BadIntroduction(str(error)) from error
            if header is not None:
                self._believe(header)
                _take(sock, header.octets - len(taken))
                return
            taken += _take(sock, len(seen))

    async def _peek(self, sock: socket.socket) -> bytes:
        """The octets that are there, once there are any; b"" at the end. Raises StreamClosed, TimeoutError."""
        number = sock.fileno()
        while True:
            try:
                return sock.recv(FIXED + LENGTH_LIMIT, socket.MSG_PEEK)
            except (BlockingIOError, InterruptedError):
                pass
            except ConnectionResetError:
                return b""
            except OSError as error:
                raise StreamClosed from error
            self._loop.add_reader(number, self._wake)
            try:
                await self._wait()
            finally:
                if self._socket is sock:  # else the number may be another's by now
                    self._loop.remove_reader(number)
            if self._is_lost:
                raise StreamClosed

    async def secure(self) -> None:
        """See Stream: from now on there is a transport, encrypted where the service wants it."""
        sock, self._socket = self._socket, None
        if sock is None:
            raise StreamClosed
        try:
            await self._loop.connect_accepted_socket(lambda: self, sock)
        except BaseException as error:
            sock.close()
            self.connection_lost(None)
            if isinstance(error, OSError):
                raise StreamClosed from error
            raise
        if self.begins_with_tls:
            await self._shake_hands()
        if self._told is not None:  # the client's TLS ends at the proxy: what the proxy proves of itself is not its own
            self.tls = self._told
        self._has_transport = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._take(transport)

    def abort(self) -> None:
        """See Stream."""
        sock, self._socket = self._socket, None
        if sock is not None:
            self._loop.remove_reader(sock.fileno())
            sock.close()
            self.connection_lost(None)
        super().abort()


def _take(sock: socket.socket, count: int) -> bytes:
    """Octets that were seen. Raises StreamClosed: a reset takes them away again."""
    try:
        return sock.recv(count)
    except OSError as error:
        raise StreamClosed from error


class Acceptor:
    """Accepts from a listening socket until it is closed; `make_stream` makes the stream of a new connection."""

    def __init__(self, listening: socket.socket, make_stream: Callable[[], ArrivingStream]) -> None:
        self._loop = asyncio.get_running_loop()
        self._listening = listening
        self._make_stream = make_stream
        self._later: asyncio.TimerHandle | None = None
        self._accept_again()

    def close(self) -> None:
        """Accept no more."""
        if self._later is not None:
            self._later.cancel()
        self._loop.remove_reader(self._listening.fileno())
        self._listening.close()

    def _accept_again(self) -> None:
        self._later = None
        self._loop.add_reader(self._listening.fileno(), self._accept)

    def _pause(self, error: OSError) -> None:
        why, remedy = error.strerror, "raise the limit of open files (LimitNOFILE), or lower limits.connections"
        structlog.get_logger("postane").warning("no more connections can be accepted", why=why, remedy=remedy)
        self._loop.remove_reader(self._listening.fileno())
        self._later = self._loop.call_later(PAUSE, self._accept_again)

    def _accept(self) -> None:
        for _ in range(AT_ONCE):
            try:
                sock, _ = self._listening.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno in EXHAUSTED:
                    self._pause(error)
                    return
                continue  # accept(2): what is wrong with one connection is told here, the next may be sound
            sock.setblocking(False)
            try:
                self._make_stream().arrive(sock)
            except OSError:  # it was gone before it could be asked who it is
                sock.close()
