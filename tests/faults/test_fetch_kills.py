"""`postane fetch` is killed again and again, and its server too: nothing is lost, and nothing is there twice.

Mail goes on coming while processes are killed with SIGKILL at random moments, and the server dies under others. At each
death every message is at the server or at the destination, whole; in the end each is at the destination, as often as it
was sent. Only a destination that cannot tell what it has may get a message again, at most one for each death.

POSTANE_FETCH_KILLS=N kills N processes for each destination instead of a few; `-s` shows the table.
"""

import asyncio
import os
import random
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from postane.cli.words import Exit
from postane.maildrop.embedded import embedded_store
from postane.testing.hostile import HostileServer, hostile_server
from support.destinations import DESTINATIONS, Place, drop_of, lmtp_of, untraced
from support.engines import free_port
from support.errand import Errand
from support.nursery import End, Nursery, nursery
from support.post import deliver
from support.postoffice import Mailbox, PostOffice

KILLS = int(os.environ.get("POSTANE_FETCH_KILLS", "8"))
SERVER_DIES = 0.15
"""How often the server dies under a fetching process."""

ENDS_OF_THE_BEREAVED = (Exit.UNAVAILABLE, Exit.TEMP_FAIL, Exit.PROTOCOL)

FIRST, MORE = 300, 60
"""Messages at the beginning, and those that come each time when all are fetched."""

_NUMBER = re.compile(rb"\AX-Number: ([0-9]+)\r\n")
KIB = 1024


