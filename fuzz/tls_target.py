"""TLS begun in the middle of a session as a target of fuzzing: nothing said in clear counts after the handshake.

The real loop, machine and desk over a stream in memory. After the handshake a session must be the same as one that
began with TLS and was told the later octets alone; octets that came before the handshake, behind the command that
begins it, must end the session, and be answered by nothing but one refusal.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import structlog

from drive import read_case
from postane.accounts.memory import MemoryAccounts
from postane.net.memory import FACTS, MemoryStream
from postane.net.stream import Peer
from postane.pop3.server import Pop3Server
from postane.sasl.registry import SERVER_MECHANISMS
from postane.server.desk import Desk
from postane.server.loop import Conversation, converse
from postane.server.office import PostOffice
from postane.server.pop3 import Pop3Desk
from postane.server.record import Ending, SessionRecord
from postane.server.smtp import SmtpDesk
from postane.server.smtp_settings import SmtpSettings
from postane.smtp.server import SmtpServer
from postane.smtp.states import Dialect
from support.pop3 import HOST, NOW, make_office

PEER = Peer("192.0.2.7", 4000)
OCTETS = 20_000
"""A case's at most: how much a machine holds is other targets' business."""

Make = Callable[[PostOffice, MemoryStream, SessionRecord], tuple[Any, Desk]]

_RCPT = b"RCPT TO:<mrose@dbc.mtview.ca.us>\r\n"
_SEEDS = {
    "pop3": [
        b"CAPA\r\nSTLS\r\nCAPA\r\nUSER mrose\r\nPASS tanstaaf\r\nSTAT\r\nQUIT\r\n",
        b"UTF8\r\nLANG de\r\nUSER mrose\r\nSTLS\r\nPASS tanstaaf\r\nSTLS\r\nQUIT\r\n",
        b"AUTH PLAIN\r\n*\r\nSTLS\r\nAUTH PLAIN AG1yb3NlAHRhbnN0YWFm\r\nLIST\r\nDELE 1\r\nQUIT\r\n",
        b"STLS\r\nUSER mrose\r\nPASS tanstaaf\r\n",
        b"STLS x\r\n STLS\r\nstls\r\nNOOP\r\n",
    ],
    "smtp": [
        b"EHLO a\r\nSTARTTLS\r\nEHLO b\r\nMAIL FROM:<a@b>\r\n" + _RCPT + b"DATA\r\nx\r\n.\r\nQUIT\r\n",
        b"EHLO a\r\nMAIL FROM:<a@b>\r\nSTARTTLS\r\n" + _RCPT + b"DATA\r\nSTARTTLS\r\n.\r\n",
        b"EHLO a\r\nAUTH PLAIN\r\n*\r\nSTARTTLS\r\nAUTH PLAIN AG1yb3NlAHRhbnN0YWFm\r\nEHLO a\r\nQUIT\r\n",
        b"STARTTLS\r\nMAIL FROM:<>\r\nRSET\r\nSTARTTLS\r\n",
    ],
}
_SEEDS["lmtp"] = [seed.replace(b"EHLO", b"LHLO") for seed in _SEEDS["smtp"]]


def tls_targets() -> dict[str, Callable[[bytes], None]]:
    """By their names: `tls_pop3`, `tls_smtp`, `tls_lmtp`."""
    return {f"tls_{protocol}": partial(_fuzz, make) for protocol, make in _MAKERS.items()}


def tls_seeds(target: str) -> list[bytes]:
    """What right clients say, and some that are too early."""
    return _SEEDS[target.removeprefix("tls_")]


class _Witness(MemoryStream):
    """Notes what was written until the handshake, in `clear`, and whether the session waits for more."""

    def __init__(self, *, is_encrypted: bool) -> None:
        super().__init__(PEER, is_encrypted=is_encrypted, offers_tls=FACTS)
        self.last_words: bytes | None = None
        self.clear = b""
        self.is_waited_for = False

    def give(self, octets: bytes) -> None:
        self.is_waited_for = False
        super().give(octets)

    def attend(self, call: Callable[[], None] | None) -> None:
        self.is_waited_for = call is not None
        super().attend(call)

    async def start_tls(self, last_words: bytes) -> None:
        assert self.last_words is None, "a second handshake"
        self.last_words = last_words
        await super().start_tls(last_words)
        self.clear = self.take()


class _Talk:
    """One session, told octets piece by piece."""

    def __init__(self, make: Make, *, is_encrypted: bool) -> None:
        accounts = MemoryAccounts(own_domains=(HOST,))
        accounts.add("mrose", password="tanstaaf")
        office = make_office(accounts=accounts, mechanisms=tuple(SERVER_MECHANISMS))
        self.stream = _Witness(is_encrypted=is_encrypted)
        machine, desk = make(office, self.stream, SessionRecord("s", "test", PEER, NOW))
        self.talk = Conversation(self.stream, machine, desk)
        self.task = asyncio.create_task(converse(self.talk))

    async def give(self, octets: bytes) -> None:
        if octets:
            self.stream.give(octets)
        while not self.task.done() and not self.stream.is_waited_for:  # noqa: ASYNC110 - it may end instead
            await asyncio.sleep(0)

    async def end(self) -> Ending:
        self.stream.end()
        ending = await self.task
        await self.talk.desk.close()
        return ending


def _fuzz(make: Make, data: bytes) -> None:
    """Lines come one by one, or the octets in pieces that end anywhere."""
    case = read_case(data)
    octets = case.octets[:OCTETS]
    pieces = octets.splitlines(keepends=True) if case.variant % 2 else case.pieces[: len(octets)]
    with structlog.testing.capture_logs():
        asyncio.run(_check(make, pieces))


async def _check(make: Make, pieces: list[bytes]) -> None:
    talk = _Talk(make, is_encrypted=False)
    await talk.give(b"")
    given = 0
    while given < len(pieces) and not talk.task.done() and talk.stream.tls is None:
        await talk.give(pieces[given])
        given += 1
    if talk.stream.tls is None:
        ending = await talk.end()
        if talk.stream.last_words is not None:
            assert ending is Ending.NOT_SECURED, ending
        return
    before = b"".join(pieces[:given])
    assert before.rstrip().upper().endswith((b"STLS", b"STARTTLS")), before
    assert talk.stream.clear.endswith(talk.stream.last_words or b"?")
    later = b"".join(pieces[given:])
    await talk.give(later)
    said, ending = talk.stream.take(), await talk.end()
    said += talk.stream.take()

    fresh = _Talk(make, is_encrypted=True)
    await fresh.give(b"")
    fresh.stream.take()
    await fresh.give(later)
    expected = fresh.stream.take()
    assert (ending, said) == (await fresh.end(), expected + fresh.stream.take())


def _pop3(office: PostOffice, stream: MemoryStream, record: SessionRecord) -> tuple[Any, Desk]:
    return Pop3Server(), Pop3Desk(office, stream, record)


def _mail(dialect: Dialect, office: PostOffice, stream: MemoryStream, record: SessionRecord) -> tuple[Any, Desk]:
    settings = SmtpSettings(dialect)
    return SmtpServer(dialect, settings.body), SmtpDesk(office, stream, record, settings)


_MAKERS: dict[str, Make] = {
    "pop3": _pop3,
    "smtp": partial(_mail, Dialect.SMTP),
    "lmtp": partial(_mail, Dialect.LMTP),
}
