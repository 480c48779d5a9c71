"""POP3's verbs after login: check the argument, ask the store, make the reply.

RFC 1939 s5 and s7. What cannot be opened is refused before any +OK; a large body goes no faster than the client reads.

Must not know: grammar, files, SQL.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import ClassVar

from postane.mail.top import TopCutter
from postane.maildrop.base import MaildropError, MaildropSession, OpenMessage
from postane.pop3.commands import Command, Dele, List, Retr, Top, Uidl, Verb
from postane.pop3.replies import Chunk, Closing, Listing, Message, Messages, Opening, Repeated, ok
from postane.wire.phrases import Phrase, counted, phrase

from .desk import FLUSH_AT, Outbox
from .record import SessionRecord
from .surrogate import surrogate

CHUNK = 256 * 1024
"""Octets of a large body that are read at a time."""


DELETED = phrase("message {number} deleted").one


class Transaction:
    """The verbs of the TRANSACTION state over an open maildrop; `patience` is for a client that takes a large body.

    Unless `is_utf8`, messages with a header part that is not ASCII are given as their surrogates (RFC 6856 s2.1).
    """

    __slots__ = ("_is_utf8", "_patience", "_record", "_retrieved", "_session", "highest")

    def __init__(self, session: MaildropSession, record: SessionRecord, patience: float, *, is_utf8: bool) -> None:
        self._session = session
        self._record = record
        self._patience = patience
        self._retrieved: set[int] | None = None  # with the first of them: ten thousand sessions take none
        self.highest = 0  # RFC 1460 s5: the highest number that RETR or DELE named
        self._is_utf8 = is_utf8
        if not is_utf8:
            session.snapshot.show_surrogates()

    def delete_retrieved(self) -> None:
        """RFC 2449 s6.7, EXPIRE 0: mail may not be left here, so what was taken counts as deleted."""
        snapshot = self._session.snapshot
        for number in (self._retrieved or set()).difference(snapshot.deleted):
            snapshot.delete(number)

    def _stat(self, event: Command, out: Outbox) -> None:
        """RFC 1939 s5, STAT."""
        del event
        snapshot = self._session.snapshot
        out.send(ok(f"{snapshot.count} {snapshot.octets}"))

    def _list(self, event: List, out: Outbox) -> Awaitable[None] | None:
        """RFC 1939 s5, LIST: messages marked as deleted are not listed."""
        snapshot = self._session.snapshot
        if not (snapshot.is_loaded or self._session.load_now()):
            return self._load_first(event, out)
        if event.number is not None:
            out.send(ok(f"{event.number} {snapshot.size(event.number)}"))
            return None
        one, many = "{count} message ({octets} octets)", "{count} messages ({octets} octets)"
        out.send(Listing(counted(one, many, snapshot.count, octets=snapshot.octets), snapshot.list_lines()))
        return None

    def _uidl(self, event: Uidl, out: Outbox) -> Awaitable[None] | None:
        """RFC 1939 s7, UIDL."""
        snapshot = self._session.snapshot
        if not (snapshot.is_loaded or self._session.load_now()):
            return self._load_first(event, out)
        if event.number is not None:
            out.send(ok(f"{event.number} {snapshot.uidl(event.number)}"))
            return None
        out.send(Listing("unique-ids follow", snapshot.uidl_lines()))
        return None

    def _retr(self, event: Retr, out: Outbox) -> Awaitable[None] | None:
        """RFC 1939 s5, RETR. What cannot be opened is refused before any +OK."""
        snapshot = self._session.snapshot
        if not (snapshot.is_loaded or self._session.load_now()):
            return self._load_first(event, out)
        number = event.number
        snapshot.check(number)
        message = self._session.ready(number)
        if message is None:
            return self._retr_later(number, out)
        first = self._given(number, message)
        out.send(self._run(first, event.ahead, out) if event.ahead else first)
        return None

    def _run(self, first: Message, ahead: Sequence[int], out: Outbox) -> Messages:
        """What was asked for in one pipeline, as far as it is at hand. What cannot be given is left to be asked for
        alone, and is refused then."""
        snapshot, ready = self._session.snapshot, self._session.ready
        run, octets = [first], len(first.octets)
        for number in ahead:
            if octets >= FLUSH_AT or not snapshot.stands(number):
                break
            try:
                message = ready(number)
            except MaildropError:
                break
            if message is None:
                break
            run.append(self._given(number, message))
            octets += len(message.head)
        self._record.commands += len(run) - 1
        out.answered += len(run) - 1
        return Messages(run)

    async def _retr_later(self, number: int, out: Outbox) -> None:
        message = await self._session.open_message(number)
        if message.rest is None:
            out.send(self._given(number, message))
            return
        facts = message.facts
        if facts.excess is not None and not self._is_utf8:
            message, facts = surrogate(message)
        self._note_given(number, facts.octets)
        await self._stream(message, Opening(facts.octets, facts.is_dotted), None, out)

    def _given(self, number: int, message: OpenMessage) -> Message:
        """A message that is wholly in memory."""
        facts = message.facts
        if facts.excess is not None and not self._is_utf8:
            message, facts = surrogate(message)
        self._note_given(number, facts.octets)
        return Message(facts.octets, message.head, facts.is_dotted)

    def _note_given(self, number: int, octets: int) -> None:
        self._record.messages += 1
        self._record.octets += octets
        if self._retrieved is None:
            self._retrieved = set()
        self._retrieved.add(number)
        if number > self.highest:
            self.highest = number

    def _top(self, event: Top, out: Outbox) -> Awaitable[None] | None:
        """RFC 1939 s7, TOP: the header part, the empty line, and so many lines of the body."""
        snapshot = self._session.snapshot
        if not (snapshot.is_loaded or self._session.load_now()):
            return self._load_first(event, out)
        snapshot.check(event.number)
        message = self._session.ready(event.number)
        if message is None:
            return self._top_later(event, out)
        self._give_top(event, message, out)
        return None

    async def _top_later(self, event: Top, out: Outbox) -> None:
        message = await self._session.open_message(event.number)
        if message.rest is None:
            self._give_top(event, message, out)
            return
        if message.facts.excess is not None and not self._is_utf8:
            message, _ = surrogate(message)  # RFC 6858 s4: the lines are those of the surrogate
        cutter = TopCutter(message.facts.header_octets, event.lines)
        await self._stream(message, Opening("top of message follows", message.facts.is_dotted), cutter, out)

    def _give_top(self, event: Top, message: OpenMessage, out: Outbox) -> None:
        if message.facts.excess is not None and not self._is_utf8:
            message, _ = surrogate(message)  # RFC 6858 s4: the lines are those of the surrogate
        cutter = TopCutter(message.facts.header_octets, event.lines)
        out.send(Message("top of message follows", cutter.feed(message.head), message.facts.is_dotted))

    def _dele(self, event: Dele, out: Outbox) -> Awaitable[None] | None:
        """RFC 1939 s5, DELE: only marks; QUIT deletes."""
        snapshot = self._session.snapshot
        if not (snapshot.is_loaded or self._session.load_now()):
            return self._load_first(event, out)
        number, ahead = event.number, event.ahead
        numbers = range(number, ahead.stop) if isinstance(ahead, range) else (number, *ahead)
        if ahead and snapshot.delete_all(numbers):
            self.highest = max(self.highest, numbers[-1] if isinstance(numbers, range) else max(numbers))
            self._record.commands += len(ahead)
            out.answered += len(ahead)
            out.send(Repeated(DELETED, numbers))
            return None
        snapshot.delete(number)
        self.highest = max(self.highest, number)
        out.send(ok(Phrase(DELETED, {"number": number})))
        return None

    def _noop(self, event: Command, out: Outbox) -> None:
        """RFC 1939 s5, NOOP."""
        del event
        out.send(ok())

    def _rset(self, event: Command, out: Outbox) -> None:
        """RFC 1939 s5, RSET."""
        del event
        snapshot = self._session.snapshot
        snapshot.reset()
        self.highest = 0
        one, many = "maildrop has {count} message ({octets} octets)", "maildrop has {count} messages ({octets} octets)"
        out.send(ok(counted(one, many, snapshot.count, octets=snapshot.octets)))

    async def _load_first(self, event: Command, out: Outbox) -> None:
        """The answer, once the snapshot has its columns."""
        await self._session.load()
        rest = self.VERBS[event.verb](self, event, out)
        if rest is not None:
            await rest

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
        except BaseException:  # no `finally`, in which the compiled one could not wait: decision 0020
            await message.close()
            raise
        await message.close()

    VERBS: ClassVar[Mapping[Verb, Callable[..., Awaitable[None] | None]]] = {
        Verb.DELE: _dele,
        Verb.LIST: _list,
        Verb.NOOP: _noop,
        Verb.RETR: _retr,
        Verb.RSET: _rset,
        Verb.STAT: _stat,
        Verb.TOP: _top,
        Verb.UIDL: _uidl,
    }
