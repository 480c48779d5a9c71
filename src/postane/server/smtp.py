"""SMTP's and LMTP's verbs: check the argument, ask the delivery, make the reply.

RFC 5321 s4.1.1 and s4.3, RFC 2033 s4.2 (LMTP's replies after a message), RFC 1870 s6.1, RFC 3030 s2. A verb is one
short method; which verbs are possible when is the chart's business. A message never stays half stored: whatever
happens, what was spooled is discarded.

Must not know: grammar, files, SQL.
"""

import asyncio
import functools
import math
from collections.abc import Awaitable, Callable, Mapping
from typing import ClassVar

import structlog

from postane.mail.trace import Passage
from postane.maildrop.base import MaildropError, QuotaExceeded, Receipt
from postane.net.stream import Stream
from postane.smtp import commands, replies
from postane.smtp.commands import Verdict
from postane.smtp.replies import Reply, format_reply
from postane.smtp.server import SmtpServer
from postane.smtp.states import Dialect

from .delivery import Delivery, DeliveryRefused, Outcome, Transaction, reply_to_all, reply_to_outcome
from .desk import Later, Outbox
from .office import PostOffice
from .postmark import named, postmark
from .record import Ending, SessionRecord
from .replies import Reports, smtp_reply
from .smtp_access import Access
from .smtp_settings import AuthPolicy, SmtpSettings
from .smtp_strangers import Strangers

FAREWELLS: Mapping[Ending, Reply] = {
    Ending.MISTAKES: replies.TOO_MANY_MISTAKES,
    Ending.REFUSED: replies.TOO_MANY_CONNECTIONS,
    Ending.SHUT_DOWN: replies.CLOSING,
    Ending.TIMED_OUT: replies.TIMED_OUT,
}
"""RFC 5321 s3.8: a server that closes unasked says 421 before it does."""

ALWAYS_SAID: Mapping[type, Reply] = {
    commands.Data: replies.GO_ON,  # RFC 5321 s4.1.1.4
    commands.Noop: replies.DONE,  # RFC 5321 s4.1.1.9
    commands.Quit: replies.GOODBYE,  # RFC 5321 s4.1.1.10
    commands.Rset: replies.DONE,  # RFC 5321 s4.1.1.5
    commands.Vrfy: replies.WILL_TRY,  # RFC 5321 s7.3: who has a mailbox here is told to nobody
}
"""What is answered to commands that have one reply."""

_OF_A_BODY = frozenset({commands.BodyChunk, commands.BdatEnd, commands.BodyEnd})
_ENDING = frozenset({commands.Ehlo, commands.Helo, commands.Lhlo, commands.Mail, commands.Quit, commands.Rset})
"""Events that are no commands, and commands that end a transaction; after MAIL one that failed and was not reset."""


