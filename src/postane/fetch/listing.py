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
from .work import HEADERS, PENDING, PIECE, Work

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
    limit = work.account.max_size
    async for piece in work.run.compare(steps=PENDING, piece=PIECE):
        had = {_name(each.listed, limit): set(each.sinks) for each in piece}
        for sink in tellers:
            found = await sink.find(list(had))
            await work.run.record_sink([key for key in found if not key.startswith(HEADERS)], sink.name)
            for key in found:
                had[key].add(sink.name)
        everywhere = [key for key, where in had.items() if where >= names]
        await work.run.record_delivered([key for key in everywhere if not key.startswith(HEADERS)])
        parts = [key.removeprefix(HEADERS) for key in everywhere if key.startswith(HEADERS)]
        await work.run.record_skipped(dict.fromkeys(parts, "its header part was fetched"))
        work.progress.present += len(everywhere)


def _name(listed: Listed, limit: int | None) -> str:
    """The key of the parcel that a message becomes."""
    return listed.key if limit is None or listed.octets <= limit else HEADERS + listed.key
