"""Servers that do what a test says, on free ports of loopback."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable

from postane.net.tls import Certificate

Play = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def serving(play: Play, context: ssl.SSLContext | None = None, *, path: str | None = None) -> AsyncIterator[int]:
    """A server whose connections are each what `play` makes of them; gives its port."""
    tasks: set[asyncio.Task[None]] = set()

    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())  # type: ignore[arg-type]
        with contextlib.suppress(OSError, EOFError, asyncio.CancelledError):
            await play(reader, writer)
        writer.close()
        with contextlib.suppress(OSError, asyncio.CancelledError, TimeoutError):
            async with asyncio.timeout(2):  # after a TLS that began later, asyncio may wait for ever
                await writer.wait_closed()
        writer.transport.abort()

    if path is not None:
        server = await asyncio.start_unix_server(run, path)
    else:
        server = await asyncio.start_server(run, "127.0.0.1", 0, ssl=context)
    try:
        yield 0 if path is not None else server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await asyncio.sleep(0)  # what is aborted is closed in the next turn of the loop


def server_context(
    own: Certificate, version: ssl.TLSVersion | None = None, ciphers: str | None = None
) -> ssl.SSLContext:
    """TLS of such a server; the oldest versions too, where they are asked for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own.chain, own.key)
    if ciphers is not None:
        context.set_ciphers(ciphers)
    if version is not None:
        context.minimum_version = context.maximum_version = version
    return context


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """What comes goes back, until the client has nothing more to say."""
    while octets := await reader.read(65536):
        writer.write(octets)
        await writer.drain()


def saying(*words: bytes) -> Play:
    """Says something and waits until the client goes."""

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for word in words:
            writer.write(word)
        await writer.drain()
        while await reader.read(65536):
            pass

    return play


def agreeing(context: ssl.SSLContext, after: Play, *, early: bytes = b"") -> Play:
    """Answers one line with "+OK" and with `early`, then speaks TLS, then plays on."""

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"+OK\r\n" + early)
        await writer.start_tls(context)
        await after(reader, writer)

    return play


def shaking(context: ssl.SSLContext) -> Play:
    """Holds a TLS handshake and tells by an alert where it fails, which asyncio's own servers do not."""

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        secured = context.wrap_bio(incoming, outgoing, server_side=True)
        with contextlib.suppress(ssl.SSLError):
            while True:
                with contextlib.suppress(ssl.SSLWantReadError):
                    secured.do_handshake()
                    break
                writer.write(outgoing.read())
                incoming.write(await reader.read(65536))
        writer.write(outgoing.read())
        await reader.read(65536)

    return play
