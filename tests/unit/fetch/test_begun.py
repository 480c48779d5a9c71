"""What some destinations have and others lack: who is still asked, and for how many at a time."""

from postane.fetch import begun
from postane.fetch.handover import PUT_OFF, PUT_OFF_FIRST
from postane.fetch.progress import Progress
from postane.fetch.work import PART, Work
from postane.journal.base import Compared, Listed, Step
from postane.journal.memory import MemoryJournal
from support.fetching import NOW, Bench, MemorySink, MemorySource, mail


async def made(*names: str, count: int = 0, **wishes: object) -> Work:
    """With destinations of these names, and so many messages in the listing."""
    bench = Bench(*[mail(number) for number in range(1, count + 1)], **wishes)
    run = await MemoryJournal(lambda: NOW).begin("work")
    sinks = [MemorySink(name) for name in names]
    return Work(bench.account, MemorySource(bench.server), sinks, run, Progress("work", lambda: NOW), clock=lambda: NOW)


def had(number: int, *names: str, octets: int = 10) -> Compared:
    return Compared(Listed(number, f"u{number}", octets), Step.SEEN, sinks=names)


async def test_a_few_are_tried_first_and_more_once_it_takes_some():
    work = await made("a", "b")
    left = [had(number, "a") for number in range(200)]
    few, left = begun.next_few(work, left)
    assert (len(few), len(left)) == (PUT_OFF_FIRST, 180)
    work.progress.patience["b"] = PUT_OFF
    few, left = begun.next_few(work, left)
    assert (len(few), len(left)) == (PUT_OFF, 80)


async def test_what_only_a_full_destination_lacks_is_given_up():
    work = await made("a", "b", "c")
    work.progress.patience["b"] = 0
    few, left = begun.next_few(work, [had(1, "a", "c"), had(2, "a")])
    assert ([each.listed.number for each in few], left) == ([2], [])
    assert work.given_up == {"u1"}
    assert work.progress.note == "b takes no message now: what it alone lacks is left at the server"


async def test_what_is_everywhere_is_recorded_and_not_wanted():
    work = await made("a", "b", max_size=50)
    piece = [
        had(1, "a", "b"),
        had(2, "a"),
        had(3, "a" + PART, "b", octets=60),
        had(4, "a" + PART, "b"),
    ]
    left = await begun.record_placed(work, piece)
    assert [each.listed.number for each in left] == [2, 4], "of a message that is wanted whole now a part is not enough"
    assert work.progress.present == 2


async def test_who_has_a_part_lacks_the_message_that_is_wanted_now():
    work = await made("a", "b")
    assert dict(begun.wanting(work, had(1, "a" + PART, "b"))) == {"a": PUT_OFF_FIRST}
    work = await made("a", "b", max_size=5)
    assert dict(begun.wanting(work, had(1, "a" + PART))) == {"b": PUT_OFF_FIRST}
