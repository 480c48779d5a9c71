"""How fetching is told of: a line or some for each account, JSON for programs, exit codes.

Must not know: how anything is fetched.
"""

import sys
from collections.abc import Collection, Iterator, Sequence

from postane.fetch.errors import Trouble
from postane.fetch.progress import Progress

from .words import Exit, say, show

CODES: dict[Trouble, Exit] = {
    Trouble.REFUSED: Exit.DATA,
    Trouble.UNREACHABLE: Exit.UNAVAILABLE,
    Trouble.TEMPORARY: Exit.TEMP_FAIL,
    Trouble.DESTINATION: Exit.CANNOT_CREATE,
    Trouble.JOURNAL: Exit.IO_ERROR,
    Trouble.PROTOCOL: Exit.PROTOCOL,
    Trouble.LOGIN: Exit.NO_PERMISSION,
    Trouble.CONFIGURATION: Exit.CONFIG,
}
"""What a command ends with; of several troubles the worst counts, which is the last in the order of Trouble."""


def exit_code(progresses: Sequence[Progress]) -> Exit:
    """What a command ends with after these runs."""
    return worst_code({progress.worst for progress in progresses})


def worst_code(found: Collection[Trouble | None]) -> Exit:
    """The code for the worst of these."""
    return next((CODES[trouble] for trouble in reversed(Trouble) if trouble in found), Exit.OK)


def octets(count: int) -> str:
    """A number of octets for people, three digits of it."""
    amount, units = float(count), ["B", "kB", "MB", "GB", "TB"]
    while amount >= 999.5 and len(units) > 1:
        amount /= 1024
        del units[0]
    return f"{count} B" if units[0] == "B" else f"{amount:.3g} {units[0]}"


def time_left(seconds: float) -> str:
    """A time for people that grows less: 4m 10s, 5m 0s."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes}m" if hours else f"{minutes}m {rest}s" if minutes else f"{rest}s"


def span(seconds: float) -> str:
    """A time for people that stays: 4m 10s, 5m, 0.2s."""
    return f"{seconds:.2g}s" if seconds < 1 else time_left(seconds).removesuffix(" 0s").removesuffix(" 0m")


def counted(count: int, what: str) -> str:
    """A number of things: "1 message", "2 messages"."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def summary(progress: Progress) -> str:
    """What became of a run, on one line."""
    account, error = show(progress.account), progress.error
    counts = progress.delivered, progress.present, progress.skipped, progress.deleted, progress.failed
    if error is not None and not any(counts):
        return f"{account}: {show(error.text)}"
    words = [f"{progress.delivered} delivered"]
    for count, what in (
        (progress.present, "there already"),
        (progress.skipped, "left"),
        (progress.deleted, "deleted at the server"),
        (progress.failed, "failed"),
    ):
        if count:
            words.append(f"{count} {what}")
    text = f"{account}: {', '.join(words)}, {octets(progress.octets)} in {progress.seconds:.1f} s"
    return text if error is None else f"{text}; then: {show(error.text)}"


def details(progress: Progress, *, with_note: bool = True) -> Iterator[str]:
    """What its summary does not say: what went wrong with messages, and what else is to be known. A line for each."""
    condensed = list(_condensed(progress))
    if condensed and (more := progress.failed - len(progress.troubles)) > 0:
        condensed[-1] += f"; and {more} more failed"
    if progress.note and with_note:
        condensed.append(progress.note)
    yield from (f"{show(progress.account)}: {show(words)}" for words in condensed)


def report(progress: Progress) -> None:
    """Print what became of a run: to standard output what was done, to standard error what went wrong."""
    say(summary(progress), err=progress.error is not None)
    for words in details(progress):
        say(words, err=True)
    sys.stdout.flush()


def _condensed(progress: Progress) -> Iterator[str]:
    """What went wrong with messages, once for each reason; not what the run's error says already."""
    messages: dict[str, list[str]] = {}
    for words in progress.troubles:
        message, _, reason = words.partition(": ")
        messages.setdefault(reason or message, []).append(message)
    for reason, those in messages.items():
        if progress.error is None or reason.rpartition(": ")[2] not in progress.error.text:
            others = f" and {len(those) - 1} more" if len(those) > 1 else ""
            yield reason if reason == those[0] else f"{those[0]}{others}: {reason}"


def as_json(progress: Progress) -> dict[str, object]:
    """What became of a run, for programs."""
    return {
        "account": progress.account,
        "ok": progress.worst is None,
        "trouble": progress.worst,
        "error": None if progress.error is None else progress.error.text,
        "listed": progress.listed,
        "fetched": progress.messages,
        "octets": progress.octets,
        "delivered": progress.delivered,
        "present": progress.present,
        "left": progress.skipped,
        "deleted": progress.deleted,
        "failed": progress.failed,
        "troubles": progress.troubles,
        "note": progress.note or None,
        "seconds": round(progress.seconds, 3),
    }
