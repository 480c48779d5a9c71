"""What root makes belongs to whom the workers run as."""

import os
import pwd
import stat
from pathlib import Path

import pytest

from postane.app import open_registry
from postane.cli.drops import find_account, opened_maildrops
from postane.config.file import ConfigError
from postane.config.model import Config, Server, Storage
from postane.maildrop.base import Addressee, Letter
from postane.supervisor.ownership import check_owners, give_storage, make_storage, name_of_user, owner_of_files

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
USER = "nobody"


def configured(tmp_path: Path, user: str | None = USER) -> Config:
    return Config(storage=Storage(path=tmp_path / "around" / "store"), server=Server(user=user))


def owners(folder: Path) -> dict[str, str]:
    return {str(each.relative_to(folder)): name_of_user(each.lstat().st_uid) for each in (folder, *folder.rglob("*"))}


@as_root
def test_what_an_administrators_command_makes_is_the_workers(tmp_path: Path) -> None:
    config = configured(tmp_path)
    give_storage(config)
    registry = open_registry(config)
    registry.add("anna", password="a-good-password")
    registry.add_device("anna", "phone")
    found = owners(config.storage.path)
    database = {"accounts.sqlite", "accounts.sqlite-wal", "accounts.sqlite-shm"}
    assert database | {"accounts.changes", "device.key"} <= found.keys()
    assert set(found.values()) == {USER}
    assert stat.S_IMODE(config.storage.path.stat().st_mode) == 0o700
    check_owners(config)
    registry.close()


@as_root
def test_a_key_file_elsewhere_is_the_workers_too(tmp_path: Path) -> None:
    config = configured(tmp_path)
    config = config.model_copy(update={"auth": config.auth.model_copy(update={"key_file": tmp_path / "keys" / "key"})})
    make_storage(config)
    registry = open_registry(config)
    registry.add("anna", password="a-good-password")
    registry.close()
    assert owners(tmp_path / "keys") == {".": USER, "key": USER}
    check_owners(config)


@as_root
@pytest.mark.parametrize("name", [".", "accounts.sqlite", "accounts.changes", "device.key"])
def test_what_is_anothers_is_refused_with_what_to_do(tmp_path: Path, name: str) -> None:
    config = configured(tmp_path)
    make_storage(config)
    registry = open_registry(config)
    registry.add("anna", password="a-good-password")
    registry.close()
    os.chown(config.storage.path / name, 0, 0)
    with pytest.raises(ConfigError, match=f"belongs to root, and workers run as {USER}.*chown -R {USER}: ") as caught:
        check_owners(config)
    assert str(caught.value).endswith(str(config.storage.path))


@as_root
def test_an_unknown_user_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nosuchuser"):
        owner_of_files(configured(tmp_path, "nosuchuser"))


def test_without_another_user_nothing_is_given_away(tmp_path: Path) -> None:
    config = configured(tmp_path, None)
    assert owner_of_files(config) is None
    make_storage(config)
    make_storage(config)
    check_owners(config)
    assert set(owners(config.storage.path).values()) == {pwd.getpwuid(os.geteuid()).pw_name}


def test_a_folder_that_cannot_be_made_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "around").write_text("")
    with pytest.raises(ConfigError, match=r"storage\.path: cannot make .*store"):
        make_storage(configured(tmp_path))
    give_storage(configured(tmp_path))


def test_a_user_without_a_name_is_a_number() -> None:
    assert name_of_user(4_000_000_000) == "user 4000000000"


@as_root
async def test_what_a_command_delivers_is_the_workers(tmp_path: Path) -> None:
    config = configured(tmp_path)
    assert await find_account(config, "anna") is None
    async with opened_maildrops(config) as store:
        spool = store.spool()
        await spool.write(b"Subject: hello\r\n\r\nBody\r\n")
        await store.deposit(spool, Letter("", 0.0), [Addressee("anna")])
        await spool.discard()
    assert any(name.startswith("drops/") for name in owners(config.storage.path))
    assert set(owners(config.storage.path).values()) == {USER}
