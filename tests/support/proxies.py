"""Small proxies: SOCKS5 (RFC 1928, RFC 1929) and HTTP CONNECT. They lead to where the test says, whatever is asked."""

import asyncio
import base64
import contextlib
import struct
from dataclasses import dataclass, field

from .scripted import Play


@dataclass
class ProxyLog:
    """What proxies were asked for: places, and who asked."""

    places: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)


def socks5(log: ProxyLog, leads_to: int, *, answer: int = 0, asks_name: bool = False) -> Play:
    """A SOCKS5 proxy to a port of loopback; `answer` is the code that it answers with."""

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        version, count = await reader.readexactly(2)
        methods = await reader.readexactly(count)
        wanted = 2 if asks_name else 0
        assert version == 5
        writer.write(bytes((5, wanted if wanted in methods else 255)))
        if wanted not in methods:
            return
        if asks_name and not await _name_told(reader, writer, log):
            return
        log.places.append(await _place_asked(reader))
        writer.write(bytes((5, answer, 0, 1, 127, 0, 0, 1, 0, 0)))
        if answer == 0:
            await _relay(reader, writer, leads_to)

    return play


def connect(log: ProxyLog, leads_to: int, *, status: str = "200 Connection established", name: str = "") -> Play:
    """An HTTP proxy; with `name` ("mrose:tanstaaf") it asks for that."""

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, place, _ = head[0].split()
        assert method == "CONNECT"
        log.places.append(place)
        fields = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        shown = fields.get("proxy-authorization", "")
        if name and shown != "basic " + base64.b64encode(name.encode()).decode().lower():
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        log.names.append(name)
        writer.write(f"HTTP/1.1 {status}\r\n\r\n".encode())
        if status.startswith("200"):
            await _relay(reader, writer, leads_to)

    return play


async def _name_told(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, log: ProxyLog) -> bool:
    """RFC 1929 s2."""
    await reader.readexactly(1)
    name = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
    password = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
    log.names.append(f"{name}:{password}")
    is_right = password == "tanstaaf"
    writer.write(bytes((1, 0 if is_right else 1)))
    return is_right


async def _place_asked(reader: asyncio.StreamReader) -> str:
    """RFC 1928 s4."""
    _, _, _, kind = await reader.readexactly(4)
    if kind == 3:
        host = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
    else:
        host = ".".join(map(str, await reader.readexactly(4)))
    (port,) = struct.unpack("!H", await reader.readexactly(2))
    return f"{host}:{port}"


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while octets := await source.read(65536):
                sink.write(octets)
                await sink.drain()
            sink.write_eof()

    try:
        await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))
    finally:
        far_writer.transport.abort()
