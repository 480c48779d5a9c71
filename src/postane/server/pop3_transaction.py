"""POP3's verbs after login: check the argument, ask the store, make the reply.

RFC 1939 s5 and s7. What cannot be opened is refused before any +OK; a large body goes no faster than the client reads.

Must not know: grammar, files, SQL.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import ClassVar

from postane.mail.snapshot import Snapshot
from postane.mail.top import TopCutter
from postane.maildrop.base import MaildropSession, OpenMessage
from postane.pop3.commands import Command, Dele, List, Retr, Top, Uidl, Verb
from postane.pop3.replies import Chunk, Closing, Listing, Message, Opening, ok
from postane.wire.phrases import counted, phrase

from .loop import Outbox
from .record import SessionRecord
from .surrogate import surrogate

CHUNK = 256 * 1024
"""Octets of a large body that are read at a time."""


class Transaction:
    """The verbs of the TRANSACTION state over an open maildrop; `patience` is for a client that takes a large body.

    Unless `is_utf8`, messages with a header part that is not ASCII are given as their surrogates (RFC 6856 s2.1).
    """

    def __init__(self, session: MaildropSession, record: SessionRecord, patience: float, *, is_utf8: bool) -> None:
        self._session = session
        self._record = record
        self._patience = patience
        self._retrieved: set[int] = set()
        self.highest = 0  # RFC 1460 s5: the highest number that RETR or DELE named
        self._is_utf8 = is_utf8
        if not is_utf8:
            session.snapshot.show_surrogates()

    def delete_retrieved(self) -> None:
        """RFC 2449 s6.7, EXPIRE 0: mail may not be left here, so what was taken counts as deleted."""
        for number in self._retrieved.difference(self._session.snapshot.deleted):
            self._session.snapshot.delete(number)

    async def _stat(self, event: Command, out: Outbox) -> None:
        """RFC 1939 s5, STAT."""
        del event
        snapshot = self._session.snapshot
        out.send(ok(f"{snapshot.count} {snapshot.octets}"))

    async def _list(self, event: List, out: Outbox) -> None:
        """RFC 1939 s5, LIST: messages marked as deleted are not listed."""
        snapshot = await self._loaded()
        if event.number is not None:
            out.send(ok(f"{event.number} {snapshot.size(event.number)}"))
            return
        lines = "".join([f"{number} {size}\r\n" for number, size in snapshot.sizes()])
        one, many = "{count} message ({octets} octets)", "{count} messages ({octets} octets)"
        out.send(Listing(counted(one, many, snapshot.count, octets=snapshot.octets), lines.encode("ascii")))

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
        message = await self._session.open_message(event.number)
        facts = message.facts
        if facts.excess is not None and not self._is_utf8:
            message, facts = surrogate(message)
        self._record.messages += 1
        self._record.octets += facts.octets
        if message.rest is None:
            out.send(Message(facts.octets, message.head, facts.is_dotted))
        else:
            await self._stream(message, Opening(facts.octets, facts.is_dotted), None, out)
        self._retrieved.add(event.number)
        self.highest = max(self.highest, event.number)

    async def _top(self, event: Top, out: Outbox) -> None:
        """RFC 1939 s7, TOP: the header part, the empty line, and so many lines of the body."""
        (await self._loaded()).check(event.number)
        message = await self._session.open_message(event.number)
        if message.facts.excess is not None and not self._is_utf8:
            message, _ = surrogate(message)  # RFC 6858 s4: the lines are those of the surrogate
        cutter = TopCutter(message.facts.header_octets, event.lines)
        if message.rest is None:
            out.send(Message("top of message follows", cutter.feed(message.head), message.facts.is_dotted))
        else:
            await self._stream(message, Opening("top of message follows", message.facts.is_dotted), cutter, out)

    async def _dele(self, event: Dele, out: Outbox) -> None:
        """RFC 1939 s5, DELE: only marks; QUIT deletes."""
        (await self._loaded()).delete(event.number)
        self.highest = max(self.highest, event.number)
        out.send(ok(phrase("message {number} deleted", number=event.number)))

    async def _noop(self, event: Command, out: Outbox) -> None:
        """RFC 1939 s5, NOOP."""
        del event
        out.send(ok())

    async def _rset(self, event: Command, out: Outbox) -> None:
        """RFC 1939 s5, RSET."""
        del event
        snapshot = self._session.snapshot
        snapshot.reset()
        self.highest = 0
        one, many = "maildrop has {count} message ({octets} octets)", "maildrop has {count} messages ({octets} octets)"
        out.send(ok(counted(one, many, snapshot.count, octets=snapshot.octets)))

    async def _loaded(self) -> Snapshot:
        if not self._session.snapshot.is_loaded:
            await self._session.load()
        return self._session.snapshot

    async def _stream(self, message: OpenMessage, opening: Opening, cutter: TopCutter | None, out: Outbox) -> None:
        """A large body, chunk by chunk, no faster than the client reads."""
        try:
            octets = await message.read(CHUNK)
            out.send(opening)
            out.patience = self._patience
            while octets and not (cutter and cutter.is_done):
                out.send(Chunk(cutter.feed(octets) if cutter else octets))
                await out.flush()
                octets = await message.read(CHUNK)
            out.send(Closing())
        finally:
            await message.close()

    VERBS: ClassVar[Mapping[Verb, Callable[..., Awaitable[None]]]] = {
        Verb.DELE: _dele,
        Verb.LIST: _list,
        Verb.NOOP: _noop,
        Verb.RETR: _retr,
        Verb.RSET: _rset,
        Verb.STAT: _stat,
        Verb.TOP: _top,
        Verb.UIDL: _uidl,
    }
