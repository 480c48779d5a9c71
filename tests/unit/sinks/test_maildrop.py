"""A maildrop as a sink: unique-ids that derive from keys, and what a store may refuse."""

from dataclasses import replace

import pytest

from postane.maildrop.base import (
    UIDL_LIMIT,
    Addressee,
    Holder,
    Letter,
    Lock,
    MaildropError,
    Quota,
    Receipt,
    Spool,
    StoreDamaged,
    StoreFull,
    StoreUnavailable,
)
from postane.maildrop.drop import JoinedStore
from postane.maildrop.memory import memory_store
from postane.sinks.base import Outcome, SinkError
from postane.sinks.content import MemoryContent
from postane.sinks.maildrop import NAMESAKES, MaildropSink, unique_id
from support.sink_houses import drop_messages, octets, parcel


def test_a_unique_id_is_one_and_stays() -> None:
    assert unique_id("work/uidl-1") == "K33925e242838b1acc505f0bf7c2403df"
    assert len(unique_id("x" * 128)) < UIDL_LIMIT


async def test_a_second_deposit_is_known() -> None:
    store = memory_store()
    sink = MaildropSink(store, "anna")
    first, second = await sink.deliver([parcel(1), parcel(2)])
    assert first.outcome is second.outcome is Outcome.DELIVERED
    again, third = await sink.deliver([parcel(1), parcel(3)])
    assert (again.outcome, third.outcome) == (Outcome.PRESENT, Outcome.DELIVERED)
    assert await drop_messages(store, "anna") == [octets(parcel(n)) for n in (1, 2, 3)]
    assert [row.sender async for row in store.rows("anna")] == ["wmt@example.org"] * 3
    await sink.close()


async def test_another_message_under_the_key_of_one_that_is_still_there_is_not_taken_for_it() -> None:
    store = memory_store()
    sink = MaildropSink(store, "anna")
    old = parcel(1)
    new = replace(old, content=MemoryContent(b"Subject: another one\r\n\r\n" + b"x" * 200 + b"\r\n"))
    assert (await sink.deliver([old]))[0].outcome is Outcome.DELIVERED
    assert (await sink.deliver([new]))[0].outcome is Outcome.DELIVERED
    assert (await sink.deliver([new]))[0].outcome is Outcome.PRESENT
    assert (await sink.deliver([replace(old, lead=old.lead + b"X: y\r\n")]))[0].outcome is Outcome.PRESENT
    assert await drop_messages(store, "anna") == [octets(old), octets(new)]
    session = await store.open("anna", Holder("s", "", "pop3", 0.0), Lock())
    await session.load()
    session.snapshot.delete(1)
    await session.commit()
    await session.close()
    assert await sink.find([old.key]) == {old.key}, "one of that key is there still"


async def test_a_drop_that_was_emptied_is_not_new() -> None:
    store = memory_store()
    sink = MaildropSink(store, "anna")
    await sink.open()
    assert sink.is_new
    await sink.deliver([parcel(1)])
    session = await store.open("anna", Holder("s", "", "pop3", 0.0), Lock())
    await session.load()
    session.snapshot.delete(1)
    await session.commit()
    await session.close()
    await sink.open()
    assert not sink.is_new


async def test_no_more_than_a_few_may_have_the_same_key() -> None:
    sink = MaildropSink(memory_store(), "anna")
    sizes = range(100, 100 * (NAMESAKES + 2), 100)
    parcels = [replace(parcel(1), content=MemoryContent(b"x" * size + b"\r\n")) for size in sizes]
    answers = [(await sink.deliver([each]))[0] for each in parcels]
    assert [each.outcome for each in answers] == [Outcome.DELIVERED] * NAMESAKES + [Outcome.REFUSED]
    assert "have its unique-id" in answers[-1].reason


@pytest.mark.parametrize("keep_deleted", [False, True])
async def test_what_was_deleted_is_known_while_it_is_kept(keep_deleted: bool) -> None:
    store = memory_store()
    sink = MaildropSink(store, "anna")
    await sink.deliver([parcel(1)])
    session = await store.open("anna", Holder("s", "", "pop3", 0.0), Lock(), keep_deleted=keep_deleted)
    await session.load()
    session.snapshot.delete(1)
    await session.commit()
    await session.close()
    assert await sink.find([parcel(1).key]) == ({parcel(1).key} if keep_deleted else set())


async def test_a_full_drop_defers() -> None:
    sink = MaildropSink(memory_store(), "anna", quota=Quota(messages=1))
    first, second = await sink.deliver([parcel(1), parcel(2)])
    assert first.is_there
    assert second.outcome is Outcome.DEFERRED
    assert second.reason.startswith("maildrop anna: ")


@pytest.mark.parametrize(
    ("error", "may_pass"),
    [(StoreUnavailable("gone"), True), (StoreDamaged("broken"), False), (StoreFull("full"), None)],
)
async def test_a_store_that_fails(error: MaildropError, may_pass: bool | None, monkeypatch: pytest.MonkeyPatch) -> None:
    store = memory_store()

    async def fail(_: JoinedStore, spool: Spool, letter: Letter, to: list[Addressee]) -> list[Receipt | MaildropError]:
        return [error]

    monkeypatch.setattr(JoinedStore, "deposit", fail)
    sink = MaildropSink(store, "anna")
    if may_pass is None:
        assert (await sink.deliver([parcel(1)]))[0].outcome is Outcome.DEFERRED
        return
    with pytest.raises(SinkError, match="maildrop anna") as raised:
        await sink.deliver([parcel(1)])
    assert raised.value.may_pass is may_pass


async def test_a_store_that_cannot_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise StoreUnavailable("gone")

    store = memory_store()
    monkeypatch.setattr(JoinedStore, "usage", fail)
    monkeypatch.setattr(JoinedStore, "rows", lambda *_: failing())
    sink = MaildropSink(store, "anna")
    with pytest.raises(SinkError, match="gone"):
        await sink.open()
    with pytest.raises(SinkError, match="gone"):
        await sink.find(["k"])


async def failing():
    raise StoreUnavailable("gone")
    yield
