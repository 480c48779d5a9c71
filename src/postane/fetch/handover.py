"""From the server's messages to all destinations, in groups, while the next ones are still on their way.

What is delivered is recorded before anything else is done about it: the order that loses nothing is deliver, record,
delete. A destination that is asked for one message at a time gets its record after each of them.

Must not know: servers, why a message is wanted.
"""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from postane.journal.base import JournalError, Run
from postane.sinks.base import Delivery, Outcome, Parcel, Sink, SinkError
from postane.sinks.content import Spool, SpoolError

from .errors import FetchError, NothingTaken, Trouble
from .progress import Progress, tell_of
from .troubles import told_of_sink
from .work import PART, typed

GROUP = 250
"""Messages that are brought to the destinations at once, at most."""

GROUP_OCTETS = 8 * 1024 * 1024
"""Octets of them; one message may be larger."""

WAITING = 2 * GROUP
"""Messages that wait for their delivery before the server is read no further."""

PUT_OFF = 100
"""Messages in a row that a destination puts off before it is believed to take none."""

PUT_OFF_FIRST = 20
"""The same of one that has taken none in this run."""


@dataclass(frozen=True, slots=True)
class Crate:
    """A parcel with what it lies in. `had_by` are the destinations that have it already.

    `remark` is there for a parcel that is not the message itself: it is delivered, and the message recorded as left.
    """

    key: str
    parcel: Parcel
    spool: Spool = field(repr=False)
    had_by: tuple[str, ...] = ()
    remark: str = ""


class _Abandoned(Exception):
    """Nobody waits for the rest."""


