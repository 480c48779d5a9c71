"""Connections that are looked at before their first octet is read: they begin with TLS, or with a proxy's word.

They are accepted as bare sockets, counted, introduced and secured one after the other; only then is there a transport
that reads. Nothing is spent on a handshake before the limits have been asked.

Must not know: any protocol.
"""

import asyncio
import errno
import socket
from collections.abc import Callable

from .stream import StreamClosed
from .tcp import Deadlines, SocketStream, told
from .tls import ServerTls

AT_ONCE = 64
"""Connections accepted in one turn of the event loop, so that those which are open get theirs too."""

EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
PAUSE = 0.5
"""Seconds in which nothing is accepted after the system has run out of something."""


class ArrivingStream(SocketStream):
    """A SocketStream that is a bare socket at first; `begins_with_tls`: a handshake comes before everything."""

    def __init__(
        self,
        deadlines: Deadlines,
        on_open: Callable[[SocketStream], None],
        tls: ServerTls | None,
        *,
        begins_with_tls: bool,
    ) -> None:
        super().__init__(deadlines, on_open, tls)
        self.begins_with_tls = begins_with_tls
        self._socket: socket.socket | None = None

    def arrive(self, sock: socket.socket) -> None:
        """The connection is there."""
        self._socket = sock
        self._meet(sock.getpeername() if sock.family != socket.AF_UNIX else None)

    async def secure(self) -> None:
        """See Stream: from now on there is a transport, encrypted where the service wants it."""
        sock, self._socket = self._socket, None
        if sock is None:
            raise StreamClosed
        context = self._server_tls.context if self.begins_with_tls and self._server_tls is not None else None
        patience = None if context is None else self._patience
        try:
            with told():
                await self._loop.connect_accepted_socket(
                    lambda: self, sock, ssl=context, ssl_handshake_timeout=patience
                )
        except BaseException:
            sock.close()
            raise

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._take(transport)

    def abort(self) -> None:
        """See Stream."""
        sock, self._socket = self._socket, None
        if sock is not None:
            sock.close()
            self.connection_lost(None)
        super().abort()


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

    def _accept(self) -> None:
        for _ in range(AT_ONCE):
            try:
                sock, _ = self._listening.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno in EXHAUSTED:
                    self._loop.remove_reader(self._listening.fileno())
                    self._later = self._loop.call_later(PAUSE, self._accept_again)
                    return
                continue  # accept(2): what is wrong with one connection is told here, the next may be sound
            sock.setblocking(False)
            try:
                self._make_stream().arrive(sock)
            except OSError:  # it was gone before it could be asked who it is
                sock.close()
