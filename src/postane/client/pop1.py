"""POP1 for programs: a whole mailbox as one stream, parted into its messages as it comes.

RFC 918 s(The Protocol), with `mail/mboxrd` for the parting. A mailbox is asked for to be kept or to be deleted, and it
is deleted, whole, by `accept`, after all of it has come. There are no numbers, no sizes of messages, no unique-ids.

Must not know: sockets.
"""

from collections import deque
from collections.abc import AsyncGenerator

from postane.mail.mboxrd import BadMailbox, Part, Piece, Postmark, Splitter
from postane.net.base import Link
from postane.pop1.client import Answer, BodyChunk, Event, Greeted, Pop1Client
from postane.pop1.commands import Command, Pass, Quit, Rcev, Rcvd, Rdel, Retr, Rset, User
from postane.pop1.grammar import format_command, format_line
from postane.pop1.replies import Length, Line, Reply
from postane.wire.errors import LocalProtocolError

from .errors import Misbehaved, PopError, Refused, greeting_refusal, login_refusal, refusal
from .lockstep import Dialogue, Letter
from .login import LoginPolicy
from .protocol_log import HIDDEN, WriteLine, without


class Pop1(Dialogue[Event, Command]):
    """One session. All of it raises PopError; after one that is not Refused only `abort` is of use.

    However it ends, that deletes nothing: `accept` does.
    """

    protocol = "POP1"

    def __init__(self, link: Link, write_line: WriteLine | None = None) -> None:
        super().__init__(link, Pop1Client(), write_line)
        self._open: Pop1Mailbox | None = None

    async def greet(self) -> None:
        """Wait for the server's first word."""
        event = await self._talk.hear()
        assert isinstance(event, Greeted), "the machine says so"
        self._talk.heard(format_line(event.reply))
        if not event.reply.is_ok:
            raise self._talk.give_up(greeting_refusal(event.reply.text))

    async def log_in(self, name: str, password: str, policy: LoginPolicy | None = None) -> None:
        """USER and PASS, in clear text: without TLS, and over a network, only where the policy allows that."""
        self._check_may_cross(policy)
        try:
            await self._agree(User(name))
            await self._agree(Pass(password))
        except Refused as error:
            raise login_refusal(error.verb, error.reply, error.code, "USER") from None

    async def mailbox(self, name: str | None = None, *, deletes: bool = False) -> "Pop1Mailbox":
        """RETR, or RDEL where it `deletes`: begin to read a mailbox, None: the user's own. It is locked from then on,
        until it is accepted or given up."""
        if self._open is not None:
            await self._open.give_up()
        reply = await self._ask(Rdel(name) if deletes else Retr(name))
        if not isinstance(reply, Length):
            raise self._mixed_up()
        self._open = Pop1Mailbox(self, reply.octets)
        return self._open

    async def quit(self) -> None:
        """End the session. A mailbox that was not accepted is given up; one that is still coming: the connection is
        closed without a word."""
        if self._open is not None and self._open.is_coming:
            self.abort()
            return
        try:
            if self._open is not None:
                await self._open.give_up()
            await self._agree(Quit())
        finally:
            await self._talk.close()

    async def _end(self, mailbox: "Pop1Mailbox", command: Rcvd | Rset) -> None:
        if self._open is not mailbox or mailbox.is_coming:
            raise LocalProtocolError(f"{command.verb} may not be said: the mailbox is still coming, or is closed")
        self._open = None
        await self._agree(command)

    async def _begin(self, mailbox: "Pop1Mailbox") -> Event:
        if self._open is not mailbox:
            raise PopError("the mailbox was left")
        self._talk.said(format_command(Rcev()))
        return await self._talk.ask(Rcev())

    async def _agree(self, command: Command) -> None:
        if not isinstance(await self._ask(command), Reply):
            raise self._mixed_up()

    async def _ask(self, command: Command) -> Line:
        hidden = Pass(HIDDEN) if isinstance(command, Pass) else command
        self._talk.said(format_command(hidden))
        event = await self._talk.ask(command)
        assert isinstance(event, Answer), "the machine says so"
        secrets = [command.secret] if isinstance(command, Pass) else []
        self._talk.heard(format_line(event.reply), *secrets)
        if isinstance(event.reply, Reply) and not event.reply.is_ok:
            raise refusal(command.verb, without(secrets, event.reply.text))
        return event.reply

    def _mixed_up(self) -> PopError:
        return self._talk.give_up(Misbehaved("the server answers what was not asked"))


