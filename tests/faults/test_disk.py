"""A full disk, and a disk that fails to keep what it was given: refused clearly, nothing half, and it works again."""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from postane.accounts.base import AccountsUnavailable
from postane.accounts.schema import open_database
from postane.maildrop.base import Holder, Lock, MaildropError, MaildropStore, Receipt, StoreFull
from postane.maildrop.embedded import embedded_store
from support import disks
from support.programs import missing
from support.store_child import DROPS, INLINE, deposit, message
from support.store_parent import found, look, run_child

SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static int fails(void) {
    const char *path = getenv("SYNC_FAILS_WHILE");
    return path && access(path, F_OK) == 0;
}
int fsync(int fd) {
    if (fails()) { errno = EIO; return -1; }
    return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd);
}
int fdatasync(int fd) {
    if (fails()) { errno = EIO; return -1; }
    return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd);
}
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB."""
    with disks.small_disk(tmp_path / "disk", "4m") as place:
        yield place


@pytest.fixture
def shim(tmp_path: Path) -> Path:
    """A library that makes every sync fail while a file exists."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler or sys.platform != "linux":
        missing("a C compiler on Linux is needed to make syncs fail")
    source, library = tmp_path / "shim.c", tmp_path / "shim.so"
    source.write_text(SHIM)
    subprocess.run([str(compiler), "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library


async def test_a_full_disk_refuses_and_recovers(small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(bytes(1_000_000))
    store = embedded_store(small_disk / "post", inline=INLINE)
    stored: list[int] = []
    assert await fill(store, stored) is StoreFull
    assert (await look(store, DROPS[0])).numbers == stored
    refused = [await deposit(store, octets, DROPS[0]) for octets in (b"x" * 8_000_000, b"y" * 2_000_000)]
    assert {type(outcome) for outcomes in refused for outcome in outcomes} == {StoreFull}
    assert [finding async for finding in store.verify(DROPS[0])] == []
    assert list(small_disk.glob("post/tmp/*")) == [], "what did not fit does not stay"
    assert (await look(store, DROPS[0])).numbers == stored
    assert len(list(small_disk.glob("post/drops/*/*/blobs/*"))) == sum(number % 2 == 0 for number in stored)

    (small_disk / "ballast").unlink()
    for number in (90_001, 90_002):
        (outcome,) = await deposit(store, message(number), DROPS[0])
        assert isinstance(outcome, Receipt)
        stored.append(number)
    await store.close()
    assert (await asyncio.to_thread(found, small_disk / "post", DROPS[0])).numbers == stored


async def test_a_full_disk_can_be_emptied(small_disk: Path) -> None:
    store = embedded_store(small_disk / "post", inline=INLINE)
    assert await fill(store, []) is StoreFull
    session = await store.open(DROPS[0], Holder("s1", "", "pop3", 0.0), Lock())
    await session.load()
    for number in range(1, session.snapshot.total + 1):
        session.snapshot.delete(number)
    await session.commit()
    await session.close()
    (outcome,) = await deposit(store, message(2), DROPS[0])
    assert isinstance(outcome, Receipt)
    assert (await look(store, DROPS[0])).numbers == [2]
    await store.close()


async def fill(store: MaildropStore, stored: list[int]) -> type[MaildropError]:
    """Deposit small and large messages until one is refused; gives how."""
    number = 1
    while True:
        (outcome,) = await deposit(store, message(number), DROPS[0])
        if isinstance(outcome, MaildropError):
            return type(outcome)
        stored.append(number)
        number += 1


def test_files_that_may_not_grow(tmp_path: Path) -> None:
    promises, status = run_child("full", tmp_path / "post", 200_000)
    assert status == 0
    assert len(promises.errors) == 2
    assert set(promises.errors) <= {"StoreFull", "StoreUnavailable"}
    seen = found(tmp_path / "post", DROPS[0])
    assert list(seen.uidls) == promises.acknowledged[DROPS[0]]
    assert seen.numbers[-1] == 2, "it went on when files could grow again"
    assert list((tmp_path / "post" / "tmp").iterdir()) == []


def test_no_receipt_without_a_sync(tmp_path: Path, shim: Path) -> None:
    switch = tmp_path / "sync fails"
    promises, status = run_child(
        "unsynced", tmp_path / "post", switch, LD_PRELOAD=str(shim), SYNC_FAILS_WHILE=str(switch)
    )
    assert status == 0
    assert promises.errors == ["StoreUnavailable"] * 5
    assert promises.others["holds"] == ["2"], "what was refused is not seen, what was to be deleted still is"
    assert not promises.is_committed
    for drop, expected in ((DROPS[0], [1, 2, 5, 6]), (DROPS[1], [5, 6])):
        seen = found(tmp_path / "post", drop)
        assert list(seen.numbers) == expected
        assert list(seen.uidls) == promises.acknowledged[drop]


@pytest.mark.parametrize("size", ["80k", "100k", "120k", "140k"])
def test_no_room_for_new_accounts_leaves_no_file_that_is_damaged(tmp_path: Path, size: str) -> None:
    with disks.small_disk(tmp_path / "accounts", size) as disk:
        with pytest.raises(AccountsUnavailable, match="full"):
            open_database(disk)
        disks.enlarge(disk, "8m")
        open_database(disk).close()
