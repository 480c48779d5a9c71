"""Several accounts at once, once or again and again."""

import asyncio
from dataclasses import replace

import pytest

from postane.fetch.account import Account
from postane.fetch.progress import Progress
from postane.fetch.rounds import Limits, Rounds
from postane.fetch.run import Job
from postane.fetch.schedule import Schedule
from postane.fetch.source import Facts
from postane.journal.memory import MemoryJournal
from support.fetching import Bench, MemorySink, MemorySource, Server, mail


class Enough(Exception):
    """It has gone on for long enough."""


class Crowd:
    """Counts how many sessions there are at once, in all and by host."""

    def __init__(self) -> None:
        self.now: dict[str, int] = {}
        self.most: dict[str, int] = {}
        self.runs = 0
        self.begun = asyncio.Event()

    def job(self, name: str, host: str, *, fails: bool = False) -> Job:
        crowd = self

        class Slow(MemorySource):
            async def open(self) -> Facts:
                crowd.runs += 1
                crowd.begun.set()
                for each in (host, "all"):
                    crowd.now[each] = crowd.now.get(each, 0) + 1
                    crowd.most[each] = max(crowd.most.get(each, 0), crowd.now[each])
                await asyncio.sleep(0.01)
                for each in (host, "all"):
                    crowd.now[each] -= 1
                return await super().open()

        from postane.fetch.errors import FetchError, Trouble

        server = Server([mail(1)], refuses_login=FetchError("no", Trouble.LOGIN) if fails else None)
        return Job(Account(name, host=host), lambda: Slow(server), [MemorySink()], lambda: 0.0)


def rounds(jobs: list[Job], limits: Limits = Limits(), **others: object) -> Rounds:  # noqa: B008 - a frozen value
    return Rounds(jobs, MemoryJournal(lambda: 0.0), limits, lambda: 0.0, **others)  # type: ignore[arg-type]


async def test_one_that_fails_does_not_stop_the_others():
    crowd = Crowd()
    each = rounds([crowd.job("a", "one", fails=True), crowd.job("b", "one"), crowd.job("c", "two")])
    progresses = each.progresses()
    await each.once(progresses)
    assert [progress.delivered for progress in progresses] == [0, 1, 1]
    assert progresses[0].error is not None


async def test_not_too_many_at_once():
    crowd = Crowd()
    jobs = [crowd.job(f"{host}{number}", host) for host in ("one", "two", "three") for number in range(4)]
    each = rounds(jobs, Limits(at_once=3, per_host=2))
    await each.once(each.progresses())
    assert crowd.most["all"] <= 3
    assert max(crowd.most[host] for host in ("one", "two", "three")) <= 2
    assert crowd.runs == 12


async def test_watching_goes_on_until_it_is_stopped():
    crowd = Crowd()
    ended: list[Progress] = []
    stopped = asyncio.Event()

    def note(progress: Progress) -> None:
        ended.append(progress)
        if len(ended) == 6:
            stopped.set()

    each = rounds([crowd.job("a", "one"), crowd.job("b", "two", fails=True)], ended=note)
    watching = asyncio.create_task(each.watch(lambda job: Schedule(0.001, lambda: 0.0)))
    async with asyncio.timeout(20):
        await stopped.wait()
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching
    assert {progress.account for progress in ended} == {"a", "b"}


async def test_who_watches_can_be_asked_when_the_next_run_is(monkeypatch):
    seen: list[tuple[float | None, int]] = []

    async def sleep(seconds: float) -> None:
        (progress,) = each.watched.values()
        seen.append((progress.next_at, progress.delivered))
        if len(seen) == 2:
            raise Enough

    each = rounds([Bench(mail(1)).job()])
    monkeypatch.setattr("postane.fetch.rounds.asyncio.sleep", sleep)
    with pytest.raises(ExceptionGroup):
        await each.watch(lambda job: Schedule(300, lambda: 0.0))
    assert seen == [(each.clock(), 0), (each.clock() + 300, 1)]


async def test_who_is_told_of_a_run_is_told_when_the_next_one_is():
    told: list[float | None] = []

    def note(progress: Progress) -> None:
        told.append(progress.next_at)
        each.end()

    each = rounds([Bench(mail(1)).job()], ended=note)
    await each.watch(lambda job: Schedule(0.001 if not told else 300, lambda: 0.0))
    assert told == [0.001]


async def test_asked_to_end_it_lets_what_goes_on_come_to_its_end_and_begins_nothing():
    crowd = Crowd()
    jobs = [crowd.job("a", "one"), crowd.job("b", "one"), crowd.job("c", "two")]
    ended: list[str] = []
    each = rounds(jobs, Limits(per_host=1), ended=lambda progress: ended.append(progress.account))
    waits = {"a": 0.0, "b": 0.0, "c": 3e6}
    watching = asyncio.create_task(each.watch(lambda job: Schedule(waits[job.account.name], lambda: 1.0)))
    async with asyncio.timeout(20):
        await crowd.begun.wait()
        each.end()
        await watching
    assert ended == ["a"], "b waits for its host, c sleeps"
    assert crowd.runs == 1


async def test_who_watches_comes_no_earlier_than_the_server_wants(monkeypatch):
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) > 3:
            raise Enough

    bench = Bench(mail(1))
    bench.server.login_delay = 600
    each = rounds([bench.job()])
    monkeypatch.setattr("postane.fetch.rounds.asyncio.sleep", sleep)
    with pytest.raises(ExceptionGroup):
        await each.watch(lambda job: Schedule(300, lambda: 0.0))
    assert waits[1] == 600


async def test_a_dry_run_says_whose_message_it_is():
    crowd = Crowd()
    told: list[tuple[str, int]] = []
    each = rounds([crowd.job("a", "one"), crowd.job("b", "one")])
    await each.once(each.progresses(), lambda name: lambda listed, fate: told.append((name, listed.number)))
    assert sorted(told) == [("a", 1), ("b", 1)]
    assert all(not job.sinks[0].parcels for job in each.jobs)  # type: ignore[attr-defined]


def test_a_job_is_a_value():
    job = Crowd().job("a", "one")
    assert replace(job).account is job.account


async def test_accounts_of_one_mailbox_take_turns():
    crowd = Crowd()
    jobs = [crowd.job(name, "one") for name in ("a", "b", "c")]
    jobs = [replace(job, account=replace(job.account, mailbox="pop3 anna@one:110")) for job in jobs]
    each = rounds(jobs, Limits(at_once=3, per_host=3))
    await each.once(each.progresses())
    assert (crowd.runs, crowd.most["one"]) == (3, 1)
