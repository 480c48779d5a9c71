"""POP1's verbs: check the argument, ask the store, make the reply.

RFC 918 s(The Protocol) and s(Definitions of Commands and Replies). A mailbox is opened and locked by RETR or RDEL,
closed and unlocked by RCVD or RSET, and sent whole, as `mail/mboxrd` writes it. Its length is told before it is sent,
so it is read twice, and never held. The RFC's text answers RCEV by "+OK", its scenario and its diagram by the mail: the
mail it is, since a client counts octets from the first one on.

Must not know: grammar, files, SQL.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import ClassVar, NoReturn

from postane.mail.mboxrd import Quoter, format_postmark
from postane.maildrop.base import MaildropSession, NotAllRemoved, StoreUnavailable
from postane.net.stream import Stream
from postane.pop1.commands import Command, Pass, Rdel, Retr, User, Verb
from postane.pop1.grammar import format_line
from postane.pop1.replies import Data, Length, Reply, err, ok
from postane.wire.errors import LocalProtocolError

from .desk import Outbox
from .gate import Gate
from .login import Login
from .mailboxes import find_mailbox
from .office import PostOffice
from .record import Ending, SessionRecord
from .replies import pop1_reply

CHUNK = 256 * 1024
"""Octets of a large message that are read at a time."""


@dataclass(frozen=True, slots=True)
class _Transaction:
    """A mailbox that was begun: its messages' postmarks, in order, and what RCVD will do."""

    postmarks: list[bytes]
    octets: int
    is_deleting: bool


