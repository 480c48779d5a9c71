"""A Maildir as a sink: names, folders, line ends, what a crash leaves, what the system refuses."""

import asyncio
import os
import re
import socket
import stat
import time
from pathlib import Path

import pytest

from postane.sinks import maildir
from postane.sinks.base import Outcome, SinkError
from postane.sinks.keys import mark
from postane.sinks.line_ends import LineEnds
from postane.sinks.maildir import MaildirSink, MaildirStep
from support.sink_houses import ARRIVED, maildir_files, octets, parcel

GONE = 2**22 + 1  # no process has such a number


async def opened(path: Path, **how: object) -> MaildirSink:
    sink = MaildirSink(str(path), **how)  # type: ignore[arg-type]
    await sink.open()
    return sink


async def test_its_folders_are_made_and_belong_to_the_user_alone(tmp_path: Path) -> None:
    sink = await opened(tmp_path / "Mail" / "work")
    for folder in (tmp_path / "Mail", tmp_path / "Mail/work", *(tmp_path / "Mail/work").iterdir()):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert sorted(each.name for each in (tmp_path / "Mail/work").iterdir()) == ["cur", "new", "tmp"]
    await sink.close()


async def test_it_tells_itself_from_another_one_in_its_place(tmp_path: Path) -> None:
    place = tmp_path / "work"
    sink = await opened(place)
    (place / ".Sent" / "cur").mkdir(parents=True)
    first, is_empty = await sink.locate()
    assert is_empty
    await sink.deliver([parcel(1)])
    assert await sink.locate() == (first, False)
    place.rename(tmp_path / "away")
    await sink.open()
    other, is_empty = await sink.locate()
    assert (other != first, is_empty) == (True, True)
    await sink.close()


async def test_a_name_has_the_time_and_the_key(tmp_path: Path) -> None:
    sink = await opened(tmp_path)
    await sink.deliver([parcel(1)])
    (file,) = maildir_files(tmp_path)
    assert file.parent.name == "new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    stem = re.escape(f"{int(ARRIVED) + 1}.M250000K{mark(parcel(1).key)}.")
    assert re.fullmatch(stem + r"[A-Za-z0-9_\\-]+", file.name)
    await sink.close()


async def test_names_sort_as_messages_came_though_all_came_at_once(tmp_path: Path) -> None:
    sink = await opened(tmp_path)
    parcels = [parcel(number, arrived=ARRIVED) for number in range(30)]
    await sink.deliver(parcels[:20])
    await sink.deliver(parcels[20:])
    assert [each.read_bytes().replace(b"\n", b"\r\n") for each in maildir_files(tmp_path)] == list(map(octets, parcels))
    await sink.close()


async def test_lines_end_with_lf_and_nothing_else_is_changed(tmp_path: Path) -> None:
    sink = await opened(tmp_path)
    await sink.deliver([parcel(1, b"a\r\n\r\n\rb\nc\r\r\n\xff\0no end", lead=b"L: x\r\n")])
    assert maildir_files(tmp_path)[0].read_bytes() == b"L: x\na\n\n\rb\nc\r\n\xff\0no end"
    await sink.close()


async def test_or_as_they_came(tmp_path: Path) -> None:
    sink = await opened(tmp_path, line_ends=LineEnds.CRLF)
    await sink.deliver([parcel(1, b"a\r\n\r\n\rb\nno end")])
    assert maildir_files(tmp_path)[0].read_bytes() == octets(parcel(1, b"a\r\n\r\n\rb\nno end"))
    await sink.close()


async def test_a_message_is_found_wherever_a_mail_reader_has_put_it(tmp_path: Path) -> None:
    sink = await opened(tmp_path)
    await sink.deliver([parcel(number) for number in (1, 2, 3, 4)])
    first, second, third, fourth = maildir_files(tmp_path)
    first.rename(tmp_path / "cur" / f"{first.name}:2,S")
    second.rename(tmp_path / "cur" / f"{second.name},S=123:2,FRS")
    (tmp_path / ".Archive/cur").mkdir(parents=True)
    third.rename(tmp_path / ".Archive/cur" / f"{third.name}:2,")
    fourth.unlink()
    (tmp_path / "cur" / "1700000000.12345.elsewhere:2,S").touch()
    keys = [parcel(number).key for number in (1, 2, 3, 4)]
    assert await sink.find(keys) == set(keys[:3])
    await sink.close()


async def test_what_a_crash_left_is_swept_and_nothing_else(tmp_path: Path) -> None:
    await (await opened(tmp_path)).close()
    host = MaildirSink("x")._host
    name = f"1700000000.M1P%dK{mark('k')}.%s"
    of_the_dead = name % (GONE, host)
    of_the_living = name % (os.getppid(), host)
    of_another_host = name % (GONE, "elsewhere")
    of_another_host_and_old = name % (GONE, "long-ago")
    of_another_program = f"1700000000.P{GONE}.{host}"
    for each in (of_the_dead, of_the_living, of_another_host, of_another_host_and_old, of_another_program):
        (tmp_path / "tmp" / each).touch()
    old = time.time() - maildir.STALE - 10
    for each in (of_another_host_and_old, of_another_program):
        os.utime(tmp_path / "tmp" / each, (old, old))
    await (await opened(tmp_path)).close()
    left = {each.name for each in (tmp_path / "tmp").iterdir()}
    assert left == {of_the_living, of_another_host, of_another_program}


