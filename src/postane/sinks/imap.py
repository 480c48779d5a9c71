"""A folder of an IMAP server as a sink: messages are appended to it, each with its key in a header field, by which it
is found again.

RFC 9051 s6.3.12 (APPEND), s6.4.4 (SEARCH HEADER). The folder is made where it is not there. A message is held in memory
while it goes. One that somebody has moved to another folder, between a crash and the next run, is not known again.

Must not know: how to connect and log in, and by which library.
"""

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Protocol, TypeVar

from .base import Delivery, Outcome, Parcel
from .content import SpoolError, whole
from .failures import deferred, refused
from .keys import FIELD, by_mark, field_line
from .thread import OneThread

_ResultT = TypeVar("_ResultT")

GROUP = 20
"""Messages that are recorded together: each is asked for where the connection breaks among them."""

LARGEST = 128 * 1024 * 1024
"""Octets of a message that are held in memory, some times over, by what sends it; more than servers take."""

FEW = 20
"""So many messages are searched for one by one; for more of them all that were fetched are looked at."""


class NotTaken(Exception):
    """The server is there and says no to a message; `may_pass`: it may say yes later."""

    def __init__(self, text: str, *, may_pass: bool) -> None:
        super().__init__(text)
        self.text = text
        self.may_pass = may_pass


class ImapFolder(Protocol):
    """A folder over a connection that is logged in. All of it waits, so it belongs to a thread, and raises SinkError
    where the connection is gone."""

    def lacks(self) -> bool:
        """Whether the folder is to be made."""
        ...

    def make(self) -> bool:
        """Make the folder; False: it is there."""
        ...

    def append(self, octets: bytes, arrived: float) -> None:
        """Put a message into it, durably as far as the server is. Raises NotTaken besides."""
        ...

    def has(self, field: str, value: str) -> bool:
        """Whether a message in it has this in a header field."""
        ...

    def values(self, field: str) -> Iterator[str]:
        """What stands in a header field of all messages that have it."""
        ...

    def is_alive(self) -> bool:
        """Whether the server still answers. Raises nothing."""
        ...

    def close(self) -> None:
        """Log out. Raises nothing."""
        ...

    def abort(self) -> None:
        """End the connection at once, for any thread: whoever waits for it is told. Raises nothing."""
        ...


class ImapSink:
    """A Sink that is a folder. `enter` connects and logs in; it raises SinkError."""

    can_tell = True
    group = GROUP

    def __init__(self, name: str, enter: Callable[[], Awaitable[ImapFolder]]) -> None:
        self.name = f"imap:{name}"
        self._enter = enter
        self.is_new = False
        self._folder: ImapFolder | None = None
        self._thread = OneThread("postane-imap")

    async def open(self) -> None:
        """Connect, and make the folder. Raises SinkError."""
        self.is_new = False
        await self._entered()

    async def look(self) -> bool:
        """Connect, log in and leave: nothing is made. Gives whether the folder is there. Raises SinkError."""
        folder = await self._enter()
        try:
            return not await self._thread.run(folder.lacks)
        finally:
            await self._thread.run(folder.close)

    async def find(self, keys: Collection[str]) -> set[str]:
        """Which of these are in the folder. Raises SinkError."""
        return await self._run(partial(_find, keys)) if keys else set()

    async def resembling(self, wanted: Mapping[str, str]) -> set[str]:
        """None: what is in the folder stays as it came."""
        return set()

    async def deliver(self, parcels: Sequence[Parcel]) -> Sequence[Delivery]:
        """Append them. Raises SinkError."""
        return await self._run(partial(_deliver, parcels)) if parcels else []

    async def close(self) -> None:
        """Log out."""
        folder, self._folder = self._folder, None
        if folder is not None:
            await self._thread.run(folder.close)
        await self._thread.close()

    async def _run(self, work: Callable[[ImapFolder], _ResultT]) -> _ResultT:
        folder = await self._entered()
        try:
            return await self._thread.run(partial(work, folder))
        except BaseException:
            # Also where nobody waits for it any more: what the connection is in the middle of is not known.
            folder.abort()
            self._folder = None
            raise

    async def _entered(self) -> ImapFolder:
        """The folder; a connection that is gone, as they are after some idle minutes, is made again."""
        if self._folder is not None and await self._thread.run(self._folder.is_alive):
            return self._folder
        if self._folder is not None:
            self._folder.abort()
            self._folder = None
        folder = await self._enter()
        try:
            is_made = await self._thread.run(folder.make)
        except BaseException:
            folder.abort()
            raise
        self._folder = folder
        self.is_new = self.is_new or is_made
        return folder


def _find(keys: Collection[str], folder: ImapFolder) -> set[str]:
    wanted = by_mark(keys)
    if len(wanted) <= FEW:
        return {key for mark, key in wanted.items() if folder.has(FIELD, mark)}
    return {wanted[mark] for mark in folder.values(FIELD) if mark in wanted}


def _deliver(parcels: Sequence[Parcel], folder: ImapFolder) -> list[Delivery]:
    return [_append(parcel, folder) for parcel in parcels]


def _append(parcel: Parcel, folder: ImapFolder) -> Delivery:
    if parcel.content.octets > LARGEST:
        return refused(f"larger than a message may be that is put into an IMAP folder ({LARGEST} octets)")
    try:
        folder.append(field_line(parcel.key) + b"".join(whole(parcel)), parcel.arrived)
    except SpoolError as error:
        return deferred(error.text)
    except NotTaken as error:
        return deferred(error.text) if error.may_pass else refused(error.text)
    return Delivery(Outcome.DELIVERED)
