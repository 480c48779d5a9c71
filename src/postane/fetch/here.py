"""`keep = "until-deleted-here"`: what of the delivered mail the destinations have no more.

What is missing was not always deleted by somebody: a folder is moved away, a disk is not mounted, a backup is put back
in which the last messages are not yet. Deleting at the server would make such a loss one for ever.

Must not know: how messages are deleted.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from json import dumps, loads

from postane.journal.base import Compared
from postane.sinks.base import Located, Sink, SinkError

from .account import KeepKind
from .lead import id_in_lead
from .listing import ASKED
from .work import DONE, HERE_SINCE, Work, typed

AT_ONCE = "gone at once"
"""By what it is remembered what was gone at once: when that was noticed, and when the first and the last of it were
delivered, in seconds since the epoch."""

PLACES = "here at"
"""The same of what tells one destination from another in its place, as JSON."""

MANY = 20
"""So many messages that are gone between two runs, and were the last ones to come, look like an older backup."""

WAIT = 7 * 86400.0
"""Seconds for which they stay at the server all the same: time to read of it."""


async def gone_here(work: Work, is_due: Callable[[Compared], bool]) -> list[Compared]:
    """What none of the destinations has any more, of what they got since they are the ones they are and `is_due` as far
    as the journal knows. Raises SinkError, JournalError."""
    tellers = [sink for sink in work.sinks if sink.can_tell]
    if not tellers:
        work.progress.remark("nothing is deleted at the server: no destination can tell what it has")
        return []
    if down := [sink.name for sink in tellers if sink.name in work.progress.down]:
        work.progress.remark(f"nothing is deleted at the server: {', '.join(down)} cannot be asked now")
        return []
    since = await here_since(work, tellers)
    gone, newest = list[Compared](), 0.0
    async for piece in work.run.compare(steps=DONE, piece=ASKED):
        asked = [each for each in piece if is_due(each) and (each.delivered or 0.0) >= since]
        missing = await _missing(work, tellers, asked)
        numbers = {each.listed.number for each in missing}
        gone += missing
        newest = max(newest, *(_came(work, each) for each in asked if each.listed.number not in numbers), 0.0)
    return await _without_loss(work, gone, newest)


async def _missing(work: Work, tellers: Sequence[Sink], asked: Sequence[Compared]) -> list[Compared]:
    names = {work.parcel_key(each.listed.key): each for each in asked}
    for sink in tellers:
        for name in await sink.find(list(names)):
            names.pop(name, None)
    for sink in tellers:
        if names:  # a mail reader may have given them other names, or rewritten them
            await _keep_resembling(work, sink, names)
    return list(names.values())


def _came(work: Work, each: Compared) -> float:
    """When a message that is here was delivered; what this run brought came after whatever was lost."""
    began, delivered = work.progress.began, each.delivered or 0.0
    return delivered if began is None or delivered < began else 0.0


async def _without_loss(work: Work, gone: list[Compared], newest: float) -> list[Compared]:
    """Without what looks lost and not deleted: the last that came, many at once. `newest` is when the last one came
    that is still here."""
    noticed, first, last = map(float, (await work.run.recall(AT_ONCE) or "0 0 0").split())
    now = work.clock()
    lost = [each for each in gone if (each.delivered or 0.0) > max(newest, last)]
    if len(lost) >= MANY:
        times = [each.delivered or 0.0 for each in lost]
        noticed, first, last = now, min(times, default=0.0), max(times)
        await work.run.remember(AT_ONCE, f"{noticed!r} {first!r} {last!r}")
    if not 0 <= now - noticed < WAIT:
        return gone
    held = {each.listed.number for each in gone if first <= (each.delivered or 0.0) <= last}
    if held:
        name = typed(work.account.name)
        work.progress.remark(
            f"the last {len(held)} messages that came are gone at once, as if an older backup had been put in their"
            f" place: for {WAIT / 86400:.0f} days they stay at the server; to have them again: postane fetch state"
            f" forget {name}, then postane fetch state rebuild {name}"
        )
    return [each for each in gone if each.listed.number not in held]


async def _keep_resembling(work: Work, sink: Sink, names: dict[str, Compared]) -> None:
    """Take out what the destination may have although it does not know it any more."""
    wanted = {name: id_in_lead(work.account, each.listed.key) for name, each in names.items()}
    here = await sink.resembling(wanted)
    for name in here:
        del names[name]
    if not all(wanted[name] for name in here):
        work.progress.remark(
            f"not all that seems gone is deleted at the server: {sink.name} has messages that may be these, renamed or"
            " rewritten by a mail reader, and with received = false there is nothing to know them by"
        )


async def here_since(work: Work, tellers: Sequence[Sink]) -> float:
    """When the destinations were first seen, or last made anew, or others: what was delivered before may have been lost
    with a folder that was moved away, a disk that is not mounted, and nobody deleted it."""
    names = sorted(sink.name for sink in tellers)
    since, *known = (await work.run.recall(HERE_SINCE) or "").split("\n")
    places = loads(await work.run.recall(PLACES) or "{}")
    found = await _found(work, tellers)
    empty = [name for name, (place, is_empty) in found.items() if is_empty and places.get(name, place) != place]
    is_same = known == names and not empty and not any(sink.is_new for sink in tellers)
    if not since or not is_same:
        since = repr(await _begin_anew(work, tellers, float(since or 0.0), empty))
    if (now := places | {name: place for name, (place, _) in found.items()}) != places:  # after what was told by it
        await work.run.remember(PLACES, dumps(now))
    return float(since)


async def _found(work: Work, tellers: Sequence[Sink]) -> dict[str, tuple[str, bool]]:
    """What stands in the places of the destinations, by their names, and whether it is empty."""
    found = {}
    for sink in tellers:
        if isinstance(sink, Located) and sink.name not in work.progress.down:
            with suppress(SinkError):  # it could not be opened either
                found[sink.name] = await sink.locate()
    return found


async def _begin_anew(work: Work, tellers: Sequence[Sink], since: float, empty: Sequence[str]) -> float:
    """Count only what is delivered from now on, and give when that is. `empty` are others than before, with nothing."""
    began = work.progress.began
    assert began is not None, "the run has begun"
    if since and since != began and work.account.keep.kind is KeepKind.HERE:
        what = "the destinations are others than before"
        if empty:
            what = f"{', '.join(empty)} is another than before, and empty"
        if new := ", ".join(sink.name for sink in tellers if sink.is_new):
            what = f"{new} had to be made anew"
        work.progress.remark(
            f"{what}: what was delivered until now is not deleted at the server, since nobody knows what was deleted"
            f" here; to have it again: postane fetch state forget {typed(work.account.name)}"
        )
    await work.run.remember(HERE_SINCE, "\n".join((repr(began), *sorted(sink.name for sink in tellers))))
    return began
