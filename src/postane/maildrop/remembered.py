"""What drops held when this process last asked: a poll of a drop that did not change opens no index.

What was read is true of all that was acknowledged while the drop's number (`changes`) is what it was before the index
was asked. What nobody acknowledged, and nobody gave a number, is noticed by the files, which are looked at after LOOK
seconds: a message of a process that was killed between its commit and its answer, an index put in from elsewhere, one
that another program has written to. Files tell the time of a write by the tick of a clock: one that was written to
just before it was looked at may be written to again unnoticed, so that such a look proves nothing.

Must not know: what writes, and how the index is read.
"""

import contextlib
import os
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from .changes import LOOK, Changes, slot_of
from .folders import Folders
from .sides import Totals

DROPS = 100_000
"""Drops that are remembered at most, half a kilobyte each."""

SETTLED = 3_000_000_000
"""Nanoseconds after which a file that is written to again has another time: some file systems count in two seconds."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What tells a moment from a later one: the drop's number, and what its files were if that proves anything."""

    number: int
    files: int | None


class Known:
    """What one drop held. `change` and `opening` are for any thread, the others for the event loop."""

    __slots__ = ("_changes", "_looked", "_moment", "_slot", "_totals", "drop", "lease_path")

    def __init__(self, drop: str, folder: str, changes: Changes) -> None:
        self.drop = drop
        self.lease_path = f"{folder}/lease"
        self._changes = changes
        self._slot = slot_of(drop)
        self._totals: Totals | None = None
        self._moment = Moment(0, None)
        self._looked = 0.0

    def totals(self) -> Totals | None:
        """What the drop holds, if that is as it was. Raises nothing."""
        totals = self._totals
        if totals is None:
            return None
        now = time.monotonic()
        with contextlib.suppress(OSError):
            if self._changes.number(self._slot, now) == self._moment.number:
                if 0.0 <= now - self._looked < LOOK:
                    return totals
                if self._moment.files is not None and self._files() == self._moment.files:
                    self._looked = now
                    return totals
        self._totals = None
        return None

    def moment(self) -> Moment | None:
        """To be called before the index is asked; None: what it tells cannot be remembered. Raises nothing."""
        with contextlib.suppress(OSError):
            number = self._changes.number(self._slot, time.monotonic())
            return Moment(number, self._files()) if number % 2 == 0 else None
        return None

    def learn(self, moment: Moment | None, totals: Totals) -> None:
        """Remember what the drop held, asked after that moment."""
        if moment is not None:
            self._totals = totals
            self._moment = moment
            self._looked = time.monotonic()

    def change(self) -> Callable[[], None]:
        """To be called before the drop is changed, and what it gives before anybody is told of it.

        Raises OSError, and then the drop may not be changed.
        """
        return self._changes.begin(self._slot, time.monotonic())

    def opening(self) -> None:
        """To be called before the index is opened: what a killed process left in the log may come back."""
        with contextlib.suppress(OSError):
            if os.stat(f"{self._index}-wal").st_size > 0:
                self._changes.renew(self._slot, time.monotonic())

    @property
    def _index(self) -> str:
        return f"{self.lease_path[:-5]}index.sqlite"

    def _files(self) -> int | None:
        """What tells the index and its log from what they are once somebody has written; None where nothing does."""
        index = os.stat(self._index)
        told = [index.st_dev, index.st_ino, index.st_size, index.st_mtime_ns]
        with contextlib.suppress(FileNotFoundError):
            log = os.stat(f"{self._index}-wal")
            if log.st_size > 0:
                told += [log.st_ino, log.st_size, log.st_mtime_ns]
        settled = time.time_ns() - SETTLED
        return hash(tuple(told)) if all(written < settled for written in told[3::3]) else None


class Remembered:
    """What is known of the drops that were in use last."""

    __slots__ = ("_changes", "_folders", "_known")

    def __init__(self, folders: Folders) -> None:
        self._folders = folders
        self._changes = Changes(folders.root)
        self._known: OrderedDict[str, Known] = OrderedDict()

    def get(self, drop: str) -> Known | None:
        """What is known of a drop, if anything is."""
        known = self._known.get(drop)
        if known is not None:
            self._known.move_to_end(drop)
        return known

    def require(self, drop: str) -> Known:
        """The same, with a place for what will be known."""
        known = self.get(drop)
        if known is None:
            known = self._known[drop] = Known(drop, self._folders.drop(drop), self._changes)
            if len(self._known) > DROPS:
                self._known.popitem(last=False)
        return known
