"""Several stores over one folder, as processes are: whoever polls is told what is there, whoever changed it.

The model knows what is in each drop. Some of the stores lose their handles now and then, so that they remember; the
file that tells them of changes is shared, also by drops that have one number.
"""

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postane.maildrop import changes, remembered
from postane.maildrop.base import Addressee, Holder, Letter, Lock, MaildropStore, Receipt
from postane.maildrop.embedded import embedded_store

DROPS = ("anna", "berta", "carla")
STORES = 3
STEPS = 40
HOLDER = Holder("s", "", "pop3", 0.0)


class Model:
    """What is in the drops, and the stores that must agree."""

    def __init__(self, root: Path) -> None:
        self.stores: list[MaildropStore] = [embedded_store(root, inline=100) for _ in range(STORES)]
        self.held: dict[str, list[int]] = {drop: [] for drop in DROPS}
        self.made = 0

    async def step(self, number: int) -> None:
        """Decode a number and do it, then poll."""
        number, at = divmod(number, STORES)
        number, which = divmod(number, len(DROPS))
        operation = (self.deliver, self.deliver, self.delete, self.discard, self.rest, self.rest, self.poll)[number % 7]
        await operation(self.stores[at], DROPS[which], number)
        await self.poll(self.stores[number % STORES], DROPS[number % len(DROPS)], number)

    async def deliver(self, store: MaildropStore, drop: str, number: int) -> None:
        self.made += 1
        octets = b"x" * (number % 3 * 80) + b"\r\n"
        spool = store.spool()
        await spool.write(octets)
        (receipt,) = await store.deposit(spool, Letter("", 0.0), [Addressee(drop)])
        await spool.discard()
        assert isinstance(receipt, Receipt)
        self.held[drop].append(len(octets))

    async def delete(self, store: MaildropStore, drop: str, number: int) -> None:
        session = store.open_now(drop, HOLDER, Lock()) or await store.open(drop, HOLDER, Lock())
        await session.load()
        assert [size for _, size in session.snapshot.sizes()] == self.held[drop]
        if self.held[drop]:
            at = number % len(self.held[drop])
            session.snapshot.delete(at + 1)
            await session.commit()
            del self.held[drop][at]
        assert session.close_now()

    async def discard(self, store: MaildropStore, drop: str, number: int) -> None:
        uids = [row.uid async for row in store.rows(drop)]
        if uids:
            at = number % len(uids)
            await store.discard(drop, [uids[at]])
            del self.held[drop][at]

    async def rest(self, store: MaildropStore, drop: str, number: int) -> None:
        for _ in range(2):
            store._index._handles.rest()  # type: ignore[attr-defined]

    async def poll(self, store: MaildropStore, drop: str, number: int) -> None:
        session = store.open_now(drop, HOLDER, Lock()) or await store.open(drop, HOLDER, Lock())
        assert (session.snapshot.count, session.snapshot.octets) == (len(self.held[drop]), sum(self.held[drop]))
        assert session.close_now()
        usage = store.glance(drop)
        assert usage is None or (usage.messages, usage.octets) == (len(self.held[drop]), sum(self.held[drop]))


async def play(steps: list[int]) -> None:
    """All steps, and at the end everybody is asked for everything."""
    with tempfile.TemporaryDirectory() as folder:
        model = Model(Path(folder) / "post")
        try:
            for number in steps:
                await model.step(number)
            for store in model.stores:
                for drop in DROPS:
                    await model.poll(store, drop, 0)
        finally:
            for store in model.stores:
                await store.close()


@pytest.mark.parametrize("slots", [changes.SLOTS, 1], ids=["a number each", "one for all"])
@pytest.mark.parametrize("settled", [remembered.SETTLED, 0], ids=["files prove nothing yet", "files are believed"])
@settings(max_examples=25, deadline=None)
@given(steps=st.lists(st.integers(0, 1 << 16), min_size=STEPS, max_size=STEPS))
def test_whoever_polls_is_told_what_is_there(slots: int, settled: int, steps: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(remembered, "slot_of", lambda drop: changes.slot_of(drop) % slots)
        patch.setattr(remembered, "SETTLED", settled)
        asyncio.run(play(steps))
