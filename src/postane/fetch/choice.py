"""Which messages are fetched, which are left, which are deleted: filters, sizes, and what is kept for how long.

Must not know: how messages are fetched or deleted.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from postane.journal.base import Compared, Step
from postane.sinks.base import SinkError, Waiter

from .account import Action, KeepKind, Oversize
from .errors import FetchError, Trouble
from .filters import decide, read_header
from .header_part import read_header_part
from .source import Incoming
from .troubles import told_of_sink
from .work import DONE, HERE_SINCE, PENDING, PIECE, Tell, Work, typed

CLOCK = "clock"
"""By what it is remembered what the clock was, and since when ages count."""

FRESH = 1
"""How often a message was tried that did not fail, or once: that may be anybody's fault."""

OWN_FIELDS = 256
"""Octets by which a message may grow at its server: X-UIDL, Status and their like."""

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


async def pending(work: Work, tries: int, others: set[int]) -> AsyncIterator[list[Compared]]:
    """What is not at its destinations and failed about so often: `FRESH` is up to once, 2 up to three times, 3 up to
    seven. `others` hears of the numbers that others have. Raises JournalError.

    What failed twice comes one by one: which one breaks the session, or a destination, is known then, and it comes
    after the others next time.
    """
    async for piece in work.run.compare(steps=PENDING, piece=PIECE):
        found = []
        for each in piece:
            if each.listed.key in work.given_up:
                continue
            if (has := max(each.attempts.bit_length(), FRESH)) == tries:
                found.append(each)
            else:
                others.add(has)
        if tries == FRESH and found:
            yield found
        elif found:
            for each in sorted(found, key=lambda each: each.attempts):
                yield [each]


async def choose(work: Work, piece: Sequence[Compared]) -> Choice:
    """What becomes of these. Nothing is recorded but where the session ended at one of them. Raises FetchError."""
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
    try:
        async for incoming in work.source.headers(list(by_number)):
            each = by_number[incoming.number]
            if incoming.error is not None:
                choice.refused[each.listed.key] = note_refusal(work, incoming, each)
            else:
                fields = read_header(await read_header_part(incoming))
                action = decide(work.account.filters, fields)
                if action is Action.FETCH:
                    wanted.append(each)
                elif action is Action.DELETE:  # recorded once the server has done it
                    choice.unwanted[incoming.number] = each.listed.key
                else:
                    choice.left[each.listed.key] = "a filter says skip"
            del by_number[incoming.number]
    except FetchError as error:
        if by_number:  # the server may end the session at this one each time
            await work.run.record_failed({next(iter(by_number.values())).listed.key: error.text})
        raise
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


async def due(work: Work) -> AsyncIterator[list[Compared]]:
    """Which of the messages that are at their destinations are to be deleted at the server now, in pieces. Raises
    SinkError, JournalError."""
    if work.account.keep.kind is KeepKind.HERE:
        from .here import gone_here  # few keep mail so

        yield await gone_here(work, partial(_is_due, work))
        return
    await check_clock(work)
    async for piece in work.run.compare(steps=DONE, piece=PIECE):
        yield [each for each in piece if _is_due(work, each)]


def _is_due(work: Work, each: Compared) -> bool:
    keep = work.account.keep
    if keep.kind is KeepKind.ALL:
        return False
    is_aging = each.step is Step.DELIVERED and keep.kind is KeepKind.AGED
    if is_aging and max(each.delivered or 0.0, work.aging_since) + keep.seconds > work.clock():
        return False
    return _is_same(work, each)


def _is_same(work: Work, each: Compared) -> bool:
    """Whether it is the message that was delivered, or deleted, and not another one under its unique-id: some servers
    count anew. Some add fields of their own to a message that was fetched."""
    may_grow = 0 if each.step is Step.DELETED else OWN_FIELDS
    if not each.octets or each.octets <= each.listed.octets <= each.octets + may_grow:
        return True
    those = "of deleted ones" if each.step is Step.DELETED else "of others that were delivered"
    name = typed(work.account.name)
    work.progress.remark(
        f"there are messages with the unique-ids {those}, and of another size, which are neither fetched nor deleted;"
        f" to fetch them: postane fetch state forget {name} KEY (state list {name} --step {each.step} names it)"
    )
    return False


async def open_destinations(work: Work) -> None:
    """Open them; of several those that can be opened, the others are `down`. That one had to be made is remembered at
    once, whatever becomes of this run: the next one finds it made, and empty. Raises SinkError, JournalError."""
    try:
        for sink in work.sinks:
            if isinstance(sink, Waiter):
                sink.on_wait = work.progress.wait
            try:
                await sink.open()
            except SinkError as error:
                if len(work.progress.down) + 1 == len(work.sinks):
                    raise
                work.progress.put_down(sink.name, told_of_sink(error))
    finally:
        if work.account.keep.kind is KeepKind.HERE or await work.run.recall(HERE_SINCE) is not None:
            from .here import here_since

            await here_since(work, [sink for sink in work.sinks if sink.can_tell])


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
    if work.account.keep.kind is not KeepKind.ALL:
        async for found in due(work):
            for each in found:
                tell(each.listed, "delete")


def _reason(choice: Choice, key: str) -> str:
    return choice.left.get(key) or choice.refused.get(key) or "unknown"
