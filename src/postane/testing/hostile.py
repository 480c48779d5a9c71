"""A POP3 server that does wrong what real ones have been seen to do wrong, for tests of clients.

    from postane.testing.faults import DropAfter, SameUidl
    from postane.testing.hostile import hostile_server

    async with hostile_server([b"Subject: one\\r\\n\\r\\nHello\\r\\n"], [DropAfter(300, times=1)]) as server:
        await fetch(server.url, password=server.account.password)
        assert [message.octets for message in server.deleted] == [...]

It listens on a free port of loopback and runs in the test's own event loop: a blocking client needs a thread. Messages
and what was deleted outlive `kill` and `restart`, as they do on a disk. Faults are in `postane.testing.faults`.

Must not know: what is tested with it.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Iterable, Sequence

from .channel import Channel, Gone, Said
from .faults import Fault, Troubles
from .pop3_fake import FakeSession
from .pop3_login import Account
from .shelf import Message, Shelf

HOST = "127.0.0.1"
LINGER = 2.0
PIECE = 64 * 1024


class HostileServer:
    """See the module. `tls` is what STLS begins, or with `is_implicit` each connection; `log` is the transcript of all
    connections. `restart` begins it too."""

    def __init__(
        self,
        messages: Iterable[bytes],
        faults: Iterable[Fault] = (),
        *,
        account: Account = Account(),  # noqa: B008 - a frozen value
        tls: ssl.SSLContext | None = None,
        is_implicit: bool = False,
    ) -> None:
        self.account = account
        self.port = 0
        self.log: list[Said] = []
        self._shelf = Shelf(messages)
        self._troubles = Troubles(faults)
        self._tls = tls
        self._is_implicit = is_implicit
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._connections = 0

    @property
    def url(self) -> str:
        """Where it is, with the name of the account."""
        return f"{'pop3s' if self._is_implicit else 'pop3'}://{self.account.name}@{HOST}:{self.port}"

    @property
    def messages(self) -> Sequence[Message]:
        """What is there, as a session would see it that begins now."""
        return tuple(self._shelf.messages)

    @property
    def deleted(self) -> Sequence[Message]:
        """What is deleted for good."""
        return tuple(self._shelf.deleted)

    @property
    def connections(self) -> int:
        """How many there have been."""
        return self._connections

    @property
    def commands(self) -> list[str]:
        """What clients have said, line by line."""
        return [said.octets.decode("utf-8", "replace").rstrip("\r\n") for said in self.log if said.is_client]

    @property
    def transcript(self) -> str:
        """All that was said, for a person to read."""
        return "\n".join(map(str, self.log))

    def put(self, octets: bytes) -> str:
        """One more message, which sessions see that begin later; gives its UIDL."""
        return self._shelf.put(octets)

    def behave(self, faults: Iterable[Fault] = ()) -> None:
        """Connections that begin later have these faults in the place of the old ones."""
        self._troubles = Troubles(faults)

    def kill(self) -> None:
        """Die as a process does: nobody listens, all connections are reset, what was not committed never happens."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task, writer in self._open.items():
            writer.transport.abort()
            task.cancel()

    async def restart(self) -> None:
        """Live again, on the same port."""
        await self._rest()
        context = self._tls if self._is_implicit else None
        self._server = await asyncio.start_server(self._serve, HOST, self.port, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Be gone with all connections. Idempotent."""
        self.kill()
        await self._rest()

    async def _rest(self) -> None:
        """Wait for what was killed."""
        if self._open:
            await asyncio.wait(self._open)
        await asyncio.sleep(0)  # a transport that is aborted is closed in the loop's next turn

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if self._server is None:  # killed while the connection came
            writer.transport.abort()
            return
        self._open[task] = writer
        self._connections += 1
        number = self._connections

        def note(is_client: bool, octets: bytes) -> None:
            self.log.append(Said(number, is_client, octets))

        troubles = self._troubles
        channel = Channel(reader, writer, troubles, note)
        tls = None if self._is_implicit else self._tls
        try:
            await FakeSession(channel, self._shelf, self.account, troubles, tls).run()
        except (Gone, OSError):
            await _part(reader, writer)
        except asyncio.CancelledError:
            pass  # killed: a task that ends as cancelled would be told of as an error
        finally:
            writer.transport.abort()
            del self._open[task]


async def _part(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Close without a reset, which could take back what was said last: what still comes is read away for a while."""
    with contextlib.suppress(OSError, TimeoutError, asyncio.CancelledError):
        async with asyncio.timeout(LINGER):
            if not writer.can_write_eof():  # TLS
                writer.close()
                await writer.wait_closed()
                return
            writer.write_eof()
            while await reader.read(PIECE):
                pass


@contextlib.asynccontextmanager
async def hostile_server(
    messages: Iterable[bytes],
    faults: Iterable[Fault] = (),
    *,
    account: Account = Account(),  # noqa: B008 - a frozen value
    tls: ssl.SSLContext | None = None,
    is_implicit: bool = False,
) -> AsyncIterator[HostileServer]:
    """A running HostileServer, which is closed at the end."""
    server = HostileServer(messages, faults, account=account, tls=tls, is_implicit=is_implicit)
    await server.restart()
    try:
        yield server
    finally:
        await server.close()
