"""`postane drop restore` and `drop show --deleted` as people use them."""

import asyncio
import json
import time

import pytest

from postane.maildrop.base import Holder, Lock
from postane.maildrop.embedded import embedded_store

MESSAGE = b"Subject: hello\r\n\r\nHello.\r\n"


async def _delete(shell, *numbers: int) -> None:
    store = embedded_store(shell.storage)
    session = await store.open("anna", Holder("s", "", "POP3", time.time()), Lock(), keep_deleted=True)
    await session.load()
    for number in numbers:
        session.snapshot.delete(number)
    await session.commit()
    await session.close()
    await store.close()


@pytest.fixture
def drop(shell):
    """Five messages were there, the first and the third were deleted."""
    for _ in range(5):
        assert shell("drop put anna", given=MESSAGE).code == 0
    asyncio.run(_delete(shell, 1, 3))
    return shell


def deleted(shell) -> list[int]:
    return [row["uid"] for row in json.loads(shell("drop show anna --deleted --json").out)]


def seen(shell) -> list[int]:
    return [row["uid"] for row in json.loads(shell("drop show anna --json").out)]


def test_what_is_kept_is_shown_and_counted_apart(drop):
    assert (deleted(drop), seen(drop)) == ([1, 3], [2, 4, 5])
    (row,) = json.loads(drop("drop list --json").out)
    assert (row["messages"], row["deleted"], row["deleted_octets"]) == (3, 2, 2 * len(MESSAGE))
    table = drop("drop show anna --deleted").out.splitlines()
    assert table[0].split() == ["UID", "OCTETS", "DELETED", "ARRIVED", "SENDER"]
    assert len(table) == 3


def test_all_of_it_comes_back(drop):
    done = drop("drop restore anna")
    assert (done.code, done.err) == (0, "2 restored\n")
    assert (deleted(drop), seen(drop)) == ([], [2, 4, 5, 6, 7])
    assert drop("drop restore anna").err == "nothing restored\n"


def test_one_of_it(drop):
    done = drop("drop restore info@postane.test --uid 3 --json")
    (told,) = json.loads(done.out)
    assert (told["uid"], told["octets"]) == (6, len(MESSAGE))
    assert (deleted(drop), seen(drop)) == ([1], [2, 4, 5, 6])


def test_what_was_deleted_since(drop):
    assert drop("drop restore anna --since 2999-01-01T00:00").err == "nothing restored\n"
    assert drop("drop restore anna --since 1h").err == "2 restored\n"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ("anna --uid 2", 65, "nothing is kept as 2"),
        ("anna --uid 1 --since 1h", 64, "exclude each other"),
        ("anna --since yesterday", 64, "is not a time"),
        ("nobody", 67, "no account or maildrop nobody"),
    ],
)
def test_mistakes_bring_nothing_back(drop, words, code, told):
    done = drop(f"drop restore {words}")
    assert (done.code, deleted(drop)) == (code, [1, 3])
    assert told in done.err


def test_a_deleted_message_is_not_printed(drop):
    assert drop("drop show anna --deleted --message 1").code == 64
