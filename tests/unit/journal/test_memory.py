"""The journal in memory; what every journal promises is in tests/contract/test_journal.py."""

from postane.journal.base import Step
from postane.journal.memory import MemoryJournal
from support.journals import entries, listed


async def test_the_clock_is_the_systems_where_none_is_given():
    journal = MemoryJournal()
    run = await journal.begin("work")
    await listed(run, "a")
    (entry,) = await entries(journal, "work")
    assert entry.seen > 1_700_000_000


async def test_two_journals_know_nothing_of_each_other():
    one, two = MemoryJournal(), MemoryJournal()
    await (await one.begin("work")).record_delivered("a")
    assert [each.step for each in await entries(one, "work")] == [Step.DELIVERED]
    await two.begin("work")
    assert await entries(two, "work") == []
