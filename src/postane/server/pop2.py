"""POP2's verbs: check the argument, ask the store, make the reply.

RFC 937 s(Definitions of Commands and Replies). A mailbox is a maildrop under its lease, a snapshot of it numbers the
messages. Two sentences of the RFC need a choice:

- ACKD only marks; "the actual change is made when the mailbox is released at the end of the session or when the client
  selects another mailbox". A client ends a session by QUIT, so QUIT and FOLD commit, durably, before they are answered.
  A connection that is cut, times out or breaks the protocol has not ended its session: nothing is deleted.
- READ tells a length of zero where there is no message, but RFC 937 s(Examples), the third, closes the connection on
  a READ in a mailbox that was announced as empty, and the client's table never says READ there. So do we.

Must not know: grammar, files, SQL.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import ClassVar, NoReturn

from postane.mail.snapshot import MessageIsDeleted, NoSuchMessage
from postane.maildrop.base import MaildropSession, NotAllRemoved, StoreUnavailable
from postane.net.stream import Stream
from postane.pop2.commands import Command, Fold, Helo, Read, Verb
from postane.pop2.grammar import format_line
from postane.pop2.replies import Count, Data, Err, Greeting, Hangup, Length, Ok
from postane.wire.errors import LocalProtocolError

from .desk import Outbox
from .gate import Gate
from .login import Login
from .mailboxes import Mailbox, find_mailbox
from .office import PostOffice
from .record import Ending, SessionRecord
from .replies import pop2_reply

CHUNK = 256 * 1024
"""Octets of a large message that are read at a time."""

_LAST_WORDS: Mapping[Ending, str] = {
    Ending.REFUSED: "too many connections, try again later",
    Ending.TIMED_OUT: "too long silent",
    Ending.SHUT_DOWN: "shutting down",
}


class Pop2Desk:
    """One POP2 session's verbs."""

    def __init__(self, office: PostOffice, stream: Stream, record: SessionRecord) -> None:
        self._office = office
        self._record = record
        self._may_log_in = office.allows_password(stream)
        self._gate = Gate(office, record, mechanism="HELO")
        self._login = Login(office, record, "POP2")
        self._mailbox: Mailbox  # since HELO; the chart lets nothing in before it that needs it
        self._number = 1  # the current message
        self._is_sending = False  # a message is on its way

    @property
    def patience(self) -> float | None:
        """See Desk: before login, the time to log in runs on. RFC 937 s(Definitions of Commands and Replies), T2."""
        return None if self._login.account is None else self._office.limits.idle

    @property
    def may_be_ended(self) -> bool:
        """See Desk."""
        return self._login.account is None

    @property
    def is_handshake_due(self) -> bool:
        """See Desk: TLS comes first, or not at all."""
        return False

    def successor(self) -> NoReturn:
        """See Desk."""
        raise LocalProtocolError("this protocol has no word that begins TLS")

    @property
    def mistakes_allowed(self) -> int:
        """See Desk: RFC 937 s(System Model and Philosophy), if anything goes wrong close the connection."""
        return 0

    def greeting(self) -> Greeting:
        """RFC 937 s(Definitions of Commands and Replies): nothing comes between the sign and the protocol's name."""
        return Greeting(self._office.hostname, "Postane server ready")

    async def answer(self, event: Command, out: Outbox) -> None:
        """See Desk."""
        self._login.note_command()
        await self._VERBS[event.verb](self, event, out)

    def reply_to(self, error: Exception) -> Err:
        """See Desk."""
        return pop2_reply(error, self._record.session)

    def farewell(self, ending: Ending) -> bytes:
        """RFC 937 s(Server Decision Table), action 1: an error is said, but not into a message that is on its way."""
        words = _LAST_WORDS.get(ending)
        return b"" if words is None or self._is_sending else format_line(Err(words))

    @property
    def is_closed(self) -> bool:
        """See Desk."""
        return self._login.is_out

    async def close(self) -> None:
        """See Desk. Nothing is deleted but by QUIT and FOLD."""
        await self._login.leave()

    async def _helo(self, event: Helo, out: Outbox) -> None:
        """HELO: who it is, and how many messages their own mailbox has."""
        if not self._may_log_in:
            out.send(Err("passwords may not cross this connection in clear text"))
            return
        account = await self._login.admit(self._gate.password(event.user, event.password, prepares=False))
        await self._select(Mailbox(account.drop), "messages in your mailbox", out)

    async def _fold(self, event: Fold, out: Outbox) -> None:
        """FOLD: what is marked in this mailbox is deleted, and another one selected; one that is not there is empty."""
        await self._commit()
        await self._login.release()
        assert self._login.account is not None, "the chart lets FOLD in after HELO only"
        mailbox = await find_mailbox(self._office, self._login.account, event.mailbox)
        if mailbox is None:
            out.send(Count(0, "messages, there is no such mailbox here"))
        else:
            await self._select(mailbox, "messages in that mailbox", out)

    async def _select(self, mailbox: Mailbox, words: str, out: Outbox) -> None:
        session = await self._login.open(mailbox.drop)
        self._mailbox = mailbox
        self._number = 1
        out.send(Count(session.snapshot.total, words))

    async def _read(self, event: Read, out: Outbox) -> None:
        """READ: the length of a message, which becomes the current one."""
        session = self._login.session
        if session is None or not session.snapshot.total:
            out.send(Hangup())  # RFC 937 s(Examples), the third
            return
        if event.number is not None:
            self._number = event.number
        out.send(await self._length())

    async def _retr(self, event: Command, out: Outbox) -> None:
        """RETR: the message, exactly as long as was told; where there is none, the connection is closed."""
        del event
        if not (await self._length()).octets:
            out.send(Hangup())
            return
        message = await self._open_session.open_message(self._number)
        self._record.messages += 1
        self._record.octets += message.facts.octets
        self._is_sending = True
        try:
            out.patience = self.patience
            while octets := await message.read(CHUNK):
                out.send(Data(octets))
                if out.is_full:
                    await out.flush()
        finally:
            await message.close()
        self._is_sending = False

    async def _acks(self, event: Command, out: Outbox) -> None:
        """ACKS: the message is kept, the next one is the current one."""
        del event
        self._number += 1
        out.send(await self._length())

    async def _ackd(self, event: Command, out: Outbox) -> None:
        """ACKD: the same, and the message is marked as deleted, where the user may do that."""
        del event
        if self._mailbox.may_delete:
            self._open_session.snapshot.delete(self._number)
        self._number += 1
        out.send(await self._length())

    async def _nack(self, event: Command, out: Outbox) -> None:
        """NACK: the message is kept, and stays the current one."""
        del event
        out.send(await self._length())

    async def _quit(self, event: Command, out: Outbox) -> None:
        """QUIT: `+` only after every deletion is durable."""
        del event
        await self._commit()
        await self.close()  # the lease is free before the client can come back
        out.send(Ok("OK, bye"))

    async def _commit(self) -> None:
        """Delete what is marked in the mailbox that is open."""
        session = self._login.session
        if session is None:
            return
        try:
            await session.commit()
        except NotAllRemoved as error:
            raise StoreUnavailable("some deleted messages not removed", error.log) from error
        self._record.deleted += session.snapshot.total - session.snapshot.count

    @property
    def _open_session(self) -> MaildropSession:
        assert self._login.session is not None, "no READ is answered, and so nothing after it, where none is open"
        return self._login.session

    async def _length(self) -> Length:
        """The length of the current message; zero where there is none, or it is deleted."""
        session = self._open_session
        if not session.snapshot.is_loaded:
            await session.load()
        try:
            return Length(session.snapshot.size(self._number), f"characters in message {self._number}")
        except NoSuchMessage:
            return Length(0, "no more messages")
        except MessageIsDeleted:
            return Length(0, f"message {self._number} is deleted")

    _VERBS: ClassVar[Mapping[Verb, Callable[..., Awaitable[None]]]] = {
        Verb.ACKD: _ackd,
        Verb.ACKS: _acks,
        Verb.FOLD: _fold,
        Verb.HELO: _helo,
        Verb.NACK: _nack,
        Verb.QUIT: _quit,
        Verb.READ: _read,
        Verb.RETR: _retr,
    }
