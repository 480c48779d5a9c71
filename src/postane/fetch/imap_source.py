"""IMAP as a source: a folder is a drop, and a message's unique-id is its uid under the folder's UIDVALIDITY.

RFC 9051 s2.3.1.1: uids mean the same for as long as UIDVALIDITY is the same; where it changes all is fetched anew,
since nothing else would be safe. Messages are read without being marked as read. What somebody has marked as deleted is
not fetched; it is listed, so that what we marked is removed where a session broke off before that.

Must not know: how to connect and log in; that is given to it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import TypeVar

from postane.credentials.base import Secret, SecretKind, SecretSource
from postane.imap.errors import ImapError, NoFolder, NoWay
from postane.imap.session import ImapSession, Mail
from postane.wire.crlf import Mender

from .errors import FetchError, Trouble
from .source import Facts, Item
from .troubles import in_words_of_the_run

Enter = Callable[[Secret], ImapSession]
"""Connects and logs in; waits, and raises ImapError."""

ResultT = TypeVar("ResultT")


class ImapSource:
    """A Source. `host` and `user` are whom to ask, for the header fields that messages get."""

    deletes_at_once = False

    def __init__(self, enter: Enter, secret: SecretSource, folder: str, host: str, user: str) -> None:
        self.hidden: Collection[str] = ()
        self._enter = enter
        self._secret = secret
        self._folder = folder
        self._host = host
        self._user = user
        self._session: ImapSession | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="postane-imap")
        self._mails: dict[int, Mail] = {}  # by number
        self._marked: list[int] = []
        self._validity = 0

    async def open(self) -> Facts:
        """See Source."""
        with in_words_of_the_run():
            secret = await self._secret.get()
            try:
                session = await self._do(partial(self._enter, secret))
            except ImapError as error:
                if error.is_login:
                    await self._secret.refuse()
                if not error.is_login or secret.kind is not SecretKind.TOKEN:
                    raise _told(error) from error
                secret = await self._secret.get()  # it may have been revoked; this one is new
                session = await self.run(partial(self._enter, secret))
        self._session = session
        self._validity = await self.run(partial(session.select, self._folder))
        return Facts("IMAP", self._host, "", self._user, session.tls, folder=self._folder)

    async def listing(self) -> AsyncIterator[Sequence[Item]]:
        """See Source."""
        self.hidden = {self._unique_id(uid) for uid in await self.run(self.session.marked)}
        pieces = self.session.listing()
        while (piece := await self.run(partial(next, pieces, None))) is not None:
            items = []
            for mail in piece:
                number = len(self._mails) + 1
                self._mails[number] = mail
                items.append(Item(number, mail.octets, self._unique_id(mail.uid)))
            yield items

    def _unique_id(self, uid: int) -> str:
        return f"{self._validity}.{uid}"

    async def headers(self, numbers: Sequence[int]) -> AsyncIterator["Given"]:
        """See Source."""
        for number in numbers:
            yield await self._given(number, partial(_alone, partial(self.session.header, self._mails[number].uid)))

    async def retrieve(self, numbers: Sequence[int]) -> AsyncIterator["Given"]:
        """See Source."""
        for number in numbers:
            yield await self._given(number, partial(_begun, self.session.chunks(self._mails[number])))

    async def delete(self, numbers: Sequence[int]) -> Mapping[int, str]:
        """See Source."""
        uids = [self._mails[number].uid for number in numbers]
        await self.run(partial(self.session.delete, uids))
        self._marked += uids
        return {}

    async def commit(self) -> None:
        """See Source."""
        if self._marked:
            await self.run(partial(self.session.expunge, self._marked))
        session, self._session = self.session, None
        await self.run(session.close)
        self._thread.shutdown(wait=False)

    async def leave(self) -> None:
        """See Source."""
        session, self._session = self._session, None
        if session is not None:
            session.abort()  # what is marked and not expunged is still there, and marked
        self._thread.shutdown(wait=False)

    @property
    def session(self) -> ImapSession:
        assert self._session is not None, "the session is open"
        return self._session

    async def _given(self, number: int, begin: Callable[[], Iterator[bytes]]) -> "Given":
        """What begins so. One message that the server refuses does not keep the others from coming."""
        try:
            return Given(self, number, await self._do(begin))
        except ImapError as error:
            if not error.is_answer:
                raise _told(error) from error
            return Given(self, number, iter(()), error.text)

    async def run(self, work: Callable[[], ResultT]) -> ResultT:
        """Do it in the session's thread. Raises FetchError."""
        try:
            return await self._do(work)
        except ImapError as error:
            raise _told(error) from error

    async def _do(self, work: Callable[[], ResultT]) -> ResultT:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


@dataclass(frozen=True, slots=True)
class Given:
    """An Incoming of a run."""

    source: ImapSource
    number: int
    pieces: Iterator[bytes]
    error: str | None = None

    def take(self) -> None:
        """See Incoming."""

    async def chunks(self) -> AsyncIterator[bytes]:
        """See Incoming. Some servers keep bare LF, and give it."""
        mender = Mender()
        while (piece := await self.source.run(partial(next, self.pieces, None))) is not None:
            if mended := mender.feed(piece):
                yield mended
        if rest := mender.finish():
            yield rest


def _begun(pieces: Iterator[bytes]) -> Iterator[bytes]:
    return chain((next(pieces),), pieces)


def _alone(read: Callable[[], bytes]) -> Iterator[bytes]:
    return iter((read(),))


def _told(error: ImapError) -> FetchError:
    if error.is_login:
        return FetchError(error.text, Trouble.LOGIN)
    if error.is_trust or error.is_nonsense:
        return FetchError(error.text, Trouble.PROTOCOL)
    if isinstance(error, NoFolder):
        return FetchError(error.text, Trouble.CONFIGURATION)
    return FetchError(error.text, Trouble.UNREACHABLE if isinstance(error, NoWay) else Trouble.TEMPORARY)
