"""A process that works on a maildrop store and tells what it was promised, so that it can be killed at any moment.

Run as a program: `store_child.py WORK ROOT ...`. Each promise is one line on standard output, written at once:
`ack DROP UIDL` after a Receipt, `deleting UIDL ...` before a commit, `committed` after it.
"""

import asyncio
import os
import resource
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from postane.maildrop.base import Addressee, Holder, Letter, Lock, MaildropError, OpenMessage, Receipt
from postane.maildrop.drop import JoinedStore
from postane.maildrop.embedded import embedded_store
from postane.maildrop.sides import Step

DROPS = ("anna", "berta")
INLINE = 1024
MIB = 1024 * 1024


def message(number: int) -> bytes:
    """The message of that number: its octets follow from its number, so that half of one is recognised."""
    size = 300 if number % 2 else 5000
    return b"Subject: %d\r\n\r\n" % number + b"%08d\r\n" % number * (size // 10)


def number_of(octets: bytes) -> int:
    """The number of a message. Raises ValueError where it is not one of ours, whole."""
    number = int(octets.removeprefix(b"Subject: ").partition(b"\r\n")[0])
    if octets != message(number):
        raise ValueError(f"message {number} is not whole")
    return number


async def deposit(store: JoinedStore, octets: bytes, *drops: str) -> list[Receipt | MaildropError]:
    """One deposit."""
    spool = store.spool()
    try:
        for at in range(0, len(octets), MIB):
            await spool.write(octets[at : at + MIB])
        return await store.deposit(spool, Letter("a@example.org", time.time()), [Addressee(drop) for drop in drops])
    except MaildropError as error:
        return [error] * len(drops)
    finally:
        await spool.discard()


def tell(*words: object) -> None:
    """A line on standard output, at once: a killed process flushes nothing."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def tell_outcomes(outcomes: list[Receipt | MaildropError]) -> None:
    """What came of a deposit."""
    for outcome in outcomes:
        if isinstance(outcome, Receipt):
            tell("ack", outcome.drop, outcome.uidl)
        else:
            tell("error", type(outcome).__name__)


async def delete(store: JoinedStore, drop: str, count: int) -> None:
    """A session that deletes the first `count` messages."""
    session = await store.open(drop, Holder("child", "", "pop3", time.time()), Lock())
    await session.load()
    for number in range(1, count + 1):
        session.snapshot.delete(number)
    tell("deleting", *(session.snapshot._uidls[number - 1] for number in session.snapshot.deleted))
    try:
        await session.commit()
        tell("committed")
    except MaildropError as error:
        tell("error", type(error).__name__)
    await session.close()


async def work_until(root: Path, step: str, occurrence: str, *drops: str) -> None:
    """Deposit and delete, and die at a step's n-th time."""
    left = int(occurrence)

    def on_step(done: Step) -> None:
        nonlocal left
        if done == step:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    store = embedded_store(root, inline=INLINE, orphan_age=0.0, on_step=on_step)
    for number in range(1, 9):
        tell_outcomes(await deposit(store, message(number), *(drops or DROPS)))
    await delete(store, DROPS[0], 5)
    await store.close()
    tell("survived")


async def work_hard(root: Path, first: str) -> None:
    """Many deposits at once, until killed."""
    store = embedded_store(root, inline=INLINE, orphan_age=0.0)

    async def sender(number: int) -> None:
        while True:
            tell_outcomes(await deposit(store, message(number), *DROPS))
            number += 16

    await asyncio.gather(*(sender(int(first) + number) for number in range(16)))


async def work_some(root: Path, first: str) -> None:
    """Thirty deposits at once."""
    store = embedded_store(root, inline=INLINE)
    outcomes = await asyncio.gather(*(deposit(store, message(int(first) + more), DROPS[0]) for more in range(30)))
    for outcome in outcomes:
        tell_outcomes(outcome)
    await store.close()


async def work_full(root: Path, limit: str) -> None:
    """Fill what files may hold, and go on."""
    store = embedded_store(root, inline=INLINE)
    tell_outcomes(await deposit(store, message(1), DROPS[0]))
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), most))
    tell_outcomes(await deposit(store, b"x" * 1000 * 1000, DROPS[0]))
    outcomes: list[Receipt | MaildropError] = []
    number = 1
    while not outcomes or isinstance(outcomes[0], Receipt):
        number += 2
        outcomes = await deposit(store, message(number), DROPS[0])
        tell_outcomes(outcomes)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    tell_outcomes(await deposit(store, message(2), DROPS[0]))
    await store.close()


async def work_unsynced(root: Path, switch: str) -> None:
    """Deposit and delete while every sync fails, and after it works again."""
    broken = Path(switch)
    store = embedded_store(root, inline=INLINE)
    tell_outcomes(await deposit(store, message(1), DROPS[0]))
    tell_outcomes(await deposit(store, message(2), DROPS[0]))
    broken.touch()
    tell_outcomes(await deposit(store, message(3), *DROPS))
    tell_outcomes(await deposit(store, message(4), *DROPS))
    await delete(store, DROPS[0], 1)
    usage = await store.usage(DROPS[0])
    tell("holds", usage.messages)
    broken.unlink()
    tell_outcomes(await deposit(store, message(5), *DROPS))
    tell_outcomes(await deposit(store, message(6), *DROPS))
    await store.close()


async def work_large(root: Path, size: str) -> None:
    """Take in a large message and give it out again; tell how much memory that took at most."""
    store = embedded_store(root)
    await deposit(store, message(1), DROPS[0])
    before = _peak()
    spool = store.spool()
    block = b"0123456789abcdef" * 4095 + b"01234567890123\r\n"
    for _ in range(int(size) // len(block)):
        await spool.write(bytes(bytearray(block)))  # a new object each time, as from a network
    tell_outcomes(await store.deposit(spool, Letter("", 0.0), [Addressee(drop) for drop in DROPS]))
    await spool.discard()
    stored = _peak()
    session = await store.open(DROPS[1], Holder("child", "", "pop3", time.time()), Lock())
    await session.load()
    tell("read", await _drain(await session.open_message(1)))
    await session.close()
    await store.close()
    tell("peak", before, stored, _peak())


async def _drain(opened: OpenMessage) -> int:
    octets = len(opened.head)
    while opened.rest and (piece := await opened.rest.read(256 * 1024)):
        octets += len(piece)
    await opened.close()
    return octets


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (MIB if sys.platform == "darwin" else 1024)


WORKS: Mapping[str, Callable[[Path, str], Awaitable[None]]] = {
    "hard": work_hard,
    "some": work_some,
    "full": work_full,
    "unsynced": work_unsynced,
    "large": work_large,
}


async def main(work: str, root: str, *arguments: str) -> None:
    """Do the work."""
    if work == "until":
        await work_until(Path(root), *arguments)
    else:
        await WORKS[work](Path(root), *arguments)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
