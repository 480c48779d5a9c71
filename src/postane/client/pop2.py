"""POP2 for programs: a mailbox, its messages in order, and what becomes of each.

RFC 937 s(Client Decision Table). There is no list and there are no unique-ids: a message is its number in the mailbox,
for as long as this is selected. A message has to be read before it can be deleted, and what is deleted is gone when the
mailbox is left by `folder` or `quit`, in this order: by `quit` only where no exception stands in the way.

Must not know: sockets.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import TypeVar

from postane.net.base import Link
from postane.pop2.client import Answer, BodyChunk, Event, Greeted, Pop2Client
from postane.pop2.commands import Ackd, Acks, Command, Fold, Helo, Nack, Quit, Read, Retr
from postane.pop2.grammar import format_command, format_line
from postane.pop2.replies import Count, Err, Greeting, Length, Ok

from .errors import Misbehaved, PopError, Refused, greeting_refusal, login_refusal, refusal
from .lockstep import Dialogue, Letter
from .login import LoginPolicy
from .protocol_log import HIDDEN, WriteLine, without

_ReplyT = TypeVar("_ReplyT", Count, Length, Ok)


class Pop2(Dialogue[Event, Command]):
    """One session. All of it raises PopError, after which only `abort` is of use.

    To quit deletes what was deleted; to break off deletes nothing that was not left by `folder`.
    """

    protocol = "POP2"

    def __init__(self, link: Link, write_line: WriteLine | None = None) -> None:
        super().__init__(link, Pop2Client(), write_line)
        self._open: _Reading | None = None  # what was asked for by RETR, and is not acknowledged
        self._current = 0  # the message whose length was told last; 0: none was
        self._octets = 0
        self._visit = 0  # which mailbox this is, counted
        self.host = ""
        self.count = 0

    async def greet(self) -> None:
        """Wait for the server's first word."""
        event = await self._talk.hear()
        assert isinstance(event, Greeted), "the machine says so"
        self._talk.heard(format_line(event.reply))
        if not isinstance(event.reply, Greeting):
            raise self._talk.give_up(greeting_refusal(event.reply.text))
        self.host = event.reply.host

    async def log_in(self, name: str, password: str, policy: LoginPolicy | None = None) -> int:
        """HELO: how many messages are in the user's own mailbox. In clear text: without TLS, and over a network, only
        where the policy allows that."""
        self._check_may_cross(policy)
        try:
            return await self._select(Helo(name, password))
        except Refused as error:
            raise login_refusal(error.verb, error.reply, error.code, "HELO") from None

    async def folder(self, name: str) -> int:
        """FOLD: leave this mailbox, which deletes what was deleted, and select another one: its messages."""
        await self._settle()
        return await self._select(Fold(name))

    async def messages(self) -> AsyncGenerator["Pop2Message", None]:
        """Each message of the mailbox that is not deleted, by number. One that was read and of which nothing more is
        said is kept."""
        visit = self._visit
        for number in range(1, self.count + 1):
            octets = await self._length(number, visit)
            if octets:
                yield Pop2Message(self, number, octets, visit)

    async def quit(self) -> None:
        """End the session and delete what was deleted. Refused: it is not known what is gone."""
        self._has_deleted = False  # whatever comes of it, it is told once
        try:
            await self._settle()
            await self._ask(Quit(), Ok)
        finally:
            await self._talk.close()

    async def _read(self, message: "Pop2Message") -> "_Reading":
        """Ask for the octets of a message, once more if need be."""
        if self._open is not None and self._open.message is message:
            await self._acknowledge(Nack())  # RFC 937 s(Definitions of Commands and Replies): the same again
        if not await self._length(message.number, message.visit):
            raise Refused("READ", f"message {message.number} is not there any more")
        self._open = _Reading(message, await self._talk.ask(self._said(Retr())))
        return self._open

    async def _chunk(self, reading: "_Reading") -> bytes:
        """The next octets; b"": the message is complete."""
        if reading is not self._open:
            raise PopError("the rest of this message was thrown away when something else was asked for")
        event = reading.first or (None if reading.is_complete else await self._talk.hear())
        reading.first = None
        if isinstance(event, BodyChunk):
            return event.octets
        if not reading.is_complete:
            reading.is_complete = True
            self._talk.log(f"S: ({reading.message.octets} octets)")
        return b""

    async def _acknowledge(self, command: Acks | Ackd | Nack) -> None:
        reading = self._open
        assert reading is not None, "something was read"
        while await self._chunk(reading):
            pass
        self._open = None
        self._has_deleted = self._has_deleted or isinstance(command, Ackd)
        reply = await self._ask(command, Length)
        self._current = reading.message.number + (not isinstance(command, Nack))
        self._octets = reply.octets

    async def _delete(self, message: "Pop2Message") -> None:
        if self._open is None or self._open.message is not message:
            await self._read(message)
        await self._acknowledge(Ackd())

    async def _keep(self, message: "Pop2Message") -> None:
        if self._open is not None and self._open.message is message:
            await self._acknowledge(Acks())

    async def _settle(self) -> None:
        """What was read and of which nothing was said is kept."""
        if self._open is not None:
            await self._acknowledge(Acks())

    async def _length(self, number: int, visit: int) -> int:
        if visit != self._visit:
            raise PopError("the mailbox of this message was left")
        await self._settle()
        if self._current != number:
            self._octets = (await self._ask(Read(number), Length)).octets
            self._current = number
        return self._octets

    async def _select(self, command: Helo | Fold) -> int:
        self._visit += 1
        self._current = self.count = 0
        self.count = (await self._ask(command, Count)).number
        self._has_deleted = False
        return self.count

    async def _ask(self, command: Command, kind: type[_ReplyT]) -> _ReplyT:
        event = await self._talk.ask(self._said(command))
        assert isinstance(event, Answer), "the machine says so"
        secrets = [command.password] if isinstance(command, Helo) else []
        self._talk.heard(format_line(event.reply), *secrets)
        if isinstance(event.reply, Err):  # after which the server closes
            raise self._talk.give_up(refusal(command.verb, without(secrets, event.reply.text)))
        if not isinstance(event.reply, kind):
            raise self._talk.give_up(Misbehaved("the server answers what was not asked"))
        return event.reply

    def _said(self, command: Command) -> Command:
        hidden = Helo(command.user, HIDDEN) if isinstance(command, Helo) else command
        self._talk.said(format_command(hidden))
        return command


class Pop2Message(Letter):
    """A message of the selected mailbox; `octets` is its exact length. It may be read several times."""

    __slots__ = ("_pop", "number", "octets", "visit")

    def __init__(self, pop: Pop2, number: int, octets: int, visit: int) -> None:
        self._pop = pop
        self.number = number
        self.octets = octets
        self.visit = visit

    def __repr__(self) -> str:
        return f"<Pop2Message {self.number}, {self.octets} octets>"

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """Its octets, as they come. What breaks off raises PopError: a message is never shorter than it says."""
        reading = await self._pop._read(self)
        while octets := await self._pop._chunk(reading):
            yield octets

    async def delete(self) -> None:
        """ACKD: delete it, when the mailbox is left. What of it was not read is read first, and thrown away."""
        await self._pop._delete(self)

    async def keep(self) -> None:
        """ACKS: it has come, and stays. Without a word that is what happens when something else is asked for."""
        await self._pop._keep(self)


@dataclass(slots=True)
class _Reading:
    """A message on its way: the event that has come already, and whether all have."""

    message: Pop2Message
    first: Event | None
    is_complete: bool = False
