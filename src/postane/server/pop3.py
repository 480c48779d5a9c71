"""A POP3 session: the verbs of both states, and its beginning and end.

RFC 1939 s3, s4 and s6, RFC 2449 s5. The verbs before login are in `pop3_authorization`, those after it in
`pop3_transaction`; which of them are possible when is the chart's business, and what becomes of an error is `replies`'.

Must not know: grammar, files, SQL.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import ClassVar

from postane.maildrop.base import MaildropSession, NotAllRemoved, StoreUnavailable
from postane.net.stream import Stream
from postane.pop3.capabilities import format_capabilities
from postane.pop3.commands import Capa, Command, Lang, Last, Quit, Rpop, Stls, Verb, Xtnd
from postane.pop3.grammar import format_reply
from postane.pop3.replies import Code, Listing, Reply, Speak, err, ok
from postane.pop3.server import Pop3Server
from postane.wire.phrases import Phrase, counted, phrase

from .desk import Outbox
from .gate import Gate
from .login import Login
from .office import PostOffice
from .pop3_authorization import Authorization
from .pop3_transaction import Transaction
from .record import Ending, SessionRecord
from .replies import pop3_reply
from .rules import announce, announce_now


class Pop3Desk:
    """One POP3 session."""

    __slots__ = (
        "_authorization", "_is_handshake_due", "_login", "_offer", "_office", "_record", "_stamp", "_stream",
        "_transaction",
    )  # fmt: skip

    def __init__(self, office: PostOffice, stream: Stream, record: SessionRecord, stamp: str | None = None) -> None:
        self._office = office
        self._stream = stream
        self._record = record
        # RFC 1939 s7, APOP: a msg-id that is never given twice; no "=" in it, which some clients refuse.
        self._stamp = stamp or f"<{office.token()}.{int(office.clock())}@{office.hostname}>"
        self._login = Login(office, record, "POP3")
        gate = Gate(office, record, None if stream.tls is None else stream.tls.client)
        # Gone after login: an idle client would keep 200 octets of what was tried, and more after AUTH.
        self._authorization: Authorization | None = Authorization(office, stream, gate, self._login, self._stamp)
        self._offer = self._authorization.offer
        self._transaction: Transaction | None = None
        self._is_handshake_due = False

    @property
    def patience(self) -> float | None:
        """See Desk: before login, the time to log in runs on."""
        return None if self._transaction is None else self._office.limits.idle

    @property
    def may_be_ended(self) -> bool:
        """See Desk."""
        return self._transaction is None

    @property
    def mistakes_allowed(self) -> int:
        """See Desk."""
        limits = self._office.limits
        return limits.mistakes_before_login if self._transaction is None else limits.mistakes

    @property
    def is_handshake_due(self) -> bool:
        """See Desk."""
        return self._is_handshake_due

    def successor(self) -> "tuple[Pop3Server, Pop3Desk]":
        """See Desk. RFC 2595 s4: nothing of what the client said is remembered; the greeting's stamp still holds."""
        machine = Pop3Server(is_greeted=True)
        return machine, Pop3Desk(self._office, self._stream, self._record, self._stamp)

    def greeting(self) -> Reply:
        """RFC 1939 s4: a positive reply; the stamp comes last, where clients look for it."""
        return ok(f"{self._office.hostname} POP3 server ready {self._stamp}")

    def answer(self, event: Command, out: Outbox) -> Awaitable[None] | None:
        """See Desk."""
        self._login.note_command()
        verb = event.verb
        transaction, authorization = self._transaction, self._authorization
        if transaction is not None:
            act = Transaction.VERBS.get(verb)
            if act is not None:
                return act(transaction, event, out)
        elif authorization is not None and verb in Authorization.NOW:
            if not Authorization.NOW[verb](authorization, event, out):
                return self._authorize(authorization, event, out)
            if self._login.session is not None:
                self._begin_transaction(self._login.session, out, is_utf8=authorization.is_utf8)
            return None
        return self._VERBS[verb](self, event, out)

    async def _authorize(self, authorization: Authorization, event: Command, out: Outbox) -> None:
        await Authorization.VERBS[event.verb](authorization, event, out)
        if self._login.session is not None:
            self._begin_transaction(self._login.session, out, is_utf8=authorization.is_utf8)

    def reply_to(self, error: Exception) -> Reply:
        """See Desk."""
        return pop3_reply(error, self._record.session)

    def farewell(self, ending: Ending) -> bytes:
        """RFC 1939 s4: a refused connection is greeted by -ERR; apart from that POP3 says nothing unasked."""
        if ending is Ending.REFUSED:
            return format_reply(err("too many connections, try again later", Code.SYS_TEMP))
        return b""

    @property
    def is_closed(self) -> bool:
        """See Desk."""
        return self._login.is_out

    async def close(self) -> None:
        """See Desk. Without QUIT nothing is deleted (RFC 1939 s6)."""
        await self._login.leave()

    def _begin_transaction(self, session: MaildropSession, out: Outbox, *, is_utf8: bool) -> None:
        """RFC 1939 s4: the login was right and the maildrop is open, under an exclusive lock."""
        self._transaction = Transaction(session, self._record, self._office.limits.idle, is_utf8=is_utf8)
        self._authorization, self._stamp = None, ""
        one = "{name}'s maildrop has {count} message ({octets} octets)"
        many = "{name}'s maildrop has {count} messages ({octets} octets)"
        snapshot = session.snapshot
        out.send(ok(counted(one, many, snapshot.count, name=self._record.account, octets=snapshot.octets)))

    def _capa(self, event: Capa, out: Outbox) -> Awaitable[None] | None:
        """RFC 2449 s5."""
        del event
        office = self._office
        offer = announce_now(self._offer, office.rules, office.accounts, self._login.account)
        if offer is None:
            return self._capa_later(out)
        out.send(Listing("capabilities follow", format_capabilities(offer)))
        return None

    async def _capa_later(self, out: Outbox) -> None:
        office = self._office
        offer = await announce(self._offer, office.rules, office.accounts, self._login.account)
        out.send(Listing("capabilities follow", format_capabilities(offer)))

    def _stls(self, event: Stls, out: Outbox) -> None:
        """RFC 2595 s4: a positive reply, and the handshake comes next."""
        if not self._stream.can_start_tls:
            if self._stream.is_encrypted:
                out.send(err("TLS is spoken already"))
            else:
                self._not_offered(event, out)
            return
        out.send(ok("begin TLS"))
        self._is_handshake_due = True

    def _quit(self, event: Quit, out: Outbox) -> Awaitable[None] | None:
        """RFC 1939 s6: +OK only after every deletion is durable. The lease is free before the client can come back."""
        del event
        session = self._login.session
        if session is None:
            out.send(ok(phrase("{host} POP3 server signing off", host=self._office.hostname)))
            return None
        if self._transaction is not None and self._office.rules.retention_of(self._login.account) == 0:
            self._transaction.delete_retrieved()
        if not (session.commit_now() and self._login.leave_now()):
            return self._quit_later(session, out)
        out.send(ok(_goodbye(self._office.hostname, session.snapshot.count)))
        return None

    async def _quit_later(self, session: MaildropSession, out: Outbox) -> None:
        try:
            await session.commit()
        except NotAllRemoved as error:
            raise StoreUnavailable("some deleted messages not removed", error.log) from error
        snapshot = session.snapshot
        self._record.deleted = snapshot.total - snapshot.count
        await self.close()
        out.send(ok(_goodbye(self._office.hostname, snapshot.count)))

    def _lang(self, event: Lang, out: Outbox) -> None:
        """RFC 6856 s3.2: what is spoken, or to speak something else from now on."""
        languages = self._office.languages
        if not languages:
            self._not_offered(event, out)
        elif event.tag is None:
            out.send(Listing("languages follow", languages.listing()))
        elif tongue := languages.find(event.tag):
            out.send(Speak(tongue, "this language from now on"))
        else:
            out.send(err("this language is not spoken here"))

    def _old(self, event: Last | Rpop | Xtnd, out: Outbox) -> None:
        """What POP3 once had: LAST (RFC 1460 s5), RPOP (RFC 1225 s(The UPDATE State)), XTND.

        RFC 1082 s(The XTND Command): without bulletin boards there is nothing to be told of them.
        """
        if not self._office.is_legacy:
            self._not_offered(event, out)
        elif isinstance(event, Rpop):
            out.send(err("RPOP proves nothing and is refused, use PASS, APOP or AUTH"))
        elif self._transaction is None or isinstance(event, Xtnd):
            out.send(err("XTND is not offered, there are no bulletin boards here"))
        else:
            out.send(ok(str(self._transaction.highest)))

    def _not_offered(self, event: Command, out: Outbox) -> None:
        """RFC 2449 s5: what CAPA does not list is not there."""
        out.send(err(phrase("{verb} is not offered here", verb=event.verb)))

    _VERBS: ClassVar[Mapping[Verb, Callable[..., Awaitable[None] | None]]] = {
        Verb.CAPA: _capa,
        Verb.LANG: _lang,
        Verb.LAST: _old,
        Verb.QUIT: _quit,
        Verb.RPOP: _old,
        Verb.STLS: _stls,
        Verb.XTND: _old,
    }


def _goodbye(host: str, left: int) -> Phrase:
    if not left:
        return phrase("{host} POP3 server signing off (maildrop empty)", host=host)
    one = "{host} POP3 server signing off ({count} message left)"
    many = "{host} POP3 server signing off ({count} messages left)"
    return counted(one, many, left, host=host)
