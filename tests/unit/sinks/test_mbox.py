"""An mbox as a sink: its form, its lock, and what the system refuses."""

import os
import re
import stat
from pathlib import Path

import pytest

from postane.sinks.base import Outcome, SinkError
from postane.sinks.content import Spool
from postane.sinks.keys import field_line, mark
from postane.sinks.mbox import MboxSink, MboxStep
from support.sink_houses import mbox_messages, octets, parcel


async def opened(path: Path, **how: object) -> MboxSink:
    sink = MboxSink(str(path), **how)  # type: ignore[arg-type]
    await sink.open()
    return sink


async def test_it_is_made_and_belongs_to_the_user_alone(tmp_path: Path) -> None:
    sink = await opened(tmp_path / "Mail" / "inbox")
    assert stat.S_IMODE((tmp_path / "Mail/inbox").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "Mail").stat().st_mode) == 0o700
    await sink.close()


async def test_it_tells_itself_from_another_one_in_its_place(tmp_path: Path) -> None:
    place = tmp_path / "work"
    sink = await opened(place)
    first, is_empty = await sink.locate()
    assert is_empty
    await sink.deliver([parcel(1)])
    assert await sink.locate() == (first, False)
    place.rename(tmp_path / "away")
    await sink.open()
    other, is_empty = await sink.locate()
    assert (other != first, is_empty) == (True, True)
    await sink.close()


async def test_its_form(tmp_path: Path) -> None:
    sink = await opened(tmp_path / "m")
    await sink.deliver([parcel(1, b"Subject: a\r\n\r\nFrom me\r\n>From you\r\nno end", sender="", lead=b"L: x\r\n")])
    lines = (tmp_path / "m").read_bytes().split(b"\n")
    assert re.fullmatch(rb"From MAILER-DAEMON Tue Nov 14 22:13:21 2023", lines[0])
    rest = [field_line(parcel(1).key).rstrip(), b"L: x", b"Subject: a", b"", b">From me", b">>From you", b"no end"]
    assert lines[1:] == [*rest, b"", b""]
    assert {each.name for each in tmp_path.iterdir()} == {"m"}, "neither a lock nor a note is left"
    await sink.close()


@pytest.mark.parametrize(
    "before", [b"From x Thu Jan  1 00:00:00 1970\n\nhello", b"From x Thu Jan  1 00:00:00 1970\n\nhello\n"]
)
async def test_what_does_not_end_in_an_empty_line_gets_one(tmp_path: Path, before: bytes) -> None:
    (tmp_path / "m").write_bytes(before)
    sink = await opened(tmp_path / "m")
    await sink.deliver([parcel(1)])
    assert (tmp_path / "m").read_bytes().startswith(before.rstrip() + b"\n\nFrom ")
    assert len(mbox_messages(tmp_path / "m")) == 2
    await sink.close()


async def test_a_field_that_somebody_sends_is_not_believed(tmp_path: Path) -> None:
    sink = await opened(tmp_path / "m")
    forged = (
        b"Subject: x\r\n" + field_line("work/uidl-7") + b"\r\nFrom x 1:00\r\n" + field_line("work/uidl-8") + b"\r\n"
    )
    await sink.deliver([parcel(1, forged, lead=b"")])
    assert await sink.find([parcel(n).key for n in range(9)]) == {parcel(1).key}
    await sink.close()


async def test_one_that_cannot_be_read_leaves_nothing(tmp_path: Path) -> None:
    spool = Spool(3)
    spool.write(b"gone")
    content = spool.finish()
    spool.discard()
    bad = parcel(2)
    bad = type(bad)(bad.key, bad.account, content)
    sink = await opened(tmp_path / "m")
    answers = await sink.deliver([parcel(1), bad, parcel(3)])
    assert [each.outcome for each in answers] == [Outcome.DELIVERED, Outcome.DEFERRED, Outcome.DELIVERED]
    assert mbox_messages(tmp_path / "m") == [octets(parcel(1)), octets(parcel(3))]
    await sink.close()