def letter(number: int) -> bytes:
    """A message that is like no other: 1 to 40 KiB, each hundredth 300 KiB."""
    rng = random.Random(number)
    size = 300 * KIB if number % 100 == 7 else rng.randrange(KIB, 40 * KIB)
    words = [
        b"From the beginning",
        b".",
        b"..dots",
        b">From",
        b"",
        b"Lorem ipsum dolor sit amet %d" % number,
        b"\xff\0",
    ]
    block = b"".join(rng.choice(words) + b"\r\n" for _ in range(50))
    return b"X-Number: %d\r\nSubject: kill\r\n\r\n" % number + block * (size // len(block) + 1)


LETTERS: dict[int, bytes] = {}
"""Those that were made."""


def letters(numbers: Iterable[int]) -> list[bytes]:
    return [LETTERS.setdefault(number, letter(number)) for number in numbers]


def number_of(message: bytes) -> int:
    found = _NUMBER.match(message)
    assert found, f"torn at its beginning: {message[:100]!r}"
    return int(found[1])


def count_whole(messages: Sequence[bytes], *, is_mended: bool = True) -> Counter[int]:
    """How often each is there. All of them are whole, to the octet, but where nothing was mended since a death."""
    counts: Counter[int] = Counter()
    for place, message in enumerate(map(untraced, messages), 1):
        if not is_mended and place == len(messages) and (not _NUMBER.match(message) or not is_whole(message)):
            continue
        assert is_whole(message), f"message {number_of(message)} is not what was sent ({len(message)} octets)"
        counts[number_of(message)] += 1
    return counts


def is_whole(message: bytes) -> bool:
    return message == LETTERS[number_of(message)]


@dataclass(slots=True)
class Tally:
    """What one destination went through."""

    destination: str
    kept: str
    kills: int = 0
    deaths: int = 0
    messages: int = 0
    lost: int = 0
    doubled: int = 0

    def __str__(self) -> str:
        return (
            f"{self.destination:<40} | {self.kept:<7} | {self.kills:5} | {self.deaths:6} | {self.messages:8}"
            f" | {self.lost:4} | {self.doubled:7}"
        )


HEADING = f"{'destination':<40} | at home | kills | deaths | messages | lost | doubled"


@pytest.fixture(scope="module")
def tallies() -> Iterator[list[Tally]]:
    """The table, shown at the end."""
    told: list[Tally] = []
    yield told
    print("\n" + "\n".join([HEADING, *map(str, told)]))


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    with nursery(tmp_path_factory.mktemp("ward")) as process:
        yield process


class Home(Protocol):
    """A server with mail, which can die and live again with what it had."""

    async def put(self, messages: Sequence[bytes]) -> None: ...
    async def die(self) -> None: ...
    async def left(self) -> set[int]: ...


class FakeHome:
    """The fake of the tests."""

    def __init__(self, server: HostileServer) -> None:
        self._server = server

    async def put(self, messages: Sequence[bytes]) -> None:
        for message in messages:
            self._server.put(message)

    async def die(self) -> None:
        self._server.kill()
        await self._server.restart()

    async def left(self) -> set[int]:
        return {number_of(message.octets) for message in self._server.messages}


class House:
    """`postane serve`. What it has is looked up in its store: a session might find the drop in use."""

    def __init__(self, office: PostOffice, drop: str, box: Mailbox) -> None:
        self._office, self._drop, self.box = office, drop, box
        self._store = embedded_store(office.folder / "store")
        self._numbers: dict[str, int] = {}

    @property
    def url(self) -> str:
        return f"pop3://{self.box.name}@127.0.0.1:{self._office.pop3[1]}"

    async def put(self, messages: Sequence[bytes]) -> None:
        deliver(self._office, self.box, messages)
        new = [row.uidl async for row in self._store.rows(self._drop) if row.uidl not in self._numbers]
        self._numbers |= {uidl: number_of(message) for uidl, message in zip(new, messages, strict=True)}

    async def die(self) -> None:
        self._office.kill()
        self._office.start()

    async def left(self) -> set[int]:
        return {self._numbers[row.uidl] async for row in self._store.rows(self._drop)}

    async def close(self) -> None:
        await self._store.close()
        self._office.kill()
        self._office.discard()


@asynccontextmanager
async def running_house() -> AsyncIterator[House]:
    office = PostOffice({"pop3": {"listen": [f"127.0.0.1:{free_port()}"]}})
    try:
        office.start()
        box = office.fresh()
        house = House(office, await drop_of(office, box.name), box)
        yield house
    finally:
        await house.close()


class Story:
    """One server whose mail is fetched to some places by processes that die."""

    def __init__(self, errand: Errand, server: Home, places: list[Place], ward: Nursery, tally: Tally) -> None:
        self.errand, self.server, self.places, self.ward, self.tally = errand, server, places, ward, tally
        self.rng = random.Random(tally.destination + tally.kept)
        self.span = 0.5

    async def put(self, count: int) -> None:
        """More mail comes."""
        first = self.tally.messages
        await self.server.put(letters(range(first, first + count)))
        self.tally.messages += count

    async def harass(self, kills: int, others: "Sequence[Story]" = ()) -> None:
        """Kill so many processes, and the server now and then. The processes fetch for others, too."""
        while self.tally.kills < kills:
            started = time.monotonic()
            end = await self.attempt(self.rng.random() * self.span)
            assert end.is_killed or end.code in (0, *ENDS_OF_THE_BEREAVED), end.said
            if end.is_killed:
                self.tally.kills += 1
                self.span = min(self.span * 1.05, 5.0)
            elif end.code == 0:  # all of it was fetched: sooner the next time
                self.span = max(0.6 * (time.monotonic() - started), 0.1)
                for story in (self, *others):
                    await story.put(MORE)
            for story in (self, *others):
                await story.check()

    async def attempt(self, delay: float) -> End:
        if self.rng.random() >= SERVER_DIES:
            return await self.ward.fetch(self.errand.config, delay=delay)
        fetching = asyncio.create_task(self.ward.fetch(self.errand.config, delay=self.span))
        await asyncio.sleep(delay)
        await self.server.die()
        self.tally.deaths += 1
        return await fetching

    async def check(self) -> None:
        """What is not at the server any more is everywhere else."""
        deleted = set(range(self.tally.messages)) - await self.server.left()
        for place in self.places:
            there = count_whole(await place.contents(), is_mended=place.is_atomic)
            assert deleted <= there.keys(), f"deleted, and not at {place.name}: {sorted(deleted - there.keys())}"
            if place.is_exact:
                assert max(there.values(), default=0) <= 1, there.most_common(3)

    async def end(self, *, keep: bool) -> None:
        """One undisturbed run; then all are everywhere, and what is not to be kept is gone."""
        end = await self.ward.fetch(self.errand.config)
        assert end.code == 0, end.said
        for place in self.places:
            there = count_whole(await place.contents())
            self.tally.lost += self.tally.messages - len(there)
            doubled = there.total() - len(there)
            self.tally.doubled += doubled
            assert doubled <= (0 if place.is_exact else self.tally.kills), f"{place.name} has {doubled} again"
        assert not self.tally.lost
        assert len(await self.server.left()) == (self.tally.messages if keep else 0)
        again = await self.ward.fetch(self.errand.config)
        assert '"fetched": 0' in again.said, again.said


CASES = [
    pytest.param(kinds.split("+"), keep, id=f"{kinds}-{'kept' if keep else 'deleted'}")
    for kinds, keep in (
        ("maildir", False),
        ("maildir", True),
        ("mbox", False),
        ("mbox", True),
        ("maildrop", False),
        ("maildrop", True),
        ("command", False),
        ("lmtp", False),
        ("smtp", True),
        ("imap", False),
        ("maildir+mbox+maildrop", False),
    )
]


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("kinds", "keep"), CASES)
async def test_killed_at_random(
    tmp_path: Path, ward: Nursery, tallies: list[Tally], kinds: list[str], keep: bool
) -> None:
    async with AsyncExitStack() as stack:
        places = [await stack.enter_async_context(DESTINATIONS[kind](tmp_path)) for kind in kinds]
        server = await stack.enter_async_context(hostile_server([]))
        tally = Tally(" + ".join(place.name for place in places), "kept" if keep else "deleted")
        errand = Errand(
            tmp_path,
            url=server.url,
            password=server.account.password,
            keep=keep,
            deliver=[place.deliver for place in places],
        )
        story = Story(errand, FakeHome(server), places, ward, tally)
        await story.put(FIRST)
        await story.harass(KILLS)
        await story.end(keep=keep)
        tallies.append(tally)


