"""A process that takes a drop over again and again, deletes, and tells what it was told. Run as a program.

With ROOT alone it opens the drop, marks a message and waits to be killed; with ROOT ROUNDS SEED it works.
"""

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from postane.maildrop.base import Addressee, Holder, LeaseLost, Letter, Lock, LockPolicy
from postane.maildrop.embedded import embedded_store

DROP = "anna"
INLINE = 64


def spawn(work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
    """Begin something."""
    return asyncio.ensure_future(work)


async def breathe() -> None:
    """Let others go on."""
    await asyncio.sleep(0)


def fill(root: Path, messages: int) -> None:
    """Put messages in, every other one a large one."""

    async def work() -> None:
        store = embedded_store(root, inline=INLINE)
        for number in range(messages):
            spool = store.spool()
            await spool.write(b"x" * (INLINE * (number % 2) + 10) + b"\r\n")
            await store.deposit(spool, Letter("", 0.0), [Addressee(DROP)])
            await spool.discard()
        await store.close()

    asyncio.run(work())


def uids(root: Path) -> set[int]:
    """The messages that are there. Raises DropInUse; fails where the drop is not sound."""

    async def work() -> set[int]:
        store = embedded_store(root, inline=INLINE)
        try:
            session = await store.open(DROP, _holder(), Lock())
            await session.load()
            await session.close()
            assert [finding async for finding in store.verify(DROP)] == []
            return {row.uid async for row in store.rows(DROP)}
        finally:
            await store.close()

    return asyncio.run(work())


def _holder() -> Holder:
    return Holder(str(os.getpid()), "192.0.2.1", "POP3", time.time())


async def take_over(root: Path, rounds: int, chance: random.Random) -> None:
    """Open, read, mark, commit; now and then leave time for others in between."""
    store = embedded_store(root, inline=INLINE)
    for _ in range(rounds):
        try:
            session = await store.open(DROP, _holder(), Lock(LockPolicy.TAKEOVER))
            try:
                await session.load()
                await asyncio.sleep(chance.choice([0, 0, 0, 0.001, 0.005]))
                numbers = chance.sample(range(1, session.snapshot.total + 1), min(2, session.snapshot.total))
                for number in numbers:
                    session.snapshot.delete(number)
                marked = [session.snapshot.uid(number) for number in numbers]
                await session.commit()
                print("done", *marked, flush=True)
            finally:
                await session.close()
        except LeaseLost:
            print("lost", flush=True)
    await store.close()


async def hold(root: Path) -> None:
    """Open, mark, and wait."""
    store = embedded_store(root, inline=INLINE)
    session = await store.open(DROP, _holder(), Lock())
    await session.load()
    session.snapshot.delete(1)
    print("open", flush=True)
    signal.pause()


if __name__ == "__main__":
    if len(sys.argv) > 2:
        asyncio.run(take_over(Path(sys.argv[1]), int(sys.argv[2]), random.Random(int(sys.argv[3]))))
    else:
        asyncio.run(hold(Path(sys.argv[1])))
