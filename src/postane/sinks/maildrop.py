"""A maildrop of a post office, in which a message's unique-id derives from its key: it is never there twice.

The store itself refuses a unique-id that is in the drop already, which means here that the message is, unless that one
has another size: servers have given the unique-id of a message that was gone to another one, which has its own here.
What was deleted and is kept out of sight counts as there, too; what was deleted for good is not known of.

Must not know: how the store keeps what it keeps; whose drop it is.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from itertools import groupby

from postane.maildrop.base import (
    Addressee,
    Letter,
    MaildropError,
    MaildropStore,
    Quota,
    QuotaExceeded,
    Receipt,
    Spool,
    StoreDamaged,
    StoreFull,
    StoreTooNew,
    UidlRefused,
)

from .base import Delivery, Outcome, Parcel, SinkError
from .content import IN_MEMORY, SpoolError
from .failures import deferred, refused
from .keys import mark
from .thread import OneThread

GROUP = 32
"""Messages that are deposited at once: the store makes them durable together."""

SMALL = 16 * 1024
"""Octets of a message that goes into the store in one step."""


NAMESAKES = 4
"""Messages with the same key that a drop has room for; there are two where a server has used a unique-id again."""

SLACK = 64
"""Octets by which the fields that stand before a message may differ from one attempt to the next."""


class MaildropSink:
    """A Sink that is the drop of that name; the store is somebody else's, who closes it."""

    can_tell = True
    group = GROUP

    def __init__(self, store: MaildropStore, drop: str, *, quota: Quota | None = None) -> None:
        self.name = f"maildrop:{drop}"
        self.is_new = False
        self._store = store
        self._drop = drop
        self._quota = quota or Quota()
        self._thread = OneThread("postane-maildrop")

    async def open(self) -> None:
        """See whether the store can be asked. Raises SinkError."""
        try:
            usage = await self._store.usage(self._drop)
        except MaildropError as error:
            raise self._gone(error) from error
        self.is_new = not usage.last_uid  # one that was emptied is not new

    async def find(self, keys: Collection[str]) -> set[str]:
        """Which of these it has. Raises SinkError."""
        wanted = {unique_id(key, which): key for key in keys for which in range(NAMESAKES)}
        found: set[str] = set()
        if wanted:
            try:
                for rows in (self._store.rows(self._drop), self._store.deleted(self._drop)):
                    found |= {wanted[row.uidl] async for row in rows if row.uidl in wanted}
            except MaildropError as error:
                raise self._gone(error) from error
        return found

    async def resembling(self, wanted: Mapping[str, str]) -> set[str]:
        """None: a message keeps its unique-id."""
        return set()

    async def deliver(self, parcels: Sequence[Parcel]) -> Sequence[Delivery]:
        """Deposit them, in order. Raises SinkError."""
        answers: list[Delivery] = []
        for _, run in groupby(enumerate(parcels), _run):
            answers += await self._deliver_together([parcel for _, parcel in run])
        return answers

    async def _deliver_together(self, parcels: Sequence[Parcel]) -> list[Delivery]:
        outcomes = await asyncio.gather(*map(self._deliver, parcels), return_exceptions=True)
        answers = []
        for outcome in outcomes:
            if isinstance(outcome, BaseException):  # when all are settled, so that none goes on behind it
                raise outcome
            answers.append(outcome)
        return answers

    async def close(self) -> None:
        """Let go; the store stays open."""
        await self._thread.close()

    async def _deliver(self, parcel: Parcel) -> Delivery:
        spool = self._store.spool()
        try:
            await self._fill(spool, parcel)
            outcome = await self._deposit(spool, parcel)
        except SpoolError as error:
            return deferred(error.text)
        except MaildropError as error:
            outcome = error
        finally:
            await spool.discard()
        if outcome is None:
            return refused(f"maildrop {self._drop}: {NAMESAKES} messages of other sizes have its unique-id")
        return self._answer(outcome) if isinstance(outcome, MaildropError) else Delivery(Outcome.DELIVERED)

    async def _deposit(self, spool: Spool, parcel: Parcel) -> Receipt | MaildropError | None:
        """None: there are others with all its names. Raises MaildropError, too."""
        letter = Letter(parcel.sender, parcel.arrived)
        for which in range(NAMESAKES):
            name = unique_id(parcel.key, which)
            addressee = Addressee(self._drop, parcel.lead, self._quota, name)
            (outcome,) = await self._store.deposit(spool, letter, [addressee])
            if not isinstance(outcome, UidlRefused) or await self._has(name, parcel):
                return outcome
        return None

    async def _has(self, name: str, parcel: Parcel) -> bool:
        """Whether what has this unique-id in the drop is this message, by its size. What is gone by now was."""
        octets = len(parcel.lead) + parcel.content.octets
        for rows in (self._store.rows(self._drop), self._store.deleted(self._drop)):
            async for row in rows:
                if row.uidl == name:
                    return abs(row.facts.octets - octets) <= SLACK
        return True

    async def _fill(self, spool: Spool, parcel: Parcel) -> None:
        chunks = parcel.content.chunks()
        if parcel.content.octets <= IN_MEMORY:
            for chunk in chunks:
                if not spool.write_now(chunk):
                    await spool.write(chunk)
            return
        while chunk := await self._thread.run(partial(next, chunks, b"")):
            await spool.write(chunk)

    def _answer(self, error: MaildropError) -> Delivery:
        match error:
            case UidlRefused():
                return Delivery(Outcome.PRESENT)
            case QuotaExceeded() | StoreFull():
                return deferred(f"maildrop {self._drop}: {error.log}")
            case _:
                raise self._gone(error) from error

    def _gone(self, error: MaildropError) -> SinkError:
        needs_a_person = isinstance(error, StoreDamaged | StoreTooNew)
        return SinkError(f"maildrop {self._drop}: {error.log}", may_pass=not needs_a_person)


def _run(numbered: tuple[int, Parcel]) -> int:
    """The same for small ones that follow each other; a large one goes alone, so that none overtakes it."""
    number, parcel = numbered
    return number if parcel.content.octets > SMALL else -1


def unique_id(key: str, which: int = 0) -> str:
    """The unique-id of the message with that key, or of another one with it. It is in people's mail programs: the form
    never changes."""
    return f"K{mark(f'{key} {which}' if which else key)}"
