"""Indexes of an older version are brought up to date when they are opened."""

import sqlite3

import pytest

from postane.maildrop.base import Addressee, Holder, Letter, Lock
from postane.maildrop.embedded import embedded_store
from postane.maildrop.folders import Folders
from postane.maildrop.sqlite_schema import connect_reader
from postane.maildrop.sqlite_upgrade import VERSION

HEAD = "Subject: öğle\r\n\r\n".encode()
MESSAGES = (HEAD + b"body\r\n", b"Subject: plain\r\n\r\nbody\r\n", HEAD + b"large\r\n" * 100)


@pytest.fixture
async def path(tmp_path):
    """An index of version 1 with three messages, the last of them large."""
    store = embedded_store(tmp_path, inline=200)
    for message in MESSAGES:
        spool = store.spool()
        await spool.write(message)
        await store.deposit(spool, Letter("a@b", 1.0), [Addressee("anna")])
        await spool.discard()
    await store.close()
    path = f"{Folders(tmp_path).drop('anna')}/index.sqlite"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(
        "DROP TABLE deleted; DROP INDEX message_excess; ALTER TABLE message DROP COLUMN excess;"
        " ALTER TABLE meta DROP COLUMN excess;"
        " PRAGMA user_version = 1;"
    )
    connection.close()
    return path


def versions(path):
    connection = sqlite3.connect(path)
    try:
        return connection.execute("PRAGMA user_version").fetchone()[0]
    finally:
        connection.close()


async def test_a_drop_of_version_1_is_opened_with_its_sizes(path, tmp_path):
    store = embedded_store(tmp_path, inline=200)
    session = await store.open("anna", Holder("s", "x", "pop3", 0.0), Lock())
    session.snapshot.show_surrogates()
    await session.load()
    assert dict(session.snapshot.sizes()) == {number: len(octets) for number, octets in enumerate(MESSAGES, 1)}
    assert (await session.open_message(1)).facts.excess is None, "what was there is given as it always was"
    await session.close()
    await store.close()
    assert versions(path) == VERSION


async def test_a_drop_of_version_2_can_keep_what_is_deleted(tmp_path, path):
    connect_reader(path).close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript("DROP TABLE deleted; ALTER TABLE meta DROP COLUMN excess; PRAGMA user_version = 2;")
    connection.close()
    store = embedded_store(tmp_path, inline=200)
    assert [row async for row in store.deleted("anna")] == []
    session = await store.open("anna", Holder("s", "x", "pop3", 0.0), Lock(), keep_deleted=True)
    await session.load()
    session.snapshot.delete(1)
    await session.commit()
    await session.close()
    assert [row.uid async for row in store.deleted("anna")] == [1]
    await store.close()
    assert versions(path) == VERSION


async def test_a_drop_of_version_3_totals_what_its_messages_are_longer_by(tmp_path, path):
    connect_reader(path).close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(
        "UPDATE message SET excess = 7 WHERE uid <> 2; ALTER TABLE meta DROP COLUMN excess; PRAGMA user_version = 3;"
    )
    connection.close()
    store = embedded_store(tmp_path, inline=200)
    session = await store.open("anna", Holder("s", "x", "pop3", 0.0), Lock())
    stored = session.snapshot.octets
    session.snapshot.show_surrogates()
    assert session.snapshot.octets == stored + 14
    await session.close()
    assert [finding async for finding in store.verify("anna")] == []
    await store.close()


def test_an_upgrade_that_fails_leaves_the_index_as_it_was(path):
    connection = sqlite3.connect(path)
    connection.execute("CREATE INDEX message_excess ON message (octets)")  # in the way of the last step
    connection.close()
    with pytest.raises(sqlite3.OperationalError):
        connect_reader(path)
    assert versions(path) == 1
    connection = sqlite3.connect(path)
    assert "excess" not in [row[1] for row in connection.execute("PRAGMA table_info(message)")]
    connection.close()


def test_it_is_done_once(path):
    for _ in range(2):
        connection = connect_reader(path)
        assert connection.execute("SELECT count(excess) FROM message").fetchone() == (0,)
        connection.close()
