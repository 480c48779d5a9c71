"""What a process that looks at a store after another one died can check: promises kept, nothing half, all sound."""

import asyncio
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from postane.maildrop.base import FindingKind, Holder, Lock, Receipt
from postane.maildrop.drop import JoinedStore
from postane.maildrop.embedded import embedded_store
from support import store_child
from support.store_child import DROPS, INLINE, deposit, message, number_of

HARMLESS = {FindingKind.ORPHAN}


@dataclass(slots=True)
class Promises:
    """What a child said on its standard output."""

    acknowledged: dict[str, list[str]] = field(default_factory=lambda: {drop: [] for drop in DROPS})
    deleting: list[str] = field(default_factory=list)
    is_committed: bool = False
    survived: bool = False
    errors: list[str] = field(default_factory=list)
    others: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def parse(cls, output: bytes) -> "Promises":
        """Whole lines count; the last one may have been cut by the kill."""
        made = cls()
        for line in output.decode().splitlines():
            match line.split():
                case ["ack", drop, uidl]:
                    made.acknowledged[drop].append(uidl)
                case ["deleting", *uidls]:
                    made.deleting = uidls
                case ["committed"]:
                    made.is_committed = True
                case ["survived"]:
                    made.survived = True
                case ["error", name]:
                    made.errors.append(name)
                case [word, *rest]:
                    made.others[word] = rest
        return made


def command(*arguments: object) -> list[str]:
    """How to start a child."""
    return [sys.executable, str(store_child.__file__), *map(str, arguments)]


def run_child(*arguments: object, **environment: str) -> tuple[Promises, int]:
    """Let a child work to its end."""
    done = subprocess.run(command(*arguments), stdout=subprocess.PIPE, env={**os.environ, **environment}, timeout=100)
    return Promises.parse(done.stdout), done.returncode


@dataclass(frozen=True, slots=True)
class Found:
    """What is in a drop: unique-ids and the numbers of the messages, in order."""

    uidls: Sequence[str]
    numbers: Sequence[int]


async def look(store: JoinedStore, drop: str) -> Found:
    """Everything in a drop; raises where a message is not whole."""
    session = await store.open(drop, Holder("parent", "", "pop3", time.time()), Lock())
    try:
        await session.load()
        numbers = []
        for number in range(1, session.snapshot.total + 1):
            opened = await session.open_message(number)
            octets = opened.head
            while opened.rest and (piece := await opened.rest.read(4096)):
                octets += piece
            await opened.close()
            numbers.append(number_of(octets))
        return Found([uidl for _, uidl in session.snapshot.uidls()], numbers)
    finally:
        await session.close()


async def check_promises(root: Path, promises: Promises) -> None:
    """Whatever happened to the child: what it acknowledged is there, and nothing is there by halves."""
    store = embedded_store(root, inline=INLINE, orphan_age=0.0)
    try:
        for drop in DROPS:
            kinds = {finding.kind async for finding in store.verify(drop)}
            assert kinds <= HARMLESS
            await _check_drop(await look(store, drop), drop, promises)
            assert [finding async for finding in store.verify(drop)] == [], "a session that opens a drop sweeps it"
        await _check_new_ids(store, promises)
    finally:
        await store.close()
    assert list(root.glob("tmp/*")) == [], "what was on its way in is swept with the next large message"


async def _check_drop(found: Found, drop: str, promises: Promises) -> None:
    assert max(Counter(found.numbers).values(), default=1) == 1
    acknowledged = set(promises.acknowledged[drop])
    deleting = set(promises.deleting) & acknowledged
    gone = acknowledged - set(found.uidls)
    if drop == DROPS[0] and deleting:
        assert gone in ((deleting,) if promises.is_committed else (set(), deleting)), "a commit is whole, or not at all"
    else:
        assert gone == set(), "acknowledged, and lost"


async def _check_new_ids(store: JoinedStore, promises: Promises) -> None:
    for drop in DROPS:
        seen = {*promises.acknowledged[drop], *(await look(store, drop)).uidls, *promises.deleting}
        for number in (1001, 1002):
            (receipt,) = await deposit(store, message(number), drop)
            assert isinstance(receipt, Receipt)
            assert receipt.uidl not in seen
            seen.add(receipt.uidl)


def found(root: Path, drop: str) -> Found:
    """What a new process would see."""

    async def once() -> Found:
        store = embedded_store(root, inline=INLINE)
        try:
            return await look(store, drop)
        finally:
            await store.close()

    return asyncio.run(once())
