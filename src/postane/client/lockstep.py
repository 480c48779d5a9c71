"""One word, one answer: a connection and a machine that knows no pipelining, as POP2's and POP1's, as one.

RFC 937 and RFC 918. Whatever breaks off between a word and the end of its answer, a cancelled wait included, ends the
session: an answer must never be taken for that to another word.

Must not know: what the words are for.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from copy import copy
from email.message import EmailMessage
from types import TracebackType
from typing import ClassVar, Generic, Self, TypeVar

from postane.net.base import Link, NetError
from postane.wire.errors import RemoteProtocolError
from postane.wire.machine import NEED_DATA, Machine, Signal

from .errors import ClearTextRefused, ConnectionLost, Misbehaved, PopError, net_error, printable
from .login import LoginPolicy
from .mail_parsing import parse_message
from .protocol_log import WriteLine, format_link

EventT = TypeVar("EventT")
CommandT = TypeVar("CommandT")


class Lockstep(Generic[EventT, CommandT]):
    """One session's octets. All of it raises PopError, after which nothing more can be said."""

    __slots__ = ("_is_ended", "_machine", "_trouble", "_write_line", "link")

    def __init__(self, link: Link, machine: Machine[EventT, CommandT], write_line: WriteLine | None = None) -> None:
        self.link = link
        self._machine = machine
        self._write_line = write_line
        self._trouble: PopError | None = None  # why nothing more can be said
        self._is_ended = False  # the server has closed its side

    @property
    def is_usable(self) -> bool:
        """Whether something may be said."""
        return self._trouble is None

    async def ask(self, command: CommandT) -> EventT:
        """Say this, and give the answer to it. Raises LocalProtocolError where it may not be said now, ValueError where
        it cannot be written on a line; nothing is sent then."""
        self._check()
        self.link.write(self._machine.send(command))
        return await self.hear()

    async def hear(self) -> EventT:
        """The server's next word."""
        self._check()
        while (event := self._next()) is None:
            try:
                octets = await self.link.read()
            except NetError as error:
                raise self.give_up(net_error(error)) from error.__cause__  # a NetError has the same words
            except BaseException:
                self.abort()
                raise
            self._is_ended = self._is_ended or not octets
            self._machine.feed(octets)
        return event

    def said(self, line: bytes) -> None:
        """Write in the protocol log what was said; no secret may be in it."""
        self.log(f"C: {line.decode('utf-8', 'replace').rstrip()}")

    def heard(self, line: bytes) -> None:
        """The same for an answer."""
        self.log(f"S: {line.decode('ascii').rstrip()}")

    def log(self, line: str) -> None:
        """Write a line of the protocol log, if there is one."""
        if self._write_line is not None:
            self._write_line(printable(line))

    def give_up(self, trouble: PopError) -> PopError:
        """Close at once; gives what it was given, to be raised."""
        if self._trouble is None:
            self._trouble = trouble
            self.log(f"-- {trouble.text}")
        self.link.abort()
        return trouble

    def abort(self) -> None:
        """Close at once, without a word."""
        self.give_up(ConnectionLost("the session was broken off"))

    async def close(self) -> None:
        """Send what is unsent, and close."""
        if self._trouble is None:
            self._trouble = ConnectionLost("the session is over")
            try:
                await self.link.close()
            except BaseException:
                self.link.abort()
                raise

    def _check(self) -> None:
        if self._trouble is not None:
            raise copy(self._trouble) from self._trouble

    def _next(self) -> EventT | None:
        try:
            event = self._machine.next_event()
        except RemoteProtocolError as error:
            text = str(error.text)
            raise self.give_up(ConnectionLost(text) if self._is_ended else Misbehaved(f"the server: {text}")) from error
        if event is NEED_DATA:
            return None
        if isinstance(event, Signal):
            raise self.give_up(ConnectionLost("the session is over"))
        return event


class Dialogue(ABC, Generic[EventT, CommandT]):
    """A session of such a protocol. As a context it quits where its block ends well, and breaks off where an exception
    leaves it."""

    protocol: ClassVar[str]

    def __init__(self, link: Link, machine: Machine[EventT, CommandT], write_line: WriteLine | None = None) -> None:
        self._talk = Lockstep(link, machine, write_line)

    def __repr__(self) -> str:
        return f"<{self.protocol.title()} at {format_link(self.link, is_open=self._talk.is_usable)}>"

    @property
    def link(self) -> Link:
        """The connection."""
        return self._talk.link

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None or not self._talk.is_usable:
            self.abort()
        else:
            await self.quit()

    @abstractmethod
    async def quit(self) -> None:
        """End the session."""

    def abort(self) -> None:
        """End the session at once, which deletes nothing that was not deleted before."""
        self._talk.abort()

    def _check_may_cross(self, policy: LoginPolicy | None) -> None:
        """Neither protocol has anything but a password in clear text. Raises ClearTextRefused where none may cross."""
        if not (policy or LoginPolicy()).may_cross(self._talk.link):
            name = self.protocol
            raise ClearTextRefused(
                f"{name} sends the password in clear text: use {name.lower()}s://, or allow it with plaintext = always"
            )


class Letter(ABC):
    """A message whose octets come in pieces."""

    __slots__ = ()

    @abstractmethod
    def stream(self) -> AsyncGenerator[bytes, None]:
        """Its octets, as they come."""

    async def raw(self) -> bytes:
        """Its octets, all at once."""
        return b"".join([octets async for octets in self.stream()])

    async def fetch(self) -> EmailMessage:
        """It, parsed."""
        return parse_message(await self.raw())
