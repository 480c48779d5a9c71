"""One account's run: its destinations, its journal, and as many sessions with its server as it takes.

What goes wrong ends up in the run's Progress; nothing but a cancellation is raised.

Must not know: other accounts, when the next run is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from postane.journal.base import Journal, JournalError, Run
from postane.sinks.base import Sink, SinkError

from .account import Account, KeepKind
from .choice import open_destinations
from .errors import FetchError, NoEnd, Trouble
from .progress import Progress
from .source import Facts, Source
from .troubles import told_of_sink
from .visit import Visit
from .work import Tell, Work

FORGET_AFTER = 90 * 86400.0
"""Seconds after which a message that the server does not list any more is forgotten."""

LONGEST_DELAY = 86400.0
"""Seconds between logins that are believed: a mistake at the server is not to last for years here."""

LAST_LOGIN = "last login"
LOGIN_DELAY = "login delay"
"""What is remembered of a server that wants time between logins (RFC 2449 s6.5)."""


@dataclass(frozen=True, slots=True)
class Job:
    """An account with what it takes to fetch it. `make_source` gives a new session each time, `clock` seconds since the
    epoch."""

    account: Account
    make_source: Callable[[], Source]
    sinks: Sequence[Sink]
    clock: Callable[[], float] = field(repr=False)


async def fetch(job: Job, journal: Journal, progress: Progress, *, tell: Tell | None = None) -> None:
    """Fetch an account once; with `tell` only say what would be done."""
    progress.begin()
    error: FetchError | None = None
    try:
        await _fetch(job, journal, progress, tell)
    except FetchError as refusal:
        error = refusal
    except SinkError as refusal:
        error = told_of_sink(refusal)
    except JournalError as refusal:
        error = FetchError(refusal.text, Trouble.TEMPORARY if refusal.may_pass else Trouble.JOURNAL)
    except BaseException:
        progress.end(FetchError("stopped", Trouble.TEMPORARY))
        raise
    progress.end(error)


async def _fetch(job: Job, journal: Journal, progress: Progress, tell: Tell | None) -> None:
    run = await journal.begin(job.account.name)
    work = Work(job.account, job.make_source(), job.sinks, run, progress, job.clock)
    work.is_recorded = not run.is_suspect
    try:
        await _check_delay(run, job.clock())
        if tell is None or job.account.keep.kind is KeepKind.HERE:  # which is about what they have
            await open_destinations(work)
        while not await _visit(work, tell):
            work.source = job.make_source()
        for refusal in progress.down.values():
            raise refusal
    except FetchError as error:
        if work.is_fetching and _may_delete(work, error):
            work.source, work.most = job.make_source(), 0
            await _delete(work)
        raise
    finally:
        try:
            await run.finish(is_clean=work.is_recorded)
        finally:
            for sink in job.sinks:
                await sink.close()
    if tell is None and progress.began is not None:  # a clock may have been put right since
        await _prune(job.account, journal, progress.began - FORGET_AFTER)


async def _prune(account: Account, journal: Journal, before: float) -> None:
    """Forget what is long gone. Another process may have begun to fetch this account: it does so too."""
    try:
        await journal.prune(account.name, before)
    except JournalError as error:
        if not error.may_pass:
            raise


async def _visit(work: Work, tell: Tell | None) -> bool:
    """Whether there is nothing left to fetch."""
    account, visit = work.account, Visit(work)
    try:
        facts = await visit.open()
        await _note_delay(work, facts)
        if tell is not None:
            await visit.describe(tell)
            return True
        work.most = _most(account, facts, work.progress.messages)
        await visit.go()
    finally:
        await visit.leave()
    is_limited = account.limit is not None and work.progress.messages >= account.limit
    if work.progress.login_delay:
        return True
    return is_limited or work.most is None or visit.taken < work.most


def _may_delete(work: Work, error: FetchError) -> bool:
    """Whether what was delivered may be deleted though this ended the session that fetched it. Where the server hangs
    up at the same message each time nothing ever would be else; what cannot be understood is not believed."""
    is_sound = error.trouble is not Trouble.PROTOCOL or isinstance(error, NoEnd)
    is_wanted = work.account.keep.kind is not KeepKind.ALL and not work.progress.login_delay
    return is_sound and is_wanted and work.is_recorded


async def _delete(work: Work) -> None:
    """A session that fetches nothing: the one before it ended amid its messages, and deleted none of what is delivered.
    Why that one ended is what counts."""
    visit = Visit(work)
    try:
        await visit.open()
        await visit.go()
    except (FetchError, SinkError):
        pass
    finally:
        await visit.leave()


def _most(account: Account, facts: Facts, fetched: int) -> int | None:
    """How many messages to fetch in this session. A server that wants time between logins is visited once."""
    bounds = [] if account.limit is None else [account.limit - fetched]
    if account.expunge_every is not None and account.keep.kind is KeepKind.NONE and not facts.login_delay:
        bounds.append(account.expunge_every)
    return min(bounds, default=None)


async def _check_delay(run: Run, now: float) -> None:
    """Do not come earlier than the server wants it: it would refuse, or take offence."""
    delay, last = await run.recall(LOGIN_DELAY), await run.recall(LAST_LOGIN)
    if delay and last and -float(delay) <= now - float(last) < float(delay):  # unless the clock was wrong
        wait = float(last) + float(delay) - now
        text = f"the server wants {float(delay):g} s between logins: again in {wait:.0f} s"
        raise FetchError(text, Trouble.TEMPORARY, wait=wait)


async def _note_delay(work: Work, facts: Facts) -> None:
    delay = work.progress.login_delay = min(facts.login_delay or 0.0, LONGEST_DELAY)
    if delay or await work.run.recall(LOGIN_DELAY):
        await work.run.remember(LOGIN_DELAY, f"{delay:g}")
        await work.run.remember(LAST_LOGIN, f"{work.clock():.3f}")
