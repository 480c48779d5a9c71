"""How fast the embedded maildrop store is by itself: `python bench/store.py [FOLDER]`.

FOLDER lies on the disk that is to be measured (default: the current one). Everything is printed, nothing asserted.
"""

import asyncio
import gc
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop

from postane.maildrop.base import Addressee, Holder, Letter, Lock, MaildropSession, MaildropStore
from postane.maildrop.embedded import embedded_store

HEADER = b"From: a@example.org\r\nTo: b@example.org\r\nSubject: a message to measure with\r\n\r\n"
BODY = HEADER + b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab\r\n" * ((4096 - len(HEADER)) // 62)
LETTER = Letter("a@example.org", 1_700_000_000.0)
LOCK = Lock()
MANY = 100_000


def tell(what: str, value: float, unit: str) -> None:
    """One line of the result."""
    print(f"{what:<58}{value:>12,.1f} {unit}", flush=True)


async def deposit(store: MaildropStore, drop: str, octets: bytes = BODY) -> None:
    """One message, durably."""
    spool = store.spool()
    await spool.write(octets)
    (outcome,) = await store.deposit(spool, LETTER, [Addressee(drop, b"Delivered-To: b@example.org\r\n")])
    await spool.discard()
    if isinstance(outcome, Exception):
        raise outcome


async def each(work: Callable[[], Awaitable[object]], times: int) -> float:
    """Median of microseconds for one call, over rounds of calls."""
    rounds = []
    await work()
    gc.collect()
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(times):
            await work()
        rounds.append((time.perf_counter() - began) / times * 1e6)
    return statistics.median(rounds)


def holder() -> Holder:
    """Who opens."""
    return Holder("bench", "127.0.0.1", "pop3", time.time())


async def opened(store: MaildropStore, drop: str) -> MaildropSession:
    """A session with its columns."""
    session = await store.open(drop, holder(), LOCK)
    await session.load()
    return session


async def measure_polls(store: MaildropStore) -> None:
    """What a client costs that finds nothing new."""
    for _ in range(10):
        await deposit(store, "polled")

    async def poll() -> None:
        session = await store.open("polled", holder(), LOCK)
        await session.close()

    async def poll_uidl() -> None:
        session = await opened(store, "polled")
        list(session.snapshot.uidls())
        await session.close()

    tell("open, STAT, close; warm", await each(poll, 2000), "us")
    tell("open, UIDL of 10 messages, close; warm", await each(poll_uidl, 2000), "us")


async def measure_reads(store: MaildropStore) -> None:
    """What a message of 4 KiB costs, in any order and one after the other."""
    for _ in range(200):
        await deposit(store, "read")
    session = await opened(store, "read")

    async def any_order() -> None:
        await (await session.open_message(7)).close()

    async def in_order() -> None:
        for number in range(1, 201):
            await (await session.open_message(number)).close()

    tell("read 4 KiB, any order", await each(any_order, 2000), "us")
    tell("read 4 KiB, one after the other", await each(in_order, 20) / 200, "us")
    await session.close()


async def measure_deposits(store: MaildropStore) -> None:
    """How many messages a second become durable."""
    await deposit(store, "one")
    began = time.perf_counter()
    for _ in range(1000):
        await deposit(store, "one")
    tell("durable deposits of 4 KiB, one after the other", 1000 / (time.perf_counter() - began), "/s")
    for drops, what in ((1, "into one drop"), (16, "into 16 drops")):
        names = [f"many{number}" for number in range(drops)]
        await asyncio.gather(*(deposit(store, name) for name in names))

        async def deliver(sender: int, names: list[str] = names) -> None:
            for _ in range(200):
                await deposit(store, names[sender % len(names)])

        began = time.perf_counter()
        await asyncio.gather(*(deliver(sender) for sender in range(16)))
        tell(f"the same, 16 at once {what}", 3200 / (time.perf_counter() - began), "/s")
    large = HEADER + b"x" * 70 + b"\r\n" + b"0123456789abcdef" * 64 * 1024
    began = time.perf_counter()
    for _ in range(50):
        await deposit(store, "large", large)
    tell("durable deposits of 1 MiB, one after the other", 50 / (time.perf_counter() - began), "MB/s")
    began = time.perf_counter()
    await asyncio.gather(*(deposit(store, f"large{number % 8}", large) for number in range(64)))
    tell("the same, 64 at once into 8 drops", 64 / (time.perf_counter() - began), "MB/s")
    session = await opened(store, "large")

    async def read() -> None:
        message = await session.open_message(1)
        while message.rest and await message.rest.read(256 * 1024):
            pass
        await message.close()

    tell("read 1 MiB", 1e6 / await each(read, 50), "MB/s")
    await session.close()


async def measure_many(store: MaildropStore, again: Callable[[], MaildropStore]) -> None:
    """A drop of a hundred thousand messages."""
    began = time.perf_counter()
    small = BODY[:300] + b"\r\n"
    for _ in range(MANY // 500):
        await asyncio.gather(*(deposit(store, "huge", small) for _ in range(500)))
    tell(f"{MANY:,} deposits, 500 at once", MANY / (time.perf_counter() - began), "/s")
    await store.close()
    store = again()
    began = time.perf_counter()
    session = await store.open("huge", holder(), LOCK)
    tell("huge: open and STAT, cold", (time.perf_counter() - began) * 1e3, "ms")
    began = time.perf_counter()
    await session.load()
    tell("huge: columns, cold", (time.perf_counter() - began) * 1e3, "ms")
    began = time.perf_counter()
    "".join([f"{number} {size}\r\n" for number, size in session.snapshot.sizes()])
    tell("huge: text of LIST", (time.perf_counter() - began) * 1e3, "ms")
    began = time.perf_counter()
    "".join([f"{number} {uidl}\r\n" for number, uidl in session.snapshot.uidls()])
    tell("huge: text of UIDL", (time.perf_counter() - began) * 1e3, "ms")
    began = time.perf_counter()
    await (await session.open_message(MANY // 2)).close()
    tell("huge: one TOP", (time.perf_counter() - began) * 1e6, "us")
    await session.close()
    began = time.perf_counter()
    session = await opened(store, "huge")
    tell("huge: open and columns, warm", (time.perf_counter() - began) * 1e3, "ms")
    for number in range(1, 1001):
        session.snapshot.delete(number)
    began = time.perf_counter()
    await session.commit()
    tell("huge: commit of 1,000 deletions", (time.perf_counter() - began) * 1e3, "ms")
    await session.close()
    await store.close()


async def main(folder: Path) -> None:
    """Everything."""

    def make() -> MaildropStore:
        return embedded_store(folder / "post")

    store = make()
    await measure_polls(store)
    await measure_reads(store)
    await measure_deposits(store)
    await measure_many(store, make)


if __name__ == "__main__":
    place = Path(tempfile.mkdtemp(prefix="postane-bench-", dir=sys.argv[1] if len(sys.argv) > 1 else "."))
    try:
        uvloop.run(main(place))
    finally:
        shutil.rmtree(place)
