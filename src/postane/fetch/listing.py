"""What the server has: taken into the journal under keys that are each message's own.

A unique-id is the key. Where the server gives none, or gives one to several messages (RFC 1939 s7 allows that for
copies), it is a digest (`keys`). A server that did so once is not believed again about that unique-id: it would become
unique, and mean another message, as soon as one of them is deleted.

Must not know: what is done with the messages.
"""

from collections.abc import AsyncIterator, Sequence

from postane.journal.base import Listed, Step

from .errors import FetchError, Trouble
from .header_part import read_header_part
from .keys import PREFIX, DigestKeys
from .source import Facts, Item
from .work import PART, PENDING, PIECE, Work, typed

REPEATED = "repeated unique-ids"
"""By what the journal remembers them."""

UNIQUE_IDS = "has unique-ids"
"""The same for a server that gave some."""

MAILBOX = "mailbox"
"""The same for whose mail it was: its name now, and the first one, in lines."""

COMPARED = "compared"
"""By what it remembers that its destinations were asked what they have."""

ASKED = 20_000
"""Messages that destinations are asked for at once: some read all that they have, each time."""

SETTLED: frozenset[Step | None] = frozenset(Step) - {Step.SEEN}
"""What something was done about in an earlier run."""


async def take_listing(work: Work) -> None:
    """Ask for the listing, and note it. Raises FetchError, JournalError."""
    run = work.run
    known = set((await run.recall(REPEATED) or "").split())
    odd: list[Item] = []
    if repeated := list(await run.take_listing(_keyed(work, known, odd), spared=PREFIX)):
        known |= {listed.key for listed in repeated}
        await run.remember(REPEATED, " ".join(sorted(known)))
        odd += [Item(listed.number, listed.octets, None) for listed in repeated]
    if odd or known or await run.recall(UNIQUE_IDS) is None:  # else there is nothing under a digest
        if odd:
            work.progress.step = "looking"
        odd.sort(key=lambda item: item.number)
        await run.rekey([listed async for listed in _digested(work, odd)])
    work.given_up |= set(work.source.hidden)


async def _keyed(work: Work, known: set[str], odd: list[Item]) -> AsyncIterator[Sequence[Listed]]:
    """The listing under unique-ids; what has none of its own goes to `odd`."""
    has_unique_ids, count = False, 0
    async for items in work.source.listing():
        count += len(items)
        work.progress.listed = max(work.progress.listed, count)  # a later session has less to list
        has_unique_ids = has_unique_ids or any(item.unique_id is not None for item in items)
        keyed = []
        for item in items:
            if item.unique_id is None or item.unique_id in known:
                odd.append(item)
            else:
                keyed.append(Listed(item.number, item.unique_id, item.octets))
        yield keyed
    if has_unique_ids or odd:
        await _check_unique_ids(work, has_unique_ids=has_unique_ids)


async def _check_unique_ids(work: Work, *, has_unique_ids: bool) -> None:
    """A server that gave unique-ids and gives none now is out of order, or does not know its own mind."""
    had_unique_ids = await work.run.recall(UNIQUE_IDS) is not None
    if had_unique_ids and not has_unique_ids:
        forget = f"postane fetch state forget {typed(work.account.name)}"
        raise FetchError(
            f"the server gives no unique-ids now, and all its mail would look new; if it never will again: {forget}",
            Trouble.TEMPORARY,
        )
    if has_unique_ids and not had_unique_ids:
        await work.run.remember(UNIQUE_IDS, "yes")


async def _digested(work: Work, items: Sequence[Item]) -> AsyncIterator[Listed]:
    keys, octets = DigestKeys(), {item.number: item.octets for item in items}
    async for incoming in work.source.headers([item.number for item in items]):
        if incoming.error is not None:
            work.progress.fail(f"message {incoming.number}: {incoming.error}", Trouble.TEMPORARY)
            continue
        header = await read_header_part(incoming)
        yield Listed(incoming.number, keys.key(header, octets[incoming.number]), octets[incoming.number])


async def check_mailbox(work: Work, facts: Facts) -> None:
    """An account that is another mailbox than before, by its name or its server's: is its mail what was there before?

    Many servers count their messages, so a unique-id of the one may be that of another message of the other, which
    would be taken for delivered, and deleted. Raises FetchError where what is listed was not there, or had another
    size. What destinations know messages by has the first name in it, so that a mailbox that is only called otherwise
    now has its messages where they are.
    """
    mailbox = facts.mailbox.replace("\n", " ")
    before, _, first = (await work.run.recall(MAILBOX) or "").partition("\n")
    work.mailbox = first or mailbox
    if before == mailbox:
        return
    if before:
        same = others = 0
        async for piece in work.run.compare(steps=SETTLED, piece=PIECE):
            for each in piece:
                same, others = same + (each.octets == each.listed.octets), others + (each.octets != each.listed.octets)
        if not work.progress.listed:
            return  # nothing can be told, and nothing lost
        if not same or others > same:
            raise FetchError(
                f"this was {before} until now, and is {mailbox}, where other mail is: give it an account of"
                f" another name, or forget what was there: postane fetch state forget {typed(work.account.name)}",
                Trouble.CONFIGURATION,
            )
    await work.run.remember(MAILBOX, f"{mailbox}\n{work.mailbox}")


async def reconcile(work: Work) -> None:
    """Ask the destinations that can tell what they have, and record it. Raises SinkError."""
    work.progress.step = "comparing"
    tellers = [sink for sink in work.sinks if sink.can_tell and sink.name not in work.progress.down]
    names = {sink.name for sink in work.sinks}
    async for piece in work.run.compare(steps=PENDING, piece=ASKED):
        parts = {each.listed.key for each in piece if is_part(work, each.listed)}
        parcels = {work.parcel_key(each.listed.key, is_part=each.listed.key in parts): each for each in piece}
        had = {each.listed.key: _names_of(each.sinks, is_part=each.listed.key in parts) for each in piece}
        for sink in tellers:
            found = [parcels[name].listed.key for name in await sink.find(list(parcels))]
            await work.run.record_sink([key for key in found if key not in parts], sink.name)
            await work.run.record_sink([key for key in found if key in parts], sink.name + PART)
            for key in found:
                had[key].add(sink.name)
        everywhere = [each.listed for each in piece if had[each.listed.key] >= names]
        await work.run.record_delivered([each.key for each in everywhere if each.key not in parts])
        skipped = [each.key for each in everywhere if each.key in parts]
        await work.run.record_skipped(dict.fromkeys(skipped, "its header part was fetched"))
        work.progress.present += len(everywhere)
    if not work.progress.down:
        await work.run.remember(COMPARED, "yes")


async def is_first(work: Work) -> bool:
    """Whether nobody has asked yet what the destinations have, and some may have something: this account was fetched
    before, and its state was lost. Raises JournalError."""
    if await work.run.recall(COMPARED) is not None:
        return False
    if any(sink.can_tell and not sink.is_new for sink in work.sinks):
        return True
    await work.run.remember(COMPARED, "yes")
    return False


def _names_of(had_by: Sequence[str], *, is_part: bool) -> set[str]:
    """The destinations that have a message, or that have as much of it as is wanted."""
    return {name.removesuffix(PART) if is_part else name for name in had_by}


def is_part(work: Work, listed: Listed) -> bool:
    """Whether only the header part of it is fetched."""
    return work.account.max_size is not None and listed.octets > work.account.max_size
