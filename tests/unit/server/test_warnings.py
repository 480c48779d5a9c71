"""Warnings before mail is removed: once, about all that is due, and never about themselves."""

import math
from dataclasses import dataclass, field, replace

import pytest

from postane.accounts.base import Account
from postane.accounts.memory import MemoryAccounts
from postane.maildrop.base import Addressee, Letter, MaildropStore, StoreFull
from postane.maildrop.drop import JoinedStore
from postane.maildrop.memory import memory_store
from postane.server.housekeeping import Housekeeper
from postane.server.rules import DAY, Rules
from postane.server.warnings import Warner

RULES = Rules(retention=30 * DAY)
ANNA = Account("anna", "anna")
OCTETS = b"Subject: x\r\n\r\nHello.\r\n"


@dataclass
class Notes:
    kept: dict[str, tuple[float, int]] = field(default_factory=dict)

    def read(self, drop: str) -> tuple[float, int]:
        return self.kept.get(drop, (0.0, 0))

    def write(self, drop: str, when: float, number: int) -> None:
        self.kept[drop] = when, number


class House:
    def __init__(self, before: float = 5 * DAY, rules: Rules = RULES) -> None:
        self.now = 1000 * DAY
        self.store: MaildropStore = memory_store()
        self.warner = Warner(self.store, rules, before, "post.test", Notes(), lambda: self.now)

    async def put(self, *days: float) -> None:
        for day in days:
            spool = self.store.spool()
            await spool.write(OCTETS)
            await self.store.deposit(spool, Letter("a@b.test", self.now - day * DAY), [Addressee("anna")])
            await spool.discard()

    async def warnings(self) -> int:
        return len([row async for row in self.store.rows("anna") if row.uidl.startswith("postane-expiry.")])


async def test_it_is_about_all_that_is_due_and_comes_once():
    house = House()
    await house.put(29, 26, 24, 1)
    assert await house.warner.warn(ANNA)
    (row,) = [row async for row in house.store.rows("anna") if not row.sender]
    assert (row.arrived, row.uid) == (house.now, 5)
    assert not await house.warner.warn(ANNA)
    house.now += 0.5 * DAY
    assert not await house.warner.warn(ANNA)
    assert await house.warnings() == 1


async def test_the_next_one_is_about_what_came_due_since_and_a_day_later():
    house = House()
    await house.put(26, 24.5)
    assert await house.warner.warn(ANNA)
    house.now += 0.9 * DAY
    assert not await house.warner.warn(ANNA), "due, but it is not a day yet"
    house.now += 0.1 * DAY
    assert await house.warner.warn(ANNA)
    assert await house.warnings() == 2


async def test_it_never_warns_of_itself():
    house = House()
    await house.put(26)
    assert await house.warner.warn(ANNA)
    await house.store.discard("anna", [1])
    house.now += 28 * DAY
    assert not await house.warner.warn(ANNA)


async def test_the_user_may_delete_it():
    house = House()
    await house.put(26)
    assert await house.warner.warn(ANNA)
    await house.store.discard("anna", [2])
    house.now += 2 * DAY
    assert not await house.warner.warn(ANNA)


@pytest.mark.parametrize(
    ("before", "rules", "own"),
    [
        (0.0, RULES, None),
        (5 * DAY, Rules(), None),
        (5 * DAY, Rules(retention=0.0), None),
        (5 * DAY, RULES, math.inf),
        (5 * DAY, RULES, 365 * DAY),
    ],
)
async def test_where_nothing_will_go_nobody_is_warned(before, rules, own):
    house = House(before, rules)
    await house.put(29, 26)
    assert not await house.warner.warn(replace(ANNA, retention=own))
    assert await house.warnings() == 0


async def test_new_mail_is_never_due():
    house = House(before=60 * DAY)
    await house.put(14)
    assert not await house.warner.warn(ANNA)
    await house.put(16)
    assert await house.warner.warn(ANNA)


async def test_one_that_cannot_be_stored_is_tried_again(monkeypatch):
    house = House()
    await house.put(26)

    async def fail(*_):
        return [StoreFull("no space")]

    with monkeypatch.context() as patch:
        patch.setattr(JoinedStore, "deposit", fail)
        with pytest.raises(StoreFull):
            await house.warner.warn(ANNA)
    assert await house.warner.warn(ANNA)


async def test_housekeeping_warns_accounts_and_nobody_else():
    house = House()
    accounts = MemoryAccounts()
    await house.put(26)
    keeper = Housekeeper(house.store, accounts, RULES, lambda: house.now, house.warner)
    await keeper.go_round(0.0)
    assert await house.warnings() == 0, "there is no such account"
    accounts.add("anna")
    await keeper.go_round(0.0)
    assert await house.warnings() == 1
