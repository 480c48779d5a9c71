"""`postane sessions` and `postane kick`, with a server that answers in the same process."""

import asyncio
import json
import os

import pytest

from postane.cli.sessions import COLUMNS
from postane.supervisor.control import folder_of, open_control
from support.guests import ADDRESS, busy_reception


@pytest.fixture
async def reception(shell):
    reception, _ = await busy_reception()
    control = await open_control(shell.storage, reception)
    yield reception
    await control.close()
    await reception.drain(0.0)


async def test_who_is_connected(shell, reception):
    listed = await asyncio.to_thread(shell, "sessions")
    assert listed.code == 0
    heading, line = listed.out.splitlines()
    assert heading.split() == list(COLUMNS.values())
    assert line.split()[1:4] == ["mrose", "pop3", ADDRESS]
    (row,) = json.loads((await asyncio.to_thread(shell, "sessions --json")).out)
    assert {"account": "mrose", "commands": 3, "messages": 0, "state": "transaction"}.items() <= row.items()
    assert row["since"].endswith("Z")


async def test_a_session_is_ended_once(shell, reception):
    (row,) = json.loads((await asyncio.to_thread(shell, "sessions --json")).out)
    assert (await asyncio.to_thread(shell, "kick", row["id"])).code == 0
    again = await asyncio.to_thread(shell, "kick", row["id"])
    assert again.code == 67
    assert row["id"] in again.err
    nobody = await asyncio.to_thread(shell, "sessions")
    assert (nobody.code, nobody.out, nobody.err) == (0, "", "nobody is connected\n")


@pytest.mark.parametrize("words", ["sessions", "sessions --json", "kick x"])
def test_without_a_server(shell, words):
    outcome = shell(words)
    assert outcome.code == 69
    assert str(shell.storage) in outcome.err


def test_a_server_of_another_user(shell, monkeypatch):
    folder_of(shell.storage).mkdir()

    def closed(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(type(shell.storage), "iterdir", closed)
    assert shell("sessions").code == 77
    assert os.path.isdir(folder_of(shell.storage))