@pytest.mark.timeout(3600)
async def test_killed_with_two_accounts(tmp_path: Path, ward: Nursery, tallies: list[Tally]) -> None:
    """Two accounts are fetched at once, and share a journal."""
    errand, stories = Errand(tmp_path), []
    async with AsyncExitStack() as stack:
        for name in ("one", "two"):
            folder = tmp_path / name
            folder.mkdir()
            place = await stack.enter_async_context(DESTINATIONS["maildir"](folder))
            server = await stack.enter_async_context(hostile_server([]))
            errand.add(name, url=server.url, password=server.account.password, keep=False, deliver=[place.deliver])
            tally = Tally(f"{place.name}, account {name} of two", "deleted")
            stories.append(Story(errand, FakeHome(server), [place], ward, tally))
            await stories[-1].put(FIRST)
        await stories[0].harass(KILLS, stories[1:])
        for story in stories:
            story.tally.kills = stories[0].tally.kills
            await story.end(keep=False)
            tallies.append(story.tally)


@pytest.mark.timeout(3600)
async def test_killed_with_the_server_of_this_house(tmp_path: Path, ward: Nursery, tallies: list[Tally]) -> None:
    """The server is `postane serve`, all of whose processes are killed now and then; it finds what it had."""
    async with DESTINATIONS["maildir"](tmp_path) as place, running_house() as home:
        tally = Tally(f"{place.name}, from postane serve", "deleted")
        errand = Errand(
            tmp_path,
            url=home.url,
            password=home.box.password,
            keep=False,
            tls="none",
            expunge_every=25,
            deliver=[place.deliver],
        )
        story = Story(errand, home, [place], ward, tally)
        await story.put(FIRST)
        await story.harass(KILLS)
        await story.end(keep=False)
        tallies.append(tally)