class Handover:
    """One visit's way to the destinations. Begins with the first crate, ends with `finish` or `abandon`."""

    def __init__(self, sinks: Sequence[Sink], run: Run, progress: Progress) -> None:
        self._sinks = sinks
        self._run = run
        self._progress = progress
        self._crates: deque[Crate] = deque()
        self._octets = 0  # of the crates that wait
        self._is_out = False  # some are being delivered
        self._is_ending = False
        self._news = asyncio.Event()  # for the one who delivers
        self._room = asyncio.Event()  # for the one who brings
        self._work: asyncio.Task[None] | None = None
        self._is_abandoned = False
        self._put_off = ""  # why the last one was
        self._put = self._placed = 0  # messages that were taken in; that are everywhere
        self.failed: set[str] = set()  # keys of what is not everywhere
        self.is_recorded = True  # unless something broke: all that was delivered is recorded
        self._is_unsure = False  # a destination went down amid a delivery
        self._new: set[str] = set()  # of the present group: what some destination did not have

    async def put(self, crate: Crate) -> None:
        """Take a crate in, when there is room. Raises FetchError where nothing can be delivered any more."""
        if self._work is None:
            self._work = asyncio.create_task(self._deliver_all())
        self._crates.append(crate)
        self._put += 1
        self._octets += crate.parcel.content.octets
        self._news.set()
        while (len(self._crates) >= WAITING or self._octets > GROUP_OCTETS) and not self._work.done():
            self._room.clear()
            await self._room.wait()
        if self._work.done():
            await self._work

    async def settle(self) -> None:
        """Return when it is known of all that were put in what became of them. Raises FetchError."""
        while self._work is not None and not self._work.done() and (self._crates or self._is_out):
            self._room.clear()
            await self._room.wait()
        if self._work is not None and self._work.done():
            await self._work

    async def finish(self) -> None:
        """Return when all is delivered and recorded. Raises FetchError."""
        self._is_ending = True
        self._news.set()
        if self._work is None:
            return
        await asyncio.wait([self._work])  # whoever is cancelled here abandons it; what has begun goes on till then
        self._discard()
        self._work.result()

    async def abandon(self) -> bool:
        """Give up what waits, and let what has begun come to its end: whether it came to a good one."""
        self._discard()
        self._is_ending = self._is_abandoned = True
        self._news.set()
        if self._work is not None:
            await asyncio.wait([self._work])
            is_good = not self._work.cancelled() and self._work.exception() is None  # else asyncio tells of it
            return is_good and not self._is_unsure
        return True

    def _discard(self) -> None:
        """What waits is not delivered."""
        while self._crates:
            self._crates.popleft().spool.discard()

    async def _deliver_all(self) -> None:
        try:
            while self._crates or not self._is_ending:
                if not self._crates:
                    self._news.clear()
                    await self._news.wait()
                    continue
                await self._deliver(self._take())
                self._is_out = False
                self._room.set()
        except _Abandoned:
            pass  # what was delivered is recorded
        finally:
            self._room.set()

    def _take(self) -> list[Crate]:
        taken: list[Crate] = []
        octets = 0
        while self._crates and len(taken) < GROUP and octets < GROUP_OCTETS:
            crate = self._crates.popleft()
            octets += crate.parcel.content.octets
            taken.append(crate)
        self._octets -= octets
        self._is_out = True
        self._room.set()
        return taken

    async def _deliver(self, crates: Sequence[Crate]) -> None:
        self.is_recorded = False
        try:
            await self._run.record_fetched([crate.key for crate in crates])
            for sink in self._sinks:
                await self._deliver_to(sink, [crate for crate in crates if not _is_had(sink, crate)])
            if len(self._sinks) > 1:
                await self._record([crate for crate in crates if crate.key not in self.failed])
                self._check_patience()
            self.is_recorded = not self._is_unsure
        except SinkError as error:
            raise told_of_sink(error) from error
        except SpoolError as error:
            raise FetchError(error.text, Trouble.TEMPORARY) from error
        except JournalError as error:
            raise FetchError(error.text, Trouble.TEMPORARY if error.may_pass else Trouble.JOURNAL) from error
        finally:
            self._new.clear()
            for crate in crates:
                crate.spool.discard()

    async def _deliver_to(self, sink: Sink, crates: Sequence[Crate]) -> None:
        for group in _groups(crates, sink.group):
            if self._is_abandoned:  # a command may take a minute for each of them
                raise _Abandoned
            if sink.name in self._progress.down:
                self.failed.update(crate.key for crate in group)
                continue
            there, failed = [], {}
            try:
                deliveries = await sink.deliver([_parcel_for(sink, crate) for crate in group])
            except SinkError as error:  # one of them may be what breaks it, each time
                await self._run.record_failed({crate.key: tell_of(sink.name, error.text) for crate in group})
                self._put_down(sink, error)
                self.failed.update(crate.key for crate in group)
                continue
            for crate, delivery in zip(group, deliveries, strict=True):
                if delivery.is_there:
                    there.append(crate)
                    if delivery.outcome is Outcome.DELIVERED:
                        self._new.add(crate.key)
                else:
                    failed[crate.key] = self._fail(sink, crate, delivery)
                    for recipient in delivery.done:
                        await self._run.record_sink([crate.key], _to(sink, crate) + recipient)
            if len(self._sinks) == 1:
                await self._record(there)
            else:
                await self._run.record_sink([crate.key for crate in there if not crate.remark], sink.name)
                await self._run.record_sink([crate.key for crate in there if crate.remark], sink.name + PART)
            if failed:
                await self._run.record_failed(failed)
            self._weigh(sink, deliveries)
            if len(self._sinks) == 1:
                self._check_patience()

    def _put_down(self, sink: Sink, error: SinkError) -> None:
        """Go on with the others. What this one has of its last parcels is not known. Raises SinkError where there are
        no others."""
        self._is_unsure = True
        if all(each is sink or each.name in self._progress.down for each in self._sinks):
            raise error
        self._progress.put_down(sink.name, told_of_sink(error))

    def _weigh(self, sink: Sink, deliveries: Sequence[Delivery]) -> None:
        """A destination that puts off one message after the other, whatever they are, is full or out of order."""
        patience = self._progress.patience
        for delivery in deliveries:
            is_put_off = delivery.outcome is Outcome.DEFERRED and not delivery.done
            patience[sink.name] = patience.get(sink.name, PUT_OFF_FIRST) - 1 if is_put_off else PUT_OFF
            if is_put_off:
                self._put_off = delivery.reason

    def _check_patience(self) -> None:
        """Where no destination takes anything, nothing more is fetched for them: it would be fetched again each time.
        All that was delivered is recorded by now. Raises NothingTaken."""
        patience = self._progress.patience
        if any(patience.get(sink.name, PUT_OFF_FIRST) > 0 for sink in self._sinks):
            return
        self.is_recorded = not self._is_unsure
        left = self._progress.messages_total - self._progress.messages + self._put - self._placed
        names = {sink.name: sink.name.partition(":")[2] or sink.name for sink in self._sinks}
        unnamed = [name for name, place in names.items() if place not in self._put_off]
        which = f"{', '.join(unnamed)} takes no message now" if unnamed else "nothing more is fetched"
        raise NothingTaken(
            f"{which}: {self._put_off}; left at the server until the next run: {left}", Trouble.TEMPORARY
        )

    async def _record(self, crates: Sequence[Crate]) -> None:
        self._placed += len(crates)
        new = sum(crate.key in self._new for crate in crates)
        self._progress.delivered += new
        self._progress.present += len(crates) - new
        if delivered := [crate.key for crate in crates if not crate.remark]:
            await self._run.record_delivered(delivered)
        if remarks := {crate.key: crate.remark for crate in crates if crate.remark}:
            await self._run.record_skipped(remarks)
            self._progress.skipped += len(remarks)

    def _fail(self, sink: Sink, crate: Crate, delivery: Delivery) -> str:
        is_passing = delivery.outcome is Outcome.DEFERRED
        words = tell_of(sink.name, delivery.reason or delivery.outcome)
        if not is_passing:
            leave = f"postane fetch state mark-seen {typed(self._progress.account)} KEY"
            self._progress.remark(f"what is refused is fetched again in each run; to leave it at the server: {leave}")
        if crate.key not in self.failed:
            self._progress.fail(f"{crate.key}: {words}", Trouble.TEMPORARY if is_passing else Trouble.REFUSED)
        self.failed.add(crate.key)
        return words


def _is_had(sink: Sink, crate: Crate) -> bool:
    """Who has the message needs no part of it; who has the part needs the message, when that is wanted after all."""
    return sink.name in crate.had_by or (bool(crate.remark) and sink.name + PART in crate.had_by)


def _parcel_for(sink: Sink, crate: Crate) -> Parcel:
    """With what is known of the recipients that this destination has brought it to."""
    to = _to(sink, crate)
    done = tuple(name.removeprefix(to) for name in crate.had_by if name.startswith(to))
    return replace(crate.parcel, done=done) if done else crate.parcel


def _to(sink: Sink, crate: Crate) -> str:
    """What stands before a recipient's name in the journal."""
    return f"{sink.name}{PART if crate.remark else ''} to "


def _groups(crates: Sequence[Crate], size: int) -> Iterator[Sequence[Crate]]:
    for start in range(0, len(crates), size):
        yield crates[start : start + size]