class SmtpDesk:
    """One SMTP or LMTP session's verbs."""

    __slots__ = ("_access", "_begun", "_delivery", "_log", "_office", "_record", "_reports", "_settings",
                 "_strangers", "_stream", "_transaction")  # fmt: skip

    def __init__(self, office: PostOffice, stream: Stream, record: SessionRecord, settings: SmtpSettings) -> None:
        self._office = office
        self._stream = stream
        self._record = record
        self._settings = settings
        self._delivery = Delivery(office.accounts, office.maildrops, office.hostname, settings.delivery)
        self._log = structlog.get_logger("postane").bind()  # once, not for each message
        most = math.inf if settings.dialect is Dialect.LMTP else office.limits.strangers
        self._reports = Reports(record.session, most)
        self._access = Access(office, stream, record, settings)
        self._transaction: Transaction | None = None
        self._strangers = Strangers(self._reports.most, office.limits.strangers, settings.dialect)
        self._begun = 0  # transactions: they make a message's id out of the session's

    @property
    def patience(self) -> float | None:
        """See Desk. RFC 5321 s4.5.3.2.7: at least five minutes."""
        return self._office.limits.idle

    @property
    def may_be_ended(self) -> bool:
        """See Desk."""
        return self._transaction is None

    @property
    def is_handshake_due(self) -> bool:
        """See Desk."""
        return self._access.is_handshake_due

    def successor(self) -> "tuple[SmtpServer, SmtpDesk]":
        """See Desk. RFC 3207 s4.2: nothing of what the client said is remembered."""
        machine = SmtpServer(self._settings.dialect, self._settings.body, is_greeted=True)
        if self._access.is_relayed:  # the handshake was held with the mail server in front
            self._stream.speak_for(self._record.peer)
        return machine, SmtpDesk(self._office, self._stream, self._record, self._settings)

    @property
    def mistakes_allowed(self) -> int:
        """See Desk."""
        return self._office.limits.mistakes

    def greeting(self) -> Reply:
        """RFC 5321 s4.3.1."""
        service = "LMTP" if self._settings.dialect is Dialect.LMTP else "ESMTP"
        return replies.greeting(self._office.hostname, service)

    def answer(self, event: commands.Event, out: Outbox) -> Awaitable[None] | Later | None:
        """See Desk."""
        kind = type(event)
        if kind not in _OF_A_BODY:
            self._record.note_command(self._office.clock())
            if kind in _ENDING and not self._is_let_go():
                return self._answer_after_closing(event, out)
        return self._answer(kind, event, out)

    def _answer(self, kind: type, event: commands.Event, out: Outbox) -> Awaitable[None] | Later | None:
        if kind in ALWAYS_SAID:
            out.send(ALWAYS_SAID[kind])
            return None
        verb = self._VERBS.get(kind)
        return verb(self, event, out) if verb is not None else Access.VERBS[kind](self._access, event, out)

    async def _answer_after_closing(self, event: commands.Event, out: Outbox) -> None:
        await self.close()
        rest = self._answer(type(event), event, out)
        if isinstance(rest, Awaitable):
            await rest

    def reply_to(self, error: Exception) -> Reply:
        """See Desk."""
        return smtp_reply(error, self._reports)

    def farewell(self, ending: Ending) -> bytes:
        """See Desk."""
        return format_reply(FAREWELLS[ending]) if ending in FAREWELLS else b""

    @property
    def is_closed(self) -> bool:
        """See Desk."""
        return self._transaction is None

    async def close(self) -> None:
        """See Desk."""
        transaction, self._transaction = self._transaction, None
        if transaction is not None:
            await transaction.discard()

    def _is_let_go(self) -> bool:
        """Whether no transaction is left: one that can be ended without waiting is."""
        if self._transaction is not None and self._transaction.discard_now():
            self._transaction = None
        return self._transaction is None

    def _hello(self, event: commands.Helo | commands.Ehlo | commands.Lhlo, out: Outbox) -> Awaitable[None] | None:
        """RFC 5321 s4.1.4: a transaction that is open ends."""
        return Access.VERBS[type(event)](self._access, event, out)

    def _mail(self, event: commands.Mail, out: Outbox) -> None:
        """RFC 5321 s4.1.1.2. RFC 1870 s6.1: what is declared too big is refused before it is sent."""
        if self._settings.auth is AuthPolicy.REQUIRED and self._access.account is None:
            out.send(replies.LOGIN_FIRST)
            return
        if (event.envelope.size or 0) > self._settings.body.message:
            out.send(replies.TOO_BIG)
            return
        self._transaction = self._delivery.begin(event.envelope)
        self._begun += 1
        out.send(replies.SENDER_OK)

    def _rcpt(self, event: commands.Rcpt, out: Outbox) -> Awaitable[None] | None:
        """RFC 5321 s4.1.1.3."""
        try:
            if not self._open_transaction.add_now(event.address):
                return self._rcpt_later(event, out)
        except (DeliveryRefused, QuotaExceeded) as error:
            self._refuse(event, error, out)
        else:
            out.send(replies.RECIPIENT_OK)
        return None

    async def _rcpt_later(self, event: commands.Rcpt, out: Outbox) -> None:
        try:
            await self._open_transaction.add(event.address)
        except (DeliveryRefused, QuotaExceeded) as error:
            self._refuse(event, error, out)
        else:
            out.send(replies.RECIPIENT_OK)

    def _refuse(self, event: commands.Rcpt, error: Exception, out: Outbox) -> None:
        reply = self.reply_to(error)
        self._strangers.note(event.address, reply, self._where())
        out.send(reply)

    def _bdat(self, event: commands.Bdat, out: Outbox) -> None:
        """RFC 3030 s2: no reply before the octets are there."""

    def _body_chunk(self, event: commands.BodyChunk, out: Outbox) -> Awaitable[None] | None:
        """A failure is told at the end, when the client listens again."""
        del out
        transaction = self._open_transaction
        octets, is_undotted = event.octets, event.is_undotted
        if transaction.write_now(octets, is_undotted=is_undotted):
            return None
        return transaction.write(octets, is_undotted=is_undotted)

    def _bdat_end(self, event: commands.BdatEnd, out: Outbox) -> Awaitable[None] | None:
        """RFC 3030 s2: every BDAT has a reply of its own."""
        failure = self._open_transaction.failure
        if event.verdict is Verdict.SOUND and failure is None:
            out.send(replies.CHUNK_OK)
            return None
        out.send(replies.BY_VERDICT[event.verdict] if failure is None else self.reply_to(failure))
        return None if self._is_let_go() else self.close()  # the machine lets no more of this message through

    def _body_end(self, event: commands.BodyEnd, out: Outbox) -> Awaitable[None] | Later | None:
        """RFC 5321 s6.1: 250 means that the message is this post office's to keep; RFC 2033 s4.2: one for each."""
        if event.verdict is not Verdict.SOUND:
            out.send(replies.BY_VERDICT[event.verdict])
            return None if self._is_let_go() else self.close()
        transaction, now = self._open_transaction, self._office.clock()
        passage = self._access.passage(f"{self._record.session}.{self._begun}", now, is_utf8=transaction.is_utf8)
        if (deposit := transaction.deposit_now(passage)) is not None:
            return Later(deposit, functools.partial(self._tell_one, deposit, event.octets, passage, out))
        return self._deposit(event.octets, passage, out)

    async def _deposit(self, octets: int, passage: Passage, out: Outbox) -> None:
        try:
            self._tell(await self._open_transaction.deposit(passage), octets, passage, out)
        except BaseException:  # no `finally`, in which the compiled one could not wait: decision 0020
            await self.close()
            raise
        if not self._is_let_go():  # what has been spooled is taken away by and by: nobody waits for that
            await self.close()

    def _tell_one(self, deposit: "asyncio.Future[Receipt]", octets: int, passage: Passage, out: Outbox) -> None:
        try:
            error = deposit.exception()
            self._tell([error if isinstance(error, MaildropError) else deposit.result()], octets, passage, out)
        finally:
            self._is_let_go()

    def _tell(self, outcomes: list[Outcome], octets: int, passage: Passage, out: Outbox) -> None:
        if self._settings.dialect is Dialect.LMTP:
            out.send([named(reply_to_outcome(outcome), passage) for outcome in outcomes])
        else:
            out.send(named(reply_to_all(outcomes), passage))
        out.write()  # who waits for it does not wait for the line of the log, or for what was sent ahead
        self._note(outcomes, octets, passage)

    def _help(self, event: commands.Help, out: Outbox) -> None:
        """RFC 5321 s4.1.1.8."""
        del event
        hello = "LHLO" if self._settings.dialect is Dialect.LMTP else "EHLO HELO"
        verbs = f"{hello} MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT"
        out.send(replies.HELP.with_text(verbs, "mail is taken for mailboxes of this post office only"))

    def _not_offered(self, event: commands.Expn, out: Outbox) -> None:
        """RFC 5321 s4.2.4: known, and not implemented."""
        out.send(replies.NOT_IMPLEMENTED.with_text(f"{event.verb} is not offered here"))

    @property
    def _open_transaction(self) -> Transaction:
        assert self._transaction is not None, "the chart lets these events in after MAIL only"
        return self._transaction

    def _where(self) -> dict[str, str]:
        return {"session": self._record.session, "service": self._record.service, "peer": str(self._record.peer)}

    def _note(self, outcomes: list[Outcome], octets: int, passage: Passage) -> None:
        """Tell the delivery, the record and the operator what became of a message."""
        self._delivery.note(outcomes)
        marks = postmark(self._open_transaction.envelope, outcomes)
        self._log.info("message", **self._where(), id=passage.id, octets=octets, **marks)
        if marks["stored"]:
            self._strangers.forget()
            self._reports.told = 0
            self._record.messages += 1
            self._record.octets += octets
        for outcome in outcomes:
            if isinstance(outcome, MaildropError) and not isinstance(outcome, QuotaExceeded):
                self._reports.tell(outcome, outcome.log)

    _VERBS: ClassVar[Mapping[type, Callable[..., Awaitable[None] | Later | None]]] = {
        commands.Bdat: _bdat,
        commands.BdatEnd: _bdat_end,
        commands.BodyChunk: _body_chunk,
        commands.BodyEnd: _body_end,
        commands.Ehlo: _hello,
        commands.Expn: _not_offered,
        commands.Helo: _hello,
        commands.Help: _help,
        commands.Lhlo: _hello,
        commands.Mail: _mail,
        commands.Rcpt: _rcpt,
    }
