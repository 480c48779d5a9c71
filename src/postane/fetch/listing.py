"""What the server has: taken into the journal under keys that are each message's own.

A unique-id is the key. Where the server gives none, or gives one to several messages (RFC 1939 s7 allows that for
copies), it is a digest (`keys`). A server that did so once is not believed again about that unique-id: it would become
unique, and mean another message, as soon as one of them is deleted.

Must not know: what is done with the messages.
"""

from collections.abc import AsyncIterator, Sequence

from postane.journal.base import Listed

from .errors import Trouble
from .keys import DigestKeys
from .source import Item
from .work import PENDING, PIECE, Work

REPEATED = "repeated unique-ids"
"""By what the journal remembers them."""


async def take_listing(work: Work) -> None:
    """Ask for the listing, and note it. Raises FetchError, JournalError."""
    run = work.run
    known = set((await run.recall(REPEATED) or "").split())
    odd: list[Item] = []
    if repeated := list(await run.take_listing(_keyed(work, known, odd))):
        known |= {listed.key for listed in repeated}
        await run.remember(REPEATED, " ".join(sorted(known)))
        odd += [Item(listed.number, listed.octets, None) for listed in repeated]
    if odd:
        work.progress.step = "looking"
        odd.sort(key=lambda item: item.number)
        await run.rekey([listed async for listed in _digested(work, odd)])


async def _keyed(work: Work, known: set[str], odd: list[Item]) -> AsyncIterator[Sequence[Listed]]:
    """The listing under unique-ids; what has none of its own goes to `odd`."""
    async for items in work.source.listing():
        work.progress.listed += len(items)
        keyed = []
        for item in items:
            if item.unique_id is None or item.unique_id in known:
                odd.append(item)
            else:
                keyed.append(Listed(item.number, item.unique_id, item.octets))
        yield keyed


async def _digested(work: Work, items: Sequence[Item]) -> AsyncIterator[Listed]:
    keys, octets = DigestKeys(), {item.number: item.octets for item in items}
    async for incoming in work.source.headers([item.number for item in items]):
        if incoming.error is not None:
            work.progress.fail(f"message {incoming.number}: {incoming.error}", Trouble.TEMPORARY)
            continue
        header = b"".join([chunk async for chunk in incoming.chunks()])
        yield Listed(incoming.number, keys.key(header, octets[incoming.number]), octets[incoming.number])


async def reconcile(work: Work) -> None:
    """The last run did not end: ask the destinations that can tell what they have, and record it. Raises SinkError."""
    work.progress.step = "comparing"
    tellers = [sink for sink in work.sinks if sink.can_tell]
    names = {sink.name for sink in work.sinks}
    async for piece in work.run.compare(steps=PENDING, piece=PIECE):
        parcels = {work.parcel_key(each.listed.key, is_part=_is_part(work, each.listed)): each for each in piece}
        had = {each.listed.key: set(each.sinks) for each in piece}
        for sink in tellers:
            found = [parcels[name].listed.key for name in await sink.find(list(parcels))]
            await work.run.record_sink(found, sink.name)
            for key in found:
                had[key].add(sink.name)
        everywhere = [each.listed for each in piece if had[each.listed.key] >= names]
        await work.run.record_delivered([each.key for each in everywhere if not _is_part(work, each)])
        parts = [each.key for each in everywhere if _is_part(work, each)]
        await work.run.record_skipped(dict.fromkeys(parts, "its header part was fetched"))
        work.progress.present += len(everywhere)


def _is_part(work: Work, listed: Listed) -> bool:
    """Whether only the header part of it is fetched."""
    return work.account.max_size is not None and listed.octets > work.account.max_size
