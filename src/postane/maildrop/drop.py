"""A maildrop store made of an index and a blob side.

Deposit: 1. a large body is spooled and made durable; for each addressee then 2. the body gets a name in the drop,
durably, and 3. the row is written and made durable, which is what a Receipt tells. Commit: 1. the rows are deleted
durably, 2. their blobs are removed. Whatever step is the last one done, no row lacks its body; blobs without a row are
swept when the drop is opened. `sides.Step` has the boundaries.

Must not know: which index and which blob side.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from typing import cast

from postane.mail.measure import Facts, measure

from .base import (
    Addressee,
    Blob,
    Finding,
    FindingKind,
    Holder,
    Letter,
    Lock,
    MaildropError,
    QuotaExceeded,
    Receipt,
    Row,
    Spool,
    StoreDamaged,
    StoreFull,
    Usage,
)
from .session import JoinedSession
from .sides import ORPHAN_AGE, BlobSide, Entry, Index, Lease, Totals, Upload
from .spool import Body, JoinedSpool, joined_facts
from .verify import check_blobs

INLINE = 64 * 1024
"""Octets of a body that the index takes itself, unless the configuration says otherwise."""


class JoinedStore:
    """The MaildropStore of an index and a blob side; bodies up to `inline` octets go to the index."""

    def __init__(self, index: Index, blobs: BlobSide, *, inline: int = INLINE, orphan_age: float = ORPHAN_AGE) -> None:
        self._index = index
        self._blobs = blobs
        self._inline = inline
        self._orphan_age = orphan_age
        self._swept: set[str] = set()  # drops that were swept since this process began

    async def open(self, drop: str, holder: Holder, lock: Lock, *, keep_deleted: bool = False) -> JoinedSession:
        """Take the lease and a snapshot."""
        lease, totals = await self._index.open(drop, holder, lock)
        session = JoinedSession(self._index, self._blobs, lease, totals, is_keeping=keep_deleted)
        try:
            if drop not in self._swept:
                await self._sweep(drop, totals)
            if lease.is_shared:
                await session.load()
        except BaseException:
            await session.close()
            raise
        return session

    def open_now(self, drop: str, holder: Holder, lock: Lock, *, keep_deleted: bool = False) -> JoinedSession | None:
        """The same where nobody has to be waited for, in a drop that was swept."""
        opened = self._index.open_now(drop, holder, lock) if drop in self._swept else None
        if opened is None:
            return None
        lease, totals = opened
        session = JoinedSession(self._index, self._blobs, lease, totals, is_keeping=keep_deleted)
        is_ready = not lease.is_shared
        try:
            is_ready = is_ready or session.load_now()
        finally:
            if not is_ready:
                session.close_now()
        return session if is_ready else None

    def spool(self) -> JoinedSpool:
        """Begin to take in a message."""
        return JoinedSpool(self._blobs.begin, self._inline)

    async def deposit(
        self, spool: Spool, letter: Letter, addressees: Sequence[Addressee]
    ) -> list[Receipt | MaildropError]:
        """Store what was spooled, durably, for every addressee."""
        if not isinstance(spool, JoinedSpool):
            raise TypeError("a store takes only spools that it made")
        if len(addressees) == 1:  # nearly all have one: no task is made for it
            try:
                return [await self._deposit_alone(spool, letter, addressees[0])]
            except MaildropError as error:
                return [error]
        try:
            body = await spool.finish()
        except MaildropError as error:
            return [error for _ in addressees]
        under_way = [self._deposit(body, letter, addressee) for addressee in addressees]
        outcomes = await asyncio.gather(*under_way, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException) and not isinstance(outcome, MaildropError):
                raise outcome
        return cast(list[Receipt | MaildropError], outcomes)

    def deposit_now(
        self, spool: Spool, letter: Letter, addressees: Sequence[Addressee]
    ) -> "asyncio.Future[Receipt] | None":
        """The same for one addressee of a small message, whose drop is open."""
        body = spool.finish_now() if isinstance(spool, JoinedSpool) and len(addressees) == 1 else None
        if body is None or body.upload is not None:
            return None
        return self._index.append_now(addressees[0].drop, _small_entry(body, letter, addressees[0]))

    def glance(self, drop: str) -> Usage | None:
        """What counts against the drop's quota, where it needs no waiting."""
        totals = self._index.totals_now(drop)
        return None if totals is None else Usage(totals.messages, totals.octets)

    async def usage(self, drop: str) -> Usage:
        """What the drop holds."""
        return await self._index.usage(drop)

    def rows(self, drop: str, before: float | None = None) -> AsyncIterator[Row]:
        """What is known of each message, in order of uid."""
        return self._index.rows(drop, before)

    def deleted(self, drop: str, before: float | None = None) -> AsyncIterator[Row]:
        """The same of what was deleted and is kept."""
        return self._index.deleted(drop, before)

    async def restore(self, drop: str, uids: Sequence[int]) -> list[Receipt]:
        """Bring back what is kept of these."""
        lease, _ = await self._index.open(drop, _ourselves("restore"), Lock())
        try:
            return await self._index.restore(lease, uids, time.time())
        finally:
            await lease.release()

    def drops(self) -> AsyncIterator[str]:
        """The names of all drops that exist, sorted."""
        return self._index.drops()

    async def verify(self, drop: str, *, repair: bool = False) -> AsyncIterator[Finding]:
        """Everything wrong with a drop. `repair` needs its lease: raises DropInUse."""
        lease: Lease | None = None
        try:
            if repair:
                lease, _ = await self._index.open(drop, _ourselves("verify"), Lock())
            is_sound = True
            async for finding in self._index.verify(drop, lease):
                is_sound = False
                yield finding
                if finding.kind is FindingKind.INDEX_DAMAGED:
                    return
            async for finding in check_blobs(self._index, self._blobs, drop, self._orphan_age):
                yield finding
                # A blob may seem to be an orphan because its row was lost: only an index without fault says so.
                if lease is not None and is_sound and finding.kind is FindingKind.ORPHAN:
                    await self._blobs.remove(drop, [finding.detail])
        except StoreDamaged as error:
            yield Finding(drop, FindingKind.INDEX_DAMAGED, error.log)
        finally:
            if lease is not None:
                await lease.release()

    async def discard(self, drop: str, uids: Sequence[int]) -> None:
        """Remove messages for good, durably."""
        if not uids:
            return
        lease, _ = await self._index.open(drop, _ourselves("housekeeping"), Lock())
        try:
            await self._blobs.remove(drop, await self._index.delete(lease, uids))
        finally:
            await lease.release()

    async def remove(self, drop: str) -> None:
        """Remove a drop and all its messages, durably."""
        lease, _ = await self._index.open(drop, _ourselves("remove"), Lock())
        try:
            # A body without a row may belong to a deposit that is on its way: only what a row names is removed at
            # once, and what is old enough for a sweep.
            names = set(await self._blobs.names(drop, self._orphan_age))
            names |= {row.blob.name async for row in self._index.rows(drop) if row.blob}
            names |= {row.blob.name async for row in self._index.deleted(drop) if row.blob}
            await self._index.remove(lease)
            await self._blobs.remove(drop, sorted(names))
        finally:
            await lease.release()

    async def close(self) -> None:
        """Let go of all handles."""
        await self._index.close()
        await self._blobs.close()

    async def _deposit_alone(self, spool: JoinedSpool, letter: Letter, addressee: Addressee) -> Receipt:
        body = spool.finish_now()
        if body is not None:
            return await self._deposit(body, letter, addressee)
        name = secrets.token_hex(16)
        body = await spool.finish_in(self._blobs, addressee.drop, name)
        assert body.facts is not None
        return await self._append(name, body.facts, letter, addressee)

    def _deposit(self, body: Body, letter: Letter, addressee: Addressee) -> Awaitable[Receipt]:
        if body.upload is not None and body.facts is not None:
            return self._place(body.upload, body.facts, letter, addressee)
        return self._index.append(addressee.drop, _small_entry(body, letter, addressee))

    async def _place(self, upload: Upload, of_body: Facts, letter: Letter, addressee: Addressee) -> Receipt:
        name = secrets.token_hex(16)
        await self._blobs.place(upload, addressee.drop, name)
        return await self._append(name, of_body, letter, addressee)

    async def _append(self, name: str, of_body: Facts, letter: Letter, addressee: Addressee) -> Receipt:
        """The row of a large message, whose body has its place."""
        drop, lead = addressee.drop, addressee.lead
        blob = Blob(name, of_body.octets, of_body.digest)
        facts = _given_facts(joined_facts(lead, of_body), letter)
        entry = Entry(letter, facts, lead, blob, addressee.quota, addressee.uidl)
        try:
            return await self._index.append(drop, entry)
        except (QuotaExceeded, StoreFull):
            # The row is certainly not there. After other errors it may be: then the blob is left to the sweep.
            await self._blobs.remove(drop, [blob.name])
            raise

    async def _sweep(self, drop: str, totals: Totals) -> None:
        """Remove blobs that a crash left without a row; the lease is held, so no row can go meanwhile.

        An index that does not have all the rows that it counts is damaged: then every blob may be wanted.
        """
        old = await self._blobs.names(drop, self._orphan_age)
        if old:
            rows = [(row.uid, row.blob.name if row.blob else "") async for row in self._index.rows(drop)]
            if sum(uid <= totals.last_uid for uid, _ in rows) != totals.messages:
                return
            known = {name for _, name in rows} | {row.blob.name async for row in self._index.deleted(drop) if row.blob}
            await self._blobs.remove(drop, [name for name in old if name not in known])
        self._swept.add(drop)


def _small_entry(body: Body, letter: Letter, addressee: Addressee) -> Entry:
    head = addressee.lead + body.octets
    return Entry(letter, _given_facts(measure(head), letter), head, None, addressee.quota, addressee.uidl)


def _ourselves(work: str) -> Holder:
    """Who holds the lease while the operator does something to a drop."""
    return Holder(work, "", "local", time.time())


def _given_facts(facts: Facts, letter: Letter) -> Facts:
    """Only what was sent as international has a surrogate: other octets beyond ASCII are handed out as they came."""
    return facts if facts.excess is None or letter.is_international else facts._replace(excess=None)
