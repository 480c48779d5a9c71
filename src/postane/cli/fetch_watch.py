"""What `postane fetch --watch` does: fetch again and again, tell what is new, and read the file again when asked to.

A trouble that stays the same is told once, and again only after hours; that it is over is told too. A run that finds
nothing is not told of at all.

Must not know: how anything is fetched.
"""

import asyncio
import os
import random
import re
import sys
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime

from postane.config.fetching import Account, FetchConfig
from postane.config.problems import ConfigError
from postane.fetch.progress import Progress
from postane.fetch.rounds import Rounds
from postane.fetch.run import Job
from postane.fetch.schedule import Schedule

from .fetch_show import as_json, details, span, summary
from .words import Failure, json_text, say, show

STILL = 6 * 3600.0
"""Seconds after which a trouble that has stayed the same is told again: who looks at today's log is to find it."""

GRACE = 30.0
"""Seconds that runs have to end when a file was read again; then they are stopped, which loses nothing."""

KINDS = 20
"""Troubles of one account that are known again: several may take turns."""

NUMBERS = re.compile(r"\d+")


@dataclass(slots=True)
class Bad:
    """An account that fails: since when, and of each trouble, in comparable words, when it was told last."""

    since: float
    told: dict[str, float] = field(default_factory=dict)

    def note(self, words: str, now: float) -> None:
        """It is told now."""
        self.told.pop(words, None)
        self.told[words] = now
        if len(self.told) > KINDS:
            del self.told[next(iter(self.told))]


@dataclass(slots=True)
class Teller:
    """Tells of what is new in runs that ended. `stamp` puts a time in front of a line for people."""

    stamp: Callable[[float], str] = field(repr=False)
    is_quiet: bool = False
    is_json: bool = False
    _bad: dict[str, Bad] = field(default_factory=dict, init=False)
    _notes: dict[str, str] = field(default_factory=dict, init=False)

    def say(self, words: str, *, err: bool = True) -> None:
        """Say it now. Programs get nothing of it on standard output."""
        say(f"{self.stamp(time.time())}{words}", err=err or self.is_json)

    def tell(self, progress: Progress) -> None:
        """A run has ended."""
        assert progress.ended is not None, "it has"
        if self.is_json:  # a line for each run
            say(json_text({"at": progress.ended, **as_json(progress)}))
        elif progress.worst is not None:
            self._tell_trouble(progress, progress.ended)
        else:
            self._tell_well(progress, progress.ended)

    def _tell_trouble(self, progress: Progress, now: float) -> None:
        words, bad = _comparable(progress), self._bad.setdefault(progress.account, Bad(now))
        if (told := bad.told.get(words)) is None:
            bad.note(words, now)
            self._say_all(progress)
        elif now - told >= STILL:
            bad.note(words, now)
            self.say(f"{summary(progress)}; still so after {span(now - bad.since)}")
        elif _has_done(progress) and not self.is_quiet:
            self.say(summary(progress), err=progress.error is not None)

    def _tell_well(self, progress: Progress, now: float) -> None:
        if (bad := self._bad.pop(progress.account, None)) is not None:
            self.say(f"{show(progress.account)}: works again after {span(now - bad.since)}")
        is_noted = progress.note not in ("", self._notes.get(progress.account))
        if (_has_done(progress) or is_noted) and not self.is_quiet:
            self._say_all(progress)

    def _say_all(self, progress: Progress) -> None:
        is_known = progress.note == self._notes.get(progress.account)
        self._notes[progress.account] = progress.note
        self.say(summary(progress) + _again(progress), err=progress.error is not None)
        for words in details(progress, with_note=not is_known):
            self.say(words)


def _again(progress: Progress) -> str:
    if progress.worst is None or progress.next_at is None:
        return ""
    return f"; again in {span(progress.next_at - progress.clock())}"


def _comparable(progress: Progress) -> str:
    """What went wrong, the same for the same trouble: times and counts in it differ each time."""
    text = "" if progress.error is None else NUMBERS.sub("0", progress.error.text)
    return "\n".join((text, *sorted(progress.troubles)))


def _has_done(progress: Progress) -> bool:
    return any((progress.delivered, progress.present, progress.skipped, progress.deleted))


def clock_time(seconds: float) -> str:
    """For somebody at a terminal: 14:05."""
    return datetime.fromtimestamp(seconds).astimezone().strftime("%H:%M ")


def date_and_time(seconds: float) -> str:
    """For a file, in local time: 2026-01-31T14:05:09+01:00."""
    return datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="seconds") + " "


