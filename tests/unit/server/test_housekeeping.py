"""What outlives its time goes, and nothing else."""

import asyncio
import math
from dataclasses import replace

import pytest

from postane.accounts.memory import MemoryAccounts
from postane.maildrop import session as session_module
from postane.maildrop.base import Addressee, Holder, Letter, Lock, MaildropStore, StoreDamaged
from postane.maildrop.memory import memory_store
from postane.server.housekeeping import Housekeeper
from postane.server.rules import DAY, Rules

NOW = 100 * DAY


@pytest.fixture
def store() -> MaildropStore:
    return memory_store(inline=100)


async def put(store: MaildropStore, drop: str, *days: float, octets: bytes = b"Subject: x\r\n\r\n") -> None:
    """Messages that came so many days ago."""
    for day in days:
        spool = store.spool()
        await spool.write(octets)
        await store.deposit(spool, Letter("a@example.org", NOW - day * DAY), [Addressee(drop)])
        await spool.discard()


def make_keeper(store: MaildropStore, rules: Rules, accounts: MemoryAccounts | None = None) -> Housekeeper:
    return Housekeeper(store, accounts or MemoryAccounts(), rules, lambda: NOW)


async def ages(store: MaildropStore, drop: str = "anna") -> list[float]:
    return [(NOW - row.arrived) / DAY async for row in store.rows(drop)]


async def test_what_is_older_than_the_retention_goes(store):
    await put(store, "anna", 40, 31, 30, 2, 35, 0, octets=b"x" * 500)
    keeper = make_keeper(store, Rules(retention=30 * DAY))
    assert [(NOW - each.row.arrived) / DAY for each in await keeper.overdue("anna")] == [40, 31, 35]
    assert await ages(store) == [40, 31, 30, 2, 35, 0], "to tell is not to do"
    await keeper.go_round(0.0)
    assert await ages(store) == [30, 2, 0]
    assert [finding async for finding in store.verify("anna")] == []
    assert await keeper.overdue("anna") == []


@pytest.mark.parametrize("retention", [math.inf, 0.0, 1000 * DAY])
async def test_what_is_kept_stays(store, retention):
    await put(store, "anna", 90, 1)
    await make_keeper(store, Rules(retention=retention)).go_round(0.0)
    assert await ages(store) == [90, 1]


async def test_an_account_has_its_own_retention(store):
    accounts = MemoryAccounts()
    for name, own in (("anna", 5 * DAY), ("ben", math.inf), ("cem", None)):
        accounts.configure(replace(accounts.add(name), retention=own))
    for drop in ("anna", "ben", "cem", "nobody"):
        await put(store, drop, 40, 10, 1)
    await make_keeper(store, Rules(retention=30 * DAY), accounts).go_round(0.0)
    assert [await ages(store, drop) for drop in ("anna", "ben", "cem", "nobody")] == [
        [1],
        [40, 10, 1],
        [10, 1],
        [10, 1],
    ]


async def test_a_drop_in_use_is_left_and_looked_at_again(store):
    await put(store, "anna", 40, 1)
    await put(store, "ben", 40)
    session = await store.open("anna", Holder("s", "", "POP3", NOW), Lock())
    await session.load()
    await make_keeper(store, Rules(retention=30 * DAY)).go_round(0.0)
    assert await ages(store, "ben") == []
    assert await ages(store) == [40, 1], "the session has it in its list"
    round_ = asyncio.create_task(make_keeper(store, Rules(retention=30 * DAY)).go_round(0.01))
    await asyncio.sleep(0.005)
    await session.close()
    await round_
    assert await ages(store) == [1]


async def test_a_drop_that_cannot_be_read_does_not_stop_the_round(store, monkeypatch):
    await put(store, "anna", 40)
    await put(store, "ben", 40)
    keeper = make_keeper(store, Rules(retention=30 * DAY))
    overdue = keeper.overdue

    async def fail(drop):
        if drop == "anna":
            raise StoreDamaged("damaged")
        return await overdue(drop)

    monkeypatch.setattr(keeper, "overdue", fail)
    await keeper.go_round(0.0)
    assert (await ages(store), await ages(store, "ben")) == ([40], [])


async def hide(store: MaildropStore, monkeypatch: pytest.MonkeyPatch, days: float, *numbers: int) -> None:
    """A session that ended so many days ago deleted messages."""
    monkeypatch.setattr(session_module.time, "time", lambda: NOW - days * DAY)
    session = await store.open("anna", Holder("s", "", "POP3", NOW), Lock(), keep_deleted=True)
    await session.load()
    for number in numbers:
        session.snapshot.delete(number)
    await session.commit()
    await session.close()


async def kept(store: MaildropStore) -> list[int]:
    return [row.uid async for row in store.deleted("anna")]


async def test_what_was_deleted_goes_after_the_window(store, monkeypatch):
    await put(store, "anna", 40, 3, 2, 1, octets=b"x" * 500)
    await hide(store, monkeypatch, 8, 1)
    await hide(store, monkeypatch, 6, 1, 2)
    await make_keeper(store, Rules(restore_window=7 * DAY)).go_round(0.0)
    assert (await ages(store), await kept(store)) == ([1], [2, 3])
    await make_keeper(store, Rules()).go_round(0.0)  # no window any more
    assert (await ages(store), await kept(store)) == ([1], [])
    assert [finding async for finding in store.verify("anna")] == []


async def test_an_account_that_keeps_what_it_deletes_keeps_it_as_long_as_other_mail(store, monkeypatch):
    accounts = MemoryAccounts()
    accounts.configure(replace(accounts.add("anna"), keep_deleted=True))
    await put(store, "anna", 60, 40, 20, 10)
    await hide(store, monkeypatch, 9, 1, 2, 3)
    await make_keeper(store, Rules(), accounts).go_round(0.0)
    assert await kept(store) == [1, 2, 3]
    await make_keeper(store, Rules(retention=30 * DAY, restore_window=DAY), accounts).go_round(0.0)
    assert await kept(store) == [3]


class Turns:
    """Due twice, then an error, then due again; and then the test is over."""

    pause = 0.0

    def __init__(self, done: asyncio.Event) -> None:
        self.ended = 0
        self._due = iter([True, False, None, True])
        self._done = done

    def begin(self, now: float) -> bool:
        due = next(self._due, False)
        if due is None:
            raise OSError("no such folder")
        return due

    def end(self, now: float) -> None:
        self.ended += 1
        if self.ended == 2:
            self._done.set()


async def test_rounds_go_on_whatever_happens(store):
    await put(store, "anna", 40)
    done = asyncio.Event()
    running = asyncio.create_task(make_keeper(store, Rules(retention=30 * DAY)).run_forever(turns := Turns(done)))
    await asyncio.wait_for(done.wait(), 10)
    running.cancel()
    assert turns.ended == 2
    assert await ages(store) == []
