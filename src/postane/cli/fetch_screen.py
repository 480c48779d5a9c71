"""The live table of `postane fetch`, for a terminal: a row for each account, and below it what goes wrong.

It is drawn often while something is fetched, and once a second while accounts wait for their next run. Lines that are
printed meanwhile stand above it.

Must not know: how anything is fetched.
"""

import asyncio
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text  # no words of a stranger are markup

from postane.fetch.progress import Progress

from .fetch_show import octets, time_left
from .words import show

OFTEN = 0.125
"""Seconds between two drawings while something is fetched."""

SELDOM = 1.0
"""The same while all accounts wait for their next run."""

WITH_SPEED = 80
WITH_OCTETS = 64
WITH_ERRORS = 46
"""Columns of a terminal that has room for them."""


class Screen:
    """Shows `progresses`, which may become others, on standard error. `with` draws it and takes it away."""

    def __init__(self, progresses: Collection[Progress]) -> None:
        self._progresses = progresses
        console = Console(stderr=True)
        self._live = Live(
            get_renderable=lambda: picture(progresses, console.width, console.height),
            console=console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=sys.stdout.isatty(),  # what is printed into a pipe goes there
        )

    @contextmanager
    def drawn(self) -> Iterator[None]:
        """Draw it, again and again, as long as the event loop has time for it."""
        with self._live:
            drawing = asyncio.get_running_loop().create_task(self._draw())
            try:
                yield
            finally:
                drawing.cancel()

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Take it away for a while, in which somebody else has the terminal."""
        self._live.stop()
        try:
            yield
        finally:
            self._live.start(refresh=True)

    async def _draw(self) -> None:
        while True:
            self._live.refresh()
            is_waiting = self._progresses and all(each.next_at is not None for each in self._progresses)
            await asyncio.sleep(SELDOM if is_waiting else OFTEN)


def picture(progresses: Collection[Progress], width: int, height: int = 1000) -> Group:
    """How far the runs are, for a terminal of so many columns and lines. Where it has no room for all, those that need
    somebody and those that do something come first."""
    troubles = [f"{show(each.account)}: {show(words)}" for each in progresses if (words := _trouble(each))]
    most = max(height // 3, 1)
    if len(troubles) > most:
        troubles[most - 1 :] = [f"and {len(troubles) - most + 1} more that something is wrong with"]
    shown, hidden = list(progresses), list[Progress]()
    room = max(height - len(troubles) - 2, 2)  # beside the headings, and a line for the cursor
    if len(shown) > room:
        shown.sort(key=_urgency)
        shown, hidden = shown[: room - 1], shown[room - 1 :]
    lines = [Text(words, "red", no_wrap=True) for words in troubles]
    if hidden:
        lines.insert(0, Text(f"{len(hidden)} more accounts are not shown", no_wrap=True))
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return Group(_table(shown, width), *lines)


def _urgency(progress: Progress) -> int:
    if _trouble(progress):
        return 0
    return 1 if progress.began is not None and progress.ended is None else 2


def _table(progresses: Collection[Progress], width: int) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("account", min_width=8, max_width=max(width // 4, 8))  # the one that makes room for the others
    table.add_column("step", no_wrap=True, overflow="ellipsis", min_width=min(14, width // 3))
    headings = ["messages", *["octets"] * (width >= WITH_OCTETS), *["per second"] * (width >= WITH_SPEED)]
    headings += ["errors"] * (width >= WITH_ERRORS)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for each in progresses:
        cells = _cells(each)
        account = Text(show(each.account), no_wrap=True, overflow="ellipsis")
        table.add_row(account, Text(_step(each)), *(cells[heading] for heading in headings))
    return table


def _cells(progress: Progress) -> dict[str, str]:
    speed = progress.octets / progress.seconds if progress.seconds > 0 else 0.0
    errors = progress.failed + (progress.error is not None)
    messages, total = progress.messages_total, progress.octets_total
    return {
        "messages": _of(f"{progress.messages}", messages),
        "octets": _of(octets(progress.octets), total and octets(total)) if progress.octets else "",
        "per second": octets(int(speed)) if progress.octets else "",
        "errors": f"{errors}" if errors else "",
    }


def _step(progress: Progress) -> str:
    if progress.waits_for:
        return "waiting"
    if progress.next_at is None:
        return show(progress.step)
    return f"next in {time_left(max(progress.next_at - progress.clock(), 0.0))}"


def _of(done: str, total: object) -> str:
    return f"{done} of {total}" if total else done


def _trouble(progress: Progress) -> str:
    if progress.waits_for:
        return progress.waits_for
    if progress.error is not None:
        return progress.error.text
    return progress.troubles[-1] if progress.troubles else ""
