"""One word, one answer: a connection and a machine that knows no pipelining, as POP2's and POP1's, as one.

RFC 937 and RFC 918. Whatever breaks off between a word and the end of its answer, a cancelled wait included, ends the
session: an answer must never be taken for that to another word.

Must not know: what the words are for.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from email.message import EmailMessage
from types import TracebackType
from typing import ClassVar, Generic, Self, TypeVar

from postane.net.base import Link
from postane.wire.errors import RemoteProtocolError
from postane.wire.machine import NEED_DATA, Machine, Signal

from .errors import ClearTextRefused, ConnectionLost, Misbehaved, PopError, printable
from .exchange import Line
from .login import LoginPolicy
from .mail_parsing import parse_message
from .protocol_log import WriteLine, format_link, without

LINE_LIMIT = 512
"""Letters that are repeated of what a server says unasked."""

EventT = TypeVar("EventT")
CommandT = TypeVar("CommandT")


class Lockstep(Line, Generic[EventT, CommandT]):
    """One session's octets. All of it raises PopError, after which nothing more can be said."""

    __slots__ = ("_machine", "_write_line")

    def __init__(self, link: Link, machine: Machine[EventT, CommandT], write_line: WriteLine | None = None) -> None:
        super().__init__(link)
        self._machine = machine
        self._write_line = write_line

    async def ask(self, command: CommandT) -> EventT:
        """Say this, and give the answer to it. Raises LocalProtocolError where it may not be said now, ValueError where
        it cannot be written on a line; nothing is sent then."""
        self.check()
        if octets := self._unread():
            self._machine.feed(octets)
        if said := self._machine.trailing_data:  # it would be taken for the answer to this
            raise self.give_up(_parting_word(said))
        self.link.write(self._machine.send(command))
        return await self.hear()

    async def hear(self) -> EventT:
        """The server's next word."""
        self.check()
        while (event := self._next()) is None:
            self._machine.feed(await self._read())
        return event

    def said(self, line: bytes) -> None:
        """Write in the protocol log what was said; no secret may be in it."""
        self.log(f"C: {line.decode('utf-8', 'replace').rstrip()}")

    def heard(self, line: bytes, *secrets: str) -> None:
        """The same for an answer, which may repeat what was said."""
        self.log(f"S: {without(secrets, line.decode('utf-8', 'replace').rstrip())}")

    def log(self, line: str) -> None:
        """Write a line of the protocol log, if there is one."""
        if self._write_line is not None:
            self._write_line(printable(line))

    def note(self, text: str) -> None:
        """See Line."""
        self.log(f"-- {text}")

    def _next(self) -> EventT | None:
        try:
            event = self._machine.next_event()
        except RemoteProtocolError as error:
            raise self._broken(error) from error
        if event is NEED_DATA:
            return None
        if isinstance(event, Signal):
            raise self.give_up(ConnectionLost("the session is over"))
        return event


def _parting_word(octets: bytes) -> PopError:
    """What a server says that was not asked: why it ends the session, or nothing that makes sense."""
    line = octets.partition(b"\n")[0].decode("utf-8", "replace").rstrip("\r")
    if line.startswith("-"):
        return ConnectionLost(f"the server leaves: {line[:LINE_LIMIT].lstrip('- ')}")
    return Misbehaved("the server: a reply to nothing")


class Dialogue(ABC, Generic[EventT, CommandT]):
    """A session of such a protocol. As a context it quits where its block ends well, and breaks off where an exception
    leaves it."""

    protocol: ClassVar[str]

    def __init__(self, link: Link, machine: Machine[EventT, CommandT], write_line: WriteLine | None = None) -> None:
        self._talk = Lockstep(link, machine, write_line)
        self._has_deleted = False  # what is gone only when the session ends well

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
        if error is None and (self._talk.is_usable or self._has_deleted):
            await self.quit()
        else:
            self.abort()

    @abstractmethod
    async def quit(self) -> None:
        """End the session."""

    def abort(self) -> None:
        """End the session at once, which deletes nothing that was not deleted before."""
        self._has_deleted = False
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
