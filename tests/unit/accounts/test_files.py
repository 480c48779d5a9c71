import os
import stat

import pytest

from postane.accounts.files import publish, read_secret, temporary_name, write_new


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file"


@pytest.fixture
def temporary(path):
    temporary = temporary_name(path)
    temporary.write_text("new")
    return temporary


def test_a_file_gets_its_name(path, temporary):
    publish(temporary, path)
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


def test_one_that_is_there_stays(path, temporary):
    path.write_text("old")
    publish(temporary, path)
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


def test_a_new_file_is_its_owners_alone(tmp_path):
    path = tmp_path / "folder" / "inner" / "file"
    write_new(path, b"octets")
    assert path.read_bytes() == b"octets"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    write_new(path, b"others")
    assert path.read_bytes() == b"octets"
    assert list(path.parent.iterdir()) == [path]


def test_temporary_names_are_beside_it_and_hidden(path):
    names = {temporary_name(path) for _ in range(10)}
    assert len(names) == 10
    assert all(name.parent == path.parent and name.name.startswith(".") for name in names)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_makes_belongs_to_whom_the_folder_belongs_to(path, temporary):
    os.chown(path.parent, 12345, 54321)
    publish(temporary, path)
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 54321)


def test_a_secret_is_the_first_line(path):
    for octets in (b"s3cret\n", b"s3cret", b"s3cret\r\nmore\n"):
        path.write_bytes(octets)
        path.chmod(0o600)
        assert read_secret(path) == "s3cret"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o777])
def test_a_secret_that_others_can_reach_is_refused_and_not_told(path, mode):
    path.write_text("s3cret")
    path.chmod(mode)
    with pytest.raises(ValueError, match=r"chmod 600") as caught:
        read_secret(path)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("octets", [b"", b"\nsecond", b"\xff\xfe"])
def test_a_file_without_a_secret_is_none(path, octets):
    path.write_bytes(octets)
    path.chmod(0o600)
    with pytest.raises(ValueError, match="file"):
        read_secret(path)


def test_a_secret_that_is_not_there_is_told_by_its_file(path):
    with pytest.raises(ValueError, match=r"file: cannot be read: No such file"):
        read_secret(path)
