"""A small SMTP or LMTP server for the tests of those who send: it takes messages, and says what a test wants it to."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from postane.net.base import Target, TlsMode, TlsPolicy
from postane.smtp import replies
from postane.smtp.body import BodyLimits
from postane.smtp.commands import (
    Auth,
    AuthResponse,
    BodyChunk,
    BodyEnd,
    Command,
    Data,
    Ehlo,
    Lhlo,
    Mail,
    Quit,
    Rcpt,
    StartTls,
)
from postane.smtp.replies import Challenge, Reply
from postane.smtp.server import SmtpServer
from postane.smtp.states import Dialect, State
from postane.wire.errors import RemoteProtocolError
from postane.wire.machine import PAUSED, Signal

from .scripted import serving

Said = Command | BodyEnd
Answers = Callable[[Said], Reply | list[Reply] | None]
"""What to say to a command or to a message; None: what one would expect. A 421 ends the session."""


@dataclass(slots=True)
class Receiver:
    """What was said to it, and taken. `drop_after` are octets of messages after which a connection is cut."""

    dialect: Dialect = Dialect.SMTP
    extensions: tuple[str, ...] = ("PIPELINING", "SIZE 50000000", "8BITMIME", "SMTPUTF8")
    answers: Answers = lambda _: None
    context: ssl.SSLContext | None = None
    is_cutting: Callable[[Said], bool] = lambda _: False
    heard: list[Said] = field(default_factory=list)
    messages: list[tuple[Mail, list[str], bytes]] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    def target(self, mode: TlsMode = TlsMode.NONE) -> Target:
        return Target("127.0.0.1", self.port, TlsPolicy(mode, is_checked=False), timeout=20.0)

    async def play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        visit = _Visit(self, SmtpServer(self.dialect, BodyLimits()))
        writer.write(visit.machine.send(replies.greeting("receiver.test", "ESMTP")))
        while visit.machine.state is not State.CLOSED:
            try:
                event = visit.machine.next_event()
            except RemoteProtocolError as error:
                event = PAUSED
                writer.write(visit.machine.send(replies.BY_FAULT[error.fault]))
                continue
            if isinstance(event, Signal):
                if not (octets := await reader.read(65536)):
                    return
                visit.machine.feed(octets)
            elif isinstance(event, BodyChunk):
                visit.body += event.octets
            else:
                self.heard.append(event)
                if self.is_cutting(event):
                    return
                writer.write(visit.machine.send(visit.answer(event)))
                if visit.machine.state is State.HANDSHAKE:
                    assert self.context is not None
                    await writer.start_tls(self.context)
                    visit.machine = SmtpServer(self.dialect, BodyLimits(), is_greeted=True)


class _Visit:
    """What is known of one connection."""

    def __init__(self, receiver: Receiver, machine: SmtpServer) -> None:
        self.receiver, self.machine = receiver, machine
        self.mail: Mail | None = None
        self.recipients: list[str] = []
        self.body = b""

    def answer(self, event: Said) -> Reply | list[Reply] | Challenge:
        """The reply, noting what it does."""
        given = self.receiver.answers(event)
        if isinstance(event, Mail):
            self.mail, self.recipients, self.body = event, [], b""
        elif isinstance(event, Rcpt) and (given is None or (isinstance(given, Reply) and given.code < 300)):
            self.recipients.append(str(event.address))
        elif isinstance(event, BodyEnd):
            return self._take(given)
        return _expected(event, self.receiver) if given is None else given

    def _take(self, given: Reply | list[Reply] | None) -> Reply | list[Reply]:
        said = given if isinstance(given, list) else [given or replies.STORED] * len(self.recipients)
        got = [name for name, reply in zip(self.recipients, said, strict=True) if reply.code < 300]
        assert self.mail is not None
        if got:
            self.receiver.messages.append((self.mail, got, self.body))
        return said if self.receiver.dialect is Dialect.LMTP else said[0]


def _expected(event: Said, receiver: Receiver) -> Reply | Challenge:
    match event:
        case Ehlo() | Lhlo():
            return replies.hello("receiver.test", receiver.extensions)
        case Data():
            return replies.GO_ON
        case StartTls():
            return replies.BEGIN_TLS
        case Auth(_, None):
            return Challenge(b"")
        case Auth() | AuthResponse():
            return replies.LOGGED_IN
        case Quit():
            return replies.GOODBYE
    return replies.DONE


@asynccontextmanager
async def receiving(**how: object) -> AsyncIterator[Receiver]:
    """A receiver on a free port."""
    receiver = Receiver(**how)  # type: ignore[arg-type]
    async with serving(receiver.play) as receiver.port:
        yield receiver
