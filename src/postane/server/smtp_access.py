"""SMTP's and LMTP's verbs by which a client says who it is: EHLO, HELO, LHLO, STARTTLS, AUTH, XCLIENT.

RFC 5321 s4.1.1.1, RFC 3207 s4, RFC 4954 s4, Postfix's XCLIENT_README. What a client said before a TLS handshake is not
known after it.

Must not know: grammar, messages, maildrops.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import ClassVar

from postane.accounts.base import Account, AccountsUnavailable, LoginRefused, Proof
from postane.mail.trace import Passage, Protocol
from postane.net.stream import UNKNOWN, Peer, Stream
from postane.smtp import commands, replies
from postane.smtp.xclient import ATTRIBUTES

from .desk import Outbox
from .exchange import Exchange, begin
from .gate import Gate
from .office import PostOffice
from .record import SessionRecord
from .replies import report
from .smtp_settings import AuthPolicy, SmtpSettings


class Access:
    """Who a client is: the name it gave, the protocol it chose, the account that it proved to be."""

    is_handshake_due = False
    is_relayed = False
    """Whether a mail server in front speaks for the client, by XCLIENT."""

    name = ""
    """What that server calls the client."""

    def __init__(self, office: PostOffice, stream: Stream, record: SessionRecord, settings: SmtpSettings) -> None:
        self._office = office
        self._stream = stream
        self._record = record
        self._settings = settings
        self._exchange: Exchange  # since AUTH; the chart lets no response in before it
        self.account: Account | None = None
        self._has_auth = settings.auth is not AuthPolicy.OFF
        self._begin()

    def _begin(self) -> None:
        """Nothing is known but the connection."""
        tls = self._stream.tls
        self._gate = Gate(self._office, self._record, None if tls is None else tls.client)
        self._mechanisms = self._office.offers(self._stream).announced if self._has_auth else ()
        self.helo = ""
        self.protocol = Protocol.SMTP

    def passage(self, name: str, now: float, *, is_utf8: bool) -> Passage:
        """How a message came in, which is called `name` here."""
        peer, is_encrypted = self._record.peer, self._stream.is_encrypted
        is_known = self.account is not None
        return Passage(self.helo, peer.address, self.protocol, name, now, is_utf8, is_encrypted, is_known, self.name)

    def _hello(self, event: commands.Helo | commands.Ehlo | commands.Lhlo, out: Outbox) -> None:
        """RFC 5321 s4.1.1.1."""
        self.helo = event.name
        match event:
            case commands.Helo():
                self.protocol = Protocol.SMTP
            case commands.Ehlo():
                self.protocol = Protocol.ESMTP
            case commands.Lhlo():
                self.protocol = Protocol.LMTP
        lines = () if isinstance(event, commands.Helo) else (*self._settings.extensions(), *self._own_extensions())
        out.send(replies.hello(self._office.hostname, lines))

    def _own_extensions(self) -> tuple[str, ...]:
        starttls = ("STARTTLS",) if self._stream.can_start_tls else ()  # RFC 3207 s4.2: not once it is spoken
        auth = (f"AUTH {' '.join(self._mechanisms)}",) if self._mechanisms else ()  # RFC 4954 s3
        xclient = (f"XCLIENT {' '.join(ATTRIBUTES)}",) if self._may_speak_for_others else ()
        return starttls + auth + xclient

    def _starttls(self, event: commands.StartTls, out: Outbox) -> None:
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
        elif event.mechanism in self._office.offers(self._stream).possible:
            self._exchange = begin(self._office, self._stream, self._gate, event.mechanism)
            await self._go_on(self._exchange.start(event.initial), out)
        elif event.mechanism in self._office.mechanisms and not self._office.allows_password(self._stream):
            out.send(replies.TLS_FIRST)
        else:
            out.send(replies.NO_SUCH_MECHANISM)

    async def _response(self, event: commands.AuthResponse, out: Outbox) -> None:
        """RFC 4954 s4: the exchange goes on, or the client has cancelled it."""
        if event.octets is None:
            self._exchange.cancel()
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
        self._admit(step)
        self._record.mechanism = self._exchange.name
        out.send(replies.LOGGED_IN)

    def _admit(self, proof: Proof | None) -> None:
        """From now on it is known who the client is, or that nobody knows."""
        self.account = None if proof is None else proof.account
        self._record.account = None if proof is None else proof.account.name
        self._record.credential = None if proof is None else proof.credential
        self._record.mechanism = None

    @property
    def _may_speak_for_others(self) -> bool:
        """Who it is now counts: a client that was spoken for, and whose octets go through a mail server as they are,
        speaks for nobody else."""
        return self._record.peer.host in self._settings.xclient

    async def _xclient(self, event: commands.Xclient, out: Outbox) -> None:
        """XCLIENT_README: the session is where it was after the greeting, and the client is another one."""
        if not self._settings.xclient:
            out.send(replies.NOT_IMPLEMENTED.with_text(f"{event.verb} is not offered here"))
            return
        if not self._may_speak_for_others:
            out.send(replies.NOT_TRUSTED)
            return
        try:
            proof = None if event.login is None else await self._office.accounts.admit(event.login, "xclient")
        except LoginRefused:
            out.send(replies.NOT_TRUSTED.with_text("no such account here"))
            return
        except AccountsUnavailable as error:
            report(error, self._record.session, error.log)
            out.send(replies.LOGIN_UNAVAILABLE)
            return
        self._speak_for(event)
        self._begin()
        self._admit(proof)
        out.send(replies.greeting(self._office.hostname, "ESMTP"))

    def _speak_for(self, event: commands.Xclient) -> None:
        peer = self._record.peer
        port = peer.port if event.port is None else event.port
        if event.address is None:
            client = replace(peer, port=port)
        else:
            client = Peer(event.address or UNKNOWN, port, speaker=peer)
        self._stream.speak_for(client)
        self._record.peer = client
        self.is_relayed = True
        self.name = self.name if event.name is None else event.name

    VERBS: ClassVar[Mapping[type, Callable[..., Awaitable[None] | None]]] = {
        commands.Auth: _auth,
        commands.AuthResponse: _response,
        commands.Ehlo: _hello,
        commands.Helo: _hello,
        commands.Lhlo: _hello,
        commands.StartTls: _starttls,
        commands.Xclient: _xclient,
    }
