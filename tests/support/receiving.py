"""A post office in memory that receives mail: accounts, drops, and desks for SMTP and LMTP."""

import itertools
from dataclasses import dataclass, field
from functools import partial

from postane.accounts.memory import MemoryAccounts
from postane.accounts.throttle import private_throttle
from postane.maildrop.base import Holder, Lock, MaildropStore
from postane.maildrop.memory import memory_store
from postane.net.memory import MemoryStream
from postane.net.stream import Peer, TlsFacts
from postane.server.limits import Limits, private_tally
from postane.server.office import PostOffice
from postane.server.record import SessionRecord
from postane.server.smtp import SmtpDesk, SmtpSettings
from postane.smtp.server import SmtpServer

from .transcript import Session

NOW = 1_000_000_000.0
"""Sun, 9 Sep 2001 01:46:40 +0000"""


@dataclass
class ReceivingOffice:
    """Hands out sessions, and what the drops hold afterwards."""

    hostname: str = "foo.com"
    peer: Peer = field(default_factory=partial(Peer, "192.0.2.7", 4000))
    maildrops: MaildropStore = field(default_factory=memory_store)
    mechanisms: tuple[str, ...] = ()
    tls: TlsFacts | None = None

    def __post_init__(self) -> None:
        self.accounts = MemoryAccounts(own_domains=(self.hostname, "localhost"))
        self.record: SessionRecord | None = None
        self.desk: SmtpDesk | None = None
        self.stream: MemoryStream | None = None
        self._tokens = map("s{}".format, itertools.count(1))

    @property
    def office(self) -> PostOffice:
        """As the desks see it."""

        def now() -> float:
            return NOW

        return PostOffice(
            hostname=self.hostname,
            implementation="Postane",
            accounts=self.accounts,
            maildrops=self.maildrops,
            limits=Limits(),
            lock=Lock(),
            throttle=private_throttle(0.0, now),
            sessions_by_account=private_tally(),
            clock=now,
            token=lambda: next(self._tokens),
            mechanisms=self.mechanisms,
        )

    def session(self, settings: SmtpSettings | None = None) -> Session:
        """A connection comes in."""
        settings = settings or SmtpSettings()
        office, stream = self.office, MemoryStream(self.peer)
        stream.tls, self.stream = self.tls, stream
        self.record = SessionRecord(office.token(), "smtp", self.peer, NOW)
        self.desk = SmtpDesk(office, stream, self.record, settings)
        return Session(SmtpServer(settings.dialect, settings.body), self.desk, stream)

    async def messages(self, drop: str) -> list[bytes]:
        """All messages of a drop, whole."""
        session = await self.maildrops.open(drop, Holder("test", "here", "test", NOW), Lock())
        try:
            await session.load()
            return [await _read(session, number) for number in range(1, session.snapshot.total + 1)]
        finally:
            await session.close()


async def _read(session: object, number: int) -> bytes:
    message = await session.open_message(number)  # type: ignore[attr-defined]
    octets: bytes = message.head
    while message.rest is not None and (more := await message.rest.read(1 << 20)):
        octets += more
    await message.close()
    return octets
