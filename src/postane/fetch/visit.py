"""One session with an account's server: list, fetch what is new, hand it over, delete what may go, leave.

The order loses nothing: a message is at its destinations, durably, and recorded as such, before DELE is said; what was
deleted is recorded only after the server has said yes to QUIT (RFC 1939 s6).

Must not know: how often and for whom this is done.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import NoReturn

from postane.client.listing import most_believed
from postane.journal.base import Compared
from postane.sinks.base import Parcel, SinkError
from postane.sinks.content import Spool, SpoolError

from .account import KeepKind
from .choice import FRESH, choose, describe, due, note_refusal, pending, too_large
from .errors import FetchError, NoEnd, Trouble
from .filters import envelope_recipients, read_header, sender_of
from .handover import Crate, Handover
from .header_part import has_answer, header_in, rest_note, spooling
from .lead import format_lead
from .listing import check_mailbox, is_first, reconcile, take_listing
from .source import Facts, Incoming
from .work import PENDING, PIECE, Tell, Work

Ask = Callable[[Sequence[int]], AsyncIterator[Incoming]]
TakeIn = Callable[[Incoming, Compared], Awaitable[None]]


class Visit:
    """One session, gone through once: `open`, then `go` or `describe`, and `leave` in any case."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._source, self._run, self._progress = work.source, work.run, work.progress
        self._handover = Handover(work.sinks, work.run, work.progress)
        self._facts: Facts | None = None
        self._unwanted: dict[int, str] = {}
        self._marked: list[str] = []  # keys of what the server will delete at the end
        self._short = ""  # the key of the last message that came, if it was shorter than it is listed
        self.taken = 0  # messages that were asked for

    async def open(self) -> Facts:
        """Connect and log in. Raises FetchError."""
        self._progress.step = "connecting"
        self._facts = await self._source.open()
        return self._facts

    async def go(self) -> None:
        """Do it all, from the listing on. Raises FetchError, SinkError, JournalError; what was delivered until then is
        recorded."""
        self._progress.step = "listing"
        await self._list()
        if self._run.is_suspect or await is_first(self._work):
            await reconcile(self._work)
            self._work.is_recorded = not self._progress.down
        try:
            await self._fetch()
            await self._delete()
            self._progress.step = "leaving"
            await self._source.commit()
        except FetchError as error:
            if error.trouble is Trouble.PROTOCOL and not isinstance(error, NoEnd):
                await self._doubt(error)
            raise
        for start in range(0, len(self._marked), PIECE):
            await self._run.record_deleted(self._marked[start : start + PIECE])
        self._progress.deleted += len(self._marked)

    async def _doubt(self, error: FetchError) -> None:
        """Where the last message came shorter than it is listed, and something that is no answer after it, that may be
        the rest of it: a line of one dot that the server did not double ends a message (RFC 1939 s3)."""
        key = self._short
        if not key or key in self._handover.failed or isinstance(error.__cause__, SinkError):
            return
        reason = "it came shorter than it is listed, and its rest may have come as an answer: left at the server"
        self._progress.fail(f"{key}: {reason}", Trouble.PROTOCOL)
        await self._run.record_skipped({key: reason})

    async def describe(self, tell: Tell) -> None:
        """Tell what `go` would do. Raises FetchError, SinkError, JournalError."""
        await self._list()
        await describe(self._work, tell)

    async def _list(self) -> None:
        assert self._facts is not None, "the session is open"
        await take_listing(self._work)
        await check_mailbox(self._work, self._facts)

    async def leave(self) -> None:
        """End the session, where it has not ended, without deleting anything."""
        await self._source.leave()

    async def _fetch(self) -> None:
        counts, most = await self._run.count(), self._work.most
        count = sum(counts.get(step, 0) for step in PENDING)
        self._progress.messages_total = self._progress.messages + (count if most is None else min(most, count))
        self._tell_limit(count)
        self._progress.step, self._work.is_fetching = "fetching", True
        was_recorded = self._work.is_recorded
        try:
            try:
                await self._fetch_all()
            except FetchError:  # what has come is not thrown away
                await self._finish()
                raise
            await self._finish()
            self._work.is_fetching = False
        except FetchError:
            raise
        except BaseException:
            self._work.is_recorded = False  # until it is known: somebody may be in a hurry
            self._work.is_recorded = await self._handover.abandon() and was_recorded
            raise
        finally:
            self._work.given_up |= self._handover.failed

    def _tell_limit(self, count: int) -> None:
        limit, most = self._work.account.limit, self._work.most
        if limit is not None and most and self._progress.messages + most >= limit and count > most:
            self._progress.remark(f"{count - most} more wait for later runs: limit = {limit}")

    async def _fetch_all(self) -> None:
        """What failed again and again comes last, and of that what failed least often comes first: it may break each
        session off, fill the limit, or make a destination look full, and keep the others from coming for ever."""
        later: set[int] = set()
        await self._fetch_tried(FRESH, later)
        for tries in sorted(later):
            await self._fetch_tried(tries, set())

    async def _fetch_tried(self, tries: int, others: set[int]) -> None:
        """What failed about so often. `others` hears how often others did."""
        if self._is_enough:
            return
        async for piece in pending(self._work, tries, others):
            await self._fetch_piece([each for each in piece if each.listed.key not in self._handover.failed])
            if tries != FRESH:
                await self._handover.settle()
            if self._is_enough:
                return

    @property
    def _is_enough(self) -> bool:
        return self._work.most is not None and self.taken >= self._work.most

    async def _finish(self) -> None:
        try:
            await self._handover.finish()
        finally:
            self._work.is_recorded &= self._handover.is_recorded

    async def _fetch_piece(self, piece: Sequence[Compared]) -> None:
        if any(each.sinks for each in piece):
            from .begun import record_placed  # rarely there

            piece = await record_placed(self._work, piece)
        if self._work.most is not None:
            piece = piece[: self._work.most - self.taken]
        self.taken += len(piece)
        choice = await choose(self._work, piece)
        self._unwanted |= choice.unwanted
        if choice.left:
            await self._run.record_skipped(choice.left)
            self._progress.skipped += len(choice.left)
        if choice.refused:
            await self._run.record_failed(choice.refused)
        if self._progress.messages_total <= PIECE:  # else the rest is not known
            self._progress.octets_total += sum(each.listed.octets for each in choice.whole)
        await self._fetch_few(choice.whole, self._source.retrieve, self._take_in)
        await self._fetch_few(choice.parts, self._source.headers, self._take_in_part)

    async def _fetch_few(self, piece: Sequence[Compared], ask: Ask, take_in: TakeIn) -> None:
        """First what no destination has; then what some have, a few at a time, as long as the others take any."""
        fresh = [each for each in piece if not each.sinks]
        if fresh:
            await self._receive(fresh, ask, take_in)
        if len(fresh) == len(piece):
            return
        from .begun import next_few

        left: Sequence[Compared] = [each for each in piece if each.sinks]
        while left:
            few, left = next_few(self._work, left)
            if few:
                await self._receive(few, ask, take_in)
                await self._handover.settle()

    async def _receive(self, piece: Sequence[Compared], ask: Ask, take_in: TakeIn) -> None:
        """Ask for these, and take in what comes. Where the session ends at one that was asked for, that is noted of it:
        the server may do so each time."""
        left = {each.listed.number: each for each in piece}
        is_asking = True
        try:
            async for incoming in ask(list(left)):
                is_asking = False
                each = left.pop(incoming.number)
                if incoming.error is not None:
                    await self._run.record_failed({each.listed.key: note_refusal(self._work, incoming, each)})
                else:
                    await take_in(incoming, each)
                is_asking = True
        except FetchError as error:
            if is_asking and left:
                await self._run.record_failed({next(iter(left.values())).listed.key: error.text})
            raise

    async def _take_in(self, incoming: Incoming, each: Compared) -> None:
        spool = await self._spooled(incoming, each)
        if spool.octets > each.listed.octets and has_answer(spool, each.listed.octets):
            await self._distrust(spool, each)
        self._short = each.listed.key if spool.octets < each.listed.octets else ""
        self._progress.messages += 1
        await self._handover.put(self._crate(each, spool))

    async def _take_in_part(self, incoming: Incoming, each: Compared) -> None:
        """Of what is too large only the header part is fetched."""
        spool = await self._spooled(incoming, each)
        assert self._facts is not None, "the session is open"
        with spooling():
            spool.write(rest_note(each.listed, self._work.account.name, self._facts.host))
        self._progress.messages += 1
        await self._handover.put(self._crate(each, spool, f"{too_large(self._work)}: its header part was fetched"))

    async def _distrust(self, spool: Spool, each: Compared) -> NoReturn:
        """A server that answers once too often: no answer of it is sure any more, and this is no message."""
        spool.discard()
        text = (
            f"message {each.listed.number} begins with an answer of the server (+OK), and is longer by just that line"
        )
        await self._run.record_failed({each.listed.key: text})
        raise FetchError(text, Trouble.PROTOCOL)

    async def _spooled(self, incoming: Incoming, each: Compared) -> Spool:
        spool = Spool()
        try:
            if (whole := incoming.take()) is not None:  # which is so of nearly all small ones
                self._spool(spool, whole, each)
            else:
                async for chunk in incoming.chunks():
                    self._spool(spool, chunk, each)
        except SpoolError as error:
            spool.discard()
            raise FetchError(error.text, Trouble.TEMPORARY) from error
        except FetchError as error:
            spool.discard()
            await self._run.record_failed({each.listed.key: error.text})
            if isinstance(error, NoEnd):
                raise
            raise FetchError(f"{error.text} (message {each.listed.number})", error.trouble, wait=error.wait) from error
        except BaseException:
            spool.discard()
            raise
        return spool

    def _spool(self, spool: Spool, octets: bytes, each: Compared) -> None:
        spool.write(octets)
        self._progress.octets += len(octets)
        if spool.octets > (limit := most_believed(each.listed.octets)):
            number, listed = each.listed.number, each.listed.octets
            text = f"message {number} is listed with {listed} octets, and has no end after {limit}"
            raise NoEnd(text, Trouble.PROTOCOL)

    def _crate(self, each: Compared, spool: Spool, remark: str = "") -> Crate:
        assert self._facts is not None, "the session is open"
        account, content, key = self._work.account, spool.finish(), each.listed.key
        header, now = header_in(content), self._work.clock()
        multidrop = account.multidrop
        parcel = Parcel(
            key=self._work.parcel_key(key, is_part=bool(remark)),
            account=account.name,
            content=content,
            lead=format_lead(account, self._facts, key, now),
            sender=sender_of(header),
            recipients=() if multidrop is None else envelope_recipients(multidrop, read_header(header)),
            arrived=now,
        )
        return Crate(key, parcel, spool, each.sinks, remark)

    async def _delete(self) -> None:
        going = self._unwanted
        if self._work.account.keep.kind is not KeepKind.ALL:
            self._progress.step = "deleting"
            async for piece in due(self._work):
                going = going | {each.listed.number: each.listed.key for each in piece}
                if not self._source.deletes_at_once:
                    await self._mark(going)
                    going = {}
        await self._mark(going)

    async def _mark(self, by_number: dict[int, str]) -> None:
        if not by_number:
            return
        refused = await self._source.delete(list(by_number))
        for number, words in refused.items():
            self._progress.fail(f"message {number} ({by_number[number]}) cannot be deleted: {words}", Trouble.REFUSED)
            self._work.given_up.add(by_number[number])  # a filter would want it deleted in the next session too
        self._marked += [key for number, key in by_number.items() if number not in refused]
