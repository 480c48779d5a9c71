"""Which drops there are: names that a folder bears and names that are cut, and what was removed."""

from pathlib import Path

import pytest

from postane.maildrop.base import Addressee, Letter, Receipt
from postane.maildrop.folders import NAME_LIMIT, Folders
from postane.maildrop.sqlite_drops import names_of_drops

LONG = "é" * NAME_LIMIT


async def put(store, drop):
    spool = store.spool()
    await spool.write(b"hello\r\n")
    (outcome,) = await store.deposit(spool, Letter("", 0.0), [Addressee(drop)])
    assert isinstance(outcome, Receipt)


@pytest.mark.parametrize("drop", ["anna", "../.hidden", LONG], ids=["plain", "hostile", "cut"])
async def test_a_removed_one_is_not_listed_until_mail_comes(store, tmp_path, drop):
    folders = Folders(tmp_path / "post")
    await put(store, "berta")
    await put(store, drop)
    assert names_of_drops(folders) == sorted([drop, "berta"])
    await store.remove(drop)
    assert names_of_drops(folders) == ["berta"]
    await put(store, drop)
    assert names_of_drops(folders) == sorted([drop, "berta"])


async def test_one_whose_cut_name_cannot_be_read_is_left_out(store, tmp_path):
    folders = Folders(tmp_path / "post")
    await put(store, "berta")
    await put(store, LONG)
    await store.close()
    Path(f"{folders.drop(LONG)}/index.sqlite").write_bytes(b"no database" * 1000)
    assert names_of_drops(folders) == ["berta"]
