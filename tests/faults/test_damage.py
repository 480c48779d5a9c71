"""Damaged files are told clearly by every way in, and never give a traceback, a wrong message or half of one."""

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from postane.maildrop.base import (
    FindingKind,
    Holder,
    Lock,
    MaildropError,
    OpenMessage,
    Receipt,
    StoreDamaged,
    StoreTooNew,
    StoreUnavailable,
)
from postane.maildrop.drop import JoinedStore
from postane.maildrop.embedded import embedded_store
from support.store_child import INLINE, deposit, message
from support.store_parent import look

DROP = "anna"


async def filled(root: Path) -> Path:
    """A drop of forty messages, closed; gives its folder."""
    store = embedded_store(root, inline=INLINE)
    for number in range(1, 41):
        await deposit(store, message(number), DROP)
    await store.close()
    (folder,) = root.glob("drops/*/anna")
    return folder


async def findings(root: Path, *, repair: bool = False) -> list[tuple[FindingKind, int | None]]:
    store = embedded_store(root, inline=INLINE, orphan_age=0.0)
    try:
        return [(finding.kind, finding.uid) async for finding in store.verify(DROP, repair=repair)]
    finally:
        await store.close()


async def opened(store: JoinedStore) -> int:
    """How many messages a session sees."""
    session = await store.open(DROP, Holder("s1", "", "pop3", time.time()), Lock())
    try:
        await session.load()
        return session.snapshot.count
    finally:
        await session.close()


def overwrite(path: Path, at: int, octets: bytes) -> None:
    whole = bytearray(path.read_bytes())
    whole[at : at + len(octets)] = octets
    path.write_bytes(whole)


