"""A connection to an SMTP or LMTP server that takes messages: from hello to goodbye.

RFC 5321 s3.2 (hello), RFC 3207 s4 (STARTTLS: all that was said before is forgotten), RFC 4954 s4 (AUTH), RFC 2920 s3.1
(the envelope in one go where the server bears it). A password that whoever listens could use again crosses only where
nobody can listen, or where somebody allows it.

Must not know: parcels.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from postane.mail.address import Address
from postane.mail.envelope import Envelope
from postane.net.base import Dial, Link, NetError, Target, TlsMode, Untrusted
from postane.sasl.base import Identity
from postane.sasl.registry import CLEAR_TEXT, CLIENT_MECHANISMS, SERVER_MECHANISMS
from postane.smtp.client import Answer, BodyAnswer, Challenged, EndOfBody, Event, Farewell, Greeting, SmtpClient
from postane.smtp.client_grammar import Extensions, parse_extensions
from postane.smtp.commands import (
    Auth,
    AuthResponse,
    BodyChunk,
    Command,
    Data,
    Ehlo,
    Helo,
    Lhlo,
    Mail,
    Quit,
    Rcpt,
    Rset,
    StartTls,
)
from postane.smtp.replies import Reply
from postane.smtp.states import Dialect, State
from postane.wire.chart import Outcome
from postane.wire.errors import LocalProtocolError, ProtocolError, RemoteProtocolError
from postane.wire.machine import Signal

from .base import Fault, SinkError

PASSWORDS = (*("SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN"),)
TOKENS = ("OAUTHBEARER", "XOAUTH2")
"""Mechanisms from the strongest on."""

CHALLENGES = 10
"""Challenges of one exchange that are answered."""


@dataclass(frozen=True, slots=True)
class SmtpLogin:
    """As whom to log in. `is_clear_allowed`: the password may cross where somebody can listen; `needs_tls`: not even on
    this machine without TLS."""

    name: str
    secret: str = field(repr=False)
    is_token: bool = False
    is_clear_allowed: bool = False
    needs_tls: bool = False


@dataclass(frozen=True, slots=True)
class SmtpServerAt:
    """A server, and how it is to be spoken to; `hostname` is what we call ourselves."""

    target: Target
    dialect: Dialect
    hostname: str
    login: SmtpLogin | None = None


class SmtpSession:
    """One connection. After an error nothing but `abort` is possible."""

    __slots__ = ("_at", "_client", "_link", "extensions", "is_sent")

    def __init__(self, at: SmtpServerAt, link: Link) -> None:
        self._at = at
        self._link = link
        self._client = SmtpClient(at.dialect)
        self.extensions = Extensions()
        self.is_sent = False  # the end of a message was sent: whether it was taken is known by the replies alone

    @classmethod
    async def connect(cls, dial: Dial, at: SmtpServerAt) -> "SmtpSession":
        """A session that is ready for a message. Raises SinkError."""
        try:
            link = await dial(at.target)
        except NetError as error:
            raise _broken(at, error) from error
        session = cls(at, link)
        try:
            await session._begin()
        except BaseException:
            link.abort()
            raise
        return session

    async def send(
        self, sender: Address | None, recipients: Sequence[Address], chunks: AsyncIterator[bytes], octets: int
    ) -> list[Reply]:
        """Send a message; gives a reply for each recipient, the one that decided. Raises SinkError, and what `chunks`
        raises: then the message was not ended, and the connection is to be aborted."""
        self.is_sent = False
        if self._client.state is not State.READY:
            await self._ask(Rset())
        is_utf8 = any(not each.is_ascii for each in (*recipients, *([sender] if sender else [])))
        envelope = Envelope(sender, (), octets if "SIZE" in self.extensions else None, is_utf8=is_utf8)
        replies = await self._say_envelope(Mail(envelope), [Rcpt(each) for each in recipients])
        if self._client.state is not State.DATA:
            return replies
        accepted = [number for number, reply in enumerate(replies) if reply.outcome is Outcome.ACCEPTED]
        if accepted:
            await self._send_body(chunks)
        self.is_sent = bool(accepted)
        self._link.write(self._client.send(EndOfBody()))
        answers = [await self._body_answer() for _ in range(self._client.waiting)]
        for place, number in enumerate(accepted):
            replies[number] = answers[place if self._at.dialect is Dialect.LMTP else 0]
        return replies

    @property
    def is_over(self) -> bool:
        """Whether the server has said that it leaves."""
        return self._client.state is State.CLOSED

    async def quit(self) -> None:
        """Say goodbye. Raises nothing."""
        try:
            await self._ask(Quit())
        except (SinkError, LocalProtocolError):
            self._link.abort()
        else:
            await self._link.close()

    def abort(self) -> None:
        """Close at once."""
        self._link.abort()

    async def _begin(self) -> None:
        greeting = await self._next()
        if not isinstance(greeting, Greeting) or greeting.reply.outcome is not Outcome.ACCEPTED:
            raise self._refused("no service", greeting.reply if isinstance(greeting, Greeting) else None)
        await self._say_hello()
        mode = self._at.target.tls.mode
        if mode in (TlsMode.REQUIRED, TlsMode.OFFERED) and self._link.tls is None:
            if "STARTTLS" in self.extensions:
                await self._start_tls()
            elif mode is TlsMode.REQUIRED:
                text = f"{self._at.target}: the server does not offer STARTTLS"
                raise SinkError(text, may_pass=False, fault=Fault.TRUST)
        if self._at.login is not None:
            await self._log_in(self._at.login)

    async def _say_hello(self) -> None:
        name = self._at.hostname
        reply = await self._ask(Lhlo(name) if self._at.dialect is Dialect.LMTP else Ehlo(name))
        if reply.outcome is not Outcome.ACCEPTED and self._at.dialect is Dialect.SMTP and reply.code in (500, 502, 550):
            reply = await self._ask(Helo(name))  # RFC 5321 s3.2: an old server
        if reply.outcome is not Outcome.ACCEPTED:
            raise self._refused("hello is refused", reply)
        self.extensions = parse_extensions(reply)

    async def _start_tls(self) -> None:
        reply = await self._ask(StartTls())
        if reply.outcome is not Outcome.ACCEPTED:
            raise self._refused("STARTTLS is refused", reply)
        try:
            await self._link.start_tls()
        except NetError as error:
            raise _broken(self._at, error) from error
        self._client = SmtpClient(self._at.dialect, is_greeted=True)
        await self._say_hello()

    async def _log_in(self, login: SmtpLogin) -> None:
        bindings = self._link.tls.bindings if self._link.tls is not None else {}
        offered = self.extensions.mechanisms
        is_clear_fit = (
            self._link.tls is not None if login.needs_tls else self._link.is_private or login.is_clear_allowed
        )
        for name in TOKENS if login.is_token else PASSWORDS:
            means = SERVER_MECHANISMS[name]
            if name in offered and (is_clear_fit or means.means not in CLEAR_TEXT):
                if means.needs_binding and not bindings:
                    continue
                has_plus = any(each.endswith("-PLUS") for each in offered)
                identity = Identity(login.name, login.secret, secrets.token_urlsafe(18), bindings, has_plus)
                return await self._authenticate(name, identity)
        why = "offers no way to log in" if is_clear_fit or not offered else "wants a password in clear text"
        raise SinkError(f"{self._at.target}: the server {why}", may_pass=False, fault=Fault.LOGIN)

    async def _authenticate(self, name: str, identity: Identity) -> None:
        mechanism = CLIENT_MECHANISMS[name](identity)
        try:
            self._say(Auth(name, mechanism.start()))
            for _ in range(CHALLENGES):
                event = await self._next()
                if isinstance(event, Answer):
                    if event.reply.outcome is not Outcome.ACCEPTED:
                        raise self._refused(f"the login as {identity.name} is refused", event.reply, Fault.LOGIN)
                    mechanism.finish()
                    return
                if isinstance(event, Challenged):  # in a thread: a server may ask for a second of work
                    response = await asyncio.to_thread(mechanism.step, event.octets)
                    self._say(AuthResponse(response))
        except ProtocolError as error:
            text = f"{self._at.target}: the login failed: {error.text}"
            raise SinkError(text, may_pass=False, fault=Fault.LOGIN) from error
        raise SinkError(f"{self._at.target}: the server asks and asks")

    async def _say_envelope(self, mail: Mail, recipients: Sequence[Rcpt]) -> list[Reply]:
        """A reply for each recipient; the machine waits for the message where one was accepted."""
        if "PIPELINING" in self.extensions:
            self._say(mail, *recipients, Data())
            first = await self._answer()
            replies = [await self._answer() for _ in recipients]
            last = await self._answer()
        else:
            first = last = await self._ask(mail)
            replies = [first for _ in recipients]
            if first.outcome is Outcome.ACCEPTED:
                replies = [await self._ask(each) for each in recipients]
                if any(reply.outcome is Outcome.ACCEPTED for reply in replies):
                    last = await self._ask(Data())
        if first.outcome is not Outcome.ACCEPTED:
            return [first for _ in recipients]
        if last.outcome is not Outcome.CONTINUED:
            return [last if reply.outcome is Outcome.ACCEPTED else reply for reply in replies]
        return replies

    async def _send_body(self, chunks: AsyncIterator[bytes]) -> None:
        async for chunk in chunks:
            self._link.write(self._client.send(BodyChunk(chunk)))
            if not self._link.is_writable:
                try:
                    await self._link.drain()
                except NetError as error:
                    raise _broken(self._at, error) from error

    def _say(self, *commands: Command) -> None:
        self._link.write(b"".join(map(self._client.send, commands)))

    async def _ask(self, command: Command) -> Reply:
        self._say(command)
        return await self._answer()

    async def _answer(self) -> Reply:
        event = await self._next()
        if not isinstance(event, Answer) or (event.reply.code == 421 and not isinstance(event.command, Quit)):
            raise self._refused("the server ends the session", None if isinstance(event, Challenged) else event.reply)
        return event.reply

    async def _body_answer(self) -> Reply:
        event = await self._next()
        if not isinstance(event, BodyAnswer):
            raise self._refused("the server ends the session", None if isinstance(event, Challenged) else event.reply)
        return event.reply

    async def _next(self) -> Event:
        try:
            while isinstance(event := self._client.next_event(), Signal):
                if event is Signal.PAUSED:
                    raise SinkError(f"{self._at.target}: the server has ended the session")
                self._client.feed(await self._link.read())
        except NetError as error:
            raise _broken(self._at, error) from error
        except RemoteProtocolError as error:
            raise self._no_server(error) from error
        if isinstance(event, Farewell):
            raise self._refused("the server ends the session", event.reply)
        return event

    def _no_server(self, error: RemoteProtocolError) -> SinkError:
        """It cannot be understood. Whose first words are none of SMTP's will not speak it later."""
        if self._client.state is not State.GREETING:
            return SinkError(f"{self._at.target}: {error.text}")
        text = f"{self._at.target} is no {self._at.dialect.upper()} server: {error.text}"
        return SinkError(text, may_pass=False, fault=Fault.TRUST)

    def _refused(self, what: str, reply: Reply | None, fault: Fault = Fault.PLACE) -> SinkError:
        said = "" if reply is None else f": {in_short(reply)}"
        return SinkError(f"{self._at.target}: {what}{said}", may_pass=reply is None or reply.code < 500, fault=fault)


def _broken(at: SmtpServerAt, error: NetError) -> SinkError:
    """Who is not believed today is not believed tomorrow."""
    is_trust = isinstance(error, Untrusted)
    text = error.text if str(at.target) in error.text else f"{at.target}: {error.text}"
    return SinkError(text, may_pass=not is_trust, fault=Fault.TRUST if is_trust else Fault.PLACE)


def in_short(reply: Reply) -> str:
    """A reply for people: "550 5.1.1 no such mailbox"."""
    words = (str(reply.code), reply.enhanced, *reply.lines)
    text = " ".join(word.strip() for word in words if word.strip())[:300]
    return "".join(letter if letter.isprintable() else "?" for letter in text)