def choose_stamp() -> Callable[[float], str]:
    """What suits where standard error leads to. systemd's journal has a time for each line already."""
    if sys.stderr.isatty():
        return clock_time
    if journal := os.environ.get("JOURNAL_STREAM"):
        place = os.fstat(sys.stderr.fileno())
        if journal == f"{place.st_dev}:{place.st_ino}":
            return lambda _: ""
    return date_and_time


@dataclass(slots=True)
class Watch:
    """Watches accounts. `read` reads the file anew and raises ConfigError, Failure; `ask` asks for passwords; `showing`
    shows how far runs are, where somebody looks."""

    read: Callable[[], tuple[FetchConfig, Sequence[Account]]] = field(repr=False)
    teller: Teller
    ask: Callable[[str], str | None] = field(repr=False)
    showing: Callable[[Collection[Progress]], AbstractContextManager[None]] = field(repr=False)
    _next: tuple[FetchConfig, Sequence[Account]] | None = field(default=None, init=False)
    _is_reread: bool = field(default=False, init=False)
    _schedules: dict[str, tuple[Account, Schedule]] = field(default_factory=dict, init=False)
    _is_changed: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    async def go(self, settings: FetchConfig, chosen: Sequence[Account]) -> None:
        """Fetch these accounts again and again, until cancelled; others once the file was read again."""
        self._next = settings, chosen
        while self._next is not None:
            settings, chosen = self._next
            self._next = None
            self._is_changed.clear()
            if not self.teller.is_quiet and not self.teller.is_json:
                end = "; Ctrl-C ends it" if sys.stderr.isatty() else ""
                self.teller.say(f"watching {_named(chosen)}; what comes and what goes wrong is told{end}")
            if chosen:
                await self._until_changed(settings, chosen)
            elif self._is_reread:  # who disabled all enables some later, and asks whoever is there
                await self._is_changed.wait()

    def reread(self) -> None:
        """Read the file again, and go by it from the next run of each account on. One that is wrong is told of, and
        changes nothing."""
        from postane.fetching.house import check_accounts

        try:
            settings, chosen = self.read()
            check_accounts(settings, chosen)
        except (ConfigError, Failure) as error:
            for line in str(error).splitlines():
                self.teller.say(show(line))
            self.teller.say("the file as it was before goes on")
            return
        self._next, self._is_reread = (settings, chosen), True
        self._is_changed.set()

    async def _until_changed(self, settings: FetchConfig, chosen: Sequence[Account]) -> None:
        from postane.fetching.house import opened_rounds

        self._schedules = {account.name: self._schedule(account) for account in chosen}

        def schedule(job: Job) -> Schedule:
            return self._schedules[job.account.name][1]

        async with opened_rounds(settings, chosen, self.ask, ended=self.teller.tell) as rounds:
            with self.showing(rounds.watched.values()):
                await self._watch(rounds, schedule)

    def _schedule(self, account: Account) -> tuple[Account, Schedule]:
        """Of an account that is as it was: the one that it had, which knows how often it failed."""
        known = self._schedules.get(account.name)
        return known if known is not None and known[0] == account else (account, Schedule(account.every, random.random))

    async def _watch(self, rounds: Rounds, schedule: Callable[[Job], Schedule]) -> None:
        watching = asyncio.create_task(rounds.watch(schedule))
        changing = asyncio.create_task(self._is_changed.wait())
        try:
            await asyncio.wait({watching, changing}, return_when=asyncio.FIRST_COMPLETED)
            rounds.end()
            await asyncio.wait({watching}, timeout=GRACE)
        finally:
            changing.cancel()
            await _stop(watching)
        if not watching.cancelled():
            watching.result()


async def _stop(watching: asyncio.Task[None]) -> None:
    """Return when it has ended, also where somebody wants to stop all meanwhile: what is being delivered is recorded
    then, and its record closed after that."""
    watching.cancel()
    is_hurried = False
    while not watching.done():
        try:
            await asyncio.wait({watching})
        except asyncio.CancelledError:
            is_hurried = True
    if is_hurried:
        raise asyncio.CancelledError


def _named(chosen: Sequence[Account]) -> str:
    """Who is watched how often: "work, home every 5m, lists every 1h"."""
    by_time: dict[float, list[str]] = {}
    for account in chosen:
        by_time.setdefault(account.every, []).append(show(account.name))
    return "; ".join(f"{', '.join(names)} every {span(every)}" for every, names in by_time.items()) or "no account"
