"""Long columns in short pieces: two stores over one drop list what is there, whoever delivers and deletes; a session
that is open lists what it saw when it came.

Pieces have four entries and listings are kept from five messages on, so that few messages do what many do otherwise.
"""

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postane.maildrop import columns, listings, pieces, sqlite_index
from postane.maildrop.base import Addressee, Holder, Letter, Lock, LockPolicy, MaildropSession, MaildropStore, Receipt
from postane.maildrop.embedded import embedded_store

DROP = "anna"
HOLDER = Holder("s", "", "pop3", 0.0)
SHARED = Lock(LockPolicy.SHARE)
STEPS = 30
OPEN = 3
"""Sessions that stay open beside the others."""

Message = tuple[int, str]
"""Its octets and its unique-id."""


class Model:
    """What is in the drop, and what those see that came before."""

    def __init__(self, root: Path) -> None:
        self.stores: list[MaildropStore] = [embedded_store(root) for _ in range(2)]
        self.held: list[Message] = []
        self.open: list[tuple[MaildropSession, list[Message]]] = []
        self.made = 0

    async def step(self, number: int) -> None:
        """Decode a number and do it, then let everybody list."""
        number, at = divmod(number, len(self.stores))
        number, which = divmod(number, 5)
        await (self.deliver, self.deliver, self.delete, self.delete, self.stay)[which](self.stores[at], number)
        await self.list(self.stores[number % len(self.stores)])
        for session, seen in self.open:
            check(session, seen)

    async def deliver(self, store: MaildropStore, number: int) -> None:
        for each in range(1 + number % 7):
            self.made += 1
            octets = b"x" * (number * each % 90) + b"\r\n"
            spool = store.spool()
            await spool.write(octets)
            given_uidl = f"given{self.made}" if number % 11 == 0 else None
            (receipt,) = await store.deposit(spool, Letter("", 0.0), [Addressee(DROP, uidl=given_uidl)])
            await spool.discard()
            assert isinstance(receipt, Receipt)
            self.held.append((receipt.octets, receipt.uidl))

    async def delete(self, store: MaildropStore, number: int) -> None:
        """One of them, a run of them, or each second one of a run."""
        session = await opened(store)
        begin = number % (len(self.held) + 1)
        going = range(begin, min(begin + number // 64 % 10, len(self.held)), 1 + number % 2)
        for at in reversed(going):
            session.snapshot.delete(at + 1)
            del self.held[at]
        check(session, self.held)
        await session.commit()
        await session.close()

    async def stay(self, store: MaildropStore, number: int) -> None:
        self.open.append((await opened(store), list(self.held)))
        if len(self.open) > OPEN:
            session, _ = self.open.pop(number % OPEN)
            await session.close()

    async def list(self, store: MaildropStore) -> None:
        session = await opened(store)
        check(session, self.held)
        await session.close()

    async def close(self) -> None:
        for session, _ in self.open:
            await session.close()
        for store in self.stores:
            await store.close()


async def opened(store: MaildropStore) -> MaildropSession:
    """A session that has its columns."""
    session = store.open_now(DROP, HOLDER, SHARED) or await store.open(DROP, HOLDER, SHARED)
    await session.load()
    return session


def check(session: MaildropSession, messages: list[Message]) -> None:
    """Whether it tells of just these; where some are marked, their numbers are those of the snapshot."""
    snapshot = session.snapshot
    left = [number for number in range(1, snapshot.total + 1) if number not in snapshot.deleted]
    rows = list(zip(left, messages, strict=True))
    assert snapshot.list_lines() == "".join(f"{number} {octets}\r\n" for number, (octets, _) in rows).encode()
    assert snapshot.uidl_lines() == "".join(f"{number} {uidl}\r\n" for number, (_, uidl) in rows).encode()
    assert [(snapshot.size(number), snapshot.uidl(number)) for number in left] == messages


async def play(steps: list[int]) -> None:
    """All steps."""
    with tempfile.TemporaryDirectory() as folder:
        model = Model(Path(folder) / "post")
        try:
            for number in steps:
                await model.step(number)
        finally:
            await model.close()


@pytest.mark.parametrize("inline", [2000, 2], ids=["on the event loop", "in a thread"])
@settings(max_examples=20, deadline=None)
@given(steps=st.lists(st.integers(0, 1 << 16), min_size=STEPS, max_size=STEPS))
def test_everybody_lists_what_there_was_when_they_came(inline: int, steps: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "PIECE", 4)
        patch.setattr(columns, "PIECE", 4)
        patch.setattr(listings, "KEPT_FROM", 5)
        patch.setattr(sqlite_index, "INLINE_ROWS", inline)
        asyncio.run(play(steps))
