"""Control sockets: what they tell, what they end, and what a killed worker leaves."""

import asyncio
import socket
import stat
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog

from postane.net.stream import Peer
from postane.server.limits import private_tally
from postane.server.reception import Reception
from postane.server.record import SessionRecord
from postane.supervisor.control import Control, NobodyAnswers, ask_all, describe, folder_of, open_control
from support.guests import ADDRESS, busy_reception


@pytest.fixture
def storage() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:  # a socket's path must be short
        yield Path(folder)


@pytest.fixture
async def reception(storage: Path) -> AsyncIterator[Reception]:
    reception, _ = await busy_reception()
    control = await open_control(storage, reception)
    yield reception
    await control.close()
    await control.close()
    await reception.drain(0.0)
    assert list(folder_of(storage).iterdir()) == []


async def ask(storage: Path, question: dict[str, object]) -> list[dict[str, object]]:
    return await asyncio.to_thread(ask_all, storage, question)


async def test_sessions_are_told(storage: Path, reception: Reception) -> None:
    (answer,) = await ask(storage, {"ask": "sessions"})
    (told,) = answer["sessions"]
    expected = {"account": "mrose", "service": "pop3", "address": ADDRESS, "commands": 3, "state": "transaction"}
    assert expected.items() <= told.items()


async def test_a_session_is_ended(storage: Path, reception: Reception) -> None:
    (answer,) = await ask(storage, {"ask": "sessions"})
    assert await ask(storage, {"ask": "kick", "session": "nobody"}) == [{"kicked": False}]
    assert await ask(storage, {"ask": "kick", "session": answer["sessions"][0]["id"]}) == [{"kicked": True}]
    assert await ask(storage, {"ask": "sessions"}) == [{"sessions": []}]


async def test_only_the_owner_may_ask(storage: Path, reception: Reception) -> None:
    (path,) = folder_of(storage).iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "question", [b"\n", b"{\n", b"[]\n", b'{"ask": "kick", "session": 7}\n', b"x" * 9000, b"\xff\n"]
)
async def test_nonsense_does_no_harm(storage: Path, reception: Reception, question: bytes) -> None:
    (path,) = folder_of(storage).iterdir()
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(question)
    writer.write_eof()
    assert await reader.read() in (b"", b'{"error": "unknown question"}\n')
    writer.close()
    assert len(await ask(storage, {"ask": "sessions"})) == 1


async def test_what_a_killed_worker_left_is_taken_away(storage: Path, reception: Reception) -> None:
    left = folder_of(storage) / "99999.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(left))
        dead.listen()
    assert left.exists()
    assert len(await ask(storage, {"ask": "sessions"})) == 1
    assert not left.exists()


async def test_a_socket_of_an_earlier_process_with_this_pid_is_replaced(storage: Path) -> None:
    path = folder_of(storage) / "7.sock"
    path.parent.mkdir()
    path.write_bytes(b"")
    path.with_suffix(".new").write_bytes(b"")
    reception, _ = await busy_reception()
    control = Control(path, reception)
    await control.open()
    assert len(await ask(storage, {"ask": "sessions"})) == 1
    await control.close()
    await reception.drain(0.0)


async def test_where_nobody_runs(storage: Path) -> None:
    for _ in range(2):
        with pytest.raises(NobodyAnswers):
            await ask(storage, {"ask": "sessions"})
        folder_of(storage).mkdir(exist_ok=True)


async def test_without_a_socket_the_log_says_so(storage: Path) -> None:
    folder_of(storage).write_bytes(b"in the way")
    _, office = await busy_reception(guests=0)
    with structlog.testing.capture_logs() as logs:
        control = await open_control(storage, Reception(office, private_tally()))
    await control.close()
    assert [line["event"] for line in logs] == ["no control socket: sessions cannot be listed"]


def test_durations_are_never_negative() -> None:
    record = SessionRecord("s", "pop3", Peer("192.0.2.1"), 100.0)
    assert {"age": 0, "idle": 0}.items() <= describe(record, "AUTHORIZATION", 90.0).items()
    record.note_command(160.0)
    assert {"age": 75, "idle": 15, "commands": 1}.items() <= describe(record, "transaction", 175.9).items()