class ShutStory(Story):
    """Its second destination is shut every other time, roughly; the first one gets all mail nevertheless."""

    def __init__(self, errand: Errand, server: Home, places: list[Place], tools: "tuple[Nursery, PostOffice]") -> None:
        tally = Tally(f"{places[0].name} + {places[1].name}, often shut", "deleted")
        super().__init__(errand, server, places, tools[0], tally)
        self._office, self._is_shut = tools[1], False

    async def attempt(self, delay: float) -> End:
        if self.rng.random() < 0.5:
            self.turn()
        end = await super().attempt(delay)
        if self._is_shut and not end.is_killed and "the other destinations went on" in end.said:
            await self.look(end)
            await self.put(MORE)
        return end

    async def look(self, end: End) -> None:
        """After a run that ended by itself while the second one was shut."""
        assert end.code in (Exit.UNAVAILABLE, Exit.TEMP_FAIL), end.said
        assert "the other destinations went on" in end.said
        there = count_whole(await self.places[0].contents())
        assert len(there) == self.tally.messages, "a destination that is shut keeps no mail from the others"

    def turn(self) -> None:
        """Shut it, or open it."""
        if self._is_shut:
            self._office.start()
        else:
            self._office.kill()
        self._is_shut = not self._is_shut

    async def end(self, *, keep: bool) -> None:
        if not self._is_shut:
            self.turn()
        await self.put(MORE)
        await self.look(await self.ward.fetch(self.errand.config))
        self.turn()
        await super().end(keep=keep)


@pytest.mark.timeout(3600)
async def test_killed_with_a_destination_that_is_often_shut(
    tmp_path: Path, ward: Nursery, tallies: list[Tally]
) -> None:
    async with AsyncExitStack() as stack:
        office = stack.enter_context(PostOffice({"lmtp": {"listen": [f"127.0.0.1:{free_port()}"]}}))
        places = [
            await stack.enter_async_context(DESTINATIONS["maildir"](tmp_path)),
            lmtp_of(office),
        ]
        server = await stack.enter_async_context(hostile_server([]))
        errand = Errand(
            tmp_path,
            url=server.url,
            password=server.account.password,
            keep=False,
            deliver=[place.deliver for place in places],
        )
        story = ShutStory(errand, FakeHome(server), places, (ward, office))
        await story.put(FIRST)
        await story.harass(KILLS)
        await story.end(keep=False)
        tallies.append(story.tally)


FEW = 12


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kinds", ["maildir", "maildir+mbox"])
async def test_killed_at_each_step(tmp_path: Path, ward: Nursery, tallies: list[Tally], kinds: str) -> None:
    """A process ends itself at each step of a run, the first and the last time that it gets there; where few are to be
    killed, with several destinations the first time alone."""
    tally = Tally(f"{kinds}, at each step", "deleted")
    names = Counter(await ended_at(tmp_path / "first", ward, kinds, None))
    assert {"run.record_delivered begins", "source.commit has ended"} <= names.keys()
    is_brief = "+" in kinds and KILLS < 20
    wanted = sorted({(name, times) for name, count in names.items() for times in ({1} if is_brief else {1, count})})
    for number, step in enumerate(wanted):
        await ended_at(tmp_path / str(number), ward, kinds, step)
        tally.kills += 1
        tally.messages += FEW
    tallies.append(tally)


async def ended_at(folder: Path, ward: Nursery, kinds: str, step: tuple[str, int] | None) -> list[str]:
    """End one process there, and see that nothing is lost or doubled; without a step give all their names."""
    folder.mkdir()
    steps: list[str] = []
    async with AsyncExitStack() as stack:
        places = [await stack.enter_async_context(DESTINATIONS[kind](folder)) for kind in kinds.split("+")]
        server = await stack.enter_async_context(hostile_server(letters(range(FEW))))
        tables = [place.deliver for place in places]
        errand = Errand(folder, url=server.url, password=server.account.password, keep=False, deliver=tables)
        story = Story(errand, FakeHome(server), places, ward, Tally(kinds, "deleted", messages=FEW))
        if step is None:
            steps = await ward.steps(errand.config)
        else:
            end = await ward.fetch(errand.config, step=step)
            assert end.is_killed, f"{step} was not reached: {end.said}"
            await story.check()
        await story.end(keep=False)
    return steps
