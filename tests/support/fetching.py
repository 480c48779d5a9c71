"""A server and destinations in memory, for the retriever's tests: whatever goes wrong, on demand."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace

from postane.fetch.account import Account
from postane.fetch.errors import FetchError, Trouble
from postane.fetch.progress import Progress
from postane.fetch.run import Job, fetch
from postane.fetch.source import Facts, Item
from postane.fetch.work import Work
from postane.journal.memory import MemoryJournal
from postane.sinks.base import Delivery, Outcome, Parcel, SinkError
from postane.sinks.strangers import read_strangers

PIECE = 256 * 1024
NOW = 1_790_000_000.0


@dataclass
class Mail:
    """A message at the server."""

    uidl: str | None
    octets: bytes
    is_broken: bool = False  # RETR is refused
    surplus: int = 0  # octets that come after its end
    listed: int = 0  # octets that the listing keeps to itself

    @property
    def header(self) -> bytes:
        return self.octets[: self.octets.find(b"\r\n\r\n") + 4]


def mail(number: int, *, uidl: str | None = "", size: int = 100, subject: str = "") -> Mail:
    """A message like others, and yet itself."""
    head = f"Return-Path: <s{number}@example.org>\r\nSubject: {subject or f'message {number}'}\r\n\r\n".encode()
    return Mail(f"u{number}" if uidl == "" else uidl, head + b"x" * size + b"\r\n")


@dataclass
class Server:
    """The drop. `breaks_after`: the line breaks after so many octets of messages; `commits`: whether QUIT works."""

    mails: list[Mail]
    breaks_after: int | None = None
    commits: bool = True
    refuses_login: FetchError | None = None
    login_delay: float | None = None
    refuses_dele: set[int] = field(default_factory=set)
    user: str = "anna"
    hangs_up_at: str = ""  # the unique-id of a message that the server cannot be asked for
    stray: bytes = b""  # a line that comes before each message but the first
    sessions: int = 0
    retrieved: list[str] = field(default_factory=list)


@dataclass
class Given:
    """See Incoming."""

    number: int
    octets: bytes
    error: str | None = None
    cut: int | None = None
    surplus: int = 0

    def take(self) -> bytes | None:
        return None

    async def chunks(self) -> AsyncIterator[bytes]:
        yield self.octets[: self.cut]
        for _ in range(0, self.surplus, PIECE):
            yield bytes(PIECE)
        if self.cut is not None:
            raise FetchError("the line broke", Trouble.TEMPORARY)


class MemorySource:
    """A session with it."""

    deletes_at_once = False
    hidden: Collection[str] = ()

    def __init__(self, server: Server) -> None:
        self._server = server
        self._mails: list[Mail] = []
        self._marked: set[int] = set()
        self._given = 0

    async def open(self) -> Facts:
        if self._server.refuses_login is not None:
            raise self._server.refuses_login
        self._server.sessions += 1
        self._mails = list(self._server.mails)
        delay = self._server.login_delay
        return Facts("POP3", "pop.example.org", "192.0.2.1", self._server.user, "TLSv1.3", login_delay=delay)

    async def listing(self) -> AsyncIterator[Sequence[Item]]:
        items = [Item(number, len(each.octets) - each.listed, each.uidl) for number, each in enumerate(self._mails, 1)]
        for start in range(0, len(items), 3):
            yield items[start : start + 3]

    async def headers(self, numbers: Sequence[int]) -> AsyncIterator[Given]:
        for number in numbers:
            yield Given(number, self._mails[number - 1].header)

    async def retrieve(self, numbers: Sequence[int]) -> AsyncIterator[Given]:
        for number in numbers:
            each = self._mails[number - 1]
            self._server.retrieved.append(each.uidl or str(number))
            if each.uidl == self._server.hangs_up_at:
                raise FetchError("the server has hung up", Trouble.TEMPORARY)
            if each.is_broken:
                yield Given(number, b"", "no such thing")
                continue
            self._given += len(each.octets)
            limit = self._server.breaks_after
            cut = 5 if limit is not None and self._given > limit else None
            stray = self._server.stray if len(self._server.retrieved) > 1 else b""
            yield Given(number, stray + each.octets, cut=cut, surplus=each.surplus)

    async def delete(self, numbers: Sequence[int]) -> Mapping[int, str]:
        refused = {number: "not that one" for number in numbers if number in self._server.refuses_dele}
        self._marked |= set(numbers) - set(refused)
        return refused

    async def commit(self) -> None:
        if not self._server.commits:
            raise FetchError("some deleted messages not removed", Trouble.TEMPORARY)
        gone = [self._mails[number - 1] for number in self._marked]
        self._server.mails = [each for each in self._server.mails if not any(each is other for other in gone)]

    async def leave(self) -> None:
        pass


class MemorySink:
    """A destination. `answer` says what becomes of a parcel; `fails` is raised by the next delivery, `is_shut` by the
    next opening."""

    is_new = False

    def __init__(self, name: str = "memory", *, can_tell: bool = True, group: int = 100) -> None:
        self.name = name
        self.can_tell = can_tell
        self.group = group
        self.parcels: dict[str, bytes] = {}
        self.seen: list[Parcel] = []
        self.groups: list[int] = []
        self.deliveries = 0
        self.answer: Callable[[Parcel], Delivery | None] = lambda _: None
        self.fails: SinkError | None = None
        self.is_shut: SinkError | None = None
        self.strangers = read_strangers([])

    async def open(self) -> None:
        if self.is_shut is not None:
            raise self.is_shut

    async def find(self, keys: Collection[str]) -> set[str]:
        return {key for key in keys if key in self.parcels} if self.can_tell else set()

    async def resembling(self, wanted: Mapping[str, str]) -> set[str]:
        return self.strangers.resembling(wanted)

    async def deliver(self, parcels: Sequence[Parcel]) -> Sequence[Delivery]:
        self.groups.append(len(parcels))
        if self.fails is not None:
            raise self.fails
        return [self._deliver(parcel) for parcel in parcels]

    def _deliver(self, parcel: Parcel) -> Delivery:
        if (answer := self.answer(parcel)) is not None:
            return answer
        if self.can_tell and parcel.key in self.parcels:
            return Delivery(Outcome.PRESENT)
        self.deliveries += 1
        self.seen.append(parcel)
        self.parcels[parcel.key] = b"".join(parcel.content.chunks())
        return Delivery(Outcome.DELIVERED)

    async def close(self) -> None:
        pass


class Bench:
    """A server, destinations and a journal that outlives runs; `at` is the time."""

    def __init__(self, *mails: Mail, sinks: Sequence[MemorySink] = (), **wishes: object) -> None:
        self.server = Server(list(mails))
        self.sinks = list(sinks) or [MemorySink()]
        self.account = Account("work", **wishes)  # type: ignore[arg-type]
        self.at = NOW
        self.journal = MemoryJournal(lambda: self.at)

    @property
    def sink(self) -> MemorySink:
        return self.sinks[0]

    def job(self) -> Job:
        return Job(self.account, lambda: MemorySource(self.server), self.sinks, lambda: self.at)

    def key(self, uidl: str, *, is_part: bool = False) -> str:
        """What a destination knows a message by."""
        known = SimpleNamespace(account=self.account, mailbox=f"{self.server.user} at pop.example.org")
        return Work.parcel_key(known, uidl, is_part=is_part)  # type: ignore[arg-type]

    async def fetch(self) -> Progress:
        """One run."""
        progress = Progress("work", lambda: self.at)
        await fetch(self.job(), self.journal, progress)
        return progress

    async def would(self) -> list[tuple[int, str]]:
        """What a dry run tells."""
        told: list[tuple[int, str]] = []
        progress = Progress("work", lambda: self.at)
        await fetch(self.job(), self.journal, progress, tell=lambda listed, fate: told.append((listed.number, fate)))
        assert progress.error is None, progress.error
        return told
