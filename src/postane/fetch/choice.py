"""Which messages are fetched, which are left, which are deleted: filters, sizes, and what is kept for how long.

Must not know: how messages are fetched or deleted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from postane.journal.base import Compared, Step
from postane.sinks.base import Sink, Waiter

from .account import Action, KeepKind, Oversize
from .errors import Trouble
from .filters import decide, read_header
from .header_part import read_header_part
from .lead import id_in_lead
from .source import Incoming
from .work import DONE, PENDING, PIECE, Tell, Work

HERE_SINCE = "here since"
"""By what it is remembered since when the destinations are the ones that they are, and which: a line for each."""

CLOCK = "clock"
"""By what it is remembered what the clock was, and since when ages count."""

DAY = 86400.0

LEAP = 100 * DAY
"""Seconds between two runs that nobody lets pass who keeps mail for some days. Where somebody does, mail stays for so
many days once more."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What becomes of some messages: fetched `whole`, only their header part (`parts`), left for a reason (by key), or
    deleted unread (`unwanted`, by number)."""

    whole: list[Compared] = field(default_factory=list)
    parts: list[Compared] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)
    unwanted: dict[int, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


async def choose(work: Work, piece: Sequence[Compared]) -> Choice:
    """What becomes of these. Nothing is recorded. Raises FetchError."""
    choice = Choice()
    for each in await _filtered(work, piece, choice) if work.account.filters else piece:
        limit = work.account.max_size
        if limit is None or each.listed.octets <= limit:
            choice.whole.append(each)
        elif work.account.oversize is Oversize.HEADERS:
            choice.parts.append(each)
        else:
            choice.left[each.listed.key] = too_large(work)
    return choice


def too_large(work: Work) -> str:
    """Why a message is not fetched whole."""
    return f"larger than max_size ({work.account.max_size} octets)"


async def _filtered(work: Work, piece: Sequence[Compared], choice: Choice) -> list[Compared]:
    by_number = {each.listed.number: each for each in piece}
    wanted = []
    async for incoming in work.source.headers(list(by_number)):
        each = by_number[incoming.number]
        if incoming.error is not None:
            choice.refused[each.listed.key] = note_refusal(work, incoming, each)
            continue
        fields = read_header(await read_header_part(incoming))
        action = decide(work.account.filters, fields)
        if action is Action.FETCH:
            wanted.append(each)
        elif action is Action.DELETE:  # recorded once the server has done it
            choice.unwanted[each.listed.number] = each.listed.key
        else:
            choice.left[each.listed.key] = "a filter says skip"
    return wanted


def note_refusal(work: Work, incoming: Incoming, each: Compared) -> str:
    """One message that the server does not give does not stop the others: it is told of. Gives the reason."""
    words = incoming.error or "refused"
    work.progress.fail(f"message {incoming.number} ({each.listed.key}): {words}", Trouble.TEMPORARY)
    work.given_up.add(each.listed.key)
    return words


async def check_clock(work: Work) -> None:
    """Before messages are deleted for their age: a clock that is far from where the last run left it is wrong now, or
    was wrong then. Ages count from now on then, for all messages. Raises JournalError."""
    if work.account.keep.kind is not KeepKind.AGED:
        return
    now = work.clock()
    last, _, since = (await work.run.recall(CLOCK) or repr(now)).partition(" ")
    work.aging_since = float(since or 0.0)
    ahead = now - float(last)
    if abs(ahead) > LEAP:
        work.aging_since = now
        days, way = round(abs(ahead) / DAY), "ahead of" if ahead > 0 else "behind"
        work.progress.remark(
            f"nothing is deleted for its age: the clock is {days} days {way} that of the last run, and ages count anew"
        )
    if abs(ahead) >= DAY or not since:
        await work.run.remember(CLOCK, f"{now!r} {work.aging_since!r}")


async def choose_due(work: Work, piece: Sequence[Compared]) -> list[Compared]:
    """Which of these, that are at their destinations, are to be deleted at the server now. Raises SinkError."""
    due = [each for each in piece if _is_due(work, each)]
    return await _gone_here(work, due) if due and work.account.keep.kind is KeepKind.HERE else due


def _is_due(work: Work, each: Compared) -> bool:
    keep = work.account.keep
    if each.step is Step.DELETED:  # the server said that it was gone
        return keep.kind is not KeepKind.ALL and _is_same(work, each)
    if keep.kind is KeepKind.AGED:
        return each.delivered is not None and max(each.delivered, work.aging_since) + keep.seconds <= work.clock()
    return keep.kind is not KeepKind.ALL


def _is_same(work: Work, each: Compared) -> bool:
    """Whether it is the message that was deleted, and not another one under its unique-id: some servers count anew."""
    if each.octets in (0, each.listed.octets):
        return True
    name = work.account.name
    work.progress.remark(
        "there are messages with the unique-ids of deleted ones, and of another size, which are neither fetched nor"
        f" deleted; to fetch them: postane fetch state forget {name} KEY (state list {name} --step deleted names it)"
    )
    return False


async def _gone_here(work: Work, due: Sequence[Compared]) -> list[Compared]:
    """What none of the destinations has any more, of what they got since they are the ones they are."""
    tellers = [sink for sink in work.sinks if sink.can_tell]
    if not tellers:
        work.progress.remark("nothing is deleted at the server: no destination can tell what it has")
        return []
    since = await _here_since(work, tellers)
    names = {work.parcel_key(each.listed.key): each for each in due if (each.delivered or 0.0) >= since}
    for sink in tellers:
        for name in await sink.find(list(names)):
            names.pop(name, None)
    for sink in tellers:
        if names:  # a mail reader may have given them other names, or rewritten them
            await _keep_resembling(work, sink, names)
    return list(names.values())


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


async def open_destinations(work: Work) -> None:
    """Open them. That one had to be made is remembered at once, whatever becomes of this run: the next one finds it
    made, and empty. Raises SinkError, JournalError."""
    try:
        for sink in work.sinks:
            if isinstance(sink, Waiter):
                sink.on_wait = work.progress.wait
            await sink.open()
    finally:
        if work.account.keep.kind is KeepKind.HERE or await work.run.recall(HERE_SINCE) is not None:
            await _here_since(work, [sink for sink in work.sinks if sink.can_tell])


async def _here_since(work: Work, tellers: Sequence[Sink]) -> float:
    """When the destinations were first seen, or last made anew, or others: what was delivered before may have been lost
    with a folder that was moved away, a disk that is not mounted, and nobody deleted it."""
    names = sorted(sink.name for sink in tellers)
    since, *known = (await work.run.recall(HERE_SINCE) or "").split("\n")
    if since and known == names and not any(sink.is_new for sink in tellers):
        return float(since)
    began = work.progress.began
    assert began is not None, "the run has begun"
    if since and float(since) != began and work.account.keep.kind is KeepKind.HERE:
        new = ", ".join(sink.name for sink in tellers if sink.is_new)
        work.progress.remark(
            f"{f'{new} had to be made anew' if new else 'the destinations are others than before'}: what was delivered"
            " until now is not deleted at the server, since nobody knows what was deleted here; to have it again:"
            f" postane fetch state forget {work.account.name}"
        )
    await work.run.remember(HERE_SINCE, "\n".join((repr(began), *names)))
    return began


async def describe(work: Work, tell: Tell) -> None:
    """A dry run: tell what would become of each message that something would become of. Raises FetchError."""
    deletes = work.account.keep.kind is KeepKind.NONE
    async for listed in work.run.compare(steps=PENDING, piece=PIECE):
        piece = [each for each in listed if each.listed.key not in work.given_up]
        choice = await choose(work, piece)
        whole, parts = {each.listed.key for each in choice.whole}, {each.listed.key for each in choice.parts}
        for each in piece:
            key = each.listed.key
            if key in whole:
                tell(each.listed, "fetch and delete" if deletes else "fetch")
            elif key in parts:
                tell(each.listed, "fetch the header part")
            else:
                is_unwanted = each.listed.number in choice.unwanted
                tell(each.listed, "delete without fetching" if is_unwanted else f"leave: {_reason(choice, key)}")
    await check_clock(work)
    async for done in work.run.compare(steps=DONE, piece=PIECE):
        for each in await choose_due(work, done):
            tell(each.listed, "delete")


def _reason(choice: Choice, key: str) -> str:
    return choice.left.get(key) or choice.refused.get(key) or "unknown"
