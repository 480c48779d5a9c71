"""A large message goes through every sink but IMAP's, whose library holds it, without being held."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from support.scripted import serving
from support.sink_large import KINDS

SIZE = 100 * 2**20
GROWTH = 24
"""MiB: some blocks on their way."""


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "smtp"])
async def test_a_large_message(tmp_path: Path, kind: str) -> None:
    await check(kind, str(tmp_path))


async def test_a_large_message_to_a_server() -> None:
    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Says yes to everything, and forgets what it hears at once."""
        writer.write(b"220 x\r\n")
        while line := await reader.readline():
            writer.write(b"354 go\r\n" if line == b"DATA\r\n" else b"250 ok\r\n")
            if line == b"DATA\r\n":
                tail = b""
                while not tail.endswith(b"\r\n.\r\n"):
                    tail = (tail + await reader.read(65536))[-5:]
                writer.write(b"250 ok\r\n")

    async with serving(play) as port:
        await check("smtp", str(port))


async def check(kind: str, where: str) -> None:
    tests = str(Path(__file__).parents[1])
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "support.sink_large", kind, where, str(SIZE)),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": tests},
    )
    told, _ = await child.communicate()
    assert child.returncode == 0
    outcome, growth = told.decode().split()
    assert outcome == "delivered"
    assert int(growth) < GROWTH
