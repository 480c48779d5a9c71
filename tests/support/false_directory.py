"""A directory that does what no real one does: it says more than it should, nothing, or nonsense."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from sansldap import LDAPMessage, LDAPServer

Answer = Callable[[LDAPServer, LDAPMessage], bytes | None]
"""What to send for a message, None: nothing, and the connection ends. The server's own answers are in its
`data_to_send`, which is sent first."""


class FalseDirectory:
    """Listens on `port`; `heard` has every message that came."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.heard: list[LDAPMessage] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"ldap://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        session = LDAPServer()
        while data := await reader.read(65536):
            for message in session.receive(data):
                self.heard.append(message)
                more = self._answer(session, message)
                writer.write(session.data_to_send())
                if more is None:
                    return
                writer.write(more)
            await writer.drain()


@contextlib.asynccontextmanager
async def open_false_directory(answer: Answer) -> AsyncIterator[FalseDirectory]:
    """Serves until the end of the block."""
    false = FalseDirectory(answer)
    async with serving(false.serve) as port:
        false.port = port
        yield false


@contextlib.asynccontextmanager
async def serving(
    handle: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    """A port on which each connection is handled, until the end of the block."""
    tasks: set[asyncio.Task[None] | None] = set()

    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        try:
            with contextlib.suppress(OSError):
                await handle(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    server = await asyncio.start_server(run, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.wait([task for task in tasks if task is not None], timeout=1) if tasks else None