class Pop1Desk:
    """One POP1 session's verbs."""

    def __init__(self, office: PostOffice, stream: Stream, record: SessionRecord) -> None:
        self._office = office
        self._record = record
        self._may_log_in = office.allows_password(stream)
        self._user = ""
        self._gate = Gate(office, record)
        self._login = Login(office, record, "POP1")
        self._transaction: _Transaction  # since RETR or RDEL; the chart lets nothing in before it that needs it

    @property
    def patience(self) -> float | None:
        """See Desk: before login, the time to log in runs on."""
        return None if self._login.account is None else self._office.limits.idle

    @property
    def may_be_ended(self) -> bool:
        """See Desk."""
        return self._login.session is None

    @property
    def is_handshake_due(self) -> bool:
        """See Desk: TLS comes first, or not at all."""
        return False

    def successor(self) -> NoReturn:
        """See Desk."""
        raise LocalProtocolError("this protocol has no word that begins TLS")

    @property
    def mistakes_allowed(self) -> int:
        """See Desk."""
        limits = self._office.limits
        return limits.mistakes_before_login if self._login.account is None else limits.mistakes

    def greeting(self) -> Reply:
        """RFC 918 s(The Protocol)."""
        return ok(f"{self._office.hostname} POP1 server ready")

    async def answer(self, event: Command, out: Outbox) -> None:
        """See Desk."""
        self._login.note_command()
        await self._VERBS[event.verb](self, event, out)

    def reply_to(self, error: Exception) -> Reply:
        """See Desk."""
        return pop1_reply(error, self._record.session)

    def farewell(self, ending: Ending) -> bytes:
        """A refused connection is greeted by an error; apart from that POP1 says nothing unasked."""
        return format_line(err("too many connections, try again later")) if ending is Ending.REFUSED else b""

    @property
    def is_closed(self) -> bool:
        """See Desk."""
        return self._login.is_out

    async def close(self) -> None:
        """See Desk. Nothing is deleted but by RCVD."""
        await self._login.leave()

    async def _user_(self, event: User, out: Outbox) -> None:
        """USER. The reply never tells whether there is such a name."""
        if self._may_log_in:
            self._user = event.name
            out.send(ok("send PASS"))
        else:
            out.send(err("passwords may not cross this connection in clear text"))

    async def _pass(self, event: Pass, out: Outbox) -> None:
        """PASS. The mailbox is opened when it is asked for."""
        await self._login.admit(self._gate.password(self._user, event.secret, prepares=False))
        out.send(ok("logged in"))

    async def _retr(self, event: Retr | Rdel, out: Outbox) -> None:
        """RETR and RDEL: open and lock a mailbox, and tell how long it is."""
        account = self._login.account
        assert account is not None, "the chart lets RETR and RDEL in after PASS only"
        drop = account.drop
        if event.mailbox is not None:
            mailbox = await find_mailbox(self._office, account, event.mailbox)
            is_refused = mailbox is not None and isinstance(event, Rdel) and not mailbox.may_delete
            if mailbox is None or is_refused:
                out.send(err("that mailbox is for reading only" if is_refused else "there is no such mailbox here"))
                return
            drop = mailbox.drop
        session = await self._login.open(drop)
        try:
            self._transaction = await self._begin(session, drop, is_deleting=isinstance(event, Rdel))
        except BaseException:
            await self._login.release()
            raise
        out.send(Length(self._transaction.octets))

    async def _begin(self, session: MaildropSession, drop: str, *, is_deleting: bool) -> _Transaction:
        await session.load()
        postmarks = await self._postmarks(session, drop)
        octets = 0
        for number, postmark in enumerate(postmarks, 1):
            async with aclosing(_written(session, number, postmark)) as pieces:
                async for piece in pieces:
                    octets += len(piece)
        return _Transaction(postmarks, octets, is_deleting)

    async def _postmarks(self, session: MaildropSession, drop: str) -> list[bytes]:
        """The line before each message of the snapshot, in their order."""
        snapshot = session.snapshot
        postmarks: list[bytes] = []
        if snapshot.total:
            async for row in self._office.maildrops.rows(drop):
                if len(postmarks) < snapshot.total and row.uid == snapshot.uid(len(postmarks) + 1):
                    postmarks.append(format_postmark(row.sender, row.arrived))
        if len(postmarks) != snapshot.total:
            raise StoreUnavailable("mailbox has changed, try again")
        return postmarks

    async def _rcev(self, event: Command, out: Outbox) -> None:
        """RCEV: the whole mailbox, no faster than the client reads, exactly as long as was told."""
        del event
        session = self._open_session
        out.patience = self.patience
        for number, postmark in enumerate(self._transaction.postmarks, 1):
            async with aclosing(_written(session, number, postmark)) as pieces:
                async for piece in pieces:
                    out.send(Data(piece))
                    if out.is_full:
                        await out.flush()
        if not self._transaction.octets:
            out.send(Data(b""))
        self._record.messages += len(self._transaction.postmarks)
        self._record.octets += self._transaction.octets

    async def _rcvd(self, event: Command, out: Outbox) -> None:
        """RCVD: after RDEL what was sent is deleted, durably, before the reply; the mailbox is closed."""
        del event
        session = self._open_session
        snapshot = session.snapshot
        try:
            if self._transaction.is_deleting:
                for number in range(1, snapshot.total + 1):
                    snapshot.delete(number)
                await session.commit()
                self._record.deleted += snapshot.total
        except NotAllRemoved as error:
            raise StoreUnavailable("some messages not deleted", error.log) from error
        finally:
            await self._login.release()
        out.send(ok(f"{snapshot.total} messages deleted" if self._transaction.is_deleting else "messages kept"))

    async def _rset(self, event: Command, out: Outbox) -> None:
        """RSET: what was begun is given up, the mailbox closed and unlocked."""
        del event
        await self._login.release()
        out.send(ok())

    async def _noop(self, event: Command, out: Outbox) -> None:
        """NOOP."""
        del event
        out.send(ok())

    async def _quit(self, event: Command, out: Outbox) -> None:
        """QUIT. The chart lets it in where no mailbox is open."""
        del event
        await self.close()
        out.send(ok(f"{self._office.hostname} POP1 server signing off"))

    @property
    def _open_session(self) -> MaildropSession:
        assert self._login.session is not None, "the chart lets these verbs in after RETR and RDEL only"
        return self._login.session

    _VERBS: ClassVar[Mapping[Verb, Callable[..., Awaitable[None]]]] = {
        Verb.NOOP: _noop,
        Verb.PASS: _pass,
        Verb.QUIT: _quit,
        Verb.RCEV: _rcev,
        Verb.RCVD: _rcvd,
        Verb.RDEL: _retr,
        Verb.RETR: _retr,
        Verb.RSET: _rset,
        Verb.USER: _user_,
    }


async def _written(session: MaildropSession, number: int, postmark: bytes) -> AsyncGenerator[bytes, None]:
    """A message as it stands in the mailbox that is sent, in pieces that are never empty."""
    quoter = Quoter()
    yield postmark
    message = await session.open_message(number)
    try:
        while octets := await message.read(CHUNK):
            if quoted := quoter.feed(octets):
                yield quoted
    finally:
        await message.close()
    yield quoter.finish()
