"""A passwd-file as it is at one moment."""

import os

import pytest
import structlog
from structlog.testing import capture_logs

from postane.accounts import passwd_table
from postane.accounts.base import AccountsUnavailable
from postane.accounts.passwd_table import SETTLED_NS, WARNINGS, mark_of, read_table
from postane.sasl.base import Means


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "passwd"
    path.write_text("mrose:{PLAIN}secret\nanna@example.org:{PLAIN}hers\n")
    path.chmod(0o640)
    return path


@pytest.fixture
def logged():
    structlog.reset_defaults()
    with capture_logs() as lines:
        yield lines


def age(path, seconds: float = 10.0) -> None:
    """Let the file have been written some time ago, as far as its times tell: a change of them is one itself."""
    found = path.stat()
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns - int(seconds * 1e9)))


def test_who_is_in_it(path, logged):
    table = read_table(path, "CRYPT")
    assert set(table.entries) == {"mrose", "anna@example.org"}
    assert table.domains == {"example.org"}
    assert table.mark == mark_of(path)
    assert logged == []


def test_line_ends_comments_and_a_last_line_without_end(path):
    path.write_bytes(b"\n# here\r\nmrose:{PLAIN}secret\r\n\r\nanna:{PLAIN}hers")
    table = read_table(path, "CRYPT")
    assert {name: entry.kept.password for name, entry in table.entries.items()} == {"mrose": "secret", "anna": "hers"}


def test_a_broken_line_costs_that_line_alone_and_is_logged_with_its_number(path, logged):
    path.write_bytes(
        b"a/b:{PLAIN}hunter2\nmrose:{PLAIN}secret\n\xff\xfe:x\nanna:{ROT13}hunter2\nMROSE:{PLAIN}hunter2\n"
    )
    assert set(read_table(path, "CRYPT").entries) == {"mrose", "anna"}
    assert [line["place"] for line in logged] == [f"{path}:{number}" for number in (1, 3, 4, 5)]
    assert "hunter2" not in str(logged)


def test_the_first_of_two_lines_counts(path):
    path.write_text("mrose:{PLAIN}first\nmrose:{PLAIN}second\n")
    assert read_table(path, "CRYPT").entries["mrose"].kept.password == "first"


def test_many_broken_lines_do_not_fill_the_log(path, logged):
    path.write_text("a/b:x\n" * (WARNINGS + 30))
    read_table(path, "CRYPT")
    assert len(logged) == WARNINGS + 1
    assert logged[-1]["more"] == 30


@pytest.mark.parametrize(("mode", "is_warned"), [(0o600, False), (0o640, False), (0o644, True), (0o660, True)])
def test_a_file_that_others_can_read_is_warned_of_and_read(path, logged, mode, is_warned):
    path.chmod(mode)
    assert read_table(path, "CRYPT").entries
    assert [line["remedy"] for line in logged] == (["chmod 640"] if is_warned else [])


def test_the_same_octets_are_not_told_again(path, logged):
    path.write_text("a/b:x\n")
    first = read_table(path, "CRYPT")
    age(path)
    second = read_table(path, "CRYPT", first)
    assert second.entries is first.entries
    assert second.mark == mark_of(path) != first.mark
    assert len(logged) == 1


def test_a_file_that_is_not_there(tmp_path):
    for ask in (mark_of, lambda path: read_table(path, "CRYPT")):
        with pytest.raises(AccountsUnavailable) as caught:
            ask(tmp_path / "none")
        assert caught.value.text == "accounts are not available now"
        assert caught.value.log == f"{tmp_path}/none: No such file or directory"


def test_a_file_written_just_now_may_change_without_telling(path, monkeypatch):
    now = path.stat().st_ctime_ns
    monkeypatch.setattr(passwd_table.time, "time_ns", lambda: now + SETTLED_NS)
    assert not read_table(path, "CRYPT").is_settled
    monkeypatch.setattr(passwd_table.time, "time_ns", lambda: now + SETTLED_NS + 1)
    assert read_table(path, "CRYPT").is_settled


def test_a_file_that_is_written_while_it_is_read_is_read_again(path, monkeypatch):
    real, calls = os.fstat, []

    def fstat(number):
        calls.append(number)
        if len(calls) == 2:
            path.write_text("ben:{PLAIN}his\n")
        return real(number)

    monkeypatch.setattr(passwd_table.os, "fstat", fstat)
    assert set(read_table(path, "CRYPT").entries) == {"ben"}


def test_the_means_are_those_of_the_lines(path):
    def means(text: str) -> set[Means]:
        path.write_text(text)
        return set(read_table(path, "CRYPT").means)

    always = {Means.PASSWORD, Means.OUTSIDE}
    assert means("") == means("mrose:\n") == always
    assert means("a:$1$2h8UOae4$Jb1RQp8sE5WXUWPjVXYjg0\n") == always
    assert means("a:{PLAIN}x\n") == always | {Means.SECRET, Means.SCRAM_SHA_1, Means.SCRAM_SHA_256}


def test_a_sample_of_each_kind_of_work(path):
    one, other = "$1$2h8UOae4$Jb1RQp8sE5WXUWPjVXYjg0", "$2y$05$a9LXnvr5uCawn/kds4xKvO9Khv5OjZ3.Nk9mqajgQU7pjWSuqqihy"
    path.write_text(f"a:{one}\nb:{one}\nc:{other}\nd:{{PLAIN}}x\n")
    assert list(read_table(path, "CRYPT").samples) == ["$1", "$2y$05"]
