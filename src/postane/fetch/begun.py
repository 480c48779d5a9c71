"""Messages that some of the destinations have and others lack: what is left to be done about them.

They are fetched again for those that lack them. A destination that is full, or out of order, would have that done in
each run for all that it lacks: it is offered a few, and the rest only once it takes something.

Must not know: how messages are fetched and delivered.
"""

from collections.abc import Iterator, Sequence

from postane.journal.base import Compared

from .handover import PUT_OFF, PUT_OFF_FIRST
from .listing import is_part
from .work import PART, Work


async def record_placed(work: Work, piece: Sequence[Compared]) -> list[Compared]:
    """Record what is at all destinations that there are now: the one that lacked it may be none of them any more.
    Gives the others. Raises JournalError."""
    delivered, parts, rest = list[str](), dict[str, str](), list[Compared]()
    names = {sink.name for sink in work.sinks}
    for each in piece:
        if names <= set(each.sinks):
            delivered.append(each.listed.key)
        elif is_part(work, each.listed) and names <= {name.removesuffix(PART) for name in each.sinks}:
            parts[each.listed.key] = "its header part was fetched"
        else:
            rest.append(each)
    if delivered:
        await work.run.record_delivered(delivered)
    if parts:
        await work.run.record_skipped(parts)
    work.progress.present += len(delivered) + len(parts)
    return rest


def wanting(work: Work, each: Compared) -> Iterator[tuple[str, int]]:
    """The destinations that lack it, by their names, and how many messages they may put off yet."""
    had = {name.removesuffix(PART) for name in each.sinks} if is_part(work, each.listed) else set(each.sinks)
    for sink in work.sinks:
        if sink.name not in had:
            yield sink.name, work.progress.patience.get(sink.name, PUT_OFF_FIRST)


def next_few(work: Work, left: Sequence[Compared]) -> tuple[list[Compared], list[Compared]]:
    """What to fetch now, and what to look at again when that is delivered. What is wanted by none but destinations that
    take nothing is given up for this run, which is told."""
    wanted, full = list[Compared](), set[str]()
    few = PUT_OFF
    for each in left:
        patience = dict(wanting(work, each))
        if patience and max(patience.values()) <= 0:
            work.given_up.add(each.listed.key)
            full |= patience.keys()
            continue
        wanted.append(each)
        few = min((few, *(most for most in patience.values() if most > 0)))
    for name in sorted(full):
        work.progress.remark(f"{name} takes no message now: what it alone lacks is left at the server")
    return wanted[:few], wanted[few:]
