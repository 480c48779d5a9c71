"""A folder of an IMAP server as a sink: what a server says, and when the connection is made anew."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from postane.sinks import imap
from postane.sinks.base import Outcome, SinkError
from postane.sinks.content import Spool
from postane.sinks.imap import FEW, ImapSink, NotTaken
from postane.sinks.keys import FIELD, field_line, mark
from support.sink_houses import octets, parcel


class Folder:
    """A folder in memory; `trouble` is raised by the next append."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.trouble: Exception | None = None
        self.is_there = False
        self.lives = True
        self.aborted = threading.Event()
        self.ends: list[str] = []
        self.asked: list[str] = []
        self.is_slow = False

    def lacks(self) -> bool:
        return not self.is_there

    def make(self) -> bool:
        was_there, self.is_there = self.is_there, True
        return not was_there

    def append(self, octets: bytes, arrived: float) -> None:
        if self.is_slow:
            self.aborted.wait(30)
            raise SinkError("the connection is gone")
        trouble, self.trouble = self.trouble, None
        if trouble is not None:
            raise trouble
        self.messages.append(octets)

    def has(self, field: str, value: str) -> bool:
        self.asked.append(value)
        return any(f"{field}: {value}\r\n".encode() in message for message in self.messages)

    def values(self, field: str) -> Iterator[str]:
        self.asked.append(field)
        for message in self.messages:
            yield message.decode().partition(f"{field}: ")[2].partition("\r\n")[0]

    def is_alive(self) -> bool:
        return self.lives

    def close(self) -> None:
        self.ends.append("closed")

    def abort(self) -> None:
        self.aborted.set()
        self.ends.append("aborted")


class House:
    """Hands out one folder, and counts."""

    def __init__(self) -> None:
        self.folder = Folder()
        self.entered = 0
        self.sink = ImapSink("anna@host/INBOX", self.enter)

    async def enter(self) -> Folder:
        self.entered += 1
        self.folder.lives = True
        return self.folder


async def test_to_look_makes_nothing() -> None:
    house = House()
    assert not await house.sink.look()
    assert not house.folder.is_there
    house.folder.is_there = True
    assert await house.sink.look()
    assert house.folder.ends == ["closed", "closed"]
    await house.sink.close()


async def test_it_tells_whether_the_folder_is_new() -> None:
    house = House()
    for is_new in (True, False):
        await house.sink.open()
        assert house.sink.is_new is is_new
        await house.sink.close()
    assert house.folder.ends == ["closed", "closed"]
    assert house.sink.name == "imap:anna@host/INBOX"


async def test_a_message_bears_its_key() -> None:
    house = House()
    assert (await house.sink.deliver([parcel(1)]))[0].outcome is Outcome.DELIVERED
    assert house.folder.messages == [field_line(parcel(1).key) + octets(parcel(1))]
    await house.sink.close()


async def test_few_are_searched_for_and_of_many_all_are_looked_at() -> None:
    house = House()
    await house.sink.deliver([parcel(number) for number in range(5)])
    assert await house.sink.find([parcel(3).key, parcel(9).key]) == {parcel(3).key}
    assert house.folder.asked == [mark(parcel(3).key), mark(parcel(9).key)]
    keys = [parcel(number).key for number in range(FEW + 1)]
    assert await house.sink.find(keys) == set(keys[:5])
    assert house.folder.asked[2:] == [FIELD]
    await house.sink.close()


@pytest.mark.parametrize(("may_pass", "outcome"), [(True, Outcome.DEFERRED), (False, Outcome.REFUSED)])
async def test_a_message_that_is_not_taken(may_pass: bool, outcome: Outcome) -> None:
    house = House()
    house.folder.trouble = NotTaken("no", may_pass=may_pass)
    first, second = await house.sink.deliver([parcel(1), parcel(2)])
    assert (first.outcome, first.reason, second.outcome) == (outcome, "no", Outcome.DELIVERED)
    await house.sink.close()


async def test_a_message_that_cannot_be_read() -> None:
    spool = Spool(3)
    spool.write(b"gone")
    content = spool.finish()
    spool.discard()
    house = House()
    bad = parcel(1)
    (answer,) = await house.sink.deliver([type(bad)(bad.key, bad.account, content)])
    assert answer.outcome is Outcome.DEFERRED
    assert not house.folder.messages
    await house.sink.close()


async def test_a_connection_that_breaks_is_made_anew() -> None:
    house = House()
    house.folder.trouble = SinkError("gone")
    with pytest.raises(SinkError, match="gone"):
        await house.sink.deliver([parcel(1)])
    assert house.folder.ends == ["aborted"]
    await house.sink.deliver([parcel(1)])
    house.folder.lives = False
    await house.sink.deliver([parcel(2)])
    assert house.entered == 3
    await house.sink.close()


async def test_a_folder_that_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()

    def fail() -> bool:
        raise SinkError("no such folder", may_pass=False)

    monkeypatch.setattr(house.folder, "make", fail)
    with pytest.raises(SinkError, match="no such folder"):
        await house.sink.open()
    assert house.folder.ends == ["aborted"]
    await house.sink.close()


async def test_one_that_nobody_waits_for_ends_its_connection() -> None:
    house = House()
    await house.sink.open()
    house.folder.is_slow = True
    delivering = asyncio.ensure_future(house.sink.deliver([parcel(1)]))
    await asyncio.sleep(0.05)
    delivering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await delivering
    assert house.folder.aborted.is_set()
    house.folder.is_slow = False
    await house.sink.deliver([parcel(2)])
    assert house.entered == 2
    await house.sink.close()


async def test_nothing_asked_and_nothing_given() -> None:
    house = House()
    assert await house.sink.find([]) == set()
    assert await house.sink.deliver([]) == []
    assert house.entered == 0
    await house.sink.close()


async def test_a_message_that_is_too_large_for_memory_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    async def enter() -> Folder:
        return folder

    folder, small, large = Folder(), parcel(1, b"x" * 90), parcel(2, b"x" * 101)
    monkeypatch.setattr(imap, "LARGEST", 100)
    sink = ImapSink("x", enter)
    await sink.open()
    assert [each.outcome for each in await sink.deliver([small, large])] == [Outcome.DELIVERED, Outcome.REFUSED]
    assert len(folder.messages) == 1
    await sink.close()
