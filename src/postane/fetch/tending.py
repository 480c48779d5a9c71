"""Looking after the state of an account: leave what is there, or find out again what was delivered.

Must not know: how it is shown.
"""

from collections.abc import Awaitable, Callable, Collection
from functools import partial

from postane.journal.base import Journal

from .choice import open_destinations
from .listing import COMPARED, check_mailbox, reconcile, take_listing
from .progress import Progress
from .run import Job
from .work import PENDING, PIECE, Work


async def mark_seen(job: Job, journal: Journal, progress: Progress, keys: Collection[str] | None = None) -> int:
    """Leave what is at the server now and not delivered, all of it or what has these keys: it is not fetched any more.
    How many.

    Raises FetchError, JournalError.
    """
    return await _with_listing(job, journal, progress, partial(_mark_seen, keys=keys))


async def forget(journal: Journal, account: str) -> int:
    """Forget all of an account's messages: what the server still has is fetched again, whatever the destinations have.
    How many. Raises JournalError."""
    count = await journal.forget(account)
    run = await journal.begin(account)
    await run.remember(COMPARED, "not wanted")
    await run.finish(is_clean=True)
    return count


async def rebuild(job: Job, journal: Journal, progress: Progress) -> int:
    """Ask the destinations which of the server's messages they have, and record it: after the state was lost. How many.

    Raises FetchError, JournalError, SinkError.
    """
    return await _with_listing(job, journal, progress, _rebuild)


async def _with_listing(job: Job, journal: Journal, progress: Progress, then: Callable[[Work], Awaitable[int]]) -> int:
    progress.begin()
    run = await journal.begin(job.account.name)
    work = Work(job.account, job.make_source(), job.sinks, run, progress, job.clock)
    is_clean = not run.is_suspect
    try:
        await open_destinations(work)
        facts = await work.source.open()
        await take_listing(work)
        await check_mailbox(work, facts)
        return await then(work)
    finally:
        try:
            await work.source.leave()
            await run.finish(is_clean=is_clean)
        finally:
            for sink in job.sinks:
                await sink.close()


async def _mark_seen(work: Work, keys: Collection[str] | None) -> int:
    count = 0
    async for piece in work.run.compare(steps=PENDING, piece=PIECE):
        meant = [each.listed.key for each in piece if keys is None or each.listed.key in keys]
        await work.run.record_skipped(dict.fromkeys(meant, "marked as seen"))
        count += len(meant)
    return count


async def _rebuild(work: Work) -> int:
    for refusal in work.progress.down.values():
        raise refusal
    await reconcile(work)
    return work.progress.present
