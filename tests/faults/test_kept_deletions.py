"""A process is killed while messages go out of sight, come back and go for good: each is in one place, whole."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from postane.maildrop.base import Holder, Lock
from postane.maildrop.embedded import embedded_store
from postane.maildrop.sides import Step
from support import store_child
from support.store_child import INLINE, deposit, message
from support.store_parent import HARMLESS, look

DROP = store_child.DROPS[0]
MOVES = ("hide", "restore", "discard")
STEPS = {
    "hide": (Step.ROWS_DELETED, Step.ROWS_GONE),
    "restore": (Step.ROW_WRITTEN, Step.ROW_DURABLE),
    "discard": (Step.ROWS_DELETED, Step.ROWS_GONE, Step.BLOB_GONE),
}


async def prepare(root: Path, move: str) -> None:
    """Six messages, every other one large; 1 to 4 are out of sight, where they are not to be put there."""
    store = embedded_store(root, inline=INLINE, orphan_age=0.0)
    for number in range(1, 7):
        await deposit(store, message(number), DROP)
    await store.close()
    if move != "hide":
        assert run("hide", root, None) == 0


def run(move: str, root: Path, step: Step | None) -> int:
    """A process that makes the move, and dies at the step."""
    command = [sys.executable, __file__, move, str(root), step or "none"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(command, env=environment, check=False, timeout=100).returncode


@pytest.mark.parametrize(("move", "step"), [(move, step) for move in MOVES for step in STEPS[move]])
async def test_killed_at_a_step(tmp_path: Path, move: str, step: Step) -> None:
    root = tmp_path / "post"
    await prepare(root, move)
    assert run(move, root, step) == -signal.SIGKILL
    store = embedded_store(root, inline=INLINE, orphan_age=0.0)
    assert {finding.kind async for finding in store.verify(DROP)} <= HARMLESS
    seen = sorted((await look(store, DROP)).numbers)
    kept = [row.uid async for row in store.deleted(DROP)]
    if step in (Step.ROWS_DELETED, Step.ROW_WRITTEN):  # as if nothing had been done
        expected = ([1, 2, 3, 4, 5, 6], []) if move == "hide" else ([5, 6], [1, 2, 3, 4])
    else:
        expected = {"hide": ([5, 6], [1, 2, 3, 4]), "restore": ([1, 2, 5, 6], [3, 4]), "discard": ([5, 6], [3, 4])}[
            move
        ]
    assert (seen, kept) == expected
    await store.restore(DROP, kept)
    assert sorted((await look(store, DROP)).numbers) == sorted({*seen, *kept}), "what is kept is whole"
    assert [finding async for finding in store.verify(DROP)] == []
    await store.close()


async def make_move(move: str, root: str, step: str) -> None:
    def on_step(done: Step) -> None:
        if done == step:
            os.kill(os.getpid(), signal.SIGKILL)

    store = embedded_store(Path(root), inline=INLINE, on_step=on_step)
    if move == "restore":
        await store.restore(DROP, [1, 2])
    elif move == "discard":
        await store.discard(DROP, [1, 2])
    else:
        session = await store.open(DROP, Holder("child", "", "pop3", 0.0), Lock(), keep_deleted=True)
        await session.load()
        for number in (1, 2, 3, 4):
            session.snapshot.delete(number)
        await session.commit()
        await session.close()
    await store.close()


if __name__ == "__main__":
    import asyncio

    asyncio.run(make_move(*sys.argv[1:]))