DAMAGES: dict[str, Callable[[Path], None]] = {
    "no index": lambda index: index.unlink(),
    "an empty index": lambda index: index.write_bytes(b""),
    "another file": lambda index: index.write_bytes(b"Dear postmaster,\n" * 1000),
    "half an index": lambda index: index.write_bytes(index.read_bytes()[: index.stat().st_size // 2]),
    "a header of zeros": lambda index: overwrite(index, 0, bytes(100)),
    "a schema of zeros": lambda index: overwrite(index, 100, bytes(3900)),
    "another database": lambda index: _other_database(index),
    "no totals": lambda index: _execute(index, "DELETE FROM meta"),
    "a table less": lambda index: _execute(index, "DROP TABLE message"),
}


def _other_database(index: Path) -> None:
    index.unlink()
    _execute(index, "CREATE TABLE mail (text)")


def _execute(index: Path, statement: str) -> None:
    with sqlite3.connect(index) as connection:
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("repair", [False, True])
async def test_a_damaged_index_is_told_by_every_way_in(
    tmp_path: Path, damage: Callable[[Path], None], repair: bool
) -> None:
    folder = await filled(tmp_path)
    blobs = sorted((folder / "blobs").iterdir())
    await opened_and_closed(tmp_path)
    damage(folder / "index.sqlite")
    store = embedded_store(tmp_path, inline=INLINE, orphan_age=0.0)
    with pytest.raises(StoreDamaged):
        await opened(store)
    (outcome,) = await deposit(store, message(2), DROP)
    assert isinstance(outcome, StoreDamaged)
    assert outcome.text == "maildrop is damaged"
    assert str(folder) in outcome.log or DROP in outcome.log
    await store.close()
    kinds = {kind for kind, _ in await findings(tmp_path, repair=repair)}
    if (folder / "index.sqlite").exists() or repair:
        assert kinds == {FindingKind.INDEX_DAMAGED}
    assert set(blobs) <= set((folder / "blobs").iterdir()), "what may be all that is left of the mail is not swept"


async def opened_and_closed(root: Path) -> None:
    store = embedded_store(root, inline=INLINE)
    await opened(store)
    await store.close()


async def test_octets_overwritten_anywhere_never_give_a_wrong_message(tmp_path: Path) -> None:
    folder = await filled(tmp_path)
    store = embedded_store(tmp_path, inline=INLINE)
    for number in range(101, 301, 2):
        await deposit(store, message(number), DROP)
    await store.close()
    index = folder / "index.sqlite"
    sound = index.read_bytes()
    pages = len(sound) // 4096
    found_out = 0
    for page in range(pages):
        overwrite(index, page * 4096 + 1000, b"\xa5" * 2000)
        told = await findings(tmp_path)
        found_out += bool(told)
        store = embedded_store(tmp_path, inline=INLINE)
        try:
            if not told:
                await look(store, DROP)
            else:
                await opened(store)
        except MaildropError:
            pass
        await store.close()
        index.write_bytes(sound)
    assert found_out > pages // 2, "most pages are full of messages"
    assert await findings(tmp_path) == []


async def test_a_changed_head_is_found(tmp_path: Path) -> None:
    folder = await filled(tmp_path)
    _execute(folder / "index.sqlite", "UPDATE body SET octets = zeroblob(length(octets)) WHERE uid = 3")
    _execute(folder / "index.sqlite", "UPDATE body SET octets = 'short' WHERE uid = 5")
    _execute(folder / "index.sqlite", "DELETE FROM body WHERE uid = 7")
    damaged = [(FindingKind.BODY_DAMAGED, 3), (FindingKind.BODY_DAMAGED, 5), (FindingKind.BODY_MISSING, 7)]
    assert await findings(tmp_path) == damaged
    assert await findings(tmp_path, repair=True) == damaged, "a message is never removed"
    store = embedded_store(tmp_path, inline=INLINE)
    session = await store.open(DROP, Holder("s1", "", "pop3", time.time()), Lock())
    await session.load()
    for number in (5, 7):
        with pytest.raises(StoreDamaged):
            await session.open_message(number)
    assert (await session.open_message(9)).head == message(9)
    await session.close()
    await store.close()


async def test_wrong_totals_are_mended(tmp_path: Path) -> None:
    folder = await filled(tmp_path)
    _execute(folder / "index.sqlite", "UPDATE meta SET messages = 7, octets = 8, next_uid = 9")
    assert await findings(tmp_path) == [(FindingKind.TOTALS_WRONG, None)]
    store = embedded_store(tmp_path, inline=INLINE)
    with pytest.raises(StoreDamaged):
        await opened(store)
    await store.close()
    assert await findings(tmp_path, repair=True) == [(FindingKind.TOTALS_WRONG, None)]
    assert await findings(tmp_path) == []
    store = embedded_store(tmp_path, inline=INLINE)
    (receipt,) = await deposit(store, message(41), DROP)
    assert isinstance(receipt, Receipt)
    assert receipt.uid == 41
    assert (await look(store, DROP)).numbers == list(range(1, 42))
    await store.close()


@pytest.mark.parametrize(
    ("damage", "kind"),
    [
        (lambda blob: blob.unlink(), FindingKind.BODY_MISSING),
        (lambda blob: overwrite(blob, 2500, b"?"), FindingKind.BODY_DAMAGED),
        (lambda blob: blob.write_bytes(blob.read_bytes()[:-1]), FindingKind.BODY_DAMAGED),
        (lambda blob: blob.write_bytes(blob.read_bytes() + b"\n"), FindingKind.BODY_DAMAGED),
    ],
    ids=["missing", "changed", "cut", "longer"],
)
async def test_a_damaged_blob_is_found(tmp_path: Path, damage: Callable[[Path], None], kind: FindingKind) -> None:
    folder = await filled(tmp_path)
    store = embedded_store(tmp_path, inline=INLINE)
    names = {row.uid: row.blob.name async for row in store.rows(DROP) if row.blob}
    damage(folder / "blobs" / names[4])
    await store.close()
    assert await findings(tmp_path) == [(kind, 4)]
    assert await findings(tmp_path, repair=True) == [(kind, 4)]


async def test_a_blob_that_is_not_what_it_was_is_refused_before_a_word_of_it(tmp_path: Path) -> None:
    folder = await filled(tmp_path)
    store = embedded_store(tmp_path, inline=INLINE)
    names = {row.uid: row.blob.name async for row in store.rows(DROP) if row.blob}
    (folder / "blobs" / names[2]).unlink()
    (folder / "blobs" / names[4]).write_bytes(b"short")
    session = await store.open(DROP, Holder("s1", "", "pop3", time.time()), Lock())
    await session.load()
    for number in (2, 4):
        with pytest.raises(StoreDamaged, match="blobs"):
            await session.open_message(number)
    opened_before = await session.open_message(6)
    assert opened_before.rest is not None
    await opened_before.rest.read(100)
    (folder / "blobs" / names[6]).write_bytes(b"cut while it is being read")
    with pytest.raises(StoreDamaged, match="ends after"):
        await drain(opened_before)
    await opened_before.close()
    await session.close()
    await store.close()


async def drain(message: OpenMessage) -> None:
    while message.rest and await message.rest.read(1000):
        pass


async def test_a_store_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    folder = await filled(tmp_path)
    _execute(folder / "index.sqlite", "PRAGMA user_version = 99")
    before = (folder / "index.sqlite").read_bytes()
    store = embedded_store(tmp_path, inline=INLINE)
    with pytest.raises(StoreTooNew, match="newer version of Postane"):
        await opened(store)
    (outcome,) = await deposit(store, message(2), DROP)
    assert isinstance(outcome, StoreTooNew)
    with pytest.raises(StoreTooNew):
        await findings(tmp_path)
    await store.close()
    assert (folder / "index.sqlite").read_bytes() == before


async def test_a_folder_that_was_exchanged_under_a_running_server_takes_nothing(tmp_path: Path) -> None:
    folder = await filled(tmp_path)
    store = embedded_store(tmp_path, inline=INLINE)
    assert await opened(store) == 40
    folder.rename(tmp_path / "moved away")
    (outcome,) = await deposit(store, message(1), DROP)
    assert isinstance(outcome, StoreUnavailable), "or it would be acknowledged and lie in a file that is nowhere"
    with pytest.raises(StoreUnavailable):
        await opened(store)
    (tmp_path / "moved away").rename(folder)
    assert await opened(store) == 40
    await store.close()


async def test_a_missing_index_is_found_by_verify_and_listed(tmp_path: Path) -> None:
    """A drop that was used does not look empty because its index was taken away."""
    folder = await filled(tmp_path)
    store = embedded_store(tmp_path, inline=INLINE)
    assert await opened(store) == 40
    await store.close()
    for part in folder.glob("index.sqlite*"):
        part.unlink()
    assert (FindingKind.INDEX_DAMAGED, None) in await findings(tmp_path)
    store = embedded_store(tmp_path, inline=INLINE)
    assert [name async for name in store.drops()] == [DROP]
    with pytest.raises(StoreDamaged, match="is missing"):
        await store.usage(DROP)
    with pytest.raises(StoreDamaged, match="is missing"):
        await opened(store)
    await store.close()
