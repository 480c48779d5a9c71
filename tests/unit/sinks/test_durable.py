"""Files that outlive a crash: one by one, or together where the system can be relied on."""

import os
from pathlib import Path

import pytest

from postane.sinks import durable
from postane.sinks.durable import Durability, can_sync_all, file_system, sync_folder


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is synced: names of files, "all"."""
    seen: list[str] = []
    monkeypatch.setattr(durable, "_sync_path", lambda path: seen.append(Path(path).name))
    monkeypatch.setattr(durable, "_syncfs", lambda _: seen.append("all"))
    return seen


def files(tmp_path: Path, count: int) -> list[str]:
    paths = [tmp_path / str(number) for number in range(count)]
    for path in paths:
        path.write_bytes(b"x")
    return list(map(str, paths))


def test_few_are_synced_alone_and_many_at_once(
    tmp_path: Path, synced: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable, "can_sync_all", lambda _: True)
    durability = Durability(str(tmp_path))
    durability.sync([])
    durability.sync(files(tmp_path, 1))
    assert synced == ["0"]
    durability.sync(files(tmp_path, durable.FEW + 1))
    assert synced == ["0", "all"]
    durability.close()
    durability.close()


def test_where_all_at_once_cannot_be_had(tmp_path: Path, synced: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durable, "can_sync_all", lambda _: False)
    durability = Durability(str(tmp_path))
    durability.sync(files(tmp_path, 6))
    assert sorted(synced) == list("012345")
    durability.close()


def test_where_it_takes_long_it_is_not_asked_for_for_a_while(
    tmp_path: Path, synced: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable, "can_sync_all", lambda _: True)
    monkeypatch.setattr(durable, "PATIENCE", -1.0)
    monkeypatch.setattr(durable, "WHILE", 2)
    durability = Durability(str(tmp_path))
    for _ in range(4):
        durability.sync(files(tmp_path, 6))
    assert [synced[0], sorted(synced[1:7]), sorted(synced[7:13]), *synced[13:]] == [
        *("all", list("012345"), list("012345"), "all"),
    ]
    durability.close()


def test_the_real_calls(tmp_path: Path) -> None:
    durability = Durability(str(tmp_path))
    durability.sync(files(tmp_path, 10))
    durability.close()
    durability.sync(files(tmp_path, 10))
    sync_folder(str(tmp_path))
    with pytest.raises(FileNotFoundError):
        durability.sync([str(tmp_path / "none")])
    with pytest.raises(FileNotFoundError):
        sync_folder(str(tmp_path / "none"))


@pytest.mark.skipif(not can_sync_all("/"), reason="no syncfs that can be relied on")
def test_a_failure_is_told() -> None:
    with pytest.raises(OSError, match="Bad file descriptor"):
        durable._syncfs(-1)


def test_an_old_linux_does_not_tell_of_failures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durable, "LOCAL", frozenset({file_system(str(tmp_path))}))
    if os.name != "posix" or not hasattr(os, "uname"):
        pytest.skip("not here")
    monkeypatch.setattr(durable, "_release", lambda: (5, 7))
    assert not can_sync_all(str(tmp_path))
    monkeypatch.setattr(durable, "LOCAL", frozenset())
    monkeypatch.setattr(durable, "_release", lambda: (6, 1))
    assert not can_sync_all(str(tmp_path))


@pytest.mark.skipif(not Path("/proc/self/mountinfo").exists(), reason="no /proc")
def test_file_systems_have_kinds() -> None:
    assert file_system("/proc/self") == "proc"
    assert file_system("/") != ""
    assert file_system("/nowhere/at/all") == file_system("/")
