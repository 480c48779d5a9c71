"""All accounts: several at once, not too many with one host, once or again and again.

Must not know: how an account is fetched, how it is shown.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from postane.journal.base import Journal

from .progress import Progress
from .run import Job, fetch
from .schedule import Schedule
from .work import Tell


@dataclass(frozen=True, slots=True)
class Limits:
    """How many accounts are fetched at once, in all and with one host."""

    at_once: int = 8
    per_host: int = 2


@dataclass(slots=True)
class Rounds:
    """The accounts' jobs with the journal that they share. `ended` hears of each run, once it is known when the next
    one is; `watched` has the last run of each account, by its name, while they are watched."""

    jobs: Sequence[Job]
    journal: Journal
    limits: Limits
    clock: Callable[[], float] = field(repr=False)
    ended: Callable[[Progress], None] = field(default=lambda _: None, repr=False)
    watched: dict[str, Progress] = field(default_factory=dict, init=False)
    _all: asyncio.Semaphore | None = field(default=None, init=False)
    _hosts: "dict[str, asyncio.Semaphore]" = field(default_factory=dict, init=False)
    _mailboxes: "dict[str, asyncio.Lock]" = field(default_factory=dict, init=False)
    _asleep: "set[asyncio.Task[None]]" = field(default_factory=set, init=False)
    _is_ending: bool = field(default=False, init=False)

    def progresses(self) -> list[Progress]:
        """One for each job, for `once`."""
        return [Progress(job.account.name, self.clock) for job in self.jobs]

    async def once(self, progresses: Sequence[Progress], tell: Callable[[str], Tell] | None = None) -> None:
        """Fetch each account once. One that fails does not stop the others; `tell` makes it a dry run."""
        self._prepare()
        async with asyncio.TaskGroup() as group:
            for job, progress in zip(self.jobs, progresses, strict=True):
                group.create_task(self._once(job, progress, None if tell is None else tell(job.account.name)))

    async def watch(self, schedule_for: Callable[[Job], Schedule]) -> None:
        """Fetch each account again and again, until cancelled or asked to end."""
        self._prepare()
        async with asyncio.TaskGroup() as group:
            for job in self.jobs:
                group.create_task(self._watch(job, schedule_for(job)))

    def end(self) -> None:
        """Let `watch` return when the runs that go on are over. No other begins."""
        self._is_ending = True
        for task in self._asleep:
            task.cancel()

    async def _watch(self, job: Job, schedule: Schedule) -> None:
        progress, seconds = self._begin(job), schedule.first()
        progress.next_at = self.clock() + seconds
        while not self._is_ending:
            await self._sleep(seconds)
            progress = self._begin(job)
            await self._run(job, progress, None)
            if progress.ended is None:
                return
            seconds = max(schedule.next(progress.error), progress.login_delay)
            progress.next_at = self.clock() + seconds
            self.ended(progress)

    async def _sleep(self, seconds: float) -> None:
        task = asyncio.current_task()
        assert task is not None, "it is one of the group"
        self._asleep.add(task)
        try:
            await asyncio.sleep(seconds)
        finally:
            self._asleep.discard(task)

    def _begin(self, job: Job) -> Progress:
        progress = self.watched[job.account.name] = Progress(job.account.name, self.clock)
        return progress

    async def _once(self, job: Job, progress: Progress, tell: Tell | None) -> None:
        await self._run(job, progress, tell)
        self.ended(progress)

    async def _run(self, job: Job, progress: Progress, tell: Tell | None) -> None:
        assert self._all is not None, "prepared"
        account = job.account
        async with self._mailboxes[account.mailbox or account.name], self._hosts[account.host], self._all:
            if self._is_ending:  # it has waited here for others
                return
            await fetch(job, self.journal, progress, tell=tell)

    def _prepare(self) -> None:
        self._all = asyncio.Semaphore(self.limits.at_once)
        self._mailboxes = defaultdict(asyncio.Lock)
        self._hosts = defaultdict(lambda: asyncio.Semaphore(self.limits.per_host))
