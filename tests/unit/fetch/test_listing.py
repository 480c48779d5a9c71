"""What a server has, under keys that are each message's own. Whole runs are in test_run."""

from postane.fetch.account import Keep, KeepKind
from postane.fetch.errors import Trouble
from postane.fetch.listing import REPEATED
from postane.journal.base import Listed, Step
from support.fetching import Bench, Given, MemorySource, mail


async def known(bench: Bench) -> dict[str, Step]:
    return {entry.key: entry.step async for entry in bench.journal.entries("work")}


async def test_a_unique_id_of_several_is_not_believed_again():
    bench = Bench(mail(1, uidl="same"), mail(2, uidl="same"), mail(3))
    await bench.fetch()
    keys = await known(bench)
    assert "same" not in keys
    assert len(keys) == 3
    run = await bench.journal.begin("work")
    assert await run.recall(REPEATED) == "same"
    await run.finish(is_clean=True)
    bench.server.mails = [mail(4, uidl="same")]
    assert (await bench.fetch()).delivered == 1, "another message, though its unique-id is known"


class DeafSource(MemorySource):
    """It does not give the header part of the first message."""

    async def headers(self, numbers):
        for number in numbers:
            yield Given(number, self._mails[number - 1].header, "locked" if number == 1 else None)


async def test_a_message_that_cannot_be_known_is_told_and_the_others_are_fetched(monkeypatch):
    monkeypatch.setattr("support.fetching.MemorySource", DeafSource)
    bench = Bench(mail(1, uidl=None), mail(2, uidl=None), mail(3))
    progress = await bench.fetch()
    assert (progress.listed, progress.delivered, progress.worst) == (3, 2, Trouble.TEMPORARY)
    assert progress.troubles == ["message 1: locked"]
    monkeypatch.setattr("support.fetching.MemorySource", MemorySource)
    assert (await bench.fetch()).delivered == 1


async def crashed(bench: Bench) -> None:
    """A run that listed all, and did not end."""
    run = await bench.journal.begin("work")

    async def listing():
        yield [Listed(number, each.uidl, len(each.octets)) for number, each in enumerate(bench.server.mails, 1)]

    await run.take_listing(listing())
    await run.finish(is_clean=False)


async def test_after_a_crash_a_part_that_was_delivered_is_not_fetched_again():
    bench = Bench(mail(1, size=5000), mail(2), max_size=1000)
    await crashed(bench)
    bench.sink.parcels[bench.key("u1", is_part=True)] = b"delivered before the record"
    progress = await bench.fetch()
    assert (progress.delivered, progress.present) == (1, 1)
    assert await known(bench) == {"u1": Step.SKIPPED, "u2": Step.DELIVERED}


async def test_a_message_of_the_mailbox_before_is_not_taken_for_one_of_this():
    """Many servers count: what the first mailbox had under a unique-id may still be at the destination."""
    bench = Bench(mail(1), mail(2))
    await bench.fetch()
    await bench.journal.forget("work")
    bench.server.user, bench.server.mails = "berta", [mail(1, size=5000), mail(2, size=6000)]
    await crashed(bench)
    progress = await bench.fetch()
    assert (progress.delivered, progress.present) == (2, 0)


async def test_forgotten_a_message_is_still_known_again_after_a_crash():
    bench = Bench(mail(1))
    await bench.fetch()
    await bench.journal.forget("work")
    await crashed(bench)
    progress = await bench.fetch()
    assert (progress.delivered, progress.present) == (0, 1)


async def test_a_mailbox_that_is_called_otherwise_now_has_its_messages_where_they_are():
    bench = Bench(mail(1), mail(2), keep=Keep(KeepKind.HERE))
    await bench.fetch()
    for name in ("anna@example.org", "anna@example.com"):
        bench.server.user = name
        assert (await bench.fetch()).deleted == 0
    del bench.sink.parcels[next(iter(bench.sink.parcels))]
    assert (await bench.fetch()).deleted == 1
    assert [each.uidl for each in bench.server.mails] == ["u2"]


async def test_after_a_clean_end_nobody_is_asked(monkeypatch):
    bench = Bench(mail(1))
    await bench.fetch()

    async def find(_):
        raise AssertionError("a quiet poll reads nothing of the destinations")

    monkeypatch.setattr(bench.sink, "find", find)
    assert (await bench.fetch()).error is None
