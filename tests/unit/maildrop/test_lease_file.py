"""A lease file: the line that tells who has it, the lock, and whether it is still the one."""

import os

import pytest

from postane.maildrop.base import Holder
from postane.maildrop.lease_file import LeaseFile, format_holder, parse_holder
from postane.maildrop.takeovers import Unmapped

HOLDER = Holder("s1", "[2001:db8::1]:4321", "pop3", 1_700_000_000.25)


def test_the_line_has_an_inverse():
    assert parse_holder(format_holder(HOLDER, 1)) == HOLDER
    assert parse_holder(format_holder(HOLDER, 4_000_000) + b"rest of a longer line\n") == HOLDER


@pytest.mark.parametrize("line", [b"", b"\n", b"a\tb\tc\n", b"a\tb\tc\tsoon\t1\n", b"\xff" * 100])
def test_what_is_no_line_names_nobody(line):
    assert parse_holder(line) is None


def test_it_is_made_where_it_is_not_there_and_readable_by_its_owner_alone(tmp_path):
    path = str(tmp_path / "lease")
    for _ in range(2):
        LeaseFile(path, Unmapped()).close()
        assert os.stat(path).st_mode & 0o777 == 0o600


def test_a_lock_that_was_given_back_is_free_and_can_be_taken_again(tmp_path):
    first, second = (LeaseFile(str(tmp_path / "lease"), Unmapped()) for _ in range(2))
    for _ in range(2):
        assert first.lock(0.0)
        with pytest.raises(BlockingIOError):
            second.lock(0.0)
        assert first.unlock()
        assert second.lock(0.0)
        assert second.unlock()
    first.close()
    first.close()
    assert not first.unlock()
    assert not first.note_use(0.0)
    second.close()


def test_one_that_was_removed_is_locked_in_vain(tmp_path):
    path = str(tmp_path / "lease")
    file = LeaseFile(path, Unmapped())
    os.unlink(path)
    assert not file.lock(0.0)
    assert not file.unlock()
    file.close()


def test_what_one_tells_another_reads(tmp_path):
    path = str(tmp_path / "lease")
    one, other = LeaseFile(path, Unmapped()), LeaseFile(path, Unmapped())
    one.tell(HOLDER)
    told = other.told()
    assert told is not None
    assert (told.session, told.since) == (HOLDER.session, HOLDER.since)
    one.close()
    other.close()
