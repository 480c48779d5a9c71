"""POP3's verbs: check the argument, ask the store, make the reply.

RFC 1939 s4 to s7, RFC 2449 s5, RFC 3206. A verb is one short method; which verbs are possible when is the chart's
business, and what becomes of an error is `replies`'.

Must not know: grammar, files, SQL.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import ClassVar

from postane.accounts.base import Proof
from postane.mail.snapshot import Snapshot
from postane.mail.top import TopCutter
from postane.maildrop.base import MaildropSession, NotAllRemoved, OpenMessage, StoreUnavailable
from postane.net.stream import Stream
from postane.pop3.capabilities import Offer, format_capabilities
from postane.pop3.commands import (
    Apop,
    Auth,
    AuthResponse,
    Capa,
    Command,
    Dele,
    List,
    Pass,
    Quit,
    Retr,
    Top,
    Uidl,
    User,
    Verb,
)
from postane.pop3.grammar import format_reply
from postane.pop3.replies import Challenge, Chunk, Closing, Code, Listing, Message, Opening, Reply, err, ok
from postane.sasl import base as sasl
from postane.sasl.registry import CLEAR_TEXT, SERVER_MECHANISMS

from .login import Login
from .loop import Outbox
from .office import PostOffice
from .record import Ending, SessionRecord
from .replies import pop3_reply

CHUNK = 256 * 1024
"""Octets of a large body that are read at a time."""


class Pop3Desk:
    """One POP3 session's verbs."""

    def __init__(self, office: PostOffice, stream: Stream, record: SessionRecord) -> None:
        self._office = office
        self._record = record
        self._offer = _make_offer(office, is_clear_text_possible=office.allows_password(stream))
        # RFC 1939 s7, APOP: a msg-id that is never given twice; no "=" in it, which some clients refuse.
        self._stamp = f"<{office.token()}.{int(office.clock())}@{office.hostname}>"
        self._user = ""
        self._exchange: sasl.ServerMechanism  # since AUTH; the chart lets no response in before it
        self._login = Login(office, record, "POP3")

    @property
    def patience(self) -> float | None:
        """See Desk: before login, the time to log in runs on."""
        return None if self._login.session is None else self._office.limits.idle

    @property
    def may_be_ended(self) -> bool:
        """See Desk."""
        return self._login.session is None

    @property
    def mistakes_allowed(self) -> int:
        """See Desk."""
        limits = self._office.limits
        return limits.mistakes_before_login if self._login.session is None else limits.mistakes

    def greeting(self) -> Reply:
        """RFC 1939 s4: a positive reply; the stamp comes last, where clients look for it."""
        return ok(f"{self._office.hostname} POP3 server ready {self._stamp}")

    async def answer(self, event: Command, out: Outbox) -> None:
        """See Desk."""
        self._record.commands += 1
        await self._VERBS[event.verb](self, event, out)

    def reply_to(self, error: Exception) -> Reply:
        """See Desk."""
        return pop3_reply(error, self._record.session)

    def farewell(self, ending: Ending) -> bytes:
        """RFC 1939 s4: a refused connection is greeted by -ERR; apart from that POP3 says nothing unasked."""
        if ending is Ending.REFUSED:
            return format_reply(err("too many connections, try again later", Code.SYS_TEMP))
        return b""

    async def close(self) -> None:
        """See Desk. Without QUIT nothing is deleted (RFC 1939 s6)."""
        await self._login.leave()

    # AUTHORIZATION

    async def _user_(self, event: User, out: Outbox) -> None:
        """RFC 1939 s7, USER. The reply never tells whether there is such a name."""
        if self._offer.is_login_possible:
            self._user = event.name
            out.send(ok("send PASS"))
        else:
            out.send(err("passwords may not cross this connection in clear text, use TLS (POP3S) or APOP", Code.AUTH))

    async def _pass(self, event: Pass, out: Outbox) -> None:
        """RFC 1939 s7, PASS."""
        await self._log_in(self._office.accounts.verify_password(self._user, event.secret), out)

    async def _apop(self, event: Apop, out: Outbox) -> None:
        """RFC 1939 s7, APOP."""
        await self._log_in(self._office.accounts.verify_apop(event.name, self._stamp, event.digest), out)

    async def _auth(self, event: Auth, out: Outbox) -> None:
        """RFC 5034 s4. Some clients ask for the list of mechanisms by AUTH alone."""
        offered = self._offer.mechanisms
        if event.mechanism is None:
            out.send(Listing("mechanisms follow", "".join(f"{name}\r\n" for name in offered).encode("ascii")))
        elif event.mechanism in offered:
            self._exchange = SERVER_MECHANISMS[event.mechanism]()
            await self._go_on(self._exchange.start(event.initial), out)
        else:
            out.send(err(f"mechanism {event.mechanism} is not offered here"))

    async def _response(self, event: AuthResponse, out: Outbox) -> None:
        """RFC 5034 s4: the exchange goes on, or the client has cancelled it."""
        if event.octets is None:
            out.send(err("cancelled"))
        else:
            await self._go_on(self._exchange.step(event.octets), out)

    async def _go_on(self, step: sasl.Challenge | sasl.PasswordClaim, out: Outbox) -> None:
        match step:
            case sasl.Challenge(octets):
                out.send(Challenge(octets))
            case sasl.PasswordClaim(name, password):
                await self._log_in(self._office.accounts.verify_password(name, password), out)

    async def _not_offered(self, event: Command, out: Outbox) -> None:
        """RFC 2449 s5: what CAPA does not list is not there."""
        out.send(err(f"{event.verb} is not offered here"))

    async def _log_in(self, proving: Awaitable[Proof], out: Outbox) -> None:
        """RFC 1939 s4: a session begins with an exclusive lock on the maildrop."""
        snapshot = (await self._login.enter(proving)).snapshot
        out.send(ok(f"{self._record.account}'s maildrop has {_contents(snapshot)}"))

    # Both states

    async def _capa(self, event: Capa, out: Outbox) -> None:
        """RFC 2449 s5."""
        del event
        out.send(Listing("capabilities follow", format_capabilities(self._offer)))

    async def _quit(self, event: Quit, out: Outbox) -> None:
        """RFC 1939 s6: +OK only after every deletion is durable."""
        del event
        session = self._login.session
        if session is None:
            out.send(ok(f"{self._office.hostname} POP3 server signing off"))
            return
        snapshot = session.snapshot
        try:
            await session.commit()
        except NotAllRemoved as error:
            raise StoreUnavailable("some deleted messages not removed", error.log) from error
        self._record.deleted = snapshot.total - snapshot.count
        left = f"{_messages(snapshot)} left" if snapshot.count else "maildrop empty"
        await self.close()  # the lease is free before the client can come back
        out.send(ok(f"{self._office.hostname} POP3 server signing off ({left})"))

    # TRANSACTION

    async def _stat(self, event: Command, out: Outbox) -> None:
        """RFC 1939 s5, STAT."""
        del event
        snapshot = self._open_session.snapshot
        out.send(ok(f"{snapshot.count} {snapshot.octets}"))

    async def _list(self, event: List, out: Outbox) -> None:
        """RFC 1939 s5, LIST: messages marked as deleted are not listed."""
        snapshot = await self._loaded()
        if event.number is not None:
            out.send(ok(f"{event.number} {snapshot.size(event.number)}"))
            return
        lines = "".join([f"{number} {size}\r\n" for number, size in snapshot.sizes()])
        out.send(Listing(_contents(snapshot), lines.encode("ascii")))

    async def _uidl(self, event: Uidl, out: Outbox) -> None:
        """RFC 1939 s7, UIDL."""
        snapshot = await self._loaded()
        if event.number is not None:
            out.send(ok(f"{event.number} {snapshot.uidl(event.number)}"))
            return
        lines = "".join([f"{number} {uidl}\r\n" for number, uidl in snapshot.uidls()])
        out.send(Listing("unique-ids follow", lines.encode("ascii")))

    async def _retr(self, event: Retr, out: Outbox) -> None:
        """RFC 1939 s5, RETR. What cannot be opened is refused before any +OK."""
        (await self._loaded()).check(event.number)
        message = await self._open_session.open_message(event.number)
        facts = message.facts
        self._record.messages += 1
        self._record.octets += facts.octets
        if message.rest is None:
            out.send(Message(f"{facts.octets} octets", message.head, facts.is_dotted))
        else:
            await self._stream(message, Opening(f"{facts.octets} octets", facts.is_dotted), None, out)

    async def _top(self, event: Top, out: Outbox) -> None:
        """RFC 1939 s7, TOP: the header part, the empty line, and so many lines of the body."""
        (await self._loaded()).check(event.number)
        message = await self._open_session.open_message(event.number)
        cutter = TopCutter(message.facts.header_octets, event.lines)
        if message.rest is None:
            out.send(Message("top of message follows", cutter.feed(message.head), message.facts.is_dotted))
        else:
            await self._stream(message, Opening("top of message follows", message.facts.is_dotted), cutter, out)

    async def _dele(self, event: Dele, out: Outbox) -> None:
        """RFC 1939 s5, DELE: only marks; QUIT deletes."""
        (await self._loaded()).delete(event.number)
        out.send(ok(f"message {event.number} deleted"))

    async def _noop(self, event: Command, out: Outbox) -> None:
        """RFC 1939 s5, NOOP."""
        del event
        out.send(ok())

    async def _rset(self, event: Command, out: Outbox) -> None:
        """RFC 1939 s5, RSET."""
        del event
        snapshot = self._open_session.snapshot
        snapshot.reset()
        out.send(ok(f"maildrop has {_contents(snapshot)}"))

    @property
    def _open_session(self) -> MaildropSession:
        assert self._login.session is not None, "the chart lets these verbs in after login only"
        return self._login.session

    async def _loaded(self) -> Snapshot:
        session = self._open_session
        if not session.snapshot.is_loaded:
            await session.load()
        return session.snapshot

    async def _stream(self, message: OpenMessage, opening: Opening, cutter: TopCutter | None, out: Outbox) -> None:
        """A large body, chunk by chunk, no faster than the client reads."""
        try:
            octets = await message.read(CHUNK)
            out.send(opening)
            out.patience = self.patience
            while octets and not (cutter and cutter.is_done):
                out.send(Chunk(cutter.feed(octets) if cutter else octets))
                await out.flush()
                octets = await message.read(CHUNK)
            out.send(Closing())
        finally:
            await message.close()

    _VERBS: ClassVar[Mapping[Verb, Callable[..., Awaitable[None]]]] = {
        Verb.APOP: _apop,
        Verb.AUTH: _auth,
        Verb.CAPA: _capa,
        Verb.DELE: _dele,
        Verb.LANG: _not_offered,
        Verb.LIST: _list,
        Verb.NOOP: _noop,
        Verb.PASS: _pass,
        Verb.QUIT: _quit,
        Verb.RESPONSE: _response,
        Verb.RETR: _retr,
        Verb.RSET: _rset,
        Verb.STAT: _stat,
        Verb.STLS: _not_offered,
        Verb.TOP: _top,
        Verb.UIDL: _uidl,
        Verb.USER: _user_,
        Verb.UTF8: _not_offered,
    }


def _make_offer(office: PostOffice, *, is_clear_text_possible: bool) -> Offer:
    mechanisms = tuple(name for name in office.mechanisms if is_clear_text_possible or name not in CLEAR_TEXT)
    return Offer(office.implementation, is_clear_text_possible, mechanisms=mechanisms)


def _messages(snapshot: Snapshot) -> str:
    return "1 message" if snapshot.count == 1 else f"{snapshot.count} messages"


def _contents(snapshot: Snapshot) -> str:
    return f"{_messages(snapshot)} ({snapshot.octets} octets)"