async def test_no_room_is_told_of_the_one_that_does_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = await opened(tmp_path / "m")
    write = os.write

    def write_little(descriptor: int, data: memoryview) -> int:
        if len(data) > 1000:
            write(descriptor, data[:10])
            raise OSError(28, "No space left on device")
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", write_little)
    answers = await sink.deliver([parcel(1), parcel(2, b"x" * 2000), parcel(3)])
    assert [each.outcome for each in answers] == [Outcome.DELIVERED, Outcome.DEFERRED, Outcome.DELIVERED]
    assert "no room in the mbox" in answers[1].reason
    assert mbox_messages(tmp_path / "m") == [octets(parcel(1)), octets(parcel(3))]
    await sink.close()


@pytest.mark.parametrize("step", list(MboxStep))
async def test_a_disk_that_fails_leaves_no_half_message(tmp_path: Path, step: MboxStep) -> None:
    is_broken = True

    def fail(done: MboxStep) -> None:
        if is_broken and done is step:
            raise OSError(5, "Input/output error")

    sink = await opened(tmp_path / "m", on_step=fail)
    with pytest.raises(SinkError, match="Input/output error"):
        await sink.deliver([parcel(1), parcel(2)])
    is_broken = False
    found = await sink.find([parcel(1).key, parcel(2).key])
    await sink.deliver([each for each in (parcel(1), parcel(2)) if each.key not in found])
    assert sorted(mbox_messages(tmp_path / "m")) == [octets(parcel(1)), octets(parcel(2))]
    assert {each.name for each in tmp_path.iterdir()} == {"m"}
    await sink.close()


async def test_it_waits_for_its_lock_and_not_for_ever(tmp_path: Path) -> None:
    sink = await opened(tmp_path / "m", lock_wait=0.05)
    (tmp_path / "m.lock").touch()
    with pytest.raises(SinkError, match="stays locked") as raised:
        await sink.deliver([parcel(1)])
    assert raised.value.may_pass
    (tmp_path / "m.lock").unlink()
    await sink.deliver([parcel(1)])
    await sink.close()


async def test_the_note_may_be_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    seen: list[bool] = []
    note = tmp_path / "notes" / "n"
    sink = await opened(tmp_path / "m", note=str(note), on_step=lambda _: seen.append(note.exists()))
    await sink.deliver([parcel(1)])
    assert True in seen
    assert not note.exists()
    await sink.close()


async def test_no_mbox_needs_a_person(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="Is a directory") as raised:
        await opened(tmp_path)
    assert not raised.value.may_pass
    with pytest.raises(SinkError, match="is no file") as raised:
        await opened(Path("/dev/null"))
    assert not raised.value.may_pass


async def test_a_key_becomes_a_mark(tmp_path: Path) -> None:
    sink = await opened(tmp_path / "m")
    await sink.deliver([parcel(1)])
    assert mark(parcel(1).key).encode() in (tmp_path / "m").read_bytes()
    await sink.close()


async def test_what_a_reader_has_rewritten_is_not_taken_for_gone(tmp_path: Path) -> None:
    sink = await opened(tmp_path / "m")
    lead = b"Received: from a\r\n\tby b with POP3\r\n\tid u1\r\n\t(user c);\r\n\tTue, 14 Nov 2023 22:13:21 +0000\r\n"
    await sink.deliver([parcel(1, lead=lead), parcel(2), parcel(3)])
    one, other = (field_line(parcel(number).key).replace(b"\r\n", b"\n") for number in (1, 2))
    text = (tmp_path / "m").read_bytes().replace(one, b"")  # the field is gone
    (tmp_path / "m").write_bytes(text.replace(other, b"Status: RO\n" + other))  # the field is not the first one
    wanted = {parcel(1).key: "u1", parcel(2).key: "u2", parcel(9).key: "u9"}
    assert await sink.find(wanted) == set()
    assert await sink.resembling(wanted) == {parcel(1).key, parcel(2).key}
    await sink.close()
