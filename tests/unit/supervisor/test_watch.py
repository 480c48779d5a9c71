"""Files that change: told once, and only when they rest."""

from pathlib import Path

import pytest

from postane.supervisor.watch import Watch


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "certificate.pem"
    path.write_text("one")
    return path


def looks(watch: Watch, count: int) -> list[bool]:
    return [watch.has_changed() for _ in range(count)]


def test_nothing_happens(file: Path) -> None:
    assert looks(Watch([file, file.parent / "missing"]), 3) == [False] * 3


def test_a_change_is_told_once_it_rests(file: Path) -> None:
    watch = Watch([file])
    file.write_text("two two")
    assert looks(watch, 4) == [False, True, False, False]


def test_what_is_still_being_written_is_waited_for(file: Path) -> None:
    watch = Watch([file])
    for count in range(3):
        file.write_text("x" * (10 + count))
        assert not watch.has_changed()
    assert looks(watch, 2) == [True, False]


def test_what_comes_back_as_it_was_is_no_change(file: Path) -> None:
    watch = Watch([file])
    aside = file.rename(file.with_suffix(".aside"))
    assert not watch.has_changed()
    aside.rename(file)
    assert looks(watch, 3) == [False] * 3


def test_files_that_come_and_go(file: Path) -> None:
    watch = Watch([file])
    file.unlink()
    assert looks(watch, 3) == [False, True, False]
    file.write_text("again")
    assert looks(watch, 3) == [False, True, False]


def test_a_link_that_leads_elsewhere(tmp_path: Path) -> None:
    """As certbot does it: live/cert.pem -> ../archive/cert2.pem; both files may be as old and as long."""
    for number in (1, 2):
        (tmp_path / f"cert{number}.pem").write_text("same")
    link = tmp_path / "live.pem"
    link.symlink_to("cert1.pem")
    watch = Watch([link])
    other = tmp_path / "other"
    other.symlink_to("cert2.pem")
    other.replace(link)
    assert looks(watch, 3) == [False, True, False]


def test_what_is_taken_is_not_told(file: Path) -> None:
    watch = Watch([file])
    file.write_text("two two")
    watch.take()
    assert looks(watch, 3) == [False] * 3


def test_other_files_are_followed_and_what_has_changed_since_is_told(file: Path) -> None:
    watch, new = Watch([file]), file.parent / "new.pem"
    new.write_text("x")
    watch.take()
    file.write_text("changed while it was read")
    watch.follow([file, new])
    assert looks(watch, 3) == [False, True, False]
    new.write_text("new two")
    assert looks(watch, 3) == [False, True, False]


def test_it_is_told_which_have_changed(file: Path) -> None:
    other = file.parent / "other.pem"
    other.write_text("one")
    watch = Watch([file, other, file.parent / "missing"])
    assert watch.take() == []
    file.write_text("two two")
    assert looks(watch, 2) == [False, True]
    other.write_text("two two")
    assert watch.take() == [file, other]
    assert watch.take() == []
