"""Deletions and takeovers of one drop, one after the other: also when they fail, and between processes."""

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from postane.maildrop.base import DropInUse, Holder, LeaseLost, Lock, LockPolicy, StoreFull, StoreUnavailable
from postane.maildrop.drop import JoinedStore
from postane.maildrop.embedded import embedded_store
from postane.maildrop.sides import Step
from support import lease_child
from support.store_child import deposit, message

TAKEOVER = Lock(LockPolicy.TAKEOVER)


@pytest.fixture
async def store(tmp_path):
    made = embedded_store(tmp_path / "post")
    yield made
    await made.close()


async def opened(store: JoinedStore, name: str, lock: Lock = Lock()):  # noqa: B008
    session = await store.open("anna", Holder(name, "", "pop3", time.time()), lock)
    await session.load()
    return session


async def test_a_takeover_that_fails_leaves_the_lease_where_it_was(store, monkeypatch):
    await deposit(store, message(1), "anna")
    old = await opened(store, "old")

    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", fail)
        with pytest.raises(StoreFull):
            await opened(store, "new", TAKEOVER)
    old.check(time.time())
    old.snapshot.delete(1)
    await old.commit()
    await old.close()
    await (await opened(store, "next")).close()


async def test_a_takeover_whose_transaction_fails_takes_nothing(tmp_path):
    """It shares its transaction with a deposit, which cannot be written."""
    failing = []

    def on_step(step: Step) -> None:
        if step is Step.ROW_WRITTEN and failing:
            raise OSError(errno.EIO, "Input/output error")

    store = embedded_store(tmp_path / "post", on_step=on_step)
    await deposit(store, message(1), "anna")
    old = await opened(store, "old")
    handle = await store._index._handles.require("anna")
    failing.append(True)
    waiting = [lease_child.spawn(deposit(store, message(number), "anna")) for number in (1, 3)]
    while len(handle._waiting) < 1:
        await lease_child.breathe()
    with pytest.raises(StoreUnavailable):
        await opened(store, "new", TAKEOVER)
    for task in waiting:
        await task
    failing.clear()
    with pytest.raises(LeaseLost):
        await old.commit()
    await old.close()
    await (await opened(store, "next")).close()
    await store.close()


async def test_a_takeover_works_on_an_index_that_cannot_grow(store):
    await deposit(store, message(1), "anna")
    old = await opened(store, "old")
    handle = await store._index._handles.require("anna")
    (pages,) = handle._writer._connection.execute("PRAGMA page_count").fetchone()
    handle._writer._connection.execute(f"PRAGMA max_page_count={pages}").fetchall()
    new = await opened(store, "new", TAKEOVER)
    with pytest.raises(LeaseLost):
        old.check(time.time())
    await old.close()
    await new.close()


def test_processes_that_take_it_from_each_other_delete_each_message_once(tmp_path):
    """Each takes the drop over, deletes some, and says what it was told; all of that together must be what happened."""
    root, messages, rounds = tmp_path / "post", 300, 60
    lease_child.fill(root, messages)
    command = [sys.executable, str(Path(lease_child.__file__)), str(root), str(rounds)]
    children = [subprocess.Popen([*command, str(seed)], stdout=subprocess.PIPE) for seed in range(4)]
    said = [child.communicate(timeout=120)[0].decode().split("\n") for child in children]
    assert [child.returncode for child in children] == [0] * 4
    done, lost, expected = [], 0, set(range(1, messages + 1))
    for line in (line for lines in said for line in lines if line):
        word, *uids = line.split()
        if word == "done":
            done += map(int, uids)
        else:
            assert word == "lost"
            lost += 1
    assert len(done) == len(set(done)), "two sessions were told that they deleted the same message"
    assert lease_child.uids(root) == expected - set(done), "what a session deleted that had lost the drop, is gone"
    assert lost > 0, "nobody was evicted: this test shows nothing"


def test_a_drop_is_free_when_its_worker_is_killed(tmp_path):
    root = tmp_path / "post"
    lease_child.fill(root, 1)
    with subprocess.Popen(
        [sys.executable, str(Path(lease_child.__file__)), str(root)], stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"open\n"
        with pytest.raises(DropInUse, match="by another session since"):
            lease_child.uids(root)
        child.kill()
    assert lease_child.uids(root) == {1}
