"""Stores that are made of copies are what the library would have made: the store finds nothing wrong in them."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from postane.maildrop.base import Holder, Lock
from postane.maildrop.embedded import embedded_store


@pytest.mark.parametrize("octets", [600, 200_000])
async def test_drops_that_are_copies_have_names_and_ids_of_their_own(load, tmp_path: Path, octets: int) -> None:
    fill, messages = load("", "fill"), load("", "messages")
    group = messages.Group("r", 12, 3, octets)
    await _in_thread(fill.fill_group, tmp_path, group)
    store = embedded_store(tmp_path)
    seen: set[str] = set()
    try:
        for name in group.names():
            assert [finding async for finding in store.verify(name)] == []
            session = await store.open(name, Holder(name, "127.0.0.1", "pop3", 0.0), Lock())
            await session.load()
            seen |= {uidl for _, uidl in session.snapshot.uidls()}
            assert [size for _, size in session.snapshot.sizes()] == [octets] * 3
            await session.close()
    finally:
        await store.close()
    assert len(seen) == 36


async def test_a_large_drop_is_sound(load, tmp_path: Path) -> None:
    fill = load("", "fill")
    await _in_thread(fill.fill_drop, tmp_path, "large", 2500, 400)
    await _in_thread(fill.check, tmp_path, "large")


async def _in_thread(work: Callable[..., object], *given: object) -> None:
    """What runs an event loop of its own."""
    await asyncio.to_thread(work, *given)
