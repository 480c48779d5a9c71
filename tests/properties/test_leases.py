"""Leases: two to four sessions of one drop in random interleavings, against a model of what each may see and do.

A step is a number, decoded to something that one session does, or two at once. The model knows what is in the drop,
who holds it and who was evicted; whatever two do at once, it must have happened in one order or the other.
"""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postane.maildrop.base import (
    Addressee,
    DropInUse,
    Holder,
    LeaseLost,
    Letter,
    Lock,
    LockPolicy,
    MaildropSession,
    MaildropStore,
    MessageGone,
    Receipt,
)
from postane.maildrop.embedded import embedded_store
from postane.maildrop.memory import memory_store

DROP = "anna"
INLINE = 50
STEPS = 250
EXAMPLES = 60
"""For each store: 15,000 steps."""


@dataclass(eq=False)
class Seat:
    """One session, and what the model says of it. `uids` are what its snapshot shows."""

    session: MaildropSession
    uids: list[int]
    is_shared: bool
    is_evicted: bool = False
    marks: set[int] = field(default_factory=set)


class Model:
    """The drop as it must be, and the store that is held against it."""

    def __init__(self, store: MaildropStore, seats: int) -> None:
        self.store = store
        self.present: dict[int, bytes] = {}
        self.seats: list[Seat | None] = [None] * seats
        self.made = 0

    async def step(self, number: int) -> None:
        """Decode a number and do it."""
        number, which = divmod(number, len(self.OPERATIONS))
        number, at = divmod(number, len(self.seats))
        await self.OPERATIONS[which](self, at, number)

    async def deliver(self, at: int, number: int) -> None:
        """A message comes in: a small one or a large one."""
        del at
        self.made += 1
        octets = b"%d " % self.made + b"x" * (number % 2 * INLINE) + b"\r\n"
        spool = self.store.spool()
        await spool.write(octets)
        (receipt,) = await self.store.deposit(spool, Letter("", 0.0), [Addressee(DROP)])
        await spool.discard()
        assert isinstance(receipt, Receipt)
        assert receipt.uid == self.made
        self.present[receipt.uid] = octets

    async def open(self, at: int, number: int) -> None:
        """A client logs in; one who is there already asks for something instead."""
        if self.seats[at] is not None:
            return await self.retrieve(at, number)
        policy = (*LockPolicy, LockPolicy.TAKEOVER, LockPolicy.SHARE)[number % 6]
        holders = self.holders()
        may_share = policy is LockPolicy.SHARE and all(seat.is_shared for seat in holders)
        if not holders or may_share or policy is LockPolicy.TAKEOVER:
            if policy is LockPolicy.TAKEOVER:
                self.evict()
            self.sit(at, await self.opened(policy), policy)
        else:
            with pytest.raises(DropInUse):
                await self.opened(policy)
        return None

    async def retrieve(self, at: int, number: int) -> None:
        """RETR: the right octets; or the truth, that the message is gone."""
        seat = self.seats[at]
        if seat is None or not seat.uids or self.told_of_eviction(seat):
            return
        uid = seat.uids[number % len(seat.uids)]
        try:
            message = await seat.session.open_message(number % len(seat.uids) + 1)
        except MessageGone:
            assert seat.is_shared
            assert uid not in self.present
            return
        octets = b""
        while piece := await message.read(1000):
            octets += piece
        await message.close()
        assert octets.startswith(b"%d " % uid)
        assert uid in self.present or seat.is_shared
        assert octets == self.present.get(uid, octets)

    async def delete(self, at: int, number: int) -> None:
        """DELE: marks in this session alone."""
        seat = self.seats[at]
        if seat is None or not seat.uids or self.told_of_eviction(seat):
            return
        at = number % len(seat.uids)
        if seat.uids[at] not in seat.marks:
            seat.session.snapshot.delete(at + 1)
            seat.marks.add(seat.uids[at])

    async def reset(self, at: int, number: int) -> None:
        """RSET."""
        del number
        seat = self.seats[at]
        if seat is not None and not self.told_of_eviction(seat):
            seat.session.snapshot.reset()
            seat.marks.clear()
            assert seat.session.snapshot.count == len(seat.uids)

    async def quit(self, at: int, number: int) -> None:
        """QUIT: what is marked is gone; nothing of a session that was evicted."""
        del number
        seat = self.leave(at)
        if seat is not None:
            outcome = await self.committed(seat)
            assert outcome is not seat.is_evicted
            self.settle(seat, outcome)
            await seat.session.close()

    async def hang_up(self, at: int, number: int) -> None:
        """The connection is lost: nothing is deleted."""
        del number
        seat = self.leave(at)
        if seat is not None:
            await seat.session.close()

    async def quit_and_takeover(self, at: int, number: int) -> None:
        """One says QUIT while another takes the drop over: the one came before the other, or deleted nothing."""
        other = (at + 1 + number) % len(self.seats)
        seat = self.seats[at]
        if seat is None or other == at:
            return await self.open(at, number)
        self.leave(at)
        await self.hang_up(other, number)
        was_evicted = seat.is_evicted
        both = self.committed(seat), self.opened(LockPolicy.TAKEOVER)
        if number & 16:
            is_done, session = await asyncio.gather(*both)
        else:
            session, is_done = await asyncio.gather(*reversed(both))
        assert not (is_done and was_evicted)
        self.settle(seat, is_done)
        await seat.session.close()
        self.evict()
        self.sit(other, session, LockPolicy.TAKEOVER)  # sees what is left, whichever came first
        return None

    async def quit_together(self, at: int, number: int) -> None:
        """Two say QUIT at once, and mail comes in."""
        pair = [(index, seat) for index in {at, number % len(self.seats)} if (seat := self.leave(index))]
        outcomes, _ = await asyncio.gather(
            asyncio.gather(*(self.committed(seat) for _, seat in pair)), self.deliver(at, number)
        )
        for (_, seat), outcome in zip(pair, outcomes, strict=True):
            assert outcome is not seat.is_evicted
            self.settle(seat, outcome)
            await seat.session.close()

    async def wait(self, at: int, number: int) -> None:
        """One waits until all the others have gone."""
        if self.seats[at] is not None:
            return await self.delete(at, number)
        waiting = asyncio.create_task(self.opened(LockPolicy.WAIT, 60.0))
        await asyncio.sleep(0)
        for index in range(len(self.seats)):
            await (self.quit if number >> index & 1 else self.hang_up)(index, number)
        # The snapshot is of the moment at which the lease was free: nothing was deleted after that.
        self.sit(at, await waiting, LockPolicy.WAIT)
        return None

    OPERATIONS: tuple[Callable[["Model", int, int], Awaitable[None]], ...] = (
        deliver, deliver, open, open, open, retrieve, retrieve, delete, delete, delete, reset, quit, hang_up,
        quit_and_takeover, quit_and_takeover, quit_together, wait,
    )  # fmt: skip

    def holders(self) -> list[Seat]:
        """Who has the lease."""
        return [seat for seat in self.seats if seat is not None and not seat.is_evicted]

    def evict(self) -> None:
        """Nobody has it any more."""
        for seat in self.holders():
            seat.is_evicted = True

    def leave(self, at: int) -> Seat | None:
        """Somebody gets up."""
        seat, self.seats[at] = self.seats[at], None
        return seat

    def sit(self, at: int, session: MaildropSession, policy: LockPolicy) -> None:
        """A session was opened: it must see what is there."""
        snapshot = session.snapshot
        uids = [snapshot.uid(number) for number, _ in snapshot.sizes()]
        assert uids == list(self.present)
        assert [size for _, size in snapshot.sizes()] == [len(octets) for octets in self.present.values()]
        assert snapshot.octets == sum(map(len, self.present.values()))
        self.seats[at] = Seat(session, uids, policy is LockPolicy.SHARE)

    def settle(self, seat: Seat, is_done: bool) -> None:
        """What a commit did to the drop."""
        if is_done:
            self.present = {uid: octets for uid, octets in self.present.items() if uid not in seat.marks}

    def told_of_eviction(self, seat: Seat) -> bool:
        """Whether the session may not go on; it must be told so, and nobody else."""
        if seat.is_evicted:
            with pytest.raises(LeaseLost):
                seat.session.check(time.time())
        else:
            seat.session.check(time.time())
        return seat.is_evicted

    async def opened(self, policy: LockPolicy, wait: float = 0.0) -> MaildropSession:
        """A new session, with its columns."""
        session = await self.store.open(DROP, Holder("s", "192.0.2.1", "POP3", 0.0), Lock(policy, wait))
        await session.load()
        return session

    async def committed(self, seat: Seat) -> bool:
        """QUIT's commit: done, or the lease was lost."""
        try:
            await seat.session.commit()
        except LeaseLost:
            return False
        return True

    async def finish(self) -> None:
        """All leave; what is left is what must be left, and sound."""
        for at in range(len(self.seats)):
            await self.hang_up(at, 0)
        self.sit(0, await self.opened(LockPolicy.REFUSE), LockPolicy.REFUSE)
        for number in range(len(self.present)):
            await self.retrieve(0, number)
        await self.hang_up(0, 0)
        assert [finding async for finding in self.store.verify(DROP)] == []


async def play(store: MaildropStore, seats: int, steps: list[int]) -> None:
    """All steps, and the end."""
    try:
        model = Model(store, seats)
        for number in steps:
            await model.step(number)
        await model.finish()
    finally:
        await store.close()


plays = given(st.integers(2, 4), st.lists(st.integers(0, 1 << 16), min_size=STEPS, max_size=STEPS))
often = settings(max_examples=EXAMPLES, deadline=None)


@often
@plays
def test_in_memory(seats: int, steps: list[int]) -> None:
    asyncio.run(play(memory_store(inline=INLINE), seats, steps))


@often
@plays
def test_embedded(seats: int, steps: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(embedded_store(Path(folder) / "post", inline=INLINE), seats, steps))
