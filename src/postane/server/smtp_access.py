"""SMTP's and LMTP's verbs by which a client says who it is: EHLO, HELO, LHLO, STARTTLS, AUTH.

RFC 5321 s4.1.1.1, RFC 3207 s4, RFC 4954 s4. What a client said before a TLS handshake is not known after it.

Must not know: grammar, messages, maildrops.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import ClassVar

from postane.accounts.base import Account, AccountsUnavailable, Proof
from postane.mail.trace import Protocol
from postane.net.stream import Stream
from postane.smtp import commands, replies

from .exchange import Exchange, announced_mechanisms, begin, possible_mechanisms
from .gate import Gate
from .loop import Outbox
from .office import PostOffice
from .record import SessionRecord
from .replies import report
from .smtp_settings import AuthPolicy, SmtpSettings


class Access:
    """Who a client is: the name it gave, the protocol it chose, the account that it proved to be."""

    def __init__(self, office: PostOffice, stream: Stream, record: SessionRecord, settings: SmtpSettings) -> None:
        self._office = office
        self._stream = stream
        self._record = record
        self._extensions = settings.extensions()
        self._gate = Gate(office, record, None if stream.tls is None else stream.tls.client)
        self._exchange: Exchange  # since AUTH; the chart lets no response in before it
        self._has_auth = settings.auth is not AuthPolicy.OFF
        self._mechanisms = announced_mechanisms(office, stream) if self._has_auth else ()
        self.helo = ""
        self.protocol = Protocol.SMTP
        self.account: Account | None = None
        self.is_handshake_due = False

    async def _hello(self, event: commands.Helo | commands.Ehlo | commands.Lhlo, out: Outbox) -> None:
        """RFC 5321 s4.1.1.1."""
        self.helo = event.name
        match event:
            case commands.Helo():
                self.protocol = Protocol.SMTP
            case commands.Ehlo():
                self.protocol = Protocol.ESMTP
            case commands.Lhlo():
                self.protocol = Protocol.LMTP
        lines = () if isinstance(event, commands.Helo) else (*self._extensions, *self._own_extensions())
        out.send(replies.hello(self._office.hostname, lines))

    def _own_extensions(self) -> tuple[str, ...]:
        starttls = ("STARTTLS",) if self._stream.can_start_tls else ()  # RFC 3207 s4.2: not once it is spoken
        auth = (f"AUTH {' '.join(self._mechanisms)}",) if self._mechanisms else ()  # RFC 4954 s3
        return starttls + auth

    async def _starttls(self, event: commands.StartTls, out: Outbox) -> None:
        """RFC 3207 s4: 220, and the handshake comes next."""
        if not self._stream.can_start_tls:
            words = "TLS is spoken already" if self._stream.is_encrypted else f"{event.verb} is not offered here"
            reply = replies.BAD_SEQUENCE if self._stream.is_encrypted else replies.NOT_IMPLEMENTED
            out.send(reply.with_text(words))
            return
        out.send(replies.BEGIN_TLS)
        self.is_handshake_due = True

    async def _auth(self, event: commands.Auth, out: Outbox) -> None:
        """RFC 4954 s4."""
        if not self._has_auth:
            out.send(replies.NOT_IMPLEMENTED.with_text(f"{event.verb} is not offered here"))
        elif self.account is not None:  # RFC 4954 s4: after success no more AUTH commands
            out.send(replies.BAD_SEQUENCE.with_text("you are logged in already"))
        elif event.mechanism in possible_mechanisms(self._office, self._stream):
            self._exchange = begin(self._office, self._stream, self._gate, event.mechanism)
            await self._go_on(self._exchange.start(event.initial), out)
        elif event.mechanism in self._office.mechanisms and not self._office.allows_password(self._stream):
            out.send(replies.TLS_FIRST)
        else:
            out.send(replies.NO_SUCH_MECHANISM)

    async def _response(self, event: commands.AuthResponse, out: Outbox) -> None:
        """RFC 4954 s4: the exchange goes on, or the client has cancelled it."""
        if event.octets is None:
            out.send(replies.CANCELLED)
        else:
            await self._go_on(self._exchange.respond(event.octets), out)

    async def _go_on(self, going: Awaitable[bytes | Proof], out: Outbox) -> None:
        try:
            step = await going
        except AccountsUnavailable as error:
            report(error, self._record.session, error.log)
            out.send(replies.LOGIN_UNAVAILABLE)
            return
        if isinstance(step, bytes):
            out.send(replies.Challenge(step))
            return
        self.account = step.account
        self._record.account, self._record.credential = step.account.name, step.credential
        out.send(replies.LOGGED_IN)

    VERBS: ClassVar[Mapping[type, Callable[..., Awaitable[None]]]] = {
        commands.Auth: _auth,
        commands.AuthResponse: _response,
        commands.Ehlo: _hello,
        commands.Helo: _hello,
        commands.Lhlo: _hello,
        commands.StartTls: _starttls,
    }