def test_a_host_with_odd_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "a/b:c.example.org")
    assert MaildirSink("x")._host == r"a\057b\072c\056example\056org"


async def test_no_room_is_told_of_the_one_that_does_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = await opened(tmp_path)
    write = os.write

    def write_little(descriptor: int, data: memoryview) -> int:
        if len(data) > 1000:
            write(descriptor, data[:10])
            raise OSError(28, "No space left on device")
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", write_little)
    answers = await sink.deliver([parcel(1), parcel(2, b"x" * 2000), parcel(3)])
    assert [each.outcome for each in answers] == [Outcome.DELIVERED, Outcome.DEFERRED, Outcome.DELIVERED]
    assert "no room in the Maildir" in answers[1].reason
    assert "No space left on device" in answers[1].reason
    assert len(maildir_files(tmp_path)) == 2
    assert not list((tmp_path / "tmp").iterdir())
    await sink.close()


@pytest.mark.parametrize("step", list(MaildirStep))
async def test_a_disk_that_fails_leaves_no_half_message(tmp_path: Path, step: MaildirStep) -> None:
    is_broken = False

    def fail(done: MaildirStep) -> None:
        if is_broken and done is step:
            raise OSError(5, "Input/output error")

    sink = await opened(tmp_path, on_step=fail)
    is_broken = True
    with pytest.raises(SinkError, match="Input/output error") as raised:
        await (sink.open() if step is MaildirStep.FOLDERS_MADE else sink.deliver([parcel(1), parcel(2)]))
    assert raised.value.may_pass
    assert not list((tmp_path / "tmp").iterdir())
    is_broken = False
    missing = [each for each in (parcel(1), parcel(2)) if each.key not in await sink.find([each.key])]
    await sink.deliver(missing)
    got = sorted(each.read_bytes().replace(b"\n", b"\r\n") for each in maildir_files(tmp_path))
    assert got == [octets(parcel(1)), octets(parcel(2))]
    await sink.close()


async def test_a_sync_that_fails_delivers_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = await opened(tmp_path)

    def fail(_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("postane.sinks.durable._syncfs", fail)
    monkeypatch.setattr("postane.sinks.durable.sync_file", fail)
    with pytest.raises(SinkError, match="nothing can be put into the Maildir"):
        await sink.deliver([parcel(number) for number in range(10)])
    assert not maildir_files(tmp_path)
    assert not list((tmp_path / "tmp").iterdir())
    await sink.close()


async def test_a_file_in_its_place_needs_a_person(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SinkError, match="cannot be used: Not a directory") as raised:
        await opened(tmp_path / "file")
    assert not raised.value.may_pass


async def test_one_that_vanishes_is_told(tmp_path: Path) -> None:
    sink = await opened(tmp_path / "M")
    (tmp_path / "M/tmp").rmdir()
    with pytest.raises(SinkError, match="No such file or directory"):
        await sink.deliver([parcel(1)])
    await sink.close()
    with pytest.raises(SinkError, match="not open"):
        await sink.deliver([parcel(1)])
    await sink.close()


async def test_two_sinks_may_fill_one_at_once(tmp_path: Path) -> None:
    one, other = await opened(tmp_path), await opened(tmp_path)
    await asyncio.gather(one.deliver([parcel(n) for n in range(50)]), other.deliver([parcel(n) for n in range(50, 99)]))
    assert len(maildir_files(tmp_path)) == 99
    await asyncio.gather(one.close(), other.close())


RECEIVED = b"Received: from a\r\n\tby b with POP3\r\n\tid %s\r\n\t(user c);\r\n\tTue, 14 Nov 2023 22:13:21 +0000\r\n"


async def test_what_a_reader_has_renamed_is_known_by_its_received_field(tmp_path: Path) -> None:
    sink = await opened(tmp_path)
    await sink.deliver([parcel(1, lead=RECEIVED % b"u1"), parcel(2, lead=RECEIVED % b"u2"), parcel(3)])
    wanted = {parcel(number).key: f"u{number}" for number in (1, 2, 3)}
    one, other, _ = maildir_files(tmp_path)
    one.rename(tmp_path / "cur" / "1_0.77.host,U=1:2,S")
    other.unlink()
    assert await sink.find(wanted) == {parcel(3).key}
    del wanted[parcel(3).key]
    for _ in range(2):
        assert await sink.resembling(wanted) == {parcel(1).key}
    assert await sink.resembling({parcel(2).key: ""}) == {parcel(2).key}, "it may be that one"
    (tmp_path / "cur" / "1_0.77.host,U=1:2,S").unlink()
    assert await sink.resembling({**wanted, parcel(4).key: ""}) == set()
    await sink.close()


async def test_a_maildir_that_changes_all_the_time_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = await opened(tmp_path)
    (tmp_path / "cur" / "1.somebody:2,").write_bytes(b"Subject: a\n\n")

    def beginning(path: str, _octets: int) -> bytes:
        os.rename(path, f"{path}S")
        os.utime(tmp_path / "cur", ns=(0, os.stat(tmp_path / "cur").st_size + len(path)))
        return b""

    monkeypatch.setattr(maildir, "_beginning", beginning)
    with pytest.raises(SinkError, match="changes faster"):
        await sink.resembling({"work/1": "u1"})
    await sink.close()