class Pop1Mailbox:
    """A mailbox that was begun; `octets` is the length of all of it, with the postmarks."""

    __slots__ = ("_is_begun", "_parts", "_pop", "_splitter", "is_coming", "octets")

    def __init__(self, pop: Pop1, octets: int) -> None:
        self._pop = pop
        self._splitter = Splitter()
        self._parts: deque[Part] = deque()
        self._is_begun = False
        self.is_coming = False  # begun, and not complete
        self.octets = octets

    def __repr__(self) -> str:
        return f"<Pop1Mailbox, {self.octets} octets>"

    async def messages(self) -> AsyncGenerator["Pop1Message", None]:
        """Each message, once. What is not read of one is thrown away when the next is asked for."""
        if self._is_begun:
            raise PopError("a mailbox comes once")
        self._is_begun = self.is_coming = True
        self._feed(await self._pop._begin(self))
        while (part := await self._part()) is not None:
            if isinstance(part, Postmark):
                message = Pop1Message(self, part)
                yield message
                await message.skip()

    async def accept(self) -> None:
        """RCVD: it has come whole. One that was asked for to be deleted is deleted now. Raises LocalProtocolError where
        `messages` was not read to its end; Refused: it is not known what is gone."""
        if not self._is_begun:
            raise LocalProtocolError("the mailbox was not read")
        await self._pop._end(self, Rcvd())

    async def give_up(self) -> None:
        """RSET: let go of it, and delete nothing. Raises LocalProtocolError while it is coming: abort the session."""
        await self._pop._end(self, Rset())

    async def _part(self) -> Part | None:
        """The next part; None: that was all."""
        while not self._parts:
            if not self.is_coming:
                return None
            self._feed(await self._pop._talk.hear())
        return self._parts.popleft()

    def _feed(self, event: Event) -> None:
        try:
            if isinstance(event, BodyChunk):
                self._parts.extend(self._splitter.feed(event.octets))
            else:
                self._parts.extend(self._splitter.finish())
                self.is_coming = False
                self._pop._talk.log(f"S: ({self.octets} octets)")
        except BadMailbox as error:
            raise self._pop._talk.give_up(Misbehaved(f"what the server sends cannot be parted: {error}")) from error


class Pop1Message(Letter):
    """A message of a mailbox, while this comes; `sender` and `arrived` (seconds since the epoch) are its postmark's."""

    __slots__ = ("_is_complete", "_is_dropped", "_mailbox", "arrived", "sender")

    def __init__(self, mailbox: Pop1Mailbox, postmark: Postmark) -> None:
        self._mailbox = mailbox
        self._is_complete = False
        self._is_dropped = False  # before it was complete
        self.sender = postmark.sender
        self.arrived = postmark.arrived

    def __repr__(self) -> str:
        return f"<Pop1Message from {self.sender}>"

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """Its octets, as they come, once. What breaks off raises PopError."""
        if self._is_complete:
            raise PopError("a message of POP1 comes once, and before the next one is asked for")
        while not self._is_complete:
            if octets := await self._chunk():
                yield octets
            if self._is_dropped:
                raise PopError("the rest of this message was thrown away: the next one was asked for")

    async def skip(self) -> None:
        """Throw away what of it was not read."""
        self._is_dropped = not self._is_complete
        while not self._is_complete:
            await self._chunk()

    async def _chunk(self) -> bytes:
        part = await self._mailbox._part()
        if isinstance(part, Piece):
            return part.octets
        self._is_complete = True
        return b""
