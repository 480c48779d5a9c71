"""The number that tells all processes of a change."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from postane.accounts.changes import FILE_NAME, OCTETS, Changes


def test_who_notes_a_change_is_seen_by_all(tmp_path: Path) -> None:
    one, other = Changes(tmp_path), Changes(tmp_path)
    seen = [one.number()[0]]
    assert other.number()[0] == seen[0]
    for _ in range(5):
        other.note()
        assert one.number()[0] not in seen
        seen.append(one.number()[0])


def test_another_process_is_seen(tmp_path: Path) -> None:
    number = Changes(tmp_path).number()
    before = number[0]
    code = (
        "import pathlib, sys; from postane.accounts.changes import Changes; Changes(pathlib.Path(sys.argv[1])).note()"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    assert number[0] != before


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "storage"
    Changes(folder).note()
    assert stat.S_IMODE((folder / FILE_NAME).stat().st_mode) == 0o600
    assert (folder / FILE_NAME).stat().st_size == OCTETS
    assert os.listdir(folder) == [FILE_NAME]


def test_a_file_that_was_cut_short_is_made_whole(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"123")
    Changes(tmp_path).note()
    assert (tmp_path / FILE_NAME).stat().st_size == OCTETS


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_no_file_cannot_be_used(tmp_path: Path, make) -> None:
    make(tmp_path / FILE_NAME)
    with pytest.raises(OSError, match=FILE_NAME):
        Changes(tmp_path).note()
