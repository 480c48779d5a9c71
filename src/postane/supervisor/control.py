"""Control sockets: how the operator's commands see the sessions that are open, and end them.

Each worker listens on `control/PID.sock` in the folder of the store, which only its owner may enter; whoever asks, asks
all of them, those of an older generation too, and takes away what a killed worker left. One line of JSON asks, one
answers:

    {"ask": "sessions"}                       {"sessions": [{"id": ..., "account": ..., ...}, ...]}
    {"ask": "kick", "session": "ID"}          {"kicked": true}

Must not know: how sessions are shown.
"""

import asyncio
import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import structlog

from postane.server.reception import Reception
from postane.server.record import SessionRecord

PATIENCE = 10.0
"""Seconds that one side waits for the other."""

LINE_LIMIT = 4096
"""Octets of a question at most."""


class Control:
    """A worker's control socket, open."""

    def __init__(self, path: Path, reception: Reception) -> None:
        self._path = path
        self._reception = reception
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen. Raises OSError."""
        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        new = self._path.with_suffix(".new")
        for path in (new, self._path):
            path.unlink(missing_ok=True)  # of a process that had this pid before
        listening = socket.socket(socket.AF_UNIX)
        try:
            listening.bind(str(new))
            new.chmod(0o600)
            listening.listen()
            new.rename(self._path)  # one that has this name and does not answer is nobody's
            self._server = await asyncio.start_unix_server(self._serve, sock=listening, limit=LINE_LIMIT)
        except BaseException:
            listening.close()
            raise

    async def close(self) -> None:
        """Listen no more. Idempotent, raises nothing."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
            with contextlib.suppress(OSError):
                self._path.unlink()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ValueError, TimeoutError, asyncio.IncompleteReadError):
            async with asyncio.timeout(PATIENCE):
                answer = await self._answer(json.loads(await reader.readuntil(b"\n")))
                writer.write(json.dumps(answer).encode("ascii") + b"\n")
                await writer.drain()
        writer.close()

    async def _answer(self, question: Any) -> Mapping[str, object]:
        match question:
            case {"ask": "sessions"}:
                now = time.time()
                return {"sessions": [describe(record, state, now) for record, state in self._reception.sessions()]}
            case {"ask": "kick", "session": str(session)}:
                return {"kicked": await self._reception.kick(session)}
            case _:
                return {"error": "unknown question"}


def describe(record: SessionRecord, state: str, now: float) -> dict[str, object]:
    """One session; durations are in seconds."""
    return {
        "id": record.session,
        "account": record.account,
        "service": record.service,
        "address": str(record.peer),
        "since": record.since,
        "age": int(max(0.0, now - record.since)),
        "idle": int(max(0.0, now - (record.last_command or record.since))),
        "commands": record.commands,
        "messages": record.messages,
        "octets": record.octets,
        "state": state,
        "worker": os.getpid(),
    }


async def open_control(storage: Path, reception: Reception) -> Control:
    """This process's control socket. Where there can be none, mail is handed out all the same, and the log says so."""
    control = Control(folder_of(storage) / f"{os.getpid()}.sock", reception)
    try:
        await control.open()
    except OSError as error:
        log = structlog.get_logger("postane")
        log.warning("no control socket: sessions cannot be listed", folder=str(folder_of(storage)), error=str(error))
    return control


def folder_of(storage: Path) -> Path:
    """Where the control sockets of a post office are."""
    return storage / "control"


class NobodyAnswers(Exception):
    """No worker of this post office runs."""


def ask_all(storage: Path, question: Mapping[str, object]) -> list[dict[str, Any]]:
    """What each worker answers. Raises NobodyAnswers, OSError."""
    answers = list(_answers(folder_of(storage), json.dumps(question).encode("ascii") + b"\n"))
    if not answers:
        raise NobodyAnswers
    return answers


def _answers(folder: Path, question: bytes) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.suffix == ".sock":
            with socket.socket(socket.AF_UNIX) as asking:
                asking.settimeout(PATIENCE)
                try:
                    asking.connect(str(path))
                except ConnectionRefusedError:
                    path.unlink(missing_ok=True)
                    continue
                except FileNotFoundError:
                    continue  # it has ended just now
                asking.sendall(question)
                with asking.makefile("rb") as reader:
                    line = reader.readline()
            if line:
                yield json.loads(line)
