"""What a process remembers of a drop is right while other processes deposit and delete, and when they are killed."""

import asyncio
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from postane.maildrop.base import Holder, Lock
from postane.maildrop.drop import JoinedStore
from postane.maildrop.embedded import embedded_store
from postane.maildrop.sides import Step
from support.store_child import DROPS, INLINE, deposit, message
from support.store_parent import command, run_child

HOLDER = Holder("poll", "", "pop3", 0.0)


async def told(store: JoinedStore, drop: str) -> tuple[int, int]:
    """What a poll is told: from memory where that is certain."""
    session = store.open_now(drop, HOLDER, Lock()) or await store.open(drop, HOLDER, Lock())
    try:
        return session.snapshot.count, session.snapshot.octets
    finally:
        assert session.close_now()


async def held(root: Path, drop: str) -> tuple[int, int]:
    """What is there, as one who knows nothing finds it."""
    store = embedded_store(root, inline=INLINE)
    usage = await store.usage(drop)
    await store.close()
    return usage.messages, usage.octets


async def fill(root: Path) -> None:
    """One message in each drop, an hour ago."""
    store = embedded_store(root, inline=INLINE)
    await deposit(store, message(0), *DROPS)
    await store.close()
    for folder in root.glob("drops/*/*"):
        os.utime(folder / "index.sqlite", (1.0, 1.0))


async def remembering(root: Path) -> JoinedStore:
    """A store that remembers both drops, and has no index open."""
    store = embedded_store(root, inline=INLINE)
    for drop in DROPS:
        assert await told(store, drop) == (1, len(message(0)))
    for _ in range(2):
        store._index._handles.rest()  # type: ignore[attr-defined]
    for drop in DROPS:
        assert store.open_now(drop, HOLDER, Lock()).close_now()  # type: ignore[union-attr]
    assert not store._index._handles._open  # type: ignore[attr-defined]
    return store


@pytest.mark.parametrize(
    ("step", "occurrence"),
    [
        *((Step.ROW_WRITTEN, time) for time in (1, 2, 3, 16)),
        *((Step.ROW_DURABLE, time) for time in (1, 2, 3, 16)),
        *((step, 1) for step in (Step.BLOB_DURABLE, Step.ROWS_DELETED, Step.ROWS_GONE, Step.BLOB_GONE)),
    ],
)
async def test_another_process_is_killed_at_a_step(tmp_path: Path, step: Step, occurrence: int) -> None:
    root = tmp_path / "post"
    await fill(root)
    store = await remembering(root)
    _, status = await asyncio.to_thread(run_child, "until", root, step, occurrence)
    assert status == -signal.SIGKILL, "the step was not reached"
    seen = [await told(store, drop) for drop in DROPS]
    assert seen == [await held(root, drop) for drop in DROPS]
    await store.close()


async def test_another_process_deposits_and_deletes(tmp_path: Path) -> None:
    root = tmp_path / "post"
    await fill(root)
    store = await remembering(root)
    promises, status = await asyncio.to_thread(run_child, "until", root, "none", 1)
    assert (status, promises.is_committed) == (0, True)
    assert [(await told(store, drop))[0] for drop in DROPS] == [9 - 5, 9]
    await store.close()


async def test_what_is_acknowledged_by_another_process_is_counted_at_once(tmp_path: Path) -> None:
    """Two that poll, one that has nothing open and one that does, beside one that deposits as fast as it can."""
    root = tmp_path / "post"
    await fill(root)
    pollers = [await remembering(root), await remembering(root)]
    child = await asyncio.create_subprocess_exec(*command("hard", root, 1), stdout=subprocess.PIPE)
    assert child.stdout is not None
    acknowledged = dict.fromkeys(DROPS, 0)
    for turn in range(400):
        drop = (await child.stdout.readline()).split()[1].decode()
        acknowledged[drop] += 1
        poller = pollers[turn % 2]
        if turn % 50 == 0:
            poller._index._handles.rest()  # type: ignore[attr-defined]
        count, _ = await told(poller, drop)
        assert count >= 1 + acknowledged[drop]
    child.kill()
    await child.communicate()
    for poller in pollers:
        assert [await told(poller, drop) for drop in DROPS] == [await held(root, drop) for drop in DROPS]
        await poller.close()


async def test_an_index_from_a_backup_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "post"
    await fill(root)
    (index,) = root.glob("drops/*/anna/index.sqlite")
    backup = index.read_bytes()
    os.utime(index, (1.0, 1.0))
    other = embedded_store(root, inline=INLINE)
    await deposit(other, message(1), "anna")
    await other.close()
    os.utime(index, (1.0, 1.0))
    store = embedded_store(root, inline=INLINE)
    assert (await told(store, "anna"))[0] == 2
    for _ in range(2):
        store._index._handles.rest()  # type: ignore[attr-defined]
    for _ in range(100):
        if not Path(f"{index}-shm").exists():
            break
        await asyncio.sleep(0.01)
    index.write_bytes(backup)  # in place: it is the same file to whoever asks for its inode
    now = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: now() + 60.0)
    assert (await told(store, "anna"))[0] == 1
    await store.close()
