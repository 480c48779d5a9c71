"""The embedded store as a whole: nothing before use, private files, no log left behind, several processes."""

import asyncio
import stat

from postane.maildrop.base import Receipt
from postane.maildrop.embedded import embedded_store
from support.store_child import deposit, message
from support.store_parent import command, look


def test_nothing_is_opened_before_it_is_used(tmp_path):
    embedded_store(tmp_path / "post")
    assert list(tmp_path.iterdir()) == []


async def test_files_are_the_owners_alone(store, tmp_path):
    await deposit(store, message(1), "anna")
    await deposit(store, message(2), "anna")
    await look(store, "anna")
    modes = {stat.filemode(path.stat().st_mode) for path in (tmp_path / "post").rglob("*")}
    assert modes == {"drwx------", "-rw-------"}
    assert stat.filemode((tmp_path / "post").stat().st_mode) == "drwx------"


async def test_a_closed_store_leaves_no_log_behind(store, tmp_path):
    await deposit(store, message(1), "anna")
    assert list((tmp_path / "post").rglob("*-wal"))
    await store.close()
    await store.close()
    assert not list((tmp_path / "post").rglob("*-wal"))


async def test_processes_deposit_into_one_drop_at_once(tmp_path):
    root = tmp_path / "post"
    children = [
        await asyncio.create_subprocess_exec(*command("some", root, first), stdout=asyncio.subprocess.PIPE)
        for first in (1, 1001, 2001)
    ]
    outputs = [(await child.communicate())[0].decode() for child in children]
    assert [child.returncode for child in children] == [0, 0, 0]
    uidls = [line.split()[2] for output in outputs for line in output.splitlines() if line.startswith("ack anna")]
    store = embedded_store(root, inline=1024)
    seen = await look(store, "anna")
    assert sorted(seen.uidls) == sorted(uidls)
    assert sorted(seen.numbers) == sorted(first + number for first in (1, 1001, 2001) for number in range(30))
    (receipt,) = await deposit(store, message(5), "anna")
    assert isinstance(receipt, Receipt)
    assert receipt.uid == 91
    await store.close()
